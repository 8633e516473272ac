package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// What Sigma's fields, modifiers and conditions match.
func TestSigmaMatches(t *testing.T) {
	r := &parsers.Request{Time: noon, Source: &parsers.Source{ID: 1}, Line: 1, ClientIP: "203.0.113.9", Method: "GET", Path: "/Admin/%2e%2e/shell.PHP", Query: "cmd=cat+%2Fetc%2Fpasswd&x=c2VsZWN0&y=%zz",
		Status: 200, Bytes: 512, Duration: -1, Records: -1, UserAgent: `sqlmap/1.7 (a*b\c)`, Referer: "https://example.com/", Host: "example.com"}
	for _, c := range []struct {
		detection string
		want      bool
	}{
		{"{s: {cs-method: get}, condition: s}", true},
		{"{s: {cs-method: GE}, condition: s}", false},
		{"{s: {cs-method: 'G*'}, condition: s}", true},
		{"{s: {cs-method: 'G?T'}, condition: s}", true},
		{"{s: {cs-method|cased: get}, condition: s}", false},
		{"{s: {cs-uri-stem|startswith: /admin}, condition: s}", true},
		{"{s: {cs-uri-stem|endswith: .php}, condition: s}", true},
		{"{s: {cs-uri-stem|contains: '/../'}, condition: s}", true}, // decoded
		{"{s: {cs-uri-stem|contains: '%2e%2e'}, condition: s}", true},
		{"{s: {cs-uri-query|contains: /etc/passwd}, condition: s}", true}, // though not all of it is well encoded
		{"{s: {CS-URI-Query|contains: /etc/passwd}, condition: s}", true},
		{"{s: {cs-uri-query|contains: 'y=%zz'}, condition: s}", true},
		{"{s: {cs-uri|contains: 'shell.php?cmd'}, condition: s}", true},
		{"{s: {c-uri|contains: nothing}, condition: s}", false},
		{"{s: {cs-uri-query|contains: [nothing, passwd]}, condition: s}", true},
		{"{s: {cs-uri-query|contains|all: [nothing, passwd]}, condition: s}", false},
		{"{s: {cs-uri-query|contains|all: [cat, passwd]}, condition: s}", true},
		{`{s: {cs-uri-query|re: "passw(d|ord)"}, condition: s}`, true},
		{`{s: {cs-uri-stem|re: "ADMIN"}, condition: s}`, false},
		{`{s: {cs-uri-stem|re|i: "ADMIN"}, condition: s}`, true},
		{"{s: {c-ip|cidr: 203.0.113.0/24}, condition: s}", true},
		{"{s: {c-ip|cidr: [198.51.100.0/24, '2001:db8::/32']}, condition: s}", false},
		{"{s: {sc-status: 200}, condition: s}", true},
		{"{s: {sc-status: [404, 500]}, condition: s}", false},
		{"{s: {sc-status|gte: 200, sc-status|lt: 300}, condition: s}", true},
		{"{s: {sc-bytes|gt: 512}, condition: s}", false},
		{"{s: {cs-user-agent|contains: SQLMAP}, condition: s}", true},
		{`{s: {c-useragent|contains: 'a\*b\\c'}, condition: s}`, true},
		{`{s: {c-useragent|contains: 'a\*c'}, condition: s}`, false},
		{`{s: {c-useragent: 'sqlmap*'}, condition: s}`, true},
		{"{s: {cs-referer|exists: true}, condition: s}", true},
		{"{s: {cs-username|exists: true}, condition: s}", false},
		{"{s: {cs-username|exists: false}, condition: s}", true},
		{"{s: {cs-username: null}, condition: s}", true},
		{"{s: {cs-username: ''}, condition: s}", true},
		{"{s: {cs-host|fieldref: cs-host}, condition: s}", true},
		{"{s: {cs-host|fieldref: cs-method}, condition: s}", false},
		{"{s: {cs-uri-query|base64offset|contains: select}, condition: s}", true},
		{"{s: {cs-uri-query|base64: select}, condition: s}", true},
		{"{s: {cs-uri-query|base64offset|contains: insert}, condition: s}", false},
		{"{s: {cs-method|neq: POST}, condition: s}", true},
		{"{s: [{cs-method: POST}, {sc-status: 200}], condition: s}", true},
		{"{a: {cs-method: GET}, b: {sc-status: 404}, condition: a and b}", false},
		{"{a: {cs-method: GET}, b: {sc-status: 404}, condition: a or b}", true},
		{"{a: {cs-method: GET}, b: {sc-status: 404}, condition: a and not b}", true},
		{"{a: {cs-method: GET}, b: {sc-status: 404}, c: {sc-status: 404}, condition: b and c or a}", true}, // and first
		{"{a: {cs-method: GET}, b: {sc-status: 404}, c: {sc-status: 404}, condition: b and (c or a)}", false},
		{"{sel_a: {cs-method: GET}, sel_b: {sc-status: 404}, condition: 1 of sel_*}", true},
		{"{sel_a: {cs-method: GET}, sel_b: {sc-status: 404}, condition: all of sel_*}", false},
		{"{sel_a: {cs-method: GET}, _x: {sc-status: 404}, condition: all of them}", true},
		{"{a: {cs-method: GET}, f: {sc-status: 404}, condition: 1 of them and not 1 of f*}", true},
		{"{a: {cs-method: GET}, condition: NOT a}", false},
		{"{a: {cs-method: POST}, b: {cs-method: GET}, condition: [a, b]}", true},
	} {
		rules := loadRules(t, "title: T\nlogsource: {category: webserver}\ndetection: "+c.detection)
		alerts, events := fired(rules, []*parsers.Request{r})
		if (len(alerts) == 1) != c.want {
			t.Errorf("%s: %d alerts", c.detection, len(alerts))
		}
		if c.want && len(alerts) == 1 && events[alerts[0].Events[0]].Name != SuspiciousActivity {
			t.Errorf("%s: %+v", c.detection, events)
		}
	}
}

// Base64 of a text, wherever it stands in what was encoded.
func TestBase64Offsets(t *testing.T) {
	if got := fmt.Sprint(base64Offsets("foobar")); got != "[Zm9vYmFy Zvb2Jhc mb29iYX]" {
		t.Error(got)
	}
}

func TestCorrelations(t *testing.T) {
	const base = `
title: failed
name: failed
logsource: {category: webserver}
detection: {s: {cs-uri-stem: /login}, condition: s}
---
title: admin
id: 7c2d
logsource: {category: webserver}
detection: {s: {cs-uri-stem: /admin}, condition: s}
---
title: together
level: high
tags: [attack.initial-access, attack.t1110.001]
correlation: `
	login, admin := " 192.0.2.1 alice x.y /login", " 192.0.2.1 alice x.y /admin"
	for _, c := range []struct {
		name, correlation string
		steps             []string
		want              int
	}{
		{"enough events", "{type: event_count, rules: [failed], group-by: [c-ip], timespan: 10m, condition: {gte: 3}}", times(3, "1m"+login), 1},
		{"more than", "{type: event_count, rules: failed, group-by: [c-ip], timespan: 10m, condition: {gt: 3}}", times(3, "1m"+login), 0},
		{"too slow", "{type: event_count, rules: [failed], group-by: [c-ip], timespan: 10m, condition: {gte: 3}}", times(3, "5m1s"+login), 0},
		{"two addresses", "{type: event_count, rules: [failed], group-by: [c-ip], timespan: 10m, condition: {gte: 2}}", []string{"0s" + login, "1s 192.0.2.2 alice x.y /login"}, 0},
		{"no group", "{type: event_count, rules: [failed], timespan: 10m, condition: {gte: 2}}", []string{"0s" + login, "1s 192.0.2.2 alice x.y /login"}, 1},
		{"two rules", "{type: event_count, rules: [failed, 7c2d], group-by: [c-ip], timespan: 10m, condition: {gte: 2}}", []string{"0s" + login, "1s" + admin}, 1},
		{"one value", "{type: value_count, rules: [failed], group-by: [c-ip], timespan: 10m, condition: {gte: 2, field: cs-username}}", times(9, "1s"+login), 0},
		{"two values", "{type: value_count, rules: [failed], group-by: [c-ip], timespan: 10m, condition: {gte: 2, field: cs-username}}", []string{"0s" + login, "1s 192.0.2.1 bob x.y /login"}, 1},
		{"temporal", "{type: temporal, rules: [failed, 7c2d], group-by: [c-ip], timespan: 1m}", []string{"0s" + admin, "30s" + login}, 1},
		{"temporal, one alone", "{type: temporal, rules: [failed, 7c2d], group-by: [c-ip], timespan: 1m}", times(5, "1s"+admin), 0},
		{"temporal, too slow", "{type: temporal, rules: [failed, 7c2d], group-by: [c-ip], timespan: 1m}", []string{"0s" + admin, "61s" + login}, 0},
		{"ordered", "{type: temporal_ordered, rules: [failed, 7c2d], group-by: [c-ip], timespan: 1m}", []string{"0s" + login, "30s" + admin}, 1},
		{"ordered, wrong way", "{type: temporal_ordered, rules: [failed, 7c2d], group-by: [c-ip], timespan: 1m}", []string{"0s" + admin, "30s" + login}, 0},
		{"ordered, the latest way", "{type: temporal_ordered, rules: [failed, 7c2d], group-by: [c-ip], timespan: 1m}", []string{"0s" + login, "50s" + login, "30s" + admin}, 1},
		{"ordered, three", "{type: temporal_ordered, rules: [failed, 7c2d, failed], group-by: [c-ip], timespan: 1m}", []string{"0s" + login, "1s" + admin, "1s" + login}, 1},
		{"ordered, three of two", "{type: temporal_ordered, rules: [failed, 7c2d, failed], group-by: [c-ip], timespan: 1m}", []string{"0s" + login, "1s" + admin, "1s" + admin}, 0},
		{"by themselves, too", "{type: event_count, rules: [failed], generate: true, timespan: 10m, condition: {gte: 3}}", times(3, "1m"+login), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			alerts, _ := fired(loadRules(t, base+c.correlation), steps(c.steps...))
			if len(alerts) != c.want {
				t.Fatalf("got %+v", alerts)
			}
			for _, a := range alerts {
				if a.Rule == "together" && a.Severity != High {
					t.Errorf("got %+v", a)
				}
			}
		})
	}
}

// Rules stand beside ours, in one file or several, and are shown as they are written.
func TestSigmaBesideOurs(t *testing.T) {
	const sigma = "title: Web shell\nstatus: test\nlogsource:\n  category: webserver\ndetection:\n  sel:\n    cs-uri-stem|endswith: .php\n  condition: sel\nlevel: high\n"
	set, err := LoadRules([]RuleFile{{"a.yaml", []byte("name: own\nevent: auth.*\n---\n" + sigma)},
		{"b.yaml", []byte("title: Many\ncorrelation: {type: event_count, rules: [Web shell], timespan: 1m, condition: {gte: 2}}\n")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := set.Rule("web-shell")
	if r == nil || r.YAML() != sigma || r.Severity != High || !r.Off || set.Rule("many") == nil || set.Rule("own") == nil {
		t.Errorf("%+v", r)
	}
}

// What looks like the worst of Sigma's patterns takes time that grows with the text
// alone.
func TestSigmaIsLinear(t *testing.T) {
	rules := loadRules(t, "title: T\nlogsource: {category: proxy}\ndetection: {s: {cs-uri-query: '"+strings.Repeat("*a", 100)+"*b'}, condition: s}")
	r := &parsers.Request{Time: noon, ClientIP: "192.0.2.1", Path: "/", Query: strings.Repeat("a", 1<<14)}
	began := time.Now()
	if alerts, _ := fired(rules, []*parsers.Request{r}); len(alerts) != 0 || time.Since(began) > 30*time.Second {
		t.Errorf("%d alerts in %v", len(alerts), time.Since(began))
	}
}
