package detect

import (
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// TestShowsRoute holds which answers show that there is a route: a login that is asked for, a path
// that is not there and what a browser asks before it asks show none.
func TestShowsRoute(t *testing.T) {
	for status, want := range map[int]bool{0: false, 101: false, 200: true, 204: true, 299: true, 301: false, 302: false, 304: true,
		400: true, 401: false, 403: true, 404: false, 405: true, 409: true, 410: false, 422: true, 429: false, 500: true, 502: false, 503: false} {
		r := parsers.Request{Method: "GET", Route: "/api/orders", Status: status}
		if got := showsRoute(&r); got != want {
			t.Errorf("%d: %t, want %t", status, got, want)
		}
		if r.Method = "OPTIONS"; showsRoute(&r) {
			t.Errorf("OPTIONS %d: shows a route", status)
		}
		if r.Method, r.Route = "GET", ""; showsRoute(&r) {
			t.Errorf("%d without a route: shows one", status)
		}
	}
}
