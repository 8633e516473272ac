package parsers

import (
	"strings"
	"time"
)

// TraefikCLF reads Traefik's access log in its default format, common.
func TraefikCLF() *Format {
	return &Format{
		Name: "traefik-clf",
		Doc: `Traefik access log, common

  client - user [time] "request" status bytes "referer" "user agent" number "router" "server URL" Nms

Absent values are "-", in quotes or bare. The duration is that of the whole request.
Traefik's genericCLF stops after the user agent and is read as nginx-combined; its
JSON as json. A log that mixes these is read as nginx-combined without loss.`,
		Samples: []string{
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/users?page=2 HTTP/1.1" 200 1043 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" 262 "api@docker" "http://192.0.2.9:8080" 12ms`,
			`2001:db8::7 - alice [01/Mar/2026:10:00:01 +0000] "POST /login HTTP/2.0" 401 19 - "curl/8.5.0" 263 "api@docker -> login@docker" "http://192.0.2.9:8080" 247ms`,
			`203.0.113.9 - - [01/Mar/2026:10:00:02 +0000] "GET /.env HTTP/1.1" - - "-" "-" 264 "-" "-" 0ms`,
		},
		New: func() ParseFunc { return enveloped((&clf{only: tailTraefik}).parse) },
	}
}

// setTraefik takes the number of the request, the router, the server and the
// milliseconds that Traefik appends, if that is what rest holds.
func (f *Fields) setTraefik(rest fieldCutter) bool {
	if !allDigits(rest.next()) {
		return false
	}
	for range 2 {
		if !strings.HasPrefix(rest.rest, `"`) && !strings.HasPrefix(rest.rest, "- ") {
			return false
		}
		rest.next()
	}
	number, found := strings.CutSuffix(rest.rest, "ms")
	if !found || number == "" || !allDigits(number) {
		return false
	}
	d, ok := parseDecimal(number, time.Millisecond)
	if ok {
		f.Duration = d
	}
	return ok
}
