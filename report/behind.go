package report

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

// places returns the lines behind an alert, those of its first event first, each once: at
// most so many.
func (r *Report) places(a *Alert, most int) []Place {
	var places []Place
	seen := map[Place]bool{}
	for _, event := range a.Events {
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

// classes returns the techniques and the OWASP classes of an alert, sorted, each once.
func (a *Alert) classes(events map[string]*Event) (technique, owasp []string) {
	for _, id := range a.Events {
		if e := events[id]; e != nil {
			technique, owasp = append(technique, e.Technique), append(owasp, e.OWASP)
		}
	}
	return distinct(technique), distinct(owasp)
}
