package parsers

import (
	"strings"
	"time"
)

// Iris reads what Iris's accesslog writes.
func Iris() *Format {
	return &Format{
		Name: "iris",
		Doc: `Iris, its accesslog

  2006-01-02 15:04:05|latency|status|METHOD|/path|client|values|received|sent|body|

The values, which are missing where there are none, are the parameters of the path, those of the
query and the application's own, blanks between them, and nothing tells them apart: the query is not read, nor is the
body. Let Iris write JSON for both. The time is local, bears no zone and is taken as UTC. The client is whom Iris took for it:
which headers it believes is its own setting. Bars are not escaped: in a line in which more than one address could be the
client's, the client is unknown, and the path ends at its first bar.`,
		Samples: []string{
			`2026-03-01 10:00:00|1.048ms|200|GET|/api/users/7|203.0.113.9|id=7 page=2|0 B|1.5 KB||`,
			`2026-03-01 10:00:01|212.4µs|401|POST|/login|2001:db8::7|18 B|12 B|{"user":"alice"}|`,
		},
		New: func() ParseFunc { return enveloped((&iris{}).parse) },
	}
}

// iris reads one source.
type iris struct{ clock clock }

func (p *iris) parse(line string, f *Fields) error {
	f.reset()
	stamp, rest, _ := cutByte(line, '|')
	latency, rest, _ := cutByte(rest, '|')
	status, rest, _ := cutByte(rest, '|')
	method, rest, found := cutByte(rest, '|')
	if !found || !isMethod(method) || !isStatus(status) || rest[max(len(rest)-1, 0):] != "|" {
		return &Reject{Reason: "not the columns of Iris", Value: line}
	}
	target, client, after, several := cutClient(rest)
	if client == "" || !isTarget(target) {
		return &Reject{Reason: "no address", Value: rest}
	}
	if several { // of which the path's beginning alone is sure
		target, _, _ = cutByte(rest, '|')
		client, after = "", ""
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	d, err := time.ParseDuration(latency)
	if err != nil || d < 0 {
		return &Reject{Reason: "not a latency", Value: latency}
	}
	f.setStatus(status)
	f.Duration, f.Method, f.Target, f.Remote, f.Bytes = d, method, target, client, irisBytes(after)
	return nil
}

// cutClient cuts s around the first column that is an address. The path before it and all behind it
// hold what the client likes, bars among them: it tells whether there are several.
func cutClient(s string) (before, client, after string, several bool) {
	for at := 0; ; at++ {
		i := strings.IndexByte(s[at:], '|')
		if i < 0 {
			return before, client, after, false
		}
		at += i
		word, rest, closed := cutByte(s[at+1:], '|')
		switch {
		case !closed || !isAddress(word):
		case client != "":
			return before, client, after, true
		default:
			before, client, after = s[:at], word, rest
		}
	}
}

// irisBytes returns the number of bytes sent that stands behind that of those received, perhaps
// with other values before them: "0 B|39 B|". It is -1 if there is none, or if it is rounded, as
// those above a kilobyte are.
func irisBytes(s string) int64 {
	for range 2 {
		received, rest, _ := cutByte(s, '|')
		sent, _, _ := cutByte(rest, '|')
		if isIrisSize(received) && isIrisSize(sent) {
			if n, ok := parseInt(strings.TrimSuffix(sent, " B")); ok {
				return n
			}
			return -1
		}
		s = rest
	}
	return -1
}

// isIrisSize tells whether s is a number of bytes as Iris writes it: "0 B", "1.5 KB".
func isIrisSize(s string) bool {
	number, unit, _ := cutByte(s, ' ')
	return number != "" && strings.Trim(number, ".0123456789") == "" && (unit == "B" || len(unit) == 2 && unit[1] == 'B')
}
