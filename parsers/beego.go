package parsers

import (
	"strings"
	"time"
)

// Beego reads what Beego logs of requests.
func Beego() *Format {
	return &Format{
		Name: "beego",
		Doc: `Beego, its access log (APACHE_FORMAT) and what it logs of requests in development

  2006/01/02 15:04:05.000 [D] [router.go:887]  client - - [02/Jan/2006 03:04:05] "METHOD /path HTTP/1.1 status bytes" seconds referer user agent
  2006/01/02 15:04:05.000 [D] [router.go:1305]  |client| status |latency|match| METHOD /path r:/route

Its JSON is read as json. The time is the logger's, for that within the brackets has twelve hours and does
not say which half of the day; it is local, bears no zone and is taken as UTC. Referer and user
agent stand without quotes: a first word that is a URL is the referer. The second line has no query, and in older
versions no client. The client is the first of X-Forwarded-For: where no proxy in front of Beego sets that, whatever the client wrote. Lines of its other logs
are skipped, and so are those that it writes of an error without its time, beside the request's.`,
		Samples: []string{
			`2026/03/01 10:00:00.123 [D] [router.go:887]  203.0.113.9 - - [01/Mar/2026 10:00:00] "GET /api/users?page=2 HTTP/1.1 200 1043" 0.019576 https://app.example.com/ Mozilla/5.0 (X11; Linux x86_64)`,
			`2026/03/01 10:00:01.250 [D] [router.go:1305]  |    203.0.113.9| 401 |   2.137ms|   match| POST     /login   r:/login`,
		},
		New: func() ParseFunc { return enveloped((&beego{}).parse) },
	}
}

// beego reads one source.
type beego struct{ clock clock }

func (p *beego) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	day, rest, _ := cutByte(line, ' ')
	hour, rest, found := cutByte(rest, ' ')
	if !found || len(day) != len("2006/01/02") || day[4] != '/' || !isDigit(day[0]) || len(hour) < len("15:04:05") || hour[2] != ':' {
		return &Reject{Reason: "not of Beego", Value: line}
	}
	logged := false
	for rest = strings.TrimLeft(rest, " "); strings.HasPrefix(rest, "["); rest = strings.TrimLeft(rest, " ") { // level, file and line
		word, after, closed := cutByte(rest, ']')
		if !closed || strings.IndexByte(word, ' ') >= 0 {
			break
		}
		logged = logged || len(word) == len("[D")
		rest = after
	}
	var ok bool
	stamp := line[:len(day)+len(" ")+len(hour)]
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	if strings.HasPrefix(rest, "|") {
		return f.setBeegoColumns(rest[1:])
	}
	client, rest, found := strings.Cut(rest, " - - [")
	inner, rest, two := strings.Cut(rest, `] "`)
	end := strings.LastIndex(rest, `" `)
	if !found || !two || end < 0 || len(inner) != len("02/Jan/2006 03:04:05") {
		return &Reject{Reason: "not of Beego", Value: line, Skip: logged}
	}
	if strings.HasPrefix(inner, "01/Jan/0001") {
		return &Reject{Reason: "request that Beego logs twice", Value: line, Skip: true}
	}
	return f.setBeegoRequest(client, rest)
}

// setBeegoRequest takes a client, and `METHOD /path HTTP/1.1 status bytes" seconds referer user agent`.
func (f *Fields) setBeegoRequest(client, rest string) error {
	if !isAddress(client) {
		return &Reject{Reason: "no address", Value: client}
	}
	line, rest, found := strings.Cut(rest, ` HTTP/`)
	if !found || !f.setRequestLine(line) {
		return &Reject{Reason: "no request", Value: line}
	}
	_, answer, _ := cutByte(rest, ' ')
	answer, sent, _ := strings.Cut(answer, `" `)
	status, size, _ := cutByte(answer, ' ')
	if !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if !isNumber(size) || !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	f.Remote = client
	taken, sent, _ := cutByte(sent, ' ')
	f.setDuration(taken, time.Second)
	if first, agent, _ := cutByte(sent, ' '); strings.Contains(first, "://") {
		f.Referer, sent = first, agent
	}
	f.UserAgent = strings.TrimSpace(sent)
	return nil
}

// setBeegoColumns takes `client| status | latency| match| METHOD /path   r:/route`. Older versions
// tell no client.
func (f *Fields) setBeegoColumns(rest string) error {
	client, columns, _ := cutByte(rest, '|')
	if client = strings.TrimSpace(client); isStatus(client) {
		client, columns = "", rest
	}
	status, columns, _ := cutByte(columns, '|')
	latency, columns, _ := cutByte(columns, '|')
	match, request, found := cutByte(columns, '|')
	status, match = strings.TrimSpace(status), strings.TrimSpace(match)
	if !found || match != "match" && match != "nomatch" || client != "" && !isAddress(client) {
		return &Reject{Reason: "not the columns of Beego", Value: rest}
	}
	if !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	d, err := time.ParseDuration(strings.TrimSpace(latency))
	if err != nil || d < 0 {
		return &Reject{Reason: "not a latency", Value: latency}
	}
	method, target, _ := cutByte(strings.TrimLeft(request, " "), ' ')
	target = strings.TrimLeft(target, " ")
	if match == "match" {
		target, _, _ = cutEnd(target, "   r:")
	}
	if target = strings.TrimRight(target, " "); !isMethod(method) || !isTarget(target) {
		return &Reject{Reason: "no request", Value: request}
	}
	f.Duration, f.Remote, f.Method, f.Target = d, client, method, target
	return nil
}
