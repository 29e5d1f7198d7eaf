-- The colour and size that was chosen; null where nothing was.
alter table customers.wishes add column variant_id uuid;
alter table customers.wishes
    add constraint wishes_variant foreign key (variant_id) references catalog.variants (id) on delete cascade;
-- One in two sizes is two wishes.
alter table customers.wishes
    add constraint wishes_once unique nulls not distinct (list_id, product_id, variant_id);
-- The foreign key's own look-up.
create index wishes_variant_id on customers.wishes (variant_id);
