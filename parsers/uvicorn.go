package parsers

import (
	"strings"
)

// Uvicorn reads the access log of Uvicorn.
func Uvicorn() *Format {
	return &Format{
		Name: "uvicorn",
		Doc: `Uvicorn (FastAPI, Starlette) access log

  INFO:     address:port - "METHOD /path HTTP/1.1" status phrase

Uvicorn writes no time. It must come from around the line (a container's log, the
journal, CloudWatch), or from a log configuration that puts an ISO 8601 time at the
beginning, before the level or behind it, as gunicorn's for its Uvicorn workers. One that puts the
address into brackets and the status before the request is read, too: Mealie's. What Uvicorn says of itself, and of
WebSockets, is skipped.`,
		Samples: []string{
			`2026-03-01T10:00:00.123456789Z stdout F INFO:     203.0.113.9:40000 - "GET /api/users?page=2 HTTP/1.1" 200 OK`,
			`2026-03-01 10:00:01,250 - uvicorn.access - INFO - 2001:db8::7:40000 - "POST /login HTTP/1.1" 401 Unauthorized`,
			`2026-03-01T10:00:02.000Z INFO:     203.0.113.9:40000 - "GET /.env HTTP/1.1" 404`,
		},
		New: func() ParseFunc { return timed((&uvicorn{}).parse) },
	}
}

// uvicorn reads one source.
type uvicorn struct{ clock clock }

func (p *uvicorn) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	if p.parseStatusFirst(line, f) {
		return f.setStamp(loggerTime(line), &p.clock)
	}
	head, rest, found := strings.Cut(line, ` - "`)
	end := strings.LastIndex(rest, ` HTTP/`)
	if !found || end < 0 {
		if isUvicornNotice(line) {
			return &Reject{Reason: "Uvicorn notice", Value: line, Skip: true}
		}
		return &Reject{Reason: "no address and request", Value: line}
	}
	_, answer, found := strings.Cut(rest[end:], `" `)
	status, phrase, _ := strings.Cut(answer, " ")
	if !found || len(status) != 3 || !f.setStatus(status) || !isPhrase(phrase) {
		return &Reject{Reason: "no status at the end", Value: rest}
	}
	method, target, _ := strings.Cut(rest[:end], " ")
	if !isMethod(method) || target == "" {
		return &Reject{Reason: "no request", Value: rest}
	}
	f.Method, f.Target = method, target
	if f.Remote = uvicornPeer(head[strings.LastIndexByte(head, ' ')+1:]); !isAddress(f.Remote) {
		return &Reject{Reason: "no address", Value: head}
	}
	return f.setStamp(loggerTime(line), &p.clock)
}

// parseStatusFirst reads `… - [address:port] 401 Unauthorized "METHOD /path HTTP/1.1"`, as Mealie
// has it.
func (p *uvicorn) parseStatusFirst(line string, f *Fields) bool {
	_, rest, found := strings.Cut(line, " - [")
	peer, rest, closed := strings.Cut(rest, "] ")
	answer, request, quoted := strings.Cut(rest, ` "`)
	request, ended := strings.CutSuffix(request, `"`)
	request, _, versioned := cutEnd(request, " HTTP/")
	status, phrase, _ := cutByte(answer, ' ')
	method, target, _ := cutByte(request, ' ')
	if !found || !closed || !quoted || !ended || !versioned || len(status) != 3 || !isNumber(status) || !isPhrase(phrase) || !isMethod(method) || target == "" {
		return false
	}
	if peer = uvicornPeer(peer); !isAddress(peer) {
		return false
	}
	f.Method, f.Target, f.Remote = method, target, peer
	return f.setStatus(status)
}

// cutEnd cuts s around the last of what is looked for.
func cutEnd(s, sought string) (before, after string, found bool) {
	i := strings.LastIndex(s, sought)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sought):], true
}

// uvicornPeer returns the address of an address and a port, before a bare one of version 6 could be
// taken to end in the port.
func uvicornPeer(s string) string {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && isPortSuffix(s[i:]) {
		return s[:i]
	}
	return s
}

// isPhrase tells whether s could be the reason phrase of a status: "Not Found".
func isPhrase(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && c != ' ' && c != '-' && c != '\'' {
			return false
		}
	}
	return true
}

// isUvicornNotice tells whether the line is of another logger than the access log's,
// or of a WebSocket.
func isUvicornNotice(line string) bool {
	if strings.Contains(line, ` - "WebSocket /`) {
		return true
	}
	for _, level := range [...]string{"INFO:  ", "WARNING:  ", "ERROR:  ", "DEBUG:  ", "CRITICAL:  "} {
		if strings.HasPrefix(line, level) {
			return true
		}
	}
	return false
}
