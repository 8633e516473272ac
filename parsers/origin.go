package parsers

import (
	"net/netip"
	"strconv"
)

// An Origin is what is known of where an address is and whose network it belongs to.
// It never changes.
type Origin struct {
	Country string // ISO 3166-1 alpha-2, upper case; "" if not known
	City    string // "" if not known
	// Latitude and Longitude are degrees; the address is within RadiusKM of them, which
	// is 0 where no position is known.
	Latitude, Longitude, RadiusKM float64
	ASN                           uint32 // number of the autonomous system; 0 if not known
	Org                           string // who runs that; "" if not known
	Traits                        Traits
	// Checked are the traits that there was something to ask for: that one of the others is
	// not set says nothing.
	Checked Traits
	// Provider is who runs the machines, where a list names one: "amazon"; else "".
	Provider string
	// Bot is whose crawler it is, where a list names it: "googlebot"; else "".
	Bot string
}

// Traits say what kind of address it is, by the lists that were there to ask.
type Traits uint16

// The traits. Of Tor to Datacenter at most one is set, the first that holds.
const (
	Tor        Traits = 1 << iota // an exit of the Tor network
	VPN                           // a VPN that is sold to the public
	Relay                         // a relay that hides addresses of ordinary people: iCloud Private Relay, or a CDN before the server
	Cloud                         // a machine for rent
	Datacenter                    // in a datacenter, by a list that may be wrong
	Crawler                       // published by a search engine as its own
	Reserved                      // not routed on the internet: private, loopback, documentation
)

// Has tells whether any of the traits is set; false for an unknown origin.
func (o *Origin) Has(t Traits) bool { return o != nil && o.Traits&t != 0 }

// Knows tells whether Has says something: one of the traits is set, or there was something
// to ask for it.
func (o *Origin) Knows(t Traits) bool { return o != nil && (o.Traits|o.Checked)&t != 0 }

// Hosted tells whether the address hides where its user is: Tor, a VPN, a relay, a
// cloud or a datacenter.
func (o *Origin) Hosted() bool { return o.Has(Tor | VPN | Relay | Cloud | Datacenter) }

// CountryCode returns the country, or "" if it is not known.
func (o *Origin) CountryCode() string {
	if o == nil {
		return ""
	}
	return o.Country
}

// Network names the network by its number: "AS64500"; "" if that is not known. Unknown
// networks are not different networks.
func (o *Origin) Network() string {
	if o == nil || o.ASN == 0 {
		return ""
	}
	return "AS" + strconv.FormatUint(uint64(o.ASN), 10)
}

// Prefix returns the network that the first bits of an address make, in CIDR notation:
// bits4 of an IPv4 address, bits6 of an IPv6 one. It is "" for what is no address.
func Prefix(address string, bits4, bits6 int) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := bits4
	if a.Is6() {
		bits = bits6
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
