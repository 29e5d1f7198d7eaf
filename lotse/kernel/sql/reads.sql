-- Positions are dense and ids rise with them: else a consumer that has read position n may have missed something.
-- Old months may have been archived, so the log may begin anywhere.
-- name: check_event_positions
select 'event at position ' || position as subject,
       format('position %s, id above %s', before + 1, id_before) as expected,
       format('position %s, id %s', position, id) as found
  from (select position, id, lag(position) over log as before, lag(id) over log as id_before
          from kernel.event_log
        window log as (order by position)) as neighbours
 where position <> before + 1 or id <= id_before;

-- The head is the last event.
-- name: check_event_head
select 'head of the event log' as subject,
       format('position %s, id %s', last.position, last.id) as expected,
       format('position %s, id %s', head.position, head.id) as found
  from kernel.event_head head,
       lateral (select position, id from kernel.event_log order by position desc limit 1) last
 where (head.position, head.id) <> (last.position, last.id);

-- Nobody has read what was never written.
-- name: check_consumers
select 'consumer ' || c.name as subject, 'at most ' || h.position as expected, c.position::text as found
  from kernel.consumers c, kernel.event_head h
 where c.position > h.position;

-- What is parked is in the log, lies behind its consumer, and the first of each key says why.
-- name: check_parked_events
select format('parked event %s of %s', p.position, p.consumer) as subject,
       'in the log, not after position ' || c.position || ', with an error if it is the first of its key' as expected,
       case when e.position is null then 'not in the log'
            when p.position > c.position then 'after it'
            else 'no error'
       end as found
  from kernel.parked_events p
  join kernel.consumers c on c.name = p.consumer
  left join kernel.event_log e on e.position = p.position and e.id = p.id
 where e.position is null
    or p.position > c.position
    or (p.error is null and not exists (select from kernel.parked_events earlier
                                         where earlier.consumer = p.consumer and earlier.key = p.key
                                           and earlier.position < p.position and earlier.error is not null));

-- Events that wait for minutes mean that no relay is at work. Counted from the server's start at the earliest: while it
-- was down nobody could move them.
-- name: check_outbox_age
select count(*) || ' events in the outbox' as subject,
       'moved into the log within 1 minute' as expected,
       'the oldest waits since ' || to_char(min(recorded_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as found
  from kernel.outbox
-- greatest() passes over null: without the first condition an empty outbox would be late as soon as the server is old.
having min(recorded_at) is not null
   and greatest(min(recorded_at), pg_postmaster_start_time()) < clock_timestamp() - interval '1 minute';

-- Each number of a line that stands belongs to a ticket, and nobody was admitted whose number was not called yet.
-- name: check_waiting_lines
select 'waiting line ' || o.id as subject,
       format('%s tickets, admitted up to %s at most', o.last_number, coalesce(r.mark, 0)) as expected,
       format('%s tickets, admitted up to %s', count(t.id), coalesce(max(t.number) filter (where t.state = 'admitted'), 0))
           as found
  from kernel.waiting_openings o
  left join kernel.waiting_rooms r on r.opening = o.id
  left join kernel.waiting_tickets t on t.opening = o.id
 where o.ended_at is null
 group by o.id, o.last_number, r.mark
having count(t.id) <> o.last_number
    or coalesce(max(t.number) filter (where t.state = 'admitted'), 0) > coalesce(r.mark, 0);
