-- Balances of many pools at once: what is there and what of it is promised.
create or replace function pools.balances(ids bigint[])
returns table (pool_id bigint, on_hand bigint, held bigint)
language sql stable security definer set search_path = '' as $$
    select id, on_hand, held from pools.pools where id = any (ids)
$$;

-- The movements that one thing caused, e.g. an order; for that thing's page and for checks.
create or replace function pools.movement_sums()
returns table (ref_kind text, ref_id uuid, delta bigint)
language sql stable security definer set search_path = '' as $$
    select ref_kind, ref_id, sum(delta)::bigint from pools.movements group by ref_kind, ref_id
$$;
