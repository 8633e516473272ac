package report

import (
	"fmt"
	"slices"
	"strings"
)

// rowTitles name the numbers of a row.
var rowTitles = [5]string{"lines", "parsed", "rejected", "late", "skipped"}

// read lists the sources and what was not understood of them.
func (p *page) read(r *Report) {
	p.section("READ", "")
	if rows := sourceRows(r); len(rows) > 0 {
		p.table(rows)
	} else {
		p.put(span{plain, "  no source"})
	}
	p.asides(r)
}

// sourceRows returns a row for each source, and one for all together unless there
// is but one and it is all.
func sourceRows(r *Report) []row {
	var rows []row
	var more row
	for i := range r.Run.Sources {
		s := &r.Run.Sources[i]
		nums := [5]int64{s.Lines, s.Parsed, s.Rejected, s.Late, s.Skipped}
		if i >= maxSources {
			for j, n := range nums {
				more.nums[j] += n
			}
			continue
		}
		var below []string
		if s.Format != "" {
			below = append(below, s.Format)
		}
		if !s.First.IsZero() {
			below = append(below, period(s.First, s.Last))
		}
		if s.Note != "" {
			below = append(below, s.Note)
		}
		rows = append(rows, row{s.Path, strings.Join(below, ", "), nums, s})
	}
	if n := len(r.Run.Sources) - maxSources; n > 0 {
		more.name = "and " + count(int64(n), "more source")
		rows = append(rows, more)
	}
	all := row{name: "all", nums: [5]int64{r.Log.Lines, r.Log.Parsed, r.Log.Rejected, r.Log.Late, r.Log.Skipped}}
	if r.Run.DB != memory {
		all.name = "all in the store"
	}
	if len(rows) == 1 && rows[0].nums == all.nums || len(rows) == 0 && all.nums == [5]int64{} {
		return rows
	}
	return append(rows, all)
}

// table writes the rows, as wide as the page, their numbers below each other.
func (p *page) table(rows []row) {
	var widths [5]int
	name := p.width - 2
	for i, t := range rowTitles {
		widths[i] = cells(t)
		for _, row := range rows {
			widths[i] = max(widths[i], cells(number(row.nums[i])))
		}
		widths[i] += 2
		name -= widths[i]
	}
	name = max(name, 8)
	head := span{faint, pad("  source", name+2)}
	for i, t := range rowTitles {
		head.text += padLeft(t, widths[i])
	}
	p.put(head)
	shapes := maxAllShapes
	for _, row := range rows {
		spans := []span{{plain, "  " + pad(ShowShort(row.name, name), name)}}
		for i, n := range row.nums {
			t := plain
			switch {
			case n == 0:
				t = faint
			case rowTitles[i] == "rejected" || rowTitles[i] == "late":
				t = warning
			}
			spans = append(spans, span{t, padLeft(number(n), widths[i])})
		}
		p.put(spans...)
		if row.below != "" {
			p.text(span{}, 4, faint, row.below)
		}
		if row.source != nil {
			shapes -= p.shapes(row.source, min(shapes, maxShapes))
		}
	}
}

// shapes shows what the lines of a source look like that could not be read: at most
// so many shapes, each by the first of its lines. It returns how many it showed.
func (p *page) shapes(s *Source, most int) int {
	const left = "      "
	shown := s.Shapes[:min(len(s.Shapes), most)]
	rest, others := s.OtherShapes, len(s.Shapes)-len(shown)
	for _, shape := range s.Shapes[len(shown):] {
		rest += shape.Count
	}
	for _, shape := range shown {
		p.text(span{}, 4, warning, fmt.Sprintf("%s not read (%s): %s",
			count(shape.Count, "line"), percent(shape.Count, s.Lines), shape.Reason))
		at := fmt.Sprintf("line %d  ", shape.Line)
		for _, line := range []string{pad("like", len(at)) + shape.Text, at + shape.Sample} {
			p.put(span{plain, left}, span{faint, ShowShort(line, p.width-len(left))})
		}
	}
	switch {
	case rest == 0:
	case s.OtherShapes > 0:
		p.text(span{}, 4, warning, fmt.Sprintf("and %s in more than %s", count(rest, "more line"), count(int64(others), "other shape")))
	default:
		p.text(span{}, 4, warning, fmt.Sprintf("and %s in %s", count(rest, "more line"), count(int64(others), "other shape")))
	}
	return len(shown)
}

// percent writes a share so that what is there never reads as none, nor as all what
// is not.
func percent(part, whole int64) string {
	switch s := 100 * share(part, whole); {
	case part > 0 && s < 0.1:
		return "less than 0.1 %"
	case part < whole && s > 99.9:
		return "more than 99.9 %"
	default:
		return fmt.Sprintf("%.1f %%", s)
	}
}

// integrity tells what is odd about the logs themselves.
func (p *page) integrity(r *Report) {
	all := oddities(r.Run.Sources)
	if all == 0 {
		return
	}
	p.section("LOG INTEGRITY", "lines may be missing or put in")
	left := maxFindings
	for i := range r.Run.Sources {
		s := &r.Run.Sources[i]
		if left == 0 || len(s.Integrity) == 0 {
			continue
		}
		p.put(span{plain, "  " + ShowShort(s.Path, p.width-2)})
		for _, f := range s.Integrity[:min(len(s.Integrity), left)] {
			p.text(span{faint, pad("    "+f.Kind, len("    clock-jump  "))}, len("    clock-jump  "), warning, f.Text)
			left--
			all -= 1 + f.More
		}
	}
	if left == 0 && all > 0 {
		p.text(span{}, 2, warning, fmt.Sprintf("and %s; --output json has more", count(all, "more finding")))
	}
}

// oddities counts what was found about the logs themselves.
func oddities(sources []Source) (n int64) {
	for i := range sources {
		for _, f := range sources[i].Integrity {
			n += 1 + f.More
		}
	}
	return n
}

// asides says what the counts do not: rejects, notes, failures, bounds.
func (p *page) asides(r *Report) {
	run := &r.Run
	sampled := slices.ContainsFunc(run.Sources, func(s Source) bool { return len(s.Shapes) > 0 })
	for i, rej := range r.Log.Rejects {
		label := ""
		if i == 0 {
			label = "rejected"
		}
		if i == maxRejects {
			p.field(label, warning, fmt.Sprintf("and %s; --output json has all", count(int64(len(r.Log.Rejects)-i), "more reason")))
			break
		}
		p.field(label, warning, fmt.Sprintf("%s × %s", number(rej.Count), rej.Reason))
		if rej.Sample != "" && !sampled { // else it stands under its source
			p.put(span{plain, margin}, span{faint, ShowShort(rej.Sample, p.width-len(margin))})
		}
	}
	for i, note := range run.Notes {
		if i == maxNotes {
			p.field("note", plain, fmt.Sprintf("and %s; --output json has all", count(int64(len(run.Notes)-i), "more note")))
			break
		}
		p.field("note", plain, note)
	}
	for i, f := range run.Failures {
		if i == maxNotes {
			p.field("failed", bad, fmt.Sprintf("and %s; --output json has all", count(int64(len(run.Failures)-i), "more source")))
			break
		}
		p.field("failed", bad, f.Path+": "+f.Error)
		if f.Hint != "" {
			p.text(span{plain, margin + "hint:"}, len(margin)+6, plain, f.Hint)
		}
	}
}
