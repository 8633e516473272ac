package detect

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones wherever tests run
)

func TestHours(t *testing.T) {
	tests := []struct {
		hours, at string
		outside   bool
	}{
		{"", "2026-03-01T03:00:00Z", false}, // none are set
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-02T06:59:59Z", true},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-02T07:00:00Z", false},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-02T16:59:59Z", false},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-02T17:00:00Z", true},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-06T12:00:00Z", false},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-07T12:00:00Z", true}, // Saturday
		// Summer time begins on 2026-03-29 and ends on 2026-10-25.
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-30T06:00:00Z", false},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-03-30T16:00:00Z", true},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-10-23T06:30:00Z", false},
		{"Mon-Fri 08:00-18:00 Europe/Berlin", "2026-10-26T06:30:00Z", true},
		// 02:30 comes twice on 2026-10-25, and not at all on 2026-03-29.
		{"Sun 02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", false},
		{"Sun 02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", false},
		{"Sun 02:00-03:00 Europe/Berlin", "2026-03-29T01:30:00Z", true},
		{"Mon-Fri 9:00-17:00", "2026-03-02T09:00:00Z", false}, // UTC
		{"Mon-Fri 9:00-17:00 America/New_York", "2026-03-03T00:00:00Z", true},
		{"Mon-Fri 9:00-17:00 America/New_York", "2026-03-02T21:59:00Z", false},
		{"Mon-Fri 9:00-17:00 Asia/Kolkata", "2026-03-02T03:29:00Z", true},
		{"Mon-Fri 9:00-17:00 Asia/Kolkata", "2026-03-02T03:30:00Z", false},
		// Several times behind the same days, other days, and lists of days.
		{"Mon-Thu 08:00-12:00, 13:00-17:00; Fri 08:00-13:00", "2026-03-02T12:30:00Z", true},
		{"Mon-Thu 08:00-12:00, 13:00-17:00; Fri 08:00-13:00", "2026-03-05T16:00:00Z", false},
		{"Mon-Thu 08:00-12:00, 13:00-17:00; Fri 08:00-13:00", "2026-03-06T16:00:00Z", true},
		{"Mon-Thu 08:00-12:00, 13:00-17:00; Fri 08:00-13:00", "2026-03-06T12:59:00Z", false},
		{"mon,WED,Friday 08:00-12:00", "2026-03-06T08:00:00Z", false},
		{"mon,WED,Friday 08:00-12:00", "2026-03-05T08:00:00Z", true},
		// Across midnight, and across the end of the week.
		{"Mon 22:00-06:00", "2026-03-02T23:00:00Z", false},
		{"Mon 22:00-06:00", "2026-03-03T05:59:00Z", false},
		{"Mon 22:00-06:00", "2026-03-03T06:00:00Z", true},
		{"Mon 22:00-06:00", "2026-03-02T05:00:00Z", true},
		{"Sat 22:00-06:00", "2026-03-01T05:00:00Z", false},
		{"Fri-Mon 10:00-11:00", "2026-03-01T10:30:00Z", false},
		{"Fri-Mon 10:00-11:00", "2026-03-03T10:30:00Z", true},
		{"Mon-Sun 00:00-24:00", "2026-03-01T23:59:59Z", false},
		{"Sat-Sun 00:00-24:00", "2026-03-02T00:00:00Z", true},
	}
	for _, test := range tests {
		t.Run(test.hours+" "+test.at, func(t *testing.T) {
			h, err := ParseHours(test.hours)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, test.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := h.Outside(at); got != test.outside {
				t.Errorf("outside: %v", got)
			}
			if again, err := ParseHours(h.String()); err != nil || again.Outside(at) != test.outside {
				t.Errorf("%q is not read back: %v", h, err)
			}
		})
	}
}

func TestHoursRefused(t *testing.T) {
	for text, want := range map[string]string{
		"Mon-Fri":                              "days without a time",
		"08:00-18:00":                          "belongs to no day",
		"Europe/Berlin":                        "days without a time",
		"Mon-Fri 08:00-18:00 Europe/Atlanti":   "nor a time zone",
		"Mon-Fri 08:00-18:00 Local":            "nor a time zone",
		"Mon-Fri 08:00-18:00 ../etc/passwd":    "nor a time zone",
		"Mon-Fri Europe/Berlin 08:00-18:00":    "neither days",
		"Mon-Fri 08:00-25:00":                  "nor a time zone",
		"Mon-Fri 08:00-24:01":                  "nor a time zone",
		"Mon-Fri 8-18 UTC":                     "neither days",
		"Mon-Fri 08:00-08:00":                  "nor a time zone",
		"Mon-Fri 24:00-08:00":                  "nor a time zone",
		"Mon-Noday 08:00-18:00":                "neither days",
		"Mon-Fri 08:00-18:00, Sat UTC":         "days without a time",
		strings.Repeat("Mon 08:00-09:00 ", 60): "more than 500 bytes",
	} {
		if h, err := ParseHours(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %q", text, h, err, want)
		}
	}
}

func FuzzParseHours(f *testing.F) {
	f.Add("Mon-Fri 08:00-18:00 Europe/Berlin")
	f.Add("Sun,Tue 22:00-06:00; Wed 1:00-24:00, 3:05-3:04")
	f.Add("Mon\x00-\xff :-: ../../x")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHours(text)
		if err != nil {
			return
		}
		for minute := range 7 * 24 {
			at := noon.Add(time.Duration(minute) * time.Hour)
			again, err := ParseHours(h.String())
			if err != nil || again.Outside(at) != h.Outside(at) {
				t.Fatalf("%q is not read back as %q: %v", text, h, err)
			}
		}
		for _, r := range h.ranges {
			if r.from < 0 || r.from >= r.to || r.to > minutesOfWeek {
				t.Fatalf("%q: minutes %d to %d of a week", text, r.from, r.to)
			}
		}
	})
}
