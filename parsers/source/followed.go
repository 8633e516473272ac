package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
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
	before int64         // how large it was then, if it was taken for a log of the past
	still  bool          // it had no more in this round
	failed int64         // it was no log yet when it was half as long
	next   time.Time     // when it may be looked at again
	wait   time.Duration // until then
	reread bool          // it was told that it is read again from its start as it grows
	copyOf bool          // not asked for: it is read if it holds the rest of a known log
	gone   time.Time

	came  time.Time // when its last line came
	quiet time.Time // when it last had no more
	grace time.Duration
	skew  *mark         // of the last line that was waited for; nil if none was
	slack time.Duration // how much later than its time a line comes
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

func (e *followed) close() {
	if e.live != nil {
		e.live.file.Close()
		e.live = nil
	}
	if e.pipe != nil {
		e.pipe.stop()
	}
}

func (e *followed) stat() (fs.FileInfo, error) {
	if e.live == nil {
		return nil, errors.New("closed")
	}
	return e.live.stat()
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
			f.cannot(arg, err)
			if !f.joined && errors.Is(err, fs.ErrNotExist) {
				f.faults = append(f.faults, Failure{Path: arg, Err: errors.New("is not there yet")})
			}
			return
		}
		f.pattern = true
		matches, _ := filepath.Glob(arg)
		if !f.joined && len(matches) == 0 {
			f.faults = append(f.faults, Failure{Path: arg, Err: errors.New("no file matches yet")})
		}
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
			f.cannot(p, err)
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
			if f.cannot(path, e.open(path)) {
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
		if f.cannot(path, err) {
			return nil
		}
		e.info, e.pipe = info, newLivePipe(pipe, f.Wake, pipe.Close)
	} else if !info.Mode().IsRegular() || f.cannot(path, e.open(path)) {
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
