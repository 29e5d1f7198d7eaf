-- One pool as it stands.
-- name: balance
select id as pool_id, on_hand, held from pools.pools where id = :pool_id;

-- Many at once, for a page's worth of variants.
-- name: balances
select id as pool_id, on_hand, held from pools.pools where id = any (:pool_ids::bigint[]);

-- A page of a pool's history, the newest first, each with the balance after it: "why is it 47?". The sum over what is
-- newer than the page comes from the current balance, so the page costs its own rows and those before it, not all.
-- name: history
with page as (
    select id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at
    from pools.movements
    where pool_id = :pool_id and id < :before
    order by id desc
    limit :limit
)
select
    page.*,
    (
        (select on_hand from pools.pools where id = :pool_id)
        - coalesce((select sum(newer.delta) from pools.movements as newer where newer.pool_id = :pool_id and newer.id >= :before), 0)
        - coalesce(sum(page.delta) over (order by page.id desc rows between unbounded preceding and 1 preceding), 0)
    )::bigint as balance_after
from page
order by page.id desc;

-- Why a pool's quantity changed for one cause, e.g. an order.
-- name: movements_of
select id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at
from pools.movements
where pool_id = any (:pool_ids::bigint[]) and ref_kind = :ref_kind and ref_id = :ref_id
order by id;

-- Which of the pools anything ever moved in: one that is empty may have been sold out.
-- name: moved
select w.pool_id
from unnest(:pool_ids::bigint[]) as w (pool_id)
where exists (select from pools.movements m where m.pool_id = w.pool_id);

-- What made a balance since somebody counted last: sums by reason, the newest movements only, so that a pool that was
-- never counted costs no more than one that was.
-- name: since_count
with newest as (
    select id, delta, reason, occurred_at, actor, note
    from pools.movements
    where pool_id = :pool_id
    order by id desc
    limit :at_most
), counted as (
    select id, occurred_at, actor, note from newest where reason = :counted order by id desc limit 1
)
select
    counted.id as counted_id, counted.occurred_at as counted_at, counted.actor as counted_by, counted.note as counted_note,
    sums.reason, sums.delta, sums.times
from (
    select reason, sum(delta)::bigint as delta, count(*) as times
    from newest
    where id > coalesce((select id from counted), '00000000-0000-0000-0000-000000000000')
    group by reason
) as sums
full join counted on true
order by sums.times desc nulls last;

-- What is held of some pools at the moment, the first to expire first.
-- name: live_lines
select line.pool_id, line.hold_id, line.quantity, line.expires_at, line.hard, holds.holder
from pools.hold_lines as line
join pools.holds on holds.id = line.hold_id
where line.pool_id = any (:pool_ids::bigint[]) and line.live
order by line.expires_at
limit :limit;

-- The newest movements of several pools together, each pool's by its own index.
-- name: latest
select moved.*
from unnest(:pool_ids::bigint[]) as pool (id)
cross join lateral (
    select id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at
    from pools.movements
    where pool_id = pool.id
    order by id desc
    limit :limit
) as moved
order by moved.id desc
limit :limit;

-- One hold with its lines. Whoever finds a line expired or breaks it changes the line and not the hold, which would lock
-- upwards; so what became of a hold that nobody has ended is told by its lines.
-- name: hold
select
    holds.id,
    holds.holder,
    case
        when holds.state <> 'held' then holds.state
        when lines.broken then 'broken'
        when lines.live then 'held'
        else 'expired'
    end as state,
    holds.expires_at,
    lines.told as lines,
    holds.firmness
from pools.holds
cross join lateral (
    select
        bool_or(line.broken) as broken,
        bool_or(line.live) as live,
        jsonb_agg(
            jsonb_build_object(
                'pool_id', line.pool_id, 'quantity', line.quantity, 'live', line.live, 'broken', line.broken
            )
            order by line.pool_id
        ) as told
    from pools.hold_lines as line
    where line.hold_id = holds.id and line.pool_id = any (holds.pool_ids)
) as lines
where holds.id = :hold_id;

-- Pools with expired lines that nobody has locked since: the sweep sends them to the desk.
-- name: pools_with_expired
select distinct pool_id from (
    select pool_id from pools.hold_lines where live and expires_at <= :at order by expires_at limit :limit
) as expired;

-- What is there is the sum of what moved.
-- name: check_on_hand
select
    'pool ' || pools.id as subject,
    coalesce(moved.sum, 0)::text as expected,
    pools.on_hand::text as found
from pools.pools
left join (select pool_id, sum(delta) from pools.movements group by pool_id) as moved on moved.pool_id = pools.id
where pools.on_hand <> coalesce(moved.sum, 0);

-- What is held is the sum of the live lines.
-- name: check_held
select
    'pool ' || pools.id as subject,
    coalesce(lines.sum, 0)::text as expected,
    pools.held::text as found
from pools.pools
left join (select pool_id, sum(quantity) from pools.hold_lines where live group by pool_id) as lines
    on lines.pool_id = pools.id
where pools.held <> coalesce(lines.sum, 0);

-- A movement without its pool would be a quantity that nobody has.
-- name: check_movements_have_pools
select 'movement ' || movements.id as subject, 'pool ' || movements.pool_id as expected, 'none' as found
from pools.movements
left join pools.pools on pools.id = movements.pool_id
where pools.id is null;

-- What is held is held by a hold that has not ended.
-- name: check_live_lines
select
    'hold ' || line.hold_id as subject,
    'held, because it holds ' || line.quantity || ' of pool ' || line.pool_id as expected,
    coalesce(holds.state, 'none') as found
from pools.hold_lines as line
left join pools.holds on holds.id = line.hold_id
where line.live and holds.state is distinct from 'held';

-- Every soft hold that can still be claimed counts against its holder, and nothing else does. Those of the last minute
-- are left out: the desk's clock and the database's may differ.
-- name: check_holders
select
    coalesce(held.holder, counted.holder) as subject,
    coalesce(held.id, 'none') as expected,
    coalesce(counted.id, 'none') as found
from (
    select 'holder:' || holder as holder, id::text as id
    from pools.holds
    where state = 'held' and firmness = 'soft' and expires_at > now() + interval '1 minute'
    union all
    select 'origin:' || origin, id::text
    from pools.holds
    where state = 'held' and firmness = 'soft' and expires_at > now() + interval '1 minute' and origin <> ''
) as held
full join (
    select holders.id as holder, entry.hold ->> 'hold_id' as id
    from pools.holders
    cross join jsonb_array_elements(holders.open) as entry (hold)
    where (entry.hold ->> 'expires_at')::timestamptz > now() + interval '1 minute'
) as counted on counted.holder = held.holder and counted.id = held.id
where held.id is null or counted.id is null;
