package detect

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// BruteForceAccount finds accounts whose password is guessed, from wherever.
func BruteForceAccount() *Detector {
	d := &Detector{
		Name: "brute-force-account",
		Doc: "many failed logins on one account\n\n" +
			"Who guesses from many addresses, or slowly, stays below what one address may do; the account " +
			"shows it. Owners mistype too: failed logins from where the account logged in before, with " +
			"the same user agent, are of medium severity and low confidence while they are few, and no " +
			"login from there counts as guessed. So are those of a monitor that logged in before, from the " +
			"same addresses, and keeps to its pace: its password is out of date. It works where the log names the account of a failed login.",
		Type:      BruteForceDetected,
		Severity:  High,
		Technique: "T1110.001",
		OWASP:     "API2:2023",
		Of:        LoginKind,
		Match:     isLogin,
		GroupBy:   byAccount,
		TTL:       new(history),
	}
	limit := d.count("limit", 10, "failed `logins` within the window that are an attack")
	window := d.span("window", time.Hour, "`time` within which failed logins are counted, and of quiet after which an event is over")
	slowLimit := d.count("slow-limit", 30, "failed `logins` within the slow window that are an attack")
	slowWindow := d.span("slow-window", 24*time.Hour, "`time` within which slow guesses are counted")
	then := d.span("success-window", 15*time.Minute, "`time` after a failed login in which one that works was guessed")
	d.Quiet = window
	settings := sync.OnceValue(func() *accountSettings {
		return &accountSettings{pace{*limit, *window}, pace{*slowLimit, *slowWindow}, *then}
	})
	d.New = func() State { return &bruteForceAccount{accountSettings: settings()} }
	return d
}

// A pace is so many failed logins within a time.
type pace struct {
	limit  int
	window time.Duration
}

// reached returns the requests at the end of the window that keep up the pace; none if
// they are too few.
func (p pace) reached(w Window) Window {
	n := len(w) - p.limit
	if n < 0 || w[len(w)-1].At.Sub(w[n].At) > p.window {
		return nil
	}
	return w[n:]
}

// accountSettings are what all states of the detector share.
type accountSettings struct {
	fast, slow pace
	then       time.Duration
}

type bruteForceAccount struct {
	Failed   Window    `json:",omitempty"` // while nothing goes on; tagged by place
	From     []sender  `json:",omitempty"` // of those, the most recent; at most maxLoginNames
	Homes    familiar  `json:",omitempty"` // place and user agent of logins that worked
	Stranger time.Time `json:",omitzero"`  // of the last failed login from none of them
	Person   time.Time `json:",omitzero"`  // of the last failed login by what does not say to be a monitor
	Going    *siege    `json:",omitempty"`
	*accountSettings
}

// A sender is a place from which a login failed.
type sender struct {
	Place   uint64
	Address string // the last one there, clipped
	Last    time.Time
}

// A siege is a brute force on one account that goes on. It counts failed logins.
type siege struct {
	Episode
	Slow        bool // begun at the slow pace
	LastFailed  time.Time
	Places      map[uint64]int // failed logins by place; at most MaxDistinct
	Addresses   []string       // at most maxLoginNames
	Winner      string         // address of the first login that was guessed, clipped
	WinnerFails bool           // whether logins failed from there before
	Owner       int64          // logins of the owner that worked meanwhile
}

func (s *bruteForceAccount) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.LastFailed) > s.fast.window {
		s.Expire(emit)
	}
	if r.Event == LoginSuccess {
		s.succeed(r)
	} else {
		s.fail(r)
	}
	if s.Going == nil {
		return
	}
	severity := High
	if s.slip() || s.monitors() {
		severity = Medium
	}
	s.Going.reach(severity, Attempted)
	s.Going.tell(emit, s.describe)
}

func (s *bruteForceAccount) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// homeTag tells apart where and with what somebody logs in.
func homeTag(r *parsers.Request) uint64 { return both(placeTag(r), tag(r.UserAgent)) }

func (s *bruteForceAccount) fail(r *parsers.Request) {
	if !s.Homes.has(homeTag(r)) {
		s.Stranger = r.Time
	}
	if !agentOf(r).monitor {
		s.Person = r.Time
	}
	place := placeTag(r)
	if g := s.Going; g != nil {
		g.extend(r)
		if g.Places[place] == 0 {
			list(&g.Addresses, r.ClientIP)
		}
		g.fail(r.Time, place)
		return
	}
	s.Failed.Slide(mark(r, place), max(s.fast.window, s.slow.window), max(s.fast.limit, s.slow.limit))
	s.remember(r, place)
	w := s.fast.reached(s.Failed)
	slow := w == nil
	if slow {
		w = s.slow.reached(s.Failed)
	}
	if w == nil {
		return
	}
	g := &siege{Episode: begin(r, w), Slow: slow, Places: map[uint64]int{}}
	// The account is what is attacked, whatever key the request bears.
	g.ActorID, g.ActorType = strings.Clone(r.User), string(parsers.ActorUser)
	for _, m := range w {
		g.fail(m.At, m.Tag)
	}
	for _, from := range s.From {
		if !from.Last.Before(g.First) {
			list(&g.Addresses, from.Address)
		}
	}
	s.Going, s.Failed, s.From = g, nil, nil
}

// remember notes where a failed login came from.
func (s *bruteForceAccount) remember(r *parsers.Request, place uint64) {
	s.From = slices.DeleteFunc(s.From, func(f sender) bool { return f.Place == place })
	if len(s.From) == maxLoginNames {
		s.From = slices.Delete(s.From, 0, 1)
	}
	s.From = append(s.From, sender{place, clip(r.ClientIP), r.Time})
}

// succeed takes a login that worked: the owner's, or one that was guessed.
func (s *bruteForceAccount) succeed(r *parsers.Request) {
	g, home := s.Going, homeTag(r)
	if g == nil {
		s.Homes.add(home)
		return
	}
	fails := g.Places[placeTag(r)]
	if r.Time.Sub(g.LastFailed) > s.then || s.Homes.has(home) && (fails < 2*s.limit() || s.monitors()) {
		g.Owner++
		s.Homes.add(home)
		return
	}
	if g.Outcome == Succeeded {
		return
	}
	g.Winner, g.WinnerFails = clip(r.ClientIP), fails > 0
	g.Last = r.Time
	g.addEvidence(evidence(r))
	g.reach(High, Succeeded)
}

// limit is how many failed logins the siege was begun with.
func (s *bruteForceAccount) limit() int { return s.pace().limit }

func (s *bruteForceAccount) pace() pace {
	if s.Going.Slow {
		return s.slow
	}
	return s.fast
}

// slip tells whether all comes from where the account logged in before, and is little.
func (s *bruteForceAccount) slip() bool {
	return s.Going.Count < 2*int64(s.limit()) && s.Stranger.Before(s.Going.First)
}

// monitors tells whether all looks like a monitor that logged in before and whose password is out
// of date: it tries at its pace.
func (s *bruteForceAccount) monitors() bool {
	g := s.Going
	return s.Stranger.Before(g.First) && s.Person.Before(g.First) && time.Duration(g.Count-1)*monitorPace <= g.LastFailed.Sub(g.First)
}

func (g *siege) fail(at time.Time, place uint64) {
	g.LastFailed = at
	if n, known := g.Places[place]; known || len(g.Places) < MaxDistinct {
		g.Places[place] = n + 1
	}
}

func (s *bruteForceAccount) describe(e *Event) {
	g, p := s.Going, s.pace()
	e.UserIP = ""
	from := plural(int64(len(g.Places)), "address", "addresses")
	switch {
	case len(g.Places) == MaxDistinct:
		from = fmt.Sprintf("%d addresses or more", MaxDistinct)
	case len(g.Addresses) == 1 && len(g.Places) == 1:
		e.UserIP = g.Addresses[0]
	}
	if g.Winner != "" {
		e.UserIP = g.Winner
	}
	e.Summary = fmt.Sprintf("logins as %s failed %d times from %s in %s (threshold: %d within %s)",
		who(e.ActorID, e.ActorType), e.Count, listed(g.Addresses, from), inWords(g.LastFailed.Sub(e.First)), p.limit, inWords(p.window))
	if e.Outcome == Succeeded {
		e.Summary += fmt.Sprintf("%sa login from %s worked", g.then(), g.Winner)
	}
	switch {
	case e.Severity == Medium && !s.slip():
		e.Confidence = 0.3
		e.Summary += "; all from where the account logged in before, with the user agent of a monitor and at the pace of one"
	case e.Severity == Medium:
		e.Confidence = 0.2
		e.Summary += "; all from where the account logged in before with the same user agent, which looks like a forgotten password"
	case e.Outcome == Succeeded && !g.WinnerFails:
		e.Confidence = 0.7 // the owner may be on the road
	case e.Count >= 2*int64(p.limit), len(g.Places) >= 3:
		e.Confidence = 0.9 // nobody mistypes that often, or in so many places
	default:
		e.Confidence = 0.6
		e.Summary += "; a forgotten password on a new device looks the same"
	}
	e.Metadata = Meta("account", clip(e.ActorID), "failed_logins", e.Count, "addresses", len(g.Places), "address_list", orNone(g.Addresses),
		"address_that_worked", g.Winner, "logins_of_owner", g.Owner, "window_seconds", int(p.window.Seconds()))
}

func (s *bruteForceAccount) Learned() (l Learned) {
	l.addSet(tagSet(ofHomes, s.Homes))
	return l
}

func (s *bruteForceAccount) Learn(l Learned, _ time.Time) (err error) {
	if s.Homes, err = l.set(ofHomes).tags(maxFamiliar); err != nil {
		return err
	}
	return l.known(ofHomes)
}
