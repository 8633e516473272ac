package parsers

import "strings"

// targets puts together the targets of a log that has path and query apart.
type targets struct{ joined strings.Builder }

// joinChunk is the size of the pieces of memory in which targets are joined: many lines
// share one.
const joinChunk = 32 << 10

// join returns path, "?" and query. What it returned before stays as it is.
func (t *targets) join(path, query string) string {
	n := len(path) + 1 + len(query)
	if t.joined.Cap()-t.joined.Len() < n {
		t.joined.Reset()
		t.joined.Grow(max(n, joinChunk))
	}
	start := t.joined.Len()
	t.joined.WriteString(path)
	t.joined.WriteByte('?')
	t.joined.WriteString(query)
	return t.joined.String()[start:]
}
