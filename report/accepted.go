package report

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// An AcceptedFinding is something that was found, looked at and accepted: an actor of whom
// a detector, by a rule, finds the same again, on the same route where it is one. It says
// nothing of when: the next day's log has the same finding.
type AcceptedFinding struct {
	ID        string `yaml:"finding"`
	Rule      string `yaml:"rule"`
	ActorType string `yaml:"actor_type"`
	Actor     string `yaml:"actor"`
	Detector  string `yaml:"detector"`
	Route     string `yaml:"route"`
	UpTo      string `yaml:"up_to"`  // the worst severity that is accepted
	Reason    string `yaml:"reason"` // why; must be given
	Owner     string `yaml:"owner"`
	Expires   string `yaml:"expires"` // date, the last on which it holds, or time (RFC 3339)
}

// Fingerprint names the finding by what it is.
func (f *AcceptedFinding) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", []string{f.Rule, f.ActorType, f.Actor, f.Detector, f.Route})
	return "fnd_" + hex.EncodeToString(h.Sum(nil)[:8])
}

// Findings returns what an alert is made of, each once, as it would be accepted but for
// the reason.
func (r *Report) Findings(a *Alert) []AcceptedFinding {
	return findings(a, r.eventsByID())
}

func findings(a *Alert, events map[string]*Event) []AcceptedFinding {
	var found []AcceptedFinding
	for _, id := range a.Events {
		e := events[id]
		if e == nil {
			continue
		}
		f := AcceptedFinding{Rule: a.Rule, ActorType: a.ActorType, Actor: a.ActorID, Detector: e.Detector, Route: e.Route, UpTo: a.Severity.String()}
		f.ID = f.Fingerprint()
		if !slices.ContainsFunc(found, func(g AcceptedFinding) bool { return g.ID == f.ID }) {
			found = append(found, f)
		}
	}
	return found
}

// Accepted is a list of findings, checked.
type Accepted struct {
	entries []acceptedEntry
	byID    map[string]int
}

type acceptedEntry struct {
	AcceptedFinding
	upTo  detect.Severity
	until time.Time // first moment at which it holds no more; zero: always
	used  bool
}

// NewAccepted checks the entries: each is whole, names itself rightly and has a reason.
func NewAccepted(entries []AcceptedFinding) (*Accepted, error) {
	l := &Accepted{byID: map[string]int{}}
	for i, f := range entries {
		e := acceptedEntry{AcceptedFinding: f}
		err := e.check()
		if before, twice := l.byID[f.ID]; err == nil && twice {
			err = fmt.Errorf("is entry %d again", before+1)
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		l.byID[f.ID] = len(l.entries)
		l.entries = append(l.entries, e)
	}
	return l, nil
}

func (e *acceptedEntry) check() (err error) {
	switch {
	case e.Rule == "":
		return errors.New("names no rule")
	case e.Detector == "":
		return errors.New("names no detector")
	case e.ID != e.Fingerprint():
		return fmt.Errorf("finding %q is not that of its rule, actor, detector and route, which is %s", e.ID, e.Fingerprint())
	case strings.TrimSpace(e.Reason) == "":
		return errors.New("has no reason")
	}
	if e.upTo, err = detect.ParseSeverity(e.UpTo); err != nil {
		return fmt.Errorf("up_to: %w", err)
	}
	if e.until, err = detect.ParseExpiry(e.Expires); err != nil {
		return fmt.Errorf("expires: %w", err)
	}
	return nil
}

// Has tells whether the list has the finding.
func (l *Accepted) Has(id string) bool {
	_, ok := l.byID[id]
	return ok
}

// accepts tells whether all that an alert is made of is accepted, and holds at that time
// and severity.
func (l *Accepted) accepts(a *Alert, events map[string]*Event) bool {
	found := findings(a, events)
	all := len(found) > 0
	for _, f := range found {
		i, ok := l.byID[f.ID]
		if !ok {
			all = false
			continue
		}
		e := &l.entries[i]
		e.used = true
		if a.Severity > e.upTo || !e.until.IsZero() && !a.Last.Before(e.until) {
			all = false
		}
	}
	return all
}

// OnlyNew leaves in the report the incidents and alerts that are not accepted: an incident
// with all its alerts, if one of them is not. It returns the findings of the list that the
// report does not have any more.
func (r *Report) OnlyNew(l *Accepted) (gone []AcceptedFinding) {
	events := r.eventsByID()
	accepted, news := map[string]bool{}, map[string]bool{}
	known := map[string]bool{}
	for i := range r.Alerts {
		a := &r.Alerts[i]
		accepted[a.ID] = l.accepts(a, events)
		known[a.IncidentID] = true
		if !accepted[a.ID] {
			news[a.IncidentID] = true
		}
	}
	r.Incidents = slices.DeleteFunc(slices.Clone(r.Incidents), func(in Incident) bool { return known[in.ID] && !news[in.ID] })
	r.Alerts = slices.DeleteFunc(slices.Clone(r.Alerts), func(a Alert) bool {
		return accepted[a.ID] && (a.IncidentID == "" || !news[a.IncidentID])
	})
	r.onlyTheirEvents()
	for i := range l.entries {
		if !l.entries[i].used {
			gone = append(gone, l.entries[i].AcceptedFinding)
		}
	}
	return gone
}

// Entries returns the findings of the list, in its order.
func (l *Accepted) Entries() []AcceptedFinding {
	all := make([]AcceptedFinding, len(l.entries))
	for i := range l.entries {
		all[i] = l.entries[i].AcceptedFinding
	}
	return all
}
