package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/notify"
	"github.com/litesoc/litesoc/report/store"
)

// hook VARIABLE FILE [STATUS...]: starts a server on loopback whose URL is the value of
// VARIABLE. It answers with each status in turn, then with 200, and appends to FILE a
// line for each request: the status and the body.
func hook(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: hook VARIABLE FILE [STATUS...]")
	}
	path, statuses := ts.MkAbs(args[1]), args[2:]
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		status := http.StatusOK
		if len(statuses) > 0 {
			status, _ = strconv.Atoi(statuses[0])
			statuses = statuses[1:]
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return
		}
		defer f.Close()
		fmt.Fprintf(f, "%d %s\n", status, body)
		w.WriteHeader(status)
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

// outboxStart is when the tests of the outbox begin: a Sunday.
var outboxStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// An outbox is a store, a server that people are told by, and a clock that moves only
// when somebody sleeps.
type outbox struct {
	t        *testing.T
	path     string
	clock    time.Time
	statuses []int      // that the server answers with, then 200
	got      [][]string // ids of alerts and what became of them, by message
	ids      []string   // of the messages
	retracts bool       // runs judge again what was found since the checkpoint
	stderr   bytes.Buffer
	n        *notifier
}

func newOutbox(t *testing.T, c notify.Config) *outbox {
	t.Helper()
	o := &outbox{t: t, path: filepath.Join(t.TempDir(), "litesoc.duckdb"), clock: outboxStart}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var doc struct {
			Alerts []struct {
				Change string
				Alert  struct{ ID string }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
			t.Error(err)
		}
		var what []string
		for _, a := range doc.Alerts {
			what = append(what, a.Alert.ID+" "+a.Change)
		}
		o.got, o.ids = append(o.got, what), append(o.ids, r.Header.Get("Litesoc-Id"))
		if len(o.statuses) > 0 {
			w.WriteHeader(o.statuses[0])
			o.statuses = o.statuses[1:]
		}
	}))
	t.Cleanup(s.Close)
	c.Type, c.URL, c.AllowPrivate = "webhook", s.URL, true
	configs := []notify.Config{c}
	if err := notify.Check(configs); err != nil {
		t.Fatal(err)
	}
	channels, err := notify.New(configs, &notify.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	o.n = &notifier{
		channels: channels,
		open:     func(context.Context) (*store.Store, error) { return store.Open(o.path) },
		now:      func() time.Time { return o.clock },
		sleep:    func(_ context.Context, d time.Duration) { o.clock = o.clock.Add(d) },
		stderr:   &o.stderr,
	}
	return o
}

// run is a run that finds the alerts, given as an id and a severity, and ends or does not.
func (o *outbox) run(ends bool, alerts map[string]detect.Severity) {
	o.t.Helper()
	s, err := store.Open(o.path)
	if err != nil {
		o.t.Fatal(err)
	}
	defer s.Close()
	s.Notify(&store.Post{Channels: o.n.channels, At: o.clock})
	if o.retracts {
		if err := s.Retract(); err != nil {
			o.t.Fatal(err)
		}
	}
	if err := s.BeginResults(o.clock, "", false); err != nil {
		o.t.Fatal(err)
	}
	r := store.NewResults()
	sink := r.Sink()
	r.Ending()
	for id, severity := range alerts {
		sink.Alert(detect.Alert{
			ID: id, Type: "brute_force_attack", Rule: "brute-force", Severity: severity, Title: "Brute force at a login",
			First: o.clock, Last: o.clock, Count: 5, Outcome: detect.Attempted, SourceIP: "203.0.113.9",
		})
	}
	if !ends {
		return
	}
	if err := s.Finish(r); err != nil {
		o.t.Fatal(err)
	}
}

// deliver delivers, and says what came of it and what the server was sent.
func (o *outbox) deliver(wait time.Duration) string {
	o.t.Helper()
	o.got, o.ids = nil, nil
	done, err := o.n.deliver(context.Background(), wait)
	if err != nil {
		o.t.Fatal(err)
	}
	var messages []string
	for _, m := range o.got {
		messages = append(messages, strings.Join(m, "+"))
	}
	return fmt.Sprintf("%d sent, %d later, %d parked: %s", done.sent, done.later, done.parked, strings.Join(messages, "; "))
}

func (o *outbox) expect(what, got, want string) {
	o.t.Helper()
	if got != want {
		o.t.Errorf("%s: %s\nwant %s\n%s", what, got, want, o.stderr.String())
	}
}

// A run tells of what it opens and makes worse, once.
func TestOutbox(t *testing.T) {
	o := newOutbox(t, notify.Config{Severity: "medium"})
	o.run(false, map[string]detect.Severity{"alt_a": detect.High})
	o.expect("a run that was killed", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.run(true, map[string]detect.Severity{"alt_a": detect.Medium, "alt_low": detect.Low})
	o.expect("first", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a opened")
	o.expect("at once again", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.run(true, map[string]detect.Severity{"alt_a": detect.Medium, "alt_low": detect.Low})
	o.expect("the same again", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.run(true, map[string]detect.Severity{"alt_a": detect.High, "alt_low": detect.Medium, "alt_b": detect.High})
	o.expect("worse", o.deliver(0), "3 sent, 0 later, 0 parked: alt_a worsened; alt_b opened; alt_low worsened")
}

// Nobody is told of an alert as of a new one that a run before found which told nobody, also
// where all since the checkpoint is judged again.
func TestOutboxJudgedAgain(t *testing.T) {
	o := newOutbox(t, notify.Config{})
	channels := o.n.channels
	o.n.channels = nil
	o.run(true, map[string]detect.Severity{"alt_a": detect.High})
	o.n.channels, o.retracts = channels, true
	o.run(true, map[string]detect.Severity{"alt_a": detect.High, "alt_b": detect.High})
	o.expect("found before", o.deliver(0), "1 sent, 0 later, 0 parked: alt_b opened")

	o.n.channels = nil
	o.run(true, map[string]detect.Severity{"alt_c": detect.High})
	o.n.channels = channels
	s, err := store.Open(o.path)
	if err != nil {
		t.Fatal(err)
	}
	s.Notify(&store.Post{Channels: channels, At: o.clock})
	turn := func(ids ...string) { // of a tail, which finds again as time goes on
		t.Helper()
		r := store.NewResults()
		for _, id := range ids {
			r.Sink().Alert(detect.Alert{ID: id, Type: "brute_force_attack", Rule: "brute-force", Severity: detect.High, First: o.clock, Last: o.clock, Outcome: detect.Attempted})
		}
		if err := cmp.Or(s.Reopen(), s.MoreResults(), s.Finish(r), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmp.Or(s.Retract(), s.Finish(store.NewResults()), s.Close()); err != nil {
		t.Fatal(err)
	}
	turn("alt_d")
	turn("alt_c")
	o.expect("found again by a later turn", o.deliver(0), "1 sent, 0 later, 0 parked: alt_d opened")
}

// What does not arrive is tried again, and neither lost nor sent twice.
func TestOutboxRetries(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	o := newOutbox(t, notify.Config{})
	o.run(true, map[string]detect.Severity{"alt_a": detect.High, "alt_b": detect.High})
	o.statuses = []int{503, 429}
	o.expect("not there", o.deliver(0), "0 sent, 2 later, 0 parked: alt_a opened")
	o.expect("too early", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.clock = o.clock.Add(2 * time.Second)
	o.expect("too much", o.deliver(0), "0 sent, 2 later, 0 parked: alt_a opened")
	o.expect("at last", o.deliver(time.Minute), "2 sent, 0 later, 0 parked: alt_a opened; alt_b opened")
	o.run(true, map[string]detect.Severity{"alt_a": detect.Critical})
	o.statuses = []int{400}
	o.expect("refused", o.deliver(time.Hour), "0 sent, 0 later, 1 parked: alt_a worsened")
	o.expect("parked", o.deliver(24*time.Hour), "0 sent, 0 later, 0 parked: ")
	if err := o.n.turn(context.Background(), func(s *store.Store) error { return s.Unpark(o.clock) }); err != nil {
		t.Fatal(err)
	}
	o.expect("once more", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a worsened")
	o.run(true, map[string]detect.Severity{"alt_c": detect.High})
	for range 2 * notify.MaxAttempts {
		o.statuses = append(o.statuses, 500)
	}
	began := o.clock
	got := o.deliver(48 * time.Hour)
	if !strings.HasPrefix(got, "0 sent, 0 later, 1 parked: ") || len(o.got) != notify.MaxAttempts {
		t.Errorf("%d times: %s", len(o.got), got)
	}
	if took := o.clock.Sub(began); took < 4*time.Hour || took > 24*time.Hour {
		t.Errorf("given up after %v", took)
	}
}

// Whoever is killed between sending and noting it sends again, under the same id; nobody
// else does meanwhile.
func TestOutboxKilledAfterSending(t *testing.T) {
	o := newOutbox(t, notify.Config{})
	o.run(true, map[string]detect.Severity{"alt_a": detect.High})
	killed := *o.n
	work, err := killed.plan(context.Background())
	if err != nil || len(work) != 1 || len(work[0].messages) != 1 {
		t.Fatalf("%v, %v", work, err)
	}
	opened := 0
	killed.open = func(context.Context) (*store.Store, error) {
		if opened++; opened > 1 { // to claim, and not to settle
			return nil, context.Canceled
		}
		return store.Open(o.path)
	}
	if _, err := killed.try(context.Background(), work[0], &work[0].messages[0], &delivery{}); err == nil || len(o.ids) != 1 {
		t.Fatalf("%d messages, error %v", len(o.ids), err)
	}
	first := o.ids[0]
	o.expect("while it may be at work", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.clock = o.clock.Add(lease)
	o.expect("afterwards", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a opened")
	if o.ids[0] != first {
		t.Errorf("ids %s and %s of one message", first, o.ids[0])
	}
	o.expect("and then", o.deliver(time.Hour), "0 sent, 0 later, 0 parked: ")
}

// What is held over quiet hours, or for a digest, comes as one message.
func TestOutboxHolds(t *testing.T) {
	o := newOutbox(t, notify.Config{QuietHours: "Mon-Sun 22:00-07:00 Europe/Berlin", Digest: 30 * time.Minute})
	o.clock = outboxStart.Add(9 * time.Hour) // 22:00 in Berlin
	o.run(true, map[string]detect.Severity{"alt_a": detect.High, "alt_b": detect.Low, "alt_c": detect.Critical})
	o.expect("at night", o.deliver(0), "1 sent, 0 later, 0 parked: alt_c opened")
	o.clock = o.clock.Add(9*time.Hour - time.Second)
	o.expect("still", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.clock = o.clock.Add(time.Second)
	found := map[string]detect.Severity{"alt_a": detect.High, "alt_b": detect.Low, "alt_c": detect.Critical, "alt_d": detect.High}
	o.run(true, found)
	o.expect("in the morning", o.deliver(0), "3 sent, 0 later, 0 parked: alt_a opened+alt_b opened+alt_d opened")
	o.clock = o.clock.Add(time.Minute)
	found["alt_e"], found["alt_f"] = detect.High, detect.Critical
	o.run(true, found)
	o.expect("soon after", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.expect("half an hour later", o.deliver(time.Hour), "2 sent, 0 later, 0 parked: alt_e opened+alt_f opened")
}

// What is no more when it is to be told is not told.
func TestOutboxForgets(t *testing.T) {
	o := newOutbox(t, notify.Config{QuietHours: "Mon-Sun 11:00-13:00"})
	o.run(true, map[string]detect.Severity{"alt_a": detect.High, "alt_b": detect.High})
	o.expect("quiet", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	o.run(true, map[string]detect.Severity{"alt_b": detect.High})
	o.expect("one is left", o.deliver(time.Hour), "1 sent, 0 later, 0 parked: alt_b opened")
}

// What people do with an alert is told to whom was told of the alert, and so is what
// goes on after they were done with it.
func TestOutboxHandled(t *testing.T) {
	o := newOutbox(t, notify.Config{Severity: "medium"})
	handle := func(status, typ string) {
		t.Helper()
		err := o.n.turn(context.Background(), func(s *store.Store) error {
			_, err := s.Handle([]string{"alt_a", "alt_low"}, store.Change{Status: status, ResolutionType: typ, By: "sam"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]detect.Severity{"alt_a": detect.High, "alt_low": detect.Low}
	o.run(true, found)
	o.expect("opened", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a opened")
	handle(report.Acknowledged, "")
	o.expect("acknowledged", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a acknowledged")
	o.expect("still", o.deliver(0), "0 sent, 0 later, 0 parked: ")
	handle(report.Resolved, "blocked_ip")
	o.expect("resolved", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a resolved")
	o.clock = o.clock.Add(time.Hour)
	o.run(true, found)
	o.expect("goes on", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a reopened")
	handle(report.Resolved, "blocked_ip")
	o.expect("resolved again", o.deliver(0), "1 sent, 0 later, 0 parked: alt_a resolved")
	o.run(true, map[string]detect.Severity{"alt_a": detect.High, "alt_low": detect.Low, "alt_b": detect.High})
	handle(report.Resolved, "blocked_ip")
	o.expect("another", o.deliver(0), "1 sent, 0 later, 0 parked: alt_b opened")
}

// A storm is one message.
func TestOutboxStorm(t *testing.T) {
	o := newOutbox(t, notify.Config{})
	alerts := map[string]detect.Severity{}
	for i := range 250 {
		alerts[fmt.Sprintf("alt_%03d", i)] = detect.High
	}
	o.run(true, alerts)
	if got := o.deliver(0); len(o.got) != 3 || !strings.HasPrefix(got, "250 sent, 0 later, 0 parked: ") {
		t.Errorf("%d messages: %s", len(o.got), got[:40])
	}
}
