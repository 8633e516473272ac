package detect

import "github.com/litesoc/litesoc/parsers"

// Kinds are what a request is at first sight, a bit for each. Most detectors have nothing to
// do with most requests, and are not asked about them.
type Kinds uint64

// The kinds.
const (
	EventKind     Kinds = 1 << iota // it is an event by itself
	LoginKind                       // it tries to log in, or may be for a page where one does
	RefusedKind                     // the answer was 4xx
	NamedKind                       // it names an actor by more than its address
	WriteKind                       // by its method it changes something
	ParameterKind                   // it has a query, a body, or a path that may hold as much
)

func kindsOf(r *parsers.Request) (k Kinds) {
	f := featuresOf(r)
	if r.Event != "" {
		k |= EventKind
	}
	if f.login || isLogin(r) {
		k |= LoginKind
	}
	if r.Status >= 400 && r.Status < 500 {
		k |= RefusedKind
	}
	if r.APIKey != "" || r.User != "" || r.Token != "" || r.Session != "" {
		k |= NamedKind
	}
	if writes(r.Method) {
		k |= WriteKind
	}
	if r.Query != "" || r.Body != "" || f.paged || f.aims {
		k |= ParameterKind
	}
	return k
}
