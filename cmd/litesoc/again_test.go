package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/report/store"
)

// A folder that is scanned again and again while its log grows, is rotated, packed and
// backed up gives the report of one scan of all.
func TestRotation(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	path := func(n int) string { return filepath.Join(logs, fmt.Sprintf("access.log.%d", n)) }
	current := filepath.Join(logs, "access.log")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(logs, 0o700))
	lines := bytes.SplitAfter(demoLog(t), []byte("\n"))
	for i := range lines {
		if rng.IntN(3) == 0 {
			lines[i] = bytes.ReplaceAll(lines[i], []byte("\n"), []byte("\r\n"))
		}
	}
	whole := bytes.Join(lines, nil)
	must(os.WriteFile(filepath.Join(dir, "whole"), whole, 0o600))
	write := func(text []byte) {
		f, err := os.OpenFile(current, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		must(err)
		_, err = f.Write(text)
		must(errors.Join(err, f.Close()))
	}
	scan := func() []byte {
		return withoutRun(litesoc(t, dir, "scan", "--db", "kept.duckdb", "--quiet", "--output", "json", "logs"))
	}
	rotations := 0
	rotate := func() {
		for n := rotations; n > 0; n-- {
			for _, end := range []string{"", ".gz"} {
				if err := os.Rename(path(n)+end, path(n+1)+end); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
		}
		must(os.Rename(current, path(1)))
		write(nil)
		rotations++
		if text, err := os.ReadFile(path(2)); err == nil {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			w.Write(text)
			must(w.Close())
			must(os.WriteFile(path(2)+".gz", b.Bytes(), 0o600))
			must(os.Remove(path(2)))
		}
	}
	for from := 0; from < len(lines); {
		to := min(from+1500+rng.IntN(3500), len(lines))
		chunk := bytes.Join(lines[from:to], nil)
		from = to
		cut := 1000 + rng.IntN(len(chunk)-1000) // mostly within a line
		write(chunk[:cut])
		scan()
		if rng.IntN(2) == 0 {
			text, err := os.ReadFile(current)
			must(err)
			must(os.WriteFile(filepath.Join(dir, fmt.Sprintf("backup-%d", from)), text, 0o600)) // found later
		}
		write(chunk[cut:])
		if from < len(lines) && rng.IntN(2) == 0 {
			rotate()
		}
	}
	want := withoutRun(litesoc(t, dir, "scan", "--db", ":memory:", "--output", "json", "whole"))
	check := func(how string) {
		t.Helper()
		if got := scan(); !bytes.Equal(got, want) {
			t.Errorf("%s: another report, at %s", how, firstDifference(got, want))
		}
	}
	check("in the end")
	backups, err := filepath.Glob(filepath.Join(dir, "backup-*"))
	must(err)
	for _, b := range backups {
		litesoc(t, dir, "scan", "--db", "kept.duckdb", "--quiet", b)
		check("after the scan of a copy")
	}
	check("again")
	t.Logf("%d rotations, %d copies", rotations, len(backups))
}

// A scan that waits for standard input ends when it is told to, and what it was given
// is not counted twice by the next.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	content := demoLog(t)
	lines := bytes.SplitAfter(content, []byte("\n"))
	half := bytes.Join(lines[:len(lines)/2], nil)
	for name, text := range map[string][]byte{"nothing": nil, "half of it": half} {
		t.Run(name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "a.duckdb")
			cmd := exec.Command("litesoc", "scan", "--db", db, "-")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// What is more than the pipe holds has been read when Write returns; without any
			// it is the store that tells that the tool is on its way.
			if _, err := io.Copy(in, bytes.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			for {
				if _, err := os.Stat(db); err == nil {
					break
				}
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !bytes.Contains(stderr.Bytes(), []byte("interrupted")) {
				t.Fatalf("%v, %s; want exit status 1, interrupted", err, stderr.Bytes())
			}
			whole := func(when string, kept bool) {
				report := exec.Command("litesoc", "report", "--db", db)
				report.Dir = dir
				out, _ := report.CombinedOutput()
				if failed := report.ProcessState.ExitCode() == exitFailed && bytes.Contains(out, []byte("a scan did not end")); failed != kept {
					t.Errorf("%s, report ends with %d: %.500s", when, report.ProcessState.ExitCode(), out)
				}
			}
			n := litesoc(t, dir, "sql", "--db", db, "--output", "csv", "select count(*) > 0 from requests")
			kept := bytes.Contains(n, []byte("true"))
			whole("interrupted", kept)
			want := withoutRun(litesoc(t, dir, "scan", "--db", ":memory:", "--output", "json", put(t, dir, "access.log", content)))
			on := litesoc(t, dir, "scan", "--db", db, "--output", "json", "access.log")
			if got := withoutRun(on); !bytes.Equal(got, want) {
				t.Errorf("another report after it, at %s", firstDifference(got, want))
			}
			if told := bytes.Contains(on, []byte("an earlier scan did not end: what it kept was judged together with the rest; what is odd about the logs themselves is told of the lines read now alone")); told != kept {
				t.Errorf("requests were kept of a scan that did not end: %v; told so: %v", kept, told)
			}
			whole("scanned again", false)
		})
	}
}

// A scan that is interrupted before it has kept anything leaves a database of which all was
// judged as one of which all was judged.
func TestInterruptedAtOnce(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "a.duckdb")
	scanned := func(ctx context.Context, log string) error {
		j := &job{
			flags:  &scanFlags{db: db, lateness: time.Minute, minParsed: 0.5, threads: 1, memory: defaultMemory},
			stderr: io.Discard, results: store.NewResults(), progress: newProgress(io.Discard, true),
		}
		if err := j.prepare(&config{}); err != nil {
			t.Fatal(err)
		}
		defer j.geo.Close()
		var err error
		if j.store, err = openStore(t.Context(), db, defaultMemory); err != nil {
			t.Fatal(err)
		}
		defer j.store.Close()
		var c cobra.Command
		c.SetContext(t.Context())
		if err := j.look(&c, []string{filepath.Join(dir, log)}); err != nil {
			t.Fatal(err)
		}
		return j.run(ctx)
	}
	for i, log := range []string{"a.log", "b.log"} {
		put(t, dir, log, fmt.Appendf(nil, "203.0.113.9 - - [01/Mar/2026:10:00:%02d +0000] \"GET / HTTP/1.1\" 200 153\n", i))
	}
	if err := scanned(t.Context(), "a.log"); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for range 30 { // whether a line is on its way to the store by then is a matter of chance
		if err := scanned(ctx, "b.log"); err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Fatalf("%v; want an interrupted scan", err)
		}
		kept := litesoc(t, dir, "sql", "--db", db, "--output", "csv", "select (select count(*) from requests) || ' ' || (select count(*) from unfinished) as kept")
		switch string(kept) {
		case "kept\n1 0\n":
		case "kept\n2 1\n":
			return // and all later ones begin where a scan did not end
		default:
			t.Fatalf("%q requests are kept and scans did not end; want 1 and 0, or 2 and 1", kept)
		}
	}
}

// A last line that was not written to its end when it was read is judged once, by what it
// has become, in each log that has one: thirty missing paths are one too few.
func TestTornOnce(t *testing.T) {
	dir := t.TempDir()
	var lines [2][]byte // of two hosts, in turns
	for i := range 30 {
		lines[i%2] = fmt.Appendf(lines[i%2], "203.0.113.9 - - [01/Mar/2026:10:00:%02d +0000] \"GET /a%d HTTP/1.1\" 404 153\n", i, i)
	}
	write := func(end int) {
		for i, name := range []string{"a.log", "b.log"} {
			put(t, dir, name, lines[i][:len(lines[i])-end])
		}
	}
	for _, end := range []int{2, 0} {
		write(end)
		out := litesoc(t, dir, "scan", "--db", "torn.duckdb", "a.log", "b.log")
		if !bytes.Contains(out, []byte("No incident in 30 requests")) {
			t.Errorf("%d bytes before its end:\n%s", end, out)
		}
	}
	if got := litesoc(t, dir, "sql", "--db", "torn.duckdb", "--output", "csv", "select bytes from requests where line = 15"); string(got) != "bytes\n153\n153\n" {
		t.Errorf("of the last lines is kept %q", got)
	}

	one := []byte("203.0.113.9 - - [01/Mar/2026:10:00:30 +0000] \"GET /a30 HTTP/1.1\" 404 153\n")
	lines[0] = append(lines[0], one...)
	for _, end := range []int{2, 0} {
		write(end)
		litesoc(t, dir, "scan", "--db", "more.duckdb", "a.log", "b.log")
	}
	if got := litesoc(t, dir, "sql", "--db", "more.duckdb", "--output", "csv", "select count from events"); string(got) != "count\n31\n" {
		t.Errorf("of 31 missing paths are counted %q", got)
	}
}

// put writes a file into a folder and returns its name.
func put(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Standard input is left to others where it is not asked for.
func TestStdinUntouched(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "access.log", demoLog(t))
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("mine"); err != nil {
		t.Fatal(err)
	}
	out.Close()
	cmd := exec.Command("litesoc", "scan", "--db", ":memory:", "--quiet", "access.log")
	cmd.Dir, cmd.Stdin = dir, in
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); err != nil || !slices.Equal(rest, []byte("mine")) {
		t.Errorf("%q is left of it (%v), want all", rest, err)
	}
}
