package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/notify"
)

// A tailing is a tail whose clock and turns are a test's.
type tailing struct {
	*tail
	t      *testing.T
	dir    string
	clock  time.Time
	args   []string
	poll   bool
	end    bool
	limits limits
	loose  bool // a turn may be under way when a look is over
	said   []string
	opened []detect.Alert
	again  int64 // in runs that were killed
}

func (g *tailing) note(text string) { g.said = append(g.said, text) }

// start begins, or begins again, as a new process would.
func (g *tailing) start() {
	g.t.Helper()
	f := &tailFlags{poll: g.poll}
	f.db, f.lateness, f.threads = filepath.Join(g.dir, "tail.duckdb"), time.Minute, 1
	f.intel = filepath.Join(g.dir, "intel")
	if err := os.MkdirAll(f.intel, 0o700); err != nil {
		g.t.Fatal(err)
	}
	how := source.FollowOptions{Now: func() time.Time { return g.clock }, Poll: g.poll, AtEnd: g.end, Grace: grace}
	var args []string
	for _, arg := range g.args {
		args = append(args, filepath.Join(g.dir, arg))
	}
	g.tail = newTail(f, g.limits, how, args)
	g.show = func(a detect.Alert, again bool) {
		if !again {
			g.opened = append(g.opened, a)
		}
	}
	g.check(g.prepare(&config{}))
	g.check(g.open(g.t.Context(), g))
}

func (g *tailing) check(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// kill ends the process without a word.
func (g *tailing) kill() {
	g.again += g.stats.Again
	g.close()
	g.geo.Close()
}

// after lets so much time pass and has a look.
func (g *tailing) after(d time.Duration) {
	g.t.Helper()
	g.clock = g.clock.Add(d)
	g.check(g.round(g))
	if !g.loose {
		g.wait(g)
	}
}

func (g *tailing) finish() {
	g.t.Helper()
	g.check(g.stop(g))
	g.kill()
}

// found is all that a database says was found, and how much it holds. What of it is
// provisional depends on when there was a checkpoint.
func found(t *testing.T, dir, db string) []byte {
	var all []byte
	for _, query := range []string{
		"select * exclude (evidence, provisional) from events order by id",
		"select * exclude (provisional) from alerts order by id",
		"select * exclude (provisional) from incidents order by id",
		"select ts, client_ip, method, path, route, status, late, line from requests order by all",
		"select reason, sample from rejects order by all",
		"select sum(lines), sum(parsed), sum(rejected), sum(skipped), sum(late) from sources",
	} {
		all = append(all, litesoc(t, dir, "sql", "--db", db, "--output", "csv", query)...)
	}
	return append(all, withoutRun(litesoc(t, dir, "report", "--db", db, "--output", "json"))...)
}

// provisional lists what a database says will be found anew by the next run.
func provisional(t *testing.T, dir, db string) []string {
	return strings.Fields(string(litesoc(t, dir, "sql", "--db", db, "--output", "csv", `select id from events where provisional
		union all select id from alerts where provisional union all select id from incidents where provisional order by id`)))[1:] // below the name of the column
}

// appendTo writes at the end of a file.
func appendTo(t *testing.T, path string, text []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// seeded returns a random sequence, one of many of a seed: SEED, else a new one each time.
func seeded(t *testing.T, sequence uint64) (seed uint64, rng *rand.Rand) {
	t.Helper()
	seed = uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		fmt.Sscan(s, &seed)
	}
	t.Logf("seed %d", seed)
	return seed, rand.New(rand.NewPCG(seed, sequence))
}

// A tail that is fed a log piece by piece, in two files of which one is written in bursts,
// while files are rotated and packed, the database is out of reach and the process is killed
// at random moments, finds what one scan of the whole finds.
func TestTailIsScan(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed, rng := seeded(t, 7)
	dir := t.TempDir()
	g := &tailing{t: t, dir: dir, clock: demoStart.Add(time.Second), args: []string{"logs/a.log", "logs/b.log*"}, poll: rng.IntN(2) == 0, loose: rng.IntN(4) > 0}
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	g.start()
	// Something goes on when the log ends.
	lines := bytes.SplitAfter(append(demoLog(t), guesses("203.0.113.77", demoStart.Add(24*time.Hour+20*time.Minute), 60)...), []byte("\n"))
	names := [2]string{filepath.Join(dir, "logs", "a.log"), filepath.Join(dir, "logs", "b.log")}
	var held [2][]byte // what a server keeps to itself
	bursts := [2]time.Duration{0, time.Duration(rng.IntN(8)) * time.Minute}
	var burst [2]time.Time
	rotations, kills, outages := 0, 0, 0
	db := filepath.Join(dir, "tail.duckdb")
	away := false // the database
	reach := func(it bool) {
		g.wait(g)
		if away == it {
			from, to := db, db+".away"
			if it {
				from, to = to, from
			}
			g.check(os.Rename(from, to))
			away = !it
		}
	}
	next := 0
	for next < len(lines) {
		n := min(1+rng.IntN(1200), len(lines)-next)
		for _, line := range lines[next : next+n] {
			if len(line) == 0 {
				continue
			}
			at, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(line[bytes.IndexByte(line, '[')+1:bytes.IndexByte(line, ']')]))
			if err != nil {
				t.Fatal(err)
			}
			if at.After(g.clock) {
				g.clock = at
			}
			i := int(line[len(line)/3]) % 2 // by what it says: the same line goes the same way
			held[i] = append(held[i], line...)
		}
		next += n
		for i := range held {
			if g.clock.Sub(burst[i]) < bursts[i] && next < len(lines) {
				continue
			}
			burst[i] = g.clock
			cut := len(held[i])
			if next < len(lines) && cut > 0 && rng.IntN(3) == 0 {
				cut = rng.IntN(cut) // within a line
			}
			appendTo(t, names[i], held[i][:cut])
			held[i] = held[i][cut:]
		}
		g.after(time.Duration(rng.IntN(3000)) * time.Millisecond)
		if rng.IntN(3) == 0 {
			g.after(3 * time.Second)
		}
		if rng.IntN(2) == 0 {
			reach(true)
		}
		switch rng.IntN(8) {
		case 0:
			reach(true)
			g.kill()
			g.start()
			kills++
		case 2:
			reach(false)
			outages++
		case 1:
			i := rng.IntN(2)
			rotations++
			old := fmt.Sprintf("%s.%d", names[i], rotations)
			if err := os.Rename(names[i], old); err != nil {
				break
			}
			if rng.IntN(2) == 0 {
				// What is there of a last line that was not written to its end stays there.
				if end := bytes.IndexByte(held[i], '\n'); end >= 0 {
					appendTo(t, old, held[i][:end+1])
					held[i] = held[i][end+1:]
				}
			} else if end := bytes.IndexByte(held[i], '\n'); end >= 0 {
				appendTo(t, old, held[i][:end+1])
				held[i] = held[i][end+1:]
				gzipFile(t, old)
			}
		}
	}
	reach(true)
	g.finish()
	t.Logf("%d kills, %d rotations, %d outages, %d times judged again, bursts of %s, said %q; last run %d turns %s", kills, rotations, outages, g.again, bursts[1], g.said, g.stats.Turns, g.stats.TurnTime)
	litesoc(t, dir, "scan", "--quiet", "--db", "scan.duckdb", "--output", "json=x.json", "--intel", "intel", "logs")
	got, want := found(t, dir, "tail.duckdb"), found(t, dir, "scan.duckdb")
	if !bytes.Equal(got, want) {
		t.Fatalf("seed %d: not what scan finds:\n%s", seed, firstDifference(got, want))
	}
	if !strings.Contains(string(got), "brute-force-ip") {
		t.Fatal("too little was found to compare")
	}
	// The checkpoint of a tail may be earlier than that of a scan, never later: what went on
	// after the one of scan went on after that of tail.
	early, last := provisional(t, dir, "tail.duckdb"), provisional(t, dir, "scan.duckdb")
	for _, id := range last {
		if !slices.Contains(early, id) {
			t.Errorf("seed %d: %s is provisional for scan alone", seed, id)
		}
	}
	// A scan of the same logs adds nothing.
	litesoc(t, dir, "scan", "--quiet", "--db", "tail.duckdb", "--output", "json=y.json", "--intel", "intel", "logs")
	if again := found(t, dir, "tail.duckdb"); !bytes.Equal(again, want) {
		t.Fatalf("seed %d: otherwise when it is scanned:\n%s", seed, firstDifference(again, want))
	}
	if len(last) == 0 {
		t.Error("nothing is provisional")
	}
	if now := provisional(t, dir, "tail.duckdb"); !slices.Equal(now, last) {
		t.Errorf("seed %d: provisional when it is scanned:\n%q\nwant\n%q", seed, now, last)
	}
	t.Logf("%d provisional for tail, %d for scan", len(early), len(last))
}

// Lines whose time is wrong hide nothing: a log in which lines leap ahead, in turns with
// others for a while, gives the same found whether it is scanned at once, in pieces, under
// another bound first, or followed by a process that is killed; and what the log without
// those lines gives.
func TestLeaps(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed, rng := seeded(t, 8)
	dir := t.TempDir()
	// A log of today, or an old one: then lines that leap do not lie ahead of the clock.
	old := time.Duration(rng.IntN(2)) * 10 * 365 * 24 * time.Hour
	g := &tailing{t: t, dir: dir, clock: demoStart.Add(time.Second), args: []string{"logs/a.log"}, poll: true}
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	leap := func(at time.Time) []byte {
		return []byte(combined(at.Add(40*time.Minute+time.Duration(rng.Int64N(int64(3*365*24*time.Hour)))), "203.0.113.66", "GET /leap HTTP/1.1", 404, 9, "curl") + "\n")
	}
	var lines, right [][]byte
	var clock []time.Time // after each of lines
	turns := 0
	for _, line := range bytes.SplitAfter(append(demoLog(t), guesses("203.0.113.77", demoStart.Add(48*time.Hour), 600)...), []byte("\n")) {
		if turns--; len(lines) > 0 && len(line) > 0 && (rng.IntN(400) == 0 || turns > 0 && rng.IntN(2) == 0) {
			lines, clock = append(lines, leap(lineTime(t, line))), append(clock, clock[len(clock)-1])
		}
		if rng.IntN(3000) == 0 {
			turns = 200
		}
		lines, right, clock = append(lines, line), append(right, line), append(clock, later(g.clock, lineTime(t, line)))
	}
	path, grown := filepath.Join(dir, "logs", "a.log"), filepath.Join(dir, "grown.log")
	lateness := "5m"
	g.start()
	for next := 0; next < len(lines); {
		n := min(1+rng.IntN(len(lines)/20), len(lines)-next)
		piece := bytes.Join(lines[next:next+n], nil)
		if next += n; next < len(lines) && rng.IntN(2) == 0 {
			piece = append(piece, lines[next][:len(lines[next])/2]...) // within a line
			lines[next] = lines[next][len(lines[next])/2:]
		}
		g.clock = later(g.clock, clock[next-1].Add(old))
		appendTo(t, path, piece)
		appendTo(t, grown, piece)
		g.after(time.Duration(rng.IntN(3000)) * time.Millisecond)
		if rng.IntN(3) == 0 {
			g.after(3 * time.Second)
		}
		if rng.IntN(4) == 0 {
			g.kill()
			g.start()
		}
		if rng.IntN(4) == 0 || next == len(lines) {
			litesoc(t, dir, "scan", "--quiet", "--db", "pieces.duckdb", "--lateness", lateness, "--output", "json=x.json", "--intel", "intel", "grown.log")
			lateness = []string{"1m", "1m", "5m"}[rng.IntN(3)]
		}
	}
	g.finish()
	for _, db := range []string{"whole.duckdb", "pieces.duckdb"} {
		litesoc(t, dir, "scan", "--quiet", "--db", db, "--threads", fmt.Sprint(1+rng.IntN(4)), "--output", "json=x.json", "--intel", "intel", "grown.log")
	}
	want := found(t, dir, "whole.duckdb")
	for _, db := range []string{"pieces.duckdb", "tail.duckdb"} {
		if got := found(t, dir, db); !bytes.Equal(got, want) {
			t.Errorf("seed %d: %s: not what one scan finds:\n%s", seed, db, firstDifference(got, want))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "right.log"), bytes.Join(right, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	litesoc(t, dir, "scan", "--quiet", "--db", "right.duckdb", "--output", "json=x.json", "--intel", "intel", "right.log")
	const alerts = "select alert_type, rule, actor_id, first_ts, last_ts, count from alerts order by all"
	got, without := litesoc(t, dir, "sql", "--db", "whole.duckdb", "--output", "csv", alerts), litesoc(t, dir, "sql", "--db", "right.duckdb", "--output", "csv", alerts)
	if !bytes.Equal(got, without) || bytes.Count(got, []byte("\n")) < 6 {
		t.Errorf("seed %d: not what is found without the wrong lines:\n%s", seed, firstDifference(got, without))
	}
	t.Logf("%t: %s; %d times judged again", old > 0, litesoc(t, dir, "sql", "--db", "whole.duckdb", "--output", "csv", "select late, path = '/leap', count(*) from requests group by all order by all"), g.again)
}

// lineTime is that of a line in nginx's format, or the zero time.
func lineTime(t *testing.T, line []byte) time.Time {
	t.Helper()
	from, to := bytes.IndexByte(line, '['), bytes.IndexByte(line, ']')
	if from < 0 || to < from {
		return time.Time{}
	}
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(line[from+1:to]))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func gzipFile(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	if err := errors.Join(os.WriteFile(path+".gz", b.Bytes(), 0o600), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
}

// A running is a litesoc tail in a process of its own.
type running struct {
	t       *testing.T
	cmd     *exec.Cmd
	out     *bufio.Scanner
	stderr  bytes.Buffer
	follows chan struct{} // closed once it says that it follows its logs
}

// Write takes what it says.
func (r *running) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("litesoc: following ")) {
		close(r.follows)
	}
	return r.stderr.Write(p)
}

func startTail(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	r := &running{t: t, follows: make(chan struct{}), cmd: exec.Command("litesoc", append([]string{"tail", "--db", "x.duckdb", "--output", "ndjson"}, args...)...)}
	r.cmd.Dir = dir
	r.cmd.Stderr = r
	out, err := r.cmd.StdoutPipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.cmd.Process.Kill() })
	r.out = bufio.NewScanner(out)
	r.out.Buffer(nil, 1<<20)
	return r
}

// until reads what it prints up to a line that has the text, and returns that.
func (r *running) until(text string) string {
	r.t.Helper()
	for r.out.Scan() {
		if strings.Contains(r.out.Text(), text) {
			return r.out.Text()
		}
	}
	r.t.Fatalf("it ended without %q: %v\n%s", text, r.cmd.Wait(), r.stderr.Bytes())
	return ""
}

// guesses are failed logins from an address, a second apart.
func guesses(ip string, from time.Time, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%s - - [%s] \"POST /login HTTP/1.1\" 401 12 \"-\" \"curl/8.5.0\"\n", ip, from.Add(time.Duration(i)*time.Second).Format("02/Jan/2006:15:04:05 -0700"))
	}
	return b.Bytes()
}

// A scan into the same database between two turns is seen: nothing is read twice.
func TestTailBesideScan(t *testing.T) {
	dir := t.TempDir()
	at := demoStart.Add(9 * time.Hour)
	log := filepath.Join(dir, "access.log")
	g := &tailing{t: t, dir: dir, clock: at, args: []string{"access.log"}, poll: true}
	g.start()
	appendTo(t, log, guesses("203.0.113.9", at, 3))
	g.after(3 * time.Second)
	g.after(3 * time.Second)
	appendTo(t, log, guesses("203.0.113.9", at.Add(3*time.Second), 1))
	g.clock = g.clock.Add(time.Second)
	g.follower.Find()
	b, err := g.follower.Next() // read, and not kept yet
	g.check(err)
	g.take(b)
	appendTo(t, log, guesses("203.0.113.9", at.Add(4*time.Second), 4))
	litesoc(t, dir, "scan", "--quiet", "--intel", "intel", "--db", "tail.duckdb", "--output", "json=x.json", "access.log")
	for range 3 {
		g.after(3 * time.Second)
	}
	appendTo(t, log, guesses("203.0.113.9", at.Add(8*time.Second), 4))
	g.after(3 * time.Second)
	g.finish()
	litesoc(t, dir, "scan", "--quiet", "--intel", "intel", "--db", "scan.duckdb", "--output", "json=x.json", "access.log")
	if got, want := found(t, dir, "tail.duckdb"), found(t, dir, "scan.duckdb"); !bytes.Equal(got, want) {
		t.Errorf("not what scan finds:\n%s", firstDifference(got, want))
	}
	if len(g.said) != 2 || !strings.HasSuffix(g.said[0], "no file is there yet") || !strings.Contains(g.said[1], "another run has written") {
		t.Errorf("said %q", g.said)
	}
}

// However far a scan has got before in other logs, what tail reads is judged in its place:
// of a log that lags behind them, and of one that nobody has read.
func TestTailAfterScan(t *testing.T) {
	dir := t.TempDir()
	at := demoStart.Add(9 * time.Hour)
	ahead, lags, unread := filepath.Join(dir, "ahead.log"), filepath.Join(dir, "lags.log"), filepath.Join(dir, "unread.log")
	if err := os.Mkdir(filepath.Join(dir, "intel"), 0o700); err != nil {
		t.Fatal(err)
	}
	appendTo(t, ahead, guesses("203.0.113.1", at.Add(2*time.Hour), 3))
	appendTo(t, lags, guesses("203.0.113.9", at, 3))
	litesoc(t, dir, "scan", "--quiet", "--intel", "intel", "--db", "tail.duckdb", "--output", "json=x.json", "ahead.log", "lags.log")
	appendTo(t, unread, guesses("203.0.113.17", at.Add(time.Hour), 6))
	appendTo(t, ahead, guesses("203.0.113.1", at.Add(2*time.Hour+10*time.Second), 3))

	g := &tailing{t: t, dir: dir, clock: at.Add(3 * time.Hour), args: []string{"ahead.log", "lags.log"}, poll: true}
	g.start()
	g.after(3 * time.Second)
	appendTo(t, lags, guesses("203.0.113.9", at.Add(10*time.Second), 3))
	g.after(3 * time.Second)
	g.kill()
	g.args = append(g.args, "unread.log")
	g.start()
	g.after(3 * time.Second)
	g.after(3 * time.Second)
	if g.stats.Again != 1 {
		t.Errorf("judged again %d times, want once", g.stats.Again)
	}
	g.finish()
	litesoc(t, dir, "scan", "--quiet", "--intel", "intel", "--db", "scan.duckdb", "--output", "json=x.json", "ahead.log", "lags.log", "unread.log")
	got, want := found(t, dir, "tail.duckdb"), found(t, dir, "scan.duckdb")
	if !bytes.Equal(got, want) {
		t.Errorf("not what scan finds:\n%s", firstDifference(got, want))
	}
	if n := bytes.Count(want, []byte(",brute-force-ip,")); n != 3 {
		t.Errorf("%d events of brute-force-ip, want 3", n)
	}
}

// SIGHUP reads the config anew: what was remembered counts under the new settings, and a
// config that cannot be read changes nothing.
func TestTailReload(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	at := demoStart
	log := filepath.Join(dir, "access.log")
	g := &tailing{t: t, dir: dir, clock: at, args: []string{"access.log"}, poll: true}
	g.start()
	defer func() { g.kill() }()
	c := tailCommand()
	first, err := newNotifier(c, &config{Notifications: []notify.Config{{Name: "first", Type: "stdout"}}})
	g.check(err)
	first.alone, g.post = new(sync.Mutex), first
	appendTo(t, log, guesses("203.0.113.9", at, 3))
	for range 3 {
		g.after(3 * time.Second)
	}
	reload := func(text string) error {
		g.check(os.WriteFile(configName, []byte(text), 0o600))
		return g.reload(c, g)
	}
	if err := reload("detectors: {brute-force-ip: {limit: many}}\n"); err == nil {
		t.Error("a broken config: no error")
	}
	for _, text := range []string{"lateness: -1m\n", "notifications: []\n", "notifications: [{type: slack, url: '${NOWHERE}'}]\n"} {
		if err := reload(text); err == nil || g.flags.lateness != time.Minute || !slices.Equal(g.post.known(), []string{"first"}) {
			t.Errorf("%q: error %v, lateness %s, channels %q", text, err, g.flags.lateness, g.post.known())
		}
	}
	g.check(reload("lateness: 5m\nnotifications: [{name: second, type: stdout}, {name: third, type: stdout}]\n"))
	if g.flags.lateness != 5*time.Minute || !slices.Equal(g.post.known(), []string{"second", "third"}) {
		t.Errorf("lateness %s, channels %q", g.flags.lateness, g.post.known())
	}
	// What the config does not say any more is as the flags say.
	g.check(reload("detectors: {brute-force-ip: {limit: 4}}\nnotifications: [{type: stdout}]\n"))
	if g.flags.lateness != time.Minute || !slices.Equal(g.post.known(), []string{"stdout"}) {
		t.Errorf("lateness %s, channels %q", g.flags.lateness, g.post.known())
	}
	appendTo(t, log, guesses("203.0.113.9", at.Add(20*time.Second), 1))
	for range 3 {
		g.after(3 * time.Second)
	}
	if len(g.opened) != 1 {
		t.Errorf("%d alerts for 4 failed logins, 3 of them before it was told that 4 are too many", len(g.opened))
	}
	g.check(g.stop(g))
	if n := string(litesoc(t, dir, "sql", "--db", "tail.duckdb", "--output", "csv", "select count(*), count(distinct line) from requests")); !strings.HasSuffix(n, "\n4,4\n") {
		t.Errorf("requests: %s", n)
	}
}

// What is too old goes while logs are followed; the detectors remember it all the same.
func TestTailKeep(t *testing.T) {
	dir := t.TempDir()
	at := demoStart
	log := filepath.Join(dir, "access.log")
	g := &tailing{t: t, dir: dir, clock: at, args: []string{"access.log"}, poll: true, limits: limits{keep: 2 * time.Hour}}
	g.start()
	for hour := range 5 {
		// One a half hour is no attack; ten on one account within an hour are none either.
		appendTo(t, log, guesses("203.0.113.9", at.Add(time.Duration(hour)*time.Hour), 2))
		for range 4 {
			g.after(15 * time.Minute)
		}
	}
	appendTo(t, log, guesses("203.0.113.9", g.clock, 6))
	g.after(5 * time.Second)
	g.after(5 * time.Second)
	if len(g.opened) != 1 {
		t.Errorf("%d alerts", len(g.opened))
	}
	if g.stats.Expired < 4 || g.stats.Expired > 8 {
		t.Errorf("%d requests were removed", g.stats.Expired)
	}
	g.kill()
	g.start()
	g.finish()
	if n := string(litesoc(t, dir, "sql", "--db", "tail.duckdb", "--output", "csv", "select count(*) < 12, (select count(*) from alerts), (select sum(lines) from sources) from requests")); !strings.HasSuffix(n, "\ntrue,1,16\n") {
		t.Errorf("kept: %s", n)
	}
}

// The database is held for a share of the time at most, but what is read does not wait for
// minutes because one turn took as long.
func TestTailRests(t *testing.T) {
	for _, c := range []struct{ took, rests time.Duration }{
		{10 * time.Millisecond, 2 * time.Second},
		{4 * time.Second, 12 * time.Second},
		{2 * time.Minute, 30 * time.Second},
	} {
		tl := &tail{now: func() time.Time { return demoStart }}
		tl.outcome(nil, nil, c.took)
		if got := tl.turnNext.Sub(demoStart); got != c.rests {
			t.Errorf("after a turn of %v it rests for %v, want %v", c.took, got, c.rests)
		}
	}
}

// In the folder of its own database, a tail and a scan beside it look at that as at no log.
func TestFolderOfItsDatabase(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, filepath.Join(dir, "a.log"), []byte("203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"-\"\n"))
	appendTo(t, filepath.Join(dir, "tail.duckdb.tail"), []byte("1234"))
	appendTo(t, filepath.Join(dir, "readme"), []byte("no log\n"))
	g := &tailing{t: t, dir: dir, args: []string{"."}, clock: time.Now()}
	g.start()
	g.after(time.Second)
	g.finish()
	said := strings.Join(g.said, "\n")
	if !strings.Contains(said, "readme: no known format") || strings.Contains(said, ".duckdb") {
		t.Errorf("tail says\n%s", said)
	}
	out := string(litesoc(t, dir, "scan", "--db", "tail.duckdb", "."))
	if !strings.Contains(out, "readme: no known format") || strings.Contains(out, "tail.duckdb.tail") {
		t.Errorf("scan says\n%s", out)
	}
}
