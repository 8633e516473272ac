package source

import "strings"

// headers keeps, of the lines it is shown, the last that begin with one of the prefixes, as
// they are or in an envelope: what a log says of the lines that follow, for a reader that
// goes on in its middle.
type headers struct {
	prefixes []string // of which none is empty
	bare     []string
	within   []string // in an envelope, as far as that can be told
}

const (
	maxHeaders = 16 // lines that are kept
	maxHeader  = 8 << 10
	// maxAround is how much an envelope puts before a line, at most.
	maxAround = 512
)

// see looks at a line.
func (h *headers) see(line string) {
	if len(line) > maxHeader {
		return
	}
	for _, prefix := range h.prefixes {
		switch {
		case strings.HasPrefix(line, prefix):
			h.bare = keepLast(h.bare, line)
			return
		case len(h.bare) == 0 && isWithin(line, prefix):
			h.within = keepLast(h.within, line)
			return
		}
	}
}

// isWithin tells whether a header may begin within the line: a word of letters after
// the prefix, if that is none itself, which stands where an envelope ends.
func isWithin(line, prefix string) bool {
	for at := 0; ; {
		n := strings.Index(line[at:min(len(line), maxAround)], prefix)
		if n < 0 {
			return false
		}
		before := line[:at+n]
		at += n + len(prefix)
		opened := strings.HasSuffix(before, " ") || strings.HasSuffix(before, "=") ||
			strings.HasSuffix(before, `"`) && !strings.HasSuffix(before, `\"`)
		if opened && (len(prefix) > 1 || at < len(line) && 'A' <= line[at] && line[at] <= 'Z') {
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
