package parsers

import "strings"

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
