package parsers

// A Guessed format is what Guess makes of the first lines of a log.
type Guessed struct {
	Format  *Format
	Parsed  int // lines it reads
	Skipped int // lines that are no requests by its rules
	Of      int // lines tried
}

// Guess finds the one of the formats that reads most of the lines; of equal ones the
// first. It is not ok if that format reads none of them, or less than half of those
// that are not skipped; best then says what came nearest.
func Guess(formats []*Format, lines []string) (best Guessed, ok bool) {
	var f Fields
	for _, format := range formats {
		g := Guessed{Format: format, Of: len(lines)}
		parse := format.New()
		for _, line := range lines {
			err := parse(line, &f)
			if err == nil {
				g.Parsed++
			} else if rejectOf(err).Skip {
				g.Skipped++
			}
		}
		if best.Format == nil || g.Parsed > best.Parsed || g.Parsed == best.Parsed && g.Skipped > best.Skipped {
			best = g
		}
	}
	return best, best.Parsed > 0 && 2*best.Parsed >= best.Of-best.Skipped
}
