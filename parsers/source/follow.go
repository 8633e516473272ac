package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
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
	past    time.Time // what was not written to after it was there before the follower
	lost    []lost    // rotated, and maybe more than seen
	joined  bool      // Join was called before
	anew    bool      // another has followed before
	pattern bool      // more files may join at any time
	missing []string  // arguments that lead to no file
	// What the next Join tells of, and all that was told of.
	failures []Failure
	told     map[string]bool
	watcher  *fsnotify.Watcher
	watched  map[string]bool
	wake     chan struct{}
	reorder  bool
	event    mark // the greatest time of a line, and when it came
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
	// Grace is how far a line may lie behind those that came before it without lying
	// before what Due calls soon, as long as nothing else is known of its log.
	Grace time.Duration
}

const (
	keepGone     = time.Hour   // how long a file is read that no name leads to
	keepDeleted  = time.Minute // likewise if it holds disk space that nobody else can free
	keepLost     = time.Minute // how long a copy of an emptied log is looked for
	maxGone      = 64          // files without a name that are kept open
	guessRetries = 200 * 150   // bytes by which a log's format must have shown
)

// Follow returns a follower of what the arguments name: files, which need not be there
// yet, folders, patterns, pipes, and "-" for standard input.
func Follow(args []string, opts FollowOptions) *Follower {
	f := newFollower(args, opts)
	for _, arg := range args {
		if arg == "-" && len(f.files) == 0 {
			f.files = append(f.files, &followed{path: "-", named: true, pipe: newLivePipe(opts.Stdin, f.Wake, func() error { return nil })})
		}
	}
	return f
}

// newFollower returns a follower that does not read standard input.
func newFollower(args []string, opts FollowOptions) *Follower {
	f := &Follower{FollowOptions: opts, args: args, wake: make(chan struct{}, 1), watched: map[string]bool{}, told: map[string]bool{}}
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
						f.Wake()
					}
				case _, ok := <-w.Errors: // more than the system could tell, for one
					if !ok {
						return
					}
					f.Wake()
				}
			}
		}(f.watcher)
	}
	f.past = lastWritten(args)
	return f
}

// Anew closes the follower and returns one that finds all again: what was written while this one
// followed is not passed over. A pipe cannot be opened again: it is read on where it stands, by
// the options of the next Join. All batches that it gave must have been kept.
func (f *Follower) Anew() *Follower {
	opts := f.FollowOptions
	opts.Skip = false
	next := newFollower(f.args, opts)
	f.files = slices.DeleteFunc(f.files, func(e *followed) bool {
		if e.pipe == nil {
			return false
		}
		e.pipe.wakes(next.Wake)
		next.files = append(next.files, e)
		return true
	})
	f.Close()
	next.past, next.told, next.anew = f.past, f.told, true
	return next
}

// Wake ends a Wait, or the next one. Any goroutine may call it.
func (f *Follower) Wake() {
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

// Find looks for files that were added, renamed, emptied or taken away, and tells
// whether Join has something to do.
func (f *Follower) Find() (join bool) {
	now := f.Now()
	f.missing = nil
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
			f.lost = append(f.lost, lost{path: e.base})
			e.moved = false
		}
		switch {
		case e.pipe != nil, seen[e]:
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
	f.lost = slices.DeleteFunc(f.lost, func(l lost) bool {
		over := l.wait > 0 && now.After(l.until)
		if over && l.failed != nil {
			f.tell(*l.failed)
		}
		if over && l.id != 0 {
			f.tell(Failure{Path: l.path, Err: errNoCopy})
		}
		return over
	})
	for _, e := range f.files {
		join = join || e.pending(now)
	}
	return join || !f.joined || len(f.failures) > 0 || slices.ContainsFunc(f.lost, func(l lost) bool { return !now.Before(l.next) })
}

var errNoCopy = errors.New("it was emptied, and no copy is found of what it held: lines written just before that may be missed")

// tell has the next Join tell of a failure, unless that was told of before.
func (f *Follower) tell(fail Failure) {
	if key := fail.Path + "\n" + fail.Err.Error(); !f.told[key] {
		f.told[key] = true
		f.failures = append(f.failures, fail)
	}
}

// Next returns what the log that lies furthest back has to give, or ErrForNow when none
// has more in this round, which the next Find begins. After a Broken the others go on. Of a
// log that was renamed there is a batch though it has no more: so that it is kept where its
// lines stand now.
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
		case err == ErrForNow && e.renamed && e.log.At.Lines > 0:
			e.renamed = false
			return &Batch{Log: e.log, After: e.log.At}, nil
		case err == ErrForNow:
			e.still, e.quiet = true, now
		case err == io.EOF:
			f.ended(e)
		default:
			f.ended(e)
			if e.pipe == nil {
				e.failed = e.info.Size() + 1
			}
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
		e.skew = &mark{e.log.reached(now), now}
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
			l.pace.leave(r.Line)
			continue
		}
		kept = append(kept, r)
	}
	if len(kept) > 0 {
		l.from = time.Time{}
	}
	b.Requests = kept
	l.At.Open = l.pace.Text()
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
	f.lost = append(f.lost, lost{id: e.log.Source.ID, path: e.base})
	e.log.close()
	e.log, e.done, e.from, e.failed = nil, false, false, 0
	e.came, e.quiet = time.Time{}, time.Time{}
	e.wait, e.next = 0, time.Time{}
	f.Wake() // there is more to do than a look
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
