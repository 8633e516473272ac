package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// DistributedIDs finds many clients that count through the numbers of objects together.
func DistributedIDs() *Detector {
	d := &Detector{
		Name: "distributed-ids",
		Doc: `numeric ids of one route counted upwards by many clients in turn

Who counts from many addresses, or as another user each time, asks for a few ids with each
and leaves gaps for the others. Together they rise one by one in the order of time, which
visitors of their own do not.

Objects just made are numbered so as well, and each is looked at by who made it: an id
counts only if it is refused, or lies far below the highest that was served. What is asked
for in no order, or again and again, is popular. In a route with places for several ids any
of them may be counted through.

Where most are served, pages for everybody, whose path is none of an API, are of low
severity: crawlers read them. Devices that each send their telemetry in turn are of medium
severity.`,
		Type:      APIEnumerationDetected,
		Severity:  High,
		Technique: "T1087",
		OWASP:     "API1:2023",
		Of:        ObjectKind,
		Match:     numbersObjects,
		GroupBy:   byRoute,
		TTL:       new(history),
	}
	ids := d.count("ids", 20, "distinct `ids` within the window that make a climb")
	actors := d.count("actors", 5, "`actors` that take turns at it, at least")
	window := d.span("window", 300*time.Second, "`time` within which ids make a climb, and of quiet after which it is over")
	d.Quiet = window
	d.New = func() State { return &distributedIDs{least: *ids, actors: *actors, window: *window} }
	return d
}

const (
	// maxClimbs bounds the climbs of one route that are remembered. Most are visits to a
	// single object, which make room first.
	maxClimbs = 64
	// climbStep is the largest step upwards within a climb.
	climbStep = 3
	// climbShare is the percent of a climb that counts, and of its ids that are asked for in
	// their order, at least.
	climbShare = 80
	// climbBack is how far below the highest id of a climb others are still part of it, and
	// how far below the highest of the route an id was not just made.
	climbBack = 64
)

type distributedIDs struct {
	least, actors int
	window        time.Duration

	Place   string            `json:",omitempty"` // the route up to where the ids stand; "" if that is the last place
	Highest uint64            `json:",omitempty"` // id that was served
	Climbs  []*climb          `json:",omitempty"` // as they began; at most maxClimbs
	Outer   []*distributedIDs `json:",omitempty"` // the same for the other places, if the route has several for numbers

	// Every request is held against all climbs, so what that asks of them lies together.
	reach  []reach
	rows   rows      // of these, and of some that are no more
	opened int       // climbs since rows were those of reach alone
	single int       // no climb before this one is of a single object
	quiet  time.Time // no climb is over before
}

// A reach is the ids that are part of a climb: from the lowest one on.
type reach struct{ lowest, span uint64 }

// has tells whether the id is one of them, by one comparison: below the lowest one it is as if
// far above.
func (r reach) has(id uint64) bool { return id-r.lowest <= r.span }

// Rows tell of most ids that no reach has them: of every few in a row, whether one may have
// some.
type rows [32]uint64

const rowOf = 8 // ids

func (w *rows) add(r reach) {
	for row := r.lowest / rowOf; row <= (r.lowest+r.span)/rowOf; row++ {
		w[row/64%32] |= 1 << (row % 64)
	}
}

func (w *rows) mayHave(id uint64) bool {
	row := id / rowOf
	return w[row/64%32]>>(row%64)&1 == 1
}

// A climb is a series of ids, each a small step above the one before.
type climb struct {
	At     time.Time // of its last request
	Top    uint64    // its highest id
	Below  uint64    // of the climbBack ids up to that one, those asked for: bit 0 is Top itself
	Lowest uint64
	IDs    int64  // distinct ones
	Risen  int64  // of these, those that were the highest when they were asked for
	Again  int64  // requests for ids that were asked for before
	Others int64  // of IDs, those that were refused or not just made
	Turns  int64  // of Risen, those of another actor than the one before
	Last   uint64 // that actor, by tag
	Actors Distinct

	Granted, Refused int64 // of IDs

	Addresses []string `json:",omitempty"` // of what is more than a visit, clipped; at most maxLoginNames
	Recent    Window   `json:",omitempty"` // the last ids, until it is told
	Going     *ascent  `json:",omitempty"`
}

// An ascent is a climb that is told.
type ascent struct {
	Episode
	Places  Distinct
	Pages   bool // its route may be one of pages for everybody
	Crawler crawling
	Telling bool `json:",omitempty"` // since it began all were tellsOf
}

// Observe takes the numbers in all places of the route. Where one request is part of climbs in
// several of them, that of the last place is told.
func (s *distributedIDs) Observe(r *parsers.Request, emit func(Event)) {
	f := featuresOf(r)
	told := f.hasID && s.observe(r, f.id, false, emit)
	for i := range f.outer {
		told = s.outer(f.outer[i].place).observe(r, f.outer[i].number, told, emit) || told
	}
}

// outer returns what is remembered of a place before the last.
func (s *distributedIDs) outer(place string) *distributedIDs {
	i := slices.IndexFunc(s.Outer, func(o *distributedIDs) bool { return o.Place == place })
	if i < 0 {
		i = len(s.Outer)
		s.Outer = append(s.Outer, &distributedIDs{Place: strings.Clone(place)})
	}
	o := s.Outer[i]
	o.least, o.actors, o.window = s.least, s.actors, s.window // which are not saved
	return o
}

// observe takes a request for an id in the place, and tells whether it is part of a climb that is
// told. elsewhere says that it is one of another place's.
func (s *distributedIDs) observe(r *parsers.Request, id uint64, elsewhere bool, emit func(Event)) bool {
	s.endQuiet(r.Time, emit)
	served := granted(r.Status)
	told := r.Status == 401 || r.Status == 403 || r.Status == 404 || served && s.Highest >= climbBack && id <= s.Highest-climbBack
	i := s.find(id)
	if i < 0 {
		i = s.open(id, emit)
	}
	c := s.Climbs[i]
	s.take(c, r, id, told)
	s.reach[i] = c.reach()
	s.rows.add(s.reach[i])
	if served {
		s.Highest = max(s.Highest, id)
	}
	if c.Going == nil {
		if elsewhere || !s.exceeds(c) {
			return false
		}
		c.begin(r)
		if s.Place != "" {
			c.Going.ID = s.Place + " " + c.Going.ID
		}
	}
	c.judge(r)
	c.Going.tell(emit, func(e *Event) { s.describe(c, e) })
	return true
}

// reach returns the ids that are part of the climb: from climbBack below its highest one on,
// but none below its lowest, to a step above.
func (c *climb) reach() reach {
	lowest := c.Lowest
	if c.Top >= climbBack {
		lowest = max(lowest, c.Top-climbBack+1)
	}
	return reach{lowest, c.Top + min(climbStep, math.MaxUint64-c.Top) - lowest}
}

// find returns the last climb that the id is part of, or -1.
func (s *distributedIDs) find(id uint64) int {
	if !s.rows.mayHave(id) {
		return -1
	}
	i := len(s.reach) - 1
	for i >= 0 && !s.reach[i].has(id) {
		i--
	}
	return i
}

// open begins a climb with the id, in the place of the oldest one of a single object or,
// where there is none, of the oldest that is not told. It returns which it is.
func (s *distributedIDs) open(id uint64, emit func(Event)) int {
	if s.opened++; s.opened > maxClimbs {
		s.noteRows()
	}
	var c *climb
	if len(s.Climbs) < maxClimbs {
		c = &climb{}
	} else {
		out := s.replaced()
		c = s.Climbs[out]
		s.finish(c, emit)
		s.Climbs = slices.Delete(s.Climbs, out, out+1)
		s.reach = slices.Delete(s.reach, out, out+1)
	}
	*c = climb{Lowest: id, Actors: c.Actors[:0], Recent: c.Recent[:0]}
	s.Climbs = append(s.Climbs, c)
	s.reach = append(s.reach, reach{})
	return len(s.Climbs) - 1
}

// replaced returns which climb makes room for another one.
func (s *distributedIDs) replaced() int {
	for s.single < len(s.Climbs) && s.Climbs[s.single].IDs != 1 {
		s.single++
	}
	if s.single < len(s.Climbs) {
		return s.single
	}
	s.single-- // those behind the one that goes move up
	return max(slices.IndexFunc(s.Climbs, func(c *climb) bool { return c.Going == nil }), 0)
}

// take adds a request to the climb.
func (s *distributedIDs) take(c *climb, r *parsers.Request, id uint64, told bool) {
	c.At = r.Time
	actor := actorTag(r)
	switch {
	case c.IDs > 0 && id <= c.Top && c.Below>>(c.Top-id)&1 == 1:
		c.Again++
		return
	case c.IDs > 0 && id < c.Top:
		c.Below |= 1 << (c.Top - id)
	default:
		c.Below = c.Below<<(id-c.Top) | 1
		c.Top = id
		c.Risen++
		if actor != c.Last {
			c.Turns++
		}
		c.Last = actor
	}
	if c.IDs++; c.IDs > 2 {
		list(&c.Addresses, r.ClientIP)
	}
	if told {
		c.Others++
	}
	switch {
	case granted(r.Status):
		c.Granted++
	case r.Status == 401, r.Status == 403, r.Status == 404:
		c.Refused++
	}
	c.Actors.Add(actor)
	if c.Going == nil {
		c.Recent.Slide(mark(r, placeTag(r)), s.window, s.least)
		return
	}
	c.Going.extend(r)
}

// exceeds tells whether the climb is one of many clients who take turns at it.
func (s *distributedIDs) exceeds(c *climb) bool {
	if len(c.Recent) < s.least || len(c.Actors) < s.actors || 2*c.Turns < c.Risen {
		return false
	}
	all := c.IDs + c.Again
	return 100*c.Risen >= climbShare*all && 100*c.Others >= climbShare*all
}

// begin makes the climb one that is told, with the request that filled the window.
func (c *climb) begin(r *parsers.Request) {
	g := &ascent{Episode: begin(r, c.Recent)}
	g.ActorID, g.ActorType, g.UserIP = strings.Clone(r.Route), actorRoute, ""
	g.ID = fmt.Sprint(c.Lowest) // another climb of the route may begin at the same time
	g.Pages, g.Telling = !IsAPIPath(r), true
	for _, m := range c.Recent {
		g.Places.Add(m.Tag)
	}
	c.Going, c.Recent = g, nil
}

// judge takes the request that was added last.
func (c *climb) judge(r *parsers.Request) {
	g := c.Going
	g.Places.Add(placeTag(r))
	g.Crawler.meet(r)
	_, typ := r.Actor()
	g.Pages = g.Pages && typ == parsers.ActorIP
	g.Telling = g.Telling && tellsOf(r)
	severity, outcome := High, Attempted
	switch {
	case c.Granted > c.Refused && g.Pages:
		severity, outcome = Low, Succeeded
	case c.Granted > c.Refused && g.Telling:
		severity, outcome = Medium, Succeeded
	case featuresOf(r).graphQL, featuresOf(r).rpc: // its 200 may hold an error
	case c.Granted > c.Refused:
		severity, outcome = Critical, Succeeded
	case c.Granted == 0:
		outcome = Blocked
	}
	g.reach(g.Crawler.most(severity), outcome)
}

// endQuiet ends and forgets the climbs that have been quiet for the window.
func (s *distributedIDs) endQuiet(now time.Time, emit func(Event)) {
	if len(s.reach) == len(s.Climbs) && !now.After(s.quiet) {
		return
	}
	s.Climbs = slices.DeleteFunc(s.Climbs, func(c *climb) bool {
		if now.Sub(c.At) <= s.window {
			return false
		}
		s.finish(c, emit)
		return true
	})
	s.reach, s.single, s.quiet = s.reach[:0], 0, now.Add(s.window)
	for _, c := range s.Climbs {
		s.reach = append(s.reach, c.reach())
		if over := c.At.Add(s.window); over.Before(s.quiet) {
			s.quiet = over
		}
	}
	s.noteRows()
}

// noteRows makes rows those of reach alone.
func (s *distributedIDs) noteRows() {
	s.rows, s.opened = rows{}, 0
	for _, r := range s.reach {
		s.rows.add(r)
	}
}

func (s *distributedIDs) finish(c *climb, emit func(Event)) {
	if c.Going != nil {
		c.Going.end(emit, func(e *Event) { s.describe(c, e) })
	}
}

// Expire ends what goes on. The highest id stays known.
func (s *distributedIDs) Expire(emit func(Event)) {
	for _, c := range s.Climbs {
		s.finish(c, emit)
	}
	s.Climbs, s.reach, s.single = nil, nil, 0
	for _, o := range s.Outer {
		s.outer(o.Place).Expire(emit)
	}
}

func (s *distributedIDs) describe(c *climb, e *Event) {
	g := c.Going
	e.Summary = fmt.Sprintf("%s from %s asked for %d ids of %q, one after another from %d to %d, in %s (threshold: %d ids in turn by %d clients within %s)",
		c.Actors.of("client", "clients"), g.Places.of("address", "addresses"), c.IDs, clip(e.ActorID), c.Lowest, c.Top,
		inWords(e.Last.Sub(e.First)), s.least, s.actors, inWords(s.window))
	if s.Place != "" {
		e.Summary += fmt.Sprintf("; the ids are those of %q", clip(s.Place))
	}
	e.Confidence = 0.8
	switch {
	case c.Granted > c.Refused && g.Pages:
		e.Confidence = 0.3
		e.Summary += "; most were served, as pages are that crawlers read"
	case c.Granted > c.Refused && g.Telling:
		e.Confidence = 0.3
		e.Summary += "; they told of what has these ids, as devices tell of themselves"
	case c.Granted > c.Refused:
		e.Summary += fmt.Sprintf("; most were served, and they are not new ones: the highest known is %d", s.Highest)
	case c.IDs >= 2*int64(s.least):
		e.Confidence = 0.9
	}
	g.Crawler.qualify(e)
	pairs := []any{"route", clip(e.ActorID), "first_id", c.Lowest, "last_id", c.Top, "distinct_ids", c.IDs,
		"actors", len(c.Actors), "address_list", orNone(c.Addresses), "in_order", c.Risen, "again", c.Again,
		"granted", c.Granted, "highest_known", s.Highest, "window_seconds", int(s.window.Seconds())}
	if s.Place != "" {
		pairs = append(pairs, "place", clip(s.Place))
	}
	e.Metadata = g.Crawler.meta(pairs...)
}

const ofHighest = "highest id that was served"

// maxNumbered is more places for numbers than a route has.
const maxNumbered = 64

func (s *distributedIDs) Learned() (l Learned) {
	known := Set{Of: ofHighest}
	if s.Highest > 0 {
		known.Items = append(known.Items, strconv.FormatUint(s.Highest, 10))
	}
	for _, o := range s.Outer {
		if o.Highest > 0 {
			known.Items = append(known.Items, o.Place+" "+strconv.FormatUint(o.Highest, 10))
		}
	}
	l.addSet(known)
	return l
}

func (s *distributedIDs) Learn(l Learned, _ time.Time) error {
	items, err := l.set(ofHighest).items(maxNumbered)
	if err != nil {
		return err
	}
	for _, item := range items {
		i, of := strings.LastIndexByte(item, ' '), s
		if i > 0 {
			of = s.outer(item[:i])
		}
		if of.Highest, err = strconv.ParseUint(item[i+1:], 10, 64); err != nil {
			return fmt.Errorf("%q: %q is no id", ofHighest, clip(item))
		}
	}
	return l.known(ofHighest)
}
