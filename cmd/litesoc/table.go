package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/litesoc/litesoc/report"
)

// A table is a way to write rows.
type table interface {
	columns(names []string) error
	row(values []any) error
	end() error
}

var tables = map[string]func(io.Writer) table{
	"table":  func(w io.Writer) table { return &textTable{w: w, width: screen(w)} },
	"json":   func(w io.Writer) table { return &jsonTable{w: w} },
	"ndjson": func(w io.Writer) table { return &ndjsonTable{jsonTable{w: w}} },
	"csv":    func(w io.Writer) table { return &csvTable{csv.NewWriter(w)} },
}

// textTable lines the columns up. It holds the rows until the end. On a screen that is
// too narrow, texts are shortened; where that does not do, the last columns stand under
// their row, or each row becomes a list of its values.
type textTable struct {
	w      io.Writer
	width  int // of the screen; 0: it takes what it needs
	below  int // how many of the last columns stand under their row, if need be; more where that does not do
	names  []string
	rows   [][]string
	number []bool // columns of numbers stand right
	least  []int  // how narrow a column may become
	cut    int
	under  map[int][]string // what stands under a row, fit to be printed
}

const (
	tableRows  = 10000 // rows a table shows: more than a person reads, less than memory
	cellWidth  = 60
	leastWidth = 8   // of a column that is shortened
	belowWidth = 400 // of what may stand under a row
)

// whole are the texts that are of no use if they are shortened: ids, and times.
var whole = regexp.MustCompile(`^(?:(?:alt|evt|inc|key|tok|ses)_[0-9a-f]+|\d{4}-\d\d-\d\d[ T][0-9:.]+Z?)$`)

func (t *textTable) columns(names []string) error {
	t.number, t.least = make([]bool, len(names)), make([]int, len(names))
	for i, n := range names {
		t.names = append(t.names, report.ShowShort(n, cellWidth))
		t.least[i] = max(lipgloss.Width(t.names[i]), leastWidth)
	}
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
		cells[i] = report.ShowShort(text(v, "–"), belowWidth)
		if t.number[i] || whole.MatchString(cells[i]) {
			t.least[i] = max(t.least[i], lipgloss.Width(cells[i]))
		}
	}
	t.rows = append(t.rows, cells)
	return nil
}

func (t *textTable) end() error {
	var b strings.Builder
	beside := len(t.names)
	width, fits := t.fit(beside)
	if !fits && t.below > 0 {
		for beside -= t.below; ; beside-- {
			if width, fits = t.fit(beside); fits || beside == 1 {
				break
			}
		}
	}
	if fits || beside < len(t.names) {
		t.lay(&b, width)
	} else {
		t.list(&b)
	}
	if t.cut > 0 {
		fmt.Fprintf(&b, "and %d more rows; --output csv has all\n", t.cut)
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// columnGap is what stands between columns.
const columnGap = "  "

// fit returns the widths of the first n columns on the screen, and whether they fit it.
func (t *textTable) fit(n int) (width []int, fits bool) {
	width = make([]int, n)
	all := (n - 1) * len(columnGap)
	for i := range width {
		width[i] = lipgloss.Width(t.names[i])
		for _, row := range t.rows {
			width[i] = max(width[i], min(lipgloss.Width(row[i]), cellWidth))
		}
		all += width[i]
	}
	for t.width > 0 && all > t.width {
		widest := -1
		for i := range width {
			if width[i] > t.least[i] && (widest < 0 || width[i] > width[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return width, false
		}
		width[widest]--
		all--
	}
	return width, true
}

// lay writes the rows, as many columns beside each other as there are widths.
func (t *textTable) lay(b *strings.Builder, width []int) {
	line := func(row []string) {
		for i, w := range width {
			cell := report.ShowShort(row[i], w)
			pad := strings.Repeat(" ", w-lipgloss.Width(cell))
			switch {
			case t.number[i]:
				b.WriteString(pad + cell)
			case i == len(width)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			if i < len(width)-1 {
				b.WriteString(columnGap)
			}
		}
		b.WriteByte('\n')
	}
	const indent = "    "
	rest := func(row []string, between string) {
		var texts []string
		for _, cell := range row[len(width):] {
			if cell != "" && cell != "–" {
				texts = append(texts, cell)
			}
		}
		for _, line := range report.Wrap(strings.Join(texts, between), t.width-len(indent)) {
			b.WriteString(indent + line + "\n")
		}
	}
	line(t.names)
	rest(t.names, ", ")
	rule := make([]string, len(width))
	for i, w := range width {
		rule[i] = strings.Repeat("─", w)
	}
	b.WriteString(strings.Join(rule, columnGap) + "\n")
	for n, row := range t.rows {
		line(row)
		rest(row, " · ")
		for _, text := range t.under[n] {
			b.WriteString(text + "\n")
		}
	}
}

// list writes each row as a list of its values.
func (t *textTable) list(b *strings.Builder) {
	name := 0
	for _, n := range t.names {
		name = max(name, lipgloss.Width(n))
	}
	for n, row := range t.rows {
		head := fmt.Sprintf("── %d ", n+1)
		b.WriteString(head + strings.Repeat("─", max(t.width-lipgloss.Width(head), 0)) + "\n")
		for i, cell := range row {
			left := t.names[i] + strings.Repeat(" ", name-lipgloss.Width(t.names[i])) + columnGap
			for _, line := range report.Wrap(cell, max(t.width-name-len(columnGap), leastWidth)) {
				b.WriteString(left + line + "\n")
				left = strings.Repeat(" ", name+len(columnGap))
			}
		}
		for _, text := range t.under[n] {
			b.WriteString(text + "\n")
		}
	}
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
		t.names = append(t.names, report.ShowJSON(key))
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
		b = append(b, report.ShowJSON(value)...)
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

// columns are named by a log where a query pivots on what it says.
func (t *csvTable) columns(names []string) error {
	header := make([]string, len(names))
	for i := range names {
		header[i] = report.CSVCell(names[i])
	}
	return t.write(header)
}

func (t *csvTable) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		switch cells[i] = text(v, ""); v.(type) {
		case string, []byte:
			cells[i] = report.CSVCell(cells[i])
		default:
			cells[i] = report.Show(cells[i]) // a number may begin with a minus
		}
	}
	return t.write(cells)
}

func (t *csvTable) write(cells []string) error { return t.w.Write(cells) }

func (t *csvTable) end() error {
	t.w.Flush()
	return t.w.Error()
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

// beside writes a text to the right of what stands left of it; on a screen in as many lines
// as that takes.
func beside(w io.Writer, left, text string) error {
	lines := []string{report.Show(text)}
	indent := lipgloss.Width(left)
	if width := screen(w); width > 0 {
		lines = report.Wrap(text, max(width-indent, leastWidth))
	}
	_, err := io.WriteString(w, left+strings.Join(lines, "\n"+strings.Repeat(" ", indent))+"\n")
	return err
}
