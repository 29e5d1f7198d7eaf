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
