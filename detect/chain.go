package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A chain is what a rule remembers that wants something to follow. It holds all groups,
// since what follows may share an actor or an address with a match of any of them.
type chain struct {
	rule *Rule

	Groups map[string]*alerting // at most maxGroups
	Active []string             // groups that something may follow or be said of, sorted
	Swept  time.Time            `json:",omitzero"`  // when groups that are over were last forgotten
	Tied   []follower           `json:",omitempty"` // what could follow, of the last instant; at most maxTied
}

const (
	// maxGroups bounds the groups of a rule that wants something to follow. Those quiet
	// for longest are forgotten first, a quarter of them at once.
	maxGroups = 1 << 14
	// maxTied bounds what is remembered of one instant.
	maxTied = 100
)

// A follower is what may follow, as little of it as an alert needs.
type follower struct {
	match
	Words string // it, by whom and from where
}

func (s *chain) Observe(c *clue, emit func(judgement)) {
	s.sweep(c.at)
	s.settle(c.at, emit)
	if s.rule.then.matches(c, s.rule.any) {
		s.follow(c, emit)
	}
	if s.rule.part(c) < 0 {
		return
	}
	key := string(s.rule.key(c, nil))
	if key == "" {
		return
	}
	g := s.group(key, c.at)
	a := g.take(c)
	if a == nil {
		return
	}
	if i, found := slices.BinarySearch(s.Active, key); !found {
		s.Active = slices.Insert(s.Active, i, key)
	}
	if !c.single() {
		s.tie(a, c, emit)
	}
	if a.Then != "" {
		a.tell(s.rule, !c.single(), emit)
	}
}

func (s *chain) Expire(emit func(judgement)) {
	for _, key := range s.Active {
		if g := s.Groups[key]; g != nil {
			g.rule = s.rule
			g.Expire(emit)
		}
	}
}

// group returns what is remembered of a group, if it is not over, else a new one.
func (s *chain) group(key string, now time.Time) *alerting {
	g := s.Groups[key]
	if g == nil && len(s.Groups) >= maxGroups {
		s.makeRoom()
	}
	if g == nil || now.Sub(g.Last) > s.rule.memory() {
		g = &alerting{}
		s.Groups[key] = g
	}
	g.rule, g.Last = s.rule, now
	return g
}

// settle says what has not been said of alerts that are over, and drops the groups that
// nothing can follow any more.
func (s *chain) settle(now time.Time, emit func(judgement)) {
	s.Active = slices.DeleteFunc(s.Active, func(key string) bool {
		g := s.Groups[key]
		if g == nil {
			return true
		}
		g.rule = s.rule
		g.settle(now, emit)
		return !slices.ContainsFunc(g.Open, func(a *openAlert) bool {
			return now.Sub(a.Met) <= s.rule.FollowedBy.Window || a.untold()
		})
	})
}

// follow lets the clue complete the alerts that it follows.
func (s *chain) follow(c *clue, emit func(judgement)) {
	f := followerOf(c)
	for _, key := range s.Active { // none is gone: settle has seen to that
		for _, a := range s.Groups[key].Open {
			if f.At.Sub(a.Met) <= s.rule.FollowedBy.Window && s.shares(a, f) {
				a.complete(f, c, s.rule)
				a.tell(s.rule, !c.single(), emit)
			}
		}
	}
	if len(s.Tied) > 0 && !s.Tied[0].At.Equal(c.at) {
		s.Tied = nil
	}
	if len(s.Tied) < maxTied {
		s.Tied = append(s.Tied, f)
	}
}

// tie lets what came at the same instant follow what a detector told. The request by
// which that was told may stand before it in the log, whose seconds are whole.
func (s *chain) tie(a *openAlert, c *clue, emit func(judgement)) {
	var last Evidence
	if lines := c.evidence(); len(lines) > 0 {
		last = lines[len(lines)-1]
	}
	for _, f := range s.Tied {
		if !f.At.Equal(c.at) || f.Evidence.Source == last.Source && f.Evidence.Line <= last.Line || !s.shares(a, f) {
			continue
		}
		a.complete(f, c, s.rule)
	}
}

// shares tells whether the follower shares with a match of the alert what the rule
// wants.
func (s *chain) shares(a *openAlert, f follower) bool {
	same := s.rule.FollowedBy.Same
	return same != SameAddress && f.Who != 0 && a.Whos.has(f.Who) || same != SameActor && f.From != 0 && a.Froms.has(f.From)
}

func followerOf(c *clue) follower {
	id, typ := c.actor()
	words := fmt.Sprintf("%s by %s", cmp.Or(c.name(), "a request"), who(cmp.Or(id, c.ip()), typ))
	if c.ip() != "" && id != c.ip() {
		words += " from " + who(c.ip(), "")
	}
	return follower{matchOf(c), words}
}

// complete takes what followed.
func (a *openAlert) complete(f follower, c *clue, r *Rule) {
	met := a.Met
	first := f.At
	if f.Event != nil {
		a.addEvent(f.Event)
	} else {
		named := a.Own != nil
		a.addRequest(f.match, c, r)
		if named {
			if a.Names[f.Name]--; a.Names[f.Name] == 0 { // it is told by itself
				delete(a.Names, f.Name)
			}
		}
	}
	a.stretch(first, f.At)
	a.cover(f.match, r)
	a.Outcome = a.Outcome.further(f.Outcome)
	a.count()
	a.Severity, a.Met = Critical, met
	if a.Then == "" {
		a.Then = strings.Clone(f.Words)
	}
}

// sweep forgets groups that are over, now and then. That is not seen: a match meets no
// group that is over.
func (s *chain) sweep(now time.Time) {
	if now.Sub(s.Swept) <= s.rule.memory() {
		return
	}
	s.Swept = now
	for key, g := range s.Groups {
		if now.Sub(g.Last) > s.rule.memory() {
			delete(s.Groups, key)
		}
	}
}

// makeRoom forgets the quarter of the groups that has been quiet for longest.
func (s *chain) makeRoom() {
	keys := slices.Collect(maps.Keys(s.Groups))
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(s.Groups[a].Last.Compare(s.Groups[b].Last), strings.Compare(a, b))
	})
	for _, key := range keys[:len(keys)/4] {
		delete(s.Groups, key)
	}
}
