package report

import (
	"fmt"
	"strings"
	"time"
)

// comment says in a configuration what a block is for. It is made of ids and names of
// rules alone, and holds no character that ends a comment or a quoted text anywhere: what a
// log says never gets into a configuration.
func (b *Block) comment() string {
	text := word(b.Rules[0]) + " " + b.Severity.String() + " " + word(b.Alerts[0])
	if more := len(b.Alerts) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " until " + b.Expires.UTC().Format(time.RFC3339)
}

// word is an id or the name of a rule without what is no letter, digit, "_", "-" or ".".
func word(s string) string {
	const most = 32 // the whole comment fits the 128 bytes that nftables allows
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), most)]
}

// head is the comment at the top of a configuration, each line begun with "# ".
func (p *Plan) head(lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Response plan of litesoc: proposed, not applied. Review it before you use it.\n")
	fmt.Fprintf(&b, "# %s, as of %s, the end of the log.\n", count(int64(len(p.Blocks)), "network"), instant(p.Through))
	for _, line := range lines {
		b.WriteString("# " + line + "\n")
	}
	return b.String()
}
