package parsers

import (
	"strings"
	"time"
)

// Granian reads the access log of Granian.
func Granian() *Format {
	return &Format{
		Name: "granian",
		Doc: `Granian (Python), its access log

  [2006-01-02 15:04:05 -0700] address - "METHOD /path HTTP/1.1" status milliseconds

The path has no query, unless the format of the log was changed to have it behind the path, with or
without a blank. The milliseconds may be missing, or have "- " before and " ms" behind them. The
address is that of the peer, which behind a proxy is the proxy: read the proxy's log there. What
else Granian logs is skipped.`,
		Samples: []string{
			`[2026-03-01 10:00:00 +0000] 203.0.113.9 - "GET /api/users HTTP/1.1" 200 1.234`,
			`[2026-03-01 10:00:01 +0100] 2001:db8::7 - "POST /login HTTP/2" 401 17.002`,
		},
		New: func() ParseFunc { return enveloped((&granian{}).parse) },
	}
}

// granian reads one source.
type granian struct{ clock clock }

func (p *granian) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	stamp, rest, found := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	remote, rest, two := strings.Cut(rest, ` - "`)
	end := strings.LastIndex(rest, `" `)
	if !found || !two || line[0] != '[' || end < 0 || !isAddress(remote) {
		return &Reject{Reason: "not of Granian's access log", Value: line, Skip: strings.HasPrefix(line, "[INFO] ") || strings.HasPrefix(line, "[WARNING] ")}
	}
	status, taken, _ := cutByte(rest[end+len(`" `):], ' ')
	if !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	taken = strings.TrimSuffix(strings.TrimPrefix(taken, "- "), " ms")
	if taken, _, _ = cutByte(taken, ' '); taken != "" {
		d, ok := parseDecimal(taken, time.Millisecond)
		if !ok || strings.IndexByte(taken, '.') < 0 { // a whole number is of bytes
			return &Reject{Reason: "not a duration", Value: taken}
		}
		f.Duration = d
	}
	if !f.setRequestLine(rest[:end]) {
		return &Reject{Reason: "no request", Value: rest[:end]}
	}
	if path, query, apart := cutByte(f.Target, ' '); apart { // "%(path)s %(query_string)s"
		f.Target = strings.TrimSuffix(path+"?"+query, "?")
	}
	f.Remote = remote
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	return nil
}
