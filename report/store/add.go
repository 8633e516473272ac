package store

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
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

// Add keeps a batch of a log. It is on disk after the next Flush, which Add calls by
// itself from time to time.
func (s *Store) Add(b *source.Batch) error {
	if b.Replaces > 0 {
		if err := s.forget(b); err != nil {
			return err
		}
	}
	if err := s.dims.prepare(s.writer, b.Requests, func() error { return s.app.write() }); err != nil {
		return err
	}
	for i := range b.Requests {
		if err := s.addRequest(&b.Requests[i]); err != nil {
			return err
		}
	}
	for _, r := range b.Rejects {
		if err := s.append("rejects", int32(b.Log.Source.ID), r.Line, r.Reason, r.Sample); err != nil {
			return err
		}
	}
	s.moved[b.Log.Source.ID] = &moved{b.Log, b.After}
	if s.rows += len(b.Requests) + len(b.Rejects); s.rows >= rowsPerFlush {
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

func (s *Store) addRequest(r *parsers.Request) error {
	d := &s.dims
	s.row = append(s.row[:0], r.Time)
	err := cmp.Or(
		s.number(&d.addresses, r.ClientIP),
		s.number(&d.addresses, r.PeerIP),
		s.number(&d.methods, r.Method),
		s.number(&d.hosts, r.Host),
		s.value(r.Path),
		s.number(&d.routes, r.Route),
		s.value(r.Query),
		s.value(int64(r.Status)),
		s.value(r.Bytes),
		s.value(microseconds(r.Duration)),
		s.number(&d.agents, r.UserAgent),
		s.number(&d.referers, r.Referer),
		s.identity(r),
		s.value(r.RequestID),
		s.value(r.Records),
		s.number(&d.events, r.Event),
	)
	if err != nil {
		return err
	}
	s.row = append(s.row, r.Late, int32(r.Source.ID), r.Line)
	return s.append("request_rows", s.row...)
}

// value adds a value to the row as it is.
func (s *Store) value(v driver.Value) error {
	s.row = append(s.row, v)
	return nil
}

// none is the number of no text.
var none driver.Value = uint32(0)

// number adds the number of a text to the row, and the text to its table if it is new.
func (s *Store) number(d *dim, text string) error {
	if text == "" {
		return s.value(none)
	}
	id, fresh := d.id(text)
	s.row = append(s.row, id)
	if !fresh {
		return nil
	}
	return s.append(d.table, id, text)
}

// identity adds the number of who the request says it is, beside the address.
func (s *Store) identity(r *parsers.Request) error {
	key := s.dims.identity(r)
	if key == nil {
		return s.value(none)
	}
	if id, ok := s.dims.identities.ids[string(key)]; ok {
		return s.value(id)
	}
	text := string(key)
	id, _ := s.dims.identities.id(text)
	s.row = append(s.row, id)
	return s.append(s.dims.identities.table, id, text, nullable(r.User), nullable(r.APIKey), nullable(r.KeyPrefix),
		nullable(r.Token), nullable(r.Session), nullable(r.Tenant))
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
	if err := s.app.write(); err != nil {
		return err
	}
	s.rows = 0
	for id, m := range s.moved {
		if err := s.begin(); err != nil {
			return err
		}
		src, at := m.log.Source, m.after
		err := s.exec(`insert or replace into sources values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, current_timestamp::timestamp)`,
			id, src.Path, src.Format, src.Fingerprint, m.log.HeadLen, at.Offset, at.Hash, at.Torn,
			at.Lines, at.Parsed, at.Rejected, at.Skipped, at.Late, at.Cut, moment(src.First), moment(at.Last))
		if err != nil {
			return fmt.Errorf("sources: %w", err)
		}
		delete(s.moved, id)
	}
	return nil
}
