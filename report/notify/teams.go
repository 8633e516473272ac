package notify

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/litesoc/litesoc/detect"
)

// Teams posts an adaptive card to a workflow of Microsoft Teams ("Send webhook alerts
// to a channel"). All text stands in text runs, which Teams shows as they are, without
// Markdown.
type teams struct{ hook *hook }

type teamsPost struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string            `json:"$schema"`
	Type    string            `json:"type"`
	Version string            `json:"version"`
	Body    []teamsText       `json:"body"`
	Teams   map[string]string `json:"msteams"`
}

type teamsText struct {
	Type      string     `json:"type"`
	Inlines   []teamsRun `json:"inlines"`
	Separator bool       `json:"separator,omitempty"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
}

func (t *teams) send(ctx context.Context, m *Message) error {
	body, err := json.Marshal(teamsMessage(m))
	if err != nil {
		return permanent("%w", err)
	}
	return t.hook.post(ctx, m.At, body, nil)
}

func teamsMessage(m *Message) teamsPost {
	c := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Teams: map[string]string{"width": "Full"},
	}
	add := func(separator bool, runs ...teamsRun) {
		c.Body = append(c.Body, teamsText{"RichTextBlock", runs, separator})
	}
	plain := func(text string) teamsRun { return teamsRun{Type: "TextRun", Text: text} }
	bold := func(text string) teamsRun { return teamsRun{Type: "TextRun", Text: text, Weight: "Bolder"} }
	title := func(text string, s detect.Severity) teamsRun {
		color := "Default"
		switch {
		case s >= detect.High:
			color = "Attention"
		case s == detect.Medium:
			color = "Warning"
		}
		return teamsRun{Type: "TextRun", Text: text, Weight: "Bolder", Size: "Medium", Color: color}
	}
	if len(m.Notices) == 1 {
		a := cardOf(&m.Notices[0])
		add(false, title(a.Title, a.Severity))
		add(false, plain(a.What))
		for i, f := range a.Facts {
			add(i == 0, bold(f.Name+"  "), plain(f.Value))
		}
		for i, s := range a.Steps {
			add(i == 0, plain(fmt.Sprintf("%d. %s", i+1, s)))
		}
		if a.Resolve != "" {
			add(true, bold("When it is dealt with  "), plain(a.Resolve))
		}
	} else {
		some, more := m.shown()
		add(false, title(m.heading(), some[0].Alert.Severity))
		for _, n := range some {
			add(true, bold(titleOf(n)))
			add(false, plain(lineOf(n)))
			add(false, plain(fit(n.Alert.ID, maxFact)))
		}
		if more > 0 {
			add(true, plain(moreText(more)))
		}
	}
	return teamsPost{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", c}}}
}
