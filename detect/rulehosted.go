package detect

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hostedKeys are the keys of the hosted product's form, without regard to case and _,
// and what they are to us. "" is of no meaning here.
var hostedKeys = map[string]string{
	"name": "name", "title": "name", "rulename": "name", "modelname": "name", "description": "doc",
	"eventtype": "event", "event": "event", "primaryevent": "event", "primaryeventtype": "event",
	"condition": "condition", "conditions": "condition", "conditiontree": "condition",
	"threshold": "threshold", "thresholdcount": "threshold",
	"timewindow": "window", "timewindowminutes": "window", "windowminutes": "window", "timewindowmins": "window", "window": "window",
	"severity": "severity", "chainedeventtype": "then", "chainedevent": "then", "followedby": "then", "followedbyevent": "then", "chaineventtype": "then",
	"chaintimewindow": "thenwindow", "chaintimewindowminutes": "thenwindow", "chainwindow": "thenwindow", "chainwindowminutes": "thenwindow",
	"chainedtimewindow": "thenwindow", "chainedtimewindowminutes": "thenwindow",
	"enabled": "enabled", "isactive": "enabled", "active": "enabled", "isenabled": "enabled",
	"id": "", "orgid": "", "organizationid": "", "projectid": "", "createdat": "", "updatedat": "", "createdby": "", "updatedby": "", "version": "",
	"tags": "", "type": "", "alerttype": "type", "groupby": "group",
}

// isHosted tells whether a mapping is a rule in the hosted product's form: it names its
// event type as that does.
func isHosted(n *node) bool {
	for _, k := range n.keys {
		if key := lettersOf(k.text); hostedKeys[key] == "event" && key != "event" || strings.HasPrefix(key, "timewindow") || hostedKeys[key] == "then" && key != "followedby" {
			return true
		}
	}
	return false
}

var hasUnit = regexp.MustCompile(`^\d.*[smhd]$`)

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// slug makes a rule's name of a title.
func slug(title string) string {
	s := strings.Trim(notName.ReplaceAllString(strings.ToLower(title), "-"), "-")
	return strings.Trim(s[:min(len(s), 80)], "-")
}

// hosted reads a rule in the hosted product's form.
func (f *ruleFile) hosted(n *node) *Rule {
	before := len(f.errs)
	at := map[string]*node{}
	var known []string
	for k := range hostedKeys {
		known = append(known, k)
	}
	for i, k := range n.keys {
		to, is := hostedKeys[lettersOf(k.text)]
		switch {
		case !is && didYouMean(lettersOf(k.text), known) != "":
			f.fail(k, "a threat model has no key %q%s", k.text, didYouMean(lettersOf(k.text), known))
		case !is:
			f.notes = append(f.notes, fmt.Sprintf("%s: key %q is not known, and ignored", f.place(k), k.text))
		case to != "" && at[to] != nil && !n.items[i].isNull():
			f.fail(k, "key %q says what another key says", k.text)
		case to != "" && !n.items[i].isNull():
			at[to] = n.items[i]
		}
	}
	r := &Rule{Type: "suspicious_activity"}
	f.text(at["name"], "name", &r.Title)
	f.text(at["doc"], "description", &r.Doc)
	if at["event"] == nil {
		f.fail(n, "the threat model has no event type")
	}
	f.events(at["event"], "event type", &r.Events)
	if r.Title == "" && len(r.Events) > 0 {
		r.Title = "Threat model " + r.Events[0]
	}
	if r.Name = slug(r.Title); r.Name == "" {
		f.fail(n, "the threat model has no name of letters or digits")
	}
	if c := at["condition"]; c != nil {
		r.Condition = f.condition(f.unpacked(c), 0)
	}
	f.lenient(at["threshold"], "threshold", maxThreshold, &r.Threshold)
	minutes := func(n *node, what string, to *time.Duration) {
		if n != nil && hasUnit.MatchString(n.text) { // as our rules have it
			f.span(n, what, to)
			return
		}
		m := 0
		if f.lenient(n, what+" in minutes", int(maxSpan/time.Minute), &m); m > 0 {
			*to = time.Duration(m) * time.Minute
		}
	}
	minutes(at["window"], "time window", &r.Window)
	if r.Threshold > 1 && at["window"] == nil {
		f.fail(n, "the threat model has a threshold and no time window")
	}
	if s := at["severity"]; s != nil {
		s.text = strings.ToLower(s.text)
		f.severity(s, &r.Severity)
	}
	f.alertType(at["type"], &r.Type)
	if e := at["enabled"]; e != nil {
		enabled := true
		f.flag(e, "enabled", &enabled)
		r.Off = !enabled
	}
	if g := at["group"]; g != nil {
		f.texts(g, "group by", &r.GroupBy)
		for _, name := range r.GroupBy {
			if _, err := groupOf(name); err != nil {
				f.fail(g, "group by: %v", err)
			}
		}
	}
	if then := at["then"]; then != nil {
		r.FollowedBy = &FollowedBy{Same: SameEither, Window: r.Window, Title: "Account Compromise Detected", Type: "account_compromise"}
		f.events(then, "chained event type", &r.FollowedBy.Events)
		if slices.Contains(r.Events, LoginFailed) || slices.Contains(r.Events, BruteForceDetected) {
			r.FollowedBy.Title = "Account Compromise Detected after Brute Force"
		}
		minutes(at["thenwindow"], "chain time window", &r.FollowedBy.Window)
	} else if w := at["thenwindow"]; w != nil {
		f.notes = append(f.notes, fmt.Sprintf("%s: a chain time window without a chained event type is of no meaning", f.place(w)))
	}
	if len(f.errs) > before {
		return nil
	}
	return r
}

// unpacked reads a condition that is JSON in a text.
func (f *ruleFile) unpacked(n *node) *node {
	if n.kind != scalar || !json.Valid([]byte(n.text)) || n.text == "" {
		return n
	}
	inner := newRuleFile(f.name, []byte(n.text))
	docs := inner.documents([]byte(n.text))
	if len(docs) != 1 {
		return n
	}
	docs[0].move(n)
	return docs[0]
}

// move lets all of a node stand where another does.
func (n *node) move(to *node) {
	n.line, n.column = to.line, to.column
	for _, k := range n.keys {
		k.move(to)
	}
	for _, i := range n.items {
		i.move(to)
	}
}

// lenient reads a whole number that may be written as a text.
func (f *ruleFile) lenient(n *node, what string, most int, to *int) {
	if n == nil {
		return
	}
	if v, err := strconv.ParseFloat(strings.TrimSpace(n.text), 64); err == nil && n.kind == scalar {
		n.value = v
	}
	f.whole(n, what, 1, most, to)
}
