package parsers

import (
	"strings"
	"time"
)

// NginxIngress reads the access log of the ingress controller of Kubernetes.
func NginxIngress() *Format {
	return &Format{
		Name: "nginx-ingress",
		Doc: `ingress-nginx controller of Kubernetes

  combined … $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id

Of what is appended, the request time and the request id are taken. Where several
upstreams were tried their values are lists. Older controllers name no alternative
upstream, no request id, or the address once more, in brackets.`,
		Samples: []string{
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/users?page=2 HTTP/1.1" 200 1043 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" 412 0.012 [default-api-80] [] 192.0.2.9:8080 1043 0.012 200 5c9a84b0e1f24d6fb3a7c8d9e0f1a2b3`,
			`203.0.113.9 - alice [01/Mar/2026:10:00:01 +0000] "POST /login HTTP/2.0" 502 150 "-" "curl/8.5.0" 98 0.105 [default-api-80] [] 192.0.2.8:8080, 192.0.2.9:8080 0, 150 0.004, 0.101 502, 502 6d9a84b0e1f24d6fb3a7c8d9e0f1a2b3`,
			`203.0.113.9 - - [01/Mar/2026:10:00:02 +0000] "\x16\x03\x01" 400 150 "-" "-" 0 0.000 [] [] - - - - 7e9a84b0e1f24d6fb3a7c8d9e0f1a2b3`,
		},
		New: func() ParseFunc { return enveloped((&clf{only: tailIngress}).parse) },
	}
}

// setIngress takes what the ingress controller appends, if that is what rest holds.
func (f *Fields) setIngress(rest fieldCutter) bool {
	if length := rest.next(); !allDigits(length) {
		return false
	}
	d, ok := parseDecimal(rest.next(), time.Second)
	if !ok || !strings.HasPrefix(rest.rest, "[") {
		return false
	}
	for strings.HasPrefix(rest.rest, "[") { // the name of the upstream, and of the alternative one
		end := strings.IndexByte(rest.rest, ']')
		if end < 0 || isAddress(rest.rest[:end+1]) { // an upstream at an IPv6 address
			break
		}
		rest.rest = strings.TrimPrefix(rest.rest[end+1:], " ")
	}
	for range 4 { // addresses, lengths, times, statuses
		if rest.rest == "" {
			return false
		}
		rest.skipList()
	}
	f.Duration = d
	f.RequestID = valueOf(rest.rest)
	return true
}

// skipList reads over the values of several upstreams, joined by ", " or " : ".
func (s *fieldCutter) skipList() {
	for {
		value := s.next()
		if !strings.HasSuffix(value, ",") && value != ":" && !strings.HasPrefix(s.rest, ": ") {
			return
		}
	}
}
