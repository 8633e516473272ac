package report

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
)

// What an alert says of its worst event is shown by lines of that event, and what a step of a
// plan says of an alert by lines of that alert.
func TestPlacesShowWhatIsTold(t *testing.T) {
	line := func(n int64) []Place { return []Place{{"access.log", n}, {"access.log", n + 1}} }
	r := &Report{
		Log: Log{Last: planEnd},
		Events: []Event{
			{Event: detect.Event{ID: "evt_a", Summary: "tried 9 paths"}},
			{Event: detect.Event{ID: "evt_b", Summary: "asked for 90 ids"}},
			{Event: detect.Event{ID: "evt_c", Summary: "got 40 answers 404"}},
		},
		Run: Run{Evidence: map[string][]Place{"evt_a": line(1), "evt_b": line(10), "evt_c": line(20)}},
	}
	mild, grave := planAlert("mild", "ip", "203.0.113.9", "203.0.113.9", detect.BlockAddress), planAlert("grave", "ip", "203.0.113.9", "203.0.113.9", detect.BlockAddress)
	mild.Events, mild.Description = []string{"evt_c"}, "got 40 answers 404"
	grave.Events, grave.Description = []string{"evt_a", "evt_b"}, "2 events of 99 requests in 25 s; the worst: asked for 90 ids; then a login worked"
	grave.Severity = detect.Critical
	grave.Last = mild.Last.Add(time.Minute)

	lines := func(places []Place) (n []int64) {
		for _, p := range places {
			n = append(n, p.Line)
		}
		return n
	}
	if got, want := lines(r.places(grave, r.eventsByID(), 3)), []int64{10, 11, 1}; !slices.Equal(got, want) {
		t.Errorf("lines behind the alert: %v, want %v", got, want)
	}
	for _, alerts := range [][]*Alert{{mild, grave}, {grave, mild}} {
		f := NewPlanFacts(r, alerts)
		f.Active = func(func(ip, actor string)) error { return nil }
		f.Trusted = func(netip.Prefix) bool { return false }
		f.Origin = func(string) *parsers.Origin { return nil }
		p, err := NewPlan(f, PlanOptions{IPv6Bits: 64, AllowReserved: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Blocks) != 1 {
			t.Fatalf("%d blocks, want 1", len(p.Blocks))
		}
		b := &p.Blocks[0]
		if got, want := fmt.Sprint(b.Reason, lines(b.Places)), fmt.Sprint("API enumeration: ", grave.Description, []int64{10, 11, 1}); got != want {
			t.Errorf("the block is for %q, want %q", got, want)
		}
	}
}
