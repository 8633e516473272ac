package parsers

import (
	"bytes"
	"strings"
	"time"
	"unsafe"

	"github.com/valyala/fastjson"
)

// peel takes the outermost envelope off a line. Known are
//
//	{"log":"MESSAGE\n","stream":"stdout","time":"2026-03-01T10:00:00.123456789Z"}   (Docker)
//	2026-03-01T10:00:00.123456789+01:00 stdout F MESSAGE     (Kubernetes: CRI)
//	<190>Mar  1 10:00:00 web1 nginx[312]: MESSAGE            (syslog, RFC 3164; nginx leaves out the host)
//	91 <190>1 2026-03-01T10:00:00Z web1 nginx 312 - - MESSAGE (syslog, RFC 5424, with or without its length)
//	Mar 01 10:00:00 web1 nginx[312]: MESSAGE                 (syslog's files, journalctl)
//	2026-03-01T10:00:00.123456+01:00 web1 nginx: MESSAGE     (rsyslog's files, journalctl -o short-iso)
//	2026-03-01T10:00:00.123456+00:00 app[web.1]: MESSAGE     (Heroku)
//	2026-03-01T10:00:00.000Z MESSAGE                         (CloudWatch Logs in S3, docker logs -t)
//	2026-03-01T10:00:00+00:00<tab>app.web<tab>MESSAGE        (Fluentd's files)
//	5034<tab>2026-03-01T10:00:00Z<tab>…<tab>nginx<tab>MESSAGE (Papertrail's archives, of ten columns)
//	Sun 2026-03-01 10:00:00 UTC web1 nginx[312]: MESSAGE     (journalctl -o short-full)
//	1772359200.123456 web1 nginx[312]: MESSAGE               (journalctl -o short-unix)
//	[1772359200.123, MESSAGE]                                (Fluent Bit)
//	["1772359200123456789","MESSAGE"]                        (Loki)
//	2026-03-01T10:00:00Z {app="api", pod="api-1"} MESSAGE    (logcli)
//	[{"field":"@message","value":"MESSAGE"}]                 (CloudWatch Logs Insights)
//	INFO:aiohttp.access:MESSAGE                              (Python, logging.basicConfig)
//	2026-03-01 10:00:00.123,"MESSAGE, its quotes doubled"    (CSV of CloudWatch, Kibana and others)
//	message repeated 3 times: [ MESSAGE]                     (rsyslog; it is one line here)
//	MESSAGE=MESSAGE                                          (journalctl -o export)
//	web-1  | MESSAGE                                         (docker compose logs)
//	web 2026-03-01T10:00:00.123456789Z MESSAGE               (DigitalOcean's App Platform)
//	[pod/web-1/nginx] MESSAGE                                (kubectl logs --prefix)
//	web-7d4b9c-x2x nginx MESSAGE                             (stern, with the namespace before it or not)
//	2026-03-01T10:00:00Z app[148e21] fra [info]MESSAGE       (fly logs)
//	web1 nginx: MESSAGE                                      (what is left of syslog)
//	any text 203.0.113.9 - - […                              (loggers, process managers)
//	2026-03-01 10:00:00,123 INFO any text {"a": "JSON object"}  (loggers: loggerTime)
//
// and JSON objects with a string that is the line (messageKeys). Any of them may be coloured.
func (e *envelopes) peel(line string) envelope {
	switch {
	case line == "":
		return envelope{reason: reasonBare}
	case line[0] == '{':
		if env, ok := e.peelDocker(line); ok {
			return env
		}
		return e.peelJSON(line)
	case colourLen(line) > 0:
		return around(strings.TrimLeft(plain(line), " "))
	case strings.HasPrefix(line, `["`), strings.HasPrefix(line, `[{"field":`):
		if env, ok := e.peelArray(line); ok {
			return env
		}
	}
	for _, peel := range peelers {
		if env, ok := peel(line); ok {
			return env
		}
	}
	return envelope{reason: reasonBare}
}

// peelers take an envelope off a line of text each. They are asked in turn: those that could take
// what is another's come last.
var peelers = [...]func(line string) (env envelope, ok bool){
	peelHeader, peelLevel, peelMark, peelFluent, peelPapertrail, peelRepeated, peelJournal, peelCSV, peelPrefix, peelNamed, peelTag, peelText,
}

// around returns the envelope of a line and of nothing else.
func around(line string) envelope { return envelope{lines: [2]string{line}} }

// peelHeader takes off what stands before a line in a file of syslog's, or of who writes a time there.
func peelHeader(line string) (env envelope, ok bool) {
	rest := line[octetCount(line):]
	if priority := priorityLen(rest); priority > 0 {
		rest = rest[priority:]
		if after, found := strings.CutPrefix(rest, "1 "); found {
			return peel5424(after), true
		}
		if syslogTime(rest) == 0 {
			if n, _ := isoTime(rest); n == 0 {
				return around(cutTag(rest)), true
			}
		}
	}
	if n := syslogTime(rest); n > 0 {
		rest = rest[n:]
		message := cutTag(rest)
		if message == rest {
			_, message, _ = strings.Cut(rest, " ") // there is always a host
		}
		return around(strings.TrimLeft(message, " ")), true
	}
	n, t := isoTime(rest)
	if n == 0 {
		n, t = journalTime(rest)
	}
	if n == 0 {
		return env, false
	}
	return peelStamped(rest[n:], t), true
}

// peelLevel takes off the level and the logger of Python.
func peelLevel(line string) (env envelope, ok bool) {
	n := levelTag(line)
	return around(line[n:]), n > 0
}

// peelMark knows what journalctl and tail write between lines.
func peelMark(line string) (env envelope, ok bool) {
	ok = strings.HasPrefix(line, "-- ") && strings.HasSuffix(line, " --") || strings.HasPrefix(line, "==> ") && strings.HasSuffix(line, " <==")
	return envelope{reason: reasonMark, skip: true}, ok
}

// peelArray takes the line out of an array as which Loki and CloudWatch Logs Insights answer a
// query: a time and a line, or the fields of a record, which are put together to an object.
func (e *envelopes) peelArray(line string) (env envelope, ok bool) {
	if len(line) > maxJSONLine {
		return env, false
	}
	v, err := e.json.Parse(line)
	if err != nil {
		return env, false
	}
	values := v.GetArray()
	if len(values) > 1 && values[0].Type() == fastjson.TypeString && values[1].Type() == fastjson.TypeString {
		env.time = stamp(values[0])
		env.lines[0] = strings.TrimRight(e.message(values[1]), "\r\n")
		return env, !env.time.IsZero() && env.lines[0] != ""
	}
	object := []byte{'{'}
	for _, field := range values {
		name, value := field.Get("field"), field.Get("value")
		if name == nil || value == nil {
			return env, false
		}
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = value.MarshalTo(append(name.MarshalTo(object), ':'))
	}
	env.lines[0] = e.keep(append(object, '}'))
	return env, true
}

// peelFluent takes off what Fluentd and Fluent Bit put around a record in a file.
func peelFluent(line string) (env envelope, ok bool) {
	if list, found := strings.CutPrefix(line, "["); found {
		list, found = strings.CutSuffix(strings.TrimRight(list, " ,\r"), "]")
		number, record, comma := strings.Cut(list, ",")
		if !found || !comma || number == "" || !isDigit(number[0]) {
			return env, false
		}
		if env.time, ok = parseTime(number); ok {
			env.lines[0] = strings.TrimSpace(record)
		}
		return env, ok
	}
	stamp, rest, found := strings.Cut(line, "\t")
	if !found || len(stamp) < 20 || len(stamp) > 40 {
		return env, false
	}
	tag, record, found := strings.Cut(rest, "\t")
	if !found || !isName(tag) {
		return env, false
	}
	if env.time, ok = parseISOTime(stamp); ok {
		env.lines[0] = record
	}
	return env, ok
}

// peelPapertrail takes the line out of the columns of Papertrail's archives: a number, when it was
// written and received, who sent it by number, name and address, its facility, severity and
// program, and the line.
func peelPapertrail(line string) (env envelope, ok bool) {
	var columns [9]string
	rest := line
	for i := range columns {
		if columns[i], rest, ok = cutByte(rest, '\t'); !ok {
			return env, false
		}
	}
	if !isNumber(columns[0]) || !isNumber(columns[3]) || !isAddress(columns[5]) {
		return env, false
	}
	env.time, ok = parseISOTime(columns[1])
	env.lines[0] = rest
	return env, ok
}

// peelRepeated takes off what syslog writes in place of lines that are the same.
func peelRepeated(line string) (env envelope, ok bool) {
	rest, found := strings.CutPrefix(line, "last ")
	if rest, ok = strings.CutPrefix(rest, "message repeated "); !ok {
		return env, false
	}
	number, rest, _ := strings.Cut(rest, " times")
	if !allDigits(number) {
		return env, false
	}
	if found {
		return envelope{reason: reasonRepeat, skip: true}, rest == ""
	}
	message, opened := strings.CutPrefix(rest, ": [")
	message, closed := strings.CutSuffix(message, "]")
	return envelope{lines: [2]string{strings.TrimLeft(message, " ")}}, opened && closed
}

// peelStamped takes off what follows an ISO time.
func peelStamped(rest string, t time.Time) envelope {
	if isStream(rest) {
		kind, message, _ := strings.Cut(rest[len("stdout "):], " ")
		if strings.HasPrefix(kind, "P") {
			return envelope{reason: reasonPartial}
		}
		return envelope{lines: [2]string{message}, time: t}
	}
	if n := labelsLen(rest); n > 0 {
		return envelope{lines: [2]string{strings.TrimLeft(rest[n:], " ")}, time: t}
	}
	if message := cutTag(rest); message != rest {
		return envelope{lines: [2]string{message}, time: t}
	}
	if message := cutMachine(rest); message != rest {
		return envelope{lines: [2]string{message}, time: t}
	}
	// The next word may be a host, a stream of CloudWatch Logs or the line's first.
	word, message, _ := strings.Cut(rest, " ")
	message = strings.TrimLeft(message, " ")
	if !isName(word) && !strings.Contains(word, "/[$LATEST]") || strings.HasPrefix(message, "- ") {
		message, rest = rest, message
	}
	return envelope{lines: [2]string{message, rest}, time: t}
}

// peelJournal takes the line out of the fields that journalctl exports, one a line.
func peelJournal(line string) (env envelope, ok bool) {
	key, value, found := strings.Cut(line, "=")
	switch {
	case !found || !isJournalKey(key):
		return env, false
	case key == "MESSAGE":
		return around(value), true
	}
	return envelope{reason: reasonJournal, skip: true}, true
}

// peelPrefix takes off the name of a pod with its container in brackets.
func peelPrefix(line string) (env envelope, ok bool) {
	if !strings.HasPrefix(line, "[pod/") {
		return env, false
	}
	_, message, _ := strings.Cut(line, "] ")
	return around(message), true
}

// peelNamed takes off a name, and what sets it off: a bar, or a time.
func peelNamed(line string) (env envelope, ok bool) {
	name, after, _ := strings.Cut(line, " ")
	if !isName(name) {
		return env, false
	}
	if message, found := strings.CutPrefix(strings.TrimLeft(after, " "), "| "); found {
		return around(message), true
	}
	n, t := isoTime(after)
	if n == 0 || isAddress(name) {
		return env, false
	}
	return peelStamped(after[n:], t), true
}

// peelTag takes off the tag of a program, or the names of a pod and its container.
func peelTag(line string) (env envelope, ok bool) {
	if message := cutTag(line); message != line {
		return around(message), true
	}
	if message := cutPod(line); message != line {
		return envelope{lines: [2]string{message, fromAddress(line)}}, true
	}
	return env, false
}

// peelText takes off any text before the address that a line begins with, or before an object.
func peelText(line string) (env envelope, ok bool) {
	if message := fromAddress(line); message != "" {
		return around(message), true
	}
	brace := strings.Index(line, `{"`)
	if brace < 0 {
		brace = strings.IndexByte(line, '{')
	}
	if brace <= 0 {
		return env, false
	}
	t, _ := parseISOTime(loggerTime(line[:brace]))
	return envelope{lines: [2]string{strings.TrimSuffix(line[brace:], " []")}, time: t, logger: true}, true // Monolog's, of nothing
}

// peel5424 takes off a syslog header of RFC 5424 from its time on. Logplex leaves
// out the structured data.
func peel5424(s string) envelope {
	var env envelope
	stamp, _, _ := strings.Cut(s, " ")
	if len(stamp) >= 20 {
		env.time, _ = parseISOTime(stamp)
	}
	ok := false
	for range 5 { // time, host, program, process, kind of message
		if _, s, ok = strings.Cut(s, " "); !ok {
			return envelope{reason: reasonBare}
		}
	}
	if message, found := strings.CutPrefix(s, "- "); found {
		s = message
	} else if n := structuredLen(s); n > 0 {
		s = strings.TrimLeft(s[n:], " ")
	}
	env.lines[0] = strings.TrimPrefix(s, "\ufeff")
	return env
}

// peelCSV takes the line out of CSV: it is the longest of the columns in quotes, in which
// quotes are doubled. The first column that is a time is its time. The row that names the columns
// holds none.
func peelCSV(line string) (env envelope, ok bool) {
	if isCSVHeader(line) {
		return envelope{reason: reasonHeader, skip: true}, true
	}
	if !opensQuote(line) && !strings.Contains(line, `,"`) {
		return env, false
	}
	longest := ""
	for rest, n := line, 0; n < maxCSV; n++ {
		column, quoted := rest, false
		if opensQuote(rest) {
			if column, quoted = quotedColumn(rest); !quoted {
				return env, false
			}
			rest = rest[len(column)+len(`""`):]
		} else {
			column, _, _ = cutByte(rest, ',')
			rest = rest[len(column):]
		}
		t, isTime := time.Time{}, false
		if env.time.IsZero() && column != "" {
			t, isTime = parseTime(column)
		}
		if isTime {
			env.time = t
		} else if quoted && len(column) > len(longest) {
			longest = column
		}
		if rest == "" {
			break
		}
		rest = rest[1:] // the comma
	}
	env.lines[0] = strings.ReplaceAll(longest, `""`, `"`)
	return env, longest != ""
}

// peelDocker is peelJSON for objects as Docker writes them, without a tree of each.
func (e *envelopes) peelDocker(line string) (env envelope, ok bool) {
	const log, stream, stamp = `{"log":`, `","stream":"std`, `","time":"`
	end := strings.Index(line, stream)
	if len(line) > largeLine || !strings.HasPrefix(line, log) || end < len(log) {
		return env, false
	}
	rest := line[end+len(stream):]
	if !strings.HasPrefix(rest, "out") && !strings.HasPrefix(rest, "err") || !strings.HasPrefix(rest[3:], stamp) {
		return env, false
	}
	at, ended := strings.CutSuffix(rest[3+len(stamp):], `"}`)
	if !ended || strings.ContainsAny(at, `"\`) {
		return env, false
	}
	v, err := e.json.Parse(line[len(log) : end+1]) // which is no string if it has its end elsewhere
	if err != nil || v.Type() != fastjson.TypeString {
		return env, false
	}
	text, _ := v.StringBytes()
	if env.lines[0] = strings.TrimRight(e.keep(text), "\r\n"); env.lines[0] == "" {
		return env, false
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		env.reason = reasonPartial
	}
	env.time, _ = parseTime(at)
	return env, true
}

// peelJSON takes the line out of an object that holds one.
func (e *envelopes) peelJSON(line string) envelope {
	bare := envelope{reason: reasonBare}
	if len(line) > maxJSONLine {
		return bare
	}
	if len(line) > largeLine {
		defer func() { e.json = fastjson.Parser{} }()
	}
	v, err := e.json.Parse(line)
	if err != nil {
		return bare
	}
	if v.Exists("logEvents") {
		return envelope{reason: reasonBatch}
	}
	var env envelope
	n := 0
	for _, path := range messageKeys {
		value := v.Get(path...)
		if value == nil {
			continue
		}
		message := strings.TrimRight(e.message(value), "\r\n")
		if message == "" {
			continue
		}
		env.lines[n] = message
		if n++; n == len(env.lines) {
			break
		}
	}
	if n == 0 && !v.Exists("stream") {
		return bare
	}
	if text := v.GetStringBytes("log"); n > 0 && v.Exists("stream") && !bytes.HasSuffix(text, []byte("\n")) {
		env.reason = reasonPartial // Docker cuts at 16 KiB; but some shippers take off all line ends
	}
	for _, key := range stampKeys {
		if env.time = stamp(v.Get(key)); !env.time.IsZero() {
			break
		}
	}
	return env
}

// maxCSV bounds in how many columns of CSV a line is looked for.
const maxCSV = 64

// isCSVHeader tells whether the line is the first of CSV with lines in a column: names, of which
// one is that of the lines.
func isCSVHeader(line string) bool {
	if len(line) > maxCSV*32 || strings.IndexByte(line, ',') < 0 {
		return false
	}
	found := false
	for name := range strings.SplitSeq(strings.TrimPrefix(line, "\ufeff"), ",") {
		if name = strings.Trim(name, `" `); name == "" || isDigit(name[0]) {
			return false
		}
		for i := range len(name) {
			if c := name[i]; !isAlnum(c) && strings.IndexByte("@._-: ()[]", c) < 0 {
				return false
			}
		}
		switch canonicalKey(name) {
		case "message", "msg", "line", "log", "raw", "content", "event", "eventoriginal", "textpayload", "eventmessage":
			found = true
		}
	}
	return found
}

// quotedColumn returns what stands in the quotes that s begins with. It is not ok if they do
// not end where a column does.
func quotedColumn(s string) (column string, ok bool) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '"':
		case i+1 < len(s) && s[i+1] == '"':
			i++
		default:
			return s[1:i], i+1 == len(s) || s[i+1] == ','
		}
	}
	return "", false
}

// cutTag cuts the name of the program that wrote to syslog off the front, with the
// host before it if there is one: "web1 nginx[312]: " or "nginx: ". Without a program
// s stays as it is.
func cutTag(s string) string {
	word, rest, _ := strings.Cut(s, " ")
	if isTag(word) {
		return strings.TrimLeft(rest, " ")
	}
	if !isName(word) {
		return s
	}
	word, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	if isTag(word) {
		return strings.TrimLeft(rest, " ")
	}
	return s
}

// cutPod cuts off the front what stern writes there: the names of a pod and its container,
// with that of their namespace before them or not. Without them s stays as it is.
func cutPod(s string) string {
	rest, found := strings.CutPrefix(s, "+ ") // of a line that says a pod has come
	rest = strings.TrimLeft(rest, " ")
	names, hyphen := 0, false
	for names < 3 {
		word, after, more := strings.Cut(rest, " ")
		if !more || !isPodName(word) {
			break
		}
		names++
		hyphen = hyphen || strings.IndexByte(word, '-') > 0
		after = strings.TrimLeft(after, " ")
		if message, arrow := strings.CutPrefix(after, "› "); arrow {
			after, found = message, true
		}
		rest = after
	}
	if names < 2 || !hyphen && !found {
		return s
	}
	return rest
}

// isPodName tells whether s could be the name of a pod or a container: it is that of a host,
// in lower case.
func isPodName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c < 'a' || c > 'z') && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && isAlnum(s[0]) && !isAddress(s)
}

// cutMachine cuts off the front what Fly writes there behind the time: "app[148e21] fra [info]".
// Without it s stays as it is.
func cutMachine(s string) string {
	name, rest, _ := strings.Cut(s, "] ")
	app, id, found := strings.Cut(name, "[")
	region, rest, _ := strings.Cut(rest, " [")
	level, message, closed := strings.Cut(rest, "]")
	if !found || !closed || !isName(app) || !isName(id) || !isName(region) || !isName(level) {
		return s
	}
	return strings.TrimLeft(message, " ")
}

// maxBefore is how many bytes of any text may stand before an address that begins a line.
const maxBefore = 256

// fromAddress returns the line from the first word on that is an address, if other words stand
// before it: the common log format and its kin begin with one. It is "" where there is none
// before the first quote or brace: what stands there is the client's.
func fromAddress(line string) string {
	before := line[:min(len(line), maxBefore)]
	if i := strings.IndexAny(before, `"{`); i >= 0 {
		before = before[:i]
	}
	for at := 0; at < len(before); {
		word, _, more := strings.Cut(before[at:], " ")
		start := at + strings.LastIndexByte(word, ']') + 1
		bare := strings.TrimPrefix(strings.TrimRight(before[start:at+len(word)], ","), "::ffff:")
		if isCanonical(bare) || isCanonical(cutPort(bare)) {
			if start == 0 || !more {
				return ""
			}
			return line[start:]
		}
		at += len(word) + 1
	}
	return ""
}

// isTag tells whether a word could be the name of a program and what follows it in
// syslog: "nginx:", "nginx[312]:", "app[web.1]:".
func isTag(word string) bool {
	name, ok := strings.CutSuffix(word, ":")
	if !ok {
		return false
	}
	if open := strings.IndexByte(name, '['); open > 0 && name[len(name)-1] == ']' {
		name = name[:open]
	}
	if name == "" || !isLetter(name[0]) && name[0] != '_' {
		return false
	}
	return isName(name)
}

// isName tells whether s could name a host, a program or a container.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && strings.IndexByte("-_./:@", c) < 0 {
			return false
		}
	}
	return s != "" && s[len(s)-1] != ':'
}

// isJournalKey tells whether s could be the name of a field of the journal.
func isJournalKey(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && !isDigit(c) && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// isStream tells whether s goes on as the lines of a container runtime do.
func isStream(s string) bool {
	return strings.HasPrefix(s, "stdout ") || strings.HasPrefix(s, "stderr ")
}

// structuredLen returns the length of the structured data, [id name="value"]…, that s
// begins with; a bracket in a value is escaped.
func structuredLen(s string) int {
	n := 0
	for strings.HasPrefix(s[n:], "[") {
		quoted := false
		end := n + 1
		for ; end < len(s) && (quoted || s[end] != ']'); end++ {
			switch s[end] {
			case '"':
				quoted = !quoted
			case '\\':
				end++
			}
		}
		if end >= len(s) {
			return n
		}
		n = end + 1
	}
	return n
}

// labelsLen returns the length of the labels, {name="value", …}, that s begins with; 0 if there are
// none.
func labelsLen(s string) int {
	if len(s) < 2 || s[0] != '{' || s[1] != '}' && !isLetter(s[1]) && s[1] != '_' {
		return 0
	}
	quoted := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '}' && !quoted:
			return i + 1
		}
	}
	return 0
}

// octetCount returns the length of the number that stands before a syslog line where
// lines are counted, with its blank; 0 if there is none.
func octetCount(s string) int {
	n := 0
	for n < len(s) && n < 8 && isDigit(s[n]) {
		n++
	}
	if n == 0 || n+2 > len(s) || s[n] != ' ' || s[n+1] != '<' {
		return 0
	}
	return n + 1
}

// priorityLen returns the length of "<190>", 0 if s does not begin with one.
func priorityLen(s string) int {
	if s == "" || s[0] != '<' {
		return 0
	}
	end := strings.IndexByte(s[:min(len(s), 5)], '>')
	if end < 2 || !allDigits(s[1:end]) {
		return 0
	}
	return end + 1
}

// syslogTime returns the length of the time "Mar  1 10:00:00 " or "Mar  1 2026 10:00:00 ",
// with a fraction or not, that s begins with; 0 if there is none.
func syslogTime(s string) int {
	if len(s) < 16 || s[3] != ' ' || s[6] != ' ' || month(s[:3]) < 0 {
		return 0
	}
	n := 7
	if s[11] == ' ' && allDigits(s[7:11]) {
		n += len("2026 ")
	}
	if len(s) < n+9 || s[n+2] != ':' || s[n+5] != ':' || !isDigit(s[n+7]) {
		return 0
	}
	n += len("10:00:00")
	if s[n] == '.' {
		for n++; n < len(s) && isDigit(s[n]); n++ {
		}
	}
	if n == len(s) || s[n] != ' ' {
		return 0
	}
	return n + 1
}

// isoTime reads the time that s begins with and returns its length with the blank
// after it, 0 if there is none. The time must bear its zone.
func isoTime(s string) (n int, t time.Time) {
	if len(s) < 21 || s[4] != '-' || s[10] != 'T' {
		return 0, t
	}
	end := strings.IndexByte(s[:min(len(s), 40)], ' ')
	if end < 20 {
		return 0, t
	}
	t, ok := parseISOTime(s[:end])
	if !ok {
		return 0, t
	}
	return end + 1, t
}

// journalTime reads the time that s begins with where journalctl writes it with its day of the
// week, or as seconds since 1970, and returns its length with the blank after it; 0 if there
// is none with the name of a program behind it. The time is zero if its zone is but a name.
func journalTime(s string) (n int, t time.Time) {
	const full = "Sun 2026-03-01 10:00:00"
	switch {
	case len(s) > len(full) && s[3] == ' ' && s[8] == '-' && s[14] == ' ' && s[17] == ':' && isLetter(s[0]):
		end := strings.IndexByte(s[len(full):], ' ') // of a fraction
		if end < 0 {
			return 0, t
		}
		n = len(full) + end + 1
		zone, _, _ := strings.Cut(s[n:], " ")
		t, _ = parseISOTime(s[len("Sun "):n] + zone)
		n += len(zone) + 1
	case len(s) > len("1772359200.1 ") && isDigit(s[0]) && s[10] == '.':
		stamp, _, _ := strings.Cut(s, " ")
		t, _ = parseEpoch(stamp)
		n = len(stamp) + 1
	}
	if n > len(s) || n > 0 && cutTag(s[n:]) == s[n:] {
		return 0, time.Time{}
	}
	return n, t
}

// levelTag returns the length of the level and the name of the logger, "INFO:aiohttp.access:",
// that s begins with; 0 if there are none.
func levelTag(s string) int {
	level, rest, _ := cutByte(s[:min(len(s), len("CRITICAL:")+64)], ':')
	switch level {
	case "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL":
	default:
		return 0
	}
	name, _, found := cutByte(rest, ':')
	if !found || name == "" || !(isLetter(name[0]) || name[0] == '_') {
		return 0
	}
	for i := range len(name) {
		if c := name[i]; !isAlnum(c) && c != '.' && c != '_' && c != '-' {
			return 0
		}
	}
	return len(level) + len(name) + 2
}

// messageKeys lead to the string of an object that is the line, stampKeys to the time
// of such an object.
var (
	messageKeys = [...][]string{
		{"log"}, {"message"}, {"MESSAGE"}, {"msg"}, {"short_message"}, {"textPayload"}, {"LogMessage"}, {"LogEntry"}, {"Log_s"}, {"line"}, {"@message"}, {"raw"},
		{"content"}, {"event", "original"}, {"event.original"}, {"jsonPayload", "message"}, {"_raw"}, {"result", "_raw"}, {"event"},
		{"properties", "log"}, {"body", "stringValue"}, {hitObject, "message"}, {hitObject, "log"}, {hitObject, "event", "original"},
	}
	stampKeys = [...]string{"time", "timestamp", "@timestamp", "__REALTIME_TIMESTAMP", "ts", "date", "asctime", "TimeGenerated", "timeUnixNano", "observedTimeUnixNano", "__time__"}
)

// message returns the string or the array of bytes that v is, "" if it is neither.
func (e *envelopes) message(v *fastjson.Value) string {
	switch v.Type() {
	case fastjson.TypeString:
		text, _ := v.StringBytes()
		return e.keep(text)
	case fastjson.TypeArray: // journald writes so what is not printable
		values, _ := v.Array()
		text := make([]byte, 0, len(values))
		for _, value := range values {
			c, err := value.Int()
			if err != nil || c < 0 || c > 255 {
				return ""
			}
			text = append(text, byte(c))
		}
		return string(text)
	}
	return ""
}

// keep returns text in memory that later lines leave alone. It is had in blocks: one
// allocation serves many lines.
func (e *envelopes) keep(text []byte) string {
	const block = 64 << 10
	if len(text) > block/4 {
		return string(text)
	}
	if len(text) == 0 {
		return ""
	}
	if cap(e.text)-len(e.text) < len(text) {
		e.text = make([]byte, 0, block)
	}
	start := len(e.text)
	e.text = append(e.text, text...)
	return unsafe.String(&e.text[start], len(text))
}

// stamp returns the time that v states, zero if none.
func stamp(v *fastjson.Value) (t time.Time) {
	if v == nil {
		return t
	}
	switch v.Type() {
	case fastjson.TypeString:
		text, _ := v.StringBytes()
		t, _ = parseTime(unsafe.String(unsafe.SliceData(text), len(text)))
	case fastjson.TypeNumber:
		var number [32]byte
		text := v.MarshalTo(number[:0])
		t, _ = parseTime(unsafe.String(unsafe.SliceData(text), len(text)))
	}
	return t
}
