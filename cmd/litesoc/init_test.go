package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"
)

// setting is a line of the config that would set something: what is prose begins with a
// capital letter.
var setting = regexp.MustCompile(`(?m)^# ((?:  |[a-z_]+:).*)$`)

// What init writes loads, as it is and with every comment that is a setting put to use.
func TestInitLoads(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "access.log"), demoAccessLog(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-o", "-"}, {"init", "-o", "-", "access.log"}} {
		text := litesoc(t, dir, args...)
		all := setting.ReplaceAll(text, []byte("$1"))
		if bytes.Equal(all, text) {
			t.Fatal("no comment is a setting")
		}
		for _, text := range [][]byte{text, all} {
			var c config
			if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
				t.Errorf("%q: %v\n%s", args, err, text)
				continue
			}
			c.OpenAPI = "" // no such file is there
			if err := (&job{flags: &scanFlags{}}).prepare(&c); err != nil {
				t.Errorf("%q: %v\n%s", args, err, text)
			}
		}
	}
}
