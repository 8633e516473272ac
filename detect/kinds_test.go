package detect

import (
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// Every request that is of interest to a detector, and somebody's, is of a kind that the
// detector is asked about.
func TestKinds(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	var requests []*parsers.Request
	for _, status := range []int{0, 101, 200, 302, 400, 401, 402, 403, 404, 429, 499, 500} {
		for _, event := range append(Taxonomy(), EventType{}, EventType{Name: "site.own"}) {
			for _, target := range []string{"/", "/login.php", "/api/v1/admin/users/17", "/posts/page/2", "/fetch/http://10.0.0.1/", "/billing/plans", "/.env", "/wp-login.php", "/files/6f9619ff-8b86-d011-b42d-00c04fc964ff", "/a/../b"} {
				for actors := range 16 {
					r := &parsers.Request{Time: noon, Method: []string{"GET", "POST", "DELETE"}[len(requests)%3], Path: target, Route: parsers.Route(target),
						Query: []string{"", "page=2&limit=50", "url=http://127.0.0.1/", "role=admin", "id=17&q=<script>"}[len(requests)/3%5],
						Event: event.Name, Status: status, Bytes: 5000, Records: int64(len(requests)%2*8) - 1, ClientIP: "192.0.2.1", UserAgent: []string{"curl/8.1", "sqlmap/1.8"}[len(requests)/5%2],
						Declared: parsers.Declared(len(requests) % 7 % 5),
						Origin:   &parsers.Origin{Country: "DE", ASN: 64500, Latitude: 52.5, Longitude: 13.4, RadiusKM: 20, Traits: []parsers.Traits{0, parsers.Tor}[len(requests)/2%2]}}
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
	all := All()
	for _, d := range All() {
		if d.ownAdmin != nil {
			all = append(all, set(t, d, "admin-routes", "/billing/*"))
		}
	}
	for _, d := range all {
		if d.Of == 0 {
			continue
		}
		asked := 0
		for _, r := range requests {
			if !d.Match(r) || len(d.GroupBy.Key(r, nil)) == 0 {
				continue
			}
			asked++
			if k := d.kinds(); k != 0 && k&kindsOf(r) == 0 {
				t.Fatalf("%s is not asked about %+v", d.Name, *r)
			}
		}
		if asked == 0 {
			t.Errorf("%s: there is no request of interest here", d.Name)
		}
	}
}
