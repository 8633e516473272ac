// Package report shows what was found. A Report is data, read from the store; a
// Format writes it in one way, one file each. The package decides nothing about
// requests (detect) and opens no database (report/store).
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// A Report is what one store says about its logs. All but Run depends on the
// content of the logs and on how their alerts were handled, and on nothing else: the
// same logs, however named, packed, cut or ordered, give the same Report.
type Report struct {
	Schema    string     `json:"schema"` // SchemaVersion
	Log       Log        `json:"log"`
	Incidents []Incident `json:"incidents"` // those not over yet first, of each the worst
	Alerts    []Alert    `json:"alerts"`    // by first time, then id
	Events    []Event    `json:"events"`    // by first time, then id
	Run       Run        `json:"run"`
}

// SchemaVersion names the shape of a Report's JSON.
const SchemaVersion = "litesoc.report/1"

// Log sums up what was read into the store.
type Log struct {
	Lines    int64     `json:"lines"`    // = Parsed + Rejected + Skipped
	Parsed   int64     `json:"parsed"`   // lines that are requests
	Rejected int64     `json:"rejected"` // lines that could not be read
	Skipped  int64     `json:"skipped"`  // headers, comments and blank lines
	Late     int64     `json:"late"`     // of Parsed: too far behind or ahead of their log to be judged
	Cut      int64     `json:"cut"`      // lines longer than the bound, read in part
	First    time.Time `json:"first_ts"`
	Last     time.Time `json:"last_ts"`
	Clients  int64     `json:"clients"` // distinct client addresses
	Actors   int64     `json:"actors"`  // distinct actors of any type
	Routes   int64     `json:"routes"`  // distinct routes

	Formats  []Count  `json:"formats"`  // lines by format, most first
	Statuses []Count  `json:"statuses"` // requests by status class: "2xx", …, "none"
	Rejects  []Reject `json:"rejects"`  // by reason, most first
	Activity Activity `json:"activity"`

	TopClients []Count `json:"top_clients"`
	TopRoutes  []Count `json:"top_routes"`
}

// Count is a name and how often it was seen.
type Count struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Reject is one class of lines that could not be read.
type Reject struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
	Sample string `json:"sample"` // the least of these lines in byte order, redacted and cut
}

// Activity is how many requests fell into each of equal steps of time. It has none of those
// that lie too far behind or ahead of the log.
type Activity struct {
	Start time.Time `json:"start"`
	Step  int64     `json:"step_seconds"`
	Total []int64   `json:"requests"`
	Bad   []int64   `json:"errors"` // of them answered 4xx or 5xx
}

// An Event is a detect.Event without its evidence, which names files and stands
// under Run, with the names by which others know it.
type Event struct {
	detect.Event
	StandardEvent string `json:"standard_event"` // "" if none
	APISeverity   string `json:"api_severity"`
}

// An Alert is a detect.Alert and what became of it.
type Alert struct {
	detect.Alert
	Status         string    `json:"status"`      // Open, Acknowledged, Resolved or Dismissed
	IncidentID     string    `json:"incident_id"` // "" if it is part of none
	CreatedAt      time.Time `json:"created_at"`  // when it began, by the log
	UpdatedAt      time.Time `json:"updated_at"`  // when it last went on, by the log, or was handled
	ResolvedAt     time.Time `json:"resolved_at"` // zero unless it is resolved or dismissed
	ResolvedBy     string    `json:"resolved_by"`
	ResolutionType string    `json:"resolution_type"`
	Note           string    `json:"note"` // of who handled it last, or why it was opened again
}

// What became of an alert, or of the alerts of an incident: it is open as long as one of
// them is, else acknowledged as long as one of them is, and dismissed if all are.
const (
	Open         = "open"
	Acknowledged = "acknowledged" // somebody looks at it
	Resolved     = "resolved"     // it was an attack, and is dealt with
	Dismissed    = "dismissed"    // it was none
)

// Over tells whether what has the status asks nothing of anybody any more.
func Over(status string) bool { return status == Resolved || status == Dismissed }

// An Incident is a detect.Incident with all that a person needs to act on it.
type Incident struct {
	detect.Incident
	Status string `json:"status"`
	// Addresses say where the IPs are of which that is known, in their order.
	Addresses []Address `json:"addresses,omitempty"`
	Timeline  []Step    `json:"timeline"` // its events in order of first time, then of tactic
	Technique []string  `json:"technique"`
	OWASP     []string  `json:"owasp"`
	NextSteps []string  `json:"next_steps"`
	SQL       string    `json:"sql"` // the query that shows its requests
	// Handled says what became of each of its alerts that somebody has handled, or that
	// was opened again.
	Handled []string `json:"handled,omitempty"`
}

// An Address is what is known of where an address is and whose.
type Address struct {
	IP      string   `json:"ip"`
	Country string   `json:"country_code,omitempty"`
	ASN     int64    `json:"asn,omitempty"`
	Org     string   `json:"as_org,omitempty"`
	Traits  []string `json:"traits,omitempty"` // "Tor", "VPN", "proxy", "datacenter"
}

// Label is the address and what is known of it: "203.0.113.9 (DE, AS64500 Example, Tor)".
func (a Address) Label() string {
	var parts []string
	if a.Country != "" {
		parts = append(parts, a.Country)
	}
	if a.ASN != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("AS%d %s", a.ASN, a.Org)))
	}
	parts = append(parts, a.Traits...)
	if len(parts) == 0 {
		return a.IP
	}
	return a.IP + " (" + strings.Join(parts, ", ") + ")"
}

// A Step is one event of an incident's story.
type Step struct {
	At       time.Time       `json:"at"`
	Until    time.Time       `json:"until"`
	Event    string          `json:"event_id"`
	Name     string          `json:"event_name"`
	Severity detect.Severity `json:"severity"`
	Outcome  detect.Outcome  `json:"outcome"`
	Count    int64           `json:"count"`
	Summary  string          `json:"summary"`
	Tactic   string          `json:"tactic,omitempty"` // what it was for: "credential access"
	// Confidence is how sure the detector is, from 0 to 1.
	Confidence float64 `json:"confidence"`
}

// Run is what is true of this run only: where things lie, how long it took.
type Run struct {
	Version  string        `json:"version"`
	Command  string        `json:"command"` // "scan"
	DB       string        `json:"db"`      // ":memory:" if nothing is kept
	Started  time.Time     `json:"started_at"`
	Duration time.Duration `json:"duration_ns"`
	Since    *time.Time    `json:"since,omitempty"` // bounds of what is shown
	Until    *time.Time    `json:"until,omitempty"`
	Only     []string      `json:"only,omitempty"`    // what else that is limited to
	FailOn   string        `json:"fail_on,omitempty"` // severity from which on incidents fail the run; "" if none does
	// Detectors are the names of those that have judged, in their order.
	Detectors []string  `json:"detectors"`
	Settings  []Setting `json:"settings,omitempty"` // of the detectors, in their order
	Sources   []Source  `json:"sources"`            // what was read in this run, in order of their first time
	Origins   string    `json:"origins"`            // what told where addresses are, and what was not checked
	Notes     []string  `json:"notes"`              // what the reader should know: files not read, states forgotten
	Failures  []Failure `json:"failures"`
	// Unfinished says that a scan did not end: not all that is kept has been judged.
	Unfinished bool `json:"unfinished,omitempty"`
	// Evidence are the lines behind each event, by event id.
	Evidence map[string][]Place `json:"evidence"`
}

// Bound says that what lies outside is not shown. A zero time is no bound.
func (r *Run) Bound(since, until time.Time) {
	if !since.IsZero() {
		r.Since = &since
	}
	if !until.IsZero() {
		r.Until = &until
	}
}

// shown says what is shown where that is not all; "" where it is.
func (r *Run) shown() string {
	limits := slices.Clone(r.Only)
	bounds := ""
	if r.Since != nil {
		bounds += " from " + moment(*r.Since)
	}
	if r.Until != nil {
		bounds += " until " + moment(*r.Until)
	}
	if bounds != "" {
		limits = append(limits, "what happened"+bounds)
	}
	return strings.Join(limits, ", ")
}

// A Setting is one of a detector's thresholds or windows, as it was in this run.
type Setting struct {
	Detector string `json:"detector"`
	Name     string `json:"setting"`
	Value    string `json:"value"`
	Doc      string `json:"doc"`
}

// Source is one log as this run met it. Counts are of this run; TotalLines is of
// the store.
type Source struct {
	Path       string    `json:"path"`
	Format     string    `json:"format"`
	Lines      int64     `json:"lines"`
	Parsed     int64     `json:"parsed"`
	Rejected   int64     `json:"rejected"`
	Skipped    int64     `json:"skipped"`
	Late       int64     `json:"late"`
	Cut        int64     `json:"cut"`
	First      time.Time `json:"first_ts"`
	Last       time.Time `json:"last_ts"`
	TotalLines int64     `json:"total_lines"`
	Note       string    `json:"note,omitempty"` // "read before", "goes on at line 812"
	// Shapes are what its rejected lines look like, the most common first; at most 50.
	// OtherShapes counts those of rarer shapes.
	Shapes      []Shape   `json:"shapes"`
	OtherShapes int64     `json:"other_shapes_lines"`
	Integrity   []Finding `json:"integrity"` // what is odd about the log itself
}

// A Shape is what lines that could not be read look like: digits as 9, letters as a.
type Shape struct {
	Text   string `json:"shape"`
	Count  int64  `json:"count"`
	Line   int64  `json:"line"`   // the first of them
	Reason string `json:"reason"` // why they could not be read
	Sample string `json:"sample"` // that one, redacted and cut
}

// A Finding is something odd about a log itself, which may mean that lines are missing
// or were put in.
type Finding struct {
	Kind      string    `json:"kind"` // "gap", "clock-jump", "repeat" or "trailing"
	Line      int64     `json:"line"` // where it begins
	To        int64     `json:"to,omitempty"`
	FirstLine int64     `json:"first_line,omitempty"` // of a repeat: what is repeated
	FirstTo   int64     `json:"first_to,omitempty"`
	At        time.Time `json:"at"`             // before a gap or jump; null for other kinds
	Until     time.Time `json:"until"`          // after it
	More      int64     `json:"more,omitempty"` // others of the kind that are not listed
	Text      string    `json:"text"`
}

// Failure is a path that could not be read, and why.
type Failure struct {
	Path  string `json:"path"`
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// Place is one line of a file.
type Place struct {
	File string `json:"file"`
	Line int64  `json:"line"`
}

// A Format is one way of writing a Report.
type Format struct {
	Name  string // "json"
	Doc   string
	Write func(w io.Writer, r *Report, look Look) error
}

// Look is how a report may appear. Formats for machines pay no heed to it.
type Look struct {
	Width int  // columns of the terminal; 0 means 80
	Color bool // whether the reader can see colour
}

// All returns the formats.
func All() []*Format {
	return []*Format{Text(), HTML(), Markdown(), JSON(), NDJSON(), CSV(), SARIF(), JUnit(), GitHub(), OCSF(), ECS(), STIX()}
}
