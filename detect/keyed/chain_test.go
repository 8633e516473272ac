package keyed_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
)

// A chain is two engines, the second of which is given what the first releases.
type chain struct {
	first  *engine
	second *keyed.Engine[word, said]
	out    func(keyedtest.Output)
}

// A word is what was said, and when.
type word struct {
	at time.Time
	said
}

// echo counts what was said by one key.
type echo struct{ N int }

func (s *echo) Observe(w word, emit func(said)) {
	s.N++
	emit(said{Text: fmt.Sprint(w.Text, " is ", s.N)})
}

// chained returns a Subject of a chain; the flaw loses the memory of its second stage.
func chained(flaw bool) keyedtest.Subject[*item] {
	s := keyedtest.Subject[*item]{Time: order.Time}
	s.New = func(shards int, saved []byte, out func(keyedtest.Output)) (keyedtest.Runner[*item], error) {
		c := &chain{out: out, first: keyed.New(order, shards, toys()...)}
		c.second = keyed.New(keyed.Order[word, said]{
			Time: func(w word) time.Time { return w.at },
			ID:   func(o said) string { return o.ID },
		}, 1, &keyed.Machine[word, said]{
			Name:  "echo",
			Group: &keyed.Group[word]{Key: func(w word, b []byte) []byte { return append(b, w.ID...) }},
			TTL:   time.Minute,
			New:   func() keyed.State[word, said] { return &echo{} },
			Seal:  func(key string, o *said) { o.ID = "echo " + key },
		})
		return c, keyedtest.Load(saved, func(stage string, s keyed.Saved) error {
			if stage == "first" {
				_, err := c.first.Load(s)
				return err
			}
			if flaw {
				return nil
			}
			_, err := c.second.Load(s)
			return err
		})
	}
	return s
}

func (c *chain) pass(stage string, o said) {
	c.out(keyedtest.Output{Stream: stage, JSON: keyedtest.JSON(o)})
}

func (c *chain) Advance(items []*item, watermark time.Time) {
	var words []word
	c.first.Advance(items, watermark, func(at time.Time, o said) {
		c.pass("first", o)
		words = append(words, word{at, o})
	})
	c.second.Advance(words, watermark, func(_ time.Time, o said) { c.pass("second", o) })
}

func (c *chain) Flush() {
	c.first.Flush(func(at time.Time, o said) {
		c.pass("first", o)
		c.second.Advance([]word{{at, o}}, at, func(_ time.Time, o said) { c.pass("second", o) })
	})
	c.second.Flush(func(_ time.Time, o said) { c.pass("second", o) })
}

func (c *chain) Save() ([]byte, error) {
	return keyedtest.Save(func(yield func(string, keyed.Saved) error) error {
		if err := c.first.Save(func(s keyed.Saved) error { return yield("first", s) }); err != nil {
			return err
		}
		return c.second.Save(func(s keyed.Saved) error { return yield("second", s) })
	})
}

// Engines may be chained, and the kit looks through the chain.
func TestKitTakesAChain(t *testing.T) {
	items := crowd(5, 200)
	mustPass(t, check(chained(false), items))
	mustFail(t, check(chained(true), items))
}
