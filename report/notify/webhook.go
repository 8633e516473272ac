package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/litesoc/litesoc/report"
)

// A webhook posts JSON to a service of one's own. With a secret it is signed:
//
//	Litesoc-Signature: t=1772359200,v1=5257a8…
//
// v1 is the HMAC-SHA256, in hex, of the time in seconds, a dot and the body as it is.
// Whoever gets it computes the same, compares in constant time, and refuses what is
// older than five minutes. Litesoc-Id is the same when a message comes a second time.
type webhook struct {
	hook   *hook
	secret string // "" to sign nothing
}

// Headers of a webhook.
const (
	headerID        = "Litesoc-Id"
	headerSignature = "Litesoc-Signature"
)

func (w *webhook) send(ctx context.Context, m *Message) error {
	body, err := report.EncodeJSON(documentOf(m))
	if err != nil {
		return permanent("%w", err)
	}
	header := map[string]string{headerID: m.ID}
	if w.secret != "" {
		header[headerSignature] = signature(w.secret, m.At, body)
	}
	return w.hook.post(ctx, m.At, body, header)
}

// signature signs a body as of a time.
func signature(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

// A document is a message for machines. Text in it is as it was logged.
type document struct {
	Schema string    `json:"schema"`
	ID     string    `json:"id"`
	At     time.Time `json:"sent_at"`
	Held   bool      `json:"held_over_quiet_hours"`
	Alerts []change  `json:"alerts"`
}

type change struct {
	ID        string         `json:"id"`
	Change    Change         `json:"change"`
	Title     string         `json:"title"` // for people, fit to be shown
	Alert     report.Alert   `json:"alert"`
	From      report.Address `json:"from"`
	NextSteps []string       `json:"next_steps"`
	Resolve   string         `json:"resolve,omitempty"`
}

// messageSchema names the shape of a document.
const messageSchema = "litesoc.notification/1"

func documentOf(m *Message) document {
	d := document{Schema: messageSchema, ID: m.ID, At: m.At.UTC(), Held: m.Held}
	for i := range m.Notices {
		d.Alerts = append(d.Alerts, changeOf(&m.Notices[i]))
	}
	return d
}

// maxText bounds what a log has written of one alert.
const maxText = 4000

func changeOf(n *Notice) change {
	a := n.Alert
	a.ActorID, a.Description = clip(a.ActorID, maxText), clip(a.Description, maxText)
	from := n.From
	from.Org = clip(from.Org, maxFact)
	return change{n.ID, n.Change, titleOf(n), a, from, n.Steps, cardOf(n).Resolve}
}

// A stream writes one line of JSON for each notice, for whatever reads it.
type stream struct{ w io.Writer }

func (s *stream) send(_ context.Context, m *Message) error {
	for i := range m.Notices {
		line, err := report.EncodeJSON(struct {
			Schema string    `json:"schema"`
			At     time.Time `json:"sent_at"`
			change
		}{messageSchema, m.At.UTC(), changeOf(&m.Notices[i])})
		if err != nil {
			return permanent("%w", err)
		}
		if _, err := s.w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
