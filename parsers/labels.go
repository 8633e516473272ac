package parsers

import (
	"slices"
	"strings"
)

// labels are those of the columns of a log, in their order, each with the ":" or "=" behind it.
type labels struct {
	between string
	names   []string
}

// learnLabels finds the labels of columns; nil if fewer than nine of ten lines begin each column
// with the same label, or less than half of those give a request.
func learnLabels(lines []string, between string) *labels {
	if between == " " || len(lines) == 0 { // logfmt's
		return nil
	}
	var best *labels
	fit := 0
	for _, line := range lines[:min(len(lines), 2)] { // the first may be another logger's
		l := &labels{between: between}
		for column := range strings.SplitSeq(line, between) {
			l.names = append(l.names, labelOf(column))
		}
		if len(l.names) < leastColumns || len(l.names) > mostColumns || slices.Contains(l.names, "") {
			continue
		}
		n := 0
		for _, line := range lines {
			if l.cut(line, nil) != nil {
				n++
			}
		}
		if n > fit {
			best, fit = l, n
		}
	}
	if !nineOfTen(fit, len(lines)) {
		return nil
	}
	if g := guess([]*Format{best.format()}, lines); 2*g.Parsed < len(lines) {
		return nil
	}
	return best
}

// labelOf returns the label that a column begins with, and what ends it; "" if there is none.
func labelOf(column string) string {
	column = strings.TrimLeft(column, " ")
	i := strings.IndexAny(column, ":=")
	if i <= 0 || labelLen(column[:i]+":") != i || isDigit(column[0]) {
		return ""
	}
	return column[:i+1]
}

func (l *labels) String() string {
	return "labelled columns between " + nameOf(l.between) + ": " + strings.Join(l.names, " ")
}

func (l *labels) format() *Format {
	return &Format{
		Name:  columnsName,
		Doc:   l.String(),
		Given: l.String(),
		New: func() ParseFunc {
			p := &labelReader{labels: l, ltsv: newLTSV()}
			return onlyInner(p.parse)
		},
	}
}

// cut returns the cells of the line's values, in the order of the labels, in the memory of cells;
// nil if it has not each label once, and in order. A value may hold what stands between columns.
func (l *labels) cut(line string, cells []cell) []cell {
	cells = cells[:0]
	for from := 0; from <= len(line); {
		to := len(line)
		if i := strings.Index(line[from:], l.between); i >= 0 {
			to = from + i
		}
		switch label := labelOf(line[from:to]); slices.Index(l.names, label) {
		case len(cells):
			cells = append(cells, cell{from + strings.Index(line[from:to], label) + len(label), to})
		case -1:
			if len(cells) == 0 {
				return nil
			}
			cells[len(cells)-1].to = to
		default:
			return nil
		}
		from = to + 1
	}
	if len(cells) < len(l.names) {
		return nil
	}
	return cells
}

// labelReader reads one source.
type labelReader struct {
	*labels
	ltsv  *ltsv
	cells []cell
	text  []byte
}

func (p *labelReader) parse(line string, f *Fields) error {
	cells := p.labels.cut(line, p.cells)
	if cells == nil {
		return &Reject{Reason: "not the labels that others have, each once", Value: line, Skip: !strings.Contains(line, p.names[0])}
	}
	p.cells, p.text = cells, p.text[:0]
	for i, at := range cells {
		p.text = append(p.text, strings.TrimRight(p.names[i], ":=")...)
		p.text = append(p.text, ':')
		for _, c := range []byte(unwrapped(strings.TrimSpace(line[at.from:at.to]))) {
			if c == '\t' {
				c = ' '
			}
			p.text = append(p.text, c)
		}
		p.text = append(p.text, '\t')
	}
	return p.ltsv.parse(string(p.text), f)
}
