package geo

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/litesoc/litesoc/parsers"
)

// An mmdb is a database to be written: records by network.
type mmdb struct {
	kind    string
	ipv4    bool
	records map[string]mmdbtype.Map
}

// bytes returns the file.
func (m mmdb) bytes(t testing.TB) []byte {
	t.Helper()
	opts := mmdbwriter.Options{DatabaseType: m.kind, BuildEpoch: 1772323200, RecordSize: 24, // 1 March 2026
		Description: map[string]string{"en": "Written by a test"}, Languages: []string{"en"}}
	if m.ipv4 {
		opts.IPVersion = 4
	}
	tree, err := mmdbwriter.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range m.records {
		if err := tree.Insert(ipNet(network), record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ipNet(network string) *net.IPNet {
	p := netip.MustParsePrefix(network)
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

type m = mmdbtype.Map

func place(code, city string, latitude, longitude float64, radius uint16) m {
	r := m{
		"country":  m{"iso_code": mmdbtype.String(code), "names": m{"en": mmdbtype.String("A country")}},
		"location": m{"latitude": mmdbtype.Float64(latitude), "longitude": mmdbtype.Float64(longitude)},
	}
	if city != "" {
		r["city"] = m{"names": m{"en": mmdbtype.String(city), "de": mmdbtype.String("Eine Stadt")}}
	}
	if radius > 0 {
		r["location"].(m)["accuracy_radius"] = mmdbtype.Uint16(radius)
	}
	return r
}

var someDatabases = map[string]mmdb{
	"city": {"GeoLite2-City", false, map[string]m{
		"9.9.0.0/16": place("BR", "São Paulo", -23.5, -46.6, 20),
		"9.8.0.0/16": place("BR", "", -10, -55, 1000),
		"9.7.0.0/16": func() m { // a state
			r := place("US", "", 37.5, -97.8, 100)
			r["subdivisions"] = mmdbtype.Slice{m{"iso_code": mmdbtype.String("KS")}}
			return r
		}(),
		"9.3.0.0/16":     place("JP", "", 35.7, 139.7, 100), // a country, with a radius that does not hold
		"9.6.0.0/16":     place("XX", "Nowhere", 1, 1, 1),
		"9.5.0.0/16":     {"country": m{"iso_code": mmdbtype.String("DE")}},
		"2a00:1234::/32": place("DE", "Berlin", 52.5, 13.4, 50),
	}},
	"country": {"GeoLite2-Country", false, map[string]m{"9.9.0.0/16": place("AR", "", 0, 0, 0), "9.4.0.0/16": place("JP", "", 0, 0, 0)}},
	"asn": {"GeoLite2-ASN", false, map[string]m{
		"9.9.0.0/16": {"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example")},
	}},
	"isp": {"GeoIP2-ISP", false, map[string]m{
		"9.9.0.0/16": {"autonomous_system_number": mmdbtype.Uint32(64501), "isp": mmdbtype.String("Example Mobile")},
	}},
	"anonymous": {"GeoIP2-Anonymous-IP", false, map[string]m{
		"9.9.1.0/24": {"is_anonymous": mmdbtype.Bool(true), "is_tor_exit_node": mmdbtype.Bool(true), "is_hosting_provider": mmdbtype.Bool(true)},
		"9.9.2.0/24": {"is_anonymous_vpn": mmdbtype.Bool(true)},
		"9.9.3.0/24": {"is_hosting_provider": mmdbtype.Bool(true)},
		"9.9.4.0/24": {"is_residential_proxy": mmdbtype.Bool(true)},
	}},
	"plus": {"GeoIP-Anonymous-Plus", false, map[string]m{
		"9.9.2.0/24": {"is_anonymous_vpn": mmdbtype.Bool(true), "provider_name": mmdbtype.String("Example VPN")},
	}},
	"enterprise": {"GeoIP2-Enterprise", false, map[string]m{
		"9.9.0.0/16": func() m {
			r := place("BR", "São Paulo", -23.5, -46.6, 20)
			r["traits"] = m{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example")}
			return r
		}(),
	}},
	"dbip":      {"DBIP-City-Lite", false, map[string]m{"9.9.0.0/16": place("BR", "São Paulo", -23.5, -46.6, 0)}},
	"dbip-asn":  {"DBIP-ASN-Lite (compat=GeoLite2-ASN)", false, map[string]m{"9.9.0.0/16": {"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example")}}},
	"dbip-full": {"DBIP-City (of our own)", false, map[string]m{"9.9.0.0/16": place("BR", "São Paulo", -23.5, -46.6, 30)}},
	"ipinfo": {"ipinfo bundle_lite.mmdb", false, map[string]m{"9.9.0.0/16": {
		"country": mmdbtype.String("Brazil"), "country_code": mmdbtype.String("BR"), "asn": mmdbtype.String("AS64500"), "as_name": mmdbtype.String("Example"),
	}}},
	"ipinfo-city": {"ipinfo standard_location.mmdb", false, map[string]m{"9.9.0.0/16": {
		"country": mmdbtype.String("BR"), "city": mmdbtype.String("São Paulo"), "lat": mmdbtype.String("-23.5"), "lng": mmdbtype.String("-46.6"),
	}}},
	"ipinfo-privacy": {"ipinfo standard_privacy.mmdb", false, map[string]m{"9.9.0.0/16": {
		"hosting": mmdbtype.String("true"), "relay": mmdbtype.String("true"), "vpn": mmdbtype.String(""),
	}}},
	"sapics": {"ip-location-db", true, map[string]m{"9.9.0.0/16": {
		"country_code": mmdbtype.String("br"), "city": mmdbtype.String("São Paulo"), "latitude": mmdbtype.Float32(-23.5), "longitude": mmdbtype.Float32(-46.5),
		"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example"),
	}}},
	"domain":  {"GeoIP2-Domain", false, map[string]m{"9.9.0.0/16": {"domain": mmdbtype.String("example.com")}}},
	"nothing": {"somebody's", false, map[string]m{"9.9.0.0/16": {"colour": mmdbtype.String("red")}}},
}

// write writes databases into a new folder and returns it.
func write(t testing.TB, names ...string) string {
	t.Helper()
	files := map[string]string{}
	for _, name := range names {
		files[name+".mmdb"] = string(someDatabases[name].bytes(t))
	}
	return put(t, files)
}

func TestDatabases(t *testing.T) {
	br, _ := CountryOf("BR")
	de, _ := CountryOf("DE")
	us, _ := CountryOf("US")
	jp, _ := CountryOf("JP")
	at := func(c Country) parsers.Origin {
		return parsers.Origin{Country: c.Code, Latitude: c.Latitude, Longitude: c.Longitude, RadiusKM: c.RadiusKM}
	}
	city := parsers.Origin{Country: "BR", City: "São Paulo", Latitude: -23.5, Longitude: -46.6, RadiusKM: 20}
	with := func(o parsers.Origin, f func(*parsers.Origin)) parsers.Origin { f(&o); return o }
	network := func(o *parsers.Origin) { o.ASN, o.Org = 64500, "Example" }
	for _, c := range []struct {
		files  []string
		kinds  string
		client string
		want   parsers.Origin
	}{
		{[]string{"city"}, "city, country", "9.9.1.1", city},
		{[]string{"city"}, "city, country", "::ffff:9.9.1.1", city},
		{[]string{"city"}, "city, country", "9.8.1.1", at(br)},
		{[]string{"city"}, "city, country", "9.7.1.1", parsers.Origin{Country: "US", Latitude: 37.5, Longitude: -97.8, RadiusKM: 100}},
		{[]string{"city"}, "city, country", "9.3.1.1", at(jp)},
		{[]string{"city"}, "city, country", "9.6.1.1", at(us)}, // no such country: the embedded data tells
		{[]string{"city"}, "city, country", "9.5.1.1", at(de)},
		{[]string{"city"}, "city, country", "2a00:1234::1", parsers.Origin{Country: "DE", City: "Berlin", Latitude: 52.5, Longitude: 13.4, RadiusKM: 50}},
		{[]string{"country", "city"}, "city, country|country", "9.9.1.1", city}, // cities come first
		{[]string{"country", "city"}, "city, country|country", "9.4.1.1", at(jp)},
		{[]string{"asn", "isp"}, "network|network", "9.9.1.1", with(at(us), network)},
		{[]string{"isp"}, "network", "9.9.1.1", with(at(us), func(o *parsers.Origin) { o.ASN, o.Org = 64501, "Example Mobile" })},
		{[]string{"anonymous"}, "anonymous", "9.9.1.1", with(at(us), func(o *parsers.Origin) { o.Traits = parsers.Tor })},
		{[]string{"anonymous"}, "anonymous", "9.9.2.1", with(at(us), func(o *parsers.Origin) { o.Traits = parsers.VPN })},
		{[]string{"anonymous"}, "anonymous", "9.9.3.1", with(at(us), func(o *parsers.Origin) { o.Traits = parsers.Datacenter })},
		{[]string{"anonymous"}, "anonymous", "9.9.4.1", with(at(us), func(o *parsers.Origin) { o.Traits = parsers.VPN })},
		{[]string{"anonymous"}, "anonymous", "9.9.5.1", at(us)},
		{[]string{"plus"}, "anonymous", "9.9.2.1", with(at(us), func(o *parsers.Origin) { o.Traits, o.Provider = parsers.VPN, "Example VPN" })},
		{[]string{"enterprise"}, "city, country, network", "9.9.1.1", with(city, network)},
		{[]string{"dbip"}, "city, country", "9.9.1.1", with(city, func(o *parsers.Origin) { o.RadiusKM = noCityRadius })},
		{[]string{"dbip-asn"}, "network", "9.9.1.1", with(at(us), network)},
		{[]string{"dbip-full"}, "city, country", "9.9.1.1", with(city, func(o *parsers.Origin) { o.RadiusKM = 30 })},
		{[]string{"ipinfo"}, "country, network", "9.9.1.1", with(at(br), network)},
		{[]string{"ipinfo-city"}, "city, country", "9.9.1.1", with(city, func(o *parsers.Origin) { o.RadiusKM = noCityRadius })},
		{[]string{"ipinfo-privacy"}, "anonymous", "9.9.1.1", with(at(us), func(o *parsers.Origin) { o.Traits = parsers.Relay })},
		{[]string{"sapics"}, "city, country, network", "9.9.1.1", with(with(city, network), func(o *parsers.Origin) { o.Longitude, o.RadiusKM = -46.5, noCityRadius })},
		{[]string{"sapics"}, "city, country, network", "2001:4860:4860::8888", at(us)}, // it knows IPv4 alone
		{[]string{"city", "asn", "anonymous"}, "city, country|network|anonymous", "9.9.1.1",
			with(with(city, network), func(o *parsers.Origin) { o.Traits = parsers.Tor })},
		{[]string{"city"}, "city, country", "10.0.0.1", parsers.Origin{Traits: parsers.Reserved}},
	} {
		t.Run(strings.Join(c.files, "+")+" "+c.client, func(t *testing.T) {
			dir := write(t, c.files...)
			var files, kinds []string
			for _, name := range c.files {
				files = append(files, filepath.Join(dir, name+".mmdb"))
			}
			db := open(t, Config{Files: files})
			c.want.Checked = db.checked()
			if o := db.Lookup(c.client); *o != c.want {
				t.Errorf("%+v, want\n%+v", *o, c.want)
			}
			for _, s := range db.Sources() {
				if s.Path != "" {
					kinds = append(kinds, s.Kind)
				}
				if s.Path != "" && s.Date.Format("2006-01-02") != "2026-03-01" {
					t.Errorf("%s is of %s", s.Name, s.Date)
				}
			}
			if got := strings.Join(kinds, "|"); got != c.kinds {
				t.Errorf("kinds %q, want %q", got, c.kinds)
			}
			if f := db.Faults(); len(f) > 0 {
				t.Errorf("faults %v", f)
			}
		})
	}
}

// A database that names the network of an address makes lists of networks of use.
func TestListsOfNetworks(t *testing.T) {
	dir := write(t, "asn")
	if err := os.WriteFile(filepath.Join(dir, "vpn.txt"), []byte("asn:64500\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t, Config{Intel: dir})
	if !db.Lookup("9.9.9.9").Has(parsers.VPN) || db.Lookup("9.8.9.9").Has(parsers.VPN) {
		t.Error("the network of an address does not count")
	}
	for _, not := range db.NotChecked() {
		if strings.HasPrefix(not, "VPN") || strings.HasPrefix(not, "Networks") {
			t.Error(not)
		}
	}
}

// Of two files of the same type the first counts; what is named comes before what is found.
func TestSameTypeTwice(t *testing.T) {
	named, found := write(t, "asn"), write(t, "asn", "city")
	db := open(t, Config{Files: []string{filepath.Join(named, "asn.mmdb")}, Intel: found, Directories: []string{found}})
	var paths []string
	for _, s := range db.Sources() {
		paths = append(paths, s.Path)
	}
	if want := []string{filepath.Join(found, "city.mmdb"), filepath.Join(named, "asn.mmdb"), ""}; !slices.Equal(paths, want) {
		t.Errorf("%q, want %q", paths, want)
	}
}

func TestUnknownDatabases(t *testing.T) {
	for name, want := range map[string]string{
		"domain":  `type "GeoIP2-Domain" tells neither place nor network`,
		"nothing": `type "somebody's" tells neither place nor network`,
	} {
		path := filepath.Join(write(t, name), name+".mmdb")
		if _, err := Open(Config{Files: []string{path}}); err == nil || err.Error() != path+": "+want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckDatabase(t *testing.T) {
	dir := write(t, "city", "ipinfo")
	s, err := CheckDatabase(filepath.Join(dir, "city.mmdb"))
	if err != nil || s.Kind != "city, country" || s.Type != "GeoLite2-City" || !strings.Contains(s.Licence, "MaxMind") {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := CheckDatabase(filepath.Join(dir, "ipinfo.mmdb")); err != nil {
		t.Error(err)
	}
	if _, err := CheckDatabase(dir); err == nil {
		t.Error("a folder is no database")
	}
	whole := someDatabases["city"].bytes(t)
	for _, share := range []int{0, 1, 2, 3, 4, 5, 6, 7} {
		path := filepath.Join(dir, "cut.mmdb")
		if err := os.WriteFile(path, whole[:len(whole)*share/8], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := CheckDatabase(path); err == nil || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("cut at %d/8: error %v", share, err)
		}
	}
}

// However a file is broken, nothing crashes: it does not open, or answers, or is told
// as a fault. Every fifth byte is broken once.
func TestBrokenDatabases(t *testing.T) {
	opened, faults := 0, 0
	for _, name := range []string{"city", "anonymous", "sapics"} {
		whole := someDatabases[name].bytes(t)
		path := filepath.Join(t.TempDir(), "broken.mmdb")
		for i := 0; i < len(whole); i += 5 {
			broken := bytes.Clone(whole)
			broken[i] ^= 0xff
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := Open(Config{Files: []string{path}})
			if err == nil {
				opened++
			}
			for _, client := range []string{"9.9.1.1", "9.8.1.1", "9.7.1.1", "2a00:1234::1", "1.1.1.1"} {
				if o := db.Lookup(client); o == nil {
					t.Fatalf("%s, byte %d: %s is no address", name, i, client)
				}
			}
			for _, f := range db.Faults() {
				faults++
				if f.Count < 1 || f.Err == nil || f.Source.Name != "broken.mmdb" {
					t.Fatalf("%s, byte %d: %+v", name, i, f)
				}
			}
			db.Close()
		}
	}
	if opened < 100 || faults < 100 {
		t.Errorf("%d opened, %d faults: too few for a test", opened, faults)
	}
}

// A file that is cut off under our hands is a fault and no crash.
func TestDatabaseCutWhileOpen(t *testing.T) {
	big := mmdb{kind: "GeoLite2-ASN", records: map[string]m{}}
	for i := range 20000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{9, byte(i >> 8), byte(i), 0}), 24).String()
		big.records[p] = m{"autonomous_system_number": mmdbtype.Uint32(1 + i), "autonomous_system_organization": mmdbtype.String("Example " + p)}
	}
	path := filepath.Join(put(t, map[string]string{"asn.mmdb": string(big.bytes(t))}), "asn.mmdb")
	db := open(t, Config{Files: []string{path}})
	if o := db.Lookup("9.1.1.1"); o.ASN == 0 {
		t.Fatalf("%+v", o)
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	if o := db.Lookup("9.70.1.1"); o == nil || o.ASN != 0 || o.Country != "US" {
		t.Errorf("%+v", o)
	}
	if f := db.Faults(); len(f) != 1 || !strings.Contains(f[0].Err.Error(), "broken") {
		t.Errorf("faults %v", f)
	}
}

func FuzzDatabase(f *testing.F) {
	for _, name := range []string{"city", "anonymous", "ipinfo", "sapics"} {
		f.Add(someDatabases[name].bytes(f))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "fuzz.mmdb")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		db, _ := Open(Config{Files: []string{path}})
		defer db.Close()
		for _, client := range []string{"9.9.1.1", "9.8.1.1", "2a00:1234::1", "1.1.1.1"} {
			if o := db.Lookup(client); o == nil {
				t.Fatalf("%s is no address", client)
			}
		}
		CheckDatabase(path)
	})
}
