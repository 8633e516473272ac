package detect

import (
	"encoding/json"
	"hash/maphash"
	"math/bits"
)

// A byTag is what is known of each of many that are told apart by a tag: one is looked up
// for every request. It is saved as a map by tag.
type byTag[T any] struct {
	all   []T
	tags  []uint64 // of all
	index tagIndex
	ages  []seen // room for those of all
}

// of returns what is known by the tag until others are added or removed; nil if nothing is.
func (l *byTag[T]) of(tag uint64) *T {
	if i := l.index.find(tag); i >= 0 {
		return &l.all[i]
	}
	return nil
}

// add adds what is known by a tag of which nothing is.
func (l *byTag[T]) add(tag uint64, known T) *T {
	l.index.add(tag, len(l.all))
	l.all, l.tags = append(l.all, known), append(l.tags, tag)
	return &l.all[len(l.all)-1]
}

// eighth returns which was seen last of the eighth that was seen longest ago: what is to be
// forgotten where there are too many. last tells when something was last seen, in microseconds
// since 1970.
func (l *byTag[T]) eighth(last func(*T) int64) seen {
	l.ages = l.ages[:0]
	for i, tag := range l.tags {
		l.ages = append(l.ages, seen{last(&l.all[i]), tag})
	}
	return newest(oldest(l.ages, len(l.ages)/8))
}

func (l *byTag[T]) remove(which func(tag uint64, known *T) bool) {
	var none T
	for i := len(l.all) - 1; i >= 0; i-- {
		if which(l.tags[i], &l.all[i]) {
			last := len(l.all) - 1
			l.all[i], l.all[last] = l.all[last], none
			l.tags[i] = l.tags[last]
			l.all, l.tags = l.all[:last], l.tags[:last]
		}
	}
	l.index.clear()
	for i, tag := range l.tags {
		l.index.add(tag, i)
	}
}

func (l byTag[T]) IsZero() bool { return len(l.all) == 0 }

func (l byTag[T]) MarshalJSON() ([]byte, error) {
	known := make(map[uint64]*T, len(l.all))
	for i, tag := range l.tags {
		known[tag] = &l.all[i]
	}
	return json.Marshal(known)
}

func (l *byTag[T]) UnmarshalJSON(text []byte) error {
	var known map[uint64]T
	if err := json.Unmarshal(text, &known); err != nil {
		return err
	}
	*l = byTag[T]{}
	for tag, k := range known {
		l.add(tag, k)
	}
	return nil
}

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
