//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Where the database can grow no more, a scan ends: it does not wait for what a pipe that is
// idle may yet give.
func TestFullDiskOnIdlePipe(t *testing.T) {
	if testing.Short() {
		t.Skip("needs more lines than a row group has")
	}
	scan := exec.Command("sh", "-c", `ulimit -f 4096; exec litesoc scan --quiet --db x.duckdb -`)
	scan.Dir = t.TempDir()
	var stderr bytes.Buffer
	scan.Stderr = &stderr
	pipe, err := scan.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if err := scan.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- scan.Wait() }()
	w := bufio.NewWriter(pipe)
	for i := range 300_000 {
		at := demoStart.Add(time.Duration(i) * time.Millisecond).Format("02/Jan/2006:15:04:05 -0700")
		if _, err := fmt.Fprintf(w, "203.0.113.9 - - [%s] \"GET /a?x=%x HTTP/1.1\" 200 1 \"-\" \"-\"\n", at, uint64(i)*0x9e3779b97f4a7c15); err != nil {
			break // it has ended
		}
	}
	w.Flush()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		scan.Process.Kill()
		t.Fatal("it waits for more")
	}
	if code := scan.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(stderr.String(), "Could not write file") {
		t.Errorf("exit status %d, %s", code, stderr.String())
	}
}

// A log may be called by bytes that are no text. It is read, shown and known again.
func TestNameThatIsNoText(t *testing.T) {
	t.Chdir(t.TempDir())
	const line = "203.0.113.9 - - [01/Mar/2026:10:00:0%d +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"-\"\n"
	const name = "caf\xe9.log"
	if err := os.WriteFile(name, fmt.Appendf(nil, line, 0), 0o600); err != nil {
		t.Skip(err)
	}
	for i, want := range []string{"1 caf\ufffd.log", "2 caf\ufffd.log"} {
		if i > 0 {
			f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(f, line, i)
			f.Close()
		}
		var out bytes.Buffer
		for _, args := range [][]string{
			{"scan", "--quiet", "--output", "csv=/dev/null", "."},
			{"sql", "select lines || ' ' || path as says from sources"},
		} {
			out.Reset()
			if status := run(t.Context(), args, strings.NewReader(""), &out, &out); status != exitOK {
				t.Fatalf("%s: status %d\n%s", args, status, out.Bytes())
			}
		}
		if !strings.Contains(out.String(), "\n"+want) {
			t.Errorf("it is kept as\n%swant %s", out.Bytes(), want)
		}
	}
}
