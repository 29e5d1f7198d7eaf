-- What a shop says beside its goods.
create schema content;

-- A page by its address; the first page of a shop is `home`.
create table content.pages (
    id uuid not null primary key,
    shop_id uuid not null,
    slug text not null,
    created_by text not null,
    created_at timestamptz not null,
    -- Two pages cannot answer at one address.
    constraint pages_address unique (shop_id, slug),
    constraint pages_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) <= 80)
);

-- What staff are writing, one per page and language.
create table content.drafts (
    page_id uuid not null references content.pages (id) on delete cascade,
    language text not null,
    title text not null,
    description text not null,
    blocks jsonb not null,
    changed_by text not null,
    changed_at timestamptz not null,
    constraint drafts_pkey primary key (page_id, language),
    constraint drafts_blocks_list check (jsonb_typeof(blocks) = 'array')
);

-- Drafts as they were published; never changed.
create table content.versions (
    id uuid not null primary key,
    page_id uuid not null references content.pages (id) on delete cascade,
    language text not null,
    title text not null,
    description text not null,
    blocks jsonb not null,
    made_by text not null,
    made_at timestamptz not null,
    constraint versions_blocks_list check (jsonb_typeof(blocks) = 'array')
);
-- The list of a page's versions.
create index versions_page on content.versions (page_id, language, id desc);

-- What is shown when: of those that hold, the one that began last.
create table content.publications (
    id uuid not null primary key,
    page_id uuid not null references content.pages (id) on delete cascade,
    language text not null,
    -- Null: from here on the page is not shown in this language.
    version_id uuid references content.versions (id),
    valid_from timestamptz not null,
    valid_until timestamptz,
    published_by text not null,
    published_at timestamptz not null,
    constraint publications_end_after_begin check (valid_until is null or valid_until > valid_from)
);
-- What holds now, for every page that is shown.
create index publications_page on content.publications (page_id, language, valid_from desc, id desc);
-- The foreign key's own look-up.
create index publications_version on content.publications (version_id) where version_id is not null;

-- Links of head and foot; none: what comes with Lotse.
create table content.menus (
    shop_id uuid not null,
    place text not null,
    language text not null,
    items jsonb not null,
    changed_by text not null,
    changed_at timestamptz not null,
    constraint menus_pkey primary key (shop_id, place, language),
    constraint menus_place_known check (place in ('header', 'footer')),
    constraint menus_items_list check (jsonb_typeof(items) = 'array')
);

-- Where paths lead that are no pages any more.
create table content.redirects (
    id uuid not null primary key,
    shop_id uuid not null,
    -- Without language and query, in small letters.
    path text not null,
    -- Null: gone for good.
    target text,
    status smallint not null,
    made_by text not null,
    made_at timestamptz not null,
    constraint redirects_path unique (shop_id, path),
    constraint redirects_status_known check (status in (301, 302, 410)),
    constraint redirects_target_unless_gone check ((status = 410) = (target is null)),
    constraint redirects_not_to_itself check (target is null or target <> path),
    constraint redirects_path_form check (path ~ '^/[^?#[:space:]]*$' and char_length(path) <= 300),
    constraint redirects_target_form check (target ~ '^(/[^/\\]|/$|https://)' and char_length(target) <= 500)
);
-- Circles are looked for from the target on.
create index redirects_target on content.redirects (shop_id, target) where target is not null;

-- Paths that visitors asked for in vain. Nothing about the visitors.
create table content.lost_paths (
    id uuid not null primary key,
    shop_id uuid not null,
    path text not null,
    asked bigint not null,
    -- Host of the page that linked here last; empty: none said so.
    referrer_host text not null default '',
    first_at timestamptz not null,
    last_at timestamptz not null,
    -- Somebody looked and said that it does not matter.
    ignored boolean not null default false,
    constraint lost_paths_path unique (shop_id, path),
    constraint lost_paths_asked_positive check (asked > 0)
);
-- The work list: what is asked for most first.
create index lost_paths_asked on content.lost_paths (shop_id, asked desc, id desc) where not ignored;
