package parsers

import (
	"strings"
	"time"
)

// OAuth2Proxy reads the request log of oauth2-proxy.
func OAuth2Proxy() *Format {
	return &Format{
		Name: "oauth2-proxy",
		Doc: `oauth2-proxy, its request log

  client - request id - user [2006/01/02 15:04:05] host METHOD upstream "/path" HTTP/1.1 "user agent" status bytes seconds

Versions before 7 have no request id. The time bears no zone and is taken as UTC. The
lines of its other two logs, of authentication and of itself, are skipped.`,
		Samples: []string{
			`203.0.113.9 - 8601b555-6a83-4c12-8269-97c8e32cdb22 - alice@example.com [2026/03/01 10:00:00] app.example.com GET http://192.0.2.9:8080/ "/api/users?page=2" HTTP/1.1 "Mozilla/5.0 (X11; Linux x86_64)" 200 1043 0.012`,
			`2001:db8::7 - - [2026/03/01 10:00:01] app.example.com POST - "/oauth2/callback" HTTP/2.0 "curl/8.5.0" 403 2518 0.001`,
		},
		New: func() ParseFunc { return enveloped((&oauth2Proxy{}).parse) },
	}
}

// oauth2Proxy reads one source.
type oauth2Proxy struct{ clock clock }

// goTime is a time as Go's log writes it.
const goTime = "2006/01/02 15:04:05"

func (p *oauth2Proxy) parse(line string, f *Fields) error {
	f.reset()
	if len(line) > len(goTime)+2 && line[0] == '[' && line[5] == '/' && strings.HasPrefix(line[len(goTime)+1:], "] [") {
		return &Reject{Reason: "oauth2-proxy notice", Value: line, Skip: true}
	}
	// The request id is the client's to write. What stands behind it is quoted with
	// its quotes escaped, or holds no blank: so the line is read from the right.
	rest, taken, _ := cutLast(line)
	rest, size, _ := cutLast(rest)
	rest, status, _ := cutLast(rest)
	rest, agent, quoted := cutQuoted(rest)
	if !quoted || !isNumber(status) {
		if strings.Contains(line, "] [Auth") {
			return &Reject{Reason: "oauth2-proxy authentication log line", Value: line, Skip: true}
		}
		return &Reject{Reason: "no user agent, status, bytes and seconds", Value: line}
	}
	if !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if !isNumber(size) || !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	rest, protocol, _ := cutLast(rest)
	rest, target, quoted := cutQuoted(rest)
	rest, _, _ = cutLast(rest) // upstream
	rest, method, _ := cutLast(rest)
	rest, host, _ := cutLast(rest)
	open := len(rest) - len("["+goTime+"]")
	if !quoted || !strings.HasPrefix(protocol, "HTTP/") || open < 0 || rest[open] != '[' || rest[len(rest)-1] != ']' {
		return &Reject{Reason: "no time and request", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(rest[open+1 : len(rest)-1]); !ok {
		return &Reject{Reason: "not a time", Value: rest[open:]}
	}
	client, rest, found := strings.Cut(strings.TrimSuffix(rest[:open], " "), " - ")
	if !found {
		return &Reject{Reason: "no client", Value: line}
	}
	if i := strings.LastIndex(rest, " - "); i >= 0 {
		f.RequestID, rest = valueOf(rest[:i]), rest[i+len(" - "):]
	}
	f.User = valueOf(rest)
	f.Remote = client
	if peer, real, found := strings.Cut(client, " ("); found {
		f.Remote, f.ForwardedFor = peer, strings.TrimSuffix(real, ")")
	}
	if isMethod(method) {
		f.Method = method
	}
	f.Host, f.Target, f.UserAgent = valueOf(host), unescape(target), unescape(valueOf(agent))
	f.setDuration(taken, time.Second)
	return nil
}

// cutQuoted cuts the value in quotes that s ends with, and the blank before it, off
// the end. Quotes within are escaped.
func cutQuoted(s string) (before, value string, found bool) {
	body, found := strings.CutSuffix(s, `"`)
	if !found {
		return s, "", false
	}
	for end := len(body); ; {
		i := strings.LastIndexByte(body[:end], '"')
		if i < 0 {
			return s, "", false
		}
		if !isEscaped(body, i) {
			return strings.TrimSuffix(body[:i], " "), body[i+1:], true
		}
		end = i
	}
}
