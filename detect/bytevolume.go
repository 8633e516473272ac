package detect

import (
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
	d.New = func() State {
		return &byteVolume{least: *least, factor: int64(*factor), window: *window, hours: hours}
	}
	return d
}

type byteVolume struct {
	least, factor int64
	window        time.Duration
	hours         *Hours

	Parts []volumePart `json:",omitempty"` // of the window, in order
	bytes int64        // of Parts; 0 means that they were not added up yet
	Usual Baseline     // bytes of earlier windows, end to end, in which there was a request
	Spans []volumeSpan `json:",omitempty"` // those not yet in Usual: three at most
	Going *volume      `json:",omitempty"`
}

// A volumePart is requests that follow one another.
type volumePart struct {
	From, To int64 // times of the first and the last, in Unix microseconds
	Evidence       // of the first
	volumeSum
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

// A volume is one that goes on.
type volume struct {
	Episode
	volumeSum
	Peak    int64    // most bytes within one window
	Outside int64    // requests outside business hours
	Of      endpoint // since it began
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
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	one := volumeSum{Requests: 1, Bytes: min(r.Bytes, maxVolume)}
	one.Largest = one.Bytes
	if r.Status == 206 {
		one.Partial = one.Bytes
	}
	s.learn(r.Time, one.Bytes)
	bytes := s.slide(r, one)
	switch {
	case s.Going != nil && bytes > s.Going.Limit:
		s.Going.extend(r)
		s.Going.volumeSum.add(one)
		s.Going.Outside += s.hours.outside(r.Time)
	case s.Going == nil && bytes > s.least && bytes > s.limit():
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

// Expire ends what is going on. What is usual stays known.
func (s *byteVolume) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// limit is what is normal.
func (s *byteVolume) limit() int64 { return max(s.least, s.factor*min(s.Usual.P99(), maxVolume)) }

// learn adds bytes to the span of time they belong to. A span is known as usual once no
// window that is judged reaches into it any more.
func (s *byteVolume) learn(at time.Time, bytes int64) {
	for len(s.Spans) > 0 && at.Sub(s.Spans[0].From) > 2*s.window {
		s.Usual.Add(s.Spans[0].Bytes)
		s.Spans = slices.Delete(s.Spans, 0, 1)
	}
	if n := len(s.Spans); n > 0 && at.Sub(s.Spans[n-1].From) < s.window {
		s.Spans[n-1].Bytes = min(s.Spans[n-1].Bytes+bytes, maxVolume)
		return
	}
	s.Spans = append(s.Spans, volumeSpan{at, bytes})
}

// slide adds a request and returns the bytes within the window.
func (s *byteVolume) slide(r *parsers.Request, one volumeSum) int64 {
	n := 0
	at, window := r.Time.UnixMicro(), s.window.Microseconds()
	if s.bytes == 0 {
		for i := range s.Parts {
			s.bytes += s.Parts[i].Bytes
		}
	}
	for n < len(s.Parts) && at-s.Parts[n].To > window {
		s.bytes -= s.Parts[n].Bytes
		n++
	}
	s.Parts = slices.Delete(s.Parts, 0, n)
	if n := len(s.Parts); n > 0 && s.takes(&s.Parts[n-1], at) {
		p := &s.Parts[n-1]
		s.bytes -= p.Bytes
		p.To = at
		p.add(one)
		s.bytes += p.Bytes
	} else {
		s.Parts = append(s.Parts, volumePart{From: at, To: at, Evidence: evidence(r), volumeSum: one})
		s.bytes += one.Bytes
	}
	return s.bytes
}

// takes tells whether a request at that time still belongs to the part.
func (s *byteVolume) takes(p *volumePart, at int64) bool {
	long := time.Duration(at-p.From) * time.Microsecond
	return long < s.window/partsOf || long < s.window/fewParts && p.Bytes < s.least/smallParts
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
	for i := range s.Parts {
		marks = append(marks, Mark{At: s.Parts[i].first(), Evidence: s.Parts[i].Evidence})
	}
	s.Going = &volume{Episode: begin(r, marks), Limit: limit, Usual: s.Usual.P99(), Spans: s.Usual.N}
	for i := range s.Parts {
		s.Going.volumeSum.add(s.Parts[i].volumeSum)
		s.Going.Outside += s.Parts[i].Requests * s.hours.outside(s.Parts[i].first())
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
	e.Summary = fmt.Sprintf("%s was sent %s within %s, by %s (threshold: more than %s; %s)", who(e.ActorID, e.ActorType),
		bytesInWords(v.Peak), inWords(s.window), plural(e.Count, "request", "requests"), bytesInWords(v.Limit), usual)
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
