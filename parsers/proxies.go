package parsers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// A proxySet is a network of proxies that has a name in trusted_proxies.
type proxySet struct {
	name   string
	ranges string // CIDR ranges, blanks between
}

// proxySets are the networks whose addresses are published, few, and seldom changed.
// Those of CloudFront, Azure Front Door, Akamai and Bunny change weekly or are not
// published: bring them as a file.
//
// To trust a set is to believe X-Forwarded-For from whoever can send through that
// network: every customer of a CDN can, and everything inside can send from "private".
var proxySets = [...]proxySet{
	// https://www.cloudflare.com/ips/, 2026; unchanged since 2022.
	{"cloudflare", `
		103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 104.16.0.0/13 104.24.0.0/14 108.162.192.0/18
		131.0.72.0/22 141.101.64.0/18 162.158.0.0/15 172.64.0.0/13 173.245.48.0/20 188.114.96.0/20
		190.93.240.0/20 197.234.240.0/22 198.41.128.0/17
		2400:cb00::/32 2405:8100::/32 2405:b500::/32 2606:4700::/32 2803:f800::/32 2a06:98c0::/29 2c0f:f248::/32`},
	// https://api.fastly.com/public-ip-list, 2026-10; it changes two or three times a year.
	{"fastly", `
		23.235.32.0/20 43.249.72.0/22 103.244.50.0/24 103.245.222.0/23 103.245.224.0/24 104.156.80.0/20
		140.248.64.0/18 140.248.128.0/17 146.75.0.0/17 151.101.0.0/16 157.52.64.0/18 167.82.0.0/17
		167.82.128.0/20 167.82.160.0/20 167.82.224.0/20 172.111.64.0/18 185.31.16.0/22 199.27.72.0/21
		199.232.0.0/16 2a04:4e40::/32 2a04:4e42::/32`},
	// https://cloud.google.com/load-balancing/docs/firewall-rules, 2026: the front
	// ends of the global external load balancers. Regional and internal ones send from
	// a subnet of yours.
	{"google-lb", `
		35.191.0.0/16 130.211.0.0/22 2600:2d00:1:1::/64 2600:2d00:1:b029::/64`},
	// https://my.imperva.com/api/integration/v1/ips, 2026-10; once Incapsula.
	{"imperva", `
		45.60.0.0/16 45.64.64.0/22 45.223.0.0/16 103.28.248.0/22 107.154.0.0/16 131.125.128.0/17
		149.126.72.0/21 185.11.124.0/22 192.230.64.0/18 198.143.32.0/19 199.83.128.0/21 2a02:e980::/29`},
	// https://docs.sucuri.net/website-firewall/sucuri-firewall-troubleshooting-guide/, 2026-10.
	{"sucuri", `
		66.248.200.0/22 185.93.228.0/22 192.88.134.0/23 208.109.0.0/22 2a02:fe80::/29`},
	// Addresses that are not routed on the internet: loopback (RFC 1122, RFC 4291),
	// private (RFC 1918), shared by carriers (RFC 6598), link-local (RFC 3927, RFC 4291)
	// and unique local (RFC 4193).
	{"private", `
		127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16
		::1/128 fe80::/10 fc00::/7`},
}

// ProxySets returns the names of the networks that trusted_proxies knows.
func ProxySets() []string {
	names := make([]string, len(proxySets))
	for i, set := range proxySets {
		names[i] = set.name
	}
	return names
}

// ProxySetOf returns the name of the network that trusted_proxies knows and that has the
// address; "" if none has.
func ProxySetOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	for i, set := range setPrefixes() {
		for _, p := range set {
			if p.Contains(a) {
				return proxySets[i].name
			}
		}
	}
	return ""
}

// EdgeRanges returns the ranges of the CDNs and other proxies on the internet that trusted_proxies
// knows by name. Where the log names one of their addresses as the client, it has lost whose
// request that proxy passed on.
func EdgeRanges() []netip.Prefix {
	var all []netip.Prefix
	for _, set := range proxySets {
		if set.name != "private" {
			all = append(all, set.prefixes()...)
		}
	}
	return all
}

// setPrefixes are the ranges of all sets, in their order.
var setPrefixes = sync.OnceValue(func() [][]netip.Prefix {
	all := make([][]netip.Prefix, len(proxySets))
	for i, set := range proxySets {
		all[i] = set.prefixes()
	}
	return all
})

// prefixes returns the ranges of the set.
func (p proxySet) prefixes() []netip.Prefix {
	var all []netip.Prefix
	for text := range strings.FieldsSeq(p.ranges) {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// Where trusted_proxies names no address.
const (
	unixEntry  = "unix:" // a peer on a Unix socket
	fileEntry  = "file:" // followed by the name of a list
	maxProxies = 8 << 20 // bytes of a list; Amazon's ip-ranges.json has 2 million
)

// trust adds one entry of the trusted proxies.
func (s *Site) trust(entry string, open OpenFunc) error {
	if entry == unixEntry {
		s.unixProxy = true
		return nil
	}
	if list, ok := strings.CutPrefix(entry, fileEntry); ok {
		return s.trustFile(list, open)
	}
	for _, set := range proxySets {
		if set.name == entry {
			s.trustAll(set.prefixes())
			return nil
		}
	}
	prefix, err := proxyPrefix(entry)
	if errors.Is(err, errNoPrefix) {
		return unknownProxy(entry)
	}
	if err != nil {
		return err
	}
	s.proxies.Insert(prefix)
	return nil
}

func (s *Site) trustAll(prefixes []netip.Prefix) {
	for _, p := range prefixes {
		s.proxies.Insert(p)
	}
}

// unknownProxy says what an entry might have been.
func unknownProxy(entry string) error {
	err := fmt.Errorf("%q is neither an address, a CIDR range, %q, \"file:NAME\" nor a known network (%s)",
		entry, unixEntry, strings.Join(ProxySets(), ", "))
	best, least := "", len(entry)/2+1
	for _, name := range ProxySets() {
		if d := editDistance(strings.ToLower(entry), name); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return fmt.Errorf("%w: did you mean %s?", err, best)
	}
	return err
}

// editDistance returns how many letters must be changed, put in or taken out to turn
// a into b; of an a that is far longer than b, that it is far.
func editDistance(a, b string) int {
	if len(a) > 2*len(b) {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// errNoPrefix says that a text is no address and no CIDR range, however wrong.
var errNoPrefix = errors.New("neither an address nor a CIDR range")

// proxyPrefix reads an address or a CIDR range.
func proxyPrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is %w", text, errNoPrefix)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q covers more than the IPv4 addresses it is written with", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.Masked().Addr() != p.Addr() {
		return netip.Prefix{}, fmt.Errorf("%q has bits set beyond its mask: did you mean %s?", text, p.Masked())
	}
	return p, nil
}

// trustFile adds the proxies of a list: "name", or "name#SERVICE" for what Amazon's
// ip-ranges.json has of one service.
func (s *Site) trustFile(list string, open OpenFunc) error {
	name, service, _ := strings.Cut(list, "#")
	if name == "" {
		return fmt.Errorf("%q names no file", fileEntry+list)
	}
	if open == nil {
		return fmt.Errorf("%q: lists cannot be read here", fileEntry+list)
	}
	file, err := open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxProxies+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxProxies {
		return fmt.Errorf("%s: longer than %d bytes", name, maxProxies)
	}
	read := listedPrefixes
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		read = amazonPrefixes
	} else if service != "" {
		return fmt.Errorf("%s: a service, %q, can be named of Amazon's ip-ranges.json only", name, service)
	}
	prefixes, err := read(name, text, service)
	if err != nil {
		return err
	}
	if len(prefixes) == 0 {
		return fmt.Errorf("%s: no addresses in it", name)
	}
	s.trustAll(prefixes)
	return nil
}

// listedPrefixes reads a list of one address or CIDR range a line. What follows "#" is
// a comment.
func listedPrefixes(name string, text []byte, _ string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		p, err := proxyPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// amazonPrefixes reads https://ip-ranges.amazonaws.com/ip-ranges.json. A service must
// be named where the file has several: all of Amazon is whoever rents a machine there.
func amazonPrefixes(name string, text []byte, service string) ([]netip.Prefix, error) {
	type entry struct {
		IPv4    string `json:"ip_prefix"`
		IPv6    string `json:"ipv6_prefix"`
		Service string `json:"service"`
	}
	var file struct {
		IPv4 []entry `json:"prefixes"`
		IPv6 []entry `json:"ipv6_prefixes"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		line := bytes.Count(text, []byte("\n")) + 1
		var syntax *json.SyntaxError
		var typ *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			line = lineOf(text, int(syntax.Offset))
		case errors.As(err, &typ):
			line = lineOf(text, int(typ.Offset))
		}
		return nil, fmt.Errorf("%s:%d: %w", name, line, err)
	}
	var services []string
	entries := slices.Concat(file.IPv4, file.IPv6)
	for _, e := range entries {
		if !slices.Contains(services, e.Service) {
			services = append(services, e.Service)
		}
	}
	slices.Sort(services)
	switch {
	case len(services) == 0:
		return nil, fmt.Errorf("%s: no \"prefixes\" in it, as Amazon's ip-ranges.json has them", name)
	case service == "" && len(services) > 1:
		return nil, fmt.Errorf("%s: name a service, as in %q: the rest is whoever rents a machine there", name, fileEntry+name+"#CLOUDFRONT")
	case service != "" && !slices.ContainsFunc(services, func(s string) bool { return strings.EqualFold(s, service) }):
		return nil, fmt.Errorf("%s: no service %q in it: there are %s", name, service, strings.Join(services, ", "))
	}
	var all []netip.Prefix
	for _, e := range entries {
		if service != "" && !strings.EqualFold(e.Service, service) {
			continue
		}
		prefix := e.IPv4 + e.IPv6
		p, err := proxyPrefix(prefix)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, lineOf(text, bytes.Index(text, []byte(`"`+prefix+`"`))), err)
		}
		all = append(all, p)
	}
	return all, nil
}

// lineOf returns the number of the line, from 1, in which the byte of text stands.
func lineOf(text []byte, at int) int {
	return bytes.Count(text[:min(max(at, 0), len(text))], []byte("\n")) + 1
}
