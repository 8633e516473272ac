package source_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// Times of lines in seconds after start, of which those after a "!" are late.
func TestPace(t *testing.T) {
	const hour, day, age = 3600, 86400, 200_000_000
	turns := func(n, ahead int) (times []int) {
		for i := range n {
			times = append(times, i, i+ahead)
		}
		return times
	}
	steps := func(from, n, step int) (times []int) {
		for i := range n {
			times = append(times, from+i*step)
		}
		return times
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	var mixed, ahead []int
	for i := range 5000 {
		if i > 0 && rng.IntN(2) == 0 { // where it begins is another rule
			ahead = append(ahead, i+365*day)
			mixed = append(mixed, i+365*day)
		} else {
			mixed = append(mixed, i)
		}
	}
	mixed = append(mixed, 5000, 5001, 5002)
	for _, test := range []struct {
		name  string
		times []int
		late  []int
		last  int
	}{
		{"even", steps(0, 100, 10), nil, 990},
		{"behind", []int{0, 100, 40, 39}, []int{39}, 100},
		{"half an hour ahead", []int{0, 1800, 1739, 1}, []int{1739, 1}, 1800},
		{"more than that", []int{0, 1801, 0, 1}, []int{1801}, 1},
		{"a typo", []int{0, 1, age, 2, 3, 4}, []int{age}, 4},
		{"a typo at the beginning", []int{age, 1, 2}, []int{age}, 2},
		{"a typo before the last line", []int{0, age, 1}, []int{age}, 1},
		{"a typo at the end", []int{0, 1, 2, age}, nil, 2},
		{"a typo right after a gap", slices.Concat([]int{0}, []int{age}, steps(day, 70, 1)), []int{age}, day + 69},
		{"a typo after a gap", slices.Concat([]int{0}, steps(day, 5, 1), []int{age}, steps(day+5, 70, 1)), []int{age}, day + 74},
		{"a typo before a gap", slices.Concat([]int{0, age, 1}, steps(day, 70, 1)), []int{age}, day + 69},
		{"typos in a row", []int{0, 1, age, age + day, age + 2*day, 2, 3, 4}, []int{age, age + day, age + 2*day}, 4},
		{"a gap", slices.Concat(steps(0, 10, 1), steps(day, 64, 1)), nil, day + 63},
		{"a gap, and not enough after it", slices.Concat(steps(0, 10, 1), steps(day, 63, 1)), nil, 9},
		{"a gap that begins anew", slices.Concat(steps(0, 10, 1), steps(day, 64, 1), steps(2*day, 64, 1)), nil, 2*day + 63},
		{"slow requests of before a gap", slices.Concat(steps(0, 100, 1), steps(day, 10, 1), []int{-20, 30}, steps(day+10, 10, 1), []int{150, 0}, steps(day+20, 64, 1), []int{60}),
			[]int{-20, 30, 0, 60}, day + 83},
		{"quiet", steps(0, 100, 4*hour), nil, 32 * 4 * hour},
		{"on towards it", []int{0, 3000, 3001, 1500, 2941, 2940}, []int{2940}, 3001},
		{"in turns", slices.Concat(turns(1000, 365*day), []int{1000}), steps(365*day, 1000, 1), 1000},
		{"in turns, an hour ahead", slices.Concat(turns(1000, hour), []int{1000}), steps(hour, 1000, 1), 1000},
		{"in turns, an hour behind at first", slices.Concat([]int{hour}, turns(1000, hour), []int{1000}), slices.Concat([]int{hour}, steps(hour, 1000, 1)), 1000},
		{"by chance", mixed, ahead, 5002},
	} {
		t.Run(test.name, func(t *testing.T) {
			var content strings.Builder
			for _, at := range test.times {
				content.WriteString(logLine(at, fmt.Sprintf("/%d", at)))
			}
			rd := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a.log"), content.String()))
			late := slices.Clone(test.late)
			slices.Sort(late)
			want := slices.Clone(test.times)
			slices.Sort(want)
			for _, l := range late {
				i := slices.Index(want, l)
				want = slices.Delete(want, i, i+1)
			}
			var judged []int
			for _, s := range rd.judged {
				var at int
				fmt.Sscan(s, &at)
				judged = append(judged, at)
			}
			if !slices.Equal(judged, want) {
				t.Errorf("judged %v,\nwant %v", judged, want)
			}
			l := rd.plan.Logs[0]
			if rd.late != int64(len(late)) || l.At.Late != int64(len(late)) {
				t.Errorf("%d late, %d counted, want %d", rd.late, l.At.Late, len(late))
			}
			if got := int(l.At.Last.Sub(start) / time.Second); got != test.last {
				t.Errorf("time has got to %d, want %d", got, test.last)
			}
		})
	}
}

// leaping writes a log in which lines leap, of two servers at times, with gaps and what
// was kept back before them.
func leaping(rng *rand.Rand, n int) []string {
	var lines []string
	at := 0
	add := func(s int) { lines = append(lines, logLine(s, fmt.Sprintf("/p/%d", len(lines)))) }
	mixed := 0
	for len(lines) < n {
		at += rng.IntN(3)
		switch mixed--; {
		case mixed > 0 && rng.IntN(2) == 0:
			add(at + 30_000_000)
		case rng.IntN(min(60, n)) == 0:
			add(at + 1801 + rng.IntN(300_000_000))
		case rng.IntN(200) == 0:
			mixed = rng.IntN(100)
		case rng.IntN(200) == 0:
			at += rng.IntN(100_000)
		case rng.IntN(100) == 0:
			lines = append(lines, "no log line\n")
		case rng.IntN(60) == 0:
			add(at - rng.IntN(10_000)) // a slow request
		default:
			add(max(at-rng.IntN(rng.IntN(100)+1), 0))
		}
	}
	return lines
}

// What is late does not depend on how much of a log is there when it is read, nor on how
// it is packed or where it is read in blocks.
func TestLeaping(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 6))
	// late reads a log and keeps what is late.
	late := func(opts *source.Options, path string, late map[string]bool) *source.Plan {
		files, _ := source.Find([]string{path}, nil)
		plan := source.Look(files, opts)
		for _, l := range plan.Logs {
			if l.Anew() {
				clear(late)
			}
			for {
				b, err := l.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				delete(late, fmt.Sprint(b.Replaces))
				for _, w := range b.Leapt {
					if k := fmt.Sprint(w.Line); late[k] {
						t.Errorf("line %s is late twice", k)
					} else {
						late[k] = true
					}
				}
				for i := range b.Requests {
					late[fmt.Sprint(b.Requests[i].Line)] = b.Requests[i].Late
				}
			}
		}
		return plan
	}
	path := filepath.Join(t.TempDir(), "access.log")
	for i := range 40 {
		content := strings.Join(leaping(rng, 1+rng.IntN([]int{20, 20, 100, 8000}[i%4])), "")
		want := map[string]bool{}
		whole := late(options(t, time.Minute), write(t, path, content), want)
		packed := map[string]bool{}
		late(options(t, time.Minute), write(t, path, compress(t, "gzip", content)), packed)
		if !maps.Equal(packed, want) {
			t.Error("packed: other lines are late")
		}
		got := map[string]bool{}
		opts := options(t, time.Minute)
		var plan *source.Plan
		for at := 0; at < len(content); {
			at = min(at+1+rng.IntN(len(content)/10), len(content))
			plan = late(opts, write(t, path, content[:at]), got)
			opts.Known = nil
			for _, l := range plan.Logs {
				opts.Known = append(opts.Known, source.Known{Source: *l.Source, HeadLen: l.HeadLen, At: l.At})
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("in pieces: other lines are late")
		}
		if got, want := plan.Logs[0].At, whole.Logs[0].At; got != want {
			t.Fatalf("in pieces: stands at %+v, want %+v", got, want)
		}
		n := int64(0)
		for _, l := range want {
			if l {
				n++
			}
		}
		if at := whole.Logs[0].At; at.Late != n {
			t.Fatalf("%d late, %d counted", n, at.Late)
		}
	}
}

// What has turned out to be late is not judged, whether the store has given it already or
// not; nor is what a line was that has been read anew. What that has become is, whatever
// other batches replace.
func TestOrdererVoid(t *testing.T) {
	src, other := &parsers.Source{ID: 1, First: start}, &parsers.Source{ID: 2, First: start}
	request := func(seconds int, line int64) parsers.Request {
		return parsers.Request{Time: start.Add(time.Duration(seconds) * time.Second), Source: src, Line: line}
	}
	kept := &source.Batch{Requests: []parsers.Request{request(0, 1), request(50, 3), request(9000, 2)}}
	read := &source.Batch{Log: &source.Log{Source: src}, Replaces: 3, Leapt: []source.Leapt{{Line: 2}}, Requests: []parsers.Request{request(50, 3), request(51, 4)}}
	after := &source.Batch{Log: &source.Log{Source: src}, Leapt: []source.Leapt{{Line: 1}}}
	beside := &source.Batch{Log: &source.Log{Source: other}, Replaces: 4}
	for i, batches := range [][]*source.Batch{{kept, read}, {read, kept}, {kept, read, beside}, {kept, read, after}} {
		var o source.Orderer
		for _, b := range batches {
			o.Add(b)
		}
		var lines []int64
		for _, r := range o.Drain() {
			lines = append(lines, r.Line)
		}
		want := []int64{1, 3, 4}
		if i == 3 {
			want = want[1:]
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%d: lines %v, want %v", i, lines, want)
		}
	}
}
