-- What the filters of the table of orders need over millions of them.
-- Orders of a channel that few come by. Block ranges that know which channels occur in them: as cheap for an insert.
create index orders_channel on orders.orders using brin (channel text_bloom_ops)
with (pages_per_range = 32, autosummarize = on);
-- "Somebody paid 249.90": nothing else leads to an amount among millions. Prices are few, so the entries of an amount
-- share a page, and an insert finds that page in memory.
create index orders_gross_minor on orders.orders (gross_minor);
-- Orders that were told long after they were placed: their ids do not tell their time, those of all others do. None in
-- most shops; an insert only pays for looking.
create index orders_told_late on orders.orders (id)
where uuid_extract_timestamp(id) - placed_at > interval '24:00:00';
