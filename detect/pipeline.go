package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A Pipeline leads requests through detectors, rules and correlation. It is used by
// one goroutine.
type Pipeline struct {
	// Origins says where an address is, for rules that ask that of events; nil if it is not
	// known. It is set before the pipeline advances, and answers the same every time.
	Origins func(ip string) *parsers.Origin

	routes   *parsers.RouteLearner
	requests *keyed.Engine[*parsers.Request, Event]
	events   *keyed.Engine[*clue, judgement]
	alerts   *keyed.Engine[timed[Alert], Incident]
	rules    []*Rule
	asked    map[string]bool // whether rules look at single requests of an event
	asksNone bool            // they look at those of no event, which most are
	waiting  []*parsers.Request
	sink     Sink
	changes  []Change // still to be made, in order
	err      error    // of a change

	features []features // room for those of the requests at hand
	taken    atomic.Int32
}

// A Sink takes what a Pipeline finds, in order of time, then id. What comes again
// under the same id replaces what came before.
type Sink struct {
	Event    func(Event)
	Alert    func(Alert)
	Incident func(Incident)
}

// timed is an output of one stage on its way into the next, which orders it by the
// time at which it was made known.
type timed[T any] struct {
	at  time.Time
	val T
}

// NewPipeline returns a pipeline of the detectors and rules, with the given number
// of goroutines working on the detectors side by side. Rules that cannot fire are left out.
// The learner, which becomes the pipeline's own, sets the route of each request first.
func NewPipeline(routes *parsers.RouteLearner, detectors []*Detector, rules []*Rule, workers int, sink Sink) *Pipeline {
	var machines []*keyed.Machine[*parsers.Request, Event]
	for _, d := range detectors {
		machines = append(machines, d.machine())
	}
	rules = slices.DeleteFunc(slices.Clone(rules), func(r *Rule) bool { return r.Silent() != nil })
	var ruleMachines []*keyed.Machine[*clue, judgement]
	groups := map[string]*keyed.Group[*clue]{}
	for _, r := range rules {
		m := r.machine()
		if groups[r.grouping()] == nil {
			groups[r.grouping()] = m.Group
		}
		m.Group = groups[r.grouping()]
		ruleMachines = append(ruleMachines, m)
	}
	p := &Pipeline{
		routes: routes,
		rules:  rules,
		asked:  map[string]bool{},
		sink:   sink,
	}
	p.asksNone = p.looksAt("")
	p.requests = keyed.New(keyed.Order[*parsers.Request, Event]{
		Time:    func(r *parsers.Request) time.Time { return r.Time },
		ID:      func(e Event) string { return e.ID },
		Prepare: p.prepare,
		Kinds:   func(r *parsers.Request) uint64 { return uint64(kindsOf(r)) },
	}, workers, machines...)
	p.events = keyed.New(keyed.Order[*clue, judgement]{
		Time: func(c *clue) time.Time { return c.at },
		ID:   func(f judgement) string { return f.Alert.ID },
	}, 1, ruleMachines...)
	p.alerts = keyed.New(keyed.Order[timed[Alert], Incident]{
		Time: func(a timed[Alert]) time.Time { return a.at },
		ID:   func(i Incident) string { return i.ID },
	}, 1, correlation())
	return p
}

// machine puts the detector in the engine's terms.
func (d *Detector) machine() *keyed.Machine[*parsers.Request, Event] {
	quiet := maxSpan
	if d.Quiet != nil {
		quiet = min(*d.Quiet, maxSpan)
	}
	return &keyed.Machine[*parsers.Request, Event]{
		Name:    d.Name,
		Match:   d.Match,
		Kinds:   uint64(d.kinds()),
		Group:   d.GroupBy,
		TTL:     *d.TTL,
		Quiet:   quiet,
		MaxKeys: d.maxKeys(),
		New:     func() keyed.State[*parsers.Request, Event] { return d.New() },
		Seal: func(key string, e *Event) {
			if e.ID != "" { // one of several that the key makes at a time
				key += "\x00" + e.ID
			}
			e.ID = contentID("evt", d.Name, key, e.First)
			e.Detector = d.Name
			if e.Name == "" {
				e.Name = d.Type
			}
			if e.Severity == Info {
				e.Severity = d.Severity
			}
			e.Technique, e.OWASP = d.Technique, d.OWASP
		},
	}
}

// keysPerHistory is how many keys of others take the memory of one of a detector that knows
// what is usual for its keys. Their states live for a month and take about a KiB each: an
// attacker who comes from a million addresses must not fill the memory with them.
const keysPerHistory = 4

// maxKeys bounds the keys that the detector remembers; 0 is the engine's own bound.
func (d *Detector) maxKeys() int {
	if *d.TTL >= history {
		return max(cmp.Or(d.MaxKeys, 1<<18)/keysPerHistory, 1)
	}
	return d.MaxKeys
}

// Advance leads requests, in their order and all before the watermark, through the
// pipeline. Nothing before the watermark may follow.
func (p *Pipeline) Advance(requests []*parsers.Request, watermark time.Time) {
	for len(p.changes) > 0 {
		c := p.changes[0]
		before := 0
		for before < len(requests) && requests[before].Time.Before(c.At) {
			before++
		}
		if before == len(requests) && !c.At.Before(watermark) {
			break
		}
		p.changes = p.changes[1:]
		p.advance(requests[:before], c.At)
		p.change(c)
		requests = requests[before:]
	}
	p.advance(requests, watermark)
}

// room returns room for the features of one of the requests at hand.
func (p *Pipeline) room() *features { return &p.features[p.taken.Add(1)-1] }

// prepare gives some of the requests at hand their features and tags. It takes each step for all of
// them before the next, so that they wait for memory together.
func (p *Pipeline) prepare(requests []*parsers.Request) {
	var noted [64]*features
	for some := range slices.Chunk(requests, len(noted)) {
		for i, r := range some {
			noted[i] = notedFeatures(r)
			r.PlaceTag, r.PlaceLen = r.ClientNotes.Place()
		}
		for i, r := range some {
			if f := noted[i]; f != nil && f.route != r.Route {
				noted[i] = nil
			}
		}
		for i, r := range some {
			if noted[i] == nil {
				noted[i] = pathFeatures(r)
			}
			r.Features = newFeatures(r, noted[i], p.room)
			setPlace(r)
			r.ActorTag = newActorTag(r)
		}
	}
}

func (p *Pipeline) advance(requests []*parsers.Request, watermark time.Time) {
	if len(p.features) < len(requests) {
		p.features = make([]features, len(requests))
	}
	p.taken.Store(0)
	for _, r := range requests {
		p.routes.Observe(r)
	}
	var events []timed[Event]
	p.requests.Advance(requests, watermark, func(at time.Time, e Event) { events = append(events, timed[Event]{at, e}) })
	var alerts []timed[Alert]
	judged := events
	p.events.Advance(p.clues(p.due(requests, watermark), events), watermark, func(at time.Time, f judgement) {
		judged = takeJudgement(judged, at, f)
		alerts = append(alerts, timed[Alert]{at, f.Alert})
	})
	alerts = p.tell(judged, alerts)
	p.alerts.Advance(alerts, watermark, func(_ time.Time, i Incident) { p.sink.Incident(i) })
}

// Flush gives the final form of all that is still going on, as if the log ended
// here. The pipeline is spent afterwards: save it first if the log may go on.
func (p *Pipeline) Flush() {
	var events []timed[Event]
	p.requests.Flush(func(at time.Time, e Event) { events = append(events, timed[Event]{at, e}) })
	clues := p.clues(p.waiting, events)
	p.waiting = nil
	judged := events
	var alerts []timed[Alert]
	take := func(at time.Time, f judgement) {
		judged = takeJudgement(judged, at, f)
		alerts = append(alerts, timed[Alert]{at, f.Alert})
	}
	if n := len(clues); n > 0 {
		p.events.Advance(clues, clues[n-1].at.Add(1), take)
	}
	p.events.Flush(take)
	alerts = p.tell(judged, alerts)
	takeIncident := func(_ time.Time, i Incident) { p.sink.Incident(i) }
	p.alerts.Advance(alerts, endOf(alerts), takeIncident)
	p.alerts.Flush(takeIncident)
}

// takeJudgement adds the event of a judgement, if it has one.
func takeJudgement(events []timed[Event], at time.Time, f judgement) []timed[Event] {
	if f.Event == nil {
		return events
	}
	return append(events, timed[Event]{at, *f.Event})
}

// tell passes on events, those of detectors and those of rules in one order, and
// alerts, of which it returns those that are not suppressed.
func (p *Pipeline) tell(events []timed[Event], alerts []timed[Alert]) []timed[Alert] {
	slices.SortStableFunc(events, func(a, b timed[Event]) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.val.ID, b.val.ID))
	})
	for _, e := range events {
		p.sink.Event(e.val)
	}
	for _, a := range alerts {
		p.sink.Alert(a.val)
	}
	return slices.DeleteFunc(alerts, func(a timed[Alert]) bool { return a.val.SuppressedBy != "" })
}

// due returns the requests before the watermark that rules look at. The others of these
// wait: events of detectors may still come before them.
func (p *Pipeline) due(requests []*parsers.Request, watermark time.Time) []*parsers.Request {
	late := len(requests)
	for late > 0 && !requests[late-1].Time.Before(watermark) {
		late--
	}
	n := 0
	for n < len(p.waiting) && p.waiting[n].Time.Before(watermark) {
		n++
	}
	due := slices.Clone(p.waiting[:n])
	p.waiting = slices.Delete(p.waiting, 0, n)
	for _, r := range requests[:late] {
		if p.asks(r.Event) {
			due = append(due, r)
		}
	}
	for _, r := range requests[late:] {
		if p.asks(r.Event) {
			p.waiting = append(p.waiting, r.Kept())
		}
	}
	return due
}

// asks tells whether a rule looks at single requests of that event.
func (p *Pipeline) asks(event string) bool {
	if event == "" {
		return p.asksNone
	}
	asks, known := p.asked[event]
	if !known {
		asks = p.looksAt(event)
		p.asked[strings.Clone(event)] = asks
	}
	return asks
}

func (p *Pipeline) looksAt(event string) bool {
	return slices.ContainsFunc(p.rules, func(r *Rule) bool { return r.looksAt(event) })
}

// clues puts requests and events in one order: by time; of one time, the requests in
// theirs, then the events.
func (p *Pipeline) clues(requests []*parsers.Request, events []timed[Event]) []*clue {
	clues := make([]*clue, 0, len(requests)+len(events))
	for len(requests)+len(events) > 0 {
		if len(events) == 0 || len(requests) > 0 && !requests[0].Time.After(events[0].at) {
			clues = append(clues, &clue{at: requests[0].Time, request: requests[0]})
			requests = requests[1:]
			continue
		}
		clues = append(clues, &clue{at: events[0].at, event: &events[0].val, origins: p.Origins})
		events = events[1:]
	}
	return clues
}

// endOf returns a watermark just past the last of the items.
func endOf[T any](items []timed[T]) time.Time {
	if len(items) == 0 {
		return time.Time{}
	}
	return items[len(items)-1].at.Add(1)
}

// The stages of a pipeline, as they are named in what Save yields.
const (
	stageRoutes    = "routes"
	stageEvents    = "events"
	stageWaiting   = "waiting"
	stageAlerts    = "alerts"
	stageIncidents = "incidents"
)

// Save yields the memory of all stages, in an order that Load relies on.
func (p *Pipeline) Save(yield func(stage string, s keyed.Saved) error) error {
	for _, stage := range p.stages() {
		if err := stage.save(func(s keyed.Saved) error { return yield(stage.name, s) }); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
	}
	return nil
}

// Load gives back one piece of memory that Save yielded, in the same order, to a
// pipeline that has not advanced. The memory of a detector or rule that is no more
// is dropped.
func (p *Pipeline) Load(stage string, s keyed.Saved) error {
	for _, st := range p.stages() {
		if st.name == stage {
			_, err := st.load(s)
			return err
		}
	}
	return fmt.Errorf("no stage %q", stage)
}

type stage struct {
	name string
	save func(func(keyed.Saved) error) error
	load func(keyed.Saved) (bool, error)
}

func (p *Pipeline) stages() []stage {
	return []stage{
		{stageRoutes, p.saveRoutes, p.loadRoutes},
		{stageEvents, p.requests.Save, p.requests.Load},
		{stageWaiting, p.saveWaiting, p.loadWaiting},
		{stageAlerts, p.events.Save, p.events.Load},
		{stageIncidents, p.alerts.Save, p.alerts.Load},
	}
}

func (p *Pipeline) saveRoutes(yield func(keyed.Saved) error) error {
	state, err := json.Marshal(p.routes)
	if err != nil {
		return err
	}
	return yield(keyed.Saved{State: state})
}

func (p *Pipeline) loadRoutes(s keyed.Saved) (bool, error) {
	return true, json.Unmarshal(s.State, p.routes)
}

// saveWaiting yields each request that waits. What is kept of one is what rules may ask.
func (p *Pipeline) saveWaiting(yield func(keyed.Saved) error) error {
	for _, r := range p.waiting {
		state, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := yield(keyed.Saved{Last: r.Time, State: state}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipeline) loadWaiting(s keyed.Saved) (bool, error) {
	r := &parsers.Request{}
	p.waiting = append(p.waiting, r)
	return true, json.Unmarshal(s.State, r)
}

// Stats returns the counts of all stages together.
func (p *Pipeline) Stats() keyed.Stats {
	a, b, c := p.requests.Stats(), p.events.Stats(), p.alerts.Stats()
	return keyed.Stats{
		Keys:    a.Keys + b.Keys + c.Keys,
		Evicted: a.Evicted + b.Evicted + c.Evicted,
	}
}

// contentID names a thing by what it is: the maker, the key and the first time. It
// never depends on where the log lies or when it is read.
func contentID(prefix, maker, key string, first time.Time) string {
	h := sha256.New()
	// Lengths are not needed: a name holds no NUL, and the time comes last.
	h.Write([]byte(strings.Join([]string{maker, key, first.UTC().Format(time.RFC3339Nano)}, "\x00")))
	return prefix + "_" + hex.EncodeToString(h.Sum(nil)[:8])
}
