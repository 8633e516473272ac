package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// A Change is what somebody decides about alerts.
type Change struct {
	Status         string // what they become; report.Open opens them again
	By             string
	ResolutionType string // of report.Resolved and report.Dismissed
	Note           string
	User           string // who runs the tool, if By is not them
}

// Handled is an alert after a change.
type Handled struct {
	report.Alert
	Was     string // its status before
	Changed bool   // false: it was so already, and nothing is written
}

// ErrChange is wrapped by errors that say that alerts cannot become what they were to.
var ErrChange = errors.New("nothing was changed")

// mayBecome says from which statuses another may be reached.
var mayBecome = map[string][]string{
	report.Acknowledged: {report.Open},
	report.Resolved:     {report.Open, report.Acknowledged},
	report.Dismissed:    {report.Open, report.Acknowledged},
	report.Open:         {report.Acknowledged, report.Resolved, report.Dismissed},
}

// actions are what the audit trail calls becoming of a status.
var actions = map[string]string{
	report.Acknowledged: "alert.acknowledged",
	report.Resolved:     "alert.resolved",
	report.Dismissed:    "alert.dismissed",
	report.Open:         "alert.reopened",
}

const alertObject = "alert"

// state is what the audit trail says of an alert before and after.
type state struct {
	Status         string `json:"status"`
	ResolutionType string `json:"resolution_type,omitempty"`
}

// subject is what the audit trail says of an alert that is handled: it tells of it when it is
// found no more, and by how it was then one that is found again is opened again.
type subject struct {
	Type      string `json:"alert_type"`
	Rule      string `json:"rule"`
	Severity  string `json:"severity"`
	Title     string `json:"title"`
	ActorID   string `json:"actor_id,omitempty"`
	ActorType string `json:"actor_type,omitempty"`
	SourceIP  string `json:"source_ip,omitempty"`
	First     string `json:"first_ts"`
	Last      string `json:"last_ts"`
	Requests  int64  `json:"requests"`
}

func subjectOf(a *report.Alert) subject {
	at := func(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) } // as the store has it
	return subject{a.Type, a.Rule, a.Severity.String(), a.Title, a.ActorID, a.ActorType, a.SourceIP, at(a.First), at(a.Last), a.Count}
}

// Handle changes the alerts of the ids, or beginnings of ids that no other alert's has,
// all of them or none, and writes each change to the audit trail. The alerts are returned
// in the order of their first time.
func (s *Store) Handle(ids []string, c Change) (_ []Handled, err error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.rollback()
		}
	}()
	alerts, err := s.named(ids)
	if err != nil {
		return nil, err
	}
	var handled []Handled
	var refused []error
	for _, a := range alerts {
		h := Handled{Alert: a, Was: a.Status, Changed: a.Status != c.Status}
		if h.Changed && !slices.Contains(mayBecome[c.Status], a.Status) {
			refused = append(refused, fmt.Errorf("%s is %s", a.ID, a.Status))
		}
		handled = append(handled, h)
	}
	if len(refused) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrChange, some(refused))
	}
	now, err := s.now()
	if err != nil {
		return nil, err
	}
	var changes []change
	for i := range handled {
		if handled[i].Changed {
			changes = append(changes, change{&handled[i].Alert, c})
		}
	}
	if err := s.change(changes, now); err != nil {
		return nil, err
	}
	return handled, s.commit()
}

// some joins errors, but not more than a person reads.
func some(errs []error) error {
	const most = 10
	var lines []string
	for _, err := range errs[:min(len(errs), most)] {
		lines = append(lines, err.Error())
	}
	if n := len(errs) - most; n > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", n))
	}
	return errors.New(strings.Join(lines, "; "))
}

// named returns the alerts of the ids, each once, in order of their first time.
func (s *Store) named(ids []string) ([]report.Alert, error) {
	ctx := context.Background()
	found := map[string][]string{} // by what was given
	look := func(query string, given []string) error {
		rows, err := s.writer.QueryContext(ctx, query, given)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name, id string
			if err := rows.Scan(&name, &id); err != nil {
				return err
			}
			found[name] = append(found[name], id)
		}
		return rows.Err()
	}
	const given = ` from (select unnest(?::varchar[]) as name) g join alert_rows a on `
	if err := look(`select distinct g.name, a.id`+given+`a.id = g.name`, ids); err != nil {
		return nil, err
	}
	var rest, whole []string
	for _, id := range ids {
		if id == "" {
			return nil, fmt.Errorf("%w: an id is empty", ErrChange)
		}
		if found[id] == nil {
			rest = append(rest, id)
		}
	}
	if len(rest) > 0 {
		if err := look(`select distinct g.name, a.id`+given+`starts_with(a.id, g.name) order by 1, 2`, rest); err != nil {
			return nil, err
		}
	}
	var unknown []error
	for _, id := range ids {
		switch n := len(found[id]); {
		case n == 0:
			unknown = append(unknown, s.unknown(id))
		case n > 1:
			unknown = append(unknown, fmt.Errorf("%d alerts begin with %q", n, id))
		default:
			whole = append(whole, found[id][0])
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrChange, some(unknown))
	}
	return readAlerts(s.writer, "id in (select unnest(?::varchar[]))", whole)
}

// unknown says why there is no alert of that name.
func (s *Store) unknown(id string) error {
	var status string
	err := s.writer.QueryRowContext(context.Background(), `select status from alert_handling where starts_with(alert_id, ?) order by alert_id`, id).Scan(&status)
	if err == nil {
		return fmt.Errorf("alert %q is found no more; it was %s", id, status)
	}
	return fmt.Errorf("no alert %q", id)
}

// AlertsOf returns the ids of the incident's alerts that are not over. The beginning of
// its id will do where no other incident's id begins so.
func (s *Store) AlertsOf(incident string) ([]string, error) {
	var ids, alerts []string
	rd := &reading{db: s.db}
	err := rd.each(`select id from incident_rows where merged_into is null and starts_with(id, ?) order by id`, func(rows *sql.Rows) error {
		var id string
		defer func() { ids = append(ids, id) }()
		return rows.Scan(&id)
	}, incident)
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0:
		return nil, fmt.Errorf("%w: no incident %q", ErrChange, incident)
	case len(ids) > 1:
		return nil, fmt.Errorf("%w: %d incidents begin with %q", ErrChange, len(ids), incident)
	}
	err = rd.each(`select id from alerts where incident_id = ? and status not in (?, ?) order by first_ts, id`, func(rows *sql.Rows) error {
		var id string
		defer func() { alerts = append(alerts, id) }()
		return rows.Scan(&id)
	}, ids[0], report.Resolved, report.Dismissed)
	return alerts, err
}

// change is a Change of one alert.
type change struct {
	alert *report.Alert
	Change
}

// change makes the changes and writes them to the audit trail.
func (s *Store) change(changes []change, now time.Time) error {
	var ids []string
	var entries []Entry
	for _, c := range changes {
		e, err := c.entry()
		if err != nil {
			return err
		}
		entries = append(entries, e)
		ids = append(ids, c.alert.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	if err := s.exec(`delete from alert_handling where alert_id in (select unnest(?::varchar[]))`, ids); err != nil {
		return err
	}
	for _, c := range changes {
		a := c.alert
		a.Status, a.Note, a.UpdatedAt = c.Status, c.Note, now
		a.ResolvedAt, a.ResolvedBy, a.ResolutionType = time.Time{}, "", ""
		if report.Over(c.Status) {
			a.ResolvedAt, a.ResolvedBy, a.ResolutionType = now, c.By, c.ResolutionType
		}
		err := s.append("alert_handling", a.ID, a.Status, now, c.By, moment(a.ResolvedAt), nullable(a.ResolvedBy), nullable(a.ResolutionType),
			nullable(a.Note), a.Type, a.Rule, a.Severity.String(), a.Title, nullable(a.ActorID), nullable(a.ActorType), nullable(a.SourceIP),
			a.First, a.Last, a.Count)
		if err != nil {
			return err
		}
	}
	if err := s.writeRows(); err != nil {
		return err
	}
	return s.Audit(entries...)
}

// entry is what the audit trail says of the change, before it is made.
func (c change) entry() (Entry, error) {
	before, err := json.Marshal(state{c.alert.Status, c.alert.ResolutionType})
	if err != nil {
		return Entry{}, err
	}
	now := struct {
		state
		User  string  `json:"user,omitempty"`
		Alert subject `json:"alert"`
	}{state{Status: c.Status}, c.User, subjectOf(c.alert)}
	if report.Over(c.Status) {
		now.ResolutionType = c.ResolutionType
	}
	after, err := json.Marshal(now)
	return Entry{Who: c.By, Action: actions[c.Status], ObjectType: alertObject, ObjectID: c.alert.ID, Before: before, After: after, Note: c.Note}, err
}

// reopen opens again the alerts that are more than what they were when they were closed,
// and returns how many. A resolved one has more requests or later ones, or is more
// severe; a dismissed one, which was no attack, is more severe. It is part of the last
// transaction of a run.
func (s *Store) reopen() (int, error) {
	closed := map[string]closing{}
	rows, err := s.writer.QueryContext(context.Background(), `select alert_id, severity, last_ts, count from alert_handling where status in (?, ?)`,
		report.Resolved, report.Dismissed)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id, severity string
		var c closing
		if err := rows.Scan(&id, &severity, &c.last, &c.count); err != nil {
			return 0, err
		}
		if c.severity, err = detect.ParseSeverity(severity); err != nil {
			return 0, err
		}
		closed[id] = c
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return 0, err
	}
	alerts, err := readAlerts(s.writer, "suppressed_by is null and id in (select unnest(?::varchar[]))", ids)
	if err != nil {
		return 0, err
	}
	now, err := s.now()
	if err != nil {
		return 0, err
	}
	var changes []change
	for i := range alerts {
		if why := closed[alerts[i].ID].outgrown(&alerts[i]); why != "" {
			changes = append(changes, change{&alerts[i], Change{Status: report.Open, By: Self, Note: "reopened: " + why}})
		}
	}
	return len(changes), s.change(changes, now)
}

// closing is what an alert was when it was closed.
type closing struct {
	severity detect.Severity
	last     time.Time
	count    int64
}

// outgrown says in which way the alert is more than what was closed; "" if in none.
func (c closing) outgrown(a *report.Alert) string {
	was := fmt.Sprintf("; %s had %s it", a.ResolvedBy, a.Status)
	if a.ResolutionType != "" {
		was += " as " + a.ResolutionType
	}
	switch {
	case a.Severity > c.severity:
		return fmt.Sprintf("it is %s now and was %s", a.Severity, c.severity) + was
	case a.Status == report.Dismissed:
		return ""
	case a.Last.After(c.last):
		return "it went on until " + a.Last.UTC().Format(time.DateTime) + " UTC" + was
	case a.Count > c.count:
		return fmt.Sprintf("it is %d requests now and was %d", a.Count, c.count) + was
	}
	return ""
}

// Gone returns the alerts that were handled and are found no more, by first time, then
// id, as they were when they were handled last.
func (q *Query) Gone() ([]report.Alert, error) {
	var alerts []report.Alert
	err := q.handled(`where alert_id not in (select id from alert_rows) order by first_ts, alert_id`, func(h *handling) {
		alerts = append(alerts, h.Alert)
	})
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	return alerts, nil
}

// A handling is an alert as it was when it was handled last, and by whom.
type handling struct {
	report.Alert
	By string
}

// handled calls f with what alert_handling holds.
func (q *Query) handled(where string, f func(*handling)) error {
	return q.rows(`select alert_id, alert_type, rule, severity, title, coalesce(actor_id, ''), coalesce(actor_type, ''), coalesce(source_ip, ''),
		first_ts, last_ts, count, status, changed_at, changed_by, resolved_at, coalesce(resolved_by, ''), coalesce(resolution_type, ''),
		coalesce(note, '') from alert_handling `+where, func(rows *sql.Rows) error {
		var h handling
		var severity string
		var resolved sql.NullTime
		err := rows.Scan(&h.ID, &h.Type, &h.Rule, &severity, &h.Title, &h.ActorID, &h.ActorType, &h.SourceIP, &h.First, &h.Last, &h.Count,
			&h.Status, &h.UpdatedAt, &h.By, &resolved, &h.ResolvedBy, &h.ResolutionType, &h.Note)
		if err != nil {
			return err
		}
		h.CreatedAt, h.ResolvedAt = h.First, resolved.Time
		if h.Severity, err = detect.ParseSeverity(severity); err != nil {
			return err
		}
		f(&h)
		return nil
	})
}
