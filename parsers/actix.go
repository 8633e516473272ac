package parsers

import (
	"strings"
	"time"
)

// Actix reads the lines of Actix Web's Logger.
func Actix() *Format {
	return &Format{
		Name: "actix",
		Doc: `Actix Web (Rust), its middleware Logger

  address "METHOD /path HTTP/1.1" status bytes "referer" "user agent" seconds

The time is that which env_logger or tracing writes before it, or that of what stands
around the line. Lines of Actix's other modules are skipped.`,
		Samples: []string{
			`[2026-03-01T10:00:00Z INFO  actix_web::middleware::logger] 203.0.113.9 "GET /api/users?page=2 HTTP/1.1" 200 1043 "-" "curl/8.5.0" 0.001234`,
			`2026-03-01T10:00:01.123456Z  INFO actix_web::middleware::logger: 2001:db8::7 "POST /login HTTP/1.1" 401 12 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" 0.000311`,
		},
		New: func() ParseFunc { return timed((&actix{}).parse) },
	}
}

// actixModule is what names the lines of the Logger.
const actixModule = "actix_web::middleware::logger"

// isActixModule tells whether the line is one of another module of Actix, behind its time.
func isActixModule(line string) bool {
	return strings.Contains(line[:min(len(line), len("[2026-03-01T10:00:00.123456Z DEBUG actix_web"))], " actix_")
}

// actix reads one source.
type actix struct{ clock clock }

func (p *actix) parse(line string, f *Fields) error {
	f.reset()
	line = plain(line)
	before, rest, found := strings.Cut(line, actixModule)
	if !found {
		return &Reject{Reason: "not a line of Actix's Logger", Value: line, Skip: isActixModule(line)}
	}
	rest = strings.TrimLeft(rest, "]: ")
	remote, rest, _ := cutByte(rest, ' ')
	if !isAddress(remote) || !opensQuote(rest) {
		return &Reject{Reason: "no address and request", Value: line}
	}
	end := requestEnd(rest[1:])
	if end < 0 {
		return &Reject{Reason: "request has no end", Value: rest}
	}
	f.Remote = remote
	f.setRequestLine(rest[1 : 1+end])
	fields := fieldCutter{rest: strings.TrimPrefix(rest[1+end+1:], " ")}
	if status := fields.next(); !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if size := fields.next(); !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	f.Referer = valueOf(fields.next())
	f.UserAgent = valueOf(fields.next())
	if d, ok := parseDecimal(fields.next(), time.Second); ok {
		f.Duration = d
	}
	stamp, _, _ := cutByte(strings.TrimPrefix(before, "["), ' ')
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return timeless
	}
	return nil
}
