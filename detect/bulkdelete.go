package detect

import (
	"fmt"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// MassDeletion finds who deletes many things.
func MassDeletion() *Detector {
	d := &Detector{
		Name: "bulk-delete",
		Doc: "many objects deleted by one actor in a short time\n\n" +
			"A clean-up, a mistake, or revenge: whichever it is, the sooner it is seen the more can be " +
			"brought back. Only what was deleted counts, and the same path once. What is deleted by GraphQL or " +
			"JSON-RPC, whose answers do not tell whether it was, makes the event one of high severity. API keys " +
			"clean up by nature, and hosts for tests are there for it: both lower the confidence.",
		Type:      BulkDelete,
		Severity:  Critical,
		Technique: "T1485",
		OWASP:     "API5:2023",
		Of:        EventKind | WriteKind,
		Match:     deletes,
		GroupBy:   ByActor,
	}
	limit := d.count("limit", 50, "deleted `objects` within the window that are many")
	window := d.span("window", 10*time.Minute, "`time` within which objects are counted, and without a deletion after which an event is over")
	d.TTL = window
	d.New = func() State { return &bulkDelete{limit: *limit, window: *window} }
	return d
}

type bulkDelete struct {
	limit  int
	window time.Duration

	Recent Window    `json:",omitempty"` // the last deletion of each object; at most limit
	Of     endpoint  // the objects
	Going  *deletion `json:",omitempty"`
}

// A deletion is one of many that goes on. It counts objects that are not among the last
// ones.
type deletion struct {
	Episode
	Tests  int64 // at hosts for tests, since it began
	Inside int64 `json:",omitempty"` // deletesInside, likewise
}

func (s *bulkDelete) Observe(r *parsers.Request, emit func(Event)) {
	m := mark(r, deletedTag(r))
	if s.known(m) {
		return // again, because the answer was lost
	}
	s.Recent.Slide(m, s.window, s.limit)
	s.Of.vote(r.Route, 1)
	switch {
	case s.Going != nil:
		s.Going.extend(r)
	case len(s.Recent) < s.limit:
		return
	default:
		s.Going = &deletion{Episode: begin(r, s.Recent)}
		s.Going.Route = s.Of.alone()
	}
	if isTestHost(r.Host) {
		s.Going.Tests++
	}
	if deletesInside(r) {
		s.Going.Inside++
		s.Going.reach(High, Attempted)
	} else {
		s.Going.reach(Critical, Succeeded)
	}
	s.Going.tell(emit, s.describe)
}

func (s *bulkDelete) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

// known tells whether the object is among the last ones that were deleted.
func (s *bulkDelete) known(m Mark) bool {
	for _, o := range s.Recent {
		if o.Tag == m.Tag && m.At.Sub(o.At) <= s.window {
			return true
		}
	}
	return false
}

// deletes tells whether the request deleted something.
func deletes(r *parsers.Request) bool {
	return r.Status >= 200 && r.Status < 300 && (methodOf(r) == "DELETE" || r.Event == RecordDeleted || deletesInside(r))
}

// deletesInside tells whether what a request asks for by GraphQL or JSON-RPC is named as something
// that deletes. Whether it did, a 200 does not tell.
func deletesInside(r *parsers.Request) bool {
	f := featuresOf(r)
	return f.graphQL && deletesByName(f.change) || f.rpc && deletesByName(f.operation)
}

// deletesByName tells whether a call deletes, by its name: deleteItem, items.delete, items:delete.
func deletesByName(call string) bool {
	call = call[strings.LastIndexAny(call, ".:/")+1:]
	return beginsWithVerb(call, "delete", "destroy")
}

// deletedTag tells apart what requests are about. Where the path has no place for an object, the
// body says which one.
func deletedTag(r *parsers.Request) uint64 {
	t := tag(r.Host) + tag(strings.TrimRight(r.Path, "/")) + tag(r.Query)
	if !featuresOf(r).placed {
		t += tag(r.Body)
	}
	return t
}

// isTestHost tells whether a host is named as one for tests.
func isTestHost(host string) bool {
	first, _, _ := strings.Cut(host, ".")
	for first != "" {
		var word string
		word, first, _ = strings.Cut(first, "-")
		switch word {
		case "test", "testing", "tests", "staging", "stage", "dev", "sandbox", "qa", "ci", "e2e", "localhost", "preview":
			return true
		}
	}
	return false
}

func (s *bulkDelete) describe(e *Event) {
	e.Summary = fmt.Sprintf("%s deleted %s%s in %s (threshold: %d within %s)", who(e.ActorID, e.ActorType),
		plural(e.Count, "object", "objects"), s.Of.after("of"), inWords(e.Last.Sub(e.First)), s.limit, inWords(s.window))
	e.Confidence = 0.8 // administrators clean up too
	if e.Count >= 5*int64(s.limit) {
		e.Confidence = 0.9
	}
	if e.ActorType == string(parsers.ActorAPIKey) {
		e.Confidence = 0.6
		e.Summary += "; an API key, which may be a job that cleans up"
	}
	if s.Going.Inside > 0 {
		e.Summary += "; GraphQL and JSON-RPC answer 200 whether it worked or not"
	}
	if s.Going.Tests > 0 {
		e.Confidence = 0.3
		e.Summary += "; at a host for tests"
	}
	e.Metadata = Meta("records_deleted", e.Count, "endpoint", clip(s.Of.Name), "window_seconds", int(s.window.Seconds()))
}
