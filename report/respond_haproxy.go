package report

import (
	"fmt"
	"io"
	"strings"
)

// haproxyACL returns a file of patterns.
// https://docs.haproxy.org/3.0/configuration.html#7.1
func haproxyACL() *PlanFormat {
	return &PlanFormat{
		Name: "haproxy-acl", File: "haproxy.acl", Doc: "networks for a HAProxy ACL: acl litesoc src -f FILE",
		Write: func(w io.Writer, p *Plan) error {
			var b strings.Builder
			b.WriteString(p.head("Use: acl litesoc src -f FILE", "     http-request deny if litesoc"))
			for i := range p.Blocks {
				// A comment is a line of its own: what follows a pattern would be part of it.
				fmt.Fprintf(&b, "# %s\n%s\n", p.Blocks[i].comment(), p.Blocks[i].Network)
			}
			_, err := io.WriteString(w, b.String())
			return err
		},
	}
}

// haproxyMap returns a map from networks to the alerts they are blocked for.
// https://docs.haproxy.org/3.0/configuration.html#map
func haproxyMap() *PlanFormat {
	return &PlanFormat{
		Name: "haproxy-map", File: "haproxy.map", Doc: "networks and why, for HAProxy's map_ip",
		Write: func(w io.Writer, p *Plan) error {
			var b strings.Builder
			b.WriteString(p.head("Use: http-request deny if { src,map_ip(FILE) -m found }"))
			for i := range p.Blocks {
				fmt.Fprintf(&b, "%s %s\n", p.Blocks[i].Network, word(p.Blocks[i].Alerts[0]))
			}
			_, err := io.WriteString(w, b.String())
			return err
		},
	}
}
