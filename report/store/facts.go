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
	caller, call, target, referer      []uint32
	late                               []bool
	source                             []int32
	texts                              lists
}

// factColumns is how many columns request_rows has: facts.columns finds each.
const factColumns = 12

// numbers are those under which what repeats of a request is kept, in the order of dims.all.
type numbers [4]uint32

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
	f.target = column[uint32](vector(3))
	f.bytes = column[int64](vector(4))
	f.duration = column[int64](vector(5))
	f.referer = column[uint32](vector(6))
	f.records = column[int64](vector(7))
	f.late = column[bool](vector(8))
	f.source = column[int32](vector(9))
	f.line = column[int64](vector(10))
	f.texts.vector, f.texts.rows = vector(11), column[listEntry](vector(11))
}

// column is the memory of a column of fixed width.
func column[T any](v mapping.Vector) []T {
	return unsafe.Slice((*T)(mapping.VectorGetData(v)), mapping.VectorSize())
}

// lists is a column of lists of texts.
type lists struct {
	vector mapping.Vector
	rows   []listEntry
	texts  []string // of all rows of the chunk, one after the other
}

// A listEntry is DuckDB's: which of the texts are a row's.
type listEntry struct{ first, length uint64 }

// set makes a row the list of the texts, but for the empty ones at its end.
func (l *lists) set(row int, texts ...string) {
	for len(texts) > 0 && texts[len(texts)-1] == "" {
		texts = texts[:len(texts)-1]
	}
	l.rows[row] = listEntry{uint64(len(l.texts)), uint64(len(texts))}
	l.texts = append(l.texts, texts...)
}

// flush writes the texts of all rows. They are valid UTF-8: of what is not DuckDB would
// make a null.
func (l *lists) flush() {
	n := mapping.IdxT(len(l.texts))
	mapping.ListVectorReserve(l.vector, n)
	child := mapping.ListVectorGetChild(l.vector)
	if n > 0 {
		rows := unsafe.Slice((*text)(mapping.VectorGetData(child)), n)
		for i, s := range l.texts {
			if len(s) > inlined {
				mapping.VectorAssignStringElementLen(child, mapping.IdxT(i), unsafe.Slice(unsafe.StringData(s), len(s)))
				continue
			}
			rows[i] = text{length: uint32(len(s))}
			copy(rows[i].bytes[:], s)
		}
	}
	mapping.ListVectorSetSize(l.vector, n)
	clear(l.texts)
	l.texts = l.texts[:0]
}

// A text is DuckDB's: up to inlined bytes stand in it, what is longer stands elsewhere.
type text struct {
	length uint32
	bytes  [inlined]byte
}

const inlined = 12

// append writes one row.
func (f *facts) append(r *parsers.Request, of numbers) error {
	if f.n == len(f.at) {
		if err := f.flush(); err != nil {
			return err
		}
	}
	n := f.n
	f.at[n] = r.Time.UnixMicro()
	f.caller[n], f.call[n], f.target[n], f.referer[n] = of[0], of[1], of[2], of[3]
	f.bytes[n] = max(r.Bytes, -1)
	f.duration[n] = microseconds(r.Duration)
	f.records[n] = max(r.Records, -1)
	f.late[n] = r.Late
	f.source[n] = int32(r.Source.ID)
	f.line[n] = r.Line
	if f.target[n] != 0 {
		f.texts.set(n, r.RequestID, r.Body)
	} else {
		f.texts.set(n, r.RequestID, r.Body, r.Path, r.Query)
	}
	f.n++
	return nil
}

// flush hands the chunk to the table.
func (f *facts) flush() error {
	if f.n == 0 {
		return nil
	}
	f.texts.flush()
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
