package detect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/rogpeppe/go-internal/txtar"
)

// A trial makes every event of every golden log again as it was made, and says where it
// began.
func TestTrialMakesEventsAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	eachGoldenLog(t, func(t *testing.T, d *Detector, archive *txtar.Archive, name string) {
		found := map[string]Event{}
		p := NewPipeline(learner(), []*Detector{d}, nil, 1, Sink{Event: func(e Event) { found[e.ID] = e }})
		requests := readCase(t, archive, name)
		if len(requests) == 0 {
			t.Skip("no requests")
		}
		p.Advance(requests, requests[len(requests)-1].Time)
		p.Flush()
		var events []Event
		for _, e := range found {
			events = append(events, e)
		}
		trial := NewTrial(learner(), d, events)
		for some := range slices.Chunk(readCase(t, archive, name), 7) {
			trial.Advance(some)
		}
		accounts, near := trial.End()
		for _, e := range events {
			a := accounts[e.ID]
			if a == nil {
				t.Errorf("%s was not made again", e.ID)
				continue
			}
			if got, want := text(t, a.Event), text(t, e); got != want {
				t.Errorf("made again as\n%s\nwant\n%s", got, want)
			}
			checkAccount(t, a)
		}
		for _, m := range near {
			if m.Level.Have >= m.Level.Need || m.Key == "" {
				t.Errorf("%+v is no near miss", m)
			}
		}
	})
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkAccount holds an account to what it promises.
func checkAccount(t *testing.T, a *Account) {
	t.Helper()
	begins, last := 0, int64(0)
	for _, s := range a.Steps {
		if s.Did == "the event begins" {
			begins++
		}
		if s.N <= last {
			t.Errorf("step %d after %d", s.N, last)
		}
		last = s.N
		if s.Within < 1 || s.Within > s.N {
			t.Errorf("step %d: %d within the window", s.N, s.Within)
		}
	}
	if begins != 1 {
		t.Errorf("%s begins %d times: %s", a.Event.ID, begins, text(t, a.Steps))
	}
	if len(a.Steps) > maxSteps+lastSteps || int64(len(a.Steps))+a.More != a.Requests {
		t.Errorf("%d steps and %d more of %d", len(a.Steps), a.More, a.Requests)
	}
	if a.Key == "" || a.Peak.Have < 1 {
		t.Errorf("key %q, peak %+v", a.Key, a.Peak)
	}
	if !a.End.IsZero() && a.End.Before(a.Event.Last) {
		t.Errorf("over at %v, before its last request at %v", a.End, a.Event.Last)
	}
}

// missing are n requests of a client for things that are not there, two seconds apart.
func missing(client string, n int, from time.Time, source *parsers.Source) []*parsers.Request {
	var list []*parsers.Request
	for i := range n {
		list = append(list, &parsers.Request{
			Time: from.Add(time.Duration(i) * 2 * time.Second), ClientIP: client, Method: "GET", Path: fmt.Sprintf("/a%d", i),
			Shape: fmt.Sprintf("/a%d", i), Status: 404, Source: source, Line: int64(len(list) + 1), Bytes: -1, Duration: -1, Records: -1,
		})
	}
	return list
}

// Of those who came near without making an event, the nearest are told, not who made one.
func TestTrialNearMisses(t *testing.T) {
	var all []*parsers.Request
	for n, count := range []int{40, 29, 30, 16, 15, 3} {
		all = append(all, missing(fmt.Sprintf("192.0.2.%d", n+1), count, noon.Add(time.Duration(n)*time.Second), &parsers.Source{ID: n + 1})...)
	}
	// One who comes twice, and is nearer the first time.
	all = append(all, missing("192.0.2.9", 25, noon.Add(-time.Hour), &parsers.Source{ID: 9})...)
	all = append(all, missing("192.0.2.9", 20, noon, &parsers.Source{ID: 10})...)
	slices.SortStableFunc(all, func(a, b *parsers.Request) int { return a.Time.Compare(b.Time) })
	trial := NewTrial(learner(), Enumeration(), nil)
	trial.Advance(all)
	accounts, near := trial.End()
	var got []string
	for _, m := range near {
		got = append(got, fmt.Sprintf("%s %d/%d", m.Key, m.Level.Have, m.Level.Need))
	}
	if want := "ip 192.0.2.3 30/31, ip 192.0.2.2 29/31, ip 192.0.2.9 25/31, ip 192.0.2.4 16/31"; strings.Join(got, ", ") != want || len(accounts) != 0 {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

// An event of many thousand requests is explained in a few steps, that of its beginning
// and of its end among them.
func TestTrialIsBounded(t *testing.T) {
	requests := missing("192.0.2.1", 20_000, noon, &parsers.Source{ID: 1})
	var last Event
	p := NewPipeline(learner(), []*Detector{Enumeration()}, nil, 1, Sink{Event: func(e Event) { last = e }})
	p.Advance(requests, requests[len(requests)-1].Time)
	p.Flush()
	trial := NewTrial(learner(), Enumeration(), []Event{last})
	trial.Advance(requests)
	accounts, _ := trial.End()
	a := accounts[last.ID]
	if a == nil {
		t.Fatal("it was not made again")
	}
	checkAccount(t, a)
	if n := a.Steps[len(a.Steps)-1].N; n != 20_000 || a.Requests != 20_000 {
		t.Errorf("the last step is %d of %d", n, a.Requests)
	}
	if a.Peak.Have != 151 || !a.End.IsZero() {
		t.Errorf("peak %+v, end %v", a.Peak, a.End)
	}
}
