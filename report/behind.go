package report

import (
	"slices"
	"strings"
)

// incidentOf returns the incident of each alert that is part of one, by alert id.
func (r *Report) incidentOf() map[string]*Incident {
	of := map[string]*Incident{}
	for i := range r.Incidents {
		for _, id := range r.Incidents[i].Alerts {
			of[id] = &r.Incidents[i]
		}
	}
	return of
}

// eventsByID returns the events by their ids.
func (r *Report) eventsByID() map[string]*Event {
	by := make(map[string]*Event, len(r.Events))
	for i := range r.Events {
		by[r.Events[i].ID] = &r.Events[i]
	}
	return by
}

// places returns the lines behind an alert, those of the event first that its description tells
// of, each once: at most so many.
func (r *Report) places(a *Alert, events map[string]*Event, most int) []Place {
	var places []Place
	seen := map[Place]bool{}
	for _, event := range a.toldFirst(events) {
		for _, p := range r.Run.Evidence[event] {
			if len(places) == most {
				return places
			}
			if !seen[p] {
				seen[p] = true
				places = append(places, p)
			}
		}
	}
	return places
}

// toldFirst returns the ids of the events of an alert, the one first that its description tells of.
func (a *Alert) toldFirst(events map[string]*Event) []string {
	i := slices.IndexFunc(a.Events, func(id string) bool {
		e := events[id]
		return e != nil && e.Summary != "" && strings.Contains(a.Description, e.Summary)
	})
	if i <= 0 {
		return a.Events
	}
	return slices.Concat(a.Events[i:i+1], a.Events[:i], a.Events[i+1:])
}

// classes returns the techniques and the OWASP classes of an alert, sorted, each once.
func (a *Alert) classes(events map[string]*Event) (technique, owasp []string) {
	for _, id := range a.Events {
		if e := events[id]; e != nil {
			technique, owasp = append(technique, e.Technique), append(owasp, e.OWASP)
		}
	}
	return distinct(technique), distinct(owasp)
}
