package detect

import (
	"cmp"
	"fmt"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// PasswordSpray finds networks from which a few passwords are tried on many accounts.
func PasswordSpray() *Detector {
	d := &Detector{
		Name: "password-spray",
		Doc: `a few failed logins on each of many accounts, from one network

One password that somebody surely has, tried on everybody, locks no account and needs few
requests from each of many addresses. It works where the log names the accounts of failed
logins.

In a university or behind a carrier many people fail as well, but they get in later: an
account that gets in from there does not count. Where still so many have no luck, but more get
in, the event is of medium severity and low confidence, and where ten times as many do there
is none.`,
		Type:      BruteForceDetected,
		Severity:  High,
		Technique: "T1110.003",
		OWASP:     "API2:2023",
		Of:        LoginKind,
		Match:     func(r *parsers.Request) bool { return isLogin(r) && r.User != "" },
		GroupBy:   byLoginNetwork,
	}
	spraySettings(d, 20, 3, time.Hour, false)
	return d
}

// SlowSpray finds networks from which passwords are tried on many accounts over a day.
func SlowSpray() *Detector {
	d := &Detector{
		Name: "slow-spray",
		Doc: `a few failed logins on each of very many accounts, from one network, over a day

One account every few minutes stays below whatever is counted in minutes or an hour. Over a
day it adds up, and hardly any of the accounts gets in. It works where the log names the
accounts of failed logins.

In a network of people most get in, and where as many get in as fail nothing is told. What is
fast enough to be found as a password spray does not count here.`,
		Type:      BruteForceDetected,
		Severity:  High,
		Technique: "T1110.003",
		OWASP:     "API2:2023",
		Of:        LoginKind,
		Match:     func(r *parsers.Request) bool { return isLogin(r) && r.User != "" },
		GroupBy:   byLoginNetwork,
	}
	spraySettings(d, 60, 3, 24*time.Hour, true)
	return d
}

// byLoginNetwork groups by network, as far as addresses are known.
var byLoginNetwork = &GroupBy{Key: func(r *parsers.Request, b []byte) []byte { return append(b, loginNetwork(r)...) }}

// spraySettings gives a detector of sprays its settings and its state.
func spraySettings(d *Detector, accounts, tries int, window time.Duration, slow bool) {
	least := d.count("accounts", accounts, "distinct `accounts` with failed logins within the window that are an attack")
	most := d.count("tries", tries, "failed `logins` of each of them, at most")
	span := d.span("window", window, "`time` within which accounts are counted, and of quiet after which an event is over")
	then := d.span("success-window", 15*time.Minute, "`time` after a failed login in which one that works was guessed")
	d.TTL = span
	d.New = func() State {
		s := &passwordSpray{accounts: *least, tries: *most, lucky: luckyNetwork, window: *span, then: *then}
		if slow {
			s.lucky, s.fast = 1, 20
		}
		return s
	}
}

// luckyNetwork is how many times as many accounts get in from a network whose failed
// logins are the everyday misfortune of many people.
const luckyNetwork = 10

// maxPending bounds the accounts that failed and did not get in, if no more of them
// make an attack.
const maxPending = 256

type passwordSpray struct {
	accounts, tries int
	lucky           int // how many times as many accounts get in where nothing is told
	fast            int // accounts within an hour that are no slow spray; 0 for none
	window, then    time.Duration

	Pending attempts `json:",omitempty"` // accounts that failed and did not get in since
	Worked  lately   `json:",omitzero"`  // accounts that got in
	Going   *spray   `json:",omitempty"`
}

// A spray is a password spray that goes on. It counts failed logins.
type spray struct {
	Episode
	LastFailed time.Time
	Accounts   Distinct          // that failed
	Names      []string          // of those, clipped; at most maxLoginNames
	Places     map[uint64]uint64 // the account that failed from a place, 0 for several; at most MaxDistinct
	Addresses  []string          // of those, clipped; at most maxLoginNames
	Insiders   int               // accounts that got in within the window when it was at its worst
	Winner     string            // the account of the first login that was guessed, clipped
	WinnerFrom string            // its address, clipped
	Sure       bool              // that it was guessed: accounts of others failed from there
}

func (s *passwordSpray) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.LastFailed) > s.window {
		s.Expire(emit)
	}
	if r.Event == LoginSuccess {
		s.succeed(r)
		s.Pending.take(accountTag(r))
		s.Worked.add(accountTag(r), r.Time, s.window)
	} else {
		s.fail(r)
	}
	if s.Going != nil {
		s.Going.tell(emit, s.describe)
	}
}

func (s *passwordSpray) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

func (s *passwordSpray) fail(r *parsers.Request) {
	if s.Worked.has(accountTag(r), r.Time, s.window) {
		return // who is at home there may slip
	}
	s.Pending.add(r, s.window, max(maxPending, 2*s.accounts), s.tries+1)
	few := s.few(r.Time)
	if s.fast > 0 && few >= s.fast && s.Going == nil && s.isFast(s.sprayed(r.Time, few), r.Time) {
		s.Pending = nil // it is another detector's
		return
	}
	insiders := s.Worked.size(r.Time, s.window)
	if few < s.accounts || insiders >= s.lucky*few {
		return
	}
	sprayed := s.sprayed(r.Time, few)
	last := sprayed[len(sprayed)-1]
	if last.Tag != accountTag(r) {
		return // an account that was tried more often
	}
	if s.Going == nil {
		s.Going = beginSpray(r, sprayed)
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	g.fail(last)
	severity := High
	if insiders > len(sprayed) {
		severity = Medium
	}
	if severity > g.Severity || g.Severity == Medium {
		g.Insiders = insiders
	}
	g.reach(severity, Attempted)
}

// isFast tells whether the accounts, of which there are enough, failed within the last hour, so
// that a password spray shows them.
func (s *passwordSpray) isFast(sprayed attempts, now time.Time) bool {
	return now.Sub(sprayed[len(sprayed)-s.fast].At) <= time.Hour
}

// isSprayed tells whether an account has failed within the window, and seldom enough.
func (s *passwordSpray) isSprayed(a *attempt, now time.Time) bool {
	a.forget(now, s.window)
	return now.Sub(a.At) <= s.window && len(a.Before) < s.tries
}

// few returns how many accounts are sprayed.
func (s *passwordSpray) few(now time.Time) (n int) {
	for i := range s.Pending {
		if s.isSprayed(&s.Pending[i], now) {
			n++
		}
	}
	return n
}

// sprayed returns so many accounts as are sprayed, the one that failed last at the end, each
// without what lies further back.
func (s *passwordSpray) sprayed(now time.Time, few int) attempts {
	all := make(attempts, 0, few)
	for i := range s.Pending {
		if a := &s.Pending[i]; s.isSprayed(a, now) {
			all = append(all, *a)
		}
	}
	return all
}

func beginSpray(r *parsers.Request, sprayed attempts) *spray {
	w, others := sprayed.window()
	g := &spray{Episode: begin(r, w), Places: map[uint64]uint64{}}
	g.ActorID, g.ActorType = loginNetwork(r), actorNetwork
	g.Count += others
	for _, a := range sprayed {
		for _, at := range a.Before {
			if at.Before(g.First) {
				g.First = at
			}
		}
		g.fail(a)
	}
	return g
}

// fail takes the last failed login of an account.
func (g *spray) fail(a attempt) {
	g.LastFailed = a.At
	g.Accounts.Add(a.Tag)
	list(&g.Names, a.Account)
	switch account, known := g.Places[a.Place]; {
	case known && account != a.Tag:
		g.Places[a.Place] = 0
	case !known && len(g.Places) < MaxDistinct:
		g.Places[a.Place] = a.Tag
		list(&g.Addresses, a.Address)
	}
}

// succeed takes a login that worked. It was guessed if the account is not at home in the
// network, and came from where others failed too, or failed elsewhere. Who fails in one
// place as nobody else and then gets in there has mistyped.
func (s *passwordSpray) succeed(r *parsers.Request) {
	g, account := s.Going, accountTag(r)
	if g == nil || g.Severity < High || r.Time.Sub(g.LastFailed) > s.then || s.Worked.has(account, r.Time, s.window) {
		return
	}
	from, failed := g.Places[placeTag(r)]
	several := failed && from != account
	if !several && (failed || !g.Accounts.has(account)) {
		return
	}
	if g.take(r); g.Outcome == Succeeded {
		return
	}
	g.Winner, g.WinnerFrom, g.Sure = clip(r.User), clip(r.ClientIP), several
	g.Last = r.Time
	g.addEvidence(evidence(r))
	g.reach(High, Succeeded)
}

func (s *passwordSpray) describe(e *Event) {
	g := s.Going
	e.UserIP = ""
	if len(g.Addresses) == 1 {
		e.UserIP = g.Addresses[0]
	}
	e.UserIP = cmp.Or(g.WinnerFrom, e.UserIP)
	places := plural(int64(len(g.Places)), "address", "addresses")
	if len(g.Places) == MaxDistinct {
		places = fmt.Sprintf("%d addresses or more", MaxDistinct)
	}
	e.Summary = fmt.Sprintf("%s of network %s failed to log in %d times on %s in %s (threshold: %d accounts of at most %s each within %s)",
		listed(g.Addresses, places), e.ActorID, e.Count, g.Accounts.of("account", "accounts"), inWords(g.LastFailed.Sub(e.First)),
		s.accounts, plural(int64(s.tries), "try", "tries"), inWords(s.window))
	if e.Outcome == Succeeded {
		e.Summary += fmt.Sprintf("%sa login as %q from %s worked", g.then(), g.Winner, g.WinnerFrom) + g.later()
	}
	switch {
	case e.Severity == Medium:
		e.Confidence = 0.3
		e.Summary += fmt.Sprintf("; %s got in from there, which looks like a network of many people", plural(int64(g.Insiders), "account", "accounts"))
	case e.Outcome == Succeeded && !g.Sure:
		e.Confidence = 0.6 // somebody may have mistyped on one device and got in with another
	case g.Insiders == 0:
		e.Confidence = 0.9
	default:
		e.Confidence = 0.8
	}
	e.Metadata = Meta("network", e.ActorID, "failed_logins", e.Count, "accounts", len(g.Accounts), "account_list", orNone(g.Names),
		"addresses", len(g.Places), "address_list", orNone(g.Addresses), "accounts_that_got_in", g.Insiders,
		"account_that_worked", g.Winner, accountsTaken, g.accounts(g.Winner), "address_that_worked", g.WinnerFrom, "window_seconds", int(s.window.Seconds()))
}
