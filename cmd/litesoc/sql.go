package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

func sqlCommand() *cobra.Command {
	var db, format string
	c := &cobra.Command{
		Use:   "sql [QUERY]",
		Short: "Query the database with SQL",
		Long: `Query the database with SQL. Without QUERY it is read from standard input.

The database is opened read-only, and a query can reach nothing else: no file, no
network, no setting. Tables and views: requests, sources, rejects, ips, events,
alerts, incidents, activity, audit_log; 'describe requests' lists the columns.
Times are UTC.`,
		Example: `  litesoc sql "select route, status, count(*) from requests group by all order by 3 desc limit 5"
  litesoc sql --output csv "select * from events" > events.csv
  litesoc sql "describe requests"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			write, ok := tables[format]
			if !ok {
				return misuse("", "--output %q: the formats are table, json, csv, ndjson", format)
			}
			var query string
			switch {
			case len(args) == 1:
				query = args[0]
			case isTerminal(c.InOrStdin()):
				return misuse(`litesoc sql "select * from incidents"`, "sql: no query given")
			default:
				text, err := io.ReadAll(c.InOrStdin())
				if err != nil {
					return failed(fmt.Errorf("sql: read query: %w", err), "")
				}
				query = string(text)
			}
			if strings.TrimSpace(query) == "" {
				return misuse(`litesoc sql "select * from incidents"`, "sql: the query is empty")
			}
			q, err := openQuery(db)
			if err != nil {
				return err
			}
			defer q.Close()
			out := c.OutOrStdout()
			if isTerminal(out) {
				out = visible{out}
			}
			t := write(out)
			if err := q.Run(c.Context(), query, t.columns, t.row); err != nil {
				return failed(fmt.Errorf("sql: %s", showLines(err.Error())), "")
			}
			return t.end()
		},
	}
	dbFlag(c, &db)
	c.Flags().StringVarP(&format, "output", "o", "table", "`FORMAT`: table, json, csv or ndjson")
	return c
}

// readWait is how long a command that only reads waits for one that writes: longer than
// a turn of one that writes again and again, shorter than a person's patience.
const readWait = 3 * time.Second

// openQuery opens the store for queries.
func openQuery(db string) (q *store.Query, err error) {
	err = patiently(context.Background(), readWait, func() error { q, err = store.OpenQuery(db); return err })
	switch {
	case errors.Is(err, store.ErrNoStore):
		return nil, failed(err, "'litesoc scan' makes it; --db or LITESOC_DB names another")
	case errors.Is(err, store.ErrBusy):
		return nil, failed(err, "wait until it is done")
	case err != nil:
		return nil, failed(err, "")
	}
	return q, nil
}

// A table is a way to write rows.
type table interface {
	columns(names []string) error
	row(values []any) error
	end() error
}

var tables = map[string]func(io.Writer) table{
	"table":  func(w io.Writer) table { return &textTable{w: w} },
	"json":   func(w io.Writer) table { return &jsonTable{w: w} },
	"ndjson": func(w io.Writer) table { return &ndjsonTable{jsonTable{w: w}} },
	"csv":    func(w io.Writer) table { return &csvTable{csv.NewWriter(w)} },
}

// textTable lines the columns up. It holds the rows until the end.
type textTable struct {
	w      io.Writer
	names  []string
	rows   [][]string
	number []bool // columns of numbers stand right
	cut    int
	under  map[int][]string // what stands under a row, fit to be printed
}

const (
	tableRows = 10000 // rows a table shows: more than a person reads, less than memory
	cellWidth = 60
)

func (t *textTable) columns(names []string) error {
	t.names = names
	t.number = make([]bool, len(names))
	return nil
}

func (t *textTable) row(values []any) error {
	if len(t.rows) == tableRows {
		t.cut++
		return nil
	}
	cells := make([]string, len(values))
	for i, v := range values {
		switch v.(type) {
		case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, *big.Int:
			t.number[i] = true
		}
		cells[i] = report.ShowShort(text(v, "–"), cellWidth)
	}
	t.rows = append(t.rows, cells)
	return nil
}

func (t *textTable) end() error {
	header := make([]string, len(t.names))
	for i, n := range t.names {
		header[i] = report.ShowShort(n, cellWidth)
	}
	width := make([]int, len(header))
	for _, row := range append([][]string{header}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], lipgloss.Width(cell))
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-lipgloss.Width(cell))
			switch {
			case t.number[i]:
				b.WriteString(pad + cell)
			case i == len(row)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			if i < len(row)-1 {
				b.WriteString("  ")
			}
		}
		b.WriteByte('\n')
	}
	line(header)
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = strings.Repeat("─", width[i])
	}
	line(rule)
	for n, row := range t.rows {
		line(row)
		for _, text := range t.under[n] {
			b.WriteString(text + "\n")
		}
	}
	if t.cut > 0 {
		fmt.Fprintf(&b, "and %d more rows; --output csv has all\n", t.cut)
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// jsonTable writes one array of objects, keys in the order of the columns.
type jsonTable struct {
	w     io.Writer
	names [][]byte
	rows  int
}

func (t *jsonTable) columns(names []string) error {
	for _, n := range names {
		key, err := json.Marshal(n)
		if err != nil {
			return err
		}
		t.names = append(t.names, key)
	}
	return nil
}

func (t *jsonTable) object(values []any) ([]byte, error) {
	b := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, t.names[i]...), ':')
		value, err := json.Marshal(plain(v))
		if err != nil {
			return nil, err
		}
		b = append(b, value...)
	}
	return append(b, '}'), nil
}

func (t *jsonTable) row(values []any) error {
	b, err := t.object(values)
	if err != nil {
		return err
	}
	sep := ",\n "
	if t.rows == 0 {
		sep = "["
	}
	t.rows++
	_, err = fmt.Fprintf(t.w, "%s%s", sep, b)
	return err
}

func (t *jsonTable) end() error {
	if t.rows == 0 {
		_, err := io.WriteString(t.w, "[]\n")
		return err
	}
	_, err := io.WriteString(t.w, "]\n")
	return err
}

// ndjsonTable writes one object a line.
type ndjsonTable struct{ jsonTable }

func (t *ndjsonTable) row(values []any) error {
	b, err := t.object(values)
	if err != nil {
		return err
	}
	_, err = t.w.Write(append(b, '\n'))
	return err
}

func (t *ndjsonTable) end() error { return nil }

type csvTable struct{ w *csv.Writer }

func (t *csvTable) columns(names []string) error { return t.write(names) }

func (t *csvTable) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = text(v, "")
		if _, ok := v.(string); ok {
			cells[i] = neutral(cells[i])
		}
	}
	return t.write(cells)
}

func (t *csvTable) write(cells []string) error { return t.w.Write(cells) }

func (t *csvTable) end() error {
	t.w.Flush()
	return t.w.Error()
}

// neutral keeps a spreadsheet from running a cell as a formula.
// https://owasp.org/www-community/attacks/CSV_Injection
func neutral(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// text is a value as a person writes it; null stands for none.
func text(v any, null string) string {
	switch v := plain(v).(type) {
	case nil:
		return null
	case string:
		return v
	case json.Number:
		return v.String()
	case bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64:
		return fmt.Sprint(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	}
}

// timeLayout is how a time is written: UTC, to the microsecond where there is one.
const timeLayout = "2006-01-02T15:04:05.999999Z"

// plain turns a value into what JSON has.
func plain(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(timeLayout)
	case *big.Int:
		return json.Number(v.String())
	case float32:
		return plain(float64(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v) // JSON has no number for it
		}
		return v
	case []byte:
		return string(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for k := range v {
			object[k] = plain(v[k])
		}
		return object
	case fmt.Stringer:
		return v.String()
	}
	return v
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
