package keyed

import "hash/maphash"

// An index finds records by their keys: a hash table of 8 bytes a slot, where a map would
// hold each key a second time and be read through by the garbage collector.
type index struct {
	slots []slot // a power of two, one of them empty at least; none at first
	count int
}

// A slot is a record under the hash of its key, or empty.
type slot struct {
	hash   uint32
	record int32 // counted from 1; 0: empty
}

// seed is a new one in every run: whoever chooses keys cannot make them meet in one slot.
// Nothing depends on it but where in its index a record lies.
var seed = maphash.MakeSeed()

func hashOf(key []byte) uint32 { return uint32(maphash.Bytes(seed, key)) }

// first returns the slot in which the record of a key with the hash is, unless others took
// it before.
func (x *index) first(hash uint32) slot {
	if len(x.slots) == 0 {
		return slot{}
	}
	return x.slots[hash&uint32(len(x.slots)-1)]
}

// find returns the record of the key with the hash, or none. keys are those of the records.
func (x *index) find(hash uint32, key []byte, keys []string) int32 {
	if len(x.slots) == 0 {
		return none
	}
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		if s.record == 0 {
			return none
		}
		if s.hash == hash && keys[s.record-1] == string(key) {
			return s.record - 1
		}
	}
}

// add adds a record whose key has none.
func (x *index) add(hash uint32, record int32) {
	if x.count >= len(x.slots)*3/4 {
		old := x.slots
		x.slots = make([]slot, max(8, 2*len(old)))
		for _, s := range old {
			if s.record != 0 {
				x.put(s)
			}
		}
	}
	x.put(slot{hash, record + 1})
	x.count++
}

// put puts s into the first empty slot from its own on.
func (x *index) put(s slot) {
	mask := uint32(len(x.slots) - 1)
	i := s.hash & mask
	for x.slots[i].record != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// remove removes a record that is there. Those behind it that are not in their own slots
// move up, so that none is behind an empty one.
func (x *index) remove(hash uint32, record int32) {
	mask := uint32(len(x.slots) - 1)
	gap := hash & mask
	for x.slots[gap].record != record+1 {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; x.slots[i].record != 0; i = (i + 1) & mask {
		if own := x.slots[i].hash & mask; (i-own)&mask >= (i-gap)&mask {
			x.slots[gap] = x.slots[i]
			gap = i
		}
	}
	x.slots[gap] = slot{}
	x.count--
}
