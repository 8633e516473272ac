package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A set of regulars forgets nobody before it was full twice, takes few strangers for
// regulars, stays small, and is the same after JSON.
func TestRegulars(t *testing.T) {
	var s regulars
	name := func(i int) uint64 { return tag(fmt.Sprintf("192.0.2.%d", i)) }
	for _, n := range []int{1, MaxDistinct - 1, MaxDistinct, MaxDistinct + 1, filterTags, filterTags + 2000} {
		for i := range n {
			s.add(name(i))
		}
		for i := range n {
			if !s.has(name(i)) {
				t.Fatalf("of %d, number %d is not known", n, i)
			}
		}
		wrong := 0
		for i := range 20_000 {
			if s.has(name(1_000_000 + i)) {
				wrong++
			}
		}
		if n < MaxDistinct && wrong > 0 || wrong > 300 {
			t.Errorf("of %d, %d strangers of 20000 are taken for regulars", n, wrong)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again regulars
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if b2, _ := json.Marshal(again); !bytes.Equal(b, b2) {
			t.Errorf("of %d, JSON differs the second time", n)
		}
		if len(b) > 3*filterBytes {
			t.Errorf("of %d, %d bytes", n, len(b))
		}
		for i := range n {
			if !again.has(name(i)) {
				t.Fatalf("of %d, number %d is not known after JSON", n, i)
			}
		}
	}
	if s.more(filterTags) != true || (&regulars{}).more(1) {
		t.Error("more")
	}
}

func TestFamiliar(t *testing.T) {
	var f familiar
	for i := range uint64(maxFamiliar) {
		f.add(i)
	}
	f.add(0) // seen again: the last one to go
	f.add(1000)
	if len(f) != maxFamiliar || f.has(1) || !f.has(0) || !f.has(2) || f[maxFamiliar-1] != 1000 || f[maxFamiliar-2] != 0 {
		t.Errorf("%v", f)
	}
}

func TestLately(t *testing.T) {
	var l lately
	l.add(1, noon, time.Minute)
	l.add(2, noon.Add(time.Minute), time.Minute)
	for _, c := range []struct {
		after    time.Duration
		one, two bool
		size     int
	}{
		{time.Minute, true, true, 2},
		{61 * time.Second, true, true, 2},
		{2 * time.Minute, true, true, 2},
		{181 * time.Second, false, false, 0},
	} {
		at := noon.Add(c.after)
		if one, two, n := l.has(1, at, time.Minute), l.has(2, at, time.Minute), l.size(at, time.Minute); one != c.one || two != c.two || n != c.size {
			t.Errorf("after %v: %v %v %d", c.after, one, two, n)
		}
	}
}

func TestAttempts(t *testing.T) {
	var a attempts
	try := func(account string, after time.Duration) {
		a.add(&parsers.Request{Time: noon.Add(after), User: account}, time.Minute, 3, 3)
	}
	said := func() (s []string) {
		for _, t := range a {
			s = append(s, fmt.Sprint(t.Account, 1+len(t.Before)))
		}
		return s
	}
	for _, c := range []struct {
		account string
		after   time.Duration
		want    []string
	}{
		{"ada", 0, []string{"ada1"}},
		{"bob", time.Second, []string{"ada1", "bob1"}},
		{"ADA ", 2 * time.Second, []string{"bob1", "ada2"}},
		{"ada", 3 * time.Second, []string{"bob1", "ada3"}},
		{"ada", 4 * time.Second, []string{"bob1", "ada3"}}, // no more than three are told apart
		{"cid", 61 * time.Second, []string{"bob1", "ada3", "cid1"}},
		{"dan", 61 * time.Second, []string{"ada3", "cid1", "dan1"}}, // no more than three accounts
		{"ada", 64 * time.Second, []string{"cid1", "dan1", "ada2"}}, // what is a minute old still counts
		{"eve", 122 * time.Second, []string{"ada2", "eve1"}},
	} {
		if try(c.account, c.after); !slices.Equal(said(), c.want) {
			t.Fatalf("after %s at %v: %v, want %v", c.account, c.after, said(), c.want)
		}
	}
	if was, found := a.take(accountTag(&parsers.Request{User: "Ada"})); !found || was.Account != "ada" || len(a) != 1 {
		t.Errorf("%v %v %v", was, found, a)
	}
}

// Places are addresses, but an IPv6 network of one customer is one place.
func TestPlaceTag(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"nonsense", "nonsense2", false},
		{"", "", true},
	} {
		if same := placeTag(&parsers.Request{ClientIP: c.a}) == placeTag(&parsers.Request{ClientIP: c.b}); same != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, same)
		}
	}
	for _, ip := range []string{"192.0.2.1", "2001:db8:0:1::1", "2001:db8:12:14::2", "2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8::1", "2001:DB8:1:2::3", "::1",
		"nonsense", strings.Repeat("x", 255), strings.Repeat("x", 256), ""} {
		r := &parsers.Request{ClientIP: ip, ClientNotes: &parsers.ClientNotes{}}
		place, key := placeTag(r), string(appendClientOf(nil, r))
		if want := string(appendClient(nil, ip)); key != want {
			t.Errorf("%q: %s, want %s", ip, key, want)
		}
		setPlace(r)
		if r.PlaceTag != place || string(appendClientOf(nil, r)) != key {
			t.Errorf("%q: %s with its tag, %s without", ip, appendClientOf(nil, r), key)
		}
		if noted, length := r.ClientNotes.Place(); noted != place || length != r.PlaceLen {
			t.Errorf("%q: %d and %d are noted, want %d and %d", ip, noted, length, place, r.PlaceLen)
		}
	}
}

// A botnet larger than what is told apart is found, and takes no more memory than that.
func TestLargeBotnet(t *testing.T) {
	d := DistributedBruteForce()
	s := d.New().(*distributed)
	var last Event
	told := 0
	emit := func(e Event) { last, told = e, told+1 }
	for i := range 3 * maxMembers {
		s.Observe(&parsers.Request{
			Time: noon.Add(time.Duration(i) * 10 * time.Millisecond), Line: int64(i + 1), Route: "/login", Event: LoginFailed,
			ClientIP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), User: fmt.Sprintf("user%d", i), UserAgent: "bot",
		}, emit)
		if len(s.Members) > maxMembers || len(s.Agents) > maxAgents || len(s.Seen) > MaxDistinct || len(s.Logins) > 601 {
			t.Fatalf("after %d: %d members, %d agents, %d seen, %d seconds", i, len(s.Members), len(s.Agents), len(s.Seen), len(s.Logins))
		}
	}
	s.Expire(emit)
	if told != 2 || last.Count != 3*maxMembers || s.Campaign != nil {
		t.Errorf("told %d times, %d requests", told, last.Count)
	}
}

// TestIdentify holds what a request is told to be by its event: the account of a login, and the
// token that one refreshes or logs out.
func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		name        string
		request     parsers.Request
		user, token string
	}{
		{"a login by its body", parsers.Request{Event: LoginFailed, Body: "username=alice"}, "alice", ""},
		{"a login by its query", parsers.Request{Event: LoginSuccess, Query: "username=alice"}, "alice", ""},
		{"a login by both", parsers.Request{Event: LoginFailed, Body: "username=alice", Query: "username=bob"}, "alice", ""},
		{"a login of whom the log names", parsers.Request{Event: LoginFailed, User: "carol", Body: "username=alice"}, "carol", ""},
		{"no login", parsers.Request{Event: UserCreated, Body: "username=alice"}, "", ""},
		{"a refresh", parsers.Request{Event: TokenRefreshed, Body: "refresh_token=tok_0123456789ab"}, "", "tok_0123456789ab"},
		{"a refresh that is refused", parsers.Request{Event: APIKeyInvalid, Body: "refresh=tok_0123456789ab"}, "", "tok_0123456789ab"},
		{"a logout", parsers.Request{Event: SessionExpired, Body: "refresh_token=tok_0123456789ab"}, "", "tok_0123456789ab"},
		{"a refresh with another token", parsers.Request{Event: TokenRefreshed, Token: "tok_fedcba987654", Body: "refresh_token=tok_0123456789ab"}, "", "tok_fedcba987654"},
		{"a token of something else", parsers.Request{Event: Export, Body: "refresh_token=tok_0123456789ab"}, "", ""},
		{"another field", parsers.Request{Event: TokenRefreshed, Body: "csrf=tok_0123456789ab"}, "", ""},
		{"no fingerprint", parsers.Request{Event: TokenRefreshed, Body: "refresh_token=x"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			Identify(&c.request)
			if c.request.User != c.user || c.request.Token != c.token {
				t.Errorf("got user %q, token %q, want %q, %q", c.request.User, c.request.Token, c.user, c.token)
			}
		})
	}
}

// TestRelearns holds who has new passwords to relearn, to those who fail a few times and mostly get
// in: stolen passwords are seldom right at the third try.
func TestRelearns(t *testing.T) {
	for _, c := range []struct {
		name              string
		in, out, stubborn int // accounts that got in, that did not, and that did not and failed three times
		worst             int
		want              bool
	}{
		{"all got in", 12, 0, 0, 4, true},
		{"two of three", 8, 4, 0, 4, true},
		{"fewer", 7, 4, 0, 4, false},
		{"one of them failed too often", 12, 0, 0, 5, false},
		{"a fourth as many stay out for all their tries", 8, 0, 2, 4, true},
		{"more of them", 8, 0, 3, 4, false},
		{"nobody got in", 0, 12, 0, 4, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := guessing{Accounts: map[uint64]int{}, Worst: c.worst}
			add := func(n, failed int, in bool) {
				for range n {
					account := uint64(len(g.Accounts) + 1)
					if g.Accounts[account] = failed; in {
						g.Insiders.Add(account)
					}
				}
			}
			add(c.in, 3, true)
			add(c.out, 2, false)
			add(c.stubborn, 3, false)
			if got := g.relearns(2); got != c.want {
				t.Errorf("%t, want %t", got, c.want)
			}
		})
	}
}

// TestUnclearLogin holds which answers to a login form leave open whether it worked.
func TestUnclearLogin(t *testing.T) {
	for _, c := range []struct {
		method, path, key string
		status            int
		event             string
		want              bool
	}{
		{"POST", "/login", "", 302, LoginSuccess, true},
		{"POST", "/login", "", 399, LoginSuccess, true},
		{"POST", "/login", "", 401, LoginFailed, false},
		{"POST", "/login", "", 400, LoginSuccess, false},
		{"POST", "/login", "", 199, LoginSuccess, false},
		{"GET", "/login", "", 302, LoginSuccess, false},
		{"POST", "/login", "key_0123456789ab", 302, LoginSuccess, false},
		{"POST", "/orders", "", 302, "", false},
		{"POST", "/xmlrpc.php", "", 200, "", true},
		{"POST", "/xmlrpc.php", "", 302, "", false},
	} {
		r := &parsers.Request{Method: c.method, Path: c.path, APIKey: c.key, Status: c.status, Event: c.event}
		if got := unclearLogin(r); got != c.want {
			t.Errorf("%s %s %d %s: %t, want %t", c.method, c.path, c.status, c.event, got, c.want)
		}
	}
}

func TestMayShowLogin(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/login": true, "/login/": true, "/de/signin.php": true, "/sessions/new": true, "/session/new": true, "/users/sessions/new": true,
		"/sessions": false, "/orders/new": false, "/logins": false, "/login/help": false, "/" + strings.Repeat("login", 100): false,
	} {
		if got := mayShowLogin(path); got != want {
			t.Errorf("%q: %t, want %t", path, got, want)
		}
	}
}

// TestInUse holds which answers show that somebody has a token: all but those to one that ran out,
// and those of a server that failed.
func TestInUse(t *testing.T) {
	for status, want := range map[int]bool{0: false, 101: true, 199: false, 200: true, 302: true, 400: true, 401: false, 403: true, 404: true, 499: true, 500: false} {
		if got := inUse(&parsers.Request{Token: "tok_0123456789ab", Status: status}); got != want {
			t.Errorf("%d: %t, want %t", status, got, want)
		}
	}
	if inUse(&parsers.Request{Token: "tok_0123456789ab", Status: 204, Event: SessionExpired}) {
		t.Error("who logs out goes on")
	}
}
