package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/geo"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// job is one run of scan.
type job struct {
	flags   *scanFlags
	started time.Time
	stderr  io.Writer
	store   *store.Store
	opts    *source.Options
	plan    *source.Plan
	// stopReading ends a read of standard input that waits; nil if none may.
	stopReading context.CancelFunc
	routes      *parsers.RouteLearner
	geo         *geo.DB
	pipeline    *detect.Pipeline
	begin       func(detect.Sink) (*parsers.RouteLearner, *detect.Pipeline) // that remember nothing
	results     *store.Results
	order       source.Orderer
	all         []*detect.Detector
	detectors   []string
	allow       *detect.Allowlist
	notes       []string
	goesBy      []string // files that say how lines are read and judged

	thresholds []report.Setting
	settings   string        // what the detectors' memory depends on
	replay     *store.Replay // nil if nothing was kept before
	watermark  time.Time
	anew       bool // all kept requests are judged again
	unfinished bool // an earlier run had not judged all of them
	added      bool // something was read that was not known
	progress   *progress

	evicted    int64 // keys that were forgotten early
	routesFull bool  // not all paths were remembered
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
		return cfg.wrong("routes", "routes: %w", err)
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
	set, rules, err := cfg.ruleSet(j.flags.rules)
	if err != nil {
		return err
	}
	j.goesBy = append([]string{cfg.path, cfg.OpenAPI, j.flags.format, j.flags.baseline, j.flags.accepted}, cfg.MMDB...)
	j.goesBy = append(j.goesBy, cfg.opened...)
	for _, file := range rules {
		j.goesBy = append(j.goesBy, file.Name)
	}
	for _, note := range set.Notes { // what else is odd 'rules validate' tells
		if strings.HasSuffix(note, noRuleFile) {
			j.notes = append(j.notes, "rules: "+note)
		}
	}
	j.settings = settingsOf(detectors, set.Rules, cfg, least, j.geo.Digest())
	if j.allow, err = cfg.allowlist(detectors, set.Rules); err != nil {
		return err
	}
	judging, judges, threads, lookup := j.allow.Detectors(detectors), j.allow.Rules(set.Rules), max(j.flags.threads, 1), j.geo.Lookup
	j.begin = func(sink detect.Sink) (*parsers.RouteLearner, *detect.Pipeline) {
		routes := parsers.NewRouteLearner(least, site.Routes())
		p := detect.NewPipeline(routes, judging, judges, threads, sink)
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
			detect.Identify(r)
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

// openGeo opens what tells where addresses are, and notes what of it is of no use.
func (j *job) openGeo(cfg *config) error {
	db, notes, err := cfg.openGeo(j.flags.intel)
	j.geo, j.notes = db, append(j.notes, notes...)
	return err
}

// openGeo opens what tells where addresses are: the files of the config, those imported
// into the folder intel, if any, else into the usual one, and those of other programs. The
// notes say what is left out because it cannot be read. If the config names files, none of
// its own and of the imported may be left out. A folder that is named is there.
func (c *config) openGeo(intel string) (db *geo.DB, notes []string, err error) {
	given := cmp.Or(intel, c.Intel)
	if given != "" {
		if info, err := os.Stat(given); err != nil || !info.IsDir() {
			return nil, nil, misuse("'litesoc intel import --intel "+given+" FILE...' makes it", "--intel: no folder %q", given)
		}
	}
	db, err = geo.Open(geo.Config{Files: c.MMDB, Intel: cmp.Or(given, defaultIntel()), Directories: geo.Directories()})
	if err != nil && len(c.MMDB) > 0 {
		return db, nil, failed(err, "see 'mmdb' in the config")
	}
	skipped := db.Skipped()
	if err != nil {
		skipped = append([]error{err}, skipped...)
	}
	for _, err := range skipped {
		notes = append(notes, "not used to tell where addresses are: "+err.Error())
	}
	return db, notes, nil
}

// atlas is what tells where addresses are, in the store's terms.
func (j *job) atlas() *store.Atlas {
	return &store.Atlas{
		Name:   j.geo.Digest(),
		Lookup: j.geo.Lookup,
		Country: func(code string) string {
			c, _ := geo.CountryOf(code)
			return c.Name
		},
	}
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
			err = j.keepRead()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			return failed(fmt.Errorf("scan: interrupted, and what was read last is not kept: %w", err), "run it again to go on")
		}
		return j.interrupted()
	}
	if err != nil {
		return j.stopped(err, "what was kept before stays: run it again to go on")
	}
	if err := j.finish(merger.Watermark()); err != nil {
		return j.stopped(err, "")
	}
	return nil
}

// keepRead keeps what an interrupted run has read. One that has read nothing leaves the
// database as it was: all that it holds may have been judged.
func (j *job) keepRead() error {
	if !j.added {
		return nil
	}
	return j.store.Flush()
}

// stopped is the error of a scan that cannot go on.
func (j *job) stopped(err error, hint string) error {
	memory, spills := j.flags.db == store.Memory, store.Spills(err)
	switch {
	case memory && spills:
		err = fmt.Errorf("temporary files cannot be written in %q, or have no room", os.TempDir())
		hint = "make room, name another folder with TMPDIR, or keep what is read with --db FILE"
	case memory:
		hint = "" // nothing is kept
	case spills:
		err = fmt.Errorf("database %q: temporary files cannot be written beside it, or have no room", j.flags.db)
		hint = "make room, choose another place with --db, or give it more --memory; what was kept before stays: run it again to go on"
	}
	return failed(fmt.Errorf("scan: %w", err), hint)
}

func (j *job) interrupted() error {
	hint := "what was read is kept: run it again to go on"
	if j.flags.db == store.Memory {
		hint = "nothing is kept: with --db FILE the next run goes on"
	}
	return failed(errors.New("scan: interrupted"), hint)
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
	if file, ok := r.(*os.File); ok {
		return fromFile{out, file}
	}
	return out
}

// fromFile is what a file gives, of which it can be told which it is.
type fromFile struct {
	io.Reader
	file *os.File
}

func (f fromFile) Stat() (fs.FileInfo, error) { return f.file.Stat() }

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
			if err := j.rename(l); err != nil {
				return nil, err
			}
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
	if j.unfinished, err = j.store.Unfinished(j.started); err != nil {
		return nil, err
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

// rename keeps the path of a log that was read before under another name, unless it is there
// still: evidence says in which file lines stand.
func (j *job) rename(l *source.Log) error {
	if l.Once() || l.Copied() {
		return nil
	}
	i := slices.IndexFunc(j.opts.Known, func(k source.Known) bool { return k.Source.ID == l.Source.ID })
	if i < 0 {
		return nil
	}
	if k := j.opts.Known[i]; k.Source.Path == l.Source.Path || source.Holds(k.Source.Path, []source.Known{k}) {
		return nil
	}
	return j.store.Rename(l.Source.ID, l.Source.Path)
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
	if j.stopReading != nil {
		context.AfterFunc(ctx, j.stopReading) // nobody waits for what cannot be kept
	}
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
			j.added = true
			rows.Batch.Done()
		}
		if ctx.Err() == nil {
			return nil // what is not committed yet belongs to the last transaction
		}
		unkept = j.keepRead()
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
	saved := make(chan struct{})
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error {
		if err := j.store.BeginResults(watermark, j.settings, j.anew); err != nil {
			return err
		}
		err := j.store.SaveStates(func(yield func(string, keyed.Saved) error) error {
			if err := j.pipeline.Save(yield); err != nil {
				return err
			}
			close(saved)
			return nil
		})
		if err != nil {
			return err
		}
		return j.store.SetOrigins(j.atlas())
	})
	g.Go(func() error {
		select {
		case <-saved:
		case <-ctx.Done():
			return ctx.Err()
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
	j.settle()
	return j.store.Finish(j.results)
}

// settle notes what is to be told of judging, which is over, and has its memory given back
// while the results are written: the report takes as much.
func (j *job) settle() {
	j.evicted, j.routesFull = j.pipeline.Stats().Evicted, j.routes.Full()
	j.pipeline, j.routes, j.order = nil, nil, source.Orderer{}
	j.store.Unload()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapSys-m.HeapReleased > uint64(j.flags.memory.heap()/2) {
		go debug.FreeOSMemory()
	}
}
