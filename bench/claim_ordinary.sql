-- Take what the hold holds as programs usually write it: a transaction with a statement per row.
begin;
insert into kernel.idempotency (principal, key, body_hash, answer, created_at, expires_at)
values (
    'guest', gen_random_uuid()::text, '\x4fcb9ee706db130619dd5a95e782784c3fd3c6557886c9ed9b4b5b7bf5d863b2',
    '\x92c384a7686f6c645f6964d92430316132303033392d646637612d373364302d393038652d346432646638383538393835a57374617465a468656c64aa657870697265735f6174d7ff6acc93806b021b1aa56c696e65739282a7706f6f6c5f696401a87175616e746974790182a7706f6f6c5f696402a87175616e7469747901',
    now(), now() + interval '7 days'
);
select id, state, holder from pools.holds where id = :hold for no key update;
select id, open from pools.holders where id = 'basket:' || (:hold)::uuid for no key update;
select id, on_hand, held from pools.pools where id in (:a, :b) order by id for no key update;
update pools.hold_lines set live = false where pool_id = :a and hold_id = :hold;
update pools.hold_lines set live = false where pool_id = :b and hold_id = :hold;
update pools.holds set state = 'claimed', changed_at = now() where id = :hold;
update pools.holders set open = '[]' where id = 'basket:' || (:hold)::uuid;
update pools.pools set held = held - 1, on_hand = on_hand - 1 where id = :a;
update pools.pools set held = held - 1, on_hand = on_hand - 1 where id = :b;
insert into pools.movements (id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at)
values (uuidv7(), :a, -1, 'sold', 'hold', :hold, 'guest', null, now(), now());
insert into pools.movements (id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at)
values (uuidv7(), :b, -1, 'sold', 'hold', :hold, 'guest', null, now(), now());
end;
