-- Everything that is shown, as rules look at it.
-- name: things
select p.id, p.brand, p.attributes,
       coalesce((select string_agg(t.name, ' / ' order by t.language)
                   from catalog.product_texts t where t.product_id = p.id), '') as name,
       coalesce((select string_agg(t.summary || ' ' || t.description, ' / ' order by t.language)
                   from catalog.product_texts t where t.product_id = p.id), '') as text,
       array(select c.slug from catalog.product_categories pc join catalog.categories c on c.id = pc.category_id
              where pc.product_id = p.id) as categories,
       coalesce((select jsonb_agg(v.options) from catalog.variants v where v.product_id = p.id), '[]') as options
  from catalog.products p
 where p.state in ('active', 'phase_out');

-- PostgreSQL full text at its best: a vector per language, in that language's configuration, the name above brand and
-- categories above values above the description. Of the session only.
-- name: begin_fulltext
create temporary table bench_words as
select p.id,
       coalesce((select setweight(to_tsvector('german', t.name), 'A') || setweight(to_tsvector('german', p.brand), 'B')
                        || setweight(to_tsvector('german', n.names), 'B') || setweight(to_tsvector('german', o.said), 'C')
                        || setweight(to_tsvector('german', t.summary || ' ' || t.description), 'D')
                   from catalog.product_texts t where t.product_id = p.id and t.language = 'de'), '') as de,
       coalesce((select setweight(to_tsvector('english', t.name), 'A') || setweight(to_tsvector('english', p.brand), 'B')
                        || setweight(to_tsvector('english', n.names), 'B') || setweight(to_tsvector('english', o.said), 'C')
                        || setweight(to_tsvector('english', t.summary || ' ' || t.description), 'D')
                   from catalog.product_texts t where t.product_id = p.id and t.language = 'en'), '') as en
  from catalog.products p
 cross join lateral (
       select coalesce(string_agg(ct.name, ' '), '') as names
         from catalog.product_categories pc join catalog.category_texts ct on ct.category_id = pc.category_id
        where pc.product_id = p.id
       ) n
 cross join lateral (
       select coalesce((select string_agg(x.value, ' ') from catalog.variants v, jsonb_each_text(v.options) x
                         where v.product_id = p.id), '')
              || ' ' || coalesce((select string_agg(x.value, ' ') from jsonb_each_text(p.attributes) x
                                   where x.key not in ('manufacturer', 'care', 'derived', 'source')), '') as said
       ) o
 where p.state in ('active', 'phase_out');

-- All words.
-- name: fulltext_all
select id from bench_words,
       websearch_to_tsquery('german', :words) as german, websearch_to_tsquery('english', :words) as english
 where de @@ german or en @@ english
 order by greatest(ts_rank(de, german, 1), ts_rank(en, english, 1)) desc, id
 limit :limit;

-- Any of the words, for when no article has all.
-- name: fulltext_any
select id from bench_words,
       (select replace(plainto_tsquery('german', :words)::text, '&', '|')::tsquery as german,
               replace(plainto_tsquery('english', :words)::text, '&', '|')::tsquery as english) q
 where de @@ german or en @@ english
 order by greatest(ts_rank(de, german, 1), ts_rank(en, english, 1)) desc, id
 limit :limit;
