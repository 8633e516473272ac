package keyed_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
)

func TestManyWays(t *testing.T) {
	keyedtest.Check(t, keyedtest.Engine(order, toys()...), crowd(3, 500))
	keyedtest.Check(t, keyedtest.Engine(order, toys()...), nil)
}

// drawn draws items with heavy ties and gaps around the TTL.
func drawn(t *rapid.T) []*item {
	one := rapid.Custom(func(t *rapid.T) *item {
		return &item{
			At:   start.Add(rapid.SampledFrom(gaps).Draw(t, "gap")),
			Who:  rapid.SampledFrom([]string{"u", "v", "w"}).Draw(t, "who"),
			What: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "what"),
			N:    rapid.IntRange(1, 3).Draw(t, "n"),
		}
	})
	items := rapid.SliceOfN(one, 0, 40).Draw(t, "items")
	now := start
	for _, i := range items {
		now = now.Add(i.At.Sub(start))
		i.At = now
	}
	return items
}

func TestAnyItemsManyWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := keyedtest.Engine(order, toys()...)
		s.Seed = rapid.Uint64Min(1).Draw(t, "seed")
		keyedtest.Check(t, s, drawn(t))
	})
}

// Where keys push each other out, all ways but that of each key alone remain.
func TestAnyItemsManyWaysWithFewKeys(t *testing.T) {
	keys := neighbours(5)
	rapid.Check(t, func(t *rapid.T) {
		items := drawn(t)
		for _, i := range items {
			i.Who = rapid.SampledFrom(keys).Draw(t, "neighbour")
		}
		s := keyedtest.Engine(order, sharing()...)
		s.Parts = nil
		s.Seed = rapid.Uint64Min(1).Draw(t, "seed")
		keyedtest.Check(t, s, items)
	})
}

// The engine gives what the reference gives.
func TestEngineIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := drawn(t)
		// The reference does not divide the bound: let all keys be neighbours.
		keys := neighbours(3)
		for _, i := range items {
			i.Who = keys[i.Who[0]-'u']
		}
		asReference := func(m *machine) *machine {
			c := *m
			c.MaxKeys /= 16
			return &c
		}
		var got, want []keyedtest.Output
		outputs := func(s keyedtest.Subject[*item], into *[]keyedtest.Output) {
			r, err := s.New(1, nil, func(o keyedtest.Output) { *into = append(*into, o) })
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range items {
				r.Advance([]*item{i}, i.At)
			}
			r.Flush()
		}
		machines := append(toys(), sharing()...)
		outputs(keyedtest.Engine(order, machines...), &got)
		var same []*machine
		for _, m := range machines {
			same = append(same, asReference(m))
		}
		outputs(subject("", same), &want)
		if !slices.Equal(got, want) {
			t.Errorf("engine\n%v\nreference\n%v", got, want)
		}
	})
}
