package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// scanned returns a report of so many incidents alike: scanners that were refused.
func scanned(n int) *Report {
	r := withIncidents()
	r.Incidents, r.Alerts = nil, nil
	for i := range n {
		address := fmt.Sprintf("198.51.100.%d", i+1)
		first := at("12:00:00").Add(time.Duration(i) * time.Hour)
		alert := detect.Alert{ID: fmt.Sprintf("alt_%d", i), Rule: "api-enumeration", ActorID: address}
		r.Alerts = append(r.Alerts, Alert{Alert: alert})
		r.Incidents = append(r.Incidents, Incident{Status: Open, Incident: detect.Incident{
			ID: fmt.Sprintf("inc_%d", i), Title: "API enumeration by " + address, Severity: detect.Medium, RiskScore: 15, Outcome: detect.Blocked,
			First: first, Last: first.Add(time.Minute), Actors: []string{address}, IPs: []string{address}, Alerts: []string{alert.ID}}})
	}
	return r
}

// One incident speaks for those that are alike, if they are not few and none got anywhere.
func TestTellings(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		change func(r *Report)
		want   string // ids, and how many each speaks for
	}{
		{"one fewer", 3, func(*Report) {}, "inc_0 inc_1 inc_2"},
		{"enough", 4, func(*Report) {}, "inc_0+3"},
		{"one of high severity", 5, func(r *Report) { r.Incidents[1].Severity = detect.High }, "inc_0+3 inc_1"},
		{"one that got in", 5, func(r *Report) { r.Incidents[2].Outcome = detect.Succeeded }, "inc_0+3 inc_2"},
		{"one of which nobody knows", 5, func(r *Report) { r.Incidents[2].Outcome = detect.Attempted }, "inc_0+3 inc_2"},
		{"one of another kind", 5, func(r *Report) { r.Alerts[4].Rule = "rate-limit" }, "inc_0+3 inc_4"},
		{"one that did another thing as well", 5, func(r *Report) {
			r.Alerts = append(r.Alerts, Alert{Alert: detect.Alert{ID: "alt_x", Rule: "rate-limit"}})
			r.Incidents[3].Alerts = append(r.Incidents[3].Alerts, "alt_x")
		}, "inc_0+3 inc_3"},
		{"one of several clients", 5, func(r *Report) { r.Incidents[0].IPs = append(r.Incidents[0].IPs, "203.0.113.9") }, "inc_0 inc_1+3"},
		{"one that was handled", 5, func(r *Report) { r.Incidents[0].Handled = []string{"alt_0 reopened"} }, "inc_0 inc_1+3"},
		{"one that is over", 5, func(r *Report) { r.Incidents[4].Status = Resolved }, "inc_0+3 inc_4"},
		{"alerts that are not shown", 5, func(r *Report) { r.Alerts = nil }, "inc_0 inc_1 inc_2 inc_3 inc_4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := scanned(c.n)
			c.change(r)
			var got []string
			for _, told := range r.tellings() {
				id := told.ID
				if n := len(told.Alike); n > 0 {
					id += fmt.Sprintf("+%d", n)
				}
				got = append(got, id)
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// The text and Markdown say how many are alike, and whose they are.
func TestAlikeIsTold(t *testing.T) {
	r := scanned(6)
	const want = "5 more incidents of this kind, refused as well, 9 Mar 2026: 198.51.100.2, 198.51.100.3, 198.51.100.4 and 2 more"
	for _, f := range []*Format{Text(), Markdown()} {
		text := strings.ReplaceAll(string(write(t, f, r, Look{Width: 160})), `\.`, ".")
		if !strings.Contains(text, want) {
			t.Errorf("%s: no %q in:\n%s", f.Name, want, text)
		}
		if !strings.Contains(text, "inc_0") || f.Name == "text" && strings.Contains(text, "inc_1") {
			t.Errorf("%s tells the wrong one in full:\n%s", f.Name, text)
		}
	}
}
