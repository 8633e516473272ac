package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// Complete puts the worst incident first and tells each one's story in order of time.
func TestComplete(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 3, 1, 10, minute, 0, 0, time.UTC) }
	event := func(id string, minute int, technique string) Event {
		return Event{Event: detect.Event{ID: id, First: at(minute), Last: at(minute), Technique: technique, OWASP: "API2:2023"}}
	}
	incident := func(id string, s detect.Severity, risk int, alerts ...string) Incident {
		return Incident{Incident: detect.Incident{ID: id, Severity: s, RiskScore: risk, First: at(0), Last: at(9), Alerts: alerts,
			IPs: []string{"192.0.2.1", "o'brien\x1b"}, Actors: []string{"key_0123456789ab"}, Outcome: detect.Succeeded}}
	}
	r := &Report{
		Events: []Event{event("e1", 3, "T1110"), event("e2", 1, "T1595"), event("e3", 2, "T1110")},
		Alerts: []Alert{
			{Alert: detect.Alert{ID: "a1", Rule: "brute-force", Events: []string{"e1", "e3"}, Outcome: detect.Succeeded}},
			{Alert: detect.Alert{ID: "a2", Rule: "api-enumeration", Events: []string{"e2", "e1", "gone"}, Outcome: detect.Blocked}},
		},
		Incidents: []Incident{
			{Incident: detect.Incident{ID: "over", Severity: detect.Critical, RiskScore: 99}, Status: Resolved},
			incident("low", detect.Low, 90),
			incident("high", detect.High, 40, "a1", "a2", "gone"),
			incident("higher", detect.High, 50),
			incident("critical", detect.Critical, 10),
		},
	}
	r.Complete()
	var order []string
	for _, i := range r.Incidents {
		order = append(order, i.ID)
	}
	if want := []string{"critical", "higher", "high", "low", "over"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	i := r.Incidents[2]
	var story []string
	for _, s := range i.Timeline {
		story = append(story, s.Event)
	}
	if want := []string{"e2", "e3", "e1"}; !slices.Equal(story, want) {
		t.Errorf("story %q, want %q: in order of time, each event once", story, want)
	}
	if want := []string{"T1110", "T1595"}; !slices.Equal(i.Technique, want) {
		t.Errorf("techniques %q, want %q", i.Technique, want)
	}
	if !strings.Contains(i.SQL, "(client_ip in ('192.0.2.1') or actor_id in ('key_0123456789ab')) and") {
		t.Errorf("SQL %q: want the printable address and no other", i.SQL)
	}
	steps := strings.Join(i.NextSteps, "\n")
	for _, want := range []string{"reset that account's password", "block the client", "Revoke the API key key_0123456789ab"} {
		if !strings.Contains(steps, want) {
			t.Errorf("next steps lack %q:\n%s", want, steps)
		}
	}
	if strings.Contains(steps, "which objects were read") {
		t.Errorf("nothing was enumerated with success:\n%s", steps)
	}
}

// How sure an incident is, is how sure its worst is: what is of less weight does not make it surer.
func TestSureness(t *testing.T) {
	step := func(s detect.Severity, confidence float64) Step { return Step{Severity: s, Confidence: confidence} }
	for want, steps := range map[string][]Step{
		"":                   nil,
		"low (0.30 of 1)":    {step(detect.High, 0.3), step(detect.Medium, 0.95)},
		"medium (0.79 of 1)": {step(detect.Medium, 0.95), step(detect.High, 0.3), step(detect.High, 0.79)},
		"high (0.80 of 1)":   {step(detect.High, 0.8), step(detect.High, 0.3)},
		"low (0.49 of 1)":    {step(detect.Info, 0.49)},
	} {
		i := &Incident{Timeline: steps}
		if got := i.sureness(); got != want {
			t.Errorf("%+v: %q, want %q", steps, got, want)
		}
	}
}

// What two rules of one incident advise alike is told once.
func TestAdviceIsToldOnce(t *testing.T) {
	taken := map[string]detect.Outcome{"brute-force": detect.Succeeded, "account-compromise": detect.Succeeded}
	if steps := strings.Join(nextSteps(&Incident{}, taken), "\n"); strings.Contains(steps, advice["brute-force"].worked) ||
		!strings.Contains(steps, advice["brute-force"].always) || !strings.Contains(steps, advice["account-compromise"].always) {
		t.Error(steps)
	}
	delete(taken, "account-compromise")
	if steps := strings.Join(nextSteps(&Incident{}, taken), "\n"); !strings.Contains(steps, advice["brute-force"].worked) {
		t.Error(steps)
	}
}

// Every built-in rule has something to advise.
func TestAdvice(t *testing.T) {
	for _, rule := range detect.Rules() {
		if advice[rule.Name].always == "" {
			t.Errorf("no advice for rule %s", rule.Name)
		}
	}
}

// A name from a log can end no literal.
func TestQueryQuotes(t *testing.T) {
	i := &Incident{Incident: detect.Incident{Actors: []string{"x'; drop table requests; --"}}}
	if got := i.query(nil); !strings.Contains(got, "actor_id in ('x''; drop table requests; --')") {
		t.Errorf("query %s", got)
	}
}

// Every technique that a detector names is for something.
func TestTactics(t *testing.T) {
	for _, d := range detect.All() {
		if d.Technique != "" && !slices.Contains(tacticOrder, tactics[d.Technique]) {
			t.Errorf("%s: technique %s has no tactic", d.Name, d.Technique)
		}
	}
}

// The chain names each tactic once, where it began, with how far it got there.
func TestChain(t *testing.T) {
	step := func(tactic string, o detect.Outcome) Step { return Step{Tactic: tactic, Outcome: o} }
	for want, steps := range map[string][]Step{
		"": {step("collection", detect.Blocked), step("", detect.Succeeded), step("collection", detect.Succeeded)},
		"reconnaissance (blocked) → credential access (succeeded) → collection (attempted)": {
			step("reconnaissance", detect.Blocked), step("credential access", detect.Blocked), step("reconnaissance", detect.Blocked),
			step("credential access", detect.Succeeded), step("collection", detect.Attempted), step("credential access", detect.Attempted),
			step("collection", detect.Blocked),
		},
	} {
		in := Incident{Timeline: steps}
		if got := in.chain(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What became of each alert is told in a sentence.
func TestHandling(t *testing.T) {
	for want, a := range map[string]Alert{
		"":             {Status: Open},
		"acknowledged": {Status: Acknowledged},
		"reopened: it went on until then; alice had resolved it":                     {Status: Open, Note: "reopened: it went on until then; alice had resolved it"},
		"resolved as blocked_ip by alice on 2026-03-09 10:00:00 UTC":                 {Status: Resolved, ResolutionType: "blocked_ip", ResolvedBy: "alice", ResolvedAt: at("10:00:00")},
		"dismissed as false_positive by bob on 2026-03-09 10:00:00 UTC: a load test": {Status: Dismissed, ResolutionType: "false_positive", ResolvedBy: "bob", ResolvedAt: at("10:00:00"), Note: "a load test"},
	} {
		r := Report{Alerts: []Alert{a}, Incidents: []Incident{{Incident: detect.Incident{Alerts: []string{a.ID}}}}}
		r.Complete()
		got := strings.TrimPrefix(strings.Join(r.Incidents[0].Handled, ""), ": ")
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Many clients that are told as one are no actor of a request.
func TestQueryOfManyClients(t *testing.T) {
	for _, test := range []struct{ id, typ, want string }{
		{"/login", "route", "where route in ('/login') and"},
		{"203.0.113.0/24", "network", "where string_split(client_ip, '.')[1:3] = string_split('203.0.113.0/24', '.')[1:3] and"},
		{"2001:db8:7::/48", "network", "where string_split(client_ip, ':')[1:3] = string_split('2001:db8:7::/48', ':')[1:3] and"},
		{"AS64500", "network", "where client_ip in (select ip from ips where asn = 64500) and"},
		{"20260301-100000-5b82", "campaign", ""}, // its addresses tell, if any do
		{"alice", "user", "where actor_id in ('alice') and"},
	} {
		i := Incident{Incident: detect.Incident{Actors: []string{test.id}}}
		e := Event{Event: detect.Event{ActorID: test.id, ActorType: test.typ}}
		for what, got := range map[string]string{"incident": i.query(map[string]string{test.id: test.typ}), "event": e.SQL()} {
			if !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("%s of %s %q: %q, want %q", what, test.typ, test.id, got, test.want)
			}
		}
	}
	e := Event{Event: detect.Event{ActorID: "c", ActorType: "campaign", Metadata: detect.Meta("addresses", []string{"192.0.2.1", "192.0.2.2"})}}
	if want := "client_ip in ('192.0.2.1', '192.0.2.2')"; !strings.Contains(e.SQL(), want) {
		t.Errorf("event of a campaign: %q, want %q", e.SQL(), want)
	}
}

// Who has one address of a /64 has them all: the query shows what all of them did.
func TestQueryOfNetwork(t *testing.T) {
	for _, test := range []struct {
		ip   string
		want bool
	}{
		{"192.0.2.1", false},
		{"2001:db8:1:2::5", true},
		{"2001:db8:1:2:3:4:5:6", true},
		{"2001:db8:1::5", false}, // "2001:db8:1:0::5" is not how it is written
		{"::ffff:192.0.2.1", false},
		{"somebody", false},
	} {
		i := Incident{Incident: detect.Incident{IPs: []string{test.ip}}}
		if got := strings.Contains(i.query(nil), "string_split('"+test.ip+"', ':')[1:4]"); got != test.want {
			t.Errorf("%s: %s", test.ip, i.query(nil))
		}
	}
}
