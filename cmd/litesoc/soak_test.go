package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// What 'make soak' measures: it takes as long as is asked for.
var (
	soakFor   = flag.Duration("soak", 0, "follow a log that is written for so long, and print how that went")
	soakRate  = flag.Int("rate", 20_000, "lines a second that are written")
	soakBurst = flag.Int("burst", 100_000, "lines a second that are written for the five seconds after half of the time")
)

const (
	soakLook   = 10 * time.Second // between two lines of the table
	soakRotate = time.Minute      // between two rotations of the log
	soakBursts = 5 * time.Second
)

// A soak is a log that is written, and what follows it.
type soak struct {
	t       *testing.T
	dir     string
	began   time.Time
	metrics string // address
	tail    *exec.Cmd

	mu      sync.Mutex
	planted map[string]time.Time // attacks by their address, and when they were written
	took    []time.Duration      // from an attack written to its alert shown
	lines   int                  // written
	queries []time.Duration
	refused []string
}

// TestSoak follows a log for as long as it is told to, and prints a table.
func TestSoak(t *testing.T) {
	if *soakFor == 0 {
		t.Skip("run 'make soak'")
	}
	s := &soak{t: t, dir: t.TempDir(), planted: map[string]time.Time{}}
	shown := s.start()
	stop, over := make(chan struct{}), make(chan struct{}, 3)
	for _, do := range []func(<-chan struct{}) error{s.write, s.ask, s.look} {
		go func() {
			defer func() { over <- struct{}{} }()
			if err := do(stop); err != nil {
				t.Error(err)
			}
		}()
	}
	<-time.After(*soakFor)
	close(stop)
	for range 3 {
		<-over
	}
	s.caughtUp()
	s.tail.Process.Signal(os.Interrupt)
	<-shown
	if err := s.tail.Wait(); err != nil {
		t.Errorf("tail: %v", err)
	}
	s.print()
}

// start begins to follow the log, which is not there yet, and to read what is shown.
func (s *soak) start() (over chan struct{}) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.metrics = l.Addr().String()
	l.Close()
	s.tail = exec.Command("litesoc", "tail", "--db", "soak.duckdb", "--from", "start", "--output", "ndjson", "--metrics", s.metrics, "access.log")
	s.tail.Dir, s.tail.Stderr = s.dir, os.Stderr
	out, err := s.tail.StdoutPipe()
	if err == nil {
		err = s.tail.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.tail.Process.Kill() })
	over = make(chan struct{})
	go func() {
		defer close(over)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			now := time.Now()
			var a detect.Alert
			if json.Unmarshal(lines.Bytes(), &a) != nil {
				continue
			}
			s.mu.Lock()
			if at, ok := s.planted[a.SourceIP]; ok {
				delete(s.planted, a.SourceIP)
				s.took = append(s.took, now.Sub(at))
			}
			s.mu.Unlock()
		}
	}()
	for {
		if _, err := s.figures(); err == nil {
			s.began = time.Now()
			return over
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// write writes the log, with an attack in it every two seconds, and rotates it.
func (s *soak) write(stop <-chan struct{}) error {
	path := filepath.Join(s.dir, "access.log")
	var file *os.File
	tr := newTraffic(writerFunc(func(p []byte) (int, error) { return file.Write(p) }), 11, s.began)
	tr.ip = one
	clients := *soakRate * 5 // each asks every five seconds
	wanted, planted := 0.0, 0
	last, rotated, attacked := s.began, s.began, s.began
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if file == nil {
			var err error
			if file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-stop:
			return file.Close()
		}
		now := time.Now()
		tr.now = now
		rate := *soakRate
		if half := s.began.Add(*soakFor / 2); *soakBurst > 0 && now.After(half) && now.Before(half.Add(soakBursts)) {
			rate = *soakBurst
		}
		wanted += now.Sub(last).Seconds() * float64(rate)
		last = now
		n := int(wanted)
		wanted -= float64(n)
		for range n {
			tr.w.WriteString(tr.ordinary(clients))
		}
		attack := ""
		if now.Sub(attacked) >= 2*time.Second {
			attacked = now
			planted++
			attack = fmt.Sprintf("2001:db8:bad:%x::1", planted)
			for range 6 {
				tr.w.WriteString(tr.form(now, attack, "POST /api/v1/auth/login HTTP/1.1", 401, 81, "python-requests/2.32.3"))
				n++
			}
		}
		s.mu.Lock()
		s.lines += n
		if attack != "" {
			s.planted[attack] = time.Now()
		}
		s.mu.Unlock()
		if err := tr.w.Flush(); err != nil {
			return err
		}
		if now.Sub(rotated) >= soakRotate {
			rotated = now
			if err := errors.Join(file.Close(), os.Rename(path, path+".1")); err != nil {
				return err
			}
			file = nil
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// ask runs a command on the database again and again, a hundred times in all if there is
// time for that.
func (s *soak) ask(stop <-chan struct{}) error {
	every := time.NewTicker(max(*soakFor/101, time.Second))
	defer every.Stop()
	for n := 0; ; n++ {
		select {
		case <-every.C:
		case <-stop:
			return nil
		}
		args := [][]string{
			{"sql", "select status, count(*) from requests group by 1 order by 2 desc"},
			{"events", "--limit", "20"},
			{"alerts", "list", "--limit", "20"},
		}[n%3]
		cmd := exec.Command("litesoc", append(args, "--db", "soak.duckdb")...)
		cmd.Dir = s.dir
		began := time.Now()
		out, err := cmd.CombinedOutput()
		s.mu.Lock()
		if err != nil {
			s.refused = append(s.refused, fmt.Sprintf("litesoc %s: %v: %s", args[0], err, out))
		} else {
			s.queries = append(s.queries, time.Since(began))
		}
		s.mu.Unlock()
	}
}

// look prints a line of the table from time to time.
func (s *soak) look(stop <-chan struct{}) error {
	fmt.Printf("%8s %12s %12s %10s %12s %10s\n", "seconds", "written", "requests", "lag, s", "unread, MB", "RSS, MiB")
	tick := time.NewTicker(min(soakLook, *soakFor/6))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return nil
		}
		f, err := s.figures()
		if err != nil {
			return err
		}
		s.mu.Lock()
		lines := s.lines
		s.mu.Unlock()
		fmt.Printf("%8.0f %12d %12.0f %10.1f %12.1f %10.0f\n", time.Since(s.began).Seconds(), lines, f["litesoc_requests_total"],
			f["litesoc_lag_seconds"], f["litesoc_unread_bytes"]/1e6, s.resident())
	}
}

// figures are what tail serves for Prometheus.
func (s *soak) figures() (map[string]float64, error) {
	answer, err := http.Get("http://" + s.metrics + "/metrics")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	figures := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		var name string
		var value float64
		if n, _ := fmt.Sscan(line, &name, &value); n == 2 {
			figures[name] = value
		}
	}
	return figures, err
}

// resident is the memory that tail takes, in MiB; 0 if the kernel does not say.
func (s *soak) resident() (mib float64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.tail.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if n, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			fmt.Sscan(n, &mib)
		}
	}
	return mib / 1024
}

// caughtUp waits until all is read that was written.
func (s *soak) caughtUp() {
	began := time.Now()
	for {
		f, err := s.figures()
		if err != nil {
			s.t.Error(err)
			return
		}
		if int(f["litesoc_requests_total"]) >= s.lines {
			fmt.Printf("%.1f s after the last line all were read\n", time.Since(began).Seconds())
			return
		}
		if time.Since(began) > time.Minute {
			s.t.Errorf("a minute after the last line %.0f of %d were read", f["litesoc_requests_total"], s.lines)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *soak) print() {
	spread := func(of []time.Duration) string {
		if len(of) == 0 {
			return "none"
		}
		slices.Sort(of)
		return fmt.Sprintf("median %.2f s, p99 %.2f s, most %.2f s", of[len(of)/2].Seconds(), of[len(of)*99/100].Seconds(), of[len(of)-1].Seconds())
	}
	cpu := s.tail.ProcessState.UserTime() + s.tail.ProcessState.SystemTime()
	fmt.Printf("CPU time: %.1f s, for a million lines %.1f s\n", cpu.Seconds(), cpu.Seconds()/float64(s.lines)*1e6)
	fmt.Printf("from line written to alert shown, %d alerts: %s\n", len(s.took), spread(s.took))
	fmt.Printf("queries answered: %d of %d: %s\n", len(s.queries), len(s.queries)+len(s.refused), spread(s.queries))
	for _, r := range s.refused {
		fmt.Println(" ", r)
	}
	for ip, at := range s.planted {
		s.t.Errorf("no alert of %s, which was written after %s", ip, at.Sub(s.began))
	}
	out, err := exec.Command("litesoc", "sql", "--db", filepath.Join(s.dir, "soak.duckdb"), "--output", "csv",
		"select count(*), count(distinct (source_id, line)) from requests").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	if want := fmt.Sprintf("%d,%[1]d", s.lines); strings.Fields(string(out))[len(strings.Fields(string(out)))-1] != want {
		s.t.Errorf("kept and distinct: %s, written: %d", out, s.lines)
	}
	info, err := os.Stat(filepath.Join(s.dir, "soak.duckdb"))
	if err == nil {
		fmt.Printf("%d lines written, each kept once; database of %.0f MB\n", s.lines, float64(info.Size())/1e6)
	}
}
