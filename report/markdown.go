package report

import (
	"fmt"
	"io"
	"strings"
)

// How much of a report Markdown shows: it must fit the summary of a CI step, which GitHub
// bounds at 1 MiB, and a person reads it.
const (
	markdownIncidents = 20  // told in full
	markdownRows      = 500 // listed at all
	markdownLogs      = 50
)

// Markdown returns the report as GitHub-flavoured Markdown, for a pull request, a wiki or
// the summary of a CI step: the verdict, the incidents worst first, what was read. Text
// from logs stands in it as text and renders as nothing else.
func Markdown() *Format {
	return &Format{
		Name:  "markdown",
		Doc:   "the incident report as Markdown, for a ticket or the summary of a CI step",
		Write: writeMarkdown,
	}
}

func writeMarkdown(w io.Writer, r *Report, _ Look) error {
	var b strings.Builder
	markdownVerdict(&b, r)
	if len(r.Incidents) > 0 {
		b.WriteString("\n| severity | risk | incident | when | result | id |\n|---|---:|---|---|---|---|\n")
	}
	for i := range r.Incidents[:min(len(r.Incidents), markdownRows)] {
		in := &r.Incidents[i]
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s |\n", in.Severity, in.RiskScore, prose(ShowShort(in.Title, 120)), period(in.First, in.Last), prose(string(in.Outcome)), code(in.ID))
	}
	if more := len(r.Incidents) - markdownRows; more > 0 {
		fmt.Fprintf(&b, "\nand %s more\n", number(int64(more)))
	}
	all := r.tellings()
	for _, t := range all[:min(len(all), markdownIncidents)] {
		b.WriteString("\n")
		if err := Ticket(nested{&b}, t.Incident, r.Run.Evidence); err != nil {
			return err
		}
		if others := t.others(); others != "" {
			fmt.Fprintf(&b, "\nAnd %s.\n", prose(others))
		}
	}
	markdownLog(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownVerdict says what came out, and of how much.
func markdownVerdict(b *strings.Builder, r *Report) {
	looked := fmt.Sprintf("%s of %s, %s", count(r.Log.Parsed, "request"), count(r.Log.Clients, "client"), days(r.Log.First, r.Log.Last))
	switch {
	case len(r.Incidents) > 0:
		fmt.Fprintf(b, "# %s\n\nFound in %s. Times are UTC.\n", prose(severities(incidentTally(r), "incident")), looked)
	case r.Log.Parsed == 0:
		b.WriteString("# Nothing could be read, so nothing can be said\n")
	case r.Run.Unfinished:
		fmt.Fprintf(b, "# No incident so far, but not all has been judged\n\nLooked at %s. Times are UTC.\n", looked)
	default:
		no := "No incident"
		if r.Run.shown() != "" {
			no = "No such incident"
		}
		fmt.Fprintf(b, "# "+no+"\n\nLooked at %s. Times are UTC.\n", looked)
	}
	if shown := r.Run.shown(); shown != "" {
		fmt.Fprintf(b, "\nShown: only %s.\n", prose(ShowShort(shown, 300)))
	}
	if not := notJudged(r); not != "" {
		fmt.Fprintf(b, "\n**Not judged:** %s.\n", not)
	}
	if n := len(r.Run.Failures); n > 0 {
		fmt.Fprintf(b, "\n**%s could not be read to the end**, see below.\n", count(int64(n), "source"))
	}
}

// markdownLog lists the sources and what the reader should know.
func markdownLog(b *strings.Builder, r *Report) {
	if len(r.Run.Sources) > 0 {
		b.WriteString("\n## What was read\n\n| source | format | lines | parsed | rejected | late | skipped |\n|---|---|---:|---:|---:|---:|---:|\n")
	}
	for _, s := range r.Run.Sources[:min(len(r.Run.Sources), markdownLogs)] {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", prose(ShowShort(s.Path, 120)), prose(s.Format), number(s.Lines), number(s.Parsed), number(s.Rejected), number(s.Late), number(s.Skipped))
	}
	if more := len(r.Run.Sources) - markdownLogs; more > 0 {
		fmt.Fprintf(b, "\nand %s more\n", number(int64(more)))
	}
	var notes []string
	for _, f := range r.Run.Failures {
		notes = append(notes, "could not be read to the end: "+prose(ShowShort(f.Path, 120))+": "+prose(ShowShort(f.Error, 300)))
	}
	for _, n := range r.Run.Notes {
		notes = append(notes, prose(ShowShort(n, 300)))
	}
	if len(notes) > 0 {
		b.WriteString("\n## To know\n\n")
	}
	for _, n := range notes[:min(len(notes), markdownLogs)] {
		fmt.Fprintf(b, "- %s\n", n)
	}
	if more := len(notes) - markdownLogs; more > 0 {
		fmt.Fprintf(b, "- and %s more\n", number(int64(more)))
	}
}

// nested writes Markdown whose headings are one step lower.
type nested struct{ w *strings.Builder }

func (n nested) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") { // in prose it is escaped
			n.w.WriteByte('#')
		}
		n.w.WriteString(line)
	}
	return len(text), nil
}
