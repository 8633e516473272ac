package detect

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// KeyRoutes finds credentials that are suddenly used for other things than ever before.
func KeyRoutes() *Detector {
	d := &Detector{
		Name: "key-routes",
		Doc: `an API key, token or user on many routes that are new to it

A program calls the same few routes for years. Who has stolen its key looks around. Only
answers that show that the route exists count: the rest is enumeration.

A new version of the API looks alike: where all that is new is the version in the path, the
event is of low severity. Names that differ in numbers alone, as those of files do, are one
route. Other renaming by a deploy cannot be told from an attack by one key
alone; that it comes to many keys at once is for people to see. A key of 1000 routes (500 with
versions or numbers) knows all.`,
		Type:      SuspiciousActivity,
		Severity:  Medium,
		Technique: "T1078",
		OWASP:     "API5:2023",
		Of:        NamedKind,
		Match:     func(r *parsers.Request) bool { return usesCredential(r) && showsRoute(r) },
		GroupBy:   ByCredential,
		TTL:       new(history),
	}
	routes := d.count("routes", 5, "new `routes` within the window that make an event")
	least := d.count("requests", 100, "`requests` after which it is known which routes a key uses")
	span := d.span("history", 24*time.Hour, "`time` after which that is known, at least")
	window := d.span("window", 10*time.Minute, "`time` within which new routes are counted, and without one after which an event is over")
	own := d.adminRoutes()
	d.Quiet = window
	settings := sync.OnceValue(func() *routesSettings { return &routesSettings{*routes, *least, *span, *window, own} })
	d.New = func() State { return &keyRoutes{routesSettings: settings()} }
	return d
}

// routesSettings are what all states of the detector share.
type routesSettings struct {
	routes, least int
	span, window  time.Duration
	adminRoutes   *routeList
}

type keyRoutes struct {
	Tenure
	Known  Distinct   // routes, and those without their version, and without their numbers
	Used   int64      // number of routes
	Recent []newRoute `json:",omitempty"` // within the window, while nothing goes on; at most routes
	Going  *venture   `json:",omitempty"`
	*routesSettings
}

func (s *keyRoutes) AppendJSON(b []byte) ([]byte, error) {
	b = s.Tenure.members(append(b, '{'))
	b = appendInt(appendAllNumbers(b, "Known", s.Known), "Used", s.Used)
	b = appendFilled(b, "Recent", s.Recent, (*newRoute).members)
	return appendGoing(b, s.Going)
}

// A newRoute is the first request of a key for a route.
type newRoute struct {
	Mark
	Route  string // clipped
	Status int
	Before int64 // requests of the key before it
	Grave  bool  // for admins, or exports data, and not moved
	Moved  bool  // known but for its version
}

func (n *newRoute) members(b []byte) []byte {
	b = appendInt(appendText(n.Mark.members(b), "Route", n.Route), "Status", int64(n.Status))
	return appendBool(appendBool(appendInt(b, "Before", n.Before), "Grave", n.Grave), "Moved", n.Moved)
}

// A venture is a key on new routes, while it goes on. It counts the first request for
// each.
type venture struct {
	Episode
	Bearer                         Bearer
	Routes                         []string // at most maxListed, the grave ones if there are more
	Before                         int64    // requests of the key, when it began
	Since                          time.Time
	UsedBefore                     int64 // routes of the key
	Grave, Moved, Granted, Refused int64 // of Count
}

func (s *keyRoutes) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	// The request itself is no history.
	before := s.Tenure
	s.add(r.Time)
	route := tag(r.Route)
	if _, known := slices.BinarySearch(s.Known, route); known || len(s.Known) == MaxDistinct || isAsset(r) {
		return
	}
	// The learner of routes may have found a name in what was a route of its own.
	_, renamed := slices.BinarySearch(s.Known, tag(r.Shape))
	bare := tag(withoutVersion(r.Route))
	_, moved := slices.BinarySearch(s.Known, bare)
	plain := tag(withoutNumbers(r.Route))
	_, counted := slices.BinarySearch(s.Known, plain)
	s.Known.Add(route)
	s.Known.Add(bare)
	s.Known.Add(plain)
	if counted {
		return
	}
	s.Used++
	if renamed || !before.reached(r.Time, s.least, s.span) {
		return
	}
	n := newRoute{Mark: mark(r, route), Route: clip(r.Route), Status: r.Status, Before: before.Requests, Grave: !moved && graveRoute(r, s.adminRoutes), Moved: moved}
	if s.Going != nil {
		s.Going.extend(r)
		s.Going.add(n)
	} else if !s.begin(r, n, before) {
		return
	}
	s.judge()
	s.Going.tell(emit, s.describe)
}

func (s *keyRoutes) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// begin takes a new route while nothing goes on, and tells whether that has changed.
func (s *keyRoutes) begin(r *parsers.Request, n newRoute, before Tenure) bool {
	s.Recent = slices.DeleteFunc(s.Recent, func(o newRoute) bool { return r.Time.Sub(o.At) > s.window })
	if s.Recent = append(s.Recent, n); len(s.Recent) < s.routes {
		return false
	}
	var w Window
	for _, n := range s.Recent {
		w = append(w, n.Mark)
	}
	s.Going = &venture{Episode: begin(r, w), Bearer: bearer(r), Before: s.Recent[0].Before, Since: before.First, UsedBefore: s.Used - int64(len(s.Recent))}
	if len(s.Recent) > 1 {
		s.Going.Route = ""
	}
	for _, n := range s.Recent {
		s.Going.add(n)
	}
	s.Recent = nil
	return true
}

func (v *venture) add(n newRoute) {
	if n.Grave {
		v.Grave++
	}
	if n.Moved {
		v.Moved++
	}
	granted, refused := verdict(n.Status)
	v.Granted += int64(granted)
	v.Refused += int64(refused)
	switch {
	case len(v.Routes) < maxListed:
		v.Routes = append(v.Routes, n.Route)
	case n.Grave:
		v.Routes[maxListed-1] = n.Route
	}
}

func (s *keyRoutes) judge() {
	v := s.Going
	severity := Medium
	switch {
	case v.Grave > 0:
		severity = High
	case v.Moved == v.Count:
		severity = Low
	}
	outcome := Attempted
	switch {
	case v.Granted > 0:
		outcome = Succeeded
	case v.Refused == v.Count:
		outcome = Blocked
	}
	v.reach(severity, outcome)
}

// showsRoute tells whether the answer shows that the route exists: it was served, or the
// request was found wrong or not allowed there. A redirection may be to a login.
func showsRoute(r *parsers.Request) bool {
	switch {
	case r.Route == "", r.Method == "OPTIONS":
		return false
	case r.Status >= 200 && r.Status < 300, r.Status == 304:
		return true
	}
	return r.Status == 400 || r.Status == 403 || r.Status == 405 || r.Status == 409 || r.Status == 422 || r.Status == 500
}

// isAsset tells whether a part of a page is asked for.
func isAsset(r *parsers.Request) bool {
	if featuresOf(r).unbidden {
		return true
	}
	switch path.Ext(lastSegment(r.Path)) {
	case ".js", ".mjs", ".css", ".woff", ".woff2", ".ttf", ".wasm":
		return true
	}
	return false
}

// withoutVersion returns the route without the segments that are versions: "/api/users"
// for "/api/v2/users".
func withoutVersion(route string) string {
	var b strings.Builder
	for segment, rest := nextSegment(route); segment != ""; segment, rest = nextSegment(rest) {
		if !isVersion(segment) {
			b.WriteByte('/')
			b.WriteString(segment)
		}
	}
	return b.String()
}

// withoutNumbers returns the route with one digit in the place of each number of its last segment:
// "/files/part-0.bin" for "/files/part-17.bin".
func withoutNumbers(route string) string {
	last := strings.LastIndexByte(route, '/') + 1
	b := []byte(route[:last])
	number := false
	for _, c := range []byte(route[last:]) {
		digit := c >= '0' && c <= '9'
		switch {
		case !digit:
			b = append(b, c)
		case !number:
			b = append(b, '0')
		}
		number = digit
	}
	return string(b)
}

// graveRoute tells whether the route is one for admins, or exports data.
func graveRoute(r *parsers.Request, own *routeList) bool {
	if r.Event == Export || strings.HasPrefix(r.Event, "admin.") || own.has(r.Path) {
		return true
	}
	for segment, rest := nextSegment(r.Route); segment != ""; segment, rest = nextSegment(rest) {
		switch strings.ToLower(segment) {
		case "admin", "admins", "administrator", "administration", "superuser", "sudo", "root", "backoffice", "impersonate",
			"export", "exports", "dump", "dumps", "backup", "backups", "download-all", "bulk-export", "bulk_export":
			return true
		}
	}
	return false
}

func (s *keyRoutes) describe(e *Event) {
	v := s.Going
	var quoted []string
	for _, route := range v.Routes {
		quoted = append(quoted, strconv.Quote(route))
	}
	routes := strings.Join(quoted, ", ")
	if n := v.Count - int64(len(v.Routes)); n > 0 {
		routes += fmt.Sprintf(" and %d more", n)
	}
	e.Summary = fmt.Sprintf("%s used %s new to it in %s: %s (threshold: %d within %s, after %d requests over %s; before, it made %d requests over %s, for %s)",
		v.Bearer.who(e), plural(v.Count, "route", "routes"), inWords(e.Last.Sub(e.First)), routes,
		s.routes, inWords(s.window), s.least, inWords(s.span), v.Before, inWords(e.First.Sub(v.Since)), plural(v.UsedBefore, "route", "routes"))
	if v.Grave > 0 {
		e.Summary += fmt.Sprintf("; admin and export routes among them: %d", v.Grave)
	}
	switch {
	case v.Moved == v.Count:
		e.Confidence = 0.2
		e.Summary += "; only the version in them is new, which looks like a new version of the API"
	case v.Bearer.Type == string(parsers.ActorUser):
		e.Confidence = 0.4 // people discover what there is
	case e.Count >= 3*int64(s.routes), e.Severity == High:
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // a deploy of the program that bears the key
	}
	e.Metadata = Meta("credential", v.Bearer.ID, "credential_type", v.Bearer.Type, "key_prefix", v.Bearer.Prefix,
		"routes", v.Routes, "new_routes", v.Count, "admin_or_export", v.Grave, "moved_versions", v.Moved,
		"known_routes", v.UsedBefore, "history_requests", v.Before, "history_hours", int(e.First.Sub(v.Since).Hours()),
		"granted", v.Granted, "refused", v.Refused, "window_seconds", int(s.window.Seconds()))
}

const ofRoutes = "routes"

// A key that has routes in one version and another knows more tags than routes.
func (s *keyRoutes) Learned() (l Learned) {
	routes := tagSet(ofRoutes, s.Known)
	routes.Since, routes.Requests, routes.Counts = s.First, s.Requests, nil
	l.addSet(routes)
	l.addSet(Set{Of: ofUsedRoutes, Requests: s.Used})
	return l
}

const ofUsedRoutes = "number of routes"

func (s *keyRoutes) Learn(l Learned, _ time.Time) error {
	routes := l.set(ofRoutes)
	tags, err := routes.tags(MaxDistinct)
	if err != nil {
		return err
	}
	for _, t := range tags {
		s.Known.Add(t)
	}
	s.Tenure = Tenure{routes.Since, routes.Requests}
	s.Used = l.set(ofUsedRoutes).Requests
	return l.known(ofRoutes, ofUsedRoutes)
}
