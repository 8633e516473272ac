package detect

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
	"github.com/rogpeppe/go-internal/txtar"
)

// What states write themselves is what encoding/json writes of them, wherever the logs of the
// golden files are cut.
func TestStatesWriteJSON(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	eachGoldenLog(t, func(t *testing.T, d *Detector, archive *txtar.Archive, name string) {
		requests := readCase(t, archive, name)
		p := NewPipeline(learner(), []*Detector{d}, nil, 1, Sink{Event: func(Event) {}})
		for cut := 1; len(requests) > 0; cut = min(2*cut, len(requests)) {
			cut = min(cut, len(requests))
			p.Advance(requests[:cut], requests[cut-1].Time)
			requests = requests[cut:]
			p.requests.Each(func(machine, key string, _ time.Time, s keyed.State[*parsers.Request, Event]) {
				got, err := keyed.AppendState(nil, s)
				if err != nil {
					t.Fatal(err)
				}
				if want, err := json.Marshal(s); err != nil || string(got) != string(want) {
					t.Fatalf("%s of %q writes\n%s\nwant\n%s (%v)", machine, key, got, want, err)
				}
			})
		}
	})
}

// The same, whatever is in their members.
func TestMembersAreJSON(t *testing.T) {
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		for _, v := range []interface{ members([]byte) []byte }{
			&Evidence{}, &endpoint{}, &Baseline{}, &newRoute{}, &place{},
		} {
			fill(chance, reflect.ValueOf(v).Elem())
			got := string(v.members([]byte{'{'})) + "}"
			if want, err := json.Marshal(v); err != nil || got != string(want) {
				t.Fatalf("seed %d: %T writes\n%s\nwant\n%s (%v)", seed, v, got, want, err)
			}
		}
	}
}

// fill puts any values, or none, into the exported fields of v.
func fill(chance *rand.Rand, v reflect.Value) {
	if chance.IntN(4) == 0 && v.CanSet() {
		v.SetZero()
		return
	}
	at := time.Unix(chance.Int64N(1<<37), 1000*chance.Int64N(1e6)*chance.Int64N(2)).UTC()
	switch v.Type() {
	case reflect.TypeFor[moment]():
		v.Set(reflect.ValueOf(momentOf(at)))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(at))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(chance, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(chance, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), chance.IntN(3), 3))
		for i := range v.Len() {
			fill(chance, v.Index(i))
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprintf("%c<%c", rune(chance.IntN(0x100)), rune(chance.IntN(0x10000))))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(chance.Int64() >> chance.IntN(64) * (2*chance.Int64N(2) - 1))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(chance.Uint64() >> chance.IntN(64))
	default:
		panic(v.Type())
	}
}
