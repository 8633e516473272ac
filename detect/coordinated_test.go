package detect

import (
	"fmt"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// However many addresses ask for however many paths, what is remembered is bounded, and
// what is not seen any more is forgotten.
func TestCoordinatedBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	s := Coordinated().New().(*coordinated)
	r := &parsers.Request{Source: &parsers.Source{ID: 1}, Status: 404, Time: noon}
	ask := func(ip, path string) {
		r.ClientIP, r.Path = ip, path
		r.Line++
		r.Time = r.Time.Add(time.Millisecond)
		s.Observe(r, func(Event) {})
	}
	for i := range maxOwnPaths + 10 {
		ask("192.0.2.1", fmt.Sprint("/own", i))
	}
	if len(s.Sought) != maxOwnPaths {
		t.Errorf("%d paths of one address, want %d", len(s.Sought), maxOwnPaths)
	}
	for i := range maxAddresses + 5000 {
		ask(fmt.Sprint("client", i), fmt.Sprint("/path", i%(2*maxSought)))
		if i%2 == 0 {
			ask(fmt.Sprint("client", i), fmt.Sprint("/all", i%300))
		}
	}
	if s.Addresses.count > maxAddresses || len(s.Sought) > maxSought || len(s.Hot) > maxHot {
		t.Errorf("%d addresses, %d paths, %d of several", s.Addresses.count, len(s.Sought), len(s.Hot))
	}
	r.Status = 200
	for i := range 2 * maxPagesServed {
		r.Route = fmt.Sprint("/page", i)
		ask("192.0.2.1", r.Route)
	}
	for i := range 2 * maxAskers {
		ask(fmt.Sprint("client", i), r.Route)
	}
	if n := s.Pages.count; n == 0 || n > maxPagesServed {
		t.Errorf("%d pages", n)
	}
	if n := len(s.Pages.of(tag(r.Route)).To); n != maxAskers {
		t.Errorf("a page served to %d addresses, want %d", n, maxAskers)
	}
	r.Status = 404
	for path, p := range s.Sought {
		if len(p.Askers) > maxAskers {
			t.Fatalf("%x: %d askers", path, len(p.Askers))
		}
	}
	for _, g := range s.Campaigns {
		if len(g.Members) > maxProbers || len(g.Networks) > maxProbers || len(g.Paths) > maxNamed {
			t.Errorf("%d members, %d networks, %d paths", len(g.Members), len(g.Networks), len(g.Paths))
		}
	}
	r.Time = r.Time.Add(25 * time.Hour)
	ask("192.0.2.1", "/again")
	if s.Addresses.count != 1 || len(s.Sought) != 1 || s.Pages.count != 0 {
		t.Errorf("a day later: %d addresses, %d paths, %d pages", s.Addresses.count, len(s.Sought), s.Pages.count)
	}
}
