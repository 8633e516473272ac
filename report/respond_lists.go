package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

func credentialsJSON() *PlanFormat {
	return &PlanFormat{
		Name: "credentials-json", File: "credentials.json", Doc: "keys and tokens to revoke and sessions to end, by fingerprint",
		Write: func(w io.Writer, p *Plan) error { return WriteJSON(w, p.Credentials) },
	}
}

func credentialsCSV() *PlanFormat {
	return &PlanFormat{
		Name: "credentials-csv", File: "credentials.csv", Doc: "credentials-json as CSV",
		Write: func(w io.Writer, p *Plan) error {
			rows := [][]string{append([]string{"action", "type", "id", "key_prefix", "account"}, causeHeader...)}
			for i := range p.Credentials {
				c := &p.Credentials[i]
				rows = append(rows, append([]string{c.Action, c.Type, c.ID, c.Prefix, c.Account}, c.cells()...))
			}
			return writeRows(w, rows)
		},
	}
}

func accountsJSON() *PlanFormat {
	return &PlanFormat{
		Name: "accounts-json", File: "accounts.json", Doc: "sessions to end, passwords to reset and accounts to freeze",
		Write: func(w io.Writer, p *Plan) error { return WriteJSON(w, p.Accounts) },
	}
}

func accountsCSV() *PlanFormat {
	return &PlanFormat{
		Name: "accounts-csv", File: "accounts.csv", Doc: "accounts-json as CSV",
		Write: func(w io.Writer, p *Plan) error {
			rows := [][]string{append([]string{"action", "type", "id"}, causeHeader...)}
			for i := range p.Accounts {
				a := &p.Accounts[i]
				rows = append(rows, append([]string{a.Action, a.Type, a.ID}, a.cells()...))
			}
			return writeRows(w, rows)
		},
	}
}

var causeHeader = []string{"severity", "outcome", "last_ts", "alerts", "incidents", "rules", "reason", "places"}

func (c *Cause) cells() []string {
	var places []string
	for _, at := range c.Places {
		places = append(places, fmt.Sprintf("%s:%d", at.File, at.Line))
	}
	return []string{c.Severity.String(), string(c.Outcome), csvTime(c.Last), strings.Join(c.Alerts, " "), strings.Join(c.Incidents, " "),
		strings.Join(c.Rules, " "), c.Reason, strings.Join(places, " ")}
}

// writeRows writes rows as CSV, each cell fit for a spreadsheet.
func writeRows(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
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
