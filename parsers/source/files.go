package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Failure says why a path gave no log.
type Failure struct {
	Path string
	Err  error
	Hint string // what to do about it; may be empty
	// Fatal tells that the path was asked for by name, so that a run without it has
	// not done what it was asked.
	Fatal bool
}

// Find turns arguments into files: a file is itself, a tar or zip archive is every
// regular file in it, a folder is every regular file below it, a pattern with *, ? or
// [ is every file it matches, and "-" is stdin. A file that several arguments lead to, or
// that stdin is read from, comes once. The order is that of the names and means nothing.
func Find(args []string, stdin io.Reader) ([]*File, []Failure) {
	f := finder{seen: map[string]bool{}, disk: new(disk), patience: patience}
	if file, ok := stdin.(interface{ Stat() (fs.FileInfo, error) }); ok {
		f.stdin, _ = file.Stat() // without it stdin is only read
	}
	for _, arg := range args {
		if arg == "-" {
			if f.seen[arg] {
				continue
			}
			f.seen[arg] = true
			f.files = append(f.files, &File{Path: "-", Named: true, stdin: bufio.NewReaderSize(stdin, peekSize)})
			continue
		}
		f.argument(arg)
	}
	if f.again {
		f.files = slices.DeleteFunc(f.files, func(f *File) bool { return f.Path == "-" })
	}
	// Members of an archive stay in its order: so they are read in one pass.
	slices.SortStableFunc(f.files, func(a, b *File) int { return strings.Compare(a.onDiskPath(), b.onDiskPath()) })
	return f.files, f.failures
}

// patience is how long a pipe may wait for someone to write to it.
const patience = 10 * time.Second

type finder struct {
	patience time.Duration
	seen     map[string]bool // by resolved path
	stdin    fs.FileInfo     // nil: unknown
	again    bool            // what stdin is read from is one of the files
	disk     *disk
	files    []*File
	failures []Failure
}

func (f *finder) fail(path string, err error, hint string, fatal bool) {
	f.failures = append(f.failures, Failure{path, err, hint, fatal})
}

func (f *finder) argument(arg string) {
	info, err := os.Stat(arg)
	if err == nil {
		f.path(arg, info)
		return
	}
	if !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(arg, "*?[") {
		f.fail(arg, pathless(err), "", true)
		return
	}
	matches, err := filepath.Glob(arg)
	if err != nil {
		f.fail(arg, fmt.Errorf("pattern: %w", err), "", true)
		return
	}
	if len(matches) == 0 {
		f.fail(arg, errors.New("no file matches"), "", true)
		return
	}
	for _, m := range matches {
		if info, err = os.Stat(m); err != nil {
			f.fail(m, pathless(err), "", true)
			continue
		}
		f.path(m, info)
	}
}

// path adds a file that was named, or all of a folder.
func (f *finder) path(path string, info fs.FileInfo) {
	if !info.IsDir() {
		f.add(path, info, true)
		return
	}
	empty := true
	walkFolder(path, func(p string, info fs.FileInfo) {
		empty = false // also if it was found before, or cannot be read
		f.add(p, info, false)
	}, func(p string, err error, folder bool) {
		f.fail(p, pathless(err), "", folder)
	}, func(string) {})
	if empty {
		f.fail(path, errors.New("no file in this folder"), "", true)
	}
}

// walkFolder calls found with each regular file below a folder, failed with each that cannot be
// read or folder that cannot be listed, and entered with each folder. The folder itself and the
// files may be links; folders below it that are, or whose names begin with a dot, are left out.
func walkFolder(folder string, found func(path string, info fs.FileInfo), failed func(path string, err error, folder bool), entered func(folder string)) {
	root := filepath.Clean(folder) + string(filepath.Separator) // where a link leads, not the link
	filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			failed(filepath.Clean(p), err, true)
			return nil
		case d.IsDir() && p != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir():
			entered(filepath.Clean(p))
			return nil
		}
		info, err := os.Stat(p) // through links: a log folder may hold them
		switch {
		case err != nil:
			failed(p, err, false)
		case info.Mode().IsRegular():
			found(p, info)
		}
		return nil
	})
}

func (f *finder) add(path string, info fs.FileInfo, named bool) {
	if !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0 {
		f.fail(path, fmt.Errorf("not a file but a %s", kind(info.Mode())), "", named)
		return
	}
	if info.Mode()&fs.ModeNamedPipe != 0 {
		f.pipe(path, named)
		return
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		f.fail(path, pathless(err), "", named)
		return
	}
	if f.seen[real] {
		return
	}
	f.seen[real] = true
	f.again = f.again || f.stdin != nil && os.SameFile(info, f.stdin)
	f.file(&File{Path: path, Named: named, disk: f.disk})
}

// pipe adds a named pipe. It can be opened once only, like standard input, and to open
// it waits until someone writes to it, which may be never.
func (f *finder) pipe(path string, named bool) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := os.Open(path)
		done <- opened{file, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			f.fail(path, pathless(o.err), "", named)
			return
		}
		f.files = append(f.files, &File{Path: path, Named: named, stdin: bufio.NewReaderSize(o.file, peekSize)})
	case <-time.After(f.patience):
		f.fail(path, fmt.Errorf("a pipe that nothing has begun to write to in %s", f.patience),
			"start what writes to it first, or pipe that into 'litesoc scan -'", named)
	}
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
