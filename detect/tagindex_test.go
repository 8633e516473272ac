package detect

import (
	"math/rand/v2"
	"testing"
)

// An index finds what a map finds.
func TestTagIndex(t *testing.T) {
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	var x tagIndex
	want := map[uint64]int{}
	for n := range 20_000 {
		tag := chance.Uint64N(4000) << (20 * chance.IntN(3))
		place, known := want[tag]
		if !known {
			place = -1
		}
		if got := x.find(tag); got != place {
			t.Fatalf("seed %d: %d is at %d after %d, want %d", seed, tag, got, n, place)
		}
		if !known {
			x.add(tag, len(want))
			want[tag] = len(want)
		}
		if n%7000 == 6999 {
			x.clear()
			clear(want)
		}
	}
}
