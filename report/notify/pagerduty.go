package notify

import (
	"context"
	"encoding/json"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// PagerDuty sends events (Events API v2). The alert is the dedup_key: its events all go
// to one incident there, and a second of the same changes nothing.
type pagerDuty struct {
	hook *hook
	key  string
}

// pagerDutyURL is where events go; 'url' names another, such as that of the EU region.
const pagerDutyURL = "https://events.pagerduty.com/v2/enqueue"

type pagerEvent struct {
	RoutingKey  string        `json:"routing_key"`
	EventAction string        `json:"event_action"`
	DedupKey    string        `json:"dedup_key"`
	Client      string        `json:"client,omitempty"`
	Payload     *pagerPayload `json:"payload,omitempty"`
}

type pagerPayload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp time.Time         `json:"timestamp"`
	Component string            `json:"component"`
	Group     string            `json:"group"`
	Class     string            `json:"class"`
	Details   map[string]string `json:"custom_details"`
}

func (p *pagerDuty) send(ctx context.Context, m *Message) error {
	for i := range m.Notices {
		n := &m.Notices[i]
		if err := p.post(ctx, m, p.event(n)); err != nil {
			return err
		}
		if n.Change == Test { // nobody needs to be woken for longer
			if err := p.post(ctx, m, pagerEvent{RoutingKey: p.key, EventAction: "resolve", DedupKey: n.Alert.ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pagerDuty) post(ctx context.Context, m *Message, e pagerEvent) error {
	body, err := json.Marshal(e)
	if err != nil {
		return permanent("%w", err)
	}
	return p.hook.post(ctx, m.At, body, nil)
}

func (p *pagerDuty) event(n *Notice) pagerEvent {
	e := pagerEvent{RoutingKey: p.key, DedupKey: n.Alert.ID}
	switch n.Change {
	case Acknowledged:
		e.EventAction = "acknowledge"
		return e
	case Resolved:
		e.EventAction = "resolve"
		return e
	}
	c := cardOf(n)
	e.EventAction, e.Client = "trigger", "litesoc"
	e.Payload = &pagerPayload{
		Summary: c.Title, Source: "litesoc", Severity: pagerSeverity(n.Alert.Severity), Timestamp: n.Alert.First.UTC(),
		Component: "api", Group: n.Alert.Rule, Class: n.Alert.Type, Details: map[string]string{"what": c.What, "resolve": c.Resolve},
	}
	if n.From.IP != "" {
		e.Payload.Source = fit(n.From.IP, maxFact)
	}
	for _, f := range c.Facts {
		e.Payload.Details[f.Name] = f.Value
	}
	for i, s := range c.Steps {
		e.Payload.Details["next step "+string(rune('1'+i))] = s
	}
	return e
}

// pagerSeverity is the severity in PagerDuty's words.
func pagerSeverity(s detect.Severity) string {
	switch s {
	case detect.Critical:
		return "critical"
	case detect.High:
		return "error"
	case detect.Medium:
		return "warning"
	}
	return "info"
}
