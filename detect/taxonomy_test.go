package detect

import (
	"slices"
	"strings"
	"testing"
)

func TestTaxonomy(t *testing.T) {
	groups := map[string]int{}
	seen := map[string]bool{}
	for _, e := range Taxonomy() {
		if seen[e.Name] {
			t.Errorf("%s stands twice", e.Name)
		}
		seen[e.Name] = true
		if group, _, _ := strings.Cut(e.Name, "."); group != e.Group {
			t.Errorf("%s is in group %q", e.Name, e.Group)
		}
		if e.StandardEvent == e.Name {
			groups[e.Group]++
		}
		if e.Single > e.Severity {
			t.Errorf("%s is worse alone (%v) than as a pattern (%v)", e.Name, e.Single, e.Severity)
		}
		if e.StandardEvent == "" {
			continue
		}
		if s, ok := EventTypeOf(e.StandardEvent); !ok || s.StandardEvent != s.Name {
			t.Errorf("%s comes nearest to %q, which is not standard", e.Name, e.StandardEvent)
		}
	}
	// 26 standard names, and the guide's nine, two of which are among them.
	want := map[string]int{"auth": 8, "authz": 4, "admin": 7, "data": 3, "security": 4}
	for group, n := range want {
		if groups[group] != n {
			t.Errorf("group %s has %d standard events, want %d", group, groups[group], n)
		}
	}
	if n := len(Taxonomy()); n != 26+9-2 {
		t.Errorf("%d event types, want 33", n)
	}
	for _, e := range []struct {
		name     string
		severity Severity
		api      string // where a pattern detector says so
		standard string
	}{
		{APIKeyUsed, Info, "info", ""},
		{APIKeyInvalid, Medium, "warning", LoginFailed},
		{AccessDenied, High, "critical", AccessDenied},
		{PermissionDenied, Medium, "warning", AccessDenied},
		{APIEnumerationDetected, High, "critical", SuspiciousActivity},
		{RateLimitExceeded, Medium, "warning", RateLimitExceeded},
		{SSRFAttemptBlocked, Critical, "critical", SuspiciousActivity},
		{BulkExport, High, "critical", Export},
		{RecordDeleted, Medium, "warning", BulkDelete},
	} {
		got, ok := EventTypeOf(e.name)
		if !ok || got.Severity != e.severity || got.Severity.API(true) != e.api || got.StandardEvent != e.standard {
			t.Errorf("%s: got %+v (%s), want %v, %s, %q", e.name, got, got.Severity.API(true), e.severity, e.api, e.standard)
		}
	}
	if _, ok := EventTypeOf("auth.nothing"); ok {
		t.Error("auth.nothing is an event type")
	}
}

// longestPart is how long, in bytes, a part of a doc is at most: eight lines of a terminal.
const longestPart = 640

func TestDetectorsAreWhole(t *testing.T) {
	var names []string
	for _, d := range All() {
		if slices.Contains(names, d.Name) {
			t.Errorf("two detectors named %s", d.Name)
		}
		names = append(names, d.Name)
		if _, ok := EventTypeOf(d.Type); !ok {
			t.Errorf("%s: type %q is not in the taxonomy", d.Name, d.Type)
		}
		if first, rest, _ := strings.Cut(d.Doc, "\n\n"); first == "" || rest == "" || strings.Contains(first, "\n") {
			t.Errorf("%s: doc is not one line, an empty one and the story: %q", d.Name, d.Doc)
		}
		for part := range strings.SplitSeq(d.Doc, "\n\n") {
			if len(part) > longestPart && !strings.HasPrefix(part, "- ") {
				t.Errorf("%s: a part of the doc that nobody reads to its end: %q", d.Name, part)
			}
		}
		if d.Severity == Info || d.Technique == "" || d.OWASP == "" || d.Match == nil || d.GroupBy == nil || d.TTL == nil || d.New == nil {
			t.Errorf("%s lacks something: %+v", d.Name, d)
		}
	}
}

func TestRulesAreWhole(t *testing.T) {
	var names []string
	for _, r := range Rules() {
		if slices.Contains(names, r.Name) {
			t.Errorf("two rules named %s", r.Name)
		}
		names = append(names, r.Name)
		if r.Doc == "" || r.Type == "" || r.Title == "" || r.Window == 0 {
			t.Errorf("%s lacks something: %+v", r.Name, r)
		}
		if len(r.Events) == 0 && len(r.Detectors) == 0 || len(r.Events) == 1 && r.Events[0] == "*" && len(r.Detectors) == 0 {
			t.Errorf("%s alerts of everything", r.Name)
		}
	}
	for _, d := range All() {
		if !slices.ContainsFunc(Rules(), func(r *Rule) bool {
			return r.part(clueOf(Event{Name: d.Type, Severity: Critical, Confidence: 1, Count: 1000, Detector: d.Name})) == 0
		}) {
			t.Errorf("no rule alerts of detector %s", d.Name)
		}
	}
}
