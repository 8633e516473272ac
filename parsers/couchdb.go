package parsers

import (
	"strings"
	"time"
)

// CouchDB reads the log of Apache CouchDB.
func CouchDB() *Format {
	return &Format{
		Name: "couchdb",
		Doc: `Apache CouchDB, the requests in its log

  [notice] 2006-01-02T15:04:05.000000Z node <pid> nonce host client user METHOD /path?query status ok milliseconds

The user is "undefined" where there is none. The client is whom CouchDB took for it: its peer, or
whom X-Forwarded-For names where that is a proxy's private address. Its other lines are skipped.`,
		Samples: []string{
			`[notice] 2026-03-01T10:00:00.123456Z nonode@nohost <0.17607.12> e1fed412f8 api.example.com 203.0.113.9 undefined GET /_all_dbs 401 ok 1`,
			`[notice] 2026-03-01T10:00:01.000000Z couchdb@192.0.2.9 <0.17610.12> 7ec677126a api.example.com:5984 2001:db8::7 alice PUT /users/7?rev=1-a 201 ok 12`,
		},
		New: func() ParseFunc { return enveloped((&couchDB{}).parse) },
	}
}

// couchDB reads one source.
type couchDB struct{ clock clock }

func (p *couchDB) parse(line string, f *Fields) error {
	f.reset()
	level, rest, found := strings.Cut(line, "] ")
	if !found || len(level) < 2 || level[0] != '[' || !isMethod(level[1:]) {
		return &Reject{Reason: "not of CouchDB", Value: line}
	}
	var words [12]string // of a request, those from the time on
	n := 0
	for ; n < len(words) && rest != ""; n++ {
		words[n], rest, _ = cutByte(rest, ' ')
	}
	stamp, pid := words[0], words[2]
	if n < 4 || len(stamp) < len("2006-01-02T") || stamp[10] != 'T' || !strings.HasPrefix(pid, "<") || !strings.HasSuffix(pid, ">") {
		return &Reject{Reason: "not of CouchDB", Value: line}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	method, target, status, taken := words[7], words[8], words[9], words[11]
	if n < len(words) || rest != "" || !isMethod(method) || !isTarget(target) || len(status) != len("200") || digits(status) < 0 {
		return &Reject{Reason: "CouchDB notice", Value: line, Skip: true}
	}
	f.setStatus(status)
	f.setDuration(taken, time.Millisecond)
	f.Method, f.Target = method, target
	f.RequestID, f.Host, f.Remote = words[3], words[4], words[5]
	if user := words[6]; user != "undefined" {
		f.User = user
	}
	return nil
}
