package detect

import (
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// Traits are what a request tells by itself, whatever the settings are, and many detectors
// ask for. They are found out once a request, and what its path and route tell once for all
// requests that share these.
type traits struct {
	pathTraits
	operation string  // operationOf
	list      listing // listingOf
	isList    bool
}

// PathTraits are what a path and its route tell by themselves.
type pathTraits struct {
	route string // that goes with the path; the log may come to show another one later

	id     uint64 // if hasID
	object uint64 // if hasObject
	probe  probe

	numbered, hasID   bool // the route has a place for the number of an object, which is one: routeID
	placed, hasObject bool // the route has places, which are for objects: routeObject

	plain    bool // the route is in one spelling: inOneSpelling
	admin    bool // adminPath
	graphQL  bool // isGraphQL
	login    bool // mayShowLogin
	unbidden bool // isUnbidden
	odd      bool // oddPath
	aims     bool // mayAimInPath
	paged    bool // it has a segment "page" with another one behind it
	picture  bool // isPicture
	searches bool // searchPath
}

// traitsOf returns the traits of a request: those that it brings, else new ones.
func traitsOf(r *parsers.Request) *traits {
	if t, ok := r.Traits.(*traits); ok {
		return t
	}
	return new(traits).find(r)
}

// find makes t the traits of a request.
func (t *traits) find(r *parsers.Request) *traits {
	t.pathTraits = *pathTraitsOf(r)
	switch {
	case t.graphQL:
		t.operation, t.id, t.hasID = graphQLObject(r)
		t.operation = clip(t.operation)
	case !t.numbered && r.Query != "":
		t.id, t.hasID = queriedID(r.Query)
	}
	if !t.placed && r.Query != "" {
		t.object, t.hasObject = queriedObject(r.Query)
	}
	t.list, t.isList = t.listingIn(r)
	return t
}

// pathTraitsOf returns the traits of the path and route of a request. It looks for them in
// the notes of the path first, and leaves them there.
func pathTraitsOf(r *parsers.Request) *pathTraits {
	if t, ok := r.PathNotes.Read().(*pathTraits); ok && t.route == r.Route {
		return t
	}
	t := newPathTraits(r.Path, r.Route)
	r.PathNotes.Write(t)
	return t
}

func newPathTraits(path, route string) *pathTraits {
	t := &pathTraits{
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
		searches: searchPath(path),
	}
	t.id, t.hasID, t.numbered = routeID(path, route)
	t.object, t.hasObject, t.placed = routeObject(path, route)
	return t
}
