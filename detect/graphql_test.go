package detect

import (
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

func TestGraphQLObject(t *testing.T) {
	for _, test := range []struct {
		body, operation string
		id              uint64
		ok              bool
	}{
		{"", "", 0, false},
		{"operationName=GetUser&id=17", "GetUser", 17, true},
		{"operationName=a17&id=17&query=query+a17%28%24id%3A+ID%21%29+%7B+b17%3A+user%28id%3A+%24id%29+%7B+email+%7D+%7D", "user", 17, true},
		{"query=%7Buser%28id%3A17%29%7Bemail%7D%7D", "user", 17, true},
		{"query=%7Buser%28name%3A%22a%22%2C+userId%3A+%2217%22%29%7Bemail%7D%7D", "user", 17, true},
		{"query=%7Bnode%28id%3A%22VXNlcjoxMDAx%22%29%7Bid%7D%7D", "node", 1001, true},
		{"id=VXNlcjoxMDAx&query=query%28%24id%3AID%21%29%7Bnode%28id%3A%24id%29%7Bid%7D%7D", "node", 1001, true},
		{"query=%7Bnode%28id%3A%22User%22%29%7Bid%7D%7D", "node", 0, false},
		{"query=%7Busers%28first%3A17%29%7Bemail%7D%7D", "users", 0, false},
		{"query=mutation%7Bread%28id%3A17%29%7Bok%7D%7D", "", 0, false},
		{"query=%28id%3A", "", 0, false},
		{"query=%7B%3A%3A%3A", "", 0, false},
		{"query=%7Ba%3Ab%3A", "", 0, false},
	} {
		r := &parsers.Request{Method: "POST", Path: "/api/GraphQL/", Body: test.body}
		operation, id, ok := graphQLObject(r)
		if operation != test.operation || id != test.id || ok != test.ok {
			t.Errorf("%s: %q, %d, %v; want %q, %d, %v", test.body, operation, id, ok, test.operation, test.id, test.ok)
		}
	}
}

func TestAppendArguments(t *testing.T) {
	for _, test := range []struct {
		text   string
		isJSON bool
		want   string
	}{
		{`{user(id: 17, name: "a b") {email}}`, false, "id=17&name=a+b"},
		{`mutation M($r: Role = ADMIN) {set(input: {role: $r, flags: [A, "b"], admin: true, note: null}) {id}}`, false, "flags=A&flags=b&admin=true"},
		{`{org: organization(slug: "x\"y") {role: kind}}`, false, "slug=x%5C%22y"},
		{`{a(text: "role: admin")}`, false, "text=role%3A+admin"},
		{`{"where":{"org_id":{"$in":["a","b"]},"n":-1.5}}`, true, "org_id=a&org_id=b&n=-1.5"},
		{`{"org_id":"a"`, true, "org_id=a"},
		{`))(("`, false, ""},
		{`{"a`, true, ""},
	} {
		if got := string(appendArguments(nil, test.text, test.isJSON)); got != test.want {
			t.Errorf("%s: %q; want %q", test.text, got, test.want)
		}
	}
}
