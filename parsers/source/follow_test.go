package source_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// A logWriter writes numbered lines as a server does, which keeps its file open through
// all that is done to the name.
type logWriter struct {
	t    testing.TB
	path string
	file *os.File
	next int
}

func newLogWriter(t testing.TB, path string) *logWriter {
	w := &logWriter{t: t, path: path}
	t.Cleanup(func() { w.file.Close() })
	return w
}

func (w *logWriter) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// reopen opens the file by its name, as a server does when it is told to.
func (w *logWriter) reopen() {
	if w.file != nil {
		w.file.Close()
	}
	var err error
	w.file, err = os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	w.check(err)
}

func (w *logWriter) line() string {
	w.next++
	return logLine(w.next, fmt.Sprintf("/n/%d", w.next))
}

// lines writes so many lines.
func (w *logWriter) lines(n int) {
	var b strings.Builder
	for range n {
		b.WriteString(w.line())
	}
	w.text(b.String())
}

func (w *logWriter) text(s string) {
	_, err := w.file.WriteString(s)
	w.check(err)
}

func (w *logWriter) rename(to string) { w.check(os.Rename(w.path, to)) }

// copyTo copies the log, as logrotate does before it empties it.
func (w *logWriter) copyTo(to string) {
	text, err := os.ReadFile(w.path)
	w.check(err)
	w.check(os.WriteFile(to, text, 0o600))
}

func (w *logWriter) empty() { w.check(os.Truncate(w.path, 0)) }

// pack compresses a file and takes it away.
func pack(t testing.TB, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	if err := errors.Join(os.WriteFile(path+".gz", b.Bytes(), 0o600), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
}

// A watch is what follows logs in a test: it keeps what a store would.
type watching struct {
	t    testing.TB
	opts *source.Options
	args []string
	how  source.FollowOptions
	now  time.Time
	f    *source.Follower
	at   map[string]*source.Log // by path
	// What is kept: by log and line, what was asked for.
	kept  map[string]*parsers.Request
	known map[int]source.Known
	told  []string // each once
	tells []string // what is to be told
}

func watch(t testing.TB, how source.FollowOptions, args ...string) *watching {
	w := &watching{t: t, opts: options(t, time.Minute), args: args, how: how, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		kept: map[string]*parsers.Request{}, known: map[int]source.Known{}}
	w.opts.Kept = w.keptOf
	w.how.Now = func() time.Time { return w.now }
	w.how.Grace = 2 * time.Second
	w.begin()
	t.Cleanup(func() { w.f.Close() })
	return w
}

func (w *watching) begin() {
	w.f = source.Follow(w.args, w.how)
	w.at = map[string]*source.Log{}
}

// kill forgets all but what is kept, and begins anew.
func (w *watching) kill() {
	w.f.Close()
	w.begin()
}

// round looks once and reads all there is.
func (w *watching) round() {
	w.t.Helper()
	w.look(math.MaxInt)
}

// look looks once and reads so many batches.
func (w *watching) look(batches int) {
	w.t.Helper()
	w.now = w.now.Add(2 * time.Second)
	if w.f.Find() {
		w.opts.Known = nil
		for _, id := range slices.Sorted(maps.Keys(w.known)) {
			w.opts.Known = append(w.opts.Known, w.known[id])
		}
		j := w.f.Join(w.opts)
		for _, l := range j.Logs {
			w.at[l.File.Path] = l
		}
		for _, fail := range j.Failures {
			if text := filepath.Base(fail.Path) + ": " + fail.Err.Error(); !slices.Contains(w.told, text) {
				w.told = append(w.told, text)
			}
		}
		for _, b := range j.Batches {
			w.take(b)
		}
	}
	for range batches {
		b, err := w.f.Next()
		if err == source.ErrForNow {
			return
		}
		if err != nil {
			w.t.Fatal(err)
		}
		w.take(b)
	}
}

func (w *watching) take(b *source.Batch) {
	w.t.Helper()
	l := b.Log
	if b.Replaces > 0 {
		delete(w.kept, key(l.Source.ID, b.Replaces))
	}
	for i := range b.Requests {
		r := &b.Requests[i]
		k := key(l.Source.ID, r.Line)
		if w.kept[k] != nil {
			w.t.Errorf("line %s of %s comes twice", k, l.Source.Path)
		}
		w.kept[k] = r
	}
	for _, r := range b.Rejects {
		w.t.Errorf("rejected: %s: %s", r.Reason, r.Sample)
	}
	w.known[l.Source.ID] = source.Known{Source: *l.Source, HeadLen: l.HeadLen, At: b.After}
}

// keptOf yields what is kept of a log.
func (w *watching) keptOf(id int) iter.Seq2[*parsers.Request, error] {
	var of []*parsers.Request
	for _, r := range w.kept {
		if r.Source.ID == id {
			of = append(of, r)
		}
	}
	slices.SortFunc(of, (*parsers.Request).Compare)
	return func(yield func(*parsers.Request, error) bool) {
		for _, r := range of {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// stop ends as tail does when it is told to.
func (w *watching) stop() {
	w.t.Helper()
	w.round()
	w.round()
	w.f.End()
	for {
		b, err := w.f.Next()
		if err == source.ErrForNow {
			break
		}
		if err != nil {
			w.t.Fatal(err)
		}
		w.take(b)
	}
}

// has checks that the lines from one number to another were read once each, and no other, and
// that of nothing else was told.
func (w *watching) has(from, to int) {
	w.t.Helper()
	if !slices.Equal(w.told, w.tells) {
		w.t.Errorf("told %q, want %q", w.told, w.tells)
	}
	times := map[int]int{}
	for _, r := range w.kept {
		n, err := strconv.Atoi(strings.TrimPrefix(r.Path, "/n/"))
		if err != nil {
			w.t.Errorf("read %q, which was never written", r.Path)
		}
		times[n]++
	}
	var lost, twice []int
	for n := from; n <= to; n++ {
		if times[n] == 0 {
			lost = append(lost, n)
		}
		if times[n] > 1 {
			twice = append(twice, n)
		}
		delete(times, n)
	}
	if len(lost) > 0 || len(twice) > 0 || len(times) > 0 {
		w.t.Errorf("of %d to %d: lost %v, twice %v, more %v", from, to, lost, twice, times)
	}
}

// What is done to logs while they are written. Each is followed by being told of changes
// and by looking alone.
var hazards = []struct {
	name string
	args []string // default: the log itself
	do   func(w *logWriter, s *watching, dir string)
}{
	{"grows", nil, func(w *logWriter, s *watching, dir string) {
		for range 5 {
			w.lines(3)
			s.round()
		}
	}},
	{"is not there yet", nil, func(w *logWriter, s *watching, dir string) {
		w.check(os.Remove(w.path))
		s.kill()
		s.round()
		w.reopen()
		s.round()
		w.lines(3)
		s.round()
	}},
	{"its folder is not there yet", []string{"later/access.log"}, func(w *logWriter, s *watching, dir string) {
		s.round()
		w.check(os.Mkdir(filepath.Join(dir, "later"), 0o700))
		w.path = filepath.Join(dir, "later", "access.log")
		w.reopen()
		w.lines(3)
		s.round()
	}},
	{"lines come in pieces", nil, func(w *logWriter, s *watching, dir string) {
		for range 20 {
			line := w.line()
			for _, piece := range []string{line[:5], line[5:40], line[40 : len(line)-1], line[len(line)-1:]} {
				w.text(piece)
				s.round()
			}
		}
	}},
	{"the last line has no end", nil, func(w *logWriter, s *watching, dir string) {
		w.lines(3)
		s.round()
		w.text(strings.TrimSuffix(w.line(), "\n"))
		s.round()
		s.stop()
		s.kill()
		s.round()
		w.text("\n")
		s.round()
		w.lines(2)
		s.round()
	}},
	{"the last line has no end and goes on", nil, func(w *logWriter, s *watching, dir string) {
		w.lines(3)
		line := w.line()
		w.text(strings.TrimSuffix(line, " \"test\"\n"))
		s.round()
		s.kill()
		s.round()
		w.text(" \"test\"\n")
		s.round()
	}},
	{"renamed, and written to after it", nil, func(w *logWriter, s *watching, dir string) {
		w.lines(3)
		s.round()
		w.rename(w.path + ".1")
		w.lines(3)
		old := w.file
		w.file = nil
		w.reopen()
		w.lines(3)
		s.round()
		w.file, old = old, w.file
		w.lines(3)
		s.round()
		w.file, old = old, w.file
		w.lines(3)
		s.round()
		old.Close()
	}},
	{"renamed again and again, unseen", []string{"access.log*"}, func(w *logWriter, s *watching, dir string) {
		for n := range 5 {
			w.lines(3)
			if n%2 == 0 {
				s.round()
			}
			for i := n; i > 0; i-- {
				w.check(os.Rename(fmt.Sprintf("%s.%d", w.path, i), fmt.Sprintf("%s.%d", w.path, i+1)))
			}
			w.rename(w.path + ".1")
			w.reopen()
		}
		w.lines(3)
		s.round()
	}},
	{"looked at while its name leads to nothing, then rotated unseen", nil, func(w *logWriter, s *watching, dir string) {
		for n := range 4 {
			w.lines(3)
			s.round()
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, 2*n))
			if n > 1 {
				s.kill()
			}
			s.round()
			w.lines(3) // into the old file
			w.reopen()
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, 2*n+1))
			if n%2 == 1 {
				pack(w.t, fmt.Sprintf("%s.%d", w.path, 2*n+1))
			}
			w.reopen()
			w.lines(3)
			s.round()
		}
	}},
	{"looked at while it is empty, then rotated unseen", nil, func(w *logWriter, s *watching, dir string) {
		w.lines(3)
		for n := range 4 {
			w.rename(fmt.Sprintf("%s.%d", w.path, 3*n))
			w.reopen()
			if n > 1 {
				s.kill()
			}
			s.round()
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, 3*n+1))
			w.reopen()
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, 3*n+2))
			w.reopen()
			w.lines(3)
			s.round()
		}
	}},
	{"looked at while it is empty, then copied and emptied unseen", nil, func(w *logWriter, s *watching, dir string) {
		for n := range 4 {
			w.lines(3)
			s.round()
			w.rename(fmt.Sprintf("%s.%d", w.path, 3*n))
			w.reopen()
			s.round()
			for i := range 2 {
				w.lines(3)
				w.copyTo(fmt.Sprintf("%s.%d", w.path, 3*n+1+i))
				w.empty()
			}
			w.lines(3)
			s.round()
		}
	}},
	{"rotated unseen before a line of it was read", nil, func(w *logWriter, s *watching, dir string) {
		for n := range 2 {
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, n))
			w.reopen()
		}
		w.lines(3)
		s.round()
	}},
	{"rotated unseen before it was there", nil, func(w *logWriter, s *watching, dir string) {
		w.check(os.Remove(w.path))
		s.kill()
		s.round()
		for n := range 3 {
			w.reopen()
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, n))
		}
		pack(w.t, w.path+".1")
		w.reopen()
		s.round()
	}},
	{"rotated unseen when half a line was there", nil, func(w *logWriter, s *watching, dir string) {
		line := w.line()
		w.text(line[:9])
		s.round()
		w.text(line[9:])
		for n := range 3 {
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, n))
			w.reopen()
		}
		s.round()
	}},
	{"rotated to names of other kinds", nil, func(w *logWriter, s *watching, dir string) {
		for _, to := range []string{"old", "bak", "20260301.done"} {
			w.lines(3)
			s.round()
			w.rename(w.path + "." + to + ".1")
			w.reopen()
			w.lines(3)
			w.rename(w.path + "." + to)
			w.reopen()
			w.lines(3)
			if to != "old" {
				s.kill()
			}
			s.round()
		}
	}},
	{"the first line after it was rotated is of long before", nil, func(w *logWriter, s *watching, dir string) {
		late := func() { // a request that took so long
			w.next++
			w.text(logLine(w.next-600, fmt.Sprintf("/n/%d", w.next)))
			w.lines(3)
		}
		for n := range 4 {
			w.lines(3)
			s.round()
			w.rename(fmt.Sprintf("%s.%d", w.path, 2*n))
			w.reopen()
			late()
			w.rename(fmt.Sprintf("%s.%d", w.path, 2*n+1))
			w.reopen()
			late()
			if n > 1 {
				s.kill()
			}
			s.round()
		}
	}},
	{"copied and emptied", nil, func(w *logWriter, s *watching, dir string) {
		for n := range 4 {
			w.lines(3)
			s.round()
			w.lines(3) // unread when it is emptied: they stand in the copy
			w.copyTo(fmt.Sprintf("%s.%d", w.path, n))
			w.empty()
			w.lines(1 + n)
			s.round()
		}
	}},
	{"copied and emptied, the copies are followed too", []string{"access.log*"}, func(w *logWriter, s *watching, dir string) {
		for n := range 4 {
			w.lines(3)
			s.round()
			w.lines(3)
			w.copyTo(fmt.Sprintf("%s.%d", w.path, n))
			if n%2 == 0 {
				s.round()
			}
			w.lines(n % 2)
			if n%2 == 1 { // what comes after the copy is in no file once it is emptied
				s.round()
			}
			w.empty()
			w.lines(1 + n)
			s.round()
		}
	}},
	{"emptied, and grown beyond what it was", nil, func(w *logWriter, s *watching, dir string) {
		for n := range 4 {
			w.lines(2)
			s.round()
			w.empty()
			w.lines(5 + 4*n)
			s.round()
		}
	}},
	{"copied, emptied and renamed between two looks", nil, emptiedAndRenamed},
	{"copied, emptied and renamed between two looks, all are followed", []string{"access.log*"}, emptiedAndRenamed},
	{"emptied and renamed, and written to after it", nil, func(w *logWriter, s *watching, dir string) {
		w.lines(3)
		s.round()
		w.empty()
		w.rename(w.path + ".1")
		for range 60 { // longer than a copy is looked for
			s.round()
		}
		s.tells = []string{"access.log: it was emptied, and no copy is found of what it held: lines written just before that may be missed"}
		w.lines(2)
		s.round()
		w.reopen()
		w.lines(2)
		s.round()
	}},
	{"deleted and made anew", nil, func(w *logWriter, s *watching, dir string) {
		for range 4 {
			w.lines(3)
			s.round()
			w.check(os.Remove(w.path))
			w.lines(3)
			s.round()
			w.reopen()
			w.lines(3)
			s.round()
		}
	}},
	{"another log under the same number while it stood still", nil, func(w *logWriter, s *watching, dir string) {
		for _, lines := range []int{3, 6} {
			s.tells = append(s.tells, fmt.Sprintf("access.log: what was read of it up to line %d is in no file here any more: what was written to it after that may be missed", lines))
		}
		for range 5 {
			w.lines(3)
			s.round()
			s.f.Close() // else the number would not be free
			w.file.Close()
			w.file = nil
			w.check(os.Remove(w.path))
			w.reopen()
			w.lines(3)
			s.kill()
			s.round()
		}
	}},
	{"renamed and packed while it stood still", nil, func(w *logWriter, s *watching, dir string) {
		for n := range 3 {
			w.lines(3)
			s.round()
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, 3*n))
			w.reopen()
			w.lines(3) // of a log that was never seen under its name
			w.rename(fmt.Sprintf("%s.%d", w.path, 3*n+1))
			pack(w.t, fmt.Sprintf("%s.%d", w.path, 3*n))
			w.reopen()
			w.lines(3)
			s.kill()
			s.round()
		}
	}},
	{"packed while it is followed", []string{"access.log*"}, func(w *logWriter, s *watching, dir string) {
		for n := range 3 {
			w.lines(3)
			s.round()
			w.lines(3)
			old := fmt.Sprintf("%s.%d", w.path, n)
			w.rename(old)
			w.reopen()
			w.lines(3)
			if n > 0 {
				s.round()
			}
			pack(w.t, old)
			s.round()
			s.round()
		}
	}},
	{"a link that moves", []string{"current"}, func(w *logWriter, s *watching, dir string) {
		link := filepath.Join(dir, "current")
		for n := range 3 {
			w.path = filepath.Join(dir, fmt.Sprintf("day%d", n))
			late := w.file
			w.file = nil
			w.reopen()
			w.lines(2)
			tmp := link + ".tmp"
			w.check(os.Symlink(w.path, tmp))
			w.check(os.Rename(tmp, link))
			s.round()
			if n > 0 {
				now := w.file
				w.file = late
				w.lines(2)
				s.round()
				w.file = now
			}
			w.lines(2)
			s.round()
		}
	}},
	{"a folder that is a link", []string{"link"}, func(w *logWriter, s *watching, dir string) {
		w.check(os.Mkdir(filepath.Join(dir, "real"), 0o700))
		w.check(os.Symlink("real", filepath.Join(dir, "link")))
		w.path = filepath.Join(dir, "real", "access.log")
		w.reopen()
		w.lines(2)
		s.round()
		w.rename(filepath.Join(dir, "real", "access.log.1"))
		w.reopen()
		w.lines(2)
		s.round()
	}},
	{"files join", []string{"*.log", "more"}, func(w *logWriter, s *watching, dir string) {
		w.check(os.Mkdir(filepath.Join(dir, "more"), 0o700))
		for n := range 3 {
			w.lines(2)
			s.round()
			w.path = filepath.Join(dir, fmt.Sprintf("vhost%d.log", n))
			w.reopen()
			w.lines(2)
			s.round()
			w.path = filepath.Join(dir, "more", fmt.Sprintf("vhost%d", n))
			w.reopen()
			w.lines(2)
			s.round()
		}
	}},
	{"killed", nil, func(w *logWriter, s *watching, dir string) {
		for n := range 10 {
			w.lines(n + 1)
			line := w.line()
			w.text(line[:n])
			s.round()
			s.kill()
			w.text(line[n:])
		}
		s.round()
	}},
	{"a line of two mebibytes", nil, func(w *logWriter, s *watching, dir string) {
		w.lines(2)
		s.round()
		line := w.line()
		head, _ := strings.CutSuffix(line, "test\"\n")
		w.text(head)
		for range 32 {
			w.text(strings.Repeat("x", 64<<10))
			s.round()
		}
		s.kill()
		s.round()
		w.text("\"\n")
		w.lines(2)
		s.round()
	}},
}

// emptiedAndRenamed leaves lines in a file of which all that was seen stands in its copy,
// behind more of the next log than lines may be late, and kills the follower then.
func emptiedAndRenamed(w *logWriter, s *watching, dir string) {
	for n := range 3 {
		w.lines(3)
		s.round()
		w.lines(3)
		w.copyTo(fmt.Sprintf("%s.%d", w.path, 2*n))
		w.empty()
		w.lines(2)
		w.rename(fmt.Sprintf("%s.%d", w.path, 2*n+1))
		w.reopen()
		w.lines(100)
		s.round()
		if n > 0 {
			s.kill()
		}
		s.round()
	}
}

// No line is lost, none comes twice and none is torn, whatever is done to a log.
func TestFollow(t *testing.T) {
	for _, poll := range []bool{false, true} {
		for _, h := range hazards {
			t.Run(fmt.Sprintf("%s/poll=%v", strings.ReplaceAll(h.name, " ", "-"), poll), func(t *testing.T) {
				dir := t.TempDir()
				w := newLogWriter(t, filepath.Join(dir, "access.log"))
				w.reopen()
				args := []string{w.path}
				for i, a := range h.args {
					if i == 0 {
						args = nil
					}
					args = append(args, filepath.Join(dir, a))
				}
				s := watch(t, source.FollowOptions{Poll: poll, AtEnd: true}, args...)
				s.round()
				h.do(w, s, dir)
				s.stop()
				s.has(1, w.next)
			})
		}
	}
}

// What is done to logs in any order, with looks and kills between, loses nothing.
func TestFollowRandom(t *testing.T) {
	if s := os.Getenv("SEED"); s != "" {
		seed, _ := strconv.ParseUint(s, 10, 64)
		followRandom(t, seed, 11)
		return
	}
	// Logs that were copied, emptied and renamed between two looks were passed over.
	for _, seed := range []uint64{1795891257890730594, 1795891335875548557, 1795891342714832548, 1795891353744966380} {
		followRandom(t, seed, 9)
	}
	for round := range 20 {
		followRandom(t, uint64(time.Now().UnixNano())+uint64(round), 11)
	}
}

// followRandom does the first so many of what may be done, in an order of the seed's.
func followRandom(t *testing.T, seed uint64, ops int) {
	rng := rand.New(rand.NewPCG(seed, 6))
	dir := t.TempDir()
	w := newLogWriter(t, filepath.Join(dir, "access.log"))
	w.reopen()
	arg := w.path
	if rng.IntN(2) == 0 {
		arg += "*"
	}
	s := watch(t, source.FollowOptions{Poll: rng.IntN(2) == 0, AtEnd: true}, arg)
	s.round()
	w.lines(1)
	s.round()
	var did []string
	rotations := 0
	for range 60 {
		op := rng.IntN(ops)
		did = append(did, strconv.Itoa(op))
		switch op {
		case 0, 1, 2:
			w.lines(1 + rng.IntN(20))
		case 3:
			line := w.line()
			cut := rng.IntN(len(line))
			w.text(line[:cut])
			if rng.IntN(2) == 0 {
				s.round()
			}
			w.text(line[cut:])
		case 4, 5:
			s.round()
		case 6:
			s.kill()
		case 7: // rename, write on, reopen
			rotations++
			w.rename(fmt.Sprintf("%s.%d", w.path, rotations))
			if rng.IntN(2) == 0 {
				w.lines(2)
			}
			w.reopen()
			w.lines(1)
			if rng.IntN(2) == 0 {
				pack(t, fmt.Sprintf("%s.%d", w.path, rotations))
			}
		case 8: // copy and empty
			rotations++
			w.copyTo(fmt.Sprintf("%s.%d", w.path, rotations))
			w.empty()
			w.lines(1)
		case 9: // less is read than there is
			s.look(rng.IntN(4))
		case 10: // rename, look, reopen, look
			rotations++
			w.rename(fmt.Sprintf("%s.%d", w.path, rotations))
			if rng.IntN(4) == 0 {
				s.kill()
			}
			s.look(rng.IntN(4))
			w.reopen()
			if rng.IntN(2) == 0 {
				s.round()
			}
		}
	}
	s.stop()
	s.kill() // what was emptied meanwhile may be left to the next start
	s.stop()
	s.has(1, w.next)
	if t.Failed() {
		t.Fatalf("seed %d: arg %s, did %s", seed, filepath.Base(arg), strings.Join(did, " "))
	}
}

// What was written since logs were read before is passed over if so told, but not what is
// written later, also where that stands in a copy of a known log.
func TestFollowSkip(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(t, filepath.Join(dir, "access.log"))
	w.reopen()
	s := watch(t, source.FollowOptions{Poll: true, AtEnd: true, Skip: true}, w.path)
	s.round()
	w.lines(3)
	s.round()
	w.text(logLine(4, "/passed/over"))
	s.kill()
	s.round()
	w.lines(3)
	s.round()
	w.lines(3)
	w.copyTo(w.path + ".1")
	w.empty()
	w.lines(1)
	s.round()
	s.round()
	s.has(1, w.next)
}

// A follower that finds all again passes nothing over that was written while another followed,
// neither of logs that are known nor of those that have come meanwhile.
func TestFollowAnew(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(t, filepath.Join(dir, "access.log"))
	w.reopen()
	yesterday := time.Now().Add(-24 * time.Hour)
	w.text(logLine(1, "/before"))
	w.check(os.Chtimes(w.path, yesterday, yesterday))
	s := watch(t, source.FollowOptions{Poll: true, AtEnd: true, Skip: true}, filepath.Join(dir, "*.log"))
	s.round()
	w.lines(3)
	s.round()
	w.lines(3)
	w.path = filepath.Join(dir, "other.log")
	w.reopen()
	w.lines(3)
	s.f = s.f.Anew()
	s.round()
	s.has(1, w.next)
}

// A log that was begun from its start is known from then on: it is read if it is rotated after
// a kill, though nothing of it was kept.
func TestFollowBegun(t *testing.T) {
	for _, atEnd := range []bool{false, true} { // in the second run
		w := newLogWriter(t, filepath.Join(t.TempDir(), "access.log"))
		w.reopen()
		w.lines(3)
		s := watch(t, source.FollowOptions{Poll: true}, w.path)
		s.look(0)
		s.how.AtEnd = atEnd
		s.kill()
		for range 2 {
			w.rename(fmt.Sprintf("%s.%d", w.path, w.next))
			w.reopen()
			w.lines(3)
		}
		s.round()
		w.lines(3)
		s.round()
		s.has(1, w.next)
	}
}

// What was rotated before a log is followed is not read, also where nothing is known of the log.
func TestFollowPast(t *testing.T) {
	for _, atEnd := range []bool{false, true} {
		dir := t.TempDir()
		w := newLogWriter(t, filepath.Join(dir, "access.log"))
		old := newLogWriter(t, w.path+".1")
		old.reopen()
		old.next = 1000
		old.lines(5)
		yesterday := time.Now().Add(-24 * time.Hour)
		w.check(os.Chtimes(old.path, yesterday, yesterday))
		w.reopen()
		s := watch(t, source.FollowOptions{AtEnd: atEnd}, w.path)
		s.round()
		old.rename(w.path + ".2")
		pack(t, w.path+".2")
		w.check(os.Chtimes(w.path+".2.gz", yesterday, yesterday)) // as gzip does
		for n := range 2 {
			w.lines(3)
			w.rename(fmt.Sprintf("%s.%d", w.path, 3+n))
			w.reopen()
		}
		for range 3 {
			s.round()
		}
		s.has(1, w.next)
	}
}

// A log that was begun and has given nothing yet keeps its number, and a copy of it is no
// other log.
func TestFollowUnread(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(t, filepath.Join(dir, "access.log"))
	s := watch(t, source.FollowOptions{}, w.path+"*")
	s.round()
	w.reopen()
	w.lines(3)
	join := func() {
		t.Helper()
		if !s.f.Find() {
			t.Fatal("nothing to join")
		}
		s.f.Join(s.opts)
		s.opts.Known = nil // nothing was read
	}
	join()
	w.copyTo(w.path + ".1")
	other := newLogWriter(t, w.path+".2")
	other.reopen()
	other.next = w.next
	other.lines(2)
	join()
	s.round()
	s.has(1, 5)
	if len(s.known) != 2 {
		t.Errorf("%d logs, want 2", len(s.known))
	}
}

// A log of no known format is told by more than a few lines what its columns hold: one of them
// may lack what others have. All of them are read then.
func TestFollowColumns(t *testing.T) {
	w := newLogWriter(t, filepath.Join(t.TempDir(), "access.log"))
	s := watch(t, source.FollowOptions{}, w.path)
	s.opts.Formats = parsers.All()
	w.reopen()
	line := func(n int, agent string) {
		w.text(fmt.Sprintf("203.0.113.9|2026-03-01T10:00:%02dZ|GET|/n/%d|200|5|%s\n", n, n, agent))
	}
	line(1, "-")
	s.round()
	if len(s.known) != 0 {
		t.Fatal("one line told what the columns hold")
	}
	for n := 2; n <= 40; n++ {
		line(n, "curl/8.5.0")
	}
	s.round()
	var agents []string
	for _, k := range s.known {
		for r, err := range s.keptOf(k.Source.ID) {
			if err != nil {
				t.Fatal(err)
			}
			agents = append(agents, r.UserAgent)
		}
	}
	if len(agents) != 40 || agents[0] != "" || agents[39] != "curl/8.5.0" {
		t.Errorf("read %q", agents)
	}
}

// A log begins where it is told to; one that was read before goes on, whatever is told.
func TestFollowFrom(t *testing.T) {
	for _, c := range []struct {
		name string
		how  source.FollowOptions
		want int // first line
	}{
		{"end", source.FollowOptions{AtEnd: true}, 11},
		{"start", source.FollowOptions{}, 1},
		{"time", source.FollowOptions{From: start.Add(5 * time.Second)}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newLogWriter(t, filepath.Join(t.TempDir(), "access.log"))
			w.reopen()
			w.lines(10)
			c.how.Poll = true
			s := watch(t, c.how, w.path)
			s.round()
			w.lines(3)
			s.round()
			s.has(c.want, 13)
			s.kill()
			w.lines(3)
			s.round()
			s.has(c.want, 16)
			for _, k := range s.known {
				if k.At.Lines != 16 || k.At.Lines != k.At.Parsed+k.At.Skipped {
					t.Errorf("at %+v", k.At)
				}
			}
		})
	}
}

// What cannot be followed is told of: an archive, and once that a log is read again and again.
func TestFollowTells(t *testing.T) {
	dir := t.TempDir()
	archive, packed := filepath.Join(dir, "old.tar"), filepath.Join(dir, "x.log.gz")
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	text := logLine(1, "/n/1")
	if err := errors.Join(tw.WriteHeader(&tar.Header{Name: "a.log", Size: int64(len(text)), Mode: 0o600}), func() error { _, err := tw.Write([]byte(text)); return err }(), tw.Close()); err != nil {
		t.Fatal(err)
	}
	write(t, archive, b.String())
	now := start
	opts := options(t, time.Minute)
	f := source.Follow([]string{archive, packed}, source.FollowOptions{Poll: true, Now: func() time.Time { return now }})
	defer f.Close()
	f.Find()
	j := f.Join(opts)
	if len(j.Logs) != 0 || len(j.Failures) != 1 || !strings.Contains(j.Failures[0].Err.Error(), "an archive") || !strings.Contains(j.Failures[0].Hint, "litesoc scan") {
		t.Errorf("an archive: %+v", j)
	}
	var told []string
	for n := 1; n <= 4; n++ {
		b.Reset()
		z := gzip.NewWriter(&b)
		for i := range 10 * n {
			z.Write([]byte(logLine(i+1, fmt.Sprintf("/n/%d", i+1))))
		}
		z.Close()
		write(t, packed, b.String())
		now = now.Add(2 * time.Minute)
		for f.Find() {
			j := f.Join(opts)
			told = append(told, j.Reread...)
			for _, l := range j.Logs {
				opts.Known = []source.Known{{Source: *l.Source, HeadLen: l.HeadLen}}
			}
			for {
				b, err := f.Next()
				if err != nil {
					break
				}
				opts.Known[0].At = b.After
			}
		}
	}
	if !slices.Equal(told, []string{packed}) || opts.Known[0].At.Lines != 40 {
		t.Errorf("told of %v; read %d lines of 40", told, opts.Known[0].At.Lines)
	}
}

// What is being packed is no log of its own: met at any moment of that, also by a follower that
// begins anew, no line is lost and none comes twice, and nothing is told of it.
func TestFollowHalfPacked(t *testing.T) {
	packers := map[string]func(io.Writer) io.WriteCloser{
		"gz": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zst": func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstd.MinWindowSize))
			if err != nil {
				t.Fatal(err)
			}
			return z
		},
	}
	for suffix, packer := range packers {
		for _, arg := range []string{"access.log", "access.log*"} {
			for _, killed := range []bool{false, true} {
				for _, seen := range []bool{false, true} {
					for _, part := range []float64{0, 0.0005, 0.01, 0.3, 0.6, 0.9, 1} {
						t.Run(fmt.Sprintf("%s/%s/killed=%v/seen=%v/%v", suffix, arg, killed, seen, part), func(t *testing.T) {
							dir := t.TempDir()
							w := newLogWriter(t, filepath.Join(dir, "access.log"))
							w.reopen()
							s := watch(t, source.FollowOptions{Poll: true, AtEnd: true}, filepath.Join(dir, arg))
							s.round()
							w.lines(100)
							s.round()
							w.lines(250)
							old := w.path + ".1"
							w.rename(old)
							w.reopen()
							if !seen { // the log that is packed is one that came and went
								w.lines(300)
								old = w.path + ".2"
								w.rename(old)
								w.reopen()
							}
							w.lines(10)
							text, err := os.ReadFile(old)
							w.check(err)
							var b bytes.Buffer
							z := packer(&b)
							_, err = z.Write(text)
							w.check(errors.Join(err, z.Close()))
							packed := b.String()
							write(t, old+"."+suffix, packed[:int(part*float64(len(packed)))])
							if killed {
								s.kill()
							}
							s.round()
							write(t, old+"."+suffix, packed)
							w.check(os.Remove(old))
							s.round()
							w.lines(10)
							s.stop()
							s.kill()
							s.stop()
							s.has(1, w.next)
						})
					}
				}
			}
		}
	}
}

// What remains cut short, or cannot be read beside a log that is followed, is told of, once.
func TestFollowTellsBroken(t *testing.T) {
	for _, arg := range []string{"access.log", "access.log*"} {
		t.Run(arg, func(t *testing.T) {
			dir := t.TempDir()
			w := newLogWriter(t, filepath.Join(dir, "access.log"))
			w.reopen()
			now := start
			opts := options(t, time.Minute)
			f := source.Follow([]string{filepath.Join(dir, arg)}, source.FollowOptions{Poll: true, Now: func() time.Time { return now }})
			defer f.Close()
			var told []string
			round := func(wait time.Duration) {
				now = now.Add(wait)
				if f.Find() {
					j := f.Join(opts)
					for _, fail := range j.Failures {
						told = append(told, filepath.Base(fail.Path)+": "+fail.Err.Error())
					}
					for _, l := range j.Logs {
						opts.Known = append(opts.Known, source.Known{Source: *l.Source, HeadLen: l.HeadLen})
					}
				}
				for {
					if _, err := f.Next(); err != nil {
						break
					}
				}
			}
			round(time.Second)
			w.lines(3)
			round(time.Second)
			w.copyTo(w.path + ".1")
			pack(t, w.path+".1")
			w.check(os.Truncate(w.path+".1.gz", 20))
			w.empty()
			w.lines(1)
			for range 10 {
				round(time.Second)
			}
			if told != nil {
				t.Errorf("told too early: %q", told)
			}
			for range 300 {
				round(time.Second)
			}
			if len(told) != 2 || !strings.HasPrefix(told[0], "access.log: it was emptied") ||
				!strings.HasPrefix(told[1], "access.log.1.gz: ") || !strings.HasSuffix(told[1], "unexpected EOF") {
				t.Errorf("told of %q", told)
			}
		})
	}
}

// What cannot be looked at, or is not there at first, is told of, once: a log of which no word
// is said is taken for one that is followed.
func TestFollowTellsUnread(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.Symlink("loop", in("loop")), os.Symlink("loop2.log", in("loop2.log")), os.Mkdir(in("folder"), 0o700),
		os.Symlink("loop", in("folder/loop")), os.Symlink("/dev/null", in("null"))); err != nil {
		t.Fatal(err)
	}
	write(t, in("shut.log"), logLine(1, "/n/1"))
	if err := os.Chmod(in("shut.log"), 0); err != nil {
		t.Fatal(err)
	}
	want := []string{"[: pattern: syntax error in pattern", "folder/loop: too many levels of symbolic links", "loop2.log: too many levels of symbolic links",
		"loop: too many levels of symbolic links", "null: not a file but a device", "shut.log: permission denied"}
	if os.Geteuid() == 0 {
		want = want[:5]
	}
	now := start
	f := source.Follow([]string{in("missing"), in("["), in("none.*"), in("*.log"), in("loop"), in("folder"), in("null")}, source.FollowOptions{Poll: true, Now: func() time.Time { return now }})
	defer f.Close()
	var got, missing []string
	for range 3 {
		now = now.Add(time.Second)
		if f.Find() {
			j := f.Join(options(t, time.Minute))
			for _, fail := range j.Failures {
				got = append(got, strings.TrimPrefix(fail.Path, dir+"/")+": "+fail.Err.Error())
			}
			missing = append(missing, j.Missing...)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || !slices.Equal(missing, []string{in("missing"), in("none.*")}) {
		t.Errorf("told %q, and of %q that are not there; want %q, and the two", got, missing, want)
	}
}

// Two logs whose names differ by a number are two logs, also where one of them looks as if
// it were what rotation has left of the other: of each is read what is written while it is
// followed, and nothing else.
func TestFollowNumbered(t *testing.T) {
	for _, names := range [][2]string{{"app1.log", "app2.log"}, {"app-1.log", "app-2.log"}, {"app.log", "app.log.2"}, {"1.log", "2.log"}} {
		for _, poll := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/poll=%v", names[1], poll), func(t *testing.T) {
				dir := t.TempDir()
				one, two := newLogWriter(t, filepath.Join(dir, names[0])), newLogWriter(t, filepath.Join(dir, names[1]))
				one.reopen()
				two.reopen()
				one.next = 1000
				one.lines(5)
				s := watch(t, source.FollowOptions{Poll: poll}, one.path)
				s.round()
				two.lines(10)
				two.text(strings.TrimSuffix(two.line(), " \"test\"\n")) // the end of it is to come
				quiet := start.Add(-72 * time.Hour)
				if err := os.Chtimes(two.path, quiet, quiet); err != nil {
					t.Fatal(err)
				}
				s.args, s.how.AtEnd = append(s.args, two.path), true
				s.kill()
				s.round()
				one.copyTo(one.path + ".old")
				one.empty()
				one.lines(2)
				s.round()
				s.round()
				two.text(" \"test\"\n")
				two.lines(3)
				for range 3 {
					s.round()
				}
				var read []int
				for _, r := range s.kept {
					n, err := strconv.Atoi(strings.TrimPrefix(r.Path, "/n/"))
					if err != nil {
						t.Error(err)
					}
					read = append(read, n)
				}
				slices.Sort(read)
				if want := []int{11, 12, 13, 14, 1001, 1002, 1003, 1004, 1005, 1006, 1007}; !slices.Equal(read, want) {
					t.Errorf("read %v, written while they were followed: %v", read, want)
				}
			})
		}
	}
}

// A log that was quiet for long and is made anew is another log, also if it gets the same number.
func TestFollowQuietAnew(t *testing.T) {
	dir := t.TempDir()
	w, quiet := newLogWriter(t, filepath.Join(dir, "app-1.log")), newLogWriter(t, filepath.Join(dir, "app-2.log"))
	w.reopen()
	quiet.reopen()
	s := watch(t, source.FollowOptions{Poll: true, AtEnd: true}, filepath.Join(dir, "*.log"))
	s.round()
	w.lines(3)
	s.round()
	for range 5 {
		quiet.text(logLine(0, "/before"))
	}
	before := start.Add(-72 * time.Hour)
	w.check(os.Chtimes(quiet.path, before, before))
	s.kill()
	s.round()
	quiet.file.Close()
	quiet.file = nil
	w.check(os.Remove(quiet.path))
	quiet.reopen()
	quiet.next = w.next
	quiet.lines(8)
	s.round()
	s.round()
	s.has(1, quiet.next)
}

// A file that was no log and is written anew is looked at, however short it is.
func TestFollowWasNoLog(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(t, filepath.Join(dir, "access.log"))
	w.reopen()
	s := watch(t, source.FollowOptions{Poll: true, AtEnd: true}, w.path)
	s.opts.Formats = parsers.All()
	s.round()
	w.text(strings.Repeat("this is no log\n", 100))
	s.round()
	if len(s.told) != 1 || !strings.Contains(s.told[0], "no known format") {
		t.Errorf("told %q", s.told)
	}
	s.told = nil
	w.empty()
	w.lines(3)
	s.round()
	s.round()
	s.has(1, w.next)
}

// Of a log that is renamed it is told where it stands now, once, though it has no more.
func TestFollowRenamed(t *testing.T) {
	w := newLogWriter(t, filepath.Join(t.TempDir(), "access.log"))
	w.reopen()
	s := watch(t, source.FollowOptions{Poll: true}, w.path+"*")
	s.round()
	w.lines(3)
	s.round()
	w.rename(w.path + ".1")
	w.reopen()
	w.lines(2)
	for range 3 {
		s.round()
	}
	s.has(1, w.next)
	var paths []string
	for _, id := range slices.Sorted(maps.Keys(s.known)) {
		k := s.known[id]
		paths = append(paths, fmt.Sprint(filepath.Base(k.Source.Path), " ", k.At.Lines))
	}
	if want := []string{"access.log.1 3", "access.log 2"}; !slices.Equal(paths, want) {
		t.Errorf("kept as %q, want %q", paths, want)
	}
}

// A log is the same by whatever path it is named.
func TestFollowByAnotherPath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	w := newLogWriter(t, "access.log")
	w.reopen()
	s := watch(t, source.FollowOptions{Poll: true, AtEnd: true}, w.path)
	for _, path := range []string{"access.log", "./access.log", filepath.Join(dir, "access.log"), "access.log"} {
		s.args = []string{path}
		s.kill()
		s.round()
		w.lines(3)
		s.round()
		w.lines(3)
		w.rename(fmt.Sprintf("access.log.%d", w.next))
		w.reopen()
		w.lines(3)
	}
	s.kill()
	s.round()
	s.has(1, w.next)
}

// Standard input ends.
func TestFollowStdin(t *testing.T) {
	r, in := io.Pipe()
	s := watch(t, source.FollowOptions{AtEnd: true, Stdin: r}, "-")
	go func() {
		for n := range 5 {
			io.WriteString(in, logLine(n+1, fmt.Sprintf("/n/%d", n+1)))
		}
		io.WriteString(in, strings.TrimSuffix(logLine(6, "/n/6"), "\n"))
		in.Close()
	}()
	for !s.f.Over() {
		s.round()
		if !s.f.Over() {
			s.f.Wait(t.Context(), time.Minute)
		}
	}
	s.has(1, 6)
}

// A follower that takes another's place reads standard input on: what was read of it and not
// given, what was not looked at, and what follows, by the headers that came before.
func TestFollowStdinAnew(t *testing.T) {
	const lines = 2000
	var plain, w3c strings.Builder
	w3c.WriteString("#Fields: date time c-ip cs-method cs-uri-stem sc-status\n")
	for n := range lines {
		plain.WriteString(logLine(n+1, fmt.Sprintf("/n/%d", n+1)))
		fmt.Fprintf(&w3c, "2026-03-01 10:%02d:%02d 192.0.2.1 GET /n/%d 200\n", n/60, n%60, n+1)
	}
	for name, text := range map[string]string{
		"plain": plain.String(), "with a header": w3c.String(), "gzip": compress(t, "gzip", plain.String()),
	} {
		t.Run(name, func(t *testing.T) {
			r, in := io.Pipe()
			s := watch(t, source.FollowOptions{AtEnd: true, Stdin: r}, "-")
			s.opts.Formats = parsers.All()
			anew := func() { s.f = s.f.Anew() }
			third := len(text) / 3
			io.WriteString(in, text[:9]) // no line yet
			anew()
			io.WriteString(in, text[9:third])
			for range 3 {
				s.round()
			}
			anew()
			io.WriteString(in, text[third:2*third])
			anew()
			go func() {
				io.WriteString(in, text[2*third:])
				in.Close()
			}()
			for !s.f.Over() {
				s.round()
				if !s.f.Over() {
					s.f.Wait(t.Context(), time.Minute)
				}
			}
			s.has(1, lines)
		})
	}
}

// Standard input that is no log, or breaks off, ends too, and it is told why.
func TestFollowStdinThatIsNoLog(t *testing.T) {
	log := logLine(1, "/n/1") + logLine(2, "/n/2")
	packed := compress(t, "gzip", manyLines(20_000))
	broken := errors.New("the other side is gone")
	for _, test := range []struct {
		name   string
		pieces []string // one after the other, each looked at
		end    error
		read   int    // lines
		told   string // of what went wrong first
	}{
		{"no log", []string{"not a log\n"}, nil, 0, "no known format"},
		{"no log for long", []string{"not a log\n", strings.Repeat("not a log\n", 50_000)}, nil, 0, "no known format"},
		{"a greeting, then a log", []string{"hello\n", strings.Repeat(logLine(1, "/n/1"), 9)}, nil, 9, "no known format"},
		{"broken gzip", []string{"\x1f\x8b\x08\x00no more of it"}, nil, 0, "flate: corrupt"},
		{"gzip that breaks", []string{packed[:len(packed)/2], strings.Repeat("x", 100_000)}, nil, 1000, "line "},
		{"breaks off", []string{log}, broken, 2, broken.Error()},
		{"breaks off at once", nil, broken, 0, broken.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, in := io.Pipe()
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			f := source.Follow([]string{"-"}, source.FollowOptions{AtEnd: true, Stdin: r, Now: func() time.Time { return now }})
			defer f.Close()
			opts := options(t, time.Minute)
			opts.Formats = parsers.All()
			read, told := 0, []error{}
			look := func() {
				now = now.Add(time.Minute)
				if f.Find() {
					opts.Known = nil
					for _, fail := range f.Join(opts).Failures {
						told = append(told, fail.Err)
					}
				}
				for {
					b, err := f.Next()
					if err == source.ErrForNow {
						return
					}
					if err != nil {
						told = append(told, err)
						continue
					}
					read += len(b.Requests)
				}
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for _, piece := range test.pieces {
					io.WriteString(in, piece)
				}
				in.CloseWithError(cmp.Or(test.end, io.EOF))
			}()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for !f.Over() && ctx.Err() == nil {
				look()
				f.Wait(ctx, 10*time.Millisecond)
			}
			if ctx.Err() != nil {
				t.Fatalf("it never ends; read %d lines, told %q", read, told)
			}
			<-done // whoever writes to it does not wait for ever
			if read < test.read {
				t.Errorf("read %d lines, want %d; told %q", read, test.read, told)
			}
			// A greeting is told of unless the log came before the first look.
			if readable := test.end == nil && test.read == 9; len(told) == 0 && !readable ||
				len(told) > 0 && !strings.Contains(told[0].Error(), test.told) {
				t.Errorf("told %q, want %q", told, test.told)
			}
		})
	}
}

// The system tells of each change.
func TestFollowNotified(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(t, filepath.Join(dir, "access.log"))
	s := watch(t, source.FollowOptions{AtEnd: true}, w.path)
	if !s.f.Notified() {
		t.Skip("no file system events here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.round()
	until := func(n int) {
		t.Helper()
		for len(s.kept) < n && ctx.Err() == nil {
			s.f.Wait(ctx, time.Hour)
			s.round()
		}
		s.has(1, n)
	}
	w.reopen()
	w.lines(1)
	until(1)
	w.lines(1)
	until(2)
	w.rename(w.path + ".1")
	w.reopen()
	w.lines(1)
	until(3)
}

// logrotate does all that it does, and no line is lost: with copytruncate none that was
// there when it began to copy.
func TestLogrotate(t *testing.T) {
	logrotate, err := exec.LookPath("logrotate")
	if err != nil {
		t.Skip("logrotate is not installed")
	}
	for _, how := range []string{"create", "create\ncompress", "create\ncompress\ndelaycompress", "copytruncate", "copytruncate\ncompress", "create\nextension .log\ncompress", "create\nsharedscripts\ncompress\nmaxsize 1"} {
		for _, killed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/killed=%v", strings.ReplaceAll(how, "\n", ","), killed), func(t *testing.T) {
				dir := t.TempDir()
				w := newLogWriter(t, filepath.Join(dir, "access.log"))
				w.reopen()
				config := filepath.Join(dir, "logrotate.conf")
				write(t, config, fmt.Sprintf("%s {\nrotate 20\nmissingok\n%s\n}\n", w.path, how))
				if err := os.Chmod(config, 0o600); err != nil {
					t.Fatal(err)
				}
				s := watch(t, source.FollowOptions{AtEnd: true}, w.path)
				s.round()
				w.lines(5)
				s.round()
				for range 4 {
					w.lines(5) // unread when it is rotated
					cmd := exec.Command(logrotate, "--force", "--state", filepath.Join(dir, "state"), config)
					if text, err := cmd.CombinedOutput(); err != nil {
						t.Fatalf("%v\n%s", err, text)
					}
					if strings.HasPrefix(how, "create") && !strings.Contains(how, "\ncompress") || strings.Contains(how, "delay") {
						w.lines(3) // into the old file
					}
					w.reopen()
					w.lines(5)
					if killed {
						s.kill()
					}
					s.round()
					s.round()
				}
				s.stop()
				s.has(1, w.next)
			})
		}
	}
}

// A log that is silent lets time go on by the clock; one that keeps lines to itself is
// waited for once that has shown.
func TestFollowDue(t *testing.T) {
	dir := t.TempDir()
	a := newLogWriter(t, filepath.Join(dir, "a.log"))
	b := newLogWriter(t, filepath.Join(dir, "b.log"))
	a.reopen()
	b.reopen()
	s := watch(t, source.FollowOptions{Poll: true}, a.path, b.path)
	s.round()
	if soon, sure := s.f.Due(time.Minute); !soon.IsZero() || !sure.IsZero() {
		t.Errorf("of nothing: %s, %s", soon, sure)
	}
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	due := func(soon, sure time.Time) {
		t.Helper()
		if gotSoon, gotSure := s.f.Due(time.Minute); !gotSoon.Equal(soon) || !gotSure.Equal(sure) {
			t.Errorf("due %s and %s, want %s and %s", gotSoon, gotSure, soon, sure)
		}
	}
	a.text(logLine(100, "/a"))
	b.text(logLine(100, "/b"))
	s.round()
	due(at(98), at(40)) // two seconds of grace; a minute of lateness
	s.round()           // 2 s later
	due(at(100), at(40))
	s.now = s.now.Add(time.Hour)
	s.round() // 3604 s after the lines came
	due(at(100+3604-2), at(100+3604-600))
	// A line that is older than what was due.
	b.text(logLine(3400, "/late"))
	s.round()
	s.f.Straggled(s.at[b.path], 300*time.Second)
	s.now = s.now.Add(time.Hour)
	s.round()
	// b came 3602 s ago; 2 + 300 + 1 s are waited for now.
	due(at(3400+3602-303), at(3400+3602-600))
}

// A line that leaps ahead, as after a quiet night, is waited for no longer than others, if it
// leaps to what the clock says. What lies before it may come all the same, for a while.
func TestFollowDueLeapt(t *testing.T) {
	a := newLogWriter(t, filepath.Join(t.TempDir(), "a.log"))
	a.reopen()
	s := watch(t, source.FollowOptions{Poll: true}, a.path)
	const evening, morning = 7200, 7200 + 86400 // noon, as the clock has it, and a day later
	s.round()
	for _, step := range []struct {
		name       string
		pass       time.Duration
		line       int
		soon, sure int
	}{
		{"evening", 0, evening, evening - 2, evening - 60},
		{"morning", 24 * time.Hour, morning, morning - 2, evening - 60},
		{"silence", 8 * time.Second, 0, morning + 10 - 2, evening - 60},
		{"long silence", 10 * time.Minute, 0, morning + 612 - 2, morning + 612 - 600},
		{"a wrong time", 0, morning + 365*86400, morning - 2, evening - 60},
		{"silence after it", 8 * time.Second, 0, morning + 10 - 2, evening - 60},
		{"long silence after it", 10 * time.Minute, 0, morning + 612 - 2, morning + 612 - 600},
		{"evening again", 0, evening + 1, morning - 2, evening + 1 - 60},
		{"and again", 0, evening + 2, evening + 2 - 2, evening + 2 - 60},
	} {
		s.now = s.now.Add(step.pass)
		if step.line > 0 {
			a.text(logLine(step.line, "/n/1"))
		}
		s.round()
		at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
		if soon, sure := s.f.Due(time.Minute); !soon.Equal(at(step.soon)) || !sure.Equal(at(step.sure)) {
			t.Errorf("%s: due %s and %s, want %s and %s", step.name, soon, sure, at(step.soon), at(step.sure))
		}
	}
}
