package detect

import "github.com/litesoc/litesoc/parsers"

// Kinds are what a request is at first sight, a bit for each. Most detectors have nothing to
// do with most requests, and are not asked about them.
type Kinds uint64

// The kinds.
const (
	LoginKind   Kinds = 1 << iota // it tries to log in: isLogin
	EventKind                     // it is an event by itself
	RefusedKind                   // the answer was 4xx
	NamedKind                     // it names an actor by more than its address
)

func kindsOf(r *parsers.Request) (k Kinds) {
	if r.Event != "" {
		k |= EventKind
		if isLogin(r) {
			k |= LoginKind
		}
	}
	if r.Status >= 400 && r.Status < 500 {
		k |= RefusedKind
	}
	if r.APIKey != "" || r.User != "" || r.Token != "" || r.Session != "" {
		k |= NamedKind
	}
	return k
}
