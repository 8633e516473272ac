//go:build unix

package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
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

// What cannot be opened is told, once as long as it is for the same reason, and is read as
// soon as it can be. What is not there is told of at the beginning.
func TestFollowShut(t *testing.T) {
	dir := t.TempDir()
	loop, none, pattern := filepath.Join(dir, "loop.log"), filepath.Join(dir, "none.log"), filepath.Join(dir, "*.gone")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed.log")
	write(t, closed, logLine(1, "/n/1"))
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	f := source.Follow([]string{loop, none, pattern, closed}, source.FollowOptions{Poll: true, Now: func() time.Time { return start }})
	defer f.Close()
	opts := options(t, time.Minute)
	told := func(when string, want ...string) {
		t.Helper()
		f.Find()
		f.Join(opts)
		var got []string
		for _, s := range f.Shut() {
			got = append(got, filepath.Base(s.Path)+": "+s.Err.Error())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s it tells %q, want %q", when, got, want)
		}
	}
	first := []string{"loop.log: too many levels of symbolic links", "none.log: is not there yet", "*.gone: no file matches yet"}
	if os.Geteuid() != 0 {
		first = append(first, "closed.log: permission denied")
	}
	told("at first", first...)
	told("again")
	if err := errors.Join(os.Remove(loop), os.Chmod(closed, 0o600)); err != nil {
		t.Fatal(err)
	}
	write(t, loop, logLine(1, "/n/1"))
	told("when it can be read")
	if err := errors.Join(os.Remove(loop), os.Symlink(loop, loop)); err != nil {
		t.Fatal(err)
	}
	told("when it cannot be any more", first[0])
}
