package detect

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// An attack is labelled traffic: what one attacker does, in one form.
type attack struct {
	name string // "credential-stuffing"
	form string // "fast", "slow", "distributed", "low-volume" or "evasive"
	// detectors are those that are to find it, each by itself: "enumeration", or
	// "access-denied/high" where a lesser event would say no more than one request does.
	detectors []string
	// write adds the attacker's lines, the first of them at about start.
	write func(s *scene, start time.Time)
}

// An entry is one request as a log tells of it. What is empty or zero is not logged, or is
// usual: GET, 200, 1234 bytes.
type entry struct {
	ip, user, key, token, session, tenant string
	method, uri                           string
	status                                int
	bytes, records                        int64
	ua, referer                           string
}

// scorecardFormat is how the lines are logged.
const scorecardFormat = `$remote_addr - $remote_user [$time_iso8601] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" ` +
	`key="$http_x_api_key" auth="$http_authorization" session="$cookie_sessionid" tenant="$http_x_org_id" records=$upstream_http_x_record_count`

// A scene is a log while it is written: lines in any order, each with the label of who
// wrote it. All that is random comes from rand, so that a seed makes the same log.
type scene struct {
	rand  *rand.Rand
	label int // of the lines that are added: 0 is benign, else 1 + the index of an attack
	lines []labelled
	// origins says where the addresses are that an attack or the benign traffic uses.
	origins []originOf
}

type labelled struct {
	at    time.Time
	text  string
	label int
}

// add writes a line.
func (s *scene) add(at time.Time, h entry) {
	dash := func(text string) string {
		if text == "" {
			return "-"
		}
		return text
	}
	method, status, size, records, auth := h.method, h.status, h.bytes, "-", "-"
	if method == "" {
		method = "GET"
	}
	if status == 0 {
		status = 200
	}
	if size == 0 {
		size = 1234
	}
	if h.records > 0 {
		records = fmt.Sprint(h.records)
	}
	if h.token != "" {
		auth = "Bearer " + h.token
	}
	s.lines = append(s.lines, labelled{at, fmt.Sprintf(`%s - %s [%s] "%s %s HTTP/1.1" %d %d "%s" "%s" key="%s" auth="%s" session="%s" tenant="%s" records=%s`,
		h.ip, dash(h.user), at.UTC().Format("2006-01-02T15:04:05+00:00"), method, h.uri, status, size, dash(h.referer), dash(h.ua),
		dash(h.key), auth, dash(h.session), dash(h.tenant), records), s.label})
}

// network says where the addresses of a network are: a country of two letters, the
// number of the autonomous system and a place within 50 km.
func (s *scene) network(prefix, country string, asn uint32, latitude, longitude float64, traits parsers.Traits) {
	o := originOf{prefix: netip.MustParsePrefix(prefix)}
	o.Country, o.ASN, o.Latitude, o.Longitude, o.RadiusKM, o.Traits = country, asn, latitude, longitude, 50, traits
	s.origins = append(s.origins, o)
}

// The flags of make scorecard, which plays on a larger scale than the test.
var (
	scorecardLines = flag.Int("scorecard.lines", 60_000, "benign lines of a scorecard")
	scorecardSeeds = flag.Int("scorecard.seeds", 1, "how many scorecards, each of another seed")
	scorecardDays  = flag.Int("scorecard.days", 8, "days that the benign lines are spread over")
)

// A finding is an event in its last form, and whose lines show it.
type finding struct {
	Event
	label int         // whose lines most of its evidence are
	of    map[int]int // lines of evidence by label: two attacks at one login are one campaign
}

// A result is what is found in one play.
type result struct {
	events []*finding
	alerts []Alert // of severity high or above, all of whose events are of benign lines
	lines  int     // benign ones
}

// play writes a log of the benign traffic and all attacks, reads it as the tool would and
// returns what is found.
func play(t testing.TB, seed uint64, days, lines int, attacks []attack) result {
	t.Helper()
	s := &scene{rand: rand.New(rand.NewPCG(seed, 1))}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday
	benign(s, start, days, lines)
	all := result{lines: len(s.lines)}
	for i, a := range attacks {
		s.label = i + 1
		s.rand = rand.New(rand.NewPCG(seed, uint64(i)+2)) // whatever the others do
		a.write(s, start.Add(time.Duration(24+s.rand.IntN(24*(days-2)))*time.Hour+time.Duration(s.rand.IntN(3600))*time.Second))
	}
	slices.SortStableFunc(s.lines, func(a, b labelled) int { return a.at.Truncate(time.Second).Compare(b.at.Truncate(time.Second)) })

	format, err := parsers.NginxLogFormat("scorecard", scorecardFormat, "")
	if err != nil {
		t.Fatal(err)
	}
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	reader, routes := format.NewReader(site, &parsers.Source{ID: 1}), routeMap(t)
	events, alerts := map[string]*finding{}, map[string]Alert{}
	p := NewPipeline(parsers.NewRouteLearner(parsers.LeastNames, nil), All(), Rules(), 1, Sink{
		Event:    func(e Event) { events[e.ID] = &finding{Event: e} },
		Alert:    func(a Alert) { alerts[a.ID] = a },
		Incident: func(Incident) {},
	})
	origins := map[string]*parsers.Origin{}
	var batch []*parsers.Request
	for n, l := range s.lines {
		r := &parsers.Request{}
		if err := reader.Read(l.text, int64(n+1), r); err != nil {
			t.Fatalf("%s: %v", l.text, err)
		}
		r.Event = routes.Classify(r)
		o, known := origins[r.ClientIP]
		if !known {
			o = s.origin(r.ClientIP)
			origins[r.ClientIP] = o
		}
		r.Origin = o
		if len(batch) >= 4096 && r.Time.After(batch[len(batch)-1].Time) {
			p.Advance(batch, r.Time)
			batch = nil
		}
		batch = append(batch, r)
	}
	p.Advance(batch, batch[len(batch)-1].Time.Add(1))
	p.Flush()
	for _, id := range slices.Sorted(maps.Keys(events)) {
		f := events[id]
		f.of = map[int]int{}
		for _, e := range f.Evidence {
			f.of[s.lines[e.Line-1].label]++
		}
		for label, n := range f.of {
			if n > f.of[f.label] || n == f.of[f.label] && label < f.label {
				f.label = label
			}
		}
		all.events = append(all.events, f)
	}
	for _, id := range slices.Sorted(maps.Keys(alerts)) {
		a := alerts[id]
		if a.Severity >= High && !slices.ContainsFunc(a.Events, func(id string) bool { return events[id].label > 0 }) {
			all.alerts = append(all.alerts, a)
		}
	}
	return all
}

// origin is where an address is, by the last network that holds it.
func (s *scene) origin(ip string) *parsers.Origin {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	for i := range slices.Backward(s.origins) {
		if s.origins[i].prefix.Contains(addr) {
			return &s.origins[i].Origin
		}
	}
	return nil
}

// stating are the detectors that state what single answers say: what they say of benign
// traffic is true, and counts neither for them nor against them.
var stating = map[string]bool{"rate-limit": true, "key-invalid": true, "permission-denied": true, "access-denied": true}

// A score is how a detector did.
type score struct {
	expected, found int // attacks that it must find, and those it found
	right, wrong    int // its events of severity medium or above
}

// A scorecard is the scores of all detectors with the reasons to doubt them.
type scorecard struct {
	scores map[string]*score
	misses []string // "detector: attack, form"
	alarms []string // "detector severity: summary" of benign lines
	high   int      // alerts of severity high or above of benign lines
	lines  int      // benign ones
}

func (c *scorecard) of(detector string) *score {
	if c.scores[detector] == nil {
		c.scores[detector] = &score{}
	}
	return c.scores[detector]
}

// mark adds what was found of one play.
func (c *scorecard) mark(of result, attacks []attack) {
	c.lines += of.lines
	c.high += len(of.alerts)
	for _, a := range of.alerts {
		c.alarms = append(c.alarms, fmt.Sprintf("alert %s %s: %s", a.Rule, a.Severity, a.Description))
	}
	by := map[string]Severity{} // detector and label
	for _, f := range of.events {
		for label := range f.of {
			by[fmt.Sprint(f.Detector, label)] = max(by[fmt.Sprint(f.Detector, label)], f.Severity)
		}
		if f.Severity < Medium || f.label == 0 && stating[f.Detector] {
			continue
		}
		if f.label > 0 {
			c.of(f.Detector).right++
			continue
		}
		c.of(f.Detector).wrong++
		c.alarms = append(c.alarms, fmt.Sprintf("%s %s: %s", f.Detector, f.Severity, f.Summary))
	}
	for i, a := range attacks {
		for _, d := range a.detectors {
			least := Low
			d, high := strings.CutSuffix(d, "/high")
			if high {
				least = High
			}
			c.of(d).expected++
			if by[fmt.Sprint(d, i+1)] >= least {
				c.of(d).found++
				continue
			}
			c.misses = append(c.misses, fmt.Sprintf("%s: %s, %s", d, a.name, a.form))
		}
	}
}

// String is the scorecard as a table, with the misses and the false alarms under it.
func (c *scorecard) String() string {
	var b strings.Builder
	ratio := func(part, whole int) string {
		if whole == 0 {
			return "–"
		}
		return fmt.Sprintf("%.3f", float64(part)/float64(whole))
	}
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "detector\tattacks\tfound\trecall\tevents\tfalse\tprecision\t")
	var sum score
	line := func(name string, s *score) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%d\t%s\t\n", name, s.expected, s.found, ratio(s.found, s.expected), s.right+s.wrong, s.wrong, ratio(s.right, s.right+s.wrong))
	}
	for _, d := range All() {
		s := c.of(d.Name)
		line(d.Name, s)
		sum.expected, sum.found, sum.right, sum.wrong = sum.expected+s.expected, sum.found+s.found, sum.right+s.right, sum.wrong+s.wrong
	}
	line("all", &sum)
	w.Flush()
	fmt.Fprintf(&b, "\nfalse alerts of severity high or above: %d on %d benign lines (%.2f a million)\n", c.high, c.lines, float64(c.high)*1e6/float64(max(c.lines, 1)))
	for _, part := range []struct {
		title string
		texts []string
	}{{"missed", c.misses}, {"false alarm", c.alarms}} {
		for _, text := range c.unexplained(part.texts) {
			fmt.Fprintf(&b, "%s, not explained: %s\n", part.title, text)
		}
		for _, a := range accepted {
			if texts := a.of(part.texts); len(texts) > 0 {
				fmt.Fprintf(&b, "%s, %d ×: %s\n  accepted: %s\n", part.title, len(texts), texts[0], a.reason)
			}
		}
	}
	return b.String()
}

// unexplained returns the misses or alarms that are not accepted.
func (c *scorecard) unexplained(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
		return slices.ContainsFunc(accepted, func(a acceptance) bool { return strings.HasPrefix(text, a.beginning) })
	})
}

// TestScorecard plays attacks amid benign traffic. What is missed and what is a false
// alarm must be one of those that are accepted, each with its reason.
func TestScorecard(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	attacks := attacks()
	plays := make([]result, *scorecardSeeds)
	t.Run("play", func(t *testing.T) {
		for i := range plays {
			t.Run(fmt.Sprint("seed=", i+1), func(t *testing.T) {
				t.Parallel()
				plays[i] = play(t, uint64(i)+1, *scorecardDays, *scorecardLines, attacks)
			})
		}
	})
	c := &scorecard{scores: map[string]*score{}}
	for _, p := range plays {
		c.mark(p, attacks)
	}
	t.Logf("\n%s", c)
	for _, text := range c.unexplained(c.misses) {
		t.Errorf("missed: %s", text)
	}
	for _, text := range c.unexplained(c.alarms) {
		t.Errorf("false alarm: %s", text)
	}
	for _, a := range accepted {
		if !a.rare && len(a.of(slices.Concat(c.misses, c.alarms))) == 0 {
			t.Errorf("accepted, but no more there: %s", a.beginning)
		}
	}
}

// An acceptance is a miss or false alarm that is known and why it stays.
type acceptance struct {
	beginning, reason string
	rare              bool // only larger scorecards than the test's have it
}

// of returns those of the misses or alarms that it is about.
func (a acceptance) of(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !strings.HasPrefix(text, a.beginning) })
}

var accepted = []acceptance{
	{"probe: SQL injection in the referer, evasive", "the query of a referer is another page's, where people search for SQL: doubtful, and one of those makes no event", false},
	{"brute-force-ip medium: 198.18.14.10", "an office of 300 whose slips come close together: medium by definition, and told as an office", false},
	{"brute-force-ip medium: 2001:db8:65:", "a floor of that office, which shares a /64: medium by definition", true},
	{"credential-stuffing medium: 198.18.14.10", "as before: ten people slip within ten minutes", true},
	{"impossible-travel medium: user \"vpn1@", "a gateway in a cloud abroad, on and off: medium by definition", false},
	{"enumeration medium: 198.18.0.1", "an office whose pages ask for a route that a deploy has renamed: broken, told as that, and medium by definition", true},
	{"enumeration medium: 198.18.7.230", "an app that asks 1,500 times for what is gone is broken, and told as that; it is medium by definition", false},
	{"object-sweep medium: API key", "a job's first night: nothing is known yet of what it reads, and jobs are medium by definition; the second night is silent", false},
	{"brute-force-ip medium: 198.18.0.", "five typos behind one address: told as what it looks like, an office or a forgotten password", true},
	{"brute-force-ip high: 198.18.0.", "five typos in the first hours of a log, when nobody behind the address is known yet and too few of them logged in", true},
	{"rule:repeated-denials medium: user \"page", "a page of four parts that its user may not see: three refusals in ten minutes are the guide's own rule, and medium", false},
	{"new-device medium: user \"berlin0", "a traveller's login is one with a new device in a new country, and medium by definition", true},
}
