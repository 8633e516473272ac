package report

import (
	"testing"

	"github.com/litesoc/litesoc/detect"
)

// What belongs to incidents that are left out goes with them; alerts of none, and events that alerts
// share, stay.
func TestOnlyIncidents(t *testing.T) {
	event := func(id string) Event { return Event{Event: detect.Event{ID: id}} }
	alert := func(id, incident string, events ...string) Alert {
		return Alert{Alert: detect.Alert{ID: id, Events: events}, IncidentID: incident}
	}
	r := &Report{
		Incidents: []Incident{{Incident: detect.Incident{ID: "old"}}, {Incident: detect.Incident{ID: "new"}}},
		Alerts:    []Alert{alert("a", "old", "1", "2"), alert("b", "new", "2", "3"), alert("c", "", "4")},
		Events:    []Event{event("1"), event("2"), event("3"), event("4"), event("5")},
	}
	if left := r.OnlyIncidents(func(in *Incident) bool { return in.ID == "new" }); left != 1 {
		t.Errorf("%d left out", left)
	}
	got := ""
	for i := range r.Incidents {
		got += r.Incidents[i].ID + " "
	}
	for i := range r.Alerts {
		got += r.Alerts[i].ID + " "
	}
	for i := range r.Events {
		got += r.Events[i].ID + " "
	}
	if want := "new b c 2 3 4 "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
