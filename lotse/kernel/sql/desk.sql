-- Facts on their way out, as many as a transaction makes. One row of `lotse.kernel.outbox.Row` each, in the order given:
-- unnest keeps it, and so the ids rise in it.
-- name: outbox
insert into kernel.outbox (type, version, key, payload, occurred_at, recorded_at)
select f.type, f.version, f.key, f.payload::jsonb, f.occurred_at, clock_timestamp()
  from unnest(:rows::kernel.outbox_row[])
       as f;

-- Keys taken at the start of the batch get their answers; the table leaves room on the page, so this stays HOT.
-- name: answers
update kernel.idempotency as known
set answer = given.answer
from unnest(:rows::kernel.answers_row[]) as given
where known.principal = given.principal and known.key = given.key;
