package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// An AllowEntry is something that a site knows of and has found to be fine: a scanner of
// its own, a job that reads everything at night. It covers an event if each request that
// may be part of it matches all fields that are given, and an alert if it covers each of
// its events, alone or together with other entries.
type AllowEntry struct {
	Address   string `yaml:"address"`    // of the client
	Network   string `yaml:"network"`    // of the client, in CIDR notation
	Actor     string `yaml:"actor"`      // id as reports show it: a user, "key_" and its fingerprint, an address
	Route     string `yaml:"route"`      // pattern of paths, as admin_routes has them
	UserAgent string `yaml:"user_agent"` // "*" stands for any characters
	Rule      string `yaml:"rule"`
	Detector  string `yaml:"detector"`

	UpTo    string `yaml:"up_to"`   // the worst severity that is covered; high if not given
	Reason  string `yaml:"reason"`  // why it is fine; must be given
	Owner   string `yaml:"owner"`   // who answers for that
	Expires string `yaml:"expires"` // date, the last on which it holds, or time (RFC 3339)
}

// ID names the entry by what it matches: the same in whatever place of the config, and
// whoever owns it.
func (e *AllowEntry) ID() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", []string{e.Address, e.Network, e.Actor, e.Route, e.UserAgent, e.Rule, e.Detector, e.UpTo})
	return "alw_" + hex.EncodeToString(h.Sum(nil)[:4])
}

// Matches says what the entry is about, field by field.
func (e *AllowEntry) Matches() string {
	var fields []string
	for _, f := range e.fields() {
		if f.value != "" {
			fields = append(fields, f.name+" "+f.value)
		}
	}
	return strings.Join(fields, ", ")
}

type allowField struct{ name, value string }

func (e *AllowEntry) fields() []allowField {
	return []allowField{
		{"address", e.Address}, {"network", e.Network}, {"actor", e.Actor}, {"route", e.Route},
		{"user_agent", e.UserAgent}, {"rule", e.Rule}, {"detector", e.Detector},
	}
}

// An Allowlist is a list of entries, compiled. It never changes. nil is an empty one.
type Allowlist struct {
	entries []allowed
}

// allowed is an AllowEntry, compiled.
type allowed struct {
	AllowEntry
	id      string
	network netip.Prefix // of address or network
	route   *routeRule
	agent   []string // what stands between the "*"
	upTo    Severity
	until   time.Time // first moment at which it holds no more; zero: always
}

// maxAllowed bounds the entries of an allowlist.
const maxAllowed = 1000

// NewAllowlist compiles the entries. Rules and detectors are those that entries may name.
func NewAllowlist(entries []AllowEntry, detectors []*Detector, rules []*Rule) (*Allowlist, error) {
	if len(entries) > maxAllowed {
		return nil, fmt.Errorf("more than %d entries", maxAllowed)
	}
	l := &Allowlist{}
	seen := map[string]int{}
	for i, e := range entries {
		a, err := compileAllowed(e, detectors, rules)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if before, twice := seen[a.id]; twice {
			return nil, fmt.Errorf("entry %d: matches the same as entry %d", i+1, before)
		}
		seen[a.id] = i + 1
		l.entries = append(l.entries, a)
	}
	return l, nil
}

func compileAllowed(e AllowEntry, detectors []*Detector, rules []*Rule) (allowed, error) {
	a := allowed{AllowEntry: e, id: e.ID(), upTo: High}
	for _, f := range append(e.fields(), allowField{"reason", e.Reason}, allowField{"owner", e.Owner}) {
		if strings.ContainsFunc(f.value, unicode.IsControl) {
			return a, fmt.Errorf("%s: %q holds control characters", f.name, f.value)
		}
	}
	if e.Matches() == "" {
		return a, errors.New("names none of address, network, actor, route, user_agent, rule, detector: it would cover everything")
	}
	if strings.TrimSpace(e.Reason) == "" {
		return a, errors.New("has no reason")
	}
	if e.Address != "" && e.Network != "" {
		return a, errors.New("has both an address and a network")
	}
	var err error
	if e.Address != "" {
		addr, err := netip.ParseAddr(e.Address)
		if err != nil || addr.Zone() != "" {
			return a, fmt.Errorf("address: %q is no address", e.Address)
		}
		addr = addr.Unmap()
		a.network = netip.PrefixFrom(addr, addr.BitLen())
	}
	if e.Network != "" {
		if a.network, err = netip.ParsePrefix(e.Network); err != nil || a.network.Addr().Is4In6() {
			return a, fmt.Errorf("network: %q is no CIDR range, such as 198.51.100.0/24", e.Network)
		}
		if a.network != a.network.Masked() {
			return a, fmt.Errorf("network: %q has bits set beyond its mask: did you mean %s?", e.Network, a.network.Masked())
		}
	}
	if e.Route != "" {
		a.route = &routeRule{}
		if _, err := a.route.parsePath(e.Route); err != nil {
			return a, fmt.Errorf("route: %q %w", e.Route, err)
		}
	}
	if e.UserAgent != "" {
		a.agent = strings.Split(e.UserAgent, "*")
	}
	if e.Rule != "" && !slices.ContainsFunc(rules, func(r *Rule) bool { return r.Name == e.Rule }) {
		return a, fmt.Errorf("rule: no rule %q", e.Rule)
	}
	if e.Detector != "" && !slices.ContainsFunc(detectors, func(d *Detector) bool { return d.Name == e.Detector }) {
		return a, fmt.Errorf("detector: no detector %q", e.Detector)
	}
	if e.UpTo != "" {
		if a.upTo, err = ParseSeverity(e.UpTo); err != nil {
			return a, fmt.Errorf("up_to: %w", err)
		}
	}
	if a.until, err = ParseExpiry(e.Expires); err != nil {
		return a, fmt.Errorf("expires: %w", err)
	}
	return a, nil
}

// ParseExpiry returns the first moment at which something that expires holds no more. A
// date is the last day, in UTC, on which it holds. It is zero for an empty text: never.
func ParseExpiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a date such as 2026-03-31 nor a time such as 2026-03-31T18:00:00Z", text)
	}
	return at.UTC(), nil
}

// Entries returns the entries, in their order.
func (l *Allowlist) Entries() []AllowEntry {
	if l == nil {
		return nil
	}
	entries := make([]AllowEntry, len(l.entries))
	for i := range l.entries {
		entries[i] = l.entries[i].AllowEntry
	}
	return entries
}

// Requests returns the numbers of the entries whose fields of requests the request
// matches, in their order; an entry without such fields matches all. It is what
// Request.Allowed holds.
func (l *Allowlist) Requests(r *parsers.Request) []uint16 {
	if l == nil || len(l.entries) == 0 {
		return nil
	}
	var matched []uint16
	addr, err := netip.ParseAddr(r.ClientIP)
	known := err == nil
	for i := range l.entries {
		a := &l.entries[i]
		if a.network.IsValid() && !(known && a.network.Contains(addr)) || a.Actor != "" && !isActor(r, a.Actor) ||
			a.agent != nil && !globs(a.agent, r.UserAgent) || a.route != nil && !a.route.hasPath(r.Path) {
			continue
		}
		matched = append(matched, uint16(i))
	}
	return matched
}

func isActor(r *parsers.Request, name string) bool {
	id, _ := r.Actor()
	return id == name
}

// globs tells whether the text is made of the parts with anything between them.
func globs(parts []string, text string) bool {
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && text == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, parts[last])
}

// hasPath tells whether the path matches the pattern of the rule, whatever its method.
func (rule *routeRule) hasPath(path string) bool {
	l := routeList{rules: []routeRule{*rule}}
	return l.has(path)
}

// Detectors returns detectors that find the same and say of each event which entries
// match all requests that may be part of it. For that they rely on Request.Allowed.
func (l *Allowlist) Detectors(all []*Detector) []*Detector {
	if l == nil || len(l.entries) == 0 {
		return all
	}
	watched := make([]*Detector, len(all))
	for i, d := range all {
		w := *d
		w.New = func() State { return watchState(d.New()) }
		watched[i] = &w
	}
	return watched
}

// Rules returns rules that make the same alerts and say of each by which entries it is
// suppressed.
func (l *Allowlist) Rules(all []*Rule) []*Rule {
	if l == nil || len(l.entries) == 0 {
		return all
	}
	covered := make([]*Rule, len(all))
	for i, r := range all {
		c := *r
		c.allow = l
		covered[i] = &c
	}
	return covered
}

// covers tells which entry, the first of several, covers an event for a rule.
func (l *Allowlist) covers(e *Event, r *Rule) (id string, ok bool) {
	worst := max(e.Severity, r.Severity)
	for _, i := range e.Allowed {
		if int(i) >= len(l.entries) {
			continue
		}
		a := &l.entries[i]
		if (a.Rule == "" || a.Rule == r.Name) && (a.Detector == "" || a.Detector == e.Detector) &&
			worst <= a.upTo && (a.until.IsZero() || e.Last.Before(a.until)) {
			return a.id, true
		}
	}
	return "", false
}

// Excuse returns the entry that names the addresses, or some of them, and holds at the
// time; the first of several.
func (l *Allowlist) Excuse(p netip.Prefix, at time.Time) (AllowEntry, bool) {
	if l != nil {
		for i := range l.entries {
			a := &l.entries[i]
			if a.network.IsValid() && a.network.Overlaps(p) && (a.until.IsZero() || at.Before(a.until)) {
				return a.AllowEntry, true
			}
		}
	}
	return AllowEntry{}, false
}

// WhyNot says why an entry does not cover an alert, as far as the alert itself tells;
// "" if it is for what its requests are that it does not.
func (l *Allowlist) WhyNot(i int, a *Alert, events []Event) string {
	e := &l.entries[i]
	addr, err := netip.ParseAddr(a.SourceIP)
	switch {
	case e.Rule != "" && e.Rule != a.Rule:
		return "it is for rule " + e.Rule
	case e.Actor != "" && e.Actor != a.ActorID:
		return "it is for actor " + e.Actor
	case e.network.IsValid() && err == nil && !e.network.Contains(addr):
		return "it is for " + e.network.String()
	case a.Severity > e.upTo:
		return fmt.Sprintf("it covers what is %s at most; see up_to", e.upTo)
	case !e.until.IsZero() && !a.Last.Before(e.until):
		return "it expired: " + e.Expires
	}
	for n := range events {
		if e.Detector != "" && e.Detector != events[n].Detector {
			return "it is for detector " + e.Detector + ", and " + events[n].Detector + " found some of it"
		}
	}
	return ""
}

// A cover is what covers an alert.
type cover struct {
	Bare bool     `json:",omitempty"` // an event of it is covered by nothing
	By   []string `json:",omitempty"` // entries that cover the others
}

// add takes an event into account, or what it has become, and returns by what the alert is
// suppressed. What is not suppressed never becomes so.
func (c *cover) add(e *Event, r *Rule) string {
	if r.allow == nil || c.Bare {
		return ""
	}
	id, ok := r.allow.covers(e, r)
	if !ok {
		c.Bare, c.By = true, nil
		return ""
	}
	if !slices.Contains(c.By, id) {
		c.By = append(c.By, id)
	}
	return strings.Join(c.By, " ")
}

// A watched state is one of which is known since when all requests have matched an entry
// of the allowlist. So an entry never hides an event of which somebody else's requests, or
// other requests, may be part.
type watched struct {
	State
	watch
}

// watch is what a watched state remembers beside its own.
type watch struct {
	Since map[uint16]time.Time `json:",omitempty"` // by entry
	Last  time.Time            `json:",omitzero"`  // of the last request
}

// watchKey is where the JSON of a watched state has its watch. The rest is that of the state
// itself, which reads the same with an allowlist and without.
const watchKey = "Allowlist"

func (w *watched) MarshalJSON() ([]byte, error) { return w.AppendJSON(nil) }

func (w *watched) AppendJSON(b []byte) ([]byte, error) {
	b, err := keyed.AppendState(b, w.State)
	if err != nil {
		return nil, err
	}
	return appendRest(b[:len(b)-1], map[string]*watch{watchKey: &w.watch})
}

func (w *watched) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, w.State); err != nil {
		return err
	}
	more := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &more); err != nil || more[watchKey] == nil {
		return err
	}
	return json.Unmarshal(more[watchKey], &w.watch)
}

// watchedExpirer is watched for a state with a last word.
type watchedExpirer struct{ watched }

func watchState(s State) State {
	w := watched{State: s}
	if _, ok := s.(Expirer); ok {
		return &watchedExpirer{w}
	}
	return &w
}

func (w *watched) Observe(r *parsers.Request, emit func(Event)) {
	before := w.Since
	w.Since = w.since(r)
	w.Last = r.Time
	w.State.Observe(r, func(e Event) {
		since := w.Since
		if e.Last.Before(r.Time) { // r is no part of it
			since = before
		}
		e.Allowed = matchedSince(since, e.First)
		emit(e)
	})
}

// since returns since when all requests have matched each entry, now that r follows.
func (w *watched) since(r *parsers.Request) map[uint16]time.Time {
	if len(r.Allowed) == 0 {
		return nil
	}
	next := make(map[uint16]time.Time, len(r.Allowed))
	for _, i := range r.Allowed {
		at, known := w.Since[i]
		switch {
		case known:
		case w.Last.Equal(r.Time): // one at this very time has not
			at = r.Time.Add(time.Microsecond)
		default:
			at = r.Time
		}
		next[i] = at
	}
	return next
}

func (w *watchedExpirer) Expire(emit func(Event)) {
	w.State.(Expirer).Expire(func(e Event) {
		e.Allowed = matchedSince(w.Since, e.First)
		emit(e)
	})
}

func matchedSince(since map[uint16]time.Time, first time.Time) []uint16 {
	var matched []uint16
	for i, at := range since {
		if !at.After(first) {
			matched = append(matched, i)
		}
	}
	slices.Sort(matched)
	return matched
}
