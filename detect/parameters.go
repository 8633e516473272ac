package detect

import (
	"strings"
	"unicode/utf8"
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

// A parameter is one of a query, and what one look at it tells.
type parameter struct {
	text  string // name, "=" and value, as logged
	name  string // as logged
	value parameterValue

	// odd tells that there is more in the name than letters, digits and what stands between
	// words: what follows is of no meaning then.
	odd  bool
	size int           // of the name, folded, which may be more than there is room for
	word [maxWord]byte // the name, folded: in lower case, without "_" and "-"
}

// A parameterValue is as logged, and the number that it is.
type parameterValue struct {
	text     string
	number   uint64 // if isNumber
	isNumber bool
}

func newValue(text string) parameterValue {
	n, ok := number(text)
	return parameterValue{text, n, ok}
}

// read reads the parameter that a query begins with, and returns the rest.
func (p *parameter) read(query string) (rest string) {
	p.odd, p.size = false, 0
	end := 0
name:
	for ; end < len(query); end++ {
		c := query[end]
		if folded := foldedByte[c]; folded != 0 {
			if p.size < len(p.word) {
				p.word[p.size] = folded
			}
			p.size++
			continue
		}
		switch c {
		case '=', '&':
			break name
		case '_', '-':
		default:
			p.odd = true
		}
	}
	p.name, p.value = query[:end], parameterValue{}
	if end < len(query) && query[end] == '=' {
		from := end + 1
		var n uint64
		var most byte
		for end = from; end < len(query) && query[end] != '&'; end++ {
			digit := query[end] - '0'
			n, most = n*10+uint64(digit), max(most, digit)
		}
		if p.value.text = query[from:end]; most <= 9 && from < end && end-from <= maxDigits {
			p.value.number, p.value.isNumber = n, true
		}
	}
	p.text = query[:end]
	return query[min(end+1, len(query)):]
}

// holdsFilter tells, at little cost, whether the value may be conditions that objects are to meet:
// JSON, or a text of OData or RSQL where the name is one for such.
func (p *parameter) holdsFilter() bool {
	switch text := p.value.text; {
	case len(text) < len("id eq 1"):
		return false
	case holdsJSON(text):
		return true
	case p.size > len("$filter"), !strings.Contains(text, "eq") && !strings.Contains(text, "==") && !strings.Contains(text, "%3"):
		return false
	}
	if strings.HasPrefix(p.name, "%24") {
		return strings.EqualFold(p.name, "%24filter")
	}
	switch string(p.word[:p.size]) {
	case "$filter", "filter", "where", "query", "search", "q":
		return true
	}
	return false
}

// filteredID returns what conditions say that the id of an object equals: 17 of
// {"where":{"user_id":{"$eq":17}}}, of "user_id eq 17" and of "user_id==17".
func filteredID(text string) (value string, ok bool) {
	equals := ":"
	if !strings.HasPrefix(text, "{") {
		if equals = " eq "; !strings.Contains(text, equals) {
			equals = "=="
		}
	}
	for {
		name, after, found := strings.Cut(text, equals)
		if !found {
			return "", false
		}
		text = after
		if name = lastWord(name); !namesID(name) && !namesThing(name) {
			continue
		}
		value = strings.TrimLeft(after, " \"'")
		if inner, isObject := strings.CutPrefix(value, "{"); isObject {
			operator, operand, _ := strings.Cut(inner, ":")
			if !namesEquality(strings.Trim(operator, " \"'$")) {
				continue // above, below, not
			}
			value = strings.TrimLeft(operand, " \"'[")
		}
		end := strings.IndexAny(value, " \"',;}])")
		if end < 0 {
			end = len(value)
		}
		if end > 0 && value[0] != '{' && value[0] != '[' {
			return value[:end], true
		}
	}
}

// foldedByte has the lower case of what names of parameters are mostly made of; 0 for what is
// no part of a folded name, or takes more than one look.
var foldedByte = func() (of [256]byte) {
	for c := range utf8.RuneSelf {
		if strings.IndexByte("=&_-%+[].", byte(c)) < 0 {
			of[c] = lower(byte(c))
		}
	}
	return of
}()

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

// thingName returns what a name as logged is about: its last part, or the one before where the
// last only says which one it is, "roles" of "roles[0][name]".
func thingName(name string) string {
	if plainWord(name) {
		return name
	}
	name = unescaped(name)
	last := innerName(name)
	switch last {
	case "name", "set", "slug", "value", "type":
		if thing := innerName(name[:strings.LastIndex(name, last)]); thing != "" {
			return thing
		}
	}
	return last
}

// unescaped undoes the percent-encoding of a piece of a query, once. What is no escape stays, and
// keeps nothing else from being read.
func unescaped(s string) string { return unescape(s, true) }

// unescapedPath is unescaped for a path.
func unescapedPath(s string) string { return unescape(s, false) }
