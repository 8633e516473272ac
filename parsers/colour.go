package parsers

import "strings"

// plain returns s without the sequences, ESC [ … m, that colour text on a terminal.
// Frameworks write them into files, too.
func plain(s string) string {
	at := strings.IndexByte(s, 0x1b)
	if at < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:at]...)
	for at < len(s) {
		if n := colourLen(s[at:]); n > 0 {
			at += n
			continue
		}
		b = append(b, s[at])
		at++
	}
	return string(b)
}

// colourLen returns the length of the sequence that s begins with, 0 if there is none.
func colourLen(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	n := 2
	for n < len(s) && (isDigit(s[n]) || s[n] == ';') {
		n++
	}
	if n == len(s) || s[n] != 'm' {
		return 0
	}
	return n + 1
}
