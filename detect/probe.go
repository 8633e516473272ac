package detect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/corazawaf/libinjection-go"

	"github.com/litesoc/litesoc/parsers"
)

// Probe finds attacks on the application itself in what is asked for.
func Probe() *Detector {
	d := &Detector{
		Name: "probe",
		Doc: `injection and traversal in what is asked for, and tools that say they do that

Scanners try the classes of attack everywhere; who found a hole tries one. Hosts by which
their tools learn that the application has called them count, too. Path and parameters,
also those of a body and of the referer, are decoded up to twice; the user agent is read as it
is. SQL injection and XSS are decided by libinjection. An answer 2xx of unusual size makes the
event one of high severity.

Prose, names and code that people paste may look like SQL: one such value is doubtful and
makes no event, several different ones do, with low confidence. A whole statement in a parameter
for one, as Salesforce and Jira take them in q and jql, injects nothing. One text that somebody who is
known searches for, and is given, is of low severity: developers read about attacks.`,
		Type:      SuspiciousActivity,
		Severity:  Medium,
		Technique: "T1190",
		OWASP:     "API8:2023",
		Of:        OddKind,
		Match: func(r *parsers.Request) bool {
			return mayProbe(r) && len(probesOf(r)) > 0
		},
		GroupBy: ByActor,
	}
	doubts := d.count("doubts", 3, "different doubtful `values` within the window that make an event")
	answers := d.count("answers", 5, "answers 2xx of a route to probes of one client, after which a larger one is `unusual`")
	window := d.span("window", 10*time.Minute, "`time` within which doubtful values are counted, and of quiet after which an event is over")
	d.TTL = window
	d.New = func() State { return &probes{doubts: *doubts, answers: *answers, window: *window} }
	return d
}

type probes struct {
	doubts, answers int
	window          time.Duration

	// Doubtful are the requests that make no event yet, the last of each value: fewer
	// than doubts, while nothing goes on.
	Doubtful []doubtful `json:",omitempty"`
	Going    *injecting `json:",omitempty"`
}

// A doubtful is a request that only looks like a probe.
type doubtful struct {
	Mark   // tagged by value
	Class  string
	Status int
}

// A injecting is a series of probes.
type injecting struct {
	Episode
	Classes  map[string]int64 // requests by class; there are but a few classes
	Sure     bool             // whether any was more than doubtful
	Sample   hit              // the first of the surest
	Values   Distinct
	Refused  int64               // requests that were answered 4xx
	Let      int64               // requests that were answered 2xx
	Sizes    map[string]sizeSeen // by route; at most maxSizes
	Largest  int64               // the unusual answer; 0 if there was none
	LargestN sizeSeen            // what came before it
	LargestR string              // its route, clipped
}

// A sizeSeen is how large answers were.
type sizeSeen struct {
	N    int    // answers
	Most int64  // bytes of the largest
	Last moment `json:",omitempty"` // when it was probed last
}

// maxSizes bounds the routes of which sizes are kept. The one that was probed longest ago is
// forgotten first.
const maxSizes = 32

func (s *probes) Observe(r *parsers.Request, emit func(Event)) {
	hits := probesOf(r)
	if len(hits) == 0 {
		return
	}
	best := hits[0]
	for _, h := range hits {
		if h.Sure && !best.Sure {
			best = h
		}
	}
	if s.Going == nil && !best.Sure && !s.doubt(r, best) {
		return
	}
	if s.Going == nil {
		s.begin(r, best)
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	if best.Sure && !g.Sure {
		g.Sure, g.Sample = true, best
	}
	var told []string
	for _, h := range hits {
		g.Values.Add(h.tag)
		if !slices.Contains(told, h.Class) {
			told = append(told, h.Class)
			g.Classes[h.Class]++
		}
	}
	g.answered(r.Status)
	severity, outcome := Medium, Attempted
	if g.read(r) {
		severity = Low
	}
	switch {
	case r.Status/100 == 4:
		outcome = Blocked
	case r.Status/100 == 2 && g.unusual(r, s.answers):
		severity = High
	}
	g.reach(severity, outcome)
	g.tell(emit, s.describe)
}

// doubt takes a doubtful request and tells whether they are enough now.
func (s *probes) doubt(r *parsers.Request, h hit) bool {
	s.Doubtful = slices.DeleteFunc(s.Doubtful, func(d doubtful) bool {
		return d.Tag == h.tag || r.Time.Sub(d.At) > s.window
	})
	if len(s.Doubtful)+1 >= s.doubts {
		return true
	}
	s.Doubtful = append(s.Doubtful, doubtful{mark(r, h.tag), h.Class, r.Status})
	return false
}

// begin makes an event of a request, and of the doubtful ones before it if it is one.
func (s *probes) begin(r *parsers.Request, h hit) {
	var before []doubtful
	if !h.Sure {
		before = s.Doubtful
	}
	s.Doubtful = nil
	var w Window
	for _, d := range before {
		w = append(w, d.Mark)
	}
	s.Going = &injecting{Episode: begin(r, append(w, mark(r, h.tag))), Classes: map[string]int64{}, Sample: h}
	for _, d := range before {
		s.Going.Values.Add(d.Tag)
		s.Going.Classes[d.Class]++
		s.Going.answered(d.Status)
	}
}

// read tells whether all there is may be one text that somebody who is known searches for,
// and is given: developers read about attacks.
func (g *injecting) read(r *parsers.Request) bool {
	_, typ := r.Actor()
	return g.Sample.Text && len(g.Values) == 1 && g.Refused == 0 && (typ == parsers.ActorUser || typ == parsers.ActorAPIKey)
}

func (g *injecting) answered(status int) {
	switch status / 100 {
	case 2:
		g.Let++
	case 4:
		g.Refused++
	}
}

// unusual tells whether an answer 2xx is more than twice as large as those of its route
// to this client's probes were so far, and learns its size.
func (g *injecting) unusual(r *parsers.Request, after int) bool {
	seen, known := g.Sizes[r.Route]
	if r.Bytes < 0 {
		return false
	}
	if !known && len(g.Sizes) >= maxSizes {
		delete(g.Sizes, slices.MinFunc(slices.Collect(maps.Keys(g.Sizes)), func(a, b string) int {
			return cmp.Or(cmp.Compare(g.Sizes[a].Last, g.Sizes[b].Last), strings.Compare(a, b))
		}))
	}
	large := seen.N >= after && r.Bytes > 2*seen.Most && r.Bytes > seen.Most+1024
	if large && r.Bytes > g.Largest {
		g.Largest, g.LargestN, g.LargestR = r.Bytes, seen, clip(r.Route)
	}
	if g.Sizes == nil {
		g.Sizes = map[string]sizeSeen{}
	}
	g.Sizes[strings.Clone(r.Route)] = sizeSeen{seen.N + 1, max(seen.Most, r.Bytes), momentOf(r.Time)}
	return large
}

func (s *probes) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *probes) describe(e *Event) {
	g := s.Going
	var classes []string
	for _, c := range probeClasses {
		if n := g.Classes[c]; n > 0 {
			classes = append(classes, fmt.Sprintf("%s (%d)", c, n))
		}
	}
	e.Summary = fmt.Sprintf("%s probed with %s in %s: %s; %s %q", who(e.ActorID, e.ActorType), plural(e.Count, "request", "requests"),
		inWords(e.Last.Sub(e.First)), strings.Join(classes, ", "), g.Sample.Where, g.Sample.Value)
	if g.Sure {
		e.Summary += " (threshold: 1 that is beyond doubt)"
	} else {
		e.Summary += fmt.Sprintf(" (threshold: %d different doubtful values within %s)", s.doubts, inWords(s.window))
	}
	if g.Refused > 0 {
		e.Summary += fmt.Sprintf("; %d refused (4xx)", g.Refused)
	}
	if g.Let > 0 {
		e.Summary += fmt.Sprintf("; %d answered 2xx", g.Let)
	}
	switch {
	case !g.Sure:
		e.Summary += "; prose and code that people paste look the same"
		e.Confidence = 0.3
	case e.Severity == Low:
		e.Summary += "; a text that is searched for looks the same"
		e.Confidence = 0.3
	case g.Classes[scannerAgent] > 0:
		e.Confidence = 0.9 // it says so itself
	case e.Count == 1:
		e.Confidence = 0.7
	case len(g.Classes) > 1 || len(g.Values) > 3:
		e.Confidence = 0.95 // nobody does several by accident
	default:
		e.Confidence = 0.8
	}
	if g.Largest > 0 {
		e.Summary += fmt.Sprintf("; an answer of %d bytes on %s, where the %d before had at most %d", g.Largest, g.LargestR, g.LargestN.N, g.LargestN.Most)
	}
	e.Metadata = Meta("classes", json.RawMessage(mustJSON(g.Classes)), "distinct_values", len(g.Values), "sample", g.Sample.Value,
		"where", g.Sample.Where, "refused", g.Refused, "accepted", g.Let, "unusual_bytes", g.Largest, "usual_bytes_at_most", g.LargestN.Most)
}

// The classes of probes.
const (
	sqlInjection      = "sql injection"
	nosqlInjection    = "nosql injection"
	ldapInjection     = "ldap injection"
	crossSite         = "cross-site scripting"
	traversal         = "path traversal"
	commandInjection  = "command injection"
	jndiLookup        = "jndi lookup"
	templateInjection = "template injection"
	headerInjection   = "header injection"
	phpInjection      = "php injection"
	xmlEntity         = "xml external entity"
	callback          = "out-of-band callback"
	scannerAgent      = "scanner"
)

// probeClasses are all of them, in the order in which they are told.
var probeClasses = []string{jndiLookup, commandInjection, phpInjection, templateInjection, sqlInjection, nosqlInjection, ldapInjection, traversal,
	xmlEntity, headerInjection, callback, crossSite, scannerAgent}

// A hit is something of a request that looks like an attack.
type hit struct {
	Class string
	Sure  bool
	Where string // "parameter \"q\" was"
	Text  bool   // it is a text that is searched for
	Value string // decoded, clipped
	tag   uint64 // of the value
}

// maxProbeText bounds, in bytes, each text of a request that is looked at, and so what is found in it.
const maxProbeText = 8 << 10

// odd are the bytes of which an attack in a query has at least one, encoded or not.
// oddInPath are those of an attack in a path, beside two dots.
var odd, oddInPath = func() (query, path [256]bool) {
	for c := range 256 {
		ordinary := isLetter(byte(c)) || isDigit(byte(c)) || c >= 0x80 || strings.IndexByte("-_.~=&,:@$!", byte(c)) >= 0
		query[c] = !ordinary
		path[c] = !ordinary && c != '/'
	}
	query[0xc0], path[0xc0] = true, true // in no UTF-8 but in overlong forms of dots and slashes
	return query, path
}()

// mayProbe tells, at little cost, whether a request may hold a probe: probesOf finds none
// in those it rules out.
func mayProbe(r *parsers.Request) bool { return featuresOf(r).odd || oddHeaders(r) }

// oddHeaders is mayProbe for the headers.
func oddHeaders(r *parsers.Request) bool {
	return referred(r) && oddReferer(r.Referer) || agentOf(r).odd
}

// reaches tells whether a query has a parameter by whose name the fields of an object lead
// to the server itself (Java) or to what all objects have (JavaScript). Nothing of those
// names is odd.
func reaches(query string) bool {
	if query == "" {
		return false
	}
	return strings.Contains(query, "lassLoader.") || strings.Contains(query, "proto") && (strings.Contains(query, "__proto__") ||
		strings.Contains(query, "onstructor.prototype") || strings.Contains(query, "onstructor][prototype"))
}

// oddPath tells whether a path has an odd byte, or two dots.
func oddPath(path string) bool { return hasOdd(path, &oddInPath) || strings.Contains(path, "..") }

// hasOdd tells whether a text has an odd byte, as it stands or encoded once or twice.
func hasOdd(s string, odd *[256]bool) bool {
	for i := 0; i < len(s); i++ {
		if !odd[s[i]] {
			continue
		}
		if s[i] != '%' || i+2 >= len(s) || !isHexDigit(s[i+1]) || !isHexDigit(s[i+2]) {
			return true
		}
		if c := hexValue(s[i+1])<<4 | hexValue(s[i+2]); odd[c] || c == '.' { // nobody encodes a dot for nothing
			return true
		}
	}
	return false
}

// oddHeader tells whether a header has a byte that is in no ordinary one.
func oddHeader(s string) bool {
	return strings.IndexByte(s, '{') >= 0 || strings.IndexByte(s, '<') >= 0 || strings.IndexByte(s, '\'') >= 0 ||
		strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '`') >= 0 || strings.Contains(s, "$(") || strings.Contains(s, "../") || strings.Contains(s, `..\`)
}

// oddReferer tells whether a referer has one, or a query with one.
func oddReferer(s string) bool {
	if oddHeader(s) {
		return true
	}
	i := strings.IndexByte(s, '?')
	return i >= 0 && hasOdd(s[i+1:], &odd)
}

// probesOf returns what of a request looks like an attack.
func probesOf(r *parsers.Request) []hit {
	p := &prober{}
	p.path(clamp(r.Path))
	p.query(clamp(r.Query), "parameter", false)
	p.query(clamp(r.Body), "the body's field", true) // people write all kinds of things in one
	if oddHeader(r.UserAgent) {
		p.whole("the user agent was", clamp(r.UserAgent), agentClasses)
	}
	if oddReferer(r.Referer) {
		p.whole("the referer was", clamp(r.Referer), agentClasses)
		if _, query, ok := strings.Cut(clamp(r.Referer), "?"); ok {
			// A referer may be the page of a search engine, and that of somebody who probes
			// is one that was asked for before.
			p.query(query, "the referer's parameter", true)
		}
	}
	if name := scannerOf(r.UserAgent); name != "" {
		p.add(hit{Class: scannerAgent, Sure: true, Where: "the user agent was", Value: r.UserAgent})
	}
	return p.hits
}

func clamp(s string) string { return s[:min(len(s), maxProbeText)] }

type prober struct{ hits []hit }

func (p *prober) add(h hit) {
	h.tag = tag(h.Class + h.Value)
	h.Value = clip(h.Value)
	p.hits = append(p.hits, h)
}

func (p *prober) has(class string) bool {
	return slices.ContainsFunc(p.hits, func(h hit) bool { return h.Class == class })
}

// whole judges a header.
func (p *prober) whole(where, text string, classes []rule) {
	for class, sure := range judge(text, classes) {
		p.add(hit{Class: class, Sure: sure, Where: where, Value: text})
	}
}

// path judges a path: as a whole, and its segments as values.
func (p *prober) path(path string) {
	if !oddPath(path) {
		return
	}
	encoded := strings.Contains(strings.ToLower(path), "%2e") || strings.Contains(strings.ToLower(path), "%2f") && strings.Contains(path, "..")
	for depth := 0; ; depth++ {
		if ups := climbs(path); ups > 0 {
			// Browsers and tools resolve these before they ask; crawlers of a broken page may not.
			sure := depth > 1 || strings.Contains(path, "..;") || signsIn(strings.ToLower(path))&signOfFile != 0 || (encoded || above(path)) && !relativeLink(path, ups)
			p.add(hit{Class: traversal, Sure: sure, Where: "the path was", Value: path})
			break
		}
		decoded := unescape(path, false)
		if depth == 2 || decoded == path {
			break
		}
		path = decoded
	}
	path = unescape(unescape(path, false), false)
	if last := lastSegment(path); emptyScripts[strings.ToLower(last)] {
		path = path[:strings.LastIndex(path, last)]
	}
	for class, sure := range judge(path, pathClasses) {
		if sure || class != commandInjection { // "/a;type=b" is a matrix parameter
			p.add(hit{Class: class, Sure: sure, Where: "the path was", Value: path})
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if sure, ok := sqli(segment); ok {
			p.add(hit{Class: sqlInjection, Sure: sure, Where: "the path had", Value: segment})
		}
	}
	if sure, ok := xss(path); ok && !p.has(crossSite) {
		p.add(hit{Class: crossSite, Sure: sure, Where: "the path was", Value: path})
	}
}

// relativeLink tells whether a path with so many climbs ends as the links between documents
// and their pictures do, which an application may ask for as a name: "files/..%2Fnotes.md".
func relativeLink(path string, climbs int) bool {
	dot := strings.LastIndexByte(path, '.')
	if climbs > 2 || dot < 0 {
		return false
	}
	switch strings.ToLower(path[dot:]) {
	case ".md", ".markdown", ".rst", ".adoc", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp":
		return true
	}
	return false
}

// emptyScripts are what links have that do nothing. Programs that take them for the name of
// a page ask for it.
var emptyScripts = map[string]bool{"javascript:": true, "javascript:;": true, "javascript:void(0)": true, "javascript:void(0);": true,
	"javascript:history.back()": true, "javascript:history.go(-1)": true}

// query judges each parameter. Where all are doubtful, none is sure.
func (p *prober) query(query, what string, doubtful bool) {
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		if name, _, _ := strings.Cut(param, "="); reaches(name) {
			p.add(hit{Class: templateInjection, Sure: !doubtful, Where: what + " was", Value: param})
			continue
		}
		if !hasOdd(param, &odd) {
			continue
		}
		name, value, ok := strings.Cut(param, "=")
		name = unescape(unescape(name, true), false)
		if !ok { // a value without a name
			name, value = "", param
		}
		before := len(p.hits)
		p.param(name, value)
		for i := before; i < len(p.hits); i++ {
			h := &p.hits[i]
			h.Sure = h.Sure && (!doubtful || h.Class == xmlEntity && fetchesEntity(value))
			h.Text = soughtNames[bareName(name)]
			h.Where = fmt.Sprintf("%s %q was", what, clip(name))
		}
	}
}

// param judges a parameter: its decoded name, then its value, decoded once and twice.
func (p *prober) param(name, value string) {
	if p.value(name, name) {
		return
	}
	once := unescape(value, true)
	if p.value(name, once) {
		return
	}
	if twice := unescape(once, false); twice != once {
		p.value(name, twice)
	}
}

// value judges a decoded value and tells whether anything was found.
func (p *prober) value(name, value string) bool {
	if !hasOdd(value, &odd) {
		return false
	}
	before := len(p.hits)
	for class, sure := range judge(value, valueClasses) {
		p.add(hit{Class: class, Sure: sure, Value: value})
	}
	if value != name && commandNames[bareName(name)] && !p.has(commandInjection) {
		if _, word, rest := firstCommand(strings.ToLower(value)); word != "" && (rest == "" || rest[0] == ' ') {
			p.add(hit{Class: commandInjection, Sure: true, Value: value})
		}
	}
	if slices.ContainsFunc(p.hits[before:], func(h hit) bool { return h.Sure }) {
		return true
	}
	if sure, ok := sqli(value); ok && !isOwnQuery(name, value) {
		p.add(hit{Class: sqlInjection, Sure: sure, Value: value})
	}
	if sure, ok := xss(value); ok {
		p.add(hit{Class: crossSite, Sure: sure, Value: value})
	}
	return len(p.hits) > before
}

// sqli asks the library, and is sure where the value has what people do not write.
func sqli(value string) (sure, ok bool) {
	// A formula is no SQL, and libinjection takes it for some.
	if !hasOdd(value, &odd) || !hasWord(value) {
		return false, false
	}
	if !libraryFinds(isSQLi, value) {
		ok = strings.IndexByte(value, ';') >= 0 && signsIn(strings.ToLower(value))&signOfStatement != 0 && sqlStacked().MatchString(value)
		return ok, ok
	}
	if c := value[0]; c == '{' || c == '[' {
		var plain bytes.Buffer // without blanks that stand in no text
		if json.Compact(&plain, []byte(value)) == nil {
			return false, hasText(plain.String())
		}
	}
	return sqlSure().MatchString(value) && !statement().MatchString(value), true
}

// hasText tells whether something in JSON is more than a number or a word: a variable of a query,
// as {"offset":40,"limit":20}, is neither SQL nor prose.
func hasText(object string) bool {
	return strings.ContainsFunc(object, func(c rune) bool {
		return c >= utf8.RuneSelf || !isAlnum(byte(c)) && !strings.ContainsRune(`{}[]:,"._-`, c)
	})
}

// hasWord tells whether a value has a letter, or a quote that may begin a text.
func hasWord(value string) bool {
	for i := range len(value) {
		if c := value[i]; c > '@' || c == '\'' || c == '"' {
			return true
		}
	}
	return false
}

// xss asks the library, and is sure where the value has a tag, a handler of an event or
// a script.
func xss(value string) (sure, ok bool) {
	if strings.IndexByte(value, '<') < 0 && !hasAttribute(value) || !libraryFinds(libinjection.IsXSS, value) {
		return false, false
	}
	return xssSure().MatchString(value), true
}

func isSQLi(value string) bool {
	found, _ := libinjection.IsSQLi(value)
	return found
}

// libraryFinds asks one of the library's two judges. There is text over which it panics: v0.3.2
// reads past the end of "<![CDATA[a]bc]". People write none that is, so it counts as found.
func libraryFinds(judge func(string) bool, value string) (found bool) {
	defer func() {
		if recover() != nil {
			found = true
		}
	}()
	return judge(value)
}

// hasAttribute tells whether an attribute of a tag may stand in a value, at its begin or behind
// a blank, a slash, a bracket or a quote. In a value without a tag the library finds nothing
// else.
func hasAttribute(value string) bool {
	for end := range len(value) {
		if value[end] != '=' {
			continue
		}
		name := strings.TrimRight(value[:end], "\x00\t\n\v\f\r ")
		start := len(name)
		for start > 0 && (isLetter(name[start-1]) || name[start-1] == ':' || name[start-1] == 0) {
			start--
		}
		if start < len(name) && (start == 0 || strings.IndexByte("\t\n\v\f\r />'\"`", name[start-1]) >= 0) {
			return true
		}
	}
	return false
}

// pattern is a regular expression that is compiled when it is first asked for: commands
// that judge no request need none.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

var (
	// sqlStacked is a statement behind the end of another one, which the library does not
	// look for.
	sqlStacked = pattern(`(?i)(^|['")\d])\s*;\s*\(?\s*(select\s*[(*@]|select\s+case\s|select\s+[\w,.]+\s*(\(|from\s)|waitfor\s+delay\s|iif\s*\(\d|` +
		`(drop|alter|truncate)\s+(table|database|user|function)\s|insert\s+into\s+\w+\s*[(v]|delete\s+from\s+\w+\s*(where\s|;|--|$)|update\s+\w+\s+set\s+\w+\s*=|exec(ute)?\s*\(|declare\s+@)`)
	// statement is a query as people write it: what is injected ends another one first, or
	// goes on with it.
	statement = pattern(`(?is)^\s*(select\s[\w\s*(),.]+\sfrom\s[^;'"]*|(insert\s+into|update|delete\s+from|create|alter|drop|explain)\s[^;'"]*)$`)
	sqlSure   = pattern(`(?i)\bunion\b.{0,40}\bselect\b|\bselect\b.{1,200}\bfrom\b|information_schema|\bsleep\s*\(|\bbenchmark\s*\(|` +
		`\bpg_sleep\b|\bwaitfor\s+delay\b|\bxp_cmdshell\b|\bextractvalue\s*\(|\bupdatexml\s*\(|\bload_file\s*\(|\binto\s+(out|dump)file\b|` +
		`\b(drop|alter|truncate)\s+(table|database)\b|\binsert\s+into\b|\bdelete\s+from\b|\bexec(ute)?\s*\(|@@\w|\bchar\s*\(\s*\d|\bconcat\s*\(|` +
		`\bdbms_|\butl_|['")]\s*(or|and|\|\||&&|having|order\s+by|group\s+by|xor|like|rlike)\b.*[=<>'"(]|\b(or|and)\b\s+['"(]?\d+['")]?\s*(=|<|>|like|--)|` +
		`['")]\s*(--|#|/\*|;)|/\*.*\*/|\b(or|and)\b\s+\S+\s*=\s*\S+\s*(--|#|/\*)|\border\s+by\s+\d+\s*(--|#)|\bselect\s*[(@'"]|\bdeclare\s+@`)
	xssSure = pattern(`(?i)<\s*/?\s*[a-z!?][^<]{0,200}(\bon[a-z]{3,20}\s*=|src|href|>|/)|\bon[a-z]{3,20}\s*=\s*\S*\(|(java|vb)script\s*:|<script|data:text/html`)
)

// A rule of a class judges a text. It is asked about no text without any of the marks that
// it needs.
type rule struct {
	class string
	needs marks
	judge func(*judged) (sure, ok bool)
}

// A judged is a text that rules judge: as it is and in lower case, with what stands in it.
type judged struct {
	text, lower string
	marks       marks // of the text
	signs       signs // of the lower case
}

// judge yields the classes that a text is of, and whether that is beyond doubt.
func judge(text string, rules []rule) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		marks := marksIn(text)
		var t *judged
		for _, rule := range rules {
			if marks&rule.needs == 0 {
				continue
			}
			if t == nil {
				lower := strings.ToLower(text)
				t = &judged{text, lower, marks, signsIn(lower)}
			}
			if sure, ok := rule.judge(t); ok && !yield(rule.class, sure) {
				return
			}
		}
	}
}

// words are the commands that those who inject one begin with.
var words = wordSet(`cat ls id whoami uname wget curl nc ncat netcat bash sh zsh ksh python python2 python3 perl ruby php ping nslookup
	dig getent sleep echo type dir net netstat cmd powershell pwsh ifconfig ipconfig ip env set printenv chmod chown rm cp mv touch head
	tail ps find awk sed tee kill reboot shutdown certutil busybox socat`)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		set[w] = true
	}
	return set
}

// firstCommand returns the command that a text in lower case begins with, and what
// follows it; path is the folder of programs before it. It is "" if there is none.
func firstCommand(text string) (path, command, rest string) {
	text = strings.TrimLeft(text, " \t+")
	plain := strings.TrimPrefix(strings.TrimPrefix(text, "/"), "usr/")
	plain = strings.TrimPrefix(strings.TrimPrefix(plain, "s"), "bin/")
	path = text[:len(text)-len(plain)]
	if !strings.HasSuffix(path, "bin/") { // "sleep" has lost its s
		path, plain = "", text
	}
	n := 0
	for n < len(plain) && (isLetter(plain[n]) || isDigit(plain[n])) {
		n++
	}
	if !words[plain[:n]] {
		return "", "", ""
	}
	return path, plain[:n], plain[n:]
}

// command looks for what a shell would run: a command after a character that ends the one
// before. After a semicolon, as prose has them too, it needs an argument that is none of
// prose, or nothing behind it.
func command(t *judged) (sure, ok bool) {
	if t.signs&signOfCommand != 0 {
		return true, true
	}
	text := t.lower
	for i := 0; i < len(text); i++ {
		var certain bool
		switch c := text[i]; {
		case c == '|', c == '`', c == '\n', c == '(' && i > 0 && strings.IndexByte("$<>", text[i-1]) >= 0, c == '&' && i > 0 && text[i-1] == '&':
			certain = true
		case c != ';' && c != '&':
			continue
		}
		path, word, rest := firstCommand(text[i+1:])
		if word == "" || rest != "" && strings.IndexByte(" \t\n;|&`)<>$/", rest[0]) < 0 {
			continue
		}
		argument := strings.TrimLeft(rest, " \t+")
		switch {
		case certain, path != "", text[i] == ';' && (argument == "" || strings.IndexByte(";|&`$/-.", argument[0]) >= 0),
			argument != "" && len(argument) < len(rest) && strings.IndexByte("/-", argument[0]) >= 0,
			strings.HasPrefix(argument, "http:"), strings.HasPrefix(argument, "https:"):
			return true, true
		}
		ok = ok || text[i] == ';'
	}
	return false, ok
}

// anyIn tells whether any of the signs stands in a text.
func anyIn(text string, signs []string) bool {
	for _, sign := range signs {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

var (
	phpCalls      = []string{"phpinfo(", "passthru(", "shell_exec(", "base64_decode(", "proc_open(", "file_put_contents(", "eval(", "assert(", "popen(", "system("}
	opening       = marksIn("{@%") // one of them is in what opensExpression
	templateWords = []string{"__", "config", "self.", "request.", ".class", "getclass", "constructor", "cycler", "lipsum", "runtime", "exec", "popen", "import",
		"system(", "processbuilder", "if true", "application.", "session.", "t(java"}

	arithmetic = pattern(`\d\s*[*+/-]\s*\d`)
	serialised = pattern(`(?:^|[;{])[oc]:\d+:"[a-z_\\0-9]+":\d+:\{`)
	header     = pattern(`^(?:set-cookie|location|content-(?:type|length|disposition|security-policy)|transfer-encoding|x-[a-z-]{2,40}|` +
		`refresh|access-control-[a-z-]+|link|http/1\.[01])\s*[: ]\s*\S`)
	scriptSure = pattern(`(?:java|vb)script:\s*[a-z]\S*[(=` + "`" + `]|</\s*script|<[a-z/!][^<]{0,200}\bon[a-z]{4,20}\s*=|` +
		`["'][^"'<>]{0,100}[\s/]on[a-z]{4,20}\s*=\s*["']?[a-z]\S*[(` + "`" + `]|` +
		`["'` + "`" + `;>]\s*-?(?:alert|prompt|confirm)\s*[(` + "`" + `.]|["'` + "`" + `;>=]\s*document\.(?:cookie|domain|location)`)
	mailCommand  = pattern(`^(?:mail from:|rcpt to:|ehlo \S|helo \S|apop \S+ [0-9a-f]{32}|auth (?:login|plain|cram-md5)\b|[a-z]\d+ (?:capability|fetch|login) ?)`)
	callable     = pattern(`['"\[(]\s*(?:system|passthru|shell_exec|exec|popen|proc_open|assert|phpinfo)\s*['"\])]+[^a-z]{0,12}\(`)
	filterOpens  = pattern(`^\)\s*[&|!]?\s*\(\s*(?:[&|!]|[a-z][a-z0-9-]{1,40}\s*[~<>]?=)`)
	filterGoesOn = pattern(`\)\s*\(\s*[&|!]?\s*\(?\s*[a-z][a-z0-9-]{1,40}\s*[~<>]?=\s*[*(]|\*\)\s*\([&|!]?\(?[a-z][a-z0-9-]{1,40}[~<>]?=|\)\s*\([|&]\s*\(`)
	scriptDoubt  = pattern(`\b(?:alert|prompt|confirm)\)?\s*(?:\(|` + "`" + `|\.(?:call|apply)\()`)
)

// commandNames are the plain names of parameters that hold a command.
var commandNames = map[string]bool{"cmd": true, "exec": true, "command": true, "execute": true, "shell": true, "cli": true}

func php(t *judged) (sure, ok bool) {
	text := t.lower
	if t.signs&signOfPHP != 0 || hasLength(text) && serialised().MatchString(text) {
		return true, true
	}
	if t.signs&signOfPHPName != 0 && strings.IndexByte(text, '(') >= 0 && callable().MatchString(text) {
		return true, true
	}
	if t.signs&signOfPHPCall == 0 {
		return false, false
	}
	for _, call := range phpCalls {
		if i := strings.Index(text, call); i == 0 || i > 0 && !isLetter(text[i-1]) && text[i-1] != '_' {
			return true, true
		}
	}
	return false, false
}

// hasLength tells whether the length of a text may stand before it, as PHP writes objects.
func hasLength(text string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], `:"`)
		if i < 0 {
			return false
		}
		if from += i; from > 0 && isDigit(text[from-1]) {
			return true
		}
		from += len(`:"`)
	}
}

// template looks for expressions of template engines that compute or reach for something.
// What only names a value was left over by a page.
func template(t *judged) (sure, ok bool) {
	if t.signs&signOfTemplate != 0 {
		return true, true
	}
	if t.marks&opening == 0 {
		return false, false
	}
	for text := t.lower; text != ""; {
		var body string
		if body, text = expression(text); anyIn(body, templateWords) || arithmetic().MatchString(body) {
			return true, true
		}
	}
	return false, false
}

// maxExpression is how much is looked at, in bytes, of an expression that is not closed.
const maxExpression = 200

// expression returns what stands within the first expression of a text, with those that open in
// it, and the text from its end on.
func expression(text string) (body, rest string) {
	start, end := 0, len(text)
	for i := 1; i < end; i++ {
		switch c := text[i]; {
		case opensExpression(text[i-1], c):
			if start == 0 {
				start = i + 1
			}
			end = min(i+1+maxExpression, len(text))
		case start > 0 && (c == '}' || c == '>'):
			return text[start:i], text[i:]
		}
	}
	if start == 0 {
		return "", ""
	}
	return text[start:end], text[end-1:] // its last byte may open another one
}

// opensExpression tells whether an expression of a template engine begins behind two bytes.
func opensExpression(a, b byte) bool {
	switch b {
	case '{':
		return strings.IndexByte("{$#*%", a) >= 0
	case '(':
		return a == '@'
	case '%':
		return a == '<' || a == '{'
	}
	return false
}

func file(t *judged) (sure, ok bool) {
	text, found := t.text, t.signs&signOfFile != 0
	if ups := climbs(text); ups > 0 {
		return ups > 1 || found || strings.IndexByte(text, 0) >= 0, true
	}
	if strings.Contains(text, "\xc0\xae") || strings.Contains(text, "\xc0\xaf") {
		return true, true
	}
	// People ask how to edit etc/hosts; a path has no spaces, or is not the only thing there.
	return found && (strings.IndexByte(text, ' ') < 0 || strings.IndexByte(`;|&$`, text[0]) >= 0 || runs(t.lower)), found
}

// runs tells whether a text begins with a command.
func runs(lower string) bool {
	_, word, rest := firstCommand(lower)
	return word != "" && rest != "" && rest[0] == ' '
}

// fileInPath is for what a path asks for without climbing, which is told already.
func fileInPath(t *judged) (sure, ok bool) {
	if climbs(t.text) > 0 {
		return false, false
	}
	return file(t)
}

func entity(t *judged) (sure, ok bool) {
	found := t.signs&signOfXML != 0 || t.signs&signOfDoctype != 0 && (strings.Contains(t.lower, " system ") || strings.Contains(t.lower, " public "))
	return found, found
}

// fetchesEntity tells whether a value, as logged, is XML with an external entity: that is no
// text that people write.
func fetchesEntity(value string) bool {
	text := unescape(value, true)
	url, _ := externalEntity(text)
	return url != "" && isXML(text)
}

func script(t *judged) (sure, ok bool) {
	text, signs := t.lower, t.signs
	if strings.Contains(text, "&#") { // browsers read "jav&#x09;ascript:" without the tab
		text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(html.UnescapeString(text))
		signs = signsIn(text)
	}
	if signs&signOfScript == 0 && (signs&signOfTag == 0 || strings.IndexByte(text, '<') < 0) && !handlesEvent(text) {
		return false, false
	}
	if scriptSure().MatchString(text) {
		return true, true
	}
	return false, signs&signOfScript != 0 && scriptDoubt().MatchString(text)
}

// handlesEvent tells whether an attribute that handles an event stands in a text in lower
// case: "onload =".
func handlesEvent(text string) bool {
	for end := range len(text) {
		if text[end] != '=' {
			continue
		}
		name := strings.TrimRight(text[:end], "\t\n\f\r ")
		start := len(name)
		for start > 0 && 'a' <= name[start-1] && name[start-1] <= 'z' {
			start--
		}
		if name = name[start:]; len(name) >= len("onload") && name[:2] == "on" {
			return true
		}
	}
	return false
}

// maxLineStart is how much of a line is looked at for the name of a header and its value.
const maxLineStart = 256

// splitting looks for a line that is a header, or one that a mail server takes for a command.
func splitting(t *judged) (sure, ok bool) {
	for rest := t.lower; ; {
		i := strings.IndexAny(rest, "\r\n")
		if i < 0 {
			return false, false
		}
		rest = strings.TrimLeft(rest[i+1:], "\t\n\f\r ")
		if line := rest[:min(len(rest), maxLineStart)]; line != "" && isLetter(line[0]) && (header().MatchString(line) || mailCommand().MatchString(line)) {
			return true, true
		}
	}
}

func nosql(t *judged) (sure, ok bool) {
	ok = t.signs&signOfNoSQL != 0
	return ok, ok
}

// ldap looks for a filter that is closed and gone on with: "*)(uid=*".
func ldap(t *judged) (sure, ok bool) {
	text := t.lower
	if !opensAgain(text) {
		return false, false
	}
	ok = filterGoesOn().MatchString(text)
	if i := strings.IndexAny(text, "()"); !ok && text[i] == ')' { // it closes what it has not opened
		ok = filterOpens().MatchString(text[i:])
	}
	return ok, ok
}

// opensAgain tells whether a bracket is closed in a text and one opened after it.
func opensAgain(text string) bool {
	for i := range len(text) {
		if text[i] == ')' {
			if rest := strings.TrimLeft(text[i+1:], "\t\n\f\r "); rest != "" && (rest[0] == '(' || rest[0] == '&' || rest[0] == '|' || rest[0] == '!') {
				return true
			}
		}
	}
	return false
}

// callsBack looks for the hosts by which tools learn that an application has fetched what they
// named: nobody else has names there. Among words it may be what is written about them.
func callsBack(t *judged) (sure, ok bool) {
	ok = t.signs&signOfCallback != 0
	return ok && strings.IndexByte(t.text, ' ') < 0, ok
}

// sureFile is for headers, where a climb alone may be a link that a program did not resolve.
func sureFile(t *judged) (sure, ok bool) {
	ok = t.signs&signOfFile != 0 && climbs(t.text) > 0
	return ok, ok
}

// sureSQL and sureXSS are for user agents: every browser's has brackets and semicolons.
func sureSQL(t *judged) (sure, ok bool) {
	sure, ok = sqli(t.text)
	return sure, ok && sure
}

func sureXSS(t *judged) (sure, ok bool) {
	sure, ok = xss(t.text)
	return sure, ok && sure
}

var (
	valueClasses = []rule{
		{jndiLookup, marksIn("$"), jndi},
		{commandInjection, marksIn("|&`;$<>(/\n-"), command},
		{phpInjection, marksIn(`(<$[/:"_`), php},
		{templateInjection, marksIn("{<#[!(_."), template},
		{nosqlInjection, marksIn("$"), nosql},
		{ldapInjection, marksIn("("), ldap},
		{traversal, marksIn("/\\.\xc0x"), file},
		{xmlEntity, marksIn("<:"), entity},
		{headerInjection, marksIn("\r\n"), splitting},
		{callback, marksIn("."), callsBack},
		{crossSite, marksIn("<(`:=."), script},
	}
	pathClasses = []rule{
		{jndiLookup, marksIn("$"), jndi},
		{commandInjection, marksIn("|&`;$<>(\n"), command},
		{phpInjection, marksIn("(<$[:"), php},
		{templateInjection, marksIn("{<#[!(_"), template},
		{headerInjection, marksIn("\r\n"), splitting},
		{xmlEntity, marksIn("<"), entity},
		{traversal, marksIn("/\\.\xc0"), fileInPath},
		{crossSite, marksIn("<(`:=."), script},
	}
	agentClasses = []rule{
		{jndiLookup, marksIn("$"), jndi},
		{commandInjection, marksIn("(|`"), command},
		{phpInjection, marksIn("(<$"), php},
		{templateInjection, marksIn("{"), template},
		{xmlEntity, marksIn("<"), entity},
		{sqlInjection, marksIn(`'"`), sureSQL},
		{traversal, marksIn("."), sureFile},
		{crossSite, marksIn("<"), sureXSS},
	}
)

// climbs counts the ".." between separators in a text.
func climbs(text string) (n int) {
	for from := 0; ; {
		i := strings.Index(text[from:], "..")
		if i < 0 {
			return n
		}
		i += from
		end := i + len("..")
		from = end
		if i > 0 && strings.IndexByte(`/\=:`, text[i-1]) < 0 {
			continue
		}
		for end < len(text) && (text[end] == ';' || text[end] == 0) { // "..;/" slips past some proxies
			end++
		}
		if end < len(text) && (text[end] == '/' || text[end] == '\\') {
			n++
		}
	}
}

// above tells whether a path climbs out of where it began.
func above(path string) bool {
	depth := 0
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if strings.HasPrefix(segment, "..") && strings.Trim(segment[2:], ";\x00") == "" {
			if depth--; depth < 0 {
				return true
			}
			continue
		}
		depth++
	}
	return false
}

// jndi resolves the lookups of Log4j from within, as it does, until one is "jndi:".
func jndi(t *judged) (sure, ok bool) {
	var text []byte // with what was resolved
	var open []int  // where lookups begin in it that are not closed
	for i := range len(t.lower) {
		c := t.lower[i]
		if last := len(open) - 1; c == '}' && last >= 0 {
			start := open[last]
			if asksJNDI(text[start:]) {
				return true, true
			}
			text, open = append(text[:start-len("${")], resolved(string(text[start:]))...), open[:last]
			continue
		}
		if text = append(text, c); bytes.HasSuffix(text, []byte("${")) {
			open = append(open, len(text))
		}
	}
	ok = slices.ContainsFunc(open, func(start int) bool { return asksJNDI(text[start:]) })
	return ok, ok
}

func asksJNDI(lookup []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeftFunc(lookup, unicode.IsSpace), []byte("jndi:"))
}

// resolved returns what Log4j puts in the place of a lookup, as far as that is known here.
func resolved(lookup string) string {
	if i := strings.LastIndex(lookup, ":-"); i >= 0 {
		return lookup[i+len(":-"):]
	}
	for _, name := range [...]string{"lower:", "upper:", "date:"} {
		if value, found := strings.CutPrefix(lookup, name); found {
			return strings.Trim(value, "'")
		}
	}
	return lookup
}

// scanners are the words by which tools that look for holes name themselves.
var scanners = map[string]bool{
	"sqlmap": true, "nikto": true, "nuclei": true, "projectdiscovery": true, "zgrab": true, "masscan": true, "gobuster": true, "ffuf": true,
	"dirb": true, "dirbuster": true, "dirsearch": true, "feroxbuster": true, "wpscan": true, "acunetix": true, "nessus": true, "openvas": true,
	"burp": true, "burpsuite": true, "burpcollaborator": true, "netsparker": true, "invicti": true, "arachni": true, "w3af": true, "wfuzz": true,
	"whatweb": true, "skipfish": true, "havij": true, "jaeles": true, "joomscan": true, "droopescan": true, "cmsmap": true, "commix": true,
	"tplmap": true, "xsser": true, "xsstrike": true, "dalfox": true, "fimap": true, "sqlninja": true, "nmap": true, "zmeu": true, "morfeus": true,
	"muieblackcat": true, "l9explore": true, "l9tcpid": true, "leakix": true, "zaproxy": true, "webinspect": true, "appscan": true,
	"whatwaf": true, "wafw00f": true, "brutus": true, "httprint": true,
	"jorgee": true, "gotestwaf": true, "meterpreter": true, "metasploit": true, "hakrawler": true, "kiterunner": true,
}

// scannerOf returns the word by which a user agent is a scanner's; "" if it is none. What
// looks like a browser from its first word to its last is taken for one.
func scannerOf(agent string) string {
	const browser = "Mozilla/5.0 ("
	n := len(agent)
	if n == 0 || n > len(browser) && agent[:len(browser)] == browser && agent[len(browser)] != 'c' && isDigit(agent[n-1]) {
		return ""
	}
	agent = agent[:min(n, 256)]
	for i := 0; i < len(agent); {
		if !isLetter(agent[i]) {
			i++
			continue
		}
		start := i
		for i < len(agent) && (isLetter(agent[i]) || isDigit(agent[i])) {
			i++
		}
		if word := agent[start:i]; isScanner(word) {
			return word
		}
	}
	if strings.HasPrefix(agent, "Fuzz Faster U Fool") {
		return "Fuzz Faster U Fool"
	}
	return ""
}

var scannerLengths = lengthsOf(maps.Keys(scanners))

func isScanner(word string) bool {
	if !scannerLengths.may(word) {
		return false
	}
	var buf [len("projectdiscovery")]byte
	for i := range len(word) {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	return scanners[string(buf[:len(word)])]
}
