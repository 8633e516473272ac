package detect

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// MaskedEnumeration finds who asks for many things that are not there, as somebody else
// each time.
func MaskedEnumeration() *Detector {
	d := &Detector{
		Name: "masked-enumeration",
		Doc: `many answers 404 for one address, with credentials that were never accepted

Who sends a made-up key, token, session or name of a user with each request, or takes a new
session from each answer, is a new actor each time and below every limit. The address shows
it. Answers 400, 410 and 422 to a link that resets a password or logs in count, too: its token
was guessed wrong.

People behind one address do not count: their credentials were accepted there, now or before.
Of an address where a thousand credentials were accepted nothing is told.`,
		Type:      APIEnumerationDetected,
		Severity:  High,
		Technique: "T1595.003",
		OWASP:     "API9:2023",
		Of:        NamedKind,
		Match: func(r *parsers.Request) bool {
			return masked(r) != "" && (r.Status >= 200 && r.Status < 400 || r.Status == 404 && !featuresOf(r).unbidden || refusesCode(r))
		},
		GroupBy: ByClient,
	}
	limit := d.count("limit", 30, "answers 404 within the window that are still `normal`")
	masks := d.count("credentials", 5, "distinct `credentials` that make them, at least")
	few := d.count("few-paths", 10, "fewer distinct `paths` than this are broken clients, not a scan")
	window := d.span("window", 300*time.Second, "`time` within which answers are counted, and of quiet after which an event is over")
	memory := d.span("memory", 24*time.Hour, "`time` for which credentials that were accepted are remembered at an address that is quiet")
	d.TTL, d.Quiet = memory, window
	settings := sync.OnceValue(func() *maskedSettings { return &maskedSettings{*limit, *masks, *few, *window} })
	d.New = func() State { return &maskedEnumeration{maskedSettings: settings()} }
	return d
}

// masked returns the credential that tells who acts; "" where the log names none. The name of a
// user is one: logs have it as it was sent (nginx: $remote_user), whether or not its password was right.
func masked(r *parsers.Request) string {
	id, typ := r.Actor()
	if typ == parsers.ActorIP {
		return ""
	}
	return id
}

// maskedSettings are what all states of the detector share.
type maskedSettings struct {
	limit, masks, few int
	window            time.Duration
}

type maskedEnumeration struct {
	Accepted Distinct      `json:",omitempty"` // credentials, by tag
	Recent   []maskedMiss  `json:",omitempty"` // while nothing goes on; one more than limit at most
	Going    *maskedSearch `json:",omitempty"`
	*maskedSettings
}

// A maskedMiss is an answer 404, or one that refuses a code, to a credential that was not accepted
// yet.
type maskedMiss struct {
	Mark        // tagged by path, and by the query where a code is refused
	Mask uint64 // tag of the credential
}

// A maskedSearch is a masked enumeration that goes on.
type maskedSearch struct {
	Episode
	Paths, Masks Distinct
	Codes        int64 `json:",omitempty"` // refusesCode, since it began
}

func (s *maskedEnumeration) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	mask := tag(masked(r))
	if r.Status < 400 {
		s.Accepted.Add(mask)
		s.Recent = slices.DeleteFunc(s.Recent, func(m maskedMiss) bool { return m.Mask == mask })
		return
	}
	if _, accepted := slices.BinarySearch(s.Accepted, mask); accepted || len(s.Accepted) == MaxDistinct {
		return
	}
	m := maskedMiss{mark(r, tag(r.Path)), mask}
	if r.Status != 404 {
		m.Tag += tag(r.Query)
	}
	if g := s.Going; g != nil {
		g.extend(r)
		g.Paths.Add(m.Tag)
		g.Masks.Add(m.Mask)
	} else if !s.begin(r, m) {
		return
	}
	if r.Status != 404 {
		s.Going.Codes++
	}
	s.Going.Route = "" // what is not there has none
	severity := High
	if len(s.Going.Paths) < s.few {
		severity = Medium
	}
	s.Going.reach(severity, Attempted)
	s.Going.tell(emit, s.describe)
}

// begin adds an answer while nothing goes on, and tells whether something does now.
func (s *maskedEnumeration) begin(r *parsers.Request, m maskedMiss) bool {
	n := max(len(s.Recent)-s.limit, 0)
	for n < len(s.Recent) && m.At.Sub(s.Recent[n].At) > s.window {
		n++
	}
	s.Recent = append(slices.Delete(s.Recent, 0, n), m)
	if len(s.Recent) <= s.limit {
		return false
	}
	g := &maskedSearch{}
	var marks Window
	for _, m := range s.Recent {
		marks = append(marks, m.Mark)
		g.Paths.Add(m.Tag)
		g.Masks.Add(m.Mask)
	}
	if len(g.Masks) < s.masks {
		return false
	}
	g.Episode = beginByClient(r, marks)
	s.Going, s.Recent = g, nil
	return true
}

// Expire gives the final form of what goes on, and ends it.
func (s *maskedEnumeration) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

func (s *maskedEnumeration) describe(e *Event) {
	g := s.Going
	answers := "404"
	if g.Codes > 0 {
		answers = "404 or that refuse a code"
	}
	e.Summary = fmt.Sprintf("%s got %d answers %s on %s in %s, with %s that were never accepted there (threshold: more than %d with %d of them within %s; %s accepted before)",
		who(e.ActorID, e.ActorType), e.Count, answers, g.Paths.of("path", "paths"), inWords(e.Last.Sub(e.First)),
		g.Masks.of("credential", "different credentials"), s.limit, s.masks, inWords(s.window), s.Accepted.of("credential was", "credentials were"))
	switch {
	case len(g.Paths) < s.few:
		e.Confidence = 0.4
		e.Summary += fmt.Sprintf("; fewer than %d paths look like broken clients", s.few)
	case len(g.Masks) > s.limit:
		e.Confidence = 0.9 // one for each request
	default:
		e.Confidence = 0.7
	}
	e.Metadata = Meta("endpoint_count", e.Count, "distinct_paths", len(g.Paths), "distinct_credentials", len(g.Masks),
		"accepted_credentials", len(s.Accepted), "window_seconds", int(s.window.Seconds()))
}
