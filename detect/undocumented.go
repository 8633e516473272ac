package detect

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Undocumented finds who tries doors that the API does not say it has.
func Undocumented() *Detector {
	d := &Detector{
		Name: "undocumented",
		Doc: `routes asked for that the API does not document

Old versions, test routes and files left lying about are the weakest part of an API, and who
looks for them does not read its documentation. With an OpenAPI description whatever it does
not have, or calls deprecated, counts, but for what a page of the site leads to and works.
Without one the paths count that scanners ask every site for; those that some sites serve on
purpose, like the login of WordPress, only where they are refused. With or without, so do the
names of parameters that scanners try at every route, like debug and cmd, but it takes more
of them: any site has some.

What was given away makes the event one of high severity. A site that gives the same answer to
everything has given nothing away, nor has a deprecated route that still works for an old
client: such events stay at medium. Where pages led to all that was asked for, and it was
there, the event is of low severity: people show code to each other.`,
		Type:      APIEnumerationDetected,
		Severity:  Medium,
		Technique: "T1595.003",
		OWASP:     "API9:2023",
		Of:        UndocumentedKind,
		Match:     undocumented,
		GroupBy:   ByActor,
	}
	routes := d.count("routes", 3, "distinct `routes` within the window that are a search")
	parameters := d.count("parameters", 10, "distinct `parameters` of those that scanners try, within the window, that are a search")
	window := d.span("window", 10*time.Minute, "`time` within which routes are counted")
	d.TTL = window
	d.New = func() State { return &undocumentedState{least: *routes, parameters: *parameters, window: *window} }
	return d
}

// undocumented tells whether the request is for what the API does not document, or may be.
func undocumented(r *parsers.Request) bool { return undocumentedRoute(r) || featuresOf(r).guesses }

// undocumentedRoute tells whether it is by its route or its method.
func undocumentedRoute(r *parsers.Request) bool {
	switch r.Declared {
	case parsers.Described:
		return false
	case parsers.Deprecated, parsers.WrongMethod:
		return true
	case parsers.NoSuchRoute:
		return r.Path != "" && r.Method != "OPTIONS" && !partOfPage(r)
	}
	switch featuresOf(r).probe {
	case secretProbe:
		return true
	case servedProbe:
		return r.Status >= 400 && r.Status < 500 && r.Status != 401 && r.Status != 429
	}
	return false
}

// partOfPage tells whether a browser asks for such a thing on a site that has pages
// beside its API: the start page, what pages are made of, and where their links lead.
func partOfPage(r *parsers.Request) bool {
	if r.Path == "/" || featuresOf(r).unbidden || r.Status >= 300 && r.Status < 400 {
		return true
	}
	switch strings.ToLower(path.Ext(lastSegment(r.Path))) {
	case ".js", ".mjs", ".css", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".html", ".htm", ".mp4", ".webm", ".mp3":
		return true
	}
	return led(r)
}

// led tells whether a page led to what was asked for, and it was there.
func led(r *parsers.Request) bool {
	return r.Status >= 200 && r.Status < 300 && (r.Method == "GET" || r.Method == "HEAD") && referred(r)
}

type undocumentedState struct {
	least, parameters int
	window            time.Duration

	Recent  []tried `json:",omitempty"` // while nothing goes on; for fewer than least things, at most as many as makeRoom leaves
	Guessed []tried `json:",omitempty"` // likewise, with parameters that scanners try: one for each, fewer than parameters
	Going   *search `json:",omitempty"`
}

// A tried is a request for what is not documented. Its tag is that of Name.
type tried struct {
	Mark
	Name     string // method and route, clipped
	Status   int
	Bytes    int64
	Declared parsers.Declared
	Led      bool `json:",omitempty"`
	Guess    bool `json:",omitempty"` // of a parameter
}

// A search is a series of such requests that goes on.
type search struct {
	Episode
	Routes     Distinct
	Names      []string // the first of the routes; at most maxNamed
	Described  bool     // the API has a description
	Deprecated int64    // requests for deprecated routes
	Found      Distinct // of Routes, those of the others that were answered 2xx
	Refused    int64    // answers 400, 401, 403, 404, 405 and 410 to the others
	Led        int64    `json:",omitempty"` // requests that a page led to and that worked
	Guesses    Distinct `json:",omitempty"` // of Routes, those that are parameters
	Size       int64    // bytes of the first of those granted
	Sizes      bool     // whether another one differs from it, or is of a size that the client chose (206)
	FirstFound string   // of those granted, the first
}

// maxTries bounds the requests that a search begins with, where not all are for something else.
const maxTries = 20

// maxNamed bounds the names that an event lists.
const maxNamed = 20

func (s *undocumentedState) Observe(r *parsers.Request, emit func(Event)) {
	tries := []tried{s.tried(r)}
	if !undocumentedRoute(r) {
		tries = guessed(r, tries[0])
	}
	switch {
	case s.Going != nil && tries[0].Guess && len(s.Going.Guesses) == 0:
		return // more is known of it than that
	case s.Going != nil:
		s.Going.extend(r)
		for _, t := range tries {
			s.Going.try(t)
		}
	case tries[0].Guess:
		if !s.guess(tries) {
			return
		}
		s.begin(r, s.Guessed)
	default:
		if !s.ask(tries[0]) {
			return
		}
		s.begin(r, s.Recent)
	}
	g := s.Going
	g.Route = "" // several
	switch {
	case g.found():
		g.reach(High, Succeeded)
	case g.linked():
		g.reach(Low, Attempted)
	case len(g.Found) == 0 && g.Deprecated == 0 && g.Refused == g.Count:
		g.reach(Medium, Blocked)
	default:
		g.reach(Medium, Attempted)
	}
	g.tell(emit, s.describe)
}

// ask adds a request for a route while nothing goes on, and tells whether something does now.
func (s *undocumentedState) ask(t tried) bool {
	s.Recent = slices.DeleteFunc(s.Recent, func(o tried) bool { return t.At.Sub(o.At) > s.window })
	if s.Recent = append(s.Recent, t); distinctTried(s.Recent) < s.least {
		s.makeRoom()
		return false
	}
	return true
}

// guess is ask for the parameters of a request.
func (s *undocumentedState) guess(tries []tried) bool {
	s.Guessed = slices.DeleteFunc(s.Guessed, func(o tried) bool {
		return tries[0].At.Sub(o.At) > s.window || slices.ContainsFunc(tries, func(t tried) bool { return t.Tag == o.Tag })
	})
	s.Guessed = append(s.Guessed, tries...)
	return len(s.Guessed) >= s.parameters
}

// begin makes an event of what was tried, last by r.
func (s *undocumentedState) begin(r *parsers.Request, recent []tried) {
	var marks Window
	for i, t := range recent {
		if i == 0 || t.Evidence != recent[i-1].Evidence {
			marks = append(marks, t.Mark)
		}
	}
	s.Going = &search{Episode: begin(r, marks), Described: r.Declared != parsers.Undescribed}
	for _, t := range recent {
		s.Going.try(t)
	}
	s.Recent, s.Guessed = nil, nil
}

// guessed returns the parameters of a request that scanners try, each once. They are told apart by
// their names alone.
func guessed(r *parsers.Request, request tried) (all []tried) {
	request.Guess = true
	for query := r.Query; query != ""; {
		var p parameter
		if query = p.read(query); !p.isGuess() {
			continue
		}
		t := request
		t.Tag, t.Name = tag(string(p.word[:p.size])), clip(request.Name+"?"+p.name)
		if !slices.ContainsFunc(all, func(o tried) bool { return o.Tag == t.Tag }) {
			all = append(all, t)
		}
	}
	return all
}

// isGuess tells whether a parameter has a name that the lists of scanners begin with. Some have a
// use at this route or that; nobody has one for many.
func (p *parameter) isGuess() bool {
	if p.odd || p.size > len(p.word) {
		return false
	}
	switch string(p.word[:p.size]) {
	case "debug", "dbg", "isdebug", "debugmode", "debugger", "test", "testing", "istest", "testmode", "dev", "devmode", "development", "staging",
		"admin", "isadmin", "adminmode", "administrator", "root", "su", "sudo", "superuser", "bypass", "backdoor", "internal", "private",
		"cmd", "command", "exec", "execute", "shell", "sh", "bash", "eval", "run", "daemon", "system", "payload", "exploit",
		"include", "inc", "require", "phpinfo", "passwd", "config", "cfg", "conf", "env", "environment", "setup", "install",
		"dir", "directory", "rootdir", "upload", "jsonp", "template", "trace", "verbose":
		return true
	}
	return false
}

// makeRoom forgets the oldest request for what was asked for again, if there are too many.
func (s *undocumentedState) makeRoom() {
	if len(s.Recent) <= max(maxTries, s.least) {
		return
	}
	for i, t := range s.Recent {
		if slices.ContainsFunc(s.Recent[i+1:], func(o tried) bool { return o.Tag == t.Tag }) {
			s.Recent = slices.Delete(s.Recent, i, i+1)
			return
		}
	}
}

// distinctTried is how many different things the requests are for.
func distinctTried(recent []tried) (n int) {
	for i, t := range recent {
		if !slices.ContainsFunc(recent[:i], func(o tried) bool { return o.Tag == t.Tag }) {
			n++
		}
	}
	return n
}

// tried puts the request into what is remembered of it. A path that nobody described has
// no route but itself.
func (s *undocumentedState) tried(r *parsers.Request) tried {
	route := r.Path
	if r.Declared != parsers.Undescribed && r.Shape != "" {
		route = r.Shape
	}
	var buf [256]byte
	name := append(append(append(buf[:0], r.Method...), ' '), route...)
	return tried{Mark: mark(r, tag(string(name))), Name: clip(string(name)), Status: r.Status, Bytes: r.Bytes, Declared: r.Declared, Led: led(r)}
}

func (g *search) try(t tried) {
	known := len(g.Routes)
	if g.Routes.Add(t.Tag); len(g.Routes) > known && len(g.Names) < maxNamed {
		g.Names = append(g.Names, t.Name)
	}
	if t.Led {
		g.Led++
	}
	switch {
	case t.Guess: // whatever the route answers
		g.Guesses.Add(t.Tag)
	case t.Declared == parsers.Deprecated:
		g.Deprecated++
	case t.Status >= 200 && t.Status < 300:
		before := len(g.Found)
		g.Sizes = g.Sizes || t.Status == 206
		switch g.Found.Add(t.Tag); {
		case before == len(g.Found):
		case before == 0:
			g.Size, g.FirstFound = t.Bytes, t.Name
		default:
			g.Sizes = g.Sizes || t.Bytes != g.Size || t.Bytes <= 0
		}
	case t.Status == 400, t.Status == 401, t.Status == 403, t.Status == 404, t.Status == 405, t.Status == 410:
		g.Refused++
	}
}

// found tells whether an answer gave something away. Where several are of one size, or
// probes that no two sites share all worked, the site says the same to everything.
func (g *search) found() bool {
	switch {
	case len(g.Found) == 0:
		return false
	case len(g.Found) == 1:
		return g.Described || g.Refused > 0
	}
	return g.Sizes && (g.Described || g.Refused > 0)
}

// linked tells whether pages led to all of them, on a site that shows such files, as one where
// people keep their code.
func (g *search) linked() bool { return g.Led == g.Count && !g.Described }

func (s *undocumentedState) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *undocumentedState) describe(e *Event) {
	g := s.Going
	what, against := g.Routes.of("path that scanners try", "paths that scanners try")+" on every site", "no description of the API is given"
	if g.Described {
		what, against = g.Routes.of("route or method", "routes and methods")+" that the API description does not have or calls deprecated", "the API is described"
	}
	least := s.least
	if len(g.Guesses) > 0 {
		least = s.parameters
		what, against = g.Routes.of("path or parameter that scanners try", "paths and parameters that scanners try")+" on every site", "any site has some of the parameters"
	}
	if len(g.Guesses) == len(g.Routes) {
		what = g.Guesses.of("parameter that scanners try", "parameters that scanners try") + " on every site"
	}
	shown := g.Names[:min(len(g.Names), 5)]
	list := strings.Join(quoted(shown), ", ") + g.Routes.beyond(len(shown))
	e.Summary = fmt.Sprintf("%s tried %s in %s: %s (threshold: %d within %s; %s)",
		who(e.ActorID, e.ActorType), what, inWords(e.Last.Sub(e.First)), list, least, inWords(s.window), against)
	switch {
	case g.found():
		e.Confidence = 0.9
		e.Summary += fmt.Sprintf("; %s of them worked, first %q", g.Found, g.FirstFound)
	case g.linked():
		e.Confidence = 0.2
		e.Summary += "; all of them worked and name the page that led there, as on a site that shows such files"
	case len(g.Found) > 0:
		e.Confidence = 0.5 // one page for everything
		e.Summary += fmt.Sprintf("; %s worked alike, as on a site with one answer to everything", g.Found)
	case g.Deprecated == e.Count:
		e.Confidence = 0.3 // an old client does nothing else
		e.Summary += "; all of them are deprecated, as an old client would use them"
	case g.Described:
		e.Confidence = 0.6 // the description may be behind the API
	default:
		e.Confidence = 0.8 // nobody asks for three of these by chance
	}
	e.Metadata = Meta("routes", g.Names, "distinct_routes", len(g.Routes), "endpoint_count", e.Count, "described", g.Described,
		"deprecated", g.Deprecated, "granted", len(g.Found), "window_seconds", int(s.window.Seconds()))
}

func quoted(names []string) []string {
	var q []string
	for _, n := range names {
		q = append(q, fmt.Sprintf("%q", n))
	}
	return q
}
