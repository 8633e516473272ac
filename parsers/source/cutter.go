package source

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unsafe"

	"github.com/zeebo/xxh3"
)

// blockSize is how many bytes are read at a time: enough that the work around a
// block does not matter, little enough that a thousand logs can be read side by
// side.
const blockSize = 128 << 10

// A cutter cuts a byte stream into blocks of whole lines, and keeps count and hash
// of the bytes of all whole lines so far. Of a document these are its records.
type cutter struct {
	r      io.Reader
	buf    []byte // buf[:n] is read and not given out
	n      int
	offset int64
	hash   *xxh3.Hasher128
	err    error
	// goesOn tells that the content may grow: where it ends for now is not its end, and
	// neither is that of a line without a line end.
	goesOn bool
	long   string // the beginning of a line that is too long and goes on; "" if there is none

	spare *sync.Pool // of *[blockSize]byte, whose text nobody needs any more; nil: there is none

	document splitter        // nil: the lines are those of the text
	ahead    *xxh3.Hasher128 // hash of all that the document was given
	beyond   int64           // bytes of that after offset
}

// A block is one or more lines with their line ends.
type block struct {
	text    string
	memory  *[blockSize]byte // that the text lies in; nil: in other memory, which stays
	torn    bool             // its last line, the only one but in a table, has no line end: the content ends there
	cut     int              // lines longer than MaxLine, which were cut
	numbers []int64          // of the lines; nil: each is one more than the last
}

// A placed block is one with its place: where the whole lines end that were given out so
// far.
type placed struct {
	block
	offset int64
	hash   string // of those lines
	within bool   // a line that is too long, and is none of them yet, goes on there
	err    error  // that ended the content, or says that it pauses
}

// place returns the next block with its place.
func (c *cutter) place() placed {
	b, err := c.next()
	return placed{b, c.offset, c.sum(), c.long != "", err}
}

func newCutter(r io.Reader, l layout) *cutter {
	return &cutter{r: r, buf: make([]byte, blockSize), hash: xxh3.New128(), document: l.splitter(), ahead: xxh3.New128()}
}

// sum returns the hash of the whole lines given out so far.
func (c *cutter) sum() string { return hashText(c.hash.Sum128()) }

// skip passes over n bytes, of which it shows each block that holds a line, and returns
// the hash of all whole lines passed so far.
func (c *cutter) skip(n int64, seen func(block)) (string, error) {
	whole := c.r
	c.r = io.LimitReader(whole, n-c.offset)
	for c.err == nil {
		if b, _ := c.next(); b.text != "" {
			seen(b)
		}
	}
	err := c.err
	if err == io.EOF || err == errCutOff {
		err = nil
	}
	if err == nil && c.offset != n {
		err = io.ErrUnexpectedEOF
	}
	c.r, c.err, c.buf = whole, nil, make([]byte, blockSize)
	return c.sum(), err
}

// next returns the next block. With the last one comes the error that ended the
// content, io.EOF if all is well; the block may then be empty.
func (c *cutter) next() (block, error) {
	if c.document != nil {
		return c.nextRecords()
	}
	if c.long != "" {
		return c.takeLong()
	}
	for c.err == nil {
		if end := bytes.LastIndexByte(c.buf[:c.n], '\n') + 1; end > 0 {
			return c.take(end), nil
		}
		if c.n > MaxLine {
			return c.takeLong()
		}
		c.fill()
	}
	if end := bytes.LastIndexByte(c.buf[:c.n], '\n') + 1; end > 0 {
		return c.take(end), nil // what is left comes with the next call
	}
	if c.n > MaxLine {
		return c.takeLong()
	}
	if c.pause() {
		return block{}, ErrForNow
	}
	b := block{text: string(c.buf[:c.n]), torn: true}
	c.n = 0
	c.buf = nil // many logs may have been read to their ends
	return b, c.err
}

// nextRecords returns the next records of a document. The last block may hold none.
func (c *cutter) nextRecords() (block, error) {
	for c.err == nil {
		c.fill()
		whole := c.document.split(c.buf[:c.n])
		if whole > 0 {
			c.ahead.Write(c.buf[:whole])
			*c.hash = *c.ahead
			c.offset += c.beyond + int64(whole)
			c.beyond = 0
		}
		c.ahead.Write(c.buf[whole:c.n])
		c.beyond += int64(c.n - whole)
		c.n = 0
		torn := false
		if table, ok := c.document.(*tableSplitter); ok && c.err == io.EOF && !c.goesOn && table.unfinished() {
			if torn = table.tear(); !torn {
				*c.hash = *c.ahead
				c.offset += c.beyond
				c.beyond = 0
			}
		}
		if b := c.document.take(); b.text != "" {
			b.torn = torn
			return b, nil
		}
	}
	if c.pause() {
		return block{}, ErrForNow
	}
	if c.err == io.EOF && c.document.unfinished() {
		c.err = errCutOff
	}
	c.buf = nil
	return block{}, c.err
}

// pause tells whether the content ends here for now only, and is ready to go on then.
func (c *cutter) pause() bool {
	if !c.goesOn || c.err != io.EOF {
		return false
	}
	c.err = nil
	if c.n == 0 {
		c.buf = nil // many logs may be followed that say nothing
	}
	return true
}

// buffer returns a buffer to read into. Unlike one that make returns a new one was not cleared,
// which would take as long as to copy what is read.
func (c *cutter) buffer() []byte {
	if c.spare != nil {
		if memory, ok := c.spare.Get().(*[blockSize]byte); ok {
			return memory[:]
		}
	}
	var b strings.Builder
	b.Grow(blockSize)
	b.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(b.String()), blockSize)
}

// reuse has the memory of a block used for later ones. Its text is no more: it is cleared, so
// that what was kept of it by mistake is seen to be nothing, and not some other line.
func (b *block) reuse(spare *sync.Pool) {
	if b.memory != nil {
		clear(b.memory[:])
		spare.Put(b.memory)
		b.memory, b.text = nil, ""
	}
}

// fill reads on until the buffer is full, which makes it larger until a longest line
// with its line end has room.
func (c *cutter) fill() {
	if c.buf == nil {
		c.buf = c.buffer()
	}
	if c.n == len(c.buf) {
		c.buf = append(c.buf, make([]byte, min(len(c.buf), MaxLine+1-len(c.buf)))...)
	}
	for idle := 0; c.n < len(c.buf) && c.err == nil; {
		var n int
		n, c.err = c.r.Read(c.buf[c.n:])
		c.n += n
		if n > 0 {
			idle = 0
		} else if idle++; idle == maxIdle && c.err == nil {
			c.err = io.ErrNoProgress
		}
	}
}

// maxIdle is how many reads in a row may give nothing.
const maxIdle = 100

// take gives out the first end bytes: where they are most of the buffer that itself, else a
// copy of them, for a block is kept as long as one of its lines.
func (c *cutter) take(end int) block {
	c.hash.Write(c.buf[:end])
	c.offset += int64(end)
	if rest := c.buf[end:c.n]; end > len(c.buf)/2 && len(rest) < blockSize {
		b := block{text: unsafe.String(&c.buf[0], end)}
		if len(c.buf) == blockSize {
			b.memory = (*[blockSize]byte)(c.buf)
		}
		c.buf = c.buffer()
		c.n = copy(c.buf, rest)
		return b
	}
	b := block{text: string(c.buf[:end])}
	c.n = copy(c.buf, c.buf[end:c.n])
	if len(c.buf) > blockSize && c.n < blockSize {
		c.buf = append(make([]byte, 0, blockSize), c.buf[:blockSize]...)
	}
	return b
}

// takeLong gives out the beginning of a line that is too long and passes over the
// rest of it.
func (c *cutter) takeLong() (block, error) {
	if c.long == "" {
		c.long = string(c.buf[:MaxLine])
	}
	b := block{text: c.long, cut: 1}
	for {
		if i := bytes.IndexByte(c.buf[:c.n], '\n'); i >= 0 {
			c.hash.Write(c.buf[:i+1])
			c.offset += int64(i + 1)
			c.n = copy(c.buf, c.buf[i+1:c.n])
			c.long = ""
			return b, nil
		}
		c.hash.Write(c.buf[:c.n])
		c.offset += int64(c.n)
		c.n = 0
		if c.pause() {
			return block{}, ErrForNow
		}
		if c.err != nil {
			c.long = ""
			return b, nil // it never ends: what may follow later is another line
		}
		c.fill()
	}
}
