package parsers

import (
	"slices"
	"strings"
	"time"
)

// Columns returns a format for lines that no known format reads, if they tell of requests in
// columns of which each holds one thing. Between columns stands a tab, "\x01", "|", "^", ";", ",", or
// blanks; values may stand in quotes or brackets of any kind. What a column holds is told by its
// values: there must be a time with its date, a client's address, a method and behind it a target,
// or a request line, and a status, each in one place in nine of ten of the lines with a method.
// Columns returns nil if there is not, or if fewer than one line in eight has a method.
//
// Columns that bear labels hold what these mean in LTSV: label:value, or label=value.
//
// Whole numbers are bytes where they stand right behind the status, or, if they differ, nowhere
// else behind it. A number with a unit is the time taken, as is one with three digits behind its
// point, in seconds, as nginx writes it. A column with URLs holds the referer, one with names and
// versions of products the user agent. Of addresses, those are the client's that come first, unless
// they are all one and later ones differ; a list of them is X-Forwarded-For. All else is read over:
// a user cannot be told from other words.
func Columns(lines []string) *Format {
	lines, enclosed := innerLines(lines)
	for _, between := range [...]string{"\t", "\x01", "|", "^", ";", ",", " "} {
		if l := learnLabels(lines, between); l != nil {
			return l.format()
		}
		if c := learnColumns(lines, between, enclosed); c != nil {
			return c.format()
		}
	}
	return nil
}

// innerLines returns what stands in the envelopes of the lines, or the lines if there are none;
// enclosed tells that all stand in envelopes, which have a time.
func innerLines(lines []string) (inner []string, enclosed bool) {
	var line string
	read := enveloped(func(s string, f *Fields) error {
		if line == "" { // what is tried later is but a guess
			line = strings.Clone(plain(s))
		}
		return timeless
	})
	enclosed = true
	for _, of := range lines {
		var f Fields
		line = ""
		enclosed = read(of, &f) == nil && line != of && enclosed
		inner = append(inner, line)
	}
	return inner, enclosed
}

// columnsName names the formats that Columns finds.
const columnsName = "columns"

func (c *columns) format() *Format {
	return &Format{
		Name:  columnsName,
		Doc:   c.String(),
		Given: c.String(),
		New: func() ParseFunc {
			p := &columnReader{columns: c}
			return onlyInner(p.parse)
		},
	}
}

// onlyInner is timed for what was learned of innerLines: a line that cannot be read is in no
// envelope that only may be one, and colours are no part of it.
func onlyInner(parse ParseFunc) ParseFunc {
	var read bool // of the line at hand
	inner := timed(func(line string, f *Fields) error {
		if read {
			return &Reject{Reason: reasonBare, Value: line}
		}
		read = true
		return parse(plain(line), f)
	})
	return func(line string, f *Fields) error {
		read = false
		return inner(line, f)
	}
}

// A column is what stands in one column of a log.
type column uint8

const (
	otherColumn column = iota // what is read over
	timeColumn
	clientColumn
	methodColumn
	targetColumn
	requestColumn // method, target and mostly the version
	statusColumn
	bytesColumn
	takenColumn
	refererColumn
	agentColumn
)

var columnNames = [...]string{"…", "time", "client", "method", "target", "request", "status", "bytes", "time taken", "referer", "user agent"}

// columns says what the columns of a log hold.
type columns struct {
	between string // what stands between two; " " for any number of blanks
	hold    []column
	open    int // the column that often holds what stands between columns; -1: none does
}

// String says it in words.
func (c *columns) String() string {
	names := make([]string, len(c.hold))
	for i, what := range c.hold {
		names[i] = columnNames[what]
	}
	return "columns between " + nameOf(c.between) + ": " + strings.Join(names, ", ")
}

// nameOf says what stands between columns.
func nameOf(between string) string {
	switch between {
	case " ":
		return "blanks"
	case "\t":
		return "tabs"
	case "\x01": // as Hive has it
		return `\x01`
	}
	return between
}

// Bounds on the columns of a log. It has a client, a request and a status.
const (
	leastColumns = 3
	mostColumns  = 100
)

// learnColumns finds out what the columns of the lines hold; nil if it cannot. Lines that were
// enclosed need no time of their own.
func learnColumns(lines []string, between string, enclosed bool) *columns {
	const fewest = 8 // one line in so many has a method
	c := &columns{between: between, open: -1}
	var rows [][]string
	places := map[int]int{} // lines by the column of the method
	for _, line := range lines {
		row := c.row(line)
		if at := methodAt(row); at >= 0 {
			rows = append(rows, row)
			places[at]++
		}
	}
	if len(rows) == 0 || fewest*len(rows) < len(lines) {
		return nil
	}
	all, place := len(rows), mostOften(places)
	rows = slices.DeleteFunc(rows, func(row []string) bool { return methodAt(row) != place })
	width, varies := widthOf(rows)
	if width < max(leastColumns, place+1) || width > mostColumns {
		return nil
	}
	if varies { // mostly by the last: a user agent
		c.open = width - 1
	}
	for ; c.open == -1 || c.open > place; c.open-- {
		c.hold = make([]column, width)
		rows = rows[:0]
		for _, line := range lines {
			if row := c.fit(line); row != nil && methodAt(row) == place {
				rows = append(rows, row)
			}
		}
		if nineOfTen(len(rows), all) && c.tell(rows, place, enclosed) && (!varies || c.open > c.target()) {
			return c
		}
		if !varies {
			break
		}
	}
	return nil
}

func nineOfTen(n, of int) bool { return 10*n >= 9*of }

// widthOf returns how many columns the rows have, and whether that varies: a user agent without
// quotes makes more of them in some rows.
func widthOf(rows [][]string) (width int, varies bool) {
	widths := map[int]int{}
	for _, row := range rows {
		widths[len(row)]++
	}
	width = mostOften(widths)
	if nineOfTen(widths[width], len(rows)) {
		return width, false
	}
	width = 0
	for wide := len(rows); ; width++ {
		if wide -= widths[width]; !nineOfTen(wide, len(rows)) {
			return width, true
		}
	}
}

// mostOften returns the key that was counted most often; of several, the largest.
func mostOften(counts map[int]int) int {
	best := -1
	for k, n := range counts {
		if best < 0 || n > counts[best] || n == counts[best] && k > best {
			best = k
		}
	}
	return best
}

// methodAt returns the first column that holds a method, or a request line; -1 if none does.
func methodAt(row []string) int {
	return slices.IndexFunc(row, func(s string) bool {
		method, target, found := cutByte(s, ' ')
		return isUsualMethod(method) && (!found || isTarget(target))
	})
}

// tell tells what the columns of the rows hold, of which one holds the method, or the request. It
// is not ok if a part of a request is missing.
func (c *columns) tell(rows [][]string, place int, enclosed bool) (ok bool) {
	end := place // of the request
	c.hold[place] = requestColumn
	if isUsualMethod(rows[0][place]) {
		c.hold[place] = methodColumn
		if end = c.first(rows, place+1, isTarget); end > place+2 || !c.take(end, targetColumn) { // a "-" may stand before it
			return false
		}
	}
	if !c.take(c.first(rows, 0, isDatedTime), timeColumn) && !enclosed || !c.take(c.client(rows), clientColumn) {
		return false
	}
	status := c.first(rows, end+1, isUsualStatus)
	if status == len(c.hold) {
		status = c.first(rows, 0, isUsualStatus)
	}
	if !c.take(status, statusColumn) {
		return false
	}
	c.take(c.first(rows, 0, isTaken), takenColumn)
	size := c.first(rows, status+1, isSize)
	if size == status+1 || differ(rows, size) && c.first(rows, size+1, isSize) == len(c.hold) {
		c.take(size, bytesColumn)
	}
	for i := range c.hold {
		values := func(is func(string) bool) int { return valuesOf(rows, i, is) }
		switch {
		case c.hold[i] != otherColumn:
		case values(isAgent) > 0 && !slices.Contains(c.hold, agentColumn):
			c.hold[i] = agentColumn
		case values(isURL) > 0 && values(isURL)+values(isNothing) == len(rows) && !slices.Contains(c.hold, refererColumn):
			c.hold[i] = refererColumn
		}
	}
	return true
}

// first returns the first column, from the given one on, that holds nothing else and in nine of ten
// rows such a value, and not only "-"; one behind the last if there is none.
func (c *columns) first(rows [][]string, from int, is func(string) bool) int {
	for i := from; i < len(c.hold); i++ {
		if c.hold[i] == otherColumn && nineOfTen(valuesOf(rows, i, is), len(rows)) && valuesOf(rows, i, isNothing) < len(rows) {
			return i
		}
	}
	return len(c.hold)
}

// take has column i, if there is one, hold something.
func (c *columns) take(i int, what column) (ok bool) {
	if ok = i < len(c.hold); ok {
		c.hold[i] = what
	}
	return ok
}

// client returns the column of the client: the first that holds addresses, unless they are all
// one, as the server's is, and those of a later one are not.
func (c *columns) client(rows [][]string) int {
	first := c.first(rows, 0, areAddresses)
	for i := first; i < len(c.hold); i = c.first(rows, i+1, areAddresses) {
		if differ(rows, i) {
			return i
		}
	}
	return first
}

// valuesOf counts the rows of which column i is such a value.
func valuesOf(rows [][]string, i int, is func(string) bool) (n int) {
	for _, row := range rows {
		if is(row[i]) {
			n++
		}
	}
	return n
}

// differ tells whether column i, if there is one, has not the same value in all of the rows.
func differ(rows [][]string, i int) bool {
	return i < len(rows[0]) && valuesOf(rows, i, func(s string) bool { return s == rows[0][i] }) < len(rows)
}

// areAddresses tells whether s is an address, or a list of them, as X-Forwarded-For has it.
func areAddresses(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		if !isAddress(strings.TrimSpace(part)) {
			return false
		}
	}
	return true
}

// isDatedTime tells whether s is a time with its date, of this century.
func isDatedTime(s string) bool {
	t, ok := parseTime(s)
	return ok && len(s) >= len("1772359200") && t.Year() > 2000 && t.Year() < 2100
}

// isUsualStatus tells whether s is a status in use: of RFC 9110 and what is registered beside it,
// of nginx (444, 494 to 499), AWS (460, 463, 561) or Cloudflare (520 to 530). A port is none.
func isUsualStatus(s string) bool {
	if !isStatus(s) {
		return false
	}
	switch n := digits(s); n / 100 {
	case 1:
		return n <= 103
	case 2:
		return n <= 208 || n == 226
	case 3:
		return n <= 308
	case 4:
		return n <= 418 || n >= 421 && n <= 431 || n == 444 || n == 451 || n == 460 || n == 463 || n >= 494
	case 5:
		return n <= 511 || n >= 520 && n <= 530 || n == 561 || n >= 598
	}
	return false
}

// isAnswer tells whether s may be the status of an answer.
func isAnswer(s string) bool { return isStatus(s) && s >= "100" && s < "600" }

func isSize(s string) bool { return s == "-" || isNumber(s) }

func isNothing(s string) bool { return valueOf(s) == "" }

func isURL(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") }

// isAgent tells whether s begins as user agents do.
func isAgent(s string) bool { return isProduct(s) && !strings.HasPrefix(s, "HTTP/") }

// isTaken tells whether s is how long something took.
func isTaken(s string) bool {
	_, ok := takenOf(s)
	return ok
}

// takenOf reads a number with a unit of time, or with three digits behind its point, which is in
// seconds.
func takenOf(s string) (time.Duration, bool) {
	for _, u := range [...]struct {
		name string
		unit time.Duration
	}{{"ms", time.Millisecond}, {"µs", time.Microsecond}, {"μs", time.Microsecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond}, {"s", time.Second}} {
		if number, found := strings.CutSuffix(s, u.name); found {
			return parseDecimal(strings.TrimSuffix(number, " "), u.unit)
		}
	}
	if whole, part, _ := cutByte(s, '.'); len(part) != 3 || len(whole) > 4 {
		return 0, false
	}
	return parseDecimal(s, time.Second)
}
