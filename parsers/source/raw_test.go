package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/litesoc/litesoc/parsers/source"
)

// TestRaw reads lines again from where a log was, from where it was rotated to, and from
// a log that is another one by now.
func TestRaw(t *testing.T) {
	dir := t.TempDir()
	content := logLine(0, "/a") + logLine(1, "/b?token=s3cr3t-s3cr3t-s3cr3t") + "not a line\n" + logLine(2, "/c\x1b[2J")
	path := write(t, filepath.Join(dir, "access.log"), content)
	rd := read(t, options(t, 0), path)
	l := rd.plan.Logs[0]
	known := source.Known{Source: *l.Source, HeadLen: l.HeadLen, At: l.At}
	opts := options(t, 0)
	opts.Known = []source.Known{known}
	check := func(what string) {
		t.Helper()
		lines, err := source.Raw(known, []int64{2, 3, 4, 99}, opts)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if len(lines) != 3 || !strings.Contains(lines[2], `"GET /b?token=`) || lines[3] != "not a line" || !strings.Contains(lines[4], `/c\x1b[2J`) {
			t.Errorf("%s: got %v", what, lines)
		}
		if strings.Contains(lines[2], "s3cr3t") {
			t.Errorf("%s: a secret is shown: %s", what, lines[2])
		}
	}
	check("in its place")

	packed, err := os.Create(filepath.Join(dir, "access.log.1.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(packed)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, path, logLine(500, "/new")+logLine(501, "/new"))
	check("rotated and packed")

	if err := os.Remove(packed.Name()); err != nil {
		t.Fatal(err)
	}
	if lines, err := source.Raw(known, []int64{2}, opts); err == nil || !strings.Contains(err.Error(), "another one now") {
		t.Errorf("gone: got %v, %v", lines, err)
	}
	known.Source.Path = "-"
	if _, err := source.Raw(known, []int64{2}, opts); err == nil {
		t.Error("standard input: no error")
	}
}
