package source

import (
	"encoding/json"
	"slices"
	"time"
)

// How a line that leaps ahead of all before it in its log is told to be right or wrong.
const (
	// minLeap is how far ahead of all before it a line lies that leaps, if the lateness
	// bound is no wider. A clock that is wrong is mostly so by an hour of summer time or
	// more; and a wrong line that is nearer makes others late for no longer than this.
	minLeap = 30 * time.Minute
	// accepted is how many lines in a row must leap for time to go on there. Where two
	// clocks write one log in turns, the one that is ahead must not get so far by chance.
	accepted = 64
	// refuted is how many lines that go on at the old time show that those which leap are
	// wrong; as many as leap are enough. A slow request that was begun before a gap and
	// ended after it is such a line, so one is too few against many.
	refuted = 3
	// beginMax is how many requests tell when a log begins.
	beginMax = 32
)

// A Pace tells how far the time of a log has got, by the times of its requests in the order
// of its lines. What it tells depends on nothing else, so the log may be read in pieces.
//
// A line may leap: lie far ahead of all before it. Then the log may have been quiet, or the
// time may be wrong: a clock was, or who writes it. It is to be judged, but time stays where
// it is, and nothing is late because of it, until it is certain. If time has come near it
// meanwhile, or a number of lines in a row have leapt, time goes on there; if lines go on at
// the old time, what has leapt is late. A log that ends before that leaves it open, for
// whoever reads on.
type Pace struct {
	lateness, leap time.Duration
	open           []Leapt // lines that have leapt and of which nothing is certain
	run            int     // so many in a row have
	back           int     // lines that have gone on at the old time since the first
}

// A Leapt is a line that gives a request, and has leapt or may have.
type Leapt struct {
	Line int64
	Time time.Time
	At   int `json:"-"` // its place in the batch that is read; -1: it was given in an earlier one
}

// NewPace returns a pace of logs of which lines may come late by lateness. The text is what
// Text has returned before, or "".
func NewPace(lateness time.Duration, text string) (*Pace, error) {
	p := &Pace{lateness: lateness, leap: max(lateness, minLeap)}
	if text == "" {
		return p, nil
	}
	var kept keptPace
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return nil, err
	}
	p.open, p.run, p.back = kept.Open, kept.Run, kept.Back
	p.given()
	return p, nil
}

type keptPace struct {
	Open      []Leapt
	Run, Back int
}

// Text returns what is not certain yet, for NewPace; "" if all is.
func (p *Pace) Text() string {
	if len(p.open) == 0 {
		return ""
	}
	text, err := json.Marshal(keptPace{p.open, p.run, p.back})
	if err != nil {
		panic(err) // of times that were read from lines, whose years have four digits
	}
	return string(text)
}

// Latest returns the latest time of a request that is not late: of those, too, that have leapt
// and of which it is not certain that they are right. A log whose requests are hours apart may
// be of nothing else.
func (p *Position) Latest() time.Time {
	last := p.Last
	if pace, err := NewPace(0, p.Open); err == nil {
		for _, l := range pace.open {
			last = later(last, l.Time)
		}
	}
	return last
}

// Next takes in the line of the next request, and moves last, which is where time has got
// to. It tells whether the request is late, and which of those before it have turned out to
// be. They are valid until the next call.
func (p *Pace) Next(last *time.Time, l Leapt) (late bool, wrong []Leapt) {
	switch d := l.Time.Sub(*last); {
	case d > p.leap:
		p.open = append(p.open, l)
		if p.run++; p.run == accepted {
			p.accept(last)
		}
		return false, nil
	case d < -p.lateness:
		return true, nil
	case d > 0:
		*last = l.Time
	}
	if len(p.open) == 0 {
		return false, nil
	}
	p.reach(last)
	p.run = 0
	p.back++
	if n := len(p.open); n > 0 && p.back < min(n, refuted) {
		return false, nil
	}
	wrong = p.open
	p.open, p.back = p.open[:0], 0
	return false, wrong
}

// unsure tells whether a request of that time makes a difference to what has leapt.
func (p *Pace) unsure(last, t time.Time) bool {
	d := t.Sub(last)
	return d > p.leap || len(p.open) > 0 && d >= -p.lateness
}

// accept lets time go on where lines in a row have leapt to. Half of them may be wrong.
func (p *Pace) accept(last *time.Time) {
	var times []time.Time
	for _, l := range p.open[len(p.open)-p.run:] {
		times = append(times, l.Time)
	}
	slices.SortFunc(times, time.Time.Compare)
	*last = times[(len(times)-1)/2]
	p.run, p.back = 0, 0
	p.reach(last)
}

// reach lets time go on to lines that have leapt and are no longer far ahead.
func (p *Pace) reach(last *time.Time) {
	for n := -1; n != len(p.open); {
		n = len(p.open)
		p.open = slices.DeleteFunc(p.open, func(l Leapt) bool {
			near := l.Time.Sub(*last) <= p.leap
			if near {
				*last = later(*last, l.Time)
			}
			return near
		})
	}
}

// given notes that the batch that was read is given out.
func (p *Pace) given() {
	for i := range p.open {
		p.open[i].At = -1
	}
}

// leave forgets a line that has leapt, and is not given out.
func (p *Pace) leave(line int64) {
	p.open = slices.DeleteFunc(p.open, func(l Leapt) bool { return l.Line == line })
}

// reached returns how far time has got in a log that is written now, if the lines are right
// that have leapt and do not lie far ahead of the clock.
func (l *Log) reached(now time.Time) time.Time {
	last := l.At.Last
	if last.IsZero() {
		last = l.Source.First
	}
	if l.pace == nil {
		return last
	}
	for _, o := range l.pace.open {
		if o.Time.Sub(now) <= minLeap {
			last = later(last, o.Time)
		}
	}
	return last
}

// beginning returns the time at which a log begins, by the times of its first requests, at
// most beginMax of them: that of the first, unless a quarter of the others shows that it leaps
// ahead of them. Slow requests, which stand where they ended and may say when they began, are
// fewer.
func beginning(times []time.Time, lateness time.Duration) time.Time {
	leap := max(lateness, minLeap)
	times = times[:min(len(times), beginMax)]
	for i, t := range times {
		behind, rest := 0, times[i+1:]
		for _, o := range rest {
			if t.Sub(o) > leap {
				behind++
			}
		}
		if behind == 0 || 4*behind < len(rest) {
			return t
		}
	}
	return time.Time{}
}

// pace returns how far time gets in a log of such requests that begins at first.
func pace(times []time.Time, first time.Time, lateness time.Duration) time.Time {
	p, _ := NewPace(lateness, "")
	for i, t := range times {
		p.Next(&first, Leapt{Line: int64(i), Time: t})
	}
	return first
}
