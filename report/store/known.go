package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// Known returns the logs that were read before, in the order of their numbers.
func (s *Store) Known() ([]source.Known, error) {
	rows, err := s.db.Query(`select source_id, path, format, fingerprint, head_bytes, bytes, hash, torn,
		lines, parsed, rejected, skipped, late, cut, first_ts, last_ts from sources order by source_id`)
	if err != nil {
		return nil, fmt.Errorf("sources: %w", err)
	}
	defer rows.Close()
	var known []source.Known
	for rows.Next() {
		var k source.Known
		var first, last sql.NullTime
		err := rows.Scan(&k.Source.ID, &k.Source.Path, &k.Source.Format, &k.Source.Fingerprint, &k.HeadLen, &k.At.Offset, &k.At.Hash,
			&k.At.Torn, &k.At.Lines, &k.At.Parsed, &k.At.Rejected, &k.At.Skipped, &k.At.Late, &k.At.Cut, &first, &last)
		if err != nil {
			return nil, fmt.Errorf("sources: %w", err)
		}
		k.Source.First, k.At.Last = first.Time, last.Time
		known = append(known, k)
	}
	return known, rows.Err()
}

// Checkpoint returns up to which time all requests have been judged, and under which
// settings. The zero time says that none have.
func (s *Store) Checkpoint() (watermark time.Time, settings string, err error) {
	err = s.db.QueryRow(`select watermark, settings from checkpoint`).Scan(&watermark, &settings)
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
	// The rule is that of source.Log: behind the latest line before it in its log.
	if err := s.exec(`
		update request_rows r set late = l.late from (
			select source_id, line, coalesce(ts < max(ts) over (partition by source_id order by line
				rows between unbounded preceding and 1 preceding) - to_microseconds(?), false) as late
			from request_rows
		) l where r.source_id = l.source_id and r.line = l.line and r.late <> l.late`, bound.Microseconds()); err != nil {
		return fmt.Errorf("tell anew which lines are late: %w", err)
	}
	if err := s.exec(`update sources set late = (select count(*) from request_rows r where r.source_id = sources.source_id and r.late)`); err != nil {
		return fmt.Errorf("count late lines: %w", err)
	}
	if err := s.Forget(); err != nil {
		return err
	}
	return s.commit()
}

// States yields the memory that belongs to the checkpoint.
func (s *Store) States(yield func(stage string, st keyed.Saved) error) error {
	rows, err := s.db.Query(`select stage, machine, key, last, state from checkpoint_states order by seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var stage, state string
		var st keyed.Saved
		if err := rows.Scan(&stage, &st.Machine, &st.Key, &st.Last, &state); err != nil {
			return err
		}
		st.State = []byte(state)
		if err := yield(stage, st); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A Replay gives the kept requests from a time on, in order, as they were first
// read. It is a source.Stream of requests that need not be kept again.
type Replay struct {
	rows     *sql.Rows
	sources  map[int]*parsers.Source
	lateness time.Duration
	bound    time.Time
}

// replayBatch is how many requests a Replay gives at once.
const replayBatch = 2048

// Replay returns the kept requests at or after from that are to be judged, as the
// store holds them now. sources gives the source of every number. The replay claims
// no more than a log would of which lines may come late by lateness.
func (s *Store) Replay(from time.Time, lateness time.Duration, sources map[int]*parsers.Source) (*Replay, error) {
	rows, err := s.db.QueryContext(context.Background(), `
		select q.ts, q.source_id, q.line, c.client_ip, c.peer_ip, w.method, w.host, q.path, w.route, q.query, coalesce(w.status, 0), q.bytes,
			q.duration_us, c.user_agent, f.text, q.request_id, c.user_id, c.api_key, c.key_prefix, c.token, c.session, c.tenant,
			q.records, w.event_name
		from request_rows q
		join sources s on q.source_id = s.source_id
		join callers c on q.caller = c.id
		join calls w on q.call = w.id
		join referers f on q.referer = f.id
		where not q.late and q.ts >= ?
		order by q.ts, s.first_ts, s.fingerprint, s.source_id, q.line`, from)
	if err != nil {
		return nil, fmt.Errorf("read kept requests: %w", err)
	}
	return &Replay{rows: rows, sources: sources, lateness: lateness, bound: from}, nil
}

// Bound is the time before which a request would be late.
func (p *Replay) Bound() time.Time { return p.bound }

// Close ends the replay early.
func (p *Replay) Close() error { return p.rows.Close() }

// Next returns the next requests, or io.EOF.
func (p *Replay) Next() (*source.Batch, error) {
	b := &source.Batch{Requests: make([]parsers.Request, 0, replayBatch)}
	for len(b.Requests) < replayBatch && p.rows.Next() {
		var r parsers.Request
		var id int
		var text [17]sql.NullString
		var duration int64
		err := p.rows.Scan(&r.Time, &id, &r.Line, &text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6],
			&r.Status, &r.Bytes, &duration, &text[7], &text[8], &text[9], &text[10], &text[11], &text[12], &text[13], &text[14],
			&text[15], &r.Records, &text[16])
		if err != nil {
			p.rows.Close()
			return nil, fmt.Errorf("read kept requests: %w", err)
		}
		for i, field := range [...]*string{&r.ClientIP, &r.PeerIP, &r.Method, &r.Host, &r.Path, &r.Route, &r.Query,
			&r.UserAgent, &r.Referer, &r.RequestID, &r.User, &r.APIKey, &r.KeyPrefix, &r.Token, &r.Session, &r.Tenant, &r.Event} {
			*field = text[i].String
		}
		r.Duration = -1
		if duration >= 0 {
			r.Duration = time.Duration(duration) * time.Microsecond
		}
		if r.Source = p.sources[id]; r.Source == nil {
			return nil, fmt.Errorf("read kept requests: source %d is not in the store", id)
		}
		b.Requests = append(b.Requests, r)
	}
	if err := p.rows.Err(); err != nil {
		return nil, fmt.Errorf("read kept requests: %w", err)
	}
	if len(b.Requests) == 0 {
		p.rows.Close()
		return nil, io.EOF
	}
	if bound := b.Requests[len(b.Requests)-1].Time.Add(-p.lateness); bound.After(p.bound) {
		p.bound = bound
	}
	return b, nil
}
