-- What statements of upper domains may ask of inventory, always for many at once.

-- The pools that can serve a shop's sale of variants; `place` is the order of preference within each variant.
create or replace function inventory.pools_for(shop uuid, variant_ids uuid[])
returns table (variant_id uuid, pool_id bigint, location_id uuid, owner_party_id uuid, condition text, lot text,
               priority integer, place bigint)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select s.variant_id, s.pool_id, s.location_id, s.owner_party_id, s.condition, s.lot, sl.priority,
           row_number() over (partition by s.variant_id order by sl.priority, l.code, s.condition, s.lot, s.pool_id)
      from inventory.stock s
      join inventory.shop_locations sl on sl.location_id = s.location_id and sl.shop_id = shop
      join inventory.locations l on l.id = s.location_id
     where s.variant_id = any(variant_ids)
$$;

-- The pools that can serve offers: goods of the seller in the offer's condition; `place` is the order of preference.
create or replace function inventory.pools_for_offers(offer_ids uuid[])
returns table (offer_id uuid, variant_id uuid, pool_id bigint, location_id uuid, priority integer, place bigint)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select o.offer_id, o.variant_id, s.pool_id, s.location_id, sl.priority,
           row_number() over (partition by o.offer_id order by sl.priority, l.code, s.lot, s.pool_id)
      from offers.by_ids(offer_ids) o
      join inventory.stock s
        on s.variant_id = o.variant_id and s.owner_party_id = o.seller_party_id and s.condition = o.condition
      join inventory.shop_locations sl on sl.shop_id = o.shop_id and sl.location_id = s.location_id
      join inventory.locations l on l.id = s.location_id
$$;

-- What a shop can sell of variants at each of its locations: stock that an active offer of the shop stands for (its
-- seller's goods, in its condition). No nested loops: the planner cannot know that owner and condition go with the
-- variant, takes a page's hundreds of rows for one, and compares each with each (85 ms instead of 10 for 120 variants).
create or replace function inventory.available(shop uuid, variant_ids uuid[])
returns table (variant_id uuid, location_id uuid, priority integer, available bigint)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off
as $$
    select s.variant_id, s.location_id, sl.priority, sum(b.on_hand - b.held)::bigint
      from inventory.stock s
      join offers.active_in(shop, variant_ids) o
        on o.variant_id = s.variant_id and o.seller_party_id = s.owner_party_id and o.condition = s.condition
      join inventory.shop_locations sl on sl.shop_id = shop and sl.location_id = s.location_id
      join pools.balances(array(
               select x.pool_id from inventory.stock x where x.variant_id = any(variant_ids)
           )) b on b.pool_id = s.pool_id
     where s.variant_id = any(variant_ids)
     group by s.variant_id, s.location_id, sl.priority
$$;

-- What of their stock a page can show: every pool with what is available there, no more exactly than pages say it
-- (`most`). The pool and the number in one integer, because a page compares some dozens of them each second.
create or replace function inventory.signs(variant_ids uuid[], most integer)
returns table (variant_id uuid, signs bigint[])
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select s.variant_id,
           array_agg(s.pool_id * 1000 + least(greatest(b.on_hand - b.held, 0), most) order by s.pool_id)
      from inventory.stock s
      join pools.balances(array(
               select x.pool_id from inventory.stock x where x.variant_id = any(variant_ids)
           )) b on b.pool_id = s.pool_id
     where s.variant_id = any(variant_ids)
     group by s.variant_id
$$;

-- `signs` with `available`, of one moment and from one reading of the stock: a row for each location a variant can be
-- sold from, or one without a location.
create or replace function inventory.shown(shop uuid, variant_ids uuid[], most integer)
returns table (variant_id uuid, signs bigint[], location_id uuid, priority integer, available bigint)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off
as $$
    with stock as materialized (
        select s.variant_id, s.location_id, s.owner_party_id, s.condition, s.pool_id
          from inventory.stock s
         where s.variant_id = any(variant_ids)
    ), counted as materialized (
        select s.variant_id, s.location_id, s.owner_party_id, s.condition, s.pool_id, b.on_hand - b.held as free
          from stock s
          join pools.balances(array(select x.pool_id from stock x)) b on b.pool_id = s.pool_id
    ), signed as (
        select c.variant_id, array_agg(c.pool_id * 1000 + least(greatest(c.free, 0), most) order by c.pool_id) as signs
          from counted c
         group by c.variant_id
    ), placed as (
        select c.variant_id, c.location_id, sl.priority, sum(c.free)::bigint as available
          from counted c
          join offers.active_in(shop, variant_ids) o
            on o.variant_id = c.variant_id and o.seller_party_id = c.owner_party_id and o.condition = c.condition
          join inventory.shop_locations sl on sl.shop_id = shop and sl.location_id = c.location_id
         group by c.variant_id, c.location_id, sl.priority
    )
    select s.variant_id, s.signs, p.location_id, p.priority, p.available
      from signed s
      left join placed p on p.variant_id = s.variant_id
$$;

-- The pools that count variants, wherever and whosever.
create or replace function inventory.pools_of(variant_ids uuid[])
returns table (variant_id uuid, pool_id bigint)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select s.variant_id, s.pool_id from inventory.stock s where s.variant_id = any(variant_ids)
$$;
