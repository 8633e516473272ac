package keyedtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
)

// Engine returns the Subject that is an engine of the machines. Where MaxKeys makes a
// machine forget, keys have to do with each other: set Parts to nil.
func Engine[I, O any](order keyed.Order[I, O], machines ...*keyed.Machine[I, O]) Subject[I] {
	s := Subject[I]{Time: order.Time}
	s.New = func(shards int, saved []byte, out func(Output)) (Runner[I], error) {
		e := keyed.New(order, shards, machines...)
		err := Load(saved, func(_ string, s keyed.Saved) error {
			known, err := e.Load(s)
			if err == nil && !known {
				err = fmt.Errorf("no machine %q", s.Machine)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		return engine[I, O]{e, func(at time.Time, o O) {
			out(Output{At: at, ID: order.ID(o), JSON: JSON(o)})
		}}, nil
	}
	if len(machines) == 0 {
		return s
	}
	s.Parts = func(items []I) []Part[I] {
		var parts []Part[I]
		for _, m := range machines {
			subject := Engine(order, m)
			place := map[string]int{} // of a key in parts
			for _, item := range items {
				if m.Match != nil && !m.Match(item) {
					continue
				}
				key := m.Group.Key(item, nil)
				if len(key) == 0 {
					continue
				}
				n, ok := place[string(key)]
				if !ok {
					n = len(parts)
					place[string(key)] = n
					parts = append(parts, Part[I]{Subject: subject})
				}
				parts[n].Items = append(parts[n].Items, item)
			}
		}
		return parts
	}
	return s
}

type engine[I, O any] struct {
	*keyed.Engine[I, O]
	release func(time.Time, O)
}

func (e engine[I, O]) Advance(items []I, watermark time.Time) {
	e.Engine.Advance(items, watermark, e.release)
}

func (e engine[I, O]) Flush() { e.Engine.Flush(e.release) }

func (e engine[I, O]) Save() ([]byte, error) {
	return Save(func(yield func(string, keyed.Saved) error) error {
		return e.Engine.Save(func(s keyed.Saved) error { return yield("", s) })
	})
}

// A line is a Saved as it is written down: its State stands there to be read.
type line struct {
	Stage string `json:",omitempty"`
	keyed.Saved
	State string
}

// Save writes down what the Save of several stages yields, one line each.
func Save(save func(yield func(stage string, s keyed.Saved) error) error) ([]byte, error) {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	err := save(func(stage string, s keyed.Saved) error {
		return lines.Encode(line{stage, s, string(s.State)})
	})
	return b.Bytes(), err
}

// Load gives to load what Save wrote down.
func Load(saved []byte, load func(stage string, s keyed.Saved) error) error {
	lines := json.NewDecoder(bytes.NewReader(saved))
	for lines.More() {
		var l line
		if err := lines.Decode(&l); err != nil {
			return err
		}
		l.Saved.State = []byte(l.State)
		if err := load(l.Stage, l.Saved); err != nil {
			return err
		}
	}
	return nil
}

// JSON returns v as JSON. An output that is none is a mistake of the program: JSON
// panics.
func JSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
