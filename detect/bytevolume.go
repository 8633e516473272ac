package detect

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// ByteVolume finds who is sent far more than usual.
func ByteVolume() *Detector {
	d := &Detector{
		Name: "byte-volume",
		Doc: "more bytes sent to one actor than anyone needs, and than it usually is\n\n" +
			"However data leaves, it has a size. What is usual is learned for each actor from its earlier " +
			"hours, so a nightly backup is reported once. Where most of it is one answer, or parts of " +
			"files as players ask for them, the event is of low severity.",
		Type:      BulkExport,
		Severity:  Medium,
		Technique: "T1020",
		OWASP:     "API4:2023",
		Match:     func(r *parsers.Request) bool { return r.Bytes > 0 && r.Status >= 200 && r.Status < 300 },
		GroupBy:   ByActor,
	}
	least := d.size("least", 1<<30, "`size` of what an actor is sent within the window that is always normal")
	factor := d.count("factor", 10, "`times` the 99th percentile of the actor's earlier windows that are still normal")
	window := d.span("window", time.Hour, "`time` within which bytes are counted")
	hours := d.businessHours()
	d.TTL, d.Quiet = new(history), window
	set := &volumeSettings{least, factor, window, hours}
	d.New = func() State { return &byteVolume{volumeSettings: set} }
	return d
}

type volumeSettings struct {
	least  *int64
	factor *int
	window *time.Duration
	hours  *Hours
}

// A byteVolume is asked about most requests of all actors, so what one of the usual kind
// needs lies together: it comes before a time, gets so few bytes that nothing can be told,
// and is added to the last part and the last span. Its memory is a volumeMemory.
type byteVolume struct {
	until int64 // the time, in Unix microseconds
	room  int64 // the bytes; 0 where every request needs a closer look
	span  volumeSpan
	last  volumePart

	spans []volumeSpan // before span, as long as they are not in Usual
	parts []volumePart // of the window, before last
	bytes int64        // of parts
	Usual Baseline
	Going *volume
	*volumeSettings
}

// A volumeMemory is how a byteVolume is saved.
type volumeMemory struct {
	Parts packed[volumePart, *volumePart] `json:",omitempty"` // of the window, in order
	Usual Baseline                        // bytes of earlier windows, end to end, in which there was a request
	Spans packed[volumeSpan, *volumeSpan] `json:",omitempty"` // those not yet in Usual: three at most
	Going *volume                         `json:",omitempty"`
}

func (s *byteVolume) memory() volumeMemory {
	m := volumeMemory{Parts: s.allParts(), Usual: s.Usual, Spans: s.spans, Going: s.Going}
	if s.span.Bytes > 0 {
		m.Spans = append(slices.Clip(m.Spans), s.span)
	}
	return m
}

func (s *byteVolume) MarshalJSON() ([]byte, error) { return json.Marshal(s.memory()) }

func (s *byteVolume) AppendJSON(b []byte) ([]byte, error) {
	m := s.memory()
	b = appendPacked(append(b, '{'), "Parts", m.Parts)
	b = appendObject(b, "Usual", &m.Usual)
	b = appendPacked(b, "Spans", m.Spans)
	return appendGoing(b, m.Going)
}

func (s *byteVolume) UnmarshalJSON(text []byte) error {
	var m volumeMemory
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	*s = byteVolume{spans: m.Spans, parts: m.Parts, Usual: m.Usual, Going: m.Going, volumeSettings: s.volumeSettings}
	if n := len(s.spans); n > 0 {
		s.span, s.spans = s.spans[n-1], s.spans[:n-1]
	}
	if n := len(s.parts); n > 0 {
		s.last, s.parts = s.parts[n-1], s.parts[:n-1]
	}
	for i := range s.parts {
		s.bytes += s.parts[i].Bytes
	}
	return nil
}

// allParts returns the parts of the window, in order.
func (s *byteVolume) allParts() []volumePart {
	if s.last.Requests == 0 {
		return s.parts
	}
	return append(slices.Clip(s.parts), s.last)
}

// A volumePart is requests that follow one another.
type volumePart struct {
	From, To int64 // times of the first and the last, in Unix microseconds
	Evidence       // of the largest answer, the first of several
	volumeSum
}

func (v *volumePart) pack(p *packer) {
	p.micros(&v.From)
	p.micros(&v.To)
	p.evidence(&v.Evidence)
	p.int(&v.Requests)
	p.int(&v.Bytes)
	p.int(&v.Partial)
	p.int(&v.Largest)
}

// A volumeSum is what requests got.
type volumeSum struct {
	Requests int64
	Bytes    int64
	Partial  int64 // of Bytes, those of answers 206
	Largest  int64 // bytes of the largest answer
}

// A volumeSpan is one window's worth of time.
type volumeSpan struct {
	From  time.Time
	Bytes int64
}

func (v *volumeSpan) pack(p *packer) {
	p.time(&v.From)
	p.int(&v.Bytes)
}

// A volumeShare is what requests got, and when.
type volumeShare struct {
	volumeSum
	Outside int64 // requests outside business hours
}

func (v *volumeShare) add(o volumeShare) {
	v.volumeSum.add(o.volumeSum)
	v.Outside += o.Outside
}

// A volume is one that goes on.
type volume struct {
	Episode
	volumeShare
	Waiting volumeShare `json:",omitzero"` // since the last request that is part of it: part of it, too, if one more is
	Peak    int64       // most bytes within one window
	Of      endpoint    // since it began
	// What was normal when it began: the limit, and what was usual in so many spans.
	Limit, Usual, Spans int64
}

// Parts of a window are as short as one partsOf-th of it; as long as one fewParts-th
// while they hold less than one smallParts-th of the least. So an actor who is sent little
// is remembered in few of them, and bytes are counted longer than the window by a 60th of
// it, or by a thousandth of the least, at most.
const (
	partsOf    = 60
	fewParts   = 4
	smallParts = 1000
)

// What is logged is no more than one can believe, so that sums do not overflow.
const (
	maxVolume  = 1 << 50 // of one answer, and of what is learned
	maxVolumes = 1 << 56 // of a part, and in all
)

func (s *byteVolume) Observe(r *parsers.Request, emit func(Event)) {
	one := volumeSum{Requests: 1, Bytes: min(r.Bytes, maxVolume)}
	one.Largest = one.Bytes
	if r.Status == 206 {
		one.Partial = one.Bytes
	}
	at := r.Time.UnixMicro()
	if at < s.until && one.Bytes <= s.room {
		s.room -= one.Bytes
		s.span.Bytes += one.Bytes
		s.last.take(r, at, one)
		return
	}
	if s.Going != nil && r.Time.Sub(s.Going.Last) > *s.window {
		s.Expire(emit)
	}
	s.learn(r.Time, one.Bytes)
	s.judge(r, one, s.slide(r, one), emit)
	s.rest()
}

// judge takes a request that was added, with the bytes within the window.
func (s *byteVolume) judge(r *parsers.Request, one volumeSum, bytes int64, emit func(Event)) {
	switch {
	case s.Going != nil:
		s.Going.Waiting.add(volumeShare{one, s.hours.outside(r.Time)})
		if bytes <= s.Going.Limit {
			return
		}
		s.Going.goOn(r)
	case bytes > *s.least && bytes > s.limit():
		s.begin(r, s.limit())
	default:
		return
	}
	v := s.Going
	v.Of.vote(r.Route, one.Bytes)
	v.Peak = max(v.Peak, bytes)
	severity := Medium
	if v.file() || v.stream() {
		severity = Low
	}
	if mostly(v.Outside, v.Count) {
		severity = severity.raised()
	}
	v.reach(severity, Succeeded)
	v.tell(emit, s.describe)
}

// goOn takes r and what was waiting.
func (v *volume) goOn(r *parsers.Request) {
	v.extend(r)
	v.volumeShare.add(v.Waiting)
	v.Count, v.Waiting = v.Requests, volumeShare{}
}

// Expire ends what is going on. What is usual stays known.
func (s *byteVolume) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// limit is what is normal.
func (s *byteVolume) limit() int64 {
	return max(*s.least, multiple(int64(*s.factor), s.Usual.P99()))
}

// learn adds bytes to the span of time they belong to. A span is known as usual once no
// window that is judged reaches into it any more.
func (s *byteVolume) learn(at time.Time, bytes int64) {
	window := *s.window
	for len(s.spans) > 0 && at.Sub(s.spans[0].From) > 2*window {
		s.Usual.Add(s.spans[0].Bytes)
		s.spans = slices.Delete(s.spans, 0, 1)
	}
	switch {
	case s.span.Bytes == 0: // the first one
	case at.Sub(s.span.From) < window:
		s.span.Bytes = min(s.span.Bytes+bytes, maxVolume)
		return
	case len(s.spans) == 0 && at.Sub(s.span.From) > 2*window:
		s.Usual.Add(s.span.Bytes)
	default:
		s.spans = append(s.spans, s.span)
	}
	s.span = volumeSpan{at, bytes}
}

// slide adds a request and returns the bytes within the window.
func (s *byteVolume) slide(r *parsers.Request, one volumeSum) int64 {
	n := 0
	at, window := r.Time.UnixMicro(), s.window.Microseconds()
	for n < len(s.parts) && at-s.parts[n].To > window {
		s.bytes -= s.parts[n].Bytes
		n++
	}
	s.parts = slices.Delete(s.parts, 0, n)
	isOver := s.last.Requests == 0 || at-s.last.To > window
	if !isOver && s.takes(&s.last, at) {
		s.last.take(r, at, one)
		return s.bytes + s.last.Bytes
	}
	if !isOver {
		s.parts = append(s.parts, s.last)
		s.bytes += s.last.Bytes
	}
	s.last = volumePart{From: at, To: at, Evidence: evidence(r), volumeSum: one}
	return s.bytes + s.last.Bytes
}

// take adds a request of that time.
func (p *volumePart) take(r *parsers.Request, at int64, one volumeSum) {
	if one.Bytes > p.Largest {
		p.Evidence = evidence(r)
	}
	p.To = at
	p.add(one)
}

// takes tells whether a request at that time still belongs to the part.
func (s *byteVolume) takes(p *volumePart, at int64) bool {
	long := time.Duration(at-p.From) * time.Microsecond
	return long < *s.window/partsOf || long < *s.window/fewParts && p.Bytes < *s.least/smallParts
}

// rest says up to when and for how many bytes requests need no closer look: they belong to
// the last part and the last span, nothing else is over, and all is within what is normal.
func (s *byteVolume) rest() {
	if s.room = 0; s.Going != nil {
		return
	}
	window := *s.window
	s.room = *s.least - s.bytes - s.last.Bytes
	long := window / partsOf
	if small := *s.least/smallParts - s.last.Bytes; small > 0 {
		s.room = min(s.room, small)
		long = window / fewParts
	}
	s.until = min(s.last.From+long.Microseconds(), s.span.From.UnixMicro()+window.Microseconds())
	if len(s.spans) > 0 {
		s.until = min(s.until, s.spans[0].From.UnixMicro()+2*window.Microseconds())
	}
	if len(s.parts) > 0 {
		s.until = min(s.until, s.parts[0].To+window.Microseconds())
	}
}

func (p *volumePart) first() time.Time { return time.UnixMicro(p.From).UTC() }

func (v *volumeSum) add(o volumeSum) {
	v.Requests += o.Requests
	v.Bytes = min(v.Bytes+o.Bytes, maxVolumes)
	v.Partial = min(v.Partial+o.Partial, maxVolumes)
	v.Largest = max(v.Largest, o.Largest)
}

// file tells whether one answer is most of it, and stream whether parts of files are.
func (v *volumeSum) file() bool   { return 2*v.Largest > v.Bytes }
func (v *volumeSum) stream() bool { return 2*v.Partial > v.Bytes }

func (s *byteVolume) begin(r *parsers.Request, limit int64) {
	var marks Window
	parts := s.allParts()
	for i := range parts {
		marks = append(marks, Mark{At: parts[i].first(), Evidence: parts[i].Evidence})
	}
	if v := evidence(r); v != marks[len(marks)-1].Evidence {
		marks = append(marks, Mark{At: r.Time, Evidence: v}) // the request that was too much
	}
	s.Going = &volume{Episode: begin(r, marks), Limit: limit, Usual: s.Usual.P99(), Spans: s.Usual.N}
	for i := range parts {
		s.Going.volumeSum.add(parts[i].volumeSum)
		s.Going.Outside += parts[i].Requests * s.hours.outside(parts[i].first())
	}
	s.Going.Count = s.Going.Requests
}

func (s *byteVolume) describe(e *Event) {
	v := s.Going
	usual, baseline := "the default: nothing is known of it before", "default"
	if v.Spans > 0 {
		baseline = "own"
		usual = fmt.Sprintf("99%% of %s of as long had up to %s", plural(v.Spans, "earlier time", "earlier times"), bytesInWords(v.Usual))
	}
	inAll := ""
	if v.Bytes > v.Peak {
		inAll = fmt.Sprintf(" (%s in all)", bytesInWords(v.Bytes))
	}
	e.Summary = fmt.Sprintf("%s was sent %s within %s%s, by %s in %s (threshold: more than %s; %s)", who(e.ActorID, e.ActorType),
		bytesInWords(v.Peak), inWords(*s.window), inAll, plural(e.Count, "request", "requests"), inWords(e.Last.Sub(e.First)), bytesInWords(v.Limit), usual)
	switch {
	case v.file():
		e.Confidence = 0.3
		e.Summary += "; most of it is one answer, which looks like a download"
	case v.stream():
		e.Confidence = 0.3
		e.Summary += "; most of it are parts of files, which looks like a player"
	case e.ActorType == string(parsers.ActorAPIKey):
		e.Confidence = 0.4
		e.Summary += "; an API key, which may be a backup"
	case v.Spans >= volumeHistory:
		e.Confidence = 0.8
	default:
		e.Confidence = 0.5 // it may be usual
	}
	if mostly(v.Outside, e.Count) {
		e.Summary += fmt.Sprintf("; outside business hours (%s)", s.hours)
	}
	e.Metadata = Meta("bytes_fetched", v.Peak, "bytes_total", v.Bytes, "endpoint", clip(v.Of.Name), "threshold_bytes", v.Limit, "baseline", baseline,
		"baseline_p99_bytes", v.Usual, "baseline_samples", v.Spans, "largest_answer_bytes", v.Largest, "partial_bytes", v.Partial,
		"outside_business_hours", v.Outside, "window_seconds", int(s.window.Seconds()))
}

// volumeHistory is how many earlier windows show what is usual.
const volumeHistory = 24

const ofVolume = "bytes in an active hour"

func (s *byteVolume) Learned() (l Learned) {
	l.addNumber(Number{Of: ofVolume, Baseline: s.Usual})
	return l
}

func (s *byteVolume) Learn(l Learned, _ time.Time) error {
	s.Usual = l.number(ofVolume).Baseline
	if s.Usual.Most > maxVolume {
		return fmt.Errorf("%d bytes are more than one can believe", s.Usual.Most)
	}
	return l.known(ofVolume)
}
