package parsers

import (
	"strings"
	"time"
)

// Squid reads Squid's native access.log.
func Squid() *Format {
	return &Format{
		Name: "squid",
		Doc: `Squid native access.log

  seconds.milliseconds elapsed client result/status bytes method URL user hierarchy/peer type

The elapsed time is in milliseconds. The host is that of the URL, or what CONNECT
names. What is not a request ("error:transaction-end-before-headers") is kept, without
method and target; the status 000 of a client that left is 0. The headers that
log_mime_hdrs appends are read over.`,
		Samples: []string{
			`1772359200.123    110 203.0.113.9 TCP_MISS/200 1043 GET http://api.example.com/users?page=2 - HIER_DIRECT/192.0.2.9 application/json`,
			`1772359201.004   5023 2001:db8::7 TCP_TUNNEL/200 3942 CONNECT api.example.com:443 alice HIER_DIRECT/192.0.2.9 -`,
			`1772359202.250      0 203.0.113.9 NONE_NONE/400 4082 NONE error:invalid-request - HIER_NONE/- text/html`,
		},
		New: func() ParseFunc { return enveloped((&squid{}).parse) },
	}
}

// squid reads one source.
type squid struct{ clock clock }

func (p *squid) parse(line string, f *Fields) error {
	f.reset()
	rest := wordCutter{line}
	stamp := rest.next()
	if len(stamp) < 14 || stamp[len(stamp)-4] != '.' {
		return &Reject{Reason: "no seconds and milliseconds", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	f.setDuration(rest.next(), time.Millisecond)
	f.Remote = valueOf(rest.next())
	outcome := rest.next()
	code, status, found := strings.Cut(outcome, "/")
	if !found || code == "" || !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "no result and status", Value: outcome}
	}
	if size := rest.next(); !isNumber(size) || !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	method, target := rest.next(), rest.next()
	if target == "" {
		return &Reject{Reason: "no method and URL", Value: line}
	}
	if isMethod(method) && method != "NONE" && !strings.HasPrefix(target, "error:") {
		f.Method, f.Target = method, target
	}
	f.User = percentDecoded(valueOf(rest.next()))
	return nil
}

// A wordCutter cuts a line at its runs of blanks.
type wordCutter struct{ rest string }

// next returns the next word; "" after the last.
func (w *wordCutter) next() string {
	w.rest = strings.TrimLeft(w.rest, " ")
	var word string
	word, w.rest, _ = strings.Cut(w.rest, " ")
	return word
}
