package detect

import (
	"slices"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

func TestReadingOf(t *testing.T) {
	for _, test := range []struct {
		body, operation, ids string
		apart                bool
	}{
		{"", "", "", false},
		{"operationName=GetUser&id=17", "GetUser", "17", false},
		{"operationName=a17&id=17&query=query+a17%28%24id%3A+ID%21%29+%7B+b17%3A+user%28id%3A+%24id%29+%7B+email+%7D+%7D", "user", "17", false},
		{"query=%7Buser%28id%3A17%29%7Bemail%7D%7D", "user", "17", false},
		{"query={user(name:\"a\",+userId:+\"17\"){email}}", "user", "17", false},
		{"query={node(id:\"VXNlcjoxMDAx\"){id}}", "node", "VXNlcjoxMDAx", false},
		{"id=VXNlcjoxMDAx&query=query($id:ID!){node(id:$id){id}}", "node", "VXNlcjoxMDAx", false},
		{"query={users(first:17){email}}", "users", "", false},
		{"query=mutation{read(id:17){ok}}", "", "", false},
		{"query={a:user(id:1){email}b:user(id:\"2\")@include(if:$yes){email}user(id:3){...f}team(id:4){userId:id}}", "user", "1 2 3", true},
		{"query={users(ids:[1,+2,\"3\"]){email}}", "users", "1 2 3", false},
		{"query=query($ids:[ID]){users(ids:$ids){email}}&ids=1&ids=2", "users", "1 2", false},
		{"query=query($a:ID,$b:ID){x:user(id:$a){id}y:user(id:$b){id}}&a=1&b=2&id=9", "user", "1 2", true},
		{"query={user(id:1){id}}&query={user(id:2){id}}", "user", "1 2", false},
		{"id=1&query=query($id:ID){user(id:$id){id}}&id=2&query=query($id:ID){user(id:$id){id}}", "user", "1 2", false},
		{"query={me{user(id:17){id}}}", "me", "17", false},
		{"query=fragment+f+on+User{id}{user(id:17){...f}}", "user", "17", false},
		{"query={user(name:\"}{b(\"){id}user(id:5){id}}", "user", "5", true},
		{"query=query($id:ID){user(id:$id){id}}", "user", "", false},
		{"query=(id:", "", "", false},
		{"query={:::", "", "", false},
		{"query={a:b:", "", "", false},
		{"query={user(id:[", "user", "", false},
		{"query={user(id:\"", "user", "", false},
	} {
		r := &parsers.Request{Method: "POST", Path: "/api/GraphQL/", Body: test.body}
		got := readingOf(r)
		if got.operation != test.operation || !slices.Equal(got.ids, strings.Fields(test.ids)) || got.apart != test.apart {
			t.Errorf("%s: %q, %q, %v; want %q, %q, %v", test.body, got.operation, got.ids, got.apart, test.operation, test.ids, test.apart)
		}
	}
}

func TestSpeaksGraphQL(t *testing.T) {
	for _, test := range []struct {
		path, query, body string
		want              bool
	}{
		{"/graphql", "", "x=1", true},
		{"/api/GQL/", "", "x=1", true},
		{"/api/graphql/v2", "x=1", "", true},
		{"/graphql/query", "x=1", "", true},
		{"/graphql/schema", "x=1", "", false},
		{"/v2", "x=1", "", false},
		{"/query", "", "query={user(id:1){email}}", true},
		{"/query", "", "a=1&query=mutation+M{a(b:1){c}}", true},
		{"/query", "", "query=+query{me{id}}", true},
		{"/query", "query=%7Bme%7Bid%7D%7D", "", true},
		{"/api", "", "operationName=GetUser&id=17", true},
		{"/api", "operationName=GetUser&variables=%7B%7D", "", true},
		{"/query", "query=%7B%22me%22%3A%7B%22id%22%3A1%7D%7D", "", false},
		{"/query", "", "query={draft}", false},
		{"/query", "", "query=queryable+{a}", false},
		{"/query", "", "query=query+plan", false},
		{"/query", "", "query=query+plans+for+17+{draft}", false},
		{"/query", "", "query=query+M($a:ID)@live{a(id:$a){b}}", true},
		{"/query", "", "query=fragment+f+on+User{id}{me{...f}}", true},
		{"/query", "", "query=", false},
		{"/query", "", "query={", false},
		{"/query", "", "subquery={user(id:1){email}}", false},
	} {
		f := featuresOf(&parsers.Request{Method: "POST", Path: test.path, Route: test.path, Query: test.query, Body: test.body})
		if f.graphQL != test.want {
			t.Errorf("%s?%s %s: %v", test.path, test.query, test.body, f.graphQL)
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

// A text is gone through once, however long it is and whatever it is made of: of these, one look
// back at each byte takes hours.
func TestGraphQLFieldsOfLongText(t *testing.T) {
	blanks := strings.Repeat(" ", 1<<21)
	for text, want := range map[string]string{
		"{a" + blanks + "b}":                          "a b",
		blanks + "{a b" + blanks + "}":                "a b",
		"{a " + strings.Repeat("#", 1<<21):            "a",
		"{a #c\nb} fragment x on Y {" + blanks + "d}": "a b",
	} {
		var names []string
		for name := range graphQLFields(text) {
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%.20q…: %q, want %q", text, got, want)
		}
	}
}

// A list does not make megabytes of a line.
func TestArgumentsAreBounded(t *testing.T) {
	for name, most := range map[string]int{"id": 20 << 10, strings.Repeat("a", maxArgumentName): maxArguments + maxArgumentName + 3, strings.Repeat("a", maxArgumentName+1): 0} {
		text := `{"` + name + `":[` + strings.Repeat("1,", 4000) + `]}`
		if got := appendArguments(nil, text, true); len(got) > most || most > 0 && len(got) < most/2 {
			t.Errorf("%d bytes of a list of %s: want at most %d", len(got), name, most)
		}
	}
}
