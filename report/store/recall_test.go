package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// Requests get the numbers that they would without notes, though two stores share those,
// numbers are forgotten, and tables are read anew.
func TestRecall(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	var stores [3]*Store // the first is given no notes; the others share them, and the last skips batches
	for i := range stores {
		s, err := Open(Memory)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.dims.most = 100
		stores[i] = s
	}
	notes := map[string]*parsers.Notes{}
	noteOf := func(text string) *parsers.Notes {
		if notes[text] == nil {
			notes[text] = &parsers.Notes{}
		}
		return notes[text]
	}
	clients := map[string]*parsers.ClientNotes{}
	clientOf := func(address string) *parsers.ClientNotes {
		if clients[address] == nil || random.IntN(100) == 0 { // or the site has forgotten it
			clients[address] = &parsers.ClientNotes{}
		}
		return clients[address]
	}
	said := [4]map[uint32]string{{}, {}, {}, {}}
	src := &parsers.Source{ID: 1}
	for n := range 200 {
		requests := make([]parsers.Request, 50)
		for i := range requests {
			r := &requests[i]
			r.Source, r.Line = src, int64(50*n+i+1)
			r.ClientIP = fmt.Sprint("192.0.2.", random.IntN(50))
			r.UserAgent = fmt.Sprint("agent/", random.IntN(20))
			r.User, r.PeerIP = pick("", "", "ann"), pick("", "", "198.51.100.7")
			r.Method, r.Host, r.Event = pick("GET", "PUT", ""), pick("", "a.example"), pick("", "auth.login_failed")
			r.Status = random.IntN(4) * 100
			r.Path = fmt.Sprint("/", random.IntN(400))
			r.Shape = pick("/{id}", "/{n}")
			r.Query = pick("", "", "a=1")
			r.Referer = pick("", "https://a.example/")
		}
		var want numbers
		for i, s := range stores {
			if i == 2 && n%3 == 0 {
				continue
			}
			if i > 0 {
				for j := range requests {
					r := &requests[j]
					r.PathNotes, r.AgentNotes, r.ClientNotes = noteOf(r.Path), noteOf(r.UserAgent), clientOf(r.ClientIP)
				}
			}
			if n%60 == 59 {
				if err := s.Flush(); err != nil {
					t.Fatal(err)
				}
				s.Unload()
			}
			rows := s.Rows(&source.Batch{Log: &source.Log{Source: src}, Requests: requests})
			if err := s.Add(rows); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				want = rows.numbers
			}
			if i == 1 && !slices.EqualFunc(rows.numbers[:], want[:], slices.Equal) {
				t.Fatalf("seed %d, batch %d: with notes the numbers are\n%v\nnot\n%v", seed, n, rows.numbers, want)
			}
		}
		for i := range requests {
			for column, of := range stores[0].dims.all() {
				var p parts
				text := fmt.Sprintf("%q", p.of(of.what, &requests[i]))
				id := want[column][i]
				if id == 0 {
					continue
				}
				if old, ok := said[column][id]; ok && old != text {
					t.Fatalf("seed %d, batch %d: number %d of %s stands for %s and for %s", seed, n, id, of.table, old, text)
				}
				said[column][id] = text
			}
		}
	}
}

// Of more callers than are recalled none is taken for another.
func TestRecallCallers(t *testing.T) {
	const many = 2 << callerBits
	for _, n := range []struct{ clients, agents int }{{1, many}, {many, 1}, {300, 300}} {
		t.Run(fmt.Sprintf("%d clients, %d agents", n.clients, n.agents), func(t *testing.T) {
			d := newDims(many)
			d.recentCallers, d.recentCalls = make(recentCallers, 1<<callerBits), make(recentCalls, 1<<callBits)
			d.callers.generation = newGeneration()
			clients, agents := make([]parsers.ClientNotes, n.clients), make([]parsers.Notes, n.agents)
			request := func(id int) *parsers.Request {
				return &parsers.Request{ClientNotes: &clients[id%n.clients], AgentNotes: &agents[id/n.clients]}
			}
			for id := range n.clients * n.agents {
				d.remember(&d.callers, request(id), uint32(id))
			}
			recalled := 0
			for want := range n.clients * n.agents {
				found := newNumbers(1)
				if d.recall([]parsers.Request{*request(want)}, found); len(d.sought[caller]) > 0 {
					continue
				}
				recalled++
				if id := found[caller][0]; id != uint32(want) {
					t.Fatalf("caller %d is taken for %d", want, id)
				}
			}
			if recalled < len(d.recentCallers)/2 {
				t.Errorf("%d are recalled, in %d places", recalled, len(d.recentCallers))
			}
		})
	}
}
