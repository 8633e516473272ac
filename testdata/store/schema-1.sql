-- A store as version 1 of the schema made it, and a few requests in it.
create table litesoc (schema_version integer not null, created_at timestamp not null, lateness_us bigint);

-- Who a request came from, by all that the log says of it.
create table callers (
	id uinteger not null, text varchar, client_ip varchar, peer_ip varchar, user_agent varchar, user_id varchar,
	api_key varchar, key_prefix varchar, token varchar, session varchar, tenant varchar
);
-- What was asked for, but for the path, how it was answered, and which event that is.
create table calls (
	id uinteger not null, text varchar, method varchar, host varchar, route varchar, status usmallint, event_name varchar
);
create table referers (id uinteger not null, text varchar);
insert into callers (id) values (0);
insert into calls (id) values (0);
insert into referers (id) values (0);

create table event_types (
	event_name varchar primary key, standard_event varchar, severity varchar not null, api_severity varchar not null
);

create table request_rows (
	ts timestamp not null, caller uinteger not null, call uinteger not null, path varchar not null,
	query varchar not null, bytes bigint not null, duration_us bigint not null, referer uinteger not null,
	request_id varchar not null, records bigint not null, late boolean not null, source_id integer not null,
	line bigint not null
);

create table sources (
	source_id integer primary key, path varchar not null, format varchar not null,
	fingerprint varchar not null, head_bytes integer not null,
	bytes bigint not null, hash varchar not null, torn varchar not null,
	lines bigint not null, parsed bigint not null, rejected bigint not null, skipped bigint not null,
	late bigint not null, cut bigint not null, first_ts timestamp, last_ts timestamp, scanned_at timestamp not null
);

create table rejects (source_id integer not null, line bigint not null, reason varchar not null, sample varchar not null);

create table events (
	id varchar not null, event_name varchar not null, standard_event varchar, severity varchar not null,
	api_severity varchar not null, detector varchar not null, actor_id varchar, actor_type varchar, user_ip varchar,
	route varchar, first_ts timestamp not null, last_ts timestamp not null, count bigint not null,
	summary varchar not null, confidence double not null, outcome varchar not null, metadata json,
	evidence struct(source integer, line bigint)[], technique varchar, owasp varchar, provisional boolean not null
);

create table alerts (
	id varchar not null, alert_type varchar not null, rule varchar not null, severity varchar not null,
	status varchar not null, title varchar not null, description varchar not null, actor_id varchar,
	actor_type varchar, source_ip varchar, first_ts timestamp not null, last_ts timestamp not null,
	count bigint not null, events varchar[], incident_id varchar, created_at timestamp not null, updated_at timestamp not null,
	resolved_at timestamp, resolved_by varchar, resolution_type varchar, outcome varchar, metadata json,
	provisional boolean not null
);

create table incidents (
	id varchar not null, title varchar not null, severity varchar not null, status varchar not null,
	risk_score integer not null, reasons varchar[], first_ts timestamp not null, last_ts timestamp not null,
	actors varchar[], ips varchar[], alerts varchar[], outcome varchar, summary varchar not null,
	merged_into varchar, provisional boolean not null
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

create view requests as
select q.ts, c.client_ip, c.peer_ip, w.method, w.host, nullif(q.path, '') as path, w.route, nullif(q.query, '') as query,
	w.status, nullif(q.bytes, -1) as bytes, nullif(q.duration_us, -1) / 1000.0 as duration_ms,
	c.user_agent, f.text as referer, coalesce(c.api_key, c.user_id, c.token, c.session, c.client_ip) as actor_id,
	case when c.api_key is not null then 'api_key' when c.user_id is not null then 'user'
		when c.token is not null then 'token' when c.session is not null then 'session'
		when c.client_ip is not null then 'ip' end as actor_type,
	c.user_id, c.api_key, c.token, c.session, c.tenant, nullif(q.request_id, '') as request_id, q.source_id, q.line,
	c.key_prefix, nullif(q.records, -1) as records, w.event_name, q.late
from request_rows q
join callers c on q.caller = c.id
join calls w on q.call = w.id
join referers f on q.referer = f.id;

-- Geography and networks are not looked up yet: their columns are null, which says so.
create view ips as
select client_ip as ip, null::varchar as country_code, null::varchar as country, null::varchar as city,
	null::double as latitude, null::double as longitude, null::double as accuracy_km, null::bigint as asn,
	null::varchar as as_org, null::boolean as is_vpn, null::boolean as is_tor, null::boolean as is_proxy,
	null::boolean as is_datacenter, min(ts) as first_seen, max(ts) as last_seen
from request_rows q join callers c on q.caller = c.id
where client_ip is not null group by client_ip;

create view activity as
with single as (
	select ts, coalesce(event_name, case when api_key is not null then 'auth.api_key_used' end) as event_name,
		actor_id, actor_type, client_ip, route, status, source_id, line
	from requests
), every as (
	select s.ts, s.event_name, t.standard_event, t.severity, t.api_severity, 'request' as detector, s.actor_id,
		s.actor_type, s.client_ip as user_ip, s.route, s.ts as last_ts, 1::bigint as count, s.status,
		[{'source': s.source_id, 'line': s.line}] as evidence, null::varchar as event_id
	from single s left join event_types t on s.event_name = t.event_name
	where s.event_name is not null
	union all
	select first_ts, event_name, standard_event, severity, api_severity, detector, actor_id,
		actor_type, user_ip, route, last_ts, count, null, evidence, id
	from events
)
select every.*, ips.* exclude (ip) from every left join ips on every.user_ip = ips.ip;

insert into litesoc values (1, '2026-03-01 10:00:00', 60000000);
insert into callers (id, text, client_ip) values (1, '192.0.2.1', '192.0.2.1');
insert into calls (id, text, method, route, status) values (1, '1', 'GET', '/users/{id}', 200), (2, '2', 'GET', '/shops/rosewood', 200);
insert into sources values (1, 'a.log', 'nginx-combined', 'f', 100, 200, 'h', '', 2, 2, 0, 0, 0, 0, '2026-03-01 10:00:00', '2026-03-01 10:00:01', '2026-03-02 00:00:00');
insert into request_rows values
	('2026-03-01 10:00:00', 1, 1, '/users/7', '', 10, -1, 0, '', -1, false, 1, 1),
	('2026-03-01 10:00:01', 1, 2, '/shops/rosewood', '', 10, -1, 0, '', -1, false, 1, 2);
insert into alerts values ('alt_1', 'suspicious_activity', 'api-enumeration', 'high', 'open', 't', 'd', '192.0.2.1', 'ip', '192.0.2.1',
	'2026-03-01 10:00:00', '2026-03-01 10:00:01', 2, ['evt_1'], 'inc_1', '2026-03-01 10:00:00', '2026-03-01 10:00:01', null, null, null,
	'blocked', '{}', false);
insert into incidents values ('inc_1', 't', 'high', 'open', 50, ['because'], '2026-03-01 10:00:00', '2026-03-01 10:00:01', ['192.0.2.1'],
	['192.0.2.1'], ['alt_1'], 'blocked', 's', null, false);
