package main

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
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

type scanFlags struct {
	db, config, format, openAPI, intel, since, until, failOn string
	accepted                                                 string
	baseline                                                 string
	output, rules                                            []string
	lateness                                                 time.Duration
	minParsed                                                float64
	threads                                                  int
	memory                                                   memory
	newOnly, notify, quiet                                   bool
	redact                                                   redactFlags
}

func scanCommand() *cobra.Command {
	f := scanFlags{memory: defaultMemory}
	c := &cobra.Command{
		Use:   "scan PATH...",
		Short: "Read logs, find attacks, keep everything, print the incidents",
		Long: `Read logs, find attacks, keep everything in the database and print the incidents.

PATH is a file, a folder (read with all below it), a pattern such as 'access.log*',
or - for standard input. Files may be compressed; their format is told by their
first lines. Rotated logs may be given in any order. A log that was read before is
read from where it ended, so scanning again changes nothing.

The report covers all that the database holds. --db :memory: keeps nothing.

Exit status: 0 nothing found at or above --fail-on, 1 could not finish or nothing
could be read, 2 wrong usage, 3 found.`,
		Example: `  litesoc scan access.log
  litesoc scan --db :memory: --fail-on high /var/log/nginx/
  litesoc scan --output text --output json=report.json access.log*
  zcat old.gz | litesoc scan -`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("litesoc scan access.log", "scan: no path given")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return scan(c, &f, args) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	flags.StringVar(&f.format, "format", "", "`format` of all logs: a name, an nginx log_format or Apache LogFormat string, a #Fields: line, or the path of an nginx.conf (default: guessed)")
	flags.StringVar(&f.openAPI, "openapi", "", "OpenAPI `file` that says which routes there are (default: learned)")
	rulesFlag(c, &f.rules)
	intelFlag(c, &f.intel)
	flags.StringVar(&f.baseline, "baseline", "", "`file` of 'litesoc baseline export' to begin with, once")
	flags.StringVar(&f.since, "since", "", "show what went on since then: a `time` or how long ago, such as 24h or 7d")
	flags.StringVar(&f.until, "until", "", "show what began before then: a `time` or how long ago")
	flags.StringArrayVarP(&f.output, "output", "o", nil, "`FORMAT[=FILE]` to write; repeatable (default text): "+formatNames())
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 3 if an incident that is neither resolved nor dismissed is of this `severity` or above: info (any), low, medium, high, critical")
	flags.DurationVar(&f.lateness, "lateness", time.Minute, "how far a line may lie behind the lines before it and still be judged")
	flags.Float64Var(&f.minParsed, "min-parsed", 0.5, "fail if a smaller `share` of a log's lines can be read")
	flags.Var(&f.memory, "memory", "how much memory to keep to, about: a `size` such as 512MiB; with less, fewer callers are remembered")
	flags.IntVar(&f.threads, "threads", 0, "number of threads to detect with (default: half the processors, 2 to 4)")
	flags.BoolVar(&f.newOnly, "new-only", false, "show only incidents that this run has opened or extended; with --accepted, those that are not accepted")
	flags.StringVar(&f.accepted, "accepted", "", "`file` of accepted findings, which --new-only leaves out; 'litesoc accept' writes it")
	flags.BoolVar(&f.notify, "notify", false, "tell those named in the config of alerts that this run has opened or made worse")
	f.redact.add(c)
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress and no notes on stderr")
	return c
}

func scan(c *cobra.Command, f *scanFlags, args []string) error {
	if f.threads == 0 {
		// Parsing, storing and the rest have threads of their own meanwhile.
		f.threads = min(max(runtime.GOMAXPROCS(0)/2, 2), runtime.GOMAXPROCS(0), 4)
	}
	j := &job{flags: f, started: time.Now(), stderr: c.ErrOrStderr(), results: store.NewResults()}
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	if err := cfg.fill(c.Flags(), f); err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(f.memory.heap()))
	w, err := f.want(c, cfg, j.started)
	if err != nil {
		return err
	}
	if err := j.prepare(cfg); err != nil {
		return err
	}
	defer j.geo.Close()
	if err := w.out.spare(j.goesBy); err != nil {
		return err
	}
	go hugePages(int(f.memory.heap())) // while the database is opened, which takes longer
	if j.store, err = openStore(c.Context(), f.db, f.memory); err != nil {
		return err
	}
	defer j.store.Close()
	if w.post != nil {
		w.post.of(j.store, f.db)
	}
	if err := j.look(c, args); err != nil {
		return err
	}
	logs := slices.Clone(args)
	for _, l := range j.plan.Logs {
		logs = append(logs, l.File.Path)
	}
	for _, d := range j.plan.Same {
		logs = append(logs, d.Path)
	}
	if err := w.out.aside(logs, j.opts.Known); err != nil {
		return err
	}
	var before map[string]time.Time
	if f.newOnly {
		if before, err = j.store.Incidents(); err != nil {
			return failed(err, "")
		}
	}
	j.progress = newProgress(j.stderr, f.quiet)
	err = j.run(c.Context())
	j.progress.done()
	if err != nil {
		return err
	}
	j.checkQuality()
	r, err := j.report(w, before)
	if err != nil {
		return err
	}
	// Whoever reads the report may take their time, or never read it to the end.
	if f.db != store.Memory {
		if err := j.store.Close(); err != nil {
			return failed(fmt.Errorf("database %q: %w", f.db, err), "")
		}
	}
	return j.tell(c, w, r)
}

// wanted is what a run of scan is to do with what it finds.
type wanted struct {
	out      outputs
	folders  []string // for tables
	span     store.Span
	accepted *report.Accepted // nil: nothing is left out for it
	failOn   detect.Severity  // negative: nothing found is a failure
	post     *notifier        // nil: nobody is told
}

// want reads the flags that say what is to be done with what is found.
func (f *scanFlags) want(c *cobra.Command, cfg *config, now time.Time) (*wanted, error) {
	w := &wanted{failOn: -1}
	if c.Flags().Changed("accepted") && !f.newOnly {
		return nil, misuse("litesoc scan --new-only --accepted "+f.accepted+" access.log", "--accepted is for --new-only")
	}
	var err error
	if f.accepted != "" && f.newOnly {
		if w.accepted, err = readAccepted(f.accepted); err != nil {
			return nil, err
		}
	}
	if w.out, w.folders, err = reportOutputs(f.output, &f.redact); err != nil {
		return nil, err
	}
	if f.db == store.Memory && len(w.folders) > 0 {
		return nil, misuse("name a file with --db", "--output parquet: tables are written from a database that is kept")
	}
	if w.span, err = parseSpan(f.since, f.until, now); err != nil {
		return nil, err
	}
	if f.failOn != "" {
		if w.failOn, err = detect.ParseSeverity(f.failOn); err != nil {
			return nil, misuse("", "--fail-on: %w", err)
		}
	}
	if f.notify {
		if w.post, err = newNotifier(c, cfg); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// look finds the logs that are to be read, and tells those that the database knows.
func (j *job) look(c *cobra.Command, args []string) error {
	stdin := c.InOrStdin()
	if slices.Contains(args, "-") {
		var reading context.Context
		reading, j.stopReading = context.WithCancel(c.Context())
		stdin = interruptible(reading, stdin)
	}
	files, notFound := source.Find(args, stdin)
	if err := j.store.SetLateness(j.flags.lateness); err != nil {
		return failed(err, "")
	}
	var err error
	if j.opts.Known, err = j.store.Known(); err != nil {
		return failed(err, "")
	}
	if j.flags.baseline != "" {
		if err := j.beginWith(j.flags.baseline); err != nil {
			return err
		}
	}
	j.opts.Kept = j.store.Kept
	j.plan = source.Look(files, j.opts)
	if c.Context().Err() != nil {
		return j.interrupted()
	}
	j.plan.Failures = slices.DeleteFunc(append(notFound, j.plan.Failures...), func(f source.Failure) bool {
		return ownDatabase(j.flags.db, f)
	})
	if len(j.plan.Logs) == 0 {
		return nothingToRead(j.plan)
	}
	return nil
}

// report returns what there is to tell, of what the database holds and of this run. before
// are the incidents that it held then; --new-only alone needs them.
func (j *job) report(w *wanted, before map[string]time.Time) (*report.Report, error) {
	r, err := j.store.Report(w.span)
	if err != nil {
		return nil, failed(err, "")
	}
	if r.Log.Parsed == 0 {
		return nil, nothingToRead(j.plan)
	}
	j.describe(r, w.span)
	if err := j.tellSuppressed(r); err != nil {
		return nil, failed(err, "")
	}
	switch {
	case w.accepted != nil:
		onlyNew(r, w.accepted)
	case j.flags.newOnly:
		keepNew(r, before)
	}
	return r, nil
}

// tell writes the report to where it is wanted, and returns the verdict.
func (j *job) tell(c *cobra.Command, w *wanted, r *report.Report) error {
	f := j.flags
	if w.post != nil {
		w.post.afterScan(c.Context(), f.quiet)
	}
	f.redact.apply(r)
	if err := w.out.write(r, c.OutOrStdout(), j.stderr, f.quiet); err != nil {
		return failed(err, "")
	}
	tables, err := exportTables(c, f.db, w.folders, r, w.span, report.Filter{}, f.quiet)
	if err != nil {
		return err
	}
	if err := exported(c.Context(), f.db, "report.exported", append(w.out.files(), tables...)...); err != nil {
		return err
	}
	return j.verdict(r, w.failOn)
}

// nothingToRead says why there is nothing to report on.
func nothingToRead(p *source.Plan) error {
	var lines []string
	hint := ""
	for _, path := range p.Empty {
		lines = append(lines, fmt.Sprintf("%s: empty", report.Show(path)))
	}
	for _, f := range p.Failures {
		lines = append(lines, fmt.Sprintf("%s: %s", report.Show(f.Path), report.Show(f.Err.Error())))
		if hint == "" {
			hint = f.Hint
		}
	}
	const most = 10
	if n := len(lines) - most; n > 0 {
		lines = append(lines[:most], fmt.Sprintf("and %d more", n))
	}
	return failed(fmt.Errorf("scan: no request could be read\n  %s", strings.Join(lines, "\n  ")), hint)
}

// checkQuality fails the logs of which too little could be read.
func (j *job) checkQuality() {
	for _, l := range j.plan.Logs {
		at := l.At
		lines := at.Lines - at.Skipped
		if at.Parsed > 0 && float64(at.Parsed) >= j.flags.minParsed*float64(lines) {
			continue
		}
		as := l.Source.Format
		if l.Guess != nil {
			as += ", the best guess"
		}
		err := fmt.Errorf("only %d of %d lines could be read as %s", at.Parsed, lines, as)
		if first, ok := l.FirstReject(); ok {
			err = fmt.Errorf("%w; the first that could not is line %d: %s: %s", err, first.Line, first.Reason, first.Sample)
		}
		if format, n := l.Mixed(); format != "" {
			err = fmt.Errorf("%w; %s could be read as %s", err, report.Plural(n, "line", "lines"), format)
		}
		j.plan.Failures = append(j.plan.Failures, source.Failure{
			Path: l.File.Path,
			Err:  err,
			Hint: "'litesoc formats detect FILE' tells what comes nearest; give the right --format, or --min-parsed " +
				"with a smaller share if the rest is no access log",
			Fatal: true,
		})
	}
}

// describe adds to the report what is true of this run only.
func (j *job) describe(r *report.Report, span store.Span) {
	run := &r.Run
	run.Version, run.Command, run.DB = version, "scan", j.flags.db
	run.Detectors = j.detectors
	run.FailOn, run.Settings = j.flags.failOn, j.thresholds
	run.Origins = j.geo.Line()
	run.Notes = append(run.Notes, j.notes...)
	for _, f := range j.geo.Faults() {
		run.Notes = append(run.Notes, fmt.Sprintf("%s is broken: some addresses are not told by it: %v", f.Source.Name, f.Err))
	}
	run.Started, run.Duration = j.started.UTC(), time.Since(j.started)
	run.Bound(span.Since, span.Until)
	for _, l := range j.plan.Logs {
		if l.Guess != nil && l.Guess.Columns() != "" {
			run.Notes = append(run.Notes, fmt.Sprintf("%s is of no known format and read by what its columns seem to hold: if that is wrong, or more is in them (a user, a key), give --format; %s",
				l.File.Path, l.Guess.Columns()))
		}
		n := l.New()
		s := report.Source{
			Path: l.File.Path, Format: l.Source.Format,
			Lines: n.Lines, Parsed: n.Parsed, Rejected: n.Rejected, Skipped: n.Skipped, Late: n.Late, Cut: n.Cut,
			First: l.Source.First, Last: l.At.Latest(), TotalLines: l.At.Lines,
		}
		switch {
		case l.Anew():
			s.Note = "read again: its format, the config or what is known of its first lines has changed"
		case l.Start.Lines == 0:
		case n.Lines == 0:
			s.Note = "read before"
		default:
			s.Note = fmt.Sprintf("read before up to line %d", l.Start.Lines)
		}
		top, other := l.Shapes()
		s.OtherShapes = other
		for _, t := range top {
			reason := t.Reason
			if t.As != "" {
				reason += "; it could be read as " + t.As
			}
			s.Shapes = append(s.Shapes, report.Shape{Text: t.Text, Count: t.Lines, Line: t.Line, Reason: reason, Sample: t.Sample})
		}
		if format, lines := l.Mixed(); format != "" && 100*lines >= n.Lines {
			run.Notes = append(run.Notes, fmt.Sprintf("%s holds another log too: %s that cannot be read as %s could be read as %s; "+
				"they were not looked at: put them into a file of their own",
				l.File.Path, report.Plural(lines, "line", "lines"), l.Source.Format, format))
		}
		for _, f := range l.Integrity() {
			s.Integrity = append(s.Integrity, report.Finding{
				Kind: string(f.Kind), Line: f.Line, To: f.To, FirstLine: f.FirstLine, FirstTo: f.FirstTo,
				At: f.From, Until: f.Until, More: f.More, Text: f.String(),
			})
		}
		run.Sources = append(run.Sources, s)
	}
	for _, d := range j.plan.Same {
		run.Notes = append(run.Notes, fmt.Sprintf("%s is the same log as %s", d.Path, d.As))
	}
	for _, path := range j.plan.Empty {
		run.Notes = append(run.Notes, path+" is empty")
	}
	if r.Log.Late > 0 {
		run.Notes = append(run.Notes, j.lateNote(r.Log.Late))
	}
	for _, note := range []string{proxyNote(&r.Log), clientNote(&r.Log), statusNote(&r.Log)} {
		if note != "" {
			run.Notes = append(run.Notes, note)
		}
	}
	if j.evicted > 0 {
		run.Notes = append(run.Notes, fmt.Sprintf("%d keys were forgotten early, to keep to --memory %s: slow patterns may have been missed; with more, they would be remembered", j.evicted, j.flags.memory))
	}
	if j.routesFull {
		run.Notes = append(run.Notes, "there are more different paths than are remembered: the routes of some are not told from names; an OpenAPI file or route_templates would tell")
	}
	switch {
	case len(j.opts.Known) == 0:
	case j.unfinished:
		run.Notes = append(run.Notes, "an earlier scan did not end: what it kept was judged together with the rest; what is odd about the logs themselves is told of the lines read now alone")
	case j.anew:
		run.Notes = append(run.Notes, "lines older than what was judged before came in, or settings changed: all kept requests were judged again")
	}
	if n := j.results.Reopened; n > 0 {
		run.Notes = append(run.Notes, report.Plural(int64(n), "alert that was resolved or dismissed has gone on: it is open again", "alerts that were resolved or dismissed have gone on: they are open again"))
	}
	for _, f := range j.plan.Failures {
		run.Failures = append(run.Failures, report.Failure{Path: f.Path, Error: f.Err.Error(), Hint: f.Hint})
	}
}

// tellSuppressed adds to the report how many alerts the allowlist keeps out of it.
func (j *job) tellSuppressed(r *report.Report) error {
	n, err := j.store.Suppressed()
	if err != nil || n == 0 {
		return err
	}
	alerts := "alerts are"
	if n == 1 {
		alerts = "alert is"
	}
	r.Run.Notes = append(r.Run.Notes, fmt.Sprintf("%d %s suppressed by the allowlist: 'litesoc allow list' tells by which of its entries", n, alerts))
	return nil
}

// proxyNote says what to do where most requests come from addresses that the internet does
// not route, or most of the first clients are edges of one CDN: what stands before the server then
// takes the blame for all who come through it. "" where they do not.
func proxyNote(l *report.Log) string {
	const least = 100 // requests
	var inside int64
	var most string
	edges := map[string]int64{} // clients by name of the CDN
	for _, c := range l.TopClients {
		addr, err := netip.ParseAddr(c.Name)
		if err != nil {
			continue
		}
		if !slices.Contains([]string{"private", "shared", "unique-local", "loopback"}, detect.ReservedRange(addr)) {
			set := parsers.ProxySetOf(addr)
			if edges[set]++; set != "" && l.Parsed >= least && 2*edges[set] > int64(len(l.TopClients)) {
				return fmt.Sprintf("most requests come through %s: whoever comes through one of its edges is one client, and their places are none; let the log have X-Forwarded-For and name %s in trusted_proxies ('litesoc init LOG' looks for it)", set, set)
			}
			continue
		}
		if inside += c.Count; most == "" {
			most = c.Name
		}
	}
	if l.Parsed < least || 2*inside <= l.Parsed {
		return ""
	}
	return fmt.Sprintf("most requests come from inside, %s first: if that is a proxy or load balancer of yours, whoever comes through it is one client; let the log have X-Forwarded-For and name it in trusted_proxies ('litesoc init LOG' looks for it)", most)
}

// clientNote says what cannot be told where no request has its client in the log, as many frameworks
// write it by themselves. "" where one has.
func clientNote(l *report.Log) string {
	if l.Parsed == 0 || l.Clients > 0 {
		return ""
	}
	return "no request stands in the log with the address of its client: guessing, scans and floods cannot be told in it, nor who is behind; let it have that, or scan the log of the proxy before it, and name the client in json_fields if its key is not known"
}

// statusNote says what cannot be told where most requests have no status in their log, as
// Fastify's, which has it in a line of its own. "" where they have.
func statusNote(l *report.Log) string {
	for _, s := range l.Statuses {
		if s.Name == "none" && 2*s.Count > l.Parsed {
			return "most requests stand in the log without a status: failed logins, missing paths and refusals cannot be told in them; let it have a request's path and status in one line, and name the status in json_fields if its key is not known"
		}
	}
	return ""
}

// lateNote says what to do about lines that came too late to be judged.
func (j *job) lateNote(late int64) string {
	note := fmt.Sprintf("%s further behind their log than --lateness %s, or far ahead of it: they are kept, but not judged", report.Plural(late, "request lies", "requests lie"), j.flags.lateness)
	if late == 1 {
		note = fmt.Sprintf("1 request lies further behind its log than --lateness %s, or far ahead of it: it is kept, but not judged", j.flags.lateness)
	}
	var lag time.Duration
	var leapt int64
	for _, l := range j.plan.Logs {
		lag = max(lag, l.Lag)
		leapt += l.Leapt
	}
	if leapt > 0 {
		note += fmt.Sprintf("; the clock leaps ahead and back at %s: look for wrong times there", report.Plural(leapt, "line", "lines"))
	}
	const most = 31 * 24 * time.Hour // a clock that jumps further is wrong, not late
	switch {
	case lag > most:
		note += "; their log's clock jumps by more than a month: look for wrong times in it"
	case lag > j.flags.lateness:
		note += fmt.Sprintf("; scan again with --lateness %s to judge them", lag.Truncate(time.Minute)+time.Minute)
	}
	return note
}

// keepNew leaves in the report the incidents that are not among those before, or
// have gone on since.
func keepNew(r *report.Report, before map[string]time.Time) {
	left := r.OnlyIncidents(func(i *report.Incident) bool {
		last, known := before[i.ID]
		return !known || i.Last.After(last)
	})
	if left > 0 {
		r.Run.Only = append(r.Run.Only, fmt.Sprintf("what is new: %s left out that this run did not extend", report.Plural(int64(left), "incident is", "incidents are")))
	}
}

// verdict turns what was found, and what could not be read, into an exit status.
func (j *job) verdict(r *report.Report, failOn detect.Severity) error {
	for _, f := range j.plan.Failures {
		if f.Fatal {
			return failed(fmt.Errorf("scan %s: %s", report.Show(f.Path), report.Show(f.Err.Error())), f.Hint)
		}
	}
	if failOn < 0 {
		return nil
	}
	for _, i := range r.Incidents {
		if i.Severity >= failOn && !report.Over(i.Status) {
			return &statusError{status: exitFound}
		}
	}
	return nil
}
