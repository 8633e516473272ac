package detect

import (
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// What the detectors of credential abuse share: whose credential a request bears, and
// since when that is known.

// ByCredential groups by the credential that a request bears: the API key, else the
// token, else the user; never the address.
var ByCredential = &GroupBy{Key: appendCredential}

func appendCredential(r *parsers.Request, b []byte) []byte {
	id, typ := credential(r)
	if id == "" {
		return b
	}
	b = append(b, typ...)
	b = append(b, ' ')
	return append(b, id...)
}

// credential returns the best that tells keys apart; "" where the log names none.
func credential(r *parsers.Request) (id string, typ parsers.ActorType) {
	switch {
	case r.APIKey != "":
		return r.APIKey, parsers.ActorAPIKey
	case r.Token != "":
		return r.Token, parsers.ActorToken
	case r.User != "":
		return r.User, parsers.ActorUser
	}
	return "", ""
}

// usesCredential tells whether a request uses a credential. One that was refused was
// only claimed: anybody can send the name of a user, and teach nothing by it.
func usesCredential(r *parsers.Request) bool {
	return (r.APIKey != "" || r.Token != "" || r.User != "") && r.Status != 401 && r.Event != LoginFailed
}

// A Bearer is the credential of an event.
type Bearer struct {
	ID, Type string
	Prefix   string `json:",omitempty"` // what may be shown of an API key
}

func bearer(r *parsers.Request) Bearer {
	id, typ := credential(r)
	return Bearer{strings.Clone(id), string(typ), strings.Clone(r.KeyPrefix)}
}

// who names the credential in a sentence, with the user who is known to bear it.
func (b Bearer) who(e *Event) string {
	name := who(b.ID, b.Type)
	switch {
	case e.ActorType == string(parsers.ActorUser) && b.Type != e.ActorType:
		return name + " of " + who(e.ActorID, e.ActorType)
	case b.Prefix != "":
		return name + " (" + clip(b.Prefix) + "…)"
	}
	return name
}

// A Tenure is how long and how much a key is known.
type Tenure struct {
	First    time.Time
	Requests int64
}

func (t *Tenure) members(b []byte) []byte {
	return appendInt(appendTime(b, "First", t.First), "Requests", t.Requests)
}

// add counts a request.
func (t *Tenure) add(at time.Time) {
	if t.Requests == 0 {
		t.First = at
	}
	t.Requests++
}

// reached tells whether the key is known for so many requests and so long.
func (t *Tenure) reached(at time.Time, requests int, span time.Duration) bool {
	return t.Requests >= int64(requests) && at.Sub(t.First) >= span
}

// agentTag is programTag for who tells programs apart by what they do not say, too: no user
// agent is one of its own.
func agentTag(agent string) uint64 {
	if agent == "" {
		return tag("")
	}
	return programTag(agent)
}
