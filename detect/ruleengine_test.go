package detect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
	"github.com/litesoc/litesoc/parsers"
)

// loadRules reads rules that are right.
func loadRules(t testing.TB, text string) []*Rule {
	t.Helper()
	set, err := ReadRules("rules.yaml", []byte(text))
	if err == nil {
		err = set.Compile(map[string][]string{"approved_countries": {"DE", "US"}})
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return set.Rules
}

// fired leads requests through the rules alone and returns the last word on each alert.
func fired(rules []*Rule, requests []*parsers.Request) (alerts []Alert, events map[string]Event) {
	last := map[string]int{}
	events = map[string]Event{}
	p := NewPipeline(learner(), nil, rules, 1, Sink{
		Event: func(e Event) { events[e.ID] = e },
		Alert: func(a Alert) {
			if i, known := last[a.ID]; known {
				alerts[i] = a
				return
			}
			last[a.ID] = len(alerts)
			alerts = append(alerts, a)
		},
		Incident: func(Incident) {},
	})
	if n := len(requests); n > 0 {
		p.Advance(requests, requests[n-1].Time.Add(1))
	}
	p.Flush()
	return alerts, events
}

// steps makes requests of "after ip user event [path]", each some time after the one
// before it.
func steps(all ...string) []*parsers.Request {
	source := &parsers.Source{ID: 1}
	at := noon
	var requests []*parsers.Request
	for i, s := range all {
		f := strings.Fields(s)
		after, err := time.ParseDuration(f[0])
		if err != nil {
			panic(err)
		}
		at = at.Add(after)
		r := &parsers.Request{Time: at, Source: source, Line: int64(i + 1), ClientIP: f[1], User: strings.TrimPrefix(f[2], "-"), Event: f[3],
			Method: "POST", Path: "/x", Route: "/x", Shape: "/x", Status: 401, Bytes: -1, Duration: -1, Records: -1}
		if len(f) > 4 {
			r.Path, r.Shape, r.Route = f[4], f[4], f[4]
		}
		requests = append(requests, r)
	}
	return requests
}

func times(n int, step string) []string {
	var steps []string
	for range n {
		steps = append(steps, step)
	}
	return steps
}

func TestThreshold(t *testing.T) {
	const three = "{name: r, event: auth.login_failed, threshold: 3, window: 10m}"
	fail := "auth.login_failed"
	for _, c := range []struct {
		name, rule string
		steps      []string
		want       []int64 // requests of each alert
	}{
		{"too few", three, times(2, "1m 192.0.2.1 alice "+fail), nil},
		{"enough", three, times(3, "1m 192.0.2.1 alice "+fail), []int64{3}},
		{"both ends of the window", three, times(3, "5m 192.0.2.1 alice "+fail), []int64{3}},
		{"a second too slow", three, []string{"0s 192.0.2.1 a " + fail, "5m 192.0.2.1 a " + fail, "5m1s 192.0.2.1 a " + fail}, nil},
		{"astride the hour", three, []string{"59m58s 192.0.2.1 a " + fail, "1s 192.0.2.1 a " + fail, "2s 192.0.2.1 a " + fail}, []int64{3}},
		{"the window slides", three, []string{"0s 192.0.2.1 a " + fail, "8m 192.0.2.1 a " + fail, "8m 192.0.2.1 a " + fail, "1m 192.0.2.1 a " + fail}, []int64{3}},
		{"it goes on", three, append(times(3, "1m 192.0.2.1 a "+fail), times(4, "9m 192.0.2.1 a "+fail)...), []int64{7}},
		{"it ends, and begins anew", three, append(times(3, "1m 192.0.2.1 a "+fail), append([]string{"11m 192.0.2.1 a " + fail}, times(2, "1s 192.0.2.1 a "+fail)...)...), []int64{3, 3}},
		{"quiet ends it for good", three, append(times(3, "1m 192.0.2.1 a "+fail), "11m 192.0.2.1 a "+fail), []int64{3}},
		{"two actors", three, []string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.1 b " + fail, "1s 192.0.2.1 a " + fail, "1s 192.0.2.1 b " + fail}, nil},
		{"no actor: the address", three, append(times(2, "1s 192.0.2.1 - "+fail), "1s 192.0.2.2 - "+fail), nil},
		{"no actor: the /64", three, []string{"0s 2001:db8:0:1::1 - " + fail, "1s 2001:db8:0:1::2 - " + fail, "1s 2001:db8:0:1:2::3 - " + fail}, []int64{3}},
		{"no actor: two /64", three, []string{"0s 2001:db8:0:1::1 - " + fail, "1s 2001:db8:0:1::2 - " + fail, "1s 2001:db8:0:2::1 - " + fail}, nil},
		{"by address of a /64", "{name: r, event: auth.login_failed, threshold: 3, window: 10m, group_by: user_ip}",
			[]string{"0s 2001:db8:0:1::1 a " + fail, "1s 2001:db8:0:1::2 b " + fail, "1s 2001:db8:0:1::3 c " + fail}, []int64{3}},
		{"by address", "{name: r, event: auth.login_failed, threshold: 3, window: 10m, group_by: user_ip}",
			[]string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.1 b " + fail, "1s 192.0.2.1 c " + fail}, []int64{3}},
		{"by route", "{name: r, event: auth.login_failed, threshold: 3, window: 10m, group_by: route}",
			[]string{"0s 192.0.2.1 a " + fail + " /a", "1s 192.0.2.2 b " + fail + " /a", "1s 192.0.2.3 c " + fail + " /b", "1s 192.0.2.3 c " + fail + " /a"}, []int64{3}},
		{"by network", "{name: r, event: auth.login_failed, threshold: 3, window: 10m, group_by: network}",
			[]string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.200 b " + fail, "1s 198.51.100.3 c " + fail, "1s 192.0.2.9 c " + fail}, []int64{3}},
		{"by what is null", "{name: r, event: auth.login_failed, threshold: 2, window: 10m, group_by: tenant}", times(5, "1s 192.0.2.1 a "+fail), nil},
		{"by two fields", "{name: r, event: auth.login_failed, threshold: 2, window: 10m, group_by: [user_ip, user]}",
			[]string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.2 a " + fail, "1s 192.0.2.1 b " + fail, "1s 192.0.2.1 a " + fail}, []int64{2}},
		{"by metadata", "{name: r, event: auth.login_failed, threshold: 2, window: 10m, group_by: metadata.endpoint}",
			[]string{"0s 192.0.2.1 a " + fail + " /a", "1s 192.0.2.2 b " + fail + " /a"}, []int64{2}},
		{"all together", "{name: r, event: auth.login_failed, threshold: 3, window: 10m, group_by: none}",
			[]string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.2 b " + fail, "1s 192.0.2.3 c " + fail}, []int64{3}},
		{"distinct, but one account", "{name: r, event: auth.login_failed, threshold: 3, window: 10m, group_by: user_ip, distinct: user}",
			times(9, "1s 192.0.2.1 a "+fail), nil},
		{"distinct accounts", "{name: r, event: auth.login_failed, threshold: 3, window: 10m, group_by: user_ip, distinct: user}",
			[]string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.1 b " + fail, "1s 192.0.2.1 a " + fail, "1s 192.0.2.1 - " + fail, "1s 192.0.2.1 c " + fail}, []int64{3}},
		{"cool-down joins", "{name: r, event: auth.login_failed, threshold: 2, window: 1m, cool_down: 1h}",
			[]string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.1 a " + fail, "30m 192.0.2.1 a " + fail, "1s 192.0.2.1 a " + fail}, []int64{4}},
		{"cool-down does not join one alone", "{name: r, event: auth.login_failed, threshold: 2, window: 1m, cool_down: 1h}",
			[]string{"0s 192.0.2.1 a " + fail, "1s 192.0.2.1 a " + fail, "30m 192.0.2.1 a " + fail}, []int64{2}},
		{"any one", "{name: r, event: auth.*, window: 1m}", []string{"0s 192.0.2.1 a auth.logout", "30s 192.0.2.1 a auth.logout", "2m 192.0.2.1 a auth.logout"}, []int64{2, 1}},
		{"another event", three, times(9, "1s 192.0.2.1 a auth.logout"), nil},
		{"no event at all", "{name: r, event: \"*\"}", times(9, "1s 192.0.2.1 a "+""+" ")[:0], nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			alerts, events := fired(loadRules(t, c.rule), steps(c.steps...))
			var got []int64
			for _, a := range alerts {
				got = append(got, a.Count)
				if len(a.Events) != 1 || events[a.Events[0]].Count != a.Count || len(events[a.Events[0]].Evidence) != int(a.Count) {
					t.Errorf("alert %+v has events %+v", a, events)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Many password resets from one address are told. Whoever the log names may set the passwords
// of others, and those of many addresses are their own affair.
func TestPasswordResets(t *testing.T) {
	resets := func(n int, step func(i int) string) []*parsers.Request {
		var all []string
		for i := range n {
			all = append(all, "10s "+step(i))
		}
		return steps(all...)
	}
	one := func(int) string { return "203.0.113.9 - auth.password_reset" }
	for name, c := range map[string]struct {
		requests []*parsers.Request
		want     int
	}{
		"thirty":         {resets(30, one), 1},
		"one fewer":      {resets(29, one), 0},
		"by a user":      {resets(60, func(int) string { return "203.0.113.9 alice auth.password_reset" }), 0},
		"each its own":   {resets(60, func(i int) string { return fmt.Sprintf("203.0.113.%d - auth.password_reset", i+1) }), 0},
		"failed logins":  {resets(60, func(int) string { return "203.0.113.9 - auth.login_failed" }), 0},
		"slowly, 30 too": {steps(times(30, "21s 203.0.113.9 - auth.password_reset")...), 0},
	} {
		n := 0
		alerts, _ := fired(Rules(), c.requests)
		for _, a := range alerts {
			if a.Rule == "password-resets" {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%s: %d alerts, want %d", name, n, c.want)
		}
	}
}

// What follows must come after the threshold, in time, and share the actor or the
// address.
func TestFollowedBy(t *testing.T) {
	const rule = "{name: r, event: auth.login_failed, threshold: 3, window: 10m, severity: low, " +
		"followed_by: {event: auth.login_success, window: 15m%s}}"
	three := slices.Clip(times(3, "1m 192.0.2.1 alice auth.login_failed"))
	for _, c := range []struct {
		name, more string
		steps      []string
		want       bool
	}{
		{"nothing follows", "", three, false},
		{"same actor and address", "", append(three, "1m 192.0.2.1 alice auth.login_success"), true},
		{"same actor, another address", "", append(three, "1m 192.0.2.2 Alice auth.login_success"), true},
		{"same address, another actor", "", append(three, "1m 192.0.2.1 bob auth.login_success"), true},
		{"neither", "", append(three, "1m 192.0.2.2 bob auth.login_success"), false},
		{"only the actor counts", ", same: actor", append(three, "1m 192.0.2.1 bob auth.login_success"), false},
		{"the actor it is", ", same: actor", append(three, "1m 192.0.2.2 alice auth.login_success"), true},
		{"only the address counts", ", same: address", append(three, "1m 192.0.2.2 alice auth.login_success"), false},
		{"the address it is", ", same: address", append(three, "1m 192.0.2.1 bob auth.login_success"), true},
		{"at the end of the window", "", append(three, "15m 192.0.2.1 alice auth.login_success"), true},
		{"outside the window", "", append(three, "15m1s 192.0.2.1 alice auth.login_success"), false},
		{"before", "", append([]string{"0s 192.0.2.1 alice auth.login_success"}, three...), false},
		{"in between", "", []string{"0s 192.0.2.1 a auth.login_failed", "1s 192.0.2.1 a auth.login_failed", "1s 192.0.2.1 a auth.login_success", "1s 192.0.2.1 a auth.login_failed"}, false},
		{"in the same second, after", "", append(times(3, "0s 192.0.2.1 a auth.login_failed"), "0s 192.0.2.1 a auth.login_success"), true},
		{"in the same second, before", "", append([]string{"0s 192.0.2.1 a auth.login_success"}, times(3, "0s 192.0.2.1 a auth.login_failed")...), false},
		{"the window begins anew while it goes on", "", append(append(three, times(3, "9m 192.0.2.1 alice auth.login_failed")...), "14m 192.0.2.1 alice auth.login_success"), true},
		{"an address of one that was counted", "", []string{"0s 192.0.2.1 a auth.login_failed", "1s 192.0.2.2 a auth.login_failed", "1s 192.0.2.3 a auth.login_failed", "1s 192.0.2.2 b auth.login_success"}, true},
		{"too few", "", append(times(2, "1m 192.0.2.1 alice auth.login_failed"), "1m 192.0.2.1 alice auth.login_success"), false},
		{"a condition that fails", ", condition: {field: path, operator: equals, value: /y}", append(three, "1m 192.0.2.1 alice auth.login_success"), false},
		{"a condition that holds", ", condition: {field: path, operator: equals, value: /y}", append(three, "1m 192.0.2.1 alice auth.login_success /y"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			alerts, _ := fired(loadRules(t, fmt.Sprintf(rule, c.more)), steps(c.steps...))
			if (len(alerts) == 1) != c.want || len(alerts) > 1 {
				t.Fatalf("got %+v", alerts)
			}
			if c.want && (alerts[0].Severity != Critical || alerts[0].Outcome != Succeeded || !strings.Contains(alerts[0].Description, "; then auth.login_success by ")) {
				t.Errorf("got %+v", alerts[0])
			}
		})
	}
}

// A detector tells its event after all requests of the second in which it was made, so
// what follows in that second is told from what comes before by its line.
func TestFollowedByInTheSecondOfAnEvent(t *testing.T) {
	rules := loadRules(t, "{name: r, event: security.brute_force_detected, followed_by: {event: auth.login_success, window: 15m}}")
	for name, log := range map[string]string{
		"after":  "x5 +0s 203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] \"POST /login HTTP/1.1\" 401 0 \"-\" \"-\"\n203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] \"POST /login HTTP/1.1\" 200 0 \"-\" \"-\"\n",
		"before": "203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] \"POST /login HTTP/1.1\" 200 0 \"-\" \"-\"\nx5 +0s 203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] \"POST /login HTTP/1.1\" 401 0 \"-\" \"-\"\n",
	} {
		requests := read(t, parsers.NginxCombined(), strings.ReplaceAll(log, "+0s", "+0ms"))
		alerts := 0
		p := NewPipeline(learner(), []*Detector{BruteForceIP()}, rules, 1, Sink{Event: func(Event) {}, Alert: func(Alert) { alerts++ }, Incident: func(Incident) {}})
		p.Advance(requests, requests[len(requests)-1].Time.Add(1))
		p.Flush()
		if (alerts > 0) != (name == "after") {
			t.Errorf("%s: %d alerts", name, alerts)
		}
	}
}

// Each event of a detector counts once, however often it is told, and requests of its
// name are not counted twice.
func TestEventsCountOnce(t *testing.T) {
	rule := loadRules(t, "{name: r, event: security.brute_force_detected, threshold: 2, window: 1h}")[0]
	s := rule.machine().New().(*alerting)
	var out []Alert
	observe := func(e Event) {
		e.Name = BruteForceDetected
		s.Observe(clueOf(e), func(j judgement) { out = append(out, j.Alert) })
	}
	observe(eventAt(0, "e1", 5))
	observe(eventAt(time.Minute, "e1", 50))
	if len(out) != 0 {
		t.Fatalf("one event makes an alert: %+v", out)
	}
	observe(eventAt(2*time.Minute, "e2", 7))
	if len(out) != 1 || out[0].Count != 57 || len(out[0].Events) != 2 {
		t.Errorf("got %+v", out)
	}
}

// scenes holds rules of every kind.
const manyRules = `
- {name: count, event: auth.login_failed, threshold: 3, window: 5m}
- {name: any, event: "auth*", window: 10m, condition: {field: actor.type, operator: equals, value: user}}
- {name: distinct, event: [auth.login_failed, authz.access_denied], threshold: 3, window: 30m, group_by: user_ip, distinct: path}
- {name: chain, event: auth.login_failed, threshold: 2, window: 5m, cool_down: 1h, followed_by: {event: auth.login_success, window: 15m, same: actor}}
- {name: chained-event, event: security.brute_force_detected, followed_by: {event: "auth.*", window: 15m}}
- {name: both, event: "authz.*", of: events, threshold: 2, window: 2h, group_by: none}
- {name: route, event: authz.access_denied, of: requests, threshold: 4, window: 20m, group_by: route}
`

const manySigma = `
title: probe
name: probe
logsource: {category: webserver}
detection: {s: {cs-uri-stem|startswith: /login, sc-status: 401}, condition: s}
---
title: entry
name: entry
logsource: {category: webserver}
detection: {s: {cs-method: POST, sc-status|lt: 300}, condition: s}
---
title: then
correlation: {type: temporal_ordered, rules: [probe, entry], group-by: [c-ip], timespan: 5m}
---
title: together
correlation: {type: temporal, rules: [probe, entry], group-by: [cs-username], timespan: 1h}
---
title: often
correlation: {type: value_count, rules: [probe], group-by: [c-ip], timespan: 10m, generate: true, condition: {field: cs-username, gte: 2}}
`

// Rules of every kind give the same however the pipeline is run.
func TestRulesManyWays(t *testing.T) {
	seed := rand.Uint64()
	requests := traffic(routeMap(t), seed, 250)
	rules := append(loadRules(t, manyRules), loadRules(t, manySigma)...)
	alerts, _ := fired(rules, requests)
	seen := map[string]bool{}
	for _, a := range alerts {
		seen[a.Rule] = true
	}
	if len(seen) < 4 {
		t.Errorf("seed %d: only %v fire", seed, seen)
	}
	subject := pipelineSubject([]*Detector{BruteForceIP(), DeniedAccess()}, rules)
	subject.Seed = seed
	keyedtest.Check(t, subject, requests)
}

// The groups of a rule that wants something to follow are bounded, and what was
// forgotten is what was quiet for longest.
func TestChainIsBounded(t *testing.T) {
	rule := loadRules(t, "{name: r, event: auth.login_failed, threshold: 2, window: 1h, followed_by: {event: auth.login_success}}")[0]
	s := rule.machine().New().(*chain)
	for i := range maxGroups + 10 {
		e := Event{ID: fmt.Sprint(i), Name: LoginFailed, Detector: Single, ActorType: "user", ActorID: fmt.Sprint(i), First: noon, Last: noon.Add(time.Duration(i) * time.Millisecond)}
		s.Observe(clueOf(e), func(judgement) {})
	}
	if n := len(s.Groups); n > maxGroups || s.Groups["user 0"] != nil || s.Groups[fmt.Sprint("user ", maxGroups+9)] == nil {
		t.Errorf("%d groups", n)
	}
	s.Observe(clueOf(Event{Name: LoginFailed, Detector: Single, ActorType: "user", ActorID: "z", Last: noon.Add(60 * 24 * time.Hour)}), func(judgement) {})
	if len(s.Groups) != 1 {
		t.Errorf("%d groups after a long time", len(s.Groups))
	}
}

// Requests that no rule asks for are not looked at.
func TestOnlyWhatIsAskedFor(t *testing.T) {
	p := NewPipeline(learner(), nil, Rules(), 1, Sink{})
	for event, want := range map[string]bool{"": false, LoginSuccess: false, APIKeyUsed: false, AccessDenied: true} {
		if got := p.asks(event); got != want {
			t.Errorf("%q: %v", event, got)
		}
	}
	p = NewPipeline(learner(), nil, loadRules(t, manySigma), 1, Sink{})
	if !p.asks("") {
		t.Error("Sigma rules look at all requests")
	}
}
