package detect

import (
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// JSON-RPC has one path for all there is, as GraphQL has, and a 200 for what it refuses. The id of a
// call counts the client's calls: what is asked for stands in the parameters.

// speaksRPC tells whether the request calls by JSON-RPC.
func (f *features) speaksRPC(r *parsers.Request) bool {
	return strings.Contains(r.Body, "jsonrpc=") ||
		f.calls && strings.Contains(r.Query, "method=") && strings.Contains(r.Query, "params=")
}

// callsPath tells whether the path is named like one for calls: /rpc, /api/jsonrpc.php.
func callsPath(path string) bool { return strings.Contains(strings.ToLower(lastSegment(path)), "rpc") }

// takeCall takes what a request reads by JSON-RPC. What stands first in a list of parameters may as
// well be an account of everybody's: it is an id for its number alone.
func (f *features) takeCall(r *parsers.Request) {
	got, listed := callOf(r)
	f.operation, f.apart, f.reads = clip(got.operation), got.apart, got.reads
	if len(got.ids) == 0 {
		return
	}
	object, more := f.object, f.more
	f.takeAll(got.ids)
	if listed {
		f.object, f.more, f.hasObject = object, more, false
	}
}

// callOf returns what the calls of a request read: the method, which is the operation, and no
// ids where that changes something, or where there are several methods. listed tells that
// an id is one for its place in a list.
func callOf(r *parsers.Request) (got reading, listed bool) {
	calls := 0
	for _, query := range [...]string{r.Body, r.Query} {
		last := ""
		for query != "" {
			var name, value string
			name, value, query = cutPair(query)
			value = unescaped(value)
			switch {
			case name == "method":
				if calls++; calls > 1 && value != got.operation {
					return reading{operation: got.operation}, false
				}
				got.operation = value
			case name == "params":
				listed = got.takeParams(value, last) || listed
			case name != "id": // which is the call's
				got.takeNamed(innerName(unescaped(name)), value)
			}
			last = name
		}
	}
	if !readsByName(got.operation) {
		return reading{operation: got.operation, reads: listsByName(got.operation)}, false
	}
	got.reads, got.apart = true, calls > 1
	return got, listed
}

// takeParams takes the parameters of a call, or one of a list of them, of which the first counts.
func (g *reading) takeParams(value, last string) (listed bool) {
	switch {
	case strings.HasPrefix(value, "{"): // JSON, in a query
		for query := string(appendArguments(nil, value, true)); query != ""; {
			var name, text string
			name, text, query = cutPair(query)
			g.takeNamed(name, unescaped(text))
		}
		return false
	case last == "params":
		return false
	}
	value, _, _ = strings.Cut(strings.TrimLeft(value, "["), ",")
	n := len(g.ids)
	g.take(value)
	return len(g.ids) > n
}

// takeNamed takes the value of a parameter that is named like one for ids.
func (g *reading) takeNamed(name, value string) {
	if holdsIDs(name, value) {
		g.take(value)
	}
}

// readsByName tells whether a method is named like one that reads an object: getUser, user.get,
// invoice_read. Pages are none, and what a chain is made of is everybody's: nodes and wallets read
// one after the other.
func readsByName(method string) bool {
	lower := strings.ToLower(method)
	for _, word := range [...]string{"block", "checkpoint", "epoch", "height", "ledger", "page", "slot", "tipset"} {
		if strings.Contains(lower, word) {
			return false
		}
	}
	return hasVerb(method, "get", "fetch", "lookup", "read", "show", "view", "find", "load", "describe", "retrieve", "download")
}

// listsByName tells whether a method is named like one that reads what it has no ids of.
func listsByName(method string) bool { return hasVerb(method, "list", "search", "query", "count") }

// hasVerb tells whether a part of a method's name begins with one of the verbs.
func hasVerb(method string, verbs ...string) bool {
	for part := range strings.FieldsFuncSeq(method, func(c rune) bool { return strings.ContainsRune("._/:", c) }) {
		if beginsWithVerb(part, verbs...) {
			return true
		}
	}
	return false
}
