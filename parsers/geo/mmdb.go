package geo

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/litesoc/litesoc/parsers"
)

// What a database tells of an address.
type content uint8

const (
	tellsCity content = 1 << iota // and its position
	tellsCountry
	tellsNetwork
	tellsAnonymous
)

// String names what a database tells, as the Kind of a Source.
func (c content) String() string {
	var names []string
	for i, name := range []string{"city", "country", "network", "anonymous"} {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// A record is what a database tells of one address.
type record struct {
	country, city       string
	latitude, longitude float64
	radius              float64 // km; 0: not told
	positioned          bool
	region              bool // it says more than the country
	asn                 uint32
	org, provider       string
	traits              parsers.Traits
}

// tells tells what the record holds.
func (r *record) tells() content {
	var c content
	if r.country != "" {
		c |= tellsCountry
	}
	if r.city != "" || r.positioned {
		c |= tellsCity
	}
	if r.asn != 0 {
		c |= tellsNetwork
	}
	if r.traits != 0 {
		c |= tellsAnonymous
	}
	return c
}

// position takes a latitude and a longitude that may be.
func (r *record) position(latitude, longitude float64) {
	if math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180 && (latitude != 0 || longitude != 0) {
		r.latitude, r.longitude, r.positioned = latitude, longitude, true
	}
}

// A database is an mmdb file that is open.
type database struct {
	path  string
	meta  maxminddb.Metadata
	tells content
	// look reads the record of an address.
	look  func(netip.Addr) (record, error)
	close func() error

	failures atomic.Int64
	failure  atomic.Pointer[error] // the first
}

// openDatabase opens an mmdb file and tells by its metadata what it holds; where the
// type is none of those that MaxMind and DB-IP use, the first records tell.
func openDatabase(path string) (*database, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: no regular file", path)
	}
	d := &database{path: path}
	err := guarded(func() error {
		typed, err := geoip2.Open(path)
		var unknown geoip2.UnknownDatabaseTypeError
		if errors.As(err, &unknown) {
			typed.Close()
			return d.openFlat()
		}
		if err != nil {
			return err
		}
		d.meta, d.close = typed.Metadata(), typed.Close
		return d.readTyped(typed)
	})
	if err != nil {
		if d.close != nil {
			d.close()
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// readTyped chooses how records of the types that geoip2 knows are read.
func (d *database) readTyped(r *geoip2.Reader) error {
	kind := d.meta.DatabaseType
	switch {
	case strings.Contains(kind, "Anonymous-Plus"):
		d.tells = tellsAnonymous
		d.look = func(a netip.Addr) (record, error) {
			p, err := r.AnonymousPlus(a)
			if err != nil {
				return record{}, err
			}
			return record{
				traits:   traitsOf(p.IsTorExitNode, p.IsAnonymousVPN || p.IsPublicProxy || p.IsResidentialProxy, false, p.IsHostingProvider),
				provider: p.ProviderName,
			}, nil
		}
	case strings.Contains(kind, "Anonymous-IP"):
		d.tells = tellsAnonymous
		d.look = func(a netip.Addr) (record, error) {
			p, err := r.AnonymousIP(a)
			if err != nil {
				return record{}, err
			}
			return record{traits: traitsOf(p.IsTorExitNode, p.IsAnonymousVPN || p.IsPublicProxy || p.IsResidentialProxy, false, p.IsHostingProvider)}, nil
		}
	case strings.Contains(kind, "Enterprise"):
		d.tells = tellsCity | tellsCountry | tellsNetwork
		d.look = func(a netip.Addr) (record, error) {
			e, err := r.Enterprise(a)
			if err != nil {
				return record{}, err
			}
			rec := placeOf(e.Country.ISOCode, e.City.Names, len(e.Subdivisions), e.Location)
			rec.asn, rec.org = number(uint64(e.Traits.AutonomousSystemNumber)), e.Traits.AutonomousSystemOrganization
			return rec, nil
		}
	case strings.Contains(kind, "ASN"):
		d.tells = tellsNetwork
		d.look = func(a netip.Addr) (record, error) {
			n, err := r.ASN(a)
			if err != nil {
				return record{}, err
			}
			return record{asn: number(uint64(n.AutonomousSystemNumber)), org: n.AutonomousSystemOrganization}, nil
		}
	case strings.Contains(kind, "ISP"):
		d.tells = tellsNetwork
		d.look = func(a netip.Addr) (record, error) {
			n, err := r.ISP(a)
			if err != nil {
				return record{}, err
			}
			return record{
				asn: number(uint64(n.AutonomousSystemNumber)),
				org: cmp.Or(n.AutonomousSystemOrganization, n.ISP, n.Organization),
			}, nil
		}
	case strings.Contains(kind, "Domain"), strings.Contains(kind, "Connection-Type"):
		return fmt.Errorf("type %q tells neither place nor network", kind)
	default: // City, Country and what is compatible with them
		d.tells = tellsCountry
		if !strings.Contains(kind, "Country") {
			d.tells |= tellsCity
		}
		d.look = func(a netip.Addr) (record, error) {
			c, err := r.City(a)
			if err != nil {
				return record{}, err
			}
			return placeOf(c.Country.ISOCode, c.City.Names, len(c.Subdivisions), c.Location), nil
		}
	}
	return nil
}

func placeOf(code string, city geoip2.Names, subdivisions int, at geoip2.Location) record {
	r := record{country: code, city: city.English, radius: float64(at.AccuracyRadius)}
	r.region = r.city != "" || subdivisions > 0
	if at.Latitude != nil && at.Longitude != nil {
		r.position(*at.Latitude, *at.Longitude)
	}
	return r
}

// number returns n if it can be that of an autonomous system.
func number(n uint64) uint32 {
	if n > math.MaxUint32 {
		return 0
	}
	return uint32(n)
}

// traitsOf returns the first trait that holds.
func traitsOf(tor, vpn, relay, hosting bool) parsers.Traits {
	switch {
	case tor:
		return parsers.Tor
	case vpn:
		return parsers.VPN
	case relay:
		return parsers.Relay
	case hosting:
		return parsers.Datacenter
	}
	return 0
}

// samples is how many records of a database of unknown type are read to learn what it
// holds.
const samples = 500

// openFlat opens a database of a type that geoip2 does not know: IPinfo,
// ip-location-db, and what has either their keys or those of GeoIP2.
func (d *database) openFlat() error {
	r, err := maxminddb.Open(d.path)
	if err != nil {
		return err
	}
	d.meta, d.close = r.Metadata, r.Close
	d.look = func(a netip.Addr) (record, error) { return flatRecord(r.Lookup(a)) }
	n := 0
	for result := range r.Networks() {
		rec, err := flatRecord(result)
		if err != nil {
			return err
		}
		d.tells |= rec.tells()
		if n++; n == samples {
			break
		}
	}
	if d.tells == 0 {
		return fmt.Errorf("type %q tells neither place nor network", d.meta.DatabaseType)
	}
	return nil
}

// flatRecord reads a record by the keys of those who do not write them as MaxMind does.
func flatRecord(r maxminddb.Result) (record, error) {
	if err := r.Err(); err != nil {
		return record{}, err
	}
	if !r.Found() {
		return record{}, nil
	}
	f := fields{result: r}
	rec := record{
		country: f.text("country_code"),
		city:    cmp.Or(f.text("city"), f.text("city", "names", "en")),
		org:     cmp.Or(f.text("as_name"), f.text("autonomous_system_organization"), f.text("org")),
	}
	if rec.country == "" {
		rec.country = cmp.Or(f.text("country"), f.text("country", "iso_code"))
	}
	rec.country = strings.ToUpper(rec.country)
	rec.region = rec.city != ""
	asn := cmp.Or(f.text("asn"), f.text("autonomous_system_number"))
	if n, err := strconv.ParseUint(strings.TrimPrefix(asn, "AS"), 10, 32); err == nil {
		rec.asn = uint32(n)
	}
	latitude, err1 := strconv.ParseFloat(cmp.Or(f.text("latitude"), f.text("lat"), f.text("location", "latitude")), 64)
	longitude, err2 := strconv.ParseFloat(cmp.Or(f.text("longitude"), f.text("lng"), f.text("location", "longitude")), 64)
	if err1 == nil && err2 == nil {
		rec.position(latitude, longitude)
	}
	if radius, err := strconv.ParseFloat(cmp.Or(f.text("radius"), f.text("location", "accuracy_radius")), 64); err == nil && radius > 0 {
		rec.radius = radius
	}
	rec.traits = traitsOf(f.yes("tor"), f.yes("vpn") || f.yes("proxy"), f.yes("relay"), f.yes("hosting"))
	return rec, f.err
}

// fields reads single values of a record. The first error stays.
type fields struct {
	result maxminddb.Result
	err    error
}

// text returns the value at path as text; "" if there is none or if it is no scalar.
func (f *fields) text(path ...any) string {
	var v any
	err := f.result.DecodePath(&v, path...)
	var invalid maxminddb.InvalidDatabaseError
	if errors.As(err, &invalid) && f.err == nil {
		f.err = err
	}
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	case uint64:
		return strconv.FormatUint(v, 10)
	case int32:
		return strconv.FormatInt(int64(v), 10)
	}
	return ""
}

func (f *fields) yes(key string) bool {
	v := f.text(key)
	return v == "true" || v == "1"
}

// record returns what the database tells of addr. A database that breaks tells nothing.
func (d *database) record(addr netip.Addr) (rec record) {
	if d.meta.IPVersion == 4 && addr.Is6() {
		return record{}
	}
	err := guarded(func() (err error) {
		rec, err = d.look(addr)
		return err
	})
	if err != nil {
		d.failures.Add(1)
		d.failure.CompareAndSwap(nil, &err)
		return record{}
	}
	return rec
}

// guarded calls f. What panics in there is an error, and so is a file that was cut off
// while it is mapped: the files are not ours.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("broken: %v", p)
		}
	}()
	return f()
}

// source describes the database.
func (d *database) source() Source {
	return Source{
		Kind: d.tells.String(), Name: filepath.Base(d.path), Path: d.path, Type: d.meta.DatabaseType,
		Date: d.meta.BuildTime().UTC().Truncate(24 * time.Hour), Licence: licenceOf(d.meta.DatabaseType),
	}
}

// licenceOf returns the words that who made a database wants to be named with.
func licenceOf(kind string) string {
	switch lower := strings.ToLower(kind); {
	case strings.HasPrefix(lower, "geolite2"):
		return "This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com"
	case strings.HasPrefix(lower, "geoip"):
		return "GeoIP data of MaxMind, https://www.maxmind.com"
	case strings.HasPrefix(lower, "dbip"):
		return "IP Geolocation by DB-IP, https://db-ip.com"
	case strings.HasPrefix(lower, "ipinfo"):
		return "IP address data powered by IPinfo, https://ipinfo.io"
	}
	return ""
}

// CheckDatabase opens an mmdb file, reads all of it and says what it holds. That takes
// seconds for a large one.
func CheckDatabase(path string) (Source, error) {
	d, err := openDatabase(path)
	if err != nil {
		return Source{}, err
	}
	defer d.close()
	err = guarded(func() error {
		r, err := maxminddb.Open(path)
		if err != nil {
			return err
		}
		defer r.Close()
		return r.Verify()
	})
	if err != nil {
		return Source{}, fmt.Errorf("%s: %w", path, err)
	}
	return d.source(), nil
}
