package report

import (
	"fmt"
	"io"
	"strings"
)

// maxIPSetTimeout is how many seconds an entry of an ipset may last: the kernel counts
// them in milliseconds of 32 bits.
const maxIPSetTimeout = 2147483

// ipset returns two sets for 'ipset restore'.
// https://ipset.netfilter.org/ipset.man.html
func ipset() *PlanFormat {
	return &PlanFormat{
		Name: "ipset", File: "litesoc.ipset", Doc: "IPv4 and IPv6 sets for 'ipset -exist restore'",
		Write: func(w io.Writer, p *Plan) error {
			var b strings.Builder
			b.WriteString(p.head("Load: ipset -exist restore < FILE. Time-outs run from then on.",
				"Use: iptables -I INPUT -m set --match-set litesoc4 src -j DROP, and ip6tables with litesoc6"))
			maxElements := max(65536, len(p.Blocks))
			fmt.Fprintf(&b, "create litesoc4 hash:net family inet timeout 0 comment maxelem %d\nflush litesoc4\n", maxElements)
			fmt.Fprintf(&b, "create litesoc6 hash:net family inet6 timeout 0 comment maxelem %d\nflush litesoc6\n", maxElements)
			for i := range p.Blocks {
				k := &p.Blocks[i]
				set := "litesoc4"
				if k.Network.Addr().Is6() {
					set = "litesoc6"
				}
				fmt.Fprintf(&b, "add %s %s timeout %d comment \"%s\"\n", set, k.Network, min(int64(k.ttl(p.Through).Seconds()), maxIPSetTimeout), k.comment())
			}
			_, err := io.WriteString(w, b.String())
			return err
		},
	}
}
