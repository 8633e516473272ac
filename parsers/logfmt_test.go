package parsers

import (
	"strconv"
	"strings"
	"testing"
)

func FuzzLogfmt(f *testing.F) { fuzzFormat(f, Logfmt) }

// TestLogfmtKeepsNoKeys feeds it keys that an attacker chooses.
func TestLogfmtKeepsNoKeys(t *testing.T) {
	p := &logfmt{json: jsonParser{root: jsonTree(JSONConfig{}), keys: map[jsonKey]seenKey{}}}
	var f Fields
	for n := range 2 * maxKeys {
		line := "time=2026-03-01T10:00:00Z method=GET path=/a status=200 k" + strconv.Itoa(n) + "=1 " + strings.Repeat("k", maxLogfmtKey) + strconv.Itoa(n) + "=1"
		if err := p.parse(line, &f); err != nil || f.Target != "/a" {
			t.Fatalf("%s: %v, %+v", line, err, f)
		}
	}
	if len(p.json.keys) > maxKeys {
		t.Errorf("%d keys are remembered", len(p.json.keys))
	}
	for k := range p.json.keys {
		if len(k.key) > maxLogfmtKey {
			t.Errorf("a key of %d bytes is remembered", len(k.key))
		}
	}
	if err := p.parse(strings.Repeat("a=b ", maxJSONLine/4+1), &f); err == nil {
		t.Error("a line that is too long was read")
	}
}
