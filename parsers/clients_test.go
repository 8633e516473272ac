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

// A request brings its address along in the notes of the client, whether that is new or known.
func TestClientIsInItsNotes(t *testing.T) {
	rd := ByName("nginx-combined").NewReader(site(t, SiteConfig{}), &Source{})
	for range 2 {
		var r Request
		if err := rd.Read(`192.0.2.7 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`, 1, &r); err != nil {
			t.Fatal(err)
		}
		if r.ClientIP != "192.0.2.7" || unsafe.StringData(r.ClientIP) != &r.ClientNotes.text[0] {
			t.Errorf("%q stands elsewhere", r.ClientIP)
		}
	}
}
