package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

const benchLines = 1_000_000

// benchLog returns the path of a log of a million lines: about three hours of a busy
// service with 20,000 clients, and attacks.
var benchLog = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "litesoc-bench")
	if err != nil {
		return "", err
	}
	f, err := os.Create(filepath.Join(dir, "access.log"))
	if err != nil {
		return "", err
	}
	tr := newTraffic(f, 11, demoStart)
	tr.attacks(demoStart)
	if err := tr.write(benchLines, 20000, 90); err != nil {
		return "", err
	}
	return f.Name(), f.Close()
})

func benchPath(b *testing.B) string {
	path, err := benchLog()
	if err != nil {
		b.Fatal(err)
	}
	return path
}

// perLine reports lines a second.
func perLine(b *testing.B) {
	b.ReportMetric(float64(benchLines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// The stages alone: each figure is of that stage and nothing else.
func BenchmarkStages(b *testing.B) {
	path := benchPath(b)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			lines := bufio.NewScanner(f)
			for lines.Scan() {
			}
			f.Close()
		}
		perLine(b)
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			eachBatch(b, path, func(batch *source.Batch) {
				batch.Lend(1)
				batch.Done()
			})
		}
		perLine(b)
	})
	var batches []*source.Batch
	keep := func(b *testing.B) {
		if batches == nil {
			eachBatch(b, path, func(batch *source.Batch) { batches = append(batches, batch) })
		}
		b.ResetTimer()
	}
	b.Run("detect", func(b *testing.B) {
		keep(b)
		for b.Loop() {
			var o source.Orderer
			p := detect.NewPipeline(parsers.NewRouteLearner(parsers.LeastNames, nil), detect.All(), detect.Rules(), 1, store.NewResults().Sink())
			for _, batch := range batches {
				o.Add(batch)
				p.Advance(o.Release(batch.Watermark), batch.Watermark)
			}
			p.Flush()
		}
		perLine(b)
	})
	b.Run("store", func(b *testing.B) {
		keep(b)
		for b.Loop() {
			s, err := store.Open(filepath.Join(b.TempDir(), "bench.duckdb"))
			if err != nil {
				b.Fatal(err)
			}
			for _, batch := range batches {
				if err := s.Add(s.Rows(batch)); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Flush(); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
		perLine(b)
	})
}

// eachBatch reads the log as scan does.
func eachBatch(b *testing.B, path string, do func(*source.Batch)) {
	if err := readLog(path, do); err != nil {
		b.Fatal(err)
	}
}

func readLog(path string, do func(*source.Batch)) error {
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		return err
	}
	routes, err := detect.NewRouteMap(nil)
	if err != nil {
		return err
	}
	files, _ := source.Find([]string{path}, nil)
	plan := source.Look(files, &source.Options{Site: site, Formats: parsers.All(), Lateness: time.Minute,
		Enrich: func(requests []parsers.Request) {
			for i := range requests {
				requests[i].Event = routes.Classify(&requests[i])
			}
		}})
	var broke error
	m := source.NewMerger([]source.Stream{plan.Logs[0]}, time.Time{}, func(_ source.Stream, err error) { broke = err })
	for {
		batch, err := m.Next()
		if err == io.EOF {
			return broke
		}
		if err != nil {
			return err
		}
		do(batch)
	}
}

// The whole of scan as a process: all stages side by side, the report included.
func BenchmarkScan(b *testing.B) {
	path := benchPath(b)
	peak := 0
	for b.Loop() {
		cmd := exec.Command("litesoc", "scan", "--quiet", "--db", filepath.Join(b.TempDir(), "bench.duckdb"), path)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- cmd.Wait() }()
		peak = max(peak, peakOf(cmd.Process.Pid, done, b))
	}
	perLine(b)
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}

func peakOf(pid int, done chan error, b *testing.B) (kib int) {
	kib, err := watchPeak(pid, done)
	if err != nil {
		b.Fatal(err)
	}
	return kib
}

// watchPeak waits for the process and returns the most memory it had, in KiB, as the
// kernel last said while it ran. What the kernel says afterwards counts the memory of
// the process that started it, too.
func watchPeak(pid int, done chan error) (kib int, err error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return kib, err
		case <-tick.C:
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			for line := range strings.Lines(string(status)) {
				if n, ok := strings.CutPrefix(line, "VmHWM:"); ok {
					fmt.Sscan(n, &kib)
				}
			}
		}
	}
}

// A query over a million requests answers at once.
func BenchmarkQuery(b *testing.B) {
	db := filepath.Join(b.TempDir(), "bench.duckdb")
	if out, err := exec.Command("litesoc", "scan", "--quiet", "--db", db, benchPath(b)).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.ResetTimer()
	for b.Loop() {
		cmd := exec.Command("litesoc", "sql", "--db", db, "select route, status, count(*) from requests group by all order by 3 desc limit 5")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
