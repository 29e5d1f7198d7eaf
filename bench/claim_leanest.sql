-- Take what the hold holds, as one statement: hold, holder, two lines, two balances, two movements, the key's answer.
with lines as (
    update pools.hold_lines set live = false
    where hold_id = :hold and pool_id in (:a, :b) and live
    returning pool_id
),
holds as (
    update pools.holds set state = 'claimed', changed_at = now()
    where id = :hold and state = 'held'
),
holders as (
    update pools.holders set open = '[]' where id = 'basket:' || (:hold)::uuid
),
one as (
    update pools.pools set held = held - 1, on_hand = on_hand - 1
    where id = :a and (select count(*) from lines) = 2
    returning id
),
other as (
    update pools.pools set held = held - 1, on_hand = on_hand - 1
    where id = :b and exists (select from one)
    returning id
),
movements as (
    insert into pools.movements (
        id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at
    )
    select uuidv7(), id, -1, 'sold', 'hold', (:hold)::uuid, 'guest', null, now(), now()
    from (select id from one union all select id from other) as pools
)
insert into kernel.idempotency (principal, key, body_hash, answer, created_at, expires_at)
values (
    'guest', gen_random_uuid()::text, '\x4fcb9ee706db130619dd5a95e782784c3fd3c6557886c9ed9b4b5b7bf5d863b2',
    '\x92c384a7686f6c645f6964d92430316132303033392d646637612d373364302d393038652d346432646638383538393835a57374617465a468656c64aa657870697265735f6174d7ff6acc93806b021b1aa56c696e65739282a7706f6f6c5f696401a87175616e746974790182a7706f6f6c5f696402a87175616e7469747901',
    now(), now() + interval '7 days'
);
