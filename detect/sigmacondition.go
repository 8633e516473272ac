package detect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A sigmaParser reads a condition over searches: and binds closer than or.
type sigmaParser struct {
	searches map[string]*Condition
	words    []string
}

var sigmaWord = regexp.MustCompile(`[()|]|[^\s()|]+`)

func sigmaWords(s string) []string { return sigmaWord.FindAllString(s, maxConditions) }

func (p *sigmaParser) next(word string) bool {
	if len(p.words) > 0 && strings.EqualFold(p.words[0], word) {
		p.words = p.words[1:]
		return true
	}
	return false
}

func (p *sigmaParser) or(depth int) (*Condition, error) { return p.joined(depth, Or, "or", p.and) }

func (p *sigmaParser) and(depth int) (*Condition, error) { return p.joined(depth, And, "and", p.not) }

func (p *sigmaParser) joined(depth int, logic Logic, word string, inner func(int) (*Condition, error)) (*Condition, error) {
	c, err := inner(depth)
	if err != nil {
		return nil, err
	}
	all := []*Condition{c}
	for p.next(word) {
		if c, err = inner(depth); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return &Condition{Logic: logic, Conditions: all}, nil
}

func (p *sigmaParser) not(depth int) (*Condition, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nests deeper than %d", maxDepth)
	}
	if p.next("not") {
		c, err := p.not(depth + 1)
		if err != nil {
			return nil, err
		}
		return &Condition{Logic: Not, Conditions: []*Condition{c}}, nil
	}
	if p.next("(") {
		c, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.next(")") {
			return nil, fmt.Errorf("a ) is missing")
		}
		return c, nil
	}
	if len(p.words) == 0 {
		return nil, fmt.Errorf("it ends too early")
	}
	word := p.words[0]
	p.words = p.words[1:]
	logic := Logic("")
	switch strings.ToLower(word) {
	case "1":
		logic = Or
	case "all":
		logic = And
	}
	if logic != "" && p.next("of") {
		return p.of(logic)
	}
	if _, err := strconv.Atoi(word); err == nil && p.next("of") {
		return nil, fmt.Errorf("%q of is not supported: 1 of and all of are", word)
	}
	c := p.searches[word]
	if c == nil {
		return nil, fmt.Errorf("no search %q%s", word, didYouMean(word, p.names("*")))
	}
	return c, nil
}

// of joins the searches whose names match a pattern; them is all but those that begin
// with _.
func (p *sigmaParser) of(logic Logic) (*Condition, error) {
	if len(p.words) == 0 {
		return nil, fmt.Errorf("of what?")
	}
	pattern := p.words[0]
	p.words = p.words[1:]
	if strings.EqualFold(pattern, "them") {
		pattern = "*"
	}
	names := p.names(pattern)
	if len(names) == 0 {
		return nil, fmt.Errorf("no search is named %q", pattern)
	}
	c := &Condition{Logic: logic}
	for _, name := range names {
		c.Conditions = append(c.Conditions, p.searches[name])
	}
	return c, nil
}

func (p *sigmaParser) names(pattern string) []string {
	var names []string
	for name := range p.searches {
		if matchesParts(strings.Split(strings.ToLower(pattern), "*"), name) && !(pattern == "*" && strings.HasPrefix(name, "_")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
