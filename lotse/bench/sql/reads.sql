-- What `lotse bench` reads and proves. It stands above all domains, so its statements may look into every schema.

-- The worker's job; without it this month's rows would lie in the default partitions.
-- name: ensure_months
select kernel.ensure_months(now(), 1);

-- CPU time can be read only of a server on this machine.
-- name: is_local
select inet_server_addr() is null or inet_server_addr() = inet_client_addr();

-- The process that serves this connection; its parent is the server's first.
-- name: backend
select pg_backend_pid();

-- pgbench takes a connection per client; what the server keeps for its administrator is not for us.
-- name: free_connections
select
    current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
    - (select count(*) from pg_stat_activity where backend_type = 'client backend');

-- Locks are taken in one order, so there is none; the server counts them.
-- name: deadlocks
select deadlocks from pg_stat_database where datname = current_database();

-- How many rows each table of the order path holds: both sides must add the same number per order.
-- name: rows
select
    (select count(*) from orders.orders) as orders,
    (select count(*) from orders.lines) as lines,
    (select count(*) from orders.contacts) as contacts,
    (select count(*) from orders.releases) as releases,
    (select count(*) from pools.movements) as movements,
    (select count(*) from pools.holds) as holds,
    (select count(*) from pools.hold_lines) as hold_lines,
    (select count(*) from pools.holders) as holders,
    (select count(*) from ledger.entries) as entries,
    (select count(*) from payments.payments) as payments,
    (select count(*) from payments.receipts) as receipts,
    (select count(*) from kernel.outbox) as outbox,
    (select count(*) from kernel.idempotency where answer is not null) as idempotency;

-- Sums over the whole order path. Each row is a difference; none if all is well.
-- name: differences
select 'pool ' || pools.id as subject, coalesce(moved.delta, 0)::text as expected, pools.on_hand::text as found
from pools.pools
left join (select pool_id, sum(delta) as delta from pools.movements group by pool_id) as moved
    on moved.pool_id = pools.id
where pools.on_hand <> coalesce(moved.delta, 0)
union all
select 'held of pool ' || pools.id, coalesce(line.quantity, 0)::text, pools.held::text
from pools.pools
left join (select pool_id, sum(quantity) as quantity from pools.hold_lines where live group by pool_id) as line
    on line.pool_id = pools.id
where pools.held <> coalesce(line.quantity, 0)
union all
select 'pieces sold and moved', sold.pieces::text, moved.pieces::text
from (select coalesce(sum(quantity), 0) as pieces from orders.lines where kind = 'goods') as sold
cross join (
    select coalesce(-sum(delta), 0) as pieces from pools.movements where reason = 'sold' and ref_kind = 'order'
) as moved
where sold.pieces <> moved.pieces
union all
select 'ledger in ' || currency, '0', sum(amount_minor)::text
from ledger.entries
group by currency
having sum(amount_minor) <> 0
union all
select 'receivables and orders', ordered.minor::text, booked.minor::text
from (select coalesce(sum(gross_minor), 0) as minor from orders.orders) as ordered
cross join (
    select coalesce(sum(amount_minor), 0) as minor from ledger.entries where account = 'receivables' and kind = 'sale'
) as booked
where ordered.minor <> booked.minor
union all
select 'payments and orders', ordered.minor::text, owed.minor::text
from (select coalesce(sum(gross_minor), 0) as minor from orders.orders) as ordered
cross join (select coalesce(sum(amount_minor), 0) as minor from payments.payments) as owed
where ordered.minor <> owed.minor;

-- Pieces that were sold of one pool, by the orders' lines.
-- name: sold_of
select coalesce(sum(quantity), 0)::bigint from orders.lines where pool_id = :pool_id;

-- What one pool has.
-- name: on_hand
select on_hand from pools.pools where id = :pool_id;

-- Pieces that were given away without being there.
-- name: oversold
select coalesce(sum(-least(pool.delta, 0)), 0)::bigint
from (select sum(delta) as delta from pools.movements group by pool_id) as pool;
