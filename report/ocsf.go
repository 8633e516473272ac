package report

import (
	"cmp"
	"io"
	"net/netip"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// OCSF returns the findings in the Open Cybersecurity Schema Framework, version 1.5.0, one
// JSON object a line: a Detection Finding (class 2004) for each alert, then an Incident
// Finding (class 2005) for each incident. Times are milliseconds since 1970 in UTC.
// https://schema.ocsf.io/1.5.0/classes/detection_finding
// https://schema.ocsf.io/1.5.0/classes/incident_finding
func OCSF() *Format {
	return &Format{
		Name:  "ocsf",
		Doc:   "alerts and incidents as findings of OCSF 1.5, for a data lake or SIEM",
		Write: writeOCSF,
	}
}

const ocsfVersion = "1.5.0"

// The classes of findings and what may happen to one.
const (
	ocsfFindings  = 2
	ocsfDetection = 2004
	ocsfIncident  = 2005
	ocsfCreate    = 1
	ocsfClose     = 3
)

type (
	ocsfBase struct {
		Activity     int              `json:"activity_id"`
		ActivityName string           `json:"activity_name"`
		Category     int              `json:"category_uid"`
		CategoryName string           `json:"category_name"`
		Class        int              `json:"class_uid"`
		ClassName    string           `json:"class_name"`
		Type         int              `json:"type_uid"`
		TypeName     string           `json:"type_name"`
		Severity     int              `json:"severity_id"`
		SeverityName string           `json:"severity"`
		Time         int64            `json:"time"`
		Start        int64            `json:"start_time"`
		End          int64            `json:"end_time"`
		Status       int              `json:"status_id"`
		StatusName   string           `json:"status"`
		Message      string           `json:"message"`
		Metadata     ocsfMetadata     `json:"metadata"`
		Observables  []ocsfObservable `json:"observables"`
	}
	ocsfDetectionFinding struct {
		ocsfBase
		Count      int64           `json:"count"`
		Info       ocsfFindingInfo `json:"finding_info"`
		Evidences  []ocsfEvidence  `json:"evidences"`
		Confidence int             `json:"confidence_id"`
		Score      int             `json:"confidence_score"`
		IsAlert    bool            `json:"is_alert"`
	}
	ocsfIncidentFinding struct {
		ocsfBase
		Desc     string            `json:"desc"`
		Findings []ocsfFindingInfo `json:"finding_info_list"`
		Attacks  []ocsfAttack      `json:"attacks"`
		Impact   int               `json:"impact_id"`
		Score    int               `json:"impact_score"`
		Priority int               `json:"priority_id"`
		Verdict  int               `json:"verdict_id"`
		Breach   bool              `json:"is_suspected_breach"`
		Group    ocsfName          `json:"assignee_group"`
	}
	ocsfMetadata struct {
		Version     string      `json:"version"`
		Product     ocsfProduct `json:"product"`
		UID         string      `json:"uid"`
		Correlation string      `json:"correlation_uid,omitempty"`
		Profiles    []string    `json:"profiles"`
	}
	ocsfProduct struct {
		Name    string `json:"name"`
		Vendor  string `json:"vendor_name"`
		Version string `json:"version"`
	}
	ocsfObservable struct {
		Name  string `json:"name"`
		Type  int    `json:"type_id"`
		Value string `json:"value"`
	}
	ocsfFindingInfo struct {
		UID       string       `json:"uid"`
		Title     string       `json:"title"`
		Desc      string       `json:"desc"`
		Types     []string     `json:"types"`
		Created   int64        `json:"created_time"`
		FirstSeen int64        `json:"first_seen_time"`
		LastSeen  int64        `json:"last_seen_time"`
		Analytic  ocsfAnalytic `json:"analytic"`
		Attacks   []ocsfAttack `json:"attacks"`
	}
	ocsfAnalytic struct {
		Type int    `json:"type_id"`
		Name string `json:"name"`
		UID  string `json:"uid"`
	}
	ocsfAttack struct {
		Technique ocsfUID `json:"technique"`
		Version   string  `json:"version"`
	}
	ocsfUID struct {
		UID string `json:"uid"`
	}
	ocsfName struct {
		Name string `json:"name"`
	}
	ocsfEvidence struct {
		Source ocsfEndpoint `json:"src_endpoint"`
		Actor  ocsfActor    `json:"actor"`
		Data   ocsfData     `json:"data"`
	}
	ocsfEndpoint struct {
		IP       string        `json:"ip,omitempty"`
		Hostname string        `json:"hostname,omitempty"`
		Location *ocsfLocation `json:"location,omitempty"`
		AS       *ocsfAS       `json:"autonomous_system,omitempty"`
		UID      string        `json:"uid,omitempty"`
	}
	ocsfLocation struct {
		Country string `json:"country"`
	}
	ocsfAS struct {
		Number int64  `json:"number"`
		Name   string `json:"name,omitempty"`
	}
	ocsfActor struct {
		User ocsfUser `json:"user"`
	}
	ocsfUser struct {
		UID  string `json:"uid"`
		Type string `json:"type"`
		// TypeID is 99, other: type says what it is.
		TypeID int `json:"type_id"`
	}
	// ocsfData is what OCSF has no attributes for.
	ocsfData struct {
		Outcome string   `json:"outcome"`
		OWASP   []string `json:"owasp"`
		Places  []Place  `json:"places"`
	}
)

func writeOCSF(w io.Writer, r *Report, _ Look) error {
	out := &lines{w: w}
	events, incidents, addresses := r.eventsByID(), r.incidentOf(), r.addresses()
	infos := map[string]ocsfFindingInfo{}
	for i := range r.Alerts {
		a := &r.Alerts[i]
		technique, owasp := a.classes(events)
		info := ocsfFindingInfo{
			UID: a.ID, Title: Show(a.Title), Desc: Show(a.Description), Types: []string{a.Type},
			Created: millis(a.First), FirstSeen: millis(a.First), LastSeen: millis(a.Last),
			Analytic: ocsfAnalytic{Type: 1, Name: a.Rule, UID: a.Rule}, // 1: a rule
			Attacks:  ocsfAttacks(technique),
		}
		infos[a.ID] = info
		f := ocsfDetectionFinding{
			ocsfBase: r.ocsf(ocsfDetection, "Detection Finding", a.ID, a.Severity, a.First, a.Last, Show(a.Title+": "+a.Description)),
			Count:    a.Count, Info: info,
		}
		f.setStatus(ocsfStatus(a.Status))
		f.IsAlert = f.Activity != ocsfClose // what is closed is nothing to be alerted of
		f.Confidence, f.Score = a.confidence(events)
		if in := incidents[a.ID]; in != nil {
			f.Metadata.Correlation = in.ID
		}
		var source ocsfEndpoint
		switch ip := ipOf(a.SourceIP); {
		case ip != "":
			source.IP = ip
			f.Observables = append(f.Observables, ocsfObservable{"evidences[0].src_endpoint.ip", 2, ip}) // 2: IP address
		case a.SourceIP != "":
			source.Hostname = Show(a.SourceIP)
			f.Observables = append(f.Observables, ocsfObservable{"evidences[0].src_endpoint.hostname", 1, source.Hostname}) // 1: host name
		default:
			source.UID = "unknown"
		}
		if from, known := addresses[a.SourceIP]; known {
			if from.Country != "" {
				source.Location = &ocsfLocation{from.Country}
			}
			if from.ASN != 0 {
				source.AS = &ocsfAS{from.ASN, Show(from.Org)}
			}
		}
		f.Evidences = []ocsfEvidence{{source, ocsfActor{ocsfUser{Show(a.ActorID), a.ActorType, 99}}, ocsfData{string(a.Outcome), owasp, r.places(a, events, detect.MaxEvidence)}}}
		if a.ActorID != "" && a.ActorID != a.SourceIP {
			f.Observables = append(f.Observables, ocsfObservable{"evidences[0].actor.user.uid", 31, Show(a.ActorID)}) // 31: user id
		}
		out.value(f)
	}
	for i := range r.Incidents {
		in := &r.Incidents[i]
		f := ocsfIncidentFinding{
			ocsfBase: r.ocsf(ocsfIncident, "Incident Finding", in.ID, in.Severity, in.First, in.Last, Show(in.Title)),
			Desc:     Show(in.Summary), Attacks: ocsfAttacks(in.Technique), Score: in.RiskScore,
			Impact: ocsfLevel(in.Severity), Priority: ocsfLevel(in.Severity), Verdict: 4, // suspicious: a person has not judged it
			Breach: in.Outcome == detect.Succeeded,
			Group:  ocsfName{"unassigned"},
		}
		f.Metadata.Profiles = []string{"incident"}
		f.setStatus(ocsfIncidentStatus(in.Status))
		for _, id := range in.Alerts {
			if info, known := infos[id]; known {
				f.Findings = append(f.Findings, info)
			}
		}
		out.value(f)
	}
	return out.err
}

// ocsf is what all findings have.
func (r *Report) ocsf(class int, name, id string, s detect.Severity, first, last time.Time, message string) ocsfBase {
	return ocsfBase{
		Activity: ocsfCreate, ActivityName: "Create",
		Category: ocsfFindings, CategoryName: "Findings", Class: class, ClassName: name,
		Type: class*100 + ocsfCreate, TypeName: name + ": Create",
		Severity:     int(s) + 1,
		SeverityName: [...]string{detect.Info: "Informational", detect.Low: "Low", detect.Medium: "Medium", detect.High: "High", detect.Critical: "Critical"}[s],
		Time:         millis(last), Start: millis(first), End: millis(last), Message: message,
		Metadata: ocsfMetadata{Version: ocsfVersion, Product: ocsfProduct{"litesoc", "litesoc", cmp.Or(r.Run.Version, "dev")}, UID: id},
	}
}

// setStatus says how far the finding has been handled, and that it is closed where it is.
func (b *ocsfBase) setStatus(id int, name string, closed bool) {
	b.Status, b.StatusName = id, name
	if closed {
		b.Activity, b.ActivityName = ocsfClose, "Close"
		b.Type, b.TypeName = b.Class*100+ocsfClose, b.ClassName+": Close"
	}
}

// ocsfStatus is the status of an alert in a finding's terms.
func ocsfStatus(status string) (id int, name string, closed bool) {
	switch status {
	case "acknowledged":
		return 2, "In Progress", false
	case "dismissed":
		return 3, "Suppressed", true
	case "resolved":
		return 4, "Resolved", true
	}
	return 1, "New", false
}

// ocsfIncidentStatus is the status of an incident in an Incident Finding's terms.
func ocsfIncidentStatus(status string) (id int, name string, closed bool) {
	switch status {
	case "acknowledged":
		return 2, "In Progress", false
	case "resolved":
		return 4, "Resolved", true
	case "dismissed":
		return 5, "Closed", true
	}
	return 1, "New", false
}

// ocsfLevel is a severity on the scale of low (1), medium, high, critical (4).
func ocsfLevel(s detect.Severity) int { return max(int(s), 1) }

func ocsfAttacks(techniques []string) []ocsfAttack {
	var attacks []ocsfAttack
	for _, t := range techniques {
		attacks = append(attacks, ocsfAttack{ocsfUID{t}, attackVersion})
	}
	return attacks
}

// attackVersion is the version of MITRE ATT&CK in which the techniques are named.
const attackVersion = "17.1"

// confidence is that of the surest event of an alert: low, medium or high (1 to 3), and in
// percent.
func (a *Alert) confidence(events map[string]*Event) (level, percent int) {
	surest := 0.0
	for _, id := range a.Events {
		if e := events[id]; e != nil {
			surest = max(surest, e.Confidence)
		}
	}
	level, _ = sure(surest)
	return level, int(surest*100 + 0.5)
}

// ipOf is the address that stands in a field for one; "" if it is none, or one of a zone,
// which other programs do not take for an address.
func ipOf(text string) string {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return ""
	}
	return addr.String()
}

// addresses are what is known of addresses in any incident, by address.
func (r *Report) addresses() map[string]Address {
	known := map[string]Address{}
	for i := range r.Incidents {
		for _, a := range r.Incidents[i].Addresses {
			known[a.IP] = a
		}
	}
	return known
}

// millis is a time in milliseconds since 1970; 0 if it is not known.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
