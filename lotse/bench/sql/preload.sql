-- A history for `lotse bench scale`: orders as if they had been placed over the last two years, in every table that an
-- order writes, by one statement per table and chunk. Values are those of the pgbench scripts.

-- Where one chunk is drawn up, and which chunks are there: a load that was interrupted goes on.
-- name: make_draft
create unlogged table if not exists bench.draft (
    chunk bigint not null,
    n bigint not null,
    id uuid not null,
    payment_id uuid not null,
    at timestamptz not null,
    pool_a bigint not null,
    pool_b bigint not null
);

-- name: make_chunks
create table if not exists bench.chunks (
    chunk bigint primary key,
    orders bigint not null
);

-- name: chunks
select chunk from bench.chunks;

-- Rows of the past belong into the partitions of their months.
-- name: ensure_months
select kernel.ensure_months(now() - interval '721 days', 26);

-- The ledger's trigger would sum up what is zero by its making.
-- name: without_triggers
set local session_replication_role = replica;

-- name: clear_draft
delete from bench.draft where chunk = :chunk;

-- Ids of their own time, as the orders would have had.
-- name: draft
insert into bench.draft (chunk, n, id, payment_id, at, pool_a, pool_b)
select
    :chunk::bigint, n, uuidv7(at - clock_timestamp()), uuidv7(at - clock_timestamp()), at,
    :first::bigint + (n * 7919) % :articles::bigint, :first::bigint + (n * 7919 + 1 + n % 97) % :articles::bigint
from (
    select n, now() - interval '720 days' + n * (interval '719 days' / :total::double precision) as at
    from generate_series(:begin::bigint, :end::bigint) as n
) as timed
order by n;

-- name: orders
insert into orders.orders (
    id, number, shop_id, channel, legal_entity_id, zone, customer_id, payment_id, currency, language, gross, net_minor,
    tax_minor, gross_minor, actor, placed_at, recorded_at
)
select
    id, nextval('orders.numbers')::text, '01a20039-c910-7bc6-bbd3-41e525ab2637', 'api',
    '01a20039-c90d-7656-b11c-320253ade7ca', 'Europe/Berlin', null, payment_id, 'EUR', 'de', true, 2000, 380, 2380,
    'guest', at, at
from bench.draft
where chunk = :chunk;

-- name: lines
insert into orders.lines (
    order_id, position, kind, offer_id, variant_id, seller_party_id, legal_entity_id, sku, text, quantity, unit,
    unit_price, net_minor, tax_minor, gross_minor, tax_code, tax_rate, tax_country, rule_ids, pool_id, location_id
)
select
    draft.id, line.position, 'goods', '01a20039-cda2-737a-b80c-e1acb8cab862', '01a20039-cb6c-79bc-81e0-3e1b35d0b0dd',
    '01a20039-c8e2-720a-9bfe-a30632f0ac83', '01a20039-c90d-7656-b11c-320253ade7ca', 'MESS-00001',
    'Messartikel 00001, blau, M', 1, 'piece', 11.90, 1000, 190, 1190, 'DE-19', 0.19, 'DE',
    '["01a20039-cf09-70d3-b340-8d3445d6c86a"]', line.pool_id, '01a20039-c913-7d48-abcc-a040b21e632b'
from bench.draft
cross join lateral (values (1::smallint, draft.pool_a), (2::smallint, draft.pool_b)) as line (position, pool_id)
where draft.chunk = :chunk;

-- name: contacts
insert into orders.contacts (order_id, email, phone, billing, delivery)
select
    id, 'erika.mustermann@post.example', '+49 221 4710 815',
    '{"name": "Erika Mustermann", "company": "", "street": "Heidestraße 17", "street2": "", "postcode": "51147", "city": "Köln", "region": "", "country": "DE"}',
    null
from bench.draft
where chunk = :chunk;

-- name: releases
insert into orders.releases (order_id, released_at, recorded_at)
select id, at, at
from bench.draft
where chunk = :chunk;

-- By pool, as the primary key sorts: pages of the index are visited once.
-- name: movements
insert into pools.movements (id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at)
select uuidv7(draft.at - clock_timestamp()), line.pool_id, -1, 'sold', 'order', draft.id, 'guest', null, draft.at, draft.at
from bench.draft
cross join lateral (values (draft.pool_a), (draft.pool_b)) as line (pool_id)
where draft.chunk = :chunk
order by line.pool_id, draft.n;

-- name: entries
insert into ledger.entries (
    set_id, position, kind, legal_entity_id, account, currency, amount_minor, occurred_at, recorded_at, period, note
)
select
    draft.id, posting.position, 'sale', '01a20039-c90d-7656-b11c-320253ade7ca', posting.account, 'EUR',
    posting.amount_minor, draft.at, draft.at, date_trunc('month', draft.at at time zone 'Europe/Berlin')::date,
    posting.note
from bench.draft
cross join (
    values
        (1::smallint, 'receivables', 2380::bigint, null),
        (2::smallint, 'revenue', -2000, null),
        (3::smallint, 'tax_payable', -380, 'DE-19')
) as posting (position, account, amount_minor, note)
where draft.chunk = :chunk;

-- Paid: what is open long after its day would be an index of reminders and no history. The last week is still open.
-- name: payments
insert into payments.payments (
    id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, received_minor, due_at, created_at
)
select
    payment_id, 'order', id, 'invoice', '01a20039-c90d-7656-b11c-320253ade7ca', 'Europe/Berlin', 'EUR', 2380,
    case when at < now() - interval '7 days' then 2380 else 0 end, at + interval '14 days', at
from bench.draft
where chunk = :chunk;

-- Where the relay has moved the outbox long since.
-- name: events
insert into kernel.event_log (position, id, type, version, key, payload, occurred_at, recorded_at)
select
    n, id, 'orders.Placed', 1, id::text,
    (
        '{"type": "orders.Placed", "order_id": "' || id || '", "number": "100001'
        || '", "shop_id": "01a20039-c910-7bc6-bbd3-41e525ab2637", "channel": "api", "customer_id": null, "currency": "EUR", "gross_minor": 2380, "released": true, "variants": {"01a20039-cb6c-79bc-81e0-3e1b35d0b0dd": 1, "01a20039-cb6c-7ad5-a651-8a712e118fdc": 1}}'
    )::jsonb,
    at, at
from bench.draft
where chunk = :chunk;

-- All of them, though a shop forgets them after a week: the worst case for the one index that new keys hit at random.
-- In the order of the index, so that the load is not random as well.
-- name: keys
insert into kernel.idempotency (principal, key, body_hash, answer, created_at, expires_at)
select
    'guest', key, '\x4fcb9ee706db130619dd5a95e782784c3fd3c6557886c9ed9b4b5b7bf5d863b2',
    '\x92c386a86f726465725f6964d92430316132303033392d646637612d373364302d393038652d346432646638383538393835a66e756d626572a6313030303031aa7061796d656e745f6964d92430316132303033392d646637612d373531622d393230342d623763366463643664636664ab67726f73735f6d696e6f72cd094ca863757272656e6379a3455552a9706c616365645f6174d7ff6acc93806b021b1a',
    at, at + interval '7 days'
from (select gen_random_uuid()::text as key, at from bench.draft where chunk = :chunk) as drawn
order by key;

-- name: done
insert into bench.chunks (chunk, orders) values (:chunk, :orders);

-- Balances follow from movements, once all are there; the plenty that came in covers them.
-- name: balances
update pools.pools set on_hand = moved.delta
from (select pool_id, sum(delta) as delta from pools.movements group by pool_id) as moved
where pools.id = moved.pool_id and pools.on_hand <> moved.delta;

-- name: head
update kernel.event_head set position = greatest(position, :position::bigint);

-- Placed since a moment, by the ids; nothing is counted that was there before.
-- name: placed_since
select count(*) from orders.orders where id >= kernel.uuid7_floor(:since::timestamptz);
