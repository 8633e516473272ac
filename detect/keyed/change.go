package keyed

import (
	"fmt"
	"time"

	"github.com/zeebo/xxh3"
)

// Each yields every state with its machine, its key and the time of its last item, in the
// order of Save. The state is the engine's own: it may be read, not kept.
func (e *Engine[I, O]) Each(yield func(machine, key string, last time.Time, s State[I, O])) {
	for m, machine := range e.machines {
		for p := range partitions {
			t := e.shards[p%len(e.shards)].tables[m][p]
			for i := t.oldest; i != none; i = t.entries[i].next {
				yield(machine.Name, t.entries[i].key, t.entries[i].last, t.entries[i].state)
			}
		}
	}
}

// Forget ends the states that which names, as if they had been pushed out at the given
// time, which is the watermark of the last Advance. What they say last is released by the
// next.
func (e *Engine[I, O]) Forget(at time.Time, which func(machine, key string) bool) {
	for s := range e.shards {
		for t := range e.shards[s].all() {
			for i := t.oldest; i != none; {
				next := t.entries[i].next
				if which(t.machine.Name, t.entries[i].key) {
					e.shards[s].end(t, i, at)
				}
				i = next
			}
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
		p := int(xxh3.HashString(key) % partitions)
		s := e.shards[p%len(e.shards)]
		t := s.tables[m][p]
		if i, has := t.index[key]; has {
			s.end(t, i, at)
		}
		s.makeRoom(t, at)
		t.entries[t.insert(key, state)].last = at
		return true, nil
	}
	return false, nil
}
