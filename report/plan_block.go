package report

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
)

// translators are the networks of IPv6 in which each address stands for somebody else: of
// the first 64 bits many strangers have the same.
var translators = []netip.Prefix{
	netip.MustParsePrefix("64:ff9b::/96"), // NAT64, RFC 6052
	netip.MustParsePrefix("2001::/32"),    // Teredo, RFC 4380
}

func translated(a netip.Addr) bool {
	return slices.ContainsFunc(translators, func(t netip.Prefix) bool { return t.Contains(a) })
}

// unit is the network that belongs to whoever has the address: of IPv6, a /64 is theirs to
// choose addresses of.
func (p *planning) unit(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() && !translated(a) {
		bits = p.opts.IPv6Bits
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// wide is the network that a block may be widened to.
func wide(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// maxOthers bounds the actors that are told apart on a network.
const maxOthers = 1000

// meet finds out who else is active on the addresses.
func (p *planning) meet() error {
	for _, s := range p.order {
		if s.addr.IsValid() {
			for _, n := range []netip.Prefix{netip.PrefixFrom(s.addr, s.addr.BitLen()), p.unit(s.addr), wide(s.addr)} {
				p.others[n] = map[string]bool{}
			}
		}
	}
	p.nobody = true
	if len(p.others) == 0 {
		return nil
	}
	return p.Active(func(ip, actor string) {
		p.nobody = false
		if p.mine[actor] {
			return
		}
		addr, err := netip.ParseAddr(ip)
		if err != nil {
			return
		}
		addr = addr.Unmap().WithZone("")
		seen := map[netip.Prefix]bool{}
		for _, n := range []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen()), p.unit(addr), wide(addr)} {
			if actors := p.others[n]; actors != nil && !seen[n] && len(actors) < maxOthers {
				actors[actor] = true
			}
			seen[n] = true
		}
	})
}

// shared tells whether so many others are on the network that it is not one actor's.
func (p *planning) shared(n netip.Prefix) (others int, is bool) {
	others = len(p.others[n])
	return others, p.opts.Shared > 0 && others >= p.opts.Shared
}

// notRouted are the ranges that an internal API may have clients in. Whatever else is
// reserved is never blocked: nobody comes from there.
var notRouted = []string{"private", "shared", "unique-local", "documentation", "benchmarking"}

// refusal says why the address of a suspect is not blocked, if it is not.
func (p *planning) refusal(s *suspect) *Refusal {
	no := func(kind, reason string) *Refusal {
		return &Refusal{Address: s.text, Kind: kind, Reason: reason, Cause: s.cause}
	}
	if !s.addr.IsValid() {
		return no("no address", "the log has a name in the place of the client's address")
	}
	single := netip.PrefixFrom(s.addr, s.addr.BitLen())
	if p.Trusted(single) {
		return no("trusted proxy", "it is a trusted proxy of yours: all your clients come through it")
	}
	if name := detect.ReservedRange(s.addr); name != "" {
		may := slices.Contains(notRouted, name)
		switch {
		case !may:
			return no("reserved", "the range is reserved ("+name+"): nobody on a network has it")
		case !p.opts.AllowReserved:
			return no("reserved", "the internet does not route it ("+name+"); if such clients are yours to refuse, --allow-reserved")
		}
	}
	if set := parsers.ProxySetOf(s.addr); set != "" && set != "private" {
		return no("proxy network", set+" passes on there what others send, and a block would shut all of them out; if your clients come through it, name it in trusted_proxies, and log the forwarded address")
	}
	if e, ok := p.Allow.Excuse(single, s.cause.Last); ok {
		reason := "the allowlist names it: " + e.Reason
		if e.Owner != "" {
			reason += " (" + e.Owner + ")"
		}
		return no("allowlisted", reason)
	}
	o := p.Origin(s.text)
	switch {
	case o.Has(parsers.Crawler):
		return no("crawler", "a search engine publishes it as its own; robots.txt speaks to it")
	case o.Has(parsers.Relay):
		return no("relay", "a relay that many people share (such as iCloud Private Relay, or the CDN before a server)")
	case s.home:
		r := no("home", "the account that is attacked was used from there before: it is its owner's")
		r.Instead = "reset the password, if the owner did not fail themselves"
		return r
	}
	if others, is := p.shared(single); is {
		r := no("shared", fmt.Sprintf("%s with requests that were served are on it, too", count(int64(others), "other actor")))
		r.Others = others
		r.Instead = p.instead(s)
		return r
	}
	if !s.expires.After(p.plan.Through) {
		return no(refusedOver, fmt.Sprintf("the block would have ended at %s, before the log does; --ttl makes it longer", instant(s.expires)))
	}
	return nil
}

// instead proposes to act on who acts, where the address must not be touched.
func (p *planning) instead(s *suspect) string {
	var named []string
	for _, a := range s.alerts {
		switch parsers.ActorType(a.ActorType) {
		case parsers.ActorAPIKey, parsers.ActorToken, parsers.ActorSession, parsers.ActorUser:
			if !p.Victim(a) {
				p.refuseActor(a)
				named = append(named, a.ActorID)
			}
		}
	}
	if named = distinct(named); len(named) > 0 {
		return "act on who does it: " + strings.Join(named, ", ")
	}
	return "limit requests for each account or session, and ask for a second factor; the log names nobody who does it"
}

// block decides which networks are blocked.
func (p *planning) block() {
	var blocks []Block
	members := map[netip.Prefix][]*suspect{}
	at := map[netip.Prefix]int{}
	for _, s := range p.order {
		if r := p.refusal(s); r != nil {
			p.plan.Refused = append(p.plan.Refused, *r)
			continue
		}
		n := wide(s.addr)
		members[n] = append(members[n], s)
	}
	for _, n := range slices.SortedFunc(maps.Keys(members), comparePrefix) {
		if note := p.widen(n, members[n]); note != "" {
			b := Block{Network: n, Note: note}
			for _, s := range members[n] {
				b.take(s)
			}
			blocks = append(blocks, b)
			continue
		}
		for _, s := range members[n] {
			unit, note := p.narrow(s.addr)
			i, known := at[unit]
			if !known {
				i = len(blocks)
				at[unit] = i
				blocks = append(blocks, Block{Network: unit, Note: note})
			}
			blocks[i].take(s)
		}
	}
	p.plan.Blocks = merge(blocks)
}

// widen says why the whole network is blocked; "" if it is not.
func (p *planning) widen(n netip.Prefix, members []*suspect) string {
	if p.opts.Aggregate == 0 || len(members) < p.opts.Aggregate || translated(n.Addr()) || p.unit(n.Addr()).Bits() <= n.Bits() {
		return ""
	}
	if !p.free(n) || len(p.others[n]) > 0 {
		p.plan.Notes = append(p.plan.Notes, fmt.Sprintf("%s is not blocked as a whole, though %s of it attacked: others are in it", n, count(int64(len(members)), "address")))
		return ""
	}
	return fmt.Sprintf("%s of it attacked, and nobody else in it is known", count(int64(len(members)), "address"))
}

// narrow returns the network to block for an address, and why it is narrower than usual.
func (p *planning) narrow(a netip.Addr) (netip.Prefix, string) {
	unit, single := p.unit(a), netip.PrefixFrom(a, a.BitLen())
	if unit == single {
		return single, ""
	}
	if _, is := p.shared(unit); is || !p.free(unit) {
		return single, fmt.Sprintf("not all of %s: others are in it", unit)
	}
	return unit, ""
}

// free tells whether the network holds nobody who is known not to be blocked.
func (p *planning) free(n netip.Prefix) bool {
	_, excused := p.Allow.Excuse(n, p.plan.Through)
	return !excused && !p.Trusted(n)
}

func (b *Block) take(s *suspect) {
	b.Clients = append(b.Clients, s.addr.String())
	if s.expires.After(b.Expires) {
		b.Expires = s.expires
	}
	if len(b.Alerts) == 0 {
		b.Cause = s.cause
		return
	}
	b.join(s.cause)
}

// merge makes one block of two halves of a network, as long as there are any: it blocks no
// address that they do not. It lasts as long as the longer of both.
func merge(blocks []Block) []Block {
	for {
		slices.SortFunc(blocks, func(a, b Block) int { return comparePrefix(a.Network, b.Network) })
		merged := blocks[:0]
		for _, b := range blocks {
			if n := len(merged); n > 0 && siblings(merged[n-1].Network, b.Network) {
				last := &merged[n-1]
				last.Network = netip.PrefixFrom(last.Network.Addr(), last.Network.Bits()-1)
				last.Clients = append(slices.Clone(last.Clients), b.Clients...)
				if b.Expires.After(last.Expires) {
					last.Expires = b.Expires
				}
				last.Note = cmp.Or(last.Note, b.Note)
				last.join(b.Cause)
				continue
			}
			merged = append(merged, b)
		}
		if len(merged) == len(blocks) {
			for i := range merged {
				slices.SortFunc(merged[i].Clients, compareAddr)
			}
			return merged
		}
		blocks = merged
	}
}

// siblings tells whether both are the halves of one network, the lower first.
func siblings(a, b netip.Prefix) bool {
	if a.Bits() != b.Bits() || a.Bits() == 0 || a == b || a.Addr().Is4() != b.Addr().Is4() {
		return false
	}
	parent := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
	return parent.Addr() == a.Addr() && parent.Contains(b.Addr())
}

// comparePrefix orders networks: IPv4 first, then by address, then the wider first.
func comparePrefix(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

func compareAddr(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}
