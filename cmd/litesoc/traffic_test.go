package main

import (
	"bufio"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What 'make traffic' writes, and where.
var (
	trafficLog     = flag.String("traffic", "", "write a log of made-up traffic to this file, of so many lines")
	trafficForm    = flag.String("traffic-format", "combined", "how that log is written")
	trafficClients = flag.Int("traffic-clients", 20_000, "clients of that log")
	trafficSeed    = flag.Uint64("traffic-seed", 11, "seed of that log: one seed makes one log")
)

// traffic writes made-up nginx combined logs: an ordinary day of a small SaaS and,
// if asked, a few attacks in it. The same seed writes the same bytes. It uses
// documentation addresses only.
type traffic struct {
	w    *bufio.Writer
	rand *rand.Rand
	now  time.Time
	wait []line // attack lines still to come, in order of time
	form form   // how a request is written
	ip   func(n int) string
}

// A form writes a request as one line of a log.
type form func(at time.Time, ip, request string, status, bytes int, agent string) string

// forms are those that 'make traffic' writes.
var forms = map[string]form{"combined": combined, "users": ofUsers, "queries": withQuery, "alb": alb, "json": jsonLine}

type line struct {
	at   time.Time
	text string
}

func newTraffic(w io.Writer, seed uint64, start time.Time) *traffic {
	return &traffic{w: bufio.NewWriterSize(w, 1<<20), rand: rand.New(rand.NewPCG(seed, seed)), now: start, form: combined, ip: client}
}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
	"AcmeMobile/4.2 (iPhone; iOS 18.5)",
	"acme-sync/1.9 (+https://acme.example)",
}

// sharedClients is how many clients there are at most of whom some share an address, as most
// people do. Of more, each has its own.
const sharedClients = 50_000

// client returns the n-th address of ordinary users.
func client(n int) string {
	switch n % 3 {
	case 0:
		return fmt.Sprintf("192.0.2.%d", n/3%254+1)
	case 1:
		return fmt.Sprintf("198.51.100.%d", n/3%200+1)
	}
	return fmt.Sprintf("2001:db8:%x:%x::%x", n>>8&0xfff, n&0xff, n%7+1)
}

// team returns the name of the n-th client's team, of which there are 400.
func team(n int) string {
	colours := strings.Fields("amber azure black blue bronze copper coral cyan gold green grey indigo ivory jade lilac ochre olive pink red white")
	birds := strings.Fields("crane crow dove duck eagle falcon finch goose hawk heron ibis jay kite lark owl raven robin stork swan wren")
	return colours[n/len(birds)%len(colours)] + "-" + birds[n%len(birds)]
}

func combined(at time.Time, ip, request string, status, bytes int, agent string) string {
	return fmt.Sprintf("%s - - [%s] %q %d %d \"-\" %q\n", ip, at.Format("02/Jan/2006:15:04:05 -0700"), request, status, bytes, agent)
}

// ofUsers writes as combined does, with the name of one of 100,000 users for each address.
func ofUsers(at time.Time, ip, request string, status, bytes int, agent string) string {
	h := fnv.New32a()
	h.Write([]byte(ip))
	return strings.Replace(combined(at, ip, request, status, bytes, agent), " - - ", fmt.Sprintf(" - user%d ", h.Sum32()%100_000), 1)
}

// withQuery writes as combined does, with a query as people and their programs send them: of
// words, URLs, times, conditions. Each is to be looked into, as it may hold an attack.
func withQuery(at time.Time, ip, request string, status, bytes int, agent string) string {
	queries := []string{
		"q=%s+%s+%d&limit=20", "redirect_uri=https%%3A%%2F%%2F%s.example%%2F%s%%3Fx%%3D%d&scope=openid+profile", "$filter=Name%%20eq%%20%%27%s+%s%%27+and+Id%%20gt%%20%d",
		"from=2026-03-01T00%%3A00%%3A00%%2B01%%3A00&tz=Europe/%s&by=%s%%2C%d", "filter=%%7B%%22status%%22%%3A%%22%s%%22%%2C%%22team%%22%%3A%%22%s%%22%%2C%%22n%%22%%3A%d%%7D",
		"title=%s%%27s%%20%s+%%28%d%%29&url=http%%3A%%2F%%2Fwww.example%%2F&ref=a/b",
	}
	n := int(at.UnixNano() / 1000)
	colour, bird, _ := strings.Cut(team(n), "-")
	query := fmt.Sprintf(queries[n%len(queries)], colour, bird, n%1000)
	method, rest, _ := strings.Cut(request, " ")
	target, version, _ := strings.Cut(rest, " ")
	path, _, _ := strings.Cut(target, "?")
	return combined(at, ip, method+" "+path+"?"+query+" "+version, status, bytes, agent)
}

// one returns the n-th address of as many as there are: each its own.
func one(n int) string { return fmt.Sprintf("2001:db8:%x:%x::%x", n>>16, n&0xffff, n%7+1) }

func alb(at time.Time, ip, request string, status, bytes int, agent string) string {
	if strings.Contains(ip, ":") {
		ip = "[" + ip + "]"
	}
	method, rest, _ := strings.Cut(request, " ")
	return fmt.Sprintf("https %s app/api/50dc6c495c0c9188 %s:2817 10.0.0.1:80 0.001 0.002 0.000 %d %d 34 %d \"%s https://api.example.com:443%s\" %q "+
		"ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/api/73e2d6bc24d8a067 "+
		"\"Root=1-58337262-36d228ad5d99923122bbe354\" \"api.example.com\" \"-\" 0 %s \"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"%d\" \"-\" \"-\"\n",
		at.Format("2006-01-02T15:04:05.000000Z"), ip, status, status, bytes, method, rest, agent, at.Format("2006-01-02T15:04:05.000000Z"), status)
}

func jsonLine(at time.Time, ip, request string, status, bytes int, agent string) string {
	method, rest, _ := strings.Cut(request, " ")
	target, _, _ := strings.Cut(rest, " ")
	return fmt.Sprintf("{\"time\":%q,\"remote_addr\":%q,\"method\":%q,\"path\":%q,\"status\":%d,\"bytes\":%d,\"user_agent\":%q}\n",
		at.Format(time.RFC3339Nano), ip, method, target, status, bytes, agent)
}

// ordinary returns a request that no detector should mind. n spreads the clients.
func (t *traffic) ordinary(clients int) string {
	n := t.rand.IntN(clients)
	r := t.rand
	request, status, bytes := "", 200, 200+r.IntN(4000)
	switch k := r.IntN(100); {
	case k < 30:
		request = fmt.Sprintf("GET /api/v1/projects/%d HTTP/1.1", 1000+n*37%9000)
	case k < 50:
		request = fmt.Sprintf("GET /api/v1/projects?page=%d&per_page=20 HTTP/1.1", 1+r.IntN(3))
	case k < 65:
		request = "GET /api/v1/me HTTP/1.1"
	case k < 75:
		request = fmt.Sprintf("POST /api/v1/projects/%d/comments HTTP/1.1", 1000+n*37%9000)
		status = 201
	case k < 90:
		request = fmt.Sprintf("GET /assets/app.%08x.js HTTP/1.1", n%5*0x1234567)
		status, bytes = 304, 0
	case k < 93:
		request = "GET /dashboard HTTP/1.1"
	case k < 96:
		request = "GET /teams/" + team(n) + "/board HTTP/1.1"
	case k < 98:
		request = "POST /api/v1/auth/login HTTP/1.1"
		if r.IntN(12) == 0 {
			status = 401
		}
	case k < 99:
		request, status, bytes = "GET /favicon.ico HTTP/1.1", 404, 153
	default:
		request, status, bytes = fmt.Sprintf("GET /blog/%d HTTP/1.1", r.IntN(500)), 404, 153
	}
	return t.form(t.now, t.ip(n), request, status, bytes, agents[n%len(agents)])
}

// write writes so many ordinary lines, on average perSecond of them in a second, with
// the attacks among them.
func (t *traffic) write(lines, clients int, perSecond float64) error {
	for range lines {
		t.now = t.now.Add(time.Duration(t.rand.ExpFloat64() / perSecond * float64(time.Second)))
		for len(t.wait) > 0 && t.wait[0].at.Before(t.now) {
			t.w.WriteString(t.wait[0].text)
			t.wait = t.wait[1:]
		}
		if _, err := t.w.WriteString(t.ordinary(clients)); err != nil {
			return err
		}
	}
	return t.w.Flush()
}

// attacks plans one of each kind, spread over the day that begins at start.
func (t *traffic) attacks(start time.Time) {
	add := func(at time.Time, ip, request string, status, bytes int, agent string) {
		t.wait = append(t.wait, line{at, t.form(at, ip, request, status, bytes, agent)})
	}
	// Guessing the password of a login, which in the end works.
	at := start.Add(2*time.Hour + 13*time.Minute)
	for i := range 48 {
		status := 401
		if i == 47 {
			status = 200
		}
		add(at.Add(time.Duration(i)*4*time.Second), "203.0.113.77", "POST /api/v1/auth/login HTTP/1.1", status, 81, "python-requests/2.32.3")
	}
	// Walking customers' invoices by number, most of which are served.
	at = start.Add(5*time.Hour + 40*time.Minute)
	for i := range 120 {
		status := 200
		if i%9 == 4 {
			status = 404
		}
		add(at.Add(time.Duration(i)*900*time.Millisecond), "203.0.113.9", fmt.Sprintf("GET /api/v1/invoices/%d HTTP/1.1", 48210+i), status, 1834, "Go-http-client/1.1")
	}
	// A word list against paths that are not there.
	at = start.Add(9*time.Hour + 2*time.Minute)
	for i, word := range []string{"admin", "backup", "config", "db", "debug", "dump", "env", "git", "internal", "jenkins", "keys", "login", "old", "phpinfo", "private", "secret", "server-status", "staging", "swagger", "test", "tmp", "upload", "users", "wp-admin"} {
		for k, prefix := range []string{"/", "/api/", "/api/v1/"} {
			add(at.Add(time.Duration(i*3+k)*700*time.Millisecond), "2001:db8:bad::1", "GET "+prefix+word+".bak HTTP/1.1", 404, 153, "gobuster/3.6")
		}
	}
	// Trying API keys, none of which is good.
	at = start.Add(11 * time.Hour)
	for i := range 40 {
		add(at.Add(time.Duration(i)*3*time.Second), "203.0.113.140", fmt.Sprintf("GET /api/v1/account?api_key=acme_live_%016x HTTP/1.1", uint64(i+1)*0x9e3779b97f4a7c15), 401, 42, "curl/8.5.0")
	}
	// A customer's job that does not back off.
	at = start.Add(12*time.Hour + 30*time.Minute)
	for i := range 60 {
		add(at.Add(time.Duration(i)*2*time.Second), "198.51.100.230", "POST /api/v1/events HTTP/1.1", 429, 64, "acme-sync/1.9 (+https://acme.example)")
	}
}

// writeLog writes a log of so many lines, with attacks among them.
func writeLog(path string, seed uint64, lines int, form form, ip func(int) string, clients int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	tr := newTraffic(f, seed, demoStart)
	tr.form, tr.ip = form, ip
	tr.attacks(demoStart)
	if err := tr.write(lines, clients, 90); err != nil {
		return err
	}
	return f.Close()
}

// TestTraffic writes the log that 'make traffic' is asked for.
func TestTraffic(t *testing.T) {
	if *trafficLog == "" {
		t.Skip("run 'make traffic'")
	}
	form, ip := forms[*trafficForm], client
	if form == nil {
		t.Fatalf("FORMAT=%s: want one of %s", *trafficForm, strings.Join(slices.Sorted(maps.Keys(forms)), ", "))
	}
	if *trafficClients < 1 {
		t.Fatalf("CLIENTS=%d: want one at least", *trafficClients)
	}
	if *trafficClients > sharedClients {
		ip = one
	}
	if err := writeLog(*trafficLog, *trafficSeed, *lines, form, ip, *trafficClients); err != nil {
		t.Fatal(err)
	}
}

// One seed makes one log, whatever its form, and another one another.
func TestTrafficIsSeeded(t *testing.T) {
	made := func(form form, seed uint64) string {
		path := filepath.Join(t.TempDir(), "some.log")
		if err := writeLog(path, seed, 1000, form, client, 20_000); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, form := range forms {
		if one := made(form, 1); one != made(form, 1) || one == made(form, 2) {
			t.Errorf("%s: the log does not follow from its seed", name)
		} else if n := strings.Count(one, "\n"); n != 1000 {
			t.Errorf("%s: %d lines of 1000", name, n)
		}
	}
}
