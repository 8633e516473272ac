package keyed_test

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
)

// A reference is the engine as it would be written to be read only: it looks through
// all it remembers, at every step. It is told one flaw to have, or none.
type reference struct {
	machines []*machine
	shards   int
	flaw     string
	out      func(keyedtest.Output)
	memory
}

// memory is what a reference saves.
type memory struct {
	States []remembered // the least recently seen first
	Held   []uttered
}

type remembered struct {
	Machine int
	Key     string
	Last    time.Time
	JSON    json.RawMessage // of the state, while it is saved
	state   state
}

type uttered struct {
	At  time.Time
	Out said
}

// The flaws a reference can have.
var flaws = []string{
	"what is over ends only when it is swept",
	"what is over is swept at the watermark already",
	"what is over is not swept",
	"released at the watermark",
	"released too late by one batch",
	"released at the end only",
	"ties in the order of their batch reversed",
	"released in order of id only",
	"released in order of time only",
	"released as it was emitted",
	"of one time the greater id first",
	"held outputs are not put in order with new ones",
	"last word at the watermark",
	"asked for the last word only by the next item",
	"asked for the last word only when it is swept",
	"last word at the time of the last item",
	"seen again but not refreshed",
	"held outputs lost when saved",
	"time of the last item lost when saved",
	"saved in order of key",
	"bound divided among shards",
	"keys that are over count against the bound",
}

func (r *reference) has(flaw string) bool {
	if !slices.Contains(flaws, flaw) {
		panic("no flaw " + flaw)
	}
	return r.flaw == flaw
}

// subject returns a Subject that is a reference with the flaw.
func subject(flaw string, machines []*machine) keyedtest.Subject[*item] {
	return keyedtest.Subject[*item]{
		Time: order.Time,
		New: func(shards int, saved []byte, out func(keyedtest.Output)) (keyedtest.Runner[*item], error) {
			r := &reference{machines: machines, shards: shards, flaw: flaw, out: out}
			return r, r.load(saved)
		},
	}
}

func (r *reference) Advance(items []*item, watermark time.Time) {
	items = slices.Clone(items)
	if r.has("ties in the order of their batch reversed") {
		slices.Reverse(items)
		slices.SortStableFunc(items, func(a, b *item) int { return a.At.Compare(b.At) })
	}
	before := len(r.Held)
	for _, i := range items {
		for m, machine := range r.machines {
			if machine.Match != nil && !machine.Match(i) {
				continue
			}
			if key := string(machine.Group.Key(i, nil)); key != "" {
				r.step(m, key, i)
			}
		}
	}
	if !r.has("what is over is not swept") {
		r.sweep(watermark)
	}
	if r.has("released at the end only") {
		return
	}
	r.release(before, func(t time.Time) bool {
		return t.Before(watermark) || r.has("released at the watermark") && t.Equal(watermark)
	})
}

func (r *reference) step(m int, key string, i *item) {
	n := slices.IndexFunc(r.States, func(s remembered) bool { return s.Machine == m && s.Key == key })
	if n >= 0 && i.At.After(r.over(n)) && !r.has("what is over ends only when it is swept") {
		r.end(n, r.over(n))
		n = -1
	}
	if n >= 0 && i.At.After(r.rests(n)) && !r.has("asked for the last word only when it is swept") {
		r.lastWord(n, r.rests(n))
	}
	if n < 0 {
		r.makeRoom(m, key, i.At)
		r.States = append(r.States, remembered{Machine: m, Key: key, state: r.machines[m].New()})
		n = len(r.States) - 1
	} else if !r.has("seen again but not refreshed") {
		s := r.States[n]
		r.States = append(slices.Delete(r.States, n, n+1), s)
		n = len(r.States) - 1
	}
	r.States[n].Last = i.At
	r.States[n].state.Observe(i, r.emit(m, key, i.At))
}

// makeRoom ends states of machine m until it may have one more.
func (r *reference) makeRoom(m int, key string, now time.Time) {
	bound := r.machines[m].MaxKeys
	if bound == 0 {
		return
	}
	counts := func(s remembered) bool { return s.Machine == m }
	if r.has("bound divided among shards") {
		shard := func(key string) int { return int(key[0]) % r.shards }
		bound = max(bound/r.shards, 1)
		counts = func(s remembered) bool { return s.Machine == m && shard(s.Key) == shard(key) }
	}
	for {
		have, oldest := 0, -1
		for n, s := range r.States {
			if counts(s) {
				if have++; oldest < 0 {
					oldest = n
				}
			}
		}
		if have < bound {
			return
		}
		at := now
		if r.over(oldest).Before(now) && !r.has("keys that are over count against the bound") {
			at = r.over(oldest)
		}
		r.end(oldest, at)
	}
}

func (r *reference) over(n int) time.Time {
	return r.States[n].Last.Add(r.machines[r.States[n].Machine].TTL)
}

// rests is when state n is asked for its last word.
func (r *reference) rests(n int) time.Time {
	quiet := r.machines[r.States[n].Machine].Quiet
	if quiet == 0 {
		return r.over(n)
	}
	return r.States[n].Last.Add(quiet)
}

func (r *reference) emit(m int, key string, at time.Time) func(said) {
	return func(o said) {
		r.machines[m].Seal(key, &o)
		r.Held = append(r.Held, uttered{at, o})
	}
}

// end ends state n, whose last word is said at the given time if not before.
func (r *reference) end(n int, at time.Time) {
	if rests := r.rests(n); rests.Before(r.over(n)) && rests.Before(at) {
		at = r.rests(n)
	}
	r.lastWord(n, at)
	r.States = slices.Delete(r.States, n, n+1)
}

func (r *reference) lastWord(n int, at time.Time) {
	s := r.States[n]
	if r.has("last word at the time of the last item") {
		at = s.Last
	}
	if x, ok := s.state.(interface{ Expire(func(said)) }); ok {
		x.Expire(r.emit(s.Machine, s.Key, at))
	}
}

// sweep ends what no item at or after the watermark can reach, as a sweep does that
// stops at the first it cannot end: machine by machine.
func (r *reference) sweep(watermark time.Time) {
	for n := range r.States {
		if r.has("asked for the last word only by the next item") {
			break
		}
		if r.rests(n).Before(r.over(n)) && r.rests(n).Before(watermark) {
			r.lastWord(n, r.rests(n))
		}
	}
	for m := range r.machines {
		for {
			n := slices.IndexFunc(r.States, func(s remembered) bool { return s.Machine == m })
			if n < 0 {
				break
			}
			over := r.over(n)
			if !over.Before(watermark) && !(r.has("what is over is swept at the watermark already") && over.Equal(watermark)) {
				break
			}
			if r.has("last word at the watermark") {
				over = watermark.Add(-1)
			}
			r.end(n, over)
		}
	}
}

// release passes on what is held and due; that from the given place on is new.
func (r *reference) release(fresh int, due func(time.Time) bool) {
	byTime := func(a, b uttered) int { return a.At.Compare(b.At) }
	byID := func(a, b uttered) int {
		if r.has("of one time the greater id first") {
			a, b = b, a
		}
		return strings.Compare(a.Out.ID, b.Out.ID)
	}
	inOrder := r.Held
	if r.has("held outputs are not put in order with new ones") {
		inOrder = r.Held[fresh:]
	}
	if !r.has("released as it was emitted") {
		if !r.has("released in order of time only") {
			slices.SortStableFunc(inOrder, byID)
		}
		if !r.has("released in order of id only") {
			slices.SortStableFunc(inOrder, byTime)
		}
	}
	var rest []uttered
	for n, h := range r.Held {
		if !due(h.At) || n >= fresh && fresh > 0 && r.has("released too late by one batch") {
			rest = append(rest, h)
			continue
		}
		r.out(keyedtest.Output{At: h.At, ID: h.Out.ID, JSON: keyedtest.JSON(h.Out)})
	}
	r.Held = rest
}

func (r *reference) Flush() {
	for len(r.States) > 0 {
		r.end(0, r.over(0))
	}
	r.release(0, func(time.Time) bool { return true })
}

func (r *reference) Save() ([]byte, error) {
	saved := memory{slices.Clone(r.States), r.Held}
	for n, s := range saved.States {
		b, err := json.Marshal(s.state)
		if err != nil {
			return nil, err
		}
		saved.States[n].JSON = b
		if r.has("time of the last item lost when saved") {
			saved.States[n].Last = s.Last.Truncate(time.Second)
		}
	}
	if r.has("saved in order of key") {
		slices.SortStableFunc(saved.States, func(a, b remembered) int { return strings.Compare(a.Key, b.Key) })
	}
	if r.has("held outputs lost when saved") {
		saved.Held = nil
	}
	return json.Marshal(saved)
}

func (r *reference) load(saved []byte) error {
	if saved == nil {
		return nil
	}
	if err := json.Unmarshal(saved, &r.memory); err != nil {
		return err
	}
	for n, s := range r.States {
		r.States[n].state = r.machines[s.Machine].New()
		if err := json.Unmarshal(s.JSON, r.States[n].state); err != nil {
			return err
		}
	}
	return nil
}
