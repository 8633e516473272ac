package source

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func TestAhead(t *testing.T) {
	content := make([]byte, 5*blockSize+17)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(rnd.Uint32())
	}
	broken := errors.New("broken")
	for name, r := range map[string]io.Reader{
		"whole":               bytes.NewReader(content),
		"byte by byte":        iotest.OneByteReader(bytes.NewReader(content)),
		"error with the data": iotest.DataErrReader(bytes.NewReader(content)),
		"broken":              io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)),
	} {
		t.Run(name, func(t *testing.T) {
			a := readAhead(r)
			defer a.stop()
			if name != "broken" {
				if err := iotest.TestReader(a, content); err != nil {
					t.Error(err)
				}
				return
			}
			got, err := io.ReadAll(a)
			if !bytes.Equal(got, content) || err != broken {
				t.Errorf("%d of %d bytes, error %v", len(got), len(content), err)
			}
			if n, err := a.Read(make([]byte, 1)); n != 0 || err != broken {
				t.Errorf("again: %d bytes, error %v", n, err)
			}
		})
	}
}

// Whoever stops reading leaves nothing behind that reads on.
func TestAheadStops(t *testing.T) {
	reads := 0
	a := readAhead(readFunc(func(p []byte) (int, error) { reads++; return len(p), nil }))
	if _, err := io.ReadFull(a, make([]byte, 2*blockSize)); err != nil {
		t.Fatal(err)
	}
	a.stop()
	if reads > 2+chunks { // it would be a race if it went on
		t.Errorf("%d reads for two", reads)
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
