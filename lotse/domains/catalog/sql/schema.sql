-- Products, variants, texts, pictures and the category tree.

create schema catalog;

create table catalog.products (
    id uuid not null,
    slug text not null,
    state text not null,
    brand text not null default '',
    -- A class of the tax domain, which stands above: hence a word and no foreign key.
    tax_class text not null,
    attributes jsonb not null default '{}',
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- Which product takes its place once it is archived.
    successor_id uuid,
    constraint products_pkey primary key (id),
    -- A slug is an address.
    constraint products_slug_unique unique (slug),
    constraint products_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) <= 120),
    constraint products_state_known check (state in ('draft', 'active', 'phase_out', 'archived')),
    constraint products_tax_class_form check (tax_class ~ '^[a-z][a-z0-9_]{0,31}$'),
    constraint products_brand_length check (char_length(brand) <= 100),
    constraint products_attributes_object check (jsonb_typeof(attributes) = 'object'),
    constraint products_successor foreign key (successor_id) references catalog.products (id),
    constraint products_successor_other check (successor_id <> id)
);
-- The foreign key's own look-up.
create index products_successor_id on catalog.products (successor_id) where successor_id is not null;
-- Pages and the back office list by state, newest first.
create index products_state on catalog.products (state, id desc);

-- Where a product used to be found: old links and print must not break.
create table catalog.former_slugs (
    slug text not null,
    product_id uuid not null,
    constraint former_slugs_pkey primary key (slug),
    constraint former_slugs_product foreign key (product_id) references catalog.products (id) on delete cascade
);
-- The foreign key's own look-up.
create index former_slugs_product_id on catalog.former_slugs (product_id);

create table catalog.product_texts (
    product_id uuid not null,
    language text not null,
    name text not null,
    summary text not null default '',
    description text not null default '',
    -- For the simple search, which needs no service; 'simple' because one column holds every language.
    words tsvector not null generated always as (to_tsvector('simple', name || ' ' || summary)) stored,
    constraint product_texts_pkey primary key (product_id, language),
    constraint product_texts_product foreign key (product_id) references catalog.products (id) on delete cascade,
    -- BCP 47, as far as shops use it.
    constraint product_texts_language_form check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    constraint product_texts_name_length check (char_length(name) between 1 and 300),
    constraint product_texts_summary_length check (char_length(summary) <= 2000),
    constraint product_texts_description_length check (char_length(description) <= 50000)
);
-- The simple search: any word of name or summary by its beginning.
create index product_texts_words on catalog.product_texts using gin (words);

create table catalog.variants (
    id uuid not null,
    product_id uuid not null,
    sku text not null,
    gtin text,
    options jsonb not null default '{}',
    unit text not null default 'piece',
    position integer not null default 0,
    state text not null,
    constraint variants_pkey primary key (id),
    -- A SKU is how everybody outside names a variant; it never moves to another product.
    constraint variants_sku_unique unique (sku),
    constraint variants_sku_length check (char_length(sku) between 1 and 64 and sku = btrim(sku)),
    constraint variants_product foreign key (product_id) references catalog.products (id),
    -- Check digits are the command's job; this keeps what scanners send comparable.
    constraint variants_gtin_form check (gtin ~ '^[0-9]{8}$|^[0-9]{12,14}$'),
    constraint variants_unit_known check (unit in ('piece', 'g', 'mm', 'ml')),
    constraint variants_state_known check (state in ('draft', 'active', 'phase_out', 'archived')),
    constraint variants_options_object check (jsonb_typeof(options) = 'object')
);
-- 012345678905 and 0012345678905 are the same GTIN (GS1: right-justified in 14 digits), and it names one variant.
create unique index variants_gtin_unique on catalog.variants (lpad(gtin, 14, '0')) where gtin is not null;
-- A product page reads its variants.
create index variants_product_id on catalog.variants (product_id, position);
-- The back office and the simple search find a SKU by its beginning.
create index variants_sku_prefix on catalog.variants (lower(sku) text_pattern_ops);

-- The tree has no cycles by constraint: a node's depth is its parent's plus one, moves cascade to what is below, and a
-- cycle would climb until categories_depth_limit stops it. Also two moves at the same moment cannot make one.
create table catalog.categories (
    id uuid not null,
    parent_id uuid,
    parent_depth integer,
    depth integer not null generated always as (coalesce(parent_depth + 1, 0)) stored,
    slug text not null,
    position integer not null default 0,
    constraint categories_pkey primary key (id),
    constraint categories_id_depth_unique unique (id, depth),
    constraint categories_parent foreign key (parent_id, parent_depth)
        references catalog.categories (id, depth) on update cascade,
    -- Both or none: otherwise the foreign key would not look.
    constraint categories_parent_whole check ((parent_id is null) = (parent_depth is null)),
    -- Nobody browses ten levels down; and it ends a cycle.
    constraint categories_depth_limit check (depth < 10),
    -- A slug is an address.
    constraint categories_slug_unique unique (slug),
    constraint categories_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) <= 120)
);
-- A page shows the children in their order.
create index categories_parent_id on catalog.categories (parent_id, position);

-- Where a category used to be found, as for products; the address of one that was removed leads to the one that was above.
create table catalog.former_category_slugs (
    slug text not null,
    category_id uuid not null,
    constraint former_category_slugs_pkey primary key (slug),
    constraint former_category_slugs_category
        foreign key (category_id) references catalog.categories (id) on delete cascade
);
-- The foreign key's own look-up.
create index former_category_slugs_category_id on catalog.former_category_slugs (category_id);

create table catalog.category_texts (
    category_id uuid not null,
    language text not null,
    name text not null,
    description text not null default '',
    constraint category_texts_pkey primary key (category_id, language),
    constraint category_texts_category foreign key (category_id) references catalog.categories (id) on delete cascade,
    constraint category_texts_language_form check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    constraint category_texts_name_length check (char_length(name) between 1 and 200),
    constraint category_texts_description_length check (char_length(description) <= 10000)
);

create table catalog.product_categories (
    product_id uuid not null,
    category_id uuid not null,
    -- The first one (lowest) is the home of the product: its breadcrumb.
    position integer not null default 0,
    constraint product_categories_pkey primary key (product_id, category_id),
    constraint product_categories_product foreign key (product_id) references catalog.products (id) on delete cascade,
    constraint product_categories_category foreign key (category_id) references catalog.categories (id)
);
-- A category page reads its products, newest first.
create index product_categories_category_id on catalog.product_categories (category_id, product_id desc);

create table catalog.pictures (
    product_id uuid not null,
    position integer not null,
    -- The name in the library: the file's hash, its size in pixels, its ending.
    media text not null,
    colour text,
    alt jsonb not null default '{}',
    constraint pictures_pkey primary key (product_id, position),
    constraint pictures_product foreign key (product_id) references catalog.products (id) on delete cascade,
    constraint pictures_media_length check (char_length(media) between 1 and 500),
    constraint pictures_alt_object check (jsonb_typeof(alt) = 'object'),
    -- What is shown is there; nothing that is shown is swept.
    constraint pictures_media foreign key (media) references kernel.media (name)
);
-- The foreign key's own look-up, and the sweep's question which media are used.
create index pictures_media on catalog.pictures (media);
