package detect

import (
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// Every request that is of interest to a detector, and somebody's, is of a kind that the
// detector is asked about.
func TestKinds(t *testing.T) {
	var requests []*parsers.Request
	for _, status := range []int{0, 101, 200, 302, 400, 401, 402, 403, 404, 429, 499, 500} {
		for _, event := range append(Taxonomy(), EventType{}, EventType{Name: "site.own"}) {
			for _, target := range []string{"/", "/login.php", "/api/v1/admin/users/17", "/posts/page/2", "/fetch/http://10.0.0.1/", "/billing/plans"} {
				for actors := range 16 {
					r := &parsers.Request{Time: noon, Method: []string{"GET", "POST", "DELETE"}[len(requests)%3], Path: target, Route: parsers.Route(target),
						Query: []string{"", "page=2&limit=50", "url=http://127.0.0.1/"}[len(requests)/3%3],
						Event: event.Name, Status: status, Bytes: 5, Records: -1, ClientIP: "192.0.2.1", UserAgent: "curl/8.1",
						Origin: &parsers.Origin{Country: "DE", ASN: 64500, Latitude: 52.5, Longitude: 13.4, RadiusKM: 20, Traits: parsers.Tor}}
					for bit, field := range []*string{&r.APIKey, &r.User, &r.Token, &r.Session} {
						if actors>>bit&1 == 1 {
							*field = "somebody"
						}
					}
					if actors%2 == 1 {
						r.Query, r.Body = "", r.Query
					}
					requests = append(requests, r)
				}
			}
		}
	}
	for _, d := range All() {
		if d.Of == 0 {
			continue
		}
		asked := 0
		for _, r := range requests {
			if !d.Match(r) || len(d.GroupBy.Key(r, nil)) == 0 {
				continue
			}
			asked++
			if d.Of&kindsOf(r) == 0 {
				t.Fatalf("%s is not asked about %+v", d.Name, *r)
			}
		}
		if asked == 0 {
			t.Errorf("%s: there is no request of interest here", d.Name)
		}
	}
}
