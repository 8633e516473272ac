package keyed

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// batchSize is how many items the shards are shown at a time: so many that a machine's code
// and tables stay at hand while it goes through them, so few that their keys do, too.
const batchSize = 1024

// word is how many items the bits of one word stand for.
const word = 64

// A batch is what the shards are shown at a time, and what is found out of it before any
// state sees it. That needs no state, so each item is looked at by one shard alone, whatever
// shards its keys belong to.
type batch[I any] struct {
	items   []I
	times   []instant
	matched [][]uint64 // by machine: a bit for each item that it looks at
	groups  []keys
}

// keys are those of the items that any machine of a group looks at.
type keys struct {
	has    []uint64 // a bit for each item that has one
	places []place  // by item
}

// A place is whose state an item belongs to.
type place struct {
	key       []byte // the very same bytes for items that follow one another with one key
	partition uint32
	hash      uint32 // by which the record is found
}

func placeOf(key []byte) place {
	return place{key, uint32(xxh3.Hash(key) % partitions), hashOf(key)}
}

func newBatch[I any](machines, groups int) *batch[I] {
	return &batch[I]{matched: make([][]uint64, machines), groups: make([]keys, groups)}
}

// take makes the items those of the batch. Many engines are shown few at a time: memory is
// for as many as there have been.
func (b *batch[I]) take(items []I) {
	b.items = items
	if len(items) <= len(b.times) {
		return
	}
	n := min(2*len(items), batchSize)
	b.times = make([]instant, n)
	words := (n + word - 1) / word
	for m := range b.matched {
		b.matched[m] = make([]uint64, words)
	}
	for g := range b.groups {
		b.groups[g] = keys{make([]uint64, words), make([]place, n)}
	}
}

// words is how many words of bits the items take.
func (b *batch[I]) words() int { return (len(b.items) + word - 1) / word }

// look finds out of the shard's share of the batch which machines look at which items, and
// by what keys.
func (s *shard[I, O]) look(b *batch[I]) {
	from, to := b.words()*s.number/s.of, b.words()*(s.number+1)/s.of
	s.text = s.text[:0]
	for g := range s.last {
		s.last[g] = place{}
	}
	for w := from; w < to; w++ {
		first := w * word
		items := b.items[first:min(first+word, len(b.items))]
		for i, item := range items {
			b.times[first+i] = instantOf(s.order.Time(item))
			if s.order.Prepare != nil {
				s.order.Prepare(item)
			}
		}
		for g, group := range s.groups {
			var any uint64
			for _, m := range group.machines {
				set := matches(s.machines[m], items)
				b.matched[m][w] = set
				any |= set
			}
			b.groups[g].has[w] = s.keys(&b.groups[g], g, items, first, any)
		}
	}
}

func matches[I, O any](m *Machine[I, O], items []I) (set uint64) {
	if m.Match == nil {
		return 1<<len(items) - 1
	}
	for i, item := range items {
		if m.Match(item) {
			set |= 1 << i
		}
	}
	return set
}

// keys makes the keys of those items whose bits are set, and returns the bits of those that
// have one.
func (s *shard[I, O]) keys(k *keys, g int, items []I, first int, set uint64) uint64 {
	has := set
	for ; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		start := len(s.text)
		s.text = s.groups[g].Key(items[i], s.text)
		key := s.text[start:len(s.text):len(s.text)]
		switch {
		case len(key) == 0:
			has &^= 1 << i
			continue
		case string(key) == string(s.last[g].key):
			s.text = s.text[:start]
		default:
			s.last[g] = placeOf(key)
		}
		k.places[first+i] = s.last[g]
	}
	return has
}
