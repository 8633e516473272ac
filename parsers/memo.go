package parsers

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
	"unsafe"
)

// How many texts of a kind are remembered for a site, each at most maxMemoLen bytes long:
// powers of two. So a log full of the longest paths takes 64 MiB, and one of usual
// paths some 10, without what is noted of them.
const (
	maxPaths    = 1 << 16
	maxAgents   = 1 << 12
	maxReferers = 1 << 12
	maxHosts    = 1 << 10
	maxShapes   = 1 << 10
	maxMemoLen  = 256
)

// A memo remembers what became of texts that are logged again and again. Each has two
// slots it may stand in, and what is older there makes room. Many readers use one side by
// side, and there is nothing to wait for: whoever comes too late to find something makes
// it anew.
type memo struct {
	seed  maphash.Seed
	slots []atomic.Pointer[remembered]
}

// remembered is what became of a text. It never changes, but for its notes, and its strings
// are in memory of their own: no line is kept alive by them.
type remembered struct {
	text string // as logged
	// short is where a text lies that fits: to compare it takes no further look at memory,
	// which is what most of finding takes. So long that all is two lines of the processor's,
	// the first with what finds it.
	short  [40]byte
	notes  Notes
	stored string // as it may be stored
	route  string // of a path; else ""
}

// Notes have room for what is found out of a text that many requests share, by whoever
// classifies or judges them: to find it out once, not once a request. They may be used by
// many goroutines. On nil nothing can be written.
type Notes struct {
	number atomic.Uint64
	found  [rooms]atomic.Value
}

// A Room is where one who finds something out writes it.
type Room int

// The rooms.
const (
	Routing Room = iota // for the route map
	Judging             // for detectors
	rooms
)

// Read returns what was written last in the room; nil if nothing was.
func (n *Notes) Read(room Room) any {
	if n == nil {
		return nil
	}
	return n.found[room].Load()
}

// Write puts down what was found out, which never changes from then on and is always of one
// type in one room.
func (n *Notes) Write(room Room, found any) {
	if n != nil {
		n.found[room].Store(found)
	}
}

// Number returns the number that was set last; 0 if none was. It is the store's.
func (n *Notes) Number() uint64 {
	if n == nil {
		return 0
	}
	return n.number.Load()
}

// SetNumber puts down a number.
func (n *Notes) SetNumber(number uint64) {
	if n != nil {
		n.number.Store(number)
	}
}

func newMemo(slots int) memo {
	return memo{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[remembered], slots)}
}

// find returns what became of the text, nil if that is not remembered.
func (m *memo) find(text string) *remembered {
	i := maphash.String(m.seed, text) & uint64(len(m.slots)-1)
	if r := m.slots[i].Load(); r != nil && r.text == text {
		return r
	}
	if r := m.slots[i^1].Load(); r != nil && r.text == text {
		return r
	}
	return nil
}

// sideBySide is how many texts are looked for at a time, where many are: more than that
// memory does not fetch at a time.
const sideBySide = 32

// findAll is find for up to sideBySide texts. It takes each step for all of them before the
// next, so that they wait for memory together.
func (m *memo) findAll(texts []string, found []*remembered) {
	var at [sideBySide]uint64
	for i, text := range texts {
		at[i] = maphash.String(m.seed, text) & uint64(len(m.slots)-1)
	}
	for i := range texts {
		found[i] = m.slots[at[i]].Load()
	}
	for i, text := range texts {
		if r := found[i]; r != nil && r.text == text {
			continue
		}
		if r := m.slots[at[i]^1].Load(); r != nil && r.text == text {
			found[i] = r
			continue
		}
		found[i] = nil
	}
}

// keep remembers what became of r.text, unless that is too long to keep, and returns r.
// The route is what is stored, or in memory of its own.
func (m *memo) keep(r *remembered) *remembered {
	if len(r.text) > maxMemoLen {
		return r
	}
	var text string
	if len(r.text) <= len(r.short) {
		text = unsafe.String(&r.short[0], copy(r.short[:], r.text))
	} else {
		text = strings.Clone(r.text)
	}
	stored := text
	if r.stored != text {
		stored = strings.Clone(r.stored)
	}
	if r.route == r.stored {
		r.route = stored
	}
	r.text, r.stored = text, stored
	i := maphash.String(m.seed, text) & uint64(len(m.slots)-1)
	if old := m.slots[i].Load(); old != nil {
		m.slots[i^1].Store(old)
	}
	m.slots[i].Store(r)
	return r
}

// memos are what is remembered for the readers of a site, by what is logged.
type memos struct {
	paths, agents, referers, hosts, shapes memo
	clients                                clients
}

func newMemos() *memos {
	return &memos{newMemo(maxPaths), newMemo(maxAgents), newMemo(maxReferers), newMemo(maxHosts), newMemo(maxShapes), newClients(maxClients)}
}
