package detect

import (
	"encoding/json"
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// A byTag is what is known of each of many that are told apart by a tag: one is looked up
// for every request. It is a hash table that reads one place in memory, where a map of
// pointers reads four. It is saved as a packed list.
type byTag[T any, P packable[T]] struct {
	slots []tagged[T] // a power of two, a quarter of them empty at least; none at first
	taken []uint64    // by slot, a bit each: it is not empty
	count int
	ages  []seen // room for those of all
}

type tagged[T any] struct {
	tag   uint64
	known T
}

// of returns what is known by the tag until others are added or removed; nil if nothing is.
func (l *byTag[T, P]) of(tag uint64) *T {
	if l.count == 0 {
		return nil
	}
	if i := l.slot(tag); l.isTaken(i) {
		return &l.slots[i].known
	}
	return nil
}

// add adds what is known by a tag of which nothing is.
func (l *byTag[T, P]) add(tag uint64, known T) *T {
	if l.count >= len(l.slots)*3/4 {
		l.grow()
	}
	i := l.slot(tag)
	l.slots[i] = tagged[T]{tag, known}
	l.taken[i/64] |= 1 << (i % 64)
	l.count++
	return &l.slots[i].known
}

func (l *byTag[T, P]) grow() {
	n := max(8, 2*len(l.slots))
	larger := byTag[T, P]{slots: make([]tagged[T], n), taken: make([]uint64, (n+63)/64), ages: l.ages}
	for tag, known := range l.all() {
		larger.add(tag, *known)
	}
	*l = larger
}

// remove forgets what is known by a tag of which something is. What would no longer be found
// behind an empty slot moves there.
func (l *byTag[T, P]) remove(tag uint64) {
	last, empty := len(l.slots)-1, l.slot(tag)
	for i := (empty + 1) & last; l.isTaken(i); i = (i + 1) & last {
		if (i-l.home(l.slots[i].tag))&last >= (i-empty)&last {
			l.slots[empty] = l.slots[i]
			empty = i
		}
	}
	l.slots[empty] = tagged[T]{}
	l.taken[empty/64] &^= 1 << (empty % 64)
	l.count--
}

// tagSpread is another one in every run: whoever chooses what is tagged cannot make tags
// meet in one slot. Nothing depends on it but where a tag lies.
var tagSpread = maphash.Bytes(maphash.MakeSeed(), nil) | 1

// home returns the slot that is the first to be looked at for the tag.
func (l *byTag[T, P]) home(tag uint64) int {
	return int(tag * tagSpread >> bits.LeadingZeros64(uint64(len(l.slots)-1)))
}

// slot returns the slot of the tag, or the empty one that it would get.
func (l *byTag[T, P]) slot(tag uint64) int {
	i := l.home(tag)
	for l.isTaken(i) && l.slots[i].tag != tag {
		i = (i + 1) & (len(l.slots) - 1)
	}
	return i
}

func (l *byTag[T, P]) isTaken(slot int) bool { return l.taken[slot/64]>>(slot%64)&1 == 1 }

// all yields tags and what is known by them, in no order.
func (l *byTag[T, P]) all() iter.Seq2[uint64, *T] {
	return func(yield func(uint64, *T) bool) {
		for w, set := range l.taken {
			for ; set != 0; set &= set - 1 {
				if s := &l.slots[64*w+bits.TrailingZeros64(set)]; !yield(s.tag, &s.known) {
					return
				}
			}
		}
	}
}

// seen returns when each was last seen, which last tells, in microseconds since 1970, until
// it is called again.
func (l *byTag[T, P]) seen(last func(*T) int64) []seen {
	l.ages = l.ages[:0]
	for tag, known := range l.all() {
		l.ages = append(l.ages, seen{last(known), tag})
	}
	return l.ages
}

// eighth returns the eighth that was seen longest ago: what is to be forgotten where there are
// too many.
func (l *byTag[T, P]) eighth(last func(*T) int64) []seen {
	return oldest(l.seen(last), l.count/8)
}

func (l byTag[T, P]) IsZero() bool { return l.count == 0 }

func (l byTag[T, P]) MarshalJSON() ([]byte, error) { return l.append(nil), nil }

// append appends the map as one text, by tag.
func (l *byTag[T, P]) append(b []byte) []byte {
	tags := make([]uint64, 0, l.count)
	for tag := range l.all() {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return appendText64(b, func(p *packer) {
		for _, tag := range tags {
			p.tag(&tag)
			P(l.of(tag)).pack(p)
		}
	})
}

// UnmarshalJSON reads an object, too, which earlier versions saved.
func (l *byTag[T, P]) UnmarshalJSON(text []byte) error {
	*l = byTag[T, P]{}
	if !isPacked(text) {
		var known map[uint64]T
		err := json.Unmarshal(text, &known)
		for tag, k := range known {
			l.add(tag, k)
		}
		return err
	}
	p, err := unpack(text)
	if err != nil {
		return err
	}
	for len(p.b) > 0 {
		var tag uint64
		var known T
		p.tag(&tag)
		P(&known).pack(p)
		if l.of(tag) != nil {
			return errPacked
		}
		l.add(tag, known)
	}
	return p.err
}
