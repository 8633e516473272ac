package detect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// AdminProbe finds who looks for the administration of a site without being an admin.
func AdminProbe() *Detector {
	d := &Detector{
		Name: "admin-probe",
		Doc: `several admin routes tried by an actor that was never let in to one

Refused is an answer 401, 403, 404 or 405, and a redirect, which leads to a login. Whoever was
let in to an admin route before is an admin, whose sessions end and whose links break.

To be refused at a route and let in to the same one later is a login in between; to be let in
to another is a door that was left open, and of high severity. It is the last of the routes
that make a probe, if none of those before it asked for a login.`,
		Type:      AccessDenied,
		Severity:  Medium,
		Technique: "T1595.003",
		OWASP:     "API5:2023",
		Of:        AdminKind,
		GroupBy:   ByActor,
	}
	limit := d.count("routes", 3, "distinct admin `routes` within the window that are a probe: all refused, or the last one open")
	window := d.span("window", 24*time.Hour, "`time` within which they are counted, and of quiet after which an event is over")
	own := d.adminRoutes()
	d.ownAdmin = own
	admins := d.exactly("admins", "`actors` who may, separated by commas: users, or fingerprints of keys")
	d.Match = func(r *parsers.Request) bool {
		if r.Method == "OPTIONS" || !letsIn(r, own) && !(refused(r.Status) && adminRoute(r, own)) {
			return false
		}
		id, _ := r.Actor()
		return !admins.has(id)
	}
	d.TTL, d.Quiet = new(history), window
	d.New = func() State { return &adminProbe{limit: *limit, window: *window} }
	return d
}

// adminRoutes adds the setting for admin routes of a site's own.
func (d *Detector) adminRoutes() *routeList {
	return d.routes("admin-routes", "`patterns` of paths that are for admins, beside the usual ones, separated by commas: /ops/**")
}

type adminProbe struct {
	limit  int
	window time.Duration

	Admin  bool     `json:",omitempty"` // was let in before probing
	Recent Window   `json:",omitempty"` // while nothing goes on: refusals, by route
	LogIns Distinct `json:",omitempty"` // routes among Recent or Going that asked for a login
	Routes []string `json:",omitempty"` // of Recent, clipped; at most maxShown
	Going  *probing `json:",omitempty"`
}

// A probing is a probe that goes on.
type probing struct {
	Episode
	Routes  Distinct
	Shown   []string // the first ones, clipped; at most maxShown
	Granted int64    // of Count
	Open    string   // the first one that let in, clipped
}

func (s *adminProbe) Observe(r *parsers.Request, emit func(Event)) {
	if s.Admin {
		return
	}
	route := tag(strings.ToLower(r.Shape))
	if granted(r.Status) {
		s.letIn(r, route, emit)
		return
	}
	if asksForLogin(r.Status) {
		s.LogIns.Add(route)
	}
	if s.Going == nil {
		s.refuse(r, route)
	} else {
		s.Going.extend(r)
		s.Going.add(route, r.Shape)
	}
	if s.Going == nil {
		return
	}
	s.Going.reach(Medium, Blocked)
	s.Going.tell(emit, s.describe)
}

// refuse takes a refusal while nothing goes on.
func (s *adminProbe) refuse(r *parsers.Request, route uint64) {
	if n := len(s.Recent); n > 0 && r.Time.Sub(s.Recent[n-1].At) > s.window {
		s.forget()
	}
	s.Routes = shown(s.Routes, r.Shape)
	if s.Recent.SlideDistinct(mark(r, route), s.window, s.limit); len(s.Recent) == s.limit {
		s.begin(r)
	}
}

// begin begins a probe with the routes of Recent, the last of which r asks for.
func (s *adminProbe) begin(r *parsers.Request) {
	s.Going = &probing{Episode: begin(r, s.Recent)}
	if s.limit > 1 {
		s.Going.Route = "" // they are several
	}
	for _, m := range s.Recent {
		s.Going.Routes.Add(m.Tag)
	}
	s.Going.Shown = s.Routes
	s.Recent, s.Routes = nil, nil
}

// letIn takes an admin route that answered 2xx.
func (s *adminProbe) letIn(r *parsers.Request, route uint64, emit func(Event)) {
	_, loggedIn := slices.BinarySearch(s.LogIns, route)
	switch {
	case s.Going == nil && s.isLast(r, route):
		s.Routes = shown(s.Routes, r.Shape)
		s.Recent.Slide(mark(r, route), s.window, s.limit)
		s.begin(r)
	case s.Going == nil, s.Going.Granted == 0 && loggedIn:
		s.Expire(emit)
		s.forget()
		s.Admin = true
		return
	default:
		s.Going.extend(r)
		s.Going.add(route, r.Shape)
	}
	g := s.Going
	if g.Granted++; g.Granted == 1 {
		g.Open = clip(r.Shape)
	}
	g.reach(High, Succeeded)
	g.tell(emit, s.describe)
}

// isLast tells whether a route that lets in makes a probe of the refusals before it: they are
// one too few, of other routes, and none asked for a login, which may have come in between.
func (s *adminProbe) isLast(r *parsers.Request, route uint64) bool {
	if s.limit == 1 || len(s.Recent) != s.limit-1 {
		return false
	}
	return !slices.ContainsFunc(s.Recent, func(m Mark) bool {
		_, login := slices.BinarySearch(s.LogIns, m.Tag)
		return login || m.Tag == route || r.Time.Sub(m.At) > s.window
	})
}

func (s *adminProbe) forget() {
	s.Recent, s.Routes, s.LogIns = nil, nil, nil
}

func (s *adminProbe) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
		s.forget()
	}
}

func (g *probing) add(route uint64, shape string) {
	g.Routes.Add(route)
	g.Shown = shown(g.Shown, shape)
}

func (s *adminProbe) describe(e *Event) {
	g := s.Going
	e.Summary = fmt.Sprintf("%s tried %s in %s without having been let in to one before (threshold: %d within %s)",
		who(e.ActorID, e.ActorType), g.Routes.of("admin route", "admin routes"), inWords(e.Last.Sub(e.First)), s.limit, inWords(s.window))
	switch {
	case g.Granted == 0:
	case g.After > 0 && e.Count-g.After > g.Granted-1: // others were refused later
		e.Summary += fmt.Sprintf("; %q let it in meanwhile", g.Open)
	default:
		e.Summary += fmt.Sprintf("; then %q let it in", g.Open)
	}
	switch {
	case len(g.Routes) >= 5*s.limit && g.Granted == 0:
		e.Confidence = 0.95
	case len(g.Routes) >= 2*s.limit, g.Granted > 0 && len(g.Routes) > s.limit:
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // an admin before the log shows any access, whose session ended, or who may not do everything
	}
	e.Metadata = Meta("distinct_routes", len(g.Routes), "endpoints", g.Shown, "granted", g.Granted, "open_endpoint", g.Open,
		"window_seconds", int(s.window.Seconds()))
}

// granted tells whether an answer gave what was asked for.
func granted(status int) bool { return status >= 200 && status < 300 || status == 304 }

// refused tells whether an answer kept what was asked for from one who may not have it.
func refused(status int) bool {
	return asksForLogin(status) || status == 403 || status == 404 || status == 405
}

// asksForLogin tells whether an answer says that one has to log in first. Moved for good
// (301, 308) are other things: a slash, another scheme.
func asksForLogin(status int) bool {
	return status == 401 || status == 302 || status == 303 || status == 307
}

// adminRoute tells whether the request is for a route of admins: a pattern of the site's
// own, or a path with a usual word for that among its first segments. Scripts, styles and
// images are not, nor is what is written about admins or by a user of that name.
func adminRoute(r *parsers.Request, own *routeList) bool {
	return featuresOf(r).admin || own.has(r.Path)
}

// letsIn tells whether a route of admins let the request in. What answers everybody does not: the
// page on which one logs in, or whether a service is up.
func letsIn(r *parsers.Request, own *routeList) bool {
	return granted(r.Status) && adminRoute(r, own) && !facesEverybody(lastSegment(r.Path))
}

// facesEverybody tells whether a last segment, though below one for admins, is what people and
// programs see who are not let in.
func facesEverybody(segment string) bool {
	switch strings.ToLower(unescapedPath(segment)) {
	case "login", "log-in", "log_in", "logon", "signin", "sign-in", "sign_in", "login.php", "logout", "log-out", "log_out", "signout", "sign-out", "sign_out",
		"forgot-password", "forgot_password", "reset-password", "reset_password", "password_reset",
		"health", "healthz", "livez", "readyz", "liveness", "readiness", "ping":
		return true
	}
	return openToAll(segment)
}

// adminDepth is how many segments, but for usual prefixes, are looked at for a word that
// can only mean admins.
const adminDepth = 4

func adminPath(path string) bool {
	path = unescapedPath(path)
	if !adminLengths.mayHold(path) {
		return false // nearly all paths
	}
	last, depth, found := "", 0, false
	for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
		if !found && depth < adminDepth {
			switch kind := adminWordOf(segment); {
			case segment == "..": // what stood before it does not count
				depth = 0
			case depth == 0 && isUsualPrefix(segment) && kind != weakAdminWord && kind != strongAdminWord:
			case depth == 0 && aboutOthers(segment):
				return false
			case kind == strongAdminWord && !namesPeople(last), kind == weakAdminWord && depth == 0:
				found = true
			default:
				depth++
			}
		}
		last = segment
	}
	return found && !asset(last) && !openToAll(last)
}

type adminWord int

const (
	noAdminWord adminWord = iota
	weakAdminWord
	strongAdminWord
)

// adminWords are the words for the administration of a site, anywhere in a path (strong)
// or at its beginning only (weak).
var (
	adminWords = map[string]adminWord{
		"admin": strongAdminWord, "admins": strongAdminWord, "_admin": strongAdminWord, "administrator": strongAdminWord, "administration": strongAdminWord,
		"adminpanel": strongAdminWord, "admin-panel": strongAdminWord, "admin_panel": strongAdminWord, "admin.php": strongAdminWord, "admin-api": strongAdminWord,
		"superuser": strongAdminWord, "superadmin": strongAdminWord, "super-admin": strongAdminWord, "sysadmin": strongAdminWord, "siteadmin": strongAdminWord,
		"backoffice": strongAdminWord, "back-office": strongAdminWord, "wp-admin": strongAdminWord, "phpmyadmin": strongAdminWord, "adminer": strongAdminWord,
		"actuator": strongAdminWord, "scim": strongAdminWord, "jmx-console": strongAdminWord, "controlpanel": strongAdminWord, "control-panel": strongAdminWord,
		"manage": weakAdminWord, "management": weakAdminWord, "manager": weakAdminWord, "internal": weakAdminWord, "console": weakAdminWord,
		"debug": weakAdminWord, "cpanel": weakAdminWord,
	}
	adminLengths = lengthsOf(maps.Keys(adminWords))
)

// adminWordOf tells whether a segment is a word for the administration of a site.
func adminWordOf(segment string) adminWord {
	if !adminLengths.may(segment) {
		return noAdminWord
	}
	return adminWords[strings.ToLower(segment)]
}

// namesPeople tells whether the next segment is the name of somebody or of something.
func namesPeople(segment string) bool {
	switch strings.ToLower(segment) {
	case "user", "users", "u", "profile", "profiles", "member", "members", "author", "authors", "people", "tag", "tags", "category", "role", "roles", "groups":
		return true
	}
	return strings.HasPrefix(segment, "@")
}

// aboutOthers tells whether a path that begins so is text or parts of pages.
func aboutOthers(segment string) bool {
	switch strings.ToLower(segment) {
	case "docs", "doc", "documentation", "help", "support", "blog", "news", "wiki", "static", "assets", "dist", "media", "images", "css", "js", "fonts", "articles", "search":
		return true
	}
	return false
}

// asset tells whether a last segment is a part of a page.
func asset(segment string) bool {
	dot := strings.LastIndexByte(segment, '.')
	if dot < 0 {
		return false
	}
	switch strings.ToLower(segment[dot+1:]) {
	case "js", "mjs", "css", "map", "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "woff", "woff2", "ttf", "eot":
		return true
	}
	return false
}

// openToAll tells whether a last segment, though below one for admins, is for visitors:
// WordPress has them.
func openToAll(segment string) bool {
	switch segment {
	case "admin-ajax.php", "admin-post.php", "load-styles.php", "load-scripts.php":
		return true
	}
	return false
}

const ofAdmin = "let in to a route for admins"

func (s *adminProbe) Learned() Learned { return adminLearned(s.Admin) }

func (s *adminProbe) Learn(l Learned, _ time.Time) (err error) {
	s.Admin = l.set(ofAdmin).Requests > 0
	return l.known(ofAdmin)
}

func adminLearned(admin bool) (l Learned) {
	if admin {
		l.addSet(Set{Of: ofAdmin, Requests: 1})
	}
	return l
}
