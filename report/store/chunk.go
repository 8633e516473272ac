package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// A chunk writes rows to a table: columns are filled in DuckDB's own memory, as many rows at
// a time as that has room for. A value a row and column, as the driver's appender takes them,
// costs twice as much, and memory for each.
type chunk struct {
	appender mapping.Appender
	data     mapping.DataChunk
	columns  []vector
	rows     int
	gathered int // rows that the appender has not passed on
}

// A vector is a column of the rows of a chunk.
type vector struct {
	mapping.Vector
	cells unsafe.Pointer // by row
	valid []uint64       // a bit a row; nil while no row is null
}

// mostGathered is how many rows the appender gathers before it passes them on to the table. By
// itself it would gather 204,800: row groups would be written long after they could be.
const mostGathered = rowGroup / 4

// vectorSize is how many rows a chunk has room for.
var vectorSize = int(mapping.VectorSize())

// newChunk begins to write to the table on the connection. The columns must be of these
// types.
func newChunk(conn any, table string, types ...mapping.Type) (*chunk, error) {
	raw, err := rawConnection(conn)
	if err != nil {
		return nil, err
	}
	c := &chunk{columns: make([]vector, len(types))}
	if mapping.AppenderCreateExt(raw, "", "", table, &c.appender) == mapping.StateError {
		defer mapping.AppenderDestroy(&c.appender)
		return nil, errors.New(mapping.AppenderError(c.appender))
	}
	var logical []mapping.LogicalType
	var are []mapping.Type
	for i := range mapping.AppenderColumnCount(c.appender) {
		t := mapping.AppenderColumnType(c.appender, i)
		logical, are = append(logical, t), append(are, mapping.GetTypeId(t))
	}
	if slices.Equal(are, types) {
		c.data = mapping.CreateDataChunk(logical)
		c.clear()
	} else {
		mapping.AppenderDestroy(&c.appender)
		err = fmt.Errorf("the table has columns of types %v, not %v", are, types)
	}
	for i := range logical {
		mapping.DestroyLogicalType(&logical[i])
	}
	if err != nil {
		return nil, err
	}
	return c, nil
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

// clear finds the memory of the columns, of which no row is in use.
func (c *chunk) clear() {
	c.rows = 0
	for i := range c.columns {
		v := mapping.DataChunkGetVector(c.data, mapping.IdxT(i))
		c.columns[i] = vector{Vector: v, cells: mapping.VectorGetData(v)}
	}
}

// row begins a row.
func (c *chunk) row() error {
	if c.rows == vectorSize {
		if err := c.flush(); err != nil {
			return err
		}
	}
	c.rows++
	return nil
}

// cell is where the column of the row stands, of a type of that width.
func cell[T any](c *chunk, column int) *T {
	var width T
	return (*T)(unsafe.Add(c.columns[column].cells, (c.rows-1)*int(unsafe.Sizeof(width))))
}

// cells are where the column of the next rows stands, of a type of that width. There must be
// room for so many.
func cells[T any](c *chunk, column, rows int) []T {
	return unsafe.Slice((*T)(c.columns[column].cells), vectorSize)[c.rows:][:rows]
}

// null makes the column of the row null.
func (c *chunk) null(column int) {
	v, row := &c.columns[column], c.rows-1
	if v.valid == nil {
		mapping.VectorEnsureValidityWritable(v.Vector)
		v.valid = unsafe.Slice((*uint64)(mapping.VectorGetValidity(v.Vector)), (vectorSize+63)/64)
	}
	v.valid[row/64] &^= 1 << (row % 64)
}

// text makes the column of the row the text, which is valid UTF-8; null if it is empty.
func (c *chunk) text(column int, s string) {
	if s == "" {
		c.null(column)
		return
	}
	setText(c.columns[column].Vector, c.columns[column].cells, c.rows-1, s)
}

// A text is DuckDB's: up to inlined bytes stand in it, what is longer stands elsewhere.
type text struct {
	length uint32
	bytes  [inlined]byte
}

const inlined = 12

// setText makes the cell of the row the text: of what is no valid UTF-8, DuckDB would make a
// null.
func setText(v mapping.Vector, cells unsafe.Pointer, row int, s string) {
	if len(s) > inlined {
		mapping.VectorAssignStringElementLen(v, mapping.IdxT(row), unsafe.Slice(unsafe.StringData(s), len(s)))
		return
	}
	t := text{length: uint32(len(s))}
	copy(t.bytes[:], s)
	*(*text)(unsafe.Add(cells, row*int(unsafe.Sizeof(t)))) = t
}

// flush hands the rows to the table.
func (c *chunk) flush() error {
	if c.rows == 0 {
		return nil
	}
	mapping.DataChunkSetSize(c.data, mapping.IdxT(c.rows))
	c.gathered += c.rows
	c.rows = 0
	if mapping.AppendDataChunk(c.appender, c.data) == mapping.StateError {
		return errors.New(mapping.AppenderError(c.appender))
	}
	if c.gathered >= mostGathered {
		if err := c.pass(); err != nil {
			return err
		}
	}
	mapping.DataChunkReset(c.data)
	c.clear()
	return nil
}

// pass has the appender pass on to the table what it has gathered.
func (c *chunk) pass() error {
	c.gathered = 0
	if mapping.AppenderFlush(c.appender) == mapping.StateError {
		return errors.New(mapping.AppenderError(c.appender))
	}
	return nil
}

// close writes what is left and gives everything back.
func (c *chunk) close() error {
	err := c.flush()
	if err == nil {
		err = c.pass()
	}
	if err != nil {
		mapping.AppenderClear(c.appender)
	}
	c.destroy()
	return err
}

// drop gives everything back, rows and all.
func (c *chunk) drop() {
	mapping.AppenderClear(c.appender)
	c.destroy()
}

func (c *chunk) destroy() {
	mapping.DestroyDataChunk(&c.data)
	mapping.AppenderDestroy(&c.appender)
}
