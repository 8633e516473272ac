package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
	"github.com/zeebo/xxh3"
)

// A File is something that holds a log: a file, a member of an archive, or a pipe.
type File struct {
	// Path is as a person would name it; "-" is standard input, and a member of an
	// archive is "logs.tar.gz!var/log/access.log". It is a name and is not opened
	// where the file is a member.
	Path string
	// Named tells that a person asked for this very path, rather than for a folder
	// or an archive that holds it: then not to be able to read it is an error.
	Named bool

	stdin  *bufio.Reader // standard input, of which what is looked at stays unread
	disk   *disk         // nil: the file is read with a descriptor of its own
	member *member       // nil: not in an archive
	live   live          // nil: the file is not followed
}

const (
	peekSize = 256 << 10 // enough to see many lines of a log
	headSize = 1 << 10   // bytes by which a log is known
	readSize = 32 << 10  // bytes read at a time; a thousand logs may be open

	// magicSize is how many bytes tell how a file is packed.
	magicSize = 6
	// windowMax bounds the memory that a compressed file may ask for.
	windowMax = 128 << 20
)

// unpacked is a file's content as UTF-8 text: out of its archive, decompressed,
// without a byte order mark.
type unpacked struct {
	*bufio.Reader
	close func()
	plain bool // the bytes are those of the file, but for a byte order mark
}

// once tells whether the file can be read only once.
func (f *File) once() bool {
	_, pipe := f.live.(*livePipe)
	return f.stdin != nil || pipe
}

// open opens the file for reading from its start. Standard input can be opened
// once more after a look, and then be read only once.
func (f *File) open() (*unpacked, error) {
	if f.stdin != nil {
		u, err := unpack(f.stdin, func() {})
		if err == errNested {
			err = errPiped
		}
		return u, err
	}
	if f.live != nil {
		u, err := unpack(bufio.NewReaderSize(f.live.reader(), readSize), func() {})
		if err == errNested {
			err = errFollowed
		}
		return u, err
	}
	if f.member != nil {
		return f.member.open()
	}
	file, err := f.onDisk()
	if err != nil {
		return nil, err
	}
	return unpack(file.reader(), file.rest)
}

// onDiskPath is the path of the file, or of the archive that it lies in.
func (f *File) onDiskPath() string {
	if f.member != nil {
		return f.member.file.path
	}
	return f.Path
}

// onDisk opens the file itself.
func (f *File) onDisk() (*diskFile, error) {
	d := f.disk
	if d == nil {
		d = new(disk)
	}
	return d.open(f.Path)
}

// pathless strips an error of the path that its reader names already.
func pathless(err error) error {
	var perr *os.PathError
	if errors.As(err, &perr) {
		return perr.Err
	}
	return err
}

// unpack decompresses and decodes what r gives, by what it begins with, and calls
// close when that is no longer read. What turns out to be an archive is an error:
// those that can be read were taken apart when they were found.
func unpack(r *bufio.Reader, close func()) (*unpacked, error) {
	plain, close, err := decompress(r, close)
	packed := plain != r
	if err == nil && looksArchive(plain) {
		err = errNested
	}
	if err == nil {
		r = plain
		plain, err = decode(r)
	}
	if err != nil {
		close()
		return nil, err
	}
	return &unpacked{plain, close, !packed && plain == r}, nil
}

// decompress tells by the first bytes how the content is compressed, once. The
// close it returns is to be called in any case.
func decompress(r *bufio.Reader, close func()) (*bufio.Reader, func(), error) {
	magic, err := r.Peek(magicSize)
	if err != nil && err != io.EOF {
		return nil, close, pathless(err)
	}
	var plain io.Reader
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		plain, err = newGzipReader(r)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var d *zstd.Decoder
		// One goroutine's worth: the stages downstream use the other cores.
		d, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(windowMax), zstd.WithDecoderConcurrency(1))
		if err == nil {
			plain, close = d, chain(d.Close, close)
		}
	case bytes.HasPrefix(magic, []byte("BZh")) && len(magic) > 3 && '1' <= magic[3] && magic[3] <= '9':
		plain = bzip2.NewReader(r)
	case bytes.HasPrefix(magic, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		// The dictionary is as large as the file says, not as large as it may be.
		plain, err = xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(xzGuard{r})
	default:
		return r, close, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, close, fmt.Errorf("compressed, but broken at its start: %w", err)
	}
	return bufio.NewReaderSize(&decompressed{r: plain}, readSize), close, nil
}

// An xzGuard passes on an xz file up to a block that asks for a dictionary beyond
// windowMax. What reads it reads the first byte of the header of a block alone, so
// that each single byte may be one.
type xzGuard struct{ r *bufio.Reader }

func (g xzGuard) Read(p []byte) (int, error) {
	if len(p) == 1 {
		if err := g.check(); err != nil {
			return 0, err
		}
	}
	return g.r.Read(p)
}

// check refuses the header of a block if that is what comes next, by its checksum.
func (g xzGuard) check() error {
	const several = 0x3f // filters, which are not read, and what is reserved
	b, _ := g.r.Peek(2)
	if len(b) < 2 || b[0] == 0 || b[1]&several != 0 {
		return nil
	}
	b, _ = g.r.Peek((int(b[0]) + 1) * 4)
	window := dictionary(b)
	if window <= windowMax || crc32.ChecksumIEEE(b[:len(b)-4]) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return nil
	}
	return fmt.Errorf("it asks for %d MiB of memory to be read, more than %d", window>>20, windowMax>>20)
}

// dictionary returns the size of the dictionary that the header of a block asks for;
// 0 if it is none.
func dictionary(header []byte) int64 {
	const lzma2 = 0x21
	flags, b := header[1], header[2:]
	for _, present := range []byte{0x40, 0x80} { // compressed and uncompressed size
		if flags&present == 0 {
			continue
		}
		_, n := binary.Uvarint(b)
		if n <= 0 {
			return 0
		}
		b = b[n:]
	}
	if len(b) < 3+4 || b[0] != lzma2 {
		return 0
	}
	window, err := lzma.DecodeDictCap(b[2])
	if err != nil {
		return 0
	}
	return window
}

// decompressed passes on what a decompressor gives, and its first error for ever.
type decompressed struct {
	r   io.Reader
	err error
}

func (d *decompressed) Read(p []byte) (n int, err error) {
	if d.err != nil {
		return 0, d.err
	}
	n, d.err = d.r.Read(p)
	return n, d.err
}

func chain(a, b func()) func() {
	return func() { a(); b() }
}

// peek returns what the file begins with, without consuming it: up to peekSize
// bytes. An error is one that comes before the first byte; a later one comes again
// in its place.
func (u *unpacked) peek() ([]byte, error) {
	var head bytes.Buffer
	n, err := io.CopyN(&head, u.Reader, peekSize)
	if n == 0 && err != nil && err != io.EOF {
		return nil, err
	}
	u.Reader = bufio.NewReaderSize(&afterHead{head.Bytes(), u.Reader}, readSize)
	return head.Bytes(), nil
}

// An afterHead gives a head and then what r gives, which may go on after an io.EOF.
type afterHead struct {
	head []byte
	r    io.Reader
}

func (a *afterHead) Read(p []byte) (int, error) {
	if len(a.head) > 0 {
		n := copy(p, a.head)
		a.head = a.head[n:]
		return n, nil
	}
	return a.r.Read(p)
}

// maxOpen is how many file descriptors a disk holds at once: fewer than the 256
// that some systems give a process.
const maxOpen = 128

// A disk lends out file descriptors, at most maxOpen at once, so that any number of
// logs can be read side by side: the file that was read longest ago gives up its
// descriptor and gets another when it is read again. It also keeps streams of
// compressed archives that the next member is likely to be read from. The zero
// value is ready for use.
type disk struct {
	mu     sync.Mutex
	held   []*diskFile // those that have a descriptor, the one read longest ago first
	parked []*tarStream
}

// A diskFile is a file of a disk, read at any offset.
type diskFile struct {
	disk *disk
	path string
	info fs.FileInfo // of the file as it was opened first
	file *os.File    // nil: it has no descriptor now
}

// open opens a file.
func (d *disk) open(path string) (*diskFile, error) {
	f := &diskFile{disk: d, path: path}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.use(); err != nil {
		return nil, err
	}
	return f, nil
}

// ReadAt reads at an offset, in the very file that was opened first.
func (f *diskFile) ReadAt(p []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.use(); err != nil {
		return 0, err
	}
	n, err := f.file.ReadAt(p, offset)
	return n, pathless(err)
}

// use makes sure that the file has a descriptor, and that it is the last to lose it.
func (f *diskFile) use() error {
	d := f.disk
	if n := len(d.held); n > 0 && d.held[n-1] == f {
		return nil
	}
	if f.file != nil {
		d.held = append(slices.DeleteFunc(d.held, func(o *diskFile) bool { return o == f }), f)
		return nil
	}
	if len(d.held) >= maxOpen {
		d.held[0].drop()
	}
	file, err := os.Open(f.path)
	if err != nil {
		return pathless(err)
	}
	info, err := file.Stat()
	if err == nil && f.info != nil && !os.SameFile(f.info, info) {
		err = errors.New("replaced while it was read")
	}
	if err != nil {
		file.Close()
		return pathless(err)
	}
	f.file, f.info = file, info
	d.held = append(d.held, f)
	return nil
}

// drop takes the descriptor away.
func (f *diskFile) drop() {
	if f.file == nil {
		return
	}
	f.file.Close()
	f.file = nil
	f.disk.held = slices.DeleteFunc(f.disk.held, func(o *diskFile) bool { return o == f })
}

// rest gives the descriptor back. The file may be read again.
func (f *diskFile) rest() {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.drop()
}

// reader reads the file from its start to where it ends now: one that grows as fast as
// it is read has an end too. What is not on a disk, as in /proc, has no size and is read
// to where it then ends.
func (f *diskFile) reader() *bufio.Reader {
	size := f.info.Size()
	if size == 0 {
		size = math.MaxInt64
	}
	return bufio.NewReaderSize(io.NewSectionReader(f, 0, size), readSize)
}

// fingerprint names a log by the bytes it begins with.
func fingerprint(head []byte) string {
	return hashText(xxh3.Hash128(head))
}

func hashText(h xxh3.Uint128) string {
	b := h.Bytes()
	return hex.EncodeToString(b[:])
}
