-- Which tables live in months: partitioned by range on one UUID column.
-- name: tables
select format('%I.%I', n.nspname, c.relname) as name
  from pg_catalog.pg_partitioned_table p
  join pg_catalog.pg_class c on c.oid = p.partrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
 where p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'pg_catalog.uuid'::regtype
 order by 1;

-- Takes no lock that a reader or writer of the table feels, see the function.
-- name: ensure_month
select kernel.ensure_month(:parent::text::regclass, :at);
