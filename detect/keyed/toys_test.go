package keyed_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
)

// An item is what the machines of these tests look at.
type item struct {
	At   time.Time
	Who  string
	What string
	N    int
}

// said is what they say.
type said struct {
	ID   string
	Text string
	List []string `json:",omitempty"`
}

type (
	machine = keyed.Machine[*item, said]
	group   = keyed.Group[*item]
	state   = keyed.State[*item, said]
	engine  = keyed.Engine[*item, said]
)

// ttl is that of the machines here.
const ttl = 10 * time.Second

var (
	start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	order = keyed.Order[*item, said]{
		Time:  func(i *item) time.Time { return i.At },
		ID:    func(o said) string { return o.ID },
		Kinds: kindOf,
	}
)

// kindOf tells of which kind an item is: there is one for each thing that may be done.
func kindOf(i *item) uint64 {
	if i.What == "" {
		return 1
	}
	return 1 << (i.What[0] % 64)
}

func at(d time.Duration) time.Time { return start.Add(d) }

// byWho groups by who does it.
var byWho = &group{Key: func(i *item, b []byte) []byte { return append(b, i.Who...) }}

// by makes the machine of a state that is kept by who does it.
func by(name string, fresh func() state) *machine {
	return &machine{
		Name:  name,
		Group: byWho,
		TTL:   ttl,
		New:   fresh,
		Seal:  func(key string, o *said) { o.ID = name + " " + key },
	}
}

// count says how many items there were, at each and at the end.
type count struct{ N int }

func (s *count) Observe(i *item, emit func(said)) {
	s.N++
	emit(said{Text: fmt.Sprint(s.N)})
}

func (s *count) Expire(emit func(said)) { emit(said{Text: fmt.Sprint("last ", s.N)}) }

func counting() *machine { return bounded("count", 0) }

// bounded returns a counting machine that remembers so many keys; 0 sets no bound.
func bounded(name string, keys int) *machine {
	m := by(name, func() state { return &count{} })
	m.MaxKeys = keys
	return m
}

// burst says that limit items came within a window that slides.
type burst struct {
	limit  int
	window time.Duration
	Times  []time.Time // of at most limit items
}

func (s *burst) Observe(i *item, emit func(said)) {
	s.Times = slices.DeleteFunc(s.Times, func(t time.Time) bool { return i.At.Sub(t) > s.window })
	s.Times = append(s.Times, i.At)
	if len(s.Times) == s.limit {
		emit(said{Text: fmt.Sprint(s.limit, " since ", s.Times[0].Format(time.StampMicro))})
		s.Times = s.Times[:0]
	}
}

// distinct says what different things were done, at every third of them.
type distinct struct{ Seen map[string]bool } // at most 9

func (s *distinct) Observe(i *item, emit func(said)) {
	if s.Seen[i.What] || len(s.Seen) == 9 {
		return
	}
	s.Seen[strings.Clone(i.What)] = true
	if len(s.Seen)%3 == 0 {
		var all []string
		for what := range s.Seen {
			all = append(all, what)
		}
		slices.Sort(all)
		emit(said{List: all})
	}
}

// steps says that a, b and c were done one after another.
type steps struct{ Done int }

func (s *steps) Observe(i *item, emit func(said)) {
	if i.What == "abc"[s.Done:s.Done+1] {
		s.Done++
	} else {
		s.Done = 0
	}
	if s.Done == 3 {
		s.Done = 0
		emit(said{Text: "abc"})
	}
}

// visit has nothing to say until it is over.
type visit struct {
	First time.Time
	N     int
}

func (s *visit) Observe(i *item, emit func(said)) {
	if s.N == 0 {
		s.First = i.At
	}
	s.N += i.N
}

func (s *visit) Expire(emit func(said)) {
	emit(said{Text: fmt.Sprint(s.N, " since ", s.First.Format(time.StampMicro))})
}

// rest has something to say of each spell of items, and remembers how many there were.
type rest struct{ Spells, N int }

func (s *rest) Observe(i *item, emit func(said)) { s.N += i.N }

func (s *rest) Expire(emit func(said)) {
	if s.N > 0 {
		s.Spells++
		emit(said{Text: fmt.Sprint("spell ", s.Spells, ": ", s.N)})
		s.N = 0
	}
}

// resting returns a machine whose states rest before they are forgotten.
func resting() *machine {
	m := by("rest", func() state { return &rest{} })
	m.TTL, m.Quiet = 4*ttl, ttl
	return m
}

// sharing returns machines of one group, each with bounds, times and items of its own.
func sharing() []*machine {
	odd := bounded("odd", 16)
	odd.Match = func(i *item) bool { return i.N%2 == 1 }
	brief := bounded("brief", 3*16)
	brief.TTL = time.Second
	spells := by("spells", func() state { return &rest{} })
	spells.TTL, spells.Quiet, spells.MaxKeys = 4*ttl, ttl, 2*16
	spells.Match = func(i *item) bool { return i.What != "a" }
	spells.Kinds = ^kindOf(&item{What: "a"})
	return []*machine{odd, bounded("pair", 2*16), brief, spells}
}

// toys returns one machine of each kind.
func toys() []*machine {
	bursting := by("burst", func() state { return &burst{limit: 3, window: time.Second} })
	bursting.TTL = time.Second
	whats := by("what", func() state { return &visit{} })
	whats.Match = func(i *item) bool { return i.What != "a" }
	whats.Kinds = ^kindOf(&item{What: "a"})
	whats.Group = &group{Key: func(i *item, b []byte) []byte {
		if i.What == "c" {
			return b // nobody's
		}
		return append(b, i.What...)
	}}
	return []*machine{
		counting(),
		bursting,
		by("distinct", func() state { return &distinct{map[string]bool{}} }),
		by("steps", func() state { return &steps{} }),
		whats,
		resting(),
	}
}

// gaps are the times between one item and the next at which things go wrong: most are
// none at all.
var gaps = []time.Duration{
	0, 0, 0, 0, 0, 0, time.Microsecond, 300 * time.Millisecond, time.Second,
	ttl - time.Microsecond, ttl, ttl + time.Microsecond, 3 * ttl,
}

// crowd returns items of a few keys, with many ties, the same for the same seed.
func crowd(seed uint64, n int) []*item {
	chance := rand.New(rand.NewPCG(seed, 0))
	now := start
	var items []*item
	for range n {
		now = now.Add(gaps[chance.IntN(len(gaps))])
		items = append(items, &item{now, string("uvwxyz"[chance.IntN(6)]), string("abcdefgh"[chance.IntN(8)]), 1 + chance.IntN(9)})
	}
	return items
}
