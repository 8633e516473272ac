package detect

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Enumeration finds who asks for many things that are not there.
func Enumeration() *Detector {
	d := &Detector{
		Name: "enumeration",
		Doc: "many answers 404 for one actor\n\n" +
			"Who does not know an API tries names until some answer. A client with a broken link does " +
			"so too, but always on the same few paths: such an event is of medium severity and low " +
			"confidence. So is one whose requests mostly name the page of the site that led to them, as in an outage or by " +
			"dead links. Backup and sync clients ask whether a file is there before they send it: where most requests are " +
			"such questions, the event is of low severity. What browsers and crawlers ask for unbidden does not count, and the crawler of a " +
			"search engine, if its address is known for it, is of low severity: it follows dead links.",
		Type:      APIEnumerationDetected,
		Severity:  High,
		Technique: "T1595.003",
		OWASP:     "API9:2023",
		Of:        RefusedKind,
		Match:     func(r *parsers.Request) bool { return r.Status == 404 && !featuresOf(r).unbidden },
		GroupBy:   ByActor,
	}
	limit := d.count("limit", 30, "answers 404 within the window that are still `normal`")
	few := d.count("few-paths", 10, "fewer distinct `paths` than this are a broken client, not a scan")
	window := d.span("window", 300*time.Second, "`time` within which answers are counted")
	d.TTL = window
	d.New = func() State { return &enumeration{limit: *limit, few: *few, window: *window} }
	return d
}

type enumeration struct {
	limit, few int
	window     time.Duration

	Recent Window `json:",omitempty"` // while nothing goes on; tagged by missingTag
	Going  *scan  `json:",omitempty"`
}

// A scan is an enumeration that goes on.
type scan struct {
	Episode
	Paths            Distinct
	Crawler          crawling
	Referred, Asking int64 `json:",omitempty"` // of Count: that name the page that led there, that asksFirst
}

func (g *scan) referred() bool { return mostly(g.Referred, g.Count) }
func (g *scan) asking() bool   { return mostly(g.Asking, g.Count) }

// missingTag is the tag of the path, but for its last bits: how the request came about.
func missingTag(r *parsers.Request) uint64 {
	t := tag(r.Path) &^ missingBits
	if referred(r) {
		t |= referredBit
	}
	if asksFirst(r) {
		t |= askingBit
	}
	return t
}

const (
	referredBit = 1 << iota
	askingBit
	missingBits = referredBit | askingBit
)

// match takes a request by its missingTag.
func (g *scan) match(t uint64) {
	g.Paths.Add(t &^ missingBits)
	g.Referred += int64(t & referredBit / referredBit)
	g.Asking += int64(t & askingBit / askingBit)
}

// asksFirst tells whether the request is how clients that send files ask whether the
// service has them: for their properties, or by a hash of what they hold.
func asksFirst(r *parsers.Request) bool {
	return r.Method == "PROPFIND" || r.Method == "HEAD" && endsInHash(r.Path)
}

// endsInHash tells whether a path ends in 40 hex digits or more: no list of names has those.
func endsInHash(p string) bool {
	const digits = 40 // of SHA-1
	return len(p) > digits && strings.Trim(p[len(p)-digits:], "0123456789abcdefABCDEF") == ""
}

func (s *enumeration) Observe(r *parsers.Request, emit func(Event)) {
	m := mark(r, missingTag(r))
	if s.Going == nil {
		if s.Recent.Slide(m, s.window, s.limit+1); len(s.Recent) <= s.limit {
			return
		}
		s.Going = &scan{Episode: begin(r, s.Recent)}
		for _, m := range s.Recent {
			s.Going.match(m.Tag)
		}
		s.Recent = nil
	} else {
		s.Going.extend(r)
		s.Going.match(m.Tag)
	}
	s.Going.Route = "" // what is not there has none
	severity := High
	switch {
	case s.Going.asking():
		severity = Low
	case len(s.Going.Paths) < s.few, s.Going.referred():
		severity = Medium
	}
	s.Going.Crawler.meet(r)
	s.Going.reach(s.Going.Crawler.most(severity), Attempted)
	s.Going.tell(emit, s.describe)
}

func (s *enumeration) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *enumeration) describe(e *Event) {
	paths := s.Going.Paths
	e.Summary = fmt.Sprintf("%s got %d answers 404 on %s in %s (threshold: more than %d within %s)",
		who(e.ActorID, e.ActorType), e.Count, paths.of("path", "paths"), inWords(e.Last.Sub(e.First)), s.limit, inWords(s.window))
	switch {
	case s.Going.asking():
		e.Confidence = 0.2
		e.Summary += "; most ask whether a file is there, as clients do before they send it"
	case len(paths) < s.few:
		e.Confidence = 0.4
		e.Summary += fmt.Sprintf("; fewer than %d paths look like a broken client", s.few)
	case s.Going.referred():
		e.Confidence = 0.4
		e.Summary += "; most requests name the page that led to them, as they do where links are dead or a service fails"
	case len(paths) <= s.limit:
		e.Confidence = 0.7
	default:
		e.Confidence = 0.9 // more things that are not there than may be asked for in vain
	}
	s.Going.Crawler.qualify(e)
	e.Metadata = s.Going.Crawler.meta("endpoint_count", e.Count, "distinct_paths", len(paths), "window_seconds", int(s.window.Seconds()))
}

// referred tells whether the request names the page that led to it.
func referred(r *parsers.Request) bool { return r.Referer != "" && r.Referer != "-" }

// isUnbidden tells whether browsers, crawlers and tools ask for the path by themselves.
func isUnbidden(p string) bool {
	if i := strings.Index(p, "/.well-known/"); i >= 0 && !strings.Contains(p, "..") {
		// At the top of a site, or one name below the folder of a part of it.
		if name := p[i+len("/.well-known/"):]; i == 0 || strings.IndexByte(name, '/') < 0 {
			return true
		}
	}
	name := p[strings.LastIndexByte(p, '/')+1:]
	switch {
	case strings.HasPrefix(name, "favicon"), strings.HasPrefix(name, "apple-touch-icon"), strings.HasPrefix(name, "sitemap"):
		return true
	}
	switch name {
	case "robots.txt", "ads.txt", "app-ads.txt", "sellers.json", "humans.txt", "security.txt", "llms.txt", "browserconfig.xml", "opensearch.xml",
		"manifest.json", "site.webmanifest", "manifest.webmanifest", "sw.js", "service-worker.js", "apple-app-site-association", "assetlinks.json":
		return true
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".js", ".mjs", ".css", ".woff", ".woff2", ".wasm":
		return isBuilt(name)
	case ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".bmp":
		return true
	}
	return false
}

// isBuilt tells whether a file is named by a hash of what it holds, as builds name them:
// "main.3f4a9b2c.js". Pages loaded before a deploy ask for those that it took away.
func isBuilt(name string) bool {
	from, letters, digits := 0, 0, 0
	for i := range len(name) {
		switch c := name[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' || c == '-' || c == '_' || c == '~':
			// Eight signs are usual, with a digit among them; six are a short one.
			if n := i - from; letters > 0 && (n >= 8 && digits >= 1 || n >= 6 && digits >= 2) {
				return true
			}
			from, letters, digits = i+1, 0, 0
		default:
			letters++
		}
	}
	return false
}
