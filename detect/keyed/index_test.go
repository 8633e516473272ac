package keyed

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// An index is a map, whatever slots the hashes of its keys share.
func TestIndexIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x index
		var keys []string // by record
		hashes := map[string]uint32{}
		records := map[string]int32{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "key"))
			if _, known := hashes[key]; !known { // few hashes, near each other and at both ends
				hashes[key] = uint32(rapid.IntRange(-4, 4).Draw(t, "hash"))
			}
			record, has := records[key]
			if has {
				x.remove(hashes[key], record)
				delete(records, key)
			} else {
				records[key] = int32(len(keys))
				keys = append(keys, key)
				x.add(hashes[key], records[key])
			}
			for key, hash := range hashes {
				want, has := records[key]
				if !has {
					want = none
				}
				if got := x.find(hash, []byte(key), keys); got != want {
					t.Fatalf("record %d of key %s, want %d, among %v of hashes %v", got, key, want, records, hashes)
				}
			}
		}
	})
}
