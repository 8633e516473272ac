package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A selection is conditions in SQL over the store, one of which the requests of somebody meet.
type selection struct {
	ips, actors, routes []string // quoted
	also                []string
}

// addresses selects the requests of clients. An IPv6 address stands for its /64.
func (s *selection) addresses(ips []string) {
	for _, ip := range ips {
		text := sqlText(&s.ips, ip)
		if text != "" && saysNetwork(ip) {
			s.also = append(s.also, fmt.Sprintf("string_split(client_ip, ':')[1:4] = string_split(%s, ':')[1:4]", text))
		}
	}
}

// actor selects the requests of an actor, and for many clients that are told as one those of
// their network or at their route. No request says that it is part of a campaign.
func (s *selection) actor(id, typ string) {
	switch typ {
	case "campaign":
	case "route":
		sqlText(&s.routes, id)
	case "network":
		s.network(id)
	default:
		sqlText(&s.actors, id)
	}
}

// network selects the requests from a network, which is told as detectors tell it: an AS, an
// IPv4 /24 or an IPv6 /48, but for one with zeros left out in its first groups.
func (s *selection) network(name string) {
	var as uint32
	if _, err := fmt.Sscanf(name, "AS%d", &as); err == nil {
		s.also = append(s.also, fmt.Sprintf("client_ip in (select ip from ips where asn = %d)", as))
		return
	}
	n, err := netip.ParsePrefix(name)
	if err != nil {
		return
	}
	sep := ":"
	if n.Addr().Is4() {
		sep = "."
	}
	if groups := strings.Split(name, sep); len(groups) > 3 && !slices.Contains(groups[:3], "") {
		s.also = append(s.also, fmt.Sprintf("string_split(client_ip, '%[1]s')[1:3] = string_split('%[2]s', '%[1]s')[1:3]", sep, name))
	}
}

// sqlText adds a text to the list as SQL writes it, and returns it; "" if it could not be
// printed and read back.
func sqlText(list *[]string, text string) string {
	if text == "" || Show(text) != text {
		return ""
	}
	text = "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
	return text
}

// where returns the condition for what is selected from first to last; "" if that is nobody.
func (s *selection) where(first, last time.Time) string {
	var who []string
	in := func(column string, quoted []string) {
		if len(quoted) > 0 {
			who = append(who, fmt.Sprintf("%s in (%s)", column, strings.Join(quoted, ", ")))
		}
	}
	in("client_ip", s.ips)
	who = append(who, s.also...)
	in("actor_id", s.actors)
	in("route", s.routes)
	if len(who) == 0 {
		return ""
	}
	where := strings.Join(who, " or ")
	if len(who) > 1 {
		where = "(" + where + ")"
	}
	const layout = "2006-01-02 15:04:05.999999"
	return fmt.Sprintf("%s and ts between '%s' and '%s'", where, first.UTC().Format(layout), last.UTC().Format(layout))
}

// saysNetwork tells whether an address is one of IPv6 whose /64, all of which is one client,
// is told by the first four groups of its text: no zeros are left out in it.
func saysNetwork(address string) bool {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return false
	}
	groups := strings.Split(address, ":")
	return len(groups) > 4 && !slices.Contains(groups[:4], "")
}
