package parsers

import (
	"strings"
	"time"
)

// Tornado reads the access log of Tornado.
func Tornado() *Format {
	return &Format{
		Name: "tornado",
		Doc: `Tornado's access log, Jupyter's and JupyterHub's

  [I 060102 15:04:05 web:2271] status METHOD /path?query (address) 1.23ms

The time bears no zone and is taken as UTC; Jupyter writes it as ISO 8601. Where Python's
own logging writes the line, the time is what that puts before it, or around the line. The
address is the client's if Tornado runs with xheaders, and else the peer's. JupyterHub puts the user
before it ("alice@203.0.113.9"), and where it redirects to behind the path. Colours are taken
off. What else the program logs is rejected.`,
		Samples: []string{
			`[I 260301 10:00:00 web:2271] 200 GET /api/users?page=2 (203.0.113.9) 1.23ms`,
			`[W 260301 10:00:01 web:2271] 404 GET /.env (2001:db8::7) 0.61ms`,
			`[I 2026-03-01 10:00:02.125 JupyterHub log:192] 302 GET /hub/ -> /hub/home (alice@203.0.113.9) 12.10ms`,
		},
		New: func() ParseFunc { return timed((&tornado{}).parse) },
	}
}

// tornado reads one source.
type tornado struct{ clock clock }

func (p *tornado) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	end := tornadoRequestEnd(line)
	if end < 0 {
		return &Reject{Reason: "no address and duration", Value: line}
	}
	client, answer, _ := strings.Cut(line[end+len(" ("):], ") ")
	taken, referer, _ := cutByte(answer, ' ')
	number, found := strings.CutSuffix(taken, "ms")
	d, ok := parseDecimal(number, time.Millisecond)
	if !found || !ok {
		return &Reject{Reason: "not a duration", Value: taken}
	}
	request, _, _ := strings.Cut(line[:end], " -> ")
	head, target, _ := cutLast(request)
	head, method, _ := cutLast(head)
	head, status, _ := cutLast(head)
	if !isMethod(method) || !isTarget(target) {
		return &Reject{Reason: "no method and URL", Value: request}
	}
	if i := strings.LastIndexByte(status, ':'); i >= 0 { // behind the logger's name
		head, status = head+status[:i], status[i+1:]
	}
	if len(status) != 3 || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if i := strings.LastIndexByte(client, '@'); i >= 0 {
		f.User, client = client[:i], client[i+1:]
	}
	if referer, found = strings.CutPrefix(referer, "referer="); found && referer != "None" { // Jupyter, of errors
		f.Referer = referer
	}
	f.Remote, f.Method, f.Target, f.Duration = client, method, target, d
	if f.Time, ok = p.time(head); !ok {
		return timeless
	}
	return nil
}

// tornadoRequestEnd returns where " (address) " begins, -1 if there is none: the first, as what
// stands behind it may be the client's to write. A URL holds no blank.
func tornadoRequestEnd(line string) int {
	for at := 0; ; at += len(" (") {
		n := strings.Index(line[at:], " (")
		if n < 0 {
			return -1
		}
		at += n
		client, _, found := strings.Cut(line[at+len(" ("):], ") ")
		if found && isAddress(client[strings.LastIndexByte(client, '@')+1:]) {
			return at
		}
	}
}

// time reads the time that stands before a request.
func (p *tornado) time(head string) (time.Time, bool) {
	const short = "[I 060102 15:04:05 "
	if len(head) < len(short) || head[0] != '[' || head[2] != ' ' || head[9] != ' ' || head[12] != ':' || head[15] != ':' || head[18] != ' ' {
		return p.clock.read(loggerTime(head))
	}
	return makeTime(2000+digits(head[3:5]), digits(head[5:7]), digits(head[7:9]), digits(head[10:12]), digits(head[13:15]), digits(head[16:18]), "")
}
