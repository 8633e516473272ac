package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

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
	if t.flags.baseline != "" {
		if err := t.beginWith(t.flags.baseline); err != nil {
			return err
		}
	}
	err = t.resume(say)
	t.first = t.saved
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
	if t.turning != nil {
		<-t.turning.done
	}
	if t.judging != nil {
		<-t.judging
	}
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
	t.expired = !expired.IsZero()
	j := t.follower.Join(t.opts)
	for _, f := range j.Failures {
		if ownDatabase(t.flags.db, f) {
			continue
		}
		text := fmt.Sprintf("%s: %s", f.Path, f.Err)
		if f.Hint != "" {
			text += "; " + f.Hint
		}
		say.note(text)
		if t.unread == nil {
			t.unread = &f
		}
	}
	t.begun = t.begun || len(j.Logs) > 0
	for _, arg := range j.Missing {
		say.note(arg + ": no file is there yet")
	}
	for _, path := range j.Reread {
		say.note(path + ": it is packed or not in UTF-8, and grows: what was added is looked for from its start, ever less often up to once a minute")
	}
	for _, l := range j.On {
		t.sources[l.Source.ID] = l.Source
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
		case old && !t.expired && !t.now().Before(t.anewNext):
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
	t.settle()
	watermark, settings, err := t.store.Checkpoint()
	if err != nil {
		return err
	}
	t.routes, t.pipeline = t.begin(t.sink())
	t.order = source.Orderer{}
	t.before, t.after, t.unkept = store.NewResults(), store.NewResults(), store.NewResults()
	t.snapshot, t.behind, t.retract = nil, false, true
	t.anew, t.older = t.anew || t.older || settings != t.settings, false
	if t.anew {
		watermark = time.Time{}
	} else if err := t.store.States(t.pipeline.Load); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := t.plan(watermark); err != nil {
		return err
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
	// A line that has leapt ahead does not tell how far time has got.
	var last, reached time.Time
	for _, k := range t.opts.Known {
		reached = later(reached, k.At.Last)
	}
	for {
		b, err := replay.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		t.opts.Enrich(b.Requests)
		t.order.Add(b)
		if last = b.Requests[len(b.Requests)-1].Time; last.After(reached) {
			last = reached
		}
		t.last = later(t.last, last)
		until := last.Add(-grace)
		if soon, _ := t.follower.Due(t.flags.lateness); !soon.IsZero() && soon.Before(until) {
			until = soon
		}
		t.advance(until)
	}
	t.settle()
	t.follower.Resumed(last)
	return nil
}

// plan has the pipeline, which remembers what lies before a time, begin with baselines or
// forget them where that is still to come. The store is open.
func (t *tail) plan(from time.Time) error {
	changes, err := t.store.Changes()
	if err != nil {
		return err
	}
	changes, notes := underSettings(changes, t.all)
	for _, note := range notes {
		if !slices.Contains(t.notes, note) {
			t.notes = append(t.notes, note)
		}
	}
	t.pipeline.Plan(changes, from)
	return nil
}

// reload reads the config anew. What the detectors remember stays; what they find from
// now on, and who is told of it, is by the new settings.
func (t *tail) reload(c *cobra.Command, say notes) error {
	cfg, err := readConfig(t.flags.config)
	if err != nil {
		return err
	}
	flags := t.given
	if err := cfg.fill(c.Flags(), &flags.scanFlags); err != nil {
		return err
	}
	var post *notifier
	if t.post != nil {
		if post, err = newNotifier(c, cfg); err != nil {
			return err
		}
	}
	next := &job{flags: &flags.scanFlags, started: t.started, stderr: t.stderr, results: store.NewResults()}
	if err := next.prepare(cfg); err != nil {
		if next.geo != nil {
			next.geo.Close()
		}
		return err
	}
	t.wait(say)
	// The logs are opened anew, since lines are read by the config, and pipes are read on: so
	// all that was read must be kept.
	if t.post != nil {
		t.post.alone.Lock()
		defer t.post.alone.Unlock()
	}
	if err := t.write(say, false); err != nil {
		t.store.Close()
		next.geo.Close()
		return err
	}
	t.settle()
	memory, err := takeSnapshot(t.pipeline, t.soon, next.settings)
	if err != nil {
		return errors.Join(err, t.leave())
	}
	t.geo.Close()
	next.store, next.order = t.store, t.order
	t.job, t.flags = *next, &flags
	debug.SetMemoryLimit(int64(flags.memory.heap()))
	if t.post != nil {
		t.post.channels = post.channels
	}
	t.routes, t.pipeline = t.begin(t.sink())
	if err := errors.Join(memory.load(t.pipeline), t.plan(t.soon)); err != nil {
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
	t.pending, t.held, t.behind = nil, 0, false
	if t.follower != nil {
		t.follower = t.follower.Anew()
	} else {
		t.follower = source.Follow(t.args, t.how)
	}
	t.follower.Find()
	return t.join(say)
}
