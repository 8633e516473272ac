package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

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
func ExplanationText(w io.Writer, e *Explanation, look Look) error {
	p := newPage(look)
	for i := range e.Alerts {
		p.explainRule(&e.Alerts[i])
	}
	for i := range e.Events {
		if i > 0 || len(e.Alerts) > 0 {
			p.put()
		}
		p.explainEvent(&e.Events[i])
	}
	if e.More > 0 {
		p.put()
		p.text(span{}, 0, plain, count(int64(e.More), "more event")+": 'litesoc explain' with the id of one explains it")
	}
	for _, n := range e.Notes {
		p.put()
		p.text(span{faint, "note:"}, len("note: "), plain, n)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

const instantLayout = "2006-01-02 15:04:05"

// heading names what is explained.
func (p *page) heading(kind, id string, severity detect.Severity, name string) {
	head := kind + " " + id + "  "
	p.put(span{strong, head}, span{severityTone(severity), severity.String()}, span{plain, "  " + ShowShort(name, max(p.width-cells(head)-len("critical  "), 20))})
}

// fields writes texts below each other, beside the label of the first.
func (p *page) fields(label string, texts []string) {
	for i, t := range texts {
		if i > 0 {
			label = ""
		}
		p.field(label, plain, t)
	}
}

func (p *page) explainRule(r *ExplainedRule) {
	a := &r.Alert
	p.heading("ALERT", a.ID, a.Severity, a.Title)
	p.field("what", plain, a.Description)
	p.field("rule", plain, a.Rule+": "+r.About)
	p.fields("wants", r.Wants)
	p.units(span{faint, "  met by"}, len(margin), plain, r.Events, shorten)
}

func (p *page) explainEvent(x *Explained) {
	e := &x.Event
	p.heading("EVENT", e.ID, e.Severity, e.Name)
	p.field("what", plain, e.Summary)
	p.field("detector", plain, e.Detector+": "+x.About)
	var settings []string
	for _, s := range x.Settings {
		by, value := "default", s.Value
		if s.Set {
			by = "set"
		}
		if value == "" {
			value = "none"
		}
		settings = append(settings, fmt.Sprintf("%s = %s (%s): %s", s.Name, ShowShort(value, 60), by, s.Usage))
	}
	p.fields("settings", settings)
	p.field("usual", plain, x.Usual)
	p.fields("weighed", x.Guards)
	if x.Account != nil {
		p.explainSteps(x)
	}
	var near []string
	for _, n := range x.Near {
		near = append(near, fmt.Sprintf("%s had %d %s at %s; %d would be an event", ShowShort(n.Key, 60), n.Level.Have, n.Level.Of, n.At.UTC().Format(instantLayout), n.Level.Need))
	}
	p.fields("near miss", near)
	p.explainLines(x.Lines)
	if x.SQL != "" {
		p.lines(span{faint, "  sql"}, len(margin), plain, fold(x.SQL, p.width-len(margin)))
	}
}

// explainLines lists lines of logs, each file by its name but once.
func (p *page) explainLines(lines []Place) {
	label := "  lines"
	for i := 0; i < len(lines); {
		units := []string{fmt.Sprintf("%s:%d", lines[i].File, lines[i].Line)}
		next := i + 1
		for ; next < len(lines) && lines[next].File == lines[i].File; next++ {
			units = append(units, fmt.Sprint(lines[next].Line))
		}
		p.units(span{faint, label}, len(margin), low, units, shorten)
		label, i = "", next
	}
}

// stepRows returns the table of the steps with its head. The closer it is wanted, the less
// is in it: from 1 on not the one file that all lines are of, which stands under the table,
// from 2 on how much must be counted but once, at 3 not how many requests the window holds.
func (x *Explained) stepRows(closer int) [][]string {
	a := x.Account
	layout, title := instantLayout, "time (UTC)"
	if sameDay(x.Event.First, x.Event.Last) && sameDay(a.Event.First, a.Event.Last) {
		layout, title = clockLayout, "UTC"
	}
	files, needs := map[string]bool{}, map[int64]bool{}
	need := int64(0)
	for i := range a.Steps {
		if i < len(x.Places) {
			files[x.Places[i].File] = true
		}
		if l := a.Steps[i].Level; l != nil && l.Need > 0 {
			need = l.Need
			needs[need] = true
		}
	}
	oneFile, oneNeed := closer > 0 && len(files) == 1, closer > 1 && len(needs) == 1
	head := []string{"n", title, "request", "within " + x.Window, "counted", "line"}
	if oneNeed {
		head[4] = fmt.Sprintf("of %d", need)
	}
	rows := [][]string{head}
	for i := range a.Steps {
		s := &a.Steps[i]
		counted, line := "", ""
		switch {
		case s.Level == nil || s.Level.Need <= 0:
		case oneNeed:
			counted = fmt.Sprint(s.Level.Have)
		default:
			counted = fmt.Sprintf("%d of %d", s.Level.Have, s.Level.Need)
		}
		switch {
		case i >= len(x.Places):
		case oneFile:
			line = fmt.Sprint(x.Places[i].Line)
		default:
			line = fmt.Sprintf("%s:%d", ShowShort(x.Places[i].File, max(30/(closer+1), 10)), x.Places[i].Line)
		}
		rows = append(rows, []string{fmt.Sprint(s.N), s.At.UTC().Format(layout), Show(fmt.Sprintf("%s %s %d", s.Method, s.Path, s.Status)), fmt.Sprint(s.Within), counted, line})
	}
	if closer > 2 {
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 3, 4)
		}
	}
	return rows
}

// explainSteps lists what the detector did with each request. What came of one stands
// under it.
func (p *page) explainSteps(x *Explained) {
	const (
		indent  = "    "
		request = 2  // its column, which is shortened
		least   = 16 // to no less, but where nothing else is left
		fewest  = 10
	)
	a := x.Account
	p.field("key", plain, ShowShort(a.Key, 80))
	var rows [][]string
	var width []int
	for closer := range 4 {
		rows = x.stepRows(closer)
		width = make([]int, len(rows[0]))
		others := len(indent) + 2*(len(width)-1) // all but the request
		for i := range width {
			for _, row := range rows {
				width[i] = max(width[i], cells(row[i]))
			}
			if i != request {
				others += width[i]
			}
		}
		room := p.width - others
		fits := room >= min(width[request], least)
		width[request] = min(width[request], max(room, fewest))
		if fits {
			break
		}
	}
	last := int64(0)
	for i, row := range rows {
		if i > 0 {
			if n := a.Steps[i-1].N; n > last+1 {
				p.put(span{faint, fmt.Sprintf("%s… %d more", indent, n-last-1)})
			}
			last = a.Steps[i-1].N
		}
		line := indent
		for c, cell := range row {
			line += pad(ShowShort(cell, width[c]), width[c]) + "  "
		}
		t := plain
		if i == 0 {
			t = faint
		}
		p.put(span{t, line})
		if i == 0 || a.Steps[i-1].Did == "" {
			continue
		}
		s := &a.Steps[i-1]
		left := indent + strings.Repeat(" ", width[0]+2) + "→ "
		p.text(span{warning, left}, cells(left), warning, fmt.Sprintf("%s (%s, %d)", s.Did, s.Severity, s.Count))
	}
	if a.Peak.Have > 0 {
		more := ""
		if a.Peak.More {
			more = " or more"
		}
		p.field("peak", plain, fmt.Sprintf("%d%s %s within %s, at %s", a.Peak.Have, more, a.Peak.Of, x.Window, a.PeakAt.UTC().Format(instantLayout)))
	}
	if a.End.IsZero() {
		p.field("end", plain, "it was not over when the log ended")
		return
	}
	p.field("end", plain, fmt.Sprintf("%s, after %s of quiet", a.End.UTC().Format(instantLayout), SpanText(a.End.Sub(a.Event.Last))))
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
	var who selection
	switch e.ActorType {
	case "", "ip":
		who.addresses([]string{e.UserIP})
	case "campaign":
		who.addresses(detect.AddressesOf(e.Metadata))
	default:
		who.actor(e.ActorID, e.ActorType)
	}
	if where := who.where(e.First, e.Last); where != "" {
		return "select ts, client_ip, method, path, status, source_id, line from requests where " + where + " order by ts, source_id, line"
	}
	return ""
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
