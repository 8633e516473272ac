package detect

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
	"github.com/litesoc/litesoc/parsers"
)

func allowlist(t testing.TB, entries ...AllowEntry) *Allowlist {
	t.Helper()
	for i := range entries {
		entries[i].Reason = "known"
	}
	l, err := NewAllowlist(entries, All(), Rules())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Allowlist) mark(requests []*parsers.Request) []*parsers.Request {
	for _, r := range requests {
		r.Allowed = l.Requests(r)
	}
	return requests
}

// suppressed runs the requests and returns the last form of each alert, by rule and actor,
// with whether it was suppressed, and how many incidents there are.
func suppressed(t testing.TB, l *Allowlist, requests []*parsers.Request) (alerts map[string]bool, incidents int) {
	t.Helper()
	l.mark(requests)
	alerts = map[string]bool{}
	last := map[string]Alert{}
	seen := map[string]bool{}
	p := NewPipeline(learner(), l.Detectors(All()), l.Rules(Rules()), 1, Sink{
		Event: func(Event) {},
		Alert: func(a Alert) {
			if before, ok := last[a.ID]; ok && before.SuppressedBy == "" && a.SuppressedBy != "" {
				t.Errorf("alert %s was not suppressed, and then was", a.ID)
			}
			last[a.ID] = a
		},
		Incident: func(i Incident) { seen[i.ID] = true },
	})
	p.Advance(requests, requests[len(requests)-1].Time.Add(1))
	p.Flush()
	for _, a := range last {
		alerts[a.Rule+" "+a.ActorID] = a.SuppressedBy != ""
	}
	return alerts, len(seen)
}

// What is judged with an allowlist is judged so however the pipeline is run.
func TestAllowlistManyWays(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	l := allowlist(t, AllowEntry{Address: "203.0.113.9", UserAgent: "curl/*"}, AllowEntry{Actor: "mallory", UpTo: "critical"}, AllowEntry{Route: "/api/orders/*"})
	requests := l.mark(read(t, parsers.NginxCombined(), strings.TrimPrefix(attackLog, "\n")))
	keyedtest.Check(t, pipelineSubject(l.Detectors(All()), l.Rules(Rules())), requests)
}

func TestAllowlist(t *testing.T) {
	const scan = `x40 +1s 203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a/thing{n} HTTP/1.1" 404 0 "-" "scan/2"` + "\n"
	for _, c := range []struct {
		name  string
		entry AllowEntry
		log   string
		want  bool
	}{
		{"address", AllowEntry{Address: "203.0.113.9"}, scan, true},
		{"another address", AllowEntry{Address: "203.0.113.8"}, scan, false},
		{"network", AllowEntry{Network: "203.0.113.0/28"}, scan, true},
		{"actor", AllowEntry{Actor: "203.0.113.9"}, scan, true},
		{"route", AllowEntry{Route: "/a/**"}, scan, true},
		{"another route", AllowEntry{Route: "/b/**"}, scan, false},
		{"user agent", AllowEntry{UserAgent: "scan/*"}, scan, true},
		{"user agent in other case", AllowEntry{UserAgent: "Scan/*"}, scan, false},
		{"rule", AllowEntry{Rule: "api-enumeration"}, scan, true},
		{"another rule", AllowEntry{Rule: "rate-limit"}, scan, false},
		{"detector", AllowEntry{Detector: "enumeration"}, scan, true},
		{"all fields", AllowEntry{Address: "203.0.113.9", Route: "/a/*", UserAgent: "scan/2", Rule: "api-enumeration", Detector: "enumeration"}, scan, true},
		{"all but one field", AllowEntry{Address: "203.0.113.9", Route: "/a/*", UserAgent: "scan/3", Rule: "api-enumeration"}, scan, false},
		{"up to medium", AllowEntry{Address: "203.0.113.9", UpTo: "medium"}, scan, false},
		{"ends later", AllowEntry{Address: "203.0.113.9", Expires: "2026-03-01"}, scan, true},
		{"ended before", AllowEntry{Address: "203.0.113.9", Expires: "2026-02-28"}, scan, false},
		{"ends meanwhile", AllowEntry{Address: "203.0.113.9", Expires: "2026-03-01T10:00:35Z"}, scan, false},
		{"another program among them", AllowEntry{Address: "203.0.113.9", UserAgent: "scan/*"},
			scan + `203.0.113.9 - - [01/Mar/2026:10:00:40 +0000] "GET /a/other HTTP/1.1" 404 0 "-" "curl/8"` + "\n", false},
		{"another program at the time of the first", AllowEntry{Address: "203.0.113.9", UserAgent: "scan/*"},
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a/other HTTP/1.1" 404 0 "-" "curl/8"` + "\n" + scan, false},
		{"another program long before", AllowEntry{Address: "203.0.113.9", UserAgent: "scan/*"},
			`203.0.113.9 - - [01/Mar/2026:08:00:00 +0000] "GET /a/other HTTP/1.1" 404 0 "-" "curl/8"` + "\n" + scan, true},
		{"another program long after", AllowEntry{Address: "203.0.113.9", UserAgent: "scan/*"},
			scan + `203.0.113.9 - - [01/Mar/2026:12:00:00 +0000] "GET /a/other HTTP/1.1" 404 0 "-" "curl/8"` + "\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			alerts, incidents := suppressed(t, allowlist(t, c.entry), read(t, parsers.NginxCombined(), c.log))
			got, found := alerts["api-enumeration 203.0.113.9"]
			if !found || got != c.want || (incidents == 0) != c.want {
				t.Errorf("alerts %v, %d incidents", alerts, incidents)
			}
		})
	}
}

// An allowed scan does not hide the account that was taken from the same address.
func TestAllowlistHidesNothingWorse(t *testing.T) {
	requests := read(t, parsers.NginxCombined(), strings.TrimPrefix(attackLog, "\n"))
	alerts, incidents := suppressed(t, allowlist(t, AllowEntry{Address: "203.0.113.9"}), requests)
	if alerts["account-compromise 203.0.113.9"] || !alerts["api-enumeration 203.0.113.9"] || incidents != 1 {
		t.Errorf("alerts %v, %d incidents", alerts, incidents)
	}
}

func TestAllowlistErrors(t *testing.T) {
	for _, c := range []struct {
		entry AllowEntry
		want  string
	}{
		{AllowEntry{Reason: "x"}, "cover everything"},
		{AllowEntry{Address: "192.0.2.1"}, "no reason"},
		{AllowEntry{Address: "192.0.2.1", Reason: " "}, "no reason"},
		{AllowEntry{Address: "192.0.2.1", Network: "192.0.2.0/24", Reason: "x"}, "both"},
		{AllowEntry{Address: "192.0.2.0/24", Reason: "x"}, "no address"},
		{AllowEntry{Address: "fe80::1%eth0", Reason: "x"}, "no address"},
		{AllowEntry{Network: "192.0.2.1/24", Reason: "x"}, "did you mean 192.0.2.0/24"},
		{AllowEntry{Network: "::ffff:192.0.2.0/120", Reason: "x"}, "no CIDR range"},
		{AllowEntry{Route: "/a//b", Reason: "x"}, "empty segment"},
		{AllowEntry{Rule: "nope", Reason: "x"}, `no rule "nope"`},
		{AllowEntry{Detector: "nope", Reason: "x"}, `no detector "nope"`},
		{AllowEntry{Rule: "rate-limit", UpTo: "grave", Reason: "x"}, "up_to"},
		{AllowEntry{Rule: "rate-limit", Expires: "tomorrow", Reason: "x"}, "expires"},
		{AllowEntry{Actor: "a\nb", Reason: "x"}, "control characters"},
	} {
		if _, err := NewAllowlist([]AllowEntry{c.entry}, All(), Rules()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.entry, err, c.want)
		}
	}
	twice := AllowEntry{Rule: "rate-limit", Reason: "x"}
	if _, err := NewAllowlist([]AllowEntry{twice, twice}, All(), Rules()); err == nil || !strings.Contains(err.Error(), "entry 2: matches the same as entry 1") {
		t.Error(err)
	}
}

func TestExcuse(t *testing.T) {
	l := allowlist(t, AllowEntry{Network: "192.0.2.0/28", Rule: "rate-limit", Expires: "2026-03-01"})
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		prefix string
		at     time.Time
		want   bool
	}{
		{"192.0.2.1/32", day, true},
		{"192.0.2.0/24", day, true},
		{"192.0.2.16/32", day, false},
		{"192.0.2.1/32", day.AddDate(0, 0, 1), false},
	} {
		if _, got := l.Excuse(netip.MustParsePrefix(c.prefix), c.at); got != c.want {
			t.Errorf("%s at %s: %t", c.prefix, c.at, got)
		}
	}
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"curl", "curl", true}, {"curl", "curl/8", false}, {"curl*", "curl/8", true}, {"*", "", true}, {"*bot*", "a bot b", true},
		{"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "a-b-c", true}, {"a*b*c", "a-c-b", false},
	} {
		if got := globs(strings.Split(c.pattern, "*"), c.text); got != c.want {
			t.Errorf("%q %q: %t", c.pattern, c.text, got)
		}
	}
}

// Whatever a config holds is an allowlist or an error.
func FuzzAllowlist(f *testing.F) {
	f.Add("- address: 192.0.2.1\n  reason: x\n", "192.0.2.1", "/a", "curl")
	f.Add("- network: 2001:db8::/32\n  route: '**/b'\n  user_agent: '*a*'\n  expires: 2026-03-01\n  reason: x\n", "2001:db8::1", "/a/b", "a")
	f.Fuzz(func(t *testing.T, text, ip, path, agent string) {
		var entries []AllowEntry
		if yaml.UnmarshalWithOptions([]byte(text), &entries, yaml.Strict()) != nil {
			return
		}
		l, err := NewAllowlist(entries, All(), Rules())
		if err != nil {
			return
		}
		for _, i := range l.Requests(&parsers.Request{ClientIP: ip, Path: path, UserAgent: agent}) {
			if int(i) >= len(entries) {
				t.Fatalf("entry %d of %d", i, len(entries))
			}
		}
	})
}

// A watched state survives being saved, twice to the same bytes.
func TestWatchedState(t *testing.T) {
	l := allowlist(t, AllowEntry{Address: "203.0.113.9"})
	d := l.Detectors([]*Detector{Enumeration()})[0]
	s := d.New()
	r := &parsers.Request{Time: noon, ClientIP: "203.0.113.9", Path: "/a", Status: 404}
	r.Allowed = l.Requests(r)
	s.Observe(r, func(Event) {})
	first, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	again := d.New()
	if err := json.Unmarshal(first, again); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(again)
	if err != nil || string(first) != string(second) {
		t.Errorf("%s\n%s\n%v", first, second, err)
	}
}
