package parsers

import "testing"

func TestPlain(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"as it is", "as it is"},
		{"\x1b[33mGET /a\x1b[0m 404", "GET /a 404"},
		{"\x1b[31m\x1b[1mGET\x1b[m", "GET"},
		{"\x1b[1;38;5;9mGET", "GET"},
		{"\x1b", "\x1b"},
		{"\x1b[", "\x1b["},
		{"\x1b[12", "\x1b[12"},
		{"\x1b[2Jcleared", "\x1b[2Jcleared"},
		{"\x1b]0;title\a", "\x1b]0;title\a"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			if got := plain(test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
