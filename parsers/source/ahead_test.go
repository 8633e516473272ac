package source

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/iotest"
)

// What is cut ahead is what is cut as it is needed, with its places.
func TestAhead(t *testing.T) {
	var content []byte
	rnd := rand.New(rand.NewPCG(1, 2))
	for len(content) < 5*blockSize {
		content = append(content, bytes.Repeat([]byte{'x'}, rnd.IntN(300))...)
		content = append(content, '\n')
	}
	content = append(append(content, bytes.Repeat([]byte{'y'}, MaxLine+1)...), "\ntorn"...)
	broken := errors.New("broken")
	for name, open := range map[string]func() io.Reader{
		"whole":               func() io.Reader { return bytes.NewReader(content) },
		"byte by byte":        func() io.Reader { return iotest.OneByteReader(bytes.NewReader(content)) },
		"error with the data": func() io.Reader { return iotest.DataErrReader(bytes.NewReader(content)) },
		"broken":              func() io.Reader { return io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCutter(open(), inLines)
			a := cutAhead(newCutter(open(), inLines))
			defer a.stop()
			for n := 0; ; n++ {
				got, want := a.next(), c.place()
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("block %d: %d bytes, offset %d, error %v; want %d, %d, %v", n,
						len(got.text), got.offset, got.err, len(want.text), want.offset, want.err)
				}
				if got.err != nil {
					break
				}
			}
		})
	}
}

// Whoever stops asking leaves nothing behind that reads on, not even to the end of a line.
func TestAheadStops(t *testing.T) {
	for _, text := range []string{"line\n", "l"} {
		reads := 0
		begun := make(chan struct{})
		a := cutAhead(newCutter(readFunc(func(p []byte) (int, error) {
			if reads++; reads == 3 {
				close(begun)
			}
			return copy(p, text), nil
		}), inLines))
		<-begun
		a.stop()
		if was := reads; reads != was { // it would be a race if it went on
			t.Errorf("%d reads, then %d", was, reads)
		}
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestHands(t *testing.T) {
	var h hands
	n := 0
	for n < 1000 && h.take() {
		n++
	}
	for range n {
		h.give()
	}
	for range n {
		if !h.take() {
			t.Fatal("what was given back cannot be taken again")
		}
	}
	if h.take() {
		t.Error("one more than before")
	}
}
