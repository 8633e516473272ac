package detect

import (
	"slices"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

func TestCallOf(t *testing.T) {
	for _, test := range []struct {
		body, operation, ids string
		listed, apart        bool
	}{
		{"", "", "", false, false},
		{"jsonrpc=2.0&id=5&method=user.get&user_id=17", "user.get", "17", false, false},
		{"jsonrpc=2.0&id=5&params[id]=17&method=getUser", "getUser", "17", false, false},
		{"jsonrpc=2.0&id=5&params%5Bid%5D=17&method=getUser", "getUser", "17", false, false},
		{"jsonrpc=2.0&method=getUser&params=17&params=18&id=5", "getUser", "17", true, false},
		{"jsonrpc=2.0&method=getUser&params=17&id=1&jsonrpc=2.0&method=getUser&params=18&id=2", "getUser", "17 18", true, true},
		{"jsonrpc=2.0&method=getUser&params=17&id=1&jsonrpc=2.0&method=getTeam&params=18&id=2", "getUser", "", false, false},
		{"method=getUser&params=%7B%22user_id%22%3A17%7D&id=5", "getUser", "17", false, false},
		{"method=getUser&params=%5B17%2C1%5D&id=5", "getUser", "17", true, false},
		{"jsonrpc=2.0&method=setUser&params[id]=17", "setUser", "", false, false},
		{"jsonrpc=2.0&method=getblock&params=17", "getblock", "", false, false},
		{"jsonrpc=2.0&method=getaway&params=17", "getaway", "", false, false},
		{"jsonrpc=2.0&method=get&params=&id=5", "get", "", false, false},
	} {
		got, listed := callOf(&parsers.Request{Method: "POST", Path: "/rpc", Body: test.body})
		if got.operation != test.operation || !slices.Equal(got.ids, strings.Fields(test.ids)) || listed != test.listed || got.apart != test.apart {
			t.Errorf("%s: %q, %q, %v, %v; want %q, %q, %v, %v", test.body, got.operation, got.ids, listed, got.apart, test.operation, test.ids, test.listed, test.apart)
		}
	}
}

// What stands in a list of parameters is a number that can be counted through, and no object.
func TestListedParameter(t *testing.T) {
	for body, object := range map[string]bool{
		"jsonrpc=2.0&id=1&method=getUser&params=17":         false,
		"jsonrpc=2.0&id=1&method=getUser&params%5Bid%5D=17": true,
	} {
		f := featuresOf(&parsers.Request{Method: "POST", Path: "/rpc", Route: "/rpc", Body: body})
		if f.id != 17 || !f.hasID || f.hasObject != object {
			t.Errorf("%s: id %d, %v, object %v", body, f.id, f.hasID, f.hasObject)
		}
	}
}
