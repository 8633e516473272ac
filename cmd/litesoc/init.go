package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
)

type initFlags struct {
	format, output string
	force          bool
}

func initCommand() *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init [LOG...]",
		Short: "Write a commented litesoc.yaml by looking at your log",
		Long: fmt.Sprintf(`Write a commented config by looking at logs: their format, proxies before them, where
users and tenants stand, logins, routes of admins, how lists are paged. What it sets is
what litesoc does by itself; what it found that you may want is a comment: check it and
take the # away. It looks at the first %d requests of each log. Without a log
it writes what can be set.

Exit status: 0 written, 1 no log could be read or the file cannot be written, 2 wrong
usage; a file that is there needs --force.`, mostLooked),
		Example: `  litesoc init /var/log/nginx/access.log
  litesoc init --output - access.log.gz`,
		RunE: func(c *cobra.Command, args []string) error { return initConfig(c, &f, args) },
	}
	c.Flags().StringVar(&f.format, "format", "", "`format` of the logs: a name, an nginx log_format or Apache LogFormat string, or the path of an nginx.conf (default: guessed)")
	c.Flags().StringVarP(&f.output, "output", "o", configName, "`file` to write; - prints")
	c.Flags().BoolVar(&f.force, "force", false, "write over a file that is there")
	return c
}

// mostLooked is how many requests of a log 'init' looks at: an hour of a busy site, and
// seconds of work.
const mostLooked = 100_000

// mostSampled is how many lines of a log, from all over it, tell its keys.
const mostSampled = 2000

func initConfig(c *cobra.Command, f *initFlags, args []string) error {
	if slices.Contains(args, "-") {
		return misuse("litesoc init access.log", "init: standard input cannot be looked at twice; name a file")
	}
	if f.output != "-" && !f.force {
		if _, err := os.Lstat(f.output); err == nil {
			return misuse("--force writes over it; --output - prints", "init: %s is there already", f.output)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return failed(fmt.Errorf("init: %w", err), "")
		}
	}
	if anyIs(args, f.output) {
		return misuse("--output - prints", "--output %s: %w", f.output, errLog)
	}
	s := &survey{asked: f.format}
	if len(args) > 0 {
		if err := s.look(c, args); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	s.write(&b)
	if f.output == "-" {
		_, err := c.OutOrStdout().Write(b.Bytes())
		return err
	}
	if err := writeFile(f.output, b.Bytes()); err != nil {
		return failed(fmt.Errorf("init: %w", err), "")
	}
	fmt.Fprintf(c.ErrOrStderr(), "litesoc: wrote %s; read it, then: litesoc scan %s\n", f.output, report.Show(strings.Join(args, " ")))
	return nil
}

// A survey is what a look at logs has shown.
type survey struct {
	asked   string // the format that was given
	formats []string
	keys    []parsers.JSONKey

	requests, tenants, records int
	by                         map[parsers.ActorType]int
	addresses                  map[string]int // requests by set of proxies that they come from
	forwarded                  int            // requests of which a trusted proxy would tell the client
	parameters                 map[string]int
	admin                      map[string]int
	logins                     map[string]map[int]int // by method and route: by status
	hours                      [24]int
}

// look reads the beginning of the logs.
func (s *survey) look(c *cobra.Command, args []string) error {
	s.by, s.addresses, s.parameters, s.admin = map[parsers.ActorType]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	s.logins = map[string]map[int]int{}
	formats, err := (&config{}).formats(s.asked)
	if err != nil {
		return err
	}
	routes, err := detect.NewRouteMap(nil)
	if err != nil {
		return err
	}
	err = s.read(c, args, formats, parsers.SiteConfig{}, func(r *parsers.Request) { s.count(r, routes) })
	if err != nil {
		return err
	}
	if len(s.addresses) == 0 {
		return nil
	}
	trusting := parsers.SiteConfig{TrustedProxies: slices.Sorted(maps.Keys(s.addresses))}
	return s.read(c, args, formats, trusting, func(r *parsers.Request) {
		if r.PeerIP != "" {
			s.forwarded++
		}
	})
}

// read calls visit for the first requests of each log.
func (s *survey) read(c *cobra.Command, args []string, formats []*parsers.Format, of parsers.SiteConfig, visit func(*parsers.Request)) error {
	site, err := parsers.NewSite(of)
	if err != nil {
		return err
	}
	files, failures := source.Find(args, c.InOrStdin())
	if s.formats == nil {
		for _, f := range files {
			lines, err := source.Spread(f, mostSampled)
			if err != nil || len(s.keys) > 0 {
				continue
			}
			_, s.keys = parsers.GuessJSON(lines)
		}
	}
	plan := source.Look(files, &source.Options{Site: site, Formats: formats, Lateness: time.Minute, Enrich: func([]parsers.Request) {}})
	plan.Failures = append(failures, plan.Failures...)
	if len(plan.Logs) == 0 {
		err := nothingToRead(plan)
		var status *statusError
		if errors.As(err, &status) {
			return failed(fmt.Errorf("init%s", strings.TrimPrefix(status.Error(), "scan")), status.hint)
		}
		return err
	}
	found := 0
	for _, l := range plan.Logs {
		if !slices.Contains(s.formats, l.Source.Format) {
			s.formats = append(s.formats, l.Source.Format)
		}
		for n := 0; n < mostLooked; {
			if c.Context().Err() != nil {
				return failed(errors.New("init: interrupted"), "")
			}
			b, err := l.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return failed(fmt.Errorf("init: %s: %w", report.Show(l.File.Path), err), "")
			}
			for i := range b.Requests[:min(len(b.Requests), mostLooked-n)] {
				visit(&b.Requests[i])
			}
			n += len(b.Requests)
			found += len(b.Requests)
		}
	}
	if found == 0 {
		return failed(errors.New("init: no request could be read"), "'litesoc formats detect FILE' tells what comes nearest")
	}
	return nil
}

// most is how many different names of a kind are counted: attackers choose some of them.
const most = 10_000

func (s *survey) count(r *parsers.Request, routes *detect.RouteMap) {
	s.requests++
	s.hours[r.Time.Hour()]++
	_, typ := r.Actor()
	s.by[typ]++
	if r.Tenant != "" {
		s.tenants++
	}
	if r.Records >= 0 {
		s.records++
	}
	if addr, err := netip.ParseAddr(r.ClientIP); err == nil {
		if set := parsers.ProxySetOf(addr); set != "" {
			s.addresses[set]++
		}
	}
	for pair := range strings.SplitSeq(r.Query, "&") {
		if name, _, ok := strings.Cut(pair, "="); ok && r.Status < 400 && (s.parameters[name] > 0 || len(s.parameters) < most) {
			s.parameters[name]++
		}
	}
	served := r.Status >= 200 && r.Status < 300
	if served && adminWord(r.Shape) && (s.admin[r.Shape] > 0 || len(s.admin) < most) {
		s.admin[r.Shape]++
	}
	switch routes.Classify(r) {
	case "auth.login_success", "auth.login_failed":
		at := r.Method + " " + r.Shape
		if s.logins[at] == nil {
			if len(s.logins) == most {
				return
			}
			s.logins[at] = map[int]int{}
		}
		s.logins[at][r.Status]++
	}
}

// adminWord tells whether a segment of a route says that it is for those who run the site.
func adminWord(route string) bool {
	for word := range strings.SplitSeq(strings.ToLower(route), "/") {
		switch word {
		case "admin", "administrator", "backoffice", "back-office", "internal", "manage", "management", "ops", "staff", "superuser", "support-tools", "console", "impersonate", "audit", "api-keys":
			return true
		}
	}
	return false
}

// The parameters by which lists are paged, and those that name a tenant.
var (
	pagingNames = strings.Fields("page p page_number pagenumber offset skip start from cursor after before next_token page_token pagetoken limit per_page perpage page_size pagesize size count top")
	tenantNames = strings.Fields("org_id org org_slug organization_id organization organisation_id organisation tenant_id tenant tenant_slug account_id workspace_id workspace workspace_slug company company_id customer_id team_id client_id shop_id store_id")
)

// seen returns those of the parameters that have one of the names, the most common first.
func (s *survey) seen(names []string) []string {
	var found []string
	for name := range s.parameters {
		if slices.Contains(names, strings.ToLower(name)) {
			found = append(found, name)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(s.parameters[b]-s.parameters[a], strings.Compare(a, b)) })
	return found
}

// write writes the config. Only what litesoc would do anyway is set; the rest is comment.
func (s *survey) write(w io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p("# Facts of your site, for litesoc. A line is a comment until you take its # away.")
	if s.requests > 0 {
		p("# Found by a look at %s.", report.Plural(int64(s.requests), "request", "requests"))
	}
	p("# What is set below is what litesoc does by itself.")
	p("")
	p("# The format of all logs: a name of 'litesoc formats', an nginx log_format, the path of an nginx.conf.")
	switch {
	case s.asked != "":
		p("format: %s", yamlText(s.asked))
	case len(s.formats) == 1:
		p("format: %s   # guessed by the first lines; without this, each log is told anew", yamlText(s.formats[0]))
	case len(s.formats) > 1:
		p("# It is told for each log by its first lines; found: %s.", strings.Join(s.formats, ", "))
	default:
		p("# format: nginx-combined")
	}
	s.writeFields(p)
	s.writeProxies(p)
	s.writeIdentity(p)
	s.writeRoutes(p)

	p("")
	p("# When people work, and where: what is fetched at other hours weighs more.")
	if busy := s.busiest(); busy != "" {
		p("# Most requests came %s UTC.", busy)
	}
	p("# business_hours: Mon-Fri 08:00-19:00 Europe/Berlin")
	p("")
	p("# How far a line may lie behind the lines before it and still be judged.")
	p("lateness: 1m")
	p("# Fail if a smaller share of a log's lines can be read.")
	p("min_parsed: 0.5")
	p("# How many different names in one place of paths make a template, /shops/{name}; 0 learns none.")
	p("learn_routes: %d", parsers.LeastNames)
	p("# An OpenAPI description tells routes better, and then calls to others are told.")
	p("# openapi: openapi.yaml")
	p("")
	p("# What is known and fine; its alerts are kept, but suppressed. 'litesoc allow' writes these.")
	p("# allowlist:")
	p("#   - {address: 198.51.100.7, reason: our uptime monitor}")
	p("")
	p("# Who is told of alerts by 'scan --notify'. Secrets are variables or files.")
	p("# notifications:")
	p("#   - {type: slack, url: '${SLACK_WEBHOOK}', severity: high}")
	p("")
	p("# Thresholds of detectors. 'litesoc rules list' and 'litesoc rules show' tell what there is.")
	p("# detectors:")
	p("#   brute-force-ip: {limit: 10}")
	p("#   bulk-export: {page-size: 50}")
}

func (s *survey) writeFields(p func(string, ...any)) {
	if len(s.keys) == 0 || !slices.Contains(s.formats, "json") {
		return
	}
	p("")
	p("# Which key of the log holds what, by its name or by what it holds. Correct what is wrong: only then set it.")
	p("# json_fields:")
	for _, k := range s.keys {
		how := ""
		if k.ByContent {
			how = ", by what it holds"
		}
		p("#   %s: %s   # in %d of %d lines%s", k.Field, yamlText(yamlComment(k.Key)), k.Lines, k.Of, how)
	}
}

func (s *survey) writeProxies(p func(string, ...any)) {
	p("")
	p("# Proxies and load balancers of yours, whose X-Forwarded-For is believed: addresses, ranges, or the names")
	p("# %s. Trust only what is yours:", strings.Join(parsers.ProxySets(), ", "))
	p("# who can send through a trusted proxy is who the proxy says.")
	sets := slices.Sorted(maps.Keys(s.addresses))
	for _, set := range sets {
		p("# %d of %s come from addresses of %q.", s.addresses[set], report.Plural(int64(s.requests), "request", "requests"), set)
	}
	switch {
	case len(sets) == 0:
		p("# trusted_proxies: [private]")
	case s.forwarded > 0:
		p("# With these trusted, the log tells the client of %d of them:", s.forwarded)
		p("# trusted_proxies: [%s]", strings.Join(sets, ", "))
	default:
		p("# The log does not say for whom: have X-Forwarded-For logged, else all of them are one client. Then:")
		p("# trusted_proxies: [%s]", strings.Join(sets, ", "))
	}
}

func (s *survey) writeIdentity(p func(string, ...any)) {
	p("")
	p("# Who acts. Keys and tokens are kept as fingerprints.")
	for _, typ := range []parsers.ActorType{parsers.ActorAPIKey, parsers.ActorUser, parsers.ActorToken, parsers.ActorSession, parsers.ActorIP} {
		if s.by[typ] > 0 {
			p("# %d of %s are known by %s.", s.by[typ], report.Plural(int64(s.requests), "request", "requests"), map[parsers.ActorType]string{
				parsers.ActorAPIKey: "an API key", parsers.ActorUser: "a user", parsers.ActorToken: "a token", parsers.ActorSession: "a session", parsers.ActorIP: "their address alone"}[typ])
		}
	}
	if s.requests > 0 && s.tenants == 0 {
		p("# None names a tenant: what one does in another's place is told by learning only. Log it, or name a claim:")
	} else if s.tenants > 0 {
		p("# %d name a tenant.", s.tenants)
	}
	p("# tenant_claims: [org_id]          # of a JWT, before the usual ones")
	p("# api_key_params: [access_key]     # parameters of the query, beside the usual ones")
	p("# session_cookies: [acme_session]  # cookies, beside the usual ones")
	p("# admins: [root@example.com]       # who may use routes of admins")
	p("")
	p("# Parameters that name a tenant. What is set takes the place of the usual ones.")
	if found := s.seen(tenantNames); len(found) > 0 {
		p("# tenant_parameters: [%s]   # found", yamlList(found))
	} else {
		p("# tenant_parameters: [org_id, tenant_id]")
	}
}

func (s *survey) writeRoutes(p func(string, ...any)) {
	p("")
	p("# Logins. One that fails must not look like one that works: if it is answered 200, or 302 to the login page,")
	p("# say which status means what.")
	routes := slices.Sorted(maps.Keys(s.logins))
	slices.SortStableFunc(routes, func(a, b string) int { return sum(s.logins[b]) - sum(s.logins[a]) })
	for _, route := range routes[:min(len(routes), 5)] {
		var statuses []string
		for _, status := range slices.Sorted(maps.Keys(s.logins[route])) {
			statuses = append(statuses, fmt.Sprintf("%d × %d", status, s.logins[route][status]))
		}
		note := ""
		if s.logins[route][401]+s.logins[route][403]+s.logins[route][400]+s.logins[route][422] == 0 {
			note = "; none of them is refused: check it"
		}
		p("# Found: %s (%s%s).", yamlComment(route), strings.Join(statuses, ", "), note)
	}
	if s.requests > 0 && len(routes) == 0 {
		p("# None was found: if there are logins, name them.")
	}
	p("# routes:")
	p("#   - {method: POST, path: '**/session/new', status: '200,302', event: auth.login_success}")
	p("#   - {method: POST, path: '**/session/new', status: 4xx, event: auth.login_failed}")
	p("")
	p("# Routes of admins, beside those that say admin, and those that not every plan has.")
	admin := slices.SortedFunc(maps.Keys(s.admin), func(a, b string) int { return cmp.Or(s.admin[b]-s.admin[a], strings.Compare(a, b)) })
	if len(admin) > 0 {
		p("# admin_routes: [%s]   # found; ** stands for all below", yamlList(admin[:min(len(admin), 10)]))
	} else {
		p("# admin_routes: [/ops/**]")
	}
	p("# plan_routes: [/api/v1/exports/**]")
	p("")
	p("# Lists. How many records a request returned is told by the log, else by these parameters.")
	if found := s.seen(pagingNames); len(found) > 0 {
		p("# Found: %s.", yamlComment(strings.Join(found[:min(len(found), 10)], ", ")))
	}
	if s.records > 0 {
		p("# %d of %s tell how many records they returned.", s.records, report.Plural(int64(s.requests), "request", "requests"))
	}
	p("# How many a page has where neither does: see page-size of bulk-export, below.")
}

// busiest tells the hours, one after the other, in which most requests came.
func (s *survey) busiest() string {
	total := 0
	for _, n := range s.hours {
		total += n
	}
	if total == 0 {
		return ""
	}
	for span := 1; span < 20; span++ {
		for from := range 24 {
			in := 0
			for h := range span {
				in += s.hours[(from+h)%24]
			}
			if in*10 >= total*8 {
				return fmt.Sprintf("from %02d:00 to %02d:00", from, (from+span)%24)
			}
		}
	}
	return ""
}

func sum(counts map[int]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// yamlText writes a text so that YAML reads it as that text, on one line.
func yamlText(s string) string {
	if report.Show(s) != s {
		return strconv.QuoteToASCII(s)
	}
	for _, r := range s {
		if !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || r == '-' || r == '_') {
			return "'" + strings.ReplaceAll(s, "'", "''") + "'"
		}
	}
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "yes", "no", "on", "off":
		return "'" + s + "'"
	}
	return s
}

func yamlList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = yamlText(yamlComment(t))
	}
	return strings.Join(quoted, ", ")
}

// yamlComment is text of a log fit for a comment: on one line, and not too long.
func yamlComment(s string) string { return report.ShowShort(s, 200) }
