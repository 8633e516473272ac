package detect

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/zeebo/xxh3"
)

// What detectors are built from: Window and Distinct here, Episode beside. All of it
// is memory: exported fields, bounded, the same bytes in JSON every time.

// A Mark is one request, as little of it as a window needs.
type Mark struct {
	At  time.Time
	Tag uint64 // what is told apart: a number, or the hash of a path, an account, a key
	Evidence
}

func (m *Mark) members(b []byte) []byte {
	return m.Evidence.members(appendUint(appendTime(b, "At", m.At), "Tag", m.Tag))
}

func (m *Mark) pack(p *packer) {
	p.time(&m.At)
	p.tag(&m.Tag)
	p.evidence(&m.Evidence)
}

func mark(r *parsers.Request, tag uint64) Mark {
	return Mark{At: r.Time, Tag: tag, Evidence: evidence(r)}
}

func evidence(r *parsers.Request) Evidence {
	if r.Source == nil {
		return Evidence{Line: r.Line}
	}
	return Evidence{Source: r.Source.ID, Line: r.Line}
}

// tag hashes log text.
func tag(s string) uint64 { return xxh3.HashString(s) }

// A Window holds the last requests of a key that lie within a span, in their order.
// A span holds both its ends: 10:00:00 and 10:05:00 lie within 5 minutes.
type Window []Mark

func (w Window) MarshalJSON() ([]byte, error) { return packed[Mark, *Mark](w).MarshalJSON() }

func (w *Window) UnmarshalJSON(text []byte) error {
	return (*packed[Mark, *Mark])(w).UnmarshalJSON(text)
}

// Slide adds a request and forgets those further back than span, and all but the last
// limit. So the window holds limit requests whenever that many lie within a span.
func (w *Window) Slide(m Mark, span time.Duration, limit int) {
	n := max(len(*w)-limit+1, 0)
	for n < len(*w) && m.At.Sub((*w)[n].At) > span {
		n++
	}
	*w = append(slices.Delete(*w, 0, n), m)
}

// SlideDistinct is Slide for a window in which each tag stands once, with the last
// request that bore it.
func (w *Window) SlideDistinct(m Mark, span time.Duration, limit int) {
	*w = slices.DeleteFunc(*w, func(o Mark) bool { return o.Tag == m.Tag })
	w.Slide(m, span, limit)
}

// A moment is a time in microseconds since 1970: less memory than a time.Time, and none that
// the garbage collector reads. In JSON it is one.
type moment int64

func momentOf(t time.Time) moment { return moment(t.UnixMicro()) }

func (m moment) time() time.Time { return time.UnixMicro(int64(m)).UTC() }

func (m moment) MarshalJSON() ([]byte, error) { return m.time().MarshalJSON() }

func (m *moment) UnmarshalJSON(text []byte) error {
	var t time.Time
	err := t.UnmarshalJSON(text)
	*m = momentOf(t)
	return err
}

// A seen is when something was last seen: an actor, an address, a path.
type seen struct {
	at  int64 // microseconds since 1970
	tag uint64
}

func (a seen) before(b seen) bool { return a.at < b.at || a.at == b.at && a.tag < b.tag }

// oldest returns the n that were seen longest ago, in any order; of those seen at one time,
// the ones with the smallest tags. It puts all in another order.
func oldest(all []seen, n int) []seen {
	for from, to := 0, len(all); to-from > 1; {
		pivot, i, j := all[(from+to)/2], from, to-1
		for i <= j {
			for all[i].before(pivot) {
				i++
			}
			for pivot.before(all[j]) {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i, j = i+1, j-1
			}
		}
		switch { // those up to j are older than those from i on
		case n <= j:
			to = j + 1
		case n > i:
			from = i
		default:
			return all[:n]
		}
	}
	return all[:n]
}

// MaxDistinct is how many different things a Distinct tells apart.
const MaxDistinct = 1000

// A Distinct is a set of tags, sorted. It is exact up to MaxDistinct and grows no
// further.
type Distinct []uint64

// Add puts the tag into the set.
func (d *Distinct) Add(tag uint64) {
	if i, found := slices.BinarySearch(*d, tag); !found && len(*d) < MaxDistinct {
		*d = slices.Insert(*d, i, tag)
	}
}

// String is the number of tags: "17", or "1000 or more" where the set is full.
func (d Distinct) String() string {
	if len(d) == MaxDistinct {
		return fmt.Sprintf("%d or more", MaxDistinct)
	}
	return strconv.Itoa(len(d))
}

// some is of, where more tells whether there were others that it does not have.
func (d Distinct) some(one, many string, more bool) string {
	if !more || len(d) == MaxDistinct {
		return d.of(one, many)
	}
	return fmt.Sprintf("%d or more %s", len(d), many)
}

// beyond is what to say behind a list of so many of them: " and 12 more", or "" where it has all.
func (d Distinct) beyond(listed int) string {
	switch n := len(d) - listed; {
	case n <= 0:
		return ""
	case len(d) == MaxDistinct:
		return fmt.Sprintf(" and %d or more others", n)
	default:
		return fmt.Sprintf(" and %d more", n)
	}
}

// of is the number of tags and what they are: "1 path", "17 paths".
func (d Distinct) of(one, more string) string {
	if len(d) == 1 {
		return "1 " + one
	}
	return d.String() + " " + more
}
