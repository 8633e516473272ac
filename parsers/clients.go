package parsers

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// maxClients is how many clients are remembered for a site, a power of two.
const maxClients = 1 << 16

// ClientNotes have room for what is found out of an address that sends requests, as Notes have
// of a text. It is remembered with them.
type ClientNotes struct {
	located  atomic.Pointer[Located]
	place    atomic.Uint64
	placeLen atomic.Uint32
	size     uint8
	// text is the address in canonical form. That it stands here, and all is as long as a
	// line of the processor's, makes it one look at memory to find it.
	text [43]byte
}

// Located is where an address is, and who says so. It never changes.
type Located struct {
	By     any
	Origin *Origin
}

func (n *ClientNotes) address() string { return unsafe.String(&n.text[0], n.size) }

// Located returns what was set last; nil if nothing was.
func (n *ClientNotes) Located() *Located {
	if n == nil {
		return nil
	}
	return n.located.Load()
}

// SetLocated puts down where the address is.
func (n *ClientNotes) SetLocated(at *Located) {
	if n != nil {
		n.located.Store(at)
	}
}

// Place returns PlaceTag and PlaceLen of the requests that the address sends, as they were set;
// the tag is 0 if they were not.
func (n *ClientNotes) Place() (tag uint64, length uint8) {
	if n == nil {
		return 0, 0
	}
	tag = n.place.Load()
	return tag, uint8(n.placeLen.Load())
}

// SetPlace puts both down. Whoever does sets the same.
func (n *ClientNotes) SetPlace(tag uint64, length uint8) {
	if n != nil {
		n.placeLen.Store(uint32(length)) // first: whoever sees the tag sees this
		n.place.Store(tag)
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
// takes each step for all of them before the next, as that of a memo does.
func (c *clients) findAll(requests []Request, found []*ClientNotes) {
	var at [sideBySide]uint64
	for i := range requests {
		at[i] = maphash.String(c.seed, requests[i].ClientIP) & uint64(len(c.slots)-1)
	}
	for i := range requests {
		found[i] = c.slots[at[i]].Load()
	}
	var sizes [sideBySide]int
	for i := range requests {
		if n := found[i]; n != nil {
			sizes[i] = int(n.size)
		}
	}
	for i := range requests {
		address := requests[i].ClientIP
		if n := found[i]; n != nil && sizes[i] == len(address) && n.address() == address {
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
