package detect

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// Most of what is remembered is lists of numbers. In JSON that is names and digits, five times
// as much as the numbers need, and to write, compress and read them is the most part of
// saving and loading. Such a list is saved as one text: its numbers, packed, in base64.

// packable is a pointer to what can be packed. Its pack names all numbers of it to the packer,
// in an order that stays: that writes them, or reads them into a zero value.
type packable[T any] interface {
	*T
	pack(*packer)
}

// A packed list becomes one text in JSON. It may also be read from a list of objects, which
// earlier versions saved.
type packed[T any, P packable[T]] []T

func (l packed[T, P]) MarshalJSON() ([]byte, error) { return appendPackedText(nil, l), nil }

func (l *packed[T, P]) UnmarshalJSON(text []byte) error {
	if !isPacked(text) {
		return json.Unmarshal(text, (*[]T)(l))
	}
	p, err := unpack(text)
	if err != nil {
		return err
	}
	for *l = nil; len(p.b) > 0; {
		var v T
		P(&v).pack(p)
		*l = append(*l, v)
	}
	return p.err
}

// appendPacked appends a list as one text, and nothing of an empty one.
func appendPacked[T any, P packable[T]](b []byte, name string, list packed[T, P]) []byte {
	if len(list) == 0 {
		return b
	}
	return appendPackedText(appendName(b, name), list)
}

func appendPackedText[T any, P packable[T]](b []byte, list packed[T, P]) []byte {
	return appendText64(b, func(p *packer) {
		for i := range list {
			P(&list[i]).pack(p)
		}
	})
}

// appendText64 appends as a text of JSON what is packed.
func appendText64(b []byte, pack func(*packer)) []byte {
	b = append(b, '"')
	// It is packed behind the place where its text goes, in the same memory.
	from := len(b)
	p := packer{b: b}
	pack(&p)
	to := len(p.b)
	b = base64.RawStdEncoding.AppendEncode(p.b, p.b[from:])
	return append(b[:from+copy(b[from:], b[to:])], '"')
}

// A packer writes numbers, or reads them in the order in which they were written. Times and
// lines are written as how far they are from the ones before.
type packer struct {
	b       []byte // what was written, or is still to be read
	reading bool
	err     error // of reading; there is nothing left to read then
	second  int64
	line    int64
}

var errPacked = errors.New("a packed list is damaged")

func isPacked(text []byte) bool { return len(text) > 0 && text[0] == '"' }

// unpack returns a packer that reads what a text of JSON holds.
func unpack(text []byte) (*packer, error) {
	b, err := base64.RawStdEncoding.AppendDecode(nil, bytes.Trim(text, `"`))
	return &packer{b: b, reading: true}, err
}

// take takes so many bytes off what is read; n that is less than 1, or too large, is damage.
func (p *packer) take(n int) {
	if n <= 0 || n > len(p.b) {
		p.b, p.err = nil, errPacked
		return
	}
	p.b = p.b[n:]
}

func (p *packer) int(v *int64) {
	if !p.reading {
		p.b = binary.AppendVarint(p.b, *v)
		return
	}
	n, size := binary.Varint(p.b)
	*v = n
	p.take(size)
}

// packInteger is int for integers of another size.
func packInteger[T ~int | ~int32 | ~uint8](p *packer, v *T) {
	n := int64(*v)
	p.int(&n)
	*v = T(n)
}

// tag is for numbers of which most are large.
func (p *packer) tag(v *uint64) {
	switch {
	case !p.reading:
		p.b = binary.LittleEndian.AppendUint64(p.b, *v)
	case len(p.b) < 8:
		p.take(0)
	default:
		*v = binary.LittleEndian.Uint64(p.b)
		p.take(8)
	}
}

func (p *packer) bool(v *bool) {
	var n int64
	if *v {
		n = 1
	}
	p.int(&n)
	*v = n != 0
}

// micros is for times in microseconds since 1970. Those of most logs are whole seconds.
func (p *packer) micros(v *int64) {
	const whole = int64(time.Second / time.Microsecond)
	second, beyond := *v/whole, *v%whole
	step := (second - p.second) << 1
	if beyond != 0 {
		step |= 1
	}
	p.int(&step)
	if step&1 != 0 {
		p.int(&beyond)
	}
	p.second += step >> 1
	*v = p.second*whole + beyond
}

func (p *packer) moment(v *moment) { p.micros((*int64)(v)) }

func (p *packer) time(v *time.Time) {
	at := v.UnixMicro()
	p.micros(&at)
	*v = time.UnixMicro(at).UTC()
}

func (p *packer) evidence(v *Evidence) {
	packInteger(p, &v.Source)
	p.lineOf(&v.Line)
}

func (p *packer) lineOf(v *int64) {
	step := *v - p.line
	p.int(&step)
	p.line += step
	*v = p.line
}

// packList packs a list that is part of what is packed.
func packList[T any, P packable[T]](p *packer, l *[]T) {
	n := int64(len(*l))
	p.int(&n)
	for i := range n {
		if p.reading && p.err == nil {
			*l = append(*l, *new(T))
		}
		if p.err != nil {
			return
		}
		P(&(*l)[i]).pack(p)
	}
}

// packOptional packs what a pointer leads to, if it leads anywhere.
func packOptional[T any, P packable[T]](p *packer, v **T) {
	is := *v != nil
	if p.bool(&is); !is {
		return
	}
	if p.reading {
		*v = new(T)
	}
	P(*v).pack(p)
}
