package parsers

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A redactor takes secrets out of text. The zero value but for its site remembers
// none of them.
type redactor struct {
	site         *Site
	fingerprints map[known]string // at most maxKnown; nil: nothing is remembered
	names        []knownName      // maxNames of them; nil: nothing is remembered
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
