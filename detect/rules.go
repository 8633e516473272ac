package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A Rule says which events a person should look at. Its alerts are one for each
// actor, or each address where no actor is known: events that follow within the
// window extend the alert that is open.
type Rule struct {
	Name string // "api-enumeration"
	// Doc says in one line what is alerted, then, after an empty line, why.
	Doc   string
	Type  string // alert type of the hosted product: "suspicious_activity"
	Title string // of its alerts, without who and when: "API enumeration"

	Event       string   // name of the events, or its beginning and "*": "auth.*"; "" for any
	Detectors   []string // that make them; none for any
	Outcome     Outcome  // of the events; "" for any
	MinSeverity Severity // of an event that counts
	MinCount    int64    // requests of an event that counts; an event grows into it

	Window   time.Duration // cool-down: how long after its last event an alert stays open
	Severity Severity      // of the alerts; Info means that of their worst event
	Actions  []Action      // proposed for the alerts, in the order of Actions

	allow *Allowlist // says which alerts are suppressed; set by Allowlist.Rules
}

// Rules returns the built-in rules.
func Rules() []*Rule {
	return []*Rule{
		{
			Name:    "brute-force",
			Doc:     "passwords guessed at a login\n\nAny brute force event: who guesses long enough gets in.",
			Type:    "brute_force_attack",
			Title:   "Brute force at a login",
			Event:   BruteForceDetected,
			Window:  time.Hour,
			Actions: []Action{BlockAddress, NotifySecurity},
		},
		{
			Name:     "account-compromise",
			Doc:      "a login that worked where passwords were guessed\n\nThe account belongs to whoever guessed, until its password is changed and its sessions are ended.",
			Type:     "account_compromise",
			Title:    "Account compromised after brute force",
			Event:    BruteForceDetected,
			Outcome:  Succeeded,
			Window:   time.Hour,
			Severity: Critical,
			Actions:  []Action{BlockAddress, RevokeTokens, ResetPassword, FreezeAccount, OpenIncident, Escalate},
		},
		{
			Name:      "credential-abuse",
			Doc:       "an API key used as it never was before\n\nLeaked keys are used by machines, at their speed and for other things than their owner's.",
			Type:      "suspicious_activity",
			Title:     "Credential abuse",
			Detectors: []string{"key-rate", "key-routes"},
			Window:    time.Hour,
			Actions:   []Action{RevokeKey, NotifySecurity},
		},
		{
			Name:      "geo-anomaly",
			Doc:       "an API key used from a country that is new to it\n\nServers seldom move; stolen keys do.",
			Type:      "geo_anomaly",
			Title:     "Key used from a new country",
			Detectors: []string{"key-geo"},
			Window:    24 * time.Hour,
			Actions:   []Action{NotifySecurity},
		},
		{
			Name:      "new-device",
			Doc:       "a user logs in with a device never seen before\n\nMostly a new phone; with a new country rather not.",
			Type:      "new_device",
			Title:     "Login with a new device",
			Detectors: []string{"new-device"},
			Window:    24 * time.Hour,
			Actions:   []Action{NotifySecurity},
		},
		{
			Name:      "impossible-travel",
			Doc:       "one account or token in two places too far apart\n\nNobody travels that fast: one of both is somebody else.",
			Type:      "impossible_travel",
			Title:     "Impossible travel",
			Detectors: []string{"impossible-travel"},
			Window:    24 * time.Hour,
			Actions:   []Action{RevokeTokens, ResetPassword, NotifySecurity},
		},
		{
			Name:      "token-replay",
			Doc:       "a valid token used by somebody else\n\nNo login fails when a token is stolen: only where and how it is used tells.",
			Type:      "suspicious_activity",
			Title:     "Token replay",
			Detectors: []string{"token-spread", "token-resumed", "refresh-abuse"},
			Window:    time.Hour,
			Actions:   []Action{RevokeTokens, ResetPassword, NotifySecurity},
		},
		{
			Name:      "suspicious-network",
			Doc:       "a login from a network that hides its users\n\nTor, VPNs and machines for rent are where attacks come from, and some careful people.",
			Type:      "suspicious_activity",
			Title:     "Login from a suspicious network",
			Detectors: []string{"suspicious-network"},
			Window:    24 * time.Hour,
			Actions:   []Action{NotifySecurity},
		},
		{
			Name:      "injection-probe",
			Doc:       "attacks on the application itself in what is asked for\n\nScanners try them everywhere; an answer 2xx of unusual size is worth a look at once.",
			Type:      "suspicious_activity",
			Title:     "Injection probes",
			Detectors: []string{"probe"},
			Window:    time.Hour,
			Actions:   []Action{BlockAddress, NotifySecurity},
		},
		{
			Name:      "ssrf",
			Doc:       "a URL that aims inside, given to the application to fetch\n\nWhat only the server can reach, it would fetch for an attacker: cloud credentials first.",
			Type:      "suspicious_activity",
			Title:     "SSRF attempt",
			Detectors: []string{"ssrf"},
			Window:    time.Hour,
			Actions:   []Action{BlockActor, OpenIncident, NotifySecurity},
		},
		{
			Name:      "broken-authorization",
			Doc:       "objects or routes of others asked for\n\nWhoever changes an id in a request to somebody else's tests whether the API checks whose it is.",
			Type:      "privilege_escalation",
			Title:     "Broken object-level authorisation probed",
			Detectors: []string{"cross-tenant", "access-denied", "admin-probe"},
			// A single plain 403 happens to everyone.
			MinSeverity: Medium,
			Window:      time.Hour,
			Actions:     []Action{BlockActor, NotifySecurity},
		},
		{
			Name:      "plan-limits",
			Doc:       "features asked for that the plan does not include\n\nMostly curiosity; many are a search for a gate that was left open.",
			Type:      "privilege_escalation",
			Title:     "Plan-gated features tried",
			Detectors: []string{"permission-denied"},
			MinCount:  5,
			Window:    time.Hour,
			Actions:   []Action{NotifySecurity},
		},
		{
			Name:      "role-tampering",
			Doc:       "a role or right set by somebody who is no admin\n\nFields that an API takes without checking make an admin of anybody.",
			Type:      "privilege_escalation",
			Title:     "Privilege escalation by parameter",
			Detectors: []string{"role-tampering"},
			Window:    time.Hour,
			Actions:   []Action{BlockActor, OpenIncident, NotifySecurity},
		},
		{
			Name:      "data-exfiltration",
			Doc:       "large amounts of data fetched by one actor\n\nLegal access used to take all there is.",
			Type:      "data_exfiltration",
			Title:     "Data exfiltration",
			Detectors: []string{"bulk-export", "page-walk", "byte-volume"},
			Window:    time.Hour,
			Actions:   []Action{FreezeAccount, NotifySecurity},
		},
		{
			Name:      "mass-deletion",
			Doc:       "many records deleted by one actor\n\nA clean-up, or the end of an extortion.",
			Type:      "suspicious_activity",
			Title:     "Mass deletion",
			Detectors: []string{"bulk-delete"},
			Window:    time.Hour,
			Actions:   []Action{FreezeAccount, OpenIncident, Escalate},
		},
		{
			Name:    "api-enumeration",
			Doc:     "an API explored by trying names or numbers\n\nEnumeration is how an attack on an API begins, and counting through ids is often the attack itself.",
			Type:    "suspicious_activity",
			Title:   "API enumeration",
			Event:   APIEnumerationDetected,
			Window:  time.Hour,
			Actions: []Action{BlockAddress, RevokeKey, OpenIncident},
		},
		{
			Name:     "invalid-keys",
			Doc:      "many refused API keys or tokens from one address\n\nA few are tokens that ran out. Twenty in one go are a leftover key or a search for one; many different ones are guessed.",
			Type:     "suspicious_activity",
			Title:    "Invalid API keys",
			Event:    APIKeyInvalid,
			MinCount: 20,
			Window:   time.Hour,
			Actions:  []Action{BlockAddress, NotifySecurity},
		},
		{
			Name:    "rate-limit",
			Doc:     "an actor beyond the limits of the service\n\nThe service has held; the actor may try elsewhere.",
			Type:    "rate_limit_exceeded",
			Title:   "Rate limit exceeded",
			Event:   RateLimitExceeded,
			Window:  time.Hour,
			Actions: []Action{NotifySecurity},
		},
	}
}

// MaxEvents bounds the events that an alert lists. It counts all.
const MaxEvents = 100

const (
	// maxCountedEvents bounds the events that an alert tells apart. What comes beyond
	// makes it worse and longer, but is not counted.
	maxCountedEvents = 1000
	// maxOpenAlerts bounds the alerts of one rule and actor that events may still
	// change.
	maxOpenAlerts = 4
	// eventMemory is how long after an event was told it may be told again: at least
	// every retellAfter while it goes on, and a last time after its detector's window.
	eventMemory = retellAfter + maxSpan
	// maxAlertKeys bounds the actors that a rule remembers.
	maxAlertKeys = 1 << 16
)

// machine puts the rule in the engine's terms.
func (r *Rule) machine() *keyed.Machine[timed[Event], Alert] {
	return &keyed.Machine[timed[Event], Alert]{
		Name: r.Name,
		Key: func(e timed[Event], b []byte) []byte {
			if !r.matches(&e.val) {
				return b
			}
			return append(b, actorName(e.val.ActorType, e.val.ActorID, e.val.UserIP)...)
		},
		TTL:     r.Window + eventMemory,
		New:     func() keyed.State[timed[Event], Alert] { return &alerting{rule: r} },
		MaxKeys: maxAlertKeys,
	}
}

// matches tells whether the event, as it stands, is one for the rule.
func (r *Rule) matches(e *Event) bool {
	if e.Severity < r.MinSeverity || e.Count < r.MinCount || r.Outcome != "" && e.Outcome != r.Outcome {
		return false
	}
	if len(r.Detectors) > 0 && !slices.Contains(r.Detectors, e.Detector) {
		return false
	}
	if prefix, ok := strings.CutSuffix(r.Event, "*"); ok {
		return strings.HasPrefix(e.Name, prefix)
	}
	return r.Event == "" || e.Name == r.Event
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

// An alerting is what a rule remembers of one actor.
type alerting struct {
	rule *Rule

	Open []*openAlert // oldest first; at most maxOpenAlerts
}

// An openAlert is an alert that events may still change.
type openAlert struct {
	Alert
	Counted   map[string]int64 // requests by event id; at most maxCountedEvents
	Detectors map[string]bool
	Cover     cover // by entries of the allowlist
	// Lead is the worst event, the first of several: the alert's story.
	Lead struct {
		ID, Summary string
		Severity    Severity
	}
}

func (s *alerting) Observe(in timed[Event], emit func(Alert)) {
	e := &in.val
	a := s.alertOf(e)
	a.take(e, s.rule)
	out := a.Alert
	out.Events = slices.Clone(a.Events)
	emit(out)
}

// alertOf returns the alert that the event belongs to: the one that has it already,
// else one that is not over when the event begins, else a new one.
func (s *alerting) alertOf(e *Event) *openAlert {
	for _, a := range s.Open {
		if _, has := a.Counted[e.ID]; has {
			return a
		}
	}
	for _, a := range slices.Backward(s.Open) {
		if e.First.Sub(a.Last) <= s.rule.Window && a.First.Sub(e.Last) <= s.rule.Window {
			return a
		}
	}
	if len(s.Open) == maxOpenAlerts {
		s.Open = slices.Delete(s.Open, 0, 1)
	}
	a := &openAlert{
		Alert: Alert{
			ID:        contentID("alt", s.rule.Name, e.ID, e.First),
			Type:      s.rule.Type,
			Rule:      s.rule.Name,
			Title:     s.rule.Title,
			Actions:   s.rule.Actions,
			ActorID:   e.ActorID,
			ActorType: e.ActorType,
			First:     e.First,
		},
		Counted:   map[string]int64{},
		Detectors: map[string]bool{},
	}
	s.Open = append(s.Open, a)
	return a
}

// take adds an event to the alert, or what it has become.
func (a *openAlert) take(e *Event, rule *Rule) {
	before, known := a.Counted[e.ID]
	if known || len(a.Counted) < maxCountedEvents {
		a.Counted[e.ID] = e.Count
		a.Count += e.Count - before
	}
	if !known && len(a.Events) < MaxEvents {
		a.Events = append(a.Events, e.ID)
	}
	if e.First.Before(a.First) {
		a.First = e.First
	}
	if e.Last.After(a.Last) {
		a.Last = e.Last
	}
	a.SourceIP = cmp.Or(a.SourceIP, e.UserIP)
	a.Outcome = a.Outcome.further(e.Outcome)
	a.Severity = max(a.Severity, e.Severity)
	if rule.Severity != Info {
		a.Severity = rule.Severity
	}
	a.Detectors[e.Detector] = true
	a.SuppressedBy = a.Cover.add(e, rule)
	if a.Lead.ID == "" || e.ID == a.Lead.ID || e.Severity > a.Lead.Severity {
		a.Lead.ID, a.Lead.Summary, a.Lead.Severity = e.ID, e.Summary, e.Severity
	}
	a.Description = a.Lead.Summary
	events := strconv.Itoa(len(a.Counted))
	if len(a.Counted) == maxCountedEvents {
		events += " or more"
	}
	if len(a.Counted) > 1 {
		a.Description = fmt.Sprintf("%s events of %d requests in %s; the worst: %s", events, a.Count, inWords(a.Last.Sub(a.First)), a.Lead.Summary)
	}
	a.Metadata = Meta("events", len(a.Counted), "requests", a.Count, "detectors", slices.Sorted(maps.Keys(a.Detectors)))
}
