package notify

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// A URL that aims inside is refused by what it says, before anything is asked.
func TestInsideIsRefused(t *testing.T) {
	for _, address := range []string{
		"https://127.0.0.1/", "https://0x7f.1/", "https://[::ffff:10.0.0.1]/", "https://localhost/", "https://hook.internal/",
		"https://169.254.169.254/latest/meta-data/", "https://127.0.0.1.nip.io/", "http://example.com/", "file:///etc/passwd",
		"https://user:password@example.com/", "https:///", "nothing",
	} {
		if _, err := (&door{}).hook(address); err == nil {
			t.Errorf("%s is allowed", address)
		}
	}
	for _, address := range []string{"https://example.com/hook", "https://hooks.example.com:8443/x?y=z"} {
		if _, err := (&door{}).hook(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// fakeDNS answers every question for an IPv4 address with one that changes from answer to
// answer, and every other with none.
func fakeDNS(t *testing.T, answers ...[4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var asked atomic.Int32
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			q := buf[:n]
			end := 12
			for q[end] != 0 {
				end += int(q[end]) + 1
			}
			kind := binary.BigEndian.Uint16(q[end+1:])
			out := append([]byte{}, q[:end+5]...)
			binary.BigEndian.PutUint16(out[2:], 0x8180)
			copy(out[6:12], make([]byte, 6)) // no answers, authorities, additions
			if kind == 1 {
				a := answers[min(int(asked.Add(1))-1, len(answers)-1)]
				binary.BigEndian.PutUint16(out[6:], 1)
				out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, a[0], a[1], a[2], a[3])
			}
			conn.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A public name that leads inside, now or only when it is asked again, leads nowhere.
func TestRebinding(t *testing.T) {
	s, got := server(t, ok)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d := &door{resolver: fakeDNS(t, [4]byte{127, 0, 0, 1})}
	h, err := d.hook("https://hooks.example.com:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	h.url = strings.Replace(h.url, "https:", "http:", 1) // the server speaks no TLS
	err = h.post(context.Background(), noon, []byte("{}"), nil)
	var send *SendError
	if !errors.As(err, &send) || !send.Permanent || !strings.Contains(send.Error(), "loopback") {
		t.Errorf("error %v", err)
	}
	if len(*got) > 0 {
		t.Error("the request went inside")
	}
	// The same name, allowed: it is the check that stopped it.
	d = &door{private: true, resolver: d.resolver}
	if h, err = d.hook(h.url); err != nil {
		t.Fatal(err)
	}
	if err := h.post(context.Background(), noon, []byte("{}"), nil); err != nil || len(*got) != 1 {
		t.Errorf("%d requests, error %v", len(*got), err)
	}
}

// A redirect inside is not followed, whoever may go there.
func TestRedirect(t *testing.T) {
	inside, reached := server(t, ok)
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, http.StatusFound) })
	h, err := (&door{private: true}).hook(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	err = h.post(context.Background(), noon, []byte("{}"), nil)
	var send *SendError
	if !errors.As(err, &send) || !send.Permanent || len(*reached) > 0 {
		t.Errorf("error %v, %d requests inside", err, len(*reached))
	}
}

func TestRefuseInside(t *testing.T) {
	for address, refused := range map[string]bool{
		"127.0.0.1:443": true, "[::1]:443": true, "[fe80::1%eth0]:443": true, "[::ffff:192.168.1.1]:443": true, "10.0.0.1:25": true,
		"169.254.169.254:80": true, "[64:ff9b::a00:1]:443": true, "100.64.0.1:443": true, "0.0.0.0:443": true, "nonsense": true,
		"8.8.8.8:443": false, "[2606:4700::1111]:443": false,
	} {
		if err := refuseInside("tcp", address, nil); (err != nil) != refused {
			t.Errorf("%s: %v", address, err)
		}
	}
}
