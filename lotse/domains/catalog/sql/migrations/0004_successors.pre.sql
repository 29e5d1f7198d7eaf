-- Which product takes its place once it is archived.
alter table catalog.products
    add column successor_id uuid,
    add constraint products_successor foreign key (successor_id) references catalog.products (id),
    add constraint products_successor_other check (successor_id <> id);
-- The foreign key's own look-up.
create index products_successor_id on catalog.products (successor_id) where successor_id is not null;
