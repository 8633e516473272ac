package detect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// An attack is labelled traffic: what one attacker does, in one form.
type attack struct {
	name string // "credential-stuffing"
	form string // "fast", "slow", "distributed", "low-volume" or "evasive"
	// detectors are those that are to find it, each by itself.
	detectors []string
	// write adds the attacker's lines, the first of them at about start.
	write func(s *scene, start time.Time)
}

// An entry is one request as a log tells of it. What is empty or zero is not logged, or is
// usual: GET, 200, 1234 bytes.
type entry struct {
	ip, user, key, token, session, tenant string
	method, uri                           string
	status                                int
	bytes, records                        int64
	ua, referer                           string
}

// scorecardFormat is how the lines are logged.
const scorecardFormat = `$remote_addr - $remote_user [$time_iso8601] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" ` +
	`key="$http_x_api_key" auth="$http_authorization" session="$cookie_sessionid" tenant="$http_x_org_id" records=$upstream_http_x_record_count`

// A scene is a log while it is written: lines in any order, each with the label of who
// wrote it. All that is random comes from rand, so that a seed makes the same log.
type scene struct {
	rand  *rand.Rand
	label int // of the lines that are added: 0 is benign, else 1 + the index of an attack
	lines []labelled
	// origins says where the addresses are that an attack or the benign traffic uses.
	origins []originOf
}

type labelled struct {
	at    time.Time
	text  string
	label int
}

// add writes a line.
func (s *scene) add(at time.Time, h entry) {
	dash := func(text string) string {
		if text == "" {
			return "-"
		}
		return text
	}
	method, status, size, records, auth := h.method, h.status, h.bytes, "-", "-"
	if method == "" {
		method = "GET"
	}
	if status == 0 {
		status = 200
	}
	if size == 0 {
		size = 1234
	}
	if h.records > 0 {
		records = fmt.Sprint(h.records)
	}
	if h.token != "" {
		auth = "Bearer " + h.token
	}
	s.lines = append(s.lines, labelled{at, fmt.Sprintf(`%s - %s [%s] "%s %s HTTP/1.1" %d %d "%s" "%s" key="%s" auth="%s" session="%s" tenant="%s" records=%s`,
		h.ip, dash(h.user), at.UTC().Format("2006-01-02T15:04:05+00:00"), method, h.uri, status, size, dash(h.referer), dash(h.ua),
		dash(h.key), auth, dash(h.session), dash(h.tenant), records), s.label})
}

// network says where the addresses of a network are: a country of two letters, the
// number of the autonomous system and a place within 50 km.
func (s *scene) network(prefix, country string, asn uint32, latitude, longitude float64, traits parsers.Traits) {
	o := originOf{prefix: netip.MustParsePrefix(prefix)}
	o.Country, o.ASN, o.Latitude, o.Longitude, o.RadiusKM, o.Traits = country, asn, latitude, longitude, 50, traits
	s.origins = append(s.origins, o)
}
