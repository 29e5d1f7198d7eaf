-- Facts on their way out, as many as a transaction makes. One row of `lotse.kernel.outbox.Row` each, in the order given:
-- unnest keeps it, and so the ids rise in it.
-- name: outbox
insert into kernel.outbox (type, version, key, payload, occurred_at, recorded_at)
select f.type, f.version, f.key, f.payload::jsonb, f.occurred_at, clock_timestamp()
  from unnest(:type::text[], :version::smallint[], :key::text[], :payload::text[], :occurred_at::timestamptz[])
       as f (type, version, key, payload, occurred_at);

-- Keys taken at the start of the batch get their answers; the table leaves room on the page, so this stays HOT.
-- name: answers
update kernel.idempotency as known
set answer = given.answer
from unnest(:principal::text[], :key::text[], :answer::bytea[]) as given (principal, key, answer)
where known.principal = given.principal and known.key = given.key;
