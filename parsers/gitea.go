package parsers

import (
	"strings"
	"time"
)

// Gitea reads what the router of Gitea and Forgejo logs of requests.
func Gitea() *Format {
	return &Format{
		Name: "gitea",
		Doc: `Gitea and Forgejo, the requests in their log

  2006/01/02 15:04:05 HTTPRequest [I] router: completed METHOD /path?query for client:port, 200 OK in 12.3ms @ file(function)

The time is local, bears no zone and is taken as UTC. The client is whom Gitea took for it, by its
setting of trusted proxies. The log's other lines are skipped, those of requests that began or are
slow among them. The access log, which is off unless asked for, is nginx-combined.`,
		Samples: []string{
			`2026/03/01 10:00:00 HTTPRequest [I] router: completed POST /api/v1/user/repos?page=2 for 203.0.113.9:49636, 201 Created in 567.3ms @ repo/repo.go:289(repo.Create)`,
			`2026/03/01 10:00:01 ...eb/routing/logger.go:102:func1() [I] router: completed GET /user/login for [2001:db8::7]:0, 200 OK in 12.3ms @ auth/auth.go:142(auth.SignIn)`,
		},
		New: func() ParseFunc { return enveloped((&gitea{}).parse) },
	}
}

// gitea reads one source.
type gitea struct{ clock clock }

func (p *gitea) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	if len(line) <= len(goStamp) || line[4] != '/' || line[len(goStamp)-1] != ' ' {
		return &Reject{Reason: "not of Gitea", Value: line}
	}
	stamp, rest := line[:len(goStamp)-1], line[len(goStamp):]
	origin, rest, found := strings.Cut(rest, " [")
	level, message, closed := cutByte(rest, ']')
	if !found || !closed || len(level) != 1 || !strings.HasSuffix(origin, "()") && origin != "HTTPRequest" {
		return &Reject{Reason: "not of Gitea", Value: line}
	}
	request, found := strings.CutPrefix(message, " router: completed ")
	if !found {
		return &Reject{Reason: "Gitea notice", Value: line, Skip: true}
	}
	method, rest, _ := cutByte(request, ' ')
	target, rest, _ := cutByte(rest, ' ') // in which no blank can be
	client, found := strings.CutPrefix(rest, "for ")
	client, rest, more := strings.Cut(client, ", ")
	if !found || !more || !isMethod(method) || !isTarget(target) {
		return &Reject{Reason: "no request and client", Value: request}
	}
	status, rest, _ := cutByte(rest, ' ')
	if !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if _, taken, found := strings.Cut(rest, "in "); found {
		taken, _, _ = cutByte(taken, ' ')
		if d, err := time.ParseDuration(taken); err == nil && d >= 0 {
			f.Duration = d
		}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	f.Method, f.Target, f.Remote = method, target, client
	return nil
}
