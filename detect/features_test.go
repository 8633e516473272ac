package detect

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/litesoc/litesoc/parsers"
)

// The features of a path are found out once for all requests that have it, and anew once its
// route is another one.
func TestFeatures(t *testing.T) {
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	rd := parsers.NginxCombined().NewReader(site, &parsers.Source{})
	read := func(target string) *parsers.Request {
		r := &parsers.Request{}
		line := `192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] "GET ` + target + ` HTTP/1.1" 200 5 "-" "-"`
		if err := rd.Read(line, 1, r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := read("/shops/rosewood?id=1")
	if got := pathFeatures(first); got != pathFeatures(read("/shops/rosewood?id=2")) {
		t.Error("two requests for one path have features each")
	} else if got == pathFeatures(read("/shops/elm?id=1")) {
		t.Error("two paths have one")
	}
	if object, _ := pathObject(first); object != tag("1") {
		t.Error("the query names no object, though the route has no place")
	}
	later := read("/shops/rosewood?id=1")
	later.Route = "/shops/{name}"
	for range 2 {
		if object, _ := pathObject(later); object == tag("1") {
			t.Error("the query names the object, though the route has a place")
		}
		if object, _ := pathObject(first); object != tag("1") {
			t.Error("one route has the features of another")
		}
	}
}

// What nearly every request is asked for is in one line of the processor's.
func TestFeaturesAtHand(t *testing.T) {
	if at := unsafe.Offsetof(features{}.isList); at >= 64 {
		t.Errorf("the last of it stands %d bytes behind the first", at)
	}
}

// Whoever asks, whether it is the first to do so, and whether there are notes: the features
// are the same.
func TestFeaturesAtOnce(t *testing.T) {
	for _, path := range []string{"/", "/api/users/17", "/admin/login", "/.env", "/a/../b", "/orgs/acme/page/3", "/graphql", "/u/http:/x", "/favicon.ico"} {
		routes := []string{parsers.Route(path), "/{name}", "/A/{id}"}
		notes := &parsers.Notes{}
		var askers sync.WaitGroup
		for n := range 8 {
			askers.Go(func() {
				for i := range 100 {
					route := routes[(i/7+n)%len(routes)]
					got := pathFeatures(&parsers.Request{Path: path, Route: route, PathNotes: notes})
					if want := pathFeatures(&parsers.Request{Path: path, Route: route}); !reflect.DeepEqual(got, want) {
						t.Errorf("%s as %s: got %+v, want %+v", path, route, *got, *want)
						return
					}
				}
			})
		}
		askers.Wait()
	}
}

// What a detector thinks of a request does not depend on who asked before it.
func TestFeaturesLeaveNothing(t *testing.T) {
	for _, r := range ordinary {
		with := *r
		with.PathNotes = &parsers.Notes{}
		with.Features = featuresOf(&with)
		all := All()
		for _, d := range slices.Concat(all, all) {
			if got, want := d.Match(&with), d.Match(r); got != want {
				t.Errorf("%s: %v with features of %s, else %v", d.Name, got, r.Path, want)
			}
		}
	}
}

// No segment of a path is one of the words of a list that its sketch rules out.
func FuzzSketch(f *testing.F) {
	f.Add("/orgs/acme", "orgs,tenants")
	f.Add("/-Org-s;a=b/./x", "orgs")
	f.Add("//a/b/c/d/e/f/g/h/i_d", "id")
	f.Add("/x"+strings.Repeat("_", 255), "x")
	f.Fuzz(func(t *testing.T, path, words string) {
		var l wordList
		s := sketchOf(path)
		if l.Set(words) != nil || l.mayHold(&s) {
			return
		}
		for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
			if l.has(segment) {
				t.Errorf("%q: %q is one of %q", path, segment, words)
			}
		}
	})
}

// What a request names beside its path is not written over what others of that path have.
func TestFeaturesOfPathStay(t *testing.T) {
	ask := func(id string) *parsers.Request {
		return &parsers.Request{Method: "POST", Path: "/shops/1,2,3,4,5/graphql", Route: "/shops/{id}/graphql",
			Body: "query=%7Buser%28ids%3A%5B" + id + "0%2C" + id + "1%2C" + id + "2%5D%29%7Bemail%7D%7D"}
	}
	of := pathFeatures(ask("7"))
	if len(of.more) == 0 || !of.graphQL {
		t.Fatalf("the path names %d more objects, GraphQL: %v", len(of.more), of.graphQL)
	}
	was := slices.Clone(of.more[:cap(of.more)])
	room := func() *features { return &features{} }
	one := newFeatures(ask("7"), of, room)
	ones := slices.Clone(one.more)
	newFeatures(ask("8"), of, room)
	if !slices.Equal(one.more, ones) || !slices.Equal(of.more[:cap(of.more)], was) {
		t.Errorf("what one request names has become %v, was %v; the path's %v, was %v", one.more, ones, of.more[:cap(of.more)], was)
	}
	if len(one.more) != 2 {
		t.Errorf("the request names %d more objects, want 2", len(one.more))
	}
}
