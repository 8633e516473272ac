package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

type reportFlags struct {
	db, since, until, severity string
	actor, ip                  string
	only                       report.Filter
	output                     []string
	redact                     redactFlags
	quiet, schema              bool
}

func reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report",
		Short: "Write a report of what the database holds, in any format",
		Long: "Write a report of what the database holds. No log is read.\n\nFormats:\n" + formatList() + `  parquet=DIR  tables events, alerts, incidents, requests and ips, as Parquet files

--output may be repeated, with =FILE each to write to a file. --schema prints the JSON
Schema of the format json.`,
		Example: `  litesoc report --since 7d
  litesoc report --severity high -o markdown=incidents.md -o csv=alerts.csv
  litesoc report --incident inc_7b1b -o stix
  litesoc report --redact -o html=report.html
  litesoc report --since 7d -o parquet=week/`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return writeReport(c, &f) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.since, "since", "", "only what went on at or after this `time`: "+timeHint)
	flags.StringVar(&f.until, "until", "", "only what began before this `time`")
	flags.StringVar(&f.severity, "severity", "", "only of this `severity` or above: info, low, medium, high, critical")
	flags.StringVar(&f.actor, "actor", "", "only by this `actor`: a user, key, token, session or address")
	flags.StringVar(&f.ip, "ip", "", "only from this `address` or network")
	flags.StringVar(&f.only.Status, "status", "", "only of this `status`: open, acknowledged, resolved, dismissed")
	flags.StringVar(&f.only.Incident, "incident", "", "only the incident whose `id` begins so")
	flags.StringArrayVarP(&f.output, "output", "o", nil, "`FORMAT[=FILE]` to write; repeatable (default text)")
	f.redact.add(c)
	flags.BoolVar(&f.schema, "schema", false, "print the JSON Schema of the format json, and nothing else")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no notes on stderr")
	return c
}

// formatList lists the formats of reports, a line each.
func formatList() string {
	var b strings.Builder
	for _, f := range report.All() {
		fmt.Fprintf(&b, "  %-9s  %s\n", f.Name, f.Doc)
	}
	return b.String()
}

func writeReport(c *cobra.Command, f *reportFlags) error {
	if f.schema {
		_, err := io.WriteString(c.OutOrStdout(), report.JSONSchema)
		return err
	}
	started := time.Now()
	out, folders, err := reportOutputs(f.output, &f.redact)
	if err != nil {
		return err
	}
	if f.severity != "" {
		if f.only.Least, err = detect.ParseSeverity(f.severity); err != nil {
			return misuse("", "--severity: %w", err)
		}
	}
	if f.actor != "" {
		f.only.Actors = append([]string{f.actor}, parsers.Fingerprints(f.actor)...)
	}
	if f.ip != "" {
		if f.only.Network, err = parseNetwork(f.ip); err != nil {
			return misuse("", "--ip %q: neither an address nor a network such as 203.0.113.0/24", f.ip)
		}
	}
	if status := []string{"", "open", "acknowledged", "resolved", "dismissed"}; !slices.Contains(status, f.only.Status) {
		return misuse("", "--status %q: an incident is open, acknowledged, resolved or dismissed", f.only.Status)
	}
	r, err := readReport(f.db, f.since, f.until)
	if err != nil {
		return err
	}
	files := out.files()
	for _, folder := range folders {
		files = append(files, export{"parquet", folder})
	}
	if err := exportable(f.db, files...); err != nil {
		return err
	}
	if f.only.Incident != "" && !slices.ContainsFunc(r.Incidents, func(in report.Incident) bool { return strings.HasPrefix(in.ID, f.only.Incident) }) {
		return failed(fmt.Errorf("report: no incident %q", f.only.Incident), incidentIDs.meantID(r, f.only.Incident, "'litesoc incidents list' has the ids"))
	}
	r.Run.Only = f.limits(r)
	r.Only(f.only)
	r.Run.Version, r.Run.Command, r.Run.DB, r.Run.Started, r.Run.Duration = version, "report", f.db, started, time.Since(started)
	span, err := parseSpan(f.since, f.until, started)
	if err != nil {
		return err
	}
	r.Run.Bound(span.Since, span.Until)
	f.redact.apply(r)
	if err := out.write(r, c.OutOrStdout(), c.ErrOrStderr(), f.quiet); err != nil {
		return failed(err, "")
	}
	tables, err := exportTables(c, f.db, folders, r, span, f.only, f.quiet)
	if err != nil {
		return err
	}
	if err := exported(c.Context(), f.db, "report.exported", append(out.files(), tables...)...); err != nil {
		return err
	}
	switch {
	case r.Run.Unfinished:
		return unfinished(f.db)
	case r.Log.Parsed == 0: // of which nothing can be said
		return failed(fmt.Errorf("database %q: no request is in it", f.db), "'litesoc scan' reads logs into it")
	}
	return nil
}

// limits says what the report is limited to, beside its time. An actor is told as the report
// has it: what was given may be a secret.
func (f *reportFlags) limits(r *report.Report) []string {
	var limits []string
	if f.severity != "" {
		limits = append(limits, "severity "+f.only.Least.String()+" or above")
	}
	if len(f.only.Actors) > 0 {
		who := "an actor of no event"
		for _, e := range r.Events {
			if slices.Contains(f.only.Actors, e.ActorID) {
				who = "actor " + e.ActorID
				break
			}
		}
		limits = append(limits, who)
	}
	if f.ip != "" {
		limits = append(limits, "from "+f.ip)
	}
	if f.only.Status != "" {
		limits = append(limits, "status "+f.only.Status)
	}
	if f.only.Incident != "" {
		limits = append(limits, "incident "+f.only.Incident)
	}
	return limits
}

// reportOutputs reads where a report goes, and into which folders its tables.
func reportOutputs(args []string, redact *redactFlags) (out outputs, folders []string, err error) {
	folders, others, err := parquetFolders(args)
	if err != nil {
		return nil, nil, err
	}
	if len(others) > 0 || len(folders) == 0 {
		if out, err = parseOutputs(others); err != nil {
			return nil, nil, err
		}
	}
	if err := redact.check(); err != nil {
		return nil, nil, err
	}
	if redact.on && len(folders) > 0 {
		return nil, nil, misuse("", "--output parquet: tables are as they are kept: --redact is for the other formats")
	}
	return out, folders, nil
}

// parquetFolders takes out of the outputs those that are folders of Parquet files.
func parquetFolders(args []string) (folders, others []string, err error) {
	for _, arg := range args {
		name, folder, _ := strings.Cut(arg, "=")
		switch {
		case name != "parquet":
			others = append(others, arg)
		case folder == "":
			return nil, nil, misuse("--output parquet=tables/", "--output %q: Parquet goes into a folder", arg)
		default:
			folders = append(folders, folder)
		}
	}
	return folders, others, nil
}

// exportTables writes the tables behind a report into each of the folders.
func exportTables(c *cobra.Command, db string, folders []string, r *report.Report, span store.Span, only report.Filter, quiet bool) ([]export, error) {
	var exports []export
	for _, folder := range folders {
		var written []string
		err := patiently(c.Context(), waitFor(db), func() (err error) {
			written, err = store.Export(c.Context(), db, folder, r, span, only)
			return err
		})
		if err != nil {
			return nil, failed(fmt.Errorf("output parquet: %w", err), "")
		}
		for _, file := range written {
			if !quiet {
				fmt.Fprintf(c.ErrOrStderr(), "litesoc: wrote %s\n", file)
			}
			exports = append(exports, export{"parquet", file})
		}
	}
	return exports, nil
}
