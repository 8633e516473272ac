package keyed

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// batchSize is how many items the machines are shown at a time: so many that a machine's
// code and tables stay at hand while it goes through them, so few that their keys do, too.
const batchSize = 1024

// word is how many items the bits of one word stand for.
const word = 64

// A batch is what the machines are shown at a time, and what is found out of it before any
// state sees it. That needs no state: the items are looked at a word at a time, each by any
// worker.
type batch[I any] struct {
	machines int // of the engine
	items    []I
	times    []instant
	words    []found   // by word
	places   [][]place // by group, then by item
	texts    [][]byte  // by worker: the keys that it made
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

func newBatch[I any](machines, groups, workers int) *batch[I] {
	return &batch[I]{machines: machines, places: make([][]place, groups), texts: make([][]byte, workers)}
}

// take makes the first of the items those of the batch, as many as it has room for, and
// returns the others.
func (b *batch[I]) take(items []I) (rest []I) {
	n := min(len(items), batchSize)
	b.items, rest = items[:n:n], items[n:]
	for w := range b.texts {
		b.texts[w] = b.texts[w][:0]
	}
	if n <= len(b.times) {
		return rest
	}
	// Many engines are shown few at a time: memory is for as many as there have been, in whole
	// words.
	room := (min(2*n, batchSize) + word - 1) / word * word
	b.times = make([]instant, room)
	for g := range b.places {
		b.places[g] = make([]place, room)
	}
	for len(b.words) < room/word {
		b.words = append(b.words, found{make([]uint64, b.machines), make([]uint64, len(b.places))})
	}
	return rest
}

// found returns what was found out of the items, by word.
func (b *batch[I]) found() []found { return b.words[:(len(b.items)+word-1)/word] }

// look finds out of the items of one word which machines look at them, and by what keys.
// The worker is told by its number.
func (e *Engine[I, O]) look(b *batch[I], w, worker int) {
	first, found := w*word, b.words[w]
	items := b.items[first:min(first+word, len(b.items))]
	if e.order.Prepare != nil {
		e.order.Prepare(items)
	}
	for i, item := range items {
		b.times[first+i] = instantOf(e.order.Time(item))
	}
	kinds := kindsOf(e.order.Kinds, items)
	for g, group := range e.groups {
		var any uint64
		for _, m := range group.machines {
			set := e.machines[m].matches(items, kinds.any(e.machines[m].Kinds))
			found.matched[m] = set
			any |= set
		}
		found.has[g], b.texts[worker] = group.keys(items, b.places[g][first:], any, b.texts[worker])
	}
}

// matches returns the bits of those items that the machine looks at, of those whose bits are
// set.
func (m *Machine[I, O]) matches(items []I, set uint64) (looks uint64) {
	if m.Match == nil {
		return set
	}
	for ; set != 0; set &= set - 1 {
		if i := bits.TrailingZeros64(set); m.Match(items[i]) {
			looks |= 1 << i
		}
	}
	return looks
}

// kinds tell which items of a word are of which kinds: a bit for each item.
type kinds struct {
	all uint64
	of  [64]uint64 // by kind
}

func kindsOf[I any](tell func(I) uint64, items []I) (k kinds) {
	k.all = 1<<len(items) - 1
	if tell == nil {
		for kind := range k.of {
			k.of[kind] = k.all
		}
		return k
	}
	for i, item := range items {
		for of := tell(item); of != 0; of &= of - 1 {
			k.of[bits.TrailingZeros64(of)] |= 1 << i
		}
	}
	return k
}

// any returns the bits of those items that a machine of the kinds may look at.
func (k *kinds) any(of uint64) (set uint64) {
	if of == 0 {
		return k.all
	}
	for ; of != 0; of &= of - 1 {
		set |= k.of[bits.TrailingZeros64(of)]
	}
	return set
}

// keys makes the keys of those items whose bits are set, in text, and returns the bits of
// those that have one.
func (g *group[I]) keys(items []I, places []place, set uint64, text []byte) (has uint64, made []byte) {
	has = set
	var last place
	for ; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		start := len(text)
		text = g.Key(items[i], text)
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
	return has, text
}
