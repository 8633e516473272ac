package source

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/zeebo/xxh3"
)

// An IntegrityKind says what is odd about a log itself.
type IntegrityKind string

// The kinds of findings about a log.
const (
	// Gap: the log says nothing for much longer than it ever does.
	Gap IntegrityKind = "gap"
	// ClockJump: a line lies further behind one before it than the lateness bound, or far
	// ahead of those before and after it.
	ClockJump IntegrityKind = "clock-jump"
	// Repeat: a stretch of lines stands in the log again.
	Repeat IntegrityKind = "repeat"
	// Trailing: the file goes on after its compressed content with something else.
	Trailing IntegrityKind = "trailing"
)

// An Integrity is a finding about a log itself, which may mean that lines are missing
// or were put in.
type Integrity struct {
	Kind IntegrityKind
	// Line is where it begins: the last line before a Gap, the line that lies behind
	// or ahead of a ClockJump, the first line of the second stretch of a Repeat, the last line
	// before what is Trailing. To is the last line of the second stretch of a Repeat,
	// else 0.
	Line, To int64
	// FirstLine and FirstTo are the stretch that a Repeat repeats.
	FirstLine, FirstTo int64
	// Sampled tells that the lines of a Repeat are those of a sample: the stretch
	// may begin a little earlier and end a little later.
	Sampled bool
	// From is the time before and Until the time after a Gap or a ClockJump.
	From, Until time.Time
	// More counts findings of the kind that are not listed beside this, the last one.
	More int64
}

// String says the finding in words, without the name of the log and without any of
// its text.
func (i Integrity) String() string {
	s := ""
	switch i.Kind {
	case Gap:
		s = fmt.Sprintf("no line for %s from line %d (%s) on", spell(i.Until.Sub(i.From)), i.Line, clock(i.From))
	case ClockJump:
		if i.Until.After(i.From) {
			s = fmt.Sprintf("the clock leaps ahead %s at line %d and comes back (from %s to %s)",
				spell(i.Until.Sub(i.From)), i.Line, clock(i.From), clock(i.Until))
			break
		}
		s = fmt.Sprintf("the clock goes back %s at line %d (from %s to %s)",
			spell(i.From.Sub(i.Until)), i.Line, clock(i.From), clock(i.Until))
	case Repeat:
		about := ""
		if i.Sampled {
			about = "about "
		}
		s = fmt.Sprintf("%slines %d–%d repeat lines %d–%d", about, i.Line, i.To, i.FirstLine, i.FirstTo)
	case Trailing:
		s = fmt.Sprintf("after line %d something follows the compressed data that is none; it is not read", i.Line)
	}
	if i.More > 0 {
		s += fmt.Sprintf("; %d more such places", i.More)
	}
	return s
}

// clock writes a time as the report does.
func clock(t time.Time) string { return t.Format("2 Jan 2006 15:04:05") }

// spell writes a duration as a person would: its two largest units.
func spell(d time.Duration) string {
	const day = 24 * time.Hour
	switch s := int64(d.Round(time.Second) / time.Second); {
	case d == math.MaxInt64:
		return "more than 292 years" // the longest time.Duration
	case d >= day:
		return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
	case s >= 3600:
		return fmt.Sprintf("%d h %d m", s/3600, s%3600/60)
	case s >= 60:
		return fmt.Sprintf("%d m %d s", s/60, s%60)
	default:
		return fmt.Sprintf("%d s", s)
	}
}

// What is odd enough to be told.
const (
	minGap      = 15 * time.Minute // a shorter gap is none
	gapFactor   = 50               // times the gap that 99 of 100 do not exceed
	minGaps     = 100              // fewer gaps say nothing about what is usual
	maxTold     = 3                // findings of a kind that are listed
	minRepeat   = 20               // lines of a repeated stretch
	minSampled  = 4                // lines of a sample that show a repeated stretch
	rewound     = int64(time.Second / time.Microsecond)
	maxRemember = 1 << 14 // lines that are remembered, by hash; a power of two
)

// A watch looks at the lines of one log as they are read, and remembers what is odd.
// It knows of one reading only: of what an earlier run read it knows the latest time.
// Its memory is bounded (256 KiB), and it looks at a line once.
type watch struct {
	lateness int64 // in µs, as all times here

	last    int64 // number of the line before
	high    int64 // latest time so far
	started bool
	behind  bool // the line before lay too far behind

	gaps    [64]int64 // by the number of bits of the gap
	longest [maxTold + 1]gap
	jumps   []Integrity
	more    int64

	lines   sample
	stretch stretch
	repeats []Integrity
	again   int64

	shapes shapes
	trail  []Integrity
}

type gap struct {
	length, from int64
	line         int64
}

// A stretch is a run of lines that stood in the log before.
type stretch struct {
	from, to int64 // lines; from 0: none
	distance int64 // how many lines ago it stood there
	hits     int64 // lines of the sample in it
	rewound  bool  // the clock had gone on when it began
}

// begin makes the watch ready for what follows a position.
func (w *watch) begin(after Position, lateness time.Duration) {
	w.lateness = lateness.Microseconds()
	if !after.Last.IsZero() {
		w.started, w.high, w.last = true, after.Last.UnixMicro(), after.Lines
	}
}

// end forgets what only more lines could need.
func (w *watch) end() {
	w.endStretch()
	w.lines = sample{}
}

// line looks at a line that gave a request of the time.
func (w *watch) line(text string, number int64, at time.Time) {
	t := at.UnixMicro()
	step := t - w.high
	switch {
	case !w.started:
		w.started, w.high = true, t
	case step >= 0:
		w.gaps[bits.Len64(uint64(step))]++
		if step > w.longest[maxTold].length && step >= int64(minGap/time.Microsecond) {
			w.gap(gap{step, w.high, w.last})
		}
		w.high, w.behind = t, false
	case -step <= w.lateness:
		w.behind = false
	case !w.behind:
		w.behind = true
		w.jump(number, t)
	}
	w.last = number

	h := xxh3.HashString(text)
	if h&w.lines.skip != 0 {
		return
	}
	first := w.lines.add(h, number)
	switch {
	case first == 0:
		w.endStretch()
	case w.stretch.from != 0 && number-first == w.stretch.distance:
		w.stretch.to = number
		w.stretch.hits++
	default:
		w.endStretch()
		w.stretch = stretch{number, number, number - first, 1, -step >= rewound}
	}
}

// gap puts a gap among the longest, the longest first.
func (w *watch) gap(g gap) {
	w.longest[maxTold] = g
	slices.SortStableFunc(w.longest[:], func(a, b gap) int { return cmp.Compare(b.length, a.length) })
}

func (w *watch) jump(line, t int64) {
	if len(w.jumps) == maxTold {
		w.more++
		return
	}
	w.jumps = append(w.jumps, Integrity{Kind: ClockJump, Line: line, From: micro(w.high), Until: micro(t)})
}

// leapt takes back what was found because of lines that have leapt ahead of the time that
// the log has got to, and are wrong.
func (w *watch) leapt(first Leapt, last time.Time) {
	w.high, w.behind = last.UnixMicro(), false
	for i, g := range w.longest {
		if g.from+g.length > w.high {
			w.longest[i] = gap{}
		}
	}
	w.gap(gap{})
	listed := len(w.jumps)
	if w.jumps = slices.DeleteFunc(w.jumps, func(j Integrity) bool { return j.From.After(last) }); len(w.jumps) == listed {
		w.more = max(w.more-1, 0) // the jump back was only counted
	}
	w.jump(first.Line, first.Time.UnixMicro())
}

// endStretch judges a stretch that goes on no further. Lines of one second may be
// alike for good reason, so a stretch counts only if the clock was set back by it.
func (w *watch) endStretch() {
	s := w.stretch
	w.stretch = stretch{}
	if s.from == 0 || !s.rewound || s.to-s.from+1 < minRepeat || s.hits < minSampled {
		return
	}
	if len(w.repeats) == maxTold {
		w.again++
		return
	}
	w.repeats = append(w.repeats, Integrity{
		Kind: Repeat, Line: s.from, To: s.to, FirstLine: s.from - s.distance, FirstTo: s.to - s.distance,
		Sampled: w.lines.skip != 0,
	})
}

// trailing notes that something follows the content.
func (w *watch) trailing(line int64) {
	w.trail = append(w.trail, Integrity{Kind: Trailing, Line: line})
}

// findings returns what is odd so far, by kind and then by line.
func (w *watch) findings() []Integrity {
	now := *w // the stretch that goes on may go on further
	now.repeats = slices.Clone(w.repeats)
	now.endStretch()
	return slices.Concat(now.oddGaps(), told(slices.Clone(now.jumps), now.more), told(now.repeats, now.again), now.trail)
}

func told(found []Integrity, more int64) []Integrity {
	if len(found) > 0 {
		found[len(found)-1].More = more
	}
	return found
}

// oddGaps returns the longest gaps, if they are no rhythm: a log that is quiet every
// night has more long gaps than would be listed.
func (w *watch) oddGaps() []Integrity {
	usual, ok := w.usualGap()
	if !ok || 2*w.longest[maxTold].length > w.longest[0].length {
		return nil
	}
	var odd []Integrity
	for _, g := range w.longest[:maxTold] {
		if g.length > 0 && g.length/gapFactor >= usual {
			odd = append(odd, Integrity{Kind: Gap, Line: g.line, From: micro(g.from), Until: micro(g.from + g.length)})
		}
	}
	slices.SortStableFunc(odd, func(a, b Integrity) int { return cmp.Compare(a.Line, b.Line) })
	return odd
}

// usualGap returns a time that at least 99 of 100 gaps do not exceed, less than
// twice the least such time.
func (w *watch) usualGap() (int64, bool) {
	all := int64(0)
	for _, n := range w.gaps {
		all += n
	}
	if all < minGaps {
		return 0, false
	}
	seen := int64(0)
	for i, n := range w.gaps {
		if seen += n; seen*100 >= all*99 {
			return 1<<i - 1, true
		}
	}
	return 0, false
}

func micro(t int64) time.Time { return time.UnixMicro(t).UTC() }

// A sample remembers at which line a hash was met first: of every line while there
// are few, then of every second, fourth, … by the hash, so that what is remembered
// depends on nothing but the lines and covers the whole log.
type sample struct {
	skip  uint64 // hashes with any of these bits are not remembered
	slots []struct {
		hash uint64
		line int64 // 0: free
	}
	used int
}

// add returns the line at which the hash was met before; 0 if none.
func (s *sample) add(hash uint64, line int64) int64 {
	if s.used*4 >= len(s.slots)*3 {
		s.grow()
		if hash&s.skip != 0 {
			return 0
		}
	}
	i := s.find(hash)
	if first := s.slots[i].line; first != 0 {
		return first
	}
	s.slots[i].hash, s.slots[i].line = hash, line
	s.used++
	return 0
}

// find returns the slot of a hash, or a free one for it. The low bits are alike in
// all that are remembered, so the high ones choose.
func (s *sample) find(hash uint64) int {
	mask := len(s.slots) - 1
	i := int(hash>>32) & mask
	for s.slots[i].line != 0 && s.slots[i].hash != hash {
		i = (i + 1) & mask
	}
	return i
}

// grow makes room: twice as much, or half as many to remember.
func (s *sample) grow() {
	old := s.slots
	size := max(256, 2*len(old))
	if size > maxRemember {
		size = maxRemember
		s.skip = s.skip<<1 | 1
	}
	s.slots = make([]struct {
		hash uint64
		line int64
	}, size)
	s.used = 0
	for _, o := range old {
		if o.line != 0 && o.hash&s.skip == 0 {
			s.slots[s.find(o.hash)] = o
			s.used++
		}
	}
}

// Integrity returns what was odd about the log in this reading so far: gaps, jumps of
// the clock, repeated stretches, and what follows its end; at most three of a kind.
// The first lines are judged by what follows, so it is best asked at the end.
func (l *Log) Integrity() []Integrity { return l.watch.findings() }
