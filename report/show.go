package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// maxMarks is how many combining marks one character keeps. Living scripts stay
// below it; a heap of marks would paint over the lines around it.
const maxMarks = 4

// Show returns s fit to be printed: everything that a terminal obeys, that changes
// the order of what is read, or that cannot be seen is written as an escape
// (\n, \x1b, \u202e, \U000e0041). That is control and format characters, line
// ends and tabs among them, spaces other than " ", marks without a letter, and
// bytes that are not UTF-8. Text that holds none of them is returned as it is, and
// Show(Show(s)) is Show(s). It is for reading: a backslash is left alone, so what s
// was cannot be told for certain.
func Show(s string) string {
	var b strings.Builder
	kept := 0         // what stands before is in b
	marks := maxMarks // at the start a mark has no letter to stand on
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !fit(r, n, &marks) {
			b.WriteString(s[kept:i])
			writeEscape(&b, r, s[i:i+n])
			kept = i + n
		}
		i += n
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// ShowShort is Show bounded: the result is at most width cells wide, with "…" in
// the place of what is left out of its middle. The work is bounded too, however
// long s is. A width below 1 counts as 1.
func ShowShort(s string, width int) string {
	width = max(width, 1)
	// The middle of a very long text will not be seen: do not escape it. No cell
	// needs more bytes than this, unless the text is made to deceive, and then it
	// only comes out shorter.
	const bytesPerCell = 32
	if keep := bytesPerCell * width; len(s) > 2*keep {
		head, tail := keep, len(s)-keep
		for head > 0 && !utf8.RuneStart(s[head]) {
			head--
		}
		for tail < len(s) && !utf8.RuneStart(s[tail]) {
			tail++
		}
		left := cutRight(Show(s[:head]), width-width/2-1)
		return left + "…" + cutLeft(Show(s[tail:]), width/2)
	}
	return shorten(Show(s), width)
}

// shorten cuts out the middle of a text that is fit to print and too wide.
func shorten(s string, width int) string {
	if lipgloss.Width(s) <= width {
		return s
	}
	return cutRight(s, width-width/2-1) + "…" + cutLeft(s, width/2)
}

// cutRight returns the longest start of s that is at most width cells wide.
func cutRight(s string, width int) string { return ansi.Truncate(s, width, "") }

// cutLeft returns the longest end of s that is at most width cells wide.
func cutLeft(s string, width int) string {
	drop := max(lipgloss.Width(s)-width, 0)
	out := ansi.TruncateLeft(s, drop, "")
	// Half of a wide character cannot be dropped.
	for lipgloss.Width(out) > width {
		drop++
		out = ansi.TruncateLeft(s, drop, "")
	}
	return out
}

// fit tells whether a character, read from n bytes, is printed as it is. marks
// counts the marks its letter already bears and is kept up to date.
func fit(r rune, n int, marks *int) bool {
	switch {
	case r > ' ' && r < 0x7f:
		*marks = 0
	case r == utf8.RuneError && n == 1, !unicode.IsPrint(r), unseen(r):
		*marks = 0
		return false
	case unicode.IsMark(r):
		*marks++
		if *marks > maxMarks {
			*marks = 0 // it stands on the escape that takes its place
			return false
		}
	case r == ' ':
		*marks = maxMarks
	default:
		*marks = 0
	}
	return true
}

// unseen tells whether a character that counts as printable shows nothing.
func unseen(r rune) bool {
	return unicode.Is(unicode.Variation_Selector, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

func writeEscape(b *strings.Builder, r rune, raw string) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case len(raw) == 1:
		fmt.Fprintf(b, `\x%02x`, raw[0])
	case r <= 0xffff:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}
