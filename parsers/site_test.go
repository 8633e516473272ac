package parsers

import (
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
			`trusted_proxies: "lb.example" is neither an address, a CIDR range nor "unix:"`},
		{"a mask too long", SiteConfig{TrustedProxies: []string{"10.0.0.0/33"}},
			`trusted_proxies: "10.0.0.0/33" is neither an address, a CIDR range nor "unix:"`},
		{"bits beyond the mask", SiteConfig{TrustedProxies: []string{"10.0.0.1/8"}},
			`trusted_proxies: "10.0.0.1/8" has bits set beyond its mask: did you mean 10.0.0.0/8?`},
		{"more than IPv4", SiteConfig{TrustedProxies: []string{"::ffff:10.0.0.0/90"}},
			`trusted_proxies: "::ffff:10.0.0.0/90" covers more than the IPv4 addresses it is written with`},
		{"empty", SiteConfig{TrustedProxies: []string{""}},
			`trusted_proxies: "" is neither an address, a CIDR range nor "unix:"`},
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
