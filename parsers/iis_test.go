package parsers

import "testing"

func FuzzIIS(f *testing.F) { fuzzFormat(f, IIS) }

func TestIISStamp(t *testing.T) {
	tests := []struct{ date, clock, want string }{
		{"3/1/2026", "7:05:09", "2026-03-01T07:05:09Z"},
		{"03/01/26", "23:59:60", "2026-03-02T00:00:00Z"},
		{"12/31/99", "0:0:0", "1999-12-31T00:00:00Z"},
		{"1.3.2026", "10:00:00", "2026-03-01T10:00:00Z"},
		{"2026-03-01", "10:00:00", "2026-03-01T10:00:00Z"},
		{"13/1/2026", "10:00:00", ""}, // the day first
		{"3/1/0000", "10:00:00", "2000-03-01T10:00:00Z"},
		{"3/1/02026", "10:00:00", ""},
		{"3/1.2026", "10:00:00", ""},
		{"3/1", "10:00:00", ""},
		{"3//2026", "10:00:00", ""},
		{"2/30/2026", "10:00:00", ""},
		{"3/1/2026", "10:00", ""},
		{"3/1/2026", "10:00:00 PM", ""},
		{"3/1/2026", "24:00:00", ""},
		{"", "", ""},
		{"/", ":", ""},
	}
	for _, test := range tests {
		t.Run(test.date+" "+test.clock, func(t *testing.T) {
			got := ""
			if stamp, ok := iisStamp(test.date, test.clock); ok {
				got = stamp.Format("2006-01-02T15:04:05Z07:00")
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
