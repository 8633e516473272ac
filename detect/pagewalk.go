package detect

import (
	"fmt"
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// PageWalk finds who goes through a list page by page.
func PageWalk() *Detector {
	d := &Detector{
		Name: "page-walk",
		Doc: "many pages of one list asked for in a short time\n\n" +
			"People find what they look for on the first pages; who asks for all of them wants all that " +
			"there is. Any order counts, each page once, and the first page once whatever is searched " +
			"for. A span of time between two days is a page, whatever it is asked for of; where sums of each " +
			"hour or day are asked for, it is none. Nor are calls that only say from when on they want news. " +
			"Search engines lower the severity.",
		Type:      BulkExport,
		Severity:  Medium,
		Technique: "T1119",
		OWASP:     "API6:2023",
		Of:        ListKind,
		Match: func(r *parsers.Request) bool {
			l, ok := listingOf(r)
			return ok && l.Paged
		},
		GroupBy: ByActorRoute,
	}
	pages := d.count("pages", 50, "distinct `pages` of one list within the window that are a walk")
	sizes := d.pageSizes()
	window := d.span("window", 10*time.Minute, "`time` within which pages are counted, and without a new one after which a walk is over")
	hours := d.businessHours()
	d.TTL = window
	set := &walkSettings{pages, sizes, window, hours}
	d.New = func() State { return &pageWalk{walkSettings: set} }
	return d
}

type walkSettings struct {
	least  *int
	sizes  func() pageSizes
	window *time.Duration
	hours  *Hours
}

type pageWalk struct {
	Recent packed[page, *page] `json:",omitempty"` // the last request for each page within the window; at most least
	Going  *paging             `json:",omitempty"`
	*walkSettings
}

func (s *pageWalk) AppendJSON(b []byte) ([]byte, error) {
	b = appendPacked(append(b, '{'), "Recent", s.Recent)
	return appendGoing(b, s.Going)
}

// A paging is a walk through pages that goes on. It counts pages that are not among the
// last ones.
type paging struct {
	Episode
	Records, Estimated int64  // got with them, and those that the log does not count
	Outside            int64  // requests outside business hours
	Crawler            bool   // whether a search engine is at it
	Place              string // where in the list it is, as sent and clipped
}

func (s *pageWalk) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > *s.window {
		s.Expire(emit)
	}
	l, _ := listingOf(r)
	if known := s.visit(s.pageOf(r, l)); known || s.Going == nil && len(s.Recent) < *s.least {
		return
	}
	if s.Going == nil {
		s.begin(r)
	} else {
		s.Going.extend(r)
		s.Going.add(s.Recent[len(s.Recent)-1], s.hours)
	}
	w := s.Going
	w.Place = clip(l.Place)
	w.Crawler = w.Crawler || isCrawler(r)
	severity := Medium
	if w.Crawler {
		severity = Low
	}
	if mostly(w.Outside, w.Count) {
		severity = severity.raised()
	}
	w.reach(severity, Succeeded)
	w.tell(emit, s.describe)
}

func (s *pageWalk) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// pageOf returns the page that a request got. Everybody sees the first page of whatever is
// searched for: all of those are one, and so is one span of time of many things.
func (s *pageWalk) pageOf(r *parsers.Request, l listing) page {
	p := page{At: momentOf(r.Time), Tag: l.Tag, Evidence: evidence(r), pageSum: pageSum{Requests: 1}}
	if l.First || l.Span {
		p.Tag = tag(l.Place)
	}
	if r.Records >= 0 {
		p.Records = logged(r).Records
		return p
	}
	p.Records = s.sizes().batchOf(r).Records
	p.Estimated = p.Records
	return p
}

// visit remembers the page and tells whether it is among the last ones.
func (s *pageWalk) visit(p page) (known bool) {
	window := moment(s.window.Microseconds())
	s.Recent = slices.DeleteFunc(s.Recent, func(o page) bool {
		known = known || o.Tag == p.Tag && p.At-o.At <= window
		return o.Tag == p.Tag || p.At-o.At > window
	})
	if len(s.Recent) == *s.least {
		s.Recent = slices.Delete(s.Recent, 0, 1)
	}
	s.Recent = append(s.Recent, p)
	return known
}

func (s *pageWalk) begin(r *parsers.Request) {
	var marks Window
	for _, p := range s.Recent {
		marks = append(marks, p.mark())
	}
	s.Going = &paging{Episode: begin(r, marks)}
	for _, p := range s.Recent {
		s.Going.add(p, s.hours)
	}
}

// add takes the records of a page.
func (w *paging) add(p page, hours *Hours) {
	w.Records += p.Records
	w.Estimated += p.Estimated
	w.Outside += hours.outside(p.At.time())
}

func (s *pageWalk) describe(e *Event) {
	w := s.Going
	method, about := "logged", ""
	if w.Estimated > 0 {
		method, about = "estimated", "about "
	}
	with := ""
	if w.Records > 0 {
		with = " with " + about + plural(w.Records, "record", "records")
	}
	e.Summary = fmt.Sprintf("%s went through %s of %q%s in %s (threshold: %s of one list within %s)",
		who(e.ActorID, e.ActorType), plural(e.Count, "page", "pages"), clip(e.Route), with,
		inWords(e.Last.Sub(e.First)), plural(int64(*s.least), "page", "pages"), inWords(*s.window))
	switch n := e.Count; {
	case w.Crawler:
		e.Confidence = 0.3
		e.Summary += "; from addresses of a search engine"
	case n >= 5*int64(*s.least):
		e.Confidence = 0.9
	case n >= 2*int64(*s.least):
		e.Confidence = 0.8
	default:
		e.Confidence = 0.5 // somebody patient, or a list that loads on as one scrolls
	}
	if e.ActorType == string(parsers.ActorAPIKey) {
		e.Confidence = min(e.Confidence, 0.4)
		e.Summary += "; an API key, which may be a job"
	}
	if mostly(w.Outside, e.Count) {
		e.Summary += fmt.Sprintf("; outside business hours (%s)", s.hours)
	}
	e.Metadata = Meta("records_fetched", w.Records, "endpoint", clip(e.Route), "method", method, "pages", e.Count,
		"last_page", w.Place, "outside_business_hours", w.Outside, "window_seconds", int(s.window.Seconds()))
}
