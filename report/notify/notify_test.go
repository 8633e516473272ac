package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

var update = flag.Bool("update", false, "write golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// evil is text that means something to each of the services, to terminals and to mail.
const evil = "<!channel> <@U1|boss> @everyone @here <at>all</at> [click](https://evil.example/a) *b* _c_ `d` ~e~ ||f|| > # - :bomb: " +
	"<script>alert(1)</script> &amp; {{.}} http://evil.example/\r\nBcc: victim@example.com\r\n\r\n.\r\n\x1b]0;x\x07\u202egnp.exe\x00\xff"

// hostile is a notice of which everything that a log can write is evil.
func hostile() Notice {
	a := report.Alert{Status: report.Open, IncidentID: "inc_0123456789abcdef"}
	a.ID, a.Type, a.Rule, a.Severity = "alt_0123456789abcdef", "brute_force_attack", "brute-force", detect.High
	a.Title, a.Description = "Brute force at a login", "user "+evil+" failed to log in 47 times"
	a.ActorID, a.ActorType, a.SourceIP = evil, "user", "203.0.113.9"
	a.First, a.Last, a.Count, a.Outcome = noon.Add(-time.Hour), noon.Add(-time.Minute), 47, detect.Succeeded
	a.Metadata = json.RawMessage(`{"accounts":1}`)
	a.CreatedAt, a.UpdatedAt = a.First, a.Last
	a.Events = []string{"evt_0123456789abcdef"}
	return Notice{
		ID: NoticeID("ops", a.ID, Opened, ""), Change: Opened, Alert: a, Steps: a.NextSteps(),
		From: report.Address{IP: a.SourceIP, Country: "DE", ASN: 64500, Org: "Example " + evil, Traits: []string{"Tor"}},
	}
}

func digestOf(n int) Message {
	var list []Notice
	for i := range n {
		x := hostile()
		x.Alert.ID = fmt.Sprintf("alt_%016x", i)
		x.ID = NoticeID("ops", x.Alert.ID, Opened, "")
		x.Alert.Severity = detect.Severity(i % 5)
		list = append(list, x)
	}
	m := NewMessage(noon, list...)
	m.Held = true
	return m
}

// received is what a server was sent.
type received struct {
	header http.Header
	body   []byte
}

// server returns a server that answers as told, and what it was sent.
func server(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *[]received) {
	t.Helper()
	var got []received
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, received{r.Header, body})
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, &got
}

func ok(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }

// open returns the channel that the config describes.
func open(t *testing.T, c Config, stdout io.Writer) *Channel {
	t.Helper()
	configs := []Config{c}
	if err := Check(configs); err != nil {
		t.Fatal(err)
	}
	channels, err := New(configs, &Environment{
		Getenv:   func(name string) (string, bool) { return "the secret of " + name, true },
		ReadFile: os.ReadFile,
		Stdout:   stdout,
	})
	if err != nil {
		t.Fatal(err)
	}
	return channels[0]
}

// What each service is sent of a hostile log, of a resolved alert and of a digest is
// what is known to be harmless there.
func TestMessages(t *testing.T) {
	resolved := hostile()
	resolved.Change, resolved.Alert.Status, resolved.Alert.ResolutionType = Resolved, report.Resolved, "blocked_ip"
	messages := []Message{NewMessage(noon, hostile()), NewMessage(noon, resolved), digestOf(12)}
	for _, kind := range []string{"webhook", "slack", "discord", "teams", "pagerduty", "stdout"} {
		t.Run(kind, func(t *testing.T) {
			s, got := server(t, ok)
			var stdout bytes.Buffer
			c := Config{Type: kind, URL: s.URL + "/hook", AllowPrivate: true}
			switch kind {
			case "webhook":
				c.Secret = "${HOOK}"
			case "pagerduty":
				c.RoutingKey = "${PD}"
			case "stdout":
				c.URL, c.AllowPrivate = "", false
			}
			ch := open(t, c, &stdout)
			for _, m := range messages {
				if kind == "pagerduty" && len(m.Notices) > 1 {
					continue // Plan makes none
				}
				if err := ch.Send(context.Background(), &m); err != nil {
					t.Fatal(err)
				}
			}
			var text bytes.Buffer
			for _, r := range *got {
				for _, name := range []string{"Content-Type", "User-Agent", headerID, headerSignature} {
					if v := r.header.Get(name); v != "" {
						fmt.Fprintf(&text, "%s: %s\n", name, v)
					}
				}
				if err := json.Indent(&text, r.body, "", "  "); err != nil {
					t.Fatal(err)
				}
				text.WriteString("\n")
			}
			text.Write(stdout.Bytes())
			golden(t, kind+".txt", text.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("../../testdata/notify", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; it is now:\n%s", path, got)
	}
}

// However much a log writes, a message stays within what the services take.
func TestBounds(t *testing.T) {
	n := hostile()
	n.Alert.Description = strings.Repeat("<*]\u202e", 100_000)
	n.Alert.ActorID = strings.Repeat("*", 100_000)
	n.From.Org = strings.Repeat("\xff", 100_000)
	var many []Notice
	for range 1000 {
		many = append(many, n)
	}
	for _, m := range []Message{NewMessage(noon, n), NewMessage(noon, many...)} {
		p := discordMessage(&m)
		sum := utf8.RuneCountInString(p.Content)
		for _, e := range p.Embeds {
			if utf8.RuneCountInString(e.Title) > 256 || utf8.RuneCountInString(e.Description) > 4096 {
				t.Error("an embed is too long for Discord")
			}
			sum += utf8.RuneCountInString(e.Title) + utf8.RuneCountInString(e.Description)
			for _, f := range e.Fields {
				if f.Value == "" || utf8.RuneCountInString(f.Value) > 1024 {
					t.Errorf("field %s: %d characters", f.Name, utf8.RuneCountInString(f.Value))
				}
				sum += utf8.RuneCountInString(f.Name) + utf8.RuneCountInString(f.Value)
			}
		}
		if sum > 6000 || len(p.Embeds) > 10 || utf8.RuneCountInString(p.Content) > 2000 {
			t.Errorf("%d characters in %d embeds are too much for Discord", sum, len(p.Embeds))
		}
		s := slackMessage(&m)
		if len(s.Blocks) > 50 {
			t.Errorf("%d blocks are too many for Slack", len(s.Blocks))
		}
		for _, b := range s.Blocks {
			most := 3000
			if b.Type == "header" {
				most = 150
			}
			if b.Text != nil && utf8.RuneCountInString(b.Text.Text) > most {
				t.Errorf("a %s of %d characters is too long for Slack", b.Type, utf8.RuneCountInString(b.Text.Text))
			}
			for _, f := range b.Fields {
				if utf8.RuneCountInString(f.Text) > 2000 {
					t.Error("a field is too long for Slack")
				}
			}
			if len(b.Fields) > 10 {
				t.Errorf("%d fields are too many for Slack", len(b.Fields))
			}
		}
		body, err := json.Marshal(teamsMessage(&m))
		if err != nil || len(body) > 28<<10 {
			t.Errorf("%d bytes are too much for Teams (%v)", len(body), err)
		}
		if text := m.text(); len(text) > 64<<10 {
			t.Errorf("a mail of %d bytes", len(text))
		}
	}
	m := NewMessage(noon, n)
	if body, err := json.Marshal(documentOf(&m)); err != nil || len(body) > 64<<10 {
		t.Errorf("%d bytes are too much for a webhook (%v)", len(body), err)
	}
	e := (&pagerDuty{}).event(&n)
	body, err := json.Marshal(e)
	if err != nil || len(e.Payload.Summary) > 1024 || len(body) > 64<<10 {
		t.Errorf("%d bytes of summary and %d in all (%v) are too much for PagerDuty", len(e.Payload.Summary), len(body), err)
	}
}

// What a service answers may quote the path of its URL, which is the secret, however the
// config has it.
func TestSecretPath(t *testing.T) {
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "Cannot POST "+r.RequestURI, 404) })
	for _, address := range []string{s.URL + "/services/T0/B%2F0?token=abc", "file:url"} {
		ch, err := New([]Config{{Type: "slack", URL: address, AllowPrivate: true}}, &Environment{
			ReadFile: func(string) ([]byte, error) { return []byte(s.URL + "/services/T0/B%2F0?token=abc"), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		m := NewMessage(noon, hostile())
		if err := ch[0].Send(context.Background(), &m); err == nil || err.Error() != "answered 404 Not Found: Cannot POST ***" {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A webhook is verified as its documentation says.
func TestSignature(t *testing.T) {
	s, got := server(t, ok)
	ch := open(t, Config{Type: "webhook", URL: s.URL, Secret: "${HOOK}", AllowPrivate: true}, nil)
	m := NewMessage(noon, hostile())
	for range 2 {
		if err := ch.Send(context.Background(), &m); err != nil {
			t.Fatal(err)
		}
	}
	r := (*got)[0]
	part := regexp.MustCompile(`^t=(\d+),v1=([0-9a-f]{64})$`).FindStringSubmatch(r.header.Get("Litesoc-Signature"))
	if part == nil {
		t.Fatalf("signature %q", r.header.Get("Litesoc-Signature"))
	}
	if part[1] != fmt.Sprint(noon.Unix()) {
		t.Errorf("time %s", part[1])
	}
	// printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret"
	if want := signature("the secret of HOOK", noon, r.body); want != part[0] {
		t.Errorf("signature %s, want %s", part[0], want)
	}
	if a, b := r.header.Get("Litesoc-Id"), (*got)[1].header.Get("Litesoc-Id"); a == "" || a != b {
		t.Errorf("ids %q and %q of one message", a, b)
	}
}

// The signature of RFC 2104 by another program: openssl 3.
func TestSignatureIsHMAC(t *testing.T) {
	got := signature("s3cret", time.Unix(1700000000, 0), []byte(`{"a":1}`))
	if want := "t=1700000000,v1=" + "1698a50bc74d1ff1db85c4e0a5297c2ad9fdba245d5737cdb789e4cc6e098940"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAnswers(t *testing.T) {
	date := noon.Add(90 * time.Second).Format(http.TimeFormat)
	for _, test := range []struct {
		name      string
		answer    http.HandlerFunc
		permanent bool
		after     time.Duration
		says      string
	}{
		{"bad request", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "invalid_payload\x1b[31m", 400) }, true, 0, `answered 400 Bad Request: invalid_payload\x1b[31m`},
		{"gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, true, 0, "answered 410 Gone"},
		{"too many", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "30"); w.WriteHeader(429) }, false, 30 * time.Second, "answered 429 Too Many Requests"},
		{"too many, a date", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", date); w.WriteHeader(429) }, false, 90 * time.Second, "answered 429 Too Many Requests"},
		{"too many, for ever", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1e300")
			w.WriteHeader(503)
		}, false, maxAfter, "answered 503 Service Unavailable"},
		{"broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, false, 0, "answered 500 Internal Server Error"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		}, true, 0, "answered 307 Temporary Redirect: redirects are not followed"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, 0, "EOF"},
		{"echo", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no service the secret of URL", 404) }, true, 0, "answered 404 Not Found: no service ***"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, got := server(t, test.answer)
			ch := open(t, Config{Type: "slack", URL: s.URL + "/T0/B0", AllowPrivate: true}, nil)
			ch.secrets = []string{"the secret of URL"}
			m := NewMessage(noon, hostile())
			err := ch.Send(context.Background(), &m)
			var send *SendError
			if !errors.As(err, &send) {
				t.Fatalf("error %v", err)
			}
			if send.Permanent != test.permanent || send.After != test.after || send.Error() != test.says {
				t.Errorf("permanent %v, after %v: %s", send.Permanent, send.After, send)
			}
			s.Close() // waits for who hangs up
			if len(*got) != 1 {
				t.Errorf("%d requests", len(*got))
			}
		})
	}
}

// What does not answer tells no URL.
func TestNoAnswer(t *testing.T) {
	s := httptest.NewServer(nil)
	address := s.URL
	s.Close()
	ch := open(t, Config{Type: "slack", URL: address + "/T0/B0/token", AllowPrivate: true}, nil)
	m := NewMessage(noon, hostile())
	err := ch.Send(context.Background(), &m)
	if err == nil || strings.Contains(err.Error(), "token") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
}
