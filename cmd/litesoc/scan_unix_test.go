//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
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
