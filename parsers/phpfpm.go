package parsers

import (
	"strings"
	"time"
)

// PHPFPM reads the access log of PHP-FPM.
func PHPFPM() *Format {
	return &Format{
		Name: "php-fpm",
		Doc: `PHP-FPM's access log, as its images for containers write it

  address - user 02/Jan/2006:15:04:05 -0700 "METHOD /script.php" status

The address is that of the web server, which alone knows the client, and the path is mostly that of
the script: read the web server's log if there is one. Behind the status may stand what the example
in PHP's www.conf appends: "/app/index.php 12.345 2048 9.51%", of which the second is milliseconds.
Notices of PHP-FPM and what scripts write are skipped.`,
		Samples: []string{
			`172.19.0.4 -  01/Mar/2026:10:00:00 +0000 "GET /index.php" 200`,
			`127.0.0.1 - alice 01/Mar/2026:10:00:01 +0800 "POST /index.php?page=2" 500 /app/public/index.php 313.295 2048 3.19%`,
		},
		New: func() ParseFunc { return enveloped((&phpFPM{}).parse) },
	}
}

// phpFPM reads one source.
type phpFPM struct{ clock clock }

func (p *phpFPM) parse(line string, f *Fields) error {
	f.reset()
	head, rest, found := strings.Cut(line, ` "`)
	before, stamp, _ := cutLast(head)
	if len(stamp) == len("+0000") {
		before, _, _ = cutLast(before)
		stamp = strings.TrimPrefix(head[len(before):], " ")
	}
	if !found || len(stamp) < len("02/Jan/2006:15:04:05") || stamp[2] != '/' || stamp[6] != '/' {
		return &Reject{Reason: "not of PHP-FPM's access log", Value: line, Skip: isFPMNotice(line)}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	remote, user, found := strings.Cut(before, " -")
	if _, remote, _ = cutLast(remote); !found || remote != "-" && !isAddress(remote) {
		return &Reject{Reason: "no address", Value: before}
	}
	f.Remote, f.User = valueOf(remote), valueOf(strings.Trim(user, " "))
	end := closingQuote(rest)
	if end < 0 {
		return &Reject{Reason: "request has no end", Value: rest}
	}
	f.setRequestLine(rest[:end])
	status, tail, _ := cutByte(strings.TrimPrefix(rest[end+1:], " "), ' ')
	if !isNumber(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if tail, percent := strings.CutSuffix(tail, "%"); percent {
		tail, _, _ = cutLast(tail)
		tail, _, _ = cutLast(tail)
		_, taken, _ := cutLast(tail)
		f.setDuration(taken, time.Millisecond)
	}
	return nil
}

// isFPMNotice tells whether the line is one that PHP-FPM writes of itself, or for a script:
// "[01-Mar-2026 10:00:00] NOTICE: fpm is running, pid 1", "NOTICE: PHP message: …".
func isFPMNotice(line string) bool {
	const stamp = "[01-Mar-2026 10:00:00"
	if len(line) > len(stamp) && line[0] == '[' && line[3] == '-' && line[7] == '-' && month(line[4:7]) > 0 {
		return true
	}
	return strings.HasPrefix(line, "NOTICE: PHP message: ")
}
