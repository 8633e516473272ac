package detect

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// What is wrong with rule files is told as the golden file has it.
func TestRuleFileErrors(t *testing.T) {
	const path = "../testdata/rules/errors.txtar"
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".errors") {
			continue
		}
		_, err := LoadRules([]RuleFile{{f.Name, f.Data}}, nil)
		if err == nil {
			t.Errorf("%s: nothing is wrong with it", f.Name)
			continue
		}
		got.Files = append(got.Files, f, txtar.File{Name: f.Name + ".errors", Data: []byte(err.Error() + "\n")})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := string(txtar.Format(archive)); string(txtar.Format(got)) != want {
		t.Errorf("%s differs (make golden writes it anew)\n%s", path, txtar.Format(got))
	}
}

// What a rule prints is read as the same rule.
func TestRulesPrint(t *testing.T) {
	rules := append(Rules(), loadRules(t, manyRules)...)
	rules = append(rules, loadRules(t, `
name: all
doc: "one line: with a colon\n\nand more"
title: "true"
type: own_type
enabled: false
event: [auth.*, data.export]
of: requests
detectors: [request]
condition: {not: [{field: path, operator: regex, value: "^/a\\d\"{"}, {or: [{field: status, operator: in, value: [200, "404", true]}, {field: user, operator: exists}]}]}
threshold: 7
distinct: path
window: 90m
group_by: [user_ip, metadata.x.y]
followed_by: {event: "*", condition: {field: country, operator: not_in, value: $approved_countries}, window: 1h, same: address, title: T, type: t}
cool_down: 2d
severity: low
actions: [escalate_on_call, block_ip]
technique: T1110.001
owasp: API2:2023
`)...)
	for _, r := range rules {
		text := r.YAML()
		again := loadRules(t, text)
		if len(again) != 1 || again[0].YAML() != text {
			t.Errorf("printed as\n%s\nand read as\n%s", text, again[0].YAML())
		}
		a, b := fmt.Sprintf("%+v", plainRule(r)), fmt.Sprintf("%+v", plainRule(again[0]))
		if a != b {
			t.Errorf("%s is read as %s", a, b)
		}
	}
}

// plainRule is what a rule says, without what is made of it.
func plainRule(r *Rule) []any {
	c := func(c *Condition) string {
		var b strings.Builder
		writeCondition(&b, "", c)
		return b.String()
	}
	then := []any{}
	if f := r.FollowedBy; f != nil {
		then = []any{f.Events, c(f.Condition), f.Window, f.Same, f.Title, f.Type}
	}
	events := r.Events
	if len(events) == 0 {
		events = []string{"*"}
	}
	return []any{r.Name, r.Doc, r.Type, r.Title, events, r.Of, r.Detectors, c(r.Condition), r.Threshold, r.Distinct, r.Window, r.GroupBy, then,
		r.CoolDown, r.Severity, r.Actions, r.Technique, r.OWASP, r.Off}
}

// A file changes built-in rules by name, key by key, or as a whole.
func TestOverride(t *testing.T) {
	set, err := LoadRules([]RuleFile{{"a.yaml", []byte(`
- {name: brute-force, severity: low, cool_down: 2h}
- {name: new-device, enabled: false}
- {name: rate-limit, event: security.rate_limit_exceeded, threshold: 5, window: 1m}
- {name: own, event: data.export}
`)}, {"b.yaml", []byte(`{name: own, enabled: false}`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(Rules()); len(set.Rules) != n+1 {
		t.Errorf("%d rules, want %d", len(set.Rules), n+1)
	}
	r := set.Rule("brute-force")
	if r.Severity != Low || r.CoolDown != 2*time.Hour || r.Window != time.Hour || r.Title != "Brute force at a login" || r.Place != "a.yaml:2" {
		t.Errorf("changed: %+v", r)
	}
	if r := set.Rule("new-device"); !r.Off || r.Title == "" || len(r.Detectors) != 1 {
		t.Errorf("switched off: %+v", r)
	}
	if r := set.Rule("rate-limit"); r.Threshold != 5 || len(r.Actions) != 0 || r.Doc != "" {
		t.Errorf("replaced: %+v", r)
	}
	if r := set.Rule("own"); !r.Off {
		t.Errorf("own, switched off: %+v", r)
	}
	if fresh := Rules(); fresh[0].Severity != Info {
		t.Error("the built-in rules have changed")
	}
}

// The hosted product's threat models are read as they are, however their keys are
// written, one or several.
func TestHosted(t *testing.T) {
	for _, text := range []string{
		`{"name":"Compromised account","event_type":"auth.login_failed","condition":{},"threshold":10,"time_window":10,"severity":"high","chained_event_type":"auth.login_success","chain_time_window":15}`,
		`[{"id":"7","orgId":"o","name":"Compromised account","eventType":"auth.login_failed","condition":{},"threshold":"10","timeWindowMinutes":10,"severity":"HIGH","chainedEventType":"auth.login_success","chainTimeWindowMinutes":15,"isActive":true,"createdAt":"2026-03-01","surprise":{"a":1}}]`,
		"{\n\t\"Name\": \"Compromised account\",\n\t\"Event Type\": \"auth.login_failed\",\n\t\"condition\": \"{}\",\n\t\"threshold\": 10,\n\t\"Time Window\": 10,\n\t\"severity\": \"high\",\n\t\"Chained Event Type\": \"auth.login_success\",\n\t\"Chain Time Window\": 15,\n\t\"description\": null\n}",
		"name: compromised-account\nevent_type: auth.login_failed\nthreshold: 10\nwindow: 10m\nchained_event_type: auth.login_success\nchain_window: 0.25h\n", // by who knows ours
	} {
		set, err := LoadRules([]RuleFile{{"m.json", []byte(text)}}, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		r := set.Rule("compromised-account")
		if r.Threshold != 10 || r.Window != 10*time.Minute || r.FollowedBy == nil || r.FollowedBy.Window != 15*time.Minute || r.Off ||
			r.FollowedBy.Title != "Account Compromise Detected after Brute Force" {
			t.Errorf("%s: %+v", text, r)
		}
		if alerts, _ := fired([]*Rule{r}, steps(append(times(10, "30s 192.0.2.1 a auth.login_failed"), "1m 192.0.2.2 a auth.login_success")...)); len(alerts) != 1 || alerts[0].Severity != Critical {
			t.Errorf("%s: %+v", text, alerts)
		}
	}
	set, err := LoadRules([]RuleFile{{"m.json", []byte(`{"name":"Leak","eventType":"data.*","condition":{"logical_operator":"OR","filters":[` +
		`{"field":"metadata.destination_country","operator":"not_in","value":["US","GB"]},{"field":"metadata.record_count","operator":"gt","value":10000}]},"threshold":1,"timeWindow":60,"severity":"critical"}`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := set.Rule("leak"); r.Severity != Critical || len(r.Condition.Conditions) != 2 || r.Condition.Logic != Or {
		t.Errorf("%+v", r)
	}
}

// A rule is silent as long as a list that it asks for is not set.
func TestRuleLists(t *testing.T) {
	for _, r := range BuiltIn(nil) {
		if r.Name == "exfiltration-country" && r.Silent() == nil {
			t.Error("it is not silent")
		}
	}
	for _, r := range BuiltIn(map[string][]string{"approved_countries": {"DE"}}) {
		if r.Name == "exfiltration-country" && r.Silent() != nil {
			t.Errorf("it is silent: %v", r.Silent())
		}
	}
}

// Files made to cost are refused, and at once.
func TestHostileRuleFiles(t *testing.T) {
	many := func(n int, f string) string { return strings.Repeat(f, n) }
	for name, text := range map[string]string{
		"large":           many(maxFile+1, "a"),
		"brackets":        "a: " + many(100_000, "["),
		"braces":          many(100_000, "{a: "),
		"lists":           many(100_000, "- "),
		"conditions":      "name: a\nevent: a.b\ncondition: " + many(maxDepth+2, "{not: ") + "{}" + many(maxDepth+2, "}"),
		"JSON":            many(1000, "[") + many(1000, "]"),
		"aliases":         "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
		"binary":          "a: \x00",
		"pattern":         "name: a\nevent: a.b\ncondition: {field: path, operator: regex, value: \"" + many(maxPattern+1, "a") + "\"}",
		"repeated":        "name: a\nevent: a.b\ncondition: {field: path, operator: regex, value: \"((a{1,1000}){1,1000}){1,1000}\"}",
		"group":           "name: a\nevent: a.b\ncondition: [" + many(maxConditions+1, "{},") + "{}]",
		"rules":           many(maxRules+2, "- {name: a, event: a.b}\n"),
		"merge":           "<<: {name: a}\nevent: a.b",
		"tags":            "name: !!binary aGk=\nevent: a.b",
		"threshold":       "name: a\nevent: a.b\nthreshold: 1e9\nwindow: 1m",
		"window":          "name: a\nevent: a.b\nwindow: 9999999h",
		"not UTF-8 event": "name: a\nevent: \"\xff.b\"",
	} {
		began := time.Now()
		if _, err := LoadRules([]RuleFile{{name, []byte(text)}}, nil); err == nil {
			t.Errorf("%s: taken", name)
		} else if len(err.Error()) > 100_000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if got, err := parseSpan(SpanText(want)); err != nil || got != want {
			t.Errorf("%v is written %s", want, SpanText(want))
		}
	}
	for _, text := range []string{"", "d", "7", "1d2", "213504d", "1000000000d", "-213504d", "100000d2000000h"} {
		if got, err := parseSpan(text); err == nil {
			t.Errorf("%q: read as %v", text, got)
		}
	}
}

// Whatever a rule file says, reading it ends, and what is read can be printed and read
// again.
func FuzzRules(f *testing.F) {
	f.Add(builtIn)
	f.Add(manyRules)
	f.Add(manySigma)
	if archive, err := txtar.ParseFile("../testdata/rules/errors.txtar"); err == nil {
		for _, file := range archive.Files {
			f.Add(string(file.Data))
		}
	}
	requests := steps("0s 192.0.2.1 alice auth.login_failed", "1s 192.0.2.1 alice auth.login_success", "1s 192.0.2.1 - authz.access_denied /a?b=%20")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		set, err := ReadRules("fuzz", []byte(text))
		if err == nil {
			err = set.Compile(nil)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		if len(set.Rules) == 0 {
			return
		}
		fired(set.Rules, requests)
		for _, r := range set.Rules {
			if r.source != "" {
				continue
			}
			printed := r.YAML()
			again, err := ReadRules("again", []byte(printed))
			if err != nil || len(again.Rules) != 1 {
				t.Fatalf("printed as\n%s\n%v", printed, err)
			}
			if err := again.Compile(nil); err != nil {
				t.Fatal(err)
			}
			if got := again.Rules[0].YAML(); got != printed {
				t.Fatalf("printed as\n%s\nthen as\n%s", printed, got)
			}
		}
	})
}
