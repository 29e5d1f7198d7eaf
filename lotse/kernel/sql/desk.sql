-- Keys taken at the start of the batch get their answers; the table leaves room on the page, so this stays HOT.
-- name: answers
update kernel.idempotency as known
set answer = given.answer
from unnest(:principal::text[], :key::text[], :answer::bytea[]) as given (principal, key, answer)
where known.principal = given.principal and known.key = given.key;
