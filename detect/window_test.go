package detect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/litesoc/litesoc/parsers"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A window of the last n within a span is full exactly when some n requests lie within
// it: held against the plain way of keeping all of them.
func TestWindowAgainstAll(t *testing.T) {
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		limit, span := chance.IntN(6)+1, time.Duration(chance.IntN(20))*time.Second
		var w, distinct Window
		var all []Mark
		at := noon
		for n := range 60 {
			at = at.Add(time.Duration(chance.IntN(8)) * time.Second)
			m := Mark{At: at, Tag: uint64(chance.IntN(8)), Evidence: Evidence{Line: int64(n)}}
			w.Slide(m, span, limit)
			distinct.SlideDistinct(m, span, limit)
			all = append(all, m)
			within, tags := 0, map[uint64]bool{}
			for _, o := range all {
				if at.Sub(o.At) <= span {
					within++
					tags[o.Tag] = true
				}
			}
			if got, want := len(w), min(within, limit); got != want {
				t.Fatalf("seed %d: %d in the window, want %d (limit %d, span %v)", seed, got, want, limit, span)
			}
			if got, want := len(distinct), min(len(tags), limit); got != want {
				t.Fatalf("seed %d: %d distinct in the window, want %d (limit %d, span %v)", seed, got, want, limit, span)
			}
			if !slices.Equal(w, all[len(all)-len(w):]) {
				t.Fatalf("seed %d: not the last ones: %v", seed, w)
			}
		}
	}
}

// The oldest are those that sorting finds, however many, whatever ties.
func TestOldest(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 6))
	for range 2000 {
		var all []seen
		times := 1 + chance.IntN(20)
		for i := range chance.IntN(60) {
			all = append(all, seen{int64(chance.IntN(times)), uint64(i)})
		}
		chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		sorted := func(all []seen) []seen {
			return slices.SortedFunc(slices.Values(all), func(a, b seen) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.tag, b.tag)) })
		}
		n := chance.IntN(len(all) + 1)
		want := sorted(all)[:n]
		if got := sorted(oldest(all, n)); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestDistinct(t *testing.T) {
	var d Distinct
	for n := range uint64(MaxDistinct - 1) {
		d.Add(n * 7919)
		d.Add(n * 7919)
	}
	if got := d.of("path", "paths"); got != "999 paths" {
		t.Errorf("got %q", got)
	}
	d.Add(1)
	d.Add(2)
	if got := d.of("path", "paths"); got != "1000 or more paths" || len(d) != MaxDistinct || !slices.IsSorted(d) {
		t.Errorf("got %q, %d", got, len(d))
	}
	if got := (Distinct{4}).of("path", "paths"); got != "1 path" {
		t.Errorf("got %q", got)
	}
}

func TestEpisode(t *testing.T) {
	source := &parsers.Source{ID: 3}
	request := func(after time.Duration, line int64) *parsers.Request {
		return &parsers.Request{Time: noon.Add(after), Source: source, Line: line, ClientIP: "192.0.2.1", Route: "/a"}
	}
	var told []Event
	emit := func(e Event) { told = append(told, e) }
	describe := func(e *Event) { e.Summary = fmt.Sprintf("%d", e.Count) }

	e := begin(request(2*time.Second, 3), Window{{At: noon, Evidence: Evidence{3, 1}}, {At: noon.Add(time.Second), Evidence: Evidence{3, 2}}, {At: noon.Add(2 * time.Second), Evidence: Evidence{3, 3}}})
	e.reach(Medium, Attempted)
	e.tell(emit, describe) // new
	e.extend(request(3*time.Second, 4))
	e.reach(Low, Blocked) // no less than it was
	e.tell(emit, describe)
	e.reach(High, Attempted)
	e.tell(emit, describe) // worse
	e.reach(High, Succeeded)
	e.tell(emit, describe) // further
	e.extend(request(time.Hour, 5))
	e.tell(emit, describe)
	e.extend(request(time.Hour+3*time.Second, 6))
	e.tell(emit, describe) // an hour later
	e.end(emit, describe)  // nothing new
	for n := range int64(20) {
		e.extend(request(2*time.Hour, 7+n))
	}
	e.end(emit, describe)

	var got []string
	for _, e := range told {
		got = append(got, fmt.Sprintf("%s %v %s", e.Summary, e.Severity, e.Outcome))
	}
	want := []string{"3 medium attempted", "4 high attempted", "4 high succeeded", "6 high succeeded", "26 high succeeded"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	last := told[len(told)-1]
	var lines []int64
	for _, v := range last.Evidence {
		lines = append(lines, v.Line)
	}
	if want := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21, 22, 23, 24, 25, 26}; !slices.Equal(lines, want) || len(lines) != MaxEvidence {
		t.Errorf("evidence %v, want %v", lines, want)
	}
	if len(told[0].Evidence) != 3 || told[0].Evidence[0].Line != 1 {
		t.Errorf("what was told changed afterwards: %v", told[0].Evidence)
	}
	if !last.First.Equal(noon) || !last.Last.Equal(noon.Add(2*time.Hour)) || last.Route != "/a" {
		t.Errorf("first %v, last %v, route %q", last.First, last.Last, last.Route)
	}
	other := request(3*time.Hour, 99)
	other.Route = "/b"
	if e.extend(other); e.Route != "" {
		t.Errorf("route %q though there are two", e.Route)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name, value string
		ok          bool
	}{
		{"limit", "1", true}, {"limit", "10000", true},
		{"limit", "0", false}, {"limit", "-3", false}, {"limit", "10001", false}, {"limit", "many", false},
		{"window", "1s", true}, {"window", "168h", true},
		{"window", "0s", false}, {"window", "-1m", false}, {"window", "169h", false}, {"window", "300", false},
		{"nothing", "1", false},
	} {
		d := Enumeration()
		err := d.Flags.Set(c.name, c.value)
		if (err == nil) != c.ok {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
	}
	d := Enumeration()
	for name, value := range map[string]string{"limit": "2", "few-paths": "1", "window": "10s"} {
		if err := d.Flags.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	log := `x4 +5s 203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a{n} HTTP/1.1" 404 0 "-" "-"`
	out := string(run([]*Detector{d}, read(t, parsers.NginxCombined(), log))["events"])
	if !strings.Contains(out, `"count":3`) || !strings.Contains(out, "(threshold: more than 2 within 10 s)") {
		t.Errorf("settings are not heeded:\n%s", out)
	}
}

func TestText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 s", 1400 * time.Millisecond: "1 s", 300 * time.Second: "300 s", 599 * time.Second: "599 s",
		10 * time.Minute: "10 min", 119 * time.Minute: "119 min", 2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	for _, c := range []struct{ id, typ, want string }{
		{"203.0.113.9", "ip", "203.0.113.9"},
		{"2001:db8::1", "ip", "2001:db8::1"},
		{"evil\x1b[31m", "ip", `client "evil\x1b[31m"`},
		{"", "ip", `client ""`},
		{"2001:db8::1%" + strings.Repeat("z", 90), "ip", `client "2001:db8::1%` + strings.Repeat("z", 68) + `…"`},
		{"alice\u202e", "user", `user "alice\u202e"`},
		{"key_0123456789ab", "api_key", `API key "key_0123456789ab"`},
		{"ses_0123456789ab", "session", `session "ses_0123456789ab"`},
	} {
		if got := who(c.id, c.typ); got != c.want {
			t.Errorf("%q: got %s, want %s", c.id, got, c.want)
		}
	}
	if got := clip(strings.Repeat("ä", 100)); !utf8.ValidString(got) || len(got) > maxText+len("…") {
		t.Errorf("clipped to %q", got)
	}
	meta := Meta("b", 1, "a", []string{"x<y"}, "c", 0.5, "n", uint64(1<<63))
	if want := `{"b":1,"a":["x\u003cy"],"c":0.5,"n":9223372036854775808}`; string(meta) != want || !json.Valid(meta) {
		t.Errorf("got %s", meta)
	}
	if got := string(Meta()); got != "{}" {
		t.Errorf("got %s", got)
	}
}

func TestSeverity(t *testing.T) {
	for s := Info; s <= Critical; s++ {
		text, _ := s.MarshalText()
		var back Severity
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%v is read as %v (%v)", s, back, err)
		}
	}
	if _, err := ParseSeverity("grave"); err == nil {
		t.Error("grave is a severity")
	}
}

func TestObjectID(t *testing.T) {
	for _, c := range []struct {
		target string
		want   uint64
		ok     bool
	}{
		{"/users/1001", 1001, true},
		{"/users/1001/", 1001, true},
		{"//users//1001/posts", 1001, true},
		{"/orgs/7/users/1001", 1001, true},
		{"/users/1001;v=2", 1001, true},
		{"/users/18446744073709551616", 0, false},
		{"/users/9999999999999999999", 9999999999999999999, true},
		{"/blog/page/7", 0, false},
		{"/tiles/3/5", 0, false},
		{"/users", 0, false},
		{"/invoice?id=7", 7, true},
		{"/invoice?user_id=7&x=1", 7, true},
		{"/invoice?x=1&orderId=7", 7, true},
		{"/invoice?page=7", 0, false},
		{"/invoice?after_id=7", 0, false},
		{"/invoice?lastId=7", 0, false},
		{"/invoice?id=7a", 0, false},
		{"/invoice?id=", 0, false},
		{"/invoice?valid=7", 0, false},
		{"/users/5?id=7", 5, true},
		{"/users?ids=7", 7, true},
		{"/users?ids=9,8,7,10", 7, true},
		{"/users?ids=7&ids=8", 7, true},
		{"/users?ids%5B%5D=7&ids%5B%5D=8", 7, true},
		{"/users?ids[0]=8&ids[1]=7", 7, true},
		{"/users?filter[id][in]=7%2C8", 7, true},
		{"/users?id=in.(7,8)", 7, true},
		{"/users?id=U-7|U-8", 7, true},
		{"/users?ids=7,8,20", 0, false},
		{"/users?ids=7,x", 0, false},
		{"/users?id=7&id=x", 7, true},
		{"/users?id=7&id=9000", 9007, true}, // whichever the server takes
		{"/users?ids=1,9000000000000000000", 0, false},
		{"/users?ids=7,7", 7, true},
		{"/users/5?ids=7,8", 5, true},
		{"/users?kids=7,8", 0, false},
	} {
		path, query, _ := strings.Cut(c.target, "?")
		f := featuresOf(&parsers.Request{Path: path, Route: parsers.Route(path), Query: query})
		got, ok := f.id, f.hasID
		if got != c.want || ok != c.ok {
			t.Errorf("%s (%s): got %d, %v, want %d, %v", c.target, parsers.Route(path), got, ok, c.want, c.ok)
		}
	}
}

// All places of a route that are for numbers have theirs, from the last one on.
func TestOuterIDs(t *testing.T) {
	for path, want := range map[string]string{
		"/users/7":                 "7",
		"/users/7/orders/1":        "1, 7 of /users/{id}",
		"/orgs/3/users/7/orders/1": "1, 7 of /orgs/{id}/users/{id}, 3 of /orgs/{id}",
		"/users/7/invoices/17.pdf": "17, 7 of /users/{id}",
		"/users/7/weeks/12":        "none, 7 of /users/{id}",
		"/users/7/photos/17,18":    "17, 7 of /users/{id}",
		"/users/7/docs/3f2b1001-1a2b-4c3d-8e9f-0123456789ab": "7",
		"/users/7/2026/03/01":                                "7",
		"/maps/7/34/22":                                      "none",
		"/maps/7/34/22.png":                                  "none",
		"/shops/65f1a2b3c4d5e6f7a8001009/orders/65f1a2b3c4d5e6f7a800100a": "4960124515968356362, 4960124515968356361 of /shops/{hash}",
	} {
		f := featuresOf(&parsers.Request{Path: path, Route: parsers.Route(path)})
		got := "none"
		if f.hasID {
			got = fmt.Sprint(f.id)
		}
		for _, o := range f.outer {
			got += fmt.Sprintf(", %d of %s", o.number, o.place)
		}
		if got != want {
			t.Errorf("%s (%s): got %s, want %s", path, parsers.Route(path), got, want)
		}
	}
}

// In whatever order ids come, the run around the last one holds it, has no step that is
// too wide and fills its range.
func TestRunIsDense(t *testing.T) {
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		least, gap, density, window := 4, 5, 60, time.Hour
		s := &sequentialIDs{sequentialSettings: &sequentialSettings{&least, &gap, &density, &window}}
		for n := range 12 {
			id := uint64(chance.IntN(40))
			v := visit{At: momentOf(noon.Add(time.Duration(n) * time.Second)), Tag: id}
			if chance.IntN(3) == 0 {
				v.Stretch = uint32(chance.IntN(6))
			}
			lo, hi, filled := s.run(s.visit(v))
			if lo >= hi || s.Visits[lo].Tag > id || s.Visits[hi-1].Tag < id {
				t.Fatalf("seed %d: run %d to %d of %v is not around %d", seed, lo, hi, s.Visits, id)
			}
			for i := lo + 1; i < hi; i++ {
				if s.Visits[i].Tag > s.Visits[i-1].last()+uint64(gap) {
					t.Fatalf("seed %d: run %v has a gap", seed, s.Visits[lo:hi])
				}
			}
			if span := s.Visits[hi-1].last() - s.Visits[lo].Tag + 1; filled*100 < uint64(density)*span || filled > span {
				t.Fatalf("seed %d: run %v is sparse", seed, s.Visits[lo:hi])
			}
		}
	}
}

func TestEvidenceOfSuccess(t *testing.T) {
	r := &parsers.Request{Time: noon, Line: 1}
	e := begin(r, Window{mark(r, 0)})
	for r.Line++; r.Line <= 12; r.Line++ {
		e.extend(r)
	}
	e.reach(High, Succeeded)
	if got := e.then(); got != "; then, at 12:00:00, " {
		t.Errorf("then is %q at once", got)
	}
	for ; r.Line <= 40; r.Line++ {
		e.extend(r)
		e.reach(High, Succeeded)
	}
	var lines []int64
	for _, v := range e.Evidence {
		lines = append(lines, v.Line)
	}
	if want := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 36, 37, 38, 39, 40}; !slices.Equal(lines, want) {
		t.Errorf("evidence %v, want %v", lines, want)
	}
	if got := e.then(); got != "; after 12 of them, at 12:00:00, " {
		t.Errorf("then is %q later", got)
	}
	e.First = e.First.AddDate(0, 0, -1)
	if got := e.then(); got != "; after 12 of them, at "+noon.Format("2006-01-02")+" 12:00:00, " {
		t.Errorf("then is %q a day later", got)
	}
	e.Proved = time.Time{}
	if got := e.then(); got != "; after 12 of them " {
		t.Errorf("then is %q in what an earlier version saved", got)
	}
}
