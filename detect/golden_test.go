package detect

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
	"github.com/litesoc/litesoc/parsers"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets more garbage gather than is usual: the tests make and forget many pipelines, and
// a fifth of their time would go into collecting these.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

const goldenFolder = "../testdata/detect"

// TestGolden leads the logs of each detector's file through a pipeline of that detector
// and all rules, and compares what comes out, line by line.
func TestGolden(t *testing.T) {
	for _, d := range All() {
		t.Run(d.Name, func(t *testing.T) {
			path := filepath.Join(goldenFolder, d.Name+".txtar")
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				switch {
				case strings.HasSuffix(f.Name, ".format"), strings.HasSuffix(f.Name, ".origins"), strings.HasSuffix(f.Name, ".api"):
					got.Files = append(got.Files, f)
				case strings.HasSuffix(f.Name, ".log"):
					name := strings.TrimSuffix(f.Name, ".log")
					out := run([]*Detector{d}, readCase(t, archive, name))
					got.Files = append(got.Files, f)
					for _, stream := range []string{"events", "alerts", "incidents"} {
						got.Files = append(got.Files, txtar.File{Name: name + "." + stream, Data: out[stream]})
					}
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := fileTexts(archive)
			for _, f := range got.Files {
				if want[f.Name] != string(f.Data) {
					t.Errorf("%s: %s differs (make golden writes it anew)\n got:\n%s\nwant:\n%s", path, f.Name, f.Data, want[f.Name])
				}
				delete(want, f.Name)
			}
			for name := range want {
				t.Errorf("%s: %s belongs to no log", path, name)
			}
		})
	}
}

// TestGoldenMeaning holds the golden files to what they are for: each has a log that
// fires, one just below and an innocent that looks alike.
func TestGoldenMeaning(t *testing.T) {
	for _, d := range All() {
		t.Run(d.Name, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join(goldenFolder, d.Name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			text := fileTexts(archive)
			for _, name := range []string{"fires", "below", "innocent"} {
				if _, ok := text[name+".log"]; !ok {
					t.Errorf("no %s.log", name)
				}
			}
			if text["fires.alerts"] == "" || text["fires.incidents"] == "" {
				t.Error("fires.log makes no alert or no incident")
			}
			for alert := range strings.Lines(text["below.alerts"]) {
				if !strings.Contains(alert, `"rule":"repeated-denials"`) { // three answers 403 are its own threshold
					t.Error("below.log makes an alert")
				}
			}
			if strings.Contains(text["innocent.alerts"], `"severity":"high"`) || strings.Contains(text["innocent.alerts"], `"severity":"critical"`) {
				t.Error("innocent.log makes a grave alert")
			}
		})
	}
}

// eachGoldenLog runs a test of its own for each log of each detector's golden file.
func eachGoldenLog(t *testing.T, test func(t *testing.T, d *Detector, archive *txtar.Archive, name string)) {
	for _, d := range All() {
		archive, err := txtar.ParseFile(filepath.Join(goldenFolder, d.Name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if name, isLog := strings.CutSuffix(f.Name, ".log"); isLog {
				t.Run(d.Name+"/"+name, func(t *testing.T) { test(t, d, archive, name) })
			}
		}
	}
}

// TestManyWays runs each golden log in many ways: each detector by itself, then with all
// rules and incidents, and what fires through the whole pipeline.
func TestManyWays(t *testing.T) {
	eachGoldenLog(t, func(t *testing.T, d *Detector, archive *txtar.Archive, name string) {
		if testing.Short() && name != "fires" {
			t.Skip("shows nothing more under the race detector, and takes long there")
		}
		t.Parallel()
		requests := readCase(t, archive, name)
		keyedtest.Check(t, keyedtest.Engine(keyed.Order[*parsers.Request, Event]{
			Time: func(r *parsers.Request) time.Time { return r.Time },
			ID:   func(e Event) string { return e.ID },
		}, d.machine()), requests)
		detectors := []*Detector{d}
		if name == "fires" && !testing.Short() {
			detectors = All()
		}
		keyedtest.Check(t, pipelineSubject(detectors, Rules()), requests)
	})
}

// TestManyWaysOfLess runs each golden log in many ways with stretches of lines that lack a user
// agent or a user: what is remembered of nothing is to be there after it was saved, too.
func TestManyWaysOfLess(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	lacking := []*regexp.Regexp{regexp.MustCompile(`( ")[^"]*("$)`), regexp.MustCompile(`(^\S+ - )\S+()`)}
	eachGoldenLog(t, func(t *testing.T, d *Detector, archive *txtar.Archive, name string) {
		if fileTexts(archive)[name+".format"] != "" {
			t.Skip("is of a format of its own")
		}
		t.Parallel()
		seed := rand.Uint64()
		chance := rand.New(rand.NewPCG(seed, 0))
		less := *archive
		less.Files = slices.Clone(archive.Files)
		i := slices.IndexFunc(less.Files, func(f txtar.File) bool { return f.Name == name+".log" })
		lines := expand(t, string(less.Files[i].Data))
		for from := 0; from < len(lines); {
			to, field := from+1+chance.IntN(8), chance.IntN(len(lacking)+1)
			for n := from; n < min(to, len(lines)) && field < len(lacking); n++ {
				lines[n] = lacking[field].ReplaceAllString(lines[n], "${1}-$2")
			}
			from = to
		}
		less.Files[i].Data = []byte(strings.Join(lines, "\n") + "\n")
		subject := keyedtest.Engine(keyed.Order[*parsers.Request, Event]{
			Time: func(r *parsers.Request) time.Time { return r.Time },
			ID:   func(e Event) string { return e.ID },
		}, d.machine())
		subject.Seed = seed
		keyedtest.Check(t, subject, readCase(t, &less, name))
	})
}

// TestSourceNumbers leads each golden log through the pipeline as if two hosts had written
// it in turns, with many requests at one instant. Which of the two the store calls the first
// depends on who was scanned first, and says nothing.
func TestSourceNumbers(t *testing.T) {
	eachGoldenLog(t, func(t *testing.T, d *Detector, archive *txtar.Archive, name string) {
		if testing.Short() && name != "fires" {
			t.Skip("shows nothing more under the race detector, and takes long there")
		}
		t.Parallel()
		var out [2]string
		for i, ids := range [][2]int{{1, 2}, {2, 1}} {
			hosts := [2]*parsers.Source{{ID: ids[0]}, {ID: ids[1]}}
			requests := readCase(t, archive, name)
			for n, r := range requests {
				r.Source, r.Line = hosts[n%2], int64(n/2+1)
				r.Time = r.Time.Truncate(10 * time.Second)
			}
			got := run([]*Detector{d}, requests)
			out[i] = string(slices.Concat(got["events"], got["alerts"], got["incidents"]))
			out[i] = strings.NewReplacer(fmt.Sprintf(`"source":%d`, ids[0]), `"source":"a"`, fmt.Sprintf(`"source":%d`, ids[1]), `"source":"b"`).Replace(out[i])
		}
		if out[0] != out[1] {
			t.Errorf("other numbers of sources, something else found:\n%s\n%s", out[0], out[1])
		}
	})
}

// learner learns routes from few names, so that small tests learn some.
func learner() *parsers.RouteLearner { return parsers.NewRouteLearner(10, nil) }

// pipelineSubject is a whole pipeline in the kit's terms.
func pipelineSubject(detectors []*Detector, rules []*Rule) keyedtest.Subject[*parsers.Request] {
	return keyedtest.Subject[*parsers.Request]{
		Time: func(r *parsers.Request) time.Time { return r.Time },
		New: func(shards int, saved []byte, out func(keyedtest.Output)) (keyedtest.Runner[*parsers.Request], error) {
			p := NewPipeline(learner(), detectors, rules, shards, Sink{
				Event:    func(e Event) { out(keyedtest.Output{Stream: "events", ID: e.ID, JSON: keyedtest.JSON(e)}) },
				Alert:    func(a Alert) { out(keyedtest.Output{Stream: "alerts", ID: a.ID, JSON: keyedtest.JSON(a)}) },
				Incident: func(i Incident) { out(keyedtest.Output{Stream: "incidents", ID: i.ID, JSON: keyedtest.JSON(i)}) },
			})
			d := json.NewDecoder(bytes.NewReader(saved))
			for d.More() {
				var s stageMemory
				if err := d.Decode(&s); err != nil {
					return nil, err
				}
				if err := p.Load(s.Stage, s.Saved); err != nil {
					return nil, err
				}
			}
			return runner{p}, nil
		},
	}
}

type runner struct{ *Pipeline }

// Advance shows the pipeline requests that are gone when it returns: as in scan, their
// memory is used anew.
func (r runner) Advance(requests []*parsers.Request, watermark time.Time) {
	own := make([]parsers.Request, len(requests))
	lent := make([]*parsers.Request, len(requests))
	for i, q := range requests {
		own[i] = *q
		lent[i] = &own[i]
	}
	r.Pipeline.Advance(lent, watermark)
	for i := range own {
		own[i] = parsers.Request{Line: -1, Path: "/gone", Event: "gone.request", Status: 999}
	}
}

type stageMemory struct {
	Stage string
	keyed.Saved
}

func (r runner) Save() ([]byte, error) {
	var b bytes.Buffer
	err := r.Pipeline.Save(func(stage string, s keyed.Saved) error {
		return json.NewEncoder(&b).Encode(stageMemory{stage, s})
	})
	return b.Bytes(), err
}

// run leads the requests through a pipeline and returns what comes out, as NDJSON by
// stream.
func run(detectors []*Detector, requests []*parsers.Request) map[string][]byte {
	out := map[string][]byte{}
	write := func(stream string, v any) {
		out[stream] = append(append(out[stream], keyedtest.JSON(v)...), '\n')
	}
	p := NewPipeline(learner(), detectors, Rules(), 1, Sink{
		Event:    func(e Event) { write("events", e) },
		Alert:    func(a Alert) { write("alerts", a) },
		Incident: func(i Incident) { write("incidents", i) },
	})
	if len(requests) > 0 {
		p.Advance(requests, requests[len(requests)-1].Time.Add(1))
	}
	p.Flush()
	return out
}

// readCase reads a log of the archive, as the tool would: in the format named by
// NAME.format, put in order, with the events of single requests. NAME.origins says where
// addresses are, NAME.api which operations the API has ("GET /users/{id}", and
// "deprecated" after that).
func readCase(t testing.TB, archive *txtar.Archive, name string) []*parsers.Request {
	t.Helper()
	text := fileTexts(archive)
	format := parsers.NginxCombined()
	if f, ok := text[name+".format"]; ok {
		var err error
		if format, err = parsers.NginxLogFormat("golden", strings.TrimSpace(f), ""); err != nil {
			t.Fatal(err)
		}
	}
	origins := readOrigins(t, text[name+".origins"])
	var api []parsers.Operation
	for line := range strings.Lines(text[name+".api"]) {
		f := strings.Fields(line)
		api = append(api, parsers.Operation{Method: f[0], Route: f[1], Deprecated: len(f) > 2})
	}
	site, err := parsers.NewSite(parsers.SiteConfig{Operations: api})
	if err != nil {
		t.Fatal(err)
	}
	requests := readFor(t, site, format, text[name+".log"])
	for _, r := range requests {
		r.Declared = site.Declared(r.Method, r.Shape)
		addr, err := netip.ParseAddr(r.ClientIP)
		for i := range origins {
			if err == nil && origins[i].prefix.Contains(addr) {
				r.Origin = &origins[i].Origin
			}
		}
	}
	return requests
}

type originOf struct {
	prefix netip.Prefix
	parsers.Origin
}

// readOrigins reads where addresses are, a network a line, each within 20 km unless it
// says otherwise; "-" for a country and AS0 are not known, and neither is a place within
// 0 km:
//
//	203.0.113.0/24 DE AS64500 52.5 13.4 vpn
//	198.51.100.0/24 - AS0 52.5 13.4 km=500 org=Example_Mobile city=Berlin
func readOrigins(t testing.TB, text string) []originOf {
	t.Helper()
	traits := map[string]parsers.Traits{"tor": parsers.Tor, "vpn": parsers.VPN, "relay": parsers.Relay, "cloud": parsers.Cloud,
		"datacenter": parsers.Datacenter, "crawler": parsers.Crawler, "reserved": parsers.Reserved}
	var origins []originOf
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 {
			t.Fatalf("origin %q: want a network, country, AS, latitude and longitude", line)
		}
		asn, err := strconv.ParseUint(strings.TrimPrefix(f[2], "AS"), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		o := originOf{netip.MustParsePrefix(f[0]), parsers.Origin{Country: f[1], ASN: uint32(asn), RadiusKM: 20}}
		if o.Latitude, err = strconv.ParseFloat(f[3], 64); err != nil {
			t.Fatal(err)
		}
		if o.Longitude, err = strconv.ParseFloat(f[4], 64); err != nil {
			t.Fatal(err)
		}
		if f[1] == "-" {
			o.Country = ""
		}
		for _, name := range f[5:] {
			name, value, _ := strings.Cut(name, "=")
			value = strings.ReplaceAll(value, "_", " ")
			switch name {
			case "km":
				if o.RadiusKM, err = strconv.ParseFloat(value, 64); err != nil {
					t.Fatal(err)
				}
			case "org":
				o.Org = value
			case "city":
				o.City = value
			default:
				o.Traits |= traits[name]
			}
		}
		origins = append(origins, o)
	}
	return origins
}

func read(t testing.TB, format *parsers.Format, log string) []*parsers.Request {
	t.Helper()
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return readFor(t, site, format, log)
}

func readFor(t testing.TB, site *parsers.Site, format *parsers.Format, log string) []*parsers.Request {
	t.Helper()
	routes := routeMap(t)
	reader := format.NewReader(site, &parsers.Source{ID: 1})
	var requests []*parsers.Request
	for i, line := range expand(t, log) {
		r := &parsers.Request{}
		if err := reader.Read(line, int64(i+1), r); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		r.Event = routes.Classify(r)
		Identify(r)
		requests = append(requests, r)
	}
	slices.SortStableFunc(requests, (*parsers.Request).Compare)
	return requests
}

func routeMap(t testing.TB, own ...RouteRule) *RouteMap {
	t.Helper()
	m, err := NewRouteMap(own)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func fileTexts(archive *txtar.Archive) map[string]string {
	text := map[string]string{}
	for _, f := range archive.Files {
		text[f.Name] = string(f.Data)
	}
	return text
}

var (
	repeated = regexp.MustCompile(`^x(\d+) \+(\d+(?:ms|s|m|h)) (.*)$`)
	clock    = regexp.MustCompile(`\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}`)
	counter  = regexp.MustCompile(`\{(?:(\d+)\+)?n\}`)
)

// expand writes out the lines of a story: "x20 +2s LINE" stands for twenty of LINE, two
// seconds apart, {n} counting from 1 and {1000+n} from 1001.
func expand(t testing.TB, log string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		m := repeated.FindStringSubmatch(line)
		if m == nil {
			lines = append(lines, line)
			continue
		}
		times, _ := strconv.Atoi(m[1])
		step, err := time.ParseDuration(m[2])
		if err != nil {
			t.Fatal(err)
		}
		for n := range times {
			one := clock.ReplaceAllStringFunc(m[3], func(at string) string {
				const layout = "02/Jan/2006:15:04:05 -0700"
				first, err := time.Parse(layout, at)
				if err != nil {
					t.Fatal(err)
				}
				return first.Add(time.Duration(n) * step).Format(layout)
			})
			lines = append(lines, counter.ReplaceAllStringFunc(one, func(c string) string {
				from, _ := strconv.Atoi(counter.FindStringSubmatch(c)[1])
				return strconv.Itoa(from + n + 1)
			}))
		}
	}
	return lines
}
