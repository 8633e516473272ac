package source_test

import (
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// keep reads a log and returns options that know it and what is kept of it.
func keep(t *testing.T, content string) *source.Options {
	t.Helper()
	opts := options(t, time.Minute)
	files, _ := source.Find([]string{write(t, filepath.Join(t.TempDir(), "access.log"), content)}, nil)
	p := source.Look(files, opts)
	l := p.Logs[0]
	var kept []parsers.Request
	for {
		b, err := l.Next()
		if err != nil {
			break
		}
		kept = append(kept, b.Requests...)
	}
	opts.Known = []source.Known{{Source: *l.Source, HeadLen: l.HeadLen, At: l.At}}
	opts.Kept = func(source int) iter.Seq2[*parsers.Request, error] {
		return func(yield func(*parsers.Request, error) bool) {
			for i := range kept {
				if !yield(&kept[i], nil) {
					return
				}
			}
		}
	}
	return opts
}

// A copy of a log, made before that was read to where it stands, is the same log: it
// holds nothing new. What only begins like it is another.
func TestEarlierCopy(t *testing.T) {
	content := manyLines(500) + "no log line\n" + manyLines(500)
	half := content[:strings.LastIndexByte(content[:len(content)/2], '\n')+1]
	for _, test := range []struct {
		name, content string
		want          bool
	}{
		{"half", half, true},
		{"half, packed", compress(t, "gzip", half), true},
		{"packed and cut short", compress(t, "gzip", content)[:5000], true},
		{"one line", content[:strings.IndexByte(content, '\n')+1], true},
		{"torn in the last line's path", half + logLine(9, "/p")[:50], true},
		{"another line at the end", half + logLine(9, "/other"), false},
		{"another first line", logLine(0, "/other") + half, false},
		{"a line is missing", strings.Replace(half, half[2000:2000+strings.IndexByte(half[2000:], '\n')+1], "", 1), false},
		{"goes on otherwise", content + logLine(9999, "/new"), true}, // it is the log itself, grown
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := keep(t, content)
			files, _ := source.Find([]string{write(t, filepath.Join(t.TempDir(), "backup"), test.content)}, nil)
			p := source.Look(files, opts)
			if len(p.Logs) != 1 {
				t.Fatalf("%d logs, failures %v", len(p.Logs), p.Failures)
			}
			l := p.Logs[0]
			if got := l.Source.ID == 1; got != test.want {
				t.Errorf("the same log: %v, want %v", got, test.want)
			}
			if test.want && l.Over() == strings.HasPrefix(test.name, "goes on") {
				t.Errorf("read to its end: %v", l.Over())
			}
			if !test.want && l.Over() {
				t.Error("another log is told to be read already")
			}
		})
	}
}

// A log that was read in another format, or for a site of which other things were said,
// is read again; one that is merely scanned again is not.
func TestAnotherFormat(t *testing.T) {
	content := manyLines(300)
	given := func(name, text string) []*parsers.Format {
		f := *parsers.NginxCombined()
		f.Name, f.Given = name, text
		return []*parsers.Format{&f}
	}
	proxied, err := parsers.NewSite(parsers.SiteConfig{TrustedProxies: []string{"192.0.2.0/24"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		formats []*parsers.Format
		site    *parsers.Site
		want    bool
	}{
		{"same", given("nginx-combined", ""), nil, false},
		{"guessed", parsers.All(), nil, false},
		{"other name", given("nginx", ""), nil, true},
		{"other text", given("nginx-combined", "$host"), nil, true},
		{"other site", parsers.All(), proxied, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := keep(t, content)
			opts.Formats = test.formats
			if test.site != nil {
				opts.Site = test.site
			}
			rd := read(t, opts, write(t, filepath.Join(t.TempDir(), "a.log"), content))
			l := rd.plan.Logs[0]
			if l.Anew() != test.want || l.Source.ID != 1 {
				t.Errorf("anew %v, source %d; want %v, 1", l.Anew(), l.Source.ID, test.want)
			}
			if want := map[bool]int{true: 300}[test.want]; len(rd.kept) != want || l.At.Parsed != int64(want) && test.want {
				t.Errorf("%d lines read, want %d", len(rd.kept), want)
			}
		})
	}
}
