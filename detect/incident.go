package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

const (
	// incidentQuiet is how long after its last activity an incident takes alerts.
	incidentQuiet = 24 * time.Hour
	// incidentMemory is how long after its last activity an incident's own alerts may
	// still change.
	incidentMemory = incidentQuiet + eventMemory
	// maxIncidents bounds the incidents that are remembered. The one whose last
	// activity is longest ago is forgotten first.
	maxIncidents = 1000
	// MaxNames bounds the actors and the addresses that an incident lists, each. What
	// is not listed links no alerts.
	MaxNames = 100
	// MaxAlerts bounds the alerts that an incident lists: its first and its most
	// recent ones. Its summary tells how many there are.
	MaxAlerts   = 100
	firstAlerts = MaxAlerts / 2
	// maxCountedAlerts bounds the alerts that an incident tells apart. What comes
	// beyond makes it worse and longer, but is not counted.
	maxCountedAlerts = 20_000
	// maxParts bounds the rules that an incident's story is made of.
	maxParts = 8
)

// correlation makes incidents of alerts. Any two alerts may be one story, so all have
// one key.
func correlation() *keyed.Machine[timed[Alert], Incident] {
	return &keyed.Machine[timed[Alert], Incident]{
		Name: "incidents",
		Group: &keyed.Group[timed[Alert]]{
			Key: func(_ timed[Alert], b []byte) []byte { return append(b, "all"...) },
		},
		TTL: incidentMemory,
		New: func() keyed.State[timed[Alert], Incident] {
			return &incidents{Open: map[string]*story{}, Of: map[string]string{}}
		},
	}
}

// incidents is what alerts may still join or change.
type incidents struct {
	Open map[string]*story // by incident id; at most maxIncidents
	// Of says which incident has an alert, by its id, or an actor, an address or an account
	// that was taken, by its clientName.
	Of map[string]string
}

// A story is an incident that alerts may still join or change.
type story struct {
	Incident                    // without what incident adds
	ActorNames []string         // as in incidents.Of; at most MaxNames
	IPNames    []string         // likewise
	AllActors  Distinct         // tags of their clientNames, listed or not
	AllIPs     Distinct         // likewise
	Taken      []string         `json:",omitempty"` // accounts that got in by a guess, by name as in incidents.Of; at most MaxNames
	AllTaken   Distinct         `json:",omitempty"` // tags of their clientNames, listed or not
	Counted    map[string]int64 // requests by alert id; at most maxCountedAlerts
	Requests   int64            // of the alert that has most; alerts may share requests
	Parts      []part           // in the order they became known; at most maxParts
}

// A part is what one rule has to tell: its worst alert, of several the one about most requests, of
// these the first.
type part struct {
	Rule, Alert, Title, Description string
	Severity                        Severity
	Requests                        int64 `json:",omitempty"`
}

// worse tells whether the part's alert is worse than another's.
func (p *part) worse(other *part) bool {
	return cmp.Or(cmp.Compare(p.Severity, other.Severity), cmp.Compare(p.Requests, other.Requests)) > 0
}

func (s *incidents) Observe(in timed[Alert], emit func(Incident)) {
	a := &in.val
	s.forgetBefore(in.at.Add(-incidentMemory))
	stories := s.storiesOf(a)
	if len(stories) == 0 {
		stories = append(stories, s.open(a))
	}
	st := stories[0]
	for _, other := range stories[1:] {
		s.merge(st, other)
		emit(other.incident())
	}
	s.take(st, a)
	i := st.incident()
	i.Joined = a.ID
	emit(i)
}

// storiesOf returns the stories that the alert is part of, the earliest first: the one
// that has it, and those of its actor, its addresses and the accounts that were taken which are
// not over.
func (s *incidents) storiesOf(a *Alert) []*story {
	var stories []*story
	add := func(name string, has bool) {
		st := s.Open[s.Of[name]]
		if st == nil || slices.Contains(stories, st) {
			return
		}
		if has || a.First.Sub(st.Last) <= incidentQuiet && st.First.Sub(a.Last) <= incidentQuiet {
			stories = append(stories, st)
		}
	}
	add(a.ID, true)
	for _, name := range namesOf(a) {
		add(clientName(name), false)
	}
	for _, account := range AccountsTaken(a.Metadata) {
		add(clientName(takenName(account)), false)
	}
	slices.SortFunc(stories, func(x, y *story) int {
		return cmp.Or(x.First.Compare(y.First), strings.Compare(x.ID, y.ID))
	})
	return stories
}

// namesOf returns the names of the alert's actor, of its address and of those that it
// lists, "" for what is not known. The first two are one name where the address is who acts.
func namesOf(a *Alert) []string {
	names := []string{actorName(a.ActorType, a.ActorID, a.SourceIP), actorName("", "", a.SourceIP)}
	for _, ip := range AddressesOf(a.Metadata) {
		names = append(names, actorName("", "", ip))
	}
	return names
}

// takenName names an account that was taken: it acts for who guessed it from then on.
func takenName(account string) string { return actorName(string(parsers.ActorUser), account, "") }

// open begins a story with the alert.
func (s *incidents) open(a *Alert) *story {
	if len(s.Open) == maxIncidents {
		s.forget(s.quietest())
	}
	st := &story{
		Incident: Incident{ID: contentID("inc", "incident", a.ID, a.First), First: a.First, Last: a.Last},
		Counted:  map[string]int64{},
	}
	s.Open[st.ID] = st
	return st
}

// take adds an alert to the story, or what it has become.
func (s *incidents) take(st *story, a *Alert) {
	s.count(st, a.ID, a.Count)
	names := namesOf(a)
	s.name(st, &st.ActorNames, &st.AllActors, names[0])
	for _, address := range names[1:] {
		s.name(st, &st.IPNames, &st.AllIPs, address)
	}
	for _, account := range AccountsTaken(a.Metadata) {
		s.name(st, &st.Taken, &st.AllTaken, takenName(account))
	}
	st.reach(a.First, a.Last, a.Severity, a.Outcome)
	st.tell(part{a.Rule, a.ID, a.Title, a.Description, a.Severity, a.Count})
}

// merge moves all of other into st.
func (s *incidents) merge(st, other *story) {
	for _, id := range slices.Sorted(maps.Keys(other.Counted)) {
		s.count(st, id, other.Counted[id])
	}
	for _, name := range other.ActorNames {
		s.name(st, &st.ActorNames, &st.AllActors, name)
	}
	for _, name := range other.IPNames {
		s.name(st, &st.IPNames, &st.AllIPs, name)
	}
	for _, name := range other.Taken {
		s.name(st, &st.Taken, &st.AllTaken, name)
	}
	for _, p := range other.Parts {
		st.tell(p)
	}
	st.reach(other.First, other.Last, other.Severity, other.Outcome)
	s.forget(other)
	other.MergedInto = st.ID
}

// count counts an alert of the story with the number of its requests.
func (s *incidents) count(st *story, id string, requests int64) {
	_, known := st.Counted[id]
	if !known && len(st.Counted) == maxCountedAlerts {
		return
	}
	st.Counted[id] = requests
	st.Requests = max(st.Requests, requests)
	s.Of[id] = st.ID
	if known {
		return
	}
	if len(st.Alerts) == MaxAlerts {
		st.Alerts = slices.Delete(st.Alerts, firstAlerts, firstAlerts+1)
	}
	st.Alerts = append(st.Alerts, id)
}

// name lists an actor, an address or an account with the story, so that alerts find it by
// that name. Of one client, the first address stands for all.
func (s *incidents) name(st *story, list *[]string, all *Distinct, name string) {
	if name == "" {
		return
	}
	client := clientName(name)
	all.Add(tag(client))
	if !slices.ContainsFunc(*list, func(n string) bool { return clientName(n) == client }) {
		if len(*list) == MaxNames {
			return
		}
		*list = append(*list, name)
	}
	s.Of[client] = st.ID
}

// forgetBefore forgets the stories whose last activity is before t.
func (s *incidents) forgetBefore(t time.Time) {
	for _, st := range s.Open {
		if st.Last.Before(t) {
			s.forget(st)
		}
	}
}

// forget lets no alert find the story any more.
func (s *incidents) forget(st *story) {
	delete(s.Open, st.ID)
	drop := func(name string) {
		if s.Of[name] == st.ID {
			delete(s.Of, name)
		}
	}
	for id := range st.Counted {
		drop(id)
	}
	for _, name := range st.ActorNames {
		drop(clientName(name))
	}
	for _, name := range st.IPNames {
		drop(clientName(name))
	}
	for _, name := range st.Taken {
		drop(clientName(name))
	}
}

// quietest returns the story whose last activity is longest ago.
func (s *incidents) quietest() *story {
	var q *story
	for _, st := range s.Open {
		if q == nil || cmp.Or(st.Last.Compare(q.Last), strings.Compare(st.ID, q.ID)) < 0 {
			q = st
		}
	}
	return q
}

// reach lets the story span the times and be as severe and get as far as given.
func (st *story) reach(first, last time.Time, severity Severity, outcome Outcome) {
	if first.Before(st.First) {
		st.First = first
	}
	if last.After(st.Last) {
		st.Last = last
	}
	st.Severity = max(st.Severity, severity)
	st.Outcome = st.Outcome.further(outcome)
}

// tell lets p speak for its rule if nothing worse does.
func (st *story) tell(p part) {
	i := slices.IndexFunc(st.Parts, func(q part) bool { return q.Rule == p.Rule })
	switch {
	case i < 0 && len(st.Parts) < maxParts:
		st.Parts = append(st.Parts, p)
	case i >= 0 && (p.Alert == st.Parts[i].Alert || p.worse(&st.Parts[i])):
		st.Parts[i] = p
	}
}

// incident returns the story as it stands.
func (st *story) incident() Incident {
	i := st.Incident
	i.Actors = idsOf(st.ActorNames)
	i.IPs = idsOf(st.IPNames)
	i.Alerts = slices.Clone(st.Alerts)
	i.Title = st.title()
	i.Summary = st.summary()
	i.RiskScore, i.Reasons = st.risk()
	return i
}

// idsOf returns the names without the type that each begins with.
func idsOf(names []string) []string {
	ids := make([]string, 0, len(names))
	for _, name := range names {
		_, id, _ := strings.Cut(name, " ")
		ids = append(ids, id)
	}
	return ids
}

// risk adds up to 100: severity 40, success 25, ways of attack 20, addresses 10,
// duration 5. Each reason names its share.
func (st *story) risk() (score int, reasons []string) {
	add := func(n int, reason string) {
		score += n
		reasons = append(reasons, fmt.Sprintf("%s (+%d)", reason, n))
	}
	add([...]int{Info: 0, Low: 5, Medium: 15, High: 30, Critical: 40}[st.Severity], st.Severity.String()+" severity")
	switch st.Outcome {
	case Succeeded:
		add(25, "it succeeded")
	case Attempted:
		add(10, "whether it succeeded is not known")
	}
	if n := len(st.Parts); n > 1 {
		add(min(10*(n-1), 20), fmt.Sprintf("%d kinds of alert", n))
	}
	switch n := len(st.AllIPs); {
	case n >= 10:
		add(10, st.AllIPs.of("address", "addresses"))
	case n >= 2:
		add(5, st.AllIPs.of("address", "addresses"))
	}
	if d := st.Last.Sub(st.First); d >= time.Hour {
		add(5, "it went on for "+inWords(d))
	}
	return score, reasons
}

// worstFirst returns the parts in order of severity, those of one severity as they
// became known.
func (st *story) worstFirst() []part {
	parts := slices.Clone(st.Parts)
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.Severity, a.Severity) })
	return parts
}

// actors names who acted: the first one, and how many others.
func (st *story) actors() string {
	if len(st.ActorNames) == 0 {
		return "an unknown client"
	}
	typ, id, _ := strings.Cut(st.ActorNames[0], " ")
	switch n := len(st.AllActors); n {
	case 1:
		return who(id, typ)
	case 2:
		return who(id, typ) + " and another"
	case MaxDistinct:
		return fmt.Sprintf("%s and %d others or more", who(id, typ), n-1)
	default:
		return fmt.Sprintf("%s and %d others", who(id, typ), n-1)
	}
}

func (st *story) title() string {
	var titles []string
	for _, p := range st.worstFirst() {
		if !slices.Contains(titles, p.Title) {
			titles = append(titles, p.Title)
		}
	}
	title := strings.Join(titles[:min(len(titles), 3)], ", ")
	if n := len(titles) - 3; n > 0 {
		title += fmt.Sprintf(" and %d more", n)
	}
	return title + " by " + st.actors()
}

// summary tells the story in a few sentences, as one would in a ticket.
func (st *story) summary() string {
	var b strings.Builder
	const day, clock = "2006-01-02 15:04:05", "15:04:05"
	until := day
	if st.First.Format(time.DateOnly) == st.Last.Format(time.DateOnly) {
		until = clock
	}
	alerts := plural(int64(len(st.Counted)), "alert", "alerts")
	if len(st.Counted) == maxCountedAlerts {
		alerts = fmt.Sprintf("%d alerts or more", maxCountedAlerts)
	}
	with := " with "
	if len(st.Counted) > 1 {
		with = ", the largest of "
	}
	fmt.Fprintf(&b, "From %s to %s UTC, %s caused %s%s%s", st.First.Format(day), st.Last.Format(until), st.actors(),
		alerts, with, plural(st.Requests, "request", "requests"))
	if len(st.AllIPs) > 1 {
		fmt.Fprintf(&b, ", from %s", st.AllIPs.of("address", "addresses"))
	}
	b.WriteString(".")
	if len(st.Taken) > 0 {
		b.WriteString(" Logins worked as " + firstFew(idsOf(st.Taken), len(st.AllTaken)) + ".")
	}
	parts := st.worstFirst()
	for i, p := range parts {
		fmt.Fprintf(&b, " %s (%s)", p.Title, p.Severity)
		if i+1 < len(parts) && parts[i+1].Description == p.Description {
			b.WriteByte(',') // two rules about the same event
			continue
		}
		fmt.Fprintf(&b, ": %s.", p.Description)
	}
	switch st.Outcome {
	case Succeeded:
		b.WriteString(" At least once it succeeded.")
	case Blocked:
		b.WriteString(" All of it was refused.")
	default:
		b.WriteString(" The answers do not tell whether it succeeded.")
	}
	return b.String()
}
