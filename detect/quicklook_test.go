package detect

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// seeds are attacks and ordinary texts that generated requests are made of.
var seeds = []string{
	"1' or '1'='1", "1 union select password from users--", `" or ""="`, "1;drop table users", "admin'--", "1/**/or/**/1=1", "sleep(5)#",
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", `"><svg onload=alert(1)>`, "' onmouseover=alert(1) x='",
	"../../etc/passwd", `..\..\windows\win.ini`, "....//....//etc/passwd", "/etc/passwd", "..;/..;/admin",
	";cat /etc/passwd", "|id", "`id`", "$(id)", "&& whoami", "() { :;}; id", "${jndi:ldap://x/a}", "${${lower:j}ndi:x}", "{{7*7}}", "<%= 7*7 %>", "#{7*7}",
	"php://filter/resource=x", "<?php phpinfo();", "x\r\nSet-Cookie: a=b", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///c'>]>", "[$ne]",
	"http://127.0.0.1/", "//169.254.169.254/", "localhost", "0x7f.1", "[::1]", "metadata", "file:///etc/passwd", "http://a@10.0.0.1:80/",
	"order by name", "O'Brien", "a < b", "50% off", "select a size", "hello world", "2026-03-01T10:00:00Z", "a.b.c", "1,2,3", "user@example.com",
}

// spellings write a text as it may stand in a log.
var spellings = []func(*rand.Rand, string) string{
	func(_ *rand.Rand, s string) string { return s },
	func(_ *rand.Rand, s string) string { return strings.ReplaceAll(s, " ", "+") },
	func(_ *rand.Rand, s string) string { return url.QueryEscape(s) },
	func(_ *rand.Rand, s string) string { return url.PathEscape(s) },
	func(_ *rand.Rand, s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	func(_ *rand.Rand, s string) string { return strings.ToUpper(s) },
	func(chance *rand.Rand, s string) string { // some bytes once, some twice
		var b strings.Builder
		for i := range len(s) {
			switch chance.IntN(4) {
			case 0:
				fmt.Fprintf(&b, "%%%02x", s[i])
			case 1:
				fmt.Fprintf(&b, "%%25%02X", s[i])
			default:
				b.WriteByte(s[i])
			}
		}
		return b.String()
	},
	func(chance *rand.Rand, s string) string { // in full width
		return strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f && chance.IntN(2) == 0 {
				return r - ' ' + 0xff00
			}
			return r
		}, s)
	},
}

// generated are requests with one or two of the seeds, in any spelling and place.
func generated(seed uint64, n int) []*parsers.Request {
	chance := rand.New(rand.NewPCG(seed, 5))
	text := func() string {
		s := seeds[chance.IntN(len(seeds))]
		if chance.IntN(4) == 0 {
			s += seeds[chance.IntN(len(seeds))]
		}
		return spellings[chance.IntN(len(spellings))](chance, s)
	}
	names := []string{"q", "id", "url", "host", "next", "redirect_uri", "file", "callback", "a[b]"}
	var requests []*parsers.Request
	for range n {
		r := &parsers.Request{Path: "/api/items", UserAgent: browserAgent, Referer: "https://example.com/"}
		switch name := names[chance.IntN(len(names))]; chance.IntN(7) {
		case 0:
			r.Path = "/" + text()
		case 1:
			r.Path = "/proxy/" + text() + "/x"
		case 2:
			r.Query = text() + "=1"
		case 3:
			r.UserAgent = text()
		case 4:
			r.Referer = "https://example.com/?" + name + "=" + text()
		default:
			r.Query = "page=2&" + name + "=" + text()
		}
		requests = append(requests, r)
	}
	return requests
}

// What the full look finds, the quick look lets through: on many requests that are made up,
// and TestProbeCorpus on those of others. And the test would tell if it did not: a quick
// look that is blind to bytes that attacks need misses some.
func TestQuickLooks(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var probes []*parsers.Request // that the full look finds
	aims := 0
	for _, r := range generated(seed, 20_000) {
		if hits := probesOf(r); len(hits) > 0 {
			probes = append(probes, r)
			if !mayProbe(r) {
				t.Errorf("the quick look misses %q?%q, %q, %q: %+v", r.Path, r.Query, r.UserAgent, r.Referer, hits)
			}
		}
		if a, found := aimOf(r); found {
			if aims++; !mayAim(r) {
				t.Errorf("the quick look misses %q?%q: %+v", r.Path, r.Query, a)
			}
		}
	}
	if len(probes) < 2000 || aims < 500 {
		t.Errorf("only %d probes and %d aims: the test shows little", len(probes), aims)
	}
	for _, blind := range []string{`'`, `|`, "<>(\"'"} {
		was, wasInPath := odd, oddInPath
		for _, b := range []byte(blind) {
			odd[b], oddInPath[b] = false, false
		}
		missed := 0
		for _, r := range probes {
			if !mayProbe(r) {
				missed++
			}
		}
		odd, oddInPath = was, wasInPath
		if missed == 0 {
			t.Errorf("nobody would notice a quick look that does not see %q", blind)
		}
	}
}

// Of what is plain, no byte is odd and nothing may aim: whatever two bytes stand in a value, or
// begin it.
func TestPlainQueries(t *testing.T) {
	plain := 0
	for _, before := range []string{"q=", "q=a", "localhost", "a&localhost=1&b"} {
		for a := range 256 {
			for b := range 256 {
				query := before + string([]byte{byte(a), byte(b)}) + "localhost"
				if !isPlain(query) {
					continue
				}
				if plain++; hasOdd(query, &odd) || mayAimIn(query) {
					t.Fatalf("%q is plain, and odd: %v, may aim: %v", query, hasOdd(query, &odd), mayAimIn(query))
				}
			}
		}
	}
	if plain < 1000 {
		t.Errorf("only %d are plain: the test shows little", plain)
	}
}
