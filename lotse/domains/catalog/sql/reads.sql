-- The tree with how many products are shown in each node and below.
-- name: category_tree
with recursive closure as (
    select id as ancestor, id from catalog.categories
    union all
    select c.ancestor, child.id
      from closure c
      join catalog.categories child on child.parent_id = c.id
), counts as (
    select c.ancestor, count(distinct p.id) as products
      from closure c
      join catalog.product_categories pc on pc.category_id = c.id
      join catalog.products p on p.id = pc.product_id and p.state in ('active', 'phase_out')
     group by c.ancestor
)
select c.id, c.parent_id, c.slug, coalesce(t.name, c.slug) as name, c.position, c.depth,
       coalesce(n.products, 0) as products
  from catalog.categories c
  left join counts n on n.ancestor = c.id
  left join lateral (
      select x.name from catalog.category_texts x
       where x.category_id = c.id
       order by x.language = :language desc,
                split_part(x.language, '-', 1) = split_part(:language, '-', 1) desc, x.language = 'en' desc, x.language
       limit 1
  ) t on true
 order by c.depth, c.position, c.slug
 limit :limit;

-- A category with its path and its children in one round trip.
-- name: category_by_slug
with recursive up as (
    select c.id, c.parent_id, c.slug, c.depth from catalog.categories c where c.slug = :slug
    union all
    select c.id, c.parent_id, c.slug, c.depth from catalog.categories c join up on up.parent_id = c.id
), around as (
    select id, slug, depth, false as child, 0 as position from up
    union all
    select c.id, c.slug, c.depth, true, c.position
      from catalog.categories c
      join catalog.categories self on self.id = c.parent_id
     where self.slug = :slug
), named as (
    select a.*, coalesce(t.name, a.slug) as name, coalesce(t.description, '') as description, t.language
      from around a
      left join lateral (
          select x.name, x.description, x.language from catalog.category_texts x
           where x.category_id = a.id
           order by x.language = :language desc,
                    split_part(x.language, '-', 1) = split_part(:language, '-', 1) desc,
                    x.language = 'en' desc, x.language
           limit 1
      ) t on true
)
select self.id, self.slug, self.name, self.description, coalesce(self.language, :language) as language,
       (select jsonb_agg(jsonb_build_object('id', n.id, 'slug', n.slug, 'name', n.name) order by n.depth)
          from named n where not n.child) as path,
       coalesce((select jsonb_agg(jsonb_build_object('id', n.id, 'slug', n.slug, 'name', n.name)
                                  order by n.position, n.slug)
                   from named n where n.child), '[]') as children
  from named self
 where self.slug = :slug and not self.child;

-- Newest first by id, which is a keyset; a product in several categories below comes once.
-- name: products_in_category
with recursive below as (
    select id from catalog.categories where id = :category_id
    union all
    select c.id from catalog.categories c join below b on c.parent_id = b.id
), listed as (
    select p.id from catalog.products p
     where p.state in ('active', 'phase_out')
       and (:after::uuid is null or p.id < :after)
       and exists (
           select from catalog.product_categories pc join below b on b.id = pc.category_id where pc.product_id = p.id
       )
     order by p.id desc
     limit :limit
)
select c.* from catalog.product_cards(array(select id from listed), :language) c order by c.id desc;

-- By name as a German dictionary sorts (DIN 5007-1: umlauts beside their vowels); the bundled server has no ICU. Sorts
-- the whole category for each page, which is quick up to some ten thousand products.
-- name: products_in_category_by_name
with recursive below as (
    select id from catalog.categories where id = :category_id
    union all
    select c.id from catalog.categories c join below b on c.parent_id = b.id
), named as (
    select p.id, replace(translate(lower(coalesce(t.name, p.slug)), 'äöüéèáàç', 'aoueeaac'), 'ß', 'ss') as sorted
      from catalog.products p
      left join lateral (
          select x.name from catalog.product_texts x
           where x.product_id = p.id
           order by x.language = :language desc,
                    split_part(x.language, '-', 1) = split_part(:language, '-', 1) desc,
                    x.language = 'en' desc, x.language
           limit 1
      ) t on true
     where p.state in ('active', 'phase_out')
       and exists (
           select from catalog.product_categories pc join below b on b.id = pc.category_id where pc.product_id = p.id
       )
), listed as (
    select id, sorted from named
     where :after::uuid is null
        or (sorted, id) > (
            replace(translate(lower(:after_name::text), 'äöüéèáàç', 'aoueeaac'), 'ß', 'ss'), :after::uuid
        )
     order by sorted, id
     limit :limit
)
select c.* from listed l join catalog.product_cards(array(select id from listed), :language) c on c.id = l.id
 order by l.sorted, l.id;

-- Everything that is shown, newest first.
-- name: products
with listed as (
    select p.id from catalog.products p
     where p.state in ('active', 'phase_out') and (:after::uuid is null or p.id < :after)
     order by p.id desc
     limit :limit
)
select c.* from catalog.product_cards(array(select id from listed), :language) c order by c.id desc;

-- In the order asked.
-- name: cards
select c.* from catalog.product_cards(:ids::uuid[], :language) c order by array_position(:ids::uuid[], c.id);

-- Whole product in one round trip; a former slug finds it too. `everything` also shows what is not for sale (back office).
-- name: product_page
with recursive found as (
    select p.* from catalog.products p where p.slug = :slug or p.id = :id
    union all
    select p.* from catalog.products p join catalog.former_slugs f on f.product_id = p.id
     where f.slug = :slug and not exists (select from catalog.products x where x.slug = :slug)
), home as (
    -- The category that the product lists first gives the breadcrumb.
    select pc.category_id from catalog.product_categories pc join found f on f.id = pc.product_id
     order by pc.position, pc.category_id limit 1
), up as (
    select c.id, c.parent_id, c.slug, c.depth from catalog.categories c join home h on h.category_id = c.id
    union all
    select c.id, c.parent_id, c.slug, c.depth from catalog.categories c join up on up.parent_id = c.id
)
select p.id, p.slug, p.state, p.brand, p.tax_class, p.attributes,
       coalesce(t.language, :language) as language, coalesce(t.name, p.slug) as name,
       coalesce(t.summary, '') as summary, coalesce(t.description, '') as description,
       coalesce((
           select jsonb_agg(jsonb_build_object(
                      'id', v.id, 'product_id', v.product_id, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
                      'unit', v.unit, 'position', v.position, 'state', v.state) order by v.position, v.id)
             from catalog.variants v
            where v.product_id = p.id and (:everything or v.state in ('active', 'phase_out'))
       ), '[]') as variants,
       coalesce((
           select jsonb_agg(jsonb_build_object(
                      'position', m.position, 'media', m.media, 'colour', m.colour,
                      'alt', coalesce(m.alt ->> :language, m.alt ->> split_part(:language, '-', 1),
                                      x.alt ->> :language, x.alt ->> split_part(:language, '-', 1),
                                      m.alt ->> 'en', x.alt ->> 'en', t.name, p.slug),
                      'focal', case when x.focal_x is not null then jsonb_build_array(x.focal_x, x.focal_y) end)
                      order by m.position)
             from catalog.pictures m
             join kernel.media x on x.name = m.media
            where m.product_id = p.id
       ), '[]') as pictures,
       coalesce((
           select jsonb_agg(jsonb_build_object('id', u.id, 'slug', u.slug, 'name', coalesce(n.name, u.slug))
                            order by u.depth)
             from up u
             left join lateral (
                 select x.name from catalog.category_texts x
                  where x.category_id = u.id
                  order by x.language = :language desc,
                           split_part(x.language, '-', 1) = split_part(:language, '-', 1) desc,
                           x.language = 'en' desc, x.language
                  limit 1
             ) n on true
       ), '[]') as path
  from found p
  left join lateral (
      select x.language, x.name, x.summary, x.description from catalog.product_texts x
       where x.product_id = p.id
       order by x.language = :language desc,
                split_part(x.language, '-', 1) = split_part(:language, '-', 1) desc, x.language = 'en' desc, x.language
       limit 1
  ) t on true
 where :everything or p.state in ('active', 'phase_out');

-- In the order asked.
-- name: variants_by_ids
select n.* from catalog.names(:ids::uuid[], :language) n order by array_position(:ids::uuid[], n.id);

-- One variant by its SKU.
-- name: variant_by_sku
select n.* from catalog.names(array(select id from catalog.variants where sku = :sku), :language) n;

-- One variant by its GTIN, with or without leading zeros; what a scanner sends.
-- name: variant_by_gtin
select n.*
  from catalog.names(
           array(select id from catalog.variants where gtin is not null and lpad(gtin, 14, '0') = lpad(:gtin, 14, '0')),
           :language
       ) n;

-- What can be bought of products, for what upper domains know of them: their prices, their stock.
-- name: variants_of_products
select v.product_id, v.id from catalog.variants v
 where v.product_id = any(:ids::uuid[]) and v.state <> 'archived'
 order by v.product_id, v.position, v.id;

-- For imports: which of these SKUs are there.
-- name: variant_ids_by_sku
select sku, id from catalog.variants where sku = any(:skus::text[]);

-- The simple search, before a search engine is there: bounded, newest first.
-- name: search_simple
with found as (
    select distinct f.product_id from catalog.find(:words, :begins, :digits, :at_most) f
), listed as (
    select p.id from catalog.products p
      join found f on f.product_id = p.id
     where p.state in ('active', 'phase_out')
     order by p.id desc
     limit :limit
)
select c.* from catalog.product_cards(array(select id from listed), :language) c order by c.id desc;

-- The back office's list, newest first.
-- name: product_rows
with found as (
    select distinct f.product_id from catalog.find(:words, :begins, :digits, :at_most) f
)
select p.id, p.slug, p.state, coalesce(t.name, p.slug) as name, p.brand, p.changed_at,
       (select count(*) from catalog.variants v where v.product_id = p.id) as variants,
       (select m.media from catalog.pictures m where m.product_id = p.id order by m.position limit 1) as media
  from catalog.products p
  left join lateral (
      select x.name from catalog.product_texts x
       where x.product_id = p.id
       order by x.language = :language desc,
                split_part(x.language, '-', 1) = split_part(:language, '-', 1) desc, x.language = 'en' desc, x.language
       limit 1
  ) t on true
 where (:state::text is null or p.state = :state)
   and (:after::uuid is null or p.id < :after)
   and (not :searched or p.id in (select product_id from found))
 order by p.id desc
 limit :limit;

-- Who has these GTINs, whatever the leading zeros.
-- name: gtins_taken
select gtin, sku from catalog.variants
 where gtin is not null and lpad(gtin, 14, '0') = any(array(select lpad(x, 14, '0') from unnest(:gtins::text[]) x));

-- The categories of these addresses, present or former; what stands at one now goes before what stood there. `slug` is
-- as asked, `present` where it is now.
-- name: categories_by_slug
select c.id, c.slug, c.slug as present from catalog.categories c where c.slug = any(:slugs::text[])
 union all
select c.id, f.slug, c.slug as present
  from catalog.former_category_slugs f
  join catalog.categories c on c.id = f.category_id
 where f.slug = any(:slugs::text[])
   and not exists (select from catalog.categories x where x.slug = f.slug);

-- One category, held until the transaction ends; the tree is locked by then.
-- name: category_for_change
select c.id, c.slug from catalog.categories c where c.id = :id for update;

-- Locked in the order of ids, so that two moves of overlapping lists wait for each other and do not deadlock.
-- name: products_for_change
select p.id, p.slug, p.state,
       exists (select from catalog.product_texts t where t.product_id = p.id) as named,
       exists (select from catalog.variants v
                where v.product_id = p.id and v.state in ('active', 'phase_out')) as stocked
  from catalog.products p
 where p.id = any(:ids::uuid[])
 order by p.id
   for update of p;

-- Locked in the order of ids, for the same reason.
-- name: variants_for_change
select v.id, v.product_id, v.sku, v.state from catalog.variants v where v.id = any(:ids::uuid[]) order by v.id for update;

-- A product that is shown has a name and something to buy.
-- name: check_shown_products
select 'catalog.product:' || p.slug as subject, 'a name and a variant for sale' as expected,
       concat_ws(', ',
           case when not exists (select from catalog.product_texts t where t.product_id = p.id) then 'no name' end,
           case when not exists (select from catalog.variants v
                                  where v.product_id = p.id and v.state in ('active', 'phase_out'))
                then 'no variant for sale' end) as found
  from catalog.products p
 where p.state in ('active', 'phase_out')
   and (not exists (select from catalog.product_texts t where t.product_id = p.id)
        or not exists (select from catalog.variants v
                        where v.product_id = p.id and v.state in ('active', 'phase_out')));

-- An old link leads to one product: a former slug is nobody's present one.
-- name: check_former_slugs
select 'catalog.former_slug:' || f.slug as subject, 'no product of this slug' as expected, p.id::text as found
  from catalog.former_slugs f
  join catalog.products p on p.slug = f.slug;

-- The same for categories.
-- name: check_former_category_slugs
select 'catalog.former_category_slug:' || f.slug as subject, 'no category of this slug' as expected,
       c.id::text as found
  from catalog.former_category_slugs f
  join catalog.categories c on c.slug = f.slug;

-- From a product to its successor, to that one's and so on.
-- name: succession
with recursive way as (
    select p.id, p.successor_id, p.slug, p.state, 0 as step from catalog.products p where p.id = :id
    union all
    select p.id, p.successor_id, p.slug, p.state, w.step + 1
      from way w
      join catalog.products p on p.id = w.successor_id
     where w.step < :at_most
)
select w.id, w.slug, w.state from way w order by w.step;

-- Which product stands at an address, or stood there; what stands there now goes before.
-- name: products_at
select p.slug as present, p.slug from catalog.products p where p.slug = any(:slugs::text[])
 union all
select p.slug as present, f.slug
  from catalog.former_slugs f
  join catalog.products p on p.id = f.product_id
 where f.slug = any(:slugs::text[])
   and not exists (select from catalog.products x where x.slug = f.slug);

-- For imports: variants as they are, by SKU.
-- name: articles
select v.sku, p.slug, v.gtin, v.unit, v.options, v.position
  from catalog.variants v
  join catalog.products p on p.id = v.product_id
 where v.sku = any (:skus::text[]);

-- For imports: products as they are in one language, with the slugs of their categories.
-- name: products_as_imported
select p.slug, p.brand, p.tax_class, p.attributes, t.name, t.summary, t.description,
       array(select c.slug
               from catalog.product_categories pc
               join catalog.categories c on c.id = pc.category_id
              where pc.product_id = p.id
              order by pc.position) as categories,
       (select count(*) from catalog.variants v where v.product_id = p.id) as variants, p.id, p.state,
       (select s.slug from catalog.products s where s.id = p.successor_id) as successor
  from catalog.products p
  left join catalog.product_texts t on t.product_id = p.id and t.language = :language
 where p.slug = any (:slugs::text[]);

-- What is said of a product in some languages, a row for each: what a write is going to meet, where others have a say.
-- name: texts_of
select n.language, t.name, t.summary, t.description
  from catalog.products p
 cross join unnest(:languages::text[]) as n (language)
  left join catalog.product_texts t on t.product_id = p.id and t.language = n.language
 where p.id = :id;

-- The library asks before it sweeps.
-- name: used_media
select distinct m.media from catalog.pictures m where m.media = any(:names::text[]);

-- One article with all that its page edits: words in every language, pictures with what is said about them here and in
-- the library, categories in their order.
-- name: product_edit
select p.id, p.slug, p.state, p.brand, p.tax_class, p.attributes, p.created_at, p.changed_at,
       coalesce((select jsonb_agg(jsonb_build_object('language', t.language, 'name', t.name, 'summary', t.summary,
                                                     'description', t.description) order by t.language)
                   from catalog.product_texts t where t.product_id = p.id), '[]') as texts,
       coalesce((select jsonb_agg(jsonb_build_object(
                            'id', v.id, 'product_id', v.product_id, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
                            'unit', v.unit, 'position', v.position, 'state', v.state) order by v.position, v.id)
                   from catalog.variants v where v.product_id = p.id), '[]') as variants,
       coalesce((select jsonb_agg(jsonb_build_object(
                            'media', m.media, 'colour', m.colour, 'alt', m.alt, 'library_alt', x.alt,
                            'focal', case when x.focal_x is not null
                                          then jsonb_build_array(x.focal_x, x.focal_y) end) order by m.position)
                   from catalog.pictures m
                   join kernel.media x on x.name = m.media
                  where m.product_id = p.id), '[]') as pictures,
       array(select c.slug
               from catalog.product_categories pc
               join catalog.categories c on c.id = pc.category_id
              where pc.product_id = p.id
              order by pc.position, c.slug) as categories,
       array(select f.slug from catalog.former_slugs f where f.product_id = p.id order by f.slug) as former_slugs, p.successor_id
  from catalog.products p
 where p.id = :id;

-- The table of articles. Its order is that of the key, newest first; what stands beside is looked up for the rows of a
-- page only.
-- name: product_table
select p.id, p.slug, p.state, p.brand, p.tax_class, p.changed_at, coalesce(t.name, p.slug) as name,
       m.media, h.category, coalesce(n.variants, 0)::integer as variants, coalesce(n.pictures, 0)::integer as pictures
  from catalog.products p
  left join lateral (
      select x.name from catalog.product_texts x
       where x.product_id = p.id
       order by x.language = :language desc,
                split_part(x.language, '-', 1) = split_part(:language, '-', 1) desc, x.language = 'en' desc, x.language
       limit 1
  ) t on true
  left join lateral (
      select x.media from catalog.pictures x where x.product_id = p.id order by x.position limit 1
  ) m on true
  left join lateral (
      -- Its home: where the breadcrumb leads.
      select coalesce(
                 (select ct.name from catalog.category_texts ct
                   where ct.category_id = pc.category_id
                   order by ct.language = :language desc, ct.language = 'en' desc, ct.language
                   limit 1), c.slug) as category
        from catalog.product_categories pc
        join catalog.categories c on c.id = pc.category_id
       where pc.product_id = p.id
       order by pc.position, pc.category_id
       limit 1
  ) h on true
  left join lateral (
      select (select count(*) from catalog.variants v where v.product_id = p.id) as variants,
             (select count(*) from catalog.pictures x where x.product_id = p.id) as pictures
  ) n on true;

-- What changes of many articles compare with what there is.
-- name: products_now
select p.id, p.state, p.brand, p.tax_class,
       coalesce((select c.slug
                   from catalog.product_categories pc
                   join catalog.categories c on c.id = pc.category_id
                  where pc.product_id = p.id
                  order by pc.position, pc.category_id
                  limit 1), '') as category
  from catalog.products p
 where p.id = any(:ids::uuid[]);

-- Rows by how people call them, for files.
-- name: product_ids_by_slug
select slug, id from catalog.products where slug = any(:slugs::text[]);

-- The tree with every language's name, for the page that edits it.
-- name: categories_for_edit
select c.id, c.slug, p.slug as parent, c.position, c.depth,
       coalesce((select jsonb_agg(jsonb_build_object('language', t.language, 'name', t.name,
                                                     'description', t.description) order by t.language)
                   from catalog.category_texts t where t.category_id = c.id), '[]') as texts,
       (select count(*) from catalog.product_categories pc where pc.category_id = c.id) as products,
       array(select f.slug from catalog.former_category_slugs f where f.category_id = c.id order by f.slug)
           as former_slugs
  from catalog.categories c
  left join catalog.categories p on p.id = c.parent_id
 order by c.depth, c.position, c.slug
 limit :limit;

-- Held, so that what somebody saw stays so until they have changed it.
-- name: product_seen
select changed_at from catalog.products where id = :id for update;

-- What search engines are told of, in the order of ids: one part of the site map.
-- name: site_map
select slug, changed_at from catalog.products
 where state in ('active', 'phase_out')
 order by id
offset :skip limit :limit;

-- How many parts the site map has.
-- name: count_shown
select count(*) from catalog.products where state in ('active', 'phase_out');
