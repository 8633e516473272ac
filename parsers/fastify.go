package parsers

import (
	"cmp"
	"strings"
)

// Fastify writes two lines of a request: what was asked, then what was answered. They have in
// common the id of the request, which each process counts for itself.

// What the line of pino begins with by which Fastify tells of a request.
const fastifyBegin = `{"level":30,"time":`

// An exchange is a request by what all of its lines say.
type exchange struct{ machine, process, id string }

// Bounds on what is remembered of requests that have no answer yet.
const (
	maxBegun     = 512     // of either generation: more than are answered at once
	maxBegunLine = 8 << 10 // bytes of a line
)

// begunLines are the lines of requests that have no answer yet. When there are maxBegun, those
// before them are forgotten.
type begunLines struct {
	young, old map[exchange]string
	last       string // that was answered last
	by         []byte // the line that was its answer
}

// keep remembers the line of a request, if it is not too long for that.
func (b *begunLines) keep(e exchange, line string) bool {
	if len(line) > maxBegunLine {
		return false
	}
	if len(b.young) == maxBegun || b.young == nil {
		b.old, b.young = b.young, map[exchange]string{}
	}
	delete(b.old, e)
	b.young[exchange{strings.Clone(e.machine), strings.Clone(e.process), strings.Clone(e.id)}] = strings.Clone(line)
	return true
}

// has tells whether a request has no answer yet.
func (b *begunLines) has(e exchange) bool { return b.young[e] != "" || b.old[e] != "" }

// take returns the line of a request, "" if there is none, which has now been answered. The
// last line of a log is read again once it has its end: it answers the same then.
func (b *begunLines) take(e exchange, answer string) string {
	line := cmp.Or(b.young[e], b.old[e])
	if line == "" {
		if answer == string(b.by) {
			return b.last
		}
		return ""
	}
	delete(b.young, e)
	delete(b.old, e)
	b.last, b.by = line, append(b.by[:0], answer...)
	return line
}

// joinLines looks whether the line is one of two that tell of a request, as Fastify writes
// them, and makes the second what both say: then they are joined. Of all others it changes
// nothing. Request tells that a method and a path are there.
func (p *jsonParser) joinLines(request bool) (joined bool, err error) {
	e := p.rest.exchange
	switch {
	case p.answering:
	case request && p.rest.incoming && !p.rest.status:
		if p.begun.keep(e, p.line) {
			return false, p.unanswered()
		}
	case !p.rest.status:
	case request && p.f.Duration < 0: // an error on the way to the answer
		if p.begun.has(e) {
			return false, p.unanswered()
		}
	case !request && p.f.Duration >= 0:
		if line := p.begun.take(e, p.line); line != "" {
			return true, p.answer(line)
		}
	}
	return false, nil
}

func (p *jsonParser) unanswered() error {
	return &Reject{Reason: reasonUnanswered, Value: p.line, Skip: true}
}

// answer reads the line of a request whose answer f holds, and puts both together.
func (p *jsonParser) answer(line string) error {
	f, answered := p.f, *p.f
	p.answering = true
	err := p.parse(line, f)
	p.answering = false
	f.Time, f.Status, f.Duration = answered.Time, answered.Status, answered.Duration
	f.Bytes = max(f.Bytes, answered.Bytes)
	f.User = cmp.Or(answered.User, f.User)
	return err
}
