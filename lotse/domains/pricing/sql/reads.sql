-- What holds at a moment: for each group and quantity the last price that began. `customer_group` empty asks for
-- everybody's prices only.
-- name: prices_at
select p.id, p.shop_id, p.variant_id, p.currency, p.customer_group, p.min_quantity, p.unit_price, p.gross, p.valid_from
  from pricing.prices_at(:shop_id, :variant_ids::uuid[], :at, :customer_group) p
 order by array_position(:variant_ids::uuid[], p.variant_id), p.customer_group, p.min_quantity;

-- As `prices_at`, and everything that begins later: with it a copy stays right as time goes on.
-- name: prices_from
select p.id, p.shop_id, p.variant_id, p.currency, p.customer_group, p.min_quantity, p.unit_price, p.gross, p.valid_from
  from pricing.prices_at(:shop_id, :variant_ids::uuid[], :at, :customer_group) p
union all
select p.id, p.shop_id, p.variant_id, p.currency, p.customer_group, p.min_quantity, trim_scale(p.unit_price), p.gross,
       p.valid_from
  from pricing.prices p
 where p.shop_id = :shop_id and p.variant_id = any(:variant_ids::uuid[]) and p.valid_from > :at
   and p.customer_group in ('', :customer_group);

-- Who, when, old, new, why: the newest first.
-- name: price_history
select p.id, p.shop_id, p.variant_id, p.currency, p.customer_group, p.min_quantity,
       lag(trim_scale(p.unit_price)) over (
           partition by p.shop_id, p.customer_group, p.min_quantity order by p.valid_from
       ) as old_unit_price,
       trim_scale(p.unit_price) as unit_price, p.gross, p.valid_from, p.recorded_at, p.changed_by, p.reason
  from pricing.prices p
 where p.variant_id = :variant_id and (:shop_id::uuid is null or p.shop_id = :shop_id)
 order by p.valid_from desc, p.id desc
 limit :limit;

-- Variants whose price for everybody is a reduction at this moment, with as much of their history as the rule needs:
-- back to the price that held when the window of 30 days opened (with two days to spare for time zones).
-- name: reductions
select n.id as variant_id, present.unit_price, present.valid_from as reduced_at,
       (select jsonb_agg(jsonb_build_array(h.valid_from, trim_scale(h.unit_price)::text) order by h.valid_from)
          from pricing.prices h
         where h.shop_id = :shop_id and h.variant_id = n.id and h.customer_group = '' and h.min_quantity = 1
           and h.valid_from <= present.valid_from
           and h.valid_from >= coalesce((
                   select max(f.valid_from) from pricing.prices f
                    where f.shop_id = :shop_id and f.variant_id = n.id and f.customer_group = '' and f.min_quantity = 1
                      and f.valid_from <= present.valid_from - make_interval(days => :days + 2)
               ), '-infinity')
       ) as history
  from unnest(:variant_ids::uuid[]) with ordinality as n (id, place)
 cross join lateral (
       select trim_scale(p.unit_price) as unit_price, p.valid_from from pricing.prices p
        where p.shop_id = :shop_id and p.variant_id = n.id and p.customer_group = '' and p.min_quantity = 1
          and p.valid_from <= :at
        order by p.valid_from desc
        limit 1
       ) present
 cross join lateral (
       select p.unit_price from pricing.prices p
        where p.shop_id = :shop_id and p.variant_id = n.id and p.customer_group = '' and p.min_quantity = 1
          and p.valid_from < present.valid_from
        order by p.valid_from desc
        limit 1
       ) before
 where before.unit_price > present.unit_price
 order by n.place;

-- See `pricing.to_offer`.
-- name: to_offer
select t.variant_id, t.product_id, t.tax_class, t.content, t.unit_price, t.gross, t.group_price, t.group_gross, t.history,
       t.next_at
  from pricing.to_offer(:shop_id, :variant_ids::uuid[], :at, :customer_group, :days) t;

-- The back office's table: what everybody pays for one, and what comes next. One row per variant that ever had a price.
-- name: price_table
select l.variant_id, coalesce(present.currency, coming.currency) as currency, present.unit_price,
       coalesce(present.gross, coming.gross) as gross, coalesce(present.valid_from, coming.valid_from) as valid_from,
       coming.unit_price as next_unit_price, coming.valid_from as next_from
  from (
       select distinct p.variant_id
         from pricing.prices p
        where p.shop_id = :shop_id and p.customer_group = '' and p.min_quantity = 1
  ) l
  left join lateral (
       select p.currency, trim_scale(p.unit_price) as unit_price, p.gross, p.valid_from from pricing.prices p
        where p.shop_id = :shop_id and p.variant_id = l.variant_id and p.customer_group = '' and p.min_quantity = 1
          and p.valid_from <= :at
        order by p.valid_from desc
        limit 1
  ) present on true
  left join lateral (
       select p.currency, trim_scale(p.unit_price) as unit_price, p.gross, p.valid_from from pricing.prices p
        where p.shop_id = :shop_id and p.variant_id = l.variant_id and p.customer_group = '' and p.min_quantity = 1
          and p.valid_from > :at
        order by p.valid_from
        limit 1
  ) coming on true;

-- What everybody pays for one at a moment, for a change of many prices.
-- name: holding_at
select n.id as variant_id, p.id, trim_scale(p.unit_price) as unit_price, p.valid_from
  from unnest(:variant_ids::uuid[]) as n (id)
 cross join lateral (
       select p.id, p.unit_price, p.valid_from from pricing.prices p
        where p.shop_id = :shop_id and p.variant_id = n.id and p.customer_group = '' and p.min_quantity = 1
          and p.valid_from <= :at
        order by p.valid_from desc
        limit 1
       ) p;

-- Prices and tax rates in one round trip: what pricing a basket needs of the database. Decimals travel as text, because
-- a JSON number would become a binary float.
-- name: for_basket
select coalesce((
           select jsonb_agg(jsonb_build_object(
                      'id', p.id, 'shop_id', p.shop_id, 'variant_id', p.variant_id, 'currency', p.currency,
                      'customer_group', p.customer_group, 'min_quantity', p.min_quantity,
                      'unit_price', p.unit_price::text, 'gross', p.gross, 'valid_from', p.valid_from))
             from pricing.prices_at(:shop_id, :variant_ids::uuid[], :at, :customer_group) p
       ), '[]') as prices,
       coalesce((
           select jsonb_agg(jsonb_build_object(
                      'country', r.country, 'tax_class', r.tax_class, 'valid_from', r.valid_from, 'code', r.code,
                      'rate', r.rate::text))
             from tax.rates_of(:country) r
       ), '[]') as rates;

-- Shops that a write names: what their prices must look like.
-- name: shops
select shop_id, currency, gross from parties.shops_of(:ids::uuid[]);

-- Which of these are no variants.
-- name: unknown_variants
select n.id
  from unnest(:ids::uuid[]) as n (id)
  left join catalog.products_of(:ids::uuid[]) v on v.variant_id = n.id
 where v.variant_id is null;

-- A price is in the currency of its shop.
-- name: check_currencies
select 'pricing.price:' || p.id as subject, s.currency as expected, p.currency as found
  from pricing.prices p
  join parties.shops_of(array(select distinct x.shop_id from pricing.prices x)) s on s.shop_id = p.shop_id
 where p.currency <> s.currency;
