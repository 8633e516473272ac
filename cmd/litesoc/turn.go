package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

// A turn is what is kept in one transaction: what was read and what was found in it, or all
// that was found since the checkpoint, and at times the detectors' memory, which is the
// checkpoint from then on. While one is under way nothing else uses the store.
type turn struct {
	began    time.Time
	batches  []*source.Batch
	rows     int // requests and rejects in them
	found    *store.Results
	unkept   *store.Results // what of it no turn has kept yet
	retract  bool           // what the store has found since the checkpoint is void
	anew     bool           // and what it has found before, too
	settings string
	snapshot *snapshot // nil: the checkpoint stays
	routes   *parsers.RouteLearner
	atlas    *store.Atlas
	post     *store.Post // nil: nobody is told
	mark     string      // of the store: before, then after
	urgent   bool
	done     chan struct{}
	err      error // once it is done
}

// turn has the store keep what was read and found so far, beside what is read on. What
// cannot be kept now is kept later.
func (t *tail) turn(say notes) error {
	if t.flags.db == store.Memory {
		return t.turnNow(say, false)
	}
	if t.turning != nil || t.waits() {
		return nil
	}
	n, err := t.hand()
	if err != nil {
		return failed(fmt.Errorf("tail: %w", err), "")
	}
	n.done = make(chan struct{})
	t.turning = n
	wake := t.follower.Wake
	go func() {
		n.err = t.alone(func() error { return n.take(t.store) })
		close(n.done)
		wake()
	}()
	return nil
}

// waits tells whether the store is left alone for now, since it could not be written.
func (t *tail) waits() bool { return t.stopped != nil && t.now().Before(t.turnNext) }

// errOthers says that another run has written to the store.
var errOthers = errors.New("another run has written to the database")

// take opens the store for the turn, and closes it.
func (n *turn) take(s *store.Store) error {
	s.Notify(n.post)
	err := s.Reopen()
	if err == nil {
		var mark string
		if mark, err = s.Mark(); err == nil && n.mark != "" && mark != n.mark {
			err = errOthers
		}
	}
	if err == nil {
		err = n.write(s)
	}
	if err == nil {
		n.mark, err = s.Mark()
	}
	return errors.Join(err, s.Close())
}

// land ends the turn that is under way, if it is done.
func (t *tail) land(say notes) {
	if t.turning == nil {
		return
	}
	select {
	case <-t.turning.done:
	default:
		return
	}
	n := t.turning
	t.turning = nil
	if n.err == nil {
		t.mark = n.mark
		t.kept(n)
	} else {
		t.takeBack(n)
	}
	if errors.Is(n.err, errOthers) { // the next turn tells of it, and goes on from there
		t.behind, n.err = true, nil
	}
	t.turned = t.now()
	t.outcome(say, n.err, time.Since(n.began))
}

// wait ends the turn that is under way, once it is done.
func (t *tail) wait(say notes) {
	if t.turning != nil {
		<-t.turning.done
		t.land(say)
	}
}

// underWay is how many requests and rejects the turn keeps that is under way.
func (t *tail) underWay() int {
	if t.turning == nil {
		return 0
	}
	return t.turning.rows
}

// turnNow is turn that returns once all of it is kept. If that is so, logs join, what was
// judged too early is judged again, and what is too old goes, as is due.
func (t *tail) turnNow(say notes, join bool) error {
	t.wait(say)
	if t.waits() {
		return nil
	}
	began := time.Now()
	err := t.alone(func() error {
		err := t.write(say, join)
		if cerr := t.leave(); err == nil {
			err = cerr
		}
		if err != nil && t.flags.db != store.Memory {
			t.store.Close()
		}
		return err
	})
	t.turned = t.now()
	if err != nil && t.flags.db == store.Memory {
		return failed(fmt.Errorf("tail: %w", err), "")
	}
	t.outcome(say, err, time.Since(began))
	return nil
}

// outcome notes how a turn went. Only what no turn can mend is an error of tail's own.
func (t *tail) outcome(say notes, err error, took time.Duration) {
	now := t.now()
	t.took = took
	if err == nil {
		t.stats.Turns++
		t.stats.TurnTime += took
		t.turnNext = now.Add(max(turnEvery, min((turnShare-1)*took, turnRest)))
		if t.said {
			say.note("what is read is kept again")
		}
		t.stopped, t.backOff, t.said = nil, 0, false
		return
	}
	t.stats.Failed++
	if t.stopped == nil {
		t.since = now
	}
	t.stopped = err
	t.backOff = min(max(2*t.backOff, 100*time.Millisecond), 5*time.Second)
	// Another command soon has done with the database.
	if !t.said && (!errors.Is(err, store.ErrBusy) || now.Sub(t.since) > 10*time.Second) {
		t.said = true
		say.note(fmt.Sprintf("nothing can be kept for now; the logs are read on as far as memory allows: %v", err))
	}
	t.turnNext = now.Add(t.backOff)
}

// alone runs what opens the store while nothing else of this process has it open.
func (t *tail) alone(f func() error) error {
	if t.post != nil {
		t.post.alone.Lock()
		defer t.post.alone.Unlock()
	}
	return f()
}

// deliver begins to tell people of alerts, as they are kept, and returns what ends that.
func (t *tail) deliver(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			// What could not be sent stays in the outbox and is tried again in time. So is an
			// outbox that cannot be opened; if no turn can open the store, that is told.
			_, _ = t.post.deliver(ctx, 0)
			select {
			case <-t.opened:
			case <-time.After(time.Minute):
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// write keeps all that was read and found, in the store, which it opens, and does what is to
// be done beside that.
func (t *tail) write(say notes, join bool) error {
	if t.flags.db != store.Memory {
		if err := t.store.Reopen(); err != nil {
			return err
		}
		mark, err := t.store.Mark()
		if err != nil {
			return err
		}
		if t.mark != "" && mark != t.mark {
			say.note(errOthers.Error() + ": reading goes on from there")
			if err := t.keepOnce(); err != nil {
				return err
			}
			if err := t.resume(say); err != nil {
				return err
			}
			t.mark, err = t.store.Mark()
			return err
		}
	}
	n, err := t.hand()
	if err != nil {
		return err
	}
	t.store.Notify(n.post)
	if err := n.write(t.store); err != nil {
		t.takeBack(n)
		return err
	}
	t.kept(n)
	if t.behind {
		t.stats.Again++
		if err := t.restore(); err != nil {
			return err
		}
	}
	if join {
		if err := t.join(say); err != nil {
			return err
		}
		if t.behind {
			if err := t.restore(); err != nil {
				return err
			}
		}
	}
	if err := t.expire(say); err != nil {
		return err
	}
	t.mark, err = t.store.Mark()
	return err
}

// keepOnce keeps what was read of pipes: unlike the rest it cannot be read again.
func (t *tail) keepOnce() error {
	known, err := t.store.Known()
	if err != nil {
		return err
	}
	for _, b := range t.pending {
		if !b.Log.Once() {
			continue
		}
		b.Log.Renumber(known)
		if err := t.store.Add(t.store.Rows(b)); err != nil {
			return err
		}
	}
	return t.store.Flush()
}

// hand gives a turn all that is to be kept. It comes back with takeBack if it could not be.
func (t *tail) hand() (*turn, error) {
	t.settle()
	n := &turn{began: time.Now(), batches: t.pending, rows: t.held, found: t.unkept, unkept: t.unkept,
		retract: t.retract, anew: t.anew, settings: t.settings, mark: t.mark, urgent: t.urgent, atlas: t.atlas()}
	if t.post != nil {
		n.post = &store.Post{Channels: t.post.channels, At: t.now().UTC()}
	}
	if t.retract {
		n.found = both(t.before, t.after)
	}
	if t.snapshot != nil && t.snapshot.ready && !t.behind {
		n.snapshot = t.snapshot
		final(t.before)
		n.found = both(t.before, t.after)
		var err error
		if n.routes, err = t.learned(); err != nil {
			return nil, err
		}
	}
	still := map[*source.Log]*source.Log{}
	for _, b := range n.batches {
		if still[b.Log] == nil {
			still[b.Log] = b.Log.Still()
		}
		b.Log = still[b.Log]
	}
	t.pending, t.held, t.unkept, t.urgent = nil, 0, store.NewResults(), false
	t.retract, t.anew = false, false
	return n, nil
}

// learned is what the route learner knows now.
func (t *tail) learned() (*parsers.RouteLearner, error) {
	text, err := json.Marshal(t.routes)
	if err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	routes, _ := t.begin(detect.Sink{})
	return routes, json.Unmarshal(text, routes)
}

// takeBack has the next turn keep what this one could not.
func (t *tail) takeBack(n *turn) {
	t.settle()
	t.pending, t.held = append(n.batches, t.pending...), n.rows+t.held
	t.unkept = both(n.unkept, t.unkept)
	t.retract, t.anew, t.urgent = t.retract || n.retract, t.anew || n.anew, t.urgent || n.urgent
}

// kept notes that a turn is in the store.
func (t *tail) kept(n *turn) {
	if len(n.unkept.Alerts) > 0 && t.opened != nil {
		select {
		case t.opened <- struct{}{}:
		default:
		}
	}
	if n.snapshot == nil {
		return
	}
	t.saved = n.snapshot.at
	t.snapshot, t.before = nil, store.NewResults()
	for id, was := range t.told {
		if t.now().Sub(was.last) > 48*time.Hour {
			delete(t.told, id)
		}
	}
}

// write commits the turn to the store, which is open.
func (n *turn) write(s *store.Store) error {
	for _, b := range n.batches {
		if err := s.Add(s.Rows(b)); err != nil {
			return err
		}
	}
	if n.retract {
		begin := s.Retract
		if n.anew {
			begin = func() error { return s.BeginResults(time.Time{}, n.settings, true) }
		}
		if err := begin(); err != nil {
			return err
		}
	}
	if n.snapshot != nil {
		if err := n.snapshot.write(s); err != nil {
			return err
		}
	}
	empty := len(n.found.Events)+len(n.found.Alerts)+len(n.found.Incidents) == 0
	if empty && n.snapshot == nil && !n.retract {
		return s.Flush()
	}
	if n.snapshot == nil && !n.retract {
		if err := s.MoreResults(); err != nil {
			return err
		}
	}
	if n.snapshot != nil {
		if err := s.SetRoutes(n.routes); err != nil {
			return fmt.Errorf("routes: %w", err)
		}
	}
	if n.snapshot != nil || len(n.found.Alerts) > 0 {
		if err := s.SetOrigins(n.atlas); err != nil {
			return err
		}
	}
	return s.Finish(n.found)
}

// both returns what either holds; what was found later counts.
func both(a, b *store.Results) *store.Results {
	r := store.NewResults()
	merge(r, a)
	merge(r, b)
	return r
}

// final tells that there is a checkpoint behind the results.
func final(r *store.Results) {
	for _, e := range r.Events {
		e.Provisional = false
	}
	for _, a := range r.Alerts {
		a.Provisional = false
	}
	for _, i := range r.Incidents {
		i.Provisional = false
	}
}

// expire removes what has become too old or too much.
func (t *tail) expire(say notes) error {
	if (t.limits == limits{}) || t.now().Before(t.expireAt) {
		return nil
	}
	t.expireAt = t.now().Add(expireEvery)
	removed := int64(0)
	drop := func(before time.Time) error {
		if before.After(t.saved) {
			before = t.saved // what comes after is judged again should this process end
		}
		if before.IsZero() {
			return nil
		}
		n, err := t.store.Expire(before)
		removed += n
		return err
	}
	if t.limits.keep > 0 {
		if err := drop(t.now().Add(-t.limits.keep).UTC()); err != nil {
			return err
		}
	}
	size, err := t.store.Size()
	if err != nil {
		return err
	}
	if t.limits.max > 0 && size.Used > t.limits.max {
		// To nine tenths, so that it is not done every time.
		before, err := t.store.OldestShare(1 - 0.9*float64(t.limits.max)/float64(size.Used))
		if err != nil {
			return err
		}
		if err := drop(before); err != nil {
			return err
		}
	}
	t.stats.Expired += removed
	if removed > 0 {
		// What is free is known once the file was closed.
		if err := errors.Join(t.store.Close(), t.store.Reopen()); err != nil {
			return err
		}
		if size, err = t.store.Size(); err != nil {
			return err
		}
	}
	if size.File > compactLeast && size.Used < size.File/2 || t.limits.max > 0 && size.File > t.limits.max && size.Used < size.File*9/10 {
		if err := t.store.Compact(); err != nil {
			say.note(err.Error())
		}
		return t.store.Reopen()
	}
	return nil
}

// compactLeast is the size below which a file is not worth to be written anew.
const compactLeast = 64 << 20
