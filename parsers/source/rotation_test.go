package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A log that is renamed or packed just when its folder was listed is found all the same.
func TestBesideMoved(t *testing.T) {
	for _, c := range []struct {
		name string
		lie  []string // beside access.log, each with its name as its text
		move func(path func(string) string) error
		want []string // texts
	}{
		{"packed", []string{"access.log.1", "access.log.2"}, func(path func(string) string) error {
			if err := os.WriteFile(path("access.log.2.gz"), []byte("packed"), 0o600); err != nil {
				return err
			}
			return os.Remove(path("access.log.2"))
		}, []string{"access.log.1", "packed"}},
		{"counted up", []string{"access.log.1", "access.log.2"}, func(path func(string) string) error {
			return rename(path, "access.log.2", "access.log.3", "access.log.1", "access.log.2", "access.log", "access.log.1")
		}, []string{"access.log", "access.log.1", "access.log.2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			for _, name := range append(c.lie, "access.log") {
				if err := os.WriteFile(path(name), []byte(name), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f := Follow([]string{path("access.log")}, FollowOptions{Now: time.Now, Poll: true})
			defer f.Close()
			listed := 0
			found := f.beside(dir, map[string]bool{path("access.log"): false}, false, nil, func(dir string) ([]fs.DirEntry, error) {
				entries, err := os.ReadDir(dir)
				if listed++; err == nil && listed == 1 {
					err = c.move(path)
				}
				return entries, err
			})
			var got []string
			for _, e := range found {
				text := make([]byte, e.info.Size())
				if _, err := e.live.file.ReadAt(text, 0); err != nil {
					t.Error(err)
				}
				got = append(got, string(text))
				e.close()
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// rename renames files, each of a pair to the next.
func rename(path func(string) string, names ...string) error {
	for i := 0; i < len(names); i += 2 {
		if err := os.Rename(path(names[i]), path(names[i+1])); err != nil {
			return err
		}
	}
	return nil
}
