package geo

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/litesoc/litesoc/parsers"
)

// Bounds of a list. A file beyond them is refused.
const (
	MaxListBytes   = 64 << 20
	maxListEntries = 1_000_000
	maxListLine    = 4 << 10 // bytes
	maxLicence     = 200     // bytes, of which the rest is cut
)

// A prefix with fewer bits is refused: it is a slip, and would mark a good part of the
// internet. The widest that clouds publish are a /9 and a /16.
const (
	leastBits4 = 8
	leastBits6 = 16
)

// A Kind is what a list says of its addresses: "tor", "vpn", "relay", "datacenter",
// "cloud-NAME" or "crawler-NAME".
type Kind string

// Kinds names the kinds as a person would be told of them.
const Kinds = "tor, vpn, relay, datacenter, cloud-NAME or crawler-NAME"

// ParseKind returns the kind that s names.
func ParseKind(s string) (Kind, error) {
	class, name, named := strings.Cut(s, "-")
	switch class {
	case "tor", "vpn", "relay", "datacenter":
		if !named {
			return Kind(s), nil
		}
	case "cloud", "crawler":
		if isName(name) {
			return Kind(s), nil
		}
	}
	return "", fmt.Errorf("no kind %q: it is one of %s", s, Kinds)
}

// isName tells whether s may be the name of a provider.
func isName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (i == 0 || c != '-') {
			return false
		}
	}
	return true
}

// class returns which of the classes the kind belongs to, and the name it gives.
func (k Kind) class() (class int, name string) {
	head, name, _ := strings.Cut(string(k), "-")
	return slices.IndexFunc(classes[:], func(q question) bool { return q.kind == head }), name
}

// question is one question that lists answer.
type question struct {
	kind  string
	trait parsers.Traits
	title string // as a person reads it
}

// classes are in the order of which the first that holds counts; a crawler is one
// whatever else holds.
var classes = [...]question{
	{"tor", parsers.Tor, "Tor"},
	{"vpn", parsers.VPN, "VPNs"},
	{"relay", parsers.Relay, "Relays"},
	{"cloud", parsers.Cloud, "Clouds"},
	{"datacenter", parsers.Datacenter, "Datacenters"},
	{"crawler", parsers.Crawler, "Crawlers"},
}

// KindOf guesses the kind of a list from the path of its file, by the names that the
// lists in use have: "vpn-ipv4.txt", "cloud-amazon-ipv4.txt", "googlebot/ipv6_merged.txt".
// It returns "" if the path tells nothing.
func KindOf(path string) Kind {
	path = filepath.ToSlash(path)
	dir, base := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, base = path[:i], path[i+1:]
	}
	base, _, _ = strings.Cut(base, ".")
	words := strings.FieldsFunc(strings.ToLower(base), func(r rune) bool { return r == '-' || r == '_' || r == ' ' })
	words = slices.DeleteFunc(words, func(w string) bool {
		return slices.Contains([]string{"ipv4", "ipv6", "v4", "v6", "ip4", "ip6", "merged", "list", "ranges", "ips"}, w)
	})
	if len(words) == 0 && dir != "" {
		return KindOf(dir)
	}
	name := strings.Join(words, "-")
	has := func(all ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(all, w) })
	}
	bare := strings.TrimPrefix(name, "cloud-")
	switch {
	case strings.HasPrefix(name, "tor-"), name == "tor", name == "torbulkexitlist", name == "exit-addresses":
		return "tor"
	case has("vpn", "protonvpn", "nordvpn", "mullvad", "mullvadvpn", "pia"):
		return "vpn"
	case has("relay"), bare == "apple-proxy":
		return "relay"
	case strings.HasPrefix(name, "crawler-"):
		return named("", name)
	case strings.HasSuffix(bare, "bot"), bare == "bing":
		return named("crawler-", bare)
	case strings.HasPrefix(name, "cloud-"):
		return named("", name)
	case has("datacenter", "datacenters", "hosting"):
		return "datacenter"
	case slices.Contains(providers, name):
		return named("cloud-", name)
	}
	return ""
}

// providers are clouds whose name alone tells what a list of it is.
var providers = []string{
	"amazon", "aws", "azure", "cloudflare", "digitalocean", "fastly", "gcp", "github", "google", "hetzner", "linode",
	"microsoft", "oracle", "ovh", "vultr",
}

func named(class, name string) Kind {
	k, err := ParseKind(class + name)
	if err != nil {
		return ""
	}
	return k
}

// A List is networks of one kind.
type List struct {
	Kind     Kind
	From     string         // base name of the file it was made from
	Date     time.Time      // as of when; zero if the text does not tell
	Licence  string         // what the text says of it; "" if nothing
	Prefixes []netip.Prefix // sorted, each once, IPv4 as such
	Networks []uint32       // numbers of autonomous systems, sorted, each once
	Reserved int            // prefixes left out, for nobody on the internet has them
}

// ReadList reads a list: one address, prefix or "asn:NUMBER" a line, comments begun by #,
// ; or //, or the first column of a table, or the column that a header names; Tor's
// exit-addresses are read, too. The kind is what a line "# kind: KIND" says, else what
// KindOf makes of path, else what the content tells, else "". Errors name path and line.
func ReadList(r io.Reader, path string) (*List, error) {
	l := &List{From: oneLine(filepath.Base(filepath.ToSlash(path)), 255)}
	p := listReader{List: l}
	limited := &io.LimitedReader{R: r, N: MaxListBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, maxListLine), maxListLine)
	n := 0
	for lines.Scan() {
		n++
		if err := p.line(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if len(l.Prefixes)+len(l.Networks) > maxListEntries {
			return nil, fmt.Errorf("%s:%d: more than %d entries", path, n, maxListEntries)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s:%d: a line of more than %d bytes is no list's", path, n+1, maxListLine)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("%s: more than %d MiB", path, MaxListBytes>>20)
	}
	if len(l.Prefixes)+len(l.Networks) == 0 {
		return nil, fmt.Errorf("%s: no address in it", path)
	}
	if l.Kind == "" {
		l.Kind = KindOf(path)
	}
	if l.Kind == "" && p.tor {
		l.Kind = "tor"
	}
	slices.SortFunc(l.Prefixes, comparePrefixes)
	l.Prefixes = slices.Clip(slices.Compact(l.Prefixes))
	slices.Sort(l.Networks)
	l.Networks = slices.Clip(slices.Compact(l.Networks))
	return l, nil
}

func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// What stands between and around the columns of a table.
const (
	separators = ",;\t "
	quotes     = `"'`
)

// A listReader reads the lines of a list one by one.
type listReader struct {
	*List
	begun  bool // an entry or a header of columns was there
	tor    bool // it looks like a list of the Tor project
	column int
}

func (p *listReader) line(b []byte) error {
	if bytes.IndexByte(b, 0) >= 0 {
		return errors.New("a NUL byte: this is no text")
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff"))
	if comment, ok := cutComment(text); ok {
		if !p.begun {
			return p.comment(comment)
		}
		return nil
	}
	if i := strings.IndexByte(text, '#'); i >= 0 {
		text = strings.TrimSpace(text[:i])
	}
	if text == "" {
		return nil
	}
	switch word, rest, _ := strings.Cut(text, " "); word {
	case "ExitAddress":
		p.tor = true
		address, seen, _ := strings.Cut(rest, " ")
		if at, err := time.Parse(time.DateTime, seen); err == nil && at.After(p.Date) {
			p.Date = at
		}
		return p.entry(address)
	case "ExitNode", "Published", "LastStatus":
		return nil
	}
	if p.column == 0 && p.begun { // most lines: no table, or the first column of one
		if i := strings.IndexAny(text, separators); i > 0 {
			text = text[:i]
		}
		return p.entry(strings.Trim(text, quotes))
	}
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(separators, r) })
	if !p.begun && p.header(fields) {
		return nil
	}
	if p.column >= len(fields) {
		return fmt.Errorf("%d columns, and the address should stand in column %d", len(fields), p.column+1)
	}
	return p.entry(strings.Trim(fields[p.column], quotes))
}

// cutComment returns what a line of comment says; false if it is none.
func cutComment(line string) (string, bool) {
	for _, mark := range []string{"#", ";", "//"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// comment takes what a comment before the first entry tells of the list.
func (p *listReader) comment(text string) error {
	key, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	switch key = strings.ToLower(strings.TrimSpace(key)); {
	case key == "kind":
		kind, err := ParseKind(value)
		if err != nil {
			return err
		}
		p.Kind = kind
	case key == "from":
		p.From = oneLine(value, 255)
	case key == "date":
		if at, err := time.Parse(time.DateOnly, value); err == nil {
			p.Date = at
		}
	case p.Licence == "" && (strings.Contains(key, "licence") || strings.Contains(key, "license")):
		p.Licence = oneLine(cmp.Or(value, text), maxLicence)
	}
	return nil
}

// oneLine returns s as printable text of at most max bytes.
func oneLine(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > max {
		s = s[:len(s)-1]
		s = strings.ToValidUTF8(s, "")
	}
	return strings.TrimSpace(s)
}

// header tells whether the fields name columns, one of which holds the addresses.
func (p *listReader) header(fields []string) bool {
	p.begun = true
	for i, f := range fields {
		switch f = strings.ToLower(strings.Trim(f, quotes)); f {
		case "ip", "ipaddr", "ip_address", "ipaddress", "address", "addr", "network", "cidr", "prefix", "range", "ip_prefix":
			p.column = i
			p.tor = strings.EqualFold(strings.Trim(fields[0], quotes), "fingerprint")
			return true
		}
	}
	return false
}

// entry takes an address, a prefix or the number of an autonomous system.
func (p *listReader) entry(text string) error {
	p.begun = true
	if len(text) > 2 && (text[0] == 'a' || text[0] == 'A') && (text[1] == 's' || text[1] == 'S') {
		number := strings.TrimPrefix(strings.ToLower(text), "asn:")
		number = strings.TrimPrefix(number, "as")
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("%q: the number of an autonomous system is from 1 to 4294967295", text)
		}
		p.Networks = append(p.Networks, uint32(n))
		return nil
	}
	prefix, err := parsePrefix(text)
	if err != nil {
		return err
	}
	if prefix.Bits() < leastBits(prefix) {
		return fmt.Errorf("%s is wider than /%d: it would mark a good part of the internet", prefix, leastBits(prefix))
	}
	for _, r := range reserved {
		if r.Bits() <= prefix.Bits() && r.Contains(prefix.Addr()) {
			p.Reserved++
			return nil
		}
	}
	p.Prefixes = append(p.Prefixes, prefix)
	return nil
}

func leastBits(p netip.Prefix) int {
	if p.Addr().Is4() {
		return leastBits4
	}
	return leastBits6
}

// parsePrefix reads an address or a prefix, whose further bits are cleared.
func parsePrefix(text string) (netip.Prefix, error) {
	if strings.IndexByte(text, '/') < 0 {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no address, prefix or asn:NUMBER", text)
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no prefix", text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q holds more than IPv4", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// WriteTo writes the list as ReadList reads it, with all that is known of it.
func (l *List) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# kind: %s\n# from: %s\n", l.Kind, oneLine(l.From, 255))
	if !l.Date.IsZero() {
		fmt.Fprintf(&b, "# date: %s\n", l.Date.UTC().Format(time.DateOnly))
	}
	if l.Licence != "" {
		fmt.Fprintf(&b, "# licence: %s\n", l.Licence)
	}
	for _, p := range l.Prefixes {
		if p.IsSingleIP() {
			fmt.Fprintln(&b, p.Addr())
			continue
		}
		fmt.Fprintln(&b, p)
	}
	for _, n := range l.Networks {
		fmt.Fprintf(&b, "asn:%d\n", n)
	}
	return b.WriteTo(w)
}
