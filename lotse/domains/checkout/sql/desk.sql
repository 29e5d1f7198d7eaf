-- A basket becomes one order: the second of two tabs waits here and is told.
-- name: lock_baskets
select id, version, order_id
from checkout.baskets
where id = any (:ids::uuid[])
order by id
for no key update;

-- In the order's own transaction: a basket becomes one order, never two.
-- name: ordered
update checkout.baskets
set order_id = given.order_id, changed_at = given.changed_at
from unnest(:id::uuid[], :order_id::uuid[], :changed_at::timestamptz[]) as given (id, order_id, changed_at)
where baskets.id = given.id;
