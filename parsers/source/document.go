package source

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// A splitter takes a text apart whose records are not its lines. It is given all of the
// text, piece by piece, and remembers of it no more than a record.
type splitter interface {
	// split reads on and returns how much of p lies before the record, if any, that p
	// ends in.
	split(p []byte) (whole int)
	// take returns the records that have become whole, a line each.
	take() block
	// unfinished tells whether the text cannot end here.
	unfinished() bool
}

var errCutOff = errors.New("cut off: the text ends within a record or list of records")

// A layout is how a text holds its records.
type layout int

const (
	inLines   layout = iota
	inJSON           // as JSON that does not keep to an object a line
	inJournal        // as journalctl -o export writes them
	inTable          // as CSV whose first row names the columns
)

// splitter returns what takes such a text apart, nil if its lines are its records.
func (l layout) splitter() splitter {
	switch l {
	case inJSON:
		return &jsonSplitter{records: records{line: 1}}
	case inJournal:
		return &journalSplitter{records: records{line: 1}}
	case inTable:
		return &tableSplitter{records: records{line: 1}}
	}
	return nil
}

// layoutOf tells the layout by what a text begins with. It goes by the first line and
// the first character after it: a text that grows keeps its layout once a line of it or
// a record is whole.
func layoutOf(begin []byte) layout {
	text := bytes.TrimLeft(begin, jsonSpace)
	switch {
	case bytes.HasPrefix(text, []byte("__CURSOR=")), bytes.HasPrefix(text, []byte("__REALTIME_TIMESTAMP=")):
		return inJournal
	case len(text) == 0:
		return inLines
	case isTable(text):
		return inTable
	case text[0] == '[': // of objects: times and names stand in brackets too
		if rest := bytes.TrimLeft(text[1:], jsonSpace); len(rest) > 0 && rest[0] == '{' {
			return inJSON
		}
		return inLines
	case text[0] != '{':
		return inLines
	}
	line, rest, ended := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimRight(line, jsonSpace)
	var s jsonSplitter
	whole := s.split(line)
	switch {
	case s.place != atTop || s.wrapped:
		return inJSON
	case len(s.numbers) > 1:
		return inJSON
	case s.part == noRecord:
		return inLines
	case whole > 0:
		if line[whole] == '{' {
			return inJSON
		}
		return inLines
	case !ended || s.quoted: // torn
		return inLines
	}
	rest = bytes.TrimLeft(rest, jsonSpace)
	if len(rest) > 0 && rest[0] == '{' && line[len(line)-1] != '[' {
		return inLines // the next of an object a line, after one that is torn
	}
	return inJSON
}

// records holds what a splitter has found.
type records struct {
	out     []byte  // whole records, each with a line end, then what is there of the next
	from    int     // where in out that begins
	long    bool    // it is longer than MaxLine
	start   int64   // the line it begins in
	numbers []int64 // of the whole records
	cut     int     // how many of them were cut
	line    int64   // number of the line that is read, from 1
	last    int64   // number of the last record
}

// begin begins a record.
func (r *records) begin() {
	r.start, r.long = r.line, false
}

// add adds to the record, of which no more than MaxLine bytes are kept.
func (r *records) add(p []byte) {
	if room := MaxLine - (len(r.out) - r.from); len(p) > room {
		p, r.long = p[:room], true
	}
	r.out = append(r.out, p...)
}

// addText adds text to the record that stands in a string of JSON.
func (r *records) addText(p []byte) {
	for len(p) > 0 && !r.long {
		n := 0
		for n < len(p) && p[n] >= ' ' && p[n] != '"' && p[n] != '\\' {
			n++
		}
		r.add(p[:n])
		if n == len(p) {
			return
		}
		switch c := p[n]; c {
		case '"', '\\':
			r.add([]byte{'\\', c})
		default:
			r.add(fmt.Appendf(nil, `\u%04x`, c))
		}
		p = p[n+1:]
	}
}

// drop forgets what there is of the record.
func (r *records) drop() { r.out = r.out[:r.from] }

// end ends the record. Its number is that of the line it begins in; of the records that
// share a line all but the first are numbered on, as no two may have one number.
func (r *records) end() {
	if r.long {
		r.cut++
	}
	r.out = append(r.out, '\n')
	r.from = len(r.out)
	r.last = max(r.start, r.last+1)
	r.numbers = append(r.numbers, r.last)
}

func (r *records) take() block {
	b := block{text: string(r.out[:r.from]), numbers: r.numbers, cut: r.cut}
	r.out = append(r.out[:0], r.out[r.from:]...)
	r.from, r.cut = 0, 0
	r.numbers = make([]int64, 0, len(r.numbers))
	if cap(r.out) > 2*blockSize && len(r.out) < blockSize {
		r.out = slices.Clone(r.out)
	}
	return b
}

const jsonSpace = " \t\r\n\x1e" // with the mark before each object of JSON text sequences

// A jsonSplitter takes JSON apart into records. They are the objects of the text, one
// after the other or in arrays, which may lie in an object that log systems put around
// them. A record is given without its blanks.
type jsonSplitter struct {
	records
	place   place
	wrapped bool  // a list was in an object
	lists   []int // of those that are open, how many objects around each end behind it
	around  int   // how many of the outermost of them hold objects around lists

	// Of the record that is read, or of what is left of the object around a list:
	part    part
	depth   int
	quoted  bool // in a string
	escaped bool // after its backslash

	// Of an object at the top:
	foreign bool   // it has a key that those around lists do not have
	level   int    // how deep the objects around a list lie in one another so far
	key     []byte // the last key of the innermost, at most maxKey of it
	inKey   bool
	value   bool // the key is complete
	opened  bool // the value began with a bracket, and that was all so far
}

type place int

const (
	atTop  place = iota
	inList       // of records
	inTail       // of the object around a list
)

type part int

const (
	noRecord part = iota
	inValue       // an object, an array or a string
	inWord        // any other value
	inText        // a line that is no JSON
)

// maxKey is the length of the longest of the keys below, and one more.
const maxKey = len("subscriptionFilters") + 1

// listKeys are the keys of lists of records, aroundKeys those of objects in which such a list
// lies, besideKeys those that stand beside them: of CloudWatch, Azure, CloudTrail, Google, and
// of what Loki, Elasticsearch, OpenSearch, CloudWatch Logs Insights, Datadog, Splunk and Render answer
// to a query, of Edgecast's documents, and of OTLP as the OpenTelemetry Collector writes it to files.
var (
	listKeys   = []string{"events", "logEvents", "records", "Records", "entries", "hits", "result", "values", "results", "data", "resourceLogs", "scopeLogs", "logRecords", "logs"}
	aroundKeys = []string{"hits", "data"}
	besideKeys = []string{"messageType", "owner", "logGroup", "logStream", "subscriptionFilters",
		"searchedLogStreams", "nextToken", "nextForwardToken", "nextBackwardToken", "nextPageToken",
		"status", "resultType", "encodingFlags", "stream", "stats", // Loki
		"took", "timed_out", "_scroll_id", "pit_id", "num_reduce_phases", "terminated_early", "_shards", "total", "max_score",
		"statistics", "queryLanguage", "meta", "links",
		"preview", "init_offset", "post_process_count", "messages", "fields",
		"resource", "scope", "schemaUrl", // OTLP
		"hasMore", "nextStartTime", "nextEndTime", // Render
		"account_number", "agent_id", "datestamp", "platform", "profile_id", "seq_num", "service"} // Edgecast
)

// listsIn are the keys of lists of objects around lists: how deep those lie in one another. They
// are those of Loki's streams, and of OTLP's resources and scopes.
var listsIn = map[string]int{"result": 1, "resourceLogs": 2}

func (s *jsonSplitter) unfinished() bool { return s.part != noRecord || s.place != atTop }

func (s *jsonSplitter) split(p []byte) (whole int) {
	for i := 0; i < len(p); {
		switch {
		case s.part == inText:
			i += s.text(p[i:])
		case s.part == inWord:
			i += s.word(p[i:])
		case s.part == inValue:
			i += s.inside(p[i:])
		case s.place == inTail:
			i += s.tail(p[i:])
		default:
			i += s.between(p[i])
		}
		if s.part == noRecord {
			whole = i
		}
	}
	return whole
}

// between reads the byte after a record, unless it belongs to the next.
func (s *jsonSplitter) between(c byte) int {
	switch {
	case c == '\n':
		s.line++
		return 1
	case c == ',', isJSONSpace(c):
		return 1
	case c == '[' && s.place == atTop:
		s.place, s.wrapped, s.around = inList, false, 0
		s.lists = append(s.lists, 0)
		return 1
	case c == ']' && s.place == inList:
		last := len(s.lists) - 1
		around := s.lists[last]
		s.lists = s.lists[:last]
		s.depth = around
		s.leave(around > 0)
		return 1
	}
	s.begin()
	s.depth, s.quoted, s.escaped = 0, false, false
	switch {
	case c == '{':
		s.part = inValue
		s.candidate()
	case s.place == atTop:
		s.part = inText
	case c == '[', c == '"':
		s.part, s.foreign = inValue, true
	default:
		s.part = inWord
		s.add([]byte{c})
		return 1
	}
	return 0
}

// leave goes on behind a list, or behind the objects around it, which may not have ended.
func (s *jsonSplitter) leave(tail bool) {
	switch {
	case tail:
		s.place = inTail
	case len(s.lists) > 0:
		s.place = inList
	default:
		s.place = atTop
	}
}

// candidate begins an object that, where it stands, may be one around a list.
func (s *jsonSplitter) candidate() {
	s.foreign = s.place != atTop && len(s.lists) > s.around
	s.level, s.key = 1, s.key[:0]
	s.inKey, s.value, s.opened = false, false, false
}

// text reads on in a line that is no JSON.
func (s *jsonSplitter) text(p []byte) int {
	n := bytes.IndexByte(p, '\n')
	if n < 0 {
		s.add(p)
		return len(p)
	}
	s.add(p[:n])
	s.finish()
	s.line++
	return n + 1
}

// word reads on in a number or the like.
func (s *jsonSplitter) word(p []byte) int {
	n := bytes.IndexAny(p, ",]}[{\""+jsonSpace)
	if n < 0 {
		s.add(p)
		return len(p)
	}
	s.add(p[:n])
	s.finish()
	return n
}

func (s *jsonSplitter) finish() {
	s.end()
	s.part = noRecord
}

// inside reads on in a value, to its end if that is there.
func (s *jsonSplitter) inside(p []byte) int {
	from := 0 // what lies before is added or left out
	for i := 0; i < len(p); i++ {
		if s.quoted && !s.inKey && !s.escaped {
			for i < len(p) && p[i] != '"' && p[i] != '\\' && p[i] != '\n' {
				i++
			}
			if i == len(p) {
				break
			}
		}
		c := p[i]
		if s.quoted {
			if c == '\n' { // which may not stand in a string, and not in a line
				s.line++
				s.add(p[from:i])
				s.add([]byte{' '})
				from = i + 1
			}
			if s.string(c) && s.depth == 0 {
				s.add(p[from : i+1])
				s.finish()
				return i + 1
			}
			continue
		}
		switch c {
		case ' ', '\t', '\r', '\n', '\x1e':
			s.add(p[from:i])
			for ; i < len(p) && isJSONSpace(p[i]); i++ {
				if p[i] == '\n' {
					s.line++
				}
			}
			from = i
			i-- // the loop goes on with what is none
			continue
		case '"':
			s.quoted = true
			s.inKey = s.depth == s.level && !s.foreign && !s.value
			if s.inKey {
				s.key = s.key[:0]
			}
		case '{', '[':
			if s.opened && (c == '{' || isOfArrays(s.key)) { // the object is one around a list, of which this is the first
				s.drop()
				s.begin()
				if len(s.lists) == 0 {
					s.around = listsIn[string(s.key)]
				}
				s.lists = append(s.lists, s.level)
				s.place, s.wrapped, s.depth = inList, true, 0
				s.candidate()
				s.foreign = s.foreign || c == '['
				from = i
			}
			s.depth++
		case '}', ']':
			if s.depth--; s.depth == 0 {
				s.add(p[from : i+1])
				s.finish()
				return i + 1
			}
		}
		if !s.foreign {
			s.object(c)
		}
	}
	s.add(p[from:])
	return len(p)
}

// string reads the next byte of a string and tells whether that ends it.
func (s *jsonSplitter) string(c byte) (ended bool) {
	switch {
	case s.escaped:
		s.escaped = false
	case c == '\\':
		s.escaped = true
	case c == '"':
		s.quoted = false
		if s.inKey {
			s.inKey, s.value = false, true
			s.foreign = !slices.Contains(listKeys, string(s.key)) && !slices.Contains(besideKeys, string(s.key))
		}
		return true
	}
	if s.inKey && len(s.key) < maxKey {
		s.key = append(s.key, c)
	}
	return false
}

// object follows the keys of an object at the top, outside of its strings.
func (s *jsonSplitter) object(c byte) {
	switch {
	case c == '[' && s.depth == s.level+1 && s.value && slices.Contains(listKeys, string(s.key)):
		s.opened = true
		return
	case c == '{' && s.depth == s.level+1 && s.value && slices.Contains(aroundKeys, string(s.key)):
		s.level++
		s.value = false
	case c == '}' && s.depth < s.level:
		s.level--
		s.value = true
	case c == ',' && s.depth == s.level:
		s.value = false
	case '0' <= c && c <= '9' && s.depth == s.level && string(s.key) == "status": // that of a request
		s.foreign = true
	}
	s.opened = false
}

// isOfArrays tells whether the list of that key may be one of arrays: Loki's, of pairs of a
// time and a line, and that of Insights, of the fields of each record.
func isOfArrays(key []byte) bool { return string(key) == "values" || string(key) == "results" }

// tail reads on in what is left of the object around a list.
func (s *jsonSplitter) tail(p []byte) int {
	for i, c := range p {
		switch {
		case c == '\n':
			s.line++
		case s.escaped:
			s.escaped = false
		case s.quoted:
			s.escaped = c == '\\'
			s.quoted = c != '"'
		case c == '"':
			s.quoted = true
		case c == '{', c == '[':
			s.depth++
		case c == '}', c == ']':
			if s.depth--; s.depth == 0 {
				s.leave(false)
				return i + 1
			}
		}
	}
	return len(p)
}

func isJSONSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\x1e'
}
