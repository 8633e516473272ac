package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// DistributedBruteForce finds passwords guessed from many addresses at once.
func DistributedBruteForce() *Detector {
	d := &Detector{
		Name: "distributed-brute-force",
		Doc: `failed logins at one route from far more addresses than usual

A botnet guesses a little from each of its addresses. What gives it away is their number,
against what is usual for the route, and what they share: one user agent, or accounts that
never got in from there. The route learns for 24 hours; until then at least 80 percent of
its logins must fail.

Addresses that got in before do not count, and neither does one that gets in after it
failed: a busy Monday and an outage of the identity provider bring many failed logins of
people who are known.

Where all are the same monitor by their user agent, and try no more than one account, its
password is out of date: the event is of medium severity. Where hardly anybody got in yet,
an outage looks the same: if all that the addresses share is to be new, the event is of
medium severity and low confidence.`,
		Type:      BruteForceDetected,
		Severity:  High,
		Technique: "T1110",
		OWASP:     "API2:2023",
		Of:        LoginKind,
		Match:     isLogin,
		GroupBy:   byRoute,
		TTL:       new(history),
	}
	addresses := d.count("addresses", 20, "`addresses` with failed logins within the window that are an attack, at least")
	factor := d.count("factor", 5, "`times` the usual number of such addresses that are still normal")
	failing := d.count("failing", 80, "`percent` of the logins that fail, at least, while the route is not known for long")
	share := d.count("share", 50, "`percent` of the addresses that share a user agent, or accounts new to them, are more than a coincidence beyond this")
	learn := d.span("learn", 24*time.Hour, "`time` after which it is known what is usual for a route")
	window := d.span("window", 10*time.Minute, "`time` within which addresses are counted")
	then := d.span("success-window", 15*time.Minute, thenUsage+", and of quiet after which an event is over")
	d.Quiet = then
	d.New = func() State {
		return &distributed{least: *addresses, factor: int64(*factor), failing: int64(*failing), share: *share,
			learn: *learn, window: *window, then: *then}
	}
	return d
}

const (
	// maxMembers bounds the addresses that are told apart at one route within the
	// window.
	maxMembers = 5000
	// maxAgents bounds the user agents whose text is kept for them.
	maxAgents = 64
)

type distributed struct {
	least           int
	factor, failing int64
	share           int
	learn           time.Duration
	window, then    time.Duration

	Since    time.Time         // of the first login
	Usual    Baseline          // places with failed logins in a span of the window's length
	Span     time.Time         // beginning of the one that is counted
	Seen     Distinct          `json:",omitempty"` // places in it
	Tainted  bool              `json:",omitempty"` // it is no example of what is usual
	Waiting  *int64            `json:",omitempty"` // how many there were in the span before it
	Known    regulars          // places, and places with accounts, that got in
	Members  map[uint64]member `json:",omitempty"` // what failed and is not known, by place; at most maxMembers
	Joined   int64             `json:",omitempty"` // failed logins of members so far
	Agents   map[uint64]string `json:",omitempty"` // user agents of members, clipped; at most maxAgents
	Logins   []loginSecond     `json:",omitempty"` // of the window, in their order
	Judged   time.Time         `json:",omitzero"`  // when members were last looked at
	Campaign *surge            `json:",omitempty"`
}

// A member is a place from which logins fail.
type member struct {
	Mark           // the last failed login, tagged by user agent
	Turn    int64  `json:",omitempty"` // of that among all of members; 0 if an earlier version saved it
	Address string // clipped
	Network string // clipped
	Fails   int64  // failed logins without a pause of a window
	Since   moment // of the first of those
	Who     uint64 // tag of the account that was named last; 0 for none
	Account string // its name, clipped
	Several bool   // different accounts were named
}

// A loginSecond counts the logins of a second.
type loginSecond struct {
	Second         int64 // since 1970
	Failed, Worked int64
	Newcomers      int64 // places or accounts that got in for the first time
}

// A surge is a distributed brute force that goes on. It counts failed logins from
// places that are not known.
type surge struct {
	Episode
	LastFailed time.Time
	LastMany   time.Time // when there were last enough addresses
	Places     Distinct
	Networks   Distinct
	Accounts   Distinct
	Addresses  []string // clipped; at most MaxNames: each is to be blocked
	Nets       []string // clipped; at most maxLoginNames, as those that follow
	Names      []string
	Peak       int // most addresses within the window
	likeness
	P99        int64  // what was usual
	Samples    int64  // in so many spans
	Failing    int64  // percent of the logins that failed when it began
	Unsure     bool   `json:",omitempty"` // hardly anybody had got in when it began, and all they share is to be new
	Winner     string // account of the first login that was guessed, clipped
	WinnerFrom string // its address, clipped
}

// A likeness is what the members within the window share.
type likeness struct {
	Agent      uint64 // the most frequent user agent, by tag
	AgentText  string // clipped; "" if not kept
	Monitors   bool   `json:",omitempty"` // all say to be monitors
	AgentShare int    // percent of the members that bear it; 0 where the log has none
	NewShare   int    // percent of the members that named an account new to their place
}

func (s *distributed) Observe(r *parsers.Request, emit func(Event)) {
	if s.Since.IsZero() {
		s.Since, s.Span = r.Time, r.Time
	}
	if c := s.Campaign; c != nil && r.Time.Sub(c.LastMany) > max(s.window, s.then) {
		s.Expire(emit)
	}
	s.turn(r.Time)
	if r.Event == LoginSuccess {
		s.succeed(r)
	} else {
		s.fail(r, emit)
	}
	if s.Campaign != nil {
		s.Campaign.tell(emit, s.describe)
	}
}

func (s *distributed) Expire(emit func(Event)) {
	if s.Campaign != nil {
		s.end(emit)
		s.Members, s.Agents = nil, nil
	}
}

func (s *distributed) end(emit func(Event)) {
	if s.Campaign != nil {
		s.Campaign.end(emit, s.describe)
		s.Campaign = nil
	}
}

// turn ends the spans that are over and learns from them: quiet ones too, but none in
// which a campaign went on. The last one waits: what lies within the window now is no
// measure of itself.
func (s *distributed) turn(now time.Time) {
	spans := int64(now.Sub(s.Span) / s.window)
	if spans < 1 {
		return
	}
	s.learnWaiting()
	if !s.Tainted {
		s.Waiting = new(int64(len(s.Seen)))
	}
	if spans > 1 && !s.Tainted {
		s.learnWaiting()
		// No more than a month of the default window: a shorter one learns as much.
		for range min(spans-2, int64(history/(10*time.Minute))) {
			s.Usual.Add(0)
		}
		s.Waiting = new(int64)
	}
	s.Seen, s.Tainted = nil, s.Campaign != nil
	s.Span = s.Span.Add(time.Duration(spans) * s.window)
}

func (s *distributed) learnWaiting() {
	if s.Waiting != nil {
		s.Usual.Add(*s.Waiting)
		s.Waiting = nil
	}
}

// second returns the loginSecond of the request.
func (s *distributed) second(at time.Time) *loginSecond {
	now, oldest, n := at.Unix(), at.Add(-s.window).Unix(), 0
	for n < len(s.Logins) && s.Logins[n].Second < oldest {
		n++
	}
	s.Logins = slices.Delete(s.Logins, 0, n)
	if n := len(s.Logins); n == 0 || s.Logins[n-1].Second != now {
		s.Logins = append(s.Logins, loginSecond{Second: now})
	}
	return &s.Logins[len(s.Logins)-1]
}

// knows tells whether a place got in before, with the account where one is named.
func (s *distributed) knows(place, account uint64) bool {
	if account != 0 {
		return s.Known.has(both(place, account))
	}
	return s.Known.has(place)
}

func (s *distributed) fail(r *parsers.Request, emit func(Event)) {
	s.second(r.Time).Failed++
	place, account := placeTag(r), accountTag(r)
	if s.knows(place, account) {
		return
	}
	s.Seen.Add(place)
	s.join(r, place, account)
	c := s.Campaign
	goes := c != nil && r.Time.Sub(c.LastFailed) <= s.window // else it only waits for a login that works
	if goes {
		c.extend(r)
		c.LastFailed = r.Time
		c.enlist(place, s.Members[place])
		c.Monitors = c.Monitors && agentOf(r).monitor
		c.reach(c.most(), Attempted)
		if c.AgentText == "" {
			c.AgentText = s.Agents[c.Agent]
		}
	}
	if !s.many() {
		return
	}
	// Looking at thousands of members at each request would be slow.
	if len(s.Members) > 100 && r.Time.Sub(s.Judged) < time.Second {
		return
	}
	s.Judged = r.Time
	maps.DeleteFunc(s.Members, func(_ uint64, m member) bool { return r.Time.Sub(m.At) > s.window })
	if !s.many() {
		return
	}
	if goes {
		c.LastMany = r.Time
		c.Peak = max(c.Peak, len(s.Members))
		return
	}
	v, failing, guilty := s.judge(r.Time)
	if guilty {
		s.end(emit)
		s.begin(r, v, failing)
	}
}

// join makes the place of a failed login a member.
func (s *distributed) join(r *parsers.Request, place, account uint64) {
	m, known := s.Members[place]
	if !known && len(s.Members) == maxMembers {
		return
	}
	if !known || r.Time.Sub(m.At) > s.window {
		m = member{Address: clip(r.ClientIP), Network: clip(loginNetwork(r)), Since: momentOf(r.Time)}
	}
	s.Joined++
	m.Mark, m.Turn = mark(r, tag(r.UserAgent)), s.Joined
	m.Fails++
	if account != 0 && account != m.Who {
		m.Several = m.Several || m.Who != 0
		m.Who, m.Account = account, clip(r.User)
	}
	if s.Members == nil {
		s.Members = map[uint64]member{}
	}
	s.Members[place] = m
	if s.Agents[m.Tag] == "" && r.UserAgent != "" {
		if s.Agents == nil || len(s.Agents) == maxAgents {
			s.Agents = map[uint64]string{}
		}
		s.Agents[m.Tag] = clip(r.UserAgent)
	}
}

// many tells whether there are more members than usual.
func (s *distributed) many() bool {
	return len(s.Members) >= s.least && int64(len(s.Members)) > multiple(s.factor, s.Usual.P99())
}

// judge tells what the members share, how many percent of the logins fail, and whether
// that is a campaign.
func (s *distributed) judge(now time.Time) (v likeness, failing int64, guilty bool) {
	var sum loginSecond
	for _, t := range s.Logins {
		sum.Failed += t.Failed
		sum.Worked += t.Worked
		sum.Newcomers += t.Newcomers
	}
	failing = 100 * sum.Failed / max(sum.Failed+sum.Worked, 1)
	v = s.likeness()
	alike := v.AgentShare > s.share || v.NewShare > s.share
	guilty = alike && sum.Newcomers < int64(len(s.Members)) && (now.Sub(s.Since) >= s.learn || failing >= s.failing)
	return v, failing, guilty
}

func (s *distributed) likeness() likeness {
	var v likeness
	bearers := map[uint64]int{}
	named := 0
	for _, m := range s.Members {
		bearers[m.Tag]++
		if m.Who != 0 {
			named++
		}
	}
	most := 0
	for agent, n := range bearers {
		if n > most || n == most && agent < v.Agent {
			v.Agent, most = agent, n
		}
	}
	v.AgentText = s.Agents[v.Agent]
	v.Monitors = most == len(s.Members) && namesMonitor(v.AgentText)
	v.NewShare = 100 * named / len(s.Members)
	// A log without user agents shows none shared; a client without one among others
	// with is a machine.
	if v.Agent != tag("") || len(s.Agents) > 0 {
		v.AgentShare = 100 * most / len(s.Members)
	}
	return v
}

func (s *distributed) begin(r *parsers.Request, v likeness, failing int64) {
	places := slices.SortedFunc(maps.Keys(s.Members), func(a, b uint64) int {
		x, y := s.Members[a], s.Members[b]
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Turn, y.Turn), cmp.Compare(x.Line, y.Line), cmp.Compare(a, b))
	})
	var w Window
	for _, place := range places {
		w = append(w, s.Members[place].Mark)
	}
	c := &surge{Episode: begin(r, w), LastFailed: r.Time, LastMany: r.Time, likeness: v, Peak: len(places),
		P99: s.Usual.P99(), Samples: s.Usual.N, Failing: failing}
	c.ActorID, c.ActorType = strings.Clone(r.Route), actorRoute
	c.Count = 0
	for _, place := range places {
		m := s.Members[place]
		c.enlist(place, m)
		c.Count += m.Fails
		if m.Since != 0 && m.Since < momentOf(c.First) { // earlier versions saved none
			c.First = m.Since.time()
		}
	}
	c.Unsure = v.AgentShare <= s.share && !s.Known.more(s.least) // where hardly anybody got in yet, to be new says little
	c.reach(c.most(), Attempted)
	s.Campaign, s.Tainted, s.Waiting = c, true, nil
}

// ofMonitors tells whether the campaign is made of monitors alone that fail everywhere with one account:
// a password of theirs is out of date.
func (c *surge) ofMonitors() bool { return c.Monitors && len(c.Accounts) <= 1 }

// most is how severe the campaign is.
func (c *surge) most() Severity {
	if c.ofMonitors() || c.Unsure {
		return Medium
	}
	return High
}

// enlist lists a member of the campaign. One too many is none.
func (c *surge) enlist(place uint64, m member) {
	c.Places.Add(place)
	if m.Address != "" && len(c.Addresses) < MaxNames && !slices.Contains(c.Addresses, m.Address) {
		c.Addresses = append(c.Addresses, m.Address)
	}
	if m.Network != "" {
		c.Networks.Add(tag(m.Network))
		list(&c.Nets, m.Network)
	}
	if m.Who != 0 {
		c.Accounts.Add(m.Who)
		list(&c.Names, m.Account)
	}
}

// succeed takes a login that worked. What gets in is known from then on, and has only
// mistyped before, unless it is a member of a campaign or gets what that was after.
func (s *distributed) succeed(r *parsers.Request) {
	place, account := placeTag(r), accountTag(r)
	t := s.second(r.Time)
	t.Worked++
	if s.knows(place, account) {
		return
	}
	if s.guessed(r, place, account) {
		c := s.Campaign
		c.take(r)
		if c.Outcome != Succeeded {
			c.Winner, c.WinnerFrom = clip(r.User), clip(r.ClientIP)
			c.Last = r.Time
			c.addEvidence(evidence(r))
			c.Unsure = false // an outage lets nobody in
			c.reach(c.most(), Succeeded)
		}
		return
	}
	t.Newcomers++
	delete(s.Members, place)
	s.Known.add(place)
	if account != 0 {
		s.Known.add(both(place, account))
	}
}

// guessed tells whether a login of somebody who is not known was guessed: by a member
// that tried several accounts, or with the campaign's user agent either by any member or
// on an account that was tried.
func (s *distributed) guessed(r *parsers.Request, place, account uint64) bool {
	c := s.Campaign
	if c == nil || r.Time.Sub(c.LastFailed) > s.then {
		return false
	}
	m := s.Members[place]
	if m.Several || m.Who != 0 && m.Who != account {
		return true
	}
	return c.AgentShare > s.share && tag(r.UserAgent) == c.Agent && (c.Places.has(place) || c.Accounts.has(account))
}

func (s *distributed) describe(e *Event) {
	c := s.Campaign
	e.UserIP = c.WinnerFrom
	from := c.Places.of("address", "addresses")
	if len(c.Networks) > 0 {
		from += " of " + c.Networks.of("network", "networks")
	}
	e.Summary = fmt.Sprintf("%s failed to log in %d times at %q in %s, up to %d of them within %s (threshold: %d and more than %d times the usual",
		from, e.Count, clip(e.ActorID), inWords(c.LastFailed.Sub(e.First)), c.Peak, inWords(s.window), s.least, s.factor)
	baseline := "own"
	if c.Samples > 0 {
		e.Summary += fmt.Sprintf(" %d, the 99th percentile of %s before", c.P99, plural(c.Samples, "such span", "such spans"))
	} else {
		baseline = "default"
		e.Summary += "; nothing is known of before"
	}
	e.Summary += ")"
	if c.ofMonitors() {
		e.Summary += "; all say to be monitors, and try no more than one account"
	}
	oneAgent, allNew := c.AgentShare > s.share, c.NewShare > s.share
	if oneAgent {
		e.Summary += fmt.Sprintf("; %d%% of them with one user agent", c.AgentShare)
	}
	if allNew {
		e.Summary += fmt.Sprintf("; %d%% as accounts that never got in from there", c.NewShare)
	}
	switch {
	case e.Outcome == Succeeded && c.Winner != "":
		e.Summary += fmt.Sprintf("%sa login as %q from %s worked", c.then(), c.Winner, c.WinnerFrom) + c.later()
	case e.Outcome == Succeeded:
		e.Summary += fmt.Sprintf("%sa login from %s worked", c.then(), c.WinnerFrom)
	}
	if c.Unsure {
		e.Summary += "; hardly anybody got in before, so an outage of the login looks the same"
	}
	switch {
	case c.most() == Medium:
		e.Confidence = 0.3
	case e.First.Sub(s.Since) < s.learn:
		e.Confidence = 0.6 // what is usual is hardly known
	case oneAgent && allNew:
		e.Confidence = 0.9
	default:
		e.Confidence = 0.75
	}
	e.Metadata = Meta("route", clip(e.ActorID), "failed_logins", e.Count, "addresses", len(c.Places), "address_list", orNone(c.Addresses),
		"networks", len(c.Networks), "network_list", orNone(c.Nets), "accounts", len(c.Accounts), "account_list", orNone(c.Names),
		"peak_addresses", c.Peak, "baseline", baseline, "baseline_addresses", c.P99, "baseline_samples", c.Samples, "failing_percent", c.Failing,
		"user_agent", c.AgentText, "user_agent_percent", c.AgentShare, "new_account_percent", c.NewShare,
		"account_that_worked", c.Winner, accountsTaken, c.accounts(c.Winner), "address_that_worked", c.WinnerFrom, "window_seconds", int(s.window.Seconds()))
}

// A regulars is a set of tags that may hold one in two hundred too many. It is exact
// while it is small; then it takes filterBytes, and as much again for what it held before
// it was last full.
type regulars struct {
	Few         Distinct `json:",omitempty"`
	Now, Before []byte   `json:",omitempty"` // Bloom filters
	N           int      `json:",omitempty"` // tags in Now
}

const (
	filterBytes = 1 << 16
	// filterTags is how many tags a filter holds: with 13 bits and 4 probes for each, it
	// errs once in 200 times.
	filterTags   = 40_000
	filterProbes = 4
)

// more tells whether there are at least n.
func (s *regulars) more(n int) bool { return s.Now != nil || len(s.Few) >= n }

func (s *regulars) has(tag uint64) bool {
	return s.Few.has(tag) || inFilter(s.Now, tag) || inFilter(s.Before, tag)
}

func (s *regulars) add(tag uint64) {
	if s.has(tag) {
		return
	}
	if s.Now == nil && len(s.Few) < MaxDistinct {
		s.Few.Add(tag)
		return
	}
	if s.Now == nil || s.N == filterTags {
		s.Before, s.Now, s.N = s.Now, make([]byte, filterBytes), 0
	}
	for _, t := range s.Few {
		s.put(t)
	}
	s.Few = nil
	s.put(tag)
}

func (s *regulars) put(tag uint64) {
	s.N++
	for i := range uint64(filterProbes) {
		bit := bloomBit(tag, i)
		s.Now[bit/8] |= 1 << (bit % 8)
	}
}

func inFilter(filter []byte, tag uint64) bool {
	if len(filter) != filterBytes {
		return false
	}
	for i := range uint64(filterProbes) {
		if bit := bloomBit(tag, i); filter[bit/8]>>(bit%8)&1 == 0 {
			return false
		}
	}
	return true
}

// bloomBit returns a bit that stands for the tag: two halves of a hash make as many as
// wanted (Kirsch, Mitzenmacher: 2006).
func bloomBit(tag, i uint64) uint64 {
	return (tag + i*(tag>>32|1)*0x9e3779b97f4a7c15) >> 7 % (filterBytes * 8)
}

const (
	ofPlaces   = "places with failed logins in a window"
	ofRegulars = "places that logged in, and with which accounts"
)

// Where there are more places than are kept one by one, they are no part of what is told:
// a filter has no items.
func (s *distributed) Learned() (l Learned) {
	l.addNumber(Number{Of: ofPlaces, Since: s.Since, Baseline: s.Usual})
	l.addSet(tagSet(ofRegulars, s.Known.Few))
	return l
}

func (s *distributed) Learn(l Learned, at time.Time) error {
	n := l.number(ofPlaces)
	s.Usual, s.Since, s.Span = n.Baseline, n.Since, at
	tags, err := l.set(ofRegulars).tags(MaxDistinct)
	if err != nil {
		return err
	}
	for _, t := range tags {
		s.Known.add(t)
	}
	return l.known(ofPlaces, ofRegulars)
}
