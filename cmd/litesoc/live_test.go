package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
)

// hostile is text that would take over a terminal.
const hostile = "\x1b]0;owned\x07\u202eevil\r\n\x1b[2J"

func someStatus() *tailStatus {
	s := &tailStatus{at: demoStart.Add(time.Hour), started: demoStart, rate: 1234.5, lag: 2 * time.Second, minParsed: 0.5,
		top: []count{{hostile, 7}, {"203.0.113.9", 3}},
		logs: []source.Following{
			{Path: "/var/log/" + hostile, Format: "nginx-combined", At: source.Position{Lines: 10}, Idle: time.Second},
			{Path: "b.log", Format: "json", Behind: 5_000_000, Idle: time.Second, Skew: -2 * time.Hour, At: source.Position{Lines: 200, Parsed: 50, Rejected: 150}},
			{Path: "c.log", Pending: true, Idle: -1, Behind: -1},
		}}
	s.behind, s.stats.Requests, s.stats.Alerts[detect.High] = 5_000_000, 12345, 2
	return s
}

// The live view fits its terminal, whatever a log makes it show.
func TestScreen(t *testing.T) {
	for _, size := range [][2]int{{120, 40}, {80, 24}, {60, 12}, {40, 8}} {
		v := &view{form: "text", out: io.Discard, stderr: io.Discard, db: "x.duckdb"}
		for range 30 {
			v.alert(detect.Alert{ID: "alt_0123456789abcdef", Severity: detect.High, Title: "Brute force", ActorID: hostile, SourceIP: "203.0.113.9", Last: demoStart}, false)
		}
		v.form = "live"
		v.note("a note " + hostile)
		lines := v.screen(someStatus(), size[0], size[1])
		if len(lines) > size[1] {
			t.Errorf("%d lines of %d", len(lines), size[1])
		}
		for _, line := range lines {
			if w := lipgloss.Width(line); w > size[0] {
				t.Errorf("%d cells of %d: %q", w, size[0], line)
			}
			if line != report.Show(line) {
				t.Errorf("not fit to print: %q", line)
			}
		}
		if text := strings.Join(lines, "\n"); size[0] >= 80 && !strings.Contains(text, "1234 lines/s") || size[1] > 20 && !strings.Contains(text, "HIGH") {
			t.Errorf("shows\n%s", text)
		}
	}
}

// An alert that goes on is shown as it is now, where it stands.
func TestScreenGoesOn(t *testing.T) {
	v := &view{form: "live", out: io.Discard, stderr: io.Discard, db: "x.duckdb"}
	a := detect.Alert{ID: "alt_1", Severity: detect.High, Title: "Brute force", ActorID: "203.0.113.9", Last: demoStart, Count: 5}
	v.alert(a, false)
	v.alert(detect.Alert{ID: "alt_2", Title: "Enumeration", Last: demoStart}, false)
	a.Count, a.Last = 48, demoStart.Add(3*time.Minute)
	v.goesOn(a)
	text := strings.Join(v.screen(someStatus(), 120, 40), "\n")
	if !strings.Contains(text, "00:03:00  HIGH      alt_1  Brute force: 203.0.113.9, 48 requests") || strings.Count(text, "alt_1") != 1 {
		t.Errorf("shows\n%s", text)
	}
}

// A line of text is fit to print, and says what is odd about a log once.
func TestPlainView(t *testing.T) {
	var out, stderr bytes.Buffer
	v := &view{form: "text", out: &out, stderr: &stderr, db: "x", odd: map[string]bool{}}
	v.alert(detect.Alert{ID: "alt_1", Severity: detect.Critical, Title: hostile, Description: hostile, Last: demoStart}, true)
	for range 2 {
		v.status(someStatus())
	}
	if text := out.String(); strings.Count(text, "\n") != 1 || strings.ContainsAny(text, "\x1b\x07\r\u202e") || !strings.Contains(text, "worse than before") {
		t.Errorf("%q", text)
	}
	if text := stderr.String(); strings.Count(text, "b.log") != 1 || !strings.Contains(text, "150 of 200 lines cannot be read as json") {
		t.Errorf("%q", text)
	}
}

// Figures are served on loopback alone.
func TestMetrics(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0", "127.0.0.1"} {
		if _, err := serveMetrics(address); err == nil {
			t.Errorf("%s: no error", address)
		}
	}
	m, err := serveMetrics("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	m.set(someStatus())
	answer, err := http.Get("http://" + m.at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nlitesoc_requests_total 12345\n", "\nlitesoc_alerts_total{severity=\"high\"} 2\n", "\nlitesoc_lag_seconds 2\n", "\nlitesoc_unread_bytes 5e+06\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A rate is that of the last seconds.
func TestRate(t *testing.T) {
	var r rate
	for s := range 20 {
		r.add(demoStart.Add(time.Duration(s)*time.Second), 100)
	}
	if got := r.perSecond(demoStart.Add(20 * time.Second)); got != 100 {
		t.Errorf("%v", got)
	}
	if got := r.perSecond(demoStart.Add(time.Hour)); got != 0 {
		t.Errorf("an hour later: %v", got)
	}
}
