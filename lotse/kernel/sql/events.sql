-- Moves committed events from the outbox into the log, the smallest ids first, and tells who listens; one statement, one
-- transaction. Nothing is lost because there is no cursor: an id that commits after greater ones were moved is simply
-- still there. The order within a key is kept because a snapshot that sees an event sees every earlier one of its key:
-- those committed before its id was drawn (see lotse.kernel.outbox).
-- The lock on the head comes first, so that even two relays at once (one that lost its advisory lock with its
-- connection, and its successor) give out each position once. Ids rise: should the clock have stepped back since the
-- last batch, they go on one millisecond after the last one.
-- name: move
with head as materialized (
    select position,
           greatest(interval '0', uuid_extract_timestamp(nullif(id, '00000000-0000-0000-0000-000000000000'))
                                  + interval '1 ms' - clock_timestamp()) as ahead
      from kernel.event_head for update
), moved as (
    delete from kernel.outbox
     where id = any (array(select o.id from kernel.outbox o, head order by o.id limit :limit))
    returning id, type, version, key, payload, occurred_at, recorded_at
), numbered as (
    select head.position + row_number() over (order by moved.id) as position, head.ahead,
           moved.type, moved.version, moved.key, moved.payload, moved.occurred_at, moved.recorded_at
      from moved, head
), logged as (
    insert into kernel.event_log (position, id, type, version, key, payload, occurred_at, recorded_at)
    select position, uuidv7(ahead), type, version, key, payload, occurred_at, recorded_at
      from numbered
     order by position -- uuidv7 is volatile and therefore called after the sort
    returning position, id, type, recorded_at
), summary as (
    select count(*) as events, max(position) as position, min(recorded_at) as oldest,
           (array_agg(id order by position desc))[1] as id, string_agg(distinct type, ' ') as types
      from logged
), advanced as (
    update kernel.event_head set position = summary.position, id = summary.id from summary where summary.events > 0
    returning event_head.position
)
select summary.events, summary.oldest,
       case when advanced.position is not null
            -- Which types, so that only those wake who react to one; 8000 bytes is what a notification can hold.
            then pg_notify('lotse_events', case when length(types) < 7000 then types else '*' end) is null
       end as told
  from summary left join advanced on true;

-- Is there anything to move? Asked many times a second, so it is cheaper than moving nothing.
-- name: waiting
select exists (select from kernel.outbox);

-- A session's lock: it falls with the connection, however the process ended.
-- name: try_lock
select pg_try_advisory_lock(:space::integer, hashtext(:name));

-- Gives a lock back before its connection ends.
-- name: unlock
select pg_advisory_unlock(:space::integer, hashtext(:name));

-- Where the log ends.
-- name: head
select position, id from kernel.event_head;

-- A domain that reacts for the first time begins at the beginning of the log.
-- name: add_consumer
insert into kernel.consumers (name) values (:name) on conflict do nothing;

-- Where a consumer stands and where the log ends; one round trip per wake.
-- name: consumer_and_head
select c.position, c.id, h.position as head_position, h.id as head_id
  from kernel.consumers c, kernel.event_head h
 where c.name = :name;

-- All consumers, for the operator.
-- name: consumers
select name, position, id from kernel.consumers order by name;

-- Holds the consumer for one transaction: what it did before (elsewhere) is committed, nobody else moves it meanwhile.
-- name: hold_consumer
select name, position, id from kernel.consumers where name = :name for update;

-- Commits with the effects of the events up to there.
-- name: advance_consumer
update kernel.consumers set position = :position, id = :id where name = :name;

-- Passes over events that the consumer does not react to, unless somebody moved it meanwhile.
-- name: skip_ahead
update kernel.consumers set position = :position, id = :id where name = :name and position = :was;

-- The id bound leaves out the months before the consumer's last event.
-- name: events_after
select position, id, type, version, key, payload::text as payload, occurred_at, recorded_at
  from kernel.event_log
 where position > :after and position <= :until and id >= :id and type = any (:types::text[])
 order by position
 limit :limit;

-- What has changed, for copies of it; each once. The id bound leaves out the months before.
-- name: tags_between
select distinct type || ':' || key
  from kernel.event_log
 where position > :after and position <= :until and id >= :id and type = any (:types::text[]);

-- For how long the oldest event has waited for the relay; null if none waits.
-- name: lag
select extract(epoch from clock_timestamp() - recorded_at)::float8 from kernel.outbox order by id limit 1;

-- The id that a consumer at this position has; the smallest of all if there is none, then no month is left out.
-- name: id_at
select coalesce((select id from kernel.event_log where position = :position),
                '00000000-0000-0000-0000-000000000000'::uuid);

-- Which of these keys already wait for a parked event of theirs?
-- name: parked_keys
select distinct key from kernel.parked_events where consumer = :consumer and key = any (:keys::text[]);

-- A replay may come to an event that is parked already: then its last error counts.
-- name: park
insert into kernel.parked_events (consumer, position, id, key, error, attempts, parked_at)
values (:consumer, :position, :id, :key, :error, :attempts, :at)
on conflict (consumer, position) do update
   set error = excluded.error, attempts = parked_events.attempts + excluded.attempts, parked_at = excluded.parked_at;

-- What waits, for the operator.
-- name: parked
select p.consumer, p.position, e.type, p.key, p.error, p.attempts, p.parked_at
  from kernel.parked_events p
  join kernel.event_log e on e.position = p.position and e.id = p.id
 where :consumer::text is null or p.consumer = :consumer
 order by p.consumer, p.position
 limit :limit;

-- The next parked event to try again, in order. Those of a key that failed again in this run are passed over.
-- name: next_parked
select e.position, e.id, e.type, e.version, e.key, e.payload::text as payload, e.occurred_at, e.recorded_at
  from kernel.parked_events p
  join kernel.event_log e on e.position = p.position and e.id = p.id
 where p.consumer = :consumer and p.position > :after and p.key <> all (:failed::text[])
 order by p.position
 limit 1;

-- Its reaction succeeded.
-- name: unpark
delete from kernel.parked_events where consumer = :consumer and position = :position;

-- A replay comes to them again.
-- name: unpark_from
delete from kernel.parked_events where consumer = :consumer and position >= :position;

-- Its reaction failed again.
-- name: still_parked
update kernel.parked_events set error = :error, attempts = attempts + 1, parked_at = :at
 where consumer = :consumer and position = :position;

-- For the metrics: how long the oldest event waits for the relay.
-- name: outbox_age_seconds
select coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0)::float8 from kernel.outbox;

-- For the metrics.
-- name: parked_counts
select consumer, count(*) as events from kernel.parked_events group by consumer;
