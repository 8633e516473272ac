package report

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// standards are the formats that others have defined, with what they demand: facts of
// their schemas, of the objects that we use. What is not there is not used.
var standards = map[string]string{
	"ocsf":  "testdata/ocsf-1.5.0.json",
	"sarif": "testdata/sarif-2.1.0.json",
	"stix":  "testdata/stix-2.1.json",
}

// documents returns what a format has written, cut into what its schema is of.
func documents(format string, out []byte) [][]byte {
	if format == "ocsf" { // one a line
		return slices.Collect(bytes.Lines(out))
	}
	return [][]byte{out}
}

func standard(t *testing.T, format string) *schema {
	t.Helper()
	text, err := os.ReadFile(standards[format])
	if err != nil {
		t.Fatal(err)
	}
	return newSchema(t, string(text))
}

// Whatever is reported, and whatever stands in a log, is in the terms of the standard.
func TestStandards(t *testing.T) {
	reports := samples()
	for _, status := range []string{Open, Acknowledged, Resolved, Dismissed} {
		r := withIncidents()
		for i := range r.Alerts {
			r.Alerts[i].Status = status
		}
		for i := range r.Incidents {
			r.Incidents[i].Status = status
		}
		reports[status] = r
	}
	for _, s := range hostile {
		if s != "" { // no technique and no title is nothing
			reports["hostile "+s] = filled(s)
		}
	}
	for _, f := range All() {
		if standards[f.Name] == "" {
			continue
		}
		s := standard(t, f.Name)
		for name, r := range reports {
			for _, doc := range documents(f.Name, write(t, f, r, Look{})) {
				if err := s.check(doc); err != nil {
					t.Errorf("%s of %q: %v\n%.1500s", f.Name, name, err, doc)
				}
			}
		}
	}
}

// What is not in the terms of a standard is told.
func TestStandardsTell(t *testing.T) {
	for _, test := range []struct{ format, old, new, want string }{
		{"ocsf", `"severity_id":4`, `"severity_id":7`, "severity_id"},
		{"ocsf", `"severity_id":4`, `"severity_id":3`, "not one of [Medium]"},
		{"ocsf", `"time":1773050652000`, `"time":"1773050652000"`, "/time: a string, not integer"},
		{"ocsf", `"class_uid":2004,`, ``, "class_uid is missing"},
		{"ocsf", `"is_alert":true`, `"is_alarm":true`, "/is_alarm: no such member"},
		{"ocsf", `"type_uid":200401`, `"type_uid":200403`, "type_uid"},
		{"ocsf", `{"uid":"T1110.004"}`, `{}`, "/technique"},
		{"sarif", `"level": "error"`, `"level": "high"`, "/level: not one of"},
		{"sarif", `"startLine": 812`, `"startLine": 0`, "beyond the bound"},
		{"sarif", `"version": "2.1.0"`, `"version": "2.1"`, "/version: not one of"},
		{"sarif", `"ruleId"`, `"rule"`, "/rule: no such member"},
		{"stix", `"pattern_type": "stix",`, ``, "pattern_type is missing"},
		{"stix", `"id": "indicator--`, `"id": "identity--`, "is not as ^indicator--"},
		{"stix", `"indicator_types": [`, `"indicator_types": [], "x": [`, "beyond the bound"},
		{"stix", `.000Z"`, `Z"`, "is not as T"},
	} {
		t.Run(test.format+" "+test.new, func(t *testing.T) {
			whole, err := os.ReadFile("../testdata/report/incidents." + test.format)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(whole), test.old, test.new, 1)
			if text == string(whole) {
				t.Fatal("the report does not hold what is to be changed")
			}
			s := standard(t, test.format)
			for _, doc := range documents(test.format, []byte(text)) {
				err := s.check(doc)
				if err != nil && strings.Contains(err.Error(), test.want) {
					return
				}
				t.Logf("%.1000v", err)
			}
			t.Errorf("not told: %s", test.want)
		})
	}
}
