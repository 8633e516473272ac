package detect

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"testing"
)

// What is known by tag is found again after others were removed, and after it was saved.
func TestByTag(t *testing.T) {
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	var l byTag[address, *address]
	want := map[uint64]address{}
	for n := range 20_000 {
		tag := chance.Uint64N(3000) << (20 * chance.IntN(3))
		if a := l.of(tag); a != nil {
			a.Served++
		} else {
			l.add(tag, address{Last: int64(n)})
		}
		a, known := want[tag]
		if known {
			a.Served++
		} else {
			a.Last = int64(n)
		}
		want[tag] = a
		if l.count != len(want) || *l.of(tag) != want[tag] {
			t.Fatalf("seed %d: after %d, %d of %d, %d is %v, want %v", seed, n, l.count, len(want), tag, *l.of(tag), want[tag])
		}
		switch n % 6000 {
		case 2999:
			for _, a := range l.seen(lastSeen) {
				if a.at%8 == 0 {
					l.remove(a.tag)
				}
			}
			maps.DeleteFunc(want, func(_ uint64, a address) bool { return a.Last%8 == 0 })
		case 5999:
			saved, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(saved, &l); err != nil {
				t.Fatal(err)
			}
		}
	}
}
