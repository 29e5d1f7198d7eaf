-- The record stays (who, when, what kind of thing); what it said about the person goes.
-- name: blank_changes
select kernel.blank_audit(:subjects::text[]);

-- Which columns hold what must be erasable, by the class that their comment names.
-- name: retained_columns
select n.nspname as schema, c.relname as table, a.attname as column,
       substring(col_description(c.oid, a.attnum) from '^retention: ([a-z_]+)') as class
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where c.relkind in ('r', 'p') and not c.relispartition
   and col_description(c.oid, a.attnum) like 'retention: %'
 order by 1, 2, a.attnum;
