-- The leanest statement's other form: everything inside one function, a plan per row and no common snapshot of a large
-- statement. Made in the benchmark's own database; each run tries both forms and compares with the faster one.
create schema bench;
create function bench.place(pool_a bigint, pool_b bigint) returns void
language plpgsql as $$
declare
    order_id uuid := uuidv7();
    payment_id uuid := uuidv7();
    order_number text := nextval('orders.numbers')::text;
begin
    update pools.pools set on_hand = on_hand - 1 where id = pool_a and on_hand - held >= 1;
    if not found then
        raise exception 'not enough in stock';
    end if;
    update pools.pools set on_hand = on_hand - 1 where id = pool_b and on_hand - held >= 1;
    if not found then
        raise exception 'not enough in stock';
    end if;
    insert into orders.orders (
        id, number, shop_id, channel, legal_entity_id, zone, customer_id, payment_id, currency, language, gross,
        net_minor, tax_minor, gross_minor, actor, placed_at, recorded_at
    )
    values (
        order_id, order_number, '01a20039-c910-7bc6-bbd3-41e525ab2637', 'api', '01a20039-c90d-7656-b11c-320253ade7ca',
        'Europe/Berlin', null, payment_id, 'EUR', 'de', true, 2000, 380, 2380, 'guest', now(), now()
    );
    insert into orders.lines (
        order_id, position, kind, offer_id, variant_id, seller_party_id, legal_entity_id, sku, text, quantity, unit,
        unit_price, net_minor, tax_minor, gross_minor, tax_code, tax_rate, tax_country, rule_ids, pool_id, location_id
    )
    values
        (
            order_id, 1, 'goods', '01a20039-cda2-737a-b80c-e1acb8cab862', '01a20039-cb6c-79bc-81e0-3e1b35d0b0dd',
            '01a20039-c8e2-720a-9bfe-a30632f0ac83', '01a20039-c90d-7656-b11c-320253ade7ca', 'MESS-00001',
            'Messartikel 00001, blau, M', 1, 'piece', 11.90, 1000, 190, 1190, 'DE-19', 0.19, 'DE',
            '["01a20039-cf09-70d3-b340-8d3445d6c86a"]', pool_a, '01a20039-c913-7d48-abcc-a040b21e632b'
        ),
        (
            order_id, 2, 'goods', '01a20039-cda2-7439-aae9-3be87576a9b1', '01a20039-cb6c-7ad5-a651-8a712e118fdc',
            '01a20039-c8e2-720a-9bfe-a30632f0ac83', '01a20039-c90d-7656-b11c-320253ade7ca', 'MESS-00002',
            'Messartikel 00002, blau, M', 1, 'piece', 11.90, 1000, 190, 1190, 'DE-19', 0.19, 'DE',
            '["01a20039-cf09-7196-b67a-929237750a09"]', pool_b, '01a20039-c913-7d48-abcc-a040b21e632b'
        );
    insert into orders.contacts (order_id, email, phone, billing, delivery)
    values (
        order_id, 'erika.mustermann@post.example', '+49 221 4710 815',
        '{"name": "Erika Mustermann", "company": "", "street": "Heidestraße 17", "street2": "", "postcode": "51147", "city": "Köln", "region": "", "country": "DE"}',
        null
    );
    insert into orders.releases (order_id, released_at, recorded_at) values (order_id, now(), now());
    insert into pools.movements (id, pool_id, delta, reason, ref_kind, ref_id, actor, note, occurred_at, recorded_at)
    values
        (uuidv7(), pool_a, -1, 'sold', 'order', order_id, 'guest', null, now(), now()),
        (uuidv7(), pool_b, -1, 'sold', 'order', order_id, 'guest', null, now(), now());
    insert into ledger.entries (
        set_id, position, kind, legal_entity_id, account, currency, amount_minor, occurred_at, recorded_at, period, note
    )
    values
        (order_id, 1, 'sale', '01a20039-c90d-7656-b11c-320253ade7ca', 'receivables', 'EUR', 2380, now(), now(), '2026-11-01', null),
        (order_id, 2, 'sale', '01a20039-c90d-7656-b11c-320253ade7ca', 'revenue', 'EUR', -2000, now(), now(), '2026-11-01', null),
        (order_id, 3, 'sale', '01a20039-c90d-7656-b11c-320253ade7ca', 'tax_payable', 'EUR', -380, now(), now(), '2026-11-01', 'DE-19');
    insert into payments.payments (
        id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, received_minor, due_at, created_at
    )
    values (
        payment_id, 'order', order_id, 'invoice', '01a20039-c90d-7656-b11c-320253ade7ca', 'Europe/Berlin', 'EUR', 2380,
        0, now() + interval '14 days', now()
    );
    insert into kernel.outbox (type, version, key, payload, occurred_at, recorded_at)
    values (
        'orders.Placed', 1, order_id::text,
        (
            '{"type": "orders.Placed", "order_id": "' || order_id || '", "number": "' || order_number
            || '", "shop_id": "01a20039-c910-7bc6-bbd3-41e525ab2637", "channel": "api", "customer_id": null, "currency": "EUR", "gross_minor": 2380, "released": true, "variants": {"01a20039-cb6c-79bc-81e0-3e1b35d0b0dd": 1, "01a20039-cb6c-7ad5-a651-8a712e118fdc": 1}}'
        )::jsonb,
        now(), now()
    );
    insert into kernel.idempotency (principal, key, body_hash, answer, created_at, expires_at)
    values (
        'guest', gen_random_uuid()::text, '\x4fcb9ee706db130619dd5a95e782784c3fd3c6557886c9ed9b4b5b7bf5d863b2',
        '\x92c386a86f726465725f6964d92430316132303033392d646637612d373364302d393038652d346432646638383538393835a66e756d626572a6313030303031aa7061796d656e745f6964d92430316132303033392d646637612d373531622d393230342d623763366463643664636664ab67726f73735f6d696e6f72cd094ca863757272656e6379a3455552a9706c616365645f6174d7ff6acc93806b021b1a',
        now(), now() + interval '7 days'
    );
end
$$;
