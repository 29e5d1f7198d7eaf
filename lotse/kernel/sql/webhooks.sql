-- A new endpoint. What the log holds up to now is not its business.
-- name: add_endpoint
insert into kernel.webhook_endpoints (id, name, url, types, shop_ids, secret, from_position, created_at, changed_at)
select :id, :name, :url, :types, :shop_ids, :secret, position, :at, :at from kernel.event_head;

-- All endpoints, for lists and for whoever gathers; there are few.
-- name: endpoints
select id, name, url, types, shop_ids, secret, former_secret, former_until, state, reason, from_position, failures,
       failing_since, rest_until, created_at, changed_at
  from kernel.webhook_endpoints
 order by name, id;

-- One endpoint.
-- name: endpoint
select id, name, url, types, shop_ids, secret, former_secret, former_until, state, reason, from_position, failures,
       failing_since, rest_until, created_at, changed_at
  from kernel.webhook_endpoints
 where id = :id;

-- Whoever changes which delivery of a key comes next holds the endpoint: gathering, ends of deliveries and replays see
-- each other's work, so that no delivery is left behind without a time.
-- name: hold_endpoint
select id, name, url, types, shop_ids, secret, former_secret, former_until, state, reason, from_position, failures,
       failing_since, rest_until, created_at, changed_at
  from kernel.webhook_endpoints
 where id = :id
   for update;

-- Everyone who gathers holds all endpoints, in the order of their ids.
-- name: hold_endpoints
select id from kernel.webhook_endpoints where state <> 'off' order by id for update;

-- What staff may change.
-- name: change_endpoint
update kernel.webhook_endpoints
   set name = :name, url = :url, types = :types, shop_ids = :shop_ids, changed_at = :at
 where id = :id;

-- A new secret; the old one signs as well for a while.
-- name: rotate_secret
update kernel.webhook_endpoints
   set former_secret = secret, former_until = :until, secret = :secret, changed_at = :at
 where id = :id;

-- Switched by staff, by its own failures, or because it said 410. What was off begins with what comes from now on.
-- name: switch
update kernel.webhook_endpoints
   set state = :state, reason = :reason, changed_at = :at,
       from_position = case when state = 'off' and :state <> 'off'
                            then (select position from kernel.event_head) else from_position end,
       failures = case when :state = 'active' then 0 else failures end,
       failing_since = case when :state = 'active' then null else failing_since end,
       rest_until = case when :state = 'active' then null else rest_until end
 where id = :id;

-- What a try taught about the endpoint.
-- name: note_endpoint
update kernel.webhook_endpoints
   set failures = :failures, failing_since = :failing_since, rest_until = :rest_until
 where id = :id;

-- The events after a position, of all types; the id bound leaves out the months before.
-- name: events_after
select position, id, type, version, key, payload::text as payload, occurred_at, recorded_at
  from kernel.event_log
 where position > :after and position <= :until and id >= :id
 order by position
 limit :limit;

-- One page of the feed: of these types, or of all if there are none.
-- name: feed
select position, id, type, version, key, payload, occurred_at, recorded_at
  from kernel.event_log
 where position > :after and position <= :until
   and (cardinality(:types::text[]) = 0 or type = any (:types::text[]))
 order by position
 limit :limit;

-- One event by its place in the log.
-- name: event_at
select position, id, type, version, key, payload, occurred_at, recorded_at
  from kernel.event_log
 where position = :position;

-- The event log as a table, without what the events say.
-- name: event_table
select position, id, type, key, occurred_at, recorded_at from kernel.event_log;

-- Which of these events are put aside, and by whom.
-- name: parked_among
select position, string_agg(consumer, ', ' order by consumer) as consumers, bool_or(error is not null) as failed
  from kernel.parked_events
 where position = any (:positions::bigint[])
 group by position;

-- Endpoints as a table.
-- name: endpoint_table
select id, name, url, state, reason, failures, failing_since, array_to_string(types, ', ') as types, created_at
  from kernel.webhook_endpoints;

-- The log of deliveries to all endpoints as a table.
-- name: delivery_table
select d.id, d.endpoint_id, e.name as endpoint, d.position, d.event_id, d.type, d.key, d.occurred_at, d.state, d.attempts,
       d.due_at, d.created_at, d.ended_at, d.status, d.error
  from kernel.webhook_deliveries d
  join kernel.webhook_endpoints e on e.id = d.endpoint_id;

-- Held by who sends many deliveries again or gives them up, in the order of who holds all endpoints.
-- name: hold_endpoints_of
select id
  from kernel.webhook_endpoints
 where id in (select endpoint_id from kernel.webhook_deliveries where id = any (:ids::uuid[]))
 order by id
   for update;

-- Which state deliveries are in, and whether their endpoint takes any.
-- name: delivery_states
select d.id, d.endpoint_id, d.state, e.state = 'off' as is_off
  from kernel.webhook_deliveries d
  join kernel.webhook_endpoints e on e.id = d.endpoint_id
 where d.id = any (:ids::uuid[]);

-- Which types of events there were in the last so many, for pickers.
-- name: known_types
select distinct type
  from (select type from kernel.event_log order by position desc limit :limit) as latest
 order by type;

-- The text of events that are about to be sent.
-- name: events_of
select e.position, e.id, e.type, e.version, e.key, e.payload::text as payload, e.occurred_at, e.recorded_at
  from unnest(:positions::bigint[], :ids::uuid[]) as wanted (position, id)
  join kernel.event_log e on e.position = wanted.position and e.id = wanted.id;

-- Deliveries for gathered events. The first open one of a key is due, the others wait behind it.
-- name: add_deliveries
insert into kernel.webhook_deliveries (id, endpoint_id, position, event_id, type, key, occurred_at, due_at, created_at)
select n.id, n.endpoint_id, n.position, n.event_id, n.type, n.key, n.occurred_at,
       case when n.first and not exists (
                select from kernel.webhook_deliveries d
                 where d.endpoint_id = n.endpoint_id and d.key = n.key and d.state in ('waiting', 'failed')
            ) then :at::timestamptz end,
       :at
  from jsonb_to_recordset(:rows::jsonb)
       as n (id uuid, endpoint_id uuid, position bigint, event_id uuid, type text, key text, occurred_at timestamptz,
             first boolean)
 order by n.position
on conflict (endpoint_id, position) do nothing;

-- A ping has no place in the log and waits behind nothing.
-- name: add_ping
insert into kernel.webhook_deliveries (id, endpoint_id, position, event_id, type, key, occurred_at, due_at, created_at)
values (:id, :endpoint_id, null, :event_id, :type, :key, :at, :at, :at);

-- What is due at an endpoint, the earliest events first. A probe of an endpoint that rests asks for the first one,
-- whenever that would be due.
-- name: due
select id, endpoint_id, position, event_id, type, key, occurred_at, state, tries, attempts, due_at, created_at, ended_at,
       status, error
  from kernel.webhook_deliveries
 where endpoint_id = :endpoint_id and due_at is not null and (due_at <= :at or :probe)
 order by position nulls first
 limit :limit;

-- When there is something to do next at any endpoint that may be tried.
-- name: next_due
select min(greatest(d.due_at, e.rest_until))
  from kernel.webhook_endpoints e
 cross join lateral (
       select due_at from kernel.webhook_deliveries
        where endpoint_id = e.id and due_at is not null
        order by due_at limit 1
       ) d
 where e.state = 'active';

-- Endpoints at which something is due now, or that may be probed.
-- name: due_endpoints
select e.id
  from kernel.webhook_endpoints e
 where e.state = 'active' and (e.rest_until is null or e.rest_until <= :at)
   and exists (select from kernel.webhook_deliveries d
                where d.endpoint_id = e.id and d.due_at is not null
                  and (d.due_at <= :at or e.failures >= :rests_after))
 order by e.id;

-- What became of a delivery. Only of one that still waits: an operator may have skipped it meanwhile.
-- name: note_delivery
update kernel.webhook_deliveries
   set state = :state, tries = :tries, attempts = :attempts, due_at = :due_at, ended_at = :ended_at, status = :status,
       error = :error
 where id = :id and state = 'waiting';

-- The diary of a try.
-- name: add_attempt
insert into kernel.webhook_attempts (delivery_id, number, at, took_ms, request_headers, status, error, response_headers,
                                     response_body)
values (:delivery_id, :number, :at, :took_ms, :request_headers, :status, :error, :response_headers, :response_body)
on conflict (delivery_id, number) do nothing;

-- Of these keys the first open delivery is due, if it is one that waits; those behind it have no time.
-- name: set_heads
with heads as (
    select key, min(position) as position
      from kernel.webhook_deliveries
     where endpoint_id = :endpoint_id and key = any (:keys::text[]) and state in ('waiting', 'failed')
       and position is not null
     group by key
)
update kernel.webhook_deliveries d
   set due_at = case when d.position = heads.position then coalesce(d.due_at, :at) end
  from heads
 where d.endpoint_id = :endpoint_id and d.key = heads.key and d.state = 'waiting' and d.position is not null
   and (d.due_at is null) = (d.position = heads.position);

-- The endpoint answers again: what waited for its next try is tried now.
-- name: hurry
update kernel.webhook_deliveries
   set due_at = :at
 where endpoint_id = :endpoint_id and due_at > :at;

-- The next of a key, when the one before it has ended.
-- name: next_of_key
update kernel.webhook_deliveries
   set due_at = :at
 where id = (select id from kernel.webhook_deliveries
              where endpoint_id = :endpoint_id and key = :key and state in ('waiting', 'failed')
                and position is not null
              order by position limit 1)
   and state = 'waiting' and due_at is null;

-- A page of an endpoint's log, the newest first. `text` is a message id, a key or a type.
-- name: deliveries
select id, endpoint_id, position, event_id, type, key, occurred_at, state, tries, attempts, due_at, created_at, ended_at,
       status, error
  from kernel.webhook_deliveries
 where endpoint_id = :endpoint_id
   and (:before::uuid is null or id < :before)
   and (:state::text is null or state = :state)
   and (:text::text is null or key = :text or type = :text or event_id::text = :text)
 order by id desc
 limit :limit;

-- One delivery.
-- name: delivery
select id, endpoint_id, position, event_id, type, key, occurred_at, state, tries, attempts, due_at, created_at, ended_at,
       status, error
  from kernel.webhook_deliveries
 where id = :id;

-- What was sent of one event, and where.
-- name: deliveries_of_event
select id, endpoint_id, position, event_id, type, key, occurred_at, state, tries, attempts, due_at, created_at, ended_at,
       status, error
  from kernel.webhook_deliveries
 where event_id = :event_id
 order by id;

-- The tries of a delivery.
-- name: attempts
select delivery_id, number, at, took_ms, request_headers, status, error, response_headers, response_body
  from kernel.webhook_attempts
 where delivery_id = :delivery_id
 order by number desc
 limit :limit;

-- How an endpoint stands: open deliveries by state.
-- name: counts
select endpoint_id, state, count(*) as deliveries, min(occurred_at) as oldest
  from kernel.webhook_deliveries
 where state in ('waiting', 'failed')
 group by endpoint_id, state;

-- Send again: rows that are there wait once more; tries begin anew.
-- name: again
update kernel.webhook_deliveries
   set state = 'waiting', tries = 0, ended_at = null, due_at = case when position is null then :at::timestamptz end
 where endpoint_id = :endpoint_id and state <> 'waiting'
   and (id = any (:ids::uuid[]) or position = any (:positions::bigint[]))
returning key;

-- Given up by an operator: those behind it go on.
-- name: skip
update kernel.webhook_deliveries
   set state = 'skipped', due_at = null, ended_at = :at
 where id = :id and state in ('waiting', 'failed');

-- What was delivered or skipped long ago, with its tries.
-- name: sweep_deliveries
delete from kernel.webhook_deliveries
 where id = any (array(select id from kernel.webhook_deliveries
                        where state in ('delivered', 'skipped') and ended_at < :before
                        order by ended_at limit :limit));

-- A former secret that does not count any more is of no use to anybody but a thief.
-- name: forget_former_secrets
update kernel.webhook_endpoints set former_secret = null, former_until = null where former_until < :at;

-- Who has parked an event, for its page.
-- name: parked_at
select consumer, error, attempts, parked_at from kernel.parked_events where position = :position;
