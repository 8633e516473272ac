package detect

import (
	"cmp"
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
				if n, isNumber := number(value); isNumber {
					id, ok = n, true
				}
			}
		}
	}
	return cmp.Or(field, operation), id, ok
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
		for end < len(value) && value[end] >= '0' && value[end] <= '9' {
			end++
		}
		if n, isNumber := number(value[:end]); isNumber && namesID(lastWord(name)) {
			return n, true
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
