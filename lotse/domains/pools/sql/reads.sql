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

-- One hold with its lines. Whoever finds its lines expired closes the lines and not the hold, which would lock upwards;
-- so a hold of which nothing is held any more is told as expired here.
-- name: hold
select
    holds.id,
    holds.holder,
    case
        when holds.state = 'held' and not exists (
            select from pools.hold_lines as line
            where line.hold_id = holds.id and line.pool_id = any (holds.pool_ids) and line.live
        ) then 'expired'
        else holds.state
    end as state,
    holds.expires_at,
    array(
        select jsonb_build_object('pool_id', line.pool_id, 'quantity', line.quantity, 'live', line.live)
        from pools.hold_lines as line
        where line.hold_id = holds.id and line.pool_id = any (holds.pool_ids)
        order by line.pool_id
    ) as lines
from pools.holds
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
