package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
)

// Results are what a run has found. Of each id it holds the last that was said.
type Results struct {
	Events    map[string]*Found[detect.Event]
	Alerts    map[string]*Found[detect.Alert]
	Incidents map[string]*Found[detect.Incident]
	Members   map[string]string // the incident that each alert joined
	Reopened  int               // alerts that Finish has opened again
	ending    bool
}

// Found is a result and whether it still goes on: it was said because the log ended
// for now, and the next run will say it anew.
type Found[T any] struct {
	Value       T
	Provisional bool
}

// NewResults returns results that hold nothing.
func NewResults() *Results {
	return &Results{
		Events:    map[string]*Found[detect.Event]{},
		Alerts:    map[string]*Found[detect.Alert]{},
		Incidents: map[string]*Found[detect.Incident]{},
		Members:   map[string]string{},
	}
}

// Sink takes what a pipeline finds.
func (r *Results) Sink() detect.Sink {
	return detect.Sink{
		Event: func(e detect.Event) { r.Events[e.ID] = &Found[detect.Event]{e, r.ending} },
		Alert: func(a detect.Alert) { r.Alerts[a.ID] = &Found[detect.Alert]{a, r.ending} },
		Incident: func(i detect.Incident) {
			r.Incidents[i.ID] = &Found[detect.Incident]{i, r.ending}
			if i.Joined != "" {
				r.Members[i.Joined] = i.ID
			}
		},
	}
}

// Ending tells that what follows is found only because the log ends for now.
func (r *Results) Ending() { r.ending = true }

// Forget drops the checkpoint and with it the claim that anything was judged: the
// next run, if this one does not finish, begins anew. It is part of the first
// transaction.
func (s *Store) Forget() error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.exec(`delete from checkpoint`); err != nil {
		return err
	}
	return s.exec(`delete from checkpoint_states`)
}

// Unfinished notes that requests are kept from now on that are not judged yet, until Finish.
// It is part of the first transaction. It tells whether an earlier run had not ended.
func (s *Store) Unfinished(began time.Time) (earlier bool, err error) {
	if err := s.db.QueryRow(`select count(*) > 0 from unfinished`).Scan(&earlier); err != nil {
		return false, err
	}
	if err := s.begin(); err != nil {
		return false, err
	}
	return earlier, errors.Join(s.exec(`delete from unfinished`), s.exec(`insert into unfinished values (?)`, began))
}

// BeginResults starts the last part of the last transaction of a run. It takes away what
// earlier runs found and this one says anew: what still went on when they ended, or all of
// it if all has been judged anew.
func (s *Store) BeginResults(watermark time.Time, settings string, anew bool) error {
	if err := s.write(); err != nil {
		return err
	}
	if err := s.Forget(); err != nil {
		return err
	}
	which := " where provisional"
	if anew { // but what was found in requests that are no more cannot be found again
		which = " where provisional or last_ts >= (select coalesce(max(expired), timestamp '-infinity') from retention)"
	}
	if err := s.takeAway(which); err != nil {
		return err
	}
	return s.exec(`insert into checkpoint values (?, ?)`, watermark, settings)
}

// Retract takes away what was found since the checkpoint, in the running transaction:
// what was judged since is judged again.
func (s *Store) Retract() error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.takeAway(" where provisional")
}

// MoreResults tells, in the running transaction, that what Finish is given comes beside
// what was found since the checkpoint.
func (s *Store) MoreResults() error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.rememberAlerts()
}

func (s *Store) takeAway(which string) error {
	if err := errors.Join(s.rememberAlerts(), s.rememberTaken(which)); err != nil {
		return err
	}
	for _, table := range []string{"events", "alert_rows", "incident_rows"} {
		if err := s.exec("delete from " + table + which); err != nil {
			return err
		}
	}
	return nil
}

// SetRoutes gives each request that is kept the route of its shape, in the last
// transaction of a run. It does nothing where no shape has another route than itself,
// now or before.
func (s *Store) SetRoutes(l *parsers.RouteLearner) error {
	if err := s.begin(); err != nil {
		return err
	}
	if !l.Learned() {
		return s.exec(`update calls set route = shape where route <> shape`)
	}
	rows, err := s.writer.QueryContext(context.Background(), `select distinct shape, route from calls where shape is not null`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var shapes, routes []string
	for rows.Next() {
		var shape, route string
		if err := rows.Scan(&shape, &route); err != nil {
			return err
		}
		if now := l.Route(shape); now != route {
			shapes, routes = append(shapes, shape), append(routes, now)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	const most = 10000
	for len(shapes) > 0 {
		n := min(len(shapes), most)
		err := s.exec(`update calls set route = t.route from (select unnest(?::varchar[]) as shape, unnest(?::varchar[]) as route) t
			where calls.shape = t.shape`, shapes[:n], routes[:n])
		if err != nil {
			return err
		}
		shapes, routes = shapes[n:], routes[n:]
	}
	return nil
}

// Finish keeps the results and commits the run.
func (s *Store) Finish(r *Results) (err error) {
	if err := replace(s, "events", r.Events, s.addEvent); err != nil {
		return err
	}
	if err := replace(s, "alert_rows", r.Alerts, s.addAlert); err != nil {
		return err
	}
	if err := replace(s, "incident_rows", r.Incidents, s.addIncident); err != nil {
		return err
	}
	if err := s.write(); err != nil {
		return err
	}
	if err := s.linkAlerts(r.Members); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	if r.Reopened, err = s.reopen(); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	if err := s.queueChanges(r); err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	if err := s.exec(`delete from unfinished`); err != nil {
		return err
	}
	return s.commitToFile()
}

// commitToFile is commit for the end of a run. What is committed goes into the file at once;
// else it goes into the log beside it first, and on Close into the file. DuckDB does so with
// what is larger than its threshold.
func (s *Store) commitToFile() error {
	if err := s.exec(`set checkpoint_threshold = '0b'`); err != nil {
		return err
	}
	return s.commit()
}

// linkAlerts gives each alert the incident that it joined, or the one that took that over since.
func (s *Store) linkAlerts(members map[string]string) error {
	for alerts := range slices.Chunk(slices.Sorted(maps.Keys(members)), 10000) {
		incidents := make([]string, len(alerts))
		for i, alert := range alerts {
			incidents[i] = members[alert]
		}
		err := s.exec(`update alert_rows a set incident_id = t.incident
			from (select unnest(?::varchar[]) as alert, unnest(?::varchar[]) as incident) t where a.id = t.alert`, alerts, incidents)
		if err != nil {
			return err
		}
	}
	return s.exec(`update alert_rows a set incident_id = t.stands from (
		with recursive taken(id, stands) as (
			select id, merged_into from incident_rows where merged_into is not null
			union
			select t.id, i.merged_into from taken t join incident_rows i on t.stands = i.id where i.merged_into is not null)
		select t.id, t.stands from taken t join incident_rows i on t.stands = i.id where i.merged_into is null) t where a.incident_id = t.id`)
}

// replace puts the found into the table in the place of what bears the same ids.
func replace[T any](s *Store, table string, found map[string]*Found[T], add func(T, bool) error) error {
	ids := make([]string, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for chunk := range slices.Chunk(ids, 10000) {
		if err := s.exec(fmt.Sprintf("delete from %s where id in (select unnest(?::varchar[]))", table), chunk); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	for _, id := range ids {
		if err := add(found[id].Value, found[id].Provisional); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) addEvent(e detect.Event, provisional bool) error {
	t, _ := detect.EventTypeOf(e.Name)
	evidence := make([]any, 0, len(e.Evidence))
	for _, line := range e.Evidence {
		evidence = append(evidence, map[string]any{"source": int32(line.Source), "line": line.Line})
	}
	return s.append("events", e.ID, e.Name, nullable(t.StandardEvent), e.Severity.String(), e.Severity.API(true), e.Detector,
		nullable(e.ActorID), nullable(e.ActorType), nullable(e.UserIP), nullable(e.Route), e.First, e.Last, e.Count,
		e.Summary, e.Confidence, string(e.Outcome), document(e.Metadata), evidence, nullable(e.Technique), nullable(e.OWASP), provisional)
}

func (s *Store) addAlert(a detect.Alert, provisional bool) error {
	return s.append("alert_rows", a.ID, a.Type, a.Rule, a.Severity.String(), a.Title, a.Description,
		nullable(a.ActorID), nullable(a.ActorType), nullable(a.SourceIP), a.First, a.Last, a.Count, list(a.Events), nil,
		string(a.Outcome), document(a.Metadata), provisional, list(a.Actions), nullable(a.SuppressedBy))
}

func (s *Store) addIncident(i detect.Incident, provisional bool) error {
	return s.append("incident_rows", i.ID, i.Title, i.Severity.String(), int32(i.RiskScore), list(i.Reasons), i.First, i.Last,
		list(i.Actors), list(i.IPs), list(i.Alerts), string(i.Outcome), i.Summary, nullable(i.MergedInto), provisional)
}

// document returns the JSON as the appender takes it: a value, which it writes out.
func document(text json.RawMessage) any {
	if len(text) == 0 {
		return nil
	}
	return text
}

// list returns the texts as DuckDB wants a list.
func list[T ~string](texts []T) []any {
	values := make([]any, len(texts))
	for i, t := range texts {
		values[i] = string(t)
	}
	return values
}
