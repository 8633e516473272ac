package source

import (
	"cmp"
	"slices"
)

// A Shape is what lines that could not be read look like: their digits as 9, their
// letters as a, runs of either as one. Lines that could not be read for different
// reasons have different shapes.
type Shape struct {
	Text   string // at most maxShape bytes
	Reason string // why they could not be read
	Lines  int64
	Line   int64  // the first of them
	Sample string // that one, redacted and cut
}

const (
	maxShape  = 60 // bytes of a shape
	maxShapes = 50 // shapes of a log
)

// shapes counts the shapes of lines. Of more than maxShapes the rarest gives way, so
// one that is common stays, whatever comes between.
type shapes struct {
	all   []Shape
	first Reject // the first line of any shape; Line 0: none
	other int64  // lines of shapes that gave way
}

func (s *shapes) add(line int64, reason, sample string) {
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
	s.all = append(s.all, Shape{Text: string(text), Lines: 1, Line: line, Reason: reason, Sample: sample})
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

// FirstReject returns the first line of this reading that could not be read.
func (l *Log) FirstReject() (first Reject, ok bool) {
	first = l.watch.shapes.first
	return first, first.Line > 0
}
