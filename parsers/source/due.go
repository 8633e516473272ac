package source

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Patience is how long a log may keep lines to itself and still have them judged in
// their place, whatever the other logs tell meanwhile.
const Patience = 10 * time.Minute

// mark is an event time and when it was met.
type mark struct{ time, came time.Time }

// Straggled tells that a request of the log lies so far before what Due has called soon.
func (f *Follower) Straggled(l *Log, by time.Duration) {
	for _, e := range f.files {
		if e.log != l {
			continue
		}
		if l.Lag > e.grace {
			e.grace = min(l.Lag+time.Second, l.opts.Lateness)
		}
		e.slack = min(e.slack+by+time.Second, Patience)
	}
}

// Due returns two times of the logs. Before soon nothing is expected any more: each log
// has told of later, or has been silent for so long that it would have. Before sure
// nothing can come that is to be judged, but of a log that keeps lines to itself for
// longer than Patience. The zero time: nothing is known.
func (f *Follower) Due(lateness time.Duration) (soon, sure time.Time) {
	now := f.Now()
	least := func(of *time.Time, t time.Time) {
		if of.IsZero() || t.Before(*of) {
			*of = t
		}
	}
	any := f.event.time.Add(now.Sub(f.event.came) - Patience)
	if f.pattern && !f.event.time.IsZero() {
		least(&sure, any)
	}
	// A line that has leapt to what the clock says is taken to be right once nothing follows it.
	for _, e := range f.files {
		if e.log == nil || e.done {
			if e.from && e.pending(now) {
				return time.Time{}, time.Time{} // not looked at yet
			}
			continue
		}
		last := e.log.At.Last
		if last.IsZero() {
			last = e.log.Source.First
		}
		switch {
		case last.IsZero():
		case e.quiet.IsZero() || e.quiet.Before(e.came):
			least(&soon, last.Add(-e.grace))
			least(&sure, last.Add(-max(lateness, e.grace)))
		case e.came.IsZero():
			if !f.event.time.IsZero() {
				least(&sure, any)
			}
		default:
			silent := e.quiet.Sub(e.came)
			reached := e.log.reached(now)
			least(&soon, later(reached.Add(-e.grace), reached.Add(silent-e.slack)))
			if silent >= Patience {
				last = reached
			}
			least(&sure, later(last.Add(-max(lateness, e.grace)), last.Add(silent-Patience)))
		}
	}
	if soon.IsZero() && !f.event.time.IsZero() {
		soon = f.event.time.Add(now.Sub(f.event.came) - f.Grace)
	}
	if sure.IsZero() && !f.event.time.IsZero() {
		sure = any
	}
	if soon.Before(sure) {
		sure = soon
	}
	return soon, sure
}

// Resumed tells of requests that were read before the follower began, up to that time.
func (f *Follower) Resumed(last time.Time) {
	if last.After(f.event.time) {
		f.event = mark{last, f.Now()}
	}
}

// A Following is how a log gets on.
type Following struct {
	Path    string
	Format  string
	At      Position
	Behind  int64         // bytes that were not read yet; -1 if that is not known
	Idle    time.Duration // since its last line came; -1 if none came
	Skew    time.Duration // how far the last line that was waited for lay behind the clock when it came
	Pending bool          // it has not shown yet what it holds
}

// Status tells how each log gets on.
func (f *Follower) Status() []Following {
	now := f.Now()
	var all []Following
	for _, e := range f.files {
		if e.log == nil && (e.done || !e.gone.IsZero()) {
			continue
		}
		s := Following{Path: e.path, Pending: e.log == nil, Behind: -1, Idle: -1}
		if e.log != nil {
			s.Format, s.At = e.log.Source.Format, e.log.At
			if !e.came.IsZero() {
				s.Idle = now.Sub(e.came)
			}
			if e.skew != nil {
				s.Skew = e.skew.came.Sub(e.skew.time)
			}
			if info, err := e.stat(); err == nil && e.log.grows {
				s.Behind = max(info.Size()-e.log.At.Offset, 0)
			}
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b Following) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Unread returns how many bytes the file at the log's path has beyond what was read of the
// log; 0 if they are no whole line yet. It is not ok if the file does not hold that log, or
// holds it packed.
func (k *Known) Unread() (n int64, ok bool) {
	f, err := os.Open(k.Source.Path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	head := make([]byte, k.HeadLen+len(bomUTF8))
	read, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return 0, false
	}
	head = bytes.TrimPrefix(head[:read], bomUTF8)
	if len(head) < k.HeadLen || fingerprint(head[:k.HeadLen]) != k.Source.Fingerprint {
		return 0, false
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	n = max(info.Size()-k.At.Offset, 0)
	rest := make([]byte, min(n, MaxLine))
	read, err = f.ReadAt(rest, k.At.Offset)
	if err != nil && err != io.EOF {
		return 0, false
	}
	if n < MaxLine && bytes.IndexByte(rest[:read], '\n') < 0 {
		return 0, true
	}
	return n, true
}
