-- Take keys, in key order so that two desks never deadlock. Whoever comes second waits here for the first one's commit.
-- An expired key is as good as new.
-- name: take_keys
insert into kernel.idempotency as known (principal, key, body_hash, created_at, expires_at)
select principal, key, body_hash, :at, expires_at
from unnest(:principals::text[], :keys::text[], :body_hashes::bytea[], :expires_at::timestamptz[])
    as taken (principal, key, body_hash, expires_at)
order by principal, key
on conflict (principal, key) do update
set body_hash = excluded.body_hash, answer = null, created_at = excluded.created_at, expires_at = excluded.expires_at
where known.expires_at <= :at
returning principal, key;

-- What was answered to keys that somebody else took before.
-- name: read_answers
select known.principal, known.key, known.body_hash, known.answer
from unnest(:principals::text[], :keys::text[]) as asked (principal, key)
join kernel.idempotency as known using (principal, key);

-- Remember one answer, in the transaction that made it true.
-- name: answer
update kernel.idempotency set answer = :answer where principal = :principal and key = :key;

-- A refused import may be tried again under its natural key, so that key is given back.
-- name: give_back
delete from kernel.idempotency where principal = :principal and key = :key;

-- Bounded, so that a night's clean-up never holds locks for long.
-- name: delete_expired
with old as (
    select principal, key from kernel.idempotency where expires_at <= :at limit :limit for update skip locked
)
delete from kernel.idempotency using old where idempotency.principal = old.principal and idempotency.key = old.key;
