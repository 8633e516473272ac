package parsers

import (
	"strings"
	"time"
)

// Gorouter reads the access log of Cloud Foundry's router.
func Gorouter() *Format {
	return &Format{
		Name: "gorouter",
		Doc: `Cloud Foundry's gorouter, also as cf logs and a drain tell its lines

  host - [time] "METHOD path HTTP/1.1" status received sent "referer" "user agent"
  "address:port" "endpoint" x_forwarded_for:"…" x_forwarded_proto:"…"
  vcap_request_id:"…" response_time:seconds …

It begins with the host that was asked for. The address is that of a load balancer where
one stands before the router: say so by trusted_proxies, and X-Forwarded-For is read.`,
		Samples: []string{
			`api.example.com - [2026-03-01T10:00:00.123456789Z] "GET /api/users?page=2 HTTP/1.1" 200 0 1043 "-" "curl/8.5.0" "198.51.100.7:51628" "10.0.1.11:61002" x_forwarded_for:"203.0.113.9, 198.51.100.7" x_forwarded_proto:"https" vcap_request_id:"6cb8b8de-bc85-4479-5f90-1c3a52d88d84" response_time:0.011962 gorouter_time:0.000467 app_id:"cabd9e08-384e-4689-b868-1ba3d5d838bf" app_index:"0" x_cf_routererror:"-"`,
			`2026-03-01T10:00:01.00+0000 [RTR/0] OUT api.example.com - [2026-03-01T10:00:01.000000000Z] "POST /login HTTP/1.1" 401 20 17 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" "203.0.113.9:51628" "10.0.1.11:61002" x_forwarded_for:"203.0.113.9" x_forwarded_proto:"https" vcap_request_id:"7cb8b8de-bc85-4479-5f90-1c3a52d88d84" response_time:0.250 app_id:"cabd9e08" app_index:"1"`,
		},
		New: func() ParseFunc { return enveloped((&gorouter{}).parse) },
	}
}

// gorouter reads one source.
type gorouter struct{ clock clock }

func (p *gorouter) parse(line string, f *Fields) error {
	f.reset()
	before, rest, found := strings.Cut(line, " - [")
	_, host, _ := cutLast(before)
	if !found || !isHost(host) {
		return &Reject{Reason: "no host", Value: line}
	}
	stamp, rest, found := strings.Cut(rest, "] ")
	if !found || !opensQuote(rest) {
		return &Reject{Reason: "no time and request", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	fields := fieldCutter{rest: rest} // quotes in them are escaped
	request, status, received, sent := fields.next(), fields.next(), fields.next(), fields.next()
	referer, agent, address := fields.next(), fields.next(), fields.next()
	fields.next() // the endpoint
	if !strings.HasPrefix(fields.rest, "x_forwarded_for:") {
		return &Reject{Reason: "not what gorouter appends", Value: line}
	}
	if !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if !isNumber(received) || !isNumber(sent) || !f.setBytes(sent) {
		return &Reject{Reason: "bytes are not a number", Value: received + " " + sent}
	}
	if address != "-" && !isAddress(address) {
		return &Reject{Reason: "no address", Value: address}
	}
	f.Host, f.Remote = host, valueOf(address)
	f.setRequestLine(request)
	f.Referer, f.UserAgent = unescape(valueOf(referer)), unescape(valueOf(agent))
	for fields.rest != "" {
		name, value, _ := cutByte(fields.rest, ':')
		fields.rest = value
		value = unescape(valueOf(fields.next()))
		switch name {
		case "x_forwarded_for":
			setOnce(&f.ForwardedFor, value)
		case "vcap_request_id":
			setOnce(&f.RequestID, value)
		case "response_time":
			f.setDuration(value, time.Second)
		}
	}
	return nil
}
