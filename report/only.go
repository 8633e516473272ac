package report

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/detect"
)

// A Filter says which incidents, alerts and events of a report are wanted. What is empty
// asks for nothing.
type Filter struct {
	Incident string          // how its id begins
	Least    detect.Severity // of this severity or above
	Actors   []string        // by one of these
	Network  netip.Prefix    // from an address of it
	Status   string          // of this status
}

func (f *Filter) by(actors ...string) bool {
	return len(f.Actors) == 0 || slices.ContainsFunc(actors, func(a string) bool { return slices.Contains(f.Actors, a) })
}

// From tells whether one of the addresses is wanted.
func (f *Filter) From(ips ...string) bool {
	return !f.Network.IsValid() || slices.ContainsFunc(ips, func(ip string) bool {
		addr, err := netip.ParseAddr(ip)
		return err == nil && f.Network.Contains(addr.Unmap())
	})
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
	return strings.HasPrefix(in.ID, f.Incident) && in.Severity >= f.Least && f.by(in.Actors...) && f.From(in.IPs...) &&
		(f.Status == "" || in.Status == f.Status)
}

func (f *Filter) alert(a *Alert) bool {
	return f.Incident == "" && a.Severity >= f.Least && f.by(a.ActorID) && f.From(a.SourceIP) &&
		(f.Status == "" || a.Status == f.Status)
}

func (f *Filter) event(e *Event) bool {
	return f.Incident == "" && f.Status == "" && e.Severity >= f.Least && f.by(e.ActorID) && f.From(e.UserIP)
}

// OnlyIncidents leaves in the report the incidents that are wanted, with their alerts and events, and
// alerts that are part of none. It returns how many incidents it has left out.
func (r *Report) OnlyIncidents(wanted func(*Incident) bool) int {
	left := map[string]bool{}
	r.Incidents = slices.DeleteFunc(slices.Clone(r.Incidents), func(in Incident) bool {
		if wanted(&in) {
			return false
		}
		left[in.ID] = true
		return true
	})
	r.Alerts = slices.DeleteFunc(slices.Clone(r.Alerts), func(a Alert) bool { return left[a.IncidentID] })
	r.onlyTheirEvents()
	return len(left)
}

// onlyTheirEvents leaves in the report the events of its alerts.
func (r *Report) onlyTheirEvents() {
	events := map[string]bool{}
	for i := range r.Alerts {
		for _, id := range r.Alerts[i].Events {
			events[id] = true
		}
	}
	r.Events = slices.DeleteFunc(slices.Clone(r.Events), func(e Event) bool { return !events[e.ID] })
}
