package parsers

import (
	"net/netip"
	"testing"
)

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		in, want string
		valid    bool
	}{
		{"203.0.113.9", "203.0.113.9", true},
		{"203.0.113.9:51234", "203.0.113.9", true},
		{` "203.0.113.9" `, "203.0.113.9", true},
		{"[203.0.113.9]:80", "203.0.113.9", true},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1", true},
		{"2001:db8:0:0:0:0:0:1:443", "2001:db8::1", true},
		{"2001:db8:1:2:3:4:5:6:51234", "2001:db8:1:2:3:4:5:6", true},
		{"[2001:db8::1]:443", "2001:db8::1", true},
		{"[2001:db8::1]", "2001:db8::1", true},
		{"fe80::1%eth0", "fe80::1", true},
		{"[fe80::1%25eth0]:80", "fe80::1", true},
		{"::ffff:203.0.113.9", "203.0.113.9", true},
		{"::ffff:cb00:7109", "203.0.113.9", true},
		{"[::ffff:203.0.113.9]:80", "203.0.113.9", true},
		{"", "", false},
		{`""`, "", false},
		{"unix:", "unix:", false},
		{"unix:/run/app.sock", "unix:/run/app.sock", false},
		{"client.example.com", "client.example.com", false},
		{"host-7.example.com:80", "host-7.example.com:80", false},
		{"unknown", "unknown", false},
		{"_hidden", "_hidden", false},
		{"203.0.113", "203.0.113", false},
		{"203.0.113.009", "203.0.113.009", false},
		{"203.0.113.9:", "203.0.113.9:", false},
		{"203.0.113.9:port", "203.0.113.9:port", false},
		{"[2001:db8::1", "[2001:db8::1", false},
		{"[2001:db8::1]x", "[2001:db8::1]x", false},
		{":", ":", false},
		{"[]", "[]", false},
		{"%", "%", false},
	} {
		t.Run(test.in, func(t *testing.T) {
			text, addr := address(test.in)
			if text != test.want || addr.IsValid() != test.valid {
				t.Fatalf("got %q, valid %t; want %q, valid %t", text, addr.IsValid(), test.want, test.valid)
			}
			if test.valid && addr != netip.MustParseAddr(test.want) {
				t.Errorf("got address %s, want %s", addr, test.want)
			}
		})
	}
}

// What is canonical at a glance is so when it is looked at.
func FuzzCanonical(f *testing.F) {
	for _, canonical := range []string{"203.0.113.9", "0.0.0.0", "255.255.255.255", "2001:db8::1", "2001:db8:1:2:3:4:5:6", "2001:db8::", "2001:db8:0:1::7", "1::2"} {
		if !isCanonical(canonical) {
			f.Errorf("%s is canonical", canonical)
		}
		f.Add(canonical)
	}
	for _, seed := range []string{
		"", "256.0.0.1", "01.2.3.4", "1.2.3", "1.2.3.4.5", "1..2.3", "1.2.3.", "2001:DB8::1", "2001:db8::1::2", "2001:db8:0:0:1:2:3:4",
		"2001:db8::0:1", "2001:db8:0::1", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "2001:db8:", "::", "::1", "::ffff:1:2",
		"2001:0db8::1", "fe80::1%eth0", "64:ff9b::192.0.2.1", "1:::2", "12345::1", "1:0:0:2::3",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, addr := address(s)
		if isCanonical(s) && (text != s || !addr.IsValid()) {
			t.Errorf("%q is %q, valid %t", s, text, addr.IsValid())
		}
		if bare := unbracketed("[" + s + "]"); bare != "["+s+"]" {
			if text, addr := address("[" + s + "]"); text != bare || !addr.IsValid() {
				t.Errorf("%q in brackets is %q, valid %t, want %q", s, text, addr.IsValid(), bare)
			}
		}
	})
}

func TestClient(t *testing.T) {
	proxies := []string{"192.0.2.1", "10.0.0.0/8", "2001:db8:ff::/48"}
	for _, test := range []struct {
		name              string
		trusted           []string
		remote, forwarded string
		ip, peer          string
	}{
		{"no proxy", nil, "203.0.113.9", "", "203.0.113.9", ""},
		{"nothing trusted", nil, "203.0.113.9", "198.51.100.7", "203.0.113.9", ""},
		{"a forged header", proxies, "203.0.113.9", "198.51.100.7", "203.0.113.9", ""},
		{"one proxy", proxies, "192.0.2.1", "203.0.113.9", "203.0.113.9", "192.0.2.1"},
		{"proxy without a header", proxies, "192.0.2.1", "-", "192.0.2.1", ""},
		{"forged leftmost", proxies, "192.0.2.1", "198.51.100.7, 203.0.113.9", "203.0.113.9", "192.0.2.1"},
		{"two proxies", proxies, "192.0.2.1:443", "198.51.100.7, 203.0.113.9:1234, 10.1.2.3", "203.0.113.9", "192.0.2.1"},
		{"two proxies, blanks between", proxies, "192.0.2.1", "198.51.100.7 203.0.113.9 10.1.2.3", "203.0.113.9", "192.0.2.1"},
		{"proxies all the way", proxies, "192.0.2.1", "10.0.0.3,10.0.0.2", "10.0.0.3", "192.0.2.1"},
		{"unknown", proxies, "192.0.2.1", "203.0.113.9, unknown", "192.0.2.1", ""},
		{"unknown behind a proxy", proxies, "192.0.2.1", "203.0.113.9, _hidden, 10.0.0.2", "10.0.0.2", "192.0.2.1"},
		{"garbage", proxies, "192.0.2.1", "203.0.113.9, ' OR 1=1", "192.0.2.1", ""},
		{"only separators", proxies, "192.0.2.1", ", ,", "192.0.2.1", ""},
		{"IPv6", proxies, "[2001:db8:ff::1]:443", "[2001:DB8::9]:1234", "2001:db8::9", "2001:db8:ff::1"},
		{"mapped proxy", proxies, "::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9", "10.0.0.1"},
		{"no peer", nil, "", "198.51.100.7, 203.0.113.9", "203.0.113.9", ""},
		{"no peer, past the proxies", proxies, "-", "198.51.100.7, 203.0.113.9, 10.0.0.2", "203.0.113.9", ""},
		{"no peer, no address", proxies, "", "unknown", "", ""},
		{"a peer that is not known", proxies, "unknown", "", "", ""},
		{"a peer that is not known, but forwards", proxies, "unknown", "203.0.113.9", "203.0.113.9", ""},
		{"a list for the peer", nil, "198.51.100.7, 203.0.113.9", "", "203.0.113.9", ""},
		{"a list for the peer, past the proxies", proxies, "198.51.100.7,203.0.113.9,10.0.0.2:80", "", "203.0.113.9", "10.0.0.2"},
		{"a list for the peer, which is no address", nil, "203.0.113.9, ' OR 1=1", "", "203.0.113.9, ' OR 1=1", ""},
		{"behind grep's name of a file", nil, "access.log:203.0.113.9", "", "203.0.113.9", ""},
		{"behind grep's name and number", proxies, "/var/log/access.log-1:12:192.0.2.1", "203.0.113.9", "203.0.113.9", "192.0.2.1"},
		{"behind grep's number", nil, "12:203.0.113.9", "", "203.0.113.9", ""},
		{"IPv6 behind a name", nil, "access.log:2001:db8::9", "", "2001:db8::9", ""},
		{"a name with a port", nil, "client.example.com:80", "", "client.example.com:80", ""},
		{"half an address", nil, "[2001:db8::9", "", "[2001:db8::9", ""},
		{"a name", proxies, "client.example.com", "198.51.100.7", "client.example.com", ""},
		{"a socket", proxies, "unix:", "203.0.113.9", "unix:", ""},
		{"quoted entries", proxies, "192.0.2.1", `"203.0.113.9", "10.0.0.2"`, "203.0.113.9", "192.0.2.1"},
		{"mapped entry", proxies, "192.0.2.1", "203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9", "192.0.2.1"},
		{"zone", proxies, "192.0.2.1", "fe80::7%eth0", "fe80::7", "192.0.2.1"},
		{"RFC 7239", proxies, "192.0.2.1", `for=198.51.100.7, for="[2001:DB8::9]:4711";proto=https;by=10.0.0.2`, "2001:db8::9", "192.0.2.1"},
		{"RFC 7239, past the proxies", proxies, "192.0.2.1", `For="203.0.113.9:80"; proto=http, host=h.example; for=10.0.0.3`, "203.0.113.9", "192.0.2.1"},
		{"RFC 7239, hidden", proxies, "192.0.2.1", "for=203.0.113.9, for=_hidden", "192.0.2.1", ""},
		{"RFC 7239, unknown", proxies, "192.0.2.1", `for="unknown"`, "192.0.2.1", ""},
		{"RFC 7239, no for", proxies, "192.0.2.1", "for=203.0.113.9, proto=https", "192.0.2.1", ""},
		{"RFC 7239, torn", proxies, "192.0.2.1", "for=198.51.100.7;for=203.0.113.9;=;for", "192.0.2.1", ""},
		{"RFC 7239 forged before an address", proxies, "192.0.2.1", `for=198.51.100.7;x=", 203.0.113.9`, "203.0.113.9", "192.0.2.1"},
		{"RFC 7239 forged before an element", proxies, "192.0.2.1", `for="198.51.100.7, for=203.0.113.9`, "203.0.113.9", "192.0.2.1"},
		{"RFC 7239 forged before blanks", proxies, "192.0.2.1", "for=198.51.100.7; 203.0.113.9", "203.0.113.9", "192.0.2.1"},
		{"a name with a secret", nil, "token=abc", "", "token=tok_ba7816bf8f01", ""},
		{"a network", []string{"private"}, "172.16.0.9", "203.0.113.9, 100.64.0.1, fd00::7", "203.0.113.9", "172.16.0.9"},
		{"another network", []string{"cloudflare"}, "10.0.0.1", "203.0.113.9", "10.0.0.1", ""},
		{"a trusted socket", []string{"unix:"}, "unix:/run/app.sock", "203.0.113.9", "203.0.113.9", "unix:/run/app.sock"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := read(t, SiteConfig{TrustedProxies: test.trusted}, Fields{Remote: test.remote, ForwardedFor: test.forwarded})
			if r.ClientIP != test.ip || r.PeerIP != test.peer {
				t.Errorf("got client %q, peer %q; want %q, %q", r.ClientIP, r.PeerIP, test.ip, test.peer)
			}
		})
	}
}

func TestAddressDoesNotAllocate(t *testing.T) {
	for _, in := range []string{"203.0.113.9", "203.0.113.9:443", "2001:db8::1", "[2001:db8::1]:443", "::ffff:203.0.113.9", "unix:", "a.example"} {
		if n := testing.AllocsPerRun(100, func() { address(in) }); n != 0 {
			t.Errorf("%v allocations for %s", n, in)
		}
	}
}
