package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/litesoc/litesoc/detect"
)

// The golden files of all formats but those that have tests of their own.
func TestFormats(t *testing.T) {
	for _, f := range All() {
		if f.Name == "text" || f.Name == "json" || f.Name == "html" {
			continue
		}
		for name, r := range samples() {
			t.Run(f.Name+"/"+name, func(t *testing.T) {
				golden(t, name+"."+f.Name, write(t, f, r, Look{}))
			})
		}
	}
}

// Where a scan did not end, no format for a person or for CI is one of a clean log.
func TestFormatsOfAScanThatDidNotEnd(t *testing.T) {
	r := quiet()
	r.Run.Unfinished = true
	for _, f := range All() {
		want, ok := map[string]string{
			"text": "but not all of it has been judged.\nTimes are UTC.\nNot judged: requests of a scan that did not end", "html": "No incident so far, but not all has been judged",
			"markdown": "# No incident so far, but not all has been judged", "json": `"unfinished": true`,
			"sarif": `"executionSuccessful": false`, "junit": `<error type="unfinished"`, "github": "::error title=litesoc::Not judged",
		}[f.Name]
		if out := write(t, f, r, Look{}); ok && !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s has no %q:\n%.1500s", f.Name, want, out)
		}
	}
}

// Every format holds what its readers demand, whatever stands in a log.
func TestFormatsOfHostileText(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	more := []string{
		"=cmd|' /C calc'!A1", "+1", "-1", "@SUM(A1)", "]]>", "<script>alert(1)</script>", "[click](javascript:alert(1))", "| a | b |\n|---|---|",
		"::error::x\n::add-mask::y", "%0A::error::z", `"; drop table alerts; --`, "# heading\n- [x] done", "![](http://192.0.2.1/x)", "&lt;b&gt;", "{{7*7}}", `\`, "`", "```\nx",
	}
	for _, s := range slices.Concat(hostile, more) {
		for name, r := range map[string]*Report{"filled": filled(s), "incidents": withIncidents()} {
			for _, f := range All() {
				check, ok := promises[f.Name]
				if !ok {
					t.Fatalf("nothing is promised of the format %s", f.Name)
				}
				out := write(t, f, r, Look{})
				if err := errors.Join(check(out, r), fitToShow(out)); err != nil {
					t.Errorf("%s of %s, %.40q: %v\n%.2000s", f.Name, name, s, err, out)
				}
			}
		}
	}
}

// fitToShow tells of the first character that a terminal would obey or nobody could see.
func fitToShow(out []byte) error {
	if !utf8.Valid(out) {
		return errors.New("not UTF-8")
	}
	for _, c := range string(out) {
		if c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			return fmt.Errorf("holds %U", c)
		}
	}
	return nil
}

// promises check what a format promises of its output.
var promises = map[string]func(out []byte, r *Report) error{
	"text": func([]byte, *Report) error { return nil }, // see TestTextKeepsItsPromises
	"json": func(out []byte, _ *Report) error { return json.Unmarshal(out, new(Report)) },
	"html": func(out []byte, _ *Report) error { // see also TestHTMLOfHostileTextInABrowser
		for _, tag := range htmlTag.FindAllSubmatch(out, -1) {
			if !htmlTags[string(tag[1])] || htmlHandler.Match(tag[0]) {
				return fmt.Errorf("%q is not ours", tag[0])
			}
		}
		return nil
	},
	"markdown": func(out []byte, _ *Report) error {
		for line := range strings.Lines(string(out)) {
			// Outside of code, what would render stands behind a backslash.
			text := codeSpan.ReplaceAllString(line, "")
			if bad := rendered.FindString(text); bad != "" {
				return fmt.Errorf("%q is rendered in %q", bad, line)
			}
		}
		if len(out) > 1<<20 {
			return fmt.Errorf("%d bytes", len(out))
		}
		return nil
	},
	"ndjson": func(out []byte, r *Report) error {
		kinds := map[string]int{}
		err := eachLine(out, func(line []byte) error {
			var v struct{ Kind, ID string }
			err := json.Unmarshal(line, &v)
			kinds[v.Kind]++
			return err
		})
		if kinds["incident"] != len(r.Incidents) || kinds["alert"] != len(r.Alerts) || kinds["event"] != len(r.Events) || kinds["log"] != 1 {
			return errors.Join(err, fmt.Errorf("there are %v", kinds))
		}
		return err
	},
	"csv": func(out []byte, r *Report) error {
		rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
		if err != nil {
			return err
		}
		if len(rows) != len(r.Alerts)+1 {
			return fmt.Errorf("%d rows", len(rows))
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					return fmt.Errorf("%q is a formula", cell)
				}
			}
		}
		return nil
	},
	"sarif": func(out []byte, r *Report) error {
		var log sarifLog
		if err := strict(out, &log); err != nil {
			return err
		}
		for _, res := range log.Runs[0].Results {
			if res.RuleID != log.Runs[0].Tool.Driver.Rules[res.RuleIndex].ID || len(res.Locations) == 0 || res.Message.Text == "" || res.Fingerprints["litesocAlert/v1"] == "" && len(r.Alerts[0].ID) > 0 {
				return fmt.Errorf("not a whole result: %+v", res)
			}
		}
		return nil
	},
	"junit": func(out []byte, r *Report) error {
		var suites junitSuites
		if err := xml.Unmarshal(out, &suites); err != nil {
			return err
		}
		if suites.Suites[0].Tests == 0 || suites.Failures != len(r.Incidents) {
			return fmt.Errorf("%d failures", suites.Failures)
		}
		return nil
	},
	"ocsf": func(out []byte, r *Report) error {
		n := 0
		err := eachLine(out, func(line []byte) error {
			n++
			var f struct {
				Class    int                          `json:"class_uid"`
				Type     int                          `json:"type_uid"`
				Activity int                          `json:"activity_id"`
				Severity int                          `json:"severity_id"`
				Status   int                          `json:"status_id"`
				Info     *struct{ UID, Title string } `json:"finding_info"`
				List     []struct{ UID string }       `json:"finding_info_list"`
				Metadata struct {
					Version string
					Product struct{ Name string }
				}
			}
			if err := json.Unmarshal(line, &f); err != nil {
				return err
			}
			if f.Type != 100*f.Class+f.Activity || f.Severity < 1 || f.Severity > 5 || f.Status == 0 || f.Metadata.Version == "" || f.Metadata.Product.Name == "" || (f.Class == 2004) != (f.Info != nil) {
				return fmt.Errorf("not a whole finding: %+v", f)
			}
			return nil
		})
		if n != len(r.Alerts)+len(r.Incidents) {
			return fmt.Errorf("%d findings", n)
		}
		return err
	},
	"ecs": func(out []byte, r *Report) error {
		n := 0
		err := eachLine(out, func(line []byte) error {
			n++
			var d ecsDocument
			if err := strict(line, &d); err != nil {
				return err
			}
			// A document whose ip is none is refused as a whole.
			if d.Source != nil && d.Source.IP != "" && ipOf(d.Source.IP) == "" || slices.ContainsFunc(d.Related.IP, func(ip string) bool { return ipOf(ip) == "" }) {
				return fmt.Errorf("no address: %s", line)
			}
			if d.Event.Kind != "alert" || d.ECS.Version == "" || d.Rule.ID == "" && r.Alerts[0].Rule != "" {
				return fmt.Errorf("not a whole document: %s", line)
			}
			return nil
		})
		if n != len(r.Alerts) {
			return fmt.Errorf("%d documents", n)
		}
		return err
	},
	"stix": func(out []byte, _ *Report) error {
		var b struct {
			Type, ID string
			Objects  []struct {
				Type, ID string
				Spec     string   `json:"spec_version"`
				Refs     []string `json:"object_refs"`
				Source   string   `json:"source_ref"`
				Target   string   `json:"target_ref"`
			}
		}
		if err := json.Unmarshal(out, &b); err != nil {
			return err
		}
		has := map[string]bool{}
		for _, o := range b.Objects {
			if has[o.ID] || o.Spec != "2.1" || !stixIDForm.MatchString(o.ID) || !strings.HasPrefix(o.ID, o.Type+"--") {
				return fmt.Errorf("not an object of its own: %+v", o)
			}
			for _, ref := range slices.Concat(o.Refs, []string{o.Source, o.Target}) {
				if ref != "" && !has[ref] {
					return fmt.Errorf("%s refers to %s, which is not before it", o.ID, ref)
				}
			}
			has[o.ID] = true
		}
		return nil
	},
	"github": func(out []byte, r *Report) error {
		n := 0
		err := eachLine(out, func(line []byte) error {
			n++
			if !gitHubCommand.Match(line) {
				return fmt.Errorf("%q is no annotation", line)
			}
			return nil
		})
		if n == 0 && len(r.Alerts) > 0 {
			return errors.New("nothing is said")
		}
		return err
	},
}

var (
	codeSpan    = regexp.MustCompile("`+[^`]*`+")
	rendered    = regexp.MustCompile(`(?:^|[^\\])(?:<[a-zA-Z/!]|!\[|\]\(|://)`)
	stixIDForm  = regexp.MustCompile(`^[a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	htmlTag     = regexp.MustCompile(`<([a-zA-Z0-9]+)[^>]*>`)
	htmlHandler = regexp.MustCompile(`(?i)\s(on[a-z]+|style|src|srcdoc)=`)
	htmlTags    = setOf("html head meta title style body a header p nav button main section h1 h2 h3 dl div dt dd figure figcaption svg text g rect line circle path " +
		"form label input fieldset legend select option output details summary span ol ul li time code strong pre table thead tbody tr th td caption br script")
	gitHubCommand = regexp.MustCompile(`^::(error|warning|notice) (file=[^:,]*,line=\d+,)?title=[^:,]*::`)
)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

func eachLine(out []byte, check func([]byte) error) error {
	var errs []error
	for line := range bytes.Lines(out) {
		errs = append(errs, check(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return errors.Join(errs...)
}

// strict reads JSON that may hold nothing else than v does.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more than one value")
	}
	return nil
}

// What GitHub would not take is left out and counted.
func TestSARIFIsBounded(t *testing.T) {
	r := withIncidents()
	low := r.Alerts[1]
	r.Alerts = slices.Repeat(r.Alerts[1:2], sarifResults)
	for i := range r.Alerts {
		r.Alerts[i].ID = fmt.Sprintf("alt_%d", i)
	}
	low.Severity, low.ID = detect.Critical, "alt_worst"
	r.Alerts = append(r.Alerts, low)
	var log sarifLog
	if err := json.Unmarshal(write(t, SARIF(), r, Look{}), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if n := len(run.Results); n != sarifResults || run.Results[0].Fingerprints["litesocAlert/v1"] != "alt_worst" {
		t.Errorf("%d results, the first %v", n, run.Results[0].Fingerprints)
	}
	notes := run.Invocations[0].Notifications
	if got := notes[len(notes)-1].Message.Text; !strings.HasPrefix(got, "1 alert of lesser") {
		t.Errorf("the last note is %q", got)
	}
}

func TestGitHubIsBounded(t *testing.T) {
	r := withIncidents()
	r.Alerts = slices.Repeat(r.Alerts[:1], 15)
	out := string(write(t, GitHub(), r, Look{}))
	if n := strings.Count(out, "::error "); n != maxAnnotations {
		t.Errorf("%d errors", n)
	}
	if !strings.Contains(out, "::notice title=litesoc::5 more alerts") {
		t.Errorf("what is left out is not counted in\n%s", out)
	}
}

// A STIX id is what any other tool makes of the same address.
func TestSTIXID(t *testing.T) {
	// As any implementation of UUIDs by name gives it for the name that section 2.9 demands.
	if got, want := stixID("ipv4-addr", stixObservables, `{"value":"198.51.100.3"}`), "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// RFC 8785 escapes no "<", ">" and "&".
	r := withIncidents()
	r.Incidents[0].Actors = []string{"a<b>&c"}
	if id := stixID("user-account", stixObservables, `{"user_id":"a<b>&c"}`); !strings.Contains(string(write(t, STIX(), r, Look{})), id) {
		t.Errorf("no %s", id)
	}
}

func TestFileURI(t *testing.T) {
	for path, want := range map[string]string{
		"/var/log/nginx/access.log":    "file:///var/log/nginx/access.log",
		"logs/a b#c?d%.log":            "logs/a%20b%23c%3Fd%25.log",
		"logs.tar!/2026/access.log.gz": "logs.tar%21/2026/access.log.gz",
		"c:log":                        "./c:log",
	} {
		if got := fileURI(path); got != want {
			t.Errorf("fileURI(%q) = %q, want %q", path, got, want)
		}
	}
}

// The map has the countries, and nothing that is no path.
func TestWorld(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z]{2} (M\d+ \d+l-?\d+([ -]\d+)+z)+\n$`)
	n := 0
	for line := range strings.Lines(worldText) {
		n++
		if !form.MatchString(line) {
			t.Errorf("%.60q is no country", line)
		}
		_, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		for part := range strings.SplitSeq(strings.Trim(path, "Mz"), "zM") {
			if len(pathNumbers(part))%2 != 0 || len(pathNumbers(part)) < 6 {
				t.Errorf("%.60q is no path", part)
			}
		}
	}
	if n < 200 {
		t.Errorf("%d countries", n)
	}
	for line := range strings.Lines(worldText) {
		code, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		x, y := middle(path)
		if want, ok := map[string][2]float64{"BR": {350, 320}, "DE": {529, 106}, "AU": {870, 355}}[code]; ok && (x-want[0])*(x-want[0])+(y-want[1])*(y-want[1]) > 900 {
			t.Errorf("the middle of %s is %v, %v, not about %v", code, x, y, want)
		}
	}
}
