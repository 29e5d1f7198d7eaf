-- A table's views for one person: their own, and what others share. By name, as the tabs stand.
-- name: views
select id, name, query, owner, shared, created_at
from kernel.office_views
where table_name = :table_name and (owner = :owner or shared)
order by lower(name), id
limit :limit;

-- One's own view of the same name is replaced. Nothing comes back when the owner has too many already.
-- name: save_view
insert into kernel.office_views (id, table_name, owner, name, query, shared, created_at)
select :id, :table_name, :owner, :name, :query, :shared, :at
where (
    select count(*) from kernel.office_views v where v.table_name = :table_name and v.owner = :owner and v.name <> :name
) < :limit
on conflict on constraint office_views_name_unique
do update set query = excluded.query, shared = excluded.shared
returning id;

-- Only its owner takes a view away.
-- name: remove_view
delete from kernel.office_views where id = :id and table_name = :table_name and owner = :owner;

-- A change of many rows begins.
-- name: begin_change
insert into kernel.bulk_changes (id, table_name, action, typed, scope, reason, actor, actor_name, chosen, begun_at)
values (:id, :table_name, :action, :typed, :scope, :reason, :actor, :actor_name, :chosen, :at);

-- The rows that were chosen, or those of a file with what they want.
-- name: give_rows
insert into kernel.bulk_rows (change_id, position, row_id, label, old, new, line, state, refusal, said)
select :change_id, n.position, n.row_id, n.label, n.old, n.new, n.line, n.state, n.refusal, n.said
from jsonb_to_recordset(:rows::jsonb) as n (
    position integer, row_id uuid, label text, old jsonb, new jsonb, line integer, state text, refusal text, said jsonb
);

-- What is known of a change.
-- name: change
select id, table_name, action, state, typed, scope, reason, actor, actor_name, chosen, changes, refused, same, done,
       failed, undone, undo_failed, begun_at, applied_at, undone_at, undone_by
from kernel.bulk_changes
where id = :id;

-- As above, locked: whoever works on it works alone.
-- name: change_locked
select id, table_name, action, state, typed, scope, reason, actor, actor_name, chosen, changes, refused, same, done,
       failed, undone, undo_failed, begun_at, applied_at, undone_at, undone_by
from kernel.bulk_changes
where id = :id
for update;

-- The changes of a table, the newest first; those that were only looked at are left out.
-- name: changes
select id, table_name, action, state, typed, scope, reason, actor, actor_name, chosen, changes, refused, same, done,
       failed, undone, undo_failed, begun_at, applied_at, undone_at, undone_by
from kernel.bulk_changes
where table_name = :table_name and state not in ('planning', 'planned')
  and (:shop::text is null or scope ->> 'shop' = :shop) and (:actor::text is null or actor = :actor)
order by id desc
limit :limit;

-- Some rows of a change that stand in a state, in order.
-- name: rows_in_state
select position, row_id, label, old, new, line, state, refusal, said
from kernel.bulk_rows
where change_id = :change_id and state = :state
order by position
limit :limit;

-- What became of some rows.
-- name: settle_rows
update kernel.bulk_rows r
set state = n.state, label = n.label, old = n.old, new = n.new, refusal = n.refusal, said = n.said
from jsonb_to_recordset(:rows::jsonb) as n (
    position integer, label text, old jsonb, new jsonb, state text, refusal text, said jsonb
)
where r.change_id = :change_id and r.position = n.position;

-- Rows that stay as they are need not be kept.
-- name: drop_rows
delete from kernel.bulk_rows where change_id = :change_id and position = any(:positions::integer[]);

-- How far it is.
-- name: count_on
update kernel.bulk_changes
set changes = changes + :changes, refused = refused + :refused, same = same + :same, done = done + :done,
    failed = failed + :failed, undone = undone + :undone, undo_failed = undo_failed + :undo_failed
where id = :id;

-- From one state to the next; nobody does it twice.
-- name: move_change
update kernel.bulk_changes
set state = :to_state,
    applied_at = case when :to_state = 'applying' then :at else applied_at end,
    undone_at = case when :to_state = 'undoing' then :at else undone_at end,
    undone_by = case when :to_state = 'undoing' then :by else undone_by end
where id = :id and state = :from_state;

-- What was looked at and never begun.
-- name: sweep_changes
delete from kernel.bulk_changes where state in ('planning', 'planned') and begun_at < :before;
