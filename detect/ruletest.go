package detect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
)

// A RuleTest is a case that a rule file carries: lines of a log or events, and whether
// the rule makes alerts of them.
type RuleTest struct {
	Name   string
	Rule   string
	Place  string
	Log    string // lines; "x10 +5s LINE" is ten of LINE, five seconds apart, {n} counting from 1
	Format string // of the lines; "" to guess it
	Events []TestEvent
	Alerts int // how many are wanted; -1 is any number but none

	Severity string // of the worst, "" for any

	file *ruleFile
	at   *node
}

// A TestEvent is an event of a case, written out.
type TestEvent struct {
	Event Event
	Times int
	Every time.Duration
}

func (t *RuleTest) fail(format string, args ...any) error {
	t.file.fail(t.at, format, args...)
	err := t.file.errs[len(t.file.errs)-1]
	t.file.errs = t.file.errs[:len(t.file.errs)-1]
	return err
}

const (
	maxTests    = 200
	maxRepeated = 100_000 // lines or events of a case
)

// tests reads the cases of a rule or a file.
func (f *ruleFile) tests(n *node) []*RuleTest {
	if n.kind != sequenceNode {
		f.fail(n, "tests must be a list, not %s", n.what())
		return nil
	}
	if len(n.items) > maxTests {
		f.fail(n, "more than %d tests", maxTests)
		return nil
	}
	var tests []*RuleTest
	for i, item := range n.items {
		t := &RuleTest{Name: strconv.Itoa(i + 1), Place: f.place(item), Alerts: -1, file: f, at: item}
		if !f.keysOf(item, "a test", "name", "rule", "log", "format", "events", "fires", "alerts", "severity") {
			continue
		}
		f.text(item.get("name"), "name", &t.Name)
		f.text(item.get("rule"), "rule", &t.Rule)
		f.text(item.get("log"), "log", &t.Log)
		f.text(item.get("format"), "format", &t.Format)
		fires, alerts := item.get("fires"), item.get("alerts")
		switch {
		case (fires == nil) == (alerts == nil):
			f.fail(item, "a test says fires, or how many alerts there are")
		case fires != nil:
			does := true
			if f.flag(fires, "fires", &does); !does {
				t.Alerts = 0
			}
		default:
			f.whole(alerts, "alerts", 0, maxCount, &t.Alerts)
		}
		f.word(item.get("severity"), "severity", &t.Severity, severities[:]...)
		events := item.get("events")
		if (events == nil) == (item.get("log") == nil) {
			f.fail(item, "a test has a log or events")
		}
		if events != nil {
			t.Events = f.testEvents(events)
		}
		tests = append(tests, t)
	}
	return tests
}

// firstTest is when events happen of which a case does not say when.
var firstTest = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func (f *ruleFile) testEvents(n *node) []TestEvent {
	if n.kind != sequenceNode {
		f.fail(n, "events must be a list, not %s", n.what())
		return nil
	}
	var events []TestEvent
	now, total := firstTest, 0
	for i, item := range n.items {
		if !f.keysOf(item, "an event", "event", "at", "actor", "user_ip", "detector", "severity", "outcome", "count", "route", "metadata", "times", "every") {
			continue
		}
		e := TestEvent{Times: 1, Every: time.Second}
		e.Event = Event{ID: fmt.Sprintf("event %d", i+1), Detector: Single, Count: 1, ActorType: string(parsers.ActorUser), Outcome: Attempted}
		f.text(item.get("event"), "event", &e.Event.Name)
		if e.Event.Name == "" {
			f.fail(item, "the event has no name")
		}
		if typ, ok := EventTypeOf(e.Event.Name); ok {
			e.Event.Severity = typ.Single
		}
		if d := item.get("detector"); d != nil {
			f.text(d, "detector", &e.Event.Detector)
		} else if !ofRequests[e.Event.Name] {
			e.Event.Detector = "a detector"
		}
		f.actor(item.get("actor"), &e.Event)
		f.text(item.get("user_ip"), "user_ip", &e.Event.UserIP)
		f.severityOf(item.get("severity"), &e.Event.Severity, severities[:])
		if e.Event.ActorID == "" && e.Event.UserIP == "" {
			e.Event.UserIP = "192.0.2.1" // somebody it was
		}
		var outcome string
		if f.word(item.get("outcome"), "outcome", &outcome, string(Attempted), string(Blocked), string(Succeeded)); outcome != "" {
			e.Event.Outcome = Outcome(outcome)
		}
		count := 1
		f.whole(item.get("count"), "count", 1, 1<<40, &count)
		e.Event.Count = int64(count)
		f.text(item.get("route"), "route", &e.Event.Route)
		if m := item.get("metadata"); m != nil {
			e.Event.Metadata = mustJSON(m.any())
		}
		f.whole(item.get("times"), "times", 1, maxRepeated, &e.Times)
		f.span(item.get("every"), "every", &e.Every)
		if total += e.Times; total > maxRepeated {
			f.fail(item, "more than %d events", maxRepeated)
			return nil
		}
		if at := item.get("at"); at != nil {
			now = f.when(at, now)
		}
		e.Event.First = now
		now = now.Add(time.Duration(e.Times) * e.Every)
		events = append(events, e)
	}
	return events
}

// when reads a time, or how long after the one before: +5m.
func (f *ruleFile) when(n *node, before time.Time) time.Time {
	if after, ok := strings.CutPrefix(n.text, "+"); ok {
		d, err := parseSpan(after)
		if err != nil || d < 0 || d > 366*24*time.Hour {
			f.fail(n, "%q is no time after the event before: +5m", n.text)
			return before
		}
		return before.Add(d)
	}
	t, err := time.Parse(time.RFC3339, n.text)
	if err != nil {
		f.fail(n, "%q is no time such as 2026-03-01T10:00:00Z or +5m", n.text)
		return before
	}
	return t.UTC()
}

// actor reads who acts: an id, or id and type.
func (f *ruleFile) actor(n *node, e *Event) {
	switch {
	case n == nil:
		e.ActorType = ""
	case n.kind == scalar:
		f.text(n, "actor", &e.ActorID)
	case f.keysOf(n, "actor", "id", "type"):
		f.text(n.get("id"), "id", &e.ActorID)
		f.word(n.get("type"), "type", &e.ActorType, "api_key", "user", "token", "session", "ip")
	}
}

// any is what a node holds, as JSON does.
func (n *node) any() any {
	switch n.kind {
	case mapping:
		m := map[string]any{}
		for i, k := range n.keys {
			m[k.text] = n.items[i].any()
		}
		return m
	case sequenceNode:
		l := []any{}
		for _, i := range n.items {
			l = append(l, i.any())
		}
		return l
	}
	return n.value
}

// Judge returns the alerts that the rule makes of the events of a case, the last word on
// each.
func (r *Rule) Judge(events []TestEvent) []Alert {
	var clues []*clue
	for _, t := range events {
		for n := range t.Times {
			e := t.Event
			e.First = e.First.Add(time.Duration(n) * t.Every)
			e.Last = e.First
			e.ID += " " + strconv.Itoa(n+1)
			clues = append(clues, &clue{at: e.First, event: &e})
		}
	}
	slices.SortStableFunc(clues, func(a, b *clue) int { return a.at.Compare(b.at) })
	var order []string
	last := map[string]Alert{}
	take := func(_ time.Time, f judgement) {
		if _, known := last[f.Alert.ID]; !known {
			order = append(order, f.Alert.ID)
		}
		last[f.Alert.ID] = f.Alert
	}
	engine := keyed.New(keyed.Order[*clue, judgement]{
		Time: func(c *clue) time.Time { return c.at },
		ID:   func(f judgement) string { return f.Alert.ID },
	}, 1, r.machine())
	if len(clues) > 0 {
		engine.Advance(clues, clues[len(clues)-1].at.Add(1), take)
	}
	engine.Flush(take)
	var alerts []Alert
	for _, id := range order {
		alerts = append(alerts, last[id])
	}
	return alerts
}

var repeatedLine = regexp.MustCompile(`^x(\d{1,6}) \+(\S+) (.*)$`)

// Lines writes out the lines of a case: for each, the text and how much later than it
// says it was written.
func (t *RuleTest) Lines(yield func(line string, later time.Duration) error) error {
	total := 0
	for line := range strings.Lines(t.Log) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		times, step := 1, time.Duration(0)
		if m := repeatedLine.FindStringSubmatch(line); m != nil {
			var err error
			times, _ = strconv.Atoi(m[1])
			if step, err = parseSpan(m[2]); err != nil {
				return fmt.Errorf("line %q: %q is no time between lines", line, m[2])
			}
			line = m[3]
		}
		if total += times; total > maxRepeated {
			return fmt.Errorf("more than %d lines", maxRepeated)
		}
		for n := range times {
			if err := yield(strings.ReplaceAll(line, "{n}", strconv.Itoa(n+1)), time.Duration(n)*step); err != nil {
				return err
			}
		}
	}
	return nil
}

// Verdict says what is wrong with the alerts that the case has led to; nil if nothing is.
func (t *RuleTest) Verdict(alerts []Alert) error {
	if t.Alerts < 0 && len(alerts) == 0 {
		return fmt.Errorf("it does not fire")
	}
	if t.Alerts >= 0 && len(alerts) != t.Alerts {
		about := ""
		if len(alerts) > 0 {
			about = ": " + alerts[0].Description
		}
		return fmt.Errorf("it makes %s, not %d%s", plural(int64(len(alerts)), "alert", "alerts"), t.Alerts, about)
	}
	worst := Info
	for _, a := range alerts {
		worst = max(worst, a.Severity)
	}
	if t.Severity != "" && worst.String() != t.Severity {
		return fmt.Errorf("its severity is %s, not %s", worst, t.Severity)
	}
	return nil
}
