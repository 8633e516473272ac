package parsers

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// served returns a request that was answered 200.
func served(path string) *Request { return &Request{Method: "GET", Status: 200, Shape: Route(path)} }

// word returns a word that says nothing of being an id.
func word(n int) string {
	const letters = "abcdefghij"
	text := fmt.Sprintf("%04d", n)
	b := []byte("rose")
	for i := range len(text) {
		b = append(b, letters[text[i]-'0'])
	}
	return string(b)
}

// The memory of a path goes to other requests once its batch is done.
func TestLearnRoutesKeepsNoPath(t *testing.T) {
	l := NewRouteLearner(10, nil)
	for i := range 11 {
		path := []byte("/files/" + word(i) + ".odt")
		r := served("")
		r.Shape = unsafe.String(&path[0], len(path))
		l.Observe(r)
		clear(path)
	}
	if got := l.Route("/files/other.odt"); got != "/files/{name}.odt" {
		t.Errorf("route %q", got)
	}
}

func TestLearnRoutes(t *testing.T) {
	l := NewRouteLearner(100, nil)
	for i := range 100 {
		r := served("/shops/" + word(i) + "/orders")
		if l.Observe(r); r.Route != r.Shape {
			t.Fatalf("shop %d: route %q, too early", i+1, r.Route)
		}
	}
	if l.Learned() {
		t.Fatal("learned from 100")
	}
	r := served("/shops/" + word(100) + "/orders")
	if l.Observe(r); r.Route != "/shops/{name}/orders" {
		t.Fatalf("shop 101: route %q", r.Route)
	}
	for shape, want := range map[string]string{
		"/shops/" + word(7) + "/orders":       "/shops/{name}/orders",
		"/shops/never-seen/orders":            "/shops/{name}/orders",
		"/shops/never-seen/orders/{id}":       "/shops/{name}/orders/{id}",
		"/shops/never-seen/elsewhere":         "/shops/{name}/elsewhere",
		"/shops":                              "/shops",
		"/shops/{id}":                         "/shops/{id}",
		"/shops/logo.png":                     "/shops/logo.png",
		"/other/" + word(7) + "/orders":       "/other/" + word(7) + "/orders",
		"/":                                   "/",
		"":                                    "",
		"shops/x":                             "shops/{name}",
		"*":                                   "*",
		"/shops/" + word(7) + "/orders/extra": "/shops/{name}/orders/extra",
	} {
		if got := l.Route(shape); got != want {
			t.Errorf("%q: route %q, want %q", shape, got, want)
		}
	}
}

// What lies below names is one: orders of all shops together make a template.
func TestLearnBelowNames(t *testing.T) {
	l := NewRouteLearner(20, nil)
	for i := range 400 {
		l.Observe(served("/shops/" + word(i%40) + "/goods/" + word(1000+i)))
	}
	if got := l.Route("/shops/x/goods/y"); got != "/shops/{name}/goods/{name}" {
		t.Errorf("route %q", got)
	}
}

func TestLearnKeepsWords(t *testing.T) {
	l := NewRouteLearner(100, nil)
	for i := range 300 {
		l.Observe(served("/users/" + word(i)))
		l.Observe(served("/users/me"))
	}
	if got := l.Route("/users/me"); got != "/users/me" {
		t.Errorf("what all ask for: route %q", got)
	}
	if got := l.Route("/users/" + word(5)); got != "/users/{name}" {
		t.Errorf("route %q", got)
	}
}

func TestLearnExtensions(t *testing.T) {
	l := NewRouteLearner(100, nil)
	for i := range 150 {
		l.Observe(served("/static/" + word(i) + ".js"))
	}
	l.Observe(served("/static/main.css"))
	for shape, want := range map[string]string{
		"/static/x.js":     "/static/{name}.js",
		"/static/main.css": "/static/main.css",
		"/static/about":    "/static/about",
	} {
		if got := l.Route(shape); got != want {
			t.Errorf("%q: route %q, want %q", shape, got, want)
		}
	}
}

// What is not there teaches nothing: whoever walks a list of words must not make the
// routes of a site one.
// TestLearnExtensionsBelowNames holds files to the names of theirs where the folders they lie in
// turn out to be names, too.
func TestLearnExtensionsBelowNames(t *testing.T) {
	l := NewRouteLearner(10, nil)
	for _, folder := range []string{"a", "b"} {
		for i := range 12 {
			l.Observe(served("/files/" + folder + "/" + word(i) + ".js"))
		}
	}
	for i := range 12 {
		l.Observe(served("/files/" + word(i) + "/index"))
	}
	for shape, want := range map[string]string{
		"/files/a/x.js":  "/files/{name}/{name}.js",
		"/files/z/x.js":  "/files/{name}/{name}.js",
		"/files/z/index": "/files/{name}/index",
		"/files/z/x.css": "/files/{name}/x.css",
	} {
		if got := l.Route(shape); got != want {
			t.Errorf("%q: route %q, want %q", shape, got, want)
		}
	}
}

func TestLearnOnlyServed(t *testing.T) {
	for _, r := range []Request{
		{Method: "GET", Status: 404}, {Method: "GET", Status: 403}, {Method: "POST", Status: 500},
		{Method: "GET", Status: 300}, {Method: "GET", Status: 303}, {Method: "GET", Status: 305}, {Method: "GET", Status: 199}, {Method: "GET"}, {Method: "OPTIONS", Status: 204},
	} {
		l := NewRouteLearner(10, nil)
		for i := range 1000 {
			r.Shape = "/api/" + word(i)
			l.Observe(&r)
		}
		if l.Learned() || l.branches > 0 {
			t.Errorf("%s %d: learned", r.Method, r.Status)
		}
	}
	for _, status := range []int{200, 299, 304} {
		l := NewRouteLearner(10, nil)
		for i := range 20 {
			l.Observe(&Request{Method: "GET", Status: status, Shape: "/api/" + word(i)})
		}
		if !l.Learned() {
			t.Errorf("GET %d: not learned", status)
		}
	}
}

func TestLearnTopOfSite(t *testing.T) {
	l := NewRouteLearner(100, nil)
	observe := func(n int) {
		for i := range n {
			l.Observe(served("/" + word(i)))
			l.Observe(served("/login"))
		}
	}
	if observe(900); l.Learned() {
		t.Fatal("learned too early")
	}
	observe(1100)
	if got := l.Route("/x") + " " + l.Route("/login"); got != "/{name} /login" {
		t.Errorf("routes %s", got)
	}
}

func TestLearnDeclared(t *testing.T) {
	l := NewRouteLearner(10, []string{"/users/me", "/users/{login}"})
	for i := range 100 {
		l.Observe(served("/users/" + word(i)))
	}
	r := served("/users/me")
	if l.Observe(r); r.Route != "/users/me" || l.Route("/users/me") != "/users/me" {
		t.Errorf("declared: route %q", r.Route)
	}
	if got := l.Route("/users/x"); got != "/users/{name}" {
		t.Errorf("route %q", got)
	}
	off := NewRouteLearner(0, nil)
	for i := range 5000 {
		r := served("/users/" + word(i))
		if off.Observe(r); r.Route != r.Shape {
			t.Fatalf("off: route %q", r.Route)
		}
	}
}

// Stopped and restored anywhere, it goes on as if it had not been.
func TestLearnRestored(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var requests []*Request
	shapes := map[string]string{} // those that lie where they lay before
	for range 4000 {
		path := ""
		for range 1 + rng.IntN(4) {
			path += "/" + word(rng.IntN([]int{2, 30, 200}[rng.IntN(3)]))
			if rng.IntN(8) == 0 {
				path += "." + []string{"js", "css"}[rng.IntN(2)]
			}
			if rng.IntN(8) == 0 {
				path += fmt.Sprintf("/%d", rng.IntN(1000))
			}
		}
		r := served(path)
		if shapes[r.Shape] == "" || rng.IntN(4) == 0 {
			shapes[r.Shape] = r.Shape
		}
		r.Shape = shapes[r.Shape]
		if rng.IntN(5) == 0 {
			r.Status = 404
		}
		requests = append(requests, r)
	}
	whole, cut := NewRouteLearner(12, nil), NewRouteLearner(12, nil)
	learned := 0
	for i, r := range requests {
		other := *r
		whole.Observe(r)
		if rng.IntN(50) == 0 {
			text, err := json.Marshal(cut)
			if err != nil {
				t.Fatal(err)
			}
			cut = NewRouteLearner(12, nil)
			if err := json.Unmarshal(text, cut); err != nil {
				t.Fatal(err)
			}
			if again, _ := json.Marshal(cut); string(again) != string(text) {
				t.Fatalf("saved twice:\n%s\n%s", text, again)
			}
		}
		if cut.Observe(&other); other.Route != r.Route {
			t.Fatalf("request %d: route %q, restored %q", i, r.Route, other.Route)
		}
		if r.Route != r.Shape {
			learned++
		}
	}
	a, _ := json.Marshal(whole)
	b, _ := json.Marshal(cut)
	if string(a) != string(b) {
		t.Errorf("memory differs:\n%s\n%s", a, b)
	}
	if whole.branches != whole.root.size() {
		t.Errorf("%d branches, counted %d", whole.root.size(), whole.branches)
	}
	if learned == 0 {
		t.Error("nothing was learned")
	}
}

func TestLearnBounded(t *testing.T) {
	l := NewRouteLearner(1000, nil)
	for i := range 3 * maxBranches {
		// As many places as can be, none with names enough.
		l.Observe(served(fmt.Sprintf("/%s/%s/%s", word(i%40), word(i/40%300), word(i/12000))))
	}
	if l.branches > maxBranches || !l.Full() || len(l.memo) > maxLearned {
		t.Errorf("%d branches, %d remembered, full %v", l.branches, len(l.memo), l.Full())
	}
}

func FuzzLearn(f *testing.F) {
	f.Add("/a/b\n/a/c\n/a/d.js\n/a/{name}\n/…\n*\n//\n/a;b/c")
	f.Add(strings.Repeat("/x/y{z\n/}{/", 20))
	f.Fuzz(func(t *testing.T, paths string) {
		l := NewRouteLearner(2, nil)
		for _, path := range strings.Split(paths, "\n") {
			r := served(path)
			l.Observe(r)
			if got := l.Route(r.Shape); got != r.Route {
				t.Fatalf("%q: route %q when it came, %q after", r.Shape, r.Route, got)
			}
			if strings.Count(r.Route, "/") != strings.Count(r.Shape, "/") {
				t.Fatalf("%q: route %q has other segments", r.Shape, r.Route)
			}
		}
	})
}

func BenchmarkLearn(b *testing.B) {
	l := NewRouteLearner(100, nil)
	requests := make([]*Request, 4096)
	for i := range requests {
		requests[i] = served(fmt.Sprintf("/api/%s/%d/%s", word(i%40), i, word(i%7)))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Observe(requests[i%len(requests)])
	}
}
