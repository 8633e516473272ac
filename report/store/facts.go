package store

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/litesoc/litesoc/parsers"
)

// facts writes rows of request_rows: columns are filled in DuckDB's own memory, one chunk
// of rows at a time. A value a row and column, as the driver's appender takes them, costs
// twice as much.
type facts struct {
	appender mapping.Appender
	chunk    mapping.DataChunk
	n        int // rows in the chunk

	at, bytes, duration, records, line []int64
	caller, call, referer              []uint32
	path, query, requestID, body       texts
	late                               []bool
	source                             []int32
}

// factColumns is how many columns request_rows has: facts.columns finds each.
const factColumns = 14

// numbers are those under which what repeats of a request is kept.
type numbers struct{ caller, call, referer uint32 }

// newFacts begins to write to the table on the connection.
func newFacts(conn any) (*facts, error) {
	raw, err := rawConnection(conn)
	if err != nil {
		return nil, err
	}
	f := &facts{}
	if mapping.AppenderCreateExt(raw, "", "", "request_rows", &f.appender) == mapping.StateError {
		err := errors.New(mapping.AppenderError(f.appender))
		mapping.AppenderDestroy(&f.appender)
		return nil, err
	}
	n := int(mapping.AppenderColumnCount(f.appender))
	if n != factColumns {
		mapping.AppenderDestroy(&f.appender)
		return nil, fmt.Errorf("the table has %d columns, not %d", n, factColumns)
	}
	types := make([]mapping.LogicalType, n)
	for i := range types {
		types[i] = mapping.AppenderColumnType(f.appender, mapping.IdxT(i))
	}
	f.chunk = mapping.CreateDataChunk(types)
	for i := range types {
		mapping.DestroyLogicalType(&types[i])
	}
	f.columns()
	return f, nil
}

// rawConnection returns DuckDB's own connection, which the driver keeps to itself.
func rawConnection(conn any) (raw mapping.Connection, err error) {
	v := reflect.ValueOf(conn)
	if v.Kind() == reflect.Pointer {
		if c := v.Elem().FieldByName("conn"); c.IsValid() && c.Type() == reflect.TypeFor[mapping.Connection]() {
			return mapping.Connection{Ptr: c.FieldByName("Ptr").UnsafePointer()}, nil
		}
	}
	return raw, fmt.Errorf("the DuckDB driver has no connection in its %T", conn)
}

// columns finds the memory of the columns, in the order of the table.
func (f *facts) columns() {
	vector := func(i int) mapping.Vector { return mapping.DataChunkGetVector(f.chunk, mapping.IdxT(i)) }
	f.at = column[int64](vector(0))
	f.caller = column[uint32](vector(1))
	f.call = column[uint32](vector(2))
	f.path = textsOf(vector(3))
	f.query = textsOf(vector(4))
	f.bytes = column[int64](vector(5))
	f.duration = column[int64](vector(6))
	f.referer = column[uint32](vector(7))
	f.requestID = textsOf(vector(8))
	f.records = column[int64](vector(9))
	f.late = column[bool](vector(10))
	f.source = column[int32](vector(11))
	f.line = column[int64](vector(12))
	f.body = textsOf(vector(13))
}

// column is the memory of a column of fixed width.
func column[T any](v mapping.Vector) []T {
	return unsafe.Slice((*T)(mapping.VectorGetData(v)), mapping.VectorSize())
}

// texts is a column of texts.
type texts struct {
	vector mapping.Vector
	rows   []text
}

// A text is DuckDB's: up to inlined bytes stand in it, what is longer stands elsewhere.
type text struct {
	length uint32
	bytes  [inlined]byte
}

const inlined = 12

func textsOf(v mapping.Vector) texts { return texts{v, column[text](v)} }

// set writes a text, which is valid UTF-8: of what is not DuckDB would make a null.
func (t *texts) set(row int, s string) {
	if len(s) <= inlined {
		t.rows[row] = text{length: uint32(len(s))}
		copy(t.rows[row].bytes[:], s)
		return
	}
	mapping.VectorAssignStringElementLen(t.vector, mapping.IdxT(row), unsafe.Slice(unsafe.StringData(s), len(s)))
}

// append writes one row.
func (f *facts) append(r *parsers.Request, of numbers) error {
	if f.n == len(f.at) {
		if err := f.flush(); err != nil {
			return err
		}
	}
	n := f.n
	f.at[n] = r.Time.UnixMicro()
	f.caller[n], f.call[n], f.referer[n] = of.caller, of.call, of.referer
	f.path.set(n, r.Path)
	f.query.set(n, r.Query)
	f.requestID.set(n, r.RequestID)
	f.bytes[n] = max(r.Bytes, -1)
	f.duration[n] = microseconds(r.Duration)
	f.records[n] = max(r.Records, -1)
	f.late[n] = r.Late
	f.source[n] = int32(r.Source.ID)
	f.line[n] = r.Line
	f.body.set(n, r.Body)
	f.n++
	return nil
}

// flush hands the chunk to the table.
func (f *facts) flush() error {
	if f.n == 0 {
		return nil
	}
	mapping.DataChunkSetSize(f.chunk, mapping.IdxT(f.n))
	f.n = 0
	if mapping.AppendDataChunk(f.appender, f.chunk) == mapping.StateError {
		return errors.New(mapping.AppenderError(f.appender))
	}
	mapping.DataChunkReset(f.chunk)
	f.columns()
	return nil
}

// close writes what is left and gives everything back.
func (f *facts) close() error {
	err := f.flush()
	if err == nil && mapping.AppenderFlush(f.appender) == mapping.StateError {
		err = errors.New(mapping.AppenderError(f.appender))
	}
	if err != nil {
		mapping.AppenderClear(f.appender)
	}
	f.destroy()
	return err
}

// drop gives everything back, rows and all.
func (f *facts) drop() {
	mapping.AppenderClear(f.appender)
	f.destroy()
}

func (f *facts) destroy() {
	mapping.DestroyDataChunk(&f.chunk)
	mapping.AppenderDestroy(&f.appender)
}
