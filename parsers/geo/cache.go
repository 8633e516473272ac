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

// sideBySide is how many clients are looked for at a time, where many are: more than that
// memory does not fetch at a time.
const sideBySide = 32

// findAll finds what is remembered of the clients of up to sideBySide requests. It takes
// each step for all of them before the next, so that they wait for memory together.
func (c *cache) findAll(requests []parsers.Request, found []*entry) {
	var at [sideBySide]uint64
	for i := range requests {
		at[i] = maphash.String(c.seed, requests[i].ClientIP) % slots
	}
	for i := range requests {
		found[i] = c.slot[at[i]].Load()
	}
	for i := range requests {
		client := requests[i].ClientIP
		if e := found[i]; e != nil && e.is(client) {
			continue
		}
		if e := c.slot[at[i]^1].Load(); e != nil && e.is(client) {
			found[i] = e
			continue
		}
		found[i] = nil
	}
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
