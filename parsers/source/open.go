package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/zeebo/xxh3"
)

// A File is something that holds a log.
type File struct {
	Path string // as a person would name it; "-" is standard input
	// Named tells that a person asked for this very path, rather than for a folder
	// that holds it: then not to be able to read it is an error.
	Named bool
	stdin *bufio.Reader // standard input, of which what is looked at stays unread
}

const (
	peekSize = 256 << 10 // enough to see many lines of a log
	headSize = 1 << 10   // bytes by which a log is known

	// windowMax bounds the memory that a compressed file may ask for.
	windowMax = 128 << 20
)

// unpacked is a file's content, decompressed.
type unpacked struct {
	*bufio.Reader
	close func()
}

// open opens the file for reading from its start. Standard input can be opened
// once more after a look, and then be read only once.
func (f *File) open() (*unpacked, error) {
	if f.stdin != nil {
		return unpack(f.stdin, func() {})
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, pathless(err)
	}
	u, err := unpack(bufio.NewReaderSize(file, 64<<10), func() { file.Close() })
	if err != nil {
		file.Close()
	}
	return u, err
}

// pathless strips an error of the path that its reader names already.
func pathless(err error) error {
	var perr *os.PathError
	if errors.As(err, &perr) {
		return perr.Err
	}
	return err
}

// unpack tells by the first bytes how the content is compressed.
func unpack(r *bufio.Reader, close func()) (*unpacked, error) {
	magic, err := r.Peek(6)
	if err != nil && err != io.EOF {
		return nil, pathless(err)
	}
	var plain io.Reader = r
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		plain, err = gzip.NewReader(r)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var d *zstd.Decoder
		// One goroutine's worth: the stages downstream use the other cores.
		d, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(windowMax), zstd.WithDecoderConcurrency(1))
		if err == nil {
			plain, close = d, chain(d.Close, close)
		}
	case bytes.HasPrefix(magic, []byte("BZh")):
		plain = bzip2.NewReader(r)
	case bytes.HasPrefix(magic, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		plain, err = xz.ReaderConfig{DictCap: windowMax}.NewReader(r)
	case r.Size() >= peekSize:
		return &unpacked{r, close}, nil
	default:
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("compressed, but broken at its start: %w", err)
	}
	return &unpacked{bufio.NewReaderSize(plain, peekSize), close}, nil
}

func chain(a, b func()) func() {
	return func() { a(); b() }
}

// peek returns what the file begins with, without consuming it: up to peekSize
// bytes. An error is one that comes before the first byte.
func (u *unpacked) peek() ([]byte, error) {
	head, err := u.Peek(peekSize)
	if len(head) == 0 && err != nil && err != io.EOF {
		return nil, err
	}
	return head, nil
}

// fingerprint names a log by the bytes it begins with.
func fingerprint(head []byte) string {
	return hashText(xxh3.Hash128(head))
}

func hashText(h xxh3.Uint128) string {
	b := h.Bytes()
	return hex.EncodeToString(b[:])
}
