package source

import (
	"bytes"
	"strings"
)

// headers keeps, of the bytes written to it, the last lines that begin with a prefix:
// what a log says of the lines that follow, for a reader that goes on in its middle.
type headers struct {
	prefix string // not empty
	kept   []string
	line   []byte // the beginning of a line that may be one
	inside bool   // the line is none, and has not ended
}

const (
	maxHeaders = 16 // lines that are kept
	maxHeader  = 8 << 10
)

func (h *headers) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part, rest, ended := bytes.Cut(b, []byte{'\n'})
		if !h.inside {
			h.line = append(h.line, part...)
			begins := min(len(h.line), len(h.prefix))
			h.inside = len(h.line) > maxHeader || string(h.line[:begins]) != h.prefix[:begins]
		}
		if ended {
			h.end()
		} else if h.inside {
			h.line = h.line[:0]
		}
		b = rest
	}
	return n, nil
}

// end takes a line that has ended.
func (h *headers) end() {
	line := string(h.line)
	if !h.inside && strings.HasPrefix(line, h.prefix) {
		if len(h.kept) == maxHeaders {
			h.kept = append(h.kept[:0], h.kept[1:]...)
		}
		h.kept = append(h.kept, strings.TrimSuffix(line, "\r"))
	}
	h.line, h.inside = h.line[:0], false
}
