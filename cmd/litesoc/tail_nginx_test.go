//go:build unix

package main

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// An nginxServer is nginx with a log of its own, on a port of loopback.
type nginxServer struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  string
	addr string
	old  int // rotations
}

// startNginx starts nginx, which must be there, and returns once it answers.
func startNginx(t *testing.T, program, dir, how string) *nginxServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nginxServer{t: t, log: filepath.Join(dir, "access.log"), addr: l.Addr().String()}
	l.Close()
	var temp strings.Builder
	for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/tmp; ", of, dir)
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // workers open the log anew, in a folder that is nobody else's
	}
	config := fmt.Sprintf(`daemon off; worker_processes 2; %[1]s
pid %[2]s/nginx.pid; error_log %[2]s/error.log;
events { worker_connections 256; }
http {
	%[3]s
	access_log %[2]s/access.log combined %[4]s;
	server {
		listen %[5]s;
		location / { return 200 "ok"; }
	}
}
`, user, dir, temp.String(), how, n.addr)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	n.cmd = exec.Command(program, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- n.cmd.Wait() }()
	t.Cleanup(func() { n.cmd.Process.Signal(syscall.SIGTERM) })
	for {
		c, err := net.Dial("tcp", n.addr)
		if err == nil {
			c.Close()
			return n
		}
		select {
		case err := <-over:
			t.Fatalf("nginx does not start: %v", err)
		default:
		}
	}
}

// rotate renames the log and has nginx open it anew, as logrotate does with delaycompress:
// what was rotated before the last time is packed.
func (n *nginxServer) rotate() {
	n.old++
	if err := os.Rename(n.log, fmt.Sprintf("%s.%d", n.log, n.old)); err != nil {
		n.t.Error(err)
		return
	}
	if err := n.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		n.t.Error(err)
	}
	for { // it has opened the log once that is there
		if _, err := os.Stat(n.log); err == nil {
			break
		}
	}
	if n.old > 2 {
		gzipFile(n.t, fmt.Sprintf("%s.%d", n.log, n.old-2))
	}
}

// A real nginx writes its log while that is rotated, packed and followed by a tail that is
// killed in between: each request is there once.
func TestTailNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	program, err := exec.LookPath("nginx")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed")
		}
		program = "/usr/sbin/nginx"
	}
	for _, how := range []string{"", "buffer=8k flush=1s"} {
		t.Run(cmp.Or(how, "unbuffered"), func(t *testing.T) {
			const requests, connections, rotateAfter = 6000, 8, 700
			dir := t.TempDir()
			server := startNginx(t, program, dir, how)
			tail := startTail(t, dir, "--from", "start", "access.log")
			<-tail.follows // what was rotated before is not asked for
			var next atomic.Int64
			var turn sync.Mutex
			var all sync.WaitGroup
			for range connections {
				all.Go(func() {
					client := &http.Client{Transport: &http.Transport{}}
					defer client.CloseIdleConnections()
					for n := next.Add(1); n <= requests; n = next.Add(1) {
						answer, err := client.Get(fmt.Sprintf("http://%s/n/%d", server.addr, n))
						if err != nil {
							t.Error(err)
							return
						}
						answer.Body.Close()
						if n%rotateAfter != 0 {
							continue
						}
						turn.Lock()
						server.rotate()
						if n/rotateAfter == 4 {
							tail.cmd.Process.Kill()
							tail.cmd.Wait()
							tail = startTail(t, dir, "--from", "start", "access.log")
						}
						turn.Unlock()
					}
				})
			}
			all.Wait()
			server.cmd.Process.Signal(syscall.SIGQUIT) // it ends when all is written
			for {
				if c, err := net.Dial("tcp", server.addr); err != nil {
					break
				} else {
					c.Close()
				}
			}
			want := fmt.Sprintf("\n%d,%[1]d,%[1]d\n", requests)
			got := ""
			for end := time.Now().Add(5 * time.Minute); got != want && time.Now().Before(end); {
				asked := time.Now()
				got = string(litesoc(t, dir, "sql", "--db", "x.duckdb", "--output", "csv",
					"select count(*), count(distinct path), count(distinct path) filter (path like '/n/%') from requests"))
				got = got[strings.IndexByte(got, '\n'):]
				time.Sleep(time.Since(asked)) // whoever asks all the time keeps tail from the database
			}
			if got != want {
				logs := litesoc(t, dir, "sql", "--db", "x.duckdb", "--output", "csv", "select source_id, path, lines from sources order by 1")
				t.Errorf("kept, distinct, of those asked for: %swritten: %d, in\n%s", got, requests, logs)
			}
			if err := tail.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			tail.until(`"kind":"summary"`)
			if err := tail.cmd.Wait(); err != nil {
				t.Errorf("told to stop: %v\n%s", err, tail.stderr.Bytes())
			}
		})
	}
}
