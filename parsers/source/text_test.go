package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// inUTF16 is text in UTF-16 with a byte order mark.
func inUTF16(order binary.AppendByteOrder, text string) []byte {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func decodeAll(t testing.TB, r io.Reader) (string, error) {
	t.Helper()
	text, err := decode(bufio.NewReader(r))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(text)
	return string(b), err
}

func TestDecode(t *testing.T) {
	long := strings.Repeat("GET /ü€😀\r\n", 20_000)
	for _, test := range []struct{ name, content, want string }{
		{"nothing", "", ""},
		{"plain", "a\n", "a\n"},
		{"latin-1", "\xfcber\n", "\xfcber\n"},
		{"CR alone", "a\rb\r\rc\r", "a\nb\n\nc\n"},
		{"CR LF", "a\r\nb\r\n", "a\r\nb\r\n"},
		{"one CR", "a\rb", "a\rb"},
		{"mark, CR alone", "\ufeffa\rb\r", "a\nb\n"},
		{"mark", "\ufeffa\n", "a\n"},
		{"only a mark", "\ufeff", ""},
		{"half a mark", "\xef\xbb", "\xef\xbb"},
		{"mark within", "a\n\ufeffb\n", "a\n\ufeffb\n"},
		{"little endian", string(inUTF16(binary.LittleEndian, long)), long},
		{"big endian", string(inUTF16(binary.BigEndian, long)), long},
		{"only a UTF-16 mark", "\xff\xfe", ""},
		{"half a character at the end", "\xff\xfea\x00\n\x00b", "a\n\ufffd"},
		{"half a pair at the end", "\xff\xfea\x00\x3d\xd8", "a\ufffd"},
		{"half a pair and a byte at the end", "\xff\xfea\x00\x3d\xd8\x00", "a\ufffd\ufffd"},
		{"high half alone", "\xfe\xff\xd8\x3d\x00a", "\ufffda"},
		{"low half alone", "\xfe\xff\xde\x00\x00a", "\ufffda"},
		{"halves the wrong way round", "\xfe\xff\xde\x00\xd8\x3d\x00a", "\ufffd\ufffda"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"whole":        strings.NewReader(test.content),
				"byte by byte": iotest.OneByteReader(strings.NewReader(test.content)),
			} {
				if got, err := decodeAll(t, r); got != test.want || err != nil {
					t.Errorf("%s: %q, error %v; want %q", how, got, err, test.want)
				}
			}
		})
	}
}

// What ends the content ends the text, after all that was whole.
func TestDecodeBroken(t *testing.T) {
	broken := errors.New("broken")
	got, err := decodeAll(t, io.MultiReader(bytes.NewReader(inUTF16(binary.LittleEndian, "ab\n")), iotest.ErrReader(broken)))
	if got != "ab\n" || err != broken {
		t.Errorf("%q, error %v; want %q, %v", got, err, "ab\n", broken)
	}
}

func BenchmarkUTF16(b *testing.B) {
	content := inUTF16(binary.LittleEndian, strings.Repeat("192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 7\n", 10_000))
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		text, _ := decode(bufio.NewReader(bytes.NewReader(content)))
		io.Copy(io.Discard, text)
	}
}
