package detect

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// ObjectSweep finds who asks for far more objects of a route than others do.
func ObjectSweep() *Detector {
	d := &Detector{
		Name: "object-sweep",
		Doc: `many more objects of one route than others of its kind ask for

Ids that cannot be guessed can be collected, and who has a list of them reads what belongs
to others one by one. How many are many is what the others ask for in an hour on the same
route, and what the actor itself did before, once it is known for a day: its own hours count
all, so that a nightly job is told once. Alerted actors are no measure for others. A request
may name several objects; what fewer than five of them name, a page may show.

The event is of medium severity

- for an API key: jobs sweep by nature;
- for an office: an address with several user agents, none of which asked for too many;
- for objects that are named by a hash (SHA-256) of what they hold, as backups, registries of images and caches of builds keep them: who has one has all names;
- for links that lead elsewhere, with an id that cannot be guessed, where only the address is known, the path is none of an API and nine of ten were answered by a redirect: mail gateways follow all links of a mailing;
- for calendars, contacts and files of a WebDAV server where none is refused and the log does not say whose they are: a device gets all of them when it is set up. What a user has there in the folder of the same name does not count at all.

Pages for everybody are read by crawlers: where only the address is known and the path is
none of an API, the event is of low severity.`,
		Type:      APIEnumerationDetected,
		Severity:  High,
		Technique: "T1119",
		OWASP:     "API1:2023",
		Of:        ObjectKind,
		Match:     func(r *parsers.Request) bool { _, ok := pathObject(r); return ok && !inOwnFolder(r) },
		GroupBy:   &GroupBy{Key: byActorTypeAndRoute},
		TTL:       new(history),
	}
	least := d.count("least", 50, "distinct `objects` within the window that are always normal")
	alone := d.count("alone", 500, "distinct `objects` within the window that are normal where too few others are known")
	others := d.count("others", 5, "other `actors` that make a measure")
	factor := d.count("factor", 5, "how many `times` the p99 hour of the others is normal")
	ownFactor := d.count("own-factor", 3, "how many `times` its own p99 hour is normal for an actor")
	known := d.span("known", 24*time.Hour, "`time` after which an actor's own hours are a measure")
	window := d.span("window", time.Hour, "`time` within which objects are counted")
	d.Quiet = window
	d.New = func() State {
		return &objectSweep{least: *least, alone: *alone, others: *others, factor: int64(*factor), ownFactor: int64(*ownFactor),
			known: *known, window: *window}
	}
	return d
}

// byActorTypeAndRoute groups by what compares: actors of one type on one route.
func byActorTypeAndRoute(r *parsers.Request, b []byte) []byte {
	id, typ := r.Actor()
	if id == "" {
		return b
	}
	b = append(b, typ...)
	b = append(b, ' ')
	return appendRoute(r, b)
}

const (
	// maxRoamers bounds the actors that are known of one route. Where there are more, the
	// eighth that was seen longest ago is forgotten; its hours stay in the measure.
	maxRoamers = 2000
	// maxSweeps bounds the sweeps of one route that go on. A further one waits.
	maxSweeps = 64
)

type objectSweep struct {
	least, alone, others int
	factor, ownFactor    int64
	known, window        time.Duration

	Actors byTag[roamer, *roamer] `json:",omitzero"` // at most maxRoamers
	// Hours is the most objects of each actor's hours, those under way included, but for
	// hours of actors who were alerted.
	Hours Baseline
	Going []*sweep `json:",omitempty"` // at most maxSweeps, as they began
}

func (s *objectSweep) AppendJSON(b []byte) ([]byte, error) {
	b = appendByTag(append(b, '{'), "Actors", &s.Actors)
	return appendRest(b, &objectSweep{Hours: s.Hours, Going: s.Going})
}

// A roamer is what is known of one actor. One with a few objects takes some three hundred
// bytes.
type roamer struct {
	Recent sightings
	First  int64 // when it was first seen, in microseconds since 1970, as all times here
	Last   int64 // when it was last seen
	Hour   int64 // when its hour under way began; 0 if none is
	Peak   int64 // the most objects in that
	Apart  bool  `json:",omitempty"` // that hour is not in objectSweep.Hours, for it was alerted
	// Its past hours: how many had so few objects that they are no measure of any
	// threshold, and the others, by whether they are in objectSweep.Hours.
	Few   int64     `json:",omitempty"`
	Usual *Baseline `json:",omitempty"`
	Told  *Baseline `json:",omitempty"`
}

func (a *roamer) pack(p *packer) {
	packList(p, &a.Recent.Seen)
	packInteger(p, &a.Recent.Level)
	p.micros(&a.First)
	p.micros(&a.Last)
	p.micros(&a.Hour)
	p.int(&a.Peak)
	p.bool(&a.Apart)
	p.int(&a.Few)
	packOptional(p, &a.Usual)
	packOptional(p, &a.Told)
}

// A sweep is one actor's that goes on.
type sweep struct {
	Episode
	Actor            uint64
	Objects          Distinct
	Most             int64 // objects within the window
	Granted, Refused int64 // of Count
	Crawler          crawling
	Operation        string `json:",omitempty"` // of GraphQL, whose 200 may hold an error
	Redirected       int64  `json:",omitempty"` // of Count
	Link             bool   `json:",omitempty"` // its route may be one of links that were sent to somebody
	Page             bool   // its route may be one of pages for everybody
	Contents         bool   `json:",omitempty"` // its objects are named by what they hold
	Device           bool   `json:",omitempty"` // its objects may be what a device of somebody unknown keeps a copy of
	Agents           int    `json:",omitempty"` // user agents of an address where none asked for too many by itself; else 0
	// What it was measured with when it began.
	Limit, OthersP99, OthersHours, OwnP99, OwnHours int64
	OthersActors                                    int
	Measured                                        bool // by others
	Known                                           bool // by its own hours
}

func (s *objectSweep) Observe(r *parsers.Request, emit func(Event)) {
	now := r.Time.UnixMicro()
	s.endQuiet(r.Time, emit)
	actor := actorTag(r)
	a := s.Actors.of(actor)
	if a == nil {
		a = s.meet(actor, now)
	}
	s.turn(a, now)
	a.Last = now
	object, _ := pathObject(r)
	more := featuresOf(r).more
	v := sighting{At: now, Object: object, Evidence: evidence(r), Status: int32(r.Status), Agent: agentMark(r.UserAgent)}
	n := a.Recent.see(v, s.window.Microseconds())
	for _, v.Object = range more {
		n = a.Recent.see(v, s.window.Microseconds())
	}
	if n > a.Peak {
		if !a.Apart {
			s.Hours.move(a.Peak, n)
		}
		a.Peak = n
	}
	i := slices.IndexFunc(s.Going, func(g *sweep) bool { return g.Actor == actor })
	switch {
	case i >= 0:
		s.Going[i].extend(r)
		s.Going[i].match(r.Status)
		s.Going[i].Objects.Add(object)
		for _, object := range more {
			s.Going[i].Objects.Add(object)
		}
		s.Going[i].Most = max(s.Going[i].Most, n)
		if g := s.Going[i]; g.Agents > 0 {
			g.Agents = a.Recent.crowd(g.Limit)
		}
	case n <= int64(s.least) || len(s.Going) == maxSweeps:
		return
	default:
		g := sweep{Actor: actor, Most: n}
		if !s.exceeds(a, n, &g) || a.Recent.requests() < fewRequests {
			return
		}
		s.begin(r, a, &g)
		i = len(s.Going)
		s.Going = append(s.Going, &g)
	}
	g := s.Going[i]
	g.Crawler.meet(r)
	s.judge(g)
	g.tell(emit, func(e *Event) { s.describe(g, e) })
}

// meet makes an actor known. Where there are too many, those seen longest ago are
// forgotten.
func (s *objectSweep) meet(actor uint64, now int64) *roamer {
	if s.Actors.count >= maxRoamers {
		for _, out := range s.Actors.eighth(func(a *roamer) int64 { return a.Last }) {
			if !s.isGoing(out.tag) {
				s.Actors.remove(out.tag)
			}
		}
	}
	s.Hours.Add(0)
	return s.Actors.add(actor, roamer{First: now, Hour: now})
}

// turn ends the actor's hour under way if it is over, and begins the next.
func (s *objectSweep) turn(a *roamer, now int64) {
	if a.Hour != 0 && now-a.Hour < time.Hour.Microseconds() {
		return
	}
	switch {
	case a.Hour == 0:
	case a.Apart:
		learn(&a.Told, a.Peak)
	case a.Peak <= s.few():
		a.Few++
	default:
		learn(&a.Usual, a.Peak)
	}
	a.Hour, a.Peak = now, 0
	if !a.Apart {
		s.Hours.Add(0)
	}
}

// few is how many objects in an hour make no threshold larger than the least.
func (s *objectSweep) few() int64 { return int64(s.least) / max(s.factor, s.ownFactor) }

func learn(b **Baseline, v int64) {
	if *b == nil {
		*b = &Baseline{}
	}
	(*b).Add(v)
}

// exceeds tells whether n objects are too many for the actor, and what that was measured
// with.
func (s *objectSweep) exceeds(a *roamer, n int64, g *sweep) bool {
	g.OthersActors = max(s.Actors.count-1-len(s.Going), 0)
	g.Limit = int64(s.alone)
	if g.OthersActors >= s.others {
		g.Measured = true
		g.OthersHours = s.Hours.N - a.Few
		var now Baseline
		if !a.Apart {
			now.Add(a.Peak)
		}
		mine := []*Baseline{a.Usual, &now}
		for _, b := range mine {
			if b != nil {
				g.OthersHours -= b.N
			}
		}
		g.OthersP99 = p99([]*Baseline{&s.Hours}, mine, g.OthersHours)
		g.Limit = max(int64(s.least), multiple(s.factor, g.OthersP99))
	}
	if n <= g.Limit {
		return false
	}
	if a.Last-a.First < s.known.Microseconds() {
		return true
	}
	g.Known = true
	own := []*Baseline{a.Usual, a.Told}
	g.OwnHours = a.Few
	for _, b := range own {
		if b != nil {
			g.OwnHours += b.N
		}
	}
	g.OwnP99 = p99(own, nil, g.OwnHours)
	return n > multiple(s.ownFactor, g.OwnP99)
}

func (s *objectSweep) begin(r *parsers.Request, a *roamer, g *sweep) {
	var marks Window
	for i, v := range a.Recent.Seen {
		g.Objects.Add(v.Object)
		if i > 0 && v.Evidence == a.Recent.Seen[i-1].Evidence {
			continue // one request
		}
		marks = append(marks, Mark{At: time.UnixMicro(v.At).UTC(), Tag: v.Object, Evidence: v.Evidence})
		g.match(int(v.Status))
	}
	g.Episode = begin(r, marks)
	g.ID = g.ActorID // Seal tells the events of one route apart by it
	if g.ActorType == string(parsers.ActorIP) {
		g.Agents = a.Recent.crowd(g.Limit)
	}
	site := g.ActorType == string(parsers.ActorIP) && !IsAPIPath(r) && operationOf(r) == ""
	g.Link = strings.Contains(r.Route, "{uuid}") || strings.Contains(r.Route, "{hash}") || strings.Contains(r.Route, "{token}")
	g.Page = site && !g.Link && !strings.Contains(r.Route, "{email}")
	g.Link = g.Link && site
	g.Contents = namesContents(r.Path)
	g.Device = r.User == "" && keptOnDevices(r.Path)
	g.Operation = operationOf(r)
	// Its objects are no measure for others, as long as it goes on.
	if !a.Apart {
		s.Hours.remove(a.Peak)
		a.Apart = true
	}
}

// namesContents tells whether the last segment of a path is a SHA-256, as such, or behind what
// says so.
func namesContents(path string) bool {
	const digits = 64
	last := strings.TrimPrefix(lastSegment(path), "sha256:")
	return len(last) == digits && strings.IndexFunc(last, func(c rune) bool { return c > 127 || !isHexDigit(byte(c)) }) < 0
}

// inOwnFolder tells whether the path is below the folder that a WebDAV server has for the user who
// asks: /dav/calendars/anna/.
func inOwnFolder(r *parsers.Request) bool {
	if r.User == "" {
		return false
	}
	_, below, found := strings.Cut(r.Path, "/dav/")
	if !found {
		return false
	}
	_, below = nextSegment(below)
	owner, _ := nextSegment(below)
	return owner == r.User && !strings.Contains(unescapedPath(below), "..")
}

// keptOnDevices tells whether a path is one of a WebDAV server: devices get all that there is in a
// folder once they are set up.
func keptOnDevices(path string) bool {
	for _, folder := range [...]string{"/dav/", "/caldav/", "/carddav/", "/webdav/", "/caldav.php/", "/carddav.php/", "/webdav.php/", "/dav.php/"} {
		if strings.Contains(path, folder) {
			return true
		}
	}
	return false
}

// synced tells whether a device may keep a copy of what it asked for: it knows what is there, and
// that it may.
func (g *sweep) synced() bool { return g.Device && g.Refused == 0 }

// match counts a request that is part of the sweep.
func (g *sweep) match(status int) {
	switch {
	case status >= 200 && status < 300, status == 304:
		g.Granted++
	case status == 401, status == 403, status == 404:
		g.Refused++
	case status > 300 && status < 309:
		g.Redirected++
	}
}

// followed tells whether it may be links of a mailing that somebody's mail gateway followed. An
// answer that leads elsewhere holds no object, and nobody guesses ids that nearly all are there: few
// links are out of date.
func (g *sweep) followed() bool { return g.Link && 10*(g.Count-g.Redirected) <= g.Count }

func (s *objectSweep) judge(g *sweep) {
	severity := High
	switch {
	case g.isPages():
		severity = Low
	case g.ActorType == string(parsers.ActorAPIKey), g.Agents > 0, g.Contents, g.synced(), g.followed():
		severity = Medium
	}
	severity = g.Crawler.most(severity)
	switch {
	case 2*g.Granted > g.Count && g.Operation == "":
		g.reach(severity, Succeeded)
	case g.Refused == g.Count:
		g.reach(severity, Blocked)
	default:
		g.reach(severity, Attempted)
	}
}

// isPages tells whether it is pages for everybody that are swept: few of them are refused.
func (g *sweep) isPages() bool { return g.Page && 2*g.Refused < g.Count }

func (s *objectSweep) isGoing(actor uint64) bool {
	return slices.ContainsFunc(s.Going, func(g *sweep) bool { return g.Actor == actor })
}

// endQuiet ends the sweeps of actors who have been quiet for the window.
func (s *objectSweep) endQuiet(now time.Time, emit func(Event)) {
	if len(s.Going) == 0 {
		return
	}
	s.Going = slices.DeleteFunc(s.Going, func(g *sweep) bool {
		if now.Sub(g.Last) <= s.window {
			return false
		}
		s.finish(g, emit)
		return true
	})
}

func (s *objectSweep) finish(g *sweep, emit func(Event)) {
	g.end(emit, func(e *Event) { s.describe(g, e) })
	if a := s.Actors.of(g.Actor); a != nil {
		learn(&a.Told, a.Peak)
		a.Apart, a.Hour, a.Peak = false, 0, 0
	}
}

// Expire ends what goes on. What is usual stays known.
func (s *objectSweep) Expire(emit func(Event)) {
	for _, g := range s.Going {
		s.finish(g, emit)
	}
	s.Going = nil
}

func (s *objectSweep) describe(g *sweep, e *Event) {
	about := ""
	if g.Most > maxSightings {
		about = "about " // by a sample
	}
	e.Summary = fmt.Sprintf("%s asked for %s%d objects of %q within %s", who(e.ActorID, e.ActorType), about, g.Most, strings.TrimSpace(clip(e.Route)+" "+g.Operation), inWords(s.window))
	kind := map[string]string{"api_key": "API keys", "user": "users", "token": "tokens", "session": "sessions"}[e.ActorType]
	if kind == "" {
		kind = "addresses"
	}
	baseline := "others"
	if g.Measured {
		e.Summary += fmt.Sprintf(" (threshold: more than %d, being %d or %d times the p99 hour of %d other %s, which is %d in %s",
			g.Limit, s.least, s.factor, g.OthersActors, kind, g.OthersP99, plural(g.OthersHours, "hour", "hours"))
	} else {
		baseline = "default"
		e.Summary += fmt.Sprintf(" (threshold: more than %d, the default where fewer than %d other %s are known", g.Limit, s.others, kind)
	}
	if g.Known {
		e.Summary += fmt.Sprintf("; and more than %d times its own p99 hour, which is %d in %s)", s.ownFactor, g.OwnP99, plural(g.OwnHours, "hour", "hours"))
	} else {
		e.Summary += fmt.Sprintf("; its own hours are known for less than %s)", inWords(s.known))
	}
	switch {
	case g.isPages():
		e.Confidence = 0.3 // whoever mirrors or indexes a site does the same
		e.Summary += "; they are pages rather than an API, as crawlers read them"
	case g.ActorType == string(parsers.ActorAPIKey):
		e.Confidence = 0.5 // a job
	case g.Contents:
		e.Confidence = 0.3
		e.Summary += "; they are named by hashes of what they hold, which backups and caches go through"
	case g.synced():
		e.Confidence = 0.3
		e.Summary += "; a device that is set up gets all of a calendar or a folder, too"
	case g.followed():
		e.Confidence = 0.3
		e.Summary += "; nearly all were answered by a redirect, which looks like a mail gateway that follows the links of a mailing"
	case g.Agents > 0:
		e.Confidence = 0.3
		e.Summary += fmt.Sprintf("; they are of %d user agents or more, none of which asked for too many, which looks like an office", g.Agents)
	case g.Measured && g.Most > 2*g.Limit:
		e.Confidence = 0.9
	case g.Measured:
		e.Confidence = 0.7
	default:
		e.Confidence = 0.6 // nobody to compare it with
	}
	g.Crawler.qualify(e)
	e.Metadata = g.Crawler.meta("route", clip(e.Route), "endpoint_count", e.Count, "distinct_objects", g.Most, "limit", g.Limit,
		"baseline", baseline, "others", g.OthersActors, "others_p99", g.OthersP99, "others_hours", g.OthersHours,
		"own_p99", g.OwnP99, "own_hours", g.OwnHours, "granted", g.Granted, "window_seconds", int(s.window.Seconds()))
}

// Sightings are the objects that were asked for within a span. They are exact up to
// maxSightings. Beyond, only every second object is kept, by its tag, then every fourth,
// and so on: the number is then within some 10 percent. When fewer are asked for again
// it falls short, for a span at most, and is exact afterwards.
type sightings struct {
	Seen  []sighting `json:",omitempty"` // each object once, by its last request, in order
	Level uint8      `json:",omitempty"` // one of 2^Level objects is kept
}

// A sighting is the last request for an object.
type sighting struct {
	At     int64 // microseconds since 1970
	Object uint64
	Evidence
	Status int32
	Agent  uint8 // agentMark
}

func (v *sighting) pack(p *packer) {
	p.micros(&v.At)
	p.tag(&v.Object)
	p.evidence(&v.Evidence)
	// Earlier versions saved the status alone.
	const bits = 32
	n := int64(v.Status) + int64(v.Agent)<<bits
	p.int(&n)
	v.Status, v.Agent = int32(n), uint8((n-int64(int32(n)))>>bits)
}

// agentMark tells user agents apart, mostly, and costs nothing: hardly two browsers have one
// of the same length.
func agentMark(agent string) uint8 { return uint8(len(agent)) }

// fewAgents is how many user agents one person has at most.
const fewAgents = 3

// fewRequests are as many as one page makes that shows what its user has chosen: each may name
// many objects.
const fewRequests = 5

// requests returns how many requests the objects were last asked for by.
func (s *sightings) requests() (n int) {
	for i := range s.Seen {
		if i == 0 || s.Seen[i].Evidence != s.Seen[i-1].Evidence {
			n++
		}
	}
	return n
}

// crowd returns how many user agents asked for the objects, if they are more than one person
// has and none of them asked for more than limit; else 0.
func (s *sightings) crowd(limit int64) (agents int) {
	var by [256]int64
	for i := range s.Seen {
		n := &by[s.Seen[i].Agent]
		if *n == 0 {
			agents++
		}
		if *n += 1 << s.Level; *n > limit {
			return 0
		}
	}
	if agents <= fewAgents {
		return 0
	}
	return agents
}

// maxSightings is more than the threshold for an actor without company, which is thereby
// exact.
const maxSightings = 512

// see adds a request and returns how many objects were asked for within the span.
func (s *sightings) see(v sighting, span int64) int64 {
	n := 0
	for n < len(s.Seen) && v.At-s.Seen[n].At > span {
		n++
	}
	s.Seen = slices.Delete(s.Seen, 0, n)
	if s.Level > 0 && len(s.Seen) < maxSightings/4 {
		s.Level--
	}
	if v.Object&(1<<s.Level-1) == 0 {
		if i := slices.IndexFunc(s.Seen, func(o sighting) bool { return o.Object == v.Object }); i >= 0 {
			s.Seen = slices.Delete(s.Seen, i, i+1)
		}
		s.Seen = append(s.Seen, v)
	}
	for len(s.Seen) > maxSightings && s.Level < 32 {
		s.Level++
		s.Seen = slices.DeleteFunc(s.Seen, func(o sighting) bool { return o.Object&(1<<s.Level-1) != 0 })
	}
	return int64(len(s.Seen)) << s.Level
}

// remove takes out a number that was added; the largest stays known.
func (b *Baseline) remove(v int64) {
	if len(b.Buckets) == 0 {
		return
	}
	i, found := b.find(sizeOf(v))
	if !found {
		i = 0 // the smallest were taken together
	}
	b.N--
	if b.Buckets[i].N--; b.Buckets[i].N <= 0 {
		b.Buckets = slices.Delete(b.Buckets, i, i+1)
	}
}

// move puts one number that was added in another's place.
func (b *Baseline) move(from, to int64) {
	if sizeOf(from) == sizeOf(to) {
		b.Most = max(b.Most, to)
		return
	}
	b.remove(from)
	b.Add(to)
}

// p99 is a number that 99 percent of n numbers do not exceed, n being those of the
// baselines less those of minus, and others that are smaller than all of these.
func p99(of, minus []*Baseline, n int64) int64 {
	above := n / 100
	for bound := int32(math.MaxInt32); ; {
		size, number, most := int32(math.MinInt32), int64(0), int64(0)
		for _, b := range of {
			if b == nil {
				continue
			}
			most = max(most, b.Most)
			for _, k := range b.Buckets {
				if k.Size < bound && k.Size > size {
					size = k.Size
				}
			}
		}
		if size < 0 {
			return 0
		}
		for _, b := range of {
			number += b.at(size)
		}
		for _, b := range minus {
			number -= b.at(size)
		}
		if above -= max(number, 0); above < 0 {
			return min(int64(math.Round(math.Pow(baselineRatio, float64(size)))), most)
		}
		bound = size
	}
}

// at returns how many numbers are of the size.
func (b *Baseline) at(size int32) int64 {
	if b == nil {
		return 0
	}
	i, found := b.find(size)
	if !found {
		return 0
	}
	return b.Buckets[i].N
}

// pathObject tells apart the objects of a route: by what stands in its places for
// objects, or by the first parameter named like an id where it has none. ok is false for
// what is about no object, and for what pages are made of.
func pathObject(r *parsers.Request) (object uint64, ok bool) {
	f := featuresOf(r)
	return f.object, f.hasObject
}

// routeObject tells apart the objects that stand in the places of a route. placed tells
// whether it has any place.
func routeObject(path, route string) (object uint64, ok, placed bool) {
	if path, route, placed = cutPlaces(path, route); !placed {
		return 0, false, false
	}
	for strings.IndexByte(route, '{') >= 0 {
		var place, value string
		place, route = nextSegment(route)
		value, path = nextSegment(path)
		if place == "" || value == "" {
			break
		}
		i := strings.IndexByte(place, '{')
		if i < 0 {
			continue
		}
		name, after, _ := strings.Cut(place[i+1:], "}")
		if isObject(name) || name == "token" && len(value) > len("tok_0123456789ab") { // no secret's fingerprint
			object = object*0x9E3779B97F4A7C15 ^ tag(value)
			ok = !pageFile(after)
		}
	}
	return object, ok, true
}

// cutPlaces returns path and route from the first segment on that the route has a place in,
// as far as both begin alike; found is false if it has none.
func cutPlaces(path, route string) (restPath, restRoute string, found bool) {
	i := strings.IndexByte(route, '{')
	if i < 0 {
		return "", "", false
	}
	start := strings.LastIndexByte(route[:i], '/') + 1
	if strings.HasPrefix(path, route[:start]) {
		return path[start:], route[start:], true
	}
	return path, route, true
}

// isObject tells whether a place in a route is one for an object.
func isObject(name string) bool {
	switch name {
	case "uuid", "hash", "email", "name":
		return true
	}
	return namesObject(name)
}

// pageFile tells whether the end of a name is that of a file that pages are made of.
func pageFile(after string) bool {
	switch strings.ToLower(path.Ext(after)) {
	case ".js", ".mjs", ".css", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".bmp",
		".woff", ".woff2", ".ttf", ".otf", ".eot", ".html", ".htm", ".mp4", ".webm", ".mp3", ".ts", ".m3u8":
		return true
	}
	return false
}

const (
	ofHours     = "objects in an hour"
	ofToldHours = "objects in an hour that was told of"
	ofFewHours  = "hours with few objects" // of each actor that is known
)

func (s *objectSweep) Learned() (l Learned) {
	l.addNumber(Number{Of: ofHours, Baseline: s.Hours})
	actors := make([]uint64, 0, s.Actors.count)
	for actor := range s.Actors.all() {
		actors = append(actors, actor)
	}
	slices.Sort(actors)
	for _, actor := range actors {
		a := s.Actors.of(actor)
		n := Number{Actor: showTag(actor), Since: time.UnixMicro(a.First).UTC()}
		few := n
		few.Of = ofFewHours
		if few.N = a.Few; a.Few > 0 {
			few.Buckets = []Bucket{{sizeOf(0), a.Few}}
		}
		l.Numbers = append(l.Numbers, few)
		if n.Of = ofHours; a.Usual != nil {
			n.Baseline = *a.Usual
			l.addNumber(n)
		}
		if n.Of = ofToldHours; a.Told != nil {
			n.Baseline = *a.Told
			l.addNumber(n)
		}
	}
	return l
}

func (s *objectSweep) Learn(l Learned, at time.Time) error {
	s.Hours = l.number(ofHours).Baseline
	s.Actors = byTag[roamer, *roamer]{}
	for _, n := range l.Numbers {
		if n.Actor == "" {
			continue
		}
		t, err := parseTag(n.Actor)
		if err != nil {
			return fmt.Errorf("%q: %w", n.Of, err)
		}
		a, b := s.Actors.of(t), n.Baseline
		if a == nil {
			a = s.Actors.add(t, roamer{First: at.UnixMicro(), Last: at.UnixMicro()})
		}
		b.Buckets = slices.Clone(b.Buckets)
		switch n.Of {
		case ofFewHours:
			a.Few, a.First = n.N, n.Since.UnixMicro()
		case ofHours:
			a.Usual = &b
		case ofToldHours:
			a.Told = &b
		}
	}
	if s.Actors.count > maxRoamers {
		return fmt.Errorf("%d actors are more than %d", s.Actors.count, maxRoamers)
	}
	return l.known(ofHours, ofToldHours, ofFewHours)
}
