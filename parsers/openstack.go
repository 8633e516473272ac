package parsers

import (
	"strings"
	"time"
)

// OpenStack reads what the APIs of OpenStack log of their requests.
func OpenStack() *Format {
	return &Format{
		Name: "openstack",
		Doc: `OpenStack (Nova, Neutron, Cinder, Glance), the requests in the logs of its APIs

  2006-01-02 15:04:05.000 pid INFO nova.osapi_compute.wsgi.server [req-id user project - domain domain] client "METHOD /path HTTP/1.1" status: 200 len: 1893 microversion: 2.1 time: 0.2477829

The microversion, the time and the version of HTTP may be missing. The user and the project, which is the tenant, are ids. Several clients are those of
X-Forwarded-For and the last one's peer. What stands before the time is read over. The time bears no
zone and is taken as UTC. The other lines of the APIs are skipped.`,
		Samples: []string{
			`2026-03-01 10:00:00.272 25746 INFO nova.osapi_compute.wsgi.server [req-9bc36dd9-91c5-4314-898a-47625eb93b09 113d3a99c3da401fbd62cc2caa5b96d2 54fadb412c4e40cdbaed9335e4c35a9e - - -] 203.0.113.9 "GET /v2/54fadb412c4e40cdbaed9335e4c35a9e/servers/detail HTTP/1.1" status: 200 len: 1893 time: 0.2477829`,
			`2026-03-01 10:00:01.000 7 INFO neutron.wsgi [-] 2001:db8::7 "GET / HTTP/1.1" status: 401  len: 250 time: 0.0012`,
		},
		New: func() ParseFunc { return enveloped((&openStack{}).parse) },
	}
}

// openStack reads one source.
type openStack struct{ clock clock }

func (p *openStack) parse(line string, f *Fields) error {
	f.reset()
	head, rest, found := strings.Cut(line, " [")
	context, rest, closed := strings.Cut(rest, "] ")
	if !found || !closed || !strings.HasPrefix(context, "req-") && context != "-" {
		return &Reject{Reason: "not of OpenStack", Value: line}
	}
	head, logger, _ := cutLast(head)
	head, _, _ = cutLast(head) // the level
	head, pid, _ := cutLast(head)
	before, hour, found := cutLast(head)
	if !found || !isNumber(pid) || strings.IndexByte(logger, '.') < 0 {
		return &Reject{Reason: "not of OpenStack", Value: line}
	}
	_, date, _ := cutLast(before) // behind the name of a file
	stamp := head[len(head)-len(hour)-len(" ")-len(date):]
	remote, request, found := strings.Cut(rest, ` "`)
	end := strings.LastIndex(request, `" status: `)
	if !found || end < 0 || !isAddress(remote[strings.LastIndexByte(remote, ',')+1:]) {
		return &Reject{Reason: "OpenStack notice", Value: line, Skip: true}
	}
	if answer := request[end+len(`" `):]; !f.setAnswer(answer) {
		return &Reject{Reason: "no status and length", Value: answer}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	f.setRequestLine(request[:end])
	f.ForwardedFor = remote
	f.splitForwarded()
	id, rest, _ := cutByte(context, ' ')
	user, rest, _ := cutByte(rest, ' ')
	tenant, _, _ := cutByte(rest, ' ')
	f.RequestID, f.User, f.Tenant = valueOf(id), valueOf(user), valueOf(tenant)
	return nil
}

// setAnswer takes "status: 200 len: 1893 microversion: 2.1 time: 0.2477829", of which the last two
// may be missing.
func (f *Fields) setAnswer(s string) bool {
	sized := false
	for s != "" {
		var name, value string
		name, s, _ = cutByte(s, ' ')
		value, s, _ = cutByte(strings.TrimLeft(s, " "), ' ')
		s = strings.TrimLeft(s, " ")
		switch {
		case value == "":
			return false
		case name == "status:":
			if !isNumber(value) || !f.setStatus(value) {
				return false
			}
		case name == "len:":
			if value != "-" && (!isNumber(value) || !f.setBytes(value)) {
				return false
			}
			sized = true
		case name == "time:":
			f.setDuration(value, time.Second)
		case name != "microversion:":
			return false
		}
	}
	return sized
}
