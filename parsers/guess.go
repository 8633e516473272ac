package parsers

import (
	"cmp"
	"fmt"
)

// A Guessed format is what Guess makes of the first lines of a log.
type Guessed struct {
	Format  *Format
	Parsed  int // lines it reads
	Skipped int // lines that are no requests by its rules
	// Timeless are lines that lack nothing but a time: the log, or what is put around its
	// lines, must be made to have one.
	Timeless int
	Of       int // lines tried
}

// Columns says what the columns hold of lines that are read by them; "" if they are of a known
// format.
func (g *Guessed) Columns() string {
	if g.Format == nil || g.Format.Name != columnsName {
		return ""
	}
	return g.Format.Doc
}

// Lines says of which lines it is a guess: "the first 17 lines", "1 line".
func (g *Guessed) Lines() string {
	if g.Of == 1 {
		return "1 line"
	}
	return fmt.Sprintf("the first %d lines", g.Of)
}

// Guess finds the one of the formats that reads most of the lines; of equal ones the
// first; and that of Columns where there are several and none reads any. It is not ok if
// that format reads none of them, or less than half of those that are not skipped; best
// then says what came nearest: what lacks but a time does before what is skipped.
func Guess(formats []*Format, lines []string) (best Guessed, ok bool) {
	best = guess(formats, lines)
	if best.Parsed == 0 && len(formats) > 1 {
		if c := Columns(lines); c != nil {
			best = guess([]*Format{c}, lines)
		}
	}
	return best, best.Parsed > 0 && 2*best.Parsed >= best.Of-best.Skipped
}

func guess(formats []*Format, lines []string) (best Guessed) {
	var f Fields
	for _, format := range formats {
		g := Guessed{Format: format, Of: len(lines)}
		parse := format.New()
		for _, line := range lines {
			err := parse(line, &f)
			if err == nil {
				g.Parsed++
				continue
			}
			switch reject := rejectOf(err); {
			case reject.Skip:
				g.Skipped++
			case reject.Reason == reasonTimeless, reject.Reason == reasonNoTime:
				g.Timeless++
			}
		}
		if best.Format == nil || g.nearer(best) {
			best = g
		}
	}
	return best
}

// nearer tells whether g reads more of the lines than other does.
func (g Guessed) nearer(other Guessed) bool {
	return cmp.Or(cmp.Compare(g.Parsed, other.Parsed), cmp.Compare(g.Timeless, other.Timeless), cmp.Compare(g.Skipped, other.Skipped)) > 0
}
