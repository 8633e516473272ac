package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// JUnit returns the report as JUnit XML, which CI systems show as tests. Each incident is a
// test that failed, one that is over or below the severity that was asked for (Run.FailOn)
// a test that passed with the story as its output; each log is a test that passed if it
// could be read. Where there is no incident, that is a test, too, so that the suite is
// never empty.
func JUnit() *Format {
	return &Format{
		Name:  "junit",
		Doc:   "incidents and logs as JUnit XML, for CI",
		Write: writeJUnit,
	}
}

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"timestamp,attr,omitempty"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure"`
		Error   *junitFailure `xml:"error"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func writeJUnit(w io.Writer, r *Report, _ Look) error {
	incidents := junitSuite{Name: "incidents", Time: junitTime(r.Log.Last)}
	failOn, err := detect.ParseSeverity(r.Run.FailOn)
	if err != nil {
		failOn = detect.Info // none was asked for: any is told
	}
	for i := range r.Incidents {
		in := &r.Incidents[i]
		c := junitCase{Class: "incident." + in.Severity.String(), Name: Show(in.ID + " " + in.Title)}
		story := r.story(in)
		if in.Severity >= failOn && !Over(in.Status) {
			c.Failure = &junitFailure{Type: in.Severity.String(), Message: Show(in.Title), Text: story}
		} else {
			c.Output = story
		}
		incidents.add(c)
	}
	if len(r.Incidents) == 0 {
		incidents.add(junitCase{Class: "incident", Name: "no incident"})
	}
	logs := junitSuite{Name: "logs", Time: incidents.Time}
	for _, s := range r.Run.Sources {
		logs.add(junitCase{Class: "log", Name: Show(s.Path), Output: Show(fmt.Sprintf("%s: %d lines, %d parsed, %d rejected, %d late, %d skipped", s.Format, s.Lines, s.Parsed, s.Rejected, s.Late, s.Skipped))})
	}
	for _, f := range r.Run.Failures {
		logs.add(junitCase{Class: "log", Name: Show(f.Path), Error: &junitFailure{"unreadable", Show(f.Error), Show(f.Hint)}})
	}
	if r.Run.Unfinished {
		logs.add(junitCase{Class: "log", Name: Show(r.Run.DB), Error: &junitFailure{"unfinished", "not judged: " + notJudged(r), ""}})
	}
	all := junitSuites{Name: "litesoc", Suites: []junitSuite{incidents, logs}}
	for _, s := range all.Suites {
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Error != nil {
		s.Errors++
	}
	s.Cases = append(s.Cases, c)
}

func junitTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

// story tells an incident in plain lines, fit for XML: what cannot be in it is an escape.
func (r *Report) story(in *Incident) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", Show(in.Summary))
	for _, s := range in.Timeline[:min(len(in.Timeline), maxTicketSteps)] {
		fmt.Fprintf(&b, "%s %s %s: %s\n", csvTime(s.At), Show(s.Name), Show(string(s.Outcome)), Show(s.Summary))
		places := r.Run.Evidence[s.Event]
		for _, p := range places[:min(len(places), maxPlaces)] {
			fmt.Fprintf(&b, "  %s:%d\n", Show(p.File), p.Line)
		}
	}
	for n, s := range in.NextSteps {
		fmt.Fprintf(&b, "%d. %s\n", n+1, Show(s))
	}
	return b.String()
}
