// Package notify tells people and machines of alerts: by webhook, chat, pager, mail or
// on stdout. It decides who is told of what, when, and how it reads there; it keeps
// nothing (report/store has the outbox) and asks no clock: whoever calls it says what
// time it is. Nothing is ever executed.
//
// A message may arrive twice, if litesoc is killed between sending it and noting that.
// It then bears the same ID, and what can be told by it is: PagerDuty by the alert, a
// mail by its Message-ID, a webhook by the header Litesoc-Id.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// A Change is what became of an alert.
type Change string

// The changes.
const (
	Opened       Change = "opened"
	Worsened     Change = "worsened" // its severity rose, or an attempt has succeeded
	Reopened     Change = "reopened" // it went on after it had been resolved or dismissed
	Acknowledged Change = "acknowledged"
	Resolved     Change = "resolved" // or dismissed
	Test         Change = "test"     // nothing has happened: does it arrive?
)

// Changes returns the changes of real alerts.
func Changes() []Change { return []Change{Opened, Worsened, Reopened, Acknowledged, Resolved} }

// A Notice is one change of one alert.
type Notice struct {
	ID     string // the same whenever it is sent
	Change Change
	Alert  report.Alert
	From   report.Address // the source address and what is known of it
	Steps  []string       // what to do
}

// NoticeID names a change of an alert on its way to a channel. detail tells it from
// other changes of the kind.
func NoticeID(channel, alert string, change Change, detail string) string {
	h := sha256.Sum256([]byte(strings.Join([]string{channel, alert, string(change), detail}, "\x00")))
	return "ntf_" + hex.EncodeToString(h[:8])
}

// A Message is what is sent at once: a notice, or a digest of several.
type Message struct {
	ID      string // the notice's, or made of all of theirs
	At      time.Time
	Held    bool // some were held over quiet hours
	Notices []Notice
}

// NewMessage returns the message that is made of the notices.
func NewMessage(at time.Time, notices ...Notice) Message {
	m := Message{At: at, Notices: notices}
	if len(notices) == 1 {
		m.ID = notices[0].ID
		return m
	}
	h := sha256.New()
	for _, n := range notices {
		h.Write([]byte(n.ID))
	}
	m.ID = "ntd_" + hex.EncodeToString(h.Sum(nil)[:8])
	return m
}

// TestMessage returns a message that says that it is a test.
func TestMessage(channel string, at time.Time) Message {
	a := report.Alert{Status: report.Open}
	a.ID, a.Type, a.Rule, a.Severity = "alt_0000000000000000", "suspicious_activity", "test", detect.Low
	a.Title, a.Description = "A test", "Somebody ran 'litesoc notify test'. If you can read this, alerts will find you."
	a.ActorID, a.ActorType, a.SourceIP = "nobody", "user", "192.0.2.1"
	a.First, a.Last, a.Outcome = at, at, detect.Attempted
	return NewMessage(at, Notice{
		ID:     NoticeID(channel, a.ID, Test, at.UTC().Format(time.RFC3339Nano)),
		Change: Test,
		Alert:  a,
		From:   report.Address{IP: a.SourceIP},
		Steps:  []string{"Nothing."},
	})
}

// A Channel is a way to somebody, with what they want to know and when.
type Channel struct {
	Name string // unique among those of a config
	Type string // "slack"

	severity     detect.Severity
	types, rules []string
	changes      []Change
	quiet        detect.Hours
	digest       time.Duration
	most         int      // notices that go into one message
	secrets      []string // what must not be seen in an error
	sender       sender
}

// A sender knows how a message is written for one service, and brings it there.
type sender interface {
	send(ctx context.Context, m *Message) error
}

// Wants tells whether the channel is to be told of such a change.
func (c *Channel) Wants(change Change, a *detect.Alert) bool {
	return slices.Contains(c.changes, change) && a.Severity >= c.severity &&
		(len(c.types) == 0 || slices.Contains(c.types, a.Type)) &&
		(len(c.rules) == 0 || slices.Contains(c.rules, a.Rule))
}

// A SendError says why a message did not arrive.
type SendError struct {
	Err error
	// Permanent says that it will not arrive when it is sent again as it is.
	Permanent bool
	// After is how long the other side wants to be left alone; 0 if it does not say.
	After time.Duration
}

func (e *SendError) Error() string { return e.Err.Error() }

func (e *SendError) Unwrap() error { return e.Err }

// Send sends the message now. It returns nil or a *SendError.
func (c *Channel) Send(ctx context.Context, m *Message) error {
	err := c.sender.send(ctx, m)
	if err == nil {
		return nil
	}
	out := &SendError{Err: err}
	if e, ok := err.(*SendError); ok {
		*out = *e
	}
	text := out.Err.Error()
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	out.Err = errorText(report.ShowShort(text, maxError))
	return out
}

// maxError bounds the text of an error, of which the other side writes a part.
const maxError = 400

type errorText string

func (e errorText) Error() string { return string(e) }
