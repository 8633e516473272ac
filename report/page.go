package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// A page is text laid out for a terminal. Nothing comes onto it but through put,
// which makes it fit to print: log text cannot reach the terminal's controls.
type page struct {
	width int
	color bool
	ends  time.Time // when the log ends that is told of; zero if that is not said
	out   strings.Builder
}

// A tone is what a piece of text is, for those who can see colour. Nothing is said
// by tone alone.
type tone int

const (
	plain tone = iota
	strong
	faint
	good
	bad
	warning
	low
	badgeCritical
	badgeHigh
	badgeMedium
	badgeLow
	badgeInfo
	tones
)

// The colours are the sixteen that a terminal's own theme defines.
var styles = [tones]lipgloss.Style{
	strong:        lipgloss.NewStyle().Bold(true),
	faint:         lipgloss.NewStyle().Faint(true),
	good:          lipgloss.NewStyle().Foreground(lipgloss.Green),
	bad:           lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true),
	warning:       lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	low:           lipgloss.NewStyle().Foreground(lipgloss.Cyan),
	badgeCritical: lipgloss.NewStyle().Foreground(lipgloss.BrightWhite).Background(lipgloss.Red).Bold(true),
	badgeHigh:     lipgloss.NewStyle().Foreground(lipgloss.Black).Background(lipgloss.BrightRed),
	badgeMedium:   lipgloss.NewStyle().Foreground(lipgloss.Black).Background(lipgloss.Yellow),
	badgeLow:      lipgloss.NewStyle().Foreground(lipgloss.Black).Background(lipgloss.Cyan),
	badgeInfo:     lipgloss.NewStyle().Reverse(true),
}

// A span is a piece of a line.
type span struct {
	tone tone
	text string
}

// put writes one line. It does not care for the width.
func (p *page) put(spans ...span) {
	for len(spans) > 0 && strings.TrimRight(spans[len(spans)-1].text, " ") == "" {
		spans = spans[:len(spans)-1]
	}
	for i, s := range spans {
		text := Show(s.text)
		if i == len(spans)-1 {
			text = strings.TrimRight(text, " ")
		}
		if p.color && s.tone != plain {
			text = styles[s.tone].Render(text)
		}
		p.out.WriteString(text)
	}
	p.out.WriteByte('\n')
}

// columnGap is what stands between two columns of a page.
const columnGap = "  "

// beside writes two pages beside each other.
func (p *page) beside(left, right *page) {
	l, r := strings.Split(left.out.String(), "\n"), strings.Split(right.out.String(), "\n")
	for i := range max(len(l), len(r)) - 1 { // each ends with a line end
		line, more := "", ""
		if i < len(l) {
			line = l[i]
		}
		if i < len(r) {
			more = r[i]
		}
		if more != "" {
			line = pad(line, left.width) + columnGap + more
		}
		p.out.WriteString(line + "\n")
	}
}

// section begins a part of the report under a heading.
func (p *page) section(title, aside string) {
	p.put()
	line := strings.Repeat("─", max(p.width-cells(title)-1, 0))
	if aside != "" {
		line = strings.Repeat("─", max(p.width-cells(title)-cells(aside)-2, 0)) + " " + aside
	}
	p.put(span{strong, title + " "}, span{faint, line})
}

// maxTextLines bounds what one text takes of the page: it may quote a log.
const maxTextLines = 10

// text writes a text, in as many lines as it needs, to the right of a head that
// fills the first indent cells of its first line.
func (p *page) text(head span, indent int, t tone, text string) {
	p.lines(head, indent, t, Wrap(text, p.width-indent))
}

// lines writes lines to the right of a head.
func (p *page) lines(head span, indent int, t tone, lines []string) {
	head.text = pad(shorten(Show(head.text), indent), indent)
	for _, line := range lines {
		p.put(head, span{t, line})
		head = span{plain, strings.Repeat(" ", indent)}
	}
}

// units writes texts that must not be broken, as many to a line as fit. One that
// is too wide for a line stands alone and is shortened by the given function.
func (p *page) units(head span, indent int, t tone, units []string, short func(unit string, width int) string) {
	var lines []string
	line := ""
	for _, u := range units {
		if u = Show(u); cells(u) > p.width-indent {
			u = short(u, p.width-indent)
		}
		if line != "" && cells(line)+2+cells(u) > p.width-indent {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += "  "
		}
		line += u
	}
	if line != "" {
		lines = append(lines, line)
	}
	p.lines(head, indent, t, lines)
}

// Wrap breaks a text, which Show makes fit to print, into lines of at most width cells, at
// its spaces. A word that is wider is shortened in its middle, and the rest of a text of
// more than ten lines is left out.
func Wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	for word := range strings.FieldsSeq(Show(text)) {
		word = shorten(word, width)
		n := cells(word)
		if used > 0 && used+1+n > width {
			if len(lines) == maxTextLines-1 {
				return append(lines, ended(line.String(), width))
			}
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += n
	}
	if used > 0 {
		lines = append(lines, line.String())
	}
	return lines
}

// ended is a line after which the rest of a text is left out.
func ended(line string, width int) string {
	for cells(line+" …") > width {
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 {
			return cutRight(line, width-1) + "…"
		}
		line = line[:cut]
	}
	return line + " …"
}

// fold breaks a query or a command into lines, at its own line ends and at those
// spaces that do not belong to a quoted text, which a line end would change. What
// has no such space is left as wide as it is: it is there to be copied.
func fold(code string, width int) []string {
	var lines []string
	line := ""
	add := func(word string) {
		switch {
		case line == "":
			line = word
		case cells(Show(line+" "+word)) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	var quote rune
	start := 0
	for i, c := range code {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ' ' || c == '\n':
			add(code[start:i])
			start = i + 1
			if c == '\n' {
				lines, line = append(lines, line), ""
			}
		}
	}
	add(code[start:])
	return append(lines, line)
}

// cells returns the width of a text on the screen.
func cells(s string) int { return lipgloss.Width(s) }

// pad fills a text up with spaces to a width.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-cells(s), 0))
}

// padLeft is pad on the left.
func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(width-cells(s), 0)) + s
}

// number writes n with commas between its thousands.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// count writes how many of a thing there are: "1 request", "1,240 requests".
func count(n int64, thing string) string {
	if strings.HasSuffix(thing, "s") {
		return Plural(n, thing, thing+"es")
	}
	return Plural(n, thing, thing+"s")
}

// Plural writes how many of a thing there are, in the words for one and for many.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// unknown stands where a time is not known.
const unknown = "–"

// duration writes a time span in its two largest units: "4 m 12 s", "28 d 23 h".
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(d, 0).Milliseconds())
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Truncate(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	}
	const day = 24 * time.Hour
	units := []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		s := fmt.Sprintf("%s %s", number(int64(d/u.size)), u.name)
		if i+1 < len(units) {
			if rest := (d % u.size) / units[i+1].size; rest > 0 {
				s += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return s
	}
	return ""
}

const (
	dayLayout    = "2 Jan 2006"
	clockLayout  = "15:04:05"
	momentLayout = dayLayout + " " + clockLayout
)

// moment writes a point in time.
func moment(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return t.UTC().Format(momentLayout)
}

// period writes a span of time, to the second.
func period(first, last time.Time) string {
	switch {
	case first.IsZero() || last.IsZero() || moment(first) == moment(last):
		return moment(first)
	case sameDay(first, last):
		return moment(first) + " – " + last.UTC().Format(clockLayout)
	}
	return moment(first) + " – " + moment(last)
}

// days writes a span of time, to the day.
func days(first, last time.Time) string {
	first, last = first.UTC(), last.UTC()
	switch {
	case first.IsZero() || last.IsZero():
		return unknown
	case sameDay(first, last):
		return first.Format(dayLayout)
	case first.Year() == last.Year():
		return first.Format("2 Jan") + " – " + last.Format(dayLayout)
	}
	return first.Format(dayLayout) + " – " + last.Format(dayLayout)
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(dayLayout) == b.UTC().Format(dayLayout)
}
