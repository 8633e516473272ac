package parsers

import (
	"slices"
	"strings"
)

// How lines are read of which Columns has found out what their columns hold.

// A cell is where the text of one column stands in a line.
type cell struct{ from, to int }

// row returns what the columns of a line hold.
func (c *columns) row(line string) []string {
	var row []string
	for _, at := range c.cut(line, nil) {
		row = append(row, c.value(line, at))
	}
	return row
}

// fit returns what the columns of a line hold if it has as many as others; else nil.
func (c *columns) fit(line string) []string {
	cells := c.cut(line, nil)
	more := len(cells) - len(c.hold)
	if more < 0 || more > 0 && c.open < 0 {
		return nil
	}
	var row []string
	for _, at := range joinCells(cells, max(c.open, 0), more) {
		row = append(row, c.value(line, at))
	}
	return row
}

// value returns what a cell holds.
func (c *columns) value(line string, at cell) string {
	s := strings.TrimSpace(line[at.from:at.to])
	if c.between == " " {
		s = strings.TrimRight(s, ",;")
	}
	return unwrapped(s)
}

// unwrapped returns s without the quotes or brackets that it stands in.
func unwrapped(s string) string {
	if n := wrappedLen(s); n > 0 && n == len(s) {
		return s[1 : n-1]
	}
	return s
}

// wrappedLen returns the length of the quotes or brackets that s begins with, and what
// stands in them; 0 if there are none.
func wrappedLen(s string) int {
	if s == "" {
		return 0
	}
	end := byte('"')
	switch s[0] {
	case '"':
	case '[':
		end = ']'
	case '(':
		end = ')'
	case '<':
		end = '>'
	default:
		return 0
	}
	for n := 1; n < len(s); n++ {
		i := strings.IndexByte(s[n:], end)
		if i < 0 {
			break
		}
		if n += i; end != '"' || !isEscaped(s, n) {
			return n + 1
		}
	}
	return 0
}

// cut appends the cells of a line.
func (c *columns) cut(line string, cells []cell) []cell {
	for from := 0; ; {
		for from < len(line) && line[from] == ' ' {
			from++
		}
		if from == len(line) && c.between == " " {
			return cells
		}
		to := from + c.cellLen(line[from:])
		if len(cells) == 2*mostColumns {
			to = len(line)
		}
		cells = append(cells, cell{from, to})
		if to == len(line) {
			return cells
		}
		from = to + 1
	}
}

// cellLen returns the length of the cell that s begins with.
func (c *columns) cellLen(s string) int {
	n := wrappedLen(s)
	if c.between != " " {
		if i := strings.Index(s[n:], c.between); i >= 0 {
			return n + i
		}
		return len(s)
	}
	if n > 0 { // and a comma, or a colon
		return n + wordLen(s[n:])
	}
	n = wordLen(s)
	if isDateBefore(s[:n]) {
		n = joined(s, n, func(next string) bool {
			return len(next) >= len("1:00:00") && isDigit(next[0]) && strings.Count(next, ":") == 2
		})
		n = joined(s, n, func(next string) bool { return next == "AM" || next == "PM" })
	}
	if n >= len("2006-01-02 15:04:05") {
		n = joined(s, n, func(next string) bool {
			return len(next) == len("+0000") && (next[0] == '+' || next[0] == '-') && allDigits(next[1:])
		})
	}
	if isDigit(s[0]) {
		n = joined(s, n, func(next string) bool { return next == "ms" || next == "s" || next == "µs" || next == "us" })
	}
	for n < len(s) && s[n-1] == ',' && isAddress(s[:n-1][strings.LastIndexByte(s[:n-1], ' ')+1:]) { // of X-Forwarded-For
		end := joined(s, n, isAddress)
		if end == n {
			break
		}
		n = end
	}
	return n
}

// isDateBefore tells whether s is a date that a time of day may follow: "2026-03-01",
// "01/Mar/2026", "3/1/2026,".
func isDateBefore(s string) bool {
	if isDay(s) {
		return true
	}
	parts := strings.Split(strings.TrimSuffix(s, ","), "/")
	return len(parts) == 3 && len(parts[2]) == len("2026") && isNumber(parts[2]) && isNumber(parts[0])
}

// joined returns n, or the length of s up to the end of the next word if that belongs to the text
// of length n before it.
func joined(s string, n int, belongs func(next string) bool) int {
	if n == len(s) {
		return n
	}
	if end := n + 1 + wordLen(s[n+1:]); belongs(strings.TrimRight(s[n+1:end], ",;")) {
		return end
	}
	return n
}

// wordLen returns the length of s up to its first blank.
func wordLen(s string) int {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return i
	}
	return len(s)
}

// columnReader reads one source.
type columnReader struct {
	*columns
	clock clock
	cells []cell
}

func (p *columnReader) parse(line string, f *Fields) error {
	f.reset()
	if len(line) > maxJSONLine {
		return &Reject{Reason: "line too long", Value: line}
	}
	p.cells = p.cut(line, p.cells[:0])
	more := len(p.cells) - len(p.hold)
	if more == -1 && p.sentLast() { // no user agent, and no "-" for it
		p.cells, more = append(p.cells, cell{len(line), len(line)}), 0
	}
	if more < 0 {
		return p.misfit(line, "fewer columns than others have")
	}
	open := p.open
	if open < 0 && p.sentLast() {
		open = len(p.hold) - 1
	}
	if more == 0 || open < 0 {
		return p.take(line, joinCells(p.cells, p.target(), more), f)
	}
	// What a client sent holds what stands between columns: what ends the line, mostly, or the
	// target, of as little as may be.
	err := p.take(line, joinCells(p.cells, open, more), f)
	if err == nil && p.between == " " {
		return nil
	}
	for n := 1; n <= more; n++ {
		var other Fields
		other.reset()
		cells := joinCells(p.cells, open+n, more-n)
		switch otherErr := p.take(line, joinCells(cells, p.target(), n), &other); {
		case otherErr != nil:
		case err == nil:
			return &Reject{Reason: "can be read in two ways", Value: line}
		default:
			*f = other
			return nil
		}
	}
	return err
}

// target returns the column of what was asked for.
func (c *columns) target() int {
	return max(slices.Index(c.hold, targetColumn), slices.Index(c.hold, requestColumn))
}

// sentLast tells whether what ends the line may be what a client sent.
func (c *columns) sentLast() bool {
	switch c.hold[len(c.hold)-1] {
	case agentColumn, refererColumn, otherColumn:
		return true
	}
	return false
}

// joinCells returns the cells with cell i and so many more behind it made one.
func joinCells(cells []cell, i, more int) []cell {
	if more == 0 {
		return cells
	}
	out := slices.Clone(cells[:len(cells)-more])
	out[i].to = cells[i+more].to
	copy(out[i+1:], cells[i+more+1:])
	return out
}

// misfit rejects a line that has other columns; it is skipped if it tells of no request.
func (p *columnReader) misfit(line, reason string) error {
	if methodAt(p.row(line)) < 0 {
		return &Reject{Reason: "no request in its columns", Value: line, Skip: true}
	}
	return &Reject{Reason: reason, Value: line}
}

// take takes what the cells hold.
func (p *columnReader) take(line string, cells []cell, f *Fields) error {
	for i, what := range p.hold {
		s := p.value(line, cells[i])
		switch what {
		case timeColumn:
			t, ok := p.clock.read(s)
			if !ok {
				return p.misfit(line, "not a time")
			}
			f.Time = t
		case clientColumn:
			if !areAddresses(s) {
				return p.misfit(line, "no address")
			}
			f.ForwardedFor = s
		case methodColumn:
			if f.Method = valueOf(s); f.Method != "" && !isMethod(s) {
				return p.misfit(line, "not a method")
			}
		case targetColumn:
			f.Target = unescape(valueOf(unwrapped(strings.TrimSpace(line[cells[i].from:cells[i].to]))))
		case requestColumn:
			if s = valueOf(s); s != "" {
				f.setLoggedRequest(s)
			}
		case statusColumn:
			if !isAnswer(s) || !f.setStatus(s) {
				return p.misfit(line, "status is not a number")
			}
		case bytesColumn:
			if !f.setBytes(s) {
				return p.misfit(line, "bytes are not a number")
			}
		case takenColumn:
			if d, ok := takenOf(s); ok {
				f.Duration = d
			}
		case refererColumn:
			f.Referer = unescape(valueOf(s))
		case agentColumn:
			f.UserAgent = unescape(valueOf(s))
		}
	}
	f.splitForwarded()
	if f.Time.IsZero() {
		return timeless
	}
	return nil
}
