package parsers

import (
	"strings"
	"time"
)

// Sanic reads the access log of Sanic.
func Sanic() *Format {
	return &Format{
		Name: "sanic",
		Doc: `Sanic's access log

  [2006-01-02 15:04:05 -0700] - (sanic.access)[INFO][address:port]: METHOD http://host/path  status bytes
  Main  2006-01-02 15:04:05 -0700 INFO: address:port METHOD http://host/path status bytes duration   (since 22.9)

What stands first in the newer one is the worker's name, with a blank or a bar behind it.
The address is that of the peer, which behind a proxy is the proxy: read the proxy's log
there. Colours are taken off. Where the time is written without its day, as with --debug,
that of the line's envelope holds. What else Sanic logs, and lines that repeat the values of the
one before ("status=200"), are skipped.`,
		Samples: []string{
			`[2026-03-01 10:00:00 +0000] - (sanic.access)[INFO][203.0.113.9:40000]: GET http://api.example.com/users?page=2  200 1043`,
			`Srv 0 2026-03-01 10:00:01 +0100 INFO: 2001:db8::7:40000 POST https://api.example.com/login 401 17 1.2ms`,
			`Main |2026-03-01 10:00:02 +0000 INFO: 203.0.113.9:40000 GET http://api.example.com/.env 404 736 0.6ms`,
		},
		New: func() ParseFunc { return timed((&sanic{}).parse) },
	}
}

// sanicStamp is how long a time is that Sanic writes.
const sanicStamp = len("2006-01-02 15:04:05 -0700")

// sanic reads one source.
type sanic struct{ clock clock }

func (p *sanic) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	head, request, found := strings.Cut(line, "]: ")
	head, remote, legacy := strings.Cut(head, " - (sanic.access)[")
	if found && legacy {
		_, remote, found = strings.Cut(remote, "][")
	} else {
		head, request, found = strings.Cut(line, " INFO: ")
		if !found {
			head, request, found = strings.Cut(line, " ACCESS: ")
		}
		remote, request, _ = strings.Cut(request, " ")
	}
	if i := strings.LastIndexByte(remote, ':'); i >= 0 && isPortSuffix(remote[i:]) {
		remote = remote[:i] // before a bare IPv6 address could be taken to end in the port
	}
	if !found || !isAddress(remote) && remote != "UNKNOWN" {
		return &Reject{Reason: "no address and request", Value: line, Skip: isSanicNotice(line)}
	}
	if rest, last, _ := cutLast(request); strings.HasSuffix(last, "ms") {
		d, err := time.ParseDuration(last)
		if err != nil || d < 0 {
			return &Reject{Reason: "not a duration", Value: last}
		}
		f.Duration, request = d, rest
	}
	request, size, _ := cutLast(request)
	request, status, _ := cutLast(request)
	if !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if size != "-1" && (!isNumber(size) || !f.setBytes(size)) { // -1 where the answer was streamed
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	if remote != "UNKNOWN" { // of a UNIX socket
		f.Remote = remote
	}
	if request = strings.TrimRight(request, " "); request != "nil" { // what is no request of HTTP
		method, target, _ := strings.Cut(request, " ")
		if !isMethod(method) || !isTarget(target) {
			return &Reject{Reason: "no method and URL", Value: request}
		}
		f.setRequestURL(request)
	}
	stamp := strings.Trim(head, "[] ")
	if stamp = stamp[max(len(stamp)-sanicStamp, 0):]; stampLen(stamp) != sanicStamp {
		return timeless
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: head}
	}
	return nil
}

// isSanicNotice tells whether the line is of Sanic but not of its access log, or repeats a
// value of the line before.
func isSanicNotice(line string) bool {
	switch name, _, _ := cutByte(line, '='); name {
	case "status", "byte", "host", "request", "duration":
		return true
	}
	if rest, bracket := strings.CutPrefix(line, "["); bracket {
		return stampLen(rest) == sanicStamp && strings.HasPrefix(rest[sanicStamp:], "] [")
	}
	at := strings.IndexAny(line[:min(len(line), len("Srv 99-9 "))], "|2")
	if at < 0 || !strings.HasPrefix(line, "Main ") && !strings.HasPrefix(line, "Srv ") {
		return false
	}
	return stampLen(strings.TrimPrefix(line[at:], "|")) == sanicStamp
}
