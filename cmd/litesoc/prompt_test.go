package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/term"
)

// Every saved query answers something of the demo log.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	demo, err := filepath.Abs("../../testdata/demo/access.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	litesoc(t, dir, "scan", "--quiet", demo)
	f := &sqlFlags{db: filepath.Join(dir, defaultDB)}
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			first := ""
			for range 2 {
				var b bytes.Buffer
				if _, err := f.ask(t.Context(), e.sql, into(tables["csv"](&b)), io.Discard); err != nil {
					t.Fatal(err)
				}
				lines := strings.Split(strings.TrimSpace(b.String()), "\n")
				if len(lines) < 2 || strings.Count(lines[0], ",") < 2 {
					t.Errorf("no rows, or no columns:\n%s", b.String())
				}
				if first != "" && b.String() != first {
					t.Errorf("another answer the second time:\n%s\n%s", first, b.String())
				}
				first = b.String()
			}
		})
	}
}

func TestStatements(t *testing.T) {
	for _, test := range []struct {
		text  string
		whole []string
		rest  string
	}{
		{"select 1", nil, "select 1"},
		{"select 1;", []string{"select 1"}, ""},
		{"select 1; select 2", []string{"select 1"}, " select 2"},
		{"select ';';", []string{"select ';'"}, ""},
		{"select 'it''s;", nil, "select 'it''s;"},
		{`select ";" as ";";`, []string{`select ";" as ";"`}, ""},
		{"select 1 -- one; two\n;", []string{"select 1 -- one; two"}, ""},
		{"select 1 -- it's\n", nil, "select 1 -- it's\n"},
		{"/* ; ' */ select 1;", []string{"/* ; ' */ select 1"}, ""},
		{"select /* ;", nil, "select /* ;"},
		{"select $$;$$, $a$ $$ ; $a$;", []string{"select $$;$$, $a$ $$ ; $a$"}, ""},
		{"select $1;", []string{"select $1"}, ""},
		{`select e'it\'s; so', E';';`, []string{`select e'it\'s; so', E';'`}, ""},
		{`select e'\\'; select e'`, []string{`select e'\\'`}, ` select e'`},
		{`select date'\'; select e'\`, []string{`select date'\'`}, ` select e'\`},
		{";;;", nil, ""},
	} {
		whole, rest := statements(test.text)
		if !slices.Equal(whole, test.whole) || rest != test.rest {
			t.Errorf("%q: %q and %q, want %q and %q", test.text, whole, rest, test.whole, test.rest)
		}
	}
}

func FuzzStatements(f *testing.F) {
	f.Add("select ';' /* ; */ -- ;\n;")
	f.Add("$a$;$a$;'")
	f.Fuzz(func(t *testing.T, text string) {
		whole, rest := statements(text)
		if !strings.HasSuffix(text, rest) {
			t.Errorf("%q does not end with %q", text, rest)
		}
		for _, s := range whole {
			if more, _ := statements(s + "\n;"); len(more) > 1 { // a comment may stand at its end
				t.Errorf("%q of %q is more than one", s, text)
			}
		}
	})
}

// typed runs a prompt over a small database of its own with what a person types, and
// returns what was written: rows and what went wrong.
func typed(t *testing.T, dir, keystrokes string) (out, stderr string) {
	t.Helper()
	var screen, rows, said bytes.Buffer
	k := &keys{r: strings.NewReader(keystrokes)}
	p := &prompt{
		flags: &sqlFlags{db: filepath.Join(dir, defaultDB)}, mode: "csv", keys: k, ctx: t.Context(), out: &rows, stderr: &said,
		term: term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{k, &screen}, promptFirst),
		history: readHistory(filepath.Join(dir, "state", "sql_history")),
		cooked:  func() func() { return func() {} },
	}
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
	return rows.String(), said.String() + screen.String()
}

func TestPrompt(t *testing.T) {
	dir := t.TempDir()
	line := `192.0.2.7 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "-"` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "a.log"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	litesoc(t, dir, "scan", "--quiet", "a.log")
	const up = "\x1b[A"
	for _, test := range []struct{ name, keys, out, said string }{
		{"completes a column", "select client_i\t from requests;\r", "client_ip\n192.0.2.7\n", ""},
		{"completes a table", "select count(*) as n from rejec\t;\r", "n\n0\n", ""},
		{"completes in upper case", "SELECT count(*) AS n FROM REJEC\t;\r", "n\n0\n", ""},
		{"completes a table's column", "select requests.peer\t from requests;\r", "peer_ip\n\n", ""},
		{"completes a command", ".mo\t nd\t\rselect 1 as a;\r", "mode ndjson\n{\"a\":1}\n", ""},
		{"lists what may be meant", "select client\t\x03", "", "client_ip"},
		{"goes over lines", "select 1\ras a\r;\r", "a\n1\n", promptNext},
		{"drops what is written", "select 1\x03select 2 as b;\r", "b\n2\n", ""},
		{"drops several lines", "select 1,\r2,\x03select 3 as c;\r", "c\n3\n", ""},
		{"tells an error and goes on", "selec 1;\rselect 4 as d;\r", "d\n4\n", "Parser Error"},
		{"ends a list of queries at an error", "selec 1; select 5;\rselect 6 as f;\r", "f\n6\n", "Parser Error"},
		{"remembers", "select 7\r as g;\r" + up + "\r", "g\n7\ng\n7\n", ""},
		{"remembers across prompts", up + "\r", "g\n7\n", ""},
		{"runs saved queries", ".example nonsense\r", "", `no saved query "nonsense"`},
		{"leaves", ".quit\rselect 8;\r", "", ""},
		{"reads pasted lines", "\x1b[200~select 9\ras i;\r\x1b[201~", "i\n9\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, said := typed(t, dir, test.keys)
			if out != test.out || !strings.Contains(said, test.said) {
				t.Errorf("rows %q, want %q; said %q, want %q", out, test.out, said, test.said)
			}
		})
	}
	// It waits at the prompt without the database: another may write.
	k := &keys{r: strings.NewReader("")}
	k.before = func() { litesoc(t, dir, "scan", "--quiet", "a.log") }
	p := &prompt{flags: &sqlFlags{db: filepath.Join(dir, defaultDB)}, mode: "csv", keys: k, ctx: t.Context(), out: io.Discard, stderr: io.Discard,
		term: term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{k, io.Discard}, promptFirst), history: readHistory(""), cooked: func() func() { return func() {} }}
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
}
