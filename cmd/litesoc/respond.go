package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

type respondFlags struct {
	db, config, intel, since, severity, status, dir string
	incidents, alerts, formats                      []string
	opts                                            report.PlanOptions
	quiet                                           bool
}

func respondCommand() *cobra.Command {
	var f respondFlags
	c := &cobra.Command{
		Use:   "respond",
		Short: "Write what to do about the alerts: a plan, and files for tools",
		Long: `Write what to do about the open alerts of the database: networks to block, keys and tokens
to revoke, accounts to secure, people to tell. Nothing is carried out: review the files
and load them yourself.

Formats:
` + planFormatList() + `
A block ends a while after its alert was last active, by the log: an hour (low), 4 hours
(medium), a day (high) or a week (critical); --ttl sets it. Time-outs in files run from
the end of the log. Neighbours become one network where that adds no address; an IPv6
address stands for its /64.

Not blocked, and listed with the reason: trusted proxies, networks of
proxies that trusted_proxies knows by name, reserved addresses, what the allowlist names,
crawlers of search engines and relays as far as they are known, addresses that many share, the own address of an account that is attacked, and what a block would
have ended for. Addresses are taken from the field of the client alone.`,
		Example: `  litesoc respond
  litesoc respond --dir plan/ --severity high
  litesoc respond --incident inc_7b1b --output nginx-deny=deny.conf --output accounts-csv=accounts.csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return respond(c, &f) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	intelFlag(c, &f.intel)
	flags.StringArrayVarP(&f.formats, "output", "o", nil, "`FORMAT[=FILE]` to write; repeatable (default text)")
	flags.StringVar(&f.dir, "dir", "", "`folder` to write all formats into")
	flags.StringVar(&f.severity, "severity", "", "only alerts of this `severity` or above: info, low, medium, high, critical")
	flags.StringVar(&f.status, "status", "", "only alerts of this `status`: open, acknowledged, resolved, dismissed (default: open and acknowledged)")
	flags.StringArrayVar(&f.incidents, "incident", nil, "only the alerts of the incident whose `id` begins so; repeatable")
	flags.StringArrayVar(&f.alerts, "alert", nil, "only the alert whose `id` begins so; repeatable")
	flags.StringVar(&f.since, "since", "", "only alerts that went on at or after this `time`: "+timeHint)
	flags.DurationVar(&f.opts.TTL, "ttl", 0, "how long a block lasts after its alert was last active (default: by severity)")
	flags.IntVar(&f.opts.Aggregate, "aggregate", 0, "block a whole /24 of IPv4 (or /64 of IPv6) from `n` of its addresses on, where nobody else in it is known; 0 for none")
	flags.IntVar(&f.opts.IPv6Bits, "ipv6-prefix", 64, "`length` of the network that is blocked for an IPv6 address: 48 to 128")
	flags.IntVar(&f.opts.Shared, "shared", 5, "do not block an address on which `n` or more other actors are served; 0 blocks it all the same")
	flags.BoolVar(&f.opts.AllowReserved, "allow-reserved", false, "block private, carrier and documentation addresses, too, as clients of an internal API have")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no notes on stderr")
	return c
}

func planFormatNames() []string {
	var names []string
	for _, f := range report.PlanFormats() {
		names = append(names, f.Name)
	}
	return names
}

// planFormatList lists the formats of plans, a line each.
func planFormatList() string {
	var b strings.Builder
	for _, f := range report.PlanFormats() {
		fmt.Fprintf(&b, "  %-16s  %s\n", f.Name, f.Doc)
	}
	return b.String()
}

func respond(c *cobra.Command, f *respondFlags) error {
	outs, err := f.outputs()
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	site, err := cfg.site()
	if err != nil {
		return err
	}
	detectors, err := cfg.detectors()
	if err != nil {
		return err
	}
	set, _, err := cfg.ruleSet(nil)
	if err != nil {
		return err
	}
	allow, err := cfg.allowlist(detectors, set.Rules)
	if err != nil {
		return err
	}
	j := &job{flags: &scanFlags{intel: f.intel}}
	if err := j.openGeo(cfg); err != nil {
		return err
	}
	defer j.geo.Close()

	q, err := openQuery(f.db)
	if err != nil {
		return err
	}
	defer q.Close()
	if err := tellUnfinished(c, q, f.db); err != nil {
		return err
	}
	plan, err := f.plan(q, allow, site, j.geo.Lookup)
	if err != nil {
		return err
	}
	if plan.Through.IsZero() {
		return failed(fmt.Errorf("respond: database %q holds no request", f.db), "'litesoc scan' reads logs into it")
	}
	plan.Notes = append(plan.Notes, j.notes...)
	// Whoever reads the plan may take their time.
	if err := q.Close(); err != nil {
		return failed(err, "")
	}
	var exports []export
	for _, o := range outs {
		if o.file != "" {
			exports = append(exports, export{o.format.Name, o.file})
		}
	}
	if err := exportable(f.db, exports...); err != nil {
		return err
	}
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return failed(fmt.Errorf("--dir: %w", err), "")
		}
	}
	for _, o := range outs {
		if err := o.write(plan, c.OutOrStdout()); err != nil {
			return failed(fmt.Errorf("respond: %w", err), "")
		}
		if o.file != "" && !f.quiet {
			fmt.Fprintf(c.ErrOrStderr(), "litesoc: wrote %s\n", report.Show(o.file))
		}
	}
	return exported(c.Context(), f.db, "response.exported", exports...)
}

// check refuses options that make no sense.
func (f *respondFlags) check() error {
	o := &f.opts
	switch {
	case o.TTL < 0 || o.TTL > 0 && o.TTL < time.Second:
		return misuse("", "--ttl %s is shorter than a second", o.TTL)
	case o.Aggregate < 0 || o.Aggregate == 1:
		return misuse("", "--aggregate %d: one address makes no neighbours; 0 for none", o.Aggregate)
	case o.IPv6Bits < 48 || o.IPv6Bits > 128:
		return misuse("", "--ipv6-prefix %d is not within 48 and 128", o.IPv6Bits)
	case o.Shared < 0:
		return misuse("", "--shared %d is less than 0", o.Shared)
	}
	if f.status != "" && !slices.Contains([]string{report.Open, report.Acknowledged, report.Resolved, report.Dismissed}, f.status) {
		return misuse("", "--status %q: an alert is open, acknowledged, resolved or dismissed", f.status)
	}
	return nil
}

// plan makes the plan.
func (f *respondFlags) plan(q *store.Query, allow *detect.Allowlist, site *parsers.Site, origin func(string) *parsers.Origin) (*report.Plan, error) {
	least, span := detect.Info, store.Span{}
	var err error
	if f.severity != "" {
		if least, err = detect.ParseSeverity(f.severity); err != nil {
			return nil, misuse("", "--severity: %w", err)
		}
	}
	if span, err = parseSpan(f.since, "", time.Now()); err != nil {
		return nil, err
	}
	r, err := q.Report(store.Span{})
	if err != nil {
		return nil, failed(err, "")
	}
	var alerts []*report.Alert
	named := map[string]bool{}
	for i := range r.Alerts {
		a := &r.Alerts[i]
		if a.Actions == nil { // kept by an earlier version
			a.Actions = actionsOf(a.Rule)
		}
		if a.Severity < least || a.Last.Before(span.Since) || f.status == "" && report.Over(a.Status) || f.status != "" && a.Status != f.status {
			continue
		}
		byIncident, byAlert := begun(f.incidents, a.IncidentID, named), begun(f.alerts, a.ID, named)
		if len(f.incidents)+len(f.alerts) > 0 && !byIncident && !byAlert {
			continue
		}
		alerts = append(alerts, a)
	}
	for i, id := range slices.Concat(f.incidents, f.alerts) {
		if named[id] {
			continue
		}
		kind, hint := incidentIDs, "'litesoc incidents list' has the ids; --status tells which alerts are answered"
		if i >= len(f.incidents) {
			kind, hint = alertIDs, "'litesoc alerts list' has the ids; --status tells which are answered"
		}
		return nil, failed(fmt.Errorf("respond: nothing to answer has an id that begins with %q", id), kind.meantID(r, id, hint))
	}
	facts := report.NewPlanFacts(r, alerts)
	if facts.PlanTraces, err = q.Traces(facts); err != nil {
		return nil, failed(err, "")
	}
	facts.Active, facts.Trusted, facts.Allow, facts.Origin = q.Active, site.TrustsAny, allow, origin
	plan, err := report.NewPlan(facts, f.opts)
	if err != nil {
		return nil, failed(err, "")
	}
	return plan, nil
}

// begun tells whether the id begins with one of the texts, which it notes.
func begun(texts []string, id string, named map[string]bool) bool {
	found := false
	for _, text := range texts {
		if id != "" && strings.HasPrefix(id, text) {
			named[text] = true
			found = true
		}
	}
	return found
}

// actionsOf returns what a rule proposes.
func actionsOf(name string) []detect.Action {
	for _, r := range detect.Rules() {
		if r.Name == name {
			return r.Actions
		}
	}
	return nil
}

// A planOutput is one plan to write.
type planOutput struct {
	format *report.PlanFormat
	file   string // "" is stdout
}

func (o planOutput) write(p *report.Plan, stdout io.Writer) error {
	if o.file == "" && o.format.Name == "text" {
		return report.PlanText(stdout, p, widthOf(stdout))
	}
	var b bytes.Buffer
	if err := o.format.Write(&b, p); err != nil {
		return err
	}
	if o.file == "" {
		_, err := stdout.Write(b.Bytes())
		return err
	}
	return writeFile(o.file, b.Bytes())
}

// outputs reads --output and --dir.
func (f *respondFlags) outputs() ([]planOutput, error) {
	args := f.formats
	if len(args) == 0 && f.dir == "" {
		args = []string{"text"}
	}
	all := report.PlanFormats()
	var outs []planOutput
	for _, arg := range args {
		name, file, toFile := strings.Cut(arg, "=")
		if toFile && file == "" {
			return nil, misuse("", "--output %q: no file after '='", arg)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return nil, failed(fmt.Errorf("--output %q: no folder %q", arg, filepath.Dir(file)), "")
		}
		i := slices.IndexFunc(all, func(f *report.PlanFormat) bool { return f.Name == name })
		if i < 0 {
			return nil, misuse("'litesoc respond -h' lists them", "--output %q: no such format%s", arg, meant(name, planFormatNames()))
		}
		if toFile && slices.ContainsFunc(outs, func(o planOutput) bool { return o.file == file }) {
			return nil, misuse("", "--output %q: another format goes into that file", arg)
		}
		outs = append(outs, planOutput{all[i], file})
	}
	if f.dir != "" {
		for _, format := range all {
			outs = append(outs, planOutput{format, filepath.Join(f.dir, format.File)})
		}
	}
	return outs, nil
}
