package report

import (
	"slices"
	"strings"

	"github.com/litesoc/litesoc/detect"
)

// A Filter says which incidents, alerts and events of a report are wanted. What is empty
// asks for nothing.
type Filter struct {
	Incident string          // how its id begins
	Least    detect.Severity // of this severity or above
	Actor    string          // by this actor
	IP       string          // from this address
	Status   string          // of this status
}

// Only leaves in the report the incidents that the filter wants with their alerts and
// events, and the alerts that are part of none if they are wanted themselves.
func (r *Report) Only(f Filter) {
	alerts, events := map[string]bool{}, map[string]bool{}
	of := r.incidentOf()
	r.Incidents = slices.DeleteFunc(slices.Clone(r.Incidents), func(in Incident) bool { return !f.incident(&in) })
	for i := range r.Incidents {
		for _, id := range r.Incidents[i].Alerts {
			alerts[id] = true
		}
	}
	r.Alerts = slices.DeleteFunc(slices.Clone(r.Alerts), func(a Alert) bool {
		return !alerts[a.ID] && (of[a.ID] != nil || !f.alert(&a))
	})
	for i := range r.Alerts {
		for _, id := range r.Alerts[i].Events {
			events[id] = true
		}
	}
	r.Events = slices.DeleteFunc(slices.Clone(r.Events), func(e Event) bool { return !events[e.ID] && !f.event(&e) })
}

func (f *Filter) incident(in *Incident) bool {
	return strings.HasPrefix(in.ID, f.Incident) && in.Severity >= f.Least && (f.Actor == "" || slices.Contains(in.Actors, f.Actor)) &&
		(f.IP == "" || slices.Contains(in.IPs, f.IP)) && (f.Status == "" || in.Status == f.Status)
}

func (f *Filter) alert(a *Alert) bool {
	return f.Incident == "" && a.Severity >= f.Least && (f.Actor == "" || a.ActorID == f.Actor) && (f.IP == "" || a.SourceIP == f.IP) &&
		(f.Status == "" || a.Status == f.Status)
}

func (f *Filter) event(e *Event) bool {
	return f.Incident == "" && f.Status == "" && e.Severity >= f.Least && (f.Actor == "" || e.ActorID == f.Actor) && (f.IP == "" || e.UserIP == f.IP)
}
