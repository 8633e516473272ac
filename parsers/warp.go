package parsers

import (
	"strings"
	"time"
)

// Warp reads the lines of warp's filter log.
func Warp() *Format {
	return &Format{
		Name: "warp",
		Doc: `warp (Rust), its filter log

  address:port "METHOD /path HTTP/1.1" status "referer" "user agent" 1.2ms

The time is that which env_logger or another logger writes before it, or that of what stands around
the line. Lines of warp's other modules are skipped.`,
		Samples: []string{
			`[2026-03-01T10:00:00Z INFO  warp::filters::log] 203.0.113.9:40000 "POST /api/users HTTP/1.1" 201 "-" "curl/8.5.0" 4.2123963s`,
			`2026-03-01T10:00:01.453121450+00:00 [api][INFO] [2001:db8::7]:40000 "GET /login HTTP/2.0" 401 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" 62.149µs`,
		},
		New: func() ParseFunc { return timed((&warp{}).parse) },
	}
}

// warp reads one source.
type warp struct{ clock clock }

func (p *warp) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	head, rest, found := strings.Cut(line, ` "`)
	before, remote, behind := cutLast(head)
	end := closingQuote(rest)
	if !found || end < 0 || remote != "-" && !isAddress(remote) {
		return &Reject{Reason: "no address and request", Value: line, Skip: strings.Contains(head, " warp::")}
	}
	// The client writes what stands in quotes, and might write others: all but that is read from the right.
	quoted, last, _ := cutLast(rest[end+len(`"`):])
	taken, err := time.ParseDuration(last)
	quoted, closed := strings.CutSuffix(quoted, `"`)
	status, quoted, opened := strings.Cut(strings.TrimPrefix(quoted, " "), ` "`)
	referer, agent, two := strings.Cut(quoted, `" "`)
	if err != nil || taken < 0 || !behind || !closed || !opened || !two || !isStatus(status) {
		return &Reject{Reason: "no status, referer, user agent and duration", Value: rest[end:]}
	}
	if !f.setStatus(status) || !f.setRequestLine(rest[:end]) {
		return &Reject{Reason: "no request", Value: rest[:end]}
	}
	f.Remote, f.Referer, f.UserAgent, f.Duration = valueOf(remote), valueOf(referer), valueOf(agent), taken
	return f.setStamp(loggerTime(before), &p.clock)
}
