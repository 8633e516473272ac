package detect

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// TokenSpread finds tokens that are in use in several places at once.
func TokenSpread() *Detector {
	d := &Detector{
		Name: "token-spread",
		Doc: `one token in use in several places in turns

A person who moves goes from one network to another; who has stolen a token uses it while its
owner does. So a network must be left and come back to, with another country between, another
network of the other address family, or more networks than one person has.

Addresses of one network or company are one; a network that is not known is not another one,
unless it is in another country; mobile carriers and relays count as nothing. Where only the
user is known it may be two devices of one person: countries and the number of networks still
count, with medium severity.`,
		Type:      SuspiciousActivity,
		Severity:  High,
		Technique: "T1550.001",
		OWASP:     "API2:2023",
		Of:        NamedKind,
		Match: func(r *parsers.Request) bool {
			o := r.Origin
			return o != nil && (o.ASN != 0 || o.Country != "" || o.Has(parsers.Tor)) && !o.Has(parsers.Relay|parsers.Reserved) && inUse(r)
		},
		GroupBy: ByToken,
	}
	networks := d.count("networks", 3, "`networks` of one token within the window that are still normal")
	window := d.span("window", 10*time.Minute, "`time` within which a network is left and come back to")
	d.TTL = window
	d.New = func() State { return &tokenSpread{networks: *networks, window: *window} }
	return d
}

type tokenSpread struct {
	networks int
	window   time.Duration

	Uses  []use   `json:",omitempty"` // one for each network, by last use; at most maxUses
	Going *spread `json:",omitempty"`
}

// maxUses bounds the networks of one token that are told apart within the window.
const maxUses = 16

// A use is what a token did in one network lately.
type use struct {
	Mark               // the last request; tagged by the address's /24 or /48
	Since    time.Time // when it was first used there
	ASN      uint32    `json:",omitempty"` // that of Tor is torASN
	Org      uint64    `json:",omitempty"` // tag; 0 if not known
	Country  string    `json:",omitempty"` // that of Tor is torCountry
	Families uint8     // v4, v6 or both
	Agent    uint64    `json:",omitempty"` // when it was last come to
	IP       string    // likewise
}

const (
	v4 = 1 << iota
	v6
)

// Tor is one network in a country of its own, whatever its exits are: who uses it comes
// out elsewhere every few minutes.
const (
	torASN     = math.MaxUint32 // reserved, never assigned (RFC 7300)
	torCountry = "T1"           // among the codes that ISO 3166 leaves to users
)

// A spread is a token that goes on being used in several places.
type spread struct {
	Episode
	Token     string
	Between   [2]string // the network that was come back to and the one between, in words
	Countries []string  // of all of them, in order of appearance; at most maxUses
	Networks  []uint32  // likewise
	// Why it counts, and whether the user agent was another one too.
	ByCountry, ByFamily, ByNumber, Agents bool
}

func (s *tokenSpread) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
		s.Going = nil
	}
	if n := len(s.Uses); n > 0 && s.Uses[n-1].is(r) {
		s.Uses[n-1].At, s.Uses[n-1].Evidence = r.Time, evidence(r)
		return
	}
	if mobileCarrier(r.Origin.Org) {
		return
	}
	s.Uses = slices.DeleteFunc(s.Uses, func(u use) bool { return r.Time.Sub(u.At) > s.window })
	u := useOf(r)
	at := slices.IndexFunc(s.Uses, func(v use) bool { return u.same(&v) })
	if at < 0 {
		if len(s.Uses) == maxUses {
			s.makeRoom()
		}
		s.Uses = append(s.Uses, u)
		return
	}
	before := s.Uses[at]
	u.Since = before.Since
	u.Families |= before.Families
	s.Uses = append(slices.Delete(s.Uses, at, at+1), u)
	s.comeBack(r, &before, s.Uses[at:], emit)
}

// makeRoom forgets the network not used for longest, but for the one that was there first: who
// goes through very many networks must not make its owner a newcomer each time.
func (s *tokenSpread) makeRoom() {
	first := 0
	for i := range s.Uses {
		if s.Uses[i].Since.Before(s.Uses[first].Since) {
			first = i
		}
	}
	out := 0
	if first == 0 {
		out = 1
	}
	s.Uses = slices.Delete(s.Uses, out, out+1)
}

// Expire gives the final form of what goes on.
func (s *tokenSpread) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

// comeBack judges a return to a network: before is how it was left, since are the uses
// of others meanwhile, and last its own.
func (s *tokenSpread) comeBack(r *parsers.Request, before *use, since []use, emit func(Event)) {
	if len(since) == 1 {
		return // from another address of where it just was
	}
	u, secret := &since[len(since)-1], holder(r) != ""
	var other *use
	var byCountry, byFamily, agents bool
	for i := range since[:len(since)-1] {
		v := &since[i]
		country, family := u.apart(v)
		if family = family && secret; !country && !family {
			continue
		}
		other = v
		byCountry, byFamily = byCountry || country, byFamily || family
		agents = agents || u.otherAgent(v)
	}
	byNumber := s.known() > s.networks
	if byNumber {
		for i := range since[:len(since)-1] {
			agents = agents || u.otherAgent(&since[i])
		}
		if other == nil {
			other = &since[0]
		}
	}
	if other == nil {
		return
	}
	if s.Going == nil {
		s.Going = &spread{
			Episode: beginByBearer(r, Window{before.Mark, other.Mark, u.Mark}),
			Token:   strings.Clone(holder(r)),
			Between: [2]string{u.name(), other.name()},
		}
		if !other.Since.Before(u.Since) {
			s.Going.UserIP = other.IP // the newcomer
		}
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	g.Route = "" // a token is for all of them
	g.ByCountry, g.ByFamily, g.ByNumber = g.ByCountry || byCountry, g.ByFamily || byFamily, g.ByNumber || byNumber
	g.Agents = g.Agents || agents
	for i := range s.Uses {
		g.note(&s.Uses[i])
	}
	severity := High
	switch {
	case !secret:
		severity = Medium
	case agents:
		severity = Critical
	}
	g.reach(severity, outcomeOf(r))
	g.tell(emit, s.describe)
}

// outcomeOf says what the answer to one request tells: granted, or not.
func outcomeOf(r *parsers.Request) Outcome {
	if worked(r) {
		return Succeeded
	}
	return Attempted
}

// known is the number of known networks that the token was lately used in. Those of one
// company are one.
func (s *tokenSpread) known() int {
	n := 0
	for i := range s.Uses {
		u := &s.Uses[i]
		if u.ASN != 0 && !slices.ContainsFunc(s.Uses[:i], func(v use) bool { return v.ASN != 0 && u.together(&v) }) {
			n++
		}
	}
	return n
}

// note adds a network to what is told of the spread.
func (g *spread) note(u *use) {
	if u.Country != "" && len(g.Countries) < maxUses && !slices.Contains(g.Countries, u.Country) {
		g.Countries = append(g.Countries, u.Country)
	}
	if u.ASN != 0 && u.ASN != torASN && len(g.Networks) < maxUses && !slices.Contains(g.Networks, u.ASN) {
		g.Networks = append(g.Networks, u.ASN)
	}
}

func (s *tokenSpread) describe(e *Event) {
	g := s.Going
	what := who(e.ActorID, e.ActorType)
	if g.Token != "" && g.Token != e.ActorID {
		what = fmt.Sprintf("token %q of %s", g.Token, what)
	}
	e.Summary = fmt.Sprintf("%s was used from several places in turns within %s: from %s, from %s, and from the first again", what,
		inWords(e.Last.Sub(e.First)), g.Between[0], g.Between[1])
	if e.Count > 3 {
		e.Summary += fmt.Sprintf(", with %d changes", e.Count-1)
	}
	e.Summary += fmt.Sprintf(" (threshold: 2 countries, 2 networks of different address families, or more than %d networks, in turns within %s)",
		s.networks, inWords(s.window))
	if g.Agents {
		e.Summary += "; the user agent changed too"
	}
	var reasons []string
	for _, why := range []struct {
		holds bool
		name  string
	}{{g.ByCountry, "countries"}, {g.ByFamily, "address_families"}, {g.ByNumber, "networks"}} {
		if why.holds {
			reasons = append(reasons, why.name)
		}
	}
	switch {
	case g.Token == "":
		e.Confidence = 0.4
		e.Summary += "; the log names no token, so it may be two devices"
	case g.Agents && g.ByCountry:
		e.Confidence = 0.95
	case g.ByCountry || g.Agents:
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // one country and one program: a line with two providers looks the same
	}
	e.Metadata = Meta("token", g.Token, "reasons", reasons, "countries", g.Countries, "networks", g.Networks,
		"changes_of_network", e.Count-1, "user_agent_changed", g.Agents, "window_seconds", int(s.window.Seconds()))
}

func useOf(r *parsers.Request) use {
	o := r.Origin
	u := use{
		Mark: mark(r, prefixTag(r.ClientIP, 24, 48)), Since: r.Time,
		ASN: o.ASN, Country: strings.Clone(o.Country), Families: addressFamily(r.ClientIP),
		Agent: agentTag(r.UserAgent), IP: strings.Clone(r.ClientIP),
	}
	if o.Org != "" {
		u.Org = tag(o.Org)
	}
	if o.Has(parsers.Tor) {
		u.ASN, u.Country, u.Org = torASN, torCountry, 0
	}
	return u
}

// is tells whether the request is from the very network, as far as that is known.
func (u *use) is(r *parsers.Request) bool {
	o := r.Origin
	if o.Has(parsers.Tor) {
		return u.ASN == torASN && u.Families&addressFamily(r.ClientIP) != 0
	}
	return u.ASN == o.ASN && u.Country == o.Country && u.Families&addressFamily(r.ClientIP) != 0
}

// same tells whether two uses are of one network. Where that is not known, a country is
// one.
func (u *use) same(v *use) bool { return u.ASN == v.ASN && (u.ASN != 0 || u.Country == v.Country) }

// together tells whether two uses are of one network or company, or of neighbours.
func (u *use) together(v *use) bool {
	return u.same(v) || u.Org != 0 && u.Org == v.Org || u.Tag != 0 && u.Tag == v.Tag
}

// apart tells whether two uses are in different countries, and whether they are in
// different networks of different address families.
func (u *use) apart(v *use) (country, family bool) {
	if u.together(v) {
		return false, false
	}
	country = u.Country != "" && v.Country != "" && u.Country != v.Country
	return country, u.ASN != 0 && v.ASN != 0 && u.Families&v.Families == 0
}

// otherAgent tells whether two uses are by different programs. Of a log without user agents
// all are by one.
func (u *use) otherAgent(v *use) bool { return u.Agent != v.Agent }

// name names the network in a sentence.
func (u *use) name() string {
	if u.ASN == torASN {
		return "Tor (" + u.IP + ")"
	}
	if u.Country == "" {
		return fmt.Sprintf("AS%d (%s)", u.ASN, u.IP)
	}
	if u.ASN == 0 {
		return fmt.Sprintf("%s (%s)", u.Country, u.IP)
	}
	return fmt.Sprintf("%s (%s, AS%d)", u.Country, u.IP, u.ASN)
}

// addressFamily returns the address family of an address.
func addressFamily(address string) uint8 {
	if strings.IndexByte(address, ':') >= 0 {
		return v6
	}
	return v4
}

// mobileCarrier tells by its name whether a network is one of mobile phones: they come
// and go with the signal, and roam at home.
func mobileCarrier(org string) bool {
	for i := range len(org) {
		if i > 0 && lower(org[i-1]) >= 'a' && lower(org[i-1]) <= 'z' {
			continue // "automobile"
		}
		var words []string
		switch lower(org[i]) {
		case 'm':
			words = []string{"mobil", "movil", "móvil"}
		case 'w':
			words = []string{"wireless"}
		case 'c':
			words = []string{"cellular", "cellco"}
		case 'g':
			words = []string{"gsm"}
		}
		for _, word := range words {
			if len(org)-i >= len(word) && strings.EqualFold(org[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}
