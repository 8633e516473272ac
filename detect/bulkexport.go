package detect

import (
	"fmt"
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Scraping finds who fetches more records than one works with.
func Scraping() *Detector {
	d := &Detector{
		Name: "bulk-export",
		Doc: `very many records fetched by one actor

Who may read a list may read all of it, page by page, and take it away. Records are those that
the log counts, else as many as a page was asked to hold. The same page counts once, and a call
that names no page only by what the log counts: polling is no scraping.

Answers too short for their records, and search engines, lower the severity.`,
		Type:      BulkExport,
		Severity:  High,
		Technique: "T1213",
		OWASP:     "API6:2023",
		Of:        ListKind,
		GroupBy:   ByActor,
	}
	limit := d.records("limit", 10_000, "`records` within the window that are still normal")
	critical := d.records("critical", 50_000, "`records` within the window above which it is critical")
	sizes := d.pageSizes()
	window := d.span("window", time.Hour, "`time` within which records are counted")
	hours := d.businessHours()
	d.Match = func(r *parsers.Request) bool { return sizes().batchOf(r).Records > 0 }
	d.TTL = window
	set := &exportSettings{limit, critical, sizes, window, hours}
	d.New = func() State { return &bulkExport{exportSettings: set} }
	return d
}

type exportSettings struct {
	limit, critical *int64
	sizes           func() pageSizes
	window          *time.Duration
	hours           *Hours
}

type bulkExport struct {
	Pages packed[page, *page] `json:",omitempty"` // counted within the window, in order; at most maxPages
	From  endpoint            // of the records
	Going *export
	*exportSettings
}

func (s *bulkExport) AppendJSON(b []byte) ([]byte, error) {
	b = appendPacked(append(b, '{'), "Pages", s.Pages)
	b = appendObject(b, "From", &s.From)
	if s.Going == nil {
		return append(b, `,"Going":null}`...), nil
	}
	return appendGoing(b, s.Going)
}

// A page is one that was counted, with the last request for it, or several that follow one
// another: then it bears the time of the last and the tag of none.
type page struct {
	At  moment
	Tag uint64
	Evidence
	pageSum
}

// A pageSum is what requests got.
type pageSum struct {
	Requests                 int64
	Records, Estimated, Thin int64 // of Records, those that the log does not count, and those of thin answers
}

func (v *page) pack(p *packer) {
	p.moment(&v.At)
	p.tag(&v.Tag)
	p.evidence(&v.Evidence)
	p.int(&v.Requests)
	p.int(&v.Records)
	p.int(&v.Estimated)
	p.int(&v.Thin)
}

func (p page) mark() Mark { return Mark{At: p.At.time(), Tag: p.Tag, Evidence: p.Evidence} }

// An export is one that goes on.
type export struct {
	Episode
	Peak                   int64 // most records within one window
	Total, Estimated, Thin int64 // records while it went on
	Outside                int64 // requests outside business hours
	Crawler                bool  // whether a search engine is at it
	Solid                  bool  `json:",omitempty"` // whether without thin answers there were too many
}

const (
	// maxPages bounds what is remembered of pages. Beyond it, all but the last freshPages
	// are taken together where they lie within the same 500th of the window: their records
	// are counted that much longer at most, and who asks for one of them again is counted
	// again. That many pages are not polled.
	maxPages   = 2000
	freshPages = 500
	pageSpans  = 500 // in a window
)

func (s *bulkExport) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > *s.window {
		s.Expire(emit)
	}
	p := s.pageOf(r)
	records, thin, known := s.within(p)
	if known >= 0 {
		s.again(known, p)
		return
	}
	s.add(p)
	s.From.vote(r.Route, p.Records)
	if records += p.Records; records <= *s.limit {
		return
	}
	if s.Going == nil {
		s.begin(r)
	} else {
		s.goOn(r)
	}
	e := s.Going
	e.Crawler = e.Crawler || isCrawler(r)
	e.Peak = max(e.Peak, records)
	e.Solid = e.Solid || records-thin-p.Thin > *s.limit
	severity := High
	if records > *s.critical {
		severity = Critical
	}
	if e.Crawler {
		severity--
	}
	if e.thin() {
		severity = Medium
	}
	if mostly(e.Outside, e.Count) {
		severity = severity.raised()
	}
	e.reach(severity, Succeeded)
	e.tell(emit, s.describe)
}

func (s *bulkExport) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// pageOf returns the page that a request got. What a request with a body asked for is
// not seen, and no such page is the same as another.
func (s *bulkExport) pageOf(r *parsers.Request) page {
	b := s.sizes().batchOf(r)
	p := page{At: momentOf(r.Time), Evidence: evidence(r), pageSum: pageSum{Requests: 1, Records: b.Records}}
	switch l, isList := listingOf(r); {
	case b.Logged && r.Method != "GET":
	case isList:
		p.Tag = l.Tag
	default:
		p.Tag = pageTag(r)
	}
	if !b.Logged {
		p.Estimated = b.Records
	}
	if b.Thin {
		p.Thin = b.Records
	}
	return p
}

// within forgets what lies further back than the window, and returns the records that are
// left, those of them that are of thin answers, and where among them the page is; -1 if it
// is not.
func (s *bulkExport) within(p page) (records, thin int64, known int) {
	n, window := 0, moment(s.window.Microseconds())
	for n < len(s.Pages) && p.At-s.Pages[n].At > window {
		n++
	}
	s.Pages = slices.Delete(s.Pages, 0, n)
	known = -1
	for i := range s.Pages {
		records += s.Pages[i].Records
		thin += s.Pages[i].Thin
		if p.Tag != 0 && s.Pages[i].Tag == p.Tag {
			known = i
		}
	}
	return records, thin, known
}

// again has the page there, which p asks for once more, last as long as if it was asked for now.
func (s *bulkExport) again(i int, p page) {
	o := s.Pages[i]
	o.At, o.Evidence = p.At, p.Evidence
	s.Pages = append(slices.Delete(s.Pages, i, i+1), o)
}

func (s *bulkExport) add(p page) {
	if s.Pages = append(s.Pages, p); len(s.Pages) <= maxPages {
		return
	}
	span, n := *s.window/pageSpans, 0
	for i, p := range s.Pages {
		if n == 0 || i >= len(s.Pages)-freshPages || !p.At.time().Truncate(span).Equal(s.Pages[n-1].At.time().Truncate(span)) {
			s.Pages[n] = p
			n++
			continue
		}
		o := &s.Pages[n-1]
		o.At, o.Tag = p.At, 0
		o.Requests += p.Requests
		o.Records += p.Records
		o.Estimated += p.Estimated
		o.Thin += p.Thin
	}
	s.Pages = slices.Delete(s.Pages, n, len(s.Pages))
}

func (s *bulkExport) begin(r *parsers.Request) {
	var marks Window
	for _, p := range s.Pages {
		marks = append(marks, p.mark())
	}
	s.Going = &export{Episode: begin(r, marks)}
	s.Going.Count, s.Going.Route = 0, s.From.alone()
	for _, p := range s.Pages {
		s.Going.Count += p.Requests
		s.Going.add(p, s.hours)
	}
}

// goOn takes the last page, which r got, and those before it since one was taken: they were
// too few by themselves.
func (s *bulkExport) goOn(r *parsers.Request) {
	e, last := s.Going, len(s.Pages)-1
	first := last
	for first > 0 && s.Pages[first-1].At > momentOf(e.Last) {
		first--
	}
	for _, p := range s.Pages[first:last] {
		e.Count += p.Requests
		e.addEvidence(p.Evidence)
		e.add(p, s.hours)
	}
	e.extend(r)
	e.add(s.Pages[last], s.hours)
}

// add takes the records of a page.
func (e *export) add(p page, hours *Hours) {
	e.Total += p.Records
	e.Estimated += p.Estimated
	e.Thin += p.Thin
	e.Outside += p.Requests * hours.outside(p.At.time())
}

// thin tells whether most of the records are guessed from what was asked for, and the
// answers do not look like it, and the others are not too many by themselves.
func (e *export) thin() bool { return 2*e.Thin > e.Total && !e.Solid }

func (s *bulkExport) describe(e *Event) {
	g := s.Going
	method, about := "logged", ""
	if g.Estimated > 0 {
		method, about = "estimated", "about "
	}
	if g.thin() {
		about = "at most "
	}
	inAll := ""
	if g.Total > g.Peak {
		inAll = fmt.Sprintf(" within %s (%d in all)", inWords(*s.window), g.Total)
	}
	e.Summary = fmt.Sprintf("%s fetched %s%s%s%s, with %s in %s (threshold: more than %d records within %s)",
		who(e.ActorID, e.ActorType), about, plural(g.Peak, "record", "records"), inAll, s.From.after("from"), plural(e.Count, "request", "requests"),
		inWords(e.Last.Sub(e.First)), *s.limit, inWords(*s.window))
	switch {
	case g.thin():
		e.Confidence = 0.3
		e.Summary += fmt.Sprintf("; most answers have fewer than %d bytes a record, which looks like short lists", thinBytes)
	case g.Crawler:
		e.Confidence = 0.3
		e.Summary += "; from addresses of a search engine"
	case method == "logged":
		e.Confidence = 0.95
	case g.Peak > 2*(*s.limit) && e.Count > 10:
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // pages may hold less than was asked for
	}
	if e.ActorType == string(parsers.ActorAPIKey) {
		e.Confidence = min(e.Confidence, 0.6) // jobs fetch much by nature
		e.Summary += "; an API key, which may be a job"
	}
	if mostly(g.Outside, e.Count) {
		e.Summary += fmt.Sprintf("; outside business hours (%s)", s.hours)
	}
	e.Metadata = Meta("records_fetched", g.Peak, "endpoint", clip(s.From.Name), "method", method, "records_total", g.Total,
		"requests", e.Count, "outside_business_hours", g.Outside, "window_seconds", int(s.window.Seconds()))
}
