package detect

import (
	"fmt"
	"sync"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// CredentialStuffing finds addresses that try accounts one after another.
func CredentialStuffing() *Detector {
	d := &Detector{
		Name: "credential-stuffing",
		Doc: `failed logins on many accounts from one address

Lists of names and passwords stolen elsewhere are tried in bulk: one account after another,
and some of them open at the first try. It works where the log names the accounts of failed
logins.

People behind one address, an office or a carrier, slip as well; where they do so a time or
two each and more accounts get in, the event is of medium severity and low confidence. So it
is where accounts fail a few times each and most of them then get in: passwords had to be
changed.`,
		Type:      BruteForceDetected,
		Severity:  High,
		Technique: "T1110.004",
		OWASP:     "API2:2023",
		Of:        LoginKind,
		Match:     func(r *parsers.Request) bool { return isLogin(r) && r.User != "" },
		GroupBy:   ByClient,
		TTL:       new(history),
	}
	accounts := d.count("accounts", 10, "distinct `accounts` with failed logins within the window that are an attack")
	slips := d.count("office-failures", 2, "failed `logins` of each account behind the address of an office, at most")
	window := d.span("window", 10*time.Minute, "`time` within which accounts are counted")
	then := d.span("success-window", 15*time.Minute, thenUsage)
	d.Quiet = then
	settings := sync.OnceValue(func() *stuffingSettings { return &stuffingSettings{*accounts, *slips, *window, *then} })
	d.New = func() State { return &credentialStuffing{stuffingSettings: settings()} }
	return d
}

// stuffingSettings are what all states of the detector share.
type stuffingSettings struct {
	accounts, slips int
	window, then    time.Duration
}

// triesKept is how many failed logins of an account count at most when a stuffing begins. It
// is more than relearning.
const triesKept = 20

type credentialStuffing struct {
	Failed attempts  `json:",omitempty"` // while nothing goes on, or what does rests; at most accounts
	Worked lately    `json:",omitzero"`  // accounts
	Known  familiar  `json:",omitempty"` // account and user agent of logins that worked
	Going  *stuffing `json:",omitempty"`
	*stuffingSettings
}

// A stuffing is a guessing on many accounts.
type stuffing struct {
	guessing
	Names []string // of the accounts, clipped; at most maxLoginNames
	Won   int64    // logins that were guessed
}

func (s *credentialStuffing) Observe(r *parsers.Request, emit func(Event)) {
	switch g := s.Going; {
	case g == nil:
	case r.Time.Sub(g.LastFailed) > s.then:
		s.Expire(emit)
	case g.rests(r.Time, s.window):
		g.end(emit, s.describe)
	}
	if r.Event == LoginSuccess {
		if s.succeed(r); s.Going == nil {
			return
		}
	} else if !s.fail(r, emit) {
		return
	}
	severity := High
	if s.office() {
		severity = Medium
	}
	s.Going.reach(severity, Attempted)
	s.Going.tell(emit, s.describe)
}

func (s *credentialStuffing) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// fail takes a failed login and tells whether it is part of a guessing.
func (s *credentialStuffing) fail(r *parsers.Request, emit func(Event)) bool {
	if g := s.Going; g != nil && !g.rests(r.Time, s.window) {
		g.extend(r)
		g.fail(r.Time, accountTag(r))
		list(&g.Names, r.User)
		return true
	}
	if s.Failed.add(r, s.window, s.accounts, max(s.slips+1, triesKept)); len(s.Failed) < s.accounts {
		return false
	}
	s.Expire(emit)
	for i := range s.Failed {
		s.Failed[i].forget(r.Time, s.window)
	}
	w, others := s.Failed.window()
	g := &stuffing{guessing: *beginGuessing(r, w)}
	g.Count += others
	for _, a := range s.Failed {
		list(&g.Names, a.Account)
		for _, at := range a.Before {
			g.Accounts[a.Tag]++
			g.Worst = max(g.Worst, g.Accounts[a.Tag])
			if at.Before(g.First) {
				g.First = at
			}
		}
	}
	s.Worked.turn(r.Time, s.window)
	for _, account := range s.Worked.Now {
		g.work(account)
	}
	for _, account := range s.Worked.Before {
		g.work(account)
	}
	s.Going, s.Failed, s.Worked = g, nil, lately{}
	return true
}

// succeed takes a login that worked. The first try may be the right one: who never got
// in from there, or was guessed at, counts as guessed.
func (s *credentialStuffing) succeed(r *parsers.Request) {
	g := s.Going
	if g == nil || g.rests(r.Time, s.window) {
		s.Worked.add(accountTag(r), r.Time, s.window)
	}
	if g == nil {
		s.Known.add(loginTag(r))
		return
	}
	g.work(accountTag(r))
	if s.office() || s.Known.has(loginTag(r)) && g.Accounts[accountTag(r)] <= s.slips {
		s.Known.add(loginTag(r))
		return
	}
	g.Won++
	g.take(r)
	g.win(r)
}

// office tells whether the failed logins look like slips of many people, or like those of
// people who have not got used to new passwords.
func (s *credentialStuffing) office() bool {
	return s.Going.office(s.accounts, s.slips) || s.Going.relearns(s.slips)
}

// relearning is how often one fails at most who then remembers which password is the new one.
const relearning = 4

// relearns tells whether accounts failed a few times each, and at least two of three got in, with
// all but few of those that failed more often than the given number of times. Of a list of
// stolen passwords few are right at the third try.
func (g *guessing) relearns(slips int) bool {
	mended, out := g.mended(), 0
	for account, failed := range g.Accounts {
		if failed > slips && !g.Insiders.has(account) {
			out++
		}
	}
	return g.Worst <= relearning && 3*mended >= 2*len(g.Accounts) && 4*out <= mended && len(g.Accounts) < MaxDistinct
}

func (s *credentialStuffing) describe(e *Event) {
	g := s.Going
	accounts := plural(int64(len(g.Accounts)), "account", "accounts")
	if len(g.Accounts) == MaxDistinct {
		accounts = fmt.Sprintf("%d accounts or more", MaxDistinct)
	}
	e.Summary = fmt.Sprintf("%s failed to log in %d times on %s in %s (threshold: %d accounts within %s)",
		who(e.ActorID, e.ActorType), e.Count, accounts, inWords(g.LastFailed.Sub(e.First)), s.accounts, inWords(s.window)) + g.won()
	switch {
	case e.Severity == Medium:
		e.Confidence = 0.3
		e.Summary += fmt.Sprintf("; %s got in from there, which looks like an office", g.Insiders.of("account", "accounts"))
	case len(g.Accounts) >= 2*s.accounts:
		e.Confidence = 0.95 // nobody has that many
	default:
		e.Confidence = 0.8
	}
	e.Metadata = Meta("failed_logins", e.Count, "accounts", len(g.Accounts), "account_list", orNone(g.Names), "logins_that_worked", g.Worked,
		"logins_guessed", g.Won, "account_that_worked", g.Winner, accountsTaken, g.accounts(g.Winner), "window_seconds", int(s.window.Seconds()))
}

func (s *credentialStuffing) Learned() (l Learned) {
	l.addSet(tagSet(ofInsiders, s.Known))
	return l
}

func (s *credentialStuffing) Learn(l Learned, _ time.Time) (err error) {
	if s.Known, err = l.set(ofInsiders).tags(maxFamiliar); err != nil {
		return err
	}
	return l.known(ofInsiders)
}
