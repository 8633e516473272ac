package parsers

import (
	"testing"
	"time"
)

func TestSumOfTimes(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"0.001 0.02 0.3", 321 * time.Millisecond, true},
		{"0.001 -1 0.3", -1, true},
		{"- - -", -1, true},
		{"0.001 -1 x", -1, false},
		{"0.001 0.02", -1, false},
		{"-2 0 0", -1, false},
		{"4000000000 4000000000 4000000000", -1, false}, // more than can be
	}
	for _, test := range tests {
		got, ok := sumOfTimes(&fieldCutter{rest: test.in})
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%q: got %v, %v, want %v, %v", test.in, got, ok, test.want, test.ok)
		}
	}
}

func FuzzELB(f *testing.F) {
	for _, line := range sampleLines(f, ELB()) {
		f.Add(line)
	}
	used := ELB().New()
	f.Fuzz(func(t *testing.T, line string) { sameAsFresh(t, ELB(), used, line) })
}
