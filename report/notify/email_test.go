package notify

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/litesoc/litesoc/report"
)

// A mailServer speaks as much SMTP as a test needs.
type mailServer struct {
	tls      *tls.Config
	roots    *x509.CertPool
	address  string
	implicit bool
	auth     string            // mechanisms offered once TLS is there
	answers  map[string]string // command: what is answered instead of yes

	mu    sync.Mutex
	lines []string // what was said to it, mail aside
	mails []string
}

func serveMail(t *testing.T, s *mailServer) *mailServer {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	s.tls = &tls.Config{Certificates: web.TLS.Certificates}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(web.Certificate())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.address = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
		}
	}()
	return s
}

func (s *mailServer) serve(conn net.Conn) {
	defer conn.Close()
	secure := s.implicit
	if secure {
		conn = tls.Server(conn, s.tls)
	}
	r := bufio.NewReader(conn)
	say := func(text string) { io.WriteString(conn, text+"\r\n") }
	say("220 mail.example.com")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		if answer, ok := s.answers[verb]; ok {
			say(answer)
			continue
		}
		switch verb {
		case "EHLO":
			say("250-mail.example.com")
			if !secure && s.answers["EHLO-STARTTLS"] == "" {
				say("250-STARTTLS")
			}
			if s.auth != "" {
				say("250-AUTH " + s.auth)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			secure = true
			conn = tls.Server(conn, s.tls)
			r = bufio.NewReader(conn)
		case "AUTH":
			if line == "AUTH LOGIN" {
				for _, ask := range []string{"Username:", "Password:"} {
					say("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
					line, _ = r.ReadString('\n')
					s.lines = append(s.lines, strings.TrimSpace(line))
				}
			}
			say("235 welcome")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			s.mails = append(s.mails, b.String())
			s.mu.Unlock()
			say("250 it is mine")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *mailServer) channel(t *testing.T, mode, user string) *Channel {
	c := Config{
		Type: "email", Server: s.address, TLS: mode, AllowPrivate: true,
		From: "litesoc <litesoc@example.com>", To: []string{"Sam <sam@example.com>", "kim@example.com"},
	}
	if user != "" {
		c.User, c.Password = user, "${MAIL}"
	}
	ch := open(t, c, nil)
	ch.sender.(*email).door.roots = s.roots
	return ch
}

func TestEmail(t *testing.T) {
	for _, test := range []struct{ name, mode, user, auth, said string }{
		{"starttls and plain", tlsStart, "litesoc", "LOGIN PLAIN", "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00litesoc\x00the secret of MAIL"))},
		{"implicit and login", tlsImplicit, "litesoc", "LOGIN", base64.StdEncoding.EncodeToString([]byte("the secret of MAIL"))},
		{"none", tlsNone, "", "", "RCPT TO:<kim@example.com>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serveMail(t, &mailServer{implicit: test.mode == tlsImplicit, auth: test.auth})
			m := NewMessage(noon, hostile())
			if err := s.channel(t, test.mode, test.user).Send(context.Background(), &m); err != nil {
				t.Fatal(err)
			}
			if said := strings.Join(s.lines, "\n"); !strings.Contains(said, test.said) {
				t.Errorf("no %q in\n%s", test.said, said)
			}
			if len(s.mails) != 1 {
				t.Fatalf("%d mails", len(s.mails))
			}
			checkMail(t, s.mails[0], &m)
		})
	}
}

// checkMail reads a mail as its reader would: one header, two parts, nothing else.
func checkMail(t *testing.T, text string, m *Message) (parts []string) {
	t.Helper()
	read, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for name := range read.Header {
		names[name] = true
	}
	for _, name := range []string{"From", "To", "Subject", "Date", "Message-Id", "Auto-Submitted", "Litesoc-Id", "Mime-Version", "Content-Type"} {
		if len(read.Header[name]) != 1 {
			t.Errorf("%d headers %s", len(read.Header[name]), name)
		}
		delete(names, name)
	}
	if len(names) > 0 {
		t.Errorf("more headers: %v", names)
	}
	if to, err := read.Header.AddressList("To"); err != nil || len(to) != 2 {
		t.Errorf("to %v (%v)", to, err)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject")); err != nil || !strings.HasPrefix(subject, "[litesoc] ") || strings.ContainsAny(subject, "\r\n\x1b") {
		t.Errorf("subject %q (%v)", subject, err)
	}
	if id := read.Header.Get("Message-Id"); id != "<"+m.ID+"@example.com>" {
		t.Errorf("id %s", id)
	}
	_, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	body := multipart.NewReader(read.Body, params["boundary"])
	for {
		p, err := body.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, string(text))
	}
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	for _, part := range parts {
		if strings.ContainsAny(part, "\x1b\x00\u202e") || strings.Contains(part, "evil.example/a") && strings.Contains(part, "https://evil") {
			t.Errorf("what deceives stands in\n%s", part)
		}
	}
	if strings.Contains(parts[1], "<script") || strings.Contains(parts[1], "<at>") {
		t.Errorf("markup of the log stands in\n%s", parts[1])
	}
	return parts
}

// What looks like an encoded word in a log is no way past what makes text fit to be read.
func TestEmailEncodedWord(t *testing.T) {
	s := serveMail(t, &mailServer{})
	x := hostile()
	x.Alert.ActorID = "=?utf-8?q?=E2=80=AEgpj.exe?="
	m := NewMessage(noon, x)
	if err := s.channel(t, tlsStart, "").Send(context.Background(), &m); err != nil {
		t.Fatal(err)
	}
	read, err := mail.ReadMessage(strings.NewReader(s.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	if err != nil || !strings.HasSuffix(subject, " by = ?utf-8?q?=E2=80=AEgpj.exe?=") {
		t.Errorf("subject %q (%v)", subject, err)
	}
}

func TestEmailGolden(t *testing.T) {
	var b bytes.Buffer
	for _, m := range []Message{NewMessage(noon, hostile()), digestOf(12)} {
		text, err := (&email{from: &mail.Address{Address: "litesoc@example.com"}, to: []*mail.Address{{Address: "sam@example.com"}, {Address: "kim@example.com"}}}).compose(&m)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range checkMail(t, string(text), &m) {
			fmt.Fprintf(&b, "---- part %d\n%s\n", i+1, part)
		}
	}
	golden(t, "email.txt", b.Bytes())
}

func TestEmailRefused(t *testing.T) {
	for _, test := range []struct {
		name, mode, user string
		server           *mailServer
		permanent        bool
		says             string
	}{
		{"no such person", tlsStart, "", &mailServer{answers: map[string]string{"RCPT": "550 no such person"}}, true, "answered 550: no such person"},
		{"later", tlsStart, "", &mailServer{answers: map[string]string{"RCPT": "451 later"}}, false, "answered 451: later"},
		{"wrong password", tlsStart, "litesoc", &mailServer{auth: "PLAIN", answers: map[string]string{"AUTH": "535 the secret of MAIL is wrong"}}, true, "answered 535: *** is wrong"},
		{"no TLS", tlsStart, "litesoc", &mailServer{auth: "PLAIN", answers: map[string]string{"EHLO-STARTTLS": "none"}}, true, "the server does not offer STARTTLS"},
		{"no way to log in", tlsStart, "litesoc", &mailServer{auth: "GSSAPI"}, true, "the server offers neither AUTH PLAIN nor LOGIN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serveMail(t, test.server)
			m := NewMessage(noon, hostile())
			err := s.channel(t, test.mode, test.user).Send(context.Background(), &m)
			var send *SendError
			if !errors.As(err, &send) || send.Permanent != test.permanent || send.Error() != test.says {
				t.Errorf("error %v, permanent %v", err, send != nil && send.Permanent)
			}
			if len(s.mails) > 0 {
				t.Error("a mail was taken")
			}
		})
	}
	t.Run("a stranger's certificate", func(t *testing.T) {
		s := serveMail(t, &mailServer{auth: "PLAIN"})
		ch := s.channel(t, tlsStart, "litesoc")
		ch.sender.(*email).door.roots = x509.NewCertPool()
		m := NewMessage(noon, hostile())
		if err := ch.Send(context.Background(), &m); err == nil || strings.Contains(strings.Join(s.lines, "\n"), "AUTH") {
			t.Errorf("error %v after %q", err, s.lines)
		}
	})
	t.Run("inside", func(t *testing.T) {
		s := serveMail(t, &mailServer{})
		ch := s.channel(t, tlsStart, "")
		ch.sender.(*email).door.private = false
		m := NewMessage(noon, hostile())
		var send *SendError
		if err := ch.Send(context.Background(), &m); !errors.As(err, &send) || !send.Permanent || len(s.lines) > 0 {
			t.Errorf("error %v after %q", err, s.lines)
		}
	})
}

// Whatever a log writes, a mail has the headers that it is given and two parts, and no
// service is told to mention anybody.
func FuzzMessage(f *testing.F) {
	f.Add(evil, evil, evil)
	f.Add("a\r\nBcc: x@example.com", strings.Repeat("=\r\n.", 100), "--litesoc-ntf_0")
	f.Add("\xff\xfe", "\u2028\u202e", "<!channel>")
	f.Fuzz(func(t *testing.T, title, what, who string) {
		n := hostile()
		n.Alert.Title, n.Alert.Description, n.Alert.ActorID = title, what, who
		n.From = report.Address{IP: who, Org: what, ASN: 1}
		e := &email{from: &mail.Address{Address: "litesoc@example.com"}, to: []*mail.Address{{Address: "sam@example.com"}, {Address: "kim@example.com"}}}
		for _, m := range []Message{NewMessage(noon, n), NewMessage(noon, n, n)} {
			text, err := e.compose(&m)
			if err != nil {
				t.Fatal(err)
			}
			checkMail(t, string(text), &m)
			if s := slackMessage(&m); strings.ContainsAny(s.Text, "<>") || strings.ContainsAny(s.Text, "\r\n") {
				t.Errorf("Slack is told %q", s.Text)
			}
			for _, b := range slackMessage(&m).Blocks {
				if b.Text != nil && b.Text.Type != "plain_text" {
					t.Errorf("markup in %+v", b)
				}
			}
			for _, embed := range discordMessage(&m).Embeds {
				for _, text := range []string{embed.Title, embed.Description} {
					checkDiscord(t, text)
				}
			}
		}
	})
}

// checkDiscord finds markup that is not escaped.
func checkDiscord(t *testing.T, text string) {
	t.Helper()
	escape := false
	for _, r := range text {
		if escape {
			escape = false
			continue
		}
		if r == '\\' {
			escape = true
			continue
		}
		if strings.ContainsRune("*_~`|>#[]()<@", r) {
			t.Errorf("%q is markup in %q", r, text)
		}
	}
	if escape {
		t.Errorf("%q ends in the midst of an escape", text)
	}
}
