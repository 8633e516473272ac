package detect

import (
	"fmt"
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// RefreshAbuse finds accounts whose tokens are refreshed far too often.
func RefreshAbuse() *Detector {
	d := &Detector{
		Name: "refresh-abuse",
		Doc: "many access tokens made from refresh tokens of one account\n\n" +
			"Who has stolen a refresh token makes access tokens of it, beside the owner or on stock. How " +
			"many are usual depends on how long they live, so after a day of history an account is held " +
			"to three times its own p99 hour. Until then, refreshes by one client at even steps are a " +
			"timer, or one in each of a few tabs: such an event is of low severity.",
		Type:      TokenRefreshed,
		Severity:  Medium,
		Technique: "T1550.001",
		OWASP:     "API2:2023",
		Of:        EventKind,
		Match:     func(r *parsers.Request) bool { return r.Event == TokenRefreshed && worked(r) },
		GroupBy:   ByUser, // a refresh gives a new token: the account is what stays
	}
	limit := d.count("limit", 10, "successful `refreshes` within the window that are still normal, as long as nothing is known of the account")
	times := d.count("times", 3, "how many `times` its own p99 window an account may refresh, once that is known")
	learn := d.span("learn", 24*time.Hour, "`time` of history after which an account's own p99 is known")
	window := d.span("window", time.Hour, "`time` within which refreshes are counted")
	d.TTL, d.Quiet = new(history), window
	d.New = func() State { return &refreshAbuse{limit: *limit, times: *times, learn: *learn, window: *window} }
	return d
}

type refreshAbuse struct {
	limit, times  int
	learn, window time.Duration

	Recent Window      // tagged by client
	Since  time.Time   // of the first refresh
	Span   time.Time   // when the span began that is being counted
	Count  int64       // refreshes in it
	Spans  Baseline    // refreshes in earlier spans, of those with any
	Going  *refreshing `json:",omitempty"`
}

const (
	// fewSpans are too few to tell what is usual: less than a working day.
	fewSpans = 8
	// leastLimit is the lowest limit that an account's own history sets: a browser that
	// opens its tabs again refreshes once for each.
	leastLimit = 4
	// mostLimit bounds the refreshes that are remembered, and so every limit.
	mostLimit = 2000
)

// A refreshing is an abuse that goes on.
type refreshing struct {
	Episode
	Limit   int // when it began
	P99     int64
	Spans   int64 // that P99 is of
	Known   int64 // spans before it, where they were too few
	Clients Distinct
}

func (s *refreshAbuse) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	s.count(r.Time)
	limit, own := s.limitAt(r.Time)
	s.Recent.Slide(mark(r, tag(r.ClientIP)^programTag(r.UserAgent)), s.window, limit+1)
	if len(s.Recent) <= limit {
		return
	}
	if s.Going == nil {
		s.Going = &refreshing{Episode: beginByBearer(r, s.Recent), Limit: limit}
		if own {
			s.Going.P99, s.Going.Spans = s.Spans.P99(), s.Spans.N
		} else {
			s.Going.Known = s.Spans.N
		}
		for _, m := range s.Recent {
			s.Going.Clients.Add(m.Tag)
		}
	} else {
		s.Going.goOn(r, s.Recent)
	}
	s.Going.Route = ""
	severity := Medium
	if !own && byTimers(s.Recent) {
		severity = Low
	}
	s.Going.reach(severity, Succeeded)
	s.Going.tell(emit, s.describe)
}

// goOn takes the last refresh of the window, which is r, and those before it since one was
// taken: they were too few by themselves.
func (g *refreshing) goOn(r *parsers.Request, w Window) {
	last := len(w) - 1
	for _, m := range w[:last] {
		if m.At.After(g.Last) {
			g.Count++
			g.addEvidence(m.Evidence)
			g.Clients.Add(m.Tag)
		}
	}
	g.extend(r)
	g.Clients.Add(w[last].Tag)
}

// Expire gives the final form of what goes on, and ends it.
func (s *refreshAbuse) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// count adds a refresh to the span that it lies in. A span begins with its first
// refresh; what is beyond the limit does not become usual.
func (s *refreshAbuse) count(at time.Time) {
	if s.Since.IsZero() {
		s.Since, s.Span = at, at
	}
	if at.Sub(s.Span) >= s.window {
		limit, own := s.limitAt(at)
		switch {
		case s.Count == 0: // it was begun with what is usual
		case !own:
			s.Spans.Add(min(s.Count, 2*int64(limit)))
		case s.Count <= int64(limit):
			s.Spans.Add(s.Count)
		}
		s.Span, s.Count = at, 0
	}
	s.Count++
}

// limitAt returns how many refreshes within the window are normal, and whether that is
// by the account's own history.
func (s *refreshAbuse) limitAt(at time.Time) (limit int, own bool) {
	if at.Sub(s.Since) < s.learn || s.Spans.N < fewSpans {
		return min(s.limit, mostLimit), false
	}
	return int(min(max(multiple(int64(s.times), s.Spans.P99()), leastLimit), mostLimit)), true
}

const (
	// leastStep is the least time from one refresh by a timer to the next.
	leastStep = 10 * time.Second
	// mostTabs is how many tabs with a timer each are told from chance.
	mostTabs = 4
)

// byTimers tells whether requests of one client follow each other as those of a timer do, or of one
// in each of a few tabs.
func byTimers(w Window) bool {
	return !slices.ContainsFunc(w, func(m Mark) bool { return m.Tag != w[0].Tag }) && (even(w) || inTabs(w))
}

// even tells whether it is about the same step from each request to the next.
func even(w Window) bool {
	if len(w) < 2 {
		return false
	}
	var steps []time.Duration
	for i, m := range w[1:] {
		steps = append(steps, m.At.Sub(w[i].At))
	}
	least, most := slices.Min(steps), slices.Max(steps)
	return least >= leastStep && most <= least+least/2
}

// inTabs tells whether a few timers of one step may make the requests, whenever each of them
// began: all requests but their first ones come a step after another.
func inTabs(w Window) bool {
	for last := max(len(w)-mostTabs, 2*mostTabs); last < len(w); last++ { // some may be first ones
		for _, m := range w[last-mostTabs : last] {
			if step := w[last].At.Sub(m.At); step >= leastStep && followers(w, step) >= len(w)-mostTabs {
				return true
			}
		}
	}
	return false
}

// followers counts the requests that come so long after another, give or take a twentieth.
func followers(w Window, step time.Duration) (n int) {
	slack, before := step/20, 0
	for _, m := range w {
		for m.At.Sub(w[before].At) > step+slack {
			before++
		}
		if m.At.Sub(w[before].At) >= step-slack {
			n++
		}
	}
	return n
}

func (s *refreshAbuse) describe(e *Event) {
	g := s.Going
	against := fmt.Sprintf("threshold: more than %d within %s", g.Limit, inWords(s.window))
	baseline := "own"
	if g.Spans > 0 {
		against += fmt.Sprintf(", being %d times its own p99, which is %d in %s", s.times, g.P99, plural(g.Spans, "earlier one", "earlier ones"))
	} else {
		baseline = "default"
		against += fmt.Sprintf(", the default: it is known from %s, and from %d over %s on it has a threshold of its own",
			plural(g.Known, "earlier one", "earlier ones"), fewSpans, inWords(s.learn))
	}
	e.Summary = fmt.Sprintf("%s refreshed tokens %d times in %s from %s (%s)", who(e.ActorID, e.ActorType), e.Count,
		inWords(e.Last.Sub(e.First)), g.Clients.of("client", "clients"), against)
	switch {
	case e.Severity == Low:
		e.Confidence = 0.2
		e.Summary += "; one client at even steps looks like a timer"
	case g.Spans > 0:
		e.Confidence = 0.7
	default:
		e.Confidence = 0.5 // short-lived tokens in several tabs look the same
	}
	e.Metadata = Meta("refreshes", e.Count, "threshold", g.Limit, "baseline", baseline, "baseline_p99", g.P99, "baseline_samples", max(g.Spans, g.Known),
		"clients", len(g.Clients), "window_seconds", int(s.window.Seconds()))
}

const ofRefreshes = "refreshes in an active hour"

func (s *refreshAbuse) Learned() (l Learned) {
	l.addNumber(Number{Of: ofRefreshes, Since: s.Since, Baseline: s.Spans})
	return l
}

func (s *refreshAbuse) Learn(l Learned, at time.Time) error {
	n := l.number(ofRefreshes)
	s.Spans, s.Since, s.Span = n.Baseline, n.Since, at
	return l.known(ofRefreshes)
}
