-- What statements of upper domains may ask of offers, always for many at once.

-- The active offers of variants in a shop.
create or replace function offers.active_in(shop uuid, variant_ids uuid[])
returns table (offer_id uuid, variant_id uuid, seller_party_id uuid, condition text)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select o.id, o.variant_id, o.seller_party_id, o.condition
      from offers.offers o
     where o.shop_id = shop and o.variant_id = any(variant_ids) and o.state = 'active'
$$;

-- Offers by id, whatever their state.
create or replace function offers.by_ids(offer_ids uuid[])
returns table (offer_id uuid, shop_id uuid, variant_id uuid, seller_party_id uuid, condition text, state text)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select o.id, o.shop_id, o.variant_id, o.seller_party_id, o.condition, o.state
      from offers.offers o
     where o.id = any(offer_ids)
$$;
