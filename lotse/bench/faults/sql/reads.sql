-- Every order with what hangs on it, each part counted from its own table: whole is what agrees everywhere.
-- name: orders
with goods as (
    -- A till sells articles, a shop offers.
    select order_id, jsonb_object_agg(what, quantity) as wants
    from (
        select order_id, coalesce(offer_id::text, sku) as what, sum(quantity) as quantity
        from orders.lines where kind = 'goods' group by order_id, what
    ) as line
    group by order_id
), sold as (
    select order_id, jsonb_object_agg(pool_id, quantity) as sold
    from (
        select order_id, pool_id, sum(quantity) as quantity
        from orders.lines where pool_id is not null group by order_id, pool_id
    ) as line
    group by order_id
), amounts as (
    select order_id, sum(gross_minor)::bigint as gross_minor from orders.lines group by order_id
), moved as (
    select ref_id, jsonb_object_agg(pool_id, delta) as moved
    from (
        select ref_id, pool_id, sum(delta) as delta
        from pools.movements where ref_kind = 'order' group by ref_id, pool_id
    ) as movement
    group by ref_id
), found as (
    -- What a till sold without its being on record.
    select ref_id, jsonb_object_agg(pool_id, delta) as found
    from (
        select ref_id, pool_id, sum(delta) as delta
        from pools.movements where ref_kind = 'sale' group by ref_id, pool_id
    ) as movement
    group by ref_id
), booked as (
    select set_id, sum(amount_minor) filter (where account = 'receivables')::bigint as receivables_minor,
           sum(amount_minor)::bigint as balance_minor
    from ledger.entries group by set_id
), reported as (
    select key, count(*) as times from kernel.events where type = 'orders.Placed' group by key
)
select
    orders.id::text, coalesce(contacts.email, '') as email, orders.number, orders.payment_id::text, orders.gross_minor,
    coalesce(goods.wants, '{}') as wants, coalesce(sold.sold, '{}') as sold, coalesce(moved.moved, '{}') as moved, coalesce(found.found, '{}') as found,
    coalesce(amounts.gross_minor, 0) as lines_minor,
    coalesce(booked.receivables_minor, 0) as receivables_minor, coalesce(booked.balance_minor, 0) as balance_minor,
    coalesce(payments.amount_minor, -1) as payment_minor, coalesce(payments.method, '') as method,
    coalesce(reported.times, 0) as reported
from orders.orders
left join orders.contacts on contacts.order_id = orders.id
left join goods on goods.order_id = orders.id
left join sold on sold.order_id = orders.id
left join amounts on amounts.order_id = orders.id
left join moved on moved.ref_id = orders.id
left join found on found.ref_id = orders.id
left join booked on booked.set_id = orders.id
left join payments.payments on payments.id = orders.payment_id and payments.purpose_id = orders.id
left join reported on reported.key = orders.id::text;

-- What was taken back of orders, with what that moved, booked and reported.
-- name: amendments
with moved as (
    select ref_id, jsonb_object_agg(pool_id, delta) as moved
    from (
        select ref_id, pool_id, sum(delta) as delta
        from pools.movements where ref_kind = 'amendment' group by ref_id, pool_id
    ) as movement
    group by ref_id
), restocked as (
    select amendment_id, jsonb_object_agg(pool_id, quantity) as restocked
    from (
        select amendment_id, pool_id, sum(quantity) as quantity
        from orders.amendment_lines where pool_id is not null group by amendment_id, pool_id
    ) as line
    group by amendment_id
)
select
    amendments.id::text, coalesce(amendments.order_id::text, '') as order_id, amendments.kind, amendments.reason,
    amendments.gross_minor,
    coalesce((select sum(gross_minor)::bigint from orders.amendment_lines where amendment_id = amendments.id), 0)
        as lines_minor,
    coalesce(
        (
            select -sum(amount_minor)::bigint
            from ledger.entries where set_id = amendments.id and account = 'receivables'
        ),
        0
    ) as receivables_minor,
    coalesce(restocked.restocked, '{}') as restocked, coalesce(moved.moved, '{}') as moved,
    (
        select count(*) from kernel.events
        where type = 'orders.Amended' and payload ->> 'amendment_id' = amendments.id::text
    ) as reported
from orders.amendments
left join moved on moved.ref_id = amendments.id
left join restocked on restocked.amendment_id = amendments.id;

-- Papers of goods that came, went or were counted, with what they moved.
-- name: documents
with moved as (
    select ref_id, jsonb_object_agg(pool_id, delta) as moved
    from (
        select ref_id, pool_id, sum(delta) as delta
        from pools.movements where ref_kind in ('receipt', 'adjustment', 'transfer') group by ref_id, pool_id
    ) as movement
    group by ref_id
)
select documents.id::text, documents.reference, coalesce(moved.moved, '{}') as moved
from inventory.documents
left join moved on moved.ref_id = documents.id;

-- Holds with their lines and what a claim moved.
-- name: holds
with moved as (
    select ref_id, jsonb_object_agg(pool_id, delta) as moved
    from (
        select ref_id, pool_id, sum(delta) as delta
        from pools.movements where ref_kind = 'claim' group by ref_id, pool_id
    ) as movement
    group by ref_id
), lines as (
    select hold_id, jsonb_object_agg(pool_id, quantity) as lines, bool_or(live) as live
    from pools.hold_lines group by hold_id
)
select
    holds.id::text, holds.state, coalesce(lines.lines, '{}') as lines, coalesce(lines.live, false) as live,
    coalesce(moved.moved, '{}') as moved
from pools.holds
left join lines on lines.hold_id = holds.id
left join moved on moved.ref_id = holds.id;

-- Every pool, what its live lines hold, and how much of that should have come back by now.
-- name: pools
select
    pools.id, pools.on_hand, pools.held,
    coalesce(lines.live, 0)::bigint as live, coalesce(lines.overdue, 0)::bigint as overdue
from pools.pools
left join (
    select pool_id, sum(quantity) as live, sum(quantity) filter (where expires_at <= :at) as overdue
    from pools.hold_lines where live group by pool_id
) as lines on lines.pool_id = pools.id;

-- Baskets with their lines.
-- name: baskets
select
    baskets.id::text, coalesce(baskets.order_id::text, '') as order_id,
    (
        select coalesce(jsonb_object_agg(offer_id, quantity), '{}')
        from checkout.basket_lines where basket_id = baskets.id
    ) as wants
from checkout.baskets;

-- Charges as Lotse knows them, with the order that each paid for and what of that order is still owed for.
-- name: charges
select
    charges.id::text, charges.state, charges.look_at is null as ended, charges.amount_minor, charges.authorised_minor,
    charges.captured_minor, charges.voided_minor, charges.refunded_minor,
    coalesce(payments.purpose_id::text, '') as order_id,
    coalesce(payments.amount_minor - payments.credited_minor, 0) as owed_minor
from payments.charges
left join payments.payments on payments.id = charges.payment_id;

-- Attempts to pay that are not at their end, for whoever looks at how theirs stands.
-- name: open_charges
select purpose_id::text as basket_id, id::text as charge_id from payments.charges where look_at is not null;

-- Rows whose head is missing: half of something.
-- name: orphans
select 'order line' as what, order_id::text as id from orders.lines as part
where not exists (select from orders.orders where id = part.order_id)
union all
select 'contact', order_id::text from orders.contacts as part
where not exists (select from orders.orders where id = part.order_id)
union all
select 'release', order_id::text from orders.releases as part
where not exists (select from orders.orders where id = part.order_id)
union all
select 'amendment line', amendment_id::text from orders.amendment_lines as part
where not exists (select from orders.amendments where id = part.amendment_id)
union all
select 'payment', id::text from payments.payments as part
where purpose = 'order' and not exists (select from orders.orders where id = part.purpose_id)
union all
select 'sale entry', set_id::text from ledger.entries as part
where kind = 'sale' and not exists (select from orders.orders where id = part.set_id)
union all
select 'movement of an order', ref_id::text from pools.movements as part
where ref_kind in ('order', 'sale') and not exists (select from orders.orders where id = part.ref_id)
union all
select 'movement of an amendment', ref_id::text from pools.movements as part
where ref_kind = 'amendment' and not exists (select from orders.amendments where id = part.ref_id)
union all
select 'movement of a document', ref_id::text from pools.movements as part
where ref_kind in ('receipt', 'adjustment', 'transfer')
    and not exists (select from inventory.documents where id = part.ref_id)
union all
select 'movement of a hold', ref_id::text from pools.movements as part
where ref_kind = 'claim' and not exists (select from pools.holds where id = part.ref_id)
union all
select 'hold line', hold_id::text from pools.hold_lines as part
where not exists (select from pools.holds where id = part.hold_id)
union all
select 'event of an order', key from kernel.events as part
where type = 'orders.Placed' and not exists (select from orders.orders where id = part.key::uuid)
union all
select 'ordered basket', id::text from checkout.baskets as part
where order_id is not null and not exists (select from orders.orders where id = part.order_id)
union all
select 'key without an answer', principal || ' ' || key from kernel.idempotency where answer is null;

-- What the relay put into the log, in its order.
-- name: events
select position, type, key from kernel.event_log order by position;

-- What reached the bench's own consumers, in the order in which it took effect.
-- name: seen
select consumer, position from bench_faults.seen order by consumer, number;

-- What keeps the shop from being at rest: events on their way, consumers behind, transactions that nobody ends.
-- name: unrest
select 'outbox' as what, count(*)::text || ' events' as how from kernel.outbox having count(*) > 0
union all
select 'consumer ' || consumers.name, consumers.position || ' of ' || head.position
from kernel.consumers, kernel.event_head as head
where consumers.position < head.position
union all
select 'parked events of ' || consumer, count(*)::text from kernel.parked_events group by consumer
union all
select 'charges ' || state, count(*)::text from payments.charges where look_at is not null group by state
union all
select 'refunds on their way', count(*)::text from payments.charge_refunds where state = 'asked' having count(*) > 0
union all
select 'transaction of ' || application_name, state || ' since ' || xact_start::text
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
    and xact_start < clock_timestamp() - interval '5 seconds';

-- Jobs that were not done, or failed for good, and what jobs are there to close. A dead worker's jobs come to others when
-- its lease is over.
-- name: unfinished_jobs
select 'job ' || entrypoint as what, status::text || ' since ' || updated as how
from pgqueuer.pgqueuer
where status in ('failed', 'exception') or created < clock_timestamp() - interval '2 seconds'
union all
-- Closed, an attempt to pay holds nothing any more.
select 'attempts to pay', count(*) || ' not closed' from checkout.attempts where closed_at is null having count(*) > 0;

-- Pools with a hold that is over and not given back.
-- name: overdue_pools
select distinct pool_id from pools.hold_lines where live and expires_at <= :at;

-- When the last hold of the bench's own is over. Those of the checkout end with their payments.
-- name: last_hold
select max(line.expires_at)
from pools.hold_lines as line
join pools.holds on holds.id = line.hold_id
where line.live and (holds.holder like 'bench:%' or holds.holder like 'system:bench%');

-- The backends of Lotse's roles, to be ended one at a time.
-- name: backends
select pid, application_name as role from pg_stat_activity
where datname = current_database() and application_name like 'lotse %' and application_name <> 'lotse bench'
order by backend_start, pid;
