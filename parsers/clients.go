package parsers

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// maxClients is how many clients are remembered for a site, a power of two.
const maxClients = 1 << 16

// ClientNotes are Notes of an address that sends requests, with one room. It is remembered
// with them.
type ClientNotes struct {
	found atomic.Value
	size  uint8
	// text is the address in canonical form. That it stands here, and all is as long as a
	// line of the processor's, makes it one look at memory to find it.
	text [47]byte
}

func (n *ClientNotes) address() string { return unsafe.String(&n.text[0], n.size) }

// Read returns what was written last; nil if nothing was.
func (n *ClientNotes) Read() any {
	if n == nil {
		return nil
	}
	return n.found.Load()
}

// Write puts down what was found out, which never changes from then on and is always of one
// type.
func (n *ClientNotes) Write(found any) {
	if n != nil {
		n.found.Store(found)
	}
}

// clients remembers those of a site as a memo does texts. What it finds is canonical as it
// stands.
type clients struct {
	seed  maphash.Seed
	slots []atomic.Pointer[ClientNotes]
}

func newClients(slots int) clients {
	return clients{maphash.MakeSeed(), make([]atomic.Pointer[ClientNotes], slots)}
}

// findAll finds those of up to sideBySide requests, nil for one that is not remembered. It
// takes each step for all of them before the next, so that they wait for memory together.
func (c *clients) findAll(requests []Request, found []*ClientNotes) {
	var at [sideBySide]uint64
	for i := range requests {
		at[i] = maphash.String(c.seed, requests[i].ClientIP) & uint64(len(c.slots)-1)
	}
	for i := range requests {
		found[i] = c.slots[at[i]].Load()
	}
	for i := range requests {
		address := requests[i].ClientIP
		if n := found[i]; n != nil && n.address() == address {
			continue
		}
		if n := c.slots[at[i]^1].Load(); n != nil && n.address() == address {
			found[i] = n
			continue
		}
		found[i] = nil
	}
}

// keep remembers an address in canonical form.
func (c *clients) keep(address string) *ClientNotes {
	i := maphash.String(c.seed, address) & uint64(len(c.slots)-1)
	if old := c.slots[i].Load(); old != nil {
		c.slots[i^1].Store(old)
	}
	n := &ClientNotes{}
	n.size = uint8(copy(n.text[:], address))
	c.slots[i].Store(n)
	return n
}
