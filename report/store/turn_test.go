package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report/store"
)

// A store that is closed and opened again between transactions keeps what one that stays
// open does, also if another process adds to it meanwhile.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.duckdb")
	s := open(t, path)
	src := &parsers.Source{ID: 1, Path: "a", Format: "f", Fingerprint: "fp", First: start}
	other := &parsers.Source{ID: 2, Path: "b", Format: "f", Fingerprint: "fq", First: start}
	want := someRequests(src, 300)
	var mark string
	for turn := range 3 {
		if turn > 0 {
			must(t, s.Reopen())
			now, err := s.Mark()
			must(t, err)
			if (now == mark) != (turn == 1) {
				t.Errorf("turn %d: the mark is %q, it was %q", turn, now, mark)
			}
		}
		must(t, add(s, batch(want[100*turn:100*(turn+1)], "a")))
		must(t, s.Flush())
		var err error
		mark, err = s.Mark()
		must(t, err)
		must(t, s.Close())
		if turn == 1 {
			between := open(t, path)
			must(t, add(between, batch(someRequests(other, 500), "b")))
			must(t, between.Flush())
			must(t, between.Close())
		}
	}
	got := query(t, path, `select count(*), count(distinct (ts, client_ip, path, user_agent, query)) from requests where source_id = 1`)
	if got != "300 300\n" {
		t.Errorf("%q requests", got)
	}
	if n := query(t, path, `select count(*) from requests where source_id = 2`); n != "500\n" {
		t.Errorf("%q requests of the other", n)
	}
}

// It is the same in whichever zone the machine is.
func TestExpireElsewhere(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestExpire$")
	cmd.Env = append(os.Environ(), "TZ=Asia/Tokyo")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What is too old goes, the file shrinks, and all else stays.
func TestExpire(t *testing.T) {
	path := filepath.Join(t.TempDir(), `its "name".duckdb`)
	s := open(t, path)
	defer func() { s.Close() }()
	src := &parsers.Source{ID: 1, Path: "a", Format: "f", Fingerprint: "fp", First: start}
	rs := someRequests(src, 400_000)
	must(t, add(s, batch(rs, "a")))
	must(t, s.Flush())
	must(t, s.Close())
	must(t, s.Reopen())
	before, err := s.Size()
	must(t, err)
	quarter, err := s.OldestShare(0.25)
	must(t, err)
	if d := quarter.Sub(rs[100_000].Time).Abs(); d > 10*time.Millisecond {
		t.Errorf("a quarter lies before %s, want %s", quarter, rs[100_000].Time)
	}
	cut := rs[390_000].Time
	n, err := s.Expire(cut)
	must(t, err)
	at, err := s.Expired()
	must(t, err)
	if n != 390_000 || !at.Equal(cut) {
		t.Errorf("removed %d before %s", n, at)
	}
	must(t, s.Compact())
	must(t, s.Reopen())
	after, err := s.Size()
	must(t, err)
	if after.File > before.File/2 {
		t.Errorf("the file had %d bytes and has %d", before.File, after.File)
	}
	if got := replay(t, s, time.Time{}, src); len(got) != 10_000 || !got[0].Time.Equal(cut) {
		t.Errorf("%d requests are left", len(got))
	}
	must(t, add(s, batch(someRequests(src, 10), "a")))
	must(t, s.Flush())
	must(t, s.Close())
	if n := query(t, path, `select count(*) from requests`); n != "10010\n" {
		t.Errorf("%q requests", n)
	}
	if n := query(t, path, `select count(*) - count(distinct (client_ip, user_agent, user_id, api_key, token)) from callers where id > 0`); n != "0\n" {
		t.Errorf("%q callers stand twice", n)
	}
}

// What another process writes right after a store was written anew is in the new one.
func TestCompactBeside(t *testing.T) {
	entry := store.Entry{Who: "who", Action: "report.exported", ObjectType: "file", ObjectID: "x"}
	if path := os.Getenv("LITESOC_TEST_BESIDE"); path != "" { // the other process
		for range 8 {
			s, err := store.Open(path)
			for errors.Is(err, store.ErrBusy) {
				s, err = store.Open(path)
			}
			must(t, err)
			must(t, s.Audit(entry))
			must(t, s.Close())
		}
		return
	}
	path := filepath.Join(t.TempDir(), "a.duckdb")
	must(t, open(t, path).Close())
	other := exec.Command(os.Args[0], "-test.run=^TestCompactBeside$")
	other.Env = append(os.Environ(), "LITESOC_TEST_BESIDE="+path)
	ended := make(chan error, 1)
	go func() {
		out, err := other.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		ended <- err
	}()
	for {
		select {
		case err := <-ended:
			must(t, err)
			if n := query(t, path, `select count(*) from audit_log`); n != "8\n" {
				t.Errorf("%q of 8 rows are left", n)
			}
			return
		default:
		}
		s, err := store.Open(path)
		if errors.Is(err, store.ErrBusy) {
			continue
		}
		must(t, err)
		must(t, s.Compact())
	}
}

// One process at a time follows logs into a store.
func TestOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.duckdb")
	release, err := store.Own(path)
	must(t, err)
	if _, err := store.Own(path); !errors.Is(err, store.ErrFollowed) {
		t.Errorf("a second one: %v", err)
	}
	must(t, release())
	release, err = store.Own(path)
	must(t, err)
	must(t, release())
}

// Whoever comes while another is about to leave owns the store alone, or not at all.
func TestOwnInTurn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.duckdb")
	var owners, times atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 300 {
				release, err := store.Own(path)
				if errors.Is(err, store.ErrFollowed) {
					runtime.Gosched()
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				times.Add(1)
				if n := owners.Add(1); n > 1 {
					t.Errorf("%d own it", n)
				}
				runtime.Gosched()
				owners.Add(-1)
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if times.Load() == 0 {
		t.Error("nobody ever owned it")
	}
}

func BenchmarkTurn(b *testing.B) {
	for _, rows := range []int{200, 20_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "x.duckdb")
			s, err := store.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			src := &parsers.Source{ID: 1, Path: "a", Format: "f", Fingerprint: "fp", First: start}
			rs := someRequests(src, rows)
			s.Close()
			for b.Loop() {
				for _, err := range []error{s.Reopen(), add(s, batch(rs, "a")), s.Flush(), s.Close()} {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			s.Reopen()
			size, _ := s.Size()
			b.ReportMetric(float64(size.File)/float64(b.N*rows), "bytes/row")
			s.Close()
		})
	}
}
