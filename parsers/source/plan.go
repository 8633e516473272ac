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

	"github.com/zeebo/xxh3"

	"github.com/litesoc/litesoc/parsers"
)

// A Plan is what a run will read.
type Plan struct {
	Logs []*Log // in order of their first time; those read before to the end included
	// Same are files that hold nothing but what another file of the plan holds.
	Same     []Duplicate
	Empty    []string // paths of files without a byte
	Failures []Failure
}

// A Duplicate is a file that holds the same log as another.
type Duplicate struct{ Path, As string }

// Look opens each file, tells its format, finds the place where an earlier run left
// it, and orders the logs by what they hold. No log is read yet.
func Look(files []*File, opts *Options) *Plan {
	p := &Plan{}
	for _, f := range files {
		l, err := look(f, opts)
		switch {
		case err == errEmpty:
			p.Empty = append(p.Empty, f.Path)
		case err != nil:
			p.fail(f, err)
		default:
			p.Logs = append(p.Logs, l)
		}
	}
	p.dropDuplicates()
	p.recognise(opts)
	slices.SortStableFunc(p.Logs, func(a, b *Log) int {
		if c := a.Source.First.Compare(b.Source.First); c != 0 {
			return c
		}
		return strings.Compare(a.Source.Fingerprint, b.Source.Fingerprint)
	})
	next := 1
	for _, k := range opts.Known {
		next = max(next, k.Source.ID+1)
	}
	for _, l := range p.Logs {
		if l.Source.ID == 0 {
			l.Source.ID = next
			next++
		}
	}
	return p
}

func (p *Plan) fail(f *File, err error) {
	fail := Failure{Path: f.Path, Err: err, Fatal: f.Named}
	var unknown *unknownFormat
	if errors.As(err, &unknown) {
		fail.Hint = unknown.hint
	}
	p.Failures = append(p.Failures, fail)
}

var errEmpty = errors.New("empty")

// unknownFormat says that nothing can read the file.
type unknownFormat struct{ what, hint string }

func (e *unknownFormat) Error() string { return e.what }

// look opens the file and learns what its beginning tells.
func look(f *File, opts *Options) (*Log, error) {
	content, err := f.open()
	if err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if !keep {
			content.close()
		}
	}()
	begin, err := content.peek()
	if err != nil {
		return nil, err
	}
	if len(begin) == 0 {
		return nil, errEmpty
	}
	l := &Log{File: f, opts: opts, head: bytes.Clone(begin[:min(len(begin), headSize)])}
	l.HeadLen = len(l.head)
	l.Source = &parsers.Source{Path: f.Path, Fingerprint: fingerprint(l.head)}

	lines := sampleLines(begin)
	if len(opts.Formats) == 1 {
		l.format = opts.Formats[0]
	} else {
		guess, ok := parsers.Guess(opts.Formats, lines)
		if !ok {
			return nil, notALog(begin, lines, guess, opts.Site)
		}
		l.format, l.Guess = guess.Format, &guess
	}
	l.Source.Format = l.format.Name
	reader := l.format.NewReader(opts.Site, l.Source)
	var r parsers.Request
	for i, line := range lines {
		if reader.Read(line, int64(i+1), &r) == nil {
			l.Source.First = r.Time
			break
		}
	}
	if f.stdin != nil {
		l.content, keep = content, true // it cannot be opened again
	}
	return l, nil
}

// Sample returns the first lines of a file, as its format is told by. Standard input
// is consumed.
func Sample(f *File) ([]string, error) {
	content, err := f.open()
	if err != nil {
		return nil, err
	}
	defer content.close()
	begin, err := content.peek()
	if err != nil {
		return nil, err
	}
	return sampleLines(begin), nil
}

// sampleMax is how many lines the format is told by.
const sampleMax = 200

// sampleLines returns the first whole lines of what a file begins with.
func sampleLines(begin []byte) []string {
	text := string(begin)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 && len(begin) == peekSize {
		text = text[:i] // the last line may be cut
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
		if len(lines) == sampleMax {
			break
		}
	}
	return lines
}

// notALog says why nothing can read a file that begins like this.
func notALog(begin []byte, lines []string, nearest parsers.Guessed, site *parsers.Site) error {
	switch {
	case bytes.IndexByte(begin[:min(len(begin), 8<<10)], 0) >= 0:
		return &unknownFormat{"binary, not a log", ""}
	case len(lines) == 0:
		return &unknownFormat{"only blank lines", ""}
	}
	const hint = "see 'litesoc formats'; give the format by name or as a log_format string with --format"
	if nearest.Parsed > 0 {
		return &unknownFormat{fmt.Sprintf("no known format: %s, which comes nearest, reads %d of the first %d lines",
			nearest.Format.Name, nearest.Parsed, nearest.Of), hint}
	}
	return &unknownFormat{fmt.Sprintf("no known format: line 1 is %q", site.RedactLine(lines[0])), hint}
}

// dropDuplicates leaves of the files that hold the same log the one that holds most
// of it: a copy, a compressed copy, a copy made while the log was still growing.
func (p *Plan) dropDuplicates() {
	drop := map[*Log]*Log{}
	for i, a := range p.Logs {
		for _, b := range p.Logs[i+1:] {
			if drop[a] != nil {
				break
			}
			if drop[b] != nil || a.File.stdin != nil || b.File.stdin != nil || !sameBeginning(a.head, b.head) {
				continue
			}
			switch within, err := prefix(a.File, b.File); {
			case err != nil || within == neither:
			case within == firstInSecond:
				drop[a] = b
			default:
				drop[b] = a
			}
		}
	}
	p.Logs = slices.DeleteFunc(p.Logs, func(l *Log) bool {
		if drop[l] != nil {
			p.Same = append(p.Same, Duplicate{l.File.Path, drop[l].File.Path})
		}
		return drop[l] != nil
	})
}

// sameBeginning tells whether one begins with the other. Only a file shorter than
// headSize has a shorter head.
func sameBeginning(a, b []byte) bool {
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n])
}

const (
	neither = iota
	firstInSecond
	secondInFirst
)

// prefix tells whether one file's content begins with all of the other's.
func prefix(a, b *File) (int, error) {
	x, err := a.open()
	if err != nil {
		return neither, err
	}
	defer x.close()
	y, err := b.open()
	if err != nil {
		return neither, err
	}
	defer y.close()
	for {
		p, errx := x.Peek(32 << 10)
		q, erry := y.Peek(32 << 10)
		n := min(len(p), len(q))
		if !bytes.Equal(p[:n], q[:n]) {
			return neither, nil
		}
		if n == 0 {
			switch {
			case len(p) == 0 && errx == io.EOF:
				return firstInSecond, nil
			case len(q) == 0 && erry == io.EOF:
				return secondInFirst, nil
			}
			return neither, errors.Join(errx, erry)
		}
		x.Discard(n)
		y.Discard(n)
	}
}

// recognise finds the logs that were read before: those that begin with all that
// was read of a known one. They go on where that ended.
func (p *Plan) recognise(opts *Options) {
	taken := map[int]bool{}
	p.Logs = slices.DeleteFunc(p.Logs, func(l *Log) bool {
		for _, k := range opts.Known {
			if taken[k.Source.ID] || k.HeadLen > len(l.head) || fingerprint(l.head[:k.HeadLen]) != k.Source.Fingerprint {
				continue
			}
			same, err := l.resume(k)
			if same {
				taken[k.Source.ID] = true
				return false
			}
			if l.File.stdin != nil {
				// What was compared is consumed and cannot be read again.
				p.fail(l.File, cmp.Or(err, errors.New("begins like a log read before, but goes on differently")))
				return true
			}
		}
		for _, k := range opts.Known {
			if l.File.stdin == nil && l.within(k) {
				l.Source.ID, l.Source.First = k.Source.ID, k.Source.First
				l.Start, l.At, l.failed = k.At, k.At, io.EOF
				break
			}
		}
		return false
	})
}

// readsOtherwise tells whether the log is now read in another format than before, or
// in a given one after little could be read of it. Formats that are given as text share
// a name.
func (l *Log) readsOtherwise(k Known) bool {
	given := l.Guess == nil
	return l.format.Name != k.Source.Format || given && 2*k.At.Parsed < k.At.Lines-k.At.Skipped
}

// within tells whether the log is an earlier copy of k, made before k was read to
// where it stands: all its whole lines give the requests that are kept of k, and no
// other. A hash of that much of k was never taken, so they are compared one by one.
func (l *Log) within(k Known) bool {
	if l.opts.Kept == nil || l.Source.First.IsZero() || !l.Source.First.Equal(k.Source.First) {
		return false
	}
	if k.HeadLen <= len(l.head) && fingerprint(l.head[:k.HeadLen]) != k.Source.Fingerprint {
		return false
	}
	next, stop := iter.Pull2(l.opts.Kept(k.Source.ID))
	defer stop()
	copied := Log{File: l.File, Source: l.Source, HeadLen: l.HeadLen, format: l.format, opts: l.opts, head: l.head}
	defer copied.close()
	kept, err, more := next()
	for {
		b, end := copied.Next()
		if end != nil {
			// What is kept of a line that was cut off here is more than the copy has.
			last := copied.At.Lines
			if copied.At.Torn != "" {
				last--
			}
			return end == io.EOF && err == nil && copied.At.Parsed > 0 && (!more || kept.Line > last)
		}
		for i := range b.Requests {
			r := &b.Requests[i]
			if copied.At.Torn != "" && r.Line == copied.At.Lines {
				break
			}
			if !more || err != nil || !sameLine(r, kept) {
				return false
			}
			kept, err, more = next()
		}
	}
}

// sameLine tells whether two requests were read from the same text, as far as they
// show it.
func sameLine(a, b *parsers.Request) bool {
	return a.Line == b.Line && a.Time.Equal(b.Time) && a.ClientIP == b.ClientIP && a.Method == b.Method && a.Path == b.Path &&
		a.Query == b.Query && a.Status == b.Status && a.Bytes == b.Bytes && a.UserAgent == b.UserAgent && a.RequestID == b.RequestID
}

// resume goes to where an earlier reading of k ended, if the log begins with what
// was read then.
func (l *Log) resume(k Known) (same bool, err error) {
	if l.content == nil {
		if l.content, err = l.File.open(); err != nil {
			return false, err
		}
	}
	cut := newCutter(l.content)
	seen := io.Discard
	before := &headers{prefix: l.format.Header}
	if before.prefix != "" {
		seen = before
	}
	hash, err := cut.skip(k.At.Offset, seen)
	if err != nil || k.At.Offset > 0 && hash != k.At.Hash {
		l.close()
		return false, err
	}
	l.Source.ID = k.Source.ID
	if l.anew = l.File.stdin == nil && l.readsOtherwise(k); l.anew {
		l.close()
		return true, nil
	}
	l.Source.First = k.Source.First
	l.Start, l.At, l.cut, l.headers = k.At, k.At, cut, before.kept
	rest, broken := l.content.peek()
	line, _, ended := bytes.Cut(rest, []byte{'\n'})
	same = k.At.Torn != "" && hashText(xxh3.Hash128(line)) == k.At.Torn[1:]
	l.voids = k.At.Torn != "" && !same
	if len(rest) == 0 && broken == nil || same && !ended { // what is broken is told again
		l.close()
		l.failed = io.EOF
	}
	return true, nil
}
