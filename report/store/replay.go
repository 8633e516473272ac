package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// A Replay gives the kept requests from a time on, in order, as they were first
// read. It is a source.Stream of requests that need not be kept again, and sees the
// store as it was when the replay began, whatever is added meanwhile.
type Replay struct {
	conn     *sql.Conn
	slices   []time.Time // bounds of what is still to be read, one query for each slice
	rows     *sql.Rows   // of the slice being read; nil between slices
	sources  map[int]*parsers.Source
	notes    map[string]*parsers.Notes // of paths; at most maxNoted
	lateness time.Duration
	bound    time.Time
	most     time.Time // which the bound does not pass: what lies after it has leapt ahead
}

const (
	replayBatch = 2048    // requests given at once
	sliceShare  = 3200    // bytes of the database's memory for each request sorted at once, beside what waits to be kept
	maxNoted    = 1 << 14 // paths that share notes
)

// Replay returns the kept requests at or after from that are to be judged. sources
// gives the source of every number. The replay claims no more than a log would of
// which lines may come late by lateness. The caller closes it.
func (s *Store) Replay(from time.Time, lateness time.Duration, sources map[int]*parsers.Source) (*Replay, error) {
	return replay(s.db, s.memory, from, lateness, sources)
}

// Replay is Store.Replay for a store that is only read. Nothing else is read of it before
// it is closed.
func (q *Query) Replay(from time.Time, lateness time.Duration, sources map[int]*parsers.Source) (*Replay, error) {
	return replay(q.db, defaultMemory, from, lateness, sources)
}

func replay(db *sql.DB, memory int64, from time.Time, lateness time.Duration, sources map[int]*parsers.Source) (*Replay, error) {
	p := &Replay{sources: sources, notes: map[string]*parsers.Notes{}, lateness: lateness, bound: from}
	if err := p.begin(db, memory/sliceShare, from); err != nil {
		return nil, fmt.Errorf("read kept requests: %w", errors.Join(err, p.Close()))
	}
	return p, nil
}

// begin takes a snapshot and cuts it into slices of time that hold so many requests at most,
// but for what one minute holds.
func (p *Replay) begin(db *sql.DB, most int64, from time.Time) (err error) {
	ctx := context.Background()
	if p.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	if _, err = p.conn.ExecContext(ctx, "begin transaction"); err != nil {
		return err
	}
	var last sql.NullTime
	if err := p.conn.QueryRowContext(ctx, `select max(last_ts) from sources`).Scan(&last); err != nil {
		return err
	}
	p.most = last.Time.Add(-p.lateness)
	rows, err := p.conn.QueryContext(ctx, `select date_trunc('minute', ts) as minute, count(*) from request_rows
		where not late and ts >= ? group by minute order by minute`, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	var minute time.Time
	var n, held int64
	for rows.Next() {
		if err := rows.Scan(&minute, &n); err != nil {
			return err
		}
		if held += n; len(p.slices) == 0 || held > most {
			p.slices = append(p.slices, minute)
			held = n
		}
	}
	if len(p.slices) > 0 {
		p.slices[0] = from // which may lie within its minute
		p.slices = append(p.slices, minute.Add(time.Minute))
	}
	return rows.Err()
}

// Bound is the time before which a request would be late.
func (p *Replay) Bound() time.Time { return p.bound }

// Close ends the replay.
func (p *Replay) Close() error {
	var errs []error
	if p.rows != nil {
		errs = append(errs, p.rows.Close())
		p.rows = nil
	}
	if p.conn != nil {
		_, err := p.conn.ExecContext(context.Background(), "rollback")
		errs = append(errs, err, p.conn.Close())
		p.conn = nil
	}
	return errors.Join(errs...)
}

// Next returns the next requests, or io.EOF.
func (p *Replay) Next() (*source.Batch, error) {
	b, err := p.next()
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read kept requests: %w", err)
	}
	return b, err
}

func (p *Replay) next() (*source.Batch, error) {
	b := &source.Batch{Requests: make([]parsers.Request, 0, replayBatch)}
	for len(b.Requests) < replayBatch {
		if p.rows == nil {
			if len(p.slices) < 2 {
				break
			}
			if err := p.slice(p.slices[0], p.slices[1]); err != nil {
				return nil, err
			}
			p.slices = p.slices[1:]
		}
		if !p.rows.Next() {
			if err := errors.Join(p.rows.Err(), p.rows.Close()); err != nil {
				return nil, err
			}
			p.rows = nil
			continue
		}
		b.Requests = append(b.Requests, parsers.Request{})
		if err := p.scan(&b.Requests[len(b.Requests)-1]); err != nil {
			return nil, err
		}
	}
	if len(b.Requests) == 0 {
		return nil, io.EOF
	}
	bound := b.Requests[len(b.Requests)-1].Time.Add(-p.lateness)
	if bound.After(p.most) {
		bound = p.most
	}
	if bound.After(p.bound) {
		p.bound = bound
	}
	return b, nil
}

// slice begins to read the requests at or after from and before until.
func (p *Replay) slice(from, until time.Time) (err error) {
	p.rows, err = p.conn.QueryContext(context.Background(), selectRequests+`
		where not q.late and q.ts >= ? and q.ts < ?
		order by q.ts, s.first_ts, s.fingerprint, s.source_id, q.line`, from, until)
	return err
}

// scan reads the row that stands next.
func (p *Replay) scan(r *parsers.Request) error {
	id, err := scanRequest(p.rows, r)
	if err != nil {
		return err
	}
	if r.Source = p.sources[id]; r.Source == nil {
		return fmt.Errorf("source %d is not in the store", id)
	}
	r.PathNotes = p.notesOf(r.Path)
	return nil
}

// notesOf returns the notes of a path.
func (p *Replay) notesOf(path string) *parsers.Notes {
	notes := p.notes[path]
	if notes == nil {
		if len(p.notes) == maxNoted {
			clear(p.notes)
		}
		notes = &parsers.Notes{}
		p.notes[path] = notes
	}
	return notes
}

// selectRequests selects what scanRequest reads.
const selectRequests = `
		select q.ts, q.source_id, q.line, c.client_ip, c.peer_ip, w.method, w.host, coalesce(t.path, q.texts[3]), w.shape, coalesce(t.query, q.texts[4]), coalesce(w.status, 0), q.bytes,
			q.duration_us, c.user_agent, f.text, q.texts[1], c.user_id, c.api_key, c.key_prefix, c.token, c.session, c.tenant,
			q.records, w.event_name, q.texts[2]
		from request_rows q
		join sources s on q.source_id = s.source_id
		join callers c on q.caller = c.id
		join calls w on q.call = w.id
		join targets t on q.target = t.id
		join referers f on q.referer = f.id`

// scanRequest reads the row that stands next into r, but for its source, of which it
// returns the number.
func scanRequest(rows *sql.Rows, r *parsers.Request) (id int, err error) {
	var text [18]sql.NullString
	var duration int64
	err = rows.Scan(&r.Time, &id, &r.Line, &text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6],
		&r.Status, &r.Bytes, &duration, &text[7], &text[8], &text[9], &text[10], &text[11], &text[12], &text[13], &text[14],
		&text[15], &r.Records, &text[16], &text[17])
	if err != nil {
		return 0, err
	}
	for i, field := range [...]*string{&r.ClientIP, &r.PeerIP, &r.Method, &r.Host, &r.Path, &r.Shape, &r.Query,
		&r.UserAgent, &r.Referer, &r.RequestID, &r.User, &r.APIKey, &r.KeyPrefix, &r.Token, &r.Session, &r.Tenant, &r.Event, &r.Body} {
		*field = text[i].String
	}
	r.Duration = -1
	if duration >= 0 {
		r.Duration = time.Duration(duration) * time.Microsecond
	}
	return id, nil
}

// keptSlice is how many lines are sorted at once.
const keptSlice = 50_000

// Kept yields what is kept of a log, the late requests included, in the order of its
// lines. Source is not set. After an error it ends.
func (s *Store) Kept(source int) iter.Seq2[*parsers.Request, error] {
	return func(yield func(*parsers.Request, error) bool) {
		var lines int64
		err := s.db.QueryRow(`select coalesce(max(line), 0) from request_rows where source_id = ?`, source).Scan(&lines)
		for from := int64(0); err == nil && from < lines; from += keptSlice {
			var more bool
			if more, err = s.kept(source, from, yield); !more {
				break
			}
		}
		if err != nil {
			yield(nil, fmt.Errorf("read kept requests: %w", err))
		}
	}
}

// kept yields the requests of one slice of lines and tells whether more are wanted.
func (s *Store) kept(source int, from int64, yield func(*parsers.Request, error) bool) (more bool, err error) {
	rows, err := s.db.Query(selectRequests+` where q.source_id = ? and q.line > ? and q.line <= ? order by q.line`, source, from, from+keptSlice)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var r parsers.Request
		if _, err := scanRequest(rows, &r); err != nil {
			return false, err
		}
		if !yield(&r, nil) {
			return false, nil
		}
	}
	return true, rows.Err()
}
