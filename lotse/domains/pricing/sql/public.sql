-- What statements of upper domains may ask of prices, always for many at once.

-- For each group (everybody's and the one named) and quantity the last price that began by a moment.
create or replace function pricing.prices_at(shop uuid, variant_ids uuid[], moment timestamptz, named_group text)
returns table (id uuid, shop_id uuid, variant_id uuid, currency text, customer_group text, min_quantity integer,
               unit_price numeric, gross boolean, valid_from timestamptz)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select distinct on (p.variant_id, p.customer_group, p.min_quantity)
           p.id, p.shop_id, p.variant_id, p.currency, p.customer_group, p.min_quantity, trim_scale(p.unit_price), p.gross,
           p.valid_from
      from pricing.prices p
     where p.shop_id = shop and p.variant_id = any(variant_ids) and p.valid_from <= moment
       and p.customer_group in ('', named_group)
     order by p.variant_id, p.customer_group, p.min_quantity, p.valid_from desc
$$;

-- What pages say of prices, in one round trip for all variants: what one costs everybody and what it costs the group,
-- the history of a reduction (as `reductions`), when the next price begins, and what of the catalogue belongs to it.
create or replace function pricing.to_offer(shop uuid, variant_ids uuid[], moment timestamptz, named_group text, days integer)
returns table (variant_id uuid, product_id uuid, tax_class text, content jsonb, unit_price numeric, gross boolean,
               group_price numeric, group_gross boolean, history jsonb, next_at timestamptz)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select v.variant_id, v.product_id, v.tax_class, v.content,
           trim_scale(present.unit_price) as unit_price, present.gross,
           trim_scale(grouped.unit_price) as group_price, grouped.gross as group_gross,
           case when before.unit_price > present.unit_price then (
               select jsonb_agg(jsonb_build_array(h.valid_from, trim_scale(h.unit_price)::text) order by h.valid_from)
                 from pricing.prices h
                where h.shop_id = shop and h.variant_id = v.variant_id and h.customer_group = '' and h.min_quantity = 1
                  and h.valid_from <= present.valid_from
                  and h.valid_from >= coalesce((
                          select max(f.valid_from) from pricing.prices f
                           where f.shop_id = shop and f.variant_id = v.variant_id and f.customer_group = ''
                             and f.min_quantity = 1
                             and f.valid_from <= present.valid_from - make_interval(days => days + 2)
                      ), '-infinity')
           ) end as history,
           (select min(n.valid_from) from pricing.prices n
             where n.variant_id = v.variant_id and n.shop_id = shop and n.valid_from > moment) as next_at
      from catalog.priced(variant_ids) v
      left join lateral (
           select p.unit_price, p.gross, p.valid_from from pricing.prices p
            where p.shop_id = shop and p.variant_id = v.variant_id and p.customer_group = '' and p.min_quantity = 1
              and p.valid_from <= moment
            order by p.valid_from desc
            limit 1
           ) present on true
      left join lateral (
           select p.unit_price from pricing.prices p
            where p.shop_id = shop and p.variant_id = v.variant_id and p.customer_group = '' and p.min_quantity = 1
              and p.valid_from < present.valid_from
            order by p.valid_from desc
            limit 1
           ) before on true
      left join lateral (
           select p.unit_price, p.gross from pricing.prices p
            where named_group <> '' and p.shop_id = shop and p.variant_id = v.variant_id
              and p.customer_group = named_group and p.min_quantity = 1 and p.valid_from <= moment
            order by p.valid_from desc
            limit 1
           ) grouped on true
$$;
