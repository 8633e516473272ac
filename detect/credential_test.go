package detect

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

func TestByCredential(t *testing.T) {
	tests := []struct {
		name string
		r    parsers.Request
		want string
	}{
		{"key first", parsers.Request{APIKey: "key_1", Token: "tok_1", User: "anna"}, "api_key key_1"},
		{"token before user", parsers.Request{Token: "tok_1", User: "anna"}, "token tok_1"},
		{"user", parsers.Request{User: "anna", Session: "ses_1"}, "user anna"},
		{"session and address are none", parsers.Request{Session: "ses_1", ClientIP: "192.0.2.1"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(ByCredential.Key(&test.r, nil)); got != test.want {
				t.Errorf("ByCredential = %q, want %q", got, test.want)
			}
		})
	}
}

func TestUsesCredential(t *testing.T) {
	tests := []struct {
		name string
		r    parsers.Request
		want bool
	}{
		{"nobody", parsers.Request{Status: 200, ClientIP: "192.0.2.1"}, false},
		{"granted", parsers.Request{Status: 200, APIKey: "key_1"}, true},
		{"not allowed", parsers.Request{Status: 403, APIKey: "key_1"}, true},
		{"refused", parsers.Request{Status: 401, APIKey: "key_1"}, false},
		{"only claimed", parsers.Request{Status: 422, User: "anna", Event: LoginFailed}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := usesCredential(&test.r); got != test.want {
				t.Errorf("usesCredential = %v", got)
			}
		})
	}
}

func TestAgentTag(t *testing.T) {
	tests := []struct {
		a, b string
		same bool
	}{
		{"shop/1.4", "shop/2.10.3", true},
		{"shop/1.4", "shop", false},
		{"shop/1.4", "cart/1.4", false},
		{"", "-", false},
		{"", "1.2.3", true},
	}
	for _, test := range tests {
		if same := agentTag(test.a) == agentTag(test.b); same != test.same {
			t.Errorf("%q and %q: same = %v", test.a, test.b, same)
		}
	}
}

// What a key is known by stays, but its events end after the window: long before rules
// forget them.
func TestEventsEndBeforeHistory(t *testing.T) {
	for _, d := range All() {
		if m := d.machine(); m.TTL > maxSpan && (m.Quiet == 0 || m.Quiet > maxSpan) {
			t.Errorf("%s: TTL %v, Quiet %v", d.Name, m.TTL, m.Quiet)
		}
	}
	var told []int64
	p := NewPipeline(learner(), []*Detector{KeyRate()}, nil, 1, Sink{Event: func(e Event) { told = append(told, e.Count) }})
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	var requests []*parsers.Request
	for range 700 {
		requests = append(requests, &parsers.Request{Time: at, APIKey: "key_1", Status: 200})
	}
	p.Advance(requests, at.Add(time.Minute))
	if fmt.Sprint(told) != "[601]" {
		t.Fatalf("counts told %d", told)
	}
	p.Advance(nil, at.Add(time.Minute+1))
	if fmt.Sprint(told) != "[601 700]" {
		t.Errorf("counts told after a minute of quiet %d", told)
	}
	if keys := p.Stats().Keys; keys != 1 {
		t.Errorf("%d keys remembered", keys)
	}
}

// However a key is used, a state stays small.
func TestCredentialStatesAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	for _, d := range []*Detector{KeyRate(), KeyGeo(), KeyRoutes(), NewDevice()} {
		t.Run(d.Name, func(t *testing.T) {
			s := d.New()
			at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
			for n := range 30_000 {
				r := &parsers.Request{
					Time: at.Add(time.Duration(n) * 7 * time.Second), Line: int64(n), Status: 200, Event: LoginSuccess,
					APIKey: "key_1", User: "anna", Route: fmt.Sprintf("/a%d/b", n), UserAgent: fmt.Sprintf("p%cq%c/1", rune(0x4e00+n), rune(0x4e00+n)),
					ClientIP: fmt.Sprintf("2001:%x::1", n%0xffff),
				}
				if n%2 == 0 {
					r.Origin = &parsers.Origin{Country: fmt.Sprintf("%c%c", 'A'+n%26, 'A'+n/26%26), ASN: uint32(n)}
				}
				s.Observe(r, func(Event) {})
			}
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > 32<<10 {
				t.Errorf("%d bytes: %.400s", len(b), b)
			}
		})
	}
}

// What most requests do costs no allocation.
func TestCredentialsOnTheCommonPath(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, d := range []*Detector{KeyRate(), KeyGeo(), KeyRoutes()} {
		t.Run(d.Name, func(t *testing.T) {
			s := d.New()
			r := &parsers.Request{
				Time: at, Status: 200, APIKey: "key_1", Route: "/orders", UserAgent: "shop/1.4", ClientIP: "203.0.113.9",
			}
			other := &parsers.Request{Time: at, Status: 200, ClientIP: "203.0.113.9", Route: "/orders"}
			emit := func(Event) {}
			key := make([]byte, 0, 64)
			s.Observe(r, emit)
			if n := testing.AllocsPerRun(100, func() {
				for _, ip := range []string{"203.0.113.9", "203.0.113.10"} {
					r.ClientIP = ip
					d.Match(r)
					key = d.GroupBy.Key(r, key[:0])
					s.Observe(r, emit)
				}
				d.Match(other)
			}); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func BenchmarkCredentials(b *testing.B) {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, d := range []*Detector{KeyRate(), KeyGeo(), KeyRoutes()} {
		b.Run(d.Name, func(b *testing.B) {
			s := d.New()
			r := &parsers.Request{
				Time: at, Status: 200, APIKey: "key_1", Route: "/orders", UserAgent: "shop/1.4", ClientIP: "203.0.113.9",
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				r.Time = at.Add(time.Duration(n) * time.Second / 5)
				r.ClientIP = [2]string{"203.0.113.9", "203.0.113.10"}[n%2]
				if d.Match(r) {
					s.Observe(r, func(Event) {})
				}
			}
		})
	}
}
