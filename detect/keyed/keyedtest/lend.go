package keyedtest

import (
	"reflect"
	"unsafe"
)

// lend returns copies of the items, their text included, and a function that takes
// them back as a reader does that uses its memory again: whoever still holds an item,
// or text of one that was not cloned, then reads something else.
//
// It reaches the exported fields of structs and of what items point to, one level deep.
func lend[I any](items []I) (lent []I, takeBack func()) {
	lent = append(lent, items...)
	var fields []reflect.Value
	var texts [][]byte
	for n := range lent {
		v := reflect.ValueOf(&lent[n]).Elem()
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			v.Set(own)
			v = own.Elem()
		}
		if v.Kind() != reflect.Struct {
			continue
		}
		for n := range v.NumField() {
			f := v.Field(n)
			if !f.CanSet() {
				continue
			}
			fields = append(fields, f)
			if f.Kind() == reflect.String && f.Len() > 0 {
				text := []byte(f.String())
				texts = append(texts, text)
				f.SetString(unsafe.String(&text[0], len(text)))
			}
		}
	}
	return lent, func() {
		for _, text := range texts {
			for n := range text {
				text[n] = '?'
			}
		}
		for _, f := range fields {
			switch f.Kind() {
			case reflect.String: // overwritten
			case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice, reflect.Func:
				// Left: nil would be a crash instead of a difference.
			default:
				f.SetZero()
			}
		}
	}
}
