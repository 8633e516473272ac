package detect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/zeebo/xxh3"
)

// KeyGeo finds credentials that are used from where they never were.
func KeyGeo() *Detector {
	d := &Detector{
		Name: "key-geo",
		Doc: `an API key, token or user in a country that is new to it

Servers seldom move; stolen keys do. A new network and a new program with it make it worse.
A place becomes usual once it has been used for as long and as much as it takes to know a key
at all, so one theft stays news. A key that is at home in 32 places is at home everywhere.

Where no countries are known, a new range of addresses (/16, or /32 of IPv6) is of low
severity. So are two countries in turns, by two programs and from few addresses, before it is
known where a key is used. People travel, the country of a VPN or relay is not that of its
user, and clouds are where programs move to: confidence is lower there.`,
		Type:      SuspiciousActivity,
		Severity:  Medium,
		Technique: "T1078",
		OWASP:     "API2:2023",
		Of:        NamedKind,
		Match:     func(r *parsers.Request) bool { return r.ClientIP != "" && usesCredential(r) },
		GroupBy:   ByCredential,
		TTL:       new(history),
	}
	least := d.count("requests", 100, "`requests` after which it is known where a key is used")
	span := d.span("history", 24*time.Hour, "`time` after which that is known, at least")
	quiet := d.span("window", time.Hour, "`time` without a request from a new place after which an event is over")
	d.Quiet = quiet
	settings := sync.OnceValue(func() *geoSettings { return &geoSettings{*least, *span, *quiet} })
	d.New = func() State { return &keyGeo{geoSettings: settings()} }
	return d
}

// geoSettings are what all states of the detector share.
type geoSettings struct {
	least       int
	span, quiet time.Duration
}

type keyGeo struct {
	Countries atlas      `json:",omitzero"`
	Ranges    *atlas     `json:",omitempty"` // of addresses of which no country is known, if there are any
	Networks  []uint32   `json:",omitempty"` // at usual places; at most maxPlaces
	Agents    []uint64   `json:",omitempty"` // likewise; by agentTag
	Last      uint64     // hash of address and user agent of the last request from a usual place
	LastRange bool       // whether that place is a range
	Turns     *turns     `json:",omitempty"` // of an API key of which it is not known where it is used
	Going     *elsewhere `json:",omitempty"`
	*geoSettings
}

// A turns is what is known of the use of a new API key in two countries.
type turns struct {
	Last      []turn   `json:",omitempty"` // of each country; at most 2
	Addresses []uint64 `json:",omitempty"` // by tag; at most fewAddresses
	Many      bool     `json:",omitempty"` // there are more of either: many use the key
}

// A turn is the last request from a country.
type turn struct {
	Place string
	Mark  // tagged by program
}

const (
	// turnsWithin is how long ago a country was used that is come back to.
	turnsWithin = 10 * time.Minute
	// fewAddresses are as many as a server has; who publishes a key has users everywhere.
	fewAddresses = 4
	// turnsAfter is how many requests tell whether a key is one that is published.
	turnsAfter = 20
)

func (s *keyGeo) AppendJSON(b []byte) ([]byte, error) {
	b = s.Countries.append(append(b, '{'), "Countries")
	if s.Ranges != nil {
		b = s.Ranges.append(b, "Ranges")
	}
	b = appendNumbers(appendNumbers(b, "Networks", s.Networks), "Agents", s.Agents)
	b = appendBool(appendUint(b, "Last", s.Last), "LastRange", s.LastRange)
	if s.Turns != nil {
		var err error
		if b, err = appendValue(b, "Turns", s.Turns); err != nil {
			return b, err
		}
	}
	return appendGoing(b, s.Going)
}

// maxPlaces bounds the places, networks and programs of a key that are told apart. A key
// for which it is reached is used everywhere, and nothing is new to it.
const maxPlaces = 32

// An atlas is where a key is used.
type atlas struct {
	Tenure
	Places []place // at most maxPlaces
}

func (a *atlas) isUnused() bool { return a.First.IsZero() && a.Requests == 0 && a.Places == nil }

// append appends the atlas, and nothing of one that was never used.
func (a *atlas) append(b []byte, name string) []byte {
	if a.isUnused() {
		return b
	}
	b = a.Tenure.members(append(appendName(b, name), '{'))
	if a.Places == nil {
		return append(appendName(b, "Places"), "null}"...)
	}
	return append(appendList(b, "Places", a.Places, (*place).members), '}')
}

// A place is a country or a range of addresses.
type place struct {
	Name  string
	Usual bool
	Tenure
}

func (p *place) members(b []byte) []byte {
	return p.Tenure.members(appendBool(appendText(b, "Name", p.Name), "Usual", p.Usual))
}

// An elsewhere is the use of a key from new places, while it goes on.
type elsewhere struct {
	Episode
	Bearer           Bearer
	Places, Usual    []string // at most maxListed each; places as they are shown
	More             bool     // places are left out
	Hides            string   // what hides the user's place at all addresses so far; "" if nothing does
	Known            Tenure   // of the key, when it began
	NewNetwork       bool
	NewAgent         bool
	Country          bool // whether one of the places is a country
	InTurns          bool `json:",omitempty"` // with the usual one, before that was known for one
	UsualPlaces      int
	Granted, Refused int64 // of Count
}

// maxListed bounds the names that an event lists.
const maxListed = 20

func (s *keyGeo) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.quiet {
		s.Expire(emit)
	}
	same := xxh3.HashString(r.ClientIP)*31 + xxh3.HashString(r.UserAgent)
	if same == s.Last {
		// Most requests are like the one before. Its place was a usual one.
		s.kind(s.LastRange).add(r.Time)
		if s.Turns != nil && !s.LastRange {
			s.Turns.goOn(r)
		}
		return
	}
	var buf [64]byte
	name, isRange := appendPlace(buf[:0], r)
	if len(name) == 0 {
		return
	}
	a := s.kind(isRange)
	// The request itself is no history.
	known := a.reached(r.Time, s.least, s.span)
	tenure := a.Tenure
	a.add(r.Time)
	if s.usual(a, name, r.Time, known) {
		s.learn(r)
		s.Last, s.LastRange = same, isRange
		if known {
			s.Turns = nil
		} else if !isRange && r.APIKey != "" {
			s.takeTurn(r, string(name), tenure, emit)
		}
		return
	}
	if !known || len(a.usual()) >= maxPlaces {
		return
	}
	s.found(r, a, string(name), isRange, tenure)
	s.Going.tell(emit, s.describe)
}

// goOn takes a request like the one before: its country is in use still. Where there are two, what
// is told of are two programs.
func (t *turns) goOn(r *parsers.Request) {
	if len(t.Last) == 0 {
		return
	}
	i := len(t.Last) - 1
	if i == 1 && t.Last[0].Tag == agentTag(r.UserAgent) {
		i = 0
	}
	t.Last[i].At, t.Last[i].Evidence = r.Time, evidence(r)
}

// takeTurn takes a request with a new API key from a country, and tells of one that is come back
// to while another program uses the key in another country.
func (s *keyGeo) takeTurn(r *parsers.Request, name string, known Tenure, emit func(Event)) {
	if s.Turns == nil {
		s.Turns = &turns{}
	}
	t, address := s.Turns, placeTag(r)
	if !t.Many && !slices.Contains(t.Addresses, address) {
		t.Addresses = append(t.Addresses, address)
	}
	i := slices.IndexFunc(t.Last, func(o turn) bool { return o.Place == name })
	if t.Many = t.Many || len(t.Addresses) > fewAddresses || i < 0 && len(t.Last) == 2; t.Many {
		t.Last, t.Addresses = nil, nil
		return
	}
	now := turn{name, mark(r, agentTag(r.UserAgent))}
	if i < 0 {
		t.Last = append(t.Last, now)
		return
	}
	before := t.Last[i]
	t.Last[i] = now
	if len(t.Last) < 2 || known.Requests < turnsAfter {
		return
	}
	other := t.Last[1-i]
	if other.At.Before(before.At) || now.At.Sub(before.At) > turnsWithin || other.Tag == now.Tag || other.Tag == before.Tag {
		return
	}
	newcomer := t.Last[1].Place // the one that came second
	if s.Going == nil {
		s.Going = &elsewhere{
			Episode: begin(r, Window{before.Mark, other.Mark, now.Mark}), Bearer: bearer(r), Places: []string{newcomer},
			Usual: []string{t.Last[0].Place}, UsualPlaces: 1, Known: known, Country: true, InTurns: true,
		}
		s.Going.UserIP = ""
	} else {
		s.Going.extend(r)
	}
	if i == 1 { // the newcomer's
		s.Going.UserIP = strings.Clone(r.ClientIP)
	}
	granted, refused := verdict(r.Status)
	s.Going.Granted += int64(granted)
	s.Going.Refused += int64(refused)
	s.Going.reach(Low, outcomeOf(r))
	s.Going.tell(emit, s.describe)
}

func (s *keyGeo) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

func (s *keyGeo) kind(isRange bool) *atlas {
	if !isRange {
		return &s.Countries
	}
	if s.Ranges == nil {
		s.Ranges = &atlas{}
	}
	return s.Ranges
}

// usual tells whether the place is a usual one, and notes that it is used. While the key
// is not known, every place is. When all room is taken, a place that is not becomes
// none.
func (s *keyGeo) usual(a *atlas, name []byte, now time.Time, known bool) bool {
	i := slices.IndexFunc(a.Places, func(p place) bool { return p.Name == string(name) })
	if i < 0 {
		if len(a.Places) == maxPlaces {
			return false
		}
		a.Places = append(a.Places, place{Name: string(name), Usual: !known})
		i = len(a.Places) - 1
	}
	p := &a.Places[i]
	if p.Usual {
		return true
	}
	p.Usual = p.reached(now, s.least, s.span)
	p.add(now)
	return p.Usual
}

// usual returns the names of the usual places, in the order they became known.
func (a *atlas) usual() []string {
	var names []string
	for _, p := range a.Places {
		if p.Usual {
			names = append(names, p.Name)
		}
	}
	return names
}

// learn notes network and program of a request from a usual place.
func (s *keyGeo) learn(r *parsers.Request) {
	if o := r.Origin; o != nil && o.ASN != 0 && len(s.Networks) < maxPlaces && !slices.Contains(s.Networks, o.ASN) {
		s.Networks = append(s.Networks, o.ASN)
	}
	if a := agentTag(r.UserAgent); len(s.Agents) < maxPlaces && !slices.Contains(s.Agents, a) {
		s.Agents = append(s.Agents, a)
	}
}

// found takes a request from a new place.
func (s *keyGeo) found(r *parsers.Request, a *atlas, name string, isRange bool, known Tenure) {
	if s.Going == nil {
		usual := a.usual()
		s.Going = &elsewhere{
			Episode:     begin(r, Window{mark(r, 0)}),
			Bearer:      bearer(r),
			Usual:       usual[:min(len(usual), maxListed)],
			UsualPlaces: len(usual),
			Known:       known,
			Hides:       hides(r.Origin),
		}
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	if hides(r.Origin) == "" {
		g.Hides = ""
	}
	if network := r.Origin.Network(); network != "" && !isRange {
		name += " (" + network + ")"
	}
	switch {
	case slices.Contains(g.Places, name):
	case len(g.Places) < maxListed:
		g.Places = append(g.Places, name)
	default:
		g.More = true
	}
	granted, refused := verdict(r.Status)
	g.Granted += int64(granted)
	g.Refused += int64(refused)

	newAgent := isNew(s.Agents, agentTag(r.UserAgent))
	newNetwork := r.Origin != nil && r.Origin.ASN != 0 && isNew(s.Networks, r.Origin.ASN)
	g.NewAgent = g.NewAgent || newAgent
	g.NewNetwork = g.NewNetwork || newNetwork
	severity := Low
	if !isRange {
		g.Country = true
		severity = Medium
		if newAgent && newNetwork {
			severity = High
		}
	}
	outcome := Attempted
	switch {
	case g.Granted > 0:
		outcome = Succeeded
	case g.Refused == g.Count:
		outcome = Blocked
	}
	g.reach(severity, outcome)
}

// isNew tells whether v is not among what is known. Nothing is new where nothing is
// known, or more than is told apart.
func isNew[T comparable](known []T, v T) bool {
	return len(known) > 0 && len(known) < maxPlaces && !slices.Contains(known, v)
}

// hides names what hides where the user of an address is; "" if nothing is known to.
func hides(o *parsers.Origin) string {
	switch {
	case o.Has(parsers.Tor):
		return "Tor"
	case o.Has(parsers.VPN):
		return "a VPN"
	case o.Has(parsers.Relay):
		return aRelay
	case o.Has(parsers.Cloud | parsers.Datacenter):
		return "a cloud or datacenter"
	}
	return ""
}

// appendPlace appends the name of the place of a request: the country, else the range of
// its address. An address that is not routed on the internet is no place.
func appendPlace(b []byte, r *parsers.Request) (name []byte, isRange bool) {
	if r.Origin.Has(parsers.Reserved) {
		return b, false
	}
	if country := r.Origin.CountryCode(); country != "" {
		return append(b, country[:min(len(country), cap(b))]...), false
	}
	addr, err := netip.ParseAddr(r.ClientIP)
	if err != nil {
		return b, false
	}
	addr = addr.Unmap().WithZone("")
	if addr.IsPrivate() || !addr.IsGlobalUnicast() {
		return b, false
	}
	bits := 16
	if addr.Is6() {
		bits = 32
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return b, false
	}
	return p.AppendTo(b), true
}

func (s *keyGeo) describe(e *Event) {
	g := s.Going
	places := strings.Join(g.Places, ", ")
	if g.More {
		places += " and others"
	}
	usual := strings.Join(g.Usual, ", ")
	if n := g.UsualPlaces - len(g.Usual); n > 0 {
		usual += fmt.Sprintf(" and %d more", n)
	}
	e.Summary = fmt.Sprintf("%s made %s in %s from %s, new to it (threshold: a new place after %d requests over %s; its %d earlier requests, over %s, came from %s)",
		g.Bearer.who(e), plural(e.Count, "request", "requests"), inWords(e.Last.Sub(e.First)), places,
		s.least, inWords(s.span), g.Known.Requests, inWords(e.First.Sub(g.Known.First)), usual)
	if g.InTurns {
		e.Summary = fmt.Sprintf("%s was used from %s and %s in turns, with another program in each, within %s (threshold: a country that is come back to within %s, after %d requests, while it is not known where the key is used)",
			g.Bearer.who(e), usual, places, inWords(e.Last.Sub(e.First)), inWords(turnsWithin), turnsAfter)
	}
	switch {
	case g.NewNetwork && g.NewAgent:
		e.Summary += "; the network and the program are new to it as well"
	case g.NewNetwork:
		e.Summary += "; the network is new to it as well"
	case g.NewAgent:
		e.Summary += "; the program is new to it as well"
	}
	// In percent, so that sums are exact.
	confidence := 60
	if g.Bearer.Type == string(parsers.ActorUser) {
		confidence = 40 // people travel
	}
	switch {
	case g.InTurns:
		confidence -= 30 // two services of one owner look the same
		e.Summary += "; two services of one owner look the same"
	case !g.Country:
		confidence -= 30 // a provider gives out addresses of many ranges
		e.Summary += "; no country is known, and a new range of addresses says little"
	case e.Severity == High:
		confidence += 30
	}
	switch g.Hides {
	case "":
	case "Tor": // never where an API key belongs
	case "a VPN", aRelay:
		confidence -= 20
		e.Summary += "; the address is that of " + g.Hides + ", whose user may be elsewhere"
	default:
		confidence -= 10
		e.Summary += "; the address is that of " + g.Hides + ", where a service may have moved"
	}
	if g.Country && g.UsualPlaces >= 5 {
		confidence -= 20
		e.Summary += fmt.Sprintf("; it moves: %d countries are usual", g.UsualPlaces)
	}
	e.Confidence = float64(max(confidence, 10)) / 100
	e.Metadata = Meta("credential", g.Bearer.ID, "credential_type", g.Bearer.Type, "key_prefix", g.Bearer.Prefix,
		"places", g.Places, "usual_places", g.Usual, "new_network", g.NewNetwork, "new_user_agent", g.NewAgent,
		"history_requests", g.Known.Requests, "history_hours", int(e.First.Sub(g.Known.First).Hours()),
		"granted", g.Granted, "refused", g.Refused)
}

const (
	ofCountries = "countries"
	ofRanges    = "ranges of addresses" // of which no country is known
	ofNetworks  = "networks"
	ofPrograms  = "programs"
)

func (s *keyGeo) Learned() (l Learned) {
	for _, a := range []struct {
		of string
		*atlas
	}{{ofCountries, &s.Countries}, {ofRanges, cmp.Or(s.Ranges, &atlas{})}} {
		l.addSet(Set{Of: a.of, Since: a.First, Requests: a.Requests, Items: a.usual()})
	}
	l.addSet(Set{Of: ofNetworks, Items: networkNames(s.Networks)})
	l.addSet(tagSet(ofPrograms, s.Agents))
	return l
}

func (s *keyGeo) Learn(l Learned, _ time.Time) error {
	for _, a := range []struct {
		of string
		*atlas
	}{{ofCountries, &s.Countries}, {ofRanges, s.kind(true)}} {
		set := l.set(a.of)
		names, err := set.items(maxPlaces)
		if err != nil {
			return err
		}
		a.Tenure = Tenure{set.Since, set.Requests}
		for _, name := range names {
			a.Places = append(a.Places, place{Name: name, Usual: true})
		}
	}
	if s.Ranges.isUnused() {
		s.Ranges = nil
	}
	var err error
	if s.Networks, err = networkNumbers(l.set(ofNetworks), maxPlaces); err != nil {
		return err
	}
	if s.Agents, err = l.set(ofPrograms).tags(maxPlaces); err != nil {
		return err
	}
	return l.known(ofCountries, ofRanges, ofNetworks, ofPrograms)
}

// networkNames are the numbers of networks as they are written.
func networkNames(numbers []uint32) (names []string) {
	for _, n := range numbers {
		names = append(names, fmt.Sprintf("AS%d", n))
	}
	return names
}

// networkNumbers reads what networkNames writes, at most so many.
func networkNumbers(s Set, most int) (numbers []uint32, err error) {
	names, err := s.items(most)
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, "AS")
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil {
			return nil, fmt.Errorf("%q: %q is no network such as AS64500", s.Of, clip(name))
		}
		numbers = append(numbers, uint32(n))
	}
	return numbers, err
}
