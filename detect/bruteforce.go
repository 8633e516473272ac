package detect

import (
	"fmt"
	"sync"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// BruteForceIP finds addresses from which passwords are guessed.
func BruteForceIP() *Detector {
	d := &Detector{
		Name: "brute-force-ip",
		Doc: `many failed logins from one address

Whoever guesses passwords fails often, and so does who guesses the code of a mail or a
message that opens an account.

The event is of medium severity and low confidence for

- an office on a Monday morning: several accounts fail a time or two each, hardly one more often, and most logins work; or, where the log does not say whose logins failed, more of them work than fail;
- somebody who got in from there before, with the same user agent, and now mistypes a few times;
- a monitor whose password is out of date: all that fails says to be one, tries no more than one account, and does so no more often than monitors do.

A login that works after the guessing was guessed, unless it is one of theirs.`,
		Type:      BruteForceDetected,
		Severity:  High,
		Technique: "T1110",
		OWASP:     "API2:2023",
		Of:        LoginKind,
		Match:     isLogin,
		GroupBy:   ByClient,
		TTL:       new(history),
	}
	limit := d.count("limit", 5, "failed `logins` within the window that are an attack")
	accounts := d.count("office-accounts", 5, "`accounts` that fail, or get in, behind the address of an office, at least")
	slips := d.count("office-failures", 2, "failed `logins` of each of them, at most")
	window := d.span("window", 5*time.Minute, "`time` within which failed logins are counted")
	then := d.span("success-window", 15*time.Minute, thenUsage)
	d.Quiet = then
	settings := sync.OnceValue(func() *ipSettings { return &ipSettings{*limit, *accounts, *slips, *window, *then} })
	d.New = func() State { return &bruteForceIP{ipSettings: settings()} }
	return d
}

// ipSettings are what all states of the detector share.
type ipSettings struct {
	limit, accounts, slips int
	window, then           time.Duration
}

type bruteForceIP struct {
	// While nothing goes on, or what does rests: the logins within the window, tagged by
	// account. Each account that the log names stands in Worked once.
	Failed Window `json:",omitempty"`
	Worked Window `json:",omitempty"`

	Known    familiar  `json:",omitempty"` // account and user agent of logins that worked
	Stranger time.Time `json:",omitzero"`  // of the last failed login by none of them
	Person   time.Time `json:",omitzero"`  // of the last failed login by what does not say to be a monitor
	Going    *guessing `json:",omitempty"`
	*ipSettings
}

func (s *bruteForceIP) AppendJSON(b []byte) ([]byte, error) {
	b = appendPacked(append(b, '{'), "Failed", packed[Mark, *Mark](s.Failed))
	b = appendPacked(b, "Worked", packed[Mark, *Mark](s.Worked))
	b = appendNumbers(b, "Known", s.Known)
	if !s.Stranger.IsZero() {
		b = appendTime(b, "Stranger", s.Stranger)
	}
	if !s.Person.IsZero() {
		b = appendTime(b, "Person", s.Person)
	}
	return appendGoing(b, s.Going)
}

// A guessing is a brute force that goes on. It counts failed logins.
type guessing struct {
	Episode
	LastFailed time.Time
	Worked     int64          // logins that worked meanwhile
	Insiders   Distinct       // accounts of those
	Accounts   map[uint64]int // failed logins by tag of the account; at most MaxDistinct
	Worst      int            // the most of one account
	Account    string         // the last one that failed, clipped
	Winner     string         // the account of the first login that was guessed, clipped; in brute-force-ip rather of one that failed before
	Sought     bool           `json:",omitempty"` // Winner is one that failed before
}

func (s *bruteForceIP) Observe(r *parsers.Request, emit func(Event)) {
	switch g := s.Going; {
	case g == nil:
	case r.Time.Sub(g.LastFailed) > s.then:
		s.Expire(emit)
	case g.rests(r.Time, s.window):
		g.end(emit, s.describe)
	}
	if r.Event == LoginSuccess {
		s.succeed(r)
		if s.Going == nil {
			return
		}
	} else if !s.fail(r, emit) {
		return
	}
	severity := High
	if s.office() || s.slip() || s.monitors() {
		severity = Medium
	}
	s.Going.reach(severity, Attempted)
	s.Going.tell(emit, s.describe)
}

func (s *bruteForceIP) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// rests tells whether no login has failed for the window: what fails now is no part of the
// guessing, which only waits for a login that works.
func (g *guessing) rests(now time.Time, window time.Duration) bool {
	return now.Sub(g.LastFailed) > window
}

// fail takes a failed login and tells whether it is part of a guessing.
func (s *bruteForceIP) fail(r *parsers.Request, emit func(Event)) bool {
	if !s.Known.has(loginTag(r)) {
		s.Stranger = r.Time
	}
	g := s.Going
	known := g != nil && !g.rests(r.Time, s.window) && !s.Person.Before(g.First)
	if !known && !agentOf(r).monitor {
		s.Person = r.Time
	}
	account := accountTag(r)
	if s.Going != nil && !s.Going.rests(r.Time, s.window) {
		s.Going.extend(r)
		s.Going.fail(r.Time, account)
	} else {
		if s.Failed.Slide(mark(r, account), s.window, s.limit); len(s.Failed) < s.limit {
			return false
		}
		s.Expire(emit)
		s.Going = beginGuessing(r, s.Failed)
		for _, m := range s.Worked {
			if r.Time.Sub(m.At) <= s.window {
				s.Going.work(m.Tag)
			}
		}
		s.Failed, s.Worked = nil, nil
	}
	s.Going.Account = clip(r.User)
	return true
}

// succeed takes a login that worked. In an office that is what logins do.
func (s *bruteForceIP) succeed(r *parsers.Request) {
	g := s.Going
	if g == nil || g.rests(r.Time, s.window) {
		// Enough to outweigh the failed ones, and those that follow at once.
		if m := mark(r, accountTag(r)); m.Tag != 0 {
			s.Worked.SlideDistinct(m, s.window, 4*s.limit)
		} else {
			s.Worked.Slide(m, s.window, 4*s.limit)
		}
	}
	if g == nil {
		s.know(r)
		return
	}
	g.work(accountTag(r))
	switch known := s.Known.has(loginTag(r)); {
	case s.office():
	case known && (s.slip() || s.monitors() || g.spares(accountTag(r))):
		s.know(r)
	default:
		g.win(r)
		g.prefer(r)
	}
}

// know remembers who got in, by account and, for logs that name it only then, without.
func (s *bruteForceIP) know(r *parsers.Request) {
	s.Known.add(both(0, tag(r.UserAgent)))
	s.Known.add(loginTag(r))
}

// loginTag tells apart who logs in with what.
func loginTag(r *parsers.Request) uint64 { return both(accountTag(r), tag(r.UserAgent)) }

// slip tells whether somebody who got in from there before mistypes, or several of them
// do, none as often as alone would be an attack.
func (s *bruteForceIP) slip() bool {
	g := s.Going
	if !s.Stranger.Before(g.First) {
		return false
	}
	return len(g.Accounts) <= 1 && g.Count < 2*int64(s.limit) || len(g.Accounts) > 1 && g.Worst < s.limit
}

// monitorPace is how much time monitors leave between two logins, at least.
const monitorPace = 20 * time.Second

// monitors tells whether the failed logins look like those of a monitor whose password is out of
// date: it tries one account, at its pace.
func (s *bruteForceIP) monitors() bool {
	g := s.Going
	return s.Person.Before(g.First) && len(g.Accounts) <= 1 && time.Duration(g.Count-1)*monitorPace <= g.LastFailed.Sub(g.First)
}

// office tells whether the failed logins look like slips of many people.
func (s *bruteForceIP) office() bool {
	return s.Going.office(s.accounts, s.slips) || s.large() && s.Going.office(s.accounts, s.limit-1)
}

// large tells whether so many people got in from there that of the accounts that fail, a few
// may slip once more than most.
func (s *bruteForceIP) large() bool {
	return peopleForSlips*s.Going.above(s.slips) <= max(len(s.Known), len(s.Going.Insiders))
}

// peopleForSlips is how many people who got in excuse one who fails more often than most, if
// less often than an attack on one account.
const peopleForSlips = 20

// beginGuessing begins with the failed logins in a window tagged by account.
func beginGuessing(r *parsers.Request, failed Window) *guessing {
	g := &guessing{Episode: beginByClient(r, failed), Accounts: map[uint64]int{}}
	for _, m := range failed {
		g.fail(m.At, m.Tag)
	}
	return g
}

// fail counts a failed login of an account.
func (g *guessing) fail(at time.Time, account uint64) {
	g.LastFailed = at
	if account == 0 {
		return
	}
	if n, known := g.Accounts[account]; known || len(g.Accounts) < MaxDistinct {
		g.Accounts[account] = n + 1
		g.Worst = max(g.Worst, n+1)
	}
}

// work counts a login that worked.
func (g *guessing) work(account uint64) {
	g.Worked++
	g.Insiders.Add(account)
}

// spares tells whether other accounts were guessed at, but not this one.
func (g *guessing) spares(account uint64) bool {
	return account != 0 && len(g.Accounts) > 0 && g.Accounts[account] == 0
}

// win takes the login that was guessed.
func (g *guessing) win(r *parsers.Request) {
	if g.Outcome == Succeeded {
		return
	}
	g.Winner = clip(r.User)
	g.Last = r.Time
	g.addEvidence(evidence(r))
	g.reach(High, Succeeded)
}

// prefer names the account of a login that was guessed in the place of one that only was the
// first to get in: who guesses at one account is after that, and neighbours log in too.
func (g *guessing) prefer(r *parsers.Request) {
	if g.Accounts[accountTag(r)] == 0 {
		return
	}
	g.take(r)
	if g.Sought {
		return
	}
	if g.Sought = true; g.Winner != clip(r.User) {
		g.Winner, g.Last = clip(r.User), r.Time
		g.addEvidence(evidence(r))
		g.prove()
	}
}

// office tells whether several accounts slipped at most so often each, while more others
// got in, or nearly all of those: so many of one kind or the other that people share the
// address. One account that gets in again and again makes no office, and one that slips is
// no more than one. Where the log does not say whose logins failed, more of them work.
func (g *guessing) office(accounts, slips int) bool {
	if len(g.Accounts) == 0 {
		return g.Worked > g.Count && (len(g.Insiders) >= accounts || len(g.Insiders) == 1 && g.Insiders.has(0))
	}
	return len(g.Accounts) > 1 && max(len(g.Accounts), len(g.Insiders)) >= accounts && len(g.Accounts) < MaxDistinct &&
		g.Worst <= slips && (int64(len(g.Insiders)) > g.Count || 5*g.mended() >= 4*len(g.Accounts))
}

// above is how many accounts failed more often.
func (g *guessing) above(slips int) (n int) {
	for _, failed := range g.Accounts {
		if failed > slips {
			n++
		}
	}
	return n
}

// mended is how many of the accounts that failed got in, too. Of a list of stolen passwords
// few are right at the second try.
func (g *guessing) mended() (n int) {
	for account := range g.Accounts {
		if g.Insiders.has(account) {
			n++
		}
	}
	return n
}

// won says in a sentence which login was guessed.
func (g *guessing) won() string {
	switch {
	case g.Outcome != Succeeded:
		return ""
	case g.Winner != "":
		return fmt.Sprintf("%sa login as %q worked", g.then(), g.Winner) + g.later()
	}
	return g.then() + "a login worked"
}

func (s *bruteForceIP) describe(e *Event) {
	g := s.Going
	var on string
	switch n := len(g.Accounts); {
	case n == 1:
		on = fmt.Sprintf(" on account %q", g.Account)
	case n == MaxDistinct:
		on = fmt.Sprintf(" on %d accounts or more", n)
	case n > 1:
		on = fmt.Sprintf(" on %d accounts", n)
	}
	e.Summary = fmt.Sprintf("%s failed to log in %d times%s in %s (threshold: %d within %s)",
		who(e.ActorID, e.ActorType), e.Count, on, inWords(g.LastFailed.Sub(e.First)), s.limit, inWords(s.window)) + g.won()
	switch {
	case e.Severity == Medium && s.slip():
		e.Confidence = 0.2
		e.Summary += "; logins from there with the same user agent worked before, which looks like a forgotten password"
	case e.Severity == Medium && s.monitors():
		e.Confidence = 0.3
		e.Summary += "; the user agent is that of a monitor, and it keeps to the pace of one"
	case e.Severity == Medium:
		e.Confidence = 0.3
		e.Summary += fmt.Sprintf("; %d logins from there worked, which looks like an office", g.Worked)
	case e.Count >= 4*int64(s.limit):
		e.Confidence = 0.95
	case e.Count >= 2*int64(s.limit):
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6
		if len(g.Accounts) <= 1 {
			e.Summary += "; a forgotten password looks the same"
		}
	}
	baseline := "own" // logins that worked from there before
	if len(s.Known) == 0 {
		baseline = "none"
	}
	e.Metadata = Meta("failed_logins", e.Count, "baseline", baseline, "accounts", len(g.Accounts), "logins_that_worked", g.Worked,
		"account_that_worked", g.Winner, accountsTaken, g.accounts(g.Winner), "known_logins", len(s.Known), "window_seconds", int(s.window.Seconds()))
}

func (s *bruteForceIP) Learned() (l Learned) {
	l.addSet(tagSet(ofInsiders, s.Known))
	return l
}

func (s *bruteForceIP) Learn(l Learned, _ time.Time) (err error) {
	if s.Known, err = l.set(ofInsiders).tags(maxFamiliar); err != nil {
		return err
	}
	return l.known(ofInsiders)
}
