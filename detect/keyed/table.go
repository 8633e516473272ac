package keyed

import (
	"iter"
	"time"
)

// A part is what one group keeps in one partition: a record of each key of which any of its
// machines has a state, and the tables of these machines.
type part[I, O any] struct {
	index   index
	keys    []string      // by record; "" if it is not used
	hashes  []uint32      // of the keys
	entries []int32       // by record, then by machine: the entry in its table, or none
	free    []int32       // records that are not used
	left    []int32       // records that a state has left: they may be of no use any more
	tables  []table[I, O] // by machine
}

func newPart[I, O any](machines []*Machine[I, O]) *part[I, O] {
	p := &part[I, O]{}
	for _, m := range machines {
		p.tables = append(p.tables, newTable(m))
	}
	return p
}

// record returns the record of a key, which it may begin.
func (p *part[I, O]) record(pl *place) int32 {
	r := p.index.find(pl.hash, pl.key, p.keys)
	if r != none {
		return r
	}
	if n := len(p.free); n > 0 {
		r, p.free = p.free[n-1], p.free[:n-1]
	} else {
		r = int32(len(p.keys))
		p.keys, p.hashes = append(p.keys, ""), append(p.hashes, 0)
		for range p.tables {
			p.entries = append(p.entries, none)
		}
	}
	p.keys[r], p.hashes[r] = string(pl.key), pl.hash
	p.index.add(pl.hash, r)
	return r
}

// entry is where the entry of a record in the table of machine m is written down.
func (p *part[I, O]) entry(m int, record int32) *int32 {
	return &p.entries[int(record)*len(p.tables)+m]
}

// tidy ends the records of which no machine has a state.
func (p *part[I, O]) tidy() {
	for _, r := range p.left {
		if p.keys[r] == "" || p.used(r) {
			continue
		}
		p.index.remove(p.hashes[r], r)
		p.keys[r] = ""
		p.free = append(p.free, r)
	}
	p.left = p.left[:0]
}

func (p *part[I, O]) used(record int32) bool {
	for m := range p.tables {
		if *p.entry(m, record) != none {
			return true
		}
	}
	return false
}

// insert gives the record, which has none, a state of machine m.
func (p *part[I, O]) insert(m int, record int32, last instant, state State[I, O]) int32 {
	i := p.tables[m].insert(record, last, state)
	*p.entry(m, record) = i
	return i
}

// remove ends entry i of machine m.
func (p *part[I, O]) remove(m int, i int32) {
	record := p.tables[m].entries[i].record
	*p.entry(m, record) = none
	p.left = append(p.left, record)
	p.tables[m].remove(i)
}

// A table holds the states of one machine in one partition, linked from
// the least to the most recently seen. All share one TTL and one Quiet, so that is also
// the order in which they rest and expire.
type table[I, O any] struct {
	machine *Machine[I, O]
	entries []entry[I, O]
	quiet   time.Duration
	calm    int64 // whole seconds that are within quiet
	max     int
	count   int // of states
	evicted int64
	oldest  int32 // none: the end of a list
	newest  int32
	awake   int32 // the oldest that was not asked for its last word
	free    int32 // unused entries, linked by next
}

// An entry is one state, and when its key was last seen: an instant, whose parts leave no
// gap here.
type entry[I, O any] struct {
	state      State[I, O]
	sec        int64
	nsec       int32
	record     int32
	prev, next int32
}

func (e *entry[I, O]) last() instant { return instant{e.sec, e.nsec} }

// none ends a list of entries.
const none = int32(-1)

func newTable[I, O any](m *Machine[I, O]) table[I, O] {
	keys := m.MaxKeys
	if keys == 0 {
		keys = DefaultMaxKeys
	}
	quiet := m.TTL
	if m.Quiet > 0 {
		quiet = min(m.Quiet, m.TTL)
	}
	return table[I, O]{
		machine: m,
		max:     max(keys/partitions, 1),
		quiet:   quiet,
		calm:    int64(quiet / time.Second),
		oldest:  none,
		newest:  none,
		awake:   none,
		free:    none,
	}
}

// all yields the entries from the least to the most recently seen. The one yielded may be
// removed.
func (t *table[I, O]) all() iter.Seq2[int32, *entry[I, O]] {
	return func(yield func(int32, *entry[I, O]) bool) {
		for i := t.oldest; i != none; {
			next := t.entries[i].next
			if !yield(i, &t.entries[i]) {
				return
			}
			i = next
		}
	}
}

// over returns the last moment at which an item still meets the state of entry i.
func (t *table[I, O]) over(i int32) instant {
	return t.entries[i].last().add(t.machine.TTL)
}

// rests returns the last moment at which an item still comes before the last word of
// entry i.
func (t *table[I, O]) rests(i int32) instant {
	return t.entries[i].last().add(t.quiet)
}

// rouses tells whether an item at the given time may come after entry i rests: if not, it
// certainly does not.
func (t *table[I, O]) rouses(i int32, now instant) bool {
	return now.sec-t.entries[i].sec >= t.calm
}

// insert adds a state as the newest.
func (t *table[I, O]) insert(record int32, last instant, state State[I, O]) int32 {
	i := t.free
	if i == none {
		i = int32(len(t.entries))
		t.entries = append(t.entries, entry[I, O]{})
	} else {
		t.free = t.entries[i].next
	}
	t.entries[i] = entry[I, O]{state: state, sec: last.sec, nsec: last.nsec, record: record}
	t.count++
	t.link(i)
	return i
}

func (t *table[I, O]) remove(i int32) {
	t.unlink(i)
	t.entries[i] = entry[I, O]{next: t.free}
	t.free = i
	t.count--
}

// see makes entry i the newest, last seen at the given time.
func (t *table[I, O]) see(i int32, now instant) {
	if i != t.newest {
		t.unlink(i)
		t.link(i)
	} else if t.awake == none {
		t.awake = i
	}
	e := &t.entries[i]
	e.sec, e.nsec = now.sec, now.nsec
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
