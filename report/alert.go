package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// A Deed is what the audit trail says that somebody did about an alert.
type Deed struct {
	At     time.Time       `json:"at"`
	Who    string          `json:"who"`
	Action string          `json:"action"` // "alert.resolved"
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
	Note   string          `json:"note"`
}

// handling says what became of an alert, in a sentence; "" if it is open and always was.
func (a *Alert) handling() string {
	var b strings.Builder
	switch {
	case Over(a.Status):
		b.WriteString(a.Status)
		if a.ResolutionType != "" {
			b.WriteString(" as " + a.ResolutionType)
		}
		fmt.Fprintf(&b, " by %s on %s", a.ResolvedBy, instant(a.ResolvedAt))
	case a.Status == Acknowledged:
		b.WriteString(a.Status)
	case a.Note != "" && a.Status == Open:
		return a.Note
	default:
		return ""
	}
	if a.Note != "" {
		b.WriteString(": " + a.Note)
	}
	return b.String()
}

// story is the alert told as an incident of its own.
func (a *Alert) story(r *Report) *Incident {
	in := &Incident{
		Incident: detect.Incident{
			ID: a.ID, Title: a.Title, Severity: a.Severity, First: a.First, Last: a.Last,
			Alerts: []string{a.ID}, Outcome: a.Outcome, Summary: a.Description,
		},
		Status: a.Status,
	}
	if a.ActorID != "" {
		in.Actors = []string{a.ActorID}
	}
	if a.SourceIP != "" {
		in.IPs = []string{a.SourceIP}
	}
	for i := range r.Incidents {
		for _, at := range r.Incidents[i].Addresses {
			if at.IP == a.SourceIP && len(in.Addresses) == 0 {
				in.Addresses = []Address{at}
			}
		}
	}
	in.complete(map[string]*Alert{a.ID: a}, r.eventsByID())
	return in
}

// AlertText writes one alert as the text report does its incidents: who, from where, what
// led to it with the lines that show it, what to do, and what was done about it.
func AlertText(w io.Writer, r *Report, a *Alert, history []Deed, look Look) error {
	p := newPage(look)
	in := a.story(r)
	title := a.Title
	if who := cmp.Or(a.ActorID, a.SourceIP); who != "" {
		title += " by " + ShowShort(who, 60)
	}
	b := badge(a.Severity)
	for i, line := range Wrap(title, p.width-badgeWidth-2) {
		if i > 0 {
			b = span{plain, strings.Repeat(" ", badgeWidth)}
		}
		p.put(b, span{strong, "  " + line})
	}
	p.field("id", plain, a.ID+" · "+a.Status)
	p.field("rule", plain, a.Rule+", "+a.Type)
	p.names("actor", in.Actors)
	p.names("address", labels(in))
	p.field("what", plain, a.Description)
	when := period(a.First, a.Last)
	if d := a.Last.Sub(a.First); d >= time.Second {
		when += " (" + duration(d) + ")"
	}
	p.field("when", plain, when)
	p.field("how much", plain, count(a.Count, "request"))
	p.field("result", outcomeTone(a.Outcome), outcome(a.Outcome))
	p.field("class", plain, class(in))
	if a.IncidentID != "" {
		p.field("incident", plain, a.IncidentID)
	}
	if a.SuppressedBy != "" {
		p.field("allowed", plain, "suppressed by "+a.SuppressedBy)
	}
	if h := a.handling(); h != "" {
		p.handled([]string{h})
	}
	p.timeline(in, r.Run.Evidence)
	p.advice(in)
	p.query(in)
	for i, d := range history {
		if i == 0 {
			p.put(span{faint, "  history"})
		}
		text := d.Who + " " + strings.TrimPrefix(d.Action, "alert.")
		if d.Note != "" {
			text += ": " + strings.TrimPrefix(d.Note, "reopened: ")
		}
		p.text(span{faint, "    " + instant(d.At)}, 4+len("2006-01-02 15:04:05 UTC")+2, plain, text)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

// AlertJSON writes one alert as JSON, with its events, the lines that show them, what to
// do and what was done about it.
func AlertJSON(w io.Writer, r *Report, a *Alert, history []Deed) error {
	in := a.story(r)
	shown := struct {
		Alert
		Story     []Event            `json:"event_details"`
		Evidence  map[string][]Place `json:"evidence"` // by event id
		NextSteps []string           `json:"next_steps"`
		SQL       string             `json:"sql"`
		History   []Deed             `json:"history"`
	}{*a, nil, map[string][]Place{}, in.NextSteps, in.SQL, history}
	for _, s := range in.Timeline {
		for i := range r.Events {
			if e := r.Events[i]; e.ID == s.Event {
				e.Evidence = nil
				shown.Story = append(shown.Story, e)
			}
		}
		shown.Evidence[s.Event] = r.Run.Evidence[s.Event]
	}
	return WriteJSON(w, shown)
}
