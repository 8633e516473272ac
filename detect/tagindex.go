package detect

import (
	"hash/maphash"
	"math/bits"
)

// A tagIndex tells where in a list that which bears a tag stands: a hash table that reads
// one line of memory where a map of pointers reads four. Who owns the list adds what it
// appends to it, and clears the index and adds all again when it removes from it.
type tagIndex struct {
	slots []tagSlot // a power of two, a quarter of them empty at least; none at first
	count int
}

// A tagSlot is a tag and its place in the list, or empty.
type tagSlot struct {
	tag   uint64
	place int // counted from 1; 0: empty
}

// tagSpread is another one in every run: whoever chooses what is tagged cannot make tags
// meet in one slot. Nothing depends on it but where in its index a tag lies.
var tagSpread = maphash.Bytes(maphash.MakeSeed(), nil) | 1

// find returns the place of the tag, or -1.
func (x *tagIndex) find(tag uint64) int {
	if len(x.slots) == 0 {
		return -1
	}
	return x.slot(tag).place - 1
}

// slot returns the slot of the tag, or the empty one that it would get.
func (x *tagIndex) slot(tag uint64) *tagSlot {
	last := len(x.slots) - 1
	i := int(tag * tagSpread >> bits.LeadingZeros64(uint64(last)))
	for x.slots[i].place != 0 && x.slots[i].tag != tag {
		i = (i + 1) & last
	}
	return &x.slots[i]
}

// add adds a tag that is not there.
func (x *tagIndex) add(tag uint64, place int) {
	if x.count >= len(x.slots)*3/4 {
		old := x.slots
		x.slots = make([]tagSlot, max(8, 2*len(old)))
		for _, s := range old {
			if s.place != 0 {
				*x.slot(s.tag) = s
			}
		}
	}
	*x.slot(tag) = tagSlot{tag, place + 1}
	x.count++
}

// clear removes all tags.
func (x *tagIndex) clear() {
	clear(x.slots)
	x.count = 0
}
