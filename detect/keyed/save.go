package keyed

import (
	"encoding/json"
	"fmt"
	"time"
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
			part, t := e.table(m, p)
			for _, entry := range t.all() {
				key := part.keys[entry.record]
				state, err := json.Marshal(entry.state)
				if err != nil {
					return fmt.Errorf("%s: save state of %q: %w", machine.Name, key, err)
				}
				if err := yield(Saved{machine.Name, key, entry.last().time(), state}); err != nil {
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
		state := machine.New()
		if err := json.Unmarshal(s.State, state); err != nil {
			return true, fmt.Errorf("%s: load state of %q: %w", s.Machine, s.Key, err)
		}
		place := placeOf([]byte(s.Key))
		part, _ := e.table(m, int(place.partition))
		record := part.record(&place)
		if *part.entry(e.seats[m].machine, record) != none {
			return true, fmt.Errorf("%s: load state of %q: given twice", s.Machine, s.Key)
		}
		part.insert(e.seats[m].machine, record, instantOf(s.Last), state)
		return true, nil
	}
	return false, nil
}
