package parsers

import (
	"strings"
	"time"
)

// Morgan reads those formats of Node's morgan that are not the common log format.
func Morgan() *Format {
	return &Format{
		Name: "morgan-short",
		Doc: `morgan (Express), its formats short, tiny and dev

  address user METHOD /path HTTP/1.1 status bytes - 1.234 ms      (short)
  METHOD /path status bytes - 1.234 ms                            (tiny)
  METHOD /path status 1.234 ms - bytes                            (dev)

None of them has a time, which must come from around the line (a container's log, the
journal, CloudWatch), and only short names the client: combined is the better choice,
and is read as nginx-combined. Colours are taken off.`,
		Samples: []string{
			`2026-03-01T10:00:00.123456789Z stdout F 203.0.113.9 - GET /api/users?page=2 HTTP/1.1 200 1043 - 12.345 ms`,
			`2026-03-01T10:00:01.000000000Z stdout F POST /login 401 17 - 3.210 ms`,
			`2026-03-01T10:00:02.000000000Z stdout F GET /.env 404 0.512 ms - 153`,
		},
		New: func() ParseFunc { return timed(parseMorgan) },
	}
}

func parseMorgan(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	// The URL is the client's to write, but holds no blank; all else is read from the right.
	rest, size, taken := line, "", ""
	found := false
	if rest, found = strings.CutSuffix(line, " ms"); found {
		rest, taken, _ = cutLast(rest)
		if rest, found = strings.CutSuffix(rest, " -"); found {
			rest, size, _ = cutLast(rest)
		}
	} else {
		rest, size, _ = cutLast(line)
		if rest, found = strings.CutSuffix(rest, " ms -"); found {
			rest, taken, _ = cutLast(rest)
		}
	}
	if !found {
		return &Reject{Reason: "no bytes and milliseconds at the end", Value: line}
	}
	rest, status, _ := cutLast(rest)
	if len(status) != 3 && status != "-" || !f.setStatus(status) { // "-" where the client has left before
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if size != "-" && (!isNumber(size) || !f.setBytes(size)) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	f.setDuration(taken, time.Millisecond)
	words := wordCutter{rest}
	if before, protocol, _ := cutLast(rest); strings.HasPrefix(protocol, "HTTP/") {
		words.rest = before
		f.Remote = valueOf(words.next())
		if !isAddress(f.Remote) {
			return &Reject{Reason: "no address", Value: rest}
		}
		f.User = valueOf(words.next())
	}
	f.Method, f.Target = words.next(), words.next()
	if !isMethod(f.Method) || !isTarget(f.Target) || strings.TrimSpace(words.rest) != "" {
		return &Reject{Reason: "no method and URL", Value: rest}
	}
	return timeless
}
