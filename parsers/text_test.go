package parsers

import "testing"

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"héé…\n\t\x1b", "héé…\n\t\x1b"},
		{"a\x00b", `a\x00b`},
		{"a\xffb\xc3", `a\xffb\xc3`},
		{"\uFFFD", "\uFFFD"},
		{"\xed\xa0\x80", `\xed\xa0\x80`},
	} {
		if got := clean(test.in); got != test.want {
			t.Errorf("clean(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		in   string
		max  int
		want string
	}{
		{"", 5, ""},
		{"abcde", 5, "abcde"},
		{"abcdef", 5, "ab…"},
		{"ééé", 5, "é…"},
		{"éééé", 6, "é…"},
		{"€€€", 5, "…"},
	} {
		if got := cut(test.in, test.max); got != test.want {
			t.Errorf("cut(%q, %d) = %q, want %q", test.in, test.max, got, test.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{"é … 日本", "é … 日本"},
		{"\x1b[31m\x00\n\x7f", `\x1b[31m\x00\x0a\x7f`},
		{"\u0085\u009b", `\u0085\u009b`},
		{"a\u202eb\u2066c\u200bd\ufeff", `a\u202eb\u2066c\u200bd\ufeff`},
		{"\u2028", `\u2028`},
		{"\U000e0041", `\U000e0041`},
	} {
		if got := visible(test.in); got != test.want {
			t.Errorf("visible(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestPercentDecoded(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"%41%62", "Ab"},
		{"%2541%252541", "AA"},
		{"%25", "%"},
		{"%2525", "%"},
		{"100%", "100%"},
		{"%4", "%4"},
		{"%zz%4g", "%zz%4g"},
		{"%25zz", "%zz"},
	} {
		if got := percentDecoded(test.in); got != test.want {
			t.Errorf("percentDecoded(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}
