package detect

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// KeyRate finds credentials that are used much faster than they ever were.
func KeyRate() *Detector {
	d := &Detector{
		Name: "key-rate",
		Doc: "an API key, token or user far beyond its own usual rate\n\n" +
			"Whoever has found a key takes what there is to take, at the speed of a machine. What is " +
			"usual is learned from the key's own minutes. A minute that may be part of an event teaches " +
			"nothing, so an attack never becomes normal; nor does a job that runs once a night, whose " +
			"key is better allowed for. A rate that doubles every few days is learned as it grows.",
		Type:      SuspiciousActivity,
		Severity:  High,
		Technique: "T1078",
		OWASP:     "API4:2023",
		Of:        NamedKind,
		Match:     usesCredential,
		GroupBy:   ByCredential,
		TTL:       new(history),
	}
	floor := d.count("limit", 60, "`requests` within the window that are always normal")
	factor := d.count("factor", 3, "`times` the usual most in a window that are still normal")
	minutes := d.count("history", 30, "active `minutes` (or windows, if that is not a minute) after which it is known what is usual")
	unknown := d.count("unknown-limit", 600, "`requests` within the window that are normal before that")
	window := d.span("window", time.Minute, "`time` within which requests are counted, and of quiet after which an event is over")
	d.Quiet = window
	settings := sync.OnceValue(func() *rateSettings {
		return &rateSettings{int64(*floor), int64(*factor), int64(*minutes), int64(*unknown), *window}
	})
	d.New = func() State { return &keyRate{rateSettings: settings()} }
	return d
}

// rateSettings are what all states of the detector share.
type rateSettings struct {
	floor, factor, minutes, unknown int64
	window                          time.Duration
}

type keyRate struct {
	Recent  packed[tally, *tally]   `json:",omitempty"` // within the window; at most tallies and one
	Count   int64                   // of Recent
	Minutes packed[minute, *minute] `json:",omitempty"` // minutes that are not learned yet; at most 3
	Usual   Baseline                // requests in an active minute
	Limit   int64                   // by Usual; 0 means that it was not worked out yet
	Going   *rush                   `json:",omitempty"`
	*rateSettings
}

func (s *keyRate) AppendJSON(b []byte) ([]byte, error) {
	b = appendPacked(append(b, '{'), "Recent", s.Recent)
	b = appendPacked(appendInt(b, "Count", s.Count), "Minutes", s.Minutes)
	b = appendInt(appendObject(b, "Usual", &s.Usual), "Limit", s.Limit)
	return appendGoing(b, s.Going)
}

// A tally counts the requests of a second: of one in so many parts of the window. It
// leaves the window when its first request does, so that no more are ever counted than
// lie within. In a log of whole seconds that is exact.
type tally struct {
	At                  int64 // of its first request, in microseconds since 1970
	Line                int64 // likewise
	Source              int32
	N, Granted, Refused int32
}

func (t *tally) pack(p *packer) {
	p.micros(&t.At)
	p.lineOf(&t.Line)
	packInteger(p, &t.Source)
	packInteger(p, &t.N)
	packInteger(p, &t.Granted)
	packInteger(p, &t.Refused)
}

// tallies is the number of parts of a window.
const tallies = 60

// A minute is one of the clock, or as much as a window is.
type minute struct {
	Start time.Time
	N     int64
}

func (m *minute) pack(p *packer) {
	p.time(&m.Start)
	p.int(&m.N)
}

// A rush is a key that goes too fast, for as long as it does: from the first request of the
// window in which it began up to the last one that finds the window too full.
type rush struct {
	Episode
	Bearer           Bearer
	Endpoint         string // asked for when the limit was passed, clipped
	Limit            int64  // when it began
	Known            bool   // whether that is by what is usual for the key
	Peak             int64  // the most within a window
	Granted, Refused int64  // of Count
	Waiting          tally  `json:",omitzero"` // since the last request that is part of it: part of it, too, if one more is
}

func (s *keyRate) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	s.count(r)
	s.learn(r.Time)
	if s.Going != nil {
		s.Going.Waiting.add(r.Status)
	}
	if s.Count <= s.floor || s.Count <= s.limit() {
		return
	}
	if s.Going == nil {
		s.begin(r)
	} else {
		s.Going.goOn(r)
	}
	g := s.Going
	g.Peak = max(g.Peak, s.Count)
	switch {
	case 2*g.Granted > g.Count:
		g.reach(High, Succeeded)
	case g.Refused == g.Count:
		g.reach(High, Blocked)
	default:
		g.reach(High, Attempted)
	}
	g.tell(emit, s.describe)
}

// goOn takes r and what was waiting, r with it.
func (g *rush) goOn(r *parsers.Request) {
	g.extend(r)
	g.Route = ""
	g.Count += int64(g.Waiting.N) - 1
	g.Granted += int64(g.Waiting.Granted)
	g.Refused += int64(g.Waiting.Refused)
	g.Waiting = tally{}
}

func (s *keyRate) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// count takes the request into the window.
func (s *keyRate) count(r *parsers.Request) {
	at, window := r.Time.UnixMicro(), s.window.Microseconds()
	n := 0
	for n < len(s.Recent) && at-s.Recent[n].At > window {
		s.Count -= int64(s.Recent[n].N)
		n++
	}
	if n > 0 {
		s.Recent = s.Recent[:copy(s.Recent, s.Recent[n:])]
	}
	second := max(window/tallies, 1)
	last := len(s.Recent) - 1
	if last < 0 || s.Recent[last].At/second != at/second {
		e := evidence(r)
		s.Recent = append(s.Recent, tally{At: at, Line: e.Line, Source: int32(e.Source)})
		last++
	}
	s.Recent[last].add(r.Status)
	s.Count++
}

// add counts a request that was answered so.
func (t *tally) add(status int) {
	granted, refused := verdict(status)
	t.N++
	t.Granted += granted
	t.Refused += refused
}

// verdict tells whether a request was granted or refused: 1 or 0 each.
func verdict(status int) (granted, refused int32) {
	switch {
	case status >= 200 && status < 400:
		return 1, 0
	case status == 403, status == 429, status == 503:
		return 0, 1
	}
	return 0, 0
}

// learn takes a request at that time into its minute, and learns from the minutes that
// can be part of no event any more: those that a window no longer reaches back to. Those
// of an event, from the one in which its first window began to the one of its last
// request, are left out. Those before are learned after it.
func (s *keyRate) learn(now time.Time) {
	if s.Going != nil {
		return
	}
	n := 0
	for n < len(s.Minutes) && now.Sub(s.Minutes[n].Start) > 2*s.window {
		s.Usual.Add(s.Minutes[n].N)
		s.Limit = 0
		n++
	}
	if n > 0 {
		s.Minutes = s.Minutes[:copy(s.Minutes, s.Minutes[n:])]
	}
	start := now.Truncate(s.window)
	if last := len(s.Minutes) - 1; last >= 0 && s.Minutes[last].Start.Equal(start) {
		s.Minutes[last].N++
		return
	}
	s.Minutes = append(s.Minutes, minute{start, 1})
}

// limit is how many requests within the window are still normal for the key. It does
// not change while an event goes on.
func (s *keyRate) limit() int64 {
	switch {
	case s.Going != nil:
		return s.Going.Limit
	case !s.known():
		return s.unknown
	case s.Limit == 0:
		s.Limit = max(s.floor, multiple(s.factor, s.Usual.P99()))
	}
	return s.Limit
}

// known tells whether the key has been active for long enough: in minutes that were
// learned, and in those that are over and will be.
func (s *keyRate) known() bool {
	return s.Usual.N+int64(max(len(s.Minutes)-1, 0)) >= s.minutes
}

func (s *keyRate) begin(r *parsers.Request) {
	var w Window
	for _, t := range s.Recent {
		w = append(w, Mark{At: time.UnixMicro(t.At).UTC(), Evidence: Evidence{int(t.Source), t.Line}})
	}
	g := &rush{Episode: begin(r, w), Limit: s.limit(), Known: s.known(), Bearer: bearer(r), Endpoint: clip(r.Route)}
	for _, t := range s.Recent {
		g.Granted += int64(t.Granted)
		g.Refused += int64(t.Refused)
	}
	if v := evidence(r); v != g.Evidence[len(g.Evidence)-1] {
		g.addEvidence(v)
	}
	g.Count = s.Count
	g.Route = "" // a rate is of the key, whatever it asks for
	s.Going = g
	s.Minutes = slices.DeleteFunc(s.Minutes, func(m minute) bool { return m.Start.Add(s.window).After(w[0].At) })
}

func (s *keyRate) describe(e *Event) {
	g := s.Going
	var why strings.Builder
	baseline := "own"
	if g.Known {
		fmt.Fprintf(&why, "99%% of its %d earlier active minutes had at most %s", s.Usual.N, s.Usual.most99())
	} else {
		baseline = "default"
		fmt.Fprintf(&why, "the default: it is known from %s, and from %d on it has a threshold of its own", plural(s.Usual.N, "active minute", "active minutes"), s.minutes)
	}
	if s.window != time.Minute {
		fmt.Fprintf(&why, ", a minute being %s here", inWords(s.window))
	}
	e.Summary = fmt.Sprintf("%s made %d requests in %s, at most %d of them within %s (threshold: more than %d; %s)",
		g.Bearer.who(e), e.Count, inWords(e.Last.Sub(e.First)), g.Peak, inWords(s.window), g.Limit, why.String())
	switch {
	case g.Peak >= 3*g.Limit:
		e.Confidence = 0.9
	case g.Known:
		e.Confidence = 0.7 // a job that is new or runs seldom looks the same
	default:
		e.Confidence = 0.5 // nothing is known of the key
	}
	e.Metadata = Meta("credential", g.Bearer.ID, "credential_type", g.Bearer.Type, "key_prefix", g.Bearer.Prefix,
		"requests", e.Count, "peak", g.Peak, "threshold", g.Limit, "baseline", baseline, "baseline_p99", s.Usual.P99(), "baseline_minutes", s.Usual.N,
		"endpoint", g.Endpoint, "granted", g.Granted, "refused", g.Refused, "window_seconds", int(s.window.Seconds()))
}

const ofMinutes = "requests in an active minute"

func (s *keyRate) Learned() (l Learned) {
	l.addNumber(Number{Of: ofMinutes, Baseline: s.Usual})
	return l
}

func (s *keyRate) Learn(l Learned, _ time.Time) error {
	s.Usual = l.number(ofMinutes).Baseline
	return l.known(ofMinutes)
}
