package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

type sqlFlags struct {
	db, config, format, output, example string
	examples, quiet                     bool
}

func sqlCommand() *cobra.Command {
	var f sqlFlags
	c := &cobra.Command{
		Use:   "sql [QUERY]",
		Short: "Query the database, or raw logs, with SQL",
		Long: `Query the database with SQL. Without QUERY it is read from standard input; on a
terminal, a prompt asks for it. Of several queries, with ';' between them, the rows of
each are written in turn.

The database is opened read-only, and a query can reach nothing else: no file, no
network, no setting. Tables and views: requests, sources, rejects, ips, events,
alerts, incidents, activity, audit_log; 'describe requests' lists the columns.
Times are UTC.

logs('access.log*') stands for the requests in raw logs, compressed or not and in any
format that scan reads, with the columns of requests and the source of each; it needs
no database and keeps nothing. The files that the pattern names are the only ones that
a query can read. Lines that could not be read are told on standard error.`,
		Example: `  litesoc sql
  litesoc sql "select route, status, count(*) from requests group by all order by 3 desc limit 5"
  litesoc sql "select client_ip, count(*) from logs('access.log*') group by 1 order by 2 desc limit 5"
  litesoc sql --output parquet=events.parquet "select * from events"
  litesoc sql --example did-it-work`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runSQL(c, &f, args) },
	}
	dbFlag(c, &f.db)
	flags := c.Flags()
	flags.StringVarP(&f.output, "output", "o", "table", "`FORMAT[=FILE]`: table, json, csv, ndjson, or parquet=FILE")
	flags.StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	flags.StringVar(&f.format, "format", "", "`format` of the logs that logs() reads (default: guessed), as of scan")
	flags.BoolVar(&f.examples, "examples", false, "list the saved queries")
	flags.StringVar(&f.example, "example", "", "run the saved query of this `name`")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no notes on stderr")
	return c
}

func runSQL(c *cobra.Command, f *sqlFlags, args []string) error {
	format, file, toFile := strings.Cut(f.output, "=")
	switch {
	case tables[format] == nil && format != "parquet":
		return misuse("", "--output %q: the formats are table, json, csv, ndjson, parquet=FILE", f.output)
	case toFile && file == "":
		return misuse("", "--output %q: no file after '='", f.output)
	case format == "parquet" && !toFile:
		return misuse("litesoc sql --output parquet=rows.parquet QUERY", "--output parquet: Parquet goes into a file")
	}
	if f.examples {
		return listExamples(c.OutOrStdout())
	}
	var query string
	switch {
	case f.example != "" && len(args) > 0:
		return misuse("", "sql: --example and a query are given: choose one")
	case f.example != "":
		e := exampleNamed(f.example)
		if e == nil {
			return misuse("'litesoc sql --examples' lists them", "sql: no saved query %q", f.example)
		}
		query = e.sql
	case len(args) == 1:
		query = args[0]
	case isTerminal(c.InOrStdin()):
		if toFile {
			return misuse("", "--output %q: no query given", f.output)
		}
		return promptOnTerminal(c, f, format)
	default:
		text, err := io.ReadAll(c.InOrStdin())
		if err != nil {
			return failed(fmt.Errorf("sql: read query: %w", err), "")
		}
		query = string(text)
	}
	queries := queriesIn(query)
	switch {
	case len(queries) == 0:
		return misuse(`litesoc sql "select * from incidents"`, "sql: the query is empty")
	case len(queries) > 1 && format == "parquet":
		return misuse("", "--output parquet: %d queries are given, and a Parquet file holds the rows of one", len(queries))
	}
	if toFile {
		return f.toFile(c, query, format, file)
	}
	out := c.OutOrStdout()
	if isTerminal(out) {
		out = visible{out}
	}
	_, err := f.ask(c.Context(), query, inTurn(format, out), c.ErrOrStderr())
	return err
}

// into runs a query and writes its rows.
func into(t table) func(context.Context, *store.Query, string) error {
	return func(ctx context.Context, q *store.Query, query string) error {
		if err := q.Run(ctx, query, t.columns, t.row); err != nil {
			return err
		}
		return t.end()
	}
}

// queriesIn cuts text into its queries. What DuckDB will not understand is one, too.
func queriesIn(text string) []string {
	queries, rest := statements(text)
	if more, open := statements(rest + "\n;"); len(more) > 0 || open != "" { // more than a comment
		queries = append(queries, strings.TrimSpace(rest))
	}
	return queries
}

// rowless is what a query begins with that only readies something for those after it.
var rowless = regexp.MustCompile(`(?i)^(?:alter|begin|commit|create|deallocate|drop|prepare|reset|rollback|set|start|use)\b`)

// inTurn runs the queries in a text one after another and writes the rows of each.
func inTurn(format string, w io.Writer) func(context.Context, *store.Query, string) error {
	return func(ctx context.Context, q *store.Query, text string) error {
		written := 0
		for _, query := range queriesIn(text) {
			to := w
			if rowless.MatchString(query) {
				to = io.Discard
			} else if written++; written > 1 && (format == "table" || format == "csv") { // JSON has an end of its own
				if _, err := io.WriteString(w, "\n"); err != nil {
					return err
				}
			}
			if err := into(tables[format](to))(ctx, q, query); err != nil {
				return err
			}
		}
		return nil
	}
}

// toFile writes the rows of the query to a file, whole or not at all.
func (f *sqlFlags) toFile(c *cobra.Command, query, format, file string) error {
	var kept bool
	for _, logs := range rawLogs.FindAllStringSubmatch(query, -1) {
		if anyIs(logs[1:], file) {
			return export{format, file}.refused(errLog)
		}
	}
	if _, err := os.Stat(f.db); err == nil {
		if err := exportable(f.db, export{format, file}); err != nil {
			return err
		}
	}
	err := replaceFile(file, func(tmp *os.File) (err error) {
		if format == "parquet" {
			kept, err = f.ask(c.Context(), query, func(ctx context.Context, q *store.Query, query string) error {
				return q.Copy(ctx, queriesIn(query)[0], tmp.Name())
			},
				c.ErrOrStderr(), tmp.Name())
			return err
		}
		w := bufio.NewWriter(tmp)
		if kept, err = f.ask(c.Context(), query, inTurn(format, w), c.ErrOrStderr()); err != nil {
			return err
		}
		return w.Flush()
	})
	if err != nil {
		var status *statusError
		if errors.As(err, &status) {
			return err
		}
		return failed(fmt.Errorf("sql: %w", err), "")
	}
	if !f.quiet {
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: wrote %s\n", file)
	}
	if !kept {
		return nil
	}
	return exported(c.Context(), f.db, "query.exported", export{format, file})
}

// rawLogs is found in a query that reads raw logs, with their names.
var rawLogs = regexp.MustCompile(`(?i)\blogs"?\s*\((?:\s*'([^']*)')?`)

// ask opens the database, leads the query to do and gives the database back: nobody waits
// longer for it than the query takes. It returns whether there is a database. The files
// are as store.OpenQuery says.
func (f *sqlFlags) ask(ctx context.Context, query string, do func(context.Context, *store.Query, string) error, stderr io.Writer, files ...string) (kept bool, err error) {
	raw := rawLogs.MatchString(query)
	q, kept, err := f.open(raw, files)
	if err != nil {
		return false, err
	}
	defer q.Close()
	var logs *store.Logs
	if raw {
		opts, err := f.logOptions()
		if err != nil {
			return kept, err
		}
		if logs, err = q.Logs(opts); err != nil {
			return kept, failed(err, "")
		}
		defer logs.Close()
	}
	if err := do(ctx, q, query); err != nil {
		return kept, failed(fmt.Errorf("sql: %s", showLines(err.Error())), "")
	}
	if logs == nil {
		return kept, nil
	}
	return kept, f.tellLogs(logs, stderr)
}

// open opens the database. A query over raw logs does without, if there is none.
func (f *sqlFlags) open(raw bool, files []string) (q *store.Query, kept bool, err error) {
	_, none := os.Stat(f.db)
	if raw && (f.db == store.Memory || errors.Is(none, fs.ErrNotExist)) {
		if q, err = store.OpenNothing(files...); err != nil {
			return nil, false, failed(err, "")
		}
		return q, false, nil
	}
	q, err = openQuery(f.db, files...)
	return q, err == nil, err
}

// logOptions says how raw logs are read: as scan reads them.
func (f *sqlFlags) logOptions() (*source.Options, error) {
	cfg, err := readConfig(f.config)
	if err != nil {
		return nil, err
	}
	site, err := cfg.site()
	if err != nil {
		return nil, err
	}
	routes, err := detect.NewRouteMap(cfg.Routes)
	if err != nil {
		return nil, cfg.wrong("routes", "routes: %w", err)
	}
	formats, err := cfg.formats(cmp.Or(f.format, cfg.Format))
	if err != nil {
		return nil, err
	}
	o := &source.Options{Site: site, Formats: formats, Lateness: time.Minute}
	if cfg.Lateness != nil {
		o.Lateness = *cfg.Lateness
	}
	o.Enrich = func(requests []parsers.Request) {
		for i := range requests {
			r := &requests[i]
			r.Event = routes.Classify(r)
			detect.Identify(r)
		}
	}
	return o, nil
}

// tellLogs tells what of the raw logs could not be read. Where that is more than a few
// lines, the answer is wrong, and so is success.
func (f *sqlFlags) tellLogs(logs *store.Logs, stderr io.Writer) error {
	read, same, failures := logs.Read()
	say := func(format string, args ...any) {
		if !f.quiet {
			fmt.Fprintf(stderr, "litesoc: "+format+"\n", args...)
		}
	}
	for _, d := range same {
		say("%s holds the same log as %s, and is left out", report.Show(d.Path), report.Show(d.As))
	}
	for _, l := range read {
		if l.At.Rejected == 0 {
			continue
		}
		lines := l.At.Lines - l.At.Skipped
		said := fmt.Sprintf("%d of %d lines could not be read as %s; the first is line %d: %s", l.At.Rejected, lines, l.Format,
			l.First.Line, report.Show(l.First.Reason))
		if 2*l.At.Parsed < lines {
			failures = append(failures, source.Failure{Path: l.Path, Err: errors.New(said), Fatal: true})
			continue
		}
		say("%s: %s", report.Show(l.Path), said)
	}
	var missing []string
	for _, x := range failures {
		said := fmt.Sprintf("%s: %s", report.Show(x.Path), report.Show(x.Err.Error()))
		if !x.Fatal {
			say("not read: %s", said)
			continue
		}
		missing = append(missing, said)
	}
	if len(missing) > 0 {
		return failed(fmt.Errorf("sql: rows are missing\n  %s", strings.Join(missing, "\n  ")), "'litesoc formats detect FILE' tells how a file is read")
	}
	return nil
}

// readWait is how long a command that only reads waits for one that writes, and tailWait how
// long if that is a tail, which leaves the database soon, but to whoever comes first.
const (
	readWait = 3 * time.Second
	tailWait = 15 * time.Second
)

// waitFor is how long a command that only reads waits for the database.
func waitFor(db string) time.Duration {
	if pid, err := store.Follower(db); err == nil && pid != "" {
		return tailWait
	}
	return readWait
}

// openQuery opens the store for queries, which can reach the files beside it.
func openQuery(db string, files ...string) (q *store.Query, err error) {
	err = patiently(context.Background(), waitFor(db), func() error { q, err = store.OpenQuery(db, files...); return err })
	if err != nil {
		return nil, unopened(err, "wait until it is done")
	}
	return q, nil
}

// visible writes text to a terminal that may hold what a log says: control, escape and
// bidi characters are shown, not obeyed. It is given whole lines.
type visible struct{ w io.Writer }

func (v visible) Write(b []byte) (int, error) {
	_, err := io.WriteString(v.w, showLines(string(b)))
	return len(b), err
}

// showLines makes a text of several lines safe to print.
func showLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = report.Show(lines[i])
	}
	return strings.Join(lines, "\n")
}
