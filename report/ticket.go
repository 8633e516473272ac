package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// IncidentText writes one incident as the text report does, with the lines that show it.
func IncidentText(w io.Writer, in *Incident, evidence map[string][]Place, look Look) error {
	p := newPage(look)
	p.incident(&telling{Incident: in}, evidence)
	_, err := io.WriteString(w, p.out.String())
	return err
}

// Ticket writes one incident as Markdown for a ticket: what happened in which order, how
// it ended, who and from where, how sure it is, which lines show it and what to do. Text
// from the log stands in it as code, so that nothing of it is rendered.
func Ticket(w io.Writer, in *Incident, evidence map[string][]Place) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", prose(in.Title))
	fmt.Fprintf(&b, "**%s**, risk %d of 100 (%s). %s, from %s to %s. Incident %s, %s.\n\n", capital(in.Severity.String()), in.RiskScore,
		prose(strings.Join(in.Reasons, "; ")), capital(prose(outcome(in.Outcome))), instant(in.First), instant(in.Last), code(in.ID), prose(in.Status))
	fmt.Fprintf(&b, "%s\n", prose(in.Summary))
	list := func(title string, names []string) {
		if len(names) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		for _, n := range names[:min(len(names), maxNames)] {
			fmt.Fprintf(&b, "- %s\n", code(n))
		}
		if more := len(names) - maxNames; more > 0 {
			fmt.Fprintf(&b, "- and %s more\n", number(int64(more)))
		}
	}
	if s := in.sureness(); s != "" {
		fmt.Fprintf(&b, "\nConfidence: %s.\n", s)
	}
	list("Who", in.Actors)
	list("From where", labels(in))
	b.WriteString("\n## What happened\n\n")
	if chain := in.chain(); chain != "" {
		fmt.Fprintf(&b, "%s.\n\n", prose(capital(chain)))
	}
	for n, s := range in.Timeline {
		if n == maxTicketSteps {
			fmt.Fprintf(&b, "%d. and %s more\n", n+1, count(int64(len(in.Timeline)-n), "step"))
			break
		}
		when := instant(s.At)
		if s.Until.Sub(s.At) >= time.Second {
			when += " to " + instant(s.Until)
		}
		fmt.Fprintf(&b, "%d. %s: %s (%s, %s). %s\n", n+1, when, code(s.Name), s.Severity, prose(string(s.Outcome)), prose(s.Summary))
		places := evidence[s.Event]
		for _, at := range places[:min(len(places), maxTicketPlaces)] {
			fmt.Fprintf(&b, "   - %s\n", code(fmt.Sprintf("%s:%d", at.File, at.Line)))
		}
	}
	if len(in.OWASP)+len(in.Technique) > 0 {
		fmt.Fprintf(&b, "\n%s.\n", prose(class(in)))
	}
	if len(in.NextSteps) > 0 {
		b.WriteString("\n## What to do\n\n")
		for _, step := range in.NextSteps {
			fmt.Fprintf(&b, "- [ ] %s\n", prose(step))
		}
	}
	if len(in.Handled) > 0 {
		b.WriteString("\n## What was done\n\n")
		for n, s := range in.Handled {
			if n == maxTicketSteps {
				fmt.Fprintf(&b, "- and %s more\n", number(int64(len(in.Handled)-n)))
				break
			}
			fmt.Fprintf(&b, "- %s\n", prose(s))
		}
	}
	if in.SQL != "" {
		fmt.Fprintf(&b, "\n## Its requests\n\n%s\n", code(sqlCommand(in.SQL)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sqlCommand is a query as a shell takes it. It names actors as a log does: where the shell
// would read anything between double quotes, it gets the query between single ones.
func sqlCommand(query string) string {
	if strings.ContainsAny(query, "$`\\\"!") {
		return "litesoc sql " + quote(query)
	}
	return `litesoc sql "` + query + `"`
}

// Bounds of a ticket: what a person reads.
const (
	maxTicketSteps  = 50
	maxTicketPlaces = 3
)

// instant is a time as a ticket has it: with its zone.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

func capital(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// code is text as a code span that nothing in it can end: the fence is longer than any
// run of backquotes in it.
// https://spec.commonmark.org/0.31.2/#code-spans
func code(s string) string {
	s = Show(s)
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 || strings.HasPrefix(s, " ") || s == "" {
		s = " " + s + " "
	}
	return fence + s + fence
}

// prose is text in which what Markdown would render is taken literally.
// https://spec.commonmark.org/0.31.2/#backslash-escapes
func prose(s string) string {
	var b strings.Builder
	for _, r := range Show(s) {
		if strings.ContainsRune("\\`*_{}[]<>#|!~$@&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	// An address that a renderer would make a link of stays text.
	return strings.NewReplacer("://", `:\//`, "www.", `www\.`).Replace(b.String())
}
