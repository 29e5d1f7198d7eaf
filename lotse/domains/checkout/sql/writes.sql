-- The id is a guest's only key to the basket, so it is drawn and not counted.
-- name: create_basket
insert into checkout.baskets (id, shop_id, customer_id, created_at, changed_at)
values (:id, :shop_id, :customer_id, :at, :at);

-- Counts the version up, and is the lock under which lines change. Nothing if the basket is not there or is ordered.
-- name: touch_basket
update checkout.baskets
set version = version + 1, changed_at = :at
where id = :id and order_id is null
returning shop_id;

-- Adds to what is there; the constraint bounds the sum. Touching the basket is the lock, as above; nothing is added if it
-- is not there, is ordered or is full. Two at once may both see one place left: the limit bounds, it does not count.
-- name: add_line
with touched as (
    update checkout.baskets
    set version = version + 1, changed_at = :at
    where id = :basket_id and shop_id = :shop_id and order_id is null
      and (select count(*) from checkout.basket_lines where basket_id = :basket_id) < :most
    returning id
)
insert into checkout.basket_lines as line (basket_id, offer_id, variant_id, quantity, seen_unit_price, added_at)
select id, :offer_id, :variant_id, :quantity, :seen_unit_price, :at from touched
on conflict (basket_id, offer_id) do update
set quantity = line.quantity + excluded.quantity, seen_unit_price = excluded.seen_unit_price;

-- Most baskets begin with something in them.
-- name: add_first_line
with created as (
    insert into checkout.baskets (id, shop_id, created_at, changed_at)
    values (:basket_id, :shop_id, :at, :at)
    returning id
)
insert into checkout.basket_lines (basket_id, offer_id, variant_id, quantity, seen_unit_price, added_at)
select id, :offer_id, :variant_id, :quantity, :seen_unit_price, :at from created;

-- Under the lock of a basket that was touched before.
-- name: put_line
insert into checkout.basket_lines (basket_id, offer_id, variant_id, quantity, seen_unit_price, added_at)
values (:basket_id, :offer_id, :variant_id, :quantity, :seen_unit_price, :at);

-- The price that was seen goes with the quantity: placing compares it with the price of that moment.
-- name: set_quantity
update checkout.basket_lines
set quantity = :quantity, seen_unit_price = :seen_unit_price
where basket_id = :basket_id and offer_id = :offer_id;

-- A line that is gone already is as it should be: removing twice changes nothing.
-- name: remove_line
delete from checkout.basket_lines where basket_id = :basket_id and offer_id = :offer_id;

-- One rate per moment; a correction of the same moment replaces it, history stays.
-- name: put_shipping
insert into checkout.shipping_rates (shop_id, country, valid_from, price_minor, free_from_minor)
values (:shop_id, :country, :valid_from, :price_minor, :free_from_minor)
on conflict (shop_id, country, valid_from) do update
set price_minor = excluded.price_minor, free_from_minor = excluded.free_from_minor;

-- Bounded, so that a clean-up never holds locks for long.
-- name: delete_old
delete from checkout.baskets
where id in (select id from checkout.baskets where changed_at < :before limit :limit for update skip locked);

-- Two tabs that begin to pay at the same moment: the second waits and finds what the first began.
-- name: lock_basket
select id, version, order_id from checkout.baskets where id = :id for no key update;

-- Everything that the order will need, before anybody is asked for money.
-- name: begin_attempt
insert into checkout.attempts (
    charge_id, basket_id, version, shop_id, order_id, hold_id, replaces, origin, held_until, return_url, webhook_url,
    free_from, "order", created_at
)
values (
    :charge_id, :basket_id, :version, :shop_id, :order_id, :hold_id, :replaces, :origin, :held_until, :return_url,
    :webhook_url, :free_from, :order, :at
);

-- The basket's newest attempt. Not a change of the basket: its version stays.
-- name: begin_paying
update checkout.baskets set charge_id = :charge_id where id = :id;

-- It has come to its end. With an order the names stand there from now on, else the buyer may want to try again.
-- name: close_attempt
update checkout.attempts
set closed_at = :at, "order" = case when :forget then null else "order" end
where charge_id = :charge_id and closed_at is null;

-- Names and addresses of attempts that nobody came back to. Bounded, so that locks are held shortly.
-- name: forget_attempts
update checkout.attempts
set "order" = null
where charge_id in (
    select charge_id from checkout.attempts
    where closed_at < :before and "order" is not null
    limit :limit
    for update skip locked
);

-- A person's own attempts that are closed; one that is under way becomes an order or is closed within the hour.
-- name: erase_attempts
update checkout.attempts
set "order" = null
from checkout.baskets
where baskets.id = attempts.basket_id
    and baskets.customer_id in (select id from customers.of_party(:party_id))
    and attempts.closed_at is not null and attempts."order" is not null;
