package parsers

import (
	"strings"
	"time"
)

// LTSV reads lines of label:value pairs with tabs between them.
func LTSV() *Format {
	return &Format{
		Name: "ltsv",
		Doc: `LTSV: label:value pairs, tabs between them

The labels of ltsv.org are known (time, host, forwardedfor, user, req, method, uri,
status, size, referer, ua, vhost, reqtime, reqtime_microsec), and for all others the
keys known of JSON logs, in any spelling. The label host holds the client's address;
where another label holds that, it is the virtual host. Of a label that comes twice the
first holds. The escapes of nginx and of Apache in values are undone. The time may
stand in brackets.`,
		Samples: []string{
			"time:01/Mar/2026:10:00:00 +0000\thost:203.0.113.9\tforwardedfor:-\treq:GET /api/users?page=2 HTTP/1.1\tstatus:200\tsize:1043\treferer:-\tua:curl/8.5.0\treqtime:0.012\tvhost:api.example.com",
			"host:2001:db8::7\tident:-\tuser:alice\ttime:[01/Mar/2026:10:00:01 +0100]\treq:POST /login HTTP/2.0\tstatus:401\tsize:17\treferer:https://app.example.com/\tua:Mozilla/5.0 (X11; Linux x86_64)\treqtime_microsec:58330",
			"time:2026-03-01T10:00:02+00:00\tremote_addr:203.0.113.9\tmethod:GET\turi:/.env\tstatus:404\tsize:153\tuser_agent:curl/8.5.0\trequest_id:8601b555",
		},
		New: func() ParseFunc {
			return timed(newLTSV().parse)
		},
	}
}

// ltsv reads one source. Labels it does not know mean what they mean to the parser
// of JSON.
type ltsv struct{ json jsonParser }

func newLTSV() *ltsv {
	return &ltsv{json: jsonParser{root: jsonTree(JSONConfig{}), keys: map[jsonKey]seenKey{}}}
}

func (p *ltsv) parse(line string, f *Fields) error {
	f.reset()
	if len(line) > maxJSONLine {
		return &Reject{Reason: "line too long", Value: line}
	}
	if n, _ := isoTime(line); n > 0 { // an envelope's, of which the hour would end a label
		return &Reject{Reason: "no label:value pairs", Value: line}
	}
	if label := labelLen(line); label == 0 || strings.IndexByte(line, '\t') < label {
		return &Reject{Reason: "no label:value pairs", Value: line}
	}
	j := &p.json
	j.begin(line, f)
	host := ""
	for at := 0; at < len(line); {
		end := len(line)
		if i := strings.IndexByte(line[at:], '\t'); i >= 0 {
			end = at + i
		}
		if n := labelLen(line[at:end]); n > 0 {
			v := at + n + 1
			switch value := line[v:end]; line[at : at+n] {
			case "host":
				setOnce(&host, unescape(valueOf(value)))
			case "vhost":
				setOnce(&f.Host, unescape(valueOf(value)))
			case "ua":
				setOnce(&f.UserAgent, unescape(valueOf(value)))
			case "forwardedfor":
				setOnce(&f.ForwardedFor, unescape(valueOf(value)))
			case "req":
				setOnce(&j.rest.request, valueOf(value)) // unescaped where it is taken apart
			case "reqtime":
				f.setDuration(value, time.Second)
			case "reqtime_microsec":
				f.setDuration(value, time.Microsecond)
			default:
				if node := j.child(j.root, line[at:at+n]); node != nil {
					j.take(node, unescape(value))
				}
			}
		}
		at = end + 1
	}
	if f.Remote == "" {
		f.Remote = host
	} else if f.Host == "" {
		f.Host = host
	}
	return j.finishTimed()
}

// labelLen returns the length of the label that s begins with, 0 if there is none.
func labelLen(s string) int {
	for n := range min(len(s), maxLogfmtKey+1) {
		switch c := s[n]; {
		case c == ':':
			return n
		case !isAlnum(c) && c != '_' && c != '-' && c != '.':
			return 0
		}
	}
	return 0
}

// setDuration takes a decimal number of units; what is none says nothing.
func (f *Fields) setDuration(s string, unit time.Duration) {
	if d, ok := parseDecimal(s, unit); ok {
		f.Duration = d
	}
}
