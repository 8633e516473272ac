package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// How much of a long report is shown; JSON has all of it.
const (
	fullIncidents = 20  // shown in full
	lineIncidents = 100 // shown at all
	maxAlerts     = 20
	maxSources    = 20
	maxSteps      = 12
	maxRejects    = 8
	maxShapes     = 3  // of a source
	maxAllShapes  = 12 // of all sources
	maxFindings   = 24 // about the logs themselves
	maxNotes      = 12
	maxNames      = 6 // of actors or addresses
	maxPlaces     = 3 // of a step
)

// The widths within which lines are laid out, whatever the terminal's.
const (
	minWidth     = 60
	defaultWidth = 80
	maxWidth     = 160
	// wideWidth is from where an incident is told in two columns: longer lines are hard
	// to read.
	wideWidth = 132
)

// Text returns the report for a person at a terminal or in a log of CI: the
// verdict first, what was read, then the incidents, worst first. Lines are at most
// as wide as the look says, between 60 and 160 cells, but for an id, a command or
// a query that cannot be broken. Text from logs is made fit to print by Show.
func Text() *Format {
	return &Format{
		Name:  "text",
		Doc:   "the incident report, for a terminal",
		Write: writeText,
	}
}

func newPage(look Look) *page {
	width := look.Width
	if width == 0 {
		width = defaultWidth
	}
	return &page{width: min(max(width, minWidth), maxWidth), color: look.Color}
}

func writeText(w io.Writer, r *Report, look Look) error {
	p := newPage(look)
	p.verdict(r)
	p.read(r)
	p.integrity(r)
	p.activity(&r.Log)
	p.incidents(r)
	p.alerts(r)
	p.closing(r)
	_, err := io.WriteString(w, p.out.String())
	return err
}

// verdict says what came out, and of how much.
func (p *page) verdict(r *Report) {
	log := &r.Log
	looked := fmt.Sprintf("%s of %s, %s", count(log.Parsed, "request"), count(log.Clients, "client"), days(log.First, log.Last))
	if d := log.Last.Sub(log.First); d >= time.Second {
		looked += " (" + duration(d) + ")"
	}
	switch {
	case len(r.Incidents) > 0 && !Over(r.Incidents[0].Status):
		worst := &r.Incidents[0]
		going, over := stillGoing(r)
		p.text(span{}, 0, max(strong, severityTone(worst.Severity)), severities(tally(going, severityOf), "incident")+": "+worst.Title)
		p.text(span{}, 0, plain, "Found in "+looked+"."+settled(over)+" Times are UTC.")
	case len(r.Incidents) > 0:
		p.text(span{}, 0, strong, "No open incident in "+looked+"."+settled(len(r.Incidents)))
		p.text(span{}, 0, plain, "Times are UTC.")
	case log.Lines == 0:
		p.text(span{}, 0, bad, "Nothing was read, so nothing can be said.")
	case log.Parsed == 0:
		p.text(span{}, 0, bad, fmt.Sprintf("None of %s could be read as a request, so nothing can be said.", count(log.Lines, "line")))
	default:
		p.text(span{}, 0, strong, "No incident in "+looked+".")
		if len(r.Alerts) > 0 {
			p.text(span{}, 0, plain, "What was found makes up no incident: "+severities(alertTally(r), "alert")+".")
		}
		if n := len(r.Run.Detectors); n > 0 {
			p.text(span{}, 0, plain, fmt.Sprintf("Judged by %s: %s.", count(int64(n), "detector"), strings.Join(r.Run.Detectors, ", ")))
		}
		p.text(span{}, 0, plain, "Times are UTC.")
	}
	if not := notJudged(log); not != "" {
		p.text(span{}, 0, warning, "Not judged: "+not+".")
	}
	if odd := oddities(r.Run.Sources); odd > 0 {
		p.text(span{}, 0, warning, fmt.Sprintf("Lines may be missing or put in: see %s under LOG INTEGRITY.", count(odd, "finding")))
	}
	if n := len(r.Run.Failures); n > 0 {
		p.text(span{}, 0, bad, fmt.Sprintf("%s could not be read; see below.", count(int64(n), "source")))
	}
}

// stillGoing returns the incidents that are not over, and how many are.
func stillGoing(r *Report) (going []Incident, over int) {
	for _, in := range r.Incidents {
		if Over(in.Status) {
			over++
			continue
		}
		going = append(going, in)
	}
	return going, over
}

// settled says how many incidents are over.
func settled(over int) string {
	if over == 0 {
		return ""
	}
	return " " + count(int64(over), "incident") + " resolved or dismissed."
}

func severityOf(in Incident) detect.Severity { return in.Severity }

// notJudged says what no detector has seen.
func notJudged(log *Log) string {
	var parts []string
	if log.Rejected > 0 {
		parts = append(parts, count(log.Rejected, "line")+" that could not be read")
	}
	if log.Late > 0 {
		parts = append(parts, count(log.Late, "request")+" too far behind the log")
	}
	if log.Cut > 0 {
		parts = append(parts, "the ends of "+count(log.Cut, "overlong line"))
	}
	return strings.Join(parts, ", ")
}

// A row is one line of the table of sources.
type row struct {
	name   string
	below  string // what stands under it
	nums   [5]int64
	source *Source // nil: it is more than one
}

// rowTitles name the numbers of a row.
var rowTitles = [5]string{"lines", "parsed", "rejected", "late", "skipped"}

// read lists the sources and what was not understood of them.
func (p *page) read(r *Report) {
	p.section("READ", "")
	if rows := sourceRows(r); len(rows) > 0 {
		p.table(rows)
	} else {
		p.put(span{plain, "  no source"})
	}
	p.asides(r)
}

// sourceRows returns a row for each source, and one for all together unless there
// is but one and it is all.
func sourceRows(r *Report) []row {
	var rows []row
	var more row
	for i := range r.Run.Sources {
		s := &r.Run.Sources[i]
		nums := [5]int64{s.Lines, s.Parsed, s.Rejected, s.Late, s.Skipped}
		if i >= maxSources {
			for j, n := range nums {
				more.nums[j] += n
			}
			continue
		}
		var below []string
		if s.Format != "" {
			below = append(below, s.Format)
		}
		if !s.First.IsZero() {
			below = append(below, period(s.First, s.Last))
		}
		if s.Note != "" {
			below = append(below, s.Note)
		}
		rows = append(rows, row{s.Path, strings.Join(below, ", "), nums, s})
	}
	if n := len(r.Run.Sources) - maxSources; n > 0 {
		more.name = "and " + count(int64(n), "more source")
		rows = append(rows, more)
	}
	all := row{name: "all", nums: [5]int64{r.Log.Lines, r.Log.Parsed, r.Log.Rejected, r.Log.Late, r.Log.Skipped}}
	if r.Run.DB != memory {
		all.name = "all in the store"
	}
	if len(rows) == 1 && rows[0].nums == all.nums || len(rows) == 0 && all.nums == [5]int64{} {
		return rows
	}
	return append(rows, all)
}

// table writes the rows, as wide as the page, their numbers below each other.
func (p *page) table(rows []row) {
	var widths [5]int
	name := p.width - 2
	for i, t := range rowTitles {
		widths[i] = cells(t)
		for _, row := range rows {
			widths[i] = max(widths[i], cells(number(row.nums[i])))
		}
		widths[i] += 2
		name -= widths[i]
	}
	name = max(name, 8)
	head := span{faint, pad("  source", name+2)}
	for i, t := range rowTitles {
		head.text += padLeft(t, widths[i])
	}
	p.put(head)
	shapes := maxAllShapes
	for _, row := range rows {
		spans := []span{{plain, "  " + pad(ShowShort(row.name, name), name)}}
		for i, n := range row.nums {
			t := plain
			switch {
			case n == 0:
				t = faint
			case rowTitles[i] == "rejected" || rowTitles[i] == "late":
				t = warning
			}
			spans = append(spans, span{t, padLeft(number(n), widths[i])})
		}
		p.put(spans...)
		if row.below != "" {
			p.text(span{}, 4, faint, row.below)
		}
		if row.source != nil {
			shapes -= p.shapes(row.source, min(shapes, maxShapes))
		}
	}
}

// shapes shows what the lines of a source look like that could not be read: at most
// so many shapes, each by the first of its lines. It returns how many it showed.
func (p *page) shapes(s *Source, most int) int {
	const left = "      "
	shown := s.Shapes[:min(len(s.Shapes), most)]
	rest, others := s.OtherShapes, len(s.Shapes)-len(shown)
	for _, shape := range s.Shapes[len(shown):] {
		rest += shape.Count
	}
	for _, shape := range shown {
		p.text(span{}, 4, warning, fmt.Sprintf("%s not read (%s): %s",
			count(shape.Count, "line"), percent(shape.Count, s.Lines), shape.Reason))
		at := fmt.Sprintf("line %d  ", shape.Line)
		for _, line := range []string{pad("like", len(at)) + shape.Text, at + shape.Sample} {
			p.put(span{plain, left}, span{faint, ShowShort(line, p.width-len(left))})
		}
	}
	switch {
	case rest == 0:
	case s.OtherShapes > 0:
		p.text(span{}, 4, warning, fmt.Sprintf("and %s in more than %s", count(rest, "more line"), count(int64(others), "other shape")))
	default:
		p.text(span{}, 4, warning, fmt.Sprintf("and %s in %s", count(rest, "more line"), count(int64(others), "other shape")))
	}
	return len(shown)
}

// percent writes a share so that what is there never reads as none, nor as all what
// is not.
func percent(part, whole int64) string {
	switch s := 100 * share(part, whole); {
	case part > 0 && s < 0.1:
		return "less than 0.1 %"
	case part < whole && s > 99.9:
		return "more than 99.9 %"
	default:
		return fmt.Sprintf("%.1f %%", s)
	}
}

// integrity tells what is odd about the logs themselves.
func (p *page) integrity(r *Report) {
	all := oddities(r.Run.Sources)
	if all == 0 {
		return
	}
	p.section("LOG INTEGRITY", "lines may be missing or put in")
	left := maxFindings
	for i := range r.Run.Sources {
		s := &r.Run.Sources[i]
		if left == 0 || len(s.Integrity) == 0 {
			continue
		}
		p.put(span{plain, "  " + ShowShort(s.Path, p.width-2)})
		for _, f := range s.Integrity[:min(len(s.Integrity), left)] {
			p.text(span{faint, pad("    "+f.Kind, len("    clock-jump  "))}, len("    clock-jump  "), warning, f.Text)
			left--
			all -= 1 + f.More
		}
	}
	if left == 0 && all > 0 {
		p.text(span{}, 2, warning, fmt.Sprintf("and %s; --output json has more", count(all, "more finding")))
	}
}

// oddities counts what was found about the logs themselves.
func oddities(sources []Source) (n int64) {
	for i := range sources {
		for _, f := range sources[i].Integrity {
			n += 1 + f.More
		}
	}
	return n
}

// asides says what the counts do not: rejects, notes, failures, bounds.
func (p *page) asides(r *Report) {
	run := &r.Run
	if run.Since != nil || run.Until != nil {
		bounds := ""
		if run.Since != nil {
			bounds += " from " + moment(*run.Since)
		}
		if run.Until != nil {
			bounds += " until " + moment(*run.Until)
		}
		p.field("shown", plain, "only what happened"+bounds)
	}
	sampled := slices.ContainsFunc(run.Sources, func(s Source) bool { return len(s.Shapes) > 0 })
	for i, rej := range r.Log.Rejects {
		label := ""
		if i == 0 {
			label = "rejected"
		}
		if i == maxRejects {
			p.field(label, warning, fmt.Sprintf("and %s; --output json has all", count(int64(len(r.Log.Rejects)-i), "more reason")))
			break
		}
		p.field(label, warning, fmt.Sprintf("%s × %s", number(rej.Count), rej.Reason))
		if rej.Sample != "" && !sampled { // else it stands under its source
			p.put(span{plain, margin}, span{faint, ShowShort(rej.Sample, p.width-len(margin))})
		}
	}
	for i, note := range run.Notes {
		if i == maxNotes {
			p.field("note", plain, fmt.Sprintf("and %s; --output json has all", count(int64(len(run.Notes)-i), "more note")))
			break
		}
		p.field("note", plain, note)
	}
	for i, f := range run.Failures {
		if i == maxNotes {
			p.field("failed", bad, fmt.Sprintf("and %s; --output json has all", count(int64(len(run.Failures)-i), "more source")))
			break
		}
		p.field("failed", bad, f.Path+": "+f.Error)
		if f.Hint != "" {
			p.text(span{plain, margin + "hint:"}, len(margin)+6, plain, f.Hint)
		}
	}
}

// margin is where the texts beside labels begin.
const margin = "             "

// field writes a text beside its label.
func (p *page) field(label string, t tone, text string) {
	p.text(span{faint, "  " + label}, len(margin), t, text)
}

// activity draws how many requests there were over time, and how many were
// answered with an error.
func (p *page) activity(log *Log) {
	if len(log.Activity.Total) == 0 {
		return
	}
	const aside = 14 // for the peak
	total, errors, step := squeeze(&log.Activity, p.width-len(margin)-aside)
	peak, worst := int64(0), 0.0
	for i := range total {
		peak = max(peak, total[i])
		worst = max(worst, share(errors[i], total[i]))
	}
	p.section("ACTIVITY", "one column is "+duration(step))
	requests := []span{{faint, pad("  requests", len(margin))}}
	failed := []span{{faint, pad("  errors", len(margin))}}
	for i := range total {
		requests = append(requests, span{plain, bar(share(total[i], peak))})
		s := share(errors[i], total[i])
		failed = append(failed, span{heat(s), bar(s)})
	}
	p.put(append(joined(requests), span{faint, "  peak " + number(peak)})...)
	p.put(append(joined(failed), span{faint, fmt.Sprintf("  peak %.0f %%", 100*worst)})...)

	from, to := moment(log.Activity.Start), moment(log.Last)
	p.put(span{plain, margin}, span{faint, from + padLeft(to, max(len(total)-cells(from), cells(to)+2))})
	if len(log.Statuses) > 0 {
		p.field("answers", plain, counts(log.Statuses))
	}
	for _, top := range []struct {
		label  string
		counts []Count
	}{{"clients", log.TopClients}, {"routes", log.TopRoutes}} {
		const most = 3
		var units []string
		for _, c := range top.counts[:min(len(top.counts), most)] {
			units = append(units, fmt.Sprintf("%s (%s)", ShowShort(c.Name, 40), number(c.Count)))
		}
		p.units(span{faint, "  " + top.label}, len(margin), plain, units, shorten)
	}
}

// squeeze adds neighbouring steps together until at most width are left.
func squeeze(a *Activity, width int) (total, errors []int64, step time.Duration) {
	n := (len(a.Total) + width - 1) / width
	total = make([]int64, (len(a.Total)+n-1)/n)
	errors = make([]int64, len(total))
	for i, t := range a.Total {
		total[i/n] += t
		if i < len(a.Bad) {
			errors[i/n] += a.Bad[i]
		}
	}
	return total, errors, time.Duration(a.Step) * time.Second * time.Duration(n)
}

func share(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return min(max(float64(part)/float64(whole), 0), 1)
}

// bar draws a share: a dot for none, and something to see for however little.
func bar(share float64) string {
	const bars = "▁▂▃▄▅▆▇█"
	if share <= 0 {
		return "·"
	}
	i := min(int(share*8), 7)
	return string([]rune(bars)[i])
}

// heat is the tone of a share of errors.
func heat(share float64) tone {
	switch {
	case share >= 0.5:
		return bad
	case share >= 0.1:
		return warning
	}
	return faint
}

// joined makes one span of neighbours of the same tone.
func joined(spans []span) []span {
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && out[n-1].tone == s.tone {
			out[n-1].text += s.text
			continue
		}
		out = append(out, s)
	}
	return out
}

func counts(cs []Count) string {
	var parts []string
	for _, c := range cs {
		parts = append(parts, c.Name+" "+number(c.Count))
	}
	return strings.Join(parts, " · ")
}

// incidents shows the worst in full, and the rest and those that are over by a line.
func (p *page) incidents(r *Report) {
	if len(r.Incidents) == 0 {
		return
	}
	p.section("INCIDENTS", "worst first")
	all := r.Incidents
	going, _ := stillGoing(r)
	full := min(len(going), fullIncidents)
	for i := range all[:full] {
		if i > 0 {
			p.put()
		}
		p.incident(&all[i], r.Run.Evidence)
	}
	if len(all) == full {
		return
	}
	if full > 0 {
		p.put()
	}
	for i := range all[full:min(len(all), max(lineIncidents, full))] {
		in := &all[full+i]
		title := in.Title
		if Over(in.Status) {
			title = in.Status + ": " + title
		}
		when := pad(moment(in.First), len("31 Dec 2026 23:59:59"))
		p.row(in.Severity, fmt.Sprintf("%3d  ", in.RiskScore), title, when)
	}
	if more := len(all) - lineIncidents; more > 0 {
		p.put(span{plain, fmt.Sprintf("  and %s more; --output json has all", number(int64(more)))})
	}
}

// row writes a thing in one line: its severity, a few cells of its own, its title
// and when it began.
func (p *page) row(s detect.Severity, mark, title, when string) {
	room := p.width - badgeWidth - 2 - cells(mark) - 2 - cells(when)
	p.put(badge(s), span{faint, "  " + mark},
		span{plain, pad(ShowShort(title, max(room, 8)), room)}, span{faint, "  " + when})
}

// incident tells one story in full.
func (p *page) incident(in *Incident, evidence map[string][]Place) {
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
		return
	}
	left, right := &page{width: p.width * 2 / 5, color: p.color}, &page{color: p.color}
	right.width = p.width - left.width - len(columnGap)
	left.who(in)
	left.facts(in)
	left.handled(in.Handled)
	left.query(in)
	right.field("what", plain, in.Summary)
	right.advice(in)
	p.beside(left, right)
	p.timeline(in, evidence)
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

// facts says when an incident was, how large and of what kind.
func (p *page) facts(in *Incident) {
	when := period(in.First, in.Last)
	if d := in.Last.Sub(in.First); d >= time.Second {
		when += " (" + duration(d) + ")"
	}
	p.field("when", plain, when)
	p.field("how much", plain, volume(in))
	p.field("result", outcomeTone(in.Outcome), outcome(in.Outcome))
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

// alerts lists those that belong to no incident.
func (p *page) alerts(r *Report) {
	told := map[string]bool{}
	for i := range r.Incidents {
		for _, id := range r.Incidents[i].Alerts {
			told[id] = true
		}
	}
	var alone []*Alert
	for i := range r.Alerts {
		if !told[r.Alerts[i].ID] {
			alone = append(alone, &r.Alerts[i])
		}
	}
	if len(alone) == 0 {
		return
	}
	p.section("ALERTS", "part of no incident")
	slices.SortStableFunc(alone, func(a, b *Alert) int { return int(b.Severity) - int(a.Severity) })
	for _, a := range alone[:min(len(alone), maxAlerts)] {
		who := a.ActorID
		if who == "" {
			who = a.SourceIP
		}
		title := a.Title
		if who != "" && !strings.Contains(title, who) {
			title += " (" + ShowShort(who, 24) + ")"
		}
		p.row(a.Severity, "", title, pad(moment(a.First), len("31 Dec 2026 23:59:59")))
	}
	if more := len(alone) - maxAlerts; more > 0 {
		p.put(span{plain, fmt.Sprintf("  and %s more; --output json has all", number(int64(more)))})
	}
}

// closing counts what was found and says where to go on.
func (p *page) closing(r *Report) {
	p.section("SUMMARY", "")
	p.field("incidents", plain, bySeverity(incidentTally(r)))
	p.field("alerts", plain, bySeverity(alertTally(r)))
	p.field("events", plain, bySeverity(tally(r.Events, func(e Event) detect.Severity { return e.Severity })))
	p.onward(r)
	made := strings.TrimSpace("litesoc " + r.Run.Version)
	if r.Run.Duration > 0 {
		made += " in " + duration(r.Run.Duration)
	}
	if r.Run.Origins != "" {
		p.field("origins", faint, strings.TrimPrefix(r.Run.Origins, "Origins: "))
	}
	p.field("made by", faint, made)
}

// memory is the name of a store that is gone when the run ends.
const memory = ":memory:"

// onward says what to type next.
func (p *page) onward(r *Report) {
	if r.Log.Parsed == 0 {
		return
	}
	if r.Run.DB == memory {
		p.field("go on", plain, "nothing was kept: scan with --db FILE, then ask it with litesoc sql")
		return
	}
	db := ""
	if r.Run.DB != "" {
		db = " --db " + quote(r.Run.DB)
	}
	query := "FROM incidents"
	if len(r.Incidents) == 0 {
		query = "FROM requests LIMIT 10"
	}
	p.command("go on", "litesoc sql"+db+` "`+query+`"`)
	p.command("", "litesoc explain 'a line of a log'")
}

// command writes something to be typed.
func (p *page) command(label, line string) {
	p.lines(span{faint, "  " + label}, len(margin), low, fold(line, p.width-len(margin)))
}

// quote writes an argument as a POSIX shell reads it.
func quote(arg string) string {
	const safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+=,"
	if arg != "" && strings.Trim(arg, safe) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// tally counts things by severity.
func tally[T any](things []T, severity func(T) detect.Severity) (n [detect.Critical + 1]int64) {
	for _, t := range things {
		n[min(max(severity(t), detect.Info), detect.Critical)]++
	}
	return n
}

func incidentTally(r *Report) [detect.Critical + 1]int64 {
	return tally(r.Incidents, func(i Incident) detect.Severity { return i.Severity })
}

func alertTally(r *Report) [detect.Critical + 1]int64 {
	return tally(r.Alerts, func(a Alert) detect.Severity { return a.Severity })
}

// bySeverity lists the counts of a tally, the worst first.
func bySeverity(n [detect.Critical + 1]int64) string {
	var parts []string
	for s := detect.Critical; s >= detect.Info; s-- {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", number(n[s]), s))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// severities says how many things there are and, where they differ, how bad.
func severities(n [detect.Critical + 1]int64, thing string) string {
	var all int64
	for _, c := range n {
		all += c
	}
	if all == 1 {
		return fmt.Sprintf("1 %s %s", strings.TrimPrefix(bySeverity(n), "1 "), thing)
	}
	return fmt.Sprintf("%s (%s)", count(all, thing), bySeverity(n))
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
