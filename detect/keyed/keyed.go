// Package keyed runs keyed state machines over ordered items.
//
// An Engine is given items in one total order, in batches, each with a watermark:
// no item before it will follow. Items of one time may lie in two batches. For every
// machine and every key the items name, it keeps a State, shows it the items of its key
// one after another, and releases what the states emit in one order: by time, then by
// id. What is emitted depends on the items alone, never on how they were cut into
// batches, how many workers shared them, or whether the engine was saved and restored
// in between.
//
// It goes through a batch twice. First it finds out which machines look at which items,
// and makes one key an item for all machines of a Group. Then the states see them, machine
// by machine. Of the first the work is divided by items, of the second by groups and keys,
// into more pieces than there are workers: whichever is free takes the next, of this batch
// or of the one after it.
//
// The package knows nothing of requests, events, files or clocks.
package keyed

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A State is what a machine remembers of one key. Its memory is its exported
// fields: they must survive JSON, twice to the same bytes. It is a pointer, and bounded.
type State[I, O any] interface {
	// Observe is given the key's items in order. It may keep values of the item,
	// never the item itself. What it emits shares no memory with the state.
	Observe(item I, emit func(O))
}

// An Expirer is a State that has something to say when its key has been quiet for
// the machine's Quiet. What it emits bears the time of its last item plus Quiet, or of
// the item that took its place where MaxKeys ended it before. Where Quiet is shorter
// than TTL, the state lives on and may be asked again before its next item: it has
// nothing more to say then.
type Expirer[O any] interface {
	Expire(emit func(O))
}

// A Group divides items by a key. Machines that divide them alike point to one Group: the
// key of an item is then made and looked up once for all of them. Otherwise they have
// nothing to do with each other.
type Group[I any] struct {
	// Key appends the key of the item to b, or nothing if it has none: no machine of the
	// group looks at it then. A key is valid UTF-8.
	Key func(item I, b []byte) []byte
}

// A Machine says which items it looks at, whose state each belongs to, and for how
// long that state lasts. Its functions are called from several goroutines at once.
type Machine[I, O any] struct {
	Name string // unique in its engine
	// Match tells whether the machine looks at the item; nil: it looks at every one.
	Match func(item I) bool
	// Kinds are those, a bit for each, of which every item is that the machine looks at: it
	// is not asked about others. 0 means that it is asked about all.
	Kinds uint64
	// Group says whose state an item belongs to.
	Group *Group[I]
	// TTL is part of the machine's meaning: an item later than the last one of its
	// key by more than TTL meets a fresh state.
	TTL time.Duration
	// Quiet is after how long without an item an Expirer is asked for its last word. 0
	// means TTL, and so does what is longer.
	Quiet time.Duration
	// New makes the state of a key that has none.
	New func() State[I, O]
	// Seal completes an output with its key before it is released; may be nil.
	Seal func(key string, out *O)
	// MaxKeys bounds the keys remembered; the least recently seen is forgotten
	// first. Keys are divided by hash among 16 equal parts of the bound, each of at
	// least one key. 0 means DefaultMaxKeys.
	MaxKeys int
}

// DefaultMaxKeys bounds the keys of a machine that sets no bound of its own.
const DefaultMaxKeys = 1 << 20

// An Order tells an engine what it must know of its items and outputs.
type Order[I, O any] struct {
	Time func(I) time.Time // time of an item
	ID   func(O) string    // identity of an output; breaks ties of time; no two keys share one
	// Prepare is called with each item, once, before any machine sees it; may be nil. It is
	// called with some at a time, from several goroutines at once.
	Prepare func([]I)
	// Kinds tells of which kinds a prepared item is, a bit for each; nil: of all.
	Kinds func(I) uint64
}

// An Engine runs machines. It is used by one goroutine; Advance may use more.
type Engine[I, O any] struct {
	order     Order[I, O]
	machines  []*Machine[I, O]
	seats     []seat // of the machines
	groups    []group[I]
	shards    []*shard[I, O] // by group, then by number
	rooms     []*room        // by worker
	now, next *batch[I]      // whose items the states are shown, and that are looked at
	turn      turn
	do        func(worker, piece int) // piece, made once
	held      []output[O]             // emitted, not yet released
}

// A turn is what the workers divide at a time: the shards, which are shown one batch, then
// the words of the next.
type turn struct {
	shards    int  // 0: there is nothing to show yet
	last      bool // the shards end what is over before the watermark
	watermark instant
}

// A group is a Group and its machines, by number.
type group[I any] struct {
	*Group[I]
	machines []int
}

// A seat is where a machine is found: the number of its group, and its own in there.
type seat struct{ group, machine int }

// A Glance is what an engine has just done with the state of one key: shown it an item,
// or let it have its last word.
type Glance[I, O any] struct {
	Machine, Key string
	At           time.Time
	Item         I    // the zero value with a last word
	Last         bool // it was a last word
	State        State[I, O]
	Emitted      []O // sealed; to be read at once
}

// Watch makes the engine tell f of everything it does. It is for an engine of one worker
// that is to be understood; others pay nothing for it.
func (e *Engine[I, O]) Watch(f func(Glance[I, O])) {
	if len(e.rooms) != 1 {
		panic("keyed: several workers cannot be watched")
	}
	for _, s := range e.shards {
		s.watch = f
	}
}

// Stats counts what an engine holds and what its bounds have cost.
type Stats struct {
	Keys    int   // states now held
	Evicted int64 // states forgotten before their time, by MaxKeys, since New
}

// output is one emission and when it was made.
type output[O any] struct {
	at  time.Time
	id  string
	out O
}

// New returns an engine of the machines that works with the given number of
// goroutines side by side, at least one and at most 16. A machine without a name, or two
// of one name, are a mistake of the program: New panics.
func New[I, O any](order Order[I, O], workers int, machines ...*Machine[I, O]) *Engine[I, O] {
	workers = min(max(workers, 1), partitions)
	e := &Engine[I, O]{order: order, machines: machines}
	e.do = e.piece
	names := map[string]bool{}
	for n, m := range machines {
		if m.Name == "" {
			panic("keyed: a machine without a name")
		}
		if names[m.Name] {
			panic("keyed: two machines named " + m.Name)
		}
		names[m.Name] = true
		g := slices.IndexFunc(e.groups, func(g group[I]) bool { return g.Group == m.Group })
		if g < 0 {
			g = len(e.groups)
			e.groups = append(e.groups, group[I]{Group: m.Group})
		}
		e.seats = append(e.seats, seat{g, len(e.groups[g].machines)})
		e.groups[g].machines = append(e.groups[g].machines, n)
	}
	for g := range e.groups {
		for n := range workers {
			e.shards = append(e.shards, newShard(order, machines, e.groups, g, n, workers))
		}
	}
	for range workers {
		e.rooms = append(e.rooms, newRoom())
	}
	e.now, e.next = newBatch[I](len(machines), len(e.groups), workers), newBatch[I](len(machines), len(e.groups), workers)
	return e
}

// Advance shows the items to the machines and passes on, in order of time and id,
// everything emitted before the watermark; the rest is held. The items go on in their
// total order from where the call before ended. No item before the watermark follows.
func (e *Engine[I, O]) Advance(items []I, watermark time.Time, release func(at time.Time, out O)) {
	for e.turn = (turn{watermark: instantOf(watermark)}); !e.turn.last; {
		e.now, e.next = e.next, e.now
		items = e.next.take(items)
		e.turn.last = len(e.next.items) == 0
		e.turn.shards = 0
		if e.turn.last || len(e.now.items) > 0 {
			e.turn.shards = len(e.shards)
		}
		e.divide(e.turn.shards+len(e.next.found()), e.do)
	}
	e.now.items = nil
	e.release(func(at time.Time) bool { return at.Before(watermark) }, release)
}

// piece does one piece of the turn.
func (e *Engine[I, O]) piece(worker, n int) {
	if n >= e.turn.shards {
		e.look(e.next, n-e.turn.shards, worker)
		return
	}
	e.shards[n].observe(e.now, e.rooms[worker])
	if e.turn.last {
		e.shards[n].expire(e.turn.watermark)
	}
}

// Flush ends all states as if nothing came any more and releases all that is held.
// The engine is empty afterwards: save it first if the items may go on.
func (e *Engine[I, O]) Flush(release func(at time.Time, out O)) {
	e.divide(len(e.shards), func(_, n int) { e.shards[n].expireAll() })
	e.release(func(time.Time) bool { return true }, release)
}

// Stats returns the counts as of the last Advance.
func (e *Engine[I, O]) Stats() Stats {
	var st Stats
	for _, s := range e.shards {
		for p := range s.all() {
			for m := range p.tables {
				st.Keys += p.tables[m].count
				st.Evicted += p.tables[m].evicted
			}
		}
	}
	return st
}

// table returns the table of machine m in a partition, with the part and the shard that it
// belongs to.
func (e *Engine[I, O]) table(m, partition int) (*shard[I, O], *part[I, O], *table[I, O]) {
	seat, each := e.seats[m], len(e.rooms)
	s := e.shards[seat.group*each+partition%each]
	p := s.parts[partition]
	return s, p, &p.tables[seat.machine]
}

// divide does n pieces of work. The caller's goroutine begins; as many others as there are
// workers help where they find something left to do, and are not waited for otherwise: the
// cores may have other work.
func (e *Engine[I, O]) divide(n int, do func(worker, piece int)) {
	if len(e.rooms) == 1 {
		for piece := range n {
			do(0, piece)
		}
		return
	}
	var taken atomic.Int32
	var left sync.WaitGroup
	left.Add(n)
	work := func(worker int) {
		for piece := int(taken.Add(1)) - 1; piece < n; piece = int(taken.Add(1)) - 1 {
			do(worker, piece)
			left.Done()
		}
	}
	for w := 1; w < min(len(e.rooms), n); w++ {
		go work(w)
	}
	work(0)
	left.Wait()
}

// release passes on, sorted, what the shards emitted and is due. The rest is held.
func (e *Engine[I, O]) release(due func(at time.Time) bool, to func(time.Time, O)) {
	emitted := 0
	for _, s := range e.shards {
		emitted += len(s.emitted)
		e.held = append(e.held, s.emitted...)
		clear(s.emitted)
		s.emitted = s.emitted[:0]
	}
	if emitted > 0 {
		// Stable: outputs of one id come from one key, whose shard emitted them in order.
		slices.SortStableFunc(e.held, func(a, b output[O]) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return strings.Compare(a.id, b.id)
		})
	}
	n := 0
	for n < len(e.held) && due(e.held[n].at) {
		to(e.held[n].at, e.held[n].out)
		n++
	}
	e.held = slices.Delete(e.held, 0, n)
}
