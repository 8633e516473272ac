package detect

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/litesoc/litesoc/parsers"
)

// A sample is a log, or a list of texts, that others published with what they find in it.
type sample struct {
	dir                         string
	Case, Input, Kind, Category string
	Alerts                      []struct {
		Rule, Category string
		Sources        []string
	}
}

// TestScorecardSamples holds what is found in the samples that others published against
// what those others find: each client that they accuse, each text that they call an attack,
// and no client of a log without any. What is not found must stand in
// testdata/detect/disagreements.txt with the reason, and what stands there must occur.
//
// The samples are no part of the repository: LITESOC_LOGS names their folder, or it lies
// in shared/logs beside the repository.
func TestScorecardSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	samples := samplesIn(t)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
	var missed []string
	table := func(title string, rows map[string]*share) {
		fmt.Fprintf(w, "%s\tof\tfound\tshare\t\n", title)
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			fmt.Fprintf(w, "%s\t%d\t%d\t%.3f\t\n", name, rows[name].of, rows[name].found, float64(rows[name].found)/float64(max(rows[name].of, 1)))
		}
		fmt.Fprintln(w, "\t\t\t\t")
	}
	accused, texts, clean := map[string]*share{}, map[string]*share{}, map[string]*share{}
	for _, s := range samples {
		switch {
		case len(s.Alerts) > 0:
			found := s.events(t)
			for _, a := range s.Alerts {
				for _, ip := range a.Sources {
					by := found.by(ip)
					at(accused, a.Category).add(by != "")
					if by == "" {
						missed = append(missed, fmt.Sprintf("%s %s %s", s.Case, strings.TrimPrefix(a.Rule, "crowdsecurity/"), ip))
						continue
					}
					t.Logf("%s: %s, %s: %s", s.Case, a.Rule, ip, by)
				}
			}
		case s.Kind == "signature":
			for _, text := range s.texts(t) {
				found := text.judge()
				at(texts, text.class).add(found)
				if found != text.attack && (!text.many || found) {
					missed = append(missed, fmt.Sprintf("%s %s %s", s.Case, text.class, text.name))
				}
			}
		case slices.Contains(cleanSamples, s.Case):
			n := 0
			for _, e := range s.events(t) {
				if e.Severity >= High {
					n++
					missed = append(missed, fmt.Sprintf("%s %s %s", s.Case, e.Detector, e.ActorID))
				}
			}
			at(clean, s.Case).of += n
		}
	}
	table("clients that others accuse", accused)
	table("texts", texts)
	table("events of severity high in logs without an attack", clean)
	w.Flush()
	t.Logf("\n%s", b.String())
	for class, least := range leastShares {
		if c := at(texts, class); float64(c.found) < least*float64(c.of) || c.of == 0 {
			t.Errorf("%s: %d of %d found, want %.0f%%", class, c.found, c.of, 100*least)
		}
	}
	listed := listedDisagreements(t)
	for _, m := range missed {
		if !slices.ContainsFunc(listed, func(l string) bool { return disagrees(l, m) }) {
			t.Errorf("not listed: %s", m)
		}
	}
	for _, l := range listed {
		if !slices.ContainsFunc(missed, func(m string) bool { return disagrees(l, m) }) {
			t.Errorf("listed, but does not occur: %s", l)
		}
	}
}

// cleanSamples are logs of ordinary use.
var cleanSamples = []string{"ait-lds/intranet-access5", "lnav/shop-access"}

// leastShares is how many of the texts of a class must be found where they are too many to
// list those that are not. Most of those are broken in the samples (quotes and signs were
// taken out: "........etcpasswd"), or nothing by themselves ("1--", "id").
var leastShares = map[string]float64{"http-params sqli": 0.97, "http-params xss": 0.87, "http-params cmdi": 0.69, "http-params path-traversal": 0.56,
	"libinjection sqli-misc": 0.84, "libinjection sqli-phpids": 0.54}

// disagrees tells whether a line of the list is about a miss: all of it, or its beginning
// before "*".
func disagrees(line, miss string) bool {
	if begin, ok := strings.CutSuffix(line, "*"); ok {
		return strings.HasPrefix(miss, begin)
	}
	return line == miss
}

func listedDisagreements(t *testing.T) (lines []string) {
	b, err := os.ReadFile("../testdata/detect/disagreements.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// A share is how many of some were found.
type share struct{ of, found int }

func (s *share) add(found bool) {
	s.of++
	if found {
		s.found++
	}
}

func at(rows map[string]*share, name string) *share {
	if rows[name] == nil {
		rows[name] = &share{}
	}
	return rows[name]
}

func samplesIn(t *testing.T) (samples []sample) {
	dir, named := os.LookupEnv("LITESOC_LOGS")
	if !named {
		dir = filepath.Join("..", "..", "shared", "logs")
	}
	if _, err := os.Stat(dir); err != nil {
		if named {
			t.Fatal(err)
		}
		t.Skipf("no samples at %s: set LITESOC_LOGS", dir)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*", "expected.json*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		s := sample{dir: filepath.Dir(path)}
		if err := json.Unmarshal(unpacked(t, path), &s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		samples = append(samples, s)
	}
	if len(samples) < 100 {
		t.Fatalf("%d samples in %s, want 100 or more", len(samples), dir)
	}
	return samples
}

// unpacked returns what is in a file, without gzip around it.
func unpacked(t *testing.T, path string) []byte {
	b, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(path, ".gz") {
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
			b, err = io.ReadAll(r)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The events of a sample.
type sampleEvents []Event

// by names the detectors that accuse a client, with the severity; "" if none does.
func (events sampleEvents) by(ip string) string {
	var by []string
	for _, e := range events {
		if e.UserIP == ip && e.Severity >= Low {
			by = append(by, fmt.Sprint(e.Detector, " (", e.Severity, ")"))
		}
	}
	slices.Sort(by)
	return strings.Join(slices.Compact(by), ", ")
}

// events reads the sample in the format that is guessed and returns the last form of each
// event; none of what is no access log.
func (s *sample) events(t *testing.T) sampleEvents {
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(unpacked(t, filepath.Join(s.dir, s.Input))), "\n"), "\n")
	guess, ok := parsers.Guess(parsers.All(), lines[:min(len(lines), 200)])
	if !ok {
		return nil
	}
	reader, routes := guess.Format.NewReader(site, &parsers.Source{ID: 1}), routeMap(t)
	var requests []*parsers.Request
	for i, line := range lines {
		r := &parsers.Request{}
		if reader.Read(line, int64(i+1), r) == nil {
			r.Event = routes.Classify(r)
			requests = append(requests, r)
		}
	}
	slices.SortStableFunc(requests, (*parsers.Request).Compare)
	found := map[string]Event{}
	p := NewPipeline(parsers.NewRouteLearner(parsers.LeastNames, nil), All(), Rules(), 1, Sink{
		Event:    func(e Event) { found[e.ID] = e },
		Alert:    func(Alert) {},
		Incident: func(Incident) {},
	})
	if len(requests) > 0 {
		p.Advance(requests, requests[len(requests)-1].Time.Add(1))
	}
	p.Flush()
	var events sampleEvents
	for _, id := range slices.Sorted(maps.Keys(found)) {
		events = append(events, found[id])
	}
	return events
}

// A sampleText is one that others call an attack, or none.
type sampleText struct {
	name, class string
	attack      bool
	many        bool // too many to list: its class is counted only
	entry       entry
}

// judge tells whether probe or ssrf find an attack in the request alone.
func (x *sampleText) judge() (found bool) {
	r := &parsers.Request{Time: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Line: 1, ClientIP: "203.0.113.9", Method: "GET", Status: 404, UserAgent: x.entry.ua, Referer: x.entry.referer}
	r.Path, r.Query, _ = strings.Cut(x.entry.uri, "?")
	r.Shape = parsers.Route(r.Path)
	r.Route = r.Shape
	for _, d := range []*Detector{Probe(), SSRF()} {
		if d.Match(r) {
			d.New().Observe(r, func(Event) { found = true })
		}
	}
	return found
}

// texts returns the texts of the sample.
func (s *sample) texts(t *testing.T) (texts []sampleText) {
	b := unpacked(t, filepath.Join(s.dir, s.Input))
	param := func(value string) entry { return entry{uri: "/get?x=" + url.QueryEscape(value)} }
	switch group, name := filepath.Split(s.Case); group {
	case "owasp-crs/":
		for line := range bytes.Lines(b) {
			var x struct {
				ID, Method, URI string
				UA              string `json:"user_agent"`
				Referer, Cookie string
				Others          []string `json:"other_headers"`
				Expect          bool
			}
			if err := json.Unmarshal(line, &x); err != nil {
				t.Fatal(err)
			}
			class := "crs " + name
			if !x.Expect {
				class += ", benign"
			}
			texts = append(texts, sampleText{name: x.ID, class: class, attack: x.Expect, entry: entry{uri: x.URI, ua: x.UA, referer: x.Referer}})
		}
	case "gotestwaf/":
		for line := range bytes.Lines(b) {
			var x struct {
				Type, Payload string
				Placeholders  []string
			}
			if err := json.Unmarshal(line, &x); err != nil {
				t.Fatal(err)
			}
			e := param(x.Payload)
			switch {
			case slices.Contains(x.Placeholders, "URLParam"):
			case slices.Contains(x.Placeholders, "URLPath"):
				e.uri = "/" + x.Payload
			case slices.Contains(x.Placeholders, "UserAgent"):
				e = entry{uri: "/", ua: x.Payload}
			default:
				continue // in a body or a header that is not logged
			}
			texts = append(texts, sampleText{name: fmt.Sprintf("%.60q", x.Payload), class: "gotestwaf " + x.Type, attack: true, entry: e})
		}
	case "http-params/":
		rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			texts = append(texts, sampleText{name: row[0], class: "http-params " + row[2], attack: row[3] != "norm", many: true, entry: param(row[0])})
		}
	case "libinjection/":
		lines := bufio.NewScanner(bytes.NewReader(b))
		for lines.Scan() {
			if line := lines.Text(); line != "" && line[0] != '#' {
				value := line
				if plain, err := url.QueryUnescape(line); err == nil {
					value = plain
				}
				texts = append(texts, sampleText{name: line, class: "libinjection " + name, attack: true, many: true, entry: param(value)})
			}
		}
	}
	return texts
}
