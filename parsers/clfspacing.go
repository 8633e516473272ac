package parsers

import "strings"

// How fields of a log_format may be kept apart otherwise than by one blank, and begin with the time.

// timeBehind returns a line that begins with the time, "[time] address user "request" …", with that in
// its usual place; "" if it is no such line.
func timeBehind(line string) string {
	rest, first := strings.CutPrefix(line, "[")
	stamp, rest, closed := strings.Cut(rest, "] ")
	peer, request, quoted := strings.Cut(rest, ` "`)
	if !first || !closed || !quoted {
		return ""
	}
	address, user, _ := cutByte(peer, ' ')
	user = strings.TrimPrefix(user, "- ")
	if !isAddress(address) || strings.IndexByte(user, ' ') >= 0 {
		return ""
	}
	return address + " - " + user + " [" + stamp + `] "` + request
}

// isGlued tells whether fields of the line stand without a blank between them, as where the strings of
// a log_format meet: `"GET / HTTP/1.1"200 5"-""curl/8.5.0"`.
func isGlued(line string) bool {
	_, rest, found := strings.Cut(line, `]`)
	if !found {
		return false
	}
	if strings.HasPrefix(rest, `"`) {
		return true
	}
	_, rest, found = strings.Cut(rest, ` HTTP/`)
	quote := strings.IndexByte(rest, '"')
	if !found || quote < 0 || quote+1 == len(rest) {
		return false
	}
	if isDigit(rest[quote+1]) {
		return true
	}
	status, rest, _ := cutByte(strings.TrimLeft(rest[quote+1:], " "), ' ')
	size, _, _ := cutByte(rest, ' ')
	return allDigits(status) && size != "" && (isDigit(size[0]) || size[0] == '-') && strings.IndexByte(size, '"') > 0
}

// unglued returns the line with blanks around all that stands in quotes.
func unglued(line string) string {
	b := make([]byte, 0, len(line)+16)
	quoted := false
	for i := range len(line) {
		c := line[i]
		if c != '"' || isEscaped(line, i) {
			b = append(b, c)
			continue
		}
		if !quoted && len(b) > 0 && b[len(b)-1] != ' ' {
			b = append(b, ' ')
		}
		b = append(b, c)
		if quoted && i+1 < len(line) && line[i+1] != ' ' {
			b = append(b, ' ')
		}
		quoted = !quoted
	}
	return string(b)
}

// oneBlank returns what stands behind a blank, s. If another follows that, s is returned with one blank
// for several that stand outside of quotes: a log_format that is written in several lines may well
// have them.
func oneBlank(s string) string {
	if s == "" || s[0] != ' ' {
		return s
	}
	return singleBlanks(strings.TrimLeft(s, " "))
}

// singleBlanks returns s, which begins with none, with one blank for several outside of quotes.
func singleBlanks(s string) string {
	b := make([]byte, 0, len(s))
	for s != "" {
		n := 1
		if s[0] == '"' {
			if n += closingQuote(s[1:]) + 1; n == 1 { // torn off
				return string(append(b, s...))
			}
		}
		if s[0] != ' ' || b[len(b)-1] != ' ' {
			b = append(b, s[:n]...)
		}
		s = s[n:]
	}
	return string(b)
}

// pastBlanks returns s without the blanks it begins with, of which there mostly are none.
func pastBlanks(s string) string {
	if s == "" || s[0] != ' ' {
		return s
	}
	return strings.TrimLeft(s, " ")
}

// glued is next for a field in quotes that the next one may follow without a blank, as where the strings
// of a log_format meet: `"-""curl/8.5.0"rt=0.015`.
func (s *fieldCutter) glued() string {
	const longestTime = len("request_time=9999999.999s")
	all := s.rest
	field := s.next()
	for at := 0; ; at++ {
		n := strings.IndexByte(field[at:], '"')
		if n < 0 {
			return field
		}
		at += n
		after, _, _ := cutByte(field[at+1:min(at+1+longestTime, len(field))], ' ')
		_, timed := requestTime(after)
		if (timed || opensQuote(after)) && !isEscaped(field, at) {
			s.rest = all[1+at+1:]
			return field[:at]
		}
	}
}
