package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/notify"
)

// A Post says who is told of what a run finds, and what time it is.
type Post struct {
	Channels []*notify.Channel
	At       time.Time
}

// Notify makes the run that is about to end queue a notice for each alert that it opens,
// makes worse or opens again, in the same transaction as the alerts: no kill loses one.
func (s *Store) Notify(p *Post) { s.post = p }

// alertWas is what an alert was.
type alertWas struct{ severity, status, outcome string }

const alertsNow = ` id, severity, status, outcome from alerts where suppressed_by is null`

// rememberAlerts keeps aside what the alerts were before the running transaction, once: what
// that has taken away since may be found again, and what an earlier one of this process has.
func (s *Store) rememberAlerts() error {
	if s.post == nil || s.remembers {
		return nil
	}
	s.remembers = true
	if err := s.exec(`create or replace temp table alerts_before as select` + alertsNow); err != nil {
		return err
	}
	var ids, severities, statuses, outcomes []string
	for id, was := range s.taken {
		ids, severities = append(ids, id), append(severities, was.severity)
		statuses, outcomes = append(statuses, was.status), append(outcomes, was.outcome)
	}
	return s.exec(`insert into alerts_before select * from (
		select unnest(?::varchar[]) as id, unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]))
		where id not in (select id from alerts_before)`, ids, severities, statuses, outcomes)
}

// rememberTaken notes what the alerts are that are about to be taken away.
func (s *Store) rememberTaken(which string) error {
	if s.post == nil {
		return nil
	}
	return each(s.writer, `select`+alertsNow+` and id in (select id from alert_rows`+which+`)`, func(rows *sql.Rows) error {
		var id string
		var was alertWas
		err := rows.Scan(&id, &was.severity, &was.status, &was.outcome)
		s.taken[id] = was
		return err
	})
}

// severityRank is SQL for how bad a severity is.
func severityRank(column string) string {
	names := make([]string, 0, detect.Critical+1)
	for sev := detect.Info; sev <= detect.Critical; sev++ {
		names = append(names, "'"+sev.String()+"'")
	}
	return fmt.Sprintf("list_position([%s], %s)", strings.Join(names, ", "), column)
}

// queueChanges queues what the run has made of alerts, but for those that an allowlist
// suppresses.
func (s *Store) queueChanges(r *Results) error {
	if s.post == nil {
		return nil
	}
	if err := s.writeRows(); err != nil {
		return err
	}
	rows, err := s.writer.QueryContext(context.Background(), `
		select a.id, case when b.id is null then 'opened' when b.status in ('resolved', 'dismissed') then 'reopened' else 'worsened' end,
			case when b.id is null then '' when b.status in ('resolved', 'dismissed') then a.last_ts::varchar else a.severity || ' ' || a.outcome end
		from alerts a left join alerts_before b on a.id = b.id
		where a.suppressed_by is null and a.status in ('open', 'acknowledged') and (b.id is null or b.status in ('resolved', 'dismissed')
			or `+severityRank("a.severity")+` > `+severityRank("b.severity")+` or a.outcome = 'succeeded' and b.outcome <> 'succeeded')
		order by a.first_ts, a.id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var queued []queuedNotice
	for rows.Next() {
		var id, detail string
		var change notify.Change
		if err := rows.Scan(&id, &change, &detail); err != nil {
			return err
		}
		found := r.Alerts[id]
		if found == nil {
			continue // what this run did not say it did not change
		}
		for _, c := range s.post.Channels {
			if c.Wants(change, &found.Value) {
				queued = append(queued, queuedNotice{notify.NoticeID(c.Name, id, change, detail), id, change, c.Name})
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return s.queue(queued, s.post.At)
}

type queuedNotice struct {
	id, alert string
	change    notify.Change
	channel   string
}

// queue adds notices to the outbox, each once.
func (s *Store) queue(queued []queuedNotice, at time.Time) error {
	if len(queued) == 0 {
		return nil
	}
	known := map[string]bool{}
	err := each(s.writer, `select id from notifications`, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		known[id] = true
		return err
	})
	if err != nil {
		return err
	}
	for _, q := range queued {
		if known[q.id] {
			continue
		}
		known[q.id] = true
		if err := s.append("notifications", q.id, q.alert, string(q.change), q.channel, waiting, at, at, int32(0), nil, nil); err != nil {
			return err
		}
	}
	return s.writeRows()
}

// The states of a notice.
const (
	waiting = "waiting"
	sent    = "sent"
	parked  = "parked"  // it could not be sent and is not tried again
	dropped = "dropped" // there was nothing left to tell
)

// QueueHandled queues what people have done since with alerts that a channel was told
// of: that they look at one, or are done with it.
func (s *Store) QueueHandled(p *Post) error {
	var queued []queuedNotice
	err := each(s.db, `
		select t.channel, a.id, a.rule, a.alert_type, a.severity, t.told, case a.status when 'acknowledged' then 'acknowledged' else 'resolved' end as now
		from (select channel, alert_id, arg_max(change, rowid) as change, count(*) as told from notifications where state <> 'dropped' group by all) t
		join alerts a on a.id = t.alert_id
		where a.status <> 'open' and t.change <> now and not (a.status = 'acknowledged' and t.change = 'resolved')
		order by t.channel, a.id`, func(rows *sql.Rows) error {
		var channel, severity string
		var told int64
		var a detect.Alert
		var change notify.Change
		err := rows.Scan(&channel, &a.ID, &a.Rule, &a.Type, &severity, &told, &change)
		if err != nil {
			return err
		}
		if a.Severity, err = detect.ParseSeverity(severity); err != nil {
			return err
		}
		for _, c := range p.Channels {
			if c.Name == channel && c.Wants(change, &a) {
				queued = append(queued, queuedNotice{notify.NoticeID(channel, a.ID, change, fmt.Sprint(told)), a.ID, change, channel})
			}
		}
		return nil
	})
	if err != nil || len(queued) == 0 {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.queue(queued, p.At); err != nil {
		return err
	}
	return s.commit()
}

// Waiting returns what waits for each channel and is due at the time, and when each was
// last sent anything. What there is no reason to tell any more is dropped.
func (s *Store) Waiting(now time.Time) (due map[string][]notify.Entry, last map[string]time.Time, err error) {
	if err := s.begin(); err != nil {
		return nil, nil, err
	}
	err = s.exec(`update notifications n set state = 'dropped', last_error = case when a.id is null then 'the alert is no more' else 'it was ' || a.status || ' before' end
		from notifications m left join alerts a on m.alert_id = a.id
		where n.id = m.id and n.state = 'waiting'
			and (a.id is null or n.attempts = 0 and n.change in ('opened', 'worsened', 'reopened') and a.status in ('resolved', 'dismissed'))`)
	if err != nil {
		return nil, nil, err
	}
	if err := s.commit(); err != nil {
		return nil, nil, err
	}
	last = map[string]time.Time{}
	err = each(s.db, `select channel, max(sent_at) from notifications where sent_at is not null group by 1`, func(rows *sql.Rows) error {
		var channel string
		var at time.Time
		err := rows.Scan(&channel, &at)
		last[channel] = at
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	due = map[string][]notify.Entry{}
	alerts := map[string][]*notify.Entry{} // by alert
	err = each(s.db, `select id, alert_id, change, channel, queued_at, due, attempts from notifications where state = 'waiting' and due <= ?
		order by queued_at, rowid`, func(rows *sql.Rows) error {
		var e notify.Entry
		var alert, channel string
		if err := rows.Scan(&e.ID, &alert, &e.Change, &channel, &e.Queued, &e.Due, &e.Attempts); err != nil {
			return err
		}
		e.Alert.ID = alert
		due[channel] = append(due[channel], e)
		return nil
	}, now)
	if err != nil || len(due) == 0 {
		return due, last, err
	}
	for _, entries := range due {
		for i := range entries {
			alerts[entries[i].Alert.ID] = append(alerts[entries[i].Alert.ID], &entries[i])
		}
	}
	rd := &reading{db: s.db, r: &report.Report{}}
	if err := rd.alerts(); err != nil {
		return nil, nil, err
	}
	known, err := rd.origins(`select distinct source_ip from alerts`)
	if err != nil {
		return nil, nil, err
	}
	for i := range rd.r.Alerts {
		a := &rd.r.Alerts[i]
		for _, e := range alerts[a.ID] {
			e.Alert, e.Steps = *a, a.NextSteps()
			e.From = report.Address{IP: a.SourceIP}
			if from, ok := known[a.SourceIP]; ok {
				e.From = from
			}
		}
	}
	return due, last, nil
}

// Hold puts off notices.
func (s *Store) Hold(held []notify.Postponement) error {
	if err := s.begin(); err != nil {
		return err
	}
	for _, h := range held {
		if err := s.exec(`update notifications set due = ? where id in (select unnest(?::varchar[]))`, h.Until, h.IDs); err != nil {
			return err
		}
	}
	return s.commit()
}

// Claim counts an attempt at each of the notices and puts them off until then, so that
// nobody else tries them meanwhile, and whoever comes later does, if this try comes to
// no end. It returns the ids that were still waiting to be claimed.
func (s *Store) Claim(ids []string, now, until time.Time) ([]string, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	var claimed []string
	err := each(s.writer, `update notifications set attempts = attempts + 1, due = ? where state = 'waiting' and due <= ? and id in (select unnest(?::varchar[])) returning id`,
		func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			claimed = append(claimed, id)
			return err
		}, until, now, ids)
	if err != nil {
		return nil, err
	}
	return claimed, s.commit()
}

// Settle notes what came of the notices: sent at a time, to be tried again when due, or
// neither, and then they are parked.
func (s *Store) Settle(ids []string, sentAt, due time.Time, failure string) error {
	state := parked
	switch {
	case !sentAt.IsZero():
		state = sent
	case !due.IsZero():
		state = waiting
	}
	if err := s.begin(); err != nil {
		return err
	}
	err := s.exec(`update notifications set state = ?, sent_at = ?, due = coalesce(?, due), last_error = ? where id in (select unnest(?::varchar[]))`,
		state, moment(sentAt), moment(due), nullable(failure), ids)
	if err != nil {
		return err
	}
	if state == sent {
		if err := s.auditSent(ids); err != nil {
			return err
		}
	}
	return s.commit()
}

// auditSent tells the audit trail of notices that were sent.
func (s *Store) auditSent(ids []string) error {
	var entries []Entry
	err := each(s.writer, `select id, alert_id, change, channel from notifications where id in (select unnest(?::varchar[])) order by rowid`, func(rows *sql.Rows) error {
		var alert struct {
			Alert  string `json:"alert"`
			Change string `json:"change"`
		}
		e := Entry{Who: Self, Action: "notification.sent", ObjectType: "notification"}
		var channel string
		err := rows.Scan(&e.ObjectID, &alert.Alert, &alert.Change, &channel)
		if err != nil {
			return err
		}
		e.Note = "to " + channel
		e.After, err = json.Marshal(alert)
		entries = append(entries, e)
		return err
	}, ids)
	if err != nil {
		return err
	}
	return s.Audit(entries...)
}

// Unpark makes what was parked wait again, as if it had not been tried.
func (s *Store) Unpark(now time.Time) error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.exec(`update notifications set state = 'waiting', due = ?, attempts = 0 where state = 'parked'`, now); err != nil {
		return err
	}
	return s.commit()
}

// NextDue returns when something is to be sent next to one of the channels; zero if
// nothing waits for them.
func (s *Store) NextDue(channels []string) (time.Time, error) {
	var at sql.NullTime
	err := s.db.QueryRow(`select min(due) from notifications where state = 'waiting' and channel in (select unnest(?::varchar[]))`, channels).Scan(&at)
	return at.Time, err
}
