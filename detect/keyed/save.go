package keyed

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/zeebo/xxh3"
)

// A Saved state is the memory of one key of one machine, or an output that was
// emitted and not yet released (Machine is "" then).
type Saved struct {
	Machine string
	Key     string
	Last    time.Time // of the key's last item; of a held output: when it was emitted
	State   []byte    // JSON
}

// Save yields all the engine remembers, in an order that Load relies on. The same
// memory is saved to the same bytes.
func (e *Engine[I, O]) Save(yield func(Saved) error) error {
	for m, machine := range e.machines {
		for p := range partitions {
			t := e.shards[p%len(e.shards)].tables[m][p]
			for i := t.oldest; i != none; i = t.entries[i].next {
				state, err := json.Marshal(t.entries[i].state)
				if err != nil {
					return fmt.Errorf("%s: save state of %q: %w", machine.Name, t.entries[i].key, err)
				}
				if err := yield(Saved{machine.Name, t.entries[i].key, t.entries[i].last, state}); err != nil {
					return err
				}
			}
		}
	}
	for _, h := range e.held {
		out, err := json.Marshal(h.out)
		if err != nil {
			return fmt.Errorf("save output %q: %w", h.id, err)
		}
		if err := yield(Saved{Key: h.id, Last: h.at, State: out}); err != nil {
			return err
		}
	}
	return nil
}

// Load adds one saved state to an engine that has not advanced. States are given
// in the order Save yielded them. A machine that the engine does not have is not
// an error: its memory is dropped and false returned.
func (e *Engine[I, O]) Load(s Saved) (known bool, err error) {
	if s.Machine == "" {
		h := output[O]{at: s.Last, id: s.Key}
		if err := json.Unmarshal(s.State, &h.out); err != nil {
			return true, fmt.Errorf("load output %q: %w", s.Key, err)
		}
		e.held = append(e.held, h)
		return true, nil
	}
	for m, machine := range e.machines {
		if machine.Name != s.Machine {
			continue
		}
		p := int(xxh3.HashString(s.Key) % partitions)
		t := e.shards[p%len(e.shards)].tables[m][p]
		if _, twice := t.index[s.Key]; twice {
			return true, fmt.Errorf("%s: load state of %q: given twice", s.Machine, s.Key)
		}
		state := machine.New()
		if err := json.Unmarshal(s.State, state); err != nil {
			return true, fmt.Errorf("%s: load state of %q: %w", s.Machine, s.Key, err)
		}
		t.entries[t.insert(s.Key, state)].last = s.Last
		return true, nil
	}
	return false, nil
}
