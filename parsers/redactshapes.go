package parsers

import "strings"

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
