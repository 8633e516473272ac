package source_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// packed60 is manyLines(60), compressed by bzip2.
const packed60 = "" +
	"QlpoOTFBWSZTWR5/P50ABdlfgEAQUAv/8ALCRAoiAFwAQAIdiHDYMYTEyYCYAAjVKfjVH/6qqP1QAAAIfqqU3vUqflRoAAAE1UkT" +
	"9KfqmifqmjJtTaCO+hzocUPehtQ5dMY8fL8cfnXn+t9a21rWhYwBoMgyDQYxjHOqkndVST3qpJuqkm6qSa41ve973sAAAAAAAA3V" +
	"ST+qpJxVSRUPOpF5UOlQ5UPGh9Xahin3QxC50N6Hchtnjjjuoe2c5zn2ob0OuaG1DrQ5IfNDHOhg56oYoY5a1rVDwznOc5oZob0O" +
	"/ZdXdgAA96q7vXLWtazMYxj0qru91V3e+nnVXdqq7vgAG6q7vjgN75b3uSYxjMAAAkmc5kkxjMAAAkkzmSSYzAAAJJJmSSToqpJz" +
	"qpJro1rXLld3d5znObu7u7znOc3xd3d4qhkVfyhhU7UP3Q8KGqHWh2oYofFDnQ+KHzQ96G9D6ofdD/UOlD/i7kinChIDz+fzoA=="

func bzip2Of60(t testing.TB) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(packed60)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// An entry is a file to be put into an archive.
type entry struct{ name, content string }

func tarOf(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, e.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipOf(t testing.TB, method uint16, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, e.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func utf16Of(order binary.AppendByteOrder, text string) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// The same log gives the same batches and the same position whatever it is packed in
// and however it is encoded.
func TestSameContent(t *testing.T) {
	content := manyLines(60)
	want := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a"), content))
	if len(want.judged) != 60 {
		t.Fatalf("%d requests, want 60", len(want.judged))
	}
	gz := compress(t, "gzip", content)
	for _, test := range []struct{ name, content string }{
		{"gzip", gz},
		{"gzip members", compress(t, "gzip members", content)},
		{"gzip with empty members", compress(t, "gzip", "") + gz + compress(t, "gzip", "") + compress(t, "gzip", "")},
		{"gzip with zeros", gz + strings.Repeat("\x00", 1000)},
		{"zstd", compress(t, "zstd", content)},
		{"xz", compress(t, "xz", content)},
		{"bzip2", bzip2Of60(t)},
		{"tar", tarOf(t, entry{"a", content})},
		{"tar in gzip", compress(t, "gzip", tarOf(t, entry{"a", content}))},
		{"tar in zstd", compress(t, "zstd", tarOf(t, entry{"a", content}))},
		{"tar in xz", compress(t, "xz", tarOf(t, entry{"a", content}))},
		{"gzip in tar", tarOf(t, entry{"a.gz", gz})},
		{"bzip2 in tar in gzip", compress(t, "gzip", tarOf(t, entry{"a", bzip2Of60(t)}))},
		{"zip", zipOf(t, zip.Deflate, entry{"a", content})},
		{"zip, stored", zipOf(t, zip.Store, entry{"a", content})},
		{"gzip in zip", zipOf(t, zip.Store, entry{"a", gz})},
		{"BOM", "\ufeff" + content},
		{"BOM in gzip", compress(t, "gzip", "\ufeff"+content)},
		{"UTF-16LE", utf16Of(binary.LittleEndian, content)},
		{"UTF-16BE", utf16Of(binary.BigEndian, content)},
		{"UTF-16 in gzip in tar in zstd", compress(t, "zstd", tarOf(t, entry{"a", compress(t, "gzip", utf16Of(binary.LittleEndian, content))}))},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a"), test.content))
			if !slices.Equal(got.judged, want.judged) || len(got.broken) > 0 {
				t.Fatalf("%d requests, broken %q", len(got.judged), got.broken)
			}
			if at := got.plan.Logs[0].At; at != want.plan.Logs[0].At {
				t.Errorf("position %+v, want %+v", at, want.plan.Logs[0].At)
			}
		})
	}
}

// part is lines of a log, from and to, each naming its log.
func part(name string, from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(logLine(i, "/"+name))
	}
	return b.String()
}

// A rotated set in an archive gives what it gives in a folder, in whatever order it
// stands in the archive, also if each is read again from the start.
func TestRotatedInArchive(t *testing.T) {
	var entries []entry
	for i := range 12 { // more than are kept waiting; the newest first, as tar meets them
		entries = append(entries, entry{fmt.Sprintf("var/log/access.log.%d", i), part("x", (12-i)*500, (12-i)*500+600)})
	}
	dir := t.TempDir()
	for _, e := range entries {
		write(t, filepath.Join(dir, e.name), e.content)
	}
	want := read(t, options(t, time.Minute), dir)
	if len(want.judged) != 12*600 {
		t.Fatalf("%d requests, want %d", len(want.judged), 12*600)
	}
	for _, test := range []struct{ name, content string }{
		{"tar", tarOf(t, entries...)},
		{"tar.gz", compress(t, "gzip", tarOf(t, entries...))},
		{"zip", zipOf(t, zip.Deflate, entries...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "logs"), test.content))
			if !slices.Equal(got.judged, want.judged) {
				t.Errorf("%d requests, not those of the folder", len(got.judged))
			}
		})
	}
}

// Members are named after their archive; what is none is told, whatever its name.
func TestFindMembers(t *testing.T) {
	log := manyLines(3)
	dangling := tarOf(t, entry{"a", log}, entry{"b", log})
	links := func() string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range []*tar.Header{
			{Name: "dir/", Typeflag: tar.TypeDir},
			{Name: "dir/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
			{Name: "dir/fifo", Typeflag: tar.TypeFifo},
			{Name: "dir/disk", Typeflag: tar.TypeBlock},
			{Name: "dir/" + strings.Repeat("long", 100), Typeflag: tar.TypeReg},
		} {
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		return b.String()
	}
	// The method and the flags of the first member stand in its local and its central header.
	patch := func(z string, local, central int, v byte) string {
		b := []byte(z)
		b[local] = v
		b[bytes.Index(b, []byte("PK\x01\x02"))+central] = v
		return string(b)
	}
	stored := zipOf(t, zip.Store, entry{"a", log}, entry{"b", log})
	for _, test := range []struct {
		name, content string
		files         []string
		failures      []string
	}{
		{"tar", tarOf(t, entry{"b.log", log}, entry{"a/../../etc/passwd", log}, entry{"/abs", log}), []string{"f!b.log", "f!a/../../etc/passwd", "f!/abs"}, nil},
		{"hostile names", tarOf(t, entry{"a\x1b[2J\n\u202e.log", log}, entry{"b\xff", log}), []string{`f!a\x1b[2J\n\u202e.log`, `f!b\ufffd`}, nil},
		{"long name", tarOf(t, entry{strings.Repeat("x", 5000), log}), []string{"f!" + strings.Repeat("x", 1024)}, nil},
		{"only regular files", links(), []string{"f!dir/" + strings.Repeat("long", 100)}, nil},
		{"zip", zipOf(t, zip.Deflate, entry{`..\win`, log}, entry{"dir/", ""}), []string{`f!..\win`}, nil},
		{"empty tar", tarOf(t, entry{"d", ""})[:0] + tarOf(t), []string{"f"}, nil}, // two blocks of zeros: told when looked at
		{"empty zip", zipOf(t, zip.Store), nil, []string{"f: no file in this archive"}},
		{"truncated tar", dangling[:1200], []string{"f!a"}, []string{"f: archive: unexpected EOF"}},
		{"truncated zip", stored[:len(stored)-30], nil, []string{"f: archive: zip: not a valid zip file"}},
		{"encrypted", patch(stored, 6, 8, 9), []string{"f!b"}, []string{"f!a: encrypted"}},
		{"method", patch(stored, 8, 10, 14), []string{"f!b"}, []string{"f!a: compressed by method 14, which is not read"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "f", test.content)
			files, failures := source.Find([]string{"f"}, nil)
			var got, failed []string
			for _, f := range files {
				got = append(got, f.Path)
			}
			for _, f := range failures {
				failed = append(failed, fmt.Sprintf("%s: %v", f.Path, f.Err))
				if !f.Fatal {
					t.Errorf("%s: not fatal, though it was named", f.Path)
				}
				if strings.HasPrefix(test.name, "truncated") != strings.Contains(f.Hint, "cut off") {
					t.Errorf("%s: hint %q", f.Path, f.Hint)
				}
			}
			if !slices.Equal(got, test.files) || !slices.Equal(failed, test.failures) {
				t.Errorf("files %q, failures %q; want %q, %q", got, failed, test.files, test.failures)
			}
		})
	}
}

// One level of archive is taken apart; deeper, packed twice or from a pipe, it is told.
func TestArchiveNotRead(t *testing.T) {
	inner := tarOf(t, entry{"a", manyLines(3)})
	for _, test := range []struct{ name, content, want string }{
		{"tar in tar", tarOf(t, entry{"in.tar", inner}), "f!in.tar: an archive that is packed once more"},
		{"tar in gzip in zip", zipOf(t, zip.Store, entry{"in.tgz", compress(t, "gzip", inner)}), "f!in.tgz: an archive that is packed once more"},
		{"zip in tar", tarOf(t, entry{"in.zip", zipOf(t, zip.Store, entry{"a", "x"})}), "f!in.zip: an archive that is packed once more"},
		{"zip in gzip", compress(t, "gzip", zipOf(t, zip.Store, entry{"a", "x"})), "f: an archive that is packed once more"},
		{"stdin", inner, "-: an archive cannot be read from a pipe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			files, failures := source.Find([]string{write(t, "f", test.content)}, nil)
			if test.name == "stdin" {
				files, failures = source.Find([]string{"-"}, strings.NewReader(test.content))
			}
			p := source.Look(files, options(t, time.Minute))
			failures = append(failures, p.Failures...)
			if len(p.Logs) != 0 || len(failures) != 1 || failures[0].Path+": "+failures[0].Err.Error() != test.want {
				t.Errorf("logs %d, failures %v; want %q", len(p.Logs), failures, test.want)
			}
		})
	}
}

// Whoever writes the first line of a log cannot make it an archive: this one holds all
// that a header needs, with blanks where an archiver writes NULs.
func TestLogLikeTar(t *testing.T) {
	line := []byte(logLine(0, "/"+strings.Repeat("x", 600)))
	for at, field := range map[int]string{100: "0000644 ", 108: "0000000 ", 116: "0000000 ", 124: "00000000000 ", 136: "00000000000 ", 148: "        ", 156: "0", 257: "ustar  ", 329: "0000000 ", 337: "0000000 "} {
		copy(line[at:], field)
	}
	sum := 0
	for _, c := range line[:512] {
		sum += int(c)
	}
	copy(line[148:], fmt.Sprintf("%06o  ", sum))
	if _, err := tar.NewReader(bytes.NewReader(line[:512])).Next(); err != nil {
		t.Fatalf("not forged well enough: %v", err)
	}
	path := write(t, filepath.Join(t.TempDir(), "a"), string(line)+manyLines(3))
	if files, _ := source.Find([]string{path}, nil); len(files) != 1 || files[0].Path != path {
		t.Errorf("files %v, want the log itself", files)
	}
}

// What can be read of a damaged file is read, and the damage is told once.
func TestDamaged(t *testing.T) {
	content := manyLines(2000)
	gz := compress(t, "gzip", content)
	badSum := []byte(gz)
	badSum[len(badSum)-8] ^= 1
	later := compress(t, "gzip", part("later", 2000, 2100))
	flipped := []byte(compress(t, "gzip", content))
	flipped[len(flipped)/2] ^= 0x10
	tarred := tarOf(t, entry{"a", content}, entry{"b", part("later", 2000, 2100)})
	zipped := []byte(zipOf(t, zip.Store, entry{"a", content}))
	zipped[bytes.Index(zipped, []byte("/p/1999"))+3] = '7'
	xzed := compress(t, "xz", content)
	zstded := compress(t, "zstd", content)
	for _, test := range []struct {
		name, content string
		least, most   int
		want          string // "": nothing is broken
	}{
		{"gzip checksum", string(badSum), 2000, 2000, "line 2000: gzip: the checksum of part 1 is wrong"},
		{"gzip checksum, then another", string(badSum) + later, 2100, 2100, "line 2100: gzip: the checksum of part 1 is wrong"},
		{"gzip flipped", string(flipped), 10, 2000, "line "},
		{"gzip cut in its trailer", gz[:len(gz)-4], 2000, 2000, "line 2000: unexpected EOF"},
		{"gzip cut in the second header", gz + later[:5], 2000, 2000, "line 2000: unexpected EOF"},
		{"gzip and garbage", gz + "garbage", 2000, 2000, ""},
		{"tar.gz cut", compress(t, "gzip", tarred)[:8000], 100, 1999, "unexpected EOF"},
		{"zip checksum", string(zipped), 2000, 2000, "line 2000: zip: checksum error"},
		{"xz cut", xzed[:len(xzed)-20], 2000, 2000, "unexpected EOF"},
		{"zstd cut", zstded[:len(zstded)-2], 1000, 2000, "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, _ := source.Find([]string{write(t, filepath.Join(t.TempDir(), "a"), test.content)}, nil)
			rd := readFiles(t, options(t, time.Minute), files)
			if n := len(rd.judged); n < test.least || n > test.most {
				t.Errorf("%d requests, want %d to %d", n, test.least, test.most)
			}
			switch {
			case test.want == "" && len(rd.broken) > 0:
				t.Errorf("broken: %q", rd.broken)
			case test.want != "" && (len(rd.broken) != 1 || !strings.Contains(rd.broken[0], test.want)):
				t.Errorf("broken: %q, want %q", rd.broken, test.want)
			}
			if test.name == "gzip and garbage" {
				found := rd.plan.Logs[0].Integrity()
				if len(found) != 1 || found[0].Kind != source.Trailing || found[0].Line != 2000 {
					t.Errorf("findings %v, want what trails line 2000", found)
				}
			}
		})
	}
}

// What is broken is told in every run, not only in the one that read what was whole.
func TestDamagedAgain(t *testing.T) {
	packed := compress(t, "gzip", manyLines(2000))
	path := write(t, filepath.Join(t.TempDir(), "a.gz"), packed[:len(packed)-4])
	opts := options(t, time.Minute)
	first := read(t, opts, path)
	opts.Known = first.known()
	again := read(t, opts, path)
	if len(again.kept) != 0 || !slices.Equal(again.broken, first.broken) || len(first.broken) != 1 {
		t.Errorf("%d lines read again, broken %q, then %q", len(again.kept), first.broken, again.broken)
	}
}

// A file that asks for more memory than it may have is refused.
func TestWindow(t *testing.T) {
	xzed := []byte(compress(t, "xz", manyLines(3)))
	header := xzed[12:][:(int(xzed[12])+1)*4]           // of the first block
	header[bytes.Index(header, []byte{0x21, 1})+2] = 40 // 4 GiB
	sum := len(header) - 4
	binary.LittleEndian.PutUint32(header[sum:], crc32.ChecksumIEEE(header[:sum]))
	for _, test := range []struct{ name, content, want string }{
		{"xz", string(xzed), "asks for 4095 MiB of memory"},
		{"zstd", "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00", "window size exceeded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, _ := source.Find([]string{write(t, filepath.Join(t.TempDir(), "a"), test.content)}, nil)
			p := source.Look(files, options(t, time.Minute))
			if len(p.Failures) != 1 || !strings.Contains(p.Failures[0].Err.Error(), test.want) {
				t.Errorf("failures %v, want %q", p.Failures, test.want)
			}
		})
	}
}

// So is a later block of one that begins harmlessly; what is before it is read.
func TestWindowLater(t *testing.T) {
	harmless := compress(t, "xz", part("x", 0, 3000))
	xzed := []byte(compress(t, "xz", manyLines(3)))
	size := (int(xzed[12]) + 1) * 4
	header := slices.Clone(xzed[12:][:size])
	header[bytes.Index(header, []byte{0x21, 1})+2] = 40
	for _, test := range []struct {
		name   string
		header []byte
	}{
		{"small header", header},
		{"largest header", append(slices.Clone(header[:size-4]), make([]byte, 1024-size+4)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := test.header
			h[0] = byte(len(h)/4 - 1)
			binary.LittleEndian.PutUint32(h[len(h)-4:], crc32.ChecksumIEEE(h[:len(h)-4]))
			content := harmless + string(xzed[:12]) + string(h) + string(xzed[12+size:])
			rd := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a"), content))
			if want := "asks for 4095 MiB of memory"; len(rd.broken) != 1 || !strings.Contains(rd.broken[0], want) {
				t.Errorf("broken %q, want %q", rd.broken, want)
			}
			if len(rd.judged) < 2500 {
				t.Errorf("%d requests, want nearly 3000", len(rd.judged))
			}
		})
	}
}

// A bomb is read to its end in little memory: blank lines without number, and a line
// that does not end.
func TestBomb(t *testing.T) {
	size := 32 << 20
	if testing.Short() {
		size = 4 << 20
	}
	for _, test := range []struct {
		name, fill string
		check      func(at source.Position) bool
	}{
		{"blank lines", "\n", func(at source.Position) bool { return at.Skipped == int64(size) }},
		{"one line", "x", func(at source.Position) bool { return at.Cut == 1 && at.Lines == 4 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			io.WriteString(w, manyLines(3)+strings.Repeat(test.fill, size))
			w.Close()
			files, _ := source.Find([]string{write(t, filepath.Join(t.TempDir(), "a"), b.String())}, nil)
			l := source.Look(files, options(t, time.Minute)).Logs[0]
			var stats runtime.MemStats
			most := uint64(0)
			for i := 0; ; i++ {
				if _, err := l.Next(); err != nil {
					break
				}
				if i%64 == 0 {
					runtime.ReadMemStats(&stats)
					most = max(most, stats.HeapInuse)
				}
			}
			if !test.check(l.At) || most > 150<<20 {
				t.Errorf("%+v, %d MiB in use", l.At, most>>20)
			}
		})
	}
}

// A log that is replaced after it was looked at is not taken for what it was; one
// that shrinks ends; one that grows is read to its end.
func TestChangedWhileRead(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, path string)
		want   int
		broken string
	}{
		{"replaced", func(t *testing.T, path string) { write(t, path, part("other", 0, 5000)) }, 0, "replaced since it was looked at"},
		{"gone", func(t *testing.T, path string) { os.Remove(path) }, 0, "no such file"},
		{"shorter", func(t *testing.T, path string) { os.Truncate(path, int64(len(manyLines(1000)))) }, 1000, ""},
		{"longer", func(t *testing.T, path string) { write(t, path, manyLines(6000)) }, 6000, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "a"), manyLines(5000))
			files, _ := source.Find([]string{path}, nil)
			p := source.Look(files, options(t, time.Minute))
			test.change(t, path)
			n, broken := drain(p.Logs[0])
			if n != test.want || !strings.Contains(broken, test.broken) || (broken == "") != (test.broken == "") {
				t.Errorf("%d requests, broken %q; want %d, %q", n, broken, test.want, test.broken)
			}
		})
	}
}

// drain reads a stream to its end.
func drain(s source.Stream) (requests int, broken string) {
	for {
		b, err := s.Next()
		if err == io.EOF {
			return requests, ""
		}
		if err != nil {
			return requests, err.Error()
		}
		requests += len(b.Requests)
	}
}

// descriptors is how many files this process has open.
func descriptors(t testing.TB) int {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd to count in")
	}
	return len(open)
}

// A thousand archives are read side by side with a bounded number of descriptors,
// whether or not their spans overlap, and nothing stays open.
func TestThousandArchives(t *testing.T) {
	logs, lines := 1000, 40
	if testing.Short() {
		logs = 200
	}
	for _, test := range []struct {
		name  string
		apart int // seconds between the beginnings of two logs
		limit int // bytes of memory in use at the worst
	}{
		{"one after the other", 1000, 64 << 20},
		{"side by side", 0, 600 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var b bytes.Buffer
			for i := range logs {
				b.Reset()
				w, _ := gzip.NewWriterLevel(&b, 1)
				io.WriteString(w, part(fmt.Sprint(i), i*test.apart, i*test.apart+lines))
				w.Close()
				write(t, filepath.Join(dir, fmt.Sprint(i)), b.String())
			}
			before := descriptors(t)
			files, _ := source.Find([]string{dir}, nil)
			p := source.Look(files, options(t, time.Minute))
			var streams []source.Stream
			for _, l := range p.Logs {
				streams = append(streams, l)
			}
			m := source.NewMerger(streams, time.Time{}, func(_ source.Stream, err error) { t.Error(err) })
			most, memory, requests := 0, uint64(0), 0
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			base := stats.HeapInuse
			for i := 0; ; i++ {
				b, err := m.Next()
				if err == io.EOF {
					break
				}
				requests += len(b.Requests)
				if i%10 == 0 {
					most = max(most, descriptors(t)-before)
				}
				if i%50 == 0 {
					runtime.ReadMemStats(&stats)
					memory = max(memory, stats.HeapInuse)
				}
			}
			t.Logf("%d descriptors, %d MiB in use (%d before) at the most", most, memory>>20, base>>20)
			if requests != logs*lines {
				t.Errorf("%d requests, want %d", requests, logs*lines)
			}
			if most > 130 {
				t.Errorf("%d descriptors at once", most)
			}
			if test.apart > 0 && most > 4 {
				t.Errorf("%d descriptors at once though no two overlap", most)
			}
			if int(memory) > test.limit {
				t.Errorf("%d MiB in use", memory>>20)
			}
			if left := descriptors(t) - before; left != 0 {
				t.Errorf("%d descriptors left open", left)
			}
		})
	}
}

// Of an archive with too many members the first are read, and that there are more is
// told.
func TestManyMembers(t *testing.T) {
	const most = 10_000
	entries := make([]entry, most+1)
	for i := range entries {
		entries[i] = entry{fmt.Sprint(i), "x"}
	}
	for name, content := range map[string]string{"tar": tarOf(t, entries...), "zip": zipOf(t, zip.Store, entries...)} {
		t.Run(name, func(t *testing.T) {
			files, failures := source.Find([]string{write(t, filepath.Join(t.TempDir(), "a"), content)}, nil)
			if len(files) != most || len(failures) != 1 || failures[0].Err.Error() != "archive: only its first 10000 files are read" {
				t.Errorf("%d files, failures %v", len(files), failures)
			}
		})
	}
}

// What holds nothing, or nothing but NULs, is told for what it is, however large it
// says it is.
func TestHollow(t *testing.T) {
	sparse := write(t, filepath.Join(t.TempDir(), "sparse"), "")
	if err := os.Truncate(sparse, 10<<30); err != nil {
		t.Skip(err)
	}
	hollow := write(t, filepath.Join(t.TempDir(), "hollow.gz"), strings.Repeat(compress(t, "gzip", ""), 10_000))
	files, failures := source.Find([]string{sparse, hollow}, nil)
	opts := options(t, time.Minute)
	opts.Formats = parsers.All()
	p := source.Look(files, opts)
	if len(failures) != 0 || len(p.Logs) != 0 || !slices.Equal(p.Empty, []string{hollow}) ||
		len(p.Failures) != 1 || p.Failures[0].Err.Error() != "binary, not a log" {
		t.Errorf("failures %v, %v, logs %d, empty %q", failures, p.Failures, len(p.Logs), p.Empty)
	}
}

// A file that is broken in many places ends, and says that it is broken; lines before
// the first of them are read where what packed them lets them.
func TestManyFlips(t *testing.T) {
	lines := 20_000
	if testing.Short() {
		lines = 5000
	}
	content := manyLines(lines)
	for _, test := range []struct {
		name, content string
		least         int
	}{
		{"plain", content, 1000},
		{"gzip", compress(t, "gzip", content), 100},
		{"gzip members", compress(t, "gzip members", content), 100},
		{"zstd", compress(t, "zstd", content), 0},
		{"xz", compress(t, "xz", content), 0},
		{"zip", zipOf(t, zip.Deflate, entry{"a", content}), 0},
		{"tar in gzip", compress(t, "gzip", tarOf(t, entry{"a", content})), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			flipped := []byte(test.content)
			for i := 1000; i < len(flipped); i += 1000 {
				flipped[i] ^= 0x10
			}
			files, failures := source.Find([]string{write(t, filepath.Join(t.TempDir(), "a"), string(flipped))}, nil)
			rd := readFiles(t, options(t, time.Minute), files)
			told := len(failures) + len(rd.plan.Failures) + len(rd.broken)
			for _, l := range rd.plan.Logs {
				told += int(l.At.Rejected)
			}
			if len(rd.judged) < test.least || len(rd.judged) >= lines || told == 0 {
				t.Errorf("%d requests, failures %v %v, broken %q", len(rd.judged), failures, rd.plan.Failures, rd.broken)
			}
		})
	}
}
