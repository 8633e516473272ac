package detect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A row is one of the table of detectors that says how many matches within a window make
// an event, and nothing else.
type row struct {
	detector *Detector
	enough   int // matches, or different ones
	distinct bool
	window   time.Duration
	line     string // a match that is the {tag}-th of different ones, {at} a time
	tags     int    // how many different ones there are
}

func letterRows(t *testing.T) []row {
	account := BruteForceAccount()
	if err := account.Flags.Set("slow-limit", "1000"); err != nil { // a row of its own
		t.Fatal(err)
	}
	return []row{
		{BruteForceIP(), 5, false, 5 * time.Minute, `192.0.2.1 - - [{at}] "POST /login HTTP/1.1" 401 0 "-" "-"`, 1},
		{account, 10, false, time.Hour, `192.0.2.1 - ann [{at}] "POST /login HTTP/1.1" 401 0 "-" "-"`, 1},
		{CredentialStuffing(), 10, true, 10 * time.Minute, `192.0.2.1 - user{tag} [{at}] "POST /login HTTP/1.1" 401 0 "-" "-"`, 16},
		{Enumeration(), 31, false, 5 * time.Minute, `192.0.2.1 - - [{at}] "GET /{tag} HTTP/1.1" 404 0 "-" "-"`, 1000},
		{Undocumented(), 3, true, 10 * time.Minute, `192.0.2.1 - - [{at}] "GET /{tag}/.env HTTP/1.1" 404 0 "-" "-"`, 4},
		{RateLimit(), 1, false, 5 * time.Minute, `192.0.2.1 - - [{at}] "GET / HTTP/1.1" 429 0 "-" "-"`, 1},
	}
}

// A told is what is compared of an event.
type told struct {
	First, Last time.Time
	Count       int64
}

// A matching is a request that a row is about.
type matching struct {
	at  time.Time
	tag int
}

// events is what the table says of the matches: there is one event from the first window that
// holds enough on, as long as no window passes without a match.
func (w *row) events(matches []matching) (all []told) {
	going := false
	for i, h := range matches {
		going = going && h.at.Sub(matches[i-1].at) <= w.window
		if going {
			e := &all[len(all)-1]
			e.Last, e.Count = h.at, e.Count+1
			continue
		}
		from := slices.IndexFunc(matches, func(o matching) bool { return h.at.Sub(o.at) <= w.window })
		within := matches[from : i+1]
		n, tags := len(within), map[int]bool{}
		for _, o := range within {
			tags[o.tag] = true
		}
		if w.distinct {
			n = len(tags)
		}
		if going = n >= w.enough; going {
			all = append(all, told{within[0].at, h.at, int64(len(within))})
		}
	}
	return all
}

// matches makes bursts of about as many matches as are enough, or some more, within about a
// window and about one apart.
func (w *row) matches(rnd *rand.Rand) (all []matching) {
	about := func(seconds int) int { return seconds + rnd.IntN(3) - 1 }
	window := int(w.window.Seconds())
	start := time.Date(2026, 3, 1, 9, 55, 0, 0, time.UTC)
	for range 1 + rnd.IntN(4) {
		span := about(window / (1 + rnd.IntN(2)))
		seconds := []int{0, span}
		for range about(w.enough) - 1 + rnd.IntN(2)*rnd.IntN(w.enough+1) {
			seconds = append(seconds, rnd.IntN(span+1))
		}
		slices.Sort(seconds)
		for _, s := range seconds {
			all = append(all, matching{start.Add(time.Duration(s) * time.Second), rnd.IntN(w.tags)})
		}
		start = all[len(all)-1].at.Add(time.Duration(about(window)) * time.Second)
	}
	return all
}

// TestLetter compares detectors with the table that says what they find, around its numbers.
func TestLetter(t *testing.T) {
	const seeds = 60
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range letterRows(t) {
		t.Run(w.detector.Name, func(t *testing.T) {
			total := 0
			for seed := range uint64(seeds) {
				matches := w.matches(rand.New(rand.NewPCG(seed, 0)))
				var log strings.Builder
				for _, h := range matches {
					at := h.at.Format("02/Jan/2006:15:04:05 -0700")
					log.WriteString(strings.NewReplacer("{at}", at, "{tag}", fmt.Sprint(h.tag)).Replace(w.line) + "\n")
				}
				got := tell(w.detector, readFor(t, site, parsers.NginxCombined(), log.String()))
				want := w.events(matches)
				if !slices.Equal(got, want) {
					t.Fatalf("seed %d:\n got %v\nwant %v\nlog:\n%s", seed, got, want, log.String())
				}
				total += len(want)
			}
			if total < seeds/4 || total > 4*seeds-seeds/4 {
				t.Errorf("%d events of %d logs: they are not around the threshold", total, seeds)
			}
		})
	}
}

// tell returns the events that the detector makes of the requests, each as last told.
func tell(d *Detector, requests []*parsers.Request) (all []told) {
	var ids []string
	p := NewPipeline(learner(), []*Detector{d}, nil, 1, Sink{
		Event: func(e Event) {
			i := slices.Index(ids, e.ID)
			if i < 0 {
				i = len(ids)
				ids, all = append(ids, e.ID), append(all, told{})
			}
			all[i] = told{e.First, e.Last, e.Count}
		},
		Alert: func(Alert) {}, Incident: func(Incident) {},
	})
	p.Advance(requests, requests[len(requests)-1].Time.Add(1))
	p.Flush()
	return all
}
