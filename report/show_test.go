package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

func TestShow(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", `GET /a?b="c" \ é 表 🦊 ~`, `GET /a?b="c" \ é 表 🦊 ~`},
		{"line ends", "a\nb\r\n\tc", `a\nb\r\n\tc`},
		{"control", "\x00\x07\x1b[2J\x7f", `\x00\x07\x1b[2J\x7f`},
		{"C1", "\u0085\u009b31m", `\u0085\u009b31m`},
		{"bidi", "\u202a\u202e\u2066\u2069\u200e\u200f\u061c", `\u202a\u202e\u2066\u2069\u200e\u200f\u061c`},
		{"zero width", "a\u200bb\u200cc\u200dd\ufeff\u2060\u00ad", `a\u200bb\u200cc\u200dd\ufeff\u2060\u00ad`},
		{"separators", "\u2028\u2029", `\u2028\u2029`},
		{"spaces", "a\u00a0b\u3000c", `a\u00a0b\u3000c`},
		{"tags", "\U000e0041", `\U000e0041`},
		{"fillers", "\u3164\u115f\u034f\ufe0f", `\u3164\u115f\u034f\ufe0f`},
		{"private", "\ue000\U0010ffff", `\ue000\U0010ffff`},
		{"not UTF-8", "a\xffb\xc3", `a\xffb\xc3`},
		{"replacement character", "\ufffd", "\ufffd"},
		{"marks on a letter", "e\u0301", "e\u0301"},
		{"mark on nothing", "\u0301 \u0301", `\u0301 \u0301`},
		{"heap of marks", "e" + strings.Repeat("\u0301", 6), "e" + strings.Repeat("\u0301", 4) + `\u0301` + "\u0301"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Show(test.in); got != test.want {
				t.Errorf("Show(%+q) = %+q, want %+q", test.in, got, test.want)
			}
		})
	}
}

func TestShowShort(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	tests := []struct {
		name  string
		in    string
		width int
		want  string
	}{
		{"fits", "abcdef", 6, "abcdef"},
		{"even", "abcdefgh", 6, "ab…fgh"},
		{"odd", "abcdefgh", 7, "abc…fgh"},
		{"one", "abc", 1, "…"},
		{"none", "abc", -5, "…"},
		{"wide", "表表表表", 6, "表…表"},
		{"escapes", "\x1b\x1b\x1b", 6, `\x…x1b`},
		{"huge", "a\n" + long + "\nz", 9, `a\nx…x\nz`},
		{"huge, cut within characters", strings.Repeat("表", 1<<20), 5, "表…表"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := ShowShort(test.in, test.width); got != test.want {
				t.Errorf("ShowShort(%.20q, %d) = %q, want %q", test.in, test.width, got, test.want)
			}
		})
	}
}

func FuzzShow(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		shown := Show(s)
		checkShown(t, shown)
		if again := Show(shown); again != shown {
			t.Errorf("shown twice: %+q, then %+q", shown, again)
		}
		width = min(max(width, 1), 300)
		short := ShowShort(s, width)
		checkShown(t, short)
		if w := lipgloss.Width(short); w > width {
			t.Errorf("%+q is %d wide, not %d", short, w, width)
		}
		if lipgloss.Width(shown) <= width && len(s) <= 64*width && short != shown {
			t.Errorf("%+q fits in %d, but is cut to %+q", shown, width, short)
		}
	})
}

// checkShown looks at text as a terminal would: none of it may be an order.
func checkShown(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%+q is not UTF-8", s)
	}
	for _, c := range s {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Zl, c) || unicode.Is(unicode.Zp, c) {
			t.Errorf("%+q holds %U", s, c)
		}
	}
}

func BenchmarkShow(b *testing.B) {
	for b.Loop() {
		Show(`192.0.2.17 - - [09/Mar/2026:10:00:00 +0000] "GET /api/customers?page=2 HTTP/1.1" 200 512`)
	}
}
