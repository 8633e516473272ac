package store

// SchemaVersion is that of the stores which this program writes. It is raised with every
// change of the tables below, together with a step in migrations.
const SchemaVersion = 7

// migrations lead from the version before to the one that names them. The views are
// made anew after them, so that a step need not care for them.
var migrations = map[int]string{
	2: `
alter table calls rename column route to shape;
alter table calls add column route varchar;
update calls set route = shape;
alter table sources add column reading varchar;
alter table litesoc add column atlas varchar;
create table origins (
	ip varchar not null, country_code varchar, country varchar, city varchar, latitude double, longitude double, accuracy_km double,
	asn bigint, as_org varchar, is_vpn boolean, is_tor boolean, is_proxy boolean, is_datacenter boolean
);
`,
	3: `
alter table callers drop column text;
alter table calls drop column text;
`,
	4: alertRows + `
insert into alert_rows select id, alert_type, rule, severity, title, description, actor_id, actor_type, source_ip, first_ts, last_ts,
	count, events, incident_id, outcome, metadata, provisional, null, null from alerts;
drop table alerts;
` + incidentRows + `
insert into incident_rows select id, title, severity, risk_score, reasons, first_ts, last_ts, actors, ips, alerts, outcome, summary,
	merged_into, provisional from incidents;
drop table incidents;
` + alertHandling + auditHead + baselineChanges + requestBody + notifications + retention,
	5: targets + `
insert into targets select row_number() over (order by path, query), nullif(path, ''), nullif(query, '')
	from (select path, query from request_rows where path <> '' or query <> '' group by all having count(*) > 1
		order by count(*) desc, path, query limit ` + mostTargetsText + `);
alter table request_rows rename to request_rows_4;
` + requestRows + `
insert into request_rows select q.ts, q.caller, q.call, coalesce(t.id, 0), q.bytes, q.duration_us, q.referer, q.records, q.late,
	q.source_id, q.line, case when t.id is null and q.query <> '' then [q.request_id, coalesce(q.body, ''), q.path, q.query]
		when t.id is null and q.path <> '' then [q.request_id, coalesce(q.body, ''), q.path]
		when q.body <> '' then [q.request_id, q.body]
		when q.request_id <> '' then [q.request_id] else [] end
	from request_rows_4 q left join targets t on q.path = coalesce(t.path, '') and q.query = coalesce(t.query, '') and t.id > 0;
drop table request_rows_4;
drop table checkpoint_states;
delete from checkpoint;
` + checkpointStates,
	6: unfinished,
	// Which lines are late was told without asking whether one before them is wrong.
	7: `
alter table sources add column leapt varchar;
update litesoc set lateness_us = -1 where lateness_us is not null;
`,
}

// mostTargets is how many targets are kept under numbers.
const mostTargets, mostTargetsText = 1 << 18, "262144"

// When the run began that keeps requests before it has judged them. It is taken away when
// they are judged. It came with version 6.
const unfinished = `
create table unfinished (began timestamp not null);
`

// Tables that came with version 5.
const (
	// The path and the query of requests, of those that were asked for more than once.
	targets = `
create table targets (id uinteger not null, path varchar, query varchar);
insert into targets (id) values (0);
`
	// In texts stands what no number tells: the request id, the body, and the path and the
	// query where they are not among the targets, up to the last of them that there is. A
	// list costs nearly nothing where it is empty; a column of texts costs a tenth of all.
	// How to compress numbers that hardly repeat is told: to find out takes as long as to do it.
	requestRows = `
create table request_rows (
	ts timestamp not null, caller uinteger not null using compression bitpacking, call uinteger not null using compression bitpacking,
	target uinteger not null using compression bitpacking, bytes bigint not null using compression bitpacking,
	duration_us bigint not null, referer uinteger not null, records bigint not null, late boolean not null,
	source_id integer not null, line bigint not null using compression bitpacking, texts varchar[] not null
);
`
	// What the detectors remembered when all requests before the watermark had been judged,
	// as packState has it, compressed.
	checkpointStates = `
create table checkpoint_states (seq bigint not null, packed blob not null);
`
)

// Tables that came with version 4. What was found of an alert is made anew by every run
// that finds it; how a person handled it is not, and stands in a table of its own.
const (
	alertRows = `
create table alert_rows (
	id varchar not null, alert_type varchar not null, rule varchar not null, severity varchar not null,
	title varchar not null, description varchar not null, actor_id varchar,
	actor_type varchar, source_ip varchar, first_ts timestamp not null, last_ts timestamp not null,
	count bigint not null, events varchar[], incident_id varchar, outcome varchar, metadata json,
	provisional boolean not null, actions varchar[], suppressed_by varchar
);
`
	incidentRows = `
create table incident_rows (
	id varchar not null, title varchar not null, severity varchar not null,
	risk_score integer not null, reasons varchar[], first_ts timestamp not null, last_ts timestamp not null,
	actors varchar[], ips varchar[], alerts varchar[], outcome varchar, summary varchar not null,
	merged_into varchar, provisional boolean not null
);
`
	// How alerts were handled, and what each of them was when it was: an alert that is
	// found no more can still be told.
	alertHandling = `
create table alert_handling (
	alert_id varchar not null, status varchar not null, changed_at timestamp not null, changed_by varchar not null,
	resolved_at timestamp, resolved_by varchar, resolution_type varchar, note varchar,
	alert_type varchar not null, rule varchar not null, severity varchar not null, title varchar not null,
	actor_id varchar, actor_type varchar, source_ip varchar, first_ts timestamp not null, last_ts timestamp not null,
	count bigint not null
);
`
	// What people did to what detectors have learned, and the time of the log from which it
	// holds.
	baselineChanges = `
create table baseline_changes (seq bigint not null, "at" timestamp not null, document varchar not null);
`
	requestBody = `
alter table request_rows add column body varchar default '';
`
	// How many rows the audit trail has, and the hash of the last.
	auditHead = `
create table audit_head (rows bigint not null, hash varchar not null);
insert into audit_head values (0, repeat('0', 64));
`
	// What is to be told of alerts, and what has been: one row for each change and channel.
	// A row that is due is tried, and due again at once if whoever tries it is killed.
	notifications = `
create table notifications (
	id varchar not null, alert_id varchar not null, change varchar not null, channel varchar not null, state varchar not null,
	queued_at timestamp not null, due timestamp not null, attempts integer not null, last_error varchar, sent_at timestamp
);
`
	// The time before which requests were removed because of their age or their number.
	retention = `
create table retention (expired timestamp not null);
`
)

// schema makes the tables of an empty store.
//
// Text that repeats is kept once, in a table of its own, and as a small number in
// request_rows: twice as fast to write and less than two thirds of the size. Number 0
// stands for none, and so does -1 in other columns, since writing a null costs more than
// writing all the numbers of a row. The view requests puts it together again.
const schema = `
create table litesoc (schema_version integer not null, created_at timestamp not null, lateness_us bigint, atlas varchar);

-- Who a request came from, by all that the log says of it.
create table callers (
	id uinteger not null, client_ip varchar, peer_ip varchar, user_agent varchar, user_id varchar,
	api_key varchar, key_prefix varchar, token varchar, session varchar, tenant varchar
);
-- What was asked for, but for the path, how it was answered, and which event that is. The
-- shape is the template of the path by its form alone; the route is what has been learned
-- of that by the end of the last run.
create table calls (
	id uinteger not null, method varchar, host varchar, shape varchar, status usmallint, event_name varchar,
	route varchar
);
create table referers (id uinteger not null, text varchar);
insert into callers (id) values (0);
insert into calls (id) values (0);
insert into referers (id) values (0);

-- What is known of where addresses are; null is not known, or not looked up.
create table origins (
	ip varchar not null, country_code varchar, country varchar, city varchar, latitude double, longitude double, accuracy_km double,
	asn bigint, as_org varchar, is_vpn boolean, is_tor boolean, is_proxy boolean, is_datacenter boolean
);

create table event_types (
	event_name varchar primary key, standard_event varchar, severity varchar not null, api_severity varchar not null
);

create table sources (
	source_id integer primary key, path varchar not null, format varchar not null,
	fingerprint varchar not null, head_bytes integer not null,
	bytes bigint not null, hash varchar not null, torn varchar not null,
	lines bigint not null, parsed bigint not null, rejected bigint not null, skipped bigint not null,
	late bigint not null, cut bigint not null, first_ts timestamp, last_ts timestamp, scanned_at timestamp not null,
	reading varchar, leapt varchar
);

create table rejects (source_id integer not null, line bigint not null, reason varchar not null, sample varchar not null);

create table events (
	id varchar not null, event_name varchar not null, standard_event varchar, severity varchar not null,
	api_severity varchar not null, detector varchar not null, actor_id varchar, actor_type varchar, user_ip varchar,
	route varchar, first_ts timestamp not null, last_ts timestamp not null, count bigint not null,
	summary varchar not null, confidence double not null, outcome varchar not null, metadata json,
	evidence struct(source integer, line bigint)[], technique varchar, owasp varchar, provisional boolean not null
);

create table audit_log (
	seq bigint primary key, "at" timestamp not null, who varchar not null, action varchar not null,
	object_type varchar not null, object_id varchar not null, "before" json, "after" json, note varchar,
	prev_hash varchar not null, hash varchar not null
);

-- Up to when all requests have been judged, and under which settings.
create table checkpoint (watermark timestamp not null, settings varchar not null);
` + targets + requestRows + checkpointStates + alertRows + incidentRows + alertHandling + auditHead + baselineChanges + notifications + retention + unfinished

// viewNames are the views that any version has made.
var viewNames = []string{"activity", "alerts", "incidents", "ips", "requests"}

// views makes the views.
const views = `
create view requests as
select q.ts, c.client_ip, c.peer_ip, w.method, w.host, coalesce(t.path, nullif(q.texts[3], '')) as path, w.route,
	coalesce(t.query, nullif(q.texts[4], '')) as query,
	w.status, nullif(q.bytes, -1) as bytes, nullif(q.duration_us, -1) / 1000.0 as duration_ms,
	c.user_agent, f.text as referer, coalesce(c.api_key, c.user_id, c.token, c.session, c.client_ip) as actor_id,
	case when c.api_key is not null then 'api_key' when c.user_id is not null then 'user'
		when c.token is not null then 'token' when c.session is not null then 'session'
		when c.client_ip is not null then 'ip' end as actor_type,
	c.user_id, c.api_key, c.token, c.session, c.tenant, nullif(q.texts[1], '') as request_id, q.source_id, q.line,
	nullif(q.texts[2], '') as body, c.key_prefix, nullif(q.records, -1) as records, w.event_name, q.late
from request_rows q
join callers c on q.caller = c.id
join calls w on q.call = w.id
join targets t on q.target = t.id
join referers f on q.referer = f.id;

create view alerts as
select a.id, a.alert_type, a.rule, a.severity, coalesce(h.status, 'open') as status, a.title, a.description, a.actor_id, a.actor_type,
	a.source_ip, a.first_ts, a.last_ts, a.events, a.incident_id, a.first_ts as created_at,
	greatest(a.last_ts, h.changed_at) as updated_at, h.resolved_at, h.resolved_by, h.resolution_type, a.metadata, h.note,
	a.count, a.outcome, a.provisional, a.actions, a.suppressed_by
from alert_rows a left join alert_handling h on a.id = h.alert_id;

create view incidents as
with handled as (
	select incident_id, case when bool_or(status = 'open') then 'open' when bool_or(status = 'acknowledged') then 'acknowledged'
		when bool_or(status = 'resolved') then 'resolved' else 'dismissed' end as status
	from alerts where incident_id is not null group by 1
)
select i.id, i.title, i.severity, coalesce(h.status, 'open') as status, i.risk_score, i.first_ts, i.last_ts, i.actors, i.ips, i.alerts,
	i.summary, i.reasons, i.outcome, i.merged_into, i.provisional
from incident_rows i left join handled h on i.id = h.incident_id;

create view ips as
with seen as (
	select client_ip as ip, min(first_seen) as first_seen, max(last_seen) as last_seen
	from (select caller, min(ts) as first_seen, max(ts) as last_seen from request_rows group by caller) q join callers c on q.caller = c.id
	where client_ip is not null group by client_ip
)
select seen.ip, o.country_code, o.country, o.city, o.latitude, o.longitude, o.accuracy_km, o.asn, o.as_org, o.is_vpn, o.is_tor,
	o.is_proxy, o.is_datacenter, seen.first_seen, seen.last_seen
from seen left join origins o on seen.ip = o.ip;

create view activity as
with single as (
	select ts, coalesce(event_name, case when api_key is not null then 'auth.api_key_used' end) as event_name,
		actor_id, actor_type, client_ip, route, status, source_id, line, method, host, path, query, bytes, user_agent,
		user_id, api_key, token, session, tenant
	from requests
), every as (
	select s.ts, s.event_name, t.standard_event, t.severity, t.api_severity, 'request' as detector, s.actor_id,
		s.actor_type, s.client_ip as user_ip, s.route, s.ts as last_ts, 1::bigint as count, s.status,
		[{'source': s.source_id, 'line': s.line}] as evidence, null::varchar as event_id, null::varchar as summary,
		null::varchar as outcome, null::json as metadata,
		s.method, s.host, s.path, s.query, s.bytes, s.user_agent, s.user_id, s.api_key, s.token, s.session, s.tenant
	from single s left join event_types t on s.event_name = t.event_name
	where s.event_name is not null
	union all
	select first_ts, event_name, standard_event, severity, api_severity, detector, actor_id,
		actor_type, user_ip, route, last_ts, count, null, evidence, id, summary, outcome, metadata,
		null, null, null, null, null, null, case when actor_type = 'user' then actor_id end,
		case when actor_type = 'api_key' then actor_id end, case when actor_type = 'token' then actor_id end,
		case when actor_type = 'session' then actor_id end, null
	from events
)
select every.*, ips.* exclude (ip) from every left join ips on every.user_ip = ips.ip;
`
