package parsers

import (
	"testing"
	"unsafe"
)

// To find a client takes one look at memory, whichever address it has.
func TestClientNotes(t *testing.T) {
	var none *ClientNotes
	none.SetPlace(1, 2)
	none.SetLocated(&Located{})
	if tag, length := none.Place(); tag != 0 || length != 0 || none.Located() != nil {
		t.Error("there are notes of nobody")
	}
	c := newClients(2)
	const longest = "2001:db8:1111:2222:3333:4444:5555:6666"
	n := c.keep(longest)
	if got := n.address(); got != longest || unsafe.Sizeof(*n) != 64 {
		t.Errorf("%q in %d bytes", got, unsafe.Sizeof(*n))
	}
	at := &Located{Origin: &Origin{Country: "DE"}}
	n.SetPlace(1, 2)
	n.SetLocated(at)
	if tag, length := n.Place(); tag != 1 || length != 2 || n.Located() != at {
		t.Errorf("place %d and %d, located %+v", tag, length, n.Located())
	}
}
