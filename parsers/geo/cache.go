package geo

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/litesoc/litesoc/parsers"
)

// slots is how many clients are remembered.
const slots = 1 << 16

// A cache remembers the origins of clients. Each client has two slots it may stand in,
// and what is older there makes room. There is nothing to wait for: whoever comes too
// late to find something looks it up again.
type cache struct {
	seed maphash.Seed
	slot [slots]atomic.Pointer[entry]
}

// An entry never changes. It holds the text of the client itself: to follow one pointer
// more takes as long as to look up a client that has none.
type entry struct {
	origin *parsers.Origin
	size   uint8
	text   [maxClient]byte
}

func (e *entry) is(client string) bool { return string(e.text[:e.size]) == client }

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

// find returns the origin of client, and whether it is remembered.
func (c *cache) find(client string) (*parsers.Origin, bool) {
	i := maphash.String(c.seed, client) % slots
	if e := c.slot[i].Load(); e != nil && e.is(client) {
		return e.origin, true
	}
	if e := c.slot[i^1].Load(); e != nil && e.is(client) {
		return e.origin, true
	}
	return nil, false
}

// keep remembers the origin of client.
func (c *cache) keep(client string, origin *parsers.Origin) {
	i := maphash.String(c.seed, client) % slots
	if old := c.slot[i].Load(); old != nil {
		c.slot[i^1].Store(old)
	}
	e := &entry{origin: origin, size: uint8(len(client))}
	copy(e.text[:], client)
	c.slot[i].Store(e)
}
