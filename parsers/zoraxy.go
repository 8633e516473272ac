package parsers

import "strings"

// Zoraxy reads the traffic log of Zoraxy.
func Zoraxy() *Format {
	return &Format{
		Name: "zoraxy",
		Doc: `Zoraxy, its traffic log

  [2006-01-02 15:04:05.000000] [router:class] [origin:host] [client: address] [useragent: …] METHOD /path?query status

Older versions write no user agent, newer ones the time once more before all. The time is local, bears no zone and is taken as UTC.
The client is whom Zoraxy took for it, which it does from X-Real-IP, X-Forwarded-For and others:
where no proxy in front of it sets them, whatever the client wrote. A user agent may hold
what looks like the end of the line: the last such end is the line's. Zoraxy's other
lines, which have no router, are skipped.`,
		Samples: []string{
			`[2026-03-01 10:00:00.123456] [router:host-http] [origin:api.example.com] [client: 203.0.113.9] [useragent: Mozilla/5.0 (X11; Linux x86_64)] GET /api/users?page=2 200`,
			`[2026-03-01 10:00:01.000000] [router:blacklist] [origin:api.example.com:8443] [client: 2001:db8::7] [useragent: ] POST /login 403`,
			`[2026-03-01 10:00:02.500000] [router:host-websocket] [origin:api.example.com] [client: 203.0.113.9] GET /ws 101`,
		},
		New: func() ParseFunc { return enveloped((&zoraxy{}).parse) },
	}
}

// goStamp is how Go's log writes a time, with the blank behind it.
const goStamp = "2006/01/02 15:04:05 "

// zoraxy reads one source.
type zoraxy struct{ clock clock }

func (p *zoraxy) parse(line string, f *Fields) error {
	f.reset()
	if len(line) > len(goStamp) && line[4] == '/' && line[len(goStamp)-1] == ' ' { // of newer versions, the same time again
		line = line[len(goStamp):]
	}
	stamp, rest, found := strings.Cut(strings.TrimPrefix(line, "["), "] [")
	if !found || line[0] != '[' {
		return &Reject{Reason: "not of Zoraxy", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	if !strings.HasPrefix(rest, "router:") {
		_, after, found := strings.Cut(rest, "] [")
		return &Reject{Reason: "Zoraxy notice", Value: line, Skip: found && strings.HasPrefix(after, "system:")}
	}
	_, rest, _ = strings.Cut(rest, "] [origin:")
	f.Host, rest, _ = strings.Cut(rest, "] [client: ")
	end := strings.LastIndex(rest, "] ")
	if end < 0 {
		return &Reject{Reason: "no origin and client", Value: line}
	}
	f.Remote, f.UserAgent, _ = strings.Cut(rest[:end], "] [useragent: ")
	method, target, _ := strings.Cut(rest[end+len("] "):], " ")
	space := strings.LastIndexByte(target, ' ')
	if space < 0 || !isMethod(method) {
		return &Reject{Reason: "no method and target", Value: line}
	}
	if status := target[space+1:]; !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	f.Method, f.Target = method, target[:space]
	return nil
}
