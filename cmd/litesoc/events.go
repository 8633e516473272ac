package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

type eventsFlags struct {
	db, config, since, until, output          string
	actor, ip, route, event, severity, tenant string
	status                                    []string
	limit                                     int
	requests, raw                             bool
}

func eventsCommand() *cobra.Command {
	var f eventsFlags
	c := &cobra.Command{
		Use:   "events",
		Short: "Show what somebody did, in the order it was done",
		Long: `Show what somebody did, in the order it was done: every event, those that a single
request is and those of detectors, with where the address is and whose network.

--actor takes a user, the fingerprint of a key, token or session, or the secret
itself: it is looked for by its fingerprint and never stored. --requests shows all
requests, also those that are no event. --raw shows the lines of the log behind each,
read again from the files and redacted.`,
		Example: `  litesoc events --actor alice --since 24h --limit 100
  litesoc events --ip 203.0.113.0/24 --requests
  litesoc events --event 'auth.*' --status 401 --raw
  litesoc events --severity high --output ndjson`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return events(c, &f) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	flags.StringVar(&f.actor, "actor", "", "only of this `actor`: a user, key, token, session or address")
	flags.StringVar(&f.ip, "ip", "", "only from this `address` or network")
	flags.StringVar(&f.event, "event", "", "only events of this `name`; * stands for any text")
	flags.StringVar(&f.severity, "severity", "", "only of this `severity` or above: info, low, medium, high, critical")
	flags.StringVar(&f.route, "route", "", "only on this `route` or path; * stands for any text")
	flags.StringSliceVar(&f.status, "status", nil, "only requests answered with this `status`: 401, 4xx")
	flags.StringVar(&f.tenant, "tenant", "", "only of this `tenant`")
	flags.StringVar(&f.since, "since", "", "only from this `time` on: "+timeHint)
	flags.StringVar(&f.until, "until", "", "only before this `time`")
	flags.IntVar(&f.limit, "limit", 100, "the latest `n`; 0 for all")
	flags.BoolVar(&f.requests, "requests", false, "also requests that are no event")
	flags.BoolVar(&f.raw, "raw", false, "show the lines of the log")
	flags.StringVarP(&f.output, "output", "o", "table", "`FORMAT[=FILE]`: table, json, csv or ndjson")
	return c
}

// found selects what may be shown: every event and, if asked for, every other request.
const (
	foundEvents = `select ts, last_ts, event_name, standard_event, severity, api_severity, detector, actor_id, actor_type, user_ip,
	country_code, city, asn, as_org, is_vpn, is_tor, is_proxy, is_datacenter, method, host, path, query, route, status, bytes, user_agent,
	user_id, api_key, token, session, tenant, count, outcome, summary, metadata::varchar as metadata, event_id, evidence from activity`
	foundRequests = ` union all by name
select ts, ts as last_ts, 'request' as detector, actor_id, actor_type, client_ip as user_ip, country_code, city, asn, as_org, is_vpn, is_tor,
	is_proxy, is_datacenter, method, host, path, query, route, status, bytes, user_agent, user_id, api_key, token, session, tenant,
	1::bigint as count, [{'source': source_id, 'line': line}] as evidence
from requests left join ips on client_ip = ip where event_name is null and api_key is null`
)

// A filter is a condition and what stands for its question marks.
type filter struct {
	conditions []string
	args       []any
}

func (w *filter) add(condition string, args ...any) {
	w.conditions = append(w.conditions, "("+condition+")")
	w.args = append(w.args, args...)
}

func (w *filter) String() string {
	if len(w.conditions) == 0 {
		return "true"
	}
	return strings.Join(w.conditions, " and ")
}

// pattern is text with * for any text, as LIKE has it with the escape character \.
func pattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(text)
}

// filter turns the flags into a condition.
func (f *eventsFlags) filter(ctx context.Context, q *store.Query, now time.Time) (*filter, error) {
	w := &filter{}
	span, err := parseSpan(f.since, f.until, now)
	if err != nil {
		return nil, err
	}
	if !span.Since.IsZero() {
		w.add("last_ts >= ?", span.Since)
	}
	if !span.Until.IsZero() {
		w.add("ts < ?", span.Until)
	}
	if f.actor != "" {
		names := append([]string{f.actor}, parsers.Fingerprints(f.actor)...)
		w.add("actor_id in (select unnest(?::varchar[])) or user_id = ? or token in (select unnest(?::varchar[])) or session in (select unnest(?::varchar[]))",
			names, f.actor, names, names)
	}
	if f.ip != "" {
		if err := w.address(ctx, q, f.ip); err != nil {
			return nil, err
		}
	}
	if f.event != "" {
		w.add(`event_name like ? escape '\' or standard_event like ? escape '\'`, pattern(f.event), pattern(f.event))
	}
	if f.severity != "" {
		least, err := detect.ParseSeverity(f.severity)
		if err != nil {
			return nil, misuse("", "--severity: %w", err)
		}
		var names []string
		for s := least; s <= detect.Critical; s++ {
			names = append(names, s.String())
		}
		w.add("severity in (select unnest(?::varchar[]))", names)
	}
	if f.route != "" {
		w.add(`route like ? escape '\' or path like ? escape '\'`, pattern(f.route), pattern(f.route))
	}
	if f.tenant != "" {
		w.add("tenant = ?", f.tenant)
	}
	if len(f.status) > 0 {
		if err := w.statuses(f.status); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// maxAddresses bounds the addresses that a network may stand for.
const maxAddresses = 100_000

// address adds the condition that the address is the given one, or of the given network.
// The store keeps addresses as text, so those of a network are looked up first.
func (w *filter) address(ctx context.Context, q *store.Query, text string) error {
	if addr, err := netip.ParseAddr(text); err == nil {
		w.add("user_ip = ?", addr.Unmap().String())
		return nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return misuse("", "--ip %q: neither an address nor a network such as 203.0.113.0/24", text)
	}
	inside := []string{}
	err = q.Run(ctx, "select distinct client_ip from callers where client_ip is not null order by 1", func([]string) error { return nil }, func(values []any) error {
		ip, _ := values[0].(string)
		if addr, err := netip.ParseAddr(ip); err != nil || !network.Masked().Contains(addr) {
			return nil
		}
		if inside = append(inside, ip); len(inside) > maxAddresses {
			return misuse("choose a smaller network", "--ip %s: more than %d addresses of it are in the logs", text, maxAddresses)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.add("user_ip in (select unnest(?::varchar[]))", inside)
	return nil
}

func (w *filter) statuses(texts []string) error {
	var some []string
	for _, text := range texts {
		var status int
		if class, ok := strings.CutSuffix(strings.ToLower(text), "xx"); ok && len(class) == 1 && class[0] >= '1' && class[0] <= '5' {
			some = append(some, fmt.Sprintf("status // 100 = %c", class[0]))
			continue
		}
		if n, err := fmt.Sscanf(text, "%d", &status); n != 1 || err != nil || fmt.Sprint(status) != text {
			return misuse("", "--status %q: neither a status such as 401 nor a class such as 4xx", text)
		}
		some = append(some, fmt.Sprintf("status = %d", status))
	}
	w.add(strings.Join(some, " or "))
	return nil
}

func events(c *cobra.Command, f *eventsFlags) error {
	out, err := rowsTo(c, f.output, nil)
	if err != nil {
		return err
	}
	if f.limit < 0 {
		return misuse("", "--limit %d is less than 0", f.limit)
	}
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	q, err := openQuery(f.db)
	if err != nil {
		return err
	}
	defer q.Close()
	if err := tellUnfinished(c, q, f.db); err != nil {
		return err
	}
	where, err := f.filter(c.Context(), q, time.Now())
	if err != nil {
		return err
	}
	found := foundEvents
	if f.requests {
		found += foundRequests
	}
	query := "select * from (" + found + ") where " + where.String() +
		" order by ts desc, evidence[1].source desc, evidence[1].line desc, detector desc, event_id desc"
	if f.limit > 0 {
		query += fmt.Sprintf(" limit %d", f.limit+1)
	}
	var names []string
	var rows [][]any
	err = q.Run(c.Context(), query, func(columns []string) error { names = columns; return nil },
		func(values []any) error { rows = append(rows, values); return nil }, where.args...)
	if err != nil {
		return failed(fmt.Errorf("events: %s", showLines(err.Error())), "")
	}
	if f.limit > 0 && len(rows) > f.limit {
		rows = rows[:f.limit]
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: the latest %d of more; --limit 0 shows all\n", f.limit)
	}
	slices.Reverse(rows)
	if len(rows) == 0 {
		if err := nothingFound(c, q); err != nil {
			return err
		}
	}
	var lines map[place]string
	if f.raw {
		var wanted []place
		for _, row := range rows {
			wanted = append(wanted, placesOf(names, row)...)
		}
		if lines, err = rawLines(c.ErrOrStderr(), cfg, q, wanted); err != nil {
			return err
		}
	}
	// The file of an export is whole before the database is opened to tell of it.
	if err := q.Close(); err != nil {
		return failed(err, "")
	}
	if out.format == "table" {
		if err := eventTable(out.w, names, rows, lines); err != nil {
			return err
		}
		return out.done(c, f.db, "events.exported")
	}
	t := out.table
	if f.raw {
		names = append(names, "raw")
	}
	if err := t.columns(names); err != nil {
		return err
	}
	for _, row := range rows {
		if f.raw {
			raw := []any{}
			for _, at := range placesOf(names, row) {
				raw = append(raw, lines[at])
			}
			row = append(row, raw)
		}
		if err := t.row(row); err != nil {
			return err
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	return out.done(c, f.db, "events.exported")
}

// nothingFound says on stderr that no event is of the kind asked for, and of which time
// there are any: --since may count from a day long after the log's.
func nothingFound(c *cobra.Command, q *store.Query) error {
	said := "the database holds no request"
	err := q.Run(c.Context(), "select min(ts), max(ts) from requests where not late", func([]string) error { return nil }, func(values []any) error {
		first, ok := values[0].(time.Time)
		if last, also := values[1].(time.Time); ok && also {
			said = fmt.Sprintf("its requests are of %s to %s", first.UTC().Format(time.DateTime), last.UTC().Format(time.DateTime))
		}
		return nil
	})
	if err != nil {
		return failed(err, "")
	}
	fmt.Fprintf(c.ErrOrStderr(), "litesoc: nothing found; %s\n", said)
	return nil
}

// A place is a line of a log: the number of its source and of the line.
type place struct {
	source int32
	line   int64
}

// placesOf returns the evidence of a row.
func placesOf(names []string, row []any) []place {
	i := slices.Index(names, "evidence")
	if i < 0 {
		return nil
	}
	lines, _ := row[i].([]any)
	var places []place
	for _, l := range lines {
		at, _ := l.(map[string]any)
		src, _ := at["source"].(int32)
		line, _ := at["line"].(int64)
		places = append(places, place{src, line})
	}
	return places
}

// rawLines reads lines of logs again and returns each with its place in front. What
// cannot be read is said on stderr.
func rawLines(stderr io.Writer, cfg *config, q *store.Query, places []place) (map[place]string, error) {
	site, err := cfg.site()
	if err != nil {
		return nil, err
	}
	formats, err := cfg.formats(cfg.Format)
	if err != nil {
		return nil, err
	}
	known, err := q.Known()
	if err != nil {
		return nil, failed(err, "")
	}
	opts := &source.Options{Site: site, Formats: formats, Known: known}
	numbers := map[int32][]int64{}
	for _, p := range places {
		numbers[p.source] = append(numbers[p.source], p.line)
	}
	lines := map[place]string{}
	for _, k := range known {
		id := int32(k.Source.ID)
		if len(numbers[id]) == 0 {
			continue
		}
		found, err := source.Raw(k, numbers[id], opts)
		if err != nil {
			fmt.Fprintf(stderr, "litesoc: lines of %s cannot be shown: %s\n", report.Show(k.Source.Path), report.Show(err.Error()))
		}
		for _, n := range numbers[id] {
			text, ok := found[n]
			if !ok {
				text = "(not to be had)"
			}
			lines[place{id, n}] = fmt.Sprintf("%s:%d: %s", k.Source.Path, n, text)
		}
	}
	return lines, nil
}

// eventTable writes events for people: when, what, who, from where, and the lines.
func eventTable(w io.Writer, names []string, rows [][]any, lines map[place]string) error {
	t := &textTable{w: w, width: screen(w), below: 2, under: map[int][]string{}}
	if err := t.columns([]string{"time (UTC)", "event", "severity", "actor", "from", "status", "what"}); err != nil {
		return err
	}
	for n, row := range rows {
		value := func(name string) string {
			i := slices.Index(names, name)
			if i < 0 {
				return ""
			}
			return text(row[i], "")
		}
		at, _ := row[slices.Index(names, "ts")].(time.Time)
		what := value("summary")
		if what == "" {
			what = strings.TrimSpace(value("method") + " " + value("path"))
			if query := value("query"); query != "" {
				what += "?" + query
			}
		}
		from := value("user_ip")
		var known []string
		for _, name := range []string{"country_code", "as_org"} {
			if v := value(name); v != "" {
				known = append(known, v)
			}
		}
		for _, trait := range []string{"tor", "vpn", "proxy", "datacenter"} {
			if value("is_"+trait) == "true" {
				known = append(known, trait)
			}
		}
		if len(known) > 0 {
			from += " (" + strings.Join(known, ", ") + ")"
		}
		for _, p := range placesOf(names, row) {
			if line, ok := lines[p]; ok {
				t.under[n] = append(t.under[n], "    "+report.Show(line))
			}
		}
		err := t.row([]any{at.UTC().Format(time.DateTime), value("event_name"), value("severity"), value("actor_id"), from, value("status"), what})
		if err != nil {
			return err
		}
	}
	return t.end()
}
