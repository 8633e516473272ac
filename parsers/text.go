package parsers

import (
	"strings"
	"unicode/utf8"
)

// Bounds on the strings of a Request, in bytes. What is longer ends in "…".
const (
	maxPath      = 8 << 10
	maxQuery     = 8 << 10
	maxUserAgent = 2 << 10
	maxText      = 1 << 10 // method, host, referer, request id, tenant
	maxUser      = 255     // users, and clients that are no addresses: the longest name of a host
)

const ellipsis = "…"

// logged returns s, or "" where s is how logs write that there is nothing.
func logged(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// clean returns s with NUL and the bytes that are not UTF-8 as \xNN.
func clean(s string) string {
	n := 0
	for n < len(s) && s[n] < utf8.RuneSelf && s[n] != 0 {
		n++
	}
	if n == len(s) || utf8.ValidString(s[n:]) && strings.IndexByte(s[n:], 0) < 0 {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0 || r == utf8.RuneError && n == 1 {
			b = appendByte(b, s[i])
		} else {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(b)
}

// appendByte appends c as \xNN.
func appendByte(b []byte, c byte) []byte {
	return appendHex(append(b, '\\', 'x'), c)
}

// appendHex appends c as two hex digits.
func appendHex(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	return append(b, digits[c>>4], digits[c&15])
}

// cut shortens s, which is valid UTF-8, to at most max bytes.
func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return s[:runeStart(s, max-len(ellipsis))] + ellipsis
}

// runeStart returns the last i ≤ n at which a rune of s begins.
func runeStart(s string, n int) int {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// charAt returns the character that begins at s[i], percent-decoded however many
// times it was encoded ("%2F", "%252F"), and the number of bytes it takes in s.
func charAt(s string, i int) (c byte, n int) {
	if s[i] != '%' {
		return s[i], 1
	}
	j := i + 1
	for j+4 <= len(s) && s[j] == '2' && s[j+1] == '5' && isHex(s[j+2]) && isHex(s[j+3]) {
		j += 2
	}
	if j+2 > len(s) || !isHex(s[j]) || !isHex(s[j+1]) {
		return '%', 1
	}
	return unhex(s[j])<<4 | unhex(s[j+1]), j + 2 - i
}

// cutByte is strings.Cut for one byte, in half the time.
func cutByte(s string, c byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, c); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// percentDecoded returns s percent-decoded. What only looks like a sequence stays.
func percentDecoded(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return string(appendDecoded(make([]byte, 0, len(s)), s))
}

// appendDecoded appends s, percent-decoded, to b.
func appendDecoded(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		c, n := charAt(s, i)
		b = append(b, c)
		i += n
	}
	return b
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isAlnum(c byte) bool { return isDigit(c) || isLetter(c) }
