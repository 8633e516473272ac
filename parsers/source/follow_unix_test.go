//go:build unix

package source_test

import (
	"path/filepath"
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
