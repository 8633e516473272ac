package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// rowsPerFlush is how many rows make a transaction: four row groups of DuckDB, which
// go to the file as they fill. Smaller transactions leave more row groups half full.
const rowsPerFlush = 4 * 122880

// appenders write rows to the tables, by table.
type appenders map[string]*duckdb.Appender

// moved is a log that was read on.
type moved struct {
	log   *source.Log
	after source.Position
}

// appender returns the appender of the table in the running transaction.
func (s *Store) appender(table string) (*duckdb.Appender, error) {
	if a := s.app[table]; a != nil {
		return a, nil
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	var a *duckdb.Appender
	err := s.writer.Raw(func(conn any) (err error) {
		a, err = duckdb.NewAppenderFromConn(conn.(driver.Conn), "", table)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", table, err)
	}
	if s.app == nil {
		s.app = appenders{}
	}
	s.app[table] = a
	return a, nil
}

func (s *Store) append(table string, row ...driver.Value) error {
	a, err := s.appender(table)
	if err != nil {
		return err
	}
	if err := a.AppendRow(row...); err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

// write hands all rows to the transaction.
func (a appenders) write() error {
	var errs []error
	for table, appender := range a {
		if err := appender.Close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", table, err))
		}
		delete(a, table)
	}
	return errors.Join(errs...)
}

// drop gives the appenders back, rows and all.
func (a appenders) drop() {
	for table, appender := range a {
		appender.Clear()
		appender.Close()
		delete(a, table)
	}
}

// Rows are a batch as the store takes it.
type Rows struct {
	Batch   *source.Batch
	numbers []numbers // of each request
	added   []addition
	err     error // why there is nothing else
}

// An addition is a row of a table of what repeats.
type addition struct {
	table string
	row   []driver.Value
}

// Rows finds the numbers of what repeats in a batch. It is half of the work and may be
// done for one batch while Add is at an earlier one; the batches come to both in the same
// order.
func (s *Store) Rows(b *source.Batch) *Rows {
	if err := s.dims.load(s.db); err != nil {
		return &Rows{Batch: b, err: err}
	}
	rows := &Rows{Batch: b, numbers: make([]numbers, len(b.Requests))}
	hashes := make([]sum, len(b.Requests))
	for column, of := range s.dims.all() {
		// One thing for all requests after the other: what is to be looked up is then fetched
		// from memory side by side.
		for i := range b.Requests {
			p := of.parts(&b.Requests[i])
			hashes[i] = s.dims.hash(&p)
		}
		for i, hash := range hashes {
			if hash == nothing {
				continue
			}
			id, added := s.dims.number(of, hash)
			if added {
				rows.add(&s.dims, of, id, &b.Requests[i])
			}
			rows.numbers[i][column] = id
		}
	}
	return rows
}

// add adds what the request says to the table, under its number.
func (rows *Rows) add(d *dims, of *dim, id uint32, r *parsers.Request) {
	row := append(make([]driver.Value, 0, 1+maxParts), id)
	switch of {
	case &d.callers:
		for _, part := range of.parts(r) {
			row = append(row, nullable(part))
		}
	case &d.calls:
		row = append(row, nullable(r.Method), nullable(r.Host), nullable(r.Shape), nil, nullable(r.Event), nullable(r.Shape))
		if r.Status != 0 {
			row[4] = int64(r.Status)
		}
	case &d.targets:
		row = append(row, nullable(r.Path), nullable(r.Query))
	case &d.referers:
		row = append(row, r.Referer)
	}
	rows.added = append(rows.added, addition{of.table, row})
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
	for _, a := range rows.added {
		if err := s.append(a.table, a.row...); err != nil {
			return err
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

// addRequests writes the rows of requests, of each the numbers of what repeats.
func (s *Store) addRequests(requests []parsers.Request, of []numbers) (err error) {
	if len(requests) == 0 {
		return nil
	}
	if s.facts == nil {
		if err := s.begin(); err != nil {
			return err
		}
		err := s.writer.Raw(func(conn any) (err error) {
			s.facts, err = newFacts(conn)
			return err
		})
		if err != nil {
			return err
		}
	}
	for i := range requests {
		if err := s.facts.append(&requests[i], of[i]); err != nil {
			return err
		}
	}
	return nil
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
	if f := s.facts; f != nil {
		s.facts = nil
		if err := f.close(); err != nil {
			return fmt.Errorf("request_rows: %w", err)
		}
	}
	if err := s.writeStates(); err != nil {
		return err
	}
	if err := s.app.write(); err != nil {
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
			nullable(src.Reading))
		if err != nil {
			return err
		}
	}
	clear(s.moved)
	return s.app.write()
}
