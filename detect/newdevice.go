package detect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/mileusna/useragent"
)

// NewDevice finds logins of known users with devices they never had.
func NewDevice() *Detector {
	d := &Detector{
		Name: "new-device",
		Doc: "a login of a known user with a program, system and network never seen together\n\n" +
			"Mostly a new phone, or a known one on a new network; in a new country rather not. A new " +
			"version of a browser is no new device. Where the network is not known, program and system " +
			"alone make a device. The last 32 devices of a user are remembered.",
		Type:      SuspiciousActivity,
		Severity:  Low,
		Technique: "T1078",
		OWASP:     "API2:2023",
		Of:        LoginKind,
		Match:     func(r *parsers.Request) bool { return r.Event == LoginSuccess && r.User != "" },
		GroupBy:   byAccount,
		TTL:       new(history),
	}
	logins := d.count("logins", 5, "`logins` after which a user is known")
	quiet := d.span("window", time.Hour, "`time` without a login with a new device after which an event is over")
	d.Quiet = quiet
	d.New = func() State { return &newDevice{least: int64(*logins), quiet: *quiet} }
	return d
}

type newDevice struct {
	least int64
	quiet time.Duration

	Logins    int64
	Devices   []device  `json:",omitempty"` // the last used at the end; at most maxDevices
	Countries []string  `json:",omitempty"` // at most maxPlaces
	Going     *arrivals `json:",omitempty"`
}

// A device is what a login tells of one.
type device struct {
	Program uint64 // hash of program and system
	Network uint32 // number of the autonomous system; 0 if not known
}

// maxDevices bounds the devices of a user. The one whose last use is longest ago is
// forgotten first.
const maxDevices = 32

// arrivals are logins with new devices, while they go on.
type arrivals struct {
	Episode
	User                     string
	Program, System, Network string // of the last one, clipped
	Country                  string // likewise
	NewCountry               string // the first that was new
	NewProgram               bool   // whether not only the network was new
	Hides                    string // what hides the place of the user in a new country
	Before                   int64  // logins of the user, when it began
	Devices                  int    // of the user, then
}

func (s *newDevice) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.quiet {
		s.Expire(emit)
	}
	program, system := family(r.UserAgent)
	d := device{Program: tag(program + "\x00" + system)}
	if r.Origin != nil && !r.Origin.Has(parsers.Reserved) {
		d.Network = r.Origin.ASN
	}
	newProgram := !slices.ContainsFunc(s.Devices, func(o device) bool { return o.Program == d.Program })
	isNew := newProgram || !s.has(d)
	country := r.Origin.CountryCode()
	newCountry := country != "" && len(s.Countries) > 0 && len(s.Countries) < maxPlaces && !slices.Contains(s.Countries, country)
	before, devices := s.Logins, len(s.Devices)
	s.learn(d, country)
	if !isNew || before < s.least {
		return
	}
	if s.Going == nil {
		s.Going = &arrivals{Episode: begin(r, Window{mark(r, 0)}), User: clip(r.User), Before: before, Devices: devices}
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	g.Program, g.System, g.Network, g.Country = clip(program), clip(system), r.Origin.Network(), strings.Clone(country)
	g.NewProgram = g.NewProgram || newProgram
	severity := Low
	if newCountry {
		severity = Medium
		if g.NewCountry == "" {
			g.NewCountry, g.Hides = strings.Clone(country), hides(r.Origin)
		}
	}
	g.reach(severity, Succeeded)
	g.tell(emit, s.describe)
}

func (s *newDevice) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// has tells whether the user has had a device. An unknown network is not another one,
// and no network is new to a user of whom none is known.
func (s *newDevice) has(d device) bool {
	known := false
	for _, o := range s.Devices {
		if o.Program == d.Program && (o.Network == d.Network || d.Network == 0) {
			return true
		}
		known = known || o.Network != 0
	}
	return !known
}

// learn remembers a login.
func (s *newDevice) learn(d device, country string) {
	s.Logins++
	s.Devices = slices.DeleteFunc(s.Devices, func(o device) bool { return o == d })
	if len(s.Devices) == maxDevices {
		s.Devices = slices.Delete(s.Devices, 0, 1)
	}
	s.Devices = append(s.Devices, d)
	if country != "" && len(s.Countries) < maxPlaces && !slices.Contains(s.Countries, country) {
		s.Countries = append(s.Countries, strings.Clone(country))
	}
}

// family returns the name of the program that sends a user agent and of the system it
// runs on, as far as they are known, by its first maxAgent bytes.
func family(agent string) (program, system string) {
	agent = strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], "")
	u := useragent.Parse(agent)
	if u.Name == "" {
		u.Name, _, _ = strings.Cut(agent, "/")
	}
	return strings.ToValidUTF8(u.Name, ""), strings.ToValidUTF8(u.OS, "")
}

func (s *newDevice) describe(e *Event) {
	g := s.Going
	what := "an unknown program"
	if g.Program != "" {
		what = strconv.Quote(g.Program)
	}
	if g.System != "" {
		what += " on " + strconv.Quote(g.System)
	}
	if g.Network != "" {
		what += " from " + g.Network
	}
	if g.Country != "" {
		what += " in " + strconv.Quote(g.Country)
	}
	times := ""
	if e.Count > 1 {
		times = fmt.Sprintf(" %d times in %s, the last time", e.Count, inWords(e.Last.Sub(e.First)))
	}
	e.Summary = fmt.Sprintf("user %q logged in with a new device%s: %s (threshold: a device not seen in at least %d logins; there were %d with %s)",
		g.User, times, what, s.least, g.Before, plural(int64(g.Devices), "device", "devices"))
	switch {
	case g.NewCountry != "" && g.NewProgram:
		e.Confidence = 0.6
	case g.NewCountry != "":
		e.Confidence = 0.5 // somebody travels with a device
	case g.NewProgram:
		e.Confidence = 0.3 // people buy devices
	default:
		e.Confidence = 0.2 // a known device on another network: at home, in a train
	}
	if g.NewCountry != "" {
		e.Summary += fmt.Sprintf("; %q is new to the user as well", g.NewCountry)
		if g.Hides != "" && g.Hides != "Tor" {
			e.Confidence = 0.3
			e.Summary += ", but the address is that of " + g.Hides + ", whose user may be elsewhere"
		}
	}
	e.Metadata = Meta("user", g.User, "program", g.Program, "os", g.System, "network", g.Network, "country", g.Country,
		"new_country", g.NewCountry, "new_program", g.NewProgram, "logins_before", g.Before, "known_devices", g.Devices)
}

const ofDevices = "devices" // program and system by tag, and network

func (s *newDevice) Learned() (l Learned) {
	devices := Set{Of: ofDevices, Requests: s.Logins, Tags: true}
	for _, d := range s.Devices {
		devices.Items = append(devices.Items, fmt.Sprintf("%s AS%d", showTag(d.Program), d.Network))
	}
	l.addSet(devices)
	l.addSet(Set{Of: ofCountries, Items: slices.Clone(s.Countries)})
	return l
}

func (s *newDevice) Learn(l Learned, _ time.Time) error {
	devices := l.set(ofDevices)
	items, err := devices.items(maxDevices)
	if err != nil {
		return err
	}
	for _, item := range items {
		program, name, _ := strings.Cut(item, " ")
		tag, err := parseTag(program)
		if err != nil {
			return fmt.Errorf("%q: %w", ofDevices, err)
		}
		number, err := networkNumbers(Set{Of: ofDevices, Items: []string{name}}, 1)
		if err != nil {
			return err
		}
		s.Devices = append(s.Devices, device{tag, number[0]})
	}
	s.Logins = devices.Requests
	if s.Countries, err = l.set(ofCountries).items(maxPlaces); err != nil {
		return err
	}
	return l.known(ofDevices, ofCountries)
}
