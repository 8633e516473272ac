package detect

import "github.com/litesoc/litesoc/parsers"

// Kinds are what a request is at first sight, a bit for each. Most detectors have nothing to
// do with most requests, and are not asked about them.
type Kinds uint64

// The kinds.
const (
	EventKind        Kinds = 1 << iota // it is an event by itself
	LoginKind                          // it tries to log in, or may be for a page where one does
	RefusedKind                        // the answer was 4xx
	NamedKind                          // it names an actor by more than its address
	WriteKind                          // by its method it changes something
	ParameterKind                      // it has a query or a body
	ObjectKind                         // it names an object
	ListKind                           // the answer was a page of a list, or the log counts its records
	AdminKind                          // its path is a usual one for admins
	UndocumentedKind                   // its path or a parameter is one for scanners, or the path none that the site's description has
	HiddenKind                         // it comes from where one hides or rents machines
	OddKind                            // mayProbe
	AimKind                            // mayAim
	CheckKind                          // its path asks whether there is an account
	DeleteKind                         // its path is named as one that deletes
)

// kinds are those of which the requests of interest are; 0: of any. The admin routes of a site's
// own are of no kind.
func (d *Detector) kinds() Kinds {
	if d.ownAdmin != nil && len(d.ownAdmin.rules) > 0 {
		return 0
	}
	return d.Of
}

func kindsOf(r *parsers.Request) Kinds {
	k := featuresOf(r).kinds
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
	if writes(r.Method) {
		k |= WriteKind
	}
	if r.Records >= 0 {
		k |= ListKind
	}
	if r.Declared != parsers.Undescribed && r.Declared != parsers.Described {
		k |= UndocumentedKind
	}
	if r.Origin.Has(hiddenTraits) {
		k |= HiddenKind
	}
	if oddHeaders(r) {
		k |= OddKind
	}
	if hostOfMetadata(r) {
		k |= AimKind
	}
	return k
}

// tell tells of which kinds every request with the features is.
func (f *features) tell() (k Kinds) {
	if f.login {
		k |= LoginKind
	}
	if f.hasID || f.hasObject || len(f.outer) > 0 {
		k |= ObjectKind
	}
	if f.isList {
		k |= ListKind
	}
	if f.admin {
		k |= AdminKind
	}
	if f.probe != noProbe || f.guesses {
		k |= UndocumentedKind
	}
	if f.odd {
		k |= OddKind
	}
	if f.aims {
		k |= AimKind
	}
	if f.checks {
		k |= CheckKind
	}
	if f.deleting {
		k |= DeleteKind
	}
	return k
}
