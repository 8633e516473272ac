package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// Span bounds what a report shows: incidents, alerts and events that were going on
// at some time in it. A zero time is no bound.
type Span struct{ Since, Until time.Time }

// Report reads what the store holds. Run is left to the caller, but for the places of
// the evidence.
func (s *Store) Report(span Span) (*report.Report, error) {
	// Nothing else is done meanwhile, and what was remembered for that is not needed again.
	if err := s.exec(fmt.Sprintf("set %s; set memory_limit='%dKiB'", allThreads(), 2*s.memory>>10)); err != nil {
		return nil, err
	}
	return readReport(s.db, span)
}

func readReport(db *sql.DB, span Span) (*report.Report, error) {
	rd := &reading{db: db, span: span, r: &report.Report{Schema: report.SchemaVersion}}
	parts := []struct {
		name string
		read func() error
	}{
		{"sources", rd.log},
		{"callers", rd.callers},
		{"calls", rd.calls},
		{"rejects", rd.rejects},
		{"events", rd.events},
		{"alerts", rd.alerts},
		{"incidents", rd.incidents},
	}
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() {
			if err := part.read(); err != nil {
				errs[i] = fmt.Errorf("read %s: %w", part.name, err)
			}
		})
	}
	all.Wait()
	if err := cmp.Or(errs...); err != nil {
		return nil, err
	}
	rd.r.Complete()
	return rd.r, nil
}

// Incidents returns when each incident was last active, by id.
func (s *Store) Incidents() (map[string]time.Time, error) {
	last := map[string]time.Time{}
	err := each(s.db, `select id, last_ts from incidents where merged_into is null`, func(rows *sql.Rows) error {
		var id string
		var at time.Time
		err := rows.Scan(&id, &at)
		last[id] = at
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	return last, nil
}

// reading is a report while it is being read.
type reading struct {
	db   *sql.DB
	span Span
	r    *report.Report
}

// each calls f with each row of a query.
func (rd *reading) each(query string, f func(*sql.Rows) error, args ...any) error {
	return each(rd.db, query, f, args...)
}

// A querier is a database or a connection to it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls f with each row of a query.
func each(q querier, query string, f func(*sql.Rows) error, args ...any) error {
	rows, err := q.QueryContext(context.Background(), query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (rd *reading) log() error {
	l := &rd.r.Log
	err := rd.db.QueryRow(`select coalesce(sum(lines), 0)::bigint, coalesce(sum(parsed), 0)::bigint, coalesce(sum(rejected), 0)::bigint,
		coalesce(sum(skipped), 0)::bigint, coalesce(sum(late), 0)::bigint, coalesce(sum(cut), 0)::bigint from sources`).
		Scan(&l.Lines, &l.Parsed, &l.Rejected, &l.Skipped, &l.Late, &l.Cut)
	if err != nil {
		return err
	}
	l.Formats, err = rd.counts(`select format, sum(lines)::bigint from sources group by 1 order by 2 desc, 1`)
	return err
}

func (rd *reading) counts(query string, args ...any) ([]report.Count, error) {
	var counts []report.Count
	err := rd.each(query, func(rows *sql.Rows) error {
		var c report.Count
		defer func() { counts = append(counts, c) }()
		return rows.Scan(&c.Name, &c.Count)
	}, args...)
	return counts, err
}

// topMax is how many clients and routes a report names.
const topMax = 10

// callers reads who the requests came from.
func (rd *reading) callers() error {
	l := &rd.r.Log
	var top duckdb.Composite[[]report.Count]
	// What is distinct in a table of its own goes to disk where there is more of it than memory.
	err := rd.db.QueryRow(`with used as materialized (select client_ip, coalesce(api_key, user_id, token, session) as name, n
			from (select caller, count(*) as n from request_rows where caller > 0 group by 1) q join callers c on q.caller = c.id),
		top as (select client_ip, sum(n)::bigint as n from used where client_ip is not null group by 1 order by 2 desc, 1 limit ?)
		select (select count(*) from (select distinct client_ip from used where client_ip is not null)),
			(select count(*) from (select distinct name, case when name is null then client_ip end from used)),
			(select list({'name': client_ip, 'count': n} order by n desc, client_ip) from top)`, topMax).Scan(&l.Clients, &l.Actors, &top)
	l.TopClients = top.Get()
	return err
}

// activitySteps is about how many columns the activity of a log is shown in.
const activitySteps = 60

// roundSteps are lengths of time, in seconds, that people read easily.
var roundSteps = [...]int64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
	2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400}

// calls reads what was asked for, when, and how it was answered.
func (rd *reading) calls() error {
	l := &rd.r.Log
	var first, last sql.NullTime
	if err := rd.db.QueryRow(`select min(ts), max(ts) from request_rows where not late`).Scan(&first, &last); err != nil || !first.Valid {
		return err
	}
	l.First, l.Last = first.Time, last.Time
	span := int64(l.Last.Sub(l.First)/time.Second) + 1
	i := slices.IndexFunc(roundSteps[:], func(s int64) bool { return span/s < activitySteps })
	step := span/activitySteps + 1
	if i >= 0 {
		step = roundSteps[i]
	}
	start := l.First.Unix() / step * step
	var statuses, top duckdb.Composite[[]report.Count]
	var steps duckdb.Composite[[]struct{ At, Total, Bad int64 }]
	err := rd.db.QueryRow(`with used as materialized (select status, route, step, n
			from (select call, (epoch_us(ts) - ?) // ? as step, count(*) as n from request_rows group by all) q join calls w on q.call = w.id),
		statuses as (select case when status between 100 and 599 then (status // 100) || 'xx' else 'none' end as status, sum(n)::bigint as n
			from used group by 1),
		top as (select route, sum(n)::bigint as n from used where route is not null group by 1 order by 2 desc, 1 limit ?),
		steps as (select step, sum(n)::bigint as total, coalesce(sum(n) filter (status >= 400), 0)::bigint as bad from used group by 1)
		select (select count(distinct route) from used),
			(select list({'name': status, 'count': n} order by status) from statuses),
			(select list({'name': route, 'count': n} order by n desc, route) from top),
			(select list({'at': step, 'total': total, 'bad': bad}) from steps)`, start*1e6, step*1e6, topMax).Scan(&l.Routes, &statuses, &top, &steps)
	if err != nil {
		return err
	}
	l.Statuses, l.TopRoutes = statuses.Get(), top.Get()
	n := (l.Last.Unix()-start)/step + 1
	l.Activity = report.Activity{Start: time.Unix(start, 0).UTC(), Step: step, Total: make([]int64, n), Bad: make([]int64, n)}
	for _, s := range steps.Get() {
		if s.At < 0 || s.At >= n {
			continue // too far behind or ahead of the log
		}
		l.Activity.Total[s.At] += s.Total
		l.Activity.Bad[s.At] += s.Bad
	}
	return nil
}

func (rd *reading) rejects() error {
	return rd.each(`select reason, count(*), min(sample) from rejects group by 1 order by 2 desc, 1`, func(rows *sql.Rows) error {
		var r report.Reject
		defer func() { rd.r.Log.Rejects = append(rd.r.Log.Rejects, r) }()
		return rows.Scan(&r.Reason, &r.Count, &r.Sample)
	})
}

// during is a condition that holds for what was going on in the span.
func (rd *reading) during() string {
	cond := []string{"true"}
	if !rd.span.Since.IsZero() {
		cond = append(cond, fmt.Sprintf("last_ts >= make_timestamp(%d)", rd.span.Since.UnixMicro()))
	}
	if !rd.span.Until.IsZero() {
		cond = append(cond, fmt.Sprintf("first_ts < make_timestamp(%d)", rd.span.Until.UnixMicro()))
	}
	return strings.Join(cond, " and ")
}

func (rd *reading) events() error {
	rd.r.Run.Evidence = map[string][]report.Place{}
	paths := map[int32]string{}
	err := rd.each(`select source_id, path from sources`, func(rows *sql.Rows) error {
		var id int32
		var path string
		err := rows.Scan(&id, &path)
		paths[id] = path
		return err
	})
	if err != nil {
		return err
	}
	return rd.each(`select id, event_name, coalesce(standard_event, ''), severity, api_severity, detector, coalesce(actor_id, ''), coalesce(actor_type, ''),
		coalesce(user_ip, ''), coalesce(route, ''), first_ts, last_ts, count, summary, confidence, outcome, coalesce(metadata::varchar, '{}'), evidence,
		coalesce(technique, ''), coalesce(owasp, '') from events where `+rd.during()+` order by first_ts, id`, func(rows *sql.Rows) error {
		var e report.Event
		var severity, metadata string
		var evidence duckdb.Composite[[]struct {
			Source int32 `mapstructure:"source"`
			Line   int64 `mapstructure:"line"`
		}]
		err := rows.Scan(&e.ID, &e.Name, &e.StandardEvent, &severity, &e.APISeverity, &e.Detector, &e.ActorID, &e.ActorType, &e.UserIP,
			&e.Route, &e.First, &e.Last, &e.Count, &e.Summary, &e.Confidence, &e.Outcome, &metadata, &evidence, &e.Technique, &e.OWASP)
		if err != nil {
			return err
		}
		if e.Severity, err = detect.ParseSeverity(severity); err != nil {
			return err
		}
		e.Metadata = json.RawMessage(metadata)
		for _, line := range evidence.Get() {
			rd.r.Run.Evidence[e.ID] = append(rd.r.Run.Evidence[e.ID], report.Place{File: paths[line.Source], Line: line.Line})
		}
		rd.r.Events = append(rd.r.Events, e)
		return nil
	})
}

func (rd *reading) alerts() (err error) {
	rd.r.Alerts, err = readAlerts(rd.db, "suppressed_by is null and "+rd.during())
	return err
}

// readAlerts returns the alerts for which the condition holds, by first time, then id.
func readAlerts(q querier, condition string, args ...any) ([]report.Alert, error) {
	var alerts []report.Alert
	err := each(q, `select id, alert_type, rule, severity, title, description, coalesce(actor_id, ''), coalesce(actor_type, ''), coalesce(source_ip, ''),
		first_ts, last_ts, count, events, outcome, coalesce(metadata::varchar, '{}'), status, coalesce(incident_id, ''), created_at, updated_at,
		resolved_at, coalesce(resolved_by, ''), coalesce(resolution_type, ''), coalesce(note, ''),
		actions, coalesce(suppressed_by, '')
		from alerts where `+condition+` order by first_ts, id`, func(rows *sql.Rows) error {
		var a report.Alert
		var severity, metadata string
		var resolved sql.NullTime
		var events duckdb.Composite[[]string]
		var actions duckdb.Composite[[]detect.Action]
		err := rows.Scan(&a.ID, &a.Type, &a.Rule, &severity, &a.Title, &a.Description, &a.ActorID, &a.ActorType, &a.SourceIP,
			&a.First, &a.Last, &a.Count, &events, &a.Outcome, &metadata, &a.Status, &a.IncidentID, &a.CreatedAt, &a.UpdatedAt,
			&resolved, &a.ResolvedBy, &a.ResolutionType, &a.Note, &actions, &a.SuppressedBy)
		if err != nil {
			return err
		}
		if a.Severity, err = detect.ParseSeverity(severity); err != nil {
			return err
		}
		if proposed := actions.Get(); len(proposed) > 0 {
			a.Actions = proposed
		}
		a.Events, a.Metadata, a.ResolvedAt = events.Get(), json.RawMessage(metadata), resolved.Time
		alerts = append(alerts, a)
		return nil
	}, args...)
	return alerts, err
}

func (rd *reading) incidents() error {
	err := rd.each(`select id, title, severity, status, risk_score, reasons, first_ts, last_ts, actors, ips, alerts, outcome, summary
		from incidents where merged_into is null and `+rd.during(), func(rows *sql.Rows) error {
		var i report.Incident
		var severity string
		var reasons, actors, ips, alerts duckdb.Composite[[]string]
		err := rows.Scan(&i.ID, &i.Title, &severity, &i.Status, &i.RiskScore, &reasons, &i.First, &i.Last, &actors, &ips, &alerts, &i.Outcome, &i.Summary)
		if err != nil {
			return err
		}
		if i.Severity, err = detect.ParseSeverity(severity); err != nil {
			return err
		}
		i.Reasons, i.Actors, i.IPs, i.Alerts = reasons.Get(), actors.Get(), ips.Get(), alerts.Get()
		rd.r.Incidents = append(rd.r.Incidents, i)
		return nil
	})
	if err != nil {
		return err
	}
	return rd.addresses()
}

// addresses adds to the incidents where their addresses are.
func (rd *reading) addresses() error {
	known, err := rd.origins(`select unnest(ips) from incidents`)
	if err != nil {
		return err
	}
	for n := range rd.r.Incidents {
		in := &rd.r.Incidents[n]
		for _, ip := range in.IPs {
			if a, ok := known[ip]; ok {
				in.Addresses = append(in.Addresses, a)
			}
		}
	}
	return nil
}

// origins returns what is known of where those addresses are that the query selects.
func (rd *reading) origins(ips string) (map[string]report.Address, error) {
	known := map[string]report.Address{}
	err := rd.each(`select ip, coalesce(country_code, ''), coalesce(asn, 0), coalesce(as_org, ''), coalesce(is_tor, false), coalesce(is_vpn, false),
			coalesce(is_proxy, false), coalesce(is_datacenter, false)
		from origins where ip in (`+ips+`)`, func(rows *sql.Rows) error {
		var a report.Address
		var traits [4]bool
		if err := rows.Scan(&a.IP, &a.Country, &a.ASN, &a.Org, &traits[0], &traits[1], &traits[2], &traits[3]); err != nil {
			return err
		}
		for i, name := range [...]string{"Tor", "VPN", "proxy", "datacenter"} {
			if traits[i] {
				a.Traits = append(a.Traits, name)
			}
		}
		if a.Country != "" || a.ASN != 0 || len(a.Traits) > 0 {
			known[a.IP] = a
		}
		return nil
	})
	return known, err
}
