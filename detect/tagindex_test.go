package detect

import (
	"bytes"
	"encoding/json"
	"maps"
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

// What is known by tag is found again after others were removed, and after it was saved as a
// map.
func TestByTag(t *testing.T) {
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	var l byTag[address]
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
		if len(l.all) != len(want) || *l.of(tag) != want[tag] {
			t.Fatalf("seed %d: after %d, %d of %d, %d is %v, want %v", seed, n, len(l.all), len(want), tag, *l.of(tag), want[tag])
		}
		switch n % 6000 {
		case 2999:
			l.remove(func(_ uint64, a *address) bool { return a.Last%8 == 0 })
			maps.DeleteFunc(want, func(_ uint64, a address) bool { return a.Last%8 == 0 })
		case 5999:
			saved, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := json.Marshal(want); !bytes.Equal(saved, text) {
				t.Fatalf("seed %d: saved after %d as\n%s\nwant\n%s", seed, n, saved, text)
			}
			if err := json.Unmarshal(saved, &l); err != nil {
				t.Fatal(err)
			}
		}
	}
}
