package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Lines come from all over a file, however long it is, and no more than asked for.
func TestSpread(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 1000, 12_345} {
		path := filepath.Join(t.TempDir(), "access.log")
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "line %d\n\n", i)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		files, failures := Find([]string{path}, nil)
		if len(files) != 1 || len(failures) != 0 {
			t.Fatalf("%d files, %v", len(files), failures)
		}
		const most = 8
		lines, err := Spread(files[0], most)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) > most || n >= most && len(lines) < most/2 || n < most && len(lines) != n {
			t.Errorf("%d of %d lines", len(lines), n)
		}
		var step int
		for i, line := range lines {
			var at int
			if _, err := fmt.Sscanf(line, "line %d", &at); err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				step = at
			}
			if at != i*step {
				t.Errorf("of %d lines, line %d is number %d, not %d", n, at, i, i*step)
			}
		}
		if len(lines) > 1 && n-(len(lines)-1)*step > 2*step {
			t.Errorf("of %d lines, the last %d are not looked at", n, n-(len(lines)-1)*step)
		}
	}
}
