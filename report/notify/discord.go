package notify

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// Discord posts to a webhook of a channel. Nobody is mentioned, whatever the text says
// (allowed_mentions), and its markup is escaped.
type discord struct{ hook *hook }

type discordPost struct {
	Username        string          `json:"username"`
	Content         string          `json:"content"`
	Embeds          []discordEmbed  `json:"embeds"`
	AllowedMentions discordMentions `json:"allowed_mentions"`
}

type discordMentions struct {
	Parse []string `json:"parse"` // what may be mentioned: nothing
}

type discordEmbed struct {
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Color       int            `json:"color"`
	Timestamp   time.Time      `json:"timestamp"`
	Fields      []discordField `json:"fields,omitempty"`
}

type discordField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

func (d *discord) send(ctx context.Context, m *Message) error {
	body, err := json.Marshal(discordMessage(m))
	if err != nil {
		return permanent("%w", err)
	}
	return d.hook.post(ctx, m.At, body, nil)
}

// Discord's bounds, less some.
const (
	discordTitle = 250
	discordValue = 1000
	discordText  = 2000
	discordLine  = 400 // of a digest: ten of them and their titles stay below 6000
)

func discordMessage(m *Message) discordPost {
	p := discordPost{Username: "litesoc", AllowedMentions: discordMentions{Parse: []string{}}}
	if len(m.Notices) == 1 {
		n := &m.Notices[0]
		c := cardOf(n)
		e := discordEmbed{Title: discordEscape(c.Title, discordTitle), Description: discordEscape(c.What, discordText), Color: colour(c.Severity), Timestamp: n.Alert.First.UTC()}
		for _, f := range c.Facts {
			e.Fields = append(e.Fields, discordField{f.Name, discordEscape(f.Value, discordValue), true})
		}
		if len(c.Steps) > 0 {
			e.Fields = append(e.Fields, discordField{"Next steps", discordEscape(strings.Join(c.Steps, "\n"), discordValue), false})
		}
		if c.Resolve != "" {
			e.Fields = append(e.Fields, discordField{"When it is dealt with", discordEscape(c.Resolve, discordValue), false})
		}
		p.Embeds = []discordEmbed{e}
		return p
	}
	p.Content = discordEscape(m.heading(), discordTitle)
	some, more := m.shown()
	for _, n := range some {
		p.Embeds = append(p.Embeds, discordEmbed{
			Title:       discordEscape(titleOf(n), discordTitle/2),
			Description: discordEscape(lineOf(n)+"\n"+fit(n.Alert.ID, maxFact), discordLine),
			Color:       colour(n.Alert.Severity),
			Timestamp:   n.Alert.First.UTC(),
		})
	}
	if more > 0 {
		p.Content += "\n" + discordEscape(moreText(more), discordTitle)
	}
	return p
}

// discordEscape makes the text mean itself, at most n characters of it: no markup, no
// link, no mention.
func discordEscape(text string, n int) string {
	out := []rune(escaped(text, "\\*_~`|>#[]()<@:-"))
	if len(out) <= n {
		return string(out)
	}
	out = out[:n-1]
	for i := len(out) - 1; i >= 0 && out[i] == '\\'; i-- {
		out = out[:i] // nothing stands behind it any more
	}
	return string(out) + "…"
}

// colour is the severity's, as red, green and blue.
func colour(s detect.Severity) int {
	switch s {
	case detect.Critical:
		return 0x8b0000
	case detect.High:
		return 0xd9381e
	case detect.Medium:
		return 0xe69f00
	case detect.Low:
		return 0x56b4e9
	}
	return 0x888888
}
