package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strconv"
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
	var f tailFlags
	c := &cobra.Command{
		Use:   "tail PATH...",
		Short: "Follow logs and show alerts as they open",
		Long: `Follow logs and show alerts as they open.

PATH is a file, which need not be there yet, a folder, a pattern such as
'/var/log/nginx/*.log' (quoted, so that files join which come later), a named pipe,
or - for standard input. Logs are followed through rotation: renamed, emptied,
deleted, packed. A log that was read before goes on where that ended, also if it was
rotated meanwhile; any other begins where --from says.

What is read, judged and found is the same as with scan, and goes into the same
database, in short turns: other commands may use it meanwhile. Ctrl-C or SIGTERM
end it; it goes on from there when it is started again, also after a crash. SIGHUP
makes it read the config anew.

Alerts go to standard output: a live view on a terminal, else a line each.`,
		Example: `  litesoc tail /var/log/nginx/access.log
  litesoc tail --from start '/var/log/nginx/*.log'
  litesoc tail --output ndjson --keep 30d --max-db 2GB /var/log/nginx/
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
	flags.StringVar(&f.from, "from", "end", "where a log begins that was not read before: start, end, a `time` or how long ago")
	flags.BoolVar(&f.noResume, "no-resume", false, "pass over what was written since logs were read before: --from says where they go on")
	flags.StringVarP(&f.out, "output", "o", "", "`form` of the alerts: live, text or ndjson (default: live on a terminal, else text)")
	flags.DurationVar(&f.lateness, "lateness", time.Minute, "how far a line may lie behind the lines before it and still be judged")
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
		if l.max, err = parseSize(f.maxDB); err != nil || l.max < 10<<20 {
			return l, misuse("", "--max-db %q is no size of 10MB or more, such as 500MB or 2GB", f.maxDB)
		}
	}
	return l, nil
}

// parseSize reads a number of bytes such as 2GB or 500MiB.
func parseSize(text string) (int64, error) {
	upper := strings.ToUpper(strings.TrimSpace(text))
	for _, u := range []struct {
		name string
		size float64
	}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"B", 1}, {"", 1}} {
		if number, ok := strings.CutSuffix(upper, u.name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err != nil || !(n > 0 && n*u.size < 1<<60) {
				return 0, fmt.Errorf("%q is no size", text)
			}
			return int64(n * u.size), nil
		}
	}
	return 0, fmt.Errorf("%q is no size", text)
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
	// turnRows is how many requests and rejects make a turn due, and maxHeld how many are
	// read while nothing can be kept: the logs hold the rest.
	turnRows = 40_000
	maxHeld  = 60_000
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

// A tail is one run of tail. All of it is one goroutine's, but for what serves metrics.
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
	limits limits
	args   []string
	how    source.FollowOptions
	now    func() time.Time
	show   func(detect.Alert, bool) // an alert opened; or got worse, if again
	post   *notifier                // nil: nobody is told

	follower *source.Follower
	sources  map[int]*parsers.Source
	mark     string // of the store, as this run left it

	more    bool            // the logs have more than the last round has read
	pending []*source.Batch // read and not kept yet
	held    int             // requests and rejects in them
	last    time.Time       // the greatest time of a request
	soon    time.Time       // all before it have been judged
	saved   time.Time       // of the checkpoint
	behind  bool            // what was judged too early is to be judged again
	retract bool            // what the store has found since the checkpoint is void

	snapshot *snapshot // to become the checkpoint
	saveNext time.Time
	judged   int64 // since the snapshot
	before   *store.Results
	after    *store.Results // found since the snapshot, or since the checkpoint if there is none
	unkept   *store.Results // found since the last turn
	told     map[string]told
	anewNext time.Time
	expireAt time.Time
	turnNext time.Time
	turned   time.Time     // when the last turn ended
	opened   chan struct{} // there is something to be told of
	urgent   bool          // an alert has opened
	backOff  time.Duration
	stopped  error     // why nothing can be kept; nil: it can
	since    time.Time // nothing can be kept
	said     bool      // that nothing can be kept
	stats    tailStats
}

// told is how an alert was shown.
type told struct {
	severity detect.Severity
	last     time.Time
}

// tailStats are what a run has done.
type tailStats struct {
	Lines, Requests, Rejected, Late, Early int64
	Alerts                                 [detect.Critical + 1]int64
	Turns, Failed, Again                   int64
	TurnTime, SaveTime                     time.Duration
	Saves                                  int64
	StateBytes                             int64
	Expired                                int64
	actors                                 actors
	rate                                   rate
}

func runTail(c *cobra.Command, f *tailFlags, args []string) (err error) {
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	cfg.fill(c.Flags(), &f.scanFlags)
	debug.SetMemoryLimit(int64(f.memory.heap()))
	how, err := f.follow(args, c.InOrStdin(), time.Now())
	if err != nil {
		return err
	}
	limits, err := f.limits()
	if err != nil {
		return err
	}
	if f.db == store.Memory && (limits != struct {
		keep time.Duration
		max  int64
	}{}) {
		return misuse("", "--keep and --max-db are for a database in a file")
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
		return failed(err, "")
	}
	defer release()

	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	t := newTail(f, limits, how, args)
	t.stderr = c.ErrOrStderr()
	t.show = view.alert
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
	if err := t.open(c.Context(), view); err != nil {
		return err
	}
	defer t.close()
	if t.post != nil {
		defer t.deliver(c.Context())()
	}
	for _, note := range t.notes {
		view.note(note)
	}
	view.begin(args)
	for c.Context().Err() == nil && !t.follower.Over() {
		began := time.Now()
		select {
		case <-hup:
			if err := t.reload(c, view); err != nil {
				view.note(fmt.Sprintf("the config is as it was: %v", err))
			} else {
				view.note("the config was read anew")
			}
		default:
		}
		if err := t.round(view); err != nil {
			view.close()
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
		if rest := pollEvery/2 - time.Since(began); rest > 0 {
			pause(c.Context(), rest)
		}
	}
	err = t.stop(view)
	view.end(t.status())
	return err
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
	t := &tail{flags: f, limits: l, args: args, how: how, now: how.Now, told: map[string]told{},
		sources: map[int]*parsers.Source{}}
	t.job = job{flags: &f.scanFlags, started: how.Now(), results: store.NewResults()}
	t.show = func(detect.Alert, bool) {}
	t.expireAt = how.Now().Add(time.Minute)
	return t
}

// notes tells a person what to know.
type notes interface{ note(string) }

// open opens the store, waits for it if another process has it, and begins to follow.
func (t *tail) open(ctx context.Context, say notes) (err error) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		t.store, err = store.OpenWithin(t.flags.db, int64(t.flags.memory.database()))
		if !errors.Is(err, store.ErrBusy) {
			break
		}
		if wait == 400*time.Millisecond {
			say.note(err.Error() + ": waiting")
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return failed(err, "")
		}
	}
	if err != nil {
		return failed(err, "")
	}
	err = t.resume(say)
	if err == nil {
		t.mark, err = t.store.Mark()
	}
	if err == nil {
		err = t.leave()
	}
	if err != nil {
		return failed(fmt.Errorf("tail: %w", err), "")
	}
	return nil
}

// leave gives the store to others until the next turn.
func (t *tail) leave() error {
	if t.flags.db == store.Memory {
		return nil
	}
	return t.store.Close()
}

// resume goes on from what the store holds, which is open.
func (t *tail) resume(say notes) error {
	if err := t.store.SetLateness(t.flags.lateness); err != nil {
		return err
	}
	if err := t.refollow(say); err != nil {
		return err
	}
	return t.restore()
}

// close gives everything back, as a kill would.
func (t *tail) close() {
	if t.follower != nil {
		t.follower.Close()
	}
	t.store.Close()
}

// join begins to read what has been found; all that was read before is kept, in the
// store, which is open.
func (t *tail) join(say notes) (err error) {
	if t.opts.Known, err = t.store.Known(); err != nil {
		return err
	}
	t.opts.Kept = t.store.Kept
	for i := range t.opts.Known {
		k := &t.opts.Known[i]
		if t.sources[k.Source.ID] == nil {
			t.sources[k.Source.ID] = &k.Source
		}
	}
	expired, err := t.store.Expired()
	if err != nil {
		return err
	}
	j := t.follower.Join(t.opts)
	for _, f := range j.Failures {
		say.note(fmt.Sprintf("%s: %s", f.Path, f.Err))
	}
	for _, l := range j.Logs {
		t.sources[l.Source.ID] = l.Source
		old := l.Start.Lines == 0 && !t.saved.IsZero() && l.Bound().Before(t.saved) && t.how.From.IsZero()
		switch {
		case l.Anew():
			if err := t.store.Drop(l.Source.ID); err != nil {
				return err
			}
			t.anew, t.behind = true, true
		case old && expired.IsZero() && !t.now().Before(t.anewNext):
			t.anewNext = t.now().Add(anewEvery)
			t.anew, t.behind = true, true
		}
	}
	for _, b := range j.Batches {
		if err := t.store.Add(t.store.Rows(b)); err != nil {
			return err
		}
	}
	return t.store.Flush()
}

// restore gives the detectors the memory of the checkpoint and judges what is kept since
// then. The store is open, and all that was read is in it.
func (t *tail) restore() error {
	watermark, settings, err := t.store.Checkpoint()
	if err != nil {
		return err
	}
	t.routes, t.pipeline = t.begin(t.sink())
	t.order = source.Orderer{}
	t.before, t.after, t.unkept = store.NewResults(), store.NewResults(), store.NewResults()
	t.snapshot, t.behind, t.retract = nil, false, true
	t.anew = t.anew || settings != t.settings
	if t.anew {
		watermark = time.Time{}
	} else if err := t.store.States(t.pipeline.Load); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	shown, err := t.store.Told(watermark.Add(-48 * time.Hour))
	if err != nil {
		return err
	}
	for id, word := range shown {
		severity, err := detect.ParseSeverity(word)
		if err != nil {
			return err
		}
		if _, known := t.told[id]; !known {
			t.told[id] = told{severity, t.now()}
		}
	}
	t.soon, t.saved = watermark, watermark
	replay, err := t.store.Replay(watermark, t.flags.lateness, t.sources)
	if err != nil {
		return err
	}
	defer replay.Close()
	var last time.Time
	for {
		b, err := replay.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		for i := range b.Requests {
			t.opts.Enrich(&b.Requests[i])
		}
		t.order.Add(b.Requests)
		last = b.Requests[len(b.Requests)-1].Time
		t.last = later(t.last, last)
		until := last.Add(-grace)
		if soon, _ := t.follower.Due(t.flags.lateness); !soon.IsZero() && soon.Before(until) {
			until = soon
		}
		t.advance(until)
	}
	t.follower.Resumed(last)
	return nil
}

// sink takes what the pipeline finds.
func (t *tail) sink() detect.Sink {
	keep := func(r *store.Results) detect.Sink {
		r.Ending() // provisional, until there is a checkpoint behind it
		return r.Sink()
	}
	return detect.Sink{
		Event: func(e detect.Event) {
			keep(t.after).Event(e)
			keep(t.unkept).Event(e)
		},
		Alert: func(a detect.Alert) {
			keep(t.after).Alert(a)
			keep(t.unkept).Alert(a)
			t.tell(a)
		},
		Incident: func(i detect.Incident) {
			keep(t.after).Incident(i)
			keep(t.unkept).Incident(i)
		},
	}
}

// tell shows an alert that opens, or gets worse.
func (t *tail) tell(a detect.Alert) {
	if a.SuppressedBy != "" {
		return
	}
	was, known := t.told[a.ID]
	t.told[a.ID] = told{max(a.Severity, was.severity), t.now()}
	if known && a.Severity <= was.severity {
		return
	}
	if !known {
		t.stats.Alerts[a.Severity]++
	}
	t.urgent = true
	t.show(a, known)
}

// advance judges what lies before a time.
func (t *tail) advance(until time.Time) {
	if t.behind || !until.After(t.soon) {
		return
	}
	due := t.order.Release(until)
	t.judged += int64(len(due))
	t.pipeline.Advance(due, until)
	t.soon = until
}

// round looks once, reads what there is, judges what is due and keeps it. Of a log that
// lies far behind it reads a part: more tells so.
func (t *tail) round(say notes) error {
	join := t.follower.Find()
	if join {
		if err := t.turn(say, true); err != nil {
			return err
		}
	}
	t.more = false
	for n, lines := 0, t.stats.Lines; t.held < maxHeld; n++ {
		if t.more = t.stats.Lines-lines > turnRows; t.more {
			break
		}
		b, err := t.follower.Next()
		if err == source.ErrForNow {
			break
		}
		var broken *source.Broken
		if errors.As(err, &broken) {
			say.note(fmt.Sprintf("%s: %v", broken.Path, broken.Err))
			continue
		}
		if err != nil {
			return failed(fmt.Errorf("tail: %w", err), "")
		}
		t.take(b)
		if n%4 == 3 {
			soon, _ := t.follower.Due(t.flags.lateness)
			t.advance(soon)
		}
		if t.held >= turnRows {
			if err := t.turn(say, false); err != nil {
				return err
			}
		}
	}
	if t.follower.Reordered() {
		t.behind = true
	}
	soon, sure := t.follower.Due(t.flags.lateness)
	t.advance(soon)
	now := t.now()
	if t.snapshot == nil && t.judged > 0 && !now.Before(t.saveNext) && !t.behind {
		if err := t.save(); err != nil {
			return failed(fmt.Errorf("tail: %w", err), "")
		}
	}
	ready := t.snapshot != nil && !sure.Before(t.snapshot.at)
	if ready {
		t.snapshot.ready = true
	}
	something := t.held > 0 || t.behind || t.retract || ready || len(t.unkept.Events)+len(t.unkept.Alerts)+len(t.unkept.Incidents) > 0
	expire := t.limits != limits{} && !now.Before(t.expireAt)
	if something && !now.Before(t.turnNext) || t.urgent && now.Sub(t.turned) >= turnAlert || t.behind || expire {
		return t.turn(say, false)
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// take counts a batch in, and sees whether it comes too late for what was judged.
func (t *tail) take(b *source.Batch) {
	l := b.Log
	var by time.Duration
	for i := range b.Requests {
		r := &b.Requests[i]
		if !r.Late && r.Time.Before(t.soon) {
			by = max(by, t.soon.Sub(r.Time))
			if r.Time.Before(t.saved) {
				r.Late = true
				l.At.Late++
				b.After.Late++
				t.stats.Early++
			} else {
				t.behind = true
			}
		}
		if r.Late {
			t.stats.Late++
		}
		t.last = later(t.last, r.Time)
		id, _ := r.Actor()
		t.stats.actors.add(id)
	}
	if by > 0 {
		t.follower.Straggled(l, by)
	}
	t.behind = t.behind || b.Replaces > 0
	if !t.behind {
		t.order.Add(b.Requests)
	}
	t.pending = append(t.pending, b)
	n := len(b.Requests) + len(b.Rejects)
	t.held += n
	t.stats.Requests += int64(len(b.Requests))
	t.stats.Rejected += int64(len(b.Rejects))
	t.stats.Lines += int64(n)
	t.stats.rate.add(t.now(), int64(n))
}

// save takes a snapshot of the detectors' memory as it is now.
func (t *tail) save() error {
	began := time.Now()
	s, err := takeSnapshot(t.pipeline, t.soon, t.settings)
	if err != nil {
		return err
	}
	t.snapshot, t.judged = s, 0
	merge(t.before, t.after)
	t.after = store.NewResults()
	took := time.Since(began)
	t.stats.SaveTime += took
	t.stats.Saves++
	t.stats.StateBytes = s.size
	t.saveNext = t.now().Add(max(saveEvery, saveShare*took))
	return nil
}

// merge puts what was found later in the place of what was found before.
func merge(into, from *store.Results) {
	for id, e := range from.Events {
		into.Events[id] = e
	}
	for id, a := range from.Alerts {
		into.Alerts[id] = a
	}
	for id, i := range from.Incidents {
		into.Incidents[id] = i
	}
}

// reload reads the config anew. What the detectors remember stays; what they find from
// now on is by the new settings.
func (t *tail) reload(c *cobra.Command, say notes) error {
	cfg, err := readConfig(t.flags.config)
	if err != nil {
		return err
	}
	flags := *t.flags
	cfg.fill(c.Flags(), &flags.scanFlags)
	flags.db = t.flags.db
	next := &job{flags: &flags.scanFlags, started: t.started, stderr: t.stderr, results: store.NewResults()}
	if err := next.prepare(cfg); err != nil {
		return err
	}
	// The logs are opened anew, since lines are read by the config: so all of them that
	// was read must be kept.
	if t.post != nil {
		t.post.alone.Lock()
		defer t.post.alone.Unlock()
	}
	if err := t.write(say, false); err != nil {
		t.store.Close()
		next.geo.Close()
		return err
	}
	memory, err := takeSnapshot(t.pipeline, t.soon, next.settings)
	if err != nil {
		return errors.Join(err, t.leave())
	}
	t.geo.Close()
	next.store, next.order = t.store, t.order
	t.job, t.flags = *next, &flags
	t.routes, t.pipeline = t.begin(t.sink())
	if err := memory.load(t.pipeline); err != nil {
		return errors.Join(err, t.leave())
	}
	t.snapshot, t.judged, t.saveNext = nil, t.judged+1, time.Time{}
	err = t.store.SetLateness(t.flags.lateness)
	if err == nil {
		err = t.refollow(say)
	}
	if err == nil {
		t.follower.Resumed(t.last)
		if t.behind {
			err = t.restore()
		}
	}
	if err == nil {
		t.mark, err = t.store.Mark()
	}
	return errors.Join(err, t.leave())
}

// refollow opens the logs anew, each where the store says that its reading ended.
func (t *tail) refollow(say notes) error {
	if t.follower != nil {
		t.follower.Close()
	}
	t.pending, t.held, t.behind = nil, 0, false
	t.follower = source.Follow(t.args, t.how)
	t.follower.Find()
	return t.join(say)
}

// stop reads what there still is, with last lines that have no line end, and keeps all
// of it, with what would be found if the logs ended here.
func (t *tail) stop(say notes) error {
	if t.stopped != nil {
		t.turnNext = time.Time{}
	}
	for end := t.now().Add(stopWithin); ; {
		if err := t.round(say); err != nil {
			return err
		}
		if !t.more {
			t.follower.End()
			if err := t.round(say); err != nil {
				return err
			}
			break
		}
		if t.now().After(end) { // it goes on from here when it is started again
			break
		}
	}
	var err error
	for try := 0; ; try++ {
		if err = t.alone(func() error { return t.finishTail(say) }); err == nil || !errors.Is(err, store.ErrBusy) || try == stopTries {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		return failed(fmt.Errorf("tail: the last lines could not be kept: %w", err), "they are read again when it is started again")
	}
	return nil
}

// stopWithin is how long logs are still read that lie behind.
const stopWithin = 3 * time.Second

// stopTries is how often the database is asked for at the end, ten times a second.
const stopTries = 100

func (t *tail) finishTail(say notes) error {
	if err := t.write(say, false); err != nil {
		t.store.Close()
		return err
	}
	if rest := t.order.Drain(); len(rest) > 0 {
		t.pipeline.Advance(rest, rest[len(rest)-1].Time.Add(time.Microsecond))
	}
	t.pipeline.Flush()
	found := both(t.before, t.after)
	err := t.store.SetRoutes(t.routes)
	if err == nil {
		err = t.store.SetOrigins(t.atlas())
	}
	if err == nil {
		err = t.store.Finish(found)
	}
	return errors.Join(err, t.store.Close())
}

// tailStatus is how a run gets on.
type tailStatus struct {
	at      time.Time
	started time.Time
	stats   tailStats
	logs    []source.Following
	rate    float64       // lines a second
	lag     time.Duration // how far what was judged lies behind the clock; -1 if nothing was
	held    int
	behind  int64 // bytes of the logs that were not read
	stopped error
	top     []count
	notify  bool
}

func (t *tail) status() *tailStatus {
	now := t.now()
	s := &tailStatus{at: now, started: t.started, stats: t.stats, logs: t.follower.Status(), rate: t.stats.rate.perSecond(now), lag: -1,
		held: t.held, stopped: t.stopped, top: t.stats.actors.top(now, 5), notify: t.follower.Notified()}
	for _, l := range s.logs {
		s.behind += max(l.Behind, 0)
	}
	if !t.soon.IsZero() && t.stats.Requests > 0 {
		s.lag = max(now.Sub(t.soon), 0)
	}
	return s
}

// faults tells what is odd about the logs that are followed.
func (s *tailStatus) faults() []string {
	var odd []string
	for _, l := range s.logs {
		lines := l.At.Lines - l.At.Skipped
		switch {
		case l.Pending:
		case lines >= 100 && l.At.Rejected*2 > lines:
			odd = append(odd, fmt.Sprintf("%s: %d of %d lines cannot be read as %s", report.Show(l.Path), l.At.Rejected, lines, l.Format))
		case l.Idle >= 0 && l.Skew < -time.Minute:
			odd = append(odd, fmt.Sprintf("%s: its clock is %s ahead of this machine's", report.Show(l.Path), (-l.Skew).Round(time.Second)))
		case l.Idle >= 0 && l.Behind == 0 && l.Skew > source.Patience:
			odd = append(odd, fmt.Sprintf("%s: its lines are %s old when they come, or its clock is behind", report.Show(l.Path), l.Skew.Round(time.Second)))
		}
	}
	return odd
}
