package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
)

// A Plan is what to do about alerts, for people to review. Nothing of it is carried out.
// It depends on the store, the config and the options alone: times to live run from when
// an alert was last active, by the log.
type Plan struct {
	Schema      string       `json:"schema"`     // PlanVersion
	Through     time.Time    `json:"through_ts"` // time of the last request of the log
	Alerts      int          `json:"alerts"`     // that it answers
	Blocks      []Block      `json:"block"`
	Credentials []Credential `json:"credentials"`
	Accounts    []Account    `json:"accounts"`
	Tell        []Call       `json:"tell"`
	Refused     []Refusal    `json:"refused"`
	Notes       []string     `json:"notes"`
}

// PlanVersion names the shape of a Plan's JSON.
const PlanVersion = "litesoc.plan/1"

// A Cause is why something is in a plan: the alerts it follows from.
type Cause struct {
	Severity  detect.Severity `json:"severity"` // of the worst
	Outcome   detect.Outcome  `json:"outcome"`  // the furthest
	Last      time.Time       `json:"last_ts"`  // of the most recent
	Reason    string          `json:"reason"`   // title and description of the worst
	Alerts    []string        `json:"alerts"`   // ids
	Incidents []string        `json:"incidents"`
	Rules     []string        `json:"rules"`
	Places    []Place         `json:"places"` // lines that show it; at most maxPlanPlaces
}

const maxPlanPlaces = 3

// A Block is a network to refuse at the edge.
type Block struct {
	Network netip.Prefix `json:"network"`
	Clients []string     `json:"clients"` // its addresses that have attacked
	Expires time.Time    `json:"expires_ts"`
	Note    string       `json:"note,omitempty"` // why it is wider or narrower than usual
	Cause
}

// ttl is how long the block lasts, from the end of the log on; at least a second.
func (b *Block) ttl(through time.Time) time.Duration {
	return max(b.Expires.Sub(through).Truncate(time.Second), time.Second)
}

// What to do about a credential or an account, beside the actions of rules.
const (
	revokeToken = "revoke_token"
	endSession  = "end_session"
	endSessions = "end_sessions"
)

// A Credential is a key, token or session to withdraw. It is known by its fingerprint:
// "key_", "tok_" or "ses_" and the first 12 hex digits of the SHA-256 of the secret.
type Credential struct {
	Action  string `json:"action"` // "revoke_key", "revoke_token" or "end_session"
	Type    string `json:"type"`   // "api_key", "token" or "session"
	ID      string `json:"id"`
	Prefix  string `json:"key_prefix,omitempty"` // what an API key begins with
	Account string `json:"account,omitempty"`    // whose it is, where the log tells
	Cause
}

// An Account is one to act on.
type Account struct {
	Action string `json:"action"` // "end_sessions", "reset_password" or "freeze_account"
	Type   string `json:"type"`   // what ID is: "user", or a credential whose owner is meant
	ID     string `json:"id"`
	Cause
}

// A Call is somebody to tell.
type Call struct {
	Action detect.Action `json:"action"`
	Cause
}

// A Refusal is an address that is not blocked although a rule proposes it.
type Refusal struct {
	Address string `json:"address"`
	Kind    string `json:"kind"`             // "shared", "trusted proxy", …
	Reason  string `json:"why_not"`          // in plain words
	Others  int    `json:"others,omitempty"` // actors on a shared address that have nothing to do with it
	Instead string `json:"instead,omitempty"`
	Cause
}

// passing tells whether it is an address of no severe alert that has been quiet since. There are
// many: whoever reads the plan acts on others.
func (r *Refusal) passing() bool { return r.Kind == refusedOver && r.Severity <= detect.Medium }

// refusedOver is the kind of a refusal whose block would have ended before the log does.
const refusedOver = "over"

// PlanFacts are what a plan is made of.
type PlanFacts struct {
	Report *Report  // with the events and places of the alerts
	Alerts []*Alert // that are to be answered, in order
	PlanTraces
	// Active calls yield with each address and each actor, other than the address, whose
	// requests from there were served.
	Active func(yield func(ip, actor string)) error
	// Trusted tells whether some of the addresses are proxies of the site.
	Trusted func(netip.Prefix) bool
	Allow   *detect.Allowlist
	Origin  func(ip string) *parsers.Origin

	events map[string]*Event
}

// PlanTraces is what the requests tell of the alerts of a plan.
type PlanTraces struct {
	// Guessed are the accounts, by alert, for which logins failed and then worked from an
	// address of the alert.
	Guessed map[string][]string
	// Homes are the addresses, by alert, from which the account that is attacked was used
	// before.
	Homes map[string][]string
	// Held are the tokens and sessions with which a user was seen about the time of an
	// alert, by user.
	Held map[string][]Credential
	// Prefixes are what API keys begin with, by fingerprint.
	Prefixes map[string]string
}

// PlanOptions are how a plan is to be made.
type PlanOptions struct {
	TTL           time.Duration // of blocks; 0 means by severity
	Aggregate     int           // addresses of one /24 or /64 that make a block of it; 0: none do
	IPv6Bits      int           // length of the network that is blocked for an IPv6 address
	Shared        int           // other actors that make an address a shared one; 0: none do
	AllowReserved bool          // block private, carrier and documentation addresses, too
}

// blockTTL is how long a block lasts: an address changes hands sooner than a grudge ends.
func (o *PlanOptions) blockTTL(s detect.Severity) time.Duration {
	switch {
	case o.TTL > 0:
		return o.TTL
	case s == detect.Critical:
		return 7 * 24 * time.Hour
	case s == detect.High:
		return 24 * time.Hour
	case s == detect.Medium:
		return 4 * time.Hour
	}
	return time.Hour
}

// NewPlanFacts returns facts about the alerts of a report, to which the caller adds what
// the report does not tell.
func NewPlanFacts(r *Report, alerts []*Alert) *PlanFacts {
	return &PlanFacts{Report: r, Alerts: alerts, events: r.eventsByID()}
}

// told is what detectors say of addresses and accounts in an event's metadata.
type told struct {
	From    string `json:"address_that_worked"`
	Account string `json:"account_that_worked"`
	// Addresses is how many addresses an event of several clients is of, or a list of them.
	Addresses json.RawMessage `json:"addresses"`
}

// unnamed is how many addresses the event is of that it does not name.
func (m *told) unnamed(e *Event) int {
	var all int
	if json.Unmarshal(m.Addresses, &all) != nil {
		return 0
	}
	return max(all-len(detect.AddressesOf(e.Metadata)), 0)
}

// each calls f with each event of an alert.
func (f *PlanFacts) each(a *Alert, do func(e *Event, m told)) {
	for _, id := range a.Events {
		e := f.events[id]
		if e == nil {
			continue
		}
		var m told
		if err := json.Unmarshal(e.Metadata, &m); err != nil {
			m = told{}
		}
		do(e, m)
	}
}

// Suspects returns the addresses from which an alert comes, in order. They are those that
// detectors took from the field of the client's address, never from other text of a line.
func (f *PlanFacts) Suspects(a *Alert) []string {
	var all []string
	seen := map[string]bool{"": true}
	add := func(ips ...string) {
		for _, ip := range ips {
			if !seen[ip] {
				seen[ip] = true
				all = append(all, ip)
			}
		}
	}
	if a.ActorType == string(parsers.ActorIP) {
		add(a.ActorID)
	}
	add(a.SourceIP)
	f.each(a, func(e *Event, m told) {
		add(e.UserIP)
		add(detect.AddressesOf(e.Metadata)...)
		add(m.From)
	})
	return all
}

// Victim tells whether the actor of an alert is the account that is attacked.
func (f *PlanFacts) Victim(a *Alert) bool {
	victim := false
	f.each(a, func(e *Event, _ told) {
		victim = victim || e.Name == detect.BruteForceDetected
	})
	return victim && a.ActorType == string(parsers.ActorUser)
}

// won returns the accounts that were taken in the course of an alert.
func (f *PlanFacts) won(a *Alert) []string {
	all := slices.Clone(f.Guessed[a.ID])
	f.each(a, func(e *Event, m told) { all = append(append(all, m.Account), detect.AccountsTaken(e.Metadata)...) })
	return distinct(all)
}

// planning is a plan while it is being made.
type planning struct {
	*PlanFacts
	opts     PlanOptions
	plan     *Plan
	suspects map[string]*suspect // by address
	order    []*suspect
	others   map[netip.Prefix]map[string]bool // served actors by network, for the networks that are asked about
	nobody   bool                             // the log names no actors but addresses
	mine     map[string]bool                  // actors that are no others: they attack, or were taken over
}

// A suspect is an address that a rule proposes to block.
type suspect struct {
	text    string
	addr    netip.Addr // invalid if the log has a name in its place
	expires time.Time
	home    bool // the attacked account's own
	alerts  []*Alert
	cause   Cause
}

// NewPlan makes the plan.
func NewPlan(f *PlanFacts, o PlanOptions) (*Plan, error) {
	p := &planning{
		PlanFacts: f, opts: o,
		plan:     &Plan{Schema: PlanVersion, Through: f.Report.Log.Last, Alerts: len(f.Alerts)},
		suspects: map[string]*suspect{}, others: map[netip.Prefix]map[string]bool{}, mine: map[string]bool{},
	}
	for _, a := range worstFirst(f.Alerts) {
		p.answer(a)
	}
	if err := p.meet(); err != nil {
		return nil, err
	}
	p.block()
	p.arrange()
	return p.plan, nil
}

// worstFirst orders alerts by severity, so that those which are named of many are the worst.
func worstFirst(alerts []*Alert) []*Alert {
	return slices.SortedStableFunc(slices.Values(alerts), func(a, b *Alert) int { return cmp.Compare(b.Severity, a.Severity) })
}

// answer adds what the rule of the alert proposes.
func (p *planning) answer(a *Alert) {
	for _, action := range a.Actions {
		switch action {
		case detect.BlockAddress:
			p.suspect(a)
		case detect.BlockActor:
			p.refuseActor(a)
		case detect.RevokeKey:
			if a.ActorType == string(parsers.ActorAPIKey) {
				p.refuseActor(a)
			}
		case detect.RevokeTokens:
			p.accounts(a, endSessions)
		case detect.ResetPassword:
			if !p.accounts(a, string(detect.ResetPassword)) && a.Outcome == detect.Succeeded {
				p.plan.Notes = append(p.plan.Notes, "the log does not name the account that was taken in alert "+a.ID+": look for who logged in there at that time")
			}
		case detect.FreezeAccount:
			if !p.accounts(a, string(detect.FreezeAccount)) {
				p.suspect(a) // who acts is known by the address alone
			}
		default:
			p.tell(a, action)
		}
	}
}

// suspect notes the addresses of an alert.
func (p *planning) suspect(a *Alert) {
	victim := p.Victim(a)
	for _, ip := range p.Suspects(a) {
		s := p.suspects[ip]
		if s == nil {
			s = &suspect{text: ip}
			if addr, err := netip.ParseAddr(ip); err == nil {
				s.addr = addr.Unmap().WithZone("")
			}
			s.home = true
			p.suspects[ip] = s
			p.order = append(p.order, s)
		}
		s.home = s.home && victim && slices.Contains(p.Homes[a.ID], ip)
		if until := a.Last.Add(p.opts.blockTTL(a.Severity)); until.After(s.expires) {
			s.expires = until
		}
		if !slices.Contains(s.alerts, a) {
			s.alerts = append(s.alerts, a)
			s.cause.add(p.PlanFacts, a)
		}
	}
	for _, account := range p.won(a) {
		p.mine[account] = true
	}
	p.each(a, func(e *Event, m told) {
		if n := m.unnamed(e); n > 0 {
			p.note(fmt.Sprintf("%s of event %s are not named, and not blocked: the query of incident %s finds their requests",
				count(int64(n), "further address"), e.ID, a.IncidentID))
		}
	})
}

// note notes something once.
func (p *planning) note(text string) {
	if !slices.Contains(p.plan.Notes, text) {
		p.plan.Notes = append(p.plan.Notes, text)
	}
}

// refuseActor proposes to shut out who acts, by what is known of them.
func (p *planning) refuseActor(a *Alert) {
	p.mine[a.ActorID] = true
	switch parsers.ActorType(a.ActorType) {
	case parsers.ActorAPIKey:
		p.withdraw(a, Credential{Action: string(detect.RevokeKey), Type: a.ActorType, ID: a.ActorID, Prefix: p.Prefixes[a.ActorID]})
	case parsers.ActorToken:
		p.withdraw(a, Credential{Action: revokeToken, Type: a.ActorType, ID: a.ActorID})
	case parsers.ActorSession:
		p.withdraw(a, Credential{Action: endSession, Type: a.ActorType, ID: a.ActorID})
	case parsers.ActorUser:
		p.account(a, string(detect.FreezeAccount), a.ActorType, a.ActorID)
		p.account(a, endSessions, a.ActorType, a.ActorID)
		p.heldBy(a, a.ActorID)
	default:
		p.suspect(a)
	}
}

// accounts proposes an action for the accounts of an alert; false if it has none.
func (p *planning) accounts(a *Alert, action string) bool {
	switch parsers.ActorType(a.ActorType) {
	case parsers.ActorUser:
		p.mine[a.ActorID] = true
		p.account(a, action, a.ActorType, a.ActorID)
		if action == endSessions {
			p.heldBy(a, a.ActorID)
		}
		return true
	case parsers.ActorAPIKey, parsers.ActorToken, parsers.ActorSession:
		if action == endSessions {
			p.refuseActor(a)
			return true
		}
		p.mine[a.ActorID] = true
		p.account(a, action, a.ActorType, a.ActorID)
		return true
	}
	taken := p.won(a)
	for _, name := range taken {
		p.account(a, action, string(parsers.ActorUser), name)
		if action == endSessions {
			p.heldBy(a, name)
		}
	}
	return len(taken) > 0
}

func (p *planning) heldBy(a *Alert, user string) {
	for _, c := range p.Held[user] {
		c.Account = user
		p.withdraw(a, c)
	}
}

func (p *planning) withdraw(a *Alert, c Credential) {
	for i := range p.plan.Credentials {
		if k := &p.plan.Credentials[i]; k.Action == c.Action && k.ID == c.ID {
			k.add(p.PlanFacts, a)
			return
		}
	}
	c.add(p.PlanFacts, a)
	p.plan.Credentials = append(p.plan.Credentials, c)
}

func (p *planning) account(a *Alert, action, typ, id string) {
	if id == "" {
		return
	}
	for i := range p.plan.Accounts {
		if k := &p.plan.Accounts[i]; k.Action == action && k.Type == typ && k.ID == id {
			k.add(p.PlanFacts, a)
			return
		}
	}
	c := Account{Action: action, Type: typ, ID: id}
	c.add(p.PlanFacts, a)
	p.plan.Accounts = append(p.plan.Accounts, c)
}

func (p *planning) tell(a *Alert, action detect.Action) {
	for i := range p.plan.Tell {
		if p.plan.Tell[i].Action == action {
			p.plan.Tell[i].add(p.PlanFacts, a)
			return
		}
	}
	c := Call{Action: action}
	c.add(p.PlanFacts, a)
	p.plan.Tell = append(p.plan.Tell, c)
}

// add takes an alert into the cause, once.
func (c *Cause) add(p *PlanFacts, a *Alert) {
	if slices.Contains(c.Alerts, a.ID) {
		return
	}
	places := p.Report.places(a, p.events, maxPlanPlaces)
	if len(c.Alerts) == 0 || a.Severity > c.Severity {
		c.Reason, c.Places, places = a.Title+": "+a.Description, places, c.Places
	}
	c.addPlaces(places)
	c.Severity = max(c.Severity, a.Severity)
	c.Outcome = further(c.Outcome, a.Outcome)
	if a.Last.After(c.Last) {
		c.Last = a.Last
	}
	c.Alerts = append(c.Alerts, a.ID)
	if a.IncidentID != "" && !slices.Contains(c.Incidents, a.IncidentID) {
		c.Incidents = append(c.Incidents, a.IncidentID)
	}
	if !slices.Contains(c.Rules, a.Rule) {
		c.Rules = append(c.Rules, a.Rule)
	}
}

// addPlaces adds lines, those of its reason being there, as far as there is room.
func (c *Cause) addPlaces(places []Place) {
	for _, place := range places {
		if len(c.Places) < maxPlanPlaces && !slices.Contains(c.Places, place) {
			c.Places = append(c.Places, place)
		}
	}
}

// further returns the outcome that is further on the way to success.
func further(a, b detect.Outcome) detect.Outcome {
	way := []detect.Outcome{"", detect.Blocked, detect.Attempted, detect.Succeeded}
	if slices.Index(way, b) > slices.Index(way, a) {
		return b
	}
	return a
}

// join takes another cause into this one.
func (c *Cause) join(o Cause) {
	if o.Severity > c.Severity {
		c.Reason, c.Places, o.Places = o.Reason, slices.Clone(o.Places), c.Places
	}
	c.addPlaces(o.Places)
	c.Severity = max(c.Severity, o.Severity)
	c.Outcome = further(c.Outcome, o.Outcome)
	if o.Last.After(c.Last) {
		c.Last = o.Last
	}
	c.Alerts = distinct(slices.Concat(c.Alerts, o.Alerts))
	c.Incidents = distinct(slices.Concat(c.Incidents, o.Incidents))
	c.Rules = distinct(slices.Concat(c.Rules, o.Rules))
}

// urgent orders causes: the most severe first, then what succeeded, then the most recent.
func (c *Cause) urgent(o *Cause) int {
	return cmp.Or(
		cmp.Compare(o.Severity, c.Severity),
		-cmp.Compare(boolInt(c.Outcome == detect.Succeeded), boolInt(o.Outcome == detect.Succeeded)),
		o.Last.Compare(c.Last),
		slices.Compare(c.Alerts, o.Alerts),
	)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stopsFirst orders actions on credentials and accounts: what stops an attack first.
var stopsFirst = []string{string(detect.RevokeKey), revokeToken, endSession, endSessions, string(detect.ResetPassword), string(detect.FreezeAccount)}

// arrange puts everything in the order in which to do it.
func (p *planning) arrange() {
	plan := p.plan
	slices.SortStableFunc(plan.Blocks, func(a, b Block) int {
		return cmp.Or(a.urgent(&b.Cause), comparePrefix(a.Network, b.Network))
	})
	slices.SortFunc(plan.Credentials, func(a, b Credential) int {
		return cmp.Or(cmp.Compare(slices.Index(stopsFirst, a.Action), slices.Index(stopsFirst, b.Action)), a.urgent(&b.Cause), strings.Compare(a.ID, b.ID))
	})
	slices.SortFunc(plan.Accounts, func(a, b Account) int {
		return cmp.Or(cmp.Compare(slices.Index(stopsFirst, a.Action), slices.Index(stopsFirst, b.Action)), a.urgent(&b.Cause),
			strings.Compare(a.ID, b.ID), strings.Compare(a.Type, b.Type))
	})
	slices.SortFunc(plan.Tell, func(a, b Call) int {
		return cmp.Compare(slices.Index(detect.Actions(), a.Action), slices.Index(detect.Actions(), b.Action))
	})
	slices.SortFunc(plan.Refused, func(a, b Refusal) int { return cmp.Or(a.urgent(&b.Cause), compareAddr(a.Address, b.Address)) })
	if p.nobody && len(plan.Blocks) > 0 {
		plan.Notes = append(plan.Notes, "the log names no users, keys or sessions: whether an address is shared by many cannot be told")
	}
	slices.Sort(plan.Notes)
}

// A PlanFormat is one way of writing a Plan.
type PlanFormat struct {
	Name  string // "nginx-deny"
	File  string // its name in a folder: "nginx-deny.conf"
	Doc   string
	Write func(w io.Writer, p *Plan) error
}

// PlanFormats returns the formats.
func PlanFormats() []*PlanFormat {
	return []*PlanFormat{
		planText(), planMarkdown(), planJSON(),
		nginxDeny(), nginxGeo(), nftables(), ipset(), haproxyACL(), haproxyMap(), caddy(),
		awsWAF(4), awsWAF(6), awsWAFUpdate(4), awsWAFUpdate(6), cloudflare(), crowdsecJSON(), crowdsecCSV(),
		credentialsCSV(), credentialsJSON(), accountsCSV(), accountsJSON(),
	}
}
