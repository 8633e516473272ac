package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
)

// hostileTexts are what attackers log, or might, to be obeyed by a terminal, a reader's eye
// or a spreadsheet.
var hostileTexts = []string{
	"=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1",
	"\x1b[2J\x1b]0;pwned\a", "\u009b31m", "\u202egpj.exe\u2066", "a\nb\x00c\x7f", "\u2028x\u200b\u200f", "<script>alert(1)</script>", "]]>",
}

// hostileLog is a log of JSON lines in which every text is hostile and whose requests are
// attacks, so that what is found is made of them.
func hostileLog(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	enc := json.NewEncoder(f)
	at := demoStart
	line := func(text, path string, status, n int) {
		at = at.Add(time.Second)
		err := enc.Encode(map[string]any{
			"time": at.Format(time.RFC3339), "remote_addr": fmt.Sprintf("203.0.113.%d", n), "method": "POST", "path": path, "status": status,
			"user": text, "user_agent": text, "referer": text, "request_id": text, "host": text, "tenant": text, "query": text,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n, text := range hostileTexts {
		for range 20 {
			line(text, "/api/login", 401, n)
		}
		for i := range 35 {
			line(text, fmt.Sprintf("/%s/%d", text, i), 404, n)
		}
		line(text, "/"+text, 200, n)
	}
}

const hostileRule = `rules:
  - name: hostile
    title: "=1+1 \e[2J\u202e \e]0;pwned\a \u2028"
    event: "auth.*"
    threshold: 3
    window: 10m
    severity: low
    type: brute_force_attack
    group_by: actor_id
`

// Nothing that a log or a rule says is obeyed: by a terminal, whichever table it is in, nor
// by a spreadsheet.
func TestHostileTables(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	hostileLog(t, filepath.Join(dir, "a.log"))
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(hostileRule), 0o600); err != nil {
		t.Fatal(err)
	}
	litesoc(t, dir, "scan", "--quiet", "a.log")
	for _, test := range []struct {
		args []string
		rows int // at least
	}{
		{[]string{"sql", "select * from requests"}, 700},
		{[]string{"sql", "select * from events"}, len(hostileTexts)},
		{[]string{"sql", "select * from logs('a.log')"}, 700},
		{[]string{"sql", "pivot requests on user_agent using count(*)"}, 1},
		{[]string{"sql", "--example", "who"}, len(hostileTexts)},
		{[]string{"events"}, len(hostileTexts)},
		{[]string{"alerts", "list"}, len(hostileTexts)},
		{[]string{"incidents", "list"}, 1},
		{[]string{"routes", "--all"}, len(hostileTexts)},
		{[]string{"rules", "list", "--rules", "rules.yaml"}, 2},
		{[]string{"rules", "replay", "hostile", "--rules", "rules.yaml"}, 2},
		{[]string{"audit", "export"}, 0},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			out := string(litesoc(t, dir, append(test.args, "--output", "table")...))
			if strings.Count(out, "\n") < test.rows {
				t.Errorf("%d lines, want %d at least", strings.Count(out, "\n"), test.rows)
			}
			obeyed(t, out)
			out = string(litesoc(t, dir, append(test.args, "--output", "csv")...))
			obeyed(t, out)
			records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range records {
				for _, cell := range record {
					if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && strings.Trim(cell, "-0123456789.e+") != "" {
						t.Errorf("a spreadsheet runs %q", cell)
					}
				}
			}
			obeyed(t, string(litesoc(t, dir, append(test.args, "--output", "json")...)))
		})
	}
	for _, args := range [][]string{
		{"alerts", "show", "alt_", "--output", "json"}, {"explain", "alt_", "--output", "json"}, {"explain", "inc_", "--output", "json"},
		{"incidents", "show", "inc_", "--output", "json"}, {"incidents", "show", "inc_", "--output", "ticket"}, {"baseline", "export"},
		{"tail", "--db", "tail.duckdb", "--quiet", "--from", "start", "--output", "ndjson", "-"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			log, err := os.Open(filepath.Join(dir, "a.log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			for i, arg := range args {
				for prefix, list := range map[string]string{"alt_": "select id from alerts order by 1", "inc_": "select id from incidents order by 1"} {
					if arg == prefix {
						args[i] = strings.Fields(string(litesoc(t, dir, "sql", "--output", "csv", list)))[1]
					}
				}
			}
			cmd := exec.Command("litesoc", args...)
			cmd.Dir, cmd.Stdin = dir, log
			out, err := cmd.Output()
			if err != nil || len(out) < 1000 {
				t.Fatalf("%v, and %q", err, out)
			}
			obeyed(t, string(out))
		})
	}
}

// obeyed fails if the text has a character that a terminal obeys or does not show.
func obeyed(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		for _, r := range line {
			if !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q is obeyed in %q", r, line)
			}
		}
	}
}

// hostileParts are what attacks are made of, and what the code looks for in a request.
var hostileParts = strings.Split("token=|token:|password|\"password\":\"|\\|\\\\|%5C|%255C|%22|%2522|%27|'|\"|[|]|%5B|%5D|{|}|(|)|<|>|%3C|%3E|</|/>|<!--|-->|"+
	"<![CDATA[|&amp;|&|=|%3D|%26|;|:|//|/|%2F|%252f|..|../|..;/|%2e%2e%2f|%c0%af|.|?|#|@|http://|gopher://|file:///|[::1]|[::ffff:7f00:1]|127.1|"+
	"0x7f000001|2130706433|017700000001|169.254.169.254|localhost|.nip.io|{{|}}|{{7*7}}|${|${jndi:|${lower:j}|${::-j}|#{|<%=|*{|$(|`|;id|&&|"+
	"$IFS|union|select|/**/|--|%00|%0a|+|%20|1=1|' or '|sleep(5)|information_schema|0x|concat(|alert(|onerror=|<script|javascript:|eyJ|"+
	"eyJhbGciOiJIUzI1NiJ9.|Bearer |Basic |sk_live_|AKIA|-----BEGIN|PRIVATE KEY-----|query{|{user(id:1){name}}|mutation|__schema|variables={|"+
	"\"id\":|a:|{\"jsonrpc\":\"2.0\",\"method\":\"|\",\"params\":[|[{|},{|$filter=| eq |ids[]=|ids=|id=|1,2,3,|1|0|42|-1|99999999999999999999|"+
	"5f2b1c9e8d7a6b5c4d3e2f1a|550e8400-e29b-41d4-a716-446655440000|users|/users/|/api/v1/|/login|/reset/|admin|.env|page=|offset=|limit=|cursor=|"+
	"since=|2026-03-01|T10:00:00Z|é|%C3%A9|\xff|%FF|%u0041|\u202e|a@b.com|%40|user=|email=|role=admin|tenant=|T5000|~|*|!|$|^|,|%|%zz|x|A|_|-|"+
	"\t|export|per_page=1000|url=|webhook=|sha256:|.json|;jsessionid=|=>|->|::|<<", "|")

// hostileText puts parts together: one after the other, or one or two of them again and again.
func hostileText(rng *rand.Rand) string {
	part := func() string { return hostileParts[rng.IntN(len(hostileParts))] }
	n := []int{1, 3, 8, 30, 200}[rng.IntN(5)]
	switch rng.IntN(4) {
	case 0:
		return strings.Repeat(part()+part(), n)
	case 1:
		return strings.Repeat(part(), n) + strings.Repeat(part(), n)
	}
	var b strings.Builder
	for range n {
		b.WriteString(part())
	}
	return b.String()
}

// Nothing that a client sends ends a scan, or is told otherwise when it comes in two parts.
func TestHostileRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	inRequest := strings.NewReplacer(" ", "+", "\"", "%22", "\t", "")
	inHeader := strings.NewReplacer("\"", "%22", "\t", "")
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 12))
		var log []byte
		const lines = 1000
		half := 0
		for i := range lines {
			at := demoStart.Add(time.Duration(i) * 200 * time.Millisecond)
			ip, status := fmt.Sprintf("203.0.113.%d", rng.IntN(20)), []int{200, 200, 401, 403, 404, 500}[rng.IntN(6)]
			target := []string{
				"/api/v1/users/42?", "/graphql?", "/" + inRequest.Replace(hostileText(rng)) + "?", "/login?user=%C0%AF&", "/api/v1/users/me?role=admin%FF&",
			}[rng.IntN(5)] + inRequest.Replace(hostileText(rng))
			agent, referer := hostileText(rng), hostileText(rng)
			if seed%2 == 0 {
				log = fmt.Appendf(log, "%s - - [%s] \"GET %s HTTP/1.1\" %d 512 \"%s\" \"%s\"\n", ip, at.Format("02/Jan/2006:15:04:05 -0700"), target, status,
					inHeader.Replace(referer), inHeader.Replace(agent))
			} else {
				line, err := json.Marshal(map[string]any{"time": at, "remote_addr": ip, "method": "POST", "uri": target, "status": status, "user_agent": agent,
					"referer": referer, "body": hostileText(rng), "authorization": hostileText(rng), "cookie": hostileText(rng)})
				if err != nil {
					t.Fatal(err)
				}
				log = append(append(log, line...), '\n')
			}
			if i == lines/2 {
				half = len(log)
			}
		}
		dir := t.TempDir()
		want := withoutRun(litesoc(t, dir, "scan", "--db", ":memory:", "--threads", "1", "--output", "json", put(t, dir, "access.log", log)))
		put(t, dir, "access.log", log[:half])
		litesoc(t, dir, "scan", "access.log")
		put(t, dir, "access.log", log)
		if got := withoutRun(litesoc(t, dir, "scan", "--output", "json", "access.log")); !bytes.Equal(got, want) {
			t.Errorf("seed %d: another report in two parts, at %s", seed, firstDifference(got, want))
		}
		if got := litesoc(t, dir, "sql", "--output", "csv", "select count(*) as lines from requests"); string(got) != "lines\n1000\n" {
			t.Errorf("seed %d: kept %q", seed, got)
		}
	}
}
