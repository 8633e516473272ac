package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

type tailFlags struct {
	scanFlags
	from, out, keep, maxDB, metrics string
	noResume, poll                  bool
}

func tailCommand() *cobra.Command {
	f := tailFlags{scanFlags: scanFlags{memory: defaultMemory}}
	c := &cobra.Command{
		Use:   "tail PATH...",
		Short: "Follow logs and show alerts as they open",
		Long: `Follow logs and show alerts as they open.

PATH is a file, which need not be there yet, a folder, a pattern such as
'/var/log/nginx/*.log' (quoted, so that files join which come later), a named pipe,
or - for standard input. Logs are followed through rotation: renamed, emptied,
deleted, packed. A log that was read before goes on where that ended, also if it was
rotated meanwhile; any other begins where --from says. Archives (tar, zip) are not
followed: scan reads them.

What is read, judged and found is the same as with scan, and goes into the same
database, in short turns: other commands may use it meanwhile. Ctrl-C or SIGTERM
end it; it goes on from there when it is started again, also after a crash. SIGHUP
makes it read the config anew.

Alerts go to standard output: a live view on a terminal, else a line each. Reports
that --output names are written when it ends; 'litesoc report' writes them meanwhile.`,
		Example: `  litesoc tail /var/log/nginx/access.log
  litesoc tail --from start '/var/log/nginx/*.log'
  litesoc tail --output ndjson --keep 30d --max-db 2GB /var/log/nginx/
  litesoc tail --output html=report.html access.log
  journalctl -fu caddy -o cat | litesoc tail -`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("litesoc tail access.log", "tail: no path given")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runTail(c, &f, args) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	flags.StringVar(&f.format, "format", "", "`format` of all logs, as with scan (default: guessed)")
	flags.StringVar(&f.openAPI, "openapi", "", "OpenAPI `file` that says which routes there are (default: learned)")
	rulesFlag(c, &f.rules)
	intelFlag(c, &f.intel)
	flags.StringVar(&f.baseline, "baseline", "", "`file` of 'litesoc baseline export' to begin with, once")
	flags.StringVar(&f.from, "from", "end", "where a log begins that was not read before: start, end, a `time` or how long ago")
	flags.BoolVar(&f.noResume, "no-resume", false, "pass over what was written since logs were read before: --from says where they go on")
	flags.StringArrayVarP(&f.output, "output", "o", nil, "form of the alerts: live, text or ndjson (default: live on a terminal, else text); `FORMAT=FILE` is a report to write at the end, as with scan; repeatable")
	f.redact.add(c)
	flags.DurationVar(&f.lateness, "lateness", time.Minute, "how far a line may lie behind the lines before it and still be judged")
	flags.Float64Var(&f.minParsed, "min-parsed", 0.5, "say so if a smaller `share` of a log's lines can be read")
	flags.IntVar(&f.threads, "threads", 0, "number of threads to detect with (default: one)")
	flags.Var(&f.memory, "memory", "how much memory to keep to, about: a `size` such as 512MiB; with less, fewer callers are remembered")
	flags.BoolVar(&f.poll, "poll", false, "look for changes four times a second rather than be told of them: for network file systems")
	flags.StringVar(&f.keep, "keep", "", "how `long` requests are kept, such as 30d or 12h; what was found in them stays (default: for ever)")
	flags.StringVar(&f.maxDB, "max-db", "", "how `large` the database may grow, such as 500MB or 2GB: the oldest requests go first (default: no bound)")
	flags.StringVar(&f.metrics, "metrics", "", "loopback `address` to serve figures for Prometheus at, such as 127.0.0.1:9100 (default: none)")
	flags.BoolVar(&f.notify, "notify", false, "tell those named in the config of alerts that open or get worse")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no notes on stderr")
	return c
}

// follow reads what the flags say beside those of scan.
func (f *tailFlags) follow(args []string, stdin io.Reader, now time.Time) (source.FollowOptions, error) {
	o := source.FollowOptions{Stdin: stdin, Now: time.Now, Skip: f.noResume, Poll: f.poll, Grace: grace}
	switch f.from {
	case "start":
		if f.noResume {
			return o, misuse("scan reads again what has changed", "--no-resume with --from start would count lines twice")
		}
	case "end":
		o.AtEnd = true
	default:
		from, err := parseTime(f.from, now)
		if err != nil {
			return o, misuse(timeHint, "--from %q is neither start nor end: %w", f.from, err)
		}
		o.From = from
	}
	if slices.Contains(args, "-") && f.poll {
		return o, misuse("", "--poll is for files, not for standard input")
	}
	return o, nil
}

// limits are what a long run keeps to.
type limits struct {
	keep time.Duration // 0: for ever
	max  int64         // bytes; 0: no bound
}

func (f *tailFlags) limits() (l limits, err error) {
	if f.keep != "" {
		now := time.Unix(0, 0)
		at, err := parseTime(f.keep, now)
		if l.keep = now.Sub(at); err != nil || l.keep < time.Hour {
			return l, misuse("", "--keep %q is no time of an hour or more, such as 30d or 12h", f.keep)
		}
	}
	if f.maxDB != "" {
		if l.max, err = parseSize(f.maxDB); err != nil || l.max < 10e6 {
			return l, misuse("", "--max-db %q is no size of 10MB or more, such as 500MB or 2GB", f.maxDB)
		}
	}
	return l, nil
}

const (
	// grace is how long a line is waited for that lies before one that came already, as
	// long as nothing tells that its log needs longer. Should one come later all the
	// same, what was judged since the checkpoint is judged again.
	grace = 2 * time.Second
	// turnEvery is how often what was read is kept, and turnAlert how soon an alert is.
	turnEvery = 2 * time.Second
	turnAlert = 250 * time.Millisecond
	// turnShare is the share of time, one in so many, that the database is held at most.
	turnShare = 4
	// turnRest is how long the database is left alone for it at most: a turn that took long
	// because the machine stood still says nothing of the next one.
	turnRest = 30 * time.Second
	// turnRows is how many requests and rejects make a turn due, and maxHeld how many are
	// read while nothing can be kept: the logs hold the rest.
	turnRows = 40_000
	maxHeld  = 80_000
	// pollEvery is how often logs are looked at.
	pollEvery = 250 * time.Millisecond
	// saveEvery is how often the detectors' memory is kept, at the most, and saveShare the
	// share of time that it takes, one in so many.
	saveEvery = time.Minute
	saveShare = 30
	// expireEvery is how often it is looked at what has become too old or too much.
	expireEvery = time.Hour
	// anewEvery is how often logs that join may have everything judged anew.
	anewEvery = time.Hour
)

// A tail is one run of tail. Three things go on side by side: logs are read and requests
// put in order, those that are due are judged, and what was read and found is kept. The
// first is what its methods do, the second what advance begins and settle waits for, the
// third what turn begins and wait waits for. While requests are judged only that uses the
// pipeline and what is found; while a turn is under way only that uses the store.
//
// Requests are judged as soon as nothing before them is likely to come (Follower.Due),
// which is earlier than it is certain. What was found since the checkpoint is kept as
// provisional. The checkpoint is the detectors' memory as of a time before which nothing
// more can come: when a request shows that it was too early to judge, or the process is
// started again, the detectors go back to it and judge what is kept since then again. So
// what is found does not depend on when lines came.
type tail struct {
	job
	flags  *tailFlags
	given  tailFlags // without the config
	limits limits
	args   []string
	how    source.FollowOptions
	now    func() time.Time
	show   func(detect.Alert, bool) // an alert opened; or got worse, if again
	goesOn func(detect.Alert)       // an alert that was shown is about more requests
	post   *notifier                // nil: nobody is told

	follower *source.Follower
	sources  map[int]*parsers.Source
	mark     string // of the store, as this run left it

	more    bool            // the logs have more than the last round has read
	full    bool            // there is no room for more of them before a turn
	pending []*source.Batch // read and not kept yet
	held    int             // requests and rejects in them
	last    time.Time       // the greatest time of a request
	soon    time.Time       // all before it have been judged
	saved   time.Time       // of the checkpoint
	first   time.Time       // of the checkpoint that was there when it began
	expired bool            // requests were removed that could be judged again
	older   bool            // something lies before that checkpoint: all is to be judged anew
	behind  bool            // what was judged too early is to be judged again
	retract bool            // what the store has found since the checkpoint is void

	judging  chan struct{}  // closed once all is judged that advance was told to; nil: it is
	alerts   []detect.Alert // found meanwhile
	snapshot *snapshot      // to become the checkpoint
	saveNext time.Time
	judged   int64 // since the snapshot
	before   *store.Results
	after    *store.Results // found since the snapshot, or since the checkpoint if there is none
	unkept   *store.Results // found since the last turn
	told     map[string]told
	anewNext time.Time
	expireAt time.Time
	turning  *turn // that is under way; nil: none is
	turnNext time.Time
	turned   time.Time     // when the last turn ended
	took     time.Duration // how long it took
	opened   chan struct{} // there is something to be told of
	urgent   bool          // an alert has opened
	backOff  time.Duration
	stopped  error           // why nothing can be kept; nil: it can
	since    time.Time       // nothing can be kept
	said     bool            // that nothing can be kept
	begun    bool            // a log was
	unread   *source.Failure // the first; nil if there was none
	stats    tailStats
}

func runTail(c *cobra.Command, f *tailFlags, args []string) (err error) {
	given := *f
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	if err := cfg.fill(c.Flags(), &f.scanFlags); err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(f.memory.heap()))
	how, err := f.follow(args, c.InOrStdin(), time.Now())
	if err != nil {
		return err
	}
	bounds, err := f.limits()
	if err != nil {
		return err
	}
	if f.db == store.Memory && bounds != (limits{}) {
		return misuse("", "--keep and --max-db are for a database in a file")
	}
	reports, err := f.reports()
	if err != nil {
		return err
	}
	view, err := newView(c, f)
	if err != nil {
		return err
	}
	metrics, err := serveMetrics(f.metrics)
	if err != nil {
		return err
	}
	defer metrics.close()
	release, err := store.Own(f.db)
	if errors.Is(err, store.ErrFollowed) {
		return failed(err, "give it the other logs too, or choose another file with --db")
	}
	if err != nil {
		return unopened(err, "")
	}
	defer release()

	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	t := newTail(f, bounds, how, args)
	t.given, t.stderr = given, c.ErrOrStderr()
	t.show, t.goesOn = view.alert, view.goesOn
	if f.notify {
		if f.db == store.Memory {
			return misuse("", "--notify is for a database in a file")
		}
		if t.post, err = newNotifier(c, cfg); err != nil {
			return err
		}
		t.post.openAt(f.db)
		t.post.alone, t.opened = new(sync.Mutex), make(chan struct{}, 1)
	}
	if err := t.prepare(cfg); err != nil {
		return err
	}
	defer func() { t.geo.Close() }()
	if err := reports.spare(t.goesBy); err != nil {
		return err
	}
	if err := t.open(c.Context(), view); err != nil {
		return err
	}
	defer t.close()
	logs := slices.Clone(args)
	for _, s := range t.sources {
		logs = append(logs, s.Path)
	}
	if err := reports.aside(logs, nil); err != nil {
		return err
	}
	if t.post != nil {
		defer t.deliver(c.Context())()
	}
	for _, note := range t.notes {
		view.note(note)
	}
	view.begin(args)
	if err := t.watch(c, view, metrics, hup); err != nil {
		view.close()
		return err
	}
	ended := t.follower.Over()
	err = t.stop(view)
	view.end(t.status())
	if err != nil {
		return err
	}
	if err := reports.write(c, f, args, t.goesBy); err != nil || !ended || t.begun {
		return err
	}
	why := cmp.Or(t.unread, &source.Failure{Path: "-", Err: errors.New("empty")})
	return failed(fmt.Errorf("tail: no request could be read\n  %s: %s", report.Show(why.Path), report.Show(why.Err.Error())), why.Hint)
}

// watch goes from round to round until it is interrupted or no log can grow any more. A signal
// on reload has the config read anew.
func (t *tail) watch(c *cobra.Command, view *view, metrics *metrics, reload <-chan os.Signal) error {
	for c.Context().Err() == nil && !t.follower.Over() {
		began := time.Now()
		select {
		case <-reload:
			if err := t.reload(c, view); err != nil {
				view.note(fmt.Sprintf("the config is as it was: %v", err))
			} else {
				view.note("the config was read anew")
			}
		default:
		}
		if err := t.round(view); err != nil {
			return err
		}
		status := t.status()
		view.status(status)
		metrics.set(status)
		if t.more {
			continue
		}
		t.follower.Wait(c.Context(), pollEvery)
		// Events may come one after the other: it is enough to look ten times a second.
		if rest := pollEvery/2 - time.Since(began); rest > 0 && !t.full {
			pause(c.Context(), rest)
		}
	}
	return nil
}

// tailReports are what is written when a tail ends.
type tailReports struct {
	outputs
	folders []string // of tables
}

// reports parts the outputs into the form of the alerts and the reports.
func (f *tailFlags) reports() (r tailReports, err error) {
	var files []string
	for _, arg := range f.output {
		switch {
		case strings.Contains(arg, "="):
			files = append(files, arg)
		case f.out != "":
			return r, misuse("", "--output %s and --output %s: alerts have one form; reports go into files, as in html=report.html", f.out, arg)
		default:
			f.out = arg
		}
	}
	if err := f.redact.check(); err != nil || len(files) == 0 {
		return r, err
	}
	if f.db == store.Memory {
		return r, misuse("", "--output %s: reports at the end are for a database in a file", files[0])
	}
	r.outputs, r.folders, err = reportOutputs(files, &f.redact)
	return r, err
}

// write writes the reports of all that the database holds, but over no log, whenever that
// came. It is done also for who has pressed Ctrl-C: that is how a tail ends.
func (w tailReports) write(c *cobra.Command, f *tailFlags, args, goneBy []string) error {
	if len(w.outputs)+len(w.folders) == 0 {
		return nil
	}
	q, err := openQuery(f.db)
	if err != nil {
		return err
	}
	known, err := q.Known()
	if err := errors.Join(err, q.Close()); err != nil {
		return failed(err, "")
	}
	if err := cmp.Or(w.spare(goneBy), w.aside(args, known)); err != nil {
		return failed(err, "'litesoc report' writes it elsewhere")
	}
	c.SetContext(context.WithoutCancel(c.Context()))
	started := time.Now()
	r, err := readReport(f.db, "", "")
	if err != nil {
		return err
	}
	r.Run.Version, r.Run.Command, r.Run.DB, r.Run.Started, r.Run.Duration = version, "tail", f.db, started, time.Since(started)
	f.redact.apply(r)
	if err := w.outputs.write(r, c.OutOrStdout(), c.ErrOrStderr(), f.quiet); err != nil {
		return failed(err, "")
	}
	tables, err := exportTables(c, f.db, w.folders, r, store.Span{}, report.Filter{}, f.quiet)
	if err != nil {
		return err
	}
	return exported(c.Context(), f.db, "report.exported", append(w.files(), tables...)...)
}

// pause returns when d has passed or the context is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func newTail(f *tailFlags, l limits, how source.FollowOptions, args []string) *tail {
	t := &tail{flags: f, given: *f, limits: l, args: args, how: how, now: how.Now, told: map[string]told{},
		sources: map[int]*parsers.Source{}}
	t.job = job{flags: &f.scanFlags, started: how.Now(), results: store.NewResults()}
	t.show, t.goesOn = func(detect.Alert, bool) {}, func(detect.Alert) {}
	t.expireAt = how.Now().Add(time.Minute)
	return t
}
