// Package keyedtest holds what is built on package keyed to its one property: the
// same items give the same outputs, in the same order and to the byte, however they
// are worked on.
//
// Check runs a Subject the plain way, one shard and one batch, and then in many
// others: on several shards, cut into batches anywhere, saved and restored, each key
// alone, arriving in disorder, its items taken back after use. What is released may
// not differ from the plain way, nor may it come late or out of order. Nothing is
// sorted before it is compared.
package keyedtest

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A Subject is something that gives outputs for items.
type Subject[I any] struct {
	// Time returns the time of an item. Items are compared by nothing else: their
	// order is the one in which Check is given them.
	Time func(I) time.Time
	// New returns a Runner that works with the given number of shards, begins with the
	// memory that Save returned (nil: with none) and passes its outputs to out.
	New func(shards int, saved []byte, out func(Output)) (Runner[I], error)
	// Parts cuts the items into those of single keys, each with the Subject that gives
	// the outputs of that key alone. It is nil where keys have to do with each other.
	Parts func(items []I) []Part[I]
	// Seed makes the random choices of an earlier Check again; 0 chooses a new one.
	Seed uint64
}

// A Part is a Subject of one key and the items of that key.
type Part[I any] struct {
	Subject[I]
	Items []I
}

// A Runner is a Subject at work.
type Runner[I any] interface {
	// Advance is given the next items, and a watermark: no item before it will follow.
	// Items at or after the watermark may be among those given already.
	Advance(items []I, watermark time.Time)
	// Flush ends what is going on. Nothing follows.
	Flush()
	// Save returns all that is remembered. It changes nothing.
	Save() ([]byte, error)
}

// An Output is one thing that a Runner released.
type Output struct {
	// Stream names the sequence it belongs to, if there are several. They are compared
	// one by one, for how they mingle depends on the batches.
	Stream string
	// At and ID are what outputs of a stream are ordered by. Where At is zero, neither
	// their order nor their punctuality is looked at.
	At   time.Time
	ID   string
	JSON string
}

func (o Output) String() string {
	s := o.JSON
	if !o.At.IsZero() {
		s = o.At.Format(time.RFC3339Nano) + " " + o.ID + " " + s
	}
	if o.Stream != "" {
		s = o.Stream + " " + s
	}
	return s
}

// TB is the part of testing.TB that Check speaks to.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check runs the subject over the items, which are in their total order, in many ways.
// Each way that does not give what the plain way gives is an error that names the way,
// the seed and the first output that differs.
func Check[I any](t TB, s Subject[I], items []I) {
	t.Helper()
	for n := 1; n < len(items); n++ {
		if s.Time(items[n]).Before(s.Time(items[n-1])) {
			t.Errorf("item %d lies before item %d: Check takes items in their order", n+1, n)
			return
		}
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64()
	}
	want, err := s.run(way[I]{batches: s.whole(items)}, nil)
	if err != nil {
		t.Errorf("the plain way: %v", err)
		return
	}
	for n, w := range s.ways(items) {
		// Each way has its own source of chance: one that is added changes no other.
		got, err := s.run(w, rand.New(rand.NewPCG(s.Seed, uint64(n))))
		if err == nil {
			err = differ(want, got)
		}
		if err != nil {
			t.Errorf("%s (seed %d): %v", w.name, s.Seed, err)
		}
	}
	if s.Parts == nil {
		return
	}
	got, err := s.alone(items)
	if err == nil {
		err = sameOutputs(want.outputs, got)
	}
	if err != nil {
		t.Errorf("each key alone: %v", err)
	}
}

// A way is one manner of running a Subject.
type way[I any] struct {
	name    string
	batches []batch[I]
	shards  []int // taken in turn, a new number at each restoring; none: one shard
	restore bool  // whether it is saved and restored after each batch
	lend    bool  // whether the items are taken back after each batch
}

// A batch is what one Advance is given.
type batch[I any] struct {
	items     []I
	watermark time.Time
}

// ways lists the ways that are not the plain one.
func (s Subject[I]) ways(items []I) []way[I] {
	chance := rand.New(rand.NewPCG(s.Seed, 0))
	ways := []way[I]{
		{name: "the plain way again", batches: s.whole(items)},
		{name: "one item a batch", batches: s.single(items)},
		{name: "one item a batch, saved and restored at each", batches: s.single(items), restore: true, shards: []int{1, 3, 2, 16}},
		{name: "random batches, saved and restored after each", batches: s.random(items, chance), restore: true, shards: []int{2, 1, 3}},
		{name: "items taken back after each batch", batches: s.ripe(items), lend: true},
	}
	for _, n := range []int{2, 3, 16} {
		ways = append(ways, way[I]{name: fmt.Sprintf("shards: %d", n), batches: s.whole(items), shards: []int{n}})
	}
	for _, n := range []int{1, 2, 3} {
		ways = append(ways, way[I]{name: fmt.Sprintf("random batches, shards: %d", n), batches: s.random(items, chance), shards: []int{n}})
	}
	for _, bound := range []time.Duration{time.Second, time.Minute} {
		ways = append(ways, way[I]{name: fmt.Sprintf("disordered by up to %v", bound), batches: s.disordered(items, bound, chance)})
	}
	return ways
}

// end returns a watermark just past the last item.
func (s Subject[I]) end(items []I) time.Time {
	if len(items) == 0 {
		return time.Time{}
	}
	return s.Time(items[len(items)-1]).Add(1)
}

// whole makes one batch of all items.
func (s Subject[I]) whole(items []I) []batch[I] {
	return []batch[I]{{items, s.end(items)}}
}

// single makes a batch of each item. Where the next one has the same time, the
// watermark cannot pass it yet.
func (s Subject[I]) single(items []I) []batch[I] {
	var batches []batch[I]
	for n := range items {
		watermark := s.end(items)
		if n+1 < len(items) {
			watermark = s.Time(items[n+1])
		}
		batches = append(batches, batch[I]{items[n : n+1], watermark})
	}
	return batches
}

// ripe makes a batch of all items of one time, so that nothing is held after it.
func (s Subject[I]) ripe(items []I) []batch[I] {
	var batches []batch[I]
	for first, n := 0, 1; n <= len(items); n++ {
		watermark := s.end(items)
		if n < len(items) {
			watermark = s.Time(items[n])
		}
		if s.Time(items[first]).Before(watermark) {
			batches = append(batches, batch[I]{items[first:n], watermark})
			first = n
		}
	}
	return batches
}

// random makes batches of any size, none included, with watermarks anywhere between
// the one before and the next item: they may lag behind the items of their batch or
// run ahead of them.
func (s Subject[I]) random(items []I, chance *rand.Rand) []batch[I] {
	if len(items) == 0 {
		return nil
	}
	var batches []batch[I]
	last := s.Time(items[0]).Add(-time.Hour)
	for rest := items; len(rest) > 0; {
		n := chance.IntN(min(len(rest), 9) + 1)
		given := rest[:n]
		rest = rest[n:]
		next := s.end(items)
		if len(rest) > 0 {
			next = s.Time(rest[0])
		}
		watermark := next // as far as may be
		switch chance.IntN(4) {
		case 0:
			watermark = last
		case 1:
			watermark = last.Add(time.Duration(chance.Int64N(max(1, int64(next.Sub(last))))))
		case 2:
			if n > 0 {
				watermark = s.Time(given[chance.IntN(n)])
			}
		}
		if watermark.Before(last) {
			watermark = last
		}
		batches = append(batches, batch[I]{given, watermark})
		last = watermark
	}
	return append(batches, batch[I]{nil, s.end(items)})
}

// disordered lets each item arrive late by up to the bound, and puts them in order
// again as a reader of several logs would: an item is passed on as soon as it lies
// before the newest seen less the bound.
func (s Subject[I]) disordered(items []I, bound time.Duration, chance *rand.Rand) []batch[I] {
	type arrival struct {
		place int // in the total order
		at    time.Time
	}
	arrivals := make([]arrival, len(items))
	for n, item := range items {
		arrivals[n] = arrival{n, s.Time(item).Add(time.Duration(chance.Int64N(int64(bound))))}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })

	var batches []batch[I]
	var waiting []int // places, in order
	var newest time.Time
	for _, a := range arrivals {
		n, _ := slices.BinarySearch(waiting, a.place)
		waiting = slices.Insert(waiting, n, a.place)
		if t := s.Time(items[a.place]); t.After(newest) {
			newest = t
		}
		b := batch[I]{watermark: newest.Add(-bound)}
		for len(waiting) > 0 && s.Time(items[waiting[0]]).Before(b.watermark) {
			b.items = append(b.items, items[waiting[0]])
			waiting = waiting[1:]
		}
		batches = append(batches, b)
	}
	b := batch[I]{watermark: s.end(items)}
	for _, place := range waiting {
		b.items = append(b.items, items[place])
	}
	return append(batches, b)
}

// A result is what a run gave and what was remembered before the end of it.
type result struct {
	outputs []Output // stream by stream, each as it was released
	memory  []byte
}

// restores is how often a run is restored at most: its cost is the whole memory.
const restores = 1000

// run runs the subject in one way.
func (s Subject[I]) run(w way[I], chance *rand.Rand) (result, error) {
	var res result
	var fault error
	var from, to time.Time // what is released now lies from the one up to before the other
	flushing := false
	out := func(o Output) {
		res.outputs = append(res.outputs, o)
		if o.At.IsZero() || fault != nil {
			return
		}
		if o.At.Before(from) {
			fault = fmt.Errorf("released late, after the watermark %s:\n  %s", from.Format(time.RFC3339Nano), o)
		}
		if !flushing && !o.At.Before(to) {
			fault = fmt.Errorf("released early, at the watermark %s:\n  %s", to.Format(time.RFC3339Nano), o)
		}
	}

	shards := func(turn int) int {
		if len(w.shards) == 0 {
			return 1
		}
		return w.shards[turn%len(w.shards)]
	}
	r, err := s.New(shards(0), nil, out)
	if err != nil {
		return res, err
	}
	for n, b := range w.batches {
		given, takeBack := b.items, func() {}
		if w.lend {
			given, takeBack = lend(b.items)
		}
		to = b.watermark
		r.Advance(given, b.watermark)
		from = b.watermark
		takeBack()
		if w.restore && (len(w.batches) <= restores || chance.IntN(len(w.batches)) < restores) {
			if r, err = s.restored(r, shards(n+1), out); err != nil {
				return res, fmt.Errorf("after batch %d: %w", n+1, err)
			}
		}
	}
	if res.memory, err = save(r); err != nil {
		return res, err
	}
	flushing = true
	r.Flush()
	if fault != nil {
		return res, fault
	}
	slices.SortStableFunc(res.outputs, func(a, b Output) int { return strings.Compare(a.Stream, b.Stream) })
	return res, ordered(res.outputs)
}

// restored returns a Runner that remembers what r does.
func (s Subject[I]) restored(r Runner[I], shards int, out func(Output)) (Runner[I], error) {
	saved, err := save(r)
	if err != nil {
		return nil, err
	}
	next, err := s.New(shards, saved, out)
	if err != nil {
		return nil, err
	}
	again, err := save(next)
	if err != nil {
		return nil, err
	}
	if err := sameMemory(saved, again); err != nil {
		return nil, fmt.Errorf("restored and saved again: %w", err)
	}
	return next, nil
}

// save saves twice: memory that is not touched is saved to the same bytes.
func save[I any](r Runner[I]) ([]byte, error) {
	saved, err := r.Save()
	if err != nil {
		return nil, err
	}
	again, err := r.Save()
	if err != nil {
		return nil, err
	}
	if err := sameMemory(saved, again); err != nil {
		return nil, fmt.Errorf("saved twice: %w", err)
	}
	return saved, nil
}

// alone runs each part in the plain way and merges what they give.
func (s Subject[I]) alone(items []I) ([]Output, error) {
	var merged []Output
	for _, p := range s.Parts(items) {
		res, err := p.run(way[I]{batches: p.whole(p.Items)}, nil)
		if err != nil {
			return nil, err
		}
		merged = append(merged, res.outputs...)
	}
	slices.SortStableFunc(merged, compare)
	return merged, nil
}

// compare is the order in which outputs are released.
func compare(a, b Output) int {
	return cmp.Or(strings.Compare(a.Stream, b.Stream), a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
}

// ordered tells where outputs that bear a time are not in the order of their release.
func ordered(outputs []Output) error {
	for n := 1; n < len(outputs); n++ {
		if a, b := outputs[n-1], outputs[n]; !b.At.IsZero() && compare(a, b) > 0 {
			return fmt.Errorf("output %d is out of order:\n  after:  %s\n  comes:  %s", n+1, a, b)
		}
	}
	return nil
}

// differ tells where a result is not that of the plain way.
func differ(want, got result) error {
	if err := sameOutputs(want.outputs, got.outputs); err != nil {
		return err
	}
	if err := sameMemory(want.memory, got.memory); err != nil {
		return fmt.Errorf("same outputs, but in the end it remembers something else: %w", err)
	}
	return nil
}

func sameOutputs(want, got []Output) error {
	line := func(outputs []Output, n int) string {
		if n < len(outputs) {
			return outputs[n].String()
		}
		return "(nothing)"
	}
	for n := range max(len(want), len(got)) {
		if w, g := line(want, n), line(got, n); w != g {
			return fmt.Errorf("output %d differs:\n  plain: %s\n  here:  %s", n+1, w, g)
		}
	}
	return nil
}

func sameMemory(want, got []byte) error {
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for n := range max(len(w), len(g)) {
		switch {
		case n >= len(w):
			return fmt.Errorf("memory has one more: %s", g[n])
		case n >= len(g):
			return fmt.Errorf("memory lacks: %s", w[n])
		case !bytes.Equal(w[n], g[n]):
			return fmt.Errorf("memory differs:\n  first: %s\n  then:  %s", w[n], g[n])
		}
	}
	return nil
}
