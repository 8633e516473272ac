package parsers

import "testing"

// FuzzRails reads two lines of one log: what comes of the second depends on nothing but the
// first.
func FuzzRails(f *testing.F) {
	lines := sampleLines(f, Rails())
	for i := range lines[1:] {
		f.Add(lines[i], lines[i+1])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		used := Rails().New()
		var fields Fields
		_ = used(first, &fields)
		again := Rails().New()
		_ = again(first, &fields)
		sameAsFresh(t, &Format{New: func() ParseFunc { return again }}, used, second)
	})
}

// A log of requests that never end, or of ends that never began, takes no more memory.
func TestRailsBounded(t *testing.T) {
	p := &rails{}
	var f Fields
	for range 4 * maxUnanswered {
		_ = p.parse(`[a] Started GET "/a" for 203.0.113.9 at 2026-03-01 10:00:00 +0000`, &f)
	}
	if len(p.open) != maxUnanswered {
		t.Errorf("%d requests are remembered, want %d", len(p.open), maxUnanswered)
	}
}
