package parsers

import (
	"strings"
	"time"
)

// Fiber reads the log of Fiber's middleware Logger.
func Fiber() *Format {
	return &Format{
		Name: "fiber",
		Doc: `Fiber, its middleware Logger

  15:04:05 | status | latency | client | METHOD | /path | error

By itself Fiber writes the time of day alone: the date must come from around the line (a
container's log, the journal), whose time is taken then, or from a TimeFormat with a
date. A time without a zone is taken as UTC. Colours are taken off. The query is not
logged. The client is whom Fiber took for it: which proxies it trusts is its own setting.`,
		Samples: []string{
			`2026-03-01T10:00:00.123456789Z stdout F 10:00:00 | 200 |     1.23525ms |     203.0.113.9 | GET     | /api/users | -`,
			`2026-03-01T10:00:01.123456789Z stdout F 10:00:01 | 401 |     458.791µs |     2001:db8::7 | POST    | /login     | Unauthorized`,
			`2026/03/01 10:00:02 | 404 |     458.791µs |     203.0.113.9 | GET     | /.env | Cannot GET /.env`,
		},
		New: func() ParseFunc { return timed((&fiber{}).parse) },
	}
}

// fiber reads one source.
type fiber struct{ clock clock }

func (p *fiber) parse(line string, f *Fields) error {
	f.reset()
	rest := plain(line)
	var columns [6]string
	for i := range columns {
		columns[i], rest, _ = cutByte(rest, '|')
		columns[i] = strings.Trim(columns[i], " ")
	}
	stamp, status, latency, client, method, path := columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]
	if !isMethod(method) || !isTarget(path) {
		return &Reject{Reason: "not the columns of Fiber", Value: line}
	}
	if len(status) != 3 || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	d, err := time.ParseDuration(latency)
	if err != nil || d < 0 {
		return &Reject{Reason: "not a latency", Value: latency}
	}
	if !isAddress(client) {
		return &Reject{Reason: "no address", Value: client}
	}
	f.Duration, f.Remote, f.Method, f.Target = d, client, method, path
	if len(stamp) <= len("15:04:05.000000") {
		return timeless
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	return nil
}
