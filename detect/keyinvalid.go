package detect

import (
	"fmt"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// KeyInvalid finds requests whose key or token is refused, and who guesses keys.
func KeyInvalid() *Detector {
	d := &Detector{
		Name: "key-invalid",
		Doc: `API keys and tokens that are refused

Many refused requests show a client that was left with an old key, or somebody who tries what
was found. One is a token that ran out, so an event of a few is not yet an alert. Many
different keys from one address are guessed; of those, answers 403 count too: some gateways
refuse an unknown key so, but a key that may not do everything is no event.

A page that was left open asks on after its session has ended: requests without a key that
name the page, no faster than pages ask, are of low confidence and no alert.`,
		Type:      APIKeyInvalid,
		Severity:  Medium,
		Technique: "T1110",
		OWASP:     "API2:2023",
		Of:        EventKind | RefusedKind,
		Match: func(r *parsers.Request) bool {
			return r.Event == APIKeyInvalid || r.Status == 403 && r.APIKey != ""
		},
		GroupBy: ByClient,
	}
	many := d.count("many", 20, "refused `requests` at which an event is told again, for rules to see")
	keys := d.count("keys", 20, "distinct refused `keys` within the window that are not yet guessed")
	window := d.span("window", 10*time.Minute, "`time` within which keys are counted, and of quiet after which an event is over")
	d.TTL = window
	d.New = func() State { return &keyInvalid{many: *many, keys: *keys, window: *window} }
	return d
}

type keyInvalid struct {
	many, keys int
	window     time.Duration

	// Forbidden is answers 403 to keys while nothing goes on, the last of each key; one more
	// than keys at most.
	Forbidden Window `json:",omitempty"`
	Going     *refusal
}

// A refusal is a series of refused requests that goes on.
type refusal struct {
	Episode
	Recent  Window   // the last request of each key; one more than keys at most
	Keys    Distinct // of the whole series
	Keyless int64    // requests that bore no key or token
	Page    bool     `json:",omitempty"` // all of it may be a page whose session has ended
}

// Pages that were left open ask for so many things at once, and so often in a minute.
const (
	pageBurst  = 30
	pageMinute = 20
)

// isPage tells whether a request may be that of a page whose session has ended.
func (g *refusal) isPage(r *parsers.Request, key string) bool {
	return key == "" && r.Status == 401 && referred(r) && float64(g.Count) <= pageBurst+pageMinute*g.Last.Sub(g.First).Minutes()
}

func (s *keyInvalid) Observe(r *parsers.Request, emit func(Event)) {
	key := r.APIKey
	if key == "" {
		key = r.Token
	}
	m := mark(r, tag(key))
	switch {
	case s.Going != nil:
		s.Going.extend(r)
	case r.Event == APIKeyInvalid:
		s.Going = &refusal{Episode: beginByClient(r, Window{m}), Page: true}
	default:
		if s.Forbidden.SlideDistinct(m, s.window, s.keys+1); len(s.Forbidden) <= s.keys {
			return
		}
		s.Going = &refusal{Episode: beginByClient(r, s.Forbidden), Recent: s.Forbidden}
		for _, m := range s.Forbidden {
			s.Going.Keys.Add(m.Tag)
		}
		s.Forbidden = nil
	}
	g := s.Going
	severity := Medium
	doubt := g.Page
	g.Page = g.Page && g.isPage(r, key)
	if key == "" {
		g.Keyless++
	} else {
		g.Keys.Add(m.Tag)
		if g.Recent.SlideDistinct(m, s.window, s.keys+1); len(g.Recent) > s.keys {
			severity = High
		}
	}
	g.reach(severity, Blocked)
	if g.Count == int64(s.many) || doubt && !g.Page && g.Count > int64(s.many) {
		g.say(emit, s.describe)
		return
	}
	g.tell(emit, s.describe)
}

func (s *keyInvalid) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *keyInvalid) describe(e *Event) {
	g := s.Going
	var with string
	switch keys := g.Keys.of("key or token", "different keys or tokens"); {
	case len(g.Keys) == 0:
		with = "no key or token that the log names" // most logs have no headers
	case g.Keyless == 0:
		with = keys
	default:
		with = fmt.Sprintf("%s, and %s none that the log names", keys, plural(g.Keyless, "time", "times"))
	}
	e.Summary = fmt.Sprintf("%s was refused %s%s in %s with %s (threshold for guessing: more than %d keys within %s)",
		who(e.ActorID, e.ActorType), plural(e.Count, "time", "times"), atRoute(e), inWords(e.Last.Sub(e.First)), with, s.keys, inWords(s.window))
	switch {
	case e.Severity == High:
		e.Confidence = 0.9
	case g.Page:
		e.Confidence = 0.2
		e.Summary += "; pages of the site are named, which ask on when a session has ended"
	case e.Count >= int64(s.many):
		e.Confidence = 0.6
	default:
		e.Confidence = 0.3 // a token that ran out
	}
	e.Metadata = Meta("attempts", e.Count, "distinct_keys", len(g.Keys), "without_key", g.Keyless, "window_seconds", int(s.window.Seconds()))
}
