package source

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	bomUTF8    = []byte{0xef, 0xbb, 0xbf}
	bomUTF16LE = []byte{0xff, 0xfe}
	bomUTF16BE = []byte{0xfe, 0xff}
	bomUTF32LE = []byte{0xff, 0xfe, 0, 0}
	bomUTF32BE = []byte{0, 0, 0xfe, 0xff}
)

// decode gives the text as UTF-8 and without its byte order mark, if it has one.
// Text without a mark is given as it is.
func decode(r *bufio.Reader) (*bufio.Reader, error) {
	mark, _ := r.Peek(4) // an error comes again when the text is read
	switch {
	case bytes.HasPrefix(mark, bomUTF32LE), bytes.HasPrefix(mark, bomUTF32BE):
		return nil, &unknownFormat{"UTF-32 text", "convert it first: iconv -f utf-32 -t utf-8"}
	case bytes.HasPrefix(mark, bomUTF8):
		r.Discard(len(bomUTF8))
	case bytes.HasPrefix(mark, bomUTF16LE), bytes.HasPrefix(mark, bomUTF16BE):
		r.Discard(2)
		return bufio.NewReaderSize(&utf16Reader{r: r, bigEndian: mark[0] == 0xfe}, readSize), nil
	}
	// Lines that end in CR alone, as they did on old Macs, are lines too, if there are
	// no others.
	if head, _ := r.Peek(oldLines); bytes.IndexByte(head, '\n') < 0 && bytes.Count(head, []byte{'\r'}) > 1 {
		return bufio.NewReaderSize(crReader{r}, readSize), nil
	}
	return r, nil
}

// oldLines is how many bytes without LF show that lines end otherwise.
const oldLines = 16 << 10

// A crReader gives each CR as LF.
type crReader struct{ r io.Reader }

func (c crReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// A utf16Reader gives UTF-16 text as UTF-8. Half a pair, and half a character at
// the end, is given as U+FFFD.
type utf16Reader struct {
	r         *bufio.Reader
	bigEndian bool
	err       error // that ended r; what is whole before it has been given
}

// Read fills p with whole characters. A p shorter than one character is a misuse
// that io.ErrShortBuffer tells.
func (u *utf16Reader) Read(p []byte) (n int, err error) {
	if len(p) < utf8.UTFMax {
		return 0, io.ErrShortBuffer
	}
	for len(p)-n >= utf8.UTFMax {
		// What is there is used up before more is waited for.
		if n > 0 && u.r.Buffered() < 4 {
			return n, nil
		}
		c, size := u.character()
		if size == 0 {
			if n > 0 {
				return n, nil
			}
			return 0, u.err
		}
		u.r.Discard(size)
		n += utf8.EncodeRune(p[n:], c)
	}
	return n, nil
}

// character returns the next character and how many bytes of r it takes; 0 at the
// end.
func (u *utf16Reader) character() (rune, int) {
	b, err := u.r.Peek(2)
	if len(b) < 2 {
		u.err = err
		return utf8.RuneError, len(b)
	}
	c := u.unit(b)
	if !utf16.IsSurrogate(c) {
		return c, 2
	}
	if b, _ = u.r.Peek(4); len(b) < 4 {
		return utf8.RuneError, 2
	}
	if c = utf16.DecodeRune(c, u.unit(b[2:])); c == utf8.RuneError {
		return c, 2
	}
	return c, 4
}

func (u *utf16Reader) unit(b []byte) rune {
	if u.bigEndian {
		return rune(b[0])<<8 | rune(b[1])
	}
	return rune(b[1])<<8 | rune(b[0])
}
