package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// Changes returns what people did to what detectors have learned, in the order of it. Every
// run meets it, at its time of the log.
func (s *Store) Changes() ([]detect.Change, error) { return changes(s.db) }

// Changes is Store.Changes for a store that is only read.
func (q *Query) Changes() ([]detect.Change, error) { return changes(q.db) }

func changes(db *sql.DB) ([]detect.Change, error) {
	rows, err := db.Query(`select document from baseline_changes order by seq`)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	defer rows.Close()
	var all []detect.Change
	for rows.Next() {
		var text string
		var c detect.Change
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// AddChanges keeps changes, whole or not at all, and tells the audit trail. Their times are not before Unjudged.
func (s *Store) AddChanges(all []detect.Change, entries ...Entry) error {
	if err := s.begin(); err != nil {
		return err
	}
	for _, c := range all {
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if err := s.exec(`insert into baseline_changes select coalesce(max(seq), 0) + 1, ?, ? from baseline_changes`, c.At, string(text)); err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
	}
	if err := s.Audit(entries...); err != nil {
		return err
	}
	return s.commit()
}

// Unjudged returns the first time after that of all requests that are kept and not late, and of all that
// the detectors' memory bears; the zero time where there are none.
func (s *Store) Unjudged() (time.Time, error) {
	watermark, _, err := s.Checkpoint()
	if err != nil {
		return time.Time{}, err
	}
	var last sql.NullTime
	if err := s.db.QueryRow(`select max(ts) from request_rows where not late`).Scan(&last); err != nil {
		return time.Time{}, err
	}
	if last.Valid && !last.Time.Before(watermark) {
		return last.Time.Add(time.Microsecond), nil
	}
	return watermark, nil
}

// Checkpoint is Store.Checkpoint for a store that is only read.
func (q *Query) Checkpoint() (watermark time.Time, settings string, err error) {
	return checkpoint(q.db)
}
