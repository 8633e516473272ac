package parsers

import (
	"cmp"
	"net/netip"
	"strings"
)

// Why a client address is what it is, for Explain.
const (
	whyPeer       = "the client the log names; no forwarded address stands beside it"
	whyUntrusted  = "the client the log names; it is no trusted proxy, so X-Forwarded-For is not believed"
	whyForwarded  = "X-Forwarded-For, read from the right past the trusted proxies"
	whyUnreadable = "the trusted proxy itself; the last entry of X-Forwarded-For is no address"
	whyNoPeer     = "X-Forwarded-For, read from the right past the trusted proxies; the log does not name the peer"
	whyNamed      = "what the log has in the place of an address"
	whyNobody     = "the log names no client"
)

// A client is who sent a request, as far as the log tells.
type client struct {
	ip, peer string // without secrets
	named    bool   // the peer of the server is no address but a name, or garbage
	why      string // for Explain
}

// client tells who sent a request: the peer of the server, or, where that is a
// trusted proxy, the last address of X-Forwarded-For that is none. What stands to
// the left of it is the client's own to write. Headers in which a proxy names the
// client alone (X-Real-IP, CF-Connecting-IP) are lists of one, and so is "Forwarded".
func (s *Site) client(remote, forwarded string) client {
	remote, forwarded = logged(remote), logged(forwarded)
	if remote == "unknown" {
		remote = ""
	}
	if forwarded == "" && isCanonical(remote) { // as in most lines
		return client{ip: remote, why: whyPeer}
	}
	peer, addr := address(remote)
	c := client{ip: peer, why: whyPeer}
	switch {
	case peer == "":
		c.why = whyNobody
	case !addr.IsValid():
		// Some log a list there: it is what X-Forwarded-For was, with the peer at its end.
		if rest, hop := lastHop(remote); strings.IndexByte(remote, ',') >= 0 {
			if last, addr := address(hop); addr.IsValid() {
				return s.client(last, cmp.Or(forwarded, strings.TrimRight(rest, ", \t")))
			}
		}
		if last := beforeName(remote); last != "" {
			return s.client(last, forwarded)
		}
		x := redactor{site: s}
		peer = x.redact(clean(peer), inText, nil)
		c.ip, c.named, c.why = peer, true, whyNamed
	}
	if forwarded == "" {
		return c
	}
	unix := s.unixProxy && strings.HasPrefix(peer, unixEntry)
	if peer != "" && !unix && !s.trusts(addr) {
		c.why = whyUntrusted
		return c
	}
	c.why = whyUnreadable
	if peer == "" {
		c.why = whyNobody
	}
	for {
		var hop string
		forwarded, hop = lastHop(forwarded)
		hop, addr := address(hop)
		if !addr.IsValid() {
			return c // a proxy that hides it, garbage, or the end of the list
		}
		c.ip, c.peer, c.why = hop, peer, whyForwarded
		if peer == "" {
			c.why = whyNoPeer
		}
		if !s.trusts(addr) {
			return c
		}
	}
}

// beforeName returns the address behind what grep puts before a line: "access.log:", "12:", or
// both; "" if there is none.
func beforeName(s string) string {
	for range 2 {
		name, rest, found := cutByte(s, ':')
		if !found || name == "" || !strings.ContainsAny(name, "./") && !allDigits(name) {
			return ""
		}
		if text, addr := address(rest); addr.IsValid() {
			return text
		}
		s = rest
	}
	return ""
}

// lastHop takes the last entry off a list of X-Forwarded-For or of Forwarded (RFC
// 7239), of which it is what stands after "for=". It is "" where there is none.
func lastHop(list string) (rest, hop string) {
	const separators = ", \t"
	list = strings.TrimRight(list, separators)
	i := strings.LastIndexAny(list, separators) + 1
	if strings.IndexByte(list[i:], '=') < 0 {
		return list[:i], list[i:]
	}
	i = strings.LastIndexByte(list, ',') + 1
	for pair := range strings.SplitSeq(list[i:], ";") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			hop = strings.TrimSpace(value) // the last: whoever appends is believed
		}
	}
	return list[:i], hop
}

// address reads an address with or without a port, brackets, quotes or a zone and
// returns it in canonical form. What is no address comes back trimmed, and addr is
// not valid. Nothing is allocated for an address that is canonical as it stands.
func address(s string) (text string, addr netip.Addr) {
	if s != "" && !(isAlnum(s[0]) && isAlnum(s[len(s)-1])) {
		s = strings.Trim(s, " \t\"'")
	}
	host := s
	switch colons := strings.Count(s, ":"); {
	case s == "":
		return "", netip.Addr{}
	case s[0] == '[':
		end := strings.IndexByte(s, ']')
		if end < 0 || !isPortSuffix(s[end+1:]) {
			return s, netip.Addr{}
		}
		host = s[1:end]
	case colons == 1:
		i := strings.IndexByte(s, ':')
		if !isPortSuffix(s[i:]) {
			return s, netip.Addr{}
		}
		host = s[:i]
	case colons == 0 && !isDigit(s[0]):
		return s, netip.Addr{} // a host name, or garbage
	}
	if text, addr := bareAddress(host); addr.IsValid() {
		return text, addr
	}
	// An IPv6 address may be followed by a port without brackets, as ALB writes it.
	if i := strings.LastIndexByte(host, ':'); i >= 0 && isPortSuffix(host[i:]) {
		if text, addr := bareAddress(host[:i]); addr.IsValid() {
			return text, addr
		}
	}
	return s, netip.Addr{}
}

// unbracketed returns an address without the brackets around it, if it is canonical so; all
// else as it stands.
func unbracketed(s string) string {
	if last := len(s) - 1; last > 0 && s[0] == '[' && s[last] == ']' && isCanonical(s[1:last]) {
		return s[1:last]
	}
	return s
}

// isCanonical tells of nearly every address in canonical form that it is one, in a
// fraction of the time that address takes. Of all else it says no.
func isCanonical(s string) bool {
	if len(s) < len("::1") || len(s) > len("2001:db8:1111:2222:3333:4444:5555:6666") {
		return false
	}
	value, digits, groups := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			if digits > 0 && value == 0 {
				return false // it begins with a zero
			}
			value = value*10 + int(c-'0')
			digits++
		case c == '.' && digits > 0 && value <= 255 && groups < 3:
			value, digits = 0, 0
			groups++
		default:
			return isCanonical6(s)
		}
	}
	return groups == 3 && digits > 0 && value <= 255
}

// isCanonical6 is isCanonical for IPv6. Where zeros are left out there must be no others
// that might have been, and nothing stands in for an IPv4 address.
func isCanonical6(s string) bool {
	groups, gap := 0, false
	zero := false // the group before is 0
	for i := 0; i < len(s); {
		from := i
		for i < len(s) && (isDigit(s[i]) || 'a' <= s[i] && s[i] <= 'f') {
			i++
		}
		group := s[from:i]
		if group == "" || len(group) > 4 || group[0] == '0' && len(group) > 1 || group == "0" && zero {
			return false
		}
		zero = group == "0"
		groups++
		if i == len(s) {
			break
		}
		if s[i] != ':' || i+1 == len(s) {
			return false
		}
		if i++; s[i] == ':' {
			if gap || zero {
				return false
			}
			gap, zero = true, true // a zero after it would be left out, too
			i++
		}
	}
	return groups == 8 && !gap || groups <= 6 && gap
}

// bareAddress reads an address that has no port.
func bareAddress(s string) (text string, addr netip.Addr) {
	if i := strings.IndexByte(s, '%'); i >= 0 {
		s = s[:i]
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return "", netip.Addr{}
	}
	switch {
	case a.Is4():
		return s, a // there is one way of writing it
	case a.Is4In6():
		a = a.Unmap()
		if i := strings.LastIndexByte(s, ':'); strings.IndexByte(s[i:], '.') >= 0 {
			return s[i+1:], a
		}
		return a.String(), a
	}
	var buf [64]byte
	if canonical := a.AppendTo(buf[:0]); string(canonical) != s {
		return string(canonical), a
	}
	return s, a
}

// isPortSuffix reports whether s is a colon and a port, or nothing.
func isPortSuffix(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' || len(s) > len(":65535") {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return len(s) > 1
}
