package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
	"github.com/litesoc/litesoc/parsers"
)

func replayDetectors() []*Detector {
	return []*Detector{TokenSpread(), ImpossibleTravel(), TokenResumed(), RefreshAbuse(), SuspiciousNetwork()}
}

// Whatever a few tokens and users do, from wherever, is found the same however the
// detectors are run.
func TestReplayManyWays(t *testing.T) {
	seed := rand.Uint64()
	requests := replayTraffic(seed, 400)
	found := 0
	for _, d := range replayDetectors() {
		t.Run(d.Name, func(t *testing.T) {
			subject := keyedtest.Engine(keyed.Order[*parsers.Request, Event]{
				Time: func(r *parsers.Request) time.Time { return r.Time },
				ID:   func(e Event) string { return e.ID },
			}, d.machine())
			subject.Seed = seed
			keyedtest.Check(t, subject, requests)
			found += strings.Count(string(run([]*Detector{d}, requests)["events"]), "\n")
		})
	}
	if found < 20 {
		t.Errorf("seed %d: only %d events", seed, found)
	}
}

// replayTraffic makes requests of a few tokens and users in many places, seconds to
// hours apart.
func replayTraffic(seed uint64, n int) []*parsers.Request {
	chance := rand.New(rand.NewPCG(seed, 2))
	pick := func(s ...string) string { return s[chance.IntN(len(s))] }
	var origins []*parsers.Origin
	for i := range 12 {
		origins = append(origins, &parsers.Origin{
			Country: pick("DE", "BR", "US", ""), City: pick("", "Berlin"), ASN: uint32(chance.IntN(5)), Org: pick("", "Example", "Example Mobile"),
			Latitude: chance.Float64()*180 - 90, Longitude: chance.Float64()*360 - 180, RadiusKM: float64(chance.IntN(4) * 100),
			Traits: parsers.Traits(0), Provider: pick("", "example"),
		})
		if i > 8 {
			origins[i].Traits = 1 << chance.IntN(7)
		}
	}
	origins = append(origins, nil)
	source := &parsers.Source{ID: 1}
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var requests []*parsers.Request
	for i := range n {
		switch chance.IntN(20) {
		case 0:
			at = at.Add(time.Duration(chance.IntN(6*3600)) * time.Second)
		case 1, 2, 3, 4:
		default:
			at = at.Add(time.Duration(chance.IntN(90)) * time.Second)
		}
		place := chance.IntN(len(origins))
		ip := fmt.Sprintf("203.0.113.%d", place*20)
		if chance.IntN(3) == 0 {
			ip = fmt.Sprintf("2001:db8:%x::1", place+1)
		}
		requests = append(requests, &parsers.Request{
			Time: at, Source: source, Line: int64(i + 1), ClientIP: ip, Origin: origins[place],
			Method: "POST", Path: pick("/login", "/admin/users", "/a"), Route: "/a", Status: []int{200, 200, 200, 302, 401, 403, 500}[chance.IntN(7)],
			Event: pick("", "", LoginSuccess, LoginFailed, TokenRefreshed, TokenRefreshed, TokenRefreshed), UserAgent: pick("", "Mozilla/5.0", "curl/8", "curl/9"),
			User: pick("", "alice", "bob"), Token: pick("", "tok_0123456789ab", "tok_0123456789ab"), Session: pick("", "ses_0123456789ab"), APIKey: pick("", "", "", "key_0123456789ab"),
		})
	}
	return requests
}

// The distances are those of the haversine formula as others publish them, to a few
// kilometres.
func TestGreatCircle(t *testing.T) {
	for _, tc := range []struct {
		name                   string
		lat1, lon1, lat2, lon2 float64
		want, within           float64
	}{
		{"Berlin to Sao Paulo", 52.52, 13.405, -23.55, -46.633, 10246, 15},
		{"London to Paris", 51.5074, -0.1278, 48.8566, 2.3522, 344, 2},
		{"Los Angeles to Nashville", 33.94, -118.40, 36.12, -86.67, 2886.4, 2},
		{"one place", 52.52, 13.405, 52.52, 13.405, 0, 0},
		{"a metre", 52.52, 13.405, 52.520009, 13.405, 0.001, 0.0001},
		{"over the date line", -17, 179.9, -17, -179.9, 21.3, 0.2},
		{"over a pole", 89, 0, 89, 180, 222.4, 0.2},
		{"one pole, two meridians", 90, 0, 90, 120, 0, 0.001},
		{"pole to pole", 90, 0, -90, 77, math.Pi * earthRadius, 0.001},
		{"the other side", 0, 0, 0, 180, math.Pi * earthRadius, 0.001},
		{"the other side, near", 12.3, 45.6, -12.3, -134.4, math.Pi * earthRadius, 0.001},
		{"180 degrees twice", 10, 180, 10, -180, 0, 0.001},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, got := range []float64{greatCircle(tc.lat1, tc.lon1, tc.lat2, tc.lon2), greatCircle(tc.lat2, tc.lon2, tc.lat1, tc.lon1)} {
				if math.IsNaN(got) || math.Abs(got-tc.want) > tc.within {
					t.Errorf("got %v km, want %v", got, tc.want)
				}
			}
		})
	}
}

func TestPositioned(t *testing.T) {
	for _, tc := range []struct {
		name   string
		origin *parsers.Origin
		want   bool
	}{
		{"nothing known", nil, false},
		{"no position", &parsers.Origin{Latitude: 52, Longitude: 13}, false},
		{"Null Island, for real", &parsers.Origin{RadiusKM: 1}, true},
		{"the poles and the date line", &parsers.Origin{Latitude: -90, Longitude: 180, RadiusKM: 1}, true},
		{"no latitude", &parsers.Origin{Latitude: 90.1, RadiusKM: 1}, false},
		{"no longitude", &parsers.Origin{Longitude: -180.1, RadiusKM: 1}, false},
		{"NaN", &parsers.Origin{Latitude: math.NaN(), RadiusKM: 1}, false},
		{"NaN radius", &parsers.Origin{RadiusKM: math.NaN()}, false},
		{"anywhere", &parsers.Origin{RadiusKM: math.Inf(1)}, false},
		{"behind us", &parsers.Origin{RadiusKM: -1}, false},
		{"private", &parsers.Origin{RadiusKM: 1, Traits: parsers.Reserved}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := positioned(tc.origin); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestGroupByBearer(t *testing.T) {
	for _, tc := range []struct {
		name, byToken, byUser string
		r                     parsers.Request
	}{
		{"nobody", "", "", parsers.Request{ClientIP: "192.0.2.1"}},
		{"user", "user alice", "user alice", parsers.Request{User: "alice"}},
		{"token", "token tok_1", "token tok_1", parsers.Request{Token: "tok_1", Session: "ses_1"}},
		{"session", "session ses_1", "session ses_1", parsers.Request{Session: "ses_1"}},
		{"token of a user", "token tok_1", "user alice", parsers.Request{Token: "tok_1", User: "alice"}},
		{"API key", "", "", parsers.Request{APIKey: "key_1"}},
		{"user served by a key", "", "", parsers.Request{APIKey: "key_1", User: "alice"}},
		{"token beside a key", "token tok_1", "user alice", parsers.Request{APIKey: "key_1", Token: "tok_1", User: "alice"}},
		{"user named like a token", "user tok_1", "user tok_1", parsers.Request{User: "tok_1"}},
		{"nobody in particular", "", "", parsers.Request{User: "AnonymousUser"}},
		{"token of nobody in particular", "token tok_1", "token tok_1", parsers.Request{User: "guest", Token: "tok_1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := string(ByToken.Key(&tc.r, nil)); got != tc.byToken {
				t.Errorf("by token: got %q, want %q", got, tc.byToken)
			}
			if got := string(ByUser.Key(&tc.r, nil)); got != tc.byUser {
				t.Errorf("by user: got %q, want %q", got, tc.byUser)
			}
		})
	}
}

func TestProgramTag(t *testing.T) {
	const (
		chrome  = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"
		updated = "Mozilla/5.0 (Macintosh; Intel Mac OS X 11_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.6312.58 Safari/537.36"
		firefox = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:123.0) Gecko/20100101 Firefox/123.0"
	)
	for _, tc := range []struct {
		name, a, b string
		same       bool
	}{
		{"an update", chrome, updated, true},
		{"another browser", chrome, firefox, false},
		{"another program", "curl/8.5.0", "python-requests/2.31.0", false},
		{"digits only", "8.5", "", false},
		{"very long", strings.Repeat("A", 300) + "B", strings.Repeat("A", 300) + "C", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := programTag(tc.a) == programTag(tc.b); got != tc.same {
				t.Errorf("same: got %v", got)
			}
		})
	}
	if programTag("") != 0 {
		t.Error("no user agent has a tag")
	}
}

func TestPrefixTag(t *testing.T) {
	for _, tc := range []struct {
		name, a, b string
		same       bool
	}{
		{"one /24", "192.0.2.1", "192.0.2.254", true},
		{"two /24", "192.0.2.1", "192.0.3.1", false},
		{"one /48", "2001:db8:1::1", "2001:db8:1:ffff::1", true},
		{"two /48", "2001:db8:1::1", "2001:db8:2::1", false},
		{"mapped", "::ffff:192.0.2.1", "192.0.2.9", true},
		{"zone", "2001:db8:1::1%eth0", "2001:db8:1::2", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := prefixTag(tc.a, 24, 48), prefixTag(tc.b, 24, 48)
			if a == 0 || b == 0 || (a == b) != tc.same {
				t.Errorf("got %x and %x", a, b)
			}
		})
	}
	for _, address := range []string{"", "host.example", "10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1", "100.64.1.1", "fe80::1%eth0", "fd00::1", "0.0.0.0", "1.2.3.4.5"} {
		if got := prefixTag(address, 24, 48); got != 0 {
			t.Errorf("%q: got %x, want none", address, got)
		}
	}
}

func TestMobileCarrier(t *testing.T) {
	for org, want := range map[string]bool{
		"": false, "Example Mobile": true, "T-Mobile US": true, "EXAMPLE WIRELESS LLC": true, "Cellco Partnership": true,
		"Telefonica Móviles": true, "Example Telecom": false, "m": false, "Automobile Club": false, "example.mobile": true, "Wire": false, "\xff\xfe": false,
	} {
		if got := mobileCarrier(org); got != want {
			t.Errorf("%q: got %v", org, got)
		}
	}
}

// A request of an ordinary person costs these detectors no memory once it is known where
// and with what it comes.
func TestReplayAllocatesNothing(t *testing.T) {
	r := &parsers.Request{
		Time: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Source: &parsers.Source{ID: 1}, Line: 1, ClientIP: "203.0.113.9", Method: "GET", Path: "/api/v1/me",
		Status: 200, User: "alice", Token: "tok_0123456789ab", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/123.0",
		Origin: &parsers.Origin{Country: "DE", ASN: 64500, Org: "Example Telecom", Latitude: 52.5, Longitude: 13.4, RadiusKM: 20, Traits: parsers.VPN},
	}
	for _, d := range replayDetectors() {
		state, key := d.New(), make([]byte, 0, 64)
		emit := func(e Event) { t.Errorf("%s: %s", d.Name, e.Summary) }
		step := func() {
			if d.Match(r) && len(d.GroupBy.Key(r, key)) > 0 {
				state.Observe(r, emit)
			}
		}
		step()
		if got := testing.AllocsPerRun(100, step); got != 0 {
			t.Errorf("%s: %v allocations", d.Name, got)
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	requests := replayTraffic(1, 1000)
	for _, d := range replayDetectors() {
		b.Run(d.Name+"/match", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				d.Match(requests[i%len(requests)])
			}
		})
	}
}
