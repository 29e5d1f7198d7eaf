-- Products as an index wants them; those that are not shown are absent.
-- name: described
select d.id, d.slug, d.brand, d.tax_class, d.attributes, d.created_at, d.texts, d.variants, d.categories
  from catalog.described(:ids::uuid[]) d;

-- What sells of products, and whether it is there: for signs.
-- name: stock_of
select s.product_id, s.variant_id
  from catalog.selling(:ids::uuid[]) s
 order by s.product_id, s.variant_id;

-- All products that are shown, a slice at a time.
-- name: shown_after
select s.id from catalog.shown_after(:after::uuid, :limit) s order by s.id;

-- What changed categories hold.
-- name: products_below
select b.id from catalog.products_below(:ids::uuid[], :limit) b;

-- The products that changed variants belong to.
-- name: products_of
select distinct o.product_id from catalog.products_of(:ids::uuid[]) o;

-- What the shop can sell of variants; a variant that nobody offers or has is absent.
-- name: available
select a.variant_id, sum(a.available)::bigint as available
  from inventory.available(:shop_id, :ids::uuid[]) a
 group by a.variant_id
having sum(a.available) > 0;

-- Every group of a shop: a few hundred at most.
-- name: synonyms
select id, shop_id, language, words, one_way, changed_at
  from search.synonyms
 where shop_id = :shop_id
 order by id
 limit :limit;

-- A group, held until it is changed.
-- name: synonyms_for_change
select id, shop_id, language, words, one_way, changed_at from search.synonyms where id = :id for update;

-- Every rule of a shop that holds or will, as it was said: the moment and the words are compared when a list is made.
-- Categories stand where they are now: a rule follows its category to a new address.
-- name: rules
with holding as (
    select r.id, r.shop_id, r.said, r.category, r.act, r.target, r.name, r.value, r.place, r.reason, r.valid_from,
           r.valid_to
      from search.rules r
     where r.shop_id = :shop_id and (r.valid_to is null or r.valid_to > :at)
     order by r.id
     limit :limit
), moved as (
    select n.slug, n.present
      from catalog.categories_now(array(select h.category from holding h where h.category <> ''
                                        union select h.value from holding h where h.target = 'category')) n
)
select h.id, h.shop_id, h.said as words, coalesce(mine.present, h.category) as category, h.act, h.target, h.name,
       coalesce(its.present, h.value) as value, h.place, h.reason, h.valid_from, h.valid_to
  from holding h
  left join moved mine on mine.slug = h.category
  left join moved its on h.target = 'category' and its.slug = h.value
 order by h.id;

-- A rule, held until it is changed.
-- name: rule_for_change
select id, shop_id, said as words, category, act, target, name, value, place, reason, valid_from, valid_to
  from search.rules where id = :id for update;

-- Who stands at a place of the list that a pin wants, at some moment of its time; a category's under all its addresses.
-- name: pinned_there
select r.id from search.rules r
 where r.shop_id = :shop_id and r.words = :words and r.act = 'pin' and r.place = :place and r.id <> :id
   and (r.category = :category
        or r.category <> '' and exists (select from catalog.categories_now(array[r.category]) n
                                         where n.present = :category))
   and (r.valid_from is null or :valid_to::timestamptz is null or r.valid_from < :valid_to)
   and (r.valid_to is null or :valid_from::timestamptz is null or r.valid_to > :valid_from)
 limit 1;

-- For the back office, the last changed first.
-- name: rule_rows
select r.id, r.shop_id, case when r.category = '' then r.said else 'c/' || coalesce(mine.present, r.category) end as list,
       r.act,
       case r.target when 'value' then r.name || ': ' || r.value
                     when 'category' then coalesce(its.present, r.value)
                     when 'product' then coalesce((select c.name from catalog.cards(array[r.value::uuid], :language) c),
                                                  r.value)
                     else r.value end as target_label,
       r.place, r.reason, r.valid_from, r.valid_to, r.changed_at, r.changed_by
  from search.rules r
  left join lateral catalog.categories_now(array[r.category]) mine on r.category <> ''
  left join lateral catalog.categories_now(array[r.value]) its on r.target = 'category'
 where r.shop_id = :shop_id
 order by r.changed_at desc, r.id
 limit :limit;

-- What found nothing the last time, the most asked first.
-- name: asked_in_vain
select a.shop_id::text || '/' || a.language || '/' || a.words as id, a.shop_id, a.language, a.words, a.asked, a.found,
       a.last_at
  from search.asked a
 where a.shop_id = :shop_id and a.found = 0
 order by a.asked desc, a.words
 limit :limit;

-- What many ask for and find: for suggestions.
-- name: popular
select words from search.asked
 where shop_id = :shop_id and language = :language and found > 0 and asked >= :at_least
 order by asked desc, words
 limit :limit;

-- Shops whose table was begun.
-- name: begun
select exists (select from search.begun where shop_id = :shop_id and language = :language);
