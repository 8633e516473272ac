package main

import (
	"fmt"
	"io"
)

// An example is a saved query: a question of an investigation, and what answers it.
type example struct{ name, question, sql string }

// examples are in the order in which one would ask.
var examples = []example{
	{"who", "Who is calling, and how much?", `
select actor_id, actor_type, count(*) as requests, count(distinct client_ip) as addresses, count(distinct route) as routes,
  count(*) filter (status between 400 and 499) as refused, min(ts) as first_ts, max(ts) as last_ts
from requests group by all order by requests desc, actor_id, actor_type limit 25`},
	{"what", "What are they doing with it?", `
select event_name, severity, count(distinct actor_id) as actors, sum(count) as times, min(ts) as first_ts, max(last_ts) as last_ts
from activity group by all order by times desc, event_name, severity limit 50`},
	{"from-where", "From where, and through what kind of network?", `
select coalesce(i.country_code, '?') as country, i.as_org, i.is_vpn, i.is_tor, i.is_datacenter, count(*) as requests,
  count(distinct r.client_ip) as addresses, count(distinct r.actor_id) as actors
from requests r left join ips i on r.client_ip = i.ip group by all order by requests desc, country, as_org, is_vpn, is_tor, is_datacenter limit 25`},
	{"did-it-work", "Did it work? What of the attacks succeeded?", `
select outcome, severity, event_name, actor_id, user_ip, first_ts, last_ts, count, summary
from events where outcome in ('succeeded', 'attempted') and severity in ('medium', 'high', 'critical')
order by outcome = 'succeeded' desc, first_ts, id limit 50`},
	{"targeted-accounts", "Are failures aimed at specific accounts?", `
select coalesce(user_id, '(not logged)') as account, count(*) as failures, count(distinct client_ip) as addresses, min(ts) as first_ts, max(ts) as last_ts
from requests where event_name = 'auth.login_failed' group by all order by failures desc, account limit 25`},
	{"failing-routes", "Where do failed logins arrive, and does one of them work in the end?", `
select client_ip, count(*) filter (event_name = 'auth.login_failed') as failed, count(*) filter (event_name = 'auth.login_success') as worked,
  count(distinct user_id) as accounts, min(ts) as first_ts, max(ts) as last_ts
from requests where event_name in ('auth.login_failed', 'auth.login_success')
group by all having failed > 0 order by failed desc, client_ip limit 25`},
	{"coordinated", "Do addresses work together: one client program, many addresses, all refused?", `
select user_agent, time_bucket(interval 1 hour, ts) as hour, count(distinct client_ip) as addresses, count(*) as refused,
  round(count(*) / count(distinct client_ip), 1) as each, list(distinct route order by route)[:3] as routes
from requests where status between 400 and 499
group by all having addresses >= 3 order by addresses desc, refused desc, hour, user_agent limit 25`},
	{"past-24h", "Has the same actor been probing for the past 24 hours of the log?", `
select actor_id, count(distinct date_trunc('hour', ts)) as hours, count(*) as refused, count(distinct path) as paths, min(ts) as first_ts, max(ts) as last_ts
from requests where status between 400 and 499 and ts > (select max(ts) - interval 24 hours from requests where not late)
group by all order by hours desc, refused desc, actor_id limit 25`},
	{"top-4xx", "Which routes are refused most?", `
select method, route, count(*) filter (status between 400 and 499) as refused, count(*) as requests,
  round(100.0 * refused / count(*), 1) as percent, count(distinct client_ip) filter (status between 400 and 499) as addresses
from requests group by all having refused > 0 order by refused desc, route, method limit 25`},
	{"missing-paths", "Who asks for what is not there?", `
select client_ip, count(distinct path) as paths, count(*) as requests, min(ts) as first_ts, max(ts) as last_ts, any_value(user_agent order by ts, source_id, line) as user_agent
from requests where status = 404 group by client_ip order by paths desc, client_ip limit 25`},
	{"data-volume", "How much data does each actor take?", `
select actor_id, actor_type, sum(bytes) as bytes, sum(records) as records, count(*) as requests, count(distinct route) as routes,
  round(100.0 * sum(bytes) / sum(sum(bytes)) over (), 1) as percent
from requests where status between 200 and 299 group by all order by bytes desc nulls last, actor_id, actor_type limit 25`},
	{"deep-paging", "Who pages through whole lists?", `
select actor_id, route, count(*) as requests, count(distinct query) as pages, min(ts) as first_ts, max(ts) as last_ts
from requests where query is not null and status between 200 and 299
group by all having pages > 1 order by pages desc, actor_id, route limit 25`},
	{"new-countries", "From which countries does each key or account come, and since when?", `
select r.actor_id, r.actor_type, coalesce(i.country_code, '?') as country, min(r.ts) as since, count(*) as requests,
  since > min(since) over (partition by r.actor_id) as new
from requests r left join ips i on r.client_ip = i.ip where r.actor_type <> 'ip'
group by 1, 2, 3 order by new desc, since desc, actor_id, actor_type, country limit 50`},
	{"token-networks", "Which tokens and keys are used from several networks?", `
select coalesce(api_key, token) as credential, count(distinct client_ip) as addresses,
  count(distinct regexp_extract(client_ip, '^(\d+\.\d+\.\d+|([0-9a-f]*:){1,4})')) as networks, count(*) as requests, min(ts) as first_ts, max(ts) as last_ts
from requests where coalesce(api_key, token) is not null
group by all order by networks desc, addresses desc, credential limit 25`},
	{"beyond-rights", "Who reaches for what is not theirs: other ids, tenants, roles, plans, admin pages?", `
select detector, actor_id, outcome, count, first_ts, last_ts, summary
from events where detector in ('access-denied', 'admin-probe', 'cross-tenant', 'object-sweep', 'permission-denied', 'role-tampering', 'sequential-ids')
order by outcome = 'succeeded' desc, first_ts, id limit 50`},
	{"open-incidents", "What is open, the worst first?", `
select id, severity, risk_score, status, title, first_ts, last_ts, len(alerts) as alerts
from incidents where status in ('open', 'acknowledged') order by risk_score desc, first_ts, id`},
	{"unread", "What could not be read, and so cannot be judged?", `
select s.path, s.format, s.lines, s.rejected, s.late, count(distinct r.reason) as reasons, any_value(r.reason order by r.line) as first_reason
from sources s left join rejects r on s.source_id = r.source_id group by all order by s.rejected desc, s.path`},
}

// exampleNamed returns the example of that name, or nil.
func exampleNamed(name string) *example {
	for i := range examples {
		if examples[i].name == name {
			return &examples[i]
		}
	}
	return nil
}

func listExamples(w io.Writer) error {
	for _, e := range examples {
		if err := beside(w, fmt.Sprintf("%-18s ", e.name), e.question); err != nil {
			return err
		}
	}
	return nil
}
