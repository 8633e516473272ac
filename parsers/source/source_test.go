package source_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// logLine is a line of nginx's combined format, so many seconds after start.
func logLine(seconds int, path string) string {
	at := start.Add(time.Duration(seconds) * time.Second)
	return fmt.Sprintf("192.0.2.1 - - [%s] \"GET %s HTTP/1.1\" 200 7 \"-\" \"test\"\n", at.Format("02/Jan/2006:15:04:05 -0700"), path)
}

func options(t testing.TB, lateness time.Duration) *source.Options {
	t.Helper()
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return &source.Options{Site: site, Formats: []*parsers.Format{parsers.NginxCombined()}, Lateness: lateness}
}

func write(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// reading is what came of reading some files: the paths asked for, in the one order,
// and where each log then stands.
type reading struct {
	judged []string // "seconds path" of the requests in order
	kept   map[string]string
	late   int64
	plan   *source.Plan
	broken []string
}

// kept is what a store would hold: by source and line, the request; a line that is
// replaced goes.
func read(t testing.TB, opts *source.Options, paths ...string) *reading {
	t.Helper()
	files, failures := source.Find(paths, nil)
	if len(failures) > 0 {
		t.Fatalf("find: %v", failures)
	}
	return readFiles(t, opts, files)
}

func readFiles(t testing.TB, opts *source.Options, files []*source.File) *reading {
	t.Helper()
	rd := &reading{kept: map[string]string{}, plan: source.Look(files, opts)}
	var streams []source.Stream
	for _, l := range rd.plan.Logs {
		if !l.Over() {
			streams = append(streams, l)
		}
	}
	m := source.NewMerger(streams, time.Time{}, func(_ source.Stream, err error) { rd.broken = append(rd.broken, err.Error()) })
	var o source.Orderer
	released := time.Time{}
	take := func(rs []*parsers.Request, before time.Time) {
		for _, r := range rs {
			if r.Time.Before(released) || !r.Time.Before(before) {
				t.Errorf("%s released between watermarks %s and %s", r.Time, released, before)
			}
			rd.judged = append(rd.judged, show(r))
		}
		released = before
	}
	for {
		b, err := m.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Lend(2)
		if b.Replaces > 0 {
			delete(rd.kept, key(b.Log.Source.ID, b.Replaces))
		}
		rd.late += int64(len(b.Leapt))
		for i := range b.Requests {
			r := &b.Requests[i]
			k := key(r.Source.ID, r.Line)
			if rd.kept[k] != "" {
				t.Errorf("line %s read twice", k)
			}
			rd.kept[k] = show(r)
			if r.Late {
				rd.late++
			}
		}
		b.Done()
		o.Add(b)
		take(o.Release(b.Watermark), b.Watermark)
	}
	take(o.Release(m.Watermark()), m.Watermark())
	take(o.Drain(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	return rd
}

func key(source int, line int64) string { return fmt.Sprintf("%d:%d", source, line) }

func show(r *parsers.Request) string {
	return fmt.Sprintf("%d %s", int(r.Time.Sub(start)/time.Second), r.Path)
}

// known is what a store would remember of the logs.
func (rd *reading) known() []source.Known {
	var known []source.Known
	for _, l := range rd.plan.Logs {
		known = append(known, source.Known{Source: *l.Source, HeadLen: l.HeadLen, At: l.At})
	}
	return known
}

func compress(t testing.TB, how, content string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch how {
	case "gzip", "gzip members":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	half := len(content) / 2
	io.WriteString(w, content[:half])
	if how == "gzip members" {
		w.Close()
		w = gzip.NewWriter(&b)
	}
	io.WriteString(w, content[half:])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(logLine(i, fmt.Sprintf("/p/%d", i)))
	}
	return b.String()
}

// The same log gives the same requests however it is packed.
func TestPacking(t *testing.T) {
	content := manyLines(5000)
	want := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "access.log"), content))
	if len(want.judged) != 5000 {
		t.Fatalf("%d requests, want 5000", len(want.judged))
	}
	for _, how := range []string{"gzip", "gzip members", "zstd", "xz"} {
		t.Run(how, func(t *testing.T) {
			got := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a"), compress(t, how, content)))
			if !slices.Equal(got.judged, want.judged) {
				t.Errorf("%d requests, not those of the plain log", len(got.judged))
			}
			if got.plan.Logs[0].At != want.plan.Logs[0].At {
				t.Errorf("position %+v, want %+v", got.plan.Logs[0].At, want.plan.Logs[0].At)
			}
		})
	}
}

// A log cut into files gives the same sequence in whatever order they are named and
// at whatever line it is cut, also where many requests share a second.
func TestSplit(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	var lines []string
	at := 0
	for i := range 3000 {
		at += rng.IntN(3)
		lines = append(lines, logLine(max(at-rng.IntN(50), 0), fmt.Sprintf("/p/%d", i)))
	}
	want := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "access.log"), strings.Join(lines, "")))
	for range 5 {
		dir := t.TempDir()
		var paths []string
		cuts := []int{0, 100 + rng.IntN(1000), 1500 + rng.IntN(1000), len(lines)}
		for i := range 3 {
			part := strings.Join(lines[cuts[i]:cuts[i+1]], "")
			paths = append(paths, write(t, filepath.Join(dir, fmt.Sprint(rng.IntN(1e6), i)), part))
		}
		rng.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		got := read(t, options(t, time.Minute), paths...)
		if !slices.Equal(got.judged, want.judged) {
			t.Fatalf("cut at %v: another sequence", cuts)
		}
	}
}

// The memory of a batch is used anew once its last user is done with it, and not before:
// the Orderer is while others may come before what it holds, and until the next Add.
func TestLend(t *testing.T) {
	opts := options(t, time.Minute)
	files, _ := source.Find([]string{write(t, filepath.Join(t.TempDir(), "access.log"), manyLines(5000))}, nil)
	m := source.NewMerger([]source.Stream{source.Look(files, opts).Logs[0]}, time.Time{}, nil)
	next := func() *source.Batch {
		t.Helper()
		b, err := m.Next()
		if err != nil {
			t.Fatal(err)
		}
		b.Lend(2)
		return b
	}
	var o source.Orderer
	a, b := next(), next()
	n := len(a.Requests)
	o.Add(a)
	a.Done()
	held := o.Release(a.Watermark)
	o.Add(b)
	b.Done()
	if len(a.Requests) != n || len(held) == n {
		t.Fatalf("%d of %d requests left while %d are held", len(a.Requests), n, n-len(held))
	}
	path := a.Requests[n-1].Path
	want := fmt.Sprintf("/p/%d", n-1)
	released := o.Release(b.Watermark)
	if path != want || released[n-len(held)-1].Path != want {
		t.Errorf("the last request of the batch is %q, and %q as released, want %q", path, released[n-len(held)-1].Path, want)
	}
	o.Add(next())
	if a.Requests != nil || b.Requests == nil {
		t.Errorf("the first batch is there: %t, the second: %t; want false, true", a.Requests != nil, b.Requests != nil)
	}
	if path != want {
		t.Errorf("what was kept of it is now %q, want %q", path, want)
	}
}

// A line further behind its log than the bound is kept, counted and not judged; one
// just within is judged in its place.
func TestLate(t *testing.T) {
	content := logLine(0, "/a") + logLine(100, "/b") + logLine(40, "/within") + logLine(39, "/late") + logLine(101, "/c")
	rd := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "access.log"), content))
	want := []string{"0 /a", "40 /within", "100 /b", "101 /c"}
	if !slices.Equal(rd.judged, want) {
		t.Errorf("judged %q, want %q", rd.judged, want)
	}
	if rd.late != 1 || rd.plan.Logs[0].At.Late != 1 || len(rd.kept) != 5 {
		t.Errorf("late %d, counted %d, kept %d; want 1, 1, 5", rd.late, rd.plan.Logs[0].At.Late, len(rd.kept))
	}
}

// Two hosts' logs of the same hours are read side by side: no line of one is late
// because the other was read first.
func TestSideBySide(t *testing.T) {
	dir := t.TempDir()
	var a, b strings.Builder
	for i := range 20000 {
		a.WriteString(logLine(i, "/a"))
		b.WriteString(logLine(i, "/b"))
	}
	rd := read(t, options(t, time.Minute), write(t, filepath.Join(dir, "a.log"), a.String()), write(t, filepath.Join(dir, "b.log"), b.String()))
	if rd.late != 0 || len(rd.judged) != 40000 {
		t.Fatalf("%d late, %d judged; want 0, 40000", rd.late, len(rd.judged))
	}
	if !slices.IsSortedFunc(rd.judged, func(x, y string) int {
		var p, q int
		fmt.Sscan(x, &p)
		fmt.Sscan(y, &q)
		return p - q
	}) {
		t.Error("not in order of time")
	}
}

// A log that is read again and again while it grows, even in the middle of a line,
// ends up as if it had been read once.
func TestGrowing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	content := manyLines(40) + "no log line\n\n" + logLine(41, "/after") + "\r\n" + strings.TrimSuffix(logLine(42, "/torn"), "\n")
	path := filepath.Join(t.TempDir(), "access.log")
	whole := read(t, options(t, time.Minute), write(t, path, content))
	for range 200 {
		opts := options(t, time.Minute)
		kept := map[string]string{}
		var last *reading
		for at := 0; at < len(content); {
			at = min(at+1+rng.IntN(300), len(content))
			last = read(t, opts, write(t, path, content[:at]))
			for _, l := range last.plan.Logs {
				if l.Voids() {
					delete(kept, key(l.Source.ID, l.Start.Lines))
				}
			}
			for k, v := range last.kept {
				if kept[k] != "" {
					t.Fatalf("line %s read again: %q, then %q", k, kept[k], v)
				}
				kept[k] = v
			}
			opts.Known = last.known()
		}
		if len(kept) != len(whole.kept) {
			t.Fatalf("%d lines kept, want %d", len(kept), len(whole.kept))
		}
		for k, v := range whole.kept {
			if kept[k] != v {
				t.Fatalf("line %s is %q, want %q", k, kept[k], v)
			}
		}
		if got, want := last.plan.Logs[0].At, whole.plan.Logs[0].At; got != want {
			t.Fatalf("stands at %+v, want %+v", got, want)
		}
	}
}

// Reading a log again finds nothing new, also when it is renamed and packed.
func TestReadBefore(t *testing.T) {
	dir := t.TempDir()
	content := manyLines(3000)
	opts := options(t, time.Minute)
	opts.Known = read(t, opts, write(t, filepath.Join(dir, "access.log"), content)).known()
	again := read(t, opts, write(t, filepath.Join(dir, "old.gz"), compress(t, "gzip", content)))
	if l := again.plan.Logs[0]; !l.Over() || l.Source.ID != 1 || len(again.kept) != 0 {
		t.Errorf("over %v, source %d, %d lines read; want true, 1, 0", l.Over(), l.Source.ID, len(again.kept))
	}
}

// Another log that begins with the same lines is another log.
func TestSameBeginning(t *testing.T) {
	dir := t.TempDir()
	content := manyLines(100)
	opts := options(t, time.Minute)
	opts.Known = read(t, opts, write(t, filepath.Join(dir, "a.log"), content+logLine(200, "/a"))).known()
	rd := read(t, opts, write(t, filepath.Join(dir, "b.log"), content+logLine(200, "/b")))
	if len(rd.judged) != 101 || rd.plan.Logs[0].Source.ID != 2 {
		t.Errorf("%d requests of source %d, want 101 of 2", len(rd.judged), rd.plan.Logs[0].Source.ID)
	}
}

// Of files in one run that hold the same log the one that holds most is read.
func TestDuplicates(t *testing.T) {
	dir := t.TempDir()
	content := manyLines(2000)
	rd := read(t, options(t, time.Minute),
		write(t, filepath.Join(dir, "access.log"), content),
		write(t, filepath.Join(dir, "copy.gz"), compress(t, "gzip", content)),
		write(t, filepath.Join(dir, "earlier.log"), content[:len(content)/2]))
	if len(rd.judged) != 2000 || len(rd.plan.Logs) != 1 || len(rd.plan.Same) != 2 {
		t.Errorf("%d requests, %d logs, %d duplicates; want 2000, 1, 2", len(rd.judged), len(rd.plan.Logs), len(rd.plan.Same))
	}
}

// What is there of a packed copy that is cut short is no log of its own.
func TestDuplicateCutShort(t *testing.T) {
	dir := t.TempDir()
	content := manyLines(2000)
	packed := compress(t, "gzip", content)
	path, half := write(t, filepath.Join(dir, "access.log"), content), write(t, filepath.Join(dir, "access.log.gz"), packed[:len(packed)/2])
	for _, paths := range [][]string{{path, half}, {half, path}} {
		rd := read(t, options(t, time.Minute), paths...)
		if len(rd.judged) != 2000 || len(rd.broken) != 0 || len(rd.plan.Same) != 1 || rd.plan.Same[0] != (source.Duplicate{Path: half, As: path}) {
			t.Errorf("%d requests, told %q, duplicates %v; want 2000, none, the half", len(rd.judged), rd.broken, rd.plan.Same)
		}
	}
}

// What can be read of a broken archive is read, and the break is told.
func TestTruncatedArchive(t *testing.T) {
	content := manyLines(20000)
	packed := compress(t, "gzip", content)
	rd := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a.gz"), packed[:len(packed)/2]))
	if len(rd.judged) < 1000 || len(rd.judged) >= 20000 {
		t.Errorf("%d requests of a half", len(rd.judged))
	}
	if len(rd.broken) != 1 || !strings.Contains(rd.broken[0], "unexpected EOF") {
		t.Errorf("told %q, want one unexpected EOF", rd.broken)
	}
}

// A line longer than MaxLine is read in part, counted, and the next line is whole.
func TestLongLine(t *testing.T) {
	long := strings.Replace(logLine(1, "/long"), "test", strings.Repeat("x", 3*source.MaxLine), 1)
	rd := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a"), logLine(0, "/a")+long+logLine(2, "/b")))
	at := rd.plan.Logs[0].At
	if at.Lines != 3 || at.Cut != 1 {
		t.Errorf("%d lines, %d cut; want 3, 1", at.Lines, at.Cut)
	}
	if !slices.Contains(rd.judged, "2 /b") || !slices.Contains(rd.judged, "0 /a") {
		t.Errorf("judged %q: the lines around the long one are missing", rd.judged)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.log", "b.log.gz", "sub/c.log", ".git/d.log"} {
		write(t, filepath.Join(dir, name), "x")
	}
	for from, to := range map[string]string{"link.log": "a.log", "linked": "sub", ".linked": "sub"} {
		if err := os.Symlink(filepath.Join(dir, to), filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		args     []string
		files    []string
		failures []string
	}{
		{"file", []string{"a.log"}, []string{"a.log"}, nil},
		{"folder", []string{"."}, []string{"a.log", "b.log.gz", "sub/c.log"}, nil},
		{"folder that is a link", []string{"linked"}, []string{"linked/c.log"}, nil},
		{"hidden folder that is named", []string{".git", ".linked/"}, []string{".git/d.log", ".linked/c.log"}, nil},
		{"pattern", []string{"*.log*"}, []string{"a.log", "b.log.gz"}, nil},
		{"twice", []string{"a.log", "link.log", "*.log"}, []string{"a.log"}, nil},
		{"missing", []string{"no.log"}, nil, []string{"no.log: no such file or directory"}},
		{"no match", []string{"*.txt"}, nil, []string{"*.txt: no file matches"}},
		{"empty folder", []string{"empty"}, nil, []string{"empty: no file in this folder"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(dir)
			files, failures := source.Find(test.args, nil)
			var got, failed []string
			for _, f := range files {
				got = append(got, filepath.ToSlash(f.Path))
			}
			for _, f := range failures {
				failed = append(failed, fmt.Sprintf("%s: %v", f.Path, f.Err))
			}
			if !slices.Equal(got, test.files) || !slices.Equal(failed, test.failures) {
				t.Errorf("files %q, failures %q; want %q, %q", got, failed, test.files, test.failures)
			}
		})
	}
}

func TestStdin(t *testing.T) {
	content := manyLines(5000)
	for _, how := range []string{"plain", "gzip"} {
		t.Run(how, func(t *testing.T) {
			text := content
			if how == "gzip" {
				text = compress(t, how, content)
			}
			files, _ := source.Find([]string{"-"}, strings.NewReader(text))
			if rd := readFiles(t, options(t, time.Minute), files); len(rd.judged) != 5000 {
				t.Errorf("%d requests, want 5000", len(rd.judged))
			}
		})
	}
}

// What is piped in and is in a file, too, is read once: the longer of both where the shorter is
// seen to its end, else the file.
func TestStdinTwice(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "access.log"), manyLines(2000))
	other := strings.Replace(manyLines(2000), "GET", "PUT", 1)
	for _, test := range []struct {
		name, stdin, file string
		requests          int
		same              []source.Duplicate
		failed            string
	}{
		{"all of both", manyLines(2000), manyLines(2000), 2000, nil, `begins as "` + path + `" does, which is read, too: give each log once`},
		{"a beginning in stdin", manyLines(20), manyLines(2000), 2000, []source.Duplicate{{Path: "-", As: path}}, ""},
		{"a beginning in the file", manyLines(2000), manyLines(20), 2000, []source.Duplicate{{Path: path, As: "-"}}, ""},
		{"short, and the same", manyLines(20), manyLines(20), 20, []source.Duplicate{{Path: "-", As: path}}, ""},
		{"another first line", other, manyLines(2000), 4000, nil, ""},
		{"another line later", manyLines(20) + other, manyLines(2000), 4020, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, path, test.file)
			files, _ := source.Find([]string{path, "-"}, strings.NewReader(test.stdin))
			rd := readFiles(t, options(t, time.Minute), files)
			var failed string
			for _, f := range rd.plan.Failures {
				failed = f.Err.Error()
				if f.Path != "-" || !f.Fatal {
					t.Errorf("a failure of %q, fatal %v; want one of -, fatal", f.Path, f.Fatal)
				}
			}
			if len(rd.judged) != test.requests || !slices.Equal(rd.plan.Same, test.same) || failed != test.failed {
				t.Errorf("%d requests, same %v, failed %q; want %d, %v, %q", len(rd.judged), rd.plan.Same, failed, test.requests, test.same, test.failed)
			}
		})
	}
	stdin, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	for _, args := range [][]string{{"-", path}, {path, "-"}, {filepath.Dir(path), "-"}} {
		if files, _ := source.Find(args, stdin); len(files) != 1 || files[0].Path != path {
			t.Errorf("%q, read from the file itself, are %d files, the first %q; want the file", args, len(files), files[0].Path)
		}
	}
}

// What is no log is told as such, never taken for an empty one.
func TestNoLog(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"binary", "\x7fELF\x02\x01\x01\x00\x00\x00\x00", "binary"},
		{"utf-32", "\xff\xfe\x00\x001\x00\x00\x00", "UTF-32"},
		{"blank", "\n\n \n", "blank lines"},
		{"prose", "Dear diary,\nnothing happened.\n", "no known format: line 1 is Dear diary,"},
		{"mostly prose", "\n" + logLine(0, "/a") + "Dear \x1b[2Jdiary,\nnothing\nhappened\n", "reads 1 of the first 4 lines; line 3 is not read (no time and request): Dear \\x1b[2Jdiary,"},
		{"beginning of a line before", `{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":200}` + "\n" + `{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":` + "\n{}\n",
			"reads 1 of the first 3 lines; line 2 is not read"},
		{"error log", "2026/03/01 10:00:00 [error] 31#31: *1 open() failed\n2026/03/01 10:00:01 [notice] 1#1: start\n",
			"no request in the first 2 lines: line 1 is skipped (nginx error log line): 2026/03/01"},
		{"headers", "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n", "no request in the first 2 lines: line 1 is skipped (W3C header line): #Version"},
		{"Rails", "I, [2026-03-01T10:00:00.123456 #1]  INFO -- : Started GET \"/a\" for 203.0.113.9 at 2026-03-01 10:00:00 +0000\n", "request not answered yet"},
		{"no time", "GET /a 200 512 - 12.345 ms\nPOST /login 401 - - 3.000 ms\n",
			"morgan-short, but no time in 2 of the first 2 lines: line 1 is not read (no time: neither the line nor what stands around it has one): GET /a"},
		{"no time in JSON", `{"method":"GET","path":"/a","status":200}` + "\n", "json, but no time in 1 of 1 line: line 1 is not read (no time found"},
		{"no client", "2026-03-01 10:00:00.123 +00:00 [INF] HTTP GET /users responded 200 in 12.3 ms\n",
			"no known format, and what seem to be requests lack a client's address: line 1 is 2026-03-01"},
		{"no access log", "1437609879.311\"/a\"404\"0.001\"0.001\"203.0.113.9\n", "no access log: Elastic Beanstalk's health log"},
		{"broken gzip", "\x1f\x8b\x08", "broken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := options(t, time.Minute)
			opts.Formats = parsers.All()
			files, _ := source.Find([]string{write(t, filepath.Join(t.TempDir(), "f"), test.content)}, nil)
			p := source.Look(files, opts)
			if len(p.Logs) != 0 || len(p.Failures) != 1 || !strings.Contains(p.Failures[0].Err.Error(), test.want) {
				t.Errorf("logs %d, failures %v; want one failure with %q", len(p.Logs), p.Failures, test.want)
			}
			if len(p.Failures) == 1 && (test.name == "broken gzip") != strings.Contains(p.Failures[0].Hint, "cut off") {
				t.Errorf("hint %q", p.Failures[0].Hint)
			}
		})
	}
}
