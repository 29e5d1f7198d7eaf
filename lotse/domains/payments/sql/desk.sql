-- New payments; one that is settled at once (a till's cash, an import) comes with its receipt.
-- name: payments
insert into payments.payments (
    id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, received_minor, due_at, created_at
)
select *
from unnest(:rows::payments.payments_row[]);

-- Money that came in.
-- name: receipts
insert into payments.receipts (id, payment_id, reference, amount_minor, actor, occurred_at, recorded_at)
select *
from unnest(
    :id::uuid[], :payment_id::uuid[], :reference::text[], :amount_minor::bigint[], :actor::text[],
    :occurred_at::timestamptz[], :recorded_at::timestamptz[]
);

-- Money that went back.
-- name: refunds
insert into payments.refunds (id, payment_id, reference, amount_minor, actor, occurred_at, recorded_at)
select *
from unnest(
    :id::uuid[], :payment_id::uuid[], :reference::text[], :amount_minor::bigint[], :actor::text[],
    :occurred_at::timestamptz[], :recorded_at::timestamptz[]
);

-- What changes on existing payments, each payment once however many facts a batch brings.
-- name: sums
update payments.payments as payment
set
    credited_minor = payment.credited_minor + given.credited_minor,
    received_minor = payment.received_minor + given.received_minor,
    refunded_minor = payment.refunded_minor + given.refunded_minor
from (
    select
        payment_id,
        sum(credited_minor)::bigint as credited_minor,
        sum(received_minor)::bigint as received_minor,
        sum(refunded_minor)::bigint as refunded_minor
    from unnest(:payment_id::uuid[], :credited_minor::bigint[], :received_minor::bigint[], :refunded_minor::bigint[])
        as each (payment_id, credited_minor, received_minor, refunded_minor)
    group by payment_id
    order by payment_id
) as given
where payment.id = given.payment_id;

-- Charges in id order: whoever decides whether one becomes an order waits for whoever gives it up.
-- name: lock_charges
select *
from payments.charges
where id = any (:ids::uuid[])
order by id
for no key update;

-- In the order's own transaction: the charge has become that order.
-- name: charges_ordered
update payments.charges
set state = given.state, payment_id = given.payment_id, look_at = given.look_at, looks = 0, changed_at = given.changed_at
from unnest(:id::uuid[], :state::text[], :payment_id::uuid[], :look_at::timestamptz[], :changed_at::timestamptz[])
    as given (id, state, payment_id, look_at, changed_at)
where charges.id = given.id;

-- What happened to charges.
-- name: charge_trail
insert into payments.charge_trail (id, charge_id, what, outcome, state, reason, actor, amount_minor, at)
select *
from unnest(
    :id::uuid[], :charge_id::uuid[], :what::text[], :outcome::text[], :state::text[], :reason::text[], :actor::text[],
    :amount_minor::bigint[], :at::timestamptz[]
);
