package source

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// found lists what Find makes of some paths.
func found(args ...string) (files, failures []string) {
	fs, fails := Find(args, nil)
	for _, f := range fs {
		files = append(files, filepath.ToSlash(f.Path))
	}
	for _, f := range fails {
		failures = append(failures, fmt.Sprintf("%s: %v", filepath.ToSlash(f.Path), f.Err))
	}
	return files, failures
}

// put writes a file and the folders above it.
func put(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, from string) {
	t.Helper()
	if err := os.Symlink(to, from); err != nil {
		t.Skip(err)
	}
}

func fifo(t *testing.T, path string) {
	t.Helper()
	if err := exec.Command("mkfifo", path).Run(); err != nil {
		t.Skip("no mkfifo here")
	}
}

// Whatever stands in a folder, files are found once and nothing else is opened.
func TestHostilePaths(t *testing.T) {
	for _, test := range []struct {
		name            string
		make            func(t *testing.T)
		args            []string
		files, failures []string
	}{
		{"loop of links", func(t *testing.T) { link(t, "b", "a"); link(t, "a", "b") }, []string{"a"},
			nil, []string{"a: too many levels of symbolic links"}},
		{"loop of links in a folder", func(t *testing.T) { put(t, "d/log", "x"); link(t, "b", "d/a"); link(t, "a", "d/b") }, []string{"d"},
			[]string{"d/log"}, []string{"d/a: too many levels of symbolic links", "d/b: too many levels of symbolic links"}},
		{"link to the folder above", func(t *testing.T) { put(t, "d/log", "x"); link(t, "..", "d/up"); link(t, ".", "d/here") }, []string{"d"},
			[]string{"d/log"}, nil},
		{"linked from two folders", func(t *testing.T) { put(t, "d/log", "x"); link(t, "log", "d/again") }, []string{"d", "d/log", "."},
			[]string{"d/again"}, nil},
		{"socket", func(t *testing.T) { listen(t, "s") }, []string{"s"},
			nil, []string{"s: not a file but a socket"}},
		{"socket in a folder", func(t *testing.T) { put(t, "d/log", "x"); listen(t, "d/s") }, []string{"d"},
			[]string{"d/log"}, nil},
		{"pipe in a folder", func(t *testing.T) { put(t, "d/log", "x"); fifo(t, "d/p") }, []string{"d"},
			[]string{"d/log"}, nil},
		{"names", func(t *testing.T) {
			put(t, "d/a\nb", "x")
			put(t, "d/\x1b[2J", "x")
			put(t, "d/\xff", "x")
			put(t, "d/-", "x")
		}, []string{"d"},
			[]string{"d/\x1b[2J", "d/-", "d/a\nb", "d/\xff"}, nil},
		{"name that is a pattern", func(t *testing.T) { put(t, "a[1]*.log", "x"); put(t, "a1x.log", "x") }, []string{"a[1]*.log"},
			[]string{"a[1]*.log"}, nil},
		{"bad pattern", func(t *testing.T) {}, []string{"a["},
			nil, []string{"a[: pattern: syntax error in pattern"}},
		{"NUL in a name", func(t *testing.T) {}, []string{"a\x00b"},
			nil, []string{"a\x00b: invalid argument"}},
		{"name that is too long", func(t *testing.T) {}, []string{strings.Repeat("x", 5000)},
			nil, []string{strings.Repeat("x", 5000) + ": file name too long"}},
		{"file as a folder", func(t *testing.T) { put(t, "a", "x") }, []string{"a/b"},
			nil, []string{"a/b: not a directory"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			test.make(t)
			files, failures := found(test.args...)
			if !slices.Equal(files, test.files) || !slices.Equal(failures, test.failures) {
				t.Errorf("files %q, failures %q; want %q, %q", files, failures, test.files, test.failures)
			}
		})
	}
}

func listen(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
}

// A device is never read: some never end.
func TestDevices(t *testing.T) {
	for _, path := range []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random"} {
		t.Run(path, func(t *testing.T) {
			if _, err := os.Stat(path); err != nil {
				t.Skip(err)
			}
			if files, failures := found(path); len(files) != 0 || !slices.Equal(failures, []string{path + ": not a file but a device"}) {
				t.Errorf("files %q, failures %q", files, failures)
			}
		})
	}
}

// A thousand folders in each other are gone through, longer than a path may be.
func TestDeepFolders(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Cleanup(func() { exec.Command("rm", "-rf", dir).Run() }) // by steps: the path is too long for one call
	put(t, "d/log", "x")
	at := "d"
	for range 1000 {
		at = filepath.Join(at, "dir")
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Skip(err)
	}
	put(t, filepath.Join(at, "log"), "x")
	files, failures := found("d")
	if len(files) != 2 || len(failures) != 0 {
		t.Errorf("%d files, failures %.200q; want 2", len(files), failures)
	}
}

func TestForbiddenFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read all")
	}
	t.Chdir(t.TempDir())
	put(t, "d/log", "x")
	put(t, "d/secret/log", "x")
	if err := os.Chmod("d/secret", 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod("d/secret", 0o755) })
	files, failures := found("d")
	if !slices.Equal(files, []string{"d/log"}) || !slices.Equal(failures, []string{"d/secret: permission denied"}) {
		t.Errorf("files %q, failures %q", files, failures)
	}
}

// A pipe is read to its end when someone writes to it, and else told, not waited for
// without end.
func TestPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	fifo(t, "p")
	t.Run("written to", func(t *testing.T) {
		go os.WriteFile("p", []byte("hello"), 0)
		files, failures := Find([]string{"p"}, nil)
		if len(files) != 1 || len(failures) != 0 {
			t.Fatalf("files %v, failures %v", files, failures)
		}
		if text, err := io.ReadAll(files[0].stdin); string(text) != "hello" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
	t.Run("nobody writes", func(t *testing.T) {
		f := finder{patience: time.Millisecond}
		f.argument("p")
		want := "a pipe that nothing has begun to write to in 1ms"
		if len(f.files) != 0 || len(f.failures) != 1 || f.failures[0].Err.Error() != want || !f.failures[0].Fatal {
			t.Errorf("files %v, failures %v; want %q", f.files, f.failures, want)
		}
		os.WriteFile("p", nil, 0) // lets the open that waits go
	})
}
