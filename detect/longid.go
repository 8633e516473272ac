package detect

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Some long ids are counted up all the same: who has one has the next. Those of MongoDB end in a
// counter, behind five bytes of the machine; the addresses of hardware, behind three of its maker; UUIDs
// of version 1 are a time; and there are UUIDs that somebody has filled with numbers. Those of versions
// 4 and 7 are left to chance.

// longID returns the number that a long id, in hex digits, counts with.
func longID(s string) (n uint64, ok bool) {
	const ofHardware, ofHardwareInParts, ofHardware64, ofMongo, ofUUID = 12, 17, 16, 24, 36
	switch len(s) {
	case ofHardware, ofHardware64:
		return hexNumber(s)
	case ofHardwareInParts:
		return hexNumber(hardwareParts.Replace(s))
	case ofMongo:
		if _, ok = hexNumber(s[:8]); !ok { // the second it was made in
			return 0, false
		}
		return hexNumber(s[8:])
	case ofUUID:
		if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
			return 0, false
		}
		switch s[14] { // the version
		case '0':
			return hexNumber(s[19:23] + s[24:])
		case '1':
			return hexNumber(s[15:18] + s[9:13] + s[:8])
		}
	}
	return 0, false
}

var hardwareParts = strings.NewReplacer(":", "", "-", "")

// hexNumber returns the number of up to 16 hex digits, without the highest of its bits: no
// number is the last one that there is.
func hexNumber(s string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(s, 16, 64)
	return n & math.MaxInt64, err == nil
}

// routeLongIDs is routeIDs for each longID that stands in a place of the route.
func routeLongIDs(path, route string) (id uint64, ok bool, outer []outerID) {
	whole, to := route, ""
	for path, route, _ = cutPlaces(path, route); route != ""; {
		var place, value string
		place, route = nextSegment(route)
		value, path = nextSegment(path)
		if place != "{hash}" && place != "{uuid}" {
			continue
		}
		n, is := longID(value)
		if !is {
			continue
		}
		if ok {
			outer = slices.Insert(outer, 0, outerID{id, to})
		}
		id, ok, to = n, true, strings.TrimSuffix(whole[:len(whole)-len(route)], "/")
	}
	return id, ok, outer
}
