package report

import (
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/litesoc/litesoc/detect"
)

// planText returns the plan for a person to read.
func planText() *PlanFormat {
	return &PlanFormat{
		Name: "text", File: "plan.txt", Doc: "the plan, for a person to read",
		Write: func(w io.Writer, p *Plan) error { return PlanText(w, p, planWidth) },
	}
}

// planWidth is how wide a plan in a file is.
const planWidth = 100

// PlanText writes the plan for a person to read, in lines of at most width cells.
func PlanText(w io.Writer, p *Plan, width int) error {
	return writePlan(w, p, plainPlan{max(min(width, maxWidth), minWidth)})
}

// planMarkdown returns the plan as a list to tick off.
func planMarkdown() *PlanFormat {
	return &PlanFormat{
		Name: "markdown", File: "plan.md", Doc: "the plan as Markdown, to tick off in a ticket",
		Write: func(w io.Writer, p *Plan) error { return writePlan(w, p, markdownPlan{}) },
	}
}

// A planStyle is how a plan for people is written: as plain text or as Markdown.
type planStyle interface {
	title(s string) string
	prose(s string) string
	section(s string) string
	item(s string, told bool) string // one to do, or one that is only told
	detail(s string) string
	log(s string) string  // text that may come from a log
	name(s string) string // likewise, of a thing
}

type plainPlan struct{ width int }

func (plainPlan) title(s string) string             { return strings.ToUpper(s) + "\n" }
func (s plainPlan) prose(text string) string        { return s.hang(text, "") }
func (plainPlan) section(s string) string           { return "\n" + s + "\n" }
func (s plainPlan) item(text string, _ bool) string { return s.hang(text, "  ") }
func (s plainPlan) detail(text string) string       { return s.hang(text, "      ") }
func (plainPlan) log(s string) string               { return Show(s) }
func (plainPlan) name(s string) string              { return Show(s) }

// hang writes a text in as many lines as it needs, to the right of an indent.
func (s plainPlan) hang(text, indent string) string {
	var b strings.Builder
	for _, line := range Wrap(text, s.width-len(indent)) {
		b.WriteString(indent + line + "\n")
	}
	return b.String()
}

type markdownPlan struct{}

func (markdownPlan) title(s string) string   { return "# " + s + "\n" }
func (markdownPlan) prose(s string) string   { return s + "\n" }
func (markdownPlan) section(s string) string { return "\n## " + s + "\n\n" }
func (markdownPlan) item(s string, told bool) string {
	if told {
		return "- " + s + "\n"
	}
	return "- [ ] " + s + "\n"
}
func (markdownPlan) detail(s string) string { return "  - " + s + "\n" }
func (markdownPlan) log(s string) string    { return prose(s) }
func (markdownPlan) name(s string) string   { return code(s) }

// planActions says what is to be done, for each action on a credential or an account.
var planActions = map[string]string{
	string(detect.RevokeKey):     "Revoke the API key",
	revokeToken:                  "Revoke the token",
	endSession:                   "End the session",
	endSessions:                  "End all sessions and tokens of",
	string(detect.ResetPassword): "Reset the password of",
	string(detect.FreezeAccount): "Freeze the account of",
}

var planCalls = map[detect.Action]string{
	detect.OpenIncident:   "Open an incident in your tracker",
	detect.NotifySecurity: "Tell the security team",
	detect.Escalate:       "Wake who is on call",
}

// writePlan writes the plan in the order in which to do it.
func writePlan(w io.Writer, p *Plan, style planStyle) error {
	var b strings.Builder
	b.WriteString(style.title("Response plan") + "\n")
	b.WriteString(style.prose(fmt.Sprintf("Proposed for %s; nothing of it is done. Times are of the log, which goes on until %s.", count(int64(p.Alerts), "alert"), instant(p.Through))))
	told := map[string]bool{} // reasons; one is told but once
	cause := func(c *Cause) {
		first := !told[c.Reason]
		told[c.Reason] = true
		if first {
			b.WriteString(style.detail(style.log(c.Reason)))
		}
		ids := someOf(c.Alerts)
		if len(c.Incidents) > 0 {
			ids += "; incident " + someOf(c.Incidents)
		}
		b.WriteString(style.detail(fmt.Sprintf("%s, %s; alert %s", c.Severity, c.Outcome, style.log(ids))))
		var places []string
		for _, at := range c.Places {
			places = append(places, style.name(fmt.Sprintf("%s:%d", at.File, at.Line)))
		}
		if first && len(places) > 0 {
			b.WriteString(style.detail("lines " + strings.Join(places, ", ")))
		}
	}
	step := 0
	section := func(title string, n int) {
		if n == 0 {
			return
		}
		step++
		b.WriteString(style.section(fmt.Sprintf("%d. %s (%s)", step, title, number(int64(n)))))
	}
	section("Block at the edge", len(p.Blocks))
	for i := range p.Blocks {
		k := &p.Blocks[i]
		b.WriteString(style.item(fmt.Sprintf("%s until %s", style.name(network(k.Network)), instant(k.Expires)), false))
		if k.Network.Bits() != k.Network.Addr().BitLen() {
			b.WriteString(style.detail("for " + style.log(someOf(k.Clients))))
		}
		if k.Note != "" {
			b.WriteString(style.detail(style.log(k.Note)))
		}
		cause(&k.Cause)
	}
	section("Withdraw keys, tokens and sessions", len(p.Credentials))
	for i := range p.Credentials {
		k := &p.Credentials[i]
		text := planActions[k.Action] + " " + style.name(k.ID)
		if k.Prefix != "" {
			text += ", which begins with " + style.name(k.Prefix)
		}
		if k.Account != "" {
			text += ", of user " + style.name(k.Account)
		}
		b.WriteString(style.item(text, false))
		cause(&k.Cause)
	}
	if len(p.Credentials) > 0 {
		b.WriteString(style.detail("An id is key_, tok_ or ses_ and the first 12 hex digits of the SHA-256 of the secret: hash yours to find it."))
	}
	section("Secure accounts", len(p.Accounts))
	for i := range p.Accounts {
		k := &p.Accounts[i]
		whose := "user "
		if k.Type != "user" {
			whose = "the owner of "
		}
		b.WriteString(style.item(planActions[k.Action]+" "+whose+style.name(k.ID), false))
		cause(&k.Cause)
	}
	section("Tell people", len(p.Tell))
	for i := range p.Tell {
		k := &p.Tell[i]
		b.WriteString(style.item(fmt.Sprintf("%s: %s, %s", planCalls[k.Action], count(int64(len(k.Alerts)), "alert"), count(int64(len(k.Incidents)), "incident")), false))
		cause(&k.Cause)
	}
	if len(p.Refused) > 0 {
		b.WriteString(style.section(fmt.Sprintf("Not blocked, and why (%s)", number(int64(len(p.Refused))))))
	}
	var over []string
	for i := range p.Refused {
		if k := &p.Refused[i]; k.passing() {
			over = append(over, k.Address)
		}
	}
	for i := range p.Refused {
		k := &p.Refused[i]
		if len(over) >= leastAlike && k.passing() {
			continue
		}
		b.WriteString(style.item(style.name(k.Address)+": "+style.log(k.Reason), true))
		if k.Instead != "" {
			b.WriteString(style.detail("instead: " + style.log(k.Instead)))
		}
		cause(&k.Cause)
	}
	if len(over) >= leastAlike {
		b.WriteString(style.item(fmt.Sprintf("%s of alerts of medium severity at most, whose blocks would have ended before the log does; --ttl makes them longer: %s; --output json says why each",
			count(int64(len(over)), "address"), style.log(someOf(over))), true))
	}
	if step == 0 && len(p.Refused) == 0 {
		b.WriteString("\nThere is nothing to do.\n")
	}
	if len(p.Notes) > 0 {
		b.WriteString(style.section("Notes"))
	}
	for _, n := range p.Notes {
		b.WriteString(style.item(style.log(n), true))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// network is a network as one writes it: a single address without its length.
func network(n netip.Prefix) string {
	if n.Bits() == n.Addr().BitLen() {
		return n.Addr().String()
	}
	return n.String()
}

// someOf lists names, the first few of many.
func someOf(names []string) string {
	text := strings.Join(names[:min(len(names), maxNames)], ", ")
	if more := len(names) - maxNames; more > 0 {
		text += fmt.Sprintf(" and %s more", number(int64(more)))
	}
	return text
}

// planJSON returns the whole plan as JSON.
func planJSON() *PlanFormat {
	return &PlanFormat{
		Name: "json", File: "plan.json", Doc: "the whole plan as JSON",
		Write: func(w io.Writer, p *Plan) error { return WriteJSON(w, p) },
	}
}
