package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

func alertsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "alerts",
		Short: "List alerts, show one, and say what became of them",
		Long: `List alerts, show one, and say what became of them: open, acknowledged, resolved or
dismissed. What is said of an alert stays with it however often its log is scanned.
A resolved alert that goes on is opened again; a dismissed one, which was no attack,
if it becomes more severe. Every change is written to the audit trail.`,
		Example: `  litesoc alerts list --status open --severity high
  litesoc alerts show alt_7b1b
  litesoc alerts resolve alt_7b1b --type blocked_ip --note "denied at the proxy"
  litesoc alerts list --rule rate-limit --output ids | litesoc alerts dismiss -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(alertsListCommand(), alertsShowCommand())
	for _, d := range decisions {
		c.AddCommand(d.command())
	}
	return c
}

type alertsFlags struct {
	listFlags
	typ, rule, incident string
	all, suppressed     bool
}

func alertsListCommand() *cobra.Command {
	var f alertsFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List alerts, those not over first, the worst first",
		Long: `List alerts: those that are neither resolved nor dismissed first, of each the worst
first, then the earlier. --all lists also those that the allowlist suppresses, and
those that were handled and are found no more, because a setting, a rule or the log
has changed since. --output ids writes ids alone, for the other commands to read.`,
		Example: `  litesoc alerts list --since 24h --status open
  litesoc alerts list --ip 203.0.113.0/24 --output csv=alerts.csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listAlerts(c, &f) },
	}
	flags := c.Flags()
	f.add(c, "table, json, csv, ndjson or ids")
	flags.StringVar(&f.typ, "type", "", "only of this `type`, such as brute_force_attack; * stands for any text")
	flags.StringVar(&f.rule, "rule", "", "only of this `rule`; * stands for any text")
	flags.StringVar(&f.incident, "incident", "", "only of the incident whose `id` begins so")
	flags.BoolVar(&f.suppressed, "suppressed", false, "those that the allowlist suppresses, and no others")
	flags.BoolVar(&f.all, "all", false, "also those that are suppressed, or were handled and are found no more")
	return c
}

// wants returns what tells whether an alert is asked for.
func (f *alertsFlags) wants(now time.Time) (func(*report.Alert) bool, error) {
	span, err := parseSpan(f.since, f.until, now)
	if err != nil {
		return nil, err
	}
	least, network, err := f.check()
	if err != nil {
		return nil, err
	}
	actors := append([]string{f.actor}, parsers.Fingerprints(f.actor)...)
	return func(a *report.Alert) bool {
		addr, _ := netip.ParseAddr(a.SourceIP)
		return (f.all || (a.SuppressedBy != "") == f.suppressed) && a.Severity >= least && !a.Last.Before(span.Since) && (span.Until.IsZero() || a.First.Before(span.Until)) &&
			(f.status == "" || a.Status == f.status) && like(f.typ, a.Type) && like(f.rule, a.Rule) &&
			(f.actor == "" || slices.Contains(actors, cmp.Or(a.ActorID, a.SourceIP))) &&
			(f.ip == "" || network.Contains(addr.Unmap())) &&
			strings.HasPrefix(a.IncidentID, f.incident)
	}, nil
}

// parseNetwork reads a network, or an address as the network of itself.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

// like tells whether the text is the pattern, in which * stands for any text. The empty
// pattern is every text.
func like(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	text, ok := strings.CutPrefix(text, parts[0])
	if len(parts) == 1 {
		return ok && text == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return ok && strings.HasSuffix(text, parts[len(parts)-1])
}

func listAlerts(c *cobra.Command, f *alertsFlags) error {
	out, err := rowsTo(c, f.output, map[string]func(io.Writer) table{"ids": func(w io.Writer) table { return &idTable{w: w} }})
	if err != nil {
		return err
	}
	wants, err := f.wants(time.Now())
	if err != nil {
		return err
	}
	q, err := openQuery(f.db)
	if err != nil {
		return err
	}
	if err := tellUnfinished(c, q, f.db); err != nil {
		return err
	}
	alerts, err := q.Alerts()
	gone, err2 := q.Gone()
	if err := errors.Join(err, err2, q.Close()); err != nil {
		return failed(err, "")
	}
	if of := f.incident; of != "" && !slices.ContainsFunc(slices.Concat(alerts, gone), func(a report.Alert) bool { return strings.HasPrefix(a.IncidentID, of) }) {
		hint := "'litesoc incidents list' has the ids"
		if r, err := readReport(f.db, "", ""); err == nil {
			hint = incidentIDs.meantID(r, of, hint)
		}
		return failed(fmt.Errorf("alerts: no incident %q", of), hint)
	}
	unwanted := func(a report.Alert) bool { return !wants(&a) }
	alerts, gone = slices.DeleteFunc(alerts, unwanted), slices.DeleteFunc(gone, unwanted)
	found := map[string]bool{}
	for i := range alerts {
		found[alerts[i].ID] = true
	}
	if f.all {
		alerts = append(alerts, gone...)
	} else if len(gone) > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: %s handled and found no more; --all lists them too\n", report.Plural(int64(len(gone)), "alert was", "alerts were"))
	}
	slices.SortStableFunc(alerts, func(a, b report.Alert) int {
		return cmp.Or(order(report.Over(a.Status), report.Over(b.Status)), cmp.Compare(b.Severity, a.Severity), a.First.Compare(b.First), strings.Compare(a.ID, b.ID))
	})
	if n := len(alerts) - f.limit; f.limit > 0 && n > 0 {
		alerts = alerts[:f.limit]
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: the first %d; %d more with --limit 0\n", f.limit, n)
	}
	if len(alerts) == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "litesoc: nothing found")
	}
	if err := writeAlerts(out.table, alerts, found); err != nil {
		return err
	}
	return out.done(c, f.db, "alerts.exported")
}

// order puts what is false first.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// alertColumns are those of the table alerts.
var alertColumns = []string{"id", "alert_type", "rule", "severity", "status", "title", "description", "actor_id", "actor_type", "source_ip",
	"first_ts", "last_ts", "count", "outcome", "events", "incident_id", "created_at", "updated_at", "resolved_at", "resolved_by",
	"resolution_type", "note", "metadata", "suppressed_by", "found"}

// writeAlerts writes alerts: all there is of them, or to a person what they read.
func writeAlerts(t table, alerts []report.Alert, found map[string]bool) error {
	text, ok := t.(*textTable)
	if !ok {
		if err := t.columns(alertColumns); err != nil {
			return err
		}
		for i := range alerts {
			a := &alerts[i]
			events := []any{}
			for _, id := range a.Events {
				events = append(events, id)
			}
			err := t.row([]any{a.ID, a.Type, a.Rule, a.Severity.String(), a.Status, a.Title, a.Description, none(a.ActorID), none(a.ActorType), none(a.SourceIP),
				a.First, a.Last, a.Count, none(string(a.Outcome)), events, none(a.IncidentID), a.CreatedAt, a.UpdatedAt, instant(a.ResolvedAt),
				none(a.ResolvedBy), none(a.ResolutionType), none(a.Note), object(a.Metadata), none(a.SuppressedBy), found[a.ID]})
			if err != nil {
				return err
			}
		}
		return t.end()
	}
	text.under, text.below = map[int][]string{}, 2
	if err := text.columns([]string{"id", "severity", "status", "began (UTC)", "requests", "who", "what"}); err != nil {
		return err
	}
	for i := range alerts {
		a := &alerts[i]
		var below []string
		if a.Note != "" {
			below = append(below, a.Note)
		}
		if a.SuppressedBy != "" {
			below = append(below, "suppressed by "+a.SuppressedBy)
		}
		if !found[a.ID] {
			below = append(below, "found no more")
		}
		for _, line := range below {
			text.under[i] = append(text.under[i], "    "+report.ShowShort(line, 110))
		}
		who := cmp.Or(a.ActorID, a.SourceIP)
		if a.SourceIP != "" && a.SourceIP != who {
			who += " from " + a.SourceIP
		}
		if err := text.row([]any{a.ID, a.Severity.String(), a.Status, a.First.UTC().Format(time.DateTime), a.Count, who, a.Title}); err != nil {
			return err
		}
	}
	return text.end()
}

// none returns nil for an empty text.
func none(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// object returns nil for a JSON object that is not there.
func object(text json.RawMessage) any {
	if len(text) == 0 {
		return nil
	}
	return text
}

// instant returns nil for a time that is not known.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// idTable writes the first column alone.
type idTable struct{ w io.Writer }

func (t *idTable) columns([]string) error { return nil }

func (t *idTable) row(values []any) error {
	_, err := fmt.Fprintln(t.w, values[0])
	return err
}

func (t *idTable) end() error { return nil }

func alertsShowCommand() *cobra.Command {
	var db, output string
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show an alert, what led to it and what was done about it",
		Long: `Show an alert: who, from where, the events that led to it with their lines, what to
do, and from the audit trail who did what about it. The beginning of its id will do
where no other alert's id begins so.`,
		Example: `  litesoc alerts show alt_7b1b9856e1246d02
  litesoc alerts show --output json alt_7b1b`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return showAlert(c, db, output, args[0]) },
	}
	dbFlag(c, &db)
	c.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text or json")
	return c
}

func showAlert(c *cobra.Command, db, output, id string) error {
	if output != "text" && output != "json" {
		return misuse("", "--output %q: the formats are text, json", output)
	}
	q, err := openQuery(db)
	if err != nil {
		return err
	}
	defer q.Close()
	r, err := q.Report(store.Span{})
	if err != nil {
		return failed(err, "")
	}
	alerts, err := q.Alerts()
	gone, err2 := q.Gone()
	if err := errors.Join(err, err2); err != nil {
		return failed(err, "")
	}
	a, n := alertOf(alerts, gone, id)
	switch {
	case n == 0:
		return failed(fmt.Errorf("alerts: no alert %q", id), alertIDs.meantID(r, id, "'litesoc alerts list --all' has the ids"))
	case n > 1:
		return failed(fmt.Errorf("alerts: %d alerts begin with %q", n, id), moreOfID)
	}
	records, err := q.TrailOf("alert", a.ID)
	if err != nil {
		return failed(err, "")
	}
	history := make([]report.Deed, len(records))
	for i, e := range records {
		history[i] = report.Deed{At: e.At, Who: e.Who, Action: e.Action, Before: e.Before, After: e.After, Note: e.Note}
	}
	w := c.OutOrStdout()
	if output == "json" {
		err = report.AlertJSON(w, r, a, history)
	} else {
		err = report.AlertText(w, r, a, history, lookOf(w, ""))
	}
	if err != nil {
		return failed(err, "")
	}
	return nil
}

// alertOf returns the alert of the id, or of the beginning of an id, and how many there are.
func alertOf(alerts, gone []report.Alert, id string) (a *report.Alert, n int) {
	for _, list := range [][]report.Alert{alerts, gone} {
		for i := range list {
			if list[i].ID == id {
				return &list[i], 1
			}
			if id != "" && strings.HasPrefix(list[i].ID, id) {
				a = &list[i]
				n++
			}
		}
	}
	return a, n
}

// idsFrom reads ids: each word is one, or each line is a JSON object with one.
func idsFrom(r io.Reader) ([]string, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "{") {
			ids = append(ids, strings.Fields(line)...)
			continue
		}
		var object struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(line), &object); err != nil || object.ID == "" {
			return nil, fmt.Errorf("line %q has no id", report.ShowShort(line, 60))
		}
		ids = append(ids, object.ID)
	}
	return ids, nil
}
