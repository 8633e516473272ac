package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/litesoc/litesoc/detect"
)

// An Explanation says why an alert, an event or the alerts of an incident are there.
type Explanation struct {
	ID     string          `json:"id"` // what was asked about
	Alerts []ExplainedRule `json:"alerts"`
	Events []Explained     `json:"events"`
	More   int             `json:"more_events"` // that are not explained
	Notes  []string        `json:"notes"`
}

// An ExplainedRule is an alert, and what its rule asks of events.
type ExplainedRule struct {
	Alert  Alert    `json:"alert"`
	About  string   `json:"about"` // the rule in a sentence
	Wants  []string `json:"wants"` // its conditions
	Events []string `json:"events"`
}

// An Explained is an event, and how its detector came to it.
type Explained struct {
	Event    Event              `json:"event"`
	About    string             `json:"about"` // the detector in a sentence
	Settings []ExplainedSetting `json:"settings"`
	Window   string             `json:"window"`
	Usual    string             `json:"usual"` // the baseline when it began; "" if the detector has none
	// Guards are what made the event more or less severe, or sure.
	Guards []string `json:"guards"`
	// Account is how the detector came to it, made again from the kept requests; nil if
	// it did not.
	Account *detect.Account   `json:"account"`
	Near    []detect.NearMiss `json:"near_misses"`
	Lines   []Place           `json:"lines"`
	SQL     string            `json:"sql"`
	// Places are the lines of the account's steps.
	Places []Place `json:"step_lines"`
}

// A ExplainedSetting is one of a detector.
type ExplainedSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Usage string `json:"usage"`
	Set   bool   `json:"set"` // by the config
}

// ExplanationText writes an explanation for people.
func ExplanationText(w io.Writer, e *Explanation) error {
	var b strings.Builder
	for i := range e.Alerts {
		explainRule(&b, &e.Alerts[i])
	}
	for i := range e.Events {
		if i > 0 || len(e.Alerts) > 0 {
			b.WriteString("\n")
		}
		explainEvent(&b, &e.Events[i])
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n%d more events: 'litesoc explain' with the id of one explains it\n", e.More)
	}
	for _, n := range e.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", Show(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const instantLayout = "2006-01-02 15:04:05"

func explainRule(b *strings.Builder, r *ExplainedRule) {
	a := &r.Alert
	fmt.Fprintf(b, "ALERT %s  %s  %s\n", Show(a.ID), a.Severity, ShowShort(a.Title, 80))
	fmt.Fprintf(b, "  what      %s\n", Show(a.Description))
	fmt.Fprintf(b, "  rule      %s: %s\n", Show(a.Rule), Show(r.About))
	for i, c := range r.Wants {
		label := "wants"
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(b, "  %-9s %s\n", label, Show(c))
	}
	fmt.Fprintf(b, "  met by    %s\n", Show(strings.Join(r.Events, ", ")))
}

func explainEvent(b *strings.Builder, x *Explained) {
	e := &x.Event
	fmt.Fprintf(b, "EVENT %s  %s  %s\n", Show(e.ID), e.Severity, Show(e.Name))
	fmt.Fprintf(b, "  what      %s\n", Show(e.Summary))
	fmt.Fprintf(b, "  detector  %s: %s\n", Show(e.Detector), Show(x.About))
	for i, s := range x.Settings {
		label := "settings"
		if i > 0 {
			label = ""
		}
		by := "default"
		if s.Set {
			by = "set"
		}
		value := s.Value
		if value == "" {
			value = "none"
		}
		fmt.Fprintf(b, "  %-9s %s = %s (%s): %s\n", label, s.Name, ShowShort(value, 60), by, s.Usage)
	}
	if x.Usual != "" {
		fmt.Fprintf(b, "  usual     %s\n", Show(x.Usual))
	}
	for i, g := range x.Guards {
		label := "weighed"
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(b, "  %-9s %s\n", label, Show(g))
	}
	if x.Account != nil {
		explainSteps(b, x)
	}
	for i, n := range x.Near {
		label := "near miss"
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(b, "  %-9s %s had %d %s at %s; %d would be an event\n", label, ShowShort(n.Key, 60), n.Level.Have, n.Level.Of, n.At.UTC().Format(instantLayout), n.Level.Need)
	}
	for i, l := range x.Lines {
		switch {
		case i == 0:
			fmt.Fprintf(b, "  lines     %s:%d", Show(l.File), l.Line)
		case l.File == x.Lines[i-1].File:
			fmt.Fprintf(b, ", %d", l.Line)
		default:
			fmt.Fprintf(b, "\n            %s:%d", Show(l.File), l.Line)
		}
	}
	if len(x.Lines) > 0 {
		b.WriteString("\n")
	}
	if x.SQL != "" {
		fmt.Fprintf(b, "  sql       %s\n", x.SQL)
	}
}

func explainSteps(b *strings.Builder, x *Explained) {
	a := x.Account
	fmt.Fprintf(b, "  key       %s\n", ShowShort(a.Key, 80))
	rows := [][]string{{"n", "time (UTC)", "request", "within " + x.Window, "counted", "what came of it", "line"}}
	for i := range a.Steps {
		s := &a.Steps[i]
		counted := ""
		if s.Level != nil && s.Level.Need > 0 {
			counted = fmt.Sprintf("%d of %d", s.Level.Have, s.Level.Need)
		}
		did := s.Did
		if did != "" {
			did += fmt.Sprintf(" (%s, %d)", s.Severity, s.Count)
		}
		line := ""
		if i < len(x.Places) {
			line = fmt.Sprintf("%s:%d", ShowShort(x.Places[i].File, 30), x.Places[i].Line)
		}
		rows = append(rows, []string{fmt.Sprint(s.N), s.At.UTC().Format(instantLayout), ShowShort(fmt.Sprintf("%s %s %d", s.Method, s.Path, s.Status), 44), fmt.Sprint(s.Within), counted, did, line})
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], lipgloss.Width(cell))
		}
	}
	last := int64(0)
	for i, row := range rows {
		if i > 0 {
			if n := a.Steps[i-1].N; n > last+1 {
				fmt.Fprintf(b, "    … %d more\n", n-last-1)
			}
			last = a.Steps[i-1].N
		}
		line := "    "
		for c, cell := range row {
			line += cell + strings.Repeat(" ", width[c]-lipgloss.Width(cell)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if a.Peak.Have > 0 {
		fmt.Fprintf(b, "  peak      %d %s within %s, at %s\n", a.Peak.Have, a.Peak.Of, x.Window, a.PeakAt.UTC().Format(instantLayout))
	}
	if a.End.IsZero() {
		fmt.Fprintf(b, "  end       it was not over when the log ended\n")
		return
	}
	fmt.Fprintf(b, "  end       %s, after %s of quiet\n", a.End.UTC().Format(instantLayout), SpanText(a.End.Sub(a.Event.Last)))
}

// Guards returns what the summary of an event says, beside its numbers, to make it more
// or less severe or sure, and what both came to.
func Guards(e *Event) []string {
	var list []string
	if _, after, ok := strings.Cut(e.Summary, "(threshold"); ok {
		if _, clauses, ok := strings.Cut(after, "); "); ok {
			list = strings.Split(clauses, "; ")
		}
	}
	return append(list, fmt.Sprintf("severity %s, confidence %.2f, outcome %s", e.Severity, e.Confidence, e.Outcome))
}

// SQL returns a query over the store that shows the requests of the event's actor while it
// went on; "" if it names nobody.
func (e *Event) SQL() string {
	column, name := "actor_id", e.ActorID
	if name == "" || e.ActorType == "ip" {
		column, name = "client_ip", e.UserIP
	}
	if name == "" || Show(name) != name {
		return ""
	}
	const layout = "2006-01-02 15:04:05.999999"
	return fmt.Sprintf("select ts, client_ip, method, path, status, source_id, line from requests where %s = '%s' and ts between '%s' and '%s' order by ts, source_id, line",
		column, strings.ReplaceAll(name, "'", "''"), e.First.UTC().Format(layout), e.Last.UTC().Format(layout))
}

// SpanText says a window in words.
func SpanText(d time.Duration) string {
	text := d.String()
	if d >= time.Minute && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d >= time.Hour && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
