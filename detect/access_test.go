package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// set returns the detector with settings: name, value, name, value.
func set(t testing.TB, d *Detector, settings ...string) *Detector {
	t.Helper()
	for i := 0; i < len(settings); i += 2 {
		if err := d.Flags.Set(settings[i], settings[i+1]); err != nil {
			t.Fatalf("%s: setting %s to %q: %v", d.Name, settings[i], settings[i+1], err)
		}
	}
	return d
}

// requestOf reads "STATUS METHOD TARGET" as a request of a user, or of an address where
// user is "".
func requestOf(t testing.TB, user, line string) *parsers.Request {
	t.Helper()
	f := strings.Fields(line)
	if len(f) != 3 || len(f[0]) != 3 {
		t.Fatalf("%q is not STATUS METHOD TARGET", line)
	}
	n, ok := number(f[0])
	if !ok {
		t.Fatalf("%q begins with no status", line)
	}
	r := &parsers.Request{Time: noon, ClientIP: "192.0.2.1", User: user, Method: f[1], Status: int(n)}
	r.Path, r.Query, _ = strings.Cut(f[2], "?")
	r.Shape = parsers.Route(r.Path)
	r.Route = r.Shape
	return r
}

// Answers 403 on routes that depend on the plan are for one detector, all others for the
// other one.
func TestPlanRoutes(t *testing.T) {
	const patterns = "/api/reports/**, **/audit-log|audit_log"
	denied, gated := set(t, DeniedAccess(), "plan-routes", patterns), set(t, DeniedPermission(), "plan-routes", patterns)
	for _, test := range []struct {
		line          string
		denied, gated bool
	}{
		{"403 GET /api/reports/41", false, true},
		{"403 GET /api/REPORTS/41;v=1", false, true},
		{"403 GET /api/%72eports/41", false, true},
		{"403 POST /orgs/7/audit_log/", false, true},
		{"403 GET /api/report", true, false},
		{"402 GET /api/report", false, true},
		{"404 GET /api/reports/41", false, false},
		{"403 OPTIONS /api/reports/41", false, false},
		{"403 OPTIONS /api/other", false, false},
		{"403 GET /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/audit-log", true, false}, // too deep for a pattern
	} {
		r := requestOf(t, "paul", test.line)
		if got := denied.Match(r); got != test.denied {
			t.Errorf("%s: access-denied %v", test.line, got)
		}
		if got := gated.Match(r); got != test.gated {
			t.Errorf("%s: permission-denied %v", test.line, got)
		}
	}
}

// What is said of admin routes holds for those of the site's own as well.
func TestOwnAdminRoutes(t *testing.T) {
	own := &routeList{}
	if err := own.Set("/ops/**"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		line       string
		grave, let bool
	}{
		{"200 GET /ops/deploys", true, true},
		{"200 GET /shops/7", false, false},
		{"200 GET /api/admin/users", true, true},
		{"302 GET /ops/deploys", true, false},
		{"200 GET /ops/login", true, false},
	} {
		r := requestOf(t, "", test.line)
		r.Route = r.Path
		if grave, let := graveRoute(r, own), letIntoAdmin(r, own); grave != test.grave || let != test.let {
			t.Errorf("%s: grave %v, let in %v; want %v, %v", test.line, grave, let, test.grave, test.let)
		}
	}
	for _, d := range []*Detector{AdminProbe(), RoleTampering(), KeyRoutes(), SuspiciousNetwork()} {
		set(t, d, "admin-routes", "/ops/**")
	}
}

func TestAdminRoutes(t *testing.T) {
	d := set(t, AdminProbe(), "admin-routes", "/ops/**", "admins", "paul,key_0123456789ab")
	for _, test := range []struct {
		user, line string
		want       bool
	}{
		{"", "403 GET /admin", true},
		{"", "403 GET /v2/Admin/users", true},
		{"", "404 GET /orgs/7/admin/users", true},
		{"", "302 GET /wp-admin/", true},
		{"", "200 GET /wp-admin/", true},
		{"", "403 GET /ops/deploys", true},
		{"", "404 GET /de/manager/html", true},
		{"", "405 PUT /actuator/env", true},
		{"paul", "403 GET /admin", false},
		{"", "301 GET /admin", false},
		{"", "429 GET /admin", false},
		{"", "403 GET /shops/7/manager", false},
		{"", "403 GET /a/b/c/d/admin", false},
		{"", "403 GET /administer-first-aid", false},
		{"", "403 GET /blog/admin", false},
		{"", "403 GET /u/admin", false},
		{"", "403 GET /api/roles/admin", false},
		{"", "404 GET /admin/main.js", false},
		{"", "400 GET /", false},
	} {
		if got := d.Match(requestOf(t, test.user, test.line)); got != test.want {
			t.Errorf("%s by %q: %v, want %v", test.line, test.user, got, test.want)
		}
	}
}

// First letters and lengths rule out no word, however it is written.
func TestWordsAtAGlance(t *testing.T) {
	spellings := []func(string) string{
		func(s string) string { return s },
		strings.ToUpper,
		func(s string) string { return "_" + s },
		func(s string) string { return "-" + s[:1] + "__" + s[1:] + "-" },
	}
	words := &wordList{}
	if err := words.Set("org_id,tenant,a,workspace-slug"); err != nil {
		t.Fatal(err)
	}
	for _, word := range words.items {
		for _, spelled := range spellings {
			if text := spelled(word); !words.has(text) {
				t.Errorf("%q is not found", text)
			}
		}
	}
	for word := range adminWords {
		for _, path := range []string{"/" + word, "//API/" + strings.ToUpper(word) + ";a=1/x", "/v1/%" + fmt.Sprintf("%x", word[0]) + word[1:]} {
			if !adminPath(path) {
				t.Errorf("%q is not found", path)
			}
		}
	}
}

// Who is named as an admin makes events of low severity, or none.
func TestKnownAdmins(t *testing.T) {
	if set(t, RoleTampering(), "admins", "paul").Match(requestOf(t, "paul", "200 POST /api/me?role=admin")) {
		t.Error("a known admin tampers with roles")
	}
	d := set(t, CrossTenant(), "admins", "paul, omar")
	for user, want := range map[string]Severity{"omar": Low, "nina": Critical} {
		r := requestOf(t, user, "200 GET /api/reports?org_id=org_xyz987")
		r.Tenant = "org_abc123"
		var got []Event
		d.New().Observe(r, func(e Event) { got = append(got, e) })
		if len(got) != 1 || got[0].Severity != want || got[0].Name != SensitiveAccess {
			t.Errorf("%s: got %+v, want one event of severity %v", user, got, want)
		}
	}
}

// A state that is told of the end of a quiet time more than once says its last word once,
// and remembers what it has learned.
func TestEndedEpisodes(t *testing.T) {
	for _, test := range []struct {
		d     *Detector
		lines []string
	}{
		{CrossTenant(), []string{"403 GET /r?org=org_xyz987", "403 GET /r?org=org_xyz987"}},
		{RoleTampering(), []string{"403 POST /me?role=admin", "403 POST /me?role=admin"}},
		{AdminProbe(), []string{"403 GET /admin/a", "403 GET /admin/b", "403 GET /admin/c", "403 GET /admin/d"}},
	} {
		t.Run(test.d.Name, func(t *testing.T) {
			state := test.d.New()
			var counts []int64
			emit := func(e Event) { counts = append(counts, e.Count) }
			for i, line := range test.lines {
				r := requestOf(t, "mallory", line)
				r.Time, r.Tenant = noon.Add(time.Duration(i)*time.Second), "org_abc123"
				state.Observe(r, emit)
			}
			before := len(counts)
			state.(Expirer).Expire(emit)
			state.(Expirer).Expire(emit)
			if len(counts) != before+1 || counts[before] != int64(len(test.lines)) {
				t.Errorf("told %v, %d of it before the end", counts, before)
			}
		})
	}
}

func TestLists(t *testing.T) {
	d := &Detector{Name: "lists"}
	words := d.words("words", "org_id, is-admin", "")
	ids := d.exactly("ids", "")
	d.routes("routes", "")
	for text, want := range map[string]bool{
		"orgId": true, "ORG-ID": true, "org_id": true, "isAdmin": true, "-o_rgid": true,
		"": false, "_": false, "org": false, "org_ids": false, strings.Repeat("o", 200): false, "orgÏd": false,
	} {
		if got := words.has(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	set(t, d, "words", "", "ids", " paul ,Ann", "routes", "/a/**,b/{x}")
	if words.has("org_id") || !ids.has("paul") || !ids.has("Ann") || ids.has("ann") || ids.has("") {
		t.Errorf("words %v, ids %v", words, ids)
	}
	if got := d.Flags.Lookup("routes").Value.String(); got != "/a/**,b/{x}" {
		t.Errorf("got %q", got)
	}
	for _, bad := range [][2]string{
		{"words", "a,,b"}, {"words", "a,-_"}, {"words", strings.Repeat("x", maxWord+1)}, {"words", "a\x1b"},
		{"ids", ","}, {"ids", strings.Repeat("x", maxListItem+1)}, {"ids", strings.Repeat("x,", maxListItems) + "x"},
		{"routes", "/a/{b"}, {"routes", "**/"}, {"routes", "a||b"},
	} {
		before := d.Flags.Lookup(bad[0]).Value.String()
		if err := d.Flags.Set(bad[0], bad[1]); err == nil {
			t.Errorf("%s: %q is taken", bad[0], bad[1])
		}
		if got := d.Flags.Lookup(bad[0]).Value.String(); got != before {
			t.Errorf("%s: %q after a mistake, %q before", bad[0], got, before)
		}
	}
}

func TestTenantIDs(t *testing.T) {
	for _, test := range []struct {
		own, asked string
		same, two  bool // one in two spellings; certainly two
	}{
		{"org_abc123", "org_abc123", true, false},
		{"org_abc123", "ORG-ABC123", true, false},
		{"org_abc123", "abc123", true, false},
		{"Acme Inc", "acme-inc", true, false},
		{"42", "0042", true, false},
		{"0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5BD9CB469FA16570867728950E", true, false},
		{"org_abc123", "org_xyz987", false, true},
		{"org_abc123", "acct_abc123", false, false},
		{"42", "43", false, true},
		{"42", "acme", false, false},
		{"acme", "globex", false, true},
		{"acme", "Globex-2", false, true},
		{"Acme Corporation", "globex", false, false},
		{"AcmeCorp", "globex", false, false},
		{"acme", "0f8fad5b-d9cb-469f-a165-70867728950e", false, false},
		{"0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7", false, true},
		{"acme.example.com", "globex.example.com", false, true},
		{"42", "42' OR 1=1", false, false},
	} {
		if got := sameID(test.own, test.asked); got != test.same {
			t.Errorf("%q and %q: the same %v", test.own, test.asked, got)
		}
		if got := !sameID(test.own, test.asked) && oneForm(test.own, test.asked); got != test.two {
			t.Errorf("%q and %q: two %v", test.own, test.asked, got)
		}
	}
}

func TestParameterNames(t *testing.T) {
	for query, want := range map[string]string{
		"role=x": "role", "user[role]=x": "role", "user.role=x": "role", "roles[]=x": "roles", "roles[0]=x": "roles",
		"filter[org_id][in]=x": "org_id", "%72ole=x": "role", "user%5Brole%5D=x": "role", "%zz=x": "%zz",
		"=x": "", "[]=x": "", "[[[": "", "in=x": "in", "0=x": "0",
	} {
		if name, _, _ := cutParameter(query); name != want {
			t.Errorf("%q: got %q, want %q", query, name, want)
		}
	}
}

// Requests that are nothing to a detector cost it no memory.
func TestMatchAllocatesNothing(t *testing.T) {
	requests := []*parsers.Request{
		requestOf(t, "paul", "200 GET /api/v1/orgs/org_abc123/reports?page=2&org_id=org_abc123&sort=name"),
		requestOf(t, "paul", "403 POST /api/v1/users/12/admin/orders?user_id=7&role=editor&tier=2"),
		requestOf(t, "", "404 GET /managers/search?q=abc&filter=on"),
	}
	for _, d := range []*Detector{CrossTenant(), DeniedAccess(), DeniedPermission(), RoleTampering(), AdminProbe()} {
		for _, r := range requests {
			r.Features = featuresOf(r)
			if n := testing.AllocsPerRun(100, func() { d.Match(r) }); n > 0 {
				t.Errorf("%s: %v allocations for %s?%s", d.Name, n, r.Path, r.Query)
			}
		}
	}
}

// Whatever stands in a target, the detectors neither panic nor remember without bound, and
// two spellings of an id are the same both ways.
func FuzzTargets(f *testing.F) {
	f.Add("/orgs/org_abc123/users/7", "org_id=org_xyz987&user[role]=admin,%2A&user_id=8", "org_abc123", "usr_7")
	f.Add("/%61dmin/..;/actuator", "a[][]]=[&=&%zz=%zz&admin=1&orgs=1,2,3,4,5,6,7,8,9,10", "42", "042")
	f.Fuzz(func(t *testing.T, path, query, own, asked string) {
		for _, d := range []*Detector{CrossTenant(), RoleTampering(), AdminProbe(), DeniedAccess()} {
			state := d.New()
			for i, status := range []int{200, 403, 404, 200} {
				r := &parsers.Request{Time: noon.Add(time.Duration(i) * time.Second), ClientIP: "192.0.2.1", User: asked, Tenant: own,
					Method: "PUT", Path: path, Query: query, Status: status, Shape: parsers.Route(path), Route: parsers.Route(path)}
				if d.Match(r) {
					state.Observe(r, func(Event) {})
				}
			}
		}
		if sameID(own, asked) != sameID(asked, own) {
			t.Errorf("%q and %q are the same one way only", own, asked)
		}
		if !sameID(own, own) {
			t.Errorf("%q is not the same as itself", own)
		}
	})
}

func BenchmarkAdminPath(b *testing.B) {
	for b.Loop() {
		if adminPath("/api/v1/projects/1041/comments") {
			b.Fatal("no path for admins")
		}
	}
}

// Where the hosts of a site are its tenants, one that an actor does not have is another's.
func TestTenantHosts(t *testing.T) {
	for _, test := range []struct {
		name, settings, host, tenant string
		status                       int
		want                         string // severity of what is told; "" for nothing
	}{
		{"served", "example.com", "globex.example.com", "", 200, "critical"},
		{"refused", "example.com", "globex.example.com", "", 403, "high"},
		{"tenants have ids", "example.com", "globex.example.com", "org_1a2b3c4d", 200, "critical"},
		{"its own", "example.com", "acme.example.com", "", 403, ""},
		{"a host of the site", "example.com", "api-eu.example.com", "", 200, ""},
		{"another site", "example.com", "globex.example.net", "", 200, ""},
		{"nobody said so", "", "globex.example.com", "", 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := set(t, CrossTenant(), "tenant-hosts", test.settings)
			var requests []*parsers.Request
			for n := range 21 {
				r := requestOf(t, "paul", "200 GET /api/reports")
				r.Time, r.Host, r.Tenant, r.Line = noon.Add(time.Duration(n)*time.Minute), "acme.example.com", test.tenant, int64(n+1)
				if n == 20 {
					r.Host, r.Status = test.host, test.status
				}
				requests = append(requests, r)
			}
			out := string(run([]*Detector{d}, requests)["events"])
			if got := strings.Contains(out, `"detector":"cross-tenant"`); got != (test.want != "") || !strings.Contains(out, test.want) {
				t.Errorf("want severity %q, got %s", test.want, out)
			}
		})
	}
}
