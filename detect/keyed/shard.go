package keyed

import (
	"iter"
	"math/bits"
)

// partitions is the number of parts a group's keys are divided into by hash. It
// is fixed, so that what a bound on keys forgets does not depend on how many
// shards are at work.
const partitions = 16

// A shard is a part of the keys of one group: the partitions p with p % of == number. One
// worker at a time works on it.
type shard[I, O any] struct {
	order      Order[I, O]
	group      int                     // its number
	machines   []int                   // of the group, by their numbers in the engine
	number, of int                     // of
	parts      [partitions]*part[I, O] // by partition; nil where another's

	emit    func(O) // add, made once
	emitted []output[O]
	table   *table[I, O] // for whose machine add is called,
	part    *part[I, O]  // for the key of which record there: most say nothing and need no key
	record  int32
	at      instant // and when

	watch func(Glance[I, O]) // nil: nobody looks
}

func newShard[I, O any](order Order[I, O], machines []*Machine[I, O], groups []group[I], g, number, of int) *shard[I, O] {
	s := &shard[I, O]{
		order: order, group: g, machines: groups[g].machines, number: number, of: of,
	}
	s.emit = s.add
	var whose []*Machine[I, O]
	for _, m := range s.machines {
		whose = append(whose, machines[m])
	}
	for p := number; p < partitions; p += of {
		s.parts[p] = newPart(whose)
	}
	return s
}

// all yields the shard's parts.
func (s *shard[I, O]) all() iter.Seq[*part[I, O]] {
	return func(yield func(*part[I, O]) bool) {
		for p := s.number; p < partitions; p += s.of {
			if !yield(s.parts[p]) {
				return
			}
		}
	}
}

func (s *shard[I, O]) add(out O) {
	if seal := s.table.machine.Seal; seal != nil {
		seal(s.part.keys[s.record], &out)
	}
	s.emitted = append(s.emitted, output[O]{s.at.time(), s.order.ID(out), out})
}

// observe shows each item of the batch to the state of its key in every machine, as far as
// the key is the shard's. One machine after another goes through all of them: its code and
// its tables stay at hand, and what is emitted is ordered afterwards.
func (s *shard[I, O]) observe(b *batch[I], r *room) {
	all := b.found()
	s.find(b, r)
	for k, m := range s.machines {
		for w := range all {
			set := r.mine[w] & all[w].matched[m]
			if set == 0 {
				continue
			}
			items, times := b.items[w*word:], b.times[w*word:]
			places, records := wordOf(b.places[s.group], w), wordOf(r.records, w)
			for ; set != 0; set &= set - 1 {
				i := bits.TrailingZeros64(set) % word
				s.step(places[i].partition, k, records[i], items[i], times[i])
			}
		}
	}
	for p := range s.all() {
		p.tidy()
	}
}

// A room is where a worker notes what a shard has found of a batch: which items are the
// shard's, by word, and the records of their keys, by item.
type room struct {
	mine    []uint64
	records []int32
}

func newRoom() *room { return &room{make([]uint64, batchSize/word), make([]int32, batchSize)} }

// find looks up the records of those keys that are the shard's. It takes each step for all
// items of a word before the next, so that they wait for memory together.
func (s *shard[I, O]) find(b *batch[I], r *room) {
	var slots [word]slot
	var keys [word]string // of the records that they most probably are
	var last *byte        // of the key before, which has
	var record int32
	for w, found := range b.found() {
		places, records, mine := wordOf(b.places[s.group], w), wordOf(r.records, w), found.has[s.group]
		for set := mine; set != 0; set &= set - 1 {
			i := bits.TrailingZeros64(set) % word
			place := &places[i]
			if p := s.parts[place.partition%partitions]; p != nil {
				slots[i] = p.index.first(place.hash)
			} else {
				mine &^= set & -set
			}
		}
		r.mine[w] = mine
		for set := mine; set != 0; set &= set - 1 {
			i := bits.TrailingZeros64(set) % word
			keys[i] = ""
			if slot, place := &slots[i], &places[i]; slot.record != 0 && slot.hash == place.hash {
				keys[i] = s.parts[place.partition%partitions].keys[slot.record-1]
			}
		}
		for set := mine; set != 0; set &= set - 1 {
			i := bits.TrailingZeros64(set) % word
			place := &places[i]
			if &place.key[0] != last {
				last = &place.key[0]
				if keys[i] == string(place.key) {
					record = slots[i].record - 1
				} else {
					record = s.parts[place.partition%partitions].record(place)
				}
			}
			records[i] = record
		}
	}
}

// wordOf returns those of the elements that stand for the items of word w. There are as many
// as whole words have.
func wordOf[T any](of []T, w int) *[word]T { return (*[word]T)(of[w*word:]) }

// step shows the item to the state that the record has, or is given, in machine m of the
// partition.
func (s *shard[I, O]) step(partition uint32, m int, record int32, item I, now instant) {
	p := s.parts[partition%partitions]
	t, i := &p.tables[m], *p.entry(m, record)
	if i != none && t.rouses(i, now) {
		switch over := t.over(i); {
		case over.before(now):
			s.end(p, m, i, over)
			i = none
		case t.rests(i).before(now):
			s.lastWord(p, t, i, t.rests(i))
		}
	}
	if i != none {
		t.see(i, now)
	} else {
		s.makeRoom(p, m, now)
		i = p.insert(m, record, now, t.machine.New())
	}
	s.table, s.part, s.record, s.at = t, p, record, now
	state := t.entries[i].state
	before := len(s.emitted)
	state.Observe(item, s.emit)
	if s.watch != nil {
		s.glance(Glance[I, O]{Item: item, State: state}, before)
	}
}

// glance tells who watches what was done in the name of the machine and key, of which so
// many outputs are older.
func (s *shard[I, O]) glance(g Glance[I, O], before int) {
	g.Machine, g.Key, g.At = s.table.machine.Name, s.part.keys[s.record], s.at.time()
	for _, o := range s.emitted[before:] {
		g.Emitted = append(g.Emitted, o.out)
	}
	s.watch(g)
}

// makeRoom ends states of machine m, the least recently seen first, until there is room for
// one more. Those whose time is over would have ended without it: a sweep may not have come
// by.
func (s *shard[I, O]) makeRoom(p *part[I, O], m int, now instant) {
	for t := &p.tables[m]; t.count >= t.max; {
		at := t.over(t.oldest)
		if !at.before(now) {
			at = now
			t.evicted++
		}
		s.end(p, m, t.oldest, at)
	}
}

// end lets the state of entry i have its last word, said at the given time if not
// before, and forgets it.
func (s *shard[I, O]) end(p *part[I, O], m int, i int32, at instant) {
	t := &p.tables[m]
	if rests := t.rests(i); rests.before(at) {
		at = rests
	}
	s.lastWord(p, t, i, at)
	p.remove(m, i)
}

func (s *shard[I, O]) lastWord(p *part[I, O], t *table[I, O], i int32, at instant) {
	state := t.entries[i].state
	if x, ok := state.(Expirer[O]); ok {
		s.table, s.part, s.record, s.at = t, p, t.entries[i].record, at
		before := len(s.emitted)
		x.Expire(s.emit)
		if s.watch != nil {
			s.glance(Glance[I, O]{Last: true, State: state}, before)
		}
	}
}

// expire ends every state that no item at or after the watermark can reach, and asks
// those for their last word that none can reach before they rest.
func (s *shard[I, O]) expire(watermark instant) {
	for p := range s.all() {
		for m := range p.tables {
			t := &p.tables[m]
			for t.quiet < t.machine.TTL && t.awake != none {
				i, rests := t.awake, t.rests(t.awake)
				if !rests.before(watermark) {
					break
				}
				s.lastWord(p, t, i, rests)
				t.awake = t.entries[i].next
			}
			for t.oldest != none {
				over := t.over(t.oldest)
				if !over.before(watermark) {
					break
				}
				s.end(p, m, t.oldest, over)
			}
		}
		p.tidy()
	}
}

// expireAll ends every state at the time its TTL would have.
func (s *shard[I, O]) expireAll() {
	for p := range s.all() {
		for m := range p.tables {
			t := &p.tables[m]
			for t.oldest != none {
				s.end(p, m, t.oldest, t.over(t.oldest))
			}
		}
		p.tidy()
	}
}
