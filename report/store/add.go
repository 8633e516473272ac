package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// rowGroup is how many rows DuckDB compresses together.
const rowGroup = 122880

// rowsPerFlush is how many rows make a transaction: four row groups, which go to the file as
// they fill. Smaller transactions leave more row groups half full.
const rowsPerFlush = 4 * rowGroup

// An appender writes rows to a table, in a transaction.
type appender interface {
	close() error // writes what is left and gives everything back
	drop()        // gives everything back, rows and all
}

// moved is a log that was read on.
type moved struct {
	log   *source.Log
	after source.Position
}

// appender returns the appender of the table in the running transaction, which begin makes
// on the connection where there is none.
func (s *Store) appender(table string, begin func(conn any) (appender, error)) (a appender, err error) {
	if a = s.appenders[table]; a != nil {
		return a, nil
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	err = s.writer.Raw(func(conn any) (err error) {
		a, err = begin(conn)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.appenders[table] = a
	return a, nil
}

// rowAppender is the driver's. It takes values of all types that there are, row by row.
type rowAppender struct{ *duckdb.Appender }

func (a rowAppender) close() error { return a.Close() }

func (a rowAppender) drop() {
	a.Clear()
	a.Close()
}

func (s *Store) append(table string, row ...driver.Value) error {
	a, err := s.appender(table, func(conn any) (appender, error) {
		a, err := duckdb.NewAppenderFromConn(conn.(driver.Conn), "", table)
		return rowAppender{a}, err
	})
	if err == nil {
		err = a.(rowAppender).AppendRow(row...)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

// chunk returns a chunk of the table, whose columns must be of the types.
func (s *Store) chunk(table string, types ...mapping.Type) (*chunk, error) {
	a, err := s.appender(table, func(conn any) (appender, error) { return newChunk(conn, table, types...) })
	if err != nil {
		return nil, err
	}
	return a.(*chunk), nil
}

// writeRows hands all rows to the transaction.
func (s *Store) writeRows() error {
	var errs []error
	for table, a := range s.appenders {
		if err := a.close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", table, err))
		}
		delete(s.appenders, table)
	}
	return errors.Join(errs...)
}

// Rows are a batch as the store takes it.
type Rows struct {
	Batch   *source.Batch
	numbers numbers
	added   []addition
	err     error // why there is nothing else
}

// An addition is a new row of a table of what repeats: what the request says, by its number
// in the batch.
type addition struct {
	to      *dim
	id      uint32
	request int
}

// Rows finds the numbers of what repeats in a batch. It is half of the work and may be
// done for one batch while Add is at an earlier one; the batches come to both in the same
// order.
func (s *Store) Rows(b *source.Batch) *Rows {
	if err := s.dims.load(s.db); err != nil {
		return &Rows{Batch: b, err: err}
	}
	requests := b.Requests
	rows := &Rows{Batch: b, numbers: newNumbers(len(requests))}
	d := &s.dims
	for _, of := range d.all() {
		d.forget(of)
	}
	d.recall(requests, rows.numbers)
	var p parts
	for column, of := range d.all() {
		// One thing for all requests after the other: what is to be looked up is then fetched
		// from memory side by side.
		sought := d.sought[column]
		for i := range sought {
			r := &requests[sought[i].request]
			var agent *parsers.Notes
			if of.what == caller {
				agent = r.AgentNotes
			}
			sought[i].hash = d.hash(p.of(of.what, r), agent)
		}
		for _, l := range sought {
			if l.hash == nothing {
				continue
			}
			id, added := d.number(of, l.hash)
			if added {
				rows.added = append(rows.added, addition{of, id, l.request})
			}
			rows.numbers[column][l.request] = id
			d.remember(of, &requests[l.request], id)
		}
	}
	return rows
}

// Add keeps rows. They are on disk after the next Flush, which Add calls by itself
// from time to time.
func (s *Store) Add(rows *Rows) error {
	if rows.err != nil {
		return rows.err
	}
	b := rows.Batch
	if b.Replaces > 0 {
		if err := s.forget(b); err != nil {
			return err
		}
	}
	if len(b.Leapt) > 0 {
		if err := s.leapt(b); err != nil {
			return fmt.Errorf("request_rows: %w", err)
		}
	}
	for _, a := range rows.added {
		c, err := s.chunk(a.to.table, a.to.types...)
		if err == nil {
			err = a.to.add(c, a.id, &b.Requests[a.request])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", a.to.table, err)
		}
	}
	if err := s.addRequests(b.Requests, rows.numbers); err != nil {
		return fmt.Errorf("request_rows: %w", err)
	}
	for _, r := range b.Rejects {
		if err := s.append("rejects", int32(b.Log.Source.ID), r.Line, r.Reason, r.Sample); err != nil {
			return err
		}
	}
	s.moved[b.Log.Source.ID] = &moved{b.Log, b.After}
	if s.rows += len(b.Requests) + len(b.Rejects) + len(rows.added); s.rows >= rowsPerFlush {
		return s.Flush()
	}
	return nil
}

// forget removes what was kept of a line that was not finished when it was read.
func (s *Store) forget(b *source.Batch) error {
	if err := s.begin(); err != nil {
		return err
	}
	for _, table := range []string{"request_rows", "rejects"} {
		err := s.exec("delete from "+table+" where source_id = ? and line = ?", b.Log.Source.ID, b.Replaces)
		if err != nil {
			return err
		}
	}
	return nil
}

// leapt notes that requests are late which were kept as to be judged.
func (s *Store) leapt(b *source.Batch) error {
	if err := errors.Join(s.writeRows(), s.begin()); err != nil {
		return err
	}
	lines := make([]int64, len(b.Leapt))
	for i, l := range b.Leapt {
		lines[i] = l.Line
	}
	return s.exec(`update request_rows set late = true where source_id = ? and line in (select unnest(?::bigint[]))`, b.Log.Source.ID, lines)
}

// addRequests writes the rows of requests, of each the numbers of what repeats.
func (s *Store) addRequests(requests []parsers.Request, of numbers) error {
	if len(requests) == 0 {
		return nil
	}
	a, err := s.appender("request_rows", newFacts)
	if err != nil {
		return err
	}
	return a.(*facts).append(requests, of)
}

// microseconds returns the duration, or -1 where there is none.
func microseconds(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Microseconds()
}

// Flush commits what was added, together with how far each log was read.
func (s *Store) Flush() error {
	if err := s.write(); err != nil {
		return err
	}
	return s.commit()
}

// write hands what was added to the running transaction.
func (s *Store) write() error {
	if err := s.writeRows(); err != nil {
		return err
	}
	s.rows = 0
	return s.writePositions()
}

// writePositions keeps how far the logs have been read that were read on. All of them
// in two steps: DuckDB holds some memory for each statement until the transaction ends,
// and a folder may hold ten thousand logs.
func (s *Store) writePositions() error {
	if len(s.moved) == 0 {
		return nil
	}
	if err := s.begin(); err != nil {
		return err
	}
	var ids []int32
	for id := range s.moved {
		ids = append(ids, int32(id))
	}
	slices.Sort(ids)
	if err := s.exec("delete from sources where source_id in (select unnest(?::integer[]))", ids); err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	now, err := s.now()
	if err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	for _, id := range ids {
		m := s.moved[int(id)]
		src, at := m.log.Source, m.after
		err := s.append("sources", id, src.Path, src.Format, src.Fingerprint, int32(m.log.HeadLen), at.Offset, at.Hash, at.Torn,
			at.Lines, at.Parsed, at.Rejected, at.Skipped, at.Late, at.Cut, moment(src.First), moment(at.Last), now,
			nullable(src.Reading), nullable(at.Open))
		if err != nil {
			return err
		}
	}
	clear(s.moved)
	return s.writeRows()
}
