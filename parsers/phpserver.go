package parsers

import "strings"

// PHPServer reads the log of PHP's built-in server.
func PHPServer() *Format {
	return &Format{
		Name: "php-server",
		Doc: `PHP's built-in server (php -S, artisan serve)

  [Mon Jan _2 15:04:05 2006] address:port [status]: METHOD /path

The time bears no zone and is taken as UTC. Lines of connections that come and go, and
what scripts write, are skipped. With workers, a process id in brackets stands first.
Before PHP 7.4 there is no method.`,
		Samples: []string{
			`[Sun Mar  1 10:00:00 2026] 203.0.113.9:40000 [200]: GET /api/users?page=2`,
			`[7] [Sun Mar  1 10:00:01 2026] [2001:db8::7]:40000 [404]: GET /.env - No such file or directory`,
		},
		New: func() ParseFunc { return enveloped(parsePHPServer) },
	}
}

func parsePHPServer(line string, f *Fields) error {
	f.reset()
	rest := line
	if id, after, found := strings.Cut(line, "] "); found && len(id) > 1 && id[0] == '[' && allDigits(id[1:]) {
		rest = after
	}
	if len(rest) < len(cTime)+3 || rest[0] != '[' || rest[len(cTime)+1] != ']' {
		return &Reject{Reason: "no time", Value: line}
	}
	var ok bool
	if f.Time, ok = parseCTime(rest[1 : len(cTime)+1]); !ok {
		return &Reject{Reason: "not a time", Value: line}
	}
	rest = strings.TrimPrefix(rest[len(cTime)+2:], " ")
	remote, rest, found := strings.Cut(rest, " ")
	status, request, answered := strings.Cut(strings.TrimPrefix(rest, "["), "]: ")
	if !found || !answered || !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "PHP notice", Value: line, Skip: true}
	}
	if !isAddress(remote) {
		return &Reject{Reason: "no address", Value: remote}
	}
	words := wordCutter{request}
	method, target := words.next(), words.next()
	f.Remote = remote
	switch {
	case strings.HasPrefix(method, "/"): // before PHP 7.4
		f.Target = method
	case isMethod(method) && isTarget(target):
		f.Method, f.Target = method, target
	}
	return nil
}
