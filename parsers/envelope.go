package parsers

import (
	"strings"
	"time"

	"github.com/valyala/fastjson"
)

// maxEnvelopes is how many envelopes may stand around a line.
const maxEnvelopes = 3

// Why there is no line to read.
const (
	reasonBlank   = "blank line"
	reasonBare    = "in no envelope"
	reasonPartial = "partial line of a container log"
	reasonBatch   = "many log events in one object: use one line for each"
	reasonJournal = "field of a journal export"
	reasonRepeat  = "repeat of the line before, by syslog"
	reasonMark    = "mark between lines, of journalctl or tail"
	reasonHeader  = "names of the columns of CSV"
	reasonDoubled = "quotes are doubled, as in CSV"
)

// enveloped returns a parse function that skips blank lines and takes lines out of
// what log systems put around them, up to maxEnvelopes deep. An envelope that the
// first bytes prove is opened at once, any other only if the line as it is cannot be
// read. A line without a time of its own has that of its envelope.
func enveloped(parse ParseFunc) ParseFunc {
	e := &envelopes{parse: parse}
	return func(line string, f *Fields) error {
		if line != "" && line[0] == 0 { // the hole in a log that was emptied while it was written to
			line = strings.TrimLeft(line, "\x00")
		}
		err := e.read(line, f, maxEnvelopes)
		if err != nil && !f.Time.IsZero() && rejectOf(err).Reason == reasonNoTime {
			return nil // the time of a logger, which no envelope knows better
		}
		if err != nil {
			f.reset()
		}
		return err
	}
}

// envelopes opens those of one source.
type envelopes struct {
	parse ParseFunc
	json  fastjson.Parser
	text  []byte // memory that lines taken out of JSON are written to, filled once
}

// An envelope is what was found around a line.
type envelope struct {
	// lines are what may have been the line, the likelier first. The second is
	// there where it cannot be told by the prefix alone what belongs to it.
	lines  [2]string
	time   time.Time // zero if not known; a syslog time without a year is none
	logger bool      // the time is a logger's, and may be a local one: that of an envelope around this goes before it
	reason string    // why lines, if they cannot be read, are no lines
	skip   bool      // that is no fault
}

// read reads a line in at most depth envelopes. If all but a time was found, f holds
// it and the reason is reasonNoTime.
func (e *envelopes) read(line string, f *Fields, depth int) error {
	proven := depth > 0 && isEnveloped(line)
	var inner error
	if proven {
		if inner = e.open(line, f, depth); isFinal(inner) {
			return inner
		}
	}
	err := e.parse(line, f)
	if err == nil && !proven && f.Method != "" && isPlainClient(f.Remote) { // as nearly all
		return nil
	}
	if err == nil && f.Remote != "" && (proven || opensEnvelope(f.Remote)) && takesEnvelope(line, f.Remote) {
		err = &Reject{Reason: "no address", Value: line} // the envelope, or the time in it, was taken for the client
	}
	// A line of CSV. One that is merely in quotes may end in two.
	if err == nil && f.Method == "" && line[0] != '{' && strings.Contains(line[:len(line)-1], `""`) && inCSV(line) {
		err = &Reject{Reason: reasonDoubled, Value: line}
	}
	if err == nil {
		return nil
	}
	if rejectOf(err).Reason == reasonUnanswered {
		return err
	}
	if rejectOf(err).Reason == reasonNoTime {
		if proven || depth < maxEnvelopes { // an envelope around it may have the time
			return err
		}
		if e.open(line, f, depth) != nil { // one that was read over has none
			_ = e.parse(line, f)
			return err
		}
		return nil
	}
	if proven && rejectOf(inner).Reason != reasonBare && !rejectOf(err).Skip { // the whole line is what could not be read, for what is within
		return &Reject{Reason: rejectOf(inner).Reason, Value: line}
	}
	if strings.TrimSpace(line) == "" {
		return &Reject{Reason: reasonBlank, Skip: true}
	}
	if depth == 0 {
		return err
	}
	inner = e.open(line, f, depth)
	if inner == nil || isFinal(inner) && !rejectOf(err).Skip {
		return inner
	}
	return err
}

// isPlainClient tells whether what was taken for a client is short, begins with a digit and is no
// time: of that, opensEnvelope says no.
func isPlainClient(s string) bool {
	return s != "" && isDigit(s[0]) && (len(s) <= 10 || len(s) <= len("255.255.255.255:65535") && isDigit(s[10]))
}

// opensEnvelope tells whether what was taken for a client is rather how an envelope begins, or ends
// in an address: with a brace, a quote, a bracket before either or a word, a time, as ISO has it or
// in seconds since 1970, or a name. Addresses of version 4 are shorter than most of that.
func opensEnvelope(client string) bool {
	n := len(client)
	switch c := client[0]; {
	case c == '{' || c == '"' || c == '[' && n > 1 && (client[1] == '"' || client[1] > 'f'):
		return true
	case n > 11 && client[10] == '.' && allDigits(client[:10]):
		return true
	case n <= len("255.255.255.255"):
		return false
	}
	return n >= 20 && client[10] == 'T' && client[13] == ':' || strings.IndexByte(client, ' ') > 0 || strings.IndexByte(client, '"') > 0
}

// takesEnvelope tells whether the client, as opensEnvelope has it, was taken from where envelopes
// begin: it is the beginning of the line, or holds a quote that no server would write bare.
func takesEnvelope(line, client string) bool {
	return strings.HasPrefix(line, client) || line[0] != '{' && strings.IndexByte(client, '"') >= 0
}

// inCSV tells whether the line may be one of CSV that has the line that is meant in a column.
func inCSV(line string) bool {
	return opensQuote(line) || strings.Contains(line, `,"`)
}

// isFinal tells whether nothing else is to be tried on a line.
func isFinal(err error) bool {
	if err == nil {
		return true
	}
	r := rejectOf(err)
	return r.Skip || r.Reason == reasonNoTime || r.Reason == reasonPartial || r.Reason == reasonBatch
}

// open reads what is in the outermost envelope of the line.
func (e *envelopes) open(line string, f *Fields, depth int) error {
	env := e.peel(line)
	var first error
	for _, message := range env.lines {
		if message == "" {
			continue
		}
		err := e.read(message, f, depth-1)
		if err != nil && rejectOf(err).Reason == reasonNoTime && !env.time.IsZero() {
			f.Time = env.time
			if env.logger {
				return err
			}
			return nil
		}
		if isFinal(err) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	if env.reason != "" {
		return &Reject{Reason: env.reason, Value: line, Skip: env.skip}
	}
	if first == nil {
		return &Reject{Reason: reasonBlank, Skip: true}
	}
	return first
}

// rejectOf returns the Reject that a ParseFunc's error is.
func rejectOf(err error) *Reject {
	if r, ok := err.(*Reject); ok {
		return r
	}
	return &Reject{Reason: err.Error()}
}

// isEnveloped tells by its first bytes whether the line is in an envelope for sure.
// It is asked of every line, and most begin with an address or a brace.
func isEnveloped(line string) bool {
	if len(line) < 20 {
		return false
	}
	switch c := line[0]; {
	case c == '{':
		return strings.HasPrefix(line, `{"log":"`)
	case c == '<':
		return isDigit(line[1])
	case isLetter(c):
		return syslogTime(line) > 0 || strings.HasPrefix(line, "MESSAGE=") || c < 'a' && levelTag(line) > 0
	case !isDigit(c):
		return false
	case line[4] == '-':
		n, _ := isoTime(line)
		if n == 0 {
			return false
		}
		rest := line[n:]
		return isStream(rest) || cutTag(rest) != rest
	}
	return octetCount(line) > 0
}
