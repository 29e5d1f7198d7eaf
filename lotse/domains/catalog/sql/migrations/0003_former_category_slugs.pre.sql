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
