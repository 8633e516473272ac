package detect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// alerts makes one incident machine look at the alerts, a second apart unless at says
// otherwise, and returns all it emits.
func correlate(alerts ...Alert) (*incidents, []Incident) {
	s := correlation().New().(*incidents)
	var out []Incident
	for _, a := range alerts {
		s.Observe(timed[Alert]{a.Last, a}, func(i Incident) { out = append(out, i) })
	}
	return s, out
}

func alertAt(after time.Duration, id, actorType, actor, ip string) Alert {
	return Alert{ID: id, Rule: "rule-" + id[:1], Title: "Title " + id[:1], Severity: Medium, Outcome: Attempted,
		ActorType: actorType, ActorID: actor, SourceIP: ip, First: noon.Add(after), Last: noon.Add(after + time.Minute),
		Count: 10, Description: "story " + id}
}

// withAddresses returns the alert with a list of addresses in its metadata.
func withAddresses(a Alert, addresses ...string) Alert {
	a.Metadata = Meta("events", 1, addressList, addresses)
	return a
}

// withTaken returns the alert with accounts that got in by a guess.
func withTaken(a Alert, accounts ...string) Alert {
	a.Metadata = Meta("events", 1, accountsTaken, accounts)
	return a
}

func TestCorrelation(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name   string
		alerts []Alert
		want   []string // alerts of each incident that stands, in the order they were opened
	}{
		{"same actor, another address", []Alert{
			alertAt(0, "a1", "user", "alice", "192.0.2.1"), alertAt(time.Hour, "b1", "user", "alice", "192.0.2.2")}, []string{"a1 b1"}},
		{"same address, another actor", []Alert{
			alertAt(0, "a1", "user", "alice", "192.0.2.1"), alertAt(time.Hour, "b1", "ip", "192.0.2.1", "192.0.2.1")}, []string{"a1 b1"}},
		{"another address of one /64", []Alert{
			alertAt(0, "a1", "ip", "2001:db8::1", "2001:db8::1"), alertAt(time.Hour, "b1", "ip", "2001:db8::2:0:0:3", "2001:db8::2:0:0:3"),
			alertAt(2*time.Hour, "c1", "ip", "2001:db8:0:1::1", "2001:db8:0:1::1")}, []string{"a1 b1", "c1"}},
		{"nothing shared", []Alert{
			alertAt(0, "a1", "user", "alice", "192.0.2.1"), alertAt(time.Hour, "b1", "user", "bob", "192.0.2.2")}, []string{"a1", "b1"}},
		{"a user who is named like an address", []Alert{
			alertAt(0, "a1", "user", "192.0.2.2", "192.0.2.1"), alertAt(time.Hour, "b1", "ip", "192.0.2.2", "192.0.2.2")}, []string{"a1", "b1"}},
		{"an address that many clients have among them", []Alert{
			alertAt(0, "a1", "ip", "192.0.2.1", "192.0.2.1"),
			withAddresses(alertAt(1, "b1", "campaign", "c", ""), "192.0.2.1", "192.0.2.2", "2001:db8:0:1::7"),
			alertAt(2, "c1", "user", "bob", "192.0.2.2"), alertAt(3, "d1", "ip", "2001:db8:0:1::8", "2001:db8:0:1::8"),
			alertAt(4, "e1", "ip", "192.0.2.3", "192.0.2.3")}, []string{"a1 b1 c1 d1", "e1"}},
		{"an account that was taken, from elsewhere", []Alert{
			withTaken(alertAt(0, "a1", "ip", "192.0.2.1", "192.0.2.1"), "alice", "bob"),
			alertAt(time.Hour, "b1", "user", "bob", "192.0.2.9"), alertAt(2*time.Hour, "c1", "user", "carol", "192.0.2.8")}, []string{"a1 b1", "c1"}},
		{"an account whose owner was told of before it was taken", []Alert{
			alertAt(0, "a1", "user", "bob", "192.0.2.9"),
			withTaken(alertAt(time.Hour, "b1", "ip", "192.0.2.1", "192.0.2.1"), "bob")}, []string{"a1 b1"}},
		{"an account that was taken, more than a day later", []Alert{
			withTaken(alertAt(0, "a1", "ip", "192.0.2.1", "192.0.2.1"), "bob"),
			alertAt(day+time.Minute+1, "b1", "user", "bob", "192.0.2.9")}, []string{"a1", "b1"}},
		{"an account that was taken in what an alert links", []Alert{
			alertAt(0, "a1", "user", "alice", "192.0.2.1"), withTaken(alertAt(1, "b1", "user", "carol", "192.0.2.2"), "bob"),
			alertAt(2, "c1", "user", "alice", "192.0.2.2"), alertAt(3, "d1", "user", "bob", "192.0.2.9")}, []string{"a1 b1 c1 d1"}},
		{"a day of quiet", []Alert{
			alertAt(0, "a1", "user", "alice", ""), alertAt(day+time.Minute, "b1", "user", "alice", "")}, []string{"a1 b1"}},
		{"more than a day of quiet", []Alert{
			alertAt(0, "a1", "user", "alice", ""), alertAt(day+time.Minute+1, "b1", "user", "alice", "")}, []string{"a1", "b1"}},
		{"unknown actors are not one", []Alert{
			alertAt(0, "a1", "", "", ""), alertAt(0, "b1", "", "", "")}, []string{"a1", "b1"}},
		{"an alert that links two", []Alert{
			alertAt(0, "a1", "user", "alice", "192.0.2.1"), alertAt(1, "b1", "user", "bob", "192.0.2.2"),
			alertAt(2, "c1", "user", "bob", "192.0.2.1"), alertAt(3, "d1", "ip", "192.0.2.2", "192.0.2.2")}, []string{"a1 b1 c1 d1"}},
		{"an alert that goes on after another began", []Alert{
			alertAt(0, "a1", "user", "alice", ""), alertAt(2*day, "b1", "user", "alice", ""), alertAt(0, "a1", "user", "alice", "")}, []string{"a1", "b1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, out := correlate(c.alerts...)
			last := map[string]Incident{}
			var order []string
			for _, i := range out {
				if _, known := last[i.ID]; !known {
					order = append(order, i.ID)
				}
				last[i.ID] = i
			}
			var got []string
			for _, id := range order {
				if last[id].MergedInto == "" {
					got = append(got, strings.Join(last[id].Alerts, " "))
				} else if last[last[id].MergedInto].ID == "" {
					t.Errorf("%s is merged into %s, which is none", id, last[id].MergedInto)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The addresses of many clients that are told as one are those of the alert about them, and
// of the incident.
func TestAddressesOfCampaign(t *testing.T) {
	s := &alerting{rule: compiled(t, Rule{Name: "r"})}
	var told []Alert
	for n, list := range [][]string{{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2", "192.0.2.3"}} {
		e := eventAt(time.Duration(n)*time.Minute, "e1", 10)
		e.ActorID, e.ActorType, e.UserIP, e.Metadata = "c", campaignActor, "", Meta("addresses", list)
		s.Observe(clueOf(e), func(j judgement) { told = append(told, j.Alert) })
	}
	want := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}
	last := told[len(told)-1]
	if got := AddressesOf(last.Metadata); !slices.Equal(got, want) {
		t.Errorf("the alert lists %q, want %q", got, want)
	}
	_, incidents := correlate(told...)
	if i := incidents[len(incidents)-1]; !slices.Equal(i.IPs, want) || i.Actors[0] != "c" || !strings.Contains(i.Summary, "from 3 addresses") {
		t.Errorf("the incident lists %q of %q, want %q: %s", i.IPs, i.Actors, want, i.Summary)
	}
}

// An incident names the accounts that were taken, and tells once what two rules tell alike.
func TestTakenAccounts(t *testing.T) {
	a := withTaken(alertAt(0, "a1", "ip", "192.0.2.1", "192.0.2.1"), "alice", "bob")
	b := alertAt(0, "b1", "ip", "192.0.2.1", "192.0.2.1")
	b.Description = a.Description
	_, out := correlate(a, b, alertAt(0, "c1", "ip", "192.0.2.1", "192.0.2.1"))
	want := `From 2026-03-01 12:00:00 to 12:01:00 UTC, 192.0.2.1 caused 3 alerts, the largest of 10 requests. Logins worked as "alice", "bob". ` +
		`Title a (medium), Title b (medium): story a1. Title c (medium): story c1. The answers do not tell whether it succeeded.`
	if got := out[len(out)-1].Summary; got != want {
		t.Errorf("summary\n%s\nwant\n%s", got, want)
	}
	many := make([]string, 7)
	for i := range many {
		many[i] = fmt.Sprintf("user%d", i)
	}
	_, out = correlate(withTaken(a, many...))
	if want := `Logins worked as "user0", "user1", "user2", "user3", "user4" and 2 more. `; !strings.Contains(out[0].Summary, want) {
		t.Errorf("%s: want %s", out[0].Summary, want)
	}
}

func TestMerge(t *testing.T) {
	a := alertAt(0, "a1", "user", "alice", "192.0.2.1")
	b := alertAt(time.Minute, "b1", "user", "bob", "192.0.2.2")
	b.Severity, b.Outcome = High, Succeeded
	link := alertAt(2*time.Minute, "c1", "user", "bob", "192.0.2.1")
	s, out := correlate(a, b, link)
	if len(out) != 4 {
		t.Fatalf("%d incidents emitted, want 4", len(out))
	}
	gone, stands := out[2], out[3]
	if gone.ID != out[1].ID || gone.MergedInto != out[0].ID || stands.ID != out[0].ID || stands.MergedInto != "" {
		t.Errorf("gone %+v\nstands %+v", gone, stands)
	}
	if stands.Severity != High || stands.Outcome != Succeeded || !stands.First.Equal(noon) || !stands.Last.Equal(link.Last) {
		t.Errorf("stands %+v", stands)
	}
	if want := []string{"alice", "bob"}; !slices.Equal(stands.Actors, want) {
		t.Errorf("actors %q, want %q", stands.Actors, want)
	}
	if want := []string{"192.0.2.1", "192.0.2.2"}; !slices.Equal(stands.IPs, want) {
		t.Errorf("addresses %q, want %q", stands.IPs, want)
	}
	if want := []string{"high severity (+30)", "it succeeded (+25)", "3 kinds of alert (+20)", "2 addresses (+5)"}; !slices.Equal(stands.Reasons, want) || stands.RiskScore != 80 {
		t.Errorf("%d: %q, want %q", stands.RiskScore, stands.Reasons, want)
	}
	if want := `Title b, Title a, Title c by user "alice" and another`; stands.Title != want {
		t.Errorf("title %q, want %q", stands.Title, want)
	}
	want := `From 2026-03-01 12:00:00 to 12:03:00 UTC, user "alice" and another caused 3 alerts, the largest of 10 requests, from 2 addresses. ` +
		`Title b (high): story b1. Title a (medium): story a1. Title c (medium): story c1. At least once it succeeded.`
	if stands.Summary != want {
		t.Errorf("summary\n%s\nwant\n%s", stands.Summary, want)
	}
	for name, id := range s.Of {
		if id != stands.ID {
			t.Errorf("%s still leads to %s", name, id)
		}
	}
	if len(s.Open) != 1 {
		t.Errorf("%d open", len(s.Open))
	}
}

// An alert that changes is not counted twice.
func TestAlertUpdatesItsIncident(t *testing.T) {
	a := alertAt(0, "a1", "user", "alice", "192.0.2.1")
	later := a
	later.Count, later.Description, later.Severity = 70, "now worse", Critical
	_, out := correlate(a, later)
	got := out[1]
	if len(out) != 2 || !slices.Equal(got.Alerts, []string{"a1"}) || got.Severity != Critical ||
		!strings.Contains(got.Summary, "caused 1 alert with 70 requests. Title a (critical): now worse.") {
		t.Errorf("%+v", got)
	}
}

func TestIncidentIsBounded(t *testing.T) {
	const n = maxCountedAlerts + 100
	s := correlation().New().(*incidents)
	var last, early Incident
	began := time.Now()
	for i := range n {
		a := alertAt(time.Duration(i)*time.Millisecond, fmt.Sprintf("%c%06d", 'a'+i%20, i), "user", fmt.Sprintf("user%d", i), "192.0.2.1")
		s.Observe(timed[Alert]{a.Last, a}, func(i Incident) { last = i })
		if i == MaxAlerts-1 {
			early = last
		}
	}
	if !strings.HasSuffix(early.Alerts[firstAlerts], fmt.Sprintf("%06d", firstAlerts)) {
		t.Errorf("what was told changed: %s", early.Alerts[firstAlerts])
	}
	t.Logf("%d alerts in %v", n, time.Since(began))
	if len(last.Alerts) != MaxAlerts || len(last.Actors) != MaxNames || len(last.IPs) != 1 || len(s.Open) != 1 {
		t.Errorf("%d alerts, %d actors, %d addresses, %d incidents", len(last.Alerts), len(last.Actors), len(last.IPs), len(s.Open))
	}
	if !strings.HasPrefix(last.Alerts[0], "a000000") || !strings.HasSuffix(last.Alerts[MaxAlerts-1], fmt.Sprint(maxCountedAlerts-1)) {
		t.Errorf("alerts from %s to %s", last.Alerts[0], last.Alerts[MaxAlerts-1])
	}
	if !strings.Contains(last.Summary, `user "user0" and 999 others or more caused 20000 alerts or more`) {
		t.Errorf("summary %q", last.Summary)
	}
	if !strings.Contains(last.Title, " and 5 more by ") {
		t.Errorf("title %q", last.Title)
	}
}

func TestIncidentsAreBounded(t *testing.T) {
	s := correlation().New().(*incidents)
	for i := range maxIncidents + 10 {
		a := alertAt(time.Duration(i)*time.Second, fmt.Sprintf("a%06d", i), "user", fmt.Sprintf("user%d", i), "")
		s.Observe(timed[Alert]{a.Last, a}, func(Incident) {})
	}
	if len(s.Open) != maxIncidents || len(s.Of) != 2*maxIncidents || s.Of["user user9"] != "" || s.Of["user user10"] == "" {
		t.Errorf("%d open, %d names", len(s.Open), len(s.Of))
	}
	late := alertAt(incidentMemory+time.Hour, "z1", "user", "zoe", "")
	s.Observe(timed[Alert]{late.Last, late}, func(Incident) {})
	if len(s.Open) != 1 || len(s.Of) != 2 {
		t.Errorf("%d open, %d names after a long time", len(s.Open), len(s.Of))
	}
}

// compiled makes a compiled rule.
func compiled(t testing.TB, r Rule) *Rule {
	t.Helper()
	if err := r.compile(nil); err != nil {
		t.Fatal(err)
	}
	return &r
}

func clueOf(e Event) *clue { return &clue{at: e.Last, event: &e} }

func TestRuleMatches(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		e    Event
		want bool
	}{
		{Rule{Events: []string{"auth.login_failed"}}, Event{Name: "auth.login_failed"}, true},
		{Rule{Events: []string{"auth.login_failed"}}, Event{Name: "auth.login_failed2"}, false},
		{Rule{Events: []string{"auth.*"}}, Event{Name: "auth.login_failed"}, true},
		{Rule{Events: []string{"auth.*"}}, Event{Name: "authz.access_denied"}, false},
		{Rule{Events: []string{"data.*", "authz.*"}}, Event{Name: "authz.access_denied"}, true},
		{Rule{}, Event{Name: "authz.access_denied"}, true},
		{Rule{Detectors: []string{"d"}}, Event{Name: "a.b", Detector: "d"}, true},
		{Rule{Detectors: []string{"d"}}, Event{Name: "a.b", Detector: "e"}, false},
		{Rule{Of: OfRequests}, Event{Name: "a.b", Detector: "e"}, false},
		{Rule{Of: OfRequests}, Event{Name: "a.b", Detector: Single}, true},
		{Rule{Of: OfEvents}, Event{Name: "a.b", Detector: Single}, false},
		// More than one match: requests are not counted twice.
		{Rule{Threshold: 2}, Event{Name: AccessDenied, Detector: "access-denied"}, false},
		{Rule{Threshold: 2}, Event{Name: AccessDenied, Detector: Single}, true},
		{Rule{Threshold: 2, Of: OfEvents}, Event{Name: AccessDenied, Detector: "access-denied"}, true},
		{Rule{Threshold: 2}, Event{Name: BruteForceDetected, Detector: "brute-force-ip"}, true},
	} {
		if got := compiled(t, c.rule).part(clueOf(c.e)) == 0; got != c.want {
			t.Errorf("%+v, %+v: got %v", c.rule, c.e, got)
		}
	}
}

func eventAt(after time.Duration, id string, count int64) Event {
	return Event{ID: id, Name: "x.y", Detector: "d", Severity: Medium, Outcome: Blocked, ActorType: "user", ActorID: "alice", UserIP: "192.0.2.1",
		First: noon.Add(after), Last: noon.Add(after + time.Minute), Count: count, Summary: "story " + id}
}

func TestAlerting(t *testing.T) {
	rule := compiled(t, Rule{Name: "r", Type: "t", Title: "T", Window: time.Hour})
	grave := eventAt(2*time.Minute, "e3", 5)
	grave.Severity, grave.Outcome, grave.Detector = Critical, Succeeded, "c" // which may tell of the same requests
	early := eventAt(-time.Minute, "e4", 1)
	s := rule.machine().New().(*alerting)
	var out []Alert
	for _, e := range []Event{
		eventAt(0, "e1", 10), eventAt(0, "e1", 25), // the same, grown
		eventAt(time.Minute, "e2", 3), grave, early,
		eventAt(3*time.Minute+time.Hour, "e5", 2),     // within the cool-down
		eventAt(4*time.Minute+2*time.Hour+1, "e6", 1), // after it
		eventAt(0, "e1", 26),                          // of the first alert, told late
	} {
		s.Observe(clueOf(e), func(f judgement) { out = append(out, f.Alert) })
	}
	var got []string
	for _, a := range out {
		got = append(got, fmt.Sprintf("%d %v %s %d %s", slices.IndexFunc(out, func(b Alert) bool { return b.ID == a.ID }),
			a.Severity, a.Outcome, a.Count, strings.Join(a.Events, " ")))
	}
	want := []string{
		"0 medium blocked 10 e1",
		"0 medium blocked 25 e1",
		"0 medium blocked 28 e1 e2",
		"0 critical succeeded 28 e1 e2 e3",
		"0 critical succeeded 29 e1 e2 e3 e4",
		"0 critical succeeded 31 e1 e2 e3 e4 e5",
		"6 medium blocked 1 e6",
		"0 critical succeeded 32 e1 e2 e3 e4 e5",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	a := out[7]
	if !a.First.Equal(early.First) || a.Description != "5 events of at least 32 requests in 65 min; the worst: story e3" ||
		string(a.Metadata) != `{"events":5,"requests":32,"detectors":["c","d"]}` || a.SourceIP != "192.0.2.1" || a.Title != "T" || a.Type != "t" {
		t.Errorf("%+v", a)
	}
	if len(out[0].Events) != 1 || out[0].Description != "story e1" {
		t.Errorf("what was told changed: %+v", out[0])
	}
}

func TestAlertingIsBounded(t *testing.T) {
	rule := compiled(t, Rule{Name: "r", Window: time.Hour, Severity: Low})
	s := rule.machine().New().(*alerting)
	var last Alert
	observe := func(e Event) { s.Observe(clueOf(e), func(f judgement) { last = f.Alert }) }
	for i := range maxCountedEvents + 10 {
		observe(eventAt(time.Duration(i)*time.Second, fmt.Sprint("e", i), 1))
	}
	if len(last.Events) != MaxEvents || last.Count != maxCountedEvents || !strings.HasPrefix(last.Description, "1000 or more events of 1000 requests") || last.Severity != Low {
		t.Errorf("%d events, %+v", len(last.Events), last)
	}
	for i := range 10 {
		observe(eventAt(time.Duration(i+1)*24*time.Hour, fmt.Sprint("f", i), 1))
	}
	if len(s.Open) != maxOpenAlerts {
		t.Errorf("%d open alerts", len(s.Open))
	}
}

// What rules and incidents remember is the same after JSON, and twice the same bytes.
func TestMemoryOfRulesAndIncidents(t *testing.T) {
	s, _ := correlate(alertAt(0, "a1", "user", "alice", "192.0.2.1"), alertAt(1, "b1", "user", "bob", "192.0.2.2"))
	a := compiled(t, Rule{Window: time.Hour}).machine().New().(*alerting)
	a.Observe(clueOf(eventAt(0, "e1", 1)), func(judgement) {})
	for _, c := range []struct{ state, fresh any }{{s, correlation().New()}, {a, &alerting{rule: a.rule}}} {
		saved, err := json.Marshal(c.state)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(saved, c.fresh); err != nil {
			t.Fatal(err)
		}
		again, _ := json.Marshal(c.fresh)
		if string(again) != string(saved) || !utf8.Valid(saved) {
			t.Errorf("saved as\n%s\nthen as\n%s", saved, again)
		}
	}
}
