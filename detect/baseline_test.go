package detect

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBaseline(t *testing.T) {
	var none Baseline
	if none.P99() != 0 {
		t.Errorf("of nothing: %d", none.P99())
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, scale := range []float64{1, 30, 5000, 1e12} {
		var b Baseline
		var all []int64
		for range 10000 {
			v := int64(rng.ExpFloat64() * scale)
			b.Add(v)
			all = append(all, v)
		}
		slices.Sort(all)
		for _, q := range []float64{0.5, 0.9, 0.99} {
			want := all[int(q*10000)-1]
			if got := b.quantile(q); float64(got) < 0.98*float64(want)-1 || float64(got) > 1.02*float64(want)+1 {
				t.Errorf("scale %g: quantile %g is %d, want %d", scale, q, got, want)
			}
		}
		if b.N != 10000 || b.Most != all[len(all)-1] || len(b.Buckets) > maxBuckets {
			t.Errorf("scale %g: %d numbers, most %d, %d buckets", scale, b.N, b.Most, len(b.Buckets))
		}
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var again Baseline
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if twice, _ := json.Marshal(again); string(twice) != string(text) {
			t.Errorf("saved twice: %s, %s", text, twice)
		}
	}
}

func TestMost99(t *testing.T) {
	for _, c := range []struct {
		usual, most int64
		want        string
	}{
		{30, 30, "30"}, {30, 80, "30"}, {31, 80, "about 32"}, {100, 100, "about 98"}, {1_000_000, 1_000_000, "about 990229"},
	} {
		var b Baseline
		for range 200 {
			b.Add(c.usual)
		}
		b.Add(c.most)
		if got := b.most99(); got != c.want {
			t.Errorf("of 200 of %d and one of %d, 99%% are at most %q, want %q", c.usual, c.most, got, c.want)
		}
	}
}

// TestP99 holds P99 to its name: one in a hundred may be larger, and no more.
func TestP99(t *testing.T) {
	for _, c := range []struct{ small, large, want int64 }{{200, 0, 1}, {199, 1, 1}, {198, 2, 1}, {197, 3, 20}, {196, 4, 20}, {0, 1, 20}} {
		var b Baseline
		for range c.small {
			b.Add(1)
		}
		for range c.large {
			b.Add(20)
		}
		if got := b.P99(); got != c.want {
			t.Errorf("%d times 1 and %d times 20: p99 %d, want %d", c.small, c.large, got, c.want)
		}
	}
}

func TestBaselineBounded(t *testing.T) {
	var b Baseline
	for v := int64(1); v < 1<<62; v += v/30 + 1 {
		b.Add(v)
	}
	if len(b.Buckets) > maxBuckets {
		t.Errorf("%d buckets", len(b.Buckets))
	}
	if got := b.P99(); got < 1<<60 {
		t.Errorf("p99 %d: the large ones count", got)
	}
}

func TestMultiple(t *testing.T) {
	for _, c := range []struct{ n, usual, want int64 }{
		{1, 0, 0}, {3, 7, 21}, {8, maxLearned, math.MaxInt64}, {7, maxLearned, 7 * maxLearned}, {maxCount, math.MaxInt64, math.MaxInt64},
	} {
		if got := multiple(c.n, c.usual); got != c.want {
			t.Errorf("%d times %d is %d, want %d", c.n, c.usual, got, c.want)
		}
	}
}
