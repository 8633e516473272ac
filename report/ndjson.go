package report

import (
	"fmt"
	"io"
	"reflect"
)

// NDJSON returns the incidents, alerts and events as one JSON object a line, each with its
// kind as first member ("incident", "alert", "event") and the members that JSON gives it.
// The last line is of kind "log": what was read. It is for jq, log shippers and scripts.
func NDJSON() *Format {
	return &Format{
		Name:  "ndjson",
		Doc:   "incidents, alerts and events as one JSON object a line",
		Write: writeNDJSON,
	}
}

func writeNDJSON(w io.Writer, r *Report, _ Look) error {
	out := &lines{w: w}
	for i := range r.Incidents {
		out.kind("incident", r.Incidents[i])
	}
	for i := range r.Alerts {
		out.kind("alert", r.Alerts[i])
	}
	for i := range r.Events {
		e := r.Events[i]
		e.Evidence = nil
		out.kind("event", e)
	}
	out.kind("log", r.Log)
	return out.err
}

// lines writes values as JSON, one a line, as JSON does.
type lines struct {
	w   io.Writer
	err error
}

// kind writes a struct with its kind before its other members.
func (l *lines) kind(kind string, v any) {
	enc := newEncoder()
	enc.out.WriteByte('{')
	if err := enc.member("kind", reflect.ValueOf(kind)); err != nil {
		l.fail(err)
	}
	if err := enc.members(reflect.ValueOf(v)); err != nil {
		l.fail(fmt.Errorf("%s: %w", kind, err))
	}
	enc.close('}')
	l.write(ShowJSON(enc.out.Bytes()))
}

// value writes any value.
func (l *lines) value(v any) {
	text, err := EncodeJSON(v)
	if err != nil {
		l.fail(err)
	}
	l.write(text)
}

func (l *lines) write(text []byte) {
	if l.err != nil {
		return
	}
	_, l.err = l.w.Write(append(text, '\n'))
}

func (l *lines) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}
