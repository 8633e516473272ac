package source

import (
	"cmp"
	"slices"

	"github.com/litesoc/litesoc/parsers"
)

// A Shape is what lines that could not be read look like: their digits as 9, their
// letters as a, runs of either as one. Lines that could not be read for different
// reasons have different shapes.
type Shape struct {
	Text   string // at most maxShape bytes
	Reason string // why they could not be read
	As     string // the format, if any, that the first of them could be read as
	Lines  int64
	Line   int64  // the first of them
	Sample string // that one, redacted and cut
}

const (
	maxShape  = 60 // bytes of a shape
	maxShapes = 50 // shapes of a log
	maxTried  = 8  // shapes that other formats are tried on
)

// shapes counts the shapes of lines. Of more than maxShapes the rarest gives way, so
// one that is common stays, whatever comes between.
type shapes struct {
	all   []Shape
	first Reject // the first line of any shape; Line 0: none
	other int64  // lines of shapes that gave way
	tried int    // shapes that other formats were tried on
}

// add counts a line. Of the first lines of the first shapes it asks as which format they could
// be read.
func (s *shapes) add(line int64, reason, sample string, as func() string) {
	if s.first.Line == 0 {
		s.first = Reject{line, reason, sample}
	}
	var buf [maxShape]byte
	text := appendShape(buf[:0], sample)
	least := 0
	for i := range s.all {
		if s.all[i].Reason == reason && s.all[i].Text == string(text) {
			s.all[i].Lines++
			return
		}
		if s.all[i].Lines < s.all[least].Lines {
			least = i
		}
	}
	if len(s.all) == maxShapes {
		s.other += s.all[least].Lines
		s.all = slices.Delete(s.all, least, least+1)
	}
	shape := Shape{Text: string(text), Lines: 1, Line: line, Reason: reason, Sample: sample}
	if s.tried < maxTried {
		s.tried++
		shape.As = as()
	}
	s.all = append(s.all, shape)
}

// top returns the shapes, the most common first.
func (s *shapes) top() []Shape {
	all := slices.Clone(s.all)
	slices.SortFunc(all, func(a, b Shape) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Line, b.Line))
	})
	return all
}

// appendShape appends the shape of a text, up to the capacity of dst.
func appendShape(dst []byte, text string) []byte {
	for i := 0; i < len(text) && len(dst) < cap(dst); i++ {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
			c = '9'
		case 'a' <= c|0x20 && c|0x20 <= 'z', c >= 0x80:
			c = 'a'
		case c < ' ' || c == 0x7f:
			c = ' '
		}
		if n := len(dst); n > 0 && dst[n-1] == c && (c == '9' || c == 'a' || c == ' ') {
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// Shapes returns what the lines of this reading that could not be read look like, the
// most common shape first, at most 50, and how many lines have none of them.
func (l *Log) Shapes() (top []Shape, other int64) { return l.watch.shapes.top(), l.watch.shapes.other }

// Mixed returns the format as which most of the lines of this reading could be read that its
// own cannot read, and how many they are: two logs were written to one file. It is "" if there
// is none.
func (l *Log) Mixed() (format string, lines int64) {
	counts := map[string]int64{}
	for _, shape := range l.watch.shapes.top() {
		counts[shape.As] += shape.Lines
		if n := counts[shape.As]; shape.As != "" && n > lines {
			format, lines = shape.As, n
		}
	}
	return format, lines
}

// readsAs returns the name of the format as which a line could be read that that of its log
// cannot read, "" if there is none.
func readsAs(line string) string {
	guess, ok := parsers.Guess(parsers.All(), []string{line})
	if !ok {
		return ""
	}
	return guess.Format.Name
}

// FirstReject returns the first line of this reading that could not be read.
func (l *Log) FirstReject() (first Reject, ok bool) {
	first = l.watch.shapes.first
	return first, first.Line > 0
}
