package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// Bounds of what people are shown. The narrowest service (Discord, 6000 characters in
// all) takes maxShown cards of a digest.
const (
	maxTitle = 140
	maxFact  = 160
	maxWhat  = 1200
	maxLine  = 300 // of a digest
	maxStep  = 300
	maxSteps = 4
	maxShown = 10 // notices of a digest
)

// A card is a notice as people read it: fit to be printed, bounded, with no link in it
// that can be followed by mistake. It still has to be escaped for whatever shows it.
type card struct {
	Title    string // "HIGH: Brute force at a login by 203.0.113.9"
	Severity detect.Severity
	Facts    []fact
	What     string
	Steps    []string
	Resolve  string // how to end it; "" if it is over
}

type fact struct{ Name, Value string }

func cardOf(n *Notice) card {
	a := &n.Alert
	c := card{Title: titleOf(n), Severity: a.Severity, What: fit(a.Description, maxWhat)}
	if a.ActorID != "" {
		c.Facts = append(c.Facts, fact{"Who", fit(strings.TrimSpace(a.ActorType+" "+a.ActorID), maxFact)})
	}
	if n.From.IP != "" {
		c.Facts = append(c.Facts, fact{"From", fit(n.From.Label(), maxFact)})
	}
	c.Facts = append(c.Facts,
		fact{"When", span(a.First, a.Last)},
		fact{"Outcome", fit(string(a.Outcome), maxFact)},
		fact{"Requests", fmt.Sprint(a.Count)},
		fact{"Rule", fit(a.Rule+" ("+a.Type+")", maxFact)},
		fact{"Alert", fit(a.ID, maxFact)},
	)
	if a.IncidentID != "" {
		c.Facts = append(c.Facts, fact{"Incident", fit(a.IncidentID, maxFact)})
	}
	c.Facts = slices.DeleteFunc(c.Facts, func(f fact) bool { return f.Value == "" })
	if n.Change == Resolved {
		c.Facts = append(c.Facts, fact{"Status", fit(strings.TrimSpace(a.Status+" "+a.ResolutionType), maxFact)})
		return c
	}
	for _, s := range n.Steps[:min(len(n.Steps), maxSteps)] {
		c.Steps = append(c.Steps, fit(s, maxStep))
	}
	c.Resolve = "litesoc alerts resolve " + fit(a.ID, maxFact)
	return c
}

// titleOf says in a line what has become of which alert.
func titleOf(n *Notice) string {
	a := &n.Alert
	t := strings.ToUpper(a.Severity.String())
	if n.Change != Opened {
		t += " " + string(n.Change)
	}
	t += ": " + a.Title
	if who := a.ActorID; who != "" {
		t += " by " + who
	} else if n.From.IP != "" {
		t += " from " + n.From.IP
	}
	return fit(t, maxTitle)
}

// lineOf is a notice of a digest in one line, but for its title.
func lineOf(n *Notice) string { return fit(n.Alert.Description, maxLine) }

// heading says in a line what a digest holds.
func (m *Message) heading() string {
	var n [detect.Critical + 1]int
	for i := range m.Notices {
		n[m.Notices[i].Alert.Severity]++
	}
	var parts []string
	for s := detect.Critical; s >= detect.Info; s-- {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	text := fmt.Sprintf("%d alerts: %s", len(m.Notices), strings.Join(parts, ", "))
	if m.Held {
		text += ", held over quiet hours"
	}
	return text
}

// shown returns the notices that a digest shows, the worst first, and how many it leaves
// out.
func (m *Message) shown() (some []*Notice, more int) {
	for s := detect.Critical; s >= detect.Info; s-- {
		for i := range m.Notices {
			if m.Notices[i].Alert.Severity != s {
				continue
			}
			if len(some) == maxShown {
				more++
				continue
			}
			some = append(some, &m.Notices[i])
		}
	}
	return some, more
}

// moreText points to the alerts that a digest leaves out.
func moreText(more int) string { return fmt.Sprintf("and %d more: litesoc alerts list", more) }

// text is the message as plain text of a few lines.
func (m *Message) text() string {
	var b strings.Builder
	if len(m.Notices) == 1 {
		c := cardOf(&m.Notices[0])
		b.WriteString(c.Title + "\n\n" + c.What + "\n\n")
		for _, f := range c.Facts {
			fmt.Fprintf(&b, "%-9s %s\n", f.Name, f.Value)
		}
		if len(c.Steps) > 0 {
			b.WriteString("\nNext steps\n")
		}
		for i, s := range c.Steps {
			fmt.Fprintf(&b, "%d. %s\n", i+1, s)
		}
		if c.Resolve != "" {
			b.WriteString("\nWhen it is dealt with: " + c.Resolve + "\n")
		}
		return b.String()
	}
	b.WriteString(m.heading() + "\n")
	some, more := m.shown()
	for _, n := range some {
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n", titleOf(n), lineOf(n), fit(n.Alert.ID, maxFact))
	}
	if more > 0 {
		b.WriteString("\n" + moreText(more) + "\n")
	}
	return b.String()
}

func span(first, last time.Time) string {
	const layout = "2006-01-02 15:04:05"
	text := first.UTC().Format(layout)
	if !last.Equal(first) {
		text += " to " + last.UTC().Format(layout)
	}
	return text + " UTC"
}

// fit makes log text fit to be shown: what terminals and eyes are deceived by is made
// visible, links are no links any more, and it is at most n characters long.
func fit(s string, n int) string {
	if len(s) > 8*n { // no character is longer than 4 bytes: the rest will not be seen
		s = s[:8*n]
	}
	return clip(strings.ReplaceAll(report.Show(s), "://", "[:]//"), n)
}

// clip cuts a text that is longer than n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:n-1]) + "…"
}

// escaped puts a backslash before each of the characters.
func escaped(s, chars string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(chars, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
