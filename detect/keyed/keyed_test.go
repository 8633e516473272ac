package keyed_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/litesoc/litesoc/detect/keyed"
)

// heard collects what engines release, one line each: "10s count u: 2".
type heard []string

func (h *heard) release(t time.Time, o said) {
	*h = append(*h, fmt.Sprint(t.Sub(start), " ", o.ID, ": ", o.Text))
}

func (h heard) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(h, lines) {
		t.Errorf("heard\n  %s\nwant\n  %s", strings.Join(h, "\n  "), strings.Join(lines, "\n  "))
	}
}

// all returns what a save yields.
func all(t *testing.T, e *engine) []keyed.Saved {
	t.Helper()
	var saved []keyed.Saved
	err := e.Save(func(s keyed.Saved) error {
		s.State = bytes.Clone(s.State)
		saved = append(saved, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// restored returns an engine of the machines that remembers what e does.
func restored(t *testing.T, e *engine, shards int, machines ...*machine) *engine {
	t.Helper()
	next := keyed.New(order, shards, machines...)
	for _, s := range all(t, e) {
		if known, err := next.Load(s); err != nil || !known {
			t.Fatalf("Load(%q of %q) = %v, %v", s.Key, s.Machine, known, err)
		}
	}
	return next
}

func TestTTLIsMeaning(t *testing.T) {
	for _, tt := range []struct {
		gap  time.Duration
		want []string
	}{
		{ttl - time.Microsecond, []string{"0s count u: 1", "9.999999s count u: 2"}},
		{ttl, []string{"0s count u: 1", "10s count u: 2"}},
		{ttl + time.Microsecond, []string{"0s count u: 1", "10s count u: last 1", "10.000001s count u: 1"}},
	} {
		for _, sweeps := range [][]time.Time{
			nil,
			{at(0), at(ttl - 1), at(ttl)},
			{at(ttl), at(tt.gap)},
			{at(1), at(ttl + 1)},
		} {
			t.Run(fmt.Sprint(tt.gap, " swept ", len(sweeps)), func(t *testing.T) {
				var h heard
				e := keyed.New(order, 1, counting())
				e.Advance([]*item{{At: at(0), Who: "u"}}, at(0), h.release)
				for _, watermark := range sweeps {
					if !watermark.After(at(tt.gap)) {
						e.Advance(nil, watermark, h.release)
					}
				}
				e.Advance([]*item{{At: at(tt.gap), Who: "u"}}, at(tt.gap+1), h.release)
				h.want(t, tt.want...)
			})
		}
	}
}

// The longest TTL there is ends too, and at one moment, though time.Time.Sub cannot tell.
func TestLongestTTL(t *testing.T) {
	long := counting()
	long.TTL = 1<<63 - 1
	for _, tt := range []struct {
		years int
		want  string
	}{{292, "2"}, {293, "1"}, {9000, "1"}} {
		for _, sweeps := range []int{0, 1} {
			t.Run(fmt.Sprint(tt.years, " years, sweeps ", sweeps), func(t *testing.T) {
				later := start.AddDate(tt.years, 0, 0)
				var got []string
				release := func(_ time.Time, o said) { got = append(got, o.Text) }
				e := keyed.New(order, 1, long)
				e.Advance([]*item{{At: start, Who: "u"}}, start, release)
				for range sweeps {
					e.Advance(nil, later, release)
				}
				e.Advance([]*item{{At: later, Who: "u"}}, later.Add(1), release)
				if last := got[len(got)-1]; last != tt.want {
					t.Errorf("said %q, want %s at the end", got, tt.want)
				}
			})
		}
	}
}

func TestTiesKeepTheirOrder(t *testing.T) {
	for whats, fires := range map[string]bool{"abc": true, "cba": false, "acb": false, "aabc": false, "babc": true} {
		for cut := range len(whats) + 1 {
			for _, shards := range []int{1, 4} {
				t.Run(fmt.Sprint(whats, " cut at ", cut, ", shards ", shards), func(t *testing.T) {
					var items []*item
					for _, what := range whats {
						items = append(items, &item{At: at(0), Who: "u", What: string(what)})
					}
					var h heard
					e := keyed.New(order, shards, by("steps", func() state { return &steps{} }))
					e.Advance(items[:cut], at(0), h.release)
					e.Advance(items[cut:], at(1), h.release)
					if fires {
						h.want(t, "0s steps u: abc")
					} else {
						h.want(t)
					}
				})
			}
		}
	}
}

func TestReleasedStrictlyBeforeTheWatermark(t *testing.T) {
	items := []*item{{At: at(0), Who: "v"}, {At: at(5), Who: "v"}, {At: at(5), Who: "u"}, {At: at(6), Who: "u"}}
	var h heard
	e := keyed.New(order, 1, counting())
	e.Advance(items, at(5), h.release)
	h.want(t, "0s count v: 1")
	e = restored(t, e, 3, counting())
	e.Advance(nil, at(5), h.release)
	h.want(t, "0s count v: 1")
	e.Advance([]*item{{At: at(6), Who: "a"}}, at(7), h.release)
	h.want(t, "0s count v: 1", "5ns count u: 1", "5ns count v: 2", "6ns count a: 1", "6ns count u: 2")
}

func TestExpire(t *testing.T) {
	items := []*item{
		{At: at(0), Who: "u"}, {At: at(time.Second), Who: "u"}, // quiet from 11 s on
		{At: at(ttl), Who: "a"}, {At: at(ttl + time.Second), Who: "v"}, {At: at(ttl + 2*time.Second), Who: "w"},
		{At: at(ttl + 3*time.Second), Who: "u"},
	}
	want := []string{
		"0s count u: 1", "1s count u: 2", "10s count a: 1", "11s count u: last 2", "11s count v: 1",
		"12s count w: 1", "13s count u: 1",
	}
	t.Run("found by the next item", func(t *testing.T) {
		var h heard
		keyed.New(order, 1, counting()).Advance(items, at(ttl+3*time.Second+1), h.release)
		h.want(t, want...)
	})
	t.Run("found by a sweep", func(t *testing.T) {
		var h heard
		e := keyed.New(order, 1, counting())
		e.Advance(items[:4], at(ttl+time.Second), h.release)
		h.want(t, want[:3]...) // an item at the watermark could still come and find it
		e.Advance(nil, at(ttl+time.Second+1), h.release)
		h.want(t, want[:5]...)
		e.Advance(items[4:], at(ttl+3*time.Second+1), h.release)
		h.want(t, want...)
	})
}

// A state that rests before it is forgotten has its last word once, in time, and goes on.
func TestQuiet(t *testing.T) {
	items := []*item{
		{At: at(0), Who: "u", N: 1}, {At: at(ttl), Who: "u", N: 2}, // both ends of a quiet time
		{At: at(2*ttl + 1), Who: "u", N: 4}, {At: at(3 * ttl), Who: "v", N: 8},
		{At: at(6*ttl + 1), Who: "u", N: 16}, {At: at(10*ttl + 2), Who: "u", N: 32}, // after its TTL
	}
	want := []string{
		"20s rest u: spell 1: 3", "30.000000001s rest u: spell 2: 4", "40s rest v: spell 1: 8",
		"1m10.000000001s rest u: spell 3: 16", "1m50.000000002s rest u: spell 1: 32",
	}
	t.Run("found by the next item", func(t *testing.T) {
		var h heard
		e := keyed.New(order, 1, resting())
		e.Advance(items, at(10*ttl+2), h.release)
		h.want(t, want[:4]...)
		e.Flush(h.release)
		h.want(t, want...)
	})
	t.Run("found by a sweep", func(t *testing.T) {
		var h heard
		e := keyed.New(order, 1, resting())
		e.Advance(items[:2], at(2*ttl), h.release)
		h.want(t) // an item at the watermark could still come and go on with the spell
		e.Advance(nil, at(2*ttl+1), h.release)
		h.want(t, want[:1]...)
		e.Advance(nil, at(2*ttl+1), h.release)
		h.want(t, want[:1]...)
		e = restored(t, e, 3, resting())
		e.Advance(items[2:4], at(4*ttl+1), h.release)
		h.want(t, want[:3]...)
	})
	t.Run("pushed out", func(t *testing.T) {
		keys := neighbours(2)
		var h heard
		m := resting()
		m.MaxKeys = 1
		e := keyed.New(order, 1, m)
		e.Advance([]*item{{At: at(0), Who: keys[0], N: 1}, {At: at(1), Who: keys[1], N: 2}, {At: at(2 * ttl), Who: keys[0], N: 4}}, at(2*ttl+1), h.release)
		h.want(t, "1ns rest "+keys[0]+": spell 1: 1", "10.000000001s rest "+keys[1]+": spell 1: 2")
	})
}

func TestFlush(t *testing.T) {
	var h heard
	e := keyed.New(order, 2, counting())
	e.Advance([]*item{{At: at(0), Who: "v"}, {At: at(0), Who: "u"}, {At: at(1), Who: "v"}}, at(0), h.release)
	h.want(t)
	e.Flush(h.release)
	h.want(t, "0s count u: 1", "0s count v: 1", "1ns count v: 2", "10s count u: last 1", "10.000000001s count v: last 2")
	if saved := all(t, e); len(saved) > 0 {
		t.Errorf("an engine that was flushed remembers %v", saved)
	}
	if st := e.Stats(); st != (keyed.Stats{}) {
		t.Errorf("Stats() = %+v", st)
	}
}

// neighbours returns keys that share one of the parts which MaxKeys is divided into.
func neighbours(n int) []string {
	var keys []string
	for i := 0; len(keys) < n; i++ {
		if key := fmt.Sprint("k", i); xxh3.HashString(key)%16 == 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// pairs returns a counting machine that keeps two neighbours.
func pairs() *machine { return bounded("count", 2*16) }

func TestMaxKeys(t *testing.T) {
	k := neighbours(3)
	seen := func(d time.Duration, who string) *item { return &item{At: at(d), Who: who} }
	line := func(at, who, text string) string { return at + " count " + who + ": " + text }
	for _, tt := range []struct {
		name    string
		items   []*item
		want    []string
		evicted int64
	}{
		{
			"the least recently seen is forgotten",
			[]*item{seen(0, k[0]), seen(1, k[1]), seen(2, k[0]), seen(3, k[2]), seen(4, k[0])},
			[]string{line("0s", k[0], "1"), line("1ns", k[1], "1"), line("2ns", k[0], "2"),
				line("3ns", k[1], "last 1"), line("3ns", k[2], "1"), line("4ns", k[0], "3")},
			1,
		},
		{
			"one that is over makes room and costs nothing",
			[]*item{seen(0, k[0]), seen(time.Second, k[1]), seen(ttl+1, k[2])},
			[]string{line("0s", k[0], "1"), line("1s", k[1], "1"), line("10s", k[0], "last 1"), line("10.000000001s", k[2], "1")},
			0,
		},
		{
			"one that an item may still reach is not over",
			[]*item{seen(0, k[0]), seen(time.Second, k[1]), seen(ttl, k[2])},
			[]string{line("0s", k[0], "1"), line("1s", k[1], "1"), line("10s", k[2], "1"), line("10s", k[0], "last 1")}, // in order of id
			1,
		},
	} {
		for _, shards := range []int{1, 2, 3, 16, 99} {
			t.Run(fmt.Sprint(tt.name, ", shards ", shards), func(t *testing.T) {
				end := tt.items[len(tt.items)-1].At.Add(1)
				for cut := range len(tt.items) + 1 {
					// Cut in two, swept and restored in between or not.
					for _, swept := range []bool{false, true} {
						var h heard
						var evicted int64
						e := keyed.New(order, shards, pairs())
						if !swept {
							e.Advance(tt.items[:cut], start, h.release)
						} else {
							e.Advance(tt.items[:cut], append(tt.items, &item{At: end})[cut].At, h.release)
							evicted = e.Stats().Evicted
							e = restored(t, e, 1+shards%3, pairs())
						}
						e.Advance(tt.items[cut:], end, h.release)
						h.want(t, tt.want...)
						if evicted += e.Stats().Evicted; evicted != tt.evicted {
							t.Errorf("cut at %d: evicted %d, want %d", cut, evicted, tt.evicted)
						}
					}
				}
			})
		}
	}
}

func TestMaxKeysOfManyKeys(t *testing.T) {
	m := bounded("count", 160)
	var items []*item
	for n := range 20000 {
		items = append(items, &item{At: at(time.Duration(n)), Who: fmt.Sprint(n * n % 1009)})
	}
	var plain heard
	one := keyed.New(order, 1, m)
	one.Advance(items, at(20000), plain.release)
	if st := one.Stats(); st.Keys != 160 || st.Evicted == 0 {
		t.Errorf("Stats() = %+v", st)
	}
	for _, shards := range []int{2, 3, 16} {
		var h heard
		e := keyed.New(order, shards, m)
		e.Advance(items[:7777], at(7777), h.release)
		before := e.Stats().Evicted
		e = restored(t, e, shards-1, m)
		e.Advance(items[7777:], at(20000), h.release)
		h.want(t, plain...)
		st := e.Stats()
		st.Evicted += before
		if st != one.Stats() {
			t.Errorf("shards %d: Stats() = %+v, with one %+v", shards, st, one.Stats())
		}
	}
}

// A bound that was lowered since the state was saved holds again from the first new key on.
func TestMaxKeysLowered(t *testing.T) {
	var h heard
	e := keyed.New(order, 1, counting())
	for n, who := range neighbours(5) {
		e.Advance([]*item{{At: at(time.Duration(n)), Who: who}}, at(5), h.release)
	}
	e = restored(t, e, 1, pairs())
	e.Advance([]*item{{At: at(5), Who: neighbours(6)[5]}}, at(6), h.release)
	if st := e.Stats(); st != (keyed.Stats{Keys: 2, Evicted: 4}) {
		t.Errorf("Stats() = %+v, want 2 keys, 4 evicted", st)
	}
}

func TestSave(t *testing.T) {
	e := keyed.New(order, 2, counting())
	var h heard
	e.Advance([]*item{{At: at(0), Who: "u"}}, at(0), h.release)
	t.Run("what it yields", func(t *testing.T) {
		got, _ := json.Marshal(all(t, e))
		const want = `[{"Machine":"count","Key":"u","Last":"2026-03-01T10:00:00Z","State":"eyJOIjoxfQ=="},` +
			`{"Machine":"","Key":"count u","Last":"2026-03-01T10:00:00Z","State":"eyJJRCI6ImNvdW50IHUiLCJUZXh0IjoiMSJ9"}]`
		if string(got) != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("the taker's error ends it", func(t *testing.T) {
		full := errors.New("full")
		for last := range 2 {
			n := 0
			err := e.Save(func(keyed.Saved) error {
				if n == last {
					return full
				}
				n++
				return nil
			})
			if !errors.Is(err, full) || n != last {
				t.Errorf("Save = %v after %d", err, n)
			}
		}
	})
}

func TestLoad(t *testing.T) {
	u := keyed.Saved{Machine: "count", Key: "u", Last: at(0), State: []byte(`{"N":1}`)}
	for _, tt := range []struct {
		name  string
		saved []keyed.Saved
		known bool
		err   string // of the last
		keys  int
	}{
		{"a state", []keyed.Saved{u}, true, "", 1},
		{"of an unknown machine", []keyed.Saved{{Machine: "gone", Key: "u", State: []byte(`{`)}}, false, "", 0},
		{"twice", []keyed.Saved{u, u}, true, `count: load state of "u": given twice`, 1},
		{"no JSON", []keyed.Saved{{Machine: "count", Key: "u", State: []byte(`{`)}}, true, `count: load state of "u": unexpected end of JSON input`, 0},
		{"an output that is none", []keyed.Saved{{Key: "count u", State: []byte(`[]`)}}, true,
			`load output "count u": json: cannot unmarshal array into Go value of type keyed_test.said`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := keyed.New(order, 2, counting())
			var known bool
			var err error
			for n, s := range tt.saved {
				known, err = e.Load(s)
				if n+1 < len(tt.saved) && (err != nil || !known) {
					t.Fatal(known, err)
				}
			}
			if known != tt.known || tt.err == "" && err != nil || tt.err != "" && (err == nil || err.Error() != tt.err) {
				t.Errorf("Load = %v, %v; want %v, %s", known, err, tt.known, tt.err)
			}
			if n := e.Stats().Keys; n != tt.keys {
				t.Errorf("%d keys, want %d", n, tt.keys)
			}
		})
	}
}

func TestNewPanics(t *testing.T) {
	nameless := counting()
	nameless.Name = ""
	for want, machines := range map[string][]*machine{
		"keyed: two machines named count": {counting(), counting()},
		"keyed: a machine without a name": {nameless},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %s", got, want)
				}
			}()
			keyed.New(order, 1, machines...)
		})
	}
}

func TestStats(t *testing.T) {
	var h heard
	e := keyed.New(order, 3, toys()...)
	e.Advance([]*item{{At: at(0), Who: "u", What: "a"}, {At: at(0), Who: "v", What: "b"}}, at(1), h.release)
	if st := e.Stats(); st != (keyed.Stats{Keys: 5*2 + 1}) {
		t.Errorf("Stats() = %+v", st)
	}
	e.Advance(nil, at(4*ttl+1), h.release)
	if st := e.Stats(); st != (keyed.Stats{}) {
		t.Errorf("Stats() after all are over = %+v", st)
	}
}

// Whoever watches is told of each item a state observes, of last words, and of what came
// of both.
func TestWatch(t *testing.T) {
	e := keyed.New(order, 1, counting())
	var got []string
	e.Watch(func(g keyed.Glance[*item, said]) {
		text := fmt.Sprintf("%s %s last=%v", g.Machine, g.Key, g.Last)
		for _, o := range g.Emitted {
			text += " " + o.Text
		}
		got = append(got, text)
	})
	e.Advance([]*item{{At: at(0), Who: "a"}, {At: at(1), Who: "b"}, {At: at(2), Who: "a"}}, at(2), func(time.Time, said) {})
	e.Flush(func(time.Time, said) {})
	t.Log(strings.Join(got, "\n"))
	if len(got) != 5 || !strings.Contains(got[0], "a last=false") || !strings.Contains(strings.Join(got[3:], "\n"), "a last=true last 2") {
		t.Errorf("%q", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("several workers were watched")
		}
	}()
	keyed.New(order, 2, counting()).Watch(nil)
}

// Each item is prepared once, before any machine looks at it, whatever shard that is of.
func TestPrepare(t *testing.T) {
	for shards := range 5 {
		prepared := order
		prepared.Prepare = func(some []*item) {
			for _, i := range some {
				i.N++
			}
		}
		m := &machine{Name: "m", Group: byWho, TTL: ttl, New: func() state { return &steps{} }}
		m.Match = func(i *item) bool {
			if i.N != 1 {
				t.Errorf("an item is looked at that was prepared %d times", i.N)
			}
			return true
		}
		e := keyed.New(prepared, shards, m)
		var items []*item
		for n := range 3000 {
			items = append(items, &item{At: at(time.Duration(n) * time.Millisecond), Who: fmt.Sprint(n % 7), What: "a"})
		}
		e.Advance(items, at(time.Minute), func(time.Time, said) {})
		for n, i := range items {
			if i.N != 1 {
				t.Fatalf("%d shards: item %d was prepared %d times", shards, n, i.N)
			}
		}
	}
}
