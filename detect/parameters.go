package detect

import (
	"net/url"
	"strings"
)

// cutParameter cuts the first parameter off a query. The name is the one that an
// application gives it in the end: "role" of "user[role]", "user.role" and "roles[]".
// The value is as logged.
func cutParameter(query string) (name, value, rest string) {
	name, value, rest = cutPair(query)
	if plainWord(name) {
		return name, value, rest
	}
	return innerName(unescaped(name)), value, rest
}

// cutPair is cutParameter with the name as logged. Names and values are short: a loop over
// bytes is faster than searching.
func cutPair(query string) (name, value, rest string) {
	end := 0
	for end < len(query) && query[end] != '=' && query[end] != '&' {
		end++
	}
	name = query[:end]
	if end < len(query) && query[end] == '=' {
		from := end + 1
		for end = from; end < len(query) && query[end] != '&'; {
			end++
		}
		value = query[from:end]
	}
	return name, value, query[min(end+1, len(query)):]
}

// plainWord tells whether a name has nothing in it that unescaped or innerName would take
// off, as nearly all have not.
func plainWord(name string) bool {
	for i := range len(name) {
		switch name[i] {
		case '%', '+', '[', ']', '.':
			return false
		}
	}
	return true
}

// innerName returns the last part of a name with brackets or dots that is neither a
// number nor a way to compare.
func innerName(name string) string {
	for name != "" {
		name = strings.TrimRight(name, "].[")
		i := strings.LastIndexAny(name, "[].")
		part := name[i+1:]
		switch _, isNumber := number(part); {
		case i < 0:
			return part
		case isNumber, part == "eq", part == "$eq", part == "in", part == "$in":
			name = name[:i]
		default:
			return part
		}
	}
	return ""
}

// unescaped undoes the percent-encoding of a piece of a query, once; text that is not
// well encoded stays.
func unescaped(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// unescapedPath is unescaped for a path.
func unescapedPath(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}
