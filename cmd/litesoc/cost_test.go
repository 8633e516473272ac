package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

// What a line costs is counted, not timed: allocations, and bytes in the database.
func TestCost(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	const lines = 61440 // half a row group of DuckDB
	path := filepath.Join(t.TempDir(), "access.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tr := newTraffic(f, 11, demoStart)
	if err := tr.write(lines, 2000, 90); err != nil {
		t.Fatal(err)
	}
	allocations := func(what string, most float64, do func()) {
		t.Helper()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		per := float64(after.Mallocs-before.Mallocs) / lines
		t.Logf("%s: %.2f allocations a line", what, per)
		if per > most {
			t.Errorf("%s: %.2f allocations a line, at most %v are meant", what, per, most)
		}
	}
	var batches []*source.Batch
	allocations("parse", 0.7, func() {
		if err := readLog(path, func(b *source.Batch) { batches = append(batches, b) }); err != nil {
			t.Fatal(err)
		}
	})
	// Making the detectors and reading the rules is done once, and no part of a line.
	var o source.Orderer
	p := detect.NewPipeline(parsers.NewRouteLearner(parsers.LeastNames, nil), detect.All(), detect.Rules(), 1, store.NewResults().Sink())
	allocations("detect", 0.9, func() {
		for _, b := range batches {
			o.Add(b)
			p.Advance(o.Release(b.Watermark), b.Watermark)
		}
	})
	db := filepath.Join(t.TempDir(), "a.duckdb")
	s, err := store.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	empty := size(t, db)
	allocations("store", 0.6, func() {
		for _, b := range batches {
			if err := s.Add(s.Rows(b)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	per := float64(size(t, db)-empty) / lines
	t.Logf("store: %.1f bytes a request", per)
	if per > 40 {
		t.Errorf("%.1f bytes a request in the database, at most 40 are meant", per)
	}
}

// TestInstructions counts what a line costs from its first byte to the report, in
// instructions: the difference between a longer and a shorter log, so that the start of the
// process is not part of it.
func TestInstructions(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Skip("no valgrind here to count instructions with")
	}
	const few, many = 5_000, 15_000
	run := func(lines int) float64 {
		path := filepath.Join(t.TempDir(), "access.log")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := newTraffic(f, 11, demoStart).write(lines, 2000, 90); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file="+os.DevNull,
			"litesoc", "scan", "--quiet", "--db", store.Memory, "--output", "json="+os.DevNull, path)
		// Older valgrinds do not know RDTSCP, which newer processors have.
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=cpu.rdtscp=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		_, said, ok := strings.Cut(string(out), "I   refs:")
		said, _, _ = strings.Cut(strings.TrimSpace(said), "\n")
		n, err := strconv.ParseFloat(strings.ReplaceAll(said, ",", ""), 64)
		if !ok || err != nil {
			t.Fatalf("valgrind does not say how many instructions it saw: %s", out)
		}
		return n
	}
	per := (run(many) - run(few)) / (many - few)
	t.Logf("scan: %.0f instructions a line", per)
	if per > mostInstructions {
		t.Errorf("scan: %.0f instructions a line, at most %d are meant", per, mostInstructions)
	}
}

// mostInstructions is two fifths above what was counted when it was set: what runs beside the
// work itself (scheduler, page faults) makes a count differ by a twentieth, and how memory is
// cleared on another processor by more.
const mostInstructions = 55_000

func size(t *testing.T, path string) int64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
