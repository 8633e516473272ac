package parsers

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestNewSiteErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		config SiteConfig
		want   string
	}{
		{"a name", SiteConfig{TrustedProxies: []string{"10.0.0.1", "lb.example"}},
			`trusted_proxies: "lb.example" is neither an address, a CIDR range, "unix:", "file:NAME" nor a known network (cloudflare, fastly, google-lb, imperva, sucuri, private)`},
		{"a mask too long", SiteConfig{TrustedProxies: []string{"10.0.0.0/33"}},
			`trusted_proxies: "10.0.0.0/33" is neither an address, a CIDR range, "unix:", "file:NAME" nor a known network (cloudflare, fastly, google-lb, imperva, sucuri, private)`},
		{"bits beyond the mask", SiteConfig{TrustedProxies: []string{"10.0.0.1/8"}},
			`trusted_proxies: "10.0.0.1/8" has bits set beyond its mask: did you mean 10.0.0.0/8?`},
		{"more than IPv4", SiteConfig{TrustedProxies: []string{"::ffff:10.0.0.0/90"}},
			`trusted_proxies: "::ffff:10.0.0.0/90" covers more than the IPv4 addresses it is written with`},
		{"empty", SiteConfig{TrustedProxies: []string{""}},
			`trusted_proxies: "" is neither an address, a CIDR range, "unix:", "file:NAME" nor a known network (cloudflare, fastly, google-lb, imperva, sucuri, private)`},
		{"nearly a network", SiteConfig{TrustedProxies: []string{"CloudFlair"}},
			`trusted_proxies: "CloudFlair" is neither an address, a CIDR range, "unix:", "file:NAME" nor a known network (cloudflare, fastly, google-lb, imperva, sucuri, private): did you mean cloudflare?`},
		{"no file", SiteConfig{TrustedProxies: []string{"file:#EC2"}}, `trusted_proxies: "file:#EC2" names no file`},
		{"no files at all", SiteConfig{TrustedProxies: []string{"file:a.txt"}}, `trusted_proxies: "file:a.txt": lists cannot be read here`},
		{"no parameter", SiteConfig{SecretParams: []string{"pin", " -_"}},
			`secret_params: " -_" is not the name of a parameter`},
		{"no key parameter", SiteConfig{APIKeyParams: []string{""}}, `api_key_params: "" is not the name of a parameter`},
		{"no token parameter", SiteConfig{TokenParams: []string{""}}, `token_params: "" is not the name of a parameter`},
		{"no session parameter", SiteConfig{SessionParams: []string{""}}, `session_params: "" is not the name of a parameter`},
		{"no cookie", SiteConfig{SessionCookies: []string{""}}, `session_cookies: "" is not the name of a cookie`},
		{"no claim", SiteConfig{TenantClaims: []string{""}}, `tenant_claims: "" is not the name of a claim`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewSite(test.config)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestSiteNames(t *testing.T) {
	c := SiteConfig{
		APIKeyParams:   []string{"Partner-Key"},
		TokenParams:    []string{"pass_ticket"},
		SessionParams:  []string{"visit"},
		SecretParams:   []string{"user.birthday", "pageToken"},
		SessionCookies: []string{"__Host-who"},
		TenantClaims:   []string{"https://example.com/company"},
	}
	r := read(t, c, Fields{
		Target: "/?partnerKey=one&passTicket=two&visit=three&user.birthday=0102&page_token=four",
	})
	const want = "partnerKey=key_7692c3ad3540&passTicket=tok_3fc4ccfe7458&visit=ses_8b5b9db0c13d&user.birthday=[redacted]&page_token=[redacted]"
	if r.Query != want {
		t.Errorf("got  %s\nwant %s", r.Query, want)
	}
	if r.APIKey == "" || r.Token == "" || r.Session == "" {
		t.Errorf("got API key %q, token %q, session %q", r.APIKey, r.Token, r.Session)
	}
	r = read(t, c, Fields{
		Cookie: "a=b; __Host-who=three",
		Token:  jwt(`{"org":"second","https://example.com/company":"first"}`),
	})
	if r.Session != "ses_8b5b9db0c13d" || r.Tenant != "first" {
		t.Errorf("got session %q, tenant %q", r.Session, r.Tenant)
	}
	if plain := read(t, SiteConfig{}, Fields{Target: "/?visit=three"}); !strings.Contains(plain.Query, "three") {
		t.Errorf("a name that is not configured: got %s", plain.Query)
	}
}

func TestFingerprint(t *testing.T) {
	same := map[string][]SiteConfig{
		"nothing": {{}, {APIKeyParams: []string{"API-Key"}, TokenParams: []string{"jwt"}, TenantClaims: []string{"org", "org_id"}}},
		"proxies": {
			{TrustedProxies: []string{"192.0.2.1", "10.0.0.0/8", "unix:"}},
			{TrustedProxies: []string{"unix:", "10.0.0.0/9", "10.128.0.0/9", "::ffff:192.0.2.1", "10.1.2.3"}},
		},
		"a list": {
			{TrustedProxies: []string{"198.51.100.0/24"}},
			{TrustedProxies: []string{"file:list"}, Open: files(map[string]string{"list": "198.51.100.0/24 # ours\n"})},
		},
		"names": {
			{SecretParams: []string{"pin2", "birthday"}, SessionParams: []string{"visit"}},
			{SecretParams: []string{"Birth-Day", "pin2", "pin2"}, SessionParams: []string{"visit"}},
		},
		"cookies":            {{SessionCookies: []string{"a", "b"}}, {SessionCookies: []string{"b", "__Host-a"}}},
		"claims":             {{TenantClaims: []string{"a", "b"}}, {TenantClaims: []string{"a", "b", "a"}}},
		"claims, other way":  {{TenantClaims: []string{"b", "a"}}},
		"a claim of all":     {{TenantClaims: []string{"tenant"}}},
		"another proxy":      {{TrustedProxies: []string{"192.0.2.2"}}},
		"a network":          {{TrustedProxies: []string{"private"}}},
		"a socket":           {{TrustedProxies: []string{"unix:"}}},
		"a key":              {{APIKeyParams: []string{"name"}}},
		"a token":            {{TokenParams: []string{"name"}}},
		"a session":          {{SessionParams: []string{"name"}}},
		"a secret":           {{SecretParams: []string{"name"}}},
		"a route":            {{RouteTemplates: []string{"/shops/{name}"}}, {RouteTemplates: []string{"/shops/{name}", "/shops/{name}"}}, {Operations: []Operation{{Method: "GET", Route: "/shops/{name}"}}}},
		"a session's cookie": {{SessionCookies: []string{"name"}}},
	}
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(same)) {
		first := site(t, same[name][0]).Fingerprint()
		if (first == "") != (name == "nothing") {
			t.Errorf("%s: the fingerprint is %q", name, first)
		}
		if other, ok := seen[first]; ok {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		seen[first] = name
		for i, c := range same[name][1:] {
			if got := site(t, c).Fingerprint(); got != first {
				t.Errorf("%s: %d has another fingerprint: %s and %s", name, i+1, got, first)
			}
		}
	}
	// A setting that is new here must change the fingerprint too.
	const known = 10 // those above, and Open
	if n := reflect.TypeFor[SiteConfig]().NumField(); n != known {
		t.Errorf("SiteConfig has %d fields, and %d are tried here", n, known)
	}
}

func TestDeclared(t *testing.T) {
	s := site(t, SiteConfig{Operations: []Operation{{"GET", "/users/{id}", false}, {"PUT", "/users/{id}", true}}, RouteTemplates: []string{"/own"}})
	for _, c := range []struct {
		method, shape string
		want          Declared
	}{
		{"GET", "/users/{id}", Described},
		{"HEAD", "/users/{id}", Described},
		{"OPTIONS", "/users/{id}", Described},
		{"PUT", "/users/{id}", Deprecated},
		{"DELETE", "/users/{id}", WrongMethod},
		{"GET", "/own", NoSuchRoute},
		{"GET", "", NoSuchRoute},
	} {
		if got := s.Declared(c.method, c.shape); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.shape, got, c.want)
		}
	}
	if got := site(t, SiteConfig{}).Declared("GET", "/"); got != Undescribed {
		t.Errorf("no description: %d", got)
	}
}
