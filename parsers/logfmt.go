package parsers

import (
	"strings"
	"time"
)

// Logfmt reads lines of key=value pairs.
func Logfmt() *Format {
	return &Format{
		Name: "logfmt",
		Doc: `logfmt: key=value pairs

The keys are those known of JSON logs, in any spelling. Values with blanks stand in
quotes, with \" and \n inside; a key without a value says nothing. Commas or semicolons may stand
between pairs. Logrus, slog, Rails
lograge, tracing (with the pairs of its spans in braces) and Heroku's router write such lines; of the last, fwd is X-Forwarded-For with
the client at its end, and service the time taken. A method and a target
between the pairs are the request where no key tells it. What stands before the first pair is
read over, but for those and a time at its beginning, which holds where no key tells one, as Go,
Python and Java write it before or behind a level, or Rails ("I, [2026-03-01T10:00:00.123456 #7] …"). A time without its year,
as Tyk's text and Kubernetes' klog have it, is none: let the first write JSON, and what collects the second put one before it.
A duration with a decimal point is in seconds, but milliseconds behind zerolog's INF.
Lines of other loggers, which hold neither a request nor a status, are skipped.`,
		Samples: []string{
			`time="2026-03-01T10:00:00Z" level=info msg=request method=GET path="/api/users?page=2" status=200 bytes=1043 duration=1.2ms remote_addr=203.0.113.9 user_agent="curl/8.5.0"`,
			`I, [2026-03-01T10:00:01.123456 #7]  INFO -- : method=POST path=/login format=html controller=SessionsController action=create status=401 duration=58.33 view=40.43 db=15.26`,
			`time=2026-03-01T10:00:02.250+01:00 level=INFO msg="http request" http.method=GET http.path=/.env http.status_code=404 user_id=alice request_id=8601b555-6a83`,
			`2026-03-01T10:00:03.123456+00:00 heroku[router]: at=info method=GET path="/api/users?page=2" host=api.example.com request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 fwd="203.0.113.9" dyno=web.1 connect=1ms service=18ms status=200 bytes=1043 protocol=https`,
		},
		New: func() ParseFunc {
			p := &logfmt{json: jsonParser{root: jsonTree(JSONConfig{}), keys: map[jsonKey]seenKey{}}}
			return timed(p.parse)
		},
	}
}

// maxLogfmtKey bounds a key, in bytes: nothing longer is known, or remembered.
const maxLogfmtKey = 64

// logfmt reads one source. Keys mean what they mean to the parser of JSON.
type logfmt struct{ json jsonParser }

func (p *logfmt) parse(line string, f *Fields) error {
	f.reset()
	if len(line) > maxJSONLine {
		return &Reject{Reason: "line too long", Value: line}
	}
	if line != "" && isDigit(line[0]) && inCSV(line[:min(len(line), len(`2026-03-01T10:00:00.123456789Z,"`))]) {
		return &Reject{Reason: reasonDoubled, Value: line}
	}
	j := &p.json
	j.begin(line, f)
	pairs, rails, heroku, inSpan := 0, false, false, false
	for at := 0; at < len(line); {
		key, value, next := pairAt(line, at)
		if key == 0 {
			inSpan = inSpan || line[next-1] == '{'
			setOnce(&j.rest.request, requestAt(line[at:]))
		}
		if key > 0 {
			if inSpan && strings.HasSuffix(line[value.start:value.end], "}:") { // which ends it
				value.end -= len("}:")
			}
			name := line[at : at+key]
			pairs++
			switch {
			case name == "controller":
				rails = true
				p.take(name, line, value)
			case name == "fwd":
				heroku = true
				f.ForwardedFor = valueOf(line[value.start:value.end])
			case heroku && name == "service": // to others, a name
				if d, err := time.ParseDuration(line[value.start:value.end]); err == nil && d >= 0 {
					f.Duration = d
				}
			case rails && name == "duration": // in milliseconds, with a fraction
				if d, ok := parseDecimal(line[value.start:value.end], time.Millisecond); ok {
					f.Duration = d
				}
			default:
				p.take(name, line, value)
			}
		}
		at = next
	}
	if j.rest.guessed == unit(time.Second) && isZerologConsole(line) {
		j.rest.marks |= markZerolog
	}
	j.rest.module = j.rest.module || inSpan // what is told within a request, until it is answered
	klog := isKlog(line)
	j.rest.log = j.rest.log || klog
	if pairs < 2 {
		return &Reject{Reason: "no key=value pairs", Value: line, Skip: klog}
	}
	if f.Time.IsZero() {
		if t, ok := j.clock.read(loggerTime(line)); ok {
			f.Time = t
		}
	}
	return j.finishTimed()
}

// requestAt returns the method and the target that s begins with; "" if it does not.
func requestAt(s string) string {
	n := wordLen(s)
	if n == len(s) || !isUsualMethod(s[:n]) {
		return ""
	}
	end := n + 1 + wordLen(s[n+1:])
	if !isTarget(s[n+1 : end]) {
		return ""
	}
	return s[:end]
}

// isZerologConsole tells whether the line begins as zerolog writes for people: a time and a level of
// three letters.
func isZerologConsole(line string) bool {
	_, rest, _ := cutByte(line[len(loggerTime(line)):], ' ')
	level, _, _ := cutByte(rest, ' ')
	switch level {
	case "TRC", "DBG", "INF", "WRN", "ERR", "FTL", "PNC":
		return true
	}
	return false
}

// isKlog tells whether the line begins as klog, of Kubernetes, writes: a level, and a time without
// its year, "I0301 10:00:00.123456".
func isKlog(line string) bool {
	return len(line) > len("I0301 10:00:00") && strings.IndexByte("IWEF", line[0]) >= 0 && allDigits(line[1:5]) && line[5] == ' ' && line[8] == ':' && line[11] == ':'
}

// take uses the value of a key.
func (p *logfmt) take(key, line string, v span) {
	node := p.json.child(p.json.root, key)
	if node == nil {
		return
	}
	value := line[v.start:v.end]
	if n := len(node.uses); n > 0 && node.uses[n-1].field == jsonDuration {
		value = line[v.start : v.end+unitLen(line[v.end:])]
	}
	if v.escaped {
		value = unescape(value)
	}
	p.json.take(node, value)
}

// unitLen returns the length of the unit that stands apart from its number before it, with the
// blank between them: " ms". It is 0 if there is none.
func unitLen(s string) int {
	if !strings.HasPrefix(s, " ") {
		return 0
	}
	word, _, _ := cutByte(s[1:], ' ')
	switch word {
	case "ns", "us", "µs", "μs", "ms", "s":
		return len(" ") + len(word)
	}
	return 0
}

// A span is where a value stands in its line, without its quotes.
type span struct {
	start, end int
	escaped    bool
}

// isLogfmtKey tells which bytes a key consists of.
var isLogfmtKey = func() (is [256]bool) {
	for c := range is {
		is[c] = isAlnum(byte(c)) || strings.IndexByte("_-.@", byte(c)) >= 0
	}
	return is
}()

// pairAt returns the length of the key that begins at at, which is 0 if there is no
// pair; where its value stands; and where the next pair is looked for.
func pairAt(line string, at int) (key int, value span, next int) {
	n := at
	for n < len(line) && isLogfmtKey[line[n]] {
		n++
	}
	if n > at && n < len(line) && line[n] == '{' { // the name of a span, and its pairs
		return 0, span{}, n + 1
	}
	if n == at || n == len(line) || line[n] != '=' {
		return 0, span{}, nextWord(line, n)
	}
	if key = n - at; key > maxLogfmtKey {
		key = 0
	}
	value.start = n + 1
	if !strings.HasPrefix(line[value.start:], `"`) {
		value.end = len(line)
		if i := strings.IndexByte(line[value.start:], ' '); i >= 0 {
			value.end = value.start + i
		}
		next = nextWord(line, value.end)
		if c := line[max(value.end-1, value.start):value.end]; next < len(line) && (c == "," || c == ";") { // between pairs
			value.end--
		}
		return key, value, next
	}
	value.start++
	for value.end = value.start; value.end < len(line) && line[value.end] != '"'; value.end++ {
		if line[value.end] == '\\' {
			value.escaped = true
			value.end++ // whatever it is, it does not end the value
		}
	}
	value.end = min(value.end, len(line))
	return key, value, nextWord(line, value.end)
}

// nextWord returns where the word behind the next blank begins.
func nextWord(line string, at int) int {
	for at < len(line) && line[at] != ' ' { // seldom more than a quote
		at++
	}
	for at < len(line) && line[at] == ' ' {
		at++
	}
	return at
}
