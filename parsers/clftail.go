package parsers

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// What follows the bytes in lines that are built on the common log format.

// setTail takes what follows the bytes: referer, user agent, X-Forwarded-For, with
// numbers before them or not, and says what it is. What is torn off at the end of the
// line, as syslog cuts it, is not missed: a client that sends a long user agent shall
// not keep its requests from being seen.
func (f *Fields) setTail(s string) tail {
	if s == "" {
		return tailNone
	}
	if s[len(s)-1] == ']' && f.setNexus(s) {
		return tailAny
	}
	rest := fieldCutter{rest: s}
	for rest.rest != "" && isDigit(rest.rest[0]) {
		field := rest.next()
		f.setUnits(field)
		if f.setSeconds(field); rest.rest == "" && isRackSeconds(field) { // lines of Ruby among others
			f.setDuration(field, time.Second)
		}
	}
	if !opensQuote(rest.rest) {
		rest = f.overWords(rest)
	}
	if !strings.HasPrefix(rest.rest, `"`) && !strings.HasPrefix(rest.rest, `- "`) { // Traefik leaves an absent one bare
		f.setTimes(rest)
		return tailAny
	}
	f.Referer = unescape(valueOf(rest.glued()))
	rest.rest = oneBlank(rest.rest)
	if after := rest; strings.HasPrefix(rest.rest, `"`) {
		f.UserAgent = unescape(valueOf(rest.glued()))
		rest.rest = oneBlank(rest.rest)
		if f.Referer != "" && f.UserAgent != "" && !isReferer(f.Referer) && strings.Trim(f.UserAgent, ".0123456789") == "" {
			f.Referer, f.UserAgent, rest = "", f.Referer, after
		}
	} else if f.Referer != "" && !isReferer(f.Referer) { // "$http_user_agent" without "$http_referer"
		f.Referer, f.UserAgent = "", f.Referer
	}
	switch {
	case rest.rest == "":
	case isDigit(rest.rest[0]):
		if f.setTraefik(rest) {
			return tailTraefik
		}
		if f.setIngress(rest) {
			return tailIngress
		}
	case rest.rest[0] == '"' && f.ForwardedFor == "":
		after := rest
		list := after.next()
		if isForwarded(list) {
			f.ForwardedFor, rest = list, after
		}
	}
	if f.ForwardedFor == "" {
		f.ForwardedFor = rest.bareAddresses()
	}
	f.setTimes(rest)
	return tailAny
}

// isForwarded tells whether s could be an X-Forwarded-For: it begins with an address, or ends with one
// behind a comma, for a client may send whatever the proxies then append to.
func isForwarded(s string) bool {
	first, _, several := cutByte(s, ',')
	if isAddress(first) {
		return !isUpstream(first)
	}
	last := strings.TrimLeft(s[strings.LastIndexByte(s, ',')+1:], " ")
	return several && isAddress(last) && !isUpstream(last)
}

// bareAddresses returns the addresses, one or several joined by ", ", that rest begins with.
func (s *fieldCutter) bareAddresses() string {
	all := s.rest
	for at := 0; at < len(all); {
		word, _, _ := cutByte(all[at:], ' ')
		bare, more := strings.CutSuffix(word, ",")
		if !isAddress(bare) || isUpstream(bare) {
			return ""
		}
		if at += len(word); !more {
			s.rest = strings.TrimPrefix(all[at:], " ")
			return all[:at]
		}
		at++
	}
	return ""
}

// isReferer tells whether s could be a Referer: a URL, or a path.
func isReferer(s string) bool { return s[0] == '/' || strings.Contains(s, ":/") }

// overWords reads over what may stand bare between the bytes and a referer, "HIT" or "192.0.2.1 +
// 400", and returns what follows; all of it if no referer and user agent do.
func (f *Fields) overWords(rest fieldCutter) fieldCutter {
	const most = 6
	all := rest
	var words [most]string
	for n := 0; n < most && rest.rest != ""; n++ {
		if words[n] = rest.next(); !opensQuote(rest.rest) {
			continue
		}
		referer := rest
		if first := referer.next(); first != "" && first != "-" && first[0] != '/' && !strings.Contains(first, "://") || !opensQuote(referer.rest) {
			return all
		}
		for _, word := range words[:n+1] {
			f.setSeconds(word)
		}
		return rest
	}
	return all
}

// setNexus takes what Nexus, of Sonatype, appends to the length of the request's body, which
// stands where others have the bytes of the answer: these, milliseconds, user agent and thread.
func (f *Fields) setNexus(s string) bool {
	rest := fieldCutter{rest: s}
	size, ok := parseInt(rest.next())
	taken, timed := parseInt(rest.next())
	if !ok || !timed || !opensQuote(rest.rest) {
		return false
	}
	agent := rest.next()
	if !strings.HasPrefix(rest.rest, "[") || strings.IndexByte(rest.rest, ' ') >= 0 {
		return false
	}
	f.Bytes, f.UserAgent = size, unescape(valueOf(agent))
	f.setDuration(strconv.FormatInt(taken, 10), time.Millisecond)
	return true
}

// isUpstream tells whether the address is one that a server speaks to, $upstream_addr: private,
// with a port that no system chooses for a client.
func isUpstream(s string) bool {
	const firstOfClients = 32768
	if s[0] != '[' && strings.Count(s, ":") != 1 { // it has no port, as nearly all
		return false
	}
	at, err := netip.ParseAddrPort(s)
	return err == nil && at.Port() < firstOfClients && (at.Addr().IsPrivate() || at.Addr().IsLoopback())
}

// setTimes takes the request time from what is appended. Best is one with its name, as NGINX's
// example formats have it: " rt=0.015"; the last one, for a client may write another into what
// stands before it. Without a name it is the longest of the numbers that are written as nginx
// alone writes seconds: no upstream can take longer than the request.
func (f *Fields) setTimes(rest fieldCutter) {
	named := false
	for rest.rest != "" {
		quoted := opensQuote(rest.rest)
		field := rest.next()
		if !quoted {
			if d, ok := requestTime(field); ok {
				if d >= 0 {
					f.Duration, named = d, true
				}
				continue
			}
			if list, ok := rest.forwarded(field); ok {
				if f.ForwardedFor == "" {
					f.ForwardedFor = valueOf(list)
				}
				continue
			}
		}
		switch {
		case !quoted && (rest.rest == "ms" || rest.rest == "ms)" || strings.HasPrefix(rest.rest, "ms ")): // morgan's ":response-time ms", Tomcat's "(%D ms)"
			f.setDuration(strings.TrimPrefix(field, "("), time.Millisecond)
			named = true
			rest.next()
		case named:
		case !quoted && f.setUnits(field):
		case strings.IndexByte(field, '/') > 0:
			f.setPair(field)
		default:
			f.setSeconds(field)
		}
	}
}

// requestTime returns what a field tells that is named as a request time; -1 if it tells none.
// What counts seconds may do so without saying it, but what anybody may call a latency.
func requestTime(field string) (d time.Duration, ok bool) {
	name, value, _ := strings.Cut(field, "=")
	if value == "" {
		name, value, _ = cutByte(field, ':')
	}
	if name != "rt" && name != "request_time" && name != "latency" || value == "" {
		return -1, false
	}
	value = strings.Trim(value, `",;`)
	if value != "" && isLetter(value[len(value)-1]) {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return -1, true
		}
		return d, true
	}
	if d, ok = parseDecimal(value, time.Second); !ok || name == "latency" {
		return -1, true
	}
	return d, true
}

// forwarded returns the value that the field just cut begins, X-Forwarded-For="203.0.113.9, 192.0.2.1",
// if it is of that name.
func (s *fieldCutter) forwarded(field string) (list string, ok bool) {
	name, list, found := strings.Cut(field, `="`)
	if !found {
		return "", false
	}
	switch canonicalKey(name) {
	case "xforwardedfor", "httpxforwardedfor", "xff":
	default:
		return "", false
	}
	if end := strings.IndexByte(list, '"'); end >= 0 {
		return list[:end], true
	}
	more, rest, found := cutByte(s.rest, '"')
	if !found {
		return "", false
	}
	s.rest = strings.TrimPrefix(rest, " ")
	return list + " " + more, true
}

// setPair takes "1/1250023", as which Apache writes "%T/%D": whole seconds, and the same in
// microseconds. Tomcat's are milliseconds; where both could be meant, neither is taken.
func (f *Fields) setPair(s string) {
	whole, part, found := cutByte(strings.Trim(s, "*"), '/')
	seconds, taken := digits(whole), digits(part)
	switch {
	case !found || seconds < 0 || taken < 1000:
	case taken/1e6 == seconds:
		f.Duration = time.Duration(taken) * time.Microsecond
	case taken/1e3 == seconds:
		f.Duration = time.Duration(taken) * time.Millisecond
	}
}

// setUnits takes a time that says what it counts, "1234us", if it is longer than what was taken before.
func (f *Fields) setUnits(s string) bool {
	if !strings.HasSuffix(s, "s") || !isDigit(s[0]) {
		return false
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return false
	}
	f.Duration = max(f.Duration, d)
	return true
}

// setSeconds takes a number that is written as nginx writes seconds, "0.015", and longer than
// what was taken before. $msec, which is too, is longer than any request.
func (f *Fields) setSeconds(s string) {
	const longest = len("9999999.999")
	if point := len(s) - len(".015"); point < 1 || len(s) > longest || s[point] != '.' || !allDigits(s[:point]) || !allDigits(s[point+1:]) {
		return
	}
	if d, ok := parseDecimal(s, time.Second); ok {
		f.Duration = max(f.Duration, d)
	}
}
