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

// numbers are those under which what repeats of requests is kept: by column, one a request.
type numbers [columns][]uint32

func newNumbers(requests int) (of numbers) {
	all := make([]uint32, len(of)*requests)
	for column := range of {
		of[column] = all[column*requests:][:requests]
	}
	return of
}

// newFacts begins to write to the table on the connection.
func newFacts(conn any) (appender, error) {
	c, err := newChunk(conn, "request_rows", mapping.TypeTimestamp, mapping.TypeUInteger, mapping.TypeUInteger, mapping.TypeUInteger, mapping.TypeBigInt,
		mapping.TypeBigInt, mapping.TypeUInteger, mapping.TypeBigInt, mapping.TypeBoolean, mapping.TypeInteger, mapping.TypeBigInt, mapping.TypeList)
	if err != nil {
		return nil, err
	}
	return &facts{chunk: c}, nil
}

// append writes a row for each request.
func (f *facts) append(requests []parsers.Request, of numbers) error {
	for at := 0; at < len(requests); {
		if f.rows == vectorSize {
			if err := f.flush(); err != nil {
				return err
			}
		}
		to := min(len(requests), at+vectorSize-f.rows)
		f.fill(requests[at:to], of[caller][at:to], of[call][at:to], of[target][at:to], of[referer][at:to])
		at = to
	}
	return nil
}

// fill writes rows for which there is room.
func (f *facts) fill(requests []parsers.Request, callers, calls, targets, referers []uint32) {
	c, n := f.chunk, len(requests)
	copy(cells[uint32](c, 1, n), callers)
	copy(cells[uint32](c, 2, n), calls)
	copy(cells[uint32](c, 3, n), targets)
	copy(cells[uint32](c, 6, n), referers)
	ts := cells[int64](c, 0, n)
	bytes, durations, records := cells[int64](c, 4, n), cells[int64](c, 5, n), cells[int64](c, 7, n)
	late := cells[bool](c, 8, n)
	sources, lines := cells[int32](c, 9, n), cells[int64](c, 10, n)
	texts := cells[listEntry](c, 11, n)
	for i := range requests {
		r := &requests[i]
		ts[i] = r.Time.UnixMicro()
		bytes[i], durations[i], records[i] = max(r.Bytes, -1), microseconds(r.Duration), max(r.Records, -1)
		late[i] = r.Late
		sources[i], lines[i] = int32(r.Source.ID), r.Line
		if targets[i] != 0 {
			texts[i] = f.texts.add(r.RequestID, r.Body, "", "")
		} else {
			texts[i] = f.texts.add(r.RequestID, r.Body, r.Path, r.Query)
		}
	}
	c.rows += n
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
func (l *lists) add(a, b, c, d string) listEntry {
	first := len(*l)
	switch {
	case d != "":
		*l = append(*l, a, b, c, d)
	case c != "":
		*l = append(*l, a, b, c)
	case b != "":
		*l = append(*l, a, b)
	case a != "":
		*l = append(*l, a)
	}
	return listEntry{uint64(first), uint64(len(*l) - first)}
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
