-- The order before whatever it leads to; its own columns never change, the lock is what counts.
-- name: lock_orders
select id
from orders.orders
where id = any (:ids::uuid[])
order by id
for no key update;

-- What was amended already, read once the order is locked.
-- name: amended
select
    orders.id,
    exists (select from orders.amendments where order_id = orders.id and kind = 'cancellation') as cancelled,
    coalesce(
        (
            select jsonb_object_agg(position, jsonb_build_array(taken_back, credited_minor))
            from orders.line_balances
            where order_id = orders.id
        ),
        '{}'
    ) as taken_back
from orders.orders
where orders.id = any (:ids::uuid[]);

-- Inserted once and never updated: what changes later is an amendment.
-- name: orders
insert into orders.orders (
    id, number, shop_id, channel, legal_entity_id, zone, customer_id, payment_id, currency, language, gross, net_minor,
    tax_minor, gross_minor, actor, placed_at, recorded_at
)
select *
from unnest(:rows::orders.orders_row[]);

-- As sold, with price, tax and text of that moment: nothing is looked up again for a document.
-- name: lines
insert into orders.lines (
    order_id, position, kind, offer_id, variant_id, seller_party_id, legal_entity_id, sku, text, quantity, unit,
    unit_price, net_minor, tax_minor, gross_minor, tax_code, tax_rate, tax_country, rule_ids, pool_id, location_id
)
select *
from unnest(:rows::orders.lines_row[]);

-- Erasable, apart from the order.
-- name: contacts
insert into orders.contacts (order_id, email, phone, billing, delivery)
select *
from unnest(:rows::orders.contacts_row[]);

-- An order is released once; whoever comes second changes nothing.
-- name: releases
insert into orders.releases (order_id, released_at, recorded_at)
select *
from unnest(:rows::orders.releases_row[])
on conflict (order_id) do nothing;

-- Further facts about orders; a credit without an order has no order id.
-- name: amendments
insert into orders.amendments (
    id, kind, order_id, legal_entity_id, customer_id, currency, net_minor, tax_minor, gross_minor, reason, actor,
    occurred_at, recorded_at
)
select *
from unnest(
    :id::uuid[], :kind::text[], :order_id::uuid[], :legal_entity_id::uuid[], :customer_id::uuid[], :currency::text[],
    :net_minor::bigint[], :tax_minor::bigint[], :gross_minor::bigint[], :reason::text[], :actor::text[],
    :occurred_at::timestamptz[], :recorded_at::timestamptz[]
);

-- With the tax of the line that was sold, so that a credit undoes exactly that.
-- name: amendment_lines
insert into orders.amendment_lines (
    amendment_id, position, order_id, order_position, variant_id, sku, text, quantity, net_minor, tax_minor,
    gross_minor, tax_code, tax_rate, pool_id
)
select *
from unnest(
    :amendment_id::uuid[], :position::smallint[], :order_id::uuid[], :order_position::smallint[], :variant_id::uuid[],
    :sku::text[], :text::text[], :quantity::bigint[], :net_minor::bigint[], :tax_minor::bigint[],
    :gross_minor::bigint[], :tax_code::text[], :tax_rate::numeric[], :pool_id::bigint[]
);

-- Each line once per batch: several amendments of one line are added up first.
-- name: line_balances
insert into orders.line_balances as known (order_id, position, quantity, gross_minor, taken_back, credited_minor)
select order_id, position, max(quantity), max(gross_minor), sum(taken_back), sum(credited_minor)
from unnest(
    :order_id::uuid[], :position::smallint[], :quantity::bigint[], :gross_minor::bigint[], :taken_back::bigint[],
    :credited_minor::bigint[]
) as given (order_id, position, quantity, gross_minor, taken_back, credited_minor)
group by order_id, position
order by order_id, position
on conflict (order_id, position) do update
set
    taken_back = known.taken_back + excluded.taken_back,
    credited_minor = known.credited_minor + excluded.credited_minor;

-- As the buyer saw it; only orders that showed an estimate have one.
-- name: promises
insert into orders.promises (order_id, earliest, latest, shown_at)
select *
from unnest(:rows::orders.promises_row[]);
