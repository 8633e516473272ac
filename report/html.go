package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// HTML returns the report as one page that opens from disk: nothing is fetched, and its
// content security policy lets nothing but its own style and script take effect. The page
// is whole without the script, which sorts, filters and expands. Text from logs is made fit
// to show and stands in the page as text.
func HTML() *Format {
	return &Format{
		Name:  "html",
		Doc:   "the incident report as one page for a browser, with all in it",
		Write: writeHTML,
	}
}

var (
	//go:embed html.tmpl
	htmlText string
	//go:embed html.css
	htmlStyle string
	//go:embed html.js
	htmlScript string
	// worldText draws the countries, one a line: its ISO code and an SVG path on 1000 by 460
	// units, equirectangular from 83.6 degrees north to 57 south. It is made of Natural Earth's
	// 1:110m boundaries, which are in the public domain.
	//go:embed world.txt
	worldText string
)

// Bounds of the page. It stays usable with many alerts; an incident is told in full up to
// a number that one person may read.
const (
	htmlIncidents = 1000
	htmlAlerts    = 20_000
	htmlSteps     = 200 // of one incident
	htmlPlaces    = 16  // of one step
	htmlNames     = 100 // actors or addresses of one incident
	htmlActors    = 1000
	htmlRows      = 500 // of any other table
	htmlMarks     = 4000
)

// htmlTemplate is parsed once, when it is first asked for: it is the same for all reports.
var htmlTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("html").Funcs(template.FuncMap{
		"show":     Show,
		"short":    ShowShort,
		"moment":   moment,
		"iso":      csvTime,
		"period":   period,
		"duration": duration,
		"number":   number,
		"count":    count,
		"percent":  percent,
		"join":     func(texts []string) string { return Show(strings.Join(texts, ", ")) },
		"outcome":  func(o detect.Outcome) string { return Show(outcome(o)) },
		"rank":     func(s detect.Severity) int { return int(s) },
	}).Parse(htmlText))
})

func writeHTML(w io.Writer, r *Report, _ Look) error {
	p := &htmlPage{Report: r, Style: template.CSS(htmlStyle), Script: template.JS(htmlScript)}
	p.Policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", cspHash(htmlStyle), cspHash(htmlScript))
	p.verdict()
	p.timeline()
	p.who()
	p.world()
	p.tables()
	if err := htmlTemplate().Execute(w, p); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	return nil
}

// cspHash is the source expression that lets one inline style or script take effect.
// https://www.w3.org/TR/CSP3/#grammardef-hash-source
func cspHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// An htmlPage is what the template shows.
type htmlPage struct {
	*Report
	Style   template.CSS
	Script  template.JS
	Policy  string
	Verdict string
	Looked  string
	Not     string // what was not judged
	Shown   string // what is shown, where that is not all
	Worst   string // severity of the worst incident; "" if there is none
	Tally   []htmlTally

	Bars   []htmlBar
	Marks  []htmlMark
	Lanes  []htmlLane
	Peak   string
	AtPeak string // with what it counts
	Step   string // how long the peak is
	Middle string

	Stories   []htmlStory
	MoreTold  int
	Rows      []htmlRow
	MoreRows  int
	Actors    []htmlActor
	MoreActor int
	Addresses []Address
	Countries []htmlCountry
	Located   int
	Traffic   []htmlCounts
	Sources   []Source
	Odd       []htmlFinding
	Rejected  []htmlShape
}

// htmlCounts is a table of names and numbers.
type htmlCounts struct {
	Name   string
	Counts []Count
}

type htmlTally struct {
	Severity detect.Severity
	N        int
}

// verdict says what came out, and tells the stories.
func (p *htmlPage) verdict() {
	r := p.Report
	p.Looked = fmt.Sprintf("%s of %s, %s", count(r.Log.Parsed, "request"), count(r.Log.Clients, "client"), days(r.Log.First, r.Log.Last))
	p.Not = notJudged(r)
	p.Shown = r.Run.shown()
	switch {
	case len(r.Incidents) > 0:
		p.Verdict = severities(incidentTally(r), "incident")
		p.Worst = r.Incidents[0].Severity.String()
	case r.Log.Parsed == 0:
		p.Verdict = "Nothing could be read, so nothing can be said"
	default:
		p.Verdict = "No incident"
		if p.Shown != "" {
			p.Verdict = "No such incident"
		}
		if r.Run.Unfinished {
			p.Verdict += " so far, but not all has been judged"
		}
	}
	counts := map[detect.Severity]int{}
	for i := range r.Incidents {
		counts[r.Incidents[i].Severity]++
	}
	for s := detect.Critical; s >= detect.Low; s-- {
		p.Tally = append(p.Tally, htmlTally{s, counts[s]})
	}
	for i := range r.Incidents[:min(len(r.Incidents), htmlIncidents)] {
		p.Stories = append(p.Stories, p.story(&r.Incidents[i]))
	}
	p.MoreTold = len(r.Incidents) - len(p.Stories)
	of, events := r.incidentOf(), r.eventsByID()
	for i := range r.Alerts[:min(len(r.Alerts), htmlAlerts)] {
		a := &r.Alerts[i]
		row := htmlRow{Alert: a, Places: r.places(a, events, 1)}
		if in := of[a.ID]; in != nil {
			row.Incident = in.ID
		}
		p.Rows = append(p.Rows, row)
	}
	p.MoreRows = len(r.Alerts) - len(p.Rows)
}

// An htmlStory is an incident with the lines of its steps.
type htmlStory struct {
	*Incident
	Class     string
	Sureness  string
	Names     []string // actors
	MoreNames int
	From      []string
	MoreFrom  int
	Steps     []htmlStep
	MoreSteps int
}

type htmlStep struct {
	Step
	For    string // how long it went on
	Places []Place
	More   int
}

type htmlRow struct {
	*Alert
	Incident string
	Places   []Place
}

func (p *htmlPage) story(in *Incident) htmlStory {
	s := htmlStory{Incident: in, Class: class(in), Sureness: in.sureness()}
	from := labels(in)
	s.Names, s.From = in.Actors[:min(len(in.Actors), htmlNames)], from[:min(len(from), htmlNames)]
	s.MoreNames, s.MoreFrom = len(in.Actors)-len(s.Names), len(from)-len(s.From)
	for _, step := range in.Timeline[:min(len(in.Timeline), htmlSteps)] {
		places := p.Run.Evidence[step.Event]
		h := htmlStep{Step: step, Places: places[:min(len(places), htmlPlaces)]}
		h.More = len(places) - len(h.Places)
		if d := step.Until.Sub(step.At); d >= time.Second {
			h.For = duration(d)
		}
		s.Steps = append(s.Steps, h)
	}
	s.MoreSteps = len(in.Timeline) - len(s.Steps)
	return s
}

// The timeline is drawn on the width of the page, in percent, with bars 120 pixels high and a
// lane below them for each severity: so its words and marks are as large on a phone.
const (
	timelineWidth  = 100.0
	timelineHeight = 120.0
	laneHeight     = 12.0
)

type htmlBar struct {
	X, Width, Y, Height, BadY, BadHeight float64
	Title                                string
}

type htmlMark struct {
	X, Y  float64
	Class string
	Alert string
	Title string
}

type htmlLane struct {
	Y    float64
	Name string
}

// timeline draws the requests and errors of each step of time, and where alerts began.
func (p *htmlPage) timeline() {
	act := &p.Log.Activity
	n := len(act.Total)
	if n == 0 || act.Step <= 0 {
		return
	}
	most := max(slices.Max(act.Total), 1)
	p.Peak, p.AtPeak = number(most), Plural(most, "request", "requests")
	width := timelineWidth / float64(n)
	step := time.Duration(act.Step) * time.Second
	p.Step = duration(step)
	for i, total := range act.Total {
		var bad int64
		if i < len(act.Bad) {
			bad = act.Bad[i]
		}
		b := htmlBar{X: float64(i) * width, Width: max(width-0.06, 0.04), Height: timelineHeight * float64(total) / float64(most), BadHeight: timelineHeight * float64(bad) / float64(most)}
		b.Y, b.BadY = timelineHeight-b.Height, timelineHeight-b.BadHeight
		b.Title = fmt.Sprintf("%s: %s, %s answered 4xx or 5xx", moment(act.Start.Add(time.Duration(i)*step)), count(total, "request"), number(bad))
		p.Bars = append(p.Bars, b)
	}
	span := step * time.Duration(n)
	p.Middle = moment(act.Start.Add(span / 2))
	for s := detect.Critical; s >= detect.Low; s-- {
		p.Lanes = append(p.Lanes, htmlLane{timelineHeight + 10 + laneHeight*float64(detect.Critical-s), s.String()})
	}
	seen := map[[2]int]bool{}
	for i := range p.Alerts {
		a := &p.Alerts[i]
		if a.Severity < detect.Low || a.First.IsZero() || len(p.Marks) == htmlMarks {
			continue
		}
		x := timelineWidth * float64(a.First.Sub(act.Start)) / float64(span)
		place := [2]int{int(10 * x), int(a.Severity)}
		if x < 0 || x > timelineWidth || seen[place] {
			continue
		}
		seen[place] = true
		p.Marks = append(p.Marks, htmlMark{x, timelineHeight + 10 + laneHeight*float64(detect.Critical-a.Severity), a.Severity.String(), a.ID,
			fmt.Sprintf("%s %s: %s", moment(a.First), a.Severity, ShowShort(a.Title, 100))})
	}
}

// An htmlActor is who made alerts.
type htmlActor struct {
	ID, Type    string
	Severity    detect.Severity
	Alerts      int
	Requests    int64
	First, Last time.Time
	Titles      []string
	Succeeded   bool
}

// who sums the alerts up by who made them, the worst first.
func (p *htmlPage) who() {
	by := map[[2]string]*htmlActor{}
	for i := range p.Alerts {
		a := &p.Alerts[i]
		key := [2]string{a.ActorType, cmp.Or(a.ActorID, a.SourceIP)}
		w := by[key]
		if w == nil {
			w = &htmlActor{ID: key[1], Type: key[0], First: a.First, Last: a.Last}
			by[key] = w
		}
		w.Alerts++
		w.Requests = max(w.Requests, a.Count)
		w.Severity = max(w.Severity, a.Severity)
		w.Succeeded = w.Succeeded || a.Outcome == detect.Succeeded
		if a.First.Before(w.First) {
			w.First = a.First
		}
		if a.Last.After(w.Last) {
			w.Last = a.Last
		}
		if !slices.Contains(w.Titles, a.Title) && len(w.Titles) < 5 {
			w.Titles = append(w.Titles, a.Title)
		}
	}
	for _, w := range by {
		p.Actors = append(p.Actors, *w)
	}
	slices.SortFunc(p.Actors, func(a, b htmlActor) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Alerts, a.Alerts), strings.Compare(a.ID, b.ID), strings.Compare(a.Type, b.Type))
	})
	p.MoreActor = max(len(p.Actors)-htmlActors, 0)
	p.Actors = p.Actors[:len(p.Actors)-p.MoreActor]
}

// An htmlCountry is a country on the map.
type htmlCountry struct {
	Code, Path, Title string
	N                 int // addresses of incidents
	Heat              int // 0 to 4
	X, Y              float64
}

// world draws where the addresses of incidents are.
func (p *htmlPage) world() {
	known := p.addresses()
	n := map[string]int{}
	for _, ip := range slices.Sorted(maps.Keys(known)) {
		p.Addresses = append(p.Addresses, known[ip])
		if code := known[ip].Country; code != "" {
			n[code]++
			p.Located++
		}
	}
	most := 0
	for _, v := range n {
		most = max(most, v)
	}
	for line := range strings.Lines(worldText) {
		code, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		c := htmlCountry{Code: code, Path: path, N: n[code], Title: code}
		if c.N > 0 {
			c.Heat = 1 + 3*(c.N-1)/max(most-1, 1)
			c.Title = fmt.Sprintf("%s: %s", code, count(int64(c.N), "address"))
			c.X, c.Y = middle(path)
		}
		p.Countries = append(p.Countries, c)
	}
	p.Addresses = p.Addresses[:min(len(p.Addresses), htmlRows)]
}

// middle is the middle of the box around the part of a path with the largest box. The
// path is of worldText: M, relative l and z alone.
func middle(path string) (x, y float64) {
	largest := -1.0
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "M", ""), "z") {
		if part == "" {
			continue
		}
		var box [4]float64 // left, top, right, bottom
		var at [2]float64
		for i, n := range pathNumbers(part) {
			if i < 2 {
				at[i] = n
				box[i], box[i+2] = n, n
				continue
			}
			at[i%2] += n
			box[i%2], box[i%2+2] = min(box[i%2], at[i%2]), max(box[i%2+2], at[i%2])
		}
		if size := (box[2] - box[0]) * (box[3] - box[1]); size > largest {
			largest, x, y = size, (box[0]+box[2])/2, (box[1]+box[3])/2
		}
	}
	return x, y
}

// pathNumbers are the numbers of a path, in order.
func pathNumbers(path string) []float64 {
	var numbers []float64
	for word := range strings.FieldsSeq(strings.NewReplacer("-", " -", "l", " ").Replace(path)) {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return numbers // there is none in worldText that is no number: see its test
		}
		numbers = append(numbers, n)
	}
	return numbers
}

type htmlFinding struct {
	Path string
	Finding
}

type htmlShape struct {
	Path string
	Shape
}

// tables gathers what is said of the traffic and of the logs themselves.
func (p *htmlPage) tables() {
	p.Traffic = []htmlCounts{{"Clients", p.Log.TopClients}, {"Routes", p.Log.TopRoutes}, {"Answers", p.Log.Statuses}, {"Formats, in lines", p.Log.Formats}}
	p.Sources = p.Run.Sources[:min(len(p.Run.Sources), htmlRows)]
	for i := range p.Run.Sources {
		s := &p.Run.Sources[i]
		for _, f := range s.Integrity {
			p.Odd = append(p.Odd, htmlFinding{s.Path, f})
		}
		for _, sh := range s.Shapes {
			p.Rejected = append(p.Rejected, htmlShape{s.Path, sh})
		}
	}
	p.Odd = p.Odd[:min(len(p.Odd), htmlRows)]
	p.Rejected = p.Rejected[:min(len(p.Rejected), htmlRows)]
}
