package detect

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// hiddenTraits are those of networks that hide who uses them, or rent machines to anybody.
const hiddenTraits = parsers.Tor | parsers.VPN | parsers.Cloud | parsers.Datacenter

// SuspiciousNetwork finds logins from networks that hide who uses them.
func SuspiciousNetwork() *Detector {
	d := &Detector{
		Name: "suspicious-network",
		Doc: "a login through Tor, a known VPN or a machine in a datacenter\n\n" +
			"Attacks come from there, and some careful people, so one login is of low severity; what Tor " +
			"is let into on an admin route is of high severity. It tells of logins that worked: those that " +
			"fail come from there all day. Where no lists of such networks were imported it is silent, and " +
			"so it is on relays, which ordinary people use.",
		Type:      SuspiciousActivity,
		Severity:  Low,
		Technique: "T1090.003",
		OWASP:     "API2:2023",
		Of:        HiddenKind,
		GroupBy:   ByActor,
	}
	own := d.adminRoutes()
	d.Match = func(r *parsers.Request) bool {
		if !r.Origin.Has(hiddenTraits) {
			return false
		}
		return r.Event == LoginSuccess || r.Origin.Has(parsers.Tor) && letIntoAdmin(r, own)
	}
	window := d.span("window", 24*time.Hour, "`time` without a login after which an event is over")
	d.TTL = window
	d.New = func() State { return &suspiciousNetwork{own: own} }
	return d
}

type suspiciousNetwork struct {
	own   *routeList // of admins
	Going *hiding
}

// A hiding is the use of such networks by one actor that goes on.
type hiding struct {
	Episode
	Via       string // the gravest of them, in words
	Networks  Distinct
	Provider  string // who runs it, clipped; "" if not known
	Logins    int64
	Admin     int64  // requests let into admin routes
	AdminPath string // the first of them, clipped
	Browser   bool   // a login was by a browser
}

func (s *suspiciousNetwork) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going == nil {
		s.Going = &hiding{Episode: begin(r, Window{mark(r, 0)}), Via: via(r.Origin), Provider: provider(r.Origin)}
	} else {
		s.Going.extend(r)
	}
	h := s.Going
	h.Networks.Add(prefixTag(r.ClientIP, 24, 48))
	if r.Event == LoginSuccess {
		h.Logins++
		h.Browser = h.Browser || strings.HasPrefix(r.UserAgent, "Mozilla/")
	}
	severity := Low
	if r.Origin.Has(parsers.Tor) {
		h.Via, h.Provider = via(r.Origin), "" // nothing is graver
		if letIntoAdmin(r, s.own) {
			severity = High
			if h.Admin++; h.Admin == 1 {
				h.AdminPath = clip(r.Path)
			}
		}
	}
	h.reach(severity, Succeeded)
	h.tell(emit, s.describe)
}

// Expire gives the final form of what goes on.
func (s *suspiciousNetwork) Expire(emit func(Event)) { s.Going.end(emit, s.describe) }

func (s *suspiciousNetwork) describe(e *Event) {
	h := s.Going
	through := h.Via
	if h.Provider != "" {
		through += fmt.Sprintf(" (%q)", h.Provider)
	}
	var did []string
	if h.Logins > 0 {
		did = append(did, "logged in "+plural(h.Logins, "time", "times"))
	}
	if h.Admin > 0 {
		did = append(did, fmt.Sprintf("was let into admin routes %s, first %q,", plural(h.Admin, "time", "times"), h.AdminPath))
	}
	e.Summary = fmt.Sprintf("%s %s through %s", who(e.ActorID, e.ActorType), strings.Join(did, " and "), through)
	if e.Count > 1 {
		e.Summary += " in " + inWords(e.Last.Sub(e.First))
	}
	e.Summary += " (threshold: once)"
	switch {
	case h.Admin > 0 && e.ActorType != string(parsers.ActorIP):
		e.Confidence = 0.8
	case h.Admin > 0:
		e.Confidence = 0.6 // nothing in the log shows that it was somebody's
	case !h.Browser:
		e.Confidence = 0.2 // servers log in to each other
	default:
		e.Confidence = 0.4
	}
	e.Metadata = Meta("via", h.Via, "provider", h.Provider, "logins", h.Logins, "admin_requests", h.Admin, "admin_path", h.AdminPath,
		"distinct_networks", len(h.Networks))
}

func provider(o *parsers.Origin) string {
	if o.Provider != "" {
		return clip(o.Provider)
	}
	return clip(o.Org)
}

// letIntoAdmin tells whether an admin route, a usual one or of the site's own, let the request in. The page on which one
// logs in and what pages are made of are for everyone, and so is a form that shows again.
func letIntoAdmin(r *parsers.Request, own *routeList) bool {
	if r.Event == LoginFailed || r.Event != LoginSuccess && (r.Status < 200 || r.Status > 299) || r.Method == "OPTIONS" {
		return false // a redirect leads to the login, unless it comes from there
	}
	admin, last := own.has(r.Path), ""
	for segment, rest := nextSegment(r.Path); segment != ""; segment, rest = nextSegment(rest) {
		admin = admin || adminSegment(segment)
		last = segment
	}
	if !admin || r.Event == LoginSuccess {
		return admin
	}
	switch strings.ToLower(path.Ext(last)) {
	case ".js", ".css", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".woff", ".woff2", ".ttf":
		return false
	}
	return !facesEverybody(last)
}

func adminSegment(segment string) bool {
	if len(segment) < len("admin") || len(segment) > len("administration") {
		return false
	}
	switch strings.ToLower(segment) {
	case "admin", "admins", "_admin", "administrator", "administration", "superadmin", "admin-api", "admin-panel", "adminpanel", "wp-admin", "phpmyadmin", "backoffice":
		return true
	}
	return false
}
