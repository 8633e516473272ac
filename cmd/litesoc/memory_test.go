package main

import "testing"

func TestMemory(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"512MiB", "512MiB"},
		{"2 gib", "2GiB"},
		{"1G", "1GiB"},
		{"2GB", "2000000000"},
		{"268435456", "256MiB"},
		{"255MiB", ""},
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
