-- The offers of these variants in one shop, the host's own first.
-- name: offers_for_variants
select o.id, o.shop_id, o.variant_id, o.seller_party_id, o.condition, o.state
  from offers.offers o
 where o.shop_id = :shop_id and o.variant_id = any(:variant_ids::uuid[]) and (o.state = 'active' or not :active_only)
 order by array_position(:variant_ids::uuid[], o.variant_id), o.id;

-- In the order asked.
-- name: offers
select id, shop_id, variant_id, seller_party_id, condition, state
  from offers.offers
 where id = any(:ids::uuid[])
 order by array_position(:ids::uuid[], id);

-- All shops that sell these variants; the back office's product page.
-- name: offers_everywhere
select id, shop_id, variant_id, seller_party_id, condition, state
  from offers.offers
 where variant_id = any(:variant_ids::uuid[])
 order by array_position(:variant_ids::uuid[], variant_id), shop_id, id
 limit :limit;

-- The back office's table: what a shop sells or sold.
-- name: offer_table
select o.id, o.variant_id, o.seller_party_id, o.condition, o.state, o.created_at
  from offers.offers o
 where o.shop_id = :shop_id;

-- Locked in the order of ids, so that two changes of overlapping lists wait for each other and do not deadlock.
-- name: offers_for_change
select id, shop_id, variant_id, seller_party_id, condition, state
  from offers.offers
 where id = any(:ids::uuid[])
 order by id
   for update;

-- Which of these are no shops.
-- name: unknown_shops
select distinct n.id
  from unnest(:ids::uuid[]) as n (id)
 where not exists (select from parties.shops_of(:ids::uuid[]) s where s.shop_id = n.id);

-- Which of these are no variants.
-- name: unknown_variants
select distinct n.id
  from unnest(:ids::uuid[]) as n (id)
 where not exists (select from catalog.products_of(:ids::uuid[]) v where v.variant_id = n.id);

-- Whoever offers something has a role to do so, or owns the shop.
-- name: check_sellers
select 'offers.offer:' || o.id as subject, 'an offer of the shop''s owner or of a seller' as expected,
       'a party without the role' as found
  from offers.offers o
 where o.state = 'active'
   and not exists (select from parties.shops_of(array[o.shop_id]) s where s.owner_party_id = o.seller_party_id)
   and not exists (select from parties.with_role('seller', array[o.seller_party_id]));
