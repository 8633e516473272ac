package detect

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// YAML returns the rule as it is written in a file: what is left out is as by default.
// Its tests are not part of it. A rule of Sigma is what it was read from.
func (r *Rule) YAML() string {
	if r.source != "" {
		return r.source
	}
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	line("name", r.Name)
	if strings.Contains(r.Doc, "\n") && plainLines(r.Doc) {
		b.WriteString("doc: |-\n")
		for l := range strings.SplitSeq(r.Doc, "\n") {
			b.WriteString(strings.TrimRight("  "+l, " ") + "\n")
		}
	} else {
		line("doc", yamlText(r.Doc))
	}
	line("title", yamlText(r.Title))
	line("type", yamlText(r.Type))
	if r.Off {
		line("enabled", "false")
	}
	line("event", yamlTexts(cmp.Or(strings.Join(r.Events, ","), "*")))
	line("of", string(r.Of))
	line("detectors", yamlTexts(strings.Join(r.Detectors, ",")))
	writeCondition(&b, "", r.Condition)
	if r.Threshold > 1 {
		line("threshold", strconv.Itoa(r.Threshold))
	}
	line("distinct", yamlText(r.Distinct))
	if r.Window > 0 {
		line("window", SpanText(r.Window))
	}
	line("group_by", yamlTexts(strings.Join(r.GroupBy, ",")))
	if f := r.FollowedBy; f != nil {
		b.WriteString("followed_by:\n")
		line("  event", yamlTexts(strings.Join(f.Events, ",")))
		writeCondition(&b, "  ", f.Condition)
		if f.Window > 0 {
			line("  window", SpanText(f.Window))
		}
		line("  same", string(f.Same))
		line("  title", yamlText(f.Title))
		line("  type", yamlText(f.Type))
	}
	if r.CoolDown > 0 && r.CoolDown != r.Window {
		line("cool_down", SpanText(r.CoolDown))
	}
	if r.Severity != Info {
		line("severity", r.Severity.String())
	}
	var actions []string
	for _, a := range r.Actions {
		actions = append(actions, string(a))
	}
	if len(actions) > 0 {
		line("actions", "["+strings.Join(actions, ", ")+"]")
	}
	line("technique", yamlText(r.Technique))
	line("owasp", yamlText(r.OWASP))
	return b.String()
}

// plainLines tells whether a text can stand as a block.
func plainLines(s string) bool {
	for l := range strings.SplitSeq(s, "\n") {
		if strings.HasPrefix(l, " ") || strings.TrimRight(l, " \t\r") != l {
			return false
		}
	}
	return !strings.HasSuffix(s, "\n") && !strings.HasPrefix(s, "\n") && strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 }) < 0
}

var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./()-]*( [A-Za-z0-9_./()'-]+)*$`)

// yamlText writes a text as YAML reads it.
func yamlText(s string) string {
	switch strings.ToLower(s) {
	case "":
		return ""
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		return strconv.Quote(s)
	}
	if plainText.MatchString(s) {
		return s
	}
	b := mustJSON(s)
	return string(b)
}

// yamlTexts writes texts that are separated by commas: one as it is, several as a list.
func yamlTexts(list string) string {
	if list == "" {
		return ""
	}
	items := strings.Split(list, ",")
	for i := range items {
		items[i] = yamlText(items[i])
	}
	if len(items) == 1 {
		return items[0]
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func writeCondition(b *strings.Builder, indent string, c *Condition) {
	if c == nil || c.Logic == And && len(c.Conditions) == 0 {
		return
	}
	if c.Logic == "" {
		fmt.Fprintf(b, "%scondition: %s\n", indent, c.flow())
		return
	}
	fmt.Fprintf(b, "%scondition:\n", indent)
	c.block(b, indent+"  ")
}

func (c *Condition) block(b *strings.Builder, indent string) {
	fmt.Fprintf(b, "%slogical_operator: %s\n", indent, c.Logic)
	if len(c.Conditions) == 0 {
		fmt.Fprintf(b, "%sconditions: []\n", indent)
		return
	}
	fmt.Fprintf(b, "%sconditions:\n", indent)
	for _, inner := range c.Conditions {
		if inner.Logic == "" {
			fmt.Fprintf(b, "%s  - %s\n", indent, inner.flow())
			continue
		}
		var nested strings.Builder
		inner.block(&nested, indent+"    ")
		fmt.Fprintf(b, "%s  - %s", indent, strings.TrimPrefix(nested.String(), indent+"    "))
	}
}

// flow writes a filter in one line.
func (c *Condition) flow() string {
	s := fmt.Sprintf("{field: %s, operator: %s", yamlText(c.Field), c.Operator)
	if o, _ := operatorOf(c.Operator); o.takes == takesNone {
		return s + "}"
	}
	if c.List != "" {
		return s + ", value: " + strconv.Quote("$"+c.List) + "}"
	}
	return s + ", value: " + string(mustJSON(c.Value)) + "}"
}
