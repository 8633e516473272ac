package parsers

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// element returns the end and the kind of what stands in an XML element whose tag ends
// at text[i], with a sign of n bytes, if it is a secret by name.
func (x *redactor) element(text string, i, n int) (end int, kind secretKind) {
	name := nameBefore(text, i)
	open := i - len(name)
	if n > 1 { // the sign before the name is encoded too, and its letters look like a name's
		if at := strings.LastIndex(strings.ToUpper(name), "3C"); at >= 0 {
			name, open = name[at+len("3C"):], 0
		}
	}
	if open > 0 && text[open-1] != '<' {
		return 0, noSecret
	}
	kind = x.nameKind(name)
	if kind == noSecret || kind == maybeKey {
		return 0, noSecret
	}
	for end = i + n; end < len(text); {
		c, n := charAt(text, end)
		if c == '<' {
			break
		}
		end += n
	}
	if end == i+n {
		return 0, noSecret
	}
	return end, kind
}

// privateKey returns the end of the private key, as PEM has it, whose first dashes begin
// at text[i], or 0. Where its last line is missing, that is the end of the text.
func privateKey(text string, i int) (end int) {
	const longest = len("-----BEGIN%20ENCRYPTED%20PRIVATE%20KEY-----") + 8
	const dashes = "-----"
	if !strings.HasPrefix(text[i:], dashes+"BEGIN") {
		return 0
	}
	head := text[i:min(len(text), i+longest)]
	if !strings.Contains(head, "PRIVATE") {
		return 0
	}
	from := i + len(dashes)
	if n := strings.Index(text[from:], dashes+"END"); n >= 0 {
		return from + n
	}
	return len(text)
}

// named looks at the sign, = or :, of n bytes at text[i] and returns the extent
// and kind of its value if that is a secret by name.
func (x *redactor) named(text string, i, n int, in where) (start, end int, kind secretKind) {
	kind = x.nameKind(nameBefore(text, i))
	if kind == noSecret {
		return 0, 0, noSecret
	}
	sign, _ := charAt(text, i)
	at := i + n
	if sign == '=' && in == inText && at < len(text) { // "password"=>"…", as Ruby and PHP show what they hold
		if c, arrow := charAt(text, at); c == '>' {
			at += arrow
		}
	}
	if kind == maybeKey {
		if !keyFollows(text[at:]) {
			return 0, 0, noSecret
		}
		kind = keySecret
	}
	start, end = valueAfter(text, at, in, n > 1, sign == ':', kind == headerSecret)
	if start == end || sign == ':' && isVariable(text, i, start) {
		return 0, 0, noSecret
	}
	return start, end, kind
}

// isVariable reports whether the name before text[i] and the value at text[start] are of a variable of
// GraphQL, which stands for a secret told elsewhere: "$password:String", "password:$password".
func isVariable(text string, i, start int) bool {
	from := i
	for from > 0 && isWordByte[text[from-1]] {
		from--
	}
	name := text[from:i]
	declared := from > 0 && text[from-1] == '$'
	if from > 0 && text[from-1] == '%' && len(name) > len("24") {
		declared, name = name[:2] == "24", name[2:]
	}
	rest, ok := strings.CutPrefix(text[start:], "String")
	if declared {
		// A secret may follow that holds if no other is told.
		ok = ok && !hasDefault(rest)
	} else {
		rest, ok = strings.CutPrefix(text[start:], "$")
		if !ok {
			rest, ok = strings.CutPrefix(text[start:], "%24")
		}
		if ok && name != "" {
			rest, ok = strings.CutPrefix(rest, name)
		}
	}
	return ok && name != "" && (rest == "" || !isWordByte[rest[0]])
}

// hasDefault reports whether what follows the type of a variable gives it a value.
func hasDefault(rest string) bool {
	for rest != "" {
		switch c, n := charAt(rest, 0); c {
		case '=':
			return true
		case '!', ' ', '+', '\t', '\r', '\n':
			rest = rest[n:]
		default:
			return false
		}
	}
	return false
}

// opensParam reports whether the name before the sign at text[i] is that of a
// parameter, not of something in the value of one.
func opensParam(query string, i int) bool {
	i -= len(nameBefore(query, i))
	return i == 0 || query[i-1] == '&' || query[i-1] == ';'
}

// keyFollows reports whether the word that text begins with is an API key by the
// look of it.
func keyFollows(text string) bool {
	text = strings.TrimLeft(text, ` "'\[`)
	n := 0
	for n < len(text) && isWordByte[text[n]] {
		n++
	}
	return looksLikeKey(text[:n]) || looksRandom(text[:n])
}

// nameBefore returns the name that ends at text[i], without what stands between a
// name and its sign in JSON or prose.
func nameBefore(text string, i int) string {
	for k := 0; k < 2 && i > 0 && text[i-1] == ' '; k++ {
		i--
	}
	if i > 0 && endsQuote[text[i-1]] {
		for _, quote := range nameQuotes {
			if strings.HasSuffix(text[:i], quote) {
				i -= len(quote)
				for i > 0 && text[i-1] == '\\' {
					i--
				}
				break
			}
		}
	}
	start := i
	for start > 0 && i-start < maxName && isNameByte(text[start-1]) {
		start--
	}
	if start > 0 && text[start-1] == '\\' {
		start += escapeLen(text[start:i])
	}
	return text[start:i]
}

// nameQuotes are the ways of writing the quote that ends a name.
var nameQuotes = [...]string{`"`, `'`, "%22", "%27", "%2522", "%2527", `\x22`, `\u0022`}

// endsQuote are the bytes that one of nameQuotes ends with.
var endsQuote = func() (ends [256]bool) {
	for _, quote := range nameQuotes {
		ends[quote[len(quote)-1]] = true
	}
	return ends
}()

// escapeLen returns the length of what follows the backslash of a character that
// is written as a number, as "&" and "?" are in JSON and by nginx: \u0026, \x26.
func escapeLen(s string) int {
	n := 0
	switch {
	case strings.HasPrefix(s, "u00"):
		n = len("u0026")
	case strings.HasPrefix(s, "x"):
		n = len("x26")
	}
	if n == 0 || n > len(s) || !isHex(s[n-2]) || !isHex(s[n-1]) {
		return 0
	}
	return n
}

func isNameByte(c byte) bool {
	switch c {
	case '_', '-', '.', '[', ']', '%', '$':
		return true
	}
	return isAlnum(c) || c >= utf8.RuneSelf
}

// valueAfter returns the extent of the value that follows a sign at text[i:]. The
// sign may have been percent-encoded, a colon, or that of a whole header.
func valueAfter(text string, i int, in where, encoded, colon, header bool) (start, end int) {
	for i < len(text) {
		c, n := charAt(text, i)
		if !(c == ' ' && (colon || in == inText) || c == '+' && colon) {
			break
		}
		i += n
	}
	if i == len(text) {
		return i, i
	}
	if in == inText || encoded || colon {
		start, end, ok := quoted(text, i)
		if !ok {
			start, end, ok = bracketed(text, i)
		}
		if and := strings.IndexByte(text[start:end], '&'); and >= 0 && in == inQuery { // where the next parameter begins
			end = start + and
		}
		if ok {
			return start, end
		}
	}
	for end = i; end < len(text); {
		c, n := charAt(text, end)
		if header && c == '"' && text[end-1] == '=' {
			// A parameter of the header in quotes.
			if after := strings.IndexByte(text[end+n:], '"'); after >= 0 {
				end += n + after + 1
				continue
			}
		}
		if n == 1 || encoded {
			if endsValue(text, end, n, c, in, encoded, colon, header) {
				break
			}
		}
		end += n
	}
	return i, end
}

// endsValue reports whether the character c, of n bytes at text[i], ends a value.
func endsValue(text string, i, n int, c byte, in where, encoded, colon, header bool) bool {
	if header {
		return c == '"' || c == '\n' || in != inText && c == '&'
	}
	switch c {
	case '&':
		return true
	case ';':
		return in == inPath || pairFollows(text[i+n:])
	case '/':
		return in == inPath
	case ',', '}':
		return colon
	case '#':
		return in != inText
	case ' ', '\t', '\n', '"', '<', '>':
		return in == inText || encoded || colon && c == '"'
	}
	return false
}

// pairFollows reports whether text goes on with a name and a sign. If not, a
// semicolon before it is part of a value.
func pairFollows(text string) bool {
	end := strings.IndexAny(text, "&;= \"")
	return end >= 0 && text[end] == '='
}

// quoted returns the extent of what stands in quotes that open at text[i]: plain,
// escaped with backslashes, or percent-encoded. Without closing quotes it is the
// rest of the text.
func quoted(text string, i int) (start, end int, ok bool) {
	start = i
	for start < len(text) && text[start] == '\\' {
		start++
	}
	if start == len(text) {
		return 0, 0, false
	}
	c, n := charAt(text, start)
	if e := escapeLen(text[start:]); start > i && e > 0 {
		c, n = unhex(text[start+e-2])<<4|unhex(text[start+e-1]), e
	}
	if c != '"' && c != '\'' {
		return 0, 0, false
	}
	start += n
	if end = closing(text[start:], text[i:start]); end < 0 {
		return start, len(text), true
	}
	return start, start + end, true
}

// bracketed returns the extent of the list or object that opens at text[i], or of the string
// that is all of a list. Without its closing bracket it is the rest of the text.
func bracketed(text string, i int) (start, end int, ok bool) {
	if c, _ := charAt(text, i); c != '[' && c != '{' {
		return 0, 0, false
	}
	depth, values, first, last := 0, 0, 0, 0
	for end = i; end < len(text); {
		c, n := charAt(text, end)
		if from, to, found := quoted(text, end); found {
			if values++; values == 1 {
				first, last = from, to
			}
			end = min(to+from-end, len(text)) // the quote that closes it is as long as that which opens it
			continue
		}
		switch c {
		case '[', '{':
			if depth++; c == '{' || depth > 1 {
				values++
			}
		case ']', '}':
			depth--
		case '\\': // quotes were looked for behind all that are not encoded
			n = max(n, len(text[end:])-len(strings.TrimLeft(text[end:], `\`)))
		case ' ', '\t', '\n', ',':
		default: // without quotes
			values++
		}
		if end += n; depth == 0 {
			break
		}
	}
	if values == 1 && first > 0 {
		return first, last, true
	}
	return i, end, true
}

// closing returns where the same quote comes again, not escaped by more
// backslashes than it was opened with, or -1.
func closing(text, quote string) int {
	escapes := strings.Count(quote, `\`)
	for from := 0; ; {
		i := strings.Index(text[from:], quote)
		if i < 0 {
			return -1
		}
		i += from
		before := len(text[:i]) - len(strings.TrimRight(text[:i], `\`))
		if escapes > 0 && before == 0 || escapes == 0 && before%2 == 0 {
			return i
		}
		from = i + len(quote)
	}
}

// password returns the extent of the password, or of a secret in the place of the
// user, in a URL whose "://" begins at text[i].
func password(text string, i int) (start, end int) {
	for _, want := range [...]byte{':', '/', '/'} {
		if i == len(text) {
			return 0, 0
		}
		c, n := charAt(text, i)
		if c != want {
			return 0, 0
		}
		i += n
	}
	user, colon, at := i, -1, -1
scan:
	for i < len(text) {
		c, n := charAt(text, i)
		switch c {
		case '/', '?', '#', '&', ' ', '"', '<', '>', '\\':
			break scan
		case ':':
			if colon < 0 {
				colon, start = i, i+n
			}
		case '@':
			at = i
		}
		i += n
	}
	switch {
	case at < 0:
		return 0, 0
	case colon >= 0 && colon < at:
		return start, at
	case looksRandom(text[user:at]):
		return user, at
	}
	return 0, 0
}

// userPassword returns the extent of the password in "user:password@host" whose
// colon is text[i].
func userPassword(text string, i int) (start, end int) {
	const longest = 128
	if i == 0 || !isAlnum(text[i-1]) || strings.HasSuffix(text[:i], "mailto") {
		return 0, 0
	}
	start = i + 1
	for end = start; end < len(text) && end-start < longest; end++ {
		switch text[end] {
		case '@':
			return start, end
		case ' ', '"', '/', '\\', '<', '>', '?', '#', '&':
			return 0, 0
		}
	}
	return 0, 0
}

// schemed returns the extent and kind of the credentials after the space of n
// bytes at text[i], if a scheme stands before it.
func schemed(text string, i, n int) (start, end int, kind secretKind) {
	scheme := func(word string) bool {
		k := i - len(word)
		return k >= 0 && strings.EqualFold(text[k:i], word)
	}
	bearer := scheme("bearer")
	// A plus belongs to base64: it does not part the scheme Basic from its value.
	if !bearer && (text[i] == '+' || !scheme("basic")) {
		return 0, 0, noSecret
	}
	start = i + n
	end = start
	for end < len(text) {
		c, n := charAt(text, end)
		if strings.IndexByte(" \t\n\"'&;,<>()[]{}\\", c) >= 0 {
			break
		}
		end += n
	}
	value := text[start:end]
	switch {
	case bearer && looksLikeKey(value):
		if namesToken(value) {
			return start, end, tokenSecret
		}
		return start, end, keySecret
	case bearer && strings.ContainsAny(value, "0123456789") && len(value) >= 6, bearer && len(value) >= 20:
		return start, end, tokenSecret
	case !bearer && isBasic(value):
		return start, end, otherSecret
	}
	return 0, 0, noSecret
}

// isBasic reports whether s is what follows the scheme Basic: user and password.
func isBasic(s string) bool {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(percentDecoded(s), "="))
	return err == nil && strings.IndexByte(string(raw), ':') >= 0
}
