package report

import (
	"crypto/sha1"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// STIX returns the incidents as a STIX 2.1 bundle for threat intelligence platforms: for each
// incident its addresses and actors, what was observed of them, indicators of the addresses, the techniques
// used and a report that holds it together. Ids are name-based UUIDs of the content, so that
// the same incident is the same objects whenever it is written.
// https://docs.oasis-open.org/cti/stix/v2.1/stix-v2.1.html
func STIX() *Format {
	return &Format{
		Name:  "stix",
		Doc:   "the incidents as a STIX 2.1 bundle, for threat intelligence platforms",
		Write: writeSTIX,
	}
}

// The namespaces of ids: that of observables is STIX's own (section 2.9), that of other
// objects ours.
var (
	stixObservables = [16]byte{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}
	stixObjects     = [16]byte{0x8c, 0x2f, 0x0c, 0x4e, 0x6f, 0x5b, 0x5d, 0x0e, 0x9a, 0x44, 0x6c, 0x1f, 0x0f, 0x3b, 0x7f, 0x10}
)

// A stixObject is any object: its type, its id and its other members in order.
type stixObject struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	SpecVersion string `json:"spec_version"`
	stixDates
	stixMembers
}

type stixDates struct {
	CreatedBy string `json:"created_by_ref,omitempty"`
	Created   string `json:"created,omitempty"`
	Modified  string `json:"modified,omitempty"`
}

type stixMembers struct {
	Name          string          `json:"name,omitempty"`
	Description   string          `json:"description,omitempty"`
	IdentityClass string          `json:"identity_class,omitempty"`
	Value         string          `json:"value,omitempty"`           // of an address
	UserID        string          `json:"user_id,omitempty"`         // of a user account
	AccountType   string          `json:"account_type,omitempty"`    // likewise
	IndicatorType []string        `json:"indicator_types,omitempty"` // of an indicator
	Pattern       string          `json:"pattern,omitempty"`         // likewise
	PatternType   string          `json:"pattern_type,omitempty"`    // likewise
	ValidFrom     string          `json:"valid_from,omitempty"`      // likewise
	Confidence    int             `json:"confidence,omitempty"`
	Labels        []string        `json:"labels,omitempty"`
	FirstObserved string          `json:"first_observed,omitempty"`
	LastObserved  string          `json:"last_observed,omitempty"`
	Number        int64           `json:"number_observed,omitempty"`
	Relation      string          `json:"relationship_type,omitempty"`
	SourceRef     string          `json:"source_ref,omitempty"`
	TargetRef     string          `json:"target_ref,omitempty"`
	Published     string          `json:"published,omitempty"`
	ReportTypes   []string        `json:"report_types,omitempty"`
	ObjectRefs    []string        `json:"object_refs,omitempty"`
	External      []stixReference `json:"external_references,omitempty"`
}

type stixReference struct {
	Source string `json:"source_name"`
	ID     string `json:"external_id"`
	URL    string `json:"url,omitempty"`
}

type stixBundle struct {
	Type    string       `json:"type"`
	ID      string       `json:"id"`
	Objects []stixObject `json:"objects"`
}

// A stixWriter collects the objects of a bundle.
type stixWriter struct {
	objects []stixObject
	has     map[string]bool // ids
	maker   string          // id of litesoc's own identity
}

// stixSince is when the objects that all bundles share got their form.
const stixSince = "2026-01-01T00:00:00.000Z"

func writeSTIX(w io.Writer, r *Report, _ Look) error {
	s := &stixWriter{has: map[string]bool{}}
	s.maker = s.add(stixObject{Type: "identity", ID: stixID("identity", stixObjects, "litesoc"), stixDates: stixDates{Created: stixSince, Modified: stixSince},
		stixMembers: stixMembers{Name: "litesoc", IdentityClass: "system"}})
	var ids []string
	for i := range r.Incidents {
		s.incident(&r.Incidents[i])
		ids = append(ids, r.Incidents[i].ID)
	}
	bundle := stixBundle{"bundle", stixID("bundle", stixObjects, strings.Join(ids, " ")), s.objects}
	if err := WriteJSON(w, bundle); err != nil {
		return fmt.Errorf("stix: %w", err)
	}
	return nil
}

// add adds an object that is not there yet, and returns its id.
func (s *stixWriter) add(o stixObject) string {
	if !s.has[o.ID] {
		s.has[o.ID] = true
		o.SpecVersion = "2.1"
		s.objects = append(s.objects, o)
	}
	return o.ID
}

func (s *stixWriter) incident(in *Incident) {
	dates := stixDates{s.maker, stixTime(in.First), stixTime(in.Last)}
	var refs, seen, techniques []string
	for _, t := range in.Technique {
		id := s.add(stixObject{Type: "attack-pattern", ID: stixID("attack-pattern", stixObjects, t), stixDates: stixDates{s.maker, stixSince, stixSince},
			stixMembers: stixMembers{Name: Show(t), External: []stixReference{{"mitre-attack", Show(t), "https://attack.mitre.org/techniques/" + strings.ReplaceAll(url.PathEscape(t), ".", "/")}}}})
		techniques = append(techniques, id)
	}
	refs = append(refs, techniques...)
	for _, ip := range in.IPs {
		addr, err := netip.ParseAddr(ip)
		if err != nil || addr.Zone() != "" {
			continue // STIX has no object for it
		}
		kind := "ipv6-addr"
		if addr = addr.Unmap(); addr.Is4() {
			kind = "ipv4-addr"
		}
		seen = append(seen, s.add(stixObject{Type: kind, ID: stixID(kind, stixObservables, `{"value":"`+addr.String()+`"}`), stixMembers: stixMembers{Value: addr.String()}}))
		indicator := s.add(stixObject{Type: "indicator", ID: stixID("indicator", stixObjects, in.ID+" "+addr.String()), stixDates: dates, stixMembers: stixMembers{
			Name: Show(addr.String() + ": " + in.Title), IndicatorType: []string{stixIndicates(in.Severity)}, Pattern: fmt.Sprintf("[%s:value = '%s']", kind, addr),
			PatternType: "stix", ValidFrom: stixTime(in.First), Labels: []string{in.Severity.String()},
		}})
		refs = append(refs, indicator)
		for _, t := range techniques {
			refs = append(refs, s.add(stixObject{Type: "relationship", ID: stixID("relationship", stixObjects, indicator+" "+t), stixDates: dates,
				stixMembers: stixMembers{Relation: "indicates", SourceRef: indicator, TargetRef: t}}))
		}
	}
	for _, actor := range in.Actors {
		if _, err := netip.ParseAddr(actor); err == nil || actor == "" {
			continue // it is among the addresses
		}
		shown := Show(actor)
		name, err := EncodeJSON(map[string]string{"user_id": shown}) // with no more escapes than RFC 8785 has
		if err != nil {
			continue // a string always marshals
		}
		seen = append(seen, s.add(stixObject{Type: "user-account", ID: stixID("user-account", stixObservables, string(name)),
			stixMembers: stixMembers{UserID: shown}}))
	}
	if len(seen) > 0 {
		refs = append(refs, s.add(stixObject{Type: "observed-data", ID: stixID("observed-data", stixObjects, in.ID), stixDates: dates, stixMembers: stixMembers{
			FirstObserved: stixTime(in.First), LastObserved: stixTime(in.Last), Number: stixNumber(in), ObjectRefs: seen,
		}}))
		refs = append(refs, seen...)
	}
	refs = append(refs, s.add(stixObject{Type: "incident", ID: stixID("incident", stixObjects, in.ID), stixDates: dates, stixMembers: stixMembers{
		Name: Show(in.Title), Description: Show(in.Summary), Labels: []string{in.Severity.String(), string(in.Outcome)},
		External: []stixReference{{Source: "litesoc", ID: in.ID}},
	}}))
	s.add(stixObject{Type: "report", ID: stixID("report", stixObjects, in.ID), stixDates: dates, stixMembers: stixMembers{
		Name: Show(in.Title), Description: Show(in.Summary), Published: stixTime(in.Last), ReportTypes: []string{"indicator", "observed-data"}, ObjectRefs: distinct(refs),
	}})
}

// stixIndicates is what an address indicates that took part in an incident.
func stixIndicates(s detect.Severity) string {
	if s >= detect.High {
		return "malicious-activity"
	}
	return "anomalous-activity"
}

// stixNumber is how often the largest event of an incident was seen, within the bounds of
// section 4.14.
func stixNumber(in *Incident) int64 {
	n := int64(1)
	for _, s := range in.Timeline {
		n = max(n, s.Count)
	}
	return min(n, 999_999_999)
}

// stixTime is a time as STIX has it, to the millisecond.
func stixTime(t time.Time) string {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// stixID is the id of an object: its type and the UUID, version 5, of its name in a
// namespace. Of an observable the name is the JSON of what it is told apart by; other
// names begin with the type.
// https://www.rfc-editor.org/rfc/rfc9562#section-5.5
func stixID(kind string, namespace [16]byte, name string) string {
	if namespace == stixObjects {
		name = kind + " " + name
	}
	sum := sha1.Sum(append(namespace[:], name...))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%s--%x-%x-%x-%x-%x", kind, u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
