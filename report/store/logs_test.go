package store_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

// rawLogs writes n logs of as many lines each, every other one packed, and returns the
// pattern that names them.
func rawLogs(t *testing.T, n, lines int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		var b bytes.Buffer
		for line := range lines {
			at := start.Add(time.Duration(i*lines+line) * time.Second)
			fmt.Fprintf(&b, "192.0.2.%d - - [%s] \"GET /items/%d HTTP/1.1\" %d %d \"-\" \"-\"\n", i, at.Format("02/Jan/2006:15:04:05 -0700"), line, 200+line%2*204, line)
		}
		name, text := fmt.Sprintf("access.log.%d", i), b.Bytes()
		if i%2 == 1 {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			w.Write(text)
			must(t, w.Close())
			name, text = name+".gz", packed.Bytes()
		}
		must(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return filepath.Join(dir, "access.log*")
}

func logOptions(t *testing.T) *source.Options {
	t.Helper()
	site, err := parsers.NewSite(parsers.SiteConfig{})
	must(t, err)
	return &source.Options{Site: site, Formats: parsers.All(), Lateness: time.Minute}
}

// ask runs the query and returns its rows as text.
func ask(ctx context.Context, q *store.Query, query string, args ...any) (string, error) {
	var rows []string
	err := q.Run(ctx, query, func([]string) error { return nil },
		func(values []any) error { rows = append(rows, strings.Trim(fmt.Sprint(values), "[]")); return nil }, args...)
	return strings.Join(rows, "\n"), err
}

// All requests of all files come, once each, whichever columns are asked for and however
// often the query reads them.
func TestLogs(t *testing.T) {
	pattern := rawLogs(t, 5, 3000) // more than one chunk each
	for _, test := range []struct{ name, query, want string }{
		{"no column", "select count(*) from logs($1)", "15000"},
		{"one column", "select count(distinct client_ip) from logs($1)", "5"},
		{"few columns, not in order", "select sum(bytes), min(client_ip), sum(line) from logs($1)", "22492500 192.0.2.0 22507500"},
		{"every column", "select count(*) from (select distinct * from logs($1))", "15000"},
		{"nulls", "select count(api_key), count(duration_ms), count(status), count(*) from logs($1)", "0 0 15000 15000"},
		{"filter", "select count(*) from logs($1) where status = 404 and client_ip = '192.0.2.3'", "1500"},
		{"twice", "select count(*) from logs($1) a join logs($1) b on a.client_ip = b.client_ip and a.line = b.line", "15000"},
		{"again and again", "with recursive n as (select 1 as i union all select i + 1 from n, (select count(*) as c from logs($1)) where i < 3 and c = 15000) select max(i) from n", "3"},
		{"a few", "select count(*) from (from logs($1) limit 10)", "10"},
		{"the last", "select source like '%.4', line, route, method from logs($1) order by ts desc limit 1", "true 3000 /items/{id} GET"},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, err := store.OpenNothing()
			must(t, err)
			defer q.Close()
			logs, err := q.Logs(logOptions(t))
			must(t, err)
			defer logs.Close()
			got, err := ask(t.Context(), q, strings.ReplaceAll(test.query, "$1", "'"+pattern+"'"))
			must(t, err)
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			read, _, failures := logs.Read()
			if len(failures) > 0 || len(read) < 5 {
				t.Errorf("read %v, failures %v", read, failures)
			}
		})
	}
}

// A log that breaks off gives what it has, and is told of.
func TestBrokenLogs(t *testing.T) {
	pattern := rawLogs(t, 2, 3000)
	packed := strings.TrimSuffix(pattern, "*") + ".1.gz"
	text, err := os.ReadFile(packed)
	must(t, err)
	must(t, os.WriteFile(packed, text[:len(text)/2], 0o600))
	q, err := store.OpenNothing()
	must(t, err)
	defer q.Close()
	logs, err := q.Logs(logOptions(t))
	must(t, err)
	defer logs.Close()
	got, err := ask(t.Context(), q, "select count(*) > 3000 and count(*) < 6000 from logs('"+pattern+"')")
	must(t, err)
	_, _, failures := logs.Read()
	if got != "true" || len(failures) != 1 || failures[0].Path != packed || !failures[0].Fatal {
		t.Errorf("got %s, failures %v", got, failures)
	}
}

// The file is the only one that a query can write, and it cannot read another.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	out, other := filepath.Join(dir, "it's.parquet"), filepath.Join(dir, "other.csv")
	must(t, os.WriteFile(out, nil, 0o600))
	must(t, os.WriteFile(other, []byte("a\n1\n"), 0o600))
	q, err := store.OpenNothing(out)
	must(t, err)
	defer q.Close()
	for _, query := range []string{"select * from read_csv('" + other + "')", "select 1) to '" + other + "'; copy (select 2", "from glob('" + dir + "/*')"} {
		if err := q.Copy(t.Context(), query, out); err == nil || !strings.Contains(err.Error(), "disabled") {
			t.Errorf("%s: %v", query, err)
		}
	}
	must(t, q.Copy(t.Context(), "select 7 as n, [1, 2] as l -- all\n;", out))
	if got := query(t, "", "select n, l from read_parquet('"+strings.ReplaceAll(out, "'", "''")+"')"); got != "7 [1 2]\n" {
		t.Errorf("got %q", got)
	}
	info, err := os.Stat(out)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
}
