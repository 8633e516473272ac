package detect

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A RuleFile is a file of rules: ours as YAML or JSON, the hosted product's JSON, or
// Sigma's YAML.
type RuleFile struct {
	Name string // as it is told in errors
	Text []byte
}

// A RuleSet is rules, compiled, in the order in which they are written.
type RuleSet struct {
	Rules []*Rule
	Notes []string // what is odd about the files, though no error
}

// LoadRules reads the built-in rules and then those of the files. A rule of a file that
// has the name of a built-in one takes its place if it says its event; if it does not,
// it changes what it names of it. Lists are the site's own, by name. The error joins all
// that is wrong with the files, FileErrors.
func LoadRules(files []RuleFile, lists map[string][]string) (*RuleSet, error) {
	l := &loader{named: map[string]*Rule{}, sigma: map[string]*sigmaRule{}}
	l.read(RuleFile{"built-in rules", []byte(builtIn)})
	for _, r := range l.rules {
		r.Place = ""
	}
	l.own = len(l.rules)
	return l.load(files, lists)
}

// ReadRules reads the rules of one file alone. Compile makes them ready.
func ReadRules(name string, text []byte) (*RuleSet, error) {
	l := &loader{named: map[string]*Rule{}, sigma: map[string]*sigmaRule{}}
	l.read(RuleFile{name, text})
	l.correlate()
	return &RuleSet{l.rules, l.notes}, errors.Join(l.errs...)
}

// Compile makes the rules ready. Lists are the site's own, by name; a rule that wants
// one that is not set is silent.
func (s *RuleSet) Compile(lists map[string][]string) error {
	var errs []error
	for _, r := range s.Rules {
		if err := r.compile(lists); err != nil {
			errs = append(errs, &FileError{File: cmp.Or(r.Place, "rules"), Message: fmt.Sprintf("rule %s: %v", r.Name, err)})
		}
	}
	return errors.Join(errs...)
}

// Rule returns the rule of that name; nil if there is none.
func (s *RuleSet) Rule(name string) *Rule {
	for _, r := range s.Rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// DidYouMean proposes the rule whose name comes nearest, in words that follow an error.
func (s *RuleSet) DidYouMean(name string) string {
	var names []string
	for _, r := range s.Rules {
		names = append(names, r.Name)
	}
	return didYouMean(name, names)
}

// Set changes one key of the rule, as if it stood so in its file: "threshold" to "3",
// "followed_by.window" to "30m". Lists are the site's own.
func (r *Rule) Set(key, value string, lists map[string][]string) error {
	text := []byte(key + ": " + value + "\n")
	f := newRuleFile("value", text)
	docs := f.documents(text)
	if err := f.err(); err != nil {
		return err
	}
	settable := []string{"threshold", "window", "group_by", "distinct", "cool_down", "severity", "followed_by.window"}
	if len(docs) != 1 || docs[0].kind != mapping || !slices.Contains(settable, key) {
		return fmt.Errorf("no key %q that can be set%s", key, cmp.Or(didYouMean(key, settable), ": they are "+strings.Join(settable, ", ")))
	}
	switch {
	case key == "followed_by.window" && r.FollowedBy == nil:
		return fmt.Errorf("nothing follows in rule %s", r.Name)
	case key == "followed_by.window":
		then := *r.FollowedBy
		f.span(docs[0].items[0], key, &then.Window)
		r.FollowedBy = &then
	default:
		if key == "window" && r.CoolDown == r.Window {
			r.CoolDown = 0 // goes along
		}
		f.fill(docs[0], r)
	}
	if err := f.err(); err != nil {
		return err
	}
	return r.compile(lists)
}

// loader reads files one after the other.
type loader struct {
	rules        []*Rule
	named        map[string]*Rule
	sigma        map[string]*sigmaRule // by id, name and title
	correlations []*sigmaCorrelation
	own          int // rules from there on are not built in
	tests        []*RuleTest
	errs         []error
	notes        []string
}

func (l *loader) load(files []RuleFile, lists map[string][]string) (*RuleSet, error) {
	for _, file := range files {
		l.read(file)
	}
	l.correlate()
	for _, t := range l.tests {
		r := l.named[t.Rule]
		if r == nil {
			l.errs = append(l.errs, t.fail("no rule %q%s", t.Rule, didYouMean(t.Rule, l.names())))
			continue
		}
		r.Tests = append(r.Tests, t)
	}
	set := &RuleSet{l.rules, l.notes}
	if len(l.errs) == 0 {
		if err := set.Compile(lists); err != nil {
			l.errs = append(l.errs, err)
		}
	}
	return set, errors.Join(l.errs...)
}

func (l *loader) names() []string {
	var names []string
	for _, r := range l.rules {
		names = append(names, r.Name)
	}
	return names
}

func (l *loader) read(rf RuleFile) {
	f := newRuleFile(rf.Name, rf.Text)
	for _, doc := range f.documents(rf.Text) {
		l.document(f, doc)
	}
	slices.SortStableFunc(f.errs, func(a, b error) int { // an error of all of it stands first
		x, y := a.(*FileError), b.(*FileError)
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	l.errs = append(l.errs, f.errs...)
	l.notes = append(l.notes, f.notes...)
	f.errs, f.notes = nil, nil
}

// document reads one document: a list of rules, one rule, or rules and tests.
func (l *loader) document(f *ruleFile, doc *node) {
	switch {
	case doc.kind == sequenceNode:
		for _, n := range doc.items {
			l.rule(f, n)
		}
	case isSigma(doc):
		l.readSigma(f, doc)
	case doc.kind == mapping && doc.get("rules", "tests") != nil && doc.get("name") == nil && doc.get("title") == nil:
		if !f.keysOf(doc, "a rule file", "rules", "tests") {
			return
		}
		if rules := doc.get("rules"); rules != nil && rules.kind != sequenceNode {
			f.fail(rules, "rules must be a list, not %s", rules.what())
		} else if rules != nil {
			for _, n := range rules.items {
				l.rule(f, n)
			}
		}
		if tests := doc.get("tests"); tests != nil {
			for _, t := range f.tests(tests) {
				if t.Rule == "" {
					l.errs = append(l.errs, t.fail("a test outside a rule must name its rule"))
					continue
				}
				l.tests = append(l.tests, t)
			}
		}
	default:
		l.rule(f, doc)
	}
}

func (l *loader) rule(f *ruleFile, n *node) {
	if n.kind != mapping {
		f.fail(n, "a rule must be a mapping, not %s", n.what())
		return
	}
	if len(l.rules) >= l.own+maxRules {
		if len(l.rules) == l.own+maxRules {
			f.fail(n, "more than %d rules", maxRules)
			l.own--
		}
		return
	}
	switch {
	case isSigma(n):
		l.readSigma(f, n)
	case isHosted(n):
		if r := f.hosted(n); r != nil {
			l.add(f, n, r)
		}
	default:
		l.ours(f, n)
	}
}

// add puts a rule in the place of the built-in one of its name, or after the others.
func (l *loader) add(f *ruleFile, n *node, r *Rule) {
	r.Place = f.place(n)
	was := l.named[r.Name]
	if was == nil {
		l.rules = append(l.rules, r)
		l.named[r.Name] = r
		return
	}
	if was.Place != "" {
		f.fail(n, "rule %q stands at %s, too", r.Name, was.Place)
		return
	}
	*was = *r
}

// ruleKeys are the keys of a rule of ours, in the order in which they are written.
var ruleKeys = []string{"name", "doc", "title", "type", "enabled", "event", "of", "detectors", "condition", "threshold", "distinct", "window",
	"group_by", "followed_by", "cool_down", "severity", "actions", "technique", "owasp", "tests"}

var (
	nameForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,79}$`)
	eventForm = regexp.MustCompile(`^([a-z0-9_]+\.)+([a-z0-9_]+\*?|\*)$|^[a-z0-9_]*\*$`)
	typeForm  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,59}$`)
)

// alertTypes are those of the hosted product, and our own.
var alertTypes = []string{"brute_force_attack", "impossible_travel", "geo_anomaly", "new_device", "privilege_escalation", "data_exfiltration",
	"suspicious_activity", "rate_limit_exceeded", "account_compromise"}

// ours reads a rule of ours.
func (l *loader) ours(f *ruleFile, n *node) {
	before := len(f.errs)
	f.keysOf(n, "a rule", ruleKeys...)
	name := n.get("name")
	r := &Rule{}
	if name == nil {
		f.fail(n, "the rule has no name")
	} else {
		f.text(name, "name", &r.Name)
		if !nameForm.MatchString(r.Name) {
			f.fail(name, "name %q is not of small letters, digits, - and _", r.Name)
		}
	}
	change := n.get("event") == nil
	was := l.named[r.Name]
	switch {
	case change && was != nil:
		changed := *was
		r = &changed
	case change && name != nil:
		f.fail(n, "the rule has no event, and there is no rule %q that it could change%s", r.Name, didYouMean(r.Name, l.names()))
		return
	}
	f.fill(n, r)
	if len(f.errs) > before {
		return
	}
	if !change || was == nil {
		if r.Title == "" {
			r.Title = r.Name
		}
		l.add(f, n, r)
		return
	}
	r.Place = was.Place
	if r.Place == "" && n.get("enabled") == nil || n.get("enabled") != nil && len(n.keys) > 2 {
		r.Place = f.place(n)
	}
	*was = *r
}

// detectorNames are those of all detectors. To make these costs more than to read a rule.
var detectorNames = sync.OnceValue(func() []string {
	var names []string
	for _, d := range All() {
		names = append(names, d.Name)
	}
	return names
})

// fill reads what a rule says into it, and leaves what it does not say.
func (f *ruleFile) fill(n *node, r *Rule) {
	f.text(n.get("doc"), "doc", &r.Doc)
	f.text(n.get("title"), "title", &r.Title)
	if r.Type == "" {
		r.Type = "suspicious_activity"
	}
	f.alertType(n.get("type"), &r.Type)
	if e := n.get("enabled"); e != nil {
		enabled := true
		f.flag(e, "enabled", &enabled)
		r.Off = !enabled
	}
	f.events(n.get("event"), "event", &r.Events)
	if of := n.get("of"); of != nil {
		var s string
		f.word(of, "of", &s, string(OfRequests), string(OfEvents))
		r.Of = Of(s)
	}
	if d := n.get("detectors"); d != nil {
		f.texts(d, "detectors", &r.Detectors)
		for _, name := range r.Detectors {
			if known := detectorNames(); name != Single && !slices.Contains(known, name) {
				f.fail(d, "no detector %q%s", name, didYouMean(name, known))
			}
		}
	}
	if c := n.get("condition"); c != nil {
		r.Condition = f.condition(c, 0)
	}
	f.whole(n.get("threshold"), "threshold", 1, maxThreshold, &r.Threshold)
	f.field(n.get("distinct"), "distinct", &r.Distinct)
	f.span(n.get("window"), "window", &r.Window)
	if t := n.get("threshold"); r.Threshold > 1 && r.Window == 0 {
		f.fail(t, "a threshold needs a window")
	}
	if r.Distinct != "" && r.Threshold < 2 {
		f.fail(n.get("distinct"), "distinct needs a threshold of 2 or more")
	}
	if g := n.get("group_by"); g != nil {
		f.texts(g, "group_by", &r.GroupBy)
		for _, name := range r.GroupBy {
			if _, err := groupOf(name); err != nil {
				f.fail(g, "group_by: %v", err)
			}
			if name == GroupNone && len(r.GroupBy) > 1 {
				f.fail(g, "group_by: none stands alone")
			}
		}
		if len(r.GroupBy) > 10 {
			f.fail(g, "group_by: more than 10 fields")
		}
	}
	if then := n.get("followed_by"); then != nil {
		r.FollowedBy = f.followedBy(then)
	}
	f.span(n.get("cool_down"), "cool_down", &r.CoolDown)
	f.severity(n.get("severity"), &r.Severity)
	f.actions(n.get("actions"), &r.Actions)
	f.text(n.get("technique"), "technique", &r.Technique)
	f.text(n.get("owasp"), "owasp", &r.OWASP)
	if t := n.get("tests"); t != nil {
		r.Tests = f.tests(t)
		for _, test := range r.Tests {
			if test.Rule != "" && test.Rule != r.Name {
				f.errs = append(f.errs, test.fail("the test of rule %q stands in rule %q", test.Rule, r.Name))
			}
			test.Rule = r.Name
		}
	}
}

// word reads one of several words.
func (f *ruleFile) word(n *node, what string, to *string, known ...string) {
	var s string
	if f.text(n, what, &s); n == nil || s == "" {
		return
	}
	if !slices.Contains(known, s) {
		f.fail(n, "%s %q is not one of %s%s", what, s, strings.Join(known, ", "), didYouMean(s, known))
		return
	}
	*to = s
}

// severity reads that of alerts, which is never info.
func (f *ruleFile) severity(n *node, to *Severity) { f.severityOf(n, to, severities[1:]) }

func (f *ruleFile) severityOf(n *node, to *Severity, known []string) {
	var s string
	if f.word(n, "severity", &s, known...); s != "" {
		*to, _ = ParseSeverity(s)
	}
}

func (f *ruleFile) alertType(n *node, to *string) {
	var s string
	if f.text(n, "type", &s); n == nil || s == "" {
		return
	}
	known := slices.Contains(alertTypes, s)
	if !known && Nearest(s, alertTypes) != "" || !typeForm.MatchString(s) {
		f.fail(n, "no alert type %q%s", s, didYouMean(s, alertTypes))
		return
	}
	*to = s
}

func (f *ruleFile) field(n *node, what string, to *string) {
	var s string
	if f.text(n, what, &s); n == nil || s == "" {
		return
	}
	if _, err := fieldOf(s); err != nil {
		f.fail(n, "%s: %v", what, err)
		return
	}
	*to = s
}

func (f *ruleFile) actions(n *node, to *[]Action) {
	var names []string
	if f.texts(n, "actions", &names); n == nil {
		return
	}
	var known []string
	for _, a := range Actions() {
		known = append(known, string(a))
	}
	*to = nil
	for _, name := range names {
		if !slices.Contains(known, name) {
			f.fail(n, "no action %q%s", name, cmp.Or(didYouMean(name, known), ": they are "+strings.Join(known, ", ")))
			return
		}
	}
	for _, a := range Actions() { // in their order
		if slices.Contains(names, string(a)) {
			*to = append(*to, a)
		}
	}
}

// events reads names of events, also with a star at the end.
func (f *ruleFile) events(n *node, what string, to *[]string) {
	if n == nil {
		return
	}
	f.texts(n, what, to)
	if len(*to) == 0 {
		f.fail(n, "%s is empty; \"*\" is any event", what)
	}
	known := eventNames()
	for _, name := range *to {
		if !eventForm.MatchString(name) {
			f.fail(n, "%s %q is not of the form category.action or category.*", what, name)
			continue
		}
		prefix, wild := strings.CutSuffix(name, "*")
		if wild && slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, prefix) }) || slices.Contains(known, name) {
			continue
		}
		if near := didYouMean(name, known); near != "" && !wild {
			f.fail(n, "no event %q%s", name, near)
			continue
		}
		f.notes = append(f.notes, fmt.Sprintf("%s: event %q is none of the taxonomy: only routes of the config can make it", f.place(n), name))
	}
}

func (f *ruleFile) followedBy(n *node) *FollowedBy {
	then := &FollowedBy{Same: SameEither}
	f.keysOf(n, "followed_by", "event", "condition", "window", "same", "title", "type")
	if n.get("event") == nil {
		f.fail(n, "followed_by has no event")
	}
	f.events(n.get("event"), "event", &then.Events)
	if c := n.get("condition"); c != nil {
		then.Condition = f.condition(c, 0)
	}
	f.span(n.get("window"), "window", &then.Window)
	var same string
	if f.word(n.get("same"), "same", &same, string(SameEither), string(SameActor), string(SameAddress)); same != "" {
		then.Same = Same(same)
	}
	f.text(n.get("title"), "title", &then.Title)
	f.alertType(n.get("type"), &then.Type)
	return then
}

// groupKeys are the names under which the conditions of a group stand.
var groupKeys = []string{"conditions", "filters", "rules"}

// condition reads a condition. An empty one holds for everything, a list is joined by
// and.
func (f *ruleFile) condition(n *node, depth int) *Condition {
	c := &Condition{Logic: And}
	switch {
	case depth > maxDepth:
		f.fail(n, "conditions nest deeper than %d", maxDepth)
		return c
	case n.isNull():
		return c
	case n.kind == sequenceNode:
		f.inner(n, c, depth)
		return c
	case n.kind == scalar:
		f.fail(n, "a condition must be a mapping of field, operator and value, or a group, not %s", n.what())
		return c
	case len(n.keys) == 0:
		return c
	case len(n.keys) == 1 && isLogic(n.keys[0].text):
		c.Logic = Logic(strings.ToLower(n.keys[0].text))
		f.inner(n.items[0], c, depth)
		return c
	}
	group := n.get(groupKeys...)
	if group == nil {
		return f.filter(n)
	}
	if !f.keysOf(n, "a group of conditions", append([]string{"logical_operator", "logicalOperator", "operator"}, groupKeys...)...) {
		return c
	}
	lists := 0
	for _, k := range n.keys {
		if slices.Contains(groupKeys, k.text) {
			lists++
		}
	}
	if lists > 1 {
		f.fail(n, "a group has one of conditions, filters and rules")
	}
	if l := n.get("logical_operator", "logicalOperator", "operator"); !l.isNull() {
		if !isLogic(l.text) {
			f.fail(l, "logical_operator %q is not one of and, or, not%s", l.text, didYouMean(strings.ToLower(l.text), []string{"and", "or", "not"}))
			return c
		}
		c.Logic = Logic(strings.ToLower(l.text))
	}
	f.inner(group, c, depth)
	return c
}

func isLogic(s string) bool {
	switch Logic(strings.ToLower(s)) {
	case And, Or, Not:
		return true
	}
	return false
}

// inner reads the conditions of a group: a list of them, or one.
func (f *ruleFile) inner(n *node, c *Condition, depth int) {
	if n.kind != sequenceNode {
		if n.isNull() {
			return
		}
		c.Conditions = append(c.Conditions, f.condition(n, depth+1))
		return
	}
	if len(n.items) > maxConditions {
		f.fail(n, "more than %d conditions in a group", maxConditions)
		return
	}
	for _, item := range n.items {
		c.Conditions = append(c.Conditions, f.condition(item, depth+1))
	}
}

// filter reads field, operator and value.
func (f *ruleFile) filter(n *node) *Condition {
	c := &Condition{}
	if !f.keysOf(n, "a condition", "field", "operator", "value") {
		return c
	}
	fld, op, val := n.get("field"), n.get("operator"), n.get("value")
	if fld == nil || op == nil {
		f.fail(n, "a condition wants field and operator")
		return c
	}
	f.text(fld, "field", &c.Field)
	f.text(op, "operator", &c.Operator)
	o, ok := operatorOf(c.Operator)
	if !ok {
		f.fail(op, "no operator %q%s", c.Operator, didYouMean(c.Operator, Operators()))
		return c
	}
	if _, err := fieldOf(c.Field); err != nil {
		f.fail(fld, "%v", err)
		return c
	}
	if slices.Contains(untold, c.Field) {
		f.notes = append(f.notes, fmt.Sprintf("%s: no access log tells %s: it is always null", f.place(fld), c.Field))
	}
	if o.takes == takesNone {
		return c
	}
	if val == nil {
		f.fail(n, "operator %q wants a value", c.Operator)
		return c
	}
	if name, isList := strings.CutPrefix(val.text, "$"); isList && o.takes == takesList && val.kind == scalar {
		c.List = name
		if !nameForm.MatchString(name) {
			f.fail(val, "%q is no name of a list", name)
		}
		return c
	}
	if c.Value, ok = f.value(val); !ok {
		return c
	}
	if err := c.compile(nil); err != nil {
		f.fail(val, "%v", err)
	}
	return c
}

// value reads what a field is compared with.
func (f *ruleFile) value(n *node) (any, bool) {
	switch n.kind {
	case mapping:
		f.fail(n, "a value must be a text, a number or a list of them, not a mapping")
		return nil, false
	case sequenceNode:
		values := make([]any, 0, len(n.items))
		for _, item := range n.items {
			if item.kind != scalar || item.value == nil {
				f.fail(item, "a list of texts and numbers is wanted, not of %s", item.what())
				return nil, false
			}
			values = append(values, item.plain())
		}
		return values, true
	}
	return n.plain(), true
}

// plain is the value of a scalar. A number of more digits than a float holds stays as
// it is written.
func (n *node) plain() any {
	if _, ok := n.value.(float64); ok && len(strings.TrimLeft(n.text, "+-")) > 15 && !strings.ContainsAny(n.text, ".eE") {
		return n.text
	}
	return n.value
}
