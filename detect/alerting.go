package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A judgement is an alert, and the event that its rule made of the requests it counted, if
// it counted any.
type judgement struct {
	Alert Alert
	Event *Event `json:",omitempty"`
}

// OfRule begins what stands for the detector where a rule made the event of the requests
// that it counted; its name follows.
const OfRule = "rule:"

// An alerting is what a rule remembers of one group.
type alerting struct {
	rule *Rule

	Recent []match      `json:",omitempty"` // within the window, in order; at most Threshold
	Chains [][]match    `json:",omitempty"` // of an ordered sequence: the latest way to each of its parts
	Open   []*openAlert // oldest first; at most maxOpenAlerts
	Last   time.Time    `json:",omitzero"` // of the last match, where a chain keeps the group
}

// A match is a match, as little of it as an alert needs.
type match struct {
	Mark             // of the match; tagged by what it is told apart by, if by anything
	Part      int    `json:",omitempty"`
	Name      string // of the event
	Route     string `json:",omitempty"` // clipped
	Outcome   Outcome
	Who, From uint64   // tags of the actor and of the address
	Allowed   []uint16 `json:",omitempty"` // entries of the allowlist that the request matches
	Event     *Event   `json:",omitempty"` // what a detector told, without evidence and metadata; nil for a request
	Addresses []string `json:",omitempty"` // of an event of several clients, as far as it lists them
	Taken     []string `json:",omitempty"` // accounts that got in by a guess, as far as the event names them
}

// first is the time of the match's first request.
func (h *match) first() time.Time {
	if h.Event != nil && h.Event.First.Before(h.At) {
		return h.Event.First
	}
	return h.At
}

// matchOf makes a match of a clue that matches.
func matchOf(c *clue) match {
	id, typ := c.actor()
	h := match{
		Mark: Mark{At: c.at}, Name: ownName(c.name()), Route: clip(c.route()), Outcome: c.outcome(),
		Who: whoTag(id, typ, c.ip()), From: addressTag(c.ip()),
	}
	if lines := c.evidence(); len(lines) > 0 {
		h.Evidence = lines[len(lines)-1]
	}
	if c.request != nil {
		h.Allowed = slices.Clone(c.request.Allowed)
	}
	if c.event != nil && c.event.Detector != Single {
		e := *c.event
		e.Evidence, e.Metadata = nil, nil
		h.Event, h.Tag = &e, tag(e.ID)
		h.Addresses, h.Taken = AddressesOf(c.event.Metadata), AccountsTaken(c.event.Metadata)
	}
	return h
}

// ownName returns the name of an event in memory of its own.
func ownName(name string) string {
	if t, ok := EventTypeOf(name); ok {
		return t.Name
	}
	return strings.Clone(name)
}

// whoTag tells actors apart; 0 where none is known. An account is the same in whatever
// case it is typed.
func whoTag(id, typ, ip string) uint64 {
	if typ == string(parsers.ActorUser) {
		id = strings.ToLower(strings.TrimSpace(id))
	}
	name := clientName(actorName(typ, id, ip))
	if name == "" {
		return 0
	}
	return max(tag(name), 1)
}

func addressTag(ip string) uint64 {
	if ip == "" {
		return 0
	}
	return max(tag(clientName(actorName("", "", ip))), 1)
}

func (s *alerting) Observe(c *clue, emit func(judgement)) {
	s.settle(c.at, emit)
	if a := s.take(c); a != nil {
		a.tell(s.rule, !c.single(), emit)
	}
}

// Expire says what has not been said of alerts that are over.
func (s *alerting) Expire(emit func(judgement)) {
	for _, a := range s.Open {
		a.end(s.rule, emit)
	}
}

// settle says what has not been said of alerts that are over by now.
func (s *alerting) settle(now time.Time, emit func(judgement)) {
	for _, a := range s.Open {
		if now.Sub(a.Last) > s.rule.CoolDown {
			a.end(s.rule, emit)
		}
	}
}

// take counts a match and returns the alert that it is part of; nil as long as there
// are too few.
func (s *alerting) take(c *clue) *openAlert {
	h := matchOf(c)
	if h.Event != nil {
		for _, a := range s.Open {
			if _, has := a.Counted[h.Event.ID]; has {
				a.add(h, c, s.rule)
				return a
			}
		}
	}
	first, last := c.span()
	goesOn := s.rule.Window
	if s.rule.Threshold == 1 && s.rule.sequence == nil {
		goesOn = s.rule.CoolDown
	}
	if a := s.near(first, last, goesOn); a != nil {
		a.add(h, c, s.rule)
		return a
	}
	matches := s.count(h, c)
	if matches == nil {
		return nil
	}
	s.Recent, s.Chains = nil, nil
	first = matches[0].first()
	for i := range matches {
		if f := matches[i].first(); f.Before(first) {
			first = f
		}
	}
	a := s.near(first, last, s.rule.CoolDown)
	if a == nil {
		a = s.open(matches, first, c)
	}
	for _, h := range matches {
		a.add(h, c, s.rule)
	}
	return a
}

// near returns the alert that is not over for what lasts from first to last; nil if
// none.
func (s *alerting) near(first, last time.Time, span time.Duration) *openAlert {
	for _, a := range slices.Backward(s.Open) {
		if first.Sub(a.Last) <= span && a.First.Sub(last) <= span {
			return a
		}
	}
	return nil
}

// count adds a match to those within the window and returns them all once there are
// enough.
func (s *alerting) count(h match, c *clue) []match {
	r := s.rule
	switch {
	case r.sequence != nil && r.sequence.ordered:
		return s.follow(h, c)
	case r.sequence != nil:
		s.slide(h.At)
		for i := range r.parts {
			if r.parts[i].matches(c, r.any) {
				h.Part = i
				s.Recent = slices.DeleteFunc(s.Recent, func(o match) bool { return o.Part == i })
				s.Recent = append(s.Recent, h)
			}
		}
		if len(s.Recent) < len(r.parts) {
			return nil
		}
		// One clue may be several parts: it is one match.
		return slices.CompactFunc(slices.Clone(s.Recent), func(a, b match) bool { return a.Mark == b.Mark })
	case r.distinct != nil:
		v := r.distinct(c)
		if v.kind == null || v.kind == several {
			return nil
		}
		h.Tag = tag(v.text)
	}
	s.slide(h.At)
	if h.Tag != 0 {
		s.Recent = slices.DeleteFunc(s.Recent, func(o match) bool { return o.Tag == h.Tag })
	}
	if n := len(s.Recent) - r.Threshold + 1; n > 0 {
		s.Recent = slices.Delete(s.Recent, 0, n)
	}
	if s.Recent = append(s.Recent, h); len(s.Recent) < r.Threshold {
		return nil
	}
	return s.Recent
}

// slide forgets what lies further back than the window.
func (s *alerting) slide(now time.Time) {
	n := 0
	for n < len(s.Recent) && now.Sub(s.Recent[n].At) > s.rule.Window {
		n++
	}
	s.Recent = slices.Delete(s.Recent, 0, n)
}

// follow moves an ordered sequence on. Of the ways that lead to a part, the one that
// began last is remembered: it lies within the window for longest.
func (s *alerting) follow(h match, c *clue) []match {
	r := s.rule
	if s.Chains == nil {
		s.Chains = make([][]match, len(r.parts))
	}
	for i := len(r.parts) - 1; i >= 0; i-- {
		if !r.parts[i].matches(c, r.any) {
			continue
		}
		h.Part = i
		var before []match
		if i > 0 {
			if before = s.Chains[i-1]; len(before) == 0 || h.At.Sub(before[0].At) > r.Window {
				continue
			}
		}
		s.Chains[i] = append(slices.Clone(before), h)
	}
	last := s.Chains[len(s.Chains)-1]
	if len(last) == 0 {
		return nil
	}
	return last
}

// An openAlert is an alert that matches may still change.
type openAlert struct {
	Alert
	InEvents  map[string]int64 // requests of Counted, by detector: two may tell of the same ones
	Counted   map[string]int64 // requests by event id; at most maxCountedEvents
	Detectors map[string]bool
	Cover     cover // by entries of the allowlist
	// Lead is the worst event of a detector, the first of several: the alert's story.
	Lead struct {
		ID, Summary string
		Severity    Severity
	}
	Own   *Event         `json:",omitempty"` // of the requests that the rule counted
	Proof Evidence       `json:",omitzero"`  // of these, the first that succeeded
	Names map[string]int `json:",omitempty"` // of these, how many are which event; at most maxEventNames
	Whos  Distinct       `json:",omitempty"` // tags of who acted
	Froms Distinct       `json:",omitempty"` // tags of addresses
	// Addresses are those that events of several clients list; at most MaxNames.
	Addresses []string `json:",omitempty"`
	// Taken are the accounts that events tell got in by a guess; at most maxTaken.
	Taken []string `json:",omitempty"`
	// Told is what was last told of it.
	Told struct {
		At       time.Time
		Count    int64
		Severity Severity
		Outcome  Outcome
	}

	Met   time.Time `json:",omitzero"`  // of a chain: when its last match was
	Then  string    `json:",omitempty"` // of a chain: what followed, in words; "" as long as nothing did
	Chain bool      `json:",omitempty"`
}

// maxEventNames bounds the names of events that a summary tells apart.
const maxEventNames = 10

// open begins an alert with matches, the last of which is the clue.
func (s *alerting) open(matches []match, first time.Time, c *clue) *openAlert {
	r := s.rule
	if len(s.Open) == maxOpenAlerts {
		s.Open = slices.Delete(s.Open, 0, 1)
	}
	key := string(r.key(c, nil))
	if e := matches[len(matches)-1].Event; e != nil && r.Threshold == 1 && r.sequence == nil {
		key = e.ID
	}
	a := &openAlert{
		Alert: Alert{
			ID:      contentID("alt", r.Name, key, first),
			Type:    r.Type,
			Rule:    r.Name,
			Title:   r.Title,
			Actions: r.Actions,
			First:   first,
		},
		InEvents:  map[string]int64{},
		Counted:   map[string]int64{},
		Detectors: map[string]bool{},
		Chain:     r.FollowedBy != nil,
	}
	if f := r.FollowedBy; f != nil {
		a.Title, a.Type = cmp.Or(f.Title, a.Title), cmp.Or(f.Type, a.Type)
	}
	a.ActorID, a.ActorType = r.who(c)
	s.Open = append(s.Open, a)
	return a
}

// who says whom an alert is about that the clue opens.
func (r *Rule) who(c *clue) (id, typ string) {
	if len(r.GroupBy) == 1 {
		switch r.GroupBy[0] {
		case "user_ip":
			return strings.Clone(c.ip()), string(parsers.ActorIP)
		case "route":
			return strings.Clone(c.route()), actorRoute
		case "network":
			return c.network(), actorNetwork
		}
	}
	id, typ = c.actor()
	return strings.Clone(id), typ
}

// personal tells whether who acts is what the rule groups by.
func (r *Rule) personal() bool {
	return r.byActor() || len(r.GroupBy) == 1 && slices.Contains([]string{"user_ip", "route", "network"}, r.GroupBy[0])
}

// add adds a match to the alert, or what it has become. The clue is that of the match,
// or of one after it.
func (a *openAlert) add(h match, c *clue, r *Rule) {
	first, last := h.At, h.At
	if e := h.Event; e != nil {
		first, last = e.First, e.Last
		a.addEvent(e)
	} else {
		a.addRequest(h, c, r)
	}
	a.stretch(first, last)
	a.cover(h, r)
	a.Whos.Add(h.Who)
	a.Froms.Add(h.From)
	a.Addresses = withNames(a.Addresses, h.Addresses, MaxNames)
	a.Taken = withNames(a.Taken, h.Taken, maxTaken)
	if !r.personal() && len(a.Whos) > 1 {
		a.ActorID, a.ActorType = "", ""
	}
	if a.SourceIP = cmp.Or(a.SourceIP, strings.Clone(c.ip())); !r.personal() && len(a.Froms) > 1 {
		a.SourceIP = ""
	}
	a.Outcome = a.Outcome.further(h.Outcome)
	a.count()
	if r.Severity != Info {
		a.Severity = r.Severity
	}
	if a.Chain {
		a.Severity = Critical
		a.Met = last
	}
}

// withNames adds names to those that are listed, each once and at most so many.
func withNames(listed, names []string, most int) []string {
	for _, name := range names {
		if len(listed) < most && !slices.Contains(listed, name) {
			listed = append(listed, name)
		}
	}
	return listed
}

// count counts the requests that the alert is of at least. What one detector tells of in
// several events are different ones; what several tell of may be the same.
func (a *openAlert) count() {
	a.Count = 0
	for _, n := range a.InEvents {
		a.Count = max(a.Count, n)
	}
	if a.Own != nil {
		a.Count = max(a.Count, a.Own.Count)
	}
}

func (a *openAlert) stretch(first, last time.Time) {
	if first.Before(a.First) {
		a.First = first
	}
	if last.After(a.Last) {
		a.Last = last
	}
}

// cover takes into account which entries of the allowlist cover the match.
func (a *openAlert) cover(h match, r *Rule) {
	e := h.Event
	if e == nil {
		t, _ := EventTypeOf(h.Name)
		e = &Event{Detector: Single, Severity: t.Single, Last: h.At, Allowed: h.Allowed}
	}
	if a.Chain {
		worst := *e
		worst.Severity = Critical
		e = &worst
	}
	a.SuppressedBy = a.Cover.add(e, r)
}

// addEvent adds what a detector told.
func (a *openAlert) addEvent(e *Event) {
	before, known := a.Counted[e.ID]
	if known || len(a.Counted) < maxCountedEvents {
		a.Counted[e.ID] = e.Count
		a.InEvents[e.Detector] += e.Count - before
	}
	if !known && len(a.Events) < MaxEvents {
		a.Events = append(a.Events, e.ID)
	}
	a.Severity = max(a.Severity, e.Severity)
	a.Detectors[e.Detector] = true
	if a.Lead.ID == "" || e.ID == a.Lead.ID || e.Severity > a.Lead.Severity {
		a.Lead.ID, a.Lead.Summary, a.Lead.Severity = e.ID, e.Summary, e.Severity
	}
}

// addRequest adds a request to the event that the rule makes of them.
func (a *openAlert) addRequest(h match, c *clue, r *Rule) {
	if a.Own == nil {
		a.Own = &Event{
			ID: contentID("evt", "rule "+r.Name, a.ID, h.At), Detector: OfRule + r.Name, Name: h.Name, Route: h.Route,
			UserIP: strings.Clone(c.ip()), First: h.At, Confidence: 0.5, Technique: r.Technique, OWASP: r.OWASP,
		}
		a.Names = map[string]int{}
		if len(a.Events) < MaxEvents {
			a.Events = append(a.Events, a.Own.ID)
		}
	}
	e := a.Own
	e.Count++
	if h.At.Before(e.First) {
		e.First = h.At
	}
	if h.At.After(e.Last) {
		e.Last = h.At
	}
	if e.Route != h.Route {
		e.Route = ""
	}
	if h.Outcome == Succeeded && e.Outcome != Succeeded {
		a.Proof = h.Evidence
	}
	e.Outcome = e.Outcome.further(h.Outcome)
	e.Evidence = withEvidence(e.Evidence, h.Evidence, a.Proof)
	if _, known := a.Names[h.Name]; known || len(a.Names) < maxEventNames {
		a.Names[h.Name]++
	}
	t, _ := EventTypeOf(h.Name)
	a.Severity = max(a.Severity, t.Single)
	a.Detectors[Single] = true
}

// tell emits the alert if it is new, worse than when it was last told or has gone on
// for long since, or if it must.
func (a *openAlert) tell(r *Rule, must bool, emit func(judgement)) {
	worse := a.Severity > a.Told.Severity || a.Outcome != a.Told.Outcome
	if must || a.Told.At.IsZero() || worse || a.Last.Sub(a.Told.At) >= retellAfter {
		a.say(r, emit)
	}
}

// end emits the alert a last time, unless nothing was added since it was told.
func (a *openAlert) end(r *Rule, emit func(judgement)) {
	if a.untold() {
		a.say(r, emit)
	}
}

// untold tells whether there is something to say of an alert that is one.
func (a *openAlert) untold() bool {
	return (!a.Chain || a.Then != "") && (a.Told.Count != a.Count || !a.Told.At.Equal(a.Last))
}

// say emits the alert as it stands.
func (a *openAlert) say(r *Rule, emit func(judgement)) {
	a.Told.At, a.Told.Count, a.Told.Severity, a.Told.Outcome = a.Last, a.Count, a.Severity, a.Outcome
	out := judgement{Alert: a.Alert}
	out.Alert.Events = slices.Clone(a.Events)
	if a.Own != nil {
		out.Event = a.own(r)
	}
	story := a.Lead.Summary
	if a.Lead.ID == "" {
		story = out.Event.Summary
	}
	n := len(a.Counted)
	if a.Own != nil {
		n++
	}
	events := strconv.Itoa(n)
	if len(a.Counted) == maxCountedEvents {
		events += " or more"
	}
	out.Alert.Description = story
	if n > 1 {
		of := "of"
		if len(a.InEvents) > 1 {
			of = "of at least"
		}
		out.Alert.Description = fmt.Sprintf("%s events %s %d requests in %s; the worst: %s", events, of, a.Count, inWords(a.Last.Sub(a.First)), story)
	}
	if a.Then != "" && a.Lead.ID != "" {
		out.Alert.Description += "; then " + a.Then
	}
	about := []any{"events", n, "requests", a.Count, "detectors", slices.Sorted(maps.Keys(a.Detectors))}
	if len(a.Addresses) > 0 {
		about = append(about, addressList, a.Addresses)
	}
	if len(a.Taken) > 0 {
		about = append(about, accountsTaken, a.Taken)
	}
	out.Alert.Metadata = Meta(about...)
	emit(out)
}

// own returns the event of the requests, as it stands.
func (a *openAlert) own(r *Rule) *Event {
	e := *a.Own
	e.Evidence = slices.Clone(e.Evidence)
	e.ActorID, e.ActorType, e.Severity = a.ActorID, a.ActorType, a.Severity
	names := slices.Sorted(maps.Keys(a.Names))
	if len(names) > 1 && a.Then == "" || e.Name == "" {
		e.Name = SuspiciousActivity
	}
	var did []string
	for _, name := range names {
		did = append(did, fmt.Sprintf("%d × %s", a.Names[name], cmp.Or(name, "a request that the rule describes")))
	}
	by := "several clients"
	if e.ActorID != "" || e.UserIP != "" && r.personal() {
		by = who(cmp.Or(e.ActorID, e.UserIP), e.ActorType)
	}
	e.Summary = fmt.Sprintf("%s: %s in %s (rule %s: %s)", by, strings.Join(did, ", "), inWords(e.Last.Sub(e.First)), r.Name, r.threshold())
	if a.Then != "" {
		e.Summary += "; then " + a.Then
	}
	e.Metadata = Meta("rule", r.Name, "requests", e.Count, "events", names, "window_seconds", int(r.Window.Seconds()))
	return &e
}

// threshold says in words what the rule wants.
func (r *Rule) threshold() string {
	what := plural(int64(r.Threshold), "match", "matches")
	switch {
	case r.sequence != nil && r.sequence.ordered:
		what = fmt.Sprintf("%d kinds, one after the other,", len(r.parts))
	case r.sequence != nil:
		what = fmt.Sprintf("%d kinds", len(r.parts))
	case r.Distinct != "":
		what = fmt.Sprintf("%d different %s", r.Threshold, r.Distinct)
	case r.Threshold == 1:
		return "any match"
	}
	return what + " within " + inWords(r.Window)
}
