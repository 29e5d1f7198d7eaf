-- A file that is about to come in. One with a key that is known is not made again.
-- name: add_import
insert into kernel.imports (id, kind, name, format, source, options, dry_run, actor, created_at, request_key)
values (:id, :kind, :name, :format, :source, :options, :dry_run, :actor, :at, :request_key)
on conflict (request_key) where request_key is not null do nothing;

-- What a key stands for, and the file's hash.
-- name: by_key
select id, kind, source, options, dry_run, state, bytes_total, sha256 from kernel.imports where request_key = :request_key;

-- One that was not received as a whole lets go of its key: the next one with it is another.
-- name: forget_key
update kernel.imports set request_key = null where request_key = :request_key and bytes_total = 0 and state = 'failed';

-- The next piece of the file.
-- name: add_chunk
insert into kernel.import_chunks (import_id, number, body) values (:import_id, :number, :body);

-- All of it is there; from now on a worker may begin.
-- name: received
update kernel.imports set state = 'waiting', bytes_total = :bytes, sha256 = :sha256
 where id = :id and state = 'receiving';

-- One import.
-- name: import_
select id, kind, name, format, source, options, dry_run, state, reason, bytes_total, bytes_done, line, columns, created,
       changed, unchanged, held, refused, actor, created_at, started_at, ended_at
  from kernel.imports
 where id = :id;

-- Whoever runs a batch holds the import: a second worker waits, and then finds the place moved on.
-- name: hold_import
select id, kind, name, format, source, options, dry_run, state, reason, bytes_total, bytes_done, line, columns, created,
       changed, unchanged, held, refused, actor, created_at, started_at, ended_at
  from kernel.imports
 where id = :id
   for update;

-- The list, the newest first.
-- name: imports
select id, kind, name, format, source, options, dry_run, state, reason, bytes_total, bytes_done, line, columns, created,
       changed, unchanged, held, refused, actor, created_at, started_at, ended_at
  from kernel.imports
 where (:before::uuid is null or id < :before) and (:kind::text is null or kind = :kind)
   and (:state::text is null or state = :state)
 order by id desc
 limit :limit;

-- The table of the back office.
-- name: import_table
select id, name, kind, source, dry_run, state, created + changed + unchanged + held + refused as rows,
       created + changed as changed, held, refused, actor, created_at, ended_at
  from kernel.imports;

-- Pieces of a file from a number on.
-- name: chunks
select body from kernel.import_chunks where import_id = :import_id and number >= :number order by number limit :limit;

-- A batch is done: how far, and what became of its rows.
-- name: advance
update kernel.imports
   set state = 'running', started_at = coalesce(started_at, :at), bytes_done = :bytes_done, line = :line,
       columns = :columns, created = created + :created, changed = changed + :changed,
       unchanged = unchanged + :unchanged, held = held + :held, refused = refused + :refused
 where id = :id;

-- It has ended: done, failed with a reason, or cancelled.
-- name: end_import
update kernel.imports set state = :state, reason = :reason, ended_at = :at
 where id = :id and state in ('receiving', 'waiting', 'running');

-- One that failed or was cancelled goes on where it was.
-- name: reopen
update kernel.imports set state = 'waiting', reason = '', ended_at = null
 where id = :id and state in ('failed', 'cancelled') and bytes_total > 0;

-- Refused rows. A batch that is repeated says the same again.
-- name: add_rows
insert into kernel.import_rows (import_id, line, key, field, code, reason, row)
select :import_id, n.line, n.key, n.field, n.code, n.reason, n.row
  from jsonb_to_recordset(:rows::jsonb)
       as n (line integer, key text, field text, code text, reason text, row jsonb)
on conflict (import_id, line) do update
   set key = excluded.key, field = excluded.field, code = excluded.code, reason = excluded.reason, row = excluded.row;

-- A page of refused rows, in the order of the file.
-- name: rows
select line, key, field, code, reason, row
  from kernel.import_rows
 where import_id = :import_id and line > :after
 order by line
 limit :limit;

-- The files and refused rows of imports that ended long ago: they may hold names and addresses. The counts stay.
-- name: sweep_chunks
delete from kernel.import_chunks
 where import_id = any (array(select c.import_id
                                from kernel.import_chunks c
                                join kernel.imports i on i.id = c.import_id
                               where c.number = 0 and coalesce(i.ended_at, i.created_at) < :before
                                 and i.state not in ('waiting', 'running')
                               limit :limit));

-- See above.
-- name: sweep_rows
delete from kernel.import_rows
 where (import_id, line) in (select r.import_id, r.line
                               from kernel.import_rows r
                               join kernel.imports i on i.id = r.import_id
                              where i.ended_at < :before
                              limit :limit);

-- What a source last said of these things.
-- name: versions
select v.key, v.changed_at
  from kernel.import_versions v
 where v.kind = :kind and v.source = :source and v.key = any (:keys::text[]);

-- Noted when it was dealt with; never back in time.
-- name: note_versions
insert into kernel.import_versions as v (kind, key, source, changed_at)
select :kind, n.key, :source, n.changed_at
  from unnest(:keys::text[], :moments::timestamptz[]) as n (key, changed_at)
 order by n.key
on conflict (kind, key, source) do update
   set changed_at = excluded.changed_at
 where v.changed_at < excluded.changed_at;
