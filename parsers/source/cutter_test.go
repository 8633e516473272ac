package source

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/zeebo/xxh3"
)

// A cutting is what a cutter gave: lines as Log.read cuts them, with what became of
// them, and where it stood.
type cutting struct {
	lines  []string
	cut    int
	torn   bool
	offset int64
	sum    string
	err    error
}

func cutAll(r io.Reader) cutting {
	c := newCutter(r, inLines)
	var got cutting
	for got.err == nil {
		var b block
		b, got.err = c.next()
		for line := range strings.Lines(b.text) {
			got.lines = append(got.lines, line)
		}
		got.cut += b.cut
		got.torn = got.torn || b.torn && b.text != ""
	}
	got.offset, got.sum = c.offset, c.sum()
	return got
}

// cutPlainly says what a cutter is to give for a content, in the simplest way.
func cutPlainly(content string) cutting {
	want := cutting{err: io.EOF}
	whole := 0
	for line := range strings.Lines(content) {
		ended := strings.HasSuffix(line, "\n")
		long := len(strings.TrimSuffix(line, "\n")) > MaxLine
		if long {
			line = line[:MaxLine]
			want.cut++
		}
		want.lines = append(want.lines, line)
		if !ended && !long {
			want.torn = true
			whole = len(content) - len(line)
			break
		}
		whole = len(content)
	}
	want.offset = int64(whole)
	want.sum = hashText(xxh3.Hash128([]byte(content[:whole])))
	return want
}

func compareCuttings(t *testing.T, how string, got, want cutting) {
	t.Helper()
	if !slices.Equal(got.lines, want.lines) {
		t.Errorf("%s: %d lines, want %d, or others", how, len(got.lines), len(want.lines))
	}
	if got.cut != want.cut || got.torn != want.torn || got.offset != want.offset || got.sum != want.sum || got.err != want.err {
		t.Errorf("%s: cut %d, torn %v, offset %d, hash %s, error %v; want %d, %v, %d, %s, %v", how,
			got.cut, got.torn, got.offset, got.sum, got.err, want.cut, want.torn, want.offset, want.sum, want.err)
	}
}

// raggedReader reads as few bytes at a time as the seed says, and sometimes none.
type raggedReader struct {
	r   io.Reader
	rng *rand.Rand
}

func (r raggedReader) Read(p []byte) (int, error) {
	return r.r.Read(p[:r.rng.IntN(min(len(p), 64<<10)+1)])
}

func testCuts(t *testing.T, content string, seed uint64) {
	t.Helper()
	want := cutPlainly(content)
	compareCuttings(t, "whole", cutAll(strings.NewReader(content)), want)
	compareCuttings(t, "error with the data", cutAll(iotest.DataErrReader(strings.NewReader(content))), want)
	compareCuttings(t, "ragged", cutAll(raggedReader{strings.NewReader(content), rand.New(rand.NewPCG(seed, 3))}), want)
	if len(content) < 4<<10 {
		compareCuttings(t, "byte by byte", cutAll(iotest.OneByteReader(strings.NewReader(content))), want)
	}
}

func TestCutter(t *testing.T) {
	x := strings.Repeat("x", MaxLine)
	for _, test := range []struct{ name, content string }{
		{"nothing", ""},
		{"one line end", "\n"},
		{"torn", "a\nb"},
		{"carriage returns", "a\r\nb\rc\r\n"},
		{"longest line", "a\n" + x + "\nb\n"},
		{"longest line at the end", x + "\n"},
		{"longest torn line", x},
		{"a byte too long", "a\n" + x + "x\nb\n"},
		{"a byte too long at the end", "a\n" + x + "x"},
		{"far too long", "a\n" + strings.Repeat(x, 3) + "\nb\n" + x + x},
		{"a block", strings.Repeat("y", blockSize-1) + "\nz\n"},
		{"a block and a byte", strings.Repeat("y", blockSize) + "\nz\n"},
		{"only line ends", strings.Repeat("\n", 3*blockSize+1)},
	} {
		t.Run(test.name, func(t *testing.T) { testCuts(t, test.content, 1) })
	}
}

// An endless line takes no more memory than the longest that is read.
func TestEndlessLine(t *testing.T) {
	const size = 256 << 20
	c := newCutter(io.LimitReader(endless('x'), size), inLines)
	b, err := c.next()
	if err != nil || b.cut != 1 || len(b.text) != MaxLine || c.offset != size {
		t.Errorf("%d bytes, cut %d, offset %d, error %v", len(b.text), b.cut, c.offset, err)
	}
	if cap(c.buf) > 4*MaxLine {
		t.Errorf("a buffer of %d bytes", cap(c.buf))
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte{byte(e)}, len(p)))
	return len(p), nil
}

// A reader that never gives anything is an error, not a wait for ever.
func TestIdleReader(t *testing.T) {
	got := cutAll(idle{})
	if !errors.Is(got.err, io.ErrNoProgress) {
		t.Errorf("error %v, want %v", got.err, io.ErrNoProgress)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
