package detect

import (
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	for _, c := range []struct {
		url    string
		target Target
		rng    string
		host   string
	}{
		// Public.
		{"https://hooks.example.com/x", TargetPublic, "", "hooks.example.com"},
		{"http://93.184.215.14:8080/", TargetPublic, "", "93.184.215.14"},
		{"https://10.evil.com/", TargetPublic, "", "10.evil.com"},
		{"https://127.0.0.1.evil.com/", TargetPublic, "", "127.0.0.1.evil.com"},
		{"https://localhost.evil.com/", TargetPublic, "", "localhost.evil.com"},
		{"https://internal.example.com/", TargetPublic, "", "internal.example.com"},
		{"https://[2606:2800:21f:cb07::1]/", TargetPublic, "", "2606:2800:21f:cb07::1"},
		{"https://93-184-215-14.nip.io/", TargetPublic, "", "93-184-215-14.nip.io"},
		{"https://user:pw@example.com/", TargetPublic, "", "example.com"},
		{"https://example.com/?to=http://127.0.0.1/", TargetPublic, "", "example.com"},
		{"https://example.com/@127.0.0.1", TargetPublic, "", "example.com"},
		{"https://bücher.example.com/", TargetPublic, "", "bücher.example.com"},
		{"example.com:8080/x", TargetPublic, "", "example.com"},
		{"//example.com/x", TargetPublic, "", "example.com"},
		{"http://[64:ff9b::5db8:d70e]/", TargetPublic, "", "64:ff9b::5db8:d70e"},

		// What a check of names and leading numbers lets through.
		{"https://[::1]/", TargetInside, "loopback", "::1"},
		{"http://0.0.0.0/", TargetInside, "unspecified", "0.0.0.0"},
		{"http://[::ffff:127.0.0.1]/", TargetInside, "loopback", "::ffff:127.0.0.1"},
		{"http://localhost./", TargetInside, "loopback", "localhost"},
		{"\u00a0http://localhost/\ufeff", TargetInside, "loopback", "localhost"},
		{"http://metadata.google.internal/", TargetInside, "metadata", "metadata.google.internal"},
		{"http://100.64.0.1/", TargetInside, "shared", "100.64.0.1"},
		{"http://[fd00::1]/", TargetInside, "unique-local", "fd00::1"},

		// Other spellings of IPv4.
		{"http://2130706433/", TargetInside, "loopback", "127.0.0.1"},
		{"http://0177.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://0x7f.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://0X7F000001/", TargetInside, "loopback", "127.0.0.1"},
		{"http://017700000001/", TargetInside, "loopback", "127.0.0.1"},
		{"http://127.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://127.0.1", TargetInside, "loopback", "127.0.0.1"},
		{"http://0/", TargetInside, "unspecified", "0.0.0.0"},
		{"http://0x/", TargetInside, "unspecified", "0.0.0.0"},
		{"http://010.0.0.1/", TargetInside, "private", "10.0.0.1"}, // 8.0.0.1 to others
		{"http://0000000000127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://2852039166/", TargetInside, "metadata", "169.254.169.254"},
		{"http://127.0.0.1./", TargetInside, "loopback", "127.0.0.1"},
		{"http://%31%32%37.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://１２７。０．０｡１/", TargetInside, "loopback", "127.0.0.1"},
		{"http://①②⑦.⓪.⓪.①/", TargetInside, "loopback", "127.0.0.1"},
		{"http://ⓛocal\u00adhost/", TargetInside, "loopback", "localhost"},

		// IPv6, and IPv4 in it.
		{"http://[0:0:0:0:0:0:0:1]:8080/", TargetInside, "loopback", "::1"},
		{"http://[::]/", TargetInside, "unspecified", "::"},
		{"http://::1/", TargetInside, "loopback", "::1"},
		{"http://[::1%25eth0]/", TargetInside, "loopback", "::1"},
		{"http://[fe80::1%eth0]/", TargetInside, "link-local", "fe80::1"},
		{"http://[::127.0.0.1]/", TargetInside, "loopback", "::7f00:1"},
		{"http://[::ffff:0:10.0.0.1]/", TargetInside, "private", "::ffff:0:a00:1"},
		{"http://[::ffff:a9fe:a9fe]/", TargetInside, "metadata", "::ffff:169.254.169.254"},
		{"http://[64:ff9b::a9fe:a9fe]/", TargetInside, "metadata", "64:ff9b::a9fe:a9fe"},
		{"http://[2002:7f00:1::]/", TargetInside, "loopback", "2002:7f00:1::"},
		{"http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", TargetInside, "loopback", "2001:0:4136:e378:8000:63bf:80ff:fffe"},
		{"http://[2606:4700::5efe:10.0.0.1]/", TargetInside, "private", "2606:4700::5efe:a00:1"},
		{"http://[2606:4700::200:5efe:a00:1]/", TargetInside, "private", "2606:4700::200:5efe:a00:1"},
		{"http://[ff02::1]/", TargetInside, "multicast", "ff02::1"},
		{"http://[4000::1]/", TargetInside, "reserved", "4000::1"},
		{"http://[2001:db8::1]/", TargetInside, "documentation", "2001:db8::1"},
		{"http://[fd00:ec2::254]/", TargetInside, "metadata", "fd00:ec2::254"},

		// Ranges.
		{"http://10.255.255.255/", TargetInside, "private", "10.255.255.255"},
		{"http://11.0.0.0/", TargetPublic, "", "11.0.0.0"},
		{"http://172.16.0.1/", TargetInside, "private", "172.16.0.1"},
		{"http://172.31.255.255/", TargetInside, "private", "172.31.255.255"},
		{"http://172.32.0.1/", TargetPublic, "", "172.32.0.1"},
		{"http://192.168.1.1/", TargetInside, "private", "192.168.1.1"},
		{"http://169.254.1.1/", TargetInside, "link-local", "169.254.1.1"},
		{"http://169.254.169.254/latest/meta-data/", TargetInside, "metadata", "169.254.169.254"},
		{"http://169.254.170.2/v2/credentials", TargetInside, "metadata", "169.254.170.2"},
		{"http://100.100.100.200/", TargetInside, "metadata", "100.100.100.200"},
		{"http://192.0.0.192/", TargetInside, "metadata", "192.0.0.192"},
		{"http://168.63.129.16/", TargetInside, "metadata", "168.63.129.16"},
		{"http://100.128.0.1/", TargetPublic, "", "100.128.0.1"},
		{"http://198.18.0.1/", TargetInside, "benchmarking", "198.18.0.1"},
		{"http://203.0.113.9/", TargetInside, "documentation", "203.0.113.9"},
		{"http://224.0.0.1/", TargetInside, "multicast", "224.0.0.1"},
		{"http://250.1.2.3/", TargetInside, "reserved", "250.1.2.3"},

		// Names.
		{"HTTP://LOCALHOST:3000", TargetInside, "loopback", "localhost"},
		{"http://a.localhost/", TargetInside, "loopback", "a.localhost"},
		{"localhost:3000/x", TargetInside, "loopback", "localhost"},
		{"localhost", TargetInside, "loopback", "localhost"},
		{"http://instance-data/latest", TargetInside, "metadata", "instance-data"},
		{"http://metadata/", TargetInside, "metadata", "metadata"},
		{"http://db.corp.internal/", TargetInside, "internal name", "db.corp.internal"},
		{"http://printer.local/", TargetInside, "internal name", "printer.local"},
		{"https://kubernetes.default.svc/api", TargetInside, "cluster", "kubernetes.default.svc"},
		{"http://redis:6379/", TargetInside, "single name", "redis"},
		{"http://127.0.0.1.nip.io/", TargetInside, "loopback", "127.0.0.1.nip.io"},
		{"http://app-10-0-0-1.sslip.io/", TargetInside, "private", "app-10-0-0-1.sslip.io"},
		{"http://7f000001.nip.io/", TargetInside, "loopback", "7f000001.nip.io"},
		{"http://--1.sslip.io/", TargetInside, "loopback", "--1.sslip.io"},
		{"http://a.lvh.me:3000/", TargetInside, "loopback", "a.lvh.me"},
		{"http://localtest.me/", TargetInside, "loopback", "localtest.me"},

		// Where the host stands.
		{"http://public@127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://127.0.0.1#@example.com/", TargetInside, "loopback", "127.0.0.1"},
		{"http://example.com#@127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{`http://127.0.0.1\@example.com/`, TargetInside, "loopback", "127.0.0.1"},
		{`http://example.com\@127.0.0.1/`, TargetInside, "loopback", "127.0.0.1"},
		{"http://a@127.0.0.1@example.com/", TargetInside, "loopback", "127.0.0.1"},
		{"http://127.0.0.1 @example.com/", TargetInside, "loopback", "127.0.0.1"},
		{`http:\\127.0.0.1\`, TargetInside, "loopback", "127.0.0.1"},
		{"http:/127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http:127.0.0.1", TargetInside, "loopback", "127.0.0.1"},
		{"http:///127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{`\\127.0.0.1\share`, TargetInside, "loopback", "127.0.0.1"},
		{"//127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"url:http://127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{" \tht\ntp://127.\r0.0.1/ ", TargetInside, "loopback", "127.0.0.1"},
		{"http://127.0.0.1%2f.example.com/", TargetInside, "loopback", "127.0.0.1"},
		{"http://169.254.169.254%23.example.com/", TargetInside, "metadata", "169.254.169.254"},
		{"http://10.0.0.1%3fexample.com/", TargetInside, "private", "10.0.0.1"},
		{"http://localhost%00.example.com/", TargetInside, "loopback", "localhost"},
		{"http://127.0.0.1%0d%0aHost:x/", TargetInside, "loopback", "127.0.0.1"},
		{"http://127.0.0.1%5c.example.com/", TargetInside, "loopback", "127.0.0.1"},
		{"http://example.com%2f.127.0.0.1.nip.io/", TargetInvalid, "", "example.com/.127.0.0.1.nip.io"},
		{"http://example.com%2f@127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://example.com&@127.0.0.1/", TargetInside, "loopback", "127.0.0.1"},
		{"http://example.com:80@127.0.0.1:81/", TargetInside, "loopback", "127.0.0.1"},
		{`http:\/\/127.0.0.1/`, TargetInside, "loopback", "127.0.0.1"},

		// Numbers too large.
		{"http://7147006462/", TargetInside, "metadata", "169.254.169.254"},
		{"http://425.510.425.510/", TargetInside, "metadata", "169.254.169.254"},
		{"http://383.256.256.257/", TargetInside, "loopback", "127.0.0.1"},
		{"http://4294967296/", TargetInvalid, "", "4294967296"},
		{"http://300.8.8.8/", TargetInvalid, "", "300.8.8.8"},
		{"http://1.2.3.4.99999999999999999999/", TargetInvalid, "", "1.2.3.4.99999999999999999999"},

		// Ports.
		{"http://example.com:8443/", TargetPublic, "", "example.com"},
		{"http://example.com:/", TargetPublic, "", "example.com"},
		{"http://user:99999@example.com/", TargetPublic, "", "example.com"},
		{"http://[2606:4700::1]:443/", TargetPublic, "", "2606:4700::1"},
		{"http://2606:4700::1/", TargetPublic, "", "2606:4700::1"},
		{"http://example.com/:99999", TargetPublic, "", "example.com"},
		{"http://example.com:65536/", TargetInvalid, "", "example.com"},
		{"http://example.com:0x50/", TargetInvalid, "", "example.com"},
		{"http://[2606:4700::1]:99999/", TargetInvalid, "", "2606:4700::1"},

		// Zones, and addresses in addresses.
		{"http://[fe80::1%25eth0]/", TargetInside, "link-local", "fe80::1"},
		{"http://[::1%25lo]:80/", TargetInside, "loopback", "::1"},
		{"http://[64:ff9b::a00:1]/", TargetInside, "private", "64:ff9b::a00:1"},
		{"http://[64:ff9b::808:808]/", TargetPublic, "", "64:ff9b::808:808"},
		{"http://[2002:7f00:1::]/", TargetInside, "loopback", "2002:7f00:1::"},
		{"http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", TargetInside, "loopback", "2001:0:4136:e378:8000:63bf:80ff:fffe"},

		// Metadata of clouds, and their neighbours.
		{"http://api.metadata.cloud.ibm.com/", TargetInside, "metadata", "api.metadata.cloud.ibm.com"},
		{"http://metadata.google.com/", TargetPublic, "", "metadata.google.com"},
		{"http://168.63.129.16/", TargetInside, "metadata", "168.63.129.16"},
		{"http://192.0.0.192/opc/v2/", TargetInside, "metadata", "192.0.0.192"},
		{"http://100.100.100.200/", TargetInside, "metadata", "100.100.100.200"},
		{"http://foo.svc/", TargetInside, "cluster", "foo.svc"},
		{"http://127.0.0.1:99999/", TargetInside, "loopback", "127.0.0.1"},

		// Not http.
		{"file:///etc/passwd", TargetNotHTTP, "", ""},
		{"GOPHER://127.0.0.1:6379/_x", TargetNotHTTP, "", "127.0.0.1"},
		{"dict://example.com:11211/", TargetNotHTTP, "", "example.com"},
		{"ftp://example.com/a", TargetNotHTTP, "", "example.com"},
		{"svn+ssh://example.com/a", TargetNotHTTP, "", "example.com"},
		{"jar:http://example.com/a.jar!/", TargetNotHTTP, "", ""},
		{"data:text/html,x", TargetNotHTTP, "", ""},
		{"javascript:alert(1)", TargetNotHTTP, "", ""},
		{"myapp://callback", TargetNotHTTP, "", "callback"},

		// Nothing that is fetched.
		{"", TargetInvalid, "", ""},
		{" ", TargetInvalid, "", ""},
		{"/home", TargetInvalid, "", ""},
		{"?a=b", TargetInvalid, "", ""},
		{"../x", TargetInvalid, "", ""},
		{"word", TargetInvalid, "", ""},
		{"http://", TargetInvalid, "", ""},
		{"http://./", TargetInvalid, "", ""},
		{"http://a..b/", TargetInvalid, "", "a..b"},
		{"http://256.0.0.1/", TargetInvalid, "", "256.0.0.1"},
		{"http://1.2.3.4.5/", TargetInvalid, "", "1.2.3.4.5"},
		{"http://[::1/", TargetInside, "loopback", "::1"},
		{"http://[zz]/", TargetInvalid, "", "[zz]"},
		{"http://<host>/", TargetInvalid, "", "<host>"},
		{"http://" + strings.Repeat("a", 300) + ".com/", TargetInvalid, "", clip(strings.Repeat("a", 300))},
	} {
		t.Run(c.url, func(t *testing.T) {
			v := CheckURL(c.url)
			if v.Target != c.target || v.Range != c.rng || v.Host != c.host {
				t.Errorf("got %+v\nwant %s, range %q, host %q", v, c.target, c.rng, c.host)
			}
			if v.Reason == "" {
				t.Error("no reason")
			}
		})
	}
}

// FuzzCheckURL holds what every verdict must: it has a reason and is short, and what is
// inside by its plain form is inside however it is wrapped.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"http://0x7f.1/", "http://[::ffff:1.2.3.4%25a]", `http://a\@b#@c`, "x:y", "//", "http://%2531", "①", "1.2.3", "[", "http://a@b@c d/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := CheckURL(s)
		if v.Reason == "" || len(v.Host) > 4*maxText || len(v.Reason) > 8*maxText {
			t.Fatalf("%q: %+v", s, v)
		}
		if (v.Range != "") != (v.Target == TargetInside) {
			t.Fatalf("%q: a range says where inside: %+v", s, v)
		}
		if host := v.Host; v.Target == TargetInside && !strings.ContainsAny(host, ":…") && host != "" {
			if again := CheckURL("HTTP://user@" + strings.ToUpper(host) + ".:80/"); again.Target != TargetInside {
				t.Fatalf("%q is inside, %q wrapped is %+v", s, host, again)
			}
		}
	})
}
