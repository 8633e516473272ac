package parsers

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

// usualNames are the names under which secrets are sent, plain: see appendName.
var usualNames = map[string]secretKind{
	"apikey": keySecret, "xapikey": keySecret, "appkey": keySecret, "accesskey": keySecret,
	"subscriptionkey": keySecret, "ocpapimsubscriptionkey": keySecret, "key": maybeKey,

	"accesstoken": tokenSecret, "token": tokenSecret, "jwt": tokenSecret, "authtoken": tokenSecret,
	"bearertoken": tokenSecret, "xauthtoken": tokenSecret, "apitoken": tokenSecret,
	"privatetoken": tokenSecret, "oauthtoken": tokenSecret, "refreshtoken": tokenSecret,

	"session": sessionSecret, "sid": sessionSecret, "sessionid": sessionSecret, "sessid": sessionSecret,
	"jsessionid": sessionSecret, "phpsessid": sessionSecret, "sessiontoken": sessionSecret,

	"auth": otherSecret, "sig": otherSecret, "signature": otherSecret, "hmac": otherSecret,
	"password": otherSecret, "passwd": otherSecret, "pwd": otherSecret, "pass": otherSecret, "pw": otherSecret,
	"newpass": otherSecret, "oldpass": otherSecret, "userpass": otherSecret, "loginpass": otherSecret,
	"passphrase": otherSecret, "passcode": otherSecret,
	"secret": otherSecret, "secretkey": otherSecret, "secretaccesskey": otherSecret, "privatekey": otherSecret,
	"code": otherSecret, "authcode": otherSecret, "authorizationcode": otherSecret, "verificationcode": otherSecret, "otpcode": otherSecret,
	"codeverifier": otherSecret, "assertion": otherSecret, "clientassertion": otherSecret,
	"samlresponse": otherSecret, "otp": otherSecret, "totp": otherSecret, "pin": otherSecret,
	"mfacode": otherSecret, "xamzcredential": otherSecret, "xgoogcredential": otherSecret,
	"awsaccesskeyid": otherSecret, "credential": otherSecret, "credentials": otherSecret,

	"authorization": headerSecret, "proxyauthorization": headerSecret,
	"cookie": headerSecret, "setcookie": headerSecret,
}

// secretSuffixes end the plain names of secrets that are not listed.
var secretSuffixes = [...]struct {
	suffix string
	kind   secretKind
}{
	{"password", otherSecret},
	{"passwd", otherSecret},
	{"pwd", otherSecret},
	{"secret", otherSecret},
	{"secretkey", otherSecret},
	{"privatekey", otherSecret},
	{"secretaccesskey", otherSecret},
	{"signature", otherSecret},
	{"apikey", keySecret},
	{"accesstoken", tokenSecret},
	{"sessionid", sessionSecret},
	{"token", otherSecret},
}

// secretPrefixes begin the plain names of passwords that are not listed: "passwordConfirm".
var secretPrefixes = [...][]byte{[]byte("password"), []byte("passwd")}

// cursors end in "token" and are none: they name a page.
var cursors = map[string]bool{
	"pagetoken": true, "nextpagetoken": true, "prevpagetoken": true, "nexttoken": true,
	"continuationtoken": true, "paginationtoken": true, "synctoken": true, "cursortoken": true,
	"skiptoken": true, "pagingtoken": true, "resumptiontoken": true,
}

// maxName bounds the names that are looked at; of a longer one, the end counts.
const maxName = 96

// appendName appends a name in the plain form in which names are compared: percent-
// decoded, lower case, without hyphens and underscores.
func appendName(b []byte, name string) []byte {
	for i := max(0, len(name)-maxName); i < len(name); {
		c, n := name[i], 1
		if c == '%' {
			c, n = charAt(name, i)
		}
		i += n
		switch {
		case c == '-' || c == '_':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// nameKind tells what kind of secret bears a name. "user[password]", "password[]"
// and "user.password" are named by their parts.
func (s *Site) nameKind(name string) secretKind {
	var buf [maxName]byte
	plain := appendName(buf[:0], name)
	start, parts := len(plain), false
	for start > 0 && (isPlainByte(plain[start-1]) || isJoint(plain[start-1])) {
		start--
		parts = parts || isJoint(plain[start])
	}
	plain = plain[start:]
	if kind := s.plainKind(plain); kind != noSecret || !parts {
		return kind
	}
	for end := len(plain); end > 0; {
		begin := end
		for begin > 0 && isPlainByte(plain[begin-1]) {
			begin--
		}
		if kind := s.plainKind(plain[begin:end]); kind != noSecret {
			return kind
		}
		end = begin - 1
	}
	return noSecret
}

// isPlainByte reports whether c may be of a part of a name.
func isPlainByte(c byte) bool { return isAlnum(c) || c >= utf8.RuneSelf }

// isJoint reports whether c stands between the parts of a name.
func isJoint(c byte) bool { return c == '[' || c == ']' || c == '.' }

// plainKind tells what kind of secret bears a plain name: one that is listed, or such a name
// with a digit behind it, as of a password that is given twice.
func (s *Site) plainKind(plain []byte) secretKind {
	if kind, ok := s.names[string(plain)]; ok {
		return kind
	}
	if last := len(plain) - 1; last > 0 && '1' <= plain[last] && plain[last] <= '9' && isLetter(plain[last-1]) {
		switch kind := s.plainKind(plain[:last]); kind {
		case keySecret, tokenSecret, sessionSecret: // but nobody is known by it
			return otherSecret
		default:
			return kind
		}
	}
	for _, prefix := range secretPrefixes {
		if bytes.HasPrefix(plain, prefix) {
			return otherSecret
		}
	}
	for _, x := range secretSuffixes {
		if n := len(plain) - len(x.suffix); n > 0 && string(plain[n:]) == x.suffix && !cursors[string(plain)] {
			return x.kind
		}
	}
	return noSecret
}

// cookieKind tells what kind of secret a cookie of that name carries.
func (s *Site) cookieKind(name string) secretKind {
	name = withoutCookiePrefix(name)
	var buf [maxName]byte
	plain := string(appendName(buf[:0], name))
	if s.cookies[plain] {
		return sessionSecret
	}
	if kind := s.nameKind(name); kind != noSecret && kind != otherSecret {
		return kind
	}
	for _, end := range [...]string{"session", "sessionid", "sessid", "sess", "sessiontoken", ".sid"} {
		if strings.HasSuffix(plain, end) {
			return sessionSecret
		}
	}
	if strings.HasPrefix(plain, "session") || strings.HasPrefix(plain, "aspsessionid") {
		return sessionSecret
	}
	return noSecret
}

// withoutCookiePrefix drops what browsers give a meaning to.
func withoutCookiePrefix(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "__Host-"), "__Secure-")
}

// A redactor takes secrets out of text. The zero value but for its site remembers
// none of them.
type redactor struct {
	site         *Site
	fingerprints map[known]string // at most maxKnown; nil: nothing is remembered
	names        []knownName      // maxNames of them; nil: nothing is remembered
}

// maxNames is how many names are remembered: few tell most queries apart.
const maxNames = 64

// A knownName is a name that was met before, if it fits.
type knownName struct {
	text [30]byte
	size uint8
	kind secretKind
}

// nameKind is that of the site, which takes ten times as long for a name that is not
// remembered.
func (x *redactor) nameKind(name string) secretKind {
	if name == "" {
		return noSecret
	}
	if x.names == nil {
		return x.site.nameKind(name)
	}
	known := &x.names[(uint(len(name))*31+uint(name[0])*7+uint(name[len(name)-1]))%maxNames]
	if string(known.text[:known.size]) == name {
		return known.kind
	}
	kind := x.site.nameKind(name)
	if len(name) <= len(known.text) {
		known.size, known.kind = uint8(copy(known.text[:], name)), kind
	}
	return kind
}

// isSecret tells whether it is a secret that bears the name.
func (x *redactor) isSecret(name string) bool {
	kind := x.nameKind(name)
	return kind != noSecret && kind != maybeKey
}

// A where says in what text stands, and so what ends a value in it.
type where uint8

const (
	inText  where = iota // prose, a header, a raw line
	inPath               // the path of a URL
	inQuery              // the query of a URL
)

// query returns the query of a request, as it was sent, clean and without its secrets. Of
// most it is enough to look at the names and for shapes.
func (x *redactor) query(text string, found *credentials) string {
	if x.isPlainQuery(text) {
		return x.shapes(text)
	}
	return x.redact(clean(text), inQuery, found)
}

// isPlainQuery tells of a query that it is clean, that none of its names is that of a secret,
// and that it has nothing else that redact and links look for.
func (x *redactor) isPlainQuery(text string) bool {
	start := 0 // of the name
	for i := range len(text) {
		switch inPlainQuery[text[i]] {
		case dash:
			if i > 0 && text[i-1] == '-' { // before a private key, perhaps
				return false
			}
		case ofSign:
			if x.nameKind(text[max(start, i-maxName):i]) != noSecret {
				return false
			}
			start = i + 1
		case between:
			start = i + 1
		case notPlain:
			return false
		}
	}
	return true
}

// redact returns text without its secrets: values that bear the name of one
// (token=…, "token":"…", percent-encoded any number of times too), credentials
// after their scheme, passwords in URLs, and whatever is shaped like a JWT or a
// known kind of API key. The credentials of a query are added to found, unless
// that is nil. Text without secrets is returned as it is.
func (x *redactor) redact(text string, in where, found *credentials) string {
	var out []byte
	done := 0 // out stands for text[:done]
	hide := func(start, end int, kind secretKind) {
		out = append(out, text[done:start]...)
		out = append(out, x.mask(kind, text[start:end])...)
		done = end
	}
	for i := 0; i < len(text); {
		if !mayTell[text[i]] {
			i++
			continue
		}
		c, n := charAt(text, i)
		switch c {
		case '=', ':':
			if start, end, kind := x.named(text[done:], i-done, n, in); kind != noSecret {
				start, end = start+done, end+done
				if found != nil && n == 1 && c == '=' && opensParam(text, i) {
					found.add(kind, text[start:end])
				}
				hide(start, end, kind)
				i = end
				continue
			}
			if c == '=' {
				break
			}
			start, end := password(text, i)
			if start == end && n == 1 && in == inText {
				start, end = userPassword(text, i)
			}
			if start < end {
				hide(start, end, otherSecret)
				i = end
				continue
			}
		case ' ', '+':
			if start, end, kind := schemed(text, i, n); kind != noSecret {
				hide(start, end, kind)
				i = end
				continue
			}
		case '>':
			if end, kind := x.element(text, i, n); kind != noSecret {
				hide(i+n, end, kind)
				i = end
				continue
			}
		case '-':
			if end := privateKey(text, i); end > i {
				hide(i, end, otherSecret)
				i = end
				continue
			}
		}
		i += n
	}
	if done > 0 {
		text = string(append(out, text[done:]...))
	}
	return x.shapes(x.links(text))
}

// mayTell are the bytes after which a secret may stand, and the one by which they
// are encoded.
var mayTell = [256]bool{'=': true, ':': true, ' ': true, '+': true, '>': true, '-': true, '%': true}

// What a byte may be of in a plain query. What is not clean, what a secret may stand after,
// but for "=", and what may stand between a name and its sign is not plain.
const (
	ofName = iota
	dash   // of a name, too
	ofSign
	between
	notPlain
)

var inPlainQuery = func() (is [256]uint8) {
	for c := range is {
		switch b := byte(c); {
		case b == '=':
			is[c] = ofSign
		case b == '-':
			is[c] = dash
		case b == 0 || b >= utf8.RuneSelf || mayTell[b] || strings.IndexByte("/\"'\\", b) >= 0:
			is[c] = notPlain
		case !isNameByte(b):
			is[c] = between
		}
	}
	return is
}()

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

// linkWords are the segments of a path, plain (see appendName), that a secret follows
// which opens what it stands in: a reset, an invitation, a magic link.
var linkWords = map[string]bool{
	"reset": true, "passwordreset": true, "resetpassword": true, "pwreset": true, "resetpw": true, "newpassword": true,
	"setpassword": true, "forgotpassword": true, "recover": true, "recovery": true, "recoverpassword": true, "passwordrecovery": true,
	"verify": true, "verification": true, "verifyemail": true, "emailverify": true, "emailverification": true, "verifyaccount": true,
	"confirm": true, "confirmation": true, "confirmemail": true, "emailconfirm": true, "emailconfirmation": true, "confirmaccount": true,
	"activate": true, "activation": true, "activateaccount": true, "accountactivation": true, "unlock": true,
	"magic": true, "magiclink": true, "loginlink": true, "signinlink": true, "onetime": true, "otp": true, "passwordless": true,
	"invite": true, "invitation": true, "acceptinvite": true, "acceptinvitation": true, "unsubscribe": true, "optout": true,
}

// OpensByLink reports whether a path leads to what a link in a mail opens: a reset, a
// confirmation, an invitation. A token in its query is the link's, not somebody's who is
// logged in.
func OpensByLink(path string) bool {
	var buf [maxName]byte
	for segment := range strings.SplitSeq(path, "/") {
		if len(segment) <= maxName/2 && linkWords[string(appendName(buf[:0], segment))] {
			return true
		}
	}
	return false
}

// afterLinkWord is in how many segments after such a word a secret is looked for:
// "/reset/{user}/{secret}", "/verify/email/{secret}".
const afterLinkWord = 2

// links replaces the segments of the paths in text that open something to whoever
// knows them: what looks random right after a link word, or after a segment that is
// the name of a key, a token or a session. Slashes may be percent-encoded.
func (x *redactor) links(text string) string {
	if strings.IndexByte(text, '/') < 0 && !strings.Contains(text, "%2") {
		return text
	}
	var out []byte
	done, start := 0, 0
	kind, left := noSecret, 0 // what is looked for, in how many segments from here on
	word := ""                // the segment, if parameters follow it
	for i := 0; i <= len(text); {
		c, n := byte('"'), 1
		if i < len(text) {
			if !endsSegment[text[i]] {
				i++
				continue
			}
			if c, n = charAt(text, i); !endsSegment[c] || c == '%' {
				i += n
				continue
			}
		}
		segment := text[start:i]
		if left > 0 && opens(segment) {
			out = append(out, text[done:start]...)
			out = append(out, x.mask(kind, segment)...)
			done = i
		}
		switch c {
		case '/':
			if word != "" {
				segment = word
			}
			if k, span := x.opener(segment); k != noSecret {
				kind, left = k, span
			} else if segment != "" && left > 0 {
				left--
			}
			word = ""
		case ';':
			if word == "" {
				word = segment
			}
		case '=', ',':
			if word == "" { // no matrix parameter
				left = 0
			}
		default:
			word, left = "", 0
		}
		start = i + n
		i += n
	}
	if done == 0 {
		return text
	}
	return string(append(out, text[min(done, len(text)):]...))
}

// endsSegment are the characters that end a segment of a path in any text, and the
// one by which they are encoded.
var endsSegment = func() (is [256]bool) {
	for c := range is {
		is[c] = c <= ' ' || strings.IndexByte("/?#&=;,\"'<>()\\%", byte(c)) >= 0
	}
	return is
}()

// opener tells what kind of secret may follow a segment, and within how many of the
// next.
func (x *redactor) opener(segment string) (kind secretKind, span int) {
	if len(segment) < len("otp") || len(segment) > maxName/2 {
		return noSecret, 0
	}
	var buf [maxName]byte
	plain := appendName(buf[:0], segment)
	if linkWords[string(plain)] {
		return tokenSecret, afterLinkWord
	}
	switch kind := x.site.plainKind(plain); kind {
	case keySecret, tokenSecret, sessionSecret:
		return kind, 1
	case otherSecret:
		if strings.HasSuffix(string(plain), "token") {
			return tokenSecret, 1
		}
	}
	return noSecret, 0
}

// opens reports whether a segment in the place of a secret is one: what nobody would
// call a page, a person or a number. Less is asked of it than of what looksRandom.
func opens(segment string) bool {
	if len(segment) < 8 || isFingerprint(segment) {
		return false
	}
	s := percentDecoded(segment)
	if isEmail(s) {
		return false
	}
	lower, upper, digits, others := 0, 0, 0, 0
	turns, mixed := 0, false // changes of kind from one character to the next; in one word
	var last byte
	for i := range len(s) {
		var kind byte
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			kind = 'a'
			lower++
		case 'A' <= c && c <= 'Z':
			kind = 'A'
			upper++
		case isDigit(c):
			kind = '0'
			digits++
		case strings.IndexByte("-_.~:+=|", c) >= 0:
			others++
		default:
			return false // an attack, or prose
		}
		if kind != last && i > 0 {
			turns++
			mixed = mixed || kind != 0 && last != 0 && (kind == '0' || last == '0')
		}
		last = kind
	}
	letters := lower + upper
	switch {
	case letters == 0 || len(s) < 8:
		return false
	case digits >= 2:
		return mixed || upper > 0 // "step-02-confirm" is none
	case digits == 1:
		return 3*turns >= len(s) || len(s) >= 20 && mixed
	}
	return others == 0 && (len(s) >= 16 && 3*turns >= len(s) || len(s) >= 24 && (lower == 0 || upper == 0))
}

// A shape is how a known kind of API key begins, and how many characters follow
// at least.
type shape struct {
	prefix string
	min    int
}

// knownShapes are the beginnings of keys that their makers gave a shape, so that
// they are found when they leak.
var knownShapes = [...]shape{
	{"lsoc_", 6},
	{"sk_live_", 6}, {"sk_test_", 6}, {"pk_live_", 6}, {"pk_test_", 6}, {"rk_live_", 6}, {"rk_test_", 6}, {"whsec_", 16},
	{"ghp_", 6}, {"gho_", 6}, {"ghu_", 6}, {"ghs_", 6}, {"ghr_", 6}, {"github_pat_", 6}, {"glpat-", 6},
	{"xoxb-", 6}, {"xoxp-", 6}, {"xoxa-", 6}, {"xoxr-", 6}, {"xoxs-", 6}, {"xoxe-", 6}, {"xapp-", 6},
	{"AKIA", 12}, {"ASIA", 12}, {"AIza", 30}, {"ya29.", 16}, {"SG.", 20},
	{"npm_", 30}, {"pypi-", 30}, {"dop_v1_", 16}, {"shpat_", 16}, {"shpss_", 16}, {"hf_", 30},
	{"sk-", 20}, {"sq0atp-", 16}, {"EAACEdEose0cBA", 6},
}

// minShape is the least length of what is looked at for a shape.
const minShape = 10

// shapes replaces the JWTs and the known kinds of API keys in text.
func (x *redactor) shapes(text string) string {
	var out []byte
	done := 0
	for i := 0; i < len(text); {
		if !isWordByte[text[i]] {
			i++
			continue
		}
		end := i + 1
		for end < len(text) && isWordByte[text[end]] {
			end++
		}
		if end-i < minShape && (end == len(text) || text[end] != '%') {
			i = end
			continue
		}
		jwt := strings.Contains(text[i:end], "eyJ")
		if jwt {
			end = encodedWord(text, end)
		}
		if end-i < minShape {
			i = end
			continue
		}
		encoded := i > 0 && text[i-1] == '%'
		underscore := strings.IndexByte(text[i:end], '_') >= 0
		for begin := i; i < end; {
			if c := text[i]; !jwt || c != 'e' {
				// In the middle of a word only a JWT is looked for.
				middle := i > begin && isAlnum(text[i-1]) && !encoded
				if middle || !isLetter(c) || !underscore && !opensShape[c] {
					i++
					continue
				}
			}
			n, kind := shapeAt(text[begin:end], i-begin, encoded)
			if n == 0 {
				i++
				continue
			}
			out = append(out, text[done:i]...)
			out = append(out, x.fingerprint(kind, text[i:i+n])...)
			i += n
			done = i
		}
	}
	if done == 0 {
		return text
	}
	return string(append(out, text[done:]...))
}

// opensShape are the bytes that a known shape without an underscore begins with.
var opensShape = func() (opens [256]bool) {
	for _, s := range knownShapes {
		if strings.IndexByte(s.prefix, '_') < 0 {
			opens[s.prefix[0]] = true
		}
	}
	return opens
}()

// encodedWord returns the end of a word that ends at text[end], if the dots in it may
// be percent-encoded.
func encodedWord(text string, end int) int {
	for end < len(text) {
		c, n := charAt(text, end)
		if !isWordByte[c] || n > 1 && c != '.' {
			break
		}
		end += n
	}
	return end
}

// isWordByte tells the characters that a JWT or a key may be made of.
var isWordByte = func() (is [256]bool) {
	for c := range is {
		is[c] = isAlnum(byte(c)) || c == '_' || c == '-' || c == '.'
	}
	return is
}()

// shapeAt returns the length and kind of the secret that begins at word[i], or 0.
// The word is all of its text that may belong together; its first two characters
// are the end of a percent-encoding if encoded is set.
func shapeAt(word string, i int, encoded bool) (n int, kind secretKind) {
	rest := word[i:]
	if len(rest) < minShape {
		return 0, noSecret
	}
	if isJWT(rest) {
		return len(rest), tokenSecret
	}
	if i > 0 && isAlnum(word[i-1]) && !(i == 2 && encoded) {
		return 0, noSecret
	}
	for _, s := range knownShapes {
		if rest[0] != s.prefix[0] || !strings.HasPrefix(rest, s.prefix) {
			continue
		}
		n := len(s.prefix)
		dots := strings.HasSuffix(s.prefix, ".")
		for n < len(rest) && (rest[n] != '.' || dots) {
			n++
		}
		if n-len(s.prefix) >= s.min {
			return n, keySecret
		}
	}
	return liveKeyLen(rest), keySecret
}

// isJWT reports whether s has the shape of a JWT: parts in base64url with dots
// between them, the first an encoded object. One that was cut short counts too.
func isJWT(s string) bool {
	const longestHeader = 8 << 10
	if !strings.HasPrefix(s, "eyJ") {
		return false
	}
	// Twice IndexByte is twenty times as fast as IndexAny, and a word may hold "eyJ" at
	// every third byte.
	header := s[:min(len(s), longestHeader)]
	dot := strings.IndexByte(header, '.')
	if dot >= 0 {
		header = header[:dot]
	}
	if percent := strings.IndexByte(header, '%'); percent >= 0 {
		dot = percent
	}
	if dot < 8 || dot+4 > len(s) {
		return false
	}
	for i := range len(s) {
		if !isWordByte[s[i]] && s[i] != '%' { // an encoded dot
			return false
		}
	}
	return true
}

// liveKeyLen returns the length of the key that s begins with, if it is one as
// many sites make them: "acme_live_…" or "acme_test_…". Else it is 0.
func liveKeyLen(s string) int {
	letters := 0
	for letters < len(s) && letters <= 12 && isLetter(s[letters]) {
		letters++
	}
	if letters < 2 || letters > 12 {
		return 0
	}
	least := 6
	rest, ok := strings.CutPrefix(s[letters:], "_live_")
	if !ok {
		least = 16 // "load_test_results2" is no key
		if rest, ok = strings.CutPrefix(s[letters:], "_test_"); !ok {
			return 0
		}
	}
	n, digits := 0, 0
	for n < len(rest) && rest[n] != '.' && (n < 64 || digits > 0) {
		if isDigit(rest[n]) {
			digits++
		}
		n++
	}
	if n < least || digits == 0 {
		return 0
	}
	return len(s) - len(rest) + n
}

// looksLikeKey reports whether a credential is an API key rather than an access
// token: one of a known kind, or a short word, an underscore and the rest.
func looksLikeKey(s string) bool {
	if isFingerprint(s) {
		return strings.HasPrefix(s, fingerprintPrefix[keySecret])
	}
	if strings.HasPrefix(s, "eyJ") || strings.HasPrefix(s, "ya29.") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isWordByte[s[i]] {
			return false
		}
	}
	if n, kind := shapeAt(s, 0, false); n == len(s) && kind == keySecret {
		return true
	}
	word := strings.IndexByte(s, '_')
	if word < 2 || word > 10 || len(s) < 16 {
		return false
	}
	for i := range word {
		// Lower case, or one opaque token in twenty would look like it by chance.
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return strings.IndexByte(s, '.') < 0
}

// namesToken reports whether a credential that looks like an API key says itself that it is the
// token of a login: tok_, sess_, ory_at_, app_access_token_. The first word that says either counts.
func namesToken(s string) bool {
	if isFingerprint(s) {
		return false
	}
	for word, rest, ok := strings.Cut(s, "_"); ok; word, rest, ok = strings.Cut(rest, "_") {
		switch word {
		case "tok", "token", "access", "at", "refresh", "rt", "sess", "session", "jwt", "oauth", "bearer":
			return !strings.HasPrefix(rest, "key_")
		case "api", "key", "pat":
			return false
		}
	}
	return false
}

// looksRandom reports whether s is long and mixed enough to be a secret that
// nobody chose.
func looksRandom(s string) bool {
	digits, letters := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case isLetter(c):
			letters++
		case c != '_' && c != '-':
			return false
		}
	}
	return len(s) >= 16 && digits > 0 && letters > 0
}

// maxSample is how many characters of a line are kept of it as a sample.
const maxSample = 200

// RedactLine makes a raw line safe to keep and to show: secrets are replaced, and
// whatever is long and random enough to be one is too; control, bidi and other
// invisible characters and bytes that are not UTF-8 stand as escapes; at most 200
// characters are kept.
func (s *Site) RedactLine(line string) string {
	return sample(s.RedactWhole(line))
}

// RedactWhole is RedactLine for a line that is to be shown in full.
func (s *Site) RedactWhole(line string) string {
	x := redactor{site: s}
	return visible(randoms(x.redact(clean(line), inText, nil)))
}

// sample cuts s to maxSample characters.
func sample(s string) string {
	n := 0
	for i := range s {
		if n == maxSample-1 && utf8.RuneCountInString(s[i:]) > 1 {
			return s[:i] + ellipsis
		}
		n++
	}
	return s
}

// randoms replaces the long words of text in which letters and digits are mixed.
func randoms(text string) string {
	var out []byte
	done := 0
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && (isAlnum(text[end]) || text[end] == '_' || text[end] == '-' || text[end] == '+') {
			end++
		}
		if end == i {
			i++
			continue
		}
		if word := strings.ReplaceAll(text[i:end], "+", "-"); len(word) > fingerprintLen && looksRandom(word) {
			out = append(out, text[done:i]...)
			out = append(out, redacted...)
			done = end
		}
		i = end
	}
	if done == 0 {
		return text
	}
	return string(append(out, text[done:]...))
}

// visible writes the characters of s, which is valid UTF-8, that are not seen, or that change how others
// are seen, as escapes.
func visible(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for _, r := range s {
		switch {
		case strconv.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r < utf8.RuneSelf:
			b = appendByte(b, byte(r))
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b = append(b, quoted[1:len(quoted)-1]...)
		}
	}
	return string(b)
}
