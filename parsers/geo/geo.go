// Package geo tells of an address where it is and whose network it belongs to.
//
// The country of every address is known with no set-up, by data that is part of the
// program, and so are the largest relays. MaxMind's, DB-IP's and IPinfo's files tell more, and lists say which addresses
// are Tor exits, VPNs, relays, clouds, datacenters and crawlers. What there is nothing to
// ask for is said by NotChecked. Fetching files is left to the tool; nothing here reads a
// clock or the network.
package geo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gaissmai/bart"
	"github.com/phuslu/iploc"

	"github.com/litesoc/litesoc/parsers"
)

// Attribution is the sentence that IP2Location asks for where its data is used: the
// countries that are known with no set-up.
const Attribution = "This product includes IP2Location LITE data available from http://www.ip2location.com"

// maxClient is longer than any text of an address, in bytes, and makes an entry of the
// cache as long as a line of the processor's; maxDatabases is how many
// mmdb files are opened, maxFiles how many files of a folder are looked at.
const (
	maxClient    = 55
	maxDatabases = 32
	maxFiles     = 1000
)

// noCityRadius is how far, in km, an address may be from where a database that does not
// say how exact it is puts its city.
const noCityRadius = 200

// vague is the radius in km with which MaxMind says: somewhere in the country.
const vague = 1000

// A Config says where to look. Its zero value is of use: countries alone.
type Config struct {
	// Files are mmdb files; what one holds is told by its metadata. Of two of the same
	// type the first counts, and what is named here comes before what is found.
	Files []string
	// Intel is the folder of imported lists and mmdb files; it need not exist.
	Intel string
	// Directories are folders where other programs keep mmdb files. They need not exist,
	// and what is broken there is left out and told by Skipped.
	Directories []string
}

// Directories returns the folders where MaxMind's programs keep their files.
func Directories() []string { return []string{"/usr/share/GeoIP", "/var/lib/GeoIP"} }

// A DB answers for addresses. It may be used by several goroutines.
type DB struct {
	reserved  *bart.Lite
	relays    *bart.Lite                        // those that are known with no list
	tables    [len(classes)]*bart.Table[string] // nil where there is no list; the value is the provider
	networks  [len(classes)]map[uint32]string   // by the number of the autonomous system
	databases []*database                       // what tells cities first
	lists     []*List
	paths     []string // of lists
	skipped   []error
	countries map[string]*parsers.Origin // of addresses of which no more is known
	inside    *parsers.Origin            // of reserved addresses
	digest    string
	cache     *cache
}

// Open opens everything that cfg names. If some of it cannot be read, it returns both the
// errors, joined, and a DB of the rest.
func Open(cfg Config) (*DB, error) {
	db := &DB{reserved: tableOf(reserved), relays: tableOf(allRelays()), countries: map[string]*parsers.Origin{"": {}}, cache: newCache()}
	for _, c := range countries {
		db.countries[c.Code] = &parsers.Origin{
			Country: c.Code, Latitude: c.Latitude, Longitude: c.Longitude, RadiusKM: c.RadiusKM,
		}
	}
	var errs []error
	for _, path := range cfg.Files {
		errs = append(errs, db.addDatabase(path))
	}
	if cfg.Intel != "" {
		files, err := folder(cfg.Intel)
		errs = append(errs, err)
		for _, path := range files {
			switch {
			case IsDatabase(path):
				errs = append(errs, db.addDatabase(path))
			case IsList(path):
				errs = append(errs, db.addList(path))
			}
		}
	}
	for _, dir := range cfg.Directories {
		files, err := folder(dir)
		if err != nil {
			db.skipped = append(db.skipped, err)
		}
		for _, path := range files {
			if !IsDatabase(path) {
				continue
			}
			if err := db.addDatabase(path); err != nil {
				db.skipped = append(db.skipped, err)
			}
		}
	}
	slices.SortStableFunc(db.databases, func(a, b *database) int { return int(b.tells&tellsCity) - int(a.tells&tellsCity) })
	db.build()
	checked := db.checked()
	for _, o := range db.countries {
		o.Checked = checked
	}
	db.inside = &parsers.Origin{Traits: parsers.Reserved, Checked: checked}
	return db, errors.Join(errs...)
}

// Close releases the files. Nothing may be looked up after it.
func (db *DB) Close() error {
	var errs []error
	for _, d := range db.databases {
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}

// folder returns the paths of the files in a folder, sorted; none if there is no folder.
func folder(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if len(paths) == maxFiles {
			return paths, fmt.Errorf("%s: more than %d files", dir, maxFiles)
		}
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return paths, nil
}

// IsDatabase tells by the end of its name whether a file may be an mmdb file.
func IsDatabase(path string) bool { return strings.EqualFold(filepath.Ext(path), ".mmdb") }

// IsList tells by the end of its name whether a file may be a list.
func IsList(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".txt", ".csv", ".list", ".netset", ".ipset", ".cidr":
		return true
	}
	return false
}

func (db *DB) addDatabase(path string) error {
	if len(db.databases) == maxDatabases {
		return fmt.Errorf("%s: more than %d mmdb files", path, maxDatabases)
	}
	d, err := openDatabase(path)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(db.databases, func(o *database) bool { return o.meta.DatabaseType == d.meta.DatabaseType }) {
		return d.close()
	}
	db.databases = append(db.databases, d)
	return nil
}

func (db *DB) addList(path string) error {
	l, err := ReadListFile(path)
	if err != nil {
		return err
	}
	if l.Kind == "" {
		return fmt.Errorf("%s: of which kind? Its name should begin with one of %s", path, Kinds)
	}
	db.lists = append(db.lists, l)
	db.paths = append(db.paths, path)
	return nil
}

// ReadListFile reads a list as ReadList does. One that does not tell its date is as old
// as its file.
func ReadListFile(path string) (*List, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: no regular file", path)
	}
	l, err := ReadList(f, path)
	if err != nil {
		return nil, err
	}
	if l.Date.IsZero() {
		l.Date = info.ModTime().UTC().Truncate(24 * time.Hour)
	}
	return l, nil
}

// build makes the tables of the lists, and the digest of everything.
func (db *DB) build() {
	h := sha256.New()
	fmt.Fprintln(h, iploc.Version, allRelays())
	for _, d := range db.databases {
		fmt.Fprintf(h, "%q %d %d\n", d.meta.DatabaseType, d.meta.BuildEpoch, d.meta.NodeCount)
	}
	for _, l := range db.lists {
		l.WriteTo(h)
		class, name := l.Kind.class()
		if len(l.Networks) > 0 && db.networks[class] == nil {
			db.networks[class] = map[uint32]string{}
		}
		for _, n := range l.Networks {
			if _, taken := db.networks[class][n]; !taken {
				db.networks[class][n] = name
			}
		}
		if len(l.Prefixes) == 0 {
			continue
		}
		if db.tables[class] == nil {
			db.tables[class] = new(bart.Table[string])
		}
		for _, p := range l.Prefixes {
			db.tables[class].Modify(p, func(old string, taken bool) (string, bool) {
				if taken {
					return old, false // two providers name it: the first list counts
				}
				return name, false
			})
		}
	}
	db.digest = hex.EncodeToString(h.Sum(nil)[:8])
}

// Digest changes when something else would be told of an address.
func (db *DB) Digest() string { return db.digest }

// Lookup returns what is known of client, an address as a log has it; nil if it is none.
// The same text gives the same content, and none of it changes.
func (db *DB) Lookup(client string) *parsers.Origin {
	if db == nil || client == "" || len(client) > maxClient {
		return nil
	}
	if o, ok := db.cache.find(client); ok {
		return o
	}
	o := db.origin(client)
	db.cache.keep(client, o)
	return o
}

// Locate sets the origins of requests: what Lookup returns of their clients. It looks for
// them in what is noted of the clients first, and leaves them there.
func (db *DB) Locate(requests []parsers.Request) {
	for i := range requests {
		r := &requests[i]
		if r.ClientNotes == nil {
			r.Origin = db.Lookup(r.ClientIP)
			continue
		}
		if at := r.ClientNotes.Located(); at != nil && at.By == any(db) {
			r.Origin = at.Origin
			continue
		}
		r.Origin = db.origin(r.ClientIP)
		r.ClientNotes.SetLocated(&parsers.Located{By: db, Origin: r.Origin})
	}
}

func (db *DB) origin(client string) *parsers.Origin {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return nil
	}
	addr = embedded(addr.Unmap().WithZone(""))
	if db.reserved.Contains(addr) {
		return db.inside
	}
	o := parsers.Origin{Checked: db.inside.Checked}
	db.ask(&o, addr)
	if o.Country == "" {
		o.Country = iploc.IPCountry(addr)
	}
	plain := db.countries[o.Country]
	if plain == nil { // "ZZ", and what is no country: "EU", "AP"
		plain = db.countries[""]
		o.Country = ""
	}
	if o.RadiusKM == 0 {
		o.Latitude, o.Longitude, o.RadiusKM = plain.Latitude, plain.Longitude, plain.RadiusKM
	}
	db.mark(&o, addr)
	if o == *plain {
		return plain // most addresses: one for all of a country
	}
	return &o
}

// ask takes place, network and traits from the databases: each from the first that
// knows it.
func (db *DB) ask(o *parsers.Origin, addr netip.Addr) {
	var traits parsers.Traits
	for _, d := range db.databases {
		rec := d.record(addr)
		if o.Country == "" {
			if _, known := db.countries[rec.country]; known && rec.country != "" {
				o.Country, o.City = rec.country, rec.city
				o.Latitude, o.Longitude, o.RadiusKM = rec.where()
			}
		}
		if o.ASN == 0 && rec.asn != 0 {
			o.ASN, o.Org = rec.asn, rec.org
		}
		traits |= rec.traits
		if o.Provider == "" {
			o.Provider = rec.provider
		}
	}
	o.Traits = traits
}

// where returns the position and its radius in km; 0 where there is none that is better
// than the country's: of an address of which no more is known, databases give some point
// of the country with a radius that does not hold.
func (r *record) where() (latitude, longitude, radius float64) {
	switch {
	case !r.positioned, !r.region, r.radius >= vague:
		return 0, 0, 0
	case r.radius == 0:
		return r.latitude, r.longitude, noCityRadius
	}
	return r.latitude, r.longitude, r.radius
}

// mark sets the traits that lists give, and that of the relays known without, and leaves the first of those that exclude each
// other.
func (db *DB) mark(o *parsers.Origin, addr netip.Addr) {
	traits := o.Traits
	for i, c := range classes {
		name, listed := "", false
		if t := db.tables[i]; t != nil {
			name, listed = t.Lookup(addr)
		}
		if !listed && o.ASN != 0 {
			name, listed = db.networks[i][o.ASN]
		}
		if !listed && c.trait == parsers.Relay {
			listed = db.relays.Contains(addr)
		}
		if !listed {
			continue
		}
		traits |= c.trait
		switch c.trait {
		case parsers.Cloud:
			o.Provider = name
		case parsers.Crawler:
			o.Bot = name
		}
	}
	o.Traits = traits & parsers.Crawler
	for _, c := range classes {
		if c.trait != parsers.Crawler && traits&c.trait != 0 {
			o.Traits |= c.trait
			return
		}
	}
}

// A Source is something that is asked.
type Source struct {
	Kind     string    // "country", "city", "network", "anonymous", or several; of a list its Kind
	Name     string    // of the file, without its folder
	Path     string    // "" for what is part of the program
	Type     string    // of an mmdb file, by its metadata
	Date     time.Time // as of when, to the day
	Prefixes int       // of a list
	Networks int       // of a list: numbers of autonomous systems
	Licence  string    // or the words that its owner asks for
}

// Sources returns everything that is asked, in the order in which it counts.
func (db *DB) Sources() []Source {
	var all []Source
	for _, d := range db.databases {
		all = append(all, d.source())
	}
	all = append(all, Source{Kind: "country", Name: "IP2Location LITE", Type: "iploc " + iploc.Version, Date: embeddedDate(), Licence: Attribution})
	order := make([]int, len(db.lists))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, _ := db.lists[a].Kind.class()
		y, _ := db.lists[b].Kind.class()
		return x - y
	})
	for _, i := range order {
		l := db.lists[i]
		all = append(all, Source{
			Kind: string(l.Kind), Name: filepath.Base(db.paths[i]), Path: db.paths[i], Date: l.Date,
			Prefixes: len(l.Prefixes), Networks: len(l.Networks), Licence: l.Licence,
		})
	}
	return all
}

// embeddedDate is the day that the version of the embedded data names.
func embeddedDate() time.Time {
	at, _ := time.Parse("20060102", iploc.Version[strings.LastIndexByte(iploc.Version, '.')+1:])
	return at
}

// checked returns the traits of which there is something to ask.
func (db *DB) checked() parsers.Traits {
	checked := parsers.Reserved
	var tells content
	for _, d := range db.databases {
		tells |= d.tells
	}
	for i, c := range classes {
		if db.tables[i] != nil || db.networks[i] != nil && tells&tellsNetwork != 0 {
			checked |= c.trait
		}
	}
	if tells&tellsAnonymous != 0 {
		checked |= parsers.Tor | parsers.VPN | parsers.Datacenter
	}
	return checked
}

// NotChecked returns, a sentence each, what there is nothing to ask for.
func (db *DB) NotChecked() []string {
	var tells content
	for _, d := range db.databases {
		tells |= d.tells
	}
	var not []string
	if tells&tellsCity == 0 {
		not = append(not, "City positions: country centroids only")
	}
	if tells&tellsNetwork == 0 {
		not = append(not, "Networks (ASN): not known")
	}
	for i, c := range classes {
		const anonymous = parsers.Tor | parsers.VPN | parsers.Datacenter
		switch {
		case db.tables[i] != nil, tells&tellsAnonymous != 0 && c.trait&anonymous != 0:
		case db.networks[i] != nil && tells&tellsNetwork != 0:
		case db.networks[i] != nil:
			not = append(not, c.title+": not checked: the lists name networks, and no database tells the network of an address")
		case c.trait == parsers.Relay:
			not = append(not, c.title+": the largest only")
		default:
			not = append(not, c.title+": not checked")
		}
	}
	return not
}

// Skipped returns why files in Config.Directories are not used.
func (db *DB) Skipped() []error { return db.skipped }

// A Fault is a database that broke when it was asked.
type Fault struct {
	Source Source
	Count  int64 // how often; it depends on what was remembered
	Err    error // the first
}

// Faults returns the databases that broke so far, to be told once at the end of a run.
func (db *DB) Faults() []Fault {
	var faults []Fault
	for _, d := range db.databases {
		if err := d.failure.Load(); err != nil {
			faults = append(faults, Fault{d.source(), d.failures.Load(), *err})
		}
	}
	return faults
}

// Line says in one line what is asked and what is not checked.
func (db *DB) Line() string {
	var parts []string
	for _, s := range db.Sources() {
		parts = append(parts, fmt.Sprintf("%s by %s of %s", s.Kind, s.Name, s.Date.Format(time.DateOnly)))
	}
	line := "Origins: " + strings.Join(parts, ", ") + "."
	if not := db.NotChecked(); len(not) > 0 {
		line += " " + strings.Join(not, "; ") + "."
	}
	return line
}
