package keyed

import (
	"fmt"
	"time"
)

// Each yields every state with its machine, its key and the time of its last item, in the
// order of Save. The state is the engine's own: it may be read, not kept.
func (e *Engine[I, O]) Each(yield func(machine, key string, last time.Time, s State[I, O])) {
	for m, machine := range e.machines {
		for p := range partitions {
			_, part, t := e.table(m, p)
			for _, entry := range t.all() {
				yield(machine.Name, part.keys[entry.record], entry.last().time(), entry.state)
			}
		}
	}
}

// Forget ends the states that which names, as if they had been pushed out at the given
// time, which is the watermark of the last Advance. What they say last is released by the
// next.
func (e *Engine[I, O]) Forget(at time.Time, which func(machine, key string) bool) {
	for _, s := range e.shards {
		for p := range s.all() {
			for m := range p.tables {
				for i, entry := range p.tables[m].all() {
					if which(p.tables[m].machine.Name, p.keys[entry.record]) {
						s.end(p, m, i, instantOf(at))
					}
				}
			}
			p.tidy()
		}
	}
}

// Begin gives the key a new state, last seen at the given time, which is the watermark of
// the last Advance. A state that it had is ended as by Forget. begin makes the state ready
// before any item. A machine that the engine does not have is not an error: false is
// returned.
func (e *Engine[I, O]) Begin(at time.Time, machine, key string, begin func(State[I, O]) error) (known bool, err error) {
	for m := range e.machines {
		if e.machines[m].Name != machine {
			continue
		}
		state := e.machines[m].New()
		if err := begin(state); err != nil {
			return true, fmt.Errorf("%s: begin state of %q: %w", machine, key, err)
		}
		place := placeOf([]byte(key))
		s, part, _ := e.table(m, int(place.partition))
		seat := e.seats[m].machine
		record := part.record(&place)
		if i := *part.entry(seat, record); i != none {
			s.end(part, seat, i, instantOf(at))
		}
		s.makeRoom(part, seat, instantOf(at))
		part.insert(seat, record, instantOf(at), state)
		part.tidy()
		return true, nil
	}
	return false, nil
}
