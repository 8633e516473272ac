package detect

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// A probeCase is a request of a corpus, and what its source says of it.
type probeCase struct {
	corpus string // source and class
	attack bool
	r      *parsers.Request
}

// TestProbeCorpus judges requests and values that others published, attacks and none. It
// tells how many of each class are found, holds that to a floor, and holds the quick look
// to the full one.
//
// The corpus is no part of the repository: LITESOC_LOGS names its folder, or it lies in
// shared/logs beside the repository.
func TestProbeCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	type tally struct{ sure, doubtful, of int }
	tallies := map[string]*tally{}
	for _, c := range probeCorpus(t) {
		name := c.corpus + " benign"
		if c.attack {
			name = c.corpus + " attack"
		}
		if tallies[name] == nil {
			tallies[name] = &tally{}
		}
		n := tallies[name]
		n.of++
		hits := probesOf(c.r)
		sure := slices.ContainsFunc(hits, func(h hit) bool { return h.Sure })
		switch {
		case sure:
			n.sure++
		case len(hits) > 0:
			n.doubtful++
		}
		if len(hits) > 0 && !mayProbe(c.r) {
			t.Errorf("the quick look misses %s?%s: %+v", c.r.Path, c.r.Query, hits)
		}
		if _, found := aimOf(c.r); found && !mayAim(c.r) {
			t.Errorf("the quick look misses an aim in %s?%s", c.r.Path, c.r.Query)
		}
	}
	for name, least := range map[string]float64{
		"http-params/sqli attack": 0.9, "http-params/xss attack": 0.8, "http-params/cmdi attack": 0.6, "http-params/path-traversal attack": 0.4,
		"libinjection/sqli-misc attack": 0.75, "libinjection/sqli-phpids attack": 0.45,
	} {
		if n := tallies[name]; n == nil || float64(n.sure) < least*float64(n.of) {
			t.Errorf("%s: fewer than %.0f %% are sure", name, 100*least)
		}
	}
	if n := tallies["http-params/norm benign"]; n == nil || n.sure > n.of/1000 || n.doubtful > n.of/100 {
		t.Errorf("what people typed is taken for attacks: %+v", n)
	}
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		n := tallies[name]
		t.Logf("%-50s %5d sure, %4d doubtful of %5d (%.1f %% sure)", name, n.sure, n.doubtful, n.of, 100*float64(n.sure)/float64(n.of))
	}
}

// probeCorpus returns the requests of the corpus. The test ends here where there is none.
func probeCorpus(t *testing.T) []probeCase {
	dir, named := os.LookupEnv("LITESOC_LOGS")
	if !named {
		dir = filepath.Join("..", "..", "shared", "logs")
	}
	if _, err := os.Stat(dir); err != nil {
		if named {
			t.Fatal(err)
		}
		t.Skipf("no log corpus at %s: set LITESOC_LOGS", dir)
	}
	var cases []probeCase
	add := func(corpus string, attack bool, r *parsers.Request) {
		cases = append(cases, probeCase{corpus, attack, r})
	}
	families, err := filepath.Glob(filepath.Join(dir, "owasp-crs", "*", "input.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range families {
		for _, line := range corpusLines(t, path) {
			var c struct {
				URI     string
				Agent   string   `json:"user_agent"`
				Referer string   `json:"referer"`
				Cookie  string   `json:"cookie"`
				Other   []string `json:"other_headers"`
				Expect  bool     `json:"expect"`
			}
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatal(err)
			}
			if c.Cookie != "" || len(c.Other) > 0 {
				continue // what it is about may not be in a log
			}
			if strings.HasPrefix(c.Agent, "OWASP CRS") {
				c.Agent = "" // that of the test itself
			}
			p, q, _ := strings.Cut(c.URI, "?")
			add("owasp-crs/"+filepath.Base(filepath.Dir(path)), c.Expect, &parsers.Request{Path: p, Query: q, UserAgent: c.Agent, Referer: c.Referer})
		}
	}
	for _, line := range corpusLines(t, filepath.Join(dir, "gotestwaf", "owasp", "input.jsonl")) {
		var c struct {
			Type, Payload string
			Attack        bool
			Placeholders  []string
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		switch {
		case slices.Contains(c.Placeholders, "URLParam"):
			add("gotestwaf/"+c.Type, c.Attack, &parsers.Request{Path: "/", Query: "x=" + url.QueryEscape(c.Payload)})
		case slices.Contains(c.Placeholders, "URLPath"):
			add("gotestwaf/"+c.Type, c.Attack, &parsers.Request{Path: "/" + c.Payload})
		}
	}
	f, err := os.Open(filepath.Join(dir, "http-params", "payload_train", "input.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(zip)
	rows.LazyQuotes = true
	rows.FieldsPerRecord = -1
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(row) != 4 || row[0] == "payload" {
			continue
		}
		add("http-params/"+row[2], row[3] == "anom", &parsers.Request{Path: "/", Query: "x=" + url.QueryEscape(row[0])})
	}
	for _, name := range []string{"sqli-misc", "sqli-phpids"} {
		for _, line := range corpusLines(t, filepath.Join(dir, "libinjection", name, "input.txt")) {
			if line == "" || line[0] == '#' {
				continue
			}
			add("libinjection/"+name, true, &parsers.Request{Path: "/", Query: "x=" + strings.ReplaceAll(line, " ", "+")})
		}
	}
	if len(cases) < 10000 {
		t.Fatalf("only %d cases in %s", len(cases), dir)
	}
	return cases
}

func corpusLines(t *testing.T, path string) (lines []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
