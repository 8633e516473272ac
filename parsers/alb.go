package parsers

import (
	"strings"
)

// ALB reads the access log of an AWS Application Load Balancer.
func ALB() *Format {
	return &Format{
		Name: "aws-alb",
		Doc: `AWS Application Load Balancer access log

  type time elb client:port target:port three-times elb_status target_status received sent "request" "user_agent" …

All fields of today are known, those that will be appended are read over, and
what older lines lack after the user agent is not missed. The time is when the
response was made: the order in which lines are written. The duration is the sum
of the three processing times, unknown if one of them is -1. The host is that of
the request's URL, or the name asked for in TLS where the URL holds an address.
A malformed request is kept, without method and target.`,
		Samples: []string{
			`https 2026-03-01T10:00:00.186641Z app/api/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 34 366 "GET https://api.example.com:443/users?page=2 HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/api/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "api.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/12345678-1234-1234-1234-123456789012" 1 2026-03-01T09:59:59.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_dc57cebed65b444ebc8177bb698fe166 "-" "-" "-"`,
			`h2 2026-03-01T10:00:01.000000Z app/api/50dc6c495c0c9188 [2001:db8::7]:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "POST https://192.0.2.1:443/login HTTP/2.0" "Mozilla/5.0 (X11; \x22quoted\x22)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/api/73e2d6bc24d8a067 "Root=1-58337327-72bd00b0343d75b906739c42" "login.example.com" "-" 1 2026-03-01T10:00:00.998000Z "forward" "-" "-"`,
			`http 2026-03-01T10:00:02.216357Z app/api/50dc6c495c0c9188 198.51.100.7:15070 - -1 -1 -1 400 - 0 272 "- http://api.example.com:80- -" "-" - - - "-" "-" "-" - 2026-03-01T10:00:01.967000Z "-" "-" "-" "-" "-" "-" "-"`,
		},
		New: func() ParseFunc { return enveloped((&alb{}).parse) },
	}
}

// alb reads one source.
type alb struct{ clock clock }

func (p *alb) parse(line string, f *Fields) error {
	f.reset()
	// The file with which AWS tests its access to a bucket.
	if strings.HasPrefix(line, "Enable") {
		return &Reject{Reason: "AWS test line", Skip: true}
	}
	fields := fieldCutter{rest: line}
	kind, stamp := fields.next(), fields.next()
	if len(stamp) < 20 || stamp[4] != '-' || !isWord(kind) {
		return &Reject{Reason: "no type and time", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	switch kind {
	case "http", "https", "h2", "grpcs", "ws", "wss":
	default: // to be ignored, says AWS
		return &Reject{Reason: "not a type of request", Value: kind, Skip: true}
	}
	fields.next() // elb
	client := fields.next()
	if colon := strings.LastIndexByte(client, ':'); colon >= 0 && isPortSuffix(client[colon:]) {
		client = client[:colon] // before a bare IPv6 address could be taken to end in the port
	}
	f.Remote = valueOf(client)
	fields.next() // target
	_, request, err := answer(&fields, line, f)
	if err != nil {
		return err
	}
	f.UserAgent = unescape(valueOf(fields.next()))
	fields.skip(3) // cipher, protocol, target group
	f.RequestID = valueOf(fields.next())
	name := valueOf(fields.next())
	f.setRequestURL(request)
	if name != "" && (f.Host == "" || isAddress(f.Host)) {
		f.Host = name
	}
	return nil
}

// isWord tells whether s could be the type of an entry: small letters and digits.
func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

// setRequestURL takes "METHOD scheme://host:port/path HTTP/version" and takes the
// URL apart. If there is no such request in s, nothing is set.
func (f *Fields) setRequestURL(s string) {
	if !f.setRequestLine(s) {
		return
	}
	_, rest, found := strings.Cut(f.Target, "://")
	if !found {
		return
	}
	end := endOfAuthority(rest)
	f.Host, f.Target = cutPort(rest[:end]), rest[end:]
	if !strings.HasPrefix(f.Target, "/") {
		f.Target = "/" + f.Target
	}
}

// endOfAuthority returns where the authority ends that a URL without its scheme begins with.
func endOfAuthority(s string) int {
	for i := range len(s) {
		if c := s[i]; c == '/' || c == '?' || c == '#' {
			return i
		}
	}
	return len(s)
}

// cutPort returns the host of "host:port", of an IPv6 address without its brackets.
func cutPort(s string) string {
	if strings.HasPrefix(s, "[") {
		host, _, _ := strings.Cut(s[1:], "]")
		return host
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 && allDigits(s[i+1:]) {
		return s[:i]
	}
	return s
}
