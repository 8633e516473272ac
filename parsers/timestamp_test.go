package parsers

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	tests := []struct{ in, want string }{
		{"01/Mar/2026:10:00:00 +0000", "2026-03-01T10:00:00Z"},
		{"01/Mar/2026:00:30:00 +0130", "2026-02-28T23:00:00Z"},
		{"31/Dec/2025:23:59:59 -0800", "2026-01-01T07:59:59Z"},
		{"29/Feb/2024:12:00:00 +0000", "2024-02-29T12:00:00Z"},
		{"29/Feb/2000:12:00:00 +0000", "2000-02-29T12:00:00Z"},
		{"01/Mar/2026:10:00:00", "2026-03-01T10:00:00Z"},
		{"01/Mar/2026:10:00:00.250 +0000", "2026-03-01T10:00:00.25Z"},
		{"30/Jun/2015:23:59:60 +0000", "2015-07-01T00:00:00Z"}, // a leap second
		{"29/Feb/2026:12:00:00 +0000", ""},
		{"29/Feb/1900:12:00:00 +0000", ""},
		{"31/Apr/2026:12:00:00 +0000", ""},
		{"00/Mar/2026:12:00:00 +0000", ""},
		{"01/mar/2026:12:00:00 +0000", ""},
		{"01/Mar/2026:24:00:00 +0000", ""},
		{"01/Mar/2026:12:60:00 +0000", ""},
		{"01/Mar/2026:12:00:61 +0000", ""},
		{"01/Mar/2026:12:00:00 +9900", ""},
		{"01/Mar/2026:12:00:00 +0060", ""},
		{"01/Mar/2026:12:00:00 CET", ""},
		{"01/Mar/2026:12:00:00. +0000", ""},
		{"01/Mar/2026 12:00:00 +0000", ""},
		{"0a/Mar/2026:12:00:00 +0000", ""},
		{"-1/Mar/2026:12:00:00 +0000", ""},

		{"2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"},
		{"2026-03-01T10:00:00", "2026-03-01T10:00:00Z"},
		{"2026-03-01 10:00:00,5", "2026-03-01T10:00:00.5Z"},
		{"2026/03/01 10:00:00", "2026-03-01T10:00:00Z"},
		{"2026-03-01T10:00:00.123456789123+02:00", "2026-03-01T08:00:00.123456789Z"},
		{"2026-03-01T10:00:00+0200", "2026-03-01T08:00:00Z"},
		{"2026-03-01T10:00:00+02", "2026-03-01T08:00:00Z"},
		{"2026-03-01 10:00:00 +0000", "2026-03-01T10:00:00Z"},
		{"2026-03-01 10:00:00 UTC", "2026-03-01T10:00:00Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
		{"0000-12-31T23:59:59Z", ""},
		{"0001-01-01T00:30:00+01:00", ""}, // of the year 0 in UTC
		{"0000-12-31T23:30:00-01:00", "0001-01-01T00:30:00Z"},
		{"9999-12-31T23:30:00-01:00", ""},
		{"9999-12-31T23:59:60Z", ""},
		{"01/Jan/0000:00:00:00 +0100", ""},
		{"2026-3-01T10:00:00Z", ""},
		{"2026-03-01X10:00:00Z", ""},
		{"2026-03-01T10:00:00+2:000", ""},
		{"2026-03-01T10:00", ""},

		{"Sun, 01 Mar 2026 10:00:00 GMT", "2026-03-01T10:00:00Z"},
		{"Sun, 01 Mar 2026 10:00:00 +0100", "2026-03-01T09:00:00Z"},
		{"Sun, 31 Feb 2026 10:00:00 GMT", ""},
		{"Sun, 1 Mar 2026 10:00:00 GMT ", ""},
		{"Sun,_01_Mar_2026_10:00:00_GMT", ""},

		{"1772359200", "2026-03-01T10:00:00Z"},
		{"1772359200.186", "2026-03-01T10:00:00.186Z"},
		{"1772359200.7564995", "2026-03-01T10:00:00.7564995Z"},
		{"1772359200123", "2026-03-01T10:00:00.123Z"},
		{"1772359200123.5", "2026-03-01T10:00:00.1235Z"},
		{"1772359200123456", "2026-03-01T10:00:00.123456Z"},
		{"1772359200123456789", "2026-03-01T10:00:00.123456789Z"},
		{"1.7723592e9", "2026-03-01T10:00:00Z"},
		{"0", ""},
		{"200", ""},
		{"-1772359200", ""},
		{"99999999999999999999", ""},
		{"17723592001234567891", ""},
		{"1772359200.1x", ""},
		{"1e400", ""},
		{"NaN", ""},
		{".", ""},
		{"", ""},
		{"-", ""},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			got, ok := parseTime(test.in)
			if ok != (test.want != "") {
				t.Fatalf("got %v, %v, want %q", got, ok, test.want)
			}
			if ok && (got.Format(time.RFC3339Nano) != test.want || got.Location() != time.UTC) {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

// TestParseTimeAgrees compares with the standard library over a year of odd steps.
func TestParseTimeAgrees(t *testing.T) {
	zone := time.FixedZone("", -3*3600-1800)
	at := time.Date(2023, 12, 31, 22, 0, 0, 0, zone)
	for range 5000 {
		at = at.Add(2*time.Hour + 37*time.Minute + 11*time.Second)
		for _, layout := range [...]string{"02/Jan/2006:15:04:05 -0700", time.RFC3339} {
			text := at.Format(layout)
			if got, ok := parseTime(text); !ok || !got.Equal(at) {
				t.Fatalf("%s: got %v, %v", text, got, ok)
			}
		}
	}
}

// A clock reads each text as if it had read none before.
func FuzzClock(f *testing.F) {
	for _, texts := range [][2]string{
		{"1772359200", "1772359200"}, {"1772359200", "1772359201"}, {"nonsense", "1772359201"}, {"1772359201", ""},
		{"2026-03-01T10:00:00.001716Z", "2026-03-01T10:00:00.999999Z"}, {"2026-03-01T10:00:00.001Z", "2026-03-01T10:00:01.002Z"},
		{"2026-03-01T10:00:00.001+01:00", "2026-03-01T10:00:00.002+02:00"}, {"2026-03-01T10:00:00.001Z", "2026-03-01T10:00:00.0x2Z"},
		{"2026-03-01T10:00:00.1234567891Z", "2026-03-01T10:00:00.9876543219Z"}, {"2026-03-01 23:59:60.5", "2026-03-01 23:59:60.7"},
		{"9999-12-31T23:59:59.5-00:00", "9999-12-31T23:59:59.9-00:00"}, {"2026-03-01T10:00:00.001Z", "2026-03-01T10:00:00,002Z"},
		{"01/Mar/2026:10:00:00 +0000", "01/Mar/2026:10:00:01 +0000"}, {"0001-01-01T00:00:00.5Z", "0001-01-01T00:00:00.6Z"},
		{"2026-03-01T10:00:00.Z", "2026-03-01T10:00:00.5"}, {"1772359200.001716", "1772359200.001717"},
	} {
		f.Add(texts[0], texts[1])
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		var c clock
		for _, text := range []string{one, other, one, one, other} {
			want, wantOK := parseTime(text)
			if got, ok := c.read(text); got != want || ok != wantOK {
				t.Errorf("%q: got %v, %v, want %v, %v", text, got, ok, want, wantOK)
			}
		}
	})
}

func TestParseDecimal(t *testing.T) {
	tests := []struct {
		in   string
		unit time.Duration
		want time.Duration
		ok   bool
	}{
		{"0.012", time.Second, 12 * time.Millisecond, true},
		{"1.5", time.Millisecond, 1500 * time.Microsecond, true},
		{"3", time.Nanosecond, 3, true},
		{"2.701e-06", time.Second, 2701, true},
		{"0.0000000019", time.Second, 1, true},
		{"-1", time.Second, 0, false},
		{"-0.5", time.Second, 0, false},
		{"9223372036854775807", time.Second, 0, false},
		{"1e300", time.Second, 0, false},
		{"NaN", time.Second, 0, false},
		{"0.1, 0.2", time.Second, 0, false},
		{"", time.Second, 0, false},
	}
	for _, test := range tests {
		if got, ok := parseDecimal(test.in, test.unit); got != test.want || ok != test.ok {
			t.Errorf("%q: got %d, %v, want %d, %v", test.in, got, ok, test.want, test.ok)
		}
	}
}

// Both ways of reading a number read it alike.
func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"0.012", "3", "1.", ".5", "007.0700", "123456789.987654321", "1234567890.1", "0.1234567890", "1.2.3", "1e3", "", "-1", "+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, unit := range []time.Duration{time.Nanosecond, time.Microsecond, time.Millisecond, time.Second} {
			got, ok := shortDecimal(s, unit)
			if want, wantOK := anyDecimal(s, unit); ok && (got != want || !wantOK) {
				t.Errorf("%q of %v: got %v, want %v, %v", s, unit, got, want, wantOK)
			}
		}
	})
}
