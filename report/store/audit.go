package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/report"
)

// An Entry says who did what to what, for the audit trail.
type Entry struct {
	Who        string // a person, or Self
	Action     string // "alert.resolved": the type of object, and what became of it
	ObjectType string
	ObjectID   string
	Before     json.RawMessage // what the object was, and is: objects; nil if there is nothing to say
	After      json.RawMessage
	Note       string
}

// Self is who does what nobody asked for: alerts that go on are opened again.
const Self = "litesoc"

// A Record is an entry as the audit trail keeps it.
type Record struct {
	Seq int64 // from 1 on, without a gap
	At  time.Time
	Entry
	PrevHash string // Hash of the record before, noHash for the first
	Hash     string
}

// noHash stands for the hash of what is before the first record.
var noHash = strings.Repeat("0", 2*sha256.Size)

// sum returns the hash that belongs to the record: SHA-256, in hexadecimal, over its
// columns in the order of the table audit_log up to prev_hash. Each is written as a
// netstring, the length of its text in bytes, ":", the text and ",", and one that is null
// as "-". seq and at are decimal numbers, at of microseconds since 1970 UTC; before and
// after are the JSON as it stands in the table.
func (r *Record) sum() string {
	b := netstring(nil, strconv.FormatInt(r.Seq, 10))
	b = netstring(b, strconv.FormatInt(r.At.UnixMicro(), 10))
	for _, text := range []string{r.Who, r.Action, r.ObjectType, r.ObjectID} {
		b = netstring(b, text)
	}
	for _, text := range []string{string(r.Before), string(r.After), r.Note} {
		if text == "" {
			b = append(b, '-')
			continue
		}
		b = netstring(b, text)
	}
	b = netstring(b, r.PrevHash)
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// https://cr.yp.to/proto/netstrings.txt
func netstring(b []byte, text string) []byte {
	b = strconv.AppendInt(b, int64(len(text)), 10)
	b = append(b, ':')
	b = append(b, text...)
	return append(b, ',')
}

// Audit adds entries to the audit trail, in the running transaction if there is one.
// Whatever changes what the store says of alerts, or takes something out of it into a
// file, goes through here.
func (s *Store) Audit(entries ...Entry) error {
	alone := !s.inTx
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.audit(entries); err != nil {
		if alone {
			s.rollback()
		}
		return fmt.Errorf("audit trail: %w", err)
	}
	if alone {
		return s.commit()
	}
	return nil
}

func (s *Store) audit(entries []Entry) error {
	now, err := s.now()
	if err != nil {
		return err
	}
	// The trail goes on from its head, not from its last row: what was deleted at its end
	// stays missing.
	r := Record{At: now}
	if err := s.writer.QueryRowContext(context.Background(), `select rows, hash from audit_head`).Scan(&r.Seq, &r.Hash); err != nil {
		return fmt.Errorf("its head: %w", err)
	}
	for _, e := range entries {
		for _, text := range []*string{&e.Who, &e.Action, &e.ObjectType, &e.ObjectID, &e.Note} {
			*text = strings.ToValidUTF8(*text, "\uFFFD")
		}
		for _, object := range []*json.RawMessage{&e.Before, &e.After} {
			if *object == nil {
				continue
			}
			if *object, err = json.Marshal(*object); err != nil { // as the appender writes it
				return err
			}
		}
		r.Seq, r.PrevHash, r.Entry = r.Seq+1, r.Hash, e
		r.Hash = r.sum()
		err := s.append("audit_log", r.Seq, r.At, r.Who, r.Action, r.ObjectType, r.ObjectID, document(r.Before), document(r.After),
			nullable(r.Note), r.PrevHash, r.Hash)
		if err != nil {
			return err
		}
	}
	if err := s.writeRows(); err != nil {
		return err
	}
	return s.exec(`update audit_head set rows = ?, hash = ?`, r.Seq, r.Hash)
}

// now returns the time at which the running transaction began, or that of the statement.
func (s *Store) now() (time.Time, error) {
	var now time.Time
	err := s.writer.QueryRowContext(context.Background(), `select current_timestamp at time zone 'UTC'`).Scan(&now)
	return now, err
}

// Trail returns the audit trail in its order.
func (q *Query) Trail() ([]Record, error) {
	records, err := trail(q.db, "")
	if err != nil {
		return nil, fmt.Errorf("audit trail: %w", plainSQLError(err))
	}
	return records, nil
}

// TrailOf returns what the audit trail says of one object.
func (q *Query) TrailOf(objectType, id string) ([]Record, error) {
	records, err := trail(q.db, " where object_type = ? and object_id = ?", objectType, id)
	if err != nil {
		return nil, fmt.Errorf("audit trail: %w", plainSQLError(err))
	}
	return records, nil
}

func trail(db *sql.DB, where string, args ...any) ([]Record, error) {
	rows, err := db.Query(`select seq, "at", who, action, object_type, object_id, coalesce("before"::varchar, ''), coalesce("after"::varchar, ''),
		coalesce(note, ''), prev_hash, hash from audit_log`+where+` order by seq, rowid`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []Record
	for rows.Next() {
		var r Record
		var before, after string
		if err := rows.Scan(&r.Seq, &r.At, &r.Who, &r.Action, &r.ObjectType, &r.ObjectID, &before, &after, &r.Note, &r.PrevHash, &r.Hash); err != nil {
			return nil, err
		}
		if before != "" {
			r.Before = json.RawMessage(before)
		}
		if after != "" {
			r.After = json.RawMessage(after)
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

// A Verdict says whether the audit trail is what was written.
type Verdict struct {
	Rows  int64
	Head  string // hash of the last record
	Noted int64  // the record whose hash was noted; 0 if none was
	Break *Break // the first place where it is not; nil if it is whole
}

// A Break is a place where the audit trail is not what was written.
type Break struct {
	Seq  int64  `json:"row"`  // the record; 0 if it is none
	What string `json:"what"` // what is wrong with it, and what was done to it
}

// Verify holds the audit trail against its hashes, against its head, and what the store
// says of alerts against the trail. Whoever can write to the file can write all of these
// anew: a hash that was noted elsewhere, if not "", must be one of the trail.
func (q *Query) Verify(noted string) (*Verdict, error) {
	var tables int
	err := q.db.QueryRow(`select count(*) from duckdb_tables() where not internal and table_name in ('audit_log', 'audit_head', 'alert_handling')`).Scan(&tables)
	if err != nil {
		return nil, err
	}
	if tables < 3 {
		return &Verdict{Break: &Break{What: "a table of it is gone"}}, nil
	}
	records, err := q.Trail()
	if err != nil {
		return nil, err
	}
	var heads []head
	err = q.rows(`select rows, hash from audit_head`, func(rows *sql.Rows) error {
		var h head
		defer func() { heads = append(heads, h) }()
		return rows.Scan(&h.rows, &h.hash)
	})
	if err != nil {
		return nil, err
	}
	v := &Verdict{Rows: int64(len(records)), Head: noHash}
	if n := len(records); n > 0 {
		v.Head = records[n-1].Hash
	}
	if v.Break = broken(records, heads); v.Break != nil {
		return v, nil
	}
	if noted != "" && noted != noHash {
		i := slices.IndexFunc(records, func(r Record) bool { return r.Hash == noted })
		if i < 0 {
			v.Break = &Break{What: "no row has the noted hash: the row that had it, or one before it, was rewritten or deleted"}
			return v, nil
		}
		v.Noted = records[i].Seq
	}
	v.Break, err = q.mishandled(records)
	return v, err
}

// rows calls f with each row of a query.
func (q *Query) rows(query string, f func(*sql.Rows) error, args ...any) error {
	return each(q.db, query, f, args...)
}

// head is what audit_head holds.
type head struct {
	rows int64
	hash string
}

// broken returns the first break of the chain of records, or between it and its head.
func broken(records []Record, heads []head) *Break {
	prev := noHash
	for i := range records {
		r, want := &records[i], int64(i+1)
		switch {
		case i > 0 && r.Seq == records[i-1].Seq:
			return &Break{r.Seq, "it is there twice: one of both was put in"}
		case r.Seq < want:
			return &Break{r.Seq, "it was put in: rows are numbered from 1 on"}
		case r.Seq == want+1:
			return &Break{want, "it is missing: it was deleted"}
		case r.Seq > want:
			return &Break{want, fmt.Sprintf("it and all up to %d are missing: they were deleted", r.Seq-1)}
		}
		if sum := r.sum(); sum != r.Hash {
			if at := r.place(int64(len(records))); at != 0 {
				return &Break{r.Seq, fmt.Sprintf("it was row %d: rows were deleted or put in another order", at)}
			}
			if r.PrevHash != prev {
				return &Break{r.Seq, "neither its hash nor that of the row before is right: it was put in, or replaced"}
			}
			return &Break{r.Seq, "its content does not have its hash: it was edited"}
		}
		if r.PrevHash != prev {
			if i == 0 {
				return &Break{r.Seq, "it is not the first row that was written: rows were deleted and the rest hashed anew"}
			}
			return &Break{r.Seq, fmt.Sprintf("it does not follow row %d: that one was edited and hashed anew, or this one was put in", r.Seq-1)}
		}
		prev = r.Hash
	}
	n := int64(len(records))
	switch {
	case len(heads) != 1:
		return &Break{0, fmt.Sprintf("the head of the trail is there %d times: table audit_head was edited", len(heads))}
	case heads[0].rows == n+1:
		return &Break{n + 1, "it is missing: it was deleted at the end, or the head was edited"}
	case heads[0].rows > n:
		return &Break{n + 1, fmt.Sprintf("it and all up to %d are missing: they were deleted at the end, or the head was edited", heads[0].rows)}
	case heads[0].rows < n:
		return &Break{heads[0].rows + 1, fmt.Sprintf("it was put in, or the head was edited: the head counts %d rows", heads[0].rows)}
	case heads[0].hash != prev:
		return &Break{n, "it does not have the hash of the head: rows up to it were edited and hashed anew, or the head was edited"}
	}
	return nil
}

// place returns the number under which the record has its hash, among n; 0 if under none.
func (r *Record) place(n int64) int64 {
	moved := *r
	for moved.Seq = 1; moved.Seq <= n; moved.Seq++ {
		if moved.sum() == r.Hash {
			return moved.Seq
		}
	}
	return 0
}

// mishandled returns the first alert that is not what the trail says it became.
func (q *Query) mishandled(records []Record) (*Break, error) {
	last := map[string]*Record{}
	for i := range records {
		if r := &records[i]; r.ObjectType == alertObject {
			last[r.ObjectID] = r
		}
	}
	var found *Break
	err := q.handled(`order by alert_id`, func(h *handling) {
		r := last[h.ID]
		delete(last, h.ID)
		switch {
		case found != nil:
		case r == nil:
			found = &Break{0, fmt.Sprintf("alert %s is %s, of which no row tells: it was changed by hand", h.ID, h.Status)}
		case !h.asTold(r):
			found = &Break{r.Seq, fmt.Sprintf("alert %s is %s by %s, but not as this row tells: it was changed by hand", h.ID, h.Status, h.By)}
		}
	})
	if err != nil || found != nil {
		return found, err
	}
	for i := range records {
		if r := &records[i]; last[r.ObjectID] == r {
			return &Break{r.Seq, fmt.Sprintf("what became of alert %s is gone: it was deleted by hand", r.ObjectID)}, nil
		}
	}
	return nil, nil
}

// asTold tells whether the alert was handled as the record, the last one of it, says.
func (h *handling) asTold(r *Record) bool {
	var told struct {
		state
		Alert *subject `json:"alert"` // nil: of an earlier version
	}
	if json.Unmarshal(r.After, &told) != nil || told.state != (state{h.Status, h.ResolutionType}) {
		return false
	}
	if told.Alert != nil && *told.Alert != subjectOf(&h.Alert) {
		return false
	}
	closer, closed := "", time.Time{}
	if report.Over(h.Status) {
		closer, closed = h.By, h.UpdatedAt
	}
	return r.Who == h.By && r.At.Equal(h.UpdatedAt) && r.Note == h.Note && h.ResolvedBy == closer && h.ResolvedAt.Equal(closed)
}

// Controls returns the criteria of the AICPA's Trust Services Criteria (SOC 2) that an
// action is evidence for: CC6.1 access is restricted, CC7.2 anomalies are watched for,
// CC7.3 events are evaluated, CC7.4 incidents are responded to.
func Controls(action string) []string {
	for _, c := range controls {
		if strings.HasPrefix(action, c.action) {
			return c.criteria
		}
	}
	return nil
}

// controls are looked through in this order.
var controls = []struct {
	action   string // or its beginning
	criteria []string
}{
	{"alert.acknowledged", []string{"CC7.3"}},
	{"alert.dismissed", []string{"CC7.3"}},
	{"alert.resolved", []string{"CC7.3", "CC7.4"}},
	{"alert.reopened", []string{"CC7.2", "CC7.3"}},
	{"allowlist.", []string{"CC6.1", "CC7.2"}},
	{"baseline.", []string{"CC7.2"}},
	{"notification.", []string{"CC7.2", "CC7.4"}},
	{"response.", []string{"CC6.1", "CC7.4"}},
	{"report.", []string{"CC7.3"}},
	{"query.", []string{"CC7.3"}},
	{"events.", []string{"CC7.3"}},
	{"alerts.", []string{"CC7.3"}},
	{"incidents.", []string{"CC7.3"}},
	{"audit.", []string{"CC7.2"}},
}
