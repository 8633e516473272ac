package report

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/litesoc/litesoc/parsers"
)

// Redact puts pseudonyms in the place of who and where: addresses, users, keys, tokens,
// sessions, tenants, hosts and ids, wherever they stand in r, in sentences, SQL and
// metadata as well. Of files the names stay, of their folders nothing, and samples of
// lines are dropped. The same name has the same pseudonym all over r, and with the same
// key in every report; who does not have the key cannot compute it. A name is told by
// the fields that say whose it is, and in paths by where it stands: behind /users/, in
// ?email=. What people wrote in notes is free text, and is put away as a whole.
//
// An address becomes one of a range that nobody has (240.0.0.0/4, 2001:db8::/32): there
// are too few IPv4 addresses for documentation. Those of one IPv4 /24 or IPv6 /64 stay
// together. Loopback and the metadata address of clouds say what was attempted, and stay.
func (r *Report) Redact(key []byte) {
	x := &redaction{key: key, names: map[string]string{}, begins: map[string][]string{}, nets: map[string]string{}, taken: map[string]bool{}}
	x.learn(r)
	x.notes(r)
	r.Run.DB = baseOf(r.Run.DB)
	if len(r.Run.Only) > 0 {
		r.Run.Only = []string{"what was asked for"} // which may name somebody
	}
	for i := range r.Run.Sources {
		r.Run.Sources[i].Path = baseOf(r.Run.Sources[i].Path)
	}
	for i := range r.Run.Failures {
		f := &r.Run.Failures[i]
		f.Path, f.Error, f.Hint = baseOf(f.Path), withoutFolders(f.Error), withoutFolders(f.Hint)
	}
	for i := range r.Run.Notes {
		r.Run.Notes[i] = withoutFolders(r.Run.Notes[i])
	}
	r.Run.Origins = withoutFolders(r.Run.Origins)
	for _, places := range r.Run.Evidence {
		for i := range places {
			places[i].File = baseOf(places[i].File)
		}
	}
	x.walk(reflect.ValueOf(r).Elem())
}

// withheld stands where a sample stood.
const withheld = "[redacted]"

// A redaction knows the names of one report.
type redaction struct {
	key    []byte
	names  map[string]string   // by name in lower case: its pseudonym
	begins map[string][]string // names by their first bytes, the longest first
	nets   map[string]string   // by network: the network in its place
	taken  map[string]bool     // networks given out
}

// nameBegin is how many bytes names are looked up by.
const nameBegin = 3

// sum is the keyed hash of a text in a role.
func (x *redaction) sum(role, text string) []byte {
	h := hmac.New(sha256.New, x.key)
	fmt.Fprintf(h, "%s\x00%s", role, text)
	return h.Sum(nil)
}

func (x *redaction) code(role, text string, digits int) string {
	return hex.EncodeToString(x.sum(role, strings.ToLower(text)))[:digits]
}

// pattern is a regular expression that is compiled when it is first asked for: most runs
// redact nothing.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// The kinds of names that have a form of their own.
var (
	fingerprintForm = pattern(`^(?:key|tok|ses)_[0-9a-f]{12}`)
	idForm          = pattern(`^(?:evt|alt|inc|acc|alw)_[0-9a-f]{6,}`)
	emailForm       = pattern(`^[\pL\pN._+-]+(?:@|%40)[\pL\pN-]+(?:\.[\pL\pN-]+)+`)
	ipv4Form        = regexp.MustCompile(`^\d{1,3}(?:\.\d{1,3}){3}`)
	ipv6Form        = regexp.MustCompile(`^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:]`)
	hostOfURL       = pattern(`(?i)[a-z][a-z0-9+.-]*(?:://|%3a%2f%2f)(?:[^/@\s"]*@)?([\pL\pN._-]+)`)
)

// learn finds the names that the report's fields say are names.
func (x *redaction) learn(r *Report) {
	types := map[string]string{}
	actor := func(id, typ string) {
		if id != "" && typ != "" {
			types[id] = typ
		}
		x.actor(id, typ)
	}
	for i := range r.Events {
		e := &r.Events[i]
		actor(e.ActorID, e.ActorType)
		x.name("host", e.UserIP)
		x.metadata(e.Metadata)
		x.hosts(e.Summary)
	}
	for i := range r.Alerts {
		a := &r.Alerts[i]
		actor(a.ActorID, a.ActorType)
		x.name("host", a.SourceIP)
		x.name("person", a.ResolvedBy)
		x.metadata(a.Metadata)
		x.hosts(a.Description)
	}
	for _, in := range r.Incidents {
		for _, id := range in.Actors {
			x.actor(id, types[id])
		}
		for _, ip := range in.IPs {
			x.name("host", ip)
		}
	}
	for _, c := range r.Log.TopClients {
		x.name("host", c.Name)
	}
	for _, s := range r.Run.Settings {
		if s.Name == "admins" {
			for name := range strings.SplitSeq(s.Value, ",") {
				x.name("user", strings.TrimSpace(name))
			}
		}
	}
	for begin := range x.begins {
		slices.SortFunc(x.begins[begin], func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	}
}

// notes puts pseudonyms in the place of what people wrote about alerts.
func (x *redaction) notes(r *Report) {
	for i := range r.Alerts {
		a := &r.Alerts[i]
		if a.Note == "" {
			continue
		}
		pseudonym := "note-" + x.code("note", a.Note, 8)
		for n := range r.Incidents {
			handled := r.Incidents[n].Handled
			for k := range handled {
				if strings.HasPrefix(handled[k], a.ID+": ") {
					handled[k] = strings.ReplaceAll(handled[k], a.Note, pseudonym)
				}
			}
		}
		a.Note = pseudonym
	}
}

// actor learns an actor's id. Routes and campaigns are actors, but nobody.
func (x *redaction) actor(id, typ string) {
	switch parsers.ActorType(typ) {
	case parsers.ActorIP:
		x.name("host", id)
	case parsers.ActorUser, parsers.ActorAPIKey, parsers.ActorToken, parsers.ActorSession, "":
		x.name("user", id)
	}
}

// The members of metadata that name somebody, by what they name.
var namingMembers = map[string]string{
	"account": "user", "account_that_worked": "user", "accounts_that_worked": "user", "account_list": "user", "user": "user", "users": "user",
	"requested_user": "user", "actual_user": "user", "credential": "user",
	"requested": "tenant", "requested_org": "tenant", "actual_org": "tenant", "requested_tenant": "tenant", "actual_tenant": "tenant",
	"tenant": "tenant", "tenants": "tenant",
	"host": "host", "hosts": "host", "address_that_worked": "host",
}

// metadata learns the names in the metadata of an event.
func (x *redaction) metadata(text json.RawMessage) {
	var all any
	if json.Unmarshal(text, &all) != nil {
		return
	}
	x.members("", all)
}

func (x *redaction) members(kind string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			value, of := v[name], namingMembers[name]
			if of == "" && (strings.HasPrefix(name, "requested_") || strings.HasPrefix(name, "actual_")) {
				of = "tenant"
			}
			x.members(of, value)
		}
	case []any:
		for _, value := range v {
			x.members(kind, value)
		}
	case string:
		if kind != "" {
			x.name(kind, v)
		}
		x.hosts(v)
	}
}

// hosts learns the hosts of the URLs in a text.
func (x *redaction) hosts(text string) {
	for _, m := range hostOfURL().FindAllStringSubmatch(text, -1) {
		x.name("host", strings.TrimRight(m[1], ".…"))
	}
}

// name learns a name of the kind, in all forms in which it may stand in a text. The first
// kind that is told holds.
func (x *redaction) name(kind, name string) {
	switch strings.ToLower(name) {
	case "", "-", "none", "localhost":
		return
	}
	if cut, ok := strings.CutSuffix(name, "…"); ok {
		name = cut // the rest is found by withoutEnd
	}
	if email := emailOf(name); email == name && name != "" {
		_, domain, _ := strings.Cut(strings.Replace(name, "%40", "@", 1), "@")
		x.name("host", domain)
	}
	if own, _ := x.form(name); own == len(name) {
		return // it is told by its form wherever it stands
	}
	if _, known := x.names[strings.ToLower(name)]; known || name == "" {
		return
	}
	pseudonym := kind + "-" + x.code(kind, name, 8)
	if kind == "host" {
		pseudonym += ".example"
	}
	for _, form := range []string{name, url.QueryEscape(name), url.PathEscape(name), strings.Trim(strconv.Quote(name), `"`), Show(name)} {
		form = strings.ToLower(form)
		if _, known := x.names[form]; known {
			continue
		}
		x.names[form] = pseudonym
		begin := form[:min(len(form), nameBegin)]
		x.begins[begin] = append(x.begins[begin], form)
	}
}

// Fields of the report that hold words of ours.
var ownWords = setOfNames("Schema Detector Rule ActorType Outcome Technique OWASP Tactic APISeverity StandardEvent Version Command FailOn Format Kind Status ResolutionType " +
	"Country ASN Org Traits SuppressedBy Detectors Formats Statuses Doc Actions Type Name:Event Name:Step Name:Setting")

func setOfNames(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// walk rewrites all texts below v.
func (x *redaction) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(x.text(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			x.walk(v.Elem())
		}
	case reflect.Slice:
		if v.Type() == rawType {
			v.SetBytes(x.raw(v.Bytes()))
			return
		}
		for i := range v.Len() {
			x.walk(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		renamed := reflect.MakeMap(v.Type())
		for it := v.MapRange(); it.Next(); {
			renamed.SetMapIndex(reflect.ValueOf(x.text(it.Key().String())), it.Value())
		}
		v.Set(renamed)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch {
			case !f.IsExported(), ownWords[f.Name], ownWords[f.Name+":"+v.Type().Name()]:
			case f.Name == "Sample":
				if v.Field(i).String() != "" {
					v.Field(i).SetString(withheld)
				}
			default:
				x.walk(v.Field(i))
			}
		}
	}
}

// raw rewrites the strings of a JSON text, and leaves the rest as it is.
func (x *redaction) raw(text json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	for i := 0; i < len(text); {
		if text[i] != '"' {
			b.WriteByte(text[i])
			i++
			continue
		}
		end := i + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		rest := bytes.TrimLeft(text[end:], " ")
		var s string
		if len(rest) > 0 && rest[0] == ':' || json.Unmarshal(text[i:end], &s) != nil {
			b.Write(text[i:end]) // a name of ours
		} else if out, err := json.Marshal(x.text(s)); err == nil {
			b.Write(out)
		}
		i = end
	}
	return b.Bytes()
}

// text returns a text with pseudonyms in the place of names.
func (x *redaction) text(s string) string {
	var b strings.Builder
	fold := strings.ToLower(s)
	if len(fold) != len(s) {
		fold = s // folding has moved what follows
	}
	var last rune
	for i := 0; i < len(s); {
		if n, own := x.placed(s, i); n > 0 {
			b.WriteString(own)
			i += n
			last = 'x'
			continue
		}
		if !isWord(last) {
			if n, own := x.form(s[i:]); n > 0 {
				b.WriteString(own)
				i += n
				last = 'x'
				continue
			}
			if n, own := x.known(s[i:], fold[i:]); n > 0 {
				b.WriteString(own)
				i += n
				last = 'x'
				continue
			}
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+n])
		i, last = i+n, r
		if r == '%' && i+2 <= len(s) { // an escape ends a word
			b.WriteString(s[i : i+2])
			i, last = i+2, '%'
		}
	}
	return b.String()
}

// What stands behind these in a path names somebody or something, by what it names.
var namingPlaces = places(map[string]string{
	"user": "user users account accounts customer customers member members people person persons profile profiles employee employees " +
		"patient patients student students contact contacts owner owners author authors",
	"tenant": "org orgs organization organizations organisation organisations tenant tenants company companies team teams workspace workspaces",
	"key":    "key keys api-key api-keys api_keys apikeys token tokens session sessions device devices",
})

// What these parameters of a query hold names somebody or something, by what it names.
var namingParameters = places(map[string]string{
	"user":   "user username user_name userid user_id uid login email mail e-mail account account_id accountid customer customer_id member owner owner_id name phone",
	"tenant": "org org_id orgid organization organization_id organisation_id tenant tenant_id tenantid company company_id team team_id workspace workspace_id",
	"key":    "key api_key apikey api-key access_key token access_token refresh_token session session_id sessionid sid device device_id",
})

// ownPlaces are words that stand behind a naming place, and are no name.
var ownPlaces = setOfNames("me self current new search find login logout signin signup sign-in sign-up register password reset verify confirm bulk batch export import " +
	"all list count stats invite invites invitations settings roles permissions refresh validate callback info userinfo status active admin " +
	"billing edit update delete create avatar photo preferences security notifications history activity subscription subscriptions plan plans orders invoices payments " +
	"address addresses sessions tokens keys devices 2fa mfa otp change-password password-reset forgot-password lookup exists suggest upload download summary report reports")

// places turns names by kind into kinds by name.
func places(kinds map[string]string) map[string]string {
	of := map[string]string{}
	for kind, names := range kinds {
		for name := range strings.FieldsSeq(names) {
			of[name] = kind
		}
	}
	return of
}

// placed returns the length of the name at s[i:] that the place in a path or a query tells
// to be one, and its pseudonym.
func (x *redaction) placed(s string, i int) (int, string) {
	if i < 2 {
		return 0, ""
	}
	kind := ""
	switch before := s[:i-1]; s[i-1] {
	case '/':
		segment := before[strings.LastIndexByte(before, '/')+1:]
		if len(segment) == len(before) {
			return 0, "" // nothing stands before it: no path
		}
		kind = namingPlaces[strings.ToLower(segment)]
	case '=':
		kind = namingParameters[strings.ToLower(before[strings.LastIndexAny(before, "?&;")+1:])]
		if !strings.ContainsAny(before, "?&") {
			kind = ""
		}
	}
	if kind == "" {
		return 0, ""
	}
	n := strings.IndexFunc(s[i:], func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("/?&=#;,\"'`<>(){}[]|…", r) })
	if n < 0 {
		n = len(s) - i
	}
	name := strings.TrimRight(s[i:i+n], ".:")
	if name == "" || ownPlaces[strings.ToLower(name)] {
		return 0, ""
	}
	plain, err := url.PathUnescape(name)
	if err != nil {
		plain = name
	}
	if length, own := x.form(plain); length == len(plain) {
		return len(name), own
	}
	if own, known := x.names[strings.ToLower(plain)]; known {
		return len(name), own
	}
	return len(name), kind + "-" + x.code(kind, plain, 8)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// known returns the length of the known name that s begins with, and its pseudonym.
func (x *redaction) known(s, fold string) (int, string) {
	for n := min(nameBegin, len(fold)); n > 0; n-- {
		for _, name := range x.begins[fold[:n]] {
			if len(name) < nameBegin && len(name) != n {
				continue
			}
			if !strings.HasPrefix(fold, name) {
				if own := x.withoutEnd(name, fold); own > 0 {
					return own, x.names[name]
				}
				continue
			}
			begin, _ := utf8.DecodeLastRuneInString(name)
			next, _ := utf8.DecodeRuneInString(s[len(name):])
			if !isWord(begin) || !isWord(next) {
				return len(name), x.names[name]
			}
		}
	}
	return 0, ""
}

// withoutEnd returns how much of a name s begins with where a sentence has cut it short.
func (x *redaction) withoutEnd(name, s string) int {
	n := strings.Index(s, "…")
	const least = 8 // bytes that are no other word by chance
	if n >= least && n < len(name) && name[:n] == s[:n] {
		return n
	}
	return 0
}

// form returns the length of the address, email, fingerprint or id that s begins with, and
// its pseudonym.
func (x *redaction) form(s string) (int, string) {
	if s == "" {
		return 0, ""
	}
	if len(s) > 4 && s[3] == '_' {
		if m := idForm().FindString(s); m != "" {
			return len(m), m[:4] + x.code("id", m, len(m)-4)
		}
		if m := fingerprintForm().FindString(s); m != "" {
			return len(m), m[:4] + x.code("secret", m, len(m)-4)
		}
	}
	if m := emailOf(s); m != "" {
		sign := "@"
		if !strings.Contains(m, sign) {
			sign = "%40"
		}
		local, domain, _ := strings.Cut(m, sign)
		whole := local + "@" + domain // however it is written
		return len(m), "user-" + x.code("user", whole, 8) + sign + "host-" + x.code("host", domain, 8) + ".example"
	}
	if c := s[0]; c != ':' && !('0' <= c && c <= '9') && !('a' <= c|0x20 && c|0x20 <= 'f') {
		return 0, ""
	}
	for _, form := range []*regexp.Regexp{ipv4Form, ipv6Form} {
		m := form.FindString(s)
		for ; len(m) > 1; m = m[:len(m)-1] { // a sentence may go on with a colon or a dot
			if addr, err := netip.ParseAddr(m); err == nil {
				if next, _ := utf8.DecodeRuneInString(s[len(m):]); isWord(next) && form == ipv4Form {
					break
				}
				return len(m), x.address(addr)
			}
			if c := m[len(m)-1]; c != ':' && c != '.' {
				if form == ipv4Form || strings.Count(m, ":") < 2 {
					break
				}
			}
		}
	}
	return 0, ""
}

// emailOf returns the email address that s begins with.
func emailOf(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return !isWord(r) && !strings.ContainsRune("._+-", r) })
	if end < 1 || s[end] != '@' && !strings.HasPrefix(s[end:], "%40") {
		return ""
	}
	return emailForm().FindString(s)
}

// address returns the address that stands for another.
func (x *redaction) address(a netip.Addr) string {
	mapped := a.Is4In6()
	a = a.Unmap()
	if a.IsLoopback() || a.IsUnspecified() || a == cloudMetadata {
		return a.String()
	}
	if a.Is4() {
		b := a.As4()
		net := x.network(string(b[:3]), func(sum []byte) string {
			n := binary.BigEndian.Uint32(sum)
			return string([]byte{240 | byte(n>>24)%15, byte(n >> 16), byte(n >> 8)}) // no 255: that is broadcast
		})
		host := b[3]
		if host != 0 && host != 255 { // a whole network, and its last address, stay what they are
			host = byte((int(host)-1+int(x.sum("host of", string(b[:3]))[0]))%254) + 1
		}
		out := netip.AddrFrom4([4]byte{net[0], net[1], net[2], host})
		if mapped {
			return "::ffff:" + out.String()
		}
		return out.String()
	}
	b := a.WithZone("").As16()
	net := x.network(string(b[:8]), func(sum []byte) string { return "\x20\x01\x0d\xb8" + string(sum[:4]) })
	var out [16]byte
	copy(out[:8], net)
	if !bytes.Equal(b[8:], make([]byte, 8)) {
		copy(out[8:], x.sum("host of", string(b[:])))
	}
	return netip.AddrFrom16(out).String()
}

// cloudMetadata is where clouds tell machines their credentials.
var cloudMetadata = netip.MustParseAddr("169.254.169.254")

// network returns the network that stands for another; no two have the same.
func (x *redaction) network(of string, from func(sum []byte) string) string {
	if net, ok := x.nets[of]; ok {
		return net
	}
	for try := 0; ; try++ {
		net := from(x.sum("network "+strconv.Itoa(try), of))
		if x.taken[net] {
			continue
		}
		x.nets[of], x.taken[net] = net, true
		return net
	}
}

// baseOf is the name of a file without its folders; that of no file stays.
func baseOf(path string) string {
	if path == "" || path == "-" {
		return path
	}
	return filepath.Base(filepath.ToSlash(path))
}

var folders = pattern(`(^|[\s"'(=])((?:[^\s"'(),;:/]*/)+)`)

// withoutFolders drops the folders of the paths in a sentence.
func withoutFolders(s string) string { return folders().ReplaceAllString(s, "$1") }
