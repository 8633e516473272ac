package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

// round looks once, reads what there is, has judged what is due and kept what was read. Of a
// log that lies far behind it reads a part: more tells so, and full that there is no room
// for more of it before a turn.
func (t *tail) round(say notes) error {
	t.land(say)
	if t.follower.Find() {
		if err := t.turnNow(say, true); err != nil {
			return err
		}
	}
	t.more, t.full = false, false
	for n, lines := 0, t.stats.Lines; ; n++ {
		t.land(say)
		if t.full = t.held+t.underWay() >= maxHeld; t.full {
			break
		}
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
		if t.held >= turnRows && t.now().Sub(t.turned) >= t.took {
			if err := t.turn(say); err != nil {
				return err
			}
		}
	}
	if t.follower.Reordered() {
		t.behind = true
	}
	soon, sure := t.follower.Due(t.flags.lateness)
	t.advance(soon)
	t.settle()
	if err := t.pipeline.Err(); err != nil {
		return failed(fmt.Errorf("tail: %w", err), "")
	}
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
	something := t.held > 0 || t.retract || ready || len(t.unkept.Events)+len(t.unkept.Alerts)+len(t.unkept.Incidents) > 0
	switch {
	case t.behind, t.limits != limits{} && !now.Before(t.expireAt):
		return t.turnNow(say, false)
	case something && !now.Before(t.turnNext), t.urgent && now.Sub(t.turned) >= max(turnAlert, 2*t.took), t.full && now.Sub(t.turned) >= t.took:
		return t.turn(say)
	}
	return nil
}

// take counts a batch in, and sees whether it comes too late for what was judged.
func (t *tail) take(b *source.Batch) {
	l := b.Log
	var by time.Duration
	for i := range b.Requests {
		r := &b.Requests[i]
		if !r.Late && r.Time.Before(t.soon) {
			early := t.soon.Sub(r.Time)
			switch {
			case !r.Time.Before(t.saved):
				by, t.behind = max(by, early), true
			case t.saved.Equal(t.first) && !t.expired: // a scan went on to there, whatever this log was to tell
				t.older, t.behind = true, true
			default:
				by, r.Late = max(by, early), true
				l.At.Late++
				b.After.Late++
				t.stats.Early++
			}
		}
		if r.Late {
			t.stats.Late++
		}
		id, _ := r.Actor()
		t.stats.actors.add(id)
	}
	// What was judged because of a line that has leapt is no measure of how long to wait.
	if by > 0 && len(b.Leapt) == 0 && b.After.Open == "" {
		t.follower.Straggled(l, by)
	}
	t.last = later(t.last, l.At.Last)
	t.stats.Late += int64(len(b.Leapt))
	t.behind = t.behind || b.Replaces > 0 // if what has leapt was judged, so was too much before it
	if !t.behind {
		t.order.Add(b)
	}
	t.pending = append(t.pending, b)
	n := len(b.Requests) + len(b.Rejects)
	t.held += n
	t.stats.Requests += int64(len(b.Requests))
	t.stats.Rejected += int64(len(b.Rejects))
	t.stats.Lines += int64(n)
	t.stats.rate.add(t.now(), int64(n))
}

// advance has judged what lies before a time, beside what is read meanwhile.
func (t *tail) advance(until time.Time) {
	if t.behind || !until.After(t.soon) {
		return
	}
	t.settle()
	due := slices.Clone(t.order.Release(until)) // what is read meanwhile is put in order, too
	t.judged += int64(len(due))
	t.soon = until
	pipeline, done := t.pipeline, make(chan struct{})
	t.judging = done
	go func() {
		defer close(done)
		pipeline.Advance(due, until)
	}()
}

// settle waits until all is judged that advance was told to, and tells of the alerts among
// what was found.
func (t *tail) settle() {
	if t.judging != nil {
		<-t.judging
		t.judging = nil
	}
	for _, a := range t.alerts {
		t.tell(a)
	}
	t.alerts = nil
}

// sink takes what the pipeline finds, while it judges.
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
			t.alerts = append(t.alerts, a)
		},
		Incident: func(i detect.Incident) {
			keep(t.after).Incident(i)
			keep(t.unkept).Incident(i)
		},
	}
}

// told is how an alert was shown.
type told struct {
	severity detect.Severity
	last     time.Time
}

// tell shows an alert that opens, or gets worse.
func (t *tail) tell(a detect.Alert) {
	if a.SuppressedBy != "" {
		return
	}
	was, known := t.told[a.ID]
	t.told[a.ID] = told{max(a.Severity, was.severity), t.now()}
	if known && a.Severity <= was.severity {
		t.goesOn(a)
		return
	}
	if !known {
		t.stats.Alerts[a.Severity]++
	}
	t.urgent = true
	t.show(a, known)
}

// save takes a snapshot of the detectors' memory as it is now.
func (t *tail) save() error {
	t.settle()
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
	maps.Copy(into.Events, from.Events)
	maps.Copy(into.Alerts, from.Alerts)
	maps.Copy(into.Incidents, from.Incidents)
	maps.Copy(into.Members, from.Members)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// stop reads what there still is, with last lines that have no line end, and keeps all
// of it, with what would be found if the logs ended here.
func (t *tail) stop(say notes) error {
	if t.stopped != nil {
		t.turnNext = time.Time{}
	}
	for end := t.now().Add(stopWithin); ; {
		t.took = 0 // nobody reads on meanwhile
		if err := t.round(say); err != nil {
			return err
		}
		if t.full && t.turning != nil {
			<-t.turning.done
		} else if !t.more {
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
	t.wait(say)
	t.settle()
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
	t.settle()
	if rest := t.order.Drain(); len(rest) > 0 {
		t.pipeline.Advance(rest, rest[len(rest)-1].Time.Add(time.Microsecond))
	}
	t.pipeline.Flush()
	t.settle()
	found := both(t.before, t.after)
	err := t.pipeline.Err()
	if err == nil {
		err = t.store.MoreResults()
	}
	if err == nil {
		err = t.store.SetRoutes(t.routes)
	}
	if err == nil {
		err = t.store.SetOrigins(t.atlas())
	}
	if err == nil {
		err = t.store.Finish(found)
	}
	return errors.Join(err, t.store.Close())
}
