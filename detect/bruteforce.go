package detect

import (
	"fmt"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// BruteForceIP finds addresses from which passwords are guessed.
func BruteForceIP() *Detector {
	d := &Detector{
		Name: "brute-force-ip",
		Doc: "many failed logins from one address\n\n" +
			"Whoever guesses passwords fails often. So does an office behind one address on a Monday " +
			"morning: where the log names accounts, several of them fail a time or two each, and most " +
			"logins work, the event is of medium severity and low confidence.",
		Type:      BruteForceDetected,
		Severity:  High,
		Technique: "T1110",
		OWASP:     "API2:2023",
		Match:     func(r *parsers.Request) bool { return r.Event == LoginFailed || r.Event == LoginSuccess },
		GroupBy:   ByClient,
	}
	limit := d.count("limit", 5, "failed `logins` within the window that are an attack")
	accounts := d.count("office-accounts", 5, "`accounts` that fail behind the address of an office, at least")
	slips := d.count("office-failures", 2, "failed `logins` of each of them, at most")
	window := d.span("window", 5*time.Minute, "`time` within which failed logins are counted")
	d.TTL = window
	d.New = func() State {
		return &bruteForceIP{limit: *limit, accounts: *accounts, slips: *slips, window: *window}
	}
	return d
}

type bruteForceIP struct {
	limit, accounts, slips int
	window                 time.Duration

	// While nothing goes on: the logins within the window. Failed is tagged by account.
	Failed Window    `json:",omitempty"`
	Worked Window    `json:",omitempty"`
	Going  *guessing `json:",omitempty"`
}

// A guessing is a brute force that goes on. It counts failed logins.
type guessing struct {
	Episode
	LastFailed time.Time
	Worked     int64          // logins that worked meanwhile
	Accounts   map[uint64]int // failed logins by tag of the account; at most MaxDistinct
	Worst      int            // the most of one account
	Account    string         // the last one that failed, clipped
	Winner     string         // the account of the first login that worked, clipped
}

func (s *bruteForceIP) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.LastFailed) > s.window {
		s.Expire(emit)
		s.Going = nil
	}
	switch {
	case s.Going == nil && r.Event == LoginSuccess:
		// One more than the failed ones is all that has to be known.
		s.Worked.Slide(mark(r, 0), s.window, s.limit+1)
		return
	case s.Going == nil:
		if s.Failed.Slide(mark(r, accountTag(r)), s.window, s.limit); len(s.Failed) < s.limit {
			return
		}
		s.begin(r)
	case r.Event == LoginSuccess:
		s.succeed(r)
	default:
		s.Going.extend(r)
		s.Going.fail(r.Time, accountTag(r))
	}
	if r.Event == LoginFailed {
		s.Going.Account = clip(r.User)
	}
	severity := High
	if s.office() {
		severity = Medium
	}
	s.Going.reach(severity, Attempted)
	s.Going.tell(emit, s.describe)
}

func (s *bruteForceIP) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *bruteForceIP) begin(r *parsers.Request) {
	s.Going = &guessing{Episode: beginByClient(r, s.Failed), Accounts: map[uint64]int{}}
	for _, m := range s.Failed {
		s.Going.fail(m.At, m.Tag)
	}
	for _, m := range s.Worked {
		if r.Time.Sub(m.At) <= s.window {
			s.Going.Worked++
		}
	}
	s.Failed, s.Worked = nil, nil
}

// succeed takes a login that worked. In an office that is what logins do.
func (s *bruteForceIP) succeed(r *parsers.Request) {
	g := s.Going
	g.Worked++
	if s.office() || g.Outcome == Succeeded {
		return
	}
	g.Winner = clip(r.User)
	g.Last = r.Time
	g.addEvidence(evidence(r))
	g.reach(High, Succeeded)
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

// office tells whether the failed logins look like slips of many people.
func (s *bruteForceIP) office() bool {
	g := s.Going
	return len(g.Accounts) >= s.accounts && len(g.Accounts) < MaxDistinct && g.Worst <= s.slips && g.Worked > g.Count
}

// accountTag tells accounts apart; 0 where the log names none.
func accountTag(r *parsers.Request) uint64 {
	if r.User == "" {
		return 0
	}
	return max(tag(r.User), 1)
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
		who(e.ActorID, e.ActorType), e.Count, on, inWords(g.LastFailed.Sub(e.First)), s.limit, inWords(s.window))
	switch {
	case e.Outcome == Succeeded && g.Winner != "":
		e.Summary += fmt.Sprintf("; then a login as %q worked", g.Winner)
	case e.Outcome == Succeeded:
		e.Summary += "; then a login worked"
	}
	switch {
	case e.Severity == Medium:
		e.Confidence = 0.3
		e.Summary += fmt.Sprintf("; %d logins from there worked, which looks like an office", g.Worked)
	case e.Count >= 4*int64(s.limit):
		e.Confidence = 0.95
	case e.Count >= 2*int64(s.limit):
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // a forgotten password looks the same
	}
	e.Metadata = Meta("failed_logins", e.Count, "accounts", len(g.Accounts), "logins_that_worked", g.Worked,
		"account_that_worked", g.Winner, "window_seconds", int(s.window.Seconds()))
}
