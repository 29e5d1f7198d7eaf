-- One order of two lines as one statement, with the rows and columns that Lotse writes. What a program would have to
-- read or to reckon (offer, price, tax, text, address, hash of the body) stands here as constants that are parsed once,
-- so PostgreSQL does nothing but write. Needs a and b, the two pools.
--
-- Both pools or nothing: if one cannot serve, the order's id is null, which its table refuses, and all is undone. The
-- second pool is asked for once the first is had; `id in (:a, :b)` would lock them in the order in which they lie on
-- disk, and two orders of the same two articles could wait for each other.
with draft as materialized (
    select uuidv7() as id, uuidv7() as payment_id, nextval('orders.numbers')::text as number, now() as at
),
one as (
    update pools.pools set on_hand = on_hand - 1
    where id = :a and on_hand - held >= 1
    returning id
),
taken as (
    update pools.pools set on_hand = on_hand - 1
    where id = :b and on_hand - held >= 1 and exists (select from one)
    returning id
),
placed as (
    insert into orders.orders (
        id, number, shop_id, channel, legal_entity_id, zone, customer_id, payment_id, currency, language, gross,
        net_minor, tax_minor, gross_minor, actor, placed_at, recorded_at
    )
    select
        case when exists (select from taken) then id end, number, '01a20039-c910-7bc6-bbd3-41e525ab2637', 'api',
        '01a20039-c90d-7656-b11c-320253ade7ca', 'Europe/Berlin', null, payment_id, 'EUR', 'de', true, 2000, 380, 2380,
        'guest', at, at
    from draft
),
lines as (
    insert into orders.lines (
        order_id, position, kind, offer_id, variant_id, seller_party_id, legal_entity_id, sku, text, quantity, unit,
        unit_price, net_minor, tax_minor, gross_minor, tax_code, tax_rate, tax_country, rule_ids, pool_id, location_id
    )
    select
        draft.id, line.position, 'goods', '01a20039-cda2-737a-b80c-e1acb8cab862',
        '01a20039-cb6c-79bc-81e0-3e1b35d0b0dd', '01a20039-c8e2-720a-9bfe-a30632f0ac83',
        '01a20039-c90d-7656-b11c-320253ade7ca', 'MESS-00001', 'Messartikel 00001, blau, M', 1, 'piece', 11.90, 1000,
        190, 1190, 'DE-19', 0.19, 'DE', '["01a20039-cf09-70d3-b340-8d3445d6c86a"]', line.pool_id,
        '01a20039-c913-7d48-abcc-a040b21e632b'
    from draft, (values (1::smallint, (:a)::bigint), (2::smallint, (:b)::bigint)) as line (position, pool_id)
),
contacts as (
    insert into orders.contacts (order_id, email, phone, billing, delivery)
    select
        id, 'erika.mustermann@post.example', '+49 221 4710 815',
        '{"name": "Erika Mustermann", "company": "", "street": "Heidestraße 17", "street2": "", "postcode": "51147", "city": "Köln", "region": "", "country": "DE"}',
        null
    from draft
),
releases as (
    insert into orders.releases (order_id, released_at, recorded_at)
    select id, at, at from draft
),
movements as (
    insert into pools.movements (
        id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at
    )
    select uuidv7(), line.pool_id, -1, 'sold', 'order', draft.id, 'guest', null, at, at
    from draft, (values ((:a)::bigint), ((:b)::bigint)) as line (pool_id)
),
entries as (
    insert into ledger.entries (
        set_id, position, kind, legal_entity_id, account, currency, amount_minor, occurred_at, recorded_at, period, note
    )
    select
        draft.id, posting.position, 'sale', '01a20039-c90d-7656-b11c-320253ade7ca', posting.account, 'EUR',
        posting.amount_minor, at, at, date '2026-11-01', posting.note
    from draft, (
        values
            (1::smallint, 'receivables', 2380::bigint, null),
            (2::smallint, 'revenue', -2000, null),
            (3::smallint, 'tax_payable', -380, 'DE-19')
    ) as posting (position, account, amount_minor, note)
),
payments as (
    insert into payments.payments (
        id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, received_minor, due_at, created_at
    )
    select
        payment_id, 'order', id, 'invoice', '01a20039-c90d-7656-b11c-320253ade7ca', 'Europe/Berlin', 'EUR', 2380, 0,
        at + interval '14 days', at
    from draft
),
outbox as (
    insert into kernel.outbox (type, version, key, payload, occurred_at, recorded_at)
    select
        'orders.Placed', 1, id::text,
        (
            '{"type": "orders.Placed", "order_id": "' || id || '", "number": "' || number
            || '", "shop_id": "01a20039-c910-7bc6-bbd3-41e525ab2637", "channel": "api", "customer_id": null, "currency": "EUR", "gross_minor": 2380, "released": true, "variants": {"01a20039-cb6c-79bc-81e0-3e1b35d0b0dd": 1, "01a20039-cb6c-7ad5-a651-8a712e118fdc": 1}}'
        )::jsonb,
        at, at
    from draft
)
insert into kernel.idempotency (principal, key, body_hash, answer, created_at, expires_at)
select
    'guest', gen_random_uuid()::text, '\x4fcb9ee706db130619dd5a95e782784c3fd3c6557886c9ed9b4b5b7bf5d863b2',
    '\x92c386a86f726465725f6964d92430316132303033392d646637612d373364302d393038652d346432646638383538393835a66e756d626572a6313030303031aa7061796d656e745f6964d92430316132303033392d646637612d373531622d393230342d623763366463643664636664ab67726f73735f6d696e6f72cd094ca863757272656e6379a3455552a9706c616365645f6174d7ff6acc93806b021b1a',
    at, at + interval '7 days'
from draft;
