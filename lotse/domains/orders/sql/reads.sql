-- One order with everything that is immutable about it and what has happened since, in one round trip.
-- name: order
select
    orders.id, orders.number, orders.shop_id, orders.channel, orders.legal_entity_id, orders.zone, orders.customer_id,
    orders.payment_id, orders.currency, orders.language, orders.gross, orders.net_minor, orders.tax_minor,
    orders.gross_minor, orders.actor, orders.placed_at, orders.recorded_at,
    releases.released_at,
    (
        select jsonb_build_object('email', email, 'phone', phone, 'billing', billing, 'delivery', delivery)
        from orders.contacts
        where order_id = orders.id and erased_at is null
    ) as contact,
    array(
        select to_jsonb(line) || jsonb_build_object(
            'unit_price', line.unit_price::text,
            'tax_rate', line.tax_rate::text,
            'taken_back', coalesce(balance.taken_back, 0),
            'credited_minor', coalesce(balance.credited_minor, 0)
        )
        from orders.lines as line
        left join orders.line_balances as balance using (order_id, position)
        where line.order_id = orders.id
        order by line.position
    ) as lines,
    array(
        select to_jsonb(amendment) || jsonb_build_object(
            'lines',
            array(
                select to_jsonb(line) || jsonb_build_object('tax_rate', line.tax_rate::text)
                from orders.amendment_lines as line
                where line.amendment_id = amendment.id
                order by line.position
            )
        )
        from orders.amendments as amendment
        where amendment.order_id = orders.id
        order by amendment.id
    ) as amendments,
    (
        select jsonb_build_object('earliest', earliest, 'latest', latest, 'shown_at', shown_at)
        from orders.promises
        where order_id = orders.id
    ) as promised
from orders.orders
left join orders.releases on releases.order_id = orders.id
where orders.id = :order_id;

-- Whom mails about an order go to: asked for every order, so two look-ups by key and no more.
-- name: addressee
select o.id, o.number, o.shop_id, o.channel, o.language, o.customer_id, o.payment_id,
       case when c.erased_at is null then coalesce(c.email, '') else '' end as email,
       case when c.erased_at is null then coalesce(c.billing ->> 'name', '') else '' end as name
  from orders.orders o
  left join orders.contacts c on c.order_id = o.id
 where o.id = :order_id;

-- A real order to show mails with: among the newest, so that it ends soon.
-- name: newest_with_contact
select recent.id
  from (select id from orders.orders where :shop_id::uuid is null or shop_id = :shop_id order by id desc limit 2000) recent
  join orders.contacts c on c.order_id = recent.id and c.email <> '' and c.erased_at is null
 where not :amended or exists (select 1 from orders.amendments a where a.order_id = recent.id)
 order by recent.id desc
 limit 1;

-- For events that name an order: whose they are.
-- name: shops_of
select id, shop_id from orders.orders where id = any (:ids::uuid[]);

-- Where an order belongs: its shop, the places that its goods came from, the sellers of its lines.
-- name: whose
select
    shop_id as shop,
    array(select distinct location_id from orders.lines where order_id = orders.id and location_id is not null) as locations,
    array(
        select distinct seller_party_id from orders.lines where order_id = orders.id and seller_party_id is not null
    ) as parties
from orders.orders
where id = :order_id;

-- The order that an amendment belongs to.
-- name: order_of_amendment
select order_id from orders.amendments where id = :amendment_id;

-- By the name that people use.
-- name: id_of_number
select id from orders.orders where number = :number;

-- A page of the order list, the newest first. State comes from facts, for the page's rows only.
-- name: orders
select
    orders.id, orders.number, orders.shop_id, orders.channel, orders.customer_id, orders.currency, orders.gross_minor,
    orders.placed_at, orders.payment_id,
    coalesce(contacts.billing ->> 'name', '') as name,
    releases.released_at is not null as released,
    exists (select from orders.amendments where order_id = orders.id and kind = 'cancellation') as cancelled,
    paid.method, paid.amount_minor - paid.credited_minor - paid.received_minor + paid.refunded_minor as open_minor
from (
    select * from orders.orders
    where id < :before
        and (:number_prefix::text is null or starts_with(number, :number_prefix))
        and (:customer_id::uuid is null or customer_id = :customer_id)
        and (
            :everything::boolean
            or exists (
                select
                from unnest(:in_shops::uuid[], :in_locations::uuid[], :in_parties::uuid[])
                    as box (shop_id, location_id, party_id)
                where (box.shop_id is null or box.shop_id = orders.shop_id)
                    and (
                        box.location_id is null
                        or exists (
                            select from orders.lines
                            where lines.order_id = orders.id and lines.location_id = box.location_id
                        )
                    )
                    -- What two sellers share, neither sees alone.
                    and (
                        box.party_id is null
                        or array[box.party_id] = array(
                            select distinct seller_party_id from orders.lines
                            where lines.order_id = orders.id and seller_party_id is not null
                        )
                    )
            )
        )
    order by id desc
    limit :limit
) as orders
left join orders.contacts on contacts.order_id = orders.id and contacts.erased_at is null
left join orders.releases on releases.order_id = orders.id
left join lateral payments.sums(array[orders.payment_id]) as paid on true
order by orders.id desc;

-- The back office's table. State comes from facts beside the order, by their keys; what is paid is asked per page.
-- Somebody who is bound to a shop, a location or a seller sees orders that touch it.
-- name: order_table
select
    orders.id, orders.number, orders.shop_id, orders.channel, orders.customer_id, orders.currency, orders.gross_minor,
    orders.placed_at, orders.payment_id,
    coalesce(contacts.billing ->> 'name', '') as name,
    coalesce(contacts.email, '') as email,
    releases.released_at,
    case
        when cancellation.id is not null then 'cancelled'
        when releases.released_at is not null then 'released'
        else 'waiting'
    end as state,
    exists (
        select from orders.amendments where amendments.order_id = orders.id and amendments.kind <> 'cancellation'
    ) as amended
from orders.orders
left join orders.contacts on contacts.order_id = orders.id and contacts.erased_at is null
left join orders.releases on releases.order_id = orders.id
left join orders.amendments as cancellation
    on cancellation.order_id = orders.id and cancellation.kind = 'cancellation'
where (
    :everything::boolean
    or exists (
        select
        from unnest(:in_shops::uuid[], :in_locations::uuid[], :in_parties::uuid[])
            as box (shop_id, location_id, party_id)
        where (box.shop_id is null or box.shop_id = orders.shop_id)
            and (
                box.location_id is null and box.party_id is null
                or exists (
                    select from orders.lines
                    where lines.order_id = orders.id
                        and (box.location_id is null or lines.location_id = box.location_id)
                        and (box.party_id is null or lines.seller_party_id = box.party_id)
                )
            )
    )
);

-- What payments are for, by number.
-- name: numbers_of_payments
select paid.payment_id, orders.id, orders.number
from payments.purposes(:payment_ids::uuid[]) as paid
join orders.orders on orders.id = paid.purpose_id
where paid.purpose = 'order';

-- What orders of a page owe: their payments are another domain's.
-- name: paid_of
select payment_id, method, amount_minor, credited_minor, received_minor, refunded_minor
from payments.sums(:payment_ids::uuid[]);

-- Orders by the beginning of a number or a name, or by a mail address: for the palette, the newest first.
-- name: found
select orders.id, orders.number, orders.placed_at, orders.gross_minor, orders.currency,
    coalesce(contacts.billing ->> 'name', '') as name
from orders.orders
left join orders.contacts on contacts.order_id = orders.id and contacts.erased_at is null
where orders.id = any (array(select sought.order_id from orders.sought(:begins, :surname, :given, '', :at_most)))
    and (:shops::uuid[] is null or orders.shop_id = any (:shops::uuid[]))
order by orders.id desc
limit :limit;

-- Whose order is it, and what is paid of it: for reactions to a payment.
-- name: waiting
select orders.id, orders.payment_id, orders.number,
    exists (select from orders.amendments where order_id = orders.id and kind = 'cancellation') as cancelled
from orders.orders
where orders.id = :order_id
    and not exists (select from orders.releases where order_id = orders.id);

-- Orders for a live view: by primary key, a screen full of them.
-- name: seen
select
    orders.id, orders.number, orders.channel, orders.gross_minor, orders.currency, orders.placed_at,
    first.location_id, first.text, first.variant_id,
    (select count(*) from orders.lines where order_id = orders.id and kind = 'goods')::int as lines
from orders.orders
left join lateral (
    select location_id, text, variant_id from orders.lines
    where order_id = orders.id and kind = 'goods'
    order by position
    limit 1
) as first on true
where orders.id = any(:ids::uuid[]);

-- The newest orders for a live view that is opened. The id's time leaves out all that is older.
-- name: newest_seen
select
    orders.id, orders.number, orders.channel, orders.gross_minor, orders.currency, orders.placed_at,
    first.location_id, first.text, first.variant_id,
    (select count(*) from orders.lines where order_id = orders.id and kind = 'goods')::int as lines
from orders.orders
left join lateral (
    select location_id, text, variant_id from orders.lines
    where order_id = orders.id and kind = 'goods'
    order by position
    limit 1
) as first on true
where orders.id >= :floor and orders.placed_at >= :since
order by orders.id desc
limit :limit;

-- A day's trade by channel and place, once per process and day: who shows it counts on from there.
-- name: sold_since
select orders.channel, first.location_id, count(*) as orders, sum(orders.gross_minor)::bigint as gross_minor
from orders.orders
left join lateral (
    select location_id from orders.lines
    where order_id = orders.id and kind = 'goods'
    order by position
    limit 1
) as first on true
where orders.id >= :floor and orders.placed_at >= :since
group by orders.channel, first.location_id;

-- A day's best sellers, once per process and day.
-- name: pieces_since
select variant_id, sum(quantity)::bigint as pieces
from orders.lines
where order_id >= :floor and kind = 'goods' and variant_id is not null
group by variant_id
order by pieces desc, variant_id
limit :limit;

-- How many of the orders that were answered are there: what a killed process must not have lost.
-- name: count_placed
select count(*) from orders.orders where id = any(:ids::uuid[]);

-- What is kept about a person with their orders, for their export. Whom an order names may be erased, or nobody; what
-- was bought stays theirs.
-- name: orders_of_party
select
    orders.number, orders.channel, orders.placed_at, orders.language, orders.currency, orders.net_minor,
    orders.tax_minor, orders.gross_minor, orders.payment_id, releases.released_at,
    coalesce(contacts.email, '') as email, coalesce(contacts.phone, '') as phone,
    contacts.billing, contacts.delivery,
    (
        select jsonb_build_object('earliest', earliest, 'latest', latest, 'shown_at', shown_at)
        from orders.promises
        where order_id = orders.id
    ) as promised,
    array(
        select to_jsonb(line) || jsonb_build_object(
            'unit_price', line.unit_price::text,
            'tax_rate', line.tax_rate::text,
            'taken_back', coalesce(balance.taken_back, 0),
            'credited_minor', coalesce(balance.credited_minor, 0)
        )
        from orders.lines as line
        left join orders.line_balances as balance using (order_id, position)
        where line.order_id = orders.id
        order by line.position
    ) as lines,
    array(
        select to_jsonb(amendment) || jsonb_build_object(
            'lines',
            array(
                select to_jsonb(line) || jsonb_build_object('tax_rate', line.tax_rate::text)
                from orders.amendment_lines as line
                where line.amendment_id = amendment.id
                order by line.position
            )
        )
        from orders.amendments as amendment
        where amendment.order_id = orders.id
        order by amendment.id
    ) as amendments
from orders.orders
left join orders.contacts on contacts.order_id = orders.id and contacts.erased_at is null
left join orders.releases on releases.order_id = orders.id
where orders.customer_id in (select id from customers.of_party(:party_id))
order by orders.id;

-- What was credited to a person without an order, for their export.
-- name: credits_of_party
select
    amendment.kind, amendment.currency, amendment.net_minor, amendment.tax_minor, amendment.gross_minor,
    amendment.reason, amendment.occurred_at,
    array(
        select to_jsonb(line) || jsonb_build_object('tax_rate', line.tax_rate::text)
        from orders.amendment_lines as line
        where line.amendment_id = amendment.id
        order by line.position
    ) as lines
from orders.amendments as amendment
where amendment.customer_id in (select id from customers.of_party(:party_id)) and amendment.order_id is null
order by amendment.id;

-- The youngest order of a person whose bill must still be kept.
-- name: newest_bill
select max(orders.placed_at)
from orders.orders
join orders.contacts on contacts.order_id = orders.id
where orders.customer_id in (select id from customers.of_party(:party_id)) and contacts.billing <> '{}';

-- What a customer has bought in all: the projection, and what is younger than it.
-- name: sums_of_customer
select currency, sum(orders)::bigint as orders, sum(gross_minor)::bigint as gross_minor,
    sum(credited_minor)::bigint as credited_minor, min(first_at) as first_at, max(last_at) as last_at
from (
    select currency, orders, gross_minor, credited_minor, first_at, last_at
    from orders.customer_sums
    where customer_id = :customer_id
    union all
    select currency, 1, gross_minor, 0, placed_at, placed_at
    from orders.orders
    where customer_id = :customer_id and id > (select orders_upto from orders.summed)
    union all
    select currency, 0, 0, gross_minor, null, null
    from orders.amendments
    where customer_id = :customer_id and id > (select amendments_upto from orders.summed)
) as parts
group by currency
order by currency;

-- The same for the customers of a page.
-- name: sums_of_customers
select customer_id, currency, sum(orders)::bigint as orders, sum(gross_minor)::bigint as gross_minor,
    sum(credited_minor)::bigint as credited_minor, min(first_at) as first_at, max(last_at) as last_at
from (
    select customer_id, currency, orders, gross_minor, credited_minor, first_at, last_at
    from orders.customer_sums
    where customer_id = any (:customer_ids::uuid[])
    union all
    select customer_id, currency, 1, gross_minor, 0, placed_at, placed_at
    from orders.orders
    where customer_id = any (:customer_ids::uuid[]) and id > (select orders_upto from orders.summed)
    union all
    select customer_id, currency, 0, 0, gross_minor, null, null
    from orders.amendments
    where customer_id = any (:customer_ids::uuid[]) and id > (select amendments_upto from orders.summed)
) as parts
group by customer_id, currency
order by customer_id, sum(gross_minor) desc, currency;

-- The sums of customers are those of their orders and amendments, as far as they are summed.
-- name: check_customer_sums
select
    format('customer %s in %s', coalesce(facts.customer_id, sums.customer_id), coalesce(facts.currency, sums.currency)) as subject,
    format('%s orders, %s, %s back', coalesce(facts.orders, 0), coalesce(facts.gross_minor, 0), coalesce(facts.credited_minor, 0)) as expected,
    format('%s orders, %s, %s back', coalesce(sums.orders, 0), coalesce(sums.gross_minor, 0), coalesce(sums.credited_minor, 0)) as found
from (
    select customer_id, currency, sum(orders) as orders, sum(gross_minor) as gross_minor, sum(credited_minor) as credited_minor
    from (
        select customer_id, currency, 1 as orders, gross_minor, 0 as credited_minor
        from orders.orders
        where customer_id is not null and id <= (select orders_upto from orders.summed)
        union all
        select customer_id, currency, 0, 0, gross_minor
        from orders.amendments
        where customer_id is not null and id <= (select amendments_upto from orders.summed)
    ) as each
    group by customer_id, currency
) as facts
full join orders.customer_sums as sums on sums.customer_id = facts.customer_id and sums.currency = facts.currency
where coalesce(facts.orders, 0) <> coalesce(sums.orders, 0)
    or coalesce(facts.gross_minor, 0) <> coalesce(sums.gross_minor, 0)
    or coalesce(facts.credited_minor, 0) <> coalesce(sums.credited_minor, 0);

-- An order's totals are the sums of its lines.
-- name: check_totals
select
    'order ' || orders.number as subject,
    format('net %s, tax %s', coalesce(sum(lines.net_minor), 0), coalesce(sum(lines.tax_minor), 0)) as expected,
    format('net %s, tax %s', orders.net_minor, orders.tax_minor) as found
from orders.orders
left join orders.lines on lines.order_id = orders.id
group by orders.id
having orders.net_minor <> coalesce(sum(lines.net_minor), 0) or orders.tax_minor <> coalesce(sum(lines.tax_minor), 0);

-- An amendment's totals are the sums of its lines.
-- name: check_amendment_totals
select
    'amendment ' || amendments.id as subject,
    format('net %s, tax %s', coalesce(sum(lines.net_minor), 0), coalesce(sum(lines.tax_minor), 0)) as expected,
    format('net %s, tax %s', amendments.net_minor, amendments.tax_minor) as found
from orders.amendments
left join orders.amendment_lines as lines on lines.amendment_id = amendments.id
group by amendments.id
having amendments.net_minor <> coalesce(sum(lines.net_minor), 0)
    or amendments.tax_minor <> coalesce(sum(lines.tax_minor), 0);

-- What a line's balance says was taken back is what the amendments took.
-- name: check_line_balances
select
    format('order %s line %s', coalesce(balance.order_id, facts.order_id), coalesce(balance.position, facts.order_position)) as subject,
    format('%s pieces, %s', coalesce(facts.quantity, 0), coalesce(facts.gross_minor, 0)) as expected,
    format('%s pieces, %s', coalesce(balance.taken_back, 0), coalesce(balance.credited_minor, 0)) as found
from orders.line_balances as balance
full join (
    select order_id, order_position, sum(quantity) as quantity, sum(gross_minor) as gross_minor
    from orders.amendment_lines
    where order_id is not null
    group by order_id, order_position
) as facts on facts.order_id = balance.order_id and facts.order_position = balance.position
where coalesce(balance.taken_back, 0) <> coalesce(facts.quantity, 0)
    or coalesce(balance.credited_minor, 0) <> coalesce(facts.gross_minor, 0);

-- Every order is owed by exactly its total, less what amendments took back.
-- name: check_payments
select
    'order ' || orders.number as subject,
    format('amount %s, credited %s', orders.gross_minor, coalesce(facts.gross_minor, 0)) as expected,
    format('amount %s, credited %s', paid.amount_minor, paid.credited_minor) as found
from orders.orders
left join payments.all_sums() as paid on paid.payment_id = orders.payment_id
left join (
    select order_id, sum(gross_minor) as gross_minor from orders.amendments where order_id is not null group by order_id
) as facts on facts.order_id = orders.id
where paid.payment_id is null
    or paid.purpose_id <> orders.id
    or paid.amount_minor <> orders.gross_minor
    or paid.credited_minor <> coalesce(facts.gross_minor, 0);

-- A payment for an order that is not there would be money for nothing.
-- name: check_payments_have_orders
select 'payment ' || paid.payment_id as subject, 'order ' || paid.purpose_id as expected, 'none' as found
from payments.all_sums() as paid
left join orders.orders on orders.id = paid.purpose_id
where paid.purpose = 'order' and orders.id is null;

-- Every sale is booked once, on receivables, with the order's total.
-- name: check_sales_are_booked
select
    'order ' || coalesce(orders.number, booked.set_id::text) as subject,
    coalesce(orders.gross_minor, 0)::text as expected,
    coalesce(booked.amount_minor, 0)::text as found
from orders.orders
full join (select * from ledger.set_sums('receivables') where kind = 'sale') as booked on booked.set_id = orders.id
where coalesce(orders.gross_minor, 0) <> coalesce(booked.amount_minor, 0);

-- Every amendment is booked once, on receivables, with its total.
-- name: check_amendments_are_booked
select
    'amendment ' || coalesce(amendments.id, booked.set_id) as subject,
    (-coalesce(amendments.gross_minor, 0))::text as expected,
    coalesce(booked.amount_minor, 0)::text as found
from orders.amendments
full join (select * from ledger.set_sums('receivables') where kind in ('cancellation', 'return', 'credit')) as booked
    on booked.set_id = amendments.id
where -coalesce(amendments.gross_minor, 0) <> coalesce(booked.amount_minor, 0);

-- What the goods lines sold left the pools, and what came back came in; nothing else is said to be an order's.
-- name: check_movements
select
    coalesce(facts.kind, moved.ref_kind) || ' ' || coalesce(facts.id, moved.ref_id) as subject,
    coalesce(facts.delta, 0)::text as expected,
    coalesce(moved.delta, 0)::text as found
from (
    select 'order' as kind, order_id as id, -sum(quantity)::bigint as delta
    from orders.lines
    where pool_id is not null
    group by order_id
    union all
    select 'amendment', amendment_id, sum(quantity)::bigint
    from orders.amendment_lines
    where pool_id is not null
    group by amendment_id
) as facts
full join (select * from pools.movement_sums() where ref_kind in ('order', 'amendment')) as moved
    on moved.ref_kind = facts.kind and moved.ref_id = facts.id
where coalesce(facts.delta, 0) <> coalesce(moved.delta, 0);

-- Every order and amendment was reported exactly once, and nothing was reported that is not there.
-- name: check_events
select
    coalesce(facts.type, reported.type) || ' ' || coalesce(facts.id, reported.id) as subject,
    coalesce(facts.times, 0)::text as expected,
    coalesce(reported.times, 0)::text as found
from (
    select 'orders.Placed' as type, id::text as id, 1 as times from orders.orders
    union all
    select 'orders.Amended', id::text, 1 from orders.amendments
) as facts
full join (
    select type, coalesce(payload ->> 'amendment_id', payload ->> 'order_id') as id, count(*) as times
    from kernel.events
    where type in ('orders.Placed', 'orders.Amended')
    group by 1, 2
) as reported on reported.type = facts.type and reported.id = facts.id
where coalesce(facts.times, 0) <> coalesce(reported.times, 0);
