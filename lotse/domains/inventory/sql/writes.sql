-- Made or overwritten by code, in the order of codes so that two imports do not deadlock.
-- name: put_locations
insert into inventory.locations as l (id, code, kind, name, address, country, timezone, latitude, longitude,
                                      opening_hours)
select n.id, n.code, n.kind, n.name, n.address, n.country, n.timezone, n.latitude, n.longitude, n.opening_hours
  from jsonb_to_recordset(:locations::jsonb)
       as n (id uuid, code text, kind text, name text, address jsonb, country text, timezone text,
             latitude double precision, longitude double precision, opening_hours jsonb)
 order by n.code
on conflict (code) do update
   set kind = excluded.kind, name = excluded.name, address = excluded.address, country = excluded.country,
       timezone = excluded.timezone, latitude = excluded.latitude, longitude = excluded.longitude,
       opening_hours = excluded.opening_hours
returning new.id, new.code, to_jsonb(old) as old, to_jsonb(old) is distinct from to_jsonb(new) as changed;

-- A shop's list of locations is replaced as a whole.
-- name: drop_shop_locations
delete from inventory.shop_locations
 where shop_id = :shop_id and location_id <> all(:location_ids::uuid[])
returning location_id;

-- The place in the list is the priority.
-- name: put_shop_locations
insert into inventory.shop_locations as sl (shop_id, location_id, priority)
select :shop_id, n.id, n.place from unnest(:location_ids::uuid[]) with ordinality as n (id, place)
on conflict (shop_id, location_id) do update
   set priority = excluded.priority
 where sl.priority <> excluded.priority
returning sl.location_id;

-- One at a time may open pools for new stock, so that no pool is opened for a line that somebody else just made.
-- Held until the transaction ends; opening is rare, and receipts into known pools do not ask.
-- name: lock_openings
select pg_advisory_xact_lock(hashtextextended('lotse.inventory.stock', 0));

-- The pools are new and the keys were looked up under the lock.
-- name: put_stock
insert into inventory.stock (pool_id, variant_id, location_id, owner_party_id, condition, lot)
select n.pool_id, n.variant_id, n.location_id, n.owner_party_id, n.condition, n.lot
  from jsonb_to_recordset(:stock::jsonb)
       as n (pool_id bigint, variant_id uuid, location_id uuid, owner_party_id uuid, condition text, lot text);

-- One count at a time reads balances, moves the difference at the desk and notes it: two that bring the same figure must
-- not both find the same difference. Held until the transaction ends; sales do not ask for it.
-- name: lock_counts
select pg_advisory_xact_lock(hashtextextended('lotse.inventory.counts', 0));

-- The latest count of each pool; never back in time.
-- name: note_counts
insert into inventory.counts as c (pool_id, counted_at, quantity, recorded_at, recorded_by)
select n.pool_id, n.counted_at, n.quantity, :at, :by
  from unnest(:pool_ids::bigint[], :moments::timestamptz[], :quantities::bigint[]) as n (pool_id, counted_at, quantity)
 order by n.pool_id
on conflict (pool_id) do update
   set counted_at = excluded.counted_at, quantity = excluded.quantity, recorded_at = excluded.recorded_at,
       recorded_by = excluded.recorded_by
 where c.counted_at <= excluded.counted_at;

-- Overwrites: the newest file is right.
-- name: put_postcodes
insert into inventory.postcodes as p (country, postcode, city, state, latitude, longitude)
select distinct on (n.country, n.postcode) n.*
  from unnest(:countries::text[], :postcodes::text[], :cities::text[], :states::text[], :latitudes::float8[],
              :longitudes::float8[]) as n (country, postcode, city, state, latitude, longitude)
 order by n.country, n.postcode
on conflict (country, postcode) do update
   set city = excluded.city, state = excluded.state, latitude = excluded.latitude, longitude = excluded.longitude;
