package parsers

import (
	"strings"
	"time"
)

// MatrixAuth reads what the Matrix Authentication Service logs of requests.
func MatrixAuth() *Format {
	return &Format{
		Name: "matrix-auth",
		Doc: `Matrix Authentication Service, the requests in its log

  2006-01-02T15:04:05.000000Z  INFO http.server.response METHOD-7 - "METHOD /path HTTP/1.1" status phrase "user agent" [polls: 1, …, elapsed: 1.2ms] requester=… client.address=… trace.id=…

The path has no query. Older versions tell no client: read the log of the proxy there. The
client is whom the service took for it by its trusted_proxies. The user is the name of the user who
asked, or its id, or the client that did. The log's other lines are skipped.`,
		Samples: []string{
			`2026-03-01T10:00:00.419912Z  INFO http.server.response POST-71 - "POST /login HTTP/2.0" 303 See Other "Mozilla/5.0 (X11; Linux x86_64)" [polls: 12, cpu: 4.7ms, db: 10.9ms, elapsed: 46.9ms, queries: 4, fetched: 2] requester=user:01H8VZ0000(alice) client.address=2001:db8::7 trace.id=c8c8fc32288a76693e028ee97a6030a0`,
			`2026-03-01T10:00:01.000250Z  WARN http.server.response GET-72 - "GET /.env HTTP/1.1" 404 Not Found "-" [polls: 1, cpu: 0.2ms, elapsed: 0.3ms] client.address=203.0.113.9`,
		},
		New: func() ParseFunc { return enveloped((&matrixAuth{}).parse) },
	}
}

// matrixAuth reads one source.
type matrixAuth struct{ clock clock }

func (p *matrixAuth) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	stamp, rest, _ := cutByte(line, ' ')
	level, rest, _ := cutByte(strings.TrimLeft(rest, " "), ' ')
	event, rest, found := cutByte(rest, ' ')
	if !found || len(stamp) != len("2006-01-02T15:04:05.000000Z") || stamp[10] != 'T' || level == "" || strings.ToUpper(level) != level {
		return &Reject{Reason: "not of the Matrix Authentication Service", Value: line}
	}
	id, rest, found := strings.Cut(rest, ` - "`)
	if event != "http.server.response" || !found {
		return &Reject{Reason: "not of the Matrix Authentication Service", Value: line, Skip: isMatrixAuthEvent(event)}
	}
	request, answer, found := strings.Cut(rest, `" `)
	status, rest, _ := cutByte(answer, ' ')
	if !found || !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if !f.setRequestLine(request) {
		return &Reject{Reason: "no request", Value: request}
	}
	_, rest, _ = strings.Cut(rest, ` "`) // behind the reason phrase
	end := closingQuote(rest)
	if end < 0 {
		return &Reject{Reason: "no user agent", Value: answer}
	}
	f.UserAgent = unescape(valueOf(rest[:end]))
	stats, fields, found := strings.Cut(rest[end+1:], "]")
	if !found {
		return &Reject{Reason: "no statistics", Value: rest}
	}
	if _, taken, told := strings.Cut(stats, "elapsed: "); told {
		taken, _, _ = cutByte(taken, ',')
		if d, err := time.ParseDuration(taken); err == nil && d >= 0 {
			f.Duration = d
		}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	f.RequestID = id
	for word := range strings.FieldsSeq(fields) {
		switch name, value, _ := cutByte(word, '='); name {
		case "client.address":
			f.Remote = value
		case "requester":
			f.User = requesterName(value)
		}
	}
	return nil
}

// isMatrixAuthEvent tells whether the service names another of its events so, or the part of it that logs.
func isMatrixAuthEvent(s string) bool {
	for _, prefix := range [...]string{"mas_", "http.", "cli.", "job."} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// requesterName returns the name in "user:01H8VZ0000(alice)", or what stands there in its place: an id
// of a user or of a client, the homeserver.
func requesterName(s string) string {
	kind, name, found := cutByte(s, ':')
	if !found {
		return s
	}
	if _, inner, named := strings.Cut(name, "("); named && kind == "user" {
		return strings.TrimSuffix(inner, ")")
	}
	return name
}
