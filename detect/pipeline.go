package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A Pipeline leads requests through detectors, rules and correlation. It is used by
// one goroutine.
type Pipeline struct {
	routes   *parsers.RouteLearner
	requests *keyed.Engine[*parsers.Request, Event]
	events   *keyed.Engine[timed[Event], Alert]
	alerts   *keyed.Engine[timed[Alert], Incident]
	sink     Sink
	changes  []Change // still to be made, in order
	err      error    // of a change
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
// of shards working on the detectors side by side. The learner, which becomes the
// pipeline's own, sets the route of each request first.
func NewPipeline(routes *parsers.RouteLearner, detectors []*Detector, rules []*Rule, shards int, sink Sink) *Pipeline {
	var machines []*keyed.Machine[*parsers.Request, Event]
	for _, d := range detectors {
		machines = append(machines, d.machine())
	}
	var ruleMachines []*keyed.Machine[timed[Event], Alert]
	for _, r := range rules {
		ruleMachines = append(ruleMachines, r.machine())
	}
	return &Pipeline{
		routes: routes,
		requests: keyed.New(keyed.Order[*parsers.Request, Event]{
			Time: func(r *parsers.Request) time.Time { return r.Time },
			ID:   func(e Event) string { return e.ID },
		}, shards, machines...),
		events: keyed.New(keyed.Order[timed[Event], Alert]{
			Time: func(e timed[Event]) time.Time { return e.at },
			ID:   func(a Alert) string { return a.ID },
		}, 1, ruleMachines...),
		alerts: keyed.New(keyed.Order[timed[Alert], Incident]{
			Time: func(a timed[Alert]) time.Time { return a.at },
			ID:   func(i Incident) string { return i.ID },
		}, 1, correlation()),
		sink: sink,
	}
}

// machine puts the detector in the engine's terms.
func (d *Detector) machine() *keyed.Machine[*parsers.Request, Event] {
	quiet := maxSpan
	if d.Quiet != nil {
		quiet = min(*d.Quiet, maxSpan)
	}
	return &keyed.Machine[*parsers.Request, Event]{
		Name: d.Name,
		Key: func(r *parsers.Request, b []byte) []byte {
			if !d.Match(r) {
				return b
			}
			return d.GroupBy(r, b)
		},
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

// maxHistories bounds the keys of a detector that knows what is usual for them. Their
// states live for a month and take about a KiB each: an attacker who comes from a
// million addresses must not fill the memory with them.
const maxHistories = 1 << 16

// maxKeys bounds the keys that the detector remembers; 0 is the engine's own bound.
func (d *Detector) maxKeys() int {
	if *d.TTL >= history {
		return maxHistories
	}
	return 0
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

func (p *Pipeline) advance(requests []*parsers.Request, watermark time.Time) {
	for _, r := range requests {
		p.routes.Observe(r)
	}
	var events []timed[Event]
	p.requests.Advance(requests, watermark, func(at time.Time, e Event) {
		p.sink.Event(e)
		events = append(events, timed[Event]{at, e})
	})
	var alerts []timed[Alert]
	p.events.Advance(events, watermark, func(at time.Time, a Alert) {
		p.sink.Alert(a)
		if a.SuppressedBy == "" {
			alerts = append(alerts, timed[Alert]{at, a})
		}
	})
	p.alerts.Advance(alerts, watermark, func(_ time.Time, i Incident) { p.sink.Incident(i) })
}

// Flush gives the final form of all that is still going on, as if the log ended
// here. The pipeline is spent afterwards: save it first if the log may go on.
func (p *Pipeline) Flush() {
	var events []timed[Event]
	p.requests.Flush(func(at time.Time, e Event) {
		p.sink.Event(e)
		events = append(events, timed[Event]{at, e})
	})
	var alerts []timed[Alert]
	takeAlert := func(at time.Time, a Alert) {
		p.sink.Alert(a)
		if a.SuppressedBy == "" {
			alerts = append(alerts, timed[Alert]{at, a})
		}
	}
	p.events.Advance(events, endOf(events), takeAlert)
	p.events.Flush(takeAlert)
	takeIncident := func(_ time.Time, i Incident) { p.sink.Incident(i) }
	p.alerts.Advance(alerts, endOf(alerts), takeIncident)
	p.alerts.Flush(takeIncident)
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
