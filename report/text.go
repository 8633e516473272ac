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
	p.ends = r.Log.Last
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
	case r.Run.Unfinished:
		p.text(span{}, 0, bad, "No incident so far in "+looked+", but not all of it has been judged.")
		p.text(span{}, 0, plain, "Times are UTC.")
	default:
		no := "No incident"
		if r.Run.shown() != "" {
			no = "No such incident"
		}
		p.text(span{}, 0, strong, no+" in "+looked+".")
		if len(r.Alerts) > 0 {
			p.text(span{}, 0, plain, "What was found makes up no incident: "+severities(alertTally(r), "alert")+".")
		}
		if n := len(r.Run.Detectors); n > 0 {
			p.text(span{}, 0, plain, fmt.Sprintf("Judged by %s: %s.", count(int64(n), "detector"), strings.Join(r.Run.Detectors, ", ")))
		}
		p.text(span{}, 0, plain, "Times are UTC.")
	}
	if shown := r.Run.shown(); shown != "" {
		p.text(span{}, 0, plain, "Shown: only "+Show(shown)+".")
	}
	if not := notJudged(r); not != "" {
		p.text(span{}, 0, warning, "Not judged: "+not+".")
	}
	if odd := oddities(r.Run.Sources); odd > 0 {
		p.text(span{}, 0, warning, fmt.Sprintf("Lines may be missing or put in: see %s under LOG INTEGRITY.", count(odd, "finding")))
	}
	if n := len(r.Run.Failures); n > 0 {
		p.text(span{}, 0, bad, fmt.Sprintf("%s could not be read to the end; see below.", count(int64(n), "source")))
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
func notJudged(r *Report) string {
	var parts []string
	log := &r.Log
	if r.Run.Unfinished {
		parts = append(parts, "requests of a scan that did not end (scan again: it goes on from there)")
	}
	if log.Rejected > 0 {
		parts = append(parts, count(log.Rejected, "line")+" that could not be read")
	}
	if log.Late > 0 {
		parts = append(parts, count(log.Late, "request")+" too far behind or ahead of the log")
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

// row writes a thing in one line: its severity, a few cells of its own, its title
// and when it began.
func (p *page) row(s detect.Severity, mark, title, when string) {
	room := p.width - badgeWidth - 2 - cells(mark) - 2 - cells(when)
	p.put(badge(s), span{faint, "  " + mark},
		span{plain, pad(ShowShort(title, max(room, 8)), room)}, span{faint, "  " + when})
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
	if len(r.Incidents) == 0 {
		p.command("go on", "litesoc sql"+db+` "FROM requests LIMIT 10"`)
		p.command("", "litesoc explain 'a line of a log'")
		return
	}
	p.command("go on", "litesoc explain"+db+" "+quote(r.Incidents[0].ID))
	p.command("", "litesoc respond"+db)
	p.command("", "litesoc sql"+db+` "FROM incidents"`)
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
