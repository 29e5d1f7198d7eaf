-- Pools in id order, so that no two batches wait for each other in a ring.
-- name: lock_pools
select id, on_hand, held
from pools.pools
where id = any (:ids::bigint[])
order by id
for no key update;

-- What has expired on locked pools and goes back in this batch. Bounded per pool: the rest goes with the next batch.
-- name: expired_lines
select pool_id as id, jsonb_agg(jsonb_build_object('hold_id', hold_id, 'quantity', quantity)) as expired
from (
    select pool_id, hold_id, quantity, row_number() over (partition by pool_id order by expires_at) as number
    from pools.hold_lines
    where pool_id = any (:ids::bigint[]) and live and expires_at <= :now
) as line
where number <= 50
group by pool_id;

-- Holds before their pools: who claims or releases one must know its pools.
-- name: lock_holds
select id, state, expires_at, pool_ids
from pools.holds
where id = any (:ids::uuid[])
order by id
for no key update;

-- The lines of locked holds, read once their pools are locked, too: from then on nobody else changes them.
-- name: lines_of_holds
select
    holds.id,
    jsonb_agg(
        jsonb_build_object('pool_id', line.pool_id, 'quantity', line.quantity, 'live', line.live)
        order by line.pool_id
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

-- New holds.
-- name: holds
insert into pools.holds (id, holder, pool_ids, state, expires_at, created_at, changed_at)
select id, holder, array(select jsonb_array_elements_text(pool_ids)::bigint), 'held', expires_at, created_at, created_at
from unnest(:id::uuid[], :holder::text[], :pool_ids::jsonb[], :expires_at::timestamptz[], :created_at::timestamptz[])
    as given (id, holder, pool_ids, expires_at, created_at);

-- The lines of new holds.
-- name: hold_lines
insert into pools.hold_lines (pool_id, hold_id, quantity, expires_at, live)
select pool_id, hold_id, quantity, expires_at, true
from unnest(:pool_id::bigint[], :hold_id::uuid[], :quantity::bigint[], :expires_at::timestamptz[])
    as given (pool_id, hold_id, quantity, expires_at);

-- Lines that no longer count as held: claimed, released or expired.
-- name: close_lines
update pools.hold_lines as line
set live = false
from unnest(:pool_id::bigint[], :hold_id::uuid[]) as given (pool_id, hold_id)
where line.pool_id = given.pool_id and line.hold_id = given.hold_id;

-- What became of a hold. Only batches that locked the hold write here; a batch that finds a line expired closes the
-- line alone, or two desks could wait for each other's hold and pool.
-- name: hold_states
update pools.holds
set state = given.state, changed_at = given.changed_at
from unnest(:id::uuid[], :state::text[], :changed_at::timestamptz[]) as given (id, state, changed_at)
where holds.id = given.id;
