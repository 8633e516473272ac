package keyed_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
)

// tally remembers and says nothing.
type tally struct{ N int }

func (s *tally) Observe(i *item, _ func(said)) { s.N += i.N }

// tallies returns n machines, each by who and what.
func tallies(n int) []*machine {
	var machines []*machine
	for m := range n {
		tallying := by(fmt.Sprint("tally", m), func() state { return &tally{} })
		tallying.TTL = time.Hour
		machines = append(machines, tallying)
	}
	return machines
}

// traffic returns batches of items of so many keys, which go on from start.
func traffic(keys, batches, size int) [][]*item {
	chance := rand.New(rand.NewPCG(1, 2))
	all := make([][]*item, batches)
	for b := range all {
		for range size {
			all[b] = append(all[b], &item{At: at(time.Duration(b) * time.Second), Who: fmt.Sprintf("198.51.100.%d", chance.IntN(keys)), N: 1})
		}
	}
	return all
}

func BenchmarkAdvance(b *testing.B) {
	const size = 4096
	batches := traffic(100_000, 256, size)
	nothing := func(time.Time, said) {}
	for _, shards := range []int{1, 2} {
		b.Run(fmt.Sprint("shards=", shards), func(b *testing.B) {
			e := keyed.New(order, shards, tallies(5)...)
			now := start
			advance := func(n int) {
				now = now.Add(time.Millisecond)
				items := batches[n%len(batches)]
				for _, i := range items {
					i.At = now
				}
				e.Advance(items, now.Add(1), nothing)
			}
			for n := range batches {
				advance(n)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				advance(n)
				n++
			}
			b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "items/s")
		})
	}
}

// Items of keys that are known cost no memory; a batch costs three closures.
func TestAdvanceAllocatesNothing(t *testing.T) {
	batch := traffic(100, 1, 4096)[0]
	nothing := func(time.Time, said) {}
	e := keyed.New(order, 1, tallies(5)...)
	e.Advance(batch, at(1), nothing)
	if n := testing.AllocsPerRun(10, func() { e.Advance(batch, at(1), nothing) }); n > 3 {
		t.Errorf("%v allocations for %d items of known keys", n, len(batch))
	}
}
