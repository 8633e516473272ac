package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// entry is an alert of the severity that was queued then.
func entry(id string, s detect.Severity, queued time.Time) Entry {
	n := hostile()
	n.ID, n.Alert.Severity = id, s
	return Entry{Notice: n, Queued: queued, Due: queued}
}

// said writes a plan in short: messages, then what is held.
func said(messages []Message, held []Postponement) string {
	var parts []string
	for _, m := range messages {
		var ids []string
		for _, n := range m.Notices {
			ids = append(ids, n.ID)
		}
		text := strings.Join(ids, "+")
		if m.Held {
			text += " held"
		}
		parts = append(parts, text)
	}
	for _, h := range held {
		parts = append(parts, fmt.Sprintf("%s until %s", strings.Join(h.IDs, "+"), h.Until.UTC().Format("Mon 15:04")))
	}
	return strings.Join(parts, "; ")
}

func TestPlan(t *testing.T) {
	// 1 March 2026 is a Sunday; Berlin is an hour ahead of UTC.
	at := func(clock string) time.Time {
		day := 1
		if c, ok := strings.CutPrefix(clock, "+"); ok {
			day, clock = 2, c
		}
		c, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(2026, 3, day, c.Hour(), c.Minute(), 0, 0, time.UTC)
	}
	quiet := Config{Type: "slack", URL: "https://example.com/", QuietHours: "Mon-Sun 22:00-07:00 Europe/Berlin"}
	digest := Config{Type: "slack", URL: "https://example.com/", Digest: 15 * time.Minute}
	both := quiet
	both.Digest = time.Hour
	plain := Config{Type: "slack", URL: "https://example.com/"}
	pager := Config{Type: "pagerduty", RoutingKey: "${PD}", QuietHours: quiet.QuietHours}
	for _, test := range []struct {
		name   string
		config Config
		due    []Entry
		last   time.Time
		now    time.Time
		want   string
	}{
		{"nothing", plain, nil, time.Time{}, noon, ""},
		{"one", plain, []Entry{entry("a", detect.High, noon)}, noon, noon, "a"},
		{"in order", plain, []Entry{entry("b", detect.Low, noon), entry("a", detect.High, noon), entry("c", detect.Low, at("11:00"))}, noon, noon, "c; a; b"},
		{"a storm", plain, []Entry{entry("a", 1, noon), entry("b", 1, noon), entry("c", 1, noon), entry("d", 1, noon), entry("e", 1, noon), entry("f", 1, noon)}, noon, noon, "a+b+c+d+e+f"},
		{"quiet", quiet, []Entry{entry("a", detect.High, at("21:30"))}, time.Time{}, at("21:30"), "a until Mon 06:00"},
		{"not quiet yet", quiet, []Entry{entry("a", detect.High, at("20:59"))}, time.Time{}, at("20:59"), "a"},
		{"critical passes", quiet, []Entry{entry("a", detect.High, at("22:00")), entry("b", detect.Critical, at("22:01"))}, time.Time{}, at("23:00"), "b; a until Mon 06:00"},
		{"the morning after", quiet, []Entry{entry("a", detect.High, at("22:00")), entry("b", detect.Low, at("23:00")), entry("c", detect.Low, at("+06:10"))}, time.Time{}, at("+06:10"), "a+b held; c"},
		{"one held", quiet, []Entry{entry("a", detect.High, at("22:00"))}, time.Time{}, at("+06:00"), "a held"},
		{"digest, first", digest, []Entry{entry("a", detect.High, noon)}, time.Time{}, noon, "a"},
		{"digest, too early", digest, []Entry{entry("a", detect.Critical, noon), entry("b", detect.Low, noon)}, noon.Add(-time.Minute), noon, "a+b until Sun 12:14"},
		{"digest, due", digest, []Entry{entry("a", detect.High, noon), entry("b", detect.Low, noon)}, noon.Add(-15 * time.Minute), noon, "a+b"},
		{"both", both, []Entry{entry("a", detect.High, at("22:00")), entry("b", detect.Critical, at("22:00"))}, at("21:30"), at("22:00"), "a until Mon 06:00; b until Sun 22:30"},
		{"a pager takes one at a time", pager, []Entry{entry("a", detect.High, at("22:00")), entry("b", detect.High, at("22:30"))}, time.Time{}, at("+06:00"), "a; b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := said(open(t, test.config, nil).Plan(test.due, test.last, test.now))
			if got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

// The wait doubles up to its bound, never falls below what the other side asks for, and
// ends.
func TestRetry(t *testing.T) {
	m := NewMessage(noon, hostile())
	var waits []string
	for n := 1; ; n++ {
		at, again := Retry(&m, n, &SendError{}, noon)
		if !again {
			waits = append(waits, fmt.Sprintf("parked after %d", n))
			break
		}
		wait := at.Sub(noon)
		if most := min(firstBackoff<<(n-1), maxBackoff); n < 12 && (wait > most || wait < most/2) || wait > maxBackoff {
			t.Errorf("attempt %d: %v", n, wait)
		}
		waits = append(waits, wait.Round(time.Second).String())
	}
	other := m
	other.ID = "ntf_other"
	a, _ := Retry(&m, 5, &SendError{}, noon)
	b, _ := Retry(&other, 5, &SendError{}, noon)
	if a.Equal(b) {
		t.Error("two messages come back at the same moment")
	}
	if at, again := Retry(&m, 1, &SendError{After: 10 * time.Minute}, noon); !again || at.Sub(noon) != 10*time.Minute {
		t.Errorf("asked for 10m, got %v", at.Sub(noon))
	}
	if at, _ := Retry(&m, 1, &SendError{After: 1000 * time.Hour}, noon); at.Sub(noon) != maxAfter {
		t.Errorf("asked for 1000h, got %v", at.Sub(noon))
	}
	if _, again := Retry(&m, 1, &SendError{Permanent: true}, noon); again {
		t.Error("a permanent error is tried again")
	}
	t.Log(waits)
}
