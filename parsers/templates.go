package parsers

import (
	"fmt"
	"slices"
	"strings"
)

// Templates are the routes that a site says it has. They never change and may be used
// by many goroutines.
type Templates struct {
	root   templateNode
	routes []string
}

// A templateNode is where templates stand after the segments that led to it.
type templateNode struct {
	literal map[string]*templateNode
	partial []partialSegment // those with more text first
	any     *templateNode
	route   string // of the template that ends here; "" if none does
}

// A partialSegment has text beside its places: "{name}.{ext}".
type partialSegment struct {
	texts []string // before, between and after the places; two at least
	next  *templateNode
}

// maxTemplates bounds the routes of a site.
const maxTemplates = 100_000

// NewTemplates compiles routes: "/users/{userId}", "/files/{name}.json",
// "/operations/{id}:cancel". A place in braces stands for any text but "/", and other
// text for itself. The error says which route is wrong and why.
func NewTemplates(routes []string) (*Templates, error) {
	if len(routes) > maxTemplates {
		return nil, fmt.Errorf("%d routes, at most %d are taken", len(routes), maxTemplates)
	}
	t := &Templates{}
	for _, route := range routes {
		if err := t.add(route); err != nil {
			return nil, fmt.Errorf("%q: %w", route, err)
		}
	}
	return t, nil
}

// Routes returns the routes, each once, in the order given.
func (t *Templates) Routes() []string { return t.routes }

func (t *Templates) add(route string) error {
	switch {
	case !strings.HasPrefix(route, "/"):
		return fmt.Errorf("does not begin with a slash")
	case len(route) > maxRoute:
		return fmt.Errorf("is longer than %d bytes", maxRoute)
	case strings.ContainsAny(route, "?#"):
		return fmt.Errorf("has a query or a fragment: a route is a path")
	}
	at := &t.root
	n := 0
	for segment, rest := nextSegment(route); segment != ""; segment, rest = nextSegment(rest) {
		if n++; n > maxSegments {
			return fmt.Errorf("has more than %d segments", maxSegments)
		}
		next, err := at.grow(segment)
		if err != nil {
			return err
		}
		at = next
	}
	if at.route == "" {
		at.route = strings.Clone(route)
		t.routes = append(t.routes, at.route)
	}
	return nil
}

// grow returns where a segment of a template leads, and makes it.
func (n *templateNode) grow(segment string) (*templateNode, error) {
	texts, err := textsOf(segment)
	if err != nil {
		return nil, err
	}
	switch {
	case len(texts) == 1:
		if n.literal == nil {
			n.literal = map[string]*templateNode{}
		}
		if n.literal[segment] == nil {
			n.literal[segment] = &templateNode{}
		}
		return n.literal[segment], nil
	case len(texts) == 2 && texts[0] == "" && texts[1] == "":
		if n.any == nil {
			n.any = &templateNode{}
		}
		return n.any, nil
	}
	for _, p := range n.partial {
		if slices.Equal(p.texts, texts) {
			return p.next, nil
		}
	}
	next := &templateNode{}
	n.partial = append(n.partial, partialSegment{texts, next})
	slices.SortStableFunc(n.partial, func(p, q partialSegment) int {
		return len(strings.Join(q.texts, "")) - len(strings.Join(p.texts, ""))
	})
	return next, nil
}

// textsOf returns the text of a segment before, between and after its places.
func textsOf(segment string) ([]string, error) {
	var texts []string
	for rest := segment; ; {
		text, after, place := strings.Cut(rest, "{")
		name, after, closed := strings.Cut(after, "}")
		if strings.IndexByte(text, '}') >= 0 || place && (!closed || strings.IndexByte(name, '{') >= 0) {
			return nil, fmt.Errorf("has an unmatched brace in %q", segment)
		}
		texts = append(texts, text)
		if !place {
			return texts, nil
		}
		rest = after
	}
}

// holds tells whether the texts stand in a segment with something in every place.
func (p *partialSegment) holds(segment string) bool {
	rest, ok := strings.CutPrefix(segment, p.texts[0])
	if !ok {
		return false
	}
	last := len(p.texts) - 1
	for _, text := range p.texts[1:last] {
		if rest == "" {
			return false
		}
		i := strings.Index(rest[1:], text)
		if i < 0 {
			return false
		}
		rest = rest[1+i+len(text):]
	}
	return len(rest) > len(p.texts[last]) && strings.HasSuffix(rest, p.texts[last])
}

// Match returns the route that a path, as sent, belongs to; "" if none. Where several
// do, the one that says more of an earlier segment holds, as in OpenAPI: "/users/me"
// before "/users/{id}".
func (t *Templates) Match(path string) string {
	if t == nil || path == "" || path[0] != '/' || len(t.routes) == 0 {
		return ""
	}
	return t.root.match(path, 0)
}

// match returns the route of the rest of a path. The nodes are a tree, so that each is
// visited once at most.
func (n *templateNode) match(path string, depth int) string {
	segment, rest := nextSegment(path)
	if segment == "" {
		return n.route
	}
	if depth == maxSegments {
		return ""
	}
	if next := n.literal[segment]; next != nil {
		if route := next.match(rest, depth+1); route != "" {
			return route
		}
	}
	if len(n.literal) > 0 && strings.IndexByte(segment, '%') >= 0 {
		if next := n.literal[percentDecoded(segment)]; next != nil {
			if route := next.match(rest, depth+1); route != "" {
				return route
			}
		}
	}
	for i := range n.partial {
		if n.partial[i].holds(segment) {
			if route := n.partial[i].next.match(rest, depth+1); route != "" {
				return route
			}
		}
	}
	if n.any == nil {
		return ""
	}
	return n.any.match(rest, depth+1)
}
