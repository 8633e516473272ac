package report

import (
	"cmp"
	"io"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// ECS returns the alerts in the Elastic Common Schema, version 8.17, one JSON document a
// line, for Elasticsearch and what reads it. What ECS has no field for stands under
// litesoc.
// https://www.elastic.co/docs/reference/ecs
func ECS() *Format {
	return &Format{
		Name:  "ecs",
		Doc:   "the alerts in the Elastic Common Schema, one JSON document a line",
		Write: writeECS,
	}
}

type (
	ecsDocument struct {
		Timestamp time.Time   `json:"@timestamp"`
		ECS       ecsVersion  `json:"ecs"`
		Message   string      `json:"message"`
		Tags      []string    `json:"tags"`
		Event     ecsEvent    `json:"event"`
		Rule      ecsRule     `json:"rule"`
		Source    *ecsSource  `json:"source,omitempty"`
		User      *ecsUser    `json:"user,omitempty"`
		Threat    *ecsThreat  `json:"threat,omitempty"`
		Log       *ecsLog     `json:"log,omitempty"`
		Related   ecsRelated  `json:"related"`
		Observer  ecsObserver `json:"observer"`
		Litesoc   ecsLitesoc  `json:"litesoc"`
	}
	ecsVersion struct {
		Version string `json:"version"`
	}
	ecsEvent struct {
		ID        string    `json:"id"`
		Kind      string    `json:"kind"`
		Category  []string  `json:"category"`
		Type      []string  `json:"type"`
		Action    string    `json:"action"`
		Outcome   string    `json:"outcome"`
		Severity  int       `json:"severity"`
		RiskScore int       `json:"risk_score"`
		Start     time.Time `json:"start"`
		End       time.Time `json:"end"`
		Duration  int64     `json:"duration"` // nanoseconds
		Module    string    `json:"module"`
		Dataset   string    `json:"dataset"`
		Reason    string    `json:"reason"`
	}
	ecsRule struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Category string `json:"category"`
	}
	ecsSource struct {
		Address string  `json:"address"`
		IP      string  `json:"ip,omitempty"`
		Domain  string  `json:"domain,omitempty"`
		Geo     *ecsGeo `json:"geo,omitempty"`
		AS      *ecsAS  `json:"as,omitempty"`
	}
	ecsGeo struct {
		Country string `json:"country_iso_code"`
	}
	ecsAS struct {
		Number       int64           `json:"number"`
		Organization ecsOrganization `json:"organization"`
	}
	ecsOrganization struct {
		Name string `json:"name"`
	}
	ecsUser struct {
		ID string `json:"id"`
	}
	ecsThreat struct {
		Framework string       `json:"framework"`
		Technique ecsTechnique `json:"technique"`
	}
	ecsTechnique struct {
		ID []string `json:"id"`
	}
	ecsLog struct {
		File ecsFile `json:"file"`
	}
	ecsFile struct {
		Path string `json:"path"`
	}
	ecsRelated struct {
		IP   []string `json:"ip"`
		User []string `json:"user"`
	}
	ecsObserver struct {
		Product string `json:"product"`
		Vendor  string `json:"vendor"`
		Type    string `json:"type"`
		Version string `json:"version"`
	}
	ecsLitesoc struct {
		IncidentID string   `json:"incident_id"`
		Severity   string   `json:"severity"`
		Status     string   `json:"status"`
		Outcome    string   `json:"outcome"`
		Count      int64    `json:"count"`
		ActorType  string   `json:"actor_type"`
		OWASP      []string `json:"owasp"`
		Places     []Place  `json:"places"`
	}
)

func writeECS(w io.Writer, r *Report, _ Look) error {
	out := &lines{w: w}
	events, incidents, addresses := r.eventsByID(), r.incidentOf(), r.addresses()
	for i := range r.Alerts {
		a := &r.Alerts[i]
		technique, owasp := a.classes(events)
		places := r.places(a, events, detect.MaxEvidence)
		doc := ecsDocument{
			Timestamp: a.Last, ECS: ecsVersion{"8.17.0"}, Message: Show(a.Title + ": " + a.Description), Tags: []string{"litesoc"},
			Event: ecsEvent{
				ID: a.ID, Kind: "alert", Category: ecsCategory(a.Type), Type: []string{ecsType(a.Outcome)}, Action: a.Type, Outcome: ecsOutcome(a.Outcome),
				Severity: ecsSeverity(a.Severity), Start: a.First, End: a.Last, Duration: a.Last.Sub(a.First).Nanoseconds(),
				Module: "litesoc", Dataset: "litesoc.alert", Reason: Show(a.Description),
			},
			Rule:     ecsRule{a.Rule, Show(a.Title), a.Type},
			Observer: ecsObserver{"litesoc", "litesoc", "ids", cmp.Or(r.Run.Version, "dev")},
			Litesoc:  ecsLitesoc{"", a.Severity.String(), a.Status, string(a.Outcome), a.Count, a.ActorType, owasp, places},
		}
		if in := incidents[a.ID]; in != nil {
			doc.Litesoc.IncidentID, doc.Event.RiskScore = in.ID, in.RiskScore
		}
		if a.SourceIP != "" {
			doc.Source = &ecsSource{Address: Show(a.SourceIP), IP: ipOf(a.SourceIP)}
			if doc.Source.IP == "" {
				doc.Source.Domain = Show(a.SourceIP)
			} else {
				doc.Related.IP = []string{doc.Source.IP}
			}
			if from, known := addresses[a.SourceIP]; known {
				if from.Country != "" {
					doc.Source.Geo = &ecsGeo{from.Country}
				}
				if from.ASN != 0 {
					doc.Source.AS = &ecsAS{from.ASN, ecsOrganization{Show(from.Org)}}
				}
			}
		}
		if a.ActorID != "" && a.ActorID != a.SourceIP {
			doc.User = &ecsUser{Show(a.ActorID)}
			doc.Related.User = []string{Show(a.ActorID)}
		}
		if len(technique) > 0 {
			doc.Threat = &ecsThreat{"MITRE ATT&CK", ecsTechnique{technique}}
		}
		if len(places) > 0 {
			doc.Log = &ecsLog{ecsFile{Show(places[0].File)}}
		}
		out.value(doc)
	}
	return out.err
}

// ecsCategory is what kind of event the alert is of, in the words that ECS allows.
// https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category
func ecsCategory(alertType string) []string {
	switch alertType {
	case "brute_force_attack", "account_compromise", "impossible_travel", "geo_anomaly", "new_device":
		return []string{"authentication", "intrusion_detection"}
	case "privilege_escalation":
		return []string{"iam", "intrusion_detection"}
	}
	return []string{"web", "intrusion_detection"}
}

func ecsType(o detect.Outcome) string {
	switch o {
	case detect.Blocked:
		return "denied"
	case detect.Succeeded:
		return "allowed"
	}
	return "info"
}

// ecsOutcome is how what the alert is about ended for who did it.
func ecsOutcome(o detect.Outcome) string {
	switch o {
	case detect.Blocked:
		return "failure"
	case detect.Succeeded:
		return "success"
	}
	return "unknown"
}

// ecsSeverity is the severity as Elastic's own detection rules number it.
func ecsSeverity(s detect.Severity) int {
	return [...]int{detect.Info: 1, detect.Low: 21, detect.Medium: 47, detect.High: 73, detect.Critical: 99}[s]
}
