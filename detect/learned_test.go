package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
	"github.com/litesoc/litesoc/parsers"
)

// office is two weeks of a key, two users and a job, in which every Learner learns.
func office(routes *RouteMap) []*parsers.Request {
	chance := rand.New(rand.NewPCG(7, 7))
	source := &parsers.Source{ID: 1}
	home := &parsers.Origin{Country: "DE", ASN: 64500, Org: "Example"}
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var requests []*parsers.Request
	add := func(r parsers.Request) {
		at = at.Add(time.Duration(1+chance.IntN(20)) * time.Second)
		r.Time, r.Source, r.Line, r.Origin, r.UserAgent = at, source, int64(len(requests)+1), home, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
		r.Shape = parsers.Route(r.Path)
		r.Event = routes.Classify(&r)
		requests = append(requests, &r)
	}
	for range 14 * 24 {
		at = at.Truncate(time.Hour).Add(time.Hour)
		for i, user := range []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace"} {
			ip := fmt.Sprintf("198.51.100.%d", i)
			add(parsers.Request{Method: "POST", Path: "/login", Status: 401 - 201*chance.IntN(2), ClientIP: ip, User: user})
			add(parsers.Request{Method: "POST", Path: "/login", Status: 200, ClientIP: ip, User: user})
			add(parsers.Request{Method: "POST", Path: "/auth/refresh", Status: 200, ClientIP: ip, User: user, Token: "tok_" + user})
			add(parsers.Request{Method: "GET", Path: "/admin/users", Status: 200, ClientIP: ip, User: user})
			for range 5 {
				add(parsers.Request{Method: "GET", Path: fmt.Sprintf("/api/orders/%d", 1000+chance.IntN(9000)), Query: "org_id=org_" + user, Status: 200,
					Bytes: int64(chance.IntN(1 << 20)), ClientIP: ip, User: user})
			}
			add(parsers.Request{Method: "GET", Path: "/api/reports", Status: 200, ClientIP: ip, APIKey: "key_" + user})
		}
	}
	return requests
}

// pipelineAfter returns a pipeline that has seen the requests.
func pipelineAfter(requests []*parsers.Request) *Pipeline {
	p := NewPipeline(learner(), All(), Rules(), 1, Sink{Event: func(Event) {}, Alert: func(Alert) {}, Incident: func(Incident) {}})
	p.Advance(requests, requests[len(requests)-1].Time.Add(1))
	return p
}

func knownTo(p *Pipeline) (all []Known) {
	p.Known(func(k Known) { all = append(all, k) })
	return all
}

// Whoever learns, and only they, can tell it; and a fresh state that begins with it tells
// the same.
func TestLearned(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	requests := office(routeMap(t))
	at := requests[len(requests)-1].Time.Add(time.Second)
	known := knownTo(pipelineAfter(requests))
	learns := map[string]bool{}
	for _, k := range known {
		learns[k.Detector] = true
		if err := k.CanBegin(All(), at); err != nil {
			t.Fatalf("%v\n%+v", err, k)
		}
		text, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		var read Known
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		p := NewPipeline(learner(), All(), Rules(), 1, Sink{})
		p.Plan([]Change{{At: at, Begin: []Known{read}}}, time.Time{})
		if err := p.Overtake(); err != nil {
			t.Fatal(err)
		}
		again := knownTo(p)
		if len(again) != 1 || !reflect.DeepEqual(again[0].Learned, k.Learned) || again[0].Key != k.Key || !again[0].Last.Equal(at) {
			t.Errorf("began with\n%+v\nand knows\n%+v", k, again)
		}
	}
	for _, d := range All() {
		_, can := d.New().(Learner)
		if can != (d.TTL != nil && *d.TTL >= history) {
			t.Errorf("%s: tells what it learned: %v; remembers for %v", d.Name, can, *d.TTL)
		}
		if can && !learns[d.Name] && d.Name != "role-tampering" {
			t.Errorf("%s: has learned nothing", d.Name)
		}
	}
}

// changed is a subject whose pipelines meet the changes.
func changed(changes []Change) keyedtest.Subject[*parsers.Request] {
	plain := pipelineSubject(All(), Rules())
	return keyedtest.Subject[*parsers.Request]{
		Time: plain.Time,
		New: func(shards int, saved []byte, out func(keyedtest.Output)) (keyedtest.Runner[*parsers.Request], error) {
			left := len(changes)
			if text, rest, ok := bytes.Cut(saved, []byte("\n")); ok {
				var err error
				if left, err = strconv.Atoi(string(text)); err != nil {
					return nil, err
				}
				saved = rest
			}
			r, err := plain.New(shards, saved, out)
			if err != nil {
				return nil, err
			}
			p := r.(runner).Pipeline
			p.Plan(changes, time.Time{})
			p.changes = p.changes[len(changes)-left:]
			return changedRunner{runner{p}}, nil
		},
	}
}

// changedRunner saves the changes that are left as well: a batch of the test may hold
// items at its watermark, by which the tool would know them.
type changedRunner struct{ runner }

func (r changedRunner) Save() ([]byte, error) {
	saved, err := r.runner.Save()
	return append(fmt.Appendf(nil, "%d\n", len(r.changes)), saved...), err
}

// A change is met at its time by whoever reads the requests in whatever way, and it makes
// a difference.
func TestChangesManyWays(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := rand.Uint64()
	requests := traffic(routeMap(t), seed, 300)
	middle, late := requests[150].Time, requests[250].Time.Add(time.Microsecond)
	base := knownTo(pipelineAfter(requests[:120]))
	if len(base) == 0 {
		t.Fatalf("seed %d: nothing is learned", seed)
	}
	changes := []Change{
		{At: late, Forget: true, Actor: "192.0.2.1"},
		{At: middle, Forget: true},
		{At: middle, Begin: base},
		{At: late.Add(time.Minute), Forget: true, Detector: "brute-force-ip"},
	}
	subject := changed(changes)
	subject.Seed = seed
	keyedtest.Check(t, subject, requests)

	all := func(changes []Change) (out []string) {
		p, err := changed(changes).New(1, nil, func(o keyedtest.Output) { out = append(out, string(o.JSON)) })
		if err != nil {
			t.Fatal(err)
		}
		p.Advance(requests, requests[len(requests)-1].Time.Add(1))
		p.Flush()
		return out
	}
	if slices.Equal(all(changes), all(nil)) {
		t.Errorf("seed %d: the changes change nothing", seed)
	}
}

// A key whose usual rate is known elsewhere has its own threshold from the first request,
// and none after it is forgotten. What went on ends.
func TestForgetAndBegin(t *testing.T) {
	rate := func(from time.Time, n int) (requests []*parsers.Request) {
		for i := range n {
			requests = append(requests, &parsers.Request{Time: from.Add(time.Duration(i) * 100 * time.Millisecond), Source: &parsers.Source{ID: 1},
				Line: int64(i + 1), Path: "/api/x", Status: 200, ClientIP: "192.0.2.1", APIKey: "key_1"})
		}
		return requests
	}
	usual := Known{Detector: "key-rate", Key: "api_key key_1", Last: noon, Learned: Learned{Numbers: []Number{{
		Of: ofMinutes, Baseline: Baseline{N: 100, Most: 10, Buckets: []Bucket{{sizeOf(10), 100}}}}}}}
	for _, c := range []struct {
		name    string
		changes []Change
		want    []string // parts of summaries, of the last form of each event
	}{
		{"nothing is known", nil, nil},
		{"begun", []Change{{At: noon, Begin: []Known{usual}}}, []string{"threshold: more than 60; 99% of its 100 earlier active minutes had at most 10"}},
		{"begun too late", []Change{{At: noon.Add(time.Hour), Begin: []Known{usual}}}, nil},
		{"forgotten", []Change{{At: noon, Begin: []Known{usual}}, {At: noon, Forget: true, Detector: "key-rate"}}, nil},
		{"another forgotten", []Change{{At: noon, Begin: []Known{usual}}, {At: noon, Forget: true, Actor: "key_2"}}, []string{"99% of its 100"}},
		{"the actor forgotten", []Change{{At: noon, Begin: []Known{usual}}, {At: noon, Forget: true, Actor: "key_1"}}, nil},
		{"forgotten meanwhile", []Change{{At: noon, Begin: []Known{usual}}, {At: noon.Add(30 * time.Second), Forget: true}}, []string{"made 300 requests in 30 s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			last, ids := map[string]string{}, []string{}
			p := NewPipeline(learner(), []*Detector{KeyRate()}, nil, 1, Sink{Event: func(e Event) {
				if last[e.ID] == "" {
					ids = append(ids, e.ID)
				}
				last[e.ID] = e.Summary
			}})
			p.Plan(c.changes, time.Time{})
			requests := rate(noon.Add(time.Second/2), 500)
			if c.name == "forgotten meanwhile" {
				requests = rate(noon, 500)
			}
			p.Advance(requests, noon.Add(2*time.Hour))
			p.Flush()
			if p.Err() != nil || len(ids) != len(c.want) {
				t.Fatalf("%v: %v", p.Err(), last)
			}
			for i, id := range ids {
				if !strings.Contains(last[id], c.want[i]) {
					t.Errorf("got %s", last[id])
				}
			}
		})
	}
}

// What no state could have learned is refused, and what is not does not make one panic.
func TestCanBegin(t *testing.T) {
	set := func(s Set) Known { return Known{Detector: "key-geo", Key: "user u", Learned: Learned{Sets: []Set{s}}} }
	number := func(b Baseline) Known {
		return Known{Detector: "key-rate", Key: "user u", Learned: Learned{Numbers: []Number{{Of: ofMinutes, Baseline: b}}}}
	}
	for _, c := range []struct {
		known Known
		want  string
	}{
		{set(Set{Of: ofCountries, Since: noon.Add(-time.Hour), Requests: 7, Items: []string{"DE"}}), ""},
		{number(Baseline{N: 3, Most: 2, Buckets: []Bucket{{-1, 1}, {18, 2}}}), ""},
		{Known{Detector: "none", Key: "user u"}, `no detector "none"`},
		{Known{Detector: "probe", Key: "user u"}, `"probe" learns nothing`},
		{Known{Detector: "key-geo"}, "is not a key"},
		{Known{Detector: "key-geo", Key: strings.Repeat("x", maxKey+1)}, "is not a key"},
		{set(Set{Of: "planets", Items: []string{"Mars"}}), `"planets" is nothing that it learns`},
		{set(Set{Of: ofCountries, Since: noon.Add(time.Hour)}), "not before the baseline's own"},
		{set(Set{Of: ofCountries, Requests: -1}), "not between 0"},
		{set(Set{Of: ofCountries, Items: make([]string, maxItems+1)}), "are more than"},
		{set(Set{Of: ofCountries, Items: slices.Repeat([]string{"DE"}, maxPlaces+1)}), "are more than"},
		{set(Set{Of: ofCountries, Items: []string{strings.Repeat("x", maxItem+1)}}), "is not a text"},
		{set(Set{Of: ofCountries, Items: []string{"DE"}, Counts: []int64{1, 2}}), "as many counts"},
		{set(Set{Of: ofPrograms, Items: []string{"curl"}}), "is not a tag"},
		{set(Set{Of: ofNetworks, Items: []string{"AS99999999999"}}), "is no network"},
		{number(Baseline{N: -1}), "not between 0"},
		{number(Baseline{N: 2, Buckets: []Bucket{{1, 1}}}), "as many numbers"},
		{number(Baseline{N: 2, Buckets: []Bucket{{2, 1}, {1, 1}}}), "not those of a baseline"},
		{number(Baseline{N: 2, Buckets: []Bucket{{1 << 30, 2}}}), "not those of a baseline"},
		{number(Baseline{N: 1 << 62, Buckets: []Bucket{{1, 1 << 62}}}), "not between 0"},
		{Known{Detector: "key-rate", Key: "user u", Learned: Learned{Numbers: []Number{{Of: ofMinutes}, {Of: ofMinutes}}}}, "said twice"},
		{Known{Detector: "cross-tenant", Key: "user u", Learned: Learned{Sets: []Set{{Of: ofTenants, Items: []string{"org a"}}}}}, "no counts"},
	} {
		err := c.known.CanBegin(All(), noon)
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) && c.want != "" {
			t.Errorf("%.200v: got %s, want %q", c.known, got, c.want)
		}
	}
}

// FuzzLearn lets states begin with anything that is let pass, and go on.
func FuzzLearn(f *testing.F) {
	routes := routeMap(f)
	for i, k := range knownTo(pipelineAfter(office(routes)[:2000])) {
		if text, err := json.Marshal(k); err == nil && i%9 == 0 {
			f.Add(text)
		}
	}
	requests := office(routes)[:300]
	f.Fuzz(func(t *testing.T, text []byte) {
		var k Known
		if json.Unmarshal(text, &k) != nil || k.CanBegin(All(), requests[0].Time) != nil {
			return
		}
		i := slices.IndexFunc(All(), func(d *Detector) bool { return d.Name == k.Detector })
		s := All()[i].New()
		if err := s.(Learner).Learn(k.Learned, requests[0].Time); err != nil {
			t.Fatal(err)
		}
		for _, r := range requests {
			if All()[i].Match(r) {
				s.Observe(r, func(Event) {})
			}
		}
		if text, err := json.Marshal(s); err != nil || json.Unmarshal(text, s.(keyed.State[*parsers.Request, Event])) != nil {
			t.Fatalf("%v: %s", err, text)
		}
	})
}
