package detect

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Condition says which events a rule is about: a filter of one field, or a group of
// conditions. It is compiled once and never changes then.
type Condition struct {
	Logic      Logic        // of a group; "" for a filter
	Conditions []*Condition // of a group; And of none holds for everything

	Field    string // dotted: "metadata.geo.country"
	Operator string // one of Operators
	Value    any    // string, float64, bool or []any of these; nil where the operator takes none
	List     string // name of a list of the site's own that stands for Value; "" for none

	of   func(*clue) value
	test func(value) bool
}

// Logic joins conditions.
type Logic string

// The ways to join.
const (
	And Logic = "and"
	Or  Logic = "or"
	Not Logic = "not" // none of them holds
)

// takes says which value an operator wants.
type takes int

const (
	takesNone takes = iota
	takesText       // text or a number
	takesNumber
	takesList
)

// An operator compares a field with a value. What says "not" is the negation of the
// other, and so holds for a field that is null.
type operator struct {
	name    string
	aliases []string
	takes   takes
	negates bool
	make    func(want any) (func(value) bool, error)
}

// operators are in the order of the hosted product's reference.
var operators = []operator{
	{"equals", []string{"eq"}, takesText, false, equals},
	{"not_equals", []string{"neq", "ne"}, takesText, true, equals},
	{"contains", nil, takesText, false, compareText(strings.Contains)},
	{"not_contains", nil, takesText, true, compareText(strings.Contains)},
	{"starts_with", nil, takesText, false, compareText(strings.HasPrefix)},
	{"ends_with", nil, takesText, false, compareText(strings.HasSuffix)},
	{"gt", []string{"greater_than"}, takesNumber, false, compareNumber(func(a, b float64) bool { return a > b })},
	{"lt", []string{"less_than"}, takesNumber, false, compareNumber(func(a, b float64) bool { return a < b })},
	{"gte", []string{"greater_than_or_equal"}, takesNumber, false, compareNumber(func(a, b float64) bool { return a >= b })},
	{"lte", []string{"less_than_or_equal"}, takesNumber, false, compareNumber(func(a, b float64) bool { return a <= b })},
	{"in", nil, takesList, false, oneOf},
	{"not_in", nil, takesList, true, oneOf},
	{"exists", nil, takesNone, false, there},
	{"not_exists", nil, takesNone, true, there},
	{"regex", nil, takesText, false, matchRegex},
}

// Operators returns the names of all operators and their aliases.
func Operators() []string {
	var names []string
	for _, o := range operators {
		names = append(append(names, o.name), o.aliases...)
	}
	return names
}

func operatorOf(name string) (operator, bool) {
	for _, o := range operators {
		if o.name == name || slices.Contains(o.aliases, name) {
			return o, true
		}
	}
	return operator{}, false
}

const (
	// maxDepth and maxConditions bound the tree of a condition.
	maxDepth      = 20
	maxConditions = 1000
	// maxValues bounds the values of a list, maxPattern the bytes of a regular expression
	// and of what it may be compiled to.
	maxValues  = 10_000
	maxPattern = 1000
)

// any of a list, or the value itself.
func anyOf(test func(value) bool) func(value) bool {
	return func(v value) bool {
		if v.kind == several {
			return slices.ContainsFunc(v.list, func(e value) bool { return e.kind != null && e.kind != several && test(e) })
		}
		return v.kind != null && test(v)
	}
}

// equals compares as text: "200" is 200.
func equals(want any) (func(value) bool, error) {
	text := valueOf(want).text
	return anyOf(func(v value) bool { return v.text == text }), nil
}

func oneOf(want any) (func(value) bool, error) {
	set := map[string]bool{}
	for _, v := range want.([]any) {
		set[valueOf(v).text] = true
	}
	return anyOf(func(v value) bool { return set[v.text] }), nil
}

// compareText compares without regard to case.
func compareText(is func(s, part string) bool) func(any) (func(value) bool, error) {
	return func(want any) (func(value) bool, error) {
		part := strings.ToLower(valueOf(want).text)
		return anyOf(func(v value) bool { return is(strings.ToLower(v.text), part) }), nil
	}
}

func compareNumber(is func(a, b float64) bool) func(any) (func(value) bool, error) {
	return func(want any) (func(value) bool, error) {
		b, ok := valueOf(want).asNumber()
		if !ok {
			return nil, fmt.Errorf("%q is not a number", valueOf(want).text)
		}
		return anyOf(func(v value) bool {
			a, ok := v.asNumber()
			return ok && is(a, b)
		}), nil
	}
}

func there(any) (func(value) bool, error) {
	return func(v value) bool { return v.kind != null }, nil
}

func matchRegex(want any) (func(value) bool, error) {
	re, err := compilePattern(valueOf(want).text, "(?i)")
	if err != nil {
		return nil, err
	}
	return anyOf(func(v value) bool { return re.MatchString(v.text) }), nil
}

// compilePattern compiles a regular expression, whose time is linear in the text
// whatever it says (RE2).
func compilePattern(pattern, flags string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("the pattern has more than %d bytes", maxPattern)
	}
	re, err := regexp.Compile(flags + pattern)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return re, nil
}

// compareSeverity is a numeric operator on a severity: in the order of severities.
func compareSeverity(op operator, want any) (func(value) bool, error) {
	s, err := ParseSeverity(valueOf(want).text)
	if err != nil {
		return nil, err
	}
	test, err := op.make(float64(s))
	if err != nil {
		return nil, err
	}
	return func(v value) bool {
		s, err := ParseSeverity(v.text)
		return err == nil && test(numberValue(float64(s)))
	}, nil
}

// fieldOf returns how a field is read off a clue.
func fieldOf(name string) (func(*clue) value, error) {
	if other := fieldAliases[name]; other != "" {
		name = other
	}
	if path, ok := strings.CutPrefix(name, "metadata."); ok {
		if path == "" || strings.Contains("."+path+".", "..") || len(path) > 200 {
			return nil, fmt.Errorf("field %q has an empty part, or is longer than one may be", name)
		}
		return metadataOf(path), nil
	}
	for _, f := range fields {
		if f.name == name {
			return f.of, nil
		}
	}
	if slices.Contains(untold, name) {
		return func(*clue) value { return value{} }, nil
	}
	names := make([]string, 0, len(fields)+len(fieldAliases))
	for _, f := range fields {
		names = append(names, f.name)
	}
	for alias := range fieldAliases {
		names = append(names, alias)
	}
	return nil, fmt.Errorf("no field %q%s", name, didYouMean(name, append(names, "metadata.")))
}

// compile makes the condition ready. lists are the site's own, by name; a list that
// is not among them is an errNoList.
func (c *Condition) compile(lists map[string][]string) error {
	if c.test != nil && c.List == "" {
		return nil // once is enough
	}
	if c.Logic != "" {
		for _, inner := range c.Conditions {
			if err := inner.compile(lists); err != nil {
				return err
			}
		}
		return nil
	}
	op, ok := operatorOf(c.Operator)
	if !ok {
		return fmt.Errorf("no operator %q%s", c.Operator, didYouMean(c.Operator, Operators()))
	}
	of, err := fieldOf(c.Field)
	if err != nil {
		return err
	}
	want := c.Value
	if c.List != "" {
		names, ok := lists[c.List]
		if !ok || len(names) == 0 {
			return errNoList(c.List)
		}
		values := make([]any, len(names))
		for i, n := range names {
			values[i] = n
		}
		want = values
	}
	if err := op.check(want); err != nil {
		return err
	}
	var test func(value) bool
	if op.takes == takesNumber && c.Field == "severity" {
		test, err = compareSeverity(op, want)
	} else {
		test, err = op.make(want)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", c.Field, c.Operator, err)
	}
	if op.negates {
		holds := test
		test = func(v value) bool { return !holds(v) }
	}
	c.of, c.test = of, test
	return nil
}

// check refuses a value that the operator cannot do with.
func (o operator) check(want any) error {
	items, isList := want.([]any)
	switch {
	case o.takes == takesNone:
		return nil // what stands there is of no meaning
	case want == nil:
		return fmt.Errorf("operator %q wants a value", o.name)
	case o.takes == takesList && !isList:
		return fmt.Errorf("operator %q wants a list of values", o.name)
	case o.takes != takesList && isList:
		return fmt.Errorf("operator %q wants one value; a list is for in and not_in", o.name)
	}
	if len(items) > maxValues {
		return fmt.Errorf("a list of more than %d values", maxValues)
	}
	for _, v := range items {
		switch v.(type) {
		case string, float64, bool:
		default:
			return fmt.Errorf("a list of texts and numbers is wanted")
		}
	}
	return nil
}

// errNoList says that a list of the site's own is not given.
type errNoList string

func (e errNoList) Error() string {
	return fmt.Sprintf("list %q is not set", string(e))
}

// String is the condition in words.
func (c *Condition) String() string {
	switch {
	case c.Logic == "" && c.List != "":
		return fmt.Sprintf("%s %s the list %s", c.Field, c.Operator, c.List)
	case c.Logic == "" && c.Value == nil:
		return c.Field + " " + c.Operator
	case c.Logic == "":
		return fmt.Sprintf("%s %s %v", c.Field, c.Operator, c.Value)
	case len(c.Conditions) == 0:
		return "anything"
	}
	var parts []string
	for _, inner := range c.Conditions {
		s := inner.String()
		if inner.Logic != "" && len(inner.Conditions) > 1 {
			s = "(" + s + ")"
		}
		parts = append(parts, s)
	}
	if c.Logic == Not {
		return "not (" + strings.Join(parts, " or ") + ")"
	}
	return strings.Join(parts, " "+string(c.Logic)+" ")
}

// matches tells whether the condition holds for the clue; nil holds for everything.
func (c *Condition) matches(clue *clue) bool {
	if c == nil {
		return true
	}
	switch c.Logic {
	case "":
		return c.test(c.of(clue))
	case Or:
		return slices.ContainsFunc(c.Conditions, func(c *Condition) bool { return c.matches(clue) })
	case Not:
		return !slices.ContainsFunc(c.Conditions, func(c *Condition) bool { return c.matches(clue) })
	}
	return !slices.ContainsFunc(c.Conditions, func(c *Condition) bool { return !c.matches(clue) })
}

// didYouMean proposes what comes nearest to a word, in words that follow an error.
func didYouMean(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ""
}

// Nearest returns the known word that the word is most likely a slip of, and is not; "" if
// none. Case, and what stands between the parts of a word, make no difference.
func Nearest(word string, known []string) string {
	best, least := "", 3
	if len(word) > 60 {
		return ""
	}
	for _, k := range slices.Sorted(slices.Values(known)) {
		if k == word {
			continue
		}
		d := edits(lettersOf(word), lettersOf(k))
		if d < least && d <= max(len(k)/3, 1) {
			best, least = k, d
		}
	}
	return best
}

// lettersOf returns the word in small letters, without what stands between its parts.
func lettersOf(word string) string { return strings.ToLower(betweenParts.Replace(word)) }

var betweenParts = strings.NewReplacer("_", "", "-", "", " ", "")

// edits counts the letters by which two words differ; two that changed places are one.
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
