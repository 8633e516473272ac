package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/litesoc/litesoc/report/store"
)

// turn opens the store, keeps in one transaction what was read, found and remembered,
// and closes it. What cannot be kept now is kept later: only what no turn can mend is an
// error.
func (t *tail) turn(say notes, join bool) error {
	if t.stopped != nil && t.now().Before(t.turnNext) {
		return nil
	}
	began := time.Now()
	alerts := len(t.unkept.Alerts) > 0
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
	if err == nil && alerts && t.opened != nil {
		select {
		case t.opened <- struct{}{}:
		default:
		}
	}
	took := time.Since(began)
	now := t.now()
	t.turned = now
	if err == nil {
		t.urgent = false
		t.stats.Turns++
		t.stats.TurnTime += took
		t.turnNext = now.Add(max(turnEvery, (turnShare-1)*took))
		if t.said {
			say.note("what is read is kept again")
		}
		t.stopped, t.backOff, t.said = nil, 0, false
		return nil
	}
	if t.flags.db == store.Memory {
		return failed(fmt.Errorf("tail: %w", err), "")
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
	return nil
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
			// What could not be sent is tried again in time; errors stay in the outbox.
			t.post.deliver(ctx, 0)
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

func (t *tail) write(say notes, join bool) error {
	if t.post != nil {
		t.store.Notify(&store.Post{Channels: t.post.channels, At: t.now().UTC()})
	}
	if t.flags.db != store.Memory {
		if err := t.store.Reopen(); err != nil {
			return err
		}
		mark, err := t.store.Mark()
		if err != nil {
			return err
		}
		if t.mark != "" && mark != t.mark {
			say.note("another run has written to the database: reading goes on from there")
			if err := t.resume(say); err != nil {
				return err
			}
			t.mark, err = t.store.Mark()
			return err
		}
	}
	if err := t.keep(); err != nil {
		return err
	}
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
	var err error
	t.mark, err = t.store.Mark()
	return err
}

// keep commits what is pending.
func (t *tail) keep() error {
	for _, b := range t.pending {
		if err := t.store.Add(t.store.Rows(b)); err != nil {
			return err
		}
	}
	checkpoint := t.snapshot != nil && t.snapshot.ready && !t.behind
	found := t.unkept
	switch {
	case t.retract && t.anew:
		if err := t.store.BeginResults(time.Time{}, t.settings, true); err != nil {
			return err
		}
		found = both(t.before, t.after)
	case t.retract:
		if err := t.store.Retract(); err != nil {
			return err
		}
		found = both(t.before, t.after)
	}
	if checkpoint {
		if err := t.snapshot.write(t.store); err != nil {
			return err
		}
		final(t.before)
		found = both(t.before, t.after)
	}
	empty := len(found.Events)+len(found.Alerts)+len(found.Incidents) == 0
	switch {
	case empty && !checkpoint && !t.retract:
		if err := t.store.Flush(); err != nil {
			return err
		}
	default:
		if !checkpoint && !t.retract {
			if err := t.store.MoreResults(); err != nil {
				return err
			}
		}
		if checkpoint {
			if err := t.store.SetRoutes(t.routes); err != nil {
				return fmt.Errorf("routes: %w", err)
			}
		}
		if checkpoint || len(found.Alerts) > 0 {
			if err := t.store.SetOrigins(t.atlas()); err != nil {
				return err
			}
		}
		if err := t.store.Finish(found); err != nil {
			return err
		}
	}
	if checkpoint {
		t.saved = t.snapshot.at
		t.snapshot, t.before = nil, store.NewResults()
		for id, was := range t.told {
			if t.now().Sub(was.last) > 48*time.Hour {
				delete(t.told, id)
			}
		}
	}
	t.unkept = store.NewResults()
	t.retract, t.anew = false, false
	t.pending, t.held = nil, 0
	return nil
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
