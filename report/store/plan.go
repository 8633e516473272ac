package store

import (
	"database/sql"
	"fmt"

	"github.com/litesoc/litesoc/report"
)

// Traces reads what the requests tell of the alerts, for a plan.
func (q *Query) Traces(f *report.PlanFacts) (report.PlanTraces, error) {
	t := report.PlanTraces{
		Guessed: map[string][]string{}, Homes: map[string][]string{},
		Held: map[string][]report.Credential{}, Prefixes: map[string]string{},
	}
	rd := &reading{db: q.db}
	for _, part := range []struct {
		name string
		read func(*report.PlanFacts, *report.PlanTraces) error
	}{
		{"guessed accounts", rd.guessed},
		{"homes of accounts", rd.homes},
		{"credentials", rd.held},
		{"key prefixes", rd.prefixes},
	} {
		if err := part.read(f, &t); err != nil {
			return t, fmt.Errorf("read %s: %w", part.name, err)
		}
	}
	return t, nil
}

// spans are alerts with a name each, an address or a user, as lists that a query unnests.
type spans struct{ ids, names, users, first, last []string }

func (s *spans) add(a *report.Alert, name string) {
	const layout = "2006-01-02 15:04:05.999999"
	s.ids, s.names, s.users = append(s.ids, a.ID), append(s.names, name), append(s.users, a.ActorID)
	s.first, s.last = append(s.first, a.First.UTC().Format(layout)), append(s.last, a.Last.UTC().Format(layout))
}

func (s *spans) args() []any { return []any{s.ids, s.names, s.users, s.first, s.last} }

const spansTable = `with s as (select unnest(?::varchar[]) as id, unnest(?::varchar[]) as name, unnest(?::varchar[]) as actor,
	unnest(?::varchar[])::timestamp as first_ts, unnest(?::varchar[])::timestamp as last_ts) `

// pairs runs a query over spans that yields pairs of texts.
func (rd *reading) pairs(query string, s *spans, to map[string][]string) error {
	if len(s.ids) == 0 {
		return nil
	}
	return rd.each(spansTable+query, func(rows *sql.Rows) error {
		var key, value string
		err := rows.Scan(&key, &value)
		to[key] = append(to[key], value)
		return err
	}, s.args()...)
}

// guessed reads the accounts for which logins failed and then worked from an address of
// an alert that succeeded, until a quarter of an hour later.
func (rd *reading) guessed(f *report.PlanFacts, t *report.PlanTraces) error {
	var s spans
	for _, a := range f.Alerts {
		if a.Outcome == "succeeded" && a.ActorType != "user" {
			for _, ip := range f.Suspects(a) {
				s.add(a, ip)
			}
		}
	}
	return rd.pairs(`select s.id, r.user_id from s join requests r on r.client_ip = s.name and r.ts between s.first_ts and s.last_ts + interval 15 minutes
		where r.user_id is not null and r.event_name in ('auth.login_failed', 'auth.login_success')
		group by all having min(r.ts) filter (r.event_name = 'auth.login_failed') <= max(r.ts) filter (r.event_name = 'auth.login_success')
		order by all`, &s, t.Guessed)
}

// homes reads the addresses of an alert from which the attacked account was served before
// it.
func (rd *reading) homes(f *report.PlanFacts, t *report.PlanTraces) error {
	var s spans
	for _, a := range f.Alerts {
		if f.Victim(a) {
			for _, ip := range f.Suspects(a) {
				s.add(a, ip)
			}
		}
	}
	return rd.pairs(`select distinct s.id, r.client_ip from s join requests r on r.client_ip = s.name and r.user_id = s.actor and r.ts < s.first_ts
		where r.status between 200 and 299 order by all`, &s, t.Homes)
}

// held reads the tokens and sessions of users within a day of their alerts.
func (rd *reading) held(f *report.PlanFacts, t *report.PlanTraces) error {
	const most = 100 // of one user
	var s spans
	for _, a := range f.Alerts {
		names := t.Guessed[a.ID]
		if a.ActorType == "user" {
			names = append(names[:len(names):len(names)], a.ActorID)
		}
		for _, name := range names {
			s.add(a, name)
		}
	}
	if len(s.ids) == 0 {
		return nil
	}
	return rd.each(spansTable+`, seen as (
			select distinct r.user_id, r.token, r.session from s join requests r on r.user_id = s.name
			where r.ts between s.first_ts - interval 24 hours and s.last_ts + interval 24 hours)
		select distinct user_id, 'token', token from seen where token is not null
		union select distinct user_id, 'session', session from seen where session is not null order by all`, func(rows *sql.Rows) error {
		var user string
		c := report.Credential{Action: "revoke_token"}
		if err := rows.Scan(&user, &c.Type, &c.ID); err != nil {
			return err
		}
		if c.Type == "session" {
			c.Action = "end_session"
		}
		if len(t.Held[user]) < most {
			t.Held[user] = append(t.Held[user], c)
		}
		return nil
	}, s.args()...)
}

// prefixes reads what the API keys of the alerts begin with.
func (rd *reading) prefixes(f *report.PlanFacts, t *report.PlanTraces) error {
	var keys []string
	for _, a := range f.Alerts {
		if a.ActorType == "api_key" {
			keys = append(keys, a.ActorID)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return rd.each(`select api_key, min(key_prefix) from callers where key_prefix is not null and api_key in (select unnest(?::varchar[])) group by 1`,
		func(rows *sql.Rows) error {
			var key, prefix string
			err := rows.Scan(&key, &prefix)
			t.Prefixes[key] = prefix
			return err
		}, keys)
}

// Active calls yield with each address and each actor, other than an address, whose
// requests from there were served: those that were refused may name anybody.
func (q *Query) Active(yield func(ip, actor string)) error {
	rd := &reading{db: q.db}
	err := rd.each(`select distinct c.client_ip, coalesce(c.api_key, c.user_id, c.token, c.session) as actor
		from (select distinct caller from request_rows q join calls w on q.call = w.id where w.status between 200 and 299 or w.status = 304) q
		join callers c on q.caller = c.id where c.client_ip is not null and actor is not null order by all`, func(rows *sql.Rows) error {
		var ip, actor string
		if err := rows.Scan(&ip, &actor); err != nil {
			return err
		}
		yield(ip, actor)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	return nil
}
