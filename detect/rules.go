package detect

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A Rule says which events a person should look at. It counts those of one actor, or
// of one address where no actor is known, unless GroupBy says otherwise, and opens an
// alert where there are Threshold of them within a window; what follows extends the
// alert that is open.
//
// What is counted is requests where single requests are the event (auth.login_failed),
// and the events of detectors where they are not (security.brute_force_detected): see
// Of.
type Rule struct {
	Name string // "api-enumeration"
	// Doc says in one line what is alerted, then, after an empty line, why.
	Doc   string
	Type  string // alert type of the hosted product: "suspicious_activity"
	Title string // of its alerts, without who and when: "API enumeration"

	Events    []string   // names, each or its beginning and "*": "auth.*"; none for any
	Of        Of         // what of these is counted
	Detectors []string   // that make them; none for any
	Condition *Condition // nil holds for everything

	Threshold  int           // matches that make an alert; 0 is 1
	Distinct   string        // field of which the matches must have different values; "" for none
	Window     time.Duration // within which they lie, both ends included
	GroupBy    []string      // fields of whose values each has a count of its own; none is GroupActor
	FollowedBy *FollowedBy   // what must come after that; nil for nothing

	CoolDown time.Duration // how long after its last match an alert stays open; 0 is Window
	Severity Severity      // of the alerts; Info means that of their worst event
	Actions  []Action      // proposed for the alerts, in the order of Actions

	Technique, OWASP string // of the events that the rule makes of requests

	Off   bool        // switched off
	Place string      // where it is written, "rules.yaml:12"; "" if it is built in
	Tests []*RuleTest // its own cases

	allow    *Allowlist  // says which alerts are suppressed; set by Allowlist.Rules
	sequence *sequence   // of a Sigma correlation
	any      bool        // judges requests that are no event, too
	source   string      // Sigma: the text it was read from
	parts    []ruledPart // compiled: what is counted; one, but for a sequence
	then     *ruledPart  // compiled: of FollowedBy
	group    []func(*clue) value
	distinct func(*clue) value
	silent   error // why it cannot fire: a list that is not set
}

// Of says what a rule counts.
type Of string

// The kinds. By default both are judged; but where more than one match is wanted,
// events of detectors are left out if single requests have the same name, since they
// are about the same requests.
const (
	OfRequests Of = "requests" // single requests that are events by themselves
	OfEvents   Of = "events"   // what detectors tell: each event once, however often it is told
)

// GroupActor groups by actor, or by address where no actor is known: what a rule does
// that names no fields. GroupNone counts all matches together.
const (
	GroupActor = "actor"
	GroupNone  = "none"
)

// A FollowedBy is what must come after the threshold was reached, in the order of the
// log. Only then there is an alert, and it is critical.
type FollowedBy struct {
	Events    []string
	Condition *Condition
	Window    time.Duration // after the last match
	Same      Same          // what it shares with one of the matches
	Title     string        // of the alerts; "" is the rule's
	Type      string        // likewise
}

// Same says what two events share.
type Same string

// The kinds.
const (
	SameEither  Same = "actor_or_address"
	SameActor   Same = "actor"
	SameAddress Same = "address"
)

// A ruledPart is one kind of match.
type ruledPart struct {
	events    []string
	of        Of
	detectors []string
	condition *Condition
	once      bool // more than one match is wanted: requests are counted once
}

// A sequence is what several kinds of match within a window make.
type sequence struct {
	parts   []ruledPart
	ordered bool // one after the other
}

//go:embed rules.yaml
var builtIn string

// Rules returns the built-in rules, compiled.
func Rules() []*Rule { return BuiltIn(nil) }

// BuiltIn returns the built-in rules, compiled with the site's own lists. A rule that
// wants a list that is not set is silent.
func BuiltIn(lists map[string][]string) []*Rule {
	set, err := ReadRules("built-in rules", []byte(builtIn))
	if err == nil {
		err = set.Compile(lists)
	}
	if err != nil {
		panic(fmt.Sprintf("detect: %v", err))
	}
	return set.Rules
}

const (
	// MaxEvents bounds the events that an alert lists. It counts all.
	MaxEvents = 100
	// maxThreshold bounds the matches that a rule counts.
	maxThreshold = maxCount
	// defaultWindow is that of a rule that wants one match and names no window.
	defaultWindow = time.Hour
)

// Silent tells why the rule cannot fire: it is switched off, or a list of the site's
// own that it wants is not set. It is nil for a rule that can.
func (r *Rule) Silent() error {
	if r.Off {
		return errors.New("switched off")
	}
	return r.silent
}

// AsksFor tells whether the rule asks for what a detector makes, by its name or that of its
// events. A condition may still leave these out.
func (r *Rule) AsksFor(d *Detector) bool {
	if len(r.Detectors) > 0 {
		return slices.Contains(r.Detectors, d.Name)
	}
	return r.Of != OfRequests && slices.ContainsFunc(r.Events, func(pattern string) bool { return named(pattern, d.Type) })
}

// Wants says in words what the rule asks for, one thing at a time.
func (r *Rule) Wants() []string {
	var wants []string
	add := func(format string, args ...any) { wants = append(wants, fmt.Sprintf(format, args...)) }
	if names := strings.Join(r.Events, ", "); names != "" && names != "*" {
		add("events %s", names)
	}
	if len(r.Detectors) > 0 {
		add("made by %s", strings.Join(r.Detectors, ", "))
	}
	if r.Of == OfRequests {
		add("single requests")
	}
	if c := r.Condition; c != nil && r.source == "" {
		add("with %s", c)
	}
	if r.Threshold > 1 || r.sequence != nil {
		add("%s", r.threshold())
	}
	if f := r.FollowedBy; f != nil {
		add("followed by %s of the same %s within %s", strings.Join(f.Events, ", "), strings.ReplaceAll(string(f.Same), "_", " "), inWords(f.Window))
	}
	return wants
}

// Joins says in words which matches are one alert.
func (r *Rule) Joins() string {
	of := "one " + cmp.Or(strings.Join(r.GroupBy, " and one "), GroupActor)
	if of == "one "+GroupNone {
		of = "anybody"
	}
	return fmt.Sprintf("of %s; those within %s of each other are one alert", of, SpanText(r.CoolDown))
}

// compile makes the rule ready. Lists are the site's own, by name.
func (r *Rule) compile(lists map[string][]string) error {
	r.Threshold = max(r.Threshold, 1)
	r.Window = cmp.Or(r.Window, r.CoolDown, defaultWindow)
	r.CoolDown = cmp.Or(r.CoolDown, r.Window)
	r.silent = nil
	check := func(c *Condition) error {
		if c == nil {
			return nil
		}
		err := c.compile(lists)
		var missing errNoList
		if errors.As(err, &missing) {
			r.silent = missing
			return nil
		}
		return err
	}
	if r.sequence != nil {
		r.parts = r.sequence.parts
	} else {
		r.parts = []ruledPart{{r.Events, r.Of, r.Detectors, r.Condition, r.Threshold > 1}}
	}
	for i := range r.parts {
		if err := check(r.parts[i].condition); err != nil {
			return err
		}
	}
	r.then = nil
	if f := r.FollowedBy; f != nil {
		f.Same = cmp.Or(f.Same, SameEither)
		f.Window = cmp.Or(f.Window, r.Window)
		if err := check(f.Condition); err != nil {
			return fmt.Errorf("followed_by: %w", err)
		}
		r.then = &ruledPart{events: f.Events, condition: f.Condition}
	}
	r.group = nil
	for _, name := range r.GroupBy {
		of, err := groupOf(name)
		if err != nil {
			return fmt.Errorf("group_by: %w", err)
		}
		if of != nil {
			r.group = append(r.group, of)
		}
	}
	r.distinct = nil
	if r.Distinct != "" {
		var err error
		if r.distinct, err = fieldOf(r.Distinct); err != nil {
			return fmt.Errorf("distinct: %w", err)
		}
	}
	return nil
}

// groupOf returns how the value that a rule groups by is read off a clue; nil for
// GroupNone.
func groupOf(name string) (func(*clue) value, error) {
	switch name {
	case GroupNone:
		return nil, nil
	case GroupActor:
		return func(c *clue) value {
			id, typ := c.actor()
			return textValue(clientName(actorName(typ, id, c.ip())))
		}, nil
	case "user_ip":
		return func(c *clue) value { return textValue(clientName(actorName("", "", c.ip()))) }, nil
	}
	return fieldOf(name)
}

// byActor tells whether each actor has a count of its own.
func (r *Rule) byActor() bool {
	return len(r.GroupBy) == 0 || len(r.GroupBy) == 1 && r.GroupBy[0] == GroupActor
}

// key appends the key of the group that the clue belongs to; nothing if one of the
// fields is null.
func (r *Rule) key(c *clue, b []byte) []byte {
	if len(r.GroupBy) == 0 {
		id, typ := c.actor()
		return append(b, clientName(actorName(typ, id, c.ip()))...)
	}
	if len(r.group) == 0 {
		return append(b, "all"...)
	}
	n := len(b)
	for i, of := range r.group {
		v := of(c)
		if v.kind == null || v.kind == several {
			return b[:n]
		}
		if i > 0 {
			b = append(b, 0x1f)
		}
		b = append(b, v.text...)
	}
	return b
}

// grouping names how the rule groups clues. Rules of which it is the same group them alike.
func (r *Rule) grouping() string {
	if r.FollowedBy != nil {
		return GroupNone
	}
	return strings.Join(r.GroupBy, "\x1f")
}

// part returns which kind of match the clue is; -1 for none.
func (r *Rule) part(c *clue) int {
	for i := range r.parts {
		if r.parts[i].matches(c, r.any) {
			return i
		}
	}
	return -1
}

// matches tells whether the clue, as it stands, is one for the part.
func (p *ruledPart) matches(c *clue, any bool) bool {
	name := c.name()
	if name == "" && !any || len(p.events) > 0 && !slices.ContainsFunc(p.events, func(pattern string) bool { return named(pattern, name) }) {
		return false
	}
	switch single := c.single(); {
	case len(p.detectors) > 0:
		if !slices.Contains(p.detectors, c.detector()) {
			return false
		}
	case p.of == OfRequests && !single, p.of == OfEvents && single:
		return false
	case p.of == "" && p.once && !single && ofRequests[name]:
		return false
	}
	return p.condition.matches(c)
}

// named tells whether a name is meant by a pattern: the same, or its beginning and "*".
func named(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// ofRequests are the names that single requests have by the built-in route map.
var ofRequests = singleNames()

func singleNames() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{APIKeyInvalid, PermissionDenied, AccessDenied, SessionExpired, RateLimitExceeded, IPBlocked, RecordDeleted, APIKeyUsed} {
		names[name] = true
	}
	for _, r := range builtInRoutes() {
		names[r.Event] = true
	}
	return names
}

// looksAt tells whether the rule may be about single requests of that event.
func (r *Rule) looksAt(event string) bool {
	if r.Silent() != nil {
		return false
	}
	looks := func(p *ruledPart) bool {
		if event == "" {
			return r.any
		}
		if p.of == OfEvents || len(p.detectors) > 0 && !slices.Contains(p.detectors, Single) {
			return false
		}
		return len(p.events) == 0 || slices.ContainsFunc(p.events, func(pattern string) bool { return named(pattern, event) })
	}
	for i := range r.parts {
		if looks(&r.parts[i]) {
			return true
		}
	}
	return r.then != nil && looks(r.then)
}

// OnlyRequests tells whether the rule is about single requests alone, whatever detectors
// find.
func (r *Rule) OnlyRequests() bool {
	only := func(p *ruledPart) bool {
		return p.of == OfRequests || p.once && len(p.detectors) == 0 && len(p.events) > 0 &&
			!slices.ContainsFunc(p.events, func(name string) bool { return !ofRequests[name] })
	}
	for i := range r.parts {
		if !only(&r.parts[i]) {
			return false
		}
	}
	return r.then == nil || slices.Contains([]string{LoginSuccess, LoginFailed}, strings.Join(r.then.events, " "))
}

const (
	// maxCountedEvents bounds the events that an alert tells apart. What comes beyond
	// makes it worse and longer, but is not counted.
	maxCountedEvents = 1000
	// maxOpenAlerts bounds the alerts of one rule and group that events may still
	// change.
	maxOpenAlerts = 4
	// eventMemory is how long after an event was told it may be told again: at least
	// every retellAfter while it goes on, and a last time after its detector's window.
	eventMemory = retellAfter + maxSpan
	// maxAlertKeys bounds the groups that a rule remembers.
	maxAlertKeys = 1 << 16
)

// memory is how long after its last match a group may matter.
func (r *Rule) memory() time.Duration {
	d := r.Window + r.CoolDown + eventMemory
	if r.FollowedBy != nil {
		d += r.FollowedBy.Window
	}
	return d
}

// machine puts the rule in the engine's terms.
func (r *Rule) machine() *keyed.Machine[*clue, judgement] {
	m := &keyed.Machine[*clue, judgement]{
		Name:    r.Name,
		TTL:     r.memory(),
		Quiet:   r.CoolDown,
		MaxKeys: maxAlertKeys,
	}
	if r.FollowedBy != nil {
		// What follows may share an actor or an address with matches of any group.
		m.Match = func(c *clue) bool { return r.then.matches(c, r.any) || r.part(c) >= 0 }
		m.Group = &keyed.Group[*clue]{Key: func(_ *clue, b []byte) []byte { return append(b, "all"...) }}
		m.New = func() keyed.State[*clue, judgement] { return &chain{rule: r, Groups: map[string]*alerting{}} }
		return m
	}
	m.Match = func(c *clue) bool { return r.part(c) >= 0 }
	m.Group = &keyed.Group[*clue]{Key: r.key}
	m.New = func() keyed.State[*clue, judgement] { return &alerting{rule: r} }
	return m
}

// actorName names an actor among all actors, by type and id, else by address; "" if
// neither is known.
func actorName(actorType, id, ip string) string {
	switch {
	case id != "":
		return actorType + " " + id
	case ip != "":
		return string(parsers.ActorIP) + " " + ip
	}
	return ""
}

// clientName makes of the name of an actor that of the client, which tells apart whom rules
// and incidents tell apart: all addresses of an IPv6 /64 are one.
func clientName(name string) string {
	address, is := strings.CutPrefix(name, string(parsers.ActorIP)+" ")
	if !is || strings.IndexByte(address, ':') < 0 {
		return name
	}
	return string(appendClient([]byte(string(parsers.ActorIP)+" "), address))
}
