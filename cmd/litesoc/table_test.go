package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

// What 'make bench' measures: it takes minutes, so it must be asked for.
var (
	timed  = flag.Bool("table", false, "print how fast it is")
	rounds = flag.Int("rounds", 3, "how often each figure of the table is measured")
	lines  = flag.Int("lines", 1_000_000, "lines of the logs that the table is measured on")
	growth = flag.String("growth", "", "print what scans take of so many million lines, separated by spaces")
)

// A figure is measured several times, in turns with the others, so that what else the
// machine does meets them all.
type figure struct {
	name    string
	unit    string
	measure func() (float64, error)
	values  []float64
}

// spread is the median, and what lies furthest from it at both ends.
func (f *figure) spread() (median, least, most float64) {
	v := slices.Sorted(slices.Values(f.values))
	return v[len(v)/2], v[0], v[len(v)-1]
}

// madeLog writes a log of so many lines and returns its path.
func madeLog(t *testing.T, name string, lines int, form form, ip func(int) string, clients int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := writeLog(path, 11, lines, form, ip, clients); err != nil {
		t.Fatal(err)
	}
	return path
}

// A ran is what a process took.
type ran struct {
	wall, cpu time.Duration
	peak      float64 // MiB; 0 if the kernel does not say
}

// took runs a program to its end.
func took(env []string, name string, args ...string) (ran, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var said strings.Builder
	cmd.Stderr = &said
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return ran{}, err
	}
	done := make(chan error)
	go func() { done <- cmd.Wait() }()
	kib, err := watchPeak(cmd.Process.Pid, done)
	if err != nil {
		return ran{}, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said.String())
	}
	s := cmd.ProcessState
	return ran{time.Since(begin), s.UserTime() + s.SystemTime(), float64(kib) / 1024}, nil
}

// TestTable prints the table of 'make bench': medians, and the spread of all rounds.
func TestTable(t *testing.T) {
	if !*timed {
		t.Skip("run 'make bench'")
	}
	dir := t.TempDir()
	usual := madeLog(t, "usual.log", *lines, combined, client, 20000)
	balancer := madeLog(t, "alb.log", *lines, alb, client, 20000)
	json := madeLog(t, "json.log", *lines, jsonLine, client, 20000)
	many := madeLog(t, "many.log", *lines, combined, one, 1_000_000)
	queries := madeLog(t, "queries.log", *lines, withQuery, client, 20000)
	packed := filepath.Join(dir, "usual.log.gz")
	if err := packFile(packed, usual); err != nil {
		t.Fatal(err)
	}
	some, few := filepath.Join(dir, "some.log"), filepath.Join(dir, "few.log")
	someLines, err := headOf(some, usual, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	fewLines, err := headOf(few, usual, 2_000)
	if err != nil {
		t.Fatal(err)
	}
	million := float64(*lines) / 1e6
	db := filepath.Join(dir, "a.duckdb")
	var last ran
	scanIt := func(log string, env ...string) (ran, error) {
		for _, old := range []string{db, db + ".wal"} {
			os.Remove(old)
		}
		r, err := took(env, "litesoc", "scan", "--quiet", "--db", db, "--output", "json="+os.DevNull, log)
		last = r
		return r, err
	}
	perSecond := func(d time.Duration) float64 { return million / d.Seconds() }
	seconds := func(r ran, err error) (float64, error) { return r.wall.Seconds(), err }
	parse := func(log string) func() (float64, error) {
		return func() (float64, error) {
			d, err := parsing(log, nil)
			return perSecond(d), err
		}
	}
	only := func(format, log string) func() (float64, error) {
		return func() (float64, error) {
			d, err := parsingOnly(format, log)
			return perSecond(d), err
		}
	}
	// A tool of others is measured where it is installed and set up, which try tells.
	installed := func(name, tool, try string, measure func() (float64, error)) *figure {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Printf("%s is not installed: not measured\n", tool)
			return nil
		}
		if _, err := took(nil, tool, try); err != nil {
			fmt.Printf("%s is not set up: not measured: %v\n", tool, err)
			return nil
		}
		return &figure{name: name, unit: "s", measure: measure}
	}
	// CrowdSec's replay takes long: of its first lines, without the start, which the fewest of
	// them take, too. It is as it is set up on this machine, its http collection in place.
	crowdsec := func() (float64, error) {
		of := func(log string) (float64, error) {
			return seconds(took(nil, "crowdsec", "-dsn", "file://"+log, "-type", "nginx"))
		}
		short, err := of(few)
		if err != nil {
			return 0, err
		}
		long, err := of(some)
		return (long - short) * float64(*lines) / float64(someLines-fewLines), err
	}
	// What is compared is measured side by side: the machine does other things, too.
	figures := []*figure{
		installed("GoAccess's report of the same log, wall", "goaccess", "--version", func() (float64, error) {
			args := []string{usual, "--log-format=COMBINED", "--no-progress", "-o", filepath.Join(dir, "g.json")}
			return seconds(took(nil, "goaccess", append(args, jobs()...)...))
		}),
		{name: "scan, wall", unit: "s", measure: func() (float64, error) { return seconds(scanIt(usual)) }},
		{name: "scan, CPU of all cores", unit: "s", measure: func() (float64, error) { return last.cpu.Seconds(), nil }},
		{name: "scan, memory at most", unit: "MiB", measure: func() (float64, error) { return last.peak, nil }},
		{name: "database, for a million requests", unit: "MB", measure: func() (float64, error) {
			info, err := os.Stat(db)
			if err != nil {
				return 0, err
			}
			return float64(info.Size()) / 1e6 / million, nil
		}},
		{name: "scan on one core, wall", unit: "s", measure: func() (float64, error) { return seconds(scanIt(usual, "GOMAXPROCS=1")) }},
		installed("CrowdSec's replay, at the rate of its first lines", "crowdsec", "-t", crowdsec),
		{name: "sql, distinct client addresses", unit: "s", measure: func() (float64, error) {
			return seconds(took(nil, "litesoc", "sql", "--db", db, distinctClients))
		}},
		{name: "sql, top routes by 4xx", unit: "s", measure: func() (float64, error) {
			return seconds(took(nil, "litesoc", "sql", "--db", db, topRoutes))
		}},
		{name: "scan of the gzipped log, wall", unit: "s", measure: func() (float64, error) { return seconds(scanIt(packed)) }},
		installed("zcat of the gzipped log | wc -l, wall", "zcat", "--version", func() (float64, error) {
			return seconds(took(nil, "sh", "-c", `zcat "$0" | wc -l`, packed))
		}),
		{name: "scan, of a million addresses, wall", unit: "s", measure: func() (float64, error) { return seconds(scanIt(many)) }},
		{name: "the same, memory at most", unit: "MiB", measure: func() (float64, error) { return last.peak, nil }},
		{name: "scan, of queries that are to be looked into, wall", unit: "s", measure: func() (float64, error) { return seconds(scanIt(queries)) }},
		{name: "parse only, combined", unit: "million lines/s", measure: only("nginx-combined", usual)},
		{name: "parse only, ALB", unit: "million lines/s", measure: only("aws-alb", balancer)},
		{name: "parse only, JSON", unit: "million lines/s", measure: only("json", json)},
		{name: "parse and classify, combined", unit: "million lines/s", measure: parse(usual)},
		{name: "parse and classify, ALB", unit: "million lines/s", measure: parse(balancer)},
		{name: "parse and classify, JSON", unit: "million lines/s", measure: parse(json)},
		{name: "parse and store, one after the other", unit: "s", measure: func() (float64, error) {
			d, err := storing(usual, filepath.Join(t.TempDir(), "b.duckdb"))
			return d.Seconds(), err
		}},
		{name: "detect", unit: "s", measure: func() (float64, error) {
			d, err := detecting(usual)
			return d.Seconds(), err
		}},
		{name: "litesoc version, from start to end", unit: "s", measure: func() (float64, error) { return seconds(took(nil, "litesoc", "version")) }},
	}
	figures = slices.DeleteFunc(figures, func(f *figure) bool { return f == nil })
	named := func(name string) *figure {
		i := slices.IndexFunc(figures, func(f *figure) bool { return f.name == name })
		if i < 0 {
			return nil
		}
		return figures[i]
	}
	// Ratios are those of one round: what else the machine did then met both.
	for _, r := range []struct{ name, of, to string }{
		{"GoAccess's time in that of scan", "GoAccess's report of the same log, wall", "scan, wall"},
		{"CrowdSec's time in that of scan", "CrowdSec's replay, at the rate of its first lines", "scan, wall"},
		{"scan of the gzipped log in zcat's time", "scan of the gzipped log, wall", "zcat of the gzipped log | wc -l, wall"},
		{"two cores against one", "scan on one core, wall", "scan, wall"},
		{"detectors' time in that of parse and store", "detect", "parse and store, one after the other"},
	} {
		if of, to := named(r.of), named(r.to); of != nil && to != nil {
			figures = append(figures, &figure{name: r.name, unit: "times", measure: func() (float64, error) {
				return of.values[len(of.values)-1] / to.values[len(to.values)-1], nil
			}})
		}
	}
	for range *rounds {
		for _, f := range figures {
			v, err := f.measure()
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			f.values = append(f.values, v)
		}
	}
	fmt.Printf("%d lines, median of %d rounds (least to most)\n", *lines, *rounds)
	for _, f := range figures {
		median, least, most := f.spread()
		fmt.Printf("  %-50s %8.2f %-16s (%.2f to %.2f)\n", f.name, median, f.unit, least, most)
	}
}

// What a scan takes of logs that grow: time for each million lines, and memory at most. The
// last log has a million addresses and 100,000 users.
func TestGrowth(t *testing.T) {
	if *growth == "" {
		t.Skip("run 'make bench-growth'")
	}
	var most int
	scanIt := func(what, log string, millions int) {
		dir := t.TempDir()
		db := filepath.Join(dir, "a.duckdb")
		r, err := took(nil, "litesoc", "scan", "--quiet", "--db", db, "--output", "json="+os.DevNull, log)
		if err != nil {
			t.Fatal(err)
		}
		clients, err := took(nil, "litesoc", "sql", "--db", db, distinctClients)
		if err != nil {
			t.Fatal(err)
		}
		routes, err := took(nil, "litesoc", "sql", "--db", db, topRoutes)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Stat(db)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("  %3d million lines%-42s %7.2f s, %5.2f s a million, %5.2f s of CPU; %4.0f MiB; database %4.1f MB a million, sql %.2f and %.2f s\n",
			millions, what, r.wall.Seconds(), r.wall.Seconds()/float64(millions), r.cpu.Seconds()/float64(millions), r.peak,
			float64(file.Size())/1e6/float64(millions), clients.wall.Seconds(), routes.wall.Seconds())
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range strings.Fields(*growth) {
		millions, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		scanIt("", madeLog(t, "usual.log", millions*1e6, combined, client, 20000), millions)
		most = max(most, millions)
	}
	const manyMillions = 10
	if most >= manyMillions {
		scanIt(" of a million addresses and 100,000 users", madeLog(t, "many.log", manyMillions*1e6, ofUsers, one, 1_000_000), manyMillions)
	}
}

// The queries that are asked of a database.
const (
	distinctClients = "select count(distinct client_ip) from requests"
	topRoutes       = "select route, count(*) from requests where status between 400 and 499 group by 1 order by 2 desc limit 5"
)

// jobs lets GoAccess use two cores, where it is new enough to do so.
func jobs() []string {
	if help, _ := exec.Command("goaccess", "--help").CombinedOutput(); strings.Contains(string(help), "--jobs") {
		return []string{"--jobs=2"}
	}
	return nil
}

// headOf writes the first lines of a log to another file, at most so many, and returns how
// many those are.
func headOf(to, from string, most int) (n int, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(out)
	for lines := bufio.NewScanner(in); n < most && lines.Scan(); n++ {
		fmt.Fprintln(w, lines.Text())
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	return n, out.Close()
}

func packFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(out)
	if _, err := io.Copy(z, in); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return out.Close()
}

// parsing is how long a log takes to be read as scan reads it; do is given each batch.
func parsing(path string, do func(*source.Batch)) (time.Duration, error) {
	begin := time.Now()
	err := readLog(path, func(b *source.Batch) {
		if do != nil {
			do(b)
		}
	})
	return time.Since(begin), err
}

// parsingOnly is how long the format alone takes for as many lines as the log has: from a
// line in memory to its fields, raw. It reads the first of them over and over.
func parsingOnly(format, path string) (time.Duration, error) {
	const first = 4 << 20 // bytes: lines of many kinds, and not more than caches hold
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	if len(text) > first {
		text = text[:bytes.LastIndexByte(text[:first], '\n')+1]
	}
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	parse := parsers.ByName(format).New()
	var fields parsers.Fields
	begin := time.Now()
	for n := range *lines {
		if err := parse(all[n%len(all)], &fields); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// detecting is how long the detectors take for a log.
func detecting(path string) (spent time.Duration, err error) {
	var o source.Orderer
	p := detect.NewPipeline(parsers.NewRouteLearner(parsers.LeastNames, nil), detect.All(), detect.Rules(), 1, store.NewResults().Sink())
	n := 0
	_, err = parsing(path, func(b *source.Batch) {
		begin := time.Now()
		o.Add(b)
		if n++; n%together == 0 {
			p.Advance(o.Release(b.Watermark), b.Watermark)
		}
		spent += time.Since(begin)
	})
	p.Flush()
	return spent, err
}

// storing is how long parsing a log and storing its requests take.
func storing(path, db string) (time.Duration, error) {
	begin := time.Now()
	s, err := store.Open(db)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var failed error
	if err := readLog(path, func(b *source.Batch) {
		if err := s.Add(s.Rows(b)); err != nil {
			failed = err
		}
	}); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, failed
	}
	err = s.Flush()
	return time.Since(begin), err
}
