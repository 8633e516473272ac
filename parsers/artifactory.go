package parsers

import (
	"strings"
	"time"
)

// Artifactory reads the request logs of JFrog's services.
func Artifactory() *Format {
	return &Format{
		Name: "artifactory",
		Doc: `JFrog Artifactory, its request log

  2006-01-02T15:04:05.000Z|trace id|client|user|METHOD|/path?query|status|bytes received|bytes sent|milliseconds|user agent
  20060102150405|milliseconds|REQUEST|client|user|METHOD|/path|HTTP/1.1|status|length

The second is that of versions before 7; its time bears no zone and is taken as UTC, and its length
is left alone: of an upload it is what was received. A path may hold what separates the columns.
Its log of requests to others, which names a repository in the place of a client, is none of this.`,
		Samples: []string{
			`2026-03-01T10:00:00.123Z|8a8dbb2c0ee2a1b3|203.0.113.9|anonymous|GET|/api/repositories?type=local|401|-1|412|3|curl/8.5.0`,
			`2026-03-01T10:00:01.123Z|8a8dbb2c0ee2a1b4|2001:db8::7|alice|PUT|/libs/a.jar|201|5120|0|31|JFrog/1.0`,
			`20260301100002|15|REQUEST|203.0.113.9|alice|GET|/webapp/|HTTP/1.1|200|0`,
		},
		New: func() ParseFunc { return enveloped((&artifactory{}).parse) },
	}
}

// artifactory reads one source.
type artifactory struct{ clock clock }

func (p *artifactory) parse(line string, f *Fields) error {
	f.reset()
	stamp, rest, found := cutByte(line, '|')
	first, rest, _ := cutByte(rest, '|')
	second, rest, _ := cutByte(rest, '|')
	if !found || rest == "" {
		return &Reject{Reason: "not of Artifactory", Value: line}
	}
	before := second == "REQUEST" // version 7
	remote := second
	if before {
		remote, rest, _ = cutByte(rest, '|')
	}
	if !isAddress(remote) {
		return &Reject{Reason: "no address", Value: line}
	}
	user, rest, _ := cutByte(rest, '|')
	method, rest, found := cutByte(rest, '|')
	if !found || !isMethod(method) {
		return &Reject{Reason: "no method", Value: line}
	}
	read, layout := f.setArtifactory, timeLayout("")
	if before {
		read, layout = f.setArtifactory6, "%Y%m%d%H%M%S"
		f.setDuration(first, time.Millisecond)
	} else {
		f.RequestID = first
	}
	if !read(rest) {
		return &Reject{Reason: "no path and status", Value: rest}
	}
	var ok bool
	if f.Time, ok = layout.read(stamp, &p.clock); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	f.Remote, f.User, f.Method = remote, user, method
	return nil
}

// setArtifactory takes "/path|status|received|sent|milliseconds|user agent". The path ends where that
// first is what follows: a user agent may hold anything.
func (f *Fields) setArtifactory(s string) bool {
	for at := 0; ; at++ {
		n := strings.IndexByte(s[at:], '|')
		if n < 0 {
			return false
		}
		at += n
		status, rest, _ := cutByte(s[at+1:], '|')
		received, rest, _ := cutByte(rest, '|')
		sent, rest, _ := cutByte(rest, '|')
		taken, agent, _ := cutByte(rest, '|')
		if len(status) != len("200") || digits(status) < 0 || !isLength(received) || !isLength(sent) || !isNumber(taken) {
			continue
		}
		f.Target, f.UserAgent = s[:at], agent
		f.setStatus(status)
		if sent != "-1" {
			f.setBytes(sent)
		}
		f.setDuration(taken, time.Millisecond)
		return f.Target != ""
	}
}

// setArtifactory6 takes "/path|HTTP/1.1|status|length".
func (f *Fields) setArtifactory6(s string) bool {
	target, rest, found := strings.Cut(s, "|HTTP/")
	_, rest, _ = cutByte(rest, '|')
	status, length, _ := cutByte(rest, '|')
	if !found || len(status) != len("200") || !f.setStatus(status) || !isLength(length) {
		return false
	}
	f.Target = target
	return target != ""
}

// isLength tells whether s is a number of bytes, or -1, which stands for none that is known.
func isLength(s string) bool { return s == "-1" || isNumber(s) }
