package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/report"
)

// Where a proxy is the client of all, it is told; where some clients are inside, it is not.
func TestProxyNote(t *testing.T) {
	for _, c := range []struct {
		name   string
		parsed int64
		top    []report.Count
		want   string // "" for no note
	}{
		{"one proxy", 1000, []report.Count{{Name: "10.0.0.7", Count: 990}, {Name: "203.0.113.9", Count: 10}}, "10.0.0.7"},
		{"two nodes of one", 1000, []report.Count{{Name: "203.0.113.9", Count: 300}, {Name: "fd00::7", Count: 260}, {Name: "10.0.0.8", Count: 250}}, "fd00::7"},
		{"half of all", 1000, []report.Count{{Name: "10.0.0.7", Count: 500}, {Name: "203.0.113.9", Count: 500}}, ""},
		{"health checks", 1000, []report.Count{{Name: "10.0.0.7", Count: 300}, {Name: "203.0.113.9", Count: 70}}, ""},
		{"edges of a CDN", 1000, []report.Count{{Name: "172.68.10.7", Count: 40}, {Name: "162.158.88.2", Count: 30}, {Name: "203.0.113.9", Count: 20}}, "cloudflare"},
		{"a relay among others", 1000, []report.Count{{Name: "172.68.10.7", Count: 40}, {Name: "203.0.113.8", Count: 30}, {Name: "203.0.113.9", Count: 20}}, ""},
		{"edges, too few to tell", 99, []report.Count{{Name: "172.68.10.7", Count: 99}}, ""},
		{"too few to tell", 99, []report.Count{{Name: "10.0.0.7", Count: 99}}, ""},
		{"names", 1000, []report.Count{{Name: "unix:", Count: 1000}}, ""},
		{"addresses of documents", 1000, []report.Count{{Name: "192.0.2.1", Count: 1000}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := proxyNote(&report.Log{Parsed: c.parsed, TopClients: c.top})
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want one of %q", got, c.want)
			}
		})
	}
}

// Where no request has its client in the log, it is told.
func TestClientNote(t *testing.T) {
	for _, c := range []struct {
		name string
		log  report.Log
		want bool
	}{
		{"none has one", report.Log{Parsed: 3}, true},
		{"one has", report.Log{Parsed: 1000, Clients: 1}, false},
		{"nothing read", report.Log{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := clientNote(&c.log); (got != "") != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// Where the status of most requests is not in the log, it is told.
func TestStatusNote(t *testing.T) {
	for _, c := range []struct {
		name     string
		parsed   int64
		statuses []report.Count
		want     bool
	}{
		{"none has one", 3, []report.Count{{Name: "none", Count: 3}}, true},
		{"one without", 1, []report.Count{{Name: "none", Count: 1}}, true},
		{"most", 1000, []report.Count{{Name: "none", Count: 501}, {Name: "2xx", Count: 499}}, true},
		{"half, who gave up before the answer", 1000, []report.Count{{Name: "2xx", Count: 500}, {Name: "none", Count: 500}}, false},
		{"all have", 1000, []report.Count{{Name: "4xx", Count: 1000}}, false},
		{"nothing read", 0, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := statusNote(&report.Log{Parsed: c.parsed, Statuses: c.statuses}); (got != "") != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A scan that cannot go on says what is kept, and where temporary files have no room.
func TestStopped(t *testing.T) {
	spills := errors.New("Out of Memory Error: failed to offload data block of size 64.0 KiB (864.0 KiB/921.5 KiB used).\nThis limit was set by the 'max_temp_directory_size' setting.")
	t.Setenv("TMPDIR", "/elsewhere")
	for _, test := range []struct {
		db       string
		err      error
		text, in string
	}{
		{":memory:", spills, `scan: temporary files cannot be written in "/elsewhere", or have no room`, "TMPDIR"},
		{"x.duckdb", spills, `scan: database "x.duckdb": temporary files cannot be written beside it, or have no room`, "what was kept before stays"},
		{":memory:", errors.New("other"), "scan: other", ""},
		{"x.duckdb", errors.New("other"), "scan: other", "go on"},
	} {
		j := &job{flags: &scanFlags{}}
		j.flags.db = test.db
		var status *statusError
		if err := j.stopped(test.err, "go on"); !errors.As(err, &status) || err.Error() != test.text || !strings.Contains(status.hint, test.in) || test.in == "" && status.hint != "" {
			t.Errorf("%s: %v, hint %q, want %s, %q", test.db, err, status.hint, test.text, test.in)
		}
	}
}
