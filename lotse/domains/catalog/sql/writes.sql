-- Made or overwritten by slug, in the order of slugs so that two imports do not deadlock. The state of a product that is
-- there stays: moves have rules of their own.
-- name: put_products
insert into catalog.products as p (id, slug, state, brand, tax_class, attributes, created_at, changed_at)
select n.id, n.slug, n.state, n.brand, n.tax_class, n.attributes, :at, :at
  from jsonb_to_recordset(:products::jsonb)
       as n (id uuid, slug text, state text, brand text, tax_class text, attributes jsonb)
 order by n.slug
on conflict (slug) do update
   set brand = excluded.brand, tax_class = excluded.tax_class, attributes = excluded.attributes,
       changed_at = case when (p.brand, p.tax_class, p.attributes)
                              is distinct from (excluded.brand, excluded.tax_class, excluded.attributes)
                         then excluded.changed_at else p.changed_at end
returning new.id, new.slug, new.state, old.id is null as made,
          old.id is null or (new.brand, new.tax_class, new.attributes)
                            is distinct from (old.brand, old.tax_class, old.attributes) as changed,
          jsonb_build_object('brand', old.brand, 'tax_class', old.tax_class, 'attributes', old.attributes) as old;

-- Says whose texts differ now.
-- name: put_texts
insert into catalog.product_texts as t (product_id, language, name, summary, description)
select n.product_id, n.language, n.name, n.summary, n.description
  from jsonb_to_recordset(:texts::jsonb)
       as n (product_id uuid, language text, name text, summary text, description text)
on conflict (product_id, language) do update
   set name = excluded.name, summary = excluded.summary, description = excluded.description
 where (t.name, t.summary, t.description) is distinct from (excluded.name, excluded.summary, excluded.description)
returning new.product_id;

-- A SKU that belongs to another product is left alone and missing in the answer: the command refuses then.
-- name: put_variants
insert into catalog.variants as v (id, product_id, sku, gtin, options, unit, position, state)
select n.id, n.product_id, n.sku, n.gtin, n.options, n.unit, n.position, n.state
  from jsonb_to_recordset(:variants::jsonb)
       as n (id uuid, product_id uuid, sku text, gtin text, options jsonb, unit text, position integer, state text)
 order by n.sku
on conflict (sku) do update
   set gtin = excluded.gtin, options = excluded.options, unit = excluded.unit, position = excluded.position
 where v.product_id = excluded.product_id
returning new.id, new.sku, new.product_id,
          old.id is null or (new.gtin, new.options, new.unit, new.position)
                            is distinct from (old.gtin, old.options, old.unit, old.position) as changed;

-- What the call does not name any more goes.
-- name: drop_product_categories
delete from catalog.product_categories pc
 using unnest(:product_ids::uuid[]) as n (product_id)
 where pc.product_id = n.product_id
   and not exists (
       select from jsonb_to_recordset(:rows::jsonb) as r (product_id uuid, category_id uuid, position integer)
        where r.product_id = pc.product_id and r.category_id = pc.category_id
   )
returning pc.product_id;

-- Says whose categories or their order differ now.
-- name: put_product_categories
insert into catalog.product_categories as pc (product_id, category_id, position)
select n.product_id, n.category_id, n.position
  from jsonb_to_recordset(:rows::jsonb) as n (product_id uuid, category_id uuid, position integer)
on conflict (product_id, category_id) do update
   set position = excluded.position
 where pc.position <> excluded.position
returning new.product_id;

-- Pictures are a list: what stands behind its new end goes.
-- name: drop_pictures
delete from catalog.pictures m
 using unnest(:product_ids::uuid[], :counts::integer[]) as n (product_id, count)
 where m.product_id = n.product_id and m.position >= n.count
returning m.product_id;

-- Says whose pictures differ now.
-- name: put_pictures
insert into catalog.pictures as m (product_id, position, media, colour, alt)
select n.product_id, n.position, n.media, n.colour, n.alt
  from jsonb_to_recordset(:pictures::jsonb)
       as n (product_id uuid, position integer, media text, colour text, alt jsonb)
on conflict (product_id, position) do update
   set media = excluded.media, colour = excluded.colour, alt = excluded.alt
 where (m.media, m.colour, m.alt) is distinct from (excluded.media, excluded.colour, excluded.alt)
returning new.product_id;

-- What changed around a product changes the product: lists sort by it, feeds pick by it.
-- name: touch_products
update catalog.products set changed_at = :at where id = any(:ids::uuid[]) and changed_at <> :at;

-- The rows are locked and their moves checked by then.
-- name: change_states
update catalog.products set state = :state, changed_at = :at where id = any(:ids::uuid[]);

-- The rows are locked and their moves checked by then.
-- name: change_variant_states
update catalog.variants set state = :state where id = any(:ids::uuid[]);

-- Everybody who changes successors waits here, so that two together make no circle.
-- name: lock_successors
select pg_advisory_xact_lock(hashtextextended('catalog.successors', 0));

-- The rows are locked and the way from the successor on was looked at.
-- name: set_successor
update catalog.products set successor_id = :successor_id, changed_at = :at where id = :id;

-- The row is locked; products_slug_unique refuses a slug that somebody took meanwhile.
-- name: rename
update catalog.products set slug = :slug, changed_at = :at where id = :id;

-- What stands at an address now goes before what stood there: after the row that takes the slug was written, so that a
-- former slug that another transaction remembered meanwhile is seen.
-- name: forget_slugs
delete from catalog.former_slugs where slug = any(:slugs::text[]);

-- The old address keeps leading to the product.
-- name: remember_slug
insert into catalog.former_slugs (slug, product_id) values (:slug, :product_id) on conflict (slug) do nothing;

-- Moves wait for each other, so that nobody hangs a node below one that moves at the same moment. Reading and listing
-- products in categories goes on (their foreign keys take weaker locks). The tree changes rarely.
-- name: lock_tree
lock table catalog.categories in share row exclusive mode;

-- One level of the tree at a time: the parents' depths are known then, and their rows are held against moves.
-- name: put_categories
insert into catalog.categories as c (id, parent_id, parent_depth, slug, position)
select n.id, parent.id, parent.depth, n.slug, n.position
  from jsonb_to_recordset(:categories::jsonb) as n (id uuid, parent text, slug text, position integer)
  left join catalog.categories parent on parent.slug = n.parent
 where n.parent is null or parent.id is not null
 order by n.slug
on conflict (slug) do update
   set parent_id = excluded.parent_id, parent_depth = excluded.parent_depth, position = excluded.position
returning new.id, new.slug,
          old.id is null or (new.parent_id, new.position) is distinct from (old.parent_id, old.position) as changed;

-- The tree is locked; categories_slug_unique refuses a slug that another has.
-- name: rename_category
update catalog.categories set slug = :slug where id = :id;

-- As for products.
-- name: forget_category_slugs
delete from catalog.former_category_slugs where slug = any(:slugs::text[]);

-- The old address keeps leading to the category.
-- name: remember_category_slug
insert into catalog.former_category_slugs (slug, category_id) values (:slug, :category_id)
on conflict (slug) do nothing;

-- Says whose texts differ now.
-- name: put_category_texts
insert into catalog.category_texts as t (category_id, language, name, description)
select n.category_id, n.language, n.name, n.description
  from jsonb_to_recordset(:texts::jsonb) as n (category_id uuid, language text, name text, description text)
on conflict (category_id, language) do update
   set name = excluded.name, description = excluded.description
 where (t.name, t.description) is distinct from (excluded.name, excluded.description)
returning new.category_id;

-- One thing of many articles: where they belong first. The others stay behind it.
-- name: move_home
insert into catalog.product_categories as pc (product_id, category_id, position)
select p.id, :category_id, coalesce((select min(x.position) - 1 from catalog.product_categories x
                                      where x.product_id = p.id), 0)
  from unnest(:ids::uuid[]) as p (id)
on conflict (product_id, category_id) do update set position = excluded.position;

-- Brand and tax class of many; the rows are locked.
-- name: set_products
update catalog.products p
   set brand = n.brand, tax_class = n.tax_class, changed_at = :at
  from jsonb_to_recordset(:products::jsonb) as n (id uuid, brand text, tax_class text)
 where p.id = n.id;
