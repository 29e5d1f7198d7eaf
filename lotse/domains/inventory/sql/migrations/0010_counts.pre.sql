-- The latest count of a pool: a figure of an earlier moment that comes later would undo what the later one found.
create table inventory.counts (
    pool_id bigint not null,
    counted_at timestamptz not null,
    quantity bigint not null,
    recorded_at timestamptz not null,
    recorded_by text not null,
    constraint counts_pkey primary key (pool_id),
    constraint counts_quantity_not_negative check (quantity >= 0)
) with (fillfactor = 80);
