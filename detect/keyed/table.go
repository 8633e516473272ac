package keyed

import (
	"iter"
	"time"

	"github.com/zeebo/xxh3"
)

// partitions is the number of parts a machine's keys are divided into by hash. It
// is fixed, so that what a bound on keys forgets does not depend on how many
// shards are at work.
const partitions = 16

// A shard works on the partitions p with p % of == number.
type shard[I, O any] struct {
	number, of int
	order      Order[I, O]
	machines   []*Machine[I, O]
	tables     [][]*table[I, O] // by machine, then by partition; nil where another shard's
	key        []byte           // scratch

	emit    func(O) // add, made once
	emitted []output[O]
	machine *Machine[I, O] // in whose name add is called,
	who     *entry[I, O]   // for which key
	at      time.Time      // and when

	watch func(Glance[I, O]) // nil: nobody looks
}

func newShard[I, O any](order Order[I, O], machines []*Machine[I, O], number, of int) *shard[I, O] {
	s := &shard[I, O]{number: number, of: of, order: order, machines: machines}
	s.emit = s.add
	for _, m := range machines {
		tables := make([]*table[I, O], partitions)
		for p := number; p < partitions; p += of {
			tables[p] = newTable(m)
		}
		s.tables = append(s.tables, tables)
	}
	return s
}

// all yields the shard's tables, machine by machine.
func (s *shard[I, O]) all() iter.Seq[*table[I, O]] {
	return func(yield func(*table[I, O]) bool) {
		for _, tables := range s.tables {
			for p := s.number; p < partitions; p += s.of {
				if !yield(tables[p]) {
					return
				}
			}
		}
	}
}

func (s *shard[I, O]) add(out O) {
	if s.machine.Seal != nil {
		s.machine.Seal(s.who.key, &out)
	}
	s.emitted = append(s.emitted, output[O]{s.at, s.order.ID(out), out})
}

// observe shows each item to the state of its key in every machine. One machine after
// another goes through all of them: its code and its tables stay at hand, and what is
// emitted is ordered afterwards.
func (s *shard[I, O]) observe(items []I) {
	for m, machine := range s.machines {
		tables := s.tables[m]
		for _, item := range items {
			s.key = machine.Key(item, s.key[:0])
			if len(s.key) == 0 {
				continue
			}
			p := int(xxh3.Hash(s.key) % partitions)
			if t := tables[p]; t != nil {
				s.step(t, item)
			}
		}
	}
}

// step shows the item to the state of s.key in t.
func (s *shard[I, O]) step(t *table[I, O], item I) {
	now := s.order.Time(item)
	i, ok := t.index[string(s.key)]
	if ok {
		switch over := t.over(i); {
		case now.After(over):
			s.end(t, i, over)
			ok = false
		case now.After(t.rests(i)):
			s.lastWord(t, i, t.rests(i))
		}
	}
	if ok {
		t.unlink(i)
		t.link(i)
	} else {
		s.makeRoom(t, now)
		i = t.insert(string(s.key), t.machine.New())
	}
	e := &t.entries[i]
	e.last = now
	s.machine, s.who, s.at = t.machine, e, now
	before := len(s.emitted)
	e.state.Observe(item, s.emit)
	if s.watch != nil {
		s.glance(Glance[I, O]{At: now, Item: item}, before)
	}
}

// glance tells who watches what was done in the name of the machine and key, of which so
// many outputs are older.
func (s *shard[I, O]) glance(g Glance[I, O], before int) {
	g.Machine, g.Key, g.State = s.machine.Name, s.who.key, s.who.state
	for _, o := range s.emitted[before:] {
		g.Emitted = append(g.Emitted, o.out)
	}
	s.watch(g)
}

// makeRoom ends states, the least recently seen first, until t can take one more.
// Those whose time is over would have ended without it: a sweep may not have come by.
func (s *shard[I, O]) makeRoom(t *table[I, O], now time.Time) {
	for len(t.index) >= t.max {
		at := t.over(t.oldest)
		if !at.Before(now) {
			at = now
			t.evicted++
		}
		s.end(t, t.oldest, at)
	}
}

// end lets the state of entry i have its last word, said at the given time if not
// before, and forgets it.
func (s *shard[I, O]) end(t *table[I, O], i int32, at time.Time) {
	if rests := t.rests(i); rests.Before(at) {
		at = rests
	}
	s.lastWord(t, i, at)
	t.remove(i)
}

func (s *shard[I, O]) lastWord(t *table[I, O], i int32, at time.Time) {
	e := &t.entries[i]
	if x, ok := e.state.(Expirer[O]); ok {
		s.machine, s.who, s.at = t.machine, e, at
		before := len(s.emitted)
		x.Expire(s.emit)
		if s.watch != nil {
			s.glance(Glance[I, O]{At: at, Last: true}, before)
		}
	}
}

// expire ends every state that no item at or after the watermark can reach, and asks
// those for their last word that none can reach before they rest.
func (s *shard[I, O]) expire(watermark time.Time) {
	for t := range s.all() {
		for t.quiet < t.machine.TTL && t.awake != none {
			i, rests := t.awake, t.rests(t.awake)
			if !rests.Before(watermark) {
				break
			}
			s.lastWord(t, i, rests)
			t.awake = t.entries[i].next
		}
		for t.oldest != none {
			over := t.over(t.oldest)
			if !over.Before(watermark) {
				break
			}
			s.end(t, t.oldest, over)
		}
	}
}

// expireAll ends every state at the time its TTL would have.
func (s *shard[I, O]) expireAll() {
	for t := range s.all() {
		for t.oldest != none {
			s.end(t, t.oldest, t.over(t.oldest))
		}
	}
}

// A table holds the states of one machine's keys in one partition, linked from
// the least to the most recently seen. All share one TTL and one Quiet, so that is also
// the order in which they rest and expire.
type table[I, O any] struct {
	machine *Machine[I, O]
	max     int
	index   map[string]int32
	entries []entry[I, O]
	quiet   time.Duration
	oldest  int32 // none: the end of a list
	newest  int32
	awake   int32 // the oldest that was not asked for its last word
	free    int32 // unused entries, linked by next
	evicted int64
}

type entry[I, O any] struct {
	key        string
	last       time.Time // of the key's last item
	state      State[I, O]
	prev, next int32
}

// none ends a list of entries.
const none = int32(-1)

func newTable[I, O any](m *Machine[I, O]) *table[I, O] {
	keys := m.MaxKeys
	if keys == 0 {
		keys = DefaultMaxKeys
	}
	quiet := m.TTL
	if m.Quiet > 0 {
		quiet = min(m.Quiet, m.TTL)
	}
	return &table[I, O]{
		machine: m,
		max:     max(keys/partitions, 1),
		quiet:   quiet,
		index:   map[string]int32{},
		oldest:  none,
		newest:  none,
		awake:   none,
		free:    none,
	}
}

// over returns the last moment at which an item still meets the state of entry i.
func (t *table[I, O]) over(i int32) time.Time {
	return t.entries[i].last.Add(t.machine.TTL)
}

// rests returns the last moment at which an item still comes before the last word of
// entry i.
func (t *table[I, O]) rests(i int32) time.Time {
	return t.entries[i].last.Add(t.quiet)
}

// insert adds the state of a key that has none.
func (t *table[I, O]) insert(key string, state State[I, O]) int32 {
	i := t.free
	if i == none {
		i = int32(len(t.entries))
		t.entries = append(t.entries, entry[I, O]{})
	} else {
		t.free = t.entries[i].next
	}
	t.entries[i] = entry[I, O]{key: key, state: state}
	t.index[key] = i
	t.link(i)
	return i
}

func (t *table[I, O]) remove(i int32) {
	t.unlink(i)
	delete(t.index, t.entries[i].key)
	t.entries[i] = entry[I, O]{next: t.free}
	t.free = i
}

// link makes entry i the newest.
func (t *table[I, O]) link(i int32) {
	e := &t.entries[i]
	e.prev, e.next = t.newest, none
	if t.newest == none {
		t.oldest = i
	} else {
		t.entries[t.newest].next = i
	}
	t.newest = i
	if t.awake == none {
		t.awake = i
	}
}

func (t *table[I, O]) unlink(i int32) {
	e := &t.entries[i]
	if t.awake == i {
		t.awake = e.next
	}
	if e.prev == none {
		t.oldest = e.next
	} else {
		t.entries[e.prev].next = e.next
	}
	if e.next == none {
		t.newest = e.prev
	} else {
		t.entries[e.next].prev = e.prev
	}
}
