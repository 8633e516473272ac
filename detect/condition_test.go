package detect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// holds reads a condition as a rule file has it and asks it of the clue.
func holds(t *testing.T, condition string, c *clue) bool {
	t.Helper()
	f := newRuleFile("test", []byte(condition))
	docs := f.documents([]byte(condition))
	if len(docs) != 1 {
		t.Fatalf("%s: %v", condition, f.err())
	}
	cond := f.condition(docs[0], 0)
	if err := f.err(); err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	if err := cond.compile(nil); err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	return cond.matches(c)
}

// Every operator and alias, on text, numbers, flags, lists and what is not there.
func TestOperators(t *testing.T) {
	e := Event{Name: "data.export", Metadata: json.RawMessage(`{"code":200,"text":"SSH invalid User","n":"15","big":12345678901234567890,` +
		`"yes":true,"none":null,"empty":"","tags":["Red","blue",7],"deep":{"er":{"x":"y"}},"a.b":1,"zero":0,"half":0.5}`)}
	for _, c := range []struct {
		operators, field, value string
		want                    bool
	}{
		{"equals eq", "code", `"200"`, true},
		{"equals eq", "code", `200`, true},
		{"equals eq", "code", `200.0`, true},
		{"equals eq", "code", `201`, false},
		{"equals eq", "text", `"ssh invalid user"`, false}, // as it is written
		{"equals eq", "yes", `true`, true},
		{"equals eq", "yes", `"true"`, true},
		{"equals eq", "big", `12345678901234567890`, true},
		{"equals eq", "big", `12345678901234567891`, false},
		{"equals eq", "tags", `"blue"`, true},
		{"equals eq", "tags", `"7"`, true},
		{"equals eq", "deep.er.x", `y`, true},
		{"equals eq", "a.b", `1`, true},
		{"equals eq", "missing", `""`, false},
		{"equals eq", "missing", `"null"`, false},
		{"equals eq", "empty", `""`, true},
		{"not_equals neq ne", "code", `"200"`, false},
		{"not_equals neq ne", "code", `404`, true},
		{"not_equals neq ne", "missing", `404`, true},
		{"not_equals neq ne", "none", `404`, true},
		{"contains", "text", `"INVALID user"`, true},
		{"contains", "text", `"nobody"`, false},
		{"contains", "code", `0`, true},
		{"contains", "tags", `"RED"`, true},
		{"contains", "missing", `"a"`, false},
		{"not_contains", "text", `"invalid"`, false},
		{"not_contains", "missing", `"a"`, true},
		{"starts_with", "text", `"ssh"`, true},
		{"starts_with", "text", `"user"`, false},
		{"ends_with", "text", `"USER"`, true},
		{"ends_with", "text", `"ssh"`, false},
		{"gt greater_than", "code", `199`, true},
		{"gt greater_than", "code", `200`, false},
		{"gt greater_than", "n", `"9"`, true}, // as numbers, not as texts
		{"gt greater_than", "text", `1`, false},
		{"gt greater_than", "yes", `0`, false},
		{"gt greater_than", "missing", `-1`, false},
		{"gt greater_than", "empty", `-1`, false},
		{"gte greater_than_or_equal", "code", `200`, true},
		{"gte greater_than_or_equal", "code", `201`, false},
		{"lt less_than", "code", `201`, true},
		{"lt less_than", "code", `200`, false},
		{"lt less_than", "missing", `1`, false},
		{"lt less_than", "half", `0.6`, true},
		{"lte less_than_or_equal", "code", `200`, true},
		{"lte less_than_or_equal", "code", `199`, false},
		{"in", "code", `[404, "200"]`, true},
		{"in", "code", `[404]`, false},
		{"in", "tags", `[blue]`, true},
		{"in", "missing", `[a]`, false},
		{"in", "code", `[]`, false},
		{"not_in", "code", `[404, "200"]`, false},
		{"not_in", "code", `[404]`, true},
		{"not_in", "missing", `[404]`, true},
		{"exists", "zero", ``, true},
		{"exists", "empty", ``, true},
		{"exists", "deep", ``, true},
		{"exists", "none", ``, false},
		{"exists", "missing", ``, false},
		{"exists", "deep.er.z", ``, false},
		{"not_exists", "none", ``, true},
		{"not_exists", "zero", ``, false},
		{"regex", "text", `"^ssh .* USER$"`, true},
		{"regex", "text", `"^user"`, false},
		{"regex", "code", `"^2"`, true},
		{"regex", "missing", `""`, false},
	} {
		for _, operator := range strings.Fields(c.operators) {
			condition := fmt.Sprintf("{field: metadata.%s, operator: %s, value: %s}", c.field, operator, c.value)
			if c.value == "" {
				condition = fmt.Sprintf("{field: metadata.%s, operator: %s}", c.field, operator)
			}
			if got := holds(t, condition, clueOf(e)); got != c.want {
				t.Errorf("%s: got %v", condition, got)
			}
		}
	}
	if n := len(Operators()); n != 15+7 {
		t.Errorf("%d operators and aliases", n)
	}
}

func TestGroups(t *testing.T) {
	c := clueOf(Event{Name: "a.b", Severity: Medium, Outcome: Blocked, ActorID: "alice", ActorType: "user"})
	yes, no := "{field: actor.id, operator: equals, value: alice}", "{field: event, operator: equals, value: x.y}"
	for _, tc := range []struct {
		condition string
		want      bool
	}{
		{"{}", true},
		{"{logical_operator: and, conditions: [" + yes + ", " + no + "]}", false},
		{"{logical_operator: AND, filters: [" + yes + ", " + yes + "]}", true},
		{"{logical_operator: OR, rules: [" + no + ", " + yes + "]}", true},
		{"{logicalOperator: or, rules: [" + no + "]}", false},
		{"{rules: [" + yes + ", " + no + "]}", false}, // and
		{"{logical_operator: not, conditions: [" + no + "]}", true},
		{"{logical_operator: NOT, conditions: [" + no + ", " + yes + "]}", false},
		{"{not: " + yes + "}", false},
		{"{or: [" + no + ", {and: [" + yes + ", {not: [" + no + "]}]}]}", true},
		{"[" + yes + ", " + no + "]", false},
		{"{logical_operator: and, conditions: []}", true},
		{"{logical_operator: or, conditions: []}", false},
		{"{field: severity, operator: gte, value: medium}", true},
		{"{field: severity, operator: gt, value: medium}", false},
		{"{field: severity, operator: lt, value: high}", true},
		{"{field: severity, operator: equals, value: medium}", true},
	} {
		if got := holds(t, tc.condition, c); got != tc.want {
			t.Errorf("%s: got %v", tc.condition, got)
		}
	}
}

// Fields of requests, and what is known of where they are from.
func TestFields(t *testing.T) {
	r := &parsers.Request{Time: noon, ClientIP: "203.0.113.9", User: "alice@example.com", Method: "GET", Path: "/api/report.CSV", Query: "a=1",
		Route: "/api/report.CSV", Status: 403, Bytes: 17, Duration: -1, Records: -1, Tenant: "org_a", UserAgent: "curl/8.5.0", Event: AccessDenied,
		Host: "api.example.com", Origin: &parsers.Origin{Country: "DE", City: "Berlin", ASN: 64500, Org: "Example", RadiusKM: 10, Latitude: 52.5, Traits: parsers.VPN, Checked: parsers.VPN | parsers.Tor}}
	c := &clue{at: noon, request: r}
	for field, want := range map[string]string{
		"event": "authz.access_denied", "standard_event": "authz.access_denied", "severity": "low", "outcome": "blocked", "detector": "request",
		"count": "1", "actor.id": "alice@example.com", "actor_id": "alice@example.com", "actor.type": "user", "actor.email": "alice@example.com",
		"user": "alice@example.com", "user_ip": "203.0.113.9", "client_ip": "203.0.113.9", "country": "DE", "network": "AS64500",
		"method": "GET", "path": "/api/report.CSV", "query": "a=1", "status": "403", "bytes": "17", "duration_ms": "", "records": "", "tenant": "org_a",
		"tenant_mismatch": "false", "host": "api.example.com", "user_agent": "curl/8.5.0", "referer": "", "api_key": "", "actor.role": "",
		"metadata.geo.country": "DE", "metadata.geo.city": "Berlin", "metadata.geo.latitude": "52.5", "metadata.destination_country": "DE",
		"metadata.network_intelligence.is_vpn": "true", "metadata.network_intelligence.is_tor": "false", "metadata.network_intelligence.is_proxy": "",
		"metadata.network_intelligence.is_datacenter": "", "metadata.network_intelligence.network_type": "vpn",
		"metadata.network_intelligence.asn": "64500", "metadata.network_intelligence.isp": "Example", "metadata.method": "GET",
		"metadata.endpoint": "/api/report.CSV", "metadata.error_code": "403", "metadata.file_type": "csv", "metadata.record_count": "",
		"metadata.ip_address": "203.0.113.9", "metadata.nothing": "", "metadata.geo.nothing": "",
	} {
		of, err := fieldOf(field)
		if err != nil {
			t.Errorf("%s: %v", field, err)
			continue
		}
		if got := of(c); got.text != want {
			t.Errorf("%s: got %q, want %q", field, got.text, want)
		}
	}
	for _, f := range fields {
		if f.doc == "" {
			t.Errorf("%s has no doc", f.name)
		}
		f.of(clueOf(Event{})) // of an event of a detector, too
		f.of(&clue{request: &parsers.Request{}})
	}
	event := clueOf(Event{UserIP: "198.51.100.7", Metadata: json.RawMessage(`{"requested_org":"b","actual_org":"a","records_fetched":7}`)})
	event.origins = func(ip string) *parsers.Origin { return &parsers.Origin{Country: "BR"} }
	for field, want := range map[string]string{"metadata.geo.country": "BR", "country": "BR", "tenant_mismatch": "true", "metadata.record_count": "7", "path": ""} {
		of, _ := fieldOf(field)
		if got := of(event); got.text != want {
			t.Errorf("%s: got %q, want %q", field, got.text, want)
		}
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"eqals": "equals", "startsWith": "starts_with", "greater-than": "greater_than", "xyzzy": "", "": "",
		strings.Repeat("e", 500): ""} {
		if got := Nearest(word, Operators()); got != want && !(want == "" && got == "") {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	if !slices.IsSorted([]int{edits("", "abc"), edits("kitten", "sitting") + 1}) || edits("kitten", "sitting") != 3 {
		t.Error("edits")
	}
}
