package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The headers kept are the last that were seen.
func TestHeaders(t *testing.T) {
	for _, test := range []struct{ name, before, after string }{
		{"bare", "", ""},
		{"Kubernetes", "2026-03-01T10:00:08.123456789Z stdout F ", ""},
		{"Docker", `{"log":"`, `\n","stream":"stdout"}`},
		{"journal", "MESSAGE=", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &headers{prefixes: []string{"#"}}
			var want []string
			for i := range 20 {
				header := test.before + fmt.Sprintf("#Fields: a b%d", i) + test.after
				h.see(header)
				h.see(test.before + `1 \"#Fields: no, #2` + test.after)
				h.see(test.before + strings.Repeat("x", i*40) + "#Fields: no")
				h.see("")
				want = append(want, header)
			}
			h.see(test.before + "#" + strings.Repeat("y", 2*maxHeader))
			want = want[len(want)-maxHeaders:]
			if !slices.Equal(h.kept(), want) {
				t.Errorf("kept %q, want %q", h.kept(), want)
			}
		})
	}
}
