//go:build unix

package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe, or a device, is written to and stays what it is: it is no file to be replaced.
func TestOutputToPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	log := []byte("203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"-\"\n")
	if err := os.WriteFile("a.log", log, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDWR, 0) // so that none waits for the other
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, test := range []struct{ args, want string }{
		{"scan --quiet --output csv=" + pipe + " a.log", "incident_id,"},
		{"sql --quiet --output csv=" + pipe + " select status from requests", "status\n200\n"},
		{"alerts list --output csv=" + pipe, "id,alert_type,"},
		{"respond --quiet --output nginx-deny=" + pipe, "# Response plan"},
	} {
		args := strings.Split(test.args, " ")
		if args[0] == "sql" {
			args = append(args[:4], strings.Join(args[4:], " "))
		}
		var stderr bytes.Buffer
		if status := run(context.Background(), args, strings.NewReader(""), &stderr, &stderr); status != exitOK {
			t.Fatalf("%s: status %d\n%s", test.args, status, stderr.Bytes())
		}
		if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
			t.Fatalf("%s: the pipe is %v (%v) now", test.args, info, err)
		}
		b := make([]byte, 4096)
		n, err := reader.Read(b)
		if got := string(b[:n]); err != nil || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: the pipe has %q (%v), want %q", test.args, got, err, test.want)
		}
	}
}

// Who has no room for what is written is told of the file that was asked for, and what to do.
func TestOutputWithoutRoom(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	const line = "203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"-\"\n"
	var stderr bytes.Buffer
	status := run(t.Context(), []string{"scan", "--db", ":memory:", "--output", "html=/dev/full", "-"}, strings.NewReader(line), &stderr, &stderr)
	if want := "/dev/full: no space left on device\nhint: make room, or write it to another place\n"; status != exitFailed || !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("status %d, %q, want %q", status, stderr.String(), want)
	}

	path := filepath.Join(t.TempDir(), "x.html")
	err := replaceFile(path, func(tmp *os.File) error { return &fs.PathError{Op: "write", Path: tmp.Name(), Err: syscall.ENOSPC} })
	if want := "write " + path + ": no space left on device"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
