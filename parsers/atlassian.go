package parsers

import (
	"strings"
	"time"
)

// Bitbucket reads the access log of Bitbucket Data Center and Server.
func Bitbucket() *Format {
	return &Format{
		Name: "bitbucket",
		Doc: `Bitbucket Data Center and Server, atlassian-bitbucket-access.log

  client | https | o*id | user | 2006-01-02 15:04:05,000 | "METHOD /path HTTP/1.1" | "referer" "user agent" | status | read | written | labels | milliseconds | session |

Several clients are those of X-Forwarded-For and the last one's peer. Of the two lines of a
request that of its answer is read, whose id begins with an o. Lines of SSH, and of gRPC
between Bitbucket's own nodes, are skipped. The time bears no zone and is taken as UTC.`,
		Samples: []string{
			`203.0.113.9 | https | o@PZQFBCx921x19253x0 | - | 2026-03-01 10:00:00,437 | "GET /status HTTP/1.1" | "" "curl/8.5.0" | 200 | 0 | 19 | - | 6 | 1irez8i | `,
			`203.0.113.9,192.0.2.1 | https | o@PZQFBCx921x19254x0 | alice | 2026-03-01 10:00:01,002 | "POST /rest/api/1.0/projects?limit=5 HTTP/1.1" | "https://git.example.com/projects" "Mozilla/5.0 (X11; Linux x86_64)" | 201 | 112 | 1043 | - | 38 | 1hpn738 | `,
		},
		New: func() ParseFunc { return enveloped((&bitbucket{}).parse) },
	}
}

// bitbucket reads one source.
type bitbucket struct{ clock clock }

func (p *bitbucket) parse(line string, f *Fields) error {
	f.reset()
	const bar = " | "
	clients, rest, _ := strings.Cut(line, bar)
	protocol, rest, _ := strings.Cut(rest, bar)
	id, rest, found := strings.Cut(rest, bar)
	switch protocol {
	case "http", "https":
	case "ssh", "grpc":
		return &Reject{Reason: "no request by HTTP", Value: line, Skip: true}
	default:
		return &Reject{Reason: "not of Bitbucket", Value: line}
	}
	if strings.HasPrefix(id, "i") {
		return &Reject{Reason: reasonUnanswered, Value: line, Skip: true}
	}
	user, rest, _ := strings.Cut(rest, bar)
	stamp, rest, _ := strings.Cut(rest, bar)
	first, _, _ := cutByte(clients, ',')
	peer := strings.TrimLeft(clients[strings.LastIndexByte(clients, ',')+1:], " ")
	if !found || strings.IndexByte(first, ' ') >= 0 || !isAddress(peer) || !opensQuote(rest) { // an envelope has blanks
		return &Reject{Reason: "not of Bitbucket", Value: line}
	}
	// A user agent may hold a bar: from the end.
	rest = strings.TrimSuffix(strings.TrimRight(rest, " "), " |")
	var fields [6]string
	for i := len(fields) - 1; i >= 0; i-- {
		at := strings.LastIndex(rest, bar)
		if at < 0 {
			return &Reject{Reason: "not of Bitbucket", Value: line}
		}
		rest, fields[i] = rest[:at], rest[at+len(bar):]
	}
	status, written, taken, session := fields[0], fields[2], fields[4], fields[5]
	if !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	request, agents, _ := strings.Cut(rest[1:], `" | "`)
	referer, agent, _ := strings.Cut(strings.TrimSuffix(agents, `"`), `" "`)
	f.setRequestLine(request)
	f.Referer, f.UserAgent = valueOf(referer), valueOf(agent)
	f.ForwardedFor = clients
	f.splitForwarded()
	if isNumber(written) {
		f.setBytes(written)
	}
	if isNumber(taken) {
		f.setDuration(taken, time.Millisecond)
	}
	f.RequestID, f.User, f.Session = strings.TrimPrefix(id, "o"), valueOf(user), valueOf(session)
	return nil
}

// Confluence reads the access log that Tomcat writes for Confluence and Jira.
func Confluence() *Format {
	return &Format{
		Name: "confluence",
		Doc: `Confluence and Jira, conf_access_log and access_log of their Tomcat

  [02/Jan/2006:15:04:05 -0700] user thread client METHOD /path HTTP/1.1 200 15ms bytes referer user agent

The addresses of X-Forwarded-For may stand before the user, as Atlassian advises behind a proxy.
Jira's older access log is nginx-combined.`,
		Samples: []string{
			`[01/Mar/2026:10:00:00 +0000] alice http-nio-8090-exec-6 203.0.113.9 GET /index.action HTTP/1.1 200 1020ms 7881 https://wiki.example.com/login.action Mozilla/5.0 (X11; Linux x86_64)`,
			`[01/Mar/2026:10:00:01 +0000] 198.51.100.7, 192.0.2.1 - http-nio-8090-exec-1 192.0.2.9 POST /dologin.action HTTP/1.1 302 46ms - - curl/8.5.0`,
		},
		New: func() ParseFunc { return enveloped((&confluence{}).parse) },
	}
}

// confluence reads one source.
type confluence struct{ clock clock }

func (p *confluence) parse(line string, f *Fields) error {
	f.reset()
	stamp, rest, found := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	before, rest, threaded := strings.Cut(rest, "-exec-") // "http-nio-8090-exec-6"
	if !found || !threaded || line[0] != '[' {
		return &Reject{Reason: "not of Confluence", Value: line}
	}
	before, _, _ = cutLast(before)
	forwarded, user, _ := cutLast(before) // the first may be what a client likes
	_, rest, _ = cutByte(rest, ' ')
	client, rest, _ := cutByte(rest, ' ')
	if !isAddress(client) {
		return &Reject{Reason: "no address", Value: client}
	}
	request, after, found := strings.Cut(rest, " HTTP/")
	if strings.HasPrefix(rest, "- ") { // what was no request
		after = rest
	} else if !found || !f.setRequestLine(request) {
		return &Reject{Reason: "no request", Value: rest}
	}
	_, rest, _ = cutByte(after, ' ') // the version
	status, rest, _ := cutByte(rest, ' ')
	taken, rest, _ := cutByte(rest, ' ')
	size, rest, _ := cutByte(rest, ' ')
	if !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	taken, found = strings.CutSuffix(taken, "ms")
	if !found || !isNumber(taken) || !f.setBytes(size) {
		return &Reject{Reason: "no milliseconds and bytes", Value: taken + " " + size}
	}
	f.setDuration(taken, time.Millisecond)
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	referer, agent, _ := cutByte(rest, ' ')
	f.Remote, f.ForwardedFor, f.User = client, valueOf(forwarded), valueOf(user)
	f.Referer, f.UserAgent = valueOf(referer), valueOf(agent)
	return nil
}
