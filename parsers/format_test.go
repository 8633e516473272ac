package parsers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goldens = "../testdata/parsers"

func TestAll(t *testing.T) {
	var want, names []string
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			want = append(want, f.Name+".txtar")
			names = append(names, f.Name)
			if ByName(f.Name) == nil || ByName(f.Name).Name != f.Name {
				t.Errorf("ByName does not know it")
			}
			first, _, _ := strings.Cut(f.Doc, "\n")
			if first == "" || !strings.HasPrefix(f.Doc, first+"\n\n") {
				t.Errorf("doc begins with no line of its own: %q", first)
			}
			if len(f.Samples) == 0 {
				t.Errorf("no samples")
			}
			parse, headers := f.New(), 0
			for _, line := range f.Samples {
				var fields Fields
				if err := parse(line, &fields); isHeader(f, line) && err != nil && rejectOf(err).Skip {
					headers++
				} else if err != nil {
					t.Errorf("%v\n  %s", err, line)
				}
				if fields.Time.Location() != time.UTC {
					t.Errorf("time is in %v\n  %s", fields.Time.Location(), line)
				}
			}
			guess, ok := Guess(All(), f.Samples)
			if !ok || guess.Format.Name != f.Name || guess.Parsed != len(f.Samples)-headers || guess.Of != len(f.Samples) {
				t.Errorf("its samples are taken for %s: %+v", guess.Format.Name, guess)
			}
		})
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(want) {
		t.Errorf("two formats of one name: %v", names)
	}
	if ByName("no such format") != nil {
		t.Error("ByName knows what is not there")
	}
	have, err := filepath.Glob(goldens + "/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := range have {
		have[i] = filepath.Base(have[i])
	}
	want = append(want, "log_format.txtar", "columns.txtar") // of formats made at run time
	want = append(want, jsonGoldens...)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("golden files %v, want %v", have, want)
	}
}

// isHeader tells whether the line holds one of those that say how later ones are read.
func isHeader(f *Format, line string) bool {
	return slices.ContainsFunc(f.Headers, func(prefix string) bool { return strings.Contains(line, prefix) })
}

// TestGolden reads the .log files of each archive and compares what comes out, a
// JSON object a line, with its .fields files. A .conf beside a .log is an nginx.conf
// that says its format; a .keys says which keys of the log our fields are; a .head has the lines
// that columns are told by.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob(goldens + "/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			golden := &txtar.Archive{Comment: archive.Comment}
			for _, file := range archive.Files {
				if strings.HasSuffix(file.Name, ".fields") {
					continue
				}
				golden.Files = append(golden.Files, file)
				if scene, ok := strings.CutSuffix(file.Name, ".log"); ok {
					parse := goldenFormat(t, archive, scene).New()
					got := []byte(dumpLines(parse, string(file.Data)))
					if want := member(archive, scene+".fields"); !*update && string(got) != want {
						t.Errorf("%s\ngot\n%swant\n%s", file.Name, got, want)
					}
					golden.Files = append(golden.Files, txtar.File{Name: scene + ".fields", Data: got})
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(golden), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// goldenFormat returns the format of a scene of an archive.
func goldenFormat(t *testing.T, archive *txtar.Archive, scene string) *Format {
	t.Helper()
	if text := member(archive, scene+".conf"); text != "" {
		conf, err := ReadNginxConf(fstest.MapFS{"nginx.conf": {Data: []byte(text)}}, "nginx.conf")
		if err != nil {
			t.Fatal(err)
		}
		format, err := conf.Format(conf.Formats[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		return format
	}
	if text := member(archive, scene+".keys"); text != "" {
		config := JSONConfig{Fields: map[string]string{}}
		for line := range strings.Lines(text) {
			name, key, _ := strings.Cut(strings.TrimSpace(line), ": ")
			config.Fields[name] = key
		}
		if err := config.Check(); err != nil {
			t.Fatal(err)
		}
		return JSON(config)
	}
	if member(archive, "format") == "columns\n" {
		head := cmp.Or(member(archive, scene+".head"), member(archive, scene+".log"))
		format := Columns(strings.Split(strings.TrimSuffix(head, "\n"), "\n"))
		if format == nil {
			t.Fatalf("%s: no columns", scene)
		}
		return format
	}
	format := ByName(strings.TrimSuffix(scene, filepath.Ext(scene)))
	if format == nil {
		format = ByName(strings.TrimSpace(member(archive, "format")))
	}
	if format == nil {
		t.Fatalf("%s: no format", scene)
	}
	return format
}

func member(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// dumpLines reads the lines and writes what each says as a line of JSON.
func dumpLines(parse ParseFunc, text string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		var f Fields
		var v any
		if err := parse(line, &f); err != nil {
			v = err.(*Reject)
		} else {
			v = logFields(&f)
		}
		if err := enc.Encode(v); err != nil {
			panic(err)
		}
	}
	return out.String()
}

// logFields returns what f says, without what it does not.
func logFields(f *Fields) any {
	number := func(n int64) *int64 {
		if n < 0 {
			return nil
		}
		return &n
	}
	duration := ""
	if f.Duration >= 0 {
		duration = f.Duration.String()
	}
	return struct {
		Time                                                   time.Time
		Remote, ForwardedFor, User                             string `json:",omitempty"`
		Method, Target, Host                                   string `json:",omitempty"`
		Status                                                 int
		Bytes                                                  *int64 `json:",omitempty"`
		Duration, UserAgent, Referer, RequestID                string `json:",omitempty"`
		APIKey, Authorization, Cookie, Token, TokenID, Session string `json:",omitempty"`
		Tenant, AskedTenant, Body                              string `json:",omitempty"`
		Records                                                *int64 `json:",omitempty"`
	}{
		f.Time, f.Remote, f.ForwardedFor, f.User, f.Method, f.Target, f.Host, f.Status, number(f.Bytes),
		duration, f.UserAgent, f.Referer, f.RequestID,
		f.APIKey, f.Authorization, f.Cookie, f.Token, f.TokenID, f.Session, f.Tenant, f.AskedTenant, f.Body, number(f.Records),
	}
}

// TestTornLines cuts every sample and golden line at every byte: whatever a parse
// function makes of it, it does not panic, and what it rejects leaves nothing behind.
func TestTornLines(t *testing.T) {
	for _, format := range All() {
		t.Run(format.Name, func(t *testing.T) {
			parse := format.New()
			var clean, f Fields
			clean.reset()
			for _, line := range sampleLines(t, format) {
				for n := range len(line) + 1 {
					for _, torn := range [...]string{line[:n], line[n:]} {
						if err := parse(torn, &f); err != nil && rejectOf(err).Reason == "" {
							t.Fatalf("rejected without a reason: %q", torn)
						}
					}
				}
				if parse("", &f) == nil || f != clean {
					t.Fatalf("a blank line gives %+v", f)
				}
			}
		})
	}
}

// sampleLines returns the samples of a format and the lines of its golden file.
func sampleLines(t testing.TB, format *Format) []string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join(goldens, format.Name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Clone(format.Samples)
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, ".log") {
			all = append(all, strings.Split(strings.TrimSuffix(string(file.Data), "\n"), "\n")...)
		}
	}
	return all
}

// TestParseDoesNotAllocate holds for every sample that has nothing to unescape.
func TestParseDoesNotAllocate(t *testing.T) {
	for _, format := range All() {
		t.Run(format.Name, func(t *testing.T) {
			parse := format.New()
			var f Fields
			for _, line := range format.Samples {
				if strings.Contains(line, `\x`) {
					continue
				}
				if err := parse(line, &f); err != nil && isHeader(format, line) && rejectOf(err).Skip {
					continue
				}
				allocs := testing.AllocsPerRun(100, func() {
					if err := parse(line, &f); err != nil {
						t.Error(err)
					}
				})
				if allocs != 0 {
					t.Errorf("%v allocations\n  %s", allocs, line)
				}
			}
		})
	}
}

func TestGuess(t *testing.T) {
	common := `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 10`
	combined := common + ` "-" "curl/8.5.0"`
	errorLine := `2026/03/01 10:00:00 [error] 31#31: *46 open() failed`
	tests := []struct {
		name  string
		lines []string
		want  string
		ok    bool
	}{
		{"combined", []string{combined, combined}, "nginx-combined", true},
		{"common", []string{common, common}, "nginx-common", true},
		{"combined with a line of common", []string{combined, common, combined}, "nginx-combined", true},
		{"with errors that are skipped", []string{errorLine, errorLine, errorLine, combined}, "nginx-combined", true},
		{"half", []string{combined, "x"}, "nginx-combined", true},
		{"less than half", []string{combined, "x", "y"}, "nginx-combined", false},
		{"only what is skipped", []string{errorLine, errorLine}, "nginx-common", false},
		{"Rack, but for a line", []string{common + " 0.0123", common}, "nginx-combined", true},
		{"seconds that are not Rack's", []string{common + " 0.012", common + " 7"}, "nginx-combined", true},
		{"Flask, started elsewhere", []string{`203.0.113.9 - - [01/Mar/2026 10:00:00] "GET / HTTP/1.1" 200 -`}, "werkzeug", true},
		{"Uvicorn without a time", []string{`INFO:     203.0.113.9:40000 - "GET / HTTP/1.1" 200 OK`}, "uvicorn", false},
		{"morgan without a time", []string{"GET / 200 5 - 1.2 ms"}, "morgan-short", false},
		{"Rails", []string{`Started GET "/" for 203.0.113.9 at 2026-03-01 10:00:00 +0000`, "Completed 200 OK in 8ms"}, "rails", true},
		{"Rails, nothing of which was answered", []string{`Started GET "/" for 203.0.113.9 at 2026-03-01 10:00:00 +0000`, "Processing by A#b as HTML"}, "rails", false},
		{"pairs with tabs that are no log", []string{"key:a\tvalue:1", "key:b\tvalue:2"}, "aws-alb", false},
		{"numbers that are not Squid's", []string{"1772359200.123 110 203.0.113.9 a/b 5 c d"}, "aws-alb", false},
		{"JSON of another logger", []string{`{"level":"info","msg":"started","time":"2026-03-01T10:00:00Z"}`}, "json", false},
		{"nothing", nil, "aws-alb", false},
		{"noise", []string{"x", "y"}, "aws-alb", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			best, ok := Guess(All(), test.lines)
			if best.Format.Name != test.want || ok != test.ok {
				t.Errorf("got %s, %v (%+v), want %s, %v", best.Format.Name, ok, best, test.want, test.ok)
			}
			if best.Of != len(test.lines) {
				t.Errorf("of %d, want %d", best.Of, len(test.lines))
			}
		})
	}
	if best, ok := Guess(nil, []string{combined}); ok || best.Format != nil {
		t.Errorf("no formats, and yet a guess: %+v", best)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, format := range All() {
		b.Run(format.Name, func(b *testing.B) { benchmark(b, format, format.Samples[:1]) })
	}
	compiled, err := NginxLogFormat("main", `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`, "")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("log_format", func(b *testing.B) { benchmark(b, compiled, NginxCombined().Samples[:1]) })
}

func benchmark(b *testing.B, format *Format, lines []string) {
	parse := format.New()
	var f Fields
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := parse(lines[i%len(lines)], &f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
