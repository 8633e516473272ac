package detect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A Learner is a State that knows what is usual for its key and can tell it in plain
// values, or begin with it.
type Learner interface {
	// Learned is what the state knows by now, empty if nothing. It shares no memory with
	// the state. What goes on is no part of it, and neither is what lies within a window.
	Learned() Learned
	// Learn makes a fresh state one that knows this at the given time. What is not its own,
	// or more than it can hold, is an error. It is given what Check lets pass.
	Learn(l Learned, at time.Time) error
}

// Learned is what is usual for a key of a detector.
type Learned struct {
	Numbers []Number `json:"numbers,omitempty"`
	Sets    []Set    `json:"sets,omitempty"`
}

// A Number is how large something usually is.
type Number struct {
	Of    string    `json:"of"`             // "requests in an active minute"
	Actor string    `json:"actor,omitzero"` // whose it is, where the key is several actors': a tag
	Since time.Time `json:"since,omitzero"` // when learning began, where that is known
	Baseline
}

// A Set is what is known of a key, or that something is.
type Set struct {
	Of       string    `json:"of"`                // "countries"
	Since    time.Time `json:"since,omitzero"`    // as of Number
	Requests int64     `json:"requests,omitzero"` // from which it was learned, where they are counted
	Items    []string  `json:"items,omitempty"`   // names, or tags where no name is kept
	Counts   []int64   `json:"counts,omitempty"`  // of each item, where they are counted
	Tags     bool      `json:"tags,omitempty"`    // the items are no names
}

// Empty tells whether nothing was learned.
func (l Learned) Empty() bool { return len(l.Numbers) == 0 && len(l.Sets) == 0 }

// Bounds of what is learned of one key, whoever says so.
const (
	maxNumbers = 3 * maxRoamers
	maxSets    = 16
	maxItems   = 2 * MaxDistinct
	maxItem    = 1024
	maxLearned = 1 << 60 // of a number, and of a count
)

// Check says what of l no state could have learned by the given time.
func (l Learned) Check(at time.Time) error {
	if len(l.Numbers) > maxNumbers || len(l.Sets) > maxSets {
		return fmt.Errorf("%d numbers and %d sets are more than one key has", len(l.Numbers), len(l.Sets))
	}
	for _, n := range l.Numbers {
		if err := n.check(at); err != nil {
			return fmt.Errorf("%q: %w", clip(n.Of), err)
		}
	}
	for _, s := range l.Sets {
		if err := s.check(at); err != nil {
			return fmt.Errorf("%q: %w", clip(s.Of), err)
		}
	}
	return nil
}

func (n *Number) check(at time.Time) error {
	if len(n.Actor) > maxItem || !utf8.ValidString(n.Actor) {
		return errors.New("the actor is too long")
	}
	if err := checkSince(n.Since, at); err != nil {
		return err
	}
	b := n.Baseline
	if b.N < 0 || b.N > maxLearned || b.Most < 0 || b.Most > maxLearned {
		return fmt.Errorf("a number is not between 0 and %d", int64(maxLearned))
	}
	if len(b.Buckets) > maxBuckets {
		return fmt.Errorf("%d buckets are more than %d", len(b.Buckets), maxBuckets)
	}
	last, left := int32(math.MinInt32), b.N
	for _, k := range b.Buckets {
		if k.Size <= last || k.Size < -1 || k.Size > sizeOf(maxLearned) || k.N < 1 || k.N > left {
			return errors.New("its buckets are not those of a baseline")
		}
		last, left = k.Size, left-k.N
	}
	if left != 0 {
		return errors.New("its buckets do not hold as many numbers as it says")
	}
	return nil
}

func (s *Set) check(at time.Time) error {
	if err := checkSince(s.Since, at); err != nil {
		return err
	}
	if s.Requests < 0 || s.Requests > maxLearned {
		return fmt.Errorf("the number of requests is not between 0 and %d", int64(maxLearned))
	}
	if len(s.Items) > maxItems {
		return fmt.Errorf("%d items are more than %d", len(s.Items), maxItems)
	}
	if len(s.Counts) != 0 && len(s.Counts) != len(s.Items) {
		return errors.New("there are not as many counts as items")
	}
	for _, item := range s.Items {
		if item == "" || len(item) > maxItem || !utf8.ValidString(item) {
			return fmt.Errorf("item %q is not a text of 1 to %d bytes", clip(item), maxItem)
		}
	}
	for _, n := range s.Counts {
		if n < 0 || n > maxLearned {
			return fmt.Errorf("a count is not between 0 and %d", int64(maxLearned))
		}
	}
	return nil
}

func checkSince(since, at time.Time) error {
	if !since.IsZero() && (since.Year() < 1970 || since.After(at)) {
		return errors.New("it was learned since a time that is not before the baseline's own")
	}
	return nil
}

// number is the Number of that name, of no single actor; one that knows nothing if there
// is none.
func (l Learned) number(of string) Number {
	for _, n := range l.Numbers {
		if n.Of == of && n.Actor == "" {
			n.Buckets = slices.Clone(n.Buckets)
			return n
		}
	}
	return Number{}
}

// set is the Set of that name; an empty one if there is none.
func (l Learned) set(of string) Set {
	for _, s := range l.Sets {
		if s.Of == of {
			return s
		}
	}
	return Set{}
}

// known says what is not among the names, each of which may stand once.
func (l Learned) known(names ...string) error {
	seen := map[string]bool{}
	one := func(of, actor string) error {
		if !slices.Contains(names, of) {
			return fmt.Errorf("%q is nothing that it learns", clip(of))
		}
		if seen[of+"\x00"+actor] {
			return fmt.Errorf("%q is said twice", clip(of))
		}
		seen[of+"\x00"+actor] = true
		return nil
	}
	for _, n := range l.Numbers {
		if err := one(n.Of, n.Actor); err != nil {
			return err
		}
	}
	for _, s := range l.Sets {
		if err := one(s.Of, ""); err != nil {
			return err
		}
	}
	return nil
}

// addNumber adds what is usual, if anything is known of it.
func (l *Learned) addNumber(n Number) {
	if n.N > 0 {
		n.Buckets = slices.Clone(n.Buckets)
		l.Numbers = append(l.Numbers, n)
	}
}

// addSet adds what is known, if anything is.
func (l *Learned) addSet(s Set) {
	if len(s.Items) > 0 || s.Requests > 0 {
		l.Sets = append(l.Sets, s)
	}
}

// items returns the items of a set, of which a state holds so many at most.
func (s Set) items(most int) ([]string, error) {
	if len(s.Items) > most {
		return nil, fmt.Errorf("%q: %d items are more than %d", s.Of, len(s.Items), most)
	}
	return slices.Clone(s.Items), nil
}

// tags returns the items of a set of tags, of which a state holds so many at most.
func (s Set) tags(most int) ([]uint64, error) {
	if len(s.Items) > most {
		return nil, fmt.Errorf("%q: %d items are more than %d", s.Of, len(s.Items), most)
	}
	var tags []uint64
	for _, item := range s.Items {
		tag, err := parseTag(item)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", s.Of, err)
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

// tagSet is a set of tags.
func tagSet(of string, tags []uint64) Set {
	s := Set{Of: of, Tags: true}
	for _, t := range tags {
		s.Items = append(s.Items, showTag(t))
	}
	return s
}

// Tag is the tag of a name, as sets have it: of a route, by its template.
func Tag(name string) string { return showTag(tag(name)) }

func showTag(tag uint64) string { return fmt.Sprintf("%016x", tag) }

func parseTag(s string) (uint64, error) {
	tag, err := strconv.ParseUint(s, 16, 64)
	if err != nil || len(s) != 16 {
		return 0, fmt.Errorf("%q is not a tag of 16 hexadecimal digits", clip(s))
	}
	return tag, nil
}

// A Known is what a detector has learned of one of its keys.
type Known struct {
	Detector string    `json:"detector"`
	Key      string    `json:"key"`
	Last     time.Time `json:"last"` // when there was last something to learn from
	Learned  Learned   `json:"learned"`
}

// Actor is the actor that the key names, and its type, where it names one.
func (k Known) Actor() (id, typ string) { return actorOf(k.Key) }

// actorOf returns the actor that a key of a detector names, and its type, where it names
// one: "user alice", and alice where users alone are keys.
func actorOf(key string) (id, typ string) {
	if typ, id, ok := strings.Cut(key, " "); ok && slices.Contains(actorTypes, parsers.ActorType(typ)) {
		return id, typ
	}
	return key, ""
}

var actorTypes = []parsers.ActorType{parsers.ActorAPIKey, parsers.ActorUser, parsers.ActorToken, parsers.ActorSession, parsers.ActorIP}

// Known yields what the detectors have learned, in an order that depends on nothing but
// what they were shown.
func (p *Pipeline) Known(yield func(Known)) {
	p.requests.Each(func(machine, key string, last time.Time, s keyed.State[*parsers.Request, Event]) {
		if l, ok := s.(Learner); ok {
			if learned := l.Learned(); !learned.Empty() {
				yield(Known{machine, key, last, learned})
			}
		}
	})
}

// A Change is something that people do to what detectors have learned. It has a time of
// the log: it takes place after the requests before that and before those at it, whenever
// they are read. So requests that are judged anew meet it where they met it first.
type Change struct {
	At time.Time `json:"at"`
	// Forget ends the states of the detector and of the actor, each of all where it is "".
	// A state has its last word, but nothing of it is left.
	Forget   bool   `json:"forget,omitempty"`
	Detector string `json:"detector,omitempty"`
	Actor    string `json:"actor,omitempty"`
	// Begin are states to begin with, each instead of the one that its key has. It is done
	// after Forget.
	Begin []Known `json:"begin,omitempty"`
	// Settings are those of the detectors of Begin, by name: what was learned under others
	// is of no use.
	Settings map[string]string `json:"settings,omitempty"`
	// Digest is of the document that Begin is from, "" for none.
	Digest string `json:"digest,omitempty"`
}

// Plan adds changes, in the order of their times, to a pipeline that has not advanced.
// Those before from have taken place: what was loaded bears them.
func (p *Pipeline) Plan(changes []Change, from time.Time) {
	for _, c := range changes {
		if !c.At.Before(from) {
			p.changes = append(p.changes, c)
		}
	}
	slices.SortStableFunc(p.changes, func(a, b Change) int { return a.At.Compare(b.At) })
}

// Overtake makes all changes that are planned now, as if the log had come to them. It is
// for a pipeline that is looked at and goes on no more.
func (p *Pipeline) Overtake() error {
	for _, c := range p.changes {
		p.advance(nil, c.At)
		p.change(c)
	}
	p.changes = nil
	return p.err
}

// Err is the error of a change that could not be made.
func (p *Pipeline) Err() error { return p.err }

// change makes a change at its time, up to which the pipeline has come.
func (p *Pipeline) change(c Change) {
	if c.Forget {
		p.requests.Forget(c.At, func(machine, key string) bool {
			id, _ := actorOf(key)
			return (c.Detector == "" || c.Detector == machine) && (c.Actor == "" || c.Actor == id)
		})
	}
	for _, k := range c.Begin {
		_, err := p.requests.Begin(c.At, k.Detector, k.Key, func(s keyed.State[*parsers.Request, Event]) error {
			l, ok := s.(Learner)
			if !ok {
				return errors.New("this detector learns nothing")
			}
			return l.Learn(k.Learned, c.At)
		})
		if err != nil && p.err == nil {
			p.err = fmt.Errorf("baseline: %w", err)
		}
	}
}

// CanBegin says why a fresh state of one of the detectors cannot begin with what is known.
func (k Known) CanBegin(detectors []*Detector, at time.Time) error {
	i := slices.IndexFunc(detectors, func(d *Detector) bool { return d.Name == k.Detector })
	if i < 0 {
		return fmt.Errorf("no detector %q", clip(k.Detector))
	}
	l, ok := detectors[i].New().(Learner)
	if !ok {
		return fmt.Errorf("detector %q learns nothing", k.Detector)
	}
	if k.Key == "" || len(k.Key) > maxKey || !utf8.ValidString(k.Key) {
		return fmt.Errorf("%s: %q is not a key of 1 to %d bytes", k.Detector, clip(k.Key), maxKey)
	}
	if err := k.Learned.Check(at); err != nil {
		return fmt.Errorf("%s: %q: %w", k.Detector, clip(k.Key), err)
	}
	if err := l.Learn(k.Learned, at); err != nil {
		return fmt.Errorf("%s: %q: %w", k.Detector, clip(k.Key), err)
	}
	return nil
}

// maxKey bounds a key: an actor and a route.
const maxKey = 16 << 10
