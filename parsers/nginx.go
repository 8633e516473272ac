package parsers

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// NginxCombined reads nginx's combined format and its many extensions.
func NginxCombined() *Format {
	return &Format{
		Name: "nginx-combined",
		Doc: `nginx combined, Apache combined, and what is built on them

  $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"

The two servers write the same text, so one format reads both, and the escapes of
both. Before the address may stand the name of a program ("app - "), a virtual host
(Apache's vhost_combined; a " - " may follow it, and it may stand before the request or behind it, too) and the addresses of
X-Forwarded-For, with commas or in quotes: the last address is the one taken as the
server's peer. They may stand behind it in parentheses, too, and an upstream behind "->". The time may
stand before all that, and the status before the request. Several blanks, and none where strings of a
log_format meet, keep fields apart as one does. Before
the referer may stand what has no quotes ("HIT"). After the user agent may stand anything; an
X-Forwarded-For right behind it is taken as such, or elsewhere with its name before it, but not a private address with the port of a
server, $upstream_addr; what Traefik, the ingress
controller and Nexus append is understood, and a request time: rt=0.015, request_time=0.015, latency=0.015s, 15.2 ms, 15200us,
Apache's %T/%D where it is clear ("1/1250023"), or a number with three decimals, as nginx writes seconds. A whole number is left alone, for
it may count anything: give the format of such a log. Referer and user agent may both be
missing, or be torn off at the end of the line. A request that is none ("-", "", "\x16\x03\x01") is
kept, without method and target. A status or a number of bytes that is "-" counts as 0.`,
		Samples: []string{
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/users?page=2 HTTP/1.1" 200 1043 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)"`,
			`203.0.113.9 - alice [01/Mar/2026:10:00:01 +0100] "POST /login HTTP/2.0" 302 0 "-" "curl/8.5.0" "198.51.100.7"`,
			`api.example.com:443 2001:db8::7 - - [01/Mar/2026:10:00:02 +0000] "-" 408 - "-" "-"`,
			`198.51.100.7, 192.0.2.1 - - [01/Mar/2026:10:00:03 +0000] "\x16\x03\x01\x00" 400 157 "-" "-"`,
		},
		New: func() ParseFunc { return enveloped((&clf{}).parse) },
	}
}

// NginxCommon reads the common log format as nginx and Apache write it.
func NginxCommon() *Format {
	return &Format{
		Name: "nginx-common",
		Doc: `nginx and Apache common log format: no referer, no user agent

  $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent

What is said of nginx-combined holds here too, but nothing may follow the bytes.`,
		Samples: []string{
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/users?page=2 HTTP/1.1" 200 1043`,
			`host.example.net - alice [01/Mar/2026:10:00:01 +0100] "GET /" 304 -`,
		},
		New: func() ParseFunc { return enveloped((&clf{only: tailNone}).parse) },
	}
}

// clf reads one source in the common log format and its relatives.
type clf struct {
	only  tail // what must follow the bytes
	clock clock
}

// A tail is what follows the bytes of a line.
type tail uint8

const (
	tailAny     tail = iota
	tailNone         // nothing
	tailTraefik      // referer, user agent, and what Traefik appends
	tailIngress      // referer, user agent, and what the ingress controller appends
)

func (p *clf) parse(line string, f *Fields) error {
	f.reset()
	if p.only == tailAny && p.parsePlain(line, f) {
		return nil
	}
	err := p.parseAny(line, f)
	if err == nil || rejectOf(err).Skip {
		return err
	}
	usual := timeBehind(line)
	if usual == "" && isGlued(line) {
		usual = unglued(line)
	}
	if usual == "" {
		return err
	}
	f.reset()
	if p.parseAny(usual, f) != nil {
		return err
	}
	return nil
}

// parsePlain reads a line of the combined format as nearly all are: one address, no user,
// nothing escaped, nothing behind the user agent. Of all else it says no; what it says yes
// to it reads as parseAny does, in half the time.
func (p *clf) parsePlain(line string, f *Fields) bool {
	const before, between = " - - [", `] "`
	open := strings.IndexByte(line, ' ')
	mid := open + len(before) + len(clfTime)
	if open < 1 || len(line) < mid+len(between) || line[open:open+len(before)] != before || line[mid:mid+len(between)] != between {
		return false
	}
	address, rest := line[:open], line[mid+len(between):]
	if address[0] == '"' || address[open-1] == '"' || address == "-" || isPreface(address) || strings.IndexByte(rest, '\\') >= 0 {
		return false
	}
	request, rest, found := cutByte(rest, '"')
	if !found || len(rest) < len(` 200 0 "" ""`) || rest[0] != ' ' || !allDigits(rest[1:4]) || rest[4] != ' ' {
		return false
	}
	status := rest[1:4]
	size, rest := leadingSize(rest[5:])
	if size < 0 || len(rest) < len(` "" ""`) || rest[:2] != ` "` {
		return false
	}
	referer, agent := "", ""
	if strings.HasPrefix(rest, ` "-"`) { // as most
		agent = rest[len(` "-"`):]
	} else {
		referer, agent, _ = cutByte(rest[2:], '"')
	}
	last := len(agent) - 1
	if last < 2 || agent[:2] != ` "` || strings.IndexByte(agent[2:], '"') != last-2 {
		return false
	}
	t, ok := p.time(line[open+len(before) : mid])
	if !ok {
		return false
	}
	f.Time, f.Remote, f.Status, f.Bytes = t, address, digits(status), size
	f.Method, f.Target = splitRequestLine(request)
	f.Referer, f.UserAgent = valueOf(referer), valueOf(agent[2:last])
	return true
}

// leadingSize reads the number of bytes, or the "-" that stands for 0, that s begins with, and
// returns what follows it; -1 if there is none of at most 18 digits.
func leadingSize(s string) (size int64, rest string) {
	const longest = 18
	if s[0] == '-' {
		return 0, s[1:]
	}
	n := 0
	for n < len(s) && n < longest && isDigit(s[n]) {
		size = size*10 + int64(s[n]-'0')
		n++
	}
	if n == 0 {
		return -1, s
	}
	return size, s[n:]
}

// parseAny reads any line into f, which says nothing yet.
func (p *clf) parseAny(line string, f *Fields) error {
	// A user name may hold brackets, but no bare quote: the first quote after a
	// bracket is the request's, and the time stands right before it.
	mid, rest, between := strings.Index(line, `] "`), "", ""
	if mid >= 0 {
		rest = line[mid+len(`] "`):]
	} else if mid, between, rest = cutBetween(line); mid < 0 {
		return unlessErrorLog(line, "no time and request", line)
	}
	if namesHost(between) {
		f.Host = between
	}
	open := mid - len(clfTime) - 1
	if open < 0 || line[open] != '[' {
		if open = strings.LastIndexByte(line[:mid], '['); open < 0 {
			return unlessErrorLog(line, "no time", line)
		}
	}
	var ok bool
	if f.Time, ok = p.time(line[open+1 : mid]); !ok {
		return unlessErrorLog(line, "not a time", line[open+1:mid])
	}
	if !f.setPeer(line[:open]) {
		return &Reject{Reason: "no address", Value: line[:open]}
	}
	if len(rest) > 1 && rest[0] == '"' && rest[1] != ' ' && strings.Contains(rest[1:], `"" `) {
		return &Reject{Reason: reasonDoubled, Value: line}
	}
	end := requestEnd(rest)
	if end < 0 {
		return &Reject{Reason: "request has no end", Value: rest}
	}
	if request := rest[:end]; !f.setRequestLine(request) {
		if before, after, two := strings.Cut(request, `" "`); two && (isHost(before) || before == "-") && f.setRequestLine(after) && namesHost(before) { // "$host" "$request"
			f.Host = before
		}
	}
	rest = oneBlank(strings.TrimPrefix(rest[end+1:], " "))
	status, rest, _ := cutByte(rest, ' ')
	rest = oneBlank(rest)
	size := ""
	if isStatus(between) && isNumber(status) && (rest == "" || opensQuote(rest)) { // `$status "$request" $body_bytes_sent`
		status, size = between, status
	}
	if !f.setStatus(status) {
		word := status // "$request" $host $status
		if status, rest, _ = cutByte(rest, ' '); len(status) != len("200") || !f.setStatus(status) {
			return &Reject{Reason: "status is not a number", Value: word}
		}
		if isDomain(word) {
			f.Host = word
		}
	}
	if status == "-" && strings.HasPrefix(f.RequestID, "i") && isJiraID(f.RequestID) {
		return &Reject{Reason: reasonUnanswered, Value: line, Skip: true}
	}
	if size == "" && !opensQuote(rest) && !strings.HasPrefix(rest, "(") { // a format may leave the bytes out
		size, rest, _ = cutByte(rest, ' ')
	}
	if !f.setBytes(size) {
		number := size
		if f.setSeconds(size); f.Duration >= 0 { // $status $request_time $body_bytes_sent
			number, rest, _ = cutByte(rest, ' ')
		}
		if f.Duration < 0 || !isNumber(number) || !f.setBytes(number) {
			return &Reject{Reason: "bytes are not a number", Value: size}
		}
	}
	if tail := f.setTail(oneBlank(rest)); p.only != tailAny && tail != p.only {
		return &Reject{Reason: "not what this format appends", Value: rest}
	}
	return nil
}

// cutBetween cuts out what stands without quotes between the time and the request, a virtual host or
// something else of one word, "" if nothing does, and returns it with where the bracket of the time
// is, -1 if there is none, and what follows the first quote.
func cutBetween(line string) (mid int, word, rest string) {
	mid = strings.Index(line, "] ")
	if mid < 0 {
		return -1, "", ""
	}
	rest = strings.TrimLeft(line[mid+len("] "):], " ")
	if !opensQuote(rest) {
		word, rest, _ = cutByte(rest, ' ')
		rest = strings.TrimLeft(rest, " ")
		if word != "-" && !isHost(word) || !opensQuote(rest) {
			return -1, "", ""
		}
	}
	return mid, word, rest[1:]
}

// isStatus tells whether s is written as a status is.
func isStatus(s string) bool { return len(s) == len("200") && isNumber(s) }

// time reads a time stamp, also with a day of one digit, or cPanel's.
func (p *clf) time(s string) (time.Time, bool) {
	if len(s) > 1 && s[1] == '/' {
		s = "0" + s
	}
	if len(s) == len("03/01/2026:10:00:00 -0000") && s[2] == '/' && s[5] == '/' && strings.HasSuffix(s, " -0000") {
		// cPanel's, whose month is a number, and first; no other has a UTC of less than nothing.
		if mon := digits(s[:2]); mon >= 1 && mon <= 12 {
			s = s[3:6] + time.Month(mon).String()[:3] + s[5:]
		}
	}
	return p.clock.read(s)
}

// requestEnd returns the index of the quote that ends the request: an unescaped one
// with a status and a number of bytes behind it, or failing that the first.
func requestEnd(s string) int {
	first := -1
	for at := 0; ; at++ {
		n := closingQuote(s[at:])
		if n < 0 {
			return first
		}
		at += n
		status, rest, _ := cutByte(pastBlanks(strings.TrimPrefix(s[at+1:], " ")), ' ')
		rest = pastBlanks(rest)
		if (allDigits(status) || status == "-") && rest != "" && (isDigit(rest[0]) || rest[0] == '-') {
			return at
		}
		if first < 0 {
			first = at
		}
	}
}

// closingQuote returns the index of the first quote in s that is not escaped and
// stands before a blank, the end, or a stray quote at the end; else -1.
func closingQuote(s string) int {
	for at := 0; ; at++ {
		n := strings.IndexByte(s[at:], '"')
		if n < 0 {
			return -1
		}
		at += n
		after := s[at+1:]
		if (after == "" || after[0] == ' ' || after == `"`) && !isEscaped(s, at) {
			return at
		}
	}
}

// A fieldCutter cuts a line into its fields, those in quotes without them.
type fieldCutter struct {
	rest string
	torn bool // a quoted field had no end
}

// next returns the next field; "" after the last.
func (s *fieldCutter) next() string {
	if s.rest == "" || s.rest[0] != '"' {
		var field string
		field, s.rest, _ = cutByte(s.rest, ' ')
		return field
	}
	end := closingQuote(s.rest[1:])
	if end < 0 {
		field := s.rest[1:]
		s.rest, s.torn = "", true
		return field
	}
	field := s.rest[1 : 1+end]
	s.rest = strings.TrimPrefix(s.rest[1+end+1:], " ")
	return field
}

// short is next for a field that mostly has a few bytes: they are looked at one by one.
func (s *fieldCutter) short() string {
	for i := range min(len(s.rest), 8) {
		switch s.rest[i] {
		case '"':
			return s.next()
		case ' ':
			field := s.rest[:i]
			s.rest = s.rest[i+1:]
			return field
		}
	}
	return s.next()
}

// skip goes over n fields.
func (s *fieldCutter) skip(n int) {
	for range n {
		s.next()
	}
}

// plainQuoted cuts a field in quotes off the front of s, without them, and the blank after it. It
// is not ok where there is none, or nothing in it, or where another quote might end it.
func plainQuoted(s string) (field, rest string, ok bool) {
	if !opensQuote(s) {
		return "", "", false
	}
	rest = s[1:]
	end := strings.IndexByte(rest, '"')
	if end < 1 || end+1 >= len(rest) || rest[end+1] != ' ' || rest[end-1] == '\\' {
		return "", "", false
	}
	return rest[:end], rest[end+2:], true
}

// opensQuote tells whether s begins with a quote.
func opensQuote(s string) bool { return s != "" && s[0] == '"' }

// isEscaped tells whether the byte at i stands after an odd number of backslashes.
func isEscaped(s string, i int) bool {
	n := i
	for n > 0 && s[n-1] == '\\' {
		n--
	}
	return (i-n)%2 == 1
}

// setRequestLine takes "METHOD target HTTP/version". The target may hold blanks; the
// version may be missing. If there is no such request in s, nothing is set.
func (f *Fields) setRequestLine(s string) bool {
	method, target := splitRequestLine(s)
	if target == "" {
		return false
	}
	f.Method, f.Target = method, unescape(target)
	return true
}

// splitRequestLine is setRequestLine for text without escapes. Both are "" if there is no
// such request in s.
func splitRequestLine(s string) (method, target string) {
	for strings.HasSuffix(s, " ") {
		s = s[:len(s)-1]
	}
	n := methodLen(s)
	if n == 0 || n > maxMethod || n == len(s) || s[n] != ' ' {
		return "", ""
	}
	method, target = s[:n], s[n+1:]
	if i := lastBlank(target); i >= 0 && (strings.HasPrefix(target[i+1:], "HTTP/") || isVersion(target[i+1:])) {
		target = target[:i]
	} else if !isTarget(target) && method != "CONNECT" {
		return "", ""
	}
	if target != "" && target[0] != ' ' && target[len(target)-1] != ' ' { // as nearly all
		if target[0] == s[0] { // "GET GET /pets", by $context.httpMethod and $context.routeKey
			target = strings.TrimPrefix(target, s[:n+1])
		}
		return method, target
	}
	if target = strings.Trim(target, " "); target == "" {
		return "", ""
	}
	return method, target
}

// isVersion tells whether s is a version of HTTP as Hypercorn writes it.
func isVersion(s string) bool {
	return s == "1.1" || s == "2" || s == "1.0" || s == "3"
}

// lastBlank returns where the last blank of s is, -1 if there is none: at one look where it
// stands before a version, as nearly always.
func lastBlank(s string) int {
	i := len(s) - len(" HTTP/1.1")
	if i >= 0 && s[i:i+len(" HTTP/")] == " HTTP/" && s[i+6] != ' ' && s[i+7] == '.' && s[i+8] != ' ' {
		return i
	}
	return strings.LastIndexByte(s, ' ')
}

// maxMethod is how long a method may be.
const maxMethod = 32

// isMethod tells whether s could be the method of a request. HTTP allows more, but
// no method in use needs it.
func isMethod(s string) bool { return s != "" && len(s) <= maxMethod && methodLen(s) == len(s) }

// methodLen returns the length of what s begins with and could be a method.
func methodLen(s string) int {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && (c != '-' || i == 0) {
			return i
		}
	}
	return len(s)
}

// isTarget tells whether s could be the target of a request whose version is not
// there to prove it.
func isTarget(s string) bool {
	return strings.HasPrefix(s, "/") || s == "*" || strings.Contains(s[:min(len(s), 10)], "://")
}

// setStatus takes a status; "-" and "" are none.
func (f *Fields) setStatus(s string) bool {
	if s == "-" || s == "" {
		return true
	}
	v := digits(s)
	if len(s) > 3 || v < 0 {
		return false
	}
	f.Status = v
	return true
}

// setBytes takes a number of bytes; "-" is how Apache writes 0, "" is not logged.
func (f *Fields) setBytes(s string) bool {
	switch s {
	case "":
		return true
	case "-":
		f.Bytes = 0
		return true
	}
	v, ok := parseInt(s)
	if !ok || v < 0 {
		return false
	}
	f.Bytes = v
	return true
}

// splitForwarded finds the peer in X-Forwarded-For where the log does not name it:
// the last address is the one the nearest proxy saw.
func (f *Fields) splitForwarded() {
	if f.Remote != "" || f.ForwardedFor == "" {
		return
	}
	if strings.IndexByte(f.ForwardedFor, '=') >= 0 { // Forwarded
		if rest, hop := lastHop(f.ForwardedFor); hop != "" {
			f.Remote, f.ForwardedFor = hop, strings.TrimRight(rest, ", \t")
			return
		}
	}
	i := strings.LastIndexByte(f.ForwardedFor, ',')
	f.Remote = strings.TrimSpace(f.ForwardedFor[i+1:])
	f.ForwardedFor = strings.TrimSpace(f.ForwardedFor[:max(i, 0)])
}

// valueOf returns s, or nothing if s stands for a value that is not there.
func valueOf(s string) string {
	if s == "-" || s == `""` || s == `"-"` {
		return ""
	}
	return s
}

// unlessErrorLog rejects a line for the reason, or skips it as one of an error log,
// which often shares a stream with the access log.
func unlessErrorLog(line, reason, value string) *Reject {
	if of := errorLog(line); of != "" {
		return &Reject{Reason: of, Skip: true}
	}
	return &Reject{Reason: reason, Value: value}
}

// errorLog says of which error log the line is, if of any: nginx's
// "2026/03/01 10:00:00 [error] 31#31: …", lighttpd's
// "2026-03-01 10:00:00: (response.c.450) …", LiteSpeed's
// "2026-03-01 10:00:00.123456 [NOTICE] [1226] …" or Apache's
// "[Sun Mar 01 10:00:00.123456 2026] [core:error] [pid 10] …".
func errorLog(line string) (reason string) {
	if len(line) < len("2006-01-02 15:04:05.000000 [") {
		return ""
	}
	switch {
	case line[4] == '/' && line[7] == '/' && line[19] == ' ' && line[20] == '[':
		return "nginx error log line"
	case line[4] == '-' && line[7] == '-' && line[19] == ':' && line[20] == ' ' && line[21] == '(':
		return "lighttpd error log line"
	case line[4] == '-' && line[7] == '-' && line[10] == ' ' && line[19] == '.' && line[26] == ' ' && line[27] == '[':
		return "LiteSpeed error log line"
	case line[0] == '[' && line[4] == ' ' && month(line[5:8]) > 0 && line[14] == ':' && line[17] == ':':
		return "Apache error log line"
	}
	return ""
}

// unescape undoes the escapes of nginx (\xHH; \" \n \u00HH in its JSON) and Apache
// (\" \\ \n \xhh). What is no escape stays. The result may be any bytes.
func unescape(s string) string {
	at := strings.IndexByte(s, '\\')
	if at < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:at]...)
	for ; at < len(s); at++ {
		c := s[at]
		if c != '\\' || at+1 == len(s) {
			b = append(b, c)
			continue
		}
		at++
		switch c = s[at]; c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'v':
			b = append(b, '\v')
		case 'x':
			v, ok := hex(s[at+1:], 2)
			if !ok {
				b = append(b, '\\', c)
				continue
			}
			b = append(b, byte(v))
			at += 2
		case 'u':
			v, ok := hex(s[at+1:], 4)
			if !ok {
				b = append(b, '\\', c)
				continue
			}
			b = utf8.AppendRune(b, rune(v))
			at += 4
		default:
			b = append(b, '\\', c)
		}
	}
	return string(b)
}

// hex reads the n hexadecimal digits that s begins with.
func hex(s string, n int) (v uint64, ok bool) {
	if len(s) < n {
		return 0, false
	}
	v, err := strconv.ParseUint(s[:n], 16, 32)
	return v, err == nil
}
