package source

import (
	"io"
	"math"
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A Joining is what came of looking at files.
type Joining struct {
	Logs     []*Log   // that are read from now on
	On       []*Log   // of pipes, that another follower has begun to read
	Batches  []*Batch // that say where logs stand which begin at their end; they hold nothing else
	Failures []Failure
	// Missing are the arguments that lead to no file, at first: files that are not there yet,
	// and patterns that none matches.
	Missing []string
	// Reread are logs that have grown and are packed, or not in UTF-8: they are read from
	// their start to where their reading ended. Each is told of once.
	Reread []string
}

// Join looks at the files that were found since and begins to read the logs among them.
// opts.Known must hold all logs that were read so far, as far as they were. Those that were
// begun and have given nothing yet are added to it.
func (f *Follower) Join(opts *Options) *Joining {
	first := !f.joined
	f.joined = true
	now := f.Now()
	families := familiesOf(opts.Known)
	j := &Joining{}
	for _, e := range f.files {
		if first && e.log != nil {
			e.log.Renumber(opts.Known)
			e.log.readBy(opts)
			j.On = append(j.On, e.log)
		}
	}
	for _, e := range f.files {
		if e.log != nil && !slices.ContainsFunc(opts.Known, func(k Known) bool { return k.Source.ID == e.log.Source.ID }) {
			opts.Known = append(opts.Known, Known{Source: *e.log.Source, HeadLen: e.log.HeadLen})
		}
	}
	var candidates []*followed
	for _, e := range f.files {
		if e.pending(now) && !(first && f.tooOld(e, families)) {
			candidates = append(candidates, e)
		}
	}
	candidates = append(candidates, f.copies(first, families, candidates)...)
	byFile := map[*File]*followed{}
	final := map[*followed]bool{} // what is no log now will be none
	var files []*File
	for _, e := range candidates {
		file := &File{Path: e.path, Named: e.named}
		if e.pipe != nil {
			file.live = e.pipe
		} else {
			e.live = &liveFile{file: e.live.file}
			file.live = e.live
			if info, err := e.live.stat(); err == nil {
				e.info = info
			}
		}
		byFile[file] = e
		_, final[e] = e.held()
		files = append(files, file)
	}
	plan := Look(files, opts)
	if first && !f.anew {
		j.Missing = f.missing
	}
	if first && !f.Skip {
		f.tellMissing(plan, families)
	}
	for _, l := range plan.Logs {
		e := byFile[l.File]
		delete(byFile, l.File)
		f.join(e, l, first, families, j)
	}
	for file, e := range byFile {
		var fail *Failure // nil: it is empty, or the same as another, for now
		if i := slices.IndexFunc(plan.Failures, func(fail Failure) bool { return fail.Path == file.Path }); i >= 0 {
			fail = &plan.Failures[i]
		}
		size, _ := e.held()
		switch {
		case e.copyOf:
			e.close()
			if fail != nil {
				f.cannotTell(e, *fail)
			}
		case fail == nil:
			f.rest(e)
		case isCutShort(fail.Err) && e.pipe == nil:
			if size != e.short {
				e.short, e.wait = size, 0
			}
			if e.wait < keepLost/2 {
				f.postpone(e)
				break
			}
			f.rest(e)
			e.failed = size + 1
			j.Failures = append(j.Failures, *fail)
		default:
			// More of it may show what it is.
			f.rest(e)
			if e.failed == 0 || size > guessRetries {
				j.Failures = append(j.Failures, *fail)
			}
			e.failed = max(2*size, 1)
		}
		switch {
		case final[e]:
			e.pipe.stop()
		case e.pipe != nil:
			e.done = false // unlike a file it is not seen to change
		}
	}
	f.lost = slices.DeleteFunc(f.lost, func(l lost) bool { return l.id == 0 && l.wait > 0 && l.failed == nil })
	j.Failures = append(j.Failures, f.failures...)
	f.failures = nil
	f.files = append(f.files, slices.DeleteFunc(candidates, func(e *followed) bool {
		return !e.copyOf || e.log == nil
	})...)
	for _, e := range f.files {
		e.from = e.from && (e.log != nil || e.failed > 0)
	}
	return j
}

// join begins to read a log, if there is something to be read of it.
func (f *Follower) join(e *followed, l *Log, first bool, families map[string]family, j *Joining) {
	e.failed = 0
	defer func() { e.before = 0 }()
	begun := slices.ContainsFunc(l.opts.Known, func(k Known) bool { return k.Source.ID == l.Source.ID })
	known := begun || l.Start.Lines > 0 || l.Start.Offset > 0 || l.Anew() || f.reading(l.Source.ID) != nil
	if known {
		f.lost = slices.DeleteFunc(f.lost, func(o lost) bool { return o.id == l.Source.ID })
	}
	if known && f.reading(l.Source.ID) != nil || l.Over() {
		// A copy of what is read where it is written, or all read.
		f.leave(e, l)
		return
	}
	switch {
	case !known && e.before > 0 && l.grows: // it was no log of the past: it has been written to
		if err := l.passOver(e.before); err != nil {
			j.Failures = append(j.Failures, Failure{Path: e.path, Err: err, Fatal: e.named})
		}
		j.Batches = append(j.Batches, &Batch{Log: l, After: l.At})
	case e.pipe != nil, known && !(f.Skip && first), !known && !e.from && !e.copyOf, !known && f.isNewer(e, l, families):
		// From where it stands.
	case !known && e.copyOf:
		f.leave(e, l)
		return
	case f.AtEnd:
		if err := l.passOver(math.MaxInt64); err != nil {
			j.Failures = append(j.Failures, Failure{Path: e.path, Err: err, Fatal: e.named})
		}
		j.Batches = append(j.Batches, &Batch{Log: l, After: l.At})
		if !l.grows {
			f.leave(e, l)
			return
		}
	case f.From.IsZero():
		// It is known from now on, though nothing of it may be kept before it is rotated.
		j.Batches = append(j.Batches, &Batch{Log: l, After: l.At})
	default:
		l.from = f.From
	}
	if e.pipe != nil {
		e.pipe.mu.Lock()
		e.pipe.taken = true
		e.pipe.mu.Unlock()
	}
	if known && e.pipe == nil && !l.grows && l.Start.Lines > 0 && !e.reread {
		e.reread = true
		j.Reread = append(j.Reread, e.path)
	}
	e.log, e.done = l, false
	e.grace, e.slack = f.Grace, f.Grace
	j.Logs = append(j.Logs, l)
}

// isNewer tells whether a log that is not known follows those of its family that were read, or,
// if none was, is a copy of what was written since the follower was made.
func (f *Follower) isNewer(e *followed, l *Log, families map[string]family) bool {
	kind := e.path
	if e.copyOf {
		kind = e.base
	}
	last := families[familyOf(kind)].last
	if last.IsZero() {
		return e.copyOf && e.info.ModTime().After(f.past)
	}
	return !l.begins.Before(last.Add(-l.opts.Lateness))
}

// leave lets a file be, of which a log has nothing to give, until it changes. A pipe does
// not.
func (f *Follower) leave(e *followed, l *Log) {
	l.close()
	f.rest(e)
	if e.pipe != nil {
		e.pipe.stop()
	}
}

// rest lets a file be until it changes, and not to be looked at again and again if it does
// that all the time.
func (f *Follower) rest(e *followed) {
	e.done = true
	f.postpone(e)
	if e.pipe == nil && e.live != nil {
		e.live.file.Close()
		e.live = nil
	}
}

// postpone has a file looked at in a while, which is longer each time.
func (f *Follower) postpone(e *followed) {
	e.wait = min(max(2*e.wait, time.Second), time.Minute)
	e.next = f.Now().Add(e.wait)
}

// reading returns the file in which the log of that number is read; nil if none.
func (f *Follower) reading(id int) *followed {
	for _, e := range f.files {
		if e.log != nil && e.log.Source.ID == id && !(e.live != nil && e.live.replaced) {
			return e
		}
	}
	return nil
}

// passOver goes to where the log ends for now, or to the end of the last whole line among so
// many bytes, without reading what its lines say.
func (l *Log) passOver(most int64) error {
	if l.content == nil {
		var err error
		if l.content, err = l.File.open(); err != nil {
			return err
		}
	}
	if l.cut == nil {
		l.cut = newCutter(l.content, l.layout)
	}
	before := &headers{prefixes: l.format.Headers}
	was, last := l.number, ""
	l.cut.goesOn = true
	l.cut.r = io.LimitReader(l.content, most)
	for {
		b, err := l.cut.next()
		if b.text != "" {
			l.recall(b, before)
			last = b.text
		}
		if err == ErrForNow {
			break
		}
		if err != nil {
			return err
		}
	}
	l.cut.r = l.content
	l.headers = append(l.headers, before.kept()...)
	l.At.Offset, l.At.Hash, l.At.Torn = l.cut.offset, l.cut.sum(), ""
	l.At.Lines += l.number - was
	l.At.Skipped += l.number - was
	l.At.Last, l.At.Open = later(l.At.Last, l.lastTime(last)), ""
	l.Start = l.At
	l.reopen, l.voids = nil, false
	return nil
}

// lastTime returns how far time gets in the last of some lines.
func (l *Log) lastTime(text string) time.Time {
	reader := l.format.NewReader(l.opts.Site, l.Source)
	for _, header := range l.headers {
		reader.Recall(header)
	}
	lines := splitLines(text)
	var r parsers.Request
	var times []time.Time
	for _, line := range lines[max(len(lines)-sampleMax, 0):] {
		if reader.Read(line, 1, &r) == nil {
			times = append(times, r.Time)
		}
	}
	return pace(times, beginning(times, l.opts.Lateness), l.opts.Lateness)
}
