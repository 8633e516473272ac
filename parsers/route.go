package parsers

import (
	"encoding/base64"
	"strings"
)

// Bounds on a route: its segments, and its bytes. What is more is "…".
const (
	maxSegments = 32
	maxRoute    = 512
)

// Route returns the template of a path: what names one object among many is
// replaced by what it is, as in "/users/{id}". Slashes are collapsed, a trailing
// one and matrix parameters dropped; the rest stays as sent. It depends on the path
// alone, is "" only for an empty one, and is at most 512 bytes long.
func Route(path string) string {
	if path == "" {
		return ""
	}
	var buf [maxRoute]byte
	b := appendRoute(buf[:0], path)
	if string(b) == path {
		return path
	}
	return string(b)
}

// appendRoute appends the route of a path that is not empty to b, which is.
func appendRoute(b []byte, path string) []byte {
	rooted := path[0] == '/'
	var last, segment string // the segment before, as sent
	date := 0                // how many segments from here on are one date
	for n := 0; ; n++ {
		segment, path = nextSegment(path)
		if segment == "" {
			break
		}
		if n == maxSegments {
			return append(b, "/"+ellipsis...)
		}
		if rooted || n > 0 {
			b = append(b, '/')
		}
		if date == 0 {
			date = dateSegments(segment, path)
		}
		t := template{kind: "{date}"}
		if date > 0 {
			date--
		} else {
			t = templateOf(segment, last)
		}
		if len(b)+len(t.before)+len(t.kind)+len(t.after) > maxRoute-len("/"+ellipsis) {
			return append(b, ellipsis...)
		}
		b = append(append(append(b, t.before...), t.kind...), t.after...)
		last = segment
	}
	if len(b) == 0 {
		return append(b, '/')
	}
	return b
}

// nextSegment returns the first segment of path without its matrix parameters, and
// what follows it. It is "" at the end of the path.
func nextSegment(path string) (segment, rest string) {
	for path != "" {
		segment, path, _ = strings.Cut(path, "/")
		segment, _, _ = strings.Cut(segment, ";")
		if segment != "" {
			return segment, path
		}
	}
	return "", ""
}

// dateSegments returns how many segments, from the given one on, make one date:
// 3 for year, month and day, 2 for year and month, else 0.
func dateSegments(segment, rest string) int {
	if !allDecimal(segment) || !isYear(segment) {
		return 0
	}
	month, rest := nextSegment(rest)
	if !isTwoDigits(month, 12) {
		return 0
	}
	if day, _ := nextSegment(rest); isTwoDigits(day, 31) {
		return 3
	}
	return 2
}

// isTwoDigits reports whether s is a number of two digits from 1 to most.
func isTwoDigits(s string, most int) bool {
	if len(s) != 2 || !allDecimal(s) {
		return false
	}
	n := int(s[0]-'0')*10 + int(s[1]-'0')
	return 1 <= n && n <= most
}

// A template is what a route shows of a segment. Kind is "" where that is the
// segment itself.
type template struct {
	before, kind, after string
}

// templateOf returns the template of a segment that follows the segment last.
func templateOf(segment, last string) template {
	t := classify(percentDecoded(segment), last)
	if t.kind == "" {
		return template{before: segment}
	}
	return t
}

// classify tells what a segment, decoded, is. What stands before and after the
// kind is made of letters, digits, '_', '-', '.' and ':' only, and of what keyed adds.
func classify(s, last string) template {
	if kind := kindOf(s, last); kind != "" {
		return template{kind: kind}
	}
	if t := prefixed(s); t.kind != "" {
		return t
	}
	if t := qualified(s); t.kind != "" {
		return t
	}
	if t := keyed(s, last); t.kind != "" {
		return t
	}
	dot := strings.LastIndexByte(s, '.')
	if dot <= 0 || !isExtension(s[dot+1:]) {
		return template{}
	}
	stem, after := s[:dot], s[dot:]
	if kind := kindOf(stem, last); kind != "" {
		return template{kind: kind, after: after}
	}
	if t := prefixed(stem); t.kind != "" {
		t.after = after
		return t
	}
	return template{}
}

// kindOf returns the kind of a segment that is one value as a whole, or "".
func kindOf(s, last string) string {
	switch {
	case allDecimal(strings.TrimPrefix(s, "-")):
		if strings.EqualFold(last, "page") || strings.EqualFold(last, "p") || strings.EqualFold(last, "offset") {
			return "{n}"
		}
		return "{id}"
	case isFingerprint(s), isJWT(s):
		return "{token}"
	case isDate(s):
		return "{date}"
	case isUUID(s): // also one without letters
		return "{uuid}"
	case isSerial(s):
		return "{id}"
	case isHash(s), isSortable(s), isHardware(s):
		return "{hash}"
	case isEmail(s):
		return "{email}"
	case isEncodedID(s):
		return "{id}"
	case isBlob(s):
		return "{token}"
	}
	return kindOfList(s, last)
}

// kindOfList is kindOf for several ids, separated by commas.
func kindOfList(s, last string) string {
	if strings.IndexByte(s, ',') < 0 {
		return ""
	}
	all := ""
	for one := range strings.SplitSeq(s, ",") {
		switch kind := kindOf(one, last); kind {
		case "{id}", "{uuid}", "{hash}":
			if all != "" && kind != all {
				return ""
			}
			all = kind
		default:
			return ""
		}
	}
	return all
}

func allDecimal(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// isDate reports whether s is a date, or a date and a time, as in RFC 3339.
func isDate(s string) bool {
	const pattern = "2006-01-02"
	if len(s) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if isDigit(pattern[i]) != isDigit(s[i]) || pattern[i] == '-' && s[i] != '-' {
			return false
		}
	}
	if !isTwoDigits(s[5:7], 12) || !isTwoDigits(s[8:10], 31) {
		return false
	}
	rest := s[len(pattern):]
	return rest == "" || (rest[0] == 'T' || rest[0] == 't' || rest[0] == ' ') &&
		strings.Trim(rest[1:], "0123456789:.+-Zz ") == ""
}

// isSerial reports whether s is a number in groups, as invoices have it: "2026-0500". The last
// group has three digits at least: "2026-01" is a month.
func isSerial(s string) bool {
	group, groups := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			group++
		case (c == '-' || c == '_') && group > 0:
			group = 0
			groups++
		default:
			return false
		}
	}
	return groups > 0 && group >= 3
}

// isUUID reports whether s is 8-4-4-4-12 hex digits.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHex(s[i]) {
				return false
			}
		}
	}
	return true
}

// isHash reports whether s is 16 hex digits or more, or a ULID: 26 characters of
// Crockford's alphabet. One must be a decimal digit: there are long words.
func isHash(s string) bool {
	if len(s) < 16 {
		return false
	}
	hex, ulid, digit := true, len(s) == 26, false
	for i := 0; i < len(s) && (hex || ulid); i++ {
		c := s[i]
		digit = digit || isDigit(c)
		hex = hex && isHex(c)
		ulid = ulid && isAlnum(c) && strings.IndexByte("ILOUilou", c) < 0
	}
	return digit && (hex || ulid)
}

// isHardware reports whether s is the address of a network card: 12 hex digits, a letter and a digit
// among them, or six times two with colons or hyphens between.
func isHardware(s string) bool {
	const digits, parted = 12, 17
	if len(s) != digits && len(s) != parted {
		return false
	}
	letter, digit := false, false
	for i := range len(s) {
		c := s[i]
		if len(s) == parted && i%3 == 2 {
			if c != ':' && c != '-' || c != s[2] {
				return false
			}
			continue
		}
		if !isHex(c) {
			return false
		}
		letter, digit = letter || isLetter(c), digit || isDigit(c)
	}
	return len(s) == parted || letter && digit
}

// isSortable reports whether s is 20 letters and digits or more, of one case and well mixed, as the
// ids are that sort by the time they were made at (cuid, xid). Words with a number or two are none.
func isSortable(s string) bool {
	const shortest, changes = 20, 4
	if len(s) < shortest {
		return false
	}
	lower, upper, changed := false, false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			lower = true
		case 'A' <= c && c <= 'Z':
			upper = true
		case !isDigit(c):
			return false
		}
		if i > 0 && isDigit(s[i]) != isDigit(s[i-1]) {
			changed++
		}
	}
	return lower != upper && changed >= changes
}

// isEmail reports whether s is an e-mail address and not the name of an image for
// dense screens ("icon@2x.png").
func isEmail(s string) bool {
	at := strings.IndexByte(s, '@')
	if at <= 0 {
		return false
	}
	for i := range at {
		if c := s[i]; !isAlnum(c) && strings.IndexByte(".-_+'", c) < 0 {
			return false
		}
	}
	domain := s[at+1:]
	dot := strings.LastIndexByte(domain, '.')
	if dot <= 0 || len(domain)-dot < 3 {
		return false
	}
	for i := range len(domain) {
		if c := domain[i]; !isAlnum(c) && c != '-' && c != '.' || i > dot && !isLetter(c) {
			return false
		}
	}
	return !(len(domain) > 1 && isDigit(domain[0]) && domain[1] == 'x')
}

// isBlob reports whether s is 20 characters or more of base64 in which both cases
// and digits are mixed and few are separators, as between words.
func isBlob(s string) bool {
	s = strings.TrimRight(s, "=")
	if len(s) < 20 {
		return false
	}
	lower, upper, digits, separators := 0, 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			lower++
		case 'A' <= c && c <= 'Z':
			upper++
		case isDigit(c):
			digits++
		case c == '_' || c == '-' || c == '+':
			separators++
		default:
			return false
		}
	}
	return lower > 0 && upper > 0 && digits > 0 && separators <= len(s)/8
}

var (
	standard64 = base64.RawStdEncoding.Strict()
	url64      = base64.RawURLEncoding.Strict()
)

func isEncodedID(s string) bool {
	_, ok := EncodedID(s)
	return ok
}

// EncodedID returns the number, as text, that base64 makes of a number, or of a word and a
// number: "1001" of "MTAwMQ==", of "VXNlcjoxMDAx" ("User:1001"), of "Z2lkOi8vYXBwL1VzZXIvMTAwMQ"
// ("gid://app/User/1001"). ok is false for other text.
func EncodedID(s string) (number string, ok bool) {
	const shortest, longest = 4, 64
	if len(s) < shortest { // "NA" is a region
		return "", false
	}
	s = strings.TrimRight(s, "=")
	if s == "" || len(s) > longest || !mayEncodeWord(s) {
		return "", false
	}
	var buf [longest]byte
	encoding := standard64
	if strings.ContainsAny(s, "-_") {
		encoding = url64
	}
	n, err := encoding.Decode(buf[:], []byte(s))
	if err != nil {
		return "", false
	}
	from := n // of the number
	for from > 0 && isDigit(buf[from-1]) {
		from--
	}
	if from == n || from > 0 && (!isLetter(buf[0]) || strings.IndexByte(":/|#", buf[from-1]) < 0) {
		return "", false
	}
	for _, c := range buf[:from] {
		if !isAlnum(c) && strings.IndexByte(":/|#_-.", c) < 0 {
			return "", false
		}
	}
	return string(buf[from:n]), true
}

// mayEncodeWord tells, at little cost, whether base64 may stand for text that begins with a
// letter or a digit and ends in a digit: it is no word in small letters.
func mayEncodeWord(s string) bool {
	if c := s[0]; c < 'M' || c > 'e' || c == 'P' || c == 'X' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return true
		}
	}
	return false
}

// prefixed returns the template of an id that says what it is of: letters, '_' or
// '-', and at least four letters and digits, one of them a digit, or a number in groups;
// or a few letters and a number.
func prefixed(s string) template {
	const longest = 24 // letters: a longer word is the name of something else
	sep := 0
	for sep < len(s) && sep <= longest && isLetter(s[sep]) {
		sep++
	}
	if sep == 0 || sep > longest || len(s)-sep < 4 {
		return template{}
	}
	if s[sep] != '_' && s[sep] != '-' {
		if sep > 5 || !allDecimal(s[sep:]) || isYear(s[sep:]) {
			return template{}
		}
		return template{before: s[:sep], kind: "{id}"}
	}
	if len(s)-sep-1 < 4 {
		return template{}
	}
	digit := false
	for i := sep + 1; i < len(s); i++ {
		if !isAlnum(s[i]) {
			if rest := s[sep+1:]; isSerial(rest) && !isDate(rest) {
				break
			}
			return template{}
		}
		digit = digit || isDigit(s[i])
	}
	if !digit {
		return template{}
	}
	return template{before: s[:sep+1], kind: "{id}"}
}

// qualified returns the template of a number behind words that say what it is of, with colons
// between: "user:1001", "urn:li:member:1001". Behind the name of a host it is a port.
func qualified(s string) template {
	colon := strings.LastIndexByte(s, ':')
	if colon <= 0 || !allDecimal(s[colon+1:]) || !isLetter(s[0]) {
		return template{}
	}
	words := s[:colon]
	if words == "localhost" {
		return template{}
	}
	for i := range len(words) {
		if c := words[i]; !isLetter(c) && strings.IndexByte("_-:", c) < 0 {
			return template{}
		}
	}
	return template{before: s[:colon+1], kind: "{id}"}
}

// isYear reports whether s is a year that names of pages have: "es2015", "summer2026".
func isYear(s string) bool { return len(s) == 4 && (s[:2] == "19" || s[:2] == "20") }

// keyed returns the template of an object of a set as OData names it, by its key in
// parentheses: "Customers(1001)", "Orders('6f1c…')", "Lines(OrderID=1001,No=2)", of which the first
// tells.
func keyed(s, last string) template {
	if s == "" || s[len(s)-1] != ')' {
		return template{}
	}
	open := strings.IndexByte(s, '(')
	if open <= 0 || !isLetter(s[open-1]) {
		return template{}
	}
	for i := range open {
		if !isAlnum(s[i]) && strings.IndexByte("_-.", s[i]) < 0 {
			return template{}
		}
	}
	end := len(s) - 1
	open++
	if equals := strings.IndexByte(s[open:end], '='); equals > 0 && isLetter(s[open]) {
		open += equals + 1
		if comma := strings.IndexByte(s[open:end], ','); comma >= 0 {
			end = open + comma
		}
	}
	if end-open > 2 && s[open] == '\'' && s[end-1] == '\'' {
		open, end = open+1, end-1
	}
	if kind := kindOf(s[open:end], last); kind != "" {
		return template{before: s[:open], kind: kind, after: s[end:]}
	}
	if t := prefixed(s[open:end]); t.kind != "" {
		return template{before: s[:open+len(t.before)], kind: t.kind, after: s[end:]}
	}
	return template{}
}

// isExtension reports whether s is what follows the dot in the name of a file: a
// few letters and digits, the first a letter.
func isExtension(s string) bool {
	if s == "" || len(s) > 5 || !isLetter(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) {
			return false
		}
	}
	return true
}
