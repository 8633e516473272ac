package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/litesoc/litesoc/parsers"
)

// Meta makes the JSON object of names and values that alternate, in their order. A
// name that is no string, or a value that JSON cannot hold, is a mistake of the
// program: Meta panics.
func Meta(pairs ...any) json.RawMessage {
	b := []byte{'{'}
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, mustJSON(pairs[i].(string))...)
		b = append(b, ':')
		b = append(b, mustJSON(pairs[i+1])...)
	}
	return append(b, '}')
}

// addressList is the name in metadata of the addresses that are listed.
const addressList = "address_list"

// AddressesOf returns the addresses that the metadata of an event or an alert lists, which
// is of several clients: as address_list or, of a campaign, as addresses.
func AddressesOf(metadata json.RawMessage) []string {
	if !bytes.Contains(metadata, []byte(`"address`)) {
		return nil
	}
	var m struct {
		List     []string        `json:"address_list"`
		Campaign json.RawMessage `json:"addresses"` // a list, or how many
	}
	if json.Unmarshal(metadata, &m) != nil {
		return nil
	}
	var campaign []string
	if json.Unmarshal(m.Campaign, &campaign) != nil {
		return m.List
	}
	return append(m.List, campaign...)
}

// accountsTaken is the name in metadata of the accounts that got in by a guess.
const accountsTaken = "accounts_that_worked"

// AccountsTaken returns the accounts that the metadata of an event or an alert tells got in by a guess.
func AccountsTaken(metadata json.RawMessage) []string {
	if !bytes.Contains(metadata, []byte(accountsTaken)) {
		return nil
	}
	var m struct {
		Accounts []string `json:"accounts_that_worked"`
	}
	if json.Unmarshal(metadata, &m) != nil {
		return nil
	}
	return m.Accounts
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("detect: metadata %v: %v", v, err))
	}
	return b
}

// maxText bounds, in bytes, a piece of log text that is kept or shown.
const maxText = 80

// clip returns its own copy of log text, cut to maxText. Bytes that are no UTF-8, which may have
// been percent-encoded, stand as U+FFFD, as in what is saved.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= maxText {
		return strings.Clone(s)
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// who names an actor in a sentence, quoted unless it is an address.
func who(id, actorType string) string {
	switch parsers.ActorType(actorType) {
	case parsers.ActorUser:
		return "user " + strconv.Quote(clip(id))
	case parsers.ActorAPIKey:
		return "API key " + strconv.Quote(clip(id))
	case parsers.ActorToken, parsers.ActorSession:
		return actorType + " " + strconv.Quote(clip(id))
	case actorNetwork:
		return "network " + clip(id)
	case actorRoute:
		return "many clients at " + strconv.Quote(clip(id))
	case campaignActor:
		return "campaign " + clip(id)
	}
	if _, err := netip.ParseAddr(id); err == nil && len(id) <= maxText {
		return id
	}
	return "client " + strconv.Quote(clip(id))
}

// atRoute says in a sentence which route all requests of an event were for; "" if they were for
// several.
func atRoute(e *Event) string {
	if e.Route == "" {
		return ""
	}
	return fmt.Sprintf(" at %q", clip(e.Route))
}

// inWords is a span of time as one reads it: whole units, and never less than a
// second.
func inWords(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		upTo time.Duration
		name string
	}{
		{time.Second, 10 * time.Minute, "s"},
		{time.Minute, 2 * time.Hour, "min"},
		{time.Hour, 48 * time.Hour, "h"},
	} {
		if d < u.upTo {
			return fmt.Sprintf("%d %s", max(int64((d+u.unit/2)/u.unit), 1), u.name)
		}
	}
	return fmt.Sprintf("%d days", int64((d+12*time.Hour)/(24*time.Hour)))
}

// plural says how many of something there are: "1 id", "17 ids".
func plural(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + more
}
