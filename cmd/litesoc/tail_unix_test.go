//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report/store"
)

// isLocked tells whether another process has locked a file, without locking it.
func isLocked(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		t.Fatal(err)
	}
	return lock.Type != syscall.F_UNLCK
}

// While another process has the database nothing is kept, and the log waits when memory
// is full; nothing is lost, and alerts are shown all the same.
func TestTailBusy(t *testing.T) {
	dir := t.TempDir()
	at := demoStart.Add(9 * time.Hour)
	log := filepath.Join(dir, "access.log")
	g := &tailing{t: t, dir: dir, clock: at, args: []string{"access.log"}, poll: true}
	g.start()
	defer func() { g.kill() }()
	appendTo(t, log, guesses("203.0.113.9", at.Add(-time.Hour), 1))
	g.after(3 * time.Second)
	g.after(3 * time.Second)
	other := exec.Command("litesoc", "sql", "--db", "tail.duckdb", "select sum(a) from range(1000000000000) t(a)") // it waits, and takes hours
	other.Dir = dir
	g.check(other.Start())
	defer other.Process.Kill()
	for !isLocked(t, filepath.Join(dir, "tail.duckdb")) {
		runtime.Gosched()
	}
	appendTo(t, log, guesses("203.0.113.9", at, 8))
	for range 10 {
		g.after(2 * time.Second)
	}
	if len(g.opened) != 1 || g.stopped == nil || g.held != 8 {
		t.Errorf("%d alerts, %d rows held, stopped: %v", len(g.opened), g.held, g.stopped)
	}
	if len(g.said) != 2 || !strings.HasSuffix(g.said[0], "no file is there yet") || !strings.Contains(g.said[1], fmt.Sprintf("PID %d", other.Process.Pid)) {
		t.Errorf("said %q", g.said)
	}
	var more bytes.Buffer
	for i := range maxHeld + 1000 {
		fmt.Fprintf(&more, "198.51.100.7 - - [%s] \"GET /%d HTTP/1.1\" 200 1 \"-\" \"x\"\n", at.Add(time.Minute+time.Duration(i/100)*time.Second).Format("02/Jan/2006:15:04:05 -0700"), i)
	}
	appendTo(t, log, more.Bytes())
	for range 5 {
		g.after(2 * time.Second)
	}
	if g.held < maxHeld || g.held > maxHeld+10_000 {
		t.Errorf("%d rows are held", g.held)
	}
	g.check(other.Process.Kill())
	other.Wait()
	for range 5 {
		g.after(5 * time.Second)
	}
	if g.stopped != nil || g.held != 0 || !strings.Contains(g.said[len(g.said)-1], "kept again") {
		t.Errorf("%d rows held, stopped: %v, said %q", g.held, g.stopped, g.said)
	}
	g.check(g.stop(g))
	if n := string(litesoc(t, dir, "sql", "--db", "tail.duckdb", "--output", "csv", "select count(*), count(distinct line) from requests")); !strings.HasSuffix(n, fmt.Sprintf("\n%d,%[1]d\n", maxHeld+1009)) {
		t.Errorf("requests: %s", n)
	}
}

// Others may use the database while logs are followed into it; a second tail may not. What
// it does when it is killed and told to stop.
func TestTailProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "access.log")
	at := demoStart.Add(9 * time.Hour)
	r := startTail(t, dir, "--from", "start", "access.log")
	appendTo(t, log, guesses("203.0.113.9", at, 8))
	alert := r.until(`"source_ip":"203.0.113.9"`)
	var a detect.Alert
	if err := json.Unmarshal([]byte(alert), &a); err != nil {
		t.Fatal(err)
	}
	second := exec.Command("litesoc", "tail", "--db", "x.duckdb", "access.log")
	second.Dir = dir
	text, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(text), fmt.Sprintf("followed into it by another process (PID %d)", r.cmd.Process.Pid)) {
		t.Errorf("a second one: %v\n%s", err, text)
	}
	// An alert is in the database at once, or soon.
	for !strings.Contains(string(litesoc(t, dir, "sql", "--db", "x.duckdb", "select id from alerts")), a.ID) {
	}
	if text := string(litesoc(t, dir, "doctor", "--db", "x.duckdb")); !strings.Contains(text, fmt.Sprintf("ok      tail           litesoc tail follows logs into the database (PID %d); lines were last kept 20", r.cmd.Process.Pid)) {
		t.Errorf("doctor says\n%s", text)
	}
	litesoc(t, dir, "alerts", "dismiss", "--db", "x.duckdb", "--note", "known", "--by", "test", a.ID)

	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.cmd.Wait()
	appendTo(t, log, guesses("203.0.113.10", at.Add(time.Minute), 8))
	if text := string(litesoc(t, dir, "doctor", "--db", "x.duckdb")); !strings.Contains(text, "unset   tail           no litesoc tail follows") ||
		!strings.Contains(text, "note    tail           access.log: 744 B were written since it was read") {
		t.Errorf("doctor says\n%s", text)
	}
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	appendTo(t, log, guesses("203.0.113.11", at.Add(2*time.Minute), 8))
	gzipFile(t, log+".1")
	r = startTail(t, dir, "--from", "start", "access.log")
	if first := r.until(`"kind":"alert"`); !strings.Contains(first, "203.0.113.10") {
		t.Errorf("after a kill it shows first %s", first)
	}
	r.until(`"source_ip":"203.0.113.11"`)
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.until(`"kind":"summary"`)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("told to stop: %v\n%s", err, r.stderr.Bytes())
	}
	if got := string(litesoc(t, dir, "sql", "--db", "x.duckdb", "--output", "csv", "select source_ip, status from alerts order by 1")); got != "source_ip,status\n203.0.113.10,open\n203.0.113.11,open\n203.0.113.9,dismissed\n" {
		t.Errorf("alerts:\n%s", got)
	}
	if n := string(litesoc(t, dir, "sql", "--db", "x.duckdb", "--output", "csv", "select count(*), count(distinct (source_id, line)) from requests")); !strings.HasSuffix(n, "\n24,24\n") {
		t.Errorf("requests: %s", n)
	}
}

// A tail that does not get on is told of, and so is a log that is gone.
func TestDoctorTail(t *testing.T) {
	dir := t.TempDir()
	log, gone, db := filepath.Join(dir, "access.log"), filepath.Join(dir, "other.log"), filepath.Join(dir, "x.duckdb")
	now := time.Now()
	appendTo(t, log, guesses("203.0.113.9", now.Add(-time.Hour), 3))
	appendTo(t, gone, guesses("203.0.113.10", now.Add(-time.Hour), 3))
	litesoc(t, dir, "scan", "--quiet", "--db", db, "--output", "json=x.json", log, gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	release, err := store.Own(db)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	says := func(at time.Time) (text string, waited int) {
		d := &doctor{now: at, pause: func() { waited++ }}
		d.database(db)
		for _, c := range d.Checks {
			if c.What == "tail" {
				text += c.State + " " + c.Text + "\n"
			}
		}
		return text, waited
	}
	text, _ := says(now.Add(time.Hour))
	if !strings.HasPrefix(text, fmt.Sprintf("ok litesoc tail follows logs into the database (PID %d)", os.Getpid())) || !strings.Contains(text, "note "+gone+" is gone") {
		t.Errorf("%s", text)
	}
	appendTo(t, log, []byte("half a line"))
	if text, waited := says(now.Add(time.Hour)); strings.Contains(text, "broken") || waited != 0 {
		t.Errorf("half a line is told of, after %d looks:\n%s", waited, text)
	}
	appendTo(t, log, []byte(" and its end\n"))
	if text, waited := says(now); !strings.Contains(text, "ok "+log+": 24 B are not read yet") || waited != 0 {
		t.Errorf("a line just written, after %d looks:\n%s", waited, text)
	}
	if text, waited := says(now.Add(time.Hour)); !strings.Contains(text, "broken "+log+": 24 B were written and not read since then") || waited != 5 {
		t.Errorf("an hour later, after %d looks:\n%s", waited, text)
	}
	text, _ = says(now.Add(48 * time.Hour))
	if strings.Contains(text, "gone") {
		t.Errorf("two days later:\n%s", text)
	}
}
