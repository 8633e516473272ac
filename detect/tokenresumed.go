package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// TokenResumed finds tokens that are used again, after hours, by somebody else.
func TokenResumed() *Detector {
	d := &Detector{
		Name: "token-resumed",
		Doc: `a token used again after hours, from a new network and with a new user agent

Its owner has gone home; a copy of it has not. Both must be new to the token, not only other
than the last: an office and a home are both its owner's, and so is a browser that has updated
itself. A network is its number, where that is known, else the address's /16 or /32 (IPv6),
which is less certain.

Relays are no new network. Where only the user is known it is silent: people have several
devices.`,
		Type:      SuspiciousActivity,
		Severity:  Medium,
		Technique: "T1550.001",
		OWASP:     "API2:2023",
		Of:        NamedKind,
		Match:     func(r *parsers.Request) bool { return holder(r) != "" && inUse(r) },
		GroupBy:   ByToken,
	}
	idle := d.span("idle", 4*time.Hour, "`time` without use after which a token is used again")
	window := d.span("window", time.Hour, "`time` without use after which an event is over")
	d.TTL, d.Quiet = new(history), window
	d.New = func() State { return &tokenResumed{idle: *idle, window: *window} }
	return d
}

type tokenResumed struct {
	idle, window time.Duration

	Last      Mark        // tagged by address
	LastAgent uint64      // its user agent as it stands
	Networks  []network   // that the token was used from, by last use; at most maxKnown
	Agents    []uint64    // that it was used with, likewise; tags of programs
	Going     *resumption `json:",omitempty"`
}

// maxKnown bounds the networks and programs of one token that are remembered.
const maxKnown = 8

// A network is where an address belongs: by its number and by its first bits, 0 where
// they are not known.
type network struct {
	ASN    uint32 `json:",omitempty"`
	Prefix uint64
}

// is tells whether both are one network, by what is known of both.
func (n network) is(m network) bool {
	if n.ASN != 0 && m.ASN != 0 {
		return n.ASN == m.ASN
	}
	return n.Prefix == m.Prefix
}

func networkOf(r *parsers.Request) network {
	n := network{Prefix: prefixTag(r.ClientIP, 16, 32)}
	if r.Origin != nil {
		n.ASN = r.Origin.ASN
	}
	return n
}

// A resumption is the use of a token by who took it up again.
type resumption struct {
	Episode
	Token    string
	Idle     time.Duration
	From     string // the address that took it up
	Network  network
	Agent    uint64
	Networks int  // it was used from before, of those remembered
	Agents   int  // likewise
	Numbered bool // the networks are told apart by their numbers
}

func (s *tokenResumed) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	address, agent := tag(r.ClientIP), tag(r.UserAgent)
	idle := r.Time.Sub(s.Last.At)
	before, known := s.Last, s.Last.Tag == address && s.LastAgent == agent && len(s.Networks) > 0
	s.Last, s.LastAgent = mark(r, address), agent
	if known && s.Going == nil {
		return
	}
	n, program := networkOf(r), agentTag(r.UserAgent)
	switch {
	case s.Going != nil:
		if !s.Going.Network.is(n) || s.Going.Agent != program {
			break
		}
		s.Going.extend(r)
		s.Going.reach(Medium, outcomeOf(r))
		s.Going.tell(emit, s.describe)
	case len(s.Networks) > 0 && len(s.Agents) > 0 && idle >= s.idle && s.foreign(r, n, program):
		s.Going = &resumption{
			Episode: beginByBearer(r, Window{before, s.Last}), Token: strings.Clone(holder(r)), Idle: idle, From: strings.Clone(r.ClientIP),
			Network: n, Agent: program, Networks: len(s.Networks), Agents: len(s.Agents),
			Numbered: n.ASN != 0 && !slices.ContainsFunc(s.Networks, func(m network) bool { return m.ASN == 0 }),
		}
		s.Going.First, s.Going.Count, s.Going.Route = r.Time, 1, "" // the use before is evidence only
		s.Going.reach(Medium, outcomeOf(r))
		s.Going.tell(emit, s.describe)
	}
	s.learn(r, n, program)
}

// Expire gives the final form of what goes on, and ends it.
func (s *tokenResumed) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// foreign tells whether both the network and the program are new to the token, and known.
func (s *tokenResumed) foreign(r *parsers.Request, n network, program uint64) bool {
	if n == (network{}) || r.Origin.Has(parsers.Relay|parsers.Reserved) {
		return false
	}
	return !slices.Contains(s.Agents, program) && !slices.ContainsFunc(s.Networks, n.is)
}

// learn remembers the network and the program, and forgets those not used for longest.
func (s *tokenResumed) learn(r *parsers.Request, n network, program uint64) {
	if n != (network{}) && !r.Origin.Has(parsers.Relay|parsers.Reserved) {
		s.Networks = lastOf(s.Networks, n)
	}
	s.Agents = lastOf(s.Agents, program)
}

// lastOf puts v at the end of a list in which each stands once, at most maxKnown.
func lastOf[T comparable](list []T, v T) []T {
	if i := slices.Index(list, v); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == maxKnown {
		list = slices.Delete(list, 0, 1)
	}
	return append(list, v)
}

func (s *tokenResumed) describe(e *Event) {
	g := s.Going
	what := who(e.ActorID, e.ActorType)
	if g.Token != e.ActorID {
		what = fmt.Sprintf("token %q of %s", g.Token, what)
	}
	e.Summary = fmt.Sprintf("%s was used again after %s, by %s, from a network and with a user agent that are new to it (threshold: %s without use; before, it was used from %s with %s)",
		what, inWords(g.Idle), g.From, inWords(s.idle), plural(int64(g.Networks), "network", "networks"), plural(int64(g.Agents), "user agent", "user agents"))
	e.Confidence = 0.6 // its owner may have carried it to a new device
	if !g.Numbered {
		e.Confidence = 0.4
		e.Summary += "; networks are told apart by the first bits of addresses only"
	}
	e.Metadata = Meta("token", g.Token, "idle_seconds", int64(g.Idle.Seconds()), "ip", g.From, "requests", e.Count,
		"network_known", g.Numbered, "known_networks", g.Networks, "known_user_agents", g.Agents)
}

func (s *tokenResumed) Learned() (l Learned) {
	networks := Set{Of: ofNetworks, Tags: true}
	for _, n := range s.Networks {
		networks.Items = append(networks.Items, fmt.Sprintf("%s AS%d", showTag(n.Prefix), n.ASN))
	}
	l.addSet(networks)
	l.addSet(tagSet(ofPrograms, s.Agents))
	return l
}

func (s *tokenResumed) Learn(l Learned, at time.Time) (err error) {
	items, err := l.set(ofNetworks).items(maxKnown)
	if err != nil {
		return err
	}
	for _, item := range items {
		prefix, name, _ := strings.Cut(item, " ")
		tag, err := parseTag(prefix)
		if err != nil {
			return fmt.Errorf("%q: %w", ofNetworks, err)
		}
		number, err := networkNumbers(Set{Of: ofNetworks, Items: []string{name}}, 1)
		if err != nil {
			return err
		}
		s.Networks = append(s.Networks, network{number[0], tag})
	}
	s.Last.At = at
	if s.Agents, err = l.set(ofPrograms).tags(maxKnown); err != nil {
		return err
	}
	return l.known(ofNetworks, ofPrograms)
}
