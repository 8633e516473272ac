package detect

import (
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/litesoc/litesoc/parsers"
)

// Features are what a request tells by itself, whatever the settings are, and many detectors
// ask for. Most of it its path and route tell: that is found out once for all requests that
// share these, which have the same features if nothing else tells any. Features never change.
type features struct {
	// What nearly every request is asked for stands first, in one line of the processor's.
	route   string // that goes with the path; the log may come to show another one later
	kinds   Kinds  // of every request that has them
	pathTag uint64 // of the path, without slashes at its end
	id      uint64 // if hasID: the number of the object
	object  uint64 // if hasObject: pathObject
	probe   probe

	hasID, hasObject bool
	numbered         bool // the route has a place for the number of an object: no parameter is one
	placed           bool // the route has places: no parameter names an object

	plain    bool // the route is in one spelling: inOneSpelling
	admin    bool // adminPath
	graphQL  bool // isGraphQL, or speaksGraphQL
	login    bool // mayShowLogin
	unbidden bool // isUnbidden
	odd      bool // mayProbe, but for headers
	aims     bool // mayAim
	paged    bool // it has a segment "page", "pages" or "offset" with another one behind it
	picture  bool // isPicture
	searches bool // searchPath
	isList   bool

	byLink   bool // parsers.OpensByLink
	filtered bool // a parameter may hold JSON
	asks     bool // asksPath
	checks   bool // checksAccounts
	calls    bool // callsPath
	deleting bool // deletesByPath
	removing bool // removesByPath
	guesses  bool // a parameter of the query has a name that scanners try
	rpc      bool // speaksRPC

	segments sketch // of the path
	named    sketch // of the parameters

	list      listing // listingOf
	operation string  // operationOf; "" where neither graphQL nor rpc is set

	outer   []outerID // the numbers of places before the one that id is of
	more    []uint64  // the objects beyond the first, by tag, where the query names several
	stretch uint64    // how far the last of their numbers is from id, which is the first
	apart   bool      // each of them is asked for by itself

	idName  string // of the parameter that id is of, as logged; "" if it is of none
	inner   string // what stands in matrix parameters of the path, and in parameters that hold several, in the form of a query
	change  string // the first field of a GraphQL text that changes something, clipped
	logins  int    // fields of such texts that log in
	deletes int    // likewise, that delete
	long    bool   // id and outer are of what longID reads in the path
	reads   bool   // the GraphQL text is known, or the method of JSON-RPC, and changes nothing
}

// featuresOf returns the features of a request: those that it brings, else new ones.
func featuresOf(r *parsers.Request) *features {
	if f, ok := r.Features.(*features); ok {
		return f
	}
	return unprepared(r)
}

// unprepared is featuresOf for a request that brings none.
func unprepared(r *parsers.Request) *features {
	return newFeatures(r, pathFeatures(r), func() *features { return &features{} })
}

// newFeatures finds out the features of a request, beside those of its path. room gives
// those a place that it has for itself.
func newFeatures(r *parsers.Request, f *features, room func() *features) *features {
	if r.Query == "" && r.Body == "" && !f.paged {
		return f
	}
	own := room()
	*own = *f
	byPath := own.placed || own.numbered // whatever else a client writes, the path tells what it is for
	switch {
	case own.graphQL, !byPath && speaksGraphQL(r):
		own.graphQL = true
		own.takeReading(r)
	case !byPath && own.speaksRPC(r):
		own.rpc = true
		own.takeCall(r)
	}
	own.readParameters(r)
	if own.graphQL || own.filtered {
		own.readInner(r)
	}
	if strings.HasPrefix(r.Body, xmlBody) {
		own.readXML(r)
	}
	own.lookAt(r.Query)
	own.lookAt(r.Body)
	own.kinds = own.tell() | ParameterKind
	return own
}

// lookAt takes a quick look at a query or a body.
func (f *features) lookAt(query string) {
	f.odd = f.odd || reaches(query)
	if !isPlain(query) {
		f.odd = f.odd || hasOdd(query, &odd)
		f.aims = f.aims || mayAimIn(query)
	}
}

// isPlain tells, at little cost, of most queries that nothing in them is odd or may aim.
func isPlain(query string) bool {
	for i := range len(query) {
		if c := query[i]; !plainByte[c] || c == '=' && beginsAim(query[i+1:]) {
			return false
		}
	}
	return true
}

// plainByte has the bytes that are neither odd nor stop mayAimIn.
var plainByte = func() (is [256]bool) {
	for c := range utf8.RuneSelf {
		is[c] = isAlnum(byte(c)) || strings.IndexByte("-_~=&,@$!", byte(c)) >= 0
	}
	return is
}()

// readParameters finds out what the parameters tell, beside what the path does. It goes through
// them once, whatever is asked of them.
func (f *features) readParameters(r *parsers.Request) {
	list := f.newListingReader(r)
	asked := f.asks && r.Method == "POST" && !f.rpc
	var ids listedIDs
	var p parameter
	for i, query := range [...]string{r.Query, r.Body} {
		for query != "" {
			query = p.read(query)
			if i == 0 || asked { // else a body tells of what is written, not of what is asked for
				f.takeObject(&p, &ids)
			}
			if i == 0 {
				f.guesses = f.guesses || p.isGuess()
				f.filtered = f.filtered || holdsJSON(p.value.text)
			}
			f.named.addParameter(&p)
			list.take(&p)
		}
	}
	f.list, f.isList = list.listing()
	if ids.several && !f.graphQL {
		f.takeSeveral(&ids, r.Query)
		if asked && len(f.more) == 0 {
			f.takeSeveral(&ids, r.Body)
		}
	}
}

// readMatrix finds out what the matrix parameters of a path tell: /orders;id=17;org_id=42.
func (f *features) readMatrix(path string) {
	var all []string
	for segment := range strings.SplitSeq(path, "/") {
		_, matrix, _ := strings.Cut(segment, ";")
		for text := range strings.SplitSeq(matrix, ";") {
			if strings.IndexByte(text, '=') > 0 && strings.IndexByte(text, '&') < 0 {
				all = append(all, text)
			}
		}
	}
	f.inner = strings.Join(all, "&")
	var ids listedIDs
	for query := f.inner; query != ""; {
		var p parameter
		query = p.read(query)
		f.takeObject(&p, &ids)
		f.named.addParameter(&p)
	}
}

// takeObject takes what a parameter says of an object, if nothing did before.
func (f *features) takeObject(p *parameter, ids *listedIDs) {
	if f.rpc {
		return // takeCall did
	}
	name, number := "", false
	if !f.placed {
		name = p.idsName()
		ids.take(p, name)
	}
	if !f.numbered && !f.graphQL {
		number = f.takeNumber(p)
	}
	if !f.placed && !f.hasObject && p.value.text != "" && (number || name != "" || p.namesOpaque()) {
		f.object, f.hasObject = tag(p.value.text), true
	}
	if !f.placed && !f.graphQL && !(f.hasID && f.hasObject) {
		f.takeFilter(p)
	}
}

// takeNumber is takeObject for the number of one. Several parameters of one name make one number
// together: it is the server's to say which of them counts, and one that stays does not hide
// another that is counted through. The first is told of.
func (f *features) takeNumber(p *parameter) (first bool) {
	switch {
	case !f.hasID:
		if f.id, f.hasID = p.objectNumber(); f.hasID {
			f.idName = p.name
		}
		return f.hasID
	case p.name == f.idName, (p.odd || strings.IndexByte(f.idName, '%') >= 0) && unescaped(p.name) == unescaped(f.idName):
		n, _ := p.objectNumber()
		f.id += n
	}
	return false
}

// takeFilter is takeObject for a parameter that holds conditions.
func (f *features) takeFilter(p *parameter) {
	if !p.holdsFilter() {
		return
	}
	value, ok := filteredID(unescaped(p.value.text))
	if !ok {
		return
	}
	if !f.hasObject {
		f.object, f.hasObject = tag(value), true
	}
	if !f.hasID {
		f.id, f.hasID = namedNumber(value)
	}
}

// notedFeatures returns the features that the notes of the path have, of whatever route;
// nil if they have none.
func notedFeatures(r *parsers.Request) *features {
	f, _ := r.PathNotes.Read(parsers.Judging).(*features)
	return f
}

// pathFeatures returns the features that requests with the path and route of this one have. It
// looks for them in the notes of the path first, and leaves them there.
func pathFeatures(r *parsers.Request) *features {
	if f := notedFeatures(r); f != nil && f.route == r.Route {
		return f
	}
	path, route := r.Path, r.Route
	f := &features{
		route:    route,
		pathTag:  xxh3.HashString(strings.TrimRight(path, "/")),
		probe:    usualProbes.find(path),
		segments: sketchOf(path),

		plain:    inOneSpelling(route),
		admin:    adminPath(path),
		graphQL:  isGraphQL(path),
		calls:    callsPath(path),
		login:    mayShowLogin(path),
		unbidden: isUnbidden(path),
		byLink:   parsers.OpensByLink(path),
		odd:      oddPath(path),
		aims:     mayAimInPath(path),
		paged:    strings.Contains(path, "/page/") || strings.Contains(path, "/offset/") || strings.Contains(path, "/pages/"),
		picture:  isPicture(path),
		searches: searchPath(path),
		asks:     asksPath(path),
		checks:   checksAccounts(path),

		list: listing{Size: -1},
	}
	if !f.graphQL {
		if f.id, f.hasID, f.outer, f.numbered = routeIDs(path, route); !f.numbered {
			f.id, f.hasID, f.outer = routeLongIDs(path, route)
			f.long = f.hasID
		}
	}
	f.object, f.hasObject, f.placed = routeObject(path, route)
	if f.hasObject && (strings.IndexByte(path, ',') >= 0 || strings.IndexByte(path, '%') >= 0) {
		f.takeListed(path, route)
	}
	if strings.IndexByte(path, ';') >= 0 {
		f.readMatrix(path)
	}
	if mayDeleteByPath(path) {
		f.deleting, f.removing = deletesByPath(path), removesByPath(path)
	}
	f.kinds = f.tell()
	r.PathNotes.Write(parsers.Judging, f)
	return f
}
