package parsers

import (
	"fmt"
	"net/netip"
	"strings"
)

// SiteConfig is what the configuration file says about the site whose logs are
// read. The zero value is a site without proxies that names things as most do.
type SiteConfig struct {
	// TrustedProxies are addresses, CIDR ranges or "unix:", whose X-Forwarded-For
	// entry is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// APIKeyParams, TokenParams and SessionParams are query parameters, beside the
	// usual ones, that carry an API key, an access token or a session id.
	APIKeyParams  []string `yaml:"api_key_params"`
	TokenParams   []string `yaml:"token_params"`
	SessionParams []string `yaml:"session_params"`
	// SecretParams are query parameters, beside the usual ones, whose values are
	// secrets of another kind. They are dropped.
	SecretParams []string `yaml:"secret_params"`
	// SessionCookies are cookies, beside the usual ones, that carry a session id.
	SessionCookies []string `yaml:"session_cookies"`
	// TenantClaims are claims of a JWT, before the usual ones, that name the tenant.
	TenantClaims []string `yaml:"tenant_claims"`
}

// A Site holds the facts of a site that decide how its lines are read. It is made
// by NewSite, never changes, and may be used by many goroutines.
type Site struct {
	proxies      []netip.Prefix
	unixProxy    bool // a peer on a Unix socket is a trusted proxy
	names        map[string]secretKind
	cookies      map[string]bool
	tenantClaims []string
}

// NewSite compiles a configuration. The error says which entry is wrong and why.
func NewSite(c SiteConfig) (*Site, error) {
	s := &Site{names: map[string]secretKind{}, cookies: map[string]bool{}}
	for _, p := range c.TrustedProxies {
		if err := s.trust(p); err != nil {
			return nil, fmt.Errorf("trusted_proxies: %w", err)
		}
	}
	for name, kind := range usualNames {
		s.names[name] = kind
	}
	for _, list := range []struct {
		setting string
		names   []string
		kind    secretKind
	}{
		{"secret_params", c.SecretParams, otherSecret},
		{"session_params", c.SessionParams, sessionSecret},
		{"token_params", c.TokenParams, tokenSecret},
		{"api_key_params", c.APIKeyParams, keySecret},
	} {
		for _, name := range list.names {
			plain := plainName(name)
			if plain == "" {
				return nil, fmt.Errorf("%s: %q is not the name of a parameter", list.setting, name)
			}
			s.names[plain] = list.kind
		}
	}
	for _, name := range c.SessionCookies {
		plain := plainName(withoutCookiePrefix(name))
		if plain == "" {
			return nil, fmt.Errorf("session_cookies: %q is not the name of a cookie", name)
		}
		s.cookies[plain] = true
	}
	for _, name := range c.TenantClaims {
		if name == "" {
			return nil, fmt.Errorf("tenant_claims: %q is not the name of a claim", name)
		}
		s.tenantClaims = append(s.tenantClaims, name)
	}
	s.tenantClaims = append(s.tenantClaims, "org", "org_id", "tenant", "tenant_id")
	return s, nil
}

// trust adds one entry of the trusted proxies.
func (s *Site) trust(entry string) error {
	if entry == "unix:" {
		s.unixProxy = true
		return nil
	}
	if addr, err := netip.ParseAddr(entry); err == nil {
		addr = addr.Unmap().WithZone("")
		s.proxies = append(s.proxies, netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(entry)
	if err != nil {
		return fmt.Errorf("%q is neither an address, a CIDR range nor \"unix:\"", entry)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return fmt.Errorf("%q covers more than the IPv4 addresses it is written with", entry)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.Masked().Addr() != p.Addr() {
		return fmt.Errorf("%q has bits set beyond its mask: did you mean %s?", entry, p.Masked())
	}
	s.proxies = append(s.proxies, p)
	return nil
}

// trusts reports whether a is a trusted proxy.
func (s *Site) trusts(a netip.Addr) bool {
	for _, p := range s.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// plainName gives a configured name the form in which names are compared.
func plainName(name string) string {
	var buf [maxName]byte
	return string(appendName(buf[:0], strings.TrimSpace(name)))
}
