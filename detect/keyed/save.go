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
// memory is saved to the same bytes. States become JSON side by side, a little ahead of
// what is yielded. A State is valid until yield returns.
func (e *Engine[I, O]) Save(yield func(Saved) error) error {
	q := newQueue(len(e.rooms), yield)
	defer q.end()
	for m := range e.machines {
		for p := range partitions {
			_, part, t := e.table(m, p)
			var few []*entry[I, O]
			for i, entry := range t.all() {
				if few = append(few, entry); len(few) < handful && i != t.newest {
					continue
				}
				next := few
				few = nil
				if err := q.add(func(o *outcome) { part.save(t, next, o) }); err != nil {
					return err
				}
			}
		}
	}
	for len(q.ahead) > 0 {
		if err := q.next(); err != nil {
			return err
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

// handful is how many states become JSON together.
const handful = 32

// save makes entries of a table of the part JSON.
func (p *part[I, O]) save(t *table[I, O], entries []*entry[I, O], o *outcome) {
	var ends [handful]int // of states in the text, which may move as it grows
	for i, e := range entries {
		key := p.keys[e.record]
		if o.text, o.err = AppendState(o.text, e.state); o.err != nil {
			o.err = fmt.Errorf("%s: save state of %q: %w", t.machine.Name, key, o.err)
			return
		}
		ends[i] = len(o.text)
		o.saved = append(o.saved, Saved{Machine: t.machine.Name, Key: key, Last: e.last().time()})
	}
	begin := 0
	for i := range o.saved {
		o.saved[i].State = o.text[begin:ends[i]:ends[i]]
		begin = ends[i]
	}
}

// AppendState appends the JSON of a state. One that has an AppendJSON of its own is to append
// with it what json.Marshal returns: states of which there are many do it in less time.
func AppendState(b []byte, state any) ([]byte, error) {
	if s, ok := state.(interface {
		AppendJSON(b []byte) ([]byte, error)
	}); ok {
		return s.AppendJSON(b)
	}
	text, err := json.Marshal(state)
	return append(b, text...), err
}

// A queue yields what is worked out side by side, in the order in which it was added.
type queue struct {
	yield func(Saved) error
	work  chan func()
	ahead []*outcome // of what was added and not yielded yet
	spare []*outcome // of which all was yielded
}

// An outcome is what a piece of work is to yield.
type outcome struct {
	saved []Saved
	err   error
	text  []byte // of the states
	done  chan struct{}
}

// queueLength is how much is worked out ahead of what is yielded, for each worker.
const queueLength = 4

// newQueue returns a queue with so many workers.
func newQueue(workers int, yield func(Saved) error) *queue {
	q := &queue{yield: yield, work: make(chan func(), queueLength*workers)}
	for range workers {
		go func() {
			for f := range q.work {
				f()
			}
		}()
	}
	return q
}

// add has more worked out. It yields what must be yielded before there is room for that.
func (q *queue) add(work func(o *outcome)) error {
	if len(q.ahead) == cap(q.work) {
		if err := q.next(); err != nil {
			return err
		}
	}
	o := &outcome{done: make(chan struct{}, 1)}
	if n := len(q.spare); n > 0 {
		o, q.spare = q.spare[n-1], q.spare[:n-1]
	}
	q.ahead = append(q.ahead, o)
	q.work <- func() {
		work(o)
		o.done <- struct{}{}
	}
	return nil
}

// next yields what was added first.
func (q *queue) next() error {
	o := q.ahead[0]
	q.ahead = q.ahead[1:]
	<-o.done
	if o.err != nil {
		return o.err
	}
	for _, s := range o.saved {
		if err := q.yield(s); err != nil {
			return err
		}
	}
	o.saved, o.text = o.saved[:0], o.text[:0]
	q.spare = append(q.spare, o)
	return nil
}

// end returns once nothing is worked out any more.
func (q *queue) end() {
	close(q.work)
	for _, o := range q.ahead {
		<-o.done
	}
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
		_, part, _ := e.table(m, int(place.partition))
		record := part.record(&place)
		if *part.entry(e.seats[m].machine, record) != none {
			return true, fmt.Errorf("%s: load state of %q: given twice", s.Machine, s.Key)
		}
		part.insert(e.seats[m].machine, record, instantOf(s.Last), state)
		return true, nil
	}
	return false, nil
}
