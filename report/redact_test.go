package report

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// Names of people and places that no redacted report may tell.
var planted = []string{
	"203.0.113.77", "198.51.100.23", "2001:db8:aaaa:bbbb::77", "mallory", "zoe.quill@corp.example", "corp.example", "Ünal", "73311",
	"key_0123456789ab", "tok_0123456789ab", "ses_fedcba987654", "org_northwind", "org_fabrikam", "hooks.intranet.example", "evt_00000000000000aa", "inc_00000000000000aa",
	"quentin", "yolanda%20d", "hooli", "sk_live_4242", "rosalind", "the owner is tamsin", // in paths and notes alone
	"o'hara", "a-name-that-a-sentence-cuts-short-because-it-is-far-too-long",
}

// Those of them that stand in paths and notes alone.
var alone = []string{"quentin", "yolanda%20d", "hooli", "sk_live_4242", "rosalind", "the owner is tamsin"}

// tellingAll is a report in which every planted name stands wherever it may.
func tellingAll() *Report {
	all := strings.Join(slices.DeleteFunc(slices.Clone(planted), func(name string) bool { return slices.Contains(alone, name) }), " ") +
		` "GET /api/v1/users/quentin/files" /people/Yolanda%20D?x=1 "/orgs/hooli/users/me", /login?user=rosalind&api_key=sk_live_4242 GET /users/mallory/files?mail=zoe.quill%40corp.example http://hooks.intranet.example:8080/x [2001:db8:aaaa:bbbb::77]:443, ` +
		`user "` + planted[len(planted)-1][:30] + `…" of '%C3%9Cnal' and 203.0.113.77. At 05:40:00 (threshold: 5 within 300 s).`
	r := withFailures()
	r.Events, r.Alerts, r.Incidents = nil, nil, nil
	r.Log.TopClients = []Count{{"203.0.113.77", 9}}
	r.Log.TopRoutes = []Count{{"/users/mallory/files", 9}}
	r.Log.Rejects = []Reject{{Reason: "not JSON", Count: 1, Sample: all}}
	for i, who := range []struct{ id, typ string }{
		{"203.0.113.77", "ip"}, {"2001:db8:aaaa:bbbb::77", "ip"}, {"mallory", "user"}, {"zoe.quill@corp.example", "user"}, {"Ünal", "user"}, {"73311", "user"},
		{"key_0123456789ab", "api_key"}, {"tok_0123456789ab", "token"}, {"o'hara", "user"}, {planted[len(planted)-1], "user"},
	} {
		at := time.Date(2026, 3, 1, 10, i, 0, 0, time.UTC)
		e := Event{Event: detect.Event{
			ID: fmt.Sprintf("evt_%016x", 0xaa+i), Name: "auth.login_failed", Detector: "brute-force-ip", ActorID: who.id, ActorType: who.typ, UserIP: "198.51.100.23",
			Route: "/users/mallory/files", First: at, Last: at, Count: 5, Summary: all, Outcome: "attempted",
			Metadata: detect.Meta("requested_org", "org_fabrikam", "actual_org", "org_northwind", "account_list", []string{"mallory", "Ünal"},
				"provided_url", "http://hooks.intranet.example:8080/x", "sample", all, "window_seconds", 300),
		}}
		a := Alert{Alert: detect.Alert{
			ID: fmt.Sprintf("alt_%016x", 0xaa+i), Type: "brute_force_attack", Rule: "brute-force", Title: "Brute force by " + who.id, Description: all,
			ActorID: who.id, ActorType: who.typ, SourceIP: "203.0.113.77", First: at, Last: at, Count: 5, Events: []string{e.ID}, Outcome: "attempted", Metadata: e.Metadata,
		}, Status: Resolved, IncidentID: "inc_00000000000000aa", ResolvedBy: "mallory", Note: "the owner is tamsin"}
		r.Events, r.Alerts = append(r.Events, e), append(r.Alerts, a)
	}
	in := Incident{Incident: detect.Incident{ID: "inc_00000000000000aa", Title: "Brute force by mallory", Summary: all, IPs: []string{"203.0.113.77"}, Outcome: "attempted",
		First: r.Events[0].First, Last: r.Events[0].Last, Reasons: []string{all}},
		Status: Open, Addresses: []Address{{IP: "203.0.113.77", Country: "DE"}}, NextSteps: []string{all}, Handled: []string{all, "alt_00000000000000aa: resolved by mallory: the owner is tamsin"},
		SQL: "select ts from requests where client_ip in ('203.0.113.77', '198.51.100.23') and user_id = 'o''hara'"}
	for _, e := range r.Events {
		in.Actors = append(in.Actors, e.ActorID)
		in.Timeline = append(in.Timeline, Step{At: e.First, Until: e.Last, Event: e.ID, Name: e.Name, Count: 5, Summary: all, Outcome: "attempted"})
	}
	for _, a := range r.Alerts {
		in.Alerts = append(in.Alerts, a.ID)
	}
	r.Incidents = []Incident{in}
	r.Run.DB = "/srv/clients/northwind/litesoc.duckdb"
	r.Run.Sources = []Source{{Path: "/srv/clients/northwind/access.log", Format: "json", Lines: 9, Parsed: 9}}
	r.Run.Notes = []string{"/srv/clients/northwind/b.log is the same log as /srv/clients/northwind/access.log"}
	r.Run.Evidence = map[string][]Place{r.Events[0].ID: {{File: "/srv/clients/northwind/access.log", Line: 3}}}
	r.Run.Failures = []Failure{{Path: "/srv/clients/northwind/c.log", Error: "open /srv/clients/northwind/c.log: gone"}}
	return r
}

// No format tells a planted name once the report is redacted, and what a report joins by
// is still joined.
func TestRedact(t *testing.T) {
	r := tellingAll()
	r.Redact([]byte("k"))
	for _, f := range All() {
		out := bytes.ToLower(write(t, f, r, Look{Width: 160}))
		for _, name := range append([]string{"srv", "northwind", "2001:db8:aaaa:bbbb:"}, planted...) {
			if bytes.Contains(out, bytes.ToLower([]byte(name))) {
				i := bytes.Index(out, bytes.ToLower([]byte(name)))
				t.Errorf("%s tells %q: …%s…", f.Name, name, out[max(i-60, 0):min(i+60, len(out))])
			}
		}
	}
	a, e, in := r.Alerts[0], r.Events[0], r.Incidents[0]
	if a.SourceIP != in.IPs[0] || in.IPs[0] != in.Addresses[0].IP || !strings.Contains(in.SQL, a.SourceIP) || !strings.Contains(e.Summary, a.SourceIP+". At") {
		t.Errorf("an address has several pseudonyms: %q %q %q", a.SourceIP, in.IPs, in.SQL)
	}
	if a.Events[0] != e.ID || in.Alerts[0] != a.ID || in.Timeline[0].Event != e.ID || a.IncidentID != in.ID || len(r.Run.Evidence[e.ID]) != 1 {
		t.Errorf("ids do not join: %q %q %q", a.Events, e.ID, in.Alerts)
	}
	if who := r.Alerts[2].ActorID; who != in.Actors[2] || !strings.HasSuffix(r.Alerts[2].Title, " "+who) || !strings.Contains(e.Summary, "/users/"+who+"/files") {
		t.Errorf("a user has several pseudonyms: %q, %q, %q", who, r.Alerts[2].Title, e.Summary)
	}
	if note := r.Alerts[0].Note; note != r.Alerts[1].Note || !strings.HasSuffix(in.Handled[1], ": "+note) {
		t.Errorf("a note has several pseudonyms: %q, %q, %q", note, r.Alerts[1].Note, in.Handled)
	}
	if !regexp.MustCompile(`GET /api/v1/users/user-[0-9a-f]{8}/files" /people/user-[0-9a-f]{8}\?x=1 "/orgs/tenant-[0-9a-f]{8}/users/me", /login\?user=user-[0-9a-f]{8}&api_key=key-[0-9a-f]{8} GET`).MatchString(e.Summary) {
		t.Errorf("paths are not what they were but for names: %q", e.Summary)
	}
	for _, want := range []string{"At 05:40:00 (threshold: 5 within 300 s)", "GET /"} {
		if !strings.Contains(e.Summary, want) {
			t.Errorf("%q is gone: %q", want, e.Summary)
		}
	}
	for _, ip := range []string{e.UserIP, r.Alerts[1].ActorID} {
		if _, err := netip.ParseAddr(ip); err != nil {
			t.Errorf("no address any more: %v", err)
		}
	}
	if p := r.Run.Sources[0].Path; p != "access.log" || r.Run.Notes[0] != "b.log is the same log as access.log" {
		t.Errorf("folders are told: %q, %q", p, r.Run.Notes)
	}
}

// The same key gives the same report, another key another one.
func TestRedactByKey(t *testing.T) {
	redacted := func(key string) []byte {
		r := tellingAll()
		r.Redact([]byte(key))
		return write(t, JSON(), r, Look{})
	}
	if !bytes.Equal(redacted("one"), redacted("one")) {
		t.Error("the same key gives another report")
	}
	if bytes.Equal(redacted("one"), redacted("two")) {
		t.Error("the key does not matter")
	}
}

// Addresses of one network stay together, and no two addresses have one pseudonym.
func TestRedactAddresses(t *testing.T) {
	x := &redaction{key: []byte("k"), nets: map[string]string{}, taken: map[string]bool{}}
	seen := map[string]bool{}
	for i := range 256 {
		net := ""
		for j := range 256 {
			out := x.address(netip.AddrFrom4([4]byte{203, 0, byte(i), byte(j)}))
			if seen[out] {
				t.Fatalf("203.0.%d.%d: %s was given out before", i, j, out)
			}
			seen[out] = true
			begin := out[:strings.LastIndexByte(out, '.')]
			if net != "" && begin != net {
				t.Fatalf("203.0.%d.0/24 is torn apart: %s, %s", i, net, begin)
			}
			net = begin
		}
	}
	for _, stays := range []string{"127.0.0.1", "::1", "169.254.169.254"} {
		if got := x.address(netip.MustParseAddr(stays)); got != stays {
			t.Errorf("%s became %s", stays, got)
		}
	}
}
