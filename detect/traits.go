package detect

import (
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// Traits are what a path and its route tell by themselves, whatever else a request says and
// whatever the settings are. Many detectors ask for the same, and of every request: it is
// found out once for all requests that have the path.
type traits struct {
	route string // it goes with the path; the log may come to show another one later

	id     uint64 // if hasID
	object uint64 // if hasObject
	probe  probe

	numbered, hasID   bool // the route has a place for the id of an object, which is one: routeID
	placed, hasObject bool // the route has places, which are for objects: routeObject

	plain    bool // the route is in one spelling: inOneSpelling
	admin    bool // adminPath
	graphQL  bool // isGraphQL
	login    bool // mayShowLogin
	unbidden bool // isUnbidden
	odd      bool // oddPath
	aims     bool // mayAimInPath
	paged    bool // it has a segment "page" with another behind it
	picture  bool // isPicture
}

// traitsOf returns the traits of the request's path and route. It looks for them in the
// notes of the path first, and leaves them there.
func traitsOf(r *parsers.Request) *traits {
	if r.PathNotes == nil {
		return newTraits(r.Path, r.Route)
	}
	if t, ok := r.PathNotes.Read().(*traits); ok && t.route == r.Route {
		return t
	}
	t := newTraits(r.Path, r.Route)
	r.PathNotes.Write(t)
	return t
}

func newTraits(path, route string) *traits {
	t := &traits{
		route: route,
		probe: usualProbes.find(path),

		plain:    inOneSpelling(route),
		admin:    adminPath(path),
		graphQL:  isGraphQL(path),
		login:    mayShowLogin(path),
		unbidden: isUnbidden(path),
		odd:      oddPath(path),
		aims:     mayAimInPath(path),
		paged:    strings.Contains(path, "/page/"),
		picture:  isPicture(path),
	}
	t.id, t.hasID, t.numbered = routeID(path, route)
	t.object, t.hasObject, t.placed = routeObject(path, route)
	return t
}
