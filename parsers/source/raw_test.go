package source_test

import (
	"archive/zip"
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
	write(t, filepath.Join(filepath.Dir(path), "other.log"), "\x1f\x8b\x08\x00no more of it")
	if lines, err := source.Raw(known, []int64{2}, opts); err == nil || !strings.Contains(err.Error(), "another one now") {
		t.Errorf("gone, beside a file that is broken: got %v, %v", lines, err)
	}
	write(t, path, "\x1f\x8b\x08\x00no more of it")
	if lines, err := source.Raw(known, []int64{2}, opts); err == nil || !strings.Contains(err.Error(), "flate: corrupt") {
		t.Errorf("broken: got %v, %v", lines, err)
	}
	known.Source.Path = "-"
	if _, err := source.Raw(known, []int64{2}, opts); err == nil {
		t.Error("standard input: no error")
	}
}

// Lines of a log in an archive are read again from there, packed once more or not.
func TestRawInArchives(t *testing.T) {
	content := logLine(0, "/a") + logLine(1, "/b?token=s3cr3t-s3cr3t-s3cr3t") + logLine(2, "/c")
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, archive := range map[string]string{
		"logs.zip":   zipOf(t, zip.Deflate, entry{"other.txt", "nothing\n"}, entry{"logs/access.log", content}),
		"logs.tar":   tarOf(t, entry{"logs/access.log", content}),
		"packed.tar": tarOf(t, entry{"logs/access.log.gz", packed.String()}),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), name), archive)
			var known source.Known
			for _, l := range read(t, options(t, 0), path).plan.Logs {
				if l.At.Parsed > 0 {
					known = source.Known{Source: *l.Source, HeadLen: l.HeadLen, At: l.At}
				}
			}
			opts := options(t, 0)
			opts.Known = []source.Known{known}
			lines, err := source.Raw(known, []int64{1, 2}, opts)
			if err != nil || len(lines) != 2 || !strings.Contains(lines[1], `"GET /a `) || !strings.Contains(lines[2], `"GET /b?token=tok_`) {
				t.Errorf("%v, %v", lines, err)
			}
		})
	}
}
