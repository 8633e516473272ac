package store

import (
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/litesoc/litesoc/parsers"
)

// facts writes rows of request_rows.
type facts struct {
	*chunk
	texts lists // of the last column
}

// numbers are those under which what repeats of a request is kept, in the order of dims.all.
type numbers [4]uint32

// newFacts begins to write to the table on the connection.
func newFacts(conn any) (appender, error) {
	c, err := newChunk(conn, "request_rows", mapping.TypeTimestamp, mapping.TypeUInteger, mapping.TypeUInteger, mapping.TypeUInteger, mapping.TypeBigInt,
		mapping.TypeBigInt, mapping.TypeUInteger, mapping.TypeBigInt, mapping.TypeBoolean, mapping.TypeInteger, mapping.TypeBigInt, mapping.TypeList)
	if err != nil {
		return nil, err
	}
	return &facts{chunk: c}, nil
}

// append writes one row.
func (f *facts) append(r *parsers.Request, of numbers) error {
	if f.rows == vectorSize {
		if err := f.flush(); err != nil {
			return err
		}
	}
	c := f.chunk
	if err := c.row(); err != nil {
		return err
	}
	*cell[int64](c, 0) = r.Time.UnixMicro()
	*cell[uint32](c, 1), *cell[uint32](c, 2), *cell[uint32](c, 3) = of[0], of[1], of[2]
	*cell[int64](c, 4) = max(r.Bytes, -1)
	*cell[int64](c, 5) = microseconds(r.Duration)
	*cell[uint32](c, 6) = of[3]
	*cell[int64](c, 7) = max(r.Records, -1)
	*cell[bool](c, 8) = r.Late
	*cell[int32](c, 9) = int32(r.Source.ID)
	*cell[int64](c, 10) = r.Line
	list := cell[listEntry](c, 11)
	if of[2] != 0 {
		*list = f.texts.add(r.RequestID, r.Body)
	} else {
		*list = f.texts.add(r.RequestID, r.Body, r.Path, r.Query)
	}
	return nil
}

// flush hands the rows to the table.
func (f *facts) flush() error {
	f.texts.flush(f.columns[11].Vector)
	return f.chunk.flush()
}

// close writes what is left and gives everything back.
func (f *facts) close() error {
	f.texts.flush(f.columns[11].Vector)
	return f.chunk.close()
}

// lists are those of a column of lists of texts: the texts of all rows of a chunk, one after
// the other.
type lists []string

// A listEntry is DuckDB's: which of the texts are a row's.
type listEntry struct{ first, length uint64 }

// add adds a list of the texts, but for the empty ones at its end.
func (l *lists) add(texts ...string) listEntry {
	for len(texts) > 0 && texts[len(texts)-1] == "" {
		texts = texts[:len(texts)-1]
	}
	entry := listEntry{uint64(len(*l)), uint64(len(texts))}
	*l = append(*l, texts...)
	return entry
}

// flush writes the texts of all rows into the column.
func (l *lists) flush(v mapping.Vector) {
	n := mapping.IdxT(len(*l))
	mapping.ListVectorReserve(v, n)
	child := mapping.ListVectorGetChild(v)
	cells := mapping.VectorGetData(child)
	for i, s := range *l {
		setText(child, cells, i, s)
	}
	mapping.ListVectorSetSize(v, n)
	clear(*l)
	*l = (*l)[:0]
}
