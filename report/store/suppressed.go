package store

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/litesoc/litesoc/report"
)

// Suppressed counts the alerts that the allowlist suppresses.
func (s *Store) Suppressed() (n int64, err error) {
	if err := s.db.QueryRow(`select count(*) from alert_rows where suppressed_by is not null`).Scan(&n); err != nil {
		return 0, fmt.Errorf("read alerts: %w", err)
	}
	return n, nil
}

// Suppressed returns the alerts that the allowlist suppresses, which are in no report, by
// first time, then id.
func (q *Query) Suppressed() ([]report.Alert, error) {
	alerts, err := readAlerts(q.db, "suppressed_by is not null")
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	return alerts, nil
}

// Events returns the events of an alert in order of their first time.
func (q *Query) Events(alert string) ([]report.Event, error) {
	rd := &reading{db: q.db, r: &report.Report{}}
	if err := rd.events(); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	of := map[string]bool{}
	err := rd.each(`select unnest(events) from alert_rows where id = ?`, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		of[id] = true
		return err
	}, alert)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	var events []report.Event
	for _, e := range rd.r.Events {
		if of[e.ID] {
			events = append(events, e)
		}
	}
	return events, nil
}

// Last returns the time of the last request that is kept and not late; zero if there is none.
func (q *Query) Last() (time.Time, error) {
	var last sql.NullTime
	if err := q.db.QueryRow(`select max(ts) from request_rows where not late`).Scan(&last); err != nil {
		return time.Time{}, fmt.Errorf("read requests: %w", err)
	}
	return last.Time, nil
}
