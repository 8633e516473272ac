package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// moreOfID is the hint where several ids begin with what was given.
const moreOfID = "give more of the id"

// An idKind is what has ids of its own.
type idKind struct {
	name   string
	prefix string // of its ids
	show   string // the command that shows one
}

var (
	alertIDs    = idKind{"an alert", "alt_", "litesoc alerts show"}
	incidentIDs = idKind{"an incident", "inc_", "litesoc incidents show"}
	eventIDs    = idKind{"an event", "evt_", "litesoc explain"}
)

// of returns the ids of that kind that a report has.
func (k idKind) of(r *report.Report) []string {
	var ids []string
	switch k {
	case alertIDs:
		for i := range r.Alerts {
			ids = append(ids, r.Alerts[i].ID)
		}
	case incidentIDs:
		for i := range r.Incidents {
			ids = append(ids, r.Incidents[i].ID)
		}
	case eventIDs:
		for i := range r.Events {
			ids = append(ids, r.Events[i].ID)
		}
	}
	return ids
}

// meantID says what somebody may have meant who gave an id, or the beginning of one, of that
// kind: something of another kind, or one that is near, or else, also if there is such a one,
// what is said otherwise.
func (k idKind) meantID(r *report.Report, given, otherwise string) string {
	if len(beginning(k.of(r), given)) > 0 {
		return otherwise
	}
	for _, other := range []idKind{alertIDs, incidentIDs, eventIDs} {
		if other == k || len(given) <= len(other.prefix) || !strings.HasPrefix(given, other.prefix) {
			continue
		}
		if begin := beginning(other.of(r), given); len(begin) == 1 {
			return fmt.Sprintf("that is %s: '%s %s'", other.name, other.show, begin[0])
		}
	}
	if near := nearIDs(k.of(r), given); near != "" {
		return near
	}
	return otherwise
}

// anyID says what somebody may have meant who gave an id that nothing has.
func anyID(r *report.Report, given string) string {
	if info, err := os.Stat(given); err == nil && info.Mode().IsRegular() {
		return fmt.Sprintf(`that is a file; for one of its lines: litesoc explain "$(tail -1 '%s')"`, given)
	}
	if near := nearIDs(slices.Concat(alertIDs.of(r), incidentIDs.of(r), eventIDs.of(r)), given); near != "" {
		return near
	}
	return "'litesoc alerts list', 'litesoc incidents list' and 'litesoc events' have the ids; a line of a log has more in it than a word"
}

// beginning returns the ids that begin so.
func beginning(ids []string, with string) []string {
	var found []string
	for _, id := range ids {
		if strings.HasPrefix(id, with) {
			found = append(found, id)
		}
	}
	return found
}

// nearIDs asks whether those of the ids were meant that go on as what was given does,
// whatever it is of, or else those that come nearest; "" if that is none, or by chance.
func nearIDs(ids []string, given string) string {
	const kind = len("alt_")
	hash := strings.ToLower(given[strings.LastIndexByte(given, '_')+1:])
	begun := map[string][]string{} // by as much of their hashes as is given
	for _, id := range ids {
		begins := id[kind:min(kind+len(hash), len(id))]
		begun[begins] = append(begun[begins], id)
	}
	near := begun[hash]
	if near == nil {
		near = begun[detect.Nearest(hash, slices.Sorted(maps.Keys(begun)))]
	}
	const most = 3
	if len(hash) < 4 || len(near) == 0 || len(near) > most {
		return ""
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}
