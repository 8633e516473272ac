package store

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/litesoc/litesoc/parsers"
)

// An Atlas says where addresses are.
type Atlas struct {
	// Name names all that the answers depend on: two atlases of one name give the same.
	Name    string
	Checked parsers.Traits                  // traits of which there is a list: others are not known
	Lookup  func(ip string) *parsers.Origin // nil for what is no address
	Country func(code string) (name string) // of a country
}

// SetOrigins keeps where the clients of all that is kept are, in the last transaction of
// a run: of those not kept yet, or of all if that was told by another atlas.
func (s *Store) SetOrigins(a *Atlas) error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.app.write(); err != nil { // so that new callers are seen
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
		if err := s.append("origins", a.row(ip)...); err != nil {
			return fmt.Errorf("origins: %w", err)
		}
	}
	return nil
}

// row is what is kept of an address.
func (a *Atlas) row(ip string) []driver.Value {
	row := make([]driver.Value, 13)
	row[0] = ip
	o := a.Lookup(ip)
	if o == nil {
		return row
	}
	row[1], row[3] = nullable(o.Country), nullable(o.City)
	if o.Country != "" {
		row[2] = nullable(a.Country(o.Country))
	}
	if o.RadiusKM > 0 {
		row[4], row[5], row[6] = o.Latitude, o.Longitude, o.RadiusKM
	}
	if o.ASN != 0 {
		row[7] = int64(o.ASN)
	}
	row[8] = nullable(o.Org)
	for i, trait := range [...]parsers.Traits{parsers.VPN, parsers.Tor, parsers.Relay, parsers.Datacenter | parsers.Cloud} {
		if a.Checked&trait != 0 {
			row[9+i] = o.Has(trait)
		}
	}
	return row
}
