package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// ImpossibleTravel finds accounts and tokens that are used in two places too far apart.
func ImpossibleTravel() *Detector {
	d := &Detector{
		Name: "impossible-travel",
		Doc: `one account or token in two places that nobody travels between so fast

A stolen password or token works anywhere, and no login fails. What counts is the distance
that is certain: what both positions may be wrong by is taken off. Only requests that were let
in move anybody. The same token at both ends is critical: it was not logged in twice.

A VPN, a relay, Tor or a datacenter at one end hides where its user is, and one network at
both ends has its addresses moved about by its carrier: such an event is of medium severity.
Relays at both ends, as the edges of a CDN where the log has lost the client, tell of no
place.`,
		Type:      SuspiciousActivity,
		Severity:  High,
		Technique: "T1078",
		OWASP:     "API2:2023",
		Of:        NamedKind,
		Match:     func(r *parsers.Request) bool { return positioned(r.Origin) && worked(r) },
		GroupBy:   ByUser,
	}
	distance := d.count("distance", 500, "`kilometres` between two places, for certain, below which nobody has travelled")
	speed := d.count("speed", 1000, "`km/h` above which a journey is impossible")
	doubtful := d.count("doubtful-speed", 805, "`km/h` from which a journey is doubtful, of medium severity")
	window := d.span("window", 24*time.Hour, "`time` for which a place is remembered, and without a journey after which an event is over")
	d.TTL = window
	d.New = func() State {
		return &travel{distance: float64(*distance), speed: float64(*speed), doubtful: float64(*doubtful), window: *window}
	}
	return d
}

type travel struct {
	distance, speed, doubtful float64
	window                    time.Duration

	Places []position `json:",omitempty"` // by last use; at most maxPositions
	Going  *journey   `json:",omitempty"`
}

// maxPositions bounds the places remembered of one account. The last ones are enough: who
// is too far from them is too far.
const maxPositions = 8

// A position is where an account was, and its last request from there.
type position struct {
	Mark                                  // tagged by token or session; 0 if none was named
	Latitude, Longitude, RadiusKM float64 // as Origin has them
	Country, City, IP, Via        string  `json:",omitempty"`
	ASN                           uint32  `json:",omitempty"`
}

// A journey is a travel that goes on: its gravest leg, and how often the account moved.
type journey struct {
	Episode
	From, To position
	KM       float64 // between them, for certain
}

func (s *travel) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
		s.Going = nil
	}
	var token uint64
	if b := holder(r); b != "" {
		token = max(tag(b), 1)
	}
	if n := len(s.Places); n > 0 && s.Places[n-1].is(r, token) {
		s.Places[n-1].Mark = mark(r, token)
		return
	}
	to := positionOf(r, token)
	from, km, severity, moved := s.arrive(to)
	switch {
	case severity == Info:
		return
	case s.Going == nil:
		s.Going = &journey{Episode: beginByBearer(r, Window{from.Mark, to.Mark}), From: from, To: to, KM: km}
	case severity > s.Going.Severity:
		s.Going.extend(r)
		s.Going.From, s.Going.To, s.Going.KM, s.Going.UserIP = from, to, km, to.IP
	case moved:
		s.Going.extend(r)
	default:
		return // near where it just was: a place too far from there is known already
	}
	s.Going.reach(severity, Succeeded)
	s.Going.tell(emit, s.describe)
}

// Expire gives the final form of what goes on.
func (s *travel) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

// arrive remembers the place and returns the one from which the journey to it is the
// gravest, the last used of them, and whether it is impossible from the last used of all.
// All are kept until they grow old, so that two people who use one account in turns are
// one event.
func (s *travel) arrive(to position) (from position, km float64, severity Severity, moved bool) {
	s.Places = slices.DeleteFunc(s.Places, func(p position) bool { return to.At.Sub(p.At) > s.window })
	for i, p := range slices.Backward(s.Places) {
		d, v := s.judge(&p, &to)
		if v > severity {
			from, km, severity = p, d, v
		}
		moved = moved || v > Info && i == len(s.Places)-1
	}
	s.Places = slices.DeleteFunc(s.Places, func(p position) bool { return p.same(&to) })
	if len(s.Places) == maxPositions {
		s.Places = slices.Delete(s.Places, 0, 1)
	}
	s.Places = append(s.Places, to)
	return from, km, severity, moved
}

// judge returns how far apart two places are for certain, and how grave it is that one
// account was in both: Info if somebody may have travelled.
func (s *travel) judge(from, to *position) (km float64, severity Severity) {
	km = greatCircle(from.Latitude, from.Longitude, to.Latitude, to.Longitude) - from.RadiusKM - to.RadiusKM
	if km < s.distance || from.Via == aRelay && to.Via == aRelay {
		return km, Info
	}
	hours := to.At.Sub(from.At).Hours() // may be 0: logs have whole seconds
	switch {
	case km <= s.speed*hours && km < s.doubtful*hours:
		return km, Info
	case km <= s.speed*hours, from.Via != "", to.Via != "", oneNetwork(from, to):
		return km, Medium
	case from.Tag != 0 && from.Tag == to.Tag:
		return km, Critical
	}
	return km, High
}

func oneNetwork(a, b *position) bool { return a.ASN != 0 && a.ASN == b.ASN }

func (s *travel) describe(e *Event) {
	from, to, km := &s.Going.From, &s.Going.To, int64(s.Going.KM)
	over := to.At.Sub(from.At)
	speed := int64(math.Round(s.Going.KM / max(over, time.Second).Hours())) // logs have whole seconds
	later := "at the same time"
	if over > 0 {
		later = inWords(over) + " later"
	}
	e.Summary = fmt.Sprintf("%s was in %s, and %s in %s, at least %d km away: %d km/h (threshold: more than %.0f km/h over at least %.0f km; doubtful from %.0f km/h)",
		who(e.ActorID, e.ActorType), from.at(), later, to.at(), km, speed, s.speed, s.distance, s.doubtful)
	same := from.Tag != 0 && from.Tag == to.Tag
	if same {
		e.Summary += "; with one token or session"
	}
	if e.Count > 2 {
		e.Summary += fmt.Sprintf("; it changed places %d times", e.Count-1)
	}
	hidden := cmp.Or(to.Via, from.Via)
	switch {
	case hidden != "":
		e.Confidence = 0.4 // who turns on a VPN travels as fast
		e.Summary += fmt.Sprintf("; one end is %s, which hides where its user is", hidden)
	case oneNetwork(from, to):
		e.Confidence = 0.4
		e.Summary += fmt.Sprintf("; both ends are in AS%d, whose addresses may not be where they are said to be", to.ASN)
	case e.Severity == Medium:
		e.Confidence = 0.5 // about as fast as an airliner with the wind
	case same:
		e.Confidence = 0.95
	default:
		e.Confidence = 0.8 // one of two devices may be on a VPN that no list names
	}
	e.Metadata = Meta("from", from.meta(), "to", to.meta(), "distance_km", km, "seconds", int64(over/time.Second), "speed_kmh", speed,
		"same_token", same, "changes_of_place", e.Count-1)
}

// is tells whether the request is from the place, by the same token.
func (p *position) is(r *parsers.Request, token uint64) bool {
	o := r.Origin
	return p.Tag == token && p.Latitude == o.Latitude && p.Longitude == o.Longitude && p.RadiusKM == o.RadiusKM &&
		p.ASN == o.ASN && p.IP == r.ClientIP && p.Via == via(o)
}

// same tells whether the one place takes the place of the other in memory.
func (p *position) same(q *position) bool {
	return p.Tag == q.Tag && p.Latitude == q.Latitude && p.Longitude == q.Longitude && p.RadiusKM == q.RadiusKM &&
		p.ASN == q.ASN && p.Via == q.Via
}

func positionOf(r *parsers.Request, token uint64) position {
	o := r.Origin
	return position{
		Mark:     mark(r, token),
		Latitude: o.Latitude, Longitude: o.Longitude, RadiusKM: o.RadiusKM,
		Country: strings.Clone(o.Country), City: clip(o.City), IP: strings.Clone(r.ClientIP), Via: via(o), ASN: o.ASN,
	}
}

// at names the place in a sentence, and the address there: of the two, one may be the owner's.
func (p *position) at() string { return p.name() + " at " + p.IP }

// name names the place in a sentence.
func (p *position) name() string {
	switch {
	case p.City != "" && p.Country != "":
		return p.City + " (" + p.Country + ")"
	case p.City != "" || p.Country != "":
		return p.City + p.Country
	}
	return fmt.Sprintf("%.1f,%.1f", p.Latitude, p.Longitude)
}

func (p *position) meta() any {
	return struct {
		IP       string    `json:"ip"`
		At       time.Time `json:"at"`
		Country  string    `json:"country_code"`
		City     string    `json:"city,omitempty"`
		Lat      float64   `json:"latitude"`
		Lon      float64   `json:"longitude"`
		RadiusKM float64   `json:"accuracy_km"`
		ASN      uint32    `json:"asn,omitempty"`
		Via      string    `json:"via,omitempty"`
	}{p.IP, p.At, p.Country, p.City, p.Latitude, p.Longitude, p.RadiusKM, p.ASN, p.Via}
}

// earthRadius is the mean radius of the earth in kilometres (IUGG).
const earthRadius = 6371.0088

// positioned tells whether the origin has a position on the earth. What is not routed on
// the internet is nowhere.
func positioned(o *parsers.Origin) bool {
	return o != nil && o.RadiusKM > 0 && o.RadiusKM < math.Pi*earthRadius &&
		math.Abs(o.Latitude) <= 90 && math.Abs(o.Longitude) <= 180 && !o.Has(parsers.Reserved)
}

// greatCircle returns the kilometres between two points on a sphere, given in degrees,
// by the haversine formula (Sinnott: Virtues of the Haversine, Sky & Telescope 68, 1984).
// It is at most 0.6 percent off the distance on the earth, which is flatter.
func greatCircle(lat1, lon1, lat2, lon2 float64) float64 {
	const degree = math.Pi / 180
	haversine := func(angle float64) float64 { h := math.Sin(angle / 2); return h * h }
	h := haversine((lat2-lat1)*degree) + math.Cos(lat1*degree)*math.Cos(lat2*degree)*haversine((lon2-lon1)*degree)
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}
