package parsers

import (
	"strings"
	"time"
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

// reasonNLB is that of the access log which AWS writes for the TLS listeners of Network Load
// Balancers. They pass on connections and see no request.
const reasonNLB = "a TLS connection through an AWS Network Load Balancer, whose log has no requests: read that of the server behind it"

// alb reads one source.
type alb struct{ clock clock }

func (p *alb) parse(line string, f *Fields) error {
	f.reset()
	if p.parsePlain(line, f) {
		return nil
	}
	return p.parseAny(line, f)
}

// parsePlain reads a line as nearly all are: a request that was answered, in less than ten
// seconds each step. Of all else it says no; what it says yes to it reads as parseAny does,
// in half the time.
func (p *alb) parsePlain(line string, f *Fields) bool {
	const stampLen = len("2026-03-01T10:00:00.186641Z")
	const times, statuses = "0.086 0.048 0.037 ", "200 200 "
	rest := afterType(line)
	if len(rest) <= stampLen || rest[4] != '-' || strings.IndexByte(rest, ' ') != stampLen {
		return false
	}
	stamp, rest := rest[:stampLen], rest[stampLen+1:]
	elb, rest, _ := cutByte(rest, ' ')
	client, rest, _ := cutByte(rest, ' ')
	target, rest, _ := cutByte(rest, ' ')
	if opensQuote(elb) || opensQuote(client) || opensQuote(target) || len(rest) < len(times+statuses+`0 0 "`) {
		return false
	}
	before, within, after := millis(rest[:6]), millis(rest[6:12]), millis(rest[12:18]) // the target
	rest = rest[len(times):]
	status := digits(rest[:3])
	if before|within|after|status|digits(rest[4:7]) < 0 || rest[3] != ' ' || rest[7] != ' ' {
		return false
	}
	received, rest := leadingSize(rest[len(statuses):])
	if received < 0 || len(rest) < len(` 0 "`) || rest[0] != ' ' || rest[1] == '-' {
		return false
	}
	sent, rest := leadingSize(rest[1:])
	if sent < 0 || rest == "" || rest[0] != ' ' {
		return false
	}
	request, rest, ok := plainQuoted(rest[1:])
	if !ok {
		return false
	}
	agent, rest, ok := plainQuoted(rest)
	if !ok {
		return false
	}
	// Cipher, protocol and target group, which have no quotes.
	n := strings.IndexByte(rest, '"')
	if n < 1 || rest[n-1] != ' ' || strings.Count(rest[:n], " ") != 3 {
		return false
	}
	trace, rest, ok := plainQuoted(rest[n:])
	if !ok {
		return false
	}
	name, _, ok := plainQuoted(rest)
	if !ok {
		return false
	}
	t, ok := p.clock.read(stamp)
	if !ok {
		return false
	}
	f.Time, f.Remote = t, valueOf(withoutPort(client))
	f.Duration, f.Status, f.Bytes = time.Duration(before+within+after)*time.Millisecond, status, sent
	f.UserAgent, f.RequestID = unescape(valueOf(agent)), valueOf(trace)
	f.setRequestURL(request)
	f.setServerName(valueOf(name))
	return true
}

// afterType returns what follows the type in a line of one of the usual types; "" for all
// others.
func afterType(line string) string {
	switch {
	case strings.HasPrefix(line, "https "):
		return line[len("https "):]
	case strings.HasPrefix(line, "h2 "):
		return line[len("h2 "):]
	case strings.HasPrefix(line, "http "):
		return line[len("http "):]
	}
	return ""
}

// millis reads the seconds and the blank of "0.086 " and returns milliseconds; -1 for all
// other text of six bytes.
func millis(s string) int {
	a, b, c, d := s[0]-'0', s[2]-'0', s[3]-'0', s[4]-'0'
	if a > 9 || b > 9 || c > 9 || d > 9 || s[1] != '.' || s[5] != ' ' {
		return -1
	}
	return int(a)*1000 + int(b)*100 + int(c)*10 + int(d)
}

// withoutPort cuts the port off an address: before a bare IPv6 address could be taken to end
// in it.
func withoutPort(s string) string {
	i := len(s)
	for i > 0 && isDigit(s[i-1]) {
		i--
	}
	if 0 < i && i < len(s) && s[i-1] == ':' && len(s)-i <= len("65535") {
		return s[:i-1]
	}
	return s
}

// setServerName takes the name asked for in TLS, for the host where the URL holds none but an
// address.
func (f *Fields) setServerName(name string) {
	if name != "" && (f.Host == "" || isAddress(f.Host)) {
		f.Host = name
	}
}

// parseAny reads any line into f, which says nothing yet.
func (p *alb) parseAny(line string, f *Fields) error {
	// The file with which AWS tests its access to a bucket.
	if strings.HasPrefix(line, "Enable") {
		return &Reject{Reason: "AWS test line", Skip: true}
	}
	fields := fieldCutter{rest: line}
	kind, stamp := fields.next(), fields.next()
	if kind == "tls" && allDigits(stamp[:min(1, len(stamp))]) && strings.Contains(line[:min(len(line), 64)], " net/") {
		return &Reject{Reason: reasonNLB, Skip: true}
	}
	if len(stamp) < 20 || stamp[4] != '-' || !isWord(kind) {
		return &Reject{Reason: "no type and time", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	elb := fields.next()
	switch kind {
	case "http", "https", "h2", "grpcs", "ws", "wss":
	default: // to be ignored, says AWS
		return &Reject{Reason: "not a type of request", Value: kind, Skip: strings.HasPrefix(elb, "app/")}
	}
	f.Remote = valueOf(withoutPort(fields.next()))
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
	f.setServerName(name)
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
	rest, found := strings.CutPrefix(f.Target, "https://")
	if !found {
		if _, rest, found = strings.Cut(f.Target, "://"); !found {
			return
		}
	}
	end := endOfAuthority(rest)
	f.Host, f.Target = valueOf(cutPort(rest[:end])), rest[end:] // ALB writes "-" where there was no Host header
	if !strings.HasPrefix(f.Target, "/") {
		f.Target = "/" + f.Target
	}
}

// endOfAuthority returns where the authority ends that a URL without its scheme begins with.
func endOfAuthority(s string) int {
	for i := range len(s) {
		if endsAuthority[s[i]] {
			return i
		}
	}
	return len(s)
}

var endsAuthority = [256]bool{'/': true, '?': true, '#': true}

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
