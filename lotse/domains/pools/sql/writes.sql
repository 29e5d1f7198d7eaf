-- Empty pools; their ids are drawn by the table.
-- name: open_pools
insert into pools.pools (on_hand) select 0 from generate_series(1, :count::int) returning id;

-- Holds that have ended long ago, with their lines, by the time in their ids: the tables stay as small as the trade of
-- a month. One that somebody works on is left for the next time; movements and orders say what was sold.
-- name: forget_holds
with old as (
    select id, pool_ids
    from pools.holds
    where id < :made_before
        and expires_at < :expired_before
        and not exists (
            select from pools.hold_lines as line
            where line.hold_id = holds.id and line.pool_id = any (holds.pool_ids) and line.live
        )
    order by id
    limit :limit
    for no key update skip locked
), lines as (
    delete from pools.hold_lines as line
    using old
    where line.hold_id = old.id and line.pool_id = any (old.pool_ids)
)
delete from pools.holds using old where holds.id = old.id
returning holds.id;

-- Counts that nobody needs any more; one that a desk has locked is left for the next time.
-- name: forget_holders
with old as (
    select id from pools.holders where until < :before limit :limit for update skip locked
)
delete from pools.holders using old where holders.id = old.id;

-- When pools were counted; locked in id order first, as the desk locks them. Answers as many rows as were given, in their
-- order, each with what stood there before.
-- name: mark_counted
with given as (
    select * from unnest(:pool_ids::bigint[], :moments::timestamptz[]) with ordinality as n (pool_id, moment, place)
), locked as materialized (
    select p.id, p.counted_at
    from pools.pools as p
    where p.id = any (:pool_ids::bigint[])
    order by p.id
    for no key update
), marked as (
    update pools.pools as p
    set counted_at = given.moment
    from given
    join locked on locked.id = given.pool_id
    where p.id = given.pool_id and (locked.counted_at is null or locked.counted_at < given.moment)
    returning p.id
)
select locked.id as pool_id, locked.counted_at as before
from given
join locked on locked.id = given.pool_id
left join marked on marked.id = locked.id
order by given.place;

-- A count that was refused has not happened.
-- name: take_mark_back
with locked as materialized (
    select p.id from pools.pools as p where p.id = any (:pool_ids::bigint[]) order by p.id for no key update
)
update pools.pools as p
set counted_at = n.before
from unnest(:pool_ids::bigint[], :before::timestamptz[], :moments::timestamptz[]) as n (pool_id, before, moment)
join locked on locked.id = n.pool_id
where p.id = n.pool_id and p.counted_at = n.moment;
