package report

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/detect"
)

// Bounds of a SARIF log, which are GitHub's: of a run it shows the 5,000 worst results,
// and of a result 100 locations. What is beyond is counted in a notification.
// https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
const (
	sarifResults   = 5000
	sarifLocations = 100
)

// SARIF returns the alerts as a SARIF 2.1.0 log, one result an alert, the worst first. Its
// locations are the log lines that show it. The fingerprint is the id of the alert, which
// depends on the content of the logs alone: the same finding is the same result whenever
// and under whatever name a log is read.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func SARIF() *Format {
	return &Format{
		Name:  "sarif",
		Doc:   "the alerts as SARIF 2.1.0, for code scanning",
		Write: writeSARIF,
	}
}

type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string              `json:"id"`
		Name             string              `json:"name"`
		ShortDescription sarifText           `json:"shortDescription"`
		Help             sarifText           `json:"help"`
		Properties       sarifRuleProperties `json:"properties"`
	}
	sarifRuleProperties struct {
		Tags []string `json:"tags"`
		// Severity is a CVSS-like number as text, by which GitHub sorts.
		Severity string `json:"security-severity"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Rank         float64           `json:"rank"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Occurrences  int64             `json:"occurrenceCount,omitempty"`
		Properties   sarifProperties   `json:"properties"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int64 `json:"startLine"`
	}
	sarifProperties struct {
		Severity  string   `json:"severity"`
		Status    string   `json:"status"`
		AlertType string   `json:"alert_type"`
		Outcome   string   `json:"outcome"`
		ActorID   string   `json:"actor_id"`
		ActorType string   `json:"actor_type"`
		SourceIP  string   `json:"source_ip"`
		First     string   `json:"first_ts"`
		Last      string   `json:"last_ts"`
		Technique []string `json:"technique"`
		OWASP     []string `json:"owasp"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
)

func writeSARIF(w io.Writer, r *Report, _ Look) error {
	alerts := make([]*Alert, 0, len(r.Alerts))
	for i := range r.Alerts {
		alerts = append(alerts, &r.Alerts[i])
	}
	slices.SortStableFunc(alerts, func(a, b *Alert) int { return cmp.Compare(b.Severity, a.Severity) })
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "litesoc", Version: cmp.Or(r.Run.Version, "dev")}},
		ColumnKind: "unicodeCodePoints",
	}
	in := sarifInvocation{Successful: len(r.Run.Failures) == 0 && !r.Run.Unfinished}
	note := func(level, text string) {
		in.Notifications = append(in.Notifications, sarifNotification{level, sarifText{Show(text)}})
	}
	for _, f := range r.Run.Failures {
		note("error", f.Path+": "+f.Error)
	}
	for _, n := range r.Run.Notes {
		note("note", n)
	}
	if shown := r.Run.shown(); shown != "" {
		note("note", "shown: only "+shown)
	}
	if not := notJudged(r); not != "" {
		note("warning", "not judged: "+not)
	}
	if more := len(alerts) - sarifResults; more > 0 {
		note("warning", fmt.Sprintf("%s of lesser or equal severity left out; the format json has all", count(int64(more), "alert")))
		alerts = alerts[:sarifResults]
	}
	run.Invocations = []sarifInvocation{in}

	events, index := r.eventsByID(), map[string]int{}
	for _, a := range alerts {
		technique, owasp := a.classes(events)
		n, known := index[a.Rule]
		if !known {
			n = len(run.Tool.Driver.Rules)
			index[a.Rule] = n
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(a, technique, owasp))
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: a.Rule, RuleIndex: n, Level: sarifLevel(a.Severity), Rank: 20 * float64(a.Severity+1),
			Message:      sarifText{Show(a.Title + ": " + a.Description)},
			Locations:    r.sarifLocations(a, events),
			Fingerprints: map[string]string{"litesocAlert/v1": a.ID},
			Occurrences:  a.Count,
			Properties: sarifProperties{a.Severity.String(), a.Status, a.Type, string(a.Outcome), Show(a.ActorID), a.ActorType, Show(a.SourceIP),
				csvTime(a.First), csvTime(a.Last), technique, owasp},
		})
	}
	if err := WriteJSON(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}); err != nil {
		return fmt.Errorf("sarif: %w", err)
	}
	return nil
}

// sarifRuleOf describes a rule by the worst of its alerts, which comes first.
func sarifRuleOf(a *Alert, technique, owasp []string) sarifRule {
	help := advice[a.Rule].always
	if help == "" {
		help = a.Title
	}
	const maxTags = 10 // GitHub shows so many
	tags := append([]string{"security"}, distinct(slices.Concat(owasp, technique))...)
	return sarifRule{
		ID: a.Rule, Name: a.Rule, ShortDescription: sarifText{Show(a.Title)}, Help: sarifText{Show(help)},
		Properties: sarifRuleProperties{tags[:min(len(tags), maxTags)], sarifSeverity(a.Severity)},
	}
}

// sarifSeverity is the severity as GitHub has it: over 9.0 is critical, from 7.0 high, from
// 4.0 medium.
func sarifSeverity(s detect.Severity) string {
	return [...]string{detect.Info: "0.0", detect.Low: "3.0", detect.Medium: "5.5", detect.High: "8.0", detect.Critical: "9.5"}[s]
}

func sarifLevel(s detect.Severity) string {
	switch {
	case s >= detect.High:
		return "error"
	case s == detect.Medium:
		return "warning"
	}
	return "note"
}

// sarifLocations are the lines behind an alert. A result without one is refused by GitHub:
// what has none points to the first log that was read.
func (r *Report) sarifLocations(a *Alert, events map[string]*Event) []sarifLocation {
	places := r.places(a, events, sarifLocations)
	if len(places) == 0 {
		path := "-"
		if len(r.Run.Sources) > 0 {
			path = r.Run.Sources[0].Path
		}
		places = []Place{{path, 1}}
	}
	var locations []sarifLocation
	for _, p := range places {
		locations = append(locations, sarifLocation{sarifPhysical{sarifArtifact{fileURI(p.File)}, sarifRegion{max(p.Line, 1)}}})
	}
	return locations
}

// fileURI is a path as a URI reference: relative if the path is, else of scheme file.
func fileURI(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if strings.HasPrefix(u.Path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}
