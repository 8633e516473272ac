package parsers

import (
	"strings"
	"time"
)

// Envoy reads the text access log of Envoy and of Istio's proxies.
func Envoy() *Format {
	return &Format{
		Name: "envoy-text",
		Doc: `Envoy default text, and Istio's

  [start] "METHOD path protocol" code flags received sent duration upstream-time "x-forwarded-for" "user agent" "request id" "authority" "upstream" …

Istio's lines hold up to three values more before the received bytes, and after the
upstream its cluster and the addresses at both ends: the downstream remote address is
the peer. Envoy's default names no peer: the client is the last address of
X-Forwarded-For, or unknown. The code is 0 where the client left early. Lines of TCP
connections are skipped. Emissary puts "ACCESS" before each. JSON objects, as which Envoy writes the log of another
listener into the same stream, are read as json does. Envoy does not escape quotes, which a client may send: where
they leave open which text is X-Forwarded-For, none is taken.`,
		Samples: []string{
			`[2026-03-01T10:00:00.354Z] "GET /api/users?page=2 HTTP/1.1" 200 - 0 1043 12 11 "203.0.113.9" "curl/8.5.0" "d209e46f-9ed5-9b61-bbdd-43e22662702a" "api.example.com" "192.0.2.9:8080"`,
			`[2026-03-01T10:00:01.000Z] "POST /login HTTP/2" 0 DC 17 0 5003 - "-" "-" "e309e46f-9ed5-9b61-bbdd-43e22662702a" "api.example.com:8443" "-"`,
			`[2026-03-01T10:00:02.360Z] "GET /status HTTP/1.1" 418 - via_upstream - "-" 0 135 5 2 "203.0.113.9" "curl/8.5.0" "f409e46f-9ed5-9b61-bbdd-43e22662702a" "api:8000" "192.0.2.9:80" inbound|8000|http|api.default.svc.cluster.local 127.0.0.1:41810 192.0.2.9:80 198.51.100.7:38618 outbound_.8000_._.api.default.svc.cluster.local default`,
		},
		New: func() ParseFunc { return enveloped((&envoy{json: newJSONParser(JSONConfig{})}).parse) },
	}
}

// envoy reads one source.
type envoy struct {
	clock clock
	json  *jsonParser
}

func (p *envoy) parse(line string, f *Fields) error {
	if strings.HasPrefix(line, "{") {
		return p.json.parse(line, f)
	}
	f.reset()
	rest, found := strings.CutPrefix(strings.TrimPrefix(line, "ACCESS "), "[")
	stamp, rest, closed := strings.Cut(rest, `] "`)
	if !found || !closed || len(stamp) > 64 {
		return &Reject{Reason: "no time and request", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	end := envoyRequestEnd(rest)
	if end < 0 {
		return &Reject{Reason: "request has no end", Value: rest}
	}
	request := rest[:end]
	f.setRequestLine(request)
	fields := fieldCutter{rest: rest[end+len(`" `):]}
	if s := fields.next(); !f.setStatus(s) {
		return &Reject{Reason: "status is not a number", Value: s}
	}
	if request == "- - -" && f.Status == 0 {
		return &Reject{Reason: "TCP connection", Skip: true}
	}
	fields.next() // flags
	received := fields.next()
	for range 3 { // details of the response, of the connection's end, and of its failure
		if isNumber(received) {
			break
		}
		received = fields.next()
	}
	sent, duration := fields.next(), fields.next()
	fields.next() // upstream time
	if !isNumber(received) || !isNumber(sent) {
		return &Reject{Reason: "bytes are not a number", Value: rest[end:]}
	}
	f.setBytes(sent)
	if d, ok := parseDecimal(duration, time.Millisecond); ok {
		f.Duration = d
	}
	// What the client writes stands between quotes that it may write, too: all but
	// that is read from the right.
	quoted := strings.TrimPrefix(fields.rest, `"`)
	if i := strings.LastIndex(quoted, `" `); i >= 0 && !strings.HasSuffix(quoted, `"`) {
		after := fieldCutter{rest: quoted[i+len(`" `):]}
		quoted = quoted[:i+1]
		after.skip(3) // cluster, local address upstream and downstream
		f.Remote = valueOf(after.next())
	}
	quoted, ok = strings.CutSuffix(quoted, `"`)
	if !ok || len(quoted)+2 > len(fields.rest) {
		return &Reject{Reason: "quoted field has no end", Value: fields.rest}
	}
	var authority, id string
	for _, field := range [...]*string{nil, &authority, &id} { // nil: the upstream
		i := strings.LastIndex(quoted, `" "`)
		if i < 0 {
			return &Reject{Reason: "quoted field is missing", Value: fields.rest}
		}
		if field != nil {
			*field = valueOf(quoted[i+len(`" "`):])
		}
		quoted = quoted[:i]
	}
	forwarded, agent, found := strings.Cut(quoted, `" "`)
	if !found {
		return &Reject{Reason: "quoted field is missing", Value: fields.rest}
	}
	f.Host, f.RequestID, f.UserAgent = authority, id, valueOf(agent)
	if !strings.Contains(agent, `" "`) {
		f.ForwardedFor = valueOf(forwarded)
	}
	f.splitForwarded()
	return nil
}

// envoyRequestEnd returns the index of the quote that ends the request: the first
// with a code behind it.
func envoyRequestEnd(s string) int {
	for at := 0; ; at++ {
		n := strings.Index(s[at:], `" `)
		if n < 0 {
			return -1
		}
		at += n
		if code, _, found := strings.Cut(s[at+len(`" `):], " "); found && (isNumber(code) || code == "-") {
			return at
		}
	}
}

// isNumber tells whether s consists of digits.
func isNumber(s string) bool { return s != "" && allDigits(s) }
