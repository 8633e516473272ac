package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

// CSV returns the alerts as a table for a spreadsheet: a header and one row an alert, with
// the incident it is part of.
func CSV() *Format {
	return &Format{
		Name:  "csv",
		Doc:   "the alerts as a table, for a spreadsheet",
		Write: writeCSV,
	}
}

var csvHeader = []string{"incident_id", "risk_score", "id", "severity", "status", "alert_type", "rule", "title", "description", "actor_id", "actor_type",
	"source_ip", "first_ts", "last_ts", "count", "outcome", "places"}

func writeCSV(w io.Writer, r *Report, _ Look) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return err
	}
	incidents, events := r.incidentOf(), r.eventsByID()
	for i := range r.Alerts {
		a := &r.Alerts[i]
		incident, risk := "", ""
		if in := incidents[a.ID]; in != nil {
			incident, risk = in.ID, strconv.Itoa(in.RiskScore)
		}
		var places []string
		for _, p := range r.places(a, events, maxPlaces) {
			places = append(places, p.File+":"+strconv.FormatInt(p.Line, 10))
		}
		row := []string{incident, risk, a.ID, a.Severity.String(), a.Status, a.Type, a.Rule, a.Title, a.Description, a.ActorID, a.ActorType,
			a.SourceIP, csvTime(a.First), csvTime(a.Last), strconv.FormatInt(a.Count, 10), string(a.Outcome), strings.Join(places, " ")}
		for n := range row {
			row[n] = CSVCell(row[n])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// CSVCell is text fit for a cell of CSV: no spreadsheet takes it for a formula, and what
// cannot be seen is an escape.
// https://owasp.org/www-community/attacks/CSV_Injection
func CSVCell(s string) string {
	if s = Show(s); s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}
