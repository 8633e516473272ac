package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var watchStart = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// A logged is a line and its time in seconds after watchStart.
type logged struct {
	at   int
	text string
}

// run is n lines that differ, step seconds apart.
func run(from, n, step int) []logged {
	var all []logged
	for i := range n {
		all = append(all, logged{from + i*step, fmt.Sprintf("line at %d, %d", from+i*step, i)})
	}
	return all
}

func watchAll(lines []logged) *watch {
	var w watch
	w.begin(Position{}, time.Minute)
	for i, l := range lines {
		w.line(l.text, int64(i+1), watchStart.Add(time.Duration(l.at)*time.Second))
	}
	return &w
}

func TestWatch(t *testing.T) {
	same := slices.Repeat([]logged{{5, "health"}}, 200)
	var nights, twice, burst []logged
	for day := range 7 {
		nights = append(nights, run(day*86400, 400, 10)...)
	}
	for _, l := range run(0, 200, 2) {
		twice = append(twice, l, l)
	}
	for i := range 600 { // of one second, always the same sixty in turn
		burst = append(burst, logged{9, fmt.Sprint("burst ", i%60)})
	}
	big := run(0, 200_000, 1)
	for _, test := range []struct {
		name  string
		lines []logged
		want  []string
	}{
		{"nothing", nil, nil},
		{"even", run(0, 1000, 1), nil},
		{"a gap", append(run(0, 200, 1), run(200+3*3600+12*60, 200, 1)...),
			[]string{"no line for 3 h 12 m from line 200 (1 Mar 2026 10:03:19) on"}},
		{"a gap just too short", append(run(0, 200, 1), run(199+899, 200, 1)...), nil},
		{"a gap just long enough", append(run(0, 200, 1), run(199+900, 200, 1)...),
			[]string{"no line for 15 m 0 s from line 200 (1 Mar 2026 10:03:19) on"}},
		{"a gap usual for a quiet log", append(run(0, 200, 120), run(200*120+3600, 200, 120)...), nil},
		{"a gap in too short a log", append(run(0, 40, 1), run(7200, 40, 1)...), nil},
		{"quiet nights", nights, nil},
		{"jump back", append(run(1000, 200, 1), run(0, 30, 1)...), []string{"the clock goes back 19 m 59 s at line 201 (from 1 Mar 2026 10:19:59 to 1 Mar 2026 10:00:00)"}},
		{"jump over ages", append(run(1000, 2, 1), run(-9_223_372_000, 2, 1)...), []string{"the clock goes back more than 292 years at line 3 (from 1 Mar 2026 10:16:41 to 20 Nov 1733 10:13:20)"}},
		{"back within the bound", append(run(0, 200, 1), run(140, 30, 1)...), nil},
		{"many jumps", slices.Concat(run(9000, 9, 1), run(1, 1, 1), run(9010, 9, 1), run(2, 1, 1), run(9020, 9, 1), run(3, 1, 1), run(9030, 9, 1), run(4, 1, 1), run(9040, 9, 1), run(5, 1, 1)),
			[]string{
				"the clock goes back 2 h 30 m at line 10 (from 1 Mar 2026 12:30:08 to 1 Mar 2026 10:00:01)",
				"the clock goes back 2 h 30 m at line 20 (from 1 Mar 2026 12:30:18 to 1 Mar 2026 10:00:02)",
				"the clock goes back 2 h 30 m at line 30 (from 1 Mar 2026 12:30:28 to 1 Mar 2026 10:00:03); 2 more such places",
			}},
		{"a stretch again", slices.Concat(run(0, 50, 1), run(0, 50, 1)[10:40], run(60, 100, 1)),
			[]string{"lines 51–80 repeat lines 11–40"}},
		{"twenty lines again", slices.Concat(run(0, 50, 1), run(0, 50, 1)[10:30], run(60, 100, 1)), []string{"lines 51–70 repeat lines 11–30"}},
		{"nineteen lines again", slices.Concat(run(0, 50, 1), run(0, 50, 1)[10:29], run(60, 100, 1)), nil},
		{"again at the end", slices.Concat(run(0, 50, 1), run(0, 50, 1)), []string{"lines 51–100 repeat lines 1–50"}},
		{"again and again", slices.Concat(run(0, 30, 1), run(0, 30, 1), run(0, 30, 1)), []string{"lines 31–60 repeat lines 1–30", "lines 61–90 repeat lines 1–30"}},
		{"alike in one second", same, nil},
		{"in turn in one second", burst, nil},
		{"each line twice", twice, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := watchAll(test.lines)
			var got []string
			for _, f := range w.findings() {
				got = append(got, f.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q,\nwant %q", got, test.want)
			}
			w.end()
			var end []string
			for _, f := range w.findings() {
				end = append(end, f.String())
			}
			if !slices.Equal(end, test.want) {
				t.Errorf("at the end %q,\nwant %q", end, test.want)
			}
		})
	}
	t.Run("far apart", func(t *testing.T) {
		w := watchAll(slices.Concat(big, big[50_000:55_000], run(300_000, 100, 1)))
		if len(w.lines.slots) != maxRemember {
			t.Errorf("%d slots, want %d", len(w.lines.slots), maxRemember)
		}
		found := w.findings()
		r := found[len(found)-1]
		if r.Kind != Repeat || !r.Sampled || r.Line-r.FirstLine != 150_000 || r.Line > 200_500 || r.To < 204_500 || r.To > 205_000 {
			t.Errorf("findings %v", found)
		}
	})
}

// What an earlier run read is known by its latest time.
func TestWatchResumed(t *testing.T) {
	var w watch
	w.begin(Position{Lines: 500, Last: watchStart}, time.Minute)
	for i, l := range run(7200, 200, 1) {
		w.line(l.text, int64(501+i), watchStart.Add(time.Duration(l.at)*time.Second))
	}
	if got, want := fmt.Sprint(w.findings()), "[no line for 2 h 0 m from line 500 (1 Mar 2026 10:00:00) on]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A line costs no memory, and little time.
func TestWatchAllocations(t *testing.T) {
	w := watchAll(run(0, 20_000, 1))
	line, n := strings.Repeat("x", 200), int64(20_000)
	if got := testing.AllocsPerRun(1000, func() {
		n++
		w.line(line, n, watchStart.Add(time.Duration(n)*time.Second))
	}); got != 0 {
		t.Errorf("%v allocations a line", got)
	}
}

func BenchmarkWatch(b *testing.B) {
	lines := make([]string, 1<<16)
	for i := range lines {
		lines[i] = fmt.Sprintf("%d %s", i, strings.Repeat("x", 200))
	}
	var w watch
	w.begin(Position{}, time.Minute)
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		n++
		w.line(lines[n&(1<<16-1)], n, watchStart.Add(time.Duration(n)*time.Millisecond))
	}
}
