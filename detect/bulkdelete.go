package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// MassDeletion finds who deletes many things.
func MassDeletion() *Detector {
	d := &Detector{
		Name: "bulk-delete",
		Doc: `many objects deleted by one actor in a short time

A clean-up, a mistake, or revenge: whichever it is, the sooner it is seen the more can be
brought back. Only what was deleted counts, and the same object once; where a request names
several, by a list of ids in its path, its query or a logged body, or by several fields of
GraphQL, each of them does. API keys clean up by nature, and hosts for tests are there for it:
both lower the confidence.

Less severe are

- one request for no more than a page has (medium): people select all and delete;
- what is asked for by GraphQL or JSON-RPC (high), whose answers do not tell whether it was done;
- what a path or a parameter is named for (high), where the answer is another page, or a GET for which the actor is known;
- what is only named as removed (high): that may be from a list.`,
		Type:      BulkDelete,
		Severity:  Critical,
		Technique: "T1485",
		OWASP:     "API5:2023",
		Of:        EventKind | WriteKind | DeleteKind,
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

// A deletion is one of many that goes on. It counts requests for objects that are not among the
// last ones.
type deletion struct {
	Episode
	More   int64 `json:",omitempty"` // objects beyond one for each request
	Tests  int64 // at hosts for tests, since it began
	Inside int64 `json:",omitempty"` // deletesInside, likewise
	Unsure bool  `json:",omitempty"` // whether one of these mayDelete
}

func (s *bulkDelete) Observe(r *parsers.Request, emit func(Event)) {
	earlier, deleted := s.remember(r)
	if deleted == 0 {
		return // again, because the answer was lost
	}
	s.Of.vote(r.Route, 1)
	switch {
	case s.Going != nil:
		s.Going.extend(r)
		s.Going.More += deleted - 1
	case len(s.Recent) < s.limit:
		return
	default:
		s.begin(r, earlier+deleted)
	}
	if isTestHost(r.Host) {
		s.Going.Tests++
	}
	switch {
	case deletesInside(r):
		s.Going.Inside++
		s.Going.reach(High, Attempted)
	case !hasDeleted(r):
		s.Going.Unsure = true
		s.Going.reach(High, Attempted)
	case s.onePage():
		s.Going.reach(Medium, Succeeded)
	default:
		s.Going.reach(Critical, Succeeded)
	}
	s.Going.tell(emit, s.describe)
}

// onePage tells whether all were deleted by one request, and are no more than the rows of a page,
// which people select together.
func (s *bulkDelete) onePage() bool {
	return s.Going.Count == 1 && s.Going.More > 0 && s.Going.More < 2*int64(s.limit)
}

func (s *bulkDelete) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

// remember remembers the objects that a request deleted, and returns how many there were within
// the window before, and how many of its own are not among these. It is none for a request whose
// own last ones are.
func (s *bulkDelete) remember(r *parsers.Request) (earlier, deleted int64) {
	objects := deletedObjects(r)
	m := mark(r, 0)
	s.Recent = slices.DeleteFunc(s.Recent, func(o Mark) bool { return m.At.Sub(o.At) > s.window })
	known := func(tag uint64) bool {
		return slices.ContainsFunc(s.Recent, func(o Mark) bool { return o.Tag == tag })
	}
	earlier = int64(len(s.Recent))
	if !slices.ContainsFunc(objects[max(len(objects)-s.limit, 0):], func(tag uint64) bool { return !known(tag) }) {
		return earlier, 0
	}
	for _, m.Tag = range objects {
		if !known(m.Tag) {
			s.Recent.Slide(m, s.window, s.limit)
			deleted++
		}
	}
	return earlier, deleted
}

// begin makes an event of the last deletions, which were of so many objects.
func (s *bulkDelete) begin(r *parsers.Request, objects int64) {
	requests := slices.CompactFunc(slices.Clone(s.Recent), func(a, b Mark) bool { return a.Evidence == b.Evidence })
	s.Going = &deletion{Episode: begin(r, requests), More: objects - int64(len(requests))}
	s.Going.Route = s.Of.alone()
}

// deletes tells whether the request deleted something, or may have.
func deletes(r *parsers.Request) bool { return hasDeleted(r) || deletesInside(r) || mayDelete(r) }

// hasDeleted tells whether the answer to a request says that it deleted something.
func hasDeleted(r *parsers.Request) bool {
	return r.Status >= 200 && r.Status < 300 && (methodOf(r) == "DELETE" || r.Event == RecordDeleted || r.Event == UserDeleted || r.Event == BulkDelete)
}

// deletesInside tells whether what a request asks for by GraphQL or JSON-RPC is named as something
// that deletes. Whether it did, a 200 does not tell.
func deletesInside(r *parsers.Request) bool {
	if r.Status < 200 || r.Status > 299 {
		return false
	}
	f := featuresOf(r)
	return f.deletes > 0 || f.rpc && deletesByName(f.operation)
}

// mayDelete tells whether a request asks for a deletion by a name, and the answer leaves open
// whether there was one. Forms are answered by the way to the next page, and by the way to the login
// as well. A GET may show a page that asks once more, and crawlers follow all links: it counts where
// the actor is known, for an API or where it is sent on.
func mayDelete(r *parsers.Request) bool {
	sentOn := r.Status == 302 || r.Status == 303
	if !sentOn && (r.Status < 200 || r.Status > 299) {
		return false
	}
	f := featuresOf(r)
	switch r.Method {
	case "POST":
		return sentOn && f.deleting || f.removing || strings.Contains(r.Query, "=delete") && deletesByAction(r.Query)
	case "GET":
		return f.deleting && (r.APIKey != "" || r.User != "" || r.Token != "") && (sentOn || IsAPIPath(r))
	}
	return false
}

// deletesByAction tells whether a parameter of a query says that the request is to delete:
// action=delete, do=delete_post.
func deletesByAction(query string) bool {
	for query != "" {
		var name, value string
		name, value, query = cutParameter(query)
		switch name {
		case "action", "act", "do", "op", "operation", "cmd", "command", "task", "mode", "method":
			if deletesByName(value) {
				return true
			}
		}
	}
	return false
}

// mayDeleteByPath tells, at little cost, of most paths that they neither delete nor remove: there is
// no beginning of such a verb in them.
func mayDeleteByPath(path string) bool {
	for i := 0; i+2 < len(path); i++ {
		if path[i+1]|0x20 != 'e' {
			continue
		}
		switch first, third := path[i]|0x20, path[i+2]|0x20; {
		case first == 'd' && (third == 'l' || third == 's'), first == 'r' && third == 'm':
			return true
		}
	}
	return false
}

// deletesByPath tells whether a POST to the path deletes: its last segment says so, or the one
// before if that is followed by a number or the like.
func deletesByPath(path string) bool {
	last := lastSegment(path)
	if deletesByName(withoutExtension(last)) {
		return true
	}
	if !strings.ContainsAny(last, "0123456789") {
		return false
	}
	path = strings.TrimRight(path, "/")
	return deletesByName(lastSegment(path[:strings.LastIndexByte(path, '/')+1]))
}

// removesByPath tells whether a POST to the path removes something, be it for good or from a list.
func removesByPath(path string) bool {
	return namesVerb(withoutExtension(lastSegment(path)), "remove")
}

// withoutExtension cuts off what names a program: "delete" of "delete.php".
func withoutExtension(segment string) string {
	if dot := strings.LastIndexByte(segment, '.'); dot > 0 {
		switch strings.ToLower(segment[dot:]) {
		case ".php", ".asp", ".aspx", ".ashx", ".jsp", ".do", ".action", ".cgi", ".pl", ".cfm", ".json", ".html":
			return segment[:dot]
		}
	}
	return segment
}

// deletesByName tells whether a call deletes, by its name: deleteItem, items.delete, items:delete,
// itemBulkDelete, _delete_by_query.
func deletesByName(call string) bool { return namesVerb(call, "delete", "destroy") }

// namesVerb tells whether the name of a call says that it does one of the verbs.
func namesVerb(call string, verbs ...string) bool {
	call = strings.TrimLeft(call[strings.LastIndexAny(call, ".:/")+1:], "_")
	return beginsWithVerb(call, verbs...) ||
		endsWithVerb(call, verbs...) && !beginsWithVerb(call, "un", "can", "cancel", "check", "confirm", "is", "may", "pre", "preview", "request", "restore", "schedule", "test", "undo", "validate")
}

// endsWithVerb tells whether a name ends with one of the verbs as a word of its own.
func endsWithVerb(name string, verbs ...string) bool {
	for _, verb := range verbs {
		at := len(name) - len(verb)
		if at < 1 || !strings.EqualFold(name[at:], verb) {
			continue
		}
		before := name[at-1]
		if before == '_' || before == '-' || name[at] >= 'A' && name[at] <= 'Z' && before >= 'a' && before <= 'z' {
			return true
		}
	}
	return false
}

// deletedObjects returns the tags of what a request deleted: of each object, where it names several
// by their ids or deletes each by a field of its own, else of what it is about as a whole.
func deletedObjects(r *parsers.Request) []uint64 {
	f := featuresOf(r)
	var place uint64
	var objects []uint64
	switch {
	case f.deletes > 0:
		place = deletedTag(r)
		for i := range min(f.deletes, maxSeveral) {
			objects = append(objects, uint64(i))
		}
	case len(f.more) > 0:
		place, objects = tag(r.Host)+tag(r.Route), append([]uint64{f.object}, f.more...)
	case !f.graphQL && !f.rpc:
		place = tag(r.Host) + f.pathTag
		for _, id := range append(idsIn(r.Query), idsIn(r.Body)...) {
			objects = append(objects, tag(id))
		}
	}
	slices.Sort(objects)
	objects = slices.Compact(objects)
	if len(objects) < 2 {
		return []uint64{deletedTag(r)}
	}
	for i := range objects {
		objects[i] += place
	}
	return objects
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
	objects := e.Count + s.Going.More
	e.Summary = fmt.Sprintf("%s deleted %s%s in %s (threshold: %d within %s)", who(e.ActorID, e.ActorType),
		plural(objects, "object", "objects"), s.Of.after("of"), inWords(e.Last.Sub(e.First)), s.limit, inWords(s.window))
	e.Confidence = 0.8 // administrators clean up too
	if objects >= 5*int64(s.limit) {
		e.Confidence = 0.9
	}
	if e.ActorType == string(parsers.ActorAPIKey) {
		e.Confidence = 0.6
		e.Summary += "; an API key, which may be a job that cleans up"
	}
	if s.onePage() {
		e.Confidence = 0.3
	}
	if s.Going.More > 0 {
		e.Summary += "; in " + plural(e.Count, "request", "requests") + ", as one may name several"
	}
	if s.Going.Inside > 0 {
		e.Summary += "; GraphQL and JSON-RPC answer 200 whether it worked or not"
	}
	if s.Going.Unsure {
		e.Summary += "; a path or a parameter says so, and not all answers tell whether it was done"
	}
	if s.Going.Tests > 0 {
		e.Confidence = 0.3
		e.Summary += "; at a host for tests"
	}
	e.Metadata = Meta("records_deleted", objects, "endpoint", clip(s.Of.Name), "window_seconds", int(s.window.Seconds()))
}
