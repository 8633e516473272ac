package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/geo"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// defaultDB is the store in the working folder.
const defaultDB = "litesoc.duckdb"

// dbFlag adds --db to a command. Where neither it nor LITESOC_DB is given, the config says
// which database it is.
func dbFlag(c *cobra.Command, to *string) {
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("db") || os.Getenv("LITESOC_DB") != "" {
			return nil
		}
		path := ""
		if f := c.Flags().Lookup("config"); f != nil {
			path = f.Value.String()
		}
		cfg, err := readConfig(path)
		if err == nil && cfg.DB != "" {
			*to = cfg.DB
		}
		return err
	}
	fallback := os.Getenv("LITESOC_DB")
	if fallback == "" {
		fallback = defaultDB
	}
	c.Flags().StringVar(to, "db", fallback, "DuckDB `file` that keeps what is read (also LITESOC_DB)")
}

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
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 3 if an incident that is neither resolved nor dismissed is of this `severity` or above: low, medium, high or critical")
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

// job is one run of scan.
type job struct {
	flags     *scanFlags
	started   time.Time
	stderr    io.Writer
	store     *store.Store
	opts      *source.Options
	plan      *source.Plan
	routes    *parsers.RouteLearner
	geo       *geo.DB
	pipeline  *detect.Pipeline
	begin     func(detect.Sink) (*parsers.RouteLearner, *detect.Pipeline) // that remember nothing
	results   *store.Results
	order     source.Orderer
	all       []*detect.Detector
	detectors []string
	allow     *detect.Allowlist
	notes     []string

	thresholds []report.Setting
	settings   string        // what the detectors' memory depends on
	replay     *store.Replay // nil if nothing was kept before
	watermark  time.Time
	anew       bool // all kept requests are judged again
	progress   *progress
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
	cfg.fill(c.Flags(), f)
	debug.SetMemoryLimit(int64(f.memory.heap()))
	if c.Flags().Changed("accepted") && !f.newOnly {
		return misuse("litesoc scan --new-only --accepted "+f.accepted+" access.log", "--accepted is for --new-only")
	}
	var accepted *report.Accepted
	if f.accepted != "" && f.newOnly {
		if accepted, err = readAccepted(f.accepted); err != nil {
			return err
		}
	}
	out, folders, err := reportOutputs(f.output, &f.redact)
	if err != nil {
		return err
	}
	if f.db == store.Memory && len(folders) > 0 {
		return misuse("name a file with --db", "--output parquet: tables are written from a database that is kept")
	}
	span, err := parseSpan(f.since, f.until, j.started)
	if err != nil {
		return err
	}
	failOn := detect.Severity(-1)
	if f.failOn != "" {
		if failOn, err = detect.ParseSeverity(f.failOn); err != nil {
			return misuse("", "--fail-on: %w", err)
		}
	}
	var post *notifier
	if f.notify {
		if post, err = newNotifier(c, cfg); err != nil {
			return err
		}
	}
	if err := j.prepare(cfg); err != nil {
		return err
	}
	defer j.geo.Close()

	stdin := c.InOrStdin()
	if slices.Contains(args, "-") {
		stdin = interruptible(c.Context(), stdin)
	}
	files, notFound := source.Find(args, stdin)
	if j.store, err = openStore(f.db, f.memory); err != nil {
		return err
	}
	defer j.store.Close()
	if err := j.store.SetLateness(f.lateness); err != nil {
		return failed(err, "")
	}
	if j.opts.Known, err = j.store.Known(); err != nil {
		return failed(err, "")
	}
	if f.baseline != "" {
		if err := j.beginWith(f.baseline); err != nil {
			return err
		}
	}
	j.opts.Kept = j.store.Kept
	if post != nil {
		post.of(j.store, f.db)
	}
	j.plan = source.Look(files, j.opts)
	if c.Context().Err() != nil {
		return interrupted()
	}
	j.plan.Failures = append(notFound, j.plan.Failures...)
	if len(j.plan.Logs) == 0 {
		return nothingToRead(j.plan)
	}

	before, err := j.store.Incidents()
	if err != nil {
		return failed(err, "")
	}
	j.progress = newProgress(j.stderr, f.quiet)
	err = j.run(c.Context())
	j.progress.done()
	if err != nil {
		return err
	}
	j.checkQuality()
	r, err := j.store.Report(span)
	if err != nil {
		return failed(err, "")
	}
	if r.Log.Parsed == 0 {
		return nothingToRead(j.plan)
	}
	j.describe(r, span)
	if err := j.tellSuppressed(r); err != nil {
		return failed(err, "")
	}
	switch {
	case accepted != nil:
		onlyNew(r, accepted)
	case f.newOnly:
		keepNew(r, before)
	}
	// Whoever reads the report may take their time, or never read it to the end.
	if f.db != store.Memory {
		if err := j.store.Close(); err != nil {
			return failed(fmt.Errorf("database %q: %w", f.db, err), "")
		}
	}
	if post != nil {
		post.afterScan(c.Context(), f.quiet)
	}
	f.redact.apply(r)
	if err := out.write(r, c.OutOrStdout(), j.stderr, f.quiet); err != nil {
		return failed(err, "")
	}
	tables, err := exportTables(c, f.db, folders, r, span, report.Filter{}, f.quiet)
	if err != nil {
		return err
	}
	if err := exported(c.Context(), f.db, "report.exported", append(out.files(), tables...)...); err != nil {
		return err
	}
	return j.verdict(r, failOn)
}

// prepare compiles everything that lines are read and judged by.
func (j *job) prepare(cfg *config) error {
	site, err := cfg.site()
	if err != nil {
		return err
	}
	least, err := cfg.leastNames()
	if err != nil {
		return err
	}
	routes, err := detect.NewRouteMap(cfg.Routes)
	if err != nil {
		return misuse("", "config: routes: %w", err)
	}
	formats, err := cfg.formats(j.flags.format)
	if err != nil {
		return err
	}
	detectors, err := cfg.detectors()
	if err != nil {
		return err
	}
	j.all = detectors
	for _, d := range detectors {
		j.detectors = append(j.detectors, d.Name)
		d.MaxKeys = j.flags.memory.keys()
		d.Flags.VisitAll(func(f *flag.Flag) {
			_, usage := flag.UnquoteUsage(f)
			j.thresholds = append(j.thresholds, report.Setting{Detector: d.Name, Name: f.Name, Value: f.Value.String(), Doc: usage})
		})
	}
	if err := j.openGeo(cfg); err != nil {
		return err
	}
	set, _, err := cfg.ruleSet(j.flags.rules)
	if err != nil {
		return err
	}
	j.settings = settingsOf(detectors, set.Rules, cfg, least, j.geo.Digest())
	if j.allow, err = cfg.allowlist(detectors, set.Rules); err != nil {
		return err
	}
	judging, rules, threads, lookup := j.allow.Detectors(detectors), j.allow.Rules(set.Rules), max(j.flags.threads, 1), j.geo.Lookup
	j.begin = func(sink detect.Sink) (*parsers.RouteLearner, *detect.Pipeline) {
		routes := parsers.NewRouteLearner(least, site.Routes())
		p := detect.NewPipeline(routes, judging, rules, threads, sink)
		p.Origins = lookup
		return routes, p
	}
	j.routes, j.pipeline = j.begin(j.results.Sink())
	j.opts = &source.Options{Site: site, Formats: formats, Lateness: j.flags.lateness}
	j.opts.Enrich = func(requests []parsers.Request) {
		j.geo.Locate(requests)
		for i := range requests {
			r := &requests[i]
			r.Event = routes.Classify(r)
			if r.User == "" {
				r.User = detect.LoginAccount(r)
			}
			r.Declared = site.Declared(r.Method, r.Shape)
			r.Allowed = j.allow.Requests(r)
		}
	}
	return nil
}

// settingsOf names everything that the detectors' memory depends on beside the
// requests. Memory made under other settings is of no use.
func settingsOf(detectors []*detect.Detector, rules []*detect.Rule, c *config, leastNames int, origins string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %v %d %s\n", version, c.Routes, c.Operations, leastNames, origins)
	for _, e := range c.Allowlist {
		fmt.Fprintln(h, e.ID(), e.Expires)
	}
	for _, d := range detectors {
		fmt.Fprintln(h, d.Name, d.MaxKeys)
		d.Flags.VisitAll(func(f *flag.Flag) { fmt.Fprintln(h, f.Name, f.Value) })
	}
	for _, r := range rules {
		fmt.Fprintf(h, "%s\n%v\n", r.YAML(), r.Silent())
	}
	for _, name := range slices.Sorted(maps.Keys(c.Lists)) {
		fmt.Fprintf(h, "%q %q\n", name, c.Lists[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// openGeo opens what tells where addresses are. What cannot be read is left out, and told.
func (j *job) openGeo(cfg *config) (err error) {
	dir := cmp.Or(j.flags.intel, cfg.Intel, defaultIntel())
	j.geo, err = geo.Open(geo.Config{Files: cfg.MMDB, Intel: dir, Directories: geo.Directories()})
	if err != nil && len(cfg.MMDB) > 0 {
		return failed(err, "see 'mmdb' in the config")
	}
	if err != nil {
		j.notes = append(j.notes, "not used to tell where addresses are: "+err.Error())
	}
	for _, err := range j.geo.Skipped() {
		j.notes = append(j.notes, "not used to tell where addresses are: "+err.Error())
	}
	return nil
}

// atlas is what tells where addresses are, in the store's terms.
func (j *job) atlas() *store.Atlas {
	return &store.Atlas{
		Name:    j.geo.Digest(),
		Checked: j.geo.Checked(),
		Lookup:  j.geo.Lookup,
		Country: func(code string) string {
			c, _ := geo.CountryOf(code)
			return c.Name
		},
	}
}

func openStore(path string, m memory) (*store.Store, error) {
	s, err := store.OpenWithin(path, int64(m.database()))
	if errors.Is(err, store.ErrBusy) {
		return nil, failed(err, "wait until it is done, or choose another file with --db")
	}
	if err != nil {
		return nil, failed(err, "")
	}
	return s, nil
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

// run reads, keeps and judges.
func (j *job) run(ctx context.Context) error {
	streams, err := j.streams()
	if err != nil {
		return failed(err, "")
	}
	if j.replay != nil {
		defer j.replay.Close()
	}
	merger := source.NewMerger(streams, j.watermark, j.broke)
	err = j.pump(ctx, merger)
	if ctx.Err() != nil {
		if err == nil { // it came when all was read
			err = j.store.Flush()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			return failed(fmt.Errorf("scan: interrupted, and what was read last is not kept: %w", err), "run it again to go on")
		}
		return interrupted()
	}
	if err != nil {
		return failed(fmt.Errorf("scan: %w", err), "")
	}
	if err := j.finish(merger.Watermark()); err != nil {
		return failed(fmt.Errorf("scan: %w", err), "")
	}
	return nil
}

func interrupted() error {
	return failed(errors.New("scan: interrupted"), "what was read is kept: run it again to go on")
}

// interruptible returns what r gives, and the context's error once that is done: a read
// from a terminal or a pipe may wait for ever.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(in, struct{ io.Reader }{r}, make([]byte, 128<<10))
		in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	return out
}

// streams decides from where on requests are judged: from the checkpoint if nothing
// that is read now lies before it, else from the beginning. What is kept and lies
// after that point is judged together with what is new.
func (j *job) streams() ([]source.Stream, error) {
	watermark, settings, err := j.store.Checkpoint()
	if err != nil {
		return nil, err
	}
	j.anew = settings != j.settings
	var streams []source.Stream
	sources := map[int]*parsers.Source{}
	for _, k := range j.opts.Known {
		sources[k.Source.ID] = &k.Source
	}
	for _, l := range j.plan.Logs {
		if l.Anew() {
			if err := j.store.Drop(l.Source.ID); err != nil {
				return nil, err
			}
		}
		sources[l.Source.ID] = l.Source
		if l.Over() {
			continue
		}
		if l.Anew() || l.Voids() || l.Bound().Before(watermark) {
			j.anew = true
		}
		streams = append(streams, l)
	}
	if j.anew {
		if err := j.store.Forget(); err != nil {
			return nil, err
		}
		watermark = time.Time{}
	} else if err := j.store.States(j.pipeline.Load); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	changes, err := j.store.Changes()
	if err != nil {
		return nil, err
	}
	changes, notes := underSettings(changes, j.all)
	j.notes = append(j.notes, notes...)
	j.pipeline.Plan(changes, watermark)
	j.watermark = watermark
	if len(j.opts.Known) == 0 {
		return streams, nil
	}
	if j.replay, err = j.store.Replay(watermark, j.flags.lateness, sources); err != nil {
		return nil, err
	}
	return append(streams, j.replay), nil
}

// broke records that a log ended before its end.
func (j *job) broke(s source.Stream, err error) {
	path := "the database"
	if l, ok := s.(*source.Log); ok {
		path = l.File.Path
	}
	j.plan.Failures = append(j.plan.Failures, source.Failure{Path: path, Err: err, Fatal: true,
		Hint: "what could be read before that is in the report"})
}

// together is how many batches are judged at once, where so many wait: to begin and to end
// costs the detectors as much for one.
const together = 8

// pump leads batches from the logs to the store and to the detectors, which work side
// by side.
func (j *job) pump(ctx context.Context, merger *source.Merger) error {
	const ahead = 16 // batches one stage may be ahead of the next: the store pauses at times
	toRows, toJudge := make(chan *source.Batch, ahead), make(chan *source.Batch, ahead)
	toStore := make(chan *store.Rows, ahead)
	var unkept error
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(toRows)
		defer close(toJudge)
		for {
			b, err := merger.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if b.Log == nil {
				j.opts.Enrich(b.Requests) // what a route means may have been set otherwise since
			}
			j.progress.add(b)
			b.Lend(2)
			for _, to := range []chan *source.Batch{toRows, toJudge} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	})
	g.Go(func() error {
		defer close(toStore)
		for b := range toRows {
			if b.Log == nil { // kept already
				b.Done()
				continue
			}
			select {
			case toStore <- j.store.Rows(b):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		for rows := range toStore {
			if err := j.store.Add(rows); err != nil {
				return err
			}
			rows.Batch.Done()
		}
		if ctx.Err() == nil {
			return nil // what is not committed yet belongs to the last transaction
		}
		unkept = j.store.Flush() // what an interrupted run has read
		return unkept
	})
	g.Go(func() error {
		for b := range toJudge {
			j.order.Add(b)
			for range min(len(toJudge), together-1) {
				b = <-toJudge
				j.order.Add(b)
			}
			j.pipeline.Advance(j.order.Release(b.Watermark), b.Watermark)
		}
		return nil
	})
	err := g.Wait()
	return cmp.Or(unkept, err)
}

// finish keeps the detectors' memory as of the watermark, then lets them say what
// they would if the log ended here.
func (j *job) finish(watermark time.Time) error {
	j.pipeline.Advance(j.order.Release(watermark), watermark)
	saved := make(chan piece, 64)
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error {
		if err := j.store.BeginResults(watermark, j.settings, j.anew); err != nil {
			return err
		}
		for p := range saved {
			if err := j.store.SaveState(p.Stage, p.Saved); err != nil {
				return err
			}
		}
		return j.store.SetOrigins(j.atlas())
	})
	g.Go(func() error {
		err := j.pipeline.Save(func(stage string, s keyed.Saved) error {
			select {
			case saved <- piece{stage, s}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		close(saved)
		if err != nil {
			return err
		}
		j.results.Ending()
		if rest := j.order.Drain(); len(rest) > 0 {
			j.pipeline.Advance(rest, rest[len(rest)-1].Time.Add(time.Microsecond))
		}
		j.pipeline.Flush()
		return j.pipeline.Err()
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if err := j.store.SetRoutes(j.routes); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	return j.store.Finish(j.results)
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
	if !span.Since.IsZero() {
		run.Since = &span.Since
	}
	if !span.Until.IsZero() {
		run.Until = &span.Until
	}
	for _, l := range j.plan.Logs {
		n := l.New()
		s := report.Source{
			Path: l.File.Path, Format: l.Source.Format,
			Lines: n.Lines, Parsed: n.Parsed, Rejected: n.Rejected, Skipped: n.Skipped, Late: n.Late, Cut: n.Cut,
			First: l.Source.First, Last: l.At.Last, TotalLines: l.At.Lines,
		}
		switch {
		case l.Anew():
			s.Note = "read again: its format or the config has changed"
		case l.Start.Lines == 0:
		case n.Lines == 0:
			s.Note = "read before"
		default:
			s.Note = fmt.Sprintf("read before up to line %d", l.Start.Lines)
		}
		top, other := l.Shapes()
		s.OtherShapes = other
		for _, t := range top {
			s.Shapes = append(s.Shapes, report.Shape{Text: t.Text, Count: t.Lines, Line: t.Line, Reason: t.Reason, Sample: t.Sample})
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
	if st := j.pipeline.Stats(); st.Evicted > 0 {
		run.Notes = append(run.Notes, fmt.Sprintf("%d keys were forgotten early, to keep to --memory %s: slow patterns may have been missed; with more, they would be remembered", st.Evicted, j.flags.memory))
	}
	if j.routes.Full() {
		run.Notes = append(run.Notes, "there are more different paths than are remembered: the routes of some are not told from names; an OpenAPI file or route_templates would tell")
	}
	if j.anew && len(j.opts.Known) > 0 {
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

// lateNote says what to do about lines that came too late to be judged.
func (j *job) lateNote(late int64) string {
	note := fmt.Sprintf("%d requests lie further behind their log than --lateness %s: they are kept, but not judged", late, j.flags.lateness)
	var lag time.Duration
	for _, l := range j.plan.Logs {
		lag = max(lag, l.Lag)
	}
	if lag > j.flags.lateness {
		note += fmt.Sprintf("; scan again with --lateness %s to judge them", lag.Truncate(time.Minute)+time.Minute)
	}
	return note
}

// keepNew leaves in the report the incidents that are not among those before, or
// have gone on since.
func keepNew(r *report.Report, before map[string]time.Time) {
	kept := r.Incidents[:0]
	for _, i := range r.Incidents {
		if last, known := before[i.ID]; !known || i.Last.After(last) {
			kept = append(kept, i)
		}
	}
	r.Incidents = kept
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

// An output is one report to write.
type output struct {
	format *report.Format
	file   string // "" is stdout
}

type outputs []output

// formatNames are the names of the formats of reports, in a sentence, with the tables that
// go into a folder.
func formatNames() string {
	var names []string
	for _, f := range report.All() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ") + ", parquet=DIR"
}

func parseOutputs(args []string) (outputs, error) {
	if len(args) == 0 {
		args = []string{"text"}
	}
	var out outputs
next:
	for _, arg := range args {
		name, file, toFile := strings.Cut(arg, "=")
		if toFile && file == "" {
			return nil, misuse("", "--output %q: no file after '='", arg)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return nil, failed(fmt.Errorf("--output %q: no folder %q", arg, filepath.Dir(file)), "")
		}
		for _, f := range report.All() {
			if f.Name == name {
				out = append(out, output{f, file})
				continue next
			}
		}
		return nil, misuse("", "--output %q: the formats are %s", arg, formatNames())
	}
	return out, nil
}

// files are the outputs that go into files.
func (out outputs) files() []export {
	var files []export
	for _, o := range out {
		if o.file != "" {
			files = append(files, export{o.format.Name, o.file})
		}
	}
	return files
}

// write writes all outputs. A file appears whole or not at all.
func (out outputs) write(r *report.Report, stdout, stderr io.Writer, quiet bool) error {
	for _, o := range out {
		var b bytes.Buffer
		if err := o.format.Write(&b, r, lookOf(stdout, o.file)); err != nil {
			return fmt.Errorf("output %s: %w", o.format.Name, err)
		}
		if o.file == "" {
			if _, err := stdout.Write(b.Bytes()); err != nil {
				return fmt.Errorf("output %s: %w", o.format.Name, err)
			}
			continue
		}
		if err := writeFile(o.file, b.Bytes()); err != nil {
			return fmt.Errorf("output %s: %w", o.format.Name, err)
		}
		if !quiet {
			fmt.Fprintf(stderr, "litesoc: wrote %s\n", o.file)
		}
	}
	return nil
}

// writeFile writes a file whole or not at all. A device or a pipe is written to, and
// what a link leads to is replaced, not the link.
func writeFile(path string, content []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, content, 0o600)
	}
	return replaceFile(path, func(tmp *os.File) error {
		_, err := tmp.Write(content)
		return err
	})
}

// replaceFile puts what write makes of an empty file in the place of the file at path, or
// leaves that as it is. What a link leads to is replaced, not the link.
func replaceFile(path string, write func(tmp *os.File) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := write(tmp); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
