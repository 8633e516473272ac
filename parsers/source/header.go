package source

import "strings"

// headers keeps, of the lines it is shown, the last that begin with a prefix, as they
// are or in an envelope: what a log says of the lines that follow, for a reader that
// goes on in its middle.
type headers struct {
	prefix string // not empty
	bare   []string
	within []string // in an envelope, as far as that can be told
}

const (
	maxHeaders = 16 // lines that are kept
	maxHeader  = 8 << 10
	// maxAround is how much an envelope puts before a line, at most.
	maxAround = 512
)

// see looks at a line.
func (h *headers) see(line string) {
	switch {
	case len(line) > maxHeader:
	case strings.HasPrefix(line, h.prefix):
		h.bare = keepLast(h.bare, line)
	case len(h.bare) == 0 && h.isWithin(line):
		h.within = keepLast(h.within, line)
	}
}

// isWithin tells whether a header may begin within the line: a word of letters after
// the prefix, which stands where an envelope ends.
func (h *headers) isWithin(line string) bool {
	for at := 0; ; {
		n := strings.Index(line[at:min(len(line), maxAround)], h.prefix)
		if n < 0 {
			return false
		}
		before := line[:at+n]
		at += n + len(h.prefix)
		opened := strings.HasSuffix(before, " ") || strings.HasSuffix(before, "=") ||
			strings.HasSuffix(before, `"`) && !strings.HasSuffix(before, `\"`)
		if opened && at < len(line) && 'A' <= line[at] && line[at] <= 'Z' {
			return true
		}
	}
}

// kept returns the headers, the latest last.
func (h *headers) kept() []string {
	if len(h.bare) > 0 {
		return h.bare
	}
	return h.within
}

func keepLast(kept []string, line string) []string {
	if len(kept) == maxHeaders {
		kept = append(kept[:0], kept[1:]...)
	}
	return append(kept, strings.Clone(line))
}
