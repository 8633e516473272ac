package parsers

import "testing"

func TestSetRequestURL(t *testing.T) {
	tests := []struct{ in, method, target, host string }{
		{"GET https://api.example.com:443/a?b=1 HTTP/1.1", "GET", "/a?b=1", "api.example.com"},
		{"GET https://api.example.com HTTP/1.1", "GET", "/", "api.example.com"},
		{"GET https://api.example.com:443?b HTTP/1.1", "GET", "/?b", "api.example.com"},
		{"GET https://[2001:db8::1]:443/ HTTP/2.0", "GET", "/", "2001:db8::1"},
		{"GET https://[2001:db8::1 HTTP/2.0", "GET", "/", "2001:db8::1"},
		{"GET /a HTTP/1.1", "GET", "/a", ""},
		{"- http://api.example.com:80- -", "", "", ""},
		{"- - - ", "", "", ""},
		{"", "", "", ""},
	}
	for _, test := range tests {
		var f Fields
		f.setRequestURL(test.in)
		if f.Method != test.method || f.Target != test.target || f.Host != test.host {
			t.Errorf("%q: got %q, %q, %q", test.in, f.Method, f.Target, f.Host)
		}
	}
}

func FuzzALB(f *testing.F) {
	for _, line := range sampleLines(f, ALB()) {
		f.Add(line)
	}
	used := ALB().New()
	f.Fuzz(func(t *testing.T, line string) { sameAsFresh(t, ALB(), used, line) })
}
