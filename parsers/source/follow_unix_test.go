//go:build unix

package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers/source"
)

// A pipe is read as it comes, while others write to it and while none does.
func TestFollowPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s := watch(t, source.FollowOptions{AtEnd: true}, path)
	s.round()
	w := newLogWriter(t, path)
	until := func(n int) {
		t.Helper()
		for len(s.kept) < n {
			s.f.Wait(t.Context(), time.Minute)
			s.round()
		}
	}
	for n := range 3 {
		w.reopen()
		w.lines(2)
		w.file.Close()
		w.file = nil
		until(2 * (n + 1))
	}
	s.has(1, 6)
}

// A copy that nobody writes to any more is given back: it would keep its disk space for ever.
func TestFollowGivesBack(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(t, filepath.Join(dir, "access.log"))
	w.reopen()
	s := watch(t, source.FollowOptions{Poll: true, AtEnd: true}, w.path)
	s.round()
	w.lines(3)
	s.round()
	w.rename(w.path + ".1")
	w.reopen()
	w.lines(3)
	s.kill()
	s.round()
	open := func() (n int) {
		for _, l := range s.at {
			if strings.HasSuffix(l.File.Path, ".1") && !l.Over() {
				n++
			}
		}
		return n
	}
	if open() != 1 {
		t.Fatalf("%d copies are followed, want 1", open())
	}
	w.check(os.Remove(w.path + ".1"))
	s.round()
	s.now = s.now.Add(2 * time.Minute)
	s.round()
	s.round()
	if open() != 0 {
		t.Error("a copy that was deleted is followed still")
	}
	s.has(1, w.next)
}
