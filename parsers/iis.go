package parsers

import (
	"strings"
	"time"
)

// IIS reads the log file format of Microsoft IIS. W3C reads what IIS writes as it is
// installed.
func IIS() *Format {
	return &Format{
		Name: "iis-native",
		Doc: `Microsoft IIS log file format (not W3C, which IIS writes by default)

  client, user, date, time, service, server, server address, milliseconds, bytes received, bytes sent, status, win32 status, method, stem, query,

The time is local, bears no zone and is taken as UTC. The date is month/day/year, as in all
that Microsoft shows of the format, day.month.year or year-month-day: what stands between
the numbers decides. Where Windows is set to write day/month/year, lines of the 13th and
later are rejected, and those before are read with day and month exchanged: convert such a
log first. Years of two digits are those from 1970 to 2069. Lines of services other than
W3SVC (FTP, mail) are skipped.`,
		Samples: []string{
			`203.0.113.9, -, 3/1/2026, 10:00:00, W3SVC1, WEB1, 192.0.2.1, 12, 163, 1043, 200, 0, GET, /api/users, page=2,`,
			`2001:db8::7, EXAMPLE\alice, 03/01/26, 9:05:01, W3SVC2, WEB1, 192.0.2.1, 4502, 163, 3223, 401, 5, POST, /login, -,`,
		},
		New: func() ParseFunc { return enveloped((&iis{}).parse) },
	}
}

// iis reads one source.
type iis struct{ targets targets }

// The values of a line before the stem.
const (
	iisClient = iota
	iisUser
	iisDate
	iisTime
	iisService
	iisServer
	iisServerAddress
	iisTaken
	iisReceived
	iisSent
	iisStatus
	iisWin32
	iisMethod
	iisValues
)

func (p *iis) parse(line string, f *Fields) error {
	f.reset()
	var values [iisValues]string
	rest := line
	for i := range values {
		var found bool
		if values[i], rest, found = strings.Cut(rest, ", "); !found {
			return &Reject{Reason: "not the values of IIS", Value: line}
		}
	}
	// The stem is decoded and may hold ", "; the query is as sent and cannot.
	rest = strings.TrimSuffix(rest, ",")
	i := strings.LastIndex(rest, ", ")
	if i < 0 {
		return &Reject{Reason: "no stem and query", Value: line}
	}
	stem, query := rest[:i], valueOf(rest[i+len(", "):])
	if !strings.HasPrefix(values[iisService], "W3SVC") {
		return &Reject{Reason: "not of IIS's web service", Value: values[iisService], Skip: isNumber(values[iisStatus])}
	}
	var ok bool
	if f.Time, ok = iisStamp(values[iisDate], values[iisTime]); !ok {
		return &Reject{Reason: "not a date (month/day/year, day.month.year or year-month-day) and time", Value: values[iisDate] + " " + values[iisTime]}
	}
	if s := values[iisStatus]; !isNumber(s) || !f.setStatus(s) {
		return &Reject{Reason: "status is not a number", Value: s}
	}
	if s := values[iisSent]; !f.setBytes(s) {
		return &Reject{Reason: "bytes are not a number", Value: s}
	}
	f.setDuration(values[iisTaken], time.Millisecond)
	f.Remote, f.User = valueOf(values[iisClient]), valueOf(values[iisUser])
	if stem = valueOf(stem); !isMethod(values[iisMethod]) || stem == "" {
		return nil // a request that is none
	}
	f.Method, f.Target = values[iisMethod], withoutMarks(stem)
	if query != "" {
		f.Target = p.targets.join(f.Target, strings.ReplaceAll(query, "#", "%23"))
	}
	return nil
}

// iisStamp reads a date and a time of day, of which the numbers may have one digit.
func iisStamp(date, clock string) (time.Time, bool) {
	i := strings.IndexAny(date, "/.-")
	if i < 0 {
		return time.Time{}, false
	}
	d, ok := threeNumbers(date, date[i])
	if !ok {
		return time.Time{}, false
	}
	c, ok := threeNumbers(clock, ':')
	if !ok {
		return time.Time{}, false
	}
	year, month, day := d[2], d[0], d[1]
	switch date[i] {
	case '.':
		month, day = d[1], d[0]
	case '-':
		year, month, day = d[0], d[1], d[2]
	}
	switch {
	case year < 70:
		year += 2000
	case year < 100:
		year += 1900
	}
	return makeTime(year, month, day, c[0], c[1], c[2], "")
}

// threeNumbers reads three numbers of one to four digits.
func threeNumbers(s string, separator byte) (n [3]int, ok bool) {
	for i := range n {
		end := strings.IndexByte(s, separator)
		if i == len(n)-1 {
			end = len(s)
		}
		if end < 1 || end > 4 {
			return n, false
		}
		if n[i] = digits(s[:end]); n[i] < 0 {
			return n, false
		}
		s = s[min(end+1, len(s)):]
	}
	return n, true
}
