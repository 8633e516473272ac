package parsers

import (
	"strings"
	"testing"
)

func TestUnescape(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{`\x22`, `"`},
		{`a\xD0\xbfb`, "aпb"},
		{`\"\\\/`, `"\/`},
		{`\n\r\t\b\f\v`, "\n\r\t\b\f\v"},
		{`\u0001\u00e9`, "\x01é"},
		{`\xff`, "\xff"},
		{`\`, `\`},
		{`a\`, `a\`},
		{`\x`, `\x`},
		{`\x2`, `\x2`},
		{`\xg0\u12`, `\xg0\u12`},
		{`\q`, `\q`},
		{`\\x22`, `\x22`},
		{`\x+1`, `\x+1`},
	}
	for _, test := range tests {
		if got := unescape(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestSetAddresses(t *testing.T) {
	tests := []struct {
		in                      string
		remote, forwarded, host string
		ok                      bool
	}{
		{"203.0.113.9", "203.0.113.9", "", "", true},
		{"-", "", "", "", true},
		{"api.example.com:443 203.0.113.9", "203.0.113.9", "", "api.example.com:443", true},
		{"cafe.de 203.0.113.9", "203.0.113.9", "", "cafe.de", true},
		{"cafe.de:80 203.0.113.9", "203.0.113.9", "", "cafe.de:80", true},
		{"198.51.100.7 203.0.113.9", "203.0.113.9", "198.51.100.7", "", true},
		{"2001:db8::7, 203.0.113.9", "203.0.113.9", "2001:db8::7", "", true},
		{`"2001:db8::7, 192.0.2.1" 203.0.113.9`, "203.0.113.9", "2001:db8::7, 192.0.2.1", "", true},
		{`api.example.com:80 "198.51.100.7" 203.0.113.9`, "203.0.113.9", "198.51.100.7", "api.example.com:80", true},
		{`- "-" 203.0.113.9`, "203.0.113.9", "", "", true},
		{`"a b \x22 c" 203.0.113.9`, "203.0.113.9", `a b " c`, "", true},
		{`a b "c" 203.0.113.9`, "", "", "", false},
		{`" 203.0.113.9`, "", "", "", false},
		{"web localhost, localhost", "localhost", "localhost", "web", true},
		{"2026-03-01T10:00:00Z 192.0.2.1 203.0.113.9", "", "", "", false},
		{"a b c", "", "", "", false},
		{"", "", "", "", false},
	}
	for _, test := range tests {
		var f Fields
		if ok := f.setAddresses(test.in); ok != test.ok {
			t.Errorf("%q: got %v, want %v", test.in, ok, test.ok)
			continue
		}
		if test.ok && (f.Remote != test.remote || f.ForwardedFor != test.forwarded || f.Host != test.host) {
			t.Errorf("%q: got %q, %q, %q", test.in, f.Remote, f.ForwardedFor, f.Host)
		}
	}
}

func FuzzNginx(f *testing.F) {
	for _, format := range [...]*Format{NginxCombined(), NginxCommon()} {
		for _, line := range sampleLines(f, format) {
			f.Add(line)
		}
	}
	used := [...]ParseFunc{NginxCombined().New(), NginxCommon().New()}
	f.Fuzz(func(t *testing.T, line string) {
		sameAsFresh(t, NginxCombined(), used[0], line)
		sameAsFresh(t, NginxCommon(), used[1], line)
		plainAsAny(t, line)
	})
}

// The quick way of reading a line says no, or the same as the other: of each sample line,
// and of those that differ from it by a character put in, left out or put in place of
// another.
func TestPlainLine(t *testing.T) {
	plain := 0
	for _, line := range sampleLines(t, NginxCombined()) {
		if plainAsAny(t, line) {
			plain++
		}
		for i := range line {
			plainAsAny(t, line[:i]+line[i+1:])
			for _, c := range "\" \\-[]/0x" {
				plainAsAny(t, line[:i]+string(c)+line[i:])
				plainAsAny(t, line[:i]+string(c)+line[i+1:])
			}
		}
	}
	if plain == 0 {
		t.Error("no sample is read the quick way")
	}
}

// plainAsAny checks that a line which is read the quick way is read as without it, and
// tells whether it is.
func plainAsAny(t *testing.T, line string) bool {
	t.Helper()
	var got, want Fields
	got.reset()
	want.reset()
	if !(&clf{}).parsePlain(line, &got) {
		return false
	}
	if err := (&clf{}).parseAny(line, &want); err != nil || got != want {
		t.Errorf("%q: got %+v, else %+v, %v", line, got, want, err)
	}
	return true
}

// sameAsFresh checks that a parse function which has read other lines makes of this
// one what a fresh one does.
func sameAsFresh(t *testing.T, format *Format, used ParseFunc, line string) {
	t.Helper()
	want, got := dumpLines(format.New(), oneLine(line)), dumpLines(used, oneLine(line))
	if got != want {
		t.Errorf("%q: got %s, a fresh parser %s", line, got, want)
	}
}

// oneLine returns text as what it is to dumpLines: one line.
func oneLine(text string) string {
	b := []byte(text)
	for i := range b {
		if b[i] == '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}

// short is a faster next, and no other.
func TestShort(t *testing.T) {
	for _, line := range []string{"", " ", "a", "200 34", "0.001 -1 x", "12345678 9", "1234567 89", "123456789 1", `"a b" c`, `a"b c" d`, `"torn`, "- - -", "  a"} {
		short, next := fieldCutter{rest: line}, fieldCutter{rest: line}
		for range 4 {
			if a, b := short.short(), next.next(); a != b || short != next {
				t.Fatalf("%q: %q, %+v; next: %q, %+v", line, a, short, b, next)
			}
		}
	}
}

// The blank before a version is the last one only if none stands in the version.
func TestLastBlank(t *testing.T) {
	for _, s := range []string{
		"", " ", "/", "/a HTTP/1.1", "/a b HTTP/1.1", " HTTP/1.1", "HTTP/1.1", "/a HTTP/2", "/a HTTP/10.1", "/a HTTP/1.10",
		"/a HTTP/ .1", "/a HTTP/1. ", "/a HTTP/  1", "/a HTTP/1 1", "/a HTTP/1.1 ", "/a http/1.1", "/a  HTTP/1.1",
	} {
		if got, want := lastBlank(s), strings.LastIndexByte(s, ' '); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}
