package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/litesoc/litesoc/parsers"
)

// A Log is a file known by its content. It is a Stream of the requests that have
// not been read before.
type Log struct {
	File    *File
	Source  *parsers.Source
	Start   Position      // where this reading began
	At      Position      // where it stands
	Lag     time.Duration // how far a line of this reading lay behind one before it, at most
	Leapt   int64         // lines of it that are late because they leap ahead
	HeadLen int           // bytes of the beginning that the fingerprint is made of
	// Guess is what the format was told by; nil if it was given or known.
	Guess *parsers.Guessed

	format *parsers.Format
	opts   *Options
	head   []byte

	begins  time.Time // the latest time of its first lines; the first may be of a request that took long
	from    time.Time // what lies before its first line at or after that time is not read
	grows   bool      // it is followed: where it ends for now is not its end
	layout  layout
	content *unpacked // nil before the first Next and after the end
	cut     *cutter
	ahead   *ahead // that uses cut; nil: cut is used as blocks are needed
	joiner  joiner
	number  int64    // of the last line
	headers []string // header lines of what was read before
	seen    *headers // those of what was read since, if it cannot be read again
	once    bool     // that is so, and File is not known
	reader  *parsers.Reader
	texts   []byte // room for those of requests that lie in a block: see parsers.Request.Leave
	torn    string // the torn line of the run before, until it is met again
	voids   bool   // that line now reads otherwise
	anew    bool
	copied  bool       // it is an earlier copy of a known log
	reopen  []openLine // those that an earlier run rejected, until they are taken back
	failed  error      // to be returned by the next Next
	watch   watch
	pace    *Pace // nil before the first Next
}

// Options say how logs are read.
type Options struct {
	Site *parsers.Site
	// Formats are what a log may be written in. If there is one it is taken as given,
	// else each log's is guessed.
	Formats []*parsers.Format
	// Lateness bounds how far a line may lie behind the latest before it in its log
	// and still be judged, those left out that leap ahead: see Pace.
	Lateness time.Duration
	// Enrich sets what the site's settings tell of requests: see parsers.Request.
	Enrich func([]parsers.Request)
	Known  []Known // logs that were read before
	// Kept yields the requests that are kept of a log that was read before, in the
	// order of their lines. It tells an earlier copy of that log, which is shorter,
	// from another log. nil: no copy is told.
	Kept func(source int) iter.Seq2[*parsers.Request, error]

	hands  hands
	spare  sync.Pool // of []parsers.Request
	blocks sync.Pool // of *[blockSize]byte
}

// room returns memory for at least so many requests, and not for many more. What is in it
// are requests of before: to clear them would take longer than much of reading others, and
// they keep alive little more than their texts.
func (o *Options) room(n int) []parsers.Request {
	if spare, ok := o.spare.Get().(*[]parsers.Request); ok && cap(*spare) >= n && cap(*spare) <= 4*n {
		return *spare
	}
	return make([]parsers.Request, 0, n+n/8)
}

// Known is a log that was read before.
type Known struct {
	Source  parsers.Source
	Lag     time.Duration // how far a line of this reading lay behind one before it, at most
	HeadLen int
	At      Position
}

// Still returns what the log is now, for whoever keeps that while the log is read on.
func (l *Log) Still() *Log {
	src := *l.Source
	return &Log{Source: &src, HeadLen: l.HeadLen, once: l.Once()}
}

// Once tells whether the log cannot be read again: it is that of a pipe.
func (l *Log) Once() bool { return l.once || l.File != nil && l.File.once() }

// Renumber sees to it that the log's number is its own, where another run may have given it to
// another log before any of this one was kept. Known are all logs that are kept.
func (l *Log) Renumber(known []Known) {
	taken, own, free := false, 0, 1
	for _, k := range known {
		same := k.Source.Fingerprint == l.Source.Fingerprint && k.HeadLen == l.HeadLen && k.Source.Path == l.Source.Path
		switch {
		case k.Source.ID == l.Source.ID && same:
			return
		case k.Source.ID == l.Source.ID:
			taken = true
		case same:
			own = k.Source.ID
		}
		free = max(free, k.Source.ID+1)
	}
	if taken {
		l.Source.ID = cmp.Or(own, free)
	}
}

// readBy has the log read on by other options, from the next line on.
func (l *Log) readBy(opts *Options) {
	l.opts = opts
	if len(opts.Formats) == 1 {
		l.format = opts.Formats[0]
	} else if i := slices.IndexFunc(opts.Formats, func(f *parsers.Format) bool { return f.Name == l.format.Name }); i >= 0 {
		l.format = opts.Formats[i]
	}
	l.Source.Format, l.Source.Reading = l.format.Name, l.format.Reading(opts.Site)
	if l.reader == nil {
		return
	}
	l.cut.spare = &opts.blocks
	l.reader = l.format.NewReader(opts.Site, l.Source)
	if l.seen != nil {
		l.headers = append(l.headers, l.seen.kept()...)
		l.seen = nil
	}
	for _, header := range l.headers {
		l.reader.Recall(header)
	}
}

// Over tells that nothing has been added since the log was read before.
func (l *Log) Over() bool { return l.failed == io.EOF }

// Voids tells that a line which was kept before it was finished now reads otherwise.
func (l *Log) Voids() bool { return l.voids }

// Copied tells that the log is an earlier copy of one that was read before: it is Over, and
// lacks what that had more.
func (l *Log) Copied() bool { return l.copied }

// Anew tells that the log was read before in another format and is read again from
// its start: all that was kept of it is void.
func (l *Log) Anew() bool { return l.anew }

// Bound is the time before which a line of the log would be late.
func (l *Log) Bound() time.Time {
	last := l.At.Last
	if last.IsZero() {
		last = l.Source.First
	}
	if last.IsZero() {
		return last
	}
	return last.Add(-l.opts.Lateness)
}

// Next reads on. After an error other than io.EOF the log is closed; the batches
// before it stand.
func (l *Log) Next() (*Batch, error) {
	if l.failed != nil {
		l.reader, l.cut, l.ahead = nil, nil, nil // a plan holds its logs to the end
		return nil, l.failed
	}
	if l.reader == nil {
		if err := l.open(); err != nil {
			l.failed = err
			return nil, err
		}
	}
	if len(l.reopen) > 0 {
		return l.reopened(), nil
	}
	block := l.next()
	var b *Batch
	// A line that is too long is passed over before it is given.
	if block.text != "" || block.offset != l.At.Offset && !block.within {
		b = l.read(block, &Batch{Log: l, spare: &l.opts.spare})
	}
	// What has leapt is mostly certain some lines later: to know it now is cheaper than to
	// take it back.
	if b != nil && block.err == nil && len(l.pace.open) > 0 {
		if block = l.next(); block.text != "" || block.offset != l.At.Offset && !block.within {
			b = l.read(block, b)
		}
	}
	l.pace.given()
	if block.err == ErrForNow {
		if b == nil {
			return nil, ErrForNow
		}
		return b, nil
	}
	if block.err != nil {
		b = l.unended(b)
		l.end(block.err)
	}
	if b == nil {
		return nil, l.failed
	}
	return b, nil
}

// next returns the next block.
func (l *Log) next() placed {
	if l.ahead != nil {
		return l.ahead.next()
	}
	l.cut.goesOn = l.grows
	return l.cut.place()
}

// ErrForNow says that a log that is followed has no more to give for now.
var ErrForNow = errors.New("no more for now")

// openMark ends Position.Torn where lines were rejected because the log ended between
// their pieces.
const openMark = "+"

// tornOff tells whether the last line had no line end.
func (l *Log) tornOff() bool { return strings.TrimSuffix(l.At.Torn, openMark) != "" }

// unended rejects the lines of which the log has only the first pieces.
func (l *Log) unended(b *Batch) *Batch {
	lines := l.joiner.open()
	if len(lines) == 0 {
		return b
	}
	if b == nil {
		b = &Batch{Log: l}
	}
	for _, line := range lines {
		sample := l.opts.Site.RedactLine(line.text)
		l.watch.shapes.add(line.start, reasonOpen, sample, func() string { return "" })
		b.Rejects = append(b.Rejects, Reject{line.start, reasonOpen, sample})
	}
	l.At.Skipped -= int64(len(lines))
	l.At.Rejected += int64(len(lines))
	l.At.Torn += openMark
	b.After = l.At
	return b
}

const reasonOpen = "line split by a container runtime: its end is missing"

// reopened takes back what unended did: the log has grown. There is a batch for each
// line, and the last moves on.
func (l *Log) reopened() *Batch {
	b := &Batch{Log: l, Replaces: l.reopen[0].start, After: l.Start}
	if l.reopen = l.reopen[1:]; len(l.reopen) == 0 {
		b.After = l.At
	}
	return b
}

// end closes the log after the error that ended its content.
func (l *Log) end(err error) {
	last := l.number
	l.close()
	l.texts = nil // of ten thousand logs that a plan holds to the end, it would be much
	l.failed = io.EOF
	if _, ok := errors.AsType[*trailing](err); ok {
		l.watch.trailing(last)
	} else if err != io.EOF {
		l.failed = fmt.Errorf("line %d: %w", last, err)
	}
	l.watch.end()
}

// Close gives back what a log holds that is not read to its end. One that was need not be
// closed.
func (l *Log) Close() { l.close() }

func (l *Log) close() {
	if l.content != nil {
		l.content.close()
		l.content = nil
	}
}

var errReplaced = errors.New("replaced since it was looked at")

// open makes the log ready to be read from where it stands.
func (l *Log) open() (err error) {
	if l.content == nil {
		if l.content, err = l.File.open(); err != nil {
			return err
		}
		if begin, _ := l.content.Peek(len(l.head)); !bytes.Equal(begin, l.head) {
			l.close()
			return errReplaced
		}
	}
	if l.cut == nil {
		l.cut = newCutter(l.content, l.layout)
	}
	l.cut.spare = &l.opts.blocks
	if !l.content.plain && !l.File.once() && l.File.live == nil && l.opts.hands.take() {
		a := cutAhead(l.cut)
		l.ahead = a
		l.content.close = chain(func() { a.stop(); l.opts.hands.give() }, l.content.close)
	}
	l.watch.begin(l.Start, l.opts.Lateness)
	if l.pace, err = NewPace(l.opts.Lateness, l.At.Open); err != nil {
		l.close()
		return fmt.Errorf("lines that leap ahead: %w", err)
	}
	l.reader = l.format.NewReader(l.opts.Site, l.Source)
	for _, header := range l.headers {
		l.reader.Recall(header)
	}
	l.torn = strings.TrimSuffix(l.Start.Torn, openMark)
	return nil
}

// What became of a line, as the first letter of Position.Torn says it.
const (
	wasParsed   = 'p'
	wasLate     = 'l'
	wasOpen     = 'o' // parsed, and not taken in by the Pace: it is when it is finished
	wasRejected = 'r'
	wasSkipped  = 's'
)

// minLine is how long a line of a log is at the least, or nearly: the memory a batch
// takes keeps to its text.
const minLine = 32

// read adds a block of lines to a batch.
func (l *Log) read(block placed, b *Batch) *Batch {
	if b.Requests == nil {
		// Blank lines, of which hostile logs are full, are given no room.
		b.Requests = l.opts.room(min(strings.Count(block.text, "\n"), len(block.text)/minLine) + 1)
		defer func(before []parsers.Request) {
			clear(before[min(len(b.Requests), len(before)):]) // or they would keep alive more texts
		}(b.Requests)
		b.Requests = b.Requests[:0]
	}
	done := len(b.Requests) // requests that are finished
	for n, text := 0, block.text; text != ""; n++ {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		torn := block.torn && text == ""
		if l.torn != "" && !l.untear(line, !torn, b) {
			continue
		}
		l.At.Lines++
		l.number++
		if block.numbers != nil {
			l.number = block.numbers[n]
		}
		whole := joined{line: strings.TrimSuffix(line, "\r"), start: l.number}
		if block.numbers == nil && !torn {
			var ok bool
			if whole, ok = l.joiner.join(whole.line, l.number); !ok {
				l.At.Skipped++
				continue
			}
		}
		if whole.long {
			l.At.Cut++
		}
		became := l.line(whole.line, whole.start, torn, b)
		if len(b.Requests)-done == atATime {
			l.finish(b.Requests[done:], &block.block)
			done = len(b.Requests)
		}
		if torn {
			l.At.Torn = string(became) + hashText(xxh3.HashString128(line))
		}
	}
	l.finish(b.Requests[done:], &block.block)
	block.reuse(&l.opts.blocks)
	l.At.Cut += int64(block.cut)
	l.At.Offset, l.At.Hash = block.offset, block.hash
	l.At.Open = l.pace.Text()
	b.After = l.At
	return b
}

// atATime is how many requests are finished at a time: enough that they wait for memory
// together, and few enough that what was just read of them is at hand.
const atATime = 32

// finish does what is left to do for requests once their lines are read, which are in the
// block: its memory may be used for another one then.
func (l *Log) finish(requests []parsers.Request, of *block) {
	l.reader.Finish(requests)
	if l.opts.Enrich != nil {
		l.opts.Enrich(requests)
	}
	if of.memory != nil {
		for i := range requests {
			l.texts = requests[i].Leave(of.text, l.texts)
		}
	}
}

// untear deals with the first line after one that was read before it was finished.
// If it still reads the same there is nothing to do; else what it counted as is
// taken back and the line is to be read.
func (l *Log) untear(line string, finished bool, b *Batch) (read bool) {
	was, hash := l.torn[0], l.torn[1:]
	l.torn = ""
	if hash == hashText(xxh3.HashString128(line)) && !(finished && (was == wasOpen || l.joiner.touches(strings.TrimSuffix(line, "\r")))) {
		if finished {
			l.At.Torn = ""
		}
		return false
	}
	l.At.Torn = ""
	b.Replaces = l.number
	l.At.Lines--
	l.number--
	switch was {
	case wasLate:
		l.At.Late--
		l.At.Parsed--
	case wasParsed, wasOpen:
		l.At.Parsed--
	case wasRejected:
		l.At.Rejected--
	case wasSkipped:
		l.At.Skipped--
	}
	return true
}

// line reads one line into the batch, which may be torn, and says what became of it.
func (l *Log) line(line string, number int64, torn bool, b *Batch) (became byte) {
	if isBlank(line) {
		l.At.Skipped++
		return wasSkipped
	}
	n := len(b.Requests)
	b.Requests = slices.Grow(b.Requests, 1)[:n+1]
	r := &b.Requests[n]
	if err := l.reader.Begin(line, number, r); err != nil {
		b.Requests = b.Requests[:n]
		var reject *parsers.Reject
		if errors.As(err, &reject) && reject.Skip {
			if len(l.format.Headers) > 0 && l.Once() {
				if l.seen == nil {
					l.seen = &headers{prefixes: l.format.Headers}
				}
				l.seen.see(line)
			}
			l.At.Skipped++
			return wasSkipped
		}
		reason := err.Error()
		if reject != nil {
			reason = reject.Reason
		}
		l.At.Rejected++
		sample := strings.Clone(l.opts.Site.RedactLine(line)) // the line goes with its block
		l.watch.shapes.add(number, reason, sample, func() string { return readsAs(line) })
		b.Rejects = append(b.Rejects, Reject{number, reason, sample})
		return wasRejected
	}
	l.At.Parsed++
	l.watch.line(line, number, r.Time)
	if l.At.Last.IsZero() {
		if l.Source.First.IsZero() {
			l.Source.First = r.Time
		}
		l.At.Last = l.Source.First
	}
	if r.Time.Before(l.At.Last) {
		l.Lag = max(l.Lag, l.At.Last.Sub(r.Time))
	}
	if torn && l.pace.unsure(l.At.Last, r.Time) {
		return wasOpen
	}
	late, wrong := l.pace.Next(&l.At.Last, Leapt{number, r.Time, n})
	if len(wrong) > 0 {
		l.astray(wrong, b)
	}
	if !late {
		return wasParsed
	}
	r.Late = true
	l.At.Late++
	return wasLate
}

// astray notes that lines are late which were taken to be judged.
func (l *Log) astray(wrong []Leapt, b *Batch) {
	l.At.Late += int64(len(wrong))
	l.Leapt += int64(len(wrong))
	for _, w := range wrong {
		if w.At < 0 {
			b.Leapt = append(b.Leapt, w)
			continue
		}
		b.Requests[w.At].Late = true
	}
	l.watch.leapt(wrong[0], l.At.Last)
}

// isBlank tells whether a line holds no more than white space.
func isBlank(line string) bool {
	if line != "" && ' ' < line[0] && line[0] < utf8.RuneSelf { // as nearly all
		return false
	}
	return strings.TrimSpace(line) == ""
}

// New tells how many lines this reading has added.
func (l *Log) New() Position {
	a, b := l.At, l.Start
	return Position{
		Offset:   a.Offset - b.Offset,
		Lines:    a.Lines - b.Lines,
		Parsed:   a.Parsed - b.Parsed,
		Rejected: a.Rejected - b.Rejected,
		Skipped:  a.Skipped - b.Skipped,
		Late:     a.Late - b.Late,
		Cut:      a.Cut - b.Cut,
		Last:     a.Last,
	}
}
