package main

import (
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

func incidentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "incidents",
		Short: "List incidents, and show what happened in one",
		Long: `List incidents, worst first, and show what happened in one: who, from where, in which
order, how far each step got, and what to do.`,
		Example: `  litesoc incidents list --severity high
  litesoc incidents show inc_7b1b9856e1246d02
  litesoc incidents show --output ticket inc_7b1b > ticket.md`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(incidentsListCommand(), incidentsShowCommand())
	return c
}

func incidentsListCommand() *cobra.Command {
	var f listFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List incidents, worst first",
		Long:  "List incidents, worst first: severity, then risk, then the earlier.",
		Example: `  litesoc incidents list --since 7d
  litesoc incidents list --status open --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listIncidents(c, &f) },
	}
	f.add(c, "table, json, csv or ndjson")
	return c
}

func incidentsShowCommand() *cobra.Command {
	var db, output string
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show what happened in an incident",
		Long: `Show what happened in an incident. The beginning of its id will do where no other
incident's id begins so. --output ticket writes Markdown to paste into a ticket.`,
		Example: `  litesoc incidents show inc_7b1b9856e1246d02
  litesoc incidents show --output json inc_7b1b`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return showIncident(c, db, output, args[0]) },
	}
	dbFlag(c, &db)
	c.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text, ticket or json")
	return c
}

// readReport reads the report out of the database, which it leaves to others at once.
func readReport(db, since, until string) (*report.Report, error) {
	span, err := parseSpan(since, until, time.Now())
	if err != nil {
		return nil, err
	}
	q, err := openQuery(db)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	r, err := q.Report(span)
	if err != nil {
		return nil, failed(err, "")
	}
	logs, err := q.Known()
	if err != nil {
		return nil, failed(err, "")
	}
	began, err := q.Unfinished()
	if err != nil {
		return nil, failed(err, "")
	}
	r.Run.Unfinished = !began.IsZero()
	for _, l := range logs {
		at := l.At
		r.Run.Sources = append(r.Run.Sources, report.Source{
			Path: l.Source.Path, Format: l.Source.Format, Lines: at.Lines, Parsed: at.Parsed, Rejected: at.Rejected, Skipped: at.Skipped, Late: at.Late, Cut: at.Cut,
			First: l.Source.First, Last: at.Latest(), TotalLines: at.Lines,
		})
	}
	return r, nil
}

// unfinished is what is wrong with a database in which a scan did not end: nothing that is
// said of it is a verdict.
func unfinished(db string) error {
	return failed(fmt.Errorf("database %q: a scan did not end: not all requests that it kept have been judged", db), "scan the logs again: it goes on from there")
}

// tellUnfinished says so on stderr where a scan did not end.
func tellUnfinished(c *cobra.Command, q *store.Query, db string) error {
	began, err := q.Unfinished()
	if err != nil {
		return failed(err, "")
	}
	if !began.IsZero() {
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: %v\n", unfinished(db))
	}
	return nil
}

func listIncidents(c *cobra.Command, f *listFlags) error {
	out, err := rowsTo(c, f.output, nil)
	if err != nil {
		return err
	}
	least, network, err := f.check()
	if err != nil {
		return err
	}
	actors := append([]string{f.actor}, parsers.Fingerprints(f.actor)...)
	from := func(ip string) bool {
		addr, err := netip.ParseAddr(ip)
		return err == nil && network.Contains(addr.Unmap())
	}
	by := func(actor string) bool { return slices.Contains(actors, actor) }
	r, err := readReport(f.db, f.since, f.until)
	if err != nil {
		return err
	}
	if r.Run.Unfinished {
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: %v\n", unfinished(f.db))
	}
	t, columns := out.table, []string{"id", "severity", "risk_score", "status", "outcome", "first_ts", "last_ts", "alerts", "title"}
	person, _ := t.(*textTable) // nil: it is for a program
	if person != nil {
		person.below, columns = 3, []string{"id", "severity", "risk", "status", "began (UTC)", "alerts", "until", "outcome", "what"}
	}
	if err := t.columns(columns); err != nil {
		return err
	}
	shown, more := 0, 0
	for i := range r.Incidents {
		in := &r.Incidents[i]
		if in.Severity < least || f.status != "" && in.Status != f.status || f.actor != "" && !slices.ContainsFunc(in.Actors, by) || f.ip != "" && !slices.ContainsFunc(in.IPs, from) {
			continue
		}
		if f.limit > 0 && shown == f.limit {
			more++
			continue
		}
		shown++
		row := []any{in.ID, in.Severity.String(), int64(in.RiskScore), in.Status, string(in.Outcome), in.First, in.Last, int64(len(in.Alerts)), in.Title}
		if person != nil {
			row = []any{in.ID, in.Severity.String(), int64(in.RiskScore), in.Status, in.First.UTC().Format(time.DateTime), int64(len(in.Alerts)),
				in.Last.UTC().Format(time.DateTime), string(in.Outcome), in.Title}
		}
		if err := t.row(row); err != nil {
			return err
		}
	}
	if shown == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "litesoc: nothing found")
	}
	if more > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: the worst %d; %d more with --limit 0\n", shown, more)
	}
	if err := t.end(); err != nil {
		return err
	}
	return out.done(c, f.db, "incidents.exported")
}

func showIncident(c *cobra.Command, db, output, id string) error {
	if output != "text" && output != "ticket" && output != "json" {
		return misuse("", "--output %q: the formats are text, ticket, json", output)
	}
	r, err := readReport(db, "", "")
	if err != nil {
		return err
	}
	var found []*report.Incident
	for i := range r.Incidents {
		if strings.HasPrefix(r.Incidents[i].ID, id) {
			found = append(found, &r.Incidents[i])
		}
	}
	switch {
	case len(found) == 0:
		return failed(fmt.Errorf("incidents: no incident %q", id),
			incidentIDs.meantID(r, id, "'litesoc incidents list' has the ids; one that became part of another has that one's"))
	case len(found) > 1:
		return failed(fmt.Errorf("incidents: %d incidents begin with %q", len(found), id), moreOfID)
	}
	in, w := found[0], c.OutOrStdout()
	switch output {
	case "text":
		err = report.IncidentText(w, in, r.Run.Evidence, lookOf(w, ""))
	case "ticket":
		err = report.Ticket(w, in, r.Run.Evidence)
	case "json":
		err = writeIncident(w, r, in)
	}
	if err != nil {
		return failed(err, "")
	}
	return nil
}

// writeIncident writes an incident as JSON with the lines of each of its events.
func writeIncident(w io.Writer, r *report.Report, in *report.Incident) error {
	evidence := map[string][]report.Place{}
	for _, s := range in.Timeline {
		evidence[s.Event] = r.Run.Evidence[s.Event]
	}
	return report.WriteJSON(w, struct {
		report.Incident
		Evidence map[string][]report.Place `json:"evidence"`
	}{*in, evidence})
}
