package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// followed is a file that is or was read.
type followed struct {
	path    string
	base    string // its path when it was met first; of a copy the one that it lies beside
	moved   bool   // it was renamed, and what lies next to base was not looked at since
	renamed bool   // nor was it told since that its log has another path
	named   bool
	info    fs.FileInfo // of the file; what it was when it was last looked at
	live    *liveFile   // nil: closed
	pipe    *livePipe   // nil: not a pipe

	log    *Log          // nil: not joined
	done   bool          // read to its end for good, or nothing to be read; until it changes
	from   bool          // it was there before the first Join
	before int64         // how large it was then, if it was taken for a log of the past
	begin  string        // what it began with then
	still  bool          // it had no more in this round
	failed int64         // it was no log yet when it was half as long
	short  int64         // it was cut short when it was so long
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

// held returns how many bytes there are to be looked at, and whether a look from now on shows
// all that a later one could.
func (e *followed) held() (size int64, all bool) {
	if e.pipe != nil {
		return e.pipe.held()
	}
	return e.info.Size(), false
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

// begins names what the file begins with, of as much as there was of a log of the past.
func (e *followed) begins() string {
	if e.before == 0 {
		return ""
	}
	head := make([]byte, min(headSize, e.before))
	n, _ := e.live.file.ReadAt(head, 0)
	return fingerprint(head[:n])
}

// pending tells whether the file is to be looked at.
func (e *followed) pending(now time.Time) bool {
	if e.log != nil || e.done || now.Before(e.next) {
		return false
	}
	if e.pipe != nil {
		return e.pipe.begun(e.failed)
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
			if c == '\n' || at == 0 && i < magicSize && c >= 0x80 && size >= magicSize || c == 0 { // packed, or not of bytes
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
			f.cannotRead(arg, true, err)
			if errors.Is(err, fs.ErrNotExist) {
				f.missing = append(f.missing, arg)
			}
			return
		}
		f.pattern = true
		matches, err := filepath.Glob(arg)
		if err != nil {
			f.cannotRead(arg, true, fmt.Errorf("pattern: %w", err))
		} else if len(matches) == 0 {
			f.missing = append(f.missing, arg)
		}
		for _, m := range matches {
			info, err := os.Stat(m)
			if err != nil {
				f.cannotRead(m, true, err)
				continue
			}
			if !info.IsDir() {
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
	walkFolder(arg, func(p string, info fs.FileInfo) { found(p, false, info) },
		func(p string, err error, _ bool) { f.cannotRead(p, false, err) }, f.watch)
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
		if info.Size() < e.info.Size() { // it was written anew, or is another file under its number
			e.failed, e.short = 0, 0
		}
		if e.live == nil && e.pipe == nil && e.log == nil && changed { // closed, and written to since
			if err := e.open(path); err != nil {
				f.cannotRead(path, named, err)
				return nil
			}
			e.done = false
			if e.begin != e.begins() {
				e.before = 0
			}
		}
		if e.live != nil && e.log == nil && changed {
			e.done = false
		}
		if e.path != path && (e.log == nil || e.copyOf || !f.isAt(e.path, e.info)) {
			if e.log == nil && named {
				f.meets(path)
			}
			e.path, e.moved = path, true
			if e.log != nil {
				e.log.Source.Path, e.log.File.Path = shownPath(path), path
				e.renamed = true
			}
		}
		e.named = e.named || named
		e.copyOf = false
		return e
	}
	e := &followed{path: path, base: path, named: named, from: !f.joined && info.Size() > 0 && !(f.anew && info.ModTime().After(f.past))}
	var err error
	switch mode := info.Mode(); {
	case mode&fs.ModeNamedPipe != 0:
		// For writing too, so that it has no end while nobody else writes.
		var pipe *os.File
		if pipe, err = os.OpenFile(path, os.O_RDWR, 0); err == nil {
			e.info, e.pipe = info, newLivePipe(pipe, f.Wake, pipe.Close)
		}
	case !mode.IsRegular():
		err = fmt.Errorf("not a file but a %s", kind(mode))
	default:
		err = e.open(path)
	}
	if err != nil {
		f.cannotRead(path, named, err)
		return nil
	}
	f.files = append(f.files, e)
	if named && e.pipe == nil {
		f.meets(path)
	}
	return e
}

// cannotRead has it told that a file cannot be read, unless that is because it is not there, or
// not any more.
func (f *Follower) cannotRead(path string, named bool, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		f.tell(Failure{Path: path, Err: pathless(err), Fatal: named})
	}
}

// meets notes that a name leads to a file that it did not lead to when it was looked at last:
// others may have come and gone under it since then. Of a folder all files are met anyway.
func (f *Follower) meets(path string) {
	if f.joined {
		f.lost = append(f.lost, lost{path: path})
	}
}

// isAt tells whether the path still leads to the file.
func (f *Follower) isAt(path string, info fs.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, info)
}
