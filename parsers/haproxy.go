package parsers

import (
	"strings"
	"time"
)

// HAProxy reads the HTTP log of HAProxy.
func HAProxy() *Format {
	return &Format{
		Name: "haproxy",
		Doc: `HAProxy HTTP log (option httplog, option httpslog)

  client:port [accept-date] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes cookie cookie termination counts queues {request headers} {response headers} "request"

The line may stand behind a syslog header or alone. The time is that of the accepted
request; it names no zone and is taken as UTC: run HAProxy with TZ=UTC. A captured
cookie is read as one.

Captured headers bear no names. In the first braces, what reads like a user agent is
the user agent, a URL with its scheme the referer, and the first of several values,
if it reads like the name of a host, the host. An address there may be the client's
own to write and is not believed. Where the host is not captured, it is that of an
absolute URL, or the name asked for in TLS, which the HTTPS log ends with.

A request that is none (<BADREQ>) is kept, without method and target; so is one that
syslog has cut. Lines of TCP proxies and what HAProxy says of itself are skipped.`,
		Samples: []string{
			`Mar  1 10:00:00 lb1 haproxy[28029]: 203.0.113.9:39759 [01/Mar/2026:10:00:00.633] https~ api/web1 0/0/1/48/49 200 8328 - - ---- 87/87/87/1/0 0/0 {api.example.com|Mozilla/5.0 (X11; Linux x86_64)} {} "GET /users?page=2 HTTP/1.1"`,
			`2001:db8::7:5194 [01/Mar/2026:10:00:01.000] https~ api/<NOSRV> -1/-1/-1/-1/+6001 408 +212 - - cR-- 100/89/0/0/0 0/0 "<BADREQ>"`,
			`<134>Mar  1 10:00:02 lb1 haproxy[28029]: 198.51.100.7:52000 [01/Mar/2026:10:00:02.142] https~ api/web1 0/0/0/4/4 403 143 - - ---- 1/1/0/0/0 0/0 "POST /login HTTP/2.0" 0/0000000000000000/0/0/0 api.example.com/TLSv1.3/TLS_AES_256_GCM_SHA384`,
		},
		New: func() ParseFunc { return enveloped((&haproxy{}).parse) },
	}
}

// haproxy reads one source.
type haproxy struct{ clock clock }

func (p *haproxy) parse(line string, f *Fields) error {
	f.reset()
	open := acceptDate(line)
	if open < 0 || line[0] == '{' { // in JSON, whose escapes come before those of HAProxy
		if isHAProxyNotice(line) {
			return &Reject{Reason: "HAProxy says of itself", Skip: true}
		}
		return &Reject{Reason: "no client and accept date", Value: line}
	}
	end := open + len(acceptLayout)
	var ok bool
	if f.Time, ok = p.clock.read(line[open+1 : end-1]); !ok {
		return &Reject{Reason: "not a time", Value: line[open:end]}
	}
	_, client, _ := cutLast(strings.TrimSuffix(line[:open], " "))
	colon := strings.LastIndexByte(client, ':')
	switch {
	case colon < 0 || !isPortSuffix(client[colon:]):
		return &Reject{Reason: "no client and port", Value: client}
	case strings.HasPrefix(client, "unix:"):
		f.Remote = client
	default:
		f.Remote = valueOf(client[:colon])
	}
	fields := fieldCutter{rest: strings.TrimPrefix(line[end:], " ")}
	if frontend := fields.next(); strings.HasSuffix(frontend, ":") {
		return &Reject{Reason: "connection that came to no request", Skip: true}
	}
	fields.next() // backend and server
	timers := fields.next()
	if !isTimers(timers) && isTimers(peekField(fields.rest)) {
		if isDomain(timers) {
			f.Host = timers // a common addition
		}
		timers = fields.next()
	}
	if !isTimers(timers) {
		return &Reject{Reason: "no timers", Value: timers}
	}
	if strings.Count(timers, "/") < 4 {
		return &Reject{Reason: "TCP connection", Skip: true}
	}
	total := strings.TrimPrefix(timers[strings.LastIndexByte(timers, '/')+1:], "+")
	if total != "-1" {
		if f.Duration, ok = parseDecimal(total, time.Millisecond); !ok {
			f.Duration = -1
			return &Reject{Reason: "total time is not a number", Value: total}
		}
	}
	if s := fields.next(); s != "-1" && !f.setStatus(s) {
		return &Reject{Reason: "status is not a number", Value: s}
	}
	if s := strings.TrimPrefix(fields.next(), "+"); s != "-" && !f.setBytes(s) {
		return &Reject{Reason: "bytes are not a number", Value: s}
	}
	f.Cookie = unescapeHash(valueOf(fields.next()))
	fields.skip(4) // cookie of the response, termination, counts, queues
	rest := fields.rest
	for first := true; strings.HasPrefix(rest, "{"); first = false {
		headers, after, found := strings.Cut(rest[1:], "}")
		if !found {
			return &Reject{Reason: "captured headers have no end", Value: rest}
		}
		if first {
			f.setCaptured(headers)
		}
		rest = strings.TrimPrefix(after, " ")
	}
	return f.setHAProxyRequest(rest)
}

// acceptLayout is the form of the date that stands behind the client.
const acceptLayout = "[02/Jan/2006:15:04:05.000]"

// acceptDate returns where in the line the accept date begins, -1 if nowhere.
func acceptDate(line string) int {
	for at := 0; ; {
		n := strings.IndexByte(line[at:], '[')
		if n < 0 || len(line)-at-n < len(acceptLayout) {
			return -1
		}
		at += n
		s := line[at : at+len(acceptLayout)]
		if at > 0 && line[at-1] == ' ' && s[3] == '/' && s[7] == '/' && s[12] == ':' && s[21] == '.' && s[25] == ']' {
			return at
		}
		at++
	}
}

// peekField returns what the next field would be.
func peekField(s string) string {
	s, _, _ = strings.Cut(s, " ")
	return s
}

// isTimers tells whether s is numbers between slashes.
func isTimers(s string) bool {
	slashes := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '/':
			slashes++
		case !isDigit(c) && c != '-' && c != '+':
			return false
		}
	}
	return slashes > 1
}

// setCaptured takes the headers of the request that were captured, nameless as they are.
func (f *Fields) setCaptured(headers string) {
	for i := 0; ; i++ {
		value, rest, more := strings.Cut(headers, "|")
		value = strings.TrimSpace(value)
		switch {
		case value == "" || isAddress(value):
		case isProduct(value):
			setOnce(&f.UserAgent, unescapeHash(value))
		case strings.HasPrefix(value, "https://"), strings.HasPrefix(value, "http://"):
			setOnce(&f.Referer, unescapeHash(value))
		case i == 0 && more && strings.IndexByte(value, '.') > 0 && isHost(value):
			setOnce(&f.Host, value)
		}
		if !more {
			return
		}
		headers = rest
	}
}

// isProduct tells whether s reads like a user agent: a name, a slash and a version.
func isProduct(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c == '/' {
			return i > 0 && i+1 < len(s) && (isDigit(s[i+1]) || s[i+1] == 'v' && i+2 < len(s) && isDigit(s[i+2]))
		}
		if !isAlnum(c) && c != '-' && c != '_' && c != '.' || i == 0 && !isLetter(c) {
			return false
		}
	}
	return false
}

// setHAProxyRequest takes the request in quotes and what the HTTPS log has behind it.
func (f *Fields) setHAProxyRequest(s string) error {
	s, escaped := strings.CutPrefix(s, `\`) // syslog-ng does that
	s, found := strings.CutPrefix(s, `"`)
	if !found {
		return &Reject{Reason: "no quoted request", Value: s}
	}
	request, rest, _ := strings.Cut(s, `"`) // one in the request would be escaped
	if escaped {
		request = strings.TrimSuffix(request, `\`)
	}
	// A backslash escapes nothing here.
	if strings.IndexByte(request, '\\') >= 0 {
		request = strings.ReplaceAll(request, `\`, `\\`)
	}
	f.setRequestURL(request)
	f.Target = unescapeHash(f.Target)
	if f.Host == "" {
		tail := fieldCutter{rest: strings.TrimPrefix(rest, " ")}
		tail.next() // errors
		name, tls, found := strings.Cut(tail.next(), "/")
		if found && strings.HasPrefix(tls, "TLS") && isHost(name) {
			f.Host = name
		}
	}
	return nil
}

// unescapeHash undoes HAProxy's #XX. What is no escape stays.
func unescapeHash(s string) string {
	at := strings.IndexByte(s, '#')
	if at < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:at]...)
	for ; at < len(s); at++ {
		c := s[at]
		if c == '#' && at+2 < len(s) && isHex(s[at+1]) && isHex(s[at+2]) {
			c = unhex(s[at+1])<<4 | unhex(s[at+2])
			at += 2
		}
		b = append(b, c)
	}
	return string(b)
}

// isHAProxyNotice tells whether a line, behind a syslog header or alone, is one that
// HAProxy writes of itself, its servers, or connections without requests.
func isHAProxyNotice(line string) bool {
	message := line
	if _, after, found := strings.Cut(line[:min(len(line), 200)], "haproxy["); found {
		_, message, _ = strings.Cut(after, "]: ")
	}
	for _, beginning := range haproxyNotices {
		if strings.HasPrefix(message, beginning) {
			return true
		}
	}
	return false
}

var haproxyNotices = [...]string{
	"Proxy ", "Server ", "Backup Server ", "Health check ", "backend ", "Backend ", "Stopping ", "Pausing ",
	"Resuming ", "Enabling ", "Loading ", "New worker ", "New program ", "Reexecuting ", "Connect from ",
	"Current worker ", "Former worker ", "All workers ", "Exiting ", "Starting ", "haproxy version ",
	"[NOTICE]", "[WARNING]", "[ALERT]", "Listener ", "Received ",
}
