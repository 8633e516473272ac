package parsers

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// W3C reads any log in the W3C extended format.
func W3C() *Format {
	return &Format{
		Name:    "w3c",
		Headers: []string{"#"},
		Doc: `W3C extended log: IIS, CloudFront standard logs, NetScaler, Imperva and others

  #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) …

The #Fields line says which columns follow, and may come again with others. Lines
before the first one are read if they are those of IIS as it is installed, or of a
CloudFront standard log. Values stand between blanks or tabs, in quotes or not.
Headers in columns of their own, as cs(X-Api-Key), are read as in any other format.
So is Zeek's http.log, of which "#fields" says the columns. The text of Akamai's DataStream 2 has the
columns that its stream was told, and no line that names them: tell them by their names in
JSON, as '#Fields: version streamId cp reqId reqTimeSec bytes cliIP statusCode proto reqHost reqMethod reqPath …'.

Times are UTC, also those of date-local and time-local, which name no zone; without
a column for the date it is that of the last #Date line. The time taken is in
milliseconds where Microsoft wrote the log, in seconds in those of CloudFront and
NetScaler; elsewhere it is read only if it has a decimal point, as seconds. A plus
in user agent, referer and X-Forwarded-For stands for a blank, but not in quotes;
CloudFront's are percent-decoded, the user agent twice if it was encoded twice.
CloudFront's host is x-host-header.`,
		Samples: []string{
			`2026-03-01 10:00:00 192.0.2.1 GET /api/users page=2 443 - 203.0.113.9 Mozilla/5.0+(X11;+Linux+x86_64) https://app.example.com/ 200 0 0 123`,
			`2026-03-01 10:00:01 2001:db8::1 POST /login - 443 EXAMPLE\alice 2001:db8::7%0 - - 302 0 0 15`,
			"2026-03-01\t10:00:02\tFRA2\t1043\t203.0.113.9\tGET\td111111abcdef8.cloudfront.net\t/api/users\t200\thttps://app.example.com/\tMozilla/5.0%20(X11;%20Linux%20x86_64)\tpage=2\t-\tMiss\tMRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE==\tapi.example.com\thttps\t217\t0.023\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tMiss\tHTTP/2.0\t-\t-\t12812\t0.023\tMiss\tapplication/json\t-\t-\t-",
		},
		New: func() ParseFunc { return enveloped((&w3c{decoded: map[string]string{}}).parse) },
	}
}

// W3CFormat reads a W3C extended log whose lines are not preceded by what tells of their
// columns, as CloudFront's real-time logs: fields are the names of the columns, with or
// without "#Fields:" before them. They must hold a time, and a method or a status; names
// that say nothing of a Request are read over. A #Fields line in the log goes before them.
func W3CFormat(name, fields string) (*Format, error) {
	names := strings.Fields(strings.TrimPrefix(strings.TrimSpace(fields), "#Fields:"))
	if len(names) > maxColumns {
		return nil, fmt.Errorf("#Fields %s: %d columns, more than %d", name, len(names), maxColumns)
	}
	columns := w3cColumnsOf(names, "")
	has := func(m meaning) bool {
		return slices.ContainsFunc(columns.used, func(f w3cField) bool { return f.meaning == m })
	}
	if columns.time < 0 && !has(timeMeaning) {
		return nil, fmt.Errorf("#Fields %s: no column for the time: add date and time, or timestamp", name)
	}
	if !has(methodMeaning) && !has(statusMeaning) {
		return nil, fmt.Errorf("#Fields %s: neither cs-method nor sc-status is a column", name)
	}
	given := "#Fields: " + strings.Join(names, " ")
	return &Format{
		Name:  name,
		Doc:   "a W3C extended log\n\n  " + given,
		Given: given,
		New:   func() ParseFunc { return enveloped((&w3c{columns: columns, decoded: map[string]string{}}).parse) },
	}, nil
}

// The columns of logs that are read without a #Fields line. To CloudFront's new ones
// are appended, never put between.
var (
	iisColumns   = w3cColumnsOf(strings.Fields("date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"), "")
	iis7Columns  = w3cColumnsOf(strings.Fields("date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken"), "")
	cloudColumns = w3cColumnsOf(strings.Fields("date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for"), "")
)

const (
	maxColumns = 256 // of a W3C log
	// wholeURL is the rank of columns that hold the target with its query.
	wholeURL = 2
)

// w3cColumns is what a #Fields line says.
type w3cColumns struct {
	count      int
	date, time int        // -1 if there is none
	used       []w3cField // the best known of each meaning first
	unit       time.Duration
	percent    bool // values are percent-encoded: CloudFront, Akamai
	akamai     bool // and paths may lack the slash they begin with, and blanks be pluses
}

// A w3cField is a column whose value is used.
type w3cField struct {
	variable
	column int
}

// w3cColumnsOf returns what columns of these names hold. The software is that which
// wrote the log, "" if it does not say.
func w3cColumnsOf(names []string, software string) *w3cColumns {
	c := &w3cColumns{count: len(names), date: -1, time: -1}
	for i, name := range names {
		name = strings.ToLower(name)
		switch {
		case name == "date", name == "date-local" && c.date < 0:
			c.date = i
		case name == "time", name == "time-local" && c.time < 0:
			c.time = i
		case name == "sc-win32-status", name == "s-computername", name == "timetakenms":
			c.unit = time.Millisecond
		case strings.HasPrefix(name, "x-edge-"), name == "time-to-first-byte":
			c.unit, c.percent = time.Second, true
		case name == "reqtimesec":
			c.percent, c.akamai = true, true
		}
		if v := w3cVariable(name); v.meaning != unused {
			c.used = append(c.used, w3cField{v, i})
		}
	}
	switch {
	case c.unit != 0:
	case strings.Contains(software, "Microsoft"), strings.Contains(software, "IIS"):
		c.unit = time.Millisecond
	case strings.Contains(software, "NetScaler"):
		c.unit = time.Second
	}
	slices.SortStableFunc(c.used, func(a, b w3cField) int { return a.rank - b.rank })
	return c
}

// w3cVariable returns what a column of that name, in lower case, holds.
func w3cVariable(name string) variable {
	if v, ok := w3cNames[name]; ok {
		return v
	}
	prefix, header := "http_", name
	if before, after, found := strings.Cut(name, "("); found {
		header = strings.TrimSuffix(after, ")")
		if before != "cs" && before != "c" {
			prefix = "sent_http_"
		}
	}
	return variableOf(prefix + strings.ReplaceAll(header, "-", "_"))
}

// w3cNames are the columns that are no headers, or are named apart from them.
var w3cNames = map[string]variable{
	"timestamp":         {timeMeaning, 0},
	"c-ip":              {remoteMeaning, 0},
	"s-xff":             {forwardedMeaning, 0},
	"cs-username":       {userMeaning, 0},
	"cs-authname":       {userMeaning, 0},
	"c-auth-id":         {userMeaning, 0},
	"cs-method":         {methodMeaning, 0},
	"cs-uri-stem":       {targetMeaning, 0},
	"cs-uri-path":       {targetMeaning, 1},
	"cs-uri":            {targetMeaning, wholeURL},
	"cs-url":            {targetMeaning, wholeURL},
	"cs-uri-query":      {argsMeaning, 0},
	"x-host-header":     {hostMeaning, -1}, // CloudFront's cs(Host) is its own name
	"cs-host":           {hostMeaning, 0},
	"sc-status":         {statusMeaning, 0},
	"sc-bytes":          {bytesMeaning, 0},
	"bytes":             {bytesMeaning, 1},
	"time-taken":        {durationMeaning, 0},
	"timetakenms":       {durationMeaning, 0},
	"cs(referrer)":      {refererMeaning, 0},
	"cs-referer":        {refererMeaning, 0}, // these three are of CloudFront's real-time logs
	"cs-user-agent":     {userAgentMeaning, 0},
	"cs-cookie":         {cookieMeaning, 0},
	"x-edge-request-id": {requestIDMeaning, 0},

	// Akamai's DataStream has these names in JSON.
	"reqtimesec":    {timeMeaning, 0},
	"cliip":         {remoteMeaning, 0},
	"xforwardedfor": {forwardedMeaning, 0},
	"reqmethod":     {methodMeaning, 0},
	"reqpath":       {targetMeaning, 0},
	"querystr":      {argsMeaning, 0},
	"reqhost":       {hostMeaning, 0},
	"statuscode":    {statusMeaning, 0},
	"ua":            {userAgentMeaning, 0},
	"reqid":         {requestIDMeaning, 0},
}

// w3c reads one source.
type w3c struct {
	columns  *w3cColumns // of the last #Fields line; nil before the first
	software string
	today    string // date of the last #Date line

	values   []string // of the line at hand
	midnight time.Time
	date     [len("2006-01-02")]byte // of midnight
	decoded  map[string]string       // user agents and the like, by what is logged
	targets  targets
}

func (p *w3c) parse(line string, f *Fields) error {
	f.reset()
	if strings.HasPrefix(line, "#") {
		return p.directive(line[1:])
	}
	separator := byte(' ')
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		separator = line[i]
	}
	n := p.split(line, separator)
	if p.columns != nil {
		if n == p.columns.count {
			return p.read(p.columns, f)
		}
		if strings.IndexByte(line, '"') >= 0 && p.splitQuoted(line, separator, p.columns.count) == p.columns.count {
			return p.read(p.columns, f)
		}
		n = p.split(line, separator)
	}
	if c := usualColumns(n, separator); c != nil && p.read(c, f) == nil && f.Method != "" && isAddress(f.Remote) {
		return nil
	}
	f.reset()
	if p.columns == nil {
		return &Reject{Reason: "no #Fields line before", Value: line}
	}
	return &Reject{Reason: "not the columns of the #Fields line", Value: line}
}

// usualColumns returns the columns of a line of n values that no #Fields line tells
// of; nil if there is no knowing.
func usualColumns(n int, separator byte) *w3cColumns {
	switch {
	case separator == '\t' && n >= cloudColumns.count:
		return cloudColumns
	case separator == '\t':
		return nil
	case n == iisColumns.count:
		return iisColumns
	case n == iis7Columns.count:
		return iis7Columns
	}
	return nil
}

// directive reads a line that began with "#".
func (p *w3c) directive(s string) error {
	if list, found := strings.CutPrefix(s, zeekFields); found {
		p.columns = zeekColumns(strings.Split(list, "\t"))
		return &Reject{Reason: "W3C header line", Value: s, Skip: true}
	}
	name, value, _ := strings.Cut(s, ":")
	value = strings.TrimSpace(value)
	switch {
	case strings.EqualFold(name, "Software"):
		p.software = strings.Clone(value[:min(len(value), 100)])
	case strings.EqualFold(name, "Date"), strings.EqualFold(name, "Start-Date"):
		p.today = strings.Clone(value[:min(len(value), len(p.date))])
	case strings.EqualFold(name, "Fields"):
		names := strings.Fields(value)
		if len(names) > maxColumns {
			return &Reject{Reason: "#Fields line with too many columns", Value: value}
		}
		p.columns = w3cColumnsOf(names, p.software)
	}
	return &Reject{Reason: "W3C header line", Value: s, Skip: true}
}

// zeekFields is what Zeek begins the line with that names its columns.
const zeekFields = "fields\t"

// zeekNames are Zeek's names of what it sees of HTTP, and what W3C calls it.
var zeekNames = map[string]string{
	"ts": "timestamp", "id.orig_h": "c-ip", "method": "cs-method", "host": "cs-host", "uri": "cs-uri", "referrer": "cs(referrer)",
	"user_agent": "cs-user-agent", "response_body_len": "sc-bytes", "status_code": "sc-status", "username": "cs-username",
}

// zeekColumns returns what columns of these names of Zeek's hold; nil if not requests of HTTP.
func zeekColumns(names []string) *w3cColumns {
	http := false
	for i, name := range names {
		http = http || name == "status_code"
		names[i] = zeekNames[name]
	}
	if !http || len(names) > maxColumns {
		return nil
	}
	return w3cColumnsOf(names, "")
}

// split cuts the line into values and returns their number. Several blanks are one
// separator, several tabs are not.
func (p *w3c) split(line string, separator byte) int {
	p.values = p.values[:0]
	for len(p.values) <= maxColumns {
		if separator == ' ' {
			line = strings.TrimLeft(line, " ")
			if line == "" {
				break
			}
		}
		i := strings.IndexByte(line, separator)
		if i < 0 {
			p.values = append(p.values, line)
			break
		}
		p.values = append(p.values, line[:i])
		line = line[i+1:]
	}
	return len(p.values)
}

// splitQuoted does the same where values in quotes may hold the separator, and
// quotes that are doubled. It gives up after more values than most.
func (p *w3c) splitQuoted(line string, separator byte, most int) int {
	p.values = p.values[:0]
	for len(p.values) <= most {
		if separator == ' ' {
			line = strings.TrimLeft(line, " ")
			if line == "" {
				break
			}
		}
		end := valueEnd(line, separator)
		p.values = append(p.values, line[:end])
		if end == len(line) {
			break
		}
		line = line[end+1:]
	}
	return len(p.values)
}

// valueEnd returns where the value that s begins with ends. A quote that is never
// closed is a part of a value like any other.
func valueEnd(s string, separator byte) int {
	for at := 1; s[:min(1, len(s))] == `"` && at < len(s); at++ {
		n := strings.IndexByte(s[at:], '"')
		if n < 0 {
			break
		}
		at += n
		switch {
		case at+1 == len(s) || s[at+1] == separator:
			return at + 1
		case s[at+1] == '"':
			at++
		}
	}
	if i := strings.IndexByte(s, separator); i >= 0 {
		return i
	}
	return len(s)
}

// read takes the values of the line at hand.
func (p *w3c) read(c *w3cColumns, f *Fields) error {
	if c.time >= 0 {
		date := p.today
		if c.date >= 0 {
			date, _ = unquoted(p.values[c.date])
		}
		clock, _ := unquoted(p.values[c.time])
		var ok bool
		if f.Time, ok = p.at(date, clock); !ok {
			return &Reject{Reason: "not a date and time", Value: date + " " + clock}
		}
	}
	args := ""
	for i := range c.used {
		u := &c.used[i]
		s, quoted := unquoted(p.values[u.column])
		switch u.meaning {
		case statusMeaning:
			if !f.setStatus(s) {
				return &Reject{Reason: "status is not a number", Value: s}
			}
			continue
		case bytesMeaning:
			if s != "-" && f.Bytes < 0 && !f.setBytes(s) {
				return &Reject{Reason: "bytes are not a number", Value: s}
			}
			continue
		}
		if s = logged(s); s == "" {
			continue
		}
		switch u.meaning {
		case timeMeaning:
			if t, ok := parseTime(s); ok && c.time < 0 {
				f.Time = t
			}
		case remoteMeaning:
			setOnce(&f.Remote, s)
		case forwardedMeaning:
			setOnce(&f.ForwardedFor, p.decode(s, c.percent, quoted))
		case userMeaning:
			setOnce(&f.User, s)
		case methodMeaning:
			if isMethod(s) {
				f.Method = s
			}
		case targetMeaning:
			if u.rank < wholeURL && !c.percent { // CloudFront encodes marks; its real-time logs have the query here, too
				s = withoutMarks(s)
			}
			if c.akamai && s[0] != '/' {
				s = "/" + s
			}
			setOnce(&f.Target, s)
		case argsMeaning:
			args = strings.ReplaceAll(strings.TrimPrefix(s, "?"), "#", "%23")
		case hostMeaning:
			setOnce(&f.Host, s)
		case durationMeaning:
			f.Duration = c.duration(s)
		case userAgentMeaning:
			if c.akamai && !strings.Contains(s, "%20") {
				s = strings.ReplaceAll(s, "+", " ")
			}
			setOnce(&f.UserAgent, p.decode(s, c.percent, quoted))
		case refererMeaning:
			setOnce(&f.Referer, p.decode(s, c.percent, quoted))
		case cookieMeaning:
			setOnce(&f.Cookie, decodeCookie(s, c.percent))
		case requestIDMeaning:
			setOnce(&f.RequestID, s)
		case apiKeyMeaning:
			setOnce(&f.APIKey, s)
		case authorizationMeaning:
			setOnce(&f.Authorization, p.decode(s, c.percent, quoted))
		case tokenMeaning:
			setOnce(&f.Token, s)
		case tenantMeaning:
			setOnce(&f.Tenant, s)
		case askedTenantMeaning:
			setOnce(&f.AskedTenant, s)
		case recordsMeaning:
			if v, ok := parseInt(s); ok && v >= 0 {
				f.Records = v
			}
		}
	}
	if f.Time.IsZero() {
		return &Reject{Reason: "no column for the time"}
	}
	p.setTarget(f, args)
	f.splitForwarded()
	return nil
}

// setTarget makes the request's target of what is logged as stem and query.
func (p *w3c) setTarget(f *Fields, args string) {
	if f.Method == "" {
		f.Target = "" // of a request that is none, or of another protocol
		return
	}
	if f.Target == "" {
		return
	}
	// Imperva's cs-uri begins with the host.
	if c := f.Target[0]; c != '/' && c != '*' && f.Host == "" && f.Method != "CONNECT" && !strings.Contains(f.Target, "://") {
		if host, _, ok := strings.Cut(f.Target, "/"); ok && isHost(host) {
			f.Host, f.Target = host, f.Target[len(host):]
		}
	}
	if args == "" || strings.IndexByte(f.Target, '?') >= 0 {
		return
	}
	f.Target = p.targets.join(f.Target, args)
}

// withoutMarks returns a stem in which no byte can be taken for the beginning of a
// query or a fragment: IIS decodes what it logs as the stem.
func withoutMarks(s string) string {
	if strings.IndexByte(s, '#') < 0 && strings.IndexByte(s, '?') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "#", "%23"), "?", "%3F")
}

// at returns the time of a day.
func (p *w3c) at(date, clock string) (time.Time, bool) {
	if len(date) != len(p.date) || date[4] != '-' || date[7] != '-' {
		return time.Time{}, false
	}
	if date != string(p.date[:]) {
		midnight, ok := makeTime(digits(date[:4]), digits(date[5:7]), digits(date[8:]), 0, 0, 0, "")
		if !ok {
			return time.Time{}, false
		}
		copy(p.date[:], date)
		p.midnight = midnight
	}
	if len(clock) < 8 || clock[2] != ':' || clock[5] != ':' || len(clock) > 8 && clock[8] != '.' {
		return time.Time{}, false
	}
	hour, minute, second := digits(clock[:2]), digits(clock[3:5]), digits(clock[6:8])
	if hour|minute|second < 0 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	nanos := 0
	if len(clock) > 8 {
		if len(clock) == 9 || !allDigits(clock[9:]) {
			return time.Time{}, false
		}
		nanos = fraction(clock[9:])
	}
	seconds := hour*3600 + minute*60 + second
	t := p.midnight.Add(time.Duration(seconds)*time.Second + time.Duration(nanos))
	return t, seconds < 24*3600 || inYears(t) // a leap second may end the last of years
}

// duration reads the time taken; -1 if its unit is not known.
func (c *w3cColumns) duration(s string) time.Duration {
	unit := c.unit
	if unit == 0 {
		if strings.IndexByte(s, '.') < 0 {
			return -1
		}
		unit = time.Second
	}
	d, ok := parseDecimal(s, unit)
	if !ok {
		return -1
	}
	return d
}

// Bounds of what a w3c remembers: how many values, and how long.
const (
	maxDecoded    = 2048
	maxDecodedLen = 512
)

// decode undoes how a header's value is written: blanks as pluses, or CloudFront's
// percent-encoding. Headers come again and again, so it remembers what it made of them.
func (p *w3c) decode(s string, percent, quoted bool) string {
	if percent {
		if strings.IndexByte(s, '%') < 0 {
			return s
		}
	} else if quoted || strings.IndexByte(s, '+') < 0 || strings.IndexByte(s, ' ') >= 0 {
		return s
	}
	if d, ok := p.decoded[s]; ok {
		return d
	}
	d := s
	if percent {
		d = percentDecodedOnce(s)
		if strings.Contains(d, "%20") && strings.IndexByte(d, ' ') < 0 && !strings.Contains(d, "://") {
			d = percentDecodedOnce(d)
		}
	} else {
		d = strings.ReplaceAll(s, "+", " ")
	}
	if len(s) > maxDecodedLen {
		return d
	}
	if len(p.decoded) == maxDecoded {
		clear(p.decoded)
	}
	key := strings.Clone(s)
	if d == s {
		d = key
	}
	p.decoded[key] = d
	return d
}

// decodeCookie undoes how a Cookie header is written. A plus inside a value is its own.
func decodeCookie(s string, percent bool) string {
	if percent {
		return percentDecodedOnce(s)
	}
	return strings.ReplaceAll(s, ";+", "; ")
}

// percentDecodedOnce returns s percent-decoded one time: what was encoded before it
// was logged stays so.
func percentDecodedOnce(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		b = append(b, c)
	}
	return string(b)
}

// unquoted returns a value without the quotes around it, and whether there were any.
func unquoted(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s, false
	}
	s = s[1 : len(s)-1]
	if strings.Contains(s, `""`) {
		s = strings.ReplaceAll(s, `""`, `"`)
	}
	return s, true
}
