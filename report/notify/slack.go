package notify

import (
	"context"
	"encoding/json"
	"strings"
)

// Slack posts to an incoming webhook. All text of a message is plain_text, in which
// Slack reads neither markup nor mentions; only the line of the notification is markup,
// and is escaped.
type slack struct{ hook *hook }

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"`
}

type slackBlock struct {
	Type   string      `json:"type"`
	Text   *slackText  `json:"text,omitempty"`
	Fields []slackText `json:"fields,omitempty"`
}

func (s *slack) send(ctx context.Context, m *Message) error {
	body, err := json.Marshal(slackMessage(m))
	if err != nil {
		return permanent("%w", err)
	}
	return s.hook.post(ctx, m.At, body, nil)
}

type slackPost struct {
	Text        string       `json:"text"`
	Blocks      []slackBlock `json:"blocks"`
	Parse       string       `json:"parse"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

func slackMessage(m *Message) slackPost {
	p := slackPost{Parse: "none"}
	section := func(text string) {
		t := slackPlain(text)
		p.Blocks = append(p.Blocks, slackBlock{Type: "section", Text: &t})
	}
	head := func(text string) {
		t := slackPlain(text)
		p.Blocks = append(p.Blocks, slackBlock{Type: "header", Text: &t})
		p.Text = slackEscape(text)
	}
	if len(m.Notices) == 1 {
		c := cardOf(&m.Notices[0])
		head(c.Title)
		section(c.What)
		facts := slackBlock{Type: "section"}
		for _, f := range c.Facts {
			facts.Fields = append(facts.Fields, slackPlain(f.Name+"\n"+f.Value))
		}
		p.Blocks = append(p.Blocks, facts)
		if len(c.Steps) > 0 {
			section("Next steps\n• " + strings.Join(c.Steps, "\n• "))
		}
		if c.Resolve != "" {
			section("When it is dealt with: " + c.Resolve)
		}
		return p
	}
	head(m.heading())
	some, more := m.shown()
	for _, n := range some {
		section(titleOf(n) + "\n" + lineOf(n) + "\n" + fit(n.Alert.ID, maxFact))
	}
	if more > 0 {
		section(moreText(more))
	}
	return p
}

func slackPlain(text string) slackText {
	if text == "" {
		text = "–" // Slack refuses empty text
	}
	return slackText{Type: "plain_text", Text: text, Emoji: new(bool)}
}

// slackEscape escapes what Slack's markup begins with: <!channel>, <@U1>, <http://…>.
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
