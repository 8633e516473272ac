package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/litesoc/litesoc/parsers"
)

// A Follower reads logs while they are written, through all that is done to them:
// renamed, emptied, overwritten, packed, deleted, made anew. It finds files again and
// again, keeps those open that are read, and knows a log by its content: a file that
// holds what was read already goes on where that ended, whatever it is called.
//
// Whoever uses it calls Find; Join if that tells to, when all batches given so far have
// been kept; Next until ErrForNow; and Wait. It is used by one goroutine.
type Follower struct {
	FollowOptions
	args    []string
	files   []*followed
	lost    []lost // rotated, and maybe more than seen
	joined  bool   // Join was called before
	pattern bool   // more files may join at any time
	watcher *fsnotify.Watcher
	watched map[string]bool
	wake    chan struct{}
	reorder bool
	event   mark // the greatest time of a line, and when it came
}

// FollowOptions say how logs are followed.
type FollowOptions struct {
	Stdin io.Reader
	Now   func() time.Time // the clock
	// From is where a log begins that was there before the first Join and was not read
	// before: at its end if AtEnd, else at the first line at or after From.
	From  time.Time
	AtEnd bool
	// Skip tells that logs which were read before begin there, too.
	Skip bool
	// Poll tells that nothing but looking shows that a file has changed, as on network
	// file systems.
	Poll bool
	// Grace is how far a line may lie behind those that came before it without being
	// too early for Soon, as long as nothing else is known of its log.
	Grace time.Duration
}

// Patience is how long a log may keep lines to itself and still have them judged in
// their place, whatever the other logs tell meanwhile.
const Patience = 10 * time.Minute

const (
	keepGone     = time.Hour   // how long a file is read that no name leads to
	keepDeleted  = time.Minute // likewise if it holds disk space that nobody else can free
	keepLost     = time.Minute // how long a copy of an emptied log is looked for
	maxGone      = 64          // files without a name that are kept open
	guessRetries = 200 * 150   // bytes by which a log's format must have shown
)

// followed is a file that is or was read.
type followed struct {
	path  string
	base  string // its path when it was met first
	moved bool   // it was renamed, and what lies next to base was not looked at since
	named bool
	info  fs.FileInfo // of the file; what it was when it was last looked at
	live  *liveFile   // nil: closed
	pipe  *livePipe   // nil: not a pipe

	log    *Log          // nil: not joined
	done   bool          // read to its end for good, or nothing to be read; until it changes
	from   bool          // it was there before the first Join
	still  bool          // it had no more in this round
	failed int64         // it was no log yet when it was half as long
	next   time.Time     // when it may be looked at again
	wait   time.Duration // until then
	copyOf bool          // not asked for: it is read if it holds the rest of a known log
	gone   time.Time

	came  time.Time // when its last line came
	quiet time.Time // when it last had no more
	grace time.Duration
	skew  *mark         // of the last line that was waited for; nil if none was
	slack time.Duration // how much later than its time a line comes
}

// lost is a name that leads to another log now than it did. Next to it may lie the rest
// of that log, and logs that came and went without being seen.
type lost struct {
	id    int // of a log whose file was emptied; 0 if its file is still read
	path  string
	until time.Time
	next  time.Time // when a copy is looked for again
	wait  time.Duration
}

// mark is an event time and when it was met.
type mark struct{ time, came time.Time }

// Follow returns a follower of what the arguments name: files, which need not be there
// yet, folders, patterns, pipes, and "-" for standard input.
func Follow(args []string, opts FollowOptions) *Follower {
	f := &Follower{FollowOptions: opts, args: args, wake: make(chan struct{}, 1), watched: map[string]bool{}}
	if !f.Poll {
		f.watcher, _ = fsnotify.NewWatcher() // without it there is polling
	}
	if f.watcher != nil {
		go func(w *fsnotify.Watcher) {
			for {
				select {
				case e, ok := <-w.Events:
					if !ok {
						return
					}
					if e.Op != fsnotify.Chmod {
						f.woken()
					}
				case _, ok := <-w.Errors: // more than the system could tell, for one
					if !ok {
						return
					}
					f.woken()
				}
			}
		}(f.watcher)
	}
	for _, arg := range args {
		if arg == "-" {
			f.files = append(f.files, &followed{path: "-", named: true, pipe: newLivePipe(opts.Stdin, f.woken, func() error { return nil })})
		}
	}
	return f
}

// woken ends a Wait.
func (f *Follower) woken() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Wait returns when a file may have changed, when d has passed or when the context is
// done.
func (f *Follower) Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-f.wake:
	case <-t.C:
	case <-ctx.Done():
	}
}

// Notified tells whether the system tells of changes.
func (f *Follower) Notified() bool { return f.watcher != nil }

// Close gives all files back.
func (f *Follower) Close() {
	if f.watcher != nil {
		f.watcher.Close()
	}
	for _, e := range f.files {
		e.close()
	}
	f.files = nil
}

func (e *followed) close() {
	if e.live != nil {
		e.live.file.Close()
		e.live = nil
	}
	if e.pipe != nil {
		e.pipe.stop()
	}
}

// Find looks for files that were added, renamed, emptied or taken away, and tells
// whether Join has something to do.
func (f *Follower) Find() (join bool) {
	now := f.Now()
	seen := map[*followed]bool{}
	for _, arg := range f.args {
		if arg != "-" {
			f.walk(arg, func(path string, named bool, info fs.FileInfo) {
				if e := f.file(path, named, info); e != nil {
					seen[e] = true
				}
			})
		}
	}
	kept := 0
	for _, e := range f.files {
		e.still = false
		if e.log != nil && !e.copyOf && e.pipe == nil && (e.moved || e.gone.IsZero() && !seen[e]) {
			f.lost = append(f.lost, lost{path: e.base, until: now})
			e.moved = false
		}
		switch {
		case e.pipe != nil, seen[e], e.copyOf:
			e.gone = time.Time{}
		case e.gone.IsZero():
			e.gone = now
		}
		if !e.gone.IsZero() {
			kept++
		}
	}
	f.files = slices.DeleteFunc(f.files, func(e *followed) bool {
		if e.log == nil {
			over := e.copyOf || !e.gone.IsZero() && (e.live == nil || !e.pending(now) && (kept > maxGone || e.outlived(now)))
			if over {
				e.close()
			}
			return over
		}
		if !e.gone.IsZero() && e.log.grows && e.caughtUp() && (kept > maxGone || e.outlived(now)) {
			e.log.grows = false // what it still gives comes from Next
			kept--
		}
		return false
	})
	f.lost = slices.DeleteFunc(f.lost, func(l lost) bool { return l.id != 0 && now.After(l.until) })
	for _, e := range f.files {
		join = join || e.pending(now)
	}
	return join || !f.joined || slices.ContainsFunc(f.lost, func(l lost) bool { return !now.Before(l.next) })
}

// outlived tells whether a file that no name leads to has been quiet for so long that
// nobody is likely to write to it.
func (e *followed) outlived(now time.Time) bool {
	keep := keepGone
	if info, err := e.live.stat(); err == nil && unlinked(info) {
		keep = keepDeleted
	}
	last := e.gone
	if e.came.After(last) {
		last = e.came
	}
	return now.Sub(last) > keep
}

// caughtUp tells whether all was read that was there when it was looked at last.
func (e *followed) caughtUp() bool { return !e.quiet.IsZero() && !e.quiet.Before(e.came) }

// pending tells whether the file is to be looked at.
func (e *followed) pending(now time.Time) bool {
	if e.log != nil || e.done || now.Before(e.next) {
		return false
	}
	if e.pipe != nil {
		return e.pipe.begun()
	}
	if e.live == nil {
		return false
	}
	info, err := e.live.stat()
	if err != nil || info.Size() == 0 || info.Size() < e.failed {
		return false
	}
	return e.begun(info.Size())
}

// begun tells whether the file has a whole line, or so much of one that it needs none.
func (e *followed) begun(size int64) bool {
	if size >= peekSize {
		return true
	}
	var b [4 << 10]byte
	for at := int64(0); ; {
		n, err := e.live.file.ReadAt(b[:], at)
		for i, c := range b[:n] {
			if c == '\n' || at == 0 && i < 6 && c >= 0x80 || c == 0 { // packed, or not of bytes
				return true
			}
		}
		if err != nil {
			return false
		}
		at += int64(n)
	}
}

// walk calls found with each file that an argument leads to.
func (f *Follower) walk(arg string, found func(path string, named bool, info fs.FileInfo)) {
	info, err := os.Stat(arg)
	if err != nil {
		f.watch(filepath.Dir(arg))
		if !strings.ContainsAny(arg, "*?[") {
			return
		}
		f.pattern = true
		matches, _ := filepath.Glob(arg)
		for _, m := range matches {
			if info, err := os.Stat(m); err == nil && !info.IsDir() {
				f.watch(filepath.Dir(m))
				found(m, true, info)
			}
		}
		return
	}
	if !info.IsDir() {
		f.watch(filepath.Dir(arg))
		found(arg, true, info)
		return
	}
	f.pattern = true
	filepath.WalkDir(arg, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it may be gone already
		}
		if d.IsDir() {
			if p != arg && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			f.watch(p)
			return nil
		}
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			found(p, false, info)
		}
		return nil
	})
}

// watch asks the system to tell of changes in a folder.
func (f *Follower) watch(dir string) {
	if f.watcher == nil || f.watched[dir] {
		return
	}
	if f.watcher.Add(dir) == nil {
		f.watched[dir] = true
	}
}

// file takes in a file that has been found: one that is known already under whatever
// name, or a new one. nil: it cannot be opened.
func (f *Follower) file(path string, named bool, info fs.FileInfo) *followed {
	for _, e := range f.files {
		if e.info == nil || !os.SameFile(e.info, info) {
			continue
		}
		changed := info.Size() != e.info.Size() || !info.ModTime().Equal(e.info.ModTime())
		if e.live == nil && e.pipe == nil && e.log == nil && changed { // closed, and written to since
			if e.open(path) != nil {
				return nil
			}
			e.done = false
		}
		if e.live != nil && e.log == nil && changed {
			e.done = false
		}
		if e.path != path && (e.log == nil || e.copyOf || !f.isAt(e.path, e.info)) {
			e.path, e.moved = path, true
			if e.log != nil {
				e.log.Source.Path, e.log.File.Path = path, path
			}
		}
		e.named = e.named || named
		e.copyOf = false
		return e
	}
	e := &followed{path: path, base: path, named: named, from: !f.joined && info.Size() > 0}
	if info.Mode()&fs.ModeNamedPipe != 0 {
		// For writing too, so that it has no end while nobody else writes.
		pipe, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil
		}
		e.info, e.pipe = info, newLivePipe(pipe, f.woken, pipe.Close)
	} else if !info.Mode().IsRegular() || e.open(path) != nil {
		return nil
	}
	f.files = append(f.files, e)
	return e
}

// isAt tells whether the path still leads to the file.
func (f *Follower) isAt(path string, info fs.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, info)
}

func (e *followed) open(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	if e.info, err = file.Stat(); err != nil {
		file.Close()
		return err
	}
	e.live = &liveFile{file: file}
	return nil
}

// A Joining is what came of looking at files.
type Joining struct {
	Logs     []*Log   // that are read from now on
	Batches  []*Batch // that say where logs stand which begin at their end; they hold nothing else
	Failures []Failure
}

// Join looks at the files that were found since and begins to read the logs among them.
// opts.Known must hold all logs that were read so far, as far as they were. Those that were
// begun and have given nothing yet are added to it.
func (f *Follower) Join(opts *Options) *Joining {
	first := !f.joined
	f.joined = true
	now := f.Now()
	families := familiesOf(opts.Known)
	for _, e := range f.files {
		if e.log != nil && !slices.ContainsFunc(opts.Known, func(k Known) bool { return k.Source.ID == e.log.Source.ID }) {
			opts.Known = append(opts.Known, Known{Source: *e.log.Source, HeadLen: e.log.HeadLen})
		}
	}
	var candidates []*followed
	for _, e := range f.files {
		if e.pending(now) && !(first && f.tooOld(e, families)) {
			candidates = append(candidates, e)
		}
	}
	candidates = append(candidates, f.copies(first, families)...)
	byFile := map[*File]*followed{}
	var files []*File
	for _, e := range candidates {
		file := &File{Path: e.path, Named: e.named}
		if e.pipe != nil {
			file.live = e.pipe
		} else {
			e.live = &liveFile{file: e.live.file}
			file.live = e.live
			e.info, _ = e.live.stat()
		}
		byFile[file] = e
		files = append(files, file)
	}
	plan := Look(files, opts)
	j := &Joining{}
	f.lost = slices.DeleteFunc(f.lost, func(l lost) bool { return l.id == 0 })
	for _, l := range plan.Logs {
		e := byFile[l.File]
		delete(byFile, l.File)
		f.join(e, l, families, j)
	}
	for file, e := range byFile {
		i := slices.IndexFunc(plan.Failures, func(fail Failure) bool { return fail.Path == file.Path })
		if e.copyOf {
			e.close()
			continue
		}
		f.rest(e)
		if i < 0 {
			continue // empty, or the same as another, for now
		}
		// More of it may show what it is.
		size := e.info.Size()
		if e.failed == 0 || size > guessRetries {
			j.Failures = append(j.Failures, plan.Failures[i])
		}
		e.failed = max(2*size, 1)
	}
	f.files = append(f.files, slices.DeleteFunc(candidates, func(e *followed) bool {
		return !e.copyOf || e.log == nil
	})...)
	for _, e := range f.files {
		e.from = e.from && (e.log != nil || e.failed > 0)
	}
	return j
}

// join begins to read a log, if there is something to be read of it.
func (f *Follower) join(e *followed, l *Log, families map[string]family, j *Joining) {
	e.failed = 0
	known := l.Start.Lines > 0 || l.Start.Offset > 0 || l.Anew() || f.reading(l.Source.ID) != nil
	if known {
		f.lost = slices.DeleteFunc(f.lost, func(o lost) bool { return o.id == l.Source.ID })
	}
	if known && f.reading(l.Source.ID) != nil || l.Over() {
		// A copy of what is read where it is written, or all read.
		f.leave(e, l)
		return
	}
	fam, ok := families[familyOf(e.path)]
	newer := ok && !fam.last.IsZero() && !l.Source.First.Before(fam.last.Add(-l.opts.Lateness))
	switch {
	case e.pipe != nil, known && !f.Skip, !known && !e.from && !e.copyOf, !known && newer:
		// From where it stands.
	case !known && e.copyOf:
		f.leave(e, l)
		return
	case f.AtEnd:
		if err := l.passOver(); err != nil {
			j.Failures = append(j.Failures, Failure{Path: e.path, Err: err, Fatal: e.named})
		}
		j.Batches = append(j.Batches, &Batch{Log: l, After: l.At})
		if !l.grows {
			f.leave(e, l)
			return
		}
	default:
		l.from = f.From
	}
	if e.pipe != nil {
		e.pipe.mu.Lock()
		e.pipe.taken = true
		e.pipe.mu.Unlock()
	}
	e.log, e.done = l, false
	e.grace, e.slack = f.Grace, f.Grace
	j.Logs = append(j.Logs, l)
}

// leave lets a file be, of which a log has nothing to give, until it changes.
func (f *Follower) leave(e *followed, l *Log) {
	l.close()
	f.rest(e)
}

// rest lets a file be until it changes, and not to be looked at again and again if it does
// that all the time.
func (f *Follower) rest(e *followed) {
	e.done = true
	e.wait = min(max(2*e.wait, time.Second), time.Minute)
	e.next = f.Now().Add(e.wait)
	if e.pipe == nil && e.live != nil {
		e.live.file.Close()
		e.live = nil
	}
}

// reading returns the file in which the log of that number is read; nil if none.
func (f *Follower) reading(id int) *followed {
	for _, e := range f.files {
		if e.log != nil && e.log.Source.ID == id && !(e.live != nil && e.live.replaced) {
			return e
		}
	}
	return nil
}

// passOver goes to where the log ends for now, without reading what its lines say.
func (l *Log) passOver() error {
	if l.content == nil {
		var err error
		if l.content, err = l.File.open(); err != nil {
			return err
		}
	}
	if l.cut == nil {
		l.cut = newCutter(l.content, l.layout)
	}
	before := &headers{prefix: l.format.Header}
	was, last := l.number, ""
	l.cut.goesOn = true
	for {
		b, err := l.cut.next()
		if b.text != "" {
			l.recall(b, before)
			last = b.text
		}
		if err == ErrForNow {
			break
		}
		if err != nil {
			return err
		}
	}
	l.headers = append(l.headers, before.kept()...)
	l.At.Offset, l.At.Hash, l.At.Torn = l.cut.offset, l.cut.sum(), ""
	l.At.Lines += l.number - was
	l.At.Skipped += l.number - was
	l.At.Last = later(l.At.Last, l.lastTime(last))
	l.Start = l.At
	l.reopen, l.voids = nil, false
	return nil
}

// lastTime returns the time of the last of some lines that gives a request.
func (l *Log) lastTime(text string) time.Time {
	reader := l.format.NewReader(l.opts.Site, l.Source)
	for _, header := range l.headers {
		reader.Recall(header)
	}
	lines := splitLines(text)
	var r parsers.Request
	for i := range min(len(lines), sampleMax) {
		if reader.Read(lines[len(lines)-1-i], 1, &r) == nil {
			return r.Time
		}
	}
	return time.Time{}
}

// A family are the logs that follow each other under one name.
type family struct {
	last  time.Time // of the lines that were read, at most
	fresh time.Time // a file that was not written to since then holds nothing new
}

// rotated are the parts of a name that change when a log is rotated or packed.
var rotated = regexp.MustCompile(`(\.(gz|zst|bz2|xz|Z))$|[-._]?[0-9]+([-._T][0-9]+)*`)

// familyOf names the family of a path.
func familyOf(path string) string {
	path, _, _ = strings.Cut(path, "!")
	return filepath.Join(filepath.Dir(path), rotated.ReplaceAllString(filepath.Base(path), ""))
}

func familiesOf(known []Known) map[string]family {
	all := map[string]family{}
	for _, k := range known {
		name := familyOf(k.Source.Path)
		f := all[name]
		f.last = later(f.last, k.At.Last)
		f.fresh = f.last.Add(-24 * time.Hour) // whose clock is whose is not known
		all[name] = f
	}
	return all
}

// tooOld tells whether a file holds nothing that is to be read, so that it need not be
// looked at.
func (f *Follower) tooOld(e *followed, families map[string]family) bool {
	if e.pipe != nil {
		return false
	}
	fam, ok := families[familyOf(e.path)]
	old := ok && e.info.ModTime().Before(fam.fresh)
	if old && f.AtEnd {
		e.done = true
		e.live.file.Close()
		e.live = nil
	}
	return e.done
}

// copies returns files that nobody asked for and that may hold the rest of a log: next to
// where it was, under a name that rotation gives. At the first Join that is any log of the
// arguments, else one whose file was emptied.
func (f *Follower) copies(first bool, families map[string]family) []*followed {
	var paths []string
	now := f.Now()
	for i := range f.lost {
		if l := &f.lost[i]; !now.Before(l.next) {
			paths = append(paths, l.path)
			l.wait = max(2*l.wait, time.Second)
			l.next = now.Add(l.wait)
		}
	}
	if first {
		for _, arg := range f.args {
			if _, ok := families[familyOf(arg)]; ok {
				paths = append(paths, arg)
			}
		}
		for _, e := range f.files {
			if _, ok := families[familyOf(e.path)]; ok {
				paths = append(paths, e.path)
			}
		}
	}
	slices.Sort(paths)
	var found []*followed
	for _, path := range slices.Compact(paths) {
		entries, _ := os.ReadDir(filepath.Dir(path))
		for _, d := range entries {
			at := filepath.Join(filepath.Dir(path), d.Name())
			info, err := os.Stat(at)
			if err != nil || !info.Mode().IsRegular() || info.Size() == 0 ||
				first && info.ModTime().Before(families[familyOf(path)].fresh) {
				continue
			}
			same := func(e *followed) bool { return e.info != nil && os.SameFile(e.info, info) }
			if i := slices.IndexFunc(f.files, same); i >= 0 && familyOf(at) == familyOf(path) {
				// It was left as a copy of what was read where it was written.
				if e := f.files[i]; !first && e.log == nil && e.done && !slices.Contains(found, e) && e.open(at) == nil {
					e.done = false
					found = append(found, e)
				}
				continue
			}
			if !isRotationOf(d.Name(), filepath.Base(path)) || slices.ContainsFunc(f.files, same) || slices.ContainsFunc(found, same) {
				continue
			}
			e := &followed{path: at, copyOf: true}
			if e.open(at) == nil {
				found = append(found, e)
			}
		}
	}
	return found
}

// isRotationOf tells whether rotating a log of that name may give a file the other.
func isRotationOf(name, of string) bool {
	if name == of {
		return false
	}
	ext := filepath.Ext(of)
	stem := strings.TrimSuffix(of, ext)
	rest, ok := strings.CutPrefix(name, of)
	if ok && strings.ContainsAny(rest[:1], "-._") {
		return true
	}
	rest, ok = strings.CutPrefix(name, stem)
	return ok && ext != "" && strings.ContainsAny(cmp.Or(rest, "x")[:1], "-._") && strings.Contains(rest, ext) && rotated.MatchString(rest)
}

// Next returns what the log that lies furthest back has to give, or ErrForNow when none
// has more in this round, which the next Find begins. After a Broken the others go on.
func (f *Follower) Next() (*Batch, error) {
	now := f.Now()
	for {
		e := f.furthestBack()
		if e == nil {
			return nil, ErrForNow
		}
		b, err := e.log.Next()
		if err == nil {
			f.took(e, b, now)
			return b, nil
		}
		switch {
		case errors.Is(err, errReplaced) || e.live != nil && e.live.replaced && e.log.grows:
			f.replaced(e, now)
		case err == ErrForNow && e.pipe != nil && e.pipe.over():
			e.log.grows = false
		case err == ErrForNow:
			e.still, e.quiet = true, now
		case err == io.EOF:
			f.ended(e)
		default:
			f.ended(e)
			e.failed = e.info.Size() + 1
			return nil, &Broken{e.path, err}
		}
	}
}

// furthestBack returns the file whose log has the least bound of those that may have
// more.
func (f *Follower) furthestBack() (back *followed) {
	for _, e := range f.files {
		if e.log != nil && !e.still && (back == nil || e.log.Bound().Before(back.log.Bound())) {
			back = e
		}
	}
	return back
}

// Broken says that a log cannot be read on.
type Broken struct {
	Path string
	Err  error
}

func (b *Broken) Error() string { return fmt.Sprintf("%s: %v", b.Path, b.Err) }
func (b *Broken) Unwrap() error { return b.Err }

// took notes that lines came.
func (f *Follower) took(e *followed, b *Batch, now time.Time) {
	if !e.quiet.IsZero() && len(b.Requests) > 0 { // it came while it was waited for
		e.skew = &mark{e.log.At.Last, now}
	}
	e.came = now
	if !e.log.from.IsZero() {
		e.log.leaveEarlier(b)
	}
	if e.log.At.Last.After(f.event.time) {
		f.event = mark{e.log.At.Last, now}
	}
	if e.live != nil && len(e.log.head) < headSize && len(e.live.head) > len(e.log.head) {
		f.longerHead(e)
	}
}

// longerHead knows a log by more of its beginning, as whoever meets it from now on will.
func (f *Follower) longerHead(e *followed) {
	l := e.log
	head := bytes.TrimPrefix(e.live.head, bomUTF8)
	if !l.grows || len(head) <= len(l.head) {
		return
	}
	l.head = bytes.Clone(head)
	l.HeadLen, l.Source.Fingerprint = len(head), fingerprint(head)
	for _, o := range f.files {
		if o != e && o.log != nil && o.log.Source.First.Equal(l.Source.First) {
			f.reorder = true
		}
	}
}

// Reordered tells, once, that the order of requests that were given has changed: the
// fingerprint of their log, which decides between those of one time, has.
func (f *Follower) Reordered() bool {
	was := f.reorder
	f.reorder = false
	return was
}

// leaveEarlier takes out of a batch what lies before the time that the log is read from.
func (l *Log) leaveEarlier(b *Batch) {
	kept := b.Requests[:0]
	for _, r := range b.Requests {
		if r.Time.Before(l.from) {
			l.At.Parsed--
			l.At.Skipped++
			if r.Late {
				l.At.Late--
			}
			continue
		}
		kept = append(kept, r)
	}
	if len(kept) > 0 {
		l.from = time.Time{}
	}
	b.Requests = kept
	b.After = l.At
}

// ended notes that a log was read to its end.
func (f *Follower) ended(e *followed) {
	if e.live != nil {
		if info, err := e.live.stat(); err == nil {
			e.info = info
		}
	}
	f.leave(e, e.log)
	e.log, e.wait, e.next = nil, 0, time.Time{}
}

// replaced deals with a file that was emptied or overwritten: it holds another log now,
// and what was not read of the one before may stand in a copy.
func (f *Follower) replaced(e *followed, now time.Time) {
	f.lost = append(f.lost, lost{id: e.log.Source.ID, path: e.base, until: now.Add(keepLost)})
	e.log.close()
	e.log, e.done, e.from, e.failed = nil, false, false, 0
	e.came, e.quiet = time.Time{}, time.Time{}
	e.wait, e.next = 0, time.Time{}
	f.woken() // there is more to do than a look
	e.live = &liveFile{file: e.live.file}
	// Those that follow it under its name wait until it is joined: were they kept and it not,
	// it would be taken for a log of the past after a kill.
	for _, o := range f.files {
		if familyOf(o.path) == familyOf(e.path) {
			o.still = true
		}
	}
}

// Over tells whether nothing can follow: all is standard input and that has ended.
func (f *Follower) Over() bool {
	for _, e := range f.files {
		if e.pipe == nil || e.log != nil || !e.pipe.over() {
			return false
		}
	}
	return !slices.ContainsFunc(f.args, func(arg string) bool { return arg != "-" })
}

// End lets Next give what the logs end with: last lines without a line end.
func (f *Follower) End() {
	for _, e := range f.files {
		if e.log != nil {
			e.log.grows, e.still = false, false
		}
	}
}

// Straggled tells that a request of the log came so much too early for the time Soon.
func (f *Follower) Straggled(l *Log, by time.Duration) {
	for _, e := range f.files {
		if e.log != l {
			continue
		}
		if l.Lag > e.grace {
			e.grace = min(l.Lag+time.Second, l.opts.Lateness)
		}
		e.slack = min(e.slack+by+time.Second, Patience)
	}
}

// Due returns two times of the logs. Before soon nothing is expected any more: each log
// has told of later, or has been silent for so long that it would have. Before sure
// nothing can come that is to be judged, but of a log that keeps lines to itself for
// longer than Patience. The zero time: nothing is known.
func (f *Follower) Due(lateness time.Duration) (soon, sure time.Time) {
	now := f.Now()
	least := func(of *time.Time, t time.Time) {
		if of.IsZero() || t.Before(*of) {
			*of = t
		}
	}
	any := f.event.time.Add(now.Sub(f.event.came) - Patience)
	if f.pattern && !f.event.time.IsZero() {
		least(&sure, any)
	}
	for _, e := range f.files {
		if e.log == nil || e.done {
			if e.from && e.pending(now) {
				return time.Time{}, time.Time{} // not looked at yet
			}
			continue
		}
		last := e.log.At.Last
		if last.IsZero() {
			last = e.log.Source.First
		}
		switch {
		case last.IsZero():
		case e.quiet.IsZero() || e.quiet.Before(e.came):
			least(&soon, last.Add(-e.grace))
			least(&sure, last.Add(-max(lateness, e.grace)))
		case e.came.IsZero():
			if !f.event.time.IsZero() {
				least(&sure, any)
			}
		default:
			silent := e.quiet.Sub(e.came)
			least(&soon, later(last.Add(-e.grace), last.Add(silent-e.slack)))
			least(&sure, later(last.Add(-max(lateness, e.grace)), last.Add(silent-Patience)))
		}
	}
	if soon.IsZero() && !f.event.time.IsZero() {
		soon = f.event.time.Add(now.Sub(f.event.came) - f.Grace)
	}
	if sure.IsZero() && !f.event.time.IsZero() {
		sure = any
	}
	if soon.Before(sure) {
		sure = soon
	}
	return soon, sure
}

// Resumed tells of requests that were read before the follower began, up to that time.
func (f *Follower) Resumed(last time.Time) {
	if last.After(f.event.time) {
		f.event = mark{last, f.Now()}
	}
}

// A Following is how a log gets on.
type Following struct {
	Path    string
	Format  string
	At      Position
	Behind  int64         // bytes that were not read yet; -1 if that is not known
	Idle    time.Duration // since its last line came; -1 if none came
	Skew    time.Duration // how far the last line that was waited for lay behind the clock when it came
	Pending bool          // it has not shown yet what it holds
}

// Status tells how each log gets on.
func (f *Follower) Status() []Following {
	now := f.Now()
	var all []Following
	for _, e := range f.files {
		if e.log == nil && (e.done || !e.gone.IsZero()) {
			continue
		}
		s := Following{Path: e.path, Pending: e.log == nil, Behind: -1, Idle: -1}
		if e.log != nil {
			s.Format, s.At = e.log.Source.Format, e.log.At
			if !e.came.IsZero() {
				s.Idle = now.Sub(e.came)
			}
			if e.skew != nil {
				s.Skew = e.skew.came.Sub(e.skew.time)
			}
			if info, err := e.stat(); err == nil && e.log.grows {
				s.Behind = max(info.Size()-e.log.At.Offset, 0)
			}
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b Following) int { return strings.Compare(a.Path, b.Path) })
	return all
}

func (e *followed) stat() (fs.FileInfo, error) {
	if e.live == nil {
		return nil, errors.New("closed")
	}
	return e.live.stat()
}
