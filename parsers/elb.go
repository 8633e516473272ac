package parsers

import (
	"strings"
	"time"
)

// ELB reads the access log of an AWS Classic Load Balancer.
func ELB() *Format {
	return &Format{
		Name: "aws-elb",
		Doc: `AWS Classic Load Balancer access log

  time elb client:port backend:port three-times elb_status backend_status received sent "request" "user_agent" ssl_cipher ssl_protocol

Older lines end after the request. The duration is the sum of the three processing
times, unknown if one of them is -1. A malformed request is kept, without method and
target. The lines of TCP listeners, which have no status, are no requests.`,
		Samples: []string{
			`2026-03-01T10:00:00.943958Z my-loadbalancer 203.0.113.9:2817 10.0.0.1:80 0.000086 0.001048 0.001337 200 200 0 57 "GET https://api.example.com:443/users?page=2 HTTP/1.1" "curl/8.5.0" DHE-RSA-AES128-SHA TLSv1.2`,
			`2026-03-01T10:00:01.000000Z my-loadbalancer 198.51.100.7:2817 - -1 -1 -1 400 0 0 0 "- http://api.example.com:80- -" "-" - -`,
			`2026-03-01T10:00:02.115958Z my-loadbalancer 2001:db8::7:48160 10.0.0.1:80 0.000073 0.001 0.000057 302 302 5 29 "POST http://192.0.2.1:80/login HTTP/1.1"`,
		},
		New: func() ParseFunc { return enveloped((&elb{}).parse) },
	}
}

// elb reads one source.
type elb struct{ clock clock }

func (p *elb) parse(line string, f *Fields) error {
	f.reset()
	// The file with which AWS tests its access to a bucket.
	if strings.HasPrefix(line, "Enable AWS") || strings.HasPrefix(line, "Enable Elastic") {
		return &Reject{Reason: "AWS test line", Skip: true}
	}
	fields := fieldCutter{rest: line}
	stamp := fields.next()
	if len(stamp) < len("2006-01-02T15:04:05Z") || stamp[4] != '-' {
		return &Reject{Reason: "no time", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	fields.next() // elb
	client := fields.next()
	colon := strings.LastIndexByte(client, ':')
	if colon < 0 || !isPortSuffix(client[colon:]) {
		return &Reject{Reason: "no client and port", Value: client}
	}
	f.Remote = client[:colon] // before a bare IPv6 address could be taken to end in the port
	fields.next()             // backend
	status, request, err := answer(&fields, line, f)
	if err != nil {
		return err
	}
	if status == "-" && strings.HasPrefix(request, "- ") {
		return &Reject{Reason: "TCP connection", Skip: true}
	}
	f.setRequestURL(request)
	f.UserAgent = unescape(valueOf(fields.next()))
	return nil
}

// answer reads what both generations of AWS load balancers write in one way, from the
// processing times to the request: what was answered, and to what.
func answer(fields *fieldCutter, line string, f *Fields) (status, request string, err error) {
	var ok bool
	if f.Duration, ok = sumOfTimes(fields); !ok {
		return "", "", &Reject{Reason: "processing time is not a number", Value: line}
	}
	if status = fields.short(); !f.setStatus(status) {
		return "", "", &Reject{Reason: "status is not a number", Value: status}
	}
	fields.short() // status of the target
	fields.short() // bytes received
	if s := fields.short(); s != "-" && !f.setBytes(s) {
		return "", "", &Reject{Reason: "bytes are not a number", Value: s}
	}
	if !strings.HasPrefix(fields.rest, `"`) {
		return "", "", &Reject{Reason: "no quoted request", Value: fields.rest}
	}
	if request = fields.next(); fields.torn {
		return "", "", &Reject{Reason: "request has no end", Value: request}
	}
	return status, request, nil
}

// sumOfTimes reads the three processing times, in seconds; -1 if one is not known.
func sumOfTimes(fields *fieldCutter) (sum time.Duration, ok bool) {
	for range 3 {
		s := fields.short()
		if s == "-1" || s == "-" {
			sum = -1
			continue
		}
		d, ok := parseDecimal(s, time.Second)
		if !ok {
			return -1, false
		}
		if sum < 0 {
			continue
		}
		if sum += d; sum < 0 { // more than can be
			return -1, false
		}
	}
	return sum, true
}
