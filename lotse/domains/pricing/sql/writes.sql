-- Keys in their order, each held until the transaction ends: of two changes of one price the second sees the first.
-- A hash may stand for two keys; then they wait for each other without need, and nothing else happens.
-- name: lock_keys
select pg_advisory_xact_lock(k.hash)
  from (select distinct hashtextextended(n.shop_id::text || n.variant_id::text, 0) as hash
          from unnest(:shop_ids::uuid[], :variant_ids::uuid[]) as n (shop_id, variant_id)
         order by 1) k;

-- A price that has not begun was never anybody's: it may be taken back.
-- name: withdraw_prices
delete from pricing.prices p
 using unnest(:ids::uuid[]) as n (id)
 where p.id = n.id and p.valid_from > :at
returning p.id, p.shop_id, p.variant_id, p.currency, p.customer_group, p.min_quantity, p.unit_price, p.gross,
          p.valid_from, p.changed_by, p.reason;

-- A price that holds already from before is not written again. A price of the same key and moment is left alone and
-- answered as `taken`, unless it says the same.
-- name: set_prices
with given as (
    select * from jsonb_to_recordset(:prices::jsonb)
        as n (id uuid, shop_id uuid, variant_id uuid, currency text, customer_group text, min_quantity integer,
              unit_price numeric(18, 6), gross boolean, valid_from timestamptz, changed_by text, reason text)
), before as (
    select g.id, p.id as price_id, p.unit_price, p.gross, p.valid_from
      from given g
     cross join lateral (
           select * from pricing.prices p
            where p.shop_id = g.shop_id and p.variant_id = g.variant_id and p.customer_group = g.customer_group
              and p.min_quantity = g.min_quantity and p.valid_from <= g.valid_from
            order by p.valid_from desc
            limit 1
           ) p
), written as (
    insert into pricing.prices (id, shop_id, variant_id, currency, customer_group, min_quantity, unit_price, gross,
                                valid_from, recorded_at, changed_by, reason)
    select g.id, g.shop_id, g.variant_id, g.currency, g.customer_group, g.min_quantity, g.unit_price, g.gross,
           g.valid_from, :at, g.changed_by, g.reason
      from given g
      left join before b on b.id = g.id
     where b.id is null
        or (b.valid_from < g.valid_from and (b.unit_price, b.gross) is distinct from (g.unit_price, g.gross))
    on conflict on constraint prices_once do nothing
    returning id
)
select g.id as given_id, coalesce(w.id, b.price_id) as price_id, w.id is not null as written,
       w.id is null and b.valid_from = g.valid_from
           and (b.unit_price, b.gross) is distinct from (g.unit_price, g.gross) as taken
  from given g
  left join before b on b.id = g.id
  left join written w on w.id = g.id;
