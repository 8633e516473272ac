package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

type acceptFlags struct {
	db, severity, reason, owner, expires string
	incidents                            []string
}

func acceptCommand() *cobra.Command {
	var f acceptFlags
	c := &cobra.Command{
		Use:   "accept FILE",
		Short: "Accept what was found, so that scan --new-only tells what is new",
		Long: `Add what the open alerts of the database are made of to a file of accepted findings, which
'litesoc scan --new-only --accepted FILE' leaves out. A finding is a rule, an actor, a
detector and, where it is one, a route: the next day's log has the same. It is accepted
up to the severity that it has now.

The file is YAML, to be kept beside the code and edited: what stands in it stays as it is.`,
		Example: `  litesoc accept --reason "known since the audit" --owner api-team accepted.yaml
  litesoc accept --incident inc_7b1b --reason "our load test" --expires 2026-12-31 accepted.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return accept(c, &f, args[0]) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.reason, "reason", "", "why: a `text`; must be given")
	flags.StringVar(&f.owner, "owner", "", "`who` answers for it")
	flags.StringVar(&f.expires, "expires", "", "last `day` on which it is accepted, by the log: 2026-12-31 (default: for ever)")
	flags.StringVar(&f.severity, "severity", "", "only alerts of this `severity` or below: low, medium, high, critical")
	flags.StringArrayVar(&f.incidents, "incident", nil, "only the alerts of the incident whose `id` begins so; repeatable")
	return c
}

func accept(c *cobra.Command, f *acceptFlags, file string) error {
	if strings.TrimSpace(f.reason) == "" {
		return misuse(`litesoc accept --reason "known since the audit" `+file, "accept: no --reason given")
	}
	if _, err := detect.ParseExpiry(f.expires); err != nil {
		return misuse("", "--expires: %w", err)
	}
	most := detect.Critical
	if f.severity != "" {
		var err error
		if most, err = detect.ParseSeverity(f.severity); err != nil {
			return misuse("", "--severity: %w", err)
		}
	}
	var known *report.Accepted
	text, err := readYAML(file, maxSettings)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		known, err = parseAccepted(text)
	}
	if err != nil {
		return misuse("it is to be a file of accepted findings, or one that is not there yet", "accept %s: %w", report.Show(file), err)
	}
	r, err := readReport(f.db, "", "")
	if err != nil {
		return err
	}
	named := map[string]bool{}
	var add []report.AcceptedFinding
	at := map[string]int{}
	for i := range r.Alerts {
		a := &r.Alerts[i]
		if report.Over(a.Status) || a.Severity > most || len(f.incidents) > 0 && !begun(f.incidents, a.IncidentID, named) {
			continue
		}
		for _, found := range r.Findings(a) {
			if known.Has(found.ID) {
				continue
			}
			found.Reason, found.Owner, found.Expires = f.reason, f.owner, f.expires
			n, twice := at[found.ID]
			if !twice {
				at[found.ID] = len(add)
				add = append(add, found)
				continue
			}
			if worst, err := detect.ParseSeverity(add[n].UpTo); err == nil && a.Severity > worst {
				add[n].UpTo = a.Severity.String()
			}
		}
	}
	for _, id := range f.incidents {
		if !named[id] {
			return failed(fmt.Errorf("accept: no open incident %q", id), incidentIDs.meantID(r, id, "'litesoc incidents list' has the ids"))
		}
	}
	if len(add) > 0 {
		out := appendAccepted(text, add)
		if _, err := parseAccepted(out); err != nil {
			return failed(fmt.Errorf("accept %s: nothing can be added to it: %w", file, err), "a list 'accepted:' must be the last thing in it")
		}
		if err := writeFile(file, out); err != nil {
			return failed(fmt.Errorf("accept: %w", err), "")
		}
	}
	fmt.Fprintf(c.ErrOrStderr(), "litesoc: %s accepted, added to %s\n", report.Plural(int64(len(add)), "finding", "findings"), report.Show(file))
	return nil
}

// appendAccepted returns the text of a file of accepted findings with more of them at its
// end. A text that stands there stays as it is, with its comments.
func appendAccepted(text []byte, add []report.AcceptedFinding) []byte {
	out := text
	if len(strings.TrimSpace(string(text))) == 0 {
		out = []byte("# Findings that are known and accepted: 'litesoc scan --new-only --accepted FILE'\n# leaves them out. Each must have a reason; it may have an owner and an expires.\naccepted:\n")
	} else if text[len(text)-1] != '\n' {
		out = append(out, '\n')
	}
	for _, f := range add {
		first := "  - "
		for _, field := range []struct{ name, value string }{
			{"finding", f.ID}, {"rule", f.Rule}, {"actor_type", f.ActorType}, {"actor", f.Actor}, {"detector", f.Detector}, {"route", f.Route},
			{"up_to", f.UpTo}, {"reason", f.Reason}, {"owner", f.Owner}, {"expires", f.Expires},
		} {
			if field.value != "" {
				// YAML reads it back as it is: a quoted text with escapes for all that is not ASCII.
				out = fmt.Appendf(out, "%s%s: %s\n", first, field.name, strconv.QuoteToASCII(field.value))
				first = "    "
			}
		}
	}
	return out
}

// readAccepted reads a file of accepted findings.
func readAccepted(file string) (*report.Accepted, error) {
	text, err := readYAML(file, maxSettings)
	if err != nil {
		return nil, misuse("'litesoc accept FILE' writes one", "accepted %s: %w", report.Show(file), err)
	}
	l, err := parseAccepted(text)
	if err != nil {
		return nil, misuse("", "accepted %s: %w", report.Show(file), err)
	}
	return l, nil
}

func parseAccepted(text []byte) (*report.Accepted, error) {
	var list struct {
		Accepted []report.AcceptedFinding `yaml:"accepted"`
	}
	if len(strings.TrimSpace(string(text))) > 0 {
		if err := yaml.UnmarshalWithOptions(text, &list, yaml.Strict()); err != nil {
			return nil, errors.New(report.ShowShort(yaml.FormatError(err, false, false), pageWidth)) // not what stands there: it may be a log
		}
	}
	return report.NewAccepted(list.Accepted)
}

// onlyNew leaves out of the report what is accepted, and tells of what is accepted and was
// not found.
func onlyNew(r *report.Report, l *report.Accepted) {
	all := len(r.Incidents)
	gone := r.OnlyNew(l)
	if left := all - len(r.Incidents); left > 0 {
		r.Run.Only = append(r.Run.Only, fmt.Sprintf("what is new: %s left out as accepted", report.Plural(int64(left), "incident is", "incidents are")))
	}
	if len(gone) == 0 || r.Run.Since != nil || r.Run.Until != nil {
		return
	}
	const most = 5
	var names []string
	for _, f := range gone[:min(len(gone), most)] {
		names = append(names, fmt.Sprintf("%s (%s by %s)", f.ID, f.Rule, report.Show(f.Actor)))
	}
	if more := len(gone) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	r.Run.Notes = append(r.Run.Notes, "accepted, but not found any more: "+strings.Join(names, ", "))
}
