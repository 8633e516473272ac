package parsers

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
)

// An OpenFunc opens a file that the configuration names.
type OpenFunc func(name string) (io.ReadCloser, error)

// SiteConfig is what the configuration file says about the site whose logs are
// read. The zero value is a site without proxies that names things as most do.
type SiteConfig struct {
	// TrustedProxies are those whose X-Forwarded-For entry is believed: addresses, CIDR
	// ranges, names of ProxySets, "unix:" for peers on a Unix socket, or "file:" and the
	// name of a list, that is of one address or range a line, or Amazon's
	// ip-ranges.json ("file:ip-ranges.json#CLOUDFRONT").
	//
	// Whoever can send through a trusted proxy is known only by the address it appends.
	// To trust a set is to believe all of that network, its other customers too: let the
	// server take requests from there only if they are yours.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// Open opens the lists of TrustedProxies; nil if there can be none.
	Open OpenFunc `yaml:"-"`
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
	// RouteTemplates are routes of the site: "/shops/{name}/orders". A path that belongs
	// to one of them has it for its route, whatever its form tells.
	RouteTemplates []string `yaml:"route_templates"`
	// Operations are those of the site's OpenAPI description. Their routes come before
	// RouteTemplates.
	Operations []Operation `yaml:"-"`
}

// An Operation is one method of one route of an API.
type Operation struct {
	Method     string // upper case
	Route      string // with the base path of its server: "/api/v1/users/{userId}"
	Deprecated bool
}

// Declared says what the OpenAPI description of a site says of a request.
type Declared uint8

// What it may say.
const (
	Undescribed Declared = iota // there is no description
	Described                   // there is such an operation
	Deprecated                  // there is, but it is not to be used any more
	WrongMethod                 // the route has no such method
	NoSuchRoute
)

// A Site holds the facts of a site that decide how its lines are read. It is made
// by NewSite, never changes, and may be used by many goroutines. What it remembers of
// lines makes reading fast and changes no result.
type Site struct {
	proxies      bart.Lite
	unixProxy    bool // a peer on a Unix socket is a trusted proxy
	names        map[string]secretKind
	cookies      map[string]bool
	tenantClaims []string
	templates    *Templates
	operations   map[string]map[string]bool // by route, then method: whether it is deprecated; nil if there is no description
	memos        *memos
}

// NewSite compiles a configuration. The error says which entry is wrong and why.
func NewSite(c SiteConfig) (*Site, error) {
	s := &Site{names: map[string]secretKind{}, cookies: map[string]bool{}, memos: newMemos()}
	for _, p := range c.TrustedProxies {
		if err := s.trust(p, c.Open); err != nil {
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
		s.addTenantClaim(name)
	}
	for _, name := range usualTenantClaims {
		s.addTenantClaim(name)
	}
	s.proxies.Aggregate()
	routes := make([]string, 0, len(c.Operations)+len(c.RouteTemplates))
	for _, op := range c.Operations {
		if s.operations == nil {
			s.operations = map[string]map[string]bool{}
		}
		if s.operations[op.Route] == nil {
			s.operations[op.Route] = map[string]bool{}
			routes = append(routes, op.Route)
		}
		s.operations[op.Route][op.Method] = op.Deprecated
	}
	var err error
	if s.templates, err = NewTemplates(append(routes, c.RouteTemplates...)); err != nil {
		return nil, fmt.Errorf("route_templates: %w", err)
	}
	return s, nil
}

// Template returns the route of the site that a path belongs to, or "". A route of
// another making is as good as a path: "/users/{id}" belongs to "/users/{userId}".
func (s *Site) Template(path string) string { return s.templates.Match(path) }

// Declared returns what the site's OpenAPI description says of a request for a route,
// by its shape. HEAD is as good as GET, and OPTIONS as any.
func (s *Site) Declared(method, shape string) Declared {
	if s.operations == nil {
		return Undescribed
	}
	methods, ok := s.operations[shape]
	if !ok {
		return NoSuchRoute
	}
	deprecated, ok := methods[method]
	if !ok && method == "HEAD" {
		deprecated, ok = methods["GET"]
	}
	switch {
	case deprecated:
		return Deprecated
	case ok || method == "OPTIONS":
		return Described
	}
	return WrongMethod
}

// Routes returns the routes that the site says it has.
func (s *Site) Routes() []string { return s.templates.Routes() }

// usualTenantClaims are the claims that name a tenant, the first that is there.
var usualTenantClaims = [...]string{"org", "org_id", "tenant", "tenant_id", "tid", // Entra ID's
	"orgId", "tenantId", "organization", "organization_id", "organizationId", "custom:org_id", "custom:tenant_id"} // Cognito's

func (s *Site) addTenantClaim(name string) {
	if !slices.Contains(s.tenantClaims, name) {
		s.tenantClaims = append(s.tenantClaims, name)
	}
}

// trusts reports whether a is a trusted proxy.
func (s *Site) trusts(a netip.Addr) bool { return s.proxies.Lookup(a) }

// TrustsAny tells whether an address of the network is a trusted proxy.
func (s *Site) TrustsAny(network netip.Prefix) bool { return s.proxies.OverlapsPrefix(network) }

// Fingerprint names all that reading a line depends on, beside its format: two sites
// of one fingerprint read every line alike. It is "" for the zero configuration, and
// does not depend on the order of settings in which the order means nothing. Named
// sets and lists of proxies count by the addresses they hold.
func (s *Site) Fingerprint() string {
	var b strings.Builder
	for p := range s.proxies.AllSorted() {
		fmt.Fprintf(&b, "proxy %s\n", p)
	}
	if s.unixProxy {
		fmt.Fprintf(&b, "proxy %s\n", unixEntry)
	}
	for _, name := range slices.Sorted(maps.Keys(s.names)) {
		if kind := s.names[name]; kind != usualNames[name] {
			fmt.Fprintf(&b, "name %q %d\n", name, kind)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.cookies)) {
		fmt.Fprintf(&b, "cookie %q\n", name)
	}
	if !slices.Equal(s.tenantClaims, usualTenantClaims[:]) {
		for _, name := range s.tenantClaims { // the first that is there counts
			fmt.Fprintf(&b, "claim %q\n", name)
		}
	}
	for _, route := range slices.Sorted(slices.Values(s.Routes())) {
		fmt.Fprintf(&b, "route %q\n", route)
	}
	for _, route := range s.Routes() { // two may fit a path
		fmt.Fprintf(&b, "route %q\n", route)
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(b.String())))
}

// plainName gives a configured name the form in which names are compared.
func plainName(name string) string {
	var buf [maxName]byte
	return string(appendName(buf[:0], strings.TrimSpace(name)))
}
