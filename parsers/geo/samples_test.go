package geo

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// The lists and databases that people bring are not part of this repository. A folder
// of them is named by LITESOC_INTEL_SAMPLES.
func TestSamples(t *testing.T) {
	root := os.Getenv("LITESOC_INTEL_SAMPLES")
	if root == "" {
		t.Skip("LITESOC_INTEL_SAMPLES names no folder of lists and databases")
	}
	dir := t.TempDir()
	var databases []string
	lists := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch {
		case IsDatabase(path):
			s, err := CheckDatabase(path)
			t.Logf("%s: %s %s %v", d.Name(), s.Kind, s.Date, err)
			broken := strings.Contains(d.Name(), "broken") || strings.Contains(d.Name(), "Invalid")
			if (err != nil) != broken {
				t.Errorf("%s: error %v", d.Name(), err)
			}
			databases = append(databases, path)
		case IsList(path):
			l, err := ReadListFile(path)
			if err != nil {
				t.Error(err)
				return nil
			}
			t.Logf("%s: %s, %d prefixes, %s, %q", d.Name(), l.Kind, len(l.Prefixes), l.Date, l.Licence)
			if l.Kind == "" {
				t.Errorf("%s: of no kind", d.Name())
			}
			again(t, l)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			lists++
			return os.WriteFile(filepath.Join(dir, d.Name()), text, 0o600)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lists == 0 || len(databases) == 0 {
		t.Fatalf("%d lists, %d databases", lists, len(databases))
	}
	db := open(t, Config{Intel: dir})
	for _, c := range []struct {
		client, provider, bot string
		traits                parsers.Traits
	}{
		{"185.220.101.1", "", "", parsers.Tor},
		{"52.95.110.1", "amazon", "", parsers.Cloud},
		{"8.8.8.8", "google", "", parsers.Cloud},
		{"2001:4860:4860::8888", "google", "", parsers.Cloud},
		{"104.28.28.1", "", "", parsers.Relay},
		{"34.22.85.1", "google", "googlebot", parsers.Cloud | parsers.Crawler},
		{"200.147.3.157", "", "", 0},
		{"91.198.174.192", "", "", 0},
	} {
		if o := db.Lookup(c.client); o.Traits != c.traits || o.Provider != c.provider || o.Bot != c.bot {
			t.Errorf("%s: %+v", c.client, *o)
		}
	}
	// However broken a database is, it is asked without a crash.
	for _, path := range databases {
		db, err := Open(Config{Files: []string{path}})
		for _, client := range []string{"81.2.69.142", "2.125.160.216", "89.160.20.112", "1.128.0.1", "65.0.0.1", "2001:218::1", "2a02:d500::1", "1.1.1.1"} {
			t.Logf("%s: %s: %+v", filepath.Base(path), client, *db.Lookup(client))
		}
		t.Logf("%s: error %v, faults %+v", filepath.Base(path), err, db.Faults())
		db.Close()
	}
}
