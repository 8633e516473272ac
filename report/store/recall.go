package store

import (
	"sync/atomic"
	"unsafe"

	"github.com/litesoc/litesoc/parsers"
)

// A generation is how long a number that was found holds: until numbers are forgotten, or
// read from the tables anew. No two of one process are the same, of whatever store. What
// is recalled is what would be found by its hash.
type generation uint32

var generations atomic.Uint32

func newGeneration() generation { return generation(generations.Add(1)) }

// noted returns the number that the notes have of this generation; 0 if they have none.
func (g generation) noted(n *parsers.Notes) uint32 {
	number := n.Number()
	if generation(number>>32) != g {
		return 0
	}
	return uint32(number)
}

// note leaves the number in the notes.
func (g generation) note(n *parsers.Notes, number uint32) {
	n.SetNumber(uint64(g)<<32 | uint64(number))
}

// recall finds the numbers of what the requests say that are at hand without a hash: they were
// found in this generation, or there is nothing, which has the number 0. The rest is sought. All
// of a request is looked at before the next: it is long, and to fetch it from memory again for
// each column takes longer than to recall that.
func (d *dims) recall(requests []parsers.Request, of numbers) {
	for column := range d.sought {
		d.sought[column] = d.sought[column][:0]
	}
	for i := range requests {
		r := &requests[i]
		known := false
		if isPlainCaller(r) {
			c := d.recentCallers.of(r)
			if known = c.client == r.ClientNotes && c.agent == r.AgentNotes && c.generation == d.callers.generation; known {
				of[caller][i] = c.id
			}
		}
		if !known {
			d.seek(caller, i)
		}
		if c := d.recentCalls.of(r); c.generation == d.calls.generation && c.is(r) {
			of[call][i] = c.id
		} else {
			d.seek(call, i)
		}
		if r.Query == "" {
			of[target][i] = d.targets.generation.noted(r.PathNotes)
		}
		if of[target][i] == 0 {
			d.seek(target, i)
		}
		if r.Referer != "" {
			d.seek(referer, i)
		}
	}
}

// seek notes that what the request says is to be looked up.
func (d *dims) seek(w what, request int) {
	d.sought[w] = append(d.sought[w], lookup{request: request})
}

// remember puts the number of what the request says down for recall.
func (d *dims) remember(of *dim, r *parsers.Request, id uint32) {
	switch of.what {
	case caller:
		if isPlainCaller(r) {
			*d.recentCallers.of(r) = recentCaller{r.ClientNotes, r.AgentNotes, id, of.generation}
		}
	case call:
		d.recentCalls.of(r).set(r, id, of.generation)
	case target:
		if r.Query == "" {
			of.generation.note(r.PathNotes, id)
		}
	}
}

// spread times a number has bits at its top that depend on all bits of the number.
const spread = 0x9e3779b97f4a7c15

// recentCallers are callers that were found last, each in the one place it may stand in.
type recentCallers []recentCaller

// callerBits is the power of two that tells how many there are.
const callerBits = 15

// A recentCaller is a caller, who is plain, and the number. What has the same notes is the
// same: they stand for the texts.
type recentCaller struct {
	client     *parsers.ClientNotes
	agent      *parsers.Notes
	id         uint32
	generation generation
}

// isPlainCaller tells whether the request says no more of the caller than an address and a
// user agent, which have notes.
func isPlainCaller(r *parsers.Request) bool {
	return r.ClientNotes != nil && r.AgentNotes != nil &&
		len(r.PeerIP)|len(r.User)|len(r.APIKey)|len(r.KeyPrefix)|len(r.Token)|len(r.Session)|len(r.Tenant) == 0
}

// of returns the place of the caller, who is plain.
func (c recentCallers) of(r *parsers.Request) *recentCaller {
	at := uint64(uintptr(unsafe.Pointer(r.ClientNotes))) + uint64(uintptr(unsafe.Pointer(r.AgentNotes)))*spread
	return &c[at*spread>>(64-callerBits)]
}

// recentCalls are calls that were found last, each in the one place it may stand in.
type recentCalls []recentCall

// callBits is the power of two that tells how many there are.
const callBits = 10

// A recentCall is a call and its number, without a pointer: the text is the shape, method,
// host and event, each up to its end.
type recentCall struct {
	id                        uint32
	generation                generation
	status                    int16
	shape, method, host, text uint8
	texts                     [112]byte
}

// of returns the place of what the request says. Shapes that are equal mostly stand in one
// place of memory.
func (c recentCalls) of(r *parsers.Request) *recentCall {
	at := uint64(uintptr(unsafe.Pointer(unsafe.StringData(r.Shape)))) + uint64(r.Status)<<1 + uint64(len(r.Method))
	return &c[at*spread>>(64-callBits)]
}

// is tells whether the request says the same.
func (c *recentCall) is(r *parsers.Request) bool {
	return int(c.status) == r.Status &&
		string(c.texts[:c.shape]) == r.Shape && string(c.texts[c.shape:c.method]) == r.Method &&
		string(c.texts[c.method:c.host]) == r.Host && string(c.texts[c.host:c.text]) == r.Event
}

// set keeps what the request says, unless that is too long.
func (c *recentCall) set(r *parsers.Request, id uint32, g generation) {
	if len(r.Shape)+len(r.Method)+len(r.Host)+len(r.Event) > len(c.texts) || r.Status != int(int16(r.Status)) {
		return
	}
	t := append(c.texts[:0], r.Shape...)
	c.shape = uint8(len(t))
	t = append(t, r.Method...)
	c.method = uint8(len(t))
	t = append(t, r.Host...)
	c.host = uint8(len(t))
	t = append(t, r.Event...)
	c.text = uint8(len(t))
	c.id, c.generation, c.status = id, g, int16(r.Status)
}
