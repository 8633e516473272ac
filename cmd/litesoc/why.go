package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// isWord is what may be meant as an id, well typed or not: a line of a log has more in it.
var isWord = regexp.MustCompile(`^(?:(?:alt|evt|inc)_\S*|[\w./:-]+)$`)

// maxExplained bounds the events that are explained at once: the worst ones.
const maxExplained = 3

// explainFinding says why an alert, an event or the alerts of an incident are there: the
// kept requests are led through the detectors that made them once more.
func explainFinding(c *cobra.Command, f *scanFlags, cfg *config, id, output string) error {
	j := &job{flags: f, stderr: c.ErrOrStderr(), results: store.NewResults()}
	if err := j.prepare(cfg); err != nil {
		return err
	}
	defer j.geo.Close()
	q, err := openQuery(f.db)
	if err != nil {
		return err
	}
	defer q.Close()
	r, err := q.Report(store.Span{})
	if err != nil {
		return failed(err, "")
	}
	set, _, err := cfg.ruleSet(nil)
	if err != nil {
		return err
	}
	x, err := findingOf(r, id, set.Rules)
	if err != nil {
		return err
	}
	if _, settings, err := q.Checkpoint(); err == nil && settings != j.settings {
		x.Notes = append(x.Notes, "the config, the lists of addresses or litesoc itself have changed since the last scan: this is what today's make of it")
	}
	if err := j.account(q, r, cfg, x); err != nil {
		return failed(fmt.Errorf("explain %s: %w", id, err), "")
	}
	out := c.OutOrStdout()
	if output == "json" {
		return report.WriteJSON(out, x)
	}
	return report.ExplanationText(out, x, lookOf(out, ""))
}

// findingOf finds what bears the id, and the events that are to be explained.
func findingOf(r *report.Report, id string, rules []*detect.Rule) (*report.Explanation, error) {
	x := &report.Explanation{ID: id, Alerts: []report.ExplainedRule{}, Notes: []string{}}
	var events []string
	var matches []string
	for i := range r.Alerts {
		if a := &r.Alerts[i]; strings.HasPrefix(a.ID, id) {
			matches = append(matches, a.ID)
			x.Alerts = append(x.Alerts, ruleOf(a, rules))
			events = append(events, a.Events...)
		}
	}
	for i := range r.Events {
		if e := &r.Events[i]; strings.HasPrefix(e.ID, id) {
			matches = append(matches, e.ID)
			events = append(events, e.ID)
		}
	}
	for i := range r.Incidents {
		in := &r.Incidents[i]
		if !strings.HasPrefix(in.ID, id) {
			continue
		}
		matches = append(matches, in.ID)
		for k := range r.Alerts {
			if a := &r.Alerts[k]; slices.Contains(in.Alerts, a.ID) {
				x.Alerts = append(x.Alerts, ruleOf(a, rules))
				events = append(events, a.Events...)
			}
		}
	}
	switch {
	case len(matches) == 0:
		return nil, failed(fmt.Errorf("explain: no alert, event or incident %q is in the database", id), anyID(r, id))
	case len(matches) > 1:
		return nil, failed(fmt.Errorf("explain: %d ids begin with %q", len(matches), id), moreOfID)
	}
	x.ID = matches[0]
	var chosen []report.Event
	for i := range r.Events {
		if slices.Contains(events, r.Events[i].ID) {
			chosen = append(chosen, r.Events[i])
		}
	}
	slices.SortStableFunc(chosen, func(a, b report.Event) int { return int(b.Severity) - int(a.Severity) })
	x.More = max(len(chosen)-maxExplained, 0)
	for _, e := range chosen[:min(len(chosen), maxExplained)] {
		x.Events = append(x.Events, report.Explained{
			Event: e, Lines: r.Run.Evidence[e.ID], SQL: e.SQL(), Guards: report.Guards(&e),
			Settings: []report.ExplainedSetting{}, Near: []detect.NearMiss{}, Places: []report.Place{},
		})
	}
	return x, nil
}

// ruleOf says what the rule of an alert asks for.
func ruleOf(a *report.Alert, all []*detect.Rule) report.ExplainedRule {
	x := report.ExplainedRule{Alert: *a, Events: a.Events, Wants: []string{}}
	i := slices.IndexFunc(all, func(r *detect.Rule) bool { return r.Name == a.Rule })
	if i < 0 {
		x.About = "a rule that is no more"
		return x
	}
	r := all[i]
	x.About, _, _ = strings.Cut(r.Doc, "\n")
	want := func(format string, args ...any) { x.Wants = append(x.Wants, fmt.Sprintf(format, args...)) }
	for _, w := range r.Wants() {
		want("%s", w)
	}
	want("%s", r.Joins())
	return x
}

// account leads the kept requests through the detectors of the events.
func (j *job) account(q *store.Query, r *report.Report, cfg *config, x *report.Explanation) error {
	known, err := q.Known()
	if err != nil {
		return err
	}
	sources := map[int]*parsers.Source{}
	paths := map[int]string{}
	for _, k := range known {
		sources[k.Source.ID], paths[k.Source.ID] = &k.Source, k.Source.Path
	}
	least, err := cfg.leastNames()
	if err != nil {
		return err
	}
	changes, err := q.Changes()
	if err != nil {
		return err
	}
	changes, notes := underSettings(changes, j.all)
	x.Notes = append(x.Notes, notes...)
	events := map[string][]detect.Event{} // by detector
	for i := range x.Events {
		e := x.Events[i].Event.Event
		if e.Evidence, err = q.Evidence(e.ID); err != nil {
			return err
		}
		events[e.Detector] = append(events[e.Detector], e)
	}
	for name := range events {
		detectors, err := cfg.detectors()
		if err != nil {
			return err
		}
		at := slices.IndexFunc(detectors, func(d *detect.Detector) bool { return d.Name == name })
		if at < 0 {
			if rule, ofRule := strings.CutPrefix(name, detect.OfRule); ofRule {
				x.Notes = append(x.Notes, "its requests were counted by rule "+rule+": 'litesoc rules replay "+rule+"' leads them through it again")
				continue
			}
			x.Notes = append(x.Notes, "the detector "+name+" is no more: its events cannot be explained")
			continue
		}
		d := detectors[at]
		trial := detect.NewTrial(parsers.NewRouteLearner(least, j.opts.Site.Routes()), d, events[name])
		trial.Plan(changes)
		if err := errors.Join(j.try(q, sources, trial), trial.Err()); err != nil {
			return err
		}
		accounts, near := trial.End()
		for i := range x.Events {
			e := &x.Events[i]
			if e.Event.Detector != name {
				continue
			}
			e.About, _, _ = strings.Cut(d.Doc, "\n")
			e.Settings, e.Window = settingsFor(d), report.SpanText(trial.Window())
			e.Near = append(e.Near, near...)
			if e.Account = accounts[e.Event.ID]; e.Account == nil {
				x.Notes = append(x.Notes, e.Event.ID+" was not made again: its requests are kept no more, or are judged otherwise now")
				continue
			}
			begun := false
			for _, s := range e.Account.Steps {
				e.Places = append(e.Places, report.Place{File: paths[s.Place.Source], Line: s.Place.Line})
				if !begun && s.Level != nil {
					e.Usual = s.Level.Usual
				}
				begun = begun || s.Did != ""
			}
		}
	}
	slices.Sort(x.Notes)
	return nil
}

// try leads all kept requests through a trial.
func (j *job) try(q *store.Query, sources map[int]*parsers.Source, trial *detect.Trial) error {
	replay, err := q.Replay(time.Time{}, j.flags.lateness, sources)
	if err != nil {
		return err
	}
	for {
		b, err := replay.Next()
		if err == io.EOF {
			return replay.Close()
		}
		if err != nil {
			return errors.Join(err, replay.Close())
		}
		j.opts.Enrich(b.Requests)
		requests := make([]*parsers.Request, len(b.Requests))
		for i := range b.Requests {
			requests[i] = &b.Requests[i]
		}
		trial.Advance(requests)
	}
}

// settingsFor returns the settings of a detector.
func settingsFor(d *detect.Detector) []report.ExplainedSetting {
	list := []report.ExplainedSetting{}
	d.Flags.VisitAll(func(f *flag.Flag) {
		_, usage := flag.UnquoteUsage(f)
		list = append(list, report.ExplainedSetting{Name: f.Name, Value: f.Value.String(), Usage: usage, Set: f.Value.String() != f.DefValue})
	})
	return list
}
