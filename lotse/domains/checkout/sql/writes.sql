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
