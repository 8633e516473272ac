package report

import (
	"fmt"
	"io"
	"strings"
)

// caddy returns a snippet. client_ip is the client's address past the trusted proxies.
// https://caddyserver.com/docs/caddyfile/matchers#client-ip
func caddy() *PlanFormat {
	return &PlanFormat{
		Name: "caddy", File: "litesoc.caddy", Doc: "a Caddy snippet: import it, then 'import litesoc_block' in a site",
		Write: func(w io.Writer, p *Plan) error {
			var b strings.Builder
			b.WriteString(p.head("Use: import FILE at the top of the Caddyfile, import litesoc_block in a site. Caddy 2.7 or later."))
			b.WriteString("(litesoc_block) {\n")
			if len(p.Blocks) > 0 {
				b.WriteString("\t@litesoc_block {\n")
				for i := range p.Blocks {
					fmt.Fprintf(&b, "\t\t# %s\n\t\tclient_ip %s\n", p.Blocks[i].comment(), p.Blocks[i].Network)
				}
				b.WriteString("\t}\n\trespond @litesoc_block 403\n")
			}
			b.WriteString("}\n")
			_, err := io.WriteString(w, b.String())
			return err
		},
	}
}
