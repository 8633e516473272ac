package parsers

import (
	"strings"
	"time"
)

// UWSGI reads the request lines that uWSGI writes by default.
func UWSGI() *Format {
	return &Format{
		Name: "uwsgi",
		Doc: `uWSGI default request line

  [pid: 1|app: 0|req: 1/1] address (user) {30 vars in 400 bytes} [time] GET /path => generated 10 bytes in 3 msecs (HTTP/1.1 200) …

The time bears no zone and is taken as UTC. With log-x-forwarded-for the address is a
list, the last of which is the peer. The bytes are those of the body. What uWSGI says
of itself as it starts is skipped.`,
		Samples: []string{
			`[pid: 7|app: 0|req: 1/1] 203.0.113.9 () {40 vars in 741 bytes} [Sun Mar  1 10:00:00 2026] GET /api/users?page=2 => generated 1043 bytes in 45 msecs (HTTP/1.1 200) 7 headers in 241 bytes (2 switches on core 0)`,
			`[pid: 7|app: -1|req: -1/2] 2001:db8::7 (alice) {42 vars in 812 bytes} [Sun Mar  1 10:00:01 2026] POST /login => generated 21 bytes in 812 micros (HTTP/2.0 401) 2 headers in 65 bytes (1 switches on core 0)`,
		},
		New: func() ParseFunc { return enveloped(parseUWSGI) },
	}
}

func parseUWSGI(line string, f *Fields) error {
	f.reset()
	start := strings.Index(line, "[pid: ")
	if start < 0 || start > 0 && line[0] != '{' { // memory-report puts its numbers in braces before it
		for _, begin := range uwsgiNotices {
			if strings.HasPrefix(line, begin) {
				return &Reject{Reason: "uWSGI notice", Value: line, Skip: true}
			}
		}
		return &Reject{Reason: "no process and request number", Value: line}
	}
	_, rest, found := strings.Cut(line[start:], "] ")
	address, rest, opened := strings.Cut(rest, " (")
	user, rest, closed := strings.Cut(rest, ") {")
	_, rest, vars := strings.Cut(rest, "} [")
	if !found || !opened || !closed || !vars || len(rest) < len(cTime)+1 {
		return &Reject{Reason: "no address, user and time", Value: line}
	}
	var ok bool
	if f.Time, ok = parseCTime(rest[:len(cTime)]); !ok {
		return &Reject{Reason: "not a time", Value: rest[:len(cTime)]}
	}
	rest = strings.TrimPrefix(rest[len(cTime):], "] ")
	// The client may write the words of the log, but what follows them is the server's.
	end := strings.LastIndex(rest, " => generated ")
	if end < 0 {
		return &Reject{Reason: "no request", Value: rest}
	}
	method, target, _ := strings.Cut(rest[:end], " ")
	if isMethod(method) && target != "" {
		f.Method, f.Target = method, target
	}
	size, rest, _ := strings.Cut(rest[end+len(" => generated "):], " bytes in ")
	if !isNumber(size) || !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	taken, rest, _ := strings.Cut(rest, " ")
	switch {
	case strings.HasPrefix(rest, "msecs"):
		f.setDuration(taken, time.Millisecond)
	case strings.HasPrefix(rest, "micros"):
		f.setDuration(taken, time.Microsecond)
	}
	// After "via sendfile()" or nothing: the protocol, which may be blank, and the status.
	if i := strings.Index(rest, " headers in "); i >= 0 {
		rest = rest[:i]
	}
	paren := strings.LastIndexByte(rest, ')')
	status := rest[strings.LastIndexByte(rest[:max(paren, 0)], ' ')+1 : max(paren, 0)]
	if !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: rest}
	}
	f.User = user
	if strings.IndexByte(address, ',') >= 0 {
		f.ForwardedFor = address
		f.splitForwarded()
		return nil
	}
	f.Remote = valueOf(address)
	return nil
}

// uwsgiNotices are what lines begin with that are not of requests.
var uwsgiNotices = [...]string{
	"*** ", "spawned uWSGI ", "WSGI app ", "uWSGI ", "uwsgi ", "mapped ", "your ", "detected ", "compiled with ",
	"Python ", "nodename: ", "machine: ", "clock source: ", "current working directory: ", "thunder lock: ", "os: ",
}

// cTime is a time as C's ctime writes it.
const cTime = "Mon Jan _2 15:04:05 2006"

// parseCTime reads a cTime, which bears no zone, as UTC.
func parseCTime(s string) (time.Time, bool) {
	if len(s) != len(cTime) || s[3] != ' ' || s[7] != ' ' || s[10] != ' ' || s[13] != ':' || s[16] != ':' || s[19] != ' ' {
		return time.Time{}, false
	}
	day := digits(s[9:10])
	if s[8] != ' ' {
		day = digits(s[8:10])
	}
	return makeTime(digits(s[20:]), month(s[4:7]), day, digits(s[11:13]), digits(s[14:16]), digits(s[17:19]), "")
}
