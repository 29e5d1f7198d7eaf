-- A group of words, made or overwritten.
-- name: put_synonyms
insert into search.synonyms (id, shop_id, language, words, one_way, changed_at)
values (:id, :shop_id, :language, :words::text[], :one_way, :at)
on conflict (id) do update
   set language = excluded.language, words = excluded.words, one_way = excluded.one_way, changed_at = excluded.changed_at;

-- What is no synonym any more; the audit keeps it.
-- name: delete_synonyms
delete from search.synonyms where id = :id;

-- From now on what people delete stays deleted.
-- name: begin
insert into search.begun (shop_id, language) values (:shop_id, :language) on conflict do nothing;

-- A rule, made or overwritten.
-- name: put_rule
insert into search.rules (id, shop_id, words, said, category, act, target, name, value, place, reason, valid_from,
                          valid_to, changed_at, changed_by)
values (:id, :shop_id, :words, :said, :category, :act, :target, :name, :value, :place, :reason, :valid_from, :valid_to,
        :at, :by)
on conflict (id) do update
   set words = excluded.words, said = excluded.said, category = excluded.category, act = excluded.act,
       target = excluded.target, name = excluded.name, value = excluded.value, place = excluded.place,
       reason = excluded.reason, valid_from = excluded.valid_from, valid_to = excluded.valid_to,
       changed_at = excluded.changed_at, changed_by = excluded.changed_by;

-- A rule nobody wants any more; the audit keeps it.
-- name: delete_rule
delete from search.rules where id = :id;

-- Counts, added up in processes and written now and then.
-- name: count_asked
insert into search.asked (shop_id, language, words, asked, found, last_at)
select a.shop_id, a.language, a.words, a.asked, a.found, :at
  from unnest(:shop_ids::uuid[], :languages::text[], :words::text[], :counts::bigint[], :founds::bigint[])
       as a (shop_id, language, words, asked, found)
 order by a.shop_id, a.language, a.words -- two processes that write the same words wait and do not deadlock
on conflict (shop_id, language, words) do update
   set asked = asked.asked + excluded.asked, found = excluded.found, last_at = excluded.last_at;

-- What nobody asked for a season long is forgotten, in batches.
-- name: forget_asked
delete from search.asked
 where (shop_id, language, words) in (
     select a.shop_id, a.language, a.words from search.asked a where a.last_at < :before order by a.last_at limit :limit
 );
