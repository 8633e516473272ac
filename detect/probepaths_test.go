package detect

import (
	"strings"
	"testing"
)

func TestProbes(t *testing.T) {
	table := newProbeTable()
	for _, c := range []struct {
		path string
		want probe
	}{
		{"/.env", secretProbe},
		{"/.ENV/", secretProbe},
		{"/%2Eenv", secretProbe},
		{"//.env", secretProbe},
		{"/./.env", secretProbe},
		{"/./boaform/x", secretProbe},
		{"/api/v1/.env", secretProbe},
		{"/.git/HEAD", secretProbe},
		{"/.git/refs/heads/main", secretProbe},
		{"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", secretProbe},
		{"/blog/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", secretProbe},
		{"/backup.zip", secretProbe},
		{"/latest/meta-data/iam/security-credentials/", secretProbe},
		{"/computeMetadata/v1/instance/", secretProbe},
		{"/latest/users", noProbe},
		{"/.env.local.bak", secretProbe},
		{"/.env~", secretProbe},
		{"/config/.env_old", secretProbe},
		{"/.env;a", secretProbe},
		{"/actuator;x=1/env", secretProbe},
		{"/%252eenv", secretProbe},
		{"/.git%252fconfig", secretProbe},
		{"/.%65nv", secretProbe},
		{"/a%3B/.env", secretProbe},
		{"/.git", secretProbe},
		{"/wp-content/plugins/x/readme.txt", servedProbe},
		{"/blog/wp-content/themes/x/a.PHP", servedProbe},
		{"/wp-content/uploads/2026/a.png", noProbe},
		{"/readme.txt", noProbe},
		{"/.env%", noProbe},
		{"/.env%2", noProbe},
		{"/%25", noProbe},
		{"/%25%25%32", noProbe},
		{"/files/db.sql.gz", secretProbe},
		{"/cgi-bin/test.cgi", servedProbe},
		{"/blog/wp-login.php", servedProbe},
		{"/console", servedProbe},
		{"/manager/html", servedProbe},
		{"/api/console", noProbe},
		{"/users/backup", noProbe},
		{"/environment", noProbe},
		{"/a.env", noProbe},
		{"/.envoy", noProbe},
		{"/api/users/17", noProbe},
		{"/reports/2026.zip", noProbe},
		{"/", noProbe},
		{"", noProbe},
		{"%", noProbe},
		{"/%", noProbe},
		{"////", noProbe},
		{strings.Repeat("/", maxProbe) + ".env", noProbe},
	} {
		t.Run(c.path, func(t *testing.T) {
			if got := table.find(c.path); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// Every path of the lists is found, alone and below a folder's end, in the table and not
// only in the lists, and there are enough of them.
func TestProbeLists(t *testing.T) {
	table := newProbeTable()
	n := 0
	for _, p := range strings.Fields(secretProbes + servedProbes) {
		n++
		if p[0] != '/' || p != strings.ToLower(p) || len(p) > maxProbe {
			t.Errorf("%q: want a path in small letters", p)
		}
		if strings.HasSuffix(p, "/") {
			p += "x"
		}
		if table.find(p) == noProbe {
			t.Errorf("%q is not found", p)
		}
	}
	if n < 200 {
		t.Errorf("%d probes", n)
	}
	for _, path := range []string{"/api/orders/17", "/.env", "/%2eenv", "/Users/Me"} {
		if allocs := testing.AllocsPerRun(100, func() { table.find(path) }); allocs > 0 {
			t.Errorf("%q: %v allocations", path, allocs)
		}
	}
}

// Whatever a path says, what is none at a glance is none, and a path that was made plain
// stays what it is.
func FuzzProbes(f *testing.F) {
	table := newProbeTable()
	for _, p := range []string{"/.env", "/%2e%65nv", "//a/./b/", "/%", "/%4", "/./././", "a", "/./boaform/x", "/WP-Content/x.PHP", ".ENV."} {
		f.Add(p)
	}
	for _, p := range strings.Fields(secretProbes + servedProbes) {
		f.Add(strings.ToUpper(p))
	}
	f.Fuzz(func(t *testing.T, path string) {
		kind := table.find(path)
		if len(path) > maxProbe {
			return
		}
		if full := table.look(path); full != kind {
			t.Fatalf("%q is %d at a glance, and %d", path, kind, full)
		}
		var buf [maxProbe]byte
		plain := string(appendPlain(buf[:0], path))
		if len(plain) > len(path) {
			t.Fatalf("%q became %q", path, plain)
		}
		if strings.IndexByte(plain, '%') < 0 && strings.IndexByte(path, '%') < 0 && table.find(plain) != kind {
			t.Fatalf("%q is %d, %q is %d", path, kind, plain, table.find(plain))
		}
	})
}

func BenchmarkProbes(b *testing.B) {
	table := newProbeTable()
	paths := []string{"/api/v1/orders/17", "/users/me", "/static/app.4f2c.js", "/.env", "/Blog/2026/a-title-of-some-length"}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		table.find(paths[n%len(paths)])
	}
}
