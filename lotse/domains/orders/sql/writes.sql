-- Two reactions to the same payment, or a retry, release once.
-- name: release
insert into orders.releases (order_id, released_at, recorded_at)
values (:order_id, :released_at, :recorded_at)
on conflict (order_id) do nothing;

-- What names a person goes, the bill's recipient only once no invoice needs it any more; the order, its lines and its
-- postings stay, they carry ids only.
-- name: erase_contacts
update orders.contacts
set
    email = '',
    phone = '',
    delivery = null,
    billing = case when orders.placed_at < :bills_before then '{}' else billing end,
    erased_at = case when orders.placed_at < :bills_before then :at::timestamptz end
from orders.orders
where contacts.order_id = orders.id
    and orders.customer_id in (select id from customers.of_party(:party_id))
    and contacts.erased_at is null;

-- Whoever sums holds the marks, so that nothing is added twice.
-- name: lock_summed
select orders_upto from orders.summed for update;

-- The next orders into the sums of their customers, and the mark behind them. Ids are drawn when orders are placed, so
-- those that are older than `before` are all there. How many orders were looked at.
-- name: sum_orders
with next as materialized (
    select id, customer_id, currency, gross_minor, placed_at
    from orders.orders
    where id > (select orders_upto from orders.summed) and id < :before
    order by id
    limit :limit
), added as (
    insert into orders.customer_sums as sums (customer_id, currency, orders, gross_minor, credited_minor, first_at, last_at)
    select customer_id, currency, count(*), sum(gross_minor), 0, min(placed_at), max(placed_at)
    from next
    where customer_id is not null
    group by customer_id, currency
    order by customer_id, currency
    on conflict (customer_id, currency) do update
    set orders = sums.orders + excluded.orders,
        gross_minor = sums.gross_minor + excluded.gross_minor,
        first_at = least(sums.first_at, excluded.first_at),
        last_at = greatest(sums.last_at, excluded.last_at)
), moved as (
    update orders.summed set orders_upto = (select id from next order by id desc limit 1) where exists (select from next)
)
select count(*) from next;

-- The same for amendments.
-- name: sum_amendments
with next as materialized (
    select id, customer_id, currency, gross_minor
    from orders.amendments
    where id > (select amendments_upto from orders.summed) and id < :before
    order by id
    limit :limit
), added as (
    insert into orders.customer_sums as sums (customer_id, currency, orders, gross_minor, credited_minor)
    select customer_id, currency, 0, 0, sum(gross_minor)
    from next
    where customer_id is not null
    group by customer_id, currency
    order by customer_id, currency
    on conflict (customer_id, currency) do update
    set credited_minor = sums.credited_minor + excluded.credited_minor
), moved as (
    update orders.summed set amendments_upto = (select id from next order by id desc limit 1) where exists (select from next)
)
select count(*) from next;
