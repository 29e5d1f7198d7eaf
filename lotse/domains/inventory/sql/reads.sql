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

-- For a write: what it is going to meet.
-- name: locations_by_codes
select id, code, kind, name, address, country, timezone, latitude, longitude, opening_hours
  from inventory.locations where code = any(:codes::text[]);

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

-- How many pieces a shop can sell of variants, without where they lie; of what is nowhere there is no row.
-- name: available_of
select a.variant_id, sum(greatest(a.available, 0))::bigint as available
  from inventory.available(:shop_id, :variant_ids::uuid[]) a
 group by a.variant_id;

-- What of their stock a page can show; nothing for what is nowhere.
-- name: signs
select v.id as variant_id, coalesce(s.signs, '{}') as signs
  from unnest(:variant_ids::uuid[]) as v (id)
  left join inventory.signs(:variant_ids::uuid[], :most) s on s.variant_id = v.id;

-- `signs` with `available_of`: what a page that is kept asks, of one moment and in one question.
-- name: pieces_shown
select v.id as variant_id, coalesce(any_value(s.signs), '{}') as signs,
       coalesce(sum(greatest(s.available, 0)), 0)::bigint as available
  from unnest(:variant_ids::uuid[]) as v (id)
  left join inventory.shown(:shop_id, :variant_ids::uuid[], :most) s on s.variant_id = v.id
 group by v.id;

-- `signs` with `availability`.
-- name: stock_shown
select v.id as variant_id, coalesce(any_value(s.signs), '{}') as signs,
       coalesce(sum(greatest(s.available, 0)), 0)::bigint as available,
       coalesce(
           jsonb_agg(jsonb_build_object('location_id', l.id, 'code', l.code, 'name', l.name, 'kind', l.kind,
                                        'available', greatest(s.available, 0)) order by s.priority, l.code)
               filter (where l.id is not null),
           '[]'
       ) as by_location
  from unnest(:variant_ids::uuid[]) with ordinality as v (id, place)
  left join inventory.shown(:shop_id, :variant_ids::uuid[], :most) s on s.variant_id = v.id
  left join inventory.locations l on l.id = s.location_id
 group by v.id, v.place
 order by v.place;

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

-- The back office's table: one row per variant that is or was somewhere, with what all its places have. Variants come
-- from the index, balances of those of the page only. Somebody who is bound to places sees those.
-- name: stock_table
select v.variant_id, b.on_hand, b.held, b.available, b.places, b.stocked
from (
    select distinct s.variant_id from inventory.stock s
    where (
        :everything::boolean
        or exists (
            select from unnest(:in_locations::uuid[], :in_parties::uuid[]) as box (location_id, party_id)
            where coalesce(box.location_id, s.location_id) = s.location_id
                and coalesce(box.party_id, s.owner_party_id) = s.owner_party_id
        )
    )
) v
cross join lateral (
    select
        coalesce(sum(p.on_hand), 0)::bigint as on_hand,
        coalesce(sum(p.held), 0)::bigint as held,
        coalesce(sum(p.on_hand - p.held), 0)::bigint as available,
        count(distinct x.location_id) as places,
        count(distinct x.location_id) filter (where p.on_hand > p.held) as stocked
    from inventory.stock x
    join pools.balances(array(
        select y.pool_id from inventory.stock y where y.variant_id = v.variant_id
    )) p on p.pool_id = x.pool_id
    where x.variant_id = v.variant_id
        and (
        :everything::boolean
        or exists (
            select from unnest(:in_locations::uuid[], :in_parties::uuid[]) as box (location_id, party_id)
            where coalesce(box.location_id, x.location_id) = x.location_id
                and coalesce(box.party_id, x.owner_party_id) = x.owner_party_id
        )
    )
) b;

-- How much of variants is at each place, for those of a page.
-- name: spread
select x.variant_id, x.location_id, sum(b.on_hand)::bigint as on_hand, sum(b.on_hand - b.held)::bigint as available
from inventory.stock x
join pools.balances(array(
    select y.pool_id from inventory.stock y where y.variant_id = any(:variant_ids::uuid[])
)) b on b.pool_id = x.pool_id
where x.variant_id = any(:variant_ids::uuid[])
    and (
        :everything::boolean
        or exists (
            select from unnest(:in_locations::uuid[], :in_parties::uuid[]) as box (location_id, party_id)
            where coalesce(box.location_id, x.location_id) = x.location_id
                and coalesce(box.party_id, x.owner_party_id) = x.owner_party_id
        )
    )
group by x.variant_id, x.location_id;

-- The back office's table of all goods by place: one row per pool, by pool.
-- name: pool_table
select s.pool_id, s.variant_id, s.location_id, l.code as location_code, l.name as location_name, l.kind as location_kind,
       s.owner_party_id, s.condition, s.lot, b.on_hand, b.held, b.on_hand - b.held as available
from inventory.stock s
join inventory.locations l on l.id = s.location_id
cross join lateral pools.balances(array[s.pool_id]) b
where (
        :everything::boolean
        or exists (
            select from unnest(:in_locations::uuid[], :in_parties::uuid[]) as box (location_id, party_id)
            where coalesce(box.location_id, s.location_id) = s.location_id
                and coalesce(box.party_id, s.owner_party_id) = s.owner_party_id
        )
    );

-- Where a pool belongs, for whoever wants to see or change it.
-- name: whose_pool
select array[location_id] as locations, array[owner_party_id] as parties from inventory.stock where pool_id = :pool_id;

-- The papers behind movements.
-- name: documents
select id, kind, reference, note from inventory.documents where id = any(:ids::uuid[]);

-- The back office's table of places, with the shops that they serve and how many articles they know.
-- name: location_table
select l.id, l.code, l.kind, l.name, l.address ->> 'street' as street, l.address ->> 'postcode' as postcode,
       l.address ->> 'city' as city, l.country, l.timezone, l.latitude, l.longitude,
       l.opening_hours <> '{}' as has_hours,
       (select count(*) from inventory.shop_locations sl where sl.location_id = l.id) as shops
from inventory.locations l
where :everything::boolean or l.id = any(:in_locations::uuid[]);

-- All places by name, for choices and for the strip of a table: a retailer's are hundreds at most.
-- name: places
select id, code, kind, name from inventory.locations order by kind = 'warehouse' desc, code limit :limit;

-- One about to be changed.
-- name: lock_location
select id, code, kind, name, address, country, timezone, latitude, longitude, opening_hours
  from inventory.locations where id = :location_id for update;

-- The shops that a place serves, with its rank there.
-- name: shops_of_location
select shop_id, priority from inventory.shop_locations where location_id = :location_id order by priority;

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

-- Where a postcode is, if somebody imported it.
-- name: postcode
select city, state, latitude, longitude from inventory.postcodes where country = :country and postcode = :postcode;

-- Those of some postcodes that are known: for imports.
-- name: postcodes
select country, postcode, city, state, latitude, longitude
  from inventory.postcodes
 where (country, postcode) in (select * from unnest(:countries::text[], :postcodes::text[]));
