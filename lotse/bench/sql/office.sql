-- What `lotse bench backoffice` puts beside the shop of the other profiles: articles with a price and nothing else, set by
-- set. Ids are of now, in the order of their numbers.

-- The drawing board: one row per article that is missing.
-- name: draft
create temporary table bench_articles on commit drop as
select n, uuidv7() as product_id, uuidv7() as variant_id, 'preis-' || lpad(n::text, 6, '0') as slug
from generate_series(:first::integer, :last::integer) as n;

-- name: products
insert into catalog.products (id, slug, state, brand, tax_class, created_at, changed_at)
select product_id, slug, 'active', 'Messhaus', 'standard', now(), now() from bench_articles order by product_id;

-- name: texts
insert into catalog.product_texts (product_id, language, name)
select product_id, 'de', 'Preisartikel ' || lpad(n::text, 6, '0') from bench_articles order by product_id;

-- name: variants
insert into catalog.variants (id, product_id, sku, state)
select variant_id, product_id, upper(slug), 'active' from bench_articles order by variant_id;

-- Between 5.00 and 204.99, two prices each: the table shows the later one.
-- name: prices
insert into pricing.prices (
    id, shop_id, variant_id, currency, unit_price, gross, valid_from, recorded_at, changed_by, reason
)
select uuidv7(), :shop_id, variant_id, 'EUR', 5 + (n * 7919 + past * 31) % 20000 / 100.0, true,
    now() - past * interval '40 days', now() - past * interval '40 days', 'bench', ''
from bench_articles
cross join generate_series(0, 1) as past
order by variant_id;

-- Otherwise the first pages would be planned for empty tables.
-- name: analyze
analyze;

-- Some order numbers to look for, from all over the history.
-- name: numbers
select number from orders.orders tablesample bernoulli (0.1) limit 500;
