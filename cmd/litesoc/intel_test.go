package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/geo"
)

// updateFrom runs an update of the named sources from a server, and returns what it
// prints and its error.
func updateFrom(t *testing.T, dir string, server *httptest.Server, sources ...string) (string, string, error) {
	t.Helper()
	var out, stderr bytes.Buffer
	client := server.Client()
	client.CheckRedirect = onlyHTTPS
	u := updater{
		importer: importer{dir: dir, out: &out, stderr: &stderr, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)},
		client:   client, mirror: server.URL + "/lists/",
	}
	if err := u.choose(sources); err != nil {
		return "", "", err
	}
	err := u.run(context.Background())
	hide := strings.NewReplacer(server.URL, "https://mirror", dir, "DIR")
	return hide.Replace(out.String()), hide.Replace(stderr.String()), err
}

func TestUpdate(t *testing.T) {
	var asked []string
	pages := map[string]string{
		"/lists/tor-exit-addresses.txt": "ExitNode 00\nExitAddress 9.9.9.9 2026-03-01 10:00:00\n",
		"/lists/vpn-ipv4.txt":           "9.8.0.0/16\n10.0.0.0/8\n",
		"/lists/vpn-ipv6.txt":           "2a00:1234::/32\n",
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("User-Agent"))
		page, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Last-Modified", "Sat, 28 Feb 2026 10:00:00 GMT")
		fmt.Fprint(w, page)
	}))
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "a", "intel")

	out, stderr, err := updateFrom(t, dir, server, "tor", "vpn")
	sum := func(name string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(pages["/lists/"+name]))) }
	want := `tor-exit-addresses.txt: tor, 1 prefix, as of 2026-03-01 (1 day old)
  https://mirror/lists/tor-exit-addresses.txt, sha256 ` + sum("tor-exit-addresses.txt") + `
vpn-ipv4.txt: vpn, 1 prefix, as of 2026-02-28 (2 days old), 1 reserved left out, licence: MIT (X4BNet/lists_vpn)
  https://mirror/lists/vpn-ipv4.txt, sha256 ` + sum("vpn-ipv4.txt") + `
vpn-ipv6.txt: vpn, 1 prefix, as of 2026-02-28 (2 days old), licence: MIT (X4BNet/lists_vpn)
  https://mirror/lists/vpn-ipv6.txt, sha256 ` + sum("vpn-ipv6.txt") + `
`
	if out != want {
		t.Errorf("it prints\n%s\nwant\n%s", out, want)
	}
	// ProtonVPN's list is not there: that is an error, and the others are kept.
	if err == nil || !strings.Contains(err.Error(), "1 of 4 lists could not be had") ||
		stderr != "litesoc: intel update: protonvpn-ipv4.txt: https://mirror/lists/protonvpn-ipv4.txt: 404 Not Found\n" {
		t.Errorf("error %v, stderr %q", err, stderr)
	}
	wantAsked := []string{
		"GET /lists/tor-exit-addresses.txt litesoc/dev", "GET /lists/vpn-ipv4.txt litesoc/dev", "GET /lists/vpn-ipv6.txt litesoc/dev",
		"GET /lists/protonvpn-ipv4.txt litesoc/dev",
	}
	if !slices.Equal(asked, wantAsked) {
		t.Errorf("asked for %q, want %q", asked, wantAsked)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name()+" "+info.Mode().String())
	}
	if want := []string{"tor-exit-addresses.txt -rw-------", "vpn-ipv4.txt -rw-------", "vpn-ipv6.txt -rw-------"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	db, err := geo.Open(geo.Config{Intel: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !db.Lookup("9.9.9.9").Has(parsers.Tor) || !db.Lookup("9.8.1.1").Has(parsers.VPN) || !db.Lookup("2a00:1234::1").Has(parsers.VPN) {
		t.Error("what was fetched is not asked")
	}

	// A list that has become something else does not take the place of the one there is.
	before, err := os.ReadFile(filepath.Join(dir, "tor-exit-addresses.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"", "<html>Log in to the network</html>\n", "0.0.0.0/0\n", "9.9.9.9\nx\n"} {
		pages["/lists/tor-exit-addresses.txt"] = page
		if _, stderr, err := updateFrom(t, dir, server, "tor"); err == nil || !strings.Contains(stderr, "tor-exit-addresses.txt:") {
			t.Errorf("%q: error %v, stderr %q", page, err, stderr)
		}
		if after, err := os.ReadFile(filepath.Join(dir, "tor-exit-addresses.txt")); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%q: the list is now %q (%v)", page, after, err)
		}
	}
}

func TestUpdateFailures(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "9.9.9.9\n") }))
	defer plain.Close()
	redirecting := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer redirecting.Close()
	var ring *httptest.Server
	ring = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, ring.URL+r.URL.Path, http.StatusFound)
	}))
	defer ring.Close()
	large := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := bytes.Repeat([]byte("#"+strings.Repeat(" ", 1022)+"\n"), 1024)
		for range geo.MaxListBytes>>20 + 2 {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}))
	defer large.Close()
	gone := httptest.NewTLSServer(http.NotFoundHandler())
	gone.Close()
	for _, c := range []struct {
		name   string
		server *httptest.Server
		want   string
	}{
		{"to plain http", redirecting, "lists are fetched over https only"},
		{"in a ring", ring, "more than 5 redirects"},
		{"too large", large, "tor-exit-addresses.txt: more than 64 MiB"},
		{"nobody there", gone, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			_, stderr, err := updateFrom(t, dir, c.server, "tor")
			if err == nil || !strings.Contains(stderr, c.want) {
				t.Errorf("error %v, stderr %q, want %q", err, stderr, c.want)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v (%v)", entries, err)
			}
		})
	}
}

func TestFeeds(t *testing.T) {
	files := map[string]bool{}
	for _, f := range feeds() {
		if files[f.file] {
			t.Errorf("two feeds are called %s", f.file)
		}
		files[f.file] = true
		if kind := geo.KindOf(f.file); kind != f.kind {
			t.Errorf("%s: the name tells %q, want %q", f.file, kind, f.kind)
		}
		if !strings.HasPrefix(f.url, "https://") || !geo.IsList(f.file) {
			t.Errorf("%+v", f)
		}
	}
}

func TestListName(t *testing.T) {
	for _, c := range []struct {
		base string
		kind geo.Kind
		want string
	}{
		{"vpn-ipv4.txt", "vpn", "vpn-ipv4.txt"},
		{"vpn-ipv4.txt", "tor", "tor-vpn-ipv4.txt"},
		{"ipv4.txt", "cloud-amazon", "cloud-amazon-ipv4.txt"},
		{"tor-exits.csv", "tor", "tor-exits.txt"},
		{"..", "vpn", "vpn-list.txt"},
		{"a b\x1b/\u202e.txt", "vpn", "vpn-a-b.txt"},
		{strings.Repeat("x", 300), "relay", "relay-" + strings.Repeat("x", 64) + ".txt"},
	} {
		if got := listName(c.base, c.kind); got != c.want {
			t.Errorf("%q of %s: %q, want %q", c.base, c.kind, got, c.want)
		}
	}
}
