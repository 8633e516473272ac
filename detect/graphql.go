package detect

import (
	"cmp"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// isGraphQL tells whether a path is that of a GraphQL endpoint: one path for all there is. Behind
// its name may stand a version, or what is sent.
func isGraphQL(path string) bool {
	last := lastSegment(path)
	if namesGraphQL(last) {
		return true
	}
	switch last {
	case "query", "batch", "execute":
	default:
		if !isVersion(last) {
			return false
		}
	}
	return namesGraphQL(lastSegment(strings.TrimSuffix(strings.TrimRight(path, "/"), last)))
}

func namesGraphQL(segment string) bool {
	return strings.EqualFold(segment, "graphql") || strings.EqualFold(segment, "gql")
}

// speaksGraphQL tells whether a request to any path is one of GraphQL: it holds a text, or names
// an operation as clients of GraphQL do.
func speaksGraphQL(r *parsers.Request) bool {
	return (strings.Contains(r.Body, "query=") || strings.Contains(r.Body, "operationName=") ||
		strings.HasPrefix(r.Query, "query=") || strings.HasPrefix(r.Query, "operationName=")) && holdsGraphQL(r)
}

// holdsGraphQL tells whether there is a text or the name of an operation, and no id in the query
// beside: what knows no GraphQL leaves these aside, and reads that.
func holdsGraphQL(r *parsers.Request) (holds bool) {
	for i, query := range [...]string{r.Query, r.Body} {
		for query != "" {
			var name, value string
			switch name, value, query = cutPair(query); {
			case name == "operationName", name == "query" && isGraphQLText(strings.TrimSpace(unescaped(value))):
				holds = true
			case i == 0 && holdsIDs(unescaped(name), unescaped(value)):
				return false
			}
		}
	}
	return holds
}

// isGraphQLText tells whether a text, trimmed, is one of GraphQL and not one of JSON or of people:
// behind what it does, and what that is called, it says what of.
func isGraphQLText(text string) bool {
	const space = " \t\r\n"
	word := text[:wordEnd(text, 0)]
	after := strings.TrimLeft(text[len(word):], space)
	switch word {
	case "query", "mutation", "subscription":
		after = strings.TrimLeft(after[wordEnd(after, 0):], space)
		return after != "" && strings.IndexByte("{(@", after[0]) >= 0 && strings.IndexByte(after, '{') >= 0
	case "fragment":
		return strings.Contains(after, " on ") && strings.IndexByte(after, '{') >= 0
	case "":
		after, ok := strings.CutPrefix(text, "{")
		after = strings.TrimLeft(after, space)
		return ok && after != "" && isWordByte(after[0]) && strings.IndexByte(after, '{') >= 0
	}
	return false
}

// operationOf returns what a request reads by GraphQL or JSON-RPC, clipped; "" for others and
// where the log does not tell.
func operationOf(r *parsers.Request) string { return featuresOf(r).operation }

// A reading is what a request reads by GraphQL or JSON-RPC.
type reading struct {
	operation string   // the first field of its text, which the client cannot name as it likes; else the name of the operation
	ids       []string // of the objects that it reads that of: by arguments of the field, else by its variables; at most maxSeveral
	reads     bool     // it is of JSON-RPC, and changes nothing as far as its name tells
	apart     bool     // the field stands in a text several times: each is asked for by itself
}

// readingOf returns what the request reads: nothing where the log has no body, and where it
// changes objects.
func readingOf(r *parsers.Request) (got reading) {
	name, variables := "", [...]string{r.Body, ""}
	for _, query := range [...]string{r.Body, r.Query} {
		for query != "" {
			var parameter, value string
			switch parameter, value, query = cutParameter(query); parameter {
			case "operationName":
				name = unescaped(value)
			case "variables": // JSON, in a query
				variables[1] = string(appendArguments(nil, unescaped(value), true))
			case "query":
				text := strings.TrimSpace(unescaped(value))
				if strings.HasPrefix(text, "mutation") {
					return reading{}
				}
				got.takeText(text)
			}
		}
	}
	got.operation = cmp.Or(got.operation, name)
	arguments := got.ids
	got.ids = nil
	for i, id := range arguments {
		switch variable, ok := strings.CutPrefix(id, "$"); {
		case !ok:
			got.take(id)
		case !slices.Contains(arguments[:i], id):
			got.takeVariables(variables[:], func(name, _ string) bool { return name == variable })
		}
	}
	if len(got.ids) == 0 {
		got.takeVariables(variables[:], holdsIDs)
	}
	return got
}

// holdsIDs tells whether a variable of that name holds the ids of objects.
func holdsIDs(name, value string) bool {
	_, isNumber := idNumber(value)
	return namesID(name) || namesIDs(name) || isNumber && namesThing(name)
}

// takeVariables takes those parameters that are ids.
func (g *reading) takeVariables(queries []string, isID func(name, value string) bool) {
	for _, query := range queries {
		for query != "" {
			var name, value string
			name, value, query = cutParameter(query)
			if value = unescaped(value); isID(name, value) {
				g.take(value)
			}
		}
	}
}

// takeText takes a text that reads.
func (g *reading) takeText(text string) {
	fields := 0
	for name, field := range graphQLFields(text) {
		if g.operation == "" {
			g.operation = name
		}
		if name == g.operation {
			g.take(argumentIDs(field))
			fields++
		}
	}
	g.apart = g.apart || fields > 1
}

// take takes the ids in a text, one or several.
func (g *reading) take(text string) {
	for id := range strings.FieldsFuncSeq(text, betweenIDs) {
		if id = strings.TrimSpace(id); id != "" && len(g.ids) < maxSeveral {
			g.ids = append(g.ids, id)
		}
	}
}

// takeReading takes what a request to a GraphQL endpoint reads.
func (f *features) takeReading(r *parsers.Request) {
	got := readingOf(r)
	f.operation, f.apart = clip(got.operation), got.apart
	if len(got.ids) > 0 {
		f.takeAll(got.ids)
		f.inner = clip(got.operation) + "_id=" + url.QueryEscape(clip(got.ids[0])) // organization(id: "acme")
	}
}

// takeAll takes the ids of objects, one or several.
func (f *features) takeAll(ids []string) {
	f.object, f.hasObject = tag(ids[0]), true
	f.id, f.hasID = idNumber(ids[0])
	f.takeIDs(ids)
}

// readInner finds out what stands in parameters that hold several: the arguments of a GraphQL
// text and what is JSON in a query. It is found as parameters of their own are.
func (f *features) readInner(r *parsers.Request) {
	b := []byte(f.inner)
	for i, query := range [...]string{r.Query, r.Body} {
		for query != "" {
			var p parameter
			query = p.read(query)
			switch text := p.value.text; {
			case f.graphQL && p.name == "query":
				text = strings.TrimSpace(unescaped(text[:min(len(text), maxURLText)]))
				if strings.HasPrefix(text, "mutation") {
					f.takeChanges(text)
				} else {
					f.reads = true
				}
				b = appendArguments(b, text, false)
			case i == 0 && holdsJSON(text): // that of a body was taken apart
				b = appendArguments(b, unescaped(text[:min(len(text), maxURLText)]), true)
			}
		}
	}
	f.reads = f.reads && f.change == ""
	f.inner = string(b)
	if !f.graphQL && !f.rpc && !f.placed && !f.numbered && len(f.more) == 0 {
		f.takeIDs(idsIn(f.inner)) // as tRPC makes several calls at once: {"0":{"id":1},"1":{"id":2}}
	}
	for query := f.inner; query != ""; {
		var p parameter
		query = p.read(query)
		f.named.addParameter(&p)
	}
}

// holdsJSON tells whether the value of a parameter may be an object of JSON.
func holdsJSON(text string) bool {
	return len(text) > 2 && (text[0] == '{' || text[0] == '%' && text[1] == '7' && lower(text[2]) == 'b')
}

const (
	maxArgumentName = 64       // bytes; no name that anything is looked for by is as long
	maxArguments    = 64 << 10 // bytes: some thousand values, as many as the longest query has
)

// appendArguments appends, in the form of a query, the values that stand in a GraphQL text
// between parentheses, or anywhere in JSON, each with the name before its colon. What a
// variable stands for is told elsewhere. All values of a list have its name: what has a longer one
// than maxArgumentName is left out, and what there is beyond maxArguments.
func appendArguments(b []byte, text string, isJSON bool) []byte {
	set := func(name, value string) {
		if name == "" || len(name) > maxArgumentName || value == "" || value == "null" || len(b) >= maxArguments {
			return
		}
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, name...), '='), url.QueryEscape(value)...)
	}
	depth, name, around := 0, "", ""
	lists := 0 // that the value at hand stands in
	for i := 0; i < len(text); {
		c := text[i]
		inside := isJSON || depth > 0
		switch {
		case c == '"':
			end := min(stringEnd(text, i), len(text))
			if inside {
				set(name, text[i+1:end])
			}
			if i = end + 1; lists == 0 {
				name = ""
			}
			continue
		case c == '(':
			depth++
		case c == ')':
			depth--
			name, lists = "", 0
		case c == '[':
			lists++
		case c == ']':
			if lists--; lists <= 0 {
				name, lists = "", 0
			}
		case c == '{':
			around, name = name, ""
		case c == ':':
			name = lastWord(text[:i])
			at := strings.LastIndex(text[:i], name)
			switch dollar := at > 0 && text[at-1] == '$'; {
			case namesEquality(name):
				name = around // {"org_id":{"$eq":17}}
			case dollar:
				name = "" // of a variable, whose type follows
			}
		case c == '$':
			name = ""
		case isWordByte(c), c == '-':
			end := i + 1
			for end < len(text) && (isWordByte(text[end]) || text[end] == '-' || text[end] == '.') {
				end++
			}
			if inside {
				set(name, text[i:end])
			}
			if i = end; lists == 0 {
				name = ""
			}
			continue
		}
		i++
	}
	return b
}

// namesEquality tells whether a name, without "$", is that of an operator by which something is to be equal.
func namesEquality(name string) bool {
	switch name {
	case "eq", "_eq", "equals", "in", "_in":
		return true
	}
	return false
}

// takeChanges takes a text that changes something.
func (f *features) takeChanges(text string) {
	for name := range graphQLFields(text) {
		f.change = cmp.Or(f.change, clip(name))
		if logsIn(name) {
			f.logins++
		}
		if deletesByName(name) {
			f.deletes++
		}
	}
}

// logsIn tells whether a field is named like one that takes a password, or a code that is as
// good as one.
func logsIn(field string) bool {
	field = strings.ToLower(field)
	for _, word := range [...]string{"login", "log_in", "signin", "sign_in", "authenticate", "tokenauth", "obtaintoken", "createtoken", "tokencreate", "accesstokencreate",
		"otp", "mfa", "2fa", "twofactor", "two_factor", "passcode", "verifycode", "verify_code", "confirmcode", "checkcode"} {
		if strings.Contains(field, word) {
			return true
		}
	}
	return false
}

// graphQLFields returns the fields that the operations of a text ask for, each by its name,
// whatever alias it has, with its arguments and what is asked for of it.
func graphQLFields(text string) iter.Seq2[string, string] {
	return func(yield func(name, field string) bool) {
		braces, parens, part := 0, 0, 0
		name, start := "", 0 // of the field at hand
		fragment := false    // it is one that the braces at hand hold, which asks for nothing by itself
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case c == '"':
				i = stringEnd(text, i)
			case c == '#':
				comment, _, _ := strings.Cut(text[i:], "\n")
				i += len(comment)
			case c == '(':
				parens++
			case c == ')':
				parens--
			case parens > 0:
			case c == '{':
				if braces++; braces == 1 {
					fragment = strings.HasPrefix(strings.TrimSpace(text[part:i]), "fragment")
				}
			case c == '}':
				if braces--; braces > 0 {
					continue
				}
				if name != "" && !yield(name, text[start:i]) {
					return
				}
				braces, name, part = 0, "", i+1
			case braces != 1 || fragment:
			case c == '@', c == '.': // what follows is a directive, or the name of a fragment
				i = wordEnd(text, i+len(text[i:])-len(strings.TrimLeft(text[i:], "@. "))) - 1
			case isWordByte(c):
				end := wordEnd(text, i)
				if after := strings.TrimLeft(text[end:], " \t\r\n"); strings.HasPrefix(after, ":") { // an alias
					i = len(text) - len(after)
					continue
				}
				if name != "" && !yield(name, text[start:i]) {
					return
				}
				name, start, i = text[i:end], end, end-1
			}
		}
		if name != "" {
			yield(name, text[start:]) // it was cut short
		}
	}
}

// stringEnd returns where the string ends that begins at i: at its closing quote, or with the text.
func stringEnd(text string, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// wordEnd returns where the word ends that begins at i.
func wordEnd(text string, i int) int {
	for i < len(text) && isWordByte(text[i]) {
		i++
	}
	return i
}

// argumentIDs returns what the first argument of a field, or of one within it, that is named
// like an id is given: 17 of "(id: 17) {email}", "1, 2" of "(ids: [1, 2])", "$u" of "(id: $u)"; "" if there is none.
func argumentIDs(field string) string {
	for field != "" {
		_, field, _ = strings.Cut(field, "(")
		var arguments string
		for arguments, field, _ = strings.Cut(field, ")"); arguments != ""; {
			var name string
			name, arguments, _ = strings.Cut(arguments, ":")
			if name = lastWord(name); !namesID(name) && !namesIDs(name) {
				continue
			}
			value := strings.TrimLeft(arguments, " \t\r\n")
			if operator, operand, ok := strings.Cut(value, ":"); ok && strings.HasPrefix(value, "{") && namesEquality(lastWord(operator)) {
				value = strings.TrimLeft(operand, " \t\r\n") // user_id: {_eq: 17}
			}
			end := strings.IndexAny(value, ", \t\r\n}")
			switch {
			case strings.HasPrefix(value, "["):
				end = strings.IndexByte(value, ']')
			case strings.HasPrefix(value, `"`):
				end = stringEnd(value, 0)
			}
			if end < 0 || end > len(value) {
				end = len(value)
			}
			return value[:end]
		}
	}
	return ""
}

// lastWord returns the last word of a text, without what follows it.
func lastWord(text string) string {
	text = strings.TrimRight(text, " \t\r\n\"")
	i := len(text)
	for i > 0 && isWordByte(text[i-1]) {
		i--
	}
	return text[i:]
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || lower(c) >= 'a' && lower(c) <= 'z'
}
