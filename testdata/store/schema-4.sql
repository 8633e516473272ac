-- A store as version 4 of the schema made it, and a few requests in it.
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

create table request_rows (
	ts timestamp not null, caller uinteger not null, call uinteger not null, path varchar not null,
	query varchar not null, bytes bigint not null, duration_us bigint not null, referer uinteger not null,
	request_id varchar not null, records bigint not null, late boolean not null, source_id integer not null,
	line bigint not null, body varchar default ''
);

create table sources (
	source_id integer primary key, path varchar not null, format varchar not null,
	fingerprint varchar not null, head_bytes integer not null,
	bytes bigint not null, hash varchar not null, torn varchar not null,
	lines bigint not null, parsed bigint not null, rejected bigint not null, skipped bigint not null,
	late bigint not null, cut bigint not null, first_ts timestamp, last_ts timestamp, scanned_at timestamp not null,
	reading varchar
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

-- What the detectors remembered when all requests before the watermark had been judged.
create table checkpoint (watermark timestamp not null, settings varchar not null);
create table checkpoint_states (
	seq bigint not null, stage varchar not null, machine varchar not null, key varchar not null,
	last timestamp not null, state varchar not null
);
create table alert_rows (
	id varchar not null, alert_type varchar not null, rule varchar not null, severity varchar not null,
	title varchar not null, description varchar not null, actor_id varchar,
	actor_type varchar, source_ip varchar, first_ts timestamp not null, last_ts timestamp not null,
	count bigint not null, events varchar[], incident_id varchar, outcome varchar, metadata json,
	provisional boolean not null, actions varchar[], suppressed_by varchar
);
create table incident_rows (
	id varchar not null, title varchar not null, severity varchar not null,
	risk_score integer not null, reasons varchar[], first_ts timestamp not null, last_ts timestamp not null,
	actors varchar[], ips varchar[], alerts varchar[], outcome varchar, summary varchar not null,
	merged_into varchar, provisional boolean not null
);
create table alert_handling (
	alert_id varchar not null, status varchar not null, changed_at timestamp not null, changed_by varchar not null,
	resolved_at timestamp, resolved_by varchar, resolution_type varchar, note varchar,
	alert_type varchar not null, rule varchar not null, severity varchar not null, title varchar not null,
	actor_id varchar, actor_type varchar, source_ip varchar, first_ts timestamp not null, last_ts timestamp not null,
	count bigint not null
);
create table audit_head (rows bigint not null, hash varchar not null);
insert into audit_head values (0, repeat('0', 64));
create table baseline_changes (seq bigint not null, "at" timestamp not null, document varchar not null);
create table notifications (
	id varchar not null, alert_id varchar not null, change varchar not null, channel varchar not null, state varchar not null,
	queued_at timestamp not null, due timestamp not null, attempts integer not null, last_error varchar, sent_at timestamp
);
create table retention (expired timestamp not null);

create view requests as
select q.ts, c.client_ip, c.peer_ip, w.method, w.host, nullif(q.path, '') as path, w.route, nullif(q.query, '') as query,
	w.status, nullif(q.bytes, -1) as bytes, nullif(q.duration_us, -1) / 1000.0 as duration_ms,
	c.user_agent, f.text as referer, coalesce(c.api_key, c.user_id, c.token, c.session, c.client_ip) as actor_id,
	case when c.api_key is not null then 'api_key' when c.user_id is not null then 'user'
		when c.token is not null then 'token' when c.session is not null then 'session'
		when c.client_ip is not null then 'ip' end as actor_type,
	c.user_id, c.api_key, c.token, c.session, c.tenant, nullif(q.request_id, '') as request_id, q.source_id, q.line,
	nullif(q.body, '') as body, c.key_prefix, nullif(q.records, -1) as records, w.event_name, q.late
from request_rows q
join callers c on q.caller = c.id
join calls w on q.call = w.id
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

insert into litesoc values (4, '2026-03-01 10:00:00', 60000000, '');
insert into callers (id, client_ip) values (1, '192.0.2.1');
insert into calls (id, method, shape, status, route) values (1, 'GET', '/users/{id}', 200, '/users/{id}');
insert into sources values (1, 'a.log', 'json', 'f', 100, 200, 'h', '', 7, 7, 0, 0, 0, 0, '2026-03-01 10:00:00', '2026-03-01 10:00:01', '2026-03-02 00:00:00', '');
insert into request_rows values
	('2026-03-01 10:00:00', 1, 1, '/users/7', '', 10, -1, 0, '', -1, false, 1, 1, ''),
	('2026-03-01 10:00:00', 1, 1, '/users/7', '', 10, -1, 0, 'req-2', -1, false, 1, 2, ''),
	('2026-03-01 10:00:00', 1, 1, '/users/7', 'a=1', 10, 25, 0, '', -1, false, 1, 3, '{"a":1}'),
	('2026-03-01 10:00:01', 1, 1, '/users/7', 'a=1', 10, -1, 0, 'req-4', 3, true, 1, 4, '{"b":1}'),
	('2026-03-01 10:00:01', 1, 1, '/users/8', '', -1, -1, 0, '', -1, false, 1, 5, null),
	('2026-03-01 10:00:01', 1, 1, '/users/9', 'q=a long text that repeats nowhere', -1, -1, 0, 'req-6', -1, false, 1, 6, ''),
	('2026-03-01 10:00:01', 1, 0, '', '', -1, -1, 0, '', -1, false, 1, 7, '');
insert into checkpoint values ('2026-03-01 10:00:00', 'settings');
insert into checkpoint_states values (1, 'events', 'enumeration', 'ip', '2026-03-01 10:00:00', '{}');
