package source

import "strings"

// A joiner puts lines together again that a container runtime has split: CRI's, tagged
// P but for the last piece, and Docker's, whose text ends without a line end. What is
// written to stdout and to stderr comes in turns.
type joiner struct {
	pieces [joinStreams]pieces
	ends   bool // Docker's texts are known to have line ends
}

// pieces are those of one line so far.
type pieces struct {
	start int64  // number of the first; 0 if there is none
	text  []byte // the line so far, at most MaxLine of it
	tail  string // what ends it
	long  bool
}

// The streams that lines are joined in.
const (
	criOut = iota
	criErr
	dockerOut
	dockerErr
	joinStreams
	noStream = -1
)

// dockerSplit is the length at which Docker splits a line. Escaped, it is longer.
const dockerSplit = 16 << 10

// A joined line is one that was whole all along, or the last piece of one.
type joined struct {
	line  string
	start int64 // number of the line it begins in
	long  bool  // it was longer than MaxLine and is cut
}

// join takes in a line and returns the one that it completes, unless that goes on.
func (j *joiner) join(line string, number int64) (whole joined, ok bool) {
	if !mayBePiece(line) {
		return joined{line: line, start: number}, true
	}
	stream, head, text, tail, goesOn := j.piece(line)
	if stream == noStream {
		return joined{line: line, start: number}, true
	}
	p := &j.pieces[stream]
	if p.start == 0 && !goesOn {
		return joined{line: line, start: number}, true
	}
	if p.start == 0 {
		p.start, p.tail = number, strings.Clone(tail)
		p.text = append(p.text, head...)
		if stream < dockerOut {
			p.text = append(p.text, "F "...)
		}
	}
	room := max(MaxLine-len(p.text)-len(p.tail), 0)
	if len(text) > room {
		text, p.long = text[:room], true
	}
	p.text = append(p.text, text...)
	if goesOn {
		return joined{}, false
	}
	if p.long && stream >= dockerOut {
		p.text = withoutHalfEscape(p.text)
	}
	whole = joined{string(p.text) + p.tail, p.start, p.long}
	*p = pieces{}
	return whole, true
}

// touches tells whether the line is a piece of a longer one.
func (j *joiner) touches(line string) bool {
	stream, _, _, _, goesOn := j.piece(line)
	return stream != noStream && (goesOn || j.pieces[stream].start != 0)
}

// An openLine is one whose end is missing.
type openLine struct {
	start int64
	text  string // as far as it is there
}

// open returns the lines that are not complete.
func (j *joiner) open() (lines []openLine) {
	for i := range j.pieces {
		if p := &j.pieces[i]; p.start != 0 {
			lines = append(lines, openLine{p.start, string(p.text)})
		}
	}
	return lines
}

// piece takes a line of a container's log apart. Between its head, after which CRI has
// the tag, and its tail stand its text and those that follow, if it goes on.
func (j *joiner) piece(line string) (stream int, head, text, tail string, goesOn bool) {
	stream = noStream
	if strings.HasPrefix(line, dockerHead) {
		value, rest, found := strings.Cut(line[len(dockerHead):], `","stream":"`)
		if !found {
			return
		}
		switch {
		case strings.HasPrefix(rest, "stdout"):
			stream = dockerOut
		case strings.HasPrefix(rest, "stderr"):
			stream = dockerErr
		default:
			return
		}
		if ended := endsLine(value); ended {
			j.ends = true
		} else {
			// Some shippers take off all line ends: then nothing is a piece.
			goesOn = j.ends || len(value) >= dockerSplit
		}
		return stream, dockerHead, value, line[len(dockerHead)+len(value):], goesOn
	}
	if !beginsCRI(line) {
		return
	}
	n := 20 + strings.IndexByte(line[20:min(len(line), 40)], ' ')
	rest := line[n:]
	switch {
	case strings.HasPrefix(rest, " stdout "):
		stream = criOut
	case strings.HasPrefix(rest, " stderr "):
		stream = criErr
	default:
		return
	}
	n += len(" stdout ")
	tags, text, _ := strings.Cut(line[n:], " ")
	tag, _, _ := strings.Cut(tags, ":")
	if tag != "P" && tag != "F" {
		return noStream, "", "", "", false
	}
	return stream, line[:n], text, "", tag == "P"
}

// mayBePiece tells by its first bytes whether a line may be one of a container's log.
func mayBePiece(line string) bool { return strings.HasPrefix(line, dockerHead) || beginsCRI(line) }

// beginsCRI tells whether a line begins with a time as CRI writes it.
func beginsCRI(line string) bool {
	return len(line) >= len(shortestCRI) && line[4] == '-' && line[10] == 'T' && line[13] == ':'
}

const shortestCRI = "2026-03-01T10:00:00Z stdout F"

const dockerHead = `{"log":"`

// endsLine tells whether the text of a JSON string ends with a line end.
func endsLine(value string) bool {
	before, found := strings.CutSuffix(value, `n`)
	return found && backslashes(before)%2 == 1
}

// backslashes counts those that s ends with.
func backslashes(s string) int { return len(s) - len(strings.TrimRight(s, `\`)) }

// withoutHalfEscape takes off the text of a JSON string, which was cut, an escape that
// may be cut.
func withoutHalfEscape(text []byte) []byte {
	const longest = len(`\u0000`)
	at := len(text) - 1
	for at >= 0 && at > len(text)-longest && text[at] != '\\' {
		at--
	}
	if at < 0 || text[at] != '\\' || backslashes(string(text[max(at-64, 0):at+1]))%2 == 0 {
		return text
	}
	return text[:at]
}
