package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// An Entry is a notice that waits in the outbox for one channel.
type Entry struct {
	Notice
	Queued   time.Time
	Due      time.Time // not to be sent before
	Attempts int       // made so far
}

// A Postponement holds entries back.
type Postponement struct {
	IDs   []string
	Until time.Time
}

// storm is how many notices that are due at once become a digest, even where none is
// asked for: nobody reads a hundred messages.
const storm = 5

// Plan says which messages are to be sent now of the entries that are due, in their
// order, and what is to be held back. last is when the channel was last sent anything;
// zero if never.
func (c *Channel) Plan(due []Entry, last, now time.Time) (messages []Message, held []Postponement) {
	due = slices.Clone(due)
	slices.SortStableFunc(due, func(a, b Entry) int {
		return cmp.Or(a.Queued.Compare(b.Queued), a.Alert.First.Compare(b.Alert.First), cmp.Compare(a.Alert.ID, b.Alert.ID), cmp.Compare(a.ID, b.ID))
	})
	if end, quiet := c.quietUntil(now); quiet {
		var wait Postponement
		due = slices.DeleteFunc(due, func(e Entry) bool {
			if e.Alert.Severity == detect.Critical {
				return false
			}
			wait.IDs = append(wait.IDs, e.ID)
			return true
		})
		if wait.Until = end; len(wait.IDs) > 0 {
			held = append(held, wait)
		}
	}
	if len(due) == 0 {
		return nil, held
	}
	if next := last.Add(c.digest); c.digest > 0 && !last.IsZero() && now.Before(next) {
		wait := Postponement{Until: next}
		for _, e := range due {
			wait.IDs = append(wait.IDs, e.ID)
		}
		return nil, append(held, wait)
	}
	wasHeld := func(e Entry) bool {
		_, quiet := c.quietUntil(e.Queued)
		return quiet && e.Alert.Severity != detect.Critical
	}
	var together, alone []Notice
	anyHeld := false
	for _, e := range due {
		switch {
		case c.digest > 0 || len(due) > storm || wasHeld(e):
			together = append(together, e.Notice)
			anyHeld = anyHeld || wasHeld(e)
		default:
			alone = append(alone, e.Notice)
		}
	}
	if c.most == 1 {
		alone, together = append(together, alone...), nil
	}
	for some := range slices.Chunk(together, c.most) {
		m := NewMessage(now, some...)
		m.Held = anyHeld
		messages = append(messages, m)
	}
	for _, n := range alone {
		messages = append(messages, NewMessage(now, n))
	}
	return messages, held
}

// quietUntil tells whether t lies in the channel's quiet hours, and when they end.
func (c *Channel) quietUntil(t time.Time) (end time.Time, quiet bool) {
	return quietUntil(c.quiet, t)
}

func quietUntil(h detect.Hours, t time.Time) (end time.Time, quiet bool) {
	if h.String() == "" || h.Outside(t) {
		return time.Time{}, false
	}
	const week = 7*24*60 + 120 // minutes, and the hours that a clock may be put back
	end = t.Truncate(time.Minute)
	for range week {
		if end = end.Add(time.Minute); h.Outside(end) {
			return end, true
		}
	}
	return time.Time{}, true
}

// Of what is sent again.
const (
	firstBackoff = 2 * time.Second
	maxBackoff   = time.Hour
	maxAfter     = 24 * time.Hour // that the other side may ask for
	// MaxAttempts is how often a message is tried before it is parked: for about half a
	// day.
	MaxAttempts = 20
)

// Retry says when a message that was tried so many times is to be tried again, after
// err; false if it is to be parked. The wait doubles up to an hour and is shortened by
// up to a half, by the message, so that not all come back at once.
func Retry(m *Message, attempts int, err *SendError, now time.Time) (time.Time, bool) {
	if err.Permanent || attempts >= MaxAttempts {
		return time.Time{}, false
	}
	wait := maxBackoff
	if attempts < 12 {
		wait = min(wait, firstBackoff<<max(attempts-1, 0))
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%s %d", m.ID, attempts))
	wait -= time.Duration(binary.BigEndian.Uint32(h[:])%uint32(wait/2/time.Millisecond)) * time.Millisecond
	return now.Add(max(wait, min(err.After, maxAfter))), true
}
