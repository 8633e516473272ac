package detect

import (
	"net/netip"
	"strings"

	"github.com/litesoc/litesoc/parsers"
	"github.com/zeebo/xxh3"
)

// What the detectors of token replay share: whose a request is, whether it was let in,
// and what tells one network or one program from another.

// ByToken groups by what a thief would have: the token, else the session, else the user.
// An API key is none of them: servers share keys, and detectors of their own judge them.
// A token beside a key counts; a user beside a key is served by a server, which stands
// where it stands. What a link in a mail bears is no token of these: the scanners of mail
// open it before its reader does, from wherever they are.
var ByToken = &GroupBy{Key: appendToken}

func appendToken(r *parsers.Request, b []byte) []byte {
	switch token, user := lasting(r), person(r); {
	case token != "":
		return append(append(b, "token "...), token...)
	case r.Session != "":
		return append(append(b, "session "...), r.Session...)
	case user != "":
		return append(append(b, "user "...), user...)
	}
	return b
}

// ByUser groups by the account, whatever token it uses: the user, else the token, else
// the session.
var ByUser = &GroupBy{Key: appendUser}

func appendUser(r *parsers.Request, b []byte) []byte {
	if user := person(r); user != "" {
		return append(append(b, "user "...), user...)
	}
	return appendToken(r, b)
}

// person returns the user of a request where that is one person: not the one whom a
// server with an API key serves, nor a name that stands for nobody or everybody.
func person(r *parsers.Request) string {
	if r.User == "" || r.APIKey != "" && r.Token == "" && r.Session == "" {
		return ""
	}
	for _, name := range [...]string{"anonymous", "anonymousUser", "guest", "nobody", "public", "unknown"} {
		if len(name) == len(r.User) && strings.EqualFold(name, r.User) {
			return ""
		}
	}
	return r.User
}

// beginByBearer is begin for a detector that groups by token or user: they are who acts,
// even beside an API key that a whole application shares.
func beginByBearer(r *parsers.Request, w Window) Episode {
	e := begin(r, w)
	switch token, user := lasting(r), person(r); {
	case user != "":
		e.ActorID, e.ActorType = strings.Clone(user), string(parsers.ActorUser)
	case token != "":
		e.ActorID, e.ActorType = strings.Clone(token), string(parsers.ActorToken)
	case r.Session != "":
		e.ActorID, e.ActorType = strings.Clone(r.Session), string(parsers.ActorSession)
	}
	return e
}

// lasting returns the token, unless it is that of a link in a mail.
func lasting(r *parsers.Request) string {
	if r.Token != "" && (strings.Contains(r.Query, r.Token) || strings.Contains(r.Body, r.Token)) && featuresOf(r).byLink {
		return ""
	}
	return r.Token
}

// holder returns the token, else the session; "" if the log names neither.
func holder(r *parsers.Request) string {
	if token := lasting(r); token != "" {
		return token
	}
	return r.Session
}

// worked tells whether a request was let in: the answer is 2xx or 3xx, or opens a WebSocket, and
// it is no login that failed with one of these. Names alone prove nothing before that.
func worked(r *parsers.Request) bool {
	return (r.Status >= 200 && r.Status < 400 || r.Status == switchingProtocols) && r.Event != LoginFailed
}

const switchingProtocols = 101 // to a WebSocket

// inUse tells whether a request shows that somebody has the token, session or account.
// Of a secret any answer shows it but those to one that ran out.
func inUse(r *parsers.Request) bool {
	if holder(r) == "" {
		return worked(r)
	}
	return (r.Status >= 200 && r.Status < 500 || r.Status == switchingProtocols) && r.Status != 401 && r.Event != SessionExpired
}

// maxAgent bounds what of a user agent tells programs apart, in bytes.
const maxAgent = 256

// programTag tells programs apart, not their versions: digits, dots and underscores do not
// count. A browser that updates itself overnight is no other browser. It is 0 where the
// log names none.
func programTag(agent string) uint64 {
	if agent == "" {
		return 0
	}
	var buf [maxAgent]byte
	n := 0
	for i := 0; i < len(agent) && n < len(buf); i++ {
		switch c := agent[i]; {
		case c >= '0' && c <= '9', c == '.', c == '_':
		default:
			buf[n] = c
			n++
		}
	}
	return max(xxh3.Hash(buf[:n]), 1)
}

// prefixTag tells networks apart by the first bits of an address; it is 0 for what is no
// address, or one that is not routed on the internet.
func prefixTag(address string, bits4, bits6 int) uint64 {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return 0
	}
	if a = a.Unmap().WithZone(""); !isRouted(a) {
		return 0
	}
	bits := bits4
	if a.Is6() {
		bits = bits6
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return 0
	}
	first := p.Addr().As16()
	return max(xxh3.Hash(first[:]), 1)
}

// isRouted tells whether an address, not mapped and without a zone, is one on the internet.
func isRouted(a netip.Addr) bool {
	return !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !a.IsUnspecified() && !sharedSpace.Contains(a)
}

// isInside tells whether a client is in the network of the site, by its address.
func isInside(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && !isRouted(a.Unmap().WithZone(""))
}

// sharedSpace is what carriers use behind their own NAT (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// aRelay is what via says of a relay.
const aRelay = "a relay"

// via says by what an origin hides where its user is, in words; "" if it does not.
func via(o *parsers.Origin) string {
	switch {
	case o.Has(parsers.Tor):
		return "Tor"
	case o.Has(parsers.VPN):
		return "a VPN"
	case o.Has(parsers.Relay):
		return aRelay
	case o.Has(parsers.Cloud):
		return "a cloud"
	case o.Has(parsers.Datacenter):
		return "a datacenter"
	}
	return ""
}
