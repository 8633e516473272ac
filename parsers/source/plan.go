package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

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
	p.Failures = append(p.Failures, Failure{Path: f.Path, Err: err, Hint: hintOf(err), Fatal: f.Named})
}

var errEmpty = errors.New("empty")

// unknownFormat says that nothing can read the file.
type unknownFormat struct{ what, hint string }

func (e *unknownFormat) Error() string { return e.what }

// look opens the file and learns what its beginning tells.
func look(f *File, opts *Options) (*Log, error) {
	content, begin, err := f.begin()
	if err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if !keep {
			content.close()
		}
	}()
	if len(begin) == 0 {
		return nil, errEmpty
	}
	if f.live != nil && !content.plain && bytes.IndexByte(begin, '\n') < 0 {
		if _, err := content.Peek(len(begin) + 1); isCutShort(err) {
			return nil, err // of what is being packed nothing is there yet
		}
	}
	l := &Log{File: f, opts: opts, head: bytes.Clone(begin[:min(len(begin), headSize)])}
	l.grows = f.live != nil && content.plain
	l.HeadLen = len(l.head)
	l.Source = &parsers.Source{Path: shownPath(f.Path), Fingerprint: fingerprint(l.head)}

	l.layout = layoutOf(begin)
	if l.layout == inTable && len(opts.Formats) == 1 && opts.Formats[0].Name != "json" { // of rows, whatever stands before them
		l.layout = inLines
	}
	lines := sampleLines(begin)
	if len(opts.Formats) == 1 {
		l.format = opts.Formats[0]
	} else {
		guess, ok := parsers.Guess(opts.Formats, lines)
		if !ok {
			return nil, notALog(begin, lines, guess, opts.Site)
		}
		if guess.Columns() != "" && f.live != nil && len(lines) < liveColumns && len(begin) < guessRetries {
			return nil, &unknownFormat{"no known format, and too few lines yet to tell by them what its columns hold", "give the format with --format"}
		}
		l.format, l.Guess = guess.Format, &guess
	}
	l.Source.Format, l.Source.Reading = l.format.Name, l.format.Reading(opts.Site)
	reader := l.format.NewReader(opts.Site, l.Source)
	var r parsers.Request
	var times []time.Time
	for i, line := range lines {
		if reader.Read(line, int64(i+1), &r) == nil {
			if times = append(times, r.Time); len(times) == beginMax && f.live == nil {
				break
			}
		}
	}
	l.Source.First = beginning(times, opts.Lateness)
	l.begins = pace(times, l.Source.First, opts.Lateness)
	if f.stdin != nil {
		l.content, keep = content, true // it cannot be opened again
	}
	return l, nil
}

// shownPath is the path as a source has it, which is kept as text. A file may be called by any
// bytes.
func shownPath(path string) string { return strings.ToValidUTF8(path, "\ufffd") }

// begin opens a file, and returns with its content what that begins with.
func (f *File) begin() (*unpacked, []byte, error) {
	content, err := f.open()
	if err != nil {
		return nil, nil, err
	}
	begin, err := content.peek()
	if err != nil {
		content.close()
		return nil, nil, err
	}
	return content, begin, nil
}

// Holds tells whether the file at path, packed or not, begins as one of the logs did, whatever
// that was called.
func Holds(path string, logs []Known) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	files, _ := Find([]string{path}, nil)
	return slices.ContainsFunc(files, func(f *File) bool {
		content, begin, err := f.begin()
		if err != nil {
			return false
		}
		defer content.close()
		return slices.ContainsFunc(logs, func(k Known) bool {
			return k.HeadLen <= len(begin) && fingerprint(begin[:k.HeadLen]) == k.Source.Fingerprint
		})
	})
}

// Sample returns the first lines of a file, as its format is told by. Standard input
// is consumed.
func Sample(f *File) ([]string, error) {
	content, begin, err := f.begin()
	if err != nil {
		return nil, err
	}
	defer content.close()
	return sampleLines(begin), nil
}

// spreadBytes is how much of a file Spread looks at, unpacked: a second of work.
const spreadBytes = 128 << 20

// Spread returns at most so many lines of a file, from all over its first 128 MiB. What is
// damaged ends it.
func Spread(f *File, most int) ([]string, error) {
	content, begin, err := f.begin()
	if err != nil {
		return nil, err
	}
	defer content.close()
	var lines []string
	var j joiner
	cut := newCutter(content, layoutOf(begin))
	every, seen := 1, 0
	for read := 0; read < spreadBytes && err == nil; {
		var block block
		block, err = cut.next()
		read += len(block.text)
		for _, line := range splitLines(block.text) {
			whole, ok := j.join(line, 1)
			if !ok || strings.TrimSpace(whole.line) == "" {
				continue
			}
			if seen%every == 0 {
				lines = append(lines, strings.Clone(whole.line)) // the block may go
			}
			seen++
			if len(lines) < most {
				continue
			}
			for i := range (len(lines) + 1) / 2 {
				lines[i] = lines[2*i]
			}
			lines, every = lines[:(len(lines)+1)/2], 2*every
		}
	}
	return lines, nil
}

// liveColumns is how many lines a log that grows must have before it is told by them what its
// columns hold: a user agent may not have come yet.
const liveColumns = 20

// sampleMax is how many lines the format is told by.
const sampleMax = 200

// sampleLines returns the first whole lines, or records, of what a file begins with.
func sampleLines(begin []byte) []string {
	text := string(begin)
	if s := layoutOf(begin).splitter(); s != nil {
		s.split(begin)
		if b := s.take(); b.text != "" {
			text = b.text
		}
	} else if i := strings.LastIndexByte(text, '\n'); i >= 0 && len(begin) == peekSize {
		text = text[:i] // the last line may be cut
	}
	var lines []string
	var j joiner
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		whole, ok := j.join(line, 1)
		if !ok {
			continue
		}
		if lines = append(lines, whole.line); len(lines) == sampleMax {
			break
		}
	}
	return lines
}

// LackHint is what to do about a log whose requests lack what parsers.Lacks names.
const LackHint = "let the server, or its logger, write of each request in one line: the time with its date and zone, the client's address, " +
	"method, path and status; in the common log format, or as JSON, by whatever keys"

// notALog says why nothing can read a file that begins like this.
func notALog(begin []byte, lines []string, nearest parsers.Guessed, site *parsers.Site) error {
	switch {
	case bytes.IndexByte(begin[:min(len(begin), 8<<10)], 0) >= 0:
		return &unknownFormat{"binary, not a log", ""}
	case len(lines) == 0:
		return &unknownFormat{"only blank lines", ""}
	}
	const hint = "'litesoc formats detect FILE' tells what comes nearest; give the format with --format: a name " +
		"of 'litesoc formats', or a log_format string"
	const timeHint = "let the log have the time of each request, or what runs the server put it before each line: " +
		"'docker logs --timestamps', 'journalctl --output short-iso', rsyslog's RSYSLOG_FileFormat; a key of JSON that has it can be named in litesoc.yaml, under json_fields"
	const columnsHint = "tell what the columns hold, in their order: --format '#Fields: timestamp c-ip cs-method cs-uri-stem sc-status', " +
		"as CloudFront's real-time logs call them, or Akamai's DataStream in JSON; a name that is not known is read over"
	const fewestColumns = 5 // of a table that could tell of requests
	most := func(n int) bool { return 2*n >= nearest.Of }
	switch {
	case nearest.Parsed > 0:
		return &unknownFormat{fmt.Sprintf("no known format: %s, which comes nearest, reads %d of %s; %s",
			nearest.Format.Name, nearest.Parsed, nearest.Lines(), firstReject(begin, lines, nearest.Format, false, site)), hint}
	case most(nearest.Timeless):
		return &unknownFormat{fmt.Sprintf("%s, but no time in %d of %s: %s",
			nearest.Format.Name, nearest.Timeless, nearest.Lines(), firstReject(begin, lines, nearest.Format, false, site)), timeHint}
	case most(nearest.Skipped):
		return &unknownFormat{fmt.Sprintf("no request in %s: %s", nearest.Lines(), firstReject(begin, lines, nearest.Format, true, site)), ""}
	}
	if what, instead := parsers.Other(lines); what != "" {
		return &unknownFormat{"no access log: " + what, instead}
	}
	if lacks := parsers.Lacks(lines); len(lacks) > 0 {
		return &unknownFormat{fmt.Sprintf("no known format, and what seem to be requests lack %s: %s", strings.Join(lacks, ", "), shown(begin, lines[0], "", site)), LackHint}
	}
	unknown := "no known format: " + shown(begin, lines[0], "", site)
	if strings.Count(lines[0], "\t")+1 >= fewestColumns || hasColumns(lines[0]) {
		return &unknownFormat{unknown, columnsHint}
	}
	return &unknownFormat{unknown, hint}
}

// hasColumns tells whether the line could be one of a table whose columns stand between blanks: many, an
// address among them, and none in quotes or brackets.
func hasColumns(line string) bool {
	const fewest = 12
	words := strings.Fields(line)
	return len(words) >= fewest && !strings.ContainsAny(line, "\"{[") &&
		slices.ContainsFunc(words, func(word string) bool { _, err := netip.ParseAddr(word); return err == nil })
}

// firstReject says which line a format cannot read, or skips, and why.
func firstReject(begin []byte, lines []string, f *parsers.Format, skips bool, site *parsers.Site) string {
	reader := f.NewReader(site, &parsers.Source{})
	var r parsers.Request
	for i, line := range lines {
		var reject *parsers.Reject
		if !errors.As(reader.Read(line, int64(i+1), &r), &reject) || reject.Skip != skips {
			continue
		}
		if skips {
			return shown(begin, line, "skipped ("+reject.Reason+"): ", site)
		}
		return shown(begin, line, "not read ("+reject.Reason+"): ", site)
	}
	return shown(begin, lines[0], "", site)
}

// shown shows a line that stands in the text, with its number.
func shown(begin []byte, line, reason string, site *parsers.Site) string {
	return fmt.Sprintf("line %d is %s%s", numberOf(line, begin), reason, site.RedactLine(line))
}

// numberOf returns the number of the first line of the text that is as given, or, if it was
// put together of several, of the first that begins so.
func numberOf(line string, text []byte) int {
	number := 0
	for l := range bytes.Lines(text) {
		if number++; string(bytes.TrimRight(l, "\r\n")) == line {
			return number
		}
	}
	return 1 + bytes.Count(text[:max(bytes.Index(text, []byte(line)), 0)], []byte{'\n'})
}

// dropDuplicates leaves of the files that hold the same log the one that holds most
// of it: a copy, a compressed copy, a copy made while the log was still growing. What can be
// read but once, and begins as another for longer than it can be looked at, is a failure.
func (p *Plan) dropDuplicates() {
	drop, unsure := map[*Log]*Log{}, map[*Log]bool{}
	for i, a := range p.Logs {
		for _, b := range p.Logs[i+1:] {
			if drop[a] != nil {
				break
			}
			if drop[b] != nil || !sameBeginning(a.head, b.head) {
				continue
			}
			compare := func(a, b *Log) (int, error) { return prefix(a.File, b.File) }
			if a.File.once() || b.File.once() {
				compare = prefixSeen
			}
			switch within, err := compare(a, b); {
			case err != nil || within == neither:
			case within == firstInSecond, within == alike && a.File.once():
				drop[a], unsure[a] = b, within == alike
			default:
				drop[b], unsure[b] = a, within == alike
			}
		}
	}
	p.Logs = slices.DeleteFunc(p.Logs, func(l *Log) bool {
		switch as := drop[l]; {
		case as == nil:
			return false
		case unsure[l]:
			p.fail(l.File, fmt.Errorf("begins as %q does, which is read, too: give each log once", as.File.Path))
		default:
			p.Same = append(p.Same, Duplicate{l.File.Path, as.File.Path})
		}
		return true
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
	alike // as far as was looked
)

// prefix tells whether one file's content begins with all of the other's, or with all that is
// there of it if it is cut short, as while it is being packed.
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
			case len(p) == 0 && isCutShort(errx):
				return firstInSecond, nil
			case len(q) == 0 && isCutShort(erry):
				return secondInFirst, nil
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

// prefixSeen is prefix for logs of which one can be read but once: as far as that can be looked
// at without being read.
func prefixSeen(a, b *Log) (int, error) {
	x, endx, err := a.look()
	if err != nil {
		return neither, err
	}
	y, endy, err := b.look()
	switch n := min(len(x), len(y)); {
	case err != nil:
		return neither, err
	case !bytes.Equal(x[:n], y[:n]):
		return neither, nil
	case endx && len(x) == n:
		return firstInSecond, nil
	case endy && len(y) == n:
		return secondInFirst, nil
	}
	return alike, nil
}

// look returns what the log begins with, and whether that is all.
func (l *Log) look() (begin []byte, all bool, err error) {
	content := l.content
	if content == nil {
		if content, err = l.File.open(); err != nil {
			return nil, false, err
		}
		defer content.close()
	}
	begin, err = content.Peek(readSize)
	return begin, err == io.EOF || isCutShort(err), nil
}

// isCutShort tells whether what was packed ends before its end.
func isCutShort(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

// recognise finds the logs that were read before: those that begin with all that
// was read of a known one. They go on where that ended.
func (p *Plan) recognise(opts *Options) {
	taken := map[int]bool{}
	begins := beginningsOf(opts.Known)
	p.Logs = slices.DeleteFunc(p.Logs, func(l *Log) bool {
		for _, n := range begins.as(l.head) {
			k := opts.Known[n]
			if taken[k.Source.ID] {
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
		for _, n := range begins.at[l.Source.First.UnixMicro()] {
			if k := opts.Known[n]; !l.File.once() && l.within(k) {
				l.Source.ID, l.Source.First = k.Source.ID, k.Source.First
				l.Start, l.At, l.failed, l.copied = k.At, k.At, io.EOF, true
				break
			}
		}
		return false
	})
}

// beginnings find the logs that were read before, each by its place among them, in order. There
// may be many thousands.
type beginnings struct {
	lengths []int             // of what they begin with, each once
	print   map[opening][]int // by that
	at      map[int64][]int   // by their first time, in microseconds
}

// An opening is what a log begins with: so many bytes, with that fingerprint.
type opening struct {
	length int
	print  string
}

func beginningsOf(known []Known) *beginnings {
	b := &beginnings{print: map[opening][]int{}, at: map[int64][]int{}}
	for n, k := range known {
		b.lengths = append(b.lengths, k.HeadLen)
		begins, first := opening{k.HeadLen, k.Source.Fingerprint}, k.Source.First.UnixMicro()
		b.print[begins], b.at[first] = append(b.print[begins], n), append(b.at[first], n)
	}
	slices.Sort(b.lengths)
	b.lengths = slices.Compact(b.lengths)
	return b
}

// as returns those that begin as a log does which begins with that.
func (b *beginnings) as(head []byte) (places []int) {
	for _, length := range b.lengths {
		if length > len(head) {
			break
		}
		places = append(places, b.print[opening{length, fingerprint(head[:length])}]...)
	}
	slices.Sort(places)
	return places
}

// readsOtherwise tells whether the lines of the log may now give other requests than
// before.
func (l *Log) readsOtherwise(k Known) bool {
	return l.Source.Format != k.Source.Format || l.Source.Reading != k.Source.Reading
}

// beginsOtherwise tells whether more of the log has shown that other lines at its beginning
// leap ahead than those which seemed to.
func (l *Log) beginsOtherwise(k Known) bool {
	now, then := l.Source.First, k.Source.First
	return !now.IsZero() && !then.IsZero() && now.Sub(then).Abs() > minLeap
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
	copied := Log{File: l.File, Source: l.Source, HeadLen: l.HeadLen, format: l.format, opts: l.opts, head: l.head, layout: l.layout}
	defer copied.close()
	kept, err, more := next()
	// Lines that were joined come after those that stand between their pieces.
	var missed []parsers.Request
	for {
		b, end := copied.Next()
		if end != nil {
			// What is kept of a line that was cut off here is more than the copy has.
			last := copied.number
			if copied.tornOff() {
				last--
			}
			for more && err == nil && kept.Line <= last && len(missed) < joinStreams {
				missed = append(missed, *kept)
				kept, err, more = next()
			}
			open := copied.joiner.open()
			for _, r := range missed {
				if !slices.ContainsFunc(open, func(l openLine) bool { return l.start == r.Line }) {
					return false
				}
			}
			return (end == io.EOF || isCutShort(end)) && err == nil && copied.At.Parsed > 0 && (!more || kept.Line > last)
		}
		for i := range b.Requests {
			r := &b.Requests[i]
			if copied.tornOff() && r.Line == copied.number {
				break
			}
			for more && err == nil && kept.Line < r.Line && len(missed) < joinStreams {
				missed = append(missed, *kept)
				kept, err, more = next()
			}
			if n := slices.IndexFunc(missed, func(m parsers.Request) bool { return sameLine(r, &m) }); n >= 0 {
				missed = slices.Delete(missed, n, n+1)
				continue
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
	was := l.layout
	torn, open := strings.CutSuffix(k.At.Torn, openMark)
	if torn != "" && !(l.layout == inTable && k.At.Offset > 0) { // more of the text shows that its first line begins a document
		was = inLines
	}
	cut := newCutter(l.content, was)
	before := &headers{prefixes: l.format.Headers}
	l.joiner, l.number = joiner{}, 0
	hash, err := cut.skip(k.At.Offset, func(b block) { l.recall(b, before) })
	if err != nil || k.At.Offset > 0 && hash != k.At.Hash {
		l.joiner, l.number = joiner{}, 0
		l.close()
		return false, err
	}
	if l.number == 0 && k.At.Lines > 0 { // of no record: the opening bracket was taken for a line
		was = inLines
	}
	l.Source.ID = k.Source.ID
	if l.anew = l.File.stdin == nil && (l.layout != was || l.beginsOtherwise(k) || l.readsOtherwise(k)); l.anew {
		l.joiner, l.number = joiner{}, 0
		l.close()
		return true, nil
	}
	l.layout = was
	l.Source.First = k.Source.First
	l.Start, l.At, l.cut = k.At, k.At, cut
	rest, broken := l.content.peek()
	line, _, ended := bytes.Cut(rest, []byte{'\n'})
	if table, ok := cut.document.(*tableSplitter); ok && torn != "" {
		line, ended = table.next(rest)
		l.number = table.line
	} else if torn != "" {
		l.number++
	}
	same = torn != "" && hashText(xxh3.Hash128(line)) == torn[1:]
	if same { // it will not be read again
		before.see(string(bytes.TrimSuffix(line, []byte{'\r'})))
	}
	l.headers = before.kept()
	ends := cut.document == nil || !cut.document.unfinished()
	over := len(rest) == 0 && broken == nil && ends || same && !ended // what is broken is told again
	if over && !l.grows {
		l.close()
		l.failed = io.EOF
		return true, nil
	}
	l.voids = !over && torn != "" && (!same || torn[0] == wasOpen || l.joiner.touches(string(line)))
	if open {
		l.At.Torn = torn
		l.reopen = l.joiner.open()
		l.At.Rejected -= int64(len(l.reopen))
		l.At.Skipped += int64(len(l.reopen))
	}
	return true, nil
}

// recall takes in lines that an earlier run has read.
func (l *Log) recall(b block, h *headers) {
	n := 0
	for line := range strings.Lines(b.text) {
		l.number++
		if b.numbers != nil {
			l.number = b.numbers[n]
		}
		n++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if b.numbers == nil {
			whole, ok := l.joiner.join(line, l.number)
			if !ok {
				continue
			}
			line = whole.line
		}
		h.see(line)
	}
}
