-- A hold as programs usually write it: a transaction with a statement per row.
begin;
insert into kernel.idempotency (principal, key, body_hash, answer, created_at, expires_at)
values (
    'guest', gen_random_uuid()::text, '\x4fcb9ee706db130619dd5a95e782784c3fd3c6557886c9ed9b4b5b7bf5d863b2',
    '\x92c384a7686f6c645f6964d92430316132303033392d646637612d373364302d393038652d346432646638383538393835a57374617465a468656c64aa657870697265735f6174d7ff6acc93806b021b1aa56c696e65739282a7706f6f6c5f696401a87175616e746974790182a7706f6f6c5f696402a87175616e7469747901',
    now(), now() + interval '7 days'
)
returning uuidv7() as hold \gset
select id, on_hand, held from pools.pools where id in (:a, :b) order by id for no key update;
insert into pools.holders (id, open, until)
values (
    'basket:' || (:hold)::uuid,
    (
        '[{"hold_id": "' || (:hold)::uuid || '", "expires_at": "2026-11-21T23:30:00.123456Z", "lines": [[' || (:a)::bigint
        || ', 1], [' || (:b)::bigint || ', 1]]}]'
    )::jsonb,
    now() + interval '15 minutes'
);
update pools.pools set held = held + 1 where id = :a and on_hand - held >= 1;
update pools.pools set held = held + 1 where id = :b and on_hand - held >= 1;
insert into pools.holds (id, holder, origin, pool_ids, state, firmness, expires_at, created_at, changed_at)
values (
    :hold, 'basket:' || (:hold)::uuid, '', array[(:a)::bigint, (:b)::bigint], 'held', 'soft',
    now() + interval '15 minutes', now(), now()
);
insert into pools.hold_lines (pool_id, hold_id, quantity, hard, expires_at, live, broken)
values (:a, :hold, 1, false, now() + interval '15 minutes', true, false);
insert into pools.hold_lines (pool_id, hold_id, quantity, hard, expires_at, live, broken)
values (:b, :hold, 1, false, now() + interval '15 minutes', true, false);
end;
