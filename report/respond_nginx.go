package report

import (
	"fmt"
	"io"
	"strings"
)

// nginxDeny returns deny rules.
// https://nginx.org/en/docs/http/ngx_http_access_module.html
func nginxDeny() *PlanFormat {
	return &PlanFormat{
		Name: "nginx-deny", File: "nginx-deny.conf", Doc: "nginx deny rules, to include in http, server or location",
		Write: func(w io.Writer, p *Plan) error {
			var b strings.Builder
			b.WriteString(p.head("Behind a proxy, set_real_ip_from and real_ip_header must name the client first."))
			for i := range p.Blocks {
				fmt.Fprintf(&b, "deny %s; # %s\n", p.Blocks[i].Network, p.Blocks[i].comment())
			}
			_, err := io.WriteString(w, b.String())
			return err
		},
	}
}

// nginxGeo returns a variable that tells who is blocked, which map would do for single
// addresses only.
// https://nginx.org/en/docs/http/ngx_http_geo_module.html
func nginxGeo() *PlanFormat {
	return &PlanFormat{
		Name: "nginx-geo", File: "nginx-geo.conf", Doc: "an nginx geo map that sets $litesoc_block, to include in http",
		Write: func(w io.Writer, p *Plan) error {
			var b strings.Builder
			b.WriteString(p.head("Use it with: if ($litesoc_block) { return 403; }"))
			b.WriteString("geo $litesoc_block {\n    default 0;\n")
			for i := range p.Blocks {
				fmt.Fprintf(&b, "    %s 1; # %s\n", p.Blocks[i].Network, p.Blocks[i].comment())
			}
			b.WriteString("}\n")
			_, err := io.WriteString(w, b.String())
			return err
		},
	}
}
