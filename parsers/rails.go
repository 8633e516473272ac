package parsers

import (
	"slices"
	"strings"
	"time"
)

// Rails reads the log that Rails writes by itself.
func Rails() *Format {
	return &Format{
		Name: "rails",
		Doc: `Rails, its own log: Started … Completed

  I, [time #pid]  INFO -- : [request id] Started METHOD "/path?query" for address at time
  I, [time #pid]  INFO -- : [request id] Completed status phrase in 58ms (…)

A request takes several lines, which are put together by their tags: since Rails 5 the
request id. What no route leads to has no second line but that of a RoutingError, and
is a 404. Where lines have no tags they are told apart by their process alone; of
requests that two threads of it answer at once the status is not known then, and not all
are read. The time is that at which a request began. The client is whom Rails took for
it: which proxies it trusts is its own setting. All other lines are skipped. Lograge,
which makes one line of a request, is read as logfmt or json.`,
		Samples: []string{
			`I, [2026-03-01T10:00:00.123456 #7]  INFO -- : [8601b555-6a83-4c12-8269-97c8e32cdb22] Started GET "/users?page=2" for 203.0.113.9 at 2026-03-01 10:00:00 +0000`,
			`I, [2026-03-01T10:00:00.181456 #7]  INFO -- : [8601b555-6a83-4c12-8269-97c8e32cdb22] Completed 200 OK in 58ms (Views: 40.4ms | ActiveRecord: 15.2ms)`,
		},
		Headers: []string{railsBegin, railsAnswer, railsNoRoute},
		New:     func() ParseFunc { return enveloped((&rails{}).parse) },
	}
}

// What the lines begin with that Rails writes of all requests.
const (
	railsBegin   = "Started "
	railsAnswer  = "Completed "
	railsNoRoute = "ActionController::RoutingError ("
)

// maxUnanswered is how many requests that have no answer yet are remembered: more than the
// threads of a server.
const maxUnanswered = 256

// rails reads one source.
type rails struct {
	clock clock
	is    bool    // a request was read: all lines are of Rails
	open  []begun // that have no answer yet, the oldest first; at most maxUnanswered
	last  begun   // that was answered last
	by    []byte  // the line that was its answer
}

// A begun request is what its first line says.
type begun struct {
	key                    string // what the lines of one request have in common, as far as can be told
	time                   time.Time
	method, target, client string
}

func (p *rails) parse(line string, f *Fields) error {
	f.reset()
	key, message := railsMessage(plain(line))
	if rest, found := strings.CutPrefix(message, railsBegin); found && p.begin(key, rest) {
		return &Reject{Reason: reasonUnanswered, Value: line, Skip: true}
	}
	if rest, found := strings.CutPrefix(message, railsAnswer); found {
		if status, taken, ok := railsAnswered(rest); ok {
			return p.answer(line, key, status, taken, f)
		}
	}
	if rest, found := strings.CutPrefix(message, railsNoRoute); found {
		if i := p.unrouted(key, rest); i >= 0 {
			p.give(i, 404, f)
			return nil
		}
	}
	return &Reject{Reason: "not a request", Value: line, Skip: p.is}
}

// railsMessage takes off what the logger puts before a message, and its tags. The key is the
// tags, or else the number of the process, if there is one.
func railsMessage(line string) (key, message string) {
	const longest = len("F, [2026-03-01T10:00:00.123456 #4194304] FATAL -- : ")
	if at := strings.Index(line[:min(len(line), longest)], " -- : "); at >= 0 {
		_, process, _ := cutByte(line[:at], '#')
		key, _, _ = cutByte(process, ']')
		line = line[at+len(" -- : "):]
	}
	tags := 0
	for strings.HasPrefix(line[tags:], "[") {
		end := strings.Index(line[tags:], "] ")
		if end < 0 {
			break
		}
		tags += end + len("] ")
	}
	if tags > 0 {
		key = line[:tags]
	}
	return key, line[tags:]
}

// begin takes the rest of a first line: `GET "/users?page=2" for 203.0.113.9 at 2026-03-01
// 10:00:00 +0000`. A target holds no blank.
func (p *rails) begin(key, rest string) bool {
	method, rest, _ := cutByte(rest, ' ')
	target, rest, quoted := cutByte(strings.TrimPrefix(rest, `"`), ' ')
	rest, found := strings.CutPrefix(rest, "for ")
	client, stamp, _ := strings.Cut(rest, " at ")
	t, ok := p.clock.read(stamp)
	if !ok || !found || !quoted || !isMethod(method) || len(target) < len(`/"`) || target[0] != '/' {
		return false
	}
	if len(p.open) == maxUnanswered {
		p.open = slices.Delete(p.open, 0, 1)
	}
	target = strings.TrimSuffix(target, `"`)
	p.open = append(p.open, begun{strings.Clone(key), t, strings.Clone(method), strings.Clone(target), strings.Clone(client)})
	p.is = true
	return true
}

// railsAnswered reads the rest of an answer: "401 Unauthorized in 58ms (ActiveRecord: 1.2ms)".
func railsAnswered(rest string) (status int, taken time.Duration, ok bool) {
	code, rest, _ := cutByte(rest, ' ')
	_, rest, found := strings.Cut(rest, "in ")
	number, _, timed := strings.Cut(rest, "ms")
	if taken, ok = parseDecimal(number, time.Millisecond); !ok || !found || !timed || len(code) != 3 {
		return 0, 0, false
	}
	status = digits(code)
	return status, taken, status >= 0
}

// answer gives the request of that key which was answered.
func (p *rails) answer(line, key string, status int, taken time.Duration, f *Fields) error {
	first, newest := -1, -1
	for i := range p.open {
		if p.open[i].key != key {
			continue
		}
		if newest = i; first < 0 {
			first = i
		}
	}
	switch {
	case first < 0 && len(p.by) > 0 && p.last.key == key && len(line) >= len(p.by) && line[:len(p.by)] == string(p.by): // it was not whole yet
		p.open = append(p.open, p.last)
		first = len(p.open) - 1
	case first < 0:
		return &Reject{Reason: "answer to a request that was not read", Value: line, Skip: p.is}
	case first < newest && strings.HasPrefix(key, "["): // a client has sent one id with several requests
		status, taken = 0, -1
	case first < newest: // it may be of any, and the older ones may have had an end that was not told
		last := p.open[newest]
		p.open = append(slices.DeleteFunc(p.open, func(r begun) bool { return r.key == key }), last)
		first, status, taken = len(p.open)-1, 0, -1
	}
	p.give(first, status, f)
	f.Duration, p.by = taken, append(p.by, line...)
	return nil
}

// unrouted returns which of the requests it was that no route leads to, -1 if none: `No route
// matches [GET] "/users"):`. Its key may be missing.
func (p *rails) unrouted(key, rest string) int {
	_, rest, _ = cutByte(rest, '[')
	method, rest, _ := strings.Cut(rest, `] "`)
	path, _, _ := cutByte(rest, '"')
	for i := len(p.open) - 1; i >= 0; i-- {
		r := &p.open[i]
		if target, _, _ := cutByte(r.target, '?'); r.method == method && target == path && (key == "" || r.key == key) {
			return i
		}
	}
	return -1
}

// give makes the request with that number what f says.
func (p *rails) give(i, status int, f *Fields) {
	r := p.open[i]
	p.open = slices.Delete(p.open, i, i+1)
	p.last, p.by = r, p.by[:0]
	f.Time, f.Remote, f.Method, f.Target, f.Status = r.time, r.client, r.method, r.target, status
	if id, only := strings.CutSuffix(r.key, "] "); only && isHexID(id[1:]) {
		f.RequestID = id[1:]
	}
}
