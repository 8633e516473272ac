package detect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Probe finds attacks on the application itself in what is asked for.
func Probe() *Detector {
	d := &Detector{
		Name: "probe",
		Doc: `injection and traversal in what is asked for, and tools that say they do that

Scanners try the classes of attack everywhere; who found a hole tries one. Hosts by which
their tools learn that the application has called them count, too. Path and parameters,
also those of a body and of the referer, are decoded up to twice; the user agent is read as it
is. SQL injection and XSS are decided by libinjection. An answer 2xx of unusual size makes the
event one of high severity.

Prose, names and code that people paste may look like SQL: one such value is doubtful and
makes no event, several different ones do, with low confidence. A whole statement in a parameter
for one, as Salesforce and Jira take them in q and jql, injects nothing. One text that somebody who is
known searches for, and is given, is of low severity: developers read about attacks.`,
		Type:      SuspiciousActivity,
		Severity:  Medium,
		Technique: "T1190",
		OWASP:     "API8:2023",
		Of:        OddKind,
		Match: func(r *parsers.Request) bool {
			return mayProbe(r) && len(probesOf(r)) > 0
		},
		GroupBy: ByActor,
	}
	doubts := d.count("doubts", 3, "different doubtful `values` within the window that make an event")
	answers := d.count("answers", 5, "answers 2xx of a route to probes of one client, after which a larger one is `unusual`")
	window := d.span("window", 10*time.Minute, "`time` within which doubtful values are counted, and of quiet after which an event is over")
	d.TTL = window
	d.New = func() State { return &probes{doubts: *doubts, answers: *answers, window: *window} }
	return d
}

type probes struct {
	doubts, answers int
	window          time.Duration

	// Doubtful are the requests that make no event yet, the last of each value: fewer
	// than doubts, while nothing goes on.
	Doubtful []doubtful `json:",omitempty"`
	Going    *injecting `json:",omitempty"`
}

// A doubtful is a request that only looks like a probe.
type doubtful struct {
	Mark   // tagged by value
	Class  string
	Status int
}

// A injecting is a series of probes.
type injecting struct {
	Episode
	Classes  map[string]int64 // requests by class; there are but a few classes
	Sure     bool             // whether any was more than doubtful
	Sample   hit              // the first of the surest
	Values   Distinct
	Refused  int64               // requests that were answered 4xx
	Let      int64               // requests that were answered 2xx
	Sizes    map[string]sizeSeen // by route; at most maxSizes
	Largest  int64               // the unusual answer; 0 if there was none
	LargestN sizeSeen            // what came before it
	LargestR string              // its route, clipped
}

// A sizeSeen is how large answers were.
type sizeSeen struct {
	N    int    // answers
	Most int64  // bytes of the largest
	Last moment `json:",omitempty"` // when it was probed last
}

// maxSizes bounds the routes of which sizes are kept. The one that was probed longest ago is
// forgotten first.
const maxSizes = 32

func (s *probes) Observe(r *parsers.Request, emit func(Event)) {
	hits := probesOf(r)
	if len(hits) == 0 {
		return
	}
	best := hits[0]
	for _, h := range hits {
		if h.Sure && !best.Sure {
			best = h
		}
	}
	if s.Going == nil && !best.Sure && !s.doubt(r, best) {
		return
	}
	if s.Going == nil {
		s.begin(r, best)
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	if best.Sure && !g.Sure {
		g.Sure, g.Sample = true, best
	}
	var told []string
	for _, h := range hits {
		g.Values.Add(h.tag)
		if !slices.Contains(told, h.Class) {
			told = append(told, h.Class)
			g.Classes[h.Class]++
		}
	}
	g.answered(r.Status)
	severity, outcome := Medium, Attempted
	if g.read(r) {
		severity = Low
	}
	switch {
	case r.Status/100 == 4:
		outcome = Blocked
	case r.Status/100 == 2 && g.unusual(r, s.answers):
		severity = High
	}
	g.reach(severity, outcome)
	g.tell(emit, s.describe)
}

// doubt takes a doubtful request and tells whether they are enough now.
func (s *probes) doubt(r *parsers.Request, h hit) bool {
	s.Doubtful = slices.DeleteFunc(s.Doubtful, func(d doubtful) bool {
		return d.Tag == h.tag || r.Time.Sub(d.At) > s.window
	})
	if len(s.Doubtful)+1 >= s.doubts {
		return true
	}
	s.Doubtful = append(s.Doubtful, doubtful{mark(r, h.tag), h.Class, r.Status})
	return false
}

// begin makes an event of a request, and of the doubtful ones before it if it is one.
func (s *probes) begin(r *parsers.Request, h hit) {
	var before []doubtful
	if !h.Sure {
		before = s.Doubtful
	}
	s.Doubtful = nil
	var w Window
	for _, d := range before {
		w = append(w, d.Mark)
	}
	s.Going = &injecting{Episode: begin(r, append(w, mark(r, h.tag))), Classes: map[string]int64{}, Sample: h}
	for _, d := range before {
		s.Going.Values.Add(d.Tag)
		s.Going.Classes[d.Class]++
		s.Going.answered(d.Status)
	}
}

// read tells whether all there is may be one text that somebody who is known searches for,
// and is given: developers read about attacks.
func (g *injecting) read(r *parsers.Request) bool {
	_, typ := r.Actor()
	return g.Sample.Text && len(g.Values) == 1 && g.Refused == 0 && (typ == parsers.ActorUser || typ == parsers.ActorAPIKey)
}

func (g *injecting) answered(status int) {
	switch status / 100 {
	case 2:
		g.Let++
	case 4:
		g.Refused++
	}
}

// unusual tells whether an answer 2xx is more than twice as large as those of its route
// to this client's probes were so far, and learns its size.
func (g *injecting) unusual(r *parsers.Request, after int) bool {
	seen, known := g.Sizes[r.Route]
	if r.Bytes < 0 {
		return false
	}
	if !known && len(g.Sizes) >= maxSizes {
		delete(g.Sizes, slices.MinFunc(slices.Collect(maps.Keys(g.Sizes)), func(a, b string) int {
			return cmp.Or(cmp.Compare(g.Sizes[a].Last, g.Sizes[b].Last), strings.Compare(a, b))
		}))
	}
	large := seen.N >= after && r.Bytes > 2*seen.Most && r.Bytes > seen.Most+1024
	if large && r.Bytes > g.Largest {
		g.Largest, g.LargestN, g.LargestR = r.Bytes, seen, clip(r.Route)
	}
	if g.Sizes == nil {
		g.Sizes = map[string]sizeSeen{}
	}
	g.Sizes[strings.Clone(r.Route)] = sizeSeen{seen.N + 1, max(seen.Most, r.Bytes), momentOf(r.Time)}
	return large
}

func (s *probes) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *probes) describe(e *Event) {
	g := s.Going
	var classes []string
	for _, c := range probeClasses {
		if n := g.Classes[c]; n > 0 {
			classes = append(classes, fmt.Sprintf("%s (%d)", c, n))
		}
	}
	e.Summary = fmt.Sprintf("%s probed with %s in %s: %s; %s %q", who(e.ActorID, e.ActorType), plural(e.Count, "request", "requests"),
		inWords(e.Last.Sub(e.First)), strings.Join(classes, ", "), g.Sample.Where, g.Sample.Value)
	if g.Sure {
		e.Summary += " (threshold: 1 that is beyond doubt)"
	} else {
		e.Summary += fmt.Sprintf(" (threshold: %d different doubtful values within %s)", s.doubts, inWords(s.window))
	}
	if g.Refused > 0 {
		e.Summary += fmt.Sprintf("; %d refused (4xx)", g.Refused)
	}
	if g.Let > 0 {
		e.Summary += fmt.Sprintf("; %d answered 2xx", g.Let)
	}
	switch {
	case !g.Sure:
		e.Summary += "; prose and code that people paste look the same"
		e.Confidence = 0.3
	case e.Severity == Low:
		e.Summary += "; a text that is searched for looks the same"
		e.Confidence = 0.3
	case g.Classes[scannerAgent] > 0:
		e.Confidence = 0.9 // it says so itself
	case e.Count == 1:
		e.Confidence = 0.7
	case len(g.Classes) > 1 || len(g.Values) > 3:
		e.Confidence = 0.95 // nobody does several by accident
	default:
		e.Confidence = 0.8
	}
	if g.Largest > 0 {
		e.Summary += fmt.Sprintf("; an answer of %d bytes on %s, where the %d before had at most %d", g.Largest, g.LargestR, g.LargestN.N, g.LargestN.Most)
	}
	e.Metadata = Meta("classes", json.RawMessage(mustJSON(g.Classes)), "distinct_values", len(g.Values), "sample", g.Sample.Value,
		"where", g.Sample.Where, "refused", g.Refused, "accepted", g.Let, "unusual_bytes", g.Largest, "usual_bytes_at_most", g.LargestN.Most)
}

// A hit is something of a request that looks like an attack.
type hit struct {
	Class string
	Sure  bool
	Where string // "parameter \"q\" was"
	Text  bool   // it is a text that is searched for
	Value string // decoded, clipped
	tag   uint64 // of the value
}
