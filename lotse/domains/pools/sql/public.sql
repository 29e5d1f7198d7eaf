-- Balances of many pools at once: what is there and what of it is promised.
create or replace function pools.balances(ids bigint[])
returns table (pool_id bigint, on_hand bigint, held bigint)
language sql stable security definer
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select id, on_hand, held from pools.pools where id = any (ids)
$$;

-- The movements that one thing caused, e.g. an order; for that thing's page and for checks.
create or replace function pools.movement_sums()
returns table (ref_kind text, ref_id uuid, delta bigint)
language sql stable security definer set search_path = '' as $$
    select ref_kind, ref_id, sum(delta)::bigint from pools.movements group by ref_kind, ref_id
$$;

-- What moved these pools last, by one kind of cause and each once: the orders of an article. By pool, the newest first,
-- as the primary key sorts; no more than `at_most` of each pool are looked at.
create or replace function pools.causes(pool_ids bigint[], kind text, at_most integer)
returns table (ref_id uuid)
language sql stable security definer set search_path = '' rows 1000
as $$
    select distinct m.ref_id
      from unnest(pool_ids) as p (id)
     cross join lateral (
           select x.ref_id, x.ref_kind
             from pools.movements x
            where x.pool_id = p.id
            order by x.id desc
            limit at_most
           ) m
     where m.ref_kind = kind
$$;

-- What was in pools at a moment, each at its own: what is there now without what moved since. Read from movements, so
-- that a figure of that moment becomes a difference and later sales stay. Movements are told at most a day ahead of
-- their time, so older ids need not be looked at.
create or replace function pools.on_hand_at(ids bigint[], moments timestamptz[])
returns table (pool_id bigint, on_hand bigint)
language sql stable security definer set search_path = '' as $$
    select p.id, p.on_hand - coalesce(sum(m.delta), 0)::bigint
      from unnest(ids, moments) as n (id, moment)
      join pools.pools p on p.id = n.id
      left join pools.movements m
        on m.pool_id = n.id and m.id >= kernel.uuid7_floor(n.moment - interval '1 day') and m.occurred_at > n.moment
     group by p.id, p.on_hand
$$;
