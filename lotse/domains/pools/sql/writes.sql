-- Empty pools; their ids are drawn by the table.
-- name: open_pools
insert into pools.pools (on_hand) select 0 from generate_series(1, :count::int) returning id;
