package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers/source"
)

// Known returns the logs that were read before, in the order of their numbers.
func (s *Store) Known() ([]source.Known, error) { return known(s.db) }

func known(db *sql.DB) ([]source.Known, error) {
	rows, err := db.Query(`select source_id, path, format, fingerprint, head_bytes, bytes, hash, torn,
		lines, parsed, rejected, skipped, late, cut, first_ts, last_ts, coalesce(reading, ''), coalesce(leapt, '') from sources order by source_id`)
	if err != nil {
		return nil, fmt.Errorf("sources: %w", err)
	}
	defer rows.Close()
	var logs []source.Known
	for rows.Next() {
		var k source.Known
		var first, last sql.NullTime
		err := rows.Scan(&k.Source.ID, &k.Source.Path, &k.Source.Format, &k.Source.Fingerprint, &k.HeadLen, &k.At.Offset, &k.At.Hash,
			&k.At.Torn, &k.At.Lines, &k.At.Parsed, &k.At.Rejected, &k.At.Skipped, &k.At.Late, &k.At.Cut, &first, &last,
			&k.Source.Reading, &k.At.Open)
		if err != nil {
			return nil, fmt.Errorf("sources: %w", err)
		}
		k.Source.First, k.At.Last = first.Time, last.Time
		logs = append(logs, k)
	}
	return logs, rows.Err()
}

// Checkpoint returns up to which time all requests have been judged, and under which
// settings. The zero time says that none have.
func (s *Store) Checkpoint() (watermark time.Time, settings string, err error) {
	return checkpoint(s.db)
}

func checkpoint(db *sql.DB) (watermark time.Time, settings string, err error) {
	err = db.QueryRow(`select watermark, settings from checkpoint`).Scan(&watermark, &settings)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, "", nil
	}
	return watermark, settings, err
}

// SetLateness tells by which bound lines are late. If the kept ones were read under
// another, it is told anew which of them are, and the checkpoint is dropped.
func (s *Store) SetLateness(bound time.Duration) error {
	var was sql.NullInt64
	if err := s.db.QueryRow(`select lateness_us from litesoc`).Scan(&was); err != nil {
		return err
	}
	if was.Valid && was.Int64 == bound.Microseconds() {
		return nil
	}
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.exec(`update litesoc set lateness_us = ?`, bound.Microseconds()); err != nil {
		return err
	}
	if !was.Valid {
		return s.commit()
	}
	logs, err := s.Known()
	if err != nil {
		return err
	}
	for _, k := range logs {
		if err := s.retell(k, bound); err != nil {
			return fmt.Errorf("tell anew which lines are late: %w", err)
		}
	}
	if err := s.exec(`update sources set late = (select count(*) from request_rows r where r.source_id = sources.source_id and r.late)`); err != nil {
		return fmt.Errorf("count late lines: %w", err)
	}
	if err := s.Forget(); err != nil {
		return err
	}
	return s.commit()
}

// retell tells anew which requests of a log are late, and how far its time has got.
func (s *Store) retell(k source.Known, bound time.Duration) error {
	pace, err := source.NewPace(bound, "")
	if err != nil {
		return err
	}
	rows, err := s.db.Query(`select line, ts, late from request_rows where source_id = ? order by line`, k.Source.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	var changed []int64 // in order
	last := k.Source.First
	for rows.Next() {
		var l source.Leapt
		var was bool
		if err := rows.Scan(&l.Line, &l.Time, &was); err != nil {
			return err
		}
		if last.IsZero() {
			last = l.Time
		}
		if was {
			l.At = wasLate
		}
		late, wrong := pace.Next(&last, l)
		if late != was {
			changed = append(changed, l.Line)
		}
		for _, w := range wrong {
			if i, found := slices.BinarySearch(changed, w.Line); found {
				changed = slices.Delete(changed, i, i+1)
			} else if w.At != wasLate {
				changed = slices.Insert(changed, i, w.Line)
			}
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || last.IsZero() {
		return err
	}
	for lines := range slices.Chunk(changed, rowsPerFlush) {
		err := s.exec(`update request_rows set late = not late where source_id = ? and line in (select unnest(?::bigint[]))`, k.Source.ID, lines)
		if err != nil {
			return err
		}
	}
	return s.exec(`update sources set last_ts = ?, leapt = ? where source_id = ?`, last, nullable(pace.Text()), k.Source.ID)
}

// wasLate marks a line that was told to be late before.
const wasLate = 1

// Rename keeps where a log is found now that bore another name when it was read.
func (s *Store) Rename(source int, path string) error {
	if err := s.exec("update sources set path = ? where source_id = ?", path, source); err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	return nil
}

// Drop forgets a log with all that is kept of it, and the checkpoint, at once: it is a
// new log to whoever meets it next.
func (s *Store) Drop(source int) error {
	if err := s.Forget(); err != nil {
		return err
	}
	for _, table := range []string{"request_rows", "rejects", "sources"} {
		if err := s.exec("delete from "+table+" where source_id = ?", source); err != nil {
			return fmt.Errorf("drop what is kept of a log: %s: %w", table, err)
		}
	}
	return s.commit()
}
