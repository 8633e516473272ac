package report

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns the Report as indented JSON, the same bytes for the same Report.
//
// Lists are never null: an empty one is []. Times are RFC 3339 in UTC, and null if
// unknown. Metadata that is not there is {}. Text is as logged; what a terminal
// obeys or does not show stands as \u escape, "<" and its like do not. The last member,
// run, holds what is true of this run only; all before it depends on the content of the
// logs and on how their alerts were handled, so that two reports of the same logs
// differ, if at all, in run and in that. Evidence of events names files and stands
// under run.evidence.
//
// What is written reads back, by json.Unmarshal, as the Report it was.
func JSON() *Format {
	return &Format{
		Name:  "json",
		Doc:   "all that is known, as indented JSON",
		Write: writeJSON,
	}
}

func writeJSON(w io.Writer, r *Report, _ Look) error {
	shown := *r
	shown.Events = slices.Clone(r.Events)
	for i := range shown.Events {
		shown.Events[i].Evidence = nil
	}
	if err := WriteJSON(w, shown); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return nil
}

// EncodeJSON returns a value in one line, as JSON has it: lists are never null, times are in
// UTC, and nothing in it is obeyed by a terminal. Each member of a struct has its name.
func EncodeJSON(v any) ([]byte, error) {
	enc := newEncoder()
	if err := enc.value(reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	return ShowJSON(enc.out.Bytes()), nil
}

// WriteJSON writes what EncodeJSON returns, indented.
func WriteJSON(w io.Writer, v any) error {
	text, err := EncodeJSON(v)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err = w.Write(out.Bytes())
	return err
}

// ShowJSON writes as \u escape, in a text that is JSON, what Show would not let through.
// Outside of its strings JSON holds no such character but white space.
func ShowJSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf && r != 0x7f, r != utf8.RuneError && unicode.IsPrint(r) && !unseen(r):
			out = append(out, text[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out
}

// An encoder writes values as encoding/json does but for what JSON promises: the
// standard library writes null for an empty list and the year 1 for an unknown time.
type encoder struct {
	out  bytes.Buffer
	leaf *json.Encoder // writes to out what the standard library writes well
}

func newEncoder() *encoder {
	e := &encoder{}
	e.leaf = json.NewEncoder(&e.out)
	e.leaf.SetEscapeHTML(false)
	return e
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

func (e *encoder) value(v reflect.Value) error {
	switch t := v.Type(); {
	case t == timeType:
		return e.time(v.Interface().(time.Time))
	case t == rawType:
		return e.raw(v.Bytes())
	case t.Implements(textType):
		return e.scalar(v.Interface())
	}
	switch v.Kind() {
	case reflect.Struct:
		return e.object(v)
	case reflect.Slice:
		return e.list(v)
	case reflect.Map:
		return e.dict(v)
	case reflect.Pointer:
		if v.IsNil() {
			e.out.WriteString("null")
			return nil
		}
		return e.value(v.Elem())
	}
	return e.scalar(v.Interface())
}

func (e *encoder) scalar(v any) error {
	if err := e.leaf.Encode(v); err != nil {
		return err
	}
	e.out.Truncate(e.out.Len() - 1) // the line end
	return nil
}

func (e *encoder) time(t time.Time) error {
	if t.IsZero() {
		e.out.WriteString("null")
		return nil
	}
	return e.scalar(t.UTC())
}

func (e *encoder) raw(b []byte) error {
	if len(b) == 0 || string(b) == "null" {
		e.out.WriteString("{}")
		return nil
	}
	return json.Compact(&e.out, b)
}

func (e *encoder) object(v reflect.Value) error {
	e.out.WriteByte('{')
	if err := e.members(v); err != nil {
		return err
	}
	e.close('}')
	return nil
}

// members writes the fields of a struct, those of an embedded one in its place.
func (e *encoder) members(v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() && !f.Anonymous, name == "-":
			continue
		case f.Anonymous && name == "":
			if err := e.members(v.Field(i)); err != nil {
				return err
			}
			continue
		case opts == "omitempty" && v.Field(i).IsZero():
			continue
		}
		if err := e.member(name, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) member(name string, v reflect.Value) error {
	if err := e.scalar(name); err != nil {
		return err
	}
	e.out.WriteByte(':')
	if err := e.value(v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	e.out.WriteByte(',')
	return nil
}

func (e *encoder) list(v reflect.Value) error {
	e.out.WriteByte('[')
	for i := range v.Len() {
		if err := e.value(v.Index(i)); err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
		e.out.WriteByte(',')
	}
	e.close(']')
	return nil
}

// dict writes a map with string keys, in order of its keys.
func (e *encoder) dict(v reflect.Value) error {
	e.out.WriteByte('{')
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		if err := e.member(k.String(), v.MapIndex(k)); err != nil {
			return err
		}
	}
	e.close('}')
	return nil
}

// close ends a list or an object, in the place of the comma after its last part.
func (e *encoder) close(with byte) {
	if b := e.out.Bytes(); b[len(b)-1] == ',' {
		e.out.Truncate(len(b) - 1)
	}
	e.out.WriteByte(with)
}
