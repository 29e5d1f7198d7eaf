-- Pools in id order, so that no two batches wait for each other in a ring.
-- name: lock_pools
select id, on_hand, held, counted_at
from pools.pools
where id = any (:ids::bigint[])
order by id
for no key update;

-- What has expired on locked pools and goes back in this batch. Bounded per pool by the requests of a batch: each wants
-- one unit at least and each line gives one at least; the rest goes with the next batch. The index ends the search.
-- name: expired_lines
select
    wanted.id,
    jsonb_agg(
        jsonb_build_object(
            'pool_id', wanted.id, 'hold_id', line.hold_id, 'quantity', line.quantity, 'hard', line.hard,
            'expires_at', line.expires_at, 'live', true, 'broken', false
        )
    ) as expired
from unnest(:ids::bigint[]) as wanted (id)
cross join lateral (
    select hold_id, quantity, hard, expires_at
    from pools.hold_lines
    where pool_id = wanted.id and live and expires_at <= :now
    order by expires_at
    limit 256
) as line
group by wanted.id;

-- The pools where something may have to break; they are locked already.
-- name: breakable_pools
select distinct split_part(id, ':', 1)::bigint as id from unnest(:ids::text[]) as id;

-- Who breaks first on pools that cannot give what is wanted: what has expired, then the newest, hard ones last. A line
-- holds one unit at least, so as many lines as units are enough. Read under the lock of the pool, which is all that a
-- change of a line needs; the hold's own row is not locked here, that would be upwards.
-- name: breakable_lines
select
    wanted.pool_id as id,
    jsonb_agg(
        jsonb_build_object(
            'pool_id', wanted.pool_id, 'hold_id', line.hold_id, 'quantity', line.quantity, 'hard', line.hard,
            'expires_at', line.expires_at, 'live', true, 'broken', false, 'holder', holds.holder
        )
    ) as lines
from (
    select split_part(id, ':', 1)::bigint as pool_id, sum(split_part(id, ':', 2)::bigint) as quantity
    from unnest(:ids::text[]) as id
    group by 1
) as wanted
join pools.pools on pools.id = wanted.pool_id and pools.on_hand - pools.held < wanted.quantity
cross join lateral (
    select hold_id, quantity, hard, expires_at
    from pools.hold_lines
    where pool_id = wanted.pool_id and live
    order by (expires_at <= :now) desc, hard, hold_id desc
    limit wanted.quantity::bigint
) as line
join pools.holds on holds.id = line.hold_id
group by wanted.pool_id;

-- Holds before their pools: who claims or releases one must know its pools.
-- name: lock_holds
select id, holder, origin, state, firmness, expires_at, pool_ids
from pools.holds
where id = any (:ids::uuid[])
order by id
for no key update;

-- The counts of holders, in id order, made where there are none yet: so that of two first holds of one holder at two
-- desks the second waits. The update that never happens locks the row.
-- name: lock_holders
with locked as (
    insert into pools.holders as known (id, open, until)
    select id, '[]', '-infinity' from unnest(:ids::text[]) as id order by id
    on conflict (id) do update set open = known.open where false
)
select id from unnest(:ids::text[]) as id;

-- Read once they are locked: the statement that locks them cannot see what it waited for.
-- name: open_holds
select id, open from pools.holders where id = any (:ids::text[]);

-- The lines of locked holds, read once their pools are locked, too: from then on nobody else changes them.
-- name: lines_of_holds
select
    holds.id,
    jsonb_agg(
        jsonb_build_object(
            'pool_id', line.pool_id, 'hold_id', holds.id, 'quantity', line.quantity, 'hard', line.hard,
            'expires_at', line.expires_at, 'live', line.live, 'broken', line.broken, 'holder', holds.holder
        )
    ) as lines
from pools.holds
join pools.hold_lines as line on line.hold_id = holds.id and line.pool_id = any (holds.pool_ids)
where holds.id = any (:ids::uuid[])
group by holds.id;

-- Each touched pool once, by its final sums; the constraints see the outcome of the whole batch.
-- name: balances
update pools.pools
set on_hand = given.on_hand, held = given.held
from unnest(:rows::pools.balances_row[]) as given
where pools.id = given.id;

-- Append-only.
-- name: movements
insert into pools.movements (
    id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at
)
select *
from unnest(:rows::pools.movements_row[]);

-- New holds, as they stand at the end of their batch.
-- name: holds
insert into pools.holds (id, holder, origin, pool_ids, state, firmness, expires_at, created_at, changed_at)
select
    id, holder, origin, array(select jsonb_array_elements_text(pool_ids)::bigint), state, firmness, expires_at,
    created_at, created_at
from unnest(
    :id::uuid[], :holder::text[], :origin::text[], :pool_ids::jsonb[], :state::text[], :firmness::text[],
    :expires_at::timestamptz[], :created_at::timestamptz[]
) as given (id, holder, origin, pool_ids, state, firmness, expires_at, created_at);

-- The lines of new holds, as they stand at the end of their batch.
-- name: hold_lines
insert into pools.hold_lines (pool_id, hold_id, quantity, hard, expires_at, live, broken)
select *
from unnest(
    :pool_id::bigint[], :hold_id::uuid[], :quantity::bigint[], :hard::boolean[], :expires_at::timestamptz[],
    :live::boolean[], :broken::boolean[]
);

-- Lines that changed in a batch, each once. Only batches that locked the line's pool write here.
-- name: line_states
update pools.hold_lines as line
set hard = given.hard, expires_at = given.expires_at, live = given.live, broken = given.broken
from unnest(
    :pool_id::bigint[], :hold_id::uuid[], :hard::boolean[], :expires_at::timestamptz[], :live::boolean[],
    :broken::boolean[]
) as given (pool_id, hold_id, hard, expires_at, live, broken)
where line.pool_id = given.pool_id and line.hold_id = given.hold_id;

-- What became of a hold. Only batches that locked the hold write here; a batch that finds a line expired or breaks it
-- changes the line alone, or two desks could wait for each other's hold and pool.
-- name: hold_states
update pools.holds
set
    state = given.state,
    firmness = given.firmness,
    expires_at = given.expires_at,
    changed_at = given.changed_at
from unnest(
    :id::uuid[], :state::text[], :firmness::text[], :expires_at::timestamptz[], :changed_at::timestamptz[]
) as given (id, state, firmness, expires_at, changed_at)
where holds.id = given.id;

-- What counts against a holder's limits; the row is there, because locking made it.
-- name: holders
update pools.holders
set open = given.open, until = given.until
from unnest(:id::text[], :open::jsonb[], :until::timestamptz[]) as given (id, open, until)
where holders.id = given.id;
