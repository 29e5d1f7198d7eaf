-- Two reactions to the same payment, or a retry, release once.
-- name: release
insert into orders.releases (order_id, released_at, recorded_at)
values (:order_id, :released_at, :recorded_at)
on conflict (order_id) do nothing;

-- What names a person goes; the order, its lines and its postings stay, they carry ids only.
-- name: erase_contact
update orders.contacts
set email = '', phone = '', billing = '{}', delivery = '{}', erased_at = :at
where order_id = any (select id from orders.orders where customer_id = :customer_id) and erased_at is null;
