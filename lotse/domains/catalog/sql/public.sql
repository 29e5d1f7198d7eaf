-- What statements of upper domains may ask of the catalogue, always for many at once.
-- Texts come in the language asked for, else in another form of it (de for de-AT), else in English, else in any.

-- Variants with what a basket, an order, a till or a list shows of them.
create or replace function catalog.names(variant_ids uuid[], wanted text)
returns table (id uuid, product_id uuid, slug text, sku text, gtin text, name text, brand text, options jsonb,
               unit text, tax_class text, sellable boolean, media text)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select v.id, p.id, p.slug, v.sku, v.gtin, coalesce(t.name, v.sku), p.brand, v.options, v.unit, p.tax_class,
           p.state in ('active', 'phase_out') and v.state in ('active', 'phase_out'), m.media
      from catalog.variants v
      join catalog.products p on p.id = v.product_id
      left join lateral (
          select x.name from catalog.product_texts x
           where x.product_id = p.id
           order by x.language = wanted desc,
                    split_part(x.language, '-', 1) = split_part(wanted, '-', 1) desc,
                    x.language = 'en' desc, x.language
           limit 1
      ) t on true
      left join lateral (
          -- The picture of the variant's colour, else one of no colour, else the first.
          select x.media from catalog.pictures x
           where x.product_id = p.id
           order by x.colour is not distinct from v.options ->> 'colour' desc, x.colour is null desc, x.position
           limit 1
      ) m on true
     where v.id = any(variant_ids)
$$;

-- Products as lists show them, with the point of their picture that stays in sight when it is cropped.
create or replace function catalog.product_cards(product_ids uuid[], wanted text)
returns table (id uuid, slug text, state text, name text, summary text, brand text, media text, alt text,
               focal integer[], variant_ids uuid[])
language sql stable security definer rows 50
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select p.id, p.slug, p.state, coalesce(t.name, p.slug), coalesce(t.summary, ''), p.brand, m.media,
           coalesce(m.alt ->> wanted, m.alt ->> split_part(wanted, '-', 1), m.alt ->> 'en', t.name, p.slug),
           case when m.focal_x is not null then array[m.focal_x, m.focal_y]::integer[] end,
           array(
               select v.id from catalog.variants v
                where v.product_id = p.id and v.state in ('active', 'phase_out')
                order by v.position, v.id
           )
      from catalog.products p
      left join lateral (
          select x.name, x.summary from catalog.product_texts x
           where x.product_id = p.id
           order by x.language = wanted desc,
                    split_part(x.language, '-', 1) = split_part(wanted, '-', 1) desc,
                    x.language = 'en' desc, x.language
           limit 1
      ) t on true
      left join lateral (
          select x.media, x.alt, f.focal_x, f.focal_y
            from catalog.pictures x
            join kernel.media f on f.name = x.media
           where x.product_id = p.id
           order by x.position
           limit 1
      ) m on true
     where p.id = any(product_ids)
$$;

-- Products as lists show them, whatever their state.
create or replace function catalog.cards(product_ids uuid[], wanted text)
returns table (id uuid, slug text, state text, name text, summary text, brand text, media text, alt text,
               variant_ids uuid[])
language sql stable security definer rows 50
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select c.id, c.slug, c.state, c.name, c.summary, c.brand, c.media, c.alt, c.variant_ids
      from catalog.product_cards(product_ids, wanted) c
$$;

-- The product of each variant, with what decides whether it sells and how it is taxed.
create or replace function catalog.products_of(variant_ids uuid[])
returns table (variant_id uuid, product_id uuid, tax_class text, sellable boolean)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select v.id, p.id, p.tax_class, p.state in ('active', 'phase_out') and v.state in ('active', 'phase_out')
      from catalog.variants v
      join catalog.products p on p.id = v.product_id
     where v.id = any(variant_ids)
$$;

-- What prices on pages need of variants: their product, its tax class, and what says how much is in them (the rest of
-- the attributes stays where it is).
create or replace function catalog.priced(variant_ids uuid[])
returns table (variant_id uuid, product_id uuid, tax_class text, content jsonb)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select v.id, p.id, p.tax_class,
           case when v.options ? 'content'
                  or p.attributes ?| array['content_g', 'content_kg', 'content_ml', 'content_cl', 'content_l', 'content_cm',
                                           'content_m', 'content_m2']
                then jsonb_build_object(
                         'options', v.options,
                         'attributes', (select coalesce(jsonb_object_agg(a.key, a.value), '{}')
                                          from jsonb_each(p.attributes) a where starts_with(a.key, 'content_')))
           end
      from catalog.variants v
      join catalog.products p on p.id = v.product_id
     where v.id = any(variant_ids)
$$;

-- Variants found by words of their product's name (by their beginnings), by SKU (by its beginning) or by GTIN.
create or replace function catalog.find(sought text, begins text, digits text, at_most integer)
returns table (variant_id uuid, product_id uuid)
language sql stable security definer set search_path = '' rows 100
as $$
    (select v.id, v.product_id
       from catalog.product_texts t
       join catalog.variants v on v.product_id = t.product_id
      where sought <> '' and t.words @@ to_tsquery('pg_catalog.simple', sought)
      limit at_most)
    union
    (select v.id, v.product_id from catalog.variants v
      where begins <> ''
        -- As a range and not as `like`: an index serves it whatever plan is cached. No text sorts after U+10FFFF.
        and lower(v.sku) ~>=~ lower(begins) and lower(v.sku) ~<~ (lower(begins) || chr(1114111))
      limit at_most)
    union
    (select v.id, v.product_id from catalog.variants v
      where digits <> '' and v.gtin is not null and lpad(v.gtin, 14, '0') = lpad(digits, 14, '0')
      limit 1)
$$;

-- Products that are shown, with all that is said of them in every language: for an index of them. Variants are those
-- that sell; categories are their own and all above, each with its names.
create or replace function catalog.described(product_ids uuid[])
returns table (id uuid, slug text, brand text, tax_class text, attributes jsonb, created_at timestamptz, texts jsonb,
               variants jsonb, categories jsonb)
language sql stable security definer rows 200
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    with recursive placed as (
        select pc.product_id, pc.category_id, pc.position, true as own
          from catalog.product_categories pc
         where pc.product_id = any(product_ids)
        union
        select p.product_id, c.parent_id, p.position, false
          from placed p
          join catalog.categories c on c.id = p.category_id
         where c.parent_id is not null
    ), named as (
        select p.product_id, c.slug, c.depth, bool_or(p.own) as own, min(p.position) as position,
               coalesce((select jsonb_object_agg(t.language, t.name)
                           from catalog.category_texts t where t.category_id = c.id), '{}') as names
          from placed p
          join catalog.categories c on c.id = p.category_id
         group by p.product_id, c.id, c.slug, c.depth
    )
    select p.id, p.slug, p.brand, p.tax_class, p.attributes, p.created_at,
           coalesce((select jsonb_agg(jsonb_build_object('language', t.language, 'name', t.name, 'summary', t.summary,
                                                         'description', t.description) order by t.language)
                       from catalog.product_texts t where t.product_id = p.id), '[]'),
           coalesce((select jsonb_agg(jsonb_build_object('id', v.id, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options)
                                      order by v.position, v.id)
                       from catalog.variants v
                      where v.product_id = p.id and v.state in ('active', 'phase_out')), '[]'),
           coalesce((select jsonb_agg(jsonb_build_object('slug', n.slug, 'own', n.own, 'names', n.names)
                                      order by n.position, n.depth, n.slug)
                       from named n where n.product_id = p.id), '[]')
      from catalog.products p
     where p.id = any(product_ids) and p.state in ('active', 'phase_out')
$$;

-- The variants of products that sell, for whoever looks at many products' stock.
create or replace function catalog.selling(product_ids uuid[])
returns table (product_id uuid, variant_id uuid)
language sql stable security definer rows 200
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select v.product_id, v.id
      from catalog.variants v
      join catalog.products p on p.id = v.product_id and p.state in ('active', 'phase_out')
     where v.product_id = any(product_ids) and v.state in ('active', 'phase_out')
$$;

-- The next products that are shown, by id, for whoever walks through all of them.
create or replace function catalog.shown_after(after uuid, at_most integer)
returns table (id uuid)
language sql stable security definer set search_path = '' rows 1000
as $$
    select p.id from catalog.products p
     where p.state in ('active', 'phase_out') and (after is null or p.id > after)
     order by p.id
     limit at_most
$$;

-- Where the categories are now that these addresses name or named; unknown ones are absent. What stands at one now
-- goes before what stood there.
create or replace function catalog.categories_now(slugs text[])
returns table (slug text, present text)
language sql stable security definer rows 20
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select c.slug, c.slug from catalog.categories c where c.slug = any(slugs)
     union all
    select f.slug, c.slug
      from catalog.former_category_slugs f
      join catalog.categories c on c.id = f.category_id
     where f.slug = any(slugs)
       and not exists (select from catalog.categories x where x.slug = f.slug)
$$;

-- Products in these categories and below, whatever their state.
create or replace function catalog.products_below(category_ids uuid[], at_most integer)
returns table (id uuid)
language sql stable security definer rows 1000
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    with recursive below as (
        select c.id from catalog.categories c where c.id = any(category_ids)
        union
        select c.id from catalog.categories c join below b on c.parent_id = b.id
    )
    select distinct pc.product_id
      from catalog.product_categories pc
      join below b on b.id = pc.category_id
     limit at_most
$$;
