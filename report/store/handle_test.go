package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// alertOf returns an alert that lasts some minutes and has a request for each.
func alertOf(id string, minutes int, s detect.Severity) detect.Alert {
	return detect.Alert{ID: id, Rule: "api-enumeration", Type: "suspicious_activity", Severity: s, Title: "API enumeration", SourceIP: "192.0.2.1",
		First: start, Last: start.Add(time.Duration(minutes) * time.Minute), Count: int64(minutes), Outcome: detect.Blocked}
}

// found ends a run that judged all anew and found the alerts.
func found(t *testing.T, s *store.Store, alerts ...detect.Alert) *store.Results {
	t.Helper()
	must(t, s.BeginResults(start, "settings", true))
	results := store.NewResults()
	i := detect.Incident{ID: "inc_1", Severity: detect.High, First: start, Last: start.Add(time.Hour)}
	for _, a := range alerts {
		results.Sink().Alert(a)
		i.Alerts, i.Joined = append(i.Alerts, a.ID), a.ID
		results.Sink().Incident(i)
	}
	must(t, s.Finish(results))
	return results
}

// statuses tells each alert of the store as "id status", then the incident's status.
func statuses(t *testing.T, s *store.Store) string {
	t.Helper()
	r, err := s.Report(store.Span{})
	must(t, err)
	var all []string
	for _, a := range r.Alerts {
		all = append(all, a.ID+" "+a.Status)
	}
	return strings.Join(append(all, r.Incidents[0].Status), ", ")
}

// Every status is reached from those that lead to it, and from no other. What is so
// already changes nothing.
func TestHandle(t *testing.T) {
	steps := map[string]store.Change{
		"ack":     {Status: report.Acknowledged, By: "alice"},
		"resolve": {Status: report.Resolved, By: "alice", ResolutionType: "blocked_ip"},
		"dismiss": {Status: report.Dismissed, By: "alice", ResolutionType: "false_positive"},
		"reopen":  {Status: report.Open, By: "alice"},
	}
	for _, test := range []struct {
		steps, want string // want is the last step's result
	}{
		{"ack", "open to acknowledged"},
		{"ack ack", "acknowledged already"},
		{"ack resolve", "acknowledged to resolved"},
		{"ack dismiss", "acknowledged to dismissed"},
		{"ack reopen", "acknowledged to open"},
		{"resolve", "open to resolved"},
		{"resolve resolve", "resolved already"},
		{"resolve ack", "refused: alt_1 is resolved"},
		{"resolve dismiss", "refused: alt_1 is resolved"},
		{"resolve reopen", "resolved to open"},
		{"resolve reopen resolve", "open to resolved"},
		{"dismiss", "open to dismissed"},
		{"dismiss dismiss", "dismissed already"},
		{"dismiss ack", "refused: alt_1 is dismissed"},
		{"dismiss resolve", "refused: alt_1 is dismissed"},
		{"dismiss reopen", "dismissed to open"},
		{"reopen", "open already"},
	} {
		t.Run(test.steps, func(t *testing.T) {
			s := open(t, store.Memory)
			defer s.Close()
			found(t, s, alertOf("alt_1", 5, detect.High))
			got := ""
			for step := range strings.SplitSeq(test.steps, " ") {
				handled, err := s.Handle([]string{"alt_1"}, steps[step])
				switch {
				case errors.Is(err, store.ErrChange):
					got = "refused: " + strings.TrimPrefix(err.Error(), store.ErrChange.Error()+": ")
				case err != nil:
					t.Fatal(err)
				case handled[0].Changed:
					got = handled[0].Was + " to " + handled[0].Status
				default:
					got = handled[0].Status + " already"
				}
			}
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// An alert is named by a beginning of its id that no other has; one that is wrong, or may
// not become what it is to, keeps all from being changed.
func TestHandleMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s := open(t, path)
	found(t, s, alertOf("alt_10", 5, detect.High), alertOf("alt_11", 5, detect.High), alertOf("alt_2", 5, detect.High), alertOf("alt_111", 5, detect.High))
	resolve := store.Change{Status: report.Resolved, By: "alice", ResolutionType: "other"}
	for _, test := range []struct {
		ids  []string
		want string
	}{
		{[]string{"alt_10", "alt_1"}, `3 alerts begin with "alt_1"`},
		{[]string{"alt_10", "alt_3", "alt_4"}, `no alert "alt_3"; no alert "alt_4"`},
		{[]string{"alt_10", ""}, "an id is empty"},
		{[]string{"alt_10", "alt_%"}, `no alert "alt_%"`},
		{[]string{"alt_10", "'; drop table alert_rows; --"}, "no alert"},
	} {
		if _, err := s.Handle(test.ids, resolve); !errors.Is(err, store.ErrChange) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.ids, err, test.want)
		}
	}
	if got, want := statuses(t, s), "alt_10 open, alt_11 open, alt_111 open, alt_2 open, open"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// One whose id another begins with is meant if it is given whole.
	handled, err := s.Handle([]string{"alt_2", "alt_11", "alt_2"}, resolve)
	must(t, err)
	if len(handled) != 2 || handled[0].ID != "alt_11" || handled[1].ID != "alt_2" {
		t.Errorf("handled %+v", handled)
	}
	if got, want := statuses(t, s), "alt_10 open, alt_11 resolved, alt_111 open, alt_2 resolved, open"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	ids, err := s.AlertsOf("inc_")
	must(t, err)
	if want := []string{"alt_10", "alt_111"}; !slices.Equal(ids, want) {
		t.Errorf("left of the incident: %q, want %q", ids, want)
	}
	_, err = s.Handle(ids, store.Change{Status: report.Dismissed, By: "alice"})
	must(t, err)
	if got, want := statuses(t, s), "alt_10 dismissed, alt_11 resolved, alt_111 dismissed, alt_2 resolved, resolved"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	must(t, s.Close())
	if v := verify(t, path, ""); v.Break != nil || v.Rows != 4 {
		t.Errorf("audit trail %+v %+v, want 4 whole rows", v, v.Break)
	}
}

// What was handled stays so however often it is found again, until it is more than it
// was. A dismissed alert comes back only if it is more severe.
func TestHandlingOutlivesRuns(t *testing.T) {
	for _, test := range []struct {
		name     string
		status   string
		then     detect.Alert
		want     string
		reopened string // beginning of the note
	}{
		{"the same", report.Resolved, alertOf("alt_1", 5, detect.High), "resolved", ""},
		{"less", report.Resolved, alertOf("alt_1", 4, detect.High), "resolved", ""},
		{"longer", report.Resolved, alertOf("alt_1", 6, detect.High), "open",
			"reopened: it went on until 2026-03-01 10:06:00 UTC; alice had resolved it as blocked_ip"},
		{"worse", report.Resolved, alertOf("alt_1", 5, detect.Critical), "open", "reopened: it is critical now and was high; alice had"},
		{"less severe", report.Resolved, alertOf("alt_1", 5, detect.Low), "resolved", ""},
		{"longer", report.Dismissed, alertOf("alt_1", 9, detect.High), "dismissed", ""},
		{"worse", report.Dismissed, alertOf("alt_1", 5, detect.Critical), "open", "reopened: it is critical now and was high; alice had dismissed it"},
		{"longer", report.Acknowledged, alertOf("alt_1", 9, detect.Critical), "acknowledged", ""},
	} {
		t.Run(test.status+" "+test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.duckdb")
			s := open(t, path)
			found(t, s, alertOf("alt_1", 5, detect.High))
			typ := ""
			if report.Over(test.status) {
				typ = "blocked_ip"
			}
			_, err := s.Handle([]string{"alt_1"}, store.Change{Status: test.status, By: "alice", ResolutionType: typ, Note: "seen"})
			must(t, err)
			results := found(t, s, test.then)
			must(t, s.Close())

			s = open(t, path)
			defer s.Close()
			r, err := s.Report(store.Span{})
			must(t, err)
			a := r.Alerts[0]
			if a.Status != test.want || r.Incidents[0].Status != test.want || (results.Reopened == 1) != (test.reopened != "") {
				t.Errorf("the alert is %s, the incident %s, %d opened again; want %s", a.Status, r.Incidents[0].Status, results.Reopened, test.want)
			}
			note := test.reopened
			if note == "" {
				note = "seen"
			} else if !a.ResolvedAt.IsZero() || a.ResolvedBy+a.ResolutionType != "" {
				t.Errorf("opened again and yet %+v", a)
			}
			if !strings.HasPrefix(a.Note, note) {
				t.Errorf("note %q, want %q", a.Note, note)
			}
			if again := found(t, s, test.then); again.Reopened != 0 {
				t.Error("opened again twice for the same")
			}
		})
	}
}

// More requests in the same time open it again too: a log of the same hours came later.
func TestReopenedByCount(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	a := alertOf("alt_1", 5, detect.High)
	found(t, s, a)
	_, err := s.Handle([]string{a.ID}, store.Change{Status: report.Resolved, By: "alice"})
	must(t, err)
	a.Count = 50
	found(t, s, a)
	r, err := s.Report(store.Span{})
	must(t, err)
	if want := "reopened: it is 50 requests now and was 5; alice had resolved it"; r.Alerts[0].Note != want {
		t.Errorf("note %q, want %q", r.Alerts[0].Note, want)
	}
}

// An alert that is found no more is told as gone, and is as it was when it comes back.
func TestGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s := open(t, path)
	found(t, s, alertOf("alt_1", 5, detect.High))
	_, err := s.Handle([]string{"alt_1"}, store.Change{Status: report.Resolved, By: "alice", ResolutionType: "other", Note: "n"})
	must(t, err)
	found(t, s, alertOf("alt_2", 5, detect.High))
	if _, err := s.Handle([]string{"alt_1"}, store.Change{Status: report.Open, By: "alice"}); !errors.Is(err, store.ErrChange) || !strings.Contains(err.Error(), "found no more") {
		t.Errorf("opened again: %v", err)
	}
	must(t, s.Close())
	q, err := store.OpenQuery(path)
	must(t, err)
	gone, err := q.Gone()
	must(t, err)
	must(t, q.Close())
	if len(gone) != 1 || gone[0].ID != "alt_1" || gone[0].Status != report.Resolved || gone[0].Note != "n" || gone[0].Severity != detect.High || gone[0].Count != 5 {
		t.Errorf("gone: %+v", gone)
	}
	s = open(t, path)
	defer s.Close()
	found(t, s, alertOf("alt_1", 5, detect.High))
	if got, want := statuses(t, s), "alt_1 resolved, resolved"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever happens in which order, the trail tells the status of every alert, and a
// resolved one is never less than what was resolved.
func TestHandlingProperty(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { handlingProperty(t, seed) })
	}
}
