package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The headers kept are the last of the text, in whatever pieces it is written.
func TestHeaders(t *testing.T) {
	var text strings.Builder
	var want []string
	for i := range 20 {
		fmt.Fprintf(&text, "#Fields: a b%d\r\n1 #Fields: no\n\n%s\n", i, strings.Repeat("x", i))
		want = append(want, fmt.Sprintf("#Fields: a b%d", i))
	}
	text.WriteString("#" + strings.Repeat("y", 2*maxHeader) + "\n#not ended")
	want = want[len(want)-maxHeaders:]
	for _, size := range []int{1, 2, 3, 7, 100, text.Len()} {
		h := &headers{prefix: "#"}
		for piece := range slices.Chunk([]byte(text.String()), size) {
			h.Write(piece)
		}
		if !slices.Equal(h.kept, want) {
			t.Errorf("written %d bytes at a time: kept %q, want %q", size, h.kept, want)
		}
		if len(h.line) > 2*maxHeader {
			t.Errorf("%d bytes of one line held", len(h.line))
		}
	}
}
