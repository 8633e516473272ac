package parsers

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// A Reader turns the lines of one source into Requests. It is used by one
// goroutine. What it and its site remember of earlier lines makes it fast and changes no
// result, but for what the parse function of its format keeps.
type Reader struct {
	redactor
	source *Source
	format *Format
	parse  ParseFunc
	fields Fields // of the line that is read

	claims map[string]claims    // by token
	agents [maxNear]*remembered // that were met last, each in the one place it may stand in

	// Why a part of the request is what it is, for Explain. It is only told of what the
	// request has: what else stands here is of earlier lines.
	why reasons
}

type reasons struct {
	client, user, key, token, session, tenant string
}

// NewReader returns a reader of the lines of src, which are written in the format
// and stand for the site.
func (f *Format) NewReader(site *Site, src *Source) *Reader {
	return &Reader{
		redactor: redactor{site: site, fingerprints: map[known]string{}, names: make([]knownName, maxNames)},
		source:   src,
		format:   f,
		parse:    f.New(),
		claims:   map[string]claims{},
	}
}

// Times outside of these are no times of a log, in seconds since 1970.
const (
	firstSecond = 0            // 1970-01-01
	lastSecond  = 253402300799 // 9999-12-31 23:59:59
)

// Recall reads a header line of the source that an earlier run has read. It gives no
// request and does not count.
func (rd *Reader) Recall(header string) { rd.parse(header, &rd.fields) }

// Read reads one line, without its line end, into r. The number is that of the
// line in its source. An error is a *Reject; r is of no use then.
func (rd *Reader) Read(line string, number int64, r *Request) error {
	if err := rd.Begin(line, number, r); err != nil {
		return err
	}
	rd.Finish(unsafe.Slice(r, 1))
	return nil
}

// Begin reads one line as Read does, but for what its path and its client tell: until Finish
// has set that too, r is of no use, and its Path and ClientIP may stand as they were logged,
// secrets and all.
func (rd *Reader) Begin(line string, number int64, r *Request) error {
	f := &rd.fields
	if err := rd.parse(line, f); err != nil {
		return err
	}
	t := f.Time.UTC()
	if s := t.Unix(); s < firstSecond || s > lastSecond {
		return &Reject{Reason: "time out of range", Value: t.Format(time.RFC3339)}
	}
	if beyond := t.Nanosecond() % int(time.Microsecond); beyond > 0 {
		t = t.Add(-time.Duration(beyond))
	}
	// Field by field: to clear the whole of r first takes as long as much of the rest.
	r.Time, r.Source, r.Line, r.Late = t, rd.source, number, false
	r.Method = rd.method(logged(f.Method))
	r.Status = f.Status
	if f.Status < 0 || f.Status > 999 {
		r.Status = 0
	}
	r.Bytes, r.Duration, r.Records = max(f.Bytes, -1), max(f.Duration, -1), max(f.Records, -1)

	r.ClientIP, r.PeerIP, r.peerOnly = unbracketed(f.Remote), "", logged(f.ForwardedFor) == ""
	if !r.peerOnly {
		rd.setClient(r, f.Remote, f.ForwardedFor)
	}

	target := splitTarget(r.Method, f.Target)
	if target.authority != "" {
		r.Host = rd.host(target.authority)
	} else {
		r.Host = rd.host(logged(f.Host))
	}
	r.Path = target.path
	var found credentials
	r.Query, r.Body = "", ""
	if target.query != "" {
		r.Query = cut(rd.query(target.query, &found), maxQuery)
	}
	if f.Body != "" {
		r.Body = cut(rd.query(bodyParameters(f.Body, rd.isSecret), nil), maxBody)
	}
	r.UserAgent, r.AgentNotes = rd.userAgent(logged(f.UserAgent))
	r.Referer = rd.referer(logged(f.Referer))
	r.RequestID = rd.requestID(logged(f.RequestID))
	r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant = "", "", "", "", "", ""
	if f.identifies() || found.any() {
		rd.identify(r, f, &found)
	}
	r.Event, r.Origin, r.Allowed, r.Declared = "", nil, nil, Undescribed
	r.Features, r.PlaceTag, r.ActorTag, r.PlaceLen = nil, 0, 0, 0
	return nil
}

// Finish ends what Begin has begun. It is faster for many requests than for one.
func (rd *Reader) Finish(requests []Request) {
	var paths [sideBySide]string
	var known [sideBySide]*remembered
	var clients [sideBySide]*ClientNotes
	for some := range slices.Chunk(requests, sideBySide) {
		for i := range some {
			paths[i] = some[i].Path
		}
		rd.site.memos.paths.findAll(paths[:len(some)], known[:])
		rd.site.memos.clients.findAll(some, clients[:])
		for i := range some {
			rd.place(&some[i], known[i])
			rd.meet(&some[i], clients[i])
		}
	}
}

// text returns s as it may be stored: clean, without keys and tokens, and at most
// max bytes long.
func (rd *Reader) text(s string, max int) string {
	if len(s) < minShape {
		return clean(s)
	}
	return cut(rd.redact(clean(s), inText, nil), max)
}

// method returns a method as it may be stored. The usual ones are not in memory of the line:
// whoever asks for them later would wait for that.
func (rd *Reader) method(s string) string {
	switch s {
	case "":
		return ""
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	case "HEAD":
		return "HEAD"
	case "PUT":
		return "PUT"
	case "DELETE":
		return "DELETE"
	case "OPTIONS":
		return "OPTIONS"
	case "PATCH":
		return "PATCH"
	}
	return rd.text(s, maxText)
}

// requestID returns the id of a request as it may be stored. No secret is made of what most
// ids are, and they are new in each line: nothing is looked for in those.
func (rd *Reader) requestID(s string) string {
	if len(s) <= maxText && isHexID(strings.TrimPrefix(s, "Root=")) {
		return s
	}
	return rd.text(s, maxText)
}

// isHexID tells whether s is hexadecimal digits, in lower case, and hyphens.
func isHexID(s string) bool {
	for i := range len(s) {
		if !ofHexID[s[i]] {
			return false
		}
	}
	return true
}

var ofHexID = func() (is [256]bool) {
	for _, c := range "0123456789abcdef-" {
		is[c] = true
	}
	return is
}()

// host returns the host of an authority: lower case, without user, port or
// brackets.
func (rd *Reader) host(authority string) string {
	if authority == "" {
		return ""
	}
	memo := &rd.site.memos.hosts
	if known := memo.find(authority); known != nil {
		return known.stored
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if strings.HasPrefix(host, "[") {
		host, _, _ = strings.Cut(host[1:], "]")
	} else if i := strings.IndexByte(host, ':'); i >= 0 && strings.Count(host, ":") == 1 {
		host = host[:i]
	}
	// Shapes first: they tell upper case from lower.
	return memo.keep(&remembered{text: authority, stored: strings.ToLower(rd.text(host, maxText))}).stored
}

// target is a request target in its parts.
type target struct {
	authority string // of an absolute URL or of CONNECT, with its port; else ""
	path      string
	query     string // without "?"
}

// splitTarget takes a request target apart. A fragment is dropped: it is not for
// the server. CONNECT names a host and has no path; the path of an absolute URL
// without one is "/".
func splitTarget(method, s string) target {
	if s == "" || s == "-" {
		return target{}
	}
	if method == "CONNECT" && strings.IndexByte(s, '/') < 0 {
		return target{authority: s}
	}
	s, _, _ = cutByte(s, '#')
	path, query, _ := cutByte(s, '?')
	if s == "" || s[0] == '/' {
		return target{path: path, query: query}
	}
	scheme, rest, ok := strings.Cut(path, "://")
	if !ok || !isScheme(scheme) {
		return target{path: path, query: query}
	}
	authority, path := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if name, _, _ := strings.Cut(authority, ":"); name == "-" {
		authority = "" // ALB writes so where there was no Host header
	}
	return target{authority, path, query}
}

// isScheme reports whether s can be the scheme of a URL.
func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isAlnum(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && isLetter(s[0])
}

// setClient sets who sent the request.
func (rd *Reader) setClient(r *Request, remote, forwarded string) {
	c := rd.site.client(remote, forwarded)
	r.ClientIP, r.PeerIP, rd.why.client = c.ip, c.peer, c.why
	if c.named {
		r.ClientIP, r.PeerIP = rd.text(c.ip, maxUser), rd.text(c.peer, maxUser)
	}
}

// meet sets who sent the request, if that is not done, and what is remembered of that client:
// its address too, which is at hand there when its line is not any more.
func (rd *Reader) meet(r *Request, known *ClientNotes) {
	if known == nil {
		if r.peerOnly {
			rd.setClient(r, r.ClientIP, "")
		}
		if isCanonical(r.ClientIP) {
			known = rd.site.memos.clients.keep(r.ClientIP)
		}
	} else if r.peerOnly {
		rd.why.client = whyPeer
	}
	if known != nil {
		r.ClientIP = known.address()
	}
	r.ClientNotes, r.peerOnly = known, false
}

// place sets what the path tells. Known is what is remembered of it.
func (rd *Reader) place(r *Request, known *remembered) {
	path := r.Path
	if path == "" {
		r.Shape, r.Route, r.PathNotes = "", "", nil
		return
	}
	if known == nil {
		stored := cut(rd.redact(clean(path), inPath, nil), maxPath)
		route := rd.site.templates.Match(stored)
		if route == "" {
			route = Route(stored)
		}
		if route != stored {
			route = rd.shape(route)
		}
		known = rd.site.memos.paths.keep(&remembered{text: path, stored: stored, route: route})
	}
	r.Path, r.Shape, r.Route, r.PathNotes = known.stored, known.route, known.route, &known.notes
}

// shape returns the route in the one place of memory that all paths of the route have it
// in: whoever looks at it for one of them finds it at hand for the next.
func (rd *Reader) shape(route string) string {
	memo := &rd.site.memos.shapes
	known := memo.find(route)
	if known == nil {
		known = memo.keep(&remembered{text: route, stored: route})
	}
	return known.stored
}

// userAgent returns a user agent as it may be stored, and its notes.
func (rd *Reader) userAgent(s string) (stored string, notes *Notes) {
	if s == "" {
		return "", nil
	}
	near := &rd.agents[(uint(len(s))*31+uint(s[len(s)/2])*7+uint(s[len(s)-1]))%maxNear]
	known := *near
	if known == nil || known.text != s {
		memo := &rd.site.memos.agents
		if known = memo.find(s); known == nil {
			known = memo.keep(&remembered{text: s, stored: cut(rd.redact(clean(s), inText, nil), maxUserAgent)})
		}
		if len(s) <= maxMemoLen { // else it is not in memory of its own
			*near = known
		}
	}
	return known.stored, &known.notes
}

// maxNear is how many user agents a reader has at hand without a hash: few send most of a log.
const maxNear = 64

// referer returns a referer as it may be stored.
func (rd *Reader) referer(s string) string {
	if s == "" {
		return ""
	}
	memo := &rd.site.memos.referers
	if known := memo.find(s); known != nil {
		return known.stored
	}
	// Tokens are sent in fragments too.
	url := clean(s)
	stored := url
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		stored = rd.redact(url[:i], inText, nil) + url[i:i+1] + rd.redact(url[i+1:], inQuery, nil)
	} else {
		stored = rd.redact(url, inText, nil)
	}
	return memo.keep(&remembered{text: s, stored: cut(stored, maxText)}).stored
}

// A Reading is one thing a line says, as it is read. Value is safe to show.
type Reading struct {
	Name  string // as the column of the store is named, where there is one
	Value string // "" if the line does not say
	Why   string // how the value was come by, where that is not plain; else ""
}

// Explain reads a line as Read does and tells how, in the order in which a person
// would ask. An error is a *Reject.
func (rd *Reader) Explain(line string) ([]Reading, error) {
	var r Request
	if err := rd.Read(line, 1, &r); err != nil {
		return nil, err
	}
	actor, typ := r.Actor()
	key := r.APIKey
	if r.KeyPrefix != "" {
		key += " (" + r.KeyPrefix + "…)"
	}
	routeWhy := ""
	switch {
	case rd.site.templates.Match(r.Path) != "":
		routeWhy = "by the site's own routes"
	case r.Route != r.Path:
		routeWhy = "the template of the path"
	}
	forwarded := cut(rd.redact(clean(logged(rd.fields.ForwardedFor)), inText, nil), maxText)
	readings := []Reading{
		{"format", rd.format.Name, ""},
		{"ts", r.Time.Format(time.RFC3339Nano), ""},
		{"x_forwarded_for", forwarded, ""},
		{"client_ip", r.ClientIP, rd.why.client},
		{"peer_ip", r.PeerIP, ""},
		{"method", r.Method, ""},
		{"host", r.Host, ""},
		{"path", r.Path, ""},
		{"route", r.Route, routeWhy},
		{"query", r.Query, ""},
		{"body", r.Body, ""},
		{"status", count(int64(r.Status), 0), ""},
		{"bytes", count(r.Bytes, -1), ""},
		{"duration_ms", milliseconds(r.Duration), ""},
		{"user_agent", r.UserAgent, ""},
		{"referer", r.Referer, ""},
		{"request_id", r.RequestID, ""},
		{"user_id", r.User, rd.why.user},
		{"api_key", key, rd.why.key},
		{"token", r.Token, rd.why.token},
		{"session", r.Session, rd.why.session},
		{"tenant", r.Tenant, rd.why.tenant},
		{"records", count(r.Records, -1), ""},
		{"actor_id", actor, "the best known of API key, user, token, session and address"},
		{"actor_type", string(typ), ""},
	}
	if actor == "" {
		readings[len(readings)-1].Value = ""
	}
	for i := range readings {
		x := &readings[i]
		x.Value = visible(x.Value)
		if x.Value == "" && x.Name != "client_ip" {
			x.Why = ""
		}
	}
	return readings, nil
}

// milliseconds returns d as text, or "" where none was logged.
func milliseconds(d time.Duration) string {
	if d < 0 {
		return ""
	}
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64)
}

// count returns n as text, or "" for the number that stands for none.
func count(n, none int64) string {
	if n == none {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
