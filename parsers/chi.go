package parsers

import (
	"strings"
	"time"
)

// Chi reads the log of chi's middleware.Logger.
func Chi() *Format {
	return &Format{
		Name: "chi",
		Doc: `chi, its middleware.Logger

  2006/01/02 15:04:05 [request id] "METHOD http://host/path HTTP/1.1" from address:port - status bytesB in duration

The request id is there if middleware.RequestID is. Colours are taken off. The time
bears no zone and is taken as UTC; where the logger was told to write none, that of
the line's envelope holds. What else the program logs is rejected.`,
		Samples: []string{
			`2026/03/01 10:00:00 "GET http://api.example.com/users?page=2 HTTP/1.1" from 203.0.113.9:40000 - 200 1043B in 1.23525ms`,
			`2026/03/01 10:00:01 [web-1/Ht7kLpQa2f-000001] "POST https://api.example.com/login HTTP/2.0" from [2001:db8::7]:40000 - 401 17B in 458.791µs`,
		},
		New: func() ParseFunc { return timed((&chi{}).parse) },
	}
}

// chi reads one source.
type chi struct{ clock clock }

func (p *chi) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	// A client may write the request id, but a request line holds no blank beyond its
	// own two: so the last marks are the logger's.
	end := strings.LastIndex(line, `" from `)
	if end < 0 {
		return &Reject{Reason: "no request", Value: line}
	}
	head, start := line[:end], 0
	if i := strings.LastIndex(head, `] "`); i >= 0 {
		start = i + len(`] "`)
	} else if start = strings.IndexByte(head, '"') + 1; start == 0 {
		return &Reject{Reason: "no request", Value: line}
	}
	request := head[start:]
	stamp, id, _ := strings.Cut(strings.TrimRight(head[:start], ` "`), " [")
	remote, rest, found := strings.Cut(line[end+len(`" from `):], " - ")
	if !found || !strings.Contains(request, "://") {
		return &Reject{Reason: "no request", Value: line}
	}
	status, rest, _ := strings.Cut(rest, " ")
	if !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	size, taken, _ := strings.Cut(rest, "B in ")
	if !isNumber(size) || !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	if d, err := time.ParseDuration(taken); err == nil && d >= 0 {
		f.Duration = d
	}
	f.setRequestURL(request)
	f.Remote = remote
	if strings.HasPrefix(stamp, "[") {
		stamp, id = "", stamp[1:]
	}
	f.RequestID = strings.TrimSuffix(id, "]")
	return f.setStamp(stamp, &p.clock)
}
