package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
)

// A Query is a store opened for a person's own SQL: read-only, and with no way to
// other files, to the network or to its own settings.
type Query struct {
	connector *duckdb.Connector
	db        *sql.DB
}

// ErrNoStore is wrapped by the error of OpenQuery if there is no file.
var ErrNoStore = errors.New("no such file")

// ErrEmpty is wrapped by the error of OpenQuery if the file has no table: whoever made it was
// ended then.
var ErrEmpty = errors.New("nothing is in it")

// OpenQuery opens the store at path for queries. One of an earlier version is brought to
// this one first. The files are the only ones that a query can reach, for Copy to write.
func OpenQuery(path string, files ...string) (*Query, error) {
	if path == Memory {
		return nil, fmt.Errorf("database %q holds nothing to query: scan with --db FILE first", path)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("database %q: %w", path, ErrNoStore)
	}
	q, version, err := openQuery(path, files)
	if err != nil || version == SchemaVersion || version == 0 {
		return q, err
	}
	if err := q.Close(); err != nil {
		return nil, err
	}
	s, err := Open(path)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, explain(path, err)
	}
	q, _, err = openQuery(path, files)
	return q, err
}

// OpenNothing opens no store: a query has raw logs to read, and nothing else. The files
// are as OpenQuery says.
func OpenNothing(files ...string) (*Query, error) {
	q, _, err := openQuery(Memory, files)
	return q, err
}

// openQuery opens the store for queries, whichever version it is of.
func openQuery(path string, files []string) (q *Query, version int, err error) {
	mode := []string{allThreads()}
	if path != Memory { // where DuckDB has nothing to open read-only
		mode = append(mode, "access_mode=read_only")
	}
	connector, err := duckdb.NewConnector(dsn(path, defaultMemory, mode...), nil)
	if err != nil {
		return nil, 0, explain(path, err)
	}
	q = &Query{connector: connector, db: sql.OpenDB(connector)}
	q.db.SetMaxOpenConns(1)
	quoted := make([]string, len(files))
	for i := range files {
		quoted[i] = quote(files[i])
	}
	for _, statement := range []string{
		inUTC, "set allowed_paths = [" + strings.Join(quoted, ", ") + "]", "set enable_external_access = false", "set lock_configuration = true",
	} {
		if _, err := q.db.Exec(statement); err != nil {
			q.Close()
			return nil, 0, explain(path, err)
		}
	}
	if version, err = versionOf(q.db); err == nil && version == 0 && path != Memory {
		var tables int
		if err = q.db.QueryRow(`select count(*) from duckdb_tables()`).Scan(&tables); err == nil && tables == 0 {
			err = ErrEmpty
		}
	}
	if err != nil {
		q.Close()
		return nil, 0, explain(path, err)
	}
	return q, version, nil
}

func allThreads() string { return fmt.Sprintf("threads=%d", runtime.GOMAXPROCS(0)) }

// Run runs the query and calls columns once, then row for each row. The values are
// nil, bool, numbers, string, []byte, time.Time, lists as []any, structs and maps as
// map[string]any, dates, times of day and intervals as string, or what DuckDB makes of rarer
// types. They may be kept. args stand for
// the query's question marks.
func (q *Query) Run(ctx context.Context, query string, columns func([]string) error, row func([]any) error, args ...any) error {
	rows, err := q.db.QueryContext(ctx, query, args...)
	if err != nil {
		return plainSQLError(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	if err := columns(names); err != nil {
		return err
	}
	for rows.Next() {
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i := range values {
			values[i] = ofType(values[i], types[i].DatabaseTypeName())
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return plainSQLError(rows.Err())
}

// ofType makes of a value what a reader takes it for: the driver has a time for a date, and
// types of its own.
func ofType(v any, name string) any {
	switch v := v.(type) {
	case time.Time:
		switch name {
		case "DATE":
			return v.Format(time.DateOnly)
		case "TIME":
			return v.Format("15:04:05.999999")
		}
	case duckdb.Interval:
		return interval(v)
	case duckdb.OrderedMap:
		object := map[string]any{}
		for i, key := range v.Keys() {
			object[fmt.Sprint(key)] = v.Values()[i]
		}
		return object
	}
	return v
}

// interval writes a span of time as DuckDB does, so that it can read it.
func interval(v duckdb.Interval) string {
	var parts []string
	for _, p := range []struct {
		n    int32
		unit string
	}{{v.Months / 12, "year"}, {v.Months % 12, "month"}, {v.Days, "day"}} {
		if p.n == 1 || p.n == -1 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.unit))
		} else if p.n != 0 {
			parts = append(parts, fmt.Sprintf("%d %ss", p.n, p.unit))
		}
	}
	if v.Micros != 0 || len(parts) == 0 {
		sign, n := "", uint64(v.Micros) // it may be longer than a time.Duration
		if v.Micros < 0 {
			sign, n = "-", -n
		}
		text := fmt.Sprintf("%s%02d:%02d:%02d", sign, n/3_600_000_000, n/60_000_000%60, n/1_000_000%60)
		if rest := n % 1_000_000; rest != 0 {
			text += strings.TrimRight(fmt.Sprintf(".%06d", rest), "0")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// Copy writes the rows of the query to the file as Parquet, compressed. The file is one
// that the store was opened with, and is there already.
func (q *Query) Copy(ctx context.Context, query, file string) error {
	query = strings.TrimRight(query, "; \t\r\n")
	_, err := q.db.ExecContext(ctx, "copy (\n"+query+"\n) to "+quote(file)+" (format parquet, compression zstd, use_tmp_file false)")
	if why := noRoom(err); why != nil { // for the file, not for the store
		return &fs.PathError{Op: "write", Path: file, Err: why}
	}
	return plainSQLError(err)
}

// quote returns a text as SQL writes it.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// Report is Store.Report for a store that is only read.
func (q *Query) Report(span Span) (*report.Report, error) { return readReport(q.db, span) }

// Alerts returns all alerts, those that the allowlist suppresses as well, by first time,
// then id.
func (q *Query) Alerts() ([]report.Alert, error) {
	alerts, err := readAlerts(q.db, "true")
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	return alerts, nil
}

// Known is Store.Known for a store that is only read.
func (q *Query) Known() ([]source.Known, error) { return known(q.db) }

// Evidence returns the lines that stand for an event.
func (q *Query) Evidence(event string) ([]detect.Evidence, error) {
	var lines []detect.Evidence
	err := each(q.db, `select e.source, e.line from (select unnest(evidence) as e from events where id = ?)`, func(rows *sql.Rows) error {
		var e detect.Evidence
		err := rows.Scan(&e.Source, &e.Line)
		lines = append(lines, e)
		return err
	}, event)
	return lines, err
}

// plainSQLError leaves of DuckDB's message what concerns the query.
func plainSQLError(err error) error {
	var derr *duckdb.Error
	if errors.As(err, &derr) {
		return errors.New(strings.TrimSpace(derr.Msg))
	}
	return err
}

// Close gives the file back.
func (q *Query) Close() error {
	return errors.Join(q.db.Close(), q.connector.Close())
}

// DuckDBVersion returns the version of the DuckDB that is built in.
func DuckDBVersion() string { return mapping.LibraryVersion() }
