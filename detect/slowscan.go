package detect

import (
	"fmt"
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// SlowScan finds who looks for what is not there, or not theirs, too slowly for others
// to see.
func SlowScan() *Detector {
	d := &Detector{
		Name: "slow-scan",
		Doc: `many missing or forbidden paths asked for by one actor over a day

A scan that takes its time stays below every limit that is counted in minutes. Over a day
people meet a handful of dead links; a word list has hundreds. What an actor asks for while it
is fast enough to be found at once does not count here.

A client that follows links, by their referers, is of low confidence, and a search engine's
crawler of low severity.`,
		Type:      APIEnumerationDetected,
		Severity:  Medium,
		Technique: "T1595.003",
		OWASP:     "API9:2023",
		Of:        RefusedKind,
		Match: func(r *parsers.Request) bool {
			return (r.Status == 404 || r.Status == 403) && !featuresOf(r).unbidden
		},
		GroupBy: ByActor,
	}
	limit := d.count("limit", 100, "distinct missing or forbidden `paths` within the window that are still normal")
	window := d.span("window", 24*time.Hour, "`time` within which paths are counted")
	fast := d.count("fast-limit", 30, "answers 404 within the fast window that are still `slow`")
	fastWindow := d.span("fast-window", 300*time.Second, "`time` within which more answers are a fast scan, which is not counted")
	d.TTL = window
	d.New = func() State {
		return &slowScan{limit: *limit, fast: *fast, window: *window, fastWindow: *fastWindow}
	}
	return d
}

type slowScan struct {
	limit, fast        int
	window, fastWindow time.Duration

	// Lately holds when the last answers 404 were given, in microseconds since 1970; one
	// more than fast at most.
	Lately []int64 `json:",omitempty"`
	// Fast tells whether a fast scan goes on, by the last answer.
	Fast   bool      `json:",omitempty"`
	Recent Window    `json:",omitempty"` // while nothing goes on; tagged by path
	Going  *slowWalk `json:",omitempty"`
}

func (s *slowScan) AppendJSON(b []byte) ([]byte, error) {
	b = appendNumbers(append(b, '{'), "Lately", s.Lately)
	if s.Fast {
		b = appendBool(b, "Fast", true)
	}
	b = appendPacked(b, "Recent", packed[Mark, *Mark](s.Recent))
	return appendGoing(b, s.Going)
}

// A slowWalk is a slow scan that goes on.
type slowWalk struct {
	Episode
	LastSlow  time.Time // of its last request
	Paths     Distinct
	Crawler   crawling
	Forbidden int64 // answers 403 among those after it was found
	Referred  int64 // those with a referer among them
	After     int64 // how many they are
}

func (s *slowScan) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.LastSlow) > s.window {
		s.Expire(emit)
		s.Going = nil
	}
	if s.isFast(r) {
		return
	}
	m := mark(r, tag(r.Path))
	if s.Going == nil {
		if s.Recent.SlideDistinct(m, s.window, s.limit+1); len(s.Recent) <= s.limit {
			return
		}
		s.Going = &slowWalk{Episode: begin(r, s.Recent)}
		for _, m := range s.Recent {
			s.Going.Paths.Add(m.Tag)
		}
		s.Recent = nil
	} else {
		s.Going.extend(r)
		s.Going.Paths.Add(m.Tag)
	}
	g := s.Going
	g.Route = "" // what is not there has none
	g.LastSlow = r.Time
	g.After++
	if r.Status == 403 {
		g.Forbidden++
	}
	if referred(r) {
		g.Referred++
	}
	g.Crawler.meet(r)
	g.reach(g.Crawler.most(Medium), Attempted)
	g.tell(emit, s.describe)
}

// isFast tells whether the request is part of a scan that is fast. With the one that
// makes it so, what led to it is forgotten: it is another detector's.
func (s *slowScan) isFast(r *parsers.Request) bool {
	now, span := r.Time.UnixMicro(), s.fastWindow.Microseconds()
	if n := len(s.Lately); n > 0 && now-s.Lately[n-1] > span {
		s.Fast = false
	}
	if r.Status != 404 {
		return s.Fast
	}
	n := max(len(s.Lately)-s.fast, 0)
	for n < len(s.Lately) && now-s.Lately[n] > span {
		n++
	}
	s.Lately = append(slices.Delete(s.Lately, 0, n), now)
	if s.Fast || len(s.Lately) <= s.fast {
		return s.Fast
	}
	s.Fast = true
	for len(s.Recent) > 0 && r.Time.Sub(s.Recent[len(s.Recent)-1].At) <= s.fastWindow {
		s.Recent = s.Recent[:len(s.Recent)-1]
	}
	return true
}

func (s *slowScan) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *slowScan) describe(e *Event) {
	g := s.Going
	e.Summary = fmt.Sprintf("%s asked for %s that are missing or forbidden in %s (threshold: more than %d within %s), never faster than %d answers 404 in %s",
		who(e.ActorID, e.ActorType), g.Paths.of("path", "paths"), inWords(e.Last.Sub(e.First)), s.limit, inWords(s.window),
		s.fast, inWords(s.fastWindow))
	e.Confidence = 0.7 // dead links by the hundred are no accident of one client
	if 2*g.Referred > g.After {
		e.Confidence = 0.4 // a site whose own links are dead
		e.Summary += "; most requests name the page that led to them"
	}
	g.Crawler.qualify(e)
	e.Metadata = g.Crawler.meta("endpoint_count", e.Count, "distinct_paths", len(g.Paths), "forbidden", g.Forbidden,
		"window_seconds", int(s.window.Seconds()))
}
