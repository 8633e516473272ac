package detect

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFamily(t *testing.T) {
	tests := []struct{ agent, program, system string }{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Windows"},
		{"Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:3.0) Gecko/20100101 Firefox/3.0", "Firefox", "Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome", "macOS"},
		{"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "Edge", "Windows"},
		{"curl/8.5.0", "curl", ""},
		{"python-requests/2.31.0", "python-requests", ""},
		{"", "", ""},
		{"/", "/", ""},
	}
	for _, test := range tests {
		t.Run(test.agent, func(t *testing.T) {
			if program, system := family(test.agent); program != test.program || system != test.system {
				t.Errorf("family = %q, %q, want %q, %q", program, system, test.program, test.system)
			}
		})
	}
}

// Whatever a user agent is, it is told by valid text, the same every time.
func FuzzFamily(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0")
	f.Add("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1")
	f.Add("((((;;;;////" + strings.Repeat("é", maxAgent))
	f.Add("Android")
	f.Fuzz(func(t *testing.T, agent string) {
		program, system := family(agent)
		if !utf8.ValidString(program) || !utf8.ValidString(system) || len(program) > maxAgent || len(system) > maxAgent {
			t.Errorf("family = %q, %q", program, system)
		}
		if p, s := family(agent); p != program || s != system {
			t.Errorf("family = %q, %q and then %q, %q", program, system, p, s)
		}
	})
}
