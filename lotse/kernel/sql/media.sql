-- A file that came before is known by its hash as it came.
-- name: by_upload
select m.* from kernel.media m join kernel.media_uploads u on u.media = m.name where u.sha256 = :sha256;

-- Of these, those that are there; in no order.
-- name: by_names
select m.* from kernel.media m where m.name = any(:names::text[]);

-- Held against a sweep that would remove its file, and against another upload of the same, until this transaction ends.
-- name: hold
select pg_advisory_xact_lock(hashtextextended(:name, 0));

-- Locked before it is judged: what somebody saw must still be there.
-- name: for_change
select m.* from kernel.media m where m.name = :name for update;

-- The same content again is the same row, wanted again; what was said about it stays.
-- name: put_media
insert into kernel.media as m (name, kind, media_type, size, width, height, title, alt, kept, source_url,
                               created_at, created_by, changed_at)
select n.name, n.kind, n.media_type, n.size, n.width, n.height, n.title, n.alt, n.kept, n.source_url, :at, :by, :at
  from jsonb_to_recordset(:media::jsonb)
       as n (name text, kind text, media_type text, size bigint, width integer, height integer, title text, alt jsonb,
             kept boolean, source_url text)
on conflict (name) do update
   set unused_since = null, kept = m.kept or excluded.kept
returning new.*, old.name is null as made;

-- Two uploads of the same file say the same.
-- name: put_uploads
insert into kernel.media_uploads (sha256, media)
select * from unnest(:sha256s::bytea[], :names::text[])
on conflict (sha256) do nothing;

-- What staff say about it.
-- name: describe
update kernel.media
   set title = :title, alt = :alt, focal_x = :focal_x, focal_y = :focal_y, changed_at = :at
 where name = :name
returning *;

-- The library, newest first; words are sought in the file's name and in what it shows, in every language.
-- name: listed
select m.* from kernel.media m
 where (:kind::text is null or m.kind = :kind)
   and (:words = '' or position(lower(:words) in lower(m.title || ' ' || m.alt::text)) > 0)
   and (:lacking::text is null or (m.kind <> 'document' and coalesce(m.alt ->> :lacking, '') = ''))
   and (:unused::boolean is null or (m.unused_since is not null) = :unused)
   and (:after_at::timestamptz is null or (m.created_at, m.name) < (:after_at, :after_name::text))
 order by m.created_at desc, m.name desc
 limit :limit;

-- How much there is, for the head of the library.
-- name: totals
select count(*) as media, coalesce(sum(size), 0)::bigint as size,
       count(*) filter (where unused_since is not null) as unused
  from kernel.media;

-- A piece of the whole, by name, for the sweep; what is young may be about to be used.
-- name: sweep_names
select name from kernel.media where name > :after and not kept and created_at < :before order by name limit :limit;

-- Those that something refers to are wanted, the others begin to wait or go on waiting.
-- name: note_unused
update kernel.media
   set unused_since = case when name = any(:used::text[]) then null else coalesce(unused_since, :at) end
 where name = any(:names::text[])
   and (unused_since is null) <> (name = any(:used::text[]));

-- What has waited long enough.
-- name: to_remove
select name from kernel.media where unused_since < :before and not kept order by unused_since limit :limit;

-- The foreign keys of whoever refers to it have the last word.
-- name: remove
delete from kernel.media where name = :name and (:before::timestamptz is null or unused_since < :before);

-- Every row, for the comparison with the store.
-- name: every
select name, size, kind from kernel.media order by name;

-- A list of addresses to fetch.
-- name: want
insert into kernel.media_fetches (batch_id, position, url, asked_by, asked_at)
select :batch_id, u.position - 1, u.url, :by, :at
  from unnest(:urls::text[]) with ordinality as u (url, position);

-- The next address of a list, for the one job that works on it.
-- name: next_wanted
select position, url, tries, asked_by
  from kernel.media_fetches
 where batch_id = :batch_id and state = 'wanted'
 order by tries, position
 limit 1;

-- What became of it.
-- name: note_fetch
update kernel.media_fetches
   set state = :state, media = :media, problem = :problem, tries = tries + 1,
       done_at = case when :state = 'wanted' then null else :at::timestamptz end
 where batch_id = :batch_id and position = :position;

-- A list with what became of each.
-- name: fetches
select batch_id, position, url, state, media, problem
  from kernel.media_fetches where batch_id = :batch_id and position > :after order by position limit :limit;

-- The lists of the last days in figures.
-- name: batches
select batch_id, min(asked_at) as asked_at, count(*) as total, count(*) filter (where state = 'done') as done,
       count(*) filter (where state = 'failed') as failed
  from kernel.media_fetches group by batch_id order by min(asked_at) desc limit :limit;

-- Lists whose end was looked at long ago.
-- name: sweep_fetches
delete from kernel.media_fetches f
 where f.ctid = any(array(select ctid from kernel.media_fetches where asked_at < :before and state <> 'wanted' limit :limit));
