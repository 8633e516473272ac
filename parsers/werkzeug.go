package parsers

import (
	"strings"
	"time"
)

// Werkzeug reads the logs of the servers for development of Python's frameworks.
func Werkzeug() *Format {
	return &Format{
		Name: "werkzeug",
		Doc: `Flask (werkzeug), Django's runserver, Python's http.server, and Rack 1

  address - - [02/Jan/2006 15:04:05] "GET /path HTTP/1.1" 200 -
  [02/Jan/2006 15:04:05] "GET /path HTTP/1.1" 200 1043      (Django, which names no address)

A blank stands between date and time where other logs have a colon. Rack 1 appends the
seconds taken. The time bears no zone and is taken as UTC. Colours, and the name of a
logger before the line, are taken off. Notices of these servers are skipped.`,
		Samples: []string{
			`203.0.113.9 - - [01/Mar/2026 10:00:00] "GET /api/users?page=2 HTTP/1.1" 200 -`,
			`[01/Mar/2026 10:00:01] "POST /login/ HTTP/1.1" 403 2518`,
			`INFO:werkzeug:2001:db8::7 - - [01/Mar/2026 10:00:02] "GET /.env HTTP/1.1" 404 -`,
		},
		New: func() ParseFunc { return enveloped(parseWerkzeug) },
	}
}

// devTime is a time as these servers write it.
const devTime = "02/Jan/2006 15:04:05"

func parseWerkzeug(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	mid := strings.Index(line, `] "`)
	open := mid - len(devTime) - 1
	if open < 0 || line[open] != '[' {
		if isWerkzeugNotice(line) {
			return &Reject{Reason: "notice of a server for development", Value: line, Skip: true}
		}
		return &Reject{Reason: "no time and request", Value: line}
	}
	stamp := line[open+1 : mid]
	if stamp[2] != '/' || stamp[6] != '/' || stamp[11] != ' ' || stamp[14] != ':' || stamp[17] != ':' {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	var ok bool
	f.Time, ok = makeTime(digits(stamp[7:11]), month(stamp[3:6]), digits(stamp[:2]),
		digits(stamp[12:14]), digits(stamp[15:17]), digits(stamp[18:]), "")
	if !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	if head := strings.TrimRight(line[:open], " "); head != "" && head[len(head)-1] != ':' { // Django's logger
		address, user, found := strings.Cut(head, " - ")
		if !found {
			return &Reject{Reason: "no address", Value: head}
		}
		f.Remote = address[strings.LastIndexByte(address, ' ')+1:]
		if i := strings.LastIndex(f.Remote, "werkzeug:"); i >= 0 {
			f.Remote = f.Remote[i+len("werkzeug:"):]
		}
		f.User = valueOf(user)
	}
	rest := line[mid+len(`] "`):]
	end := strings.LastIndex(rest, `" `) // behind which the client writes nothing
	if end < 0 {
		return &Reject{Reason: "request has no end", Value: rest}
	}
	f.setRequestLine(rest[:end])
	status, rest, _ := strings.Cut(rest[end+len(`" `):], " ")
	if !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	size, taken, _ := strings.Cut(rest, " ")
	if !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	if size == "-" { // not counted, where Apache means none
		f.Bytes = -1
	}
	if taken != "" {
		f.setDuration(taken, time.Second)
	}
	return nil
}

// isWerkzeugNotice tells whether the line is one of those that stand between requests.
func isWerkzeugNotice(line string) bool {
	for _, begin := range [...]string{
		" * ", "INFO:werkzeug: * ", "Press CTRL+C", "WARNING: This is a development server",
		"Watching for file changes", "Performing system checks", "System check identified", "Starting development server",
		"Quit the server with", "Not Found: ", "Bad Request: ", "Unauthorized: ", "Forbidden ", "Forbidden: ", "Internal Server Error: ",
		"Method Not Allowed ",
	} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return strings.Contains(line, "] code ") && strings.Contains(line, ", message ")
}
