-- What a page shows at a moment, in a language or the shop's own; the youngest publication that holds.
-- name: shown
select p.id as page_id, p.slug, v.id as version_id, v.language, v.title, v.description, v.blocks
  from content.pages p
 cross join lateral unnest(:languages::text[]) with ordinality as wanted (language, place)
 cross join lateral (
       select pub.version_id
         from content.publications pub
        where pub.page_id = p.id and pub.language = wanted.language and pub.valid_from <= :at
          and (pub.valid_until is null or pub.valid_until > :at)
        order by pub.valid_from desc, pub.id desc
        limit 1
      ) holding
  join content.versions v on v.id = holding.version_id
 where p.shop_id = :shop_id and p.slug = :slug
 order by wanted.place
 limit 1;

-- The languages that a page is shown in, and when the next publication begins or ends: until then it may be kept.
-- name: validity
select min(edge.moment) filter (where edge.moment > :at) as until,
       coalesce(
         array_agg(distinct pub.language) filter (
           where pub.valid_from <= :at and (pub.valid_until is null or pub.valid_until > :at)
         ),
         '{}'
       ) as languages
  from content.publications pub
 cross join lateral (values (pub.valid_from), (pub.valid_until)) as edge (moment)
 where pub.page_id = :page_id;

-- Every page that is shown now in one of these languages: for the site map, menus and lists of links.
-- name: listed
select p.slug,
       (array_agg(v.language order by wanted.place))[1] as language,
       (array_agg(v.title order by wanted.place))[1] as title,
       (array_agg(v.description order by wanted.place))[1] as description,
       (array_agg(v.made_at order by wanted.place))[1] as made_at,
       array_agg(v.language order by wanted.place) as languages
  from content.pages p
 cross join lateral unnest(:languages::text[]) with ordinality as wanted (language, place)
 cross join lateral (
       select pub.version_id
         from content.publications pub
        where pub.page_id = p.id and pub.language = wanted.language and pub.valid_from <= :at
          and (pub.valid_until is null or pub.valid_until > :at)
        order by pub.valid_from desc, pub.id desc
        limit 1
      ) holding
  join content.versions v on v.id = holding.version_id
 where p.shop_id = :shop_id
 group by p.id
 order by p.id
 limit 1000;

-- One page.
-- name: page
select id, shop_id, slug, created_by, created_at from content.pages where id = :page_id;

-- One page, held: two people who publish or rename it wait for each other.
-- name: hold_page
select id, shop_id, slug, created_by, created_at from content.pages where id = :page_id for update;

-- A page by its address.
-- name: page_at
select id, shop_id, slug, created_by, created_at from content.pages where shop_id = :shop_id and slug = :slug;

-- For rights: whose a page is.
-- name: whose
select shop_id as shop from content.pages where id = :page_id;

-- What is being written.
-- name: draft
select page_id, language, title, description, blocks, changed_by, changed_at
  from content.drafts
 where page_id = :page_id and language = :language;

-- A page's versions in a language with when each was last shown, the newest first.
-- name: versions
select v.id, v.page_id, v.language, v.title, v.description, v.blocks, v.made_by, v.made_at
  from content.versions v
 where v.page_id = :page_id and v.language = :language
 order by v.id desc
 limit :limit;

-- One version.
-- name: version
select id, page_id, language, title, description, blocks, made_by, made_at from content.versions where id = :version_id;

-- What is planned and what holds, the latest beginning first.
-- name: publications
select id, page_id, language, version_id, valid_from, valid_until, published_by, published_at
  from content.publications
 where page_id = :page_id and language = :language
 order by valid_from desc, id desc
 limit 50;

-- The back office's list of pages.
-- name: page_table
select p.id, p.slug, p.created_at,
       coalesce((select d.title from content.drafts d where d.page_id = p.id order by d.changed_at desc limit 1), p.slug) as title,
       array(select d.language from content.drafts d where d.page_id = p.id order by d.language) as drafted,
       array(
           select distinct pub.language from content.publications pub
            where pub.page_id = p.id and pub.version_id is not null and pub.valid_from <= :at
              and (pub.valid_until is null or pub.valid_until > :at)
       ) as shown,
       (select max(d.changed_at) from content.drafts d where d.page_id = p.id) as changed_at
  from content.pages p
 where p.shop_id = :shop_id;

-- The menus of a shop in a language.
-- name: menus
select place, language, items from content.menus where shop_id = :shop_id and language = any (:languages::text[]);

-- Where a path leads.
-- name: redirect_at
select id, shop_id, path, target, status, made_by, made_at from content.redirects where shop_id = :shop_id and path = :path;

-- One redirect.
-- name: redirect
select id, shop_id, path, target, status, made_by, made_at from content.redirects where id = :redirect_id;

-- Where one gets from a path by following redirects, at most so many: a circle is seen by meeting where one began.
-- name: way_from
with recursive way as (
    select r.path, r.target, 1 as steps from content.redirects r where r.shop_id = :shop_id and r.path = :path
    union all
    select r.path, r.target, way.steps + 1
      from way join content.redirects r on r.shop_id = :shop_id and r.path = way.target
     where way.steps < :most
)
select target from way where target is not null order by steps;

-- The back office's list of redirects.
-- name: redirect_table
select id, path, target, status, made_at from content.redirects where shop_id = :shop_id;

-- The work list of lost paths.
-- name: lost_table
select id, path, asked, referrer_host, first_at, last_at, ignored from content.lost_paths where shop_id = :shop_id;

-- One lost path.
-- name: lost
select id, path, asked, referrer_host, first_at, last_at, ignored from content.lost_paths where id = :lost_id and shop_id = :shop_id;

-- Media that some draft or version shows.
-- name: used_media_of_content
select distinct name
  from (select jsonb_path_query(blocks, '$[*].media') #>> '{}' as name from content.drafts
        union all
        select jsonb_path_query(blocks, '$[*].media') #>> '{}' from content.versions) shown
 where name = any (:names::text[]);
