// Package store keeps requests, events, alerts and incidents in one DuckDB file and
// reads a report back from it. It is the only place with cgo. It judges nothing:
// what it is given it keeps, whole or not at all.
//
// A run writes in transactions. Each holds requests together with the positions of
// the logs they were read from, the last one also what was found in them and the
// detectors' memory. A kill at any moment leaves the last whole transaction; the
// next run goes on from there.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/litesoc/litesoc/detect"
)

// Memory names the store that keeps nothing.
const Memory = ":memory:"

// A Store is one DuckDB file, opened for writing by one process. It is used by one
// goroutine at a time, but that one may be at Rows, and one at a Replay, while another
// is at Add and Flush.
type Store struct {
	path      string
	memory    int64 // of DuckDB
	connector *duckdb.Connector
	db        *sql.DB
	writer    *sql.Conn

	// Rows alone uses these.
	dims dims

	inTx      bool
	remembers bool                // in the transaction: what alerts were before it
	taken     map[string]alertWas // alerts that transactions have taken away, by id: they may be found again
	rows      int                 // appended since the last commit
	appenders map[string]appender // by table
	moved     map[int]*moved      // logs that were read on since the last commit
	zstd      *zstd.Encoder       // of states; nil until there are some

	post *Post // nil: nobody is told of alerts
}

// Memory of DuckDB's own, in bytes. A flush of rowsPerFlush rows fits well; sorting a
// large store spills to disk.
const defaultMemory = 192 << 20

// Open opens the store at path, or makes one, mode 0600. ErrBusy says that another
// process has it open.
func Open(path string) (*Store, error) { return OpenWithin(path, defaultMemory) }

// OpenWithin is Open with a bound on DuckDB's own memory, in bytes. What the store
// remembers of the rows that it has written is sized by it, too.
func OpenWithin(path string, memory int64) (*Store, error) {
	if path != Memory {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	s := &Store{path: path, memory: memory, dims: newDims(int(memory / bytesPerName)), moved: map[int]*moved{}, appenders: map[string]appender{},
		taken: map[string]alertWas{}}
	err := s.open()
	if err != nil && isBegun(path) {
		s.Close()
		if err = os.Remove(path); err == nil {
			err = s.open()
		}
	}
	if err != nil {
		s.Close()
		return nil, explain(path, err)
	}
	return s, nil
}

// isBegun tells whether the file at path is what is left of one that was just being made when
// its process was killed: it has less than the three headers that DuckDB begins with.
func isBegun(path string) bool {
	const headers, header = 3 * 4096, 4096
	info, err := os.Stat(path)
	return err == nil && info.Size() >= header && info.Size() < headers && IsDatabase(path)
}

// IsDatabase tells whether the file at path is a DuckDB file, by how it begins.
func IsDatabase(path string) bool {
	const magic = "DUCK"
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	var begin [12]byte
	_, err = io.ReadFull(file, begin[:])
	return err == nil && string(begin[8:]) == magic
}

// create makes sure that the file can be made, and will be nobody else's to read.
func create(path string) error {
	if path == "" {
		return fmt.Errorf("database %q: no file is named", path)
	}
	if strings.ContainsRune(path, '?') {
		return fmt.Errorf("database %q: a path with '?' cannot be opened", path)
	}
	restrictUmask() // of all that DuckDB makes
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err = os.Stat(filepath.Dir(path))
	case err == nil && info.IsDir():
		err = errors.New("is a folder")
	case err == nil && !info.Mode().IsRegular():
		err = errors.New("is not a file")
	case err == nil && info.Size() == 0:
		err = os.Remove(path) // DuckDB takes an empty file for a broken one
	}
	var perr *fs.PathError
	if errors.As(err, &perr) {
		err = perr.Err
	}
	if err != nil {
		return fmt.Errorf("database %q: %w", path, err)
	}
	return Writable(path)
}

// writing is how DuckDB writes a store. One thread: whoever hands rows to it does the work,
// while others read, parse and detect. More would have little to share, and wait for it in a
// loop. A row group is compressed and written once it is full: DuckDB would gather five of
// them, and a commit, which nothing goes on beside at the end of a run, would have them to do.
// A block is of 64 KiB, not of 256: each column of each table takes one at least, to append to
// and in the file, and most tables are short. A new store has 1.5 MB instead of 4.5, one of a
// million requests 11 instead of 16. Blocks of 32 KiB take more than twice that again.
var writing = []string{"threads=1", "write_buffer_row_group_count=1", "default_block_size=65536"}

// dsn returns the data source name. Nothing is fetched from a network, and memory
// is bounded.
func dsn(path string, memory int64, more ...string) string {
	if path == Memory {
		path = ""
	}
	options := append([]string{
		"autoinstall_known_extensions=false",
		"autoload_known_extensions=false",
		fmt.Sprintf("memory_limit=%dKiB", memory>>10),
	}, more...)
	if path == "" {
		options = append(options, "temp_directory="+filepath.Join(os.TempDir(), fmt.Sprintf("litesoc-%d.tmp", os.Getpid())))
	}
	return path + "?" + strings.Join(options, "&")
}

func (s *Store) open() error {
	if err := s.connect(); err != nil {
		return err
	}
	return s.migrate(context.Background())
}

// connect opens the file that stands at the path. Where another process has put a new one
// there (Compact) after the old was opened and before it was ours, the new one is opened.
func (s *Store) connect() error {
	for {
		was, statErr := os.Stat(s.path)
		if err := s.connectOnce(); err != nil {
			return err
		}
		is, err := os.Stat(s.path)
		if statErr != nil || err == nil && os.SameFile(was, is) {
			return nil // made by us, or ours
		}
		if err := errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
}

func (s *Store) connectOnce() (err error) {
	if s.connector, err = duckdb.NewConnector(dsn(s.path, s.memory, writing...), nil); err != nil {
		return err
	}
	s.db = sql.OpenDB(s.connector)
	if s.writer, err = s.db.Conn(context.Background()); err != nil {
		return err
	}
	return s.exec(inUTC)
}

// inUTC has SQL take ts for what it is, whichever zone the machine is in: it is compared with
// now(), and to_timestamp() is made one.
const inUTC = "set global TimeZone = 'UTC'"

// migrate makes the tables of a new store, brings those of an earlier version to this
// one and refuses a store from the future.
func (s *Store) migrate(ctx context.Context) error {
	version, err := versionOf(s.db)
	if err != nil {
		return err
	}
	if version == 0 {
		return s.create(ctx)
	}
	if version < 1 || version > SchemaVersion {
		return fmt.Errorf("%w: its schema is version %d, this litesoc knows %d", ErrNewer, version, SchemaVersion)
	}
	if version == SchemaVersion {
		return nil
	}
	for version < SchemaVersion {
		version++
		if err := s.step(version); err != nil {
			return fmt.Errorf("to schema version %d: %w", version, err)
		}
	}
	return nil
}

// versionOf returns the schema version of a store; 0 if it is none.
func versionOf(db *sql.DB) (version int, err error) {
	var tables int
	err = db.QueryRow(`select count(*) from duckdb_tables() where not internal and table_name = 'litesoc'`).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRow(`select max(schema_version) from litesoc`).Scan(&version)
	return version, err
}

// step leads from the schema version before to the given one, in a transaction of its own:
// DuckDB does not let one alter a table twice.
func (s *Store) step(version int) error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.dropViews(); err != nil {
		return err
	}
	if err := s.exec(migrations[version]); err != nil {
		return err
	}
	if version == SchemaVersion {
		if err := s.exec(views); err != nil {
			return err
		}
	}
	if err := s.exec(`update litesoc set schema_version = ?`, version); err != nil {
		return err
	}
	return s.commit()
}

// dropViews takes away the views of an earlier version: they would keep their tables from
// being altered.
func (s *Store) dropViews() error {
	rows, err := s.writer.QueryContext(context.Background(), `select view_name from duckdb_views()
		where not internal and view_name in (select unnest(?::varchar[]))`, viewNames)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range names {
		if err := s.exec("drop view " + name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) create(ctx context.Context) error {
	var others int
	err := s.db.QueryRowContext(ctx, `select count(*) from duckdb_tables() where not internal`).Scan(&others)
	if err != nil {
		return err
	}
	if others > 0 {
		return errors.New("it is a DuckDB file, but not one of litesoc: choose another --db")
	}
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.exec(schema + views); err != nil {
		return err
	}
	if err := s.exec(`insert into litesoc values (?, current_timestamp at time zone 'UTC', null, null)`, SchemaVersion); err != nil {
		return err
	}
	for _, t := range detect.Taxonomy() {
		if err := s.append("event_types", t.Name, nullable(t.StandardEvent), t.Single.String(), t.Single.API(false)); err != nil {
			return err
		}
	}
	if err := s.writeRows(); err != nil {
		return err
	}
	return s.commit()
}

// ErrBusy is wrapped by the error of Open if another process has the store open.
var ErrBusy = errors.New("in use by another process")

// ErrNewer is wrapped by the error of Open and OpenQuery if a newer litesoc, or a newer DuckDB,
// wrote the store.
var ErrNewer = errors.New("written by a newer version")

// Damaged tells whether the error of a store, at whatever it was, comes of a file that is cut
// off or has been changed by others than DuckDB.
func Damaged(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return slices.ContainsFunc([]string{"Corrupt database file", "Could not read enough bytes", "Failed to load metadata pointer", "Failure while replaying WAL file"},
		func(words string) bool { return strings.Contains(text, words) })
}

// Full tells whether the error of a store comes of a disk, or a quota, without room for the file.
func Full(err error) bool { return noRoom(err) != nil }

// Spills tells whether the error of a store comes of the folder for temporary files, into which
// it puts what has no room in memory.
func Spills(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "failed to offload data block") || strings.Contains(err.Error(), "Failed to create directory"))
}

// noRoom returns why a file that DuckDB writes cannot grow, if that is what its error says.
func noRoom(err error) error {
	if err == nil || !strings.Contains(err.Error(), "Could not write file") {
		return nil
	}
	for _, why := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if strings.Contains(strings.ToLower(err.Error()), why.Error()) {
			return why
		}
	}
	return nil
}

// explain puts DuckDB's words into ours where a person can do something about it.
func explain(path string, err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "Could not set lock"):
		who := ""
		if i := strings.LastIndex(text, "(PID "); i >= 0 {
			who, _, _ = strings.Cut(text[i:], ")")
			who = " " + who + ")"
		}
		return fmt.Errorf("database %q: %w%s", path, ErrBusy, who)
	case strings.Contains(text, "not a valid DuckDB database file"), strings.Contains(text, "sqlite_scanner"): // one of SQLite
		return fmt.Errorf("database %q: not a DuckDB file", path)
	case strings.Contains(text, "Permission denied"):
		return fmt.Errorf("database %q: %w", path, fs.ErrPermission)
	case strings.Contains(text, "Is a directory"):
		return fmt.Errorf("database %q: is a folder", path)
	case strings.Contains(text, "newer version of DuckDB"):
		return fmt.Errorf("database %q: %w, of DuckDB", path, ErrNewer)
	}
	if _, own, found := strings.Cut(text, "could not connect to database: "); found {
		err = errors.New(own) // the rest says nothing
	}
	return fmt.Errorf("database %q: %w", path, err)
}

// Close gives the file back. What was not committed is dropped.
func (s *Store) Close() error {
	s.rollback()
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
		s.writer = nil
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
		s.db = nil
	}
	if s.connector != nil {
		errs = append(errs, s.connector.Close())
		s.connector = nil
	}
	return errors.Join(errs...)
}

// exec runs a statement on the writing connection.
func (s *Store) exec(query string, args ...any) error {
	_, err := s.writer.ExecContext(context.Background(), query, args...)
	return err
}

func (s *Store) begin() error {
	if s.inTx {
		return nil
	}
	if err := s.exec("begin transaction"); err != nil {
		return err
	}
	s.inTx, s.remembers = true, false
	return nil
}

func (s *Store) commit() error {
	if !s.inTx {
		return nil
	}
	s.inTx = false
	return s.exec("commit")
}

// rollback drops what was not committed.
func (s *Store) rollback() {
	for _, a := range s.appenders {
		a.drop()
	}
	clear(s.appenders)
	if s.inTx {
		s.exec("rollback")
		s.inTx = false
	}
}

// nullable returns nil for an empty text: the store says null where a log says
// nothing.
func nullable(text string) driver.Value {
	if text == "" {
		return nil
	}
	return text
}

// moment returns nil for a time that is not known.
func moment(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}
	return t
}
