package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// DeniedAccess finds who is refused what is not theirs.
func DeniedAccess() *Detector {
	d := &Detector{
		Name: "access-denied",
		Doc: `answers 403 for one actor, one event while they go on

Who is refused one object or route after the other is trying what belongs to others. A single
answer 403 happens to everyone and is of low severity, however often the same thing is asked
for again.

A page asks for its parts, some of which its user may not see: routes without ids, asked for
from a page of the site and not too many, are of medium severity. Images and what browsers
ask for unbidden do not count, nor do routes that the plan does not include, nor logins.`,
		Type:      AccessDenied,
		Severity:  Low,
		Technique: "T1190",
		OWASP:     "API1:2023",
		Of:        RefusedKind,
		GroupBy:   ByActor,
	}
	limit := d.count("objects", 5, "distinct `objects` or routes refused within the window that are a pattern")
	window := d.span("window", 10*time.Minute, "`time` within which they are counted, and of quiet after which an event is over")
	plans := d.routes("plan-routes", "`patterns` of paths that depend on the plan, separated by commas: their answers 403 are for permission-denied")
	d.Match = func(r *parsers.Request) bool {
		return r.Status == 403 && r.Method != "OPTIONS" && r.Path != "" && r.Event != LoginFailed && !featuresOf(r).unbidden && !plans.has(r.Path)
	}
	d.TTL = window
	d.New = func() State { return &accessDenied{limit: *limit, window: *window} }
	return d
}

type accessDenied struct {
	limit  int
	window time.Duration

	Going *denial
}

// A denial is a series of answers 403 that goes on.
type denial struct {
	Episode
	Recent  Window   // the last answer for each object; at most limit
	Objects Distinct // of the whole series
	Paths   []string // the first ones, clipped; at most maxShown
	Routes  bool     `json:",omitempty"` // none of them was about an object
	Parts   bool     `json:",omitempty"` // all of them may be parts of pages
}

// maxPageParts is how many parts pages have that their user may not see.
const maxPageParts = 20

// isPart tells whether the request asks for what a page may be made of, rather than for an
// object.
func isPart(r *parsers.Request) bool {
	return r.Method == "GET" && referred(r) && !ofObject(r)
}

// ofObject tells whether the request is about an object, by an id in its path or query.
func ofObject(r *parsers.Request) bool {
	f := featuresOf(r)
	return f.placed || f.hasObject || f.hasID
}

// maxShown bounds a list of names in an event: the first ones.
const maxShown = 10

// shown adds log text, clipped, to such a list, unless it is there or the list is full.
func shown(list []string, text string) []string {
	if len(list) == maxShown {
		return list
	}
	if text = clip(text); slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

func (s *accessDenied) Observe(r *parsers.Request, emit func(Event)) {
	m := mark(r, objectTag(r))
	if s.Going == nil {
		s.Going = &denial{Episode: begin(r, Window{m}), Routes: true, Parts: true}
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	g.Objects.Add(m.Tag)
	g.Paths = shown(g.Paths, strings.TrimRight(r.Path, "/"))
	g.Routes = g.Routes && !ofObject(r)
	g.Parts = g.Parts && isPart(r) && len(g.Objects) <= maxPageParts
	severity := Low
	if g.Recent.SlideDistinct(m, s.window, s.limit); len(g.Recent) >= s.limit {
		severity = High
		if g.Parts { // anybody can name a page
			severity = Medium
		}
	}
	g.reach(severity, Blocked)
	g.tell(emit, s.describe)
}

func (s *accessDenied) Expire(emit func(Event)) { s.Going.end(emit, s.describe) }

func (s *accessDenied) describe(e *Event) {
	g := s.Going
	one, many := "object", "objects"
	if g.Routes {
		one, many = "route", "routes"
	}
	e.Summary = fmt.Sprintf("%s was refused %s with %s 403 in %s (threshold for a pattern: %s within %s)",
		who(e.ActorID, e.ActorType), g.Objects.of(one, many), plural(e.Count, "answer", "answers"), inWords(e.Last.Sub(e.First)),
		plural(int64(s.limit), one, many), inWords(s.window))
	if g.Parts && len(g.Objects) >= s.limit {
		e.Summary += "; they were asked for from pages of the site, as parts that their user may not see"
	}
	switch {
	case e.Severity < High:
		e.Confidence = 0.2 // it happens to everyone
	case len(g.Objects) >= 4*s.limit:
		e.Confidence = 0.9
	case len(g.Objects) >= 2*s.limit:
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // a page made of several parts that its user may not see looks the same
	}
	e.Metadata = Meta("answers_403", e.Count, "distinct_objects", len(g.Objects), "endpoints", g.Paths, "window_seconds", int(s.window.Seconds()))
}

// objectTag tells apart what requests are about: the path, what else names the object, and all
// parameters named like the id of one. Of several of one name it is the server's to say which one counts.
func objectTag(r *parsers.Request) uint64 {
	object := tag(strings.TrimRight(r.Path, "/"))
	if f := featuresOf(r); f.hasObject && !f.placed {
		object += f.object
	}
	for query := r.Query; query != ""; {
		var name, value string
		if name, value, query = cutParameter(query); namesID(name) && pagingKind(name) != chanceName {
			object += tag(name + "=" + value)
		}
	}
	return object
}

// DeniedPermission finds who asks for what their plan does not include.
func DeniedPermission() *Detector {
	d := &Detector{
		Name: "permission-denied",
		Doc: "answers 402, or 403 on a route that depends on the plan\n\n" +
			"Mostly it is a button that should not have been there. Many are a search for a gate that " +
			"was left open. Which routes depend on the plan is a setting; without it only 402 counts.",
		Type:      PermissionDenied,
		Severity:  Medium,
		Technique: "T1190",
		OWASP:     "API5:2023",
		Of:        RefusedKind,
		GroupBy:   ByActor,
	}
	many := d.count("many", 5, "refused `requests` at which an event is told again, for rules to see")
	window := d.span("window", 10*time.Minute, "`time` of quiet after which an event is over")
	plans := d.routes("plan-routes", "`patterns` of paths that depend on the plan, separated by commas: /api/reports/**,**/audit-log")
	d.Match = func(r *parsers.Request) bool {
		return r.Status == 402 || r.Status == 403 && r.Method != "OPTIONS" && plans.has(r.Path)
	}
	d.TTL = window
	d.New = func() State { return &permissionDenied{many: *many, window: *window} }
	return d
}

type permissionDenied struct {
	many   int
	window time.Duration

	Going *gate
}

// A gate is a series of answers that the plan does not suffice.
type gate struct {
	Episode
	Routes Distinct
	Shown  []string // the first ones, clipped; at most maxShown
}

func (s *permissionDenied) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going == nil {
		s.Going = &gate{Episode: begin(r, Window{mark(r, 0)})}
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	g.Routes.Add(tag(r.Shape))
	g.Shown = shown(g.Shown, r.Shape)
	g.reach(Medium, Blocked)
	if g.Count == int64(s.many) {
		g.say(emit, s.describe)
		return
	}
	g.tell(emit, s.describe)
}

func (s *permissionDenied) Expire(emit func(Event)) { s.Going.end(emit, s.describe) }

func (s *permissionDenied) describe(e *Event) {
	g := s.Going
	e.Summary = fmt.Sprintf("%s asked %s for what the plan does not include, on %s in %s (threshold: any such answer; %d are a search)",
		who(e.ActorID, e.ActorType), plural(e.Count, "time", "times"), g.Routes.of("route", "routes"), inWords(e.Last.Sub(e.First)), s.many)
	switch {
	case len(g.Routes) >= s.many:
		e.Confidence = 0.8
	case e.Count >= int64(s.many):
		e.Confidence = 0.5
	default:
		e.Confidence = 0.3 // a button that should not have been there
	}
	e.Metadata = Meta("refused", e.Count, "distinct_routes", len(g.Routes), "endpoints", g.Shown, "window_seconds", int(s.window.Seconds()))
}
