package store_test

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/litesoc/litesoc/report/store"
)

// A disk without room is told as such, and what is there then opens once there is room. The
// test runs itself where a small one is mounted that nobody else sees.
func TestFull(t *testing.T) {
	dir := os.Getenv("LITESOC_TEST_FULL")
	if dir == "" {
		if err := exec.Command("unshare", "-rm", "true").Run(); err != nil {
			t.Skip("no mounts of one's own here:", err)
		}
		self := exec.Command("unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=24k none "$LITESOC_TEST_FULL" && exec "$@"`, "sh",
			os.Args[0], "-test.run=^TestFull$", "-test.v")
		self.Env = append(os.Environ(), "LITESOC_TEST_FULL="+t.TempDir())
		if out, err := self.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	path := filepath.Join(dir, "x.duckdb")
	s, err := store.Open(path)
	if err == nil {
		err = s.Close()
	}
	if !store.Full(err) || store.Damaged(err) {
		t.Errorf("%v is not told as a full disk", err)
	}
	must(t, exec.Command("mount", "-o", "remount,size=20m", dir).Run())
	s, err = store.Open(path)
	must(t, err)
	must(t, s.Close())

	q, err := store.OpenQuery(path, filepath.Join(dir, "out"))
	must(t, err)
	err = q.Copy(t.Context(), "select hash(range) as h from range(4000000)", filepath.Join(dir, "out"))
	if want := "write " + filepath.Join(dir, "out") + ": no space left on device"; err == nil || err.Error() != want || store.Full(err) {
		t.Errorf("a file of the rows of a query: %v, want %s, which is no fault of the store", err, want)
	}
	must(t, q.Close())

	for _, why := range []string{"Disk quota exceeded", "File too large"} {
		if !store.Full(errors.New(`IO Error: Could not write file "x.duckdb": ` + why)) {
			t.Errorf("%s is not told as a full disk", why)
		}
	}
	if store.Full(nil) || store.Full(errors.New("write /dev/stdout: no space left on device")) {
		t.Error("what is no error of a store is told as one")
	}
}

// That what memory has no room for cannot be put elsewhere is told as such, and as no full disk
// of the store.
func TestSpills(t *testing.T) {
	dir := t.TempDir()
	for _, where := range []string{"temp_directory=" + filepath.Join(dir, "none", "x"), "temp_directory=" + dir} {
		db, err := sql.Open("duckdb", "?memory_limit=8MiB&threads=1&"+where)
		must(t, err)
		_, err = db.Exec("set max_temp_directory_size = '1MB'")
		must(t, err)
		_, err = db.Exec("create table h as select hash(range)::varchar as h from range(2000000)")
		if !store.Spills(err) || store.Full(err) {
			t.Errorf("%s: %v is not told as a lack of room for temporary files", where, err)
		}
		must(t, db.Close())
	}
	if store.Spills(nil) || store.Spills(errors.New(`IO Error: Could not write file "x.duckdb": No space left on device`)) {
		t.Error("what is another error is told as one")
	}
}

// What a scan that was killed at once has left holds nothing, and says so.
func TestEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.duckdb")
	db, err := sql.Open("duckdb", path)
	must(t, err)
	must(t, db.Ping())
	must(t, db.Close())
	if _, err := store.OpenQuery(path); !errors.Is(err, store.ErrEmpty) {
		t.Errorf("opened for a query: %v, want %v", err, store.ErrEmpty)
	}
	s, err := store.Open(path)
	must(t, err)
	must(t, s.Close())
	q, err := store.OpenQuery(path)
	must(t, err)
	must(t, q.Close())
}
