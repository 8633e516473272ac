package parsers

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// files opens files by name.
func files(texts map[string]string) OpenFunc {
	return func(name string) (io.ReadCloser, error) {
		text, ok := texts[name]
		if !ok {
			return nil, errors.New("open " + name + ": no such file")
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

func TestProxySets(t *testing.T) {
	for _, test := range []struct {
		set, in, out string // addresses
	}{
		{"cloudflare", "104.16.0.1 173.245.63.255 2400:cb00::1 2a06:98c7:ffff::1", "104.28.0.1 203.0.113.9 2001:db8::1 10.0.0.1"},
		{"fastly", "151.101.1.57 199.232.0.1 2a04:4e42::1 167.82.130.1", "151.102.0.1 2a04:4e43::1"},
		{"google-lb", "35.191.255.1 130.211.3.255 2600:2d00:1:1::7", "130.211.4.0 35.192.0.1 2600:2d00:1:2::7"},
		{"imperva", "45.60.1.2 199.83.135.255 2a02:e987::1", "45.61.0.1 2a02:e988::1"},
		{"sucuri", "192.88.135.255 185.93.231.1 2a02:fe87::1", "192.88.136.0 2a02:fe88::1"},
		{"private", "127.0.0.1 10.255.255.255 172.31.0.1 192.168.0.1 100.127.0.1 169.254.1.1 ::1 fe80::1 fd00::1 ::ffff:10.0.0.1",
			"126.255.255.255 11.0.0.0 172.32.0.1 192.169.0.1 100.128.0.1 169.255.0.1 ::2 fec0::1 fe00::1 2001:db8::1"},
	} {
		t.Run(test.set, func(t *testing.T) {
			s := site(t, SiteConfig{TrustedProxies: []string{test.set}})
			for i, list := range [...]string{test.in, test.out} {
				for text := range strings.FieldsSeq(list) {
					if _, addr := address(text); s.trusts(addr) != (i == 0) {
						t.Errorf("trusts %s: %t", text, i != 0)
					}
				}
			}
		})
	}
	for _, set := range proxySets {
		for _, p := range set.prefixes() {
			if p != p.Masked() {
				t.Errorf("%s: %s has bits beyond its mask", set.name, p)
			}
		}
	}
	if names := ProxySets(); len(names) != len(proxySets) || names[0] != "cloudflare" {
		t.Errorf("the sets are %v", names)
	}
}

func TestProxySetOf(t *testing.T) {
	for address, want := range map[string]string{
		"104.16.0.1":        "cloudflare",
		"::ffff:104.16.0.1": "cloudflare",
		"2a04:4e42::1":      "fastly",
		"10.0.0.1":          "private",
		"fe80::1%eth0":      "private",
		"203.0.113.9":       "",
	} {
		if got := ProxySetOf(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is of %q, want %q", address, got, want)
		}
	}
}

// TestEdgeRanges holds them to the proxies on the internet: who is inside may be a client.
func TestEdgeRanges(t *testing.T) {
	edges := EdgeRanges()
	for address, want := range map[string]bool{"104.16.0.1": true, "2a02:e987::1": true, "10.0.0.1": false, "::1": false, "203.0.113.9": false} {
		a := netip.MustParseAddr(address)
		if got := slices.ContainsFunc(edges, func(p netip.Prefix) bool { return p.Contains(a) }); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
}

const amazonList = `{
  "syncToken": "1", "createDate": "2026-03-01-10-00-00",
  "prefixes": [
    {"ip_prefix": "198.51.100.0/24", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"},
    {"ip_prefix": "203.0.113.0/24", "region": "us-east-1", "service": "EC2", "network_border_group": "us-east-1"}
  ],
  "ipv6_prefixes": [
    {"ipv6_prefix": "2001:db8:1::/48", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"},
    {"ipv6_prefix": "2001:db8:2::/200", "region": "GLOBAL", "service": "BROKEN", "network_border_group": "GLOBAL"}
  ]
}
`

func TestProxyLists(t *testing.T) {
	open := files(map[string]string{
		"list.txt":  "\ufeff# ours\r\n198.51.100.0/24\r\n\n  2001:db8:1::/48 # CDN\n::ffff:192.0.2.1",
		"bad.txt":   "198.51.100.0/24\n\nlb.example\n",
		"mask.txt":  "198.51.100.7/24",
		"empty.txt": "# nothing\n",
		"long.txt":  strings.Repeat("#", maxProxies+1),
		"aws.json":  amazonList,
		"ec2.json":  `{"prefixes":[{"ip_prefix":"198.51.100.0/24","service":"EC2"}],"ipv6_prefixes":[{"ipv6_prefix":"2001:db8:1::/48","service":"EC2"}]}`,
		"torn.json": amazonList[:300],
		"type.json": "{\n\"prefixes\": 7}",
		"else.json": `{"values":[]}`,
	})
	for _, test := range []struct {
		list, err string // err is "" where 198.51.100.1 and 2001:db8:1::1 are trusted
	}{
		{"list.txt", ""},
		{"aws.json#CLOUDFRONT", ""},
		{"aws.json#cloudfront", ""},
		{"ec2.json", ""},
		{"none.txt", "open none.txt: no such file"},
		{"bad.txt", `bad.txt:3: "lb.example" is neither an address nor a CIDR range`},
		{"mask.txt", `mask.txt:1: "198.51.100.7/24" has bits set beyond its mask: did you mean 198.51.100.0/24?`},
		{"empty.txt", "empty.txt: no addresses in it"},
		{"long.txt", "long.txt: longer than 8388608 bytes"},
		{"list.txt#EC2", `list.txt: a service, "EC2", can be named of Amazon's ip-ranges.json only`},
		{"aws.json", `aws.json: name a service, as in "file:aws.json#CLOUDFRONT": the rest is whoever rents a machine there`},
		{"ec2.json#S3", `ec2.json: no service "S3" in it: there are EC2`},
		{"aws.json#BROKEN", `aws.json:9: "2001:db8:2::/200" is neither an address nor a CIDR range`},
		{"torn.json", "torn.json:5: unexpected end of JSON input"},
		{"type.json", "type.json:2: json: cannot unmarshal number into Go struct field .prefixes of type []parsers.entry"},
		{"else.json", `else.json: no "prefixes" in it, as Amazon's ip-ranges.json has them`},
	} {
		t.Run(test.list, func(t *testing.T) {
			s, err := NewSite(SiteConfig{TrustedProxies: []string{"file:" + test.list}, Open: open})
			if test.err != "" {
				if err == nil || err.Error() != "trusted_proxies: "+test.err {
					t.Errorf("got  %v\nwant trusted_proxies: %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for text, want := range map[string]bool{"198.51.100.1": true, "2001:db8:1::1": true, "203.0.113.1": false} {
				if s.trusts(netip.MustParseAddr(text)) != want {
					t.Errorf("trusts %s: %t", text, !want)
				}
			}
		})
	}
}

// FuzzProxyList reads any bytes as a list: they are addresses or an error.
func FuzzProxyList(f *testing.F) {
	f.Add("198.51.100.0/24 # a", "")
	f.Add(amazonList, "CLOUDFRONT")
	f.Fuzz(func(t *testing.T, text, service string) {
		s, err := NewSite(SiteConfig{
			TrustedProxies: []string{"file:x#" + service},
			Open:           files(map[string]string{"x": text}),
		})
		if err == nil && s.Fingerprint() == "" {
			t.Errorf("neither proxies nor an error of %q", text)
		}
	})
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "bc", 1}, {"bc", "abc", 1},
		{"cloudflair", "cloudflare", 2}, {"a-very-long-name", "abc", 16},
	} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func BenchmarkTrusts(b *testing.B) {
	addrs := []netip.Addr{netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("104.16.3.4"), netip.MustParseAddr("2001:db8::9")}
	var list strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&list, "198.%d.%d.0/25\n", 18+i>>8, i&255)
	}
	for _, entries := range [][]string{nil, {"private"}, ProxySets(), {"file:list"}} {
		s := site(b, SiteConfig{TrustedProxies: entries, Open: files(map[string]string{"list": list.String()})})
		b.Run(strings.Join(append(entries, "of"), ","), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.trusts(addrs[i%len(addrs)])
			}
		})
	}
}
