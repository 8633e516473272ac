package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// incidents shows the worst in full, and the rest and those that are over by a line.
func (p *page) incidents(r *Report) {
	if len(r.Incidents) == 0 {
		return
	}
	p.section("INCIDENTS", "worst first")
	all := r.tellings()
	full := 0
	for full < min(len(all), fullIncidents) && !Over(all[full].Status) {
		if full > 0 {
			p.put()
		}
		p.incident(&all[full], r.Run.Evidence)
		full++
	}
	if len(all) == full {
		return
	}
	if full > 0 {
		p.put()
	}
	lines := min(len(all), max(lineIncidents, full))
	for _, t := range all[full:lines] {
		title := t.Title
		if Over(t.Status) {
			title = t.Status + ": " + title
		}
		if n := len(t.Alike); n > 0 {
			title = fmt.Sprintf("%s alike: %s", number(int64(n+1)), title)
		}
		when := pad(moment(t.First), len("31 Dec 2026 23:59:59"))
		p.row(t.Severity, fmt.Sprintf("%3d  ", t.RiskScore), title, when)
	}
	more := 0
	for _, t := range all[lines:] {
		more += 1 + len(t.Alike)
	}
	if more > 0 {
		p.put(span{plain, fmt.Sprintf("  and %s more; --output json has all", number(int64(more)))})
	}
}

// incident tells one story in full.
func (p *page) incident(t *telling, evidence map[string][]Place) {
	in := t.Incident
	risk := fmt.Sprintf("risk %d/100", in.RiskScore)
	b := badge(in.Severity)
	lines := Wrap(in.Title, p.width-badgeWidth-2-cells(risk)-2)
	if len(lines) == 0 {
		lines = []string{in.ID}
	}
	for i, line := range lines {
		if i == 0 {
			line = pad(line, p.width-badgeWidth-2-cells(risk))
			p.put(b, span{strong, "  " + line}, span{severityTone(in.Severity), risk})
			continue
		}
		p.put(span{strong, strings.Repeat(" ", badgeWidth+2) + line})
	}
	if p.width < wideWidth {
		p.who(in)
		p.field("what", plain, in.Summary)
		p.facts(in)
		p.handled(in.Handled)
		p.timeline(in, evidence)
		p.advice(in)
		p.query(in)
		p.alike(t)
		return
	}
	left, right := &page{width: p.width * 2 / 5, color: p.color, ends: p.ends}, &page{color: p.color}
	right.width = p.width - left.width - len(columnGap)
	left.who(in)
	left.facts(in)
	left.handled(in.Handled)
	left.query(in)
	right.field("what", plain, in.Summary)
	right.advice(in)
	p.beside(left, right)
	p.timeline(in, evidence)
	p.alike(t)
}

// alike says whom an incident speaks for.
func (p *page) alike(t *telling) {
	if others := t.others(); others != "" {
		p.field("alike", plain, others+"; --output json has each")
	}
}

// who says what is whose in an incident.
func (p *page) who(in *Incident) {
	id := in.ID
	if in.Status != "" {
		id += " · " + in.Status
	}
	p.field("id", plain, id)
	p.field("risk", plain, strings.Join(in.Reasons, "; "))
	p.names("actors", in.Actors)
	p.names("addresses", labels(in))
}

// mayGoOn is how long before the end of the log an incident is too recent to be over: windows of
// detectors are as long.
const mayGoOn = 10 * time.Minute

// facts says when an incident was, how large and of what kind.
func (p *page) facts(in *Incident) {
	when := period(in.First, in.Last)
	if d := in.Last.Sub(in.First); d >= time.Second {
		when += " (" + duration(d) + ")"
	}
	if rest := p.ends.Sub(in.Last); rest >= 0 && !p.ends.IsZero() {
		when += "; "
		if rest < mayGoOn {
			when += "it may go on: "
		}
		if rest < time.Second {
			when += "the log ends with it"
		} else {
			when += "the log ends " + duration(rest) + " later"
		}
	}
	p.field("when", plain, when)
	p.field("how much", plain, volume(in))
	p.field("result", outcomeTone(in.Outcome), outcome(in.Outcome))
	p.field("how sure", plain, in.sureness())
	p.field("class", plain, class(in))
	p.field("chain", plain, in.chain())
}

// handled says what became of alerts.
func (p *page) handled(sentences []string) {
	for i, s := range sentences {
		switch {
		case i == maxNames:
			p.field("", plain, fmt.Sprintf("and %s more", number(int64(len(sentences)-i))))
			return
		case i > 0:
			p.field("", plain, s)
		default:
			p.field("handled", plain, s)
		}
	}
}

// advice says what to do next.
func (p *page) advice(in *Incident) {
	for i, step := range in.NextSteps {
		label := ""
		if i == 0 {
			label = "next"
		}
		p.text(span{faint, pad("  "+label, len(margin)) + fmt.Sprintf("%d. ", i+1)}, len(margin)+3, plain, step)
	}
}

// query says what to ask the store.
func (p *page) query(in *Incident) {
	if in.SQL != "" {
		p.lines(span{faint, "  sql"}, len(margin), plain, fold(in.SQL, p.width-len(margin)))
	}
}

// names lists who took part.
func (p *page) names(label string, names []string) {
	var units []string
	for _, n := range names[:min(len(names), maxNames)] {
		units = append(units, ShowShort(n, 60))
	}
	if more := len(names) - len(units); more > 0 {
		units = append(units, fmt.Sprintf("and %s more", number(int64(more))))
	}
	p.units(span{faint, "  " + label}, len(margin), plain, units, shorten)
}

// labels are the addresses of an incident with what is known of them.
func labels(in *Incident) []string {
	names := slices.Clone(in.IPs)
	for _, a := range in.Addresses {
		if i := slices.Index(names, a.IP); i >= 0 {
			names[i] = a.Label()
		}
	}
	return names
}

// volume says how much an incident is made of. Events overlap: the same request may
// be part of several, so that their counts are not added up.
func volume(in *Incident) string {
	var largest int64
	for _, s := range in.Timeline {
		largest = max(largest, s.Count)
	}
	return fmt.Sprintf("%s in %s, the largest of %s", count(int64(len(in.Timeline)), "event"),
		count(int64(len(in.Alerts)), "alert"), count(largest, "request"))
}

// class names the kinds of weakness and attack it is.
func class(in *Incident) string {
	var parts []string
	if len(in.OWASP) > 0 {
		parts = append(parts, "OWASP "+strings.Join(in.OWASP, ", "))
	}
	if len(in.Technique) > 0 {
		parts = append(parts, "ATT&CK "+strings.Join(in.Technique, ", "))
	}
	return strings.Join(parts, " · ")
}

// timeline tells the steps of an incident in order, each with the lines that show
// it. Of a long one the middle is left out.
func (p *page) timeline(in *Incident, evidence map[string][]Place) {
	layout := clockLayout
	if !sameDay(in.First, in.Last) {
		layout = "_2 Jan " + clockLayout
	}
	const indent = 4
	steps := in.Timeline
	for i := range steps {
		if i == 0 {
			p.put(span{faint, "  timeline"})
		}
		if len(steps) > maxSteps {
			if i == maxSteps/2 {
				p.put(span{faint, fmt.Sprintf("%*s… %s left out; --output json has all", indent, "", count(int64(len(steps)-maxSteps), "step"))})
			}
			if i >= maxSteps/2 && i < len(steps)-maxSteps/2 {
				continue
			}
		}
		s := &steps[i]
		at := unknown
		if !s.At.IsZero() {
			at = s.At.UTC().Format(layout)
		}
		at = pad(at, len(layout))
		times := fmt.Sprintf("× %s", number(s.Count))
		if d := s.Until.Sub(s.At); d >= time.Second {
			times += " in " + duration(d)
		}
		left := strings.Repeat(" ", indent) + at + "  "
		edge := cells(left) + outcomeWidth
		room := max(p.width-edge-2-cells(times), 8)
		p.put(span{faint, left}, span{severityTone(s.Severity), pad(s.Severity.String(), outcomeWidth)},
			span{strong, ShowShort(s.Name, room)}, span{faint, "  " + times})
		left = strings.Repeat(" ", cells(left))
		if s.Summary == "" {
			p.put(span{plain, left}, span{outcomeTone(s.Outcome), string(s.Outcome)})
		}
		p.text(span{outcomeTone(s.Outcome), left + string(s.Outcome)}, edge, plain, s.Summary)
		p.places(edge, evidence[s.Event])
	}
}

// outcomeWidth is that of the longest outcome and the space after it.
const outcomeWidth = len("attempted  ")

// places lists lines of logs as path:line, which many terminals open at a click.
func (p *page) places(indent int, places []Place) {
	var units []string
	for _, pl := range places[:min(len(places), maxPlaces)] {
		units = append(units, fmt.Sprintf("%s:%d", pl.File, pl.Line))
	}
	if more := len(places) - len(units); more > 0 {
		units = append(units, fmt.Sprintf("and %s", count(int64(more), "more line")))
	}
	p.units(span{}, indent, low, units, shorten)
}

// badgeWidth is that of the longest severity, with a space on either side.
const badgeWidth = len(" CRITICAL ")

// badge writes a severity so that it is found at a glance.
func badge(s detect.Severity) span {
	t := badgeInfo
	switch s {
	case detect.Critical:
		t = badgeCritical
	case detect.High:
		t = badgeHigh
	case detect.Medium:
		t = badgeMedium
	case detect.Low:
		t = badgeLow
	}
	return span{t, pad(" "+strings.ToUpper(s.String()), badgeWidth)}
}

func severityTone(s detect.Severity) tone {
	switch s {
	case detect.Critical, detect.High:
		return bad
	case detect.Medium:
		return warning
	case detect.Low:
		return low
	}
	return faint
}

// outcome says how far it got, in words.
func outcome(o detect.Outcome) string {
	switch o {
	case detect.Succeeded:
		return "succeeded: at least one answer granted it"
	case detect.Blocked:
		return "blocked: the answers refused it"
	case detect.Attempted:
		return "attempted: the answers do not tell how it ended"
	}
	return string(o)
}

func outcomeTone(o detect.Outcome) tone {
	switch o {
	case detect.Succeeded:
		return bad
	case detect.Blocked:
		return good
	}
	return warning
}
