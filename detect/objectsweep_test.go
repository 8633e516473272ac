package detect

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

func TestObjectTag(t *testing.T) {
	of := func(path, query string) (uint64, bool) {
		return pathObject(&parsers.Request{Path: path, Query: query, Route: parsers.Route(path)})
	}
	for _, c := range []struct {
		a, b      string // paths, with their queries
		ok, equal bool
	}{
		{"/users/17", "/users/18", true, false},
		{"/users/17", "/users/17/", true, true},
		{"/users/17;v=1", "//users//17", true, true},
		{"/orgs/1/users/2", "/orgs/2/users/1", true, false},
		{"/docs/3f2b1001-1a2b-4c3d-8e9f-0123456789ab", "/docs/3f2b1002-1a2b-4c3d-8e9f-0123456789ab", true, false},
		{"/invoices/17.pdf", "/invoices/18.pdf", true, false},
		{"/report?id=a&page=1", "/report?page=2&id=a", true, true},
		{"/report?report_id=a", "/report?report_id=b", true, false},
		{"/assets/17.js", "/assets/18.js", false, true},
		{"/img/17.PNG", "/img/18.PNG", false, true},
		{"/news/page/17", "/news/page/18", false, true},
		{"/news?page=17", "/news?page=18", false, true},
		{"/report?id=", "/report?cursor_id=7", false, true},
		{"/", "", false, true},
	} {
		t.Run(c.a+" "+c.b, func(t *testing.T) {
			path, query, _ := strings.Cut(c.a, "?")
			a, ok := of(path, query)
			path, query, _ = strings.Cut(c.b, "?")
			b, _ := of(path, query)
			if ok != c.ok || ok && (a == b) != c.equal {
				t.Errorf("%x %x %v", a, b, ok)
			}
		})
	}
}

// A path that does not begin as its route does is gone through from the start, and is about
// the same objects.
func FuzzObjectTag(f *testing.F) {
	for _, path := range []string{"/users/17", "/orgs/1/users/2/x", "/a;b=1/17", "/./17", "/17//", "/x/17.js", "/invoices/invoice-17.pdf"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := &parsers.Request{Path: "/" + path, Route: parsers.Route("/" + path)}
		object, ok := pathObject(r)
		r.Path = "//" + path
		if whole, okToo := pathObject(r); whole != object || okToo != ok {
			t.Errorf("%q: %x %v; gone through from the start %x %v", path, object, ok, whole, okToo)
		}
	})
}

// Sightings are exact up to their bound, near beyond, and exact again later.
func TestSightings(t *testing.T) {
	var s sightings
	const span = int64(time.Hour / time.Microsecond)
	at := int64(0)
	see := func(from, to int) (n int64) {
		for i := from; i < to; i++ {
			at += 1000
			n = s.see(sighting{At: at, Object: tag(fmt.Sprint(i))}, span)
		}
		return n
	}
	if n := see(0, maxSightings); n != maxSightings {
		t.Errorf("%d, want %d", n, maxSightings)
	}
	if n := see(0, maxSightings); n != maxSightings {
		t.Errorf("seen again: %d, want %d", n, maxSightings)
	}
	for _, want := range []int64{1000, 5000, 50_000} {
		s = sightings{}
		if n := see(0, int(want)); n < want*8/10 || n > want*12/10 {
			t.Errorf("%d, want about %d", n, want)
		}
		if len(s.Seen) > maxSightings {
			t.Errorf("%d are kept", len(s.Seen))
		}
	}
	at += 2 * span
	see(0, 40) // finds its way back
	at += 2 * span
	if n := see(0, 40); n > 40 {
		t.Errorf("after a rush: %d, want 40 at most", n)
	}
}

// A number that is moved or taken out of a baseline is as if it had never been there.
func TestBaselineMove(t *testing.T) {
	var b, want Baseline
	for i := range int64(300) {
		b.Add(i % 60)
		want.Add(i % 60)
	}
	for n := range int64(200) {
		if n == 0 {
			b.Add(0)
		}
		b.move(n, n+1)
	}
	b.remove(200)
	if b.N != want.N || b.P99() != want.P99() || fmt.Sprint(b.Buckets) != fmt.Sprint(want.Buckets) {
		t.Errorf("got %v\nwant %v", b, want)
	}
	var none Baseline
	none.remove(7)
	if none.N != 0 {
		t.Errorf("%v", none)
	}
}

func TestP99OfOthers(t *testing.T) {
	baseline := func(numbers ...int64) *Baseline {
		b := &Baseline{}
		for _, v := range numbers {
			b.Add(v)
		}
		return b
	}
	many := baseline()
	for range 300 {
		many.Add(5)
	}
	many.Add(1000)
	many.Add(1000)
	for _, c := range []struct {
		name      string
		of, minus []*Baseline
		n, want   int64
	}{
		{"none", []*Baseline{baseline()}, nil, 0, 0},
		{"nil", []*Baseline{nil, nil}, []*Baseline{nil}, 0, 0},
		{"few: the largest", []*Baseline{baseline(1, 2, 20)}, nil, 3, 20},
		{"less its own", []*Baseline{baseline(1, 2, 20)}, []*Baseline{baseline(20)}, 2, 2},
		{"two of 302 are left out", []*Baseline{many}, nil, 302, 5},
		{"of both", []*Baseline{baseline(3), baseline(20, 7)}, nil, 3, 20},
		{"less too much", []*Baseline{baseline(3, 20)}, []*Baseline{baseline(20, 20)}, 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := p99(c.of, c.minus, c.n); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// However many actors there are, a bounded number is remembered, and the last one too.
func TestObjectSweepBounds(t *testing.T) {
	s := ObjectSweep().New().(*objectSweep)
	r := &parsers.Request{Source: &parsers.Source{ID: 1}, Path: "/api/x/1", Route: "/api/x/{id}", Status: 200, Time: noon}
	for i := range 3 * maxRoamers {
		r.User = fmt.Sprint("u", i)
		r.Time = r.Time.Add(time.Millisecond)
		s.Observe(r, func(e Event) { t.Fatal(e.Summary) })
		if s.Actors.count > maxRoamers || s.Actors.of(tag(r.User)) == nil {
			t.Fatalf("%d actors", s.Actors.count)
		}
	}
	if s.Hours.N != 3*maxRoamers || s.Hours.P99() != 1 {
		t.Errorf("%+v", s.Hours)
	}
}

// TestObjectSweepLearned leads what a route has learned of actors by themselves, hours that are
// usual for them and hours that were told, into another state.
func TestObjectSweepLearned(t *testing.T) {
	d := ObjectSweep()
	s := d.New().(*objectSweep)
	begin := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	line := int64(0)
	ask := func(user string, hour, objects int) {
		for i := range objects {
			line++
			s.Observe(&parsers.Request{Time: begin.Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Second),
				Method: "GET", Path: fmt.Sprintf("/api/orders/%d", 1000*hour+7*i), Route: "/api/orders/{id}", Shape: "/api/orders/{id}",
				Status: 200, User: user, ClientIP: "203.0.113.9", Source: &parsers.Source{ID: 1}, Line: line}, func(Event) {})
		}
	}
	for hour := range 30 {
		ask("alice", hour, 60)
		ask("bob", hour, 5)
		if hour == 10 || hour == 11 { // one sweep
			ask("mallory", hour, 600)
		}
	}
	known := s.Learned()
	type hours struct {
		of string
		n  int64
	}
	var got []hours
	for _, user := range []string{"alice", "bob", "mallory"} {
		for _, n := range known.Numbers {
			if n.Actor == showTag(actorTag(&parsers.Request{User: user})) {
				got = append(got, hours{n.Of, n.N})
			}
		}
	}
	want := []hours{{ofFewHours, 0}, {ofHours, 29}, {ofFewHours, 29}, {ofFewHours, 0}, {ofToldHours, 2}}
	if !slices.Equal(got, want) {
		t.Errorf("learned %v, want %v", got, want)
	}
	fresh := d.New().(*objectSweep)
	if err := fresh.Learn(known, begin.Add(31*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := fresh.Learned(); !reflect.DeepEqual(got, known) {
		t.Errorf("got  %+v\nwant %+v", got, known)
	}
}
