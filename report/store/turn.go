package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Who writes for long shares the file with others by turns: Reopen, one transaction,
// Close.

// Reopen opens a store that was closed. Of what repeats it knows what it knew, unless
// another process has added to that meanwhile. ErrBusy says that another process has it
// open.
func (s *Store) Reopen() error {
	clear(s.moved)
	s.rows = 0
	if _, err := os.Stat(s.path); err != nil {
		return explain(s.path, err) // it was taken away: a new one would know of nothing
	}
	if err := s.reconnect(); err != nil {
		s.Close()
		return explain(s.path, err)
	}
	return nil
}

func (s *Store) reconnect() error {
	if err := s.connect(); err != nil {
		return err
	}
	for _, d := range s.dims.all() {
		var next uint32
		if err := s.db.QueryRow("select coalesce(max(id), 0) + 1 from " + d.table).Scan(&next); err != nil {
			return err
		}
		if next != d.next {
			s.dims.loaded = false
		}
	}
	return nil
}

// Mark names what runs have written so far: whoever finds another mark than it left was
// not the last.
func (s *Store) Mark() (string, error) {
	var mark string
	err := s.db.QueryRow(`select concat_ws(' ', count(*), sum(lines), max(scanned_at), (select max(watermark) from checkpoint),
		(select max(settings) from checkpoint), (select count(*) from baseline_changes)) from sources`).Scan(&mark)
	if err != nil {
		return "", fmt.Errorf("sources: %w", err)
	}
	return mark, nil
}

// Told returns the severities of the alerts that went on at or after a time, by id.
func (s *Store) Told(since time.Time) (map[string]string, error) {
	rows, err := s.db.Query(`select id, severity from alert_rows where last_ts >= ?`, since)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	defer rows.Close()
	told := map[string]string{}
	for rows.Next() {
		var id, severity string
		if err := rows.Scan(&id, &severity); err != nil {
			return nil, fmt.Errorf("alerts: %w", err)
		}
		told[id] = severity
	}
	return told, rows.Err()
}

// Expire removes the requests and rejects that are older than a time. How far the logs
// were read, what was found and what the detectors remember stays. It tells how many
// requests it removed.
func (s *Store) Expire(before time.Time) (removed int64, err error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	r, err := s.writer.ExecContext(context.Background(), `delete from request_rows where ts < ?`, before)
	if err != nil {
		return 0, fmt.Errorf("expire requests: %w", err)
	}
	if removed, err = r.RowsAffected(); err != nil || removed == 0 {
		return 0, errors.Join(err, s.commit())
	}
	if err := s.exec(`delete from rejects where source_id in (select source_id from sources where last_ts < ?)`, before); err != nil {
		return 0, fmt.Errorf("expire: %w", err)
	}
	if err := s.exec(`delete from retention where expired < ?`, before); err != nil {
		return 0, fmt.Errorf("expire: %w", err)
	}
	if err := s.exec(`insert into retention values (?)`, before); err != nil {
		return 0, fmt.Errorf("expire: %w", err)
	}
	return removed, s.commit()
}

// Expired returns the time before which requests were removed; the zero time if none
// were.
func (s *Store) Expired() (time.Time, error) {
	var at *time.Time
	err := s.db.QueryRow(`select max(expired) from retention`).Scan(&at)
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return *at, nil
}

// OldestShare returns the time before which the given share of the requests lies.
func (s *Store) OldestShare(share float64) (time.Time, error) {
	var at *time.Time
	err := s.db.QueryRow(`select to_timestamp(quantile_cont(epoch(ts), least(greatest(?, 0.0), 1.0)))::timestamp from request_rows`, share).Scan(&at)
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return *at, nil
}

// A Size is how much of the file there is, in bytes.
type Size struct{ File, Used int64 }

// Size tells how large the file is and how much of it is in use.
func (s *Store) Size() (Size, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return Size{}, err
	}
	var block, used int64
	if err := s.db.QueryRow(`select block_size, used_blocks from pragma_database_size()`).Scan(&block, &used); err != nil {
		return Size{}, err
	}
	return Size{info.Size(), block * used}, nil
}

// Compact writes the store anew without the room that removed rows have left, beside the
// old one, which it then replaces, and without texts that no request refers to any more.
// The store is closed afterwards. The new one takes its place while this process still holds
// the old: nobody can write in between what would be lost with that.
func (s *Store) Compact() (err error) {
	real, err := filepath.EvalSymlinks(s.path)
	if err != nil {
		return err
	}
	beside := real + ".compact"
	if err := errors.Join(removed(beside), removed(beside+".wal")); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("compact: %w", err), s.Close(), removed(beside), removed(beside+".wal"))
		}
	}()
	for _, d := range s.dims.all() {
		column := map[string]string{"callers": "caller", "calls": "call", "targets": "target", "referers": "referer"}[d.table]
		query := fmt.Sprintf(`delete from %s where id > 0 and id not in (select distinct %s from request_rows)`, d.table, column)
		if err := s.exec(query); err != nil {
			return err
		}
	}
	s.dims.loaded = false
	var name string
	if err := s.db.QueryRow(`select current_database()`).Scan(&name); err != nil {
		return err
	}
	for _, query := range []string{
		"attach " + quote(beside) + " as compacted",
		`copy from database "` + strings.ReplaceAll(name, `"`, `""`) + `" to compacted`,
		"detach compacted",
		"checkpoint",                            // what the write-ahead log of the old one holds would be played into the new one
		"pragma disable_checkpoint_on_shutdown", // by then the log there is that of who has the new one
	} {
		if err := s.exec(query); err != nil {
			return err
		}
	}
	if info, err := os.Stat(real + ".wal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("%s.wal: not empty after a checkpoint", real)
	}
	return errors.Join(os.Rename(beside, real), s.Close())
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
