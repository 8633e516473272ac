package detect

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// The climb that an id is part of, and the one that makes room, are those that a look at all
// climbs finds.
func TestClimbsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	d := DistributedIDs()
	s := d.New().(*distributedIDs)
	now := time.Unix(1e9, 0).UTC()
	anyID := func() uint64 {
		switch chance.IntN(20) {
		case 0:
			return chance.Uint64()
		case 1:
			return math.MaxUint64 - chance.Uint64N(100)
		}
		return chance.Uint64N(5000)
	}
	last, full := uint64(0), 0
	for n := range 30_000 {
		now = now.Add(time.Duration(chance.IntN(2)) * time.Second)
		if chance.IntN(3000) == 0 {
			now = now.Add(time.Duration(chance.IntN(400)) * time.Second)
		}
		id := anyID()
		if chance.IntN(2) == 0 {
			id = last + chance.Uint64N(5)
		}
		last = id
		r := &parsers.Request{Time: now, Line: int64(n), Status: 200 + 204*chance.IntN(2), Method: "GET", ClientIP: fmt.Sprintf("192.0.2.%d", chance.IntN(3)), Path: fmt.Sprintf("/x/%d", id), Route: "/x/{id}"}
		r.Features = &features{id: id, hasID: true}
		s.Observe(r, func(Event) {})
		for range 20 {
			id, want := anyID(), -1
			for i, c := range s.Climbs {
				if c.reach().has(id) {
					want = i
				}
			}
			if got := s.find(id); got != want {
				t.Fatalf("seed %d: after %d, %d is part of climb %d, want %d", seed, n, id, got, want)
			}
		}
		if len(s.Climbs) == maxClimbs {
			full++
			want := slices.IndexFunc(s.Climbs, func(c *climb) bool { return c.IDs == 1 })
			if got := s.replaced(); want >= 0 && got != want {
				t.Fatalf("seed %d: after %d, climb %d makes room, want %d", seed, n, got, want)
			}
		}
		if chance.IntN(3000) == 0 {
			saved, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			s = d.New().(*distributedIDs)
			if err := json.Unmarshal(saved, s); err != nil {
				t.Fatal(err)
			}
			s.Observe(r, func(Event) {})
		}
	}
	if full == 0 {
		t.Fatalf("seed %d: there was always room", seed)
	}
}

// What is known of each place of a route stays what it is when somebody takes it elsewhere.
func TestHighestOfEachPlace(t *testing.T) {
	d := DistributedIDs()
	s := d.New().(*distributedIDs)
	for n, path := range []string{"/orgs/3/users/700/orders/12", "/orgs/4/users/650/orders/90", "/orgs/9/users/x/orders/12"} {
		s.Observe(&parsers.Request{Time: noon, Line: int64(n), Status: 200, Method: "GET", Path: path, Route: "/orgs/{id}/users/{id}/orders/{id}"}, func(Event) {})
	}
	learned := s.Learned()
	if got, want := learned.Sets[0].Items, []string{"90", "/orgs/{id}/users/{id} 700", "/orgs/{id} 9"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	other := d.New().(*distributedIDs)
	if err := other.Learn(learned, noon); err != nil {
		t.Fatal(err)
	}
	if got := other.Learned(); !slices.Equal(got.Sets[0].Items, learned.Sets[0].Items) {
		t.Errorf("%q became %q", learned.Sets[0].Items, got.Sets[0].Items)
	}
}
