package source_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nxadm/tail"

	"github.com/litesoc/litesoc/parsers/source"
)

// nxadm is a log followed by github.com/nxadm/tail.
type nxadm struct {
	t    *testing.T
	tail *tail.Tail
	read []string
}

func followNxadm(t *testing.T, path string) *nxadm {
	followed, err := tail.TailFile(path, tail.Config{Follow: true, ReOpen: true, Poll: true, Logger: tail.DiscardingLogger})
	if err != nil {
		t.Fatal(err)
	}
	return &nxadm{t: t, tail: followed}
}

// until reads up to a line, or to where nothing comes any more. v1.4.11 looks at the name of
// the log once it has read its last line: if that is renamed just before, it gives up, and if
// there is a new log too, it waits for ever at the end of the old one. What it has not read
// then is lost.
func (n *nxadm) until(line string) {
	n.t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case l, ok := <-n.tail.Lines:
			if !ok {
				n.t.Logf("ended before %q: %v", line, n.tail.Err())
				return
			}
			n.read = append(n.read, l.Text+"\n")
			if l.Text+"\n" == line {
				return
			}
		case <-late:
			n.t.Logf("nothing more came before %q", line)
			return
		}
	}
}

// What github.com/nxadm/tail v1.4.11 loses and makes up is why logs are followed by code of
// our own. The same is done to a log for both. Should a later version lose nothing here, it
// could take the place of Follower's reading.
func TestNxadmTail(t *testing.T) {
	for _, c := range []struct {
		name string
		// do writes, and tells after which line it is the reader's turn.
		do   func(w *logWriter, turn func(after string))
		lost bool // lines
		torn bool // there are lines that nobody wrote
	}{
		{"renamed, and written to after it", func(w *logWriter, turn func(string)) {
			line := w.line()
			w.text(line)
			turn(line)
			w.rename(w.path + ".1")
			old := w.file
			w.file = nil
			w.reopen()
			line = w.line()
			w.text(line)
			turn(line)
			_, err := old.WriteString(w.line()) // by a worker that still ends its requests
			w.check(errors.Join(err, old.Close()))
			line = w.line()
			w.text(line)
			turn(line)
		}, true, false},
		{"emptied, and grown beyond what it was", func(w *logWriter, turn func(string)) {
			line := w.line()
			w.text(line)
			turn(line)
			w.empty()
			w.text(strings.Replace(w.line(), "/n/", "/nn/", 1)) // longer by a byte
			line = w.line()
			w.text(line)
			turn(line)
		}, true, true},
		{"the last line has no end", func(w *logWriter, turn func(string)) {
			line := w.line()
			w.text(line)
			turn(line)
			w.text(strings.TrimSuffix(w.line(), "\n"))
			turn("")
		}, true, false},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			// Theirs.
			w := newLogWriter(t, filepath.Join(t.TempDir(), "access.log"))
			w.reopen()
			theirs := followNxadm(t, w.path)
			c.do(w, func(after string) {
				if after != "" {
					theirs.until(after)
				}
			})
			theirs.tail.Stop()
			for l := range theirs.tail.Lines {
				theirs.read = append(theirs.read, l.Text+"\n")
			}
			theirs.tail.Cleanup()
			var written []string
			for n := range w.next {
				written = append(written, logLine(n+1, "/n/"), logLine(n+1, "/nn/"))
			}
			lines, torn := 0, 0
			for _, line := range theirs.read {
				head, tail, _ := strings.Cut(line, `n/`)
				_, tail, _ = strings.Cut(tail, " ")
				if slices.Contains(written, head+"n/ "+tail) {
					lines++
				} else {
					torn++
				}
			}
			if lost := lines < w.next; lost != c.lost || torn > 0 != c.torn {
				t.Errorf("nxadm/tail lost lines: %v, and made some up: %v; the README says otherwise. It read %q", lost, torn > 0, theirs.read)
			}
			// Ours.
			w = newLogWriter(t, filepath.Join(t.TempDir(), "access.log"))
			w.reopen()
			s := watch(t, source.FollowOptions{Poll: true}, w.path)
			c.do(w, func(string) { s.round() })
			s.stop()
			if len(s.kept) != w.next {
				t.Errorf("%d lines of %d were read", len(s.kept), w.next)
			}
		})
	}
}
