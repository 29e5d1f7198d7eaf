-- One payment as it stands.
-- name: payment
select id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, credited_minor, received_minor, refunded_minor, due_at, created_at
from payments.payments
where id = :payment_id;

-- The same, locked: its sums are about to change and events of one payment keep their order.
-- name: lock_payment
select id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, credited_minor, received_minor, refunded_minor, due_at, created_at
from payments.payments
where id = :payment_id
for no key update;

-- Was this receipt recorded before?
-- name: receipt
select id, payment_id, reference, amount_minor, actor, occurred_at from payments.receipts
where payment_id = :payment_id and reference = :reference;

-- Was this refund recorded before?
-- name: refund
select id, payment_id, reference, amount_minor, actor, occurred_at from payments.refunds
where payment_id = :payment_id and reference = :reference;

-- Everything that came in and went back for one payment.
-- name: money_of
select id, 'receipt' as kind, reference, amount_minor, actor, occurred_at from payments.receipts where payment_id = :payment_id
union all
select id, 'refund' as kind, reference, amount_minor, actor, occurred_at from payments.refunds where payment_id = :payment_id
order by occurred_at, id;

-- A page of what is overdue, the oldest first: reminders, and orders that waited for their prepayment in vain. By the
-- partial index.
-- name: overdue
select id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, credited_minor, received_minor, refunded_minor, due_at, created_at
from payments.payments
where amount_minor - credited_minor > received_minor - refunded_minor and due_at < :at and method = :method
    and (:after_due::timestamptz is null or (due_at, id) > (:after_due, :after_id::uuid))
order by due_at, id
limit :limit;

-- What came in is the sum of the receipts.
-- name: check_received
select 'payment ' || payment.id as subject, coalesce(facts.sum, 0)::text as expected, payment.received_minor::text as found
from payments.payments as payment
left join (select payment_id, sum(amount_minor) from payments.receipts group by payment_id) as facts
    on facts.payment_id = payment.id
where payment.received_minor <> coalesce(facts.sum, 0);

-- What went back is the sum of the refunds.
-- name: check_refunded
select 'payment ' || payment.id as subject, coalesce(facts.sum, 0)::text as expected, payment.refunded_minor::text as found
from payments.payments as payment
left join (select payment_id, sum(amount_minor) from payments.refunds group by payment_id) as facts
    on facts.payment_id = payment.id
where payment.refunded_minor <> coalesce(facts.sum, 0);

-- A receipt or refund of no payment would be money that nobody accounts for.
-- name: check_money_has_payment
select kind || ' ' || facts.id as subject, 'payment ' || facts.payment_id as expected, 'none' as found
from (
    select 'receipt' as kind, id, payment_id from payments.receipts
    union all
    select 'refund', id, payment_id from payments.refunds
) as facts
left join payments.payments on payments.id = facts.payment_id
where payments.id is null;

-- Every receipt and refund is booked on the bank account, with its own amount.
-- name: check_money_is_booked
select
    coalesce(facts.kind, booked.kind) || ' ' || coalesce(facts.id, booked.set_id) as subject,
    coalesce(facts.amount_minor, 0)::text as expected,
    coalesce(booked.amount_minor, 0)::text as found
from (
    select 'receipt' as kind, id, amount_minor from payments.receipts
    union all
    select 'refund', id, -amount_minor from payments.refunds
) as facts
full join (select * from ledger.set_sums('bank') where kind in ('receipt', 'refund')) as booked on booked.set_id = facts.id
where coalesce(facts.amount_minor, 0) <> coalesce(booked.amount_minor, 0);
