package store

import (
	"database/sql"
	"fmt"
	"time"
)

// Version returns the schema version of the store at path, and leaves it as it is; 0 if it
// is a DuckDB file of somebody else.
func Version(path string) (int, error) {
	q, version, err := openQuery(path, nil)
	if err != nil {
		return 0, err
	}
	return version, q.Close()
}

// Unsent returns how many notices wait to be sent, and how many were given up.
func (q *Query) Unsent() (wait, gaveUp int, err error) {
	const query = `select count(*) filter (state = 'waiting'), count(*) filter (state = 'parked') from notifications`
	if err := q.db.QueryRow(query).Scan(&wait, &gaveUp); err != nil {
		return 0, 0, fmt.Errorf("notifications: %w", err)
	}
	return wait, gaveUp, nil
}

// Unfinished returns when a run began that has kept requests and has not judged them all;
// the zero time if there is none.
func (q *Query) Unfinished() (time.Time, error) {
	var at sql.NullTime
	if err := q.db.QueryRow(`select max(began) from unfinished`).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("unfinished: %w", err)
	}
	return at.Time, nil
}

// Stored returns when lines were last kept; the zero time if none ever were.
func (q *Query) Stored() (time.Time, error) {
	var at sql.NullTime
	if err := q.db.QueryRow(`select max(scanned_at) from sources`).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("sources: %w", err)
	}
	return at.Time, nil
}
