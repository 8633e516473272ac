package geo

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
	"github.com/litesoc/litesoc/parsers"
)

// reserved are the ranges that are not routed on the internet, by the registries of
// special-purpose addresses (RFC 6890 and those after it).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("10.0.0.0/8"),      // private
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("127.0.0.0/8"),     // loopback
	netip.MustParsePrefix("169.254.0.0/16"),  // link-local
	netip.MustParsePrefix("172.16.0.0/12"),   // private
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays, given up
	netip.MustParsePrefix("192.168.0.0/16"),  // private
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("224.0.0.0/4"),     // multicast
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast

	// Of IPv6, all but 2000::/3: unspecified, loopback, local NAT64, discard-only,
	// segment routing, unique-local, link-local, site-local, multicast.
	netip.MustParsePrefix("::/3"),
	netip.MustParsePrefix("4000::/2"),
	netip.MustParsePrefix("8000::/1"),
	netip.MustParsePrefix("2001::/23"),     // IETF protocol assignments
	netip.MustParsePrefix("2001:db8::/32"), // documentation
	netip.MustParsePrefix("3fff::/20"),     // documentation
}

// tableOf returns the table of ranges.
func tableOf(ranges []netip.Prefix) *bart.Lite {
	t := new(bart.Lite)
	for _, p := range ranges {
		t.Insert(p)
	}
	return t
}

// relays are the ranges from which many people come who are elsewhere, and few others: as
// owners publish them, at mask-api.icloud.com/egress-ip-ranges.csv and
// config.zscaler.com/zscaler.net/cenr, as far as these have not changed for years. A person
// there changes the address, and at times the country, from one minute to the next. A list
// that is given goes further.
var relays = []netip.Prefix{
	// iCloud Private Relay, by Akamai, Cloudflare (whose WARP it is as well) and Fastly.
	netip.MustParsePrefix("172.224.0.0/13"),
	netip.MustParsePrefix("2a02:26f7::/32"),
	netip.MustParsePrefix("104.28.0.0/16"),
	netip.MustParsePrefix("2606:54c0::/30"),
	netip.MustParsePrefix("2a09:bac0::/29"),
	netip.MustParsePrefix("146.75.128.0/17"),
	netip.MustParsePrefix("2a04:4e41::/32"),
	// Zscaler, through which companies send all that their people do.
	netip.MustParsePrefix("104.129.192.0/20"),
	netip.MustParsePrefix("136.226.0.0/16"),
	netip.MustParsePrefix("137.83.128.0/18"),
	netip.MustParsePrefix("147.161.128.0/17"),
	netip.MustParsePrefix("165.225.0.0/17"),
	netip.MustParsePrefix("165.225.192.0/18"),
	netip.MustParsePrefix("167.103.0.0/16"),
	netip.MustParsePrefix("170.85.0.0/16"),
	netip.MustParsePrefix("185.46.212.0/22"),
}

// allRelays are the relays and the edges of CDNs: which of these passes a request on says no more
// of where its client is, and the next one comes through another.
func allRelays() []netip.Prefix { return slices.Concat(relays, parsers.EdgeRanges()) }

// The ranges of IPv6 that carry the IPv4 address of who is meant.
var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052; also how SIIT shows IPv4 clients
	sixTo4 = netip.MustParsePrefix("2002::/16")    // RFC 3056
	teredo = netip.MustParsePrefix("2001::/32")    // RFC 4380
)

// embedded returns the IPv4 address that addr carries, or addr if it carries none.
func embedded(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixTo4.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case teredo.Contains(addr):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
	}
	return addr
}
