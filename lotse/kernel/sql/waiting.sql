-- Every process looks once a second, so it is one small read for all rooms together.
-- name: rooms
select r.name, r.mode, r.begins_at, r.opens_at, r.per_minute, r.most_per_minute, r.pass_minutes,
       coalesce(r.opening, 0) as opening, coalesce(o.gathering, false) as gathering,
       coalesce(o.last_number, 0) as last_number, r.mark, r.rate, r.carry, r.pace, r.strain, r.strained, r.calm,
       r.noted
  from kernel.waiting_rooms r
  left join kernel.waiting_openings o on o.id = r.opening;

-- Staff change a room, or it changes itself: the row is locked before it is judged.
-- name: lock_room
select r.name, r.mode, r.begins_at, r.opens_at, r.per_minute, r.most_per_minute, r.pass_minutes,
       coalesce(r.opening, 0) as opening, coalesce(o.gathering, false) as gathering,
       coalesce(o.last_number, 0) as last_number, r.mark, r.rate, r.carry, r.pace, r.strain, r.strained, r.calm,
       r.noted
  from kernel.waiting_rooms r
  left join kernel.waiting_openings o on o.id = r.opening
 where r.name = :name
   for no key update of r;

-- A room has a row from the first time that staff touches it.
-- name: make_room
insert into kernel.waiting_rooms (name, changed_at) values (:name, :at) on conflict (name) do nothing;

-- What staff decided; the constraints keep a plan that makes no sense out.
-- name: set_mode
update kernel.waiting_rooms
   set mode = :mode, begins_at = :begins_at, opens_at = :opens_at, changed_at = :at
 where name = :name;

-- How fast, and for how long: may change while visitors wait.
-- name: set_limits
update kernel.waiting_rooms
   set per_minute = :per_minute, most_per_minute = :most_per_minute, pass_minutes = :pass_minutes, changed_at = :at
 where name = :name;

-- A new line: numbers and mark begin anew, and tickets of an earlier line are worth nothing here.
-- name: begin_opening
with opening as (
    insert into kernel.waiting_openings (room, began_at, gathering) values (:name, :at, :gathering) returning id
)
update kernel.waiting_rooms r
   set opening = opening.id, mark = 0, carry = 0, pace = 0, rate = :rate, strained = 0, calm = 0, noted = 0
  from opening
 where r.name = :name;

-- Without a line nobody waits; its tickets stay until they are swept.
-- name: end_opening
with ended as (
    update kernel.waiting_openings set ended_at = :at where id = :opening and ended_at is null
)
update kernel.waiting_rooms set opening = null, mark = 0, carry = 0, pace = 0, rate = 0 where name = :name;

-- Numbers and tickets in one statement: the numbers are dense because both happen or neither. While a sale is awaited
-- tickets get none; the lock on the row makes the arrivals during the drawing wait for it and number them behind it.
-- name: take
with line as (
    update kernel.waiting_openings
       set last_number = last_number + cardinality(:ids::uuid[])
     where id = :opening and ended_at is null
 returning id, last_number, gathering
)
insert into kernel.waiting_tickets (id, opening, number, taken_at, seen_at)
select taken.id, line.id,
       case when line.gathering then null else line.last_number - cardinality(:ids::uuid[]) + taken.place end,
       :at::timestamptz, :at::timestamptz
  from line, unnest(:ids::uuid[]) with ordinality as taken (id, place)
returning id, coalesce(number, 0) as number;

-- Those who refreshed in the last second, all at once. A row that somebody else holds is skipped: this statement never
-- waits, so it can be in no deadlock, and the next refresh comes soon.
-- name: touch
update kernel.waiting_tickets t
   set seen_at = :at
  from (select id from kernel.waiting_tickets where id = any (:ids::uuid[]) for no key update skip locked) as free
 where t.id = free.id;

-- What became of a ticket whose number has been reached, or that waits for the drawing. Who was passed over is back at
-- once. The pass is handed out here, once: the same ticket asked again gives the same end.
-- name: claim
update kernel.waiting_tickets
   set seen_at = :at,
       state = case state when 'away' then 'waiting' else state end,
       pass_until = case when state = 'admitted' then coalesce(pass_until, :until) else pass_until end
 where id = :id and opening = :opening
returning coalesce(number, 0) as number, state, pass_until;

-- One process at a time moves a line on, at most once a second.
-- name: begin_tick
update kernel.waiting_rooms
   set ticked_at = :at::timestamptz
 where name = :name and mode <> 'closed' and (ticked_at is null or ticked_at <= :not_after)
returning coalesce(old.ticked_at, :at::timestamptz - interval '1 second') as before;

-- The shop is as strained as its most strained door says. `newcomers` of all doors together, per second.
-- name: load
select max(strain) as strain, coalesce(sum(newcomers), 0) as newcomers
  from kernel.waiting_loads
 where at > :since;

-- One row per door, written over every second.
-- name: report
insert into kernel.waiting_loads (reporter, at, strain, newcomers) values (:reporter, :at, :strain, :newcomers)
on conflict (reporter) do update set at = excluded.at, strain = excluded.strain, newcomers = excluded.newcomers;

-- Doors that are gone.
-- name: sweep_loads
delete from kernel.waiting_loads where at < :before;

-- Lots: who came before the sale opened stands in the order of a hash that nobody could know before the seed was drawn;
-- who came since stands behind them as they came. Once per sale, for all who wait.
-- name: draw
with line as (
    update kernel.waiting_openings
       set gathering = false, seed = :seed
     where id = :opening and gathering
 returning id
), drawn as (
    select t.id,
           row_number() over (
               order by t.taken_at >= :opens_at,
                        case when t.taken_at < :opens_at
                             then sha256(decode(replace(t.id::text, '-', ''), 'hex') || :seed::bytea) end,
                        t.taken_at, t.id
           ) as number
      from kernel.waiting_tickets t, line
     where t.opening = line.id
)
update kernel.waiting_tickets t set number = drawn.number from drawn where t.id = drawn.id;

-- Locks the opening first, so that no ticket is taken between the count and the drawing.
-- name: lock_opening
select id from kernel.waiting_openings where id = :opening for no key update;

-- The next ones who are still there; those before them who are not are passed over until they come back. `look` bounds
-- how many absent ones one tick works off.
-- name: admit
with head as (
    select id, number, seen_at >= :present_since as present
      from kernel.waiting_tickets
     where opening = :opening and state = 'waiting' and number is not null
     order by number
     limit :look
), counted as (
    select id, number, present, count(*) filter (where present) over (order by number) as ahead from head
), moved as (
    update kernel.waiting_tickets t
       set state = case when c.present then 'admitted' else 'away' end,
           admitted_at = case when c.present then :at::timestamptz end
      from counted c
     where t.id = c.id and case when c.present then c.ahead <= :places else c.ahead < :places end
 returning t.number, t.state
)
select count(*) filter (where state = 'admitted') as admitted,
       count(*) filter (where state = 'away') as passed_over,
       coalesce(max(number), 0) as reached
  from moved;

-- Where the line has come to; the row was locked by begin_tick.
-- name: save_tick
update kernel.waiting_rooms
   set mark = :mark, rate = :rate, carry = :carry, pace = :pace, strain = :strain, strained = :strained, calm = :calm,
       noted = :noted
 where name = :name;

-- A row per minute and room, filled by every tick of that minute.
-- name: note_minute
insert into kernel.waiting_minutes as m (room, minute, waiting, arrived, admitted, passed_over, rate, strain)
values (:room, date_trunc('minute', :at::timestamptz), :waiting, :arrived, :admitted, :passed_over, :rate, :strain)
on conflict (room, minute) do update
   set waiting = excluded.waiting, arrived = m.arrived + excluded.arrived, admitted = m.admitted + excluded.admitted,
       passed_over = m.passed_over + excluded.passed_over, rate = excluded.rate,
       strain = greatest(m.strain, excluded.strain);

-- The last hour, by the primary key.
-- name: minutes
select minute, waiting, arrived, admitted, passed_over, rate, strain
  from kernel.waiting_minutes
 where room = :room and minute >= :since
 order by minute;

-- Tickets of openings that ended long ago; the newest number of an opening goes with the rest.
-- name: sweep_tickets
delete from kernel.waiting_tickets
 where id in (select t.id from kernel.waiting_tickets t
                join kernel.waiting_openings o on o.id = t.opening
               where o.ended_at < :before
               limit :limit);

-- Old minutes, some at a time.
-- name: sweep_minutes
delete from kernel.waiting_minutes
 where (room, minute) in (select room, minute from kernel.waiting_minutes where minute < :before limit :limit);
