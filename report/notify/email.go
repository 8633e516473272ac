package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"
)

// An email sends mail through an SMTP server. A secret goes there only by TLS, and TLS
// that was asked for is never done without.
type email struct {
	door           *door
	server         string // host:port
	tls            string // tlsStart, tlsImplicit or tlsNone
	user, password string
	from           *mail.Address
	to             []*mail.Address
}

// How a mail server is spoken to.
const (
	tlsStart    = "starttls"
	tlsImplicit = "implicit" // TLS from the first byte, usual on port 465
	tlsNone     = "none"
)

func (e *email) send(ctx context.Context, m *Message) error {
	body, err := e.compose(m)
	if err != nil {
		return permanent("%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return smtpError(e.deliver(ctx, body))
}

// deliver hands the mail to the server. All recipients take it, or none does.
func (e *email) deliver(ctx context.Context, body []byte) error {
	host, _, err := net.SplitHostPort(e.server)
	if err != nil {
		return err
	}
	raw, err := e.door.dialer().DialContext(ctx, "tcp", e.server)
	if err != nil {
		return err
	}
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	conn := raw
	if e.tls == tlsImplicit {
		conn = tls.Client(raw, e.door.tls(host))
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if e.tls == tlsStart {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return permanent("the server does not offer STARTTLS")
		}
		if err := c.StartTLS(e.door.tls(host)); err != nil {
			return err
		}
	}
	if e.user != "" {
		if err := e.login(c, host); err != nil {
			return err
		}
	}
	if err := c.Mail(e.from.Address); err != nil {
		return err
	}
	for _, to := range e.to {
		if err := c.Rcpt(to.Address); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	c.Quit() // it has the mail
	return nil
}

func (e *email) login(c *smtp.Client, host string) error {
	ok, offered := c.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	has := func(name string) bool {
		for _, m := range mechanisms {
			if m == name {
				return true
			}
		}
		return false
	}
	switch {
	case ok && has("PLAIN"):
		return c.Auth(smtp.PlainAuth("", e.user, e.password, host))
	case ok && has("LOGIN"):
		return c.Auth(&loginAuth{e.user, e.password})
	}
	return permanent("the server offers neither AUTH PLAIN nor LOGIN")
}

// loginAuth is AUTH LOGIN, which some servers have instead of PLAIN.
type loginAuth struct{ user, password string }

func (a *loginAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, permanent("no password without TLS")
	}
	return "LOGIN", nil, nil
}

func (a *loginAuth) Next(asked []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	switch strings.ToLower(strings.TrimSuffix(strings.TrimSpace(string(asked)), ":")) {
	case "username", "user name":
		return []byte(a.user), nil
	case "password":
		return []byte(a.password), nil
	}
	return nil, permanent("AUTH LOGIN: the server asks for %q", asked)
}

// smtpError tells apart what a second try may mend: SMTP's own codes say so.
func smtpError(err error) error {
	var send *SendError
	if errors.As(err, &send) {
		return send
	}
	var code *textproto.Error
	if errors.As(err, &code) {
		return &SendError{Err: fmt.Errorf("answered %d: %s", code.Code, code.Msg), Permanent: code.Code >= 500}
	}
	return err
}

// compose writes the mail: as plain text, and the same as HTML. No line of a header is
// made of text from a log but the subject, which holds no line end by then.
func (e *email) compose(m *Message) ([]byte, error) {
	subject := m.heading()
	if len(m.Notices) == 1 {
		subject = titleOf(&m.Notices[0])
	}
	var to []string
	for _, a := range e.to {
		to = append(to, a.String())
	}
	_, domain, _ := strings.Cut(e.from.Address, "@")
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	// What tells the parts apart is made of the message, so that it is the same mail when
	// it comes again. Neither part can hold it: an id stands in no quoted-printable line
	// behind two hyphens.
	if err := parts.SetBoundary("litesoc-" + m.ID); err != nil {
		return nil, err
	}
	for _, h := range [][2]string{
		{"From", e.from.String()},
		{"To", strings.Join(to, ",\r\n ")},
		// What a log has that looks like an encoded word is not decoded by whoever reads it.
		{"Subject", mime.QEncoding.Encode("utf-8", "[litesoc] "+strings.ReplaceAll(subject, "=?", "= ?"))},
		{"Date", m.At.UTC().Format(time.RFC1123Z)},
		{"Message-ID", "<" + m.ID + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{headerID, m.ID},
		{"MIME-Version", "1.0"},
		{"Content-Type", `multipart/alternative; boundary="` + parts.Boundary() + `"`},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	var page bytes.Buffer
	if err := mailPage.Execute(&page, mailOf(m)); err != nil {
		return nil, err
	}
	for _, part := range []struct{ kind, text string }{{"text/plain", m.text()}, {"text/html", page.String()}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type":              {part.kind + "; charset=utf-8"},
			"Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(part.text)); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	if err := parts.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// A mailBody is what mailPage shows: one card, or a heading and a list.
type mailBody struct {
	Card    *card
	Heading string
	List    []mailLine
	More    string
}

type mailLine struct{ Title, What, ID string }

func mailOf(m *Message) mailBody {
	if len(m.Notices) == 1 {
		c := cardOf(&m.Notices[0])
		return mailBody{Card: &c}
	}
	body := mailBody{Heading: m.heading()}
	some, more := m.shown()
	for _, n := range some {
		body.List = append(body.List, mailLine{titleOf(n), lineOf(n), fit(n.Alert.ID, maxFact)})
	}
	if more > 0 {
		body.More = moreText(more)
	}
	return body
}

var mailPage = template.Must(template.New("mail").Parse(`<!doctype html>
<html><body style="font-family:sans-serif">
{{- with .Card}}
<h2>{{.Title}}</h2>
<p>{{.What}}</p>
<table>{{range .Facts}}<tr><th align="left">{{.Name}}</th><td>{{.Value}}</td></tr>
{{end}}</table>
{{- if .Steps}}
<h3>Next steps</h3>
<ol>{{range .Steps}}<li>{{.}}</li>
{{end}}</ol>
{{- end}}
{{- if .Resolve}}
<p>When it is dealt with: <code>{{.Resolve}}</code></p>
{{- end}}
{{- else}}
<h2>{{.Heading}}</h2>
{{- range .List}}
<p><b>{{.Title}}</b><br>{{.What}}<br><code>{{.ID}}</code></p>
{{- end}}
<p>{{.More}}</p>
{{- end}}
</body></html>
`))
