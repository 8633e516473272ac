package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/detect"
)

// Complete puts the incidents in order, those that are over last, else the worst
// first, and adds to each what follows from its alerts and events: the story, the
// techniques, what to do next and the query that shows its requests.
func (r *Report) Complete() {
	events := r.eventsByID()
	alerts := map[string]*Alert{}
	for i := range r.Alerts {
		alerts[r.Alerts[i].ID] = &r.Alerts[i]
	}
	for i := range r.Incidents {
		r.Incidents[i].complete(alerts, events)
	}
	slices.SortFunc(r.Incidents, func(a, b Incident) int {
		if over := Over(a.Status); over != Over(b.Status) {
			if over {
				return 1
			}
			return -1
		}
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(b.RiskScore, a.RiskScore),
			a.First.Compare(b.First),
			strings.Compare(a.ID, b.ID),
		)
	})
}

func (i *Incident) complete(alerts map[string]*Alert, events map[string]*Event) {
	furthest := map[string]detect.Outcome{} // by rule
	seen := map[string]bool{}
	types := map[string]string{} // of actors
	for _, id := range i.Alerts {
		a := alerts[id]
		if a == nil {
			continue
		}
		types[a.ActorID] = a.ActorType
		if was, known := furthest[a.Rule]; !known || slices.Index(outcomes, a.Outcome) > slices.Index(outcomes, was) {
			furthest[a.Rule] = a.Outcome
		}
		if h := a.handling(); h != "" {
			i.Handled = append(i.Handled, a.ID+": "+h)
		}
		for _, event := range a.Events {
			e := events[event]
			if e == nil || seen[event] {
				continue
			}
			seen[event] = true
			i.Timeline = append(i.Timeline, Step{e.First, e.Last, e.ID, e.Name, e.Severity, e.Outcome, e.Count, e.Summary, tactics[e.Technique], e.Confidence})
			i.Technique = append(i.Technique, e.Technique)
			i.OWASP = append(i.OWASP, e.OWASP)
		}
	}
	slices.SortFunc(i.Timeline, func(a, b Step) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(slices.Index(tacticOrder, a.Tactic), slices.Index(tacticOrder, b.Tactic)),
			strings.Compare(a.Event, b.Event))
	})
	i.Technique, i.OWASP = distinct(i.Technique), distinct(i.OWASP)
	i.NextSteps = nextSteps(i, furthest)
	i.SQL = i.query(types)
}

// tactics say what techniques are for, in the words of MITRE ATT&CK. Of one that serves
// several it is what it is for against an API.
// https://attack.mitre.org/tactics/enterprise/
var tactics = map[string]string{
	"T1595.003": "reconnaissance",
	"T1190":     "initial access",
	"T1078":     "initial access",
	"T1068":     "privilege escalation",
	"T1550.001": "lateral movement",
	"T1110":     "credential access",
	"T1110.001": "credential access",
	"T1110.003": "credential access",
	"T1110.004": "credential access",
	"T1087":     "discovery",
	"T1119":     "collection",
	"T1213":     "collection",
	"T1090.003": "command and control",
	"T1020":     "exfiltration",
	"T1485":     "impact",
	"T1499.003": "impact",
}

// tacticOrder is the order in which an attack goes through the tactics, if it does: what
// began at the same time is told in it.
var tacticOrder = []string{"reconnaissance", "initial access", "privilege escalation", "credential access", "discovery",
	"lateral movement", "collection", "command and control", "exfiltration", "impact"}

// chain tells in which order the incident went through which tactics, and how far it got
// in each; "" if it kept to one.
func (i *Incident) chain() string {
	var order []string
	furthest := map[string]detect.Outcome{}
	for _, s := range i.Timeline {
		if s.Tactic == "" {
			continue
		}
		was, known := furthest[s.Tactic]
		if !known {
			order = append(order, s.Tactic)
		}
		if slices.Index(outcomes, s.Outcome) > slices.Index(outcomes, was) {
			was = s.Outcome
		}
		furthest[s.Tactic] = was
	}
	if len(order) < 2 {
		return ""
	}
	for n, tactic := range order {
		order[n] = fmt.Sprintf("%s (%s)", tactic, furthest[tactic])
	}
	return strings.Join(order, " → ")
}

// sureness says how sure the detectors are of what is worst in the incident; "" if none says.
func (i *Incident) sureness() string {
	worst, surest := detect.Info, 0.0
	for _, s := range i.Timeline {
		switch {
		case s.Severity > worst:
			worst, surest = s.Severity, s.Confidence
		case s.Severity == worst:
			surest = max(surest, s.Confidence)
		}
	}
	if surest == 0 {
		return ""
	}
	_, word := sure(surest)
	return fmt.Sprintf("%s (%.2f of 1)", word, surest)
}

// sure is how sure a confidence is, from 1 to 3 and in a word; 0 if nothing is said.
func sure(confidence float64) (level int, word string) {
	switch {
	case confidence >= 0.8:
		return 3, "high"
	case confidence >= 0.5:
		return 2, "medium"
	case confidence > 0:
		return 1, "low"
	}
	return 0, ""
}

// outcomes are in the order of how far one gets.
var outcomes = []detect.Outcome{detect.Blocked, detect.Attempted, detect.Succeeded}

// distinct returns the texts sorted, each once, without the empty one.
func distinct(texts []string) []string {
	texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
	slices.Sort(texts)
	return slices.Compact(texts)
}

// advice is what to do about the alerts of a rule, beside looking at their requests.
// It follows what the guide and OWASP's API Security Top 10 (2023) recommend.
var advice = map[string]struct{ worked, always string }{
	"brute-force": {
		"A login worked while guessing went on: reset that account's password, end its sessions and look at what it did since.",
		"Limit login attempts per address and per account; check first that no office of yours stands behind the address.",
	},
	"api-enumeration": {
		"Some of it was served: find out which objects were read, and whether the actor may see them.",
		"Compare what was asked for with the routes you serve; block the client if it has no business there.",
	},
	"invalid-keys": {
		"",
		"Find out whether a customer still uses an old key; if keys are guessed, block the address and make sure that keys are long and random.",
	},
	"account-compromise": {
		"Treat the account as taken: reset its password, end its sessions and revoke its tokens, then look at all it did since the login.",
		"Freeze the account until its owner has been asked, by another way than the account.",
	},
	"credential-abuse": {
		"The key works for who uses it so: list what it fetched there ('litesoc events --requests --actor'), and what it made or changed, such as keys, users and webhooks.",
		"Ask the key's owner whether a job of theirs is new; if not, revoke the key and look at what was fetched with it.",
	},
	"geo-anomaly": {
		"",
		"Ask the key's owner whether they moved a server; bind the key to their networks if you can.",
	},
	"new-device": {
		"",
		"Nothing, if the user knows of it; tell them by another way than the account.",
	},
	"impossible-travel": {
		"Both places were let in: list what the account did from each ('litesoc events --requests --actor'), and undo what it made or changed, such as keys and addresses.",
		"End all sessions of the account and let its owner log in anew, with a second factor; find out which of both places is theirs.",
	},
	"token-replay": {
		"The token was let in: list what was done with it ('litesoc events --requests --actor'), and undo what it made or changed, such as keys, addresses and passwords.",
		"Revoke the token with all that were refreshed from it, and find out how it got out: a log, a script in the page, a stolen device.",
	},
	"suspicious-network": {
		"",
		"Ask for a second factor from such networks, and look at what the account did after this login.",
	},
	"injection-probe": {
		"An answer to a probe was unusual: try the same request on a copy of the service and see what it gives away.",
		"Block the client; see that what it tried is not there or is up to date.",
	},
	"ssrf": {
		"The URL was taken: find out whether the service fetched it, and rotate the credentials that its machine can reach.",
		"Check URLs from outside before they are fetched ('litesoc check-url'), after names are resolved too, and let the fetching machine reach nothing inside.",
	},
	"broken-authorization": {
		"Objects of others were served: fix the check on that route first, then list what was read and whose it was.",
		"Block the actor; look objects up by the tenant of the session, never by one that the request names.",
	},
	"admin-probe": {
		"An admin route let it in: fix the check on it first, then look at what was done there.",
		"Block the actor; ask for the role on every admin route, on the server, and let none but your own networks reach them if you can.",
	},
	"plan-limits": {
		"",
		"See that each of these routes checks the plan on the server; sales may want to know, too.",
	},
	"role-tampering": {
		"The request was taken: compare the rights of the actor with what they should be, and undo the change.",
		"Take roles and rights from the session alone, and refuse requests that name fields a user may not set.",
	},
	"data-exfiltration": {
		"Data left: find out which records, and whether you must tell their owners.",
		"Freeze the account or key until its owner explains; limit the size of pages and the pages an hour.",
	},
	"mass-deletion": {
		"Records are gone: stop the actor, and restore from a backup before it is overwritten.",
		"Ask for confirmation of deletions in bulk, and keep what is deleted for some days.",
	},
	"compromised-account": {
		"Treat the account as taken: reset its password, end its sessions and revoke its tokens, then look at all it did since the login.",
		"Ask the owner by another way than the account whether the login was theirs.",
	},
	"exfiltration-country": {
		"Data left to a country that is not approved: find out which records, and whether you must tell their owners.",
		"Find out whether the actor travels; if not, freeze the account or revoke the key.",
	},
	"repeated-denials": {
		"",
		"See what was asked for: one thing again and again is a broken client, one after the other is somebody who looks for what was left open.",
	},
	"password-resets": {
		"",
		"Limit the resets that one address may ask for, and answer alike whether there is such an account or not.",
	},
	"mass-export": {
		"",
		"Call its owner now: so many records are a leak, or a job that nobody told you of. Limit what one account may fetch in an hour.",
	},
	"rate-limit": {
		"",
		"Find out whether it is a customer's job that does not back off, or abuse; talk to the customer or revoke the key.",
	},
}

// nextSteps says what to do about an incident: about each rule's alerts, by how far the
// furthest of them got.
func nextSteps(i *Incident, furthest map[string]detect.Outcome) []string {
	var steps []string
	for _, rule := range slices.Sorted(maps.Keys(furthest)) {
		steps = append(steps, stepsOf(rule, furthest[rule])...)
	}
	if _, taken := furthest["account-compromise"]; taken { // which says the same, and more
		steps = slices.DeleteFunc(steps, func(s string) bool { return s == advice["brute-force"].worked })
	}
	for _, actor := range i.Actors {
		if strings.HasPrefix(actor, "key_") {
			steps = append(steps, fmt.Sprintf("Revoke the API key %s and issue a new one to its owner.", actor))
		}
	}
	return steps
}

// NextSteps says what to do about the alert, beside looking at its requests.
func (a *Alert) NextSteps() []string { return stepsOf(a.Rule, a.Outcome) }

func stepsOf(rule string, outcome detect.Outcome) []string {
	var steps []string
	a := advice[rule]
	if outcome == detect.Succeeded && a.worked != "" {
		steps = append(steps, a.worked)
	}
	if a.always != "" {
		steps = append(steps, a.always)
	}
	return steps
}

// query returns SQL over the store that shows the incident's requests. The types of its
// actors are those that its alerts tell.
func (i *Incident) query(types map[string]string) string {
	var who selection
	who.addresses(i.IPs)
	for _, id := range i.Actors {
		if !slices.Contains(i.IPs, id) {
			who.actor(id, types[id])
		}
	}
	if where := who.where(i.First, i.Last); where != "" {
		return "select ts, client_ip, method, path, status from requests where " + where + " order by ts, line"
	}
	return ""
}
