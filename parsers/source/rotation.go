package source

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// lost is a name that leads to another log now than it did, or to none. Next to it may lie the
// rest of the log that it led to, and logs that came and went without being seen.
type lost struct {
	id     int // of a log whose file was emptied; 0 if none was
	path   string
	until  time.Time // a copy is looked for, once it was
	next   time.Time // when it is looked for again
	wait   time.Duration
	failed *Failure // of what may be a copy; nil if it could be read
}

// tellMissing tells of logs that were read last under the names of the arguments and are in none
// of the files that were found: of those nobody knows what was written to them since.
func (f *Follower) tellMissing(plan *Plan, families map[string]family) {
	names := map[string]bool{}
	for _, arg := range f.args {
		names[familyOf(arg)] = arg != "-"
	}
	for _, e := range f.files {
		names[familyOf(e.path)] = e.pipe == nil
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		k := families[name].known
		if !names[name] || k.Source.ID == 0 || slices.ContainsFunc(plan.Logs, func(l *Log) bool { return l.Source.ID == k.Source.ID }) {
			continue
		}
		if _, there := k.Unread(); there { // it was not looked at, since it has been quiet for long
			continue
		}
		f.tell(Failure{
			Path: k.Source.Path,
			Err:  fmt.Errorf("what was read of it up to line %d is in no file here any more: what was written to it after that may be missed", k.At.Lines),
			Hint: "if it lies elsewhere, 'litesoc scan FILE' reads what is new in it",
		})
	}
}

// lastWritten returns when a file next to those that the arguments lead to was written to last.
func lastWritten(args []string) (last time.Time) {
	folders := map[string]bool{}
	for _, arg := range args {
		if arg == "-" {
			continue
		}
		folders[filepath.Dir(arg)] = true
		matches, _ := filepath.Glob(arg)
		for _, m := range matches {
			folders[filepath.Dir(m)] = true
		}
	}
	for dir := range folders {
		entries, _ := os.ReadDir(dir)
		for _, d := range entries {
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
				last = later(last, info.ModTime())
			}
		}
	}
	return last
}

// cannotTell notes that what may be a copy cannot be read: it is looked at again, since it may
// not be written to its end, and told of if that is so for long.
func (f *Follower) cannotTell(e *followed, fail Failure) {
	fail.Err = asCopy(fail.Err)
	i := slices.IndexFunc(f.lost, func(l lost) bool { return l.id == 0 && l.path == e.base })
	if i < 0 {
		i = len(f.lost)
		f.lost = append(f.lost, lost{path: e.base})
		f.lost[i].looked(f.Now())
	}
	f.lost[i].failed = &fail
}

// asCopy says why what may be a copy cannot be read.
func asCopy(err error) error {
	return fmt.Errorf("beside a log that is followed, and cannot be read: %w", pathless(err))
}

// looked notes that copies are looked for.
func (l *lost) looked(now time.Time) {
	if l.wait == 0 {
		l.until = now.Add(keepLost)
	}
	l.wait = max(2*l.wait, time.Second)
	l.next = now.Add(l.wait)
	l.failed = nil
}

// A family are the logs that follow each other under one name.
type family struct {
	known Known     // that was read last
	last  time.Time // of the lines that were read, at most
	fresh time.Time // a file that was not written to since then holds nothing new
}

// rotated are the parts of a name that change when a log is rotated or packed. A number that
// follows a letter is none: app1.log and app2.log are two logs. What app-1.log and app-2.log
// are, the name does not tell: they are taken for one family, see followed.before.
var rotated = regexp.MustCompile(`(\.(gz|zst|bz2|xz|Z))$|[-._][0-9]+([-._T][0-9]+)*|^[0-9]+([-._T][0-9]+)*`)

// familyOf names the family of a path.
func familyOf(path string) string {
	path, _, _ = strings.Cut(path, "!")
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return filepath.Join(filepath.Dir(path), rotated.ReplaceAllString(filepath.Base(path), ""))
}

func familiesOf(known []Known) map[string]family {
	all := map[string]family{}
	for _, k := range known {
		name := familyOf(k.Source.Path)
		f := all[name]
		if !k.At.Last.Before(f.last) {
			f.known = k
		}
		f.last = later(f.last, later(k.At.Last, k.Source.First)) // of one that was begun no line may be kept
		f.fresh = f.last.Add(-24 * time.Hour)                    // whose clock is whose is not known
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
		e.done, e.before = true, e.info.Size()
		e.begin = e.begins()
		e.live.file.Close()
		e.live = nil
	}
	return e.done
}

// copies returns files that nobody asked for and that may hold the rest of a log: next to
// where it was, under a name that rotation gives. At the first Join that is any log of the
// arguments, else one that was lost, or whose file begins to be read: that may have been
// emptied since it was met.
func (f *Follower) copies(first bool, families map[string]family, begin []*followed) (found []*followed) {
	folders := map[string]map[string]bool{} // paths by folder, and whether one was emptied
	near := func(path string, emptied bool) {
		dir := filepath.Dir(path)
		if folders[dir] == nil {
			folders[dir] = map[string]bool{}
		}
		folders[dir][path] = folders[dir][path] || emptied
	}
	now := f.Now()
	for i := range f.lost {
		if l := &f.lost[i]; !now.Before(l.next) {
			near(l.path, l.id != 0)
			l.looked(now)
		}
	}
	if !first {
		for _, e := range begin {
			if e.named && e.pipe == nil {
				near(e.path, false)
			}
		}
	}
	if first {
		for _, arg := range f.args {
			if _, ok := families[familyOf(arg)]; ok {
				near(arg, false)
			}
		}
		for _, e := range f.files {
			if _, ok := families[familyOf(e.path)]; ok {
				near(e.path, false)
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		found = append(found, f.beside(dir, folders[dir], first, families, os.ReadDir)...)
	}
	return found
}

// listings is how often a folder is listed at most, to find what is renamed meanwhile.
const listings = 10

// beside returns those of copies that lie in a folder next to paths, of which it is told whether
// they were emptied. What is renamed or packed after the folder was listed may be met under
// neither name: so it is listed once more, and again until that shows nothing new.
func (f *Follower) beside(dir string, paths map[string]bool, first bool, families map[string]family, list func(string) ([]fs.DirEntry, error)) (found []*followed) {
	for n := range listings {
		entries, _ := list(dir)
		lies := newFolder(dir, entries)
		had, gone := len(found), false
		for _, path := range slices.Sorted(maps.Keys(paths)) {
			for _, d := range lies.nextTo(path) {
				at := filepath.Join(dir, d.Name())
				info, err := os.Stat(at)
				gone = gone || errors.Is(err, fs.ErrNotExist) && d.Type().IsRegular()
				if err != nil || !info.Mode().IsRegular() || info.Size() < magicSize ||
					first && info.ModTime().Before(families[familyOf(path)].fresh) {
					continue
				}
				same := func(e *followed) bool { return e.info != nil && os.SameFile(e.info, info) }
				if i := slices.IndexFunc(f.files, same); i >= 0 && familyOf(at) == familyOf(path) {
					// It was left as a copy of what was read where it was written.
					if e := f.files[i]; paths[path] && e.log == nil && e.done && !slices.Contains(found, e) && e.open(at) == nil {
						e.done = false
						found = append(found, e)
					}
					continue
				}
				if !isRotationOf(d.Name(), filepath.Base(path)) || slices.ContainsFunc(f.files, same) || slices.ContainsFunc(found, same) {
					continue
				}
				e := &followed{path: at, base: path, copyOf: true}
				switch err := e.open(at); {
				case err == nil:
					found = append(found, e)
				case errors.Is(err, fs.ErrNotExist):
					gone = true
				default:
					f.cannotRead(at, false, asCopy(err))
				}
			}
		}
		if n > 0 && len(found) == had && !gone {
			break
		}
	}
	return found
}

// A folder is its entries, in order.
type folder struct {
	path     string
	entries  []fs.DirEntry
	families map[string][]fs.DirEntry
}

func newFolder(path string, entries []fs.DirEntry) *folder {
	f := &folder{path, entries, map[string][]fs.DirEntry{}}
	for _, d := range entries {
		name := familyOf(filepath.Join(path, d.Name()))
		f.families[name] = append(f.families[name], d)
	}
	return f
}

// nextTo returns the entries whose names are of the family of a path of the folder, or may be
// given by rotating it.
func (f *folder) nextTo(path string) []fs.DirEntry {
	family, of := familyOf(path), filepath.Base(path)
	next := slices.Clone(f.families[family])
	stem := strings.TrimSuffix(of, filepath.Ext(of))
	from, _ := slices.BinarySearchFunc(f.entries, stem, func(d fs.DirEntry, stem string) int { return strings.Compare(d.Name(), stem) })
	for _, d := range f.entries[from:] {
		if !strings.HasPrefix(d.Name(), stem) {
			break
		}
		if isRotationOf(d.Name(), of) && familyOf(filepath.Join(f.path, d.Name())) != family {
			next = append(next, d)
		}
	}
	return next
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
