package detect

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/litesoc/litesoc/parsers"
)

// SSRF finds URLs in requests that aim inside.
func SSRF() *Detector {
	d := &Detector{
		Name: "ssrf",
		Doc: `a URL that aims inside, given to the application to fetch

Webhooks, imports and previews fetch what users name. What only the server can reach, it then
reaches for them: credentials of the cloud first. Parameters and paths are decoded up to
twice, base64 once, and hosts understood as an HTTP client would. Where a repository, a database
or a queue stands inside, to which a server connects as it is told, that is one, too. Of the pictures,
frames and styles of HTML, Markdown and CSS, which what makes a PDF of them fetches, those count
that are metadata of clouds, or files.

What has an innocent reason is lower, and says so:

- a login of a native app that comes back to its own machine, and a payment or a logout that does;
- a page that tells where it is shown, as analytics and error reports do, or that a browser says it asks from and gets hardly an answer, as long as there are few such places;
- an origin whose pages may ask, and the site's own host to who is inside, too;
- a text that is searched for, a link that broke, a placeholder that was not filled in, and a host without a scheme;
- a request whose own host is that of the metadata of a cloud: only a proxy that goes where it is told is of use for that.

Nothing else lowers what asks for the metadata of clouds, has another scheme than http, or hides
by its spelling where it aims.`,
		Type:      SuspiciousActivity,
		Severity:  Critical,
		Technique: "T1190",
		OWASP:     "API7:2023",
		Of:        AimKind,
		Match: func(r *parsers.Request) bool {
			if !mayAim(r) {
				return false
			}
			_, found := aimOf(r)
			return found
		},
		GroupBy: ByActor,
	}
	quiet := d.span("window", 10*time.Minute, "`time` of quiet after which an event is over")
	d.TTL = quiet
	d.New = func() State { return &ssrf{} }
	return d
}

type ssrf struct {
	Going *aiming
}

// An aiming is a series of URLs that aim inside.
type aiming struct {
	Episode
	Worst   aim      // the first of those that are worseThan all others
	Status  int      // of its answer
	Hosts   []string // distinct hosts as understood, in their order; at most maxAims
	URLs    Distinct
	Pages   Distinct `json:",omitempty"` // of the URLs that pages told they are at, the hosts with their ports
	Refused int64    // requests that were answered 4xx
	Let     int64    // requests that were answered 2xx
	// Accepted are URLs of these, sanitised and clipped; at most maxLoginNames.
	Accepted []string `json:",omitempty"`
}

// maxAims bounds the hosts that an event lists.
const maxAims = 10

// An aim is a URL in a request and where it aims.
type aim struct {
	Severity   Severity
	Confidence float64
	Param      string // name of the parameter, clipped; "" for the path
	URL        string // sanitised and clipped
	Sanitised  bool   // whether anything was taken out of the URL
	Verdict    Verdict
	Guard      string // why it is less severe than others; "" if it is not
	tag        uint64 // of the URL in full
	told       uint64 // of its host and port, if a page tells that it is there; else 0
}

// worseThan tells whether an aim that got so far is worse than another: more severe, else further,
// else after the credentials of a cloud.
func (a *aim) worseThan(b *aim, outcome, other Outcome) bool {
	switch {
	case a.Severity != b.Severity:
		return a.Severity > b.Severity
	case outcome != other:
		return other.further(outcome) == outcome
	}
	return a.Verdict.Range == rangeMetadata && b.Verdict.Range != rangeMetadata
}

// fetch tells by its answer how far a request for a URL got.
func fetch(status int) Outcome {
	switch status / 100 {
	case 2:
		return Succeeded
	case 4:
		return Blocked
	}
	return Attempted
}

// maxTold is how many places, by host and port, the pages are at that one client is shown. Who
// tells of more looks for what is inside: some services fetch what they are told.
const maxTold = 10

const guardTold = "a page that tells where it is shown looks the same"

func (s *ssrf) Observe(r *parsers.Request, emit func(Event)) {
	a, found := aimOf(r)
	if !found {
		return
	}
	if s.Going == nil {
		s.Going = &aiming{Episode: begin(r, Window{mark(r, a.tag)})}
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	if a.told != 0 {
		if g.Pages.Add(a.told); len(g.Pages) > maxTold {
			a.Severity, a.Confidence, a.Guard = High, 0.8, fmt.Sprintf("more than %d places were told as if pages were there", maxTold)
		}
	}
	outcome := fetch(r.Status)
	if len(g.URLs) == 0 || a.worseThan(&g.Worst, outcome, fetch(g.Status)) {
		g.Worst, g.Status = a, r.Status
	}
	g.URLs.Add(a.tag)
	if host := a.Verdict.Host; host != "" && len(g.Hosts) < maxAims && !slices.Contains(g.Hosts, host) {
		g.Hosts = append(g.Hosts, host)
	}
	switch outcome {
	case Succeeded:
		g.Let++
		list(&g.Accepted, a.URL)
	case Blocked:
		g.Refused++
	}
	// How far the worst of them got is the story, not how far others did.
	switch {
	case a.Severity > g.Severity:
		g.Severity, g.Outcome = a.Severity, outcome
	case a.Severity == g.Severity:
		g.reach(a.Severity, outcome)
	}
	g.tell(emit, s.describe)
}

func (s *ssrf) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *ssrf) describe(e *Event) {
	g := s.Going
	e.Name = SuspiciousActivity
	if e.Outcome == Blocked {
		e.Name = SSRFAttemptBlocked
	}
	w := &g.Worst
	e.Confidence = w.Confidence
	where := "the path"
	if w.Param != "" {
		where = fmt.Sprintf("parameter %q", w.Param)
	}
	worst := fmt.Sprintf("%q in %s: %s, answered %d", w.URL, where, w.Verdict.Reason, g.Status)
	if e.Count == 1 {
		e.Summary = fmt.Sprintf("%s sent a URL that aims inside or is not http(s), %s", who(e.ActorID, e.ActorType), worst)
	} else {
		e.Summary = fmt.Sprintf("%s sent %d requests with URLs that aim inside or are not http(s) in %s; the worst, %s",
			who(e.ActorID, e.ActorType), e.Count, inWords(e.Last.Sub(e.First)), worst)
	}
	if g.Let > 0 && e.Count > 1 {
		e.Summary += fmt.Sprintf("; %d accepted (2xx)", g.Let)
		if len(g.Accepted) > 1 {
			e.Summary += ": " + firstFew(g.Accepted, len(g.Accepted))
		}
	}
	if w.Guard != "" {
		e.Summary += "; " + w.Guard
	}
	hosts := g.Hosts
	if hosts == nil {
		hosts = []string{}
	}
	e.Metadata = Meta("provided_url", w.URL, "sanitised", w.Sanitised, "parameter", w.Param, "target", w.Verdict.Target,
		"range", w.Verdict.Range, "host", w.Verdict.Host, "reason", w.Verdict.Reason, "status", g.Status,
		"distinct_urls", len(g.URLs), "hosts", hosts, "refused", g.Refused, "accepted", g.Let, "accepted_urls", orNone(g.Accepted))
}

// mayAim tells, at little cost, whether a request may hold a URL or a host: nothing that
// aimOf finds is without what is looked for here.
func mayAim(r *parsers.Request) bool { return featuresOf(r).aims || hostOfMetadata(r) }

// hostOfMetadata tells whether a request says that it is for where clouds tell machines their
// credentials: a proxy that goes where it is told passes it on.
func hostOfMetadata(r *parsers.Request) bool {
	switch r.Host {
	case "169.254.169.254", "169.254.170.2", "100.100.100.200", "metadata.google.internal":
		return true
	}
	return false
}

// mayAimInPath is mayAim for a path.
func mayAimInPath(path string) bool {
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case ':':
			return true
		case '%':
			if mayHide(path[i:], false) {
				return true
			}
		}
	}
	return false
}

// mayAimIn is mayAim for the parameters of a query or a body.
func mayAimIn(query string) bool {
	for i := 0; i < len(query); i++ {
		switch query[i] {
		case ':', '/', '\\', '.', '[':
			return true
		case '%':
			if mayHide(query[i:], true) {
				return true
			}
		case '=':
			if beginsAim(strings.TrimLeft(query[i+1:], `+ "'<>`)) {
				return true
			}
		default:
			if query[i] >= utf8.RuneSelf {
				return true
			}
		}
	}
	return false
}

// mayHide tells whether the escape that s begins with stands for a character that
// matters, or for another escape. A letter or digit that is encoded matters in a query:
// nobody does that for nothing.
func mayHide(s string, query bool) bool {
	if len(s) < 3 {
		return false
	}
	switch s[1] {
	case '0':
		return query
	case '2':
		return s[2] == '5' || query && (s[2] == '2' || s[2] == '7' || s[2]|0x20 == 'e' || s[2]|0x20 == 'f')
	case '3':
		return query || s[2]|0x20 == 'a'
	case '4', '5', '6', '7':
		return query
	}
	return query && s[1] >= '8' // digits of other widths, dots too
}

// loneNames are the hosts without a dot that count where no scheme stands before them.
var loneNames = [...]string{"localhost", "metadata", "instance-data"}

// encodedHTTP is what base64 makes of "http".
const encodedHTTP = "aHR0c"

// beginsAim tells whether s begins with a loneName, or with encodedHTTP.
func beginsAim(s string) bool { return loneName(s) || strings.HasPrefix(s, encodedHTTP) }

// loneName tells whether s begins with one of them.
func loneName(s string) bool {
	if s == "" || s[0] <= '9' {
		return false // it is a number, as most are
	}
	for _, name := range loneNames {
		if len(s) >= len(name) && s[0]|0x20 == name[0] && strings.EqualFold(s[:len(name)], name) {
			return true
		}
	}
	return false
}

// maxURLText bounds, in bytes, the text that is searched for URLs.
const maxURLText = 8 << 10

// aimOf returns the worst URL of a request that aims inside or is one that only other
// clients than browsers fetch.
func aimOf(r *parsers.Request) (worst aim, found bool) {
	for _, query := range [...]string{r.Query, r.Body} {
		for query = query[:min(len(query), maxURLText)]; query != ""; {
			var param string
			param, query, _ = strings.Cut(query, "&")
			name, value, ok := strings.Cut(param, "=")
			if !ok || value == "" || !mayAimIn(param) {
				continue
			}
			name = clip(unescape(name, true))
			for depth := 0; depth < 2; depth++ {
				decoded := unescape(value, depth == 0)
				if depth > 0 && decoded == value {
					break
				}
				value = decoded
				if a, ok := paramAim(r, name, value); ok && a.Severity > worst.Severity {
					worst, found = a, true
				}
			}
		}
	}
	path := r.Path[:min(len(r.Path), maxURLText)]
	for depth := 0; depth < 3; depth++ {
		if url := urlInPath(path); url != "" {
			if v, ok := aimsInside(url); ok {
				if a := guardPath(path, newAim("", url, v), url); a.Severity > worst.Severity {
					worst, found = a, true
				}
			}
		}
		decoded := unescape(path, false)
		if depth == 2 || decoded == path {
			break
		}
		path = decoded
	}
	if hostOfMetadata(r) && worst.Severity < Medium {
		worst, found = newAim("", "http://"+r.Host+r.Path, CheckURL("http://"+r.Host)), true
		worst.Severity, worst.Confidence, worst.Guard = Medium, 0.5, "it is the request's own host, which only a proxy that goes where it is told makes use of"
	}
	return worst, found
}

// newAim is a URL that aims inside, with nothing to say for it.
func newAim(param, url string, v Verdict) aim {
	url = strings.ToValidUTF8(url, "\ufffd")
	clean := sanitised(url)
	a := aim{Severity: Critical, Confidence: 0.8, Param: param, URL: clip(clean), Sanitised: clean != url, Verdict: v, tag: tag(url)}
	switch {
	case v.Range == rangeMetadata:
		a.Confidence = 0.95 // nobody means that for good
	case v.Target == TargetInside && !strings.Contains(strings.ToLower(url), v.Host):
		a.Confidence = 0.95 // nor hides an address
	case v.Target == TargetNotHTTP && strings.HasPrefix(strings.ToLower(url), "ftp"):
		a.Confidence = 0.5 // an old feed
	}
	return a
}

// paramAim judges the decoded value of a parameter.
func paramAim(r *parsers.Request, name, value string) (aim, bool) {
	if isXML(value) {
		if a, ok := xmlAim(r, name, value); ok {
			return a, true
		}
		return embeddedAim(name, value) // HTML closes not all that it opens
	}
	value = strings.Trim(value, " \t\r\n\"'<>")
	if value == "" {
		return aim{}, false
	}
	switch {
	case name == "query" && featuresOf(r).graphQL: // its arguments are the parameters
		return jsonAim(r, "", value)
	case value[0] == '{', value[0] == '[' && strings.IndexByte(value, '"') >= 0:
		return jsonAim(r, name, value)
	}
	if strings.IndexByte(value, ':') >= 0 && fetched(value) {
		if v, ok := aimsInside(value); ok {
			return guard(r, newAim(name, value, v), value), true
		}
		return nestedAim(name, value)
	}
	if strings.HasPrefix(value, encodedHTTP) {
		return encodedAim(r, name, value)
	}
	if strings.Contains(value, "://") {
		return embeddedAim(name, value)
	}
	if !bareHost(value) || !namedURL(name) {
		return aim{}, false
	}
	v := CheckURL(value)
	if v.Target != TargetInside || v.Range == rangeDotless { // "//home" is a path
		return aim{}, false
	}
	a := newAim(name, value, v)
	if v.Range != rangeMetadata && !slashed(value) {
		a.Severity, a.Confidence = Medium, 0.4
		a.Guard = "a host without a scheme may be one that is asked about, not fetched"
		if takesReports(r.Path) {
			a.Severity, a.Confidence, a.Guard, a.told = Low, 0.2, guardTold, tag(authority(value))
		}
	}
	return a, true
}

// encodedAim judges a URL in base64, as proxies of images take it. What keeps where a login comes
// from is no URL that is fetched.
func encodedAim(r *parsers.Request, name, value string) (aim, bool) {
	url, ok := decoded64(value)
	if !ok || !fetched(url) {
		return aim{}, false
	}
	v, ok := aimsInside(url)
	if !ok || v.Range != rangeMetadata && !namedURL(name) {
		return aim{}, false
	}
	return guard(r, newAim(name, url, v), url), true
}

// standard64 writes base64 of the alphabet for URLs in the other one.
var standard64 = strings.NewReplacer("-", "+", "_", "/")

// decoded64 undoes base64 of either alphabet, padded or not.
func decoded64(s string) (text string, ok bool) {
	b, err := base64.RawStdEncoding.DecodeString(standard64.Replace(strings.TrimRight(s, "=")))
	return string(b), err == nil && utf8.Valid(b)
}

// nestedAim returns the URL within another one that leads to the credentials of a cloud: services
// redirect to what their own parameters say. Links lead through such services for good, but not there.
func nestedAim(name, outer string) (aim, bool) {
	_, rest, _ := strings.Cut(unescape(outer, true), "://")
	for {
		i := strings.Index(rest, "://")
		if i < 0 {
			return aim{}, false
		}
		start := i
		for start > 0 && isLetter(rest[start-1]) {
			start--
		}
		url, _, _ := strings.Cut(rest[start:], "&")
		if v, ok := aimsInside(url); ok && v.Range == rangeMetadata {
			return newAim(name, url, v), true
		}
		rest = rest[i+len("://"):]
	}
}

// embeddedAim returns the URL of a picture, a frame or a style in HTML, Markdown or CSS that leads to the
// credentials of a cloud or to a file: what makes a PDF or a preview of a text fetches those. Prose
// names them, and what people write for their own machine has other addresses inside.
func embeddedAim(name, text string) (aim, bool) {
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			return aim{}, false
		}
		i += from
		start := i
		for start > 0 && isLetter(text[start-1]) {
			start--
		}
		if fetchedInText().MatchString(text[max(start-maxBefore, 0):start]) {
			url := text[start:min(start+maxURLText, len(text))]
			if end := strings.IndexAny(url, "\"'<>) \t\r\n"); end >= 0 {
				url = url[:end]
			}
			if v, ok := aimsInside(url); ok && (v.Range == rangeMetadata || strings.EqualFold(text[start:i], "file")) {
				return newAim(name, url, v), true
			}
		}
		from = i + len("://")
	}
}

// fetchedInText finds, at the end of what stands before a URL, what makes a renderer fetch it.
var fetchedInText = pattern(`(?i)(?:\b(?:src|srcset|poster|data|background)\s*=|<(?:link|base|image|use)\b[^<>]*href\s*=|\burl\s*\(|@import|!\[[^\]]*\]\()\s*["']?$`)

// maxBefore bounds what is looked at before a URL.
const maxBefore = 200

// jsonAim returns the worst URL among the strings of JSON, or of GraphQL, in a parameter. Where
// that has no name, what stands before a string is its.
func jsonAim(r *parsers.Request, name, value string) (worst aim, found bool) {
	value = strings.ReplaceAll(value, `\/`, "/") // as JSON may have it
	for rest := value; ; {
		i := strings.Index(rest, "://")
		if i < 0 {
			return worst, found
		}
		start := i
		for start > 0 && rest[start-1] != '"' && rest[start-1] != '\'' {
			start--
		}
		end := i + len("://")
		for end < len(rest) && rest[end] != '"' && rest[end] != '\'' {
			end++
		}
		if url := rest[start:end]; fetched(url) {
			if v, ok := aimsInside(url); ok {
				named := cmp.Or(name, clip(lastWord(strings.TrimRight(rest[:start], "\"' :["))), "query")
				if a := guard(r, newAim(named, url, v), url); a.Severity > worst.Severity {
					worst, found = a, true
				}
			}
		}
		rest = rest[end:]
	}
}

// aimsInside judges a URL with a scheme.
func aimsInside(url string) (Verdict, bool) {
	if scheme, rest := cutScheme(tidyURL(url)); connectSchemes[scheme] {
		v := CheckURL("http:" + rest)
		return v, v.Target == TargetInside && v.Range != rangeDotless // ssh://backup is a name of ssh's own
	}
	v := CheckURL(url)
	return v, v.Target == TargetInside || v.Target == TargetNotHTTP
}

// fetchedSchemes are what the libraries of servers fetch: curl, Java, PHP, Python. The
// schemes of apps and of identifiers are none, nor are data and javascript, which are
// for browsers.
var fetchedSchemes = map[string]bool{
	"http": true, "https": true, "url": true, "file": true, "gopher": true, "gophers": true, "dict": true, "ldap": true, "ldaps": true, "ldapi": true,
	"ftp": true, "ftps": true, "sftp": true, "tftp": true, "scp": true, "smb": true, "telnet": true, "imap": true, "imaps": true,
	"pop3": true, "smtp": true, "rtsp": true, "jar": true, "netdoc": true, "local_file": true, "php": true, "phar": true,
	"expect": true, "glob": true, "zip": true, "compress.zlib": true, "ssh2": true, "rmi": true,
	"unix": true,
}

// connectSchemes are what servers connect to rather than fetch, as users tell them: repositories,
// databases, queues. Only where they aim inside is anything wrong with that.
var connectSchemes = map[string]bool{
	"git": true, "ssh": true, "git+ssh": true, "svn": true, "svn+ssh": true, "ws": true, "wss": true, "redis": true, "rediss": true, "memcached": true,
	"mysql": true, "postgres": true, "postgresql": true, "mongodb": true, "sqlserver": true, "clickhouse": true, "amqp": true, "amqps": true, "mqtt": true,
	"nats": true, "kafka": true, "nfs": true, "rsync": true, "docker": true, "tcp": true, "udp": true,
}

// fetched tells whether a text is a URL that a server may fetch or connect to: one with a scheme of
// those, and slashes after it where they are what tells it from prose.
func fetched(text string) bool {
	text = tidyURL(text)
	scheme, rest := cutScheme(text)
	if connectSchemes[scheme] {
		return slashed(rest)
	}
	if !fetchedSchemes[scheme] || rest == "" {
		return false
	}
	if rest[0] == '/' || rest[0] == '\\' {
		return true
	}
	switch scheme {
	case "http", "https":
		return strings.IndexByte(rest, ' ') < 0
	case "jar", "local_file", "compress.zlib", "netdoc":
		return true
	}
	return false
}

// urlInPath returns the URL that stands in a decoded path from one of its segments on;
// "" if there is none. Servers may have merged its slashes.
func urlInPath(path string) string {
	for from := 0; ; {
		i := strings.Index(path[from:], ":/")
		if i < 0 {
			return ""
		}
		i += from
		start := strings.LastIndexByte(path[:i], '/') + 1
		if fetchedSchemes[strings.ToLower(path[start:i])] {
			return path[start:]
		}
		from = i + 1
	}
}

// urlNames are the plain names of parameters that hold a URL or a host, and urlSuffixes
// what others end in.
var urlNames = map[string]bool{
	"url": true, "uri": true, "link": true, "src": true, "source": true, "dest": true, "destination": true, "redirect": true,
	"redirectto": true, "callback": true, "webhook": true, "hook": true, "target": true, "host": true, "hostname": true,
	"feed": true, "rss": true, "image": true, "img": true, "imagesource": true, "avatar": true, "logo": true, "icon": true,
	"proxy": true, "fetch": true, "domain": true, "site": true, "website": true, "endpoint": true, "to": true, "next": true,
	"return": true, "returnto": true, "continue": true, "goto": true, "out": true, "view": true, "open": true, "load": true,
	"download": true, "upload": true, "import": true, "remote": true, "server": true, "upstream": true, "backend": true,
	"path": true, "page": true, "file": true, "document": true, "reference": true, "ref": true,
	"href": true, "forward": true, "notify": true, "ping": true, "schema": true, "wsdl": true, "origin": true, "ssrf": true,
}

var urlSuffixes = [...]string{"url", "uri", "link", "webhook", "callback", "endpoint", "hook", "host"}

// namedURL tells whether a parameter is named like one that holds a URL.
func namedURL(name string) bool {
	plain := bareName(name)
	if urlNames[plain] {
		return true
	}
	for _, suffix := range urlSuffixes {
		if strings.HasSuffix(plain, suffix) {
			return true
		}
	}
	return false
}

// bareName is the last part of a decoded name in lower case, without hyphens and underscores:
// "webhookurl" of "config[webhook_url]".
func bareName(name string) string {
	name = strings.TrimRight(name, "]")
	name = name[strings.LastIndexAny(name, "[.")+1:]
	return strings.ToLower(plainer.Replace(name))
}

var plainer = strings.NewReplacer("-", "", "_", "")

// bareHost tells whether a text without a scheme may be a host, and not a number, a
// version or a word: four numbers, an IPv6 address in brackets, a name that is known to
// be inside, or any of that after two slashes.
func bareHost(text string) bool {
	if slashed(text) {
		return true
	}
	if strings.ContainsAny(text, " ,;") {
		return false
	}
	host := text
	if i := strings.IndexAny(text, `/\?#`); i >= 0 {
		host = text[:i]
	}
	host = plainHost(cutPort(host[strings.LastIndexByte(host, '@')+1:]))
	if strings.HasPrefix(host, "[") || isDotted(host) || slices.Contains(loneNames[:], host) {
		return true
	}
	if !strings.Contains(host, ".") || endsInNumber(host) {
		return false
	}
	return checkName(host).Target == TargetInside
}

// isDotted tells whether a host is four numbers.
func isDotted(host string) bool {
	if strings.Count(host, ".") != 3 {
		return false
	}
	_, ok := parseIPv4(host, false)
	_, octal := parseIPv4(host, true)
	return ok || octal
}

var (
	// toldNames are the plain names of parameters by which pages tell where they are and what
	// led to them, and reportedNames those that say so to what takes reports.
	toldNames = map[string]bool{"dl": true, "dr": true, "dp": true, "referrer": true, "referer": true, "ref": true, "refr": true, "urlref": true,
		"pageurl": true, "pageuri": true, "currenturl": true, "$currenturl": true, "$referrer": true, "$initialreferrer": true, "$initialcurrenturl": true,
		"documentlocation": true, "documenturl": true, "documenturi": true, "blockeduri": true, "blockedurl": true, "landingpage": true, "landingurl": true,
		"rl": true, "pageref": true, "utmr": true, "documenthref": true, "documentreferrer": true, "twdocumenthref": true}
	// vagueNames may as well be those of what is to be fetched.
	vagueNames    = map[string]bool{"origin": true, "location": true, "href": true, "page": true}
	reportedNames = map[string]bool{"url": true, "uri": true, "u": true, "loc": true, "file": true, "filename": true, "abspath": true, "sourcefile": true,
		"path": true, "host": true, "hostname": true, "source": true, "src": true, "link": true, "requesturl": true, "from": true, "r": true, "p": true, "l": true,
		"su": true, "download": true}
	// originNames are those of the origins whose pages may ask.
	originNames = map[string]bool{"origins": true, "alloworigin": true, "allowedorigin": true, "allowedorigins": true, "weborigins": true}
	// soughtNames are those by which people look for something.
	soughtNames = map[string]bool{"q": true, "query": true, "search": true, "s": true, "term": true, "keyword": true, "keywords": true, "text": true,
		"message": true, "comment": true, "body": true, "description": true, "title": true}
	// backNames are those of where a browser is to come back to, and returnNames those that
	// say so where somebody logs in.
	backNames = map[string]bool{"redirecturi": true, "redirecturis": true, "postlogoutredirecturi": true, "postlogoutredirecturis": true, "returnurl": true,
		"returnuri": true, "returnto": true, "successurl": true, "cancelurl": true, "failureurl": true}
	returnNames = map[string]bool{"redirect": true, "redirecturl": true, "redirectto": true, "return": true, "next": true, "continue": true, "callback": true,
		"callbackurl": true, "callbackuri": true, "service": true, "relaystate": true}
)

// reportPaths are the last segments, without what follows a dot, of paths that take what
// pages report: views, errors, timings. reportKinds may stand behind them.
var (
	reportPaths = map[string]bool{"track": true, "tracker": true, "tracking": true, "collect": true, "beacon": true, "pixel": true, "pageview": true, "pageviews": true,
		"hit": true, "hits": true, "event": true, "analytics": true, "telemetry": true, "rum": true, "vitals": true, "webvitals": true, "insights": true,
		"matomo": true, "piwik": true, "tp2": true, "impression": true, "impressions": true, "errors": true, "errorlog": true,
		"csp": true, "cspreport": true, "cspreports": true, "cspviolation": true, "cspendpoint": true, "envelope": true, "clientlog": true, "clientlogs": true,
		"sentry": true, "crash": true, "exceptions": true, "px": true, "pv": true, "viewthroughconversion": true, "bat": true}
	reportKinds = map[string]bool{"report": true, "reports": true, "event": true, "events": true, "page": true, "pageview": true, "batch": true, "new": true}
)

// takesReports tells whether a path is one of them, or that of a picture of no size. What stands
// behind may say of which kind the report is, and whose: /errors/report, /collect/v2, /bat/0.
func takesReports(path string) bool {
	for path = strings.TrimRight(path, "/"); path != ""; {
		last := lastSegment(path)
		if strings.HasSuffix(last, ".gif") {
			return true
		}
		word, _, _ := strings.Cut(last, ".")
		word = strings.ToLower(plainer.Replace(word))
		if reportPaths[word] || strings.HasSuffix(word, "error") || strings.HasSuffix(word, "errors") {
			return true
		}
		if _, isNumber := number(word); !isNumber && !reportKinds[word] && !isVersion(word) {
			return false
		}
		path = strings.TrimRight(strings.TrimSuffix(path, last), "/")
	}
	return false
}

// noSize is how many bytes an answer to a report has at most: a picture of one dot, or "ok".
const noSize = 64

// reportsItself tells whether a browser asks from the very place that a URL names, and gets
// next to no answer. Anybody can name a place from which to ask.
func reportsItself(r *parsers.Request, url string) bool {
	if !strings.HasPrefix(r.UserAgent, "Mozilla/") || !referred(r) || authority(r.Referer) != authority(url) || fetchesNamed(r.Path) {
		return false
	}
	return r.Status == 202 || r.Status == 204 || r.Status == 200 && r.Bytes >= 0 && r.Bytes <= noSize
}

// fetchesNamed tells whether the last segment of a path is one of what fetches a URL, or calls it.
func fetchesNamed(path string) bool {
	last := strings.ToLower(lastSegment(strings.TrimRight(path, "/")))
	for _, word := range [...]string{"fetch", "proxy", "preview", "import", "hook", "callback", "embed", "render", "screenshot", "thumb", "image", "pdf",
		"download", "upload", "crawl", "scrape", "rss", "valid", "test", "check", "scan", "unfurl", "resolve", "load"} {
		if strings.Contains(last, word) {
			return true
		}
	}
	return false
}

// guard lowers what has an innocent reason, and says so. There is none for what hides
// where it aims, for credentials of clouds and for other schemes than http.
func guard(r *parsers.Request, a aim, url string) aim {
	v := &a.Verdict
	if v.Target != TargetInside || v.Range == rangeMetadata || !plainly(url, v.Host) {
		return a
	}
	lower := func(to Severity, confidence float64, why string) aim {
		a.Severity, a.Confidence, a.Guard = to, confidence, why
		return a
	}
	name := bareName(a.Param)
	switch {
	case v.Range == rangeLoopback && backNames[name] && !loginPath(r.Path):
		return lower(Medium, 0.3, "a browser that comes back to the machine of its user is what developers have")
	case v.Range == rangeLoopback && (backNames[name] || returnNames[name] && loginPath(r.Path)):
		return lower(Low, 0.2, "a login that comes back to the machine of its user is what native apps do (RFC 8252)")
	case toldNames[name], (reportedNames[name] || vagueNames[name]) && takesReports(r.Path):
		a.told = tag(authority(url))
		return lower(Low, 0.2, guardTold)
	case (reportedNames[name] || vagueNames[name]) && reportsItself(r, url):
		a.told = tag(authority(url))
		return lower(Medium, 0.3, "a browser asked from the place that it names, as a page does that tells where it is shown")
	case vagueNames[name]:
		return lower(Medium, 0.4, guardTold)
	case originNames[name]:
		return lower(Low, 0.2, "an origin whose pages may ask is not fetched")
	case r.Host == v.Host && isInside(r.ClientIP): // from outside, anybody can send any host and any referer
		return lower(Low, 0.2, "that is the site's own host")
	case r.Host == "" && r.Referer != "" && plainly(r.Referer, v.Host) && isInside(r.ClientIP):
		return lower(Medium, 0.3, "by the referer that is the site's own host")
	case (soughtNames[name] || !namedURL(a.Param)) && strings.IndexByte(url, ' ') >= 0:
		return lower(Low, 0.1, "a URL amid words is a text that is searched for or written")
	case soughtNames[name]:
		return lower(Medium, 0.4, "a text that is searched for or written looks the same")
	case v.Range == rangeDotless && !strings.Contains(url, v.Host+":"):
		return lower(Medium, 0.5, "a name without a dot may be a placeholder that was not filled in")
	}
	return a
}

// guardPath is guard for a URL in a path. One that is all of the path is what a broken link
// leaves; and what is broken may look like a number, which for an address of 0.0.0.0/8
// other than 0.0.0.0 is more likely: those lead nowhere.
func guardPath(path string, a aim, url string) aim {
	v := &a.Verdict
	number := v.Range == rangeUnspecified && v.Host != "0.0.0.0"
	if v.Target != TargetInside || v.Range == rangeMetadata || !number && (len(path) > len(url)+1 || !plainly(url, v.Host)) {
		return a
	}
	a.Severity, a.Confidence, a.Guard = Medium, 0.4, "a broken link in a page looks the same"
	return a
}

// plainly tells whether the host of a URL is spelled as it is understood.
func plainly(url, host string) bool {
	_, rest := cutScheme(strings.ToLower(tidyURL(url)))
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "//"), "[")
	if !strings.HasPrefix(rest, host) {
		return false
	}
	rest = rest[len(host):]
	return rest == "" || strings.IndexByte(":/]?", rest[0]) >= 0 && strings.IndexByte(rest, '@') < 0
}

// authority is the host of a URL with its port, in lower case.
func authority(url string) string {
	_, rest := cutScheme(strings.ToLower(tidyURL(url)))
	rest = strings.TrimPrefix(rest, "//")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// loginPath tells whether a path is one of a login.
func loginPath(path string) bool {
	path = strings.ToLower(path)
	for _, word := range [...]string{"oauth", "authorize", "authorise", "oidc", "login", "signin", "sign-in", "logout", "sso", "saml", "/auth", "connect"} {
		if strings.Contains(path, word) {
			return true
		}
	}
	return false
}

// sanitised returns a URL without what may be secret in it: user, password, query and
// fragment.
func sanitised(url string) string {
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		url = url[:i]
	}
	start := 0
	if i := strings.Index(url, "//"); i >= 0 {
		start = i + len("//")
	}
	end := len(url)
	if i := strings.IndexAny(url[start:], `/\`); i >= 0 {
		end = start + i
	}
	if i := strings.LastIndexByte(url[start:end], '@'); i >= 0 {
		url = url[:start] + url[start+i+1:]
	}
	return url
}
