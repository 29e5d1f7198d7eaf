-- A hold of one piece of each of two pools, as one statement with the rows that Lotse writes: holder, hold, two lines,
-- two balances, the key's answer. If one pool cannot serve, the hold's id is null, which its table refuses.
with draft as materialized (
    select uuidv7() as id, now() as at, now() + interval '15 minutes' as until
),
one as (
    update pools.pools set held = held + 1
    where id = :a and on_hand - held >= 1
    returning id
),
taken as (
    update pools.pools set held = held + 1
    where id = :b and on_hand - held >= 1 and exists (select from one)
    returning id
),
holders as (
    insert into pools.holders (id, open, until)
    select
        'basket:' || id,
        (
            '[{"hold_id": "' || id || '", "expires_at": "2026-11-21T23:30:00.123456Z", "lines": [[' || (:a)::bigint
            || ', 1], [' || (:b)::bigint || ', 1]]}]'
        )::jsonb,
        until
    from draft
),
holds as (
    insert into pools.holds (id, holder, origin, pool_ids, state, firmness, expires_at, created_at, changed_at)
    select
        case when exists (select from taken) then id end, 'basket:' || id, '', array[(:a)::bigint, (:b)::bigint],
        'held', 'soft', until, at, at
    from draft
),
lines as (
    insert into pools.hold_lines (pool_id, hold_id, quantity, hard, expires_at, live, broken)
    select line.pool_id, draft.id, 1, false, draft.until, true, false
    from draft, (values ((:a)::bigint), ((:b)::bigint)) as line (pool_id)
)
insert into kernel.idempotency (principal, key, body_hash, answer, created_at, expires_at)
select
    'guest', gen_random_uuid()::text, '\x4fcb9ee706db130619dd5a95e782784c3fd3c6557886c9ed9b4b5b7bf5d863b2',
    '\x92c384a7686f6c645f6964d92430316132303033392d646637612d373364302d393038652d346432646638383538393835a57374617465a468656c64aa657870697265735f6174d7ff6acc93806b021b1aa56c696e65739282a7706f6f6c5f696401a87175616e746974790182a7706f6f6c5f696402a87175616e7469747901',
    at, at + interval '7 days'
from draft
returning (select id from draft) as hold \gset
