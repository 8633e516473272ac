package parsers

import (
	"strings"
	"testing"
)

func TestSetRequestURL(t *testing.T) {
	tests := []struct{ in, method, target, host string }{
		{"GET https://api.example.com:443/a?b=1 HTTP/1.1", "GET", "/a?b=1", "api.example.com"},
		{"GET https://api.example.com HTTP/1.1", "GET", "/", "api.example.com"},
		{"GET https://api.example.com:443?b HTTP/1.1", "GET", "/?b", "api.example.com"},
		{"GET https://api.example.com:443#b HTTP/1.1", "GET", "/#b", "api.example.com"},
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

func TestWithoutPort(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.9:2817": "203.0.113.9", "2001:db8::7:48160": "2001:db8::7", "[2001:db8::7]:48160": "[2001:db8::7]",
		"203.0.113.9": "203.0.113.9", "203.0.113.9:": "203.0.113.9:", "203.0.113.9:281700": "203.0.113.9:281700", "203.0.113.9:80x": "203.0.113.9:80x",
		":80": "", ":": ":", "2817": "2817", "-": "-", "": "",
	} {
		if got := withoutPort(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzALB(f *testing.F) {
	for _, line := range sampleLines(f, ALB()) {
		f.Add(line)
	}
	used := ALB().New()
	f.Fuzz(func(t *testing.T, line string) {
		sameAsFresh(t, ALB(), used, line)
		plainALBAsAny(t, line)
	})
}

// The quick way of reading a line says no, or the same as the other: of lines that differ
// from a plain one by a few characters put in, left out or put in place of another, by a
// word, and of those that end early.
func TestPlainALB(t *testing.T) {
	plain := 0
	for _, line := range sampleLines(t, ALB()) {
		if plainALBAsAny(t, line) {
			plain++
		}
		for i := range line {
			plainALBAsAny(t, line[:i])
			plainALBAsAny(t, line[:i]+line[i+1:])
			for _, put := range []string{`"`, " ", `\`, `\" `, "-", "[", ":", "/", ".", "0", "x"} {
				plainALBAsAny(t, line[:i]+put+line[i:])
				plainALBAsAny(t, line[:i]+put+line[i+1:])
			}
		}
		words := strings.Split(line, " ")
		for i, word := range words {
			for _, put := range []string{"-", "-1", `"`, `""`, `"-"`, "", "2026/03/01T10:00:00.186641Z", word + " " + word} {
				words[i] = put
				plainALBAsAny(t, strings.Join(words, " "))
			}
			words[i] = word
		}
	}
	if plain == 0 {
		t.Error("no sample is read the quick way")
	}
}

// plainALBAsAny checks that a line which is read the quick way is read as without it, and
// tells whether it is; what is said no to must have left nothing.
func plainALBAsAny(t *testing.T, line string) bool {
	t.Helper()
	var got, want Fields
	got.reset()
	want.reset()
	if !(&alb{}).parsePlain(line, &got) {
		if got != want {
			t.Errorf("%q: said no to, and left %+v", line, got)
		}
		return false
	}
	if err := (&alb{}).parseAny(line, &want); err != nil || got != want {
		t.Errorf("%q: got %+v, else %+v, %v", line, got, want, err)
	}
	return true
}
