-- What statements of upper domains may ask of prices, always for many at once.

-- For each group (everybody's and the one named) and quantity the last price that began by a moment.
create or replace function pricing.prices_at(shop uuid, variant_ids uuid[], moment timestamptz, named_group text)
returns table (id uuid, shop_id uuid, variant_id uuid, currency text, customer_group text, min_quantity integer,
               unit_price numeric, gross boolean, valid_from timestamptz)
language sql stable security definer set search_path = '' rows 100
as $$
    select distinct on (p.variant_id, p.customer_group, p.min_quantity)
           p.id, p.shop_id, p.variant_id, p.currency, p.customer_group, p.min_quantity, trim_scale(p.unit_price), p.gross,
           p.valid_from
      from pricing.prices p
     where p.shop_id = shop and p.variant_id = any(variant_ids) and p.valid_from <= moment
       and p.customer_group in ('', named_group)
     order by p.variant_id, p.customer_group, p.min_quantity, p.valid_from desc
$$;
