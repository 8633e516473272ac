package main

import "testing"

func TestMemory(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"512MiB", "512MiB"},
		{"2 gib", "2GiB"},
		{"1.5GiB", "1536MiB"},
		{"1G", "1000MB"}, // as of --max-db
		{"256M", "256MB"},
		{"2GB", "2000MB"},
		{"300000001", "300000001"},
		{"268435456", "256MiB"},
		{"255999999", ""},
		{"-1GiB", ""},
		{"99999999999GiB", ""},
		{"lots", ""},
		{"", ""},
	} {
		m := defaultMemory
		err := m.Set(tt.text)
		switch {
		case tt.want == "" && (err == nil || m != defaultMemory):
			t.Errorf("%q is taken for %v", tt.text, m)
		case tt.want != "" && (err != nil || m.String() != tt.want):
			t.Errorf("%q: %v, %v; want %s", tt.text, m, err, tt.want)
		}
		if sum := m.heap() + m.database(); sum >= m {
			t.Errorf("%v: heap and database take %v", m, sum)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"2GB": 2e9, "500mb": 500e6, "1GiB": 1 << 30, "1.5G": 1500e6, "1.5GB": 1500e6, "10MB": 10e6, "20M": 20e6, "20 mib": 20 << 20, "1000": 1000} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "NaN", "1PB", "two GB", "1GiBB", "Inf"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// What help calls the least is enough.
func TestLeastSizes(t *testing.T) {
	if l, err := (&tailFlags{maxDB: "10MB"}).limits(); err != nil || l.max != 10e6 {
		t.Errorf("--max-db 10MB: %d, %v", l.max, err)
	}
	if _, err := (&tailFlags{maxDB: "9MB"}).limits(); err == nil {
		t.Error("--max-db 9MB is taken")
	}
}
