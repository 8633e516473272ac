package store

// schemaVersion is raised with every change of the tables below, together with a
// step in migrations.
const schemaVersion = 1

// schema makes the tables and views of an empty store.
//
// Text that repeats is kept once, in a table of its own, and as a small number in
// request_rows: twice as fast to write and less than two thirds of the size. Number 0
// stands for none, and so do -1 and the empty text in other columns, since writing a
// null costs more than all the numbers of a row. requests puts it together again.
const schema = `
create table litesoc (schema_version integer not null, created_at timestamp not null, lateness_us bigint);

create table addresses  (id uinteger primary key, text varchar);
create table methods    (id uinteger primary key, text varchar);
create table hosts      (id uinteger primary key, text varchar);
create table routes     (id uinteger primary key, text varchar);
create table agents     (id uinteger primary key, text varchar);
create table referers   (id uinteger primary key, text varchar);
create table event_names(id uinteger primary key, text varchar);
create table identities (
	id uinteger primary key, text varchar,
	user_id varchar, api_key varchar, key_prefix varchar, token varchar, session varchar, tenant varchar
);
insert into addresses values (0, null);
insert into methods values (0, null);
insert into hosts values (0, null);
insert into routes values (0, null);
insert into agents values (0, null);
insert into referers values (0, null);
insert into event_names values (0, null);
insert into identities (id) values (0);

create table event_types (
	event_name varchar primary key, standard_event varchar, severity varchar not null, api_severity varchar not null
);

create table request_rows (
	ts timestamp not null, client uinteger not null, peer uinteger not null, method uinteger not null,
	host uinteger not null, path varchar not null, route uinteger not null, query varchar not null,
	status usmallint not null, bytes bigint not null, duration_us bigint not null, agent uinteger not null,
	referer uinteger not null, identity uinteger not null, request_id varchar not null, records bigint not null,
	event uinteger not null, late boolean not null, source_id integer not null, line bigint not null
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
select q.ts, c.text as client_ip, p.text as peer_ip, m.text as method, h.text as host, nullif(q.path, '') as path,
	r.text as route, nullif(q.query, '') as query, nullif(q.status, 0) as status, nullif(q.bytes, -1) as bytes,
	nullif(q.duration_us, -1) / 1000.0 as duration_ms, a.text as user_agent, f.text as referer,
	coalesce(i.api_key, i.user_id, i.token, i.session, c.text) as actor_id,
	case when i.api_key is not null then 'api_key' when i.user_id is not null then 'user'
		when i.token is not null then 'token' when i.session is not null then 'session'
		when c.text is not null then 'ip' end as actor_type,
	i.user_id, i.api_key, i.token, i.session, i.tenant, nullif(q.request_id, '') as request_id, q.source_id, q.line,
	i.key_prefix, nullif(q.records, -1) as records, e.text as event_name, q.late
from request_rows q
join addresses c on q.client = c.id
join addresses p on q.peer = p.id
join methods m on q.method = m.id
join hosts h on q.host = h.id
join routes r on q.route = r.id
join agents a on q.agent = a.id
join referers f on q.referer = f.id
join identities i on q.identity = i.id
join event_names e on q.event = e.id;

-- Geography and networks are not looked up yet: their columns are null, which says so.
create view ips as
select c.text as ip, null::varchar as country_code, null::varchar as country, null::varchar as city,
	null::double as latitude, null::double as longitude, null::double as accuracy_km, null::bigint as asn,
	null::varchar as as_org, null::boolean as is_vpn, null::boolean as is_tor, null::boolean as is_proxy,
	null::boolean as is_datacenter, s.first_seen, s.last_seen
from (select client, min(ts) as first_seen, max(ts) as last_seen from request_rows where client <> 0 group by client) s
join addresses c on s.client = c.id;

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
`
