-- All locations by code, in pages: a platform's sellers bring their own.
-- name: locations
select id, code, kind, name, address, country, timezone, latitude, longitude, opening_hours
  from inventory.locations
 where code > coalesce(:after::text, '')
 order by code
 limit :limit;

-- One location by its code.
-- name: location_by_code
select id, code, kind, name, address, country, timezone, latitude, longitude, opening_hours
  from inventory.locations where code = :code;

-- In the order asked.
-- name: locations_by_ids
select id, code, kind, name, address, country, timezone, latitude, longitude, opening_hours
  from inventory.locations where id = any(:ids::uuid[]) order by array_position(:ids::uuid[], id);

-- The locations that serve a shop, the preferred one first.
-- name: locations_of_shop
select l.id, l.code, l.kind, l.name, l.address, l.country, l.timezone, l.latitude, l.longitude, l.opening_hours
  from inventory.shop_locations sl
  join inventory.locations l on l.id = sl.location_id
 where sl.shop_id = :shop_id
 order by sl.priority, l.code;

-- What a shop can sell; a variant that nobody offers there, or that is nowhere, comes with nothing.
-- name: availability
select v.id as variant_id, coalesce(sum(greatest(a.available, 0)), 0)::bigint as available,
       coalesce(
           jsonb_agg(jsonb_build_object('location_id', l.id, 'code', l.code, 'name', l.name, 'kind', l.kind,
                                        'available', greatest(a.available, 0)) order by a.priority, l.code)
               filter (where l.id is not null),
           '[]'
       ) as by_location
  from unnest(:variant_ids::uuid[]) with ordinality as v (id, place)
  left join inventory.available(:shop_id, :variant_ids::uuid[]) a on a.variant_id = v.id
  left join inventory.locations l on l.id = a.location_id
 group by v.id, v.place
 order by v.place;

-- What of their stock a page can show: every pool with what is available there, no more exactly than pages say it. The
-- pool and the number in one integer, because a page compares some dozens of them each second.
-- name: signs
select s.variant_id, array_agg(s.pool_id * 1000 + least(greatest(b.on_hand - b.held, 0), :most) order by s.pool_id) as signs
  from inventory.stock s
  join pools.balances(array(
           select x.pool_id from inventory.stock x where x.variant_id = any(:variant_ids::uuid[])
       )) b on b.pool_id = s.pool_id
 where s.variant_id = any(:variant_ids::uuid[])
 group by s.variant_id;

-- Every pool that counts one of these variants.
-- name: stock_of_variants
select s.variant_id, s.location_id, l.code as location_code, s.owner_party_id, s.condition, s.lot, s.pool_id,
       b.on_hand, b.held, b.on_hand - b.held as available
  from inventory.stock s
  join inventory.locations l on l.id = s.location_id
  join pools.balances(array(
           select x.pool_id from inventory.stock x where x.variant_id = any(:variant_ids::uuid[])
       )) b on b.pool_id = s.pool_id
 where s.variant_id = any(:variant_ids::uuid[])
 order by array_position(:variant_ids::uuid[], s.variant_id), l.code, s.condition, s.lot, s.pool_id;

-- What these pools count.
-- name: stock_of_pools
select s.variant_id, s.location_id, l.code as location_code, s.owner_party_id, s.condition, s.lot, s.pool_id,
       b.on_hand, b.held, b.on_hand - b.held as available
  from inventory.stock s
  join inventory.locations l on l.id = s.location_id
  join pools.balances(:pool_ids::bigint[]) b on b.pool_id = s.pool_id
 where s.pool_id = any(:pool_ids::bigint[])
 order by array_position(:pool_ids::bigint[], s.pool_id);

-- The back office's stock list, by pool, which is a keyset; a search narrows it to the variants found.
-- name: stock_lines
with listed as (
    select s.* from inventory.stock s
     where s.pool_id > :after
       and (:location_id::uuid is null or s.location_id = :location_id)
       and (not :searched or s.variant_id in (
               select f.variant_id from catalog.find(:words, :begins, :digits, :at_most) f))
     order by s.pool_id
     limit :limit
)
select s.variant_id, s.location_id, l.code as location_code, s.owner_party_id, s.condition, s.lot, s.pool_id,
       b.on_hand, b.held, b.on_hand - b.held as available
  from listed s
  join inventory.locations l on l.id = s.location_id
  join pools.balances(array(select pool_id from listed)) b on b.pool_id = s.pool_id
 order by s.pool_id;

-- In the order of preference, whatever is in them.
-- name: pools_for
select p.variant_id, p.pool_id, p.location_id, p.owner_party_id, p.condition, p.lot, p.priority
  from inventory.pools_for(:shop_id, :variant_ids::uuid[]) p
 order by array_position(:variant_ids::uuid[], p.variant_id), p.place;

-- In the order of preference, whatever is in them.
-- name: pools_for_offers
select p.offer_id, p.variant_id, p.pool_id, p.location_id, p.priority
  from inventory.pools_for_offers(:offer_ids::uuid[]) p
 order by array_position(:offer_ids::uuid[], p.offer_id), p.place;

-- The pools of these keys, as far as they are there. In two steps, because a table that was just filled has no statistics
-- yet: joined at once, the planner took the index of the owner, who owns everything, and a delivery of hundreds took seconds.
-- name: pools_of_keys
with wanted as materialized (
    select *
      from jsonb_to_recordset(:keys::jsonb)
           as n (place integer, variant_id uuid, location_id uuid, owner_party_id uuid, condition text, lot text)
), near as materialized (
    select s.* from inventory.stock s where s.variant_id = any (array(select w.variant_id from wanted w))
)
select w.place, s.pool_id
  from wanted w
  join near s using (variant_id, location_id, owner_party_id, condition, lot);

-- A pool of goods is a pool: nothing but this holds the two together.
-- name: check_stock_pools
select 'inventory.stock:' || s.pool_id as subject, 'a pool' as expected, 'none' as found
  from inventory.stock s
  left join pools.balances(array(select x.pool_id from inventory.stock x)) b on b.pool_id = s.pool_id
 where b.pool_id is null;

-- What was in pools at moments, and when each was last counted.
-- name: on_hand_at
select b.pool_id, b.on_hand, c.counted_at
  from pools.on_hand_at(:pool_ids::bigint[], :moments::timestamptz[]) b
  left join inventory.counts c on c.pool_id = b.pool_id;
