package parsers

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// Request is one line of an access log in normal form. It is made by a Reader
// and never changes after it has been handed on, but for Late and what the site's
// settings tell, which are set before anything orders or judges it, and Route, which a
// RouteLearner sets before anything judges it and nothing else may read meanwhile.
//
// Every string is valid UTF-8 (other bytes stand as \xNN) and holds no secret:
// keys and tokens are fingerprints, passwords are gone. Strings may share memory
// with the text they were read from, see Leave, and with others: whoever keeps one
// for longer than the request clones it.
type Request struct {
	Time   time.Time // as logged, UTC, whole microseconds
	Source *Source   // the log the line stands in
	Line   int64     // number of the line in its source, from 1
	Late   bool      // further behind its own log than the lateness bound: stored, not judged

	peerOnly bool // ClientIP stands as logged, and is the peer of the server: see Reader.Begin

	ClientIP string // address of the client in its canonical text form, or what the log has in its place; "" if not logged
	PeerIP   string // address of the last proxy before us, where ClientIP was taken from a forwarded header; else ""
	Method   string // as logged; "" where the line holds no readable request
	Host     string // lower case, without port; "" if not logged
	Path     string // path as sent, still percent-encoded; "" where the line holds no readable request
	Shape    string // template of Path by its form alone: "/users/{id}"
	Route    string // Shape, and what of it the log has shown to be names: "/shops/{name}"
	Query    string // as sent, without "?", secrets redacted
	Body     string // the fields of a logged request body in the form of a query, secrets redacted; "" if none is logged

	// What was found out of it, for who judges it alone: zero is always right. It stands beside
	// what is read with it.
	Features any    `json:"-"`
	PlaceTag uint64 `json:"-"` // tells apart where requests come from
	ActorTag uint64 `json:"-"` // tells apart who acts

	Status    int           // HTTP status; 0 if not logged
	Bytes     int64         // bytes sent to the client; -1 if not logged
	Duration  time.Duration // time taken; -1 if not logged
	UserAgent string
	Referer   string // secrets redacted
	RequestID string

	User      string // user name or id as logged; "" if none
	APIKey    string // fingerprint "key_" + 12 hex digits; "" if none
	KeyPrefix string // the few visible characters an API key begins with; "" if none
	Token     string // fingerprint "tok_" + 12 hex digits; "" if none
	Session   string // fingerprint "ses_" + 12 hex digits; "" if none
	Tenant    string // organisation or account the log or a claim names; "" if none
	Records   int64  // records returned, where the log counts them; -1 if not logged

	// What the site's settings tell of the request: set once it is read or read back from
	// the store, before anything judges it.
	Event    string   // the event this single request is, by the route map ("auth.login_failed"); "" if none
	Origin   *Origin  // of ClientIP; nil if it was not looked up
	Allowed  []uint16 // entries of the allowlist that it matches, by number
	Declared Declared // what the site's OpenAPI description says of it

	// What follows is for who classifies or judges the request alone, and zero is always right.
	PlaceLen    uint8        `json:"-"` // how much of ClientIP is the text of what PlaceTag stands for: all of it, or that of its /64; 0 if that is not found out
	PathNotes   *Notes       `json:"-"` // of Path and Shape, for all requests that have the same
	AgentNotes  *Notes       `json:"-"` // of UserAgent, likewise
	ClientNotes *ClientNotes `json:"-"` // of ClientIP, if that is an address, likewise
}

// An ActorType says what an actor id names.
type ActorType string

// The actor types, best known first.
const (
	ActorAPIKey  ActorType = "api_key"
	ActorUser    ActorType = "user"
	ActorToken   ActorType = "token"
	ActorSession ActorType = "session"
	ActorIP      ActorType = "ip"
)

// texts are where all texts of the request stand.
func (r *Request) texts() [19]*string {
	return [...]*string{&r.ClientIP, &r.PeerIP, &r.Method, &r.Host, &r.Path, &r.Shape, &r.Route, &r.Query, &r.Body, &r.UserAgent, &r.Referer,
		&r.RequestID, &r.User, &r.APIKey, &r.KeyPrefix, &r.Token, &r.Session, &r.Tenant, &r.Event}
}

// Leave copies those texts of the request that lie in the given one into room, and where that
// has none left, into new room of which it returns the rest: the request stays as it is when the
// text is gone.
func (r *Request) Leave(text string, room []byte) (left []byte) {
	const size = 16 << 10 // of new room
	begin := uintptr(unsafe.Pointer(unsafe.StringData(text)))
	for _, s := range r.texts() {
		n := len(*s)
		if n == 0 || uintptr(unsafe.Pointer(unsafe.StringData(*s)))-begin >= uintptr(len(text)) {
			continue
		}
		if n > len(room) {
			room = make([]byte, max(size, n))
		}
		*s = unsafe.String(&room[0], copy(room, *s))
		room = room[n:]
	}
	return room
}

// Kept returns a copy of the request in memory of its own, without what was found out of it.
func (r *Request) Kept() *Request {
	own := *r
	for _, s := range own.texts() {
		*s = strings.Clone(*s)
	}
	own.Allowed = slices.Clone(r.Allowed)
	own.PathNotes, own.AgentNotes, own.Features = nil, nil, nil
	return &own
}

// Actor returns who made the request, by the best that is known: API key, user,
// token, session, address. The id is "" only where the log names none of them.
func (r *Request) Actor() (id string, typ ActorType) {
	switch {
	case r.APIKey != "":
		return r.APIKey, ActorAPIKey
	case r.User != "":
		return r.User, ActorUser
	case r.Token != "":
		return r.Token, ActorToken
	case r.Session != "":
		return r.Session, ActorSession
	}
	return r.ClientIP, ActorIP
}

// Compare orders requests as their logs were written: by time, then by their
// sources, then by line. It is the one order everything downstream relies on.
func (r *Request) Compare(q *Request) int {
	if c := r.Time.Compare(q.Time); c != 0 {
		return c
	}
	if r.Source != q.Source {
		if c := r.Source.Compare(q.Source); c != 0 {
			return c
		}
	}
	return cmp.Compare(r.Line, q.Line)
}

// Source is one log, whatever it is called and however it is packed.
type Source struct {
	ID          int       // number in the store, from 1
	Path        string    // where it was last read from, with U+FFFD for bytes that are no UTF-8
	Format      string    // name of the format it is read as
	Reading     string    // what else the reading depends on, as Format.Reading names it
	Fingerprint string    // hash of its first bytes
	First       time.Time // time of its first request
}

// Compare orders sources by their first time, then by fingerprint: what they
// hold, never what they are called.
func (s *Source) Compare(t *Source) int {
	if c := s.First.Compare(t.First); c != 0 {
		return c
	}
	if c := strings.Compare(s.Fingerprint, t.Fingerprint); c != 0 {
		return c
	}
	return cmp.Compare(s.ID, t.ID)
}
