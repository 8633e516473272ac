package geo

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// show writes what a list holds in one line.
func show(l *List) string {
	text := fmt.Sprintf("%s from %s", l.Kind, l.From)
	if !l.Date.IsZero() {
		text += " of " + l.Date.Format(time.DateOnly)
	}
	if l.Licence != "" {
		text += fmt.Sprintf(" (%s)", l.Licence)
	}
	for _, p := range l.Prefixes {
		text += " " + p.String()
	}
	for _, n := range l.Networks {
		text += fmt.Sprintf(" AS%d", n)
	}
	if l.Reserved > 0 {
		text += fmt.Sprintf(" and %d reserved", l.Reserved)
	}
	return text
}

func TestReadList(t *testing.T) {
	for _, c := range []struct{ name, path, text, want string }{
		{"plain", "vpn.txt", "9.9.9.9\n9.8.0.0/16\n2a00:1::/32\n", "vpn from vpn.txt 9.8.0.0/16 9.9.9.9/32 2a00:1::/32"},
		{"sorted and each once", "vpn.txt", "9.9.9.9\n9.9.9.9/32\n9.9.0.0/16\n::ffff:9.9.9.9\n9.9.9.9\n", "vpn from vpn.txt 9.9.0.0/16 9.9.9.9/32"},
		{"bits beyond the prefix", "vpn.txt", "9.9.9.9/16\n2a00:1::1/32", "vpn from vpn.txt 9.9.0.0/16 2a00:1::/32"},
		{"IPv4 in IPv6", "vpn.txt", "::ffff:9.9.0.0/112", "vpn from vpn.txt 9.9.0.0/16"},
		{"comments", "x/vpn.txt", "\ufeff# License: MIT\n; a\n// b\n\n9.9.9.9 # c\n9.9.9.8 ; d\n  9.9.9.7\t\r\n# kind: tor\n",
			"vpn from vpn.txt (MIT) 9.9.9.7/32 9.9.9.8/32 9.9.9.9/32"},
		{"what it says of itself", "list.txt", "# kind: cloud-amazon\n# from: ranges.txt\n# date: 2026-03-01\n# licence: CC0-1.0\n9.9.9.9\n",
			"cloud-amazon from ranges.txt of 2026-03-01 (CC0-1.0) 9.9.9.9/32"},
		{"a sentence on the licence", "vpn.txt", "# This list is licensed under CC-BY 4.0\n9.9.9.9", "vpn from vpn.txt (This list is licensed under CC-BY 4.0) 9.9.9.9/32"},
		{"networks", "datacenter.txt", "asn:64500\nAS64501 # x\nas64500\nASN:AS64502\n", "datacenter from datacenter.txt AS64500 AS64501 AS64502"},
		{"Tor, its exits", "exits", "ExitNode 00\nPublished 2026-03-01 10:00:00\nLastStatus 2026-03-01 11:00:00\nExitAddress 9.9.9.9 2026-03-02 10:00:00\n" +
			"ExitNode 01\nExitAddress 9.9.9.8 2026-03-01 10:00:00\n", "tor from exits of 2026-03-02 9.9.9.8/32 9.9.9.9/32"},
		{"Tor, a table", "nodes.csv", "fingerprint, ipaddr, port\n00AA, 9.9.9.9, 444\n00AB, 2620:7:6003::141, 81\n", "tor from nodes.csv 9.9.9.9/32 2620:7:6003::141/128"},
		{"a table without header", "relay.csv", "9.9.9.0/31,GB,GB-EN,London,\n\"9.9.8.0/31\",GB\n", "relay from relay.csv 9.9.8.0/31 9.9.9.0/31"},
		{"a table with quotes", "datacenters.csv", `"cidr","hostmin","vendor"` + "\n" + `"9.9.9.0/24","9.9.9.1","x, y"`, "datacenter from datacenters.csv 9.9.9.0/24"},
		{"reserved ranges", "vpn.txt", "10.0.0.0/8\n9.9.9.9\nfc00::/16\n203.0.113.5\n", "vpn from vpn.txt 9.9.9.9/32 and 3 reserved"},
		{"of no kind", "some.txt", "9.9.9.9", " from some.txt 9.9.9.9/32"},
		{"a licence that lies", "vpn.txt", "# License: M\x1b[31mI\u202eT\n9.9.9.9", "vpn from vpn.txt (M[31mIT) 9.9.9.9/32"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := ReadList(strings.NewReader(c.text), c.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(l); got != c.want {
				t.Errorf("%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestReadListErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "vpn.txt: no address in it"},
		{"comments alone", "# a\n# b\n", "vpn.txt: no address in it"},
		{"reserved alone", "10.0.0.0/8\n", "vpn.txt: no address in it"},
		{"prose", "Dear diary,\n", `vpn.txt:1: "Dear" is no address, prefix or asn:NUMBER`},
		{"HTML", "<!DOCTYPE html>\n", `vpn.txt:1: "<!DOCTYPE" is no address, prefix or asn:NUMBER`},
		{"a NUL byte", "9.9.9.9\n9.9.9.\x008\n", "vpn.txt:2: a NUL byte: this is no text"},
		{"everything", "9.9.9.9\n0.0.0.0/0\n", "vpn.txt:2: 0.0.0.0/0 is wider than /8: it would mark a good part of the internet"},
		{"everything of IPv6", "::/0\n", "vpn.txt:1: ::/0 is wider than /16: it would mark a good part of the internet"},
		{"a half of it", "128.0.0.0/1\n", "vpn.txt:1: 128.0.0.0/1 is wider than /8: it would mark a good part of the internet"},
		{"all of IPv4 in IPv6", "::ffff:0:0/96\n", "vpn.txt:1: 0.0.0.0/0 is wider than /8: it would mark a good part of the internet"},
		{"more than IPv4 in IPv6", "::ffff:0:0/95\n", `vpn.txt:1: "::ffff:0:0/95" holds more than IPv4`},
		{"a bad prefix", "9.9.9.9/33\n", `vpn.txt:1: "9.9.9.9/33" is no prefix`},
		{"a zone", "fe80::1%eth0\n", `vpn.txt:1: "fe80::1%eth0" is no address, prefix or asn:NUMBER`},
		{"a network of number 0", "AS0\n", `vpn.txt:1: "AS0": the number of an autonomous system is from 1 to 4294967295`},
		{"a network of too high a number", "asn:4294967296\n", `vpn.txt:1: "asn:4294967296": the number of an autonomous system is from 1 to 4294967295`},
		{"a row too short", "name,ip\na,9.9.9.9\nb\n", "vpn.txt:3: 1 columns, and the address should stand in column 2"},
		{"an unknown kind", "# kind: evil\n9.9.9.9\n", `vpn.txt:1: no kind "evil": it is one of tor, vpn, relay, datacenter, cloud-NAME or crawler-NAME`},
		{"a long line", "9.9.9.9\n" + strings.Repeat("9", 1<<20), "vpn.txt:2: a line of more than 4096 bytes is no list's"},
		{"an escape", "\x1b[2J\n", `vpn.txt:1: "\x1b[2J" is no address, prefix or asn:NUMBER`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadList(strings.NewReader(c.text), "vpn.txt")
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// endless gives the same text for ever.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func TestListsAreBounded(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"in bytes", "#" + strings.Repeat(" ", 1022) + "\n", "vpn.txt: more than 64 MiB"},
		{"in entries", "9.9.9.9\n", "vpn.txt:1000001: more than 1000000 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadList(&endless{text: c.text}, "vpn.txt")
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestKindOf(t *testing.T) {
	for path, want := range map[string]Kind{
		"tor.txt": "tor", "tor-exits.csv": "tor", "torbulkexitlist": "tor", "exit-addresses": "tor", "Tor_exit.list": "tor",
		"vpn-ipv4.txt": "vpn", "output/vpn/ipv6.txt": "vpn", "cloud-protonvpn-ipv4.txt": "vpn", "protonvpn/ipv4_merged.txt": "vpn",
		"cloud-apple-proxy-ipv6.txt": "relay", "apple-proxy/ipv4.txt": "relay", "private-relay.csv": "relay", "relay.txt": "relay",
		"cloud-amazon-ipv4.txt": "cloud-amazon", "amazon/ipv4_merged.txt": "cloud-amazon", "digitalocean.txt": "cloud-digitalocean",
		"cloud-my-own.txt": "cloud-my-own", `C:\lists\cloud-google-ipv6.txt`: "cloud-google",
		"cloud-googlebot-ipv4.txt": "crawler-googlebot", "bing/ipv4.txt": "crawler-bing", "crawler-bing.txt": "crawler-bing", "duckduckbot.txt": "crawler-duckduckbot",
		"datacenter-ipv4.txt": "datacenter", "datacenters.csv": "datacenter", "hosting.netset": "datacenter",
		"": "", "ipv4.txt": "", "/ipv4.txt": "", "torrents.txt": "", "monitor-ips.txt": "", "allow.txt": "", "cloud-.txt": "", "cloud-a_b c.txt": "cloud-a-b-c",
		"cloud-Ünïcode.txt": "", "cloud-" + strings.Repeat("x", 40) + ".txt": "",
	} {
		if got := KindOf(strings.ReplaceAll(path, `\`, "/")); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// A list that is written reads as it was.
func again(t *testing.T, l *List) {
	var b bytes.Buffer
	if _, err := l.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	read, err := ReadList(&b, "written.txt")
	if err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	want := *l
	want.Reserved = 0
	want.Date = want.Date.UTC().Truncate(24 * time.Hour)
	if !reflect.DeepEqual(*read, want) {
		t.Fatalf("%s\nwas\n%s", show(read), show(&want))
	}
}

func FuzzReadList(f *testing.F) {
	for _, text := range []string{
		"9.9.9.9\n9.8.0.0/16 # x\n2a00:1::/32\nasn:64500\n", "# kind: tor\n# date: 2026-03-01\n# licence: MIT\n9.9.9.9",
		"ExitAddress 9.9.9.9 2026-03-02 10:00:00\n", "fingerprint, ipaddr, port\n00AA, 9.9.9.9, 444\n", "\ufeff;\n\x00", "\"cidr\";x\n9.9.9.0/24;1",
	} {
		f.Add([]byte(text), "vpn.txt")
	}
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		l, err := ReadList(bytes.NewReader(text), path)
		if err != nil {
			return
		}
		for i, p := range l.Prefixes {
			if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() || p.Bits() < leastBits(p) || i > 0 && comparePrefixes(l.Prefixes[i-1], p) >= 0 {
				t.Fatalf("prefix %d is %s", i, p)
			}
		}
		if l.Kind == "" {
			l.Kind = "tor"
		}
		if _, err := ParseKind(string(l.Kind)); err != nil {
			t.Fatal(err)
		}
		again(t, l)
	})
}

func FuzzLookup(f *testing.F) {
	db, err := Open(Config{Intel: put(f, someLists)})
	if err != nil {
		f.Fatal(err)
	}
	for _, client := range []string{"9.9.9.1", "::ffff:9.9.9.1%z", "2001:0:4136:e378:8000:63bf:376c:fc62", "x", ""} {
		f.Add(client)
	}
	f.Fuzz(func(t *testing.T, client string) {
		o := db.Lookup(client)
		if o == nil {
			return
		}
		if _, known := CountryOf(o.Country); o.Country != "" && !known {
			t.Errorf("%q: no country %q", client, o.Country)
		}
		if o.Has(parsers.Reserved) && o.Country != "" {
			t.Errorf("%q is reserved and in %s", client, o.Country)
		}
	})
}

func BenchmarkReadList(b *testing.B) {
	var text bytes.Buffer
	for i := range 50000 {
		fmt.Fprintf(&text, "9.%d.%d.0/24\n", i>>8, i&255)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadList(bytes.NewReader(text.Bytes()), "vpn.txt"); err != nil {
			b.Fatal(err)
		}
	}
}
