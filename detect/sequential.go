package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/litesoc/litesoc/parsers"
)

// SequentialIDs finds who goes through the numbers of objects one by one.
func SequentialIDs() *Detector {
	d := &Detector{
		Name: "sequential-ids",
		Doc: `numeric ids of one route tried in a dense run

Where ids are numbers, the next object is one addition away, and who counts through them
reads what belongs to others. Any order and any status count, and ids of MongoDB, addresses of
hardware and UUIDs that count up are numbers, too, as is what stands behind the word that says
what it is of (user:1001, name=accounts/1001). In a route with places for several ids, as
/users/{id}/orders/{id} has, any of them may be counted through, whatever stands in the
others. Where most are served, the event is critical, but for GraphQL
and JSON-RPC, which answer 200 to what they refuse.

Ids that lie apart, as people use who work on objects of their own, make no run. A request
that names several neighbours counts as one, and lists that overlap count once: applications
ask for a list. But each id counts that a GraphQL text asks for by an alias, or a batch of
JSON-RPC by a call of its own. Pages, dates, coordinates, and the parts of a stream, a page
or a map have numbers and are no objects.

A page shows the rows of a list, or pictures, by as many requests. Where browsers asked from
a page of the site, for no more ids, or lists of them, than pages have, and were refused
none, the event is of low confidence: of medium severity as long as no more rows than one
page has came without a pause, and no more rows or pictures in all than five pages have;
else high, not critical. Pictures that all name the page that shows them are of low severity
as long as rows would be of medium.

A gateway that sends the telemetry of its devices, a runner that sends the logs of its jobs, or a
chat that marks messages as read, and is refused none, is of medium severity. A search engine's crawler reads what a page links to: from an
address that one publishes, the event is of low severity.`,
		Type:      APIEnumerationDetected,
		Severity:  High,
		Technique: "T1087",
		OWASP:     "API1:2023",
		Of:        ObjectKind,
		Match:     func(r *parsers.Request) bool { return numbersObjects(r) && !isUpload(r) },
		GroupBy:   ByActorRoute,
	}
	ids := d.count("ids", 10, "distinct `ids` that make a run")
	gap := d.count("gap", 5, "largest `step` from one id of a run to the next")
	density := d.count("density", 60, "`percent` of its range that a run fills at least")
	window := d.span("window", 300*time.Second, "`time` within which ids make a run")
	d.TTL = window
	set := &sequentialSettings{ids, gap, density, window}
	d.New = func() State { return &sequentialIDs{sequentialSettings: set} }
	return d
}

type sequentialSettings struct {
	least, gap, density *int
	window              *time.Duration
}

// A sequentialIDs is one line of memory: there are many, and each request needs another.
type sequentialIDs struct {
	Visits packed[visit, *visit] `json:",omitempty"` // within the window, by id; bounded by visitsKept
	oldest moment                // no visit is older; 0 if that is not known
	Outer  *outerIDs             `json:",omitempty"` // if the route has several places for numbers
	Going  *walk                 `json:",omitempty"`
	*sequentialSettings
}

// An outerIDs is what is remembered of the ids in one more place of the route, and in those before.
type outerIDs struct {
	Place string // the route up to there
	IDs   sequentialIDs
}

// with returns the ids with their settings, which are not saved.
func (o *outerIDs) with(settings *sequentialSettings) *sequentialIDs {
	o.IDs.sequentialSettings = settings
	return &o.IDs
}

func (s *sequentialIDs) AppendJSON(b []byte) (_ []byte, err error) {
	b = appendPacked(append(b, '{'), "Visits", s.Visits)
	if s.Outer != nil {
		if b, err = appendValue(b, "Outer", s.Outer); err != nil {
			return b, err
		}
	}
	return appendGoing(b, s.Going)
}

// A visit is the last request for one id, which is its tag, or for a stretch of ids from
// there on.
type visit struct {
	At  moment
	Tag uint64
	Evidence
	Status  int32
	Stretch uint32 // how far the last id is from the first
}

func (v *visit) pack(p *packer) {
	p.moment(&v.At)
	p.tag(&v.Tag)
	p.evidence(&v.Evidence)
	// Earlier versions saved the status alone.
	const bits = 32
	n := int64(v.Status) + int64(v.Stretch)<<bits
	p.int(&n)
	v.Status, v.Stretch = int32(n), uint32((n-int64(int32(n)))>>bits)
}

// last returns the last id of the visit.
func (v *visit) last() uint64 { return v.Tag + uint64(v.Stretch) }

func (v visit) mark() Mark { return Mark{At: v.At.time(), Tag: v.Tag, Evidence: v.Evidence} }

// A walk is a run that goes on.
type walk struct {
	Episode
	Place            string `json:",omitempty"` // the route up to where the ids stand, clipped; "" if that is the last place
	IDs              Distinct
	GraphQL, RPC     bool   `json:",omitempty"` // whose 200 may hold an error
	Operation        string `json:",omitempty"` // of these, clipped
	Lowest, Highest  uint64
	Filled           uint64 // percent of its range that the run filled when last seen
	From, To         uint64 // ends of the run when last seen
	Granted, Refused int64  // of Count
	Long             bool   `json:",omitempty"` // they are of longer ids in the path
	Several          bool   `json:",omitempty"` // a request was for more than one id
	Apart            bool   `json:",omitempty"` // and for each by itself
	OfPage           bool   `json:",omitempty"` // since it began all requests may be a page's, and no more than it has rows
	Rows, MostRows   int64  `json:",omitempty"` // requests since the last pause, and the most without one
	Pictures         bool   `json:",omitempty"` // since it began all were after pictures, or parts of a film
	Shown            bool   `json:",omitempty"` // since it began all named the page that led to them
	Telling          bool   `json:",omitempty"` // since it began all were tellsOf
	Crawler          crawling
}

// maxRows is how many ids within the window are still the rows of a list: five pages of
// fifty.
const maxRows = 250

// onePage is how many rows one page has at most, and pageTurn how long nothing is asked for, at
// least, between a page and the next that somebody turns to.
const (
	onePage  = 50
	pageTurn = 5 * time.Second
)

// maxPlainID is more than the number of any object that is written as a number, as JSON
// can have them.
const maxPlainID = 1 << 53

// maxLists is how many requests within the window are still those of pages that name all of
// their rows at once, however many these are: half of the pages that are a walk for page-walk, in
// half its time.
const maxLists = 25

// visitsKept is how many ids are remembered for one route, if no more make a run. Who
// works with more than that at once hides a run among them, if it is spread thin.
const visitsKept = 256

// A route may have several places for numbers, and any can be counted through. A request counts
// for the last of them in which it is part of a run.
func (s *sequentialIDs) Observe(r *parsers.Request, emit func(Event)) {
	f := featuresOf(r)
	v := visit{momentOf(r.Time), f.id, evidence(r), int32(r.Status), uint32(f.stretch)}
	counted := false
	if f.hasID {
		counted = s.take(r, v, "", false, emit)
	}
	for i := range f.outer {
		v.Tag, v.Stretch = f.outer[i].number, 0
		if s.outer(f.outer[i].place).take(r, v, f.outer[i].place, counted, emit) {
			counted = true
		}
	}
}

// outer returns what is remembered of a place before the last.
func (s *sequentialIDs) outer(place string) *sequentialIDs {
	at := &s.Outer
	for *at != nil && (*at).Place != place {
		at = &(*at).IDs.Outer
	}
	if *at == nil {
		*at = &outerIDs{Place: strings.Clone(place)}
	}
	return (*at).with(s.sequentialSettings)
}

// take takes a request for an id in the place, and tells whether it is part of a run. counted says
// that it was counted for another place.
func (s *sequentialIDs) take(r *parsers.Request, v visit, place string, counted bool, emit func(Event)) bool {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > *s.window {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
	lo, hi, filled := s.run(s.visit(v))
	run := s.Visits[lo:hi]
	if (len(run) < *s.least || apart(run) < *s.least) && !(featuresOf(r).apart && place == "" && filled >= uint64(*s.least)) {
		return false
	}
	if counted {
		return true
	}
	if s.Going == nil {
		s.Going = beginWalk(r, run)
		if place != "" {
			s.Going.Place = clip(place)
			s.Going.ID = s.Going.Place // Seal tells it from a walk through another place
		}
	} else {
		s.Going.turn(r.Time)
		s.Going.catchUp(run, v.Tag)
		s.Going.extend(r)
		s.Going.match(&v)
	}
	s.Going.From, s.Going.To = run[0].Tag, run[len(run)-1].last()
	s.Going.Filled = 100 * filled / (s.Going.To - s.Going.From + 1)
	s.Going.Apart = s.Going.Apart || featuresOf(r).apart && place == ""
	s.Going.OfPage = s.Going.OfPage && (filled <= maxRows || len(run) <= maxLists) && ofPage(r)
	s.Going.Pictures = s.Going.Pictures && featuresOf(r).picture
	s.Going.Shown = s.Going.Shown && referred(r)
	s.Going.Telling = s.Going.Telling && tellsOf(r)
	s.Going.Crawler.meet(r)
	severity, outcome := High, Attempted
	switch w := s.Going; {
	case w.rows():
		outcome = Succeeded
		switch few := w.MostRows <= onePage; {
		case w.Count > maxRows:
		case few && w.Pictures && w.Shown:
			severity = Low
		case few || w.Pictures:
			severity = Medium
		}
	case w.tells():
		severity, outcome = Medium, Succeeded
	case 2*w.Granted > w.Count && !w.hidesErrors():
		severity, outcome = Critical, Succeeded
	case w.Refused == w.Count:
		outcome = Blocked
	}
	s.Going.reach(s.Going.Crawler.most(severity), outcome)
	s.Going.tell(emit, s.describe)
	return true
}

func (s *sequentialIDs) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
	if s.Outer != nil {
		s.Outer.with(s.sequentialSettings).Expire(emit)
	}
}

// visit remembers v and returns its place.
func (s *sequentialIDs) visit(v visit) int {
	if window := moment(s.window.Microseconds()); s.oldest == 0 || v.At-s.oldest > window {
		s.oldest = v.At
		kept := s.Visits[:0]
		for _, o := range s.Visits {
			if v.At-o.At <= window {
				kept = append(kept, o)
				s.oldest = min(s.oldest, o.At)
			}
		}
		s.Visits = kept
	}
	at, found := s.find(v.Tag)
	if found {
		s.Visits[at] = v
		return at
	}
	s.Visits = slices.Insert(s.Visits, at, v)
	if len(s.Visits) <= max(visitsKept, 2*(*s.least)) {
		return at
	}
	oldest := 0
	for i := range s.Visits {
		if s.Visits[i].At < s.Visits[oldest].At {
			oldest = i
		}
	}
	s.Visits = slices.Delete(s.Visits, oldest, oldest+1)
	if oldest < at {
		at--
	}
	return at
}

// find returns the place of the visit to an id, or where it would be.
func (s *sequentialIDs) find(id uint64) (i int, found bool) {
	for end := len(s.Visits); i < end; {
		if half := int(uint(i+end) / 2); s.Visits[half].Tag < id {
			i = half + 1
		} else {
			end = half
		}
	}
	return i, i < len(s.Visits) && s.Visits[i].Tag == id
}

// run returns the bounds of the dense run of visits around the one at the given place, and how
// many ids they are for. It begins with all that are joined to it by small enough steps and
// gives up the end behind the wider step until what is left fills its range.
func (s *sequentialIDs) run(at int) (lo, hi int, filled uint64) {
	step := func(i int) uint64 {
		before, next := s.Visits[i-1].last(), s.Visits[i].Tag
		return next - min(before, next) // stretches may overlap
	}
	ids := func(i int) uint64 { return uint64(s.Visits[i].Stretch) + 1 }
	filled = ids(at)
	for lo = at; lo > 0 && step(lo) <= uint64(*s.gap); {
		lo--
		filled += ids(lo)
	}
	for hi = at + 1; hi < len(s.Visits) && step(hi) <= uint64(*s.gap); hi++ {
		filled += ids(hi)
	}
	for hi-lo > 1 && filled*100 < uint64(*s.density)*(s.Visits[hi-1].last()-s.Visits[lo].Tag+1) {
		end := false // whether the last one goes, not the first
		switch {
		case lo == at:
			end = true
		case hi-1 == at, step(lo+1) > step(hi-1):
		case step(lo+1) < step(hi-1), hi-1-at > at-lo:
			end = true
		}
		if end {
			hi--
			filled -= ids(hi)
		} else {
			filled -= ids(lo)
			lo++
		}
	}
	return lo, hi, min(filled, s.Visits[hi-1].last()-s.Visits[lo].Tag+1)
}

// apart returns how many of the visits are for ids of their own. A page that shows what is new asks
// for nearly the same list again and again.
func apart(run []visit) (n int) {
	var end uint64
	for i := range run {
		if last := run[i].last(); n == 0 || run[i].Tag > end {
			n, end = n+1, last
		} else {
			end = min(end, last)
		}
	}
	return n
}

func beginWalk(r *parsers.Request, run []visit) *walk {
	var marks Window
	for _, v := range run {
		marks = append(marks, v.mark())
	}
	slices.SortStableFunc(marks, func(a, b Mark) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Line, b.Line)) })
	f := featuresOf(r)
	w := &walk{Episode: begin(r, marks), OfPage: true, Pictures: true, Shown: true, Telling: true, GraphQL: f.graphQL, RPC: f.rpc, Operation: operationOf(r), Long: f.long, Lowest: math.MaxUint64}
	for i := range run {
		w.match(&run[i])
	}
	w.Rows = w.Count
	w.MostRows = w.Rows
	return w
}

// turn counts a further request among those since the last pause.
func (w *walk) turn(now time.Time) {
	if now.Sub(w.Last) >= pageTurn {
		w.Rows = 0
	}
	w.Rows++
	w.MostRows = max(w.MostRows, w.Rows)
}

// catchUp counts what has come to be part of the walk by a request for the given id: visits
// that lay apart from the run until that id joined them to it, as all do at first that are made
// in no order.
func (w *walk) catchUp(run []visit, id uint64) {
	for i := 0; i < len(run) && run[i].Tag < w.From; i++ {
		w.add(&run[i], id)
	}
	for i := len(run) - 1; i >= 0 && run[i].Tag > w.To; i-- {
		w.add(&run[i], id)
	}
}

// add counts an earlier visit, unless it is that of the given id or was counted. Ids beyond
// those that are told apart may have been.
func (w *walk) add(v *visit, id uint64) {
	if v.Tag == id || len(w.IDs) == MaxDistinct || w.IDs.has(v.Tag) {
		return
	}
	if at := v.At.time(); at.Before(w.First) {
		w.First = at
	}
	w.Count++
	w.addEvidence(v.Evidence)
	w.match(v)
}

// match counts a request that is part of the walk.
func (w *walk) match(v *visit) {
	for id := v.Tag; id <= v.last(); id++ {
		w.IDs.Add(id)
	}
	w.Several = w.Several || v.Stretch > 0
	w.Lowest, w.Highest = min(w.Lowest, v.Tag), max(w.Highest, v.last())
	switch v.Status {
	case 401, 403, 404:
		w.Refused++
	default:
		if granted(int(v.Status)) {
			w.Granted++
		}
	}
}

// rows tells whether the walk looks like a page that shows a list, and asks for each of its
// rows. A page knows what is there; who guesses errs.
func (w *walk) rows() bool { return w.OfPage && w.Granted == w.Count && !w.hidesErrors() }

// hidesErrors tells whether a 200 may hold an error.
func (w *walk) hidesErrors() bool { return w.GraphQL || w.RPC }

// tells tells whether the walk looks like a gateway's that passes on what its devices measure, or
// a chat's that says what was read.
func (w *walk) tells() bool { return w.Telling && w.Granted == w.Count }

// tellsOf tells whether a request sends what something measures to the place for it, rather than
// asks: POST /devices/7/telemetry, PATCH /jobs/7/trace; or that something was shown: PUT
// /messages/7/read.
func tellsOf(r *parsers.Request) bool {
	if r.Method != "POST" && r.Method != "PUT" && r.Method != "PATCH" {
		return false
	}
	switch lastSegment(r.Path) {
	case "read", "unread", "seen", "delivered", "ack":
		return true
	case "trace", "log", "logs", "progress": // of a job
		return true
	case "telemetry", "heartbeat", "heartbeats", "keepalive", "readings", "measurements", "metrics", "samples", "position", "positions":
		return true
	}
	return false
}

// ofPage tells whether a page of the site may have made the request: a browser names the
// page, or is after a picture. Anybody can write that.
func ofPage(r *parsers.Request) bool {
	return r.Method == "GET" && strings.HasPrefix(r.UserAgent, "Mozilla/") && (referred(r) || featuresOf(r).picture)
}

func (s *sequentialIDs) describe(e *Event) {
	w := s.Going
	e.Summary = fmt.Sprintf("%s asked for %s of %q, from %d to %d, in %s; %d of %d requests were granted (threshold: %s that fill %d%% of their range, within %s)",
		who(e.ActorID, e.ActorType), w.IDs.of("id", "ids"), strings.TrimSpace(clip(e.Route)+" "+w.Operation), w.Lowest, w.Highest, inWords(e.Last.Sub(e.First)),
		w.Granted, e.Count, plural(int64(*s.least), "id", "ids"), *s.density, inWords(*s.window))
	if w.Place != "" {
		e.Summary += fmt.Sprintf("; the ids are those of %q", w.Place)
	}
	switch {
	case w.Apart && w.RPC:
		e.Summary += "; a request asks for several, each by a call of its own"
	case w.Apart:
		e.Summary += "; a request asks for several, each by itself under an alias"
	case w.Several:
		e.Summary += "; what names several ids counts as one"
	}
	if w.Lowest > maxPlainID || w.Long {
		e.Summary += "; they are hex digits that longer ids count with"
	}
	switch {
	case w.Granted == 0:
	case w.GraphQL:
		e.Summary += "; GraphQL grants and refuses with the same 200"
	case w.RPC:
		e.Summary += "; JSON-RPC grants and refuses with the same 200"
	}
	switch n := len(w.IDs); {
	case w.rows():
		e.Confidence = 0.3
		e.Summary += "; a browser asked, from pages of the site or for pictures, and was refused none: so a page asks for the rows of a list"
	case w.tells():
		e.Confidence = 0.3
		e.Summary += "; it told of what has these ids, as a gateway tells what its devices measure and a chat what was read, and was refused none"
	case n >= 5*(*s.least):
		e.Confidence = 0.9
	case n >= 2*(*s.least):
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // a page that shows a list of neighbours asks for about as many
	}
	w.Crawler.qualify(e)
	pairs := []any{"route", clip(e.Route), "first_id", w.Lowest, "last_id", w.Highest, "distinct_ids", len(w.IDs),
		"density", float64(w.Filled) / 100, "granted", w.Granted, "window_seconds", int(s.window.Seconds())}
	if w.Place != "" {
		pairs = append(pairs, "place", w.Place)
	}
	e.Metadata = w.Crawler.meta(pairs...)
}

// isUpload tells whether the request made an object at its path, or asked for it before: it
// was nobody's then.
func isUpload(r *parsers.Request) bool {
	return r.Status == 201 && r.Method == "PUT" || r.Status == 404 && r.Method == "PROPFIND"
}

// numbersObjects tells whether the request is about objects that have numbers: the last one
// that its route has a place for, or the first parameter named like one where the route
// has none, with all others of its name: of the query, and of a body by which a POST asks; and
// those that the route has places for before. For a GraphQL endpoint it is that of its body, where
// the log has it.
func numbersObjects(r *parsers.Request) bool {
	f := featuresOf(r)
	return f.hasID || len(f.outer) > 0
}

// An outerID is the number of an object in whose name a path asks for another: of user 7 in
// /users/7/orders/1.
type outerID struct {
	number uint64
	place  string // the route up to there: /users/{id}
}

// routeIDs returns the number in the last place of the route that is one for an object, and those
// in the places before, from the last one on. placed tells whether the route has such a place,
// whatever stands there.
func routeIDs(path, route string) (id uint64, ok bool, outer []outerID, placed bool) {
	for whole := route; ; {
		i := strings.LastIndexByte(route, '{')
		if i < 0 {
			return id, ok, outer, placed
		}
		start := strings.LastIndexByte(route[:i], '/') + 1
		name, after, _ := strings.Cut(route[i+1:], "}")
		after, _, _ = strings.Cut(after, "/")
		end := min(i+len("{}")+len(name)+len(after), len(route))
		switch {
		case name != "id" && !namesObject(name):
		case placed && beforeCoordinate(whole[end:]):
		default:
			n, is := pathID(path, strings.Count(route[:start], "/")-1, route[start:i], after)
			switch {
			case !placed:
				id, ok, placed = n, is, is || name == "id"
			case is:
				outer = append(outer, outerID{n, whole[:end]})
			}
		}
		route = route[:max(start-1, 0)]
	}
}

// beforeCoordinate tells whether the rest of a route makes what stands before it a coordinate, or
// one of the folders of a number, too.
func beforeCoordinate(rest string) bool {
	return strings.HasPrefix(rest, "/{id") || strings.HasPrefix(rest, "/x{") || strings.HasPrefix(rest, "/y{")
}

// objectNumber returns the number of the object that a parameter names.
func (p *parameter) objectNumber() (n uint64, ok bool) {
	text := p.value.text
	if n, ok = p.value.number, p.value.isNumber; !ok {
		n, ok = namedNumber(strings.TrimPrefix(text, "eq.")) // as PostgREST has it
	}
	if !p.numbersObject() {
		return p.resourceNumber()
	}
	if p.value.isNumber || len(text) > maxEncoded {
		return n, ok
	}
	if encoded, is := encodedNumber(text); is {
		return encoded, true // "dXNlcjoxMDA0" is user:1004, and no 0 behind letters
	}
	if !ok {
		n, ok = idNumber(strings.TrimPrefix(strings.TrimSpace(unescaped(text)), "+")) // of a telephone
	}
	if !ok {
		return fileNumber(text)
	}
	return n, ok
}

// resourceNumber returns the number at the end of a resource's name: 1001 of "name=accounts/1001"
// and "subject=user:1001".
func (p *parameter) resourceNumber() (n uint64, ok bool) {
	text := p.value.text
	if text == "" || p.value.isNumber || text[len(text)-1] < '0' || text[len(text)-1] > '9' || !p.namesResource() {
		return 0, false // most
	}
	return qualifiedNumber(text)
}

// namesOpaque tells whether a parameter names an object by an id that nobody counts, though its own name
// does not say that it is one: patient=6f1c…, subject=Patient/6f1c….
func (p *parameter) namesOpaque() bool {
	text := p.value.text
	if len(text) < minOpaque || len(text) > maxEncoded || !p.numbersObject() && !p.namesResource() {
		return false
	}
	text = unescaped(text)
	return formOf(text[strings.LastIndexAny(text, "/:")+1:]).kind == opaqueID
}

// namesResource tells whether a parameter is named like one that has the name of a resource, as
// that is where the kinds of objects are many.
func (p *parameter) namesResource() bool {
	switch string(p.word[:min(p.size, len(p.word))]) {
	case "name", "names", "parent", "resource", "resources", "resourcename", "resourcenames", "subject", "object", "entity", "entities", "member", "principal", "owner", "urn", "urns":
		return true
	}
	return false
}

// qualifiedNumber returns the number behind the word that says what it is of: 1001 of
// "accounts/1001", "projects/shop/orders/1001", "user:1001", "urn:li:member:1001".
func qualifiedNumber(s string) (n uint64, ok bool) {
	if s == "" || !isLetter(s[0]) || len(s) > maxEncoded {
		return 0, false
	}
	s = unescaped(s)
	i := strings.LastIndexAny(s, "/:")
	if i < 0 {
		return 0, false
	}
	word := s[strings.LastIndexAny(s[:i], "/:")+1 : i]
	if len(word) < len("org") || strings.ContainsFunc(word, func(c rune) bool { return c != '_' && c != '-' && (c >= utf8.RuneSelf || !isLetter(byte(c))) }) {
		return 0, false
	}
	return number(s[i+1:])
}

// fileNumber is namedNumber for the name of a file, 1001 of "invoice_1001.pdf". What has few files,
// or pages, counts them from 1 on: those of less than three digits are no objects.
func fileNumber(name string) (n uint64, ok bool) {
	const longest = len(".xlsx")
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > longest {
		return 0, false
	}
	n, ok = namedNumber(name[:dot])
	return n, ok && n >= 100
}

// maxEncoded bounds what the number of an object may be encoded in.
const maxEncoded = 96

// encodedNumber is number for what base64 makes of one, or of a name and one: 1001 of
// "VXNlcjoxMDAx", which is "User:1001", as relay has it.
func encodedNumber(s string) (n uint64, ok bool) {
	text, ok := parsers.EncodedID(s)
	if !ok {
		return 0, false
	}
	return number(text)
}

// numbersObject tells whether a parameter is named like one that has the number of an object.
func (p *parameter) numbersObject() bool {
	if !p.odd {
		return namesID(p.name) || namesIDs(p.name) || p.size <= len(p.word) && isThing(p.word[:p.size])
	}
	name := p.name
	if hasInner(name) { // "filter[user_id]"
		name = innerName(unescaped(name))
	}
	return namesID(name) || namesIDs(name) || namesThing(name)
}

// hasInner tells whether a name can have parts.
func hasInner(name string) bool {
	for i := range len(name) {
		if c := name[i]; c == '[' || c == '%' || c == '.' {
			return true
		}
	}
	return false
}

// namesThing tells whether a parameter is named like what it is the number of: order,
// order_number, orderNo.
func namesThing(name string) bool {
	var buf [maxWord]byte
	word, ok := fold(&buf, name)
	return ok && isThing(word)
}

// isThing is namesThing for a name that is folded.
func isThing(word []byte) bool {
	switch string(withoutNumber(word)) {
	case "user", "uid", "account", "customer", "client", "member", "profile", "author", "order", "invoice", "receipt", "payment", "transaction", "ticket",
		"document", "doc", "file", "filename", "attachment", "report", "message", "contact", "record", "patient", "employee", "booking",
		"policy", "claim", "contract", "student", "tracking", "shipment", "phone":
		return true
	}
	return false
}

// withoutNumber cuts "number", "num", "no" and "nr" off the end of a folded name.
func withoutNumber(word []byte) []byte {
	if n := len(word); n == 0 || word[n-1] != 'r' && word[n-1] != 'm' && word[n-1] != 'o' {
		return word // most names
	}
	for _, end := range [...]string{"number", "num", "no", "nr"} {
		if n := len(word) - len(end); n > 0 && string(word[n:]) == end {
			return word[:n]
		}
	}
	return word
}

// namesObject tells whether a place in a route of the site's own is one for objects,
// and not one for what the templates of parsers.Route have names for, or for a time, a
// page or a coordinate.
func namesObject(name string) bool {
	switch name {
	case "n", "date", "token", "hash", "uuid", "email", "name":
		return false
	case "page", "offset", "limit", "size", "year", "month", "day", "week", "version", "lat", "lon", "lng", "x", "y", "z", "zoom", "width", "height":
		return false
	}
	return true
}

// countsUp tells whether a segment is of what has numbers by its nature, from the first on,
// and is no object: a page, a step of a form, a week.
func countsUp(segment string) bool {
	switch segment {
	case "page", "step", "chunk", "chunks", "fragment", "fragments", "segment", "segments", "tile", "tiles", "year", "years", "month", "months", "week", "weeks", "day", "days":
		return true
	}
	return false
}

// saysWhen tells whether the name of a key, as OData has it in parentheses, is that of a time or a
// place in a list, which is no object: "Sales(FiscalMonth".
func saysWhen(name string) bool {
	name = strings.ToLower(name)
	for _, word := range [...]string{"year", "quarter", "period", "month", "week", "day", "date", "hour", "time", "from", "to", "start", "end", "page", "skip", "top", "level"} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return false
}

// pathID returns the number in the n-th segment of the path, from 0, between what the
// route has before and after it: "invoice-17.pdf". A number behind another is a
// coordinate, if it says of nothing what it is of, and one behind what countsUp is that one's, as those of the parts of an upload are;
// behind a year alone it is one that is counted anew each year, and one of two digits a month. Two digits before a hash are one of the
// folders, from 00 to ff, into which stores put what they keep.
func pathID(path string, n int, before, after string) (id uint64, ok bool) {
	whole, beforeLast, last, segment := path, "", "", ""
	for ; n >= 0; n-- {
		for path != "" && path[0] == '/' {
			path = path[1:]
		}
		i := 0
		for i < len(path) && path[i] != '/' {
			i++
		}
		beforeLast, last, segment, path = last, segment, path[:i], path[i:]
	}
	if countsUp(last) || (last == "parts" || last == "part") && strings.Contains(whole, "upload") {
		return 0, false
	}
	if name, named := strings.CutSuffix(before, "="); named && saysWhen(name) {
		return 0, false
	}
	if after != "" && partOfAll(last, before, after) || (before == "x" || before == "y") && isAxis(last) {
		return 0, false
	}
	if _, coordinate := number(last); coordinate && len(before) < len("inv") {
		if _, several := number(beforeLast); several || len(segment) < 3 || !isYear(last) {
			return 0, false
		}
	}
	segment, _, _ = strings.Cut(segment, ";")
	segment = unescapedPath(segment)
	if len(segment) == 2 && beginsWithHash(path) {
		return 0, false
	}
	if len(segment) < len(before)+len(after) || segment[:len(before)] != before || segment[len(segment)-len(after):] != after {
		return 0, false
	}
	segment = segment[len(before) : len(segment)-len(after)]
	if id, ok = groupedNumber(segment); !ok {
		id, ok = encodedNumber(segment)
	}
	return id, ok
}

// isAxis tells whether a segment is a number on an axis: z12, x2200.
func isAxis(segment string) bool {
	if segment == "" || segment[0] < 'x' || segment[0] > 'z' {
		return false
	}
	_, ok := number(segment[1:])
	return ok
}

// partOfAll tells whether a file of that folder, beginning and end is a part of a stream, or of all
// pages of a site: the players and browsers of everybody ask for them by number. A suffix alone
// makes none of an object: some servers ignore it.
func partOfAll(folder, before, after string) bool {
	switch after[strings.LastIndexByte(after, '.')+1:] {
	case "ts", "m4s", "m4f", "cmfv", "cmfa", "aac":
		return before != ""
	case "js", "mjs", "css", "map", "woff", "woff2", "ttf":
		switch folder {
		case "js", "css", "static", "assets", "chunks", "build", "dist", "bundles", "packs", "scripts", "styles", "fonts":
			return true
		}
	}
	return false
}

// beginsWithHash tells whether the first segment of a path is 32 hex digits or more, as such or
// in the groups of a UUID.
func beginsWithHash(path string) bool {
	const digits = 32
	name, _ := nextSegment(path)
	name, _, _ = strings.Cut(name, ".")
	return len(name) >= digits && strings.Trim(name, "0123456789abcdefABCDEF-") == ""
}

// groupedNumber reads a decimal number of at most maxDigits, with signs between groups of its
// digits: 20260500 of "2026-0500".
func groupedNumber(s string) (n uint64, ok bool) {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n, ok = n*10+uint64(c-'0'), true
			digits++
		case (c == '-' || c == '_') && ok:
			ok = false // something must follow it
		default:
			return 0, false
		}
	}
	return n, ok && digits <= maxDigits
}

// namedNumber is groupedNumber for one that letters stand before: 5000 of "T5000" and
// "ORD-5000".
func namedNumber(s string) (n uint64, ok bool) {
	if s == "" || len(s) > 2*maxDigits || s[len(s)-1] < '0' || s[len(s)-1] > '9' {
		return 0, false // most values
	}
	i := 0
	for i < len(s) && isLetter(s[i]) {
		i++
	}
	if i > 0 && i < len(s) && (s[i] == '-' || s[i] == '_') {
		i++
	}
	return groupedNumber(s[i:])
}

// isYear tells whether a number is a year of our time.
func isYear(s string) bool { return len(s) == 4 && (s[:2] == "19" || s[:2] == "20") }

// maxDigits is how many digits a number has at most: 64 bits hold it. What is longer is no
// count of objects.
const maxDigits = 19

// number reads a decimal number of at most maxDigits.
func number(s string) (n uint64, ok bool) {
	if s == "" || len(s) > maxDigits {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, true
}

// namesID tells whether a parameter is named like the id of an object: id, user_id,
// userId. Those that say where to go on with a list are not.
func namesID(name string) bool {
	if name == "" || name[len(name)-1]|0x20 != 'd' {
		return false
	}
	if name == "id" || name == "ID" {
		return true
	}
	stem, ok := strings.CutSuffix(name, "_id")
	if !ok {
		if stem, ok = strings.CutSuffix(name, "Id"); !ok {
			if stem, ok = strings.CutSuffix(name, "ID"); !ok {
				return false
			}
		}
	}
	switch stem {
	case "after", "before", "since", "max", "min", "last", "first", "next", "prev", "start", "from", "to", "cursor", "page", "request", "req", "trace", "span", "correlation":
		return false
	}
	return true
}
