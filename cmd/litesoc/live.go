package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// A rate counts lines by second.
type rate struct {
	counts [8]int64
	second int64 // of the last count
	first  int64
}

func (r *rate) add(now time.Time, n int64) {
	r.to(now.Unix())
	r.counts[r.second%int64(len(r.counts))] += n
}

func (r *rate) to(second int64) {
	if r.first == 0 {
		r.first, r.second = second, second
	}
	for r.second < second {
		if second-r.second > int64(len(r.counts)) {
			r.second = second - int64(len(r.counts))
		}
		r.second++
		r.counts[r.second%int64(len(r.counts))] = 0
	}
}

// perSecond is the mean of the last full seconds.
func (r rate) perSecond(now time.Time) float64 {
	if r.first == 0 {
		return 0
	}
	r.to(now.Unix())
	sum, seconds := int64(0), int64(0)
	for s := r.second - 1; s >= r.first && s > r.second-6; s-- {
		sum += r.counts[s%int64(len(r.counts))]
		seconds++
	}
	if seconds == 0 {
		return float64(r.counts[r.second%int64(len(r.counts))])
	}
	return float64(sum) / float64(seconds)
}

// actors counts the requests of the last minute, or nearly, by who made them. It counts
// so many of them and no more.
type actors struct {
	now, before map[string]int64
	since       time.Time

	// There may be very many, so those who made most are found once a second.
	most   []count
	mostAt time.Time
}

const maxActors = 10_000

func (a *actors) add(id string) {
	if a.now == nil {
		a.now = map[string]int64{}
	}
	_, known := a.now[id]
	if id == "" || !known && len(a.now) >= maxActors {
		return
	}
	if !known {
		id = strings.Clone(id)
	}
	a.now[id]++
}

// count is how many requests someone made.
type count struct {
	name string
	n    int64
}

// top returns those who made most, as of a second ago at most.
func (a *actors) top(now time.Time, n int) []count {
	if now.Sub(a.mostAt) < time.Second {
		return a.most
	}
	const span = 30 * time.Second
	if now.Sub(a.since) > span {
		a.before, a.now, a.since = a.now, nil, now
	}
	all := map[string]int64{}
	for _, m := range []map[string]int64{a.before, a.now} {
		for id, n := range m {
			all[id] += n
		}
	}
	var list []count
	for id, n := range all {
		list = append(list, count{id, n})
	}
	slices.SortFunc(list, func(a, b count) int {
		if a.n != b.n {
			return int(b.n - a.n)
		}
		return strings.Compare(a.name, b.name)
	})
	a.most, a.mostAt = slices.Clone(list[:min(n, len(list))]), now
	return a.most
}

// A view shows a person, or a program, what tail finds and how it gets on.
type view struct {
	form   string // live, text or ndjson
	out    io.Writer
	stderr io.Writer
	quiet  bool
	db     string
	color  bool

	alerts []shownAlert // the last ones, the latest last
	notes  []string
	size   func() (width, height int)
	drawn  time.Time
	odd    map[string]bool
}

type shownAlert struct {
	detect.Alert
	again bool
}

const keptAlerts = 200

func newView(c *cobra.Command, f *tailFlags) (*view, error) {
	v := &view{form: f.out, out: c.OutOrStdout(), stderr: c.ErrOrStderr(), quiet: f.quiet, db: f.db, odd: map[string]bool{}}
	terminal := isTerminal(v.out)
	if v.form == "" {
		v.form = "text"
		if terminal && os.Getenv("TERM") != "dumb" {
			v.form = "live"
		}
	}
	v.color = terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	switch v.form {
	case "text", "ndjson":
	case "live":
		if !terminal {
			return nil, misuse("", "--output live: standard output is no terminal")
		}
		v.size = func() (int, int) {
			w, h, err := term.GetSize(int(v.out.(*os.File).Fd()))
			if err != nil {
				return 80, 24
			}
			return w, h
		}
	default:
		return nil, misuse("", "--output %q: it is live, text or ndjson", v.form)
	}
	return v, nil
}

const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

func (v *view) begin(args []string) {
	if v.form == "live" {
		io.WriteString(v.out, enterScreen)
		return
	}
	v.note("following " + strings.Join(args, ", "))
}

// close leaves the screen as it was.
func (v *view) close() {
	if v.form == "live" {
		io.WriteString(v.out, leaveScreen)
		v.form = "text"
	}
}

// note tells something beside the alerts.
func (v *view) note(text string) {
	if v.form == "live" {
		v.notes = append(v.notes, text)
		v.notes = v.notes[max(len(v.notes)-3, 0):]
		v.drawn = time.Time{}
		return
	}
	if !v.quiet {
		fmt.Fprintf(v.stderr, "litesoc: %s\n", report.Show(text))
	}
}

// alert shows an alert that opens, or that got worse.
func (v *view) alert(a detect.Alert, again bool) {
	v.alerts = append(v.alerts, shownAlert{a, again})
	v.alerts = v.alerts[max(len(v.alerts)-keptAlerts, 0):]
	switch v.form {
	case "ndjson":
		line, err := report.EncodeJSON(struct {
			Kind string `json:"kind"`
			detect.Alert
		}{map[bool]string{false: "alert", true: "alert_worse"}[again], a})
		if err == nil {
			fmt.Fprintf(v.out, "%s\n", line)
		}
	case "text":
		fmt.Fprintln(v.out, v.line(shownAlert{a, again}, 0))
	case "live":
		v.drawn = time.Time{}
	}
}

// goesOn has the live view show an alert as it is now.
func (v *view) goesOn(a detect.Alert) {
	for i := range v.alerts {
		if v.alerts[i].ID == a.ID {
			v.alerts[i].Alert = a
		}
	}
}

var severityStyles = [...]lipgloss.Style{
	detect.Info:     lipgloss.NewStyle(),
	detect.Low:      lipgloss.NewStyle().Foreground(lipgloss.Cyan),
	detect.Medium:   lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	detect.High:     lipgloss.NewStyle().Foreground(lipgloss.BrightRed),
	detect.Critical: lipgloss.NewStyle().Foreground(lipgloss.BrightWhite).Background(lipgloss.Red).Bold(true),
}

// style returns the text in a style, if there are colours.
func (v *view) style(s lipgloss.Style, text string) string {
	if !v.color {
		return text
	}
	return s.Render(text)
}

// line is one alert in one line: cut to the width, if that is not 0.
func (v *view) line(a shownAlert, width int) string {
	word := strings.ToUpper(a.Severity.String())
	who := a.ActorID
	if a.SourceIP != "" && a.SourceIP != a.ActorID {
		who += " from " + a.SourceIP
	}
	text := a.Title
	if a.again {
		text += " (worse than before)"
	}
	if who != "" && !strings.Contains(text, a.ActorID) {
		text += ": " + who
	}
	if width > 0 && a.Count > 1 {
		text += fmt.Sprintf(", %d requests", a.Count)
	}
	text = fmt.Sprintf("  %s  %s", a.ID, text)
	if a.Description != "" && width == 0 {
		text += ". " + a.Description
	}
	head := a.Last.UTC().Format("2006-01-02 15:04:05") + "  "
	if width > 0 {
		head = head[len("2006-01-02 "):]
		text = report.ShowShort(text, max(width-len(head)-8, 10))
	} else {
		text = report.Show(text)
	}
	return head + v.style(severityStyles[a.Severity], fmt.Sprintf("%-8s", word)) + text
}

// status shows how the run gets on.
func (v *view) status(s *tailStatus) {
	for _, odd := range s.faults() {
		// Each is told once; the figure in it may change.
		key, _, _ := strings.Cut(odd, ": ")
		if !v.odd[key] {
			v.odd[key] = true
			v.note(odd)
		}
	}
	if v.form != "live" || s.at.Sub(v.drawn) < time.Second {
		return
	}
	v.drawn = s.at
	width, height := v.size()
	lines := v.screen(s, width, height)
	io.WriteString(v.out, home+strings.Join(lines, clearLine+"\r\n")+clearLine+clearBelow)
}

// screen returns the lines of the live view.
func (v *view) screen(s *tailStatus, width, height int) []string {
	bold, faint := lipgloss.NewStyle().Bold(true), lipgloss.NewStyle().Faint(true)
	row := func(text string) string { return report.ShowShort(text, width) }
	var lines []string
	lag := "nothing judged yet"
	if s.lag >= 0 {
		lag = "judged up to " + span(s.lag) + " ago"
	}
	lines = append(lines, v.style(bold, row(fmt.Sprintf("litesoc tail  %.0f lines/s  %s  up %s", s.rate, lag, span(s.at.Sub(s.started))))))
	kept := v.db
	switch {
	case s.stopped != nil:
		kept = "NOT KEPT: " + s.stopped.Error()
	case v.db == store.Memory:
		kept = "nothing is kept"
	}
	lines = append(lines, v.style(faint, row(fmt.Sprintf("%s, %d rejected, %d late  %s", report.Plural(s.stats.Requests, "request", "requests"), s.stats.Rejected, s.stats.Late, kept))), "")

	lines = append(lines, v.style(bold, row("SOURCES")))
	most := max((height-12)/4, 2)
	for i, l := range s.logs {
		if i == most && len(s.logs) > most+1 {
			lines = append(lines, row(fmt.Sprintf("  and %d more", len(s.logs)-most)))
			break
		}
		how := "waiting for lines"
		switch {
		case l.Behind > 0:
			how = fmt.Sprintf("%s, %s behind", report.Plural(l.At.Lines, "line", "lines"), bytesText(l.Behind))
		case l.Idle >= 0:
			how = fmt.Sprintf("%s, the last %s ago", report.Plural(l.At.Lines, "line", "lines"), span(l.Idle))
		case !l.Pending:
			how = "nothing new yet"
		}
		lines = append(lines, row(fmt.Sprintf("  %s  %s  %s", report.ShowShort(l.Path, max(width/2, 20)), l.Format, how)))
	}
	if len(s.logs) == 0 {
		lines = append(lines, row("  none of the files is there yet"))
	}
	if len(s.top) > 0 {
		var names []string
		for _, a := range s.top {
			names = append(names, fmt.Sprintf("%s (%d)", report.ShowShort(a.name, 40), a.n))
		}
		lines = append(lines, "", v.style(bold, row("ACTORS OF THE LAST MINUTE")), row("  "+strings.Join(names, "  ")))
	}
	lines = append(lines, "", v.style(bold, row(strings.ToUpper(alertCounts(s)))))
	foot := len(v.notes) + 1
	room := max(height-len(lines)-foot, 1)
	for _, a := range slices.Backward(v.alerts[max(len(v.alerts)-room, 0):]) {
		lines = append(lines, v.line(a, width))
	}
	for _, n := range v.notes {
		lines = append(lines, v.style(faint, row(n)))
	}
	return lines[:min(len(lines), max(height, 1))]
}

func alertCounts(s *tailStatus) string {
	var parts []string
	for sev := detect.Critical; sev > detect.Info; sev-- {
		if n := s.stats.Alerts[sev]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, sev))
		}
	}
	if len(parts) == 0 {
		return "no alerts"
	}
	return "alerts: " + strings.Join(parts, ", ")
}

// span writes a duration shortly.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d m %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d m", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

func bytesText(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}

// end says what the run has done.
func (v *view) end(s *tailStatus) {
	shown := v.alerts
	if v.form == "live" {
		v.close()
		if len(shown) > 20 {
			fmt.Fprintf(v.out, "the last 20 of %d alerts:\n", len(shown))
			shown = shown[len(shown)-20:]
		}
		for _, a := range shown {
			fmt.Fprintln(v.out, v.line(a, 0))
		}
	}
	if v.form == "ndjson" {
		alerts := map[string]int64{}
		for sev := detect.Low; sev <= detect.Critical; sev++ {
			alerts[sev.String()] = s.stats.Alerts[sev]
		}
		line, _ := json.Marshal(map[string]any{"kind": "summary", "seconds": s.at.Sub(s.started).Seconds(), "requests": s.stats.Requests,
			"rejected": s.stats.Rejected, "late": s.stats.Late, "too_early_judged": s.stats.Again, "alerts": alerts})
		fmt.Fprintf(v.out, "%s\n", line)
		return
	}
	if v.quiet {
		return
	}
	text := fmt.Sprintf("%s in %s; %s", report.Plural(s.stats.Requests, "request", "requests"), span(s.at.Sub(s.started)), alertCounts(s))
	if s.stats.Rejected > 0 {
		text += fmt.Sprintf("; %s could not be read", report.Plural(s.stats.Rejected, "line", "lines"))
	}
	if s.stats.Late > 0 {
		text += fmt.Sprintf("; %s too far behind or ahead to be judged", report.Plural(s.stats.Late, "request", "requests"))
	}
	fmt.Fprintf(v.stderr, "litesoc: %s\n", text)
}
