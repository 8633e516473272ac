package source

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// fuzzMost is how much of what it is made to unpack a fuzz target reads: a bomb goes
// on for longer than anybody waits.
const fuzzMost = 4 << 20

const fuzzText = "192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 7\n192.0.2.2 - torn"

// packings are ways to pack a content, and archives of it.
func packings(t testing.TB, content string) [][]byte {
	t.Helper()
	var all [][]byte
	pack := func(open func(io.Writer) (io.WriteCloser, error)) {
		var b bytes.Buffer
		w, err := open(&b)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, content)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	pack(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
	pack(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
	pack(func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
	pack(func(w io.Writer) (io.WriteCloser, error) {
		t := tar.NewWriter(w)
		err := t.WriteHeader(&tar.Header{Name: "a", Size: int64(len(content))})
		return struct {
			io.Writer
			io.Closer
		}{t, t}, err
	})
	pack(func(w io.Writer) (io.WriteCloser, error) {
		z := zip.NewWriter(w)
		f, err := z.Create("a")
		return struct {
			io.Writer
			io.Closer
		}{f, z}, err
	})
	return append(all, append(slices.Clone(all[0]), all[0]...), append(slices.Clone(all[0]), "trailing"...),
		[]byte("BZh9\x31\x41\x59\x26\x53\x59"), inUTF16(binary.LittleEndian, content), inUTF16(binary.BigEndian, content))
}

// Any bytes are unpacked or refused, the same way however they come.
func FuzzUnpack(f *testing.F) {
	for _, p := range packings(f, fuzzText) {
		f.Add(p)
		f.Add(p[:len(p)/2])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		text, err := unpackAll(t, bytes.NewReader(content))
		again, errAgain := unpackAll(t, iotest.HalfReader(bytes.NewReader(content)))
		if text != again || (err == nil) != (errAgain == nil) {
			t.Errorf("%d bytes, error %v; then %d bytes, error %v", len(text), err, len(again), errAgain)
		}
	})
}

func unpackAll(t *testing.T, r io.Reader) (string, error) {
	t.Helper()
	closed := 0
	u, err := unpack(bufio.NewReaderSize(r, readSize), func() { closed++ })
	if err == nil {
		var head []byte
		if head, err = u.peek(); err == nil {
			var b strings.Builder
			_, err = io.CopyN(&b, u, fuzzMost)
			if err == io.EOF {
				err = nil
			}
			u.close()
			if !strings.HasPrefix(b.String(), string(head)) {
				t.Errorf("what was peeked at is not what is read")
			}
			if closed != 1 {
				t.Errorf("closed %d times", closed)
			}
			return b.String(), err
		}
		u.close()
	}
	if closed != 1 {
		t.Errorf("closed %d times", closed)
	}
	return "", err
}

// Any bytes cut in any reads give the lines they hold, the same count, offset, hash.
func FuzzCutter(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), uint64(1), uint32(0))
	f.Add([]byte("a\nb\n"), uint64(2), uint32(MaxLine))
	f.Add([]byte("\x00\xff"), uint64(3), uint32(blockSize))
	f.Fuzz(func(t *testing.T, content []byte, seed uint64, long uint32) {
		// A line that may be too long, in the middle.
		x := strings.Repeat("x", int(long%(2*MaxLine+3)))
		half := len(content) / 2
		testCuts(t, string(content[:half])+x+string(content[half:]), seed)
	})
}

// Any units of UTF-16 give what the standard library makes of them.
func FuzzUTF16(f *testing.F) {
	f.Add([]byte("a\x00\n\x00"), false)
	f.Add([]byte("\xd8\x3d\xde\x00\x00a\xd8"), true)
	f.Fuzz(func(t *testing.T, content []byte, bigEndian bool) {
		order, mark := binary.ByteOrder(binary.LittleEndian), "\xff\xfe"
		if bigEndian {
			order, mark = binary.BigEndian, "\xfe\xff"
		}
		if len(content) > 1 && content[0] == 0 && content[1] == 0 && !bigEndian {
			return // the mark is that of UTF-32
		}
		var units []uint16
		for i := 0; i+1 < len(content); i += 2 {
			units = append(units, order.Uint16(content[i:]))
		}
		want := string(utf16.Decode(units))
		if len(content)%2 == 1 {
			want += string(utf8.RuneError)
		}
		for _, r := range []io.Reader{strings.NewReader(mark + string(content)), iotest.OneByteReader(strings.NewReader(mark + string(content)))} {
			if got, err := decodeAll(t, r); got != want || err != nil {
				t.Fatalf("%q, error %v; want %q", got, err, want)
			}
		}
	})
}

// Any file is found as itself or as the members it has, and each of them is read or
// refused, twice alike; no descriptor is kept.
func FuzzArchive(f *testing.F) {
	for _, p := range packings(f, fuzzText) {
		f.Add(p, false)
		f.Add(p, true)
		f.Add(p[:len(p)*3/4], false)
	}
	f.Add([]byte("PK\x03\x04PK\x01\x02\x14\x00\x14\x00\b\x00\b\x00\x00\x00\x00\x00\xed\x1a\xe4\xf6P\x00\x00\x00R\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"+
		"\x00\x00\x00\x00\x00\x00aPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00/\x00\x00\x00\x7f\x00\x00\x00\x00\x00"), false) // a member that is not there
	f.Fuzz(func(t *testing.T, content []byte, packed bool) {
		if packed {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			w.Write(content)
			w.Close()
			content = b.Bytes()
		}
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		files, failures := Find([]string{path}, nil)
		if len(files) == 0 && len(failures) == 0 {
			t.Fatal("neither found nor told")
		}
		files = files[:min(len(files), 20)]
		var first []string
		for _, file := range files {
			if !strings.HasPrefix(file.Path, path) || !utf8.ValidString(file.Path) {
				t.Errorf("path %q", file.Path)
			}
			first = append(first, readMost(file))
		}
		for i, file := range slices.Backward(files) { // and not in their order
			if readMost(file) != first[i] {
				t.Errorf("%q read twice gives two things", file.Path)
			}
			for _, s := range file.disk.parked {
				s.close()
			}
			file.disk.parked = nil
			if n := len(file.disk.held); n != 0 {
				t.Errorf("%d descriptors kept", n)
			}
		}
	})
}

// readMost reads a file, and says how that ended.
func readMost(f *File) string {
	u, err := f.open()
	if err != nil {
		return "error: " + err.Error()
	}
	defer u.close()
	var b strings.Builder
	if _, err = io.CopyN(&b, u, fuzzMost); err != nil {
		b.WriteString(err.Error())
	}
	return b.String()
}
