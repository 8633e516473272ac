package detect

import (
	"slices"
	"strings"
)

// A request may name several objects at once: /users/1,2,3, "ids=1,2,3", "ids[]=1&ids[]=2", "id=1&id=2",
// "filter[id][in]=1,2", "id=in.(1,2)" of PostgREST. Each is asked for.

// maxSeveral bounds the objects of one request.
const maxSeveral = 256

// stretchDensity is the percent of their range that numbers fill which are a stretch.
const stretchDensity = 60

// idsName returns the name, without what surrounds it, by which a parameter gives the ids of
// objects, be it one or several: "ids" of "ids[0]", "id" of "filter[id][in]"; else "".
func (p *parameter) idsName() string {
	name := p.name
	if p.odd && hasInner(name) {
		name = innerName(unescaped(name))
	}
	if namesID(name) || namesIDs(name) {
		return name
	}
	if _, is := p.resourceNumber(); is {
		return name
	}
	return ""
}

// namesIDs is namesID for several: ids, user_ids, userIds.
func namesIDs(name string) bool {
	n := len(name) - 1
	return n > 0 && name[n] == 's' && namesID(name[:n])
}

// listedIDs finds out, parameter by parameter, whether a query names several objects.
type listedIDs struct {
	name, first string // of the first parameter with ids, and its value
	several     bool
}

// take takes a parameter by its idsName.
func (l *listedIDs) take(p *parameter, name string) {
	switch {
	case name == "" || l.name != "" && name != l.name:
		return
	case l.name == "":
		l.name, l.first = name, p.value.text
	case p.value.text != l.first:
		l.several = true
	}
	l.several = l.several || !p.value.isNumber && strings.ContainsAny(p.value.text, ",|%") && !holdsJSON(p.value.text)
}

// objects returns the ids that the parameters with the first such name have, in their order.
func (l *listedIDs) objects(query string) (ids []string) {
	for query != "" {
		var p parameter
		if query = p.read(query); p.idsName() != l.name {
			continue
		}
		text := strings.TrimPrefix(unescaped(p.value.text), "in.")
		for id := range strings.FieldsFuncSeq(text, betweenIDs) {
			if id = strings.TrimSpace(id); id != "" {
				ids = append(ids, id)
			}
			if len(ids) == maxSeveral {
				return ids
			}
		}
	}
	return ids
}

// idsIn returns the ids of objects that a query or a body names, in their order.
func idsIn(query string) []string {
	var ids listedIDs
	for rest := query; rest != ""; {
		var p parameter
		rest = p.read(rest)
		ids.take(&p, p.idsName())
	}
	if ids.name == "" {
		return nil
	}
	return ids.objects(query)
}

// takeListed takes the ids that stand, separated by commas, in the last place of a route:
// /users/1,2,3.
func (f *features) takeListed(path, route string) {
	last := ""
	for path, route, _ = cutPlaces(path, route); route != ""; {
		var place, value string
		place, route = nextSegment(route)
		value, path = nextSegment(path)
		if strings.IndexByte(place, '{') >= 0 && strings.IndexByte(place, ',') < 0 { // (id={id},no=2) is one
			last = value
		}
	}
	ids := strings.SplitN(unescapedPath(last), ",", maxSeveral)
	if len(ids) < 2 {
		return
	}
	around := f.object ^ tag(last) // of the places before
	f.id, f.hasID = idNumber(ids[0])
	f.takeIDs(ids)
	f.object ^= around
	for i := range f.more {
		f.more[i] ^= around
	}
}

// idNumber returns the number that an id is, or stands for.
func idNumber(id string) (n uint64, ok bool) {
	if n, ok = encodedNumber(id); ok {
		return n, true
	}
	if n, ok = namedNumber(id); ok {
		return n, true
	}
	if n, ok = qualifiedNumber(id); ok {
		return n, true
	}
	return longID(id)
}

func betweenIDs(c rune) bool { return strings.ContainsRune(`,|;()[]"'`, c) }

// takeSeveral takes what a query or a body says that names several objects.
func (f *features) takeSeveral(l *listedIDs, query string) { f.takeIDs(l.objects(query)) }

// takeIDs takes the ids of objects, if they are several. Numbers that are close together are one
// stretch, which has the number where it begins; of others, takeNumber tells.
func (f *features) takeIDs(ids []string) {
	if len(ids) < 2 {
		return
	}
	tags := make([]uint64, 0, len(ids)) // not in the place of those of the path, which others have, too
	var numbers []uint64
	for _, id := range ids {
		tags = append(tags, tag(id))
		if n, ok := idNumber(id); ok {
			numbers = append(numbers, n)
		}
	}
	f.object, f.more, f.hasObject = tags[0], tags[1:], true
	if len(numbers) < len(ids) {
		return
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	n := uint64(len(numbers))
	if first, last := numbers[0], numbers[n-1]; last-first < 100*n/stretchDensity {
		f.id, f.hasID, f.stretch = first, true, last-first
	}
}
