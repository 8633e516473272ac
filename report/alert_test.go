package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// An alert is told with its events, their lines and what was done about it, and nothing
// of the log or of a note reaches the terminal's controls.
func TestAlert(t *testing.T) {
	for _, s := range append([]string{"plain"}, hostile...) {
		r := withIncidents()
		a := &r.Alerts[0]
		a.Title, a.Description, a.SourceIP, a.Note = s, s, s, s
		history := []Deed{{At: at("12:00:00"), Who: s, Action: "alert.resolved", After: json.RawMessage(`{"status":"resolved"}`), Note: s}}
		var b bytes.Buffer
		if err := AlertText(&b, r, a, history, Look{Width: 80}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			checkShown(t, strings.TrimSuffix(line, "\n"))
		}
		for _, want := range []string{"alt_0a0 · open", "/var/log/nginx/access.log:812", "2026-03-09 12:00:00 UTC"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in:\n%s", want, b.String())
			}
		}
		b.Reset()
		if err := AlertJSON(&b, r, a, history); err != nil {
			t.Fatal(err)
		}
		var back struct {
			Alert
			Events  []Event `json:"event_details"`
			History []Deed
		}
		if err := json.Unmarshal(b.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		said := len(back.History) == 1 && back.History[0].Who == s && back.Note == s || !utf8.ValidString(s)
		if len(back.Events) != 1 || back.Events[0].ID != "evt_0a11" || !said {
			t.Errorf("of %q came back %+v", s, back)
		}
	}
}

// What is over fails nothing, is no headline and is told by a line.
func TestOver(t *testing.T) {
	r := withIncidents()
	for i := range r.Incidents {
		r.Incidents[i].Status = Resolved
	}
	r.Incidents[1].Status = Dismissed
	for i := range r.Alerts {
		r.Alerts[i].Status = Resolved
	}
	for _, test := range []struct {
		format      *Format
		has, hasNot string
	}{
		{JUnit(), `failures="0"`, "<failure"},
		{GitHub(), "", "::"},
		{Text(), "No open incident in 61,839 requests", "timeline"},
		{Text(), "dismissed: ", "risk 95/100"},
	} {
		got := string(write(t, test.format, r, Look{Width: 120}))
		if !strings.Contains(got, test.has) || strings.Contains(got, test.hasNot) {
			t.Errorf("%s: want %q and not %q:\n%s", test.format.Name, test.has, test.hasNot, got)
		}
	}
	r.Incidents[0].Status = Acknowledged
	if got := string(write(t, Text(), r, Look{Width: 120})); !strings.Contains(got, "1 critical incident: ") || !strings.Contains(got, "2 incidents resolved or dismissed.") {
		t.Errorf("with one that is not over:\n%s", got)
	}
}
