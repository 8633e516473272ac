package parsers

import "strings"

// enveloped returns a parse function that skips blank lines and, where the line
// itself cannot be read, tries what is left of it after a known prefix: syslog,
// a container runtime's, or any text before a JSON object.
func enveloped(parse ParseFunc) ParseFunc {
	return func(line string, f *Fields) error {
		err := parse(line, f)
		if err == nil {
			return nil
		}
		if strings.TrimSpace(line) == "" {
			f.reset()
			return &Reject{Reason: "blank line", Skip: true}
		}
		if rejectOf(err).Skip {
			return err
		}
		message, ok := peel(line)
		if !ok {
			return err
		}
		inner := parse(message, f)
		if inner == nil || rejectOf(inner).Skip {
			return inner
		}
		f.reset()
		return err // the whole line is what could not be read
	}
}

// rejectOf returns the Reject that a ParseFunc's error is.
func rejectOf(err error) *Reject {
	if r, ok := err.(*Reject); ok {
		return r
	}
	return &Reject{Reason: err.Error()}
}

// peel takes the prefix off a line that a log system has put before it and tells
// whether it knew one:
//
//	2026-03-01T10:00:00.123456789+01:00 stdout F MESSAGE     (container runtime)
//	<190>Mar  1 10:00:00 web1 nginx[312]: MESSAGE            (syslog, RFC 3164)
//	<190>1 2026-03-01T10:00:00Z web1 nginx 312 - - MESSAGE   (syslog, RFC 5424)
//	2026-03-01T10:00:00.123456+01:00 web1 nginx: MESSAGE     (rsyslog's files)
//	any text {"a": "JSON object"}
func peel(line string) (message string, ok bool) {
	rest := line
	if rest != "" && rest[0] == '<' {
		end := strings.IndexByte(rest[:min(len(rest), 6)], '>')
		if end < 2 || !allDigits(rest[1:end]) {
			return "", false
		}
		rest = rest[end+1:]
	}
	if after, found := strings.CutPrefix(rest, "1 "); found && len(rest) < len(line) {
		return peel5424(after)
	}
	if after, found := cutSyslogTime(rest); found {
		host, after, _ := strings.Cut(after, " ")
		if host == "stdout" || host == "stderr" {
			_, after, _ = strings.Cut(after, " ") // F for a full line, P for a part
			return after, after != ""
		}
		after = cutTag(strings.TrimLeft(after, " "))
		return after, after != ""
	}
	if brace := strings.IndexByte(line, '{'); brace > 0 {
		return line[brace:], true
	}
	return "", false
}

// cutSyslogTime cuts "Mar  1 10:00:00 " or an ISO time off the front.
func cutSyslogTime(s string) (rest string, ok bool) {
	if len(s) > 16 && s[3] == ' ' && s[6] == ' ' && s[9] == ':' && s[12] == ':' && s[15] == ' ' && month(s[:3]) > 0 {
		return s[16:], true
	}
	stamp, rest, ok := strings.Cut(s, " ")
	if !ok || len(stamp) < 20 {
		return "", false
	}
	_, ok = parseISOTime(stamp)
	return rest, ok
}

// cutTag cuts the name of the program that wrote to syslog off the front, if it is
// there: "nginx: " or "nginx[312]: ".
func cutTag(s string) string {
	tag, rest, ok := strings.Cut(s, " ")
	if !ok || !strings.HasSuffix(tag, ":") || strings.ContainsAny(tag, `{"`) {
		return s
	}
	return strings.TrimLeft(rest, " ")
}

// peel5424 returns the message of a syslog line from its time on.
func peel5424(s string) (message string, ok bool) {
	for range 5 { // time, host, program, process, kind of message
		if _, s, ok = strings.Cut(s, " "); !ok {
			return "", false
		}
	}
	for strings.HasPrefix(s, "[") { // structured data
		end := strings.IndexByte(s, ']')
		for end > 0 && s[end-1] == '\\' {
			next := strings.IndexByte(s[end+1:], ']')
			if next < 0 {
				return "", false
			}
			end += 1 + next
		}
		if end < 0 {
			return "", false
		}
		s = s[end+1:]
	}
	s = strings.TrimPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimLeft(s, " "), "\ufeff")
	return s, s != ""
}
