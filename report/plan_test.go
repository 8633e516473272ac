package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
)

var planEnd = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// planAlert is an alert of an hour before the end of the log.
func planAlert(id, actorType, actor, ip string, actions ...detect.Action) *Alert {
	return &Alert{
		Alert: detect.Alert{
			ID: id, Rule: "api-enumeration", Severity: detect.High, Title: "API enumeration", Description: "many paths",
			ActorType: actorType, ActorID: actor, SourceIP: ip, Last: planEnd.Add(-time.Hour), Outcome: detect.Attempted,
			Actions: actions, Events: []string{"evt_" + id},
		},
		Status: Open, IncidentID: "inc_" + id,
	}
}

// planOf makes a plan of the alerts, where the actors are served from the addresses.
func planOf(t *testing.T, o PlanOptions, active [][2]string, alerts ...*Alert) *Plan {
	t.Helper()
	r := &Report{Log: Log{Last: planEnd}, Run: Run{Evidence: map[string][]Place{}}}
	for _, a := range alerts {
		r.Run.Evidence["evt_"+a.ID] = []Place{{"access.log", 1}, {"access.log", 2}}
	}
	f := NewPlanFacts(r, alerts)
	f.Active = func(yield func(ip, actor string)) error {
		for _, p := range active {
			yield(p[0], p[1])
		}
		return nil
	}
	proxy := netip.MustParsePrefix("198.51.100.240/28")
	f.Trusted = proxy.Overlaps
	allow, err := detect.NewAllowlist([]detect.AllowEntry{{Address: "198.51.100.99", Rule: "rate-limit", Reason: "our scanner", Owner: "ops"}}, detect.All(), detect.Rules())
	if err != nil {
		t.Fatal(err)
	}
	f.Allow = allow
	f.Origin = func(ip string) *parsers.Origin {
		switch ip {
		case "198.51.100.66":
			return &parsers.Origin{Traits: parsers.Crawler}
		case "198.51.100.67":
			return &parsers.Origin{Traits: parsers.Relay}
		}
		return nil
	}
	if o.IPv6Bits == 0 {
		o.IPv6Bits = 64
	}
	o.AllowReserved = true
	p, err := NewPlan(f, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func networks(p *Plan) string {
	var all []string
	for i := range p.Blocks {
		all = append(all, p.Blocks[i].Network.String())
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func scans(ips ...string) []*Alert {
	var alerts []*Alert
	for i, ip := range ips {
		alerts = append(alerts, planAlert(fmt.Sprintf("alt_%02d", i), "ip", ip, ip, detect.BlockAddress))
	}
	return alerts
}

func TestPlanNetworks(t *testing.T) {
	row := func(from, n int) (ips []string) {
		for i := range n {
			ips = append(ips, fmt.Sprintf("203.0.113.%d", from+i))
		}
		return ips
	}
	for _, c := range []struct {
		name   string
		o      PlanOptions
		ips    []string
		active [][2]string
		want   string
	}{
		{"one", PlanOptions{}, []string{"203.0.113.9"}, nil, "203.0.113.9/32"},
		{"the same twice", PlanOptions{}, []string{"203.0.113.9", "203.0.113.9"}, nil, "203.0.113.9/32"},
		{"halves of a network", PlanOptions{}, row(8, 8), nil, "203.0.113.8/29"},
		{"neighbours that are no halves", PlanOptions{}, []string{"203.0.113.9", "203.0.113.10"}, nil, "203.0.113.10/32 203.0.113.9/32"},
		{"three of four", PlanOptions{}, row(8, 3), nil, "203.0.113.10/32 203.0.113.8/31"},
		{"an IPv6 address", PlanOptions{}, []string{"2001:db8::5"}, nil, "2001:db8::/64"},
		{"an IPv6 address by itself", PlanOptions{IPv6Bits: 128}, []string{"2001:db8::5"}, nil, "2001:db8::5/128"},
		{"halves of IPv6", PlanOptions{}, []string{"2001:db8::5", "2001:db8:0:1::5"}, nil, "2001:db8::/63"},
		{"mapped IPv4", PlanOptions{}, []string{"::ffff:203.0.113.9"}, nil, "203.0.113.9/32"},
		{"translated IPv4", PlanOptions{Aggregate: 2}, []string{"64:ff9b::cb00:7109", "64:ff9b::cb00:710b"}, nil, "64:ff9b::cb00:7109/128 64:ff9b::cb00:710b/128"},
		{"enough of a /24", PlanOptions{Aggregate: 3}, []string{"203.0.113.9", "203.0.113.30", "203.0.113.77", "203.0.114.1"}, nil, "203.0.113.0/24 203.0.114.1/32"},
		{"too few of a /24", PlanOptions{Aggregate: 4}, []string{"203.0.113.9", "203.0.113.30", "203.0.113.77"}, nil, "203.0.113.30/32 203.0.113.77/32 203.0.113.9/32"},
		{"somebody else in the /24", PlanOptions{Aggregate: 2}, []string{"203.0.113.9", "203.0.113.30"}, [][2]string{{"203.0.113.200", "alice"}}, "203.0.113.30/32 203.0.113.9/32"},
		{"a proxy in the /24", PlanOptions{Aggregate: 2}, []string{"198.51.100.9", "198.51.100.30"}, nil, "198.51.100.30/32 198.51.100.9/32"},
		{"others in the /64", PlanOptions{Shared: 2}, []string{"2001:db8::5"}, [][2]string{{"2001:db8::7", "alice"}, {"2001:db8::8", "bob"}}, "2001:db8::5/128"},
		{"others on the address", PlanOptions{Shared: 2}, []string{"203.0.113.9"}, [][2]string{{"203.0.113.9", "alice"}, {"203.0.113.9", "bob"}}, ""},
		{"one other on the address", PlanOptions{Shared: 2}, []string{"203.0.113.9"}, [][2]string{{"203.0.113.9", "alice"}, {"203.0.113.9", "alice"}}, "203.0.113.9/32"},
		{"others do not count", PlanOptions{Shared: 0}, []string{"203.0.113.9"}, [][2]string{{"203.0.113.9", "alice"}, {"203.0.113.9", "bob"}}, "203.0.113.9/32"},
		{"over before the log ends", PlanOptions{TTL: time.Hour}, []string{"203.0.113.9"}, nil, ""},
		{"nearly over", PlanOptions{TTL: time.Hour + time.Millisecond}, []string{"203.0.113.9"}, nil, "203.0.113.9/32"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := planOf(t, c.o, c.active, scans(c.ips...)...)
			if got := networks(p); got != c.want {
				t.Errorf("got %q, want %q; refused %+v, notes %q", got, c.want, p.Refused, p.Notes)
			}
			for i := range p.Blocks {
				if p.Blocks[i].ttl(p.Through) < time.Second {
					t.Errorf("%s lasts %s", p.Blocks[i].Network, p.Blocks[i].ttl(p.Through))
				}
			}
		})
	}
}

func TestPlanRefusals(t *testing.T) {
	for _, c := range []struct{ ip, kind string }{
		{"198.51.100.250", "trusted proxy"},
		{"198.51.100.99", "allowlisted"},
		{"198.51.100.66", "crawler"},
		{"198.51.100.67", "relay"},
		{"127.0.0.1", "reserved"},
		{"::1", "reserved"},
		{"0.0.0.0", "reserved"},
		{"169.254.1.1", "reserved"},
		{"224.0.0.1", "reserved"},
		{"255.255.255.255", "reserved"},
		{"104.16.1.1", "proxy network"},   // of Cloudflare
		{"2606:4700::1", "proxy network"}, // likewise
		{"unix:", "no address"},
		{"203.0.113.9; drop", "no address"},
	} {
		p := planOf(t, PlanOptions{Shared: 5}, nil, scans(c.ip)...)
		if len(p.Blocks) != 0 || len(p.Refused) != 1 || p.Refused[0].Kind != c.kind || p.Refused[0].Reason == "" {
			t.Errorf("%s: blocked %q, refused %+v", c.ip, networks(p), p.Refused)
		}
	}
}

// Those who came and went are one line of the plan, but for few of them and what was severe.
func TestPlanOfThePassed(t *testing.T) {
	var alerts []*Alert
	for i, a := range scans("198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.5") {
		a.Last = planEnd.Add(-48 * time.Hour)
		if i > 0 {
			a.Severity = detect.Medium
		}
		alerts = append(alerts, a)
	}
	const one = "4 addresses of alerts of medium severity at most, whose blocks would have ended before the log does; --ttl makes them longer: " +
		"198.51.100.2, 198.51.100.3, 198.51.100.4, 198.51.100.5"
	for _, c := range []struct {
		alerts []*Alert
		folded bool
	}{{alerts, true}, {alerts[:4], false}} {
		text := strings.Join(strings.Fields(writePlanAs(t, "text", planOf(t, PlanOptions{}, nil, c.alerts...))), " ")
		if strings.Contains(text, one) != c.folded || strings.Contains(text, "198.51.100.2: the block would have ended") == c.folded ||
			!strings.Contains(text, "198.51.100.1: the block would have ended") {
			t.Errorf("of %d alerts: %s", len(c.alerts), text)
		}
	}
}

// Without --allow-reserved nobody's network is blocked.
func TestPlanReserved(t *testing.T) {
	for _, ip := range []string{"10.0.0.1", "100.64.0.1", "192.0.2.1", "2001:db8::1", "fd00::1", "198.18.0.1"} {
		f := NewPlanFacts(&Report{Log: Log{Last: planEnd}}, scans(ip))
		f.Active = func(yield func(ip, actor string)) error { yield("192.0.2.1", "alice"); return nil }
		f.Trusted = func(netip.Prefix) bool { return false }
		f.Origin = func(string) *parsers.Origin { return nil }
		p, err := NewPlan(f, PlanOptions{IPv6Bits: 64})
		if err != nil || len(p.Blocks) != 0 || len(p.Refused) != 1 || p.Refused[0].Kind != "reserved" {
			t.Errorf("%s: %v, %+v", ip, err, p)
		}
	}
}

// Where an address is shared, who acts is acted on instead.
func TestPlanActorInstead(t *testing.T) {
	a := planAlert("alt_1", "api_key", "key_0123456789ab", "203.0.113.9", detect.BlockAddress)
	p := planOf(t, PlanOptions{Shared: 1}, [][2]string{{"203.0.113.9", "alice"}}, a)
	if len(p.Refused) != 1 || p.Refused[0].Others != 1 || !strings.Contains(p.Refused[0].Instead, "key_0123456789ab") ||
		len(p.Credentials) != 1 || p.Credentials[0].Action != "revoke_key" {
		t.Errorf("%+v", p)
	}
	// The attacker's own accounts are no others.
	p = planOf(t, PlanOptions{Shared: 1}, [][2]string{{"203.0.113.9", "mallory"}},
		planAlert("alt_1", "user", "mallory", "203.0.113.9", detect.BlockAddress, detect.BlockActor))
	if networks(p) != "203.0.113.9/32" {
		t.Errorf("%+v", p)
	}
}

func TestPlanActions(t *testing.T) {
	all := func(p *Plan) string {
		var did []string
		for _, c := range p.Credentials {
			did = append(did, c.Action+" "+c.ID)
		}
		for _, a := range p.Accounts {
			did = append(did, a.Action+" "+a.Type+" "+a.ID)
		}
		for i := range p.Blocks {
			did = append(did, "block "+p.Blocks[i].Network.String())
		}
		for _, c := range p.Tell {
			did = append(did, string(c.Action))
		}
		return strings.Join(did, ", ")
	}
	for _, c := range []struct {
		actorType, actor string
		actions          []detect.Action
		want             string
	}{
		{"ip", "203.0.113.9", []detect.Action{detect.BlockActor}, "block 203.0.113.9/32"},
		{"user", "mallory", []detect.Action{detect.BlockActor}, "end_sessions user mallory, freeze_account user mallory"},
		{"api_key", "key_1", []detect.Action{detect.BlockActor, detect.RevokeKey}, "revoke_key key_1"},
		{"token", "tok_1", []detect.Action{detect.RevokeTokens, detect.ResetPassword}, "revoke_token tok_1, reset_password token tok_1"},
		{"session", "ses_1", []detect.Action{detect.RevokeTokens}, "end_session ses_1"},
		{"user", "alice", []detect.Action{detect.ResetPassword, detect.RevokeTokens}, "end_sessions user alice, reset_password user alice"},
		{"ip", "203.0.113.9", []detect.Action{detect.RevokeKey}, ""},
		{"ip", "203.0.113.9", []detect.Action{detect.FreezeAccount}, "block 203.0.113.9/32"},
		{"api_key", "key_1", []detect.Action{detect.FreezeAccount}, "freeze_account api_key key_1"},
		{"ip", "203.0.113.9", []detect.Action{detect.Escalate, detect.NotifySecurity, detect.OpenIncident}, "open_incident, notify_security, escalate_on_call"},
	} {
		p := planOf(t, PlanOptions{}, nil, planAlert("alt_1", c.actorType, c.actor, "203.0.113.9", c.actions...))
		if got := all(p); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.actorType, c.actions, got, c.want)
		}
	}
}

// The alerts that are named of many are the worst.
func TestPlanNamesTheWorst(t *testing.T) {
	alerts := scans("198.51.100.1", "198.51.100.2", "198.51.100.3")
	for _, a := range alerts {
		a.Actions = []detect.Action{detect.NotifySecurity}
	}
	alerts[0].Severity, alerts[2].Severity = detect.Medium, detect.Critical
	p := planOf(t, PlanOptions{}, nil, alerts...)
	if want := []string{"alt_02", "alt_01", "alt_00"}; len(p.Tell) != 1 || !slices.Equal(p.Tell[0].Alerts, want) {
		t.Errorf("%+v, want %q", p.Tell, want)
	}
}

// Of a campaign of more addresses than an event names, the plan says how many are missing.
func TestPlanOfUnnamedAddresses(t *testing.T) {
	for _, c := range []struct {
		metadata json.RawMessage
		want     string
	}{
		{detect.Meta("addresses", 393, "address_list", []string{"203.0.113.9", "203.0.113.10"}),
			"391 further addresses of event evt_alt_1 are not named, and not blocked: the query of incident inc_alt_1 finds their requests"},
		{detect.Meta("addresses", 2, "address_list", []string{"203.0.113.9", "203.0.113.10"}), ""},
		{detect.Meta("addresses", []string{"203.0.113.9", "203.0.113.10"}), ""},
	} {
		a := planAlert("alt_1", "route", "/login", "203.0.113.9", detect.BlockAddress, detect.BlockActor)
		f := NewPlanFacts(&Report{Log: Log{Last: planEnd}, Events: []Event{{Event: detect.Event{ID: "evt_alt_1", Metadata: c.metadata}}}}, []*Alert{a})
		f.Trusted = func(netip.Prefix) bool { return false }
		f.Origin = func(string) *parsers.Origin { return nil }
		f.Active = func(yield func(ip, actor string)) error { yield("192.0.2.1", "alice"); return nil }
		p, err := NewPlan(f, PlanOptions{IPv6Bits: 64, AllowReserved: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Notes, "; "); got != c.want || len(p.Blocks) != 2 {
			t.Errorf("%s: %d blocks, notes %q, want %q", c.metadata, len(p.Blocks), got, c.want)
		}
	}
}

// Each account that guessing opened is secured, not the first alone.
func TestPlanOfSeveralTaken(t *testing.T) {
	a := planAlert("alt_1", "route", "/login", "203.0.113.9", detect.ResetPassword)
	f := NewPlanFacts(&Report{Log: Log{Last: planEnd}, Events: []Event{{Event: detect.Event{ID: "evt_alt_1",
		Metadata: detect.Meta("account_that_worked", "alice", "accounts_that_worked", []string{"alice", "bob"})}}}}, []*Alert{a})
	p, err := NewPlan(f, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range p.Accounts {
		got = append(got, k.Action+" "+k.ID)
	}
	if want := "reset_password alice, reset_password bob"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// hostileNames are names that try to break out of whatever they are written into.
var hostileNames = []string{
	"a\nb", "\"; drop", "`x`", "=cmd|' /C calc'!A0", "+1", "@sum", "-2", "*/ x", "--> y", "}\n\ndeny all;\n{", "$(reboot)", "';x", "a,b", "# c", "\u202egnp", "\x1b[2J", "]]>", "<script>",
}

// hostilePlan has everything that a plan can hold, with names that an attacker chose.
func hostilePlan(t *testing.T) *Plan {
	var alerts []*Alert
	for i, name := range hostileNames {
		a := planAlert(fmt.Sprintf("alt_%02d", i), "user", name, fmt.Sprintf("203.0.113.%d", 2*i), detect.BlockAddress, detect.BlockActor, detect.NotifySecurity)
		a.Title, a.Description, a.Rule = name, "by "+name, name
		b := planAlert(fmt.Sprintf("alt_x%02d", i), "ip", fmt.Sprintf("2001:db8:0:%x::1", 2*i), "", detect.BlockAddress)
		b.ID, b.Description = name, name
		alerts = append(alerts, a, b)
	}
	alerts = append(alerts, planAlert("alt_k", "api_key", "=key_1", "198.51.100.250", detect.BlockAddress, detect.RevokeKey))
	p := planOf(t, PlanOptions{}, nil, alerts...)
	if len(p.Blocks) != 2*len(hostileNames) || len(p.Accounts) != 2*len(hostileNames) || len(p.Refused) != 1 {
		t.Fatalf("%d blocks, %d accounts, %d refused", len(p.Blocks), len(p.Accounts), len(p.Refused))
	}
	return p
}

func writePlanAs(t testing.TB, name string, p *Plan) string {
	t.Helper()
	for _, f := range PlanFormats() {
		if f.Name == name {
			var b bytes.Buffer
			if err := f.Write(&b, p); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
	}
	t.Fatalf("no format %q", name)
	return ""
}

// Nothing that an attacker chose breaks out of a format.
func TestHostilePlan(t *testing.T) {
	p := hostilePlan(t)
	block := p.Blocks[0]
	comment := `[A-Za-z0-9_. :-]*`
	for name, line := range map[string]string{
		"nginx-deny":  `deny [0-9a-f.:]+/\d+; # ` + comment,
		"nginx-geo":   `geo \$litesoc_block \{|    default 0;|    [0-9a-f.:]+/\d+ 1; # ` + comment + `|\}`,
		"nftables":    `(add|delete) table inet litesoc|table inet litesoc \{|\tset block[46] \{|\tchain input \{|\t\t[a-z0-9_ @,;-]+( = \{)?|\t{0,2}\}|\t\t\t[0-9a-f.:]+/\d+ timeout \d+s comment "` + comment + `",?`,
		"ipset":       `(create|flush) [a-z0-9: ]+|add litesoc[46] [0-9a-f.:]+/\d+ timeout \d+ comment "` + comment + `"`,
		"haproxy-acl": `[0-9a-f.:]+/\d+`,
		"haproxy-map": `[0-9a-f.:]+/\d+ [A-Za-z0-9_.-]+`,
		"caddy":       `\(litesoc_block\) \{|\t@litesoc_block \{|\t\tclient_ip [0-9a-f.:]+/\d+|\trespond @litesoc_block 403|\t?\}|\t\t# ` + comment,
	} {
		whole := regexp.MustCompile(`^(#.*|` + line + `)$`)
		for l := range strings.SplitSeq(strings.TrimSuffix(writePlanAs(t, name, p), "\n"), "\n") {
			if !whole.MatchString(l) || Show(strings.ReplaceAll(l, "\t", "")) != strings.ReplaceAll(l, "\t", "") {
				t.Errorf("%s: %q", name, l)
			}
			if strings.HasPrefix(l, "#") && !regexp.MustCompile(`^# [ -~]*$`).MatchString(l) {
				t.Errorf("%s: %q", name, l)
			}
		}
	}
	if len(block.comment()) > 128 {
		t.Errorf("comment of %d bytes", len(block.comment()))
	}
	for _, f := range PlanFormats() {
		text := writePlanAs(t, f.Name, p)
		for l := range strings.SplitSeq(text, "\n") {
			if l = strings.ReplaceAll(l, "\t", ""); Show(l) != l {
				t.Errorf("%s: %q", f.Name, l)
			}
		}
		switch filepath.Ext(f.File) {
		case ".json":
			if !json.Valid([]byte(text)) {
				t.Errorf("%s is no JSON", f.Name)
			}
		case ".csv":
			rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
						t.Errorf("%s: a formula %q", f.Name, cell)
					}
				}
			}
		}
	}
	// JSON keeps names as they are, for machines.
	var accounts []Account
	if err := json.Unmarshal([]byte(writePlanAs(t, "accounts-json", p)), &accounts); err != nil {
		t.Fatal(err)
	}
	for _, name := range hostileNames {
		if !slices.ContainsFunc(accounts, func(a Account) bool { return a.ID == name }) {
			t.Errorf("accounts-json has no %q", name)
		}
	}
}

// The real tools take what is written for them, of nothing as of much.
func TestPlanByRealTools(t *testing.T) {
	for _, c := range []struct {
		name string
		plan *Plan
	}{
		{"nothing", planOf(t, PlanOptions{}, nil)},
		{"hostile", hostilePlan(t)},
	} {
		dir := t.TempDir()
		put := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		run := func(t *testing.T, name string, args ...string) {
			t.Helper()
			if _, err := exec.LookPath(name); err != nil {
				t.Skipf("%s is not installed", name)
			}
			if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
				t.Errorf("%s %q: %v\n%s", name, args, err, out)
			}
		}
		// inNamespace runs a command where it is root of a network of its own.
		inNamespace := func(t *testing.T, tool, script string) {
			t.Helper()
			if _, err := exec.LookPath(tool); err != nil {
				t.Skipf("%s is not installed", tool)
			}
			if out, err := exec.Command("unshare", "-rn", "true").CombinedOutput(); err != nil {
				t.Skipf("no network namespace is to be had: %v %s", err, out)
			}
			if out, err := exec.Command("unshare", "-rn", "sh", "-ec", script).CombinedOutput(); err != nil {
				if bytes.Contains(out, []byte("Cannot open session to kernel")) || bytes.Contains(out, []byte("Protocol not supported")) {
					t.Skipf("this kernel has no %s: %s", tool, out)
				}
				t.Errorf("%s: %v\n%s", tool, err, out)
			}
		}
		t.Run(c.name+"/nginx", func(t *testing.T) {
			deny, geo := put("deny.conf", writePlanAs(t, "nginx-deny", c.plan)), put("geo.conf", writePlanAs(t, "nginx-geo", c.plan))
			conf := put("nginx.conf", fmt.Sprintf("pid %s; error_log stderr; events {}\nhttp { access_log off; include %q; server { listen unix:%s; include %q; if ($litesoc_block) { return 403; } } }\n",
				filepath.Join(dir, "pid"), geo, filepath.Join(dir, "socket"), deny))
			run(t, "nginx", "-t", "-q", "-p", dir, "-c", conf)
		})
		t.Run(c.name+"/nftables", func(t *testing.T) {
			file := put("litesoc.nft", writePlanAs(t, "nftables", c.plan))
			// Loaded twice: it replaces itself.
			inNamespace(t, "nft", fmt.Sprintf("nft -c -f '%s'; nft -f '%[1]s'; nft -f '%[1]s'", file))
		})
		t.Run(c.name+"/ipset", func(t *testing.T) {
			file := put("litesoc.ipset", writePlanAs(t, "ipset", c.plan))
			inNamespace(t, "ipset", fmt.Sprintf("ipset -exist restore < '%s'; ipset -exist restore < '%[1]s'", file))
		})
		t.Run(c.name+"/haproxy", func(t *testing.T) {
			acl, m := put("haproxy.acl", writePlanAs(t, "haproxy-acl", c.plan)), put("haproxy.map", writePlanAs(t, "haproxy-map", c.plan))
			conf := put("haproxy.cfg", fmt.Sprintf("defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\nfrontend f\n bind unix@%s\n acl litesoc src -f %s\n http-request deny if litesoc\n http-request deny if { src,map_ip(%s) -m found }\n",
				filepath.Join(dir, "h.socket"), acl, m))
			run(t, "haproxy", "-c", "-f", conf)
		})
		t.Run(c.name+"/caddy", func(t *testing.T) {
			snippet := writePlanAs(t, "caddy", c.plan)
			if out, err := exec.Command("caddy", "list-modules").Output(); err == nil && !bytes.Contains(out, []byte("http.matchers.client_ip")) {
				snippet = strings.ReplaceAll(snippet, "client_ip", "remote_ip") // before 2.7
			}
			put("litesoc.caddy", snippet)
			run(t, "caddy", "adapt", "--adapter", "caddyfile", "--config", put("Caddyfile", "import litesoc.caddy\nexample.com {\n\timport litesoc_block\n}\n"))
		})
	}
}

// AWS bounds a set; what does not fit is not cut.
func TestPlanForAWS(t *testing.T) {
	p := &Plan{Through: planEnd}
	for i := range maxAWSAddresses + 1 {
		p.Blocks = append(p.Blocks, Block{Network: netip.PrefixFrom(netip.AddrFrom4([4]byte{203, byte(i >> 8), byte(i), 1}), 32)})
	}
	if err := awsWAF(4).Write(&bytes.Buffer{}, p); err == nil {
		t.Error("more networks than a set holds are written")
	}
	if err := awsWAF(6).Write(&bytes.Buffer{}, p); err != nil {
		t.Error(err)
	}
	description := regexp.MustCompile(`^[\w+=:#@/\-,.][\w+=:#@/\-,.\s]+[\w+=:#@/\-,.]$`)
	if d := awsDescription(p); !description.MatchString(d) {
		t.Errorf("description %q", d)
	}
}

// The same alerts in another order make the same plan.
func TestPlanOrder(t *testing.T) {
	alerts := scans("203.0.113.9", "203.0.113.8", "2001:db8::1", "127.0.0.1", "198.51.100.3")
	want := writePlanAs(t, "json", planOf(t, PlanOptions{}, nil, alerts...))
	slices.Reverse(alerts)
	if got := writePlanAs(t, "json", planOf(t, PlanOptions{}, nil, alerts...)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
