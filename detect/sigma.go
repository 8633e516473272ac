package detect

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Sigma rules of category webserver or proxy match requests, and are compiled into the
// same conditions as ours. What Sigma has and we have not is refused by name: a rule
// that matches something else than it says is worse than none.

// isSigma tells whether a mapping is a rule or a correlation of Sigma.
func isSigma(n *node) bool {
	return n.kind == mapping && n.get("title") != nil && (n.get("detection") != nil || n.get("logsource") != nil || n.get("correlation") != nil)
}

// A sigmaRule is one that correlations may refer to.
type sigmaRule struct {
	rule *Rule
	part ruledPart
}

// A sigmaCorrelation is one whose rules may stand in files that come later.
type sigmaCorrelation struct {
	file *ruleFile
	at   *node // of the correlation
	rule *Rule
	kind string
	refs []*node
	keep bool // whether the rules alert by themselves, too
	text *node
}

// sigmaKeys are the keys of a rule that are read or of no meaning here.
var sigmaKeys = []string{"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references", "date", "modified",
	"logsource", "detection", "fields", "falsepositives", "level", "tags", "scope", "correlation", "regression_tests_path", "simulation"}

func (l *loader) readSigma(f *ruleFile, n *node) {
	before := len(f.errs)
	f.keysOf(n, "a Sigma rule", sigmaKeys...)
	r := &Rule{Type: "suspicious_activity", any: true, Of: OfRequests}
	f.text(n.get("title"), "title", &r.Title)
	f.text(n.get("description"), "description", &r.Doc)
	r.Doc = strings.TrimSpace(r.Doc)
	if r.Name = slug(r.Title); r.Name == "" {
		f.fail(n, "the title has no letter or digit")
	}
	r.Severity = f.sigmaLevel(n.get("level"))
	r.Technique = sigmaTechnique(n.get("tags"))
	r.source = f.source(n)
	if c := n.get("correlation"); c != nil {
		if n.get("detection") != nil {
			f.fail(c, "a rule has detection or correlation, not both")
			return
		}
		l.correlation(f, n, c, r, before)
		return
	}
	f.logsource(n.get("logsource"), n)
	r.Condition = f.detection(n.get("detection"), n)
	r.Window = defaultWindow
	if len(f.errs) > before {
		return
	}
	l.add(f, n, r)
	s := &sigmaRule{r, ruledPart{of: OfRequests, condition: r.Condition}}
	for _, key := range []string{"id", "name", "title"} {
		if k := n.get(key); k != nil && k.text != "" {
			l.sigma[k.text] = s
		}
	}
}

// source returns the lines of a document.
func (f *ruleFile) source(n *node) string {
	from := n.line
	for _, k := range n.keys {
		from = min(from, k.line)
	}
	var b strings.Builder
	for _, line := range f.lines[min(max(from-1, 0), len(f.lines)):] {
		if strings.HasPrefix(line, "---") {
			break
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (f *ruleFile) sigmaLevel(n *node) Severity {
	if n == nil {
		return Medium
	}
	if n.text == "informational" {
		return Low // an alert that is none
	}
	s := Medium
	f.severity(n, &s)
	return s
}

var techniqueTag = regexp.MustCompile(`^attack\.(t\d{4}(?:\.\d{3})?)$`)

// sigmaTechnique returns the first technique among the tags.
func sigmaTechnique(n *node) string {
	if n == nil {
		return ""
	}
	for _, t := range n.items {
		if m := techniqueTag.FindStringSubmatch(strings.ToLower(t.text)); m != nil {
			return strings.ToUpper(m[1])
		}
	}
	return ""
}

func (f *ruleFile) logsource(n, rule *node) {
	if n == nil {
		f.fail(rule, "the Sigma rule has no logsource")
		return
	}
	if !f.keysOf(n, "logsource", "category", "product", "service", "definition") {
		return
	}
	if c := n.get("category"); c == nil {
		f.fail(n, "logsource has no category: webserver and proxy are supported")
	} else if c.text != "webserver" && c.text != "proxy" {
		f.fail(c, "logsource category %q is not supported: webserver and proxy are", c.text)
	}
}

// sigmaFields are the fields of the two categories.
var sigmaFields = map[string]func(*parsers.Request) value{
	"cs-method": func(r *parsers.Request) value { return textValue(r.Method) },
	"cs-uri": func(r *parsers.Request) value {
		return textValue(uri(r))
	},
	"c-uri":           func(r *parsers.Request) value { return textValue(uri(r)) },
	"cs-uri-stem":     func(r *parsers.Request) value { return textValue(r.Path) },
	"c-uri-path":      func(r *parsers.Request) value { return textValue(r.Path) },
	"cs-uri-query":    func(r *parsers.Request) value { return textValue(r.Query) },
	"c-uri-query":     func(r *parsers.Request) value { return textValue(r.Query) },
	"c-uri-extension": func(r *parsers.Request) value { return textValue(fileType(r.Path)) },
	"cs-host":         func(r *parsers.Request) value { return textValue(r.Host) },
	"c-ip":            func(r *parsers.Request) value { return textValue(r.ClientIP) },
	"src_ip":          func(r *parsers.Request) value { return textValue(r.ClientIP) },
	"cs-username":     func(r *parsers.Request) value { return textValue(r.User) },
	"cs-user-agent":   func(r *parsers.Request) value { return textValue(r.UserAgent) },
	"c-useragent":     func(r *parsers.Request) value { return textValue(r.UserAgent) },
	"cs-referer":      func(r *parsers.Request) value { return textValue(r.Referer) },
	"cs-referrer":     func(r *parsers.Request) value { return textValue(r.Referer) },
	"sc-status":       func(r *parsers.Request) value { return knownValue(int64(cmp.Or(r.Status, -1))) },
	"sc-bytes":        func(r *parsers.Request) value { return knownValue(r.Bytes) },
	"time-taken":      func(r *parsers.Request) value { return durationValue(r.Duration) },
}

func uri(r *parsers.Request) string {
	if r.Query == "" {
		return r.Path
	}
	return r.Path + "?" + r.Query
}

func durationValue(d time.Duration) value {
	if d < 0 {
		return value{}
	}
	return numberValue(float64(d.Milliseconds()))
}

// sigmaField returns how a field is read. What a URI holds is compared as it was sent,
// and decoded.
func sigmaField(name string) (func(*clue) value, error) {
	of, ok := sigmaFields[strings.ToLower(name)]
	if !ok {
		var known []string
		for k := range sigmaFields {
			known = append(known, k)
		}
		slices.Sort(known)
		return nil, fmt.Errorf("the Sigma field %q is not supported%s", name, cmp.Or(didYouMean(strings.ToLower(name), known), ": those that are: "+strings.Join(known, ", ")))
	}
	decoded := strings.Contains(strings.ToLower(name), "uri")
	return func(c *clue) value {
		if c.request == nil {
			return value{}
		}
		v := of(c.request)
		if decoded && v.kind == aText {
			if plain := unescaped(v.text); plain != v.text {
				return value{kind: several, list: []value{v, textValue(plain)}}
			}
		}
		return v
	}, nil
}

// detection reads the searches and the condition over them.
func (f *ruleFile) detection(n, rule *node) *Condition {
	if n == nil || n.kind != mapping {
		f.fail(cmp.Or(n, rule), "the Sigma rule has no detection")
		return nil
	}
	searches := map[string]*Condition{}
	var condition *node
	for i, k := range n.keys {
		switch k.text {
		case "condition":
			condition = n.items[i]
		case "timeframe":
			f.fail(k, "timeframe is not supported: write a correlation")
		default:
			searches[k.text] = f.search(n.items[i], 0)
		}
	}
	if condition == nil {
		f.fail(n, "detection has no condition")
		return nil
	}
	var all []*Condition
	texts := []*node{condition}
	if condition.kind == sequenceNode {
		texts = condition.items
	}
	for _, t := range texts {
		p := &sigmaParser{searches: searches, words: sigmaWords(t.text)}
		c, err := p.or(0)
		if err == nil && len(p.words) > 0 && p.words[0] == "|" {
			err = fmt.Errorf("aggregations (|) are not supported: write a correlation")
		}
		if err == nil && len(p.words) > 0 {
			err = fmt.Errorf("%q is not expected there", p.words[0])
		}
		if err != nil {
			f.fail(t, "condition: %v", err)
			return nil
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		f.fail(condition, "the condition is empty")
		return nil
	}
	if len(all) == 1 {
		return all[0]
	}
	return &Condition{Logic: Or, Conditions: all}
}

// search reads a search: a mapping of fields, all of which must match, or a list of
// such, any of which may.
func (f *ruleFile) search(n *node, depth int) *Condition {
	c := &Condition{Logic: And}
	switch {
	case depth > maxDepth:
		f.fail(n, "searches nest too deep")
	case n.kind == sequenceNode:
		c.Logic = Or
		for _, item := range n.items {
			if item.kind == scalar {
				f.fail(item, "keywords are not supported: name the field")
				return c
			}
			c.Conditions = append(c.Conditions, f.search(item, depth+1))
		}
		if len(n.items) == 0 {
			f.fail(n, "the search is empty")
		}
	case n.kind == mapping:
		for i, k := range n.keys {
			c.Conditions = append(c.Conditions, f.sigmaItem(k, n.items[i]))
		}
		if len(n.keys) == 0 {
			f.fail(n, "the search is empty")
		}
	default:
		f.fail(n, "keywords are not supported: name the field")
	}
	return c
}

// sigmaItem reads one field with its modifiers and values.
func (f *ruleFile) sigmaItem(key, n *node) *Condition {
	name, rest, _ := strings.Cut(key.text, "|")
	var modifiers []string
	if rest != "" {
		modifiers = strings.Split(rest, "|")
	}
	of, err := sigmaField(name)
	if err != nil {
		f.fail(key, "%v", err)
		return &Condition{Logic: And}
	}
	m, err := readModifiers(modifiers)
	if err != nil {
		f.fail(key, "%v", err)
		return &Condition{Logic: And}
	}
	values := []*node{n}
	if n.kind == sequenceNode {
		values = n.items
	}
	if n.kind == mapping || len(values) == 0 || len(values) > maxValues {
		f.fail(n, "a value or a list of values is wanted")
		return &Condition{Logic: And}
	}
	c := &Condition{Logic: Or}
	if m.all {
		c.Logic = And
	}
	for _, v := range values {
		test, err := m.test(v, of)
		if err != nil {
			f.fail(v, "%s: %v", key.text, err)
			return c
		}
		c.Conditions = append(c.Conditions, test)
	}
	return c
}

// sigmaModifiers say how a value is compared.
type sigmaModifiers struct {
	how    string // "", contains, startswith, endswith, re, cidr, gt, gte, lt, lte, exists, fieldref
	flags  string // of re
	all    bool
	cased  bool
	offset bool // base64offset
	base64 bool
	neq    bool
}

// supported are the modifiers there are.
var supported = []string{"contains", "startswith", "endswith", "re", "cidr", "gt", "gte", "lt", "lte", "exists", "fieldref", "all", "cased",
	"base64", "base64offset", "i", "m", "s", "neq"}

func readModifiers(names []string) (m sigmaModifiers, err error) {
	for _, name := range names {
		switch name {
		case "contains", "startswith", "endswith", "re", "cidr", "gt", "gte", "lt", "lte", "exists", "fieldref":
			if m.how != "" {
				return m, fmt.Errorf("modifiers %q and %q together are not supported", m.how, name)
			}
			m.how = name
		case "all":
			m.all = true
		case "cased":
			m.cased = true
		case "neq":
			m.neq = true
		case "base64":
			m.base64 = true
		case "base64offset":
			m.offset = true
		case "i", "m", "s":
			if m.how != "re" {
				return m, fmt.Errorf("modifier %q is for re", name)
			}
			m.flags += name
		default:
			return m, fmt.Errorf("modifier %q is not supported%s", name, cmp.Or(didYouMean(name, supported), ": those that are: "+strings.Join(supported, ", ")))
		}
	}
	if (m.base64 || m.offset) && m.how != "" && m.how != "contains" {
		return m, fmt.Errorf("base64 goes with contains alone")
	}
	return m, nil
}

// test makes a condition of one value.
func (m sigmaModifiers) test(n *node, of func(*clue) value) (*Condition, error) {
	if n.kind != scalar {
		return nil, fmt.Errorf("a text or a number is wanted, not %s", n.what())
	}
	c := &Condition{Field: "sigma", Operator: "sigma", of: of}
	if n.value == nil { // null: the field is not there
		c.test = func(v value) bool { return v.kind == null }
		return c, nil
	}
	var err error
	switch m.how {
	case "exists":
		want, ok := n.value.(bool)
		if !ok {
			return nil, fmt.Errorf("exists wants true or false")
		}
		c.test = func(v value) bool { return (v.kind != null) == want }
	case "re":
		var re *regexp.Regexp
		flags := ""
		if m.flags != "" {
			flags = "(?" + m.flags + ")"
		}
		if re, err = compilePattern(n.text, flags); err != nil {
			return nil, err
		}
		c.test = anyOf(func(v value) bool { return re.MatchString(v.text) })
	case "cidr":
		var p netip.Prefix
		if p, err = netip.ParsePrefix(n.text); err != nil {
			return nil, fmt.Errorf("%q is no network in CIDR notation", n.text)
		}
		c.test = anyOf(func(v value) bool {
			a, err := netip.ParseAddr(v.text)
			return err == nil && p.Contains(a.Unmap())
		})
	case "gt", "gte", "lt", "lte":
		op, _ := operatorOf(m.how)
		if c.test, err = op.make(n.value); err != nil {
			return nil, err
		}
	case "fieldref":
		other, err := sigmaField(n.text)
		if err != nil {
			return nil, err
		}
		c.of = func(clue *clue) value {
			a, b := of(clue), other(clue)
			return flagValue(a.kind != null && b.kind != null && (sameText(a, b)))
		}
		c.test = func(v value) bool { return v.text == "true" }
	default:
		texts := []string{n.text}
		switch {
		case m.offset:
			texts = base64Offsets(n.text)
		case m.base64:
			texts = []string{strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(n.text)), "=")}
		}
		how := m.how
		if m.base64 || m.offset {
			how = cmp.Or(how, "contains")
		}
		var tests []func(string) bool
		for _, t := range texts {
			test, err := sigmaPattern(t, how, m.cased || m.base64 || m.offset)
			if err != nil {
				return nil, err
			}
			tests = append(tests, test)
		}
		c.test = anyOf(func(v value) bool {
			return slices.ContainsFunc(tests, func(test func(string) bool) bool { return test(v.text) })
		})
		if n.text == "" && how == "" {
			c.test = func(v value) bool { return v.kind == null || v.kind == aText && v.text == "" }
		}
	}
	if m.neq {
		holds := c.test
		c.test = func(v value) bool { return !holds(v) }
	}
	return c, nil
}

func sameText(a, b value) bool {
	texts := func(v value) []string {
		if v.kind != several {
			return []string{v.text}
		}
		var t []string
		for _, e := range v.list {
			t = append(t, e.text)
		}
		return t
	}
	return slices.ContainsFunc(texts(a), func(s string) bool {
		return slices.ContainsFunc(texts(b), func(t string) bool { return strings.EqualFold(s, t) })
	})
}

// base64Offsets are the three ways in which a text may stand in what was encoded.
func base64Offsets(s string) []string {
	var all []string
	for i, from := range [3]int{0, 2, 3} {
		e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i) + s))
		to := len(e) - [3]int{0, 3, 2}[(len(s)+i)%3]
		if from < to {
			all = append(all, e[from:to])
		}
	}
	return all
}

// sigmaPattern compiles a text, in which * is anything and ? is one sign, and a
// backslash takes their meaning away.
func sigmaPattern(s, how string, cased bool) (func(string) bool, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("the text has more than %d bytes", maxPattern)
	}
	var b strings.Builder
	plain := true
	var literal strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`*?\`, s[i+1]) >= 0:
			i++
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
			literal.WriteByte(s[i])
		case c == '*':
			plain = false
			b.WriteString(".*")
		case c == '?':
			plain = false
			b.WriteString(".")
		default:
			j := i
			for j < len(s) && strings.IndexByte(`*?\`, s[j]) < 0 {
				j++
			}
			j = max(j, i+1)
			b.WriteString(regexp.QuoteMeta(s[i:j]))
			literal.WriteString(s[i:j])
			i = j - 1
		}
	}
	if plain {
		want := literal.String()
		if !cased {
			want = strings.ToLower(want)
		}
		is := map[string]func(s, part string) bool{"": func(s, t string) bool { return s == t }, "contains": strings.Contains,
			"startswith": strings.HasPrefix, "endswith": strings.HasSuffix}[how]
		return func(s string) bool {
			if !cased {
				s = strings.ToLower(s)
			}
			return is(s, want)
		}, nil
	}
	pattern := b.String()
	if how == "" || how == "startswith" {
		pattern = "^" + pattern
	}
	if how == "" || how == "endswith" {
		pattern += "$"
	}
	flags := "(?s)"
	if !cased {
		flags = "(?si)"
	}
	re, err := regexp.Compile(flags + pattern)
	if err != nil {
		return nil, fmt.Errorf("%q is no text that can be looked for", s)
	}
	return re.MatchString, nil
}
