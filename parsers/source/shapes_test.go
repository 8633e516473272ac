package source

import (
	"fmt"
	"strings"
	"testing"
)

func TestShape(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"GET /users/42 200", "a /a/9 9"},
		{"2026-03-01T10:00:00Z ERROR über", "9-9-9a9:9:9a a a"},
		{"\x00\t\x7f\xff", " a"},
		{strings.Repeat("-", 100), strings.Repeat("-", 60)},
		{strings.Repeat("x", 100) + "!", "a!"},
	} {
		if got := string(appendShape(make([]byte, 0, maxShape), test.text)); got != test.want {
			t.Errorf("shape of %q is %q, want %q", test.text, got, test.want)
		}
	}
}

// A common shape is found however many rare ones come before and between.
func TestShapes(t *testing.T) {
	var s shapes
	n := int64(0)
	none := func() string { return "" }
	add := func(text string) { n++; s.add(n, "why", text, none) }
	rare := func(i int) string { return strings.Repeat("-", 1+i/55) + strings.Repeat("=", i%55) + "!" }
	for i := range 100 {
		add(rare(i))
	}
	for i := range 1000 {
		add(fmt.Sprintf("panic: goroutine %d", i))
		add(rare(100 + i%900))
	}
	n++
	s.add(n, "another reason", "panic: goroutine 1", none)
	top := s.top()
	if len(top) != maxShapes || top[0].Text != "a: a 9" || top[0].Lines != 1000 || top[0].Line != 101 || top[0].Sample != "panic: goroutine 0" || top[0].Reason != "why" {
		t.Errorf("%d shapes, the first %+v", len(top), top[0])
	}
	if want := (Reject{1, "why", "-!"}); s.first != want {
		t.Errorf("first %+v, want %+v", s.first, want)
	}
	sum := s.other
	for _, t := range top {
		sum += t.Lines
	}
	if sum != n {
		t.Errorf("%d lines counted, want %d", sum, n)
	}
}
