package parsers

import (
	"strings"
	"time"
)

// Gin reads the log of Gin's default logger.
func Gin() *Format {
	return &Format{
		Name: "gin",
		Doc: `Gin, its default logger

  [GIN] 2006/01/02 - 15:04:05 | status | latency | client | METHOD "/path?query"

Older versions write the path without quotes. Colours are taken off. The time bears no
zone and is taken as UTC. The client is whom Gin took for it: which proxies it trusts
is its own setting. Lines of [GIN-debug], of
KrakenD about itself, and errors on lines of their own are skipped.`,
		Samples: []string{
			`[GIN] 2026/03/01 - 10:00:00 | 200 |     1.23525ms |     203.0.113.9 | GET      "/api/users?page=2"`,
			`[GIN] 2026/03/01 - 10:00:01 | 401 |     458.791µs |     2001:db8::7 | POST     "/login"`,
			`[GIN] 2026/03/01 - 10:00:02 | 404 |            0s |     203.0.113.9 | GET     /.env`,
		},
		New: func() ParseFunc { return enveloped(parseGin) },
	}
}

// ginTime is a time as Gin writes it.
const ginTime = "2006/01/02 - 15:04:05"

func parseGin(line string, f *Fields) error {
	f.reset()
	rest, found := strings.CutPrefix(plain(line), "[GIN] ")
	if !found {
		if strings.HasPrefix(line, "[GIN-debug]") || strings.HasPrefix(line, "[KRAKEND]") || strings.HasPrefix(line, "Error #") {
			return &Reject{Reason: "Gin notice", Value: line, Skip: true}
		}
		return &Reject{Reason: "not of Gin", Value: line}
	}
	stamp, rest, found := strings.Cut(rest, " |")
	if !found || len(stamp) != len(ginTime) || stamp[4] != '/' || stamp[7] != '/' || stamp[10:13] != " - " || stamp[15] != ':' || stamp[18] != ':' {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	var ok bool
	f.Time, ok = makeTime(digits(stamp[:4]), digits(stamp[5:7]), digits(stamp[8:10]),
		digits(stamp[13:15]), digits(stamp[16:18]), digits(stamp[19:]), "")
	if !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	status, rest, _ := strings.Cut(rest, "|")
	latency, rest, _ := strings.Cut(rest, "|")
	client, request, found := strings.Cut(rest, "|")
	status = strings.TrimSpace(status)
	if !found || !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if d, err := time.ParseDuration(strings.TrimSpace(latency)); err == nil && d >= 0 {
		f.Duration = d
	}
	f.Remote = strings.TrimSpace(client)
	method, target, _ := strings.Cut(strings.TrimLeft(request, " "), " ")
	if isMethod(method) {
		f.Method = method
	}
	target = strings.Trim(target, " ")
	if quoted, ok := strings.CutPrefix(target, `"`); ok {
		target = unescape(strings.TrimSuffix(quoted, `"`))
	}
	f.Target = target
	return nil
}
