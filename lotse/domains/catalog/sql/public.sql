-- What statements of upper domains may ask of the catalogue, always for many at once.
-- Texts come in the language asked for, else in another form of it (de for de-AT), else in English, else in any.

-- Variants with what a basket, an order, a till or a list shows of them.
create or replace function catalog.names(variant_ids uuid[], wanted text)
returns table (id uuid, product_id uuid, slug text, sku text, gtin text, name text, brand text, options jsonb,
               unit text, tax_class text, sellable boolean, media text)
language sql stable security definer set search_path = '' rows 100
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
language sql stable security definer set search_path = '' rows 50
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
language sql stable security definer set search_path = '' rows 50
as $$
    select c.id, c.slug, c.state, c.name, c.summary, c.brand, c.media, c.alt, c.variant_ids
      from catalog.product_cards(product_ids, wanted) c
$$;

-- The product of each variant, with what decides whether it sells and how it is taxed.
create or replace function catalog.products_of(variant_ids uuid[])
returns table (variant_id uuid, product_id uuid, tax_class text, sellable boolean)
language sql stable security definer set search_path = '' rows 100
as $$
    select v.id, p.id, p.tax_class, p.state in ('active', 'phase_out') and v.state in ('active', 'phase_out')
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
