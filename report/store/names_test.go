package store

import (
	"testing"

	"pgregory.net/rapid"
)

// Names are a map, up to as many as they are made for and beyond, whose hashes lie close together.
func TestNamesAreAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := names{most: rapid.IntRange(0, 200).Draw(t, "most")}
		ids := map[sum]uint32{}
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			lo := uint64(rapid.IntRange(-3, 3).Draw(t, "end")) + uint64(rapid.IntRange(0, 60).Draw(t, "lo"))<<56
			hash := sum{lo, uint32(rapid.IntRange(1, 5).Draw(t, "hi"))}
			ids[hash] = uint32(len(ids) + 1)
			n.set(hash, ids[hash])
			for hash, want := range ids {
				if id, known := n.get(hash); !known || id != want {
					t.Fatalf("%d of %v, want %d, in %d slots", id, hash, want, len(n.slots))
				}
			}
			if id, known := n.get(sum{lo, 6}); known {
				t.Fatalf("%d of what was never named", id)
			}
			if n.count != len(ids) {
				t.Fatalf("%d are counted of %d", n.count, len(ids))
			}
		}
	})
}
