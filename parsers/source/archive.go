package source

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A member is a regular file within a tar or zip archive. It is read in place and
// never written to disk; its name is a name only. A member may be compressed, but an
// archive within an archive is not taken apart.
//
// Members of a zip and of a plain tar are read where they lie. A compressed tar can
// be read from its start only: a member costs the decompression of all before it,
// unless it is read after one that lies before it (see disk.parked). Finding the
// members costs one pass, looking at them another, and reading them one more if they
// lie in order of time.
type member struct {
	file *diskFile // the archive
	zip  *zip.File // nil: the archive is a tar

	// Of a tar:
	packed bool  // the archive is compressed
	offset int64 // where the content lies in the tar
	size   int64
}

// hintOf says what to do about a file that cannot be read; "" if the error says it all.
func hintOf(err error) string {
	var unknown *unknownFormat
	switch {
	case errors.As(err, &unknown):
		return unknown.hint
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, zip.ErrFormat), errors.Is(err, tar.ErrHeader):
		return "it is cut off or damaged: copy it anew"
	}
	return ""
}

// maxMembers bounds how many files of one archive are read.
const maxMembers = 10_000

// maxMemberName is how many bytes of the name of a member are kept.
const maxMemberName = 1 << 10

var (
	errNested   = &unknownFormat{"an archive that is packed once more", "unpack it and name what comes out"}
	errFollowed = &unknownFormat{"an archive, in which no log grows: it is not followed", "'litesoc scan' reads the logs in it, into the same database"}
	errPiped    = &unknownFormat{"an archive cannot be read from a pipe", "name the file"}
)

var gzipMagic = []byte{0x1f, 0x8b}

// looksZip tells whether the content begins like a zip archive, maybe an empty one.
func looksZip(r *bufio.Reader) bool {
	head, _ := r.Peek(4)
	return string(head) == "PK\x03\x04" || string(head) == "PK\x05\x06"
}

// looksTar tells whether the content begins like a tar archive. The magic alone
// would not do: whoever writes the first line of a log could put it there, and hide
// the log. No line of an access log holds a NUL, as any header of a tar does.
func looksTar(r *bufio.Reader) bool {
	const blockLen, magicAt = 512, 257
	head, _ := r.Peek(blockLen)
	if len(head) < blockLen || !bytes.HasPrefix(head[magicAt:], []byte("ustar")) || bytes.IndexByte(head, 0) < 0 {
		return false
	}
	_, err := tar.NewReader(bytes.NewReader(head)).Next()
	// A header may go on in the next block; that its own checksum is right counts.
	return err == nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, tar.ErrInsecurePath)
}

func looksArchive(r *bufio.Reader) bool { return looksZip(r) || looksTar(r) }

// file takes a regular file in, or the members of an archive.
func (f *finder) file(file *File) {
	before := len(f.files)
	archive, err := f.members(file)
	switch {
	case !archive:
		// Whatever is wrong with it is told when it is looked at.
		f.files = append(f.files, file)
	case err != nil:
		f.fail(file.Path, fmt.Errorf("archive: %w", err), hintOf(err), file.Named)
	case len(f.files) == before:
		f.fail(file.Path, errors.New("no file in this archive"), "", file.Named)
	}
}

// members adds the members of the file if it is an archive. Those before an error
// have been added.
func (f *finder) members(file *File) (archive bool, err error) {
	on, err := file.onDisk()
	if err != nil {
		return false, err
	}
	defer on.rest()
	raw := on.reader()
	if looksZip(raw) {
		return true, f.zipMembers(file, on)
	}
	content, done, err := decompress(raw, func() {})
	defer done()
	if err != nil || !looksTar(content) {
		return false, err
	}
	if content == raw {
		section := io.NewSectionReader(on, 0, on.info.Size())
		return true, f.tarMembers(file, member{file: on}, section, func() int64 {
			at, _ := section.Seek(0, io.SeekCurrent)
			return at
		})
	}
	counted := &counter{r: content}
	return true, f.tarMembers(file, member{file: on, packed: true}, counted, func() int64 { return counted.n })
}

// tarMembers adds the members of a tar; at tells how far it has been read.
func (f *finder) tarMembers(file *File, in member, r io.Reader, at func() int64) error {
	t := tar.NewReader(r)
	for n := 0; ; {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			continue
		}
		if n++; n > maxMembers {
			return tooMany()
		}
		path := memberPath(file.Path, h.Name)
		if sparse(h) {
			f.fail(path, errors.New("stored with holes, which is not read"), "", file.Named)
			continue
		}
		m := in
		m.offset, m.size = at(), h.Size
		f.files = append(f.files, &File{Path: path, disk: f.disk, member: &m})
	}
}

func tooMany() error {
	return fmt.Errorf("only its first %d files are read", maxMembers)
}

// sparse tells whether the content of a member does not lie in the archive as it is.
func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// zipMembers adds the members of a zip archive.
func (f *finder) zipMembers(file *File, on *diskFile) error {
	z, err := zip.NewReader(on, on.info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	z.RegisterDecompressor(zipBzip2, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor(zstd.WithDecoderMaxWindow(windowMax)))
	n := 0
	for _, m := range z.File {
		if !m.Mode().IsRegular() || strings.HasSuffix(m.Name, "/") {
			continue
		}
		if n++; n > maxMembers {
			return tooMany()
		}
		path := memberPath(file.Path, m.Name)
		if err := unreadable(m); err != nil {
			f.fail(path, err, "", file.Named)
			continue
		}
		f.files = append(f.files, &File{Path: path, disk: f.disk, member: &member{file: on, zip: m}})
	}
	return nil
}

// zipBzip2 is the number of the method, by the specification of the format.
const zipBzip2 = 12

// unreadable says why a member of a zip cannot be read.
func unreadable(m *zip.File) error {
	const encrypted = 1
	if m.Flags&encrypted != 0 {
		return errors.New("encrypted")
	}
	switch m.Method {
	case zip.Store, zip.Deflate, zipBzip2, zstd.ZipMethodWinZip:
		return nil
	}
	return fmt.Errorf("compressed by method %d, which is not read", m.Method)
}

// memberPath names a member of an archive. What the archive says is neither trusted
// nor followed: it is made text and cut.
func memberPath(archive, name string) string {
	var b strings.Builder
	for _, c := range name[:min(len(name), maxMemberName)] {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(c), "'"))
			continue
		}
		b.WriteRune(c)
	}
	return archive + "!" + b.String()
}

// open opens the member for reading from its start.
func (m *member) open() (*unpacked, error) {
	if m.zip != nil {
		r, err := m.zip.Open()
		if err != nil {
			m.file.rest() // the local header was looked for
			return nil, err
		}
		return unpack(bufio.NewReaderSize(&decompressed{r: r}, readSize), func() { r.Close(); m.file.rest() })
	}
	if !m.packed {
		content := exactly(io.NewSectionReader(m.file, m.offset, m.size), m.size)
		return unpack(bufio.NewReaderSize(content, readSize), m.file.rest)
	}
	s, err := m.file.disk.stream(m.file, m.offset)
	if err != nil {
		return nil, err
	}
	content := exactly(s, m.size)
	return unpack(bufio.NewReaderSize(content, readSize), func() { m.file.disk.park(s) })
}

// exactly reads n bytes of r; that there are fewer is an error.
func exactly(r io.Reader, n int64) io.Reader { return &exact{r, n} }

type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case e.left == 0:
		err = nil // what is wrong after the end is not of this member
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// A counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// A tarStream is a compressed tar that has been read so far.
type tarStream struct {
	counter
	file  *diskFile
	close func()
}

// maxParked is how many streams are kept for the next member. Each holds the memory
// of a decompressor.
const maxParked = 4

// stream returns a stream of the compressed tar that stands at the offset: one that
// was parked before it, or a new one.
func (d *disk) stream(file *diskFile, offset int64) (*tarStream, error) {
	s := d.unpark(file, offset)
	if s == nil {
		on := &diskFile{disk: d, path: file.path, info: file.info}
		plain, close, err := decompress(on.reader(), on.rest)
		if err != nil {
			close()
			return nil, err
		}
		s = &tarStream{counter{r: plain}, file, close}
	}
	if _, err := io.CopyN(io.Discard, s, offset-s.n); err != nil {
		s.close()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return s, nil
}

// unpark takes out the stream of the file that stands closest before the offset.
func (d *disk) unpark(file *diskFile, offset int64) *tarStream {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := -1
	for i, s := range d.parked {
		if s.file == file && s.n <= offset && (at < 0 || s.n > d.parked[at].n) {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	s := d.parked[at]
	d.parked = slices.Delete(d.parked, at, at+1)
	return s
}

// park keeps a stream for a member further on, and closes the one that was kept
// longest if there are too many.
func (d *disk) park(s *tarStream) {
	d.mu.Lock()
	d.parked = append(d.parked, s)
	var gone *tarStream
	if len(d.parked) > maxParked {
		gone = d.parked[0]
		d.parked = slices.Delete(d.parked, 0, 1)
	}
	d.mu.Unlock()
	if gone != nil {
		gone.close()
	}
}

// A gzipReader reads the members of a gzip file one after the other. Where one does
// not have the checksum it says, the next is read nevertheless and the fault is told
// at the end, as are bytes that follow the last one and are no gzip.
type gzipReader struct {
	r      *bufio.Reader
	zip    *gzip.Reader
	member int
	fault  error // the first checksum that was wrong
}

// A trailing error tells that all was read, and that something else follows it.
type trailing struct{ what string }

func (t *trailing) Error() string { return t.what }

func newGzipReader(r *bufio.Reader) (*gzipReader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipReader{r: r, zip: z, member: 1}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.zip.Read(p)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, gzip.ErrChecksum):
			if g.fault == nil {
				g.fault = fmt.Errorf("gzip: the checksum of part %d is wrong", g.member)
			}
		case err != io.EOF:
			return n, err
		}
		if err = g.next(); n > 0 || err != nil {
			return n, err
		}
	}
}

// next goes to the next member, if there is one; else it says how the file ends.
func (g *gzipReader) next() error {
	zeros := false // tapes and some tools fill up with them, and gzip is silent too
	for {
		head, err := g.r.Peek(1)
		if len(head) == 0 {
			if err == io.EOF && g.fault != nil {
				return g.fault
			}
			return err
		}
		if head[0] != 0 {
			break
		}
		zeros = true
		g.r.Discard(1)
	}
	head, _ := g.r.Peek(2)
	if zeros || !bytes.Equal(head, gzipMagic) {
		if g.fault != nil {
			return g.fault
		}
		return &trailing{"what follows the gzip data is none, and is not read"}
	}
	if err := g.zip.Reset(g.r); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	g.zip.Multistream(false)
	g.member++
	return nil
}
