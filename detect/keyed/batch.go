package keyed

import (
	"math/bits"
	"sync/atomic"

	"github.com/zeebo/xxh3"
)

// batchSize is how many items the shards are shown at a time: so many that a machine's code
// and tables stay at hand while it goes through them, so few that their keys do, too.
const batchSize = 1024

// word is how many items the bits of one word stand for.
const word = 64

// A batch is what the shards are shown at a time, and what is found out of it before any
// state sees it. That needs no state, so each item is looked at by one shard alone, whatever
// shards its keys belong to: by whichever has nothing else to do.
type batch[I any] struct {
	machines int // of the engine
	items    []I
	times    []instant
	words    []found      // by word
	places   [][]place    // by group, then by item
	texts    [][]byte     // by shard: the keys that it made
	looked   atomic.Int32 // words that a shard has looked at, or is looking at
}

// Found is what was found out of the items of one word: a bit for each item.
type found struct {
	matched []uint64 // by machine, that looks at it
	has     []uint64 // by group, of which it has a key that any machine looks at
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

func newBatch[I any](machines, groups, shards int) *batch[I] {
	return &batch[I]{machines: machines, places: make([][]place, groups), texts: make([][]byte, shards)}
}

// take makes the first of the items those of the batch, as many as it has room for, and
// returns the others.
func (b *batch[I]) take(items []I) (rest []I) {
	n := min(len(items), batchSize)
	b.items, rest = items[:n:n], items[n:]
	b.looked.Store(0)
	for s := range b.texts {
		b.texts[s] = b.texts[s][:0]
	}
	if n <= len(b.times) {
		return rest
	}
	// Many engines are shown few at a time: memory is for as many as there have been.
	room := min(2*n, batchSize)
	b.times = make([]instant, room)
	for g := range b.places {
		b.places[g] = make([]place, room)
	}
	for len(b.words) < (room+word-1)/word {
		b.words = append(b.words, found{make([]uint64, b.machines), make([]uint64, len(b.places))})
	}
	return rest
}

// found returns what was found out of the items, by word.
func (b *batch[I]) found() []found { return b.words[:(len(b.items)+word-1)/word] }

// look finds out of items that no other shard has looked at which machines look at them, and
// by what keys, until there are none left.
func (s *shard[I, O]) look(b *batch[I]) {
	all := b.found()
	for {
		w := int(b.looked.Add(1)) - 1
		if w >= len(all) {
			return
		}
		s.lookAt(b, w*word, all[w])
	}
}

func (s *shard[I, O]) lookAt(b *batch[I], first int, found found) {
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
			found.matched[m] = set
			any |= set
		}
		found.has[g] = s.keys(b, g, items, b.places[g][first:], any)
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
func (s *shard[I, O]) keys(b *batch[I], g int, items []I, places []place, set uint64) uint64 {
	has := set
	text := b.texts[s.number]
	var last place
	for ; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		start := len(text)
		text = s.groups[g].Key(items[i], text)
		key := text[start:len(text):len(text)]
		switch {
		case len(key) == 0:
			has &^= 1 << i
			continue
		case string(key) == string(last.key):
			text = text[:start]
		default:
			last = placeOf(key)
		}
		places[i] = last
	}
	b.texts[s.number] = text
	return has
}
