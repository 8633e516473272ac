package detect

import (
	"strings"
	"testing"
)

// TestEndsInHash holds which paths name what they ask for by a hash of it.
func TestEndsInHash(t *testing.T) {
	for path, want := range map[string]bool{
		"/cas/" + strings.Repeat("0", 40):                                 true,
		"/" + strings.Repeat("aF", 20):                                    true,
		"/v2/app/blobs/sha256:" + strings.Repeat("9f86d081", 8):           true,
		"/" + strings.Repeat("0", 39):                                     false,
		strings.Repeat("0", 40):                                           false,
		"/cas/" + strings.Repeat("0", 40) + "/":                           false,
		"/cas/" + strings.Repeat("0", 20) + "g" + strings.Repeat("0", 19): false,
		"": false,
	} {
		if got := endsInHash(path); got != want {
			t.Errorf("%q: %t, want %t", path, got, want)
		}
	}
}
