package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// An Episode is the event that a key is making: begun once, extended by each further
// match, told when it begins, when it gets worse, now and then while it goes on, and
// when it ends. A state points to it, or to a struct that embeds it; nil means that
// nothing goes on.
type Episode struct {
	Event // as it stands, but for what a detector adds when it is told
	// Net is the IPv6 /64 of a client that uses several addresses of it; "" for others.
	Net string `json:",omitempty"`
	// Proof is the line that shows that it succeeded, Proved the time of that, and After how many
	// matches there were by then. They are zero where it has not, or an earlier version saved it.
	Proof  Evidence  `json:",omitzero"`
	Proved time.Time `json:",omitzero"`
	After  int64     `json:",omitempty"`
	// Taken are the accounts that got in by a guess, clipped, in their order; at most maxTaken.
	Taken []string `json:",omitempty"`
	// Told is what was last told of it.
	Told struct {
		At       time.Time // Event.Last then
		Count    int64
		Severity Severity
		Outcome  Outcome
		Taken    int `json:",omitempty"` // how many there were
	}
}

// maxTaken bounds the accounts that an event names as taken: each is to be secured.
const maxTaken = 100

// retellAfter is how long an episode goes on without being told again. Rules and
// incidents rely on it: what they have not heard of for longer is over.
const retellAfter = time.Hour

// begin makes an episode of the requests in a window, of which r is the last.
func begin(r *parsers.Request, w Window) Episode {
	var e Episode
	id, typ := r.Actor()
	e.ActorID, e.ActorType = strings.Clone(id), string(typ)
	e.UserIP = strings.Clone(r.ClientIP)
	e.Route = strings.Clone(r.Route)
	e.First = r.Time
	for _, m := range w {
		if m.At.Before(e.First) {
			e.First = m.At
		}
		e.addEvidence(m.Evidence)
	}
	e.Last, e.Count = r.Time, int64(len(w))
	return e
}

// beginByClient is begin for a detector that groups by address: the address is who
// acts, whatever else the log names.
func beginByClient(r *parsers.Request, w Window) Episode {
	e := begin(r, w)
	e.ActorID, e.ActorType = e.UserIP, string(parsers.ActorIP)
	return e
}

// extend adds a match. The route stays where all of them share it.
func (e *Episode) extend(r *parsers.Request) {
	e.Last = r.Time
	e.Count++
	if e.Route != r.Route {
		e.Route = ""
	}
	if e.Net == "" && e.ActorType == string(parsers.ActorIP) && e.ActorID != r.ClientIP && strings.IndexByte(e.ActorID, ':') >= 0 {
		e.Net = string(appendClient(nil, r.ClientIP))
	}
	e.addEvidence(evidence(r))
}

// reach lets the event be as severe as s and get as far as o. It never falls behind
// what it was.
func (e *Episode) reach(s Severity, o Outcome) {
	e.Severity = max(e.Severity, s)
	if further := e.Outcome.further(o); further != e.Outcome {
		if e.Outcome = further; further == Succeeded {
			e.prove()
		}
	}
}

// prove takes the last line of evidence for the one that shows that it succeeded.
func (e *Episode) prove() {
	e.Proof, e.Proved, e.After = e.Evidence[len(e.Evidence)-1], e.Last, e.Count
}

// then begins a sentence on what succeeded, and when, behind one that counts the matches: it may
// have while they went on.
func (e *Episode) then() string {
	text := "; then"
	if e.After > 0 && e.After < e.Count {
		text = fmt.Sprintf("; after %d of them", e.After)
	}
	if e.Proved.IsZero() {
		return text + " "
	}
	at, layout := e.Proved.UTC(), "15:04:05"
	if at.YearDay() != e.First.UTC().YearDay() {
		layout = "2006-01-02 15:04:05"
	}
	return text + ", at " + at.Format(layout) + ", "
}

// take notes a login that was guessed by its account; one that names none it does not. The line
// of the first is the detector's to add.
func (e *Episode) take(r *parsers.Request) {
	account := clip(r.User)
	if account == "" || len(e.Taken) == maxTaken || slices.Contains(e.Taken, account) {
		return
	}
	if e.Taken = append(e.Taken, account); len(e.Taken) > 1 {
		e.Last = r.Time
		e.addEvidence(evidence(r))
	}
}

// accounts returns the accounts that got in by a guess, of which the given one is told first.
func (e *Episode) accounts(first string) []string {
	if len(e.Taken) == 0 && first != "" {
		return []string{first}
	}
	return orNone(e.Taken)
}

// later goes on after the sentence about a login that worked: as whom else logins did.
func (e *Episode) later() string {
	if len(e.Taken) < 2 {
		return ""
	}
	return ", and later as " + firstFew(e.Taken[1:], len(e.Taken)-1)
}

// tell emits the event if it is new, worse than when it was last told, or has gone on
// for long since. describe adds summary, confidence and metadata.
func (e *Episode) tell(emit func(Event), describe func(*Event)) {
	worse := e.Severity > e.Told.Severity || e.Outcome != e.Told.Outcome || len(e.Taken) > e.Told.Taken
	if e.Told.Count == 0 || worse || e.Last.Sub(e.Told.At) >= retellAfter {
		e.say(emit, describe)
	}
}

// end emits the event a last time, unless nothing was added since it was told.
func (e *Episode) end(emit func(Event), describe func(*Event)) {
	if e.Told.Count != e.Count || !e.Told.At.Equal(e.Last) {
		e.say(emit, describe)
	}
}

// say emits the event as it stands.
func (e *Episode) say(emit func(Event), describe func(*Event)) {
	e.Told.At, e.Told.Count, e.Told.Severity, e.Told.Outcome = e.Last, e.Count, e.Severity, e.Outcome
	e.Told.Taken = len(e.Taken)
	out := e.Event
	out.Evidence = slices.Clone(out.Evidence)
	describe(&out)
	if e.Net != "" {
		out.Summary += "; from several addresses of " + e.Net
	}
	emit(out)
}

// Of an event's evidence, the first lines show how it began, the others how it goes on. The
// one that shows that it succeeded stays.
const firstEvidence = 10

func (e *Episode) addEvidence(v Evidence) { e.Evidence = withEvidence(e.Evidence, v, e.Proof) }

// withEvidence adds a line to those of an event, of which proof is the one that stays.
func withEvidence(lines []Evidence, v, proof Evidence) []Evidence {
	if len(lines) == MaxEvidence {
		out := firstEvidence
		if lines[out] == proof {
			out++
		}
		lines = slices.Delete(lines, out, out+1)
	}
	return append(lines, v)
}
