-- A new page.
-- name: add_page
insert into content.pages (id, shop_id, slug, created_by, created_at) values (:id, :shop_id, :slug, :by, :at);

-- Another address.
-- name: rename
update content.pages set slug = :slug where id = :page_id;

-- What is being written.
-- name: put_draft
insert into content.drafts (page_id, language, title, description, blocks, changed_by, changed_at)
values (:page_id, :language, :title, :description, :blocks, :by, :at)
on conflict (page_id, language) do update
   set title = excluded.title, description = excluded.description, blocks = excluded.blocks,
       changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- A draft as it is published.
-- name: add_version
insert into content.versions (id, page_id, language, title, description, blocks, made_by, made_at)
values (:id, :page_id, :language, :title, :description, :blocks, :by, :at);

-- From when to when a version is shown.
-- name: publish
insert into content.publications (id, page_id, language, version_id, valid_from, valid_until, published_by, published_at)
values (:id, :page_id, :language, :version_id, :valid_from, :valid_until, :by, :at);

-- What was planned and has not begun is taken back.
-- name: withdraw_publication
delete from content.publications where id = :publication_id and page_id = :page_id and valid_from > :at;

-- Links of head or foot.
-- name: put_menu
insert into content.menus (shop_id, place, language, items, changed_by, changed_at)
values (:shop_id, :place, :language, :items, :by, :at)
on conflict (shop_id, place, language) do update
   set items = excluded.items, changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- Everybody who changes redirects of a shop waits here, so that two together make no circle.
-- name: lock_redirects
select pg_advisory_xact_lock(hashtextextended('content.redirects:' || :shop_id::uuid::text, 0));

-- Where a path leads from now on.
-- name: put_redirect
insert into content.redirects (id, shop_id, path, target, status, made_by, made_at)
values (:id, :shop_id, :path, :target, :status, :by, :at)
on conflict on constraint redirects_path do update
   set target = excluded.target, status = excluded.status, made_by = excluded.made_by, made_at = excluded.made_at;

-- It leads nowhere any more.
-- name: remove_redirect
delete from content.redirects where shop_id = :shop_id and path = :path;

-- Paths that visitors asked for in vain, counted in a process and added up here; new ones only while there is room.
-- name: note_lost
insert into content.lost_paths (id, shop_id, path, asked, referrer_host, first_at, last_at)
select given.id, :shop_id, given.path, given.asked, given.referrer_host, :at, :at
  from unnest(:ids::uuid[], :paths::text[], :asked::bigint[], :hosts::text[]) as given (id, path, asked, referrer_host)
 where (select count(*) from content.lost_paths l where l.shop_id = :shop_id) < :most
    or exists (select 1 from content.lost_paths l where l.shop_id = :shop_id and l.path = given.path)
on conflict on constraint lost_paths_path do update
   set asked = content.lost_paths.asked + excluded.asked, last_at = excluded.last_at,
       referrer_host = case when excluded.referrer_host <> '' then excluded.referrer_host
                            else content.lost_paths.referrer_host end;

-- It leads somewhere now, or does not matter.
-- name: settle_lost
delete from content.lost_paths where shop_id = :shop_id and path = :path;

-- Somebody looked and said that it does not matter.
-- name: ignore_lost
update content.lost_paths set ignored = true where id = :lost_id and shop_id = :shop_id;

-- Nobody asked for it any more for a long time.
-- name: sweep_lost
delete from content.lost_paths where id in (
    select id from content.lost_paths where last_at < :before limit :limit
);
