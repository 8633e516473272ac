package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

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
	HeadLen int           // bytes of the beginning that the fingerprint is made of
	// Guess is what the format was told by; nil if it was given or known.
	Guess *parsers.Guessed

	format *parsers.Format
	opts   *Options
	head   []byte

	content *unpacked // nil before the first Next and after the end
	cut     *cutter
	headers []string // header lines of what was read before
	reader  *parsers.Reader
	torn    string // the torn line of the run before, until it is met again
	voids   bool   // that line now reads otherwise
	anew    bool
	failed  error // to be returned by the next Next
	watch   watch
}

// Options say how logs are read.
type Options struct {
	Site *parsers.Site
	// Formats are what a log may be written in. If there is one it is taken as given,
	// else each log's is guessed.
	Formats []*parsers.Format
	// Lateness bounds how far a line may lie behind the latest before it in its log
	// and still be judged.
	Lateness time.Duration
	// Classify names the event a single request is; see parsers.Request.Event.
	Classify func(*parsers.Request) string
	Known    []Known // logs that were read before
	// Kept yields the requests that are kept of a log that was read before, in the
	// order of their lines. It tells an earlier copy of that log, which is shorter,
	// from another log. nil: no copy is told.
	Kept func(source int) iter.Seq2[*parsers.Request, error]
}

// Known is a log that was read before.
type Known struct {
	Source  parsers.Source
	Lag     time.Duration // how far a line of this reading lay behind one before it, at most
	HeadLen int
	At      Position
}

// Over tells that nothing has been added since the log was read before.
func (l *Log) Over() bool { return l.failed == io.EOF }

// Voids tells that a line which was kept before it was finished now reads otherwise.
func (l *Log) Voids() bool { return l.voids }

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
		l.reader, l.cut = nil, nil // a plan holds its logs to the end
		return nil, l.failed
	}
	if l.reader == nil {
		if err := l.open(); err != nil {
			l.failed = err
			return nil, err
		}
	}
	block, err := l.cut.next()
	var b *Batch
	if block.text != "" {
		b = l.read(block)
	}
	if err != nil {
		l.end(err)
	}
	if b == nil {
		return nil, l.failed
	}
	return b, nil
}

// end closes the log after the error that ended its content.
func (l *Log) end(err error) {
	l.close()
	l.failed = io.EOF
	if _, ok := errors.AsType[*trailing](err); ok {
		l.watch.trailing(l.At.Lines)
	} else if err != io.EOF {
		l.failed = fmt.Errorf("line %d: %w", l.At.Lines, err)
	}
	l.watch.end()
}

func (l *Log) close() {
	if l.content != nil {
		l.content.close()
		l.content = nil
	}
}

// open makes the log ready to be read from where it stands.
func (l *Log) open() (err error) {
	if l.content == nil {
		if l.content, err = l.File.open(); err != nil {
			return err
		}
		if begin, _ := l.content.Peek(len(l.head)); !bytes.Equal(begin, l.head) {
			l.close()
			return errors.New("replaced since it was looked at")
		}
	}
	if l.cut == nil {
		l.cut = newCutter(l.content)
	}
	l.watch.begin(l.Start, l.opts.Lateness)
	l.reader = l.format.NewReader(l.opts.Site, l.Source)
	for _, header := range l.headers {
		l.reader.Recall(header)
	}
	l.torn = l.Start.Torn
	return nil
}

// What became of a line, as the first letter of Position.Torn says it.
const (
	wasParsed   = 'p'
	wasLate     = 'l'
	wasRejected = 'r'
	wasSkipped  = 's'
)

// minLine is how long a line of a log is at the least, or nearly: the memory a batch
// takes keeps to its text.
const minLine = 32

// read turns a block of lines into a batch.
func (l *Log) read(block block) *Batch {
	// Blank lines, of which hostile logs are full, are given no room.
	room := min(strings.Count(block.text, "\n"), len(block.text)/minLine) + 1
	b := &Batch{Log: l, Requests: make([]parsers.Request, 0, room)}
	for text := block.text; text != ""; {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		if l.torn != "" && !l.untear(line, b) {
			continue
		}
		became := l.line(strings.TrimSuffix(line, "\r"), b)
		if block.torn && text == "" {
			l.At.Torn = string(became) + hashText(xxh3.HashString128(line))
		}
	}
	if block.cut {
		l.At.Cut++
	}
	l.At.Offset, l.At.Hash = l.cut.offset, l.cut.sum()
	b.After = l.At
	return b
}

// untear deals with the first line after one that was read before it was finished.
// If it still reads the same there is nothing to do; else what it counted as is
// taken back and the line is to be read.
func (l *Log) untear(line string, b *Batch) (read bool) {
	was, hash := l.torn[0], l.torn[1:]
	l.torn = ""
	if hash == hashText(xxh3.HashString128(line)) {
		if !l.cut.torn {
			l.At.Torn = ""
		}
		return false
	}
	l.At.Torn = ""
	b.Replaces = l.At.Lines
	l.At.Lines--
	switch was {
	case wasLate:
		l.At.Late--
		l.At.Parsed--
	case wasParsed:
		l.At.Parsed--
	case wasRejected:
		l.At.Rejected--
	case wasSkipped:
		l.At.Skipped--
	}
	return true
}

// line reads one line into the batch and says what became of it.
func (l *Log) line(line string, b *Batch) (became byte) {
	l.At.Lines++
	if strings.TrimSpace(line) == "" {
		l.At.Skipped++
		return wasSkipped
	}
	b.Requests = append(b.Requests, parsers.Request{})
	r := &b.Requests[len(b.Requests)-1]
	if err := l.reader.Read(line, l.At.Lines, r); err != nil {
		b.Requests = b.Requests[:len(b.Requests)-1]
		var reject *parsers.Reject
		if errors.As(err, &reject) && reject.Skip {
			l.At.Skipped++
			return wasSkipped
		}
		reason := err.Error()
		if reject != nil {
			reason = reject.Reason
		}
		l.At.Rejected++
		sample := l.opts.Site.RedactLine(line)
		l.watch.shapes.add(l.At.Lines, reason, sample)
		b.Rejects = append(b.Rejects, Reject{l.At.Lines, reason, sample})
		return wasRejected
	}
	l.At.Parsed++
	l.watch.line(line, l.At.Lines, r.Time)
	if l.Source.First.IsZero() {
		l.Source.First = r.Time
	}
	became = wasParsed
	l.Lag = max(l.Lag, l.At.Last.Sub(r.Time))
	if r.Time.Before(l.Bound()) {
		r.Late = true
		l.At.Late++
		became = wasLate
	}
	if r.Time.After(l.At.Last) {
		l.At.Last = r.Time
	}
	if l.opts.Classify != nil {
		r.Event = l.opts.Classify(r)
	}
	return became
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
