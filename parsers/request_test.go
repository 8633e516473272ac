package parsers

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// A request leaves a text with all that lies in it, and with nothing else.
func TestLeave(t *testing.T) {
	text := []byte(strings.Repeat("0123456789", 2000))
	in := unsafe.String(&text[0], len(text))
	var r Request
	v := reflect.ValueOf(&r).Elem()
	of := v.Type()
	texts := 0
	for i := range of.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String && f.CanSet() {
			f.SetString(in[7*i : 7*i+5+i])
			texts++
		}
	}
	if n := len(r.texts()); n != texts {
		t.Fatalf("texts has %d of %d", n, texts)
	}
	r.Body = in[:len(in)-1] // longer than new room
	elsewhere := "elsewhere"
	r.Host = elsewhere
	was := make([]string, of.NumField())
	for i := range was {
		was[i] = strings.Clone(v.Field(i).String())
	}
	kept := r.Kept()
	room := r.Leave(in, nil)
	clear(text)
	for i := range was {
		if v.Field(i).Kind() == reflect.String && (v.Field(i).String() != was[i] || reflect.ValueOf(kept).Elem().Field(i).String() != was[i]) {
			t.Errorf("%s is not what it was", of.Field(i).Name)
		}
	}
	if unsafe.StringData(r.Host) != unsafe.StringData(elsewhere) {
		t.Error("a text was copied that lay elsewhere")
	}
	other := Request{Path: strings.Clone("/a")}
	if left := other.Leave(other.Path, room); len(left) != len(room)-2 || other.Path != "/a" {
		t.Errorf("%d bytes of room are left of %d", len(left), len(room))
	}
}
