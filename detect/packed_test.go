package detect

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// What was packed is the same when it is read, and so is what earlier versions saved: lists of
// objects, and objects by tag.
func TestPacked(t *testing.T) {
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		testPacked[volumePart](t, seed, chance)
		testPacked[volumeSpan](t, seed, chance)
		testPacked[page](t, seed, chance)
		testPacked[visit](t, seed, chance)
		testPacked[Mark](t, seed, chance)
		testPacked[tally](t, seed, chance)
		testPacked[minute](t, seed, chance)
		testPacked[sighting](t, seed, chance)
		testPacked[Baseline](t, seed, chance)
		testPacked[roamer](t, seed, chance)
		testPacked[address](t, seed, chance)
	}
}

func testPacked[T any, P packable[T]](t *testing.T, seed uint64, chance *rand.Rand) {
	t.Helper()
	list := make(packed[T, P], chance.IntN(4))
	for i := range list {
		fill(chance, reflect.ValueOf(&list[i]).Elem())
	}
	objects := mustJSON([]T(list))
	var read, old packed[T, P]
	readBack(t, seed, mustJSON(list), &read)
	readBack(t, seed, objects, &old)
	for _, l := range []packed[T, P]{read, old} {
		if got := mustJSON([]T(l)); !sameLists(got, objects) {
			t.Fatalf("seed %d: %T is read back as\n%s\nwant\n%s", seed, list, got, objects)
		}
	}

	var l, readMap, oldMap byTag[T, P]
	byTags := map[uint64]T{}
	for _, v := range list {
		tag := chance.Uint64() >> chance.IntN(64)
		if l.of(tag) == nil {
			byTags[tag] = *l.add(tag, v)
		}
	}
	saved := mustJSON(l)
	readBack(t, seed, saved, &readMap)
	readBack(t, seed, mustJSON(byTags), &oldMap)
	for _, m := range []byTag[T, P]{readMap, oldMap} {
		got := map[uint64]T{}
		for tag, known := range m.all() {
			got[tag] = *known
		}
		if got, want := mustJSON(got), mustJSON(byTags); !sameLists(got, want) || string(mustJSON(m)) != string(saved) {
			t.Fatalf("seed %d: %T is read back as\n%s\nwant\n%s", seed, l, got, want)
		}
	}
}

func readBack(t *testing.T, seed uint64, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("seed %d: %T of %s: %v", seed, v, text, err)
	}
}

// sameLists compares two texts, in which an empty list may be none.
func sameLists(a, b []byte) bool {
	none := strings.NewReplacer("[]", "null", `"Seen":[],`, "", `"Seen":[]`, "")
	return none.Replace(string(a)) == none.Replace(string(b))
}

// Whatever stands in a text, it is read, and saved to what is read again, or it is an error.
func FuzzUnpack(f *testing.F) {
	for _, text := range []string{`""`, `"AA"`, `"gICAgICAgICAgICA"`, `"?"`, `[{"Peak":1}]`, `{"7":{"Peak":1}}`, `null`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var list packed[roamer, *roamer]
		if json.Unmarshal([]byte(text), &list) == nil {
			var again packed[roamer, *roamer]
			if err := json.Unmarshal(mustJSON(list), &again); err != nil || string(mustJSON(again)) != string(mustJSON(list)) {
				t.Fatalf("%v is read back as %v (%v)", list, again, err)
			}
		}
		var known byTag[roamer, *roamer]
		if json.Unmarshal([]byte(text), &known) == nil {
			var again byTag[roamer, *roamer]
			if err := json.Unmarshal(mustJSON(known), &again); err != nil || string(mustJSON(again)) != string(mustJSON(known)) {
				t.Fatalf("%v is read back as %v (%v)", known, again, err)
			}
		}
	})
}
