// Package detect turns Requests into Events, Events into Alerts and Alerts into
// Incidents: three uses of one engine (detect/keyed).
//
// A Detector is a value with a name, a doc and a constructor of its State, one
// file each, listed by hand in All. It sees the requests of one key in order and
// knows nothing of files, threads, clocks, databases or other keys. The package
// reads no log and writes no report.
package detect

import (
	"encoding/json"
	"flag"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A Detector finds one pattern in the requests of one key.
type Detector struct {
	Name string // "brute-force-ip": its name in events, settings and reports
	// Doc says in one line what it finds, then, after an empty line, why that
	// matters and what keeps it from crying wolf.
	Doc       string
	Type      string       // event name of what it emits, unless the event says otherwise
	Severity  Severity     // of what it emits, unless the event says otherwise
	Technique string       // MITRE ATT&CK technique: "T1110"
	OWASP     string       // OWASP API Security Top 10 (2023): "API2:2023"
	Flags     flag.FlagSet // settings: thresholds and windows, each with a default and a doc

	Of       Kinds                       // of which kinds the requests of interest are; 0: of any
	ownAdmin *routeList                  // admin routes of a site's own; nil if it does not ask for admin routes
	Match    func(*parsers.Request) bool // whether a request is of interest
	GroupBy  *GroupBy                    // whose state it belongs to
	// TTL is how long a key may be quiet before its state is forgotten: usually the
	// detector's window setting. It is part of the rule: a later request meets a
	// fresh state.
	TTL *time.Duration
	// Quiet is after how long without a request an Expirer is asked for its last word:
	// the window of a detector whose TTL is longer. nil means TTL. It is maxSpan at most:
	// rules do not remember an event for longer.
	Quiet *time.Duration
	// MaxKeys bounds the keys remembered, the least recently seen forgotten first; where TTL
	// is a month, a quarter of it does. 0 is keyed.DefaultMaxKeys, and where TTL is a month
	// 65,536 keys. It is set by who runs the detector, by the memory there is.
	MaxKeys int
	// New makes the state of a key. It is called once Flags are set. What is the same for all
	// keys stands behind one pointer where there are many states: memory is full of them then.
	New func() State
}

// A State is what a Detector remembers of one key. Exported fields are memory and
// survive JSON; unexported ones are configuration, set by New. It is bounded.
type State interface {
	// Observe is given the key's requests in order. It keeps values of r, cloned,
	// never r.
	Observe(r *parsers.Request, emit func(Event))
}

// An Expirer is a State with a last word when its key has been quiet: the final form
// of an event that was going on. A state with a TTL longer than its Quiet lives on, and
// has nothing more to say before its next request.
type Expirer interface {
	Expire(emit func(Event))
}

// GroupBy says whose state a request belongs to. Detectors that group alike share one: the
// key is made once for all of them then.
type GroupBy = keyed.Group[*parsers.Request]

// The ways to group that several detectors share.
var (
	// ByClient groups by client address. The addresses of an IPv6 /64 are one client: whoever
	// has one of them has them all, and may use another for each request.
	ByClient = &GroupBy{Key: func(r *parsers.Request, b []byte) []byte { return appendClientOf(b, r) }}
	// ByActor groups by who acts: the actor where the log names one, else the address.
	// An office of people who each open their own page is no sweep.
	ByActor = &GroupBy{Key: appendActor}
	// ByActorRoute groups by who acts and on which route.
	ByActorRoute = &GroupBy{Key: appendActorRoute}
	// byRoute groups by route, whoever asks for it.
	byRoute = &GroupBy{Key: appendRoute}
)

func appendActor(r *parsers.Request, b []byte) []byte {
	id, typ := r.Actor()
	if id == "" {
		return b
	}
	b = append(b, typ...)
	b = append(b, ' ')
	if typ == parsers.ActorIP {
		return appendClientOf(b, r)
	}
	return append(b, id...)
}

func appendActorRoute(r *parsers.Request, b []byte) []byte {
	n := len(b)
	if b = appendActor(r, b); len(b) == n {
		return b
	}
	return appendRoute(r, append(b, ' '))
}

// appendRoute appends the route, and of a GraphQL endpoint what is read there.
func appendRoute(r *parsers.Request, b []byte) []byte {
	b = appendSpelling(b, r)
	if operation := operationOf(r); operation != "" {
		b = append(append(b, ' '), operation...)
	}
	return b
}

// appendSpelling appends the route in one spelling: upper case, escapes and dots lead to no
// other place on many servers, and who varies them is not to look like several.
func appendSpelling(b []byte, r *parsers.Request) []byte {
	route := r.Route
	if featuresOf(r).plain {
		return append(b, route...)
	}
	if text := unescapedPath(route); utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) {
		route = text
	}
	if strings.Contains(route, "/.") {
		route = path.Clean(route)
	}
	for i := range len(route) {
		b = append(b, lower(route[i]))
	}
	return b
}

// inOneSpelling tells whether a route is spelled as appendSpelling does it already, as most
// are.
func inOneSpelling(route string) bool {
	for i := range len(route) {
		switch c := route[i]; {
		case c >= 'A' && c <= 'Z', c == '%', c == '.' && i > 0 && route[i-1] == '/':
			return false
		}
	}
	return true
}

// An Event is something one key did: a name of the taxonomy, who, when, how much,
// and the lines that show it. While it goes on it is emitted again under the same
// id, each time in full; the last one emitted holds.
type Event struct {
	// ID is the content hash of detector, key and first time. A detector leaves it empty, or
	// says in it what tells the event from others that its key makes at the same time.
	ID         string          `json:"id"`
	Name       string          `json:"event_name"`
	Severity   Severity        `json:"severity"`
	Detector   string          `json:"detector"`
	ActorID    string          `json:"actor_id"`
	ActorType  string          `json:"actor_type"`
	UserIP     string          `json:"user_ip"`
	Route      string          `json:"route"`
	First      time.Time       `json:"first_ts"` // time of its first request
	Last       time.Time       `json:"last_ts"`  // time of its last request so far
	Count      int64           `json:"count"`    // requests that are part of it
	Summary    string          `json:"summary"`  // one sentence: who did what, against which threshold
	Confidence float64         `json:"confidence"`
	Outcome    Outcome         `json:"outcome"`
	Metadata   json.RawMessage `json:"metadata"`           // an object; made by Meta
	Evidence   []Evidence      `json:"evidence,omitempty"` // at most MaxEvidence lines
	Technique  string          `json:"technique"`
	OWASP      string          `json:"owasp"`
	// Allowed are the entries of the allowlist, by number, that all requests match which may
	// be part of it.
	Allowed []uint16 `json:"allowed,omitempty"`
}

// An Outcome says how far an event got.
type Outcome string

// The outcomes.
const (
	Attempted Outcome = "attempted" // it was tried; the answers do not tell how it ended
	Blocked   Outcome = "blocked"   // the answers refused it
	Succeeded Outcome = "succeeded" // answers granted it: one of a guess, most of a series
)

// further returns the one of both that is further on the way from blocked, attempted
// to succeeded.
func (o Outcome) further(p Outcome) Outcome {
	if p.rank() > o.rank() {
		return p
	}
	return o
}

func (o Outcome) rank() int {
	switch o {
	case Blocked:
		return 1
	case Attempted:
		return 2
	case Succeeded:
		return 3
	}
	return 0
}

// MaxEvidence bounds the lines that stand for an event: its first ones and the most
// recent.
const MaxEvidence = 16

// Evidence is one line of a log.
type Evidence struct {
	Source int   `json:"source"` // parsers.Source.ID
	Line   int64 `json:"line"`
}

func (v *Evidence) members(b []byte) []byte {
	return appendInt(appendInt(b, "source", int64(v.Source)), "line", v.Line)
}

// An Alert is something a person should look at: the events of one rule and key.
type Alert struct {
	ID          string          `json:"id"` // content hash of the rule and the event that opened it
	Type        string          `json:"alert_type"`
	Rule        string          `json:"rule"`
	Severity    Severity        `json:"severity"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	ActorID     string          `json:"actor_id"`
	ActorType   string          `json:"actor_type"`
	SourceIP    string          `json:"source_ip"`
	First       time.Time       `json:"first_ts"`
	Last        time.Time       `json:"last_ts"`
	Count       int64           `json:"count"`  // requests of its events; where several detectors tell, which may count the same ones, the most that one does
	Events      []string        `json:"events"` // ids, in the order they became known; at most MaxEvents
	Outcome     Outcome         `json:"outcome"`
	Actions     []Action        `json:"actions,omitempty"` // proposed by the rule
	Metadata    json.RawMessage `json:"metadata"`
	// SuppressedBy are the ids of the allowlist's entries that cover it, blanks between; ""
	// if it is not covered. A suppressed alert is kept, and is part of no incident.
	SuppressedBy string `json:"suppressed_by,omitempty"`
}

// An Incident is one story: the alerts that share an actor or an address within a
// day of each other.
type Incident struct {
	ID        string    `json:"id"` // content hash of its first alert
	Title     string    `json:"title"`
	Severity  Severity  `json:"severity"`
	RiskScore int       `json:"risk_score"` // 0 to 100
	Reasons   []string  `json:"reasons"`    // what the score is made of
	First     time.Time `json:"first_ts"`
	Last      time.Time `json:"last_ts"`
	Actors    []string  `json:"actors"` // ids, in the order they became known; at most MaxNames
	IPs       []string  `json:"ips"`    // likewise
	Alerts    []string  `json:"alerts"` // ids, in the order they joined; at most MaxAlerts
	Outcome   Outcome   `json:"outcome"`
	Summary   string    `json:"summary"`
	// MergedInto is the id of the incident that took this one over, when an alert
	// showed that both are one story; "" for an incident that stands.
	MergedInto string `json:"merged_into,omitempty"`
	// Joined is the id of the alert by which the incident has become what it is; "" for one that
	// was taken over. Each alert of an incident joins it, though Alerts may not list it any more.
	Joined string `json:"-"`
}
