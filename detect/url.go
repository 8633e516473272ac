package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Target says where a URL aims.
type Target string

// The targets.
const (
	TargetPublic  Target = "public"   // an http or https URL of a host on the internet, by what it says
	TargetInside  Target = "inside"   // a host that only the server, its network or its cloud reaches
	TargetNotHTTP Target = "not-http" // another scheme: file, gopher, dict, …
	TargetInvalid Target = "invalid"  // nothing that a client would fetch
)

// A Verdict says where a URL aims and why that is so.
type Verdict struct {
	Target Target `json:"verdict"`
	// Range names the kind of host inside: "loopback", "private", "metadata", …; "" for
	// other targets.
	Range  string `json:"range"`
	Host   string `json:"host"`   // as a client understands it: an address in its usual form, a name in lower case; "" if there is none
	Reason string `json:"reason"` // in plain words
}

// CheckURL tells where a URL aims, as the HTTP client of a server would read it: curl,
// a browser's engine, or the C library's way with addresses. Where clients differ, the
// reading that aims inside holds. The verdict shares no memory with the text. Without a scheme the text is read as host, port and
// path. Names are not looked up: a public name may well resolve to an address inside.
func CheckURL(text string) Verdict {
	text = tidyURL(text)
	scheme, rest := cutScheme(text)
	switch {
	case text == "":
		return Verdict{Target: TargetInvalid, Reason: "there is nothing to read"}
	case scheme == "" && !slashed(text) && strings.IndexByte("/\\?#.", text[0]) >= 0:
		return Verdict{Target: TargetInvalid, Reason: "it is a path, not a URL"}
	case scheme != "" && scheme != "http" && scheme != "https":
		return Verdict{Target: TargetNotHTTP, Host: hostOf(rest), Reason: clip(scheme) + " is neither http nor https"}
	}
	hosts := hostsOf(strings.TrimLeft(rest, `/\`))
	first := checkHost(hosts[0])
	for _, other := range hosts[1:] {
		if v := checkHost(other); v.Target == TargetInside && first.Target != TargetInside {
			v.Reason += "; clients differ in where the host of this URL stands"
			return v
		}
	}
	if first.Target == TargetPublic && !goodPort(rest) {
		return Verdict{Target: TargetInvalid, Host: first.Host, Reason: "its port is none from 0 to 65535"}
	}
	if scheme == "" && !slashed(text) && first.Range == rangeDotless && !strings.ContainsAny(text, ":/") {
		return Verdict{Target: TargetInvalid, Reason: "it is a word, not a URL"}
	}
	return first
}

// tidyURL drops what clients drop before they read a URL: blanks and controls around
// it, tabs and line ends in it, and the "url:" that some of them know.
func tidyURL(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' || r == '\u00a0' || r == '\ufeff' })
	if strings.ContainsAny(text, "\t\r\n") {
		text = strings.Map(func(r rune) rune {
			if r == '\t' || r == '\r' || r == '\n' {
				return -1
			}
			return r
		}, text)
	}
	if len(text) > len("url:") && strings.EqualFold(text[:len("url:")], "url:") {
		return text[len("url:"):]
	}
	return text
}

// cutScheme parts the scheme, in lower case, from what follows its colon. There is none
// in "host:8080" and "user@host".
func cutScheme(text string) (scheme, rest string) {
	i := strings.IndexByte(text, ':')
	if i <= 0 || !isLetter(text[0]) {
		return "", text
	}
	for _, c := range []byte(text[:i]) {
		if !isLetter(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return "", text
		}
	}
	after := text[i+1:]
	port := 0
	for port < len(after) && isDigit(after[port]) {
		port++
	}
	scheme = strings.ToLower(text[:i])
	if port > 0 && scheme != "http" && scheme != "https" && (port == len(after) || strings.IndexByte(`/\?#`, after[port]) >= 0) {
		return "", text
	}
	return scheme, after
}

// slashed tells whether the text begins as a URL does that takes its scheme from the
// page it stands in.
func slashed(text string) bool {
	return len(text) >= 2 && (text[0] == '/' || text[0] == '\\') && (text[1] == '/' || text[1] == '\\')
}

// hostsOf returns the host of the text behind a scheme and its slashes, as browsers
// read it, and then as others do.
func hostsOf(rest string) []string {
	authority := rest
	if i := strings.IndexAny(rest, `/\?#`); i >= 0 {
		authority = rest[:i]
	}
	user := strings.LastIndexByte(authority, '@')
	hosts := []string{cutPort(authority[user+1:])}
	// By RFC 3986 a backslash ends nothing, and careless readers let only a slash do so:
	// "http://public\@inside/", "http://public#@inside/".
	whole, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(whole, '@'); i > user {
		hosts = append(hosts, cutPort(whole[i+1:]))
	}
	// Some stop at the first of several: "http://a@inside@public/".
	if i := strings.IndexByte(authority, '@'); i != user {
		next, _, _ := strings.Cut(authority[i+1:], "@")
		hosts = append(hosts, cutPort(next))
	}
	// Some end it at a blank: "http://inside @public/".
	if before, _, found := strings.Cut(authority, " "); found {
		hosts = append(hosts, cutPort(before))
	}
	return hosts
}

// hostOf returns the host of a URL that is not http, as far as it shows one.
func hostOf(rest string) string {
	if !slashed(rest) {
		return ""
	}
	return checkHost(hostsOf(rest[2:])[0]).Host
}

// cutPort returns the host of "host:port". An IPv6 address may stand without brackets.
func cutPort(host string) string {
	if strings.HasPrefix(host, "[") {
		if i := strings.IndexByte(host, ']'); i >= 0 {
			return host[:i+1]
		}
		return host
	}
	if i := strings.IndexByte(host, ':'); i >= 0 && i == strings.LastIndexByte(host, ':') {
		return host[:i]
	}
	return host
}

// goodPort tells whether the port of a URL, behind its scheme, is one or left out.
func goodPort(rest string) bool {
	rest = strings.TrimLeft(rest, `/\`)
	if i := strings.IndexAny(rest, `/\?#`); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	i := strings.LastIndexByte(rest, ':')
	if i < 0 || i < strings.LastIndexByte(rest, ']') || i != strings.IndexByte(rest, ':') && rest[0] != '[' {
		return true
	}
	if rest[i+1:] == "" {
		return true
	}
	_, err := strconv.ParseUint(rest[i+1:], 10, 16)
	return err == nil
}

const maxHost = 253 // bytes of a name in DNS

// checkHost judges a host as it stands in a URL.
func checkHost(spelled string) Verdict {
	if len(spelled) > 8*maxHost { // percent-encoded in full, and more
		return Verdict{Target: TargetInvalid, Reason: "the host is too long"}
	}
	host := plainHost(spelled)
	if host == "" {
		return Verdict{Target: TargetInvalid, Reason: "it names no host"}
	}
	if a, ok := parseIPv6(host); ok {
		return checkAddr(a, spelled)
	}
	if endsInNumber(host) {
		return checkNumeric(host, spelled)
	}
	// What ends a host ends it for some after percent-decoding: "127.0.0.1%2f.example.com".
	if i := strings.IndexAny(host, "/\\?#\x00\r\n"); i > 0 {
		if v := checkHost(host[:i]); v.Target == TargetInside {
			v.Reason += "; clients differ in where the host of this URL ends"
			return v
		}
	}
	if what := badName(host); what != "" {
		return Verdict{Target: TargetInvalid, Host: clip(host), Reason: what}
	}
	return checkName(host)
}

// plainHost brings a host into the form in which it is looked up: percent-decoded,
// letters and digits of other widths and in circles made plain, as IDNA has it, lower
// case, without dots at the end.
func plainHost(host string) string {
	host = unescape(host, false)
	if isASCII(host) {
		return strings.TrimRight(strings.ToLower(host), ".")
	}
	host = norm.NFKC.String(host)
	host = strings.Map(func(r rune) rune {
		switch r {
		case '\u3002', '\uff61':
			return '.'
		case '\u00ad', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
			return -1
		}
		return r
	}, host)
	return strings.TrimRight(strings.ToLower(host), ".")
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// parseIPv6 reads an IPv6 address, in brackets or without, less its zone.
func parseIPv6(host string) (netip.Addr, bool) {
	if !strings.Contains(host, ":") {
		return netip.Addr{}, false
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	host, _, _ = strings.Cut(host, "%")
	a, err := netip.ParseAddr(host)
	return a, err == nil && a.Is6()
}

// endsInNumber tells whether clients take the host for an IPv4 address or nothing: its
// last part is a number.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last != "" && strings.Trim(last, "0123456789") == "" {
		return true
	}
	_, ok := parseNumber(last, false)
	return ok
}

// checkNumeric judges an IPv4 address in any of its spellings. A leading zero makes a
// number octal to some and nothing to others.
func checkNumeric(host, spelled string) Verdict {
	octal, isOctal := parseIPv4(host, true)
	decimal, isDecimal := parseIPv4(host, false)
	switch {
	case !isOctal && !isDecimal:
		if a, ok := overflowed(host); ok {
			if r := rangeOf(a); r != nil && slices.Contains(aimedAt, r.name) {
				return Verdict{TargetInside, r.name, a.String(), fmt.Sprintf("%s means %s to clients that let numbers overflow, %s", clip(spelled), a, r.what)}
			}
		}
		return Verdict{Target: TargetInvalid, Host: clip(host), Reason: clip(host) + " ends in a number and is no address"}
	case !isOctal:
		return checkAddr(decimal, spelled)
	}
	v := checkAddr(octal, spelled)
	if v.Target != TargetInside && isDecimal && decimal != octal {
		if other := checkAddr(decimal, spelled); other.Target == TargetInside {
			return other
		}
	}
	return v
}

// aimedAt are the ranges for which addresses are spelled with numbers too large: others
// come out of typing errors.
var aimedAt = []string{rangeLoopback, rangeMetadata, "private", "link-local"}

// overflowed reads decimal numbers of which only the lowest bits count: four of a byte
// each, or one of all 32 bits.
func overflowed(host string) (netip.Addr, bool) {
	var b []byte
	parts := strings.Split(host, ".")
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 10, 64)
		switch {
		case err != nil:
			return netip.Addr{}, false
		case len(parts) == 1:
			return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), true
		}
		b = append(b, byte(n))
	}
	if len(b) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(b)), true
}

// parseIPv4 reads an address of one to four numbers, of which the last fills what is
// left, as inet_aton does.
func parseIPv4(host string, octal bool) (netip.Addr, bool) {
	var sum uint64
	left := 4 // bytes
	for {
		part, rest, more := strings.Cut(host, ".")
		n, ok := parseNumber(part, octal)
		if !ok || left == 0 {
			return netip.Addr{}, false
		}
		if !more {
			if n >= 1<<(8*left) {
				return netip.Addr{}, false
			}
			sum |= n
			return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
		}
		if n > 255 {
			return netip.Addr{}, false
		}
		left--
		sum |= n << (8 * left)
		host = rest
	}
}

// parseNumber reads a number of at most 32 bits: decimal, hexadecimal after 0x, and
// octal after 0 where asked.
func parseNumber(s string, octal bool) (uint64, bool) {
	base := 10
	switch {
	case strings.HasPrefix(s, "0x"):
		if s, base = s[2:], 16; s == "" {
			return 0, true
		}
	case octal && len(s) > 1 && s[0] == '0':
		base = 8
	}
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	if s = strings.TrimLeft(s, "0"); s == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, base, 32)
	return n, err == nil
}

// badName says why no client would look up a name; "" if one might.
func badName(host string) string {
	if len(host) > maxHost {
		return "the host is too long"
	}
	for _, label := range strings.Split(host, ".") {
		if label == "" {
			return "the host has an empty part"
		}
	}
	for _, r := range host {
		if r <= ' ' || r == 0x7f || r == '\ufffd' || strings.ContainsRune("\"#%&'()*+,/:;<=>?@[\\]^`{|}!$~", r) {
			return fmt.Sprintf("the host has %q in it", r)
		}
	}
	return ""
}

// The ranges that the detector asks for by name.
const (
	rangeLoopback    = "loopback"
	rangeUnspecified = "unspecified"
	rangeMetadata    = "metadata"
	rangeDotless     = "single name"
)

// An insideRange is a range of addresses that are not on the internet.
type insideRange struct {
	prefix netip.Prefix
	name   string
	what   string // "a loopback address"
}

// insideRanges are looked through in their order: the IANA registries of special
// purpose addresses, and before them where clouds tell machines about themselves.
var insideRanges = func() []insideRange {
	var list []insideRange
	for _, r := range []struct{ prefixes, name, what string }{
		{"169.254.169.254/32 fd00:ec2::254/128 fd20:ce::254/128 fe80::a9fe:a9fe/128", rangeMetadata, "where clouds tell machines their credentials"},
		{"169.254.170.2/32 169.254.170.23/32 fd00:ec2::23/128", rangeMetadata, "where AWS gives containers their credentials"},
		{"100.100.100.200/32", rangeMetadata, "the metadata service of Alibaba Cloud"},
		{"192.0.0.192/32", rangeMetadata, "the metadata service of Oracle Cloud"},
		{"168.63.129.16/32", rangeMetadata, "the wire server of Azure"},
		{"127.0.0.0/8 ::1/128", rangeLoopback, "a loopback address: the server itself"},
		{"0.0.0.0/8 ::/128", rangeUnspecified, "an address of this host: mostly the server itself"},
		{"10.0.0.0/8 172.16.0.0/12 192.168.0.0/16", "private", "a private address"},
		{"169.254.0.0/16 fe80::/10", "link-local", "a link-local address"},
		{"100.64.0.0/10", "shared", "an address that carriers and clouds share (CGNAT)"},
		{"fc00::/7 fec0::/10", "unique-local", "a private (unique local) address"},
		{"64:ff9b:1::/48", "private", "an address of a private translation (NAT64)"},
		{"224.0.0.0/4 ff00::/8", "multicast", "a multicast address"},
		{"198.18.0.0/15 2001:2::/48", "benchmarking", "an address for benchmarks"},
		{"192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20", "documentation", "an address for documentation, which the internet does not route"},
		{"255.255.255.255/32", "broadcast", "the broadcast address"},
		{"192.0.0.0/24 192.88.99.0/24 240.0.0.0/4 100::/64 2001:10::/28 5f00::/16", "reserved", "a reserved address"},
	} {
		for _, p := range strings.Fields(r.prefixes) {
			list = append(list, insideRange{netip.MustParsePrefix(p), r.name, r.what})
		}
	}
	return list
}()

// routedIPv6 is all of IPv6 that the internet routes.
var routedIPv6 = netip.MustParsePrefix("2000::/3")

// checkAddr judges an address, spelled one way or another.
func checkAddr(a netip.Addr, spelled string) Verdict {
	host := a.String()
	says := host + " is"
	if spelled = strings.ToLower(strings.Trim(spelled, "[]")); spelled != host {
		says = fmt.Sprintf("%s means %s,", clip(spelled), host)
	}
	if r := rangeOf(a); r != nil {
		return Verdict{TargetInside, r.name, host, says + " " + r.what}
	}
	if a4, how := embedded(a); a4.IsValid() {
		if r := rangeOf(a4); r != nil {
			return Verdict{TargetInside, r.name, host, fmt.Sprintf("%s %s of %s, %s", says, how, a4, r.what)}
		}
		return Verdict{TargetPublic, "", host, fmt.Sprintf("%s %s of %s, a public address", says, how, a4)}
	}
	if a.Is6() && !routedIPv6.Contains(a) {
		return Verdict{TargetInside, "reserved", host, says + " a reserved address"}
	}
	return Verdict{TargetPublic, "", host, says + " a public address"}
}

// ReservedRange names the range of an address that the internet does not route: "private",
// "documentation", "loopback"; "" for one that it does. What carries an IPv4 address is
// what that is.
func ReservedRange(a netip.Addr) string {
	if v := checkAddr(a.Unmap(), ""); v.Target == TargetInside {
		return v.Range
	}
	return ""
}

func rangeOf(a netip.Addr) *insideRange {
	for i := range insideRanges {
		if insideRanges[i].prefix.Contains(a) {
			return &insideRanges[i]
		}
	}
	return nil
}

// embedded returns the IPv4 address that an IPv6 address leads to, and what form of it
// that is; none for others.
func embedded(a netip.Addr) (netip.Addr, string) {
	if !a.Is6() {
		return netip.Addr{}, ""
	}
	b := a.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case a.Is4In6():
		return at(12), "the IPv4-mapped form"
	case siit.Contains(a):
		return at(12), "the IPv4-translated form"
	case compatible.Contains(a):
		return at(12), "the IPv4-compatible form"
	case nat64.Contains(a):
		return at(12), "the NAT64 form"
	case sixToFour.Contains(a):
		return at(2), "the 6to4 form"
	case teredo.Contains(a):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), "the Teredo form"
	case b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return at(12), "the ISATAP form"
	}
	return netip.Addr{}, ""
}

// The IPv6 networks whose addresses lead to an IPv4 address that they hold.
var (
	siit       = netip.MustParsePrefix("::ffff:0:0:0/96")
	compatible = netip.MustParsePrefix("::/96")
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
)

// insideNames are names that only machines inside know, and what they are.
var insideNames = map[string]struct{ rng, what string }{
	"localhost":                    {rangeLoopback, "the server itself"},
	"localhost6":                   {rangeLoopback, "the server itself"},
	"ip6-localhost":                {rangeLoopback, "the server itself"},
	"ip6-loopback":                 {rangeLoopback, "the server itself"},
	"metadata":                     {rangeMetadata, "the metadata service of clouds"},
	"metadata.google.internal":     {rangeMetadata, "the metadata service of Google Cloud"},
	"metadata.goog":                {rangeMetadata, "the metadata service of Google Cloud"},
	"instance-data":                {rangeMetadata, "the metadata service of AWS"},
	"instance-data.ec2.internal":   {rangeMetadata, "the metadata service of AWS"},
	"metadata.packet.net":          {rangeMetadata, "the metadata service of Equinix Metal"},
	"metadata.platformequinix.com": {rangeMetadata, "the metadata service of Equinix Metal"},
	"api.metadata.cloud.ibm.com":   {rangeMetadata, "the metadata service of IBM Cloud"},
	"metadata.tencentyun.com":      {rangeMetadata, "the metadata service of Tencent Cloud"},
	"rancher-metadata":             {rangeMetadata, "the metadata service of Rancher"},
	"kubernetes":                   {"cluster", "the API of the Kubernetes cluster"},
	"kubernetes.default":           {"cluster", "the API of the Kubernetes cluster"},
}

// insideDomains are what names inside end in. Those that lead to an address in
// everybody's DNS are loopbackDomains.
var insideDomains = [...]struct{ domain, rng, what string }{
	{"localhost", rangeLoopback, "the server itself"},
	{"localdomain", "internal name", "a name of the local network"},
	{"internal", "internal name", "a name of an internal network"},
	{"local", "internal name", "a name of the local network"},
	{"svc", "cluster", "a service of the Kubernetes cluster"},
	{"consul", "cluster", "a service of the Consul cluster"},
	{"intranet", "internal name", "a name of an internal network"},
	{"private", "internal name", "a name of an internal network"},
	{"corp", "internal name", "a name of an internal network"},
	{"home", "internal name", "a name of the local network"},
	{"home.arpa", "internal name", "a name of the local network"},
	{"lan", "internal name", "a name of the local network"},
}

// loopbackDomains are public domains all names of which lead to 127.0.0.1.
var loopbackDomains = [...]string{"localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "localh.st", "localho.st", "spoofed.burpcollaborator.net", "local.gd"}

// carryingDomains are public domains whose names lead to the address they carry.
var carryingDomains = [...]string{"nip.io", "sslip.io", "xip.io", "traefik.me", "local-ip.co", "local-ip.sh", "backname.io", "rbndr.us", "1u.ms", "ip.addr.tools"}

// checkName judges a name in its plain form.
func checkName(host string) Verdict {
	if n, ok := insideNames[host]; ok {
		return Verdict{TargetInside, n.rng, clip(host), clip(host) + " is " + n.what}
	}
	for _, d := range insideDomains {
		if under(host, d.domain) {
			return Verdict{TargetInside, d.rng, clip(host), clip(host) + " is " + d.what}
		}
	}
	for _, d := range loopbackDomains {
		if under(host, d) || host == d {
			return Verdict{TargetInside, rangeLoopback, clip(host), clip(host) + " leads to 127.0.0.1, as all names of " + d + " do"}
		}
	}
	for _, d := range carryingDomains {
		if !under(host, d) {
			continue
		}
		for _, a := range carried(host[:len(host)-len(d)-1]) {
			if v := checkAddr(a, a.String()); v.Target == TargetInside {
				return Verdict{TargetInside, v.Range, clip(host), fmt.Sprintf("%s leads to the address it carries: %s", clip(host), v.Reason)}
			}
		}
	}
	if !strings.Contains(host, ".") {
		return Verdict{TargetInside, rangeDotless, clip(host), clip(host) + " is a name without a dot, which only a network of its own resolves"}
	}
	return Verdict{TargetPublic, "", clip(host), clip(host) + " is a public name; it may still resolve inside, which is not looked up"}
}

func under(host, domain string) bool {
	n := len(host) - len(domain)
	return n > 1 && host[n-1] == '.' && host[n:] == domain
}

// carried returns the addresses that stand in a name, as nip.io and its like read them:
// four numbers between dots or hyphens, eight hex digits, or an IPv6 address with
// hyphens for colons.
func carried(name string) []netip.Addr {
	var list []netip.Addr
	for _, label := range strings.Split(name, ".") {
		if a, err := netip.ParseAddr(strings.ReplaceAll(label, "-", ":")); err == nil && a.Is6() {
			list = append(list, a)
		}
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' })
	for i, part := range parts {
		if len(part) == 8 {
			if n, err := strconv.ParseUint(part, 16, 32); err == nil {
				list = append(list, netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}))
			}
		}
		if i+4 <= len(parts) {
			if a, err := netip.ParseAddr(strings.Join(parts[i:i+4], ".")); err == nil {
				list = append(list, a)
			}
		}
	}
	return list
}

// unescape decodes percent-encoding once, and + to a space where plus is set. What is
// no escape stays as it is. Text without any is returned as it is.
func unescape(s string, plus bool) string {
	if strings.IndexByte(s, '%') < 0 && (!plus || strings.IndexByte(s, '+') < 0) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && i+2 < len(s) && isHexDigit(s[i+1]) && isHexDigit(s[i+2]):
			c = hexValue(s[i+1])<<4 | hexValue(s[i+2])
			i += 2
		case c == '+' && plus:
			c = ' '
		}
		b = append(b, c)
	}
	return string(b)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func hexValue(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
