package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
	"github.com/litesoc/litesoc/parsers"
)

// A client explores an API, guesses a password, gets in, reads what belongs to others,
// and runs into a limit. An office works on meanwhile.
const attackLog = `
x40 +2s 203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/thing{n} HTTP/1.1" 404 0 "-" "curl/8.5.0"
x9 +3s 203.0.113.9 - - [01/Mar/2026:10:10:00 +0000] "POST /api/login HTTP/1.1" 401 0 "-" "curl/8.5.0"
203.0.113.9 - - [01/Mar/2026:10:10:40 +0000] "POST /api/login HTTP/1.1" 200 0 "-" "curl/8.5.0"
x30 +1s 203.0.113.9 - mallory [01/Mar/2026:10:11:00 +0000] "GET /api/orders/{500+n} HTTP/1.1" 200 900 "-" "curl/8.5.0"
x5 +1s 198.51.100.20 - mallory [01/Mar/2026:10:30:00 +0000] "GET /api/orders HTTP/1.1" 429 0 "-" "curl/8.5.0"
x60 +30s 198.51.100.7 - alice [01/Mar/2026:10:00:00 +0000] "GET /api/orders/{n}17 HTTP/1.1" 200 900 "-" "Mozilla/5.0"
x60 +31s 198.51.100.7 - bob [01/Mar/2026:10:00:00 +0000] "GET /api/orders?page={n} HTTP/1.1" 200 900 "-" "Mozilla/5.0"
`

func TestStory(t *testing.T) {
	requests := read(t, parsers.NginxCombined(), strings.TrimPrefix(attackLog, "\n"))
	keyedtest.Check(t, pipelineSubject(All(), Rules()), requests)

	var last Incident
	stands := map[string]bool{}
	for line := range bytes.Lines(run(All(), requests)["incidents"]) {
		var i Incident
		if err := json.Unmarshal(line, &i); err != nil {
			t.Fatal(err)
		}
		stands[i.ID] = i.MergedInto == ""
		last = i
	}
	if len(stands) != 1 || !stands[last.ID] {
		t.Fatalf("%d incidents, want one: %v", len(stands), stands)
	}
	if len(last.Alerts) != 5 || last.Severity != Critical || last.Outcome != Succeeded || last.RiskScore != 90 ||
		!slices.Equal(last.Actors, []string{"203.0.113.9", "mallory"}) || !slices.Equal(last.IPs, []string{"203.0.113.9", "198.51.100.20"}) {
		t.Errorf("%+v", last)
	}
	const title = `API enumeration, Login worked after brute force, Brute force at a login and 1 more by 203.0.113.9 and another`
	if last.Title != title {
		t.Errorf("title %q, want %q", last.Title, title)
	}
}

// always is a state that emits an event at each request.
type always struct{ severity Severity }

func (s *always) Observe(r *parsers.Request, emit func(Event)) {
	emit(Event{First: r.Time, Severity: s.severity, Name: r.Path})
}

// What an event does not say is what its detector does.
func TestSeal(t *testing.T) {
	ttl := time.Minute
	d := &Detector{Name: "always", Type: SuspiciousActivity, Severity: High, Technique: "T1", OWASP: "API1:2023",
		Match: func(*parsers.Request) bool { return true }, GroupBy: ByClient, TTL: &ttl}
	for _, c := range []struct {
		severity, want Severity
		name, wantName string
	}{
		{Info, High, "", SuspiciousActivity},
		{Low, Low, BulkExport, BulkExport},
	} {
		d.New = func() State { return &always{c.severity} }
		var e Event
		p := NewPipeline(learner(), []*Detector{d}, nil, 1, Sink{Event: func(got Event) { e = got }})
		p.Advance([]*parsers.Request{{Time: noon, ClientIP: "192.0.2.1", Path: c.name}}, noon.Add(1))
		if e.Severity != c.want || e.Name != c.wantName || e.Detector != "always" || e.Technique != "T1" || e.OWASP != "API1:2023" ||
			e.ID != contentID("evt", "always", "192.0.2.1", noon) {
			t.Errorf("%+v", e)
		}
	}
}

// Any traffic gives the same in many ways.
func TestAnyTrafficManyWays(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := rand.Uint64()
	requests := traffic(routeMap(t), seed, 300)
	if out := run(All(), requests); len(out["incidents"]) == 0 {
		t.Fatalf("seed %d: nothing is found", seed)
	}
	subject := pipelineSubject(All(), Rules())
	subject.Seed = seed
	keyedtest.Check(t, subject, requests)
	for _, d := range All() {
		subject := keyedtest.Engine(keyed.Order[*parsers.Request, Event]{
			Time: func(r *parsers.Request) time.Time { return r.Time },
			ID:   func(e Event) string { return e.ID },
		}, d.machine())
		subject.Seed = seed
		keyedtest.Check(t, subject, requests)
	}
}

// Where names of objects stand in a path, what goes through the numbers behind them is
// found once it is known that they are names, and however the pipeline is run.
func TestLearnedRoutes(t *testing.T) {
	var log strings.Builder
	for i := range 40 {
		fmt.Fprintf(&log, `198.51.100.%d - - [01/Mar/2026:10:%02d:00 +0000] "GET /shops/rosewood%c/orders HTTP/1.1" 200 9 "-" "-"`+"\n", i, i, 'a'+rune(i%20))
	}
	for i := range 20 {
		fmt.Fprintf(&log, `203.0.113.9 - - [01/Mar/2026:10:50:%02d +0000] "GET /shops/rosewood%c/orders/%d HTTP/1.1" 200 9 "-" "-"`+"\n", i, 'a'+rune(i), 400+i)
	}
	requests := read(t, parsers.NginxCombined(), log.String())
	keyedtest.Check(t, pipelineSubject(All(), Rules()), requests)
	if events := string(run(All(), requests)["events"]); !strings.Contains(events, `/shops/{name}/orders/{id}`) {
		t.Errorf("got %s", events)
	}
}

// traffic makes dense traffic of a few clients, in which much happens.
func traffic(routes *RouteMap, seed uint64, n int) []*parsers.Request {
	chance := rand.New(rand.NewPCG(seed, 1))
	pick := func(s ...string) string { return s[chance.IntN(len(s))] }
	source := &parsers.Source{ID: 1}
	at := noon
	var requests []*parsers.Request
	for line := range n {
		if chance.IntN(3) == 0 {
			at = at.Add(time.Duration(chance.IntN(12)) * time.Second)
		}
		if chance.IntN(200) == 0 {
			at = at.Add(time.Duration(chance.IntN(200)) * time.Minute)
		}
		r := &parsers.Request{Time: at, Source: source, Line: int64(line + 1), Method: pick("GET", "GET", "POST"),
			ClientIP: pick("192.0.2.1", "192.0.2.2", "2001:db8::1"), User: pick("", "", "", "alice", "bob\x1b"),
			Path:   pick("/login", "/api/login", "/users/", "/api/me", "/gone", "/shops/"),
			Status: []int{200, 200, 401, 401, 404, 404, 429, 403}[chance.IntN(8)]}
		switch r.Path {
		case "/users/":
			r.Path += fmt.Sprint(chance.IntN(60))
		case "/gone":
			r.Path += fmt.Sprint(chance.IntN(40))
		case "/shops/":
			r.Path += fmt.Sprintf("rosewood%c/orders/%d", 'a'+rune(chance.IntN(26)), chance.IntN(60))
		case "/api/me":
			r.APIKey = fmt.Sprintf("key_%012x", chance.IntN(40))
		}
		r.Shape = parsers.Route(r.Path)
		r.Event = routes.Classify(r)
		requests = append(requests, r)
	}
	return requests
}

// Whatever a log says, nothing panics, all that comes out is JSON that can be read
// back, and two shards that are saved halfway give what one gives.
func FuzzPipeline(f *testing.F) {
	f.Add(strings.Join(expand(f, strings.TrimPrefix(attackLog, "\n")), "\n"), 1)
	f.Add(`\x1b[31m - "\xff [01/Mar/2026:10:00:00 +0000] "POST /login HTTP/1.1" 401 0 "-" "-"`, 12)
	routes := routeMap(f)
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, log string, times int) {
		reader := parsers.NginxCombined().NewReader(site, &parsers.Source{ID: 1})
		var requests []*parsers.Request
		for i, line := range strings.Split(log, "\n") {
			for n := range min(max(times, 1), 40) {
				r := &parsers.Request{}
				if reader.Read(line, int64(i*40+n+1), r) != nil {
					break
				}
				r.Event = routes.Classify(r)
				requests = append(requests, r)
			}
			if len(requests) > 2000 {
				break
			}
		}
		slices.SortStableFunc(requests, (*parsers.Request).Compare)
		want := run(All(), requests)
		for stream, out := range want {
			for line := range bytes.Lines(out) {
				if !json.Valid(line) {
					t.Fatalf("%s: no JSON: %q", stream, line)
				}
			}
		}
		if len(requests) == 0 {
			return
		}
		got := map[string][]byte{}
		write := func(o keyedtest.Output) { got[o.Stream] = append(append(got[o.Stream], o.JSON...), '\n') }
		subject := pipelineSubject(All(), Rules())
		half := len(requests) / 2
		first, _ := subject.New(2, nil, write)
		first.Advance(requests[:half], requests[half].Time)
		saved, err := first.Save()
		if err != nil {
			t.Fatal(err)
		}
		second, err := subject.New(1, saved, write)
		if err != nil {
			t.Fatal(err)
		}
		second.Advance(requests[half:], requests[len(requests)-1].Time.Add(1))
		second.Flush()
		for stream := range want {
			if !bytes.Equal(got[stream], want[stream]) {
				t.Errorf("%s: got\n%s\nwant\n%s", stream, got[stream], want[stream])
			}
		}
	})
}

// ordinaryTraffic is the usual requests again and again, by many clients, none of whom
// does anything that fires.
func ordinaryTraffic(n int) []*parsers.Request {
	source := &parsers.Source{ID: 1}
	var requests []*parsers.Request
	for i := range n {
		r := *ordinary[i%len(ordinary)]
		r.Source, r.Line = source, int64(i+1)
		r.Time = noon.Add(time.Duration(i) * 20 * time.Millisecond)
		r.ClientIP = fmt.Sprintf("198.51.%d.%d", i/8%40, i%250)
		if r.User != "" {
			r.User = fmt.Sprintf("user%d", i/8%400)
		}
		requests = append(requests, &r)
	}
	return requests
}

func BenchmarkPipeline(b *testing.B) {
	const batch = 1000
	requests := ordinaryTraffic(200 * batch)
	step := requests[len(requests)-1].Time.Sub(requests[0].Time) + time.Second
	p := NewPipeline(learner(), All(), Rules(), 1, Sink{
		Event:    func(e Event) { b.Fatalf("fired: %s", e.Summary) },
		Alert:    func(Alert) {},
		Incident: func(Incident) {},
	})
	at := 0
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%batch != 0 {
			continue // an iteration is a request
		}
		if at == len(requests) {
			b.StopTimer()
			for _, r := range requests {
				r.Time = r.Time.Add(step)
			}
			at = 0
			b.StartTimer()
		}
		p.Advance(requests[at:at+batch], requests[at+batch-1].Time)
		at += batch
	}
}

func BenchmarkFiring(b *testing.B) {
	requests := traffic(routeMap(b), 1, 20_000)
	b.ReportAllocs()
	for b.Loop() {
		p := NewPipeline(learner(), All(), Rules(), 1, Sink{Event: func(Event) {}, Alert: func(Alert) {}, Incident: func(Incident) {}})
		p.Advance(requests, requests[len(requests)-1].Time)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(requests)), "ns/request")
}

// More memory is room for more keys, and for more of those of which much is remembered.
func TestMaxKeys(t *testing.T) {
	short, long := time.Hour, history
	for _, test := range []struct {
		ttl        *time.Duration
		most, keys int
	}{
		{&short, 0, 0},
		{&short, 1 << 20, 1 << 20},
		{&long, 0, 1 << 16},
		{&long, 1 << 20, 1 << 18},
		{&long, 1 << 17, 1 << 15},
		{&long, 1, 1},
	} {
		if keys := (&Detector{TTL: test.ttl, MaxKeys: test.most}).maxKeys(); keys != test.keys {
			t.Errorf("a TTL of %v and at most %d: got %d keys, not %d", *test.ttl, test.most, keys, test.keys)
		}
	}
}
