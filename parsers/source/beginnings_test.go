package source

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Logs that were read before are found by how they begin, of whatever length that is, in the
// order in which they are known.
func TestBeginnings(t *testing.T) {
	first := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	var known []Known
	for n, text := range []string{"abc", "abcdef", "ab", "abc", "xyz", ""} {
		known = append(known, Known{HeadLen: len(text), Source: parsers.Source{ID: n, Fingerprint: fingerprint([]byte(text)), First: first.Add(time.Duration(n%2) * time.Hour)}})
	}
	b := beginningsOf(known)
	for _, test := range []struct {
		head string
		want []int
	}{
		{"abcdefgh", []int{0, 1, 2, 3, 5}}, {"abcde", []int{0, 2, 3, 5}}, {"abd", []int{2, 5}}, {"xyz", []int{4, 5}}, {"x", []int{5}},
	} {
		if got := b.as([]byte(test.head)); !slices.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v", test.head, got, test.want)
		}
	}
	if got, want := b.at[first.UnixMicro()], []int{0, 2, 4}; !slices.Equal(got, want) {
		t.Errorf("at the first time: %v, want %v", got, want)
	}
}

// The stream that lies furthest back is read next, of several the first; the watermark is how
// far that one is.
func TestMergerOrder(t *testing.T) {
	var read []int
	var streams []Stream
	for n, bounds := range [][]int{{3, 3, 9}, {1, 3, 4}, {3, 5, 5}, {0, 1, 8}} {
		streams = append(streams, &stream{bounds: bounds, read: func() { read = append(read, n) }})
	}
	m := NewMerger(streams, time.Time{}, func(_ Stream, err error) { t.Error(err) })
	var marks []int
	for {
		b, err := m.Next()
		if err == io.EOF {
			break
		}
		marks = append(marks, int(b.Watermark.Unix()))
	}
	if want := []int{3, 1, 3, 0, 0, 1, 2, 2}; !slices.Equal(read, want) {
		t.Errorf("read in the order %v, want %v", read, want)
	}
	if want := []int{1, 1, 3, 3, 3, 3, 4, 5}; !slices.Equal(marks, want) {
		t.Errorf("watermarks %v, want %v", marks, want)
	}
	if m.Watermark().Unix() != 9 {
		t.Errorf("at the end %v", m.Watermark())
	}
}

// A stream has a bound before each of its batches, and one behind the last, in seconds.
type stream struct {
	bounds []int
	read   func()
}

func (s *stream) Bound() time.Time { return time.Unix(int64(s.bounds[0]), 0) }

func (s *stream) Next() (*Batch, error) {
	if len(s.bounds) == 1 {
		return nil, io.EOF
	}
	s.bounds = s.bounds[1:]
	s.read()
	return &Batch{}, nil
}
