package source

import (
	"bytes"
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// A tableSplitter takes CSV apart whose first row names the columns, as what is searched for
// or queried is exported: a row becomes a JSON object of what its columns hold. A value in
// quotes may go over several lines. A row of other columns is given as it stands.
type tableSplitter struct {
	records
	keys   [][]byte // of the columns: `"name":"`
	header []byte   // the first row
	row    []byte   // what there is of the row that is read, at most MaxLine of it
	quoted bool     // it ends in quotes that are open
}

// maxQuoted is how long a row may get, in bytes, over the lines of which quotes are open: those
// that are never closed must not take the rest of the text with them.
const maxQuoted = 64 << 10

// maxFirstRow is how long a first row may be, in bytes.
const maxFirstRow = 8 << 10

// isTable tells whether a text begins with a row that names columns which together tell of
// requests.
func isTable(text []byte) bool {
	if c := text[0]; c == '{' || c == '[' || c == '#' || '0' <= c && c <= '9' {
		return false
	}
	line, _, ended := bytes.Cut(text[:min(len(text), maxFirstRow)], []byte{'\n'})
	return ended && bytes.IndexByte(line, ',') > 0 && parsers.TellRequests(columnNames(line))
}

// columnNames returns the names of columns that a first row holds, without the zone of times
// that Azure adds to them.
func columnNames(row []byte) (names []string) {
	for _, name := range cells(bytes.TrimPrefix(bytes.TrimRight(row, "\r"), []byte("\ufeff"))) {
		names = append(names, strings.TrimSuffix(strings.TrimSpace(string(name)), " [UTC]"))
	}
	return names
}

func (s *tableSplitter) unfinished() bool { return len(s.row) > 0 }

func (s *tableSplitter) split(p []byte) (whole int) {
	for i := 0; i < len(p); {
		end := bytes.IndexByte(p[i:], '\n')
		piece := p[i:]
		if end >= 0 {
			piece = p[i : i+end+1]
		}
		if len(s.row) == 0 {
			s.begin()
		}
		if room := MaxLine - len(s.row); len(piece) > room {
			s.row, s.long = append(s.row, piece[:room]...), true
		} else {
			s.row = append(s.row, piece...)
		}
		s.quoted = s.quoted != (bytes.Count(piece, []byte{'"'})%2 == 1)
		i += len(piece)
		if end < 0 {
			break
		}
		s.line++
		if !s.quoted || len(s.row) > maxQuoted {
			s.last()
			whole = i
		}
	}
	return whole
}

// tear ends the last row, which has no line end, and tells whether it gave one that may be
// torn: it will be read again when more of it is there. Quotes that are open are not waited for.
func (s *tableSplitter) tear() bool {
	given, quoted := len(s.numbers), s.quoted
	s.last()
	return !quoted && len(s.numbers) > given
}

// next returns the row that a text begins with, as split gives it, and whether it has its line
// end.
func (s *tableSplitter) next(text []byte) (row []byte, ended bool) {
	end, quoted := len(text), false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			end, ended = i, true
		}
		if ended {
			break
		}
	}
	alone := tableSplitter{keys: s.keys, header: s.header}
	alone.give(bytes.TrimRight(text[:end], "\r\n"))
	return bytes.TrimSuffix(alone.out, []byte{'\n'}), ended
}

// last ends the row, also without the end of a line: the last may have none. Quotes that are
// open were none: each line is a row then.
func (s *tableSplitter) last() {
	row := bytes.TrimRight(s.row, "\r\n")
	if !s.quoted {
		s.give(row)
	} else {
		for line := range bytes.SplitSeq(row, []byte{'\n'}) {
			s.give(bytes.TrimSuffix(line, []byte{'\r'}))
			s.start++
		}
	}
	s.row, s.quoted = s.row[:0], false
}

// give gives a row, of which the first names the columns.
func (s *tableSplitter) give(row []byte) {
	switch {
	case len(row) == 0 || bytes.Equal(row, s.header):
		return
	case s.keys == nil:
		s.header = bytes.Clone(row)
		for _, name := range columnNames(row) {
			s.addText([]byte(name))
			s.keys = append(s.keys, []byte(`"`+string(s.out[s.from:])+`":"`))
			s.drop()
		}
		return
	}
	values := cells(row)
	if len(values) != len(s.keys) {
		s.add(bytes.ReplaceAll(row, []byte{'\n'}, []byte{' '}))
		s.end()
		return
	}
	sign := byte('{')
	for i, value := range values {
		if len(value) == 0 {
			continue
		}
		s.add([]byte{sign})
		s.add(s.keys[i])
		s.addText(value)
		s.add([]byte{'"'})
		sign = ','
	}
	if sign == '{' {
		s.add([]byte{sign})
	}
	s.add([]byte{'}'})
	s.end()
}

// cells returns the values of a row.
func cells(row []byte) (values [][]byte) {
	for {
		var value []byte
		if len(row) > 0 && row[0] == '"' {
			value, row = quotedCell(row)
		} else {
			end := bytes.IndexByte(row, ',')
			if end < 0 {
				end = len(row)
			}
			value, row = row[:end], row[end:]
		}
		values = append(values, value)
		if len(row) == 0 {
			return values
		}
		row = row[1:] // the comma
	}
}

// quotedCell returns the value in the quotes that a row begins with, in which quotes are
// doubled, and what follows it, from a comma on.
func quotedCell(row []byte) (value, rest []byte) {
	for i := 1; i < len(row); i++ {
		switch {
		case row[i] != '"':
		case i+1 < len(row) && row[i+1] == '"':
			i++
		case i+1 == len(row) || row[i+1] == ',':
			return bytes.ReplaceAll(row[1:i], []byte(`""`), []byte{'"'}), row[i+1:]
		}
	}
	return row, nil
}
