-- Who has the say over the fields of a kind, where it is not Lotse by default.
-- name: masters
select kind, field, master, changed_at, changed_by
  from kernel.field_masters
 where :kind::text is null or kind = :kind
 order by kind, field;

-- Give a field to a master.
-- name: set_master
insert into kernel.field_masters (kind, field, master, changed_at, changed_by)
values (:kind, :field, :master, :at, :by)
on conflict (kind, field) do update
   set master = excluded.master, changed_at = excluded.changed_at, changed_by = excluded.changed_by;

-- Back to what holds without a row.
-- name: unset_master
delete from kernel.field_masters where kind = :kind and field = :field;

-- A difference seen (again). What was decided to be kept stays decided until they say something else; what they said
-- before and is ours by now has agreed.
-- name: put_differences
insert into kernel.differences as d (id, kind, key, field, source, ours, theirs, row, options, seen_at)
select n.id, :kind, n.key, n.field, :source, n.ours, n.theirs, n.row, :options, :at
  from jsonb_to_recordset(:differences::jsonb)
       as n (id uuid, key text, field text, ours jsonb, theirs jsonb, row jsonb)
 order by n.key, n.field
on conflict (kind, key, field, source) do update
   set ours = excluded.ours, theirs = excluded.theirs, row = excluded.row, options = excluded.options,
       seen_at = excluded.seen_at,
       state = case when d.state = 'kept' and d.theirs = excluded.theirs then 'kept' else 'open' end,
       decided_at = case when d.state = 'kept' and d.theirs = excluded.theirs then d.decided_at end,
       decided_by = case when d.state = 'kept' and d.theirs = excluded.theirs then d.decided_by end;

-- They say what we have: nothing is left to decide.
-- name: agree
update kernel.differences
   set state = 'agreed', decided_at = :at, decided_by = null
 where kind = :kind and source = :source and state in ('open', 'kept')
   and (key, field) in (select n.key, n.field from unnest(:keys::text[], :fields::text[]) as n (key, field));

-- A page of the work list, the newest first.
-- name: differences
select id, kind, key, field, source, ours, theirs, row, options, state, seen_at, decided_at, decided_by
  from kernel.differences
 where state = :state and (:before::uuid is null or id < :before) and (:kind::text is null or kind = :kind)
   and (:source::text is null or source = :source) and (:field::text is null or field = :field)
 order by id desc
 limit :limit;

-- All differences, open and decided, as a table.
-- name: difference_table
select id, kind, key, field, source, ours, theirs, state, seen_at, decided_at, decided_by from kernel.differences;

-- Some of them, as they stand now.
-- name: differences_now
select id, kind, key, field, source, ours, theirs, state, seen_at, decided_at, decided_by
  from kernel.differences
 where id = any (:ids::uuid[]);

-- What was decided by mistake is open again.
-- name: reopen
update kernel.differences
   set state = 'open', decided_at = null, decided_by = null
 where id = any (:ids::uuid[]) and state = 'kept';

-- Held by who decides about them.
-- name: hold_differences
select id, kind, key, field, source, ours, theirs, row, options, state, seen_at, decided_at, decided_by
  from kernel.differences
 where id = any (:ids::uuid[])
 order by id
   for update;

-- Decided by a person.
-- name: decide
update kernel.differences
   set state = :state, decided_at = :at, decided_by = :by
 where id = any (:ids::uuid[]) and state = 'open';

-- How many are open, by kind and source.
-- name: open_counts
select kind, source, count(*) as differences from kernel.differences where state = 'open' group by kind, source;
