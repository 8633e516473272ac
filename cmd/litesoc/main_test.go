package main

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/litesoc/litesoc/report/store"
)

var update = flag.Bool("update", false, "write golden files and the demo log anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"litesoc": main})
}

// The scripts run the tool as a person would.
func TestScripts(t *testing.T) {
	params := testscript.Params{
		Dir:           "../../testdata/script",
		UpdateScripts: *update,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"norun":   norun,
			"repeat":  repeat,
			"binary":  binary,
			"exits":   exits,
			"hold":    hold,
			"release": release,
			"edit":    edit,
			"columns": columns,
			"mode":    mode,
			"hook":    hook,
		},
		Setup: func(env *testscript.Env) error {
			demo, err := filepath.Abs("../../testdata/demo")
			env.Setenv("DEMO", demo)
			env.Setenv("NO_COLOR", "1")
			env.Values[keeper{}] = &keeper{}
			return err
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
	}
	if testing.Short() { // those that work side by side; the others show nothing more under the race detector
		params.Dir, params.Files = "", nil
		for _, name := range []string{"again", "found", "late", "quality", "tail", "notify", "sql-logs", "why", "respond"} {
			params.Files = append(params.Files, "../../testdata/script/"+name+".txtar")
		}
	}
	testscript.Run(t, params)
}

// norun FILE...: takes the facts of the run out of JSON reports.
func norun(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		text, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(path, withoutRun(text), 0o600))
	}
}

// withoutRun cuts off the last member of a JSON report, which holds what is true of
// one run only.
func withoutRun(text []byte) []byte {
	if i := bytes.LastIndex(text, []byte("\n  \"run\": {")); i >= 0 {
		return text[:i]
	}
	return text
}

// repeat N STEP TEMPLATE FILE: appends N lines to FILE, made of the text of TEMPLATE with
// {n} counting from 1 and {time} moving by STEP from 1 March 2026 09:58 UTC.
func repeat(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: repeat N STEP TEMPLATE FILE")
	}
	var n int
	_, err := fmt.Sscan(args[0], &n)
	ts.Check(err)
	step, err := time.ParseDuration(args[1])
	ts.Check(err)
	template := ts.ReadFile(args[2])
	f, err := os.OpenFile(ts.MkAbs(args[3]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	at := time.Date(2026, 3, 1, 9, 58, 0, 0, time.UTC)
	for i := range n {
		line := strings.NewReplacer("{n}", fmt.Sprint(i+1), "{time}", at.Add(time.Duration(i)*step).Format("02/Jan/2006:15:04:05 -0700")).Replace(template)
		_, err := f.WriteString(line)
		ts.Check(err)
	}
	ts.Check(f.Close())
}

// binary FILE: writes a file that is no text.
func binary(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00"), 0o600))
}

// exits STATUS ARG...: runs litesoc and compares its exit status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("litesoc", args[1:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// A keeper has the database of a script open.
type keeper struct{ *store.Store }

// hold FILE: opens the database, as another process may have it open, until release.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	s, err := store.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	k := ts.Value(keeper{}).(*keeper)
	k.Store = s
	ts.Defer(func() { s.Close() })
}

// release closes what hold has opened.
func release(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(ts.Value(keeper{}).(*keeper).Close())
}

// edit FILE STATEMENT: changes the database as anybody who has DuckDB can.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("duckdb", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(args[1])
	ts.Check(err)
	ts.Check(db.Close())
}

// mode FILE OCTAL: nobody else has other rights to the file.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("mode %s, want %s", got, args[1])
	}
}

// columns FILE COLUMNS N: a Parquet file has these columns, if any are named, and N rows.
func columns(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("duckdb", "")
	ts.Check(err)
	defer db.Close()
	var got, codec string
	var rows int
	path := ts.MkAbs(args[0])
	ts.Check(db.QueryRow(`select coalesce(string_agg(column_name || ' ' || column_type, ', '), '') from (describe from read_parquet('` + path + `'))`).Scan(&got))
	ts.Check(db.QueryRow(`select count(*) from read_parquet('` + path + `')`).Scan(&rows))
	ts.Check(db.QueryRow(`select coalesce(any_value(compression), 'ZSTD') from parquet_metadata('` + path + `')`).Scan(&codec))
	if args[1] != "" && got != args[1] || fmt.Sprint(rows) != args[2] || codec != "ZSTD" {
		ts.Fatalf("%d rows of %s, packed by %s", rows, got, codec)
	}
}

// demoStart is the day of the demo log.
var demoStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// demoLog returns the log that 'make demo' scans: an ordinary day with attacks in it.
func demoLog(t testing.TB) []byte {
	var b bytes.Buffer
	tr := newTraffic(&b, 1, demoStart)
	tr.attacks(demoStart)
	if err := tr.write(20000, 150, 20000/86400.0); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The demo log is what the generator writes.
func TestDemoLog(t *testing.T) {
	path := "../../testdata/demo/access.log.gz"
	want := demoLog(t)
	if *update {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		w.Write(want)
		w.Close()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := got.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not what the generator writes: run 'make golden'", path)
	}
}

// litesoc runs the tool in a process of its own and returns what it prints.
func litesoc(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("litesoc", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("litesoc %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// A run that is killed at any moment leaves a file that opens, and the next one ends as
// if nothing had happened.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	dir := t.TempDir()
	var log bytes.Buffer
	tr := newTraffic(&log, 7, demoStart)
	tr.attacks(demoStart)
	if err := tr.write(400000, 3000, 8); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "access.log"), log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	want := withoutRun(litesoc(t, dir, "scan", "--db", "whole.duckdb", "--output", "json", "access.log"))
	took := time.Since(began)
	killed := 0
	for range 5 {
		cmd := exec.Command("litesoc", "scan", "--db", "killed.duckdb", "access.log")
		cmd.Dir = dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(rng.Int64N(int64(took))), func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		var exit *exec.ExitError
		if errors.As(err, &exit) && !exit.Exited() {
			killed++
		}
	}
	t.Logf("killed %d of 5", killed)
	got := withoutRun(litesoc(t, dir, "scan", "--db", "killed.duckdb", "--output", "json", "access.log"))
	if !bytes.Equal(got, want) {
		t.Errorf("another report than without the kills:\n%s", firstDifference(got, want))
	}
	again := withoutRun(litesoc(t, dir, "scan", "--db", "killed.duckdb", "--output", "json", "access.log"))
	if !bytes.Equal(again, want) {
		t.Errorf("another report when scanned again:\n%s", firstDifference(again, want))
	}
}

// firstDifference shows the lines at which two texts part.
func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d:\n %s\n %s", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

// The same requests give the same report, byte for byte, however their logs are cut
// into files and runs, packed, named and ordered, and whatever the number of threads.
func TestSameReport(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	dir := t.TempDir()
	content := demoLog(t)
	put := func(name string, text []byte) string {
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			w.Write(text)
			w.Close()
			text = b.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	lines := bytes.SplitAfter(content, []byte("\n"))
	a, b := 1+rng.IntN(len(lines)/2), len(lines)/2+1+rng.IntN(len(lines)/2-2)
	parts := []string{
		put("x3", bytes.Join(lines[:a], nil)),
		put("x1.gz", bytes.Join(lines[a:b], nil)),
		put("x2", bytes.Join(lines[b:], nil)),
	}
	whole, packed := put("access.log", content), put("packed.gz", content)
	grown := put("grown.log", content[:len(content)*2/3])
	report := func(db string, args ...string) []byte {
		return withoutRun(litesoc(t, dir, append([]string{"scan", "--db", db, "--output", "json"}, args...)...))
	}
	want := report("a.duckdb", whole)
	var doc struct{ Incidents []json.RawMessage }
	if err := json.Unmarshal([]byte(strings.TrimSuffix(string(want), ",")+"}"), &doc); err != nil || len(doc.Incidents) < 4 {
		t.Fatalf("%d incidents (%v): too few to compare", len(doc.Incidents), err)
	}
	if !bytes.Contains(want, []byte(`/teams/{name}/board`)) {
		t.Fatal("no route was learned")
	}
	check := func(how string, got []byte) {
		t.Helper()
		if !bytes.Equal(got, want) {
			t.Errorf("%s: another report, at %s", how, firstDifference(got, want))
		}
	}
	check("in memory", report(":memory:", whole))
	check("again", report("a.duckdb", whole))
	check("renamed and packed", report("a.duckdb", packed))
	check("packed", report("b.duckdb", packed))
	check("cut in three", report("c.duckdb", parts[2], parts[0], parts[1]))
	check("eight threads", report("d.duckdb", "--threads", "8", whole))
	report("e.duckdb", parts[0])
	report("e.duckdb", parts[1])
	check("in three runs", report("e.duckdb", parts[2]))
	report("f.duckdb", parts[2])
	report("f.duckdb", parts[0])
	check("in three runs, the last first", report("f.duckdb", parts[1]))
	report("g.duckdb", grown)
	put("grown.log", content)
	check("grown", report("g.duckdb", grown))
}
