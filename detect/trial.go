package detect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A Trial leads requests through one detector once more, the very one that judged them,
// and remembers how it came to some of its events and who else came near to one.
type Trial struct {
	pipeline *Pipeline
	detector *Detector
	window   time.Duration

	wanted map[string]Event      // events to be explained, by id
	sought map[Evidence][]string // ids of those, by their first evidence
	told   map[string]*Account   // by id
	watch  map[string][]*recent  // by key, from the first evidence of an event on to its end
	levels map[string]*approach  // by key; at most maxApproaches
}

// An Account is how a detector came to an event.
type Account struct {
	Event  Event     `json:"event"` // as told last
	Key    string    `json:"key"`   // whose requests it is made of
	Steps  []Step    `json:"steps"`
	More   int64     `json:"more_steps"` // that are left out
	Peak   Level     `json:"peak"`       // the most that the window held
	PeakAt time.Time `json:"peak_at"`
	// Requests is how many the detector saw of the key, from the first of the event on to
	// the last, counted or not.
	Requests int64     `json:"requests"`
	End      time.Time `json:"end"` // when it was over; zero if it was not by the end of the log
}

// A Step is one request of an event's key, and what the detector made of it.
type Step struct {
	N        int64     `json:"n"` // of the key's requests, from the first of the event on
	At       time.Time `json:"at"`
	Place    Evidence  `json:"-"`
	Method   string    `json:"method"`
	Path     string    `json:"path"` // clipped
	Status   int       `json:"status"`
	Within   int64     `json:"within_window"` // of the key's requests, how many lie within the window
	Level    *Level    `json:"level,omitempty"`
	Did      string    `json:"did,omitempty"` // what came of it: the event began, got worse, …
	Severity Severity  `json:"severity"`      // of the event by then
	Count    int64     `json:"count"`         // likewise
}

// A NearMiss is the nearest that a key came to an event without making one.
type NearMiss struct {
	Key   string    `json:"key"`
	At    time.Time `json:"at"`
	Level Level     `json:"level"`
}

const (
	firstSteps    = 12 // shown of those before an event begins, and
	lastSteps     = 6  // before a step at which something happened
	maxSteps      = 60 // of one event
	maxApproaches = 100_000
	maxMisses     = 5
)

// approach is how near a key has come: in the span that goes on, and in those before that
// made no event.
type approach struct {
	last      time.Time
	now, best NearMiss
}

// recent are the steps of one event: of those requests of its key that are its actor's.
type recent struct {
	event  string      // id
	actor  string      // "" where the key is one actor's
	times  []time.Time // within the window
	n      int64
	head   []Step // the first ones
	tail   []Step // the last ones that are not told yet
	skips  int64
	within int64 // the most requests within the window, and
	wideAt time.Time
	blind  bool // the detector did not count on once the event had begun
	peak   Level
	peakAt time.Time
}

// NewTrial returns a trial of the detector, which becomes its own, for the events of it
// that are to be explained. The learner of routes begins anew.
func NewTrial(routes *parsers.RouteLearner, d *Detector, events []Event) *Trial {
	t := &Trial{
		detector: d, window: windowOf(d), wanted: map[string]Event{}, sought: map[Evidence][]string{}, told: map[string]*Account{},
		watch: map[string][]*recent{}, levels: map[string]*approach{},
	}
	for _, e := range events {
		t.wanted[e.ID] = e
		if len(e.Evidence) > 0 {
			t.sought[e.Evidence[0]] = append(t.sought[e.Evidence[0]], e.ID)
		}
	}
	t.pipeline = NewPipeline(routes, []*Detector{d}, nil, 1, Sink{
		Event:    func(Event) {},
		Alert:    func(Alert) {},
		Incident: func(Incident) {},
	})
	t.pipeline.requests.Watch(t.see)
	return t
}

// windowOf is the time within which the detector counts, as far as it has one.
func windowOf(d *Detector) time.Duration {
	if f := d.Flags.Lookup("window"); f != nil {
		if span, err := time.ParseDuration(f.Value.String()); err == nil {
			return span
		}
	}
	return min(*d.TTL, maxSpan)
}

// Window is the time within which the detector counts.
func (t *Trial) Window() time.Duration { return t.window }

// Plan makes the trial meet what people have done to what detectors have learned, where
// the detector met it. It is called before the trial advances.
func (t *Trial) Plan(changes []Change) {
	var ours []Change
	for _, c := range changes {
		c.Begin = slices.DeleteFunc(slices.Clone(c.Begin), func(k Known) bool { return k.Detector != t.detector.Name })
		ours = append(ours, c)
	}
	t.pipeline.Plan(ours, time.Time{})
}

// Err is the error of a change that could not be made.
func (t *Trial) Err() error { return t.pipeline.Err() }

// Advance leads requests through the detector, in their order and all before those that
// follow or at the time of the first of them.
func (t *Trial) Advance(requests []*parsers.Request) {
	if len(requests) > 0 {
		t.pipeline.Advance(requests, requests[len(requests)-1].Time)
	}
}

// see takes a glance at what the detector did.
func (t *Trial) see(g keyed.Glance[*parsers.Request, Event]) {
	if g.Last {
		t.watch[g.Key] = slices.DeleteFunc(t.watch[g.Key], func(w *recent) bool { return t.lastWord(w, &g) })
		return
	}
	l, ok := levelOf(g.State)
	t.approach(&g, l, ok)
	for _, id := range t.sought[evidence(g.Item)] {
		w := &recent{event: id}
		if e := t.wanted[id]; !strings.Contains(g.Key, e.ActorID) && isOf(g.Item, e.ActorID) {
			w.actor = e.ActorID
		}
		t.watch[g.Key] = append(t.watch[g.Key], w)
	}
	if len(t.watch[g.Key]) == 0 {
		return
	}
	t.watch[g.Key] = slices.DeleteFunc(t.watch[g.Key], func(w *recent) bool {
		if g.At.Sub(t.wanted[w.event].Last) > t.window {
			t.tell(w, &g)
			if a := t.told[w.event]; a != nil {
				a.End = a.Event.Last.Add(t.window)
				w.close(a)
			}
			return true
		}
		if w.actor != "" && !isOf(g.Item, w.actor) {
			t.tell(w, &g)
			return false
		}
		t.step(w, &g, l, ok)
		return false
	})
}

// isOf tells whether the request is the actor's.
func isOf(r *parsers.Request, actor string) bool {
	id, _ := r.Actor()
	return id == actor || r.ClientIP == actor
}

// step adds a request to what is known of an event.
func (t *Trial) step(w *recent, g *keyed.Glance[*parsers.Request, Event], l Level, ok bool) {
	w.n++
	n := 0
	for n < len(w.times) && g.At.Sub(w.times[n]) > t.window {
		n++
	}
	w.times = append(slices.Delete(w.times, 0, n), g.At)
	step := Step{
		N: w.n, At: g.At, Place: evidence(g.Item), Method: clip(g.Item.Method), Path: clip(g.Item.Path), Status: g.Item.Status,
		Within: int64(len(w.times)),
	}
	if step.Within > w.within {
		w.within, w.wideAt = step.Within, g.At
	}
	if step.Did = t.tell(w, g); step.Did != "" {
		a := t.told[w.event]
		step.Severity, step.Count = a.Event.Severity, a.Event.Count
	}
	switch {
	case ok:
		step.Level = &l
		if l.Have > w.peak.Have {
			w.peak, w.peakAt = l, g.At
		}
	case t.told[w.event] != nil:
		if !w.blind && w.peak.Need > 0 { // the request that filled the window
			step.Level = &Level{Have: w.peak.Need, Need: w.peak.Need, Of: w.peak.Of, Usual: w.peak.Usual}
		}
		w.blind = true
	}
	w.keep(step)
}

// tell says what became of the event; "" if nothing did.
func (t *Trial) tell(w *recent, g *keyed.Glance[*parsers.Request, Event]) (did string) {
	for i := range g.Emitted {
		e := g.Emitted[i]
		if e.ID != w.event {
			continue
		}
		a := t.told[e.ID]
		switch {
		case a == nil:
			a = &Account{Key: g.Key}
			t.told[e.ID] = a
			did = "the event begins"
		case e.Severity > a.Event.Severity:
			did = "it gets worse: " + a.Event.Severity.String() + " to " + e.Severity.String()
		case e.Outcome != a.Event.Outcome:
			did = "its outcome: " + string(a.Event.Outcome) + " to " + string(e.Outcome)
		case did == "":
			did = "it goes on"
		}
		a.Event = e
	}
	return did
}

// lastWord takes the last word of a key, and tells whether the event is over.
func (t *Trial) lastWord(w *recent, g *keyed.Glance[*parsers.Request, Event]) bool {
	if did := t.tell(w, g); did == "the event begins" && w.n > 0 {
		w.head = append(w.head, w.tail...)
		w.tail = nil
		s := &w.head[len(w.head)-1]
		s.Did, s.Severity, s.Count = did, t.told[w.event].Event.Severity, t.told[w.event].Event.Count
	}
	a := t.told[w.event]
	if a == nil || g.At.Before(t.wanted[w.event].Last) {
		return false
	}
	a.End = g.At
	w.close(a)
	return true
}

// keep adds a step. Of those at which nothing happens the first and the last are kept.
func (w *recent) keep(s Step) {
	switch {
	case len(w.head) < firstSteps || s.Did != "" && len(w.head) < maxSteps:
		if s.Did != "" {
			room := max(maxSteps-1-len(w.head), 0)
			if cut := len(w.tail) - room; cut > 0 {
				w.tail = slices.Delete(w.tail, 0, cut)
				w.skips += int64(cut)
			}
			w.head = append(w.head, w.tail...)
			w.tail = nil
		}
		w.head = append(w.head, s)
	default:
		if len(w.tail) == lastSteps {
			w.tail = slices.Delete(w.tail, 0, 1)
			w.skips++
		}
		w.tail = append(w.tail, s)
	}
}

// close gives the account what was kept.
func (w *recent) close(a *Account) {
	a.Steps = slices.Concat(w.head, w.tail)
	a.More, a.Requests, a.Peak, a.PeakAt = w.skips, w.n, w.peak, w.peakAt
	if w.blind || w.peak.Have == 0 {
		a.Peak, a.PeakAt = Level{Have: w.within, Of: "requests"}, w.wideAt
	}
}

// levelOf asks a state for its level.
func levelOf(s keyed.State[*parsers.Request, Event]) (Level, bool) {
	if g, ok := s.(gauge); ok {
		return g.level()
	}
	return Level{}, false
}

// approach notes how near the key has come.
func (t *Trial) approach(g *keyed.Glance[*parsers.Request, Event], l Level, ok bool) {
	a := t.levels[g.Key]
	if a == nil {
		if len(t.levels) == maxApproaches {
			return
		}
		a = &approach{}
		t.levels[g.Key] = a
	}
	if g.At.Sub(a.last) > t.window {
		a.commit()
	}
	a.last = g.At
	if !ok || l.Have >= l.Need || len(g.Emitted) > 0 {
		a.now = NearMiss{} // it led to an event
		return
	}
	if l.Have > a.now.Level.Have {
		a.now = NearMiss{Key: g.Key, At: g.At, Level: l}
	}
}

// commit ends a span that made no event.
func (a *approach) commit() {
	if a.now.ratio() > a.best.ratio() {
		a.best = a.now
	}
	a.now = NearMiss{}
}

// ratio is how near it came, from 0 to 1.
func (m *NearMiss) ratio() float64 {
	if m.Level.Need == 0 {
		return 0
	}
	return float64(m.Level.Have) / float64(m.Level.Need)
}

// leastNear is the ratio from which on a miss is a near one.
const leastNear = 0.5

// End ends the trial as if the log ended here. It returns the accounts of the events that
// the detector made again, by id, and the nearest misses.
func (t *Trial) End() (map[string]*Account, []NearMiss) {
	var open []*recent // events that the end of the log cuts
	for _, list := range t.watch {
		open = append(open, list...)
	}
	t.pipeline.Flush()
	for _, w := range open {
		if a := t.told[w.event]; a != nil {
			a.End = time.Time{}
			w.close(a)
		}
	}
	var near []NearMiss
	for _, a := range t.levels {
		a.commit()
		if a.best.ratio() >= leastNear {
			near = append(near, a.best)
		}
	}
	slices.SortFunc(near, func(a, b NearMiss) int {
		return cmp.Or(cmp.Compare(b.ratio(), a.ratio()), a.At.Compare(b.At), strings.Compare(a.Key, b.Key))
	})
	return t.told, near[:min(len(near), maxMisses)]
}
