package geo

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/phuslu/iploc"

	"github.com/litesoc/litesoc/parsers"
)

// open opens a DB that must open.
func open(t testing.TB, cfg Config) *DB {
	t.Helper()
	db, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// put writes files into a new folder.
func put(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCountryWithNoSetup(t *testing.T) {
	db := open(t, Config{})
	for _, c := range []struct{ client, country string }{
		{"8.8.8.8", "US"},
		{"::ffff:8.8.8.8", "US"},
		{"::ffff:8.8.8.8%eth0", "US"},
		{"91.198.174.192", "NL"},
		{"200.147.3.157", "BR"},
		{"2001:4860:4860::8888", "US"},
		{"2001:4860:4860::8888%eth0", "US"},
		{"2002:c893:039d::1", "BR"},                       // 6to4 of 200.147.3.157
		{"64:ff9b::c893:39d", "BR"},                       // NAT64 of it
		{"2001:0:4136:e378:8000:63bf:376c:fc62", "BR"},    // Teredo of it
		{"2001:0000:4136:e378:8000:63bf:376C:FC62", "BR"}, // the same, written otherwise
	} {
		o := db.Lookup(c.client)
		if o.CountryCode() != c.country {
			t.Errorf("%s: country %q, want %q", c.client, o.CountryCode(), c.country)
			continue
		}
		country, _ := CountryOf(c.country)
		want := parsers.Origin{Country: c.country, Latitude: country.Latitude, Longitude: country.Longitude, RadiusKM: country.RadiusKM,
			Checked: parsers.Reserved}
		if *o != want {
			t.Errorf("%s: %+v, want %+v", c.client, *o, want)
		}
		if again := db.Lookup(c.client); again != o {
			t.Errorf("%s: another origin when asked again", c.client)
		}
	}
}

func TestNoAddress(t *testing.T) {
	db := open(t, Config{})
	for _, client := range []string{
		"", "-", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "01.2.3.4", "fe80::%", "::1::", "8.8.8.8 ",
		"8.8.8.8\x00", strings.Repeat("a", 1<<20), "2001:db8::" + strings.Repeat("1", 200), "\xff\xfe",
	} {
		for range 2 {
			if o := db.Lookup(client); o != nil {
				t.Errorf("%.40q: %+v, want nil", client, *o)
			}
		}
	}
	if o := (*DB)(nil).Lookup("8.8.8.8"); o != nil {
		t.Errorf("no DB knows %+v", *o)
	}
}

func TestReserved(t *testing.T) {
	db := open(t, Config{})
	for _, c := range []string{
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "169.254.169.254",
		"172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.0", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::ffff:10.1.2.3",
		"::", "::1", "::8.8.8.8", "64:ff9b:1::1", "100::1", "2001:2::1", "2001:20::1", "2001:db8::1", "3fff::1", "3fff:fff::1",
		"4000::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
		"2002:a00:1::1", "64:ff9b::192.168.0.1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", // of private addresses
	} {
		o := db.Lookup(c)
		if o == nil || *o != (parsers.Origin{Traits: parsers.Reserved, Checked: parsers.Reserved}) {
			t.Errorf("%s: %+v, want reserved and nothing else", c, o)
		}
	}
	for _, c := range []string{
		"1.0.0.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.1", "169.253.255.255", "172.15.255.255",
		"172.32.0.0", "192.0.1.1", "192.0.3.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2600::1", "2a00::1", "3ffe::1",
	} {
		if o := db.Lookup(c); o == nil || o.Has(parsers.Reserved) {
			t.Errorf("%s: %+v, want not reserved", c, o)
		}
	}
}

// distance returns the kilometers between two points of a sphere as large as the earth.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const degree = math.Pi / 180
	h := func(x float64) float64 { s := math.Sin(x * degree / 2); return s * s }
	a := h(lat2-lat1) + math.Cos(lat1*degree)*math.Cos(lat2*degree)*h(lon2-lon1)
	return 2 * 6371 * math.Asin(min(1, math.Sqrt(a)))
}

func TestRelaysWithNoSetup(t *testing.T) {
	db, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for client, want := range map[string]bool{
		"172.225.238.241": true, "104.28.113.194": true, "146.75.136.1": true, "2a02:26f7:e8c0:4000::1": true, "2606:54c3:0:777::1": true, "2a09:bac2:1e78::1": true,
		"::ffff:165.225.72.1": true, "136.226.192.19": true,
		"172.68.10.7": true, "104.27.255.255": true, "2400:cb00:1::1": true, "151.101.1.57": true, "146.75.127.255": true, "45.60.1.2": true,
		"172.223.255.255": false, "172.232.0.1": false, "172.72.0.1": false, "104.29.0.1": false, "151.102.0.1": false, "10.0.0.1": false, "2a02:26f6::1": false, "165.225.128.1": false,
	} {
		if got := db.Lookup(client).Has(parsers.Relay); got != want {
			t.Errorf("%s: a relay is %t, want %t", client, got, want)
		}
	}
}

func TestCountriesReachTheirEnds(t *testing.T) {
	for _, p := range []struct {
		code, place string
		lat, lon    float64
	}{
		{"AR", "Buenos Aires", -34.60, -58.38}, {"AR", "Ushuaia", -54.80, -68.30},
		{"AT", "Vienna", 48.21, 16.37},
		{"AU", "Canberra", -35.28, 149.13}, {"AU", "Perth", -31.95, 115.86}, {"AU", "Lord Howe", -31.55, 159.08},
		{"BR", "Brasília", -15.79, -47.88}, {"BR", "Cruzeiro do Sul", -7.63, -72.67}, {"BR", "Fernando de Noronha", -3.85, -32.42},
		{"CA", "Ottawa", 45.42, -75.70}, {"CA", "St. John's", 47.56, -52.71}, {"CA", "Whitehorse", 60.72, -135.05}, {"CA", "Alert", 82.5, -62.35},
		{"CH", "Bern", 46.95, 7.45},
		{"CL", "Santiago", -33.45, -70.67}, {"CL", "Easter Island", -27.15, -109.43}, {"CL", "Punta Arenas", -53.16, -70.91},
		{"CN", "Beijing", 39.90, 116.41}, {"CN", "Kashgar", 39.47, 75.99}, {"CN", "Sanya", 18.25, 109.51},
		{"CO", "Bogotá", 4.71, -74.07}, {"CO", "San Andrés", 12.58, -81.70},
		{"CZ", "Prague", 50.08, 14.44},
		{"DE", "Berlin", 52.52, 13.40}, {"DE", "Freiburg", 47.99, 7.85}, {"DE", "Aachen", 50.78, 6.08},
		{"DK", "Copenhagen", 55.68, 12.57}, {"DK", "Bornholm", 55.10, 14.71},
		{"EC", "Quito", -0.18, -78.47}, {"EC", "Galápagos", -0.75, -90.31},
		{"EG", "Cairo", 30.04, 31.24},
		{"ES", "Madrid", 40.42, -3.70}, {"ES", "Las Palmas", 28.12, -15.43},
		{"FI", "Helsinki", 60.17, 24.94}, {"FI", "Utsjoki", 69.91, 27.03},
		{"FJ", "Suva", -18.14, 178.44},
		{"FR", "Paris", 48.86, 2.35}, {"FR", "Ajaccio", 41.92, 8.74}, {"FR", "Brest", 48.39, -4.49},
		{"GB", "London", 51.51, -0.13}, {"GB", "Lerwick", 60.15, -1.15},
		{"GR", "Athens", 37.98, 23.73}, {"GR", "Rhodes", 36.43, 28.22},
		{"ID", "Jakarta", -6.21, 106.85}, {"ID", "Banda Aceh", 5.55, 95.32}, {"ID", "Merauke", -8.50, 140.40},
		{"IN", "New Delhi", 28.61, 77.21}, {"IN", "Port Blair", 11.62, 92.73},
		{"IT", "Rome", 41.90, 12.50}, {"IT", "Lampedusa", 35.50, 12.61},
		{"JP", "Tokyo", 35.68, 139.69}, {"JP", "Naha", 26.21, 127.68}, {"JP", "Wakkanai", 45.42, 141.67},
		{"KE", "Nairobi", -1.29, 36.82},
		{"KI", "Tarawa", 1.33, 172.98}, {"KI", "Kiritimati", 1.87, -157.43},
		{"KR", "Seoul", 37.57, 126.98}, {"KR", "Jeju", 33.50, 126.53},
		{"MX", "Mexico City", 19.43, -99.13}, {"MX", "Tijuana", 32.51, -117.04},
		{"NG", "Abuja", 9.08, 7.40},
		{"NL", "Amsterdam", 52.37, 4.90},
		{"NO", "Oslo", 59.91, 10.75}, {"NO", "Vardø", 70.37, 31.11},
		{"NZ", "Wellington", -41.29, 174.78}, {"NZ", "Chatham", -43.95, -176.56},
		{"PL", "Warsaw", 52.23, 21.01},
		{"PT", "Lisbon", 38.72, -9.14}, {"PT", "Ponta Delgada", 37.74, -25.67}, {"PT", "Funchal", 32.65, -16.91},
		{"RU", "Moscow", 55.76, 37.62}, {"RU", "Kaliningrad", 54.71, 20.51}, {"RU", "Anadyr", 64.73, 177.50}, {"RU", "Makhachkala", 42.98, 47.50},
		{"SE", "Stockholm", 59.33, 18.07},
		{"SG", "Singapore", 1.29, 103.85},
		{"TR", "Ankara", 39.93, 32.86},
		{"US", "Washington", 38.91, -77.04}, {"US", "Honolulu", 21.31, -157.86}, {"US", "Anchorage", 61.22, -149.90}, {"US", "Adak", 51.88, -176.66}, {"US", "Key West", 24.56, -81.78},
		{"ZA", "Pretoria", -25.75, 28.19}, {"ZA", "Cape Town", -33.92, 18.42},
	} {
		c, ok := CountryOf(p.code)
		if !ok {
			t.Errorf("no country %s", p.code)
			continue
		}
		if d := distance(c.Latitude, c.Longitude, p.lat, p.lon); d > c.RadiusKM {
			t.Errorf("%s lies %.0f km from the middle of %s, which has a radius of %.0f km", p.place, d, c.Name, c.RadiusKM)
		}
	}
}

func TestCountriesAreSound(t *testing.T) {
	if len(countries) != 250 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1 and Kosovo", len(countries))
	}
	names := map[string]string{}
	for i, c := range countries {
		if i > 0 && countries[i-1].Code >= c.Code {
			t.Errorf("%s stands after %s", c.Code, countries[i-1].Code)
		}
		if len(c.Code) != 2 || strings.ToUpper(c.Code) != c.Code || c.Name == "" {
			t.Errorf("%+v: bad code or name", c)
		}
		if other, taken := names[c.Name]; taken {
			t.Errorf("%s and %s are both called %s", other, c.Code, c.Name)
		}
		names[c.Name] = c.Code
		if math.Abs(c.Latitude) > 90 || math.Abs(c.Longitude) > 180 || c.RadiusKM < 15 || c.RadiusKM > 6000 {
			t.Errorf("%+v: no such place", c)
		}
	}
	for _, code := range []string{"", "ZZ", "EU", "AP", "us", "USA"} {
		if c, ok := CountryOf(code); ok {
			t.Errorf("%q is %s", code, c.Name)
		}
	}
}

// Every country that the embedded data names is one of ours.
func TestEmbeddedCountriesAreKnown(t *testing.T) {
	seen := map[string]bool{}
	for a := range 1 << 16 {
		seen[iploc.IPCountry(netip.AddrFrom4([4]byte{byte(a >> 8), byte(a), 77, 1}))] = true
		seen[iploc.IPCountry(netip.AddrFrom16([16]byte{0x20 | byte(a>>12), byte(a >> 4), byte(a) << 4, 0x10}))] = true
	}
	for code := range seen {
		if _, ok := CountryOf(code); !ok && code != "ZZ" {
			t.Errorf("%q has no place", code)
		}
	}
	if len(seen) < 150 {
		t.Errorf("only %d countries seen", len(seen))
	}
}

// From Berlin to São Paulo within 45 minutes is impossible, even when no more than the
// countries is known; from Berlin to Prague is not.
func TestTravel(t *testing.T) {
	de, _ := CountryOf("DE")
	between := func(code string) float64 {
		c, _ := CountryOf(code)
		return distance(de.Latitude, de.Longitude, c.Latitude, c.Longitude) - de.RadiusKM - c.RadiusKM
	}
	if km := between("BR"); km/0.75 < 1000 {
		t.Errorf("Germany to Brazil: %.0f km at least", km)
	}
	if km := between("CZ"); km > 0 {
		t.Errorf("Germany to Czechia: %.0f km at least", km)
	}
}

// The lists here name addresses of the internet, as lists must: none of them means its
// owner.
var someLists = map[string]string{
	"tor.txt":                "# Tor\n185.220.101.1\n9.9.9.1\n2620:7:6003::141\n",
	"vpn-a.txt":              "185.220.101.0/24\n9.9.9.2\n2a00:1234::/32\n",
	"relay.txt":              "9.9.9.2 # is a VPN, too\n9.9.9.3\n",
	"cloud-amazon-ipv4.txt":  "9.9.9.0/24\n52.0.0.0/11\n",
	"cloud-github-ipv4.txt":  "9.9.9.0/24\n52.1.0.0/16\n",
	"datacenter-ipv4.txt":    "9.9.0.0/16\nasn:64500\n",
	"crawler-googlebot.txt":  "9.9.9.9/32\n66.249.64.0/19\n",
	"notes.md":               "not a list",
	".hidden.txt":            "not a list either",
	"cloud-amazon.txt.1.tmp": "nor this",
}

func TestLists(t *testing.T) {
	db := open(t, Config{Intel: put(t, someLists)})
	for _, c := range []struct {
		client, provider, bot string
		traits                parsers.Traits
	}{
		{"185.220.101.1", "", "", parsers.Tor},
		{"185.220.101.2", "", "", parsers.VPN},
		{"9.9.9.1", "amazon", "", parsers.Tor},
		{"9.9.9.2", "amazon", "", parsers.VPN},
		{"9.9.9.3", "amazon", "", parsers.Relay},
		{"9.9.9.4", "amazon", "", parsers.Cloud},
		{"9.9.8.1", "", "", parsers.Datacenter},
		{"9.9.9.9", "amazon", "googlebot", parsers.Cloud | parsers.Crawler},
		{"66.249.64.1", "", "googlebot", parsers.Crawler},
		{"52.0.0.1", "amazon", "", parsers.Cloud},
		{"52.1.0.1", "github", "", parsers.Cloud},
		{"52.32.0.1", "", "", 0},
		{"2620:7:6003::141", "", "", parsers.Tor},
		{"2620:7:6003:0::0141", "", "", parsers.Tor},
		{"2620:7:6003::142", "", "", 0},
		{"2a00:1234:ffff::", "", "", parsers.VPN},
		{"::ffff:9.9.9.1", "amazon", "", parsers.Tor},
		{"10.0.0.1", "", "", parsers.Reserved},
	} {
		o := db.Lookup(c.client)
		if o.Traits != c.traits || o.Provider != c.provider || o.Bot != c.bot {
			t.Errorf("%s: traits %b, provider %q, bot %q; want %b, %q, %q", c.client, o.Traits, o.Provider, o.Bot, c.traits, c.provider, c.bot)
		}
	}
	var kinds []string
	for _, s := range db.Sources() {
		kinds = append(kinds, fmt.Sprint(s.Kind, " ", s.Name, " ", s.Prefixes, " ", s.Networks))
	}
	want := []string{
		"country IP2Location LITE 0 0", "tor tor.txt 3 0", "vpn vpn-a.txt 3 0", "relay relay.txt 2 0", "cloud-amazon cloud-amazon-ipv4.txt 2 0",
		"cloud-github cloud-github-ipv4.txt 2 0", "datacenter datacenter-ipv4.txt 1 1", "crawler-googlebot crawler-googlebot.txt 2 0",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("sources\n%q, want\n%q", kinds, want)
	}
}

// An origin knows the traits that there was something to ask for, whether they are set or
// not, and one that is set in any case.
func TestKnows(t *testing.T) {
	const relay, other = "172.224.226.1", "8.8.8.8"
	for _, c := range []struct {
		files   map[string]string
		address string
		trait   parsers.Traits
		want    bool
	}{
		{nil, other, parsers.VPN, false},
		{nil, other, parsers.Reserved, true},
		{nil, "10.0.0.1", parsers.VPN, false},
		{nil, relay, parsers.Relay, true}, // known with no list
		{nil, other, parsers.Relay, false},
		{map[string]string{"tor.txt": "9.9.9.9"}, "9.9.9.9", parsers.Tor, true},
		{map[string]string{"tor.txt": "9.9.9.9"}, other, parsers.Tor, true},
		{map[string]string{"tor.txt": "9.9.9.9"}, other, parsers.VPN, false},
		{map[string]string{"vpn.txt": "AS64500"}, other, parsers.VPN, false}, // nothing tells its network
	} {
		if got := open(t, Config{Intel: put(t, c.files)}).Lookup(c.address).Knows(c.trait); got != c.want {
			t.Errorf("%v, %s: knows %d: %v, want %v", c.files, c.address, c.trait, got, c.want)
		}
	}
	if (*parsers.Origin)(nil).Knows(parsers.VPN) {
		t.Error("what is no address knows")
	}
}

func TestNotChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"nothing", nil, []string{
			"City positions: country centroids only", "Networks (ASN): not known", "Tor: not checked", "VPNs: not checked", "Relays: the largest only",
			"Clouds: not checked", "Datacenters: not checked", "Crawlers: not checked",
		}},
		{"lists", map[string]string{"tor.txt": "9.9.9.9", "vpn.txt": "AS64500"}, []string{
			"City positions: country centroids only", "Networks (ASN): not known",
			"VPNs: not checked: the lists name networks, and no database tells the network of an address",
			"Relays: the largest only", "Clouds: not checked", "Datacenters: not checked", "Crawlers: not checked",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := open(t, Config{Intel: put(t, c.files)}).NotChecked(); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	line := open(t, Config{}).Line()
	const want = "Origins: country by IP2Location LITE of 2026-09-15. City positions: country centroids only; Networks (ASN): not known; " +
		"Tor: not checked; VPNs: not checked; Relays: the largest only; Clouds: not checked; Datacenters: not checked; Crawlers: not checked."
	if line != want {
		t.Errorf("%s\nwant\n%s", line, want)
	}
}

func TestDigest(t *testing.T) {
	none := open(t, Config{}).Digest()
	a := open(t, Config{Intel: put(t, map[string]string{"tor.txt": "# date: 2026-03-01\n9.9.9.9"})}).Digest()
	b := open(t, Config{Intel: put(t, map[string]string{"tor.txt": "# date: 2026-03-01\n9.9.9.8"})}).Digest()
	same := open(t, Config{Intel: put(t, map[string]string{"tor.txt": "# date: 2026-03-01\n\n9.9.9.9 # again\n9.9.9.9"})}).Digest()
	if none == a || a == b || a != same {
		t.Errorf("digests %s %s %s %s", none, a, b, same)
	}
}

// What cannot be read is an error with its name, and the rest is there.
func TestOpenWithErrors(t *testing.T) {
	dir := put(t, map[string]string{
		"tor.txt": "9.9.9.9\n", "vpn.txt": "9.9.9.8\nnonsense\n", "stuff.txt": "9.9.9.7\n", "broken.mmdb": "not a database",
	})
	db, err := Open(Config{Intel: dir, Files: []string{filepath.Join(dir, "missing.mmdb")}})
	if err == nil {
		t.Fatal("no error")
	}
	defer db.Close()
	for _, want := range []string{
		`vpn.txt:2: "nonsense" is no address, prefix or asn:NUMBER`, "stuff.txt: of which kind?", "broken.mmdb: ", "missing.mmdb: no such file",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if !db.Lookup("9.9.9.9").Has(parsers.Tor) {
		t.Error("the list that could be read is not asked")
	}
	// What other programs keep is left out where it is broken.
	db, err = Open(Config{Directories: []string{dir, filepath.Join(dir, "nowhere")}})
	if err != nil || len(db.Skipped()) != 1 || !strings.Contains(db.Skipped()[0].Error(), "broken.mmdb") {
		t.Errorf("error %v, skipped %v", err, db.Skipped())
	}
}

// The cache holds the right answers, whoever asks, and however many there are.
func TestManyAtOnce(t *testing.T) {
	db, fresh := open(t, Config{Intel: put(t, someLists)}), open(t, Config{Intel: put(t, someLists)})
	const clients = 3 * slots / 2
	client := func(i int) string {
		return netip.AddrFrom4([4]byte{byte(9 + i%3*43), byte(i >> 16), byte(i >> 8), byte(i)}).String()
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range clients {
				c := client((i*7 + g*13) % clients)
				if o := db.Lookup(c); *o != *fresh.origin(c) {
					t.Errorf("%s: %+v", c, *o)
					return
				}
			}
		})
		wg.Go(func() {
			for i := 0; i < clients; i += 100 {
				requests := make([]parsers.Request, 100)
				for n := range requests {
					requests[n].ClientIP = client(((i+n)*11 + g*17) % clients)
				}
				db.Locate(requests)
				for _, r := range requests {
					if *r.Origin != *fresh.origin(r.ClientIP) {
						t.Errorf("%s: %+v", r.ClientIP, *r.Origin)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	for i := range db.cache.slot {
		if e := db.cache.slot[i].Load(); e != nil && !reflect.DeepEqual(e.origin, fresh.origin(string(e.text[:e.size]))) {
			t.Fatalf("%s is kept as %+v", e.text[:e.size], e.origin)
		}
	}
}

// What is no address has no origin, whoever it stands beside.
func TestLocate(t *testing.T) {
	db := open(t, Config{})
	clients := []string{"8.8.8.8", "", "a-name.example", strings.Repeat("1", maxClient+1), "8.8.8.8", "127.0.0.1"}
	for range 2 {
		requests := make([]parsers.Request, len(clients))
		for i, client := range clients {
			requests[i] = parsers.Request{ClientIP: client, Origin: &parsers.Origin{Country: "ZZ"}}
		}
		db.Locate(requests)
		for _, r := range requests {
			if want := db.Lookup(r.ClientIP); r.Origin != want {
				t.Errorf("%q: %+v, want %+v", r.ClientIP, r.Origin, want)
			}
		}
	}
}

// What one database notes of a client another does not take for its own.
func TestLocateNoted(t *testing.T) {
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	reader := parsers.NginxCommon().NewReader(site, &parsers.Source{})
	listed, plain := open(t, Config{Intel: put(t, someLists)}), open(t, Config{})
	requests := make([]parsers.Request, 2)
	for n, db := range []*DB{listed, plain, listed, listed} {
		for i, client := range []string{"9.9.9.9", "a-name.example"} {
			line := client + ` - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1`
			if err := reader.Read(line, 1, &requests[i]); err != nil {
				t.Fatal(err)
			}
		}
		db.Locate(requests)
		if requests[0].ClientNotes == nil || requests[1].ClientNotes != nil || requests[1].Origin != nil {
			t.Errorf("%d: clients %v and %v, origin of the second %+v", n, requests[0].ClientNotes, requests[1].ClientNotes, requests[1].Origin)
		}
		if got := requests[0].Origin; *got != *db.origin("9.9.9.9") {
			t.Errorf("%d: %+v", n, got)
		}
	}
}

func TestHitsAllocateNothing(t *testing.T) {
	db := open(t, Config{Intel: put(t, someLists)})
	for _, client := range []string{"9.9.9.1", "2a00:1234::1", "127.0.0.1", "a-name.example"} {
		db.Lookup(client)
		if n := testing.AllocsPerRun(100, func() { db.Lookup(client) }); n != 0 {
			t.Errorf("%s: %v allocations", client, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	db := open(b, Config{Intel: put(b, someLists)})
	clients := make([]string, 1000)
	for i := range clients {
		clients[i] = netip.AddrFrom4([4]byte{byte(9 + i%3*43), byte(i), byte(i >> 8), 1}).String()
	}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			db.Lookup(clients[i%len(clients)])
		}
	})
	b.Run("hit by many", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				db.Lookup(clients[i%len(clients)])
			}
		})
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			db.origin(clients[i%len(clients)])
		}
	})
}

func TestJoinedErrorsStayApart(t *testing.T) {
	_, err := Open(Config{Files: []string{"/nowhere/a.mmdb", "/nowhere/b.mmdb"}})
	if !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("%v", err)
	}
}
