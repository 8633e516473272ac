package store_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// someRequests returns requests that use every column, hostile text included.
func someRequests(src *parsers.Source, n int) []parsers.Request {
	rs := make([]parsers.Request, n)
	for i := range rs {
		r := &rs[i]
		*r = parsers.Request{
			Time: start.Add(time.Duration(i) * 1500 * time.Microsecond), Source: src, Line: int64(i + 1),
			ClientIP: fmt.Sprintf("192.0.2.%d", i%200), Method: "GET", Host: "api.example.com",
			Path: fmt.Sprintf("/users/%d", i), Shape: "/users/{id}", Status: 200 + i%300, Bytes: int64(i), Duration: time.Duration(i) * time.Microsecond,
			UserAgent: fmt.Sprintf("agent %d", i%7), Records: -1,
		}
		switch i % 4 {
		case 1:
			r.Bytes, r.Duration, r.Status = -1, -1, 0
			r.User, r.Tenant = fmt.Sprintf("user %d", i%30), "org_1"
		case 2:
			r.PeerIP, r.Query, r.Referer = "10.0.0.1", "q='; drop table requests; --", "\x1b]0;x\x07\x00\u202e"
			r.Body = "role=admin&x=%27"
			r.APIKey, r.KeyPrefix, r.Records = "key_0123456789ab", "acme_live_", 12
			r.Path += strings.Repeat("é", i%9) // as long as what DuckDB keeps in place, and longer
		case 3:
			r.Token, r.Session, r.RequestID, r.Event = "tok_0123456789ab", "ses_0123456789ab", fmt.Sprint("id-", i), "auth.login_failed"
		}
	}
	return rs
}

func batch(rs []parsers.Request, file string) *source.Batch {
	log := &source.Log{File: &source.File{Path: file}, Source: rs[0].Source, HeadLen: 1024}
	n := int64(len(rs))
	return &source.Batch{Log: log, Requests: rs, After: source.Position{Offset: 100 * n, Hash: "h", Lines: n, Parsed: n, Last: rs[len(rs)-1].Time}}
}

func add(s *store.Store, b *source.Batch) error {
	return s.Add(s.Rows(b))
}

func replay(t *testing.T, s *store.Store, from time.Time, src *parsers.Source) []parsers.Request {
	t.Helper()
	p, err := s.Replay(from, time.Minute, map[int]*parsers.Source{src.ID: src})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var rs []parsers.Request
	for {
		b, err := p.Next()
		if err == io.EOF {
			return rs
		}
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, b.Requests...)
	}
}

// Time has not got to what has leapt ahead of its log, also once all is given.
func TestReplayBound(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.duckdb"))
	defer s.Close()
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	b := batch(someRequests(src, 3), "a.log")
	b.Requests[2].Time = start.Add(24 * time.Hour)
	b.After.Last = b.Requests[1].Time
	must(t, add(s, b))
	must(t, s.Flush())
	p, err := s.Replay(start.Add(-time.Hour), time.Minute, map[int]*parsers.Source{src.ID: src})
	must(t, err)
	defer p.Close()
	given, err := p.Next()
	must(t, err)
	if want := b.After.Last.Add(-time.Minute); len(given.Requests) != 3 || !p.Bound().Equal(want) {
		t.Errorf("%d requests, bound %s; want 3, %s", len(given.Requests), p.Bound(), want)
	}
}

// With the least memory, many callers are replayed while requests are kept that no flush has
// written.
func TestReplayWithinMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("needs more than the memory holds")
	}
	const least = 256e6 / 4 // of --memory, and the database's part of it
	s, err := store.OpenWithin(filepath.Join(t.TempDir(), "a.duckdb"), least)
	must(t, err)
	defer s.Close()
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	const n, kept = 300_000, 200_000
	rs := make([]parsers.Request, n)
	for i := range rs {
		text := fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)}))
		rs[i] = parsers.Request{Time: start.Add(time.Duration(i) * 10 * time.Millisecond), Source: src, Line: int64(i + 1), Bytes: -1, Duration: -1, Records: -1,
			ClientIP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), UserAgent: text, Path: "/" + text + text, Query: text, Referer: "https://example.com/" + text}
	}
	must(t, add(s, batch(rs[:kept], "a.log")))
	must(t, s.Flush())
	must(t, add(s, batch(rs[kept:], "a.log")))
	if got := replay(t, s, start, src); len(got) != kept {
		t.Errorf("%d requests, want %d", len(got), kept)
	}
}

// What is kept comes back as it was, in order, but for what was late.
func TestReplay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	want := someRequests(src, 5000)
	want[17].Late = true
	want[4000].Path = want[20].Path
	s := open(t, path)
	if err := add(s, batch(slices.Clone(want[:3000]), "a.log")); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path) // what repeats is known again
	defer s.Close()
	if err := add(s, batch(slices.Clone(want[3000:]), "a.log")); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want = slices.Delete(want, 17, 18)
	got := replay(t, s, time.Time{}, src)
	if len(got) != len(want) {
		t.Fatalf("%d requests, want %d", len(got), len(want))
	}
	notes := map[string]*parsers.Notes{}
	for i := range want {
		own := got[i].PathNotes
		if known := notes[got[i].Path]; own == nil || known != nil && known != own {
			t.Fatalf("request %d: notes %p of %s, which has %p", i, own, got[i].Path, known)
		}
		notes[got[i].Path], got[i].PathNotes = own, nil
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("request %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
	if got := replay(t, s, want[4000].Time, src); len(got) != len(want)-4000 || got[0].Line != want[4000].Line {
		t.Errorf("from the middle: %d requests, want %d", len(got), len(want)-4000)
	}
}

// A replay of more than it sorts at once is in order and whole, and sees nothing of
// what is added after it began.
func TestReplayOfMany(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	const n = 250_000
	rs := make([]parsers.Request, n)
	for i := range rs {
		rs[i] = parsers.Request{Time: start.Add(time.Duration(i/3) * 10 * time.Millisecond), Source: src, Line: int64(i + 1), Bytes: -1, Duration: -1, Records: -1}
	}
	must(t, add(s, batch(rs, "a.log")))
	must(t, s.Flush())
	from := rs[999].Time
	p, err := s.Replay(from, time.Minute, map[int]*parsers.Source{1: src})
	must(t, err)
	defer p.Close()
	late := rs[n-1]
	late.Line++
	must(t, add(s, batch([]parsers.Request{late}, "a.log")))
	must(t, s.Flush())
	line := int64(999)
	for {
		b, err := p.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		for _, r := range b.Requests {
			if line++; r.Line != line {
				t.Fatalf("line %d where %d is due", r.Line, line)
			}
		}
	}
	if line != n {
		t.Errorf("ended at line %d, want %d", line, n)
	}
}

// A store that is closed without a flush holds what the last flush left: requests and
// positions together.
func TestAllOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	rs := someRequests(src, 2000)
	s := open(t, path)
	must(t, add(s, batch(rs[:1000], "a.log")))
	must(t, s.Flush())
	must(t, add(s, batch(rs[1000:], "a.log")))
	must(t, s.Close())
	s = open(t, path)
	defer s.Close()
	known, err := s.Known()
	must(t, err)
	if len(known) != 1 || known[0].At.Lines != 1000 {
		t.Fatalf("known %+v, want one log at line 1000", known)
	}
	if got := replay(t, s, time.Time{}, src); len(got) != 1000 {
		t.Errorf("%d requests, want 1000", len(got))
	}
}

// A line that was kept before it was finished is replaced, not kept twice.
func TestReplaces(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	rs := someRequests(src, 10)
	must(t, add(s, batch(slices.Clone(rs), "a.log")))
	must(t, s.Flush())
	again := batch(slices.Clone(rs[9:]), "a.log")
	again.Requests[0].Path, again.Replaces = "/whole", 10
	must(t, add(s, again))
	must(t, s.Flush())
	got := replay(t, s, time.Time{}, src)
	if len(got) != 10 || got[9].Path != "/whole" {
		t.Errorf("%d requests, the last %q; want 10, /whole", len(got), got[len(got)-1].Path)
	}
}

// Texts beyond what is kept in memory keep their one number.
func TestManyTexts(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	const n = 300000 // more than twice what is kept in memory
	rs := make([]parsers.Request, n)
	for i := range rs {
		rs[i] = parsers.Request{Time: start, Source: src, Line: int64(i + 1), ClientIP: fmt.Sprintf("2001:db8::%x", i), Bytes: -1, Duration: -1, Records: -1}
	}
	for range 2 {
		for chunk := range slices.Chunk(rs, 10000) {
			must(t, add(s, batch(chunk, "a.log")))
		}
	}
	must(t, s.Flush())
	r, err := s.Report(store.Span{})
	must(t, err)
	if r.Log.Clients != n {
		t.Errorf("%d clients, want %d", r.Log.Clients, n)
	}
}

// What fills a row group of DuckDB's goes to the file soon, not with a commit.
func TestRowGroupsAsTheyFill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s := open(t, path)
	defer s.Close()
	size := func() int64 {
		info, err := os.Stat(path)
		must(t, err)
		return info.Size()
	}
	const rowGroup = 122880
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	before := size()
	must(t, add(s, batch(someRequests(src, rowGroup+rowGroup/3), "a.log")))
	if after := size(); after < before+5*rowGroup {
		t.Errorf("the file had %d bytes, and has %d", before, after)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Results come back as they were; what was provisional goes with the next run.
func TestResults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s := open(t, path)
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	must(t, add(s, batch(someRequests(src, 10), "a.log")))
	event := detect.Event{
		ID: "evt_1", Name: "security.api_enumeration_detected", Severity: detect.High, Detector: "enumeration", ActorID: "192.0.2.1", ActorType: "ip",
		UserIP: "192.0.2.1", Route: "/a", First: start, Last: start.Add(time.Second), Count: 31, Summary: "it did", Confidence: 0.75, Outcome: detect.Attempted,
		Metadata: json.RawMessage(`{"endpoint_count":31}`), Evidence: []detect.Evidence{{Source: 1, Line: 3}, {Source: 1, Line: 4}}, Technique: "T1595", OWASP: "API9:2023",
	}
	going := event
	going.ID = "evt_2"
	alert := detect.Alert{ID: "alr_1", Type: "suspicious_activity", Rule: "api-enumeration", Severity: detect.High, Title: "t", Description: "d",
		ActorID: "192.0.2.1", ActorType: "ip", SourceIP: "192.0.2.1", First: start, Last: start, Events: []string{"evt_1"}, Outcome: detect.Attempted, Metadata: json.RawMessage("{}")}
	incident := detect.Incident{ID: "inc_1", Title: "t", Severity: detect.High, RiskScore: 50, Reasons: []string{"because"}, First: start, Last: start,
		Actors: []string{"192.0.2.1"}, IPs: []string{"192.0.2.1"}, Alerts: []string{"alr_1"}, Outcome: detect.Attempted, Summary: "s"}

	watermark := start.Add(time.Hour)
	must(t, s.BeginResults(watermark, "settings", false))
	saved := keyed.Saved{Machine: "enumeration", Key: "ip\x00\n'", Last: start, State: []byte(`{"A":1}`)}
	must(t, s.SaveStates(func(yield func(string, keyed.Saved) error) error { return yield("events", saved) }))
	results := store.NewResults()
	sink := results.Sink()
	sink.Event(event)
	sink.Alert(alert)
	joined := incident
	joined.Joined = alert.ID
	sink.Incident(joined)
	results.Ending()
	sink.Event(going)
	must(t, s.Finish(results))
	must(t, s.Close())

	s = open(t, path)
	defer s.Close()
	at, settings, err := s.Checkpoint()
	must(t, err)
	if !at.Equal(watermark) || settings != "settings" {
		t.Errorf("checkpoint %s %q", at, settings)
	}
	must(t, s.States(func(stage string, got keyed.Saved) error {
		if stage != "events" || !reflect.DeepEqual(got, saved) {
			t.Errorf("state %q %+v, want %+v", stage, got, saved)
		}
		return nil
	}))
	r, err := s.Report(store.Span{})
	must(t, err)
	if len(r.Events) != 2 || len(r.Alerts) != 1 || len(r.Incidents) != 1 {
		t.Fatalf("%d events, %d alerts, %d incidents; want 2, 1, 1", len(r.Events), len(r.Alerts), len(r.Incidents))
	}
	want := event
	want.Evidence = nil // it names files and stands apart
	if !reflect.DeepEqual(r.Events[0].Event, want) {
		t.Errorf("event\n got %+v\nwant %+v", r.Events[0].Event, want)
	}
	if got := fmt.Sprint(r.Run.Evidence["evt_1"]); got != "[{a.log 3} {a.log 4}]" {
		t.Errorf("evidence %s", got)
	}
	if !reflect.DeepEqual(r.Alerts[0].Alert, alert) {
		t.Errorf("alert\n got %+v\nwant %+v", r.Alerts[0], alert)
	}
	if a := r.Alerts[0]; a.Status != report.Open || a.IncidentID != "inc_1" || !a.CreatedAt.Equal(start) || !a.ResolvedAt.IsZero() {
		t.Errorf("alert %+v, want it open, of inc_1 and since %s", a, start)
	}
	if got := r.Incidents[0]; !reflect.DeepEqual(got.Incident, incident) || len(got.Timeline) != 1 || got.SQL == "" {
		t.Errorf("incident\n got %+v\nwant %+v with a timeline of one step", got, incident)
	}

	must(t, s.BeginResults(watermark, "settings", false))
	must(t, s.Finish(store.NewResults()))
	if r, err = s.Report(store.Span{}); err != nil || len(r.Events) != 1 {
		t.Errorf("%d events after the next run (%v), want the 1 that is not provisional", len(r.Events), err)
	}
	if r, err = s.Report(store.Span{Since: start.Add(time.Minute)}); err != nil || len(r.Events) != 0 {
		t.Errorf("%d events since a minute later (%v), want none", len(r.Events), err)
	}
}

// An alert follows its incident into the one that took it over, listed there or not.
// An event need not have metadata.
func TestEventWithoutMetadata(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	must(t, s.BeginResults(start, "settings", false))
	results := store.NewResults()
	results.Sink().Event(detect.Event{ID: "evt_1", Name: "security.ssrf_attempt", Severity: detect.High, Detector: "ssrf", First: start, Last: start, Outcome: detect.Attempted})
	must(t, s.Finish(results))
	r, err := s.Report(store.Span{})
	must(t, err)
	if len(r.Events) != 1 || string(r.Events[0].Metadata) != "{}" {
		t.Errorf("events %+v", r.Events)
	}
}

// An alert is part of the incident that it joined, or of the one that took that over, whichever
// alerts and addresses these list.
func TestMergedIncident(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s := open(t, path)
	run := func(alerts []detect.Alert, incidents ...detect.Incident) {
		t.Helper()
		must(t, s.BeginResults(start, "settings", false))
		results := store.NewResults()
		for _, a := range alerts {
			results.Sink().Alert(a)
		}
		for _, i := range incidents {
			results.Sink().Incident(i)
		}
		must(t, s.Finish(results))
	}
	alert := func(id string) detect.Alert {
		return detect.Alert{ID: id, Rule: "r", Type: "t", Severity: detect.High, SourceIP: "192.0.2.1", First: start, Last: start, Outcome: detect.Blocked}
	}
	incident := func(id, into, joined string) detect.Incident {
		return detect.Incident{ID: id, Severity: detect.High, First: start, Last: start, MergedInto: into, Joined: joined}
	}
	run([]detect.Alert{alert("a1"), alert("a2")}, incident("i1", "", "a1"), incident("i2", "", "a2"))
	run([]detect.Alert{alert("a3"), alert("a4")}, incident("i2", "i1", ""), incident("i1", "", "a3"), incident("i4", "", "a4"))
	run([]detect.Alert{alert("a1"), alert("a5")}, incident("i1", "", "a1"), incident("i5", "", "a5"), incident("i1", "i5", ""), incident("i5", "i6", ""), incident("i6", "", "a5"))
	must(t, s.Close())
	q, err := store.OpenQuery(path)
	must(t, err)
	defer q.Close()
	var got []string
	must(t, q.Run(t.Context(), "select id, incident_id from alerts order by id", func([]string) error { return nil },
		func(values []any) error { got = append(got, fmt.Sprint(values...)); return nil }))
	if want := []string{"a1i6", "a2i6", "a3i6", "a4i4", "a5i6"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.duckdb")
	s := open(t, path)
	must(t, s.Flush())
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	must(t, s.Close())

	text := filepath.Join(dir, "text")
	must(t, os.WriteFile(text, []byte(strings.Repeat("no database\n", 2000)), 0o600))
	if _, err := store.Open(text); err == nil || !strings.Contains(err.Error(), "not a DuckDB file") {
		t.Errorf("a text file: %v", err)
	}
	cut := filepath.Join(dir, "cut.duckdb")
	whole, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(cut, whole[:len(whole)/2], 0o600))
	for name, open := range map[string]func() error{
		"Open":      func() error { _, err := store.Open(cut); return err },
		"OpenQuery": func() error { _, err := store.OpenQuery(cut); return err },
	} {
		if err := open(); !store.Damaged(err) || strings.Contains(err.Error(), "driver") {
			t.Errorf("%s of a file that is cut off: %v", name, err)
		}
	}
	for name, change := range map[string]func(path string){
		"DuckDB's": func(path string) { must(t, os.WriteFile(path, fromNewerDuckDB(whole), 0o600)) },
		"litesoc's": func(path string) {
			db, err := sql.Open("duckdb", path)
			must(t, err)
			_, err = db.Exec("update litesoc set schema_version = 999")
			must(t, errors.Join(err, db.Close()))
		},
	} {
		newer := filepath.Join(dir, "newer.duckdb")
		must(t, os.WriteFile(newer, whole, 0o600))
		change(newer)
		if _, err := store.OpenQuery(newer); !errors.Is(err, store.ErrNewer) || strings.Contains(err.Error(), "\n") {
			t.Errorf("a newer version of %s: %v", name, err)
		}
	}
	if _, err := store.Open(filepath.Join(dir, "no", "a.duckdb")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing folder: %v", err)
	}
}

// fromNewerDuckDB returns the file as a DuckDB of the future would have begun it: with another
// version of its layout, and the checksum of that.
func fromNewerDuckDB(file []byte) []byte {
	const header, version = 4096, 12
	file = bytes.Clone(file)
	binary.LittleEndian.PutUint64(file[version:], 999)
	sum := uint64(5381)
	for at := 8; at < header; at += 8 {
		sum ^= binary.LittleEndian.Uint64(file[at:]) * 0xbf58476d1ce4e5b9
	}
	binary.LittleEndian.PutUint64(file, sum)
	return file
}

// A person's query can read the store and nothing else.
func TestQuery(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.duckdb")
	s := open(t, path)
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	must(t, add(s, batch(someRequests(src, 100), "a.log")))
	must(t, s.Flush())
	must(t, s.Close())
	secret := filepath.Join(dir, "secret.csv")
	must(t, os.WriteFile(secret, []byte("a\n1\n"), 0o600))

	q, err := store.OpenQuery(path)
	must(t, err)
	defer q.Close()
	for _, test := range []struct{ query, want string }{
		{"select count(*) as n from requests", "[n] [100]"},
		{"select actor_type, count(*) from requests group by 1 order by 1", "[actor_type count_star()] [api_key 25] [ip 25] [token 25] [user 25]"},
		{"select event_name, count(*) from activity group by 1 order by 1", "[event_name count_star()] [auth.api_key_used 25] [auth.login_failed 25]"},
		{"select count(*) from ips where first_seen <= last_seen", "[count_star()] [100]"},
		{"select interval 3000000 hours as i", "[i] [3000000:00:00]"},
		{"select to_microseconds(-9223372036854775808) as i", "[i] [-2562047788:00:54.775808]"},
		{"delete from request_rows", "read-only"},
		{"select * from read_csv('" + secret + "')", "disabled"},
		{"copy requests to '" + secret + "'", "disabled"},
		{"attach '" + filepath.Join(dir, "b.duckdb") + "'", "disabled"},
		{"set enable_external_access = true", "locked"},
		{"select nonsense", "nonsense"},
	} {
		t.Run(test.query, func(t *testing.T) {
			var got []string
			err := q.Run(t.Context(), test.query,
				func(names []string) error { got = append(got, fmt.Sprint(names)); return nil },
				func(values []any) error { got = append(got, fmt.Sprint(values)); return nil })
			text := strings.Join(got, " ")
			if err != nil {
				text = err.Error()
			}
			if !strings.Contains(text, test.want) {
				t.Errorf("%s\nwant %s", text, test.want)
			}
		})
	}
}

// What is kept of a log comes back in the order of its lines, late ones included, and
// can be dropped without touching other logs.
func TestKeptAndDrop(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	other := &parsers.Source{ID: 2, Path: "b.log", Format: "json", Fingerprint: "g", First: start}
	want := someRequests(src, 120_000) // more than is sorted at once
	for i := range want {
		want[i].Time = start.Add(time.Duration(len(want)-i) * time.Second) // not the order of time
	}
	want[17].Late = true
	must(t, add(s, batch(slices.Clone(want), "a.log")))
	must(t, add(s, batch(someRequests(other, 10), "b.log")))
	must(t, s.Flush())
	n := 0
	for got, err := range s.Kept(1) {
		must(t, err)
		if w := want[n]; got.Line != w.Line || !got.Time.Equal(w.Time) || got.Path != w.Path || got.ClientIP != w.ClientIP || got.Status != w.Status {
			t.Fatalf("request %d:\n got %+v\nwant %+v", n, got, w)
		}
		n++
	}
	if n != len(want) {
		t.Fatalf("%d requests, want %d", n, len(want))
	}
	for range s.Kept(1) {
		break // the store is of use after that
	}
	must(t, s.Drop(1))
	for got := range s.Kept(1) {
		t.Fatalf("%+v is still kept", got)
	}
	known, err := s.Known()
	must(t, err)
	if len(known) != 1 || known[0].Source.ID != 2 {
		t.Errorf("known %+v, want b.log alone", known)
	}
	r, err := s.Report(store.Span{})
	must(t, err)
	if got := fmt.Sprint(r.Log.Statuses, r.Log.Lines); got != "[{2xx 7} {none 3}] 10" {
		t.Errorf("the report counts %s, want 10 requests", got)
	}
	if got := replay(t, s, time.Time{}, other); len(got) != 10 {
		t.Errorf("%d requests of the other log, want 10", len(got))
	}
}

// A store is made of a file alone: what is none is left as it is.
func TestOpenNoFile(t *testing.T) {
	if _, err := store.Open(""); err == nil || !strings.Contains(err.Error(), "no file is named") {
		t.Errorf("no name: %v", err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skip("no mkfifo here")
	}
	if _, err := store.Open(pipe); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a pipe: %v", err)
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is gone: %v %v", info, err)
	}
}

// A folder may hold thousands of logs: their positions fit into one transaction, also
// when all of them have moved on.
func TestManyLogs(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	const n = 5000
	for round := range int64(2) {
		for id := 1; id <= n; id++ {
			src := &parsers.Source{ID: id, Path: "a.log", Format: "json", Fingerprint: fmt.Sprint(id), First: start}
			r := parsers.Request{Time: start, Source: src, Line: round + 1, ClientIP: "192.0.2.1", Bytes: -1, Duration: -1, Records: -1}
			b := batch([]parsers.Request{r}, "a.log")
			b.After.Lines = round + 1
			must(t, add(s, b))
		}
		must(t, s.Flush())
		known, err := s.Known()
		must(t, err)
		if len(known) != n || known[n-1].Source.ID != n || known[n-1].At.Lines != round+1 {
			t.Fatalf("%d logs, the last %+v; want %d at line %d", len(known), known[len(known)-1], n, round+1)
		}
	}
}

// A store of an earlier version becomes one like a new one, and keeps what it holds.
func TestMigrate(t *testing.T) {
	const (
		requests = `select line, path, query, request_id, body, status, bytes, duration_ms, records, late from requests order by line`
		routes   = `select path, route from requests order by line`
		found    = `select a.id, a.status, a.count, a.updated_at, i.id, i.status, i.risk_score from alerts a join incidents i on a.incident_id = i.id`
	)
	for _, c := range []struct {
		file string
		want map[string]string // of queries
	}{
		{"schema-1.sql", map[string]string{
			routes: "/users/7 /users/{id}\n/shops/rosewood /shops/rosewood\n",
			found:  "alt_1 open 2 2026-03-01 10:00:01 +0000 UTC inc_1 open 50\n",
		}},
		{"schema-4.sql", map[string]string{
			requests: `1 /users/7 <nil> <nil> <nil> 200 10 <nil> <nil> false
2 /users/7 <nil> req-2 <nil> 200 10 <nil> <nil> false
3 /users/7 a=1 <nil> {"a":1} 200 10 0.025 <nil> false
4 /users/7 a=1 req-4 {"b":1} 200 10 <nil> 3 true
5 /users/8 <nil> <nil> <nil> 200 <nil> <nil> <nil> false
6 /users/9 q=a long text that repeats nowhere req-6 <nil> 200 <nil> <nil> <nil> false
7 <nil> <nil> <nil> <nil> <nil> <nil> <nil> <nil> false
`,
			`select path, query from targets where id > 0 order by id`: "/users/7 <nil>\n/users/7 a=1\n",
			`select count(*) from checkpoint`:                          "0\n",
			`select lateness_us, leapt from litesoc, sources`:          "-1 <nil>\n",
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			old, err := os.ReadFile(filepath.Join("..", "..", "testdata", "store", c.file))
			must(t, err)
			path := filepath.Join(t.TempDir(), "old.duckdb")
			db, err := sql.Open("duckdb", path)
			must(t, err)
			if _, err := db.Exec(string(old)); err != nil {
				t.Fatal(err)
			}
			must(t, db.Close())
			open(t, path).Close()
			fresh := filepath.Join(t.TempDir(), "new.duckdb")
			open(t, fresh).Close()
			for _, q := range []string{
				`select table_name, column_name, data_type, is_nullable, column_index from duckdb_columns() where not internal order by all`,
				`select view_name, sql from duckdb_views() where not internal order by all`,
				`select schema_version from litesoc`,
			} {
				if got, want := query(t, path, q), query(t, fresh, q); got != want {
					t.Errorf("%s:\n got %s\nwant %s", q, got, want)
				}
			}
			for q, want := range c.want {
				if got := query(t, path, q); got != want {
					t.Errorf("%s:\n got %s\nwant %s", q, got, want)
				}
			}
			s := open(t, path)
			defer s.Close()
			known, err := s.Known()
			if err != nil || len(known) != 1 || known[0].Source.Fingerprint != "f" {
				t.Errorf("known %+v, %v", known, err)
			}
		})
	}
}

// query returns the rows of a query as text; of one over no database, if path is "".
func query(t *testing.T, path, q string) string {
	t.Helper()
	mode := "?access_mode=read_only"
	if path == "" {
		mode = "" // in memory
	}
	db, err := sql.Open("duckdb", path+mode)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	values, cells := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		cells[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, values...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The routes of all that is kept follow what was learned, and go back if it was
// forgotten.
func TestSetRoutes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	requests := make([]parsers.Request, 12)
	learner := parsers.NewRouteLearner(10, nil)
	for i := range requests {
		shape := fmt.Sprintf("/shops/rosewood%c", 'a'+rune(i))
		if i == 11 {
			shape = "/about/us"
		}
		requests[i] = parsers.Request{Time: start, Source: src, Line: int64(i + 1), Method: "GET", Path: shape, Shape: shape, Status: 200}
		learner.Observe(&requests[i])
	}
	const routes = `select route, count(*) from requests group by 1 order by 1`
	for _, c := range []struct {
		learner *parsers.RouteLearner
		want    string
	}{
		{learner, "/about/us 1\n/shops/{name} 11\n"},
		{learner, "/about/us 1\n/shops/{name} 11\n"},
		{parsers.NewRouteLearner(0, nil), "/about/us 1\n/shops/rosewooda 1\n/shops/rosewoodb 1\n"},
	} {
		s := open(t, path)
		if requests != nil {
			if err := add(s, batch(requests, "a.log")); err != nil {
				t.Fatal(err)
			}
			requests = nil
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.BeginResults(start, "", false); err != nil {
			t.Fatal(err)
		}
		if err := s.SetRoutes(c.learner); err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(store.NewResults()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := query(t, path, routes); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Where addresses are is kept once, and told anew by another atlas.
func TestSetOrigins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	known := map[string]*parsers.Origin{
		"192.0.2.1": {Country: "DE", Latitude: 52.5, Longitude: 13.4, RadiusKM: 20, ASN: 64500, Org: "Example", Traits: parsers.Tor | parsers.Relay,
			Checked: parsers.Tor},
		"192.0.2.2": {Country: "BR", Checked: parsers.Tor},
	}
	asked := 0
	atlas := func(name string) *store.Atlas {
		return &store.Atlas{Name: name, Country: func(code string) string { return "name of " + code },
			Lookup: func(ip string) *parsers.Origin { asked++; return known[ip] }}
	}
	const ips = `select ip, country_code, country, latitude, accuracy_km, asn, as_org, is_tor, is_vpn, is_proxy from ips order by ip`
	const first = "192.0.2.1 DE name of DE 52.5 20 64500 Example true <nil> true\n192.0.2.2 BR name of BR <nil> <nil> <nil> <nil> false <nil> <nil>\n"
	for i, c := range []struct {
		ips   []string
		atlas *store.Atlas
		asked int
		want  string
	}{
		{[]string{"192.0.2.1", "192.0.2.1", "192.0.2.2"}, atlas("one"), 2, first},
		{[]string{"192.0.2.2"}, atlas("one"), 0, first},
		{[]string{"unknown"}, atlas("one"), 1, first + "unknown <nil> <nil> <nil> <nil> <nil> <nil> <nil> <nil> <nil>\n"},
		{nil, atlas("two"), 3, first + "unknown <nil> <nil> <nil> <nil> <nil> <nil> <nil> <nil> <nil>\n"},
	} {
		s := open(t, path)
		var requests []parsers.Request
		for k, ip := range c.ips {
			requests = append(requests, parsers.Request{Time: start, Source: src, Line: int64(10*i + k + 1), ClientIP: ip, Status: 200})
		}
		if len(requests) > 0 {
			if err := add(s, batch(requests, "a.log")); err != nil {
				t.Fatal(err)
			}
		}
		begin := func() error { return s.BeginResults(start, "", false) }
		if i == 2 {
			begin = s.MoreResults
		}
		if err := begin(); err != nil {
			t.Fatal(err)
		}
		asked = 0
		if err := s.SetOrigins(c.atlas); err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(store.NewResults()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if asked != c.asked {
			t.Errorf("run %d: asked for %d addresses, want %d", i, asked, c.asked)
		}
		if got := query(t, path, ips); got != c.want {
			t.Errorf("run %d: got\n%swant\n%s", i, got, c.want)
		}
	}
}

// A report is read within the least memory that a scan may be given, however many callers
// there are.
func TestReportManyCallers(t *testing.T) {
	const callers = 1_200_000
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s, err := store.Open(path)
	must(t, err)
	must(t, s.Close())
	db, err := sql.Open("duckdb", path)
	must(t, err)
	for _, query := range []string{
		`insert into callers (id, client_ip, user_agent, user_id) select n, '2001:db8:' || to_hex(n // 65536) || ':' || to_hex(n % 65536) || '::1',
			'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0', 'user' || n % 100000 from range(1, ` + fmt.Sprint(callers+1) + `) t(n)`,
		`insert into calls (id, method, shape, status, route) values (1, 'GET', '/a', 200, '/a')`,
		`insert into request_rows select timestamp '2026-03-01' + to_seconds(id // 100), id, 1, 0, 100, -1, 0, -1, false, 1, id, [] from callers where id > 0`,
	} {
		_, err := db.Exec(query)
		must(t, err)
	}
	must(t, db.Close())
	s, err = store.OpenWithin(path, 64<<20)
	must(t, err)
	defer s.Close()
	r, err := s.Report(store.Span{})
	must(t, err)
	if l := r.Log; l.Clients != callers || l.Actors != 100_000 || len(l.TopClients) != 10 || l.TopClients[0].Count != 1 {
		t.Errorf("%d clients, %d actors, the top ones %v", l.Clients, l.Actors, l.TopClients)
	}
}

// What is left of a store whose process was killed while it made the file is made anew;
// what is no such file stays as it is.
func TestBegun(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.duckdb")
	must(t, open(t, path).Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	for _, test := range []struct {
		name  string
		begin []byte
		opens bool
	}{
		{"nothing", nil, true},
		{"one header", whole[:4096], true},
		{"two headers", whole[:8192], true},
		{"less than a header", whole[:100], false},
		{"a text", bytes.Repeat([]byte("a list. "), 700), false},
		{"damaged", append(slices.Clone(whole[:4096]), make([]byte, 8192)...), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(dir, test.name)
			must(t, os.WriteFile(path, test.begin, 0o600))
			s, err := store.Open(path)
			if (err == nil) != test.opens {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				must(t, s.Close())
				return
			}
			if now, _ := os.ReadFile(path); !bytes.Equal(now, test.begin) {
				t.Errorf("the file has changed: %d bytes, were %d", len(now), len(test.begin))
			}
		})
	}
}

// A request counts in the column of the activity that its time is in, however late in it.
func TestReportActivity(t *testing.T) {
	s := open(t, store.Memory)
	defer s.Close()
	src := &parsers.Source{ID: 1, Path: "a.log", Format: "json", Fingerprint: "f", First: start}
	var rs []parsers.Request
	for i, at := range []time.Duration{0, 999_999 * time.Microsecond, time.Second, 1700 * time.Millisecond, 3 * time.Second} {
		rs = append(rs, parsers.Request{Time: start.Truncate(time.Second).Add(at), Source: src, Line: int64(i + 1), Status: 200})
	}
	must(t, add(s, batch(rs, "a.log")))
	must(t, s.Flush())
	r, err := s.Report(store.Span{})
	must(t, err)
	if want := []int64{2, 2, 0, 1}; r.Log.Activity.Step != 1 || !slices.Equal(r.Log.Activity.Total, want) {
		t.Errorf("the activity is %v in steps of %d s, not %v", r.Log.Activity.Total, r.Log.Activity.Step, want)
	}
}

// Who may not write to a store, or not beside it, is told so before anything is tried, in the
// words of the system.
func TestNotWritable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	for _, tt := range []struct {
		name         string
		file, folder os.FileMode
		read         bool
		want         string
	}{
		{"neither read nor written", 0, 0o700, false, "cannot be written to: permission denied"},
		{"read", 0o400, 0o700, true, "cannot be written to: permission denied"},
		{"nothing beside it", 0o600, 0o500, true, "its folder"},
		{"all", 0o600, 0o700, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.duckdb")
			s, err := store.Open(path)
			if err == nil {
				err = s.Close()
			}
			if err := errors.Join(err, os.Chmod(path, tt.file), os.Chmod(dir, tt.folder)); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(dir, 0o700)
			said := func(what string, err error, want string) {
				t.Helper()
				if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "driver")) {
					t.Errorf("%s: %v, want %q", what, err, want)
				}
				if err != nil && !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%s: %v is no matter of permission", what, err)
				}
			}
			said("Writable", store.Writable(path), tt.want)
			s, err = store.Open(path)
			said("Open", err, tt.want)
			if err == nil {
				s.Close()
			}
			release, err := store.Own(path)
			said("Own", err, tt.want)
			if err == nil {
				release()
			}
			q, err := store.OpenQuery(path)
			if tt.read != (err == nil) {
				t.Errorf("OpenQuery: %v", err)
			}
			if err != nil {
				said("OpenQuery", err, "permission denied")
				return
			}
			q.Close()
		})
	}
}

// A folder is called one.
func TestFolderIsNoStore(t *testing.T) {
	dir := t.TempDir()
	for what, open := range map[string]func() error{
		"Open":      func() error { _, err := store.Open(dir); return err },
		"OpenQuery": func() error { _, err := store.OpenQuery(dir); return err },
	} {
		if err := open(); err == nil || !strings.HasSuffix(err.Error(), ": is a folder") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
