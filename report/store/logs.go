package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// Logs lets queries read raw logs: logs('access.log*') stands for the requests in the
// files that the pattern names, as they are read by our own parsers, in the columns of
// the view requests and one more, source, the path of the file. Files are read side by
// side, one a thread of DuckDB's. Nothing is kept. A route is the template of its path by
// form alone: what names are shows only when all is read.
type Logs struct {
	opts *source.Options

	mu    sync.Mutex
	plans []*source.Plan
	broke []source.Failure
	open  []*source.Log
}

// Logs makes the function logs known to the query. The options say how lines are read.
func (q *Query) Logs(opts *source.Options) (*Logs, error) {
	l := &Logs{opts: opts}
	conn, err := q.db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return l, duckdb.RegisterTableUDF(conn, "logs", duckdb.ParallelChunkTableFunction{
		Config:        duckdb.TableFunctionConfig{Arguments: []duckdb.TypeInfo{logTypes[duckdb.TYPE_VARCHAR]}},
		BindArguments: l.bind,
	})
}

// Close gives back what a query that did not read to the end has left open. No query runs.
func (l *Logs) Close() {
	for _, log := range l.open {
		log.Close()
	}
	l.open = nil
}

// A LogRead says how much of a log a query has read.
type LogRead struct {
	Path, Format string
	At           source.Position
	First        source.Reject // the first line that could not be read, if any
}

// Read says what was read, by path; which files were the same as another; and which could
// not be read, or not to the end. No query runs.
func (l *Logs) Read() (logs []LogRead, same []source.Duplicate, failures []source.Failure) {
	for _, p := range l.plans {
		for _, log := range p.Logs {
			first, _ := log.FirstReject()
			logs = append(logs, LogRead{log.File.Path, log.Source.Format, log.At, first})
		}
		same = append(same, p.Same...)
		failures = append(failures, p.Failures...)
	}
	failures = append(failures, l.broke...)
	slices.SortStableFunc(logs, func(a, b LogRead) int { return strings.Compare(a.Path, b.Path) })
	// A query may name the same files twice.
	logs = slices.CompactFunc(logs, func(a, b LogRead) bool { return a == b })
	slices.SortStableFunc(failures, func(a, b source.Failure) int { return strings.Compare(a.Path, b.Path) })
	failures = slices.CompactFunc(failures, func(a, b source.Failure) bool { return a.Path == b.Path && a.Err.Error() == b.Err.Error() })
	return logs, same, failures
}

// bind finds the files.
func (l *Logs) bind(_ map[string]any, args ...any) (duckdb.ParallelChunkTableSource, error) {
	pattern, ok := args[0].(string)
	if !ok || pattern == "" {
		return nil, errors.New("logs: no file is named")
	}
	if pattern == "-" {
		return nil, errors.New("logs('-'): standard input is no file: name one")
	}
	return l.look(pattern)
}

func (l *Logs) look(pattern string) (*logScan, error) {
	files, failures := source.Find([]string{pattern}, nil)
	plan := source.Look(files, l.opts)
	plan.Failures = append(failures, plan.Failures...)
	if len(plan.Logs) == 0 {
		return nil, nothingRead(pattern, plan)
	}
	return &logScan{logs: l, pattern: pattern, plan: plan}, nil
}

// nothingRead says why the pattern gives no log.
func nothingRead(pattern string, p *source.Plan) error {
	const most = 3
	var why []string
	for _, path := range p.Empty {
		why = append(why, path+": empty")
	}
	for _, f := range p.Failures {
		why = append(why, fmt.Sprintf("%s: %v", f.Path, f.Err))
	}
	if n := len(why) - most; n > 0 {
		why = append(why[:most], fmt.Sprintf("and %d more", n))
	}
	return fmt.Errorf("logs(%s): %s", quote(pattern), cmp.Or(strings.Join(why, "; "), "no such file"))
}

// logScan is one reading of the files of a pattern.
type logScan struct {
	logs    *Logs
	pattern string

	mu   sync.Mutex
	plan *source.Plan
	next int   // of the logs: the first that nobody reads
	err  error // why it cannot be read again
}

func (s *logScan) ColumnInfos() []duckdb.ColumnInfo {
	infos := make([]duckdb.ColumnInfo, len(logColumns))
	for i, c := range logColumns {
		infos[i] = duckdb.ColumnInfo{Name: c.name, T: logTypes[c.of]}
	}
	return infos
}

func (s *logScan) Cardinality() *duckdb.CardinalityInfo { return nil }

// Init begins to read, or begins again: a query may read its tables more than once.
func (s *logScan) Init() duckdb.ParallelTableSourceInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next > 0 {
		again, err := s.logs.look(s.pattern)
		if s.err = err; err == nil {
			s.plan, s.next = again.plan, 0
		}
	}
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	s.logs.plans = append(s.logs.plans, s.plan)
	return duckdb.ParallelTableSourceInfo{MaxThreads: len(s.plan.Logs)}
}

// logReader reads one log after the other, for one thread.
type logReader struct {
	log      *source.Log // nil: it has none
	requests []parsers.Request
}

func (s *logScan) NewLocalState() any { return &logReader{} }

// FillChunk gives the next requests of the thread's log, or of the next log that nobody
// reads. Columns that the query does not ask for are left out.
func (s *logScan) FillChunk(local any, chunk duckdb.DataChunk) error {
	rd := local.(*logReader)
	for len(rd.requests) == 0 {
		if rd.log == nil {
			var err error
			if rd.log, err = s.take(); err != nil {
				return err
			}
			if rd.log == nil {
				return chunk.SetSize(0)
			}
		}
		b, err := rd.log.Next()
		if err != nil {
			s.done(rd.log, err)
			rd.log = nil
			continue
		}
		rd.requests = b.Requests
	}
	n := min(len(rd.requests), duckdb.GetDataChunkCapacity())
	for i := range logColumns {
		if !projected(&chunk, i) {
			continue
		}
		for row := range n {
			if err := chunk.SetValue(i, row, logColumns[i].value(&rd.requests[row])); err != nil {
				return fmt.Errorf("%s: %w", logColumns[i].name, err)
			}
		}
	}
	rd.requests = rd.requests[n:]
	return chunk.SetSize(n)
}

// projected tells whether the query asks for the column. The driver knows, but tells only
// sources that give row by row, which cannot give a null; it drops what is set of another.
func projected(chunk *duckdb.DataChunk, column int) bool {
	places := reflect.ValueOf(chunk).Elem().FieldByName("projection")
	if !places.IsValid() || places.Kind() != reflect.Slice || column >= places.Len() {
		return true
	}
	return places.Index(column).Int() >= 0
}

// take returns a log that nobody reads yet; nil if there is none.
func (s *logScan) take() (*source.Log, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.next == len(s.plan.Logs) {
		return nil, s.err
	}
	log := s.plan.Logs[s.next]
	s.next++
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	s.logs.open = append(s.logs.open, log)
	return log, nil
}

// done notes that a log is read, to its end or to where it breaks off.
func (s *logScan) done(log *source.Log, err error) {
	if err == io.EOF {
		return
	}
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	s.logs.broke = append(s.logs.broke, source.Failure{Path: log.File.Path, Err: err, Fatal: true})
}

// logTypes are the types of the columns of logs.
var logTypes = typesOf(duckdb.TYPE_VARCHAR, duckdb.TYPE_TIMESTAMP, duckdb.TYPE_USMALLINT, duckdb.TYPE_BIGINT, duckdb.TYPE_DOUBLE,
	duckdb.TYPE_INTEGER, duckdb.TYPE_BOOLEAN)

func typesOf(types ...duckdb.Type) map[duckdb.Type]duckdb.TypeInfo {
	infos := map[duckdb.Type]duckdb.TypeInfo{}
	for _, t := range types {
		info, err := duckdb.NewTypeInfo(t)
		if err != nil {
			panic(err) // of types that need to be told more
		}
		infos[t] = info
	}
	return infos
}

// logColumns are the columns of logs, those of the view requests first.
var logColumns = []struct {
	name  string
	of    duckdb.Type
	value func(*parsers.Request) driver.Value
}{
	{"ts", duckdb.TYPE_TIMESTAMP, func(r *parsers.Request) driver.Value { return r.Time }},
	{"client_ip", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.ClientIP) }},
	{"peer_ip", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.PeerIP) }},
	{"method", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Method) }},
	{"host", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Host) }},
	{"path", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Path) }},
	{"route", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Shape) }},
	{"query", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Query) }},
	{"status", duckdb.TYPE_USMALLINT, func(r *parsers.Request) driver.Value {
		if r.Status == 0 {
			return nil
		}
		return uint16(r.Status)
	}},
	{"bytes", duckdb.TYPE_BIGINT, func(r *parsers.Request) driver.Value { return logged(r.Bytes) }},
	{"duration_ms", duckdb.TYPE_DOUBLE, func(r *parsers.Request) driver.Value {
		if r.Duration < 0 {
			return nil
		}
		return float64(r.Duration/time.Microsecond) / 1000
	}},
	{"user_agent", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.UserAgent) }},
	{"referer", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Referer) }},
	{"actor_id", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value {
		id, _ := r.Actor()
		return nullable(id)
	}},
	{"actor_type", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value {
		id, of := r.Actor()
		if id == "" {
			return nil
		}
		return string(of)
	}},
	{"user_id", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.User) }},
	{"api_key", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.APIKey) }},
	{"token", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Token) }},
	{"session", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Session) }},
	{"tenant", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Tenant) }},
	{"request_id", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.RequestID) }},
	{"source_id", duckdb.TYPE_INTEGER, func(r *parsers.Request) driver.Value { return int32(r.Source.ID) }},
	{"line", duckdb.TYPE_BIGINT, func(r *parsers.Request) driver.Value { return r.Line }},
	{"body", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Body) }},
	{"key_prefix", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.KeyPrefix) }},
	{"records", duckdb.TYPE_BIGINT, func(r *parsers.Request) driver.Value { return logged(r.Records) }},
	{"event_name", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return nullable(r.Event) }},
	{"late", duckdb.TYPE_BOOLEAN, func(r *parsers.Request) driver.Value { return r.Late }},
	{"source", duckdb.TYPE_VARCHAR, func(r *parsers.Request) driver.Value { return r.Source.Path }},
}

// logged returns nil for the number that stands for none.
func logged(n int64) driver.Value {
	if n < 0 {
		return nil
	}
	return n
}

// LogColumns are the names of the columns of logs.
func LogColumns() []string {
	names := make([]string, len(logColumns))
	for i, c := range logColumns {
		names[i] = c.name
	}
	return names
}
