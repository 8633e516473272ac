package parsers

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ApacheLogFormat compiles an Apache LogFormat, as it stands in the configuration:
// text with %directives, quotes escaped by backslashes or not. The format must log a
// time, and a request or a status; directives that say nothing of a Request are read
// over.
func ApacheLogFormat(name, format string) (*Format, error) {
	p, err := compileApache(format)
	if err != nil {
		return nil, fmt.Errorf("LogFormat %s: %w", name, err)
	}
	return &Format{
		Name:  name,
		Doc:   "a LogFormat of Apache\n\n  " + format,
		Given: format,
		New:   func() ParseFunc { return enveloped(p.source()) },
	}, nil
}

// ApacheSSLRequest reads the log of requests that Apache's mod_ssl suggests.
func ApacheSSLRequest() *Format {
	return &Format{
		Name: "apache-ssl-request",
		Doc: `Apache's ssl_request_log

  %t %h %{SSL_PROTOCOL}x %{SSL_CIPHER}x "%r" %b

It tells neither status nor user agent, so most of what litesoc looks for cannot be
seen in it: read the access log of the same server where there is one.`,
		Samples: []string{
			`[01/Mar/2026:10:00:00 +0000] 203.0.113.9 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 "GET /api/users?page=2 HTTP/1.1" 1375`,
			`[01/Mar/2026:10:00:01 +0100] 2001:db8::7 TLSv1.3 TLS_AES_256_GCM_SHA384 "POST /login HTTP/1.1" -`,
			`[01/Mar/2026:10:00:02 +0000] 203.0.113.9 - - "-" -`,
		},
		New: func() ParseFunc { return enveloped(sslRequest.source()) },
	}
}

var sslRequest = constant(compileApache(`%t %h %{SSL_PROTOCOL}x %{SSL_CIPHER}x "%r" %b`))

// constant returns a parser compiled from a format that is part of the program.
func constant(p *logParser, err error) *logParser {
	if err != nil {
		panic(err)
	}
	return p
}

// compileApache turns a LogFormat into steps.
func compileApache(format string) (*logParser, error) {
	parts, err := splitApache(unescape(format))
	if err != nil {
		return nil, err
	}
	p, err := compile(parts)
	switch err {
	case errNoTime:
		return nil, fmt.Errorf("%w: add %%t", err)
	case errNoRequest:
		return nil, fmt.Errorf(`%w: add "%%r" and %%>s`, err)
	}
	return p, err
}

// splitApache cuts a format into directives; the first part is the text before them.
func splitApache(format string) ([]logPart, error) {
	parts := make([]logPart, 1)
	for {
		text, rest, found := strings.Cut(format, "%")
		parts[len(parts)-1].literal += text
		if !found {
			break
		}
		d, rest, err := cutDirective(rest)
		if err != nil {
			return nil, err
		}
		format = rest
		last := &parts[len(parts)-1]
		if d.letter == '%' {
			last.literal += "%"
			continue
		}
		if d.letter != 't' {
			parts = append(parts, d.part())
			continue
		}
		part, brackets := d.timePart()
		switch {
		case part.layout != "" && last.layout != "": // a time in pieces
			last.layout += timeLayout(strings.ReplaceAll(last.literal, "%", "%%")) + part.layout
			last.name += part.name
			last.literal = ""
		case brackets:
			last.literal += "["
			part.literal = "]"
			parts = append(parts, part)
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) == 1 {
		return nil, errors.New("it holds no %directive")
	}
	for i := range parts {
		if layout := parts[i].layout; layout != "" {
			parts[i].variable = layout.variable()
			parts[i].width = layout.width()
		}
	}
	return parts, nil
}

// A directive is what stands behind a % in a LogFormat: "!200,304{Referer}i".
type directive struct {
	text     string // all of it, with the %
	letter   byte
	trailer  bool   // "^ti" and "^to", of which letter is the last
	argument string // between braces
	final    bool   // ">": of the request that internal redirects ended in
}

// cutDirective cuts a directive off the front of s, which stood behind a %.
func cutDirective(s string) (d directive, rest string, err error) {
	for n := 0; n < len(s); n++ {
		switch c := s[n]; {
		case c == '<':
			d.final = false
		case c == '>':
			d.final = true
		case c == '!', c == ',', isDigit(c): // for these statuses only: else the value is "-"
		case c == '{':
			end := strings.IndexByte(s[n:], '}')
			if end < 0 {
				return d, "", fmt.Errorf("%%%s has no closing brace", s)
			}
			d.argument = s[n+1 : n+end]
			n += end
		case c == '^' && n+2 < len(s):
			d.trailer = true
			n++ // its first letter
		case c == '%' || isLetter(c):
			d.text, d.letter = "%"+s[:n+1], c
			return d, s[n+1:], nil
		default:
			return d, "", fmt.Errorf("%%%s is no directive", s[:n+1])
		}
	}
	return d, "", errors.New("a % stands without its letter")
}

// part returns what is known of the directive, which is not of a time.
func (d directive) part() logPart {
	part := logPart{name: d.text, unit: time.Second}
	if d.trailer {
		return part
	}
	header := strings.ReplaceAll(strings.ToLower(d.argument), "-", "_")
	switch d.letter {
	case 'a':
		part.variable = variable{remoteMeaning, 0}
		if d.argument == "c" { // the peer of the connection, where mod_remoteip put another client in its place
			part.rank = 2
		}
	case 'h':
		part.variable = variable{remoteMeaning, 1} // may be a name
	case 'u':
		part.variable = variable{userMeaning, 0}
	case 'r':
		part.variable = variable{requestMeaning, 0}
	case 'm':
		part.variable = variable{methodMeaning, 0}
	case 'U':
		part.variable = variable{targetMeaning, 1} // decoded and rewritten
	case 'q':
		part.variable = variable{argsMeaning, 0}
	case 's':
		part.variable, part.number = variable{statusMeaning, 1}, true
		if d.final {
			part.rank = 0
		}
	case 'b', 'B':
		part.variable, part.number = variable{bytesMeaning, 0}, true
	case 'O':
		part.variable, part.number = variable{bytesMeaning, 1}, true
	case 'I', 'S', 'k', 'P':
		part.number = true
	case 'D':
		part.variable, part.number, part.unit = variable{durationMeaning, 0}, true, time.Microsecond
	case 'T':
		part.variable, part.number = variable{durationMeaning, 2}, true
		switch d.argument {
		case "ms":
			part.rank, part.unit = 1, time.Millisecond
		case "us":
			part.rank, part.unit = 0, time.Microsecond
		}
	case 'V':
		part.variable = variable{hostMeaning, 1}
	case 'v':
		part.variable = variable{hostMeaning, 2}
	case 'p':
		part.port = true
	case 'i':
		part.variable = variableOf("http_" + header)
		part.list = header == "x_forwarded_for" || header == "forwarded"
	case 'o':
		part.variable = variableOf("sent_http_" + header)
	case 'C':
		part.variable = variableOf("cookie_" + d.argument)
	case 'e', 'n':
		switch {
		case header == "unique_id":
			part.variable = variable{requestIDMeaning, 1}
		case strings.HasPrefix(header, "http_"):
			part.variable = variableOf(header)
		}
	}
	return part
}

// timePart returns what is known of a directive %t, and whether brackets stand around
// its value.
func (d directive) timePart() (part logPart, brackets bool) {
	part = logPart{name: d.text}
	argument := strings.TrimPrefix(strings.TrimPrefix(d.argument, "begin:"), "end:")
	switch argument {
	case "":
		part.variable = variable{timeMeaning, 2}
		part.width = len(clfTime)
		return part, true
	case "usec":
		part.variable, part.number = variable{timeMeaning, 0}, true
	case "msec":
		part.variable, part.number = variable{timeMeaning, 1}, true
	case "sec":
		part.layout = "%s"
	case "msec_frac":
		part.layout = layoutMillis
	case "usec_frac":
		part.layout = layoutMicros
	default:
		part.layout = strftime(argument)
	}
	return part, false
}

// clfTime is how %t and $time_local are written, as Go says it.
const clfTime = "02/Jan/2006:15:04:05 -0700"

// A timeLayout is a time as strftime writes it, with "%3" and "%6" for a fraction of
// milliseconds and microseconds; "" for a time as parseTime knows it. What its
// composed conversions stand for is written out.
type timeLayout string

// Layouts of what Apache writes beside strftime's.
const (
	layoutMillis timeLayout = "%3"
	layoutMicros timeLayout = "%6"
)

// strftime returns the layout of a format of strftime.
func strftime(format string) timeLayout {
	return timeLayout(strings.NewReplacer("%%", "%%", "%T", "%H:%M:%S", "%R", "%H:%M", "%F", "%Y-%m-%d",
		"%D", "%m/%d/%y", "%r", "%I:%M:%S %p", "%c", "%a %b %e %H:%M:%S %Y", "%h", "%b", "%n", "\n", "%t", "\t").Replace(format))
}

// conversions returns the letters of the conversions in l.
func (l timeLayout) conversions() string {
	var letters []byte
	for i := 0; i+1 < len(l); i++ {
		if l[i] == '%' {
			i++
			letters = append(letters, l[i])
		}
	}
	return string(letters)
}

// variable returns what a value of this layout means: a time, if it holds all of one.
func (l timeLayout) variable() variable {
	letters := l.conversions()
	has := func(any string) bool { return strings.ContainsAny(letters, any) }
	rank := 3 // a time that does not tell its zone
	switch {
	case strings.Trim(letters, "%aAbBdeHIjmMpsSyYzZ36") != "":
		return variable{} // a conversion we cannot read
	case has("s"), has("Yy") && has("mbB") && has("de") && has("HI") && has("M") && has("z"):
		rank = 2
		if has("36") {
			rank = 1
		}
	case !(has("Yy") && has("mbB") && has("de") && has("HI") && has("M")):
		return variable{}
	}
	return variable{timeMeaning, rank}
}

// width returns how many bytes a value has at least.
func (l timeLayout) width() int {
	n := 0
	for i := 0; i < len(l); i++ {
		n++
		if l[i] != '%' || i+1 == len(l) {
			continue
		}
		i++
		n += conversionWidth(l[i]) - 1
	}
	return n
}

// conversionWidth returns how many bytes a conversion's value has, of those that vary
// how many it has at least.
func conversionWidth(letter byte) int {
	switch letter {
	case 'Y':
		return 4
	case 'a', 'A', 'b', 'B', 'j', '3':
		return 3
	case '6':
		return 6
	case 'd', 'e', 'H', 'I', 'm', 'M', 'S', 'y', 'p':
		return 2
	case 'z':
		return 5
	}
	return 1
}

// read returns the time that s states, in UTC. The clock reads what has no layout.
func (l timeLayout) read(s string, c *clock) (time.Time, bool) {
	if l == "" {
		return c.read(s)
	}
	var year, mon, day, hour, minute, second, nanos, offset int
	seconds := int64(-1) // since 1970
	afternoon, noon := false, false
	for i := 0; i < len(l); i++ {
		if l[i] != '%' || i+1 == len(l) {
			if s == "" || s[0] != l[i] {
				return time.Time{}, false
			}
			s = s[1:]
			continue
		}
		i++
		n := conversionWidth(l[i])
		if n > len(s) {
			return time.Time{}, false
		}
		switch l[i] {
		case 'A', 'B', 'Z':
			for n < len(s) && isLetter(s[n]) {
				n++
			}
		case 's':
			for n < len(s) && isDigit(s[n]) {
				n++
			}
		}
		word := s[:n]
		s = s[n:]
		ok := true
		switch l[i] {
		case 'Y':
			year = digits(word)
		case 'y':
			if year = digits(word); year >= 0 {
				year += 2000
			}
		case 'm':
			mon = digits(word)
		case 'b', 'B':
			mon = month(word[:3])
		case 'd', 'e':
			day = digits(strings.TrimPrefix(word, " "))
		case 'H', 'I':
			hour = digits(word)
		case 'M':
			minute = digits(word)
		case 'S':
			second = digits(word)
		case '3', '6':
			nanos, ok = fraction(word), allDigits(word)
		case 'p':
			noon, afternoon = true, word[0]|0x20 == 'p'
		case 'z':
			offset, ok = parseZone(word)
		case 'Z':
			if word != "UTC" && word != "GMT" && !strings.Contains(string(l), "%z") {
				ok = false // a name tells no offset
			}
		case 's':
			seconds, ok = parseInt(word)
		case '%':
			ok = word == "%"
		}
		if !ok {
			return time.Time{}, false
		}
	}
	if s != "" {
		return time.Time{}, false
	}
	if noon && hour >= 0 {
		if hour %= 12; afternoon {
			hour += 12
		}
	}
	if seconds >= 0 {
		return time.Unix(seconds, int64(nanos)).UTC(), seconds < latestEpoch
	}
	t, ok := makeTime(year, mon, day, hour, minute, second, "")
	return t.Add(time.Duration(nanos) - time.Duration(offset)*time.Second), ok
}
