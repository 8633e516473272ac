package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/litesoc/litesoc/parsers"
)

// An Atlas says where addresses are.
type Atlas struct {
	// Name names all that the answers depend on: two atlases of one name give the same.
	Name    string
	Lookup  func(ip string) *parsers.Origin // nil for what is no address
	Country func(code string) (name string) // of a country
}

// SetOrigins keeps where the clients of all that is kept are, in the last transaction of
// a run: of those not kept yet, or of all if that was told by another atlas.
func (s *Store) SetOrigins(a *Atlas) error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.writeRows(); err != nil { // so that new callers are seen
		return err
	}
	ctx := context.Background()
	var was string
	if err := s.writer.QueryRowContext(ctx, `select coalesce(max(atlas), '') from litesoc`).Scan(&was); err != nil {
		return err
	}
	if was != a.Name {
		if err := s.exec(`delete from origins`); err != nil {
			return err
		}
		if err := s.exec(`update litesoc set atlas = ?`, a.Name); err != nil {
			return err
		}
	}
	rows, err := s.writer.QueryContext(ctx, `select distinct client_ip from callers
		where client_ip is not null and client_ip not in (select ip from origins) order by 1`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ips []string
	for rows.Next() {
		var ip string
		if err := rows.Scan(&ip); err != nil {
			return err
		}
		ips = append(ips, ip)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, ip := range ips {
		if err := s.addOrigin(a, ip); err != nil {
			return fmt.Errorf("origins: %w", err)
		}
	}
	return nil
}

var originTypes = []mapping.Type{mapping.TypeVarchar, mapping.TypeVarchar, mapping.TypeVarchar, mapping.TypeVarchar,
	mapping.TypeDouble, mapping.TypeDouble, mapping.TypeDouble, mapping.TypeBigInt, mapping.TypeVarchar,
	mapping.TypeBoolean, mapping.TypeBoolean, mapping.TypeBoolean, mapping.TypeBoolean}

// addOrigin keeps where the address is.
func (s *Store) addOrigin(a *Atlas, ip string) error {
	c, err := s.chunk("origins", originTypes...)
	if err != nil {
		return err
	}
	if err := c.row(); err != nil {
		return err
	}
	c.text(0, ip)
	o := a.Lookup(ip)
	if o == nil {
		for column := 1; column < len(originTypes); column++ {
			c.null(column)
		}
		return nil
	}
	country := ""
	if o.Country != "" {
		country = a.Country(o.Country)
	}
	c.text(1, valid(o.Country))
	c.text(2, country)
	c.text(3, valid(o.City))
	for i, v := range [...]float64{o.Latitude, o.Longitude, o.RadiusKM} {
		if *cell[float64](c, 4+i) = v; o.RadiusKM <= 0 {
			c.null(4 + i)
		}
	}
	if *cell[int64](c, 7) = int64(o.ASN); o.ASN == 0 {
		c.null(7)
	}
	c.text(8, valid(o.Org))
	for i, trait := range [...]parsers.Traits{parsers.VPN, parsers.Tor, parsers.Relay, parsers.Datacenter | parsers.Cloud} {
		if *cell[bool](c, 9+i) = o.Has(trait); !o.Knows(trait) {
			c.null(9 + i)
		}
	}
	return nil
}

// valid returns what a database of addresses says as valid UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
