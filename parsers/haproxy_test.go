package parsers

import "testing"

func TestSetCaptured(t *testing.T) {
	tests := []struct{ in, host, agent, referer string }{
		{"", "", "", ""},
		{"||", "", "", ""},
		{"Mozilla/5.0 (X11; Linux)", "", "Mozilla/5.0 (X11; Linux)", ""},
		{"curl/8.5.0", "", "curl/8.5.0", ""},
		{"Go-http-client/v2", "", "Go-http-client/v2", ""},
		{"198.51.100.7", "", "", ""},
		{"198.51.100.7|curl/8.5.0", "", "curl/8.5.0", ""},
		{"2001:db8::7|", "", "", ""},
		{"api.example.com", "", "", ""}, // alone it may be anything
		{"api.example.com|", "api.example.com", "", ""},
		{"curl/8.5.0|api.example.com", "", "curl/8.5.0", ""},
		{"api.example.com|https://app.example.com/#23a|curl/8.5.0|wget/1.2", "api.example.com", "curl/8.5.0", "https://app.example.com/#a"},
		{"text/html|gzip", "", "", ""},
		{"/1|/", "", "", ""},
	}
	for _, test := range tests {
		var f Fields
		f.setCaptured(test.in)
		if f.Host != test.host || f.UserAgent != test.agent || f.Referer != test.referer {
			t.Errorf("%q: got %q, %q, %q", test.in, f.Host, f.UserAgent, f.Referer)
		}
		if f.Remote != "" || f.ForwardedFor != "" {
			t.Errorf("%q: an address is believed", test.in)
		}
	}
}

func TestUnescapeHash(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"a#22b", `a"b`},
		{"#23#7C#7c", "#||"},
		{"#", "#"},
		{"#2", "#2"},
		{"#zz", "#zz"},
		{"##23", "##"},
	}
	for _, test := range tests {
		if got := unescapeHash(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func FuzzHAProxy(f *testing.F) {
	for _, line := range sampleLines(f, HAProxy()) {
		f.Add(line)
	}
	used := HAProxy().New()
	f.Fuzz(func(t *testing.T, line string) { sameAsFresh(t, HAProxy(), used, line) })
}
