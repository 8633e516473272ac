package source

import (
	"bytes"
	"encoding/binary"
)

// A journalSplitter takes the journal's export format apart: entries of KEY=value
// lines, a blank line after each. A value that is not printable stands after a line
// with its key alone and after its length, 8 bytes, the least first. An entry is given as
// a JSON object of its message and time.
type journalSplitter struct {
	records
	entry bool // an entry has begun
	state journalState
	key   []byte // at most maxJournalKey of it
	kept  bool   // the value belongs to what is given
	size  []byte // of the value's length
	left  uint64 // bytes of the value to come
}

type journalState int

const (
	inKey journalState = iota
	inLine
	inSize
	inBytes
	afterBytes
)

// maxJournalKey is one more than the journal allows.
const maxJournalKey = 65

func (s *journalSplitter) unfinished() bool { return s.entry }

func (s *journalSplitter) split(p []byte) (whole int) {
	for i := 0; i < len(p); {
		n := len(p) - i
		switch s.state {
		case inKey:
			n = s.readKey(p[i:])
		case inLine:
			if end := bytes.IndexByte(p[i:], '\n'); end >= 0 {
				s.value(p[i : i+end])
				s.valueEnds()
				n = end + 1
				s.line++
			} else {
				s.value(p[i:])
			}
		case inSize:
			n = min(n, 8-len(s.size))
			s.size = append(s.size, p[i:i+n]...)
			s.line += int64(bytes.Count(p[i:i+n], []byte{'\n'}))
			if len(s.size) == 8 {
				s.left = binary.LittleEndian.Uint64(s.size)
				s.state = inBytes
			}
		case inBytes:
			n = int(min(uint64(n), s.left))
			s.value(p[i : i+n])
			s.line += int64(bytes.Count(p[i:i+n], []byte{'\n'}))
			if s.left -= uint64(n); s.left == 0 {
				s.valueEnds()
				s.state = afterBytes
			}
		case afterBytes:
			n = 0
			if p[i] == '\n' {
				n = 1
				s.line++
			}
			s.state = inKey
		}
		if i += n; !s.entry {
			whole = i
		}
	}
	return whole
}

// readKey reads on to the end of a key, or of an entry.
func (s *journalSplitter) readKey(p []byte) int {
	end := bytes.IndexAny(p, "=\n")
	if end < 0 {
		end = len(p)
	}
	if !s.entry && (end > 0 || p[0] == '=') {
		s.entry = true
		s.begin()
		s.add([]byte{'{'})
	}
	s.key = append(s.key, p[:min(end, maxJournalKey-len(s.key))]...)
	if end == len(p) {
		return end
	}
	switch {
	case p[end] == '=':
		s.state = inLine
	case len(s.key) > 0:
		s.state, s.size = inSize, s.size[:0]
	case s.entry:
		s.add([]byte{'}'})
		s.end()
		s.entry = false
	}
	if p[end] == '\n' {
		s.line++
	}
	s.valueBegins()
	return end + 1
}

// valueBegins begins the value of the key, if one of those that are given.
func (s *journalSplitter) valueBegins() {
	begin := ""
	switch string(s.key) {
	case "MESSAGE":
		begin = `,"MESSAGE":"`
	case "__REALTIME_TIMESTAMP":
		begin = `,"__REALTIME_TIMESTAMP":"`
	}
	s.key = s.key[:0]
	if s.kept = begin != ""; !s.kept {
		return
	}
	if s.out[len(s.out)-1] == '{' {
		begin = begin[1:]
	}
	s.add([]byte(begin))
}

// value adds to a value.
func (s *journalSplitter) value(p []byte) {
	if s.kept {
		s.addText(p)
	}
}

func (s *journalSplitter) valueEnds() {
	if s.kept {
		s.add([]byte{'"'})
	}
	s.kept = false
	s.state = inKey
}
