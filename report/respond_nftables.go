package report

import (
	"fmt"
	"io"
	"strings"
)

// nftables returns a table of its own with a set for each address family, whose elements
// time out. To load it again replaces it whole.
// https://wiki.nftables.org/wiki-nftables/index.php/Sets
func nftables() *PlanFormat {
	return &PlanFormat{
		Name: "nftables", File: "litesoc.nft", Doc: "an nftables table with IPv4 and IPv6 sets that time out",
		Write: writeNftables,
	}
}

func writeNftables(w io.Writer, p *Plan) error {
	var b strings.Builder
	b.WriteString(p.head("Check: nft -c -f FILE. Load: nft -f FILE. Time-outs run from then on.", "Away with it: nft delete table inet litesoc"))
	b.WriteString("add table inet litesoc\ndelete table inet litesoc\ntable inet litesoc {\n")
	for _, family := range []struct {
		name, typ string
		v4        bool
	}{{"block4", "ipv4_addr", true}, {"block6", "ipv6_addr", false}} {
		fmt.Fprintf(&b, "\tset %s {\n\t\ttype %s\n\t\tflags interval, timeout\n", family.name, family.typ)
		var elements []string
		for i := range p.Blocks {
			k := &p.Blocks[i]
			if k.Network.Addr().Is4() == family.v4 {
				elements = append(elements, fmt.Sprintf("\t\t\t%s timeout %ds comment \"%s\"", k.Network, int64(k.ttl(p.Through).Seconds()), k.comment()))
			}
		}
		if len(elements) > 0 {
			fmt.Fprintf(&b, "\t\telements = {\n%s\n\t\t}\n", strings.Join(elements, ",\n"))
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("\tchain input {\n\t\ttype filter hook input priority -10; policy accept;\n" +
		"\t\tip saddr @block4 drop\n\t\tip6 saddr @block6 drop\n\t}\n}\n")
	_, err := io.WriteString(w, b.String())
	return err
}
