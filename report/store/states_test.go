package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/litesoc/litesoc/detect/keyed"
)

// What is saved is read back in its order, however much it is, and nothing of a run that
// was dropped.
func TestStates(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	s, err := Open(filepath.Join(t.TempDir(), "a.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	type piece struct {
		stage string
		keyed.Saved
	}
	at := time.Date(2026, 3, 1, 10, 0, 0, 1000, time.UTC)
	for round, n := range []int{0, 1, 3000} {
		var want, got []piece
		for i := range n {
			state := strings.Repeat(fmt.Sprintf(`{"At":%d}`, rnd.Uint32()), rnd.IntN(20))
			if i == 7 {
				state = strings.Repeat("x", 2*statesPerRow)
			}
			want = append(want, piece{"events", keyed.Saved{Machine: "enumeration", Key: fmt.Sprintf("ip\x00%d\xff", rnd.Uint32()),
				Last: at.Add(time.Duration(i) * time.Microsecond), State: []byte(state)}})
		}
		for _, dropped := range []bool{true, false} {
			if err := s.BeginResults(at, "settings", false); err != nil {
				t.Fatal(err)
			}
			err := s.SaveStates(func(yield func(string, keyed.Saved) error) error {
				for _, p := range want {
					state := bytes.Clone(p.State)
					p.State = state
					if err := yield(p.stage, p.Saved); err != nil {
						return err
					}
					clear(state) // it was valid until then
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if dropped {
				s.rollback()
				continue
			}
			if err := s.Finish(NewResults()); err != nil {
				t.Fatal(err)
			}
		}
		err := s.States(func(stage string, st keyed.Saved) error {
			got = append(got, piece{stage, st})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("round %d: %d pieces are read back of %d, or other ones", round, len(got), len(want))
		}
	}
}

// Whatever stands in the file, it is read or it is an error.
func FuzzUnpackState(f *testing.F) {
	st := keyed.Saved{Machine: "enumeration", Key: "ip", Last: time.Unix(1, 0), State: []byte(`{"A":1}`)}
	f.Add(packState(packState(nil, "events", st), "alerts", st))
	f.Add([]byte{1})
	f.Add(bytes.Repeat([]byte{255}, 12))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			stage, st, rest, err := unpackState(b)
			if err != nil {
				return
			}
			packed := packState(nil, stage, st)
			again, same, left, err := unpackState(packed)
			if err != nil || len(left) > 0 || again != stage || !reflect.DeepEqual(same, st) {
				t.Fatalf("%q %+v is read back as %q %+v, %v", stage, st, again, same, err)
			}
			if len(rest) >= len(b) {
				t.Fatalf("%d bytes are left of %d", len(rest), len(b))
			}
			b = rest
		}
	})
}

// A row that was made to fill the memory is an error.
func TestStatesBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	s, err := Open(Memory)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var bomb bytes.Buffer
	w, err := zstd.NewWriter(&bomb)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range mostUnpacked>>20 + 1 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.exec(`insert into checkpoint_states values (1, ?)`, bomb.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := s.States(func(string, keyed.Saved) error { return nil }); !errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		t.Errorf("error %v", err)
	}
}
