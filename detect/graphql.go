package detect

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// isGraphQL tells whether a path is that of a GraphQL endpoint: one path for all there is.
func isGraphQL(path string) bool {
	end := len(path)
	if end > 0 && path[end-1] == '/' {
		end--
	}
	const name = "graphql"
	start := end - len(name)
	return start > 0 && path[start-1] == '/' && strings.EqualFold(path[start:end], name)
}

// operationOf returns what a request to a GraphQL endpoint reads, clipped; "" for others and
// where the log does not tell.
func operationOf(r *parsers.Request) string {
	if f := featuresOf(r); f.graphQL {
		return f.operation
	}
	return ""
}

// graphQLObject returns what a request to a GraphQL endpoint reads, and the number of the
// object that it reads that of: by its variables, else by the first argument in its text.
// What it reads is the first field of the text, which the client cannot name as it likes;
// where the log has no text, the name of the operation. Where the log has no body it is of
// no object, and what changes objects is none that reads.
func graphQLObject(r *parsers.Request) (operation string, id uint64, ok bool) {
	field := ""
	for _, query := range [...]string{r.Body, r.Query} {
		for query != "" {
			var name, value string
			switch name, value, query = cutParameter(query); {
			case name == "operationName":
				operation = unescaped(value)
			case name == "query":
				text := strings.TrimSpace(unescaped(value))
				if strings.HasPrefix(text, "mutation") {
					return "", 0, false
				}
				field = firstField(text)
				if n, found := argumentID(text); found && !ok {
					id, ok = n, true
				}
			case name == "variables": // JSON, in a query
				if n, found := namedID(unescaped(value)); found {
					id, ok = n, true
				}
			case namesID(name) || namesThing(name):
				n, isNumber := number(value)
				if !isNumber {
					n, isNumber = encodedNumber(unescaped(value))
				}
				if isNumber {
					id, ok = n, true
				}
			}
		}
	}
	return cmp.Or(field, operation), id, ok
}

// readInner finds out what stands in parameters that hold several: the arguments of a GraphQL
// text and what is JSON in a query. It is found as parameters of their own are.
func (f *features) readInner(r *parsers.Request) {
	var b []byte
	for i, query := range [...]string{r.Query, r.Body} {
		for query != "" {
			var p parameter
			query = p.read(query)
			switch text := p.value.text; {
			case f.graphQL && p.name == "query":
				text = strings.TrimSpace(unescaped(text[:min(len(text), maxURLText)]))
				if strings.HasPrefix(text, "mutation") {
					f.change = clip(firstField(text))
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

// appendArguments appends, in the form of a query, the values that stand in a GraphQL text
// between parentheses, or anywhere in JSON, each with the name before its colon. What a
// variable stands for is told elsewhere.
func appendArguments(b []byte, text string, isJSON bool) []byte {
	set := func(name, value string) {
		if name == "" || value == "" || value == "null" {
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
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(text))
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

// firstField returns the first field that a GraphQL text asks for, whatever alias it has.
func firstField(text string) string {
	_, text, _ = strings.Cut(text, "{")
	for {
		text = strings.TrimLeft(text, " \t\r\n,")
		end := 0
		for end < len(text) && isWordByte(text[end]) {
			end++
		}
		after := strings.TrimLeft(text[end:], " \t\r\n")
		if end == 0 || !strings.HasPrefix(after, ":") {
			return text[:end]
		}
		text = after[1:]
	}
}

// argumentID returns the number of the first argument of a GraphQL text that is named like
// an id: 17 of "{user(id: 17) {email}}".
func argumentID(text string) (id uint64, ok bool) {
	for {
		_, after, found := strings.Cut(text, "(")
		if !found {
			return 0, false
		}
		arguments, rest, _ := strings.Cut(after, ")")
		if id, ok = namedID(arguments); ok {
			return id, true
		}
		text = rest
	}
}

// namedID returns the first number among arguments or members of an object that is named
// like an id: 17 of "id: 17" and of {"id":"17"}.
func namedID(text string) (id uint64, ok bool) {
	for {
		name, after, found := strings.Cut(text, ":")
		if !found {
			return 0, false
		}
		value := strings.TrimLeft(after, " \"")
		end := 0
		for end < len(value) && (isAlnum(value[end]) || strings.IndexByte("+/-_=", value[end]) >= 0) {
			end++
		}
		if namesID(lastWord(name)) {
			if id, ok = number(value[:end]); !ok {
				id, ok = encodedNumber(value[:end])
			}
			if ok {
				return id, true
			}
		}
		text = after
	}
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
