package report

import (
	"encoding/csv"
	"fmt"
	"io"
)

// A decision is one of CrowdSec's, as 'cscli decisions import' takes it.
// https://docs.crowdsec.net/docs/cscli/cscli_decisions_import/
type decision struct {
	Duration string `json:"duration"`
	Reason   string `json:"reason"`
	Scope    string `json:"scope"`
	Type     string `json:"type"`
	Value    string `json:"value"`
}

func (p *Plan) decisions() []decision {
	all := []decision{}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		d := decision{fmt.Sprintf("%ds", int64(b.ttl(p.Through).Seconds())), "litesoc/" + word(b.Rules[0]) + " " + word(b.Alerts[0]), "Range", "ban", b.Network.String()}
		if b.Network.Bits() == b.Network.Addr().BitLen() {
			d.Scope, d.Value = "Ip", b.Network.Addr().String()
		}
		all = append(all, d)
	}
	return all
}

func crowdsecJSON() *PlanFormat {
	return &PlanFormat{
		Name: "crowdsec-json", File: "crowdsec.json", Doc: "decisions for 'cscli decisions import -i FILE'",
		Write: func(w io.Writer, p *Plan) error { return WriteJSON(w, p.decisions()) },
	}
}

func crowdsecCSV() *PlanFormat {
	return &PlanFormat{
		Name: "crowdsec-csv", File: "crowdsec.csv", Doc: "crowdsec-json as CSV",
		Write: func(w io.Writer, p *Plan) error {
			rows := [][]string{{"duration", "scope", "reason", "type", "value"}}
			for _, d := range p.decisions() {
				rows = append(rows, []string{d.Duration, d.Scope, d.Reason, d.Type, d.Value})
			}
			out := csv.NewWriter(w)
			return out.WriteAll(rows)
		},
	}
}
