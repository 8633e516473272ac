package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

func allowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "allow",
		Short: "Show what the allowlist suppresses, and why it does or does not",
		Long: `Look after the allowlist of the config: what each entry suppresses, which have expired or
suppress nothing, and which entry covers an alert.

An entry of 'allowlist' has one or more of address, network, actor, route, user_agent,
rule and detector, and a reason. It covers what matches all of them, up to severity high
if up_to does not say otherwise. An alert whose events are all covered is kept, but makes
no incident. Times are those of the log: an entry that has expired still covers what
happened before.`,
		Example: `  litesoc allow list
  litesoc allow check alt_7b1b9856e1246d02`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(allowListCommand(), allowCheckCommand())
	return c
}

func allowListCommand() *cobra.Command {
	var db, config, output string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the entries with what they suppress",
		Long: `List the entries with the alerts and requests that each suppresses in the database, and
whether it is in use, unused, or expired by the time of the last request there.`,
		Example: `  litesoc allow list
  litesoc allow list --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listAllowed(c, db, config, output) },
	}
	dbFlag(c, &db)
	c.Flags().StringVar(&config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	c.Flags().StringVarP(&output, "output", "o", "table", "`FORMAT`: table, json, csv or ndjson")
	return c
}

func allowCheckCommand() *cobra.Command {
	var db, config string
	c := &cobra.Command{
		Use:   "check ALERT",
		Short: "Tell which entries cover an alert, or why none does",
		Long: `Tell which entries cover an alert, or why none does. The beginning of an alert's id will
do. Entries that were changed since the last scan are judged by the next one.`,
		Example: `  litesoc allow check alt_7b1b9856e1246d02`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return checkAllowed(c, db, config, args[0]) },
	}
	dbFlag(c, &db)
	c.Flags().StringVar(&config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	return c
}

// readAllowlist reads the config's allowlist.
func readAllowlist(path string) (*detect.Allowlist, error) {
	cfg, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	detectors, err := cfg.detectors()
	if err != nil {
		return nil, err
	}
	set, _, err := cfg.ruleSet(nil)
	if err != nil {
		return nil, err
	}
	return cfg.allowlist(detectors, set.Rules)
}

func listAllowed(c *cobra.Command, db, config, output string) error {
	write, ok := tables[output]
	if !ok {
		return misuse("", "--output %q: the formats are table, json, csv, ndjson", output)
	}
	allow, err := readAllowlist(config)
	if err != nil {
		return err
	}
	q, err := openQuery(db)
	if err != nil {
		return err
	}
	defer q.Close()
	suppressed, err := q.Suppressed()
	if err != nil {
		return failed(err, "")
	}
	last, err := q.Last()
	if err != nil {
		return failed(err, "")
	}
	out := c.OutOrStdout()
	if isTerminal(out) {
		out = visible{out}
	}
	t := write(out)
	if err := t.columns([]string{"id", "state", "alerts", "requests", "last_ts", "expires", "owner", "matches", "reason"}); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range allow.Entries() {
		known[e.ID()] = true
		alerts, requests, at := hits(suppressed, e.ID())
		var lastHit any
		if alerts > 0 {
			lastHit = at
		}
		if err := t.row([]any{e.ID(), allowState(e, alerts, last), alerts, requests, lastHit, e.Expires, e.Owner, e.Matches(), e.Reason}); err != nil {
			return err
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	for _, a := range suppressed {
		for id := range strings.FieldsSeq(a.SuppressedBy) {
			if !known[id] {
				fmt.Fprintln(c.ErrOrStderr(), "litesoc: the allowlist has changed since the last scan: scan again to judge by it")
				return nil
			}
		}
	}
	return nil
}

// hits counts the alerts that an entry suppresses, with others or alone.
func hits(suppressed []report.Alert, id string) (alerts, requests int64, last time.Time) {
	for i := range suppressed {
		a := &suppressed[i]
		if !slices.Contains(strings.Fields(a.SuppressedBy), id) {
			continue
		}
		alerts++
		requests += a.Count
		if a.Last.After(last) {
			last = a.Last
		}
	}
	return alerts, requests, last
}

func allowState(e detect.AllowEntry, alerts int64, last time.Time) string {
	until, err := detect.ParseExpiry(e.Expires)
	switch {
	case err == nil && !until.IsZero() && !last.Before(until):
		return "expired"
	case alerts == 0:
		return "unused"
	}
	return "in use"
}

func checkAllowed(c *cobra.Command, db, config, id string) error {
	allow, err := readAllowlist(config)
	if err != nil {
		return err
	}
	r, err := readReport(db, "", "")
	if err != nil {
		return err
	}
	q, err := openQuery(db)
	if err != nil {
		return err
	}
	defer q.Close()
	suppressed, err := q.Suppressed()
	if err != nil {
		return failed(err, "")
	}
	var found []report.Alert
	for _, a := range slices.Concat(r.Alerts, suppressed) {
		if strings.HasPrefix(a.ID, id) {
			found = append(found, a)
		}
	}
	switch {
	case len(found) == 0:
		return failed(fmt.Errorf("allow: no alert %q", id), alertIDs.meantID(r, id, "'litesoc alerts list --all' has the ids"))
	case len(found) > 1:
		return failed(fmt.Errorf("allow: %d alerts begin with %q", len(found), id), moreOfID)
	}
	a := &found[0]
	stored, err := q.Events(a.ID)
	if err != nil {
		return failed(err, "")
	}
	events := make([]detect.Event, len(stored))
	for i := range stored {
		events[i] = stored[i].Event
	}
	w := c.OutOrStdout()
	say := func(format string, args ...any) {
		if _, werr := fmt.Fprintf(w, format, args...); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	by := strings.Fields(a.SuppressedBy)
	if len(by) == 0 {
		say("%s (%s) is not suppressed.\n", a.ID, a.Rule)
	} else {
		say("%s (%s) is suppressed.\n", a.ID, a.Rule)
	}
	if len(allow.Entries()) == 0 {
		say("  the config's allowlist has no entry\n")
	}
	for i, e := range allow.Entries() {
		why := "covers it"
		if !slices.Contains(by, e.ID()) {
			if why = allow.WhyNot(i, &a.Alert, events); why == "" {
				why = "not all requests that may be part of it match"
			}
		}
		say("  %s  %s: %s\n", e.ID(), report.Show(e.Matches()), report.Show(why))
	}
	if err != nil {
		return failed(err, "")
	}
	return nil
}
