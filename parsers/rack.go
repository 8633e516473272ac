package parsers

import (
	"strings"
	"time"
)

// Rack reads the log of Ruby's Rack::CommonLogger.
func Rack() *Format {
	return &Format{
		Name: "rack",
		Doc: `Rack::CommonLogger, as Sinatra, Puma and rackup write it

  address - user [time] "METHOD path HTTP/1.1" status bytes seconds

It is nginx-common with the seconds taken, in four decimals, at the end. The address is
the first of X-Forwarded-For where the request had one: whatever the client wrote.`,
		Samples: []string{
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/users?page=2 HTTP/1.1" 200 1043 0.0123`,
			`2001:db8::7 - alice [01/Mar/2026:10:00:01 +0100] "POST /login HTTP/1.1" 401 - 1.2000`,
		},
		New: func() ParseFunc { return enveloped((&rack{}).parse) },
	}
}

// rack reads one source.
type rack struct{ common clf }

func (p *rack) parse(line string, f *Fields) error {
	p.common.only = tailNone
	f.reset()
	i := strings.LastIndexByte(line, ' ')
	taken := line[i+1:]
	if i < 0 || !isRackSeconds(taken) {
		return &Reject{Reason: "no seconds at the end", Value: line}
	}
	if err := p.common.parse(line[:i], f); err != nil {
		return err
	}
	if f.Bytes < 0 {
		return &Reject{Reason: "no bytes", Value: line}
	}
	f.setDuration(taken, time.Second)
	return nil
}

// isRackSeconds tells whether s is a number with four decimals.
func isRackSeconds(s string) bool {
	n := len(s) - len(".0000")
	return n > 0 && s[n] == '.' && allDigits(s[:n]) && allDigits(s[n+1:])
}
